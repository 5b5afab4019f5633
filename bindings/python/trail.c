/*
 * trail.c: an entry of a call's trail as its caller gets it: None where something did not come; see binding.h.
 *
 * Every call has one at least, so the names are made once, with the module.
 */
#include "binding.h"

static PyObject *trail_moment(int64_t moment)
{
    return moment < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(moment);
}

static PyObject *trail_words(bool is_there, const char *words)
{
    return is_there ? exopy_str_or_none(exo_span_text(words)) : Py_NewRef(Py_None);
}

/* The fields, and what is shown of the entry `e`; `failed`: it says with which code. */
#define TRAIL_MAP(X) \
    X(deployment, exopy_str(exo_span_text(e->deployment))) \
    X(model, exopy_str(exo_span_text(e->model))) \
    X(code, trail_words(failed, exo_error_name(e->code))) \
    X(verdict, trail_words(failed, exo_verdict_name(e->verdict))) \
    X(message, trail_words(true, e->message)) \
    X(http_status, trail_moment(e->http_status ? e->http_status : -1)) \
    X(started_ms, trail_moment(e->started_ms)) \
    X(resolved_ms, trail_moment(e->resolved_ms)) \
    X(connected_ms, trail_moment(e->connected_ms)) \
    X(sent_ms, trail_moment(e->sent_ms)) \
    X(first_event_ms, trail_moment(e->first_event_ms)) \
    X(end_ms, trail_moment(e->end_ms)) \
    X(queued_ms, trail_moment(e->queued_ms)) \
    X(bytes_sent, PyLong_FromUnsignedLongLong(e->bytes_sent)) \
    X(bytes_received, PyLong_FromUnsignedLongLong(e->bytes_received)) \
    X(http_version, trail_words(true, e->http_version)) \
    X(reused, PyBool_FromLong(e->reused)) \
    X(resent, PyBool_FromLong(e->resent))

static const char *const trail_names[] = {
#define EXO_X(name, value) #name,
    TRAIL_MAP(EXO_X)
#undef EXO_X
};
_Static_assert(sizeof trail_names / sizeof trail_names[0] == EXOPY_TRAIL_FIELDS, "as many as the state has names for");

bool exopy_trail_prepare(exopy_state *state)
{
    for (size_t i = 0; i < EXOPY_TRAIL_FIELDS; i++) {
        state->trail_names[i] = PyUnicode_InternFromString(trail_names[i]);
        if (!state->trail_names[i]) {
            return false;
        }
    }
    return true;
}

PyObject *exopy_trail_shown(exopy_state *state, const exo_trail_entry *entry)
{
    const exo_trail_entry *e = entry;
    const bool failed = e->code != EXO_OK;
    PyObject *const values[] = {
#define EXO_X(name, value) value,
        TRAIL_MAP(EXO_X)
#undef EXO_X
    };
    PyObject *dict = PyDict_New();
    for (size_t i = 0; i < EXOPY_TRAIL_FIELDS; i++) {
        if (dict && (!values[i] || PyDict_SetItem(dict, state->trail_names[i], values[i]) < 0)) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(values[i]);
    }
    return dict;
}
