/*
 * models.h: exochat models: what can be asked.
 */
#ifndef EXO_CLI_MODELS_H
#define EXO_CLI_MODELS_H

#include "options.h"

/* Lists the models and returns the exit code; argv[0] is "models". */
int models_command(const cli_options *options);

#endif
