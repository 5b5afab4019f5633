/*
 * json_text.h: what the JSON reader and writer must agree on: which bytes of a string stand for themselves, and where a
 * UTF-8 sequence or a broken piece of one ends.
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXOCHAT_JSON_TEXT_H
#define EXOCHAT_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* U+FFFD in UTF-8. */
#define JSON_REPLACEMENT "\xEF\xBF\xBD"

/* Looks at the sequence that begins `text`, of `len` > 0 bytes, the first of them not ASCII (Unicode 15, table 3-7).
 * Positive: its length, it is valid. 0: `text` ends inside of a so far valid sequence. Negative: minus the length of
 * the maximal part that one U+FFFD stands for. */
static inline int utf8_check(const char *text, size_t len)
{
    uint8_t lead = (uint8_t)text[0];
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    int size = 2;
    if (lead < 0xC2 || lead > 0xF4) {
        return -1;
    }
    if (lead >= 0xF0) {
        size = 4;
        low = lead == 0xF0 ? 0x90 : low;
        high = lead == 0xF4 ? 0x8F : high;
    } else if (lead >= 0xE0) {
        size = 3;
        low = lead == 0xE0 ? 0xA0 : low;
        high = lead == 0xED ? 0x9F : high;
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

/* How many bytes at `text` are ASCII and may stand in a JSON string as they are. Looks at a machine word at a time. */
static inline size_t json_ascii_run(const char *text, size_t len)
{
    const size_t ones = SIZE_MAX / 255;
    size_t at = 0;
    size_t word;
    while (len - at >= sizeof word) {
        memcpy(&word, text + at, sizeof word);
        /* A subtraction borrows into a byte's top bit first at the lowest byte that is too small: no such byte, no bit.
         */
        size_t special = word | (word - ones * ' ') | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones);
        if (special & (ones * 0x80)) {
            break;
        }
        at += sizeof word;
    }
    while (at < len && (uint8_t)(text[at] - ' ') < 0x80 - ' ' && text[at] != '"' && text[at] != '\\') {
        at++;
    }
    return at;
}

/* How many bytes at `text` may stand in a JSON string as they are: all but the quotation mark, the reverse solidus,
 * control characters and UTF-8 that is invalid or incomplete. */
static inline size_t json_clean_run(const char *text, size_t len)
{
    size_t at = 0;
    for (;;) {
        at += json_ascii_run(text + at, len - at);
        if (at == len || (uint8_t)text[at] < 0x80) {
            return at;
        }
        do {
            int size = utf8_check(text + at, len - at);
            if (size <= 0) {
                return at;
            }
            at += (size_t)size;
        } while (at < len && (uint8_t)text[at] >= 0x80);
    }
}

#endif
