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

/* Whether standard input is a file or a pipe, and so may hold a prompt. */
bool input_is_given(void);

#endif
