/*
 * linear.c: what long and many streams cost while their text is printed: linear BASE_URL events|megabytes|beside COUNT
 *
 *   events     exo_chat() shows a stream of COUNT hundred tiny events
 *   megabytes  exo_chat() shows an answer of COUNT megabytes, and keeps it
 *   beside     exo_chat() shows a thousand hundred tiny events while COUNT streams of 100 deltas have begun whose
 * events nobody asks for; then they are ended
 *
 * Prints the processor time of each event, megabyte or stream in microseconds: linear is what does not grow with COUNT.
 */
#include "baseline.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_text(void *out, exo_span text)
{
    fwrite(text.ptr, 1, text.len, out);
}

/* Chats with BASE_URL/what/count, and writes the text to `out`. */
static void chat(exo_client *client, const exo_request *request, FILE *out)
{
    exo_reply *reply = exo_chat(client, request, print_text, out);
    const exo_failure *failure = exo_reply_failure(reply);
    if (failure) {
        fprintf(stderr, "linear: %s: %s\n", exo_error_text(failure->code), failure->message);
        exit(1);
    }
    exo_reply_free(reply);
}

static exo_client *client_at(const char *base_url, const char *what, long count)
{
    char url[256];
    snprintf(url, sizeof url, "%s/%s/%ld", base_url, what, count);
    return client_for(url);
}

/* Streams that begin and go on, and of which nobody wants to know. */
static void start_many(exo_client *client, const exo_request *request, const char *base_url, long count)
{
    char url[256];
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    snprintf(url, sizeof url, "%s/fast", base_url);
    deployment.base_url = url;
    deployment.proxy = "";
    deployment.connect_timeout = 600000;
    options.model = "others";
    if (exo_client_deploy(client, "others", &deployment) < 0) {
        exit(1);
    }
    for (long i = 0; i < count; i++) {
        if (!exo_call_start(client, request, &options, NULL)) {
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    long count = argc > 3 ? atol(argv[3]) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: linear BASE_URL events|megabytes|beside COUNT\n");
        return 2;
    }
    bool is_beside = strcmp(argv[2], "beside") == 0;
    bool is_text = strcmp(argv[2], "megabytes") == 0;
    allow_files();
    FILE *out = fopen("/dev/null", "w");
    exo_client *client = client_at(argv[1], is_text ? "text" : "tiny", is_beside ? 1000 : count);
    exo_request *request = question();
    if (!out) {
        return 1;
    }
    double began = processor_seconds();
    if (is_beside) {
        start_many(client, request, argv[1], count);
    }
    chat(client, request, out);
    exo_client_free(client);
    printf("each %.3f\n", (processor_seconds() - began) * 1e6 / (double)count);
    exo_request_free(request);
    fclose(out);
    return 0;
}
