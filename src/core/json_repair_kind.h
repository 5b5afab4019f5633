/*
 * json_repair_kind.h: what stands at a place of a text that is repaired, and where the white space around it ends.
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXO_CORE_JSON_REPAIR_KIND_H
#define EXO_CORE_JSON_REPAIR_KIND_H

#include "json_repair_state.h"

/* A run of backticks that opens or closes a block of code. */
#define FENCE_LEN 3

/* What stands at a place: what its byte is, and what the character is that begins there; and sets of that. From
 * KIND_MARK on the bits are the character's code of enum mark. */
enum kind {
    KIND_END = 1, /* nothing: the text is over */
    KIND_DIGIT = 2,
    KIND_LETTER = 4,
    KIND_MINUS = 8,
    KIND_OPENING = 0x10,
    KIND_CLOSING = 0x20,
    KIND_COMMA = 0x40,
    KIND_COLON = 0x80,
    KIND_SEMICOLON = 0x100,
    KIND_LINE_END = 0x200,
    KIND_EQUALS = 0x400,
    KIND_PLUS = 0x800,
    KIND_POINT = 0x1000,
    KIND_BACKTICK = 0x2000,
    KIND_STRAIGHT = 0x4000, /* a quotation mark of ASCII */
    KIND_SLASH = 0x8000,
    KIND_BACKSLASH = 0x10000,
    KIND_QUOTE = 0x20000, /* a quotation mark, perhaps with a reverse solidus in front of it */
    KIND_BLANK = 0x40000, /* a white space character */
    KIND_FENCE = 0x80000,
    KIND_ELLIPSIS = 0x100000,
    KIND_COMMENT = 0x200000, /* the beginning of one */
    KINDS_WORD = KIND_LETTER | KIND_DIGIT | KIND_MINUS,
    KINDS_NUMBER = KIND_DIGIT | KIND_MINUS | KIND_PLUS | KIND_POINT | KIND_COMMA,
    KINDS_SEPARATOR = KIND_COMMA | KIND_SEMICOLON,
    KINDS_BEFORE_VALUE = KIND_COMMA | KIND_COLON | KIND_OPENING,
    KINDS_STRUCTURE = KINDS_BEFORE_VALUE | KIND_CLOSING
};
#define KIND_MARK 24

/* Characters that mean something; the first digit is their length in bytes. A string that a curly quotation mark opens
 * may end with a straight one, and one that a backtick opens with an acute accent; no quotation mark is as far from any
 * other code, whether or not a reverse solidus is added. */
enum mark {
    MARK_NONE = 0,
    QUOTE_DOUBLE = 0x10,
    QUOTE_SINGLE = 0x11,
    QUOTE_BACKTICK = 0x12,
    QUOTE_ACUTE = 0x22,
    QUOTE_ANGLE = 0x23,
    QUOTE_CURLY_DOUBLE = 0x30,
    QUOTE_CURLY_SINGLE = 0x31,
    QUOTE_ESCAPE = 0x18, /* what a reverse solidus in front of the mark adds */
    QUOTE_ESCAPED = QUOTE_DOUBLE + QUOTE_ESCAPE,
    QUOTE_CURLY = QUOTE_CURLY_DOUBLE - QUOTE_DOUBLE,
    QUOTE_ACCENT = QUOTE_ACUTE - QUOTE_BACKTICK,
    OTHER = 0x0C, /* no quotation mark; the last two bits say how far behind KIND_BLANK its kind stands */
    OTHER_BLANK_1 = 0x1C,
    OTHER_BLANK_2 = 0x2C,
    OTHER_BLANK_3 = 0x3C,
    OTHER_FENCE = 0x3D,
    OTHER_ELLIPSIS = 0x3E,
    OTHER_COMMENT = 0x1F
};

/* The byte at `at`, or -1 beyond the end. */
static inline int repair_peek(const repair *r, size_t at)
{
    return at < r->in.len ? (uint8_t)r->in.ptr[at] : -1;
}

/* Whether a byte is one of a string's; -1 is none. */
bool exo_repair_is_one_of(int byte, const char *set);

/* What is at `at`: of enum kind, and the mark. */
unsigned exo_repair_find_kind(const repair *r, size_t at);

#ifndef EXO_SMALL
#define KIND_MORE 0x400000 /* what it is depends on what follows */

/* The same by the byte alone, as most can be known. */
extern const uint32_t exo_repair_kinds[256];

static inline unsigned repair_kind_of(char byte)
{
    return exo_repair_kinds[(uint8_t)byte];
}

/* The same where it depends on more than the byte at `at`, which is there. */
unsigned exo_repair_kind_of_more(const repair *r, size_t at);

/* The same. */
static inline unsigned repair_kind_at(const repair *r, size_t at)
{
    const unsigned kind = at < r->in.len ? repair_kind_of(r->in.ptr[at]) : KIND_END;
    return kind & KIND_MORE ? exo_repair_kind_of_more(r, at) : kind;
}

/* The first place from `at` on whose kind may be one of `kinds`, or `limit`. */
static inline size_t repair_find(const repair *r, size_t at, size_t limit, unsigned kinds)
{
    const size_t end = limit < r->in.len ? limit : r->in.len;
    while (at < end && !(repair_kind_of(r->in.ptr[at]) & (kinds | KIND_MORE))) {
        at++;
    }
    return at < end ? at : limit;
}

/* The first place from `at` on where an opening brace is, or the last place of all. */
static inline size_t repair_find_brace(const repair *r, size_t at)
{
    const char *const brace = memchr(r->in.ptr + at, '{', r->in.len - at);
    return brace ? (size_t)(brace - r->in.ptr) : r->in.len - 1;
}

/* The first place from `at` on that may be no part of a word. */
static inline size_t repair_skip_word(const repair *r, size_t at)
{
    while (at < r->in.len && repair_kind_of(r->in.ptr[at]) & KINDS_WORD) {
        at++;
    }
    return at;
}
#else
#define repair_kind_at                   exo_repair_find_kind
#define repair_find(r, at, limit, kinds) (at)
#define repair_find_brace(r, at)         (at)
#define repair_skip_word(r, at)          (at)
#endif

/* The length of the character at a place that has a mark. */
static inline size_t repair_mark_len(unsigned kind)
{
    return kind >> (KIND_MARK + 4);
}

/* The length of the quotation mark at a place, or 0. */
static inline size_t repair_quote_len(unsigned kind)
{
    return kind & KIND_QUOTE ? repair_mark_len(kind) : 0;
}

/* Where the blanks from `at` on end; in a text that is escaped once too often escapes are among them. */
size_t exo_repair_skip_blanks(const repair *r, size_t at);

/* The kind of what the blanks from `at` on are followed by. */
unsigned exo_repair_kind_past(const repair *r, size_t at);

/* The end of what stands before `end`, blanks taken off, but not before `start`. */
size_t exo_repair_trim(const repair *r, size_t start, size_t end);

/* Whether a string that `open` began may end with the mark of `kind`. */
static inline bool repair_is_pair(unsigned open, unsigned kind)
{
    const unsigned difference = (kind >> KIND_MARK) - open;
    return difference == 0 || difference == (unsigned)-QUOTE_CURLY || difference == QUOTE_ACCENT;
}

#endif
