/*
 * exit_code.h: what the command's exit codes mean. The manual page lists the same.
 */
#ifndef EXO_CLI_EXIT_CODE_H
#define EXO_CLI_EXIT_CODE_H

enum exit_code {
    EXIT_ANSWERED = 0,
    EXIT_FAILED = 1,   /* provider, network, or standard output */
    EXIT_USAGE = 2,    /* options, files, configuration */
    EXIT_TOO_LONG = 3, /* the context window is exceeded */
    EXIT_REFUSED = 4,  /* refused by the model, or cut by a content filter */
    EXIT_INTERRUPTED = 130
};

#endif
