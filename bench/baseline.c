/*
 * baseline.c: see baseline.h.
 */
#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, compare);
    return numbers[count / 2];
}

exo_request *question(void)
{
    exo_request *request = exo_request_new("bench");
    char text[1024];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    exo_request_text(request, EXO_SYSTEM, "You are a helpful assistant.");
    exo_request_text(request, EXO_USER, text);
    return request;
}

exo_client *client_for(const char *base_url)
{
    exo_client *client = exo_client_new(NULL);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = base_url;
    deployment.api_key = "sk-bench";
    deployment.model = getenv("BENCH_MODEL");
    deployment.ca_file = getenv("BENCH_CA");
    deployment.proxy = "";
    deployment.connect_timeout = 60000;
    deployment.stream_ttft_timeout = 60000;
    if (exo_client_deploy(client, "bench", &deployment) < 0) {
        fprintf(stderr, "%s\n", exo_client_message(client));
        exit(1);
    }
    return client;
}

struct curl_slist *same_headers(void)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Accept: text/event-stream, application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer sk-bench");
    return curl_slist_append(headers, "Expect:");
}

static size_t throw_away(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    *(size_t *)user += size * count;
    return size * count;
}

CURL *bare_handle(const char *base_url, struct curl_slist *headers, const char *ca_file)
{
    static size_t thrown;
    char url[512];
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "%s/chat/completions", base_url);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &thrown);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    return easy;
}
