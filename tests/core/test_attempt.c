/*
 * test_attempt.c: scripts of facts against a clock of our own, and what an attempt makes of them.
 *
 * A script is statements with ";" between them. One that begins with a time tells a fact, and reads what came; one that
 * begins with "=" says what is expected then. Times are milliseconds.
 *
 *     connected | reused            the connection stands
 *     upload A U | uploaded A U     A bytes accepted, U of them unacknowledged ("?": unknown); uploaded: all
 *     head S                        a whole response head of status S
 *     status S | header N V | end   its parts
 *     text | empty | finish | usage | done | comment | error | role | junk | page
 *                                   a piece of the body; "text@T" came at T and is told now
 *     feed P                        the piece P, which is not read
 *     one | read                    one event of it, or all
 *     closed | broken CODE | seen CODE    the response is over; seen: a byte of it came
 *     resent | unsent               what came of RESEND
 *     hold | release | total T | tick | stop CODE
 *
 *     connect send first stream rest refusal   where it is
 *     run resend drain close over              what is to be done
 *     due T                                    the deadline, "-": none
 *     ok | EXO_E_…                             the verdict
 *     status S                                 of the failure
 *     got N                                    events handed out since that was last asked
 *     shown | hidden                           whether any of them counts
 *     trail C S F E                            connected, sent, first event, end; "-": not noted, or not looked at for
 * E once | again                             whether the request was sent again
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "exochat/attempt.h"

#define CHUNK(json) "data: {\"choices\":[" json "]}\n\n"

static const struct {
    const char *name;
    const char *bytes;
} body_pieces[] = {
    {"text", CHUNK("{\"delta\":{\"content\":\"a\"}}")},
    {"texts", CHUNK("{\"delta\":{\"content\":\"a\"}}") CHUNK("{\"delta\":{\"content\":\"b\"}}")},
    {"empty", CHUNK("{\"delta\":{\"content\":\"\"}}")},
    {"role", CHUNK("{\"delta\":{\"role\":\"assistant\"}}")},
    {"reasoning", CHUNK("{\"delta\":{\"reasoning\":\"a\"}}")},
    {"finish", CHUNK("{\"delta\":{},\"finish_reason\":\"stop\"}")},
    {"second", CHUNK("{\"index\":1,\"delta\":{\"content\":\"a\"}}")},
    {"second-finish", CHUNK("{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}")},
    {"usage", "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n"},
    {"done", "data: [DONE]\n\n"},
    {"comment", ": ping\n\n"},
    {"error", "data: {\"error\":{\"message\":\"down\",\"code\":503}}\n\n"},
    {"junk", "data: {\"choices\n\n"},
    {"half", "data: {\"choices\":[{\"delta\":{\"con"},
    {"page", "<html><head><title>No</title></head></html>"},
    {"reason", "{\"error\":{\"message\":\"no\"}}"},
    {"pad", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {"nothing", ""},
};

/* An attempt that a script is played on. */
struct stage {
    counting_heap heap;
    exo_allocator allocator;
    exo_limits limits;
    exo_answer answers[2];
    exo_buffer whole;
    exo_attempt attempt;
    const char *name;
    const char *at; /* the next word of the script */
    int64_t now;
    unsigned got;
    bool is_over;   /* next() has said DONE */
    bool is_unread; /* bytes were told, and next() has not said NEED_DATA since */
    bool is_held;
    char word[32];
};

/* Takes the next word of a statement; "" at its end. */
static const char *next_word(struct stage *s)
{
    size_t len = strspn(s->at, " \n");
    s->at += len;
    len = strcspn(s->at, " ;\n");
    assert_true(len < sizeof s->word);
    memcpy(s->word, s->at, len);
    s->word[len] = '\0';
    s->at += len;
    return s->word;
}

static int64_t next_number(struct stage *s)
{
    return strtoll(next_word(s), NULL, 10);
}

static int code_named(const char *name)
{
#define EXO_X(code, number, class_, verdict, text, advice) \
    if (strcmp(name, #code) == 0) { \
        return code; \
    }
    EXO_ERROR_MAP(EXO_X)
#undef EXO_X
    return EXO_OK;
}

static void read_events(struct stage *s, unsigned most)
{
    exo_intake_event event;
    int code = EXO_EVENT;
    while (most-- > 0 && (code = exo_attempt_next(&s->attempt, &event)) == EXO_EVENT) {
        assert_false(s->is_over);
        s->got++;
    }
    assert_true(code == EXO_DONE || !s->is_over);
    s->is_over = code == EXO_DONE;
    s->is_unread = code == EXO_EVENT;
}

/* Tells a piece of the body, whose name may be followed by "@" and when it came. False: there is no such piece. */
static bool tell_piece(struct stage *s, const char *name)
{
    size_t len = strcspn(name, "@");
    int64_t arrived = name[len] == '@' ? strtoll(name + len + 1, NULL, 10) : s->now;
    for (size_t i = 0; i < sizeof body_pieces / sizeof *body_pieces; i++) {
        if (strlen(body_pieces[i].name) == len && memcmp(body_pieces[i].name, name, len) == 0) {
            exo_attempt_bytes(&s->attempt, arrived, exo_span_text(body_pieces[i].bytes));
            return true;
        }
    }
    return false;
}

static void tell_upload(struct stage *s, bool complete)
{
    uint64_t accepted = (uint64_t)next_number(s);
    const char *unacked = next_word(s);
    exo_attempt_upload(&s->attempt, s->now, accepted, *unacked == '?' ? EXO_UNKNOWN : strtoull(unacked, NULL, 10),
                       complete);
}

static void tell_head(struct stage *s, uint16_t status)
{
    assert_int_equal(exo_attempt_status(&s->attempt, status), EXO_OK);
    exo_attempt_head_end(&s->attempt, s->now);
}

static void tell_header(struct stage *s)
{
    char name[32];
    strcpy(name, next_word(s));
    exo_span value = exo_span_text(next_word(s));
    const int code = exo_attempt_header(&s->attempt, exo_span_text(name), value, 0);
    if (code < 0) {
        assert_int_equal(code, EXO_E_NO_MEMORY);
        exo_attempt_closed(&s->attempt, s->now, code, exo_span_of(NULL, 0), true);
    }
}

static void tell_end(struct stage *s, const char *fact)
{
    bool seen = strcmp(fact, "seen") == 0;
    int code = strcmp(fact, "closed") == 0 ? EXO_OK : code_named(next_word(s));
    exo_attempt_closed(&s->attempt, s->now, code, exo_span_of(NULL, 0), seen);
}

/* Tells a fact, and reads what came. */
static void tell(struct stage *s, const char *word)
{
    exo_attempt *a = &s->attempt;
    char fact[32];
    strcpy(fact, word);
#define IS(name) (strcmp(fact, name) == 0)
    if (IS("connected") || IS("reused")) {
        exo_attempt_connected(a, s->now, IS("reused"));
    } else if (IS("upload") || IS("uploaded")) {
        tell_upload(s, IS("uploaded"));
    } else if (IS("head")) {
        tell_head(s, (uint16_t)next_number(s));
    } else if (IS("status")) {
        assert_int_equal(exo_attempt_status(a, (uint16_t)next_number(s)), EXO_OK);
    } else if (IS("header")) {
        tell_header(s);
    } else if (IS("end")) {
        exo_attempt_head_end(a, s->now);
    } else if (IS("closed") || IS("broken") || IS("seen")) {
        tell_end(s, fact);
    } else if (IS("resent") || IS("unsent")) {
        exo_attempt_resent(a, s->now, IS("resent"));
    } else if (IS("hold") || IS("release")) {
        s->is_held = IS("hold");
        exo_attempt_hold(a, s->now, s->is_held);
    } else if (IS("total")) {
        exo_attempt_call_deadline(a, next_number(s));
    } else if (IS("tick")) {
        exo_attempt_tick(a, s->now);
    } else if (IS("stop")) {
        exo_attempt_break_off(a, code_named(next_word(s)), exo_span_of(NULL, 0));
    } else if (IS("feed")) {
        assert_true(tell_piece(s, next_word(s)));
    } else if (!IS("one") && !IS("read") && !tell_piece(s, fact)) {
        fail_msg("%s: what is the fact %s?", s->name, fact);
    }
    s->is_unread = s->is_unread || IS("feed");
    bool waits = IS("feed") || (s->is_held && s->is_unread);
    if (!waits) {
        read_events(s, IS("one") ? 1 : UINT32_MAX);
    }
}

static void check_trail(struct stage *s)
{
    const exo_trail_entry *trail = exo_attempt_trail(&s->attempt);
    for (int i = 0; i < 4; i++) {
        const char *word = next_word(s);
        int64_t wanted = *word == '-' ? -1 : strtoll(word, NULL, 10);
        if (i == 3 && wanted >= 0) {
            trail = exo_attempt_end(&s->attempt, s->now);
        }
        int64_t is = i == 0   ? trail->connected_ms
                     : i == 1 ? trail->sent_ms
                     : i == 2 ? trail->first_event_ms
                              : trail->end_ms;
        if (is != wanted) {
            fail_msg("%s, at %lld: time %d of the trail is %lld", s->name, (long long)s->now, i, (long long)is);
        }
    }
}

static const char *const phase_names[] = {"connect", "send", "first", "stream", "rest", "refusal"};
static const char *const todo_names[] = {"run", "resend", "drain", "close", "over"};

/* Whether what a word says is so. */
static bool is_so(struct stage *s, const char *word)
{
    exo_attempt *a = &s->attempt;
    const exo_failure *failure = exo_attempt_failure(a);
    for (unsigned i = 0; i < 6; i++) {
        if (strcmp(word, phase_names[i]) == 0) {
            return exo_attempt_phase(a) == (enum exo_phase)(1u << i);
        }
    }
    for (unsigned i = 0; i < 5; i++) {
        if (strcmp(word, todo_names[i]) == 0) {
            return exo_attempt_todo(a) == (exo_attempt_do)i;
        }
    }
    if (strcmp(word, "due") == 0) {
        word = next_word(s);
        return exo_attempt_deadline(a, s->now) == (*word == '-' ? -1 : strtoll(word, NULL, 10));
    }
    if (strcmp(word, "ok") == 0) {
        return s->is_over && !failure;
    }
    if (code_named(word) != EXO_OK) {
        return s->is_over && failure && failure->code == code_named(word);
    }
    if (strcmp(word, "keyless") == 0) {
        return failure && failure->keyless;
    }
    if (strcmp(word, "status") == 0) {
        return failure && failure->http_status == next_number(s);
    }
    if (strcmp(word, "got") == 0) {
        bool so = s->got == (unsigned)next_number(s);
        s->got = 0;
        return so;
    }
    if (strcmp(word, "shown") == 0 || strcmp(word, "hidden") == 0) {
        return exo_attempt_shown(a) == (*word == 's');
    }
    if (strcmp(word, "once") == 0 || strcmp(word, "again") == 0) {
        return exo_attempt_trail(a)->resent == (*word == 'a');
    }
    if (strcmp(word, "trail") == 0) {
        check_trail(s);
        return true;
    }
    return false;
}

/* Times are in order, whatever was told. */
static void check_order(const struct stage *s)
{
    const exo_trail_entry *t = exo_attempt_trail(&s->attempt);
    const int64_t times[] = {t->connected_ms, t->sent_ms, t->first_event_ms, t->end_ms};
    int64_t last = -1;
    for (size_t i = 0; i < 4; i++) {
        assert_true(times[i] == -1 || times[i] >= last);
        last = times[i] > last ? times[i] : last;
    }
}

static void play(struct stage *s, const char *script)
{
    s->at = script;
    while (*s->at != '\0') {
        const char *word = next_word(s);
        if (*word == '=') {
            while (*(word = next_word(s)) != '\0') {
                char said[32];
                strcpy(said, word);
                if (!is_so(s, word)) {
                    const exo_failure *failure = exo_attempt_failure(&s->attempt);
                    fail_msg("%s, at %lld: not %s %s; in phase %d, to do %d, due %lld, %s, got %u", s->name,
                             (long long)s->now, said, s->word, (int)exo_attempt_phase(&s->attempt),
                             (int)exo_attempt_todo(&s->attempt), (long long)exo_attempt_deadline(&s->attempt, s->now),
                             failure      ? exo_error_name(failure->code)
                             : s->is_over ? "ok"
                                          : "under way",
                             s->got);
                }
            }
        } else if (*word != '\0') {
            s->now = strtoll(word, NULL, 10);
            tell(s, next_word(s));
            check_order(s);
        }
        s->at += *s->at == ';';
    }
}

/* Sets the options that are named in a row of words such as "can=3 idle=1000 token". */
static void set_options(struct stage *s, exo_attempt_options *o, const char *words)
{
    s->at = words;
    while (*next_word(s) != '\0') {
        const char *equals = strchr(s->word, '=');
        int64_t value = equals ? strtoll(equals + 1, NULL, 10) : 0;
        size_t len = equals ? (size_t)(equals - s->word) : strlen(s->word);
        const exo_span name = exo_span_of(s->word, len);
#define ON(word) exo_span_is(name, word)
        o->connect_timeout = ON("connect") ? value : o->connect_timeout;
        o->stream_ttft_timeout = ON("first") ? value : o->stream_ttft_timeout;
        o->request_timeout = ON("idle") ? value : o->request_timeout;
        o->call_deadline = ON("total") ? value : o->call_deadline;
        o->can = ON("can") ? (unsigned)value : o->can;
        o->wanted = ON("wanted") ? (unsigned)value : o->wanted;
        o->ttft_until = ON("token") ? EXO_UNTIL_TOKEN : o->ttft_until;
        o->untried = o->untried || ON("untried");
        o->keyless = o->keyless || ON("keyless");
        o->intake.answer_count = ON("two") ? 2 : o->intake.answer_count;
        o->intake.whole = ON("whole") ? &s->whole : o->intake.whole;
        s->limits.error_body = ON("cap") ? (uint32_t)value : s->limits.error_body;
#undef ON
    }
}

static void set_up(struct stage *s, const char *name, const char *words)
{
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    memset(s, 0, sizeof *s);
    s->name = name;
    s->allocator = (exo_allocator){&s->heap, counting_resize};
    s->limits = *exo_limits_host();
    for (uint32_t i = 0; i < 2; i++) {
        exo_answer_init(&s->answers[i], &s->allocator, &s->limits, i, EXO_KEEP_ALL);
    }
    exo_buffer_init(&s->whole, &s->allocator, 1000, EXO_E_ANSWER_LIMIT);
    options.intake.allocator = &s->allocator;
    options.intake.limits = &s->limits;
    options.intake.answers = s->answers;
    options.intake.answer_count = 1;
    set_options(s, &options, words);
    assert_int_equal(exo_attempt_init(&s->attempt, &options, 0), EXO_OK);
}

static void tear_down(struct stage *s)
{
    exo_attempt_free(&s->attempt);
    exo_answer_free(&s->answers[0]);
    exo_answer_free(&s->answers[1]);
    exo_buffer_free(&s->whole);
}

static void run(const char *name, const char *options, const char *script)
{
    struct stage s;
    set_up(&s, name, options);
    play(&s, script);
    tear_down(&s);
}

/* ---- each clock in each phase ---- */

/* How an attempt comes into each phase at 1000, and how it may be kept there without anything that counts. */
static const char *const ways[6] = {
    "",
    "1000 connected; ",
    "1000 connected; 1000 uploaded 9 0; 1000 uploaded 9 0; ",
    "0 connected; 0 uploaded 9 0; 0 uploaded 9 0; 0 head 200; 1000 text; ",
    "0 connected; 0 uploaded 9 0; 0 uploaded 9 0; 0 head 200; 0 text; 1000 finish; ",
    "0 connected; 0 uploaded 9 0; 0 uploaded 9 0; 1000 head 500; ",
};

/* The clocks by their options, and what becomes of each phase where no other is on: the end at the time that the clock
 * of 3000 runs out; "-": nothing ever happens. */
static const struct {
    const char *options;
    const char *ends[6];
    int64_t times[6];
} clocks[] = {
    {"connect=3000 first=0 idle=0",
     {"EXO_E_CLOCK_CONNECT close", "-", "-", "-", "ok drain", "EXO_E_SERVER close"},
     {3000, 0, 0, 0, 6000, 6000}},
    {"connect=0 first=3000 idle=0",
     {"-", "-", "EXO_E_CLOCK_FIRST close", "-", "ok drain", "EXO_E_SERVER close"},
     {0, 0, 4000, 0, 6000, 6000}},
    {"connect=0 first=0 idle=3000",
     {"-", "EXO_E_CLOCK_IDLE close", "EXO_E_CLOCK_IDLE close", "EXO_E_CLOCK_IDLE close", "ok drain",
      "EXO_E_SERVER close"},
     {0, 4000, 4000, 4000, 6000, 6000}},
    {"connect=0 first=0 idle=0 total=3000",
     {"EXO_E_CLOCK_TOTAL close", "EXO_E_CLOCK_TOTAL close", "EXO_E_CLOCK_TOTAL close", "EXO_E_CLOCK_TOTAL close",
      "EXO_E_CLOCK_TOTAL close", "EXO_E_CLOCK_TOTAL close"},
     {3000, 3000, 3000, 3000, 3000, 3000}},
    {"connect=0 first=0 idle=0", {"-", "-", "-", "-", "ok drain", "EXO_E_SERVER close"}, {0, 0, 0, 0, 6000, 6000}},
};

/* What may be told in each phase at 1500 without being progress. */
static const char *const idlings[6] = {
    "1500 tick; 1500 upload 5 0; 1500 hold; 1500 release; ",
    "1500 tick; 1500 upload 0 0; 1500 connected; 1500 head 200; 1500 comment; ",
    "1500 tick; 1500 uploaded 9 0; 1500 connected; 1500 head 200; 1500 comment; 1500 nothing; ",
    "1500 tick; 1500 uploaded 9 0; 1500 connected; 1500 head 500; 1500 comment; 1500 half; ",
    "1500 tick; 1500 uploaded 9 0; 1500 connected; 1500 head 500; 1500 comment; 1500 empty; ",
    "1500 tick; 1500 uploaded 9 0; 1500 connected; 1500 head 200; 1500 pad; 1500 nothing; ",
};

/* Plays the clock `clock` in a phase: `before` is told first, and puts the end off by `later`. */
static void check_clock(unsigned clock, unsigned phase, const char *before, int64_t later)
{
    const char *end = clocks[clock].ends[phase];
    long long time = clocks[clock].times[phase] + later;
    const char *where = phase_names[phase];
    char script[512];
    char name[128];
    snprintf(name, sizeof name, "%s in %s, %s", clocks[clock].options, where, before);
    if (*end == '-') {
        snprintf(script, sizeof script, "%s%s= %s run; 900000 tick; = %s run", ways[phase], before, where, where);
    } else {
        snprintf(script, sizeof script, "%s%s= %s run; %lld tick; = %s run; %lld tick; = %s due -", ways[phase], before,
                 where, time - 1, where, time, end);
    }
    run(name, clocks[clock].options, script);
}

static void each_clock_in_each_phase(void **state)
{
    (void)state;
    for (unsigned clock = 0; clock < sizeof clocks / sizeof *clocks; clock++) {
        bool total = strstr(clocks[clock].options, "total") != NULL;
        for (unsigned phase = 0; phase < 6; phase++) {
            check_clock(clock, phase, "", 0);
            check_clock(clock, phase, idlings[phase], 0);
            if (total) {
                check_clock(clock, phase, "2000 hold; ", 0);
            } else {
                check_clock(clock, phase, "2000 hold; 51000 tick; 52000 release; ", 50000);
                check_clock(clock, phase, "1200 hold; 1300 release; 2000 hold; 52000 release; ", 50100);
            }
        }
    }
}

/* ---- scripts ---- */

struct script {
    const char *name;
    const char *options;
    const char *text;
};

/* To where an event is waited for. */
#define OUT  "0 connected; 0 uploaded 9 0; 0 uploaded 9 0; "
#define HEAD OUT "0 head 200; "

static const struct script scripts[] = {
    /* connect */
    {"connected in time", "", "9999 connected; 10000 tick; = send run trail 9999 - - -"},
    {"connected late, and told before the clock is judged", "", "10001 connected; 10001 tick; = send run"},
    {"connected twice", "", "5 connected; 9 reused; = trail 5 - - -"},
    {"the deadline", "total=9000", "= connect due 9000; 0 total -1; = due 10000; 0 total 12000; = due 10000"},
    {"no deadline but that of the call while it is held", "",
     "4000 hold; = due -; 5000 total 30000; = due 30000; 6000 release; = due 12000"},
    {"hold twice, release twice", "",
     "1000 hold; 2000 hold; 3000 release; 4000 release; = due 12000; 12000 tick; = EXO_E_CLOCK_CONNECT close status 0 "
     "hidden trail - - - 12000"},
    {"a transport that cannot tell begins with sending", "can=14",
     "= send; 3 connected; = send trail - - - -; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"refused", "", "3 broken EXO_E_CONNECT; = EXO_E_CONNECT close due - trail - - - 3"},
    {"the upload begins with the connection", "",
     "0 uploaded 9 0; 0 uploaded 9 0; = connect; 1 connected; 1 uploaded 9 0; 1 uploaded 9 0; = first trail 1 1 - -"},
    {"limits beyond all times",
     "connect=9223372036854775807 idle=9223372036854775807 first=9223372036854775807 untried",
     "= connect due 357913941; 5 connected; 5 uploaded 9 0; 5 uploaded 9 0; = first due 357913946; 9 "
     "text; 9 hold; 99 release; 99999 empty; = stream due 358013940"},
    {"limits below zero are off", "connect=-5 idle=-1 first=-7", "= connect due -; 900000 tick; = run"},

    /* send */
    {"less than 1,024 bytes are no progress", "",
     "0 connected; 50000 upload 1023 1023; 120000 tick; = EXO_E_CLOCK_IDLE status 0"},
    {"1,024 are", "", "0 connected; 50000 upload 1024 1024; 169999 tick; = send run; 170000 tick; = EXO_E_CLOCK_IDLE"},
    {"accepted and acknowledged together", "",
     "0 connected; 50000 upload 512 0; 120000 tick; = run; 170000 tick; = EXO_E_CLOCK_IDLE"},
    {"what nobody knows to be acknowledged does not count twice", "",
     "0 connected; 50000 upload 1023 ?; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"acknowledged alone", "",
     "0 connected; 0 upload 4000 4000; 50000 upload 4000 2976; 169999 tick; = run; 170000 tick; = EXO_E_CLOCK_IDLE"},
    {"drop by drop, they add up", "",
     "0 connected; 40000 upload 400 400; 80000 upload 800 800; 110000 upload 1100 1100; 229999 tick; = run; 230000 "
     "tick; = EXO_E_CLOCK_IDLE"},
    {"the rest of the body is progress", "",
     "0 connected; 50000 uploaded 9 9; 169999 tick; = send run; 170000 tick; = EXO_E_CLOCK_IDLE"},
    {"its last acknowledgement is, if it is all of them", "",
     "0 connected; 0 uploaded 3000 3000; 100000 uploaded 3000 2999; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"and then it is sent", "",
     "0 connected; 0 uploaded 900 900; 100000 uploaded 900 0; = first trail 0 100000 - -; = due 220000"},
    {"sent is what stays so at a second look", "",
     "0 connected; 5 uploaded 9 0; = send; 6 uploaded 9 0; = first trail 0 6 - -"},
    {"sent where nobody knows more", "", "0 connected; 5 uploaded 9 ?; = send; 6 uploaded 9 ?; = first"},
    {"a body of nothing", "", "0 connected; 5 uploaded 0 0; = first"},
    {"more unacknowledged than accepted", "", "0 connected; 50000 upload 3000 9000; 170000 tick; = EXO_E_CLOCK_IDLE"},
    {"what goes back is no progress", "",
     "0 connected; 0 upload 5000 0; 60000 upload 100 0; 100000 upload 5000 0; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"looks at the upload, often at first", "",
     "0 connected; = due 1; 1 tick; = due 2; 100 tick; = due 150; 200 tick; = due 300; 119950 tick; = due 120000"},
    {"and more often after progress", "", "0 connected; 5000 upload 2000 2000; = due 5001"},
    {"not where it cannot be told", "can=1", "0 connected; = due 120000"},
    {"nor while it is held", "", "0 connected; 0 hold; = due -; 50 release; = due 51"},
    {"the head of the answer ends the upload where nothing else tells", "can=0",
     "= send due 120000; 40 head 200; = first trail - 40 - -; = due 120040"},
    {"where the transport tells, it does not", "",
     "0 connected; 40 head 200; = send; 50 uploaded 9 0; 50 uploaded 9 0; = first trail 0 50 - -"},
    {"an answer before the body is out", "",
     "0 connected; 10 upload 5000 5000; 40 head 200; 40 text; = stream trail 0 40 40 -; 50 upload 9999 0; 60 finish; "
     "60 done; = ok drain"},
    {"the same, until a token", "token",
     "0 connected; 40 head 200; 40 empty; = first trail 0 - - -; 50 uploaded 9 0; 50 uploaded 9 0; = first; 60 text; = "
     "stream trail 0 60 60 -"},
    {"an early refusal", "",
     "0 connected; 10 upload 5000 5000; 40 head 413; 40 reason; 50 broken EXO_E_RESET_IN_UPLOAD; = EXO_E_STATUS status "
     "413 close"},
    {"a reset without one", "",
     "0 reused; 10 upload 5000 5000; 2000 broken EXO_E_RESET_IN_UPLOAD; = EXO_E_RESET_IN_UPLOAD close status 0"},

    /* first event */
    {"auto, with another deployment left", "untried",
     OUT "= first due 15000; 14999 tick; = run; 15000 tick; = EXO_E_CLOCK_FIRST"},
    {"auto, with none left", "", OUT "= first due 120000; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"auto, with none left, and no idle clock", "idle=0", OUT "= first due -; 900000 tick; = run"},
    {"a number holds, whatever is left", "untried first=40000", OUT "= due 40000"},
    {"off", "untried first=0", OUT "= due 120000; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"heads and comments do not end it", "untried", OUT "5000 head 200; 5000 comment; 9000 comment; = first due 15000"},
    {"an event that brings nothing does", "untried", HEAD "5000 empty; = stream due 125000 trail 0 0 5000 - got 0"},
    {"not until a token", "untried token",
     HEAD
     "5000 empty; 6000 role; 7000 usage; = first due 15000 trail 0 0 - -; 8000 reasoning; = stream trail 0 0 8000 -"},
    {"a finish_reason is one", "untried token", HEAD "5000 finish; = rest due 10000 trail 0 0 5000 -"},
    {"any byte of a body that is kept", "untried token whole",
     HEAD "5000 pad; = stream; 9000 nothing; = due 125000; 9000 closed; = ok over trail 0 0 5000 -"},
    {"the sentinel", "untried", HEAD "5000 done; = EXO_E_EMPTY_STREAM close"},
    {"an error", "untried", HEAD "5000 error; = EXO_E_SERVER status 200 close hidden"},
    {"events until a token count for five times request_timeout since the body was out", "token first=0 idle=1000",
     "0 connected; 900 upload 2000 0; 1800 upload 4000 0; 2700 upload 6000 0; 3600 upload 8000 0; 4500 upload 9000 0; "
     "5400 uploaded 9999 0; 5500 uploaded 9999 0; 5500 head 200; 6400 empty; 7300 empty; 8200 empty; 9100 empty; 10000 "
     "empty; = first due 11000; 10600 empty; = due 11000; 11000 tick; = EXO_E_CLOCK_IDLE"},
    {"it came in time, and is told late", "untried",
     HEAD "14000 hold; 60000 release; 60000 text@14999; = stream due 180000"},
    {"it is told before the clock is judged", "untried", HEAD "16000 text; 16000 tick; = stream"},
    {"bytes that are not read yet keep the clocks from being judged", "untried",
     HEAD "14000 feed text; 16000 tick; 16000 read; = stream got 1"},

    /* stream */
    {"each event that brings something sets the clock anew", "",
     HEAD "0 text; 119000 text; 238000 reasoning; = stream due 358000; 357999 tick; = run; 358000 tick; = "
          "EXO_E_CLOCK_IDLE status 200 got 3 shown"},
    {"comments do not", "", HEAD "0 text; 60000 comment; 119000 comment; = due 120000"},
    {"half an event does not", "", HEAD "0 text; 60000 half; = due 120000"},
    {"what cannot be read does not", "", HEAD "0 text; 60000 junk; = due 120000"},
    {"events that bring nothing do, five times as long", "idle=1000",
     HEAD "0 text; 900 empty; 1800 usage; 2700 usage; = due 3700; 3600 empty; 4500 role; 5400 usage; 6300 empty; 7200 "
          "usage; = due 7300; 7300 tick; = EXO_E_CLOCK_IDLE"},
    {"something begins the five times anew", "idle=1000",
     HEAD "0 text; 900 empty; 1800 empty; 2700 empty; 3600 empty; 4500 empty; 5000 empty; = due 5500; 5400 text; 6300 "
          "empty; = due 7300"},
    {"held while an event waits", "",
     HEAD "0 text; 119000 feed texts; 119000 one; 119000 hold; 300000 release; 300000 read; = stream due 420000 got 3"},
    {"it came before a hold, and is told behind it", "",
     HEAD "0 text; 119000 hold; 300000 release; 300000 text@118000; = due 419000"},
    {"it came in a hold", "", HEAD "0 text; 200 hold; 300000 release; 300000 text@250000; = due 420000"},
    {"it came before the last hold but one ended: that much is not known", "",
     HEAD "0 text; 200 hold; 300000 release; 300200 hold; 400200 release; 400200 text@250000; = due 519800"},
    {"it came before what was told before it", "", HEAD "50000 text; 50000 text@40000; = due 170000 trail 0 0 50000 -"},
    {"the total clock runs on while it is held, whatever waits", "total=5000",
     HEAD "0 feed texts; 0 one; 0 hold; 4999 tick; = run due 5000; 5000 tick; = due -; 5001 release; = "
          "EXO_E_CLOCK_TOTAL got 1"},
    {"what came in time is read before the total clock is judged", "total=5000",
     HEAD "0 feed texts; 0 one; 6000 tick; 6000 read; = stream run got 2; 6000 tick; = EXO_E_CLOCK_TOTAL"},
    {"it breaks off", "",
     HEAD "0 text; 90 broken EXO_E_RECEIVE; = EXO_E_RECEIVE close status 200 shown trail 0 0 0 90"},
    {"it ends without proof", "", HEAD "0 text; 90 closed; = EXO_E_TRUNCATED close"},
    {"the sentinel", "", HEAD "0 text; 90 done; = ok drain due -"},
    {"the sentinel, where nothing can be drained", "can=11", HEAD "0 text; 90 done; = ok close"},
    {"an error in the stream", "", HEAD "0 text; 90 error; = EXO_E_SERVER close status 200"},
    {"a page", "", HEAD "5 page; = first; 9 closed; = EXO_E_NOT_A_STREAM close"},
    {"an end without a head", "", OUT "5000 closed; = EXO_E_CLOSED close status 0"},
    {"several, the first that is judged is said", "first=1000 idle=1000 total=1000",
     OUT "1000 tick; = EXO_E_CLOCK_TOTAL"},

    /* the rest */
    {"five seconds", "",
     HEAD "0 text; 1000 finish; = rest due 6000; 5999 tick; = rest run; 6000 tick; = ok drain trail 0 0 0 6000"},
    {"begun anew by what adds to the answer", "",
     HEAD "0 text; 1000 finish; 5000 text; = rest due 10000; 9000 usage; = due 14000; 13000 usage; 13000 finish; 13000 "
          "empty; 13000 comment; = due 14000; 14000 tick; = ok"},
    {"the idle clock is off", "idle=1000", HEAD "0 text; 500 finish; 2000 tick; = rest run; 5500 tick; = ok"},
    {"it breaks off", "", HEAD "0 text; 1000 finish; 2000 broken EXO_E_RECEIVE; = ok over"},
    {"it ends", "", HEAD "0 text; 1000 finish; 2000 closed; = ok over trail 0 0 0 2000"},
    {"half an event is dropped", "", HEAD "0 text; 1000 finish; 1500 half; 6000 tick; = ok drain"},
    {"what cannot be read is a hole", "", HEAD "0 text; 1000 finish; 1500 junk; 6000 tick; = EXO_E_MALFORMED close"},
    {"an error is one", "", HEAD "0 text; 1000 finish; 1500 error; = EXO_E_SERVER close"},
    {"held", "",
     HEAD "0 text; 1000 finish; 2000 hold; = due -; 90000 release; = due 94000; 93999 tick; = run; 94000 tick; = ok"},
    {"another choice begins, and the stream goes on", "two",
     HEAD "0 text; 0 finish; = rest; 4000 second; = stream due 124000; 9000 second-finish; = rest due 14000"},
    {"another choice has no end", "two",
     HEAD "0 second; 0 text; 0 finish; = stream due 120000; 120000 tick; = EXO_E_CLOCK_IDLE"},
    {"finished in one event with the first", "untried",
     HEAD "7000 finish; = rest due 12000 trail 0 0 7000 -; 12000 tick; = ok"},

    /* refusals */
    {"five seconds to say why", "",
     OUT "1000 head 429; = refusal due 6000; 3000 reason; = refusal due 6000; 6000 tick; = EXO_E_RATE_LIMIT status 429 "
         "close hidden trail 0 0 - 6000"},
    {"its end", "", OUT "1000 head 503; 3000 reason; 3001 closed; = EXO_E_SERVER status 503 close"},
    {"it breaks off", "", OUT "1000 head 503; 3000 reason; 3001 broken EXO_E_RECEIVE; = EXO_E_SERVER status 503"},
    {"the most of its bytes", "cap=128",
     OUT "1000 head 400; 1001 pad; = refusal; 1002 pad; = EXO_E_STATUS status 400 close"},
    {"held", "",
     OUT "1000 head 401; 2000 hold; 90000 tick; 90000 release; = refusal due 94000; 94000 tick; = EXO_E_AUTH"},
    {"without a key", "keyless", OUT "1000 head 401; 1000 closed; = EXO_E_AUTH status 401 keyless"},
    {"without a key, and a head before", "keyless",
     OUT "1000 head 103; 1000 head 401; 1000 closed; = EXO_E_AUTH keyless"},
    {"a redirect", "", OUT "1000 head 302; 1000 closed; = EXO_E_REDIRECT status 302"},
    {"while connecting", "", "1000 head 407; = refusal; 1000 closed; = EXO_E_PROXY close"},
    {"no other clock", "idle=1000 first=1000", OUT "900 head 500; 5000 tick; = refusal run; 5900 tick; = EXO_E_SERVER"},
    {"the total clock", "total=2000", OUT "900 head 500; 2000 tick; = EXO_E_CLOCK_TOTAL status 500"},

    /* heads */
    {"an interim head is none", "", OUT "5 head 100; 6 head 103; = first; 7 head 200; 7 text; = stream"},
    {"what it said is forgotten", "",
     OUT "5 status 103; 5 header retry-after 7; 5 end; 6 head 429; 6 closed; = EXO_E_RATE_LIMIT status 429"},
    {"a second head is not heard", "", HEAD "6 head 500; = first; 7 text; = stream"},
    {"a head that has not ended", "untried", OUT "5 status 500; 15000 tick; = EXO_E_CLOCK_FIRST status 0"},
    {"trailers", "", HEAD "6 text; 7 header x-request-id abc; 7 finish; 7 closed; = ok"},

    /* sent again */
    {"reused, no byte, at once", "",
     "0 reused; 5 upload 9 9; 999 broken EXO_E_RECEIVE; = resend due - once; 1000 resent; = connect run again due "
     "11000 trail - - - -; 1001 connected; 1001 uploaded 9 0; 1001 uploaded 9 0; 1001 head 200; 1002 text; 1003 done; "
     "= ok trail 1001 1001 1002 1003"},
    {"closed is as good as broken", "", "0 reused; 999 closed; = resend"},
    {"what was sent is forgotten", "",
     "0 reused; 5 uploaded 9 0; 5 uploaded 9 0; = first trail 0 5 - -; 6 closed; = resend; 7 resent; = connect trail - "
     "- - -; 9 connected; = send"},
    {"it cannot be", "", "0 reused; 5 closed; = resend; 6 unsent; = EXO_E_CLOSED close due - trail 0 - - 6"},
    {"not after a second", "", "0 reused; 1000 closed; = EXO_E_CLOSED close once"},
    {"not a fresh connection", "", "0 connected; 5 closed; = EXO_E_CLOSED"},
    {"not once a byte came", "", "0 reused; 5 seen EXO_E_RECEIVE; = EXO_E_RECEIVE"},
    {"not once a head came, whatever is said of bytes", "",
     "0 reused; 5 head 100; 5 broken EXO_E_RECEIVE; = EXO_E_RECEIVE"},
    {"not behind a head", "", "0 reused; 5 head 200; 5 broken EXO_E_RECEIVE; = EXO_E_RECEIVE close"},
    {"not for what is no fault of the connection", "",
     "0 reused; 5 broken EXO_E_SOURCE_READ; = EXO_E_SOURCE_READ close"},
    {"not twice", "", "0 reused; 5 closed; = resend; 6 resent; 7 reused; 8 closed; = EXO_E_CLOSED again"},
    {"not where the transport cannot", "can=7", "0 reused; 5 closed; = EXO_E_CLOSED"},
    {"not where nobody knows that it was reused", "can=8", "0 reused; 5 closed; = EXO_E_CLOSED"},
    {"before there is a connection", "", "5 closed; = EXO_E_CLOSED"},
    {"unasked", "", "0 reused; 5 resent; = send once; 6 unsent; = send run"},
    {"the total clock runs meanwhile", "total=500",
     "0 reused; 5 closed; = resend due 500; 499 tick; = resend; 500 tick; = EXO_E_CLOCK_TOTAL close; 501 resent; = "
     "close"},
    {"facts meanwhile are not heard", "",
     "0 reused; 5 closed; 6 text; 6 head 200; 6 uploaded 9 0; 6 closed; 6 connected; = resend got 0"},
    {"stopped meanwhile", "", "0 reused; 5 closed; 6 stop EXO_E_CANCELLED; = EXO_E_CANCELLED close"},
    {"held meanwhile", "", "0 reused; 5 closed; 6 hold; 90000 release; 90001 resent; = connect due 100001"},

    /* what is wanted and shown */
    {"text", "wanted=2", HEAD "0 reasoning; 0 usage; = got 0 hidden; 1 text; = got 1 shown"},
    {"nothing", "wanted=0", HEAD "0 text; 0 usage; 1 done; = got 0 hidden ok"},
    {"usage is handed out, and voids nothing", "", HEAD "0 usage; = got 1 hidden; 1 text; = shown"},
    {"before anything was wanted", "",
     HEAD "0 empty; 0 role; = hidden; 0 broken EXO_E_RECEIVE; = hidden EXO_E_RECEIVE"},

    /* a transport that can tell nothing */
    {"its phases", "can=0",
     "= send due 120000; 7 head 200; = first; 9 text; = stream; 9 finish; = rest; 9 done; = ok close trail - 7 9 9"},
    {"its end", "can=0", "7 head 200; 9 text; 9 finish; 9 closed; = ok over"},
    {"its first-event clock begins with the head", "can=0 untried",
     "7000 head 200; = first due 22000; 22000 tick; = EXO_E_CLOCK_FIRST"},
    {"its silence is the idle clock's", "can=0 untried", "120000 tick; = EXO_E_CLOCK_IDLE close trail - - - 120000"},
    {"its refusals", "can=0", "7 head 500; = refusal; 7 closed; = EXO_E_SERVER"},
    {"its failures", "can=0", "7 broken EXO_E_CONNECT; = EXO_E_CONNECT close"},
    {"its holds", "can=0", "7 hold; 90 release; = due 120083"},
    {"it may tell more than it promised", "can=0", "5 uploaded 9 0; 5 uploaded 9 0; = first trail - 5 - -"},

    /* after the end */
    {"a second end", "",
     HEAD "0 feed text; 0 hold; 1 closed; 2 broken EXO_E_RECEIVE; 3 release; = EXO_E_TRUNCATED got 1"},
    {"nothing is heard", "",
     HEAD "0 text; 0 done; 1 text; 1 closed; 1 head 500; 1 uploaded 5 0; 1 hold; 1 release; 900000 tick; 900000 stop "
          "EXO_E_CANCELLED; = ok drain got 1 due - trail 0 0 0 900000"},
    {"a failure stays", "",
     HEAD "0 text; 120000 tick; = EXO_E_CLOCK_IDLE; 120001 done; 120001 closed; 120001 stop EXO_E_CANCELLED; = "
          "EXO_E_CLOCK_IDLE close"},
    {"the end of the trail is noted once", "", HEAD "0 done; 9 closed; = trail 0 0 0 9; 20 read; = trail 0 0 0 9"},
    {"stopped", "", HEAD "0 text; 5 stop EXO_E_CANCELLED; = EXO_E_CANCELLED close status 200"},
    {"stopped at once", "", "0 stop EXO_E_BODY_CHANGED; = EXO_E_BODY_CHANGED close status 0"},
    {"an end in front of a beginning", "", "5 closed; 6 connected; = EXO_E_CLOSED"},
    {"told out of order, times stay in order", "",
     "90 connected; 80 uploaded 9 0; 80 uploaded 9 0; 80 head 200; 70 text; 60 done; = ok trail 90 90 90 90"},
};

static void every_script(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        run(scripts[i].name, scripts[i].options, scripts[i].text);
    }
}

/* ---- the rest ---- */

static void heads_are_bounded(void **state)
{
    static const char long_value[200] = "";
    exo_span name = exo_span_text("x-name");
    (void)state;
    for (int interim = 0; interim < 2; interim++) {
        struct stage s;
        set_up(&s, "head limit", "");
        s.limits.head = 1000;
        int code = EXO_OK;
        unsigned told = 0;
        while (code == EXO_OK) {
            told++;
            code = interim ? exo_attempt_status(&s.attempt, 100)
                           : exo_attempt_header(&s.attempt, name, exo_span_of(long_value, sizeof long_value), 0);
        }
        assert_int_equal(code, EXO_E_HEAD_LIMIT);
        assert_int_equal(told, interim ? 1000 / 14 + 1 : 1000 / 210 + 1);
        exo_attempt_closed(&s.attempt, 5, code, exo_span_of(NULL, 0), true);
        play(&s, "5 read; = EXO_E_HEAD_LIMIT close");
        tear_down(&s);
    }
    struct stage s;
    set_up(&s, "header limit", "");
    s.limits.headers = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(exo_attempt_header(&s.attempt, name, name, 0), EXO_OK);
    }
    assert_int_equal(exo_attempt_header(&s.attempt, name, name, 0), EXO_E_HEADERS_LIMIT);
    tear_down(&s);
}

static void headers_are_heeded(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "retry-after", "");
    play(&s, OUT "5 status 429; 5 header retry-after 7; 5 header x-request-id abc; 5 end; 5 reason; 5 closed; "
                 "= EXO_E_RATE_LIMIT");
    const exo_failure *failure = exo_attempt_failure(&s.attempt);
    assert_int_equal(failure->retry_after, 7000);
    assert_string_equal(failure->request_id, "abc");
    assert_string_equal(failure->message, "no");
    const exo_trail_entry *trail = exo_attempt_end(&s.attempt, 9);
    assert_int_equal(trail->code, EXO_E_RATE_LIMIT);
    assert_int_equal(trail->verdict, EXO_RETRY);
    assert_int_equal(trail->http_status, 429);
    assert_int_equal(trail->bytes_sent, 9);
    assert_int_equal(trail->bytes_received, strlen("{\"error\":{\"message\":\"no\"}}"));
    assert_false(trail->reused);
    tear_down(&s);
}

/* They come with the end of the body, before or behind what is read of it, as chance has it. */
static void trailers_are_not_heeded(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "trailers", "");
    play(&s, OUT "5 status 429; 5 header retry-after 7; 5 header x-request-id abc; 5 end; 5 header retry-after 9; "
                 "5 header x-request-id def; 5 reason; 5 closed; = EXO_E_RATE_LIMIT");
    const exo_failure *failure = exo_attempt_failure(&s.attempt);
    assert_int_equal(failure->retry_after, 7000);
    assert_string_equal(failure->request_id, "abc");
    tear_down(&s);
}

/* Whatever allocation fails, an attempt ends as it would, or for want of memory. */
static void every_allocation_may_fail(void **state)
{
    static const struct {
        const char *script;
        int code;
    } rows[] = {
        {OUT "5 status 429; 5 header retry-after 7; 5 header x-request-id abc; 5 end; 5 reason; 5 closed",
         EXO_E_RATE_LIMIT},
        {OUT "5 status 200; 5 header x-request-id abc; 5 end; 6 text; 7 error; 7 closed", EXO_E_SERVER},
        {OUT "5 status 200; 5 header x-request-id abc; 5 end; 6 text; 7 closed", EXO_E_TRUNCATED},
        {OUT "5 status 200; 5 header x-request-id abc; 5 end; 6 text; 7 finish; 7 done; 7 closed", EXO_OK},
        {"5 broken EXO_E_CONNECT", EXO_E_CONNECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool failed = true;
        for (size_t nth = 1; failed; nth++) {
            struct stage s;
            set_up(&s, rows[i].script, "");
            s.heap.fail_at = s.heap.calls + nth;
            play(&s, rows[i].script);
            failed = s.heap.calls >= s.heap.fail_at;
            const exo_failure *failure = exo_attempt_failure(&s.attempt);
            const int code = failure ? failure->code : EXO_OK;
            if (code != rows[i].code && !(failed && code == EXO_E_NO_MEMORY)) {
                fail_msg("%s, allocation %zu: %s", rows[i].script, nth, exo_error_name(code));
            }
            assert_int_equal(exo_attempt_end(&s.attempt, 9)->code, code);
            assert_true(strcmp(exo_attempt_request_id(&s.attempt), "abc") == 0 ||
                        *exo_attempt_request_id(&s.attempt) == '\0');
            tear_down(&s);
        }
    }
}

static void draining_is_bounded(void **state)
{
    static const struct {
        int64_t now;
        size_t bytes;
        bool more;
    } rows[] = {
        {100, 0, true},
        {349, 100, true},
        {350, 0, false},
        {900, 0, false},
    };
    exo_drain drain;
    (void)state;
    exo_drain_begin(&drain, 100);
    assert_int_equal(drain.until, 100 + EXO_DRAIN_MS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(exo_drain_more(&drain, rows[i].now, rows[i].bytes), rows[i].more);
    }
    exo_drain_begin(&drain, 0);
    assert_true(exo_drain_more(&drain, 0, EXO_DRAIN_MAX));
    assert_true(exo_drain_more(&drain, 0, 0));
    assert_false(exo_drain_more(&drain, 0, 1));
    exo_drain_begin(&drain, 0);
    assert_false(exo_drain_more(&drain, 0, SIZE_MAX));
    assert_false(exo_drain_more(&drain, 0, SIZE_MAX));
}

static void wrong_options_are_refused(void **state)
{
    exo_attempt attempt;
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    (void)state;
    assert_int_equal(exo_attempt_init(&attempt, &options, 0), EXO_E_ARGUMENT); /* no answers */
    options.size--;
    assert_int_equal(exo_attempt_init(&attempt, &options, 0), EXO_E_ARGUMENT);
}

/* Every clock says which one it was. */
static void clocks_are_named(void **state)
{
    static const struct {
        const char *options;
        exo_clock clock;
    } rows[] = {
        {"connect=5", EXO_CLOCK_CONNECT},
        {"can=0 idle=5", EXO_CLOCK_IDLE},
        {"total=5", EXO_CLOCK_TOTAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage s;
        set_up(&s, rows[i].options, rows[i].options);
        play(&s, "5 tick");
        assert_int_equal(exo_attempt_failure(&s.attempt)->clock, rows[i].clock);
        tear_down(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_clock_in_each_phase), cmocka_unit_test(every_script),
        cmocka_unit_test(heads_are_bounded),        cmocka_unit_test(headers_are_heeded),
        cmocka_unit_test(trailers_are_not_heeded),  cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(draining_is_bounded),      cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(clocks_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
