/*
 * json_repair_kind.c: what stands at a place of a text that is repaired.
 *
 * It knows bytes and characters, those of Unicode that stand for quotation marks and white space among them, and
 * nothing of JSON's structure. json_repair.c and its other files call it. It has no memory.
 */
#include "json_repair_kind.h"

#include "ascii.h"

bool exo_repair_is_one_of(int byte, const char *set)
{
    return byte >= 0 && memchr(set, byte, strlen(set));
}

static bool repair_is_blank(int byte)
{
    return byte >= 0 && byte <= ' ';
}

/* What the byte at `at` is by itself: one of enum kind, or 0. */
static unsigned repair_byte_kind(int byte)
{
    static const char bytes[] = "_$--{[}],,::;;\r\n==++..``\"'//\\\\"; /* two of each kind, from KIND_LETTER on */
    const char *found;
    if (ascii_is_digit(byte)) {
        return KIND_DIGIT;
    }
    if (byte < 0) {
        return KIND_END;
    }
    if (((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte >= 0x80) {
        return KIND_LETTER;
    }
    found = memchr(bytes, byte, sizeof bytes - 1);
    return found ? (unsigned)KIND_LETTER << (found - bytes) / 2 : 0;
}

unsigned exo_repair_find_kind(const repair *r, size_t at)
{
    static const uint8_t rows[][5] = {
        /* the first two bytes, or one and 0, the range of the third, and what they are */
        {0xC2, 0xA0, 0x00, 0xFF, OTHER_BLANK_2},      /* U+00A0 */
        {0xC2, 0xAB, 0x00, 0xFF, QUOTE_ANGLE},        /* U+00AB */
        {0xC2, 0xB4, 0x00, 0xFF, QUOTE_ACUTE},        /* U+00B4 */
        {0xC2, 0xBB, 0x00, 0xFF, QUOTE_ANGLE},        /* U+00BB */
        {0xE1, 0x9A, 0x80, 0x80, OTHER_BLANK_3},      /* U+1680 */
        {0xE1, 0xA0, 0x8E, 0x8E, OTHER_BLANK_3},      /* U+180E */
        {0xE2, 0x80, 0x80, 0x8B, OTHER_BLANK_3},      /* U+2000 to U+200B */
        {0xE2, 0x80, 0x98, 0x9B, QUOTE_CURLY_SINGLE}, /* U+2018 to U+201B */
        {0xE2, 0x80, 0x9C, 0x9F, QUOTE_CURLY_DOUBLE}, /* U+201C to U+201F */
        {0xE2, 0x80, 0xA6, 0xA6, OTHER_ELLIPSIS},     /* U+2026 */
        {0xE2, 0x80, 0xA8, 0xA9, OTHER_BLANK_3},      /* U+2028 and U+2029 */
        {0xE2, 0x80, 0xAF, 0xAF, OTHER_BLANK_3},      /* U+202F */
        {0xE2, 0x81, 0x9F, 0x9F, OTHER_BLANK_3},      /* U+205F */
        {0xE3, 0x80, 0x80, 0x80, OTHER_BLANK_3},      /* U+3000 */
        {0xEF, 0xBB, 0xBF, 0xBF, OTHER_BLANK_3},      /* U+FEFF */
        {'.', '.', '.', '.', OTHER_ELLIPSIS},         {'`', '`', '`', '`', OTHER_FENCE},
        {'`', 0, 0x00, 0xFF, QUOTE_BACKTICK},         {'"', 0, 0x00, 0xFF, QUOTE_DOUBLE},
        {'\'', 0, 0x00, 0xFF, QUOTE_SINGLE},          {'#', 0, 0x00, 0xFF, OTHER_COMMENT},
        {'/', '/', 0x00, 0xFF, OTHER_COMMENT},        {'/', '*', 0x00, 0xFF, OTHER_COMMENT},
    };
    int bytes[3];
    const int first = repair_peek(r, at);
    unsigned kind = repair_byte_kind(first);
    if (kind & KINDS_WORD && first < 0x80) {
        return kind; /* most of all text */
    }
    unsigned escape = 0;
    if (kind & KIND_BACKSLASH) {
        escape = QUOTE_ESCAPE;
        at++;
    }
    for (size_t i = 0; i < 3; i++) {
        bytes[i] = repair_peek(r, at + i);
    }
    const uint8_t third = (uint8_t)bytes[2];
    unsigned mark = repair_is_blank(bytes[0]) ? OTHER_BLANK_1 : MARK_NONE;
    for (size_t i = 0; mark == MARK_NONE && i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *row = rows[i];
        if (bytes[0] == row[0] && (row[1] == 0 || bytes[1] == row[1]) && third >= row[2] && third <= row[3]) {
            mark = row[4];
        }
    }
    if (mark & OTHER) {
        if (escape == 0) {
            kind |= (unsigned)KIND_BLANK << (mark & 3);
        }
    } else if (mark != MARK_NONE) {
        kind |= KIND_QUOTE;
    }
    return kind | (mark + escape) << KIND_MARK;
}

#ifndef EXO_SMALL
/* Short words for the table. */
enum {
    NONE = 0,
    MORE = KIND_MORE,
    DIGT = KIND_DIGIT,
    WORD = KIND_LETTER,
    MINS = KIND_MINUS,
    OPEN = KIND_OPENING,
    CLOS = KIND_CLOSING,
    COMM = KIND_COMMA,
    COLN = KIND_COLON,
    SEMI = KIND_SEMICOLON,
    EQUL = KIND_EQUALS,
    PLUS = KIND_PLUS,
    BLNK = KIND_BLANK | OTHER_BLANK_1 << KIND_MARK,
    LINE = BLNK | KIND_LINE_END,
    DUBL = KIND_QUOTE | KIND_STRAIGHT | QUOTE_DOUBLE << KIND_MARK,
    SNGL = KIND_QUOTE | KIND_STRAIGHT | QUOTE_SINGLE << KIND_MARK,
    CMNT = KIND_COMMENT | OTHER_COMMENT << KIND_MARK
};

const uint32_t exo_repair_kinds[256] = {
    BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, LINE, BLNK, BLNK, LINE, BLNK, BLNK, BLNK, BLNK, BLNK,
    BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, NONE, DUBL, CMNT, WORD, NONE,
    NONE, SNGL, NONE, NONE, NONE, PLUS, COMM, MINS, MORE, MORE, DIGT, DIGT, DIGT, DIGT, DIGT, DIGT, DIGT, DIGT, DIGT,
    DIGT, COLN, SEMI, NONE, EQUL, NONE, NONE, NONE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, OPEN, MORE, CLOS, NONE,
    WORD, MORE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, OPEN, NONE, CLOS, NONE, NONE, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, MORE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, MORE, MORE, MORE,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, MORE, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
    WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
};

unsigned exo_repair_kind_of_more(const repair *r, size_t at)
{
    const char *const text = r->in.ptr + at;
    const unsigned next = at + 1 < r->in.len ? repair_kind_of(text[1]) : KIND_MORE;
    if (*text == '\\' && !(next & KIND_MORE)) {
        return KIND_BACKSLASH | (next & KIND_QUOTE) | ((next >> KIND_MARK) + QUOTE_ESCAPE) << KIND_MARK;
    }
    if (*text == '.' && !(next & KIND_MORE)) {
        return KIND_POINT;
    }
    if (*text == '/' && next & KINDS_WORD) {
        return KIND_SLASH;
    }
    return exo_repair_find_kind(r, at);
}

#endif

size_t exo_repair_skip_blanks(const repair *r, size_t at)
{
#ifndef EXO_SMALL
    while (at < r->in.len && r->in.ptr[at] == ' ') {
        at++;
    }
    if (at < r->in.len && !(repair_kind_of(r->in.ptr[at]) & (KIND_BLANK | KIND_MORE))) {
        return at;
    }
#endif
    for (;;) {
        const unsigned kind = repair_kind_at(r, at);
        if (kind & KIND_BLANK) {
            at += repair_mark_len(kind);
        } else if (r->twice && kind & KIND_BACKSLASH && exo_repair_is_one_of(repair_peek(r, at + 1), "nrt")) {
            at += 2;
        } else {
            return at;
        }
    }
}

unsigned exo_repair_kind_past(const repair *r, size_t at)
{
    return repair_kind_at(r, exo_repair_skip_blanks(r, at));
}

size_t exo_repair_trim(const repair *r, size_t start, size_t end)
{
    for (size_t len = 1; len <= 3 && len <= end - start; len++) {
        const unsigned kind = repair_kind_at(r, end - len);
        if (kind & KIND_BLANK && repair_mark_len(kind) == len) {
            end -= len;
            len = 0;
        }
    }
    return end;
}
