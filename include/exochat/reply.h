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

/* The reply owns everything it hands out, until it is freed. */

/* Why the call failed, or NULL: it succeeded, the answer is complete. */
const exo_failure *exo_reply_failure(const exo_reply *reply);

/* The answer of `choice`, or NULL when there is none. After a failure it holds what had come of the last attempt: never
 * to be taken for an answer. See answer.h for what to ask of it. */
exo_answer *exo_reply_answer(const exo_reply *reply, uint32_t choice);

/* The trail: how many attempts, and each of them (NULL past the last); its texts are the reply's. */
size_t exo_reply_attempts(const exo_reply *reply);
const exo_trail_entry *exo_reply_attempt(const exo_reply *reply, size_t index);

/* The name of the deployment that answered, or of the last one that was tried; "" when none was. */
const char *exo_reply_deployment(const exo_reply *reply);

/* Milliseconds from the start of the call to its end. */
int64_t exo_reply_milliseconds(const exo_reply *reply);

/* Frees a reply. NULL is allowed. */
void exo_reply_free(exo_reply *reply);

#ifdef __cplusplus
}
#endif

#endif
