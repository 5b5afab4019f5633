/*
 * json_repair_pass.c: what is as it should be in a text that as a whole is not.
 *
 * Most of a broken text is not broken. This reads its brackets, commas, keys, strings, numbers and literals in one pass
 * and writes them, where what follows them leaves nothing to guess; also single quotation marks, bare keys and Python's
 * literals. It guesses nothing: json_repair.c, which calls it before each token, reads the rest. What it does with a
 * token has to be what that would do with it. It has no memory but the output's, which it does not let grow.
 */
#include "json_repair_state.h"

#ifndef EXO_SMALL

#include "ascii.h"
#include "json_pass.h"
#include "json_text.h"
#include "vectors.h"

/* What is shorter is copied as if it were that long. */
#define COPY_LEN 16

/* The room that is needed beside a text: for such a copy, and for commas, colons and quotation marks. */
#define PASS_ROOM (COPY_LEN + 8)

/* The most bytes of a key without quotation marks; longer ones are left to the long way. */
#define WORD_MAX (LOOK_AHEAD - 16)

typedef struct repair_passage {
    repair *r;
    const char *end; /* of the text */
    char *to;        /* where the output goes on */
    char *room;      /* its end */
    /* A key that was seen ahead: */
    const char *key;   /* where it begins, with its mark, or NULL */
    exo_span name;     /* its text */
    const char *value; /* what is behind its colon */
} repair_passage;

/* The end of the letters, digits and low lines from `at` on. */
static inline const char *repair_pass_word(const char *at, const char *end)
{
    while (at < end && (((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') || *at == '_' || ascii_is_digit(*at))) {
        at++;
    }
    return at;
}

static inline bool repair_pass_has_room(const repair_passage *p, size_t len)
{
    return (size_t)(p->room - p->to) >= len + PASS_ROOM;
}

/* Writes what there is room for. */
static inline void repair_pass_put(repair_passage *p, const char *text, size_t len)
{
    if (len <= COPY_LEN && p->end - text >= COPY_LEN) {
        memcpy(p->to, text, COPY_LEN);
    } else {
        memcpy(p->to, text, len);
    }
    p->to += len;
}

/* Writes the comma before a key or an element. */
static inline void repair_pass_put_comma(repair_passage *p)
{
    if (!p->r->first && p->r->wait != WAIT_MEMBER) {
        *p->to++ = ',';
    }
}

/* A key or a value was read: what is to be next. */
static inline void repair_pass_done(repair *r, enum wait wait)
{
    r->wait = wait;
    r->first = false;
    r->comma = false;
    r->cut = false;
}

/* A scalar was read. */
static inline void repair_pass_value_done(repair *r)
{
    r->full = true;
    repair_pass_done(r, r->wait == WAIT_MEMBER ? WAIT_KEY : r->wait);
}

/* The first byte from `at` on that is `mark` or may not stand in a JSON string as it is. */
static inline const char *repair_pass_run(const char *at, const char *end, char mark)
{
    for (;;) {
#ifdef VECTOR_BYTES
        while (end - at >= VECTOR_BYTES) {
            const vector bytes = vector_load(at);
            const uint64_t marks = vector_bits_of(vector_specials(bytes) | (bytes == mark));
            if (marks) {
                at += __builtin_ctzll(marks);
                break;
            }
            at += VECTOR_BYTES;
        }
#endif
        while (at < end && (uint8_t)(*at - ' ') < 0x80 - ' ' && *at != '"' && *at != '\\' && *at != mark) {
            at++;
        }
        const int size = at < end && (uint8_t)*at >= 0x80 ? exo_utf8_check(at, (size_t)(end - at)) : 0;
        if (size <= 0) {
            return at;
        }
        at += size;
    }
}

/* The length of an escape that stays as it is, or 0. */
static size_t repair_pass_escape_len(const char *at, size_t left)
{
    if (left > 1 && exo_json_escape_value((uint8_t)at[1]) >= 0) {
        return 2;
    }
    const int32_t unit = exo_json_code_unit(at, left);
    return unit >= 0 && unit >> 11 != 0xD800 >> 11 ? JSON_ESCAPE_MAX : 0; /* no half of a pair */
}

/* Writes what may not stand in a string as it is, and returns what is behind it; NULL: it is left to the long way. */
static const char *repair_pass_special(repair_passage *p, const char *at)
{
    const size_t left = (size_t)(p->end - at);
    if ((uint8_t)*at >= 0x80 || !repair_pass_has_room(p, JSON_ESCAPE_MAX)) {
        return NULL;
    }
    if (*at != '\\') {
        p->to += exo_json_put_escape(*at, p->to);
        return at + 1;
    }
    if (left > 1 && at[1] == '\'') {
        *p->to++ = '\'';
        return at + 2;
    }
    const size_t len = repair_pass_escape_len(at, left);
    repair_pass_put(p, at, len);
    return len > 0 ? at + len : NULL;
}

/* Writes a string's content up to its first closing mark, and returns that. */
static const char *repair_pass_content(repair_passage *p, const char *at, char mark)
{
    for (;;) {
        const char *const run = repair_pass_run(at, p->end, mark);
        const size_t len = (size_t)(run - at);
        if (!repair_pass_has_room(p, len)) {
            return NULL;
        }
        repair_pass_put(p, at, len);
        if (run == p->end || *run == mark) {
            return run < p->end ? run : NULL;
        }
        if (!(at = repair_pass_special(p, run))) {
            return NULL;
        }
    }
}

/* Looks for a key and its colon at `at`, and notes them. */
static bool repair_pass_find_key(repair_passage *p, const char *at)
{
    const char mark = *at;
    const bool quoted = mark == '"' || mark == '\'';
    const char *const name = at + quoted;
    const char *close = quoted ? repair_pass_run(name, p->end, mark) : repair_pass_word(name, p->end);
    p->key = NULL;
    const size_t len = (size_t)(close - name);
    if (quoted ? close == p->end || *close != mark : len == 0 || len > WORD_MAX) {
        return false;
    }
    close = json_pass_space(close + quoted, p->end, SPACE_ANY);
    if (close == p->end || *close != ':') {
        return false;
    }
    p->key = at;
    p->name = exo_span_of(name, len);
    p->value = close + 1;
    return true;
}

/* Whether a string that ends before `at` does so beyond doubt: closing brackets follow that fit, and the text's end, or
 * a comma and an element, a key, a bracket or a comment. */
static bool repair_pass_is_end(repair_passage *p, const char *at)
{
    const repair *const r = p->r;
    unsigned depth = r->depth;
    bool comma = false;
    for (unsigned count = 0; count < LOOK_AHEAD; count++) {
        at = json_pass_space(at, p->end, SPACE_ANY);
        if (at == p->end) {
            return true;
        }
        if (*at != ',' && (depth == 0 || *at != r->closers[depth])) {
            break;
        }
        comma = *at == ',';
        depth -= !comma;
        at++;
    }
    if (!comma || at == p->end || (uint8_t)(*at - '!') >= 0x80 - '!' || *at == '}' || *at == ']') {
        return false; /* among others: white space of Unicode, with who knows what behind it */
    }
    return r->closers[depth] == ']' || *at == '{' || *at == '[' || *at == '/' || *at == '#' ||
           repair_pass_find_key(p, at);
}

static const char *repair_pass_string(repair_passage *p, const char *at)
{
    const char mark = *at;
    repair_pass_put_comma(p);
    *p->to++ = '"';
    at = repair_pass_content(p, at + 1, mark);
    if (!at || !repair_pass_is_end(p, at + 1)) {
        return NULL;
    }
    *p->to++ = '"';
    repair_pass_value_done(p->r);
    return at + 1;
}

static const char *repair_pass_key(repair_passage *p, const char *at)
{
    if (p->key != at && !repair_pass_find_key(p, at)) {
        return NULL;
    }
    if (!repair_pass_has_room(p, p->name.len)) {
        return NULL;
    }
    repair_pass_put_comma(p);
    *p->to++ = '"';
    repair_pass_put(p, p->name.ptr, p->name.len);
    *p->to++ = '"';
    *p->to++ = ':';
    repair_pass_done(p->r, WAIT_MEMBER);
    return p->value;
}

/* The length of a literal of JSON or Python, and what it is in JSON in `*meant`; or 0. */
static size_t repair_pass_literal(const char *at, size_t left, const char **meant)
{
    static const char words[][2][6] = {{"true", "true"}, {"false", "false"}, {"null", "null"},
                                       {"True", "true"}, {"False", "false"}, {"None", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t len = *at == *words[i][0] ? strlen(words[i][0]) : left;
        if (len < left && memcmp(at, words[i][0], len) == 0) {
            *meant = words[i][1];
            return len;
        }
    }
    return 0;
}

/* A number or a literal that a line end, a comma or a closing bracket follows. */
static const char *repair_pass_scalar(repair_passage *p, const char *at)
{
    const char *meant = at;
    const char *close;
    if (*at == '-' || ascii_is_digit(*at)) {
        close = json_pass_number(at, p->end);
    } else {
        close = at + repair_pass_literal(at, (size_t)(p->end - at), &meant);
    }
    if (!close || close == at || close == p->end || !memchr(",}]\n\r", *close, 5)) {
        return NULL;
    }
    if (*close == ',' && meant == at && p->end - close > 1 && ascii_is_digit(close[1])) {
        return NULL; /* 1,000 perhaps */
    }
    const size_t len = meant == at ? (size_t)(close - at) : strlen(meant);
    if (!repair_pass_has_room(p, len)) {
        return NULL;
    }
    repair_pass_put_comma(p);
    memcpy(p->to, meant, len);
    p->to += len;
    repair_pass_value_done(p->r);
    return close;
}

static const char *repair_pass_open(repair_passage *p, const char *at)
{
    repair *const r = p->r;
    if (r->wait == WAIT_KEY || r->depth == r->max_depth) {
        return NULL;
    }
    repair_pass_put_comma(p);
    *p->to++ = *at;
    r->full |= r->depth > 0;
    r->closers[++r->depth] = (char)(*at + 2); /* so far apart are { and }, and [ and ] */
    repair_pass_done(r, *at == '{' ? WAIT_KEY : WAIT_ELEMENT);
    r->first = true;
    return at + 1;
}

static const char *repair_pass_close(repair_passage *p, const char *at)
{
    repair *const r = p->r;
    if (r->wait == WAIT_MEMBER || r->depth < 2 || r->closers[r->depth] != *at) {
        return NULL; /* behind the outermost one more may follow */
    }
    *p->to++ = *at;
    r->depth--;
    r->wait = r->closers[r->depth] == '}' ? WAIT_KEY : WAIT_ELEMENT;
    r->first = false;
    r->comma = false;
    return at + 1;
}

/* A comma, where one may be, or a colon. */
static const char *repair_pass_separator(repair *r, const char *at)
{
    if ((r->wait == WAIT_MEMBER) != (*at == ':') || r->depth == 0) {
        return NULL;
    }
    r->comma = *at == ',';
    return at + 1;
}

/* Reads and writes the token at `at`, and returns what is behind it; or NULL, and all that has changed is what stands
 * behind the output. */
static const char *repair_pass_token(repair_passage *p, const char *at)
{
    switch (*at) {
    case '{':
    case '[':
        return repair_pass_open(p, at);
    case '}':
    case ']':
        return repair_pass_close(p, at);
    case ',':
    case ':':
        return repair_pass_separator(p->r, at);
    default:
        break;
    }
    if (p->r->depth == 0) {
        return NULL;
    }
    if (p->r->wait == WAIT_KEY) {
        return repair_pass_key(p, at);
    }
    return *at == '"' || *at == '\'' ? repair_pass_string(p, at) : repair_pass_scalar(p, at);
}

void exo_repair_pass(repair *r)
{
    exo_buffer *const out = r->out;
    if (r->twice || r->split > 0 || !out->data) {
        return;
    }
    repair_passage p = {r,   r->in.ptr + r->in.len, out->data + out->len, out->data + out->capacity_, NULL, {NULL, 0},
                        NULL};
    const char *at;
    const char *next = r->in.ptr + r->at;
    do {
        at = json_pass_space(next, p.end, SPACE_ANY);
        out->len = (size_t)(p.to - out->data);
        next = at < p.end && repair_pass_has_room(&p, 0) ? repair_pass_token(&p, at) : NULL;
    } while (next);
    r->at = (size_t)(at - r->in.ptr);
}
#endif
