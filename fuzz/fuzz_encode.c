/*
 * fuzz_encode.c: a request as JSON text: what is sized is what is written, at any window, and it is valid JSON.
 */
#include "fuzz.h"

static int open_nothing(void *ctx, exo_span path, exo_span media_type, exo_file *file)
{
    (void)ctx;
    (void)path;
    (void)media_type;
    (void)file;
    return EXO_NOT_FOUND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const exo_file_opener opener = {NULL, open_nothing};
    size_t piece = fuzz_piece(&data, &size);
    exo_json_cursor json;
    exo_json_cursor_init(&json, exo_span_of((const char *)data, size), EXO_JSON_DEPTH_MAX);
    exo_cursor request = exo_json_cursor_of(&json);
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.opener = &opener;
    exo_encoder encoder;
    FUZZ_MUST(exo_encode_init(&encoder, &request, &options) == EXO_OK);
    int code;
    do {
        code = exo_encode_size(&encoder, piece);
    } while (code == EXO_AGAIN);
    if (code < 0) {
        return 0;
    }
    exo_buffer out;
    char window_bytes[256];
    exo_buffer_init(&out, &fuzz_heap, UINT32_MAX, EXO_E_EVENT_LIMIT);
    do {
        exo_window window = {window_bytes, piece < sizeof window_bytes ? piece : sizeof window_bytes, 0};
        code = exo_encode_write(&encoder, &window);
        FUZZ_MUST(exo_buffer_append(&out, exo_span_of(window_bytes, window.pos)) == EXO_OK);
    } while (code == EXO_AGAIN);
    FUZZ_MUST(code == EXO_OK && out.len == exo_encode_total(&encoder));
    FUZZ_MUST(exo_json_check(exo_buffer_span(&out), EXO_JSON_DEPTH_MAX, NULL) == EXO_OK);
    exo_buffer_free(&out);
    return 0;
}
