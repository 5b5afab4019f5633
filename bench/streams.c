/*
 * streams.c: the memory of a stream that waits for its next event: streams exochat|bare BASE_URL COUNT
 *
 * Starts COUNT requests whose answers begin and do not go on, waits until all of them have begun, and prints by how
 * many bytes the resident memory has grown for each.
 */
#include "baseline.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

static double run_exochat(const char *base_url, int count)
{
    exo_client *client = client_for(base_url);
    exo_request *request = question();
    bool *began = calloc((size_t)count, sizeof *began);
    double before = resident();
    for (int i = 0; i < count; i++) {
        exo_call_start(client, request, NULL, &began[i]);
    }
    exo_event event;
    for (int left = count; left > 0;) {
        if (exo_client_next(client, 60000, &event) != EXO_EVENT || event.type == EXO_EVENT_END) {
            fprintf(stderr, "streams: %d of %d did not begin\n", left, count);
            exit(1);
        }
        bool *first = exo_call_user(event.call);
        left -= !*first;
        *first = true;
    }
    while (exo_client_next(client, 200, &event) == EXO_EVENT) {
    }
    double after = resident();
    exo_client_free(client);
    exo_request_free(request);
    free(began);
    return (after - before) / count;
}

static size_t note_begin(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    ++*(int *)user;
    return size * count;
}

static double run_bare(const char *base_url, int count)
{
    static char body[1200];
    memset(body, 'x', sizeof body - 1);
    snprintf(body, 64, "{\"model\":\"%s\",\"x\":\"", getenv("BENCH_MODEL") ? getenv("BENCH_MODEL") : "bench");
    body[strlen(body)] = 'x';
    memcpy(body + sizeof body - 3, "\"}", 3);
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = same_headers();
    int began = 0;
    int running = 0;
    double before = resident();
    for (int i = 0; i < count; i++) {
        CURL *easy = bare_handle(base_url, headers, getenv("BENCH_CA"));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, note_begin);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &began);
        curl_multi_add_handle(multi, easy);
    }
    double deadline = seconds() + 60;
    while (began < count) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 100, NULL);
        if (seconds() > deadline) {
            fprintf(stderr, "streams: %d of %d began\n", began, count);
            exit(1);
        }
    }
    return (resident() - before) / count;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: streams exochat|bare BASE_URL COUNT\n");
        return 2;
    }
    allow_files();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bool bare = strcmp(argv[1], "bare") == 0;
    printf("%.0f\n", bare ? run_bare(argv[2], atoi(argv[3])) : run_exochat(argv[2], atoi(argv[3])));
    return 0;
}
