/*
 * deployment.c: checks and keeps a deployment, and tells libcurl about it. See deployment.h.
 *
 * It makes no connection and knows nothing of calls. Memory: the copied options; the key is wiped before it is freed.
 */
#include "deployment.h"

#include "heap.h"

#include "exochat/json_read.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- copying ---- */

static bool copy_text(const char **field)
{
    if (*field) {
        *field = exo_heap_copy(*field);
        return *field != NULL;
    }
    return true;
}

static void free_text(const char *text)
{
    exo_heap_free_secret((char *)text);
}

static bool copy_texts(const char *const **field, size_t *count)
{
    size_t wanted = *field ? *count : 0;
    *count = 0;
    char **copies = calloc(wanted ? wanted : 1, sizeof *copies);
    if (!copies) {
        *field = NULL;
        return false;
    }
    const char *const *from = *field;
    *field = (const char *const *)copies;
    for (size_t i = 0; i < wanted; i++) {
        copies[i] = exo_heap_copy(from[i] ? from[i] : "");
        if (!copies[i]) {
            return false;
        }
        *count = i + 1;
    }
    return true;
}

static void free_texts(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_text(texts[i]);
    }
    free((void *)texts);
}

static bool copy_pairs(const exo_header **field, size_t *count)
{
    size_t wanted = *field ? *count : 0;
    *count = 0;
    exo_header *copies = calloc(wanted ? wanted : 1, sizeof *copies);
    if (!copies) {
        *field = NULL;
        return false;
    }
    const exo_header *from = *field;
    *field = copies;
    for (size_t i = 0; i < wanted; i++) {
        *count = i + 1;
        copies[i].name = exo_heap_copy(from[i].name ? from[i].name : "");
        copies[i].value = exo_heap_copy(from[i].value ? from[i].value : "");
        if (!copies[i].name || !copies[i].value) {
            return false;
        }
    }
    return true;
}

static void free_pairs(const exo_header *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_text(pairs[i].name);
        free_text(pairs[i].value);
    }
    free((void *)pairs);
}

/* Every text field of exo_deployment that is copied, wiped and checked for control characters in the same way. */
#define TEXT_FIELDS(X) \
    X(base_url) \
    X(api_key) \
    X(auth_header) \
    X(auth_scheme) \
    X(model) \
    X(extra_body) \
    X(ca_file) \
    X(ca_dir) \
    X(client_cert) \
    X(client_key) \
    X(proxy) \
    X(unix_socket)

static void options_free(exo_deployment *options)
{
#define X(field) free_text(options->field);
    TEXT_FIELDS(X)
#undef X
    free_pairs(options->headers, options->header_count);
    free_texts(options->drop, options->drop_count);
    free_pairs(options->rename, options->rename_count);
    free_texts(options->resolve, options->resolve_count);
    free((void *)options->ca_pem.ptr);
}

/* Copies what the pointers of `options` lead to. False when memory ran out: options_free() then frees what was copied.
 */
static bool options_copy(exo_deployment *options)
{
    bool copied = true;
#define X(field) copied = copy_text(&options->field) && copied;
    TEXT_FIELDS(X)
#undef X
    copied = copy_pairs(&options->headers, &options->header_count) && copied;
    copied = copy_texts(&options->drop, &options->drop_count) && copied;
    copied = copy_pairs(&options->rename, &options->rename_count) && copied;
    copied = copy_texts(&options->resolve, &options->resolve_count) && copied;
    if (options->ca_pem.ptr) {
        options->ca_pem.ptr = exo_heap_copy_span(options->ca_pem);
        copied = options->ca_pem.ptr != NULL && copied;
    }
    return copied;
}

/* ---- checking ---- */

typedef struct complaint {
    int code;
    char *message;
    size_t size;
} complaint;

static bool complain(complaint *c, int code, const char *field, const char *expected)
{
    c->code = code;
    snprintf(c->message, c->size, "%s: %s", field, expected);
    return false;
}

bool exo_has_control(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return true;
        }
    }
    return false;
}

static bool is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return *text != '\0' && strspn(text, allowed) == strlen(text);
}

static bool check_headers(const exo_deployment *o, complaint *c)
{
    static const char *const ours[] = {"content-length", "transfer-encoding", "host", "connection", "expect", "te",
                                       "upgrade"};
    for (size_t i = 0; i < o->header_count; i++) {
        const exo_header *header = &o->headers[i];
        if (!is_token(header->name)) {
            return complain(c, EXO_E_HEADER, "headers", "a header's name must be letters, digits and -");
        }
        if (exo_has_control(header->value)) {
            return complain(c, EXO_E_HEADER, header->name,
                            "a header's value may not hold CR, LF, NUL or other control characters");
        }
        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++) {
            if (curl_strequal(header->name, ours[k])) {
                return complain(c, EXO_E_HEADER, header->name,
                                "this header belongs to the transport and cannot be set");
            }
        }
    }
    if (o->auth_header && !is_token(o->auth_header)) {
        return complain(c, EXO_E_HEADER, "auth_header", "must be a header's name");
    }
    return true;
}

static bool check_body(const exo_deployment *o, complaint *c)
{
    if (o->extra_body) {
        exo_span text = exo_span_text(o->extra_body);
        size_t at = 0;
        int code = exo_json_check(text, EXO_JSON_DEPTH_MAX, &at);
        if (code < 0) {
            char expected[96];
            snprintf(expected, sizeof expected, "must be a JSON object (%s at byte %zu)", exo_error_text(code), at);
            return complain(c, code, "extra_body", expected);
        }
        if (text.ptr[strspn(text.ptr, " \t\r\n")] != '{') {
            return complain(c, EXO_E_REQUEST, "extra_body", "must be a JSON object");
        }
        code = exo_json_unique(text, &at);
        if (code == EXO_E_DUPLICATE_KEY) {
            char expected[96];
            snprintf(expected, sizeof expected, "no key may stand twice in an object (at byte %zu)", at);
            return complain(c, code, "extra_body", expected);
        }
        if (code != EXO_OK) {
            return complain(c, code, "extra_body", exo_error_text(code));
        }
    }
    for (size_t i = 0; i < o->rename_count; i++) {
        if (o->rename[i].name[0] == '\0' || o->rename[i].value[0] == '\0') {
            return complain(c, EXO_E_ARGUMENT, "rename", "both names must be given");
        }
    }
    return true;
}

static bool check_clock(int64_t milliseconds, const char *field, complaint *c)
{
    if (milliseconds < 0 || milliseconds > INT64_C(86400000)) {
        return complain(c, EXO_E_ARGUMENT, field, "must be 0 (off) to 86400000 milliseconds");
    }
    return true;
}

/* libcurl would find this out with the first connection, and quote a password in what it says of it. */
static bool check_proxy(const exo_deployment *o, complaint *c)
{
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    if (!o->proxy || o->proxy[0] == '\0') {
        return true;
    }
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool good = false;
    if (url && curl_url_set(url, CURLUPART_URL, o->proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
            good = good || strcmp(scheme, schemes[i]) == 0;
        }
    }
    curl_free(scheme);
    curl_url_cleanup(url);
    return good ||
           complain(c, EXO_E_ARGUMENT, "proxy", "must be an http, https, socks4, socks4a, socks5 or socks5h URL");
}

/* Whether `len` bytes of `text` are an address of IPv4 or IPv6, the latter with or without brackets. */
static bool is_address(const char *text, size_t len)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    size_t inner = bracketed ? len - 2 : len;
    if (inner >= sizeof address) {
        return false;
    }
    memcpy(address, text + bracketed, inner);
    address[inner] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1 || (!bracketed && inet_pton(AF_INET, address, bytes) == 1);
}

/* "host:port:address[,address]…", with a + before it or not, or "-host:port", as libcurl takes them. */
static bool is_resolve_entry(const char *entry)
{
    bool removes = *entry == '-';
    entry += removes || *entry == '+';
    size_t host = strcspn(entry, ":");
    const char *port = entry + host + (entry[host] == ':');
    size_t digits = strspn(port, "0123456789");
    long number = digits > 0 && digits <= 5 ? strtol(port, NULL, 10) : 0;
    if (host == 0 || number < 1 || number > 65535) {
        return false;
    }
    const char *at = port + digits;
    bool good = removes ? *at == '\0' : *at == ':';
    while (good && *at != '\0') {
        size_t len = strcspn(++at, ",");
        good = is_address(at, len);
        at += len;
    }
    return good;
}

static bool check_resolve(const exo_deployment *o, complaint *c)
{
    for (size_t i = 0; i < o->resolve_count; i++) {
        if (exo_has_control(o->resolve[i])) {
            return complain(c, EXO_E_HEADER, "resolve", "may not hold CR, LF, NUL or other control characters");
        }
        if (!is_resolve_entry(o->resolve[i])) {
            return complain(c, EXO_E_ARGUMENT, "resolve", "each entry must be host:port:address[,address]...");
        }
    }
    return true;
}

static bool check_options(const exo_deployment *o, complaint *c)
{
#define X(field) \
    if (exo_has_control(o->field) && o->field != o->extra_body) { \
        return complain(c, EXO_E_HEADER, #field, "may not hold CR, LF, NUL or other control characters"); \
    }
    TEXT_FIELDS(X)
#undef X
    if (o->ca_pem.ptr && o->ca_file) {
        return complain(c, EXO_E_ARGUMENT, "ca_pem", "cannot be set together with ca_file");
    }
    if (o->client_key && !o->client_cert) {
        return complain(c, EXO_E_ARGUMENT, "client_key", "needs client_cert");
    }
    if (o->unix_socket && strlen(o->unix_socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return complain(c, EXO_E_ARGUMENT, "unix_socket", "is longer than the path of a socket may be");
    }
    return check_proxy(o, c) && check_resolve(o, c) && check_headers(o, c) && check_body(o, c) &&
           check_clock(o->connect_timeout, "connect_timeout", c) &&
           check_clock(o->stream_ttft_timeout, "stream_ttft_timeout", c) &&
           check_clock(o->request_timeout, "request_timeout", c);
}

/* ---- URL ---- */

/* Sets `*url` to `base` with `tail` appended to its path, unless the path ends with it already. */
static bool append_path(CURLU *base, const char *path, const char *tail, char **url)
{
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/') {
        len--;
    }
    size_t tail_len = strlen(tail);
    bool there = len >= tail_len && memcmp(path + len - tail_len, tail, tail_len) == 0;
    char *full = malloc(len + tail_len + 1);
    if (!full) {
        return false;
    }
    memcpy(full, path, len);
    memcpy(full + len, tail, tail_len + 1);
    if (there) {
        full[len] = '\0';
    }
    char *text = NULL;
    bool made = curl_url_set(base, CURLUPART_PATH, full, 0) == CURLUE_OK &&
                curl_url_get(base, CURLUPART_URL, &text, 0) == CURLUE_OK;
    free(full);
    if (made) {
        *url = exo_heap_copy(text);
    }
    curl_free(text);
    return made && *url;
}

static bool is_absent(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool absent = curl_url_get(url, part, &text, 0) != CURLUE_OK;
    curl_free(text);
    return absent;
}

static bool take_host(exo_deployed *d, CURLU *url)
{
    char *host = NULL;
    char *port = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        d->host = exo_heap_copy(host);
    }
    if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        d->port = strtol(port, NULL, 10);
    }
    curl_free(host);
    curl_free(port);
    return d->host != NULL;
}

/* libcurl takes "http:/host" and "http:///host" for "http://host". */
static bool has_two_slashes(const char *url)
{
    const char *colon = strchr(url, ':');
    return colon && strncmp(colon, "://", 3) == 0 && colon[3] != '/';
}

static bool parse_url(exo_deployed *d, complaint *c)
{
    static const char expected[] = "must be an absolute http or https URL without userinfo and fragment";
    if (!d->options.base_url) {
        return complain(c, EXO_E_URL, "base_url", "is missing");
    }
    CURLU *url = curl_url();
    char *scheme = NULL;
    char *path = NULL;
    bool good = url && has_two_slashes(d->options.base_url) &&
                curl_url_set(url, CURLUPART_URL, d->options.base_url, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK && is_absent(url, CURLUPART_USER) &&
                is_absent(url, CURLUPART_PASSWORD) && is_absent(url, CURLUPART_FRAGMENT);
    if (good) {
        static const char chat[] = "/chat/completions";
        size_t len = strlen(path);
        while (len > 0 && path[len - 1] == '/') {
            path[--len] = '\0';
        }
        good = take_host(d, url) && append_path(url, path, chat, &d->url);
        if (good && len >= sizeof chat - 1 && strcmp(path + len - (sizeof chat - 1), chat) == 0) {
            path[len - (sizeof chat - 1)] = '\0';
        }
        good = good && append_path(url, path, "/models", &d->models_url);
        if (!good) {
            complain(c, EXO_E_NO_MEMORY, "base_url", "out of memory");
        }
    } else {
        complain(c, EXO_E_URL, "base_url", expected);
    }
    curl_free(scheme);
    curl_free(path);
    curl_url_cleanup(url);
    return good;
}

/* ---- life ---- */

static bool take_keys(exo_deployed *d)
{
    const exo_deployment *o = &d->options;
    d->drop = calloc(o->drop_count ? o->drop_count : 1, sizeof *d->drop);
    d->rename = calloc(o->rename_count ? o->rename_count : 1, sizeof *d->rename);
    if (!d->drop || !d->rename) {
        return false;
    }
    for (size_t i = 0; i < o->drop_count; i++) {
        d->drop[i] = exo_span_text(o->drop[i]);
    }
    for (size_t i = 0; i < o->rename_count; i++) {
        d->rename[i].from = exo_span_text(o->rename[i].name);
        d->rename[i].to = exo_span_text(o->rename[i].value);
    }
    return true;
}

exo_deployed *exo_deployed_new(const char *name, const exo_deployment *options, int *error, char *message, size_t size)
{
    complaint c = {EXO_E_NO_MEMORY, message, size};
    snprintf(message, size, "out of memory");
    exo_deployed *d = calloc(1, sizeof *d);
    if (!d) {
        *error = c.code;
        return NULL;
    }
    d->references = 1;
    d->options = *options;
    if (options_copy(&d->options) && (d->name = exo_heap_copy(name)) != NULL && check_options(&d->options, &c) &&
        parse_url(d, &c) && take_keys(d)) {
        message[0] = '\0';
        return d;
    }
    *error = c.code;
    exo_deployed_drop(d);
    return NULL;
}

exo_deployed *exo_deployed_keep(exo_deployed *deployed)
{
    deployed->references++;
    return deployed;
}

void exo_deployed_drop(exo_deployed *deployed)
{
    if (!deployed || --deployed->references > 0) {
        return;
    }
    options_free(&deployed->options);
    free(deployed->name);
    exo_heap_free_secret(deployed->url);
    exo_heap_free_secret(deployed->models_url);
    free(deployed->host);
    free(deployed->drop);
    free(deployed->rename);
    free(deployed);
}

/* Takes `secret` out of a failure, unless it is so short that it may be any word. */
static void censor(exo_failure *failure, const char *secret, size_t len, size_t least)
{
    if (len >= least) {
        exo_failure_redact(failure, exo_span_of(secret, len));
    }
}

void exo_deployed_censor(const exo_deployed *deployed, exo_failure *failure)
{
    const exo_deployment *o = &deployed->options;
    censor(failure, o->api_key, o->api_key ? strlen(o->api_key) : 0, 8);
    for (size_t i = 0; i < o->header_count; i++) {
        const char *space = strrchr(o->headers[i].value, ' '); /* "Bearer KEY" */
        const char *word = space ? space + 1 : o->headers[i].value;
        censor(failure, word, strlen(word), 16);
    }
    const char *query = strchr(o->base_url, '?');
    while (query) {
        size_t name = strcspn(++query, "=&");
        const char *value = query + name + (query[name] == '=');
        censor(failure, value, strcspn(value, "&"), 16);
        query = strchr(value, '&');
    }
}

/* ---- libcurl ---- */

void exo_headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *node = headers; node; node = node->next) {
        exo_heap_wipe(node->data, strlen(node->data));
    }
    curl_slist_free_all(headers);
}

/* Appends "name: separator value" to the list. False when memory ran out. */
static bool add_header(struct curl_slist **list, const char *name, const char *scheme, const char *value)
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

struct curl_slist *exo_deployed_headers(const exo_deployed *deployed, const char *traceparent, bool chunked)
{
    const exo_deployment *o = &deployed->options;
    const char *auth = o->auth_header ? o->auth_header : "Authorization";
    struct curl_slist *list = NULL;
    bool keyed = o->api_key && o->api_key[0];
    bool good = add_header(&list, "Content-Type", "", "application/json") &&
                add_header(&list, "Accept", "", "text/event-stream, application/json") &&
                (!keyed || add_header(&list, auth, o->auth_scheme ? o->auth_scheme : "Bearer", o->api_key)) &&
                (!chunked || add_header(&list, "Transfer-Encoding", "", "chunked")) &&
                (!traceparent || add_header(&list, "traceparent", "", traceparent));
    if (good) {
        struct curl_slist *grown = curl_slist_append(list, "Expect:");
        good = grown != NULL;
    }
    for (size_t i = 0; good && i < o->header_count; i++) {
        const exo_header *header = &o->headers[i];
        bool ours = curl_strequal(header->name, "Content-Type") || (keyed && curl_strequal(header->name, auth)) ||
                    (traceparent && curl_strequal(header->name, "traceparent"));
        if (!ours) {
            good = add_header(&list, header->name, "", header->value);
        }
    }
    if (!good) {
        exo_headers_free(list);
        return NULL;
    }
    return list;
}

static bool has_system_ca_file(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return info->age >= CURLVERSION_SEVENTH && info->cainfo && access(info->cainfo, R_OK) == 0;
}

static struct curl_blob pem_blob(const exo_deployment *o)
{
    struct curl_blob blob = {(void *)o->ca_pem.ptr, o->ca_pem.len, CURL_BLOB_NOCOPY};
    return blob;
}

static CURLcode configure_tls(const exo_deployment *o, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!code && o->ca_pem.ptr) {
        struct curl_blob blob = pem_blob(o);
        code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (!code && o->ca_file) {
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
    }
    /* With a folder of certificates set, even the built-in one, libcurl loads them anew for every connection; with a
     * file alone it loads it once. */
    if (!code && (o->ca_dir || o->ca_file || o->ca_pem.ptr || has_system_ca_file())) {
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
static CURLcode configure_proxy_tls(const exo_deployment *o, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!code && o->ca_pem.ptr) {
        struct curl_blob blob = pem_blob(o);
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

CURLcode exo_deployed_configure(const exo_deployed *deployed, CURL *easy)
{
    const exo_deployment *o = &deployed->options;
    CURLcode code = configure_tls(o, easy);
    if (!code) {
        code = configure_proxy_tls(o, easy);
    }
    if (!code) {
        code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                                o->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    }
    if (!code && o->http2) {
        code = curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    if (!code && o->proxy) {
        code = curl_easy_setopt(easy, CURLOPT_PROXY, o->proxy);
    }
    if (!code && o->unix_socket) {
        code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket);
    }
    return code;
}
