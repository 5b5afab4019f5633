/*
 * messages.h: --messages: a request from a JSON file.
 */
#ifndef EXO_CLI_MESSAGES_H
#define EXO_CLI_MESSAGES_H

#include "options.h"

#include "exochat/request.h"

/* The request in the file that --messages names, with -m in place of its model and -s before its messages. NULL: why
 * was said. */
exo_request *messages_request(const cli_options *options);

#endif
