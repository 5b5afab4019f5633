/*
 * check.c: see check.h.
 */
#include "check.h"

#include "advice.h"
#include "ask.h"
#include "exit_code.h"
#include "interrupt.h"
#include "memory.h"
#include "report.h"
#include "say.h"
#include "setup.h"

#include <errno.h>

/* ---- the configuration ---- */

static void check_warn(void *ctx, const char *line)
{
    (void)ctx;
    printf("warning: %s\n", line);
}

static void check_print_summary(const cli_setup *setup)
{
    size_t count = 0;
    size_t warnings = exo_config_check(setup->config, check_warn, NULL);
    while (exo_config_model(setup->config, count)) {
        count++;
    }
    printf("%s: %zu deployment%s, %zu warning%s\n", setup->path, count, count == 1 ? "" : "s", warnings,
           warnings == 1 ? "" : "s");
}

/* ---- --probe ---- */

/* Says how a probe went. */
static int check_print_probe(const cli_setup *setup, const exo_reply *reply, const char *name)
{
    char times[256];
    char words[ADVICE_MAX];
    const exo_failure *failure = exo_reply_failure(reply);
    const exo_trail_entry *attempt = exo_reply_attempt(reply, 0);
    if (failure) {
        advice_write(setup, failure, name, false, words);
        report_failure(failure, name, words);
        return failure->code == EXO_E_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    if (attempt) {
        report_times(attempt, times, sizeof times);
        printf("%s: answered; %s; HTTP/%s\n", name, times, attempt->http_version);
    }
    return EXIT_ANSWERED;
}

/* One real call, for one token, of this deployment alone. */
static int check_probe(const cli_setup *setup, const cli_options *options, const char *name)
{
    exo_call_options call = EXO_CALL_OPTIONS_INIT;
    exo_route_policy once = EXO_ROUTE_POLICY_INIT;
    exo_request *request = exo_request_new(name);
    if (!request || exo_request_text(request, EXO_USER, "ping") != EXO_OK ||
        exo_request_int(request, "max_tokens", 1) != EXO_OK ||
        exo_client_policy(setup->client, name, &once) != EXO_OK) {
        exo_request_free(request);
        return setup_failed(setup, EXO_E_NO_MEMORY);
    }
    setup_call_options(setup, options, &call);
    call.buffered = true;
    call.keep = 0;
    exo_reply *reply = ask(setup->client, request, &call, NULL, NULL);
    int exit_code = reply ? check_print_probe(setup, reply, name) : setup_failed(setup, EXO_E_NO_MEMORY);
    say_flush();
    exo_reply_free(reply);
    exo_request_free(request);
    return exit_code;
}

static int check_probe_all(const cli_setup *setup, const cli_options *options)
{
    const char *name;
    int exit_code = EXIT_ANSWERED;
    for (size_t i = 0; exit_code != EXIT_INTERRUPTED && (name = exo_client_model(setup->client, i)) != NULL; i++) {
        if (!options->model || strcmp(options->model, name) == 0) {
            int result = setup_has_key(setup, name) ? check_probe(setup, options, name) : EXIT_USAGE;
            exit_code = result != EXIT_ANSWERED ? result : exit_code;
        }
    }
    return exit_code;
}

/* ---- --save-ca ---- */

static void check_keep_pem(void *ctx, exo_span pem)
{
    (void)exo_buffer_append(ctx, pem);
}

static int check_write_pem(const char *path, exo_span pem)
{
    FILE *file = fopen(path, "w");
    bool written = file && fwrite(pem.ptr, 1, pem.len, file) == pem.len;
    int error = errno;
    if (file && fclose(file) != 0 && written) {
        written = false;
        error = errno;
    }
    if (!written) {
        say("--save-ca: %s: %s", path, strerror(error));
        return EXIT_USAGE;
    }
    printf("%s: root certificate written\n", path);
    return EXIT_ANSWERED;
}

static int check_save_root(const cli_setup *setup, const cli_options *options, const char *model)
{
    exo_failure failure;
    exo_buffer pem;
    exo_failure_clear(&failure);
    exo_buffer_init(&pem, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    int code = exo_client_root(setup->client, model, check_keep_pem, &pem, &failure);
    int exit_code = report_exit_code_of(code);
    if (code != EXO_OK) {
        char words[ADVICE_MAX];
        advice_write(setup, &failure, model, false, words);
        report_failure(&failure, setup->config ? model : setup->shown, words);
    } else {
        exit_code = check_write_pem(options->save_ca, exo_buffer_span(&pem));
    }
    exo_buffer_free(&pem);
    return exit_code;
}

/* ---- the command ---- */

/* The model whose deployment stands for all: the one that was named, the default one, or the first. */
static const char *check_choose(const cli_setup *setup, const cli_options *options)
{
    if (options->model || !setup->config) {
        return options->model ? options->model : "endpoint";
    }
    const char *chosen = exo_config_default_model(setup->config);
    return chosen ? chosen : exo_config_model(setup->config, 0);
}

static int check_run(cli_setup *setup, const cli_options *options)
{
    int exit_code;
    if (!setup->config && options->probe && !options->model) {
        say("--model: MODEL expected, since there is no configuration");
        return EXIT_USAGE;
    }
    if (setup->config) {
        check_print_summary(setup);
    } else if (!options->probe && !options->save_ca) {
        printf("%s: no configuration to look over; --probe -m MODEL asks a model there\n", setup->shown);
    }
    const char *model = setup_deploy(setup, options, check_choose(setup, options), false, &exit_code);
    if (!model) {
        return exit_code;
    }
    exit_code = options->save_ca ? check_save_root(setup, options, model) : EXIT_ANSWERED;
    if (exit_code == EXIT_ANSWERED && options->probe) {
        interrupt_catch();
        exit_code = check_probe_all(setup, options);
    }
    return exit_code;
}

int check_command(const cli_options *options)
{
    return setup_command(options, check_run);
}
