/*
 * encoding.c: see encoding.h. Memory: fixed, and the attachments' descriptors.
 */
#include "encoding.h"

#include "request_tree.h"

#include <stdio.h>

int exo_encoding_init(exo_encoding *encoding, const exo_request *request)
{
    memset(encoding, 0, sizeof *encoding);
    encoding->request = request;
    encoding->attachments = exo_attachments_new(request);
    return encoding->attachments ? EXO_OK : EXO_E_NO_MEMORY;
}

int exo_encoding_aim(exo_encoding *encoding, const exo_deployed *target, const exo_limits *limits)
{
    const exo_deployment *o = &target->options;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.drop = target->drop;
    options.drop_count = o->drop_count;
    options.rename = target->rename;
    options.rename_count = o->rename_count;
    options.opener = exo_attachments_opener(encoding->attachments);
    options.limits = limits;
    options.model = exo_span_text(o->model ? o->model : target->name);
    if (o->extra_body) {
        exo_json_cursor_init(&encoding->extra_cursor_, exo_span_text(o->extra_body), limits->depth);
        encoding->extra_body_ = exo_json_cursor_of(&encoding->extra_cursor_);
        options.extra_body = &encoding->extra_body_;
    }
    exo_node_cursor_init(&encoding->cursor_, exo_request_root(encoding->request), limits->depth);
    encoding->request_ = exo_node_cursor_of(&encoding->cursor_);
    encoding->target = target;
    return exo_encode_init(&encoding->encoder, &encoding->request_, &options);
}

/* A file that was not found, and replaced by the text beside it, explains nothing that comes later. */
static bool encoding_is_of_a_file(int code)
{
    return code == EXO_E_SOURCE_READ || code == EXO_E_SOURCE_ONCE || code == EXO_E_FILE_REFUSED ||
           code == EXO_E_BODY_CHANGED;
}

void exo_encoding_explain(const exo_encoding *encoding, int code, char *message, size_t size)
{
    const char *key = encoding->target ? exo_encode_error_key(&encoding->encoder) : "";
    const char *why = encoding_is_of_a_file(code) ? exo_attachments_message(encoding->attachments) : "";
    snprintf(message, size, "%s%s%s", key, key[0] && why[0] ? ": " : "", why);
}

void exo_encoding_free(exo_encoding *encoding)
{
    exo_attachments_free(encoding->attachments);
    encoding->attachments = NULL;
}
