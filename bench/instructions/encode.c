/*
 * encode.c: one message of so many bytes is sized and written: encode TEXT MEGABYTES WALKS
 *
 * TEXT is one of text.h; of `source` it is read while it is sent, and of `base64` it is bytes of a source. The body is
 * sized once, and then written WALKS times into a window of 16 KB; with -1 the text is made and not even sized. The
 * instructions that a byte costs are the difference between two runs (run.sh). Printed are the megabytes of text a
 * second of the fastest walk (bench/bytes.py).
 */
#include "exochat/encode.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct memory {
    const char *bytes;
    size_t len;
    size_t at;
} memory;

static int memory_read(void *ctx, void *dst, size_t size, size_t *got)
{
    memory *m = ctx;
    *got = m->len - m->at < size ? m->len - m->at : size;
    memcpy(dst, m->bytes + m->at, *got);
    m->at += *got;
    return EXO_OK;
}

static int memory_rewind(void *ctx)
{
    ((memory *)ctx)->at = 0;
    return EXO_OK;
}

static void die(const char *what)
{
    fprintf(stderr, "encode: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t drain(exo_encoder *encoder)
{
    static char bytes[16384];
    int code = EXO_AGAIN;
    uint64_t sum = 0;
    while (code == EXO_AGAIN) {
        exo_window window = {bytes, sizeof bytes, 0};
        code = exo_encode_write(encoder, &window);
        sum += window.pos;
    }
    if (code != EXO_OK) {
        die("the body is not written");
    }
    return sum;
}

int main(int argc, char **argv)
{
    memory bytes = {0};
    char *text = argc == 4 ? text_of(argv[1], (size_t)(atof(argv[2]) * 1e6), &bytes.len) : NULL;
    if (!text) {
        die("usage: encode TEXT MEGABYTES WALKS");
    }
    bytes.bytes = text;
    const bool is_base64 = strcmp(argv[1], "base64") == 0;
    const exo_source source = {&bytes, memory_read, memory_rewind, NULL, is_base64 ? bytes.len : EXO_SIZE_UNKNOWN};
    exo_node content = {.type = EXO_VALUE_STRING, .text = {text, bytes.len}};
    if (is_base64 || strcmp(argv[1], "source") == 0) {
        content = (exo_node){.type = EXO_VALUE_SOURCE, .source = &source, .base64 = is_base64};
    }
    content.key = exo_span_of("content", 7);
    exo_node message = {.type = EXO_VALUE_OBJECT, .first = &content};
    exo_node messages = {.key = {"messages", 8}, .type = EXO_VALUE_ARRAY, .first = &message};
    exo_node request = {.type = EXO_VALUE_OBJECT, .first = &messages};
    exo_node_cursor nodes;
    exo_node_cursor_init(&nodes, &request, 32);
    const exo_cursor cursor = exo_node_cursor_of(&nodes);
    static exo_encoder encoder;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.model = exo_span_of("m", 1);
    const int walks = atoi(argv[3]);
    int code = exo_encode_init(&encoder, &cursor, &options);
    while (walks >= 0 && code == EXO_OK && (code = exo_encode_size(&encoder, 262144)) == EXO_AGAIN) {
        code = EXO_OK;
    }
    if (code != EXO_OK) {
        die("the body is not sized");
    }
    double best = 0;
    for (int i = 0; i < walks; i++) {
        const double began = now();
        if (exo_encode_rewind(&encoder) != EXO_OK || drain(&encoder) < (is_base64 ? bytes.len / 3 * 4 : bytes.len)) {
            die("too little was written");
        }
        const double took = now() - began;
        best = i == 0 || took < best ? took : best;
    }
    if (walks > 0) {
        printf("%.0f\n", (double)bytes.len / 1e6 / best);
    }
    free(text);
    return 0;
}
