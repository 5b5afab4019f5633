/*
 * number.h: numbers of the command line, whatever the locale.
 */
#ifndef EXO_CLI_NUMBER_H
#define EXO_CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the digits at `text` into `*number`. What follows them, or NULL: there are none, or they are more than `most`.
 */
const char *number_read(const char *text, int64_t most, int64_t *number);

/* Reads a time: seconds, with s or without, ms or m; a fraction of up to three digits is allowed. False: it is none. */
bool number_time(const char *text, int64_t *milliseconds);

#endif
