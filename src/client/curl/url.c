/*
 * url.c: see url.h. Called by deployment.c and the configuration. Memory: the texts of one URL.
 */
#include "url.h"

#include "heap.h"

#include "exochat/error.h"

#include <curl/curl.h>

#include <stdlib.h>

static int url_code(CURLUcode code)
{
    return code == CURLUE_OK ? EXO_OK : code == CURLUE_OUT_OF_MEMORY ? EXO_E_NO_MEMORY : EXO_E_URL;
}

static bool url_is_absent(CURLU *handle, CURLUPart part)
{
    char *text = NULL;
    bool absent = curl_url_get(handle, part, &text, 0) != CURLUE_OK;
    curl_free(text);
    return absent;
}

/* libcurl takes "http:/host" and "http:///host" for "http://host". */
static bool url_has_two_slashes(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon && strncmp(colon, "://", 3) == 0 && colon[3] != '/';
}

/* A copy of one part of the URL, to be freed with free(); NULL when memory runs out. */
static char *url_copy(CURLU *handle, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    char *copy = curl_url_get(handle, part, &text, flags) == CURLUE_OK ? exo_heap_copy(text) : NULL;
    curl_free(text);
    return copy;
}

/* The whole URL with `tail` behind the first `len` bytes of `path`; NULL when memory runs out. */
static char *url_with(CURLU *handle, const char *path, size_t len, const char *tail)
{
    size_t tail_len = strlen(tail);
    char *full = malloc(len + tail_len + 1);
    if (!full) {
        return NULL;
    }
    memcpy(full, path, len);
    memcpy(full + len, tail, tail_len + 1);
    bool set = curl_url_set(handle, CURLUPART_PATH, full, 0) == CURLUE_OK;
    free(full);
    return set ? url_copy(handle, CURLUPART_URL, 0) : NULL;
}

/* The length of `path` without slashes at its end, and without `tail`. */
static size_t url_stem(const char *path, const char *tail)
{
    size_t len = strlen(path);
    size_t tail_len = strlen(tail);
    while (len > 0 && path[len - 1] == '/') {
        len--;
    }
    return len >= tail_len && memcmp(path + len - tail_len, tail, tail_len) == 0 ? len - tail_len : len;
}

/* The scheme, and what may not be there. EXO_OK or why not. */
static int url_check(CURLU *handle, const char *base, bool *secure)
{
    char *scheme = NULL;
    int code = url_has_two_slashes(base) ? url_code(curl_url_set(handle, CURLUPART_URL, base, 0)) : EXO_E_URL;
    if (code == EXO_OK) {
        code = url_code(curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0));
    }
    if (code == EXO_OK) {
        *secure = strcmp(scheme, "https") == 0;
        code = (*secure || strcmp(scheme, "http") == 0) && url_is_absent(handle, CURLUPART_USER) &&
                       url_is_absent(handle, CURLUPART_PASSWORD) && url_is_absent(handle, CURLUPART_FRAGMENT)
                   ? EXO_OK
                   : EXO_E_URL;
    }
    curl_free(scheme);
    return code;
}

static int url_take(exo_url *url, CURLU *handle)
{
    static const char chat[] = "/chat/completions";
    static const char models[] = "/models";
    char *path = url_copy(handle, CURLUPART_PATH, 0);
    char *port = url_copy(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    url->host = url_copy(handle, CURLUPART_HOST, 0);
    if (path && port && url->host) {
        size_t stem = url_stem(path, chat);
        url->port = strtol(port, NULL, 10);
        url->chat = url_with(handle, path, stem, chat);
        path[stem] = '\0';
        url->models = url_with(handle, path, url_stem(path, models), models);
    }
    free(path);
    free(port);
    return url->chat && url->models ? EXO_OK : EXO_E_NO_MEMORY;
}

int exo_url_read(exo_url *url, const char *base)
{
    memset(url, 0, sizeof *url);
    CURLU *handle = curl_url();
    int code = handle ? url_check(handle, base, &url->secure) : EXO_E_NO_MEMORY;
    if (code == EXO_OK) {
        code = url_take(url, handle);
    }
    if (code != EXO_OK) {
        exo_url_free(url);
    }
    curl_url_cleanup(handle);
    return code;
}

void exo_url_free(exo_url *url)
{
    exo_heap_free_secret(url->chat);
    exo_heap_free_secret(url->models);
    exo_heap_free_secret(url->host);
    memset(url, 0, sizeof *url);
}

int exo_url_check_proxy(const char *proxy)
{
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    CURLU *handle = curl_url();
    char *scheme = NULL;
    int code = handle
                   ? url_code(curl_url_set(handle, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME))
                   : EXO_E_NO_MEMORY;
    if (code == EXO_OK) {
        code = url_code(curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0));
    }
    bool known = false;
    for (size_t i = 0; code == EXO_OK && i < sizeof schemes / sizeof schemes[0]; i++) {
        known = known || strcmp(scheme, schemes[i]) == 0;
    }
    curl_free(scheme);
    curl_url_cleanup(handle);
    return code == EXO_OK && !known ? EXO_E_URL : code;
}
