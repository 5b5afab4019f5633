/*
 * fuzz_json_read.c: the reader never reads outside of its text, and what it decodes and escapes again reads the same.
 */
#include "fuzz.h"

static void round_trip(exo_span text)
{
    char scratch[EXO_JSON_SCRATCH];
    char escaped[8 * EXO_JSON_SCRATCH];
    exo_json_decoder decoder;
    exo_span fragment;
    bool last = false;
    exo_json_decoder_init(&decoder, text);
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        exo_span piece = exo_span_of(fragment.ptr, fragment.len < EXO_JSON_SCRATCH ? fragment.len : 0);
        exo_window window = {escaped, sizeof escaped, 0};
        exo_json_escaper escaper;
        exo_json_escaper_init(&escaper);
        FUZZ_MUST(exo_json_escape(&escaper, &piece, true, &window) == EXO_OK);
    }
    FUZZ_MUST(last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span text = exo_span_of((const char *)data, size);
    int code;
    exo_json_reader_init(&reader, text, EXO_JSON_DEPTH_MAX, (size & 1) != 0);
    while ((code = exo_json_next(&reader, &token)) == EXO_EVENT) {
        if (token.type == EXO_JSON_STRING || token.type == EXO_JSON_KEY) {
            round_trip(token.text);
        }
    }
    FUZZ_MUST(code <= 0 && reader.at <= size);
    if ((size & 1) == 0) {
        FUZZ_MUST(exo_json_check(text, EXO_JSON_DEPTH_MAX, NULL) == code);
    }
    return 0;
}
