/*
 * fuzz_json_repair.c: what repair lets through is valid JSON, valid JSON is left as it is and was not cut, and the
 * repair of small machines, which has no short ways and is compiled here, does the same.
 */
#include "fuzz.h"

#include "../tests/core/small_repair.h"

/* Without short ways the text becomes what it became with them. */
static void must_be_the_same(exo_span text, int code, const exo_repair_report *report, const exo_buffer *out)
{
    exo_buffer slow_out;
    exo_repair_report slow_report;
    exo_buffer_init(&slow_out, &fuzz_heap, 8 * text.len + 64, EXO_E_ARGUMENTS_LIMIT);
    FUZZ_MUST(small_json_repair(text, EXO_JSON_DEPTH_MAX, &slow_out, &slow_report) == code);
    FUZZ_MUST(slow_report.cut == report->cut && slow_report.values == report->values);
    FUZZ_MUST(exo_span_equal(exo_buffer_span(&slow_out), exo_buffer_span(out)));
    exo_buffer_free(&slow_out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exo_span text = exo_span_of((const char *)data, size);
    exo_buffer out;
    exo_buffer_init(&out, &fuzz_heap, 8 * size + 64, EXO_E_ARGUMENTS_LIMIT);
    exo_repair_report report;
    FUZZ_MUST(exo_buffer_reserve(&out, 2 * size) == EXO_OK); /* the short ways need room */
    int code = exo_json_repair(text, EXO_JSON_DEPTH_MAX, &out, &report);
    must_be_the_same(text, code, &report, &out);
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
