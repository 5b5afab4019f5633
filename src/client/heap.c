/*
 * heap.c: see heap.h.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

static void *heap_resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

const exo_allocator exo_heap = {NULL, heap_resize};

char *exo_heap_copy(const char *text)
{
    return text ? exo_heap_copy_span(exo_span_text(text)) : NULL;
}

char *exo_heap_copy_span(exo_span text)
{
    char *copy = malloc(text.len + 1);
    if (!copy) {
        return NULL;
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return copy;
}

void exo_heap_copy_into(char *to, size_t size, exo_span text)
{
    text = exo_span_cut(text, size - 1);
    if (text.len > 0) {
        memcpy(to, text.ptr, text.len);
    }
    to[text.len] = '\0';
}

/* Called by an address that may be another's, as far as the compiler knows: so it is called. */
static void *(*const volatile heap_set)(void *, int, size_t) = memset;

void exo_heap_wipe(void *memory, size_t size)
{
    if (size > 0) {
        heap_set(memory, 0, size);
    }
}

void exo_heap_free_secret(char *text)
{
    if (text) {
        exo_heap_wipe(text, strlen(text));
        free(text);
    }
}
