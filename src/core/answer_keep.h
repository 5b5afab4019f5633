/*
 * answer_keep.h: how an answer keeps text that comes in pieces, and JSON as it stands.
 *
 * Private to src/core; all memory is the answer's buffers.
 */
#ifndef EXOCHAT_ANSWER_KEEP_H
#define EXOCHAT_ANSWER_KEEP_H

#include "exochat/answer.h"

/* Joins a fragment with the half of a surrogate pair that the text before it ended with, `*held` or 0, and holds back
 * the one that it is itself. False: there is nothing to show yet. True: `delta->text` is the fragment, and `*before`
 * what has to stand before it. */
bool exo_keep_join(exo_answer *answer, uint16_t *held, exo_delta *delta, exo_span *before);

/* Appends a fragment to one of the texts if it is `wished`, and leaves in `delta->text` what is to be shown. EXO_OK;
 * EXO_NOT_FOUND where that is nothing; or an error. */
int exo_keep_text(exo_answer *answer, enum exo_answer_kept which, bool wished, exo_delta *delta);

/* Appends to a list: a value, or the values of a list. */
int exo_keep_list(exo_answer *answer, enum exo_answer_kept which, exo_span json);

/* Replaces what is kept. */
int exo_keep_last(exo_answer *answer, enum exo_answer_kept which, exo_span json);

/* Keeps a member of call `owner`, or of the answer itself (EXO_ANSWER_ITSELF), as limits.raw allows. */
int exo_keep_member(exo_answer *answer, uint32_t owner, const exo_delta *delta);

#endif
