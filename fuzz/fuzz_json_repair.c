/*
 * fuzz_json_repair.c: what repair lets through is valid JSON, and valid JSON is left as it is and was not cut.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exo_span text = exo_span_of((const char *)data, size);
    exo_buffer out;
    exo_buffer_init(&out, &fuzz_heap, 8 * size + 64, EXO_E_ARGUMENTS_LIMIT);
    exo_repair_report report;
    int code = exo_json_repair(text, EXO_JSON_DEPTH_MAX, &out, &report);
    if (code == EXO_OK) {
        FUZZ_MUST(exo_json_check(exo_buffer_span(&out), EXO_JSON_DEPTH_MAX, NULL) == EXO_OK);
        FUZZ_MUST(report.values == 1 || (report.values > 1 && out.data[0] == '['));
    } else {
        FUZZ_MUST(out.len == 0 && report.values == 0);
    }
    if (exo_json_check(text, EXO_JSON_DEPTH_MAX, NULL) == EXO_OK) {
        FUZZ_MUST(code == EXO_OK && exo_span_equal(exo_buffer_span(&out), text) && report.values == 1);
        FUZZ_MUST(!report.cut || (text.ptr[size - 1] >= '0' && text.ptr[size - 1] <= '9'));
    }
    exo_buffer_free(&out);
    return 0;
}
