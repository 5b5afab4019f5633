/*
 * span.c: spans compared with a text, and made shorter: cut at a character's border, and without the white space around
 * them.
 *
 * It copies nothing and has no memory. Called by whatever puts a text into less room than it needs, or looks at what
 * stands in one.
 */
#include "exochat/span.h"

#include "ascii.h"

bool exo_span_is(exo_span span, const char *text)
{
    return exo_span_equal(span, exo_span_text(text));
}

exo_span exo_span_cut(exo_span text, size_t max)
{
    if (text.len > max) {
        text.len = max;
        while (text.len > 0 && ((uint8_t)text.ptr[text.len] & 0xC0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

exo_span exo_span_trim(exo_span text)
{
    exo_ascii_trim(&text);
    return text;
}
