/*
 * counting_heap.h: the C heap as an allocator that is counted, and that refuses its n-th allocation.
 */
#ifndef COUNTING_HEAP_H
#define COUNTING_HEAP_H

#include <stdlib.h>

#include "exochat/buffer.h"

/* `fail_at` counts from 1; 0 never fails. */
typedef struct counting_heap {
    size_t calls;
    size_t frees;
    size_t fail_at;
    size_t last_size;
} counting_heap;

static inline void *counting_resize(void *ctx, void *ptr, size_t size)
{
    counting_heap *heap = ctx;
    if (size == 0) {
        heap->frees++;
        free(ptr);
        return NULL;
    }
    if (++heap->calls == heap->fail_at) {
        return NULL;
    }
    heap->last_size = size;
    return realloc(ptr, size);
}

#endif
