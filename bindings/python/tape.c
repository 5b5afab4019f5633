/*
 * tape.c: walks a tape as a cursor of the core; see tape.h.
 *
 * Memory: one piece of a text that is not ASCII (EXOPY_PIECE characters, as bytes), or of a key.
 */
#include "tape.h"

#include "token.h"

#include <stdlib.h>

/* What Python raised is kept: nothing may be raised through the core. */
static int tape_fail(exopy_tape *tape)
{
    PyObject *type;
    PyObject *error;
    PyObject *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    exopy_set(&tape->error, error);
    return EXO_E_NO_MEMORY;
}

bool exopy_tape_raise(exopy_tape *tape)
{
    PyObject *error = tape->error;
    if (!error) {
        return false;
    }
    tape->error = NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return true;
}

/* ---- texts that are not ASCII ---- */

/* One code point as UTF-8; returns the number of bytes. */
static size_t tape_encode_character(Py_UCS4 c, char *to)
{
    if (c >= 0xD800 && c <= 0xDFFF) {
        c = 0xFFFD;
    }
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    for (size_t i = more; i > 0; i--) {
        to[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    to[0] = (char)(lead[more] | c);
    return more + 1;
}

/* A text with lone surrogates, in characters that have U+FFFD in their place. */
static PyObject *tape_encode_slowly(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GetLength(text);
    char *bytes = PyMem_Malloc((size_t)length * 4 + 1);
    if (!bytes) {
        return PyErr_NoMemory();
    }
    size_t size = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        size += tape_encode_character(PyUnicode_ReadChar(text, i), bytes + size);
    }
    PyObject *encoded = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)size);
    PyMem_Free(bytes);
    return encoded;
}

PyObject *exopy_token_encode(PyObject *text, Py_ssize_t start, Py_ssize_t count)
{
    PyObject *piece = PyUnicode_Substring(text, start, start + count);
    if (!piece) {
        return NULL;
    }
    PyObject *encoded = PyUnicode_AsUTF8String(piece);
    if (!encoded && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        encoded = tape_encode_slowly(piece);
    }
    Py_DECREF(piece);
    return encoded;
}

static int tape_read(void *ctx, void *dst, size_t size, size_t *got)
{
    exopy_text_source *reading = ctx;
    Py_ssize_t have = reading->piece ? PyBytes_Size(reading->piece) : 0;
    if (reading->taken == have && reading->next < PyUnicode_GetLength(reading->text)) {
        PyObject *piece = exopy_token_encode(reading->text, reading->next, EXOPY_PIECE);
        if (!piece) {
            return tape_fail(reading->tape);
        }
        exopy_set(&reading->piece, piece);
        reading->next += EXOPY_PIECE;
        reading->taken = 0;
        have = PyBytes_Size(piece);
    }
    size_t left = (size_t)(have - reading->taken);
    *got = size < left ? size : left;
    if (*got > 0) {
        memcpy(dst, PyBytes_AsString(reading->piece) + reading->taken, *got);
        reading->taken += (Py_ssize_t)*got;
    }
    return EXO_OK;
}

static int tape_read_again(void *ctx)
{
    exopy_text_source *reading = ctx;
    Py_CLEAR(reading->piece);
    reading->taken = 0;
    reading->next = 0;
    return EXO_OK;
}

static int tape_give_source(exopy_tape *tape, PyObject *text, exo_value *value)
{
    exopy_text_source *reading = &tape->reading;
    reading->source = (exo_source){reading, tape_read, tape_read_again, NULL, EXO_SIZE_UNKNOWN};
    reading->tape = tape;
    reading->text = text;
    (void)tape_read_again(reading);
    value->type = EXO_VALUE_SOURCE;
    value->source = &reading->source;
    return EXO_EVENT;
}

/* ---- tokens ---- */

static int tape_give_ascii(exopy_tape *tape, PyObject *text, exo_value *value)
{
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (!bytes) {
        return tape_fail(tape);
    }
    value->text = exo_span_of(bytes, (size_t)size);
    return EXO_EVENT;
}

static int tape_give_wide(exopy_tape *tape, PyObject *text, exo_value *value)
{
    PyObject *bytes = exopy_token_encode(text, 0, PyUnicode_GetLength(text));
    if (!bytes) {
        return tape_fail(tape);
    }
    exopy_set(&tape->held, bytes);
    value->text = exo_span_of(PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes));
    return EXO_EVENT;
}

static int tape_give_float(exopy_tape *tape, PyObject *number, exo_value *value)
{
    char *text = PyOS_double_to_string(PyFloat_AsDouble(number), 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (!text) {
        return tape_fail(tape);
    }
    size_t size = strlen(text);
    size = size < sizeof tape->number ? size : sizeof tape->number;
    memcpy(tape->number, text, size);
    PyMem_Free(text);
    value->text = exo_span_of(tape->number, size);
    return EXO_EVENT;
}

static int tape_give(exopy_tape *tape, exopy_token token, exo_value *value)
{
    PyObject *object = exopy_token_object(token);
    switch (exopy_token_kind_of(token)) {
    case EXOPY_TOKEN_KEY:
        value->type = EXO_VALUE_KEY;
        return tape_give_ascii(tape, object, value);
    case EXOPY_TOKEN_KEY_WIDE:
        value->type = EXO_VALUE_KEY;
        return tape_give_wide(tape, object, value);
    case EXOPY_TOKEN_STRING:
        value->type = EXO_VALUE_STRING;
        return tape_give_ascii(tape, object, value);
    case EXOPY_TOKEN_STRING_WIDE:
        if (PyUnicode_GetLength(object) > EXOPY_PIECE && !tape->inline_) {
            return tape_give_source(tape, object, value);
        }
        value->type = EXO_VALUE_STRING;
        return tape_give_wide(tape, object, value);
    case EXOPY_TOKEN_INT:
        value->type = EXO_VALUE_INT;
        value->number.i = PyLong_AsLongLong(object);
        return EXO_EVENT;
    case EXOPY_TOKEN_NUMBER:
        value->type = EXO_VALUE_NUMBER;
        return tape_give_ascii(tape, object, value);
    case EXOPY_TOKEN_FLOAT:
        value->type = EXO_VALUE_NUMBER;
        return tape_give_float(tape, object, value);
    case EXOPY_TOKEN_PLAIN:
        break;
    }
    value->type = exopy_token_type(token);
    return EXO_EVENT;
}

static int tape_next(void *ctx, exo_value *value)
{
    exopy_tape *tape = ctx;
    if (tape->at == tape->count) {
        return EXO_OK;
    }
    memset(value, 0, sizeof *value);
    return tape_give(tape, tape->tokens[tape->at++], value);
}

static int tape_rewind(void *ctx)
{
    exopy_tape *tape = ctx;
    tape->at = 0;
    return EXO_OK;
}

static int tape_mark(void *ctx)
{
    exopy_tape *tape = ctx;
    tape->marked = tape->at;
    return EXO_OK;
}

static int tape_reset(void *ctx)
{
    exopy_tape *tape = ctx;
    tape->at = tape->marked;
    return EXO_OK;
}

/* The most tokens that are passed, or looked at, at once. */
enum {
    TAPE_PASSED = 4096,
    TAPE_LOOKED_AT = 256
};

/* By how much the depth changes behind a token. */
static int tape_step(exopy_token token)
{
    if (exopy_token_kind_of(token) != EXOPY_TOKEN_PLAIN) {
        return 0;
    }
    const exo_value_type type = exopy_token_type(token);
    return type == EXO_VALUE_END ? -1 : type == EXO_VALUE_ARRAY || type == EXO_VALUE_OBJECT;
}

static bool tape_is_long(const exopy_tape *tape, exopy_token token)
{
    return exopy_token_kind_of(token) == EXOPY_TOKEN_STRING_WIDE && !tape->inline_ &&
           PyUnicode_GetLength(exopy_token_object(token)) > EXOPY_PIECE;
}

static size_t tape_pass(void *ctx, uint32_t levels)
{
    exopy_tape *tape = ctx;
    const size_t left = tape->count - tape->at;
    int64_t depth = 0;
    for (size_t count = 0; count < left && count < TAPE_PASSED && depth <= levels;) {
        const exopy_token token = tape->tokens[tape->at + count];
        if (tape_is_long(tape, token)) { /* it would be a source */
            break;
        }
        count++;
        depth += tape_step(token);
        if (depth == 0) {
            tape->at += count;
            return count;
        }
    }
    return 0;
}

static bool tape_is_private(exopy_token token)
{
    const exopy_token_kind kind = exopy_token_kind_of(token);
    PyObject *name = kind == EXOPY_TOKEN_KEY || kind == EXOPY_TOKEN_KEY_WIDE ? exopy_token_object(token) : NULL;
    return name && PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '_';
}

static bool tape_is_plain(void *ctx)
{
    const exopy_tape *tape = ctx;
    const exopy_token *tokens = tape->tokens + tape->at;
    const size_t left = tape->count - tape->at;
    int depth = 0;
    for (size_t i = 0; i < left && i < TAPE_LOOKED_AT && !(depth == 0 && tape_is_private(tokens[i])); i++) {
        depth += tape_step(tokens[i]);
        if (depth < 0) {
            return true;
        }
    }
    return false;
}

exo_cursor exopy_tape_cursor(exopy_tape *tape)
{
    static const exo_cursor_ops ops = {
        .next = tape_next,
        .rewind = tape_rewind,
        .mark = tape_mark,
        .reset = tape_reset,
        .pass = tape_pass,
        .is_plain = tape_is_plain,
    };
    return (exo_cursor){&ops, tape};
}

void exopy_tape_free(exopy_tape *tape)
{
    exopy_tape old = *tape;
    memset(tape, 0, sizeof *tape);
    for (size_t i = 0; i < old.count; i++) {
        Py_XDECREF(exopy_token_object(old.tokens[i]));
    }
    for (size_t i = 0; i < old.file_count; i++) {
        Py_DECREF(old.files[i].path);
        Py_XDECREF(old.files[i].media_type);
    }
    PyMem_Free(old.tokens);
    PyMem_Free(old.files);
    Py_XDECREF(old.held);
    Py_XDECREF(old.error);
    Py_XDECREF(old.reading.piece);
}
