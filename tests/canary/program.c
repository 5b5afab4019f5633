/*
 * program.c: the hosted library with a key that comes from the environment: one client, one call for each model that is
 * an argument, and nothing left at the end but what the library has left. For canary.c to look at.
 *
 *     KEY=… canary_program BASE_URL MODEL…
 *
 * With PER_CALL in the environment the key is given with each call, not with the deployments.
 *
 * Each model falls back on the next one. Everything that the library says of them goes to standard output: records of
 * the log, messages of failures. libcurl has copies of its own; as in the command, they are in memory that is wiped, so
 * that what is found is ours.
 */
#include "exochat/client.h"
#include "exochat/library.h"
#include "exochat/log.h"

#include <stdio.h>
#include <stdlib.h>

static void print_record(void *ctx, const exo_record *record)
{
    static char line[1 << 16];
    (void)ctx;
    exo_record_json(record, line, sizeof line);
    puts(line);
}

static void deploy(exo_client *client, const char *base_url, char **models)
{
    const exo_header header = {"X-Token", getenv("KEY")};
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = base_url;
    if (!getenv("PER_CALL")) {
        deployment.api_key = getenv("KEY");
        deployment.headers = &header;
        deployment.header_count = 1;
    }
    deployment.stream_ttft_timeout = 300;
    deployment.request_timeout = 300;
    for (size_t i = 0; models[i]; i++) {
        if (exo_client_deploy(client, models[i], &deployment) != EXO_OK ||
            (i > 0 && exo_client_fallback(client, models[i - 1], models[i]) != EXO_OK)) {
            puts(exo_client_message(client));
        }
    }
}

static void ask(exo_client *client, const char *model)
{
    exo_request *request = exo_request_new(model);
    exo_request_text(request, EXO_USER, "hello");
    const exo_header header = {"X-Token", getenv("KEY")};
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.buffered = true;
    if (getenv("PER_CALL")) {
        options.api_key = getenv("KEY");
        options.headers = &header;
        options.header_count = 1;
    }
    exo_reply *reply = exo_chat_events(client, request, &options, NULL, NULL);
    const exo_failure *failure = exo_reply_failure(reply);
    const exo_trail_entry *attempt;
    printf("%s: %s\n", model, failure ? exo_error_name(failure->code) : "answered");
    if (failure) {
        printf("%s %s %s %s\n", failure->message, failure->type, failure->provider_code, failure->request_id);
    }
    for (size_t i = 0; (attempt = exo_reply_attempt(reply, i)) != NULL; i++) {
        printf("%s: %s\n", attempt->deployment, attempt->message);
    }
    exo_reply_free(reply);
    exo_request_free(request);
}

int main(int argc, char **argv)
{
    if (argc < 3 || exo_library_wipe_memory() != EXO_OK) {
        return 2;
    }
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    options.log = print_record;
    options.log_bodies = 1000;
    exo_client *client = exo_client_new(&options);
    deploy(client, argv[1], argv + 2);
    for (size_t i = 2; argv[i]; i++) {
        ask(client, argv[i]);
    }
    exo_client_free(client);
    return 0;
}
