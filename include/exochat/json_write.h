/*
 * json_write.h: JSON strings and numbers into a window of any size.
 *
 * Strings go out as UTF-8, escaped only where RFC 8259 demands it: the quotation mark, the reverse solidus and U+0000
 * to U+001F (the short forms where they exist, \u00XX in lower case otherwise). Each maximal invalid part of a sequence
 * becomes one U+FFFD (Unicode 15, 3.9, the practice that WHATWG Encoding also prescribes).
 */
#ifndef EXOCHAT_JSON_WRITE_H
#define EXOCHAT_JSON_WRITE_H

#include "exochat/error.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The state of one string that is being escaped. Private but for sizeof. */
typedef struct exo_json_escaper {
    char held_[6]; /* output that did not fit into the window */
    uint8_t held_at_;
    uint8_t held_len_;
    char utf8_[4]; /* an unfinished UTF-8 sequence */
    uint8_t utf8_have_;
} exo_json_escaper;

/* Begins a string. The quotation marks are the caller's to write. */
void exo_json_escaper_init(exo_json_escaper *escaper);

/* Escapes from `*input` into `window`, and moves both. `last` says that no input follows this piece, so an unfinished
 * UTF-8 sequence is replaced. EXO_OK: the piece is consumed (and with `last`, everything is written); EXO_AGAIN: the
 * window is full, call again with what is left in `*input` and the same `last`. The output is the same however input
 * and windows are cut. */
int exo_json_escape(exo_json_escaper *escaper, exo_span *input, bool last, exo_window *window);

/* The most characters that exo_json_write_int64() or exo_json_write_uint64() store. */
#define EXO_JSON_INTEGER_MAX 20

/* Writes `number` in decimal to `text` (EXO_JSON_INTEGER_MAX bytes or more, no terminator) and returns the length. */
size_t exo_json_write_int64(char *text, int64_t number);
size_t exo_json_write_uint64(char *text, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
