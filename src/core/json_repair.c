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
    QUOTE_ANGLE = 0x24,
    QUOTE_CURLY_DOUBLE = 0x30,
    QUOTE_CURLY_SINGLE = 0x31,
    QUOTE_ESCAPE = 0x18, /* what a reverse solidus in front of the mark adds */
    QUOTE_ESCAPED = QUOTE_DOUBLE + QUOTE_ESCAPE,
    QUOTE_CURLY = QUOTE_CURLY_DOUBLE - QUOTE_DOUBLE,
    QUOTE_ACCENT = QUOTE_ACUTE - QUOTE_BACKTICK
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
    unsigned depth;
    unsigned split; /* the depth of an array that had an object's end missing: one brace may be left over there; or 0 */
    /* Of the text: */
    size_t at;
    exo_span in;
    size_t lines; /* where the last but one line ends */
    bool twice;   /* it is escaped once too often: \" for every quotation mark */
    unsigned max_depth;
    exo_buffer *out; /* NULL while nothing is to be written */
    int error;
    char closers[1 + EXO_JSON_DEPTH_MAX]; /* what closes the open brackets, the innermost last and the outermost at 1 */
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
        {0xE1, 0xA0, 0x8E, 0x8E}, /* U+180E */
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
    return peek(r, at) == '#' || (peek(r, at) == '/' && (peek(r, at + 1) == '/' || peek(r, at + 1) == '*'));
}

/* The quotation mark at `at`, with the reverse solidus in front of it. */
static enum quote quote_at(const repair *r, size_t at)
{
    const unsigned escape = peek(r, at) == '\\' ? QUOTE_ESCAPE : 0;
    const size_t mark = at + (escape > 0);
    const int next = peek(r, mark + 1);
    unsigned quote = QUOTE_NONE;
    switch (peek(r, mark)) {
    case '"':
        quote = QUOTE_DOUBLE;
        break;
    case '\'':
        quote = QUOTE_SINGLE;
        break;
    case '`':
        quote = is_fence(r, mark) ? QUOTE_NONE : QUOTE_BACKTICK;
        break;
    case 0xC2: /* U+00AB and U+00BB, and U+00B4 */
        quote = next == 0xAB || next == 0xBB ? QUOTE_ANGLE : next == 0xB4 ? QUOTE_ACUTE : QUOTE_NONE;
        break;
    case 0xE2: /* U+2018 to U+201B, and U+201C to U+201F */
        if (next == 0x80 && (peek(r, mark + 2) & ~7) == 0x98) {
            quote = peek(r, mark + 2) & 4 ? QUOTE_CURLY_DOUBLE : QUOTE_CURLY_SINGLE;
        }
        break;
    default:
        break;
    }
    return (enum quote)(quote > 0 ? quote + escape : quote);
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
    if (is_one_of(peek(r, at) | 0x20, "rubf") && is_one_of(peek(r, at + 1), "\"'")) {
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
    return at + (open == QUOTE_DOUBLE && peek(r, at) == '"' && is_word(peek(r, at + 1)) && peek(r, at + 1) < 0x80);
}

/* Where the key ends that `open` opened and whose text begins at `start`: at its closing mark, at the colon if that
 * mark is missing, or at `limit`. A word is glued to a mark that opens the value then, and to one within the key: there
 * only words are left up to a mark in front of a colon. */
static size_t key_end(const repair *r, enum quote open, size_t start, size_t limit)
{
    size_t inner = 0;
    size_t colon = 0;
    bool plain = true;
    for (size_t at = start; at < limit; at++) {
        const int byte = peek(r, at);
        const enum quote quote = quote_at(r, at);
        if (is_pair(open, quote)) {
            const size_t after = at + quote_len(quote);
            const int next = peek_past(r, after);
            if (next == ':') {
                return at;
            }
            if (inner == 0) {
                if (!is_word(at == start ? next : peek(r, after))) {
                    return at;
                }
                if (!plain) {
                    return colon > 0 ? colon : at;
                }
                inner = at;
                limit = limit - at > LOOK_AHEAD ? at + LOOK_AHEAD : limit;
            }
        } else if (is_one_of(byte, ",:{}[]\r\n")) {
            if (inner > 0) {
                return inner;
            }
            plain = false;
            if (byte == ':' && colon == 0 && peek(r, at + 1) != '/') {
                colon = at;
            }
        } else if (byte == '\\') {
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
    at = key_end(r, quote_at(r, at), key_start(r, at), limit);
    const size_t len = quote_len(quote_at(r, at));
    return len > 0 && at < limit ? skip_blanks(r, at + len) : r->in.len;
}

/* Whether the blanks from `at` on are followed by a key. */
static enum ahead look_ahead(const repair *r, size_t at)
{
    at = skip_prefix(r, skip_blanks(r, at));
    const size_t limit = at + LOOK_AHEAD;
    int byte = peek(r, at);
    if (quote_at(r, at) != QUOTE_NONE) {
        at = past_key(r, at);
        byte = peek(r, at);
        return byte == ':'                      ? AHEAD_KEY
               : is_letter(byte) || byte == ')' ? AHEAD_TEXT
               : quote_at(r, at) != QUOTE_NONE  ? AHEAD_STRINGS
                                                : AHEAD_OTHER;
    }
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

static void put_byte(repair *r, int byte)
{
    const char text = (char)byte;
    put(r, &text, 1);
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
    if (is_one_of(name, "'`\xE2") || is_blank(name)) {
        return 1;
    }
    if (name == 'x' && len > 3 && exo_json_hex_value((uint8_t)text[2]) >= 0 &&
        exo_json_hex_value((uint8_t)text[3]) >= 0) {
        put_text(r, "\\u00");
        put(r, text + 2, 2);
        return 4;
    }
    if (cut && ((name == 'x' && len < 4) || (name == 'u' && len < 6))) {
        return len;
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
    if (len > 3 && text[2] == '\\' && (text[3] == '"' || text[3] == '\\')) {
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
    put_byte(r, '"');
    put_content(r, text);
    put_byte(r, '"');
}

/* 1 for an opening bracket, -1 for a closing one. */
static int bracket_balance(int byte)
{
    return is_opening(byte) - is_closing(byte);
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
    bool comma = false;
    unsigned count = 0; /* of commas, and of brackets that close what is open */
    size_t from;
    int byte;
    for (;; count++) {
        from = at;
        at = skip_blanks(r, from);
        byte = peek(r, at);
        if (byte < 0 || is_fence(r, at)) {
            return true;
        }
        if (count == 0 && (r->depth == 0 || (nested && peek_past(r, at + 1) >= 0))) {
            return false;
        }
        if (count == LOOK_AHEAD || (byte != ',' && !is_closing(byte))) {
            break;
        }
        unsigned partner = level;
        comma = byte == ',';
        while (!comma && partner < r->depth && closer_at(r, partner) != byte) {
            partner++;
        }
        if (partner < r->depth) {
            level = partner + !comma;
        } else if (level < r->depth) {
            return peek_past(r, at + 1) < 0;
        }
        at++;
    }
    const enum ahead ahead = look_ahead(r, at);
    if (count > 0 && ahead == AHEAD_KEY) {
        return true;
    }
    const bool element = closer_at(r, level) == ']';
    const bool quoted = quote_at(r, at) != QUOTE_NONE;
    const bool glued = at == from;
    const bool new_line = memchr(r->in.ptr + from, '\n', at - from);
    if (comma) {
        return odd + (ahead == AHEAD_TEXT) <= element;
    }
    if (is_comment(r, at)) {
        return !odd && (!glued || peek(r, at + 1) == '*');
    }
    if (count > 0 && (glued || level == r->depth)) {
        return level == r->depth &&
               (!glued || byte == ';' || byte == ')' || byte == '<' || (byte == '{' && is_key(r, at + 1)));
    }
    if (byte == '+') {
        at = skip_blanks(r, at + 1);
        return !odd && (quote_at(r, at) != QUOTE_NONE || is_comment(r, at) || is_closing(peek(r, at)));
    }
    if (element) {
        return new_line || byte == ':' ||
               (!odd && !glued && (quoted || is_opening(byte) || byte == '-' || ascii_is_digit(byte)));
    }
    if (byte == '{') {
        return is_element(r) && is_key(r, skip_blanks(r, at + 1));
    }
    return ahead != AHEAD_TEXT && quoted + new_line + (ahead == AHEAD_KEY) >= 2;
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
        if (balance > -(long)r->depth || end == start || peek(r, end - 1) != closer_at(r, level)) {
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

/* Reads a quoted value and returns what is between its marks. */
static exo_span read_string(repair *r)
{
    const enum quote open = quote_at(r, r->at);
    const size_t start = r->at + quote_len(open);
    const bool member = r->wait == WAIT_MEMBER;
    size_t first = 0;  /* the first comma in front of a key, */
    size_t comma = 0;  /* and the first behind the last mark */
    size_t begun = 0;  /* what seems to begin with the last mark, or, if that is behind a colon, with the comma, */
    size_t before = 0; /* and where the string ends then, or 0 */
    bool key = false;  /* the mark would be a key's */
    bool odd = false;
    long balance = 0;
    size_t at = start;
    size_t end = 0;
    r->cut = false;
    while (end == 0) {
        const int byte = peek(r, at);
        const enum quote quote = quote_at(r, at);
        if (byte < 0) {
            if (first > 0 && !r->unsure) {
                r->at = first;
                end = trim(r, start, first);
            } else {
                end = r->at = end_of_open_string(r, start, balance);
            }
            r->unsure = true;
        } else if (is_pair(open, quote)) {
            const size_t after = at + quote_len(quote);
            const bool ends = ends_value(r, after, odd, odd && balance > 0);
            const size_t begins = comma > 0 && peek(r, trim(r, start, at) - 1) == ':' ? comma + 1 : at;
            const bool begins_key = member && begins == at;
            const size_t sooner = r->depth == 0 || balance > 0 ? 0 : end_before(r, start, begins, begins_key);
            if (before > 0 && (key ? peek_past(r, after) == ':' : ends || sooner > 0)) {
                end = before;
                r->at = begun;
            } else if (ends) {
                end = at;
                r->at = after;
                r->cut = odd && peek_past(r, after) < 0;
            }
            comma = 0;
            begun = begins;
            before = sooner;
            key = begins_key;
            odd = !odd;
            at = after;
        } else {
            if (byte == '\\') {
                at++;
                if (open == QUOTE_ESCAPED && peek(r, at) == '\\' && peek(r, at + 1) == '\\') {
                    at += 2;
                }
            } else if (byte == ',' && comma == 0 && member && look_ahead(r, at + 1) == AHEAD_KEY) {
                comma = at;
                first = first > 0 ? first : at;
            }
            balance += bracket_balance(byte);
            at++;
        }
    }
    return exo_span_of(r->in.ptr + start, end - start);
}

/* Reads a quoted key. */
static exo_span read_key(repair *r)
{
    const enum quote open = quote_at(r, r->at);
    const size_t start = key_start(r, r->at);
    const size_t end = key_end(r, open, start, r->in.len);
    r->at = end + quote_len(quote_at(r, end));
    r->at += open == QUOTE_DOUBLE && peek(r, r->at) == '"';
    return exo_span_of(r->in.ptr + start, end - start);
}

/* The end of the digits from `at` on. */
static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && ascii_is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

/* Writes `word` if it is a literal, of some language, or a number but for a plus, leading zeros, or a part without
 * digits. JSON's own literals count from their third letter on, and from the first where the text ends. Says in r->cut
 * whether more of it had to be supplied, or may have been there. */
static bool put_scalar(repair *r, exo_span word)
{
    static const char words[] = "true\0false\0null\0none\0undefined\0nan\0infinity\0inf\0nil\0";
    const char *const end = word.ptr + word.len;
    const char *text = word.ptr + (word.len > 1 && is_sign(*word.ptr));
    const size_t letters = (size_t)(end - text);
    const bool cut = end == r->in.ptr + r->in.len;
    unsigned own = 3;
    size_t len;
    for (const char *meant = words; *meant; meant += len + 1, own -= own > 0) {
        len = strlen(meant);
        r->cut = letters < len;
        if ((letters == len || (r->cut && own > 0 && r->depth > 0 && (cut || letters > 2))) &&
            exo_ascii_same(text, meant, letters)) {
            put_text(r, own > 0 ? meant : "null");
            return true;
        }
    }
    r->cut = cut;
    const char *const point = skip_digits(text, end);
    const char *const fraction = point + (point < end && *point == '.');
    const char *const exponent = skip_digits(fraction, end);
    const char *digits = exponent;
    if (digits < end && (*digits | 0x20) == 'e') {
        digits++;
        digits += digits < end && is_sign(*digits);
    }
    if (exponent - text == fraction - point || skip_digits(digits, end) != end) {
        return false;
    }
    put(r, word.ptr, *word.ptr == '-');
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
    put(r, exponent, digits < end ? (size_t)(end - exponent) : 0);
    r->cut |= !ascii_is_digit((uint8_t)end[-1]);
    return true;
}

/* Whether a number or literal that began at `start` ends before the blanks in front of `at`. */
static bool ends_scalar(repair *r, size_t start, size_t at)
{
    exo_buffer *const out = r->out;
    r->out = NULL; /* this is no time to write */
    const bool scalar = put_scalar(r, exo_span_of(r->in.ptr + start, trim(r, start, at) - start));
    r->out = out;
    return scalar && (r->wait == WAIT_ELEMENT ? is_letter(peek(r, start)) || !is_letter(peek(r, at))
                                              : look_ahead(r, at) == AHEAD_KEY);
}

/* Whether 1,000 goes on at the comma at `at`: in an object no digits can follow a comma but those of a key. */
static bool is_thousands(const repair *r, size_t at)
{
    const char *const digits = r->in.ptr + at + 1;
    return r->wait == WAIT_MEMBER && skip_digits(digits, r->in.ptr + r->in.len) - digits == 3 &&
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
        if (byte < 0 || byte == '\r' || byte == '\n' || byte == ';' || is_fence(r, at) ||
            (brackets <= 0 && is_closing(byte))) {
            break;
        }
        if (byte == ')' && numeric && at > start) {
            break;
        }
        if (byte == ',' && brackets + parentheses <= 0 && !(numeric && is_thousands(r, at))) {
            break;
        }
        if (r->wait == WAIT_KEY) {
            if (byte == ':' || byte == '=' || is_opening(byte) || quote != QUOTE_NONE) {
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
    const char *const mark = memchr(word.ptr, '"', word.len);
    word.len -= mark && mark + 1 == word.ptr + word.len;
    return word;
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
    r->full |= r->depth > 0;
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
    r->cut |= r->comma || r->first;
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
    const int next = peek_past(r, r->at);
    if (r->wait == WAIT_MEMBER) {
        while (is_word(peek(r, r->at))) {
            r->at++;
        }
    } else if (next != ',' && !is_closing(next)) {
        finish(r);
    }
}

/* Skips one comment. One behind # ends with its line; in the last line, with the bracket around it. */
static void skip_comment(repair *r)
{
    const bool block = peek(r, r->at + 1) == '*';
    const bool inside = peek(r, r->at) == '#' && r->at >= r->lines && r->depth > 0;
    size_t at = r->at + 1 + block;
    int byte;
    while ((byte = peek(r, at)) >= 0 &&
           (block ? byte != '*' || peek(r, at + 1) != '/' : byte != '\n' && !(inside && is_closing(byte)))) {
        at++;
    }
    r->at = block && byte >= 0 ? at + 2 : at;
}

/* Whether an ellipsis is at `at` that stands for what was left out. */
static bool is_ellipsis(const repair *r, size_t at)
{
    return r->in.len - at >= 3 && !is_word(peek(r, at + 3)) &&
           (memcmp(r->in.ptr + at, "...", 3) == 0 || memcmp(r->in.ptr + at, "\xE2\x80\xA6", 3) == 0);
}

/* Skips what stands for nothing between two tokens. */
static void skip_noise(repair *r)
{
    for (;;) {
        r->at = skip_blanks(r, r->at);
        if (is_comment(r, r->at) && !(r->wait == WAIT_MEMBER && is_word(peek(r, r->at + 1)))) {
            skip_comment(r); /* but #fff may be a member's value */
        } else if (r->wait != WAIT_MEMBER && is_ellipsis(r, r->at)) {
            r->at += 3;
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
    } else {
        key = read_bare(r);
        const enum quote stray = quote_at(r, r->at);
        if (peek_past(r, r->at + quote_len(stray)) == ':') {
            r->at += quote_len(stray);
        }
    }
    r->cut = false;
    put_comma(r);
    put_string(r, key);
    put_byte(r, ':');
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
    put_byte(r, '"');
    for (;;) {
        const enum quote quote = quote_at(r, r->at);
        const char mark = r->in.ptr[r->at];
        const exo_span text = read_string(r);
        put_content(r, quote_len(quote) == 1 ? without_outer_marks(text, mark) : text);
        const size_t next = skip_blanks(r, r->at);
        if (peek(r, next) != '+') {
            break;
        }
        r->at = next + 1;
        skip_noise(r);
        if (quote_at(r, r->at) == QUOTE_NONE) {
            r->cut = true;
            break; /* a comment, and nothing to add */
        }
    }
    put_byte(r, '"');
    value_done(r);
}

static void bare_value(repair *r)
{
    const exo_span word = without_stray_mark(read_bare(r));
    put_comma(r);
    if (!put_scalar(r, word)) {
        if (r->depth == 0) {
            r->error = EXO_E_REPAIR; /* prose */
        }
        if (r->cut && word.len == 1 && is_sign(*word.ptr)) {
            put_text(r, "null");
        } else {
            put_string(r, word);
        }
    }
    value_done(r);
}

static void step_value(repair *r, int byte)
{
    if (is_opening(byte)) {
        r->at++;
        open_bracket(r, byte);
    } else if (r->wait == WAIT_ELEMENT && r->depth > 0 && is_key(r, r->at)) {
        if (!r->first && r->depth > 1 && closer_at(r, 1) == '}') {
            close_innermost(r); /* the array's end is missing */
        } else {
            open_bracket(r, '{'); /* the object's beginning is missing */
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
    r->at = skip_prefix(r, r->at);
    const int byte = peek(r, r->at);
    if (byte < 0) {
        finish(r);
        return;
    }
    if (is_fence(r, r->at)) {
        read_fence(r);
        return;
    }
    if (r->wait == WAIT_MEMBER && (byte == ',' || byte == ';' || is_closing(byte) || is_key(r, r->at))) {
        put_null(r);
    }
    if (r->wait == WAIT_KEY && byte == '{' && !r->first) {
        if (is_element(r)) {
            close_innermost(r); /* the object's end is missing */
            r->split = r->depth;
        } else {
            r->unsure |= r->depth == 1; /* two objects, or one? */
        }
    }
    r->comma = byte == ',' || byte == ';';
    if (is_closing(byte)) {
        r->at++;
        close_bracket(r, byte);
    } else if (r->comma || byte == ':' || byte == '=' || (r->wait == WAIT_KEY && is_opening(byte)) ||
               (byte == ')' && r->wait != WAIT_MEMBER && !r->first)) {
        r->at += byte == '=' && peek(r, r->at + 1) == '>' ? 2 : 1;
    } else if (r->wait == WAIT_KEY) {
        step_key(r);
    } else {
        step_value(r, byte);
    }
}

/* Reads the next value. `implied`: it is an object whose opening brace is missing. */
static void run(repair *r, bool implied)
{
    memset(r, 0, offsetof(repair, at));
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
    if (is_fence(r, r->at)) {
        read_fence(r);
        skip_noise(r);
    }
    return r->at;
}

/* Skips what is no bracket, and says whether words were among it. */
static bool skip_words(repair *r)
{
    bool words = false;
    for (int byte; (byte = peek(r, r->at)) >= 0 && !is_opening(byte); r->at++) {
        words |= is_word(byte);
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
        put(r, ",", end > 0);
        const size_t own = out->len;
        run(r, implied);
        if (r->error != EXO_OK) {
            return;
        }
        const size_t len = out->len - own;
        const bool counts = r->full && !(words && byte == '[');
        if (!found && (counts || report->values == 0)) {
            memmove(out->data, out->data + own, len);
            out->len = len;
            report->cut = r->cut;
            report->values = 1;
            found = counts;
        } else {
            report->cut |= r->cut && !words;
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
static int repair_text(repair *r, exo_repair_report *report)
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
        if (r->error == EXO_OK && (!r->full || (r->at < r->in.len && !is_fence(r, r->at)))) {
            return EXO_E_REPAIR;
        }
    }
    return r->error;
}

/* Where the text was begun anew before it was complete, or where it begins: at a valid object behind no more than a
 * part of itself, or behind a value's closing mark if it begins with the same key. There is no other such object, as it
 * ends with the text, and the check of one that is none ends before the next. */
static size_t find_beginning_anew(const repair *r)
{
    const size_t start = skip_blanks(r, 0);
    const exo_span text = exo_span_of(r->in.ptr + start, r->in.len - start);
    for (size_t len = 1; len < text.len && *text.ptr == '{'; len++) {
        const exo_span rest = exo_span_of(text.ptr + len, text.len - len);
        if (*rest.ptr != '{') {
            continue;
        }
        const size_t last = trim(r, start, start + len) - 1;
        if (!is_one_of(peek(r, last), ":,[{") && exo_json_check(rest, r->max_depth, NULL) == EXO_OK) {
            const bool closed = peek(r, last) == '"' && !is_one_of(peek(r, trim(r, start, last) - 1), ":,[{");
            const char *const colon = memchr(rest.ptr, ':', closed ? rest.len : 0);
            const size_t part = colon ? (size_t)(colon - rest.ptr) : len;
            return part <= rest.len && memcmp(text.ptr, rest.ptr, part) == 0 ? start + len : start;
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
    r.max_depth = max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX;
    r.at = find_beginning_anew(&r);
    const int rc = repair_text(&r, report);
    if (rc != EXO_OK) {
        exo_buffer_clear(out);
        report->values = 0;
    }
    return rc;
}
