/*
 * body.c: exo_client_body() and exo_client_body_value(): the exact bytes that a call would send, without sending them.
 */
#include "call_options.h"
#include "encoding.h"
#include "engine.h"
#include "sized.h"

#include <time.h>

/* The body of one subject on its way out. */
typedef struct body {
    exo_client *client;
    exo_encoding encoding;
    int64_t starved_at; /* since when nothing came of a source, or -1 */
    bool (*write)(void *ctx, exo_span bytes);
    void *ctx;
} body;

/* A source that has nothing ready is given time, but not for ever. */
static int body_wait_for_source(body *b)
{
    const struct timespec pause = {0, EXO_SOURCE_MS * 1000000L};
    int64_t most = b->encoding.target->options.request_timeout;
    int64_t now = exo_loop_now(&b->client->loop);
    if (!exo_encoding_starved(&b->encoding)) {
        b->starved_at = -1;
        return EXO_AGAIN;
    }
    b->starved_at = b->starved_at < 0 ? now : b->starved_at;
    if (most > 0 && now - b->starved_at >= most) {
        return EXO_E_SOURCE_READ;
    }
    nanosleep(&pause, NULL);
    return EXO_AGAIN;
}

/* Sizes and writes the body; EXO_OK also when `write` stopped it. */
static int body_write(body *b)
{
    char piece[16384];
    int code = EXO_AGAIN;
    while (code == EXO_AGAIN && exo_engine_is_ours(b->client)) {
        code = exo_encoding_size(&b->encoding, EXO_SIZING_SLICE);
        code = code == EXO_AGAIN ? body_wait_for_source(b) : code;
    }
    for (bool more = code == EXO_OK; more;) {
        exo_window window = {piece, sizeof piece, 0};
        code = exo_encoding_write(&b->encoding, &window);
        if (window.pos > 0 && !b->write(b->ctx, exo_span_of(piece, window.pos))) {
            return EXO_OK;
        }
        code = code == EXO_AGAIN ? body_wait_for_source(b) : code;
        more = code == EXO_AGAIN && exo_engine_is_ours(b->client);
    }
    return code;
}

/* The deployment that the body is for: as named, else as the subject itself names it. */
static int body_find(body *b, const exo_subject *subject, const char *model, exo_deployed **deployed)
{
    char named[1024] = "";
    int code = EXO_OK;
    if (!model && subject->request) {
        model = exo_request_model(subject->request);
    } else if (!model) {
        code = exo_encoding_model(&b->encoding, named, sizeof named);
        model = named;
    }
    *deployed = code == EXO_OK ? exo_engine_deployed(b->client, model) : NULL;
    return code;
}

/* What is wrong before the subject is looked at: the client, or what it is to be written with. */
static int body_check(exo_client *client, bool (*write)(void *ctx, exo_span bytes))
{
    int code = exo_engine_check(client);
    if (code == EXO_OK && !write) {
        exo_engine_say(client, "write: is missing");
        code = EXO_E_ARGUMENT;
    }
    return code;
}

static int body_of(exo_client *client, const exo_subject *subject, const exo_call_options *options,
                   bool (*write)(void *ctx, exo_span bytes), void *ctx)
{
    body b = {.client = client, .starved_at = -1, .write = write, .ctx = ctx};
    exo_deployed *deployed = NULL;
    int code = exo_encoding_init(&b.encoding, subject, options, &client->claims);
    code = code == EXO_OK ? body_find(&b, subject, options->model, &deployed) : code;
    bool unknown = code == EXO_OK && !deployed; /* the client's message says so */
    if (deployed) {
        code = exo_encoding_aim(&b.encoding, deployed, &client->limits);
        code = code == EXO_OK ? body_write(&b) : code;
    }
    if (code < 0) {
        exo_encoding_explain(&b.encoding, code, client->message, sizeof client->message);
    }
    exo_encoding_free(&b.encoding);
    if (!exo_engine_is_ours(client)) { /* a source has made this process */
        return EXO_E_FORKED;
    }
    return unknown ? EXO_E_UNKNOWN_MODEL : code;
}

int exo_client_body(exo_client *client, const exo_request *request, const char *model,
                    bool (*write)(void *ctx, exo_span bytes), void *ctx)
{
    const exo_subject subject = {.request = request};
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    int code = body_check(client, write);
    if (code < 0) {
        return code;
    }
    code = exo_request_error(request);
    if (code < 0) {
        exo_engine_say(client, "request: %s", exo_error_text(code));
        return code;
    }
    options.model = model;
    return body_of(client, &subject, &options, write, ctx);
}

int exo_client_body_value(exo_client *client, const exo_cursor *request, const exo_call_options *options,
                          bool (*write)(void *ctx, exo_span bytes), void *ctx)
{
    const exo_subject subject = {.value = request};
    exo_call_options taken = EXO_CALL_OPTIONS_INIT;
    int code = body_check(client, write);
    if (code < 0) {
        return code;
    }
    if (!request || !request->ops || (options && exo_sized_take(&taken, sizeof taken, options) != EXO_OK)) {
        exo_engine_say(client, request && request->ops ? "options: must begin with EXO_CALL_OPTIONS_INIT"
                                                       : "request: is missing");
        return EXO_E_ARGUMENT;
    }
    code = exo_call_options_check(&taken, &client->limits, false, client->message, sizeof client->message);
    return code == EXO_OK ? body_of(client, &subject, &taken, write, ctx) : code;
}
