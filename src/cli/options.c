/*
 * options.c: see options.h. The line is gone through twice: for the command and what is no option, then for the options
 * of that command.
 */
#include "options.h"

#include "exit_code.h"
#include "help.h"
#include "mistaken.h"
#include "number.h"
#include "say.h"
#include "secret.h"

#include "exochat/client.h"
#include "exochat/config.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- values ---- */

/* Says what an option expects. Always false. */
static bool option_expected(const option_row *option, const char *what, const char *instead)
{
    say("--%s: %s expected, not '%s'", option->name, what, secret_hidden(instead));
    return false;
}

/* A clock can be `auto` that is so unless it is set. */
static bool option_read_clock(const option_row *option, const char *text, cli_options *options)
{
    int clock = option->id - OPTION_CLOCKS;
    bool automatic = option_clock_default((exo_clock)clock) == EXO_CLOCK_AUTO;
    if (automatic && strcmp(text, "auto") == 0) {
        options->clocks[clock] = EXO_CLOCK_AUTO;
        return true;
    }
    return exo_parse_duration(text, &options->clocks[clock]) ||
           option_expected(option,
                           automatic ? "auto, or a time from 0 to 24h, like 15, 15s, 500ms, 2m or 1h"
                                     : "a time from 0 to 24h, like 15, 15s, 500ms, 2m or 1h",
                           text);
}

/* A whole number from `least` to `most`. */
static bool option_read_number(const option_row *option, const char *text, int64_t least, int64_t most, int64_t *number)
{
    char expected[64];
    int64_t value = 0;
    const char *end = number_read(text, most, &value);
    if (end && *end == '\0' && value >= least) {
        *number = value;
        return true;
    }
    snprintf(expected, sizeof expected, "a whole number from %d to %d", (int)least, (int)most);
    return option_expected(option, expected, text);
}

static bool option_read_until(const option_row *option, const char *text, int *until)
{
    if (strcmp(text, "event") != 0 && strcmp(text, "token") != 0) {
        return option_expected(option, "'event' or 'token'", text);
    }
    *until = *text == 't' ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    return true;
}

/* A value that may not be empty. */
static bool option_read_text(const option_row *option, const char *text, const char **value)
{
    *value = text;
    return *text != '\0' || option_expected(option, option->value, text);
}

/* A name, and not the key itself, which nobody is to see. */
static bool option_read_variable(const option_row *option, const char *text, const char **value)
{
    *value = text;
    if (!secret_is_name(text)) {
        say("--%s: expects the name of a variable, such as OPENAI_API_KEY; what was given is none and is not shown. A "
            "key itself is not given on the command line, where others can read it: give the name of a variable, or "
            "--api-key-file",
            option->name);
        return false;
    }
    return true;
}

static bool option_read_parameter(const option_row *option, const char *text, values *parameters)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return option_expected(option, "KEY=VALUE, as in temperature=0.2,", text);
    }
    parameters->items[parameters->count++] = text;
    return true;
}

static bool option_read_value(const option_row *option, const char *text, values *list)
{
    return option_read_text(option, text, &list->items[list->count++]);
}

static bool option_set(bool *flag)
{
    *flag = true;
    return true;
}

/* What one option does. False: its value is wrong, and that was said. */
static bool option_take(cli_options *options, const option_row *option, const char *value)
{
    switch (option->id) {
    case 'm':
        return option_read_text(option, value, &options->model);
    case 's':
        options->system = value;
        return true;
    case 'a':
        return option_read_value(option, value, &options->attachments);
    case 'o':
        return option_read_parameter(option, value, &options->parameters);
    case 'n':
        return option_set(&options->no_stdin);
    case 'q':
        return option_set(&options->quiet);
    case OPTION_MESSAGES:
        return option_read_text(option, value, &options->messages);
    case OPTION_CONTINUE:
        return option_read_text(option, value, &options->continued);
    case OPTION_TOOLS:
        return option_read_text(option, value, &options->tools);
    case OPTION_SCHEMA:
        return option_read_text(option, value, &options->schema);
    case OPTION_ALLOW_FILES:
        return option_read_text(option, value, &options->allow_files);
    case OPTION_N:
        return option_read_number(option, value, 1, exo_limits_host()->choices, &options->choices);
    case OPTION_CONFIG:
        return option_read_text(option, value, &options->config);
    case OPTION_BASE_URL:
        return option_read_text(option, value, &options->base_url);
    case OPTION_API_KEY_ENV:
        return option_read_variable(option, value, &options->api_key_env);
    case OPTION_API_KEY_FILE:
        return option_read_text(option, value, &options->api_key_file);
    case OPTION_FALLBACK:
        return option_read_value(option, value, &options->fallbacks);
    case OPTION_CA:
        return option_read_text(option, value, &options->ca);
    case OPTION_PROXY:
        options->proxy = value; /* the empty one says: no proxy */
        return true;
    case OPTION_CONNECT_TIMEOUT:
    case OPTION_TTFT:
    case OPTION_IDLE_TIMEOUT:
    case OPTION_TOTAL_TIMEOUT:
        return option_read_clock(option, value, options);
    case OPTION_TTFT_UNTIL:
        return option_read_until(option, value, &options->ttft_until);
    case OPTION_RETRIES:
        return option_read_number(option, value, 0, 100, &options->retries);
    case OPTION_SAVE_STREAM:
        return option_read_text(option, value, &options->save_stream);
    case OPTION_SAVE_CA:
        return option_read_text(option, value, &options->save_ca);
    case OPTION_HTTP2:
        return option_set(&options->http2);
    case OPTION_RESTART:
        return option_set(&options->restart);
    case OPTION_JSON:
        return option_set(&options->json);
    case OPTION_EVENTS:
        return option_set(&options->events);
    case OPTION_NO_STREAM:
        return option_set(&options->no_stream);
    case OPTION_NO_NEWLINE:
        return option_set(&options->no_newline);
    case OPTION_TRACE:
        return option_set(&options->trace);
    case OPTION_DRY_RUN:
        return option_set(&options->dry_run);
    case OPTION_REMOTE:
        return option_set(&options->remote);
    default:
        return option_set(&options->probe);
    }
}

/* ---- the whole line ---- */

/* Says that a command takes no arguments, and what may be meant. */
static void option_refuse_operand(const cli_options *options)
{
    const char *name = option_command_name(options->command);
    if (options->command == COMMAND_CHECK && options->operand_count == 1 && access(options->operands[0], F_OK) == 0) {
        say("check: no arguments expected; did you mean --config %s?", options->operands[0]);
    } else {
        say("%s: no arguments expected, -m names a model; a prompt that begins with this word goes behind --: "
            "exochat -- %s ...",
            name + strlen("exochat "), name + strlen("exochat "));
    }
}

/* Whether a file of the command line is standard input. */
static bool option_is_input(const char *name)
{
    return name && (strcmp(name, "-") == 0 || strcmp(name, "/dev/stdin") == 0);
}

size_t options_count_inputs(const cli_options *options)
{
    size_t count = (size_t)option_is_input(options->messages) + (size_t)option_is_input(options->tools) +
                   (size_t)option_is_input(options->schema);
    for (size_t i = 0; i < options->attachments.count; i++) {
        count += option_is_input(options->attachments.items[i]);
    }
    return count;
}

/* Whether each file that is written, or read more than once, has a name. Says so if not. */
static bool option_names_files(const cli_options *options)
{
    const struct {
        const char *option;
        const char *name;
    } files[] = {
        {"continue", options->continued}, {"save-stream", options->save_stream},   {"save-ca", options->save_ca},
        {"config", options->config},      {"api-key-file", options->api_key_file}, {"ca", options->ca},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].name && strcmp(files[i].name, "-") == 0) {
            say("--%s: the name of a file expected, not '-'; ./- is a file of that name", files[i].option);
            return false;
        }
    }
    return true;
}

/* Two options that contradict each other, or one that needs another. False: it was said. */
static bool option_agree(const cli_options *options)
{
    const bool keyed = options->api_key_env || options->api_key_file;
    const size_t inputs = options_count_inputs(options);
    struct {
        bool wrong;
        const char *why;
    } const rules[] = {
        {options->config && options->base_url, "--base-url: takes the place of a configuration, so not with --config"},
        {options->api_key_env && options->api_key_file, "--api-key-file: not with --api-key-env"},
        {keyed && !options->base_url,
         "--api-key-env and --api-key-file: need --base-url (a configuration names its own keys)"},
        {options->no_stdin && option_is_input(options->messages),
         "-n: leaves standard input alone, so not with --messages -"},
        {options->no_stdin && options->stdin_named, "-n: leaves standard input alone, so not with -"},
        {inputs + options->stdin_named > 1,
         "standard input can be read once: one of -, -a -, --messages - and the like"},
        {options->json && options->events, "--events: not with --json"},
        {options->no_stream && options->events, "--events: not with --no-stream"},
        {options->no_newline && (options->json || options->events), "--no-newline: not with --json or --events"},
        {options->dry_run && (options->json || options->events), "--dry-run: not with --json or --events"},
        {options->continued && options->messages, "--continue: reads its own messages, so not with --messages"},
        {options->continued && options->choices > 1, "--continue: keeps one answer, so not with --n"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].wrong) {
            say("%s", rules[i].why);
            return false;
        }
    }
    if (!option_names_files(options)) {
        return false;
    }
    if (options->command != COMMAND_CHAT && options->operand_count > 0) {
        option_refuse_operand(options);
        return false;
    }
    return options->command != COMMAND_CHAT || !mistaken_prompt(options);
}

/* What the first walk has found beside operands. */
typedef struct line {
    argument_kind wrong; /* ARGUMENT_END: nothing */
    arguments where;
    bool help;
    bool version;
} line;

/* Finds the operands, and what asks for help. */
static void option_find_operands(cli_options *options, line *found, int argc, char **argv)
{
    argument_kind kind;
    arguments *a = &found->where;
    bool after_n = false;
    arguments_begin(a, argc, argv);
    while ((kind = arguments_next(a)) == ARGUMENT_OPTION || kind == ARGUMENT_OPERAND || kind == ARGUMENT_LITERAL) {
        if (kind == ARGUMENT_OPTION) {
            found->help = found->help || a->option->id == 'h';
            found->version = found->version || a->option->id == 'V';
            after_n = a->option->id == 'n';
            continue;
        }
        if (kind == ARGUMENT_OPERAND && strcmp(a->value, "-") == 0) {
            options->stdin_named = true;
            continue;
        }
        options->numbered = options->numbered || (after_n && options->operand_count == 0);
        options->operands[options->operand_count++] = a->value;
        options->literal_count += kind == ARGUMENT_LITERAL;
        after_n = false;
    }
    found->wrong = kind;
}

/* Takes the name of a command from the operands. False: it is one that cannot stand there. */
static bool option_find_command(cli_options *options)
{
    options->command = COMMAND_CHAT;
    if (options->operand_count == 0 || options->literal_count == options->operand_count) {
        return true;
    }
    if (option_command_of(options->operands[0], &options->command)) {
        options->operand_count--;
        memmove(options->operands, options->operands + 1, options->operand_count * sizeof *options->operands);
        return true;
    }
    return strcmp(options->operands[0], "debug") != 0;
}

/* Whether the command takes this option; several rows may have its name. */
static bool option_is_taken(cli_command command, const option_row *option)
{
    const option_row *other;
    for (size_t i = 0; (other = option_at(i)) != NULL; i++) {
        if (other->id == option->id && (other->commands & command)) {
            return true;
        }
    }
    say("--%s: not an option of %s, but of %s", option->name,
        command == COMMAND_CHAT ? "a question" : option_command_name(command),
        option->commands & COMMAND_CHAT     ? "a question"
        : option->commands & COMMAND_MODELS ? "exochat models"
                                            : "exochat check");
    return false;
}

static bool option_read_options(cli_options *options, int argc, char **argv)
{
    argument_kind kind;
    arguments a;
    arguments_begin(&a, argc, argv);
    while ((kind = arguments_next(&a)) != ARGUMENT_END) {
        if (kind == ARGUMENT_OPTION &&
            (!option_is_taken(options->command, a.option) || !option_take(options, a.option, a.value))) {
            return false;
        }
    }
    return option_agree(options);
}

/* Room for every argument, and for each letter of joined ones. */
static bool option_reserve(cli_options *options, int argc)
{
    values *lists[] = {&options->attachments, &options->parameters, &options->fallbacks};
    options->operands = calloc((size_t)argc + 1, sizeof *options->operands);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        lists[i]->items = calloc((size_t)argc + 1, sizeof *lists[i]->items);
        if (!lists[i]->items || !options->operands) {
            say("out of memory");
            return false;
        }
    }
    return true;
}

bool options_read(cli_options *options, int argc, char **argv, int *exit_code)
{
    line found = {ARGUMENT_END, {0, NULL, 0, NULL, false, NULL, NULL, {NULL, 0}}, false, false};
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i <= EXO_CLOCK_TOTAL; i++) {
        options->clocks[i] = NOT_GIVEN;
    }
    options->retries = options->ttft_until = NOT_GIVEN;
    options->choices = NOT_GIVEN;
    *exit_code = EXIT_FAILED;
    if (!option_reserve(options, argc)) {
        return false;
    }
    *exit_code = EXIT_USAGE;
    option_find_operands(options, &found, argc, argv);
    if (found.wrong != ARGUMENT_END && !found.help && !found.version) {
        mistaken_argument(&found.where, found.wrong);
        return false;
    }
    const bool known = option_find_command(options);
    if (found.help || found.version) {
        *exit_code = found.help ? help_print(options->command) : help_print_version();
        return false;
    }
    if (!known) {
        say("debug: stands before its options: exochat debug ...; a prompt that begins with this word goes after --");
    }
    return known && option_read_options(options, argc, argv);
}

void options_free(cli_options *options)
{
    free((void *)options->operands);
    free(options->attachments.items);
    free(options->parameters.items);
    free(options->fallbacks.items);
}
