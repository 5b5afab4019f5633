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

enum quote {
    QUOTE_NONE,
    QUOTE_DOUBLE,
    QUOTE_SINGLE,
    QUOTE_BACKTICK,
    QUOTE_ESCAPED, /* \" outside of a string */
    QUOTE_ANGLE,
    QUOTE_CURLY_DOUBLE,
    QUOTE_CURLY_SINGLE
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
    uint8_t stack[EXO_JSON_DEPTH_MAX / 8]; /* a bit per level: 1 is an object */
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

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(int byte)
{
    return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_' || byte == '$' || byte >= 0x80;
}

static bool is_word(int byte)
{
    return is_letter(byte) || is_digit(byte) || byte == '-';
}

static bool is_hex(int byte)
{
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static size_t skip_blanks(const repair *r, size_t at)
{
    for (;;) {
        if (r->twice && peek(r, at) == '\\' && is_one_of(peek(r, at + 1), "nrt")) {
            at++;
        } else if (!is_blank(peek(r, at))) {
            return at;
        }
        at++;
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
    while (end > start && is_blank(peek(r, end - 1))) {
        end--;
    }
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
    case 0xC2: /* U+00AB and U+00BB */
        return next == 0xAB || next == 0xBB ? QUOTE_ANGLE : QUOTE_NONE;
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
    static const uint8_t lengths[] = {0, 1, 1, 1, 2, 2, 3, 3};
    return lengths[quote];
}

/* Whether a string that `open` began may end with `close`. */
static bool is_pair(enum quote open, enum quote close)
{
    return close != QUOTE_NONE && (open == close || (open == QUOTE_CURLY_DOUBLE && close == QUOTE_DOUBLE) ||
                                   (open == QUOTE_CURLY_SINGLE && close == QUOTE_SINGLE));
}

/* Leaves out the letter that Python has in front of some strings. */
static size_t skip_prefix(const repair *r, size_t at)
{
    return at + (is_one_of(peek(r, at), "rubfRUBF") && is_one_of(peek(r, at + 1), "\"'") && peek(r, at + 2) != ':');
}

/* Where the key begins whose quotation mark is at `at`. All marks are doubled in what was once part of a CSV file. */
static size_t key_start(const repair *r, size_t at)
{
    const enum quote open = quote_at(r, at);
    at += quote_len(open);
    return at + (open == QUOTE_DOUBLE && peek(r, at) == '"' && is_word(peek(r, at + 1)));
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
        byte = peek_past(r, at);
        return byte == ':' ? AHEAD_KEY : byte < 0 ? AHEAD_OTHER : AHEAD_TEXT;
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
    while (count < most && count < len && is_hex((uint8_t)text[count])) {
        count++;
    }
    return count;
}

/* Whether `text`, which begins with \u and four digits, is a surrogate: 0xD8 for a high one, 0xDC for a low one, or 0.
 */
static int surrogate(const char *text)
{
    const int digit = text[3] | 0x20;
    if ((text[2] | 0x20) != 'd' || digit < '8') {
        return 0;
    }
    return digit <= 'b' ? 0xD8 : 0xDC;
}

/* Writes the escape \uXXXX at `text`, one half of a pair without the other as U+FFFD, and returns the length of what
 * was read. */
static size_t put_unicode(repair *r, const char *text, size_t len)
{
    const int half = surrogate(text);
    const size_t low = r->twice && len > 7 && text[7] == '\\' ? 7 : 6;
    if (half == 0xD8 && len >= low + 6 && text[low] == '\\' && text[low + 1] == 'u' &&
        count_hex(text + low + 2, 4, 4) == 4 && surrogate(text + low) == 0xDC) {
        put(r, text, 6);
        put(r, text + low, 6);
        return low + 6;
    }
    put(r, half ? "\\ufffd" : text, 6);
    return 6;
}

/* Writes the escape at `text`, mended, and returns the length of what was read. An escape that JSON does not know keeps
 * its reverse solidus, as regular expressions and paths need it; `cut` says that the text ends with this string, and
 * then an escape without its end is dropped. */
static size_t put_escape(repair *r, const char *text, size_t len, bool cut)
{
    const int name = len > 1 ? (uint8_t)text[1] : -1;
    const size_t digits = name == 'u' ? 4 : 2;
    if (is_one_of(name, "\"\\/bfnrt")) {
        put(r, text, 2);
        return 2;
    }
    if (is_one_of(name, "'`") || is_blank(name)) {
        return 1;
    }
    if (is_one_of(name, "ux")) {
        const size_t found = count_hex(text + 2, len - 2, digits);
        if (found == 4) {
            return put_unicode(r, text, len);
        }
        if (found == digits) {
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

/* Writes an ASCII byte that may not stand in a string as it is. */
static void put_special(repair *r, char byte)
{
    static const char from[] = "\"\b\f\n\r\t";
    static const char to[] = "\"bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = memchr(from, byte, sizeof from - 1);
    if (found) {
        put(r, (const char[]){'\\', to[found - from]}, 2);
    } else {
        put_text(r, "\\u00");
        put(r, (const char[]){hex[byte >> 4], hex[byte & 15]}, 2);
    }
}

/* Whether an ASCII byte may stand in a string as it is. */
static bool is_clean(char byte)
{
    return byte >= ' ' && byte != '"' && byte != '\\';
}

/* Writes what stands between a string's quotation marks, valid. */
static void put_content(repair *r, exo_span text)
{
    const bool cut = text.ptr + text.len == r->in.ptr + r->in.len;
    size_t clean = 0; /* from here up to `at` nothing is in need of mending */
    size_t at = 0;
    while (r->out && at < text.len) {
        const char *here = text.ptr + at;
        const size_t left = text.len - at;
        const int size = (uint8_t)*here >= 0x80 ? utf8_check(here, left) : is_clean(*here);
        if (size > 0) {
            at += (size_t)size;
            continue;
        }
        put(r, text.ptr + clean, at - clean);
        if ((uint8_t)*here >= 0x80) {
            put_text(r, JSON_REPLACEMENT);
            at += size == 0 ? left : (size_t)-size;
        } else if (*here != '\\') {
            put_special(r, *here);
            at++;
        } else if (r->twice && left > 3 && here[1] == '\\' && here[2] == '\\' && is_one_of(here[3], "\"\\")) {
            put(r, here, 1); /* what the outer escapes leave of these four bytes is an escape in itself */
            put(r, here + 3, 1);
            at += 4;
        } else if (r->twice && left > 1 && here[1] == '\\') {
            at += 1 + put_escape(r, here + 1, left - 1, cut);
        } else {
            at += put_escape(r, here, left, cut);
        }
        clean = at;
    }
    put(r, text.ptr + clean, at - clean);
}

/* 1 for an opening bracket, -1 for a closing one. */
static int bracket_balance(int byte)
{
    return is_opening(byte) - is_closing(byte);
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
    case '+':
        return quote_at(r, skip_blanks(r, next + 1)) != QUOTE_NONE;
    default:
        break;
    }
    if (is_comment(r, next)) {
        return byte == '/' || next > at;
    }
    const bool quoted = quote_at(r, next) != QUOTE_NONE;
    const bool new_line = memchr(r->in.ptr + at, '\n', next - at);
    if (element) {
        return new_line || (next > at && (quoted || is_opening(byte) || byte == '-' || is_digit(byte)));
    }
    const enum ahead ahead = look_ahead(r, next);
    return ahead == AHEAD_KEY ? quoted || new_line : quoted && new_line && ahead == AHEAD_OTHER;
}

/* Where a string from `start` should have ended, if the mark at `inner` began the next key: before the comma or the
 * line's end in front of it. 0 if neither is there. */
static size_t end_before_key(const repair *r, size_t start, size_t inner)
{
    const size_t end = trim(r, start, inner);
    if (end > start && peek(r, end - 1) == ',') {
        return trim(r, start, end - 1);
    }
    return memchr(r->in.ptr + end, '\n', inner - end) ? end : 0;
}

/* Whether the bracket at `level`, from the outermost at 0 on, is a brace. */
static bool is_object(const repair *r, unsigned level)
{
    return r->stack[level / 8] >> level % 8 & 1;
}

/* Where a string from `start` ends that nothing closes: with the text, or before the brackets that close all that is
 * open, if the string itself opened none (`balance` is what it opened less what it closed). */
static size_t end_of_open_string(const repair *r, size_t start, long balance)
{
    size_t end = trim(r, start, r->in.len);
    if (end >= start + FENCE_LEN && is_fence(r, end - FENCE_LEN)) {
        end = trim(r, start, end - FENCE_LEN);
    }
    for (unsigned level = 0; level < r->depth; level++) {
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
            if (inner > 0 && balance <= 0 && r->wait == WAIT_MEMBER && peek_past(r, after) == ':') {
                end = end_before_key(r, start, inner);
                if (end > 0) {
                    r->at = inner;
                    break;
                }
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
    static const char words[][10] = {"true", "false", "null", "none", "undefined", "nan", "infinity", "inf", "nil"};
    if (word.len > 1 && is_one_of(word.ptr[0], "+-") && (word.ptr[1] | 0x20) == 'i') {
        word = exo_span_of(word.ptr + 1, word.len - 1);
    }
    const bool cut = word.ptr + word.len == r->in.ptr + r->in.len || word.len >= 3;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t same = 0;
        while (same < word.len && (word.ptr[same] | 0x20) == words[i][same]) {
            same++;
        }
        if (same == word.len && (words[i][same] == '\0' || (i < 3 && cut && r->depth > 0))) {
            return words[i < 3 ? i : 2];
        }
    }
    return NULL;
}

/* The end of the digits from `at` on. */
static size_t skip_digits(exo_span text, size_t at)
{
    while (at < text.len && is_digit((uint8_t)text.ptr[at])) {
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
    return r->wait == WAIT_MEMBER && is_digit(peek(r, at + 1)) && is_digit(peek(r, at + 2)) &&
           is_digit(peek(r, at + 3)) && !is_word(peek(r, at + 4)) && peek_past(r, at + 4) != ':';
}

/* Reads a value or key without quotation marks: up to what can only be the next part of the structure. */
static exo_span read_bare(repair *r)
{
    const size_t start = r->at;
    bool numeric = true;
    bool one_word = true;
    long parentheses = 0;
    long brackets = 0;
    size_t at = start;
    for (;; at++) {
        const int byte = peek(r, at);
        const bool after_blank = at > start && is_blank(peek(r, at - 1));
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
        if (one_word && after_blank && !is_blank(byte)) {
            if (r->wait != WAIT_KEY && ends_scalar(r, start, at)) {
                break;
            }
            one_word = false;
        }
        parentheses += (byte == '(') - (byte == ')');
        brackets += bracket_balance(byte);
        numeric = numeric && (is_digit(byte) || is_one_of(byte, "+-.,eE"));
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

static bool is_ellipsis(exo_span word)
{
    return word.len == 3 && (memcmp(word.ptr, "...", 3) == 0 || memcmp(word.ptr, "\xE2\x80\xA6", 3) == 0);
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
    uint8_t *bits = &r->stack[r->depth / 8];
    const unsigned bit = 1u << r->depth % 8;
    *bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
    r->objects += object;
    r->depth++;
    r->kept++;
    put_comma(r);
    put_text(r, object ? "{" : "[");
    r->first = true;
    r->wait = object ? WAIT_KEY : WAIT_ELEMENT;
}

/* Whether the innermost bracket is a brace. */
static bool in_object(const repair *r)
{
    return r->depth > 0 && is_object(r, r->depth - 1u);
}

/* Closes the innermost bracket, whatever it is. */
static void close_innermost(repair *r)
{
    const bool object = in_object(r);
    put_text(r, object ? "}" : "]");
    r->objects -= object;
    r->depth--;
    r->first = false;
    r->wait = in_object(r) ? WAIT_KEY : WAIT_ELEMENT;
}

/* A closing bracket was read. It closes what is open within its partner too; without a partner it is taken for the
 * innermost one's, but never for the outermost's. */
static void close_bracket(repair *r, bool object)
{
    if ((object ? r->objects : r->depth - r->objects) == 0) {
        if (r->depth > 1) {
            close_innermost(r);
        }
        return;
    }
    while (in_object(r) != object) {
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
    const char *end;
    r->at += block ? 2 : 1;
    do {
        const size_t left = r->in.len - r->at;
        end = left > 0 ? memchr(r->in.ptr + r->at, block ? '*' : '\n', left) : NULL;
        r->at = end ? (size_t)(end - r->in.ptr) + 1 : r->in.len;
    } while (block && end && peek(r, r->at) != '/');
    r->at += block && end;
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
        if (stray != QUOTE_NONE && peek_past(r, r->at + quote_len(stray)) == ':') {
            r->at += quote_len(stray);
        }
        if (is_ellipsis(key)) {
            return;
        }
    }
    put_comma(r);
    put_text(r, "\"");
    put_content(r, key);
    put_text(r, "\":");
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
        r->at = skip_blanks(r, next + 1); /* a plus ends a string only in front of another one */
    }
    put_text(r, "\"");
    value_done(r);
}

static void bare_value(repair *r)
{
    const exo_span word = without_stray_mark(read_bare(r));
    const char *meant = literal(r, word);
    if (r->wait == WAIT_ELEMENT && is_ellipsis(word)) {
        return;
    }
    put_comma(r);
    if (meant) {
        put_text(r, meant);
        r->kept += word.len;
    } else if (put_number(r, word)) {
        r->kept += word.len;
    } else {
        put_text(r, "\"");
        put_content(r, word);
        put_text(r, "\"");
    }
    value_done(r);
}

static void step_value(repair *r, int byte)
{
    if (is_opening(byte)) {
        r->at++;
        open_bracket(r, byte == '{');
    } else if (r->wait == WAIT_ELEMENT && r->depth > 0 && is_key(r, r->at)) {
        if (!r->first && r->depth > 1 && is_object(r, r->depth - 2u)) {
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
