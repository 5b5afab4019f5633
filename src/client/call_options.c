/*
 * call_options.c: see call_options.h. call.c and body.c call it. Memory: the copies.
 */
#include "call_options.h"

#include "defaults.h"
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

/* Every text of exo_call_options that is copied, and wiped, in the same way. */
#define TEXT_FIELDS(X) \
    X(model) \
    X(traceparent) \
    X(file_root) \
    X(defaults) \
    X(api_key)

static bool options_copy_text(const char **field)
{
    const char *given = *field;
    *field = exo_heap_copy(given);
    return !given || *field;
}

static bool options_copy_headers(exo_call_options *options)
{
    size_t count = options->headers ? options->header_count : 0;
    const exo_header *given = options->headers;
    exo_header *copies = count > 0 ? calloc(count, sizeof *copies) : NULL;
    bool copied = count == 0 || copies;
    options->headers = copies;
    options->header_count = copies ? count : 0;
    for (size_t i = 0; copies && i < count; i++) {
        copies[i].name = exo_heap_copy(given[i].name ? given[i].name : "");
        copies[i].value = exo_heap_copy(given[i].value ? given[i].value : "");
        copied = copied && copies[i].name && copies[i].value;
    }
    return copied;
}

bool exo_call_options_copy(exo_call_options *options)
{
    bool copied = true;
#define X(field) copied = options_copy_text(&options->field) && copied;
    TEXT_FIELDS(X)
#undef X
    return options_copy_headers(options) && copied;
}

void exo_call_options_free(exo_call_options *options)
{
#define X(field) \
    exo_heap_free_secret((char *)options->field); \
    options->field = NULL;
    TEXT_FIELDS(X)
#undef X
    for (size_t i = 0; i < options->header_count; i++) {
        exo_heap_free_secret((char *)options->headers[i].name);
        exo_heap_free_secret((char *)options->headers[i].value);
    }
    free((void *)options->headers);
    options->headers = NULL;
    options->header_count = 0;
}

/* ---- keys ---- */

static void options_censor(exo_failure *failure, const char *secret, size_t least)
{
    size_t len = secret ? strlen(secret) : 0;
    if (len >= least) {
        exo_failure_redact(failure, exo_span_of(secret, len));
    }
}

void exo_call_options_censor(const exo_call_options *options, exo_failure *failure)
{
    options_censor(failure, options->api_key, 8);
    for (size_t i = 0; i < options->header_count; i++) {
        const char *space = strrchr(options->headers[i].value, ' ');
        options_censor(failure, space ? space + 1 : options->headers[i].value, 16);
    }
}

/* ---- checking ---- */

typedef struct words {
    char *message;
    size_t size;
} words;

static int options_refuse(const words *w, int code, const char *field, const char *expected)
{
    snprintf(w->message, w->size, "%s: %s", field, expected);
    return code;
}

/* A clock can be `automatic` that is so unless it is set. */
static int options_check_clock(const words *w, const char *field, int64_t clock, bool automatic)
{
    bool good = clock == EXO_CLOCK_OF_DEPLOYMENT || (automatic && clock == EXO_CLOCK_AUTO) ||
                (clock >= 0 && clock <= INT64_C(86400000));
    return good ? EXO_OK
                : options_refuse(w, EXO_E_ARGUMENT, field,
                                 automatic ? "must be 0 (off), auto, 1 to 86400000 milliseconds, or the deployment's"
                                           : "must be 0 (off), 1 to 86400000 milliseconds, or the deployment's");
}

static int options_check_clocks(const words *w, const exo_call_options *o)
{
    int code = EXO_OK;
#define CHECK_DEPLOYMENT(clock, field) \
    code = \
        code == EXO_OK ? options_check_clock(w, #field, o->field, EXO_CLOCK_DEFAULT_##clock == EXO_CLOCK_AUTO) : code;
#define CHECK_CALL(clock, field) \
    code = code == EXO_OK && o->field < 0 ? options_refuse(w, EXO_E_ARGUMENT, #field, "must be 0 (off) or positive") \
                                          : code;
#define X(clock, code_, field, owner, standard, phases, word) CHECK_##owner(clock, field)
    EXO_CLOCK_MAP(X)
#undef X
#undef CHECK_CALL
#undef CHECK_DEPLOYMENT
    return code;
}

static int options_check_files(const words *w, const exo_call_options *o)
{
    if ((unsigned)o->files > EXO_FILES_ANY) {
        return options_refuse(w, EXO_E_ARGUMENT, "files", "must be one of EXO_FILES_*");
    }
    bool has_root = o->file_root && o->file_root[0];
    if (o->files == EXO_FILES_FOLDER && !has_root) {
        return options_refuse(w, EXO_E_ARGUMENT, "file_root", "must name the folder of EXO_FILES_FOLDER");
    }
    return o->file_root && o->files != EXO_FILES_FOLDER
               ? options_refuse(w, EXO_E_ARGUMENT, "file_root", "needs files to be EXO_FILES_FOLDER")
               : EXO_OK;
}

static int options_check_defaults(const words *w, const exo_call_options *o, bool raw)
{
    char expected[96];
    size_t at = 0;
    if (o->defaults && raw) {
        return options_refuse(w, EXO_E_ARGUMENT, "defaults", "nothing can be added to a body that is sent as it is");
    }
    int code = o->defaults ? exo_defaults_check(exo_span_text(o->defaults), &at) : EXO_OK;
    if (code == EXO_OK || code == EXO_E_NO_MEMORY) {
        return code;
    }
    snprintf(expected, sizeof expected, "must be a JSON object (%s at byte %zu)", exo_error_text(code), at);
    return options_refuse(w, code, "defaults", expected);
}

static int options_check_headers(const words *w, const exo_call_options *o)
{
    int code = EXO_OK;
    if (exo_has_control(o->traceparent)) {
        return options_refuse(w, EXO_E_HEADER, "traceparent", "may not hold CR, LF or other control characters");
    }
    if (exo_has_control(o->api_key)) {
        return options_refuse(w, EXO_E_HEADER, "api_key", "may not hold CR, LF or other control characters");
    }
    if (!exo_headers_are_good(o->headers, o->header_count, &code, w->message, w->size)) {
        return code;
    }
    for (size_t i = 0; i < o->header_count; i++) {
        if (exo_same_name(o->headers[i].name, "Content-Type") || exo_same_name(o->headers[i].name, "Authorization")) {
            return options_refuse(w, EXO_E_HEADER, o->headers[i].name, "this header cannot be set for a call");
        }
    }
    return EXO_OK;
}

int exo_call_options_check(const exo_call_options *options, const exo_limits *limits, bool raw, char *message,
                           size_t size)
{
    const words w = {message, size};
    char expected[96];
    if (options->choices == 0 || options->choices > limits->choices) {
        snprintf(expected, sizeof expected, "1 to %u (limits.choices) can be kept", (unsigned)limits->choices);
        return options_refuse(&w, EXO_E_ARGUMENT, "choices", expected);
    }
    int code = options_check_clocks(&w, options);
    code = code == EXO_OK ? options_check_files(&w, options) : code;
    code = code == EXO_OK ? options_check_headers(&w, options) : code;
    return code == EXO_OK ? options_check_defaults(&w, options, raw) : code;
}
