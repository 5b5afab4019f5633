/*
 * test_call.c: calls over a transport that follows a script (fake_transport.h): what they hand out, what they ask of
 * the transport, and what the trail keeps. No socket, and nobody waits: the clock is the transport's.
 *
 * The table of scenarios is run once as it stands, and then anew for every step at which a call can be cancelled or
 * freed, and for every block of memory that can be missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "failing_heap.h"

#define calloc(count, size)   (heap_is_empty() ? NULL : calloc(count, size))
#define realloc(memory, size) scarce_realloc(memory, size)
#include "../../src/client/call.c"
#include "../../src/client/draining.c"
#include "../../src/client/reply.c"
#include "../../src/client/timers.c"
#undef calloc
#undef realloc

#include "world.h"

/* ---- scenarios ---- */

typedef struct scenario {
    const char *what;
    const char *setup; /* may be NULL */
    const char *a;     /* what happens at the model that is called, */
    const char *b;     /* at its fallback, */
    const char *x;     /* and at its fallback for the context window; may be NULL */
    const char *said;  /* events */
    const char *asked; /* of the transport; see fake_asked() */
    const char *trail;
} scenario;

#define HI "ok text:hi finish:stop done end"
#define YO "ok text:yo finish:stop done end"
#define TOO_LONG \
    "conn sent 400 raw:{\"error\":{\"message\":\"context_length_exceeded\",\"code\":\"context_length_exceeded\"}} end"

static const scenario scenarios[] = {
    {"an answer", NULL, HI, NULL, NULL, "hi end:OK@0", "a a+", "a:OK"},
    {"an answer, slowly", NULL, "+5 conn +5 sent +5 200 +5 text:h +5 text:i +5 finish:stop +5 done +5 end", NULL, NULL,
     "h i end:OK@35", "a a~ a+", "a:OK"},
    {"usage", NULL, "ok text:hi finish:stop usage done end", NULL, NULL, "hi usage end:OK@0", "a a+", "a:OK"},
    {"no [DONE]", NULL, "ok text:hi finish:stop +9 end", NULL, NULL, "hi end:OK@9", "a a+", "a:OK"},
    {"a break behind [DONE]", NULL, "ok text:hi finish:stop done end:RECEIVE", NULL, NULL, "hi end:OK@0", "a a+",
     "a:OK"},
    {"buffered", "buffered", HI, NULL, NULL, "end:OK@0", "a a+", "a:OK"},
    {"interim heads", NULL, "conn 100 sent 103 200 text:hi finish:stop done end", NULL, NULL, "hi end:OK@0", "a a+",
     "a:OK"},
    {"never-ending drain", NULL, "ok text:hi finish:stop done note +100 note +100 note +100 note", NULL, NULL,
     "hi end:OK@0", "a a~ a+", "a:OK"},

    /* routing */
    {"falls back", NULL, "conn sent end:CLOSED", YO, NULL, "yo end:OK@0", "a a- b b+", "a:CLOSED b:OK"},
    {"no fallback has what this machine lacks", NULL, "end:LOCAL", YO, NULL, "end:LOCAL@0", "a a-", "a:LOCAL"},
    {"the last failure counts", NULL, "conn sent end:CLOSED", "conn sent 500 end", NULL, "end:SERVER@0", "a a- b b-",
     "a:CLOSED b:SERVER"},
    {"no fallback cures it", NULL, "conn sent 401 end", YO, NULL, "end:AUTH@0", "a a-", "a:AUTH"},
    {"retries", "retries=2", "end:CONNECT | conn sent 500 end | " HI, NULL, NULL, "hi end:OK@0", "a a- a a- a a+",
     "a:CONNECT a:SERVER a:OK"},
    {"waits as long as it is told", "retries=1", "conn sent 429:retry-after-ms=250 end | " HI, NULL, NULL,
     "hi end:OK@250", "a a- a a+", "a:RATE_LIMIT a:OK"},
    {"retries, then falls back", "retries=1", "end:CONNECT | end:CONNECT", YO, NULL, "yo end:OK@0", "a a- a a- b b+",
     "a:CONNECT a:CONNECT b:OK"},
    {"no retry of a silent route", "retries=1 first=10", "ok", YO, NULL, "yo end:OK@11", "a a- b b+",
     "a:CLOCK_FIRST b:OK"},
    {"a larger window", NULL, TOO_LONG, YO, HI, "hi end:OK@0", "a a- x x+", "a:CONTEXT_WINDOW x:OK"},
    {"no larger window", NULL, TOO_LONG, YO, NULL, "end:CONTEXT_WINDOW@0", "a a-", "a:CONTEXT_WINDOW"},

    /* what was shown */
    {"a break behind what was shown", NULL, "ok text:hi end:RECEIVE", YO, NULL, "hi end:RECEIVE@0", "a a-",
     "a:RECEIVE"},
    {"restart", "restart", "ok text:hi end:RECEIVE", YO, NULL, "hi restart:RECEIVE yo end:OK@0", "a a- b b+",
     "a:RECEIVE b:OK"},
    {"restart, with a wait", "restart retries=1", "ok text:hi end:RECEIVE | " YO, NULL, NULL,
     "hi restart:RECEIVE yo end:OK@0", "a a- a a+", "a:RECEIVE a:OK"},
    {"twice", "restart", "ok text:hi end:RECEIVE", "ok text:yo end:BODY_CUT", NULL,
     "hi restart:RECEIVE yo end:BODY_CUT@0", "a a- b b-", "a:RECEIVE b:BODY_CUT"},
    {"restart without another", "restart", "ok text:hi end:RECEIVE", NULL, NULL, "hi end:RECEIVE@0", "a a-",
     "a:RECEIVE"},
    {"a break that nobody saw", "buffered", "ok text:hi end:RECEIVE", YO, NULL, "end:OK@0", "a a- b b+",
     "a:RECEIVE b:OK"},
    {"a role shows nothing", NULL, "ok role end:RECEIVE", YO, NULL, "yo end:OK@0", "a a- b b+", "a:RECEIVE b:OK"},
    {"nor does usage", NULL, "ok usage end:RECEIVE", YO, NULL, "usage yo end:OK@0", "a a- b b+", "a:RECEIVE b:OK"},
    {"an end that proves nothing", NULL, "ok note end", YO, NULL, "yo end:OK@0", "a a- b b+", "a:EMPTY_STREAM b:OK"},

    /* clocks */
    {"connect", "connect=10", "", YO, NULL, "yo end:OK@10", "a a- b b+", "a:CLOCK_CONNECT b:OK"},
    {"idle in SEND", "idle=1000", "conn sent:5 +100 sent:5", NULL, NULL, "end:CLOCK_IDLE@1000", "a a-", "a:CLOCK_IDLE"},
    {"first event", "first=1000", "ok note +900 note +200 text:hi", NULL, NULL, "end:CLOCK_FIRST@1001", "a a-",
     "a:CLOCK_FIRST"},
    {"in time", "first=1000", "ok +999 text:hi finish:stop done end", NULL, NULL, "hi end:OK@999", "a a+", "a:OK"},
    {"idle", "idle=100", "ok text:hi +99 text:hi", NULL, NULL, "hi hi end:CLOCK_IDLE@199", "a a-", "a:CLOCK_IDLE"},
    {"the rest", NULL, "ok text:hi finish:stop", NULL, NULL, "hi end:OK@5000", "a a~ a+", "a:OK"},
    {"the rest of a refusal", NULL, "conn sent 500", NULL, NULL, "end:SERVER@5000", "a a-", "a:SERVER"},
    {"total in SIZING", "total=12 unready=1000", HI, NULL, NULL, "end:CLOCK_TOTAL@12", "", ""},
    {"total in CONNECT", "total=100", "", YO, NULL, "end:CLOCK_TOTAL@100", "a a-", "a:CLOCK_TOTAL"},
    {"total in SEND", "total=100", "conn sent:5", YO, NULL, "end:CLOCK_TOTAL@100", "a a-", "a:CLOCK_TOTAL"},
    {"total in FIRST", "total=100", "ok +90 note +90 note", YO, NULL, "end:CLOCK_TOTAL@100", "a a-", "a:CLOCK_TOTAL"},
    {"total in STREAM", "total=100", "ok text:hi +90 text:hi +90", YO, NULL, "hi hi end:CLOCK_TOTAL@100", "a a-",
     "a:CLOCK_TOTAL"},
    {"total in REST", "total=100", "ok text:hi finish:stop", YO, NULL, "hi end:CLOCK_TOTAL@100", "a a-",
     "a:CLOCK_TOTAL"},
    {"total in REFUSAL", "total=100", "conn sent 500", YO, NULL, "end:CLOCK_TOTAL@100", "a a-", "a:CLOCK_TOTAL"},
    {"no wait beyond the total clock", "total=100 retries=1", "conn sent 429:retry-after-ms=100 end", NULL, NULL,
     "end:RATE_LIMIT@0", "a a-", "a:RATE_LIMIT"},
    {"over attempts", "total=100", "+60 conn sent 500 end", "+60 " YO, NULL, "end:CLOCK_TOTAL@100", "a a- b b-",
     "a:SERVER b:CLOCK_TOTAL"},

    {"an answer at the last moment", "total=100", "ok +100 text:hi finish:stop done end", NULL, NULL, "hi end:OK@100",
     "a a+", "a:OK"},
    {"a refusal at the last moment", "total=100", "conn sent +100 401 end", YO, NULL, "end:AUTH@100", "a a-", "a:AUTH"},
    {"no attempt behind the last moment", "total=100", "conn sent +100 500 end", YO, NULL, "end:CLOCK_TOTAL@100",
     "a a-", "a:SERVER"},

    /* the consumer holds the call */
    {"held", "hold=5000 idle=100 first=100", "ok text:h +50 text:i +50 finish:stop done end", NULL, NULL,
     "h i end:OK@10000", "a a+", "a:OK"},
    {"held, total", "hold=5000 total=100", "ok text:h +50 text:i +50 finish:stop done end", NULL, NULL,
     "h i end:CLOCK_TOTAL@10000", "a a-", "a:CLOCK_TOTAL"},
    {"held, then stalled", "hold=5000 idle=100", "ok text:hi", NULL, NULL, "hi end:CLOCK_IDLE@5100", "a a-",
     "a:CLOCK_IDLE"},

    /* the body */
    {"a source that is not ready", "unready=3", HI, NULL, NULL, "hi end:OK@15", "a a+", "a:OK"},
    {"a source that can rewind", "unready=0", "conn sent 500 end", YO, NULL, "yo end:OK@0", "a a- b b+",
     "a:SERVER b:OK"},
    {"a source that is spent", "once", "conn sent 500 end", YO, NULL, "end:SERVER@0", "a a-", "a:SERVER"},
    {"a source that was not begun", "once", "conn end:CLOSED", YO, NULL, "yo end:OK@0", "a a- b b+", "a:CLOSED b:OK"},
    {"chunked", "chunked", "conn sent 500 end", YO, NULL, "yo end:OK@0", "a a- b b+", "a:SERVER b:OK"},

    /* sent again by ourselves */
    {"a dead connection", NULL, "again sent end:CLOSED | " HI, YO, NULL, "hi end:OK@0", "a a- a! a+", "a:OK"},
    {"in time to send again", NULL, "again sent +999 end:RESET_IN_UPLOAD | " HI, YO, NULL, "hi end:OK@999",
     "a a- a! a+", "a:OK"},
    {"too late to send again", NULL, "again sent +1100 end:CLOSED", YO, NULL, "yo end:OK@1100", "a a- b b+",
     "a:CLOSED b:OK"},
    {"a byte had come", NULL, "again sent 100 end:RECEIVE", YO, NULL, "yo end:OK@0", "a a- b b+", "a:RECEIVE b:OK"},
    {"not again and again", NULL, "again sent end:CLOSED | again sent end:CLOSED", YO, NULL, "yo end:OK@0",
     "a a- a! a- b b+", "a:CLOSED b:OK"},
    {"a spent body is not sent again", "once", "again sent end:CLOSED", YO, NULL, "end:CLOSED@0", "a a-", "a:CLOSED"},
    {"sent again, and refused", NULL, "again sent end:CLOSED | refuse:ARGUMENT", YO, NULL, "end:ARGUMENT@0", "a a- a!",
     "a:ARGUMENT"},

    /* heads */
    {"too many bytes", NULL, "conn sent end:HEAD_LIMIT", YO, NULL, "yo end:OK@0", "a a- b b+", "a:HEAD_LIMIT b:OK"},
    {"refused in the middle of the upload", NULL, "conn sent:9 413 end", YO, NULL, "end:STATUS@0", "a a-", "a:STATUS"},
    {"broken off by the other side", NULL, "conn sent:9 end:RESET_IN_UPLOAD", YO, NULL, "yo end:OK@0", "a a- b b+",
     "a:RESET_IN_UPLOAD b:OK"},
};

#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

/* A world in which a scenario is about to be played. */
static void set_scene(world *w, const scenario *s)
{
    set_up(w, s->setup);
    deploy(w, "a", s->a);
    deploy(w, "b", s->b);
    deploy(w, "x", s->x);
    assert_int_equal(s->b ? exo_client_fallback(w->client, "a", "b") : EXO_OK, EXO_OK);
    assert_int_equal(s->x ? exo_client_context_fallback(w->client, "a", "x") : EXO_OK, EXO_OK);
}

static void say_trail(world *w, const exo_reply *reply)
{
    for (size_t i = 0; i < exo_reply_attempts(reply); i++) {
        const exo_trail_entry *attempt = exo_reply_attempt(reply, i);
        say(w, "%s:%s", attempt->deployment, name_of(attempt->code));
        assert_true(attempt->end_ms >= 0);
    }
}

/* What one thing that was expected is called, when it did not come. */
static int differs(const scenario *s, const char *what, const char *is, const char *expected)
{
    if (strcmp(is, expected) == 0) {
        return 0;
    }
    print_error("%s: %s: '%s', not '%s'\n", s->what, what, is, expected);
    return 1;
}

static int play(const scenario *s)
{
    world w;
    set_scene(&w, s);
    exo_call *call = exo_call_start(w.client, w.request, &w.options, NULL);
    take_all(&w, false);
    int failed = differs(s, "events", said(&w), s->said);
    exo_reply *reply = exo_call_reply(call);
    say_trail(&w, reply);
    failed += differs(s, "trail", said(&w), s->trail);
    exo_reply_free(reply);
    exo_call_free(call);
    let_drain(&w);
    failed += differs(s, "asked", fake_asked(w.f), s->asked);
    assert_int_equal(fake_running(w.f), 0);
    tear_down(&w);
    return failed;
}

static void every_scenario(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < SCENARIOS; i++) {
        failed += play(&scenarios[i]);
    }
    assert_int_equal(failed, 0);
}

/* ---- at every step ---- */

/* Lets the call come as far as it does in one step: an event, or what can be done at once. False at its end. */
static bool step(world *w, exo_event *event)
{
    int code = exo_client_next(w->client, 0, event);
    if (code == EXO_EVENT) {
        return event->type != EXO_EVENT_END;
    }
    fake_pass(w->f, code == EXO_OK ? 1 : 0);
    return code == EXO_OK;
}

/* Cancels, or frees, the call of a scenario behind so many steps. False: it had come to its end before. */
static bool end_at(const scenario *s, int steps, bool freed, unsigned *states)
{
    world w;
    exo_event event;
    bool running = true;
    set_scene(&w, s);
    exo_call *call = exo_call_start(w.client, w.request, &w.options, NULL);
    for (int i = 0; i < steps && running; i++) {
        running = step(&w, &event);
    }
    *states |= 1U << call->state;
    exo_call_state was = call->state;
    if (freed) {
        exo_call_free(call);
    } else {
        exo_call_cancel(call);
        assert_int_equal(exo_client_next(w.client, -1, &event), EXO_IDLE);
        exo_reply *reply = exo_call_reply(call);
        const exo_failure *failure = exo_reply_failure(reply);
        if (was < CALL_ENDING) {
            assert_int_equal(failure->code, EXO_E_CANCELLED);
        }
        for (size_t i = 0; i < exo_reply_attempts(reply); i++) {
            assert_true(exo_reply_attempt(reply, i)->end_ms >= 0);
        }
        exo_reply_free(reply);
        exo_call_cancel(call);
        exo_call_free(call);
    }
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_IDLE);
    assert_int_equal(w.client->loop.ready.count, 0);
    let_drain(&w);
    assert_int_equal(fake_running(w.f), 0);
    tear_down(&w);
    return running;
}

static void a_call_can_be_ended_at_every_step(void **state)
{
    unsigned states = 0;
    (void)state;
    for (size_t i = 0; i < SCENARIOS; i++) {
        for (int steps = 0, stride = 1; end_at(&scenarios[i], steps, false, &states); steps += stride) {
            (void)end_at(&scenarios[i], steps, true, &states);
            stride = steps < 40 ? 1 : 97; /* where a clock is waited for, nothing happens */
        }
    }
    for (int s = CALL_ROUTING; s <= CALL_ENDED; s++) {
        if (s != CALL_GRACE) { /* needs another call */
            assert_true(states & (1U << s));
        }
    }
}

/* Ends the whole client while a scenario is under way. */
static void a_client_can_be_freed_at_every_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENARIOS; i++) {
        bool running = true;
        for (int steps = 0; running && steps < 40; steps++) {
            world w;
            exo_event event;
            set_scene(&w, &scenarios[i]);
            assert_non_null(exo_call_start(w.client, w.request, &w.options, NULL));
            for (int k = 0; k < steps && running; k++) {
                running = step(&w, &event);
            }
            tear_down(&w);
        }
    }
}

/* Plays a scenario with so many blocks of memory. False: it needed no more. */
static bool play_scarce(const scenario *s, long blocks)
{
    world w;
    set_scene(&w, s);
    heap_left = blocks;
    exo_call *call = exo_call_start(w.client, w.request, &w.options, NULL);
    if (call) {
        take_all(&w, false);
    }
    bool short_of_memory = heap_left == 0;
    heap_left = -1;
    if (call) {
        exo_reply *reply = exo_call_reply(call);
        assert_non_null(reply);
        assert_true(strstr(said(&w), "end:") != NULL);
        exo_reply_free(reply);
        exo_call_free(call);
    }
    let_drain(&w);
    assert_int_equal(fake_running(w.f), 0);
    tear_down(&w);
    return short_of_memory;
}

static void every_block_of_memory_can_be_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENARIOS; i++) {
        long blocks = 0;
        while (play_scarce(&scenarios[i], blocks)) {
            blocks++;
        }
        assert_true(blocks > 5);
    }
}

/* ---- the start of an exchange ---- */

static void whatever_keeps_an_exchange_from_starting_ends_the_call(void **state)
{
    (void)state;
    for (int code = -1; code > -128; code--) {
        char script[64];
        char expected[64];
        if (strcmp(exo_error_name(code), exo_error_name(-1000)) == 0) {
            continue;
        }
        snprintf(script, sizeof script, "refuse:%s", name_of(code));
        const scenario s = {script, NULL, script, YO, NULL, expected, "a", script + strlen("refuse:")};
        char trail[64];
        snprintf(expected, sizeof expected, "end:%s@0", name_of(code));
        snprintf(trail, sizeof trail, "a:%s", name_of(code));
        scenario with_trail = s;
        with_trail.trail = trail;
        assert_int_equal(play(&with_trail), 0);
    }
}

/* The total clock says nothing of the endpoint, but what the endpoint has said is kept. */
static void what_is_known_of_a_response_outlives_the_total_clock(void **state)
{
    const scenario s = {.setup = "total=100", .a = "conn sent 503:x-request-id=req-7"};
    world w;
    (void)state;
    set_scene(&w, &s);
    exo_call *call = exo_call_start(w.client, w.request, &w.options, NULL);
    take_all(&w, false);
    exo_reply *reply = exo_call_reply(call);
    const exo_failure *failure = exo_reply_failure(reply);
    assert_int_equal(failure->code, EXO_E_CLOCK_TOTAL);
    assert_int_equal(failure->http_status, 503);
    assert_string_equal(failure->request_id, "req-7");
    exo_reply_free(reply);
    tear_down(&w);
}

/* ---- several calls ---- */

/* Everybody has a turn before anybody has another. */
static void calls_take_turns(void **state)
{
    world w;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", "ok text:1 text:2 text:3 finish:stop done end | ok text:1 text:2 finish:stop done end");
    deploy(&w, "b", "ok text:1 text:2 text:3 finish:stop done end");
    start(&w, "a", "A");
    start(&w, "a", "B");
    start(&w, "b", "C");
    take_all(&w, true);
    assert_string_equal(said(&w), "A.1 B.1 C.1 A.2 B.2 C.2 A.3 C.3 B.end:OK@0 A.end:OK@0 C.end:OK@0");
    tear_down(&w);
}

/* The clocks of a call are judged only after the transport was served: what had come meanwhile is read first, however
 * long the consumer of another call's event took. */
static void a_slow_consumer_ends_nobody_elses_call(void **state)
{
    static const struct {
        const char *what;
        const char *setup;
        const char *script; /* of the call that nobody holds; something comes in time */
        const char *said;
    } cases[] = {
        {"connect", "connect=100", "+50 " HI, "slow hi end:OK@5000"},
        {"first event", "first=100", "conn sent 200 +50 text:hi finish:stop done end", "slow hi end:OK@5000"},
        {"idle in SEND", "idle=100", "conn sent:2 +50 sent 200 text:hi finish:stop done end", "slow hi end:OK@5000"},
        {"idle in FIRST", "idle=100", "conn sent 200 +50 text:hi finish:stop done end", "slow hi end:OK@5000"},
        {"idle in STREAM", "idle=100", "ok text:h +50 text:i finish:stop done end", "h slow i end:OK@5000"},
        {"the rest of a refusal", NULL, "conn sent 500 +50 end", "slow end:SERVER@5000"},
        {"total", "total=100", "ok +50 text:hi finish:stop done end", "slow hi end:OK@5000"},
        {"total, and too late", "total=100", "ok +50 text:hi +5000 finish:stop done end",
         "slow hi end:CLOCK_TOTAL@5000"},
        {"idle, and too late", "idle=100", "ok text:h +200 text:i", "h slow i end:CLOCK_IDLE@5100"},
    };
    (void)state;
    int failed = 0;
    for (size_t k = 0; k < 2 * sizeof cases / sizeof cases[0]; k++) {
        world w;
        exo_event event;
        size_t i = k / 2;
        bool early = k % 2; /* its turn comes before the transport is served */
        set_up(&w, cases[i].setup);
        deploy(&w, "b", cases[i].script);
        deploy(&w, "a", "ok +9 text:slow");
        exo_call *held = start(&w, "a", "held");
        exo_call *other = start(&w, "b", "other");
        do {
            assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
            say_event(&w, &event, "");
        } while (event.call != held);
        if (early) {
            exo_loop_wake(&w.client->loop, &other->task);
        }
        fake_pass(w.f, 4991);
        exo_call_free(held);
        take_all(&w, false);
        const scenario s = {.what = cases[i].what};
        failed += differs(&s, "events", said(&w), cases[i].said);
        exo_call_free(other);
        tear_down(&w);
    }
    assert_int_equal(failed, 0);
}

/* An attempt waits a moment for a connection that is being drained. */
static void a_call_waits_for_a_connection_that_is_drained(void **state)
{
    static const struct {
        const char *what;
        const char *setup;
        const char *second; /* which deployment the second call goes to */
        const char *a;
        const char *b;
        const char *said;
        const char *asked;
    } cases[] = {
        {"free in time", NULL, "a", "ok text:hi finish:stop done +10 end | " YO, "", "hi end:OK@0 yo end:OK@10",
         "a a~ a+ a a+"},
        {"free too late", NULL, "a", "ok text:hi finish:stop done +100 end | " YO, "", "hi end:OK@0 yo end:OK@20",
         "a a~ a a+ a+"},
        {"free at once", NULL, "a", HI " | " YO, "", "hi end:OK@0 yo end:OK@0", "a a+ a a+"},
        {"the total clock", "total=15", "a", "ok text:hi finish:stop done +100 end | " YO, "",
         "hi end:OK@0 end:CLOCK_TOTAL@15", "a a~ a+"},
        {"another deployment", "elsewhere", "b", "ok text:hi finish:stop done +10 end", YO, "hi end:OK@0 yo end:OK@0",
         "a a~ b b+ a+"},
        {"another one of the same address", NULL, "b", "ok text:hi finish:stop done +10 end", YO,
         "hi end:OK@0 yo end:OK@10", "a a~ a+ b b+"},
        {"a connection that fails", NULL, "a", "ok text:hi finish:stop done +10 end:RECEIVE | " YO, "",
         "hi end:OK@0 yo end:OK@10", "a a~ a+ a a+"},
    };
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        set_up(&w, cases[i].setup);
        deploy(&w, "a", cases[i].a);
        if (cases[i].setup && strcmp(cases[i].setup, "elsewhere") == 0) {
            w.deployment.base_url = "https://other.example/v1";
        }
        deploy(&w, "b", cases[i].b);
        start(&w, "a", "first");
        take_all(&w, false);
        start(&w, cases[i].second, "second");
        take_all(&w, false);
        const scenario s = {.what = cases[i].what};
        failed += differs(&s, "events", said(&w), cases[i].said);
        let_drain(&w);
        failed += differs(&s, "asked", fake_asked(w.f), cases[i].asked);
        tear_down(&w);
    }
    assert_int_equal(failed, 0);
}

/* One of two calls waits for it, the other makes its own. */
static void one_call_waits_for_one_connection(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        world w;
        exo_event event;
        set_up(&w, NULL);
        deploy(&w, "a", "ok text:hi finish:stop done +10 end | " YO " | " YO);
        start(&w, "a", "A");
        take_all(&w, true);
        exo_call *waits = start(&w, "a", "B");
        start(&w, "a", "C");
        take_one(&w, &event);
        assert_int_equal(waits->state, CALL_GRACE);
        /* The connection goes on being drained, and nobody is woken. */
        if (freed) {
            exo_call_free(waits);
        } else {
            exo_call_cancel(waits);
        }
        take_all(&w, true);
        let_drain(&w);
        assert_string_equal(fake_asked(w.f), "a a~ a a+ a+");
        tear_down(&w);
    }
}

/* RESTART is handed out while the next attempt waits for a connection: that the consumer is done with it is no reason
 * to wait no longer. */
static void a_held_event_does_not_cut_the_wait_short(void **state)
{
    world w;
    exo_event event;
    (void)state;
    set_up(&w, "restart");
    deploy(&w, "a", "ok text:hi finish:stop done +10 end | ok text:hi end:RECEIVE | " YO);
    assert_int_equal(exo_client_fallback(w.client, "a", "a"), EXO_OK);
    start(&w, "a", "first");
    start(&w, "a", "second");
    while (!w.client->drains.first) {
        take_one(&w, &event);
    }
    while (event.type != EXO_EVENT_RESTART) {
        take_one(&w, &event);
    }
    take_none(&w);
    assert_int_equal(event.call->state, CALL_GRACE);
    take_all(&w, false);
    assert_string_equal(said(&w), "yo end:OK@10");
    let_drain(&w);
    assert_string_equal(fake_asked(w.f), "a a a~ a- a+ a a+");
    tear_down(&w);
}

/* While an event of one call is handled, the others are ended, whatever they are at: their events included that were
 * due next. */
static void an_event_can_end_other_calls(void **state)
{
    (void)state;
    for (int which = 1; which < 4; which++) {
        world w;
        exo_event event;
        exo_call *calls[4];
        set_up(&w, NULL);
        deploy(&w, "a", "+5 ok text:1 finish:stop done end | +5 ok text:2 finish:stop done end | ok | ");
        deploy(&w, "b", "");
        for (int i = 0; i < 4; i++) {
            calls[i] = start(&w, i < 3 ? "a" : "b", i == 0 ? "first" : "other");
        }
        assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
        assert_ptr_equal(event.call, calls[0]);
        for (int i = 1; i < 4; i++) {
            if (i == which) {
                exo_call_free(calls[i]);
            } else {
                exo_call_cancel(calls[i]);
            }
        }
        take_all(&w, true);
        assert_string_equal(said(&w), "first.end:OK@5");
        tear_down(&w);
    }
}

/* ---- the blocking forms ---- */

static void say_text(void *ctx, exo_span text)
{
    world *w = ctx;
    if (text.len > 0) {
        say(w, "%.*s", (int)text.len, text.ptr);
    }
}

/* The events of others wait, lose nothing, and cost them nothing: not even their clocks run. */
static void a_chat_lets_other_calls_wait(void **state)
{
    world w;
    (void)state;
    set_up(&w, "idle=100 first=100");
    deploy(&w, "a", "ok text:1 text:2 finish:stop done end");
    deploy(&w, "b", "ok text:yo +90 text:yo +90 text:yo +90 text:yo +90 finish:stop done end");
    start(&w, "a", "A");
    exo_request *request = exo_request_new("b");
    assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
    exo_reply *reply = exo_chat(w.client, request, say_text, &w);
    assert_null(exo_reply_failure(reply));
    assert_string_equal(said(&w), "yo yo yo yo");
    take_all(&w, true);
    assert_string_equal(said(&w), "A.1 A.2 A.end:OK@360");
    exo_reply_free(reply);
    exo_request_free(request);
    tear_down(&w);
}

/* The same where the other call has more to come: it is not stalled because nobody took its event. */
static void what_waits_behind_a_chat_is_not_stalled(void **state)
{
    world w;
    (void)state;
    set_up(&w, "idle=100 first=100");
    deploy(&w, "a", "ok text:1 +410 text:2 finish:stop done end");
    deploy(&w, "b", "ok text:yo +90 text:yo +90 text:yo +90 text:yo +90 finish:stop done end");
    start(&w, "a", "A");
    exo_request *request = exo_request_new("b");
    assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
    exo_reply *reply = exo_chat(w.client, request, NULL, NULL);
    assert_null(exo_reply_failure(reply));
    take_all(&w, true);
    assert_string_equal(said(&w), "A.1 A.2 A.end:OK@410");
    exo_reply_free(reply);
    exo_request_free(request);
    tear_down(&w);
}

/* Until END is handed out, the failure that it tells of is the call's, though the call has ended behind a chat. */
static void an_end_that_waits_keeps_its_reply(void **state)
{
    (void)state;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        world w;
        set_up(&w, NULL);
        deploy(&w, "a", "end:CONNECT");
        deploy(&w, "b", "ok text:yo +90 finish:stop done end");
        exo_call *call = start(&w, "a", "A");
        exo_request *request = exo_request_new("b");
        assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
        exo_reply_free(exo_chat(w.client, request, NULL, NULL));
        exo_request_free(request);
        exo_reply *reply = exo_call_reply(call);
        assert_null(reply);
        if (cancelled) {
            exo_call_cancel(call);
        }
        take_all(&w, true);
        assert_string_equal(said(&w), cancelled ? "" : "A.end:CONNECT@90");
        reply = exo_call_reply(call);
        assert_int_equal(exo_reply_failure(reply)->code, EXO_E_CONNECT);
        exo_reply_free(reply);
        tear_down(&w);
    }
}

static void ask_meanwhile(void *ctx, const exo_event *event)
{
    world *w = ctx;
    say_event(w, event, "");
    if (event->type == EXO_EVENT_TEXT) {
        exo_request *request = exo_request_new("b");
        assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
        exo_reply_free(exo_chat(w->client, request, say_text, w));
        exo_request_free(request);
    }
}

/* A chat is held by another one that an event of it has begun, and comes to its end meanwhile. */
static void a_chat_within_a_chat_loses_no_event(void **state)
{
    static const struct {
        const char *what;
        const char *script;
        const char *said;
    } cases[] = {
        {"its end", "ok text:hi +10 end:RECEIVE", "hi yo yo end:RECEIVE@90"},
        {"its text", "ok text:hi +10 finish:stop usage done end", "hi yo yo usage end:OK@90"},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        set_up(&w, NULL);
        deploy(&w, "a", cases[i].script);
        deploy(&w, "b", "ok text:yo +90 text:yo finish:stop done end");
        exo_reply *reply = exo_chat_events(w.client, w.request, NULL, ask_meanwhile, &w);
        assert_non_null(reply);
        const scenario s = {.what = cases[i].what};
        failed += differs(&s, "events", said(&w), cases[i].said);
        exo_reply_free(reply);
        tear_down(&w);
    }
    assert_int_equal(failed, 0);
}

static void end_it(void *ctx, const exo_event *event)
{
    world *w = ctx;
    say_event(w, event, "");
    exo_call_cancel(event->call);
}

static void a_chat_can_be_cancelled_by_its_own_event(void **state)
{
    world w;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", "ok text:1 text:2 finish:stop done end");
    exo_reply *reply = exo_chat_events(w.client, w.request, NULL, end_it, &w);
    assert_string_equal(said(&w), "1");
    assert_int_equal(exo_reply_failure(reply)->code, EXO_E_CANCELLED);
    assert_string_equal(fake_asked(w.f), "a a-");
    exo_reply_free(reply);
    tear_down(&w);
}

/* ---- the caller's event loop ---- */

static void no_watch(void *ctx, int socket, int what)
{
    (void)ctx;
    (void)socket;
    (void)what;
}

static void who_watches_the_sockets_never_waits(void **state)
{
    world w;
    exo_event event;
    (void)state;
    set_up(&w, "idle=100");
    deploy(&w, "a", "+50 ok text:1 +50 finish:stop done end");
    assert_int_equal(exo_client_watch(w.client, no_watch, NULL), EXO_OK);
    exo_call *call = start(&w, "a", "A");
    assert_int_equal(exo_client_watch(w.client, NULL, NULL), EXO_E_STATE);
    assert_int_equal(exo_client_timeout(w.client), 0);
    for (int code = EXO_OK, at = 0; code != EXO_IDLE; at++) {
        while ((code = exo_client_next(w.client, -1, &event)) == EXO_EVENT) {
            say_event(&w, &event, "");
        }
        assert_int_equal(now_of(&w), at);
        fake_pass(w.f, 1);
        assert_int_equal(exo_client_ready(w.client, 0, EXO_WATCH_READ), EXO_OK);
    }
    assert_string_equal(said(&w), "1 end:OK@100");
    exo_call_free(call);
    exo_reply *reply = exo_chat(w.client, w.request, NULL, NULL);
    assert_int_equal(exo_reply_failure(reply)->code, EXO_E_STATE);
    exo_reply_free(reply);
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario),
        cmocka_unit_test(a_call_can_be_ended_at_every_step),
        cmocka_unit_test(a_client_can_be_freed_at_every_step),
        cmocka_unit_test(every_block_of_memory_can_be_missing),
        cmocka_unit_test(whatever_keeps_an_exchange_from_starting_ends_the_call),
        cmocka_unit_test(what_is_known_of_a_response_outlives_the_total_clock),
        cmocka_unit_test(calls_take_turns),
        cmocka_unit_test(a_slow_consumer_ends_nobody_elses_call),
        cmocka_unit_test(a_call_waits_for_a_connection_that_is_drained),
        cmocka_unit_test(one_call_waits_for_one_connection),
        cmocka_unit_test(a_held_event_does_not_cut_the_wait_short),
        cmocka_unit_test(an_event_can_end_other_calls),
        cmocka_unit_test(a_chat_lets_other_calls_wait),
        cmocka_unit_test(what_waits_behind_a_chat_is_not_stalled),
        cmocka_unit_test(an_end_that_waits_keeps_its_reply),
        cmocka_unit_test(a_chat_within_a_chat_loses_no_event),
        cmocka_unit_test(a_chat_can_be_cancelled_by_its_own_event),
        cmocka_unit_test(who_watches_the_sockets_never_waits),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_leaves_off = true;
    return failed + cmocka_run_group_tests_name("the transport leaves off", tests, NULL, NULL);
}
