/*
 * options.c: tells libcurl about a deployment. See options.h.
 *
 * Called by the transport, for every request. Memory: the list of headers.
 */
#include "options.h"

#include "heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPTIONS_DAY_MS 86400000L

/* ---- headers ---- */

void exo_headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *node = headers; node; node = node->next) {
        exo_heap_wipe(node->data, strlen(node->data));
    }
    curl_slist_free_all(headers);
}

/* Appends "name: separator value" to the list. False when memory ran out. */
static bool options_add_header(struct curl_slist **list, const char *name, const char *scheme, const char *value)
{
    size_t size = strlen(name) + strlen(scheme) + strlen(value) + 4;
    char *line = malloc(size);
    if (!line) {
        return false;
    }
    if (*scheme == '\0' && *value == '\0') {
        snprintf(line, size, "%s;", name); /* how libcurl is told to send an empty header */
    } else {
        snprintf(line, size, "%s: %s%s%s", name, scheme, *scheme ? " " : "", value);
    }
    struct curl_slist *grown = curl_slist_append(*list, line);
    exo_heap_wipe(line, size);
    free(line);
    if (grown) {
        *list = grown;
    }
    return grown != NULL;
}

/* Whether one of the call's headers has this name. */
static bool options_call_has(const exo_call_options *call, const char *name)
{
    bool has = false;
    for (size_t i = 0; call && !has && i < call->header_count; i++) {
        has = curl_strequal(call->headers[i].name, name);
    }
    return has;
}

/* The extra headers: the call's, and the deployment's that are in nobody's place. */
static bool options_add_extra_headers(struct curl_slist **list, const exo_sending *sending, const char *auth)
{
    const exo_deployment *o = &sending->deployed->options;
    const exo_call_options *call = sending->call;
    bool good = true;
    for (size_t i = 0; call && good && i < call->header_count; i++) {
        good = options_add_header(list, call->headers[i].name, "", call->headers[i].value);
    }
    for (size_t i = 0; good && i < o->header_count; i++) {
        const exo_header *header = &o->headers[i];
        bool ours = curl_strequal(header->name, "Content-Type") || (auth && curl_strequal(header->name, auth)) ||
                    (call && call->traceparent && curl_strequal(header->name, "traceparent")) ||
                    options_call_has(call, header->name);
        good = ours || options_add_header(list, header->name, "", header->value);
    }
    return good;
}

static bool options_is_chunked(const exo_sending *sending)
{
    return sending->body && sending->total == EXO_SIZE_UNKNOWN;
}

bool exo_sending_is_plain(const exo_sending *sending)
{
    const exo_call_options *call = sending->call;
    const bool adds = call && (call->header_count > 0 || call->traceparent);
    return !adds && !sending->api_key && !options_is_chunked(sending);
}

struct curl_slist *exo_sending_headers(const exo_sending *sending)
{
    const exo_deployment *o = &sending->deployed->options;
    const exo_call_options *call = sending->call;
    const char *auth = o->auth_header ? o->auth_header : "Authorization";
    const char *key = sending->api_key ? sending->api_key : o->api_key;
    const char *traceparent = call ? call->traceparent : NULL;
    struct curl_slist *list = NULL;
    bool keyed = key && key[0];
    bool chunked = options_is_chunked(sending);
    bool good = options_add_header(&list, "Content-Type", "", "application/json") &&
                options_add_header(&list, "Accept", "", "text/event-stream, application/json") &&
                (!keyed || options_add_header(&list, auth, o->auth_scheme ? o->auth_scheme : "Bearer", key)) &&
                (!chunked || options_add_header(&list, "Transfer-Encoding", "", "chunked")) &&
                (!traceparent || options_add_header(&list, "traceparent", "", traceparent));
    if (good) {
        struct curl_slist *grown = curl_slist_append(list, "Expect:");
        good = grown != NULL;
    }
    const bool is_decided = keyed || sending->api_key; /* by the call, even where that is for none */
    if (!good || !options_add_extra_headers(&list, sending, is_decided ? auth : NULL)) {
        exo_headers_free(list);
        return NULL;
    }
    return list;
}

/* ---- TLS and the rest ---- */

static bool options_has_system_ca_file(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return info->age >= CURLVERSION_SEVENTH && info->cainfo && access(info->cainfo, R_OK) == 0;
}

static struct curl_blob options_pem_blob(const exo_deployment *o)
{
    struct curl_blob blob = {(void *)o->ca_pem.ptr, o->ca_pem.len, CURL_BLOB_NOCOPY};
    return blob;
}

static CURLcode options_configure_tls(const exo_deployment *o, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!code && o->ca_pem.ptr) {
        struct curl_blob blob = options_pem_blob(o);
        code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (!code && o->ca_file) {
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
    }
    /* With a folder of certificates set, even the built-in one, libcurl loads them anew for every connection; with a
     * file alone it loads it once. */
    if (!code && (o->ca_dir || o->ca_file || o->ca_pem.ptr || options_has_system_ca_file())) {
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, o->ca_dir);
    }
    if (!code && o->ca_dir && !o->ca_file && !o->ca_pem.ptr) {
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    }
    if (!code && o->client_cert) {
        code = curl_easy_setopt(easy, CURLOPT_SSLCERT, o->client_cert);
        if (!code) {
            code = curl_easy_setopt(easy, CURLOPT_SSLKEY, o->client_key ? o->client_key : o->client_cert);
        }
    }
    return code;
}

/* The same for the way to an https proxy. A libcurl that cannot speak to one needs none of it. */
static CURLcode options_configure_proxy_tls(const exo_deployment *o, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!code && o->ca_pem.ptr) {
        struct curl_blob blob = options_pem_blob(o);
        code = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
    }
    if (!code && (o->ca_file || o->ca_dir)) {
        code = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, o->ca_file);
    }
    if (!code && (o->ca_file || o->ca_dir || o->ca_pem.ptr)) {
        code = curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, o->ca_dir);
    }
    return code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

#define SET(option, value) \
    if (!code) { \
        code = curl_easy_setopt(easy, option, value); \
    }

/* Whether an entry is "-host:port", or one behind it is that takes it back. Nothing else is there for libcurl to
 * forget, and it would forget what it has looked up, with every request. */
static bool options_is_taken_back(const exo_deployment *o, size_t at)
{
    const char *entry = o->resolve[at] + (o->resolve[at][0] == '+');
    bool is_taken_back = entry[0] == '-';
    for (size_t i = at + 1; !is_taken_back && i < o->resolve_count; i++) {
        const char *other = o->resolve[i] + 1;
        size_t len = strlen(other);
        is_taken_back = o->resolve[i][0] == '-' && curl_strnequal(entry, other, len) && entry[len] == ':';
    }
    return is_taken_back;
}

static CURLcode options_configure_resolve(const exo_deployment *o, CURL *easy, struct curl_slist **resolve)
{
    for (size_t i = 0; i < o->resolve_count; i++) {
        if (options_is_taken_back(o, i)) {
            continue;
        }
        struct curl_slist *grown = curl_slist_append(*resolve, o->resolve[i]);
        if (!grown) {
            return CURLE_OUT_OF_MEMORY;
        }
        *resolve = grown;
    }
    return *resolve ? curl_easy_setopt(easy, CURLOPT_RESOLVE, *resolve) : CURLE_OK;
}

static CURLcode options_configure_route(const exo_deployment *o, CURL *easy)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_HTTP_VERSION, o->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1)
    if (o->http2) {
        SET(CURLOPT_PIPEWAIT, 1L)
    }
    if (o->proxy) {
        SET(CURLOPT_PROXY, o->proxy)
    }
    if (o->unix_socket) {
        SET(CURLOPT_UNIX_SOCKET_PATH, o->unix_socket)
    }
    return code;
}

long exo_sending_connect_ms(const exo_sending *sending)
{
    int64_t clock = sending->call ? sending->connect_timeout : sending->deployed->options.connect_timeout;
    return clock > 0 && clock < OPTIONS_DAY_MS ? (long)clock : OPTIONS_DAY_MS;
}

CURLcode exo_deployed_configure(const exo_deployed *deployed, CURL *easy, struct curl_slist **resolve)
{
    const exo_deployment *o = &deployed->options;
    CURLcode code = deployed->url.secure ? options_configure_tls(o, easy) : CURLE_OK;
    if (!code) {
        code = options_configure_proxy_tls(o, easy);
    }
    if (!code) {
        code = options_configure_route(o, easy);
    }
    if (!code) {
        code = options_configure_resolve(o, easy, resolve);
    }
    SET(CURLOPT_NOSIGNAL, 1L)
    SET(CURLOPT_QUICK_EXIT, 1L)
    SET(CURLOPT_PROTOCOLS_STR, "http,https")
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)
    SET(CURLOPT_ACCEPT_ENCODING, "identity")
    SET(CURLOPT_USERAGENT, "exochat/" EXO_VERSION)
    SET(CURLOPT_BUFFERSIZE, 16384L)
    return code;
}
#undef SET
