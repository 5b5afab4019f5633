/*
 * options.c: see options.h.
 */
#include "options.h"

#include "exit_code.h"
#include "number.h"
#include "say.h"

#include "exochat/client.h"
#include "exochat/config.h"
#include "exochat/library.h"

#include <getopt.h>
#include <stdlib.h>

/* Options without a letter. */
enum long_only {
    OPTION_MESSAGES = 256,
    OPTION_TOOLS,
    OPTION_SCHEMA,
    OPTION_ALLOW_FILES,
    OPTION_CONFIG,
    OPTION_BASE_URL,
    OPTION_API_KEY_ENV,
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
    OPTION_QUIET,
    OPTION_SAVE_STREAM,
    OPTION_REMOTE,
    OPTION_PROBE,
    OPTION_SAVE_CA,
    OPTION_VERSION
};

enum {
    CHAT = COMMAND_CHAT,
    MODELS = COMMAND_MODELS,
    CHECK = COMMAND_CHECK,
    ALL = CHAT | MODELS | CHECK
};

/* One option, or with id 0 the title of those that follow. A letter is its own id. */
typedef struct row {
    int id;
    unsigned commands;
    const char *name;
    const char *value; /* NULL: it takes none */
    const char *help;  /* a further line begins after each \n */
} row;

static const row rows[] = {
    {0, CHAT, NULL, NULL, "The question"},
    {0, MODELS | CHECK, NULL, NULL, "The model"},
    {'m', ALL, "model", "MODEL", "the model; without it the configuration's\ndefault_model"},
    {'s', CHAT, "system", "TEXT", "a system message before all others"},
    {'a', CHAT, "attach", "FILE", "attach an image, a sound or a text, read while it\nis sent; may be repeated"},
    {OPTION_MESSAGES, CHAT, "messages", "FILE",
     "a JSON array of messages or a whole request\nobject (- is standard input); a prompt and -a are\nappended"},
    {'o', CHAT, "option", "KEY=VALUE", "a parameter of the request; VALUE is JSON, or else\na string; may be repeated"},
    {OPTION_TOOLS, CHAT, "tools", "FILE", "a JSON array of tools"},
    {OPTION_SCHEMA, CHAT, "schema", "FILE", "a JSON Schema that the answer must follow"},
    {OPTION_ALLOW_FILES, CHAT, "allow-files", "DIR", "let --messages name files below DIR"},

    {0, ALL, NULL, NULL, "The endpoint"},
    {OPTION_CONFIG, ALL, "config", "FILE",
     "the configuration; without it $EXOCHAT_CONFIG, or\nexochat/config.yaml in $XDG_CONFIG_HOME or\n~/.config"},
    {OPTION_BASE_URL, ALL, "base-url", "URL", "an endpoint, in place of a configuration"},
    {OPTION_API_KEY_ENV, ALL, "api-key-env", "NAME",
     "the environment variable with the key for\n--base-url; without it no key is sent"},
    {OPTION_FALLBACK, CHAT, "fallback", "NAME",
     "try this model next, in place of the configured\nfallbacks; may be repeated"},
    {OPTION_CA, ALL, "ca", "FILE", "trust these certificates (PEM), not the system's"},
    {OPTION_PROXY, ALL, "proxy", "URL", "http, https, socks4(a) or socks5(h) proxy"},
    {OPTION_HTTP2, ALL, "http2", NULL, "offer HTTP/2"},

    {0, ALL, NULL, NULL, "Patience (TIME is 15, 15s, 500ms, 2m or 1h; 0 is without end)"},
    {OPTION_CONNECT_TIMEOUT, ALL, "connect-timeout", "TIME", "until TCP and TLS are up"},
    {OPTION_TTFT, ALL, "ttft", "TIME",
     "from the body sent to the first event; auto is 15s\nwhile another endpoint is left to try, and else "
     "as\n--idle-timeout"},
    {OPTION_TTFT_UNTIL, ALL, "ttft-until", "WHAT", "that event: any 'event', or the first 'token'"},
    {OPTION_IDLE_TIMEOUT, ALL, "idle-timeout", "TIME", "without progress"},
    {OPTION_TOTAL_TIMEOUT, CHAT | CHECK, "total-timeout", "TIME", "for all attempts together"},
    {OPTION_RETRIES, CHAT, "retries", "N", "further attempts on the same endpoint"},
    {OPTION_RESTART, CHAT, "restart", NULL,
     "begin anew where a stream breaks half-way: what was\nprinted before is void"},

    {0, ALL, NULL, NULL, "Output"},
    {OPTION_JSON, CHAT, "json", NULL, "one JSON object at the end: answer, usage, trail"},
    {OPTION_JSON, MODELS, "json", NULL, "a JSON array"},
    {OPTION_EVENTS, CHAT, "events", NULL, "one JSON object on a line for each event, the trail\nlast"},
    {OPTION_NO_STREAM, CHAT, "no-stream", NULL, "print the text when it is complete"},
    {OPTION_TRACE, CHAT, "trace", NULL, "on standard error: the attempts and their times"},
    {OPTION_DRY_RUN, CHAT, "dry-run", NULL, "print the request's body and send nothing"},
    {OPTION_SAVE_STREAM, CHAT, "save-stream", "FILE", "keep the answer's bytes as they are received"},
    {OPTION_QUIET, CHAT, "quiet", NULL, "nothing but failures on standard error"},
    {OPTION_REMOTE, MODELS, "remote", NULL, "ask the endpoint which models it has"},
    {OPTION_PROBE, CHECK, "probe", NULL, "ask every deployment (or -m) for one token"},
    {OPTION_SAVE_CA, CHECK, "save-ca", "FILE", "write the root certificate of the endpoint (PEM)"},
    {'h', ALL, "help", NULL, "print this"},
    {OPTION_VERSION, ALL, "version", NULL, "print the version"},
};

/* What the clocks are unless they are set, in milliseconds. */
static const int64_t clock_defaults[] = {0,
#define EXO_X(clock, code, field, owner, standard, phases, word) EXO_CLOCK_DEFAULT_##clock,
                                         EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
};

enum {
    ROW_COUNT = sizeof rows / sizeof rows[0]
};

static const row *option_row_of(int id)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (id != 0 && rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- help ---- */

static const char usage_chat[] = "Usage: exochat [OPTIONS] [PROMPT...]\n"
                                 "       exochat models [OPTIONS]      the configured models\n"
                                 "       exochat check [OPTIONS]       look over the configuration\n"
                                 "       exochat debug sse|json|repair|chat|encode|http [OPTIONS]\n"
                                 "\n"
                                 "Asks a model behind an OpenAI-compatible endpoint and prints its answer as it\n"
                                 "comes. The prompt is the arguments, joined by spaces, and standard input unless\n"
                                 "that is a terminal, with a blank line between them. Nothing is sent that was not\n"
                                 "given. Reasoning, refusals and tool calls go to standard error.\n";
static const char usage_models[] = "Usage: exochat models [OPTIONS]\n"
                                   "\n"
                                   "Lists the configured models, the default one marked with *.\n";
static const char usage_check[] = "Usage: exochat check [OPTIONS]\n"
                                  "\n"
                                  "Reads the configuration, and warns of what is legal in it and likely wrong.\n";
static const char exit_codes[] = "\n"
                                 "Exit codes: 0 answered, 1 provider or network failed, 2 usage or configuration,\n"
                                 "3 context window exceeded, 4 refused or cut by a content filter, 130\n"
                                 "interrupted. The manual, exochat(1), says more.\n";

/* Where the right column begins. */
enum {
    HELP_COLUMN = 29
};

/* What an option is that is not given, where a table of the library says so. */
static void option_print_default(int id)
{
    static const exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    if (id == OPTION_RETRIES) {
        printf(" (%u)", (unsigned)policy.retries);
    }
    if (id <= OPTION_CLOCKS || id > OPTION_CLOCKS + EXO_CLOCK_TOTAL) {
        return;
    }
    int64_t clock = clock_defaults[id - OPTION_CLOCKS];
    if (clock > 0) {
        printf(" (%ds)", (int)(clock / 1000));
    } else {
        fputs(clock == EXO_CLOCK_AUTO ? " (auto)" : " (none)", stdout);
    }
}

static void option_print_row(const row *option)
{
    char left[64];
    char letter[] = {'-', (char)option->id, ',', '\0'};
    snprintf(left, sizeof left, "  %3s --%s%s%s", option->id < 256 ? letter : "", option->name,
             option->value ? " " : "", option->value ? option->value : "");
    printf("%-*s ", HELP_COLUMN - 1, left);
    for (const char *at = option->help; *at != '\0'; at++) {
        putchar(*at);
        if (*at == '\n') {
            printf("%*s", HELP_COLUMN, "");
        }
    }
    option_print_default(option->id);
    putchar('\n');
}

static int option_print_help(cli_command command)
{
    fputs(command == COMMAND_CHAT ? usage_chat : command == COMMAND_MODELS ? usage_models : usage_check, stdout);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!(rows[i].commands & command)) {
            continue;
        }
        if (rows[i].id == 0) {
            printf("\n%s:\n", rows[i].help);
        } else {
            option_print_row(&rows[i]);
        }
    }
    fputs(exit_codes, stdout);
    return say_flush() ? EXIT_ANSWERED : say_output_failed();
}

static int option_print_version(void)
{
    printf("exochat %s (%s)\n", EXO_VERSION, exo_library_versions());
    return say_flush() ? EXIT_ANSWERED : say_output_failed();
}

/* ---- values ---- */

/* Says what an option expects. Always false. */
static bool option_expected(const row *option, const char *what, const char *instead)
{
    say("--%s: %s expected, not '%s'", option->name, what, instead);
    return false;
}

/* A clock can be `auto` that is so unless it is set. */
static bool option_read_clock(const row *option, const char *text, cli_options *options)
{
    int clock = option->id - OPTION_CLOCKS;
    bool automatic = clock_defaults[clock] == EXO_CLOCK_AUTO;
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

static bool option_read_retries(const row *option, const char *text, int64_t *retries)
{
    const char *end = number_read(text, 100, retries);
    return (end && *end == '\0') || option_expected(option, "a whole number from 0 to 100", text);
}

static bool option_read_until(const row *option, const char *text, int *until)
{
    if (strcmp(text, "event") != 0 && strcmp(text, "token") != 0) {
        return option_expected(option, "'event' or 'token'", text);
    }
    *until = *text == 't' ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    return true;
}

/* A value that may not be empty. */
static bool option_read_text(const row *option, const char *text, const char **value)
{
    *value = text;
    return *text != '\0' || option_expected(option, option->value, text);
}

static bool option_read_parameter(const row *option, const char *text, values *parameters)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return option_expected(option, "KEY=VALUE", text);
    }
    parameters->items[parameters->count++] = text;
    return true;
}

static bool option_read_value(const row *option, const char *text, values *list)
{
    return option_read_text(option, text, &list->items[list->count++]);
}

static bool option_set(bool *flag)
{
    *flag = true;
    return true;
}

/* What one option does. False: its value is wrong, and that was said. */
static bool option_take(cli_options *options, const row *option, const char *value)
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
    case OPTION_MESSAGES:
        return option_read_text(option, value, &options->messages);
    case OPTION_TOOLS:
        return option_read_text(option, value, &options->tools);
    case OPTION_SCHEMA:
        return option_read_text(option, value, &options->schema);
    case OPTION_ALLOW_FILES:
        return option_read_text(option, value, &options->allow_files);
    case OPTION_CONFIG:
        return option_read_text(option, value, &options->config);
    case OPTION_BASE_URL:
        return option_read_text(option, value, &options->base_url);
    case OPTION_API_KEY_ENV:
        return option_read_text(option, value, &options->api_key_env);
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
        return option_read_retries(option, value, &options->retries);
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
    case OPTION_TRACE:
        return option_set(&options->trace);
    case OPTION_DRY_RUN:
        return option_set(&options->dry_run);
    case OPTION_QUIET:
        return option_set(&options->quiet);
    case OPTION_REMOTE:
        return option_set(&options->remote);
    default:
        return option_set(&options->probe);
    }
}

/* ---- the whole line ---- */

/* Two options that contradict each other, or one that needs another. False: it was said. */
static bool option_agree(const cli_options *options)
{
    struct {
        bool wrong;
        const char *why;
    } const rules[] = {
        {options->config && options->base_url, "--base-url: takes the place of a configuration, so not with --config"},
        {options->api_key_env && !options->base_url, "--api-key-env: needs --base-url (a configuration names its own)"},
        {options->json && options->events, "--events: not with --json"},
        {options->no_stream && options->events, "--events: not with --no-stream"},
        {options->dry_run && (options->json || options->events), "--dry-run: not with --json or --events"},
        {options->command != COMMAND_CHAT && options->operand_count > 0,
         "no arguments expected here; a prompt that begins with the name of a command goes after --"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].wrong) {
            say("%s", rules[i].why);
            return false;
        }
    }
    return true;
}

/* Says what getopt_long() has found wrong. */
static void option_explain(int result, char *const *argv)
{
    const row *option = option_row_of(optopt);
    if (result == ':' && option) {
        say("--%s: %s expected", option->name, option->value);
    } else if (option && optopt >= 256) {
        say("--%s: no value expected", option->name);
    } else if (optopt != 0 && optopt < 256 && !option) {
        say("-%c: no such option; exochat --help lists them", optopt);
    } else {
        say("%s: no such option; exochat --help lists them", argv[optind - 1]);
    }
}

/* The table as getopt_long() wants it. `letters` must have room for two characters a row, and two more. */
static void option_translate(struct option *longs, char *letters)
{
    *letters++ = ':';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].id == 0) {
            continue;
        }
        longs->name = rows[i].name;
        longs->has_arg = rows[i].value ? required_argument : no_argument;
        longs->flag = NULL;
        longs->val = rows[i].id;
        longs++;
        if (rows[i].id < 256) {
            *letters++ = (char)rows[i].id;
            if (rows[i].value) {
                *letters++ = ':';
            }
        }
    }
    memset(longs, 0, sizeof *longs);
    *letters = '\0';
}

static bool option_read_options(cli_options *options, int argc, char **argv, int *exit_code)
{
    struct option longs[ROW_COUNT + 1];
    char letters[2 * ROW_COUNT + 2];
    option_translate(longs, letters);
    opterr = 0;
    *exit_code = EXIT_USAGE;
    int id;
    while ((id = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const row *option = option_row_of(id);
        if (!option) {
            option_explain(id, argv);
            return false;
        }
        if (!(option->commands & options->command)) {
            say("--%s: not an option of exochat %s", option->name,
                options->command == COMMAND_CHAT ? "itself" : argv[0]);
            return false;
        }
        if (id == 'h' || id == OPTION_VERSION) {
            *exit_code = id == 'h' ? option_print_help(options->command) : option_print_version();
            return false;
        }
        if (!option_take(options, option, optarg)) {
            return false;
        }
    }
    options->operands = argv + optind;
    options->operand_count = (size_t)(argc - optind);
    return option_agree(options);
}

bool options_read(cli_options *options, cli_command command, int argc, char **argv, int *exit_code)
{
    memset(options, 0, sizeof *options);
    options->command = command;
    for (size_t i = 0; i <= EXO_CLOCK_TOTAL; i++) {
        options->clocks[i] = NOT_GIVEN;
    }
    options->retries = options->ttft_until = NOT_GIVEN;
    values *lists[] = {&options->attachments, &options->parameters, &options->fallbacks};
    for (size_t i = 0; i < 3; i++) {
        lists[i]->items = calloc((size_t)argc + 1, sizeof *lists[i]->items);
        if (!lists[i]->items) {
            say("out of memory");
            *exit_code = EXIT_FAILED;
            return false;
        }
    }
    return option_read_options(options, argc, argv, exit_code);
}

void options_free(cli_options *options)
{
    free(options->attachments.items);
    free(options->parameters.items);
    free(options->fallbacks.items);
}
