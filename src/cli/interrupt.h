/*
 * interrupt.h: SIGINT and SIGTERM as a flag that the command looks at between its waits.
 */
#ifndef EXO_CLI_INTERRUPT_H
#define EXO_CLI_INTERRUPT_H

#include <stdbool.h>

/* How long a wait may last before the flag is looked at, in milliseconds: a signal that comes just before the wait does
 * not end it. */
#define INTERRUPT_POLL_MS 100

/* Ignores SIGPIPE: whoever writes is told by errno. */
void interrupt_ignore_pipe(void);

/* Catches SIGINT and SIGTERM, once each: the second one ends the command at once. System calls return when one comes.
 */
void interrupt_catch(void);

/* Whether one has come. */
bool interrupted(void);

#endif
