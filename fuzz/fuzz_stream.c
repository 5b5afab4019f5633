/*
 * fuzz_stream.c: bytes of a body → intake → answer and failure: no crash, and the same events however the body is cut,
 * and whether every event is read in full or those whose shape is remembered are not; with one choice and with two.
 */
#include "fuzz.h"

static int read_events(exo_intake *intake, uint64_t *hash)
{
    exo_intake_event event;
    int code;
    while ((code = exo_intake_next(intake, &event)) == EXO_EVENT) {
        if (event.type == EXO_EVENT_NONE) {
            continue; /* what the answer already has need not be said again */
        }
        *hash = fuzz_hash(*hash, &event.type, sizeof event.type);
        *hash = fuzz_hash(*hash, event.text.ptr, event.text.len);
        *hash = fuzz_hash(*hash, event.id.ptr, event.id.len);
        *hash = fuzz_hash(*hash, event.name.ptr, event.name.len);
        *hash = fuzz_hash(*hash, &event.tool, sizeof event.tool);
        *hash = fuzz_hash(*hash, &event.choice, sizeof event.choice);
        *hash = fuzz_hash(*hash, &event.last, sizeof event.last);
        *hash = fuzz_hash(*hash, &event.held_back, sizeof event.held_back);
    }
    return code;
}

static uint64_t hash_span(uint64_t hash, exo_span span)
{
    return fuzz_hash(fuzz_hash(hash, &span.len, sizeof span.len), span.ptr, span.len);
}

static uint64_t hash_answer(const exo_answer *answer, uint64_t hash)
{
    const uint32_t malformed = exo_answer_malformed(answer, NULL, NULL);
    const exo_proof proof = exo_answer_proof(answer);
    hash = hash_span(hash, exo_answer_text(answer));
    hash = hash_span(hash, exo_answer_reasoning(answer));
    hash = hash_span(hash, exo_answer_refusal(answer));
    hash = hash_span(hash, exo_answer_reasoning_details(answer));
    hash = hash_span(hash, exo_answer_logprobs(answer));
    hash = hash_span(hash, exo_answer_finish_reason(answer));
    hash = hash_span(hash, exo_answer_id(answer));
    hash = hash_span(hash, exo_answer_model(answer));
    hash = hash_span(hash, exo_answer_usage_json(answer));
    hash = fuzz_hash(hash, &malformed, sizeof malformed);
    hash = fuzz_hash(hash, &proof, sizeof proof);
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        exo_tool_call call;
        if (exo_answer_tool_call(answer, i, &call) == EXO_OK) {
            hash = hash_span(hash, call.id);
            hash = hash_span(hash, call.name);
            hash = hash_span(hash, call.arguments);
        }
    }
    return hash;
}

static uint64_t read_body(const uint8_t *data, size_t size, size_t piece, uint32_t choices, bool read_all)
{
    exo_limits limits = *exo_limits_micro();
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    exo_failure failure;
    exo_answer answers[2];
    exo_intake intake;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    int code = EXO_NEED_DATA;
    exo_failure_clear(&failure);
    exo_answer_init(&answers[0], &fuzz_heap, &limits, 0, EXO_KEEP_ALL);
    exo_answer_init(&answers[1], &fuzz_heap, &limits, 1, EXO_KEEP_ALL);
    options.allocator = &fuzz_heap;
    options.limits = &limits;
    options.answers = answers;
    options.answer_count = choices;
    options.failure = &failure;
    options.think_tags = choices > 1;
    options.read_all = read_all;
    options.shown_only = !read_all;
    FUZZ_MUST(exo_intake_init(&intake, &options) == EXO_OK);
    intake.chunk_.by_tokens_ = read_all;
    for (size_t at = 0; at < size && code == EXO_NEED_DATA; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        FUZZ_MUST(exo_intake_feed(&intake, exo_span_of((const char *)data + at, len)) == EXO_OK);
        code = read_events(&intake, &hash);
    }
    exo_intake_end(&intake, EXO_OK, exo_span_of(NULL, 0));
    FUZZ_MUST(read_events(&intake, &hash) == EXO_DONE);
    const unsigned news = exo_intake_news(&intake);
    hash = fuzz_hash(hash, &news, sizeof news);
    hash = fuzz_hash(hash, &failure.code, sizeof failure.code);
    hash = fuzz_hash(hash, &failure.offset, sizeof failure.offset);
    hash = fuzz_hash(hash, failure.message, strlen(failure.message));
    hash = hash_answer(&answers[1], hash_answer(&answers[0], hash));
    exo_intake_free(&intake);
    exo_answer_free(&answers[0]);
    exo_answer_free(&answers[1]);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = fuzz_piece(&data, &size);
    for (uint32_t choices = 1; choices <= 2; choices++) {
        const uint64_t whole = read_body(data, size, size + 1, choices, true);
        FUZZ_MUST(read_body(data, size, size + 1, choices, false) == whole);
        FUZZ_MUST(read_body(data, size, piece, choices, false) == whole);
        FUZZ_MUST(read_body(data, size, piece, choices, true) == whole);
    }
    return 0;
}
