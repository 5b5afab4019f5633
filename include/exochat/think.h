/*
 * think.h: a <think> block at the start of a text that comes in pieces → what is thought and what is said.
 *
 * For servers without a reasoning parser, on request only. The block counts only at the very start, white space apart;
 * the tags themselves vanish, wherever the pieces are cut, and every other byte comes out, in order.
 */
#ifndef EXOCHAT_THINK_H
#define EXOCHAT_THINK_H

#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where in the text a filter is. All zero is a filter that lets everything through. Private but for sizeof. */
typedef struct exo_think {
    uint8_t state_;
    uint8_t held_; /* bytes of the tag that is waited for that have come already */
} exo_think;

/* Begins a text; with `on` false everything is said. */
void exo_think_init(exo_think *think, bool on);

/* Whether anything that comes may be thought, or held back. */
static inline bool exo_think_is_on(const exo_think *think)
{
    return think->state_ != 0;
}

/* Takes the next part off the front of `*text` and stores it in `*part`, which points into the text or is constant.
 * True: a part that is not empty, `*thought` says which kind; call again. False: `*text` is used up. */
bool exo_think_next(exo_think *think, exo_span *text, exo_span *part, bool *thought);

/* At the end of the text: what was held back because it could have become a tag. True: a part, as above. */
bool exo_think_end(exo_think *think, exo_span *part, bool *thought);

#ifdef __cplusplus
}
#endif

#endif
