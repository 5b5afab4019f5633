/*
 * poller.h: waits for sockets, and for a bell: epoll on Linux, kqueue where there is one, poll elsewhere.
 *
 * One file for each: poller_epoll.c, poller_kqueue.c, poller_poll.c; a build takes one of them. What a socket is
 * waited for is level-triggered: one that is ready is told of at every wait until what was ready is taken. All of them
 * are told of in turn, however few a caller asks for at once.
 */
#ifndef EXO_CLIENT_POLLER_H
#define EXO_CLIENT_POLLER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which one it is; a test sets it to try another. */
#define EXO_POLLER_EPOLL  1
#define EXO_POLLER_KQUEUE 2
#define EXO_POLLER_POLL   3
#ifndef EXO_POLLER
#if defined __linux__
#define EXO_POLLER EXO_POLLER_EPOLL
#elif defined __APPLE__ || defined __FreeBSD__ || defined __NetBSD__ || defined __OpenBSD__ || defined __DragonFly__
#define EXO_POLLER EXO_POLLER_KQUEUE
#else
#define EXO_POLLER EXO_POLLER_POLL
#endif
#endif

typedef struct exo_poller exo_poller;

/* A poller, or NULL when memory or descriptors run out. Its own descriptors close on exec. */
exo_poller *exo_poller_new(void);

/* Waits at `socket` for `what`, a sum of enum exo_watch; 0 forgets it. EXO_OK or EXO_E_NO_MEMORY. */
int exo_poller_watch(exo_poller *poller, int socket, int what);

/* One socket that is ready, and what for. An error or a hang-up counts as both. */
typedef struct exo_ready {
    int socket;
    int what;
} exo_ready;

/* Waits at most `timeout` milliseconds (negative: without end), stores up to `max` ready sockets, and returns how many;
 * 0 also when a signal came. The bell ends the wait too, and is answered: `*rang` is set to true then, and left as it
 * is otherwise. */
size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max, bool *rang);

/* A descriptor that is readable while a socket is ready, or the bell was rung; -1 where there is none. */
int exo_poller_fd(const exo_poller *poller);

/* Ends the wait that is going on, or the next one. Any thread and any signal handler may do so. */
void exo_poller_ring(const exo_poller *poller);

void exo_poller_free(exo_poller *poller);

/* A timeout as systems take it. */
static inline int exo_poller_clamp(int64_t timeout)
{
    return timeout < 0 ? -1 : timeout > INT_MAX ? INT_MAX : (int)timeout;
}

#endif
