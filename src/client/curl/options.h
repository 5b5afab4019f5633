/*
 * options.h: a deployment as libcurl wants to be told of it: headers, TLS, proxy, HTTP version.
 *
 * It takes a deployment that was checked (deployment.h), and sets nothing that belongs to a single request.
 */
#ifndef EXO_CLIENT_CURL_OPTIONS_H
#define EXO_CLIENT_CURL_OPTIONS_H

#include "transport.h"

#include <curl/curl.h>

/* The headers of a request, one list node each; NULL when memory runs out. Free it with exo_headers_free(). */
struct curl_slist *exo_sending_headers(const exo_sending *sending);

/* Whether these are what the deployment says and nothing else: the same for every such request of it. */
bool exo_sending_is_plain(const exo_sending *sending);

/* Wipes and frees a list of headers: one of them is the key. NULL is allowed. */
void exo_headers_free(struct curl_slist *headers);

/* What libcurl is given to connect: the connect clock, of which it keeps a part for each further address; a day where
 * that is off. */
long exo_sending_connect_ms(const exo_sending *sending);

/* Sets what every transfer of ours has in common (no signals, no redirects, our own clocks) and everything of a
 * deployment but URL, headers and body: verified TLS, proxy, resolution, HTTP version. `*resolve` is a list that must
 * live as long as the handle. CURLE_OK or what libcurl said. */
CURLcode exo_deployed_configure(const exo_deployed *deployed, CURL *easy, struct curl_slist **resolve);

#endif
