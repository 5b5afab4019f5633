/*
 * json_wide.h: 16 bytes of a JSON string at once, where this machine has vectors and the build is not for a small one.
 *
 * JSON_WIDE says whether it is so; whoever uses it has a way without. Private to src/core.
 */
#ifndef EXOCHAT_JSON_WIDE_H
#define EXOCHAT_JSON_WIDE_H

#include <stdint.h>

#if !defined EXO_SMALL && defined __SSE2__
#include <emmintrin.h>
#define JSON_WIDE 16

/* Where the first of 16 bytes is that is no ASCII, or cannot stand in a JSON string as it is; 16: there is none. */
static inline unsigned json_wide_clean(const char *text)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')); /* signed: what is above ASCII is below 0 */
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i solidus = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const int marks = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, solidus)));
    return (unsigned)__builtin_ctz((unsigned)marks | 1U << JSON_WIDE);
}

#elif !defined EXO_SMALL && defined __ARM_NEON && defined __aarch64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define JSON_WIDE 16

static inline unsigned json_wide_clean(const char *text)
{
    const uint8x16_t bytes = vld1q_u8((const uint8_t *)text);
    const uint8x16_t low = vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(' '));
    const uint8x16_t quote = vceqq_u8(bytes, vdupq_n_u8('"'));
    const uint8x16_t solidus = vceqq_u8(bytes, vdupq_n_u8('\\'));
    const uint8x16_t marks = vorrq_u8(low, vorrq_u8(quote, solidus));
    const uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(marks), 4)), 0);
    return nibbles ? (unsigned)__builtin_ctzll(nibbles) / 4 : JSON_WIDE;
}
#endif

#endif
