/*
 * source.h: a source of the caller's for the tests: so many bytes of a pattern, with a fault on demand.
 */
#ifndef EXO_TEST_SOURCE_H
#define EXO_TEST_SOURCE_H

#include "exochat/value.h"

typedef struct test_source {
    exo_source source;
    uint64_t total;
    uint64_t at;
    uint64_t fails_at;       /* read() says EXO_E_SOURCE_READ from here on */
    unsigned changes_pass;   /* from this pass on (from 1) the bytes are others; 0: never */
    unsigned lengthens_pass; /* from this pass on there is one byte more; 0: never */
    unsigned stutters;       /* so many of each read() says EXO_AGAIN first */
    unsigned stuttered;
    bool closed; /* every read() says EXO_AGAIN */
    unsigned long reads;
    unsigned pass;
} test_source;

/* A source of `total` bytes "abc…z\nabc…" that can rewind and knows its size; change what else you need. */
void test_source_init(test_source *source, uint64_t total);

/* Takes the way back, or the knowledge of its size, from it. */
void test_source_once(test_source *source);
void test_source_unsized(test_source *source);

#endif
