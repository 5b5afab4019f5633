/*
 * json_write.c: JSON strings, escaped piece by piece into windows of any size, and integers.
 *
 * It writes no structure: brackets and commas are its caller's, and so are the quotation marks of a string that comes
 * in pieces, as in the encoder. Between two calls it holds at most one escape or one unfinished UTF-8 sequence, so its
 * memory is the escaper.
 */
#include "exochat/json_write.h"

#include "ascii.h"
#include "json_text.h"

void exo_json_escaper_init(exo_json_escaper *escaper)
{
    memset(escaper, 0, sizeof *escaper);
}

static void hold(exo_json_escaper *escaper, const char *bytes, size_t len)
{
    memcpy(escaper->held_, bytes, len);
    escaper->held_at_ = 0;
    escaper->held_len_ = (uint8_t)len;
}

/* Writes what is held, as far as the window goes. */
static void write_held(exo_json_escaper *escaper, exo_window *window)
{
    while (escaper->held_at_ < escaper->held_len_ && window->pos < window->size) {
        window->dst[window->pos++] = escaper->held_[escaper->held_at_++];
    }
}

static void consume(exo_span *input, size_t count)
{
    input->ptr += count;
    input->len -= count;
}

/* Copies the bytes that stand for themselves. */
static void copy_run(exo_span *input, exo_window *window)
{
    size_t room = window->size - window->pos;
    size_t run = exo_json_clean_run(input->ptr, input->len < room ? input->len : room);
    memcpy(window->dst + window->pos, input->ptr, run);
    window->pos += run;
    consume(input, run);
}

/* Takes one byte of a sequence that is cut, or broken. A byte that cannot go on with the sequence stays in the input.
 */
static void take_utf8(exo_json_escaper *escaper, exo_span *input)
{
    escaper->utf8_[escaper->utf8_have_++] = *input->ptr;
    int size = exo_utf8_check(escaper->utf8_, escaper->utf8_have_);
    if (size == 0) {
        consume(input, 1);
        return;
    }
    hold(escaper, size > 0 ? escaper->utf8_ : JSON_REPLACEMENT, size > 0 ? (size_t)size : 3);
    if (size == escaper->utf8_have_ || -size == escaper->utf8_have_) {
        consume(input, 1);
    }
    escaper->utf8_have_ = 0;
}

/* Takes one ASCII byte that has to be escaped. */
static void take_escape(exo_json_escaper *escaper, exo_span *input)
{
    escaper->held_at_ = 0;
    escaper->held_len_ = (uint8_t)exo_json_put_escape(*input->ptr, escaper->held_);
    consume(input, 1);
}

int exo_json_escape(exo_json_escaper *escaper, exo_span *input, bool last, exo_window *window)
{
    for (;;) {
        write_held(escaper, window);
        if (escaper->held_at_ < escaper->held_len_) {
            return EXO_AGAIN;
        }
        bool cut_short = last && escaper->utf8_have_ > 0;
        if (input->len == 0 && !cut_short) {
            return EXO_OK;
        }
        if (window->pos == window->size) {
            return EXO_AGAIN;
        }
        if (input->len == 0) {
            hold(escaper, JSON_REPLACEMENT, 3);
            escaper->utf8_have_ = 0;
            continue;
        }
        if (escaper->utf8_have_ == 0) {
            copy_run(input, window);
        }
        if (input->len > 0 && window->pos < window->size) {
            if ((uint8_t)*input->ptr >= 0x80 || escaper->utf8_have_ > 0) {
                take_utf8(escaper, input);
            } else {
                take_escape(escaper, input);
            }
        }
    }
}

void exo_json_string_init(exo_json_string *string, exo_span text)
{
    exo_json_escaper_init(&string->escaper_);
    string->quotes_ = 0;
    string->rest_ = text;
}

int exo_json_string_write(exo_json_string *string, exo_window *window)
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

size_t exo_json_write_uint64(char *text, uint64_t number)
{
    return exo_ascii_put_number(text, number);
}

size_t exo_json_write_int64(char *text, int64_t number)
{
    if (number >= 0) {
        return exo_json_write_uint64(text, (uint64_t)number);
    }
    *text = '-';
    return 1 + exo_json_write_uint64(text + 1, 0 - (uint64_t)number);
}
