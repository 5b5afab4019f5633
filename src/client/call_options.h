/*
 * call_options.h: the options of a call: taken from the caller, checked, copied, and freed.
 */
#ifndef EXO_CLIENT_CALL_OPTIONS_H
#define EXO_CLIENT_CALL_OPTIONS_H

#include "deployment.h"

/* Copies what the pointers of `options` lead to, all but raw_ctx. False when memory ran out:
 * exo_call_options_free() then frees what was copied. */
bool exo_call_options_copy(exo_call_options *options);

/* What is wrong with the options of a call on a client with these limits: EXO_OK, or an error with words that name the
 * field in `message`, of `size` bytes. `raw` says that the body is sent as it is. */
int exo_call_options_check(const exo_call_options *options, const exo_limits *limits, bool raw, char *message,
                           size_t size);

/* Takes the key, and the values of the headers, which may be keys too, out of what a failure says; as
 * exo_deployed_censor(). */
void exo_call_options_censor(const exo_call_options *options, exo_failure *failure);

/* Frees the copies; the key is wiped, and so are the headers' values. */
void exo_call_options_free(exo_call_options *options);

#endif
