/*
 * ascii.c: letters, numbers and white space of protocol text, whatever the locale.
 *
 * It looks at bytes only: what is not ASCII is the same as itself and no white space. It has no memory.
 */
#include "ascii.h"

const char *exo_ascii_string(const char *strings, size_t index)
{
    for (; index > 0; index--) {
        strings += strlen(strings) + 1;
    }
    return strings;
}

bool exo_ascii_same(const char *one, const char *other, size_t len)
{
    for (; len > 0 && ascii_lower(*one) == ascii_lower(*other); len--) {
        one++;
        other++;
    }
    return len == 0;
}

int exo_ascii_word_index(const char *words, const exo_span *word)
{
    for (int index = 0; *words; index++) {
        size_t len = 0;
        while (words[len] > ' ') {
            len++;
        }
        if (len == word->len && exo_ascii_same(words, word->ptr, len)) {
            return index;
        }
        words += len;
        words += *words == ' ';
    }
    return -1;
}

bool exo_ascii_skip(exo_span *text, const char *word)
{
    const size_t len = strlen(word);
    if (text->len < len || !exo_ascii_same(text->ptr, word, len)) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

void exo_ascii_trim(exo_span *text)
{
    exo_span rest = *text;
    while (rest.len > 0 && ascii_is_space(*rest.ptr)) {
        rest.ptr++;
        rest.len--;
    }
    while (rest.len > 0 && ascii_is_space(rest.ptr[rest.len - 1])) {
        rest.len--;
    }
    *text = rest;
}

bool exo_ascii_append_digit(uint64_t *number, unsigned digit)
{
    const uint64_t more = *number * 10 + digit;
    if (*number > UINT64_MAX / 10 || more < digit) {
        return false;
    }
    *number = more;
    return true;
}

size_t exo_ascii_put_number(char digits[ASCII_DIGITS_MAX], uint64_t number)
{
    char reversed[ASCII_DIGITS_MAX];
    size_t at = sizeof reversed;
    do {
        reversed[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(digits, reversed + at, sizeof reversed - at);
    return sizeof reversed - at;
}
