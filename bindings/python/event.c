/*
 * event.c: events, usage and what an attempt leaves in the trail, as Python has them; see binding.h.
 */
#include "binding.h"

static bool event_set(PyObject *dict, const char *name, PyObject *value)
{
    bool set = value && PyDict_SetItemString(dict, name, value) == 0;
    Py_XDECREF(value);
    return set;
}

static bool event_set_number(PyObject *dict, const char *name, int64_t number)
{
    return event_set(dict, name, PyLong_FromLongLong(number));
}

static bool event_set_count(PyObject *dict, const char *name, int64_t count)
{
    return count < 0 || event_set_number(dict, name, count);
}

static PyObject *event_dict(PyObject *dict, bool whole)
{
    if (!whole) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *exopy_usage(const exo_usage *usage)
{
    if (!usage) {
        Py_RETURN_NONE;
    }
    PyObject *dict = PyDict_New();
    return event_dict(dict, dict && event_set_count(dict, "prompt_tokens", usage->prompt_tokens) &&
                                event_set_count(dict, "completion_tokens", usage->completion_tokens) &&
                                event_set_count(dict, "total_tokens", usage->total_tokens) &&
                                event_set_count(dict, "cached_tokens", usage->cached_tokens) &&
                                event_set_count(dict, "reasoning_tokens", usage->reasoning_tokens));
}

static PyObject *event_text(exopy_state *state, exo_span text)
{
    return text.len > 0 ? exopy_str(text) : Py_NewRef(state->empty);
}

/* A tuple of what is taken over; NULL where one of it is. */
static PyObject *event_pack(PyObject *const items[9])
{
    bool whole = true;
    for (int i = 0; i < 9; i++) {
        whole = whole && items[i];
    }
    PyObject *tuple = whole ? PyTuple_New(9) : NULL;
    for (int i = 0; i < 9; i++) {
        if (tuple) {
            (void)PyTuple_SetItem(tuple, i, items[i]);
        } else {
            Py_XDECREF(items[i]);
        }
    }
    return tuple;
}

PyObject *exopy_event_new(exopy_state *state, const exo_intake_event *event, PyObject *text, PyObject *failure)
{
    /* All that the event points to is copied before the first dict or tuple is made: that may run a finalizer. */
    exo_usage usage = EXO_USAGE_INIT;
    bool has_usage = event->type == EXO_EVENT_USAGE && event->usage;
    if (has_usage) {
        usage = *event->usage;
    }
    PyObject *id = event_text(state, event->id);
    PyObject *name = event_text(state, event->name);
    PyObject *const items[9] = {
        Py_NewRef(state->event_names[event->type]),
        PyLong_FromUnsignedLong(event->choice),
        Py_NewRef(text ? text : state->empty),
        PyLong_FromUnsignedLong(event->tool),
        id,
        name,
        exopy_usage(has_usage ? &usage : NULL),
        Py_NewRef(event->replace ? Py_True : Py_False),
        Py_NewRef(failure ? failure : Py_None),
    };
    return event_pack(items);
}

/* Adds the event that `name` is to the mask. */
static bool event_add_wanted(exopy_state *state, PyObject *name, uint64_t *mask)
{
    for (unsigned type = 0; type < EXOPY_EVENT_TYPES && PyUnicode_Check(name); type++) {
        if (state->event_names[type] && PyUnicode_Compare(state->event_names[type], name) == 0) {
            *mask |= EXO_WANT(type);
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "wanted: no such event: %R", name);
    return false;
}

bool exopy_wanted(exopy_state *state, PyObject *names, uint64_t *mask)
{
    if (!names || names == Py_None) {
        *mask = EXO_WANT_ALL;
        return true;
    }
    *mask = 0;
    bool list = PyList_Check(names);
    if (!list && !PyTuple_Check(names)) {
        PyErr_SetString(PyExc_TypeError, "wanted: tuple or list expected");
        return false;
    }
    for (Py_ssize_t i = 0; i < (list ? PyList_Size(names) : PyTuple_Size(names)); i++) {
        if (!event_add_wanted(state, list ? PyList_GetItem(names, i) : PyTuple_GetItem(names, i), mask)) {
            return false;
        }
    }
    return true;
}

PyObject *exopy_trail_entry(const exo_trail_entry *entry)
{
    PyObject *dict = PyDict_New();
    return event_dict(dict, dict && event_set_number(dict, "code", entry->code) &&
                                event_set(dict, "verdict", PyUnicode_FromString(exo_verdict_name(entry->verdict))) &&
                                event_set_number(dict, "http_status", entry->http_status) &&
                                event_set(dict, "reused", PyBool_FromLong(entry->reused)) &&
                                event_set(dict, "resent", PyBool_FromLong(entry->resent)) &&
                                event_set_number(dict, "connected_ms", entry->connected_ms) &&
                                event_set_number(dict, "sent_ms", entry->sent_ms) &&
                                event_set_number(dict, "first_event_ms", entry->first_event_ms) &&
                                event_set_number(dict, "end_ms", entry->end_ms) &&
                                event_set_number(dict, "queued_ms", entry->queued_ms) &&
                                event_set(dict, "bytes_sent", PyLong_FromUnsignedLongLong(entry->bytes_sent)) &&
                                event_set(dict, "bytes_received", PyLong_FromUnsignedLongLong(entry->bytes_received)));
}
