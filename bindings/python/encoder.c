/*
 * encoder.c: Encoder: the tape of a request, and exo_encoder over it for one deployment after another.
 *
 * Memory: the tape of the request, that of extra_body, one mailbox for files. Code of the caller's runs only where a
 * tape is built; an encoder that is being built or aimed meanwhile is not ready, and says so.
 */
#include "files.h"
#include "options.h"
#include "tape.h"

#include <limits.h>

typedef struct encoder_object {
    PyObject ob_base;
    exopy_tape tape;
    exopy_tape extra;
    exopy_files files;
    exo_cursor extra_cursor;
    exo_cursor cursor;
    exo_file_opener opener;
    exo_limits limits;
    exo_span *drop; /* memory of its own; the texts are those of `kept` */
    exo_rename *rename;
    PyObject *kept; /* list of the str that options are borrowed of */
    bool open;      /* false before __new__ is done, and after close() */
    bool aimed;
    bool sized;
    bool written;  /* all of the body */
    uint64_t sent; /* bytes of it, since the last rewind */
    exo_encoder encoder;
} encoder_object;

static void encoder_disarm(encoder_object *self)
{
    self->aimed = false;
    self->sized = false;
    self->written = false;
    self->sent = 0;
    PyMem_Free(self->drop);
    PyMem_Free(self->rename);
    self->drop = NULL;
    self->rename = NULL;
    Py_CLEAR(self->kept);
    exopy_tape_free(&self->extra);
}

static void encoder_shut(encoder_object *self)
{
    self->open = false;
    encoder_disarm(self);
    exopy_files_free(&self->files);
    exopy_tape_free(&self->tape);
}

static void encoder_dealloc(PyObject *object)
{
    encoder_shut((encoder_object *)object);
    exopy_dealloc(object);
}

static PyObject *encoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *request;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O:Encoder", &request)) {
        return NULL;
    }
    encoder_object *self = (encoder_object *)exopy_alloc(type);
    if (!self) {
        return NULL;
    }
    exopy_state *state = exopy_state_of((PyObject *)self);
    int mapping = PyDict_Check(request) ? 1 : PyObject_IsInstance(request, state->mapping);
    if (mapping == 0) {
        PyErr_SetString(PyExc_TypeError, "Encoder(): a mapping expected");
    }
    if (mapping <= 0 || !exopy_tape_build(&self->tape, state, request, "") ||
        !exopy_files_init(&self->files, &self->tape)) {
        Py_DECREF(self);
        return NULL;
    }
    self->open = true;
    return (PyObject *)self;
}

static bool encoder_is(const encoder_object *self, bool ready, const char *what)
{
    if (!self->open || !ready) {
        PyErr_Format(PyExc_ValueError, "Encoder: %s", self->open ? what : "closed");
        return false;
    }
    return true;
}

/* ---- options ---- */

typedef struct encoder_options {
    PyObject *model;
    PyObject *drop;
    PyObject *rename;
    PyObject *extra_body;
    PyObject *limits;
    bool as_is;
} encoder_options;

static bool encoder_read_options(PyObject *dict, encoder_options *out)
{
    static const exopy_option table[] = {
        EXOPY_OPTION(encoder_options, model, EXOPY_OBJECT),  EXOPY_OPTION(encoder_options, drop, EXOPY_OBJECT),
        EXOPY_OPTION(encoder_options, rename, EXOPY_OBJECT), EXOPY_OPTION(encoder_options, extra_body, EXOPY_OBJECT),
        EXOPY_OPTION(encoder_options, limits, EXOPY_OBJECT), EXOPY_OPTION(encoder_options, as_is, EXOPY_BOOL),
    };
    memset(out, 0, sizeof *out);
    return exopy_options_read(dict, table, sizeof table / sizeof table[0], out);
}

/* The bytes of a str, which is kept until the encoder is aimed anew. */
static bool encoder_text(encoder_object *self, PyObject *object, const char *name, exo_span *text)
{
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: str expected", name);
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

/* What a sequence holds, as a new list; NULL with an exception. */
static PyObject *encoder_list(PyObject *object, const char *name)
{
    if (!PyList_Check(object) && !PyTuple_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: tuple or list expected", name);
        return NULL;
    }
    return PySequence_List(object);
}

static bool encoder_set_drop(encoder_object *self, PyObject *drop, exo_encode_options *options)
{
    PyObject *list = encoder_list(drop, "drop");
    size_t count = list ? (size_t)PyList_Size(list) : 0;
    self->drop = PyMem_Calloc(count + 1, sizeof *self->drop);
    bool set = list && self->drop;
    if (list && !self->drop) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; set && i < count; i++) {
        set = encoder_text(self, PyList_GetItem(list, (Py_ssize_t)i), "drop", &self->drop[i]);
    }
    Py_XDECREF(list);
    options->drop = self->drop;
    options->drop_count = count;
    return set;
}

static bool encoder_set_rename(encoder_object *self, PyObject *rename, exo_encode_options *options)
{
    if (!PyDict_Check(rename)) {
        PyErr_SetString(PyExc_TypeError, "rename: dict expected");
        return false;
    }
    self->rename = PyMem_Calloc((size_t)PyDict_Size(rename) + 1, sizeof *self->rename);
    if (!self->rename) {
        PyErr_NoMemory();
        return false;
    }
    Py_ssize_t at = 0;
    PyObject *from;
    PyObject *to;
    for (size_t i = 0; PyDict_Next(rename, &at, &from, &to); i++) {
        if (!encoder_text(self, from, "rename", &self->rename[i].from) ||
            !encoder_text(self, to, "rename", &self->rename[i].to)) {
            return false;
        }
    }
    options->rename = self->rename;
    options->rename_count = (size_t)PyDict_Size(rename);
    return true;
}

static bool encoder_arm(encoder_object *self, const encoder_options *said)
{
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    self->limits = *exo_limits_host();
    self->kept = PyList_New(0);
    if (!self->kept || (said->limits && !exopy_limits_read(said->limits, &self->limits)) ||
        (said->model && !encoder_text(self, said->model, "model", &options.model)) ||
        (said->drop && !encoder_set_drop(self, said->drop, &options)) ||
        (said->rename && !encoder_set_rename(self, said->rename, &options))) {
        return false;
    }
    self->cursor = exopy_tape_cursor(&self->tape);
    self->opener = exopy_files_opener(&self->files);
    if (said->extra_body) {
        self->extra_cursor = exopy_tape_cursor(&self->extra);
        options.extra_body = &self->extra_cursor;
    }
    options.as_is = said->as_is;
    options.opener = &self->opener;
    options.limits = &self->limits;
    self->files.expected = 0;
    self->files.wanted = NULL;
    return exo_encode_init(&self->encoder, &self->cursor, &options) == EXO_OK;
}

static PyObject *encoder_aim(PyObject *object, PyObject *dict)
{
    encoder_object *self = (encoder_object *)object;
    encoder_options said;
    if (!encoder_is(self, true, "") || !encoder_read_options(dict, &said)) {
        return NULL;
    }
    if (said.as_is && (said.model || said.drop || said.rename || said.extra_body)) {
        PyErr_SetString(PyExc_ValueError, "as_is: nothing else can be asked for");
        return NULL;
    }
    exopy_tape extra = {0};
    if (said.extra_body && !exopy_tape_build(&extra, exopy_state_of(object), said.extra_body, "extra_body")) {
        exopy_tape_free(&extra);
        return NULL;
    }
    encoder_disarm(self);
    self->extra = extra;
    if (!encoder_is(self, true, "") || !encoder_arm(self, &said)) { /* a mapping of the caller's may have closed it */
        encoder_disarm(self);
        return NULL;
    }
    self->aimed = true;
    return PyLong_FromLong(EXO_OK);
}

/* ---- files ---- */

static PyObject *encoder_files(PyObject *object, PyObject *ignored)
{
    const encoder_object *self = (encoder_object *)object;
    (void)ignored;
    if (!encoder_is(self, true, "")) {
        return NULL;
    }
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < self->tape.file_count; i++) {
        const exopy_named_file *file = &self->tape.files[i];
        PyObject *pair = PyTuple_Pack(2, file->path, file->media_type ? file->media_type : Py_None);
        if (!pair || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *encoder_file(PyObject *object, PyObject *args)
{
    encoder_object *self = (encoder_object *)object;
    Py_ssize_t index;
    long long size;
    PyObject *media_type;
    PyObject *name;
    if (!PyArg_ParseTuple(args, "nLUU:file", &index, &size, &media_type, &name) || !encoder_is(self, true, "") ||
        !exopy_files_open(&self->files, (size_t)index, size, media_type, name)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *encoder_want(PyObject *object, PyObject *ignored)
{
    const encoder_object *self = (encoder_object *)object;
    size_t index;
    uint64_t offset;
    (void)ignored;
    if (!self->open || !exopy_files_want(&self->files, &index, &offset)) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(nK)", (Py_ssize_t)index, (unsigned long long)offset);
}

static PyObject *encoder_fill(PyObject *object, PyObject *args)
{
    encoder_object *self = (encoder_object *)object;
    PyObject *data;
    Py_ssize_t size = -1;
    exopy_text text;
    if (!PyArg_ParseTuple(args, "O|n:fill", &data, &size) || !exopy_text_get(&text, data, "fill()")) {
        return NULL;
    }
    if (size >= 0 && (size_t)size < text.span.len) {
        text.span.len = (size_t)size;
    }
    if (self->open) {
        exopy_files_fill(&self->files, text.span);
    }
    exopy_text_free(&text);
    Py_RETURN_NONE;
}

static PyObject *encoder_fail(PyObject *object, PyObject *args)
{
    int code;
    if (!PyArg_ParseTuple(args, "i:fail", &code)) {
        return NULL;
    }
    if (code >= 0) {
        PyErr_SetString(PyExc_ValueError, "fail(): a negative code expected");
        return NULL;
    }
    exopy_files_fail(&((encoder_object *)object)->files, code);
    Py_RETURN_NONE;
}

/* ---- the body ---- */

/* What a step of the core came to; Python's own error, if there was one, is raised. */
static PyObject *encoder_result(encoder_object *self, int code, size_t done)
{
    if (code < 0 && (exopy_tape_raise(&self->tape) || exopy_tape_raise(&self->extra))) {
        return NULL;
    }
    if (code == EXO_E_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    return code < 0 ? PyLong_FromLong(code) : PyLong_FromSize_t(done);
}

static PyObject *encoder_size(PyObject *object, PyObject *args)
{
    encoder_object *self = (encoder_object *)object;
    Py_ssize_t budget;
    if (!PyArg_ParseTuple(args, "n:size", &budget) || !encoder_is(self, self->aimed, "aim() comes first")) {
        return NULL;
    }
    int code = self->sized ? EXO_OK : exo_encode_size(&self->encoder, budget > 0 ? (size_t)budget : 1);
    self->sized = code == EXO_OK;
    return encoder_result(self, code, code == EXO_AGAIN ? 1 : 0);
}

static PyObject *encoder_total(PyObject *object, PyObject *ignored)
{
    const encoder_object *self = (encoder_object *)object;
    (void)ignored;
    if (!encoder_is(self, self->sized, "size() comes first")) {
        return NULL;
    }
    uint64_t total = exo_encode_total(&self->encoder);
    return total == EXO_SIZE_UNKNOWN ? PyLong_FromLong(-1) : PyLong_FromUnsignedLongLong(total);
}

static int encoder_write_window(encoder_object *self, exo_window *window)
{
    int code = self->written ? EXO_OK : exo_encode_write(&self->encoder, window);
    self->written = code == EXO_OK;
    self->sent += window->pos;
    return code;
}

static PyObject *encoder_write(PyObject *object, PyObject *args)
{
    encoder_object *self = (encoder_object *)object;
    PyObject *buffer;
    Py_ssize_t start = 0;
    Py_ssize_t end = -1;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "O|nn:write", &buffer, &start, &end) ||
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    end = end < 0 ? view.len : end;
    PyObject *result = NULL;
    if (start < 0 || start > end || end > view.len) {
        PyErr_SetString(PyExc_ValueError, "write(): outside of the buffer");
    } else if (encoder_is(self, self->sized, "size() comes first")) {
        exo_window window = {(char *)view.buf + start, (size_t)(end - start), 0};
        int code = encoder_write_window(self, &window);
        result = encoder_result(self, code, window.pos);
    }
    PyBuffer_Release(&view);
    return result;
}

/* How much of the next `size` bytes there will be, unless a file keeps them waiting. */
static Py_ssize_t encoder_room(const encoder_object *self, Py_ssize_t size)
{
    uint64_t total = exo_encode_total(&self->encoder);
    uint64_t left = total - self->sent;
    size = size > 0 ? size : 0;
    return total == EXO_SIZE_UNKNOWN || left > (uint64_t)size ? size : (Py_ssize_t)left;
}

static PyObject *encoder_read(PyObject *object, PyObject *args)
{
    encoder_object *self = (encoder_object *)object;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n:read", &size) || !encoder_is(self, self->sized, "size() comes first")) {
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, encoder_room(self, size));
    if (!bytes) {
        return NULL;
    }
    exo_window window = {PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes), 0};
    int code = encoder_write_window(self, &window);
    if (code < 0) {
        Py_DECREF(bytes);
        return encoder_result(self, code, 0);
    }
    if (window.pos < window.size) {
        exopy_set(&bytes, PyBytes_FromStringAndSize(window.dst, (Py_ssize_t)window.pos));
    }
    return bytes;
}

static PyObject *encoder_done(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyBool_FromLong(((encoder_object *)object)->written);
}

static PyObject *encoder_written(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyLong_FromUnsignedLongLong(((encoder_object *)object)->sent);
}

static PyObject *encoder_spent(PyObject *object, PyObject *ignored)
{
    const encoder_object *self = (encoder_object *)object;
    (void)ignored;
    return PyBool_FromLong(self->sent > 0 && exo_encode_total(&self->encoder) == EXO_SIZE_UNKNOWN);
}

static PyObject *encoder_rewind(PyObject *object, PyObject *ignored)
{
    encoder_object *self = (encoder_object *)object;
    (void)ignored;
    if (!encoder_is(self, self->sized, "size() comes first")) {
        return NULL;
    }
    int code = self->sent > 0 ? exo_encode_rewind(&self->encoder) : EXO_OK;
    if (code == EXO_OK) {
        self->written = false;
        self->sent = 0;
    }
    self->files.wanted = NULL;
    return encoder_result(self, code, 0);
}

static PyObject *encoder_message(PyObject *object, PyObject *ignored)
{
    const encoder_object *self = (encoder_object *)object;
    (void)ignored;
    const char *key = self->aimed ? exo_encode_error_key(&self->encoder) : "";
    const char *path = self->open ? self->files.path : "";
    return PyUnicode_FromFormat("%s%s%s", key, key[0] && path[0] ? ": " : "", path);
}

static PyObject *encoder_close(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    encoder_shut((encoder_object *)object);
    Py_RETURN_NONE;
}

static PyMethodDef encoder_methods[] = {
    {"files", encoder_files, METH_NOARGS, "files(): [(path, media type or None)] that the request names."},
    {"file", encoder_file, METH_VARARGS, "file(index, size, media_type, name): that file is open."},
    {"aim", encoder_aim, METH_O, "aim(options): begins a body for one deployment."},
    {"size", encoder_size, METH_VARARGS, "size(budget): sizes the body; 1 again, 0 done, or a negative code."},
    {"total", encoder_total, METH_NOARGS, "total(): bytes of the body; -1 if not known."},
    {"write", encoder_write, METH_VARARGS, "write(buffer, start, end): stores the next bytes and says how many."},
    {"read", encoder_read, METH_VARARGS, "read(size): the next bytes, or a negative code."},
    {"done", encoder_done, METH_NOARGS, "done(): whether all is written."},
    {"written", encoder_written, METH_NOARGS, "written(): bytes written since the last rewind."},
    {"spent", encoder_spent, METH_NOARGS, "spent(): whether it was begun and cannot be sent again."},
    {"rewind", encoder_rewind, METH_NOARGS, "rewind(): back to the first byte; 0 or a negative code."},
    {"want", encoder_want, METH_NOARGS, "want(): (index, offset) of the file whose bytes are wanted, or None."},
    {"fill", encoder_fill, METH_VARARGS, "fill(data, size): gives what want() asked for."},
    {"fail", encoder_fail, METH_VARARGS, "fail(code): what want() asked for is not to be had."},
    {"message", encoder_message, METH_NOARGS, "message(): what the last code was about."},
    {"close", encoder_close, METH_NOARGS, "close(): lets go of everything."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot encoder_slots[] = {
    {Py_tp_doc, "Encoder(request): a request as a tape, and the body made of it for one deployment after another."},
    {Py_tp_new, EXOPY_SLOT(encoder_new)},
    {Py_tp_dealloc, EXOPY_SLOT(encoder_dealloc)},
    {Py_tp_methods, encoder_methods},
    {0, NULL},
};

PyType_Spec exopy_encoder_spec = {
    "_exochat.Encoder", sizeof(encoder_object), 0, Py_TPFLAGS_DEFAULT, encoder_slots,
};
