/*
 * attempt.c: the phases and clocks of one attempt, and the rules of a transport that no transport should have to know:
 * what counts as progress, when a request may be sent again, when the rest is waited for no longer. See attempt.h.
 *
 * It reads no clock and moves no byte. Memory: that of its intake.
 */
#include "exochat/attempt.h"

/* What was made of the attempt. */
enum end {
    ATTEMPT_RUNS,
    ATTEMPT_ASKS_RESEND,
    ATTEMPT_OVER
};

/* In which phases each clock runs. */
static const uint8_t attempt_phases[] = {
#define EXO_X(clock, code, field, owner, standard, phases, word) (uint8_t)(phases),
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
};

/* The failure of each. */
static const int8_t attempt_codes[] = {
#define EXO_X(clock, code, field, owner, standard, phases, word) (int8_t)(code),
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
};

_Static_assert(sizeof attempt_phases == EXO_CLOCK_TOTAL && EXO_CLOCK_TOTAL == 4, "the total clock is the last one");
_Static_assert(EXO_EVENT_FALLBACK < 32, "a mask of events has 32 bits");

/* The index of a clock. */
#define AT(clock) (EXO_CLOCK_##clock - 1)

/* The longest limit of a clock, and the longest time that an attempt counts, in milliseconds: four days, and twelve.
 * Within an attempt times are 32 bits since it began, of which sums stay numbers. */
#define ATTEMPT_LIMIT_MAX (INT32_MAX / 6)
#define ATTEMPT_MS_MAX    (INT32_MAX / 2)

/* The earlier and the later of two moments. */
static int32_t attempt_earlier(int32_t one, int32_t other)
{
    return other < one ? other : one;
}

static int32_t attempt_later(int32_t one, int32_t other)
{
    return other > one ? other : one;
}

/* Milliseconds since the attempt began. */
static int32_t attempt_ms(const exo_attempt *a, int64_t now)
{
    int64_t ms = now - a->began_;
    return ms < 0 ? 0 : ms < ATTEMPT_MS_MAX ? (int32_t)ms : ATTEMPT_MS_MAX;
}

/* For how long the consumer has held the call. */
static int32_t attempt_held(const exo_attempt *a)
{
    return a->held_ + (a->released_at_ - a->held_at_);
}

/* The time as clocks count it: it stands still while the consumer holds the call. What came before or during the last
 * hold may be told behind it. */
static int32_t attempt_clock(const exo_attempt *a, int32_t now)
{
    if (now > a->held_at_ && (a->holds_ || now < a->released_at_)) {
        now = a->held_at_;
    }
    return now - (now > a->held_at_ ? attempt_held(a) : a->held_);
}

/* What is told happened at `now`. */
static void attempt_set_now(exo_attempt *a, int64_t now)
{
    a->now_ = attempt_ms(a, now);
    a->clock_ = attempt_clock(a, a->now_);
}

static void attempt_set_idle(exo_attempt *a)
{
    a->set_at_[AT(IDLE)] = a->clock_;
    a->mark_ = a->moved_;
}

static void attempt_enter(exo_attempt *a, enum exo_phase phase)
{
    a->phase_ = (uint8_t)phase;
    if (phase == EXO_PHASE_FIRST) {
        a->set_at_[AT(FIRST_EVENT)] = a->clock_;
        a->more_at_ = a->clock_;
    }
    if (phase == EXO_PHASE_REST || phase == EXO_PHASE_REFUSAL) {
        a->rest_at_ = a->clock_;
    }
    attempt_set_idle(a);
}

/* Whether there is memory for the failure; on a small machine it is in the attempt. */
#ifdef EXO_SMALL
#define HAS_ROOM(failure) true
#else
#define HAS_ROOM(failure) ((failure) != NULL)
#endif

/* Where the failure is: on a small machine in the attempt, else in a block of its own once there is something to say.
 */
#ifdef EXO_SMALL
static exo_failure *attempt_failure(exo_attempt *a)
{
    return &a->failure_;
}

static int attempt_code(const exo_attempt *a)
{
    return a->failure_.code;
}

static const exo_failure *attempt_look(const exo_attempt *a)
{
    return &a->failure_;
}
#else
static exo_failure *attempt_failure(exo_attempt *a)
{
    return exo_failing_open(&a->failing_, a->intake_.options_.allocator);
}

static int attempt_code(const exo_attempt *a)
{
    return exo_failing_code(&a->failing_);
}

static const exo_failure *attempt_look(const exo_attempt *a)
{
    return exo_failing_look(&a->failing_);
}
#endif

/* No failure, and no headers seen. */
static void attempt_forget_failure(exo_attempt *a)
{
#ifdef EXO_SMALL
    exo_failure_clear(&a->failure_);
    if (a->keyless_) {
        exo_failure_no_key(&a->failure_);
    }
#else
    exo_failing_clear(&a->failing_, a->intake_.options_.allocator, a->keyless_);
#endif
}

/* The phase in which a transport begins that cannot tell of everything. */
static void attempt_begin(exo_attempt *a, int64_t now)
{
    attempt_forget_failure(a);
    attempt_set_now(a, now);
    a->set_at_[AT(CONNECT)] = a->clock_;
    a->connected_ = false;
    a->closed_ = false;
    a->moved_ = 0;
    a->more_at_ = a->clock_;
    a->trail_.connected_ms = a->trail_.sent_ms = -1;
    a->trail_.bytes_sent = 0;
    attempt_enter(a, a->can_ & EXO_CAN_CONNECTED ? EXO_PHASE_CONNECT : EXO_PHASE_SEND);
}

static int32_t attempt_limit(int64_t limit)
{
    return limit < ATTEMPT_LIMIT_MAX ? (int32_t)limit : ATTEMPT_LIMIT_MAX;
}

int exo_attempt_init(exo_attempt *attempt, const exo_attempt_options *options, int64_t now)
{
    if (options->size != sizeof *options) {
        return EXO_E_ARGUMENT;
    }
    memset(attempt, 0, sizeof *attempt);
    attempt->keyless_ = options->keyless;
    exo_intake_options intake = options->intake;
#ifdef EXO_SMALL
    intake.failure = &attempt->failure_;
#else
    intake.failing_ = &attempt->failing_;
#endif
    intake.shown_only = true;
    int code = exo_intake_init(&attempt->intake_, &intake);
    if (code < 0) {
        return code;
    }
    int64_t first = options->stream_ttft_timeout;
    if (first == EXO_CLOCK_AUTO) {
        first = options->untried ? EXO_AUTO_MS : options->request_timeout;
    }
    attempt->limit_[AT(CONNECT)] = attempt_limit(options->connect_timeout);
    attempt->limit_[AT(FIRST_EVENT)] = attempt_limit(first);
    attempt->limit_[AT(IDLE)] = attempt_limit(options->request_timeout);
    attempt->call_deadline_ = options->call_deadline;
    attempt->can_ = (uint8_t)options->can;
    attempt->wanted_ = options->wanted;
    attempt->until_token_ = options->ttft_until == EXO_UNTIL_TOKEN;
    attempt->began_ = now;
    exo_trail_entry *trail = &attempt->trail_;
    trail->deployment = trail->model = trail->message = "";
    trail->started_ms = trail->resolved_ms = trail->first_event_ms = trail->end_ms = -1;
    attempt_begin(attempt, now);
    return EXO_OK;
}

/* ---- verdicts ---- */

static void attempt_fail(exo_attempt *a, int code, const exo_span *words)
{
    exo_failure *failure = attempt_failure(a);
    a->end_ = ATTEMPT_OVER;
    if (HAS_ROOM(failure)) {
        exo_failure_set(failure, code, *words);
        failure->http_status = a->head_ended_ ? a->status_ : 0;
        failure->status = failure->http_status;
        failure->offset = exo_intake_offset(&a->intake_);
    }
}

void exo_attempt_break_off(exo_attempt *attempt, int code, exo_span words)
{
    if (attempt->end_ != ATTEMPT_OVER) {
        attempt_fail(attempt, code, &words);
    }
}

/* ---- facts ---- */

/* Notes in the trail that something happened now, the first time: not before what is noted there already, though it be
 * told late. */
static void attempt_note_time(exo_attempt *a, int64_t *noted)
{
    if (*noted < 0) {
        a->noted_ = attempt_later(a->now_, a->noted_);
        *noted = a->noted_;
    }
}

void exo_attempt_connected(exo_attempt *attempt, int64_t now, bool reused)
{
    if (attempt->end_ != ATTEMPT_RUNS || attempt->phase_ != EXO_PHASE_CONNECT) {
        return;
    }
    attempt_set_now(attempt, now);
    attempt->connected_ = true;
    attempt->connected_at_ = attempt->now_;
    attempt->trail_.reused = reused;
    attempt_note_time(attempt, &attempt->trail_.connected_ms);
    attempt_enter(attempt, EXO_PHASE_SEND);
}

/* The request is out. */
static void attempt_sent(exo_attempt *a)
{
    attempt_note_time(a, &a->trail_.sent_ms);
    attempt_enter(a, EXO_PHASE_FIRST);
}

void exo_attempt_upload(exo_attempt *attempt, int64_t now, uint64_t accepted, uint64_t unacked, bool complete)
{
    exo_attempt *a = attempt;
    bool is_more = accepted > a->trail_.bytes_sent;
    if (a->end_ != ATTEMPT_RUNS || a->phase_ == EXO_PHASE_CONNECT) {
        return;
    }
    a->trail_.bytes_sent = accepted;
    a->moved_ = accepted + (unacked < accepted ? accepted - unacked : 0);
    if (a->phase_ != EXO_PHASE_SEND) {
        return;
    }
    attempt_set_now(a, now);
    bool is_out = complete && (unacked == 0 || unacked == EXO_UNKNOWN);
    bool is_rest = is_out || (complete && is_more);
    int64_t progress = (int64_t)(a->moved_ - a->mark_);
    if (progress >= (is_rest ? 1 : EXO_PROGRESS_BYTES)) {
        attempt_set_idle(a);
    }
    if (is_out && !is_more) {
        attempt_sent(a);
    }
}

/* Counts bytes of heads, interim ones included. False: more than there may be. */
static bool attempt_count_head(exo_attempt *a, size_t bytes)
{
    bool fits = bytes <= a->intake_.options_.limits->head - a->head_bytes_;
    a->head_bytes_ += fits ? (uint32_t)bytes : 0;
    return fits;
}

int exo_attempt_status(exo_attempt *attempt, uint16_t status)
{
    if (!attempt_count_head(attempt, sizeof "HTTP/1.1 200\r\n" - 1)) {
        return EXO_E_HEAD_LIMIT;
    }
    if (attempt->end_ == ATTEMPT_RUNS && !attempt->head_ended_) {
        attempt_forget_failure(attempt);
        attempt->status_ = status;
    }
    return EXO_OK;
}

int exo_attempt_header(exo_attempt *attempt, exo_span name, exo_span value, int64_t wall)
{
    if (!attempt_count_head(attempt, name.len + value.len + sizeof ": \r\n" - 1)) {
        return EXO_E_HEAD_LIMIT;
    }
    if (attempt->head_count_ >= attempt->intake_.options_.limits->headers) {
        return EXO_E_HEADERS_LIMIT;
    }
    attempt->head_count_++;
    if (attempt->end_ == ATTEMPT_RUNS && !attempt->head_ended_) { /* trailers say nothing */
        exo_failure *failure = attempt_failure(attempt);
        if (!HAS_ROOM(failure)) {
            return EXO_E_NO_MEMORY;
        }
        exo_failure_header(failure, name, value, wall);
    }
    return EXO_OK;
}

void exo_attempt_head_end(exo_attempt *attempt, int64_t now)
{
    exo_attempt *a = attempt;
    if (a->end_ != ATTEMPT_RUNS || a->head_ended_ || a->status_ < 200) {
        return;
    }
    attempt_set_now(a, now);
    a->head_ended_ = true;
    a->trail_.http_status = a->status_;
    exo_intake_status(&a->intake_, a->status_);
#ifndef EXO_SMALL
    if (a->status_ / 100 == 2) { /* it will hardly fail */
        exo_failing_close(&a->failing_, a->intake_.options_.allocator);
    }
#endif
    if (a->status_ / 100 != 2) {
        attempt_enter(a, EXO_PHASE_REFUSAL);
    } else if (a->phase_ == EXO_PHASE_SEND && !(a->can_ & EXO_CAN_SENT)) {
        attempt_sent(a);
    }
}

/* What is read from now on came at `now`. */
static void attempt_arrive(exo_attempt *a, int64_t now)
{
    attempt_set_now(a, now);
    a->arrived_ = a->now_;
    a->arrived_clock_ = a->clock_;
}

void exo_attempt_bytes(exo_attempt *attempt, int64_t arrived, exo_span bytes)
{
    if (attempt->end_ != ATTEMPT_RUNS) {
        return;
    }
    attempt_arrive(attempt, arrived);
    attempt->trail_.bytes_received += bytes.len;
    attempt->reading_ = true;
    (void)exo_intake_feed(&attempt->intake_, bytes); /* what is wrong with them, next() says */
}

/* Whether the connection was dead before the request went over it. Anything else could bill the caller twice. */
static bool attempt_may_resend(const exo_attempt *a, int code, bool byte_seen)
{
    return (a->can_ & EXO_CAN_RESEND) && exo_error_class_of(code) == EXO_CLASS_TRANSPORT && a->connected_ &&
           a->trail_.reused && !a->trail_.resent && !byte_seen && a->head_bytes_ == 0 &&
           a->trail_.bytes_received == 0 && a->arrived_ - a->connected_at_ < EXO_RESEND_MS;
}

void exo_attempt_closed(exo_attempt *attempt, int64_t now, int code, exo_span words, bool byte_seen)
{
    exo_attempt *a = attempt;
    if (a->end_ != ATTEMPT_RUNS || a->closed_) {
        return;
    }
    a->closed_ = true;
    attempt_arrive(a, now);
    if (a->head_ended_) {
        a->reading_ = true;
        exo_intake_end(&a->intake_, code, words);
        return;
    }
    code = code < 0 ? code : EXO_E_CLOSED;
    bool again = attempt_may_resend(a, code, byte_seen);
    attempt_fail(a, code, &words);
    if (again) {
        a->end_ = ATTEMPT_ASKS_RESEND;
    }
}

void exo_attempt_resent(exo_attempt *attempt, int64_t now, bool done)
{
    if (attempt->end_ != ATTEMPT_ASKS_RESEND) {
        return;
    }
    attempt->end_ = ATTEMPT_OVER;
    if (done) {
        attempt->end_ = ATTEMPT_RUNS;
        attempt->trail_.resent = true;
        attempt->trail_.reused = false;
        attempt_begin(attempt, now);
    }
}

void exo_attempt_hold(exo_attempt *attempt, int64_t now, bool held)
{
    exo_attempt *a = attempt;
    if (held == a->holds_) {
        return;
    }
    attempt_set_now(a, now);
    if (held) {
        a->held_ = attempt_held(a);
        a->held_at_ = attempt_later(a->now_, a->released_at_);
    }
    a->released_at_ = attempt_later(a->now_, a->held_at_);
    a->holds_ = held;
}

void exo_attempt_call_deadline(exo_attempt *attempt, int64_t deadline)
{
    attempt->call_deadline_ = deadline;
}

/* ---- clocks ---- */

/* Whether a clock runs now. */
static bool attempt_runs(const exo_attempt *a, int index)
{
    return (attempt_phases[index] & a->phase_) && a->limit_[index] > 0;
}

static bool attempt_waits_for_rest(const exo_attempt *a)
{
    return a->phase_ == EXO_PHASE_REST || a->phase_ == EXO_PHASE_REFUSAL;
}

/* A clock has run out. */
static void attempt_run_out(exo_attempt *a, int index)
{
    static const exo_span no_words = {NULL, 0};
    attempt_fail(a, attempt_codes[index], &no_words);
}

void exo_attempt_tick(exo_attempt *attempt, int64_t now)
{
    exo_attempt *a = attempt;
    attempt_set_now(a, now);
    if (a->end_ == ATTEMPT_OVER || (a->reading_ && !a->holds_)) {
        return;
    }
    if (a->call_deadline_ >= 0 && now >= a->call_deadline_) {
        attempt_run_out(a, AT(TOTAL));
    }
    if (a->end_ != ATTEMPT_RUNS || a->reading_) {
        return;
    }
    int first = -1; /* to run out; of two at once the idle clock, which is the one that auto goes by */
    int32_t due = a->clock_;
    for (int i = 0; i < AT(TOTAL); i++) {
        if (attempt_runs(a, i) && a->set_at_[i] + a->limit_[i] <= due) {
            due = a->set_at_[i] + a->limit_[i];
            first = i;
        }
    }
    if (first >= 0) {
        attempt_run_out(a, first);
        return;
    }
    if (attempt_waits_for_rest(a) && a->clock_ - a->rest_at_ >= EXO_REST_MS) {
        a->reading_ = true;
        exo_intake_end(&a->intake_, EXO_OK, exo_span_of(NULL, 0));
    }
}

/* How long after it was looked at last the upload is to be looked at again: nobody tells when a socket's queue is
 * empty, so often at first, and less and less. */
static int32_t attempt_patience(int32_t since)
{
    return since < 2 ? 1 : since < 200 ? since / 2 : 100;
}

int64_t exo_attempt_deadline(const exo_attempt *attempt, int64_t now)
{
    const exo_attempt *a = attempt;
    int32_t due = INT32_MAX;
    int32_t ms = attempt_ms(a, now);
    int32_t held = attempt_held(a);
    if (a->end_ == ATTEMPT_OVER) {
        return -1;
    }
    if (a->end_ == ATTEMPT_ASKS_RESEND || a->holds_) {
        return a->call_deadline_;
    }
    for (int i = 0; i < AT(TOTAL); i++) {
        if (attempt_runs(a, i)) {
            due = attempt_earlier(due, a->set_at_[i] + a->limit_[i] + held);
        }
    }
    if (attempt_waits_for_rest(a)) {
        due = attempt_earlier(due, a->rest_at_ + EXO_REST_MS + held);
    }
    if (a->phase_ == EXO_PHASE_SEND && (a->can_ & EXO_CAN_SENT)) {
        due = attempt_earlier(due, ms + attempt_patience(attempt_clock(a, ms) - a->set_at_[AT(IDLE)]));
    }
    if (due == INT32_MAX) {
        return a->call_deadline_;
    }
    int64_t moment = a->began_ + due;
    return a->call_deadline_ >= 0 && a->call_deadline_ < moment ? a->call_deadline_ : moment;
}

/* ---- reading ---- */

static void attempt_first_event(exo_attempt *a)
{
    attempt_note_time(a, &a->trail_.sent_ms);
    attempt_note_time(a, &a->trail_.first_event_ms);
    if (a->phase_ < EXO_PHASE_STREAM) {
        attempt_enter(a, EXO_PHASE_STREAM);
        a->more_at_ = a->clock_;
    }
}

/* What the intake has to tell winds up the clocks. */
static void attempt_note(exo_attempt *a)
{
    unsigned news = exo_intake_news(&a->intake_);
    if (news == 0) {
        return;
    }
    a->now_ = a->arrived_;
    a->clock_ =
        attempt_later(a->arrived_clock_, a->set_at_[AT(IDLE)]); /* it may be from before what was told before it */
    if (news & (a->until_token_ ? EXO_NEWS_TOKEN : EXO_NEWS_EVENT)) {
        attempt_first_event(a);
    } else if ((news & EXO_NEWS_EVENT) && a->phase_ == EXO_PHASE_SEND) {
        attempt_enter(a, EXO_PHASE_FIRST); /* the endpoint answers before the body is out */
    }
    if (news & EXO_NEWS_MORE) {
        a->more_at_ = a->clock_;
        a->rest_at_ = a->clock_;
    }
    if ((a->clock_ - a->more_at_) / EXO_PATIENCE < a->limit_[AT(IDLE)]) {
        attempt_set_idle(a);
    }
    bool finished = exo_intake_finished(&a->intake_);
    if (a->phase_ == EXO_PHASE_STREAM && finished) {
        attempt_enter(a, EXO_PHASE_REST);
    } else if (a->phase_ == EXO_PHASE_REST && (news & EXO_NEWS_MORE) && !finished) {
        attempt_enter(a, EXO_PHASE_STREAM); /* another choice has only begun */
    }
}

int exo_attempt_next(exo_attempt *attempt, exo_intake_event *event)
{
    exo_attempt *a = attempt;
    while (a->end_ == ATTEMPT_RUNS) {
        int code = exo_intake_next(&a->intake_, event);
        attempt_note(a);
        if (code == EXO_NEED_DATA) {
            a->reading_ = false;
            return code;
        }
        if (code == EXO_DONE) {
            a->end_ = ATTEMPT_OVER;
        } else if (event->type != EXO_EVENT_NONE && (a->wanted_ & EXO_WANT(event->type))) {
            a->shown_ = a->shown_ || event->type != EXO_EVENT_USAGE;
            return EXO_EVENT;
        }
    }
    return a->end_ == ATTEMPT_OVER ? EXO_DONE : EXO_NEED_DATA;
}

#ifndef EXO_SMALL
bool exo_attempt_rests(exo_attempt *attempt)
{
    exo_attempt *a = attempt;
    const bool rests =
        a->end_ == ATTEMPT_RUNS && a->phase_ == EXO_PHASE_STREAM && !a->closed_ && exo_intake_rests(&a->intake_);
    a->reading_ = a->reading_ && !rests;
    return rests;
}
#endif

/* ---- questions ---- */

exo_attempt_do exo_attempt_todo(const exo_attempt *attempt)
{
    switch (attempt->end_) {
    case ATTEMPT_RUNS:
        return EXO_DO_RUN;
    case ATTEMPT_ASKS_RESEND:
        return EXO_DO_RESEND;
    default:
        break;
    }
    if (attempt_code(attempt) != EXO_OK) {
        return EXO_DO_CLOSE;
    }
    return attempt->closed_ ? EXO_DO_OVER : attempt->can_ & EXO_CAN_DRAIN ? EXO_DO_DRAIN : EXO_DO_CLOSE;
}

enum exo_phase exo_attempt_phase(const exo_attempt *attempt)
{
    return (enum exo_phase)attempt->phase_;
}

bool exo_attempt_shown(const exo_attempt *attempt)
{
    return attempt->shown_;
}

const exo_failure *exo_attempt_failure(const exo_attempt *attempt)
{
    return attempt->end_ == ATTEMPT_OVER && attempt_code(attempt) != EXO_OK ? attempt_look(attempt) : NULL;
}

const exo_trail_entry *exo_attempt_trail(const exo_attempt *attempt)
{
    return &attempt->trail_;
}

const exo_trail_entry *exo_attempt_end(exo_attempt *attempt, int64_t now)
{
    exo_trail_entry *trail = &attempt->trail_;
    if (trail->end_ms < 0) {
        attempt_set_now(attempt, now);
        attempt_note_time(attempt, &trail->end_ms);
        trail->code = attempt_code(attempt);
        trail->verdict = attempt_look(attempt)->verdict;
    }
    return trail;
}

void exo_attempt_free(exo_attempt *attempt)
{
    exo_intake_free(&attempt->intake_);
#ifndef EXO_SMALL
    attempt_forget_failure(attempt);
#endif
}

/* ---- draining ---- */

void exo_drain_begin(exo_drain *drain, int64_t now)
{
    drain->until = now + EXO_DRAIN_MS;
    drain->bytes_ = 0;
}

bool exo_drain_more(exo_drain *drain, int64_t now, size_t bytes)
{
    drain->bytes_ += bytes < EXO_DRAIN_MAX + 1 ? bytes : EXO_DRAIN_MAX + 1;
    return drain->bytes_ <= EXO_DRAIN_MAX && now < drain->until;
}
