/*
 * messages.c: see messages.h.
 */
#include "messages.h"

#include "input.h"
#include "json_out.h"
#include "memory.h"
#include "say.h"

#include "exochat/json_read.h"
#include "exochat/json_write.h"

#include <errno.h>
#include <stdlib.h>

/* Where the first message begins in the text of an array, or of an object with a key "messages". False: nowhere. */
static bool messages_find_first(exo_span json, size_t *at, bool *empty)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_json_reader_init(&reader, json, EXO_JSON_DEPTH_MAX, true);
    int code = exo_json_next(&reader, &token);
    while (code == EXO_EVENT && token.type != EXO_JSON_ARRAY) {
        code = exo_json_next(&reader, &token);
        if (code == EXO_EVENT && token.type == EXO_JSON_KEY) {
            bool found = exo_json_is(&token, "messages");
            code = found ? exo_json_next(&reader, &token) : exo_json_skip(&reader, NULL);
            code = found || code != EXO_OK ? code : EXO_EVENT;
            if (found && token.type != EXO_JSON_ARRAY) {
                return false;
            }
        }
    }
    if (code != EXO_EVENT) {
        return false;
    }
    *at = reader.at;
    *empty = exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_ARRAY_END;
    return true;
}

static int messages_append_piece(void *out, exo_span piece)
{
    return exo_buffer_append(out, piece);
}

/* The text of `json` with a system message before the others, in `out`. EXO_OK or EXO_E_NO_MEMORY. */
static int messages_insert_system(exo_buffer *out, exo_span json, size_t at, bool empty, const char *system)
{
    int code = exo_buffer_append(out, exo_span_of(json.ptr, at));
    code = code == EXO_OK ? exo_buffer_append(out, exo_span_text("{\"role\":\"system\",\"content\":")) : code;
    code = code == EXO_OK ? exo_json_string_put(exo_span_text(system), messages_append_piece, out) : code;
    code = code == EXO_OK ? exo_buffer_append(out, exo_span_text(empty ? "}" : "},")) : code;
    return code == EXO_OK ? exo_buffer_append(out, exo_span_of(json.ptr + at, json.len - at)) : code;
}

static const char messages_expected[] = "expected a list of messages, each an object, or a whole request: an object "
                                        "whose \"messages\" is such a list and whose \"model\" a string";

exo_request *messages_parse(const cli_options *options, const char *option, const char *path, exo_span json,
                            const char *system)
{
    size_t first = 0;
    size_t offset = 0;
    bool empty = false;
    int code = EXO_OK;
    exo_span text = json;
    exo_buffer with_system;
    exo_buffer_init(&with_system, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    bool inserted = system && messages_find_first(json, &first, &empty);
    if (inserted) {
        code = messages_insert_system(&with_system, json, first, empty, system);
        text = exo_buffer_span(&with_system);
    }
    exo_request *request = code == EXO_OK ? exo_request_from_json(options->model, text, &code, &offset) : NULL;
    if (request && system && !inserted) {
        code = exo_request_text(request, EXO_SYSTEM, system);
    }
    if (!request || code != EXO_OK) {
        offset -= inserted && offset > first ? text.len - json.len : 0;
        say("--%s: %s: %s (at byte %zu)", option, path,
            code == EXO_E_REQUEST ? messages_expected : exo_error_text(code), offset);
        exo_request_free(request);
        request = NULL;
    }
    exo_buffer_free(&with_system);
    return request;
}

exo_request *messages_request(const cli_options *options)
{
    exo_span json;
    if (!input_read(options->messages, &json)) {
        input_explain("messages", options->messages);
        return NULL;
    }
    exo_request *request = messages_parse(options, "messages", options->messages, json, options->system);
    free((void *)json.ptr);
    return request;
}
