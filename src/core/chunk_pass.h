/*
 * chunk_pass.h: where the members of an event stand, found without tokens.
 *
 * What is noted is the same as where chunk.c reads by tokens. Private to src/core; a build for small machines leaves it
 * out: EXO_SMALL.
 */
#ifndef EXO_CORE_CHUNK_PASS_H
#define EXO_CORE_CHUNK_PASS_H

#include "chunk_places.h"

/* Reads the event at hand for the first time: notes where the members of its object stand, and in first_ and behind_
 * what is to be known of its choices. False: it has to be read by tokens, and nothing is noted. */
bool exo_chunk_pass_event(exo_chunk *chunk);

/* Notes where the members of an object stand, which goes to value_, and returns where it ends. 0: there is no object,
 * or it has to be read by tokens, and what is noted is void. */
uint32_t exo_chunk_pass_object(exo_chunk *chunk, uint32_t place, enum list_number number);

/* Notes that none of the members of a list, nor of its inner one, is there. */
void exo_chunk_forget_members(exo_chunk *chunk, enum list_number number);

#endif
