/*
 * body.c: exo_client_body(): the exact bytes that a call would send, without sending them.
 */
#include "encoding.h"
#include "engine.h"

#include <time.h>

/* A source that has nothing ready is given time. */
static void body_wait_for_source(const exo_encoding *encoding)
{
    if (exo_attachments_starved(encoding->attachments)) {
        const struct timespec pause = {0, EXO_SOURCE_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
}

/* Sizes and writes the body; EXO_OK also when `write` stopped it. */
static int write_body(exo_encoding *encoding, bool (*write)(void *ctx, exo_span bytes), void *ctx)
{
    exo_encoder *encoder = &encoding->encoder;
    char piece[16384];
    int code;
    while ((code = exo_encode_size(encoder, EXO_SIZING_SLICE)) == EXO_AGAIN) {
        body_wait_for_source(encoding);
    }
    while (code == EXO_OK || code == EXO_AGAIN) {
        exo_window window = {piece, sizeof piece, 0};
        code = exo_encode_write(encoder, &window);
        if (window.pos > 0 && !write(ctx, exo_span_of(piece, window.pos))) {
            return EXO_OK;
        }
        if (code == EXO_OK) {
            break;
        }
        body_wait_for_source(encoding);
    }
    return code;
}

int exo_client_body(exo_client *client, const exo_request *request, const char *model,
                    bool (*write)(void *ctx, exo_span bytes), void *ctx)
{
    int code = exo_request_error(request);
    if (code < 0) {
        exo_engine_say(client, "request: %s", exo_error_text(code));
        return code;
    }
    const char *name = model ? model : exo_request_model(request);
    exo_deployed *deployed = exo_engine_deployed(client, name);
    if (!deployed) {
        return EXO_E_UNKNOWN_MODEL;
    }
    exo_encoding encoding;
    code = exo_encoding_init(&encoding, request);
    if (code == EXO_OK) {
        code = exo_encoding_aim(&encoding, deployed, &client->limits);
    }
    if (code == EXO_OK) {
        code = write_body(&encoding, write, ctx);
    }
    if (code < 0) {
        exo_encoding_explain(&encoding, code, client->message, sizeof client->message);
    }
    exo_encoding_free(&encoding);
    return code;
}
