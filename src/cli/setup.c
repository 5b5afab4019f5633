/*
 * setup.c: see setup.h.
 */
#include "setup.h"

#include "address.h"
#include "exit_code.h"
#include "nearest.h"
#include "report.h"
#include "say.h"
#include "secret.h"

#include "exochat/library.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the configuration's path ---- */

static char *setup_joined(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 1;
    char *path = malloc(size);
    if (path) {
        snprintf(path, size, "%s%s", folder, name);
    }
    return path;
}

/* The variable's value, or NULL where it is not set or empty. */
static const char *setup_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value != '\0' ? value : NULL;
}

/* The path to read, if there is such a file or it was named; stored in `setup`. */
static bool setup_find_path(cli_setup *setup, const cli_options *options)
{
    const char *folder = setup_variable("XDG_CONFIG_HOME");
    const char *home = setup_variable("HOME");
    setup->path = options->config ? options->config : setup_variable("EXOCHAT_CONFIG");
    if (setup->path) {
        return true;
    }
    if (folder && *folder == '/') {
        setup->own_path = setup_joined(folder, "/exochat/config.yaml");
    } else if (home) {
        setup->own_path = setup_joined(home, "/.config/exochat/config.yaml");
    }
    setup->path = setup->own_path;
    return setup->path && access(setup->path, F_OK) == 0;
}

static bool setup_read_config(cli_setup *setup)
{
    char message[1024] = "";
    setup->config = exo_config_load(setup->path, NULL, NULL, message, sizeof message);
    if (!setup->config) {
        say("%s", message);
    }
    return setup->config != NULL;
}

/* What the variables of OpenAI's own programs name: their key goes nowhere else. */
static bool setup_use_openai(cli_setup *setup)
{
    const char *url = setup_variable("OPENAI_BASE_URL");
    if (!url && !setup_variable("OPENAI_API_KEY")) {
        say("no endpoint is known: there is no %s; give --config FILE, or --base-url URL, or set OPENAI_API_KEY%s",
            setup->path ? setup->path : "configuration", getenv("OPENAI_API_KEY") ? ", which is empty" : "");
        return false;
    }
    setup->base_url = url ? url : "https://api.openai.com/v1";
    address_show(setup->base_url, setup->shown, sizeof setup->shown);
    return true;
}

/* Finds out what is asked, and with which key. */
static bool setup_find_endpoint(cli_setup *setup, const cli_options *options)
{
    setup->base_url = options->base_url;
    if (options->base_url) {
        address_show(setup->base_url, setup->shown, sizeof setup->shown);
        return key_read(&setup->key, options, NULL);
    }
    if (setup_find_path(setup, options)) {
        return setup_read_config(setup);
    }
    return setup_use_openai(setup) && key_read(&setup->key, options, "OPENAI_API_KEY");
}

bool setup_open(cli_setup *setup, const cli_options *options, int *exit_code)
{
    memset(setup, 0, sizeof *setup);
    setup->options = options;
    *exit_code = EXIT_USAGE;
    struct stat status;
    if (options->ca && (access(options->ca, R_OK) != 0 || stat(options->ca, &status) != 0)) {
        say("--ca: %s: %s", options->ca, strerror(errno));
        return false;
    }
    if (options->ca && S_ISDIR(status.st_mode)) {
        say("--ca: %s: a file expected, in PEM; ca_dir in a configuration names a folder", options->ca);
        return false;
    }
    bool usable =
        exo_library_wipe_memory() == EXO_OK; /* first, as checking a configuration puts its URLs through libcurl */
    if (!setup_find_endpoint(setup, options)) {
        return false;
    }
    setup->client = usable ? exo_client_new(NULL) : NULL;
    if (!setup->client) {
        *exit_code = EXIT_FAILED;
        say("libcurl cannot be used, or memory or descriptors have run out");
    }
    return setup->client != NULL;
}

void setup_close(cli_setup *setup)
{
    exo_client_free(setup->client);
    exo_config_free(setup->config);
    key_free(&setup->key);
    free(setup->own_path);
}

/* The option, or variable, that a field of a deployment is from, or NULL: the configuration. */
static const char *setup_source_of(const cli_setup *setup, exo_span field)
{
    const cli_options *o = setup->options;
    const struct {
        const char *field;
        bool given;
        const char *name;
    } sources[] = {
        {"base_url", o->base_url != NULL, "--base-url"},
        {"base_url", !setup->config, "OPENAI_BASE_URL"},
        {"api_key", o->api_key_file != NULL, "--api-key-file"},
        {"api_key", setup->key.variable != NULL, setup->key.variable ? secret_variable(setup->key.variable) : NULL},
        {"proxy", o->proxy != NULL, "--proxy"},
        {"ca_file", o->ca != NULL, "--ca"},
        {"model", o->model != NULL, "--model"},
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (sources[i].given && exo_span_is(field, sources[i].field)) {
            return sources[i].name;
        }
    }
    return NULL;
}

int setup_failed(const cli_setup *setup, int code)
{
    const char *message = exo_client_message(setup->client);
    const char *colon = strchr(message, ':');
    const char *source = colon ? setup_source_of(setup, exo_span_of(message, (size_t)(colon - message))) : NULL;
    if (source) {
        say("%s%s", source, colon);
    } else {
        say("%s", *message != '\0' ? message : exo_error_text(code));
    }
    return report_exit_code_of(code);
}

/* ---- deployments ---- */

static void setup_override_clock(int64_t *clock, int64_t given)
{
    *clock = given != NOT_GIVEN ? given : *clock;
}

void setup_override(exo_deployment *deployment, const cli_options *options)
{
#define OVERRIDE_DEPLOYMENT(clock, field) setup_override_clock(&deployment->field, options->clocks[clock]);
#define OVERRIDE_CALL(clock, field)
#define X(clock, code, field, owner, standard, phases, word) OVERRIDE_##owner(EXO_CLOCK_##clock, field)
    EXO_CLOCK_MAP(X)
#undef X
#undef OVERRIDE_CALL
#undef OVERRIDE_DEPLOYMENT
    if (options->ttft_until != NOT_GIVEN) {
        deployment->ttft_until = (exo_ttft_until)options->ttft_until;
    }
    if (options->ca) {
        deployment->ca_file = options->ca;
        deployment->ca_dir = NULL;
        deployment->ca_pem = exo_span_of(NULL, 0);
    }
    if (options->proxy) {
        deployment->proxy = options->proxy;
    }
    deployment->http2 = deployment->http2 || options->http2;
}

/* Deploys one name as the configuration has it. */
static int setup_deploy_configured(const cli_setup *setup, const cli_options *options, const char *name)
{
    exo_deployment deployment = *exo_config_deployment(setup->config, name);
    setup_override(&deployment, options);
    int code = exo_client_deploy(setup->client, name, &deployment);
    if (code != EXO_OK) {
        return code;
    }
    exo_route_policy policy = *exo_config_policy(setup->config, name);
    if (options->retries != NOT_GIVEN) {
        policy.retries = (uint32_t)options->retries;
    }
    return exo_client_policy(setup->client, name, &policy);
}

bool setup_has_key(const cli_setup *setup, const char *model)
{
    const char *missing = setup->config ? exo_config_missing_key(setup->config, model) : NULL;
    if (missing) {
        char words[128];
        key_explain(missing, words, sizeof words);
        say("%s: models.%s.api_key_env: %s", setup->path, model, words);
    }
    return missing == NULL;
}

void setup_trace_key(const cli_setup *setup)
{
    if (setup->config || setup->options->base_url) {
        return;
    }
    if (setup->key.text) {
        say("the key in %s is sent to %s, as neither --base-url nor a configuration is given", setup->key.variable,
            setup->shown);
    } else {
        say("no key is sent to %s, as OPENAI_API_KEY is not set, or empty", setup->shown);
    }
}

/* One of the two lists that a model has. */
typedef struct list {
    const char *name;
    int (*add)(exo_client *client, const char *model, const char *fallback);
} list;

/* Adds `fallback` to a list of `model`, or says that it has no key: it is not asked without. Where the model itself has
 * none, or nothing is to be sent, nothing is said of its fallbacks. */
static int setup_add_fallback(const cli_setup *setup, const cli_options *options, const char *model,
                              const char *fallback, list to)
{
    const char *missing = exo_config_missing_key(setup->config, fallback);
    if (!missing) {
        return to.add(setup->client, model, fallback);
    }
    if (!options->quiet && !options->dry_run && !exo_config_missing_key(setup->config, model)) {
        char words[128];
        key_explain(missing, words, sizeof words);
        say("%s: %s is left out, since %s (its api_key_env)", to.name, fallback, words);
    }
    return EXO_OK;
}

/* The lists of `model`: the command line's, or else the configuration's. */
static int setup_link_configured(const cli_setup *setup, const cli_options *options, const char *model)
{
    static const list given = {"--fallback", exo_client_fallback};
    static const list usual = {"fallbacks", exo_client_fallback};
    static const list context = {"context_fallbacks", exo_client_context_fallback};
    const char *fallback;
    int code = EXO_OK;
    for (size_t i = 0; i < options->fallbacks.count && code == EXO_OK; i++) {
        code = setup_add_fallback(setup, options, model, options->fallbacks.items[i], given);
    }
    for (size_t i = 0; options->fallbacks.count == 0 && code == EXO_OK &&
                       (fallback = exo_config_fallback(setup->config, model, i)) != NULL;
         i++) {
        code = setup_add_fallback(setup, options, model, fallback, usual);
    }
    for (size_t i = 0; code == EXO_OK && (fallback = exo_config_context_fallback(setup->config, model, i)) != NULL;
         i++) {
        code = setup_add_fallback(setup, options, model, fallback, context);
    }
    return code;
}

/* Whether `name` is configured; says so if it is not. */
static bool setup_is_configured(const cli_setup *setup, const char *option, const char *name)
{
    if (exo_config_deployment(setup->config, name)) {
        return true;
    }
    nearest best = NEAREST_INIT;
    const char *other;
    for (size_t i = 0; (other = exo_config_model(setup->config, i)) != NULL; i++) {
        nearest_offer(&best, exo_span_text(name), other);
    }
    say("--%s: '%s' is not configured in %s; %s%s%sexochat models lists what is", option, name, setup->path,
        best.word ? "did you mean " : "", best.word ? best.word : "", best.word ? "? " : "");
    return false;
}

static const char *setup_deploy_config(const cli_setup *setup, const cli_options *options, const char *model,
                                       bool fall_back, int *exit_code)
{
    const char *name;
    model = model && *model != '\0' ? model : exo_config_default_model(setup->config);
    if (!model) {
        say("--model: MODEL expected, since %s has no default_model; exochat models lists what is configured",
            setup->path);
        return NULL;
    }
    bool known = setup_is_configured(setup, "model", model);
    for (size_t i = 0; known && fall_back && i < options->fallbacks.count; i++) {
        known = setup_is_configured(setup, "fallback", options->fallbacks.items[i]);
    }
    int code = EXO_OK;
    for (size_t i = 0; known && code == EXO_OK && (name = exo_config_model(setup->config, i)) != NULL; i++) {
        code = setup_deploy_configured(setup, options, name);
    }
    if (known && code == EXO_OK && fall_back) {
        code = setup_link_configured(setup, options, model);
    }
    if (code != EXO_OK) {
        *exit_code = setup_failed(setup, code);
    }
    return known && code == EXO_OK ? model : NULL;
}

/* Deploys `model` and the fallbacks at one URL. */
static int setup_deploy_url(const cli_setup *setup, const cli_options *options, const char *model)
{
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    deployment.base_url = setup->base_url;
    deployment.api_key = setup->key.text;
    setup_override(&deployment, options);
    if (options->retries != NOT_GIVEN) {
        policy.retries = (uint32_t)options->retries;
    }
    int code = exo_client_deploy(setup->client, model, &deployment);
    code = code == EXO_OK ? exo_client_policy(setup->client, model, &policy) : code;
    for (size_t i = 0; code == EXO_OK && i < options->fallbacks.count; i++) {
        code = exo_client_deploy(setup->client, options->fallbacks.items[i], &deployment);
        code = code == EXO_OK ? exo_client_fallback(setup->client, model, options->fallbacks.items[i]) : code;
    }
    return code;
}

const char *setup_deploy(cli_setup *setup, const cli_options *options, const char *model, bool fall_back,
                         int *exit_code)
{
    *exit_code = EXIT_USAGE;
    if (setup->config) {
        setup->asked = setup_deploy_config(setup, options, model, fall_back, exit_code);
        return setup->asked;
    }
    if (!model || *model == '\0') {
        say("--model: MODEL expected, since there is no configuration; exochat models --remote asks %s which it has",
            setup->shown);
        return NULL;
    }
    int code = setup_deploy_url(setup, options, model);
    if (code != EXO_OK) {
        *exit_code = setup_failed(setup, code);
        return NULL;
    }
    setup->asked = model;
    return model;
}

void setup_call_options(const cli_setup *setup, const cli_options *options, exo_call_options *call)
{
    if (setup->config) {
        exo_config_call_options(setup->config, call);
    }
    setup_override_clock(&call->total_timeout, options->clocks[EXO_CLOCK_TOTAL]);
    call->restart = call->restart || options->restart;
}

int setup_command(const cli_options *options, int (*run)(cli_setup *setup, const cli_options *options))
{
    cli_setup setup;
    int exit_code;
    if (setup_open(&setup, options, &exit_code)) {
        exit_code = run(&setup, options);
        exit_code = say_flush() ? exit_code : say_output_failed();
    }
    setup_close(&setup);
    return exit_code;
}
