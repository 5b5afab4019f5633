/*
 * clocks.c: the four clocks of a call: when they must be looked at, which of them has run out, and what follows.
 *
 * Called by call.c and response.c, which say where an exchange is (exo_call_enter), and by the client's timers. All of
 * them are our own; libcurl's are switched off. Time is exo_client_now(): it stands still while a consumer holds an
 * event.
 */
#include "engine.h"

void exo_call_enter(exo_call *call, enum exo_phase phase)
{
    call->phase = phase;
    call->phase_began = exo_client_now(call->client);
    call->progress_at = call->phase_began;
}

/* When the clocks of a call must be looked at next, or -1: a sum of all that are running. */
static int64_t next_look(const exo_call *call)
{
    int64_t due = -1;
#define UNTIL(moment) \
    do { \
        if (due < 0 || (moment) < due) { \
            due = (moment); \
        } \
    } while (0)
    if (call->options.total_timeout > 0) {
        UNTIL(call->started + call->options.total_timeout);
    }
    if (call->state != CALL_EXCHANGE) {
        return due;
    }
    const exo_deployment *o = &call->lineup[call->at]->options;
    switch (call->phase) {
    case EXO_PHASE_CONNECT:
        if (o->connect_timeout > 0) {
            UNTIL(call->attempt_began + o->connect_timeout);
        }
        break;
    case EXO_PHASE_SEND: {
        /* Nobody tells us when a socket's queue is empty: look often at first, and less and less. */
        int64_t since = exo_client_now(call->client) - call->progress_at;
        UNTIL(exo_client_now(call->client) + (since < 2 ? 1 : since < 200 ? since / 2 : 100));
        break;
    }
    case EXO_PHASE_FIRST:
        if (o->stream_ttft_timeout > 0) {
            UNTIL(call->phase_began + o->stream_ttft_timeout);
        }
        if (o->request_timeout > 0) {
            UNTIL(call->progress_at + o->request_timeout);
        }
        break;
    case EXO_PHASE_STREAM:
        if (o->request_timeout > 0) {
            UNTIL(call->progress_at + o->request_timeout);
        }
        break;
    case EXO_PHASE_REST:
    case EXO_PHASE_REFUSAL:
        UNTIL(call->phase_began + EXO_REST_MS);
        break;
    }
#undef UNTIL
    return due;
}

void exo_call_arm(exo_call *call)
{
    int64_t due = next_look(call);
    if (due < 0) {
        exo_timers_clear(&call->client->timers, &call->timer);
    } else if (!exo_timer_is_set(&call->timer) || due < call->timer.due) {
        exo_timers_set(&call->client->timers, &call->timer, due);
    }
}

/* Sleeps until `moment`, or until the total clock runs out. */
void exo_call_wait_until(exo_call *call, int64_t moment)
{
    int64_t due = next_look(call);
    exo_timers_set(&call->client->timers, &call->timer, due >= 0 && due < moment ? due : moment);
}

/* Looks whether the body is out. */
static void watch_upload(exo_call *call, int64_t now)
{
    bool sent = false;
    if (exo_exchange_progress(call->exchange, &sent)) {
        call->progress_at = now;
    }
    if (sent) {
        exo_call_note_sent(call);
        exo_call_enter(call, EXO_PHASE_FIRST);
    }
}

static bool ran_out(int64_t since, int64_t limit, int64_t now)
{
    return limit > 0 && now - since >= limit;
}

/* Which clock has run out, or EXO_CLOCK_NONE. */
static exo_clock expired(const exo_call *call, int64_t now)
{
    if (ran_out(call->started, call->options.total_timeout, now)) {
        return EXO_CLOCK_TOTAL;
    }
    if (call->state != CALL_EXCHANGE) {
        return EXO_CLOCK_NONE;
    }
    const exo_deployment *o = &call->lineup[call->at]->options;
    switch (call->phase) {
    case EXO_PHASE_CONNECT:
        return ran_out(call->attempt_began, o->connect_timeout, now) ? EXO_CLOCK_CONNECT : EXO_CLOCK_NONE;
    case EXO_PHASE_FIRST:
        if (ran_out(call->phase_began, o->stream_ttft_timeout, now)) {
            return EXO_CLOCK_FIRST_EVENT;
        }
        break;
    case EXO_PHASE_SEND:
    case EXO_PHASE_STREAM:
        break;
    case EXO_PHASE_REST:
    case EXO_PHASE_REFUSAL:
        return EXO_CLOCK_NONE;
    }
    return ran_out(call->progress_at, o->request_timeout, now) ? EXO_CLOCK_IDLE : EXO_CLOCK_NONE;
}

static void clock_ran_out(exo_call *call, exo_clock clock)
{
    static const int codes[] = {EXO_OK, EXO_E_CLOCK_CONNECT, EXO_E_CLOCK_FIRST, EXO_E_CLOCK_IDLE, EXO_E_CLOCK_TOTAL};
    exo_failure failure;
    if (call->state == CALL_EXCHANGE) {
        exo_call_fail_code(call, codes[clock], exo_span_of(NULL, 0));
        return;
    }
    exo_failure_clear(&failure);
    exo_failure_set(&failure, codes[clock], exo_span_of(NULL, 0));
    exo_call_end(call, &failure);
}

static void look(exo_call *call, int64_t now)
{
    if (call->state == CALL_EXCHANGE && call->phase == EXO_PHASE_SEND) {
        watch_upload(call, now);
    }
    exo_clock clock = expired(call, now);
    if (clock != EXO_CLOCK_NONE) {
        clock_ran_out(call, clock);
        return;
    }
    if (call->state == CALL_WAITING || call->state == CALL_GRACE || call->state == CALL_SIZING) {
        exo_client_wake(call->client, call);
        return;
    }
    if (call->state == CALL_EXCHANGE && (call->phase == EXO_PHASE_REST || call->phase == EXO_PHASE_REFUSAL) &&
        ran_out(call->phase_began, EXO_REST_MS, now)) {
        call->rest_is_late = true;
        exo_client_wake(call->client, call);
        return;
    }
    exo_call_arm(call);
}

void exo_call_look_at_clocks(void *owner, int64_t now)
{
    exo_call *call = owner;
    if (!call->is_ready || !exo_call_has_events(call)) {
        look(call, now); /* otherwise there is something to read first, and exo_call_has_read() looks after that */
    }
}

void exo_call_has_read(exo_call *call)
{
    look(call, exo_client_now(call->client));
}

bool exo_call_total_ran_out(exo_call *call)
{
    if (!ran_out(call->started, call->options.total_timeout, exo_client_now(call->client))) {
        return false;
    }
    clock_ran_out(call, EXO_CLOCK_TOTAL);
    return true;
}
