/*
 * test_http1.c: the HTTP/1.1 codec: tables of responses and of requests, each replayed at every split and window size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/http1.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LITERAL(text) \
    { \
        (text), sizeof(text) - 1 \
    }

/* Limits of a test; 0 stands for plenty. */
typedef struct test_limits {
    uint32_t head;
    uint32_t headers;
    uint32_t chunk_overhead;
} test_limits;

static exo_limits limits_of(const test_limits *test)
{
    exo_limits limits;
    memset(&limits, 0, sizeof limits);
    limits.head = test->head ? test->head : 65536;
    limits.headers = test->headers ? test->headers : 256;
    limits.chunk_overhead = test->chunk_overhead ? test->chunk_overhead : 16384;
    return limits;
}

static void *resize(void *ctx, void *ptr, size_t size)
{
    int *allocations = ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    ++*allocations;
    return realloc(ptr, size);
}

static void *refuse(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
    return NULL;
}

/* ---- event logs ---- */

typedef struct event_log {
    char text[8192];
    size_t len;
    bool in_body;
} event_log;

static void log_text(event_log *log, const char *text)
{
    size_t len = strlen(text);
    assert_true(log->len + len < sizeof log->text);
    memcpy(log->text + log->len, text, len + 1);
    log->len += len;
}

static void log_span(event_log *log, exo_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        char shown[8];
        unsigned char byte = (unsigned char)span.ptr[i];
        (void)snprintf(shown, sizeof shown, byte >= ' ' && byte < 127 ? "%c" : "\\x%02x", byte);
        log_text(log, shown);
    }
}

/* One line for an event; pieces of a body run together, since they follow the feeding. */
static void log_event(event_log *log, const exo_http1_event *event)
{
    char status[32];

    if (log->in_body && event->type != EXO_HTTP1_BODY) {
        log_text(log, "]\n");
        log->in_body = false;
    }
    switch (event->type) {
    case EXO_HTTP1_STATUS:
        (void)snprintf(status, sizeof status, "status 1.%u %u [", event->minor, event->status);
        log_text(log, status);
        break;
    case EXO_HTTP1_HEADER:
    case EXO_HTTP1_TRAILER:
        log_text(log, event->type == EXO_HTTP1_HEADER ? "header " : "trailer ");
        log_span(log, event->name);
        log_text(log, " [");
        break;
    case EXO_HTTP1_HEAD_END:
        log_text(log, "head end\n");
        return;
    case EXO_HTTP1_END:
        log_text(log, "end\n");
        return;
    case EXO_HTTP1_BODY:
        assert_true(event->value.len > 0);
        if (!log->in_body) {
            log_text(log, "body [");
        }
        log->in_body = true;
        log_span(log, event->value);
        return;
    }
    log_span(log, event->value);
    log_text(log, "]\n");
}

static void log_result(event_log *log, const exo_http1_response *response, int result)
{
    if (log->in_body) {
        log_text(log, "]\n");
    }
    if (result == EXO_DONE) {
        log_text(log, exo_http1_response_reusable(response) ? "reusable\n" : "done\n");
    } else {
        log_text(log, result == EXO_NEED_DATA ? "need data" : exo_error_name(result));
        log_text(log, "\n");
    }
}

/* ---- replaying ---- */

typedef struct replay {
    exo_http1_response response;
    exo_buffer carry;
    exo_allocator allocator;
    int allocations;
    event_log log;
    int result;
} replay;

static void replay_init(replay *run, const test_limits *test)
{
    exo_limits limits = limits_of(test);

    memset(run, 0, sizeof *run);
    run->allocator.ctx = &run->allocations;
    run->allocator.resize = resize;
    run->result = EXO_NEED_DATA;
    exo_buffer_init(&run->carry, &run->allocator, limits.head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&run->response, &limits, &run->carry);
}

static void replay_pull(replay *run)
{
    exo_http1_event event;

    while ((run->result = exo_http1_response_next(&run->response, &event)) == EXO_EVENT) {
        log_event(&run->log, &event);
    }
    assert_true(run->result == EXO_NEED_DATA || run->result == EXO_DONE || run->result < 0);
}

/* Feeds a copy that ends where its memory ends. Behind the end of the response, only the first piece is taken. */
static void replay_feed(replay *run, exo_span bytes)
{
    if (run->result < 0 || exo_http1_response_unread(&run->response) > 0) {
        return;
    }
    char *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    assert_int_equal(exo_http1_response_feed(&run->response, exo_span_of(copy, bytes.len)), EXO_OK);
    replay_pull(run);
    free(copy);
}

static void replay_finish(replay *run, bool close)
{
    if (close && run->result == EXO_NEED_DATA) {
        exo_http1_response_end(&run->response);
        replay_pull(run);
        assert_int_not_equal(run->result, EXO_NEED_DATA);
    }
    exo_http1_event event;
    assert_int_equal(exo_http1_response_next(&run->response, &event), run->result);
    if (run->result < 0) {
        assert_int_equal(exo_http1_response_feed(&run->response, exo_span_text("x")), run->result);
        assert_false(exo_http1_response_reusable(&run->response));
    }
    log_result(&run->log, &run->response, run->result);
    exo_buffer_free(&run->carry);
}

/* Two pieces, cut at `cut`. */
static void replay_split(replay *run, const test_limits *limits, exo_span input, size_t cut, bool close)
{
    replay_init(run, limits);
    replay_feed(run, exo_span_of(input.ptr, cut));
    replay_feed(run, exo_span_of(input.ptr + cut, input.len - cut));
    replay_finish(run, close);
}

static void replay_bytes(replay *run, const test_limits *limits, exo_span input, bool close)
{
    replay_init(run, limits);
    for (size_t i = 0; i < input.len; i++) {
        replay_feed(run, exo_span_of(input.ptr + i, 1));
    }
    replay_finish(run, close);
}

/* The events and the offset of the end or the error are the same at every split in two, and byte by byte. */
static void check_every_split(const test_limits *limits, exo_span input, bool close, const char *events, size_t at)
{
    static replay run;

    for (size_t cut = 0; cut <= input.len; cut++) {
        replay_split(&run, limits, input, cut, close);
        assert_string_equal(run.log.text, events);
        assert_int_equal(run.response.at, at);
    }
    replay_bytes(&run, limits, input, close);
    assert_string_equal(run.log.text, events);
    assert_int_equal(run.response.at, at);
}

/* ---- responses that are right ---- */

typedef struct good_case {
    const char *name;
    exo_span input;
    const char *events;
    bool close;
    size_t behind; /* bytes that do not belong to the response */
    test_limits limits;
} good_case;

static const good_case good_cases[] = {
    {"length",
     LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
     "status 1.1 200 [OK]\nheader Content-Length [5]\nhead end\nbody [hello]\nend\nreusable\n",
     false,
     0,
     {0}},
    {"length 0",
     LITERAL("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n"),
     "status 1.1 200 [OK]\nheader content-length [0]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"equal lengths",
     LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCONTENT-LENGTH: 02, 2,\t2\r\n\r\nhi"),
     "status 1.1 200 [OK]\nheader Content-Length [2]\nheader CONTENT-LENGTH [02, 2,\\x092]\nhead end\nbody [hi]\nend\n"
     "reusable\n",
     false,
     0,
     {0}},
    {"bytes behind the end",
     LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP"),
     "status 1.1 200 [OK]\nheader Content-Length [1]\nhead end\nbody [x]\nend\ndone\n",
     false,
     4,
     {0}},
    {"until the peer closes",
     LITERAL("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nall of this"),
     "status 1.1 200 [OK]\nheader Server [x]\nhead end\nbody [all of this]\nend\ndone\n",
     true,
     0,
     {0}},
    {"nothing until the peer closes",
     LITERAL("HTTP/1.0 200 OK\r\n\r\n"),
     "status 1.0 200 [OK]\nhead end\nend\ndone\n",
     true,
     0,
     {0}},
    {"still open",
     LITERAL("HTTP/1.1 200 OK\r\n\r\nso far"),
     "status 1.1 200 [OK]\nhead end\nbody [so far]\nneed data\n",
     false,
     0,
     {0}},
    {"1.0 with a length",
     LITERAL("HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nno"),
     "status 1.0 404 [Not Found]\nheader Connection [keep-alive]\nheader Content-Length [2]\nhead end\nbody [no]\nend\n"
     "done\n",
     false,
     0,
     {0}},
    {"close after it",
     LITERAL("HTTP/1.1 200 OK\r\nConnection: x , CLOSE\r\nContent-Length: 0\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Connection [x , CLOSE]\nheader Content-Length [0]\nhead end\nend\ndone\n",
     false,
     0,
     {0}},
    {"other connection options",
     LITERAL("HTTP/1.1 200 OK\r\nConnection: closed,,clos\r\nContent-Length: 0\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Connection [closed,,clos]\nheader Content-Length [0]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"no reason", LITERAL("HTTP/1.1 204 \r\n\r\n"), "status 1.1 204 []\nhead end\nend\nreusable\n", false, 0, {0}},
    {"no reason, no space",
     LITERAL("HTTP/1.1 204\r\n\r\n"),
     "status 1.1 204 []\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"obs-text in the reason",
     LITERAL("HTTP/1.1 204 a\xff\tb \r\n\r\n"),
     "status 1.1 204 [a\\xff\\x09b ]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"304 with a length",
     LITERAL("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n"),
     "status 1.1 304 [x]\nheader Content-Length [9]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"304 that is chunked",
     LITERAL("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "status 1.1 304 [x]\nheader Transfer-Encoding [chunked]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"status 999",
     LITERAL("HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n"),
     "status 1.1 999 [?]\nheader Content-Length [0]\nhead end\nend\nreusable\n",
     false,
     0,
     {0}},
    {"white space around values",
     LITERAL("HTTP/1.1 204 x\r\na: \t b c \t\r\nd:\r\ne: \t\r\n!#$%&'*+-.^_`|~09azAZ:x\r\n\r\n"),
     "status 1.1 204 [x]\nheader a [b c]\nheader d []\nheader e []\nheader !#$%&'*+-.^_`|~09azAZ [x]\nhead end\nend\n"
     "reusable\n",
     false,
     0,
     {0}},
    {"interim responses",
     LITERAL("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: many\r\n"
             "Connection: close\r\n\r\nHTTP/1.1 102\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"),
     "status 1.1 200 [OK]\nheader Content-Length [1]\nhead end\nbody [1]\nend\nreusable\n",
     false,
     0,
     {0}},
    {"chunked",
     LITERAL(
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA\r\n, world!!\n\r\n1\r\n\r\r\n0\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [Chunked]\nhead end\nbody [hello, world!!\\x0a\\x0d]\nend\n"
     "reusable\n",
     false,
     0,
     {0}},
    {"empty chunked",
     LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n000\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [chunked]\nhead end\nend\nreusable\n",
     false,
     0,
     {0, 0, 2}},
    {"extensions",
     LITERAL(
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n001;a=\"b;\tc\"\r\nx\r\n1 \t; d\r\ny\r\n0;e\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [chunked]\nhead end\nbody [xy]\nend\nreusable\n",
     false,
     0,
     {0, 0, 18}},
    {"every kind of extension",
     LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c = d ;\te\t= \"\"\r\nx\r\n"
             "1 ;a=\"=\\\"(;\\\\\xc3\xa4 \" ;b;c\r\ny\r\n0;!=~\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [chunked]\nhead end\nbody [xy]\nend\nreusable\n",
     false,
     0,
     {0}},
    {"bare line feeds in the head",
     LITERAL("HTTP/1.1 100\n\nHTTP/1.1 200 OK\na: b\r\nc:\nContent-Length: 1\n\n\n"),
     "status 1.1 200 [OK]\nheader a [b]\nheader c []\nheader Content-Length [1]\nhead end\nbody [\\x0a]\nend\n"
     "reusable\n",
     false,
     0,
     {0}},
    {"nothing but a status and line feeds",
     LITERAL("HTTP/1.0 200\n\n\r\n"),
     "status 1.0 200 []\nhead end\nbody [\\x0d\\x0a]\nend\ndone\n",
     true,
     0,
     {0}},
    {"folded headers",
     LITERAL(
         "HTTP/1.1 204 x\r\na: b\r\n c\r\nd:e \t \r\n\t \tf g\r\n  \r\n h \r\nconnection:\r\n close\n \nk:l\n\tm:n\n"
         "content-lengths: 1\r\n 2\r\n\r\n"),
     "status 1.1 204 [x]\nheader a [b c]\nheader d [e f g h]\nheader connection [close]\nheader k [l m:n]\n"
     "header content-lengths [1 2]\nhead end\nend\ndone\n",
     false,
     0,
     {0}},
    {"folded where nothing is framed",
     LITERAL("HTTP/1.1 103 x\r\nContent-Length:\r\n 5\r\n\r\n" /* not heeded in an interim response, nor in trailers */
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: a\r\n b\r\nc:d\r\n \r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [chunked]\nhead end\ntrailer Content-Length [a b]\n"
     "trailer c [d]\nend\nreusable\n",
     false,
     0,
     {0}},
    {"a fold counts as bytes, and as no header",
     LITERAL("HTTP/1.1 204 x\r\na:b\r\n \t \r\n\tc\r\n\r\n"),
     "status 1.1 204 [x]\nheader a [b c]\nhead end\nend\nreusable\n",
     false,
     0,
     {32, 1, 0}},
    {"trailers",
     LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length:  7 \r\nb:\r\n\r\n"),
     "status 1.1 200 [OK]\nheader Transfer-Encoding [chunked]\nhead end\nbody [x]\ntrailer Content-Length [7]\n"
     "trailer b []\nend\nreusable\n",
     false,
     0,
     {0}},
    {"limits that are just reached",
     LITERAL("HTTP/1.1 204 x\r\na:b\r\nc:d\r\n\r\n"),
     "status 1.1 204 [x]\nheader a [b]\nheader c [d]\nhead end\nend\nreusable\n",
     false,
     0,
     {28, 2, 0}},
    {"limits just reached by trailers",
     LITERAL("HTTP/1.1 200 \r\nTransfer-Encoding:chunked\r\n\r\n0\r\na:b\r\n\r\n"),
     "status 1.1 200 []\nheader Transfer-Encoding [chunked]\nhead end\ntrailer a [b]\nend\nreusable\n",
     false,
     0,
     {51, 2, 0}},
};

static void good_responses_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good_cases); i++) {
        const good_case *test = &good_cases[i];
        print_message("  %s\n", test->name);
        check_every_split(&test->limits, test->input, test->close, test->events, test->input.len - test->behind);
    }
}

/* ---- responses that are wrong ---- */

typedef struct bad_case {
    exo_span right; /* up to the byte whose offset is reported */
    exo_span wrong;
    int error;
    test_limits limits;
} bad_case;

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_LINE "Transfer-Encoding: chunked\r\n\r\n"

/* Errors that are seen at the byte itself. */
static const bad_case wrong_bytes[] = {
    /* something else than HTTP/1 */
    {LITERAL(""), LITERAL("<!DOCTYPE html>"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("\x15\x03\x03\x00\x02\x02\x28"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("SSH-2.0-OpenSSH_9.6\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("\r\nHTTP/1.1 200 OK\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL(" HTTP/1.1 200 OK\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("http/1.1 200 OK\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("\0"), EXO_E_HEAD, {0}},
    {LITERAL(""), LITERAL("\xff"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP"), LITERAL("S/1.1 200 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/"), LITERAL("2 200\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1."), LITERAL("2 200\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1"), LITERAL("\t200 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1"), LITERAL("0 200 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 "), LITERAL(" 200 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 "), LITERAL("000 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 "), LITERAL("099 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 "), LITERAL("OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 2"), LITERAL(" OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 20"), LITERAL("\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 20"), LITERAL("x\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 200"), LITERAL("0 OK\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 10"), LITERAL("1 Switching Protocols\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 10"), LITERAL("1 x\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 200 O"), LITERAL("\0K\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 200 OK\r"), LITERAL("X"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 200 OK\r"), LITERAL("\r\n"), EXO_E_HEAD, {0}},
    /* header lines */
    {LITERAL(OK_LINE), LITERAL(":empty name\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE), LITERAL("\xc3\xa4: x\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a"), LITERAL(" : space before the colon\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a"), LITERAL("\t: tab before the colon\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "no-colon"), LITERAL("\r\n\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: x"), LITERAL("\0y\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: x"), LITERAL("\x7f\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: x"), LITERAL("\x1b[2J\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: x\r"), LITERAL("b: y\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: x\r"), LITERAL("\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "\r"), LITERAL("x"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "\r"), LITERAL("\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 100 Continue\r\n"), LITERAL("@: x\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 100 Continue\r\n\r\n"), LITERAL("\r\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 20"), LITERAL("\n"), EXO_E_HEAD, {0}},
    {LITERAL("HTTP/1.1 200\r"), LITERAL("x\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "no-colon"), LITERAL("\n\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "Content-Length: 1\r\n"), LITERAL(" 0\r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: chunked\r\n"), LITERAL("\tx\r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL(OK_LINE "transfer-encoding: chunked\n"), LITERAL(" \r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL(OK_LINE "a: b\r\n c"), LITERAL("\0\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: b\r\n \r"), LITERAL("c\r\n"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE "a: b\r\n c\r\n"), LITERAL(":"), EXO_E_HEAD, {0}},
    {LITERAL(OK_LINE), LITERAL(" a: b\r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL("HTTP/1.1 103 x\r\n"), LITERAL(" a: b\r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL(CHUNKED "0\r\n"), LITERAL(" folded\r\n"), EXO_E_OBS_FOLD, {0}},
    {LITERAL(CHUNKED "0\r\n"), LITERAL("(: x\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0\r\n"), LITERAL("\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0\r\na: b"), LITERAL("\n\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0\r\na: b\r\n c"), LITERAL("\n\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0\r\na: b\r"), LITERAL("c"), EXO_E_CHUNK, {0}},
    /* limits of the head */
    {LITERAL("HTTP/1.1 2"), LITERAL("00 OK\r\n"), EXO_E_HEAD_LIMIT, {10, 0, 0}},
    {LITERAL("HTTP/1.1 204 x\r\na: b\r\n\r"), LITERAL("\n"), EXO_E_HEAD_LIMIT, {23, 0, 0}},
    {LITERAL("HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r"),
     LITERAL("\n"),
     EXO_E_HEAD_LIMIT,
     {50, 0, 0}},
    {LITERAL("HTTP/1.1 200 \r\nTransfer-Encoding:chunked\r\n\r\n0\r\na:b\r\n\r"),
     LITERAL("\n"),
     EXO_E_HEAD_LIMIT,
     {50, 0, 0}},
    {LITERAL(OK_LINE "a:1\r\nb:2\r\n"), LITERAL("c:3\r\n"), EXO_E_HEADERS_LIMIT, {0, 2, 0}},
    {LITERAL("HTTP/1.1 103 x\r\na:1\r\n\r\n" OK_LINE "b:2\r\n"), LITERAL("c:3\r\n"), EXO_E_HEADERS_LIMIT, {0, 2, 0}},
    {LITERAL(CHUNKED "0\r\na:1\r\n"), LITERAL("b:2\r\n"), EXO_E_HEADERS_LIMIT, {0, 2, 0}},
    /* chunks */
    {LITERAL(CHUNKED), LITERAL("\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL(";a\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL(" 5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL("-5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL("+5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL("\n5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL("g\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED), LITERAL("\ndata: {}\n\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0"), LITERAL("x5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "F"), LITERAL("G\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5"), LITERAL("\nhello"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5\r"), LITERAL("hello"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5\r"), LITERAL("\r\nhello"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5 "), LITERAL("5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5 "), LITERAL("\r\nhello"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5;a"), LITERAL("\nhello"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5;a"), LITERAL("\0\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5;a\r"), LITERAL("x\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;"), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2; \t"), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;"), LITERAL(";a\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;"), LITERAL("=a\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;"), LITERAL("\"a\"\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a;"), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a "), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a "), LITERAL("b\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a"), LITERAL("\"b\"\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a"), LITERAL("\\\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a="), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a="), LITERAL(";b\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a="), LITERAL("=\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=b"), LITERAL("=\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=b"), LITERAL("(\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=b "), LITERAL("c\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=\"b"), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=\"b\\"), LITERAL("\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=\"b\""), LITERAL("c\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "2;a=\"b\""), LITERAL("\"\r\nhi"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5\r\nhello"), LITERAL("5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5\r\nhello"), LITERAL("\n5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "5\r\nhello\r"), LITERAL("5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "1234567890abcdef"), LITERAL("0\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0000000000000000"), LITERAL("5\r\n"), EXO_E_CHUNK, {0}},
    {LITERAL(CHUNKED "0000"), LITERAL("5\r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 3}},
    {LITERAL(CHUNKED "1;ab"), LITERAL("c\r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 3}},
    {LITERAL(CHUNKED "1\r\nx\r\n1;a\r\nx\r\n0;"), LITERAL("a\r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 3}},
    {LITERAL(CHUNKED "1   "), LITERAL(";\r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 3}},
    {LITERAL(CHUNKED "1   "), LITERAL(" \r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 3}},
    {LITERAL(CHUNKED "01"), LITERAL(" \r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 1}},
    {LITERAL(CHUNKED "01"), LITERAL(";\r\n"), EXO_E_CHUNK_LIMIT, {0, 0, 1}},
};

/* Errors of a header's value, seen when the line is whole and reported where the value goes wrong. */
static const bad_case wrong_values[] = {
    {LITERAL(OK_LINE "Content-Length:"), LITERAL("\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length:  "), LITERAL("-5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: "), LITERAL("+5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 0"), LITERAL("x5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5"), LITERAL(".0\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5"), LITERAL(" 5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5,"), LITERAL("\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: "), LITERAL(",5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5, "), LITERAL("6\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5, "), LITERAL(",5\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 1844674407370955161"), LITERAL("6\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 18446744073709551615"), LITERAL("0\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5\r\nContent-Length: "), LITERAL("6\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 0\r\nContent-Length: "), LITERAL("1\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL("HTTP/1.1 204 x\r\nContent-Length: "), LITERAL("none\r\n"), EXO_E_CONTENT_LENGTH, {0}},
    {LITERAL(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: "), LITERAL("chunked\r\n"), EXO_E_BOTH_LENGTHS, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: "), LITERAL("5\r\n"), EXO_E_BOTH_LENGTHS, {0}},
    {LITERAL(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: "), LITERAL("gzip\r\n"), EXO_E_BOTH_LENGTHS, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding:"), LITERAL("\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: "), LITERAL("identity\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: "), LITERAL("gzip, chunked\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: "), LITERAL("chunked, chunked\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: "), LITERAL("chunked;q=1\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: "), LITERAL("\"chunked\"\r\n"), EXO_E_CODING, {0}},
    {LITERAL(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: "), LITERAL("chunked\r\n"), EXO_E_CODING, {0}},
    {LITERAL("HTTP/1.0 200 OK\r\nTransfer-Encoding: "), LITERAL("chunked\r\n"), EXO_E_CODING, {0}},
};

static exo_span join(char *room, size_t size, exo_span a, exo_span b)
{
    assert_true(a.len + b.len <= size);
    memcpy(room, a.ptr, a.len);
    memcpy(room + a.len, b.ptr, b.len);
    return exo_span_of(room, a.len + b.len);
}

static void check_bad_case(const bad_case *test)
{
    static replay run;
    static char expected[sizeof run.log.text];
    char room[512];
    exo_span input = join(room, sizeof room, test->right, test->wrong);

    replay_split(&run, &test->limits, input, input.len, false);
    print_message("  %s at %u\n", exo_error_name(run.result), (unsigned)run.response.at);
    assert_int_equal(run.result, test->error);
    memcpy(expected, run.log.text, sizeof expected);
    check_every_split(&test->limits, input, false, expected, test->right.len);
}

static void wrong_bytes_are_reported_at_once(void **state)
{
    static replay run;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong_bytes); i++) {
        const bad_case *test = &wrong_bytes[i];
        check_bad_case(test);

        replay_init(&run, &test->limits);
        replay_feed(&run, test->right);
        assert_int_equal(run.result, EXO_NEED_DATA);
        replay_feed(&run, exo_span_of(test->wrong.ptr, 1));
        assert_int_equal(run.result, test->error);
        replay_finish(&run, true);
    }
}

static void wrong_values_are_reported_at_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong_values); i++) {
        check_bad_case(&wrong_values[i]);
    }
}

static void an_endless_run_of_interim_responses_ends(void **state)
{
    static replay run;
    const test_limits limits = {1000, 0, 0};
    int fed = 0;

    (void)state;
    replay_init(&run, &limits);
    while (run.result == EXO_NEED_DATA && fed++ < 1000) {
        replay_feed(&run, exo_span_text("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    replay_finish(&run, false);
    assert_string_equal(run.log.text, "EXO_E_HEAD_LIMIT\n");
    assert_int_equal(run.response.at, 1000);
}

static void tiny_chunks_cost_nothing(void **state)
{
    static replay run;
    const test_limits limits = {0, 0, 1};

    (void)state;
    replay_init(&run, &limits);
    replay_feed(&run, exo_span_text(CHUNKED));
    for (int i = 0; i < 1000; i++) {
        replay_feed(&run, exo_span_text("1\r\nx\r\n"));
    }
    replay_feed(&run, exo_span_text("0\r\n\r\n"));
    assert_int_equal(run.result, EXO_DONE);
    assert_int_equal(run.response.at, strlen(CHUNKED) + 6005);
    replay_finish(&run, false);
}

/* ---- the peer closes ---- */

typedef struct close_case {
    const char *input;
    size_t from; /* the offsets from which to `to` the peer closes */
    size_t to;
    int result;
} close_case;

static void a_close_is_judged_at_every_offset(void **state)
{
    static const close_case cases[] = {
        {OK_LINE "Content-Length: 5\r\n\r\nhello", 0, 0, EXO_E_CLOSED},
        {OK_LINE "Content-Length: 5\r\n\r\nhello", 1, 37, EXO_E_HEAD},
        {OK_LINE "Content-Length: 5\r\n\r\nhello", 38, 42, EXO_E_BODY_CUT},
        {OK_LINE "Content-Length: 5\r\n\r\nhello", 43, 43, EXO_DONE},
        {OK_LINE "Content-Length: 18446744073709551615\r\n\r\nhello", 57, 62, EXO_E_BODY_CUT},
        {OK_LINE "a: b\r\n\r\nhello", 1, 24, EXO_E_HEAD},
        {OK_LINE "a: b\r\n\r\nhello", 25, 30, EXO_DONE},
        {"HTTP/1.1 100 Continue\r\n\r\n", 25, 25, EXO_E_HEAD},
        {CHUNKED "5;a\r\nhello\r\n0\r\na:b\r\n\r\n", 47, 68, EXO_E_BODY_CUT},
        {CHUNKED "5;a\r\nhello\r\n0\r\na:b\r\n\r\n", 69, 69, EXO_DONE},
        {CHUNKED "ffffffffffffffff\r\nhello", 65, 70, EXO_E_BODY_CUT},
    };
    static replay run;
    const test_limits limits = {0, 0, 0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t at = cases[i].from; at <= cases[i].to; at++) {
            exo_span input = exo_span_of(cases[i].input, at);
            replay_split(&run, &limits, input, at, true);
            assert_int_equal(run.result, cases[i].result);
            assert_int_equal(run.response.at, at);
            assert_false(run.result == EXO_DONE && run.response.closed_ && exo_http1_response_reusable(&run.response));
            replay_bytes(&run, &limits, input, true);
            assert_int_equal(run.result, cases[i].result);
            assert_int_equal(run.response.at, at);
        }
    }
}

static void end_may_come_before_the_bytes_are_read(void **state)
{
    static replay run;
    const test_limits limits = {0, 0, 0};

    (void)state;
    replay_init(&run, &limits);
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_text(OK_LINE "\r\nbody")), EXO_OK);
    exo_http1_response_end(&run.response);
    replay_pull(&run);
    replay_finish(&run, false);
    assert_string_equal(run.log.text, "status 1.1 200 [OK]\nhead end\nbody [body]\nend\ndone\n");
}

static void calls_in_the_wrong_order(void **state)
{
    static replay run;
    const test_limits limits = {0, 0, 0};
    exo_http1_event event;

    (void)state;
    replay_init(&run, &limits);
    assert_int_equal(exo_http1_response_next(&run.response, &event), EXO_NEED_DATA);
    assert_false(exo_http1_response_reusable(&run.response));
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_text("HTTP")), EXO_OK);
    assert_int_equal(exo_http1_response_unread(&run.response), 4);
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_text("/1.1")), EXO_E_STATE);
    replay_pull(&run);
    assert_int_equal(exo_http1_response_unread(&run.response), 0);
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_of(NULL, 0)), EXO_OK);
    replay_pull(&run);
    replay_feed(&run, exo_span_text("/1.1 204\r\n\r\n"));
    assert_int_equal(run.result, EXO_DONE);
    assert_true(exo_http1_response_reusable(&run.response));
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_text("more")), EXO_OK);
    assert_int_equal(exo_http1_response_next(&run.response, &event), EXO_DONE);
    assert_int_equal(exo_http1_response_unread(&run.response), 4);
    assert_false(exo_http1_response_reusable(&run.response));
    exo_buffer_free(&run.carry);

    replay_init(&run, &limits);
    exo_http1_response_end(&run.response);
    assert_int_equal(exo_http1_response_feed(&run.response, exo_span_text("late")), EXO_E_STATE);
    replay_finish(&run, true);
}

/* ---- memory ---- */

static bool lies_in(exo_span part, exo_span whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void whole_lines_are_read_in_place(void **state)
{
    static replay run;
    const exo_span input = exo_span_text(CHUNKED "5\r\nhello\r\n0\r\na: b\r\n\r\n");
    const test_limits limits = {0, 0, 0};
    exo_http1_event event;

    (void)state;
    replay_init(&run, &limits);
    assert_int_equal(exo_http1_response_feed(&run.response, input), EXO_OK);
    while ((run.result = exo_http1_response_next(&run.response, &event)) == EXO_EVENT) {
        assert_true(lies_in(event.name, input) && lies_in(event.value, input));
    }
    assert_int_equal(run.result, EXO_DONE);
    assert_int_equal(run.allocations, 0);
}

static void a_carry_that_is_too_small(void **state)
{
    /* In the status line (17 bytes) and the header (19): the rest does not fit; in the header: the cut part does not.
     */
    static const size_t cuts[] = {5, 17 + 5, 17 + 17};
    const exo_span input = exo_span_text(OK_LINE "Content-Length: 0\r\n\r\n");
    const test_limits plenty = {0, 0, 0};
    const exo_limits limits = limits_of(&plenty);
    exo_http1_response response;
    exo_http1_event event;
    exo_buffer carry;
    char memory[16];
    int result = EXO_OK;

    (void)state;
    for (size_t i = 0; i < COUNT(cuts); i++) {
        exo_buffer_init_fixed(&carry, memory, sizeof memory, EXO_E_HEAD_LIMIT);
        exo_http1_response_init(&response, &limits, &carry);
        assert_int_equal(exo_http1_response_feed(&response, exo_span_of(input.ptr, cuts[i])), EXO_OK);
        while ((result = exo_http1_response_next(&response, &event)) == EXO_EVENT) {
        }
        if (result == EXO_NEED_DATA) {
            exo_span rest = exo_span_of(input.ptr + cuts[i], input.len - cuts[i]);
            assert_int_equal(exo_http1_response_feed(&response, rest), EXO_OK);
            while ((result = exo_http1_response_next(&response, &event)) == EXO_EVENT) {
            }
        }
        assert_int_equal(result, EXO_E_HEAD_LIMIT);
        assert_int_equal(exo_http1_response_next(&response, &event), EXO_E_HEAD_LIMIT);
    }
}

static void no_memory_for_the_carry(void **state)
{
    const exo_allocator allocator = {NULL, refuse};
    const test_limits plenty = {0, 0, 0};
    const exo_limits limits = limits_of(&plenty);
    exo_http1_response response;
    exo_http1_event event;
    exo_buffer carry;

    (void)state;
    exo_buffer_init(&carry, &allocator, limits.head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&response, &limits, &carry);
    assert_int_equal(exo_http1_response_feed(&response, exo_span_text("HTTP")), EXO_OK);
    assert_int_equal(exo_http1_response_next(&response, &event), EXO_E_NO_MEMORY);
    assert_int_equal(exo_http1_response_next(&response, &event), EXO_E_NO_MEMORY);
}

static void objects_are_small(void **state)
{
    (void)state;
    assert_true(sizeof(exo_http1_response) + sizeof(exo_http1_head) < 400);
}

/* ---- every byte, everywhere ---- */

static bool is_tchar(int byte)
{
    return byte != 0 && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", byte);
}

static bool is_field_byte(int byte)
{
    return byte == '\t' || (byte >= ' ' && byte <= '~') || byte >= 0x80;
}

static void each_byte_in_names_and_values(void **state)
{
    static replay run;
    const test_limits limits = {0, 0, 0};

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char name[] = "HTTP/1.1 204 x\r\na?b: c\r\n\r\n";
        char value[] = "HTTP/1.1 204 x\r\na: b?c\r\n\r\n";
        char reason[] = "HTTP/1.1 204 x?y\r\n\r\n";
        *strchr(name, '?') = (char)byte;
        *strchr(value, '?') = (char)byte;
        *strchr(reason, '?') = (char)byte;

        replay_split(&run, &limits, exo_span_of(name, sizeof name - 1), 0, false);
        assert_int_equal(run.result, is_tchar(byte) || byte == ':' ? EXO_DONE : EXO_E_HEAD);
        replay_split(&run, &limits, exo_span_of(value, sizeof value - 1), 0, false);
        assert_int_equal(run.result, is_field_byte(byte) ? EXO_DONE : EXO_E_HEAD);
        replay_split(&run, &limits, exo_span_of(reason, sizeof reason - 1), 0, false);
        assert_int_equal(run.result, is_field_byte(byte) ? EXO_DONE : EXO_E_HEAD);
    }
}

/* Whatever one changed byte does to a response, it does the same when the bytes come one at a time. */
static void changed_bytes_at_the_finest_split(void **state)
{
    static const char changes[] = "\0\t\n\r ,:;0159afgA\x7f\x80\xff";
    static replay whole, single;
    char room[512];

    (void)state;
    for (size_t i = 0; i < COUNT(good_cases); i++) {
        const good_case *test = &good_cases[i];
        exo_span input = join(room, sizeof room, test->input, exo_span_text(""));
        for (size_t at = 0; at < input.len; at++) {
            for (size_t change = 0; change < sizeof changes - 1; change++) {
                room[at] = changes[change];
                replay_split(&whole, &test->limits, input, input.len, true);
                replay_bytes(&single, &test->limits, input, true);
                assert_string_equal(whole.log.text, single.log.text);
                assert_int_equal(whole.response.at, single.response.at);
            }
            room[at] = test->input.ptr[at];
        }
    }
}

/* ---- the request head ---- */

static const exo_http1_header chat_headers[] = {
    {LITERAL("Authorization"), LITERAL("Bearer sk-\xe2\x82\xac\tx")},
    {LITERAL("X-Empty"), LITERAL("")},
    {LITERAL("Accept"), LITERAL("text/event-stream")},
};

typedef struct head_case {
    exo_http1_request request;
    const char *head;
} head_case;

static const head_case head_cases[] = {
    {{LITERAL("GET"), LITERAL("/"), LITERAL("h"), NULL, 0, EXO_HTTP1_NO_BODY, 7}, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {{LITERAL("POST"), LITERAL("/v1/chat?x=%20#y"), LITERAL("[::1]:8080"), chat_headers, 3, EXO_HTTP1_CHUNKED, 0},
     "POST /v1/chat?x=%20#y HTTP/1.1\r\nHost: [::1]:8080\r\nAuthorization: Bearer sk-\xe2\x82\xac\tx\r\nX-Empty: \r\n"
     "Accept: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {{LITERAL("POST"), LITERAL("/"), LITERAL("h"), chat_headers + 1, 1, EXO_HTTP1_LENGTH, 0},
     "POST / HTTP/1.1\r\nHost: h\r\nX-Empty: \r\nContent-Length: 0\r\n\r\n"},
    {{LITERAL("POST"), LITERAL("/"), LITERAL("h"), NULL, 0, EXO_HTTP1_LENGTH, UINT64_MAX},
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n"},
};

static void write_in_windows(const exo_http1_request *request, size_t size, const char *expected)
{
    exo_http1_head head;
    char out[512];
    size_t len = 0;
    char *memory = malloc(size);
    exo_window window = {memory, size, 0};
    int result = EXO_AGAIN;

    assert_non_null(memory);
    assert_int_equal(exo_http1_head_init(&head, request), EXO_OK);
    while (result == EXO_AGAIN) {
        window.pos = 0;
        result = exo_http1_head_write(&head, &window);
        assert_true(result == EXO_OK || window.pos == size);
        assert_true(len + window.pos < sizeof out);
        memcpy(out + len, memory, window.pos);
        len += window.pos;
    }
    assert_int_equal(result, EXO_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);

    window.pos = 0;
    assert_int_equal(exo_http1_head_write(&head, &window), EXO_OK);
    assert_int_equal(window.pos, 0);
    free(memory);
}

static void heads_in_every_window_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(head_cases); i++) {
        for (size_t size = 1; size <= strlen(head_cases[i].head) + 1; size++) {
            write_in_windows(&head_cases[i].request, size, head_cases[i].head);
        }
    }
}

static void a_full_window_is_not_written_to(void **state)
{
    exo_http1_head head;
    exo_window window = {NULL, 0, 0};

    (void)state;
    assert_int_equal(exo_http1_head_init(&head, &head_cases[0].request), EXO_OK);
    assert_int_equal(exo_http1_head_write(&head, &window), EXO_AGAIN);
}

static void check_refused(const exo_http1_request *request, int error)
{
    exo_http1_head head;
    char memory[8];
    exo_window window = {memory, sizeof memory, 0};

    assert_int_equal(exo_http1_head_init(&head, request), error);
    assert_int_equal(exo_http1_head_write(&head, &window), error);
    assert_int_equal(window.pos, 0);
}

static void refused_requests(void **state)
{
    static const struct {
        exo_span method, target, host;
        exo_http1_header header;
        int error;
    } cases[] = {
        {LITERAL(""), LITERAL("/"), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("P T"), LITERAL("/"), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL(""), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/ x"), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/\xc3\xa4"), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/\x7f"), LITERAL("h"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL(""), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h\t"), {LITERAL("a"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL(""), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("a:"), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("a "), LITERAL("b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("a"), LITERAL("\x1b")}, EXO_E_ARGUMENT},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("hOST"), LITERAL("b")}, EXO_E_DUPLICATE_KEY},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("content-length"), LITERAL("1")}, EXO_E_DUPLICATE_KEY},
        {LITERAL("POST"),
         LITERAL("/"),
         LITERAL("h"),
         {LITERAL("Transfer-Encoding"), LITERAL("x")},
         EXO_E_DUPLICATE_KEY},
        {LITERAL("POST"), LITERAL("/"), LITERAL("h"), {LITERAL("ACCEPT"), LITERAL("x")}, EXO_E_DUPLICATE_KEY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const exo_http1_header headers[] = {chat_headers[2], chat_headers[0], cases[i].header};
        const exo_http1_request request = {
            cases[i].method, cases[i].target, cases[i].host, headers, 3, EXO_HTTP1_NO_BODY, 0};
        check_refused(&request, cases[i].error);
    }
    exo_http1_request request = head_cases[0].request;
    request.framing = (exo_http1_framing)3;
    check_refused(&request, EXO_E_ARGUMENT);
}

/* Each field of a request in turn is a text with a CR, LF or NUL at each place. */
static void nothing_can_be_injected(void **state)
{
    static const char breaks[] = {'\r', '\n', '\0'};

    (void)state;
    for (size_t which = 0; which < 5; which++) {
        for (size_t at = 0; at < 4; at++) {
            for (size_t i = 0; i < COUNT(breaks); i++) {
                char text[] = "abcd";
                text[at] = breaks[i];
                exo_http1_header header = {LITERAL("a"), LITERAL("b")};
                exo_http1_request request = head_cases[0].request;
                exo_span *fields[] = {&request.method, &request.target, &request.host, &header.name, &header.value};
                request.headers = &header;
                request.header_count = 1;
                *fields[which] = exo_span_of(text, 4);
                check_refused(&request, EXO_E_HEADER);
            }
        }
    }
}

static void names_match_in_either_case(void **state)
{
    (void)state;
    assert_true(exo_http1_name_is(exo_span_text("Retry-After"), "retry-after"));
    assert_true(exo_http1_name_is(exo_span_text("a@z[`{"), "A@Z[`{"));
    assert_true(exo_http1_name_is(exo_span_of(NULL, 0), ""));
    assert_false(exo_http1_name_is(exo_span_text("Retry-Afte"), "retry-after"));
    assert_false(exo_http1_name_is(exo_span_text("@"), "`"));
    assert_false(exo_http1_name_is(exo_span_text("["), "{"));
    assert_false(exo_http1_name_is(exo_span_text("retry_after"), "retry-after"));
}

/* ---- chunks, both ways ---- */

/* Frames `len` bytes in memory of exactly the promised room, and feeds them. */
static void frame_and_feed(replay *run, size_t len, const char *size_line)
{
    char *memory = malloc(EXO_HTTP1_CHUNK_BEFORE + len + EXO_HTTP1_CHUNK_BEHIND);
    assert_non_null(memory);
    char *payload = memory + EXO_HTTP1_CHUNK_BEFORE;
    memset(payload, 'x', len);

    exo_span framed = exo_http1_chunk_frame(payload, len);
    size_t before = strlen(size_line);
    assert_int_equal(framed.len, before + len + 2);
    assert_ptr_equal(framed.ptr, payload - before);
    assert_memory_equal(framed.ptr, size_line, before);

    exo_http1_event event;
    size_t got = 0;
    assert_int_equal(exo_http1_response_feed(&run->response, framed), EXO_OK);
    while ((run->result = exo_http1_response_next(&run->response, &event)) == EXO_EVENT) {
        assert_int_equal(event.type, EXO_HTTP1_BODY);
        assert_ptr_equal(event.value.ptr, payload + got);
        got += event.value.len;
    }
    assert_int_equal(run->result, EXO_NEED_DATA);
    assert_int_equal(got, len);
    free(memory);
}

static void chunks_come_back(void **state)
{
    static const struct {
        size_t len;
        const char *size_line;
    } cases[] = {{1, "1\r\n"},        {9, "9\r\n"},         {10, "a\r\n"},        {15, "f\r\n"},
                 {16, "10\r\n"},      {255, "ff\r\n"},      {256, "100\r\n"},     {4096, "1000\r\n"},
                 {65535, "ffff\r\n"}, {65536, "10000\r\n"}, {703710, "abcde\r\n"}};
    static replay run;
    const test_limits limits = {0, 0, 1};

    (void)state;
    replay_init(&run, &limits);
    replay_feed(&run, exo_span_text(CHUNKED));
    for (size_t i = 0; i < COUNT(cases); i++) {
        frame_and_feed(&run, cases[i].len, cases[i].size_line);
    }
    replay_feed(&run, exo_span_text(EXO_HTTP1_CHUNK_LAST));
    assert_int_equal(run.result, EXO_DONE);
    assert_true(exo_http1_response_reusable(&run.response));
    replay_finish(&run, false);
}

static void no_bytes_make_no_chunk(void **state)
{
    char memory[EXO_HTTP1_CHUNK_BEFORE + EXO_HTTP1_CHUNK_BEHIND];

    (void)state;
    memset(memory, '?', sizeof memory);
    assert_int_equal(exo_http1_chunk_frame(memory + EXO_HTTP1_CHUNK_BEFORE, 0).len, 0);
    for (size_t i = 0; i < sizeof memory; i++) {
        assert_int_equal(memory[i], '?');
    }
}

/* ---- one header line ---- */

/* Splits a copy of `line` that ends where its memory ends: a sanitizer sees each byte that is read behind it. */
static bool split_copy(exo_span line, char name[64], char value[64])
{
    char *copy = malloc(line.len + 1);
    exo_span parts[2];

    assert_non_null(copy);
    char *at = copy + 1;
    if (line.len > 0) {
        memcpy(at, line.ptr, line.len);
    }
    bool is_header = exo_header_split(exo_span_of(at, line.len), &parts[0], &parts[1]);
    for (int i = 0; i < 2; i++) {
        assert_true(parts[i].len < 64);
        assert_true(parts[i].len == 0 || (parts[i].ptr >= at && parts[i].ptr + parts[i].len <= at + line.len));
        memcpy(i == 0 ? name : value, parts[i].len > 0 ? parts[i].ptr : "", parts[i].len);
        (i == 0 ? name : value)[parts[i].len] = 0;
    }
    free(copy);
    return is_header;
}

static void lines_are_split(void **state)
{
    static const struct {
        const char *line;
        const char *name; /* NULL: no header */
        const char *value;
    } cases[] = {
        {"a:b", "a", "b"},
        {"Retry-After: 5\r\n", "Retry-After", "5"},
        {"retry-after:5\n", "retry-after", "5"},
        {"Retry-After : 5\r\n", "Retry-After", "5"},
        {"Retry-After \t :\t 5 \t\r\n", "Retry-After", "5"},
        {"a: b: c\r\n", "a", "b: c"},
        {"a: b c\td", "a", "b c\td"},
        {"a: b\r\n c\r\n", "a", "b\r\n c"},
        {"a::", "a", ":"},
        {"a:", "a", ""},
        {"a: \t\r\n", "a", ""},
        {"!#$%&'*+-.^_`|~09azAZ: x", "!#$%&'*+-.^_`|~09azAZ", "x"},
        {"", NULL, ""},
        {"\r\n", NULL, ""},
        {"\n", NULL, ""},
        {"a", NULL, ""},
        {"a ", NULL, ""},
        {"a\r\n", NULL, ""},
        {":", NULL, ""},
        {": b\r\n", NULL, ""},
        {" : b\r\n", NULL, ""},
        {" a: b\r\n", NULL, ""},
        {"\ta: b\r\n", NULL, ""},
        {"a b: c\r\n", NULL, ""},
        {"a\r: c\r\n", NULL, ""},
        {"a\n: c\r\n", NULL, ""},
        {"a\x7f: c", NULL, ""},
        {"\xc3\xa9: c", NULL, ""},
        {"\"a\": c", NULL, ""},
        {"HTTP/1.1 200 OK: fine\r\n", NULL, ""},
        {"HTTP/1.1: fine\r\n", NULL, ""},
    };
    char name[64];
    char value[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t len = strlen(cases[i].line);
        bool is_header = split_copy(exo_span_text(cases[i].line), name, value);
        if (is_header != (cases[i].name != NULL)) {
            fail_msg("%s: %s", cases[i].line, is_header ? "is a header" : "is no header");
        }
        assert_string_equal(name, cases[i].name ? cases[i].name : "");
        assert_string_equal(value, cases[i].value);
        for (size_t cut = 0; cut <= len; cut++) {
            (void)split_copy(exo_span_of(cases[i].line, cut), name, value);
            (void)split_copy(exo_span_of(cases[i].line + cut, len - cut), name, value);
        }
    }
    assert_false(split_copy(exo_span_of("a\0: b", 5), name, value));
    assert_true(split_copy(exo_span_of("a:b\0c", 5), name, value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_responses_at_every_split),
        cmocka_unit_test(wrong_bytes_are_reported_at_once),
        cmocka_unit_test(wrong_values_are_reported_at_their_place),
        cmocka_unit_test(an_endless_run_of_interim_responses_ends),
        cmocka_unit_test(tiny_chunks_cost_nothing),
        cmocka_unit_test(a_close_is_judged_at_every_offset),
        cmocka_unit_test(end_may_come_before_the_bytes_are_read),
        cmocka_unit_test(calls_in_the_wrong_order),
        cmocka_unit_test(whole_lines_are_read_in_place),
        cmocka_unit_test(a_carry_that_is_too_small),
        cmocka_unit_test(no_memory_for_the_carry),
        cmocka_unit_test(objects_are_small),
        cmocka_unit_test(each_byte_in_names_and_values),
        cmocka_unit_test(changed_bytes_at_the_finest_split),
        cmocka_unit_test(heads_in_every_window_size),
        cmocka_unit_test(a_full_window_is_not_written_to),
        cmocka_unit_test(refused_requests),
        cmocka_unit_test(nothing_can_be_injected),
        cmocka_unit_test(names_match_in_either_case),
        cmocka_unit_test(chunks_come_back),
        cmocka_unit_test(no_bytes_make_no_chunk),
        cmocka_unit_test(lines_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
