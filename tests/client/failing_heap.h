/*
 * failing_heap.h: heap.c, with memory that runs out. It takes the place of the library's own in the one program that
 * includes it.
 */
#ifndef FAILING_HEAP_H
#define FAILING_HEAP_H

#include <stdlib.h>

/* How many more blocks there are; negative: no end of them. */
static long heap_left = -1;

static int heap_is_empty(void)
{
    if (heap_left == 0) {
        return 1;
    }
    heap_left -= heap_left > 0;
    return 0;
}

static void *scarce_malloc(size_t size)
{
    return heap_is_empty() ? NULL : malloc(size);
}

static void *scarce_realloc(void *memory, size_t size)
{
    return heap_is_empty() ? NULL : realloc(memory, size);
}

#define malloc  scarce_malloc
#define realloc scarce_realloc
#include "../../src/client/heap.c"
#undef malloc
#undef realloc

#endif
