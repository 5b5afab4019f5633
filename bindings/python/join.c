/*
 * join.c: see join.h.
 */
#include "join.h"

static bool join_has_text(exo_event_type type)
{
    return type == EXO_EVENT_TEXT || type == EXO_EVENT_REASONING || type == EXO_EVENT_REFUSAL ||
           type == EXO_EVENT_TOOL_ARGUMENTS;
}

static bool join_goes_on(const exopy_join *join, const exo_intake_event *event)
{
    return event->type == join->first.type && event->choice == join->first.choice && event->tool == join->first.tool &&
           !event->replace;
}

/* The event that is a text. */
static PyObject *join_event(const exopy_join *join, exopy_state *state, const exo_intake_event *event, PyObject *text)
{
    bool plain = join->plain && event->type == EXO_EVENT_TEXT && event->choice == 0;
    return plain ? Py_NewRef(text) : exopy_event_new(state, event, text, NULL);
}

/* Takes over `event`. */
static bool join_ready(exopy_join *join, PyObject *event)
{
    join->ready[join->ready[0] ? 1 : 0] = event;
    return event != NULL;
}

static bool join_append(exopy_join *join, const exo_intake_event *event)
{
    if (!join->joining) {
        join->joining = true;
        join->first = *event;
        join->first.id = join->first.name = join->first.text = exo_span_of(NULL, 0);
        exo_buffer_clear(&join->text);
    }
    if (!join->text.data) {
        exo_buffer_init(&join->text, &exopy_heap, UINT32_MAX, EXO_E_EVENT_LIMIT);
    }
    if (exo_buffer_append(&join->text, event->text) != EXO_OK) {
        join->joining = false;
        PyErr_NoMemory();
        return false;
    }
    return true;
}

bool exopy_join_flush(exopy_join *join, exopy_state *state)
{
    if (!join->joining) {
        return true;
    }
    join->joining = false;
    PyObject *text = exopy_str(exo_buffer_span(&join->text));
    bool made = text && join_ready(join, join_event(join, state, &join->first, text));
    Py_XDECREF(text);
    exo_buffer_free(&join->text);
    return made;
}

/* An event that is there as a whole. */
static bool join_whole(exopy_join *join, exopy_state *state, const exo_intake_event *event, PyObject *failure)
{
    if (!join_has_text(event->type)) {
        return join_ready(join, exopy_event_new(state, event, NULL, failure));
    }
    PyObject *text = exopy_str(event->text);
    bool made = text && join_ready(join, join_event(join, state, event, text));
    Py_XDECREF(text);
    return made;
}

bool exopy_join_take(exopy_join *join, exopy_state *state, const exo_intake_event *event, PyObject *failure)
{
    if (join->joining && !join_goes_on(join, event) && !exopy_join_flush(join, state)) {
        return false;
    }
    bool part = join_has_text(event->type) && !event->last;
    if (!part && !join->joining) {
        return join_whole(join, state, event, failure);
    }
    return join_append(join, event) && (part || exopy_join_flush(join, state));
}

bool exopy_join_has(const exopy_join *join)
{
    return join->ready[0] != NULL;
}

PyObject *exopy_join_next(exopy_join *join)
{
    PyObject *event = join->ready[0];
    join->ready[0] = join->ready[1];
    join->ready[1] = NULL;
    return event;
}

void exopy_join_free(exopy_join *join)
{
    join->joining = false;
    exo_buffer_free(&join->text);
    Py_CLEAR(join->ready[0]);
    Py_CLEAR(join->ready[1]);
}
