/*
 * failure_words.h: what single words and parts of texts say about a failure.
 *
 * Private to src/core; keeps no state.
 */
#ifndef EXOCHAT_FAILURE_WORDS_H
#define EXOCHAT_FAILURE_WORDS_H

#include "exochat/span.h"

/* What a word or mark says, whatever the status is. */
enum sign {
    CONTEXT = 1,
    FILTER = 2,
    QUOTA = 4
};

/* What a code, a type or a reason means. A `sure` one beats the status of the response; the others name one only where
 * there is none, inside a stream. */
struct meaning {
    uint16_t status; /* or 0 */
    uint8_t sign;    /* or 0 */
    bool sure;
};

/* The meaning of a word in any case, or NULL. */
const struct meaning *exo_failure_meaning(const exo_span *word);

/* Whether `mark` occurs in `text`. It ends with NUL or a line's end; a tab in it stands for any text, letters are the
 * same in either case, and backquotes in `text` do not count. */
bool exo_failure_contains(const char *text, const char *mark);

/* The signs of all known marks that occur in `text`. */
uint8_t exo_failure_signs(const char *text);

#endif
