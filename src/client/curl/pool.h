/*
 * pool.h: the connections of one transport over libcurl, as its files share them. Private to this folder.
 */
#ifndef EXO_CLIENT_CURL_POOL_H
#define EXO_CLIENT_CURL_POOL_H

#include "gate.h"
#include "poller.h"
#include "timers.h"
#include "transport.h"

#include <curl/curl.h>

/* How many sockets are asked for at once. */
#define EXO_POOL_BATCH 64

/* How many are told something before they have their turns: few, so that none waits long, but not one, since libcurl's
 * code and ours take each other's place in the processor's cache. */
#define EXO_POOL_SLICE 8

/* Connections that some deployments share: see group.h. */
typedef struct exo_group exo_group;

/* As many lists of groups, by the hash of their identity. */
#define EXO_GROUP_BUCKETS 128

/* What is known of a socket. */
typedef struct exo_socket {
    uint64_t heard;           /* bytes that had come over it when it was asked last */
    exo_group *group;         /* whose it is while it is watched, or NULL */
    const exo_exchange *user; /* for which it was watched last, while it is open */
    exo_host *host;           /* where it leads, if it is kept for later; NULL: it is not */
    size_t before;            /* the one that was kept before it, + 1, */
    size_t behind;            /* and behind it; 0: none */
} exo_socket;

/* The transport over libcurl. */
typedef struct exo_pool {
    exo_transport transport;
    exo_poller *poller;
    void (*watch)(void *ctx, int socket, int what); /* NULL: the caller does not watch the sockets */
    void *watch_ctx;
    struct {
        exo_ready sockets[EXO_POOL_BATCH]; /* that were ready at the last look */
        size_t count;
        size_t at; /* the next one to be seen to */
    } batch;
    struct {
        int64_t began; /* when all sockets began to be seen to, one batch after another, */
        size_t seen;   /* how many were since, */
        int64_t ended; /* and when that had begun the last time it was done */
    } sweep;
    int64_t looked_at;   /* when it was asked last which sockets are ready */
    size_t watched;      /* sockets that libcurl waits for */
    exo_timers timers;   /* when libcurl wants to be called, one for each group */
    exo_socket *sockets; /* by descriptor */
    size_t socket_count;
    struct {
        exo_group *buckets[EXO_GROUP_BUCKETS];
        CURLM *spare;       /* for the first one: whether libcurl can be used shows before there is a call; or NULL */
        exo_line idle;      /* those that nobody uses */
        uint64_t made;      /* how many there were so far */
        exo_group *touched; /* those that libcurl was called for */
        size_t count;       /* all of them */
        void (*prepare)(exo_group *group); /* tells the multi handle of a new one whom to call */
    } groups;
    exo_line handles;  /* that are kept (handles.h), the oldest first */
    exo_gate gate;     /* who may have a connection */
    size_t kept_first; /* connections that are kept for later: the oldest one's socket, + 1, and the youngest one's */
    size_t kept_last;
    struct {
        bool is_any;          /* since an exchange began to look, */
        uint64_t news;        /* and what came over it after its last exchange */
    } closed;                 /* the connection that libcurl closed last */
    exo_exchange *postponed;  /* exchanges that read before they send on */
    exo_exchange *struck;     /* exchanges whose socket cannot be watched */
    exo_exchange *connecting; /* exchanges that have no connection yet */
    int64_t nudge;            /* when one of these is to be nudged, or -1 */
    int64_t limit;            /* none of these has had its time before; see exo_exchange_limit() */
} exo_pool;

/* The time, in milliseconds of a monotonic clock. */
int64_t exo_pool_now(void);

/* Notes whose socket it is; NULL: nobody's. EXO_OK or EXO_E_NO_MEMORY. And whose it is. */
int exo_pool_note_group(exo_pool *pool, curl_socket_t socket, exo_group *group);
exo_group *exo_pool_group_of(const exo_pool *pool, int socket);

/* Notes for which exchange a socket is watched; it is that until the connection is used by another, or closed: then
 * NULL is returned. The exchange may be gone. */
void exo_pool_note_user(exo_pool *pool, curl_socket_t socket, const exo_exchange *user);
const exo_exchange *exo_pool_user_of(const exo_pool *pool, curl_socket_t socket);

/* A connection is kept for later, or is not any more: it is used, or closed. */
void exo_pool_keep(exo_pool *pool, curl_socket_t socket, exo_host *host);
void exo_pool_use(exo_pool *pool, curl_socket_t socket);

/* Closes the connection that was kept first, of `host` where that is not NULL. libcurl finds out by itself. */
void exo_pool_close_oldest(exo_pool *pool, const exo_host *host);

/* For a child process in the midst of libcurl's doing: in it, the sockets of all connections lead nowhere, `socket` too
 * (or CURL_SOCKET_BAD), so that libcurl can come to an end without the parent's connections being heard or spoken to.
 */
void exo_pool_abandon(const exo_pool *pool, curl_socket_t socket);

/* A group goes: no socket is its own any more. */
void exo_pool_forget_group(exo_pool *pool, const exo_group *group);

/* A socket was made: nothing has come over it. */
void exo_pool_note_made(exo_pool *pool, curl_socket_t socket);

/* How many bytes have come over a socket since it was asked last, or made; 0 where the system cannot tell. */
uint64_t exo_pool_news(exo_pool *pool, curl_socket_t socket);

/* libcurl closes a connection: it is not kept any more, and what came over it is noted. */
void exo_pool_note_closed(exo_pool *pool, curl_socket_t socket);

#endif
