/*
 * models.c: see models.h. Called by endpoint.c.
 *
 * The body is read to its end, and every model in it, before the first id is given: a list that is cut, or holds
 * something else, is no list. Strings and numbers that are not quite JSON are let pass, as they are in a stream. What
 * stands twice is given twice. Memory: one id.
 */
#include "models.h"

#include "heap.h"

#include "exochat/json_read.h"

#include <stdarg.h>
#include <stdio.h>

/* A list that is being read. */
typedef struct reading {
    exo_span list;    /* the array */
    const char *name; /* what the array is called in words */
    exo_buffer id;
    exo_failure *failure;
    uint16_t http_status;
} reading;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static int
models_refuse(reading *r, int code, const char *format, ...)
{
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    exo_failure_set(r->failure, code, exo_span_text(words));
    r->failure->http_status = r->http_status;
    r->failure->status = r->http_status;
    return code;
}

static void models_begin(exo_json_reader *reader, exo_span text)
{
    exo_json_reader_init(reader, text, EXO_JSON_DEPTH_MAX, true);
    exo_json_reader_tolerate(reader);
}

/* ---- the list ---- */

/* The values of the top-level members that count, the last of each; empty where there is none. */
typedef struct members {
    exo_span data;
    exo_span models;
    exo_span error;
} members;

static void models_read_members(exo_span object, members *found)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span value;
    models_begin(&reader, object);
    (void)exo_json_next(&reader, &token); /* its bracket */
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        if (exo_json_skip(&reader, &value) != EXO_OK) {
            return;
        }
        found->data = exo_json_is(&token, "data") ? value : found->data;
        found->models = exo_json_is(&token, "models") ? value : found->models;
        found->error = exo_json_is(&token, "error") ? value : found->error;
    }
}

/* Whether a member says something: null, false and what is empty do not. */
static bool models_speaks(exo_span json)
{
    return json.len > 2 && !exo_span_is(json, "null") && !exo_span_is(json, "false");
}

static bool models_is_array(exo_span json)
{
    return json.len > 0 && *json.ptr == '[';
}

/* Reads a body to its end; `*whole` is the value that it is. */
static int models_read_whole(reading *r, exo_span body, exo_span *whole)
{
    exo_json_reader reader;
    exo_json_token token;
    models_begin(&reader, body);
    int code = exo_json_skip(&reader, whole);
    code = code == EXO_OK ? exo_json_next(&reader, &token) : code;
    if (code != EXO_OK) {
        models_refuse(r, code, "GET /models: not JSON, or cut, at byte %zu of %zu", reader.at, body.len);
        r->failure->offset = reader.at;
    }
    return code;
}

static const char models_error[] = "GET /models: an error in place of a list of models";

/* Finds the array in a body that is whole. */
static int models_find_list(reading *r, exo_span whole)
{
    members found = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (*whole.ptr == '{') {
        models_read_members(whole, &found);
    }
    bool has_data = models_is_array(found.data);
    r->name = has_data || !models_is_array(found.models) ? "data" : "models";
    r->list = models_is_array(whole) ? whole : has_data ? found.data : found.models;
    if (models_speaks(found.error)) {
        return models_refuse(r, EXO_E_IN_STREAM, "%s", models_error);
    }
    if (!models_is_array(r->list)) {
        return models_refuse(r, EXO_E_NOT_A_STREAM,
                             "GET /models: no list of models: neither \"data\" nor \"models\" is one");
    }
    return EXO_OK;
}

/* ---- a model ---- */

/* What a value that is no object is, in words. */
static const char *models_kind_of(exo_span json)
{
    switch (*json.ptr) {
    case '[':
        return "a list";
    case '"':
        return "a string";
    case 't':
    case 'f':
        return "true or false";
    case 'n':
    case 'N':
        return "null";
    default:
        return "a number";
    }
}

/* What a model is called, by the best of the members that say so; its type is no string where none does. */
static exo_json_token models_find_id(exo_span model)
{
    static const char *const names[] = {"id", "name", "model"};
    size_t best = sizeof names / sizeof names[0];
    exo_json_reader reader;
    exo_json_token token;
    exo_json_token found = {EXO_JSON_NULL, false, {NULL, 0}, {NULL, 0}};
    models_begin(&reader, model);
    (void)exo_json_next(&reader, &token);
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        size_t name = 0;
        while (name < best && !exo_json_is(&token, names[name])) {
            name++;
        }
        exo_json_reader ahead = reader;
        bool says = name < best && exo_json_next(&ahead, &token) == EXO_EVENT && token.type == EXO_JSON_STRING &&
                    token.text.len > 0;
        found = says ? token : found;
        best = says ? name + 1 : best; /* the last one of a name counts */
        if (exo_json_skip(&reader, NULL) != EXO_OK) {
            break;
        }
    }
    return found;
}

/* Decodes the id of a model, with number `index`, into `id`. */
static int models_read_one(reading *r, exo_span model, size_t index)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span piece;
    bool last;
    int code = EXO_OK;
    if (*model.ptr != '{') {
        return models_refuse(r, EXO_E_NOT_A_STREAM, "GET /models: %s[%zu] is no model but %s", r->name, index,
                             models_kind_of(model));
    }
    exo_json_token id = models_find_id(model);
    if (id.type != EXO_JSON_STRING) {
        return models_refuse(r, EXO_E_NOT_A_STREAM, "GET /models: %s[%zu] is no model: it has no id", r->name, index);
    }
    exo_buffer_clear(&r->id);
    exo_json_decoder_init_as(&decoder, id.text, id.plain);
    while (code == EXO_OK && exo_json_decode(&decoder, scratch, &piece, &last) == EXO_EVENT) {
        code = exo_buffer_append(&r->id, piece);
    }
    return code == EXO_OK ? code : models_refuse(r, code, "GET /models: the id of %s[%zu]", r->name, index);
}

/* Goes through the list; `each` may be NULL. */
static int models_walk(reading *r, void (*each)(void *ctx, exo_span id), void *ctx)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span model;
    int code = EXO_OK;
    models_begin(&reader, r->list);
    (void)exo_json_next(&reader, &token);
    for (size_t index = 0; code == EXO_OK && exo_json_skip(&reader, &model) == EXO_OK; index++) {
        code = models_read_one(r, model, index);
        if (code == EXO_OK && each) {
            each(ctx, exo_buffer_span(&r->id));
        }
    }
    return code;
}

/* Looks whether there is a list, and nothing but models in it. What is none may report an error, in any of the shapes
 * that are known. */
static int models_judge(reading *r, exo_span body)
{
    exo_span whole;
    int code = models_read_whole(r, body, &whole);
    if (code != EXO_OK) {
        return code;
    }
    code = models_find_list(r, whole);
    code = code == EXO_OK ? models_walk(r, NULL, NULL) : code;
    bool is_none = code == EXO_E_NOT_A_STREAM || code == EXO_E_IN_STREAM;
    if (is_none && exo_failure_from_json(r->failure, r->http_status, whole) == EXO_OK) {
        code = r->failure->code;
        if (r->failure->message[0] == '\0') {
            snprintf(r->failure->message, sizeof r->failure->message, "%s", models_error);
        }
    }
    return code;
}

int exo_models_read(exo_span body, uint16_t http_status, uint32_t longest, void (*each)(void *ctx, exo_span id),
                    void *ctx, exo_failure *failure)
{
    reading r = {.failure = failure, .http_status = http_status};
    exo_buffer_init(&r.id, &exo_heap, longest, EXO_E_NAME_LIMIT);
    body = exo_span_trim(body);
    if (body.len >= 3 && memcmp(body.ptr, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        body = exo_span_trim(exo_span_of(body.ptr + 3, body.len - 3));
    }
    int code = EXO_OK;
    const char first = body.len > 0 ? *body.ptr : '\0';
    if (first != '{' && first != '[') {
        code = models_refuse(&r, EXO_E_NOT_A_STREAM, "GET /models: %s, and no list of models",
                             first == '\0'  ? "nothing"
                             : first == '<' ? "a page of HTML or XML"
                                            : "text that is neither a list nor an object of JSON");
    }
    code = code == EXO_OK ? models_judge(&r, body) : code;
    if (code == EXO_OK && each) {
        code = models_walk(&r, each, ctx);
    }
    exo_buffer_free(&r.id);
    return code;
}
