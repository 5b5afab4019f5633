/*
 * number.h: numbers of the command line, whatever the locale.
 */
#ifndef EXO_CLI_NUMBER_H
#define EXO_CLI_NUMBER_H

#include <stdint.h>

/* Reads the digits at `text` into `*number`. What follows them, or NULL: there are none, or they are more than `most`.
 */
const char *number_read(const char *text, int64_t most, int64_t *number);

#endif
