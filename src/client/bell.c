/*
 * bell.c: see bell.h. Called by the poller that has one. Memory: the kernel's.
 */
#include "bell.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#ifdef __linux__

#include <sys/eventfd.h>

bool exo_bell_open(exo_bell *bell)
{
    bell->reads = bell->rings = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell->reads >= 0;
}

#else

#include <fcntl.h>

bool exo_bell_open(exo_bell *bell)
{
    int ends[2];
    if (pipe(ends) < 0) {
        bell->reads = bell->rings = -1;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    bell->reads = ends[0];
    bell->rings = ends[1];
    return true;
}

#endif

void exo_bell_ring(const exo_bell *bell)
{
    const uint64_t one = 1;
    int kept = errno;
    ssize_t written = write(bell->rings, &one, sizeof one);
    (void)written; /* where there is no room for more it rings already */
    errno = kept;
}

bool exo_bell_answer(const exo_bell *bell)
{
    uint64_t rings[32];
    bool rang = false;
    while (read(bell->reads, rings, sizeof rings) > 0) {
        rang = true;
    }
    return rang;
}

void exo_bell_close(exo_bell *bell)
{
    if (bell->reads >= 0) {
        close(bell->reads);
    }
    if (bell->rings >= 0 && bell->rings != bell->reads) {
        close(bell->rings);
    }
    bell->reads = bell->rings = -1;
}
