/*
 * encode.c: a request and its options → the bytes of a chat-completions body.
 *
 * It opens no file, knows no transport and holds no part of the body: the client and the bindings give it a cursor and
 * sources, size the body, and take it out window by window. Its memory is the encoder, with a hash per top-level key
 * and one piece of a source that is read ahead.
 *
 * Three walks: over the keys, to size, to write. The second and the third are the same code with another window, so
 * they cannot disagree about what is sent; what they leave in the window is counted and hashed. One step takes one
 * token and turns it into a script, or lets the script write a piece of the body.
 */
#include "exochat/encode.h"

/* A script is text that is written as it stands, up to its NUL; the other bytes below the space stand for pieces. */
enum mark {
    MARK_END,
    MARK_VALUE_TEXT,   /* the token's text, escaped */
    MARK_VALUE_SOURCE, /* the token's source, as the token says */
    MARK_MODEL,        /* options.model, escaped */
    MARK_MEDIA_TYPE,   /* the open file's, escaped */
    MARK_FILE_NAME,    /* the open file's, escaped */
    MARK_FILE_BASE64,
    MARK_FILE_TEXT
};

/* The marks as scripts write them. */
#define VALUE_TEXT   "\1"
#define VALUE_SOURCE "\2"
#define MODEL        "\3"
#define MEDIA_TYPE   "\4"
#define FILE_NAME    "\5"
#define FILE_BASE64  "\6"
#define FILE_TEXT    "\7"

enum walk {
    WALK_KEYS,
    WALK_SIZE,
    WALK_WRITE
};

enum wait {
    WAIT_REQUEST,   /* its opening brace */
    WAIT_TOKEN,     /* the next token that is sent */
    WAIT_SKIPPED,   /* the end of a value that is not sent */
    WAIT_LOOKED,    /* the end of an object in which file keys are looked for */
    WAIT_EXTRA,     /* the opening brace of extra_body */
    WAIT_STREAM,    /* "stream", where the request has none */
    WAIT_USAGE,     /* "stream_options", where nobody has any */
    WAIT_AGREEMENT, /* the last brace, once both walks agree */
    WAIT_NOTHING    /* the body is written */
};

enum piece {
    PIECE_SCRIPT,
    PIECE_STRING,
    PIECE_TEXT,
    PIECE_BASE64
};

/* The keys that mean something to the encoder, by their names in the request. */
enum known {
    KNOWN_MODEL,
    KNOWN_STREAM,
    KNOWN_USAGE,
    KNOWN_TOOLS,
    KNOWN_CHOICE,
    KNOWN_MESSAGES,
    KNOWN_NOT
};

static const char known_names[][16] = {"model", "stream", "stream_options", "tools", "tool_choice", "messages"};

/* What a look into an object waits for behind a key. */
enum want {
    WANT_NOTHING,
    WANT_PATH,
    WANT_TYPE
};

/* What a file becomes in a message's content. */
enum part {
    PART_IMAGE,
    PART_WAV,
    PART_MP3,
    PART_TEXT,
    PART_FILE
};

static const char part_payloads[][12] = {"image_url", "input_audio", "input_audio", "text", "file"};

/* How deep one is inside of a message, and inside of an object of its content. */
enum {
    MESSAGE_DEPTH = 3,
    PART_DEPTH = 5
};

/* Where in scratch_ the parts of a file's name lie until it is opened. A source's bytes take the place of the path. */
enum {
    MEDIA_TYPE_AT = EXO_PATH_MAX,
    MEDIA_TYPE_TOO_LONG = EXO_MEDIA_TYPE_MAX + 1
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows of bits: a bit per open array or object, a bit per key. */
static bool bit(const uint8_t *bits, unsigned at)
{
    return bits[at / 8] >> at % 8 & 1;
}

static void set_bit(uint8_t *bits, unsigned at, bool value)
{
    unsigned mask = 1U << at % 8;
    bits[at / 8] = (uint8_t)(value ? bits[at / 8] | mask : bits[at / 8] & ~mask);
}

/* ---- The checksum: of the bytes alone, however they are cut ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static void digest_add(exo_encode_digest *digest, const char *bytes, size_t len)
{
    size_t held = digest->len_ % sizeof digest->word_;
    uint64_t word;
    digest->len_ += len;
    if (held > 0 || len < sizeof word) {
        size_t more = smaller(len, sizeof word - held);
        memcpy(digest->word_ + held, bytes, more);
        if (held + more < sizeof word) {
            return;
        }
        memcpy(&word, digest->word_, sizeof word);
        digest->hash_ = mix(digest->hash_, word);
        bytes += more;
        len -= more;
    }
    for (; len >= sizeof word; bytes += sizeof word, len -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        digest->hash_ = mix(digest->hash_, word);
    }
    memcpy(digest->word_, bytes, len);
}

static uint64_t digest_of(const exo_encode_digest *digest)
{
    uint64_t word = 0;
    memcpy(&word, digest->word_, digest->len_ % sizeof word);
    return mix(mix(digest->hash_, word), digest->len_);
}

/* ---- Pieces: each writes what fits; EXO_OK when it is complete ---- */

static void begin_string(exo_encoder *e, exo_span text, bool escaped)
{
    exo_json_escaper_init(&e->escaper_);
    exo_json_decoder_init(&e->decoder_, text);
    e->fragment_ = escaped ? exo_span_of("", 0) : exo_span_of(text.len > 0 ? text.ptr : "", text.len);
    e->fragment_at_ = 0;
    e->last_ = !escaped;
    e->piece_ = PIECE_STRING;
}

static int write_string(exo_encoder *e, exo_window *out)
{
    for (;;) {
        exo_span rest = exo_span_of(e->fragment_.ptr + e->fragment_at_, e->fragment_.len - e->fragment_at_);
        int rc = exo_json_escape(&e->escaper_, &rest, e->last_, out);
        e->fragment_at_ = e->fragment_.len - rest.len;
        if (rc != EXO_OK || e->last_) {
            return rc;
        }
        exo_json_decode(&e->decoder_, e->scratch_, &e->fragment_, &e->last_);
        e->fragment_at_ = 0;
    }
}

/* A source that the checksum does not cover: it can be read only once, or is sized by arithmetic. */
static bool is_uncovered(const exo_encoder *e)
{
    return !e->source_->rewind || e->left_ != EXO_SIZE_UNKNOWN;
}

static int begin_source(exo_encoder *e, const exo_source *source, bool base64)
{
    if (!source) {
        return EXO_E_TYPE;
    }
    e->source_ = source;
    e->left_ = base64 ? source->size : EXO_SIZE_UNKNOWN;
    e->staged_at_ = e->staged_len_ = e->quad_at_ = e->quad_len_ = 0;
    e->ended_ = false;
    exo_json_escaper_init(&e->escaper_);
    if (e->walk_ == WALK_SIZE && is_uncovered(e)) {
        if (source->rewind) {
            e->count_ += (e->left_ / 3 + (e->left_ % 3 > 0)) * 4;
        } else {
            e->once_ = true;
        }
        return EXO_OK;
    }
    e->piece_ = base64 ? PIECE_BASE64 : PIECE_TEXT;
    if (!source->rewind) {
        e->spent_ = true;
        return EXO_OK;
    }
    int rc = source->rewind(source->ctx);
    return rc < 0 ? rc : EXO_OK;
}

/* Reads on in the source. At its end, `*got` is 0, ended_ is set, and the source has kept what it promised. */
static int pull(exo_encoder *e, char *dst, size_t size, size_t *got)
{
    const exo_source *source = e->source_;
    bool beyond = e->left_ == 0;
    if (size > e->left_) {
        size = beyond ? 1 : (size_t)e->left_;
    }
    *got = 0;
    int rc = source->read(source->ctx, dst, size, got);
    if (rc < 0) {
        return rc;
    }
    if (*got > size) {
        return EXO_E_SOURCE_READ;
    }
    if (*got > 0) {
        e->left_ -= e->left_ == EXO_SIZE_UNKNOWN ? 0 : *got;
        return beyond ? EXO_E_BODY_CHANGED : EXO_OK;
    }
    if (rc == EXO_AGAIN) {
        return EXO_AGAIN;
    }
    if (!beyond && e->left_ != EXO_SIZE_UNKNOWN) {
        return EXO_E_BODY_CHANGED;
    }
    e->ended_ = true;
    rc = is_uncovered(e) && source->check ? source->check(source->ctx) : EXO_OK;
    return rc < 0 ? rc : EXO_OK;
}

/* How much larger a byte of text can become, and what the escaper may hold back from an earlier piece. */
enum {
    TEXT_GROWTH = 6,
    TEXT_HELD = 16
};

/* A large window is its own reading room: a piece is read into its end and escaped towards its beginning, so small that
 * the output cannot reach what is not read yet. */
static int write_text(exo_encoder *e, exo_window *out)
{
    for (;;) {
        exo_span rest = exo_span_of(e->scratch_ + e->staged_at_, (size_t)(e->staged_len_ - e->staged_at_));
        int rc = exo_json_escape(&e->escaper_, &rest, e->ended_, out);
        e->staged_at_ = (uint16_t)(e->staged_len_ - rest.len);
        if (rc != EXO_OK || e->ended_) {
            return rc;
        }
        size_t room = out->size - out->pos;
        size_t size = room / (TEXT_GROWTH + 1);
        bool large = size > EXO_PATH_MAX + TEXT_HELD;
        size = large ? size - TEXT_HELD : EXO_PATH_MAX;
        char *dst = large ? out->dst + out->size - size : e->scratch_;
        rc = pull(e, dst, size, &size);
        if (rc != EXO_OK) {
            return rc;
        }
        if (large) {
            rest = exo_span_of(dst, size);
            (void)exo_json_escape(&e->escaper_, &rest, false, out);
        } else {
            e->staged_at_ = 0;
            e->staged_len_ = (uint16_t)size;
        }
    }
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t byte_at(const char *bytes, size_t at)
{
    return (uint8_t)bytes[at];
}

/* Four digits for each three bytes. `out` may reach into `in` from below: a triple is read before its digits are
 * written. */
static void encode_triples(char *out, const char *in, size_t count)
{
    for (; count > 0; count--, in += 3, out += 4) {
        uint32_t bits = byte_at(in, 0) << 16 | byte_at(in, 1) << 8 | byte_at(in, 2);
        out[0] = base64_digits[bits >> 18];
        out[1] = base64_digits[bits >> 12 & 63];
        out[2] = base64_digits[bits >> 6 & 63];
        out[3] = base64_digits[bits & 63];
    }
}

/* The four digits of up to three staged bytes, padded, to be written as the window allows. */
static void encode_quad(exo_encoder *e, size_t len)
{
    char triple[3] = {0, 0, 0};
    memcpy(triple, e->scratch_ + e->staged_at_, len);
    encode_triples(e->quad_, triple, 1);
    memset(e->quad_ + 1 + len, '=', 3 - len);
    e->staged_at_ = (uint16_t)(e->staged_at_ + len);
    e->quad_at_ = 0;
    e->quad_len_ = sizeof e->quad_;
}

/* Puts bytes behind the up to two staged ones and encodes them, through the window's end where that is large. */
static int pull_base64(exo_encoder *e, exo_window *out)
{
    size_t left = (size_t)(e->staged_len_ - e->staged_at_);
    size_t room = (out->size - out->pos) / 4;
    bool large = room * 3 > EXO_PATH_MAX;
    size_t size = large ? room * 3 : EXO_PATH_MAX;
    char *dst = large ? out->dst + out->size - size : e->scratch_;
    size_t got;
    memmove(dst, e->scratch_ + e->staged_at_, left);
    memmove(e->scratch_, dst, left);
    e->staged_at_ = 0;
    e->staged_len_ = (uint16_t)left;
    int rc = pull(e, dst + left, size - left, &got);
    if (rc != EXO_OK) {
        return rc;
    }
    got += left;
    if (large) {
        encode_triples(out->dst + out->pos, dst, got / 3);
        out->pos += got / 3 * 4;
        memcpy(e->scratch_, dst + got / 3 * 3, got % 3);
        got %= 3;
    }
    e->staged_len_ = (uint16_t)got;
    return EXO_OK;
}

static int write_base64(exo_encoder *e, exo_window *out)
{
    for (;;) {
        while (e->quad_at_ < e->quad_len_ && out->pos < out->size) {
            out->dst[out->pos++] = e->quad_[e->quad_at_++];
        }
        if (e->quad_at_ < e->quad_len_) {
            return EXO_AGAIN;
        }
        size_t staged = (size_t)(e->staged_len_ - e->staged_at_);
        size_t count = smaller(staged / 3, (out->size - out->pos) / 4);
        encode_triples(out->dst + out->pos, e->scratch_ + e->staged_at_, count);
        out->pos += count * 4;
        e->staged_at_ = (uint16_t)(e->staged_at_ + count * 3);
        staged -= count * 3;
        if (staged >= 3 || (e->ended_ && staged > 0)) {
            encode_quad(e, smaller(staged, 3));
        } else if (e->ended_) {
            return EXO_OK;
        } else {
            int rc = pull_base64(e, out);
            if (rc != EXO_OK) {
                return rc;
            }
        }
    }
}

static int write_script(exo_encoder *e, exo_window *out)
{
    for (; (uint8_t)*e->script_ >= ' '; e->script_++) {
        if (out->pos == out->size) {
            return EXO_AGAIN;
        }
        out->dst[out->pos++] = *e->script_;
    }
    return EXO_OK;
}

/* Begins the piece that the script has come to, or ends the script. */
static int begin_piece(exo_encoder *e)
{
    enum mark mark = (enum mark) * e->script_++;
    switch (mark) {
    case MARK_VALUE_TEXT:
        begin_string(e, e->value_.text, e->value_.escaped);
        return EXO_OK;
    case MARK_VALUE_SOURCE:
        return begin_source(e, e->value_.source, e->value_.base64);
    case MARK_MODEL:
        begin_string(e, e->options_.model, false);
        return EXO_OK;
    case MARK_MEDIA_TYPE:
        begin_string(e, e->file_.media_type, false);
        return EXO_OK;
    case MARK_FILE_NAME:
        begin_string(e, e->file_.name, false);
        return EXO_OK;
    case MARK_FILE_BASE64:
    case MARK_FILE_TEXT:
        return begin_source(e, e->file_.source, mark == MARK_FILE_BASE64);
    default:
        e->script_ = NULL;
        return EXO_OK;
    }
}

static int write_piece(exo_encoder *e, exo_window *out)
{
    switch ((enum piece)e->piece_) {
    case PIECE_STRING:
        return write_string(e, out);
    case PIECE_TEXT:
        return write_text(e, out);
    case PIECE_BASE64:
        return write_base64(e, out);
    default:
        return write_script(e, out);
    }
}

/* Lets the current piece write into the window, and counts and hashes what it wrote. Never writes what the sizing walk
 * did not count, lest a receiver that counts takes a changed body for complete. */
static int write_on(exo_encoder *e, exo_window *out)
{
    size_t room = out->size - out->pos;
    bool source = e->piece_ == PIECE_TEXT || e->piece_ == PIECE_BASE64;
    bool counted = !source || e->source_->rewind;
    bool hashed = !source || !is_uncovered(e);
    exo_window part = {out->dst + out->pos, room, 0};
    if (e->walk_ == WALK_WRITE && counted && e->sized_ - 1 - e->count_ < room) {
        part.size = (size_t)(e->sized_ - 1 - e->count_);
    }
    int rc = write_piece(e, &part);
    e->count_ += counted ? part.pos : 0;
    e->written_ += part.pos;
    out->pos += part.pos;
    if (hashed) {
        digest_add(&e->digest_, part.dst, part.pos);
    }
    if (rc == EXO_AGAIN && part.pos == part.size && part.size < room) {
        return EXO_E_BODY_CHANGED;
    }
    if (rc == EXO_OK && e->piece_ == PIECE_SCRIPT) {
        return begin_piece(e);
    }
    e->piece_ = rc == EXO_OK ? PIECE_SCRIPT : e->piece_;
    return rc;
}

/* ---- Tokens ---- */

/* Begins a script whose first byte is a comma, and says whether what follows it needs one. */
static void emit(exo_encoder *e, const char *script, bool comma_follows)
{
    e->script_ = script + !e->comma_;
    e->comma_ = comma_follows;
}

static bool in_object(const exo_encoder *e, unsigned level)
{
    return level > 0 && bit(e->nest_, level - 1);
}

static const exo_cursor *cursor_of(const exo_encoder *e)
{
    return e->in_extra_ ? e->options_.extra_body : &e->request_;
}

static int enter(exo_encoder *e)
{
    if (e->depth_ >= e->max_depth_) {
        return EXO_E_DEPTH_LIMIT;
    }
    set_bit(e->nest_, e->depth_++, e->value_.type == EXO_VALUE_OBJECT);
    return EXO_OK;
}

/* The next token, into value_, and its place: depth_ is that behind the token. A cursor that breaks the order of tokens
 * cannot lead the encoder astray. */
static int take(exo_encoder *e)
{
    const exo_cursor *cursor = cursor_of(e);
    memset(&e->value_, 0, sizeof e->value_);
    int rc = cursor->ops->next(cursor->ctx, &e->value_);
    if (rc != EXO_EVENT) {
        return rc < 0 ? rc : EXO_E_REQUEST;
    }
    e->cost_ += EXO_JSON_SCRATCH + e->value_.text.len;
    bool wants_key = in_object(e, e->depth_) && !e->keyed_;
    switch (e->value_.type) {
    case EXO_VALUE_KEY:
        e->keyed_ = true;
        return wants_key ? EXO_OK : EXO_E_REQUEST;
    case EXO_VALUE_END:
        if (e->depth_ == 0 || e->keyed_) {
            return EXO_E_REQUEST;
        }
        e->depth_--;
        return EXO_OK;
    default:
        e->keyed_ = false;
        if (wants_key) {
            return EXO_E_REQUEST;
        }
        return e->value_.type == EXO_VALUE_ARRAY || e->value_.type == EXO_VALUE_OBJECT ? enter(e) : EXO_OK;
    }
}

/* Sends the cursor back and takes the brace of its object. */
static int open_object(exo_encoder *e)
{
    const exo_cursor *cursor = cursor_of(e);
    int rc = cursor->ops->rewind(cursor->ctx);
    e->depth_ = 0;
    e->keyed_ = false;
    rc = rc < 0 ? rc : take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    e->wait_ = WAIT_TOKEN;
    return e->value_.type == EXO_VALUE_OBJECT ? EXO_OK : EXO_E_REQUEST;
}

/* Leaves out the value of the key that was just taken. */
static void skip_value(exo_encoder *e)
{
    e->skip_depth_ = e->depth_;
    e->skipped_ = 0;
    e->wait_ = WAIT_SKIPPED;
}

/* Whether the value of a KEY or STRING is, or with `prefix` begins with, `name`. */
static bool text_matches(const exo_value *value, exo_span name, bool prefix)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment = value->text;
    bool last = !value->escaped;
    exo_json_decoder_init(&decoder, value->text);
    for (;;) {
        if (value->escaped) {
            exo_json_decode(&decoder, scratch, &fragment, &last);
        }
        size_t len = smaller(fragment.len, name.len);
        if (!exo_span_equal(exo_span_of(fragment.ptr, len), exo_span_of(name.ptr, len))) {
            return false;
        }
        name = exo_span_of(len > 0 ? name.ptr + len : name.ptr, name.len - len);
        if (last || len < fragment.len || (prefix && name.len == 0)) {
            return name.len == 0 && (prefix || len == fragment.len);
        }
    }
}

static bool text_is(const exo_value *value, const char *name)
{
    return text_matches(value, exo_span_text(name), false);
}

/* Stores the decoded value of a STRING and its length; false when it is longer than `size`. */
static bool copy_text(const exo_value *value, char *dst, size_t size, uint16_t *len)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment = value->text;
    bool last = !value->escaped;
    size_t at = 0;
    exo_json_decoder_init(&decoder, value->text);
    do {
        if (value->escaped) {
            exo_json_decode(&decoder, scratch, &fragment, &last);
        }
        if (fragment.len > size - at) {
            return false;
        }
        if (fragment.len > 0) {
            memcpy(dst + at, fragment.ptr, fragment.len);
        }
        at += fragment.len;
    } while (!last);
    *len = (uint16_t)at;
    return true;
}

/* ---- Top-level keys ---- */

static enum known known_key(const exo_value *key)
{
    unsigned known = 0;
    while (known < KNOWN_NOT && !text_is(key, known_names[known])) {
        known++;
    }
    return (enum known)known;
}

static void set_key(exo_encoder *e, enum known known)
{
    memset(&e->value_, 0, sizeof e->value_);
    e->value_.type = EXO_VALUE_KEY;
    e->value_.text = exo_span_text(known_names[known]);
}

static bool is_dropped(const exo_encoder *e)
{
    for (size_t i = 0; i < e->options_.drop_count; i++) {
        if (text_matches(&e->value_, e->options_.drop[i], false)) {
            return true;
        }
    }
    return false;
}

/* Makes the key in value_ the one that is sent in its place, and says whether that is another. */
static bool rename_key(exo_encoder *e)
{
    for (size_t i = 0; i < e->options_.rename_count; i++) {
        if (text_matches(&e->value_, e->options_.rename[i].from, false)) {
            e->value_.text = e->options_.rename[i].to;
            e->value_.escaped = false;
            return true;
        }
    }
    return false;
}

/* Decoded even if it is not escaped: what a program shows must be valid UTF-8. */
static void keep_error_key(exo_encoder *e)
{
    exo_json_token token = {EXO_JSON_KEY, false, e->value_.text, e->value_.text};
    exo_json_copy(&token, e->key_, sizeof e->key_);
}

/* The hash of the key in value_ as it is sent, so that two spellings of one name are one. */
static uint64_t hash_key(exo_encoder *e)
{
    exo_encode_digest digest = {0, 0, {0}};
    char memory[EXO_JSON_SCRATCH];
    int rc;
    begin_string(e, e->value_.text, e->value_.escaped);
    do {
        exo_window window = {memory, sizeof memory, 0};
        rc = write_string(e, &window);
        digest_add(&digest, memory, window.pos);
    } while (rc == EXO_AGAIN);
    e->piece_ = PIECE_SCRIPT;
    return digest_of(&digest);
}

/* The place of `hash` among the first `count` keys, or `count`. */
static unsigned find_key(const exo_encoder *e, uint64_t hash, unsigned count)
{
    unsigned at = 0;
    while (at < count && e->keys_[at] != hash) {
        at++;
    }
    return at;
}

static int add_key(exo_encoder *e, uint64_t hash, bool renamed)
{
    unsigned at = find_key(e, hash, e->key_count_);
    if (at < e->key_count_) {
        return renamed || bit(e->renamed_, at) ? EXO_E_KEY_COLLISION : EXO_E_DUPLICATE_KEY;
    }
    if (at >= e->max_keys_) {
        return EXO_E_KEYS_LIMIT;
    }
    e->keys_[at] = hash;
    set_bit(e->renamed_, at, renamed);
    e->key_count_++;
    return EXO_OK;
}

/* Notes a key that will be sent, in the keys walk. */
static int new_key(exo_encoder *e, enum known known, uint64_t hash, bool renamed)
{
    e->in_tools_ = known == KNOWN_TOOLS;
    skip_value(e);
    return add_key(e, hash, renamed);
}

/* A key that will be sent. The keys walk has noted it: a request that changed since then is found here, before a key
 * could be sent twice. */
static int sent_key(exo_encoder *e, enum known known, uint64_t hash, unsigned end)
{
    if (e->key_at_ == end || e->keys_[e->key_at_++] != hash) {
        return EXO_E_BODY_CHANGED;
    }
    if (known == KNOWN_CHOICE && !e->has_tools_) {
        skip_value(e);
    } else if (known == KNOWN_STREAM && !e->in_extra_) {
        emit(e, ",\"" VALUE_TEXT "\":true", true);
        skip_value(e);
    } else if (known == KNOWN_MODEL && !e->in_extra_ && e->options_.model.len > 0) {
        emit(e, ",\"" VALUE_TEXT "\":\"" MODEL "\"", true);
        skip_value(e);
    } else {
        emit(e, ",\"" VALUE_TEXT "\":", false);
    }
    return EXO_OK;
}

static int request_key(exo_encoder *e, enum known known)
{
    if (is_dropped(e)) {
        skip_value(e);
        return EXO_OK;
    }
    bool renamed = rename_key(e);
    uint64_t hash = hash_key(e);
    e->in_messages_ = e->in_messages_ || text_is(&e->value_, known_names[KNOWN_MESSAGES]);
    e->seen_ |= (uint8_t)(1U << known);
    return e->walk_ == WALK_KEYS ? new_key(e, known, hash, renamed) : sent_key(e, known, hash, e->request_keys_);
}

static int extra_key(exo_encoder *e, enum known known)
{
    uint64_t hash = hash_key(e);
    unsigned at = find_key(e, hash, e->own_keys_);
    if (at == e->own_keys_) {
        return e->walk_ == WALK_KEYS ? new_key(e, known, hash, false) : sent_key(e, known, hash, e->key_count_);
    }
    if (e->walk_ == WALK_KEYS && bit(e->shadowed_, at)) {
        return EXO_E_DUPLICATE_KEY;
    }
    set_bit(e->shadowed_, at, true);
    skip_value(e);
    return EXO_OK;
}

static int top_key(exo_encoder *e)
{
    enum known known = known_key(&e->value_);
    keep_error_key(e);
    e->in_messages_ = known == KNOWN_MESSAGES;
    e->in_content_ = false;
    e->in_tools_ = false;
    return e->in_extra_ ? extra_key(e, known) : request_key(e, known);
}

/* Notes a key that the encoder adds where the request has none, in the keys walk. */
static int add_own_key(exo_encoder *e, enum known known)
{
    set_key(e, known);
    if (e->seen_ >> known & 1 || is_dropped(e)) {
        return EXO_OK;
    }
    keep_error_key(e);
    bool renamed = rename_key(e);
    uint64_t hash = hash_key(e);
    if (known == KNOWN_USAGE && find_key(e, hash, e->key_count_) < e->key_count_) {
        return EXO_OK;
    }
    e->added_ |= (uint8_t)(1U << known);
    return add_key(e, hash, renamed);
}

/* Begins a script with a key that the keys walk has added. */
static void emit_own_key(exo_encoder *e, enum known known, const char *script)
{
    if (e->added_ >> known & 1) {
        set_key(e, known);
        rename_key(e);
        emit(e, script, true);
    }
}

/* "stream_options" goes only with a "stream". */
static int add_usage_key(exo_encoder *e)
{
    set_key(e, KNOWN_STREAM);
    return is_dropped(e) ? EXO_OK : add_own_key(e, KNOWN_USAGE);
}

/* ---- Messages and their parts ---- */

/* Whether the innermost object is a message, or a part in the list that is a message's content. */
static bool is_message(const exo_encoder *e)
{
    return e->in_messages_ && e->depth_ == MESSAGE_DEPTH && (e->nest_[0] & 7) == 5;
}

static bool is_part(const exo_encoder *e)
{
    return e->in_content_ && e->depth_ == PART_DEPTH && (e->nest_[0] & 31) == 21;
}

/* Looks for file keys before anything of the object is written: they may stand at its end. */
static int begin_look(exo_encoder *e)
{
    const exo_cursor *cursor = cursor_of(e);
    e->look_depth_ = e->depth_;
    e->want_ = WANT_NOTHING;
    e->has_path_ = false;
    e->has_content_ = false;
    e->media_type_len_ = 0;
    e->wait_ = WAIT_LOOKED;
    int rc = cursor->ops->mark(cursor->ctx);
    return rc < 0 ? rc : EXO_OK;
}

static int note_path(exo_encoder *e)
{
    if (e->value_.type == EXO_VALUE_NULL) {
        return EXO_OK;
    }
    e->has_path_ = true;
    if (e->value_.type != EXO_VALUE_STRING || !copy_text(&e->value_, e->scratch_, EXO_PATH_MAX, &e->path_len_) ||
        memchr(e->scratch_, 0, e->path_len_)) {
        return EXO_E_REQUEST;
    }
    return EXO_OK;
}

/* A bad type is an error only beside a file. */
static void note_media_type(exo_encoder *e)
{
    if (e->value_.type == EXO_VALUE_NULL) {
        return;
    }
    if (e->value_.type != EXO_VALUE_STRING ||
        !copy_text(&e->value_, e->scratch_ + MEDIA_TYPE_AT, EXO_MEDIA_TYPE_MAX, &e->media_type_len_)) {
        e->media_type_len_ = MEDIA_TYPE_TOO_LONG;
    }
}

/* Asks the opener for the file that the object names. EXO_NOT_FOUND where that is no error. */
static int open_file(exo_encoder *e)
{
    const exo_file_opener *opener = e->in_extra_ ? NULL : e->options_.opener;
    if (e->media_type_len_ > EXO_MEDIA_TYPE_MAX) {
        return EXO_E_REQUEST;
    }
    if (!opener) {
        return EXO_E_FILE_REFUSED;
    }
    memset(&e->file_, 0, sizeof e->file_);
    int rc = opener->open(opener->ctx, exo_span_of(e->scratch_, e->path_len_),
                          exo_span_of(e->scratch_ + MEDIA_TYPE_AT, e->media_type_len_), &e->file_);
    if (rc == EXO_NOT_FOUND && e->has_content_) {
        return EXO_NOT_FOUND;
    }
    if (rc < 0) {
        return rc;
    }
    return rc == EXO_OK && e->file_.source ? EXO_OK : EXO_E_SOURCE_READ;
}

/* Whether a media type, its parameters apart, is `name`, or begins with it where `name` ends in a slash. */
static bool media_type_is(exo_span type, const char *name)
{
    size_t at = 0;
    while (at < type.len && name[at] && (type.ptr[at] | 0x20) == name[at]) {
        at++;
    }
    return !name[at] && (name[at - 1] == '/' || at == type.len || type.ptr[at] == ';' || type.ptr[at] == ' ');
}

static enum part part_of(exo_span media_type)
{
    static const char types[][12] = {"image/", "audio/wav", "audio/mpeg", "text/"};
    unsigned part = 0;
    while (part < PART_FILE && !media_type_is(media_type, types[part])) {
        part++;
    }
    return (enum part)part;
}

static void emit_part(exo_encoder *e)
{
    if (e->file_.media_type.len == 0) {
        e->file_.media_type = exo_span_text("application/octet-stream");
    }
    e->part_ = (uint8_t)part_of(e->file_.media_type);
    switch ((enum part)e->part_) {
    case PART_IMAGE:
        emit(e,
             ",{\"type\":\"image_url\",\"image_url\":"
             "{\"url\":\"data:" MEDIA_TYPE ";base64," FILE_BASE64 "\"}",
             true);
        return;
    case PART_WAV:
    case PART_MP3:
        /* A part of this type has a format in the place of the file's name. */
        e->file_.name = exo_span_text(e->part_ == PART_WAV ? "wav" : "mp3");
        emit(e,
             ",{\"type\":\"input_audio\",\"input_audio\":"
             "{\"data\":\"" FILE_BASE64 "\",\"format\":\"" FILE_NAME "\"}",
             true);
        return;
    case PART_TEXT:
        emit(e, ",{\"type\":\"text\",\"text\":\"" FILE_TEXT "\"", true);
        return;
    default:
        emit(e,
             ",{\"type\":\"file\",\"file\":"
             "{\"filename\":\"" FILE_NAME "\",\"file_data\":\"data:" MEDIA_TYPE ";base64," FILE_BASE64 "\"}",
             true);
    }
}

/* The object has been looked through: back to its first key, and on with or without a file. */
static int end_look(exo_encoder *e)
{
    const exo_cursor *cursor = cursor_of(e);
    bool message = e->look_depth_ == MESSAGE_DEPTH;
    int rc = cursor->ops->reset(cursor->ctx);
    if (rc < 0) {
        return rc;
    }
    e->depth_ = e->look_depth_;
    e->wait_ = WAIT_TOKEN;
    rc = e->has_path_ ? open_file(e) : EXO_NOT_FOUND;
    if (rc < 0) {
        return rc;
    }
    e->in_content_ = !message;
    e->content_file_ = message ? rc == EXO_OK : e->content_file_;
    e->part_file_ = !message && rc == EXO_OK;
    e->content_sent_ = false;
    if (e->part_file_) {
        emit_part(e);
    } else {
        emit(e, ",{", false);
    }
    return EXO_OK;
}

/* One token of the look. Behind a wanted key, the next one is its value or the bracket of it. */
static int look(exo_encoder *e)
{
    int rc = take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    if (e->depth_ < e->look_depth_) {
        return end_look(e);
    }
    enum want want = (enum want)e->want_;
    e->want_ = WANT_NOTHING;
    if (want == WANT_PATH) {
        return note_path(e);
    }
    if (want == WANT_TYPE) {
        note_media_type(e);
    } else if (e->value_.type == EXO_VALUE_KEY && e->depth_ == e->look_depth_) {
        bool message = e->look_depth_ == MESSAGE_DEPTH;
        if (text_is(&e->value_, message ? "_content_file" : "_file")) {
            e->want_ = WANT_PATH;
        } else if (!message && text_is(&e->value_, "_type")) {
            e->want_ = WANT_TYPE;
        } else if (message && text_is(&e->value_, "content")) {
            e->has_content_ = true;
        }
    }
    return EXO_OK;
}

static int open_key(exo_encoder *e)
{
    emit(e, ",\"" VALUE_TEXT "\":", false);
    return EXO_OK;
}

/* A key of a message, or of an object that names a file. */
static int public_key(exo_encoder *e)
{
    if (text_matches(&e->value_, exo_span_of("_", 1), true)) {
        skip_value(e);
        return EXO_OK;
    }
    return open_key(e);
}

/* The file's text stands where the first of the two keys stood. */
static int message_key(exo_encoder *e)
{
    e->in_content_ = text_is(&e->value_, "content");
    if (!e->content_file_ || !(e->in_content_ || text_is(&e->value_, "_content_file"))) {
        return public_key(e);
    }
    if (!e->content_sent_) {
        emit(e, ",\"content\":\"" FILE_TEXT "\"", true);
    }
    e->content_sent_ = true;
    skip_value(e);
    return EXO_OK;
}

/* What the file makes of the object cannot be there twice. */
static int part_key(exo_encoder *e)
{
    if (text_is(&e->value_, "type") || text_is(&e->value_, part_payloads[e->part_])) {
        return EXO_E_DUPLICATE_KEY;
    }
    return public_key(e);
}

/* ---- Walks ---- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Whether `text` is a number by RFC 8259, section 6: the only JSON that begins with a digit or a minus; it ends with a
 * digit. */
static bool is_number(exo_span text)
{
    return text.len > 0 && (is_digit(*text.ptr) || *text.ptr == '-') && is_digit(text.ptr[text.len - 1]) &&
           exo_json_check(text, 1, NULL) == EXO_OK;
}

static int number(exo_encoder *e)
{
    exo_value *value = &e->value_;
    if (value->type == EXO_VALUE_INT) {
        value->text = exo_span_of(e->scratch_, exo_json_write_int64(e->scratch_, value->number.i));
    } else if (value->type == EXO_VALUE_UINT) {
        value->text = exo_span_of(e->scratch_, exo_json_write_uint64(e->scratch_, value->number.u));
    } else if (!is_number(value->text)) {
        return EXO_E_NUMBER;
    }
    value->escaped = false;
    emit(e, "," VALUE_TEXT, true);
    return EXO_OK;
}

/* What is behind the request in the keys walk: nothing of the request itself, but keys of ours. */
static int end_keys(exo_encoder *e)
{
    const exo_cursor *cursor = cursor_of(e);
    int rc = cursor->ops->next(cursor->ctx, &e->value_);
    if (rc != EXO_OK || e->in_extra_) {
        e->extra_keys_ = e->key_count_;
        return rc > 0 ? EXO_E_REQUEST : rc;
    }
    e->request_keys_ = e->key_count_;
    rc = e->options_.model.len > 0 ? add_own_key(e, KNOWN_MODEL) : EXO_OK;
    rc = rc == EXO_OK ? add_own_key(e, KNOWN_STREAM) : rc;
    e->own_keys_ = e->extra_keys_ = e->key_count_;
    return rc;
}

/* The request's object, or that of extra_body, is complete. */
static int end_object(exo_encoder *e)
{
    e->key_[0] = '\0';
    e->wait_ = !e->in_extra_ && e->options_.extra_body ? WAIT_EXTRA : WAIT_STREAM;
    if (e->walk_ == WALK_KEYS) {
        return end_keys(e);
    }
    unsigned end = e->in_extra_ ? e->extra_keys_ : e->request_keys_;
    int rc = e->key_at_ == end ? EXO_OK : EXO_E_BODY_CHANGED;
    e->key_at_ = e->own_keys_;
    return rc;
}

static int pass_end(exo_encoder *e)
{
    if (e->depth_ == 0) {
        return end_object(e);
    }
    e->script_ = in_object(e, e->depth_ + 1U) ? "}" : "]";
    e->comma_ = true;
    return EXO_OK;
}

static int pass_key(exo_encoder *e)
{
    if (e->depth_ == 1) {
        return top_key(e);
    }
    if (is_message(e)) {
        return message_key(e);
    }
    if (e->part_file_ && is_part(e)) {
        return part_key(e);
    }
    return open_key(e);
}

/* Sends the next token on. The keys walk sees only top-level keys here: it skips their values. */
static int pass(exo_encoder *e)
{
    int rc = take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    switch (e->value_.type) {
    case EXO_VALUE_NULL:
        emit(e, ",null", true);
        return EXO_OK;
    case EXO_VALUE_FALSE:
        emit(e, ",false", true);
        return EXO_OK;
    case EXO_VALUE_TRUE:
        emit(e, ",true", true);
        return EXO_OK;
    case EXO_VALUE_INT:
    case EXO_VALUE_UINT:
    case EXO_VALUE_NUMBER:
        return number(e);
    case EXO_VALUE_STRING:
        emit(e, ",\"" VALUE_TEXT "\"", true);
        return EXO_OK;
    case EXO_VALUE_SOURCE:
        emit(e, ",\"" VALUE_TEXT VALUE_SOURCE "\"", true);
        return EXO_OK;
    case EXO_VALUE_KEY:
        return pass_key(e);
    case EXO_VALUE_ARRAY:
        emit(e, ",[", false);
        return EXO_OK;
    case EXO_VALUE_OBJECT:
        if (is_message(e) || is_part(e)) {
            return begin_look(e);
        }
        emit(e, ",{", false);
        return EXO_OK;
    case EXO_VALUE_END:
        return pass_end(e);
    default:
        return EXO_E_TYPE;
    }
}

static int skip(exo_encoder *e)
{
    int rc = take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    e->skipped_ = (uint8_t)(e->skipped_ + (e->skipped_ < UINT8_MAX));
    if (e->depth_ == e->skip_depth_) {
        /* An empty list has two tokens, and a scalar one. */
        e->has_tools_ = e->has_tools_ || (e->in_tools_ && e->skipped_ > 2);
        e->wait_ = WAIT_TOKEN;
    }
    return EXO_OK;
}

static int begin_walk(exo_encoder *e)
{
    e->key_[0] = '\0';
    e->in_extra_ = false;
    e->comma_ = false;
    e->key_at_ = 0;
    e->count_ = 0;
    e->written_ = 0;
    memset(&e->digest_, 0, sizeof e->digest_);
    int rc = open_object(e);
    if (rc != EXO_OK || e->walk_ == WALK_KEYS) {
        return rc;
    }
    emit(e, ",{", false);
    emit_own_key(e, KNOWN_MODEL, ",{\"" VALUE_TEXT "\":\"" MODEL "\"");
    return EXO_OK;
}

/* Both objects are complete: the keys of ours at the end, one per step, or the end of the keys walk. */
static int end_keys_of_ours(exo_encoder *e)
{
    e->key_[0] = '\0';
    if (e->walk_ == WALK_KEYS) {
        e->walk_ = WALK_SIZE;
        e->wait_ = WAIT_REQUEST;
        return add_usage_key(e);
    }
    if (e->wait_ == WAIT_STREAM) {
        emit_own_key(e, KNOWN_STREAM, ",\"" VALUE_TEXT "\":true");
        e->wait_ = WAIT_USAGE;
    } else {
        emit_own_key(e, KNOWN_USAGE, ",\"" VALUE_TEXT "\":{\"include_usage\":true}");
        e->wait_ = WAIT_AGREEMENT;
    }
    return EXO_OK;
}

/* Only the last brace is missing. */
static int agree(exo_encoder *e, exo_window *out)
{
    uint64_t hash = digest_of(&e->digest_);
    if (e->walk_ == WALK_SIZE) {
        e->sized_ = e->count_ + 1;
        e->sized_hash_ = hash;
        e->walk_ = WALK_WRITE;
        e->wait_ = WAIT_REQUEST;
        return EXO_DONE;
    }
    if (e->sized_ != e->count_ + 1 || e->sized_hash_ != hash) {
        return EXO_E_BODY_CHANGED;
    }
    if (out->pos == out->size) {
        return EXO_AGAIN;
    }
    out->dst[out->pos++] = '}';
    e->written_++;
    e->wait_ = WAIT_NOTHING;
    return EXO_DONE;
}

/* One token, or one piece into the window. EXO_OK: go on; EXO_DONE: the walk is over; EXO_AGAIN: no room, or no data.
 */
static int step(exo_encoder *e, exo_window *out)
{
    if (e->script_) {
        return write_on(e, out);
    }
    switch ((enum wait)e->wait_) {
    case WAIT_REQUEST:
        return begin_walk(e);
    case WAIT_TOKEN:
        return pass(e);
    case WAIT_SKIPPED:
        return skip(e);
    case WAIT_LOOKED:
        return look(e);
    case WAIT_EXTRA:
        e->key_[0] = '\0';
        e->in_extra_ = true;
        return open_object(e);
    case WAIT_STREAM:
    case WAIT_USAGE:
        return end_keys_of_ours(e);
    case WAIT_AGREEMENT:
        return agree(e, out);
    default:
        return EXO_DONE;
    }
}

/* ---- Calls ---- */

int exo_encode_init(exo_encoder *encoder, const exo_cursor *request, const exo_encode_options *options)
{
    static const exo_encode_options defaults = EXO_ENCODE_OPTIONS_INIT;
    const exo_encode_options *given = options ? options : &defaults;
    if (!encoder || !request || !request->ops || given->size < sizeof *given ||
        (given->drop_count > 0 && !given->drop) || (given->rename_count > 0 && !given->rename) ||
        (given->extra_body && !given->extra_body->ops)) {
        return EXO_E_ARGUMENT;
    }
    memset(encoder, 0, sizeof *encoder);
    encoder->request_ = *request;
    encoder->options_ = *given;
    const exo_limits *limits = given->limits ? given->limits : exo_limits_host();
    encoder->max_keys_ = (uint8_t)smaller(limits->keys, EXO_KEYS_MAX);
    encoder->max_depth_ = (uint8_t)smaller(limits->depth, EXO_JSON_DEPTH_MAX);
    return EXO_OK;
}

int exo_encode_size(exo_encoder *encoder, size_t budget)
{
    char memory[1024];
    size_t done = 0;
    int rc = encoder->error_;
    if (rc == EXO_OK && encoder->walk_ == WALK_WRITE) {
        return EXO_OK;
    }
    while (rc == EXO_OK) {
        exo_window sink = {memory, sizeof memory, 0};
        encoder->cost_ = 0;
        rc = step(encoder, &sink);
        done += encoder->cost_ + sink.pos;
        if (rc == EXO_OK && done >= budget) {
            return EXO_AGAIN;
        }
        /* A full sink is an empty one. */
        rc = rc == EXO_AGAIN && sink.pos > 0 && done < budget ? EXO_OK : rc;
    }
    if (rc < 0) {
        encoder->error_ = rc;
    }
    return rc == EXO_DONE ? EXO_OK : rc;
}

uint64_t exo_encode_total(const exo_encoder *encoder)
{
    return encoder->walk_ == WALK_WRITE && !encoder->once_ ? encoder->sized_ : EXO_SIZE_UNKNOWN;
}

int exo_encode_write(exo_encoder *encoder, exo_window *window)
{
    int rc = encoder->error_;
    if (rc == EXO_OK && encoder->walk_ != WALK_WRITE) {
        return EXO_E_STATE;
    }
    while (rc == EXO_OK) {
        rc = step(encoder, window);
    }
    if (rc < 0) {
        encoder->error_ = rc;
    }
    return rc == EXO_DONE ? EXO_OK : rc;
}

uint64_t exo_encode_written(const exo_encoder *encoder)
{
    return encoder->written_;
}

int exo_encode_rewind(exo_encoder *encoder)
{
    if (encoder->error_ != EXO_OK) {
        return encoder->error_;
    }
    if (encoder->walk_ != WALK_WRITE) {
        return EXO_E_STATE;
    }
    if (encoder->spent_) {
        encoder->error_ = EXO_E_SOURCE_ONCE;
        return EXO_E_SOURCE_ONCE;
    }
    encoder->script_ = NULL;
    encoder->piece_ = PIECE_SCRIPT;
    encoder->wait_ = WAIT_REQUEST;
    encoder->written_ = 0;
    encoder->key_[0] = '\0';
    return EXO_OK;
}

const char *exo_encode_error_key(const exo_encoder *encoder)
{
    return encoder->key_;
}
