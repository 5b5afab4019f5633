/*
 * options.h: the command line as a struct.
 *
 * What options there are is option_table.h's. Strings point into argv.
 */
#ifndef EXO_CLI_OPTIONS_H
#define EXO_CLI_OPTIONS_H

#include "option_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    const char *continued; /* --continue */
    values parameters;     /* KEY=VALUE, with a KEY that is not empty */
    int64_t choices;
    const char *tools;
    const char *schema;
    const char *allow_files;
    bool no_stdin;
    bool stdin_named; /* "-" stands among the operands, of which it is none */
    bool numbered;    /* -n stood right before the first operand */

    const char *config;
    const char *base_url;
    const char *api_key_env;
    const char *api_key_file;
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
    bool no_newline;
    bool quiet;
    const char *save_stream;

    bool remote;
    bool probe;
    const char *save_ca;

    const char **operands; /* what is no option: the prompt */
    size_t operand_count;
    size_t literal_count; /* how many of them stood behind "--": the last ones */
} cli_options;

/* Reads a command line. Its first operand is the name of the command, if it is one. True: go on. False: the command is
 * done, with `*exit_code`: help was printed, or a line that says what is wrong. Free with options_free() in both
 * cases. */
bool options_read(cli_options *options, int argc, char **argv, int *exit_code);

/* How many options want standard input for themselves, which is then no prompt: 0 or 1, as options_read() refuses more.
 */
size_t options_count_inputs(const cli_options *options);

/* Frees what options_read() has allocated. */
void options_free(cli_options *options);

#endif
