/*
 * option_table.c: see option_table.h.
 */
#include "option_table.h"

enum {
    CHAT = COMMAND_CHAT,
    MODELS = COMMAND_MODELS,
    CHECK = COMMAND_CHECK,
    ALL = CHAT | MODELS | CHECK
};

static const option_row rows[] = {
    {0, CHAT, NULL, NULL, "The question"},
    {0, MODELS | CHECK, NULL, NULL, "The model"},
    {'m', ALL, "model", "MODEL", "the model; without it the configuration's\ndefault_model"},
    {'s', CHAT, "system", "TEXT", "a system message before all others"},
    {'a', CHAT, "attach", "FILE",
     "attach an image, a sound or a text, read while it\nis sent (- is standard input); may be repeated"},
    {OPTION_MESSAGES, CHAT, "messages", "FILE",
     "a JSON array of messages or a whole request\nobject (- is standard input); a prompt and -a are\nappended"},
    {OPTION_CONTINUE, CHAT, "continue", "FILE",
     "as --messages, and add this turn and its answer to\nFILE; it is made where it is not there"},
    {'o', CHAT, "option", "KEY=VALUE", "a parameter of the request; VALUE is JSON, or else\na string; may be repeated"},
    {OPTION_N, CHAT, "n", "N", "ask for so many answers to choose from"},
    {OPTION_TOOLS, CHAT, "tools", "FILE", "a JSON array of tools"},
    {OPTION_SCHEMA, CHAT, "schema", "FILE", "a JSON Schema that the answer must follow"},
    {OPTION_ALLOW_FILES, CHAT, "allow-files", "DIR", "let --messages name files below DIR"},
    {'n', CHAT, "no-stdin", NULL, "leave standard input alone, as in a while read loop"},

    {0, ALL, NULL, NULL, "The endpoint"},
    {OPTION_CONFIG, ALL, "config", "FILE",
     "the configuration; without it $EXOCHAT_CONFIG, or\nexochat/config.yaml in $XDG_CONFIG_HOME or\n~/.config"},
    {OPTION_BASE_URL, ALL, "base-url", "URL", "an endpoint, in place of a configuration"},
    {OPTION_API_KEY_ENV, ALL, "api-key-env", "NAME",
     "the environment variable with the key for\n--base-url; without it no key is sent"},
    {OPTION_API_KEY_FILE, ALL, "api-key-file", "FILE", "a file with that key"},
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
    {OPTION_NO_NEWLINE, CHAT, "no-newline", NULL, "end the text as the model does, byte for byte"},
    {OPTION_TRACE, CHAT, "trace", NULL, "on standard error: the attempts and their times"},
    {OPTION_DRY_RUN, CHAT, "dry-run", NULL, "print the request's body and send nothing"},
    {OPTION_SAVE_STREAM, CHAT, "save-stream", "FILE", "keep the answer's bytes as they are received"},
    {'q', CHAT, "quiet", NULL, "nothing but failures on standard error"},
    {OPTION_REMOTE, MODELS, "remote", NULL, "ask the endpoint which models it has"},
    {OPTION_PROBE, CHECK, "probe", NULL, "ask each model, or the one of -m, for one token"},
    {OPTION_SAVE_CA, CHECK, "save-ca", "FILE", "write the root certificate of the endpoint (PEM)"},
    {'h', ALL, "help", NULL, "print this"},
    {'V', ALL, "version", NULL, "print the version"},
};

enum {
    ROW_COUNT = sizeof rows / sizeof rows[0]
};

const option_row *option_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}

const option_row *option_of_letter(char letter)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].id == letter && letter != '\0') {
            return &rows[i];
        }
    }
    return NULL;
}

const option_row *option_of_name(exo_span name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].name && exo_span_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *option_of_clock(exo_clock clock)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].id == OPTION_CLOCKS + (int)clock && rows[i].name) {
            return rows[i].name;
        }
    }
    return "";
}

int64_t option_clock_default(exo_clock clock)
{
    static const int64_t defaults[] = {0,
#define EXO_X(clock_, code, field, owner, standard, phases, word) EXO_CLOCK_DEFAULT_##clock_,
                                       EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
    };
    return defaults[clock];
}

bool option_command_of(const char *text, cli_command *command)
{
    static const cli_command commands[] = {COMMAND_MODELS, COMMAND_CHECK};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(text, option_command_name(commands[i]) + strlen("exochat ")) == 0) {
            *command = commands[i];
            return true;
        }
    }
    return false;
}

const char *option_command_name(cli_command command)
{
    return command == COMMAND_MODELS ? "exochat models" : command == COMMAND_CHECK ? "exochat check" : "exochat";
}
