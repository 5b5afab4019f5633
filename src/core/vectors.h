/*
 * vectors.h: 16 bytes at once, where this machine has vectors and the build is not for a small one.
 *
 * VECTOR_BYTES and VECTOR_BASE64 say whether it is so; whoever uses them has a way without. Private to src/core.
 */
#ifndef EXOCHAT_VECTORS_H
#define EXOCHAT_VECTORS_H

#include <stdint.h>
#include <string.h>

#if !defined EXO_SMALL && defined __SSE2__
#include <emmintrin.h>
#define VECTOR_BYTES 16

/* Where the first of 16 bytes is that is no ASCII, or cannot stand in a JSON string as it is; 16: there is none. */
static inline unsigned vector_clean(const char *text)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')); /* signed: what is above ASCII is below 0 */
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i solidus = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const int marks = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, solidus)));
    return (unsigned)__builtin_ctz((unsigned)marks | 1U << VECTOR_BYTES);
}

/* How many bytes are read, used and written by vector_base64(). */
#define VECTOR_BASE64      12
#define VECTOR_BASE64_READ 14
#define VECTOR_BASE64_OUT  16

/* The 8 digits, of 6 bits each, of 6 bytes, the first one lowest; two bytes more are read. */
static inline uint64_t vector_digits(const char *in)
{
    uint64_t bits;
    memcpy(&bits, in, sizeof bits);
    bits = __builtin_bswap64(bits) >> 16;
    bits = bits >> 24 | (bits & 0xFFFFFF) << 32;
    bits = (bits >> 12 & 0xFFF00000FFF) | (bits & 0xFFF00000FFF) << 16;
    return (bits >> 6 & 0x3F003F003F003F) | (bits & 0x3F003F003F003F) << 8;
}

/* Writes the 16 letters of base64 (RFC 4648) that 12 bytes at `in` come to: what is read is read before that. */
static inline void vector_base64(const char *in, char *out)
{
    const __m128i digits = _mm_set_epi64x((long long)vector_digits(in + 6), (long long)vector_digits(in));
    const __m128i small = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(25)), _mm_set1_epi8('a' - 'A' - 26));
    const __m128i figure = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(51)), _mm_set1_epi8('0' - 'a' - 26));
    const __m128i plus = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(61)), _mm_set1_epi8('+' - '0' - 10));
    const __m128i solidus = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(62)), _mm_set1_epi8('/' - '+' - 1));
    const __m128i offset = _mm_add_epi8(_mm_add_epi8(small, figure), _mm_add_epi8(plus, solidus));
    const __m128i letters = _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('A')), offset);
    _mm_storeu_si128((__m128i *)(void *)out, letters);
}

#elif !defined EXO_SMALL && defined __ARM_NEON && defined __aarch64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define VECTOR_BYTES 16

static inline unsigned vector_clean(const char *text)
{
    const uint8x16_t bytes = vld1q_u8((const uint8_t *)text);
    const uint8x16_t low = vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(' '));
    const uint8x16_t quote = vceqq_u8(bytes, vdupq_n_u8('"'));
    const uint8x16_t solidus = vceqq_u8(bytes, vdupq_n_u8('\\'));
    const uint8x16_t marks = vorrq_u8(low, vorrq_u8(quote, solidus));
    const uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(marks), 4)), 0);
    return nibbles ? (unsigned)__builtin_ctzll(nibbles) / 4 : VECTOR_BYTES;
}
#endif

#endif
