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

#ifndef EXO_SMALL
/* The second bytes of short escapes; 0 for all other bytes. */
static const char json_names[256] = {
    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};

/* Writes the escape of an ASCII byte that must be escaped, and returns what is behind it. */
static inline char *json_put_short_escape(char *out, char byte)
{
    const char name = json_names[(uint8_t)byte];
    out[0] = '\\';
    out[1] = name;
    return out + (name ? 2 : exo_json_put_escape(byte, out));
}
#endif

#ifdef VECTOR_BYTES
/* What must be there for a block: what is copied behind its last byte, and room for as many escapes as it has bytes. */
enum {
    BLOCK_INPUT = 2 * VECTOR_BLOCK,
    BLOCK_ROOM = VECTOR_BLOCK * JSON_ESCAPE_MAX + VECTOR_BLOCK
};

/* A place in a text, and the one in its window. */
typedef struct json_place {
    const char *in;
    char *out;
} json_place;

/* The last place, seen from `from`, where a vector and an escape find what they need on both sides. */
static inline ptrdiff_t json_last(json_place from, const char *end, const char *full)
{
    const ptrdiff_t input = end - from.in;
    const ptrdiff_t room = full - from.out - JSON_ESCAPE_MAX;
    return (input < room ? input : room) - VECTOR_BYTES;
}

/* Escapes ASCII a vector at a time, up to the first byte that is not, or that has no vector or no room behind it. What
 * escapes grow by moves `out` against `in`; it is also taken off the last place, which is looked for again when it is
 * passed: it is too early where there is more room than input. */
static json_place json_escape_vectors(json_place from, const char *end, const char *full)
{
    ptrdiff_t at = 0;
    for (ptrdiff_t last; at <= (last = json_last(from, end, full));) {
        do {
            const vector bytes = vector_load(from.in + at);
            const vector marks = vector_specials(bytes);
            memcpy(from.out + at, &bytes, sizeof bytes);
            if (!vector_any(marks)) {
                at += VECTOR_BYTES;
                continue;
            }
            at += vector_first(marks);
            const uint8_t byte = (uint8_t)from.in[at];
            from.out[at] = '\\';
            from.out[at + 1] = json_names[byte];
            if (json_names[byte]) {
                at++;
                from.out++;
                last--;
                continue;
            }
            if (byte >= 0x80) {
                return (json_place){from.in + at, from.out + at};
            }
            const ptrdiff_t growth = (ptrdiff_t)exo_json_put_escape((char)byte, from.out + at) - 1;
            at++;
            from.out += growth;
            last -= growth;
        } while (at <= last);
    }
    return (json_place){from.in + at, from.out + at};
}

/* Copies less than a vector, and not less than half a word, where all of it stands for itself; there is room for a
 * vector. Two loads meet in the middle. */
static bool json_copy_short(char *out, const char *in, size_t len)
{
    uint64_t first;
    uint64_t last;
    uint32_t halves[2];
    if (len >= sizeof first) {
        memcpy(&first, in, sizeof first);
        memcpy(&last, in + len - sizeof last, sizeof last);
        memcpy(out, &first, sizeof first);
        memcpy(out + len - sizeof last, &last, sizeof last);
        return !vector_any(vector_specials(vector_of(first, last)));
    }
    if (len < sizeof halves[0]) {
        return false;
    }
    memcpy(&halves[0], in, sizeof halves[0]);
    memcpy(&halves[1], in + len - sizeof halves[1], sizeof halves[1]);
    memcpy(out, &halves[0], sizeof halves[0]);
    memcpy(out + len - sizeof halves[1], &halves[1], sizeof halves[1]);
    first = halves[0] | (uint64_t)halves[1] << 32;
    return !vector_any(vector_specials(vector_of(first, first)));
}

/* The same as json_escape_vectors(), of what is less than a vector: blanks are put behind it, and taken back. */
static json_place json_escape_rest(json_place at, const char *end, const char *full)
{
    char padded[2 * VECTOR_BYTES];
    const size_t len = (size_t)(end - at.in);
    const char *const padding = padded + len;
    if (full - at.out >= VECTOR_BYTES && json_copy_short(at.out, at.in, len)) {
        return (json_place){end, at.out + len};
    }
    memset(padded, ' ', sizeof padded);
    memcpy(padded, at.in, len);
    const json_place inner = json_escape_vectors((json_place){padded, at.out}, padding + VECTOR_BYTES - 1, full);
    const ptrdiff_t blanks = inner.in > padding ? inner.in - padding : 0;
    at.in += inner.in - blanks - padded;
    at.out = inner.out - blanks;
    return at;
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

/* Goes on with blocks, as long as there is something in them that is not ASCII. */
static json_place json_escape_blocks(json_place at, const char *end, const char *full)
{
    while (end - at.in >= BLOCK_INPUT && full - at.out >= BLOCK_ROOM) {
        const vector_block block = vector_load_block(at.in);
        vector_block marks;
        if (vector_is_ascii(&block)) {
            break;
        }
        vector_store_block(at.out, &block);
        (void)vector_mark(&block, &marks);
        uint64_t specials = vector_bits_in(&marks);
        const char *const next = at.in + exo_json_block(at.in, &specials);
        if (next == at.in) {
            break;
        }
        at.out = json_escape_block(at.in, next, specials, at.out);
        at.in = next;
    }
    return at;
}

void exo_json_escape_most(exo_span *input, exo_window *window)
{
    const char *const end = input->ptr + input->len;
    const char *const full = window->dst + window->size;
    json_place at = {input->ptr, window->dst + window->pos};
    bool goes_on = input->len >= VECTOR_BYTES;
    while (goes_on) {
        at = json_escape_vectors(at, end, full);
        const char *const other = at.in;
        at = json_escape_blocks(at, end, full);
        goes_on = at.in > other;
    }
    if (at.in < end && end - at.in < VECTOR_BYTES) {
        at = json_escape_rest(at, end, full);
    }
    window->pos = (size_t)(at.out - window->dst);
    *input = exo_span_of(at.in, (size_t)(end - at.in));
}
#elif !defined EXO_SMALL
void exo_json_escape_most(exo_span *input, exo_window *window)
{
    while (json_copy_run(input, window) > 0 && input->len > 0 && window->size - window->pos >= JSON_ESCAPE_MAX &&
           (uint8_t)*input->ptr < 0x80) {
        window->pos = (size_t)(json_put_short_escape(window->dst + window->pos, *input->ptr) - window->dst);
        json_consume(input, 1);
    }
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
            exo_json_escape_most(input, window);
            if (input->len == 0) {
                return EXO_OK;
            }
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
