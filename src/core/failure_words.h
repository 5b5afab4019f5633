/*
 * failure_words.h: what single words and parts of texts say about a failure.
 *
 * Private to src/core; keeps no state.
 */
#ifndef EXOCHAT_FAILURE_WORDS_H
#define EXOCHAT_FAILURE_WORDS_H

#include "exochat/span.h"

/* What a word or mark says, whatever the status is; and, from TOPIC on, what counts only in combination: all three of
 * a context window that is exceeded, and no VETO. */
enum sign {
    CONTEXT = 1,
    FILTER = 2,
    QUOTA = 4,
    TOPIC = 8,   /* what is too much */
    BEYOND = 16, /* that it is too much */
    EXTENT = 32, /* of what */
    VETO = 64,   /* throttling, or a limit of something else */
    COMBINED = TOPIC | BEYOND | EXTENT,
    NOT_COMBINED = CONTEXT | FILTER | QUOTA | VETO
};

/* What a code, a type or a reason means. A `sure` one beats the status of the response; the others name one only where
 * there is none, inside a stream. */
struct meaning {
    uint16_t status; /* or 0 */
    uint8_t sign;    /* or 0 */
    bool sure;
};

/* The meaning of a word in any case, or NULL. */
const struct meaning *exo_failure_meaning(const char *word);

/* Whether `mark` occurs in `text`, outside of what is quoted there: a quotation echoes the request, unless it is the
 * value of a key that has a message. In `mark`, # stands for a digit, a blank for _ and - too; letters are the same in
 * either case, backquotes in `text` do not count, and there are no control characters. */
bool exo_failure_contains(const char *text, const char *mark);

/* The signs of all known marks that occur in `text`. */
uint8_t exo_failure_signs(const char *text);

#endif
