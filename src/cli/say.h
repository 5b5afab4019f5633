/*
 * say.h: what people read: text to a stream as it comes, and lines on standard error.
 *
 * On a terminal, control characters of a text are shown as U+FFFD, so that an answer cannot steer the terminal; a pipe
 * gets every byte as it is. Nothing is kept but whether a line of standard error is open.
 */
#ifndef EXO_CLI_SAY_H
#define EXO_CLI_SAY_H

#include "exochat/span.h"

#include <stdio.h>

/* Writes `text` to `to`, safely if that is a terminal. Spans may be cut between characters only. */
void say_text(FILE *to, bool terminal, exo_span text);

/* Text on standard error as it comes (reasoning). The next line below begins a line of its own. */
void say_stream(exo_span text);

/* Ends the line that say_stream() has left open, if it did. */
void say_end_line(void);

/* One line on standard error, with "exochat: " in front, control characters as spaces. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void say(const char *format, ...);

/* Standard output could not be written: says why, once, unless the reader has gone away. Returns the exit code. */
int say_output_failed(void);

/* Flushes standard output. False: it could not be written. */
bool say_flush(void);

#endif
