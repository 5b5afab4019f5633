/*
 * test_attempt_model.c: facts by chance, in any order, told to attempts with options by chance; what must hold of them
 * whatever happens is looked at after each. A million facts, always the same; a run that fails is known by its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counting_heap.h"
#include "exochat/attempt.h"

/* Facts in all, and in one attempt. */
#define FACTS     1000000
#define FACTS_RUN 60

/* The most facts that bring nothing which an attempt is told before its clocks must have ended it. */
#define FLOOD 4000

#define CHUNK(json) "data: {\"choices\":[" json "]}\n\n"

/* Pieces of a body; the first `NOTHINGS` of them bring nothing, however often they come, once they have come. */
#define NOTHINGS 8
static const char *const body_pieces[] = {
    ": ping\n\n",
    "",
    CHUNK(""),
    CHUNK("{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}"),
    "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
    "\n",
    "data: what\n\n",
    "data: {\"id\":\"x\",\"model\":\"y\"}\n\n",
    CHUNK("{\"delta\":{\"content\":\"a\"}}"),
    CHUNK("{\"delta\":{\"content\":\"b\"}}") CHUNK("{\"delta\":{\"reasoning\":\"c\"}}"),
    CHUNK("{\"index\":1,\"delta\":{\"content\":\"d\\ud83d\"}}"),
    CHUNK(
        "{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}"),
    CHUNK("{\"delta\":{},\"finish_reason\":\"stop\"}"),
    CHUNK("{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}"),
    "data: [DONE]\n\n",
    "data: {\"choices\":[{\"delta\":{\"con",
    "event: error\ndata: no\n\n",
    "data: {\"error\":{\"message\":\"down\",\"code\":503}}\n\n",
    "data: {\"choices\":[{\n\n",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n",
    "<html>",
    "\x1F\x8B",
};
#define PIECES (sizeof body_pieces / sizeof *body_pieces)

struct model {
    uint64_t seed;
    uint64_t random;
    counting_heap heap;
    exo_allocator allocator;
    exo_limits limits;
    exo_answer answers[2];
    exo_buffer whole;
    exo_attempt_options options;
    exo_attempt attempt;
    int64_t now;
    uint64_t accepted;
    int64_t deadline; /* of the call */
    bool is_held;
    bool is_over;    /* next() has said DONE */
    bool has_shown;  /* an event was handed out that counts */
    char *piece;     /* bytes that were told, until next() has said NEED_DATA or DONE */
    exo_failure end; /* what the verdict was first */
};

static unsigned draw(struct model *m, unsigned below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (unsigned)((m->random >> 16) % below);
}

static bool flip(struct model *m)
{
    return draw(m, 2) == 0;
}

#define HOLDS(what) \
    do { \
        if (!(what)) { \
            fail_msg("seed %llu, at %lld, phase %d: not " #what, (unsigned long long)m->seed, (long long)m->now, \
                     (int)exo_attempt_phase(&m->attempt)); \
        } \
    } while (0)

static void begin(struct model *m, uint64_t seed)
{
    static const int64_t clocks[] = {0, 1, 900, 10000, EXO_CLOCK_AUTO, INT64_MAX};
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    memset(m, 0, sizeof *m);
    m->seed = seed;
    m->random = seed * UINT64_C(0x9E3779B97F4A7C15);
    m->allocator = (exo_allocator){&m->heap, counting_resize};
    m->heap.fail_at = draw(m, 16) == 0 ? 1 + draw(m, 12) : 0;
    m->limits = flip(m) ? *exo_limits_host() : *exo_limits_micro();
    m->limits.error_body = flip(m) ? 20 : m->limits.error_body;
    m->limits.event = draw(m, 8) == 0 ? 60 : m->limits.event;
    m->limits.head = draw(m, 8) == 0 ? 40 : m->limits.head;
    m->now = flip(m) ? 0 : (int64_t)draw(m, 1u << 30);
    for (uint32_t i = 0; i < 2; i++) {
        exo_answer_init(&m->answers[i], &m->allocator, &m->limits, i, EXO_KEEP_ALL);
    }
    exo_buffer_init(&m->whole, &m->allocator, 300, EXO_E_ANSWER_LIMIT);
    options.intake.allocator = &m->allocator;
    options.intake.limits = &m->limits;
    options.intake.answers = m->answers;
    options.intake.answer_count = 1 + draw(m, 2);
    options.intake.whole = draw(m, 16) == 0 ? &m->whole : NULL;
    options.intake.lenient_end = flip(m);
    options.intake.strict_stream = flip(m);
    options.intake.think_tags = flip(m);
    options.connect_timeout = clocks[draw(m, 6)];
    options.stream_ttft_timeout = clocks[draw(m, 6)];
    options.request_timeout = clocks[draw(m, 6)];
    options.call_deadline = flip(m) ? -1 : m->now + (int64_t)draw(m, 60000);
    options.ttft_until = flip(m) ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    options.can = flip(m) ? 15 : draw(m, 16);
    options.wanted = flip(m) ? EXO_WANT_ALL : draw(m, 256);
    options.untried = flip(m);
    m->options = options;
    m->deadline = options.call_deadline;
    assert_int_equal(exo_attempt_init(&m->attempt, &options, m->now), EXO_OK);
}

static void forget_piece(struct model *m)
{
    free(m->piece);
    m->piece = NULL;
}

static void end(struct model *m)
{
    forget_piece(m);
    exo_attempt_free(&m->attempt);
    exo_answer_free(&m->answers[0]);
    exo_answer_free(&m->answers[1]);
    exo_buffer_free(&m->whole);
}

/* ---- what must hold ---- */

static void check_trail(struct model *m)
{
    const exo_trail_entry *t = exo_attempt_trail(&m->attempt);
    const int64_t times[] = {t->connected_ms, t->sent_ms, t->first_event_ms, t->end_ms};
    int64_t last = -1;
    for (size_t i = 0; i < 4; i++) {
        HOLDS(times[i] == -1 || (times[i] >= 0 && times[i] >= last));
        last = times[i] > last ? times[i] : last;
    }
}

/* Whether a clock runs, by the rules of attempt.h. */
static bool is_timed(const struct model *m)
{
    const exo_attempt *a = &m->attempt;
    const exo_attempt_options *o = &m->options;
    bool first = o->stream_ttft_timeout > 0 || (o->stream_ttft_timeout == EXO_CLOCK_AUTO && o->untried);
    bool idle = o->request_timeout > 0;
    if (m->deadline >= 0) {
        return true;
    }
    if (m->is_held || exo_attempt_todo(a) == EXO_DO_RESEND) {
        return false;
    }
    switch (exo_attempt_phase(a)) {
    case EXO_PHASE_CONNECT:
        return o->connect_timeout > 0;
    case EXO_PHASE_SEND:
        return idle || (o->can & EXO_CAN_SENT);
    case EXO_PHASE_FIRST:
        return idle || first;
    case EXO_PHASE_STREAM:
        return idle;
    default:
        return true;
    }
}

static void check(struct model *m)
{
    exo_attempt *a = &m->attempt;
    const exo_failure *failure = exo_attempt_failure(a);
    exo_attempt_do todo = exo_attempt_todo(a);
    int64_t due = exo_attempt_deadline(a, m->now);
    bool is_judged = todo >= EXO_DO_DRAIN;
    check_trail(m);
    HOLDS(exo_attempt_shown(a) == m->has_shown);
    HOLDS(is_judged || !m->is_over);
    HOLDS((due >= 0) == (!is_judged && is_timed(m)));
    HOLDS(is_judged || !failure);
    HOLDS(!failure || todo == EXO_DO_CLOSE);
    if (is_judged && !m->is_over) {
        exo_intake_event event;
        HOLDS(exo_attempt_next(a, &event) == EXO_DONE);
        m->is_over = true;
        m->end.code = failure ? failure->code : EXO_OK;
        m->end.verdict = failure ? failure->verdict : EXO_STOP;
    }
    HOLDS(!m->is_over || (failure ? failure->code : EXO_OK) == m->end.code);
    HOLDS(!m->is_over || (failure ? failure->verdict : EXO_STOP) == m->end.verdict);
}

/* ---- facts ---- */

static void read_events(struct model *m, unsigned most)
{
    exo_intake_event event;
    int code = EXO_EVENT;
    for (; most > 0 && (code = exo_attempt_next(&m->attempt, &event)) == EXO_EVENT; most--) {
        HOLDS(!m->is_over);
        HOLDS(event.type != EXO_EVENT_NONE && event.type < EXO_EVENT_RESTART);
        HOLDS(m->options.wanted & EXO_WANT(event.type));
        m->has_shown = m->has_shown || event.type != EXO_EVENT_USAGE;
    }
    if (code != EXO_EVENT) {
        forget_piece(m);
    }
}

static int draw_code(struct model *m)
{
    static const int codes[] = {EXO_OK,          EXO_OK,        EXO_E_RECEIVE,     EXO_E_CONNECT,
                                EXO_E_RECEIVE,   EXO_E_CLOSED,  EXO_E_SOURCE_READ, EXO_E_HEAD_LIMIT,
                                EXO_E_NO_MEMORY, EXO_E_BODY_CUT};
    return codes[draw(m, sizeof codes / sizeof *codes)];
}

static void tell_bytes(struct model *m, unsigned pieces)
{
    int64_t early = (int64_t)draw(m, 3) * draw(m, 2000);
    exo_span bytes = exo_span_text(body_pieces[draw(m, pieces)]);
    bytes.len -= pieces == PIECES && draw(m, 8) == 0 ? draw(m, (unsigned)bytes.len + 1) : 0;
    if (!m->piece) { /* else they come too early, and are refused */
        m->piece = malloc(bytes.len + 1);
        assert_non_null(m->piece);
        memcpy(m->piece, bytes.ptr, bytes.len);
        bytes.ptr = m->piece;
    }
    exo_attempt_bytes(&m->attempt, m->now - early, bytes);
}

static void tell_upload(struct model *m)
{
    uint64_t unacked = flip(m) ? EXO_UNKNOWN : draw(m, 4000);
    m->accepted = draw(m, 16) == 0 ? draw(m, 9000) : m->accepted + (m->accepted < 8000 ? draw(m, 1500) : 0);
    exo_attempt_upload(&m->attempt, m->now, m->accepted, flip(m) ? 0 : unacked, flip(m));
}

static void tell_head(struct model *m)
{
    static const uint16_t statuses[] = {200, 200, 200, 200, 201, 100, 103, 302, 401, 407, 429, 500, 0};
    uint16_t status = statuses[draw(m, sizeof statuses / sizeof *statuses)];
    if (draw(m, 8) > 0) {
        (void)exo_attempt_status(&m->attempt, status);
    }
    if (flip(m)) {
        (void)exo_attempt_header(&m->attempt, exo_span_text("retry-after"), exo_span_text("7"), 0);
    }
    if (draw(m, 8) > 0) {
        exo_attempt_head_end(&m->attempt, m->now);
    }
}

static void tell(struct model *m)
{
    exo_attempt *a = &m->attempt;
    unsigned fact = draw(m, 64);
    if (fact < 8) {
        exo_attempt_connected(a, m->now, flip(m));
    } else if (fact < 16) {
        tell_upload(m);
    } else if (fact < 22) {
        tell_head(m);
    } else if (fact < 44) {
        tell_bytes(m, PIECES);
    } else if (fact < 45) {
        exo_attempt_closed(a, m->now, draw_code(m), exo_span_text("why"), flip(m));
    } else if (fact < 48) {
        exo_attempt_resent(a, m->now, flip(m));
    } else if (fact < 54) {
        m->is_held = flip(m);
        exo_attempt_hold(a, m->now, m->is_held);
    } else if (fact < 55) {
        m->deadline = flip(m) ? -1 : m->now + draw(m, 9000);
        exo_attempt_call_deadline(a, m->deadline);
    } else if (fact == 55 && draw(m, 16) == 0) {
        exo_attempt_break_off(a, EXO_E_CANCELLED, exo_span_of(NULL, 0));
    } else {
        exo_attempt_tick(a, m->now);
    }
    if (draw(m, 4) > 0) {
        read_events(m, draw(m, 4) > 0 ? UINT32_MAX : 1);
    }
}

/* Time goes on: mostly a little, to the deadline, or beyond it. */
static void pass_time(struct model *m)
{
    int64_t due = exo_attempt_deadline(&m->attempt, m->now);
    unsigned way = draw(m, 32);
    if (way == 0 && due > m->now && due < m->now + 200000) {
        m->now = due;
    } else if (way == 1) {
        m->now += (int64_t)draw(m, 20000);
    } else {
        m->now += (int64_t)draw(m, 8);
    }
}

static void whatever_comes(void **state)
{
    uint64_t seed = 1;
    unsigned ends[3] = {0};
    (void)state;
    for (size_t facts = 0; facts < FACTS; seed++) {
        struct model model;
        struct model *m = &model;
        begin(m, seed);
        unsigned most = 1 + draw(m, FACTS_RUN);
        for (unsigned i = 0; i < most; i++, facts++) {
            most = m->is_over && most > i + 4 ? i + 4 : most; /* and a few behind the end */
            tell(m);
            check(m);
            pass_time(m);
        }
        ends[!m->is_over ? 0 : m->end.code == EXO_OK ? 1 : 2]++;
        if (m->is_over) {
            const exo_trail_entry *trail = exo_attempt_end(&m->attempt, m->now);
            HOLDS(trail->end_ms >= 0 && trail->code == m->end.code);
            check_trail(m);
        }
        end(m);
    }
    print_message("seeds 1 to %llu: %u attempts under way, %u proven, %u failed\n", (unsigned long long)seed - 1,
                  ends[0], ends[1], ends[2]);
    assert_true(ends[0] > 1000 && ends[1] > 100 && ends[2] > 1000);
}

/* ---- floods ---- */

/* A fact that brings nothing, whatever it is told of. */
static void tell_nothing(struct model *m)
{
    exo_attempt *a = &m->attempt;
    switch (draw(m, 8)) {
    case 0:
        exo_attempt_connected(a, m->now, true);
        break;
    case 1:
        exo_attempt_upload(a, m->now, m->accepted, flip(m) ? 100 : draw(m, 9000), flip(m));
        break;
    case 2:
        (void)exo_attempt_status(a, 100);
        exo_attempt_head_end(a, m->now);
        break;
    case 3:
        (void)exo_attempt_header(a, exo_span_text("x"), exo_span_text("y"), 0);
        break;
    case 4:
        exo_attempt_hold(a, m->now, true);
        exo_attempt_hold(a, m->now, false);
        break;
    default:
        tell_bytes(m, NOTHINGS);
        break;
    }
    read_events(m, UINT32_MAX);
}

/* Facts that bring nothing keep no attempt alive, wherever they find it: its clocks are all on, and the sum of what
 * they allow is a bound. Ticks come whenever bytes are read, so none of them is starved by bytes either. */
static void a_flood_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct model model;
        struct model *m = &model;
        unsigned facts = 0;
        begin(m, seed);
        exo_attempt_free(&m->attempt);
        m->options.connect_timeout = m->options.connect_timeout > 0 ? 900 : 10000;
        m->options.stream_ttft_timeout = flip(m) ? EXO_CLOCK_AUTO : 5000;
        m->options.request_timeout = flip(m) ? 900 : 10000;
        m->options.call_deadline = m->deadline = -1;
        m->options.intake.whole = NULL;
        assert_int_equal(exo_attempt_init(&m->attempt, &m->options, m->now), EXO_OK);
        for (unsigned i = draw(m, 30); i > 0; i--) {
            tell(m);
            check(m);
            pass_time(m);
        }
        m->is_held = false;
        m->deadline = -1;
        exo_attempt_hold(&m->attempt, m->now, false);
        exo_attempt_call_deadline(&m->attempt, -1);
        if (exo_attempt_todo(&m->attempt) == EXO_DO_RESEND) {
            exo_attempt_resent(&m->attempt, m->now, true);
        }
        read_events(m, UINT32_MAX);
        int64_t longest = m->options.connect_timeout + 15000 + (EXO_PATIENCE + 10) * m->options.request_timeout + 15000;
        int64_t until = m->now + longest;
        int64_t step = longest / FLOOD * 2 + 1;
        for (; !m->is_over; facts++) {
            HOLDS(facts < FLOOD && m->now <= until);
            tell_nothing(m);
            exo_attempt_tick(&m->attempt, m->now);
            read_events(m, UINT32_MAX);
            check(m);
            int64_t due = exo_attempt_deadline(&m->attempt, m->now);
            HOLDS(m->is_over || due > m->now); /* and nobody is called for nothing */
            m->now += 1 + (int64_t)draw(m, (unsigned)(2 * step));
        }
        end(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_comes), cmocka_unit_test(a_flood_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
