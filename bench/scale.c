/*
 * scale.c: many streams at once on one thread: scale BASE_URL COUNT
 *
 * BASE_URL has /hold, whose answers begin and do not go on, and /fast, whose answers have 100 deltas. Prints: how long
 * it takes until each of COUNT streams has shown its first event, and by how much resident memory has grown for each;
 * how long it takes to cancel all of them; and the processor time that one event costs when all of them have 100.
 */
#include "baseline.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

static exo_client *client_at(const char *base_url, const char *path)
{
    char url[256];
    snprintf(url, sizeof url, "%s%s", base_url, path);
    return client_for(url);
}

static void give_up(const char *why, int count)
{
    fprintf(stderr, "scale: %s (%d left)\n", why, count);
    exit(1);
}

/* Streams that begin and do not go on. */
static void measure_holding(const char *base_url, int count)
{
    exo_client *client = client_at(base_url, "/hold");
    exo_request *request = question();
    bool *began = calloc((size_t)count, sizeof *began);
    exo_call **calls = calloc((size_t)count, sizeof(exo_call *));
    double before = resident();
    double started = seconds();
    for (int i = 0; i < count; i++) {
        calls[i] = exo_call_start(client, request, NULL, &began[i]);
    }
    exo_event event;
    for (int left = count; left > 0;) {
        if (exo_client_next(client, 60000, &event) != EXO_EVENT || event.type == EXO_EVENT_END) {
            give_up("a stream did not begin", left);
        }
        bool *first = exo_call_user(event.call);
        left -= !*first;
        *first = true;
    }
    printf("first %.0f\n", (seconds() - started) * 1000);
    while (exo_client_next(client, 200, &event) == EXO_EVENT) {
    }
    printf("kilobytes %.1f\n", (resident() - before) / count / 1024);
    started = seconds();
    for (int i = 0; i < count; i++) {
        exo_call_cancel(calls[i]);
    }
    printf("cancel %.0f\n", (seconds() - started) * 1000);
    exo_client_free(client);
    exo_request_free(request);
    free(began);
    free(calls);
}

/* Streams of 100 deltas, all at once. */
static void measure_events(const char *base_url, int count)
{
    exo_client *client = client_at(base_url, "/fast");
    exo_request *request = question();
    double began = processor_seconds();
    for (int i = 0; i < count; i++) {
        exo_call_start(client, request, NULL, NULL);
    }
    exo_event event;
    double events = 0;
    for (int left = count; left > 0; events++) {
        if (exo_client_next(client, 60000, &event) != EXO_EVENT) {
            give_up("a stream did not end", left);
        }
        if (event.type == EXO_EVENT_END) {
            if (event.failure) {
                give_up(event.failure->message, left);
            }
            exo_call_free(event.call);
            left--;
        }
    }
    printf("event %.2f\n", (processor_seconds() - began) * 1e6 / events);
    exo_client_free(client);
    exo_request_free(request);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: scale BASE_URL COUNT\n");
        return 2;
    }
    allow_files();
    measure_holding(argv[1], atoi(argv[2]));
    measure_events(argv[1], atoi(argv[2]));
    return 0;
}
