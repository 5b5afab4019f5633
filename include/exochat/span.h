/*
 * span.h: a run of bytes that somebody else owns, and a window to write into.
 *
 * Every module of the core may use these two and nothing here allocates.
 */
#ifndef EXOCHAT_SPAN_H
#define EXOCHAT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are borrowed, never owned: `len` bytes from `ptr`, no terminator. An empty span may have a NULL `ptr`.
 * How long a span stays valid is said where it is handed out. */
typedef struct exo_span {
    const char *ptr;
    size_t len;
} exo_span;

/* An output window: the call writes from dst[pos] up to dst[size] and moves `pos`. The caller owns the memory, empties
 * the window between calls by reading dst[0..pos) and setting `pos` to 0, and may offer any size from 1 byte up: what
 * is written does not depend on it. */
typedef struct exo_window {
    char *dst;
    size_t size;
    size_t pos;
} exo_window;

/* The span of `len` bytes at `ptr`. */
static inline exo_span exo_span_of(const char *ptr, size_t len)
{
    exo_span span;
    span.ptr = ptr;
    span.len = len;
    return span;
}

/* The span of a NUL-terminated string, without the NUL. NULL gives the empty span. */
static inline exo_span exo_span_text(const char *text)
{
    return exo_span_of(text, text ? strlen(text) : 0);
}

/* Whether two spans hold the same bytes. */
static inline bool exo_span_equal(exo_span a, exo_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether a span holds exactly the bytes of a NUL-terminated string. */
bool exo_span_is(exo_span span, const char *text);

/* The first bytes of a UTF-8 text, at most `max`, cut at a character's border. */
exo_span exo_span_cut(exo_span text, size_t max);

/* A text without the white space around it: blanks, line ends, tabs of both kinds and the form feed. */
exo_span exo_span_trim(exo_span text);

#ifdef __cplusplus
}
#endif

#endif
