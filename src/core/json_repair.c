/*
 * json_repair.c: text that was meant to be JSON → JSON.
 *
 * A tolerant reader whose only output is what it writes, so that every way through it ends in valid JSON. It knows no
 * schema and does not decode: a string that holds JSON stays a string. The answer calls it for tool arguments, and is
 * told whether the text was cut: whether, behind the last token that was read, a part of one had to be supplied. Its
 * memory is one `repair` on the stack, with a byte per open bracket, and the caller's buffer.
 *
 * The text is read once. Where a string ends that holds quotation marks is guessed from what follows each of them: at
 * most LOOK_AHEAD commas and closing brackets, a key of LOOK_AHEAD bytes, and the white space around them. Bytes are
 * read again where a closing mark turns out to be missing, up to the next marks of that kind, and once up to the end of
 * the text. So the time is linear.
 */
#include "exochat/json_repair.h"

#include "ascii.h"
#include "exochat/json_read.h"
#include "json_text.h"

/* How far a key may reach to be seen from before it, and how many commas and brackets are looked at. */
#define LOOK_AHEAD 64

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

enum wait {
    WAIT_KEY,    /* an object's next key, or its end */
    WAIT_MEMBER, /* what a key stands for, perhaps after a colon */
    WAIT_ELEMENT /* an array's next element or its end; outside of brackets the value itself */
};

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

typedef struct repair {
    /* Of the value that is read: */
    enum wait wait;
    bool first;  /* the innermost bracket is still empty */
    bool comma;  /* the last token was one */
    bool cut;    /* a part of the last token had to be supplied, or all of it */
    bool full;   /* there is a value in the outermost bracket */
    bool unsure; /* the value may be none that anybody wrote */
    uint8_t depth;
    uint8_t split; /* the depth of an array that had an object's end missing: one brace may be left over there; or 0 */
    /* Of the text: */
    bool twice; /* it is escaped once too often: \" for every quotation mark */
    uint8_t max_depth;
    char closers[1 + EXO_JSON_DEPTH_MAX]; /* what closes the open brackets, the innermost last and the outermost at 1 */
    size_t at;
    unsigned kind; /* what is at `at`, where a token begins */
    exo_span in;
    size_t lines;    /* where the last but one line ends */
    exo_span token;  /* what was read last, without its marks; or what is left of that to write */
    exo_buffer *out; /* NULL while nothing is to be written */
    int error;
} repair;

/* The byte at `at`, or -1 beyond the end. */
static int peek(const repair *r, size_t at)
{
    return at < r->in.len ? (uint8_t)r->in.ptr[at] : -1;
}

static bool is_one_of(int byte, const char *set)
{
    return byte >= 0 && memchr(set, byte, strlen(set));
}

static bool is_sign(int byte)
{
    return byte == '+' || byte == '-';
}

static bool is_blank(int byte)
{
    return byte >= 0 && byte <= ' ';
}

/* What the byte at `at` is by itself: one of enum kind, or 0. */
static unsigned byte_kind(int byte)
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
static unsigned kind_at(const repair *r, size_t at)
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
    unsigned kind = byte_kind(peek(r, at));
    if (kind & KINDS_WORD && peek(r, at) < 0x80) {
        return kind; /* most of all text */
    }
    unsigned escape = 0;
    if (kind & KIND_BACKSLASH) {
        escape = QUOTE_ESCAPE;
        at++;
    }
    const int byte = peek(r, at);
    const uint8_t third = (uint8_t)peek(r, at + 2);
    unsigned mark = is_blank(byte) ? OTHER_BLANK_1 : MARK_NONE;
    for (size_t i = 0; mark == MARK_NONE && i < sizeof rows / sizeof *rows; i++) {
        const uint8_t *row = rows[i];
        if (byte == row[0] && (row[1] == 0 || peek(r, at + 1) == row[1]) && third >= row[2] && third <= row[3]) {
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

/* The length of the character at a place that has a mark. */
static size_t mark_len(unsigned kind)
{
    return kind >> (KIND_MARK + 4);
}

/* The length of the quotation mark at a place, or 0. */
static size_t quote_len(unsigned kind)
{
    return kind & KIND_QUOTE ? mark_len(kind) : 0;
}

static size_t skip_blanks(const repair *r, size_t at)
{
    for (;;) {
        const unsigned kind = kind_at(r, at);
        if (kind & KIND_BLANK) {
            at += mark_len(kind);
        } else if (r->twice && kind & KIND_BACKSLASH && is_one_of(peek(r, at + 1), "nrt")) {
            at += 2;
        } else {
            return at;
        }
    }
}

/* The kind of what the blanks from `at` on are followed by. */
static unsigned kind_past(const repair *r, size_t at)
{
    return kind_at(r, skip_blanks(r, at));
}

/* The end of what stands before `end`, blanks taken off, but not before `start`. */
static size_t trim(const repair *r, size_t start, size_t end)
{
    for (size_t len = 1; len <= 3 && len <= end - start; len++) {
        const unsigned kind = kind_at(r, end - len);
        if (kind & KIND_BLANK && mark_len(kind) == len) {
            end -= len;
            len = 0;
        }
    }
    return end;
}

/* Whether a string that `open` began may end with the mark of `kind`. */
static bool is_pair(unsigned open, unsigned kind)
{
    const unsigned difference = (kind >> KIND_MARK) - open;
    return difference == 0 || difference == (unsigned)-QUOTE_CURLY || difference == QUOTE_ACCENT;
}

/* Leaves out the letter that Python has in front of some strings. A mark that nothing can follow but structure ends a
 * word whose opening mark is missing. */
static size_t skip_prefix(const repair *r, size_t at)
{
    if (is_one_of(peek(r, at) | 0x20, "rubf") && kind_at(r, at + 1) & KIND_STRAIGHT) {
        at += !(kind_past(r, at + 2) & (KIND_END | KIND_COMMA | KIND_COLON | KIND_CLOSING));
    }
    return at;
}

/* Where the key begins whose quotation mark is at `at`. All marks are doubled in what was once part of a CSV file. */
static size_t key_start(const repair *r, size_t at)
{
    const unsigned kind = kind_at(r, at);
    at += mark_len(kind);
    if (kind >> KIND_MARK == QUOTE_DOUBLE && peek(r, at) == '"' && kind_at(r, at + 1) & KINDS_WORD &&
        peek(r, at + 1) < 0x80) {
        at++;
    }
    return at;
}

/* Where the key ends that `open` opened and whose text begins at `start`: at its closing mark, at the colon if that
 * mark is missing, or at `limit`. A word is glued to a mark that opens the value then, and to one within the key: there
 * only words are left up to a mark in front of a colon. */
static size_t key_end(const repair *r, unsigned open, size_t start, size_t limit)
{
    size_t inner = 0;
    size_t colon = 0;
    bool plain = true;
    for (size_t at = start; at < limit; at++) {
        const unsigned kind = kind_at(r, at);
        if (is_pair(open, kind)) {
            const size_t after = at + mark_len(kind);
            const unsigned next = kind_past(r, after);
            if (next & KIND_COLON) {
                return at;
            }
            if (inner == 0) {
                if (!((at == start ? next : kind_at(r, after)) & KINDS_WORD)) {
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
            if (kind & KIND_COLON && colon == 0 && peek(r, at + 1) != '/') {
                colon = at;
            }
        } else if (kind & KIND_BACKSLASH) {
            at++;
        }
    }
    if (colon > 0 && limit == r->in.len && peek(r, trim(r, 0, limit) - 1) == '}') {
        return colon;
    }
    return inner > 0 ? inner : limit;
}

/* Where the quoted text at `at` and the blanks behind it end, or the text's if that is too far to tell. */
static size_t past_key(const repair *r, size_t at)
{
    const size_t limit = at + LOOK_AHEAD;
    at = key_end(r, kind_at(r, at) >> KIND_MARK, key_start(r, at), limit);
    const size_t len = quote_len(kind_at(r, at));
    return len > 0 && at < limit ? skip_blanks(r, at + len) : r->in.len;
}

/* Whether the blanks from `at` on are followed by a key. */
static enum ahead look_ahead(const repair *r, size_t at)
{
    at = skip_prefix(r, skip_blanks(r, at));
    const size_t limit = at + LOOK_AHEAD;
    unsigned kind = kind_at(r, at);
    if (kind & KIND_QUOTE) {
        at = past_key(r, at);
        kind = kind_at(r, at);
        return kind & KIND_COLON                          ? AHEAD_KEY
               : kind & KIND_LETTER || peek(r, at) == ')' ? AHEAD_TEXT
               : kind & KIND_QUOTE                        ? AHEAD_STRINGS
                                                          : AHEAD_OTHER;
    }
    if (!(kind & KINDS_WORD)) {
        return kind & (KIND_END | KIND_COMMA | KIND_OPENING | KIND_CLOSING | KIND_COMMENT | KIND_SLASH | KIND_POINT |
                       KIND_BACKTICK)
                   ? AHEAD_OTHER
                   : AHEAD_TEXT;
    }
    while (kind & KINDS_WORD && at < limit) {
        kind = kind_at(r, ++at);
    }
    if (kind_past(r, at + quote_len(kind)) & KIND_COLON) {
        return AHEAD_KEY; /* perhaps its opening mark is missing */
    }
    return kind_past(r, at) & KIND_END ? AHEAD_OTHER : AHEAD_TEXT;
}

/* Whether a key in quotation marks is at `at`. */
static bool is_key(const repair *r, size_t at)
{
    return kind_at(r, at) & KIND_QUOTE && look_ahead(r, at) == AHEAD_KEY;
}

/* Makes what is between two places the token. */
static void take(repair *r, size_t start, size_t end)
{
    r->token = exo_span_of(r->in.ptr + start, end - start);
}

/* Whether the text ends with the token. */
static bool is_cut(const repair *r)
{
    return r->token.ptr + r->token.len == r->in.ptr + r->in.len;
}

/* Takes the first bytes off the token. */
static void drop(repair *r, size_t len)
{
    r->token.ptr += len;
    r->token.len -= len;
}

static void put(repair *r, const char *text, size_t len)
{
    if (r->out && r->error == EXO_OK) {
        r->error = exo_buffer_append(r->out, exo_span_of(text, len));
    }
}

static void put_text(repair *r, const char *text)
{
    put(r, text, strlen(text));
}

static void put_byte(repair *r, int byte)
{
    const char text = (char)byte;
    put(r, &text, 1);
}

/* Writes the token's first bytes and takes them off. */
static void pass(repair *r, size_t len)
{
    put(r, r->token.ptr, len);
    drop(r, len);
}

/* Passes the escape \uXXXX that names `unit`; one half of a pair without the other becomes U+FFFD. */
static void pass_unicode(repair *r, int32_t unit)
{
    const exo_span text = r->token;
    const size_t low = r->twice && text.len > 7 && text.ptr[7] == '\\' ? 7 : 6;
    if (unit >> 10 == 0xD800 >> 10 && (exo_json_code_unit(text.ptr + low, text.len - low) >> 10) == 0xDC00 >> 10) {
        put(r, text.ptr, 6);
        drop(r, low);
    } else if (unit >> 11 == 0xD800 >> 11) {
        put_text(r, "\\ufffd");
        drop(r, 6);
        return;
    }
    pass(r, 6);
}

/* Passes an escape, mended. One that JSON does not know keeps its reverse solidus, as regular expressions and paths
 * need it; where the text ends with this string, an escape without its end is dropped. */
static void pass_escape(repair *r)
{
    const exo_span text = r->token;
    const int name = text.len > 1 ? (uint8_t)text.ptr[1] : -1;
    const int32_t unit = exo_json_code_unit(text.ptr, text.len);
    if (unit >= 0) {
        pass_unicode(r, unit);
    } else if (exo_json_escape_value(name) >= 0) {
        pass(r, 2);
    } else if (is_one_of(name, "'`\xE2") || is_blank(name)) {
        drop(r, 1);
    } else if (name == 'x' && text.len > 3 && exo_json_hex_value((uint8_t)text.ptr[2]) >= 0 &&
               exo_json_hex_value((uint8_t)text.ptr[3]) >= 0) {
        put_text(r, "\\u00");
        drop(r, 2);
        pass(r, 2);
    } else if (is_cut(r) && text.len < (name == 'x' ? 4 : name == 'u' ? 6 : 2)) {
        drop(r, text.len);
    } else {
        put_byte(r, '\\');
        pass(r, 1);
    }
}

/* Passes what may not stand in a string as it is. */
static void pass_mended(repair *r)
{
    const exo_span text = r->token;
    if ((uint8_t)*text.ptr >= 0x80) {
        const int size = exo_utf8_check(text.ptr, text.len);
        put_text(r, JSON_REPLACEMENT);
        drop(r, size == 0 ? text.len : (size_t)-size);
    } else if (*text.ptr != '\\') {
        char escape[JSON_ESCAPE_MAX];
        put(r, escape, exo_json_put_escape(*text.ptr, escape));
        drop(r, 1);
    } else {
        if (r->twice && text.len > 1 && text.ptr[1] == '\\') {
            drop(r, 1);
            if (text.len > 3 && text.ptr[2] == '\\' && (text.ptr[3] == '"' || text.ptr[3] == '\\')) {
                drop(r, 1); /* what the outer escapes leave of these four bytes is an escape in itself */
                pass(r, 2);
                return;
            }
        }
        pass_escape(r);
    }
}

/* Writes the token as what stands between a string's quotation marks, valid. */
static void put_content(repair *r)
{
    for (;;) {
        pass(r, exo_json_clean_run(r->token.ptr, r->token.len));
        if (r->token.len == 0) {
            return;
        }
        pass_mended(r);
    }
}

static void put_string(repair *r)
{
    put_byte(r, '"');
    put_content(r);
    put_byte(r, '"');
}

/* 1 for an opening bracket, -1 for a closing one. */
static int bracket_balance(unsigned kind)
{
    return ((kind & KIND_OPENING) > 0) - ((kind & KIND_CLOSING) > 0);
}

/* What closes the bracket at `level`, from the innermost at 0 on; 0 beyond the outermost. */
static int closer_at(const repair *r, unsigned level)
{
    return r->closers[r->depth - level];
}

/* Whether the innermost object is an array's element. */
static bool is_element(const repair *r)
{
    return r->depth > 1 && closer_at(r, 1) == ']';
}

/* Whether the string that may end before `at` ends there, by what follows. `odd`: an odd number of marks stand in it,
 * so that the one before `at` may belong to the last of them. `nested`: a bracket that it holds is open, too, as in
 * JSON that was not escaped. */
static bool ends_value(const repair *r, size_t at, bool odd, bool nested)
{
    unsigned level = 0;
    unsigned comma = 0;
    unsigned count = 0; /* of commas, and of brackets that close what is open */
    size_t from;
    int byte;
    unsigned kind;
    for (;; count++) {
        from = at;
        at = skip_blanks(r, from);
        byte = peek(r, at);
        kind = kind_at(r, at);
        if (kind & (KIND_END | KIND_FENCE)) {
            return true;
        }
        if (count == 0 && (r->depth == 0 || (nested && !(kind_past(r, at + 1) & KIND_END)))) {
            return false;
        }
        if (count == LOOK_AHEAD || !(kind & (KIND_COMMA | KIND_CLOSING))) {
            break;
        }
        comma = kind & KIND_COMMA;
        if (!comma && level < r->depth) {
            while (closer_at(r, level++) != byte) {
                if (level == r->depth) {
                    return kind_past(r, at + 1) & KIND_END;
                }
            }
        }
        at++;
    }
    const enum ahead ahead = look_ahead(r, at);
    if (count > 0 && ahead == AHEAD_KEY) {
        return true;
    }
    const bool element = closer_at(r, level) == ']';
    const bool quoted = kind & KIND_QUOTE;
    const bool glued = at == from;
    const bool new_line = memchr(r->in.ptr + from, '\n', at - from);
    if (comma) {
        return element ? !odd || ahead != AHEAD_TEXT : !odd && ahead != AHEAD_TEXT;
    }
    if (kind & KIND_COMMENT) {
        return !odd && (!glued || peek(r, at + 1) == '*');
    }
    const bool outside = level == r->depth;
    if (count > 0 && (glued || outside)) {
        return outside && (!glued || byte == ';' || byte == ')' || byte == '<' || (byte == '{' && is_key(r, at + 1)));
    }
    if (byte == '+') {
        return !odd && kind_past(r, at + 1) & (KIND_QUOTE | KIND_COMMENT | KIND_CLOSING);
    }
    if (element) {
        return new_line || kind & KIND_COLON ||
               (!odd && !glued && (quoted || kind & (KIND_OPENING | KIND_MINUS | KIND_DIGIT)));
    }
    if (byte == '{') {
        return is_element(r) && is_key(r, skip_blanks(r, at + 1));
    }
    if (ahead == AHEAD_TEXT) {
        return false;
    }
    return quoted + new_line + (ahead == AHEAD_KEY) >= 2;
}

/* Where a string from `start` ends that nothing closes: with the text, or before the brackets that close all that is
 * open, if the string itself opened none (`balance` is what it opened less what it closed). */
static size_t end_of_open_string(const repair *r, size_t start, long balance)
{
    size_t end = trim(r, start, r->in.len);
    if (end >= start + FENCE_LEN && kind_at(r, end - FENCE_LEN) & KIND_FENCE) {
        end = trim(r, start, end - FENCE_LEN);
    }
    for (unsigned level = r->depth; level-- > 0;) {
        if (balance > -(long)r->depth || peek(r, end - 1) != closer_at(r, level)) {
            return r->in.len;
        }
        end = trim(r, start, end - 1);
    }
    return end;
}

/* Where a string from `start` should have ended, if what begins at `begun` is no part of it: before the comma there, or
 * before the line's end if that may do. 0 if they are not there. */
static size_t end_before(const repair *r, size_t start, size_t begun, bool line)
{
    const size_t end = trim(r, start, begun);
    if (end > start && peek(r, end - 1) == ',') {
        return trim(r, start, end - 1);
    }
    return line && memchr(r->in.ptr + end, '\n', begun - end) ? end : 0;
}

/* Reads a quoted value. */
static void read_string(repair *r)
{
    const unsigned open = r->kind >> KIND_MARK;
    const size_t start = r->at + mark_len(r->kind);
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
        const unsigned kind = kind_at(r, at);
        if (kind & KIND_END) {
            if (first > 0 && !r->unsure) {
                r->at = first;
                end = trim(r, start, first);
            } else {
                end = r->at = end_of_open_string(r, start, balance);
            }
            r->unsure = true;
            break;
        }
        if (is_pair(open, kind)) {
            const size_t after = at + mark_len(kind);
            const bool ends = ends_value(r, after, odd, odd && balance > 0);
            const bool pair = comma > 0 && peek(r, trim(r, start, at) - 1) == ':';
            const size_t begins = pair ? comma + 1 : at;
            const bool begins_key = r->wait == WAIT_MEMBER && !pair;
            const size_t sooner = r->depth == 0 || balance > 0 ? 0 : end_before(r, start, begins, begins_key);
            if (before > 0 && (key ? kind_past(r, after) & KIND_COLON : ends || sooner > 0)) {
                end = before;
                r->at = begun;
                break;
            }
            if (ends) {
                end = at;
                r->at = after;
                r->cut = odd && kind_past(r, after) & KIND_END;
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
                if (open == QUOTE_ESCAPED && peek(r, at) == '\\' && peek(r, at + 1) == '\\') {
                    at += 2;
                }
            } else if (kind & KIND_COMMA && comma == 0 && r->wait == WAIT_MEMBER &&
                       look_ahead(r, at + 1) == AHEAD_KEY) {
                comma = at;
                first = first > 0 ? first : at;
            }
            balance += bracket_balance(kind);
            at++;
        }
    }
    take(r, start, end);
}

/* Reads a quoted key. */
static void read_key(repair *r)
{
    const unsigned open = r->kind >> KIND_MARK;
    const size_t start = key_start(r, r->at);
    const size_t end = key_end(r, open, start, r->in.len);
    r->at = end + quote_len(kind_at(r, end));
    if (open == QUOTE_DOUBLE && peek(r, r->at) == '"') {
        r->at++;
    }
    take(r, start, end);
}

/* The end of the digits from `at` on. */
static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && ascii_is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

/* Writes the token if it is a literal, of some language, or a number but for a plus, leading zeros, or a part without
 * digits. JSON's own literals count from their third letter on, and from the first where the text ends. Says in r->cut
 * whether more of it had to be supplied, or may have been there. */
static bool put_scalar(repair *r)
{
    const exo_span word = r->token;
    static const char words[] = "true\0false\0null\0none\0undefined\0nan\0infinity\0inf\0nil\0";
    const char *const end = word.ptr + word.len;
    const char *text = word.ptr;
    if (word.len > 1 && is_sign(*text)) {
        text++;
    }
    const size_t letters = (size_t)(end - text);
    const bool cut = is_cut(r);
    size_t len;
    for (const char *meant = words; *meant; meant += len + 1) {
        const bool own = meant < words + sizeof "true\0false\0null";
        len = strlen(meant);
        r->cut = letters < len;
        if ((letters == len || (r->cut && own && r->depth > 0 && (cut || letters > 2))) &&
            exo_ascii_same(text, meant, letters)) {
            put_text(r, own ? meant : "null");
            return true;
        }
    }
    r->cut = cut;
    const char *const point = skip_digits(text, end);
    const char *fraction = point;
    if (point < end && *point == '.') {
        fraction++;
    }
    const char *const exponent = skip_digits(fraction, end);
    const char *digits = exponent;
    if (digits < end && (*digits | 0x20) == 'e') {
        digits++;
        if (digits < end && is_sign(*digits)) {
            digits++;
        }
    }
    if (exponent - text == fraction - point || skip_digits(digits, end) != end) {
        return false;
    }
    if (*word.ptr == '-') {
        put_byte(r, '-');
    }
    if (text == point) {
        put_byte(r, '0');
    }
    while (text + 1 < point && *text == '0') {
        text++;
    }
    put(r, text, (size_t)(exponent - text));
    if (exponent[-1] == '.') {
        put_byte(r, '0');
    }
    if (digits < end) {
        put(r, exponent, (size_t)(end - exponent));
    }
    if (!ascii_is_digit((uint8_t)end[-1])) {
        r->cut = true;
    }
    return true;
}

/* Whether a number or literal that began at `start` ends before the blanks in front of `at`. */
static bool ends_scalar(repair *r, size_t start, size_t at)
{
    exo_buffer *const out = r->out;
    r->out = NULL; /* this is no time to write */
    take(r, start, trim(r, start, at));
    const bool scalar = put_scalar(r);
    r->out = out;
    return scalar && (r->wait == WAIT_ELEMENT ? ((kind_at(r, start) | ~kind_at(r, at)) & KIND_LETTER) != 0
                                              : look_ahead(r, at) == AHEAD_KEY);
}

/* Whether 1,000 goes on at the comma at `at`: in an object no digits can follow a comma but those of a key. */
static bool is_thousands(const repair *r, size_t at)
{
    size_t end = at + 1;
    while (kind_at(r, end) & KIND_DIGIT) {
        end++;
    }
    return r->wait == WAIT_MEMBER && end - at == 4 && !(kind_past(r, end) & KIND_COLON);
}

/* Reads a value or key without quotation marks: up to what can only be the next part of the structure. */
static void read_bare(repair *r)
{
    const size_t start = r->at;
    bool numeric = false; /* there are bytes in front of `at`, all of numbers */
    bool one_word = true;
    unsigned after_blank = 0;
    long parentheses = 0;
    long brackets = 0;
    size_t at = start;
    for (;;) {
        const int byte = peek(r, at);
        const unsigned kind = kind_at(r, at);
        const unsigned blank = kind & KIND_BLANK;
        if (kind & (KIND_END | KIND_LINE_END | KIND_SEMICOLON | KIND_FENCE) || (brackets <= 0 && kind & KIND_CLOSING) ||
            (numeric && byte == ')') ||
            (kind & KIND_COMMA && brackets + parentheses <= 0 && !(numeric && is_thousands(r, at)))) {
            break;
        }
        if (r->wait == WAIT_KEY) {
            if (kind & (KIND_COLON | KIND_EQUALS | KIND_OPENING | KIND_QUOTE)) {
                break;
            }
        } else {
            if (numeric || after_blank) {
                if ((kind & KIND_COMMENT && (numeric || !(kind_at(r, at + 1) & KINDS_WORD))) || kind & KIND_OPENING ||
                    (kind & KIND_QUOTE && (r->wait == WAIT_ELEMENT || look_ahead(r, at) == AHEAD_KEY))) {
                    break;
                }
            }
            if (one_word && after_blank && !blank) {
                if (ends_scalar(r, start, at)) {
                    break;
                }
                one_word = false;
            }
        }
        parentheses += (byte == '(') - (byte == ')');
        brackets += bracket_balance(kind);
        if (!(kind & KINDS_NUMBER) && (byte | 0x20) != 'e') {
            numeric = false;
        } else if (at == start) {
            numeric = true;
        }
        after_blank = blank;
        at += blank ? mark_len(kind) : 1;
    }
    r->at = at;
    take(r, start, trim(r, start, at));
}

/* Takes off a closing mark that has no opening one. */
static void drop_stray_mark(repair *r)
{
    const char *const mark = memchr(r->token.ptr, '"', r->token.len);
    r->token.len -= mark && mark + 1 == r->token.ptr + r->token.len;
}

/* The comma before a key or an element. */
static void put_comma(repair *r)
{
    if (!r->first && r->wait != WAIT_MEMBER) {
        put_byte(r, ',');
    }
    r->first = false;
}

/* A scalar was written. */
static void value_done(repair *r)
{
    r->full = true;
    if (r->wait == WAIT_MEMBER) {
        r->wait = WAIT_KEY;
    }
}

/* Supplies a value that is missing. */
static void put_null(repair *r)
{
    put_text(r, "null");
    r->wait = WAIT_KEY;
    r->cut = true;
}

static void open_bracket(repair *r, int byte)
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
    put_comma(r);
    put_byte(r, byte);
    r->first = true;
    r->wait = byte == '{' ? WAIT_KEY : WAIT_ELEMENT;
}

/* Closes the innermost bracket, whatever it is. */
static void close_innermost(repair *r)
{
    put_byte(r, r->closers[r->depth--]);
    r->first = false;
    if (r->depth < r->split) {
        r->split = 0;
    }
    r->wait = closer_at(r, 0) == '}' ? WAIT_KEY : WAIT_ELEMENT;
}

/* A closing bracket was read. It closes what is open within its partner too; without a partner it is taken for the
 * innermost one's, but never for the outermost's. */
static void close_bracket(repair *r, int byte)
{
    const bool object = byte == '}';
    if (object && r->depth == r->split) {
        r->split = 0; /* that object was closed already */
        return;
    }
    if (!memchr(r->closers + 1, byte, r->depth)) {
        if (r->depth > 1) {
            close_innermost(r);
        }
        return;
    }
    while (closer_at(r, 0) != byte) {
        close_innermost(r);
    }
    if (r->depth == 1 && object) {
        const size_t next = skip_blanks(r, r->at);
        if (peek(r, next) == ',' && look_ahead(r, next + 1) >= AHEAD_KEY) {
            return; /* more members follow: the object was closed too early */
        }
    }
    close_innermost(r);
}

/* The text is over, whatever is still open. */
static void finish(repair *r)
{
    if (r->comma || r->first) {
        r->cut = true;
    }
    if (r->wait == WAIT_MEMBER) {
        put_null(r);
    }
    while (r->depth > 0) {
        close_innermost(r);
    }
}

/* Three backticks: around a member's value they are skipped, elsewhere they end the block that the value is in. */
static void read_fence(repair *r)
{
    r->at += FENCE_LEN;
    if (r->wait == WAIT_MEMBER) {
        while (kind_at(r, r->at) & KINDS_WORD) {
            r->at++;
        }
    } else if (!(kind_past(r, r->at) & (KIND_COMMA | KIND_CLOSING))) {
        finish(r);
    }
}

/* Skips one comment. One behind # ends with its line; in the last line, with the bracket around it. */
static void skip_comment(repair *r)
{
    const unsigned inside = peek(r, r->at) == '#' && r->at >= r->lines ? r->depth : 0;
    size_t at = r->at + 1;
    if (peek(r, at) == '*') {
        do {
            at++;
        } while (peek(r, at) >= 0 && !(peek(r, at) == '*' && peek(r, at + 1) == '/'));
        at += 2;
    } else {
        while (peek(r, at) >= 0 && peek(r, at) != '\n' && !(inside && kind_at(r, at) & KIND_CLOSING)) {
            at++;
        }
    }
    r->at = at;
}

/* Skips what stands for nothing between two tokens. */
static void skip_noise(repair *r)
{
    for (;;) {
        r->at = skip_blanks(r, r->at);
        const unsigned kind = kind_at(r, r->at);
        const bool member = r->wait == WAIT_MEMBER;
        if (kind & KIND_COMMENT && !(member && kind_at(r, r->at + 1) & KINDS_WORD)) {
            skip_comment(r); /* but #fff may be a member's value */
        } else if (kind & KIND_ELLIPSIS && !member && !(kind_at(r, r->at + 3) & KINDS_WORD)) {
            r->at += 3;
        } else {
            return;
        }
    }
}

static void step_key(repair *r)
{
    if (r->kind & KIND_QUOTE) {
        read_key(r);
    } else {
        read_bare(r);
        const size_t end = r->at + quote_len(kind_at(r, r->at)); /* behind a stray mark */
        if (kind_past(r, end) & KIND_COLON) {
            r->at = end;
        }
    }
    r->cut = false;
    put_comma(r);
    put_string(r);
    put_byte(r, ':');
    r->wait = WAIT_MEMBER;
}

/* Takes off what is left of doubled or tripled quotation marks. */
static void drop_outer_marks(repair *r)
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
static void string_value(repair *r)
{
    put_comma(r);
    put_byte(r, '"');
    for (;;) {
        read_string(r);
        if (mark_len(r->kind) == 1) {
            drop_outer_marks(r);
        }
        put_content(r);
        const size_t next = skip_blanks(r, r->at);
        if (peek(r, next) != '+') {
            break;
        }
        r->at = next + 1;
        skip_noise(r);
        r->kind = kind_at(r, r->at);
        if (!(r->kind & KIND_QUOTE)) {
            r->cut = true;
            break; /* a comment, and nothing to add */
        }
    }
    put_byte(r, '"');
    value_done(r);
}

static void bare_value(repair *r)
{
    read_bare(r);
    drop_stray_mark(r);
    put_comma(r);
    if (!put_scalar(r)) {
        if (r->depth == 0) {
            r->error = EXO_E_REPAIR; /* prose */
        }
        if (r->cut && r->token.len == 1 && is_sign(*r->token.ptr)) {
            put_text(r, "null");
        } else {
            put_string(r);
        }
    }
    value_done(r);
}

static void step_value(repair *r)
{
    if (r->kind & KIND_OPENING) {
        open_bracket(r, r->in.ptr[r->at++]);
    } else if (r->wait == WAIT_ELEMENT && r->depth > 0 && is_key(r, r->at)) {
        if (!r->first && r->depth > 1 && closer_at(r, 1) == '}') {
            close_innermost(r); /* the array's end is missing */
        } else {
            open_bracket(r, '{'); /* the object's beginning is missing */
        }
    } else if (r->kind & KIND_QUOTE) {
        string_value(r);
    } else {
        bare_value(r);
    }
}

/* Reads one token, or what was meant to be one. */
static void step(repair *r)
{
    skip_noise(r);
    r->at = skip_prefix(r, r->at);
    const int byte = peek(r, r->at);
    const unsigned kind = kind_at(r, r->at);
    r->kind = kind;
    if (kind & KIND_END) {
        finish(r);
        return;
    }
    if (kind & KIND_FENCE) {
        read_fence(r);
        return;
    }
    if (r->wait == WAIT_MEMBER && (kind & (KINDS_SEPARATOR | KIND_CLOSING) || is_key(r, r->at))) {
        put_null(r);
    }
    if (r->wait == WAIT_KEY && byte == '{' && !r->first) {
        if (is_element(r)) {
            close_innermost(r); /* the object's end is missing */
            r->split = r->depth;
        } else if (r->depth == 1) {
            r->unsure = true; /* two objects, or one? */
        }
    }
    r->comma = kind & KINDS_SEPARATOR;
    if (kind & KIND_CLOSING) {
        r->at++;
        close_bracket(r, byte);
    } else if (kind & (KINDS_SEPARATOR | KIND_COLON | KIND_EQUALS) || (r->wait == WAIT_KEY && kind & KIND_OPENING) ||
               (byte == ')' && r->wait != WAIT_MEMBER && !r->first)) {
        r->at += byte == '=' && peek(r, r->at + 1) == '>' ? 2 : 1;
    } else if (r->wait == WAIT_KEY) {
        step_key(r);
    } else {
        step_value(r);
    }
}

/* Reads the next value. `implied`: it is an object whose opening brace is missing. */
static void run(repair *r, bool implied)
{
    memset(r, 0, offsetof(repair, twice));
    r->first = true;
    r->wait = WAIT_ELEMENT;
    if (implied) {
        open_bracket(r, '{');
    }
    do {
        step(r);
    } while (r->depth > 0 && r->error == EXO_OK);
    r->cut |= r->unsure;
}

/* Where the text begins, with comments and the opening line of a fenced block left out. */
static size_t find_beginning(repair *r)
{
    r->wait = WAIT_MEMBER;
    skip_noise(r);
    if (kind_at(r, r->at) & KIND_FENCE) {
        read_fence(r);
        skip_noise(r);
    }
    return r->at;
}

/* Skips what is no bracket, and says whether words were among it. */
static bool skip_words(repair *r)
{
    bool words = false;
    for (unsigned kind; !((kind = kind_at(r, r->at)) & (KIND_END | KIND_OPENING)); r->at++) {
        words |= (kind & KINDS_WORD) != 0;
    }
    return words;
}

/* Repairs all values in brackets. Empty ones, words in brackets, and arrays within prose, such as references,
 * count only if they are the first, and until there is another. One that is the same as the first is none. */
static void repair_values(repair *r, exo_repair_report *report)
{
    exo_buffer *const out = r->out;
    bool implied = is_key(r, r->at);
    bool found = false;
    for (;;) {
        const bool words = !implied && skip_words(r);
        const int byte = peek(r, r->at);
        if (byte < 0) {
            return;
        }
        const size_t end = out->len;
        if (end > 0) {
            put_byte(r, ',');
        }
        const size_t own = out->len;
        run(r, implied);
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
static void put_brackets(repair *r)
{
    put_text(r, "]]");
    if (r->error == EXO_OK) {
        memmove(r->out->data + 1, r->out->data, r->out->len - 2);
        *r->out->data = '[';
        r->error = exo_json_check(exo_buffer_span(r->out), r->max_depth, NULL);
    }
}

/* Repairs what is in `r`: values in brackets, or the only one without any. */
static void repair_text(repair *r, exo_repair_report *report)
{
    const size_t beginning = find_beginning(r);
    repair_values(r, report);
    if (report->values > 1) {
        put_brackets(r);
    }
    if (report->values == 0 && r->error == EXO_OK) {
        r->at = beginning;
        run(r, false);
        report->cut = r->cut;
        report->values = 1;
        skip_noise(r);
        if (r->error == EXO_OK && (!r->full || !(kind_at(r, r->at) & (KIND_END | KIND_FENCE)))) {
            r->error = EXO_E_REPAIR;
        }
    }
}

/* Where the text was begun anew before it was complete, or where it begins: at a valid object behind no more than a
 * part of itself, or behind a value's closing mark if it begins with the same key. There is no other such object, as it
 * ends with the text, and the check of one that is none ends before the next. */
static size_t find_beginning_anew(const repair *r)
{
    const size_t start = skip_blanks(r, 0);
    for (size_t at = start + 1; peek(r, start) == '{' && at < r->in.len; at++) {
        const exo_span rest = exo_span_of(r->in.ptr + at, r->in.len - at);
        if (*rest.ptr != '{') {
            continue;
        }
        const size_t last = trim(r, start, at) - 1;
        if (!(kind_at(r, last) & KINDS_BEFORE_VALUE) && exo_json_check(rest, r->max_depth, NULL) == EXO_OK) {
            const bool closed = peek(r, last) == '"' && !(kind_at(r, trim(r, start, last) - 1) & KINDS_BEFORE_VALUE);
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
    if (exo_json_check(text, max_depth, NULL) == EXO_OK) {
        report->cut = ascii_is_digit((uint8_t)text.ptr[text.len - 1]);
        report->values = 1;
        return exo_buffer_append(out, text);
    }
    r.in = text.len > 0 ? text : exo_span_text("");
    r.out = out;
    for (size_t at = text.len; at-- > 0;) {
        if (text.ptr[at] == '\n' && r.lines == 0) {
            r.lines = at;
        }
        if (text.ptr[at] == '"') {
            r.twice = peek(&r, at - 1) == '\\'; /* in the end, of the first */
        }
    }
    r.max_depth = (uint8_t)(max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX);
    r.at = find_beginning_anew(&r);
    repair_text(&r, report);
    if (r.error != EXO_OK) {
        exo_buffer_clear(out);
        report->values = 0;
    }
    return r.error;
}
