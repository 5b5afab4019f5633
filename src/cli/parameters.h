/*
 * parameters.h: -o, --tools and --schema: the parameters of a request.
 */
#ifndef EXO_CLI_PARAMETERS_H
#define EXO_CLI_PARAMETERS_H

#include "options.h"

#include "exochat/request.h"

/* Sets what the options name, and nothing else. False: why was said. */
bool parameters_add(exo_request *request, const cli_options *options);

#endif
