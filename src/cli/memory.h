/*
 * memory.h: where the memory of the command comes from.
 */
#ifndef EXO_CLI_MEMORY_H
#define EXO_CLI_MEMORY_H

#include "exochat/buffer.h"

/* realloc() and free(). */
extern const exo_allocator memory_heap;

#endif
