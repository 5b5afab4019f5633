/*
 * reply.h: what is left of a call: its answer or its failure, and the trail.
 */
#ifndef EXOCHAT_REPLY_H
#define EXOCHAT_REPLY_H

#include "exochat/answer.h"
#include "exochat/attempt.h"
#include "exochat/failure.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is left of a call. */
typedef struct exo_reply exo_reply;

/* The reply owns everything it hands out, until it is freed. NULL for a reply is allowed everywhere: it has a failure,
 * and nothing else. */

/* Why the call failed, or NULL: it succeeded, the answer is complete. NULL is no reply, which is what exo_chat()
 * returns when it could not even begin: its failure says so (EXO_E_NO_MEMORY, and to look at exo_client_message()). */
const exo_failure *exo_reply_failure(const exo_reply *reply);

/* What a call came to. The last two go with a failure, the others with none. */
typedef enum exo_outcome {
    EXO_OUTCOME_COMPLETE, /* the model ended by itself */
    EXO_OUTCOME_CUT,      /* the answer ends where it reached its maximum length; no tool call in it may be used */
    EXO_OUTCOME_FILTERED, /* a content filter ended it, or took something out */
    EXO_OUTCOME_REFUSED,  /* the model refuses: exo_answer_refusal() says in which words */
    EXO_OUTCOME_FAILED,   /* exo_reply_failure() says why */
    EXO_OUTCOME_CANCELLED /* exo_call_cancel() ended it (EXO_E_CANCELLED) */
} exo_outcome;

/* What the call came to; where its choices differ, the outcome that stands last above. A reply that is NULL, for want
 * of memory, is FAILED. Where the text was not kept (exo_call_options.keep), a refusal is not seen, and counts as what
 * its finish_reason says. */
exo_outcome exo_reply_outcome(const exo_reply *reply);

/* The answer of `choice`, or NULL when there is none. After a failure it holds what had come of the last attempt: never
 * to be taken for an answer. See answer.h for what to ask of it. */
exo_answer *exo_reply_answer(const exo_reply *reply, uint32_t choice);

/* The trail: how many attempts, and each of them (NULL past the last); its texts are the reply's. */
size_t exo_reply_attempts(const exo_reply *reply);
const exo_trail_entry *exo_reply_attempt(const exo_reply *reply, size_t index);

/* The name of the deployment that answered, or of the last one that was tried; "" when none was. */
const char *exo_reply_deployment(const exo_reply *reply);

/* The id that the endpoint gave its response, for questions to its owner: the header x-request-id, or another that
 * failure.h reads; that of the last attempt, whether it succeeded or not. "" when there was none. The key is taken out
 * of it. */
const char *exo_reply_request_id(const exo_reply *reply);

/* The service_tier that the response names, at most 31 bytes; empty when it names none. */
exo_span exo_reply_service_tier(const exo_reply *reply);

/* Milliseconds from the start of the call to its end. */
int64_t exo_reply_milliseconds(const exo_reply *reply);

/* Frees a reply. NULL is allowed. */
void exo_reply_free(exo_reply *reply);

#ifdef __cplusplus
}
#endif

#endif
