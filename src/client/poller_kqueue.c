/*
 * poller_kqueue.c: see poller.h. Memory: the kernel's.
 */
#include "poller.h"

#if EXO_POLLER == EXO_POLLER_KQUEUE

#include "bell.h"

#include "exochat/client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

struct exo_poller {
    int kqueue;
    exo_bell bell;
};

exo_poller *exo_poller_new(void)
{
    exo_poller *poller = malloc(sizeof *poller);
    if (!poller) {
        return NULL;
    }
    bool opened = exo_bell_open(&poller->bell);
    poller->kqueue = kqueue();
    if (poller->kqueue >= 0) {
        fcntl(poller->kqueue, F_SETFD, FD_CLOEXEC);
    }
    if (!opened || poller->kqueue < 0 || exo_poller_watch(poller, poller->bell.reads, EXO_WATCH_READ) != EXO_OK) {
        exo_poller_free(poller);
        return NULL;
    }
    return poller;
}

/* A socket has two places in a queue, one for each way. One that it has not is not taken out: that fails, and is no
 * matter. */
static bool kqueue_set(const exo_poller *poller, int socket, short filter, bool wanted)
{
    struct kevent change;
    EV_SET(&change, (uintptr_t)socket, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, 0);
    return kevent(poller->kqueue, &change, 1, NULL, 0, NULL) == 0 || !wanted;
}

int exo_poller_watch(exo_poller *poller, int socket, int what)
{
    bool reads = kqueue_set(poller, socket, EVFILT_READ, (what & EXO_WATCH_READ) != 0);
    bool writes = kqueue_set(poller, socket, EVFILT_WRITE, (what & EXO_WATCH_WRITE) != 0);
    return reads && writes ? EXO_OK : EXO_E_NO_MEMORY;
}

size_t exo_poller_wait(exo_poller *poller, int64_t timeout, exo_ready *ready, size_t max, bool *rang)
{
    struct kevent events[64];
    struct timespec limit = {(time_t)(exo_poller_clamp(timeout) / 1000),
                             (long)(exo_poller_clamp(timeout) % 1000) * 1000000};
    size_t stored = 0;
    if (max > sizeof events / sizeof events[0]) {
        max = sizeof events / sizeof events[0];
    }
    int count = kevent(poller->kqueue, NULL, 0, events, (int)max, timeout < 0 ? NULL : &limit);
    for (int i = 0; i < count; i++) {
        int socket = (int)events[i].ident;
        int way = events[i].filter == EVFILT_READ ? EXO_WATCH_READ : EXO_WATCH_WRITE;
        if (socket == poller->bell.reads) {
            *rang = exo_bell_answer(&poller->bell) || *rang;
            continue;
        }
        ready[stored].socket = socket;
        ready[stored].what = events[i].flags & (EV_EOF | EV_ERROR) ? EXO_WATCH_READ | EXO_WATCH_WRITE : way;
        stored++;
    }
    return stored;
}

int exo_poller_fd(const exo_poller *poller)
{
    return poller->kqueue;
}

void exo_poller_ring(const exo_poller *poller)
{
    exo_bell_ring(&poller->bell);
}

void exo_poller_free(exo_poller *poller)
{
    if (poller) {
        if (poller->kqueue >= 0) {
            close(poller->kqueue);
        }
        exo_bell_close(&poller->bell);
        free(poller);
    }
}

#endif
