/*
 * finish.h: why an answer ended, as a finish_reason says it → the family that decides what becomes of the answer.
 *
 * Servers have dozens of words for a handful of endings, each with its own letters in upper case. The word itself is
 * the caller's to keep; finish.c has the table of those that are known.
 */
#ifndef EXOCHAT_FINISH_H
#define EXOCHAT_FINISH_H

#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a finish_reason comes to. */
typedef enum exo_finish_family {
    EXO_FINISH_NONE,   /* no reason at all: blank, "null", "none" */
    EXO_FINISH_NORMAL, /* the model ended by itself, or for a reason that nobody knows */
    EXO_FINISH_LENGTH, /* cut at a limit of the output, as "length" */
    EXO_FINISH_FILTER, /* a content filter, as "content_filter" */
    EXO_FINISH_ERROR,  /* generation failed: a failure, not an answer (EXO_E_FINISH) */
    EXO_FINISH_CONTEXT /* the model's context window is exceeded (EXO_E_CONTEXT_WINDOW) */
} exo_finish_family;

/* The family of a finish_reason as it was sent, in any case of letters. It is compared from its first byte that is not
 * blank up to the first ':' or blank, so that "content_filter: hate" is a filter too. */
exo_finish_family exo_finish_family_of(exo_span reason);

#ifdef __cplusplus
}
#endif

#endif
