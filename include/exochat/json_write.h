/*
 * json_write.h: JSON strings and numbers into a window of any size.
 *
 * exo_json_string_write() is for a text that is there as a whole, exo_json_escape() for one that comes in pieces.
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

/* A whole string that is being written, quotation marks and all. Private but for sizeof. Nothing of the core writes
 * one, so that a board which does not either pays nothing for it. */
typedef struct exo_json_string {
    exo_json_escaper escaper_;
    uint8_t quotes_; /* written so far */
    exo_span rest_;
} exo_json_string;

/* Begins to write `text`, which is borrowed until it is written. */
static inline void exo_json_string_init(exo_json_string *string, exo_span text)
{
    exo_json_escaper_init(&string->escaper_);
    string->quotes_ = 0;
    string->rest_ = text;
}

/* Writes into `window`. EXO_OK: the string is complete; EXO_AGAIN: the window is full. */
static inline int exo_json_string_write(exo_json_string *string, exo_window *window)
{
    while (string->quotes_ < 2) {
        if (string->quotes_ > 0 && exo_json_escape(&string->escaper_, &string->rest_, true, window) != EXO_OK) {
            return EXO_AGAIN;
        }
        if (window->pos == window->size) {
            return EXO_AGAIN;
        }
        window->dst[window->pos++] = '"';
        string->quotes_++;
    }
    return EXO_OK;
}

/* Hands the whole string for `text` to `put`, piece by piece. EXO_OK, or what `put` returned in place of it: then it is
 * not called again. */
static inline int exo_json_string_put(exo_span text, int (*put)(void *ctx, exo_span piece), void *ctx)
{
    char bytes[256];
    exo_json_string string;
    int written = EXO_AGAIN;
    int code = EXO_OK;
    exo_json_string_init(&string, text);
    while (written == EXO_AGAIN && code == EXO_OK) {
        exo_window window = {bytes, sizeof bytes, 0};
        written = exo_json_string_write(&string, &window);
        code = put(ctx, exo_span_of(bytes, window.pos));
    }
    return code;
}

/* The most characters that exo_json_write_int64() or exo_json_write_uint64() store. */
#define EXO_JSON_INTEGER_MAX 20

/* Writes `number` in decimal to `text` (EXO_JSON_INTEGER_MAX bytes or more, no terminator) and returns the length. */
size_t exo_json_write_int64(char *text, int64_t number);
size_t exo_json_write_uint64(char *text, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
