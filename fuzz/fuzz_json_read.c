/*
 * fuzz_json_read.c: the reader never reads outside of its text, a value that is skipped is one that is read token by
 * token, and what it decodes and escapes again reads the same.
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

static void skip_first(exo_span text, bool replace)
{
    exo_json_reader skipping;
    exo_json_reader reading;
    exo_json_token token;
    exo_span raw;
    int code;
    exo_json_reader_init(&skipping, text, EXO_JSON_DEPTH_MAX, replace);
    exo_json_reader_init(&reading, text, EXO_JSON_DEPTH_MAX, replace);
    do {
        code = exo_json_next(&reading, &token);
    } while (code == EXO_EVENT && reading.depth_ > 0);
    const int skipped = exo_json_skip(&skipping, &raw);
    FUZZ_MUST(skipped == (code == EXO_EVENT ? EXO_OK : code) && skipping.at == reading.at);
    FUZZ_MUST(skipping.state_ == reading.state_ && skipping.depth_ == reading.depth_);
    FUZZ_MUST(skipped != EXO_OK || raw.ptr + raw.len == text.ptr + reading.at);
    if (skipped == EXO_OK) {
        FUZZ_MUST(exo_json_next(&skipping, &token) == exo_json_next(&reading, &token));
    }
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
    skip_first(text, (size & 1) != 0);
    if ((size & 1) == 0) {
        FUZZ_MUST(exo_json_check(text, EXO_JSON_DEPTH_MAX, NULL) == code);
    }
    return 0;
}
