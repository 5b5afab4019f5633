/*
 * call.c: Call: one call of a Client: what it needs while it is under way, and what is left of it.
 *
 * Memory: the tape of its request, or what was sent of a body that is given; the text of one delta; the reply.
 */
#include "client.h"

#include "json.h"
#include "options.h"
#include "strings.h"

/* What the caller is to stop at, in bytes of a given body that are not sent yet. */
#define CALL_GIVEN_BYTES 65536

/* ---- a body that is given ---- */

static int call_read_given(void *ctx, void *dst, size_t size, size_t *got)
{
    exopy_given *given = ctx;
    size_t left = given->bytes.len - given->at;
    *got = size < left ? size : left;
    if (*got == 0) {
        return given->complete ? EXO_OK : EXO_AGAIN;
    }
    memcpy(dst, given->bytes.data + given->at, *got);
    given->at += *got;
    if (given->at == given->bytes.len) {
        given->at = 0;
        exo_buffer_clear(&given->bytes);
    }
    return EXO_OK;
}

static void call_begin_given(exopy_given *given)
{
    exo_buffer_init(&given->bytes, &exopy_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    given->source = (exo_source){given, call_read_given, NULL, NULL, EXO_SIZE_UNKNOWN};
}

/* ---- options ---- */

typedef struct call_options {
    exo_call_options options;
    PyObject *wanted;
    PyObject *api_key;
    PyObject *headers;
    PyObject *defaults;
    bool plain;
} call_options;

#define CALL_FIELD(field, kind) \
    { \
#field, kind, offsetof(call_options, options) + offsetof(exo_call_options, field) \
    }
#define CALL_OBJECT(field) EXOPY_OPTION(call_options, field, EXOPY_OBJECT)

static const exopy_option call_table[] = {
    CALL_FIELD(total_timeout, EXOPY_INT64),
    CALL_FIELD(connect_timeout, EXOPY_INT64),
    CALL_FIELD(stream_ttft_timeout, EXOPY_INT64),
    CALL_FIELD(request_timeout, EXOPY_INT64),
    CALL_FIELD(buffered, EXOPY_BOOL),
    CALL_FIELD(restart, EXOPY_BOOL),
    CALL_FIELD(choices, EXOPY_COUNT),
    CALL_FIELD(traceparent, EXOPY_TEXT),
    CALL_OBJECT(wanted),
    CALL_OBJECT(api_key),
    CALL_OBJECT(headers),
    CALL_OBJECT(defaults),
    EXOPY_OPTION(call_options, plain, EXOPY_BOOL),
};

/* Deploys `name` anew where its key has changed. */
static bool call_change_key(exopy_client *client, PyObject *name, PyObject *key)
{
    PyObject *options = PyDict_GetItemWithError(client->deployed, name); /* borrowed */
    if (!options) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "api_key: no such deployment: %R", name);
        }
        return false;
    }
    PyObject *old = PyDict_GetItemString(options, "api_key");
    int same = old ? PyObject_RichCompareBool(old, key, Py_EQ) : 0;
    if (same != 0) {
        return same > 0;
    }
    PyObject *copy = PyDict_Copy(options);
    bool changed = copy && PyDict_SetItemString(copy, "api_key", key) == 0 && exopy_client_deploy(client, name, copy) &&
                   PyDict_SetItem(client->deployed, name, copy) == 0;
    Py_XDECREF(copy);
    return changed;
}

static bool call_set_key(exopy_client *client, call_options *said, exopy_strings *strings)
{
    if (!said->api_key) {
        return true;
    }
    if (!PyDict_Check(said->api_key)) {
        said->options.api_key = exopy_strings_text(strings, said->api_key, "api_key");
        return said->options.api_key != NULL;
    }
    PyObject *keys = PyDict_Items(said->api_key);
    bool set = keys != NULL;
    for (Py_ssize_t i = 0; set && i < PyList_Size(keys); i++) {
        PyObject *pair = PyList_GetItem(keys, i);
        PyObject *key = PyTuple_GetItem(pair, 1);
        set = exopy_strings_text(strings, key, "api_key") && call_change_key(client, PyTuple_GetItem(pair, 0), key);
    }
    Py_XDECREF(keys);
    return set;
}

static bool call_set_options(exopy_client *client, call_options *said, exopy_strings *strings, exo_buffer *defaults)
{
    exopy_state *state = exopy_state_of((PyObject *)client);
    exo_call_options *o = &said->options;
    if (!exopy_wanted(state, said->wanted, &o->events) ||
        (said->headers && !exopy_strings_pairs(strings, said->headers, "headers", &o->headers, &o->header_count)) ||
        (said->defaults && !exopy_json(state, said->defaults, "defaults", defaults)) ||
        !call_set_key(client, said, strings)) {
        return false;
    }
    if (said->defaults) {
        o->defaults = defaults->data;
    }
    o->files = EXO_FILES_ANY; /* the request is the program's own */
    return true;
}

/* ---- life ---- */

static void call_link(exopy_call *self, exopy_client *client)
{
    self->client = (exopy_client *)Py_NewRef((PyObject *)client);
    self->next = client->calls;
    if (self->next) {
        self->next->previous = self;
    }
    client->calls = (exopy_call *)Py_NewRef((PyObject *)self);
    client->call_count++;
}

/* The references that client and call have to each other are given back by the caller. */
static exopy_client *call_unlink(exopy_call *self)
{
    exopy_client *client = self->client;
    self->client = NULL;
    if (self->previous) {
        self->previous->next = self->next;
    } else {
        client->calls = self->next;
    }
    if (self->next) {
        self->next->previous = self->previous;
    }
    self->previous = self->next = NULL;
    client->call_count--;
    return client;
}

void exopy_call_end(exopy_call *self)
{
    if (!self->client) {
        return;
    }
    exopy_client *client = call_unlink(self);
    exo_call *call = self->call;
    self->call = NULL;
    exo_call_cancel(call); /* without effect on one that has ended */
    self->reply = exo_call_reply(call);
    exo_call_free(call);
    exo_buffer_free(&self->given.bytes);
    exopy_join_free(&self->join);
    exopy_tape_free(&self->tape);
    Py_DECREF(client);
    Py_DECREF(self);
}

/* Called by the library with what it reads of an answer. */
static void call_count_bytes(void *ctx, exo_span bytes)
{
    exopy_client *client = ctx;
    client->bytes_read += bytes.len;
}

/* Starts the call in the library. */
static bool call_begin(exopy_call *self, exopy_client *client, exo_call_options *options)
{
    self->cursor = exopy_tape_cursor(&self->tape);
    options->promises = EXO_PROMISE_SETTLED; /* a tape stays as it is */
    options->raw = call_count_bytes;
    options->raw_ctx = client;
    exopy_pace_anew(&client->pace);
    client->busy = true;
    if (self->is_given) {
        call_begin_given(&self->given);
        options->resumes = true;
        self->call = exo_call_start_raw(client->client, &self->given.source, options, self);
    } else {
        self->call = exo_call_start_value(client->client, &self->cursor, options, self);
    }
    client->busy = false;
    if (!self->call) {
        const char *words = exo_client_message(client->client);
        if (words[0]) {
            PyErr_SetString(PyExc_RuntimeError, words);
        } else {
            PyErr_NoMemory();
        }
        return false;
    }
    call_link(self, client);
    return true;
}

PyObject *exopy_call_start(exopy_client *client, PyObject *model, PyObject *request, PyObject *options, PyObject *user)
{
    exopy_state *state = exopy_state_of((PyObject *)client);
    exopy_strings strings = {0};
    exo_buffer defaults = {0};
    call_options said = {.options = EXO_CALL_OPTIONS_INIT};
    exopy_call *self = exopy_client_is(client) ? (exopy_call *)exopy_alloc(state->call_type) : NULL;
    bool begun = self && (said.options.model = exopy_strings_text(&strings, model, "model")) &&
                 exopy_options_read(options, call_table, sizeof call_table / sizeof call_table[0], &said) &&
                 (!request || exopy_tape_build(&self->tape, state, request, "")) &&
                 call_set_options(client, &said, &strings, &defaults) &&
                 exopy_client_is(client); /* code of the caller's may have run */
    if (self) {
        self->is_given = !request;
        self->is_shown = (said.options.events & ~EXO_WANT(EXO_EVENT_FALLBACK)) != 0;
        self->join.plain = said.plain;
        self->user = Py_NewRef(user);
    }
    begun = begun && call_begin(self, client, &said.options);
    exo_buffer_free(&defaults);
    exopy_strings_free(&strings);
    if (!begun) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int call_traverse(PyObject *object, visitproc visit, void *arg)
{
    exopy_call *self = (exopy_call *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->client);
    Py_VISIT(self->user);
    Py_VISIT(self->answers);
    return 0;
}

static int call_clear(PyObject *object)
{
    exopy_call *self = (exopy_call *)object;
    Py_CLEAR(self->user);
    Py_CLEAR(self->answers);
    return 0;
}

/* One that is under way is held by its client: it has ended, or never began. */
static void call_dealloc(PyObject *object)
{
    exopy_call *self = (exopy_call *)object;
    PyObject_GC_UnTrack(object);
    (void)call_clear(object);
    exo_buffer_free(&self->given.bytes);
    exopy_join_free(&self->join);
    exopy_tape_free(&self->tape);
    exo_reply_free(self->reply);
    exopy_dealloc(object);
}

/* ---- methods ---- */

static bool call_runs(const exopy_call *self)
{
    return self->client && !self->cancelled;
}

static PyObject *call_cancel(PyObject *object, PyObject *ignored)
{
    exopy_call *self = (exopy_call *)object;
    (void)ignored;
    if (self->client && self->client->busy) {
        self->cancelled = true;
    } else {
        exopy_call_end(self);
    }
    Py_RETURN_NONE;
}

static PyObject *call_hold(PyObject *object, PyObject *args)
{
    exopy_call *self = (exopy_call *)object;
    int held;
    if (!PyArg_ParseTuple(args, "p:hold", &held)) {
        return NULL;
    }
    if (call_runs(self)) {
        if (!exopy_client_is(self->client)) {
            return NULL;
        }
        (void)exo_call_hold(self->call, held != 0);
    }
    Py_RETURN_NONE;
}

static PyObject *call_send(PyObject *object, PyObject *data)
{
    exopy_call *self = (exopy_call *)object;
    exopy_text text = {0};
    if (!self->is_given || self->given.complete) {
        PyErr_SetString(PyExc_ValueError, "send(): of start_raw() only, and not behind None");
        return NULL;
    }
    if (data != Py_None && !exopy_text_get(&text, data, "send()")) {
        return NULL;
    }
    int code = EXO_OK;
    if (call_runs(self)) {
        code = exo_buffer_append(&self->given.bytes, text.span);
        self->given.complete = data == Py_None;
        exo_call_resume(self->call);
    }
    exopy_text_free(&text);
    if (code != EXO_OK) {
        return PyErr_NoMemory();
    }
    return PyBool_FromLong(self->given.bytes.len - self->given.at < CALL_GIVEN_BYTES);
}

static PyObject *call_done(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyBool_FromLong(!call_runs((exopy_call *)object));
}

static PyObject *call_failure(PyObject *object, PyObject *ignored)
{
    const exopy_call *self = (exopy_call *)object;
    (void)ignored;
    const exo_failure *failure = self->reply ? exo_reply_failure(self->reply) : NULL;
    return failure ? exopy_failure_new(exopy_state_of(object), failure) : Py_NewRef(Py_None);
}

/* Each is made once: what it holds is taken out of the reply. */
static PyObject *call_answer(PyObject *object, PyObject *number)
{
    exopy_call *self = (exopy_call *)object;
    unsigned long choice = PyLong_AsUnsignedLong(number);
    if (choice == (unsigned long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *known = self->answers ? PyDict_GetItemWithError(self->answers, number) : NULL;
    if (known || PyErr_Occurred()) {
        return Py_XNewRef(known);
    }
    exo_answer *answer = self->reply && choice <= UINT32_MAX ? exo_reply_answer(self->reply, (uint32_t)choice) : NULL;
    if (!answer) {
        Py_RETURN_NONE;
    }
    bool proven = !exo_reply_failure(self->reply);
    bool began = exo_answer_began(answer) || (proven && exo_answer_proof(answer) != EXO_PROOF_NONE);
    PyObject *made =
        began ? exopy_answer_new(exopy_state_of(object), answer, (uint32_t)choice, proven) : Py_NewRef(Py_None);
    if (!made || (!self->answers && !(self->answers = PyDict_New())) ||
        PyDict_SetItem(self->answers, number, made) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

static PyObject *call_trail(PyObject *object, PyObject *ignored)
{
    const exopy_call *self = (exopy_call *)object;
    (void)ignored;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && self->reply && i < exo_reply_attempts(self->reply); i++) {
        PyObject *entry = exopy_trail_shown(exopy_state_of(object), exo_reply_attempt(self->reply, i));
        if (!entry || PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
    }
    return list;
}

static PyObject *call_deployment(PyObject *object, PyObject *ignored)
{
    const exopy_call *self = (exopy_call *)object;
    (void)ignored;
    return exopy_str(exo_span_text(self->reply ? exo_reply_deployment(self->reply) : ""));
}

static PyObject *call_request_id(PyObject *object, PyObject *ignored)
{
    const exopy_call *self = (exopy_call *)object;
    (void)ignored;
    return exopy_str(exo_span_text(self->reply ? exo_reply_request_id(self->reply) : ""));
}

static PyObject *call_milliseconds(PyObject *object, PyObject *ignored)
{
    const exopy_call *self = (exopy_call *)object;
    (void)ignored;
    return PyLong_FromLongLong(self->reply ? exo_reply_milliseconds(self->reply) : 0);
}

static PyObject *call_user(PyObject *object, void *closure)
{
    const exopy_call *self = (exopy_call *)object;
    (void)closure;
    return Py_NewRef(self->user ? self->user : Py_None);
}

static PyGetSetDef call_getters[] = {
    {"user", call_user, NULL, "As given to start().", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef call_methods[] = {
    {"cancel", call_cancel, METH_NOARGS, "cancel(): ends it now, without a further event."},
    {"hold", call_hold, METH_VARARGS, "hold(held): no events while held; the transfer pauses."},
    {"send", call_send, METH_O, "send(data): more of a body that is given; None: it is complete."},
    {"done", call_done, METH_NOARGS, "done(): whether it has ended."},
    {"failure", call_failure, METH_NOARGS, "failure(): why it failed, or None."},
    {"answer", call_answer, METH_O, "answer(choice): what came of a choice, or None."},
    {"trail", call_trail, METH_NOARGS, "trail(): an entry for each attempt."},
    {"deployment", call_deployment, METH_NOARGS, "deployment(): which one answered, or was tried last."},
    {"request_id", call_request_id, METH_NOARGS, "request_id(): the id that the last response's headers gave."},
    {"milliseconds", call_milliseconds, METH_NOARGS, "milliseconds(): from its start to its end."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot call_slots[] = {
    {Py_tp_doc, "One call of a Client."},
    {Py_tp_dealloc, EXOPY_SLOT(call_dealloc)},
    {Py_tp_traverse, EXOPY_SLOT(call_traverse)},
    {Py_tp_clear, EXOPY_SLOT(call_clear)},
    {Py_tp_getset, call_getters},
    {Py_tp_methods, call_methods},
    {0, NULL},
};

PyType_Spec exopy_call_spec = {
    "_exochat.Call", sizeof(exopy_call), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    call_slots,
};
