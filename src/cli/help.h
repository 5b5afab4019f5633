/*
 * help.h: --help and --version.
 */
#ifndef EXO_CLI_HELP_H
#define EXO_CLI_HELP_H

#include "option_table.h"

/* Prints the summary of a command, or the version. Both return the exit code. */
int help_print(cli_command command);
int help_print_version(void);

#endif
