/*
 * defaults.c: see defaults.h. encoding.c merges, call_options.c checks.
 */
#include "defaults.h"

#include "heap.h"

#include "exochat/encode.h"
#include "exochat/json_read.h"
#include "exochat/json_write.h"

/* A reader of the members of an object, behind its brace. */
static exo_json_reader defaults_members(exo_span object)
{
    exo_json_reader reader;
    exo_json_token brace;
    exo_json_reader_init(&reader, object, EXO_JSON_DEPTH_MAX, true);
    exo_json_next(&reader, &brace);
    return reader;
}

/* The next member: EXO_EVENT, or EXO_OK behind the last one, or an error. */
static int defaults_next(exo_json_reader *reader, exo_json_token *key, exo_span *raw)
{
    int code = exo_json_next(reader, key);
    if (code != EXO_EVENT || key->type != EXO_JSON_KEY) {
        return code < 0 ? code : EXO_OK;
    }
    code = exo_json_skip(reader, raw);
    return code < 0 ? code : EXO_EVENT;
}

int exo_defaults_check(exo_span json, size_t *at)
{
    exo_json_token key;
    exo_span raw;
    size_t keys = 0;
    int code = exo_json_check(json, EXO_JSON_DEPTH_MAX, at);
    if (code == EXO_OK && *exo_span_trim(json).ptr != '{') {
        *at = 0;
        return EXO_E_REQUEST;
    }
    code = code == EXO_OK ? exo_json_unique(json, at) : code;
    if (code != EXO_OK) {
        return code;
    }
    exo_json_reader reader = defaults_members(json);
    while ((code = defaults_next(&reader, &key, &raw)) == EXO_EVENT) {
        if (++keys > EXO_KEYS_MAX) {
            *at = reader.at;
            return EXO_E_KEYS_LIMIT;
        }
    }
    return code;
}

/* Whether an object has the key `name`, which is decoded. */
static bool defaults_has(exo_span object, exo_span name)
{
    exo_json_token key;
    exo_span raw;
    exo_json_reader reader = defaults_members(object);
    while (defaults_next(&reader, &key, &raw) == EXO_EVENT) {
        if (exo_json_equal(key.text, key.plain, name)) {
            return true;
        }
    }
    return false;
}

/* Decodes a key into `name`, and leads to what it is sent as: `*sent` is empty where it is dropped. */
static int defaults_name(const exo_json_token *key, const exo_deployed *target, exo_buffer *name, exo_span *sent)
{
    const exo_deployment *o = &target->options;
    size_t size = 3 * key->text.len + 1; /* what is no UTF-8 grows */
    exo_buffer_clear(name);
    int code = exo_buffer_reserve(name, size);
    if (code != EXO_OK) {
        return code;
    }
    *sent = exo_span_of(name->data, exo_json_copy(key, name->data, size));
    for (size_t i = 0; i < o->drop_count; i++) {
        if (exo_span_equal(target->drop[i], *sent)) {
            *sent = exo_span_of(NULL, 0);
            return EXO_OK;
        }
    }
    for (size_t i = 0; i < o->rename_count; i++) {
        if (exo_span_equal(target->rename[i].from, *sent)) {
            *sent = target->rename[i].to;
            return EXO_OK;
        }
    }
    return EXO_OK;
}

/* Writes `"KEY":VALUE`, behind a comma unless it is the `first`. */
static int defaults_write(exo_buffer *out, exo_span key, exo_span raw, bool first)
{
    char piece[256];
    exo_json_string string;
    int code = exo_buffer_append(out, exo_span_text(first ? "" : ","));
    exo_json_string_init(&string, key);
    for (int more = EXO_AGAIN; code == EXO_OK && more == EXO_AGAIN;) {
        exo_window window = {piece, sizeof piece, 0};
        more = exo_json_string_write(&string, &window);
        code = exo_buffer_append(out, exo_span_of(piece, window.pos));
    }
    code = code == EXO_OK ? exo_buffer_append(out, exo_span_text(":")) : code;
    return code == EXO_OK ? exo_buffer_append(out, raw) : code;
}

/* Appends the members of `defaults` that `extra` (empty: none) has not. */
static int defaults_append(exo_buffer *out, exo_span defaults, exo_span extra, const exo_deployed *target, bool first)
{
    exo_json_token key;
    exo_span raw;
    exo_span sent;
    exo_buffer name;
    int code = EXO_OK;
    exo_json_reader reader = defaults_members(defaults);
    exo_buffer_init(&name, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    while (code == EXO_OK && defaults_next(&reader, &key, &raw) == EXO_EVENT) {
        code = defaults_name(&key, target, &name, &sent);
        if (code == EXO_OK && sent.ptr && (extra.len == 0 || !defaults_has(extra, sent))) {
            code = defaults_write(out, sent, raw, first);
            first = false;
        }
    }
    exo_buffer_free(&name);
    return code;
}

int exo_defaults_merge(exo_span defaults, const exo_deployed *target, exo_buffer *merged)
{
    exo_span extra = exo_span_trim(exo_span_text(target->options.extra_body));
    exo_span inside = extra.len > 0 ? exo_span_trim(exo_span_of(extra.ptr + 1, extra.len - 2)) : extra;
    int code = exo_buffer_append(merged, exo_span_text("{"));
    code = code == EXO_OK ? exo_buffer_append(merged, inside) : code;
    code = code == EXO_OK ? defaults_append(merged, defaults, extra, target, inside.len == 0) : code;
    return code == EXO_OK ? exo_buffer_append(merged, exo_span_text("}")) : code;
}
