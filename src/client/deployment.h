/*
 * deployment.h: one deployment as the client keeps it: a checked copy of the options, and what follows from them.
 */
#ifndef EXO_CLIENT_DEPLOYMENT_H
#define EXO_CLIENT_DEPLOYMENT_H

#include "exochat/client.h"
#include "exochat/encode.h"

#include <curl/curl.h>

/* A deployment that calls use. Counted: a call keeps the one it started with, even when the model is deployed anew. */
typedef struct exo_deployed {
    unsigned references;
    char *name;
    exo_deployment options; /* every pointer in it is ours */
    char *url;              /* with /chat/completions */
    char *models_url;       /* with /models */
    char *host;             /* without the port */
    long port;
    exo_span *drop;
    exo_rename *rename;
    exo_route_health health;
} exo_deployed;

/* A checked copy of `options`, with one reference. On failure NULL, with a code in `*error` and words that name the
 * field in `message`. */
exo_deployed *exo_deployed_new(const char *name, const exo_deployment *options, int *error, char *message, size_t size);

/* Takes and gives back a reference; the last one frees it, keys wiped. */
exo_deployed *exo_deployed_keep(exo_deployed *deployed);
void exo_deployed_drop(exo_deployed *deployed);

/* The headers of a chat request, one list node each; NULL when memory runs out. Free it with exo_headers_free(). */
struct curl_slist *exo_deployed_headers(const exo_deployed *deployed, const char *traceparent, bool chunked);

/* Takes the key out of everything that a failure says, and the values of extra headers and of base_url's query, which
 * may be keys too. A key of less than 8 bytes is no secret but a word ("none", "test") and stays; so does such a value
 * of less than 16. */
void exo_deployed_censor(const exo_deployed *deployed, exo_failure *failure);

/* Whether a text has control characters (CR, LF, DEL …), which no header, key or URL may have. NULL has none. */
bool exo_has_control(const char *text);

/* Wipes and frees a list of headers: one of them is the key. NULL is allowed. */
void exo_headers_free(struct curl_slist *headers);

/* Sets everything of a deployment on a handle but URL, headers and body: TLS, proxy, resolution, HTTP version. CURLE_OK
 * or what libcurl said. */
CURLcode exo_deployed_configure(const exo_deployed *deployed, CURL *easy);

#endif
