/*
 * json_read.c: a strict pull reader over one JSON text, and the decoder of its strings.
 *
 * It builds no tree, compares no keys and knows no schema: chunk, failure and the repair's check call it and keep what
 * they need. It has no memory but the reader: a bit per open bracket, up to EXO_JSON_DEPTH_MAX. Every byte is looked at
 * once by the reader and at most three times by the decoder.
 */
#include "exochat/json_read.h"

#include "json_text.h"

enum wait {
    WAIT_VALUE, /* the top value, or what follows a colon or an array's comma */
    WAIT_ELEMENT_OR_END,
    WAIT_KEY,
    WAIT_KEY_OR_END,
    WAIT_COMMA_OR_END,
    WAIT_NOTHING /* the top value is complete: only white space may follow */
};

static int fail(exo_json_reader *reader, int code, size_t at)
{
    reader->at = at;
    reader->error_ = code;
    return code;
}

/* The error for a byte at `at` that cannot stand there: the end of the text is no byte, and an error of its own. */
static int fail_here(exo_json_reader *reader, int code, size_t at)
{
    return fail(reader, at == reader->in_.len ? EXO_E_JSON_END : code, at);
}

/* The byte at `at`, or -1 at the end of the text. */
static int peek(const exo_json_reader *reader, size_t at)
{
    return at < reader->in_.len ? (uint8_t)reader->in_.ptr[at] : -1;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(int byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(int byte)
{
    if (is_digit(byte)) {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What a reverse solidus and `name` stand for, or -1. \u is not among them. */
static int escape_value(int name)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *found = name < 0 ? NULL : memchr(names, name, sizeof names - 1);
    return found ? values[found - names] : -1;
}

void exo_json_reader_init(exo_json_reader *reader, exo_span text, uint32_t max_depth, bool replace)
{
    memset(reader, 0, sizeof *reader);
    reader->in_ = text;
    reader->max_depth_ = (uint8_t)(max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX);
    reader->replace_ = replace;
    reader->state_ = WAIT_VALUE;
}

static void skip_space(exo_json_reader *reader)
{
    for (;;) {
        int byte = peek(reader, reader->at);
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') {
            return;
        }
        reader->at++;
    }
}

static bool in_object(const exo_json_reader *reader)
{
    unsigned level = reader->depth_ - 1U;
    return reader->stack_[level / 8] >> level % 8 & 1;
}

static void value_done(exo_json_reader *reader)
{
    reader->state_ = reader->depth_ > 0 ? WAIT_COMMA_OR_END : WAIT_NOTHING;
}

static int open_bracket(exo_json_reader *reader, exo_json_token *token, bool object)
{
    if (reader->depth_ == reader->max_depth_) {
        return fail(reader, EXO_E_DEPTH_LIMIT, reader->at);
    }
    unsigned level = reader->depth_++;
    unsigned bit = 1U << level % 8;
    unsigned others = reader->stack_[level / 8] & ~bit;
    reader->stack_[level / 8] = (uint8_t)(object ? others | bit : others);
    reader->state_ = object ? WAIT_KEY_OR_END : WAIT_ELEMENT_OR_END;
    token->type = object ? EXO_JSON_OBJECT : EXO_JSON_ARRAY;
    reader->at++;
    return EXO_OK;
}

static int close_bracket(exo_json_reader *reader, exo_json_token *token)
{
    token->type = in_object(reader) ? EXO_JSON_OBJECT_END : EXO_JSON_ARRAY_END;
    reader->depth_--;
    reader->at++;
    value_done(reader);
    return EXO_OK;
}

static int scan_word(exo_json_reader *reader, exo_json_token *token, exo_json_type type, const char *word)
{
    size_t at = reader->at;
    for (; *word; word++, at++) {
        if (peek(reader, at) != *word) {
            return fail_here(reader, EXO_E_JSON_LITERAL, at);
        }
    }
    token->type = type;
    reader->at = at;
    value_done(reader);
    return EXO_OK;
}

/* One digit or more from `*at` on. */
static int scan_digits(exo_json_reader *reader, size_t *at)
{
    if (!is_digit(peek(reader, *at))) {
        return fail_here(reader, EXO_E_JSON_NUMBER, *at);
    }
    while (is_digit(peek(reader, *at))) {
        ++*at;
    }
    return EXO_OK;
}

static int scan_number(exo_json_reader *reader, exo_json_token *token)
{
    size_t at = reader->at;
    at += peek(reader, at) == '-';
    size_t first = at;
    int rc = scan_digits(reader, &at);
    if (rc == EXO_OK && at - first > 1 && reader->in_.ptr[first] == '0') {
        return fail(reader, EXO_E_JSON_NUMBER, first + 1);
    }
    if (rc == EXO_OK && peek(reader, at) == '.') {
        at++;
        rc = scan_digits(reader, &at);
    }
    if (rc == EXO_OK && (peek(reader, at) | 0x20) == 'e') {
        at++;
        at += peek(reader, at) == '+' || peek(reader, at) == '-';
        rc = scan_digits(reader, &at);
    }
    if (rc == EXO_OK) {
        token->type = EXO_JSON_NUMBER;
        reader->at = at;
        value_done(reader);
    }
    return rc;
}

/* An escape, from its reverse solidus on. */
static int scan_escape(exo_json_reader *reader)
{
    size_t at = reader->at + 1;
    if (peek(reader, at) == 'u') {
        for (size_t end = at + 4; at < end;) {
            if (hex_value(peek(reader, ++at)) < 0) {
                return fail_here(reader, EXO_E_JSON_ESCAPE, at);
            }
        }
    } else if (escape_value(peek(reader, at)) < 0) {
        return fail_here(reader, EXO_E_JSON_ESCAPE, at);
    }
    reader->at = at + 1;
    return EXO_OK;
}

/* A byte of a string that cannot stand there as it is and ends nothing. */
static int scan_special(exo_json_reader *reader)
{
    const char *text = reader->in_.ptr + reader->at;
    size_t left = reader->in_.len - reader->at;
    if (*text == '\\') {
        return scan_escape(reader);
    }
    if ((uint8_t)*text < 0x20) {
        return fail(reader, EXO_E_JSON_STRING, reader->at);
    }
    int size = utf8_check(text, left);
    if (size == 0) {
        return fail(reader, EXO_E_JSON_END, reader->in_.len);
    }
    if (!reader->replace_) {
        return fail(reader, EXO_E_JSON_UTF8, reader->at);
    }
    reader->at += (size_t)-size;
    return EXO_OK;
}

static int scan_string(exo_json_reader *reader, exo_json_token *token)
{
    size_t first = ++reader->at;
    token->type = EXO_JSON_STRING;
    token->plain = true;
    for (;;) {
        reader->at += json_clean_run(reader->in_.ptr + reader->at, reader->in_.len - reader->at);
        int byte = peek(reader, reader->at);
        if (byte < 0) {
            return fail(reader, EXO_E_JSON_END, reader->at);
        }
        if (byte == '"') {
            break;
        }
        token->plain = false;
        int rc = scan_special(reader);
        if (rc != EXO_OK) {
            return rc;
        }
    }
    token->text = exo_span_of(reader->in_.ptr + first, reader->at - first);
    reader->at++;
    value_done(reader);
    return EXO_OK;
}

static int scan_value(exo_json_reader *reader, exo_json_token *token)
{
    int byte = peek(reader, reader->at);
    switch (byte) {
    case '"':
        return scan_string(reader, token);
    case '{':
    case '[':
        return open_bracket(reader, token, byte == '{');
    case 'n':
        return scan_word(reader, token, EXO_JSON_NULL, "null");
    case 'f':
        return scan_word(reader, token, EXO_JSON_FALSE, "false");
    case 't':
        return scan_word(reader, token, EXO_JSON_TRUE, "true");
    default:
        if (is_digit(byte) || byte == '-' || byte == '+' || byte == '.') {
            return scan_number(reader, token);
        }
        return fail(reader, is_letter(byte) ? EXO_E_JSON_LITERAL : EXO_E_JSON_SYNTAX, reader->at);
    }
}

static int scan_key(exo_json_reader *reader, exo_json_token *token)
{
    if (peek(reader, reader->at) != '"') {
        return fail(reader, EXO_E_JSON_SYNTAX, reader->at);
    }
    int rc = scan_string(reader, token);
    token->type = EXO_JSON_KEY;
    return rc;
}

/* The colon is taken together with its key, so that a value can be skipped right after it. */
static int scan_colon(exo_json_reader *reader)
{
    skip_space(reader);
    if (peek(reader, reader->at) != ':') {
        return fail_here(reader, EXO_E_JSON_SYNTAX, reader->at);
    }
    reader->at++;
    reader->state_ = WAIT_VALUE;
    return EXO_OK;
}

/* The token at `at`, where a byte is that is neither white space nor a comma between two members. */
static int scan_token(exo_json_reader *reader, exo_json_token *token)
{
    int byte = peek(reader, reader->at);
    switch ((enum wait)reader->state_) {
    case WAIT_KEY_OR_END:
        return byte == '}' ? close_bracket(reader, token) : scan_key(reader, token);
    case WAIT_KEY:
        return scan_key(reader, token);
    case WAIT_ELEMENT_OR_END:
        return byte == ']' ? close_bracket(reader, token) : scan_value(reader, token);
    case WAIT_VALUE:
        return scan_value(reader, token);
    case WAIT_COMMA_OR_END:
        if (byte == (in_object(reader) ? '}' : ']')) {
            return close_bracket(reader, token);
        }
        return fail(reader, EXO_E_JSON_SYNTAX, reader->at);
    default:
        return fail(reader, EXO_E_JSON_TRAILING, reader->at);
    }
}

int exo_json_next(exo_json_reader *reader, exo_json_token *token)
{
    if (reader->error_ != EXO_OK) {
        return reader->error_;
    }
    skip_space(reader);
    if (reader->state_ == WAIT_COMMA_OR_END && peek(reader, reader->at) == ',') {
        reader->state_ = in_object(reader) ? WAIT_KEY : WAIT_VALUE;
        reader->at++;
        skip_space(reader);
    }
    if (reader->at == reader->in_.len) {
        return reader->state_ == WAIT_NOTHING ? EXO_OK : fail(reader, EXO_E_JSON_END, reader->at);
    }
    size_t first = reader->at;
    token->plain = false;
    token->text.ptr = NULL;
    int rc = scan_token(reader, token);
    if (rc != EXO_OK) {
        return rc;
    }
    token->raw = exo_span_of(reader->in_.ptr + first, reader->at - first);
    if (!token->text.ptr) {
        token->text = token->raw;
    }
    if (token->type == EXO_JSON_KEY) {
        rc = scan_colon(reader);
    }
    return rc == EXO_OK ? EXO_EVENT : rc;
}

int exo_json_skip(exo_json_reader *reader, exo_span *raw)
{
    exo_json_reader ahead = *reader;
    exo_json_token token;
    int rc = exo_json_next(&ahead, &token);
    if (rc == EXO_OK || (rc == EXO_EVENT && token.type == EXO_JSON_KEY)) {
        return EXO_E_STATE;
    }
    if (rc == EXO_EVENT && (token.type == EXO_JSON_ARRAY_END || token.type == EXO_JSON_OBJECT_END)) {
        return EXO_NOT_FOUND;
    }
    const char *first = token.raw.ptr;
    while (rc == EXO_EVENT && ahead.depth_ > reader->depth_) {
        rc = exo_json_next(&ahead, &token);
    }
    *reader = ahead;
    if (rc != EXO_EVENT) {
        return rc;
    }
    if (raw) {
        *raw = exo_span_of(first, (size_t)(ahead.in_.ptr + ahead.at - first));
    }
    return EXO_OK;
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

void exo_json_decoder_init(exo_json_decoder *decoder, exo_span text)
{
    decoder->text_ = text;
    decoder->at_ = 0;
}

static size_t put_utf8(char *out, uint32_t code_point)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)(0xF00U >> size | code_point);
    return size;
}

/* The UTF-16 code unit that a \uXXXX at `text` names, or -1 where there is no such escape. */
static int32_t code_unit(const char *text, size_t len)
{
    int32_t unit = 0;
    if (len < 6 || text[0] != '\\' || text[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_value((uint8_t)text[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The code point of the escape at `text`, and its length in `*taken`. One that the reader would refuse counts as a lone
 * reverse solidus. */
static int32_t decode_escape(const char *text, size_t len, size_t *taken)
{
    int32_t unit = code_unit(text, len);
    if (unit < 0) {
        unit = len > 1 ? escape_value((uint8_t)text[1]) : -1;
        *taken = unit < 0 ? 1 : 2;
        return unit < 0 ? 0xFFFD : unit;
    }
    *taken = 6;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }
    int32_t low = code_unit(text + 6, len - 6);
    if (unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
        return 0xFFFD;
    }
    *taken = 12;
    return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
}

/* Decodes what stands at the decoder's place and not for itself into `out`, and returns its length, 4 at most. */
static size_t decode_special(exo_json_decoder *decoder, char *out)
{
    const char *text = decoder->text_.ptr + decoder->at_;
    size_t left = decoder->text_.len - decoder->at_;
    size_t taken = 1;
    int32_t code_point = (uint8_t)*text;
    if (*text == '\\') {
        code_point = decode_escape(text, left, &taken);
    } else if (code_point >= 0x80) {
        int size = utf8_check(text, left);
        taken = size == 0 ? left : (size_t)-size;
        code_point = 0xFFFD;
    }
    decoder->at_ += taken;
    return put_utf8(out, (uint32_t)code_point);
}

/* Fills `scratch` with decoded text, and returns its length. It ends before a clean run that does not fit any more:
 * that one is better handed out where it lies. */
static size_t decode_mixed(exo_json_decoder *decoder, char *scratch)
{
    size_t len = 0;
    while (decoder->at_ < decoder->text_.len) {
        const char *text = decoder->text_.ptr + decoder->at_;
        size_t run = json_clean_run(text, decoder->text_.len - decoder->at_);
        size_t room = EXO_JSON_SCRATCH - len;
        if (run > room || (run == 0 && room < 4)) {
            break;
        }
        memcpy(scratch + len, text, run);
        decoder->at_ += run;
        len += run > 0 ? run : decode_special(decoder, scratch + len);
    }
    return len;
}

int exo_json_decode(exo_json_decoder *decoder, char scratch[EXO_JSON_SCRATCH], exo_span *fragment, bool *last)
{
    size_t len = decoder->text_.len;
    if (decoder->at_ > len) {
        return EXO_OK;
    }
    *fragment = decoder->text_;
    if (len > 0) {
        const char *text = decoder->text_.ptr + decoder->at_;
        size_t left = len - decoder->at_;
        size_t run = json_clean_run(text, left);
        if (run == left || run >= EXO_JSON_SCRATCH) {
            *fragment = exo_span_of(text, run);
            decoder->at_ += run;
        } else {
            *fragment = exo_span_of(scratch, decode_mixed(decoder, scratch));
        }
    }
    *last = decoder->at_ == len;
    /* One past the end marks the decoder as finished: at the end, the empty string still has its fragment to give. */
    decoder->at_ += *last;
    return EXO_EVENT;
}

static bool is_string(const exo_json_token *token)
{
    return token->type == EXO_JSON_STRING || token->type == EXO_JSON_KEY;
}

bool exo_json_is(const exo_json_token *token, const char *literal)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last;
    size_t left = strlen(literal);
    if (!is_string(token) || token->text.len < left) {
        return false;
    }
    exo_json_decoder_init(&decoder, token->text);
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        if (fragment.len > left || !exo_span_equal(fragment, exo_span_of(literal, fragment.len))) {
            return false;
        }
        literal += fragment.len;
        left -= fragment.len;
    }
    return left == 0;
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
    exo_json_decoder_init(&decoder, token->text);
    while (is_string(token) && exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        size_t room = size - 1 - len;
        size_t take = fragment.len;
        if (take > room) {
            take = room;
            while (take > 0 && ((uint8_t)fragment.ptr[take] & 0xC0) == 0x80) {
                take--;
            }
        }
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

/* Appends `zeros` zeros and then `digit` to a decimal number, and says whether 64 bits still hold it. */
static bool append_digit(uint64_t *number, int64_t zeros, unsigned digit)
{
    if (*number == 0) {
        zeros = 0;
    }
    for (; zeros > 0; zeros--) {
        if (*number > UINT64_MAX / 10) {
            return false;
        }
        *number *= 10;
    }
    if (*number > (UINT64_MAX - digit) / 10) {
        return false;
    }
    *number = *number * 10 + digit;
    return true;
}

/* The exponent at `text`, which stands behind the e. It saturates far beyond the length of any text. */
static int64_t exponent_value(const char *text, const char *end)
{
    bool negative = *text == '-';
    int64_t value = 0;
    for (text += negative || *text == '+'; text < end; text++) {
        if (value < INT64_MAX / 1000) {
            value = value * 10 + (*text - '0');
        }
    }
    return negative ? -value : value;
}

/* The magnitude of a NUMBER that is whole and fits 64 bits. Zeros at the end of the digits go into the exponent, so
 * what is left below it can only be a fraction. */
static bool whole_number(const exo_json_token *token, bool *negative, uint64_t *magnitude)
{
    if (token->type != EXO_JSON_NUMBER) {
        return false;
    }
    const char *at = token->text.ptr;
    const char *end = at + token->text.len;
    int64_t zeros = 0;
    int64_t fraction = 0;
    int64_t exponent = 0;
    bool after_point = false;
    *magnitude = 0;
    *negative = *at == '-';
    for (at += *negative; at < end; at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        if (!is_digit(*at)) {
            exponent = exponent_value(at + 1, end);
            break;
        }
        fraction += after_point;
        zeros++;
        if (*at != '0') {
            if (!append_digit(magnitude, zeros - 1, (unsigned)(*at - '0'))) {
                return false;
            }
            zeros = 0;
        }
    }
    exponent += zeros - fraction;
    if (*magnitude == 0 || exponent == 0) {
        return true;
    }
    return exponent > 0 && append_digit(magnitude, exponent - 1, 0);
}

int exo_json_int64(const exo_json_token *token, int64_t *number)
{
    bool negative;
    uint64_t magnitude;
    if (!whole_number(token, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative) {
        return EXO_NOT_FOUND;
    }
    if (negative && magnitude > 0) {
        *number = -(int64_t)(magnitude - 1) - 1;
    } else {
        *number = (int64_t)magnitude;
    }
    return EXO_OK;
}

int exo_json_uint64(const exo_json_token *token, uint64_t *number)
{
    bool negative;
    uint64_t magnitude;
    if (!whole_number(token, &negative, &magnitude) || (negative && magnitude > 0)) {
        return EXO_NOT_FOUND;
    }
    *number = magnitude;
    return EXO_OK;
}
