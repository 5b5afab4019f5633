/*
 * check.h: exochat check: is the configuration right, and does what it names answer?
 */
#ifndef EXO_CLI_CHECK_H
#define EXO_CLI_CHECK_H

#include "options.h"

/* Checks and returns the exit code; argv[0] is "check". */
int check_command(const cli_options *options);

#endif
