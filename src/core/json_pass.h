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

/* The same of a number's fraction and exponent, or the latter alone, of which the first byte is there. */
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

/* Passes over a key without escapes, in one line, from its first quotation mark on, over its colon, and to the value's
 * first byte; the key is stored in `*key`. NULL: there is none. */
static inline const char *json_pass_plain_key(const char *at, const char *end, exo_span *key)
{
    if (at == end || *at != '"') {
        return NULL;
    }
    key->ptr = ++at;
    key->len = json_short_run(at, (size_t)(end - at));
    at += key->len;
    if (at == end || *at != '"') {
        return NULL;
    }
    if (++at == end || *at != ':') {
        at = json_pass_space(at, end, SPACE_IN_LINE);
        if (at == end || *at != ':') {
            return NULL;
        }
    }
    at = json_pass_space(at + 1, end, SPACE_IN_LINE);
    return at < end ? at : NULL;
}

#endif
