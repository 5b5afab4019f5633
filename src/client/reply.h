/*
 * reply.h: what is left of a call, as the call fills it in: its answers, its failure, its trail.
 */
#ifndef EXO_CLIENT_REPLY_H
#define EXO_CLIENT_REPLY_H

#include "exochat/client.h"

struct exo_reply {
    exo_answer *answers;
    uint32_t answer_count;
    const exo_failure *failure; /* NULL: there is none */
    char *request_id;           /* of an answer; NULL: the endpoint gave it none */
    exo_trail_entry *attempts;  /* whose texts are blocks of its own, the message unless it is empty */
    size_t attempt_count;
    int64_t milliseconds;
};

/* An empty reply with `choices` answers, or NULL. */
exo_reply *exo_reply_new(const exo_limits *limits, uint32_t choices, unsigned keep);

/* Empties the answers for another attempt. */
void exo_reply_restart(exo_reply *reply, const exo_limits *limits, unsigned keep);

/* Why the call, or its last attempt, failed, of which a copy is kept: where memory runs out, it failed for that. */
void exo_reply_fail(exo_reply *reply, const exo_failure *failure);

/* The same of a failure that no endpoint has to do with. */
void exo_reply_fail_saying(exo_reply *reply, int code, exo_span words);

/* It did not, and the endpoint gave the answer an id, or "", which is kept where there is memory. */
void exo_reply_succeed(exo_reply *reply, const char *request_id);

/* Appends an attempt that has ended to the trail: `entry`, but for its texts, which are these and are copied. EXO_OK or
 * EXO_E_NO_MEMORY; without memory for the message the entry says less. */
int exo_reply_note_attempt(exo_reply *reply, const exo_trail_entry *entry, const char *deployment, const char *model,
                           const char *message);

/* The last attempt, or NULL. */
const exo_trail_entry *exo_reply_last_attempt(const exo_reply *reply);

#endif
