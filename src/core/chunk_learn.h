/*
 * chunk_learn.h: which events of a stream are remembered as shapes, and which of their bytes may be others.
 *
 * chunk.c tells it what an event that it reads has given. Private to src/core; a build for small machines leaves it
 * out: EXO_SMALL.
 */
#ifndef EXO_CORE_CHUNK_LEARN_H
#define EXO_CORE_CHUNK_LEARN_H

#include "exochat/chunk.h"

/* What of an event is looked at, as chunk.c has it in its tables: lists for exo_json_name(). */
typedef struct exo_looked_at {
    const char *top;    /* members of the event, first those that name the response, EXO_CHUNK_NAMES_ of them */
    const char *choice; /* members of a choice */
    uint8_t choices;    /* of the former, the list of choices; */
    uint8_t message;    /* of the latter, the one that counts only where the delta beside it says nothing */
} exo_looked_at;

/* An event is about to be read. */
void exo_learn_begin(exo_chunk *chunk);

/* The text of a string that begins at `place`, or what stands there in its place, is about to be handed out in deltas
 * of that type. */
void exo_learn_text(exo_chunk *chunk, unsigned type, uint32_t place);

/* A delta is about to be handed out. */
void exo_learn_delta(exo_chunk *chunk, const exo_delta *delta);

/* All that the event gives was handed out: if that was one text, and what every event gives, it is remembered. */
void exo_learn_end(exo_chunk *chunk, const exo_looked_at *looked_at);

#endif
