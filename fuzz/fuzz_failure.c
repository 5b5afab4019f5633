/*
 * fuzz_failure.c: headers and bodies of refused requests: every field ends with NUL, holds valid UTF-8, and the verdict
 * is one of the table's.
 */
#include "fuzz.h"

static void check_text(const char *text, size_t size)
{
    exo_json_escaper escaper;
    char scratch[8192];
    exo_window window = {scratch, sizeof scratch, 0};
    FUZZ_MUST(memchr(text, 0, size) != NULL);
    exo_span input = exo_span_text(text);
    size_t len = input.len;
    exo_json_escaper_init(&escaper);
    FUZZ_MUST(exo_json_escape(&escaper, &input, true, &window) == EXO_OK);
    FUZZ_MUST(window.pos >= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t head = fuzz_piece(&data, &size);
    exo_span value = exo_span_of((const char *)data, head < size ? head : size);
    exo_span body = exo_span_of((const char *)data + value.len, size - value.len);
    exo_failure failure;
    exo_failure_clear(&failure);
    exo_failure_header(&failure, exo_span_text("Retry-After"), value, 784111777);
    exo_failure_header(&failure, exo_span_text("x-request-id"), value, 0);
    exo_failure_header(&failure, exo_span_text("x-ratelimit-reset-tokens"), value, 784111777);
    exo_failure_header(&failure, exo_span_text("x-ratelimit-remaining-tokens"), value, 784111777);
    exo_failure_header(&failure, exo_span_text("Date"), value, 784111777);
    FUZZ_MUST(failure.message[0] == '\0');
    if (size & 2) {
        exo_failure_no_key(&failure);
    }
    if (size & 1) {
        exo_failure_from_response(&failure, (uint16_t)(300 + size % 300), body);
        FUZZ_MUST(failure.code < 0);
    } else {
        (void)exo_failure_from_json(&failure, 200, body);
    }
    FUZZ_MUST(failure.verdict >= EXO_STOP && failure.verdict <= EXO_FALL_BACK_CONTEXT);
    FUZZ_MUST(failure.retry_after >= -1);
    check_text(failure.message, sizeof failure.message);
    check_text(failure.type, sizeof failure.type);
    check_text(failure.provider_code, sizeof failure.provider_code);
    check_text(failure.request_id, sizeof failure.request_id);
    exo_failure_redact(&failure, value);
    check_text(failure.message, sizeof failure.message);
    return 0;
}
