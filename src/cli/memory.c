/*
 * memory.c: see memory.h.
 */
#include "memory.h"

#include <stdlib.h>

static void *memory_heap_resize(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size);
}

const exo_allocator memory_heap = {NULL, memory_heap_resize};
