/*
 * ask.c: see ask.h.
 */
#include "ask.h"

#include "interrupt.h"

exo_reply *ask(exo_client *client, const exo_request *request, const exo_call_options *options,
               bool (*on_event)(void *ctx, const exo_event *event), void *ctx)
{
    exo_call *call = exo_call_start(client, request, options, NULL);
    exo_event event;
    bool going = call != NULL;
    while (going) {
        int result = exo_client_next(client, INTERRUPT_POLL_MS, &event);
        bool wanted = result != EXO_EVENT || !on_event || on_event(ctx, &event);
        bool ended = result == EXO_EVENT && event.type == EXO_EVENT_END;
        going = (result == EXO_EVENT || result == EXO_OK) && wanted && !ended && !interrupted();
        if (!going && !ended) {
            exo_call_cancel(call);
        }
    }
    exo_reply *reply = call ? exo_call_reply(call) : NULL;
    exo_call_free(call);
    return reply;
}
