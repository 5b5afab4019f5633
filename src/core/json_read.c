/*
 * json_read.c: a pull reader over one JSON text, strict unless it is told to tolerate, and the decoder of its strings.
 *
 * It builds no tree, compares no keys and knows no schema: chunk, failure and the repair's check call it and keep what
 * they need. It has no memory but the reader: a bit per open bracket, up to EXO_JSON_DEPTH_MAX. Every byte is looked at
 * once by the reader and at most three times by the decoder.
 */
#include "exochat/json_read.h"

#include "ascii.h"
#include "json_name.h"
#include "json_pass.h"
#include "json_text.h"
#include "seldom.h"

enum wait {
    WAIT_KEY,
    WAIT_KEY_OR_END,   /* from here on, the innermost bracket may be closed */
    WAIT_COMMA_OR_END, /* from here on, no key */
    WAIT_ELEMENT_OR_END,
    WAIT_VALUE,  /* the top value, or what follows a colon or an array's comma */
    WAIT_NOTHING /* the top value is complete: only white space may follow */
};

/* What a reader lets pass. */
enum mode {
    MODE_REPLACE = 1,  /* invalid UTF-8 in strings */
    MODE_TOLERATE = 2, /* what exo_json_reader_tolerate() says */
    MODE_SKIP = 4,     /* nothing by itself: a value is being skipped */
    MODE_DEEP = 6      /* the last two together: any depth */
};

/* The byte at hand, or -1 at the end of the text. */
static int json_peek(const exo_json_reader *reader)
{
    return reader->at < reader->in_.len ? (uint8_t)reader->in_.ptr[reader->at] : -1;
}

/* Passes over `byte`, and says whether it was at hand. */
static bool json_take(exo_json_reader *reader, int byte)
{
    const bool there = json_peek(reader) == byte;
    reader->at += there;
    return there;
}

static bool json_is_letter(int byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

void exo_json_reader_init(exo_json_reader *reader, exo_span text, uint32_t max_depth, bool replace)
{
    memset(reader, 0, sizeof *reader);
    reader->in_ = text;
    reader->max_depth_ = (uint8_t)(max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX);
    reader->mode_ = replace ? MODE_REPLACE : 0;
    reader->state_ = WAIT_VALUE;
}

void exo_json_reader_tolerate(exo_json_reader *reader)
{
    reader->mode_ = MODE_REPLACE | MODE_TOLERATE;
}

static void json_skip_space(exo_json_reader *reader)
{
    for (;;) {
        int byte = json_peek(reader);
        if ((unsigned)byte > ' ' || (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')) {
            return;
        }
        reader->at++;
    }
}

static bool json_in_object(const exo_json_reader *reader)
{
    return reader->stack_ & 1;
}

static int json_close_bracket(exo_json_reader *reader, exo_json_token *token)
{
    token->type = json_in_object(reader) ? EXO_JSON_OBJECT_END : EXO_JSON_ARRAY_END;
    reader->depth_--;
    reader->stack_ >>= 1;
    reader->at++;
    return EXO_OK;
}

static int json_scan_word(exo_json_reader *reader, exo_json_token *token, exo_json_type type, const char *word)
{
    token->type = type;
    while (*word) {
        if (!json_take(reader, *word++)) {
            return EXO_E_JSON_LITERAL;
        }
    }
    return EXO_OK;
}

/* Whether there is a digit, or more of them. */
static bool json_scan_digits(exo_json_reader *reader)
{
    const size_t first = reader->at;
    size_t at = first;
    while (at < reader->in_.len && ascii_is_digit(reader->in_.ptr[at])) {
        at++;
    }
    reader->at = at;
    return at > first;
}

static int json_scan_number(exo_json_reader *reader, exo_json_token *token)
{
    token->type = EXO_JSON_NUMBER;
    (void)json_take(reader, '-');
    const size_t first = reader->at;
    bool complete = json_scan_digits(reader);
    if (reader->at - first > 1 && reader->in_.ptr[first] == '0') {
        reader->at = first + 1;
        return EXO_E_JSON_NUMBER;
    }
    if (complete && json_take(reader, '.')) {
        complete = json_scan_digits(reader);
    }
    if (complete && (json_take(reader, 'e') || json_take(reader, 'E'))) {
        (void)(json_take(reader, '-') || json_take(reader, '+'));
        complete = json_scan_digits(reader);
    }
    return complete ? EXO_OK : EXO_E_JSON_NUMBER;
}

/* An escape, from its reverse solidus on. */
static int json_scan_escape(exo_json_reader *reader)
{
    reader->at++;
    if (reader->mode_ & MODE_TOLERATE) {
        /* What no escape begins with stands for itself, as does the reverse solidus before it. */
        reader->at += exo_json_escape_value(json_peek(reader)) >= 0;
        return EXO_OK;
    }
    int digits = json_take(reader, 'u') ? 4 : 0;
    if (digits == 0) {
        const int value = exo_json_escape_value(json_peek(reader));
        reader->at += value >= 0;
        return value >= 0 ? EXO_OK : EXO_E_JSON_ESCAPE;
    }
    for (; digits > 0; digits--, reader->at++) {
        if (exo_json_hex_value(json_peek(reader)) < 0) {
            return EXO_E_JSON_ESCAPE;
        }
    }
    return EXO_OK;
}

/* A byte of a string that cannot stand there as it is and ends nothing. */
static int json_scan_special(exo_json_reader *reader)
{
    const char *text = reader->in_.ptr + reader->at;
    size_t left = reader->in_.len - reader->at;
    if (*text == '\\') {
        return json_scan_escape(reader);
    }
    if ((uint8_t)*text < 0x20) {
        reader->at += (reader->mode_ & MODE_TOLERATE) != 0;
        return reader->mode_ & MODE_TOLERATE ? EXO_OK : EXO_E_JSON_STRING;
    }
    int size = exo_utf8_check(text, left);
    if (size == 0) {
        reader->at = reader->in_.len;
        return EXO_E_JSON_END;
    }
    if (!(reader->mode_ & MODE_REPLACE)) {
        return EXO_E_JSON_UTF8;
    }
    reader->at += (size_t)-size;
    return EXO_OK;
}

static int json_scan_string(exo_json_reader *reader, exo_json_token *token, exo_json_type type)
{
    token->type = type;
    token->plain = true;
    reader->at++;
    for (;;) {
        reader->at += exo_json_clean_run(reader->in_.ptr + reader->at, reader->in_.len - reader->at);
        if (json_take(reader, '"')) {
            return EXO_OK;
        }
        token->plain = false;
        int rc = json_peek(reader) < 0 ? EXO_E_JSON_END : json_scan_special(reader);
        if (rc != EXO_OK) {
            return rc;
        }
    }
}

/* Passes over a value from its opening bracket to the bracket that closes it, of whatever kind: deeper than the stack
 * reaches, nothing but strings and the number of open brackets is looked at. The token stays a null. */
static int json_pass_deep(exo_json_reader *reader, exo_json_token *token)
{
    size_t open = 0;
    do {
        const int byte = json_peek(reader);
        int rc = byte < 0 ? EXO_E_JSON_END : EXO_OK;
        if (byte == '"') {
            rc = json_scan_string(reader, token, EXO_JSON_NULL);
        } else {
            reader->at += byte >= 0;
        }
        if (rc != EXO_OK) {
            return rc;
        }
        /* { and [ differ in the bit that makes letters small, as do } and ]. */
        if ((byte | 0x20) == '{') {
            open++;
        } else if ((byte | 0x20) == '}') {
            open--;
        }
    } while (open > 0);
    return EXO_OK;
}

static int json_open_bracket(exo_json_reader *reader, exo_json_token *token, bool object)
{
    if (reader->depth_ == reader->max_depth_) {
        return (reader->mode_ & MODE_DEEP) == MODE_DEEP ? json_pass_deep(reader, token) : EXO_E_DEPTH_LIMIT;
    }
    reader->depth_++;
    reader->stack_ = reader->stack_ << 1 | object;
    reader->state_ = object ? WAIT_KEY_OR_END : WAIT_ELEMENT_OR_END;
    token->type = object ? EXO_JSON_OBJECT : EXO_JSON_ARRAY;
    reader->at++;
    return EXO_OK;
}

/* NaN or an infinity, as C, Python and JavaScript write them: a tolerant reader takes it for null. Else `at` is
 * anywhere behind. */
static bool json_scan_not_a_number(exo_json_reader *reader)
{
    (void)(json_take(reader, '-') || json_take(reader, '+'));
    const size_t first = reader->at;
    while (json_is_letter(json_peek(reader))) {
        reader->at++;
    }
    const exo_span word = exo_span_of(reader->in_.ptr + first, reader->at - first);
    return exo_ascii_word_index("nan inf infinity", &word) >= 0;
}

static int json_scan_value(exo_json_reader *reader, exo_json_token *token)
{
    static const char words[] = "null\0false\0true"; /* in the order of their types */
    int byte = json_peek(reader);
    if (byte == '"') {
        return json_scan_string(reader, token, EXO_JSON_STRING);
    }
    if ((byte | 0x20) == '{') {
        return json_open_bracket(reader, token, byte == '{');
    }
    const size_t first = reader->at;
    int rc = json_is_letter(byte) ? EXO_E_JSON_LITERAL : EXO_E_JSON_SYNTAX;
    if (ascii_is_digit(byte) || (byte >= '+' && byte <= '.' && byte != ',')) {
        rc = json_scan_number(reader, token);
    } else {
        for (exo_json_type type = EXO_JSON_NULL; type <= EXO_JSON_TRUE; type++) {
            const char *word = exo_ascii_string(words, type);
            if (byte == *word) {
                rc = json_scan_word(reader, token, type, word);
            }
        }
    }
    if (rc != EXO_OK && rc != EXO_E_JSON_SYNTAX && reader->mode_ & MODE_TOLERATE) {
        const size_t wrong = reader->at;
        reader->at = first;
        if (json_scan_not_a_number(reader)) {
            token->type = EXO_JSON_NULL;
            return EXO_OK;
        }
        reader->at = wrong;
    }
    return rc;
}

/* The colon is taken together with its key, so that a value can be skipped right after it. */
static int json_scan_colon(exo_json_reader *reader)
{
    json_skip_space(reader);
    reader->state_ = WAIT_VALUE;
    return json_take(reader, ':') ? EXO_OK : EXO_E_JSON_SYNTAX;
}

/* The token at `at`, where a byte is that is neither white space nor a comma between two members. */
static int json_scan_token(exo_json_reader *reader, exo_json_token *token)
{
    const int byte = json_peek(reader);
    const enum wait wait = (enum wait)reader->state_;
    if (wait >= WAIT_KEY_OR_END && wait <= WAIT_ELEMENT_OR_END && byte == (json_in_object(reader) ? '}' : ']')) {
        return json_close_bracket(reader, token);
    }
    if (wait < WAIT_COMMA_OR_END && byte == '"') {
        return json_scan_string(reader, token, EXO_JSON_KEY);
    }
    if (wait == WAIT_ELEMENT_OR_END || wait == WAIT_VALUE) {
        return json_scan_value(reader, token);
    }
    return wait == WAIT_NOTHING ? EXO_E_JSON_TRAILING : EXO_E_JSON_SYNTAX;
}

/* What may follow the token. */
static int json_end_token(exo_json_reader *reader, exo_json_type type)
{
    if (type == EXO_JSON_KEY) {
        return json_scan_colon(reader);
    }
    if (type != EXO_JSON_ARRAY && type != EXO_JSON_OBJECT) {
        reader->state_ = reader->depth_ > 0 ? WAIT_COMMA_OR_END : WAIT_NOTHING;
    }
    return EXO_OK;
}

static bool json_is_string(const exo_json_token *token)
{
    return token->type == EXO_JSON_STRING || token->type == EXO_JSON_KEY;
}

/* Makes what was scanned the token, unless there was an error at the byte at hand: the end of the text is no byte, and
 * an error of its own. */
static int json_scan(exo_json_reader *reader, exo_json_token *token)
{
    size_t first = reader->at;
    token->type = EXO_JSON_NULL;
    token->plain = false;
    int rc = json_scan_token(reader, token);
    if (rc == EXO_OK) {
        token->raw = exo_span_of(reader->in_.ptr + first, reader->at - first);
        token->text = token->raw;
        if (json_is_string(token)) { /* without its quotation marks */
            token->text = exo_span_of(token->raw.ptr + 1, token->raw.len - 2);
        }
        rc = json_end_token(reader, token->type);
    }
    if (rc != EXO_OK) {
        reader->error_ = reader->at == reader->in_.len ? EXO_E_JSON_END : rc;
    }
    return rc == EXO_OK ? EXO_EVENT : reader->error_;
}

#ifndef EXO_SMALL

/* ---- shorter ways ---- */

/* Passes over what is left of a string that is strict JSON, to behind its second quotation mark. NULL: it is not. */
SELDOM static const char *json_pass_on(const char *at, const char *end)
{
#ifdef VECTOR_BYTES
    at = text_pass_escapes(at, end);
    at += json_short_run(at, (size_t)(end - at)); /* what ended it may stand anywhere in the next vector */
#endif
    while (at < end && *at != '"') {
        if (*at != '\\' || end - at < 2) {
            return NULL;
        }
        if (at[1] == '"' || at[1] == '\\' || exo_json_escape_value((uint8_t)at[1]) >= 0) {
            at += 2;
        } else if (exo_json_code_unit(at, (size_t)(end - at)) >= 0) {
            at += 6;
        } else {
            return NULL;
        }
        if (at < end && *at != '\\') {
            at += json_short_run(at, (size_t)(end - at));
        }
    }
    return at < end ? at + 1 : NULL;
}

/* The same of a string from its first quotation mark on. */
static OFTEN const char *json_pass_string(const char *at, const char *end)
{
    const char *const quickly = json_pass_short(at, end);
    if (quickly) {
        return quickly + 1;
    }
    at += 1 + json_short_run(at + 1, (size_t)(end - at - 1));
    return at < end && *at == '"' ? at + 1 : json_pass_on(at, end);
}

const char *exo_json_pass_fraction(const char *at, const char *end)
{
    const char *part = at + 1;
    if (*at == '.') {
        at = json_pass_digits(part, end);
        if (at == part || at == end || (*at | 0x20) != 'e') {
            return at > part ? at : NULL;
        }
        part = at + 1;
    }
    part += part < end && (*part == '-' || *part == '+');
    at = json_pass_digits(part, end);
    return at > part ? at : NULL;
}

/* The same of a number or a literal. */
static OFTEN const char *json_pass_scalar(const char *at, const char *end)
{
    switch (*at) {
    case 'n':
        return end - at >= 4 && memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
    case 't':
        return end - at >= 4 && memcmp(at, "true", 4) == 0 ? at + 4 : NULL;
    case 'f':
        return end - at >= 5 && memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
    default:
        return json_pass_number(at, end);
    }
}

/* The same of a key and its colon, from the first byte on that may be its own. */
SELDOM static const char *json_pass_key_on(const char *at, const char *end, enum json_space space)
{
    at = json_pass_space(at, end, space);
    if (at == end || *at != '"' || !(at = json_pass_string(at, end))) {
        return NULL;
    }
    at = json_pass_space(at, end, space);
    return at < end && *at == ':' ? at + 1 : NULL;
}

/* The same, quicker. */
static OFTEN const char *json_pass_key(const char *at, const char *end, enum json_space space)
{
    const char *const quickly = at < end && *at == '"' ? json_pass_short(at, end) : NULL;
    return quickly && json_pass_is_colon(quickly, end) ? quickly + 2 : json_pass_key_on(at, end, space);
}

/* Goes on to a byte that is no white space. NULL: there is none. */
static OFTEN const char *json_pass_to_byte(const char *at, const char *end, enum json_space space)
{
    if (at < end && (uint8_t)*at > ' ') {
        return at;
    }
    at = json_pass_space(at, end, space);
    return at < end ? at : NULL;
}

/* The same as exo_json_pass(): a part of each of the two below. */
static OFTEN const char *json_pass_value(const char *at, const char *end, unsigned levels, enum json_space space)
{
    uint64_t stack = 0; /* as that of a reader */
    unsigned depth = 0;
    for (;;) {
        if (!(at = json_pass_to_byte(at, end, space))) {
            return NULL;
        }
        const char byte = *at;
        if (byte != '"' && (byte | 0x20) == '{') {
            if (depth++ == levels || !(at = json_pass_to_byte(at + 1, end, space))) {
                return NULL;
            }
            stack = stack << 1 | (byte == '{');
            if (*at != (char)(byte + 2)) { /* the bracket that closes it: it is not empty */
                if (byte == '{' && !(at = json_pass_key(at, end, space))) {
                    return NULL;
                }
                continue;
            }
        } else if (!(at = byte == '"' ? json_pass_string(at, end) : json_pass_scalar(at, end))) {
            return NULL;
        }
        /* behind a value, or before the bracket that closes an empty one */
        for (;; at++, depth--, stack >>= 1) {
            if (depth == 0) {
                return at;
            }
            if (!(at = json_pass_to_byte(at, end, space)) || *at == ',') {
                break;
            }
            if (*at != (char)(']' + ((stack & 1) << 5))) { /* one bit is between the two brackets */
                return NULL;
            }
        }
        if (!at || (++at, stack & 1 && !(at = json_pass_key(at, end, space)))) {
            return NULL;
        }
    }
}

const char *exo_json_pass(const char *at, const char *end, unsigned levels)
{
    return json_pass_value(at, end, levels, SPACE_ANY);
}

const char *exo_json_pass_line(const char *at, const char *end, unsigned levels)
{
    return json_pass_value(at, end, levels, SPACE_IN_LINE);
}

/* Skips the next value if it is plain. */
static bool json_skip_value(exo_json_reader *reader, exo_span *raw)
{
    const char *const end = reader->in_.ptr + reader->in_.len;
    const char *const first = json_pass_space(reader->in_.ptr + reader->at, end, SPACE_ANY);
    const char *at = exo_json_pass(first, end, reader->max_depth_ - (unsigned)reader->depth_);
    if (!at) {
        return false;
    }
    reader->at = (size_t)(at - reader->in_.ptr);
    reader->state_ = reader->depth_ > 0 ? WAIT_COMMA_OR_END : WAIT_NOTHING;
    if (raw) {
        *raw = exo_span_of(first, (size_t)(at - first));
    }
    return true;
}
#endif

int exo_json_next(exo_json_reader *reader, exo_json_token *token)
{
    if (reader->error_ != EXO_OK) {
        return reader->error_;
    }
    json_skip_space(reader);
    if (reader->state_ == WAIT_COMMA_OR_END && json_take(reader, ',')) {
        reader->state_ = json_in_object(reader) ? WAIT_KEY : WAIT_VALUE;
        json_skip_space(reader);
    }
    if (reader->at == reader->in_.len && reader->state_ == WAIT_NOTHING) {
        return EXO_OK;
    }
    return json_scan(reader, token);
}

/* The same as exo_json_skip(), token by token. */
SELDOM static int json_skip(exo_json_reader *reader, exo_span *raw)
{
    const exo_json_reader before = *reader;
    exo_json_token token;
    reader->mode_ |= MODE_SKIP;
    int rc = exo_json_next(reader, &token);
    const bool end = rc == EXO_EVENT && (token.type == EXO_JSON_ARRAY_END || token.type == EXO_JSON_OBJECT_END);
    if (end || rc == EXO_OK || (rc == EXO_EVENT && token.type == EXO_JSON_KEY)) {
        *reader = before;
        return end ? EXO_NOT_FOUND : EXO_E_STATE;
    }
    const char *first = token.raw.ptr;
    while (rc == EXO_EVENT && reader->depth_ > before.depth_) {
        rc = exo_json_next(reader, &token);
    }
    reader->mode_ = before.mode_;
    if (rc != EXO_EVENT) {
        return rc;
    }
    if (raw) {
        *raw = exo_span_of(first, (size_t)(reader->in_.ptr + reader->at - first));
    }
    return EXO_OK;
}

int exo_json_skip(exo_json_reader *reader, exo_span *raw)
{
#ifndef EXO_SMALL
    if (reader->state_ == WAIT_VALUE && reader->error_ == EXO_OK && json_skip_value(reader, raw)) {
        return EXO_OK;
    }
#endif
    return json_skip(reader, raw);
}

int exo_json_check(exo_span text, uint32_t max_depth, size_t *at)
{
    exo_json_reader reader;
    exo_json_token token;
    int rc;
    exo_json_reader_init(&reader, text, max_depth, false);
    do {
        rc = exo_json_next(&reader, &token);
    } while (rc == EXO_EVENT);
    if (at) {
        *at = reader.at;
    }
    return rc;
}

void exo_json_decoder_init_as(exo_json_decoder *decoder, exo_span text, bool plain)
{
    decoder->rest_ = text;
    decoder->plain_ = plain;
    decoder->done_ = false;
}

static void json_pass(exo_span *rest, size_t len)
{
    rest->ptr += len;
    rest->len -= len;
}

/* The code point of the escape at `text`, and its length in `*taken`. The reverse solidus of one that only a tolerant
 * reader lets pass stands for itself. */
static int32_t json_decode_escape(const char *text, size_t len, size_t *taken)
{
#ifndef EXO_SMALL
    if (len > 1 && (text[1] == '"' || text[1] == '\\')) { /* the most frequent ones */
        *taken = 2;
        return text[1];
    }
#endif
    int32_t unit = exo_json_code_unit(text, len);
    if (unit < 0) {
        unit = len > 1 ? exo_json_escape_value((uint8_t)text[1]) : -1;
        *taken = unit < 0 ? 1 : 2;
        return unit < 0 ? '\\' : unit;
    }
    *taken = 6;
    if ((unit & 0xF800) != 0xD800) {
        return unit;
    }
    int32_t low = exo_json_code_unit(text + 6, len - 6);
    if (unit > 0xDBFF || (low & ~0x3FF) != 0xDC00) {
        return 0xFFFD;
    }
    *taken = 12;
    return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
}

/* Decodes what begins `rest` and does not stand for itself into `out`, and returns its length, 4 at most. */
static size_t json_decode_special(exo_span *rest, char *out)
{
    size_t taken = 1;
    int32_t code_point = (uint8_t)*rest->ptr;
    if (code_point == '\\') {
        code_point = json_decode_escape(rest->ptr, rest->len, &taken);
    } else if (code_point >= 0x80) {
        int size = exo_utf8_check(rest->ptr, rest->len);
        taken = size == 0 ? rest->len : (size_t)-size;
        code_point = 0xFFFD;
    }
    json_pass(rest, taken);
    return exo_utf8_put(out, (uint32_t)code_point);
}

/* Fills `scratch` with decoded text, and returns its length. It ends before a clean run that does not fit any more:
 * that one is better handed out where it lies. */
static size_t json_decode_mixed(exo_span *rest, char *scratch)
{
    size_t len = 0;
    while (rest->len > 0) {
        size_t run = *rest->ptr == '\\' ? 0 : exo_json_clean_run(rest->ptr, rest->len);
        size_t room = EXO_JSON_SCRATCH - len;
        if (run > room || (run == 0 && room < 4)) {
            break;
        }
        memcpy(scratch + len, rest->ptr, run);
        json_pass(rest, run);
        len += run > 0 ? run : json_decode_special(rest, scratch + len);
    }
    return len;
}

int exo_json_decode(exo_json_decoder *decoder, char scratch[EXO_JSON_SCRATCH], exo_span *fragment, bool *last)
{
    exo_span rest = decoder->rest_;
    size_t run = rest.len;
    if (decoder->done_) {
        return EXO_OK;
    }
    if (!decoder->plain_ && run > 0) {
        run = exo_json_clean_run(rest.ptr, run);
    }
    *fragment = exo_span_of(rest.ptr, run);
    if (run == rest.len) {
        rest.len = 0;
    } else if (run >= EXO_JSON_SCRATCH) {
        json_pass(&rest, run);
    } else {
        *fragment = exo_span_of(scratch, json_decode_mixed(&rest, scratch));
    }
    decoder->rest_ = rest;
    *last = decoder->done_ = rest.len == 0;
    return EXO_EVENT;
}

void exo_json_take_halves(exo_span *text, uint16_t *low, uint16_t *high)
{
    int32_t unit = exo_json_code_unit(text->ptr, text->len);
    *low = 0;
    *high = 0;
    if (unit >= 0xDC00 && unit <= 0xDFFF) {
        *low = (uint16_t)unit;
        *text = exo_span_of(text->ptr + 6, text->len - 6);
    }
    size_t before = text->len >= 6 ? text->len - 6 : 0;
    unit = exo_json_code_unit(text->ptr + before, text->len - before);
    while (before > 0 && text->ptr[before - 1] == '\\') {
        before--;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF && (text->len - before) % 2 == 0) {
        *high = (uint16_t)unit;
        text->len -= 6;
    }
}

bool exo_json_equal(exo_span text, bool plain, exo_span value)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last;
    size_t at = 0;
#ifndef EXO_SMALL
    if (plain) {
        return exo_span_equal(text, value);
    }
#endif
    exo_json_decoder_init_as(&decoder, text, plain);
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        size_t len = fragment.len;
        if (len > value.len - at || (len > 0 && memcmp(fragment.ptr, value.ptr + at, len) != 0)) {
            return false;
        }
        at += len;
    }
    return at == value.len;
}

bool exo_json_is(const exo_json_token *token, const char *literal)
{
    return json_is_string(token) && exo_json_equal(token->text, token->plain, exo_span_text(literal));
}

int exo_json_name(const char *names, const exo_json_token *key)
{
    size_t len;
#ifndef EXO_SMALL
    const char *const text = key->text.ptr;
    if (key->plain && key->text.len > 0) {
        for (int number = 0; (len = (size_t)*names++) > 0; number++) {
            if (len == key->text.len && *names == *text && memcmp(names, text, len) == 0) {
                return number;
            }
            names += len;
        }
        return -1;
    }
#endif
    for (int number = 0; (len = (size_t)*names++) > 0; number++) {
        if ((len == key->text.len || !key->plain) && exo_json_equal(key->text, key->plain, exo_span_of(names, len))) {
            return number;
        }
        names += len;
    }
    return -1;
}

size_t exo_json_copy(const exo_json_token *token, char *dst, size_t size)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last;
    size_t len = 0;
    if (size == 0) {
        return 0;
    }
    exo_json_decoder_init_as(&decoder, token->text, token->plain);
    while (json_is_string(token) && exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        const size_t take = exo_span_cut(fragment, size - 1 - len).len;
        if (take > 0) {
            memcpy(dst + len, fragment.ptr, take);
        }
        len += take;
        if (take < fragment.len) {
            break;
        }
    }
    dst[len] = '\0';
    return len;
}

/* The exponent at `text`, which stands behind the e. It saturates far beyond the length of any text. */
static ptrdiff_t json_exponent_value(const char *text, const char *end)
{
    const bool negative = *text == '-';
    ptrdiff_t value = 0;
    for (text += *text < '0'; text < end; text++) {
        if (value < PTRDIFF_MAX / 20) {
            value = value * 10 + (*text - '0');
        }
    }
    return negative ? -value : value;
}

/* The magnitude of a NUMBER that is whole and fits 64 bits. A zero that they have no room for goes into the exponent.
 */
static bool json_whole_number(const exo_json_token *token, uint64_t *magnitude)
{
    const char *at = token->text.ptr;
    const char *end = at + token->text.len;
    ptrdiff_t exponent = 0;
    bool after_point = false;
    *magnitude = 0;
    for (at += *at == '-'; at < end; at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        if (!ascii_is_digit(*at)) {
            exponent += json_exponent_value(at + 1, end);
            break;
        }
        exponent -= after_point;
        if (!exo_ascii_append_digit(magnitude, (unsigned)(*at - '0'))) {
            if (*at != '0') {
                return false;
            }
            exponent++;
        }
    }
    for (; *magnitude > 0 && exponent < 0; exponent++) {
        if (*magnitude % 10 != 0) {
            return false;
        }
        *magnitude /= 10;
    }
    for (; *magnitude > 0 && exponent > 0; exponent--) {
        if (!exo_ascii_append_digit(magnitude, 0)) {
            return false;
        }
    }
    return true;
}

int exo_json_int64(const exo_json_token *token, int64_t *number)
{
    uint64_t magnitude;
    if (token->type != EXO_JSON_NUMBER || !json_whole_number(token, &magnitude)) {
        return EXO_NOT_FOUND;
    }
    const bool negative = *token->text.ptr == '-';
    const int64_t value = (int64_t)(negative ? 0 - magnitude : magnitude);
    if (magnitude > 0 && (value < 0) != negative) { /* 63 bits do not hold it */
        return EXO_NOT_FOUND;
    }
    *number = value;
    return EXO_OK;
}
