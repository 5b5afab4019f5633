/*
 * chunk_delta.h: what those who make deltas have in common: one that says nothing yet, and whether arguments open.
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXO_CORE_CHUNK_DELTA_H
#define EXO_CORE_CHUNK_DELTA_H

#include "exochat/chunk.h"

static inline void delta_clear(exo_delta *delta)
{
#ifdef EXO_SMALL
    memset(delta, 0, offsetof(exo_delta, usage));
#else
    memset(delta, 0, offsetof(exo_delta, text)); /* two short ones need no loop */
    memset(&delta->text, 0, offsetof(exo_delta, usage) - offsetof(exo_delta, text));
#endif
    delta->index = -1;
}

#ifndef EXO_SMALL
/* Whether decoded text, which is not empty, begins with a bracket, white space apart. */
static inline bool delta_is_opening(exo_span text)
{
    if (*text.ptr <= ' ') {
        text = exo_span_trim(text);
    }
    return text.len > 0 && (*text.ptr == '{' || *text.ptr == '[');
}
#endif

#endif
