/*
 * fuzz_stream.c: bytes of a stream → sse → chunk → answer: no crash, and the same deltas however the stream is cut.
 */
#include "fuzz.h"

static uint64_t read_events(exo_sse *sse, exo_chunk *chunk, exo_answer *answer, uint64_t hash)
{
    exo_sse_event event;
    while (exo_sse_next(sse, &event) == EXO_EVENT) {
        exo_delta delta;
        hash = fuzz_hash(hash, event.data.ptr, event.data.len);
        exo_chunk_begin(chunk, event.data, event.error_field || exo_span_is(event.type, "error"));
        while (exo_chunk_next(chunk, &delta) == EXO_EVENT) {
            hash = fuzz_hash(hash, &delta.type, sizeof delta.type);
            hash = fuzz_hash(hash, delta.text.ptr, delta.text.len);
            (void)exo_answer_apply(answer, &delta, NULL);
        }
    }
    return hash;
}

static uint64_t read_stream(const uint8_t *data, size_t size, size_t piece)
{
    exo_limits limits = *exo_limits_micro();
    exo_sse sse;
    exo_chunk chunk;
    exo_answer answer;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    exo_sse_init(&sse, &fuzz_heap, &limits);
    exo_chunk_init(&chunk, &limits);
    exo_chunk_think_tags(&chunk, true);
    exo_answer_init(&answer, &fuzz_heap, &limits, 0, EXO_KEEP_ALL);
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        if (exo_sse_feed(&sse, exo_span_of((const char *)data + at, len)) < 0) {
            break;
        }
        hash = read_events(&sse, &chunk, &answer, hash);
    }
    exo_sse_end(&sse);
    hash = read_events(&sse, &chunk, &answer, hash);
    int code = exo_answer_end(&answer, false);
    hash = fuzz_hash(hash, &code, sizeof code);
    for (uint32_t i = 0; i < exo_answer_tool_calls(&answer); i++) {
        exo_tool_call call;
        if (exo_answer_tool_call(&answer, i, &call) == EXO_OK) {
            hash = fuzz_hash(hash, call.arguments.ptr, call.arguments.len);
        }
    }
    exo_sse_free(&sse);
    exo_answer_free(&answer);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = fuzz_piece(&data, &size);
    FUZZ_MUST(read_stream(data, size, piece) == read_stream(data, size, size + 1));
    return 0;
}
