/*
 * no_repair.c: exo_json_repair() for a build that leaves json_repair.c out (EXOCHAT_SMALL): text that is one JSON value
 * is taken as it is; text that ends too early is reported as cut, and nothing comes of it; all else is EXO_E_REPAIR.
 */
#include <exochat/json_read.h>
#include <exochat/json_repair.h>

int exo_json_repair(exo_span text, uint32_t max_depth, exo_buffer *out, exo_repair_report *report)
{
    const int code = exo_json_check(text, max_depth, NULL);
    exo_buffer_clear(out);
    *report = (exo_repair_report){code == EXO_E_JSON_END, code == EXO_OK};
    if (code == EXO_OK) {
        return exo_buffer_append(out, exo_span_trim(text));
    }
    return report->cut ? EXO_OK : code == EXO_E_DEPTH_LIMIT ? code : EXO_E_REPAIR;
}
