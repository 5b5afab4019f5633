/*
 * input.h: whole files, and standard input, into memory. Attachments never come this way.
 */
#ifndef EXO_CLI_INPUT_H
#define EXO_CLI_INPUT_H

#include "exochat/span.h"

/* Reads all of the file at `path` ("-": standard input) into `*bytes`, which the caller frees (free() of its `ptr`,
 * which is never NULL and has a NUL behind the last byte). False: it cannot be read, errno says why (EINTR: a signal
 * came). */
bool input_read(const char *path, exo_span *bytes);

/* Says why input_read() has failed for the value of an option, with errno as that has left it. */
void input_explain(const char *option, const char *path);

/* What standard input is to somebody who looks for a prompt there. */
typedef enum input_kind {
    INPUT_NONE,  /* a terminal */
    INPUT_WHOLE, /* a pipe, or a file from its beginning */
    INPUT_BEGUN, /* a file that somebody else has begun to read: what is left of it is likely theirs */
    INPUT_ENDED  /* the same, and nothing is left */
} input_kind;

/* Looks at standard input, and reads nothing. */
input_kind input_look(void);

/* Whether standard input has something to read, or has ended, within `milliseconds`. */
bool input_is_ready(int milliseconds);

#endif
