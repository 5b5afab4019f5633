/*
 * setup.h: from options and a configuration to a client whose models are deployed as the options want them.
 */
#ifndef EXO_CLI_SETUP_H
#define EXO_CLI_SETUP_H

#include "key.h"
#include "options.h"

#include "exochat/config.h"

/* What a command works with. */
typedef struct cli_setup {
    const cli_options *options;
    exo_client *client;
    exo_config *config;   /* NULL: there is none */
    const char *path;     /* of the configuration; where there is none, where it would be, or NULL */
    const char *base_url; /* where there is no configuration */
    char shown[256];      /* the same, for people */
    cli_key key;          /* for base_url */
    const char *asked;    /* the model that setup_deploy() returned */
    char *own_path;
} cli_setup;

/* Makes the client and reads the configuration, or finds the endpoint that is asked without one: --base-url, or with
 * OPENAI_API_KEY the one of OPENAI_BASE_URL or OpenAI's own. False: `*exit_code`, and why was said. Free with
 * setup_close() in both cases. */
bool setup_open(cli_setup *setup, const cli_options *options, int *exit_code);

/* Deploys everything that `model` may need, and returns its name: `model`, or for NULL or "" the default model.
 * `fall_back` false leaves out all fallbacks; otherwise those that lack their key are left out, and a line says so.
 * NULL: `*exit_code`, and why was said. */
const char *setup_deploy(cli_setup *setup, const cli_options *options, const char *model, bool fall_back,
                         int *exit_code);

/* Puts what the command line says of every deployment in the place of what `deployment` says. */
void setup_override(exo_deployment *deployment, const cli_options *options);

/* Whether the key that `model` is to have is there; says so if it is not. To be asked before each call: without its key
 * a model is not asked at all. */
bool setup_has_key(const cli_setup *setup, const char *model);

/* Says where a key from the environment goes, unless an option or the configuration has named it. */
void setup_trace_key(const cli_setup *setup);

/* Call options as the configuration and the command line have them. */
void setup_call_options(const cli_setup *setup, const cli_options *options, exo_call_options *call);

/* Says what the last failed call on the client was about, by the names that people have used, and returns the exit code
 * for it. */
int setup_failed(const cli_setup *setup, int code);

/* Frees everything. */
void setup_close(cli_setup *setup);

/* A whole command that asks for no answer: opens a setup, lets `run` do the work, and closes it. Returns the exit code.
 */
int setup_command(const cli_options *options, int (*run)(cli_setup *setup, const cli_options *options));

#endif
