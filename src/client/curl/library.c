/*
 * library.c: libcurl as a whole: its version, and a heap for it that is wiped. See library.h of the public headers.
 *
 * Called by programs, once, before there is a client. Each of libcurl's blocks begins with its size, so that it is
 * known how much there is to wipe; nothing else is kept.
 */
#include "exochat/library.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *exo_library_versions(void)
{
    return curl_version();
}

/* What lies before a block; aligned as malloc() would align it. */
typedef union head {
    size_t size;
    max_align_t align;
} head;

/* A compiler may leave out a memset() before free(); it cannot know what this pointer leads to. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

static void *library_allocate(size_t size)
{
    head *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block) {
        return NULL;
    }
    block->size = size;
    return block + 1;
}

static void library_release(void *memory)
{
    if (memory) {
        head *block = (head *)memory - 1;
        fill(memory, 0, block->size);
        free(block);
    }
}

static void *library_resize(void *memory, size_t size)
{
    size_t before = memory ? ((head *)memory - 1)->size : 0;
    void *moved = library_allocate(size);
    if (moved && memory) {
        memcpy(moved, memory, before < size ? before : size);
        library_release(memory);
    }
    return moved;
}

static char *library_duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = library_allocate(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void *library_allocate_zeroed(size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = library_allocate(count * size);
    return memory ? memset(memory, 0, count * size) : NULL;
}

int exo_library_wipe_memory(void)
{
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, library_allocate, library_release, library_resize,
                                         library_duplicate, library_allocate_zeroed);
    return code == CURLE_OK ? EXO_OK : EXO_E_NO_MEMORY;
}
