/*
 * failure.c: Failure: exo_failure as a read-only value that can be pickled.
 */
#include "binding.h"

#include <structmember.h>

typedef struct failure_object {
    PyObject ob_base;
    exo_failure failure;
} failure_object;

static exo_failure *failure_in(PyObject *self)
{
    return &((failure_object *)self)->failure;
}

PyObject *exopy_failure_new(exopy_state *state, const exo_failure *failure)
{
    PyObject *self = exopy_alloc(state->failure_type);
    if (self) {
        *failure_in(self) = *failure;
    }
    return self;
}

const exo_failure *exopy_failure_of(exopy_state *state, PyObject *object)
{
    if (!PyObject_TypeCheck(object, state->failure_type)) {
        PyErr_SetString(PyExc_TypeError, "Failure expected");
        return NULL;
    }
    return failure_in(object);
}

static PyObject *failure_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    int code;
    PyObject *message = NULL;
    exopy_text text = {0};
    if (kwargs && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Failure(code, message) takes no names");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "i|O:Failure", &code, &message) ||
        (message && !exopy_text_get(&text, message, "message"))) {
        return NULL;
    }
    PyObject *self = exopy_alloc(type);
    if (self) {
        exo_failure_clear(failure_in(self));
        if (code != EXO_OK) {
            exo_failure_set(failure_in(self), code, text.span);
        }
    }
    exopy_text_free(&text);
    return self;
}

/* ---- attributes ---- */

static size_t failure_message = offsetof(exo_failure, message);
static size_t failure_type = offsetof(exo_failure, type);
static size_t failure_provider_code = offsetof(exo_failure, provider_code);
static size_t failure_request_id = offsetof(exo_failure, request_id);

/* A text is "" until the failure has a code: what lies there may be something else before. */
static PyObject *failure_text(PyObject *self, void *offset)
{
    const exo_failure *failure = failure_in(self);
    return exopy_str(exo_span_text(failure->code == EXO_OK ? "" : (const char *)failure + *(const size_t *)offset));
}

static PyObject *failure_verdict(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(exo_verdict_name(failure_in(self)->verdict));
}

static PyObject *failure_clock(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(exo_clock_name(failure_in(self)->clock));
}

#define FAILURE_MEMBER(name, field, type) \
    { \
        name, type, offsetof(failure_object, failure) + offsetof(exo_failure, field), READONLY, NULL \
    }

static struct PyMemberDef failure_members[] = {
    FAILURE_MEMBER("code", code, T_INT),
    FAILURE_MEMBER("http_status", http_status, T_USHORT),
    FAILURE_MEMBER("status", status, T_USHORT),
    FAILURE_MEMBER("retry_after", retry_after, T_LONGLONG),
    FAILURE_MEMBER("offset", offset, T_ULONGLONG),
    FAILURE_MEMBER("in_stream", in_stream, T_BOOL),
    FAILURE_MEMBER("cut", cut, T_BOOL),
    FAILURE_MEMBER("keyless", keyless, T_BOOL),
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef failure_getters[] = {
    {"verdict", failure_verdict, NULL, NULL, NULL},
    {"clock", failure_clock, NULL, NULL, NULL},
    {"message", failure_text, NULL, NULL, &failure_message},
    {"type", failure_text, NULL, NULL, &failure_type},
    {"provider_code", failure_text, NULL, NULL, &failure_provider_code},
    {"request_id", failure_text, NULL, NULL, &failure_request_id},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyObject *failure_repr(PyObject *self)
{
    const exo_failure *failure = failure_in(self);
    PyObject *message = failure_text(self, &failure_message);
    PyObject *text = message ? PyUnicode_FromFormat("<Failure %s: %U>", exo_error_name(failure->code), message) : NULL;
    Py_XDECREF(message);
    return text;
}

/* ---- what a response says ---- */

static PyObject *failure_header(PyObject *self, PyObject *args)
{
    PyObject *names[2];
    long long wall;
    exopy_text texts[2] = {{{0}, {0}}, {{0}, {0}}};
    if (!PyArg_ParseTuple(args, "OOL:header", &names[0], &names[1], &wall) ||
        !exopy_text_get(&texts[0], names[0], "name")) {
        return NULL;
    }
    bool gotten = exopy_text_get(&texts[1], names[1], "value");
    if (gotten) {
        exo_failure_header(failure_in(self), texts[0].span, texts[1].span, wall);
        exopy_text_free(&texts[1]);
    }
    exopy_text_free(&texts[0]);
    return gotten ? Py_NewRef(Py_None) : NULL;
}

static PyObject *failure_response(PyObject *self, PyObject *args)
{
    unsigned short status;
    PyObject *body;
    exopy_text text;
    if (!PyArg_ParseTuple(args, "HO:response", &status, &body) || !exopy_text_get(&text, body, "body")) {
        return NULL;
    }
    exo_failure_from_response(failure_in(self), status, text.span);
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

static PyObject *failure_redact(PyObject *self, PyObject *secret)
{
    exopy_text text;
    if (!exopy_text_get(&text, secret, "secret")) {
        return NULL;
    }
    if (failure_in(self)->code != EXO_OK) {
        exo_failure_redact(failure_in(self), text.span);
    }
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

/* ---- pickling: the fields that tell, in a tuple ---- */

static PyObject *failure_reduce(PyObject *self, PyObject *ignored)
{
    const exo_failure *f = failure_in(self);
    bool told = f->code != EXO_OK;
    (void)ignored;
    return Py_BuildValue("(O(i)(iiHHLKiiissss))", (PyObject *)Py_TYPE(self), f->code, (int)f->verdict, (int)f->clock,
                         f->http_status, f->status, (long long)f->retry_after, (unsigned long long)f->offset,
                         (int)f->in_stream, (int)f->cut, (int)f->keyless, told ? f->message : "", told ? f->type : "",
                         told ? f->provider_code : "", told ? f->request_id : "");
}

static void failure_copy(char *to, size_t size, const char *from)
{
    exo_span text = exo_span_cut(exo_span_text(from), size - 1);
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

static PyObject *failure_set_state(PyObject *self, PyObject *state)
{
    exo_failure *f = failure_in(self);
    int verdict;
    int clock;
    int flags[3];
    long long retry_after;
    unsigned long long offset;
    const char *texts[4];
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "tuple expected");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "iiHHLKpppssss", &verdict, &clock, &f->http_status, &f->status, &retry_after, &offset,
                          &flags[0], &flags[1], &flags[2], &texts[0], &texts[1], &texts[2], &texts[3])) {
        return NULL;
    }
    if (verdict < EXO_STOP || verdict > EXO_FALL_BACK_CONTEXT || clock < EXO_CLOCK_NONE || clock > EXO_CLOCK_TOTAL) {
        PyErr_SetString(PyExc_ValueError, "not the state of a Failure");
        return NULL;
    }
    f->verdict = (exo_verdict)verdict;
    f->clock = (exo_clock)clock;
    f->retry_after = retry_after;
    f->offset = offset;
    f->in_stream = flags[0] != 0;
    f->cut = flags[1] != 0;
    f->keyless = flags[2] != 0;
    failure_copy(f->message, sizeof f->message, texts[0]);
    failure_copy(f->type, sizeof f->type, texts[1]);
    failure_copy(f->provider_code, sizeof f->provider_code, texts[2]);
    failure_copy(f->request_id, sizeof f->request_id, texts[3]);
    Py_RETURN_NONE;
}

static PyMethodDef failure_methods[] = {
    {"header", failure_header, METH_VARARGS, "header(name, value, wall): looks at one header of a response."},
    {"response", failure_response, METH_VARARGS, "response(http_status, body): becomes what a refusal says."},
    {"redact", failure_redact, METH_O, "redact(secret): takes the secret out of all texts."},
    {"__reduce__", failure_reduce, METH_NOARGS, NULL},
    {"__setstate__", failure_set_state, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot failure_slots[] = {
    {Py_tp_doc, "Failure(code, message): why an attempt or a call failed."},
    {Py_tp_new, EXOPY_SLOT(failure_new)},
    {Py_tp_dealloc, EXOPY_SLOT(exopy_dealloc)},
    {Py_tp_repr, EXOPY_SLOT(failure_repr)},
    {Py_tp_members, failure_members},
    {Py_tp_getset, failure_getters},
    {Py_tp_methods, failure_methods},
    {0, NULL},
};

PyType_Spec exopy_failure_spec = {
    "_exochat.Failure", sizeof(failure_object), 0, Py_TPFLAGS_DEFAULT, failure_slots,
};
