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
#include "json_repair_kind.h"
#include "json_repair_state.h"
#include "json_repair_write.h"

/* Whether a key stands ahead. */
enum ahead {
    AHEAD_TEXT,  /* no, words that belong to the string before them */
    AHEAD_OTHER, /* something else, or too long to tell */
    AHEAD_KEY,
    AHEAD_STRINGS /* a quoted text and another: a key perhaps that lost its colon */
};

/* Leaves out the letter that Python has in front of some strings. A mark that nothing can follow but structure ends a
 * word whose opening mark is missing. */
static size_t repair_skip_prefix(const repair *r, size_t at)
{
#ifndef EXO_SMALL
    if (!(repair_kind_at(r, at + 1) & KIND_STRAIGHT)) {
        return at;
    }
#endif
    if (exo_repair_is_one_of(repair_peek(r, at) | 0x20, "rubf") && repair_kind_at(r, at + 1) & KIND_STRAIGHT) {
        at += !(exo_repair_kind_past(r, at + 2) & (KIND_END | KIND_COMMA | KIND_COLON | KIND_CLOSING));
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
            const unsigned next = exo_repair_kind_past(r, after);
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
    if (colon > 0 && limit == r->in.len && repair_peek(r, exo_repair_trim(r, 0, limit) - 1) == '}') {
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
    return len > 0 && at < limit ? exo_repair_skip_blanks(r, at + len) : r->in.len;
}

/* Whether the blanks from `at` on are followed by a key. */
static enum ahead repair_look_ahead(const repair *r, size_t at)
{
    at = repair_skip_prefix(r, exo_repair_skip_blanks(r, at));
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
    if (exo_repair_kind_past(r, at + repair_quote_len(kind)) & KIND_COLON) {
        return AHEAD_KEY; /* perhaps its opening mark is missing */
    }
    return exo_repair_kind_past(r, at) & KIND_END ? AHEAD_OTHER : AHEAD_TEXT;
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
        at = exo_repair_skip_blanks(r, from);
        byte = repair_peek(r, at);
        kind = repair_kind_at(r, at);
        if (kind & (KIND_END | KIND_FENCE)) {
            return true;
        }
        if (count == 0 && (r->depth == 0 || (nested && !(exo_repair_kind_past(r, at + 1) & KIND_END)))) {
            return false;
        }
        if (count == LOOK_AHEAD || !(kind & (KIND_COMMA | KIND_CLOSING))) {
            break;
        }
        comma = kind & KIND_COMMA;
        if (!comma && level < r->depth) {
            while (repair_closer_at(r, level++) != byte) {
                if (level == r->depth) {
                    return exo_repair_kind_past(r, at + 1) & KIND_END;
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
        return !odd && exo_repair_kind_past(r, at + 1) & (KIND_QUOTE | KIND_COMMENT | KIND_CLOSING);
    }
    if (element) {
        return new_line || kind & KIND_COLON ||
               (!odd && !glued && (quoted || kind & (KIND_OPENING | KIND_MINUS | KIND_DIGIT)));
    }
    if (byte == '{') {
        return repair_is_element(r) && repair_is_key(r, exo_repair_skip_blanks(r, at + 1));
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
    size_t end = exo_repair_trim(r, start, r->in.len);
    if (end >= start + FENCE_LEN && repair_kind_at(r, end - FENCE_LEN) & KIND_FENCE) {
        end = exo_repair_trim(r, start, end - FENCE_LEN);
    }
    for (unsigned level = r->depth; level-- > 0;) {
        if (balance > -(long)r->depth || repair_peek(r, end - 1) != repair_closer_at(r, level)) {
            return r->in.len;
        }
        end = exo_repair_trim(r, start, end - 1);
    }
    return end;
}

/* Where a string from `start` should have ended, if what begins at `begun` is no part of it: before the comma there, or
 * before the line's end if that may do. 0 if they are not there. */
static size_t repair_end_before(const repair *r, size_t start, size_t begun, bool line)
{
    const size_t end = exo_repair_trim(r, start, begun);
    if (end > start && repair_peek(r, end - 1) == ',') {
        return exo_repair_trim(r, start, end - 1);
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
                end = exo_repair_trim(r, start, first);
            } else {
                end = r->at = repair_end_of_open_string(r, start, balance);
            }
            r->unsure = true;
            break;
        }
        if (repair_is_pair(open, kind)) {
            const size_t after = at + repair_mark_len(kind);
            const bool ends = repair_ends_value(r, after, odd, odd && balance > 0);
            const bool pair = comma > 0 && repair_peek(r, exo_repair_trim(r, start, at) - 1) == ':';
            const size_t begins = pair ? comma + 1 : at;
            const bool begins_key = r->wait == WAIT_MEMBER && !pair;
            const size_t sooner = r->depth == 0 || balance > 0 ? 0 : repair_end_before(r, start, begins, begins_key);
            if (before > 0 && (key ? exo_repair_kind_past(r, after) & KIND_COLON : ends || sooner > 0)) {
                end = before;
                r->at = begun;
                break;
            }
            if (ends) {
                end = at;
                r->at = after;
                r->cut = odd && exo_repair_kind_past(r, after) & KIND_END;
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

/* Whether a number or literal that began at `start` ends before the blanks in front of `at`. */
static bool repair_ends_scalar(repair *r, size_t start, size_t at)
{
    exo_buffer *const out = r->out;
    r->out = NULL; /* this is no time to write */
    repair_take(r, start, exo_repair_trim(r, start, at));
    const bool scalar = exo_repair_put_scalar(r);
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
    return r->wait == WAIT_MEMBER && end - at == 4 && !(exo_repair_kind_past(r, end) & KIND_COLON);
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
    repair_take(r, start, exo_repair_trim(r, start, at));
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
        exo_repair_put_byte(r, ',');
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
    exo_repair_put_text(r, "null");
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
    exo_repair_put_byte(r, byte);
    r->first = true;
    r->wait = byte == '{' ? WAIT_KEY : WAIT_ELEMENT;
}

/* Closes the innermost bracket, whatever it is. */
static void repair_close_innermost(repair *r)
{
    exo_repair_put_byte(r, r->closers[r->depth--]);
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
        const size_t next = exo_repair_skip_blanks(r, r->at);
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
    } else if (!(exo_repair_kind_past(r, r->at) & (KIND_COMMA | KIND_CLOSING))) {
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
    if (r->at < r->in.len && !(repair_kind_of(r->in.ptr[r->at]) & (KIND_BLANK | KIND_COMMENT | KIND_MORE))) {
        return;
    }
#endif
    for (;;) {
        r->at = exo_repair_skip_blanks(r, r->at);
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
        if (exo_repair_kind_past(r, end) & KIND_COLON) {
            r->at = end;
        }
    }
    r->cut = false;
    repair_put_comma(r);
    exo_repair_put_string(r);
    exo_repair_put_byte(r, ':');
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
    exo_repair_put_byte(r, '"');
    for (;;) {
        repair_read_string(r);
        if (repair_mark_len(r->kind) == 1) {
            repair_drop_outer_marks(r);
        }
        exo_repair_put_content(r);
        const size_t next = exo_repair_skip_blanks(r, r->at);
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
    exo_repair_put_byte(r, '"');
    repair_value_done(r);
}

static void repair_bare_value(repair *r)
{
    repair_read_bare(r);
    repair_drop_stray_mark(r);
    repair_put_comma(r);
    if (!exo_repair_put_scalar(r)) {
        if (r->depth == 0) {
            r->error = EXO_E_REPAIR; /* prose */
        }
        if (r->cut && r->token.len == 1 && repair_is_sign(*r->token.ptr)) {
            exo_repair_put_text(r, "null");
        } else {
            exo_repair_put_string(r);
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
            exo_repair_put_byte(r, ',');
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
    exo_repair_put_text(r, "]]");
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
    if (text.len == 0) { /* it may be nowhere */
        return false;
    }
    const char *const end = text.ptr + text.len;
    const char *const first = json_pass_space(text.ptr, end, SPACE_ANY);
    const char *const last = first < end ? exo_json_pass(first, end, repair_levels(max_depth)) : NULL;
    return last && json_pass_space(last, end, SPACE_ANY) == end;
#else
    return exo_json_check(text, max_depth, NULL) == EXO_OK;
#endif
}

/* Where the text was begun anew before it was complete, or where it begins: at a valid object behind no more than a
 * part of itself, or behind a value's closing mark if it begins with the same key. There is no other such object, as it
 * ends with the text, and the check of one that is none ends before the next. */
static size_t repair_find_beginning_anew(const repair *r)
{
    const size_t start = exo_repair_skip_blanks(r, 0);
    for (size_t at = start + 1; repair_peek(r, start) == '{' && at < r->in.len; at++) {
        at = repair_find_brace(r, at);
        const exo_span rest = exo_span_of(r->in.ptr + at, r->in.len - at);
        if (*rest.ptr != '{') {
            continue;
        }
        const size_t last = exo_repair_trim(r, start, at) - 1;
        if (!(repair_kind_at(r, last) & KINDS_BEFORE_VALUE) && repair_is_valid(rest, r->max_depth)) {
            const bool closed = r->in.ptr[last] == '"' &&
                                !(repair_kind_at(r, exo_repair_trim(r, start, last) - 1) & KINDS_BEFORE_VALUE);
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
