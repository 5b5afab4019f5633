/*
 * token.h: how a token lies in a word of a tape; between tape.c, which walks them, and build.c, which writes them.
 */
#ifndef EXOPY_TOKEN_H
#define EXOPY_TOKEN_H

#include "tape.h"

/* The lowest bits of a token. Objects are aligned to 8 bytes. */
typedef enum exopy_token_kind {
    EXOPY_TOKEN_KEY,      /* a str that is ASCII */
    EXOPY_TOKEN_KEY_WIDE, /* a str that is not */
    EXOPY_TOKEN_STRING,
    EXOPY_TOKEN_STRING_WIDE,
    EXOPY_TOKEN_INT,    /* an int of 64 bits */
    EXOPY_TOKEN_NUMBER, /* a str of digits */
    EXOPY_TOKEN_FLOAT,  /* a float that is finite */
    EXOPY_TOKEN_PLAIN   /* no object: an exo_value_type stands above */
} exopy_token_kind;

#define EXOPY_TOKEN_BITS 3
#define EXOPY_TOKEN_MASK ((exopy_token)7)

static inline exopy_token_kind exopy_token_kind_of(exopy_token token)
{
    return (exopy_token_kind)(token & EXOPY_TOKEN_MASK);
}

/* NULL for one that is plain. */
static inline PyObject *exopy_token_object(exopy_token token)
{
    return exopy_token_kind_of(token) == EXOPY_TOKEN_PLAIN ? NULL : (PyObject *)(token & ~EXOPY_TOKEN_MASK);
}

static inline exo_value_type exopy_token_type(exopy_token token)
{
    return (exo_value_type)(token >> EXOPY_TOKEN_BITS);
}

static inline exopy_token exopy_token_plain(exo_value_type type)
{
    return ((exopy_token)type << EXOPY_TOKEN_BITS) | EXOPY_TOKEN_PLAIN;
}

/* The bytes of `count` characters from `start` on, U+FFFD for what is no character. NULL with MemoryError. */
PyObject *exopy_token_encode(PyObject *text, Py_ssize_t start, Py_ssize_t count);

#endif
