/*
 * unruly.h: an endpoint that answers as it likes: whole, cut, reset, silent, dripping, with garbage or far too early.
 *
 * It serves from a thread of its own, on a port that the system picks; what it does with each request comes from a
 * seed. Memory: one connection of a fixed number each.
 */
#ifndef FUZZ_UNRULY_H
#define FUZZ_UNRULY_H

#include <stdint.h>

typedef struct unruly unruly;

/* Starts one, or returns NULL. Stop it with unruly_stop(). */
unruly *unruly_start(uint64_t seed);

/* The port that it listens at, at 127.0.0.1. */
unsigned unruly_port(const unruly *server);

/* Closes all connections and frees it. */
void unruly_stop(unruly *server);

#endif
