/*
 * json_repair.c: text that was meant to be JSON → JSON.
 *
 * A tolerant reader whose only output is what it writes, so that every way through it ends in valid JSON. It knows no
 * schema and does not decode: a string that holds JSON stays a string. The answer calls it for tool arguments, and is
 * told whether the text was cut: whether, behind the last token that was read, a part of one had to be supplied. On
 * hosts what is as it should be is read by json_repair_pass.c. The memory is one `repair` on the stack, with a byte per
 * open bracket, and the caller's buffer.
 *
 * The text is read once. Where a string ends that holds quotation marks is guessed from what follows each of them: at
 * most LOOK_AHEAD commas and closing brackets, a key of LOOK_AHEAD bytes, and the white space around them. Bytes are
 * read again where a closing mark turns out to be missing, up to the next marks of that kind, and once up to the end of
 * the text. So the time is linear.
 */
#include "exochat/json_repair.h"

#include "ascii.h"
#include "exochat/json_read.h"
#include "json_pass.h"
#include "json_repair_state.h"
#include "json_text.h"

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

/* Whether a key stands ahead. */
enum ahead {
    AHEAD_TEXT,  /* no, words that belong to the string before them */
    AHEAD_OTHER, /* something else, or too long to tell */
    AHEAD_KEY,
    AHEAD_STRINGS /* a quoted text and another: a key perhaps that lost its colon */
};

/* The byte at `at`, or -1 beyond the end. */
static int repair_peek(const repair *r, size_t at)
{
    return at < r->in.len ? (uint8_t)r->in.ptr[at] : -1;
}

static bool repair_is_one_of(int byte, const char *set)
{
    return byte >= 0 && memchr(set, byte, strlen(set));
}

static bool repair_is_sign(int byte)
{
    return byte == '+' || byte == '-';
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

/* What is at `at`: of enum kind, and the mark. */
static unsigned repair_find_kind(const repair *r, size_t at)
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
    unsigned kind = repair_byte_kind(repair_peek(r, at));
    if (kind & KINDS_WORD && repair_peek(r, at) < 0x80) {
        return kind; /* most of all text */
    }
    unsigned escape = 0;
    if (kind & KIND_BACKSLASH) {
        escape = QUOTE_ESCAPE;
        at++;
    }
    const int byte = repair_peek(r, at);
    const uint8_t third = (uint8_t)repair_peek(r, at + 2);
    unsigned mark = repair_is_blank(byte) ? OTHER_BLANK_1 : MARK_NONE;
    for (size_t i = 0; mark == MARK_NONE && i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *row = rows[i];
        if (byte == row[0] && (row[1] == 0 || repair_peek(r, at + 1) == row[1]) && third >= row[2] && third <= row[3]) {
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
#define KIND_MORE 0x400000 /* what it is depends on what follows */

/* The same, quickly found where one byte tells, as most do. */
static unsigned repair_kind_of(uint8_t byte)
{
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
    static const uint32_t kinds[256] = {
        BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, LINE, BLNK, BLNK, LINE, BLNK, BLNK, BLNK, BLNK,
        BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, BLNK, NONE, DUBL, CMNT,
        WORD, NONE, NONE, SNGL, NONE, NONE, NONE, PLUS, COMM, MINS, MORE, MORE, DIGT, DIGT, DIGT, DIGT, DIGT, DIGT,
        DIGT, DIGT, DIGT, DIGT, COLN, SEMI, NONE, EQUL, NONE, NONE, NONE, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, OPEN, MORE, CLOS, NONE, WORD, MORE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, OPEN, NONE, CLOS,
        NONE, NONE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, MORE, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, MORE, MORE, MORE, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD, WORD, MORE, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD,
        WORD, WORD, WORD, WORD,
    };
    return kinds[byte];
}

/* The same where it depends on more than the byte at `at`, which is there. */
static unsigned repair_kind_of_more(const repair *r, size_t at)
{
    const char *const text = r->in.ptr + at;
    const unsigned next = at + 1 < r->in.len ? repair_kind_of((uint8_t)text[1]) : KIND_MORE;
    if (*text == '\\' && !(next & KIND_MORE)) {
        return KIND_BACKSLASH | (next & KIND_QUOTE) | ((next >> KIND_MARK) + QUOTE_ESCAPE) << KIND_MARK;
    }
    if (*text == '.' && !(next & KIND_MORE)) {
        return KIND_POINT;
    }
    if (*text == '/' && next & KINDS_WORD) {
        return KIND_SLASH;
    }
    return repair_find_kind(r, at);
}

static inline unsigned repair_kind_at(const repair *r, size_t at)
{
    const unsigned kind = at < r->in.len ? repair_kind_of((uint8_t)r->in.ptr[at]) : KIND_END;
    return kind & KIND_MORE ? repair_kind_of_more(r, at) : kind;
}

/* The first place from `at` on whose kind may be one of `kinds`, or `limit`. */
static size_t repair_find(const repair *r, size_t at, size_t limit, unsigned kinds)
{
    const size_t end = limit < r->in.len ? limit : r->in.len;
    while (at < end && !(repair_kind_of((uint8_t)r->in.ptr[at]) & (kinds | KIND_MORE))) {
        at++;
    }
    return at < end ? at : limit;
}

/* The first place from `at` on where an opening brace is, or the last place of all. */
static size_t repair_find_brace(const repair *r, size_t at)
{
    const char *const brace = memchr(r->in.ptr + at, '{', r->in.len - at);
    return brace ? (size_t)(brace - r->in.ptr) : r->in.len - 1;
}

/* The first place from `at` on that may be no part of a word. */
static size_t repair_skip_word(const repair *r, size_t at)
{
    while (at < r->in.len && repair_kind_of((uint8_t)r->in.ptr[at]) & KINDS_WORD) {
        at++;
    }
    return at;
}
#else
#define repair_kind_at                   repair_find_kind
#define repair_find(r, at, limit, kinds) (at)
#define repair_find_brace(r, at)         (at)
#define repair_skip_word(r, at)          (at)
#endif

/* The length of the character at a place that has a mark. */
static size_t repair_mark_len(unsigned kind)
{
    return kind >> (KIND_MARK + 4);
}

/* The length of the quotation mark at a place, or 0. */
static size_t repair_quote_len(unsigned kind)
{
    return kind & KIND_QUOTE ? repair_mark_len(kind) : 0;
}

static size_t repair_skip_blanks(const repair *r, size_t at)
{
#ifndef EXO_SMALL
    while (at < r->in.len && r->in.ptr[at] == ' ') {
        at++;
    }
    if (at < r->in.len && !(repair_kind_of((uint8_t)r->in.ptr[at]) & (KIND_BLANK | KIND_MORE))) {
        return at;
    }
#endif
    for (;;) {
        const unsigned kind = repair_kind_at(r, at);
        if (kind & KIND_BLANK) {
            at += repair_mark_len(kind);
        } else if (r->twice && kind & KIND_BACKSLASH && repair_is_one_of(repair_peek(r, at + 1), "nrt")) {
            at += 2;
        } else {
            return at;
        }
    }
}

/* The kind of what the blanks from `at` on are followed by. */
static unsigned repair_kind_past(const repair *r, size_t at)
{
    return repair_kind_at(r, repair_skip_blanks(r, at));
}

/* The end of what stands before `end`, blanks taken off, but not before `start`. */
static size_t repair_trim(const repair *r, size_t start, size_t end)
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

/* Whether a string that `open` began may end with the mark of `kind`. */
static bool repair_is_pair(unsigned open, unsigned kind)
{
    const unsigned difference = (kind >> KIND_MARK) - open;
    return difference == 0 || difference == (unsigned)-QUOTE_CURLY || difference == QUOTE_ACCENT;
}

/* Leaves out the letter that Python has in front of some strings. A mark that nothing can follow but structure ends a
 * word whose opening mark is missing. */
static size_t repair_skip_prefix(const repair *r, size_t at)
{
#ifndef EXO_SMALL
    if (!(repair_kind_at(r, at + 1) & KIND_STRAIGHT)) {
        return at;
    }
#endif
    if (repair_is_one_of(repair_peek(r, at) | 0x20, "rubf") && repair_kind_at(r, at + 1) & KIND_STRAIGHT) {
        at += !(repair_kind_past(r, at + 2) & (KIND_END | KIND_COMMA | KIND_COLON | KIND_CLOSING));
    }
    return at;
}

/* Where the key begins whose quotation mark is at `at`. All marks are doubled in what was once part of a CSV file. */
static size_t repair_key_start(const repair *r, size_t at)
{
    const unsigned kind = repair_kind_at(r, at);
    at += repair_mark_len(kind);
    if (kind >> KIND_MARK == QUOTE_DOUBLE && repair_peek(r, at) == '"' && repair_kind_at(r, at + 1) & KINDS_WORD &&
        repair_peek(r, at + 1) < 0x80) {
        at++;
    }
    return at;
}

/* Where the key ends that `open` opened and whose text begins at `start`: at its closing mark, at the colon if that
 * mark is missing, or at `limit`. A word is glued to a mark that opens the value then, and to one within the key: there
 * only words are left up to a mark in front of a colon. */
static size_t repair_key_end(const repair *r, unsigned open, size_t start, size_t limit)
{
    size_t inner = 0;
    size_t colon = 0;
    bool plain = true;
    for (size_t at = start; at < limit; at++) {
        at = repair_find(r, at, limit - 1, KIND_QUOTE | KINDS_STRUCTURE | KIND_LINE_END | KIND_BACKSLASH);
        const unsigned kind = repair_kind_at(r, at);
        if (repair_is_pair(open, kind)) {
            const size_t after = at + repair_mark_len(kind);
            const unsigned next = repair_kind_past(r, after);
            if (next & KIND_COLON) {
                return at;
            }
            if (inner == 0) {
                if (!((at == start ? next : repair_kind_at(r, after)) & KINDS_WORD)) {
                    return at;
                }
                if (!plain) {
                    return colon > 0 ? colon : at;
                }
                inner = at;
                limit = limit - at > LOOK_AHEAD ? at + LOOK_AHEAD : limit;
            }
        } else if (kind & (KINDS_STRUCTURE | KIND_LINE_END)) {
            if (inner > 0) {
                return inner;
            }
            plain = false;
            if (kind & KIND_COLON && colon == 0 && repair_peek(r, at + 1) != '/') {
                colon = at;
            }
        } else if (kind & KIND_BACKSLASH) {
            at++;
        }
    }
    if (colon > 0 && limit == r->in.len && repair_peek(r, repair_trim(r, 0, limit) - 1) == '}') {
        return colon;
    }
    return inner > 0 ? inner : limit;
}

/* Where the quoted text at `at` and the blanks behind it end, or the text's if that is too far to tell. */
static size_t repair_past_key(const repair *r, size_t at)
{
    const size_t limit = at + LOOK_AHEAD;
    at = repair_key_end(r, repair_kind_at(r, at) >> KIND_MARK, repair_key_start(r, at), limit);
    const size_t len = repair_quote_len(repair_kind_at(r, at));
    return len > 0 && at < limit ? repair_skip_blanks(r, at + len) : r->in.len;
}

/* Whether the blanks from `at` on are followed by a key. */
static enum ahead repair_look_ahead(const repair *r, size_t at)
{
    at = repair_skip_prefix(r, repair_skip_blanks(r, at));
    const size_t limit = at + LOOK_AHEAD;
    unsigned kind = repair_kind_at(r, at);
    if (kind & KIND_QUOTE) {
        at = repair_past_key(r, at);
        kind = repair_kind_at(r, at);
        return kind & KIND_COLON                                 ? AHEAD_KEY
               : kind & KIND_LETTER || repair_peek(r, at) == ')' ? AHEAD_TEXT
               : kind & KIND_QUOTE                               ? AHEAD_STRINGS
                                                                 : AHEAD_OTHER;
    }
    if (!(kind & KINDS_WORD)) {
        return kind & (KIND_END | KIND_COMMA | KIND_OPENING | KIND_CLOSING | KIND_COMMENT | KIND_SLASH | KIND_POINT |
                       KIND_BACKTICK)
                   ? AHEAD_OTHER
                   : AHEAD_TEXT;
    }
    while (kind & KINDS_WORD && at < limit) {
        kind = repair_kind_at(r, ++at);
    }
    if (repair_kind_past(r, at + repair_quote_len(kind)) & KIND_COLON) {
        return AHEAD_KEY; /* perhaps its opening mark is missing */
    }
    return repair_kind_past(r, at) & KIND_END ? AHEAD_OTHER : AHEAD_TEXT;
}

/* Whether a key in quotation marks is at `at`. */
static bool repair_is_key(const repair *r, size_t at)
{
    return repair_kind_at(r, at) & KIND_QUOTE && repair_look_ahead(r, at) == AHEAD_KEY;
}

/* Makes what is between two places the token. */
static void repair_take(repair *r, size_t start, size_t end)
{
    r->token = exo_span_of(r->in.ptr + start, end - start);
}

/* Whether the text ends with the token. */
static bool repair_is_cut(const repair *r)
{
    return r->token.ptr + r->token.len == r->in.ptr + r->in.len;
}

/* Takes the first bytes off the token. */
static void repair_drop(repair *r, size_t len)
{
    r->token.ptr += len;
    r->token.len -= len;
}

static void repair_put(repair *r, const char *text, size_t len)
{
    if (r->out && r->error == EXO_OK) {
        r->error = exo_buffer_append(r->out, exo_span_of(text, len));
    }
}

static void repair_put_text(repair *r, const char *text)
{
    repair_put(r, text, strlen(text));
}

static void repair_put_byte(repair *r, int byte)
{
    const char text = (char)byte;
#ifndef EXO_SMALL
    if (r->out && r->error == EXO_OK && r->out->len < r->out->capacity_) {
        r->out->data[r->out->len++] = text;
        return;
    }
#endif
    repair_put(r, &text, 1);
}

/* Writes the token's first bytes and takes them off. */
static void repair_pass(repair *r, size_t len)
{
    repair_put(r, r->token.ptr, len);
    repair_drop(r, len);
}

/* Passes the escape \uXXXX that names `unit`; one half of a pair without the other becomes U+FFFD. */
static void repair_pass_unicode(repair *r, int32_t unit)
{
    const exo_span text = r->token;
    const size_t low = r->twice && text.len > 7 && text.ptr[7] == '\\' ? 7 : 6;
    if (unit >> 10 == 0xD800 >> 10 && (exo_json_code_unit(text.ptr + low, text.len - low) >> 10) == 0xDC00 >> 10) {
        repair_put(r, text.ptr, 6);
        repair_drop(r, low);
    } else if (unit >> 11 == 0xD800 >> 11) {
        repair_put_text(r, "\\ufffd");
        repair_drop(r, 6);
        return;
    }
    repair_pass(r, 6);
}

/* Passes an escape, mended. One that JSON does not know keeps its reverse solidus, as regular expressions and paths
 * need it; where the text ends with this string, an escape without its end is dropped. */
static void repair_pass_escape(repair *r)
{
    const exo_span text = r->token;
    const int name = text.len > 1 ? (uint8_t)text.ptr[1] : -1;
    const int32_t unit = exo_json_code_unit(text.ptr, text.len);
    if (unit >= 0) {
        repair_pass_unicode(r, unit);
    } else if (exo_json_escape_value(name) >= 0) {
        repair_pass(r, 2);
    } else if (repair_is_one_of(name, "'`\xE2") || repair_is_blank(name)) {
        repair_drop(r, 1);
    } else if (name == 'x' && text.len > 3 && exo_json_hex_value((uint8_t)text.ptr[2]) >= 0 &&
               exo_json_hex_value((uint8_t)text.ptr[3]) >= 0) {
        repair_put_text(r, "\\u00");
        repair_drop(r, 2);
        repair_pass(r, 2);
    } else if (repair_is_cut(r) && text.len < (name == 'x' ? 4 : name == 'u' ? 6 : 2)) {
        repair_drop(r, text.len);
    } else {
        repair_put_byte(r, '\\');
        repair_pass(r, 1);
    }
}

/* Passes what may not stand in a string as it is. */
static void repair_pass_mended(repair *r)
{
    const exo_span text = r->token;
    if ((uint8_t)*text.ptr >= 0x80) {
        const int size = exo_utf8_check(text.ptr, text.len);
        repair_put_text(r, JSON_REPLACEMENT);
        repair_drop(r, size == 0 ? text.len : (size_t)-size);
    } else if (*text.ptr != '\\') {
        char escape[JSON_ESCAPE_MAX];
        repair_put(r, escape, exo_json_put_escape(*text.ptr, escape));
        repair_drop(r, 1);
    } else {
        if (r->twice && text.len > 1 && text.ptr[1] == '\\') {
            repair_drop(r, 1);
            if (text.len > 3 && text.ptr[2] == '\\' && (text.ptr[3] == '"' || text.ptr[3] == '\\')) {
                repair_drop(r, 1); /* what the outer escapes leave of these four bytes is an escape in itself */
                repair_pass(r, 2);
                return;
            }
        }
        repair_pass_escape(r);
    }
}

/* Writes the token as what stands between a string's quotation marks, valid. */
static void repair_put_content(repair *r)
{
    for (;;) {
        repair_pass(r, exo_json_clean_run(r->token.ptr, r->token.len));
        if (r->token.len == 0) {
            return;
        }
        repair_pass_mended(r);
    }
}

static void repair_put_string(repair *r)
{
    repair_put_byte(r, '"');
    repair_put_content(r);
    repair_put_byte(r, '"');
}

/* 1 for an opening bracket, -1 for a closing one. */
static int repair_bracket_balance(unsigned kind)
{
    return ((kind & KIND_OPENING) > 0) - ((kind & KIND_CLOSING) > 0);
}

/* What closes the bracket at `level`, from the innermost at 0 on; 0 beyond the outermost. */
static int repair_closer_at(const repair *r, unsigned level)
{
    return r->closers[r->depth - level];
}

/* Whether the innermost object is an array's element. */
static bool repair_is_element(const repair *r)
{
    return r->depth > 1 && repair_closer_at(r, 1) == ']';
}

/* Whether the string that may end before `at` ends there, by what follows. `odd`: an odd number of marks stand in it,
 * so that the one before `at` may belong to the last of them. `nested`: a bracket that it holds is open, too, as in
 * JSON that was not escaped. */
static bool repair_ends_value(const repair *r, size_t at, bool odd, bool nested)
{
    unsigned level = 0;
    unsigned comma = 0;
    unsigned count = 0; /* of commas, and of brackets that close what is open */
    size_t from;
    int byte;
    unsigned kind;
    for (;; count++) {
        from = at;
        at = repair_skip_blanks(r, from);
        byte = repair_peek(r, at);
        kind = repair_kind_at(r, at);
        if (kind & (KIND_END | KIND_FENCE)) {
            return true;
        }
        if (count == 0 && (r->depth == 0 || (nested && !(repair_kind_past(r, at + 1) & KIND_END)))) {
            return false;
        }
        if (count == LOOK_AHEAD || !(kind & (KIND_COMMA | KIND_CLOSING))) {
            break;
        }
        comma = kind & KIND_COMMA;
        if (!comma && level < r->depth) {
            while (repair_closer_at(r, level++) != byte) {
                if (level == r->depth) {
                    return repair_kind_past(r, at + 1) & KIND_END;
                }
            }
        }
        at++;
    }
    const enum ahead ahead = repair_look_ahead(r, at);
    if (count > 0 && ahead == AHEAD_KEY) {
        return true;
    }
    const bool element = repair_closer_at(r, level) == ']';
    const bool quoted = kind & KIND_QUOTE;
    const bool glued = at == from;
    const bool new_line = memchr(r->in.ptr + from, '\n', at - from);
    if (comma) {
        return element ? !odd || ahead != AHEAD_TEXT : !odd && ahead != AHEAD_TEXT;
    }
    if (kind & KIND_COMMENT) {
        return !odd && (!glued || repair_peek(r, at + 1) == '*');
    }
    const bool outside = level == r->depth;
    if (count > 0 && (glued || outside)) {
        return outside &&
               (!glued || byte == ';' || byte == ')' || byte == '<' || (byte == '{' && repair_is_key(r, at + 1)));
    }
    if (byte == '+') {
        return !odd && repair_kind_past(r, at + 1) & (KIND_QUOTE | KIND_COMMENT | KIND_CLOSING);
    }
    if (element) {
        return new_line || kind & KIND_COLON ||
               (!odd && !glued && (quoted || kind & (KIND_OPENING | KIND_MINUS | KIND_DIGIT)));
    }
    if (byte == '{') {
        return repair_is_element(r) && repair_is_key(r, repair_skip_blanks(r, at + 1));
    }
    if (ahead == AHEAD_TEXT) {
        return false;
    }
    return quoted + new_line + (ahead == AHEAD_KEY) >= 2;
}

/* Where a string from `start` ends that nothing closes: with the text, or before the brackets that close all that is
 * open, if the string itself opened none (`balance` is what it opened less what it closed). */
static size_t repair_end_of_open_string(const repair *r, size_t start, long balance)
{
    size_t end = repair_trim(r, start, r->in.len);
    if (end >= start + FENCE_LEN && repair_kind_at(r, end - FENCE_LEN) & KIND_FENCE) {
        end = repair_trim(r, start, end - FENCE_LEN);
    }
    for (unsigned level = r->depth; level-- > 0;) {
        if (balance > -(long)r->depth || repair_peek(r, end - 1) != repair_closer_at(r, level)) {
            return r->in.len;
        }
        end = repair_trim(r, start, end - 1);
    }
    return end;
}

/* Where a string from `start` should have ended, if what begins at `begun` is no part of it: before the comma there, or
 * before the line's end if that may do. 0 if they are not there. */
static size_t repair_end_before(const repair *r, size_t start, size_t begun, bool line)
{
    const size_t end = repair_trim(r, start, begun);
    if (end > start && repair_peek(r, end - 1) == ',') {
        return repair_trim(r, start, end - 1);
    }
    return line && memchr(r->in.ptr + end, '\n', begun - end) ? end : 0;
}

/* Reads a quoted value. */
static void repair_read_string(repair *r)
{
    const unsigned open = r->kind >> KIND_MARK;
    const size_t start = r->at + repair_mark_len(r->kind);
    size_t first = 0;  /* the first comma in front of a key, */
    size_t comma = 0;  /* and the first behind the last mark */
    size_t begun = 0;  /* what seems to begin with the last mark, or, if that is behind a colon, with the comma, */
    size_t before = 0; /* and where the string ends then, or 0 */
    bool key = false;  /* the mark would be a key's */
    bool odd = false;
    long balance = 0;
    size_t at = start;
    size_t end;
    r->cut = false;
    for (;;) {
        at = repair_find(r, at, r->in.len, KIND_QUOTE | KIND_BACKSLASH | KIND_COMMA | KIND_OPENING | KIND_CLOSING);
        const unsigned kind = repair_kind_at(r, at);
        if (kind & KIND_END) {
            if (first > 0 && !r->unsure) {
                r->at = first;
                end = repair_trim(r, start, first);
            } else {
                end = r->at = repair_end_of_open_string(r, start, balance);
            }
            r->unsure = true;
            break;
        }
        if (repair_is_pair(open, kind)) {
            const size_t after = at + repair_mark_len(kind);
            const bool ends = repair_ends_value(r, after, odd, odd && balance > 0);
            const bool pair = comma > 0 && repair_peek(r, repair_trim(r, start, at) - 1) == ':';
            const size_t begins = pair ? comma + 1 : at;
            const bool begins_key = r->wait == WAIT_MEMBER && !pair;
            const size_t sooner = r->depth == 0 || balance > 0 ? 0 : repair_end_before(r, start, begins, begins_key);
            if (before > 0 && (key ? repair_kind_past(r, after) & KIND_COLON : ends || sooner > 0)) {
                end = before;
                r->at = begun;
                break;
            }
            if (ends) {
                end = at;
                r->at = after;
                r->cut = odd && repair_kind_past(r, after) & KIND_END;
                break;
            }
            comma = 0;
            begun = begins;
            before = sooner;
            key = begins_key;
            odd = !odd;
            at = after;
        } else {
            if (kind & KIND_BACKSLASH) {
                at++;
                if (open == QUOTE_ESCAPED && repair_peek(r, at) == '\\' && repair_peek(r, at + 1) == '\\') {
                    at += 2;
                }
            } else if (kind & KIND_COMMA && comma == 0 && r->wait == WAIT_MEMBER &&
                       repair_look_ahead(r, at + 1) == AHEAD_KEY) {
                comma = at;
                first = first > 0 ? first : at;
            }
            balance += repair_bracket_balance(kind);
            at++;
        }
    }
    repair_take(r, start, end);
}

/* Reads a quoted key. */
static void repair_read_key(repair *r)
{
    const unsigned open = r->kind >> KIND_MARK;
    const size_t start = repair_key_start(r, r->at);
    const size_t end = repair_key_end(r, open, start, r->in.len);
    r->at = end + repair_quote_len(repair_kind_at(r, end));
    if (open == QUOTE_DOUBLE && repair_peek(r, r->at) == '"') {
        r->at++;
    }
    repair_take(r, start, end);
}

/* The end of the digits from `at` on. */
static const char *repair_skip_digits(const char *at, const char *end)
{
    while (at < end && ascii_is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

/* Writes the token if it is a literal, of some language, or a number but for a plus, leading zeros, or a part without
 * digits. JSON's own literals count from their third letter on, and from the first where the text ends. Says in r->cut
 * whether more of it had to be supplied, or may have been there. */
static bool repair_put_scalar(repair *r)
{
    const exo_span word = r->token;
    static const char words[] = "true\0false\0null\0none\0undefined\0nan\0infinity\0inf\0nil";
    const char *const end = word.ptr + word.len;
    const char *text = word.ptr;
    if (word.len > 1 && repair_is_sign(*text)) {
        text++;
    }
    const size_t letters = (size_t)(end - text);
    const bool cut = repair_is_cut(r);
    size_t len;
    for (const char *meant = words; meant < words + sizeof words; meant += len + 1) {
        const bool own = meant < words + sizeof "true\0false\0null";
        len = strlen(meant);
        r->cut = letters < len;
        if ((letters == len || (r->cut && own && r->depth > 0 && (cut || letters > 2))) &&
            exo_ascii_same(text, meant, letters)) {
            repair_put_text(r, own ? meant : "null");
            return true;
        }
    }
    r->cut = cut;
    const char *const point = repair_skip_digits(text, end);
    const char *fraction = point;
    if (point < end && *point == '.') {
        fraction++;
    }
    const char *const exponent = repair_skip_digits(fraction, end);
    const char *digits = exponent;
    if (digits < end && (*digits | 0x20) == 'e') {
        digits++;
        if (digits < end && repair_is_sign(*digits)) {
            digits++;
        }
    }
    if (exponent - text == fraction - point || repair_skip_digits(digits, end) != end) {
        return false;
    }
    if (*word.ptr == '-') {
        repair_put_byte(r, '-');
    }
    if (text == point) {
        repair_put_byte(r, '0');
    }
    while (text + 1 < point && *text == '0') {
        text++;
    }
    repair_put(r, text, (size_t)(exponent - text));
    if (exponent[-1] == '.') {
        repair_put_byte(r, '0');
    }
    if (digits < end) {
        repair_put(r, exponent, (size_t)(end - exponent));
    }
    if (!ascii_is_digit((uint8_t)end[-1])) {
        r->cut = true;
    }
    return true;
}

/* Whether a number or literal that began at `start` ends before the blanks in front of `at`. */
static bool repair_ends_scalar(repair *r, size_t start, size_t at)
{
    exo_buffer *const out = r->out;
    r->out = NULL; /* this is no time to write */
    repair_take(r, start, repair_trim(r, start, at));
    const bool scalar = repair_put_scalar(r);
    r->out = out;
    return scalar && (r->wait == WAIT_ELEMENT ? ((repair_kind_at(r, start) | ~repair_kind_at(r, at)) & KIND_LETTER) != 0
                                              : repair_look_ahead(r, at) == AHEAD_KEY);
}

/* Whether 1,000 goes on at the comma at `at`: in an object no digits can follow a comma but those of a key. */
static bool repair_is_thousands(const repair *r, size_t at)
{
    size_t end = at + 1;
    while (repair_kind_at(r, end) & KIND_DIGIT) {
        end++;
    }
    return r->wait == WAIT_MEMBER && end - at == 4 && !(repair_kind_past(r, end) & KIND_COLON);
}

/* Reads a value or key without quotation marks: up to what can only be the next part of the structure. */
static void repair_read_bare(repair *r)
{
    const size_t start = r->at;
    bool numeric = false; /* there are bytes in front of `at`, all of numbers */
    bool one_word = true;
    unsigned after_blank = 0;
    long parentheses = 0;
    long brackets = 0;
    size_t at = start;
    for (;;) {
        if (at > start && !numeric && !after_blank) { /* within a word */
            at = repair_skip_word(r, at);
        }
        const int byte = repair_peek(r, at);
        const unsigned kind = repair_kind_at(r, at);
        const unsigned blank = kind & KIND_BLANK;
        if (kind & (KIND_END | KIND_LINE_END | KIND_SEMICOLON | KIND_FENCE) || (brackets <= 0 && kind & KIND_CLOSING) ||
            (numeric && byte == ')') ||
            (kind & KIND_COMMA && brackets + parentheses <= 0 && !(numeric && repair_is_thousands(r, at)))) {
            break;
        }
        if (r->wait == WAIT_KEY) {
            if (kind & (KIND_COLON | KIND_EQUALS | KIND_OPENING | KIND_QUOTE)) {
                break;
            }
        } else {
            if (numeric || after_blank) {
                if ((kind & KIND_COMMENT && (numeric || !(repair_kind_at(r, at + 1) & KINDS_WORD))) ||
                    kind & KIND_OPENING ||
                    (kind & KIND_QUOTE && (r->wait == WAIT_ELEMENT || repair_look_ahead(r, at) == AHEAD_KEY))) {
                    break;
                }
            }
            if (one_word && after_blank && !blank) {
                if (repair_ends_scalar(r, start, at)) {
                    break;
                }
                one_word = false;
            }
        }
        parentheses += (byte == '(') - (byte == ')');
        brackets += repair_bracket_balance(kind);
        if (!(kind & KINDS_NUMBER) && (byte | 0x20) != 'e') {
            numeric = false;
        } else if (at == start) {
            numeric = true;
        }
        after_blank = blank;
        at += blank ? repair_mark_len(kind) : 1;
    }
    r->at = at;
    repair_take(r, start, repair_trim(r, start, at));
}

/* Takes off a closing mark that has no opening one. */
static void repair_drop_stray_mark(repair *r)
{
    const char *const mark = memchr(r->token.ptr, '"', r->token.len);
    r->token.len -= mark && mark + 1 == r->token.ptr + r->token.len;
}

/* The comma before a key or an element. */
static void repair_put_comma(repair *r)
{
    if (!r->first && r->wait != WAIT_MEMBER) {
        repair_put_byte(r, ',');
    }
    r->first = false;
}

/* A scalar was written. */
static void repair_value_done(repair *r)
{
    r->full = true;
    if (r->wait == WAIT_MEMBER) {
        r->wait = WAIT_KEY;
    }
}

/* Supplies a value that is missing. */
static void repair_put_null(repair *r)
{
    repair_put_text(r, "null");
    r->wait = WAIT_KEY;
    r->cut = true;
}

static void repair_open_bracket(repair *r, int byte)
{
    if (r->depth == r->max_depth) {
        r->error = EXO_E_DEPTH_LIMIT;
        return;
    }
    r->cut = false;
    if (r->depth > 0) {
        r->full = true;
    }
    r->closers[++r->depth] = (char)(byte + 2); /* so far apart are { and }, and [ and ] */
    repair_put_comma(r);
    repair_put_byte(r, byte);
    r->first = true;
    r->wait = byte == '{' ? WAIT_KEY : WAIT_ELEMENT;
}

/* Closes the innermost bracket, whatever it is. */
static void repair_close_innermost(repair *r)
{
    repair_put_byte(r, r->closers[r->depth--]);
    r->first = false;
    if (r->depth < r->split) {
        r->split = 0;
    }
    r->wait = repair_closer_at(r, 0) == '}' ? WAIT_KEY : WAIT_ELEMENT;
}

/* A closing bracket was read. It closes what is open within its partner too; without a partner it is taken for the
 * innermost one's, but never for the outermost's. */
static void repair_close_bracket(repair *r, int byte)
{
    const bool object = byte == '}';
    if (object && r->depth == r->split) {
        r->split = 0; /* that object was closed already */
        return;
    }
    if (!memchr(r->closers + 1, byte, r->depth)) {
        if (r->depth > 1) {
            repair_close_innermost(r);
        }
        return;
    }
    while (repair_closer_at(r, 0) != byte) {
        repair_close_innermost(r);
    }
    if (r->depth == 1 && object) {
        const size_t next = repair_skip_blanks(r, r->at);
        if (repair_peek(r, next) == ',' && repair_look_ahead(r, next + 1) >= AHEAD_KEY) {
            return; /* more members follow: the object was closed too early */
        }
    }
    repair_close_innermost(r);
}

/* The text is over, whatever is still open. */
static void repair_finish(repair *r)
{
    if (r->comma || r->first) {
        r->cut = true;
    }
    if (r->wait == WAIT_MEMBER) {
        repair_put_null(r);
    }
    while (r->depth > 0) {
        repair_close_innermost(r);
    }
}

/* Three backticks: around a member's value they are skipped, elsewhere they end the block that the value is in. */
static void repair_read_fence(repair *r)
{
    r->at += FENCE_LEN;
    if (r->wait == WAIT_MEMBER) {
        while (repair_kind_at(r, r->at) & KINDS_WORD) {
            r->at++;
        }
    } else if (!(repair_kind_past(r, r->at) & (KIND_COMMA | KIND_CLOSING))) {
        repair_finish(r);
    }
}

/* Whether the byte at hand is in the last line. As no byte is looked at twice here if it is not, this takes no time. */
static bool repair_is_in_last_line(repair *r)
{
    r->last_line = r->last_line || !memchr(r->in.ptr + r->at, '\n', r->in.len - r->at);
    return r->last_line;
}

/* Skips one comment. One behind # ends with its line; in the last line, with the bracket around it. */
static void repair_skip_comment(repair *r)
{
    const unsigned inside = r->in.ptr[r->at] == '#' && repair_is_in_last_line(r) ? r->depth : 0;
    size_t at = r->at + 1;
    if (repair_peek(r, at) == '*') {
        do {
            at++;
        } while (repair_peek(r, at) >= 0 && !(repair_peek(r, at) == '*' && repair_peek(r, at + 1) == '/'));
        at += 2;
    } else {
        while (repair_peek(r, at) >= 0 && repair_peek(r, at) != '\n' &&
               !(inside && repair_kind_at(r, at) & KIND_CLOSING)) {
            at++;
        }
    }
    r->at = at;
}

/* Skips what stands for nothing between two tokens. */
static void repair_skip_noise(repair *r)
{
#ifndef EXO_SMALL
    if (r->at < r->in.len && !(repair_kind_of((uint8_t)r->in.ptr[r->at]) & (KIND_BLANK | KIND_COMMENT | KIND_MORE))) {
        return;
    }
#endif
    for (;;) {
        r->at = repair_skip_blanks(r, r->at);
        const unsigned kind = repair_kind_at(r, r->at);
        const bool member = r->wait == WAIT_MEMBER;
        if (kind & KIND_COMMENT && !(member && repair_kind_at(r, r->at + 1) & KINDS_WORD)) {
            repair_skip_comment(r); /* but #fff may be a member's value */
        } else if (kind & KIND_ELLIPSIS && !member && !(repair_kind_at(r, r->at + 3) & KINDS_WORD)) {
            r->at += 3;
        } else {
            return;
        }
    }
}

static void repair_step_key(repair *r)
{
    if (r->kind & KIND_QUOTE) {
        repair_read_key(r);
    } else {
        repair_read_bare(r);
        const size_t end = r->at + repair_quote_len(repair_kind_at(r, r->at)); /* behind a stray mark */
        if (repair_kind_past(r, end) & KIND_COLON) {
            r->at = end;
        }
    }
    r->cut = false;
    repair_put_comma(r);
    repair_put_string(r);
    repair_put_byte(r, ':');
    r->wait = WAIT_MEMBER;
}

/* Takes off what is left of doubled or tripled quotation marks. */
static void repair_drop_outer_marks(repair *r)
{
    exo_span text = r->token;
    const char mark = text.ptr[-1];
    while (text.len > 1 && *text.ptr == mark && text.ptr[text.len - 1] == mark) {
        text.ptr++;
        text.len -= 2;
    }
    if (!memchr(text.ptr, mark, text.len)) {
        r->token = text;
    }
}

/* Reads and writes a quoted string, and those that a plus adds to it. */
static void repair_string_value(repair *r)
{
    repair_put_comma(r);
    repair_put_byte(r, '"');
    for (;;) {
        repair_read_string(r);
        if (repair_mark_len(r->kind) == 1) {
            repair_drop_outer_marks(r);
        }
        repair_put_content(r);
        const size_t next = repair_skip_blanks(r, r->at);
        if (repair_peek(r, next) != '+') {
            break;
        }
        r->at = next + 1;
        repair_skip_noise(r);
        r->kind = repair_kind_at(r, r->at);
        if (!(r->kind & KIND_QUOTE)) {
            r->cut = true;
            break; /* a comment, and nothing to add */
        }
    }
    repair_put_byte(r, '"');
    repair_value_done(r);
}

static void repair_bare_value(repair *r)
{
    repair_read_bare(r);
    repair_drop_stray_mark(r);
    repair_put_comma(r);
    if (!repair_put_scalar(r)) {
        if (r->depth == 0) {
            r->error = EXO_E_REPAIR; /* prose */
        }
        if (r->cut && r->token.len == 1 && repair_is_sign(*r->token.ptr)) {
            repair_put_text(r, "null");
        } else {
            repair_put_string(r);
        }
    }
    repair_value_done(r);
}

static void repair_step_value(repair *r)
{
    if (r->kind & KIND_OPENING) {
        repair_open_bracket(r, r->in.ptr[r->at++]);
    } else if (r->wait == WAIT_ELEMENT && r->depth > 0 && repair_is_key(r, r->at)) {
        if (!r->first && r->depth > 1 && repair_closer_at(r, 1) == '}') {
            repair_close_innermost(r); /* the array's end is missing */
        } else {
            repair_open_bracket(r, '{'); /* the object's beginning is missing */
        }
    } else if (r->kind & KIND_QUOTE) {
        repair_string_value(r);
    } else {
        repair_bare_value(r);
    }
}

/* Reads one token, or what was meant to be one. */
static void repair_step(repair *r)
{
    repair_skip_noise(r);
    r->at = repair_skip_prefix(r, r->at);
    const int byte = repair_peek(r, r->at);
    const unsigned kind = repair_kind_at(r, r->at);
    r->kind = kind;
    if (kind & KIND_END) {
        repair_finish(r);
        return;
    }
    if (kind & KIND_FENCE) {
        repair_read_fence(r);
        return;
    }
    if (r->wait == WAIT_MEMBER && (kind & (KINDS_SEPARATOR | KIND_CLOSING) || repair_is_key(r, r->at))) {
        repair_put_null(r);
    }
    if (r->wait == WAIT_KEY && byte == '{' && !r->first) {
        if (repair_is_element(r)) {
            repair_close_innermost(r); /* the object's end is missing */
            r->split = r->depth;
        } else if (r->depth == 1) {
            r->unsure = true; /* two objects, or one? */
        }
    }
    r->comma = kind & KINDS_SEPARATOR;
    if (kind & KIND_CLOSING) {
        r->at++;
        repair_close_bracket(r, byte);
    } else if (kind & (KINDS_SEPARATOR | KIND_COLON | KIND_EQUALS) || (r->wait == WAIT_KEY && kind & KIND_OPENING) ||
               (byte == ')' && r->wait != WAIT_MEMBER && !r->first)) {
        r->at += byte == '=' && repair_peek(r, r->at + 1) == '>' ? 2 : 1;
    } else if (r->wait == WAIT_KEY) {
        repair_step_key(r);
    } else {
        repair_step_value(r);
    }
}

/* Reads the next value. `implied`: it is an object whose opening brace is missing. */
static void repair_run(repair *r, bool implied)
{
    memset(r, 0, offsetof(repair, twice));
    r->first = true;
    r->wait = WAIT_ELEMENT;
    if (implied) {
        repair_open_bracket(r, '{');
    }
    do {
#ifndef EXO_SMALL
        exo_repair_pass(r);
#endif
        repair_step(r);
    } while (r->depth > 0 && r->error == EXO_OK);
    r->cut |= r->unsure;
}

/* Where the text begins, with comments and the opening line of a fenced block left out. */
static size_t repair_find_beginning(repair *r)
{
    r->wait = WAIT_MEMBER;
    repair_skip_noise(r);
    if (repair_kind_at(r, r->at) & KIND_FENCE) {
        repair_read_fence(r);
        repair_skip_noise(r);
    }
    return r->at;
}

/* Skips what is no bracket, and says whether words were among it. */
static bool repair_skip_words(repair *r)
{
    bool words = false;
    for (unsigned kind; !((kind = repair_kind_at(r, r->at)) & (KIND_END | KIND_OPENING)); r->at++) {
        words |= (kind & KINDS_WORD) != 0;
    }
    return words;
}

/* Repairs all values in brackets. Empty ones, words in brackets, and arrays within prose, such as references,
 * count only if they are the first, and until there is another. One that is the same as the first is none. */
static void repair_values(repair *r, exo_repair_report *report)
{
    exo_buffer *const out = r->out;
    bool implied = repair_is_key(r, r->at);
    bool found = false;
    for (;;) {
        const bool words = !implied && repair_skip_words(r);
        const int byte = repair_peek(r, r->at);
        if (byte < 0) {
            return;
        }
        const size_t end = out->len;
        if (end > 0) {
            repair_put_byte(r, ',');
        }
        const size_t own = out->len;
        repair_run(r, implied);
        if (r->error != EXO_OK) {
            return;
        }
        const size_t len = out->len - own;
        const bool counts = r->full && !(words && byte == '[');
        if (!found && (counts || report->values == 0)) {
            report->cut = r->cut;
            report->values = 1;
            found = counts;
            out->len = len;
            memmove(out->data, out->data + own, len);
        } else {
            if (!words) {
                report->cut |= r->cut;
            }
            if (counts && memcmp(out->data, out->data + own, len) != 0) {
                report->values++;
            } else {
                out->len = end;
            }
        }
        implied = false;
    }
}

/* Puts brackets around the values that were written. */
static void repair_put_brackets(repair *r)
{
    repair_put_text(r, "]]");
    if (r->error == EXO_OK) {
        memmove(r->out->data + 1, r->out->data, r->out->len - 2);
        *r->out->data = '[';
        r->error = exo_json_check(exo_buffer_span(r->out), r->max_depth, NULL);
    }
}

/* Repairs what is in `r`: values in brackets, or the only one without any. */
static void repair_text(repair *r, exo_repair_report *report)
{
    const size_t beginning = repair_find_beginning(r);
    repair_values(r, report);
    if (report->values > 1) {
        repair_put_brackets(r);
    }
    if (report->values == 0 && r->error == EXO_OK) {
        r->at = beginning;
        repair_run(r, false);
        report->cut = r->cut;
        report->values = 1;
        repair_skip_noise(r);
        if (r->error == EXO_OK && (!r->full || !(repair_kind_at(r, r->at) & (KIND_END | KIND_FENCE)))) {
            r->error = EXO_E_REPAIR;
        }
    }
}

/* How many levels are allowed. */
static uint8_t repair_levels(uint32_t max_depth)
{
    return (uint8_t)(max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX);
}

/* Whether the text is JSON as it stands. */
static bool repair_is_valid(exo_span text, uint32_t max_depth)
{
#ifndef EXO_SMALL
    const char *const end = text.ptr + text.len;
    const char *const first = json_pass_space(text.ptr, end);
    const char *const last = first < end ? exo_json_pass(first, end, repair_levels(max_depth)) : NULL;
    return last && json_pass_space(last, end) == end;
#else
    return exo_json_check(text, max_depth, NULL) == EXO_OK;
#endif
}

/* Where the text was begun anew before it was complete, or where it begins: at a valid object behind no more than a
 * part of itself, or behind a value's closing mark if it begins with the same key. There is no other such object, as it
 * ends with the text, and the check of one that is none ends before the next. */
static size_t repair_find_beginning_anew(const repair *r)
{
    const size_t start = repair_skip_blanks(r, 0);
    for (size_t at = start + 1; repair_peek(r, start) == '{' && at < r->in.len; at++) {
        at = repair_find_brace(r, at);
        const exo_span rest = exo_span_of(r->in.ptr + at, r->in.len - at);
        if (*rest.ptr != '{') {
            continue;
        }
        const size_t last = repair_trim(r, start, at) - 1;
        if (!(repair_kind_at(r, last) & KINDS_BEFORE_VALUE) && repair_is_valid(rest, r->max_depth)) {
            const bool closed =
                r->in.ptr[last] == '"' && !(repair_kind_at(r, repair_trim(r, start, last) - 1) & KINDS_BEFORE_VALUE);
            const char *const colon = memchr(rest.ptr, ':', closed ? rest.len : 0);
            const size_t part = colon ? (size_t)(colon - rest.ptr) : at - start;
            return part <= rest.len && memcmp(r->in.ptr + start, rest.ptr, part) == 0 ? at : start;
        }
    }
    return start;
}

int exo_json_repair(exo_span text, uint32_t max_depth, exo_buffer *out, exo_repair_report *report)
{
    repair r;
    memset(&r, 0, sizeof r);
    memset(report, 0, sizeof *report);
    exo_buffer_clear(out);
    if (repair_is_valid(text, max_depth)) {
        report->cut = ascii_is_digit((uint8_t)text.ptr[text.len - 1]);
        report->values = 1;
        return exo_buffer_append(out, text);
    }
    r.in = text.len > 0 ? text : exo_span_text("");
    r.out = out;
    const char *const mark = memchr(r.in.ptr, '"', r.in.len);
    r.twice = mark && repair_peek(&r, (size_t)(mark - r.in.ptr) - 1) == '\\';
    r.max_depth = repair_levels(max_depth);
    r.at = repair_find_beginning_anew(&r);
    repair_text(&r, report);
    if (r.error != EXO_OK) {
        exo_buffer_clear(out);
        report->values = 0;
    }
    return r.error;
}
