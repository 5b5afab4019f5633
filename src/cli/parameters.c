/*
 * parameters.c: see parameters.h.
 */
#include "parameters.h"

#include "input.h"
#include "memory.h"
#include "say.h"

#include "exochat/json_read.h"

#include <errno.h>
#include <stdlib.h>

/* The name that a schema is sent under: its file's name up to the first dot, in the letters that endpoints allow. */
enum {
    SCHEMA_NAME_MAX = 64
};

/* ---- -o ---- */

static bool add_parameter(exo_request *request, const char *parameter)
{
    size_t key_len = (size_t)(strchr(parameter, '=') - parameter);
    const char *text = parameter + key_len + 1;
    exo_span value = exo_span_text(text);
    char *key = malloc(key_len + 1);
    if (!key) {
        say("out of memory");
        return false;
    }
    memcpy(key, parameter, key_len);
    key[key_len] = '\0';
    bool json = exo_json_check(value, EXO_JSON_DEPTH_MAX, NULL) == EXO_OK;
    int code = json ? exo_request_json(request, key, value) : exo_request_string(request, key, text);
    if (code == EXO_E_ARGUMENT) {
        say("--option: another key expected, not '%s': it is set by --model, by the prompt, or always", key);
    } else if (code != EXO_OK) {
        say("--option: %s: %s", parameter, exo_error_text(code));
    }
    free(key);
    return code == EXO_OK;
}

/* ---- files ---- */

/* Reads a file of JSON that begins with `bracket`. False: why was said. */
static bool parameters_read_json(const char *option, const char *path, char bracket, exo_span *json)
{
    size_t at = 0;
    if (!input_read(path, json)) {
        say("--%s: %s: %s", option, path, strerror(errno));
        return false;
    }
    int code = exo_json_check(*json, EXO_JSON_DEPTH_MAX, &at);
    if (code != EXO_OK) {
        say("--%s: %s: %s (at byte %zu)", option, path, exo_error_text(code), at);
    } else if (*exo_span_trim(*json).ptr != bracket) {
        say("--%s: %s: a JSON %s expected", option, path, bracket == '[' ? "array" : "object");
    } else {
        return true;
    }
    free((void *)json->ptr);
    return false;
}

static bool parameters_add_tools(exo_request *request, const char *path)
{
    exo_span tools;
    if (!parameters_read_json("tools", path, '[', &tools)) {
        return false;
    }
    int code = exo_request_json(request, "tools", tools);
    free((void *)tools.ptr);
    if (code != EXO_OK) {
        say("--tools: %s: %s", path, exo_error_text(code));
    }
    return code == EXO_OK;
}

static void parameters_name_schema(const char *path, char name[SCHEMA_NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    size_t len = 0;
    for (const char *at = slash ? slash + 1 : path; *at != '\0' && *at != '.' && len < SCHEMA_NAME_MAX; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        name[len++] = *at;
        if (!letter && *at != '-') {
            name[len - 1] = '_';
        }
    }
    name[len] = '\0';
    if (len == 0) {
        memcpy(name, "answer", sizeof "answer");
    }
}

/* The value of response_format around a schema. EXO_OK or EXO_E_NO_MEMORY. */
static int parameters_wrap_schema(exo_buffer *format, const char *name, exo_span schema)
{
    const exo_span parts[] = {
        exo_span_text("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\""),
        exo_span_text(name),
        exo_span_text("\",\"strict\":true,\"schema\":"),
        schema,
        exo_span_text("}}"),
    };
    int code = EXO_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && code == EXO_OK; i++) {
        code = exo_buffer_append(format, parts[i]);
    }
    return code;
}

static bool parameters_add_schema(exo_request *request, const char *path)
{
    exo_span schema;
    exo_buffer format;
    char name[SCHEMA_NAME_MAX + 1];
    if (!parameters_read_json("schema", path, '{', &schema)) {
        return false;
    }
    parameters_name_schema(path, name);
    exo_buffer_init(&format, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    int code = parameters_wrap_schema(&format, name, schema);
    code = code == EXO_OK ? exo_request_json(request, "response_format", exo_buffer_span(&format)) : code;
    exo_buffer_free(&format);
    free((void *)schema.ptr);
    if (code != EXO_OK) {
        say("--schema: %s: %s", path, exo_error_text(code));
    }
    return code == EXO_OK;
}

bool parameters_add(exo_request *request, const cli_options *options)
{
    if ((options->tools && !parameters_add_tools(request, options->tools)) ||
        (options->schema && !parameters_add_schema(request, options->schema))) {
        return false;
    }
    for (size_t i = 0; i < options->parameters.count; i++) {
        if (!add_parameter(request, options->parameters.items[i])) {
            return false;
        }
    }
    return true;
}
