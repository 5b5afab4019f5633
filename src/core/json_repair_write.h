/*
 * json_repair_write.h: what a repair writes: strings, numbers and literals, valid whatever was read.
 *
 * Private to src/core; what is written goes into the caller's buffer, and the first error of that is kept.
 */
#ifndef EXO_CORE_JSON_REPAIR_WRITE_H
#define EXO_CORE_JSON_REPAIR_WRITE_H

#include "json_repair_state.h"

static inline bool repair_is_sign(int byte)
{
    return byte == '+' || byte == '-';
}

/* Writes `len` bytes, unless nothing is to be written or there was an error. */
void exo_repair_put(repair *r, const char *text, size_t len);

/* The same with all bytes of a string of C. */
void exo_repair_put_text(repair *r, const char *text);

/* The same with one byte. */
void exo_repair_put_byte(repair *r, int byte);

/* Writes the token as what stands between a string's quotation marks, valid. */
void exo_repair_put_content(repair *r);

/* The same with the marks. */
void exo_repair_put_string(repair *r);

/* Writes the token if it is a literal, of some language, or a number but for a plus, leading zeros, or a part without
 * digits. JSON's own literals count from their third letter on, and from the first where the text ends. Says in r->cut
 * whether more of it had to be supplied, or may have been there. */
bool exo_repair_put_scalar(repair *r);

#endif
