/*
 * fuzz_attempt.c: facts and bytes by chance, in any order → an attempt with two answers: no crash, and what must hold
 * of every attempt does. The input is a program: one byte says what happens next, the one behind it how much of it.
 */
#include "fuzz.h"

#include "exochat/attempt.h"

typedef struct run {
    const uint8_t *data;
    size_t size;
    int64_t now;
    uint64_t accepted;
    uint64_t hash;
    exo_attempt attempt;
    exo_answer answers[2];
} run;

static uint8_t take(run *r)
{
    uint8_t byte = 0;
    if (r->size > 0) {
        byte = *r->data++;
        r->size--;
    }
    return byte;
}

/* Up to so many bytes of the input. */
static exo_span take_bytes(run *r, size_t len)
{
    exo_span bytes = exo_span_of((const char *)r->data, r->size < len ? r->size : len);
    r->data += bytes.len;
    r->size -= bytes.len;
    return bytes;
}

static void begin(run *r, exo_limits *limits)
{
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    const uint8_t how = take(r);
    *limits = *exo_limits_micro();
    for (uint32_t i = 0; i < 2; i++) {
        exo_answer_init(&r->answers[i], &fuzz_heap, limits, i, how & 1 ? EXO_KEEP_ALL : 0);
    }
    options.intake.allocator = &fuzz_heap;
    options.intake.limits = limits;
    options.intake.answers = r->answers;
    options.intake.answer_count = 2;
    options.intake.think_tags = how & 2;
    options.intake.lenient_end = how & 4;
    options.intake.strict_stream = how & 8;
    options.can = how >> 4;
    options.wanted = take(r) & 1 ? EXO_WANT_ALL : take(r);
    options.ttft_until = take(r) & 1 ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    options.request_timeout = take(r) * INT64_C(100);
    options.call_deadline = take(r) * INT64_C(1000) - 1;
    FUZZ_MUST(exo_attempt_init(&r->attempt, &options, 0) == EXO_OK);
}

/* Reads what there is. False: there is a verdict. */
static bool read_all(run *r)
{
    exo_intake_event event;
    int code;
    while ((code = exo_attempt_next(&r->attempt, &event)) == EXO_EVENT) {
        FUZZ_MUST(event.type != EXO_EVENT_NONE && (r->attempt.wanted_ & EXO_WANT(event.type)));
        r->hash = fuzz_hash(r->hash, event.text.ptr, event.text.len); /* all of it can be read */
        r->hash = fuzz_hash(r->hash, event.name.ptr, event.name.len);
#ifndef EXO_SMALL
        if (exo_attempt_rests(&r->attempt)) {
            FUZZ_MUST(exo_attempt_next(&r->attempt, &event) == EXO_NEED_DATA);
        }
#endif
    }
    FUZZ_MUST(code == EXO_DONE || code == EXO_NEED_DATA);
    return code == EXO_NEED_DATA;
}

/* One fact. */
static void happen(run *r)
{
    exo_attempt *a = &r->attempt;
    const uint8_t what = take(r);
    const uint8_t much = take(r);
    switch (what % 12) {
    case 0:
        exo_attempt_connected(a, r->now, much & 1);
        break;
    case 1:
        r->accepted += much * 64U;
        exo_attempt_upload(a, r->now, r->accepted, much & 1 ? 0 : much & 2 ? EXO_UNKNOWN : much, much & 4);
        break;
    case 2:
        (void)exo_attempt_status(a, (uint16_t)(much < 200 ? 200 : 100 + much * 2));
        break;
    case 3: {
        static const char *const names[] = {"Retry-After", "retry-after-ms", "Date", "x-ratelimit-reset-tokens", "x"};
        (void)exo_attempt_header(a, exo_span_text(names[much % 5]), take_bytes(r, much / 5U), much);
        break;
    }
    case 4:
        exo_attempt_head_end(a, r->now);
        break;
    case 5:
        exo_attempt_closed(a, r->now,
                           much & 1   ? EXO_OK
                           : much & 2 ? EXO_E_CLOSED
                                      : EXO_E_RECEIVE,
                           take_bytes(r, 4), much & 4);
        break;
    case 6:
        exo_attempt_hold(a, r->now, much & 1);
        break;
    case 7:
        exo_attempt_resent(a, r->now, much & 1);
        break;
    case 8:
        r->now += much * INT64_C(50);
        exo_attempt_tick(a, r->now);
        break;
    default:
        exo_attempt_bytes(a, r->now - much % 7, take_bytes(r, much + 1U));
        break;
    }
}

/* What must hold when there is a verdict. */
static void must_be_over(run *r)
{
    exo_intake_event event;
    const exo_failure *failure = exo_attempt_failure(&r->attempt);
    const exo_trail_entry *trail = exo_attempt_end(&r->attempt, r->now);
    const exo_attempt_do todo = exo_attempt_todo(&r->attempt);
    FUZZ_MUST(exo_attempt_next(&r->attempt, &event) == EXO_DONE);
    FUZZ_MUST(exo_attempt_deadline(&r->attempt, r->now) == -1);
    FUZZ_MUST(trail->code == (failure ? failure->code : EXO_OK) && trail->code <= 0);
    FUZZ_MUST(failure ? todo == EXO_DO_CLOSE : todo != EXO_DO_RUN && todo != EXO_DO_RESEND);
    FUZZ_MUST(trail->end_ms >= trail->first_event_ms && trail->end_ms >= trail->sent_ms);
    for (uint32_t i = 0; i < 2 && !failure; i++) {
        exo_answer *answer = &r->answers[i];
        FUZZ_MUST(!(i == 0 || exo_answer_began(answer)) || exo_answer_proof(answer) != EXO_PROOF_NONE);
        for (uint32_t n = 0; n < exo_answer_tool_calls(answer); n++) {
            exo_tool_call call;
            FUZZ_MUST(exo_answer_tool_call(answer, n, &call) == EXO_OK);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exo_limits limits;
    run r = {.data = data, .size = size};
    bool runs = true;
    begin(&r, &limits);
    while (runs && r.size > 0) {
        happen(&r);
        runs = read_all(&r);
    }
    if (exo_attempt_todo(&r.attempt) == EXO_DO_RESEND) {
        exo_attempt_resent(&r.attempt, r.now, false);
    }
    exo_attempt_break_off(&r.attempt, EXO_E_CANCELLED, exo_span_of(NULL, 0));
    must_be_over(&r);
    exo_attempt_free(&r.attempt);
    exo_answer_free(&r.answers[0]);
    exo_answer_free(&r.answers[1]);
    return 0;
}
