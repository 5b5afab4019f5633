/*
 * chat.h: exochat without a command's name: one question, one answer.
 */
#ifndef EXO_CLI_CHAT_H
#define EXO_CLI_CHAT_H

/* Asks, prints, and returns the exit code. */
int chat_command(int argc, char **argv);

#endif
