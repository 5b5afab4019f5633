/*
 * head.c: Head: the head of an HTTP/1.1 request.
 *
 * Memory: its headers, as pointers into strs that it holds.
 */
#include "binding.h"

typedef struct head_object {
    PyObject ob_base;
    PyObject *kept; /* list of the str that the request is borrowed of */
    exo_http1_header *headers;
    exo_http1_request request;
    exo_http1_head head;
} head_object;

static void head_dealloc(PyObject *object)
{
    head_object *self = (head_object *)object;
    Py_XDECREF(self->kept);
    PyMem_Free(self->headers);
    exopy_dealloc(object);
}

static bool head_text(head_object *self, PyObject *object, exo_span *text)
{
    if (!PyUnicode_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "Head(): str expected");
        return false;
    }
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(object, &size);
    if (!bytes || PyList_Append(self->kept, object) < 0) {
        return false;
    }
    *text = exo_span_of(bytes, (size_t)size);
    return true;
}

static bool head_set_headers(head_object *self, PyObject *headers)
{
    PyObject *list = PySequence_List(headers);
    size_t count = list ? (size_t)PyList_Size(list) : 0;
    self->headers = PyMem_Calloc(count + 1, sizeof *self->headers);
    bool set = list && self->headers;
    if (list && !self->headers) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; set && i < count; i++) {
        PyObject *pair = PyList_GetItem(list, (Py_ssize_t)i);
        if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
            PyErr_SetString(PyExc_TypeError, "Head(): pairs of str expected");
            set = false;
        } else {
            set = head_text(self, PyTuple_GetItem(pair, 0), &self->headers[i].name) &&
                  head_text(self, PyTuple_GetItem(pair, 1), &self->headers[i].value);
        }
    }
    Py_XDECREF(list);
    self->request.headers = self->headers;
    self->request.header_count = count;
    return set;
}

static bool head_init(head_object *self, PyObject *target, PyObject *host, PyObject *headers, long long length)
{
    exo_http1_request *request = &self->request;
    request->method = exo_span_text(length == -2 ? "GET" : "POST");
    request->framing = length == -2 ? EXO_HTTP1_NO_BODY : length == -1 ? EXO_HTTP1_CHUNKED : EXO_HTTP1_LENGTH;
    request->content_length = length > 0 ? (uint64_t)length : 0;
    self->kept = PyList_New(0);
    if (!self->kept || !head_text(self, target, &request->target) || !head_text(self, host, &request->host) ||
        !head_set_headers(self, headers)) {
        return false;
    }
    int code = length < -2 ? EXO_E_ARGUMENT : exo_http1_head_init(&self->head, request);
    if (code != EXO_OK) {
        exopy_raise(code);
    }
    return code == EXO_OK;
}

static PyObject *head_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *target;
    PyObject *host;
    PyObject *headers;
    long long length;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOOL:Head", &target, &host, &headers, &length)) {
        return NULL;
    }
    head_object *self = (head_object *)exopy_alloc(type);
    if (self && !head_init(self, target, host, headers, length)) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *head_write(PyObject *object, PyObject *args)
{
    PyObject *buffer;
    Py_ssize_t start = 0;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "O|n:write", &buffer, &start) ||
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (start < 0 || start > view.len) {
        PyErr_SetString(PyExc_ValueError, "write(): outside of the buffer");
    } else {
        exo_window window = {(char *)view.buf + start, (size_t)(view.len - start), 0};
        (void)exo_http1_head_write(&((head_object *)object)->head, &window);
        result = PyLong_FromSize_t(window.pos);
    }
    PyBuffer_Release(&view);
    return result;
}

static PyMethodDef head_methods[] = {
    {"write", head_write, METH_VARARGS, "write(buffer, start): stores the next bytes and says how many; 0: complete."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot head_slots[] = {
    {Py_tp_doc, "Head(target, host, headers, length): the head of an HTTP/1.1 request."},
    {Py_tp_new, EXOPY_SLOT(head_new)},
    {Py_tp_dealloc, EXOPY_SLOT(head_dealloc)},
    {Py_tp_methods, head_methods},
    {0, NULL},
};

PyType_Spec exopy_head_spec = {
    "_exochat.Head", sizeof(head_object), 0, Py_TPFLAGS_DEFAULT, head_slots,
};
