/*
 * fuzz.h: what the fuzz targets share: a heap that can be told to run dry, and cuts that are taken from the input
 * itself.
 *
 * A target is one file with LLVMFuzzerTestOneInput(). run.sh links it with libFuzzer; tests/CMakeLists.txt links it
 * with regression.c, which feeds it the seeds and a fixed number of mutations of them.
 */
#ifndef EXO_FUZZ_H
#define EXO_FUZZ_H

#include "exochat/exochat.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void *fuzz_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static const exo_allocator fuzz_heap = {NULL, fuzz_resize};

/* Stops the run: something that must hold does not. */
#define FUZZ_MUST(condition) ((condition) ? (void)0 : abort())

/* The first byte of the input says how the rest is cut: pieces of that many bytes, 0 for all at once. */
static inline size_t fuzz_piece(const uint8_t **data, size_t *size)
{
    size_t piece = *size > 0 ? **data : 0;
    if (*size > 0) {
        ++*data;
        --*size;
    }
    return piece > 0 ? piece : *size + 1;
}

/* A hash of what came out, so that two runs can be compared. FNV-1a, 64 bits. */
static inline uint64_t fuzz_hash(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

#endif
