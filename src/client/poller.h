/*
 * poller.h: waits for sockets: epoll on Linux, poll elsewhere.
 *
 * Used by the client when the caller has no event loop of its own.
 */
#ifndef EXO_CLIENT_POLLER_H
#define EXO_CLIENT_POLLER_H

#include <stddef.h>
#include <stdint.h>

typedef struct exo_poller exo_poller;

/* A poller, or NULL when memory or descriptors run out. Its own descriptor closes on exec. */
exo_poller *exo_poller_new(void);

/* Waits at `socket` for `what`, a sum of enum exo_watch; 0 forgets it. EXO_OK or EXO_E_NO_MEMORY. */
int exo_poller_watch(exo_poller *poller, int socket, int what);

/* One socket that is ready, and what for. An error or a hang-up counts as both. */
typedef struct exo_ready {
    int socket;
    int what;
} exo_ready;

/* Waits at most `timeout` milliseconds (negative: without end), stores up to `max` ready sockets, and returns how many;
 * 0 also when a signal came. */
size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max);

void exo_poller_free(exo_poller *poller);

#endif
