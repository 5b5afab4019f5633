/*
 * attempt.c: Attempt: exo_attempt, its answers and what it was fed, as one object.
 *
 * Facts go in, one event at a time comes out, whole: what the core hands out in fragments is put together up to the end
 * of its delta; where the core holds the end of a delta back (the half of a character, what may become a tag), up to
 * the end of the next one. So events are the same however the bytes come. The fed bytes are held, not copied.
 */
#include "attempt.h"

#include "options.h"

/* ---- beginning and end ---- */

typedef struct attempt_options {
    int64_t connect_timeout;
    int64_t stream_ttft_timeout;
    int64_t request_timeout;
    int64_t total_left;
    exo_ttft_until ttft_until;
    uint32_t can;
    uint32_t choices;
    PyObject *wanted;
    PyObject *limits;
    bool untried;
    bool keyless;
    bool think_tags;
    bool lenient_end;
    bool strict_stream;
    bool keep_replay;
    bool whole;
} attempt_options;

#define ATTEMPT_OPTION(field, kind) EXOPY_OPTION(attempt_options, field, kind)

static const exopy_option attempt_table[] = {
    ATTEMPT_OPTION(connect_timeout, EXOPY_INT64), ATTEMPT_OPTION(stream_ttft_timeout, EXOPY_INT64),
    ATTEMPT_OPTION(request_timeout, EXOPY_INT64), ATTEMPT_OPTION(total_left, EXOPY_INT64),
    ATTEMPT_OPTION(ttft_until, EXOPY_UNTIL),      ATTEMPT_OPTION(can, EXOPY_COUNT),
    ATTEMPT_OPTION(choices, EXOPY_COUNT),         ATTEMPT_OPTION(wanted, EXOPY_OBJECT),
    ATTEMPT_OPTION(limits, EXOPY_OBJECT),         ATTEMPT_OPTION(untried, EXOPY_BOOL),
    ATTEMPT_OPTION(keyless, EXOPY_BOOL),          ATTEMPT_OPTION(think_tags, EXOPY_BOOL),
    ATTEMPT_OPTION(lenient_end, EXOPY_BOOL),      ATTEMPT_OPTION(strict_stream, EXOPY_BOOL),
    ATTEMPT_OPTION(keep_replay, EXOPY_BOOL),      ATTEMPT_OPTION(whole, EXOPY_BOOL),
};

static void attempt_shut(exopy_attempt *self)
{
    Py_buffer fed = self->fed;
    memset(&self->fed, 0, sizeof self->fed);
    if (self->begun) {
        self->begun = false;
        exo_attempt_free(&self->attempt);
        exo_buffer_free(&self->whole);
        for (uint32_t i = 0; i < self->choices; i++) {
            exo_answer_free(&self->answers[i]);
        }
    }
    PyMem_Free(self->answers);
    self->answers = NULL;
    Py_CLEAR(self->failure);
    exopy_join_free(&self->join);
    if (fed.obj) {
        PyBuffer_Release(&fed);
    }
}

static void attempt_dealloc(PyObject *object)
{
    attempt_shut((exopy_attempt *)object);
    exopy_dealloc(object);
}

static bool attempt_init_answers(exopy_attempt *self, const attempt_options *said)
{
    unsigned keep = said->keep_replay ? EXO_KEEP_ALL : EXO_KEEP_TEXT | EXO_KEEP_REASONING | EXO_KEEP_TOOLS;
    self->choices = said->whole ? 0 : said->choices;
    self->answers = PyMem_Calloc((size_t)self->choices + 1, sizeof *self->answers);
    if (!self->answers) {
        PyErr_NoMemory();
        return false;
    }
    for (uint32_t i = 0; i < self->choices; i++) {
        exo_answer_init(&self->answers[i], &exopy_heap, &self->limits, i, keep);
    }
    return true;
}

static bool attempt_init(exopy_attempt *self, const attempt_options *said, uint64_t wanted, int64_t now)
{
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    options.intake.allocator = &exopy_heap;
    options.intake.limits = &self->limits;
    options.intake.answers = self->answers;
    options.intake.answer_count = self->choices;
    options.intake.whole = said->whole ? &self->whole : NULL;
    options.intake.think_tags = said->think_tags;
    options.intake.lenient_end = said->lenient_end;
    options.intake.strict_stream = said->strict_stream;
    options.connect_timeout = said->connect_timeout;
    options.stream_ttft_timeout = said->stream_ttft_timeout;
    options.request_timeout = said->request_timeout;
    options.call_deadline = said->total_left < 0 ? -1 : now + said->total_left;
    options.ttft_until = said->ttft_until;
    options.can = said->can;
    options.wanted = (unsigned)wanted;
    options.untried = said->untried;
    options.keyless = said->keyless;
    exo_buffer_init(&self->whole, &exopy_heap, self->limits.answer, EXO_E_ANSWER_LIMIT);
    int code = exo_attempt_init(&self->attempt, &options, now);
    self->begun = code == EXO_OK;
    if (!self->begun) {
        exopy_raise(code);
    }
    return self->begun;
}

static bool attempt_read_options(exopy_state *state, PyObject *dict, attempt_options *said, exo_limits *limits,
                                 uint64_t *wanted)
{
    exo_attempt_options standard = EXO_ATTEMPT_OPTIONS_INIT;
    memset(said, 0, sizeof *said);
    said->connect_timeout = standard.connect_timeout;
    said->stream_ttft_timeout = standard.stream_ttft_timeout;
    said->request_timeout = standard.request_timeout;
    said->total_left = -1;
    said->can = standard.can;
    said->choices = 1;
    said->keep_replay = true;
    *limits = *exo_limits_host();
    if (!exopy_options_read(dict, attempt_table, sizeof attempt_table / sizeof attempt_table[0], said) ||
        !exopy_wanted(state, said->wanted, wanted) || (said->limits && !exopy_limits_read(said->limits, limits))) {
        return false;
    }
    if (said->choices < 1 || said->choices > limits->choices) {
        PyErr_Format(PyExc_ValueError, "choices: 1 to %u expected", (unsigned)limits->choices);
        return false;
    }
    return true;
}

static PyObject *attempt_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *dict;
    long long now;
    attempt_options said;
    uint64_t wanted;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OL:Attempt", &dict, &now)) {
        return NULL;
    }
    exopy_attempt *self = (exopy_attempt *)exopy_alloc(type);
    if (self && (!attempt_read_options(exopy_state_of((PyObject *)self), dict, &said, &self->limits, &wanted) ||
                 !attempt_init_answers(self, &said) || !attempt_init(self, &said, wanted, now))) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

bool exopy_attempt_is(PyObject *object)
{
    if (!((exopy_attempt *)object)->begun) {
        PyErr_SetString(PyExc_ValueError, "Attempt: closed");
        return false;
    }
    return true;
}

/* ---- facts ---- */

static PyObject *attempt_connected(PyObject *object, PyObject *args)
{
    long long now;
    int reused;
    if (!PyArg_ParseTuple(args, "Lp:connected", &now, &reused) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_connected(&((exopy_attempt *)object)->attempt, now, reused != 0);
    Py_RETURN_NONE;
}

static PyObject *attempt_upload(PyObject *object, PyObject *args)
{
    long long now;
    unsigned long long accepted;
    long long unacked;
    int complete;
    if (!PyArg_ParseTuple(args, "LKLp:upload", &now, &accepted, &unacked, &complete) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_upload(&((exopy_attempt *)object)->attempt, now, accepted,
                       unacked < 0 ? EXO_UNKNOWN : (uint64_t)unacked, complete != 0);
    Py_RETURN_NONE;
}

static PyObject *attempt_status(PyObject *object, PyObject *args)
{
    unsigned short status;
    if (!PyArg_ParseTuple(args, "H:status", &status) || !exopy_attempt_is(object)) {
        return NULL;
    }
    return PyLong_FromLong(exo_attempt_status(&((exopy_attempt *)object)->attempt, status));
}

static PyObject *attempt_header(PyObject *object, PyObject *args)
{
    PyObject *objects[2];
    long long wall;
    exopy_text name;
    exopy_text value;
    if (!PyArg_ParseTuple(args, "OOL:header", &objects[0], &objects[1], &wall) ||
        !exopy_text_get(&name, objects[0], "name")) {
        return NULL;
    }
    PyObject *result = NULL;
    if (exopy_text_get(&value, objects[1], "value")) {
        if (exopy_attempt_is(object)) {
            exo_attempt *attempt = &((exopy_attempt *)object)->attempt;
            result = PyLong_FromLong(exo_attempt_header(attempt, name.span, value.span, wall));
        }
        exopy_text_free(&value);
    }
    exopy_text_free(&name);
    return result;
}

static PyObject *attempt_head_end(PyObject *object, PyObject *args)
{
    long long now;
    if (!PyArg_ParseTuple(args, "L:head_end", &now) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_head_end(&((exopy_attempt *)object)->attempt, now);
    Py_RETURN_NONE;
}

static void attempt_forget_fed(exopy_attempt *self)
{
    Py_buffer fed = self->fed;
    memset(&self->fed, 0, sizeof self->fed);
    if (fed.obj) {
        PyBuffer_Release(&fed);
    }
}

static bool attempt_may_feed(const exopy_attempt *self, Py_ssize_t start, Py_ssize_t end, Py_ssize_t size)
{
    if (start < 0 || start > end || end > size) {
        PyErr_SetString(PyExc_ValueError, "feed(): outside of the buffer");
        return false;
    }
    if (self->fed.obj) {
        PyErr_SetString(PyExc_ValueError, "feed(): next() has not said None about what was fed before");
        return false;
    }
    return true;
}

static PyObject *attempt_feed(PyObject *object, PyObject *args)
{
    exopy_attempt *self = (exopy_attempt *)object;
    long long now;
    PyObject *data;
    Py_ssize_t start = 0;
    Py_ssize_t end = -1;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "LO|nn:feed", &now, &data, &start, &end) ||
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    end = end < 0 ? view.len : end;
    bool fed = exopy_attempt_is(object) && attempt_may_feed(self, start, end, view.len);
    if (fed && start < end && exo_attempt_todo(&self->attempt) == EXO_DO_RUN) {
        exo_attempt_bytes(&self->attempt, now, exo_span_of((const char *)view.buf + start, (size_t)(end - start)));
        self->fed = view;
    } else {
        PyBuffer_Release(&view);
    }
    return fed ? Py_NewRef(Py_None) : NULL;
}

static PyObject *attempt_closed(PyObject *object, PyObject *args)
{
    long long now;
    int code;
    PyObject *words;
    int byte_seen;
    exopy_text text;
    if (!PyArg_ParseTuple(args, "LiOp:closed", &now, &code, &words, &byte_seen) || !exopy_attempt_is(object) ||
        !exopy_text_get(&text, words, "words")) {
        return NULL;
    }
    exo_attempt_closed(&((exopy_attempt *)object)->attempt, now, code, text.span, byte_seen != 0);
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

static PyObject *attempt_resent(PyObject *object, PyObject *args)
{
    long long now;
    int done;
    if (!PyArg_ParseTuple(args, "Lp:resent", &now, &done) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_resent(&((exopy_attempt *)object)->attempt, now, done != 0);
    Py_RETURN_NONE;
}

static PyObject *attempt_hold(PyObject *object, PyObject *args)
{
    long long now;
    int held;
    if (!PyArg_ParseTuple(args, "Lp:hold", &now, &held) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_hold(&((exopy_attempt *)object)->attempt, now, held != 0);
    Py_RETURN_NONE;
}

static PyObject *attempt_total(PyObject *object, PyObject *args)
{
    long long now;
    long long left;
    if (!PyArg_ParseTuple(args, "LL:total", &now, &left) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_call_deadline(&((exopy_attempt *)object)->attempt, left < 0 ? -1 : now + left);
    Py_RETURN_NONE;
}

static PyObject *attempt_tick(PyObject *object, PyObject *args)
{
    long long now;
    if (!PyArg_ParseTuple(args, "L:tick", &now) || !exopy_attempt_is(object)) {
        return NULL;
    }
    exo_attempt_tick(&((exopy_attempt *)object)->attempt, now);
    Py_RETURN_NONE;
}

static PyObject *attempt_break_off(PyObject *object, PyObject *args)
{
    int code;
    PyObject *words;
    exopy_text text;
    if (!PyArg_ParseTuple(args, "iO:break_off", &code, &words) || !exopy_attempt_is(object) ||
        !exopy_text_get(&text, words, "words")) {
        return NULL;
    }
    exo_attempt_break_off(&((exopy_attempt *)object)->attempt, code, text.span);
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

/* ---- events ---- */

PyObject *exopy_attempt_step(exopy_attempt *self)
{
    exopy_state *state = exopy_state_of((PyObject *)self);
    exo_intake_event event;
    int code = EXO_EVENT;
    while (!exopy_join_has(&self->join) && (code = exo_attempt_next(&self->attempt, &event)) == EXO_EVENT) {
        if (!exopy_join_take(&self->join, state, &event, NULL)) {
            return NULL;
        }
    }
    if (code == EXO_DONE && !exopy_join_flush(&self->join, state)) {
        return NULL;
    }
    if (exopy_join_has(&self->join)) {
        return exopy_join_next(&self->join);
    }
    attempt_forget_fed(self);
    Py_RETURN_NONE;
}

static PyObject *attempt_next(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return exopy_attempt_is(object) ? exopy_attempt_step((exopy_attempt *)object) : NULL;
}

/* ---- questions ---- */

static PyObject *attempt_todo(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return exopy_attempt_is(object) ? PyLong_FromLong(exo_attempt_todo(&((exopy_attempt *)object)->attempt)) : NULL;
}

static PyObject *attempt_phase(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return exopy_attempt_is(object) ? PyLong_FromLong(exo_attempt_phase(&((exopy_attempt *)object)->attempt)) : NULL;
}

static PyObject *attempt_shown(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return exopy_attempt_is(object) ? PyBool_FromLong(exo_attempt_shown(&((exopy_attempt *)object)->attempt)) : NULL;
}

/* Milliseconds from `now` until `moment`. */
static PyObject *attempt_left(int64_t moment, int64_t now)
{
    return PyLong_FromLongLong(moment < 0 ? -1 : moment < now ? 0 : moment - now);
}

static PyObject *attempt_timeout(PyObject *object, PyObject *args)
{
    long long now;
    if (!PyArg_ParseTuple(args, "L:timeout", &now) || !exopy_attempt_is(object)) {
        return NULL;
    }
    return attempt_left(exo_attempt_deadline(&((exopy_attempt *)object)->attempt, now), now);
}

static PyObject *attempt_drain(PyObject *object, PyObject *args)
{
    exopy_attempt *self = (exopy_attempt *)object;
    long long now;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "Ln:drain", &now, &size) || !exopy_attempt_is(object)) {
        return NULL;
    }
    if (!self->draining) {
        self->draining = true;
        exo_drain_begin(&self->drain, now);
    }
    return exo_drain_more(&self->drain, now, size > 0 ? (size_t)size : 0) ? attempt_left(self->drain.until, now)
                                                                          : PyLong_FromLong(-1);
}

static bool attempt_is_judged(PyObject *object)
{
    exo_attempt_do todo = exo_attempt_todo(&((exopy_attempt *)object)->attempt);
    return todo != EXO_DO_RUN && todo != EXO_DO_RESEND;
}

static PyObject *attempt_failure(PyObject *object, PyObject *ignored)
{
    exopy_attempt *self = (exopy_attempt *)object;
    (void)ignored;
    if (!exopy_attempt_is(object)) {
        return NULL;
    }
    const exo_failure *failure = attempt_is_judged(object) ? exo_attempt_failure(&self->attempt) : NULL;
    if (!failure) {
        Py_RETURN_NONE;
    }
    if (!self->failure) {
        self->failure = exopy_failure_new(exopy_state_of(object), failure);
    }
    return Py_XNewRef(self->failure);
}

static PyObject *attempt_request_id(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    if (!exopy_attempt_is(object)) {
        return NULL;
    }
    return exopy_str(exo_span_text(exo_attempt_request_id(&((exopy_attempt *)object)->attempt)));
}

static PyObject *attempt_end(PyObject *object, PyObject *args)
{
    long long now;
    if (!PyArg_ParseTuple(args, "L:end", &now) || !exopy_attempt_is(object)) {
        return NULL;
    }
    if (!attempt_is_judged(object)) {
        PyErr_SetString(PyExc_ValueError, "end(): there is no verdict yet");
        return NULL;
    }
    return exopy_trail_entry(exo_attempt_end(&((exopy_attempt *)object)->attempt, now));
}

static PyObject *attempt_answer(PyObject *object, PyObject *args)
{
    exopy_attempt *self = (exopy_attempt *)object;
    unsigned long choice;
    if (!PyArg_ParseTuple(args, "k:answer", &choice) || !exopy_attempt_is(object)) {
        return NULL;
    }
    if (choice >= self->choices || !attempt_is_judged(object)) {
        Py_RETURN_NONE;
    }
    exo_answer *answer = &self->answers[choice];
    bool proven = !exo_attempt_failure(&self->attempt);
    if (!exo_answer_began(answer) && !(proven && exo_answer_proof(answer) != EXO_PROOF_NONE)) {
        Py_RETURN_NONE;
    }
    PyObject *taken = exopy_answer_new(exopy_state_of(object), answer, (uint32_t)choice, proven);
    exo_answer_free(answer);
    exo_answer_init(answer, &exopy_heap, &self->limits, (uint32_t)choice, 0);
    return taken;
}

static PyObject *attempt_body(PyObject *object, PyObject *ignored)
{
    const exopy_attempt *self = (exopy_attempt *)object;
    (void)ignored;
    if (!exopy_attempt_is(object)) {
        return NULL;
    }
    return PyBytes_FromStringAndSize(self->whole.data, (Py_ssize_t)self->whole.len);
}

static PyObject *attempt_close(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    attempt_shut((exopy_attempt *)object);
    Py_RETURN_NONE;
}

static PyMethodDef attempt_methods[] = {
    {"connected", attempt_connected, METH_VARARGS, "connected(now, reused): the connection stands."},
    {"upload", attempt_upload, METH_VARARGS, "upload(now, accepted, unacked, complete): how the upload stands."},
    {"status", attempt_status, METH_VARARGS, "status(status): a head begins; 0 or a code for closed()."},
    {"header", attempt_header, METH_VARARGS, "header(name, value, wall): one header of it."},
    {"head_end", attempt_head_end, METH_VARARGS, "head_end(now): the head has ended."},
    {"feed", attempt_feed, METH_VARARGS, "feed(now, data, start, end): bytes of the response's body."},
    {"closed", attempt_closed, METH_VARARGS, "closed(now, code, words, byte_seen): the response is over."},
    {"resent", attempt_resent, METH_VARARGS, "resent(now, done): the request was sent again, or could not be."},
    {"hold", attempt_hold, METH_VARARGS, "hold(now, held): the consumer holds the call, or lets go."},
    {"total", attempt_total, METH_VARARGS, "total(now, left): what is left of the total clock."},
    {"tick", attempt_tick, METH_VARARGS, "tick(now): judges the clocks."},
    {"break_off", attempt_break_off, METH_VARARGS, "break_off(code, words): a failure of the caller's."},
    {"next", attempt_next, METH_NOARGS, "next(): the next event, or None."},
    {"todo", attempt_todo, METH_NOARGS, "todo(): one of DO_*."},
    {"timeout", attempt_timeout, METH_VARARGS, "timeout(now): milliseconds until tick() is due, or -1."},
    {"drain", attempt_drain, METH_VARARGS, "drain(now, size): milliseconds to read on for, or -1: close."},
    {"phase", attempt_phase, METH_NOARGS, "phase(): one of PHASE_*."},
    {"shown", attempt_shown, METH_NOARGS, "shown(): whether a wanted event was handed out."},
    {"failure", attempt_failure, METH_NOARGS, "failure(): why it failed, or None."},
    {"request_id", attempt_request_id, METH_NOARGS, "request_id(): the id that the response's headers gave."},
    {"end", attempt_end, METH_VARARGS, "end(now): its entry of the trail."},
    {"answer", attempt_answer, METH_VARARGS, "answer(choice): what came of a choice, once, or None."},
    {"body", attempt_body, METH_NOARGS, "body(): what option whole kept."},
    {"close", attempt_close, METH_NOARGS, "close(): frees what it grew."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot attempt_slots[] = {
    {Py_tp_doc, "Attempt(options, now): one request to one deployment."},
    {Py_tp_new, EXOPY_SLOT(attempt_new)},
    {Py_tp_dealloc, EXOPY_SLOT(attempt_dealloc)},
    {Py_tp_methods, attempt_methods},
    {0, NULL},
};

PyType_Spec exopy_attempt_spec = {
    "_exochat.Attempt", sizeof(exopy_attempt), 0, Py_TPFLAGS_DEFAULT, attempt_slots,
};
