/*
 * libuv.c: several questions at once in a program that lives in a libuv loop.
 *
 *     cc libuv.c $(pkg-config --cflags --libs exochat libuv) -o libuv
 *     EXOCHAT_BASE_URL=https://api.openai.com/v1 EXOCHAT_API_KEY=… ./libuv gpt-4o-mini 'Why?' 'What for?'
 */
#include <exochat/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* A socket that the library watches. */
typedef struct watched {
    uv_poll_t poll;
    struct watched *next;
    int socket;
} watched;

typedef struct program {
    uv_loop_t loop;
    uv_timer_t timer;
    exo_client *client;
    watched *sockets;
    int failures;
} program;

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

static void on_timer(uv_timer_t *timer);

/* Takes the events that are there, and sets the timer for the next look. Nothing is left in the loop when no call is.
 */
static void take_events(program *p)
{
    exo_event event;
    while (exo_client_next(p->client, 0, &event) == EXO_EVENT) {
        if (event.type == EXO_EVENT_END) {
            p->failures += print_answer(event.call);
        }
    }
    int64_t wait = exo_client_timeout(p->client);
    if (wait < 0) {
        uv_timer_stop(&p->timer);
    } else {
        uv_timer_start(&p->timer, on_timer, (uint64_t)wait, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    take_events(timer->data);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    program *p = poll->data;
    int what = (events & UV_READABLE ? EXO_WATCH_READ : 0) | (events & UV_WRITABLE ? EXO_WATCH_WRITE : 0);
    exo_client_ready(p->client, ((watched *)poll)->socket, status < 0 ? EXO_WATCH_READ | EXO_WATCH_WRITE : what);
    take_events(p);
}

static void on_closed(uv_handle_t *poll)
{
    free(poll);
}

/* The library wants to know other things of a socket than before. */
static void watch(void *ctx, int socket, int what)
{
    program *p = ctx;
    watched **link = &p->sockets;
    while (*link && (*link)->socket != socket) {
        link = &(*link)->next;
    }
    watched *w = *link;
    if (what == EXO_WATCH_NONE) {
        if (w) {
            *link = w->next;
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return;
    }
    if (!w) {
        *link = w = calloc(1, sizeof *w);
        w->socket = socket;
        uv_poll_init(&p->loop, &w->poll, socket);
        w->poll.data = p;
    }
    uv_poll_start(&w->poll, (what & EXO_WATCH_READ ? UV_READABLE : 0) | (what & EXO_WATCH_WRITE ? UV_WRITABLE : 0),
                  on_socket);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION ...\n", argv[0]);
        return 2;
    }
    program p = {.client = exo_client_new(NULL)};
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = getenv("EXOCHAT_BASE_URL");
    deployment.api_key = getenv("EXOCHAT_API_KEY");
    if (exo_client_deploy(p.client, argv[1], &deployment) < 0) {
        fprintf(stderr, "%s\n", exo_client_message(p.client));
        exo_client_free(p.client);
        return 2;
    }
    uv_loop_init(&p.loop);
    uv_timer_init(&p.loop, &p.timer);
    p.timer.data = &p;
    exo_client_watch(p.client, watch, &p);
    exo_request **requests = calloc((size_t)argc, sizeof(exo_request *));
    for (int i = 2; i < argc; i++) {
        requests[i] = exo_request_new(argv[1]);
        exo_request_text(requests[i], EXO_USER, argv[i]);
        exo_call_start(p.client, requests[i], NULL, argv[i]);
    }

    take_events(&p);
    uv_run(&p.loop, UV_RUN_DEFAULT);

    for (int i = 2; i < argc; i++) {
        exo_request_free(requests[i]);
    }
    free(requests);
    exo_client_free(p.client);
    uv_close((uv_handle_t *)&p.timer, NULL);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    uv_loop_close(&p.loop);
    return p.failures ? 1 : 0;
}
