/*
 * models.c: see models.h.
 */
#include "models.h"

#include "advice.h"
#include "exit_code.h"
#include "report.h"
#include "say.h"
#include "setup.h"

#include <unistd.h>

/* The name under which an endpoint without a configuration is deployed, where no model is named. */
#define NAMELESS "endpoint"

static bool models_is_default(const cli_setup *setup, const char *name)
{
    const char *chosen = exo_config_default_model(setup->config);
    return chosen && strcmp(chosen, name) == 0;
}

/* ---- the configured models ---- */

/* Calls one of the two list functions of a configuration. */
typedef const char *(*list)(const exo_config *config, const char *model, size_t index);

static void models_print_list_json(json_out *out, const char *key, const cli_setup *setup, list get, const char *model)
{
    const char *fallback;
    json_key(out, key);
    json_open(out, '[');
    for (size_t i = 0; (fallback = get(setup->config, model, i)) != NULL; i++) {
        json_text(out, fallback);
    }
    json_close(out, ']');
}

static void models_print_configured_json(const cli_setup *setup)
{
    const char *name;
    json_out out = json_out_to(stdout);
    json_open(&out, '[');
    for (size_t i = 0; (name = exo_config_model(setup->config, i)) != NULL; i++) {
        const exo_deployment *deployment = exo_config_deployment(setup->config, name);
        json_open(&out, '{');
        json_key(&out, "name");
        json_text(&out, name);
        json_key(&out, "model");
        json_text(&out, deployment->model ? deployment->model : name);
        json_key(&out, "base_url");
        json_text(&out, deployment->base_url);
        json_key(&out, "default");
        json_bool(&out, models_is_default(setup, name));
        models_print_list_json(&out, "fallbacks", setup, exo_config_fallback, name);
        models_print_list_json(&out, "context_fallbacks", setup, exo_config_context_fallback, name);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_end_line(&out);
}

static void models_print_list(const cli_setup *setup, const char *title, list get, const char *model)
{
    const char *fallback;
    for (size_t i = 0; (fallback = get(setup->config, model, i)) != NULL; i++) {
        printf("%s%s", i == 0 ? title : ", ", fallback);
    }
}

static void models_print_configured(const cli_setup *setup)
{
    const char *name;
    size_t width = 0;
    for (size_t i = 0; (name = exo_config_model(setup->config, i)) != NULL; i++) {
        width = strlen(name) > width ? strlen(name) : width;
    }
    for (size_t i = 0; (name = exo_config_model(setup->config, i)) != NULL; i++) {
        printf("%c %-*s  %s", models_is_default(setup, name) ? '*' : ' ', (int)width, name,
               exo_config_deployment(setup->config, name)->base_url);
        models_print_list(setup, "  fallbacks: ", exo_config_fallback, name);
        models_print_list(setup, "  context fallbacks: ", exo_config_context_fallback, name);
        putchar('\n');
    }
}

/* ---- the endpoint's models ---- */

typedef struct listing {
    bool json;
    bool terminal;
    json_out out;
} listing;

static void models_print_id(void *ctx, exo_span id)
{
    listing *remote = ctx;
    if (remote->json) {
        json_string(&remote->out, id);
    } else {
        say_text(stdout, remote->terminal, id);
        putchar('\n');
    }
}

static int models_print_remote(cli_setup *setup, const cli_options *options)
{
    exo_failure failure;
    int exit_code;
    listing remote = {options->json, isatty(STDOUT_FILENO) == 1, json_out_to(stdout)};
    const char *wanted = options->model || setup->config ? options->model : NAMELESS;
    const char *model = setup_deploy(setup, options, wanted, false, &exit_code);
    if (!model) {
        return exit_code;
    }
    if (!setup_has_key(setup, model)) {
        return EXIT_USAGE;
    }
    if (remote.json) {
        json_open(&remote.out, '[');
    }
    exo_failure_clear(&failure);
    int code = exo_client_models(setup->client, model, models_print_id, &remote, &failure);
    if (remote.json) {
        json_close(&remote.out, ']');
        json_end_line(&remote.out);
    }
    if (code != EXO_OK) {
        char words[ADVICE_MAX];
        advice_write(setup, &failure, model, false, words);
        report_failure(&failure, setup->config ? model : setup->shown, words);
    }
    return report_exit_code_of(code);
}

static int models_run(cli_setup *setup, const cli_options *options)
{
    if (options->remote) {
        return models_print_remote(setup, options);
    }
    if (!setup->config) {
        say("there is no configuration, and so no configured models; --remote asks %s", setup->shown);
        return EXIT_USAGE;
    }
    if (options->json) {
        models_print_configured_json(setup);
    } else {
        models_print_configured(setup);
    }
    return EXIT_ANSWERED;
}

int models_command(const cli_options *options)
{
    return setup_command(options, models_run);
}
