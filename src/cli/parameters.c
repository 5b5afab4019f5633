/*
 * parameters.c: see parameters.h.
 */
#include "parameters.h"

#include "input.h"
#include "memory.h"
#include "nearest.h"
#include "say.h"
#include "secret.h"

#include "exochat/json_read.h"

#include <errno.h>
#include <stdlib.h>

/* The name that a schema is sent under: its file's name up to the first dot, in the letters that endpoints allow. */
enum {
    SCHEMA_NAME_MAX = 64
};

/* ---- -o ---- */

/* Whether a text that is no JSON looks as if it were to be: it begins like a list, an object or a string, is made of
 * what numbers are made of, or is one of JSON's words in other letters or another language's. */
static bool parameters_looks_like_json(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "none", "nil", "nan", "infinity", "-infinity", "inf"};
    const char *at = text + strspn(text, " \t\r\n");
    const char *digit = at + strspn(at, "+-.");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (nearest_steps(exo_span_trim(exo_span_text(at)), exo_span_text(words[i])) == 0) {
            return true;
        }
    }
    return *at == '{' || *at == '[' || *at == '"' ||
           (*digit >= '0' && *digit <= '9' && at[strspn(at, "0123456789+-.,_eExX \t")] == '\0');
}

/* Says what is sent of a parameter that somebody may have meant otherwise. */
static void parameters_warn(const char *key, const char *text, bool json)
{
    const char *dot = strchr(key, '.');
    if (dot) {
        say("--option: %s: sent as a key with a dot in its name; for a member: -o '%.*s={\"%s\": ...}'", key,
            (int)(dot - key), key, dot + 1);
    }
    if (!json && parameters_looks_like_json(text)) {
        say("--option: %s: sent as the string \"%.60s%s\", as it is no JSON", key, secret_hidden(text),
            strlen(text) > 60 ? "..." : "");
    }
}

static bool add_parameter(exo_request *request, const cli_options *options, const char *parameter)
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
        say("--option: another key expected, not '%s': %s", secret_hidden(key),
            strcmp(key, "model") == 0      ? "--model sets it"
            : strcmp(key, "messages") == 0 ? "--messages and the prompt set it"
            : strcmp(key, "stream") == 0   ? "it is always set; --no-stream prints the text when it is complete"
                                           : "it may not be empty");
    } else if (code != EXO_OK) {
        say("--option: %s: %s", secret_hidden(key), exo_error_text(code));
    } else if (!options->quiet) {
        parameters_warn(key, text, json);
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
        input_explain(option, path);
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

/* What of a tool is looked at. */
typedef struct tool_shape {
    bool object;
    bool type;
    bool is_function; /* its type is "function" */
    bool function;    /* there is an object of that name */
    bool name;        /* with a name in it */
    bool bare;        /* there is a name beside it: other endpoints want that */
} tool_shape;

/* Reads the members of "function". */
static int parameters_read_function(exo_json_reader *reader, tool_shape *shape)
{
    exo_json_token token;
    int code = exo_json_next(reader, &token);
    shape->function = code == EXO_EVENT && token.type == EXO_JSON_OBJECT;
    while (shape->function && (code = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        bool named = exo_json_is(&token, "name");
        if (named && (code = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_STRING) {
            shape->name = token.text.len > 0;
        } else if (!named) {
            code = exo_json_skip(reader, NULL);
        } else {
            return EXO_E_REQUEST;
        }
        if (code < 0) {
            return code;
        }
    }
    return code;
}

/* Reads one member of the list of tools, whose first token is `token`. False: it cannot be one. */
static bool parameters_read_tool(exo_json_reader *reader, exo_json_token token, tool_shape *shape)
{
    int code = EXO_EVENT;
    memset(shape, 0, sizeof *shape);
    shape->object = token.type == EXO_JSON_OBJECT;
    while (shape->object && exo_json_next(reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        if (exo_json_is(&token, "function")) {
            code = parameters_read_function(reader, shape);
        } else if (exo_json_is(&token, "type")) {
            code = exo_json_next(reader, &token);
            shape->type = code == EXO_EVENT && token.type == EXO_JSON_STRING;
            shape->is_function = shape->type && exo_json_is(&token, "function");
        } else {
            shape->bare = shape->bare || exo_json_is(&token, "name");
            code = exo_json_skip(reader, NULL);
        }
        if (code < 0) {
            return false;
        }
    }
    return shape->object && shape->type && (!shape->is_function || (shape->function && shape->name));
}

/* Whether a list holds tools: objects with a type, and of functions with a name. Says so if not. */
static bool parameters_are_tools(const char *path, exo_span tools)
{
    static const char expected[] = "{\"type\": \"function\", \"function\": {\"name\": ..., \"parameters\": {...}}}";
    exo_json_reader reader;
    exo_json_token token;
    tool_shape shape;
    size_t count = 0;
    exo_json_reader_init(&reader, tools, EXO_JSON_DEPTH_MAX, true);
    exo_json_next(&reader, &token);
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type != EXO_JSON_ARRAY_END) {
        count++;
        if (!parameters_read_tool(&reader, token, &shape)) {
            say("--tools: %s: tool %zu: %s; %s expected", path, count,
                !shape.object                         ? "it is no object"
                : shape.bare && !shape.function       ? "its name stands outside of \"function\""
                : !shape.type                         ? "it has no \"type\""
                : shape.is_function && shape.function ? "its function has no \"name\""
                                                      : "it has no object \"function\"",
                expected);
            return false;
        }
    }
    if (count == 0) {
        say("--tools: %s: there are no tools in it", path);
    }
    return count > 0;
}

static bool parameters_add_tools(exo_request *request, const char *path)
{
    exo_span tools;
    if (!parameters_read_json("tools", path, '[', &tools)) {
        return false;
    }
    int code = exo_request_json(request, "tools", tools);
    bool good = code == EXO_OK && parameters_are_tools(path, tools);
    free((void *)tools.ptr);
    if (code != EXO_OK) {
        say("--tools: %s: %s", path, exo_error_text(code));
    }
    return good;
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
        if (!add_parameter(request, options, options->parameters.items[i])) {
            return false;
        }
    }
    if (options->choices != NOT_GIVEN && exo_request_int(request, "n", options->choices) != EXO_OK) {
        say("out of memory");
        return false;
    }
    return true;
}
