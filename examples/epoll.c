/*
 * epoll.c: several questions at once in a program that runs its own event loop, here over epoll.
 *
 *     cc epoll.c $(pkg-config --cflags --libs exochat) -o epoll
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./epoll gpt-4o-mini 'Why?' 'What for?'
 */
#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The library wants to know other things of a socket than before. */
static void watch(void *ctx, int socket, int what)
{
    int loop = *(int *)ctx;
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = (what & EXO_WATCH_READ ? EPOLLIN : 0U) | (what & EXO_WATCH_WRITE ? EPOLLOUT : 0U);
    event.data.fd = socket;
    if (what == EXO_WATCH_NONE) {
        epoll_ctl(loop, EPOLL_CTL_DEL, socket, NULL);
    } else if (epoll_ctl(loop, EPOLL_CTL_MOD, socket, &event) < 0) {
        epoll_ctl(loop, EPOLL_CTL_ADD, socket, &event);
    }
}

/* What has become of a socket, in the library's words. */
static int what_is_ready(uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        return EXO_WATCH_READ | EXO_WATCH_WRITE;
    }
    return (events & EPOLLIN ? EXO_WATCH_READ : 0) | (events & EPOLLOUT ? EXO_WATCH_WRITE : 0);
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
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION ...\n", argv[0]);
        return 2;
    }
    int loop = epoll_create1(EPOLL_CLOEXEC);
    exo_client *client = exo_client_new(NULL);
    exo_client_watch(client, watch, &loop);
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
        struct epoll_event ready[64];
        int count = epoll_wait(loop, ready, 64, (int)exo_client_timeout(client));
        for (int i = 0; i < count; i++) {
            exo_client_ready(client, ready[i].data.fd, what_is_ready(ready[i].events));
        }
    }

    for (int i = 2; i < argc; i++) {
        exo_request_free(requests[i]);
    }
    free(requests);
    exo_client_free(client);
    close(loop);
    return failures ? 1 : 0;
}
