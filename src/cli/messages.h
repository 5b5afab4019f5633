/*
 * messages.h: --messages and --continue: a request from a JSON file.
 */
#ifndef EXO_CLI_MESSAGES_H
#define EXO_CLI_MESSAGES_H

#include "options.h"

#include "exochat/request.h"

/* The request in the file that --messages names, with -m in place of its model and -s before its messages. NULL: why
 * was said. */
exo_request *messages_request(const cli_options *options);

/* The same of a text (borrowed) that was read from `path` for `option`; `system` may be NULL. */
exo_request *messages_parse(const cli_options *options, const char *option, const char *path, exo_span json,
                            const char *system);

#endif
