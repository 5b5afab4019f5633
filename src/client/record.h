/*
 * record.h: the records of log.h, filled in from a call.
 */
#ifndef EXO_CLIENT_RECORD_H
#define EXO_CLIENT_RECORD_H

#include "call.h"

/* Hands the record of the last attempt, which has just ended, or of the whole call, to the client's hook, if there is
 * one. */
void exo_record_attempt(const exo_call *call);
void exo_record_call(const exo_call *call);

#endif
