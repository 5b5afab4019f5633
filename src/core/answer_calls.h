/*
 * answer_calls.h: the tool calls of an answer: which call a delta belongs to, and what of it is new.
 *
 * Private to src/core. The rule is in docs/dialects.md; answer.h says it for callers.
 */
#ifndef EXOCHAT_ANSWER_CALLS_H
#define EXOCHAT_ANSWER_CALLS_H

#include "exochat/answer.h"

/* The most calls of one answer, however high the limit is set, and the bytes of the record of one. */
#define CALLS_MAX 65536
size_t exo_calls_record_size(void);

/* Applies a TOOL_* delta but TOOL_MEMBER, and leaves in it what is to be shown, of call `answer->call_`. EXO_OK;
 * EXO_NOT_FOUND where that is nothing. An error is `answer->error_`. */
int exo_calls_apply(exo_answer *answer, exo_delta *delta);

#ifndef EXO_SMALL
/* The same as exo_answer_go_on() says, of a TOOL_CALL, and of TOOL_ARGUMENTS that are no half of a character. */
bool exo_calls_go_on(exo_answer *answer, const exo_delta *delta);
bool exo_calls_go_on_with_arguments(exo_answer *answer, const exo_delta *delta, exo_span *shown);
#endif

/* Stores the U+FFFD that the half of a surrogate pair at the end of some call's arguments comes to, of call
 * `answer->call_`. False: there is none left. An error is `answer->error_`. */
bool exo_calls_rest(exo_answer *answer, exo_delta *delta);

/* Whether call `number` has no name, or a repetition of its arguments broke off: then it was cut. */
bool exo_calls_is_cut(const exo_answer *answer, uint32_t number);

#endif
