/*
 * encode.c: a request and its options → the bytes of a chat-completions body.
 *
 * It opens no file, knows no transport and holds no part of the body: the client and the bindings give it a cursor and
 * sources, size the body, and take it out window by window. Its memory is the encoder, with a hash per top-level key
 * and one piece of a source that is read ahead.
 *
 * Three walks: over the keys, to size, to write. The second and the third are the same code with another window, so
 * they cannot disagree about what is sent; what they leave in the window is counted and hashed. One step takes one
 * token and turns it into a script, or lets the script write a piece of the body (encode_piece.c).
 */
#include "ascii.h"
#include "encode_walk.h"

/* The keys that mean something to the encoder, by their names in the request. */
enum known {
    KNOWN_MODEL,
    KNOWN_STREAM,
    KNOWN_USAGE,
    KNOWN_TOOLS,
    KNOWN_CHOICE,
    KNOWN_PARALLEL,
    KNOWN_MESSAGES,
    KNOWN_NOT
};

static const char known_names[] = "model\0stream\0stream_options\0tools\0tool_choice\0parallel_tool_calls\0messages";

/* How the first of them are sent that the encoder writes itself. */
static const char own_scripts[] = ",\"" VALUE_TEXT "\":\"" MODEL "\"\0"
                                  ",\"" VALUE_TEXT "\":true\0"
                                  ",\"" VALUE_TEXT "\":{\"include_usage\":true}";

static const char *encode_own_script(enum known known)
{
    return exo_ascii_string(own_scripts, known);
}

static const char *encode_known_name(unsigned known)
{
    return exo_ascii_string(known_names, known);
}

static size_t encode_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What the two lowest bits of a key's hash say. */
enum {
    KEY_RENAMED = 1, /* it has another name in the request */
    KEY_SHADOWS = 2, /* extra_body has it too */
    KEY_MARKS = 3
};

/* ---- Tokens ---- */

/* nest_ has a bit per open array or object. */
static bool encode_in_object(const exo_encoder *e, unsigned level)
{
    return level > 0 && e->nest_[(level - 1) / 8] >> (level - 1) % 8 & 1;
}

static void encode_open_level(exo_encoder *e, bool object)
{
    uint8_t *bits = &e->nest_[e->depth_ / 8];
    unsigned mask = 1U << e->depth_++ % 8;
    *bits = (uint8_t)(object ? *bits | mask : *bits & ~mask);
}

/* The next token, into value_, and its place: depth_ is that behind the token. A cursor that breaks the order of tokens
 * cannot lead the encoder astray. */
static int encode_take(exo_encoder *e)
{
    memset(&e->value_, 0, sizeof e->value_);
    int rc = e->cursor_->ops->next(e->cursor_->ctx, &e->value_);
    if (rc != EXO_EVENT) {
        return rc < 0 ? rc : EXO_E_REQUEST;
    }
    e->cost_ += EXO_JSON_SCRATCH + e->value_.text.len;
    const exo_value_type type = e->value_.type;
    const bool wants_key = encode_in_object(e, e->depth_) && !e->keyed_;
    const bool may_end = e->depth_ > 0 && !e->keyed_;
    if (type == EXO_VALUE_END ? !may_end : (type == EXO_VALUE_KEY) != wants_key) {
        return EXO_E_REQUEST;
    }
    e->keyed_ = type == EXO_VALUE_KEY;
    if (type == EXO_VALUE_END) {
        e->depth_--;
    } else if (type == EXO_VALUE_ARRAY || type == EXO_VALUE_OBJECT) {
        if (e->depth_ >= e->max_depth_) {
            return EXO_E_DEPTH_LIMIT;
        }
        encode_open_level(e, type == EXO_VALUE_OBJECT);
    }
    return EXO_OK;
}

/* Sends the cursor back and takes the brace of its object. */
static int encode_open_object(exo_encoder *e, const exo_cursor *cursor)
{
    int rc = cursor->ops->rewind(cursor->ctx);
    e->cursor_ = cursor;
    e->in_extra_ = cursor != &e->request_;
    e->key_[0] = '\0';
    e->depth_ = 0;
    e->keyed_ = false;
    rc = rc < 0 ? rc : encode_take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    e->wait_ = WAIT_TOKEN;
    return e->value_.type == EXO_VALUE_OBJECT ? EXO_OK : EXO_E_REQUEST;
}

/* ---- Top-level keys ---- */

static enum known encode_known_key(const exo_encoder *e)
{
    unsigned known = e->options_.as_is ? KNOWN_MESSAGES : 0;
    while (known < KNOWN_NOT && !exo_encode_key_is(e, encode_known_name(known))) {
        known++;
    }
    return (enum known)known;
}

/* Makes `text`, as it stands, that of the token. */
static void encode_set_text(exo_encoder *e, exo_span text)
{
    e->value_.text = text;
    e->value_.escaped = false;
}

static void encode_set_key(exo_encoder *e, enum known known)
{
    encode_set_text(e, exo_span_text(encode_known_name(known)));
}

static bool encode_is_dropped(const exo_encoder *e)
{
    for (size_t i = 0; i < e->options_.drop_count; i++) {
        if (exo_value_is(&e->value_, e->options_.drop[i])) {
            return true;
        }
    }
    return false;
}

/* Makes the key in value_ the one that is sent in its place, and says whether that is another. */
static bool encode_rename_key(exo_encoder *e)
{
    for (size_t i = 0; i < e->options_.rename_count; i++) {
        if (exo_value_is(&e->value_, e->options_.rename[i].from)) {
            encode_set_text(e, e->options_.rename[i].to);
            return true;
        }
    }
    return false;
}

/* Decoded even if it is not escaped: what a program shows must be valid UTF-8. */
static void encode_keep_error_key(exo_encoder *e)
{
    exo_encode_copy_text(e, false, e->key_, sizeof e->key_);
}

/* Whether the key at hand is number `at`. */
static bool encode_is_key(const exo_encoder *e, unsigned at)
{
    return (e->keys_[at] ^ e->hash_) <= KEY_MARKS;
}

/* The place of the key at hand among the first `count`, or `count`. */
static unsigned encode_find_key(const exo_encoder *e, unsigned count)
{
    unsigned at = 0;
    while (at < count && !encode_is_key(e, at)) {
        at++;
    }
    return at;
}

static int encode_add_key(exo_encoder *e, bool renamed)
{
    unsigned at = encode_find_key(e, e->key_count_);
    if (at < e->key_count_) {
        return renamed || (e->keys_[at] & KEY_RENAMED) ? EXO_E_KEY_COLLISION : EXO_E_DUPLICATE_KEY;
    }
    if (at >= e->max_keys_) {
        return EXO_E_KEYS_LIMIT;
    }
    e->keys_[at] = (e->hash_ & ~(uint64_t)KEY_MARKS) | (renamed ? KEY_RENAMED : 0);
    e->key_count_++;
    return EXO_OK;
}

/* Where the keys end of the object that is walked. */
static unsigned encode_end_of_keys(const exo_encoder *e)
{
    return e->in_extra_ ? e->extra_keys_ : e->request_keys_;
}

/* Whether a key is about tools where there are none: an empty list of them, or what goes with a list. */
static bool encode_is_idle(const exo_encoder *e, enum known known)
{
    return known == KNOWN_TOOLS ? e->empty_tools_
                                : (known == KNOWN_CHOICE || known == KNOWN_PARALLEL) && !e->has_tools_;
}

/* A key that will be sent. The keys walk has noted it: a request that changed since then is found here, before a key
 * could be sent twice. */
static int encode_sent_key(exo_encoder *e, enum known known)
{
    if (e->key_at_ == encode_end_of_keys(e) || !encode_is_key(e, e->key_at_++)) {
        return EXO_E_BODY_CHANGED;
    }
    const bool own = !e->in_extra_ && (known == KNOWN_STREAM || (known == KNOWN_MODEL && e->options_.model.len > 0));
    if (own) {
        exo_encode_emit(e, encode_own_script(known), true);
    } else if (!encode_is_idle(e, known)) {
        return exo_encode_emit(e, ",\"" VALUE_TEXT "\":", false);
    }
    return exo_encode_skip_value(e);
}

/* A key that will be sent: in the keys walk it is noted. */
static int encode_new_key(exo_encoder *e, enum known known, bool renamed)
{
    if (e->walk_ != WALK_KEYS) {
        return encode_sent_key(e, known);
    }
    e->in_tools_ = known == KNOWN_TOOLS;
    exo_encode_skip_value(e);
    return encode_add_key(e, renamed);
}

static int encode_request_key(exo_encoder *e, enum known known)
{
    if (encode_is_dropped(e)) {
        return exo_encode_skip_value(e);
    }
    bool renamed = encode_rename_key(e);
    exo_encode_hash_text(e);
    e->in_messages_ |= encode_known_key(e) == KNOWN_MESSAGES;
    e->seen_ |= (uint8_t)(1U << known);
    return encode_new_key(e, known, renamed);
}

static int encode_extra_key(exo_encoder *e, enum known known)
{
    exo_encode_hash_text(e);
    unsigned at = encode_find_key(e, e->own_keys_);
    if (at == e->own_keys_) {
        return encode_new_key(e, known, false);
    }
    if (e->walk_ == WALK_KEYS && (e->keys_[at] & KEY_SHADOWS)) {
        return EXO_E_DUPLICATE_KEY;
    }
    e->keys_[at] |= KEY_SHADOWS;
    return exo_encode_skip_value(e);
}

static int encode_top_key(exo_encoder *e)
{
    enum known known = encode_known_key(e);
    encode_keep_error_key(e);
    e->in_messages_ = known == KNOWN_MESSAGES;
    e->in_content_ = false;
    e->in_tools_ = false;
    return e->in_extra_ ? encode_extra_key(e, known) : encode_request_key(e, known);
}

/* Notes a key that the encoder adds where the request has none, in the keys walk. */
static int encode_add_own_key(exo_encoder *e, enum known known)
{
    encode_set_key(e, known);
    if (e->options_.as_is || e->seen_ >> known & 1 || encode_is_dropped(e)) {
        return EXO_OK;
    }
    encode_keep_error_key(e);
    bool renamed = encode_rename_key(e);
    exo_encode_hash_text(e);
    if (known == KNOWN_USAGE && encode_find_key(e, e->key_count_) < e->key_count_) {
        return EXO_OK;
    }
    e->added_ |= (uint8_t)(1U << known);
    return encode_add_key(e, renamed);
}

/* "stream_options" goes only with a "stream". */
static int encode_add_usage_key(exo_encoder *e)
{
    encode_set_key(e, KNOWN_STREAM);
    return encode_is_dropped(e) ? EXO_OK : encode_add_own_key(e, KNOWN_USAGE);
}

/* ---- Walks ---- */

/* Whether `text` is a number by RFC 8259, section 6: the only JSON that ends with a digit; no white space stands around
 * it. */
static bool encode_is_number(exo_span text)
{
    return text.len > 0 && *text.ptr > ' ' && ascii_is_digit(text.ptr[text.len - 1]) &&
           exo_json_check(text, 1, NULL) == EXO_OK;
}

/* Makes the token's number its text. */
static int encode_number(exo_encoder *e)
{
    const exo_value *value = &e->value_;
    exo_span text = value->text;
    if (value->type == EXO_VALUE_INT) {
        text = exo_span_of(e->scratch_, exo_json_write_int64(e->scratch_, value->number.i));
    } else if (value->type == EXO_VALUE_UINT) {
        text = exo_span_of(e->scratch_, exo_json_write_uint64(e->scratch_, value->number.u));
    } else if (!encode_is_number(text)) {
        return EXO_E_NUMBER;
    }
    encode_set_text(e, text);
    return EXO_OK;
}

/* What is behind the request in the keys walk: nothing of the request itself, but keys of ours. */
static int encode_end_keys(exo_encoder *e)
{
    int rc = e->cursor_->ops->next(e->cursor_->ctx, &e->value_);
    if (rc != EXO_OK || e->in_extra_) {
        e->extra_keys_ = e->key_count_;
        return rc > 0 ? EXO_E_REQUEST : rc;
    }
    e->request_keys_ = e->key_count_;
    rc = e->options_.model.len > 0 ? encode_add_own_key(e, KNOWN_MODEL) : EXO_OK;
    rc = rc == EXO_OK ? encode_add_own_key(e, KNOWN_STREAM) : rc;
    e->own_keys_ = e->extra_keys_ = e->key_count_;
    return rc;
}

/* The request's object, or that of extra_body, is complete. */
static int encode_end_object(exo_encoder *e)
{
    e->key_[0] = '\0';
    e->wait_ = !e->in_extra_ && e->options_.extra_body ? WAIT_EXTRA : WAIT_STREAM;
    if (e->walk_ == WALK_KEYS) {
        return encode_end_keys(e);
    }
    int rc = e->key_at_ == encode_end_of_keys(e) ? EXO_OK : EXO_E_BODY_CHANGED;
    e->key_at_ = e->own_keys_;
    return rc;
}

static int encode_pass_end(exo_encoder *e)
{
    if (e->depth_ == 0) {
        return encode_end_object(e);
    }
    e->script_ = encode_in_object(e, e->depth_ + 1U) ? "}" : "]";
    e->first_ = false;
    return EXO_OK;
}

/* What tokens are written as, by their type; keys, objects and ends otherwise. */
#define SCRIPTS(script) \
    script(/* NULL */ ",null") script(/* FALSE */ ",false") script(/* TRUE */ ",true") \
        script(/* INT */ "," VALUE_TEXT) script(/* UINT */ "," VALUE_TEXT) script(/* NUMBER */ "," VALUE_TEXT) \
            script(/* STRING */ ",\"" VALUE_TEXT "\"") script(/* SOURCE */ ",\"" VALUE_TEXT VALUE_SOURCE "\"") \
                script(/* KEY */ "") script(/* ARRAY */ ",[")

static const char *encode_script(exo_value_type type)
{
#ifdef EXO_SMALL
#define SCRIPT(text) text "\0"
    static const char scripts[] = SCRIPTS(SCRIPT);
    return exo_ascii_string(scripts, type);
#else
#define SCRIPT(text) text,
    static const char scripts[][8] = {SCRIPTS(SCRIPT)};
    return scripts[type];
#endif
#undef SCRIPT
}

/* Sends the token on that was just taken. The keys walk sees only top-level keys here: it skips their values. */
static int encode_pass(exo_encoder *e)
{
    const exo_value_type type = e->value_.type;
    int rc = EXO_OK;
    switch (type) {
    case EXO_VALUE_INT:
    case EXO_VALUE_UINT:
    case EXO_VALUE_NUMBER:
        rc = encode_number(e);
        break;
    case EXO_VALUE_KEY:
        return e->depth_ == 1 ? encode_top_key(e) : exo_encode_inner_key(e);
    case EXO_VALUE_OBJECT:
        return exo_encode_inner_object(e);
    case EXO_VALUE_END:
        return encode_pass_end(e);
    default:
        break;
    }
    if ((unsigned)type > EXO_VALUE_END) {
        return EXO_E_TYPE;
    }
    exo_encode_emit(e, encode_script(type), type != EXO_VALUE_ARRAY);
    return rc;
}

/* Counts the token that was just taken and is not sent. */
static int encode_skip(exo_encoder *e)
{
    e->skipped_ = (uint8_t)(e->skipped_ + (e->skipped_ < UINT8_MAX));
    if (e->depth_ == e->skip_depth_) {
        /* An empty list has two tokens, and a scalar one. */
        e->has_tools_ |= e->in_tools_ && e->skipped_ > 2;
        e->empty_tools_ |= e->in_tools_ && e->skipped_ == 2;
        e->wait_ = WAIT_TOKEN;
    }
    return EXO_OK;
}

static int encode_begin_walk(exo_encoder *e)
{
    e->first_ = true;
    e->key_at_ = 0;
    exo_encode_begin_sum(e);
    int rc = encode_open_object(e, &e->request_);
    if (rc == EXO_OK && e->walk_ != WALK_KEYS) {
        exo_encode_emit(e, ",{", false);
        e->wait_ = WAIT_MODEL;
    }
    return rc;
}

/* A key of ours that the keys walk has added; "model" stands before the request's keys, the others behind all. */
static int encode_own_key(exo_encoder *e)
{
    const enum known known = (enum known)(e->wait_ - WAIT_MODEL);
    e->wait_ = known == KNOWN_MODEL ? WAIT_TOKEN : (uint8_t)(e->wait_ + 1);
    if (e->added_ >> known & 1) {
        encode_set_key(e, known);
        encode_rename_key(e);
        exo_encode_emit(e, encode_own_script(known), true);
    }
    return EXO_OK;
}

/* Both objects are complete: the sizing walk may begin. */
static int encode_end_keys_walk(exo_encoder *e)
{
    e->walk_ = WALK_SIZE;
    e->wait_ = WAIT_REQUEST;
    return encode_add_usage_key(e);
}

/* Only the last brace is missing. */
static int encode_agree(exo_encoder *e, exo_window *out)
{
    const exo_encode_sum sum = exo_encode_end_sum(e, out);
    if (e->walk_ == WALK_SIZE) {
        e->sized_ = sum;
        e->walk_ = WALK_WRITE;
        e->wait_ = WAIT_REQUEST;
        return EXO_DONE;
    }
    if (memcmp(&e->sized_, &sum, sizeof sum) != 0) {
        return EXO_E_BODY_CHANGED;
    }
    if (out->pos == out->size) {
        return EXO_AGAIN;
    }
    out->dst[out->pos++] = '}';
    e->wait_ = WAIT_NOTHING;
    return EXO_DONE;
}

#ifndef EXO_SMALL
/* What passing over a value counts for each value in it. */
#define PASS_COST 16

/* Passes over the value that is to be skipped at once, if its cursor can do that, and no tokens need be counted. */
static bool encode_pass_over(exo_encoder *e)
{
    const exo_cursor_ops *ops = e->cursor_->ops;
    const bool begins = e->wait_ == WAIT_SKIPPED && e->keyed_ && e->depth_ == e->skip_depth_;
    const size_t count =
        begins && !e->in_tools_ && ops->pass ? ops->pass(e->cursor_->ctx, (uint32_t)(e->max_depth_ - e->depth_)) : 0;
    if (count > 0) {
        e->cost_ += count * PASS_COST;
        e->keyed_ = false;
        e->wait_ = WAIT_TOKEN;
    }
    return count > 0;
}
#endif

/* One token, which the place in the walk decides about. */
static int encode_step_token(exo_encoder *e)
{
#ifndef EXO_SMALL
    if (encode_pass_over(e)) {
        return EXO_OK;
    }
#endif
    int rc = encode_take(e);
    if (rc != EXO_OK) {
        return rc;
    }
    switch ((enum wait)e->wait_) {
    case WAIT_SKIPPED:
        return encode_skip(e);
    case WAIT_LOOKED:
        return exo_encode_look(e);
    default:
        return encode_pass(e);
    }
}

/* One token, or one piece into the window. EXO_OK: go on; EXO_DONE: the walk is over; EXO_AGAIN: no room, or no data.
 */
static int encode_step(exo_encoder *e, exo_window *out)
{
    if (e->script_) {
        return exo_encode_write_on(e, out);
    }
    switch ((enum wait)e->wait_) {
    case WAIT_REQUEST:
        return encode_begin_walk(e);
    case WAIT_EXTRA:
        return encode_open_object(e, e->options_.extra_body);
    case WAIT_MODEL:
    case WAIT_STREAM:
    case WAIT_USAGE:
        return e->walk_ == WALK_KEYS ? encode_end_keys_walk(e) : encode_own_key(e);
    case WAIT_AGREEMENT:
        return encode_agree(e, out);
    case WAIT_NOTHING:
        return EXO_DONE;
    default:
        break;
    }
    const int rc = encode_step_token(e);
#ifndef EXO_SMALL
    if (rc == EXO_OK && e->script_) {
        return exo_encode_write_on(e, out);
    }
#endif
    return rc;
}

#ifdef EXO_SMALL
#define encode_walk_on(encoder, out, budget) encode_step(encoder, out)
#else
/* Goes on until that costs `budget`, or something else than EXO_OK is to be said. */
static int encode_walk_on(exo_encoder *e, exo_window *out, size_t budget)
{
    int rc;
    do {
        rc = encode_step(e, out);
    } while (rc == EXO_OK && e->cost_ < budget);
    return rc;
}
#endif

/* ---- Calls ---- */

/* Whether what the options count is there. */
static bool encode_are_valid(const exo_encode_options *options)
{
    return options->size >= sizeof *options && (options->drop_count == 0 || options->drop) &&
           (options->rename_count == 0 || options->rename) && (!options->extra_body || options->extra_body->ops);
}

int exo_encode_init(exo_encoder *encoder, const exo_cursor *request, const exo_encode_options *options)
{
    if (!encoder || !request || !request->ops || (options && !encode_are_valid(options))) {
        return EXO_E_ARGUMENT;
    }
    memset(encoder, 0, sizeof *encoder);
    encoder->request_ = *request;
    if (options) {
        encoder->options_ = *options;
    }
    const exo_limits *limits = encoder->options_.limits ? encoder->options_.limits : exo_limits_host();
    encoder->max_keys_ = (uint8_t)encode_smaller(limits->keys, EXO_KEYS_MAX);
    encoder->max_depth_ = (uint8_t)encode_smaller(limits->depth, EXO_JSON_DEPTH_MAX);
    return EXO_OK;
}

/* Keeps an error, and says how a walk stands. */
static int encode_walked(exo_encoder *e, int rc)
{
    e->error_ = rc < 0 ? rc : EXO_OK;
    return rc == EXO_DONE ? EXO_OK : rc;
}

/* What is sized is written into memory on the stack: little on small boards, and no more than the budget has left. */
enum {
    SINK_LEAST = 256,
#ifdef EXO_SMALL
    SINK_MOST = SINK_LEAST
#else
    SINK_MOST = 16384
#endif
};

static size_t encode_sink_size(size_t left)
{
    return left < SINK_LEAST ? SINK_LEAST : encode_smaller(left, SINK_MOST);
}

/* What was in the sink may be secret, and a large one is not written over soon. */
static void encode_wipe(char *memory, size_t len)
{
#ifndef EXO_SMALL
    memset(memory, 0, len);
    __asm__ volatile("" : : "r"(memory) : "memory"); /* it is looked at, as far as the compiler knows */
#else
    (void)memory;
    (void)len;
#endif
}

/* Sizes on into `kept` while that has room, and then into memory that is thrown away. */
static int encode_size_into(exo_encoder *encoder, exo_window *kept, size_t budget)
{
    char memory[SINK_MOST];
    exo_window sink = {memory, encode_sink_size(budget), 0};
    exo_window *window = kept && kept->pos < kept->size ? kept : &sink;
    int rc = encoder->error_;
    if (rc == EXO_OK && encoder->walk_ == WALK_WRITE) {
        return EXO_OK;
    }
    exo_encode_begin_window(encoder, window);
    encoder->cost_ = 0;
    while (rc == EXO_OK) {
        rc = encode_walk_on(encoder, window, budget);
        if (rc == EXO_AGAIN && (window == &sink ? sink.pos > 0 : kept->pos == kept->size)) {
            exo_encode_hash(encoder, window);
            sink.pos = 0; /* a full sink is an empty one */
            sink.size = encode_sink_size(budget - encode_smaller(encoder->cost_, budget));
            window = &sink;
            exo_encode_begin_window(encoder, window);
            rc = EXO_OK;
        }
        if (rc == EXO_OK && encoder->cost_ >= budget) {
            rc = EXO_AGAIN;
        }
    }
    exo_encode_hash(encoder, window);
    if (window == &sink) {
        encode_wipe(memory, sizeof memory);
    }
    return encode_walked(encoder, rc);
}

int exo_encode_size(exo_encoder *encoder, size_t budget)
{
    return encode_size_into(encoder, NULL, budget);
}

#ifndef EXO_SMALL
int exo_encode_size_into(exo_encoder *encoder, exo_window *window, size_t budget)
{
    const int rc = encode_size_into(encoder, window, budget);
    if (rc == EXO_OK && window && window->pos < window->size && encoder->sized_.bytes_ == window->pos) {
        window->dst[window->pos++] = '}';
    }
    return rc;
}
#endif

uint64_t exo_encode_total(const exo_encoder *encoder)
{
    return encoder->walk_ == WALK_WRITE && !encoder->once_ ? encoder->sized_.bytes_ + 1 : EXO_SIZE_UNKNOWN;
}

int exo_encode_write(exo_encoder *encoder, exo_window *window)
{
    int rc = encoder->error_;
    if (rc == EXO_OK && encoder->walk_ != WALK_WRITE) {
        return EXO_E_STATE;
    }
    const size_t before = window->pos;
    exo_encode_begin_window(encoder, window);
    while (rc == EXO_OK) {
        rc = encode_walk_on(encoder, window, SIZE_MAX);
    }
    exo_encode_hash(encoder, window);
    encoder->written_ += window->pos - before;
    return encode_walked(encoder, rc);
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
    encoder->source_ = NULL;
    encoder->bound_ = false;
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
