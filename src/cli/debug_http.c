/*
 * debug_http.c: one HTTP/1.1 response → status, headers and body. The end of the input is the peer's closing of the
 * connection.
 *
 * Nothing is printed before the response is known to be complete, so head and body are kept.
 */
#include "debug.h"
#include "exit_code.h"
#include "json_out.h"
#include "memory.h"

#include "exochat/http1.h"

#include <stdlib.h>

/* What is kept of a header line. */
typedef struct header {
    exo_buffer name; /* in lower case */
    exo_buffer value;
} header;

typedef struct http_reading {
    uint16_t status;
    header *headers;
    size_t count;
    exo_buffer body;
} http_reading;

static int http_keep_name(exo_buffer *name, exo_span text)
{
    exo_buffer_init(name, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    int code = exo_buffer_append(name, text);
    for (size_t i = 0; i < name->len; i++) {
        if (name->data[i] >= 'A' && name->data[i] <= 'Z') {
            name->data[i] = (char)(name->data[i] - 'A' + 'a');
        }
    }
    return code;
}

/* A header that was there before gets the further value behind a comma (RFC 9110, 5.3). */
static int http_keep_header(http_reading *reading, exo_span name, exo_span value)
{
    header *at = NULL;
    for (size_t i = 0; i < reading->count && !at; i++) {
        exo_span known = exo_buffer_span(&reading->headers[i].name);
        at = known.len == name.len && exo_http1_name_is(name, reading->headers[i].name.data) ? &reading->headers[i]
                                                                                             : NULL;
    }
    int code = EXO_OK;
    if (at) {
        code = exo_buffer_append(&at->value, exo_span_text(", "));
    } else {
        header *more = realloc(reading->headers, (reading->count + 1) * sizeof *more);
        if (!more) {
            return EXO_E_NO_MEMORY;
        }
        reading->headers = more;
        at = &more[reading->count++];
        exo_buffer_init(&at->value, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
        code = http_keep_name(&at->name, name);
        code = code == EXO_OK ? exo_buffer_append(&at->name, exo_span_of("", 1)) : code;
        at->name.len -= code == EXO_OK; /* the NUL stays behind the name, for exo_http1_name_is() */
    }
    return code == EXO_OK ? exo_buffer_append(&at->value, value) : code;
}

static int http_handle(http_reading *reading, const exo_http1_event *event)
{
    switch (event->type) {
    case EXO_HTTP1_STATUS:
        reading->status = event->status;
        return EXO_OK;
    case EXO_HTTP1_HEADER:
        return http_keep_header(reading, event->name, event->value);
    case EXO_HTTP1_BODY:
        return exo_buffer_append(&reading->body, event->value);
    default:
        return EXO_OK;
    }
}

/* Handles the events there are now, and returns what came after the last one. */
static int http_drain(exo_http1_response *response, http_reading *reading)
{
    exo_http1_event event;
    int code;
    while ((code = exo_http1_response_next(response, &event)) == EXO_EVENT) {
        int kept = http_handle(reading, &event);
        if (kept < 0) {
            return kept;
        }
    }
    return code;
}

static void http_print_reading(const http_reading *reading)
{
    json_out out = json_out_to(stdout);
    json_open(&out, '{');
    json_key(&out, "status");
    json_int(&out, reading->status);
    json_key(&out, "headers");
    json_open(&out, '{');
    for (size_t i = 0; i < reading->count; i++) {
        json_key_span(&out, exo_buffer_span(&reading->headers[i].name));
        json_string(&out, exo_buffer_span(&reading->headers[i].value));
    }
    json_close(&out, '}');
    json_key(&out, "body");
    json_string(&out, exo_buffer_span(&reading->body));
    json_close(&out, '}');
    json_end_line(&out);
}

static void http_forget(http_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        exo_buffer_free(&reading->headers[i].name);
        exo_buffer_free(&reading->headers[i].value);
    }
    free(reading->headers);
    exo_buffer_free(&reading->body);
}

int debug_http(debug_input *input)
{
    exo_http1_response response;
    exo_buffer carry;
    exo_span piece;
    http_reading reading = {0, NULL, 0, {0}};
    const exo_limits *limits = exo_limits_host();
    exo_buffer_init(&reading.body, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    exo_buffer_init(&carry, &memory_heap, limits->head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&response, limits, &carry);
    int code = EXO_NEED_DATA;
    while (code == EXO_NEED_DATA && debug_next(input, &piece)) {
        code = exo_http1_response_feed(&response, piece);
        code = code == EXO_OK ? http_drain(&response, &reading) : code;
    }
    if (code == EXO_NEED_DATA) {
        exo_http1_response_end(&response);
        code = http_drain(&response, &reading);
    }
    if (code == EXO_DONE) {
        http_print_reading(&reading);
    }
    http_forget(&reading);
    exo_buffer_free(&carry);
    return code == EXO_DONE ? EXIT_ANSWERED : debug_refuse(code, response.at);
}
