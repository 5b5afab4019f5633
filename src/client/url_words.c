/*
 * url_words.c: see url_words.h. It reads the text by itself: libcurl says only that it is none. Called by deployment.c.
 */
#include "url_words.h"

#include "exochat/span.h"

#include <stdio.h>

/* As much of a URL as is shown. */
enum {
    SHOWN_MAX = 100
};

/* A URL as somebody typed it. */
typedef struct parts {
    exo_span scheme;    /* with "://", or empty */
    exo_span authority; /* up to the path */
    exo_span path;
    bool user; /* the authority has a user or a password */
} parts;

static parts url_words_split(const char *url)
{
    parts p;
    const char *colon = strstr(url, "://");
    const char *host = colon ? colon + 3 : url;
    size_t len = strcspn(host, "/?#");
    p.scheme = exo_span_of(url, (size_t)(host - url));
    p.authority = exo_span_of(host, len);
    p.path = exo_span_of(host + len, strcspn(host + len, "?#"));
    p.user = memchr(host, '@', len) != NULL;
    return p;
}

/* Whether the scheme is `word`, which is in lower case. */
static bool url_words_is(exo_span scheme, const char *word)
{
    bool same = scheme.len == strlen(word);
    for (size_t i = 0; same && i < scheme.len; i++) {
        same = scheme.ptr[i] == word[i] || (scheme.ptr[i] | 0x20) == word[i];
    }
    return same;
}

/* Whether the port behind the last colon is none; an address of IPv6 stands in brackets. */
static bool url_words_bad_port(exo_span authority)
{
    size_t at = authority.len;
    unsigned port = 0;
    while (at > 0 && authority.ptr[at - 1] != ':' && authority.ptr[at - 1] != ']') {
        at--;
    }
    if (at == 0 || authority.ptr[at - 1] == ']') {
        return false;
    }
    for (size_t i = at; i < authority.len; i++) {
        char digit = authority.ptr[i];
        if (digit < '0' || digit > '9' || port > 65535) {
            return true;
        }
        port = port * 10 + (unsigned)(digit - '0');
    }
    return port > 65535;
}

/* Where there is no "://". */
static const char *url_words_without_scheme(const char *url)
{
    if (strncmp(url, "http:", 5) == 0 || strncmp(url, "https:", 6) == 0) {
        return "two slashes are missing behind the colon";
    }
    if (strncmp(url, "http/", 5) == 0 || strncmp(url, "https/", 6) == 0) {
        return "the colon is missing";
    }
    return "http:// or https:// is missing in front of it";
}

static const char *url_words_why(const char *url, const parts *p)
{
    if (*url == '\0') {
        return "it is empty";
    }
    if (strpbrk(url, " \t\r\n")) {
        return "there is a blank in it";
    }
    if (strpbrk(url, "\"'<>")) {
        return "there are quotation marks or brackets in it";
    }
    if (p->scheme.len == 0) {
        return url_words_without_scheme(url);
    }
    if (!url_words_is(p->scheme, "http://") && !url_words_is(p->scheme, "https://")) {
        return "only http and https are spoken";
    }
    if (p->user) {
        return "a user, a password or a key does not belong into it";
    }
    if (p->authority.len == 0 || p->authority.ptr[0] == ':') {
        return "the host is missing";
    }
    if (url_words_bad_port(p->authority)) {
        return "the port is no number up to 65535";
    }
    return strchr(url, '#') ? "a fragment (#...) does not belong into it" : "it cannot be read";
}

/* As much as is no secret. */
static void url_words_show(const char *url, const parts *p, char *to, size_t size)
{
    exo_span host = p->authority;
    if (p->user) {
        while (host.len > 0 && memchr(host.ptr, '@', host.len)) {
            host = exo_span_of(host.ptr + 1, host.len - 1);
        }
    }
    const bool cut = p->path.ptr[p->path.len] != '\0';
    const bool looks = p->scheme.len > 0 || (strpbrk(url, ".:/") && !p->user);
    snprintf(to, size, "%.*s%s%.*s%.*s%s", looks ? (int)p->scheme.len : 0, p->scheme.ptr, p->user ? "***@" : "",
             looks ? (int)host.len : 0, host.ptr, looks ? (int)p->path.len : 0, p->path.ptr,
             cut ? (p->path.ptr[p->path.len] == '?' ? "?***" : "#***") : "");
}

void exo_url_explain(const char *url, char *words, size_t size)
{
    char shown[SHOWN_MAX + 1];
    const parts p = url_words_split(url);
    url_words_show(url, &p, shown, sizeof shown);
    if (shown[0] != '\0') {
        snprintf(words, size, "'%s' is no address of an endpoint, such as https://api.openai.com/v1: %s", shown,
                 url_words_why(url, &p));
    } else {
        snprintf(words, size, "an address such as https://api.openai.com/v1 is expected: %s", url_words_why(url, &p));
    }
}
