/*
 * models.h: exochat models: what can be asked.
 */
#ifndef EXO_CLI_MODELS_H
#define EXO_CLI_MODELS_H

/* Lists the models and returns the exit code; argv[0] is "models". */
int models_command(int argc, char **argv);

#endif
