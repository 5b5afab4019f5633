/*
 * join.h: fragments of the core → whole events of Python, one for each string of a delta.
 *
 * The core hands out a text in fragments and says which is the last of its string. Where it holds the end back (the
 * half of a character, what may become a tag), that comes with the next one. So events are the same however the bytes
 * come. Memory: the text of one delta.
 */
#ifndef EXOPY_JOIN_H
#define EXOPY_JOIN_H

#include "binding.h"

/* Zeroed, it has joined nothing. */
typedef struct exopy_join {
    bool plain;             /* a text of choice 0 is a str, no event */
    bool joining;           /* `text` is what came so far of `first` */
    exo_intake_event first; /* without what it points to */
    exo_buffer text;
    PyObject *ready[2]; /* events to be handed out, in order */
} exopy_join;

/* Takes what the core handed out; only while there is nothing to be handed on. `failure` (may be NULL) is the event's.
 * False with an exception. */
bool exopy_join_take(exopy_join *join, exopy_state *state, const exo_intake_event *event, PyObject *failure);

/* No more will come: what was joined so far is an event. False with an exception. */
bool exopy_join_flush(exopy_join *join, exopy_state *state);

/* Whether there is an event to be handed out, and it; the reference is the caller's. */
bool exopy_join_has(const exopy_join *join);
PyObject *exopy_join_next(exopy_join *join);

void exopy_join_free(exopy_join *join);

#endif
