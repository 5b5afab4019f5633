/*
 * intake_look.h: what a text of JSON is that is not read as an event.
 *
 * Private to src/core; keeps nothing.
 */
#ifndef EXOCHAT_INTAKE_LOOK_H
#define EXOCHAT_INTAKE_LOOK_H

#include "exochat/json_read.h"

/* How telling an event is that is no part of an answer, the least first. */
enum exo_odd {
    EXO_ODD_NONE,
    EXO_ODD_UNREADABLE, /* it could not be read */
    EXO_ODD_PERHAPS,    /* it may be an error */
    EXO_ODD_ERROR       /* it says that it is one */
};

/* What an object without choices may be: an error in words that nobody here knows. It has a message or a code, or says
 * that it is one. */
enum exo_odd exo_look_for_error(const exo_span *data);

/* Whether a line is an object with choices[].delta: the first of a stream of lines. */
bool exo_look_for_delta(const exo_span *line);

#endif
