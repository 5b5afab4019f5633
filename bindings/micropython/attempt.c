/*
 * attempt.c: Attempt: exo_attempt with its answers, and its events as Python has them.
 *
 * Memory: the answers and buffers of the core, and one buffer for a text that comes in pieces (an escape, an event that
 * was cut), so that each string of each delta is one event.
 */
#include "binding.h"

/* ---- making it ---- */

typedef struct attempt_options {
    int64_t total_left;
    uint32_t choices;
    bool keep_replay;
    bool whole;
    mp_obj_t wanted;
    mp_obj_t limits;
    exo_attempt_options core;
} attempt_options;

static void attempt_read_options(mp_obj_t dict, attempt_options *said)
{
#define ATTEMPT_CORE(field, kind) \
    EXOMP_FIELD_AT(field, offsetof(attempt_options, core) + offsetof(exo_attempt_options, field), kind)
#define ATTEMPT_INTAKE(field) \
    EXOMP_FIELD_AT(field, \
                   offsetof(attempt_options, core) + offsetof(exo_attempt_options, intake) + \
                       offsetof(exo_intake_options, field), \
                   EXOMP_BOOL)
    static const exomp_field table[] = {
        ATTEMPT_CORE(connect_timeout, EXOMP_INT64),
        ATTEMPT_CORE(stream_ttft_timeout, EXOMP_INT64),
        ATTEMPT_CORE(request_timeout, EXOMP_INT64),
        EXOMP_FIELD(attempt_options, total_left, EXOMP_INT64),
        ATTEMPT_CORE(ttft_until, EXOMP_UNTIL),
        ATTEMPT_CORE(can, EXOMP_UINT),
        EXOMP_FIELD(attempt_options, wanted, EXOMP_OBJECT),
        ATTEMPT_CORE(untried, EXOMP_BOOL),
        ATTEMPT_CORE(keyless, EXOMP_BOOL),
        ATTEMPT_INTAKE(think_tags),
        ATTEMPT_INTAKE(lenient_end),
        ATTEMPT_INTAKE(strict_stream),
        EXOMP_FIELD(attempt_options, choices, EXOMP_UINT),
        EXOMP_FIELD(attempt_options, keep_replay, EXOMP_BOOL),
        EXOMP_FIELD(attempt_options, whole, EXOMP_BOOL),
        EXOMP_FIELD(attempt_options, limits, EXOMP_OBJECT),
    };
    memset(said, 0, sizeof *said);
    said->core = (exo_attempt_options)EXO_ATTEMPT_OPTIONS_INIT;
    said->total_left = -1;
    said->choices = 1;
    said->keep_replay = true;
    exomp_fields_set(dict, table, EXOMP_ROWS(table), said);
}

static void attempt_make_answers(exomp_attempt *self, uint32_t count, unsigned keep)
{
    self->answers = exomp_array(count - 1, sizeof *self->answers);
    self->count = count;
    for (uint32_t i = 0; i < count; i++) {
        exo_answer_init(&self->answers[i], &exomp_heap, &self->limits, i, keep);
    }
}

static mp_obj_t attempt_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    attempt_options said;
    attempt_read_options(args[0], &said);
    const int64_t now = exomp_now(args[1]);
    exomp_attempt *self = exomp_new(sizeof *self, &exomp_attempt_type);
    exomp_limits(said.limits, &self->limits);
    exo_buffer_init(&self->joined, &exomp_heap, self->limits.event, EXO_E_EVENT_LIMIT);
    exo_buffer_init(&self->whole, &exomp_heap, self->limits.answer, EXO_E_ANSWER_LIMIT);
    if (said.choices < 1 || said.choices > 16) {
        EXOMP_VALUE_ERROR("choices");
    }
    if (!said.whole) {
        attempt_make_answers(self, said.choices,
                             said.keep_replay ? EXO_KEEP_ALL : EXO_KEEP_TEXT | EXO_KEEP_REASONING | EXO_KEEP_TOOLS);
    }
    exo_attempt_options *core = &said.core;
    if (said.wanted != MP_OBJ_NULL) {
        core->wanted = exomp_wanted(said.wanted);
    }
    core->call_deadline = said.total_left < 0 ? -1 : now + said.total_left;
    core->intake.allocator = &exomp_heap;
    core->intake.limits = &self->limits;
    core->intake.answers = self->answers;
    core->intake.answer_count = self->count;
    core->intake.whole = said.whole ? &self->whole : NULL;
    exomp_check(exo_attempt_init(&self->attempt, core, now));
    return MP_OBJ_FROM_PTR(self);
}

/* ---- facts ---- */

static void attempt_connected(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_connected(&self->attempt, said->now, said->flag);
}

static void attempt_upload(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    const mp_int_t unacked = said->number[1];
    exo_attempt_upload(&self->attempt, said->now, (uint64_t)said->number[0],
                       unacked < 0 ? EXO_UNKNOWN : (uint64_t)unacked, said->flag);
}

static mp_int_t attempt_status(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    return exo_attempt_status(&self->attempt, (uint16_t)exomp_count(said->number[0], 999));
}

static mp_int_t attempt_header(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    return exo_attempt_header(&self->attempt, said->bytes[0], said->bytes[1], said->number[0]);
}

static void attempt_head_end(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_head_end(&self->attempt, said->now);
}

static void attempt_feed(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_span bytes;
    exomp_hold(&self->held, said, &bytes);
    if (bytes.len > 0) {
        exo_attempt_bytes(&self->attempt, said->now, bytes);
    }
}

static void attempt_closed(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_closed(&self->attempt, said->now, (int)said->number[0], said->bytes[0], said->flag);
}

static void attempt_resent(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_resent(&self->attempt, said->now, said->flag);
}

static void attempt_hold(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_hold(&self->attempt, said->now, said->flag);
}

static void attempt_total(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_call_deadline(&self->attempt, exomp_until(said->now, said->number[0]));
}

static void attempt_tick(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_tick(&self->attempt, said->now);
}

static void attempt_break_off(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    exo_attempt_break_off(&self->attempt, (int)said->number[0], said->bytes[0]);
}

/* ---- events ---- */

static bool attempt_is_text(const exo_intake_event *event)
{
    return event->type == EXO_EVENT_TEXT || event->type == EXO_EVENT_REASONING || event->type == EXO_EVENT_REFUSAL ||
           event->type == EXO_EVENT_TOOL_ARGUMENTS;
}

/* The event of the pieces that were joined. */
static mp_obj_t attempt_joined(exomp_attempt *self)
{
    mp_obj_t event = exomp_event(&self->of, exo_buffer_span(&self->joined));
    exo_buffer_clear(&self->joined);
    self->joining = false;
    return event;
}

/* Keeps a piece, the first of its text or a further one. */
static void attempt_join(exomp_attempt *self, const exo_intake_event *event)
{
    if (!self->joining) {
        memset(&self->of, 0, sizeof self->of);
        self->of.type = event->type;
        self->of.choice = event->choice;
        self->of.tool = event->tool;
        self->of.replace = event->replace;
        self->joining = true;
    }
    exomp_check(exo_buffer_append(&self->joined, event->text));
}

/* What an event of the core is for Python; MP_OBJ_NULL: a text that goes on. */
static mp_obj_t attempt_take(exomp_attempt *self, const exo_intake_event *event)
{
    if (!attempt_is_text(event)) {
        return exomp_event(event, exo_span_of(NULL, 0));
    }
    if (event->last && !self->joining) {
        return event->text.len == 0 && !event->replace ? MP_OBJ_NULL : exomp_event(event, event->text);
    }
    attempt_join(self, event);
    return event->last ? attempt_joined(self) : MP_OBJ_NULL;
}

mp_obj_t exomp_attempt_event(exomp_attempt *self)
{
    exo_intake_event event;
    mp_obj_t made = self->pending;
    self->pending = MP_OBJ_NULL;
    while (made == MP_OBJ_NULL) {
        const int code = exo_attempt_next(&self->attempt, &event);
        const bool come = code == EXO_EVENT;
        const bool goes_on = come && event.type == self->of.type && event.choice == self->of.choice &&
                             event.tool == self->of.tool && event.replace == self->of.replace;
        if (self->joining && !goes_on && code != EXO_NEED_DATA) {
            made = attempt_joined(self);
        }
        if (!come) {
            break;
        }
        mp_obj_t taken = attempt_take(self, &event);
        if (made == MP_OBJ_NULL) {
            made = taken;
        } else {
            self->pending = taken;
        }
    }
    return made;
}

static mp_obj_t attempt_next(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    (void)said;
    exomp_held_check(&self->held);
    mp_obj_t event = self->wire ? exomp_wire_event(self->wire) : exomp_attempt_event(self);
    if (event == MP_OBJ_NULL) {
        self->held.object = MP_OBJ_NULL;
    }
    return event;
}

/* ---- questions ---- */

static mp_int_t attempt_todo(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    (void)said;
    return exo_attempt_todo(&self->attempt);
}

static mp_obj_t attempt_timeout(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    return exomp_left(said->now, exo_attempt_deadline(&self->attempt, said->now));
}

static mp_obj_t attempt_drain(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    const size_t bytes = exomp_count(said->number[0], UINT32_MAX);
    if (!self->draining) {
        exo_drain_begin(&self->drain, said->now);
        self->draining = true;
    }
    const bool more = exo_drain_more(&self->drain, said->now, bytes);
    return exomp_left(said->now, more ? self->drain.until : -1);
}

static mp_int_t attempt_phase(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    (void)said;
    return exo_attempt_phase(&self->attempt);
}

static bool attempt_shown(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    (void)said;
    return exo_attempt_shown(&self->attempt);
}

static mp_obj_t attempt_request_id(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    (void)said;
    return exomp_word(exo_attempt_request_id(&self->attempt));
}

/* Whether there is a verdict. */
static bool attempt_judged(const exomp_attempt *self)
{
    return exo_attempt_todo(&self->attempt) >= EXO_DO_DRAIN;
}

static mp_obj_t attempt_failure(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    (void)said;
    const exo_failure *failure = exo_attempt_failure(&self->attempt);
    if (failure && self->failure == MP_OBJ_NULL) {
        self->failure = exomp_failure_new(failure);
    }
    return failure ? self->failure : mp_const_none;
}

static mp_obj_t attempt_end(void *object, const exomp_args *said)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(exo_trail_entry, code, EXOMP_INT),
        EXOMP_FIELD(exo_trail_entry, verdict, EXOMP_VERDICT),
        EXOMP_FIELD(exo_trail_entry, http_status, EXOMP_U16),
        EXOMP_FIELD(exo_trail_entry, reused, EXOMP_BOOL),
        EXOMP_FIELD(exo_trail_entry, resent, EXOMP_BOOL),
        EXOMP_FIELD(exo_trail_entry, connected_ms, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, sent_ms, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, first_event_ms, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, end_ms, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, queued_ms, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, bytes_sent, EXOMP_INT64),
        EXOMP_FIELD(exo_trail_entry, bytes_received, EXOMP_INT64),
    };
    exomp_attempt *self = object;
    return exomp_fields_dict(table, EXOMP_ROWS(table), exo_attempt_end(&self->attempt, said->now));
}

/* Nothing came of a choice that has neither begun nor finished. An answer that was taken is not there any more. */
static mp_obj_t attempt_answer(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    const uint32_t number = exomp_count(said->number[0], UINT32_MAX);
    if (!attempt_judged(self) || number >= self->count) {
        return mp_const_none;
    }
    const exo_answer *answer = &self->answers[number];
    const bool came = exo_answer_began(answer) || exo_answer_finish_reason(answer).len > 0;
    if (!came || (self->taken & (1U << number))) {
        return mp_const_none;
    }
    self->taken |= 1U << number;
    return exomp_answer_new(self->answers, number, !exo_attempt_failure(&self->attempt));
}

static mp_obj_t attempt_body(void *object, const exomp_args *said)
{
    const exomp_attempt *self = object;
    (void)said;
    exo_span body = exo_buffer_span(&self->whole);
    return mp_obj_new_bytes((const byte *)body.ptr, body.len);
}

static void attempt_close(void *object, const exomp_args *said)
{
    exomp_attempt *self = object;
    (void)said;
    if (!self->object.over) {
        exo_attempt_free(&self->attempt);
        for (uint32_t i = 0; i < self->count; i++) {
            if (!(self->taken & (1U << i))) {
                exo_answer_free(&self->answers[i]);
            }
        }
        exo_buffer_free(&self->joined);
        exo_buffer_free(&self->whole);
        self->held.object = MP_OBJ_NULL;
        self->object.over = true;
    }
}

static void attempt_attr(mp_obj_t self, qstr name, mp_obj_t *dest)
{
    static const exomp_method methods[] = {
        EXOMP_METHOD(connected, attempt_connected, NONE, NOW, FLAG, NONE, NONE),
        EXOMP_METHOD(upload, attempt_upload, NONE, NOW, NUMBER, NUMBER, FLAG),
        EXOMP_METHOD(status, attempt_status, NUMBER, NUMBER, NONE, NONE, NONE),
        EXOMP_METHOD(header, attempt_header, NUMBER, BYTES, BYTES, NUMBER, NONE),
        EXOMP_METHOD(head_end, attempt_head_end, NONE, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(feed, attempt_feed, NONE, NOW, OBJECT, START, END),
        EXOMP_METHOD(closed, attempt_closed, NONE, NOW, NUMBER, BYTES, FLAG),
        EXOMP_METHOD(resent, attempt_resent, NONE, NOW, FLAG, NONE, NONE),
        EXOMP_METHOD(hold, attempt_hold, NONE, NOW, FLAG, NONE, NONE),
        EXOMP_METHOD(total, attempt_total, NONE, NOW, NUMBER, NONE, NONE),
        EXOMP_METHOD(tick, attempt_tick, NONE, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(break_off, attempt_break_off, NONE, NUMBER, BYTES, NONE, NONE),
        EXOMP_METHOD(next, attempt_next, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(todo, attempt_todo, NUMBER, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(timeout, attempt_timeout, OBJECT, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(drain, attempt_drain, OBJECT, NOW, NUMBER, NONE, NONE),
        EXOMP_METHOD(phase, attempt_phase, NUMBER, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(shown, attempt_shown, FLAG, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(request_id, attempt_request_id, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(failure, attempt_failure, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD(end, attempt_end, OBJECT, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(answer, attempt_answer, OBJECT, NUMBER, NONE, NONE, NONE),
        EXOMP_METHOD(body, attempt_body, OBJECT, NONE, NONE, NONE, NONE),
        EXOMP_METHOD_AS(close, attempt_close, NONE, EXOMP_CLOSES),
    };
    exomp_method_find(methods, EXOMP_ROWS(methods), self, name, dest);
}

EXOMP_TYPE_NEW_ATTR(attempt, MP_QSTR_Attempt, attempt_make_new, attempt_attr)
