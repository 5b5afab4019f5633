/*
 * events.h: --events: a call as lines of JSON.
 */
#ifndef EXO_CLI_EVENTS_H
#define EXO_CLI_EVENTS_H

#include "exochat/client.h"

/* One event but END, as a line on standard output. */
void events_print(const exo_event *event);

/* What END stands for, and the trail: the last two lines. `advice` is for the failure. */
void events_print_end(const exo_reply *reply, const char *advice);

#endif
