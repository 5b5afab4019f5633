/*
 * bell.h: a descriptor that becomes readable when somebody rings, so that a wait for sockets ends.
 *
 * An eventfd on Linux, a pipe elsewhere. Ringing is one write(): it may be done by any thread and by a signal handler.
 */
#ifndef EXO_CLIENT_BELL_H
#define EXO_CLIENT_BELL_H

#include <stdbool.h>

typedef struct exo_bell {
    int reads; /* readable from the first ring until it is answered */
    int rings; /* the same descriptor, or the other end */
} exo_bell;

/* False when descriptors run out; it is closed then. Both ends close on exec, and neither ever blocks. */
bool exo_bell_open(exo_bell *bell);

/* Rings. One that was not answered yet stays one. errno is kept. */
void exo_bell_ring(const exo_bell *bell);

/* Whether it was rung since this was asked last; it is silent then. */
bool exo_bell_answer(const exo_bell *bell);

void exo_bell_close(exo_bell *bell);

#endif
