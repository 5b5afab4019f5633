/*
 * poller.c: see poller.h. Memory: with poll, one entry for each watched socket; with epoll, the kernel's.
 */
#include "poller.h"

#include "exochat/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int poller_clamp(int64_t timeout)
{
    return timeout < 0 ? -1 : timeout > INT_MAX ? INT_MAX : (int)timeout;
}

#ifdef __linux__

#include <errno.h>
#include <sys/epoll.h>

struct exo_poller {
    int epoll;
};

exo_poller *exo_poller_new(void)
{
    exo_poller *poller = malloc(sizeof *poller);
    if (!poller) {
        return NULL;
    }
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll < 0) {
        free(poller);
        return NULL;
    }
    return poller;
}

int exo_poller_watch(exo_poller *poller, int socket, int what)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = (what & EXO_WATCH_READ ? (uint32_t)EPOLLIN : 0) | (what & EXO_WATCH_WRITE ? (uint32_t)EPOLLOUT : 0);
    event.data.fd = socket;
    if (what == EXO_WATCH_NONE) {
        /* The descriptor may be closed already, and then it is forgotten already. */
        (void)epoll_ctl(poller->epoll, EPOLL_CTL_DEL, socket, &event);
        return EXO_OK;
    }
    if (epoll_ctl(poller->epoll, EPOLL_CTL_MOD, socket, &event) == 0) {
        return EXO_OK;
    }
    if (errno == ENOENT && epoll_ctl(poller->epoll, EPOLL_CTL_ADD, socket, &event) == 0) {
        return EXO_OK;
    }
    return EXO_E_NO_MEMORY;
}

size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max)
{
    struct epoll_event events[64];
    if (max > sizeof events / sizeof events[0]) {
        max = sizeof events / sizeof events[0];
    }
    int count = epoll_wait(poller->epoll, events, (int)max, poller_clamp(timeout));
    for (int i = 0; i < count; i++) {
        uint32_t got = events[i].events;
        int both = got & (EPOLLERR | EPOLLHUP) ? EXO_WATCH_READ | EXO_WATCH_WRITE : 0;
        ready[i].socket = events[i].data.fd;
        ready[i].what = both | (got & EPOLLIN ? EXO_WATCH_READ : 0) | (got & EPOLLOUT ? EXO_WATCH_WRITE : 0);
    }
    return count > 0 ? (size_t)count : 0;
}

void exo_poller_free(exo_poller *poller)
{
    if (poller) {
        close(poller->epoll);
        free(poller);
    }
}

#else

#include <poll.h>

struct exo_poller {
    struct pollfd *sockets;
    size_t count;
    size_t capacity;
};

exo_poller *exo_poller_new(void)
{
    return calloc(1, sizeof(exo_poller));
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

size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max)
{
    size_t stored = 0;
    if (poll(poller->sockets, (nfds_t)poller->count, poller_clamp(timeout)) <= 0) {
        return 0;
    }
    for (size_t i = 0; i < poller->count && stored < max; i++) {
        short got = poller->sockets[i].revents;
        if (got == 0) {
            continue;
        }
        int both = got & (POLLERR | POLLHUP | POLLNVAL) ? EXO_WATCH_READ | EXO_WATCH_WRITE : 0;
        ready[stored].socket = poller->sockets[i].fd;
        ready[stored].what = both | (got & POLLIN ? EXO_WATCH_READ : 0) | (got & POLLOUT ? EXO_WATCH_WRITE : 0);
        stored++;
    }
    return stored;
}

void exo_poller_free(exo_poller *poller)
{
    if (poller) {
        free(poller->sockets);
        free(poller);
    }
}

#endif
