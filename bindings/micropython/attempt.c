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
    uint32_t can;
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
        EXOMP_FIELD(attempt_options, can, EXOMP_UINT),
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
    said->can = said->core.can;
    exomp_fields_set(dict, table, EXOMP_ROWS(table), said);
    said->core.can = said->can;
}

static void attempt_make_answers(exomp_attempt *self, uint32_t count, unsigned keep)
{
    self->answers = m_malloc(count * sizeof *self->answers);
    memset(self->answers, 0, count * sizeof *self->answers);
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
        mp_raise_ValueError(MP_ERROR_TEXT("choices"));
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

static exomp_attempt *attempt_in(mp_obj_t object)
{
    exomp_attempt *self = MP_OBJ_TO_PTR(object);
    if (self->over) {
        mp_raise_ValueError(MP_ERROR_TEXT("closed"));
    }
    return self;
}

/* ---- facts ---- */

/* Tells a fact of a moment and a flag. */
static mp_obj_t attempt_say(mp_obj_t self, mp_obj_t now, mp_obj_t flag, void (*tell)(exo_attempt *, int64_t, bool))
{
    tell(&attempt_in(self)->attempt, exomp_now(now), mp_obj_is_true(flag));
    return mp_const_none;
}

static mp_obj_t attempt_connected(mp_obj_t self, mp_obj_t now, mp_obj_t reused)
{
    return attempt_say(self, now, reused, exo_attempt_connected);
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_connected_obj, attempt_connected);

static mp_obj_t attempt_upload(size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    exomp_attempt *self = attempt_in(args[0]);
    const int64_t now = exomp_now(args[1]);
    const mp_int_t accepted = exomp_int_of(args[2]);
    const mp_int_t unacked = exomp_int_of(args[3]);
    exo_attempt_upload(&self->attempt, now, (uint64_t)accepted, unacked < 0 ? EXO_UNKNOWN : (uint64_t)unacked,
                       mp_obj_is_true(args[4]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(attempt_upload_obj, 5, 5, attempt_upload);

static mp_obj_t attempt_status(mp_obj_t self, mp_obj_t status)
{
    return MP_OBJ_NEW_SMALL_INT(exo_attempt_status(&attempt_in(self)->attempt, (uint16_t)exomp_count_of(status, 999)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_status_obj, attempt_status);

static mp_obj_t attempt_header(size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    exomp_attempt *self = attempt_in(args[0]);
    exo_span name = exomp_bytes(args[1]);
    exo_span value = exomp_bytes(args[2]);
    const mp_int_t wall = exomp_int_of(args[3]);
    return MP_OBJ_NEW_SMALL_INT(exo_attempt_header(&self->attempt, name, value, wall));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(attempt_header_obj, 4, 4, attempt_header);

static mp_obj_t attempt_head_end(mp_obj_t self, mp_obj_t now)
{
    exo_attempt_head_end(&attempt_in(self)->attempt, exomp_now(now));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_head_end_obj, attempt_head_end);

static mp_obj_t attempt_feed(size_t n_args, const mp_obj_t *args)
{
    exomp_attempt *self = attempt_in(args[0]);
    const int64_t now = exomp_now(args[1]);
    const mp_int_t start = n_args > 3 ? exomp_int_of(args[3]) : 0;
    const mp_int_t end = n_args > 4 ? exomp_int_of(args[4]) : -1;
    exo_span bytes = exomp_hold(&self->held, args[2], start, end);
    if (bytes.len > 0) {
        exo_attempt_bytes(&self->attempt, now, bytes);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(attempt_feed_obj, 3, 5, attempt_feed);

static mp_obj_t attempt_closed(size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    exomp_attempt *self = attempt_in(args[0]);
    const int64_t now = exomp_now(args[1]);
    const int code = (int)exomp_int_of(args[2]);
    exo_span words = exomp_bytes(args[3]);
    exo_attempt_closed(&self->attempt, now, code, words, mp_obj_is_true(args[4]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(attempt_closed_obj, 5, 5, attempt_closed);

static mp_obj_t attempt_resent(mp_obj_t self, mp_obj_t now, mp_obj_t done)
{
    return attempt_say(self, now, done, exo_attempt_resent);
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_resent_obj, attempt_resent);

static mp_obj_t attempt_hold(mp_obj_t self, mp_obj_t now, mp_obj_t held)
{
    return attempt_say(self, now, held, exo_attempt_hold);
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_hold_obj, attempt_hold);

static mp_obj_t attempt_total(mp_obj_t self, mp_obj_t now, mp_obj_t left)
{
    const int64_t deadline = exomp_until(exomp_now(now), left);
    exo_attempt_call_deadline(&attempt_in(self)->attempt, deadline);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_total_obj, attempt_total);

static mp_obj_t attempt_tick(mp_obj_t self, mp_obj_t now)
{
    exo_attempt_tick(&attempt_in(self)->attempt, exomp_now(now));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_tick_obj, attempt_tick);

static mp_obj_t attempt_break_off(mp_obj_t self, mp_obj_t code, mp_obj_t words)
{
    const int number = (int)exomp_int_of(code);
    exo_span text = exomp_bytes(words);
    exo_attempt_break_off(&attempt_in(self)->attempt, number, text);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_break_off_obj, attempt_break_off);

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

static mp_obj_t attempt_next(mp_obj_t object)
{
    exomp_attempt *self = attempt_in(object);
    exomp_held_check(&self->held);
    mp_obj_t event = self->wire ? exomp_wire_event(self->wire) : exomp_attempt_event(self);
    if (event == MP_OBJ_NULL) {
        self->held.object = MP_OBJ_NULL;
        return mp_const_none;
    }
    return event;
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_next_obj, attempt_next);

/* ---- questions ---- */

static mp_obj_t attempt_todo(mp_obj_t self)
{
    return MP_OBJ_NEW_SMALL_INT(exo_attempt_todo(&attempt_in(self)->attempt));
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_todo_obj, attempt_todo);

static mp_obj_t attempt_timeout(mp_obj_t self, mp_obj_t now)
{
    const int64_t moment = exomp_now(now);
    return exomp_left(moment, exo_attempt_deadline(&attempt_in(self)->attempt, moment));
}
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_timeout_obj, attempt_timeout);

static mp_obj_t attempt_drain(mp_obj_t object, mp_obj_t now, mp_obj_t size)
{
    exomp_attempt *self = attempt_in(object);
    const int64_t moment = exomp_now(now);
    const size_t bytes = exomp_count_of(size, UINT32_MAX);
    if (!self->draining) {
        exo_drain_begin(&self->drain, moment);
        self->draining = true;
    }
    const bool more = exo_drain_more(&self->drain, moment, bytes);
    return exomp_left(moment, more ? self->drain.until : -1);
}
static MP_DEFINE_CONST_FUN_OBJ_3(attempt_drain_obj, attempt_drain);

static mp_obj_t attempt_phase(mp_obj_t self)
{
    return MP_OBJ_NEW_SMALL_INT(exo_attempt_phase(&attempt_in(self)->attempt));
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_phase_obj, attempt_phase);

static mp_obj_t attempt_shown(mp_obj_t self)
{
    return mp_obj_new_bool(exo_attempt_shown(&attempt_in(self)->attempt));
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_shown_obj, attempt_shown);

static mp_obj_t attempt_request_id(mp_obj_t self)
{
    return exomp_str(exo_span_text(exo_attempt_request_id(&attempt_in(self)->attempt)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_request_id_obj, attempt_request_id);

/* Whether there is a verdict. */
static bool attempt_judged(const exomp_attempt *self)
{
    return exo_attempt_todo(&self->attempt) >= EXO_DO_DRAIN;
}

static mp_obj_t attempt_failure(mp_obj_t object)
{
    exomp_attempt *self = attempt_in(object);
    const exo_failure *failure = attempt_judged(self) ? exo_attempt_failure(&self->attempt) : NULL;
    if (failure && self->failure == MP_OBJ_NULL) {
        self->failure = exomp_failure_new(failure);
    }
    return failure ? self->failure : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_failure_obj, attempt_failure);

static mp_obj_t attempt_end(mp_obj_t object, mp_obj_t now)
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
    exomp_attempt *self = attempt_in(object);
    return exomp_fields_dict(table, EXOMP_ROWS(table), exo_attempt_end(&self->attempt, exomp_now(now)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_end_obj, attempt_end);

/* Nothing came of a choice that has neither begun nor finished. An answer that was taken is not there any more. */
static mp_obj_t attempt_answer(mp_obj_t object, mp_obj_t choice)
{
    exomp_attempt *self = attempt_in(object);
    const uint32_t number = exomp_count_of(choice, UINT32_MAX);
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
static MP_DEFINE_CONST_FUN_OBJ_2(attempt_answer_obj, attempt_answer);

static mp_obj_t attempt_body(mp_obj_t self)
{
    exo_span body = exo_buffer_span(&attempt_in(self)->whole);
    return mp_obj_new_bytes((const byte *)body.ptr, body.len);
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_body_obj, attempt_body);

static mp_obj_t attempt_close(mp_obj_t object)
{
    exomp_attempt *self = MP_OBJ_TO_PTR(object);
    if (!self->over) {
        exo_attempt_free(&self->attempt);
        for (uint32_t i = 0; i < self->count; i++) {
            if (!(self->taken & (1U << i))) {
                exo_answer_free(&self->answers[i]);
            }
        }
        exo_buffer_free(&self->joined);
        exo_buffer_free(&self->whole);
        self->held.object = MP_OBJ_NULL;
        self->over = true;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(attempt_close_obj, attempt_close);

#define ATTEMPT_METHODS(X) \
    X(MP_QSTR_connected, attempt_connected_obj) \
    X(MP_QSTR_upload, attempt_upload_obj) \
    X(MP_QSTR_status, attempt_status_obj) \
    X(MP_QSTR_header, attempt_header_obj) \
    X(MP_QSTR_head_end, attempt_head_end_obj) \
    X(MP_QSTR_feed, attempt_feed_obj) \
    X(MP_QSTR_closed, attempt_closed_obj) \
    X(MP_QSTR_resent, attempt_resent_obj) \
    X(MP_QSTR_hold, attempt_hold_obj) \
    X(MP_QSTR_total, attempt_total_obj) \
    X(MP_QSTR_tick, attempt_tick_obj) \
    X(MP_QSTR_break_off, attempt_break_off_obj) \
    X(MP_QSTR_next, attempt_next_obj) \
    X(MP_QSTR_todo, attempt_todo_obj) \
    X(MP_QSTR_timeout, attempt_timeout_obj) \
    X(MP_QSTR_drain, attempt_drain_obj) \
    X(MP_QSTR_phase, attempt_phase_obj) \
    X(MP_QSTR_shown, attempt_shown_obj) \
    X(MP_QSTR_request_id, attempt_request_id_obj) \
    X(MP_QSTR_failure, attempt_failure_obj) \
    X(MP_QSTR_end, attempt_end_obj) \
    X(MP_QSTR_answer, attempt_answer_obj) \
    X(MP_QSTR_body, attempt_body_obj) \
    X(MP_QSTR_close, attempt_close_obj)

EXOMP_TYPE_NEW(attempt, MP_QSTR_Attempt, ATTEMPT_METHODS, attempt_make_new)
