/*
 * chat.c: the blocking forms: a call from its start to its reply.
 */
#include "call.h"
#include "client.h"

exo_reply *exo_chat_events(exo_client *client, const exo_request *request, const exo_call_options *options,
                           void (*on_event)(void *ctx, const exo_event *event), void *ctx)
{
    exo_call *call = exo_call_start(client, request, options, NULL);
    if (!call) {
        return NULL;
    }
    call->is_chats = true;
    client->chats++;
    if (exo_loop_table(&client->loop)->is_watched(client->loop.transport)) {
        exo_engine_say(client, "a call that blocks: the sockets are watched by the caller");
        exo_call_cancel(call);
        exo_reply_fail_saying(call->reply, EXO_E_STATE, exo_span_text(client->message));
    }
    exo_event event;
    while (call->state != CALL_ENDED || call->waiting.there) {
        int code = exo_client_next_of(client, call, -1, &event);
        if (code == EXO_E_FORKED) {
            return NULL;
        }
        if (code == EXO_EVENT && on_event) {
            on_event(ctx, &event);
        }
    }
    exo_reply *reply = exo_call_reply(call);
    call->is_chats = false;
    exo_call_free(call);
    client->chats--;
    if (client->is_freed) {
        exo_client_free(client);
    }
    return reply;
}

/* What exo_chat() was given to show text with. */
typedef struct text_hook {
    void (*on_text)(void *ctx, exo_span text);
    void *ctx;
} text_hook;

static void chat_pass_text(void *ctx, const exo_event *event)
{
    const text_hook *hook = ctx;
    if (event->type == EXO_EVENT_TEXT && event->choice == 0) {
        hook->on_text(hook->ctx, event->text);
    }
}

exo_reply *exo_chat(exo_client *client, const exo_request *request, void (*on_text)(void *ctx, exo_span text),
                    void *ctx)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    text_hook hook = {on_text, ctx};
    options.buffered = !on_text;
    options.events = EXO_WANT(EXO_EVENT_TEXT);
    return exo_chat_events(client, request, &options, on_text ? chat_pass_text : NULL, &hook);
}
