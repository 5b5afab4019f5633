/*
 * draining.h: responses that are read on behind their verdict, so that their connections can serve again.
 *
 * An attempt that starts meanwhile may wait for one of them. Memory: one entry each, for EXO_DRAIN_MS at most.
 */
#ifndef EXO_CLIENT_DRAINING_H
#define EXO_CLIENT_DRAINING_H

#include "loop.h"

typedef struct exo_draining exo_draining;

/* Those of one client. Zero it, and set `loop`. */
typedef struct exo_drains {
    exo_loop *loop;
    exo_draining *first;
} exo_drains;

/* Takes an exchange over and drains it; where memory runs out it is ended at once. */
void exo_drains_add(exo_drains *drains, exo_exchange *exchange, exo_deployed *deployed);

/* Waits for a connection that is being drained, that `deployed` may use and that nobody waits for yet: `task` is woken
 * when it is free, and `*awaited` set to NULL. False: there is none. */
bool exo_drains_await(exo_drains *drains, const exo_deployed *deployed, exo_task *task, exo_draining **awaited);

/* Waits no longer. NULL is allowed. */
void exo_drains_forget(exo_draining *draining);

/* Ends them all. */
void exo_drains_close(exo_drains *drains);

#endif
