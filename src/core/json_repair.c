/*
 * json_repair.c: text that was meant to be JSON → JSON.
 *
 * A tolerant reader whose only output is what it writes, so that every way through it ends in valid JSON. It knows no
 * schema and does not decode: a string that holds JSON stays a string. The answer calls it for tool arguments. Its
 * memory is one `repair` on the stack, with a bit per open bracket, and the caller's buffer.
 *
 * The text is read twice, first to measure which of its values keeps the most of it, then to write that one. Bytes are
 * read again only where a closing quotation mark turns out to be missing, once each, and what stands ahead is looked at
 * for LOOK_AHEAD bytes and the white space around them: the time is linear.
 */
#include "exochat/json_repair.h"

#include "ascii.h"
#include "exochat/json_read.h"
#include "json_text.h"

/* How far a key may reach to be seen from before it. */
#define LOOK_AHEAD 64

/* A run of backticks that opens or closes a block of code. */
#define FENCE_LEN 3

enum wait {
    WAIT_KEY,    /* an object's next key, or its end */
    WAIT_MEMBER, /* what a key stands for, perhaps after a colon */
    WAIT_ELEMENT /* an array's next element or its end; outside of brackets the value itself */
};

/* The first digit is the length of the mark in bytes. A string that a curly one opens may end with a straight one, and
 * one that a backtick opens with an acute accent; no other two codes are so far apart. */
enum quote {
    QUOTE_NONE = 0,
    QUOTE_DOUBLE = 0x10,
    QUOTE_SINGLE = 0x11,
    QUOTE_BACKTICK = 0x12,
    QUOTE_ACUTE = 0x22,
    QUOTE_ESCAPED = 0x23, /* \" outside of a string */
    QUOTE_ANGLE = 0x24,
    QUOTE_CURLY_DOUBLE = 0x30,
    QUOTE_CURLY_SINGLE = 0x31,
    QUOTE_CURLY = QUOTE_CURLY_DOUBLE - QUOTE_DOUBLE,
    QUOTE_ACCENT = QUOTE_ACUTE - QUOTE_BACKTICK
};

/* Whether a key stands ahead. */
enum ahead {
    AHEAD_TEXT,  /* no, words that belong to the string before them */
    AHEAD_OTHER, /* something else, or too long to tell */
    AHEAD_KEY
};

typedef struct repair {
    exo_span in;
    size_t at;
    size_t kept; /* bytes of the input that were read as what they look like: words without quotation marks are not */
    exo_buffer *out; /* NULL while measuring */
    int error;
    enum wait wait;
    bool first; /* the innermost bracket is still empty */
    bool twice; /* the text is escaped once too often: \" for every quotation mark */
    unsigned depth;
    unsigned objects; /* how many of the open brackets are braces */
    unsigned max_depth;
    unsigned split; /* the depth of an array that had an object's end missing: one brace may be left over there; or 0 */
    uint64_t stack; /* a bit per open bracket, the innermost lowest: 1 is a brace */
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

static bool is_blank(int byte)
{
    return byte >= 0 && byte <= ' ';
}

/* { and [ differ in the bit that makes letters small, as do } and ]. */
static bool is_opening(int byte)
{
    return (byte | 0x20) == '{';
}

static bool is_closing(int byte)
{
    return (byte | 0x20) == '}';
}

static bool is_letter(int byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_' || byte == '$' || byte >= 0x80;
}

static bool is_word(int byte)
{
    return is_letter(byte) || ascii_is_digit(byte) || byte == '-';
}

/* The length of the white space character at `at`, among them those of Unicode; 0 if there is none. */
static size_t blank_len(const repair *r, size_t at)
{
    static const uint8_t wide[][4] = {
        /* the first bytes, and the range of the last one */
        {0xE1, 0x9A, 0x80, 0x80}, /* U+1680 */
        {0xE2, 0x80, 0x80, 0x8B}, /* U+2000 to U+200B */
        {0xE2, 0x80, 0xA8, 0xA9}, /* U+2028 and U+2029 */
        {0xE2, 0x80, 0xAF, 0xAF}, /* U+202F */
        {0xE2, 0x81, 0x9F, 0x9F}, /* U+205F */
        {0xE3, 0x80, 0x80, 0x80}, /* U+3000 */
        {0xEF, 0xBB, 0xBF, 0xBF}, /* U+FEFF */
    };
    const int byte = peek(r, at);
    const int next = peek(r, at + 1);
    const int last = peek(r, at + 2);
    if (byte < 0x80) {
        return is_blank(byte);
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (byte == wide[i][0] && next == wide[i][1] && last >= wide[i][2] && last <= wide[i][3]) {
            return 3;
        }
    }
    return byte == 0xC2 && next == 0xA0 ? 2 : 0;
}

static size_t skip_blanks(const repair *r, size_t at)
{
    for (;;) {
        size_t len = blank_len(r, at);
        if (r->twice && peek(r, at) == '\\' && is_one_of(peek(r, at + 1), "nrt")) {
            len = 2;
        }
        if (len == 0) {
            return at;
        }
        at += len;
    }
}

/* What the blanks from `at` on are followed by. */
static int peek_past(const repair *r, size_t at)
{
    return peek(r, skip_blanks(r, at));
}

/* The end of what stands before `end`, blanks taken off, but not before `start`. */
static size_t trim(const repair *r, size_t start, size_t end)
{
    size_t len;
    do {
        len = 3;
        while (len > 0 && (len > end - start || blank_len(r, end - len) != len)) {
            len--;
        }
        end -= len;
    } while (len > 0);
    return end;
}

static bool is_fence(const repair *r, size_t at)
{
    return peek(r, at) == '`' && peek(r, at + 1) == '`' && peek(r, at + 2) == '`';
}

static bool is_comment(const repair *r, size_t at)
{
    return peek(r, at) == '#' || (peek(r, at) == '/' && is_one_of(peek(r, at + 1), "/*"));
}

/* The quotation mark at `at`. */
static enum quote quote_at(const repair *r, size_t at)
{
    const int next = peek(r, at + 1);
    switch (peek(r, at)) {
    case '"':
        return QUOTE_DOUBLE;
    case '\'':
        return QUOTE_SINGLE;
    case '`':
        return is_fence(r, at) ? QUOTE_NONE : QUOTE_BACKTICK;
    case '\\':
        return next == '"' ? QUOTE_ESCAPED : QUOTE_NONE;
    case 0xC2: /* U+00AB and U+00BB, and U+00B4 */
        return next == 0xAB || next == 0xBB ? QUOTE_ANGLE : next == 0xB4 ? QUOTE_ACUTE : QUOTE_NONE;
    case 0xE2: /* U+2018 to U+201B, and U+201C to U+201F */
        if (next == 0x80 && (peek(r, at + 2) & ~7) == 0x98) {
            return peek(r, at + 2) & 4 ? QUOTE_CURLY_DOUBLE : QUOTE_CURLY_SINGLE;
        }
        return QUOTE_NONE;
    default:
        return QUOTE_NONE;
    }
}

static size_t quote_len(enum quote quote)
{
    return (size_t)quote >> 4;
}

/* Whether a string that `open` began may end with `close`. */
static bool is_pair(enum quote open, enum quote close)
{
    return open == close || open == close + QUOTE_CURLY || open + QUOTE_ACCENT == close;
}

/* Leaves out the letter that Python has in front of some strings. A mark that nothing can follow but structure ends a
 * word whose opening mark is missing. */
static size_t skip_prefix(const repair *r, size_t at)
{
    if (is_one_of(peek(r, at), "rubfRUBF") && is_one_of(peek(r, at + 1), "\"'")) {
        const int byte = peek_past(r, at + 2);
        return at + (byte >= 0 && !is_one_of(byte, ",:}]"));
    }
    return at;
}

/* Where the key begins whose quotation mark is at `at`. All marks are doubled in what was once part of a CSV file. */
static size_t key_start(const repair *r, size_t at)
{
    const enum quote open = quote_at(r, at);
    at += quote_len(open);
    return at + (open == QUOTE_DOUBLE && peek(r, at) == '"' && is_word(peek(r, at + 1)) && blank_len(r, at + 1) == 0);
}

/* Whether the blanks from `at` on are followed by a key. */
static enum ahead look_ahead(const repair *r, size_t at)
{
    at = skip_prefix(r, skip_blanks(r, at));
    const enum quote open = quote_at(r, at);
    const size_t limit = at + LOOK_AHEAD;
    int byte = peek(r, at);
    if (open == QUOTE_NONE) {
        if (!is_word(byte)) {
            return byte < 0 || is_one_of(byte, ",{}[]/#.`") ? AHEAD_OTHER : AHEAD_TEXT;
        }
        while (at < limit && is_word(peek(r, at))) {
            at++;
        }
        if (peek_past(r, at + quote_len(quote_at(r, at))) == ':') {
            return AHEAD_KEY; /* perhaps its opening mark is missing */
        }
        return peek_past(r, at) < 0 ? AHEAD_OTHER : AHEAD_TEXT;
    }
    for (at = key_start(r, at); at < limit; at++) {
        const enum quote quote = quote_at(r, at);
        if (is_pair(open, quote)) {
            byte = peek_past(r, at + quote_len(quote));
            return byte == ':' ? AHEAD_KEY : is_letter(byte) ? AHEAD_TEXT : AHEAD_OTHER;
        }
        if (peek(r, at) == '\\') {
            at++;
        }
    }
    return AHEAD_OTHER;
}

/* Whether a key in quotation marks is at `at`. */
static bool is_key(const repair *r, size_t at)
{
    return quote_at(r, at) != QUOTE_NONE && look_ahead(r, at) == AHEAD_KEY;
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

/* How many hexadecimal digits stand at `text`, of `most` at most. */
static size_t count_hex(const char *text, size_t len, size_t most)
{
    size_t count = 0;
    while (count < most && count < len && exo_json_hex_value((uint8_t)text[count]) >= 0) {
        count++;
    }
    return count;
}

/* Writes the escape \uXXXX at `text`, which names `unit`, one half of a pair without the other as U+FFFD, and returns
 * the length of what was read. */
static size_t put_unicode(repair *r, const char *text, size_t len, int32_t unit)
{
    const size_t low = r->twice && len > 7 && text[7] == '\\' ? 7 : 6;
    if ((unit & 0xFC00) == 0xD800 && (exo_json_code_unit(text + low, len - low) & 0xFC00) == 0xDC00) {
        put(r, text, 6);
        put(r, text + low, 6);
        return low + 6;
    }
    put(r, (unit & 0xF800) == 0xD800 ? "\\ufffd" : text, 6);
    return 6;
}

/* Writes the escape at `text`, mended, and returns the length of what was read. An escape that JSON does not know keeps
 * its reverse solidus, as regular expressions and paths need it; `cut` says that the text ends with this string, and
 * then an escape without its end is dropped. */
static size_t put_escape(repair *r, const char *text, size_t len, bool cut)
{
    const int name = len > 1 ? (uint8_t)text[1] : -1;
    const int32_t unit = exo_json_code_unit(text, len);
    if (unit >= 0) {
        return put_unicode(r, text, len, unit);
    }
    if (exo_json_escape_value(name) >= 0) {
        put(r, text, 2);
        return 2;
    }
    if (is_one_of(name, "'`") || is_blank(name)) {
        return 1;
    }
    if (is_one_of(name, "ux")) {
        const size_t found = count_hex(text + 2, len - 2, name == 'u' ? 4 : 2);
        if (found == 2 && name == 'x') {
            put_text(r, "\\u00");
            put(r, text + 2, 2);
            return 4;
        }
        if (cut && found + 2 == len) {
            return len;
        }
    }
    if (!cut || len > 1) {
        put_text(r, "\\\\");
    }
    return 1;
}

/* Writes what is at `text`, which may not stand in a string as it is, and returns the length of what was read. `cut` is
 * as for escapes. */
static size_t put_mended(repair *r, const char *text, size_t len, bool cut)
{
    if ((uint8_t)*text >= 0x80) {
        const int size = exo_utf8_check(text, len);
        put_text(r, JSON_REPLACEMENT);
        return size == 0 ? len : (size_t)-size;
    }
    if (*text != '\\') {
        char escape[JSON_ESCAPE_MAX];
        put(r, escape, exo_json_put_escape(*text, escape));
        return 1;
    }
    if (!r->twice || len < 2 || text[1] != '\\') {
        return put_escape(r, text, len, cut);
    }
    if (len > 3 && text[2] == '\\' && is_one_of(text[3], "\"\\")) {
        put(r, text, 1); /* what the outer escapes leave of these four bytes is an escape in itself */
        put(r, text + 3, 1);
        return 4;
    }
    return 1 + put_escape(r, text + 1, len - 1, cut);
}

/* Writes what stands between a string's quotation marks, valid. */
static void put_content(repair *r, exo_span text)
{
    const bool cut = text.ptr + text.len == r->in.ptr + r->in.len;
    size_t at = 0;
    while (r->out && at < text.len) {
        const size_t run = exo_json_clean_run(text.ptr + at, text.len - at);
        put(r, text.ptr + at, run);
        at += run;
        if (at < text.len) {
            at += put_mended(r, text.ptr + at, text.len - at, cut);
        }
    }
}

static void put_string(repair *r, exo_span text)
{
    put_text(r, "\"");
    put_content(r, text);
    put_text(r, "\"");
}

/* 1 for an opening bracket, -1 for a closing one. */
static int bracket_balance(int byte)
{
    return is_opening(byte) - is_closing(byte);
}

/* Whether the bracket at `level` is a brace, from the innermost at 0 on; one that is not there is none. */
static bool is_object(const repair *r, unsigned level)
{
    return r->stack >> level & 1;
}

/* Whether the innermost object is an array's element. */
static bool is_element(const repair *r)
{
    return r->depth > 1 && !is_object(r, 1);
}

/* Whether the string that may end before `at` ends there, by what follows. `nested`: it holds quotation marks and an
 * open bracket, as JSON within a string that was not escaped does. */
static bool ends_value(const repair *r, size_t at, bool nested)
{
    const size_t next = skip_blanks(r, at);
    const int byte = peek(r, next);
    const bool element = r->wait == WAIT_ELEMENT;
    if (byte < 0 || is_fence(r, next)) {
        return true;
    }
    if (r->depth == 0 || (nested && peek_past(r, next + 1) >= 0)) {
        return false;
    }
    switch (byte) {
    case ',':
        return element || look_ahead(r, next + 1) != AHEAD_TEXT;
    case '}':
        return r->objects > 0;
    case ']':
        return r->depth > r->objects;
    case ':':
        return element;
    case '+': {
        const size_t added = skip_blanks(r, next + 1);
        return quote_at(r, added) != QUOTE_NONE || is_comment(r, added);
    }
    default:
        break;
    }
    if (is_comment(r, next)) {
        return byte == '/' || next > at;
    }
    const bool quoted = quote_at(r, next) != QUOTE_NONE;
    const bool new_line = memchr(r->in.ptr + at, '\n', next - at);
    if (element) {
        return new_line || (next > at && (quoted || is_opening(byte) || byte == '-' || ascii_is_digit(byte)));
    }
    if (byte == '{') {
        return is_element(r) && is_key(r, skip_blanks(r, next + 1));
    }
    const enum ahead ahead = look_ahead(r, next);
    return ahead == AHEAD_KEY ? quoted || new_line : quoted && new_line && ahead == AHEAD_OTHER;
}

/* Where a string from `start` should have ended, if the mark at `inner` began the next key: before the comma or the
 * line's end in front of it. If it began the next element, both must be there. 0 if they are not. */
static size_t end_before(const repair *r, size_t start, size_t inner)
{
    const size_t end = trim(r, start, inner);
    const bool new_line = memchr(r->in.ptr + end, '\n', inner - end);
    const bool member = r->wait == WAIT_MEMBER;
    if (end > start && peek(r, end - 1) == ',') {
        return new_line || member ? trim(r, start, end - 1) : 0;
    }
    return new_line && member ? end : 0;
}

/* Where a string from `start` ends that nothing closes: with the text, or before the brackets that close all that is
 * open, if the string itself opened none (`balance` is what it opened less what it closed). */
static size_t end_of_open_string(const repair *r, size_t start, long balance)
{
    size_t end = trim(r, start, r->in.len);
    if (end >= start + FENCE_LEN && is_fence(r, end - FENCE_LEN)) {
        end = trim(r, start, end - FENCE_LEN);
    }
    for (unsigned level = r->depth; level-- > 0;) {
        if (balance > -(long)r->depth || end == start || peek(r, end - 1) != (is_object(r, level) ? '}' : ']')) {
            return r->in.len;
        }
        end = trim(r, start, end - 1);
    }
    return end;
}

/* Reads a quoted value and returns what is between its marks. */
static exo_span read_string(repair *r)
{
    const enum quote open = quote_at(r, r->at);
    const size_t start = r->at + quote_len(open);
    size_t inner = 0; /* the last mark that did not end the string */
    long balance = 0;
    size_t at = start;
    size_t end;
    for (;;) {
        const int byte = peek(r, at);
        const enum quote quote = quote_at(r, at);
        if (byte < 0) {
            end = r->at = end_of_open_string(r, start, balance);
            break;
        }
        if (is_pair(open, quote)) {
            const size_t after = at + quote_len(quote);
            if (ends_value(r, after, inner > 0 && balance > 0)) {
                end = at;
                r->at = after;
                break;
            }
            const bool element = r->wait == WAIT_ELEMENT && r->depth > 0;
            const size_t begun = element ? at : r->depth > 0 && peek_past(r, after) == ':' ? inner : 0;
            end = begun > 0 && balance <= 0 ? end_before(r, start, begun) : 0;
            if (end > 0) {
                r->at = begun;
                break;
            }
            inner = at;
            at = after;
        } else if (byte == '\\') {
            at += 2;
            if (open == QUOTE_ESCAPED && peek(r, at - 1) == '\\' && peek(r, at) == '\\') {
                at += 2;
            }
        } else {
            balance += bracket_balance(byte);
            at++;
        }
    }
    return exo_span_of(r->in.ptr + start, end - start);
}

/* Reads a quoted key. The first mark closes it: keys hold no quotation marks. If that one opens another string, the
 * key ends at its colon. */
static exo_span read_key(repair *r)
{
    const enum quote open = quote_at(r, r->at);
    const size_t start = key_start(r, r->at);
    size_t colon = 0;
    size_t at;
    enum quote quote = QUOTE_NONE;
    for (at = start; at < r->in.len; at++) {
        quote = quote_at(r, at);
        if (is_pair(open, quote)) {
            break;
        }
        if (peek(r, at) == '\\') {
            at++;
        } else if (peek(r, at) == ':' && colon == 0 && peek(r, at + 1) != '/') {
            colon = at;
        }
    }
    const size_t end = at < r->in.len ? at : r->in.len;
    const size_t after = at < r->in.len ? at + quote_len(quote) : end;
    const bool closed = after > end;
    if (colon > 0 && (closed ? is_word(peek_past(r, after)) : peek(r, trim(r, 0, end) - 1) == '}')) {
        r->at = colon;
        return exo_span_of(r->in.ptr + start, colon - start);
    }
    r->at = after + (closed && open == QUOTE_DOUBLE && peek(r, after) == '"');
    return exo_span_of(r->in.ptr + start, end - start);
}

/* true, false or null, if `word` means one of them. JSON's own three count from their third letter on, and from the
 * first where the text ends. */
static const char *literal(const repair *r, exo_span word)
{
    static const char words[] = "true\0false\0null\0none\0undefined\0nan\0infinity\0inf\0nil\0";
    if (word.len > 1 && is_one_of(word.ptr[0], "+-") && (word.ptr[1] | 0x20) == 'i') {
        word = exo_span_of(word.ptr + 1, word.len - 1);
    }
    const bool cut = word.ptr + word.len == r->in.ptr + r->in.len || word.len >= 3;
    unsigned own = 3;
    for (const char *meant = words; *meant; meant = exo_ascii_string(meant, 1)) {
        const size_t len = strlen(meant);
        const bool begun = own > 0 && cut && r->depth > 0;
        if ((word.len == len || (begun && word.len < len)) && exo_ascii_same(word.ptr, meant, word.len)) {
            return own > 0 ? meant : "null";
        }
        own -= own > 0;
    }
    return NULL;
}

/* The end of the digits from `at` on. */
static size_t skip_digits(exo_span text, size_t at)
{
    while (at < text.len && ascii_is_digit((uint8_t)text.ptr[at])) {
        at++;
    }
    return at;
}

/* Writes `word` as a number if it is one but for a plus, leading zeros, or a part without digits. */
static bool put_number(repair *r, exo_span word)
{
    const char *text = word.ptr;
    size_t whole = is_one_of(text[0], "+-");
    const size_t point = skip_digits(word, whole);
    const size_t fraction = point + (point < word.len && text[point] == '.');
    const size_t exponent = skip_digits(word, fraction);
    size_t digits = exponent;
    if (exponent - whole == fraction - point) {
        return false; /* not one digit */
    }
    if (digits < word.len && (text[digits] | 0x20) == 'e') {
        digits++;
        digits += digits < word.len && is_one_of(text[digits], "+-");
    }
    if (skip_digits(word, digits) != word.len) {
        return false;
    }
    put(r, text, text[0] == '-');
    if (whole == point) {
        put_text(r, "0");
    }
    while (whole + 1 < point && text[whole] == '0') {
        whole++;
    }
    put(r, text + whole, exponent - whole);
    if (fraction > point && fraction == exponent) {
        put_text(r, "0");
    }
    put(r, text + exponent, digits < word.len ? word.len - exponent : 0);
    return true;
}

/* Whether a number or literal that began at `start` ends before the blanks in front of `at`. */
static bool ends_scalar(repair *r, size_t start, size_t at)
{
    const exo_span word = exo_span_of(r->in.ptr + start, trim(r, start, at) - start);
    exo_buffer *const out = r->out;
    r->out = NULL; /* this is no time to write */
    const bool is_literal = literal(r, word) != NULL;
    const bool is_number = !is_literal && put_number(r, word);
    r->out = out;
    if (r->wait == WAIT_ELEMENT) {
        return is_literal || (is_number && !is_letter(peek(r, at)));
    }
    return (is_literal || is_number) && look_ahead(r, at) == AHEAD_KEY;
}

/* Whether 1,000 goes on at the comma at `at`: in an object no digits can follow a comma but those of a key. */
static bool is_thousands(const repair *r, size_t at)
{
    return r->wait == WAIT_MEMBER && skip_digits(r->in, at + 1) == at + 4 && !is_word(peek(r, at + 4)) &&
           peek_past(r, at + 4) != ':';
}

/* Reads a value or key without quotation marks: up to what can only be the next part of the structure. */
static exo_span read_bare(repair *r)
{
    const size_t start = r->at;
    bool numeric = true;
    bool one_word = true;
    bool after_blank = false;
    long parentheses = 0;
    long brackets = 0;
    size_t at = start;
    for (;;) {
        const int byte = peek(r, at);
        const size_t blank = blank_len(r, at);
        const enum quote quote = quote_at(r, at);
        if (byte < 0 || is_one_of(byte, "\r\n;") || is_fence(r, at) || (brackets <= 0 && is_closing(byte))) {
            break;
        }
        if (byte == ',' && brackets + parentheses <= 0 && !(numeric && is_thousands(r, at))) {
            break;
        }
        if (r->wait == WAIT_KEY) {
            if (is_one_of(byte, ":={[") || quote != QUOTE_NONE) {
                break;
            }
        } else if ((at > start && numeric) || after_blank) {
            if ((is_comment(r, at) && (numeric || !is_word(peek(r, at + 1)))) || is_opening(byte) ||
                (quote != QUOTE_NONE && (r->wait == WAIT_ELEMENT || look_ahead(r, at) == AHEAD_KEY))) {
                break;
            }
        }
        if (one_word && after_blank && blank == 0) {
            if (r->wait != WAIT_KEY && ends_scalar(r, start, at)) {
                break;
            }
            one_word = false;
        }
        parentheses += (byte == '(') - (byte == ')');
        brackets += bracket_balance(byte);
        numeric = numeric && (ascii_is_digit(byte) || is_one_of(byte, "+-.,eE"));
        after_blank = blank > 0;
        at += blank > 0 ? blank : 1;
    }
    r->at = at;
    return exo_span_of(r->in.ptr + start, trim(r, start, at) - start);
}

/* Takes off a closing mark that has no opening one. */
static exo_span without_stray_mark(exo_span word)
{
    bool odd = false;
    for (size_t i = 0; i < word.len; i++) {
        odd ^= word.ptr[i] == '"';
    }
    if (odd && word.ptr[word.len - 1] == '"') {
        word.len--;
    }
    return word;
}

static bool is_ellipsis(const exo_span *word)
{
    return word->len == 3 && (memcmp(word->ptr, "...", 3) == 0 || memcmp(word->ptr, "\xE2\x80\xA6", 3) == 0);
}

/* The comma before a key or an element. */
static void put_comma(repair *r)
{
    if (!r->first && r->wait != WAIT_MEMBER) {
        put_text(r, ",");
    }
    r->first = false;
}

/* A scalar was written. */
static void value_done(repair *r)
{
    if (r->wait == WAIT_MEMBER) {
        r->wait = WAIT_KEY;
    }
}

static void put_null(repair *r)
{
    put_text(r, "null");
    value_done(r);
}

static void open_bracket(repair *r, bool object)
{
    if (r->depth == r->max_depth) {
        r->error = EXO_E_DEPTH_LIMIT;
        return;
    }
    r->stack = r->stack << 1 | object;
    r->objects += object;
    r->depth++;
    r->kept++;
    put_comma(r);
    put_text(r, object ? "{" : "[");
    r->first = true;
    r->wait = object ? WAIT_KEY : WAIT_ELEMENT;
}

/* Closes the innermost bracket, whatever it is. */
static void close_innermost(repair *r)
{
    const bool object = is_object(r, 0);
    put_text(r, object ? "}" : "]");
    r->objects -= object;
    r->depth--;
    r->stack >>= 1;
    r->first = false;
    if (r->depth < r->split) {
        r->split = 0;
    }
    r->wait = is_object(r, 0) ? WAIT_KEY : WAIT_ELEMENT;
}

/* A closing bracket was read. It closes what is open within its partner too; without a partner it is taken for the
 * innermost one's, but never for the outermost's. */
static void close_bracket(repair *r, bool object)
{
    if (object && r->depth == r->split) {
        r->split = 0; /* that object was closed already */
        return;
    }
    if ((object ? r->objects : r->depth - r->objects) == 0) {
        if (r->depth > 1) {
            close_innermost(r);
        }
        return;
    }
    while (is_object(r, 0) != object) {
        close_innermost(r);
    }
    if (r->depth == 1 && object) {
        const size_t next = skip_blanks(r, r->at);
        if (peek(r, next) == ',' && look_ahead(r, next + 1) == AHEAD_KEY) {
            return; /* more members follow: the object was closed too early */
        }
    }
    close_innermost(r);
}

/* The text is over, whatever is still open. */
static void finish(repair *r)
{
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
        while (is_word(peek(r, r->at))) {
            r->at++;
        }
    } else if (!is_one_of(peek_past(r, r->at), ",}]")) {
        finish(r);
    }
}

/* Skips one comment. */
static void skip_comment(repair *r)
{
    const bool block = peek(r, r->at + 1) == '*';
    const size_t mark = block ? 2 : 1;
    size_t at = r->at + mark;
    while (at < r->in.len && !(block ? peek(r, at) == '*' && peek(r, at + 1) == '/' : peek(r, at) == '\n')) {
        at++;
    }
    r->at = at < r->in.len ? at + mark : at;
}

/* Skips what stands for nothing between two tokens. */
static void skip_noise(repair *r)
{
    for (;;) {
        r->at = skip_blanks(r, r->at);
        if (is_comment(r, r->at) && !(r->wait == WAIT_MEMBER && is_word(peek(r, r->at + 1)))) {
            skip_comment(r); /* but #fff may be a member's value */
        } else {
            return;
        }
    }
}

static void step_key(repair *r)
{
    const enum quote quote = quote_at(r, r->at);
    exo_span key;
    if (quote != QUOTE_NONE) {
        key = read_key(r);
        if (key.ptr + key.len == r->in.ptr + r->in.len) {
            return; /* half a key is no key */
        }
        r->kept += key.len + 2;
    } else {
        key = read_bare(r);
        const enum quote stray = quote_at(r, r->at);
        if (peek_past(r, r->at + quote_len(stray)) == ':') {
            r->at += quote_len(stray);
        }
        if (is_ellipsis(&key)) {
            return;
        }
    }
    put_comma(r);
    put_string(r, key);
    put_text(r, ":");
    r->wait = WAIT_MEMBER;
}

/* Takes off what is left of doubled or tripled quotation marks. */
static exo_span without_outer_marks(exo_span text, char mark)
{
    size_t marks = 0;
    while (2 * marks + 1 < text.len && text.ptr[marks] == mark && text.ptr[text.len - 1 - marks] == mark) {
        marks++;
    }
    const exo_span inside = exo_span_of(text.ptr + marks, text.len - 2 * marks);
    return memchr(inside.ptr, mark, inside.len) ? text : inside;
}

/* Reads and writes a quoted string, and those that a plus adds to it. */
static void string_value(repair *r)
{
    put_comma(r);
    put_text(r, "\"");
    for (;;) {
        const enum quote quote = quote_at(r, r->at);
        const char mark = r->in.ptr[r->at];
        const exo_span text = read_string(r);
        r->kept += text.len + 2;
        put_content(r, quote_len(quote) == 1 ? without_outer_marks(text, mark) : text);
        const size_t next = skip_blanks(r, r->at);
        if (peek(r, next) != '+') {
            break;
        }
        r->at = next + 1;
        skip_noise(r);
        if (quote_at(r, r->at) == QUOTE_NONE) {
            break; /* a comment, and nothing to add */
        }
    }
    put_text(r, "\"");
    value_done(r);
}

static void bare_value(repair *r)
{
    const exo_span word = without_stray_mark(read_bare(r));
    const char *meant = literal(r, word);
    if (r->wait == WAIT_ELEMENT && is_ellipsis(&word)) {
        return;
    }
    put_comma(r);
    if (meant) {
        put_text(r, meant);
        r->kept += word.len;
    } else if (put_number(r, word)) {
        r->kept += word.len;
    } else {
        put_string(r, word);
    }
    value_done(r);
}

static void step_value(repair *r, int byte)
{
    if (is_opening(byte)) {
        r->at++;
        open_bracket(r, byte == '{');
    } else if (r->wait == WAIT_ELEMENT && r->depth > 0 && is_key(r, r->at)) {
        if (!r->first && is_object(r, 1)) {
            close_innermost(r); /* the array's end is missing */
        } else {
            open_bracket(r, true); /* the object's beginning is missing */
        }
    } else if (quote_at(r, r->at) != QUOTE_NONE) {
        string_value(r);
    } else {
        bare_value(r);
    }
}

/* Reads one token, or what was meant to be one. */
static void step(repair *r)
{
    skip_noise(r);
    int byte = peek(r, r->at);
    if (byte < 0) {
        finish(r);
        return;
    }
    if (is_fence(r, r->at)) {
        read_fence(r);
        return;
    }
    r->at = skip_prefix(r, r->at);
    byte = peek(r, r->at);
    if (r->wait == WAIT_MEMBER && (is_one_of(byte, ",;}]") || is_key(r, r->at))) {
        put_null(r);
    }
    if (r->wait == WAIT_KEY && byte == '{' && !r->first && is_element(r)) {
        close_innermost(r); /* the object's end is missing */
        r->split = r->depth;
    }
    if (is_closing(byte)) {
        r->at++;
        close_bracket(r, byte == '}');
    } else if (is_one_of(byte, ",;:=") || (r->wait == WAIT_KEY && is_opening(byte))) {
        r->at += byte == '=' && peek(r, r->at + 1) == '>' ? 2 : 1;
    } else if (r->wait == WAIT_KEY) {
        step_key(r);
    } else {
        step_value(r, byte);
    }
}

/* Reads the value at `start`. `implied`: it is an object whose opening brace is missing. */
static void run(repair *r, size_t start, bool implied)
{
    r->at = start;
    r->kept = 0;
    r->depth = 0;
    r->split = 0;
    r->stack = 0;
    r->objects = 0;
    r->first = true;
    r->wait = WAIT_ELEMENT;
    if (implied) {
        open_bracket(r, true);
    }
    do {
        step(r);
    } while (r->depth > 0 && r->error == EXO_OK);
}

/* Where the text begins, with comments and the opening line of a fenced block left out. */
static size_t find_beginning(repair *r)
{
    r->wait = WAIT_MEMBER;
    skip_noise(r);
    if (is_fence(r, r->at)) {
        read_fence(r);
        skip_noise(r);
    }
    return r->at;
}

/* Repairs what is in `r` into `out`. */
static int repair_text(repair *r, exo_buffer *out)
{
    const size_t beginning = find_beginning(r);
    const bool implied = is_key(r, beginning);
    size_t best = beginning;
    size_t kept = 0;
    size_t at = 0;
    if (implied) {
        run(r, beginning, true);
        kept = r->kept;
        at = r->at;
    }
    while (at < r->in.len && r->error == EXO_OK) {
        if (!is_opening(peek(r, at))) {
            at++;
            continue;
        }
        run(r, at, false);
        if (r->kept > kept) {
            kept = r->kept;
            best = at;
        }
        at = r->at;
    }
    if (kept == 0 && r->error == EXO_OK) {
        run(r, beginning, false);
        kept = r->kept;
        skip_noise(r);
        if (kept == 0 || (r->at < r->in.len && !is_fence(r, r->at))) {
            return EXO_E_REPAIR;
        }
    }
    if (r->error == EXO_OK) {
        r->out = out;
        run(r, best, implied && best == beginning);
    }
    return r->error;
}

int exo_json_repair(exo_span text, uint32_t max_depth, exo_buffer *out)
{
    repair r;
    exo_buffer_clear(out);
    if (exo_json_check(text, max_depth, NULL) == EXO_OK) {
        return exo_buffer_append(out, text);
    }
    memset(&r, 0, sizeof r);
    r.in = text;
    const char *mark = text.len > 0 ? memchr(text.ptr, '"', text.len) : NULL;
    r.twice = mark && mark > text.ptr && mark[-1] == '\\';
    r.max_depth = max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX;
    const int rc = repair_text(&r, out);
    if (rc != EXO_OK) {
        exo_buffer_clear(out);
    }
    return rc;
}
