/*
 * utf8_oracle.h: the UTF-8 decoder of the WHATWG Encoding Standard, step by step, for tests to compare with.
 *
 * Plain on purpose: it shares no idea with the library's own scan.
 */
#ifndef EXOCHAT_TESTS_UTF8_ORACLE_H
#define EXOCHAT_TESTS_UTF8_ORACLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies `text` to `out` (at least 3 * len bytes) with U+FFFD where the standard's decoder would emit it. Returns the
 * length. */
static size_t utf8_oracle(const char *text, size_t len, char *out)
{
    size_t out_len = 0;
    size_t begin = 0;
    unsigned needed = 0;
    unsigned lower = 0x80;
    unsigned upper = 0xBF;
    for (size_t i = 0; i <= len; i++) {
        unsigned byte = i < len ? (uint8_t)text[i] : 0x100;
        if (needed > 0 && (byte < lower || byte > upper)) {
            memcpy(out + out_len, "\xEF\xBF\xBD", 3);
            out_len += 3;
            needed = 0;
            lower = 0x80;
            upper = 0xBF;
            i--;
            continue;
        }
        if (i == len) {
            break;
        }
        if (needed > 0) {
            lower = 0x80;
            upper = 0xBF;
            if (--needed == 0) {
                memcpy(out + out_len, text + begin, i + 1 - begin);
                out_len += i + 1 - begin;
            }
            continue;
        }
        begin = i;
        if (byte <= 0x7F) {
            out[out_len++] = text[i];
        } else if (byte >= 0xC2 && byte <= 0xDF) {
            needed = 1;
        } else if (byte >= 0xE0 && byte <= 0xEF) {
            lower = byte == 0xE0 ? 0xA0 : lower;
            upper = byte == 0xED ? 0x9F : upper;
            needed = 2;
        } else if (byte >= 0xF0 && byte <= 0xF4) {
            lower = byte == 0xF0 ? 0x90 : lower;
            upper = byte == 0xF4 ? 0x8F : upper;
            needed = 3;
        } else {
            memcpy(out + out_len, "\xEF\xBF\xBD", 3);
            out_len += 3;
        }
    }
    return out_len;
}

/* One byte of each kind that a UTF-8 decoder tells apart, for tests that try all sequences of them. */
static const char utf8_kinds[] = "A\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xE1\xED\xEF\xF0\xF1\xF4\xF5";

#define UTF8_KINDS (sizeof utf8_kinds - 1)

/* Writes the `index`-th sequence of `len` kinds to `out`. */
static void utf8_sequence_of_kinds(size_t index, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = utf8_kinds[index % UTF8_KINDS];
        index /= UTF8_KINDS;
    }
}

#endif
