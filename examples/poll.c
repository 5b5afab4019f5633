/*
 * poll.c: several questions at once in a program that runs its own event loop, here over poll().
 *
 *     cc poll.c $(pkg-config --cflags --libs exochat) -o poll
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./poll gpt-4o-mini 'Why?' 'What for?'
 */
#include <exochat/client.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* The sockets that the library watches; `ready` is a copy for poll(), since handling one socket may change the others.
 */
typedef struct sockets {
    struct pollfd watched[1024];
    struct pollfd ready[1024];
    nfds_t count;
} sockets;

/* The library wants to know other things of a socket than before. */
static void watch(void *ctx, int socket, int what)
{
    sockets *all = ctx;
    nfds_t at = 0;
    while (at < all->count && all->watched[at].fd != socket) {
        at++;
    }
    if (at == all->count) {
        if (what == EXO_WATCH_NONE || at == sizeof all->watched / sizeof all->watched[0]) {
            return;
        }
        all->count++;
    }
    if (what == EXO_WATCH_NONE) {
        all->watched[at] = all->watched[--all->count];
        return;
    }
    all->watched[at].fd = socket;
    all->watched[at].events = (short)((what & EXO_WATCH_READ ? POLLIN : 0) | (what & EXO_WATCH_WRITE ? POLLOUT : 0));
}

/* What has become of a socket, in the library's words. */
static int what_is_ready(short events)
{
    if (events & (POLLERR | POLLHUP | POLLNVAL)) {
        return EXO_WATCH_READ | EXO_WATCH_WRITE;
    }
    return (events & POLLIN ? EXO_WATCH_READ : 0) | (events & POLLOUT ? EXO_WATCH_WRITE : 0);
}

/* Prints how a call went, and frees it. 1 where it did not come to a whole answer. */
static int print_answer(exo_call *call)
{
    exo_reply *reply = exo_call_reply(call);
    const exo_failure *failure = exo_reply_failure(reply);
    exo_span text =
        failure ? exo_span_text(exo_error_text(failure->code)) : exo_answer_text(exo_reply_answer(reply, 0));
    printf("%s: %.*s\n", (const char *)exo_call_user(call), (int)text.len, text.ptr);
    int failures = exo_reply_outcome(reply) == EXO_OUTCOME_COMPLETE ? 0 : 1;
    exo_reply_free(reply);
    exo_call_free(call);
    return failures;
}

/* Takes the events that are there. False when no call is left. */
static bool take_events(exo_client *client, int *failures)
{
    exo_event event;
    int code;
    while ((code = exo_client_next(client, 0, &event)) == EXO_EVENT) {
        if (event.type == EXO_EVENT_END) {
            *failures += print_answer(event.call);
        }
    }
    return code == EXO_OK;
}

int main(int argc, char **argv)
{
    static sockets all;
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION ...\n", argv[0]);
        return 2;
    }
    exo_client *client = exo_client_new(NULL);
    exo_client_watch(client, watch, &all);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = getenv("EXOCHAT_BASE_URL");
    deployment.api_key = getenv("EXOCHAT_API_KEY");
    if (exo_client_deploy(client, argv[1], &deployment) < 0) {
        fprintf(stderr, "%s\n", exo_client_message(client));
        exo_client_free(client);
        return 2;
    }
    exo_request **requests = calloc((size_t)argc, sizeof(exo_request *));
    for (int i = 2; i < argc; i++) {
        requests[i] = exo_request_new(argv[1]);
        exo_request_text(requests[i], EXO_USER, argv[i]);
        exo_call_start(client, requests[i], NULL, argv[i]);
    }

    int failures = 0;
    while (take_events(client, &failures)) {
        nfds_t count = all.count;
        memcpy(all.ready, all.watched, count * sizeof all.ready[0]);
        if (poll(all.ready, count, (int)exo_client_timeout(client)) <= 0) {
            continue;
        }
        for (nfds_t i = 0; i < count; i++) {
            if (all.ready[i].revents) {
                exo_client_ready(client, all.ready[i].fd, what_is_ready(all.ready[i].revents));
            }
        }
    }

    for (int i = 2; i < argc; i++) {
        exo_request_free(requests[i]);
    }
    free(requests);
    exo_client_free(client);
    return failures ? 1 : 0;
}
