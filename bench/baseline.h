/*
 * baseline.h: what the library is measured against: the same request by libcurl alone, its answer thrown away.
 */
#ifndef EXO_BENCH_BASELINE_H
#define EXO_BENCH_BASELINE_H

#include <curl/curl.h>
#include <exochat/client.h>

/* Seconds of a clock that never goes back. */
double seconds(void);

/* The median of `count` numbers, which are sorted. */
double median(double *numbers, int count);

/* A request that holds a question of usual length. */
exo_request *question(void);

/* A client with one deployment, "bench", at `base_url`. */
exo_client *client_for(const char *base_url);

/* The headers that the library sends, for libcurl. */
struct curl_slist *same_headers(void);

/* A handle for a POST to base_url/chat/completions that throws the answer away; the body is the caller's to set. */
CURL *bare_handle(const char *base_url, struct curl_slist *headers, const char *ca_file);

#endif
