/*
 * peer_exochat.c: the library, as it is measured. See peer.h.
 */
#include "peer.h"

#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>

struct peer {
    exo_client *client;
};

static void peer_die(const char *why)
{
    fprintf(stderr, "peer_exochat: %s\n", why);
    exit(1);
}

peer *peer_new(const char *base_url)
{
    peer *p = calloc(1, sizeof *p);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = base_url;
    deployment.api_key = "sk-bench";
    deployment.proxy = "";
    p->client = exo_client_new(NULL);
    if (!p->client || exo_client_deploy(p->client, "bench", &deployment) != EXO_OK) {
        peer_die(p->client ? exo_client_message(p->client) : "no client");
    }
    return p;
}

static exo_request *peer_request(const peer_prompt *prompt)
{
    exo_request *request = exo_request_new("bench");
    for (size_t i = 0; i < prompt->count; i++) {
        const peer_message *m = &prompt->messages[i];
        if (m->file) {
            exo_request_file(request, EXO_USER, m->file, "text/plain");
        } else {
            exo_request_text_static(request, m->is_ours ? EXO_ASSISTANT : EXO_USER, exo_span_of(m->text, m->len));
        }
    }
    return request;
}

/* Ends one chat: the length of its text. */
static size_t peer_end(exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    if (failure) {
        peer_die(failure->message[0] ? failure->message : exo_error_text(failure->code));
    }
    size_t len = exo_answer_text(exo_reply_answer(reply, 0)).len;
    exo_reply_free(reply);
    return len;
}

/* Who wants to see the text. */
typedef struct peer_viewer {
    peer_show show;
    void *ctx;
} peer_viewer;

static void peer_show_text(void *ctx, exo_span text)
{
    const peer_viewer *viewer = ctx;
    viewer->show(viewer->ctx, 0, text.ptr, text.len);
}

size_t peer_chat(peer *peer, const peer_prompt *prompt, peer_show show, void *ctx)
{
    peer_viewer viewer = {show, ctx};
    exo_request *request = peer_request(prompt);
    size_t len = peer_end(exo_chat(peer->client, request, show ? peer_show_text : NULL, &viewer));
    exo_request_free(request);
    return len;
}

void peer_chat_many(peer *peer, const peer_prompt *prompt, size_t count, peer_show show, void *ctx)
{
    exo_event event;
    exo_request **requests = calloc(count, sizeof(exo_request *));
    for (size_t i = 0; i < count; i++) {
        requests[i] = peer_request(prompt);
        if (!exo_call_start(peer->client, requests[i], NULL, &requests[i])) {
            peer_die(exo_client_message(peer->client));
        }
    }
    for (size_t left = count; left > 0;) {
        if (exo_client_next(peer->client, -1, &event) != EXO_EVENT) {
            peer_die("a stream does not end");
        }
        exo_request **request = exo_call_user(event.call);
        if (event.type == EXO_EVENT_TEXT) {
            show(ctx, (size_t)(request - requests), event.text.ptr, event.text.len);
        } else if (event.type == EXO_EVENT_END) {
            peer_end(exo_call_reply(event.call));
            exo_call_free(event.call);
            exo_request_free(*request);
            left--;
        }
    }
    free(requests);
}

void peer_free(peer *peer)
{
    exo_client_free(peer->client);
    free(peer);
}
