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

/* ---- set up ---- */

int exo_encoding_init(exo_encoding *encoding, const exo_subject *subject, const exo_call_options *options,
                      exo_claims *claims)
{
    int code = EXO_OK;
    memset(encoding, 0, sizeof *encoding);
    exo_buffer_init(&encoding->merged_, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    encoding->request_ = subject->request;
    encoding->defaults_ = options->defaults;
    encoding->claims_.of = claims;
    encoding->raw_.source = subject->raw;
    encoding->attachments = exo_attachments_new(subject->request);
    if (!encoding->attachments) {
        return EXO_E_NO_MEMORY;
    }
    exo_attachments_allow(encoding->attachments, options->files, options->file_root);
    exo_attachments_claim(encoding->attachments, &encoding->claims_);
    if (subject->value) {
        encoding->is_value_ = true;
        exo_guard_init(&encoding->guard_, subject->value, &encoding->claims_);
        code = exo_claims_cursor(&encoding->claims_, subject->value);
        encoding->guard_.why = code == EXO_OK ? NULL : "the value is in use by another call";
    } else if (subject->raw) {
        code = exo_claims_source(&encoding->claims_, subject->raw);
        encoding->guard_.why = code == EXO_OK ? NULL : "the body is in use by another call";
    }
    return code;
}

int exo_encoding_model(exo_encoding *encoding, char *model, size_t size)
{
    return exo_guard_model(&encoding->guard_, model, size);
}

/* The extra keys of the deployment and of the call, as one object. */
static int encoding_set_extra_body(exo_encoding *encoding, exo_encode_options *options)
{
    exo_span extra = exo_span_text(encoding->target->options.extra_body);
    if (encoding->defaults_) {
        exo_buffer_clear(&encoding->merged_);
        int code = exo_defaults_merge(exo_span_text(encoding->defaults_), encoding->target, &encoding->merged_);
        if (code != EXO_OK) {
            return code;
        }
        extra = exo_buffer_span(&encoding->merged_);
    }
    if (extra.len > 0) {
        exo_json_cursor_init(&encoding->extra_cursor_, extra, encoding->limits_->depth);
        encoding->extra_body_ = exo_json_cursor_of(&encoding->extra_cursor_);
        options->extra_body = &encoding->extra_body_;
    }
    return EXO_OK;
}

/* The encoder begins anew for the target that is set. */
static int encoding_begin(exo_encoding *encoding)
{
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
        encoding->cursor_ = exo_guard_cursor(&encoding->guard_);
    } else {
        exo_node_cursor_init(&encoding->nodes_, exo_request_root(encoding->request_), encoding->limits_->depth);
        encoding->cursor_ = exo_node_cursor_of(&encoding->nodes_);
    }
    return exo_encode_init(&encoding->encoder, &encoding->cursor_, &options);
}

/* Lets go of the body that is kept. */
static void encoding_drop_whole(exo_encoding *encoding)
{
    if (encoding->whole_) {
        exo_heap_wipe(encoding->whole_, (size_t)exo_encode_total(&encoding->encoder));
        free(encoding->whole_);
        encoding->whole_ = NULL;
    }
    encoding->whole_at_ = 0;
    encoding->is_sized_ = false;
}

int exo_encoding_aim(exo_encoding *encoding, const exo_deployed *target, const exo_limits *limits)
{
    encoding_drop_whole(encoding);
    encoding->target = target;
    encoding->limits_ = limits;
    return encoding->raw_.source ? exo_raw_rewind(&encoding->raw_) : encoding_begin(encoding);
}

/* ---- the body ---- */

/* What must have come to something in a body that was sized. */
static int encoding_check_messages(exo_encoding *encoding)
{
    bool has = encoding->is_value_ ? encoding->guard_.has_messages : exo_request_messages(encoding->request_) > 0;
    encoding->guard_.why = has ? NULL : "messages: a list with at least one message was expected";
    return has ? EXO_OK : EXO_E_REQUEST;
}

/* Sizes the body, or goes on with that. What is done at the first go, and is small, is kept as it is to be sent. */
static int encoding_size(exo_encoding *encoding, size_t budget)
{
    char *kept = encoding->is_sized_ || encoding->is_value_ ? NULL : malloc(EXO_WHOLE_MAX);
    exo_window window = {kept, kept ? EXO_WHOLE_MAX : 0, 0};
    encoding->is_sized_ = true;
    int code = exo_encode_size_into(&encoding->encoder, &window, budget);
    const bool is_whole = code == EXO_OK && window.pos > 0 && window.pos == exo_encode_total(&encoding->encoder);
    if (is_whole && !exo_attachments_any(encoding->attachments)) {
        char *fitting = realloc(kept, window.pos);
        encoding->whole_ = fitting ? fitting : kept;
    } else {
        exo_heap_wipe(kept, window.pos);
        free(kept);
    }
    return code;
}

int exo_encoding_size(exo_encoding *encoding, size_t budget)
{
    if (encoding->raw_.source) {
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
    return encoding->raw_.source ? exo_raw_total(&encoding->raw_) : exo_encode_total(&encoding->encoder);
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
    if (encoding->whole_) {
        return encoding_write_whole(encoding, window);
    }
    return encoding->raw_.source ? exo_raw_write(&encoding->raw_, window)
                                 : exo_encode_write(&encoding->encoder, window);
}

exo_span exo_encoding_whole(const exo_encoding *encoding)
{
    return exo_span_of(encoding->whole_, encoding->whole_ ? (size_t)exo_encode_total(&encoding->encoder) : 0);
}

char *exo_encoding_give_whole(exo_encoding *encoding, size_t *size)
{
    char *whole = encoding->whole_;
    *size = exo_encoding_whole(encoding).len;
    encoding->whole_ = NULL;
    return whole;
}

void exo_encoding_hand_out(exo_encoding *encoding)
{
    encoding->whole_at_ = exo_encoding_whole(encoding).len;
}

uint64_t exo_encoding_written(const exo_encoding *encoding)
{
    return encoding->whole_        ? encoding->whole_at_
           : encoding->raw_.source ? encoding->raw_.written_
                                   : exo_encode_written(&encoding->encoder);
}

int exo_encoding_rewind(exo_encoding *encoding)
{
    encoding->whole_at_ = 0;
    if (encoding->whole_) {
        return EXO_OK;
    }
    return encoding->raw_.source ? exo_raw_rewind(&encoding->raw_) : exo_encode_rewind(&encoding->encoder);
}

bool exo_encoding_spent(const exo_encoding *encoding)
{
    return encoding->raw_.source
               ? exo_raw_spent(&encoding->raw_)
               : exo_encode_total(&encoding->encoder) == EXO_SIZE_UNKNOWN && exo_encode_written(&encoding->encoder) > 0;
}

exo_starved exo_encoding_starved(const exo_encoding *encoding)
{
    exo_starved starved = exo_attachments_starved(encoding->attachments);
    bool given = encoding->raw_.starved || encoding->guard_.starved;
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
    bool encodes = encoding->target && !encoding->raw_.source;
    const char *key = encodes ? exo_encode_error_key(&encoding->encoder) : "";
    const char *why = "";
    if (encoding->attachments && encoding_is_of_a_file(code)) {
        why = exo_attachments_message(encoding->attachments);
    }
    if (!why[0] && encoding->guard_.why && (code == EXO_E_STATE || code == EXO_E_REQUEST)) {
        why = encoding->guard_.why;
    }
    snprintf(message, size, "%s%s%s", key, key[0] && why[0] ? ": " : "", why);
}

void exo_encoding_free(exo_encoding *encoding)
{
    exo_attachments_free(encoding->attachments);
    encoding->attachments = NULL;
    exo_claims_release(&encoding->claims_);
    encoding_drop_whole(encoding);
    exo_buffer_free(&encoding->merged_);
}
