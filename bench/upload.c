/*
 * upload.c: how fast a file is attached: upload BASE_URL FILE SCRATCH ROUNDS
 *
 * exo_chat() sends FILE as an image, that is, reads it, makes base64 of it, and puts it into the JSON, all while it is
 * sent. The baseline is libcurl with the very same body, ready-made, read from the file SCRATCH. They take turns.
 * Prints both medians in megabytes of body for each second.
 */
#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>

static bool write_body(void *file, exo_span bytes)
{
    return fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
}

static size_t read_body(char *buffer, size_t size, size_t count, void *file)
{
    return fread(buffer, 1, size * count, file);
}

static double send_bare(CURL *easy, FILE *file)
{
    rewind(file);
    double began = seconds();
    if (curl_easy_perform(easy) != CURLE_OK) {
        exit(1);
    }
    return seconds() - began;
}

static double send_attached(exo_client *client, const exo_request *request)
{
    double began = seconds();
    exo_reply *reply = exo_chat(client, request, NULL, NULL);
    double took = seconds() - began;
    if (exo_reply_failure(reply)) {
        fprintf(stderr, "upload: %s\n", exo_reply_failure(reply)->message);
        exit(1);
    }
    exo_reply_free(reply);
    return took;
}

int main(int argc, char **argv)
{
    int rounds = argc == 5 ? atoi(argv[4]) : 0;
    if (rounds <= 0) {
        fprintf(stderr, "usage: upload BASE_URL FILE SCRATCH ROUNDS\n");
        return 2;
    }
    exo_client *client = client_for(argv[1]);
    exo_request *request = question();
    exo_request_file(request, EXO_USER, argv[2], "image/png");
    FILE *body = fopen(argv[3], "w+b");
    if (!body || exo_client_body(client, request, NULL, write_body, body) != EXO_OK) {
        fprintf(stderr, "upload: %s\n", body ? exo_client_message(client) : argv[3]);
        return 1;
    }
    fflush(body);
    long length = ftell(body);
    struct curl_slist *headers = same_headers();
    CURL *easy = bare_handle(argv[1], headers, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, body);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);

    double *bare = calloc((size_t)rounds, sizeof *bare);
    double *attached = calloc((size_t)rounds, sizeof *attached);
    for (int i = -1; i < rounds; i++) { /* the first one warms up */
        bare[i < 0 ? 0 : i] = send_bare(easy, body);
        attached[i < 0 ? 0 : i] = send_attached(client, request);
    }
    printf("bare %.0f\nattached %.0f\n", (double)length / 1e6 / median(bare, rounds),
           (double)length / 1e6 / median(attached, rounds));

    free(bare);
    free(attached);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    fclose(body);
    exo_request_free(request);
    exo_client_free(client);
    return 0;
}
