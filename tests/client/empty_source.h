/*
 * empty_source.h: what a source of no bytes is made of.
 */
#ifndef EMPTY_SOURCE_H
#define EMPTY_SOURCE_H

#include <stddef.h>

#include "exochat/error.h"

static inline int read_nothing(void *ctx, void *dst, size_t size, size_t *got)
{
    (void)ctx;
    (void)dst;
    (void)size;
    *got = 0;
    return EXO_OK;
}

static inline int rewind_nothing(void *ctx)
{
    (void)ctx;
    return EXO_OK;
}

#endif
