/*
 * chat.h: exochat without a command's name: one question, one answer.
 */
#ifndef EXO_CLI_CHAT_H
#define EXO_CLI_CHAT_H

#include "options.h"

/* Asks, prints, and returns the exit code. */
int chat_command(const cli_options *options);

#endif
