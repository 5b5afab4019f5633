/*
 * json_pass.h: passing over JSON without tokens: what is strict and plain JSON, as nearly all is, costs a few
 * instructions a byte. What is not so has to be read by tokens (json_read.h), which knows what it is.
 *
 * Private to src/core; allocates nothing and keeps no state. A build for small machines leaves it out: EXO_SMALL.
 */
#ifndef EXO_CORE_JSON_PASS_H
#define EXO_CORE_JSON_PASS_H

#include "exochat/json_read.h"

#include "ascii.h"
#include "json_text.h"

/* Passes over a value from its first byte on, to the byte behind it. NULL: it is not strict JSON, or is nested deeper
 * than `levels`, at most 64. */
const char *exo_json_pass(const char *at, const char *end, unsigned levels);

/* The same, where a line end is no white space: what is passed over is one line. */
const char *exo_json_pass_line(const char *at, const char *end, unsigned levels);

/* What white space may be. */
enum json_space {
    SPACE_ANY,
    SPACE_IN_LINE
};

/* Passes over a number's fraction and exponent, or the latter alone, from its first byte, which is there. NULL: it is
 * none. */
const char *exo_json_pass_fraction(const char *at, const char *end);

/* Passes over digits. */
static inline const char *json_pass_digits(const char *at, const char *end)
{
    while (at < end && ascii_is_digit(*at)) {
        at++;
    }
    return at;
}

/* Passes over a number from its first byte on, whatever that is. NULL: there is none. */
static inline const char *json_pass_number(const char *at, const char *end)
{
    at += *at == '-';
    const char *const first = at;
    at = json_pass_digits(at, end);
    if (at == first || (*first == '0' && at > first + 1)) {
        return NULL;
    }
    return at < end && (*at == '.' || (*at | 0x20) == 'e') ? exo_json_pass_fraction(at, end) : at;
}

/* Passes over white space. */
static inline const char *json_pass_space(const char *at, const char *end, enum json_space space)
{
    while (at < end && (uint8_t)*at <= ' ' &&
           (*at == ' ' || *at == '\t' || (space == SPACE_ANY && (*at == '\n' || *at == '\r')))) {
        at++;
    }
    return at;
}

/* The second quotation mark of a string that begins behind `at`, if it has no escapes, is ASCII, and a vector can be
 * read there; or NULL. */
static inline const char *json_pass_short(const char *at, const char *end)
{
#ifdef VECTOR_BYTES
    for (at++; end - at >= VECTOR_BYTES; at += VECTOR_BYTES) {
        const unsigned run = vector_clean(at);
        if (run < VECTOR_BYTES) {
            return at[run] == '"' ? at + run : NULL;
        }
    }
#else
    (void)at;
    (void)end;
#endif
    return NULL;
}

/* Whether a colon and a value follow the quotation mark that ends a key. */
static inline bool json_pass_is_colon(const char *at, const char *end)
{
    return end - at > 2 && at[1] == ':' && (uint8_t)at[2] > ' ';
}

#endif
