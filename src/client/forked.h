/*
 * forked.h: what a child process is told by, and what stands in the place of a transport there: nothing of the parent's
 * is moved.
 */
#ifndef EXO_CLIENT_FORKED_H
#define EXO_CLIENT_FORKED_H

#include "transport.h"

/* How often this process was the child of a fork(): engine.c counts. Who calls back into the program in the midst of
 * something asks before and behind. */
unsigned exo_forks(void);

/* The functions of a transport that is the parent's: none of them does anything; what starts fails with EXO_E_FORKED,
 * and what is asked for is not there. */
extern const exo_transport_table exo_forked_table;

#endif
