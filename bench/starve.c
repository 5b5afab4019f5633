/*
 * starve.c: how long a small call waits beside streams that never stop: starve FLOOD_URL SMALL_URL STREAMS ROUNDS
 *
 * STREAMS calls read from FLOOD_URL as fast as one thread can; now and then a call to SMALL_URL, another process,
 * starts. Prints the median, and the longest, time until its first event, in milliseconds, beside them and alone.
 */
#include "baseline.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static exo_client *client_of_both(const char *flood_url, const char *small_url)
{
    exo_client *client = client_for(flood_url);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = small_url;
    deployment.proxy = "";
    if (exo_client_deploy(client, "small", &deployment) < 0) {
        fprintf(stderr, "%s\n", exo_client_message(client));
        exit(1);
    }
    return client;
}

/* Milliseconds until a new small call has its first event; it is ended then. */
static double time_small(exo_client *client, const exo_request *request)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    exo_event event;
    options.model = "small";
    double began = seconds();
    exo_call *call = exo_call_start(client, request, &options, NULL);
    do {
        if (exo_client_next(client, 60000, &event) != EXO_EVENT) {
            exit(1);
        }
    } while (event.call != call);
    double took = (seconds() - began) * 1000;
    while (event.call != call || event.type != EXO_EVENT_END) {
        if (exo_client_next(client, 60000, &event) != EXO_EVENT) {
            exit(1);
        }
    }
    exo_call_free(call);
    return took;
}

/* So many events of the streams, or as many as come in a while. */
static void take(exo_client *client, int count)
{
    exo_event event;
    for (int i = 0; i < count && exo_client_next(client, 1000, &event) == EXO_EVENT; i++) {
    }
}

int main(int argc, char **argv)
{
    int streams = argc > 3 ? atoi(argv[3]) : 0;
    int rounds = argc > 4 ? atoi(argv[4]) : 0;
    if (streams <= 0 || rounds <= 0) {
        fprintf(stderr, "usage: starve FLOOD_URL SMALL_URL STREAMS ROUNDS\n");
        return 2;
    }
    allow_files();
    exo_client *client = client_of_both(argv[1], argv[2]);
    exo_request *request = question();
    double *alone = calloc((size_t)rounds, sizeof *alone);
    double *beside = calloc((size_t)rounds, sizeof *beside);
    for (int i = 0; i < rounds; i++) {
        alone[i] = time_small(client, request);
    }
    exo_call_options flood = EXO_CALL_OPTIONS_INIT;
    flood.keep = 0; /* they would become too long */
    for (int i = 0; i < streams; i++) {
        exo_call_start(client, request, &flood, NULL);
    }
    take(client, streams * 400);
    for (int i = 0; i < rounds; i++) {
        beside[i] = time_small(client, request);
        take(client, streams * 3 / 2);
    }
    printf("alone %.2f\n", median(alone, rounds));
    printf("beside %.2f\n", median(beside, rounds));
    printf("longest %.2f\n", beside[rounds - 1]);
    free(alone);
    free(beside);
    exo_client_free(client);
    exo_request_free(request);
    return 0;
}
