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
/* What must be there to copy a block's stretches without looking at where they end: one may begin with the last byte,
 * and all may become escapes. */
enum {
    WIDE_INPUT = 2 * VECTOR_BLOCK,
    WIDE_ROOM = VECTOR_BLOCK * JSON_ESCAPE_MAX + VECTOR_BLOCK
};

/* Writes the escape of a byte that must be escaped, and returns what is behind it. */
static char *json_put_short_escape(char *out, char byte)
{
    static const char names['\\' + 1] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    out[0] = '\\';
    out[1] = names[(uint8_t)byte];
    return out + (out[1] ? 2 : exo_json_put_escape(byte, out));
}

/* Copies from `in` up to `next`, with escapes where the specials of the block at `in` are, and returns what is behind
 * it. The block has been copied once. */
static char *json_escape_block(const char *in, const char *next, uint64_t specials, char *out)
{
    const char *const block = in;
    for (; specials; specials &= specials - 1) {
        const char *const special = block + (unsigned)__builtin_ctzll(specials);
        out = json_put_short_escape(out + (special - in), *special);
        in = special + 1;
        memcpy(out, in, VECTOR_BLOCK);
    }
    return out + (next - in);
}

/* Does most of the work where there is enough of it, a block at a time. Leaves to the other way what is no UTF-8. */
static void json_escape_wide(exo_span *input, exo_window *window)
{
    const char *in = input->ptr;
    const char *const end = in + input->len;
    char *out = window->dst + window->pos;
    const char *const full = window->dst + window->size;
    while (end - in >= WIDE_INPUT && full - out >= WIDE_ROOM) {
        const vector_block block = vector_load_block(in);
        vector_block marks;
        vector_store_block(out, &block);
        if (!vector_mark(&block, &marks)) {
            in += VECTOR_BLOCK;
            out += VECTOR_BLOCK;
            continue;
        }
        uint64_t specials = vector_bits_in(&marks);
        const char *next = in + VECTOR_BLOCK;
        if (!vector_is_ascii(&block)) {
            uint64_t escapes = specials;
            next = in + exo_json_block(in, &escapes);
            if (next == in) {
                break;
            }
            specials = escapes;
        }
        out = json_escape_block(in, next, specials, out);
        in = next;
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
