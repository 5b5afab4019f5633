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
#include "vectors.h"

void exo_json_escaper_init(exo_json_escaper *escaper)
{
    memset(escaper, 0, sizeof *escaper);
}

/* Writes what is held, as far as the window goes. */
static void write_held(exo_json_escaper *escaper, exo_window *window)
{
    while (escaper->held_at_ < escaper->held_len_ && window->pos < window->size) {
        window->dst[window->pos++] = escaper->held_[escaper->held_at_++];
    }
}

static void json_consume(exo_span *input, size_t count)
{
    if (count > 0) { /* of nothing there is no place behind */
        input->ptr += count;
        input->len -= count;
    }
}

/* Copies the bytes that stand for themselves, and returns how many there were. */
static size_t json_copy_run(exo_span *input, exo_window *window)
{
    size_t room = window->size - window->pos;
    size_t run = exo_json_clean_run(input->ptr, input->len < room ? input->len : room);
    memcpy(window->dst + window->pos, input->ptr, run);
    window->pos += run;
    json_consume(input, run);
    return run;
}

/* Takes what cannot be copied: the end of the input inside of a sequence, a byte of a sequence that is cut or broken,
 * or an ASCII byte that has to be escaped. A byte that cannot go on with the sequence stays in the input. */
static void json_take_special(exo_json_escaper *escaper, exo_span *input)
{
    bool taken = input->len > 0;
    escaper->held_at_ = 0;
    escaper->held_len_ = 0;
    if (taken && escaper->utf8_have_ == 0 && (uint8_t)*input->ptr < 0x80) {
        escaper->held_len_ = (uint8_t)exo_json_put_escape(*input->ptr, escaper->held_);
    } else {
        int size = -1;
        if (taken) {
            escaper->utf8_[escaper->utf8_have_++] = *input->ptr;
            size = exo_utf8_check(escaper->utf8_, escaper->utf8_have_);
            taken = size >= 0 || -size == escaper->utf8_have_;
        }
        if (size != 0) {
            memcpy(escaper->held_, size > 0 ? escaper->utf8_ : JSON_REPLACEMENT, sizeof escaper->utf8_);
            escaper->held_len_ = (uint8_t)(size > 0 ? size : 3);
            escaper->utf8_have_ = 0;
        }
    }
    json_consume(input, taken);
}

#ifdef VECTOR_BYTES
/* Does most of the work where there is room enough: copies 16 bytes at once, as many of which count as stand for
 * themselves, and escapes the next one. Leaves to the other way what is not ASCII. */
static void json_escape_wide(exo_span *input, exo_window *window)
{
    const char *in = input->ptr;
    const char *end = in + input->len;
    char *out = window->dst + window->pos;
    const char *full = window->dst + window->size;
    while (end - in >= VECTOR_BYTES + 1 && full - out >= VECTOR_BYTES + JSON_ESCAPE_MAX) {
        const unsigned run = vector_clean(in);
        memcpy(out, in, VECTOR_BYTES);
        in += run;
        out += run;
        if (run == VECTOR_BYTES) {
            continue;
        }
        if ((uint8_t)*in >= 0x80) {
            break;
        }
        out += exo_json_put_escape(*in++, out);
    }
    window->pos = (size_t)(out - window->dst);
    *input = exo_span_of(in, (size_t)(end - in));
}
#endif

int exo_json_escape(exo_json_escaper *escaper, exo_span *input, bool last, exo_window *window)
{
    for (;;) {
        write_held(escaper, window);
        if (input->len == 0 && !(last && escaper->utf8_have_ > 0)) {
            return escaper->held_at_ < escaper->held_len_ ? EXO_AGAIN : EXO_OK;
        }
        if (window->pos == window->size) {
            return EXO_AGAIN;
        }
#ifdef VECTOR_BYTES
        if (escaper->utf8_have_ == 0) {
            json_escape_wide(input, window);
        }
#endif
        if (escaper->utf8_have_ > 0 || json_copy_run(input, window) == 0) {
            json_take_special(escaper, input);
        }
    }
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
