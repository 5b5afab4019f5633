/*
 * fuzz_http1.c: a response in pieces: no crash, no read outside, the same verdict as in one piece, and no line end
 * in what is told of a head, folded or not.
 */
#include "fuzz.h"

/* However a line was folded or ended, nothing of that is left in what is told. */
static void must_be_unfolded(exo_span text)
{
    FUZZ_MUST(text.len == 0 || (!memchr(text.ptr, '\r', text.len) && !memchr(text.ptr, '\n', text.len)));
}

static uint64_t read_response(const uint8_t *data, size_t size, size_t piece)
{
    exo_http1_response response;
    exo_http1_event event;
    exo_buffer carry;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    uint64_t body = 0;
    int code = EXO_NEED_DATA;
    exo_buffer_init(&carry, &fuzz_heap, exo_limits_micro()->head, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&response, exo_limits_micro(), &carry);
    for (size_t at = 0; at < size && code == EXO_NEED_DATA; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        FUZZ_MUST(exo_http1_response_feed(&response, exo_span_of((const char *)data + at, len)) == EXO_OK);
        while ((code = exo_http1_response_next(&response, &event)) == EXO_EVENT) {
            if (event.type == EXO_HTTP1_BODY) {
                body += event.value.len;
                continue;
            }
            hash = fuzz_hash(hash, &event.type, sizeof event.type);
            hash = fuzz_hash(hash, event.name.ptr, event.name.len);
            hash = fuzz_hash(hash, event.value.ptr, event.value.len);
            must_be_unfolded(event.name);
            must_be_unfolded(event.value);
        }
    }
    if (code == EXO_NEED_DATA) {
        exo_http1_response_end(&response);
        while ((code = exo_http1_response_next(&response, &event)) == EXO_EVENT) {
            hash = fuzz_hash(hash, &event.type, sizeof event.type);
        }
    }
    hash = fuzz_hash(hash, &code, sizeof code);
    hash = fuzz_hash(hash, &body, sizeof body);
    exo_buffer_free(&carry);
    return hash;
}

/* The parts of a line lie in it. */
static void split_line(exo_span line)
{
    exo_span name;
    exo_span value;
    if (exo_header_split(line, &name, &value)) {
        FUZZ_MUST(name.ptr == line.ptr && name.len > 0 && value.ptr > name.ptr + name.len);
        FUZZ_MUST((size_t)(value.ptr - line.ptr) + value.len <= line.len);
    } else {
        FUZZ_MUST(name.len == 0 && value.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = fuzz_piece(&data, &size);
    split_line(exo_span_of((const char *)data, size));
    FUZZ_MUST(read_response(data, size, piece) == read_response(data, size, size + 1));
    return 0;
}
