/*
 * help.c: see help.h. No line is longer than 80 columns.
 */
#include "help.h"

#include "exit_code.h"
#include "say.h"

#include "exochat/client.h"
#include "exochat/library.h"

static const char usage_chat[] = "Usage: exochat [OPTIONS] [PROMPT...]\n"
                                 "       exochat [OPTIONS] models      the configured models, or the endpoint's\n"
                                 "       exochat [OPTIONS] check       look over the configuration, or try it\n"
                                 "       exochat debug sse|json|repair|chat|encode|http [OPTIONS]\n"
                                 "\n"
                                 "Asks a model behind an OpenAI-compatible endpoint and prints its answer as it\n"
                                 "comes. The prompt is the arguments, joined by spaces, and what standard input\n"
                                 "holds unless that is a terminal, with a blank line between them. Behind -- all\n"
                                 "is prompt. Nothing is sent that was not given. Reasoning, refusals and tool\n"
                                 "calls go to standard error.\n"
                                 "\n"
                                 "Without a configuration and --base-url, $OPENAI_API_KEY is for $OPENAI_BASE_URL,\n"
                                 "or https://api.openai.com/v1.\n";
static const char usage_models[] = "Usage: exochat models [OPTIONS]\n"
                                   "\n"
                                   "Lists the configured models, the default one marked with *; with --remote the\n"
                                   "models that the endpoint has.\n";
static const char usage_check[] = "Usage: exochat check [OPTIONS]\n"
                                  "\n"
                                  "Reads the configuration, and warns of what is allowed in it and likely wrong.\n"
                                  "Nothing is sent without --probe.\n";
static const char exit_codes_chat[] =
    "\n"
    "Exit codes: 0 answered, 1 provider or network failed, 2 usage or configuration,\n"
    "3 context window exceeded, 4 refused or cut by a content filter, 130\n"
    "interrupted. The manual, exochat(1), says more.\n";
static const char exit_codes_models[] =
    "\n"
    "Exit codes: 0 listed, 1 provider or network failed, 2 usage or configuration.\n";
static const char exit_codes_check[] =
    "\n"
    "Exit codes: 0 all is well, warnings apart; 1 provider or network failed, 2 usage\n"
    "or configuration, 130 interrupted.\n";

/* Where the right column begins. */
enum {
    HELP_COLUMN = 29
};

/* What an option is that is not given, where a table of the library says so. */
static void help_print_default(int id)
{
    static const exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    if (id == OPTION_RETRIES) {
        printf(" (%u)", (unsigned)policy.retries);
    }
    if (id <= OPTION_CLOCKS || id > OPTION_CLOCKS + EXO_CLOCK_TOTAL) {
        return;
    }
    int64_t clock = option_clock_default((exo_clock)(id - OPTION_CLOCKS));
    if (clock > 0) {
        printf(" (%ds)", (int)(clock / 1000));
    } else {
        fputs(clock == EXO_CLOCK_AUTO ? " (auto)" : " (none)", stdout);
    }
}

static void help_print_row(const option_row *option)
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
    help_print_default(option->id);
    putchar('\n');
}

int help_print(cli_command command)
{
    const option_row *option;
    fputs(command == COMMAND_CHAT ? usage_chat : command == COMMAND_MODELS ? usage_models : usage_check, stdout);
    for (size_t i = 0; (option = option_at(i)) != NULL; i++) {
        if (!(option->commands & command)) {
            continue;
        }
        if (option->id == 0) {
            printf("\n%s:\n", option->help);
        } else {
            help_print_row(option);
        }
    }
    fputs(command == COMMAND_CHAT     ? exit_codes_chat
          : command == COMMAND_MODELS ? exit_codes_models
                                      : exit_codes_check,
          stdout);
    return say_flush() ? EXIT_ANSWERED : say_output_failed();
}

int help_print_version(void)
{
    printf("exochat %s (%s)\n", EXO_VERSION, exo_library_versions());
    return say_flush() ? EXIT_ANSWERED : say_output_failed();
}
