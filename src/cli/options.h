/*
 * options.h: the command line as a struct.
 *
 * One table in options.c holds every option: its names, its value, the commands that take it and its line of --help.
 * Strings point into argv.
 */
#ifndef EXO_CLI_OPTIONS_H
#define EXO_CLI_OPTIONS_H

#include "exochat/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The commands, as bits so that the table can name several. */
typedef enum cli_command {
    COMMAND_CHAT = 1,
    COMMAND_MODELS = 2,
    COMMAND_CHECK = 4
} cli_command;

/* The values of an option that may be repeated. */
typedef struct values {
    const char **items;
    size_t count;
} values;

/* What a number is when its option is not given: nothing that it can be. */
#define NOT_GIVEN (-2)

/* Everything that can be said on a command line. Pointers are NULL and flags false where nothing was said. */
typedef struct cli_options {
    cli_command command;
    const char *model;
    const char *system;
    values attachments;
    const char *messages;
    values parameters; /* KEY=VALUE, with a KEY that is not empty */
    const char *tools;
    const char *schema;
    const char *allow_files;

    const char *config;
    const char *base_url;
    const char *api_key_env;
    values fallbacks;
    const char *ca;
    const char *proxy;
    bool http2;

    int64_t clocks[EXO_CLOCK_TOTAL + 1]; /* milliseconds, or EXO_CLOCK_AUTO */
    int64_t retries;
    int ttft_until; /* exo_ttft_until */
    bool restart;

    bool json;
    bool events;
    bool trace;
    bool dry_run;
    bool no_stream;
    bool quiet;
    const char *save_stream;

    bool remote;
    bool probe;
    const char *save_ca;

    char *const *operands; /* what is no option: the prompt */
    size_t operand_count;
} cli_options;

/* Reads the command line of `command`, argv[0] being the command's name. True: go on. False: the command is done, with
 * `*exit_code`: help was printed, or a line that says what is wrong. Free with options_free() in both cases. */
bool options_read(cli_options *options, cli_command command, int argc, char **argv, int *exit_code);

/* Frees what options_read() has allocated. */
void options_free(cli_options *options);

#endif
