/*
 * random_api.c: calls the library's functions in an order that nobody planned, against an endpoint that answers as it
 * likes, and checks what must hold whatever is done.
 *
 *     random_api OPERATIONS SEED [THREADS [SECONDS]]
 *
 * Each thread has a client, an endpoint and a seed of its own; with SECONDS it begins anew with the next seed until
 * they are over. What it does follows from the seed, apart from what the network's timing changes. What must hold: a
 * call has exactly one END unless it was cancelled or freed, and no event behind it; the text handed out since the last
 * RESTART is the text of the reply; a reply has a failure or an answer that is proven; no call outlives its total
 * clock. Memory and threads are the sanitizers' to judge. Prints the seed that was running when something did not hold,
 * and aborts.
 */
#include "dice.h"
#include "unruly.h"

#include "exochat/client.h"
#include "exochat/error.h"
#include "exochat/log.h"
#include "exochat/value.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS_MAX   48
#define MODELS      6
#define TEXT_MAX    65536
#define LARGE       200000
#define TOTAL_MS    1500
#define OUTLIVED_MS 60000

/* A source that has something ready as it likes. */
typedef struct moody {
    exo_source source;
    uint64_t *dice;
    exo_call **call; /* which it serves, or NULL while that is not there */
    size_t total;
    size_t at;
} moody;

/* One call, as it was told about. */
typedef struct tracked {
    exo_call *call; /* NULL: the place is free */
    exo_request *request;
    bool held;
    exo_json_cursor value; /* or this, or the source as the body */
    moody source;
    int64_t started;
    bool ended;
    bool cancelled;
    bool shows; /* its text is handed out */
    char *text;
    size_t text_len;
} tracked;

typedef struct player {
    uint64_t seed;
    uint64_t dice;
    uint64_t operations;
    unruly *server;
    exo_client *client;
    tracked calls[CALLS_MAX];
    char url[64];
    char named_url[64]; /* the same, by a name that has to be looked up */
    uint64_t starts;
    uint64_t events;
    uint64_t answers;
    uint64_t failures;
    uint64_t heard;   /* bytes of bodies */
    uint64_t records; /* of the log */
    unsigned depth;   /* of handlers inside of each other */
    bool is_taken;    /* the reply of the chat that is about to return */
    pthread_t waker;
    atomic_bool waker_stops;
    char large[LARGE];
} player;

static const char *const models[MODELS] = {"m0", "m1", "m2", "m3", "m4", "m5"};

static int64_t player_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void player_fails(const player *p, const char *what)
{
    fprintf(stderr, "random_api: seed %llu: %s\n", (unsigned long long)p->seed, what);
    abort();
}

static void player_check(const player *p, bool holds, const char *what)
{
    if (!holds) {
        player_fails(p, what);
    }
}

static const char *player_model(player *p)
{
    return models[dice_below(&p->dice, MODELS)];
}

/* ---- what is checked ---- */

/* Looks at everything that a reply has. */
static void player_read_reply(player *p, tracked *t, exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    exo_answer *answer = exo_reply_answer(reply, 0);
    size_t bytes = 0;
    for (size_t i = 0; i < exo_reply_attempts(reply); i++) {
        const exo_trail_entry *entry = exo_reply_attempt(reply, i);
        player_check(p, entry && entry->deployment && entry->message, "an attempt without its texts");
        bytes += strlen(entry->deployment) + strlen(entry->message);
    }
    bytes += strlen(exo_reply_deployment(reply)) + strlen(exo_reply_request_id(reply));
    const exo_outcome outcome = exo_reply_outcome(reply);
    player_check(p, (failure != NULL) == (outcome == EXO_OUTCOME_FAILED || outcome == EXO_OUTCOME_CANCELLED),
                 "the outcome is not what the failure says");
    if (failure) {
        p->failures++;
        bytes += strlen(exo_error_text(failure->code)) + strlen(failure->message);
        player_check(p, failure->code < 0, "a failure without an error");
    } else {
        p->answers++;
        player_check(p, answer != NULL, "neither an answer nor a failure");
        player_check(p, exo_answer_proof(answer) != EXO_PROOF_NONE, "a success without proof");
    }
    if (answer) {
        exo_span text = exo_answer_text(answer);
        bytes += text.len + exo_answer_reasoning(answer).len + exo_answer_finish_reason(answer).len;
        if (!failure && t->shows && !t->cancelled) {
            player_check(p, text.len == t->text_len && (text.len == 0 || memcmp(text.ptr, t->text, text.len) == 0),
                         "the text that was handed out is not the reply's");
        }
    }
    player_check(p, bytes < (size_t)1 << 30, "texts without an end");
}

static void player_forget(tracked *t)
{
    exo_request_free(t->request);
    free(t->text);
    memset(t, 0, sizeof *t);
}

static void player_note(player *p, tracked *t, const exo_event *event)
{
    player_check(p, t->call == event->call, "an event of a call that was freed");
    player_check(p, !t->ended, "an event behind END");
    player_check(p, !t->cancelled, "an event of a call that was cancelled");
    player_check(p, !t->held, "an event of a call that is held");
    p->events++;
    switch (event->type) {
    case EXO_EVENT_TEXT:
        if (event->choice == 0) {
            player_check(p, t->text_len + event->text.len <= TEXT_MAX, "more text than was sent");
            memcpy(t->text + t->text_len, event->text.ptr, event->text.len);
            t->text_len += event->text.len;
        }
        break;
    case EXO_EVENT_RESTART:
        t->text_len = 0;
        break;
    case EXO_EVENT_END:
        t->ended = true;
        break;
    default:
        break;
    }
}

/* ---- what is done ---- */

static void player_deploy(player *p, const char *model)
{
    exo_deployment d = EXO_DEPLOYMENT_INIT;
    static const int64_t clocks[] = {0, 30, 100, 400, 1500};
    static const char *const addresses[] = {"other.invalid:80:127.0.0.1"};
    d.base_url = dice_once_in(&p->dice, 12)  ? "http://127.0.0.1:1/v1"
                 : dice_once_in(&p->dice, 4) ? p->named_url
                                             : p->url;
    d.resolve = addresses; /* another identity, so other connections */
    d.resolve_count = dice_once_in(&p->dice, 4) ? 1 : 0;
    d.api_key = dice_once_in(&p->dice, 3) ? NULL : "sk-random";
    d.connect_timeout = clocks[1 + dice_below(&p->dice, 4)];
    d.stream_ttft_timeout = dice_once_in(&p->dice, 4) ? EXO_CLOCK_AUTO : clocks[dice_below(&p->dice, 5)];
    d.request_timeout = clocks[1 + dice_below(&p->dice, 4)];
    d.lenient_end = dice_once_in(&p->dice, 6);
    d.strict_stream = dice_once_in(&p->dice, 6);
    d.think_tags = dice_once_in(&p->dice, 6);
    d.chunked = dice_once_in(&p->dice, 6);
    d.http2 = dice_once_in(&p->dice, 8);
    d.extra_body = dice_once_in(&p->dice, 4) ? "{\"seed\":7}" : NULL;
    player_check(p, exo_client_deploy(p->client, model, &d) == EXO_OK, "a deployment was refused");
}

static void do_deploy(player *p)
{
    player_deploy(p, player_model(p));
}

static void do_lists(player *p)
{
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    policy.retries = dice_below(&p->dice, 3);
    policy.backoff_first = 1 + dice_below(&p->dice, 20);
    policy.backoff_max = 40;
    policy.cooldown = dice_once_in(&p->dice, 3) ? 50 : 0;
    (void)exo_client_policy(p->client, player_model(p), &policy);
    const char *fallbacks[] = {player_model(p), player_model(p)};
    player_check(p, exo_client_fallbacks(p->client, player_model(p), fallbacks, dice_below(&p->dice, 3)) == EXO_OK,
                 "a list was refused");
    if (dice_once_in(&p->dice, 16)) {
        const char *names[] = {player_model(p)};
        (void)exo_client_context_fallbacks(p->client, player_model(p), names, 1);
    }
}

static void do_bounds(player *p)
{
    exo_bounds bounds = EXO_BOUNDS_INIT;
    bounds.connections_per_host = dice_once_in(&p->dice, 2) ? 1 + dice_below(&p->dice, 4) : EXO_UNBOUNDED;
    bounds.connections = dice_once_in(&p->dice, 2) ? 1 + dice_below(&p->dice, 6) : EXO_UNBOUNDED;
    bounds.idle_connections = dice_below(&p->dice, 4);
    bounds.lookups = dice_once_in(&p->dice, 8) ? 0 : 1 + dice_below(&p->dice, 3);
    int code = exo_client_bounds(p->client, &bounds);
    player_check(p, (code == EXO_OK) == (bounds.lookups > 0), "bounds");
}

static exo_request *player_request(player *p)
{
    exo_request *request = exo_request_new(dice_once_in(&p->dice, 50) ? "nobody" : player_model(p));
    player_check(p, request != NULL, "no request");
    uint32_t turns = dice_once_in(&p->dice, 40) ? 0 : 1 + dice_below(&p->dice, 4);
    for (uint32_t i = 0; i < turns; i++) {
        (void)exo_request_text(request, EXO_USER, dice_once_in(&p->dice, 10) ? p->large : "why? \xc3\xa4 \"");
    }
    if (dice_once_in(&p->dice, 5)) {
        (void)exo_request_double(request, "temperature", 0.5);
    }
    if (dice_once_in(&p->dice, 20)) {
        (void)exo_request_double(request, "top_p", 0.25);
    }
    if (dice_once_in(&p->dice, 8)) {
        static char bytes[3000];
        (void)exo_request_bytes(request, EXO_USER, exo_span_of(bytes, sizeof bytes), "image/png", "a.png");
    }
    return request;
}

static exo_call_options player_options(player *p)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.total_timeout = 1 + dice_below(&p->dice, TOTAL_MS);
    options.buffered = dice_once_in(&p->dice, 4);
    options.restart = dice_once_in(&p->dice, 3);
    options.choices = dice_once_in(&p->dice, 6) ? 2 : 1;
    options.events |= dice_once_in(&p->dice, 2) ? EXO_WANT(EXO_EVENT_FALLBACK) : 0;
    return options;
}

static int moody_read(void *ctx, void *dst, size_t size, size_t *got)
{
    moody *m = ctx;
    *got = 0;
    if (dice_once_in(m->dice, 8)) {
        exo_call_resume(*m->call);
    }
    if (dice_once_in(m->dice, 3)) {
        return dice_once_in(m->dice, 40) ? EXO_E_SOURCE_READ : EXO_AGAIN;
    }
    *got = m->total - m->at < size ? m->total - m->at : size;
    memset(dst, '7', *got);
    m->at += *got;
    return EXO_OK;
}

static int moody_rewind(void *ctx)
{
    ((moody *)ctx)->at = 0;
    return EXO_OK;
}

static void player_make_source(player *p, tracked *t)
{
    moody *m = &t->source;
    m->dice = &p->dice;
    m->call = &t->call;
    m->total = dice_once_in(&p->dice, 4) ? LARGE : dice_below(&p->dice, 2000);
    m->source.ctx = m;
    m->source.read = moody_read;
    m->source.rewind = dice_once_in(&p->dice, 3) ? NULL : moody_rewind;
    m->source.size = dice_once_in(&p->dice, 2) ? EXO_SIZE_UNKNOWN : m->total + dice_once_in(&p->dice, 20);
}

static void player_hears(void *ctx, exo_span bytes)
{
    ((player *)ctx)->heard += bytes.len;
}

static void player_logs(void *ctx, const exo_record *record)
{
    player *p = ctx;
    player_check(p, record != NULL, "no record");
    p->records++;
}

/* A request, with a source of the caller's now and then; a value; or bytes as they are. */
static exo_call *player_begin(player *p, tracked *t, exo_call_options *options)
{
    static const char value[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"why?\"}],\"seed\":1}";
    static const exo_header extra = {"x-of-the-call", "1"};
    uint32_t way = dice_below(&p->dice, 4);
    player_make_source(p, t);
    options->resumes = dice_once_in(&p->dice, 3);
    options->defaults = way != 2 && dice_once_in(&p->dice, 4) ? "{\"top_k\":3}" : NULL;
    options->api_key = dice_once_in(&p->dice, 4) ? "sk-of-the-call" : NULL;
    options->request_timeout = dice_once_in(&p->dice, 4) ? 50 : options->request_timeout;
    options->raw = dice_once_in(&p->dice, 3) ? player_hears : NULL;
    options->raw_ctx = p;
    options->headers = &extra;
    options->header_count = dice_once_in(&p->dice, 4) ? 1 : 0;
    options->model = way == 1 || way == 2 ? player_model(p) : NULL;
    if (way == 1) {
        exo_json_cursor_init(&t->value, exo_span_text(value), EXO_JSON_DEPTH_MAX);
        const exo_cursor cursor = exo_json_cursor_of(&t->value);
        return exo_call_start_value(p->client, &cursor, options, t);
    }
    if (way == 2) {
        return exo_call_start_raw(p->client, &t->source.source, options, t);
    }
    t->request = player_request(p);
    if (way == 3) {
        (void)exo_request_source(t->request, EXO_USER, &t->source.source, "text/plain", NULL);
    }
    return exo_call_start(p->client, t->request, options, t);
}

static void do_start(player *p)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        tracked *t = &p->calls[i];
        if (t->call) {
            continue;
        }
        exo_call_options options = player_options(p);
        t->text = malloc(TEXT_MAX);
        t->shows = !options.buffered;
        t->started = player_now();
        t->call = player_begin(p, t, &options);
        player_check(p, t->call && t->text, "a call was not started");
        player_check(p, exo_call_user(t->call) == t, "a call has another's user");
        p->starts++;
        return;
    }
}

static tracked *player_pick(player *p)
{
    tracked *t = &p->calls[dice_below(&p->dice, CALLS_MAX)];
    return t->call ? t : NULL;
}

static void do_resume(player *p)
{
    const tracked *t = player_pick(p);
    exo_call_resume(t ? t->call : NULL);
}

static void do_cancel(player *p)
{
    tracked *t = player_pick(p);
    if (t) {
        exo_call_cancel(t->call);
        t->cancelled = t->cancelled || !t->ended;
    }
}

static void do_free(player *p)
{
    tracked *t = player_pick(p);
    if (t && (t->ended || t->cancelled || dice_once_in(&p->dice, 10))) {
        exo_call_free(t->call);
        player_forget(t);
    }
}

static void do_reply(player *p)
{
    tracked *t = player_pick(p);
    if (!t) {
        return;
    }
    exo_reply *reply = exo_call_reply(t->call);
    player_check(p, !reply || t->ended || t->cancelled, "a reply before END");
    if (reply) {
        player_read_reply(p, t, reply);
        exo_reply_free(reply);
    }
}

static void do_hold(player *p)
{
    tracked *t = player_pick(p);
    if (t) {
        t->held = dice_once_in(&p->dice, 2);
        player_check(p, exo_call_hold(t->call, t->held) == EXO_OK, "a call cannot be held");
    }
}

static void do_wakeup(player *p)
{
    exo_client_wakeup(p->client);
}

static void do_remove(player *p)
{
    const char *model = player_model(p);
    int code = exo_client_remove(p->client, model);
    player_check(p, code == EXO_OK || code == EXO_E_UNKNOWN_MODEL, "a model cannot be removed");
    player_deploy(p, model);
}

static void do_look(player *p)
{
    exo_deployment *shown = exo_client_deployment_of(p->client, player_model(p));
    player_check(p, shown && !shown->api_key, "a deployment shows its key, or is not there");
    exo_deployment_free(shown);
    for (size_t i = 0; exo_client_model(p->client, i); i++) {
        player_check(p, exo_client_policy_of(p->client, exo_client_model(p->client, i)) != NULL,
                     "a model has no policy");
    }
}

static void do_next(player *p)
{
    uint32_t count = 1 + dice_below(&p->dice, 100);
    for (uint32_t i = 0; i < count; i++) {
        exo_event event;
        int code = exo_client_next(p->client, dice_once_in(&p->dice, 4) ? 10 : 0, &event);
        player_check(p, code == EXO_EVENT || code == EXO_OK || code == EXO_IDLE, "exo_client_next() is no such status");
        if (code != EXO_EVENT) {
            return;
        }
        player_note(p, exo_call_user(event.call), &event);
    }
}

/* As an event loop of the caller's does it. */
static void do_poll(player *p)
{
    struct pollfd poll_for = {exo_client_fd(p->client), POLLIN, 0};
    int64_t timeout = exo_client_timeout(p->client);
    player_check(p, poll_for.fd >= 0, "no descriptor");
    (void)poll(&poll_for, 1, timeout < 0 || timeout > 10 ? 10 : (int)timeout);
    do_next(p);
}

static void do_end_taken(player *p)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        tracked *t = &p->calls[i];
        if (t->call && (t->ended || t->cancelled)) {
            exo_reply *reply = exo_call_reply(t->call);
            if (reply) {
                player_read_reply(p, t, reply);
                exo_reply_free(reply);
            }
            exo_call_free(t->call);
            player_forget(t);
        }
        player_check(p, !t->call || t->held || player_now() - t->started < OUTLIVED_MS,
                     "a call outlives its total clock");
    }
}

static void player_step(player *p);

static bool body_takes(void *ctx, exo_span bytes)
{
    player *p = ctx;
    return bytes.len > 0 && !dice_once_in(&p->dice, 50);
}

static void do_body(player *p)
{
    exo_request *request = player_request(p);
    (void)exo_client_body(p->client, request, NULL, body_takes, p);
    exo_request_free(request);
}

/* In the midst of a blocking call others are started, cancelled and freed. */
static void chat_meddles(void *ctx, const exo_event *event)
{
    player *p = ctx;
    p->events++;
    (void)event;
    if (p->depth < 2 && dice_once_in(&p->dice, 4)) {
        player_step(p);
    }
    if (dice_once_in(&p->dice, 30)) {
        exo_call_cancel(event->call);
        return;
    }
    if (dice_once_in(&p->dice, 30)) {
        exo_call_free(event->call);
        return;
    }
    player_check(p, exo_call_hold(event->call, true) == EXO_E_STATE, "the call of a chat can be held");
    if (event->type == EXO_EVENT_END && dice_once_in(&p->dice, 4)) {
        tracked none = {0};
        exo_reply *reply = exo_call_reply(event->call);
        player_check(p, reply != NULL, "END without a reply");
        player_read_reply(p, &none, reply);
        exo_reply_free(reply);
        p->is_taken = true;
    }
}

static void do_chat(player *p)
{
    exo_request *request = player_request(p);
    exo_call_options options = player_options(p);
    options.total_timeout = 1 + dice_below(&p->dice, 100);
    p->depth++;
    exo_reply *reply = exo_chat_events(p->client, request, &options, chat_meddles, p);
    p->depth--;
    tracked none = {0};
    player_check(p, (reply == NULL) == p->is_taken, "exo_chat_events() has no reply, or one that was taken");
    p->is_taken = false;
    if (reply) {
        player_read_reply(p, &none, reply);
    }
    exo_reply_free(reply);
    exo_request_free(request);
}

static void models_each(void *ctx, exo_span id)
{
    const player *p = ctx;
    player_check(p, id.len > 0, "a model without a name");
}

static void do_models(player *p)
{
    exo_failure failure;
    (void)exo_client_models(p->client, player_model(p), models_each, p, &failure);
}

/* As a program that watches the sockets itself: any may be said to be ready. */
static void do_ready(player *p)
{
    if (dice_once_in(&p->dice, 4)) {
        player_check(p,
                     exo_client_ready(p->client, (int)dice_below(&p->dice, 64), (int)dice_below(&p->dice, 8)) == EXO_OK,
                     "nothing can be said to be ready");
    }
}

static void do_body_value(player *p)
{
    static const char value[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"why?\"}]}";
    exo_json_cursor json;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = player_model(p);
    options.defaults = dice_once_in(&p->dice, 2) ? "{\"seed\":1}" : NULL;
    exo_json_cursor_init(&json, exo_span_text(value), EXO_JSON_DEPTH_MAX);
    const exo_cursor cursor = exo_json_cursor_of(&json);
    player_check(p, exo_client_body_value(p->client, &cursor, &options, body_takes, p) == EXO_OK, "no body of a value");
}

/* One function of the library, or a few that belong together, and how often it is called. */
static const struct {
    void (*act)(player *p);
    unsigned weight;
    bool nests; /* may be done inside of a handler */
} acts[] = {
    {do_poll, 20, false},     {do_hold, 4, true},   {do_resume, 20, true},    {do_wakeup, 2, true},
    {do_bounds, 1, true},     {do_remove, 1, true}, {do_look, 1, true},       {do_next, 60, false},
    {do_start, 30, true},     {do_cancel, 4, true}, {do_free, 6, true},       {do_reply, 6, true},
    {do_deploy, 2, true},     {do_lists, 1, true},  {do_end_taken, 10, true}, {do_ready, 2, false},
    {do_body_value, 1, true}, {do_body, 1, true},   {do_chat, 1, true},       {do_models, 1, false},
};

static void player_step(player *p)
{
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        sum += acts[i].weight;
    }
    unsigned at = dice_below(&p->dice, sum);
    size_t i = 0;
    while (at >= acts[i].weight) {
        at -= acts[i].weight;
        i++;
    }
    if (p->depth == 0 || acts[i].nests) {
        acts[i].act(p);
    }
}

/* ---- one seed ---- */

/* Another thread, which wakes up the client again and again. */
static void *player_wakes(void *arg)
{
    player *p = arg;
    const struct timespec pause = {0, 1000000};
    while (!atomic_load(&p->waker_stops)) {
        exo_client_wakeup(p->client);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void player_open(player *p)
{
    p->dice = p->seed;
    memset(p->large, 'x', sizeof p->large - 1);
    p->server = unruly_start(p->seed);
    static const int64_t turns[] = {0, 1, 1000, 262144};
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    options.turn_bytes = turns[dice_below(&p->dice, 4)];
    options.log = player_logs;
    options.log_ctx = p;
    options.log_bodies = (long)dice_below(&p->dice, 3) * 50;
    p->client = exo_client_new(&options);
    player_check(p, p->server && p->client, "nothing to begin with");
    snprintf(p->url, sizeof p->url, "http://127.0.0.1:%u/v1", unruly_port(p->server));
    snprintf(p->named_url, sizeof p->named_url, "http://localhost:%u/v1", unruly_port(p->server));
    for (size_t i = 0; i < MODELS; i++) {
        player_deploy(p, models[i]);
    }
}

/* All calls come to their end by themselves, or are freed with the client. */
static void player_close(player *p)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        if (p->calls[i].held) {
            p->calls[i].held = false;
            exo_call_hold(p->calls[i].call, false);
        }
    }
    if (dice_once_in(&p->dice, 2)) {
        exo_event event;
        int code;
        while ((code = exo_client_next(p->client, -1, &event)) != EXO_IDLE) { /* OK: somebody had called wakeup() */
            player_check(p, code >= EXO_OK, "exo_client_next() fails");
            if (code == EXO_EVENT) {
                player_note(p, exo_call_user(event.call), &event);
            }
        }
        for (size_t i = 0; i < CALLS_MAX; i++) {
            const tracked *t = &p->calls[i];
            player_check(p, !t->call || t->ended || t->cancelled, "no call is left, but one has not ended");
        }
        do_end_taken(p);
    }
    exo_client_free(p->client);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        player_forget(&p->calls[i]);
    }
    unruly_stop(p->server);
}

static void player_play(player *p)
{
    player_open(p);
    const bool woken = dice_once_in(&p->dice, 2);
    if (woken && pthread_create(&p->waker, NULL, player_wakes, p) != 0) {
        player_fails(p, "no thread");
    }
    for (uint64_t i = 0; i < p->operations; i++) {
        player_step(p);
    }
    if (woken) {
        atomic_store(&p->waker_stops, true);
        pthread_join(p->waker, NULL);
    }
    player_close(p);
}

/* ---- threads ---- */

typedef struct seat {
    pthread_t thread;
    uint64_t operations;
    uint64_t seed;
    unsigned step; /* from one seed to the next */
    int64_t until;
    uint64_t seeds;
    player total;
} seat;

static void *seat_play(void *arg)
{
    seat *s = arg;
    do {
        player *p = calloc(1, sizeof *p);
        if (!p) {
            abort();
        }
        p->seed = s->seed;
        p->operations = s->operations;
        player_play(p);
        s->total.starts += p->starts;
        s->total.events += p->events;
        s->total.answers += p->answers;
        s->total.failures += p->failures;
        s->seeds++;
        s->seed += s->step;
        free(p);
    } while (player_now() < s->until);
    return NULL;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s OPERATIONS SEED [THREADS [SECONDS]]\n", argv[0]);
        return 2;
    }
    unsigned threads = argc > 3 ? (unsigned)number(argv[3]) : 1;
    int64_t until = argc > 4 ? player_now() + (int64_t)number(argv[4]) * 1000 : 0;
    seat *seats = calloc(threads, sizeof *seats);
    if (!seats) {
        return 1;
    }
    for (unsigned i = 0; i < threads; i++) {
        seats[i].operations = number(argv[1]);
        seats[i].seed = number(argv[2]) + i;
        seats[i].step = threads;
        seats[i].until = until;
        if (pthread_create(&seats[i].thread, NULL, seat_play, &seats[i]) != 0) {
            return 1;
        }
    }
    uint64_t seeds = 0;
    player sum = {0};
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(seats[i].thread, NULL);
        seeds += seats[i].seeds;
        sum.starts += seats[i].total.starts;
        sum.events += seats[i].total.events;
        sum.answers += seats[i].total.answers;
        sum.failures += seats[i].total.failures;
    }
    printf("random_api: seeds %s to %llu: %llu operations, %llu calls, %llu events, %llu answers, %llu failures\n",
           argv[2], (unsigned long long)(number(argv[2]) + seeds - 1), (unsigned long long)(seeds * number(argv[1])),
           (unsigned long long)sum.starts, (unsigned long long)sum.events, (unsigned long long)sum.answers,
           (unsigned long long)sum.failures);
    free(seats);
    return 0;
}
