/*
 * latency.c: how much later exo_chat() has a whole answer than libcurl alone: latency BASE_URL ROUNDS
 *
 * The same bytes go out and come in, over a connection that is kept. The two take turns, so that what disturbs the
 * machine disturbs both. Prints both medians in microseconds.
 */
#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct text {
    char bytes[8192];
    size_t len;
} text;

static bool keep(void *ctx, exo_span bytes)
{
    text *body = ctx;
    if (bytes.len > sizeof body->bytes - body->len) {
        return false;
    }
    memcpy(body->bytes + body->len, bytes.ptr, bytes.len);
    body->len += bytes.len;
    return true;
}

static void ignore(void *ctx, exo_span piece)
{
    (void)ctx;
    (void)piece;
}

static double time_exochat(exo_client *client, const exo_request *request, void (*on_text)(void *, exo_span))
{
    double began = seconds();
    exo_reply *reply = exo_chat(client, request, on_text, NULL);
    double took = seconds() - began;
    if (exo_reply_failure(reply)) {
        fprintf(stderr, "latency: %s\n", exo_reply_failure(reply)->message);
        exit(1);
    }
    exo_reply_free(reply);
    return took;
}

static double time_bare(CURL *easy)
{
    double began = seconds();
    if (curl_easy_perform(easy) != CURLE_OK) {
        exit(1);
    }
    return seconds() - began;
}

int main(int argc, char **argv)
{
    static text body;
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    if (rounds <= 0) {
        fprintf(stderr, "usage: latency BASE_URL ROUNDS\n");
        return 2;
    }
    exo_client *client = client_for(argv[1]);
    exo_request *request = question();
    exo_client_body(client, request, NULL, keep, &body);
    struct curl_slist *headers = same_headers();
    CURL *easy = bare_handle(argv[1], headers, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.bytes);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.len);

    double *bare = calloc((size_t)rounds, sizeof *bare);
    double *buffered = calloc((size_t)rounds, sizeof *buffered);
    double *streamed = calloc((size_t)rounds, sizeof *streamed);
    for (int i = -10; i < rounds; i++) { /* the first ones warm up */
        int at = i < 0 ? 0 : i;
        bare[at] = time_bare(easy);
        buffered[at] = time_exochat(client, request, NULL);
        streamed[at] = time_exochat(client, request, ignore);
    }
    printf("bare %.1f\nbuffered %.1f\nstreamed %.1f\n", median(bare, rounds) * 1e6, median(buffered, rounds) * 1e6,
           median(streamed, rounds) * 1e6);

    free(bare);
    free(buffered);
    free(streamed);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    exo_request_free(request);
    exo_client_free(client);
    return 0;
}
