/*
 * url.h: what a base URL says, and whether a text is the URL of a proxy, as libcurl will read them.
 *
 * No header of libcurl is needed to ask. Nothing is resolved, and no connection is made.
 */
#ifndef EXO_CLIENT_CURL_URL_H
#define EXO_CLIENT_CURL_URL_H

#include <stdbool.h>

/* A base URL, taken apart. The texts are its own. */
typedef struct exo_url {
    char *chat;   /* with /chat/completions at the end of its path */
    char *models; /* with /models in its place */
    char *host;   /* without the port; an address of IPv6 in brackets */
    long port;    /* the scheme's own where none is given */
    bool secure;  /* https */
} exo_url;

/* Reads `base`, an absolute http or https URL without userinfo and fragment; /chat/completions may be at the end of its
 * path already. EXO_OK; EXO_E_URL or EXO_E_NO_MEMORY: `*url` is empty. */
int exo_url_read(exo_url *url, const char *base);

/* Wipes and frees its texts: a query may hold a key. It is empty then, as one that is all zeros is. */
void exo_url_free(exo_url *url);

/* EXO_OK if `proxy` is an http, https, socks4, socks4a, socks5 or socks5h URL; without a scheme it is an http one.
 * EXO_E_URL if not, or EXO_E_NO_MEMORY. */
int exo_url_check_proxy(const char *proxy);

#endif
