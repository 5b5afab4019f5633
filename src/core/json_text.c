/*
 * json_text.c: runs, escapes and UTF-8 sequences of JSON strings.
 *
 * It knows nothing of strings as a whole: the reader, the writer, the encoder and the repair call it for a stretch at a
 * time. It has no memory.
 */
#include "json_text.h"

#include <stdbool.h>

#include "ascii.h"
#include "vectors.h"

static inline int text_utf8_check(const char *text, size_t len)
{
    const uint8_t lead = (uint8_t)text[0];
    const int size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xC2 || lead > 0xF4) {
        return -1;
    }
    for (int i = 1; i < size; i++) {
        if ((size_t)i == len) {
            return 0;
        }
        uint8_t byte = (uint8_t)text[i];
        if (byte < low || byte > high) {
            return -i;
        }
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

int exo_utf8_check(const char *text, size_t len)
{
    return text_utf8_check(text, len);
}

size_t exo_utf8_put(char out[4], uint32_t code_point)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)(0xF00U >> size | code_point);
    return size;
}

/* Where words say which of their bytes comes first. */
#if !defined EXO_SMALL && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && SIZE_MAX > UINT32_MAX
#define TEXT_WORDS
#endif

/* The top bit of the first byte of a machine word that is no ASCII, or cannot stand in a JSON string as it is, perhaps
 * some above it, and no others. A subtraction borrows into a byte's top bit first at the lowest byte that is too small:
 * no such byte, no bit, and the lowest bit is at the first one. */
static inline size_t text_specials_in(size_t word)
{
    const size_t ones = SIZE_MAX / 255;
    return (word | (word - ones * ' ') | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones)) & ones * 0x80;
}

static inline size_t text_specials(const char *text)
{
    size_t word;
    memcpy(&word, text, sizeof word);
    return text_specials_in(word);
}

#ifdef TEXT_WORDS
/* Whether a text of 4 to 8 bytes has none of them: of its two halves, which may overlap. */
static inline bool text_is_short_run(const char *text, size_t len)
{
    uint32_t halves[2];
    memcpy(&halves[0], text, sizeof halves[0]);
    memcpy(&halves[1], text + len - sizeof halves[1], sizeof halves[1]);
    return !text_specials_in(halves[0] | (uint64_t)halves[1] << 32);
}
#endif

/* How many bytes at `text` are ASCII and may stand in a JSON string as they are. What is too short for the widest look
 * is looked at by machine words, and the rest by bytes. */
static size_t text_ascii_run(const char *text, size_t len)
{
    size_t at = 0;
#ifdef VECTOR_BYTES
    while (len - at >= VECTOR_BYTES) {
        const unsigned run = vector_clean(text + at);
        at += run;
        if (run < VECTOR_BYTES) {
            return at;
        }
    }
#endif
    while (len - at >= sizeof(size_t)) {
        const size_t special = text_specials(text + at);
        if (special) {
#ifdef TEXT_WORDS
            return at + (size_t)__builtin_ctzll(special) / 8;
#else
            break;
#endif
        }
        at += sizeof(size_t);
    }
#ifdef TEXT_WORDS
    if (len >= 4 && len < sizeof(size_t) && text_is_short_run(text, len)) {
        return len;
    }
    if (at < len && len >= sizeof(size_t)) { /* the last word, of which the first bytes have been looked at */
        const size_t special = text_specials(text + len - sizeof(size_t)) >> 8 * (sizeof(size_t) - (len - at));
        return special ? at + (size_t)__builtin_ctzll(special) / 8 : len;
    }
#endif
    while (at < len && (uint8_t)(text[at] - ' ') < 0x80 - ' ' && text[at] != '"' && text[at] != '\\') {
        at++;
    }
    return at;
}

/* The same as text_utf8_check(), but quickly found where there are four bytes to look at and the sequence is valid; two
 * that are two bytes long each count as one. */
static inline int text_sequence(const char *text, size_t len)
{
#if !defined EXO_SMALL && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (len >= 4) {
        uint32_t word;
        memcpy(&word, text, sizeof word);
        const uint32_t lead = word & 0xFF;
        if ((word & 0xC0E0C0E0) == 0x80C080C0 && (word & 0x1E) != 0 && (word & 0x1E0000) != 0) {
            return 4;
        }
        if (lead < 0xE0 && lead >= 0xC2 && (word & 0xC000) == 0x8000) {
            return 2;
        }
        /* neither overlong nor a surrogate: leads with which the second byte is bound are left to the other way */
        if (lead > 0xE0 && lead < 0xF0 && lead != 0xED && (word & 0xC0C000) == 0x808000) {
            return 3;
        }
        if (lead > 0xF0 && lead < 0xF4 && (word & 0xC0C0C000) == 0x80808000) {
            return 4;
        }
    }
#endif
    return text_utf8_check(text, len);
}

/* The same as exo_json_clean_run(), for what is short. */
static size_t text_clean_run(const char *text, size_t len)
{
    size_t at = 0;
    for (;;) {
        at += text_ascii_run(text + at, len - at);
        if (at == len || (uint8_t)text[at] < 0x80) {
            return at;
        }
        do {
            int size = text_sequence(text + at, len - at);
            if (size <= 0) {
                return at;
            }
            at += (size_t)size;
        } while (at < len && (uint8_t)text[at] >= 0x80);
    }
}

#ifdef VECTOR_BYTES
/* The place of the highest bit. */
static unsigned text_last(uint64_t bits)
{
    return 63 - (unsigned)__builtin_clzll(bits);
}

/* A bit for each byte of the block that is at least 0xE0, and so on: signed, as vectors are. */
static uint64_t text_bits_from(const vector_block *block, signed char limit)
{
    return ~vector_bits(vector_below(block->a, limit), vector_below(block->b, limit), vector_below(block->c, limit),
                        vector_below(block->d, limit));
}

/* Marks leads that may not stand at all, or with which the second byte is bound; and some bytes that are no leads. */
static vector text_odd(vector bytes)
{
    return ((bytes & 0x1F) == 0) | (bytes == (signed char)0xC1) | (bytes == (signed char)0xED);
}

/* How many bytes of the block that begins `text` stand before the first sequence that is invalid or goes on behind the
 * block; `other` has a bit for each that is not ASCII. A lead wants as many bytes to follow as go on with a sequence.
 */
static unsigned text_valid(const char *text, const vector_block *block, uint64_t other)
{
    const uint64_t leads = other & text_bits_from(block, (signed char)0xC0);
    const uint64_t threes = other & text_bits_from(block, (signed char)0xE0);
    const uint64_t fours = other & text_bits_from(block, (signed char)0xF0);
    const uint64_t wanted = leads << 1 | threes << 2 | fours << 3;
    const uint64_t wrong = wanted ^ (other & ~leads);
    uint64_t odd = vector_bits(text_odd(block->a), text_odd(block->b), text_odd(block->c), text_odd(block->d));
    unsigned len = VECTOR_BLOCK;
    if (leads >> 63 | threes >> 62 | fours >> 61) {
        len = text_last(leads);
    }
    if (wrong) {
        const uint64_t first = wrong & (0 - wrong);
        const unsigned at = wanted & first ? text_last(leads & (first - 1)) : text_last(first);
        len = at < len ? at : len;
    }
    for (odd = leads & (odd | fours); odd; odd &= odd - 1) {
        const unsigned at = (unsigned)__builtin_ctzll(odd);
        if (at >= len || text_utf8_check(text + at, VECTOR_BLOCK - at) <= 0) {
            return at < len ? at : len;
        }
    }
    return len;
}

unsigned exo_json_block(const char *text, uint64_t *specials)
{
    const vector_block block = vector_load_block(text);
    const uint64_t other = vector_bits_in(&block);
    const unsigned len = text_valid(text, &block, other);
    *specials &= ~other & (len < VECTOR_BLOCK ? (UINT64_C(1) << len) - 1 : UINT64_MAX);
    return len;
}
#endif

size_t exo_json_clean_run(const char *text, size_t len)
{
#ifdef VECTOR_BYTES
    size_t at = text_clean_run(text, len < VECTOR_BLOCK ? len : VECTOR_BLOCK);
    if (len < (size_t)2 * VECTOR_BLOCK || at < VECTOR_BLOCK - 3) { /* there may be the beginning of a sequence */
        return at < VECTOR_BLOCK - 3 ? at : at + text_clean_run(text + at, len - at);
    }
    while (len - at >= VECTOR_BLOCK) {
        const vector_block block = vector_load_block(text + at);
        vector_block marks;
        unsigned run = VECTOR_BLOCK;
        if (vector_mark(&block, &marks)) {
            uint64_t specials = vector_bits_in(&marks);
            run = vector_is_ascii(&block) ? VECTOR_BLOCK : exo_json_block(text + at, &specials);
            if (specials || run == 0) {
                return at + (specials ? (unsigned)__builtin_ctzll(specials) : 0);
            }
        }
        at += run;
    }
    return at + text_clean_run(text + at, len - at);
#else
    return text_clean_run(text, len);
#endif
}

/* The names of the escapes and, ESCAPES behind each, what it stands for. The solidus can be escaped, but need not be.
 */
#define ESCAPES 8
static const char escapes[] = "/\"\\bfnrt"
                              "/\"\\\b\f\n\r\t";

size_t exo_json_put_escape(char byte, char escape[JSON_ESCAPE_MAX])
{
    escape[0] = '\\';
#ifndef EXO_SMALL
    static const char names[32] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
    escape[1] = (uint8_t)byte < sizeof names ? names[(uint8_t)byte] : byte;
#else
    const char *found = memchr(escapes + ESCAPES + 1, byte, ESCAPES - 1);
    escape[1] = found ? found[-ESCAPES] : 'u';
#endif
    if (escape[1] != 'u') {
        return 2;
    }
    escape[2] = escape[3] = '0';
    escape[4] = (char)('0' + (byte >> 4)); /* ASCII: below 8 */
    escape[5] = ascii_hex_digit(byte & 15);
    return JSON_ESCAPE_MAX;
}

int exo_json_escape_value(int name)
{
    const char *found = memchr(escapes, name, ESCAPES); /* -1 is a byte that is not among them */
    return found ? found[ESCAPES] : -1;
}

int exo_json_hex_value(int byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

int32_t exo_json_code_unit(const char *text, size_t len)
{
    int32_t unit = 0;
    if (len < 6 || text[0] != '\\' || text[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        int digit = exo_json_hex_value((uint8_t)text[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}
