/*
 * advice.h: what to do about a failure, by the names that people type.
 */
#ifndef EXO_CLI_ADVICE_H
#define EXO_CLI_ADVICE_H

#include "setup.h"

/* Room for any advice. */
enum {
    ADVICE_MAX = 1024
};

/* Writes what to do about a failure of the deployment `name` ("" and names that are not deployed are allowed) to
 * `words` of ADVICE_MAX bytes. `shown`: what was printed of the answer keeps the call from another attempt. Where the
 * endpoint does not know the model it is asked, for a few seconds, which it has. */
void advice_write(const cli_setup *setup, const exo_failure *failure, const char *name, bool shown, char *words);

#endif
