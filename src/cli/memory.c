/*
 * memory.c: see memory.h. Each of libcurl's blocks begins with its size, so that it is known how much there is to wipe.
 */
#include "memory.h"

#include <curl/curl.h>
#include <stddef.h>
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

/* ---- libcurl's ---- */

/* What lies before a block; aligned as malloc() would align it. */
typedef union head {
    size_t size;
    max_align_t align;
} head;

/* A compiler may leave out a memset() before free(); it cannot know what this pointer leads to. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

static void *memory_allocate(size_t size)
{
    head *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block) {
        return NULL;
    }
    block->size = size;
    return block + 1;
}

static void memory_release(void *memory)
{
    if (memory) {
        head *block = (head *)memory - 1;
        fill(memory, 0, block->size);
        free(block);
    }
}

static void *memory_resize(void *memory, size_t size)
{
    size_t before = memory ? ((head *)memory - 1)->size : 0;
    void *moved = memory_allocate(size);
    if (moved && memory) {
        memcpy(moved, memory, before < size ? before : size);
        memory_release(memory);
    }
    return moved;
}

static char *memory_duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_allocate(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void *memory_allocate_zeroed(size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = memory_allocate(count * size);
    return memory ? memset(memory, 0, count * size) : NULL;
}

bool memory_for_curl(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_allocate, memory_release, memory_resize, memory_duplicate,
                                memory_allocate_zeroed) == CURLE_OK;
}
