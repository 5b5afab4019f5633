/*
 * world.h: a client over a transport that follows a script, and what is asked of it, in words: how the programs that
 * test calls set one up, start calls, take their events and say what came. Part of these programs.
 */
#ifndef WORLD_H
#define WORLD_H

#include "../../src/client/call.h"
#include "../../src/client/client.h"

#include "fake_transport.c"

enum {
    TALK = 4096,
    STEPS = 40000
};

/* One client, its deployments and what is asked of them. */
typedef struct world {
    fake *f;
    exo_client *client;
    exo_request *request;
    exo_deployment deployment;
    exo_route_policy policy;
    exo_call_options options;
    exo_source source;
    int64_t hold;   /* for how long the consumer works on each event */
    long not_ready; /* how often the source has nothing */
    size_t read;    /* of the source */
    char said[TALK];
} world;

static inline void say(world *w, const char *format, ...)
{
    size_t len = strlen(w->said);
    va_list arguments;
    va_start(arguments, format);
    if (len > 0) {
        w->said[len++] = ' ';
    }
    vsnprintf(w->said + len, sizeof w->said - len, format, arguments);
    va_end(arguments);
}

/* What was said, and forgotten with that. */
static inline const char *said(world *w)
{
    static char words[TALK];
    memcpy(words, w->said, sizeof words);
    w->said[0] = '\0';
    return words;
}

/* The name of a code without its prefix. */
static inline const char *name_of(int code)
{
    return code == EXO_OK ? "OK" : exo_error_name(code) + strlen("EXO_E_");
}

static inline int64_t now_of(const world *w)
{
    return exo_loop_now(&w->client->loop);
}

static inline int read_source(void *ctx, void *dst, size_t size, size_t *got)
{
    static const char text[] = "what the source has";
    world *w = ctx;
    if (w->not_ready > 0) {
        w->not_ready--;
        return EXO_AGAIN;
    }
    *got = sizeof text - 1 - w->read;
    *got = *got < size ? *got : size;
    memcpy(dst, text + w->read, *got);
    w->read += *got;
    return EXO_OK;
}

static inline int rewind_source(void *ctx)
{
    world *w = ctx;
    w->read = 0;
    return EXO_OK;
}

static inline void attach_source(world *w, bool once)
{
    w->source = (exo_source){.ctx = w, .read = read_source, .rewind = once ? NULL : rewind_source};
    w->source.size = EXO_SIZE_UNKNOWN;
    assert_int_equal(exo_request_source(w->request, EXO_USER, &w->source, "text/plain", NULL), EXO_OK);
}

/* The numbers that a scenario can set, by name. */
static inline void set_number(world *w, const char *name, long number)
{
    exo_deployment *d = &w->deployment;
    const struct {
        const char *name;
        int64_t *field;
    } times[] = {
        {"connect", &d->connect_timeout},     {"first", &d->stream_ttft_timeout},
        {"idle", &d->request_timeout},        {"hold", &w->hold},
        {"total", &w->options.total_timeout},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (strcmp(times[i].name, name) == 0) {
            *times[i].field = number;
            return;
        }
    }
    if (strcmp(name, "retries") == 0) {
        w->policy.retries = (uint32_t)number;
    } else if (strcmp(name, "cooldown") == 0) {
        w->policy.cooldown = (uint32_t)number;
        w->policy.cooldown_after = 1;
    } else if (strcmp(name, "turn") == 0) {
        return;
    } else if (strcmp(name, "unready") == 0) {
        w->not_ready = number;
        attach_source(w, false);
    } else {
        fail_msg("%s is no number of a scenario", name);
    }
}

/* Whether the transports of the next worlds leave off when they have told something. */
static bool world_leaves_off;

static inline void set_up(world *w, const char *setup)
{
    char words[128];
    memset(w, 0, sizeof *w);
    w->f = fake_open();
    if (world_leaves_off) {
        fake_leave_off(w->f);
    }
    w->deployment = (exo_deployment)EXO_DEPLOYMENT_INIT;
    w->policy = (exo_route_policy)EXO_ROUTE_POLICY_INIT;
    w->options = (exo_call_options)EXO_CALL_OPTIONS_INIT;
    w->deployment.base_url = "https://api.example/v1";
    w->deployment.api_key = "sk-of-the-deployment";
    w->policy.backoff_first = 0;
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    const char *turn = setup ? strstr(setup, "turn=") : NULL; /* what a client has from the start */
    options.turn_bytes = turn ? strtol(turn + strlen("turn="), NULL, 10) : options.turn_bytes;
    w->client = exo_engine_new(&options, fake_transport(w->f));
    w->request = exo_request_new("a");
    assert_non_null(w->client);
    assert_int_equal(exo_request_text(w->request, EXO_USER, "hello"), EXO_OK);
    snprintf(words, sizeof words, "%s", setup ? setup : "");
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        char *number = strchr(word, '=');
        if (number) {
            *number = '\0';
            set_number(w, word, strtol(number + 1, NULL, 10));
        } else if (strcmp(word, "once") == 0) {
            attach_source(w, true);
        } else {
            w->options.restart = w->options.restart || strcmp(word, "restart") == 0;
            w->options.events |= strcmp(word, "fallback") == 0 ? EXO_WANT(EXO_EVENT_FALLBACK) : 0;
            w->options.buffered = w->options.buffered || strcmp(word, "buffered") == 0;
            w->deployment.chunked = w->deployment.chunked || strcmp(word, "chunked") == 0;
        }
    }
}

/* Deploys `name`, which goes on like that. */
static inline void deploy(world *w, const char *name, const char *script)
{
    if (script) {
        fake_script(w->f, name, script);
        assert_int_equal(exo_client_deploy(w->client, name, &w->deployment), EXO_OK);
        assert_int_equal(exo_client_policy(w->client, name, &w->policy), EXO_OK);
    }
}

static inline void tear_down(world *w)
{
    exo_client_free(w->client);
    exo_request_free(w->request);
}

static inline void say_event(world *w, const exo_event *event, const char *who)
{
    switch (event->type) {
    case EXO_EVENT_TEXT:
        if (event->text.len > 0) {
            say(w, "%s%.*s", who, (int)event->text.len, event->text.ptr);
        }
        return;
    case EXO_EVENT_USAGE:
        say(w, "%susage", who);
        return;
    case EXO_EVENT_FALLBACK:
        say(w, "%sfallback:%s#%u>%s", who, name_of(event->failure->code), (unsigned)event->attempt,
            event->next ? event->next : "nobody");
        return;
    case EXO_EVENT_RESTART:
        say(w, "%srestart:%s", who, name_of(event->failure->code));
        return;
    case EXO_EVENT_END:
        say(w, "%send:%s@%lld", who, name_of(event->failure ? event->failure->code : EXO_OK), (long long)now_of(w));
        return;
    default:
        return;
    }
}

/* Takes all events until no call is left. `who`: whether each is said with the name of its call. */
static inline void take_all(world *w, bool who)
{
    exo_event event;
    char name[16] = "";
    int code;
    for (int steps = 0; (code = exo_client_next(w->client, -1, &event)) == EXO_EVENT; steps++) {
        assert_true(steps < STEPS);
        if (who) {
            snprintf(name, sizeof name, "%s.", (const char *)exo_call_user(event.call));
        }
        say_event(w, &event, name);
        fake_pass(w->f, w->hold);
    }
    assert_int_equal(code, EXO_IDLE);
}

/* Time enough for what is drained. */
static inline void let_drain(world *w)
{
    exo_event event;
    for (int i = 0; i < 30; i++) {
        fake_pass(w->f, 10);
        (void)exo_client_next(w->client, 0, &event);
    }
    assert_null(w->client->drains.first);
}

/* ---- several calls ---- */

static inline exo_call *start(world *w, const char *model, const char *user)
{
    exo_call_options options = w->options;
    options.model = model;
    exo_call *call = exo_call_start(w->client, w->request, &options, (void *)(uintptr_t)user);
    assert_non_null(call);
    return call;
}

/* The next event that comes without any time passing; fails where there is none. */
static inline void take_one(world *w, exo_event *event)
{
    int code = EXO_OK;
    for (int i = 0; i < 10 && code == EXO_OK; i++) {
        code = exo_client_next(w->client, 0, event);
    }
    assert_int_equal(code, EXO_EVENT);
}

/* Lets everything happen that takes no time. No event may come of it. */
static inline void take_none(world *w)
{
    exo_event event;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(exo_client_next(w->client, 0, &event), EXO_OK);
    }
}

#endif
