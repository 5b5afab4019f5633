/*
 * client.c: Client: exo_client for one thread at a time, with the calls under way.
 *
 * The GIL is held whenever the library is at work, since it walks tapes; it is released around a wait, which waits for
 * a descriptor and touches nothing of the client. What runs in between (a finalizer, while an event is made) may end
 * calls or the client: that is put off until the library is not at work.
 */
#include "client.h"

#include "options.h"
#include "strings.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/* What one turn() takes at most. */
#define CLIENT_TURN_EVENTS 64
#define CLIENT_TURN_BYTES  262144

/* How often one turn() has the library look again at once, where that has just read something and is due again: of one
 * call, of several. Each time it may move as much of a body as it may in a turn of its own, but a call whose answer has
 * begun has sent its body as a rule. */
#define CLIENT_TURN_LOOKS        4
#define CLIENT_TURN_LOOKS_OF_ALL 2

/* Bytes of answers: where one of several calls has read as many, the others have their turns first. */
#define CLIENT_TURN_REST 16384

/* How often wait() looks where there is no descriptor, in milliseconds. */
#define CLIENT_LOOK_MS 10

/* ---- life ---- */

bool exopy_client_is(exopy_client *self)
{
    if (!self->client || self->closing) {
        PyErr_SetString(PyExc_RuntimeError, "the client is closed");
        return false;
    }
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError, "the client is at work");
        return false;
    }
    return true;
}

static void client_raise_words(int code, const char *words)
{
    if (code == EXO_E_NO_MEMORY) {
        PyErr_NoMemory();
    } else {
        bool is_state = code == EXO_E_FORKED || code == EXO_E_STATE || code == EXO_E_LOCAL;
        PyObject *type = is_state ? PyExc_RuntimeError : PyExc_ValueError;
        PyErr_Format(type, "%s (%s)", words[0] ? words : exo_error_text(code), exo_error_name(code));
    }
}

void exopy_client_raise(const exopy_client *self, int code)
{
    client_raise_words(code, exo_client_message(self->client));
}

/* Ends all calls and frees the client, or puts that off. */
static void client_shut(exopy_client *self)
{
    if (self->client && (self->busy || self->waiting > 0)) {
        self->closing = true;
        exopy_pace_end(&self->pace);
        exo_client_wakeup(self->client);
        return;
    }
    exo_client *client = self->client;
    self->client = NULL;
    exopy_pace_free(&self->pace);
    while (self->calls) {
        exopy_call_end(self->calls);
    }
    exo_client_free(client);
}

/* The library is not at work any more: does what was put off meanwhile. */
static void client_rest(exopy_client *self)
{
    self->busy = false;
    for (exopy_call *call = self->calls; call;) {
        exopy_call *next = call->next;
        if (call->cancelled) {
            exopy_call_end(call);
            next = self->calls; /* letting go of it may have run anything */
        }
        call = next;
    }
    if (self->closing) {
        client_shut(self);
    }
}

static int client_traverse(PyObject *object, visitproc visit, void *arg)
{
    exopy_client *self = (exopy_client *)object;
    Py_VISIT(Py_TYPE(object));
    for (exopy_call *call = self->calls; call; call = call->next) {
        Py_VISIT(call);
    }
    Py_VISIT(self->deployed);
    return 0;
}

static int client_clear(PyObject *object)
{
    exopy_client *self = (exopy_client *)object;
    client_shut(self);
    Py_CLEAR(self->deployed);
    Py_CLEAR(self->watched);
    return 0;
}

static void client_dealloc(PyObject *object)
{
    PyObject_GC_UnTrack(object);
    (void)client_clear(object);
    exopy_dealloc(object);
}

/* ---- beginning ---- */

typedef struct client_options {
    exo_client_options options;
    exo_bounds bounds;
    PyObject *limits;
    bool watch;
} client_options;

#define CLIENT_FIELD(field, kind) \
    { \
#field, kind, offsetof(client_options, options) + offsetof(exo_client_options, field) \
    }

#define CLIENT_BOUND(type, field, standard) \
    {#field, EXOPY_COUNT, offsetof(client_options, bounds) + offsetof(exo_bounds, field)},

static const exopy_option client_table[] = {
    CLIENT_FIELD(turn_bytes, EXOPY_INT64), EXOPY_OPTION(client_options, limits, EXOPY_OBJECT),
    EXOPY_OPTION(client_options, watch, EXOPY_BOOL), EXO_BOUNDS_MAP(CLIENT_BOUND)};

/* Called by the library when what is waited for at a socket changes. */
static void client_note_watch(void *ctx, int socket, int what)
{
    exopy_client *self = ctx;
    PyObject *pair = Py_BuildValue("(ii)", socket, what);
    if (!pair || PyList_Append(self->watched, pair) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(pair);
}

static bool client_begin(exopy_client *self, PyObject *dict)
{
    client_options said = {.options = EXO_CLIENT_OPTIONS_INIT, .bounds = EXO_BOUNDS_INIT};
    char why[256];
    int error = EXO_OK;
    self->limits = *exo_limits_host();
    self->deployed = PyDict_New();
    if (!self->deployed ||
        !exopy_options_read(dict, client_table, sizeof client_table / sizeof client_table[0], &said) ||
        (said.limits && !exopy_limits_read(said.limits, &self->limits))) {
        return false;
    }
    said.options.limits = &self->limits;
    said.options.bounds = &said.bounds;
    said.options.error = &error;
    said.options.message = why;
    said.options.message_size = sizeof why;
    self->client = exo_client_new(&said.options);
    if (!self->client) {
        client_raise_words(error, why);
        return false;
    }
    if (said.watch || exo_client_fd(self->client) < 0) {
        exopy_pace_init(&self->pace, -1);
        self->watched = PyList_New(0);
        return self->watched && exo_client_watch(self->client, client_note_watch, self) == EXO_OK;
    }
    exopy_pace_init(&self->pace, exo_client_fd(self->client));
    return true;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *dict = Py_None;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "|O:Client", &dict)) {
        return NULL;
    }
    exopy_client *self = (exopy_client *)exopy_alloc(type);
    if (self && !client_begin(self, dict)) {
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* ---- deployments ---- */

static PyObject *client_deploy(PyObject *object, PyObject *args)
{
    exopy_client *self = (exopy_client *)object;
    PyObject *name;
    PyObject *options;
    if (!PyArg_ParseTuple(args, "UO!:deploy", &name, &PyDict_Type, &options) || !exopy_client_is(self)) {
        return NULL;
    }
    PyObject *copy = PyDict_Copy(options);
    bool deployed = copy && exopy_client_deploy(self, name, copy) && PyDict_SetItem(self->deployed, name, copy) == 0;
    Py_XDECREF(copy);
    return deployed ? Py_NewRef(Py_None) : NULL;
}

static PyObject *client_route(PyObject *object, PyObject *args)
{
    exopy_client *self = (exopy_client *)object;
    exopy_strings strings = {0};
    PyObject *objects[4];
    const char *name = NULL;
    const char *const *lists[2];
    size_t counts[2];
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    if (!PyArg_ParseTuple(args, "OOOO:route", &objects[0], &objects[1], &objects[2], &objects[3])) {
        return NULL;
    }
    bool read = (name = exopy_strings_text(&strings, objects[0], "name")) &&
                exopy_strings_list(&strings, objects[1], "fallbacks", &lists[0], &counts[0]) &&
                exopy_strings_list(&strings, objects[2], "context_fallbacks", &lists[1], &counts[1]) &&
                exopy_policy_read(objects[3], &policy) && exopy_client_is(self);
    if (read) {
        int code = exo_client_policy(self->client, name, &policy);
        code = code == EXO_OK ? exo_client_fallbacks(self->client, name, lists[0], counts[0]) : code;
        code = code == EXO_OK ? exo_client_context_fallbacks(self->client, name, lists[1], counts[1]) : code;
        read = code == EXO_OK;
        if (!read) {
            exopy_client_raise(self, code);
        }
    }
    exopy_strings_free(&strings);
    return read ? Py_NewRef(Py_None) : NULL;
}

/* ---- calls ---- */

static PyObject *client_start(PyObject *object, PyObject *args)
{
    PyObject *model;
    PyObject *request;
    PyObject *options;
    PyObject *user;
    if (!PyArg_ParseTuple(args, "OOOO:start", &model, &request, &options, &user)) {
        return NULL;
    }
    return exopy_call_start((exopy_client *)object, model, request, options, user);
}

static PyObject *client_start_raw(PyObject *object, PyObject *args)
{
    PyObject *model;
    PyObject *options;
    PyObject *user;
    if (!PyArg_ParseTuple(args, "OOO:start_raw", &model, &options, &user)) {
        return NULL;
    }
    return exopy_call_start((exopy_client *)object, model, NULL, options, user);
}

/* Where the events of a turn go: each as (user, event), or those that one call has in a row as (user, [event, …]). */
typedef struct client_taken {
    PyObject *list;
    bool in_rows;
    const exopy_call *last; /* whose row is the last one, */
    PyObject *row;          /* and it; borrowed of the list */
    int count;              /* of the library's events */
    size_t bytes;           /* of their texts */
} client_taken;

/* Takes over `item`, which may be NULL. */
static bool client_append(PyObject *list, PyObject *item)
{
    bool appended = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return appended;
}

/* A row for the events of this call, unless the last one is its own. */
static bool client_begin_row(client_taken *taken, const exopy_call *call)
{
    if (taken->last == call) {
        return true;
    }
    PyObject *row = PyList_New(0);
    bool begun = row && client_append(taken->list, PyTuple_Pack(2, call->user, row));
    Py_XDECREF(row);
    taken->last = call;
    taken->row = row;
    return begun;
}

/* Appends each event that the call has ready. */
static bool client_hand_on(exopy_call *call, client_taken *taken)
{
    while (exopy_join_has(&call->join)) {
        PyObject *event = exopy_join_next(&call->join);
        bool handed = false;
        if (!taken->in_rows) {
            handed = client_append(taken->list, PyTuple_Pack(2, call->user, event));
        } else if (client_begin_row(taken, call)) {
            handed = PyList_Append(taken->row, event) == 0;
        }
        Py_DECREF(event);
        if (!handed) {
            return false;
        }
    }
    return true;
}

/* An event of the library as one of Python's. */
static bool client_take(exopy_client *self, const exo_event *event, client_taken *into)
{
    exopy_state *state = exopy_state_of((PyObject *)self);
    exopy_call *call = exo_call_user(event->call);
    bool is_last = event->type == EXO_EVENT_END;
    exo_intake_event taken = {.type = event->type,
                              .choice = event->choice,
                              .tool = event->tool,
                              .last = event->last,
                              .replace = event->replace,
                              .text = event->text,
                              .id = event->id,
                              .name = event->name,
                              .usage = event->usage};
    if (event->type == EXO_EVENT_FALLBACK) {
        taken.name = exo_span_text(event->next);
    }
    PyObject *failure = event->failure ? exopy_failure_new(state, event->failure) : NULL;
    bool made = (failure || !event->failure) && exopy_join_take(&call->join, state, &taken, failure) &&
                client_hand_on(call, into);
    Py_XDECREF(failure);
    if (is_last) {
        call->cancelled = true; /* it has ended: what it held is let go of as soon as the library is not at work */
    }
    return made;
}

/* Takes events; what the library says in the end. -1 with an exception. */
static int client_take_all(exopy_client *self, client_taken *taken)
{
    for (; taken->count < CLIENT_TURN_EVENTS && taken->bytes < CLIENT_TURN_BYTES; taken->count++) {
        exo_event event;
        int code = exo_client_next(self->client, 0, &event);
        if (code < 0) {
            exopy_client_raise(self, code);
            return -1;
        }
        if (code != EXO_EVENT) {
            return code;
        }
        taken->bytes += event.text.len;
        if (!client_take(self, &event, taken)) {
            return -1;
        }
    }
    return EXO_EVENT;
}

/* Whether the library is to look again in this turn: a loop that comes back for the rest, or for the end, of what was
 * just read pays more for that than the rest costs. */
static bool client_looks_again(const exopy_client *self, const client_taken *taken, int looks)
{
    return self->call_count == 1
               ? looks < CLIENT_TURN_LOOKS && self->bytes_read < CLIENT_TURN_BYTES
               : looks < CLIENT_TURN_LOOKS_OF_ALL && self->bytes_read < CLIENT_TURN_REST && taken->count == 0;
}

/* All of a turn: as client_take_all(). */
static int client_take_turn(exopy_client *self, client_taken *taken)
{
    size_t before;
    int looks = 0;
    int code;
    do {
        before = self->bytes_read;
        code = client_take_all(self, taken);
        self->due = code == EXO_EVENT ? 0 : exo_client_timeout(self->client);
        looks++;
    } while (code == EXO_OK && self->due == 0 && self->bytes_read > before && client_looks_again(self, taken, looks));
    return code;
}

/* Who waits for what this turn has read. */
static exopy_audience client_audience(const exopy_client *self, const client_taken *taken)
{
    bool alone = self->call_count == 1 && !self->calls->is_shown;
    return taken->count > 0 ? EXOPY_SHOWN : alone ? EXOPY_NOBODY_ELSE : EXOPY_UNSEEN;
}

/* One turn, as `make` tells of it. NULL with an exception. */
static PyObject *client_do_turn(PyObject *object, bool in_rows,
                                PyObject *(*make)(const exopy_client *self, int code, PyObject *events))
{
    exopy_client *self = (exopy_client *)object;
    client_taken taken = {.in_rows = in_rows};
    taken.list = exopy_client_is(self) ? PyList_New(0) : NULL;
    if (!taken.list) {
        return NULL;
    }
    Py_INCREF(object);
    self->busy = true;
    self->bytes_read = 0;
    exopy_pace_begin(&self->pace);
    int code = client_take_turn(self, &taken);
    if (self->due != 0 && code != EXO_IDLE) {
        exopy_pace_read(&self->pace, self->bytes_read, client_audience(self, &taken));
    }
    PyObject *type;
    PyObject *error;
    PyObject *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    client_rest(self);
    PyErr_Restore(type, error, traceback);
    PyObject *result = code < 0 ? NULL : make(self, code, taken.list);
    Py_DECREF(taken.list);
    Py_DECREF(object);
    return result;
}

static PyObject *client_make_turn(const exopy_client *self, int code, PyObject *events)
{
    bool more = code == EXO_EVENT || (code == EXO_OK && self->due == 0);
    return Py_BuildValue("(NO)", PyBool_FromLong(more), events);
}

static PyObject *client_turn(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return client_do_turn(object, false, client_make_turn);
}

static PyObject *client_make_serve(const exopy_client *self, int code, PyObject *rows)
{
    (void)code;
    return Py_BuildValue("(LO)", (long long)self->due, rows);
}

static PyObject *client_serve(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return client_do_turn(object, true, client_make_serve);
}

static PyObject *client_calls(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    return PyLong_FromSsize_t(((exopy_client *)object)->call_count);
}

/* ---- waiting ---- */

static PyObject *client_fd(PyObject *object, PyObject *ignored)
{
    exopy_client *self = (exopy_client *)object;
    (void)ignored;
    return exopy_client_is(self) ? PyLong_FromLong(self->pace.fd) : NULL;
}

static PyObject *client_watch(PyObject *object, PyObject *ignored)
{
    exopy_client *self = (exopy_client *)object;
    (void)ignored;
    PyObject *fresh = PyList_New(0);
    if (!fresh || !self->watched) {
        return fresh;
    }
    PyObject *changes = self->watched;
    self->watched = fresh;
    return changes;
}

static PyObject *client_ready(PyObject *object, PyObject *args)
{
    exopy_client *self = (exopy_client *)object;
    int socket;
    int what;
    if (!PyArg_ParseTuple(args, "ii:ready", &socket, &what) || !exopy_client_is(self)) {
        return NULL;
    }
    self->busy = true;
    (void)exo_client_ready(self->client, socket, what);
    client_rest(self);
    Py_RETURN_NONE;
}

static PyObject *client_timeout(PyObject *object, PyObject *ignored)
{
    exopy_client *self = (exopy_client *)object;
    (void)ignored;
    return exopy_client_is(self) ? PyLong_FromLongLong(exo_client_timeout(self->client)) : NULL;
}

/* Waits without the GIL for the client's descriptor. As poll(): 1 it is ready, 0 the time is up, -1 errno. */
static int client_poll(const exopy_client *self, int64_t timeout)
{
    int fd = self->pace.fd;
    struct pollfd waited = {fd, POLLIN, 0};
    if (fd < 0) {
        timeout = timeout >= 0 && timeout < CLIENT_LOOK_MS ? timeout : CLIENT_LOOK_MS;
    }
    int milliseconds = timeout > INT_MAX ? INT_MAX : (int)timeout;
    int ready;
    Py_BEGIN_ALLOW_THREADS ready = poll(&waited, fd < 0 ? 0 : 1, milliseconds);
    Py_END_ALLOW_THREADS return ready;
}

static PyObject *client_wait(PyObject *object, PyObject *args)
{
    exopy_client *self = (exopy_client *)object;
    long long timeout;
    if (!PyArg_ParseTuple(args, "L:wait", &timeout) || !exopy_client_is(self)) {
        return NULL;
    }
    int64_t due = exo_client_timeout(self->client);
    bool own = due >= 0 && (timeout < 0 || due <= timeout); /* the client's time is up first */
    Py_INCREF(object);
    self->waiting++;
    int ready = client_poll(self, own ? due : timeout);
    bool interrupted = ready < 0 && errno == EINTR;
    self->waiting--;
    if (self->closing && self->waiting == 0) {
        client_shut(self);
    }
    Py_DECREF(object);
    if (interrupted && PyErr_CheckSignals() < 0) {
        return NULL;
    }
    return PyBool_FromLong(ready != 0 || own);
}

static PyObject *client_wakeup(PyObject *object, PyObject *ignored)
{
    exopy_client *self = (exopy_client *)object;
    (void)ignored;
    exopy_pace_end(&self->pace);
    exo_client_wakeup(self->client);
    Py_RETURN_NONE;
}

/* ---- questions about an endpoint ---- */

/* The ids of the models, each ended by NUL, in memory that needs no GIL. */
typedef struct client_ids {
    char *bytes;
    size_t size;
    bool failed;
} client_ids;

static void client_note_id(void *ctx, exo_span id)
{
    client_ids *ids = ctx;
    char *bytes = ids->failed ? NULL : realloc(ids->bytes, ids->size + id.len + 1);
    if (!bytes) {
        ids->failed = true;
        return;
    }
    memcpy(bytes + ids->size, id.ptr, id.len);
    bytes[ids->size + id.len] = '\0';
    ids->bytes = bytes;
    ids->size += id.len + 1;
}

static PyObject *client_list_ids(const client_ids *ids)
{
    PyObject *list = ids->failed ? PyErr_NoMemory() : PyList_New(0);
    for (size_t at = 0; list && at < ids->size;) {
        exo_span id = exo_span_text(ids->bytes + at);
        PyObject *text = exopy_str(id);
        if (!text || PyList_Append(list, text) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
        at += id.len + 1;
    }
    return list;
}

static PyObject *client_models(PyObject *object, PyObject *name)
{
    exopy_client *self = (exopy_client *)object;
    exopy_strings strings = {0};
    const char *model = exopy_strings_text(&strings, name, "name");
    if (!model || !exopy_client_is(self)) {
        exopy_strings_free(&strings);
        return NULL;
    }
    client_ids ids = {NULL, 0, false};
    exo_failure failure;
    exo_failure_clear(&failure);
    int code;
    Py_INCREF(object);
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS code = exo_client_models(self->client, model, client_note_id, &ids, &failure);
    Py_END_ALLOW_THREADS client_rest(self);
    PyObject *list = NULL;
    if (code == EXO_OK) {
        list = client_list_ids(&ids);
    } else {
        PyObject *reason = exopy_failure_new(exopy_state_of(object), &failure);
        if (reason) {
            PyErr_SetObject(PyExc_RuntimeError, reason);
            Py_DECREF(reason);
        }
    }
    free(ids.bytes);
    exopy_strings_free(&strings);
    Py_DECREF(object);
    return list;
}

/* ---- the end ---- */

static PyObject *client_close(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    client_shut((exopy_client *)object);
    Py_RETURN_NONE;
}

static PyObject *client_abandon(PyObject *object, PyObject *ignored)
{
    exopy_client *self = (exopy_client *)object;
    (void)ignored;
    self->waiting = 0; /* the threads that waited are the parent's too */
    self->busy = false;
    client_shut(self);
    Py_RETURN_NONE;
}

static PyMethodDef client_methods[] = {
    {"deploy", client_deploy, METH_VARARGS, "deploy(name, options): deploys or replaces a deployment."},
    {"route", client_route, METH_VARARGS, "route(name, fallbacks, context_fallbacks, policy): sets its lists."},
    {"start", client_start, METH_VARARGS, "start(model, request, options, user): starts a call."},
    {"start_raw", client_start_raw, METH_VARARGS, "start_raw(model, options, user): one whose body is sent."},
    {"turn", client_turn, METH_NOARGS, "turn(): (whether there is more, [(user, event)])."},
    {"serve", client_serve, METH_NOARGS, "serve(): the same for a loop: (timeout(), [(user, [event, ...])])."},
    {"fd", client_fd, METH_NOARGS, "fd(): one descriptor, readable when turn() is due; or -1."},
    {"watch", client_watch, METH_NOARGS, "watch(): [(socket, what)] that has changed."},
    {"ready", client_ready, METH_VARARGS, "ready(socket, what): a watched socket is ready."},
    {"timeout", client_timeout, METH_NOARGS, "timeout(): milliseconds until turn() is due; -1: no limit."},
    {"wait", client_wait, METH_VARARGS, "wait(timeout): waits without the GIL until turn() is due."},
    {"wakeup", client_wakeup, METH_NOARGS, "wakeup(): ends a wait, from any thread."},
    {"calls", client_calls, METH_NOARGS, "calls(): how many are under way."},
    {"models", client_models, METH_O, "models(name): which models an endpoint serves. Blocks."},
    {"close", client_close, METH_NOARGS, "close(): ends all calls and frees everything."},
    {"abandon", client_abandon, METH_NOARGS, "abandon(): after a fork, lets go of the parent's client."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot client_slots[] = {
    {Py_tp_doc, "Client(options): deployments, connections and the calls under way."},
    {Py_tp_new, EXOPY_SLOT(client_new)},
    {Py_tp_dealloc, EXOPY_SLOT(client_dealloc)},
    {Py_tp_traverse, EXOPY_SLOT(client_traverse)},
    {Py_tp_clear, EXOPY_SLOT(client_clear)},
    {Py_tp_methods, client_methods},
    {0, NULL},
};

PyType_Spec exopy_client_spec = {
    "_exochat.Client", sizeof(exopy_client), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, client_slots,
};
