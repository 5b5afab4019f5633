/*
 * text.c: bytes of the core ↔ str, and memory of Python's for the core; see binding.h.
 */
#include "binding.h"

static void *text_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        PyMem_Free(ptr);
        return NULL;
    }
    return PyMem_Realloc(ptr, size);
}

const exo_allocator exopy_heap = {NULL, text_resize};

PyObject *exopy_str(exo_span text)
{
    return PyUnicode_DecodeUTF8(text.ptr ? text.ptr : "", (Py_ssize_t)text.len, "replace");
}

PyObject *exopy_str_or_none(exo_span text)
{
    return text.len > 0 ? exopy_str(text) : Py_NewRef(Py_None);
}

bool exopy_text_get(exopy_text *text, PyObject *object, const char *what)
{
    memset(text, 0, sizeof *text);
    if (PyUnicode_Check(object)) {
        PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "replace");
        bool gotten = bytes && PyObject_GetBuffer(bytes, &text->view, PyBUF_SIMPLE) == 0;
        Py_XDECREF(bytes);
        if (!gotten) {
            return false;
        }
    } else if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "%s: str or bytes expected", what);
        return false;
    } else if (PyObject_GetBuffer(object, &text->view, PyBUF_SIMPLE) < 0) {
        return false;
    }
    text->span = exo_span_of(text->view.buf, (size_t)text->view.len);
    return true;
}

void exopy_text_free(exopy_text *text)
{
    if (text->view.obj) {
        PyBuffer_Release(&text->view);
    }
}

void exopy_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = __extension__(freefunc) PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

PyObject *exopy_alloc(PyTypeObject *type)
{
    allocfunc allocate = __extension__(allocfunc) PyType_GetSlot(type, Py_tp_alloc);
    return allocate(type, 0);
}

void exopy_set(PyObject **slot, PyObject *value)
{
    PyObject *old = *slot;
    *slot = value;
    Py_XDECREF(old);
}

void exopy_raise(int code)
{
    if (code == EXO_E_NO_MEMORY) {
        PyErr_NoMemory();
    } else {
        PyErr_Format(PyExc_ValueError, "%s (%s)", exo_error_text(code), exo_error_name(code));
    }
}
