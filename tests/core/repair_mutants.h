/*
 * repair_mutants.h: the inputs of json_repair.cases, and how they are broken further.
 *
 * To be included behind cmocka.h.
 */
#ifndef REPAIR_MUTANTS_H
#define REPAIR_MUTANTS_H

#include <stdint.h>
#include <string.h>

#define CASE_MAX 4096

static inline int hex_value(char digit)
{
    const char *digits = "0123456789ABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;
    assert_non_null(found);
    return (int)(found - digits);
}

/* Appends the rest of a line of the file, with %XX replaced, to `text` of `len` bytes, and returns the new length. */
static inline size_t append_line(char *text, size_t len, const char *line)
{
    for (; *line && *line != '\n'; line++) {
        assert_true(len < CASE_MAX);
        if (*line == '%') {
            text[len++] = (char)(hex_value(line[1]) * 16 + hex_value(line[2]));
            line += 2;
        } else {
            text[len++] = *line;
        }
    }
    return len;
}

static inline uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static const char *const scraps[] = {
    "{",     "}",         "[",        "]",    ",",         ":",         "\"",    "'",        "`",
    "```",   "```json\n", "\\",       "\\\"", "\\u",       "\\ud83d",   "\\x4",  "/*",       "*/",
    "//",    "#",         "\n",       " ",    "\t",        "true",      "Non",   "nul",      "1",
    "-",     ".5",        "1e",       "+",    "...",       "a",         "a b",   "“",        "”",
    "‘",     "«",         "\xE2\x80", "\xFF", "\xC2",      ";",         "=>",    "(",        ")",
    "\"a\"", "\"a\":",    "a:",       "\"\"", "{\"a\":1}", ", \"b\": ", "1,000", "\xC2\xA0", "\xE2\x80\x8B",
    "b\"",   "´",
};
#define SCRAPS (sizeof scraps / sizeof *scraps)

/* Changes `text` in one place: takes bytes out, doubles them, or puts a scrap or any byte in. Returns the new length.
 */
static inline size_t mutate(char *text, size_t len, uint32_t *seed)
{
    const size_t at = next_random(seed) % (len + 1);
    size_t size = next_random(seed) % 8;
    char patch[16];
    size = size < len - at ? size : len - at;
    switch (next_random(seed) % 4) {
    case 0:
        memmove(text + at, text + at + size, len - at - size);
        return len - size;
    case 1:
        memcpy(patch, text + at, size);
        break;
    case 2:
        patch[0] = (char)next_random(seed);
        size = 1;
        break;
    default: {
        const char *scrap = scraps[next_random(seed) % SCRAPS];
        size = strlen(scrap);
        memcpy(patch, scrap, size);
        break;
    }
    }
    memmove(text + at + size, text + at, len - at);
    memcpy(text + at, patch, size);
    return len + size;
}

#endif
