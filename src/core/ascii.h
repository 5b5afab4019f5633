/*
 * ascii.h: letters, numbers and white space of protocol text, whatever the locale.
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXOCHAT_ASCII_H
#define EXOCHAT_ASCII_H

#include "exochat/span.h"

static inline bool ascii_is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* White space as texts have it: blanks, line ends, tabs of both kinds and the form feed. */
static inline bool ascii_is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static inline char ascii_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* The hexadecimal digit, in lower case, of a value below 16. */
static inline char ascii_hex_digit(size_t value)
{
    return (char)(value + (value < 10 ? '0' : 'a' - 10));
}

/* String number `index`, from 0 on, of a row of strings that each end with NUL. */
const char *exo_ascii_string(const char *strings, size_t index);

/* Whether `len` bytes are the same, but for letters in upper and lower case. */
bool exo_ascii_same(const char *one, const char *other, size_t len);

/* The index of a word, in any case, in a list with a space between two words, or -1. */
int exo_ascii_word_index(const char *words, const exo_span *word);

/* Takes `word`, in any case, off the front of `text`, and says whether it was there. */
bool exo_ascii_skip(exo_span *text, const char *word);

/* Takes off the white space around `text`. */
void exo_ascii_trim(exo_span *text);

/* Appends a digit to a decimal number, and says whether 64 bits hold it; if not, the number is not changed. */
bool exo_ascii_append_digit(uint64_t *number, unsigned digit);

/* The most digits of 64 bits. */
#define ASCII_DIGITS_MAX 20

/* Stores a number in decimal, without a terminator, and returns how many digits it has. */
size_t exo_ascii_put_number(char digits[ASCII_DIGITS_MAX], uint64_t number);

#endif
