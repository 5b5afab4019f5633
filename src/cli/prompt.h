/*
 * prompt.h: from options, files and standard input to a request.
 */
#ifndef EXO_CLI_PROMPT_H
#define EXO_CLI_PROMPT_H

#include "conversation.h"
#include "options.h"

#include "exochat/request.h"

/* The request that the options ask for; its model may be "". Attachments are named in it, not read. `going_on` is the
 * conversation of --continue, or NULL. NULL: `*exit_code`, and why was said. */
exo_request *prompt_request(const cli_options *options, const conversation *going_on, int *exit_code);

#endif
