/*
 * finish.c: the words that servers have for the end of an answer, by family.
 *
 * It keeps nothing and judges no answer; answer.c asks about the finish_reason that it kept. It has no memory.
 */
#include "exochat/finish.h"

#include "ascii.h"

/* The words of each family, in the order of their numbers; those of NORMAL are all that stand in no list, and in its
 * own there is only the empty one. */
static const char words[] =
    /* NONE */
    "null none\0"
    /* NORMAL */
    " \0"
    /* LENGTH */
    "length max_tokens model_length max_output_tokens token_limit\0"
    /* FILTER */
    "content_filter content_filtered safety recitation prohibited_content blocklist spii image_safety sensitive "
    "guardrail_intervened\0"
    /* ERROR */
    "error network_error abort aborted cancelled canceled timeout server_error insufficient_system_resource "
    "malformed_function_call\0"
    /* CONTEXT */
    "model_context_window_exceeded\0";

exo_finish_family exo_finish_family_of(exo_span reason)
{
    exo_ascii_trim(&reason);
    for (size_t i = 0; i < reason.len; i++) {
        if (reason.ptr[i] == ':' || ascii_is_space(reason.ptr[i])) {
            reason.len = i;
        }
    }
    if (reason.len == 0) {
        return EXO_FINISH_NONE;
    }
    const char *list = words;
    for (int family = EXO_FINISH_NONE; *list; family++) {
        if (exo_ascii_word_index(list, &reason) >= 0) {
            return (exo_finish_family)family;
        }
        list = exo_ascii_string(list, 1);
    }
    return EXO_FINISH_NORMAL;
}
