/*
 * libcurl.c: the transport over libcurl: its sockets, its timer, and the exchanges that it has finished.
 *
 * Called by the loop through the table of transport.h. Memory: libcurl's connections, and what pool.h says.
 */
#include "libcurl.h"

#include "exchange.h"
#include "group.h"
#include "handles.h"
#include "result.h"
#include "root.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* When libcurl's timer counts as having been kept waiting. */
#define TRANSPORT_LATE_MS 20

static exo_pool *pool_of(exo_transport *transport)
{
    return (exo_pool *)transport;
}

/* ---- what libcurl wants ---- */

/* A socket is counted while libcurl waits for it, and one that it waits for no longer is not seen to any more. */
static void transport_count_socket(exo_pool *pool, curl_socket_t socket, bool watched)
{
    bool counted = exo_pool_group_of(pool, (int)socket) != NULL;
    if (counted != watched) {
        pool->watched += watched ? 1 : (size_t)-1;
    }
    for (size_t i = pool->batch.at; !watched && i < pool->batch.count; i++) {
        pool->batch.sockets[i].what = pool->batch.sockets[i].socket == socket ? 0 : pool->batch.sockets[i].what;
    }
}

static int libcurl_on_socket_change(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
    (void)socket_user;
    exo_group *group = user;
    exo_pool *pool = group->pool;
    exo_exchange *exchange = NULL;
    if (!exo_transport_is_ours(&pool->transport)) { /* what is waited for is the parent's to say */
        return 0;
    }
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    if (exchange) {
        exo_exchange_socket(exchange, socket, what != CURL_POLL_REMOVE);
    }
    int wanted = what == CURL_POLL_REMOVE
                     ? EXO_WATCH_NONE
                     : (what & CURL_POLL_IN ? EXO_WATCH_READ : 0) | (what & CURL_POLL_OUT ? EXO_WATCH_WRITE : 0);
    transport_count_socket(pool, socket, wanted != EXO_WATCH_NONE);
    if (exo_pool_note_group(pool, socket, wanted == EXO_WATCH_NONE ? NULL : group) != EXO_OK && exchange) {
        pool->watched--;
        exchange->received.abort_code = EXO_E_NO_MEMORY;
        exo_exchange_strike(exchange, ENOMEM);
        return 0;
    }
    if (pool->watch) {
        pool->watch(pool->watch_ctx, (int)socket, wanted);
    }
    if (!exo_transport_is_ours(&pool->transport)) {
        exo_pool_abandon(pool, socket);
        return 0;
    }
    if (exo_poller_watch(pool->poller, (int)socket, wanted) != EXO_OK && exchange) {
        exo_exchange_strike(exchange, errno);
    }
    return 0;
}

static int libcurl_on_timer_change(CURLM *multi, long milliseconds, void *user)
{
    (void)multi;
    exo_group *group = user;
    if (milliseconds < 0) {
        exo_timers_clear(&group->pool->timers, &group->timer);
    } else {
        exo_timers_set(&group->pool->timers, &group->timer, exo_pool_now() + milliseconds);
    }
    return 0;
}

/* The time has come at which libcurl wants to be called. */
static void libcurl_is_due(void *owner, int64_t now)
{
    exo_group *group = owner;
    int running = 0;
    (void)now;
    exo_group_touch(group);
    curl_multi_socket_action(group->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void libcurl_prepare(exo_group *group)
{
    group->timer.wake = libcurl_is_due;
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, libcurl_on_socket_change);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, libcurl_on_timer_change);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
}

/* Exchanges that libcurl has finished, or that are over without it. */
static void transport_collect(exo_pool *pool)
{
    int left = 0;
    exo_group *group;
    CURLMsg *message;
    exo_exchange_resume(pool);
    exo_exchange_end_struck(pool);
    while ((group = exo_group_next_touched(pool)) != NULL) {
        while ((message = curl_multi_info_read(group->multi, &left)) != NULL) {
            exo_exchange *exchange = NULL;
            if (message->msg == CURLMSG_DONE &&
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange) == CURLE_OK && exchange &&
                !exchange->over) {
                exo_exchange_over(exchange, message->data.result, exo_pool_now());
            }
        }
    }
}

/* Whether libcurl has a time to keep to: the clock need not be looked at else. */
static bool transport_is_timed(const exo_pool *pool)
{
    return pool->connecting || exo_timers_next(&pool->timers) >= 0;
}

/* Whoever keeps libcurl waiting does not end a connection that is being made: see exo_exchange_forgive(). */
static void transport_forgive(exo_pool *pool)
{
    const int64_t now = transport_is_timed(pool) ? exo_pool_now() : 0;
    const int64_t due = exo_timers_next(&pool->timers);
    const int64_t limit = exo_exchange_limit(pool, now);
    const int64_t late = now - (due >= 0 && due < limit ? due : limit);
    if (late >= TRANSPORT_LATE_MS) {
        exo_exchange_forgive(pool, late + TRANSPORT_LATE_MS);
    }
}

static void transport_act(exo_pool *pool, int socket, int what)
{
    int running = 0;
    int mask = (what & EXO_WATCH_READ ? CURL_CSELECT_IN : 0) | (what & EXO_WATCH_WRITE ? CURL_CSELECT_OUT : 0);
    exo_group *group = exo_pool_group_of(pool, socket);
    if (group) { /* else it is watched no longer */
        exo_group_touch(group);
        curl_multi_socket_action(group->multi, (curl_socket_t)socket, mask, &running);
    }
}

/* ---- the loop's side ---- */

static int64_t transport_now(const exo_transport *transport)
{
    (void)transport;
    return exo_pool_now();
}

/* Looks which sockets are ready. */
static void transport_look(exo_pool *pool, int64_t wait)
{
    pool->batch.at = 0;
    pool->batch.count = exo_poller_wait(pool->poller, wait, pool->batch.sockets, EXO_POOL_BATCH, &pool->transport.rang);
    pool->looked_at = exo_pool_now();
}

/* Whether enough were told something, who are to have their turns while that is new. */
static bool transport_may_leave_off(const exo_pool *pool)
{
    return pool->transport.turns && *pool->transport.turns >= EXO_POOL_SLICE;
}

/* Sees to the sockets of the batch. False: no more may be moved now, or it has left off. */
static bool transport_see_to_batch(exo_pool *pool)
{
    const int64_t *allowance = pool->transport.allowance;
    while (pool->batch.at < pool->batch.count) {
        pool->transport.left_off = transport_may_leave_off(pool);
        if (pool->transport.left_off || (allowance && *allowance <= 0) || !exo_transport_is_ours(&pool->transport)) {
            return false;
        }
        const exo_ready *ready = &pool->batch.sockets[pool->batch.at++];
        if (ready->what != 0) {
            transport_act(pool, ready->socket, ready->what);
        }
    }
    pool->sweep.seen += pool->batch.count;
    return true;
}

/* Sees to every socket that is ready, once. What is left of that when no more may be moved, or when it has left off, is
 * done the next time, before anything is looked at again. */
static void transport_sweep(exo_pool *pool, int64_t wait)
{
    pool->transport.left_off = false;
    if (pool->batch.at == pool->batch.count) {
        transport_look(pool, wait);
        pool->sweep.seen = 0;
        pool->sweep.began = pool->looked_at;
    }
    transport_forgive(pool);
    while (transport_see_to_batch(pool)) {
        bool is_all = pool->batch.count + 1 < EXO_POOL_BATCH; /* one place may go to the bell */
        if (is_all || pool->sweep.seen >= pool->watched) {
            pool->sweep.ended = pool->sweep.began;
            return;
        }
        transport_look(pool, 0);
    }
}

/* Calls libcurl where it wants to be: what becomes due behind `now` has its turn at the next time. */
static void transport_keep_time(exo_pool *pool, int64_t now)
{
    exo_timer *timer;
    for (size_t turns = pool->groups.count;
         turns > 0 && exo_transport_is_ours(&pool->transport) && (timer = exo_timers_pop(&pool->timers, now)) != NULL;
         turns--) {
        timer->wake(timer->owner, now);
    }
    exo_exchange_nudge(pool, now);
}

static int64_t transport_serve(exo_transport *transport, int64_t wait)
{
    exo_pool *pool = pool_of(transport);
    transport_sweep(pool, wait);
    if (transport_is_timed(pool)) {
        transport_keep_time(pool, exo_pool_now());
    }
    transport_collect(pool);
    return pool->sweep.ended;
}

static int64_t transport_due(const exo_transport *transport)
{
    const exo_pool *pool = (const exo_pool *)transport;
    int64_t due = exo_timers_next(&pool->timers);
    int64_t nudge = pool->connecting ? pool->nudge : -1; /* nobody is left to be nudged */
    return due < 0 || (nudge >= 0 && nudge < due) ? nudge : due;
}

static void transport_watch(exo_transport *transport, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    exo_pool *pool = pool_of(transport);
    pool->watch = watch;
    pool->watch_ctx = ctx;
}

static void transport_bound(exo_transport *transport, const exo_bounds *bounds)
{
    exo_gate_bound(&pool_of(transport)->gate, bounds);
}

static bool transport_is_watched(const exo_transport *transport)
{
    return ((const exo_pool *)transport)->watch != NULL;
}

static int transport_fd(const exo_transport *transport)
{
    return exo_poller_fd(((const exo_pool *)transport)->poller);
}

static void transport_ring(const exo_transport *transport)
{
    exo_poller_ring(((const exo_pool *)transport)->poller);
}

/* Beside serve(), which sees to all sockets anyway: the one that is named is seen to now. */
static void transport_ready(exo_transport *transport, int socket, int what)
{
    exo_pool *pool = pool_of(transport);
    pool->looked_at = exo_pool_now();
    transport_forgive(pool);
    transport_act(pool, socket, what);
    transport_collect(pool);
}

/* ---- life ---- */

static void transport_close(exo_transport *transport)
{
    exo_pool *pool = pool_of(transport);
    if (!pool) {
        return;
    }
    exo_exchange_close_gate(pool);
    exo_handles_close(pool);
    exo_groups_close(pool);
    exo_gate_close(&pool->gate);
    exo_timers_free(&pool->timers);
    exo_poller_free(pool->poller);
    free(pool->sockets);
    free(pool);
}

static const exo_transport_table transport_over_libcurl = {
    .start = exo_exchange_start,
    .take = exo_exchange_take,
    .progress = exo_exchange_progress,
    .resume = exo_exchange_send_on,
    .ending = exo_result_ending,
    .details = exo_exchange_details_of,
    .drain = exo_exchange_drain,
    .root = exo_root_of,
    .end = exo_exchange_end,
    .now = transport_now,
    .serve = transport_serve,
    .due = transport_due,
    .watch = transport_watch,
    .is_watched = transport_is_watched,
    .ready = transport_ready,
    .fd = transport_fd,
    .ring = transport_ring,
    .bound = transport_bound,
    .close = transport_close,
};

static CURLcode libcurl_started;

static void start_libcurl(void)
{
    libcurl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static exo_transport *libcurl_open(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_libcurl);
    exo_pool *pool = libcurl_started == CURLE_OK ? calloc(1, sizeof *pool) : NULL;
    if (!pool) {
        return NULL;
    }
    pool->transport.table = &transport_over_libcurl;
    pool->nudge = -1;
    pool->limit = INT64_MAX;
    pool->groups.prepare = libcurl_prepare;
    exo_exchange_open_gate(pool);
    pool->groups.spare = curl_multi_init();
    pool->poller = exo_poller_new();
    if (!pool->groups.spare || !pool->poller) {
        transport_close(&pool->transport);
        return NULL;
    }
    return &pool->transport;
}

exo_transport *exo_curl_open(int *error)
{
    errno = ENOMEM;
    exo_transport *transport = libcurl_open();
    bool starved = errno == ENOMEM && libcurl_started == CURLE_OK;
    *error = transport ? EXO_OK : starved ? EXO_E_NO_MEMORY : EXO_E_LOCAL;
    return transport;
}
