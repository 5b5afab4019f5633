/*
 * heap.h: the hosted library's memory: realloc as an exo_allocator, copies of strings, and wiping.
 */
#ifndef EXO_CLIENT_HEAP_H
#define EXO_CLIENT_HEAP_H

#include "exochat/buffer.h"

/* realloc() and free(). */
extern const exo_allocator exo_heap;

/* A copy of a string on the heap; NULL for NULL, or when memory runs out. */
char *exo_heap_copy(const char *text);

/* A NUL-terminated copy of a span on the heap; NULL when memory runs out. */
char *exo_heap_copy_span(exo_span text);

/* Copies a text into `size` bytes (at least 1) at `to` and terminates it with NUL, cut as by exo_span_cut() where it
 * does not fit. */
void exo_heap_copy_into(char *to, size_t size, exo_span text);

/* Overwrites `size` bytes with zeros, in a way that the compiler does not leave out. NULL is allowed. */
void exo_heap_wipe(void *memory, size_t size);

/* Wipes and frees a string. NULL is allowed. */
void exo_heap_free_secret(char *text);

#endif
