/*
 * wire.c: Wire and Head: HTTP/1.1 over a connection of the caller's, for an Attempt.
 *
 * Memory: a header line that the feeding has cut, up to limits.head.
 */
#include "attempt.h"

/* ---- Wire ---- */

typedef struct wire_object {
    PyObject ob_base;
    exopy_attempt *attempt; /* NULL before __new__ is done */
    Py_buffer fed;          /* held while it is read */
    int64_t wall;
    bool byte_seen;
    bool ended; /* the response is complete, or failed */
    bool shut;  /* the connection ended in order */
    exo_buffer carry;
    exo_http1_response response;
} wire_object;

static void wire_forget_fed(wire_object *self)
{
    Py_buffer fed = self->fed;
    memset(&self->fed, 0, sizeof self->fed);
    if (fed.obj) {
        PyBuffer_Release(&fed);
    }
}

static void wire_dealloc(PyObject *object)
{
    wire_object *self = (wire_object *)object;
    wire_forget_fed(self);
    if (self->attempt) {
        exo_buffer_free(&self->carry);
        Py_DECREF(self->attempt);
    }
    exopy_dealloc(object);
}

static PyObject *wire_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *attempt;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O:Wire", &attempt)) {
        return NULL;
    }
    wire_object *self = (wire_object *)exopy_alloc(type);
    if (!self) {
        return NULL;
    }
    exopy_state *state = exopy_state_of((PyObject *)self);
    if (!PyObject_TypeCheck(attempt, state->attempt_type)) {
        PyErr_SetString(PyExc_TypeError, "Wire(): an Attempt expected");
        Py_DECREF(self);
        return NULL;
    }
    self->attempt = (exopy_attempt *)Py_NewRef(attempt);
    exo_buffer_init(&self->carry, &exopy_heap, self->attempt->limits.head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&self->response, &self->attempt->limits, &self->carry);
    return (PyObject *)self;
}

/* Tells the attempt that its response is over. */
static void wire_end(wire_object *self, int64_t now, int code, exo_span words)
{
    if (!self->ended) {
        self->ended = true;
        exo_attempt_closed(&self->attempt->attempt, now, code, words, self->byte_seen);
    }
}

static void wire_tell(wire_object *self, int64_t now, const exo_http1_event *event)
{
    exo_attempt *attempt = &self->attempt->attempt;
    int code = EXO_OK;
    switch (event->type) {
    case EXO_HTTP1_STATUS:
        code = exo_attempt_status(attempt, event->status);
        break;
    case EXO_HTTP1_HEADER:
        code = exo_attempt_header(attempt, event->name, event->value, self->wall);
        if (exo_http1_name_is(event->name, "content-encoding") && !exo_http1_name_is(event->value, "identity")) {
            code = EXO_E_CODING; /* nobody asked for one */
        }
        break;
    case EXO_HTTP1_HEAD_END:
        exo_attempt_head_end(attempt, now);
        break;
    case EXO_HTTP1_BODY:
        if (exo_attempt_todo(attempt) == EXO_DO_RUN) {
            exo_attempt_bytes(attempt, now, event->value);
        }
        break;
    case EXO_HTTP1_TRAILER:
        break;
    case EXO_HTTP1_END:
        wire_end(self, now, EXO_OK, exo_span_of(NULL, 0));
        break;
    }
    if (code < 0) {
        wire_end(self, now, code, exo_span_of(NULL, 0));
    }
}

static PyObject *wire_feed(PyObject *object, PyObject *args)
{
    wire_object *self = (wire_object *)object;
    long long now;
    long long wall;
    PyObject *data;
    Py_ssize_t size = -1;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "LLO|n:feed", &now, &wall, &data, &size) ||
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    size = size < 0 ? view.len : size;
    bool fed = size <= view.len && !self->fed.obj;
    if (!fed) {
        PyErr_SetString(PyExc_ValueError, "feed(): outside of the buffer, or next() has not said None yet");
    } else if (size > 0 && exo_http1_response_feed(&self->response, exo_span_of(view.buf, (size_t)size)) == EXO_OK) {
        self->wall = wall;
        self->byte_seen = true;
        self->fed = view;
        return Py_NewRef(Py_None);
    }
    PyBuffer_Release(&view);
    return fed ? Py_NewRef(Py_None) : NULL;
}

static PyObject *wire_next(PyObject *object, PyObject *args)
{
    wire_object *self = (wire_object *)object;
    long long now;
    if (!PyArg_ParseTuple(args, "L:next", &now) || !exopy_attempt_is((PyObject *)self->attempt)) {
        return NULL;
    }
    for (;;) {
        PyObject *event = exopy_attempt_step(self->attempt);
        if (event != Py_None) {
            return event;
        }
        Py_DECREF(event);
        exo_http1_event told;
        int code = exo_http1_response_next(&self->response, &told);
        if (code == EXO_EVENT) {
            wire_tell(self, now, &told);
            continue;
        }
        if (code < 0 && !self->ended) {
            wire_end(self, now, code == EXO_E_HEAD && self->shut ? EXO_E_CLOSED : code, exo_span_of(NULL, 0));
            continue; /* what the end brings */
        }
        wire_forget_fed(self);
        Py_RETURN_NONE;
    }
}

static PyObject *wire_closed(PyObject *object, PyObject *args)
{
    wire_object *self = (wire_object *)object;
    long long now;
    int code;
    PyObject *words;
    exopy_text text;
    if (!PyArg_ParseTuple(args, "LiO:closed", &now, &code, &words) || !exopy_attempt_is((PyObject *)self->attempt) ||
        !exopy_text_get(&text, words, "words")) {
        return NULL;
    }
    if (code == EXO_OK) {
        self->shut = true;
        exo_http1_response_end(&self->response); /* next() says what comes of it */
    } else {
        wire_end(self, now, code, text.span);
    }
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

static PyObject *wire_byte_seen(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyBool_FromLong(((wire_object *)object)->byte_seen);
}

static PyObject *wire_reusable(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyBool_FromLong(exo_http1_response_reusable(&((wire_object *)object)->response));
}

static PyMethodDef wire_methods[] = {
    {"feed", wire_feed, METH_VARARGS, "feed(now, wall, data, size): bytes as they came."},
    {"next", wire_next, METH_VARARGS, "next(now): the next event of the attempt, or None."},
    {"closed", wire_closed, METH_VARARGS, "closed(now, code, words): the connection ended."},
    {"byte_seen", wire_byte_seen, METH_NOARGS, "byte_seen(): whether a byte came."},
    {"reusable", wire_reusable, METH_NOARGS, "reusable(): whether the connection may serve again."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot wire_slots[] = {
    {Py_tp_doc, "Wire(attempt): the HTTP/1.1 response of an Attempt, read from raw bytes."},
    {Py_tp_new, EXOPY_SLOT(wire_new)},
    {Py_tp_dealloc, EXOPY_SLOT(wire_dealloc)},
    {Py_tp_methods, wire_methods},
    {0, NULL},
};

PyType_Spec exopy_wire_spec = {
    "_exochat.Wire", sizeof(wire_object), 0, Py_TPFLAGS_DEFAULT, wire_slots,
};
