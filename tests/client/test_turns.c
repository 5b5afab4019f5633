/*
 * test_turns.c: who has a turn when: calls beside each other, calls that wait behind exo_chat(), calls that are held,
 * and the turns of the caller's event loop. Over a transport that follows a script; the clock is the transport's, and
 * what things cost is counted, not timed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define exo_loop_take loop_take
#include "../../src/client/loop.c"
#undef exo_loop_take

/* Every turn is counted. */
static size_t turns;

exo_task *exo_loop_take(exo_loop *loop);

exo_task *exo_loop_take(exo_loop *loop)
{
    exo_task *task = loop_take(loop);
    turns += task != NULL;
    return task;
}

#include "world.h"

/* The script `one`, so many times for so many exchanges. */
static char *many(const char *one, size_t count)
{
    size_t len = strlen(one);
    char *script = malloc(count * (len + 3) + 1);
    assert_non_null(script);
    char *at = script;
    for (size_t i = 0; i < count; i++) {
        at += sprintf(at, "%s%s", i > 0 ? " | " : "", one);
    }
    return script;
}

static int differs(const char *what, const char *about, const char *is, const char *expected)
{
    if (strcmp(is, expected) == 0) {
        return 0;
    }
    print_error("%s: %s: '%s', not '%s'\n", what, about, is, expected);
    return 1;
}

/* ---- rounds ---- */

#define TEXTS_5  " text:x text:x text:x text:x text:x"
#define TEXTS_20 TEXTS_5 TEXTS_5 TEXTS_5 TEXTS_5

/* However much there is for a hundred others: when bytes come for a call, its event is handed out within the round that
 * follows, and they come to be known within one. Each event takes its consumer a millisecond. */
static void nobody_waits_for_longer_than_a_round(void **state)
{
    enum {
        FLOODS = 100
    };
    char *flood = many("ok" TEXTS_20, FLOODS);
    (void)state;
    for (int late = 1; late < 400; late += 37) {
        world w;
        exo_event event;
        char script[64];
        size_t since_bytes = 0;
        set_up(&w, NULL);
        deploy(&w, "b", flood);
        for (int i = 0; i < FLOODS; i++) {
            start(&w, "b", "flood");
        }
        snprintf(script, sizeof script, "+%d ok text:hi", late);
        deploy(&w, "a", script);
        const exo_call *quiet = start(&w, "a", "quiet");
        for (int i = 0;; i++) {
            assert_true(i < late + 2 * FLOODS + 2);
            assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
            if (event.call == quiet && event.text.len > 0) {
                break;
            }
            since_bytes += quiet->try.arrived_at > 0;
            fake_pass(w.f, 1);
        }
        assert_true(since_bytes <= FLOODS);
        tear_down(&w);
    }
    free(flood);
}

/* Where there is nobody else, nothing is looked for between two events, but now and then. */
static void a_stream_that_is_alone_is_left_alone(void **state)
{
    (void)state;
    for (int pause = 0; pause < 2; pause++) {
        world w;
        exo_event event;
        int events = 0;
        set_up(&w, NULL);
        deploy(&w, "a", "ok" TEXTS_20 TEXTS_20 TEXTS_20 TEXTS_20 TEXTS_20);
        start(&w, "a", "alone");
        size_t before = fake_served(w.f);
        while (events < 100 && exo_client_next(w.client, -1, &event) == EXO_EVENT) {
            events += event.text.len > 0;
            fake_pass(w.f, pause);
        }
        assert_int_equal(events, 100);
        assert_true(fake_served(w.f) - before <= (size_t)(pause ? 100 / EXO_UNSERVED_MS + 5 : 5));
        tear_down(&w);
    }
}

/* A call has one turn for each event that comes by itself, and all that come together one look at the network. */
static void an_event_takes_one_turn(void **state)
{
    enum {
        STREAMS = 20,
        EVENTS = 5
    };
    char *streams = many("ok +1 text:x +1 text:x +1 text:x +1 text:x +1 text:x +100000", STREAMS);
    world w;
    exo_event event;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", streams);
    for (int i = 0; i < STREAMS; i++) {
        start(&w, "a", "paced");
    }
    assert_int_equal(exo_client_next(w.client, 0, &event), EXO_OK); /* they have begun */
    size_t before = fake_served(w.f);
    turns = 0;
    for (int i = 0; i < STREAMS * EVENTS; i++) {
        assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
        assert_int_equal(event.type, EXO_EVENT_TEXT);
        assert_int_equal(exo_client_timeout(w.client), 0); /* whether there is more, next() says */
    }
    assert_true(turns <= STREAMS * (EVENTS + 1));
    assert_true(world_leaves_off || fake_served(w.f) - before <= EVENTS + 1);
    assert_int_equal(exo_client_next(w.client, 0, &event), EXO_OK);
    assert_true(exo_client_timeout(w.client) > 0);
    free(streams);
    tear_down(&w);
}

/* ---- calls that wait behind exo_chat() ---- */

/* Turns that a chat of 100 events, and 20 short ones, take beside so many calls whose events wait. */
static size_t turns_beside(size_t waiting)
{
    world w;
    char *calls = many("ok text:1 text:2 +1 text:3 +1 text:4 +100000", waiting);
    char *chats = many("ok text:hi finish:stop done end", 20);
    set_up(&w, NULL);
    deploy(&w, "b", calls);
    for (size_t i = 0; i < waiting; i++) {
        start(&w, "b", "waits");
    }
    deploy(&w, "a", "ok" TEXTS_20 " +1" TEXTS_20 " +1" TEXTS_20 TEXTS_20 TEXTS_20 " finish:stop done end");
    deploy(&w, "x", chats);
    turns = 0;
    for (int i = 0; i < 21; i++) {
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = i == 0 ? "a" : "x";
        exo_reply *reply = exo_chat_events(w.client, w.request, &options, NULL, NULL);
        assert_null(exo_reply_failure(reply));
        exo_reply_free(reply);
    }
    size_t taken = turns;
    /* Nothing is lost, and what waited comes at once. */
    exo_event event;
    turns = 0;
    for (size_t i = 0; i < 4 * waiting; i++) {
        assert_int_equal(exo_client_next(w.client, 0, &event), EXO_EVENT);
        assert_int_equal(event.type, EXO_EVENT_TEXT);
    }
    assert_true(turns <= 8 * waiting);
    free(calls);
    free(chats);
    tear_down(&w);
    return taken;
}

static void a_chat_beside_calls_that_wait_is_linear(void **state)
{
    (void)state;
    size_t alone = turns_beside(0);
    size_t some = turns_beside(100);
    size_t more = turns_beside(400);
    print_message("%zu turns alone, %zu beside 100 calls, %zu beside 400\n", alone, some, more);
    assert_true(some - alone <= 100 * 8);
    assert_true(more - alone <= 400 * 8);
}

/* ---- holds ---- */

/* Where the quiet call is when its clock runs out, which one that is, and how the script gets there. */
static const struct {
    const char *setup;
    const char *script;
    const char *code;
} phases[] = {
    {"connect=100", "", "CLOCK_CONNECT"},
    {"idle=100", "conn sent:5", "CLOCK_IDLE"},
    {"first=100", "conn sent 200", "CLOCK_FIRST"},
    {"first=0 idle=100", "conn sent 200", "CLOCK_IDLE"},
    {"idle=100", "ok text:x", "CLOCK_IDLE"},
    {NULL, "ok text:x finish:stop", "OK"}, /* the rest */
    {NULL, "conn sent 500", "SERVER"},     /* the rest of a refusal */
    {"total=100", "", "CLOCK_TOTAL"},
    {"total=100", "conn sent:5", "CLOCK_TOTAL"},
    {"total=100", "conn sent 200", "CLOCK_TOTAL"},
    {"total=100", "ok text:x", "CLOCK_TOTAL"},
    {"total=100", "ok text:x finish:stop", "CLOCK_TOTAL"},
    {"total=100", "conn sent 500", "CLOCK_TOTAL"},
    {"total=100 unready=1000000", "", "CLOCK_TOTAL"},
};

/* Who is slow, from the 10th millisecond on, for SLOW of them. */
enum slow {
    NOBODY,
    CONSUMER_OF_ANOTHER, /* it works on an event of another call */
    HOLDER_OF_ANOTHER,   /* the program holds another call */
    HOLDER,              /* the program holds the call itself */
    SLOWS
};

enum {
    SLOW = 20000
};

/* When the quiet call ends, with `code`. */
static int64_t ends_at(size_t phase, enum slow slow, const char *code)
{
    world w;
    exo_event event;
    exo_call *quiet = NULL;
    exo_call *busy = NULL;
    int64_t ended = -1;
    set_up(&w, phases[phase].setup);
    deploy(&w, "b", phases[phase].script);
    /* The other call has clocks of its own, which are long, and a body that is ready. */
    exo_deployment patient = EXO_DEPLOYMENT_INIT;
    patient.base_url = "https://api.example/v1";
    patient.request_timeout = 1000000;
    patient.stream_ttft_timeout = 0;
    fake_script(w.f, "a", "ok +10 text:busy +200000 text:busy");
    assert_int_equal(exo_client_deploy(w.client, "a", &patient), EXO_OK);
    exo_request *other = exo_request_new("a");
    assert_int_equal(exo_request_text(other, EXO_USER, "hello"), EXO_OK);
    busy = exo_call_start(w.client, other, NULL, NULL);
    quiet = start(&w, "b", "quiet");
    bool slept = false;
    while (ended < 0) {
        int64_t now = now_of(&w);
        int code_ = exo_client_next(w.client, slept || now >= 10 ? 1 : 10 - now, &event);
        if (code_ == EXO_EVENT && event.call == quiet && event.type == EXO_EVENT_END) {
            assert_string_equal(name_of(event.failure ? event.failure->code : EXO_OK), code);
            ended = now_of(&w);
        }
        if (slept || now_of(&w) < 10 || (slow == CONSUMER_OF_ANOTHER && (code_ != EXO_EVENT || event.call != busy))) {
            continue;
        }
        slept = true;
        if (slow == CONSUMER_OF_ANOTHER) {
            fake_pass(w.f, SLOW);
        } else if (slow == HOLDER_OF_ANOTHER) {
            assert_int_equal(exo_call_hold(busy, true), EXO_OK);
        } else if (slow == HOLDER) {
            assert_int_equal(exo_call_hold(quiet, true), EXO_OK);
            for (int64_t until = now_of(&w) + SLOW; now_of(&w) < until;) {
                assert_true(exo_client_next(w.client, until - now_of(&w), &event) != EXO_EVENT || event.call == busy);
            }
            /* The total clock ends it all the same, though nobody is told yet. */
            bool is_total = strcmp(code, "CLOCK_TOTAL") == 0;
            assert_int_equal(fake_running(w.f), is_total || phases[phase].script[0] == '\0' ? 1 + !is_total : 2);
            assert_int_equal(exo_call_hold(quiet, false), EXO_OK);
        }
    }
    exo_request_free(other);
    tear_down(&w);
    return ended;
}

/* Whoever is slow freezes nobody else's clocks and ends nobody else's call: the other call ends when it would have, or
 * when the slow one lets it. Who holds a call itself stops its clocks, but for the total one. */
static void one_who_is_slow_holds_up_nobody_else(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        const char *code = phases[i].code;
        bool is_total = strcmp(code, "CLOCK_TOTAL") == 0;
        int64_t usual = ends_at(i, NOBODY, code);
        for (enum slow slow = CONSUMER_OF_ANOTHER; slow < SLOWS; slow++) {
            int64_t ended = ends_at(i, slow, code);
            int64_t expected = slow == HOLDER_OF_ANOTHER     ? usual
                               : slow == CONSUMER_OF_ANOTHER ? (usual > 10 + SLOW ? usual : 10 + SLOW)
                               : is_total                    ? 10 + SLOW
                                                             : usual + SLOW;
            if (ended < expected || ended > expected + 2) {
                print_error("%s, '%s', slow %d: ends at %lld, not at %lld\n", phases[i].setup ? phases[i].setup : "",
                            phases[i].script, (int)slow, (long long)ended, (long long)expected);
                failed++;
            }
        }
    }
    assert_int_equal(failed, 0);
}

/* While a call is held none of its events comes, whatever happens to it; all of them come afterwards. */
static void a_call_that_is_held_says_nothing(void **state)
{
    static const struct {
        const char *what;
        const char *setup;
        const char *a;
        const char *before; /* what is taken before it is held */
        const char *after;
    } cases[] = {
        {"from the start", NULL, "ok text:1 text:2 finish:stop done end", "", "1 2 end:OK@1000"},
        {"in the middle", NULL, "ok text:1 text:2 finish:stop done end", "1", "2 end:OK@1000"},
        {"before its end", NULL, "ok text:1 finish:stop done end", "1", "end:OK@1000"},
        {"while it breaks", NULL, "ok text:1 +10 end:RECEIVE", "1", "end:RECEIVE@1000"},
        {"while it would fall back", NULL, "+10 end:CONNECT", "", "yo end:OK@1000"},
        {"while it would restart", "restart", "ok text:1 +10 end:RECEIVE", "1", "restart:RECEIVE yo end:OK@1000"},
        {"while it waits", "retries=1", "conn sent 429:retry-after-ms=20 end | ok text:1 finish:stop done end", "",
         "1 end:OK@1000"},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        exo_event event;
        set_up(&w, cases[i].setup);
        deploy(&w, "a", cases[i].a);
        deploy(&w, "b", "ok text:yo finish:stop done end");
        assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
        exo_call *call = start(&w, "a", "held");
        if (cases[i].before[0]) {
            take_one(&w, &event);
            say_event(&w, &event, "");
        } else if (i > 0) {
            take_none(&w); /* it has begun */
        }
        failed += differs(cases[i].what, "before", said(&w), cases[i].before);
        assert_int_equal(exo_call_hold(call, true), EXO_OK);
        assert_int_equal(exo_call_hold(call, true), EXO_OK);
        while (now_of(&w) < 1000) {
            assert_int_equal(exo_client_next(w.client, 1000 - now_of(&w), &event), EXO_OK);
        }
        assert_int_equal(exo_call_hold(call, false), EXO_OK);
        assert_int_equal(exo_call_hold(call, false), EXO_OK);
        take_all(&w, false);
        failed += differs(cases[i].what, "after", said(&w), cases[i].after);
        tear_down(&w);
    }
    assert_int_equal(failed, 0);
}

/* An event that waits behind a chat waits longer if its call is held, and is not lost. */
static void what_waits_can_be_held(void **state)
{
    for (int ended = 0; ended < 2; ended++) {
        world w;
        exo_event event;
        (void)state;
        set_up(&w, NULL);
        deploy(&w, "a", ended ? "end:CONNECT" : "ok text:1 finish:stop done end");
        deploy(&w, "b", "ok +5 text:yo finish:stop done end");
        exo_call *call = start(&w, "a", "A");
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = "b";
        exo_reply_free(exo_chat_events(w.client, w.request, &options, NULL, NULL));
        assert_int_equal(exo_call_hold(call, true), EXO_OK);
        assert_int_equal(exo_client_next(w.client, 0, &event), EXO_OK); /* it could have one */
        assert_null(exo_call_reply(call));
        assert_int_equal(exo_call_hold(call, false), EXO_OK);
        take_all(&w, true);
        assert_string_equal(said(&w), ended ? "A.end:CONNECT@5" : "A.1 A.end:OK@5");
        tear_down(&w);
    }
}

/* ---- the caller's event loop ---- */

/* How much is done before the caller's loop has its turn: so often next() says that there is more. */
static void a_turn_of_the_callers_loop_is_bounded(void **state)
{
    static char text[100001];
    static const struct {
        const char *setup;
        bool upload;
        int least; /* turns */
        int most;
    } cases[] = {
        /* 120 events of 65 bytes */
        {"turn=1000", false, 7, 30},
        {"turn=0", false, 0, 6},
        {NULL, false, 0, 6},
        /* 100,000 bytes that are sized, and sent */
        {"turn=10000", true, 10, 40},
        {"turn=0", true, 0, 6},
        {NULL, true, 0, 6},
    };
    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        exo_event event;
        int code;
        int pauses = 0;
        int events = 0;
        set_up(&w, cases[i].setup);
        if (cases[i].upload) {
            assert_int_equal(exo_request_text(w.request, EXO_USER, text), EXO_OK);
            deploy(&w, "a", "ok text:hi finish:stop done end");
        } else {
            deploy(&w, "a", "ok" TEXTS_20 TEXTS_20 TEXTS_20 TEXTS_20 TEXTS_20 TEXTS_20 " finish:stop done end");
        }
        start(&w, "a", "A");
        while ((code = exo_client_next(w.client, 0, &event)) != EXO_IDLE) {
            if (code == EXO_EVENT) {
                events += event.text.len > 0;
                continue;
            }
            assert_int_equal(code, EXO_OK);
            pauses++;
            assert_true(pauses < 1000);
            if (exo_client_timeout(w.client) != 0) {
                fake_pass(w.f, 1);
            }
        }
        assert_int_equal(events, cases[i].upload ? 1 : 120);
        if (pauses < cases[i].least || pauses > cases[i].most) {
            fail_msg("case %zu: %d turns", i, pauses);
        }
        tear_down(&w);
    }
}

/* However long a body takes to be sized, in turns of the caller's loop: others have their events meanwhile, and it its
 * total clock. */
static void the_network_has_its_part_of_turns(void **state)
{
    static char text[200001];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (int clocked = 0; clocked < 2; clocked++) {
        world w;
        exo_event event;
        int code = EXO_OK;
        set_up(&w, "turn=100");
        deploy(&w, "b", "ok" TEXTS_20 TEXTS_20 " +100000");
        start(&w, "b", "small");
        exo_request *request = exo_request_new("a");
        assert_int_equal(exo_request_text_static(request, EXO_USER, exo_span_text(text)), EXO_OK);
        deploy(&w, "a", "ok text:hi finish:stop done end");
        w.options.total_timeout = clocked ? 250 : 0;
        const exo_call *large = exo_call_start(w.client, request, &w.options, NULL);
        assert_non_null(large);
        int texts = 0;
        for (int i = 0; i < 300 && (clocked ? code != EXO_IDLE : texts < 40); i++) {
            code = exo_client_next(w.client, 0, &event);
            texts += code == EXO_EVENT && event.text.len > 0;
            if (code == EXO_EVENT && event.call == large) {
                break;
            }
            fake_pass(w.f, 1);
        }
        assert_int_equal(texts, 40);
        assert_int_equal(large->state, clocked ? CALL_ENDED : CALL_SIZING);
        assert_true(!clocked || event.failure->code == EXO_E_CLOCK_TOTAL);
        tear_down(&w);
        exo_request_free(request);
    }
}

/* After a wakeup the wait ends, once, and no event is lost by it. */
static void a_wakeup_ends_one_wait(void **state)
{
    world w;
    exo_event event;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", "ok +100 text:1 +100 text:2");
    deploy(&w, "b", "ok +5 text:yo finish:stop done end");
    start(&w, "a", "A");
    exo_client_wakeup(w.client);
    exo_client_wakeup(w.client);
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_OK);
    assert_int_equal(now_of(&w), 0);
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
    assert_int_equal(now_of(&w), 100);
    /* A chat goes on; what comes behind it is woken. */
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = "b";
    exo_client_wakeup(w.client);
    exo_reply *reply = exo_chat_events(w.client, w.request, &options, NULL, NULL);
    assert_null(exo_reply_failure(reply));
    exo_reply_free(reply);
    assert_int_equal(now_of(&w), 105);
    assert_int_equal(exo_client_timeout(w.client), 0);
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_OK);
    assert_int_equal(now_of(&w), 105);
    /* With an event at hand the event comes first. */
    assert_int_equal(exo_client_next(w.client, 94, &event), EXO_OK);
    fake_pass(w.f, 10);
    exo_client_wakeup(w.client);
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_OK);
    tear_down(&w);
}

static void no_watch(void *ctx, int socket, int what)
{
    (void)ctx;
    (void)socket;
    (void)what;
}

/* What is refused for the state that something is in is refused in words. */
static void who_is_refused_is_told_why(void **state)
{
    world w;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", "ok text:hi finish:stop done +10 end | ok text:hi finish:stop done end");
    exo_call *call = start(&w, "a", "A");
    assert_int_equal(exo_client_watch(w.client, no_watch, NULL), EXO_E_STATE);
    assert_non_null(strstr(exo_client_message(w.client), "calls"));
    take_all(&w, false);
    exo_call_free(call);
    w.client->message[0] = '\0';
    assert_int_equal(exo_client_watch(w.client, no_watch, NULL), EXO_E_STATE);
    assert_non_null(strstr(exo_client_message(w.client), "drained"));
    let_drain(&w);
    assert_int_equal(exo_client_watch(w.client, no_watch, NULL), EXO_OK);
    exo_reply *reply = exo_chat(w.client, w.request, NULL, NULL);
    assert_int_equal(exo_reply_failure(reply)->code, EXO_E_STATE);
    assert_non_null(strstr(exo_reply_failure(reply)->message, "watched"));
    assert_non_null(strstr(exo_client_message(w.client), "watched"));
    exo_reply_free(reply);
    assert_int_equal(exo_client_watch(w.client, NULL, NULL), EXO_OK);
    tear_down(&w);
}

/* ---- FALLBACK ---- */

#define YO "ok text:yo finish:stop done end"
#define TOO_LONG \
    "conn sent 400 raw:{\"error\":{\"message\":\"context_length_exceeded\",\"code\":\"context_length_exceeded\"}} end"

static void every_attempt_that_fails_is_told_of(void **state)
{
    static const struct {
        const char *setup;
        const char *a;
        const char *b;
        const char *said;
    } cases[] = {
        {"fallback", YO, YO, "yo end:OK@0"},
        {"fallback", "end:CONNECT", YO, "fallback:CONNECT#0>b yo end:OK@0"},
        {"fallback buffered", "end:CONNECT", YO, "fallback:CONNECT#0>b end:OK@0"},
        {"fallback buffered", "ok text:hi end:RECEIVE", YO, "fallback:RECEIVE#0>b end:OK@0"},
        {"", "end:CONNECT", YO, "yo end:OK@0"},
        {"buffered", "end:CONNECT", YO, "end:OK@0"},
        {"fallback", "end:CONNECT", "conn sent 500 end", "fallback:CONNECT#0>b fallback:SERVER#1>nobody end:SERVER@0"},
        {"fallback retries=2", "end:CONNECT | conn sent 500 end | " YO, YO,
         "fallback:CONNECT#0>a fallback:SERVER#1>a yo end:OK@0"},
        {"fallback retries=1", "conn sent 429:retry-after-ms=250 end | " YO, YO,
         "fallback:RATE_LIMIT#0>a yo end:OK@250"},
        {"fallback", "ok text:hi end:RECEIVE", YO, "hi fallback:RECEIVE#0>nobody end:RECEIVE@0"},
        {"fallback restart", "ok text:hi end:RECEIVE", YO, "hi fallback:RECEIVE#0>b restart:RECEIVE yo end:OK@0"},
        {"fallback restart", "ok text:hi end:RECEIVE", "ok text:yo end:BODY_CUT",
         "hi fallback:RECEIVE#0>b restart:RECEIVE yo fallback:BODY_CUT#1>nobody end:BODY_CUT@0"},
        {"fallback", "conn sent 401 end", YO, "fallback:AUTH#0>nobody end:AUTH@0"},
        {"fallback", TOO_LONG, YO, "fallback:CONTEXT_WINDOW#0>x yo end:OK@0"},
        {"fallback total=100", "ok +90 note", YO, "end:CLOCK_TOTAL@100"},
        {"fallback total=100", "conn sent +100 500 end", YO, "fallback:SERVER#0>b end:CLOCK_TOTAL@100"},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        char what[16];
        set_up(&w, cases[i].setup);
        deploy(&w, "a", cases[i].a);
        deploy(&w, "b", cases[i].b);
        deploy(&w, "x", YO);
        assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
        assert_int_equal(exo_client_context_fallback(w.client, "a", "x"), EXO_OK);
        start(&w, "a", "A");
        take_all(&w, false);
        snprintf(what, sizeof what, "case %zu", i);
        failed += differs(what, cases[i].a, said(&w), cases[i].said);
        tear_down(&w);
    }
    assert_int_equal(failed, 0);
}

/* Who cancels the call there has sent nothing to the next deployment, and has the failure. */
static void a_fallback_can_be_declined(void **state)
{
    world w;
    exo_event event;
    (void)state;
    set_up(&w, "fallback");
    deploy(&w, "a", "conn sent 500 end");
    deploy(&w, "b", YO);
    assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
    exo_call *call = start(&w, "a", "A");
    assert_int_equal(exo_client_next(w.client, -1, &event), EXO_EVENT);
    assert_int_equal(event.type, EXO_EVENT_FALLBACK);
    assert_int_equal(event.failure->http_status, 500);
    exo_call_cancel(call);
    assert_string_equal(fake_asked(w.f), "a a-");
    take_all(&w, false);
    exo_reply *reply = exo_call_reply(call);
    assert_int_equal(exo_reply_attempts(reply), 1);
    exo_reply_free(reply);
    tear_down(&w);
}

/* ---- handlers of the blocking form ---- */

/* What a handler may do to its own call, to others and to the client; a bit each, in this order. */
enum act {
    ACT_CANCEL = 1,
    ACT_TAKE = 2,
    ACT_FREE = 4,
    ACT_TAKE_AGAIN = 8,
    ACT_CHAT = 16,
    ACT_NEXT = 32,
    ACT_FREE_OTHER = 64,
    ACT_FREE_CLIENT = 128,
    ACTS = 256
};

typedef struct actor {
    world *w;
    exo_event_type at;
    unsigned acts;
    bool acted;
    exo_call *other;
    exo_reply *taken;
} actor;

static void act_take(actor *a, exo_call *call)
{
    exo_reply *reply = exo_call_reply(call);
    assert_true(!reply || !a->taken);
    a->taken = reply ? reply : a->taken;
}

static void act(void *ctx, const exo_event *event)
{
    actor *a = ctx;
    exo_call *call = event->call;
    if (event->type != a->at || a->acted) {
        return;
    }
    a->acted = true;
    if (a->acts & ACT_CANCEL) {
        exo_call_cancel(call);
    }
    if (a->acts & ACT_TAKE) {
        act_take(a, call);
    }
    if (a->acts & ACT_FREE) {
        exo_call_free(call);
    }
    if (a->acts & ACT_TAKE_AGAIN) {
        act_take(a, call);
    }
    if (a->acts & ACT_CHAT) {
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = "y";
        exo_reply *reply = exo_chat_events(a->w->client, a->w->request, &options, NULL, NULL);
        assert_null(exo_reply_failure(reply));
        exo_reply_free(reply);
    }
    if (a->acts & ACT_NEXT) {
        exo_event next;
        (void)exo_client_next(a->w->client, 0, &next);
    }
    if (a->acts & ACT_FREE_OTHER) {
        exo_call_free(a->other);
    }
    if (a->acts & ACT_FREE_CLIENT) {
        exo_client_free(a->w->client);
    }
}

/* Whatever a handler does, and in whatever order it does it: there is one reply at most, it is somebody's, and what it
 * says of a failure stays. */
static void a_handler_may_do_anything(void **state)
{
    static const exo_event_type types[] = {EXO_EVENT_TEXT, EXO_EVENT_FALLBACK, EXO_EVENT_RESTART, EXO_EVENT_END};
    (void)state;
    for (unsigned k = 0; k < ACTS * sizeof types / sizeof types[0]; k++) {
        world w;
        actor a = {.w = &w, .at = types[k / ACTS], .acts = k % ACTS};
        set_up(&w, "fallback restart");
        deploy(&w, "a", "ok text:1 text:2 end:RECEIVE");
        deploy(&w, "b", "ok text:1 text:2 end:BODY_CUT");
        deploy(&w, "x", "+5 ok text:1 text:2 finish:stop done end");
        deploy(&w, "y", YO);
        assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
        a.other = start(&w, "x", "other");
        exo_reply *reply = exo_chat_events(w.client, w.request, &w.options, act, &a);
        assert_true(a.acted);
        bool ends = a.at == EXO_EVENT_END || (a.acts & (ACT_CANCEL | ACT_FREE | ACT_FREE_CLIENT));
        assert_true(!reply != !a.taken || (!reply && a.taken));
        assert_true(reply || a.taken);
        const exo_failure *failure = exo_reply_failure(reply ? reply : a.taken);
        assert_int_equal(failure->code, ends && a.at != EXO_EVENT_END ? EXO_E_CANCELLED : EXO_E_BODY_CUT);
        exo_reply_free(reply);
        exo_reply_free(a.taken);
        if (a.acts & ACT_FREE_CLIENT) {
            exo_request_free(w.request);
        } else {
            take_all(&w, false);
            tear_down(&w);
        }
    }
}

static void hold_it(void *ctx, const exo_event *event)
{
    (void)ctx;
    assert_int_equal(exo_call_hold(event->call, true), EXO_E_STATE);
}

/* Nobody could let go of it. */
static void the_call_of_a_chat_cannot_be_held(void **state)
{
    world w;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", YO);
    exo_reply *reply = exo_chat_events(w.client, w.request, NULL, hold_it, &w);
    assert_null(exo_reply_failure(reply));
    assert_non_null(strstr(exo_client_message(w.client), "hold"));
    exo_reply_free(reply);
    tear_down(&w);
}

/* ---- waits ---- */

/* Who does not want to wait does not, and nobody waits for longer than was asked, however the time passes meanwhile. */
static void a_wait_that_is_over_is_not_without_end(void **state)
{
    static const int64_t timeouts[] = {0, 1, 5};
    (void)state;
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        world w;
        exo_event event;
        set_up(&w, NULL);
        deploy(&w, "a", "ok text:x +1000000 text:y");
        start(&w, "a", "waits");
        take_one(&w, &event);
        fake_creep(w.f);
        int64_t before = now_of(&w);
        for (int turn = 0; turn < 20; turn++) {
            assert_int_equal(exo_client_next(w.client, timeouts[i], &event), EXO_OK);
        }
        assert_true(now_of(&w) - before < 20 * 100);
        tear_down(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_longer_than_a_round),
        cmocka_unit_test(a_stream_that_is_alone_is_left_alone),
        cmocka_unit_test(an_event_takes_one_turn),
        cmocka_unit_test(a_chat_beside_calls_that_wait_is_linear),
        cmocka_unit_test(one_who_is_slow_holds_up_nobody_else),
        cmocka_unit_test(a_call_that_is_held_says_nothing),
        cmocka_unit_test(what_waits_can_be_held),
        cmocka_unit_test(a_turn_of_the_callers_loop_is_bounded),
        cmocka_unit_test(the_network_has_its_part_of_turns),
        cmocka_unit_test(a_wakeup_ends_one_wait),
        cmocka_unit_test(who_is_refused_is_told_why),
        cmocka_unit_test(every_attempt_that_fails_is_told_of),
        cmocka_unit_test(a_fallback_can_be_declined),
        cmocka_unit_test(a_handler_may_do_anything),
        cmocka_unit_test(the_call_of_a_chat_cannot_be_held),
        cmocka_unit_test(a_wait_that_is_over_is_not_without_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_leaves_off = true;
    return failed + cmocka_run_group_tests_name("the transport leaves off", tests, NULL, NULL);
}
