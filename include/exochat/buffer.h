/*
 * buffer.h: the one way in which the core grows memory: a run of bytes with a named maximum.
 *
 * The memory comes from the allocator that the caller passes, or is a fixed piece that the caller gives. A buffer grows
 * by doubling up to 4 KB and by a half from there on, never past its maximum, and says which limit was reached.
 */
#ifndef EXOCHAT_BUFFER_H
#define EXOCHAT_BUFFER_H

#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where growing memory comes from. `resize` works like realloc: (NULL, n) allocates, (p, 0) frees and returns NULL, and
 * NULL for n > 0 means that there is no memory and p is unchanged. It must not throw or jump. `ctx` is passed through.
 */
typedef struct exo_allocator {
    void *ctx;
    void *(*resize)(void *ctx, void *ptr, size_t size);
} exo_allocator;

/* A growing run of bytes. Read `data` and `len`; the rest is private. `data` moves when the buffer grows, so keep
 * offsets, not pointers. */
typedef struct exo_buffer {
    char *data;
    size_t len;
    uint32_t capacity_;
    uint32_t maximum_;
    const exo_allocator *allocator_; /* NULL: a fixed piece of memory */
    int limit_error_;
} exo_buffer;

/* An empty buffer that grows through `allocator` (borrowed, must outlive the buffer) up to `maximum` bytes, and fails
 * with `limit_error`, one of the LIMIT codes of error.h, beyond that. Allocates nothing yet. */
void exo_buffer_init(exo_buffer *buffer, const exo_allocator *allocator, size_t maximum, int limit_error);

/* An empty buffer in `size` bytes of the caller's at `memory`, which must outlive it; `limit_error` when it is full. */
void exo_buffer_init_fixed(exo_buffer *buffer, void *memory, size_t size, int limit_error);

/* Appends `bytes`, which may not lie in this buffer. EXO_OK, EXO_E_NO_MEMORY, or the buffer's limit error; on an error
 * nothing is appended. */
int exo_buffer_append(exo_buffer *buffer, exo_span bytes);

/* Makes room for `more` bytes behind `len` without changing `len`. Same results as exo_buffer_append(). */
int exo_buffer_reserve(exo_buffer *buffer, size_t more);

/* Forgets all but the first `len` bytes, if there are more, and keeps the memory. */
static inline void exo_buffer_truncate(exo_buffer *buffer, size_t len)
{
    if (len < buffer->len) {
        buffer->len = len;
    }
}

/* Forgets the contents and keeps the memory. */
static inline void exo_buffer_clear(exo_buffer *buffer)
{
    buffer->len = 0;
}

/* Gives the memory back to the allocator and leaves an empty buffer that can be used again. */
void exo_buffer_free(exo_buffer *buffer);

/* The contents as a span; valid until the buffer grows or is freed. */
static inline exo_span exo_buffer_span(const exo_buffer *buffer)
{
    return exo_span_of(buffer->data, buffer->len);
}

#ifdef __cplusplus
}
#endif

#endif
