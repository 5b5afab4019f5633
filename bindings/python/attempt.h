/*
 * attempt.h: the object Attempt, as wire.c sees it.
 */
#ifndef EXOPY_ATTEMPT_H
#define EXOPY_ATTEMPT_H

#include "join.h"

/* One attempt. Memory: what exo_attempt grows, and the text of one delta that comes in pieces. */
typedef struct exopy_attempt {
    PyObject ob_base;
    bool begun; /* `attempt` is initialised */
    uint32_t choices;
    Py_buffer fed;       /* held while it is read; fed.obj NULL: nothing is */
    exo_answer *answers; /* one for each choice */
    PyObject *failure;   /* a Failure, once it was asked for */
    exo_buffer whole;
    exo_limits limits;
    exopy_join join;
    exo_drain drain;
    bool draining;
    exo_attempt attempt;
} exopy_attempt;

/* Whether `object` is an Attempt that is not closed. False with an exception. */
bool exopy_attempt_is(PyObject *object);

/* The next event; None: all that was told is read, or there is a verdict; NULL with an exception. */
PyObject *exopy_attempt_step(exopy_attempt *self);

#endif
