/*
 * client.c: the client: its life, and the loop over sockets, timers and calls that have something to do.
 *
 * All network work happens in exo_client_next() and exo_client_ready(); calls get their turns from a queue, so that
 * idle ones cost nothing. Memory: the registry of deployments, one entry for each call, libcurl's connections.
 */
#include "engine.h"
#include "heap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

/* ---- time, chance, words ---- */

int64_t exo_clock_real(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t exo_client_now(const exo_client *client)
{
    return (client->left_at < 0 ? exo_clock_real() : client->left_at) - client->held;
}

/* splitmix64: jitter needs to be spread out, not secret. */
uint32_t exo_client_random(void *ctx)
{
    exo_client *client = ctx;
    uint64_t z = (client->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

void exo_client_say(exo_client *client, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(client->message, sizeof client->message, format, arguments);
    va_end(arguments);
}

const char *exo_client_message(const exo_client *client)
{
    return client->message;
}

/* ---- the queue of calls ---- */

void exo_client_wake(exo_client *client, exo_call *call)
{
    if (call->is_ready) {
        return;
    }
    call->is_ready = true;
    call->ready_next = NULL;
    call->ready_previous = client->ready.last;
    if (client->ready.last) {
        client->ready.last->ready_next = call;
    } else {
        client->ready.first = call;
    }
    client->ready.last = call;
    client->ready.count++;
}

static void unqueue(exo_client *client, exo_call *call)
{
    if (!call->is_ready) {
        return;
    }
    call->is_ready = false;
    if (call->ready_previous) {
        call->ready_previous->ready_next = call->ready_next;
    } else {
        client->ready.first = call->ready_next;
    }
    if (call->ready_next) {
        call->ready_next->ready_previous = call->ready_previous;
    } else {
        client->ready.last = call->ready_previous;
    }
    client->ready.count--;
}

void exo_client_forget(exo_client *client, exo_call *call)
{
    unqueue(client, call);
    if (call->is_live) {
        call->is_live = false;
        client->live--;
    }
}

/* ---- sockets ---- */

static int on_socket_change(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
    (void)socket_user;
    exo_client *client = user;
    exo_exchange *exchange = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    if (exchange) {
        exo_exchange_socket(exchange, socket, what != CURL_POLL_REMOVE);
    }
    int watch = what == CURL_POLL_REMOVE
                    ? EXO_WATCH_NONE
                    : (what & CURL_POLL_IN ? EXO_WATCH_READ : 0) | (what & CURL_POLL_OUT ? EXO_WATCH_WRITE : 0);
    if (client->watch) {
        client->watch(client->watch_ctx, (int)socket, watch);
        return 0;
    }
    return exo_poller_watch(client->poller, (int)socket, watch) == EXO_OK ? 0 : -1;
}

static int on_timer_change(CURLM *multi, long milliseconds, void *user)
{
    (void)multi;
    exo_client *client = user;
    client->curl_due = milliseconds < 0 ? -1 : exo_clock_real() + milliseconds;
    return 0;
}

/* Exchanges that libcurl has finished. */
static void collect(exo_client *client)
{
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        exo_exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange) != CURLE_OK || !exchange) {
            continue;
        }
        exchange->result = message->data.result;
        exo_transport_censor(exchange->text);
        exchange->over = true;
        if (exchange->call) {
            exo_call_over(exchange->call);
        } else {
            exo_exchange_drained(exchange);
        }
    }
}

static void socket_is_ready(exo_client *client, int socket, int what)
{
    int running = 0;
    int mask = (what & EXO_WATCH_READ ? CURL_CSELECT_IN : 0) | (what & EXO_WATCH_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(client->multi, (curl_socket_t)socket, mask, &running);
}

/* Lets libcurl do what is due, waiting for sockets at most `wait` milliseconds. */
static void run_network(exo_client *client, int64_t wait)
{
    if (client->poller) {
        exo_ready ready[64];
        size_t count = exo_poller_wait(client->poller, wait, ready, sizeof ready / sizeof ready[0]);
        for (size_t i = 0; i < count; i++) {
            socket_is_ready(client, ready[i].socket, ready[i].what);
        }
    }
    if (client->curl_due >= 0 && client->curl_due <= exo_clock_real()) {
        int running = 0;
        client->curl_due = -1;
        curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect(client);
}

static void run_timers(exo_client *client)
{
    int64_t now = exo_client_now(client);
    exo_timer *timer;
    while ((timer = exo_timers_pop(&client->timers, now)) != NULL) {
        timer->wake(timer->owner, now);
    }
}

/* Milliseconds until a timer, libcurl's included, is due; -1: none is. */
static int64_t until_timer(const exo_client *client)
{
    int64_t wait = -1;
    int64_t due = exo_timers_next(&client->timers);
    if (due >= 0) {
        wait = due - exo_client_now(client);
    }
    if (client->curl_due >= 0) {
        int64_t curl_wait = client->curl_due - exo_clock_real();
        wait = wait < 0 && due < 0 ? curl_wait : curl_wait < wait ? curl_wait : wait;
    }
    return (due >= 0 || client->curl_due >= 0) && wait < 0 ? 0 : wait;
}

/* ---- the loop ---- */

/* Gives every call that is ready one turn. EXO_EVENT: `*event` is stored. `only` restricts events to one call: the
 * first one of any other waits with it, and the call with its event. `*busy` says that calls are left that can do more
 * at once. */
static int give_turns(exo_client *client, const exo_call *only, exo_event *event, bool *busy)
{
    *busy = false;
    for (size_t turns = client->ready.count; turns > 0 && client->ready.first; turns--) {
        exo_call *call = client->ready.first;
        unqueue(client, call);
        bool waits = only && call != only;
        if (call->event_waits && waits) {
            exo_client_wake(client, call);
            continue;
        }
        if (call->event_waits) {
            *event = call->waiting;
            call->event_waits = false;
            exo_client_wake(client, call);
            return EXO_EVENT;
        }
        if (exo_call_step(call, waits ? &call->waiting : event) != EXO_EVENT) {
            *busy = *busy || call->is_ready;
        } else if (waits) {
            call->event_waits = true;
            exo_client_wake(client, call);
        } else {
            return EXO_EVENT;
        }
    }
    return EXO_OK;
}

static int next_event(exo_client *client, const exo_call *only, int64_t timeout, exo_event *event)
{
    if (client->left_at >= 0) {
        client->held += exo_clock_real() - client->left_at;
        client->left_at = -1;
    }
    if (!client->poller) {
        timeout = 0; /* the caller waits, not we */
    }
    int64_t deadline = timeout < 0 || timeout > INT64_MAX / 2 ? -1 : exo_clock_real() + timeout;
    bool waited = false;
    for (;;) {
        bool busy = false;
        if (give_turns(client, only, event, &busy) == EXO_EVENT) {
            client->left_at = client->live > 0 ? exo_clock_real() : -1; /* no call is left that could be held up */
            return EXO_EVENT;
        }
        if (client->live == 0) {
            run_network(client, 0); /* connections that are being drained */
            run_timers(client);
            return EXO_IDLE;
        }
        int64_t wait = busy ? 0 : until_timer(client);
        int64_t left = deadline < 0 ? -1 : deadline - exo_clock_real();
        if (deadline >= 0 && left <= 0) {
            if (waited) {
                return EXO_OK;
            }
            left = 0;
        }
        if (left >= 0 && (wait < 0 || left < wait)) {
            wait = left;
        }
        run_network(client, wait);
        run_timers(client);
        waited = true;
    }
}

int exo_client_next(exo_client *client, int64_t timeout, exo_event *event)
{
    if (client->pid != getpid()) {
        return EXO_E_FORKED;
    }
    return next_event(client, NULL, timeout, event);
}

int exo_client_watch(exo_client *client, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    if (client->calls || client->draining) {
        return EXO_E_STATE;
    }
    client->watch = watch;
    client->watch_ctx = ctx;
    if (watch) {
        exo_poller_free(client->poller);
        client->poller = NULL;
    } else if (!client->poller) {
        client->poller = exo_poller_new();
        return client->poller ? EXO_OK : EXO_E_NO_MEMORY;
    }
    return EXO_OK;
}

int exo_client_ready(exo_client *client, int socket, int what)
{
    if (client->pid != getpid()) {
        return EXO_E_FORKED;
    }
    socket_is_ready(client, socket, what);
    collect(client);
    return EXO_OK;
}

int64_t exo_client_timeout(exo_client *client)
{
    return client->ready.count > 0 ? 0 : until_timer(client);
}

/* ---- deployments ---- */

int exo_client_deploy(exo_client *client, const char *model, const exo_deployment *deployment)
{
    return exo_registry_deploy(&client->registry, model, deployment, client->message, sizeof client->message);
}

int exo_client_fallback(exo_client *client, const char *model, const char *fallback)
{
    return exo_registry_fallback(&client->registry, model, fallback, false, client->message, sizeof client->message);
}

int exo_client_context_fallback(exo_client *client, const char *model, const char *fallback)
{
    return exo_registry_fallback(&client->registry, model, fallback, true, client->message, sizeof client->message);
}

int exo_client_policy(exo_client *client, const char *model, const exo_route_policy *policy)
{
    return exo_registry_policy(&client->registry, model, policy, client->message, sizeof client->message);
}

const char *exo_client_model(const exo_client *client, size_t index)
{
    return exo_registry_name(&client->registry, index);
}

/* ---- life ---- */

static CURLcode libcurl_started;

static void start_libcurl(void)
{
    libcurl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static uint64_t seed(const exo_client *client)
{
    uint64_t value = (uint64_t)exo_clock_real() ^ ((uint64_t)getpid() << 32) ^ (uint64_t)(uintptr_t)client;
    int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (device >= 0) {
        uint64_t bytes = 0;
        if (read(device, &bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
            value ^= bytes;
        }
        close(device);
    }
    return value;
}

exo_client *exo_client_new(const exo_client_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_libcurl);
    if (libcurl_started != CURLE_OK || (options && options->size != sizeof *options)) {
        return NULL;
    }
    exo_client *client = calloc(1, sizeof *client);
    if (!client) {
        return NULL;
    }
    client->pid = getpid();
    client->curl_due = -1;
    client->left_at = -1;
    client->limits = options && options->limits ? *options->limits : *exo_limits_host();
    client->log = options ? options->log : NULL;
    client->log_ctx = options ? options->log_ctx : NULL;
    client->log_bodies = options ? options->log_bodies : 0;
    client->random = seed(client);
    client->multi = curl_multi_init();
    client->poller = exo_poller_new();
    if (!client->multi || !client->poller) {
        exo_client_free(client);
        return NULL;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    return client;
}

void exo_client_free(exo_client *client)
{
    if (!client || client->pid != getpid()) {
        return;
    }
    while (client->calls) {
        exo_call_free(client->calls);
    }
    while (client->draining) {
        exo_exchange_drained(client->draining);
    }
    if (client->multi) {
        curl_multi_cleanup(client->multi);
    }
    exo_poller_free(client->poller);
    exo_timers_free(&client->timers);
    free(client->heard);
    exo_registry_free(&client->registry);
    free(client);
}

/* ---- the blocking form ---- */

exo_reply *exo_chat_events(exo_client *client, const exo_request *request, const exo_call_options *options,
                           void (*on_event)(void *ctx, const exo_event *event), void *ctx)
{
    exo_call *call = exo_call_start(client, request, options, NULL);
    if (!call) {
        return NULL;
    }
    if (!client->poller) {
        exo_call_cancel(call);
        exo_failure_set(&call->reply->failure, EXO_E_STATE, exo_span_text("the sockets are watched by the caller"));
    }
    exo_event event;
    while (call->state != CALL_ENDED) {
        int code = next_event(client, call, -1, &event);
        if (code == EXO_EVENT && on_event) {
            on_event(ctx, &event);
        }
    }
    exo_reply *reply = exo_call_reply(call);
    exo_call_free(call);
    return reply;
}

/* What exo_chat() was given to show text with. */
typedef struct text_hook {
    void (*on_text)(void *ctx, exo_span text);
    void *ctx;
} text_hook;

static void pass_text(void *ctx, const exo_event *event)
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
    return exo_chat_events(client, request, &options, on_text ? pass_text : NULL, &hook);
}
