/*
 * json_repair.h: the arguments that a model wrote for a tool → valid JSON.
 *
 * It is meant for text that was to be one JSON object or array. It mends commas, colons and closing brackets that are
 * missing, doubled or wrong; quotation marks that are single, typographic, backticks, escaped, missing, or unescaped
 * inside of a string or key; words without any; the literals of Python and JavaScript (NaN and infinities become null);
 * numbers such as .5, 1., +5 and 01 (0x1F and 5px become strings); comments, ellipses, and strings joined by a plus;
 * control characters, bad escapes and invalid UTF-8 in strings; and leaves out fences and text around the value, and
 * Unicode's white space between tokens. What comes out is always valid JSON, without white space between its tokens.
 * A report says whether the text seems to have been cut off. The time is linear in the length of the input, and no
 * memory is needed but `out`.
 */
#ifndef EXOCHAT_JSON_REPAIR_H
#define EXOCHAT_JSON_REPAIR_H

#include "exochat/buffer.h"
#include "exochat/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a repair found out about the text. The arguments of a call can be used if it was not cut and holds one value. */
typedef struct exo_repair_report {
    /* The text ends too early: behind the last token that was read, at the end of the text or before nothing but
     * closing brackets, a closing quotation mark, the rest of a number, word or escape, or a value had to be supplied
     * (so also behind a comma, a colon or an opening bracket at the end). Digits at the very end are cut, those of a
     * number that stands alone too. Not cut: a complete value behind which only closing brackets are missing, a whole
     * literal, sloppy marks further in front. Set, too, where two objects may have been taken for one, or one string
     * for two. */
    bool cut;
    /* How many values `out` holds: 1, or as many as the array around them has elements. 0 on an error. */
    uint32_t values;
} exo_repair_report;

/* Repairs `text` into `out`, which is cleared first, and fills in `report`. Text that is valid JSON is copied
 * unchanged, a string that holds JSON too. Several values become one array; those that equal the first, empty ones, and
 * arrays in the middle of prose do not count beside others. Of an object that was begun anew before it was complete,
 * the last is taken. A member that lost its value gets null.
 *
 * EXO_OK; EXO_E_REPAIR when there is no value in the text: nothing but white space or prose (a string, number or
 * literal counts only if nothing else is in the text); EXO_E_DEPTH_LIMIT when it nests deeper than `max_depth` (at most
 * EXO_JSON_DEPTH_MAX; the array around several values counts); EXO_E_NO_MEMORY or the buffer's limit error. On an error
 * `out` is empty. `out` may need room for a value that is then left out. `text` may not lie in `out`. */
int exo_json_repair(exo_span text, uint32_t max_depth, exo_buffer *out, exo_repair_report *report);

#ifdef __cplusplus
}
#endif

#endif
