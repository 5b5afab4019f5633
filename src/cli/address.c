/*
 * address.c: see address.h. The URLs are those of deployments, so they can be read; OPENAI_BASE_URL may be any text.
 */
#include "address.h"

#include <stdio.h>

/* What lies between "://" and the path, without a user. */
static exo_span address_authority(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *from = scheme ? scheme + 3 : url;
    const char *end = from + strcspn(from, "/?#");
    for (const char *at = from; at < end; at++) {
        from = *at == '@' ? at + 1 : from;
    }
    return exo_span_of(from, (size_t)(end - from));
}

exo_span address_host(const char *url)
{
    exo_span host = address_authority(url);
    size_t len = host.len;
    while (len > 0 && host.ptr[len - 1] >= '0' && host.ptr[len - 1] <= '9') {
        len--;
    }
    if (len > 0 && host.ptr[len - 1] == ':') {
        host.len = len - 1;
    }
    return host;
}

exo_span address_path(const char *url)
{
    exo_span authority = address_authority(url);
    const char *from = authority.ptr + authority.len;
    size_t len = strcspn(from, "?#");
    while (len > 0 && from[len - 1] == '/') {
        len--;
    }
    return exo_span_of(from, len);
}

bool address_is_secure(const char *url)
{
    return (url[0] | 0x20) == 'h' && strlen(url) > 5 && (url[4] | 0x20) == 's' && url[5] == ':';
}

void address_show_host(const char *url, char *to, size_t size)
{
    exo_span authority = address_authority(url);
    snprintf(to, size, "%s%.*s", address_is_secure(url) ? "https://" : "http://", (int)authority.len, authority.ptr);
}

void address_show(const char *url, char *to, size_t size)
{
    exo_span authority = address_authority(url);
    exo_span path = address_path(url);
    snprintf(to, size, "%s%.*s%.*s", address_is_secure(url) ? "https://" : "http://", (int)authority.len, authority.ptr,
             (int)path.len, path.ptr);
}
