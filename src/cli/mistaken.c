/*
 * mistaken.c: see mistaken.h.
 */
#include "mistaken.h"

#include "nearest.h"
#include "say.h"
#include "secret.h"

#include <sys/stat.h>

/* What to do about something typed. */
typedef struct advice_row {
    const char *typed;
    const char *advice;
} advice_row;

static const char *mistaken_find(const advice_row *rows, size_t count, exo_span typed)
{
    for (size_t i = 0; i < count; i++) {
        if (nearest_steps(typed, exo_span_text(rows[i].typed)) == 0) {
            return rows[i].advice;
        }
    }
    return NULL;
}

/* ---- options ---- */

#define NO_KEYS \
    "a key is not given on the command line, where others can read it: give the name of a variable to --api-key-env, " \
    "or a file to --api-key-file"
#define A_PARAMETER "a parameter of the request is set by -o KEY=VALUE, as in -o temperature=0.2"

/* Names that other programs have. */
static const advice_row names[] = {
    {"api-key", NO_KEYS},
    {"api_key", NO_KEYS},
    {"apikey", NO_KEYS},
    {"key", NO_KEYS},
    {"token", NO_KEYS},
    {"bearer", NO_KEYS},
    {"auth", NO_KEYS},
    {"k", NO_KEYS},
    {"temperature", A_PARAMETER},
    {"temp", A_PARAMETER},
    {"t", A_PARAMETER},
    {"max-tokens", A_PARAMETER},
    {"max_tokens", A_PARAMETER},
    {"top-p", A_PARAMETER},
    {"top_p", A_PARAMETER},
    {"top-k", A_PARAMETER},
    {"seed", A_PARAMETER},
    {"stop", A_PARAMETER},
    {"reasoning-effort", A_PARAMETER},
    {"param", A_PARAMETER},
    {"url", "did you mean --base-url?"},
    {"endpoint", "did you mean --base-url?"},
    {"host", "did you mean --base-url?"},
    {"api-base", "did you mean --base-url?"},
    {"u", "did you mean --base-url?"},
    {"image", "did you mean --attach?"},
    {"file", "did you mean --attach?"},
    {"input", "did you mean --attach?"},
    {"f", "did you mean -a?"},
    {"i", "did you mean -a?"},
    {"system-prompt", "did you mean --system?"},
    {"prompt", "the prompt is what is no option: exochat [OPTIONS] PROMPT"},
    {"message", "the prompt is what is no option; did you mean --messages FILE?"},
    {"p", "the prompt is what is no option: exochat [OPTIONS] PROMPT"},
    {"stream", "that is how it is, unless --no-stream is given"},
    {"timeout", "did you mean --total-timeout, or --idle-timeout?"},
    {"max-time", "did you mean --total-timeout?"},
    {"verbose", "did you mean --trace?"},
    {"debug", "did you mean --trace, or the command exochat debug?"},
    {"v", "did you mean --trace, or -V for the version?"},
    {"silent", "did you mean --quiet?"},
    {"choices", "did you mean --n?"},
    {"insecure", "certificates are always verified; --ca FILE trusts one that is not the system's"},
    {"c", "did you mean --config?"},
    {"output", "the answer goes to standard output: exochat ... > FILE"},
    {"list", "did you mean the command exochat models?"},
    {"list-models", "did you mean the command exochat models?"},
    {"models", "did you mean --model, or the command exochat models?"},
};

/* Says that there is no such option, and which may be meant. */
static void mistaken_name(exo_span text)
{
    size_t dashes = text.len > 2 ? 2 : 0;
    char shown[64];
    nearest best = NEAREST_INIT;
    const option_row *option;
    exo_span typed = exo_span_of(text.ptr + dashes, text.len - dashes);
    const char *advice = mistaken_find(names, sizeof names / sizeof names[0], typed);
    snprintf(shown, sizeof shown, "%.*s", (int)typed.len, typed.ptr);
    const char *name = typed.len < sizeof shown ? secret_hidden(shown) : "...";
    for (size_t i = 0; (option = option_at(i)) != NULL; i++) {
        if (option->name && typed.len > 1) {
            nearest_offer(&best, typed, option->name);
            bool begins = typed.len > 2 && strncmp(option->name, shown, typed.len) == 0;
            best.word = begins && !best.word ? option->name : best.word;
        }
    }
    const char *dash = dashes ? "--" : "-";
    if (advice) {
        say("%s%s: no such option; %s", dash, name, advice);
    } else if (best.word) {
        say("%s%s: no such option; did you mean --%s?", dash, name, best.word);
    } else {
        say("%s%s: no such option; exochat --help lists them", dash, (unsigned char)*name < 0x80 ? name : "");
    }
}

void mistaken_argument(const arguments *a, argument_kind kind)
{
    switch (kind) {
    case ARGUMENT_NO_OPTION:
        mistaken_name(a->text);
        break;
    case ARGUMENT_ONE_DASH:
        say("-%s: two dashes expected: --%s", a->option->name, a->option->name);
        break;
    case ARGUMENT_HAS_VALUE:
        say("--%s: no value expected", a->option->name);
        break;
    default:
        if (a->value) {
            say("--%s: %s expected, and %s is an option (--%s=%s gives it as a value)", a->option->name,
                a->option->value, a->value, a->option->name, a->value);
        } else {
            say("--%s: %s expected", a->option->name, a->option->value);
        }
    }
}

/* ---- prompts ---- */

/* Words that are no command, and what is one. */
static const advice_row words[] = {
    {"help", "exochat --help"},
    {"?", "exochat --help"},
    {"usage", "exochat --help"},
    {"man", "man exochat"},
    {"version", "exochat --version"},
    {"list", "exochat models"},
    {"models", "exochat models"},
    {"check", "exochat check"},
    {"config", "exochat check"},
    {"configure", "exochat check"},
    {"doctor", "exochat check --probe"},
    {"probe", "exochat check --probe"},
    {"debug", "exochat debug --help"},
    {"chat", "exochat PROMPT"},
    {"update", "exochat --version"},
    {"login", "exochat --api-key-env NAME ..."},
    {"init", "exochat --base-url URL ..."},
};

/* What somebody may have meant by a word alone, or NULL. A letter may be wrong, in a long word two. */
static const char *mistaken_command(const char *word)
{
    static const char *const commands[] = {"models", "check", "debug", "help", "version"};
    exo_span typed = exo_span_text(word);
    const char *meant = mistaken_find(words, sizeof words / sizeof words[0], typed);
    for (size_t i = 0; !meant && typed.len > 3 && i < sizeof commands / sizeof commands[0]; i++) {
        size_t allowed = strlen(commands[i]) > 6 ? 2 : 1;
        if (nearest_steps(typed, exo_span_text(commands[i])) <= allowed) {
            meant = mistaken_find(words, sizeof words / sizeof words[0], exo_span_text(commands[i]));
        }
    }
    return meant;
}

/* A dash that a word processor has made of two: U+2010 to U+2015, U+2212. */
static bool mistaken_dash(const char *word)
{
    const unsigned char *at = (const unsigned char *)word;
    return at[0] == 0xE2 && ((at[1] == 0x80 && at[2] >= 0x90 && at[2] <= 0x95) || (at[1] == 0x88 && at[2] == 0x92)) &&
           at[3] != '\0' && at[3] != ' ';
}

static bool mistaken_file(const char *word)
{
    struct stat status;
    return stat(word, &status) == 0 && S_ISREG(status.st_mode);
}

static bool mistaken_is_number(const char *word)
{
    return *word != '\0' && strspn(word, "0123456789") == strlen(word);
}

bool mistaken_prompt(const cli_options *options)
{
    const char *first = options->operand_count > 0 ? options->operands[0] : "";
    size_t counted = options->operand_count - options->literal_count;
    bool lone = options->operand_count == 1 && counted == 1;
    const char *meant = lone ? mistaken_command(first) : NULL;
    for (size_t i = 0; i < counted; i++) {
        if (mistaken_dash(options->operands[i])) {
            say("'%s' begins with a long dash: an option begins with two short ones; behind -- it is prompt",
                secret_hidden(options->operands[i]));
            return true;
        }
        if (options->operands[i][0] == '@' && mistaken_file(options->operands[i] + 1)) {
            say("'%s': a file is attached by -a %s; behind -- it is prompt", options->operands[i],
                options->operands[i] + 1);
            return true;
        }
    }
    if (!meant && options->operand_count == 2 && counted == 2 && mistaken_command(options->operands[1])) {
        meant = mistaken_command(first);
    }
    if (meant) {
        say("'%s' is no command; did you mean %s? To ask a model this: exochat -- %s", first, meant, first);
    } else if (options->numbered && counted > 0 && mistaken_is_number(first)) {
        say("-n: takes no number, it leaves standard input alone; --n %s asks for so many answers", first);
    } else if (lone && options->attachments.count == 0 && !options->messages && mistaken_file(first)) {
        say("'%s' is a file: -a %s attaches it, exochat < %s sends its text; to send its name: exochat -- %s", first,
            first, first, first);
    } else {
        return false;
    }
    return true;
}
