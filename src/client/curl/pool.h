/*
 * pool.h: the connections of one transport over libcurl, as its files share them. Private to this folder.
 */
#ifndef EXO_CLIENT_CURL_POOL_H
#define EXO_CLIENT_CURL_POOL_H

#include "poller.h"
#include "transport.h"

#include <curl/curl.h>

/* The transport over libcurl. */
typedef struct exo_pool {
    exo_transport transport;
    CURLM *multi;
    exo_poller *poller; /* NULL while the caller watches the sockets */
    void (*watch)(void *ctx, int socket, int what);
    void *watch_ctx;
    int64_t due;     /* when libcurl wants to be called, or -1 */
    uint64_t *heard; /* by socket: bytes that had come over it when its last exchange ended */
    size_t heard_count;
    exo_exchange *postponed;  /* exchanges that read before they send on */
    exo_exchange *struck;     /* exchanges whose socket cannot be watched */
    exo_exchange *connecting; /* exchanges that have no connection yet */
    int64_t nudge;            /* when one of these is to be nudged, or -1 */
} exo_pool;

/* The time, in milliseconds of a monotonic clock. */
int64_t exo_pool_now(void);

/* Bytes that have come over a TCP connection since it was made; 0 where the system cannot tell. */
uint64_t exo_pool_heard(curl_socket_t socket);

/* Notes what had come over a socket, and what was noted last; 0 for a socket that is new. */
void exo_pool_note_heard(exo_pool *pool, curl_socket_t socket, uint64_t bytes);
uint64_t exo_pool_heard_before(const exo_pool *pool, curl_socket_t socket);

#endif
