/*
 * poller_epoll.c: see poller.h. Memory: the kernel's.
 */
#include "poller.h"

#if EXO_POLLER == EXO_POLLER_EPOLL

#include "bell.h"

#include "exochat/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct exo_poller {
    int epoll;
    exo_bell bell;
};

exo_poller *exo_poller_new(void)
{
    exo_poller *poller = malloc(sizeof *poller);
    if (!poller) {
        return NULL;
    }
    bool opened = exo_bell_open(&poller->bell);
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!opened || poller->epoll < 0 || exo_poller_watch(poller, poller->bell.reads, EXO_WATCH_READ) != EXO_OK) {
        exo_poller_free(poller);
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

size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max, bool *rang)
{
    struct epoll_event events[64];
    size_t stored = 0;
    if (max > sizeof events / sizeof events[0]) {
        max = sizeof events / sizeof events[0];
    }
    int count = epoll_wait(poller->epoll, events, (int)max, exo_poller_clamp(timeout));
    for (int i = 0; i < count; i++) {
        uint32_t got = events[i].events;
        int both = got & (EPOLLERR | EPOLLHUP) ? EXO_WATCH_READ | EXO_WATCH_WRITE : 0;
        if (events[i].data.fd == poller->bell.reads) {
            *rang = exo_bell_answer(&poller->bell) || *rang;
            continue;
        }
        ready[stored].socket = events[i].data.fd;
        ready[stored].what = both | (got & EPOLLIN ? EXO_WATCH_READ : 0) | (got & EPOLLOUT ? EXO_WATCH_WRITE : 0);
        stored++;
    }
    return stored;
}

int exo_poller_fd(const exo_poller *poller)
{
    return poller->epoll;
}

void exo_poller_ring(const exo_poller *poller)
{
    exo_bell_ring(&poller->bell);
}

void exo_poller_free(exo_poller *poller)
{
    if (poller) {
        if (poller->epoll >= 0) {
            close(poller->epoll);
        }
        exo_bell_close(&poller->bell);
        free(poller);
    }
}

#endif
