/*
 * debug_encode.c: a request object → the body that is sent for it, with no deployment's wishes and no files.
 */
#include "debug.h"
#include "exit_code.h"
#include "memory.h"
#include "say.h"

#include "exochat/encode.h"
#include "exochat/request.h"

#include <stdlib.h>

/* How much is sized in one go; small, so that slicing is at work too. */
enum {
    SLICE = 4096
};

/* The window where none is asked for, and the largest one. */
enum {
    WINDOW = 1 << 14,
    WINDOW_MAX = 1 << 24
};

static int encode_refuse(const exo_encoder *encoder, const exo_json_cursor *cursor, int code)
{
    const char *key = exo_encode_error_key(encoder);
    if (*key == '\0') {
        return debug_refuse(code, exo_json_cursor_at(cursor));
    }
    say("%s: %s (key \"%s\", at byte %zu)", exo_error_name(code), exo_error_text(code), key,
        exo_json_cursor_at(cursor));
    return EXIT_FAILED;
}

/* The size of the next window: the list of sizes begins anew at its end; a 0 in it is passed over. */
static size_t encode_window_size(debug_input *input)
{
    for (size_t i = 0; i < input->cut_count; i++) {
        size_t size = input->cuts[input->cut];
        input->cut = (input->cut + 1) % input->cut_count;
        if (size > 0) {
            return size < WINDOW_MAX ? size : WINDOW_MAX;
        }
    }
    return WINDOW;
}

/* Writes the body into `body`, each window in memory of its own. */
static int encode_write_body(exo_encoder *encoder, debug_input *input, exo_buffer *body)
{
    int code = EXO_AGAIN;
    while (code == EXO_AGAIN) {
        exo_window window = {NULL, encode_window_size(input), 0};
        window.dst = malloc(window.size);
        if (!window.dst) {
            return EXO_E_NO_MEMORY;
        }
        code = exo_encode_write(encoder, &window);
        int kept = exo_buffer_append(body, exo_span_of(window.dst, window.pos));
        code = kept < 0 ? kept : code;
        free(window.dst);
    }
    return code;
}

int debug_encode(debug_input *input)
{
    exo_encoder encoder;
    exo_json_cursor text;
    exo_buffer body;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_json_cursor_init(&text, input->all, exo_limits_host()->depth);
    exo_cursor cursor = exo_json_cursor_of(&text);
    exo_buffer_init(&body, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    int code = exo_encode_init(&encoder, &cursor, &options);
    code = code == EXO_OK ? EXO_AGAIN : code;
    while (code == EXO_AGAIN) {
        code = exo_encode_size(&encoder, SLICE);
    }
    size_t twice = 0;
    int unique = code == EXO_OK ? exo_json_unique(input->all, &twice) : EXO_OK;
    code = code == EXO_OK && unique == EXO_OK ? encode_write_body(&encoder, input, &body) : code;
    int exit_code = EXIT_ANSWERED;
    if (unique != EXO_OK) {
        exit_code = debug_refuse(unique, twice);
    } else if (code == EXO_OK) {
        fwrite(body.data, 1, body.len, stdout);
        putchar('\n');
    } else {
        exit_code = encode_refuse(&encoder, &text, code);
    }
    exo_buffer_free(&body);
    return exit_code;
}
