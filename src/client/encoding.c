/*
 * encoding.c: see encoding.h. Memory: fixed, the attachments' descriptors, the merged extra keys, and a body of at most
 * EXO_WHOLE_MAX.
 */
#include "encoding.h"

#include "defaults.h"
#include "heap.h"
#include "request_tree.h"

#include <stdio.h>
#include <stdlib.h>

struct exo_walk {
    exo_encoder encoder;
    exo_buffer merged; /* extra_body and the defaults, where there are defaults */
    exo_node_cursor nodes;
    exo_json_cursor extra_cursor;
    exo_cursor cursor;
    exo_cursor extra_body;
};

/* ---- set up ---- */

/* The attachments, made where there are none. */
static int encoding_attach(exo_encoding *encoding)
{
    if (!encoding->attachments) {
        encoding->attachments = exo_attachments_new(encoding->request_);
        if (!encoding->attachments) {
            return EXO_E_NO_MEMORY;
        }
        exo_attachments_allow(encoding->attachments, encoding->files_, encoding->file_root_);
        exo_attachments_claim(encoding->attachments, &encoding->claims_);
    }
    return EXO_OK;
}

static int encoding_take_value(exo_encoding *encoding, const exo_cursor *value, bool may_change)
{
    encoding->is_value_ = true;
    encoding->may_change_ = may_change;
    encoding->guard_ = malloc(sizeof *encoding->guard_);
    if (!encoding->guard_) {
        return EXO_E_NO_MEMORY;
    }
    exo_guard_init(encoding->guard_, value, &encoding->claims_);
    const int code = exo_claims_cursor(&encoding->claims_, value);
    encoding->why_ = code == EXO_OK ? NULL : "the value is in use by another call";
    return code;
}

static int encoding_take_raw(exo_encoding *encoding, const exo_source *source)
{
    encoding->raw_ = calloc(1, sizeof *encoding->raw_);
    if (!encoding->raw_) {
        return EXO_E_NO_MEMORY;
    }
    encoding->raw_->source = source;
    const int code = exo_claims_source(&encoding->claims_, source);
    encoding->why_ = code == EXO_OK ? NULL : "the body is in use by another call";
    return code;
}

int exo_encoding_init(exo_encoding *encoding, const exo_subject *subject, const exo_call_options *options,
                      exo_claims *claims)
{
    memset(encoding, 0, sizeof *encoding);
    encoding->request_ = subject->request;
    encoding->defaults_ = options->defaults;
    encoding->files_ = options->files;
    encoding->file_root_ = options->file_root;
    encoding->claims_.of = claims;
    if (subject->value) {
        return encoding_take_value(encoding, subject->value, (options->promises & EXO_PROMISE_SETTLED) == 0);
    }
    return subject->raw ? encoding_take_raw(encoding, subject->raw) : EXO_OK;
}

int exo_encoding_model(exo_encoding *encoding, char *model, size_t size)
{
    return exo_guard_model(encoding->guard_, model, size);
}

/* The extra keys of the deployment and of the call, as one object. */
static int encoding_set_extra_body(exo_encoding *encoding, exo_encode_options *options)
{
    exo_walk *walk = encoding->walk_;
    exo_span extra = exo_span_text(encoding->target->options.extra_body);
    if (encoding->defaults_) {
        exo_buffer_clear(&walk->merged);
        int code = exo_defaults_merge(exo_span_text(encoding->defaults_), encoding->target, &walk->merged);
        if (code != EXO_OK) {
            return code;
        }
        extra = exo_buffer_span(&walk->merged);
    }
    if (extra.len > 0) {
        exo_json_cursor_init(&walk->extra_cursor, extra, encoding->limits_->depth);
        walk->extra_body = exo_json_cursor_of(&walk->extra_cursor);
        options->extra_body = &walk->extra_body;
    }
    return EXO_OK;
}

/* The encoder begins anew for the target that is set. */
static int encoding_begin(exo_encoding *encoding)
{
    exo_walk *walk = encoding->walk_;
    const exo_deployed *target = encoding->target;
    const exo_deployment *o = &target->options;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.drop = target->drop;
    options.drop_count = o->drop_count;
    options.rename = target->rename;
    options.rename_count = o->rename_count;
    options.opener = exo_attachments_opener(encoding->attachments);
    options.limits = encoding->limits_;
    options.model = exo_span_text(o->model ? o->model : target->name);
    int code = encoding_set_extra_body(encoding, &options);
    if (code != EXO_OK) {
        return code;
    }
    if (encoding->is_value_) {
        walk->cursor = exo_guard_cursor(encoding->guard_);
    } else {
        exo_node_cursor_init(&walk->nodes, exo_request_root(encoding->request_), encoding->limits_->depth);
        walk->cursor = exo_node_cursor_of(&walk->nodes);
    }
    return exo_encode_init(&walk->encoder, &walk->cursor, &options);
}

static void encoding_drop_walk(exo_encoding *encoding)
{
    if (encoding->walk_) {
        exo_buffer_free(&encoding->walk_->merged);
        free(encoding->walk_);
        encoding->walk_ = NULL;
    }
}

static void encoding_drop_whole(exo_encoding *encoding)
{
    if (encoding->whole_) {
        exo_heap_wipe(encoding->whole_, encoding->whole_len_);
        free(encoding->whole_);
        encoding->whole_ = NULL;
    }
}

/* A walk, where there is none yet. */
static int encoding_take_walk(exo_encoding *encoding)
{
    if (!encoding->walk_) {
        encoding->walk_ = calloc(1, sizeof *encoding->walk_);
        if (!encoding->walk_) {
            return EXO_E_NO_MEMORY;
        }
        exo_buffer_init(&encoding->walk_->merged, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    }
    return encoding_attach(encoding);
}

int exo_encoding_aim(exo_encoding *encoding, const exo_deployed *target, const exo_limits *limits)
{
    encoding_drop_whole(encoding);
    encoding->whole_len_ = encoding->whole_at_ = 0;
    encoding->is_sized_ = false;
    encoding->target = target;
    encoding->limits_ = limits;
    if (encoding->raw_) {
        return exo_raw_rewind(encoding->raw_);
    }
    const int code = encoding_take_walk(encoding);
    return code == EXO_OK ? encoding_begin(encoding) : code;
}

/* ---- the body ---- */

/* What must have come to something in a body that was sized. */
static int encoding_check_messages(exo_encoding *encoding)
{
    bool has = encoding->is_value_ ? encoding->guard_->has_messages : exo_request_messages(encoding->request_) > 0;
    encoding->why_ = has ? NULL : "messages: a list with at least one message was expected";
    return has ? EXO_OK : EXO_E_REQUEST;
}

/* Keeps a body that is in memory. Nothing is needed then to write it, and nothing that it was asked for was found. */
static void encoding_keep_whole(exo_encoding *encoding, char *bytes, size_t len)
{
    char *fitting = realloc(bytes, len);
    encoding->whole_ = fitting ? fitting : bytes;
    encoding->whole_len_ = len;
    encoding_drop_walk(encoding);
    exo_attachments_free(encoding->attachments);
    encoding->attachments = NULL;
}

/* Sizes the body, or goes on with that. What is done at the first go, and is small, is kept as it is to be sent. */
static int encoding_size(exo_encoding *encoding, size_t budget)
{
    const size_t room = budget < EXO_WHOLE_MAX ? budget : EXO_WHOLE_MAX; /* what is more is not done at one go */
    char *bytes = encoding->is_sized_ || encoding->may_change_ ? NULL : malloc(room);
    exo_window window = {bytes, bytes ? room : 0, 0};
    encoding->is_sized_ = true;
    const int code = exo_encode_size_into(&encoding->walk_->encoder, &window, budget);
    const bool is_whole = code == EXO_OK && window.pos > 0 && window.pos == exo_encode_total(&encoding->walk_->encoder);
    if (is_whole && !exo_attachments_any(encoding->attachments)) {
        encoding_keep_whole(encoding, bytes, window.pos);
    } else {
        exo_heap_wipe(bytes, window.pos);
        free(bytes);
    }
    return code;
}

int exo_encoding_size(exo_encoding *encoding, size_t budget)
{
    if (encoding->raw_ || encoding->whole_) {
        return EXO_OK;
    }
    if (exo_attachments_to_spool(encoding->attachments)) {
        int code = exo_attachments_spool(encoding->attachments, budget);
        code = code == EXO_OK ? encoding_begin(encoding) : code;
        return code == EXO_OK ? EXO_AGAIN : code;
    }
    int code = encoding_size(encoding, budget);
    if (code < 0 && exo_attachments_to_spool(encoding->attachments)) {
        return EXO_AGAIN;
    }
    return code == EXO_OK ? encoding_check_messages(encoding) : code;
}

uint64_t exo_encoding_total(const exo_encoding *encoding)
{
    return encoding->whole_len_ > 0 ? encoding->whole_len_
           : encoding->raw_         ? exo_raw_total(encoding->raw_)
           : encoding->walk_        ? exo_encode_total(&encoding->walk_->encoder)
                                    : EXO_SIZE_UNKNOWN;
}

/* Writes on from the body that is kept. */
static int encoding_write_whole(exo_encoding *encoding, exo_window *window)
{
    const size_t left = exo_encoding_whole(encoding).len - encoding->whole_at_;
    const size_t room = window->size - window->pos;
    const size_t count = left < room ? left : room;
    memcpy(window->dst + window->pos, encoding->whole_ + encoding->whole_at_, count);
    window->pos += count;
    encoding->whole_at_ += count;
    return count == left ? EXO_OK : EXO_AGAIN;
}

int exo_encoding_write(exo_encoding *encoding, exo_window *window)
{
    if (encoding->whole_len_ > 0) { /* of one that was let go, all is out */
        return encoding->whole_ ? encoding_write_whole(encoding, window) : EXO_OK;
    }
    return encoding->raw_ ? exo_raw_write(encoding->raw_, window) : exo_encode_write(&encoding->walk_->encoder, window);
}

exo_span exo_encoding_whole(const exo_encoding *encoding)
{
    return exo_span_of(encoding->whole_, encoding->whole_ ? encoding->whole_len_ : 0);
}

char *exo_encoding_give_whole(exo_encoding *encoding, size_t *size)
{
    char *whole = encoding->whole_;
    *size = exo_encoding_whole(encoding).len;
    encoding->whole_ = NULL;
    encoding->target = whole ? NULL : encoding->target;
    return whole;
}

void exo_encoding_let_go(exo_encoding *encoding)
{
    if (encoding->whole_) {
        encoding_drop_whole(encoding);
        encoding->target = NULL;
    }
}

void exo_encoding_hand_out(exo_encoding *encoding)
{
    encoding->whole_at_ = exo_encoding_whole(encoding).len;
}

uint64_t exo_encoding_written(const exo_encoding *encoding)
{
    return encoding->whole_len_ > 0 ? encoding->whole_at_
           : encoding->raw_         ? encoding->raw_->written_
           : encoding->walk_        ? exo_encode_written(&encoding->walk_->encoder)
                                    : 0;
}

int exo_encoding_rewind(exo_encoding *encoding)
{
    if (encoding->whole_len_ > 0) {
        encoding->whole_at_ = 0;
        return encoding->whole_ ? EXO_OK : EXO_E_STATE;
    }
    return encoding->raw_ ? exo_raw_rewind(encoding->raw_) : exo_encode_rewind(&encoding->walk_->encoder);
}

bool exo_encoding_spent(const exo_encoding *encoding)
{
    if (encoding->raw_) {
        return exo_raw_spent(encoding->raw_);
    }
    const exo_encoder *encoder = encoding->walk_ ? &encoding->walk_->encoder : NULL;
    return encoder && exo_encode_total(encoder) == EXO_SIZE_UNKNOWN && exo_encode_written(encoder) > 0;
}

exo_starved exo_encoding_starved(const exo_encoding *encoding)
{
    exo_starved starved = encoding->attachments ? exo_attachments_starved(encoding->attachments) : EXO_STARVED_NOT;
    bool given = (encoding->raw_ && encoding->raw_->starved) || (encoding->guard_ && encoding->guard_->starved);
    return starved == EXO_STARVED_NOT && given ? EXO_STARVED_GIVEN : starved;
}

/* ---- errors, and the end ---- */

/* A file that was not found, and replaced by the text beside it, explains nothing that comes later. */
static bool encoding_is_of_a_file(int code)
{
    return code == EXO_E_SOURCE_READ || code == EXO_E_SOURCE_ONCE || code == EXO_E_FILE_REFUSED ||
           code == EXO_E_BODY_CHANGED || code == EXO_E_STATE;
}

void exo_encoding_explain(const exo_encoding *encoding, int code, char *message, size_t size)
{
    const char *key = encoding->walk_ ? exo_encode_error_key(&encoding->walk_->encoder) : "";
    const char *why = "";
    if (encoding->attachments && encoding_is_of_a_file(code)) {
        why = exo_attachments_message(encoding->attachments);
    }
    const char *other = !encoding->why_ && encoding->guard_ ? encoding->guard_->why : encoding->why_;
    if (!why[0] && other && (code == EXO_E_STATE || code == EXO_E_REQUEST)) {
        why = other;
    }
    snprintf(message, size, "%s%s%s", key, key[0] && why[0] ? ": " : "", why);
}

void exo_encoding_free(exo_encoding *encoding)
{
    exo_attachments_free(encoding->attachments);
    encoding->attachments = NULL;
    exo_claims_release(&encoding->claims_);
    encoding_drop_whole(encoding);
    encoding_drop_walk(encoding);
    free(encoding->guard_);
    free(encoding->raw_);
    encoding->guard_ = NULL;
    encoding->raw_ = NULL;
}
