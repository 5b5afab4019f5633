/*
 * mistaken.h: what somebody has typed who meant something else: says so, and what to type. Nothing that is likely a
 * mistake becomes a question, which costs money.
 */
#ifndef EXO_CLI_MISTAKEN_H
#define EXO_CLI_MISTAKEN_H

#include "arguments.h"
#include "options.h"

/* Says what is wrong with the argument that `a` has stopped at. */
void mistaken_argument(const arguments *a, argument_kind kind);

/* Whether the prompt is likely no prompt: a word that is close to a command, a long dash, the name of a file. Says so
 * then. */
bool mistaken_prompt(const cli_options *options);

#endif
