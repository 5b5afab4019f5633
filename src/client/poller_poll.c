/*
 * poller_poll.c: see poller.h. Memory: one entry for each watched socket.
 */
#include "poller.h"

#if EXO_POLLER == EXO_POLLER_POLL

#include "bell.h"

#include "exochat/client.h"

#include <poll.h>
#include <stdlib.h>

struct exo_poller {
    struct pollfd *sockets; /* the bell first */
    size_t count;
    size_t capacity;
    size_t next; /* where a wait begins to look, so that all are told of in turn */
    exo_bell bell;
};

exo_poller *exo_poller_new(void)
{
    exo_poller *poller = calloc(1, sizeof *poller);
    if (!poller) {
        return NULL;
    }
    if (!exo_bell_open(&poller->bell) || exo_poller_watch(poller, poller->bell.reads, EXO_WATCH_READ) != EXO_OK) {
        exo_poller_free(poller);
        return NULL;
    }
    return poller;
}

int exo_poller_watch(exo_poller *poller, int socket, int what)
{
    size_t at = 0;
    while (at < poller->count && poller->sockets[at].fd != socket) {
        at++;
    }
    if (what == EXO_WATCH_NONE) {
        if (at < poller->count) {
            poller->sockets[at] = poller->sockets[--poller->count];
        }
        return EXO_OK;
    }
    if (at == poller->capacity) {
        size_t capacity = poller->capacity ? 2 * poller->capacity : 16;
        struct pollfd *sockets = realloc(poller->sockets, capacity * sizeof *sockets);
        if (!sockets) {
            return EXO_E_NO_MEMORY;
        }
        poller->sockets = sockets;
        poller->capacity = capacity;
    }
    if (at == poller->count) {
        poller->sockets[poller->count++].fd = socket;
    }
    poller->sockets[at].events = (short)((what & EXO_WATCH_READ ? POLLIN : 0) | (what & EXO_WATCH_WRITE ? POLLOUT : 0));
    poller->sockets[at].revents = 0;
    return EXO_OK;
}

size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max, bool *rang)
{
    size_t stored = 0;
    if (poll(poller->sockets, (nfds_t)poller->count, exo_poller_clamp(timeout)) <= 0) {
        return 0;
    }
    if (poller->sockets[0].revents) {
        *rang = exo_bell_answer(&poller->bell) || *rang;
    }
    size_t begin = poller->next;
    for (size_t i = 0; i < poller->count && stored < max; i++) {
        size_t at = (begin + i) % poller->count;
        short got = poller->sockets[at].revents;
        if (got == 0 || at == 0) {
            continue;
        }
        int both = got & (POLLERR | POLLHUP | POLLNVAL) ? EXO_WATCH_READ | EXO_WATCH_WRITE : 0;
        ready[stored].socket = poller->sockets[at].fd;
        ready[stored].what = both | (got & POLLIN ? EXO_WATCH_READ : 0) | (got & POLLOUT ? EXO_WATCH_WRITE : 0);
        poller->next = at + 1;
        stored++;
    }
    return stored;
}

int exo_poller_fd(const exo_poller *poller)
{
    (void)poller;
    return -1;
}

void exo_poller_ring(const exo_poller *poller)
{
    exo_bell_ring(&poller->bell);
}

void exo_poller_free(exo_poller *poller)
{
    if (poller) {
        exo_bell_close(&poller->bell);
        free(poller->sockets);
        free(poller);
    }
}

#endif
