/*
 * json_text.h: what the JSON reader, writer and repair must agree on: which bytes of a string stand for themselves, how
 * the others are escaped, and where a UTF-8 sequence or a broken piece of one ends.
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXOCHAT_JSON_TEXT_H
#define EXOCHAT_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "exochat/span.h"

#include "vectors.h"

/* U+FFFD in UTF-8. */
#define JSON_REPLACEMENT "\xEF\xBF\xBD"

/* Looks at the sequence that begins `text`, of `len` > 0 bytes, the first of them not ASCII (Unicode 15, table 3-7).
 * Positive: its length, it is valid. 0: `text` ends inside of a so far valid sequence. Negative: minus the length of
 * the maximal part that one U+FFFD stands for. */
int exo_utf8_check(const char *text, size_t len);

/* Stores a code point, which is below 0x110000, and returns the length of its sequence. */
size_t exo_utf8_put(char out[4], uint32_t code_point);

/* How many bytes at `text` may stand in a JSON string as they are: all but the quotation mark, the reverse solidus,
 * control characters and UTF-8 that is invalid or incomplete. */
size_t exo_json_clean_run(const char *text, size_t len);

/* The same, quick where they are few, and ASCII. */
static inline size_t json_short_run(const char *text, size_t len)
{
    size_t at = 0;
#ifdef VECTOR_BYTES
    while (len - at >= VECTOR_BYTES && at < VECTOR_BLOCK) {
        const unsigned run = vector_clean(text + at);
        at += run;
        if (run < VECTOR_BYTES) {
            if ((uint8_t)text[at] < 0x80) {
                return at;
            }
            break;
        }
    }
#endif
    return at + exo_json_clean_run(text + at, len - at);
}

/* Of up to 63 bytes of a string, a bit for each: those with which an escape begins, and those behind them. */
typedef struct text_escapes {
    uint64_t escapes;
    uint64_t escaped;
} text_escapes;

/* Finds them by the bits of all reverse solidi; `before` is 1 where an escape began right before the first byte. Of a
 * row of them every other one begins an escape: a row that begins at an even place is told from one that begins at an
 * odd one by the carry that runs through it. */
static inline text_escapes text_find_escapes(uint64_t solidi, uint64_t before)
{
    const uint64_t odd = UINT64_C(0xAAAAAAAAAAAAAAAA);
    const uint64_t begin = solidi & ~before;
    const uint64_t rows = ((begin << 1 | odd) - begin) ^ odd;
    const text_escapes found = {rows & solidi, rows ^ (solidi | before)};
    return found;
}

#ifdef VECTOR_BYTES
_Static_assert(VECTOR_BYTES == 16, "the marks of a vector fill a uint16_t");

/* Goes on inside of a string to its second quotation mark, or to where something may stand that is neither ASCII nor an
 * escape of a quotation mark or a reverse solidus; or to where there is no vector more. */
static inline const char *text_pass_escapes(const char *at, const char *end)
{
    const vector none = {0};
    uint64_t escaped = 0; /* the first byte */
    for (; end - at >= VECTOR_BYTES; at += VECTOR_BYTES) {
        const vector bytes = vector_load(at);
        const uint64_t quotes = vector_bits((vector)(bytes == '"'), none, none, none);
        const uint64_t solidi = vector_bits((vector)(bytes == '\\'), none, none, none);
        const uint64_t specials = vector_bits(vector_specials(bytes), none, none, none);
        const text_escapes found = text_find_escapes(solidi, escaped);
        const uint64_t ends = quotes & ~found.escaped;
        const uint64_t inside = ((ends & (0 - ends)) - 1) & UINT16_MAX;
        if ((specials | found.escaped) & ~(quotes | solidi) & inside) {
            break;
        }
        if (ends > 0) {
            return at + __builtin_ctzll(ends);
        }
        escaped = found.escapes >> (VECTOR_BYTES - 1) & 1;
    }
    return at - escaped;
}
#endif

/* Where there are vectors (vectors.h): how many of 64 bytes at `text`, some of them not ASCII, stand before the first
 * sequence that is invalid, or goes on behind them. Of `*specials`, with a bit for each that is not ASCII or must be
 * escaped, that of the first one lowest, those remain that must be escaped and stand before it. */
unsigned exo_json_block(const char *text, uint64_t *specials);

#ifndef EXO_SMALL
/* Escapes most of `*input` into `window`, and moves both: ASCII, and where there are vectors, what lies in blocks too.
 * The rest is left to exo_json_escape() (json_write.c): what is not UTF-8, and what finds little room. */
void exo_json_escape_most(exo_span *input, exo_window *window);
#endif

/* The longest escape. */
#define JSON_ESCAPE_MAX 6

/* Stores the escape of an ASCII byte, and returns its length. */
size_t exo_json_put_escape(char byte, char escape[JSON_ESCAPE_MAX]);

/* What a reverse solidus and `name` stand for, or -1. \u is not among them. */
int exo_json_escape_value(int name);

/* The value of a hexadecimal digit, or -1. */
int exo_json_hex_value(int byte);

/* The UTF-16 code unit that a \uXXXX at `text` names, or -1 where there is no such escape. */
int32_t exo_json_code_unit(const char *text, size_t len);

#endif
