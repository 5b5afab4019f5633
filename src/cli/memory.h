/*
 * memory.h: where the command's memory comes from: the heap, and for libcurl, which keeps copies of keys in it, a heap
 * that is wiped when memory is given back.
 */
#ifndef EXO_CLI_MEMORY_H
#define EXO_CLI_MEMORY_H

#include "exochat/buffer.h"

/* realloc() and free(). */
extern const exo_allocator memory_heap;

/* Initialises libcurl with wiping memory. Before anything else uses libcurl. False: libcurl cannot be used. */
bool memory_for_curl(void);

#endif
