/*
 * option_table.h: every option of the command in one table: its names, its value, the commands that take it and its
 * line of --help. `exochat debug` has options of its own.
 */
#ifndef EXO_CLI_OPTION_TABLE_H
#define EXO_CLI_OPTION_TABLE_H

#include "exochat/clock.h"
#include "exochat/span.h"

/* The commands, as bits so that the table can name several. */
typedef enum cli_command {
    COMMAND_CHAT = 1,
    COMMAND_MODELS = 2,
    COMMAND_CHECK = 4
} cli_command;

/* Options without a letter. */
enum option_id {
    OPTION_MESSAGES = 256,
    OPTION_CONTINUE,
    OPTION_TOOLS,
    OPTION_SCHEMA,
    OPTION_ALLOW_FILES,
    OPTION_N,
    OPTION_CONFIG,
    OPTION_BASE_URL,
    OPTION_API_KEY_ENV,
    OPTION_API_KEY_FILE,
    OPTION_FALLBACK,
    OPTION_CA,
    OPTION_PROXY,
    OPTION_HTTP2,
    OPTION_CLOCKS, /* one for each clock of clock.h follows */
    OPTION_CONNECT_TIMEOUT = OPTION_CLOCKS + EXO_CLOCK_CONNECT,
    OPTION_TTFT = OPTION_CLOCKS + EXO_CLOCK_FIRST_EVENT,
    OPTION_IDLE_TIMEOUT = OPTION_CLOCKS + EXO_CLOCK_IDLE,
    OPTION_TOTAL_TIMEOUT = OPTION_CLOCKS + EXO_CLOCK_TOTAL,
    OPTION_TTFT_UNTIL,
    OPTION_RETRIES,
    OPTION_RESTART,
    OPTION_JSON,
    OPTION_EVENTS,
    OPTION_TRACE,
    OPTION_DRY_RUN,
    OPTION_NO_STREAM,
    OPTION_NO_NEWLINE,
    OPTION_SAVE_STREAM,
    OPTION_REMOTE,
    OPTION_PROBE,
    OPTION_SAVE_CA
};

/* One option, or with id 0 the title of those that follow. A letter is its own id. */
typedef struct option_row {
    int id;
    unsigned commands;
    const char *name;
    const char *value; /* NULL: it takes none */
    const char *help;  /* a further line begins after each \n */
} option_row;

/* The rows in the order of --help; NULL past the last. */
const option_row *option_at(size_t index);

/* The row of a letter, or of a whole name without its dashes; NULL: there is none. */
const option_row *option_of_letter(char letter);
const option_row *option_of_name(exo_span name);

/* The name of the option that sets a clock, without its dashes. */
const char *option_of_clock(exo_clock clock);

/* What a clock is unless it is set, in milliseconds, or EXO_CLOCK_AUTO. */
int64_t option_clock_default(exo_clock clock);

/* Whether `text` is the name of a command that the table knows; stores which. */
bool option_command_of(const char *text, cli_command *command);

/* "exochat", "exochat models" or "exochat check". */
const char *option_command_name(cli_command command);

#endif
