/*
 * nearest.h: which of some words somebody may have meant.
 */
#ifndef EXO_CLI_NEAREST_H
#define EXO_CLI_NEAREST_H

#include "exochat/span.h"

/* The best of the words that were offered so far. Begin with NEAREST_INIT. */
typedef struct nearest {
    const char *word; /* NULL: none is near */
    size_t steps;
} nearest;

#define NEAREST_INIT \
    { \
        NULL, SIZE_MAX \
    }

/* How many letters must be put in, left out, changed or swapped with their neighbour to make `b` of `a`, letters of
 * both cases being the same; SIZE_MAX where they are nothing alike: one of them is empty or longer than 63 bytes. */
size_t nearest_steps(exo_span a, exo_span b);

/* Offers `word` (borrowed) as what `typed` may be meant to be. It must be nearer than those before it, and near for its
 * length: a third of it may be wrong. */
void nearest_offer(nearest *best, exo_span typed, const char *word);

#endif
