/*
 * vectors.h: 64 bytes at once, where this machine has vectors of 16 and the build is not for a small one.
 *
 * VECTOR_BYTES says whether it is so; whoever uses it has a way without. What differs between machines is how the marks
 * of a vector become bits; all else is the compiler's. Private to src/core.
 */
#ifndef EXOCHAT_VECTORS_H
#define EXOCHAT_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if !defined EXO_SMALL && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#if defined __SSE2__
#include <emmintrin.h>
#define VECTOR_BYTES 16
#elif defined __ARM_NEON && defined __aarch64__
#include <arm_neon.h>
#define VECTOR_BYTES 16
#endif
#endif

#ifdef VECTOR_BYTES
/* How many bytes are looked at together. */
#define VECTOR_BLOCK 64

/* Signed: what is above ASCII is below 0. A mark is a byte whose top bit is set. */
typedef int8_t vector __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t vector_words __attribute__((vector_size(VECTOR_BYTES)));

typedef uint64_t vector_halves __attribute__((vector_size(VECTOR_BYTES)));

typedef struct vector_block {
    vector a, b, c, d;
} vector_block;

static inline vector vector_load(const char *text)
{
    vector bytes;
    memcpy(&bytes, text, sizeof bytes);
    return bytes;
}

static inline vector vector_of(uint64_t low, uint64_t high)
{
    return (vector)(vector_halves){low, high};
}

static inline vector_block vector_load_block(const char *text)
{
    const vector_block block = {vector_load(text), vector_load(text + 16), vector_load(text + 32),
                                vector_load(text + 48)};
    return block;
}

static inline void vector_store_block(char *out, const vector_block *block)
{
    memcpy(out, &block->a, VECTOR_BYTES);
    memcpy(out + 16, &block->b, VECTOR_BYTES);
    memcpy(out + 32, &block->c, VECTOR_BYTES);
    memcpy(out + 48, &block->d, VECTOR_BYTES);
}

#ifdef __SSE2__
/* Sets the top bit of each byte that is below the limit. */
static inline vector vector_below(vector bytes, int8_t limit)
{
    return (vector)_mm_subs_epi8((__m128i)bytes, _mm_set1_epi8(limit)); /* one operation less than a comparison */
}

static inline uint64_t vector_bits_of(vector marks)
{
    return (unsigned)_mm_movemask_epi8((__m128i)marks);
}

/* A bit for each byte of a block, that of the first one lowest, from the top bits of the bytes. */
static inline uint64_t vector_bits(vector a, vector b, vector c, vector d)
{
    return vector_bits_of(a) | vector_bits_of(b) << 16 | vector_bits_of(c) << 32 | vector_bits_of(d) << 48;
}

/* Whether any byte has its top bit set. */
static inline bool vector_any(vector bytes)
{
    return vector_bits_of(bytes) != 0;
}

/* Whether each has. */
static inline bool vector_all(vector bytes)
{
    return vector_bits_of(bytes) == 0xFFFF;
}
#else
static inline vector vector_below(vector bytes, int8_t limit)
{
    return (vector)vqsubq_s8((int8x16_t)bytes, vdupq_n_s8(limit));
}

static inline uint8x16_t vector_weights(vector bytes)
{
    static const uint8_t weights[VECTOR_BYTES] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    return vandq_u8((uint8x16_t)(bytes >> 7), vld1q_u8(weights));
}

static inline uint64_t vector_bits(vector a, vector b, vector c, vector d)
{
    const uint8x16_t low = vpaddq_u8(vector_weights(a), vector_weights(b));
    const uint8x16_t high = vpaddq_u8(vector_weights(c), vector_weights(d));
    const uint8x16_t pairs = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}

static inline bool vector_any(vector bytes)
{
    return vminvq_s8((int8x16_t)bytes) < 0;
}

static inline bool vector_all(vector bytes)
{
    return vmaxvq_s8((int8x16_t)bytes) < 0;
}
#endif

/* Marks what is no ASCII, or cannot stand in a JSON string as it is: with the bit of 2 turned over, what is below the
 * space stays so, and the quotation mark comes to stand there. */
static inline vector vector_specials(vector bytes)
{
    return vector_below(bytes ^ 2, 0x21) | (bytes == '\\');
}

/* What vector_base64() uses, and writes; it reads a byte more. */
#define VECTOR_BASE64     12
#define VECTOR_BASE64_OUT 16

static inline uint32_t vector_word(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Writes the 16 letters of base64 (RFC 4648) that 12 bytes at `in` come to: what is read is read before that. */
static inline void vector_base64(const char *in, char *out)
{
    const vector_words words = {vector_word(in), vector_word(in + 3), vector_word(in + 6), vector_word(in + 9)};
    /* each word has three bytes, the first lowest, and gets their four digits of 6 bits */
    const vector_words low = (words >> 2 & 0x3F) | (words >> 4 & 0xF00) | (words >> 6 & 0x30000);
    const vector_words high = (words << 12 & 0x3000) | (words << 10 & 0x3C0000) | (words << 8 & 0x3F000000);
    const vector digits = (vector)(low | high);
    const vector letters = digits + 'A' + ((digits > 25) & ('a' - 'A' - 26)) + ((digits > 51) & ('0' - 'a' - 26)) +
                           ((digits > 61) & ('+' - '0' - 10)) + ((digits > 62) & ('/' - '+' - 1));
    memcpy(out, &letters, sizeof letters);
}

/* The place of the first marked byte: there is one. */
static inline unsigned vector_first(vector marks)
{
    const vector none = {0};
    return (unsigned)__builtin_ctzll(vector_bits(marks, none, none, none));
}

/* How many of the next 16 bytes are ASCII and may stand in a JSON string as they are, up to the first that may not. */
static inline unsigned vector_clean(const char *text)
{
    const vector marks = vector_specials(vector_load(text));
    const vector none = {0};
    return (unsigned)__builtin_ctzll(vector_bits(marks, none, none, none) | 1U << VECTOR_BYTES);
}

/* The same, behind the first `before` of them, which are passed over. */
static inline unsigned vector_clean_behind(const char *text, unsigned before)
{
    const vector marks = vector_specials(vector_load(text));
    const vector none = {0};
    const uint64_t bits = vector_bits(marks, none, none, none) >> before << before;
    return (unsigned)__builtin_ctzll(bits | 1U << VECTOR_BYTES);
}

/* Marks in a block what must be escaped or is not ASCII, and says whether there is any. */
static inline bool vector_mark(const vector_block *block, vector_block *marks)
{
    marks->a = vector_specials(block->a);
    marks->b = vector_specials(block->b);
    marks->c = vector_specials(block->c);
    marks->d = vector_specials(block->d);
    return vector_any(marks->a | marks->b | marks->c | marks->d);
}

static inline bool vector_is_ascii(const vector_block *block)
{
    return !vector_any(block->a | block->b | block->c | block->d);
}

/* A bit for each marked byte of a block; or, of the block itself, for each that is not ASCII. */
static inline uint64_t vector_bits_in(const vector_block *marks)
{
    return vector_bits(marks->a, marks->b, marks->c, marks->d);
}
#endif

#endif
