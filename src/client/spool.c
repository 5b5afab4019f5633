/*
 * spool.c: see spool.h. attachments.c calls it.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPOOL_PIECE 16384

/* A file without a name, or -1 with errno. */
static int spool_file(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    folder = folder && *folder ? folder : "/tmp";
#ifdef O_TMPFILE
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) {
        return file;
    }
#endif
    if (snprintf(path, sizeof path, "%s/exochat-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0) {
        unlink(path);
    }
    return named;
}

int exo_spool_begin(exo_spool *spool, int from, uint64_t most)
{
    spool->from = from;
    spool->size = 0;
    spool->most = most;
    spool->starved = false;
    spool->into = spool_file();
    return spool->into >= 0 ? EXO_OK : EXO_E_SOURCE_READ;
}

/* How many bytes came: 0 at the end, -1 with errno. A FIFO that nobody has opened for writing yet is not at its end:
 * read() would say so, poll() does not. */
static ssize_t spool_read(const exo_spool *spool, char *piece, size_t size)
{
    struct pollfd ready = {spool->from, POLLIN, 0};
    ssize_t count;
    do {
        count = poll(&ready, 1, 0);
    } while (count < 0 && errno == EINTR);
    if (count == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (count > 0 && !(ready.revents & POLLIN) && (ready.revents & POLLHUP)) {
        return 0;
    }
    do {
        count = read(spool->from, piece, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

static bool spool_write(const exo_spool *spool, const char *piece, size_t size)
{
    while (size > 0) {
        ssize_t count = write(spool->into, piece, size);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        piece += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

int exo_spool_step(exo_spool *spool, size_t budget)
{
    char piece[SPOOL_PIECE];
    spool->starved = false;
    for (size_t taken = 0; taken < budget;) {
        ssize_t count = spool_read(spool, piece, sizeof piece);
        if (count < 0) {
            spool->starved = errno == EAGAIN || errno == EWOULDBLOCK;
            return spool->starved ? EXO_AGAIN : EXO_E_SOURCE_READ;
        }
        if (count == 0) {
            close(spool->from);
            spool->from = -1;
            return EXO_OK;
        }
        if ((uint64_t)count > spool->most - spool->size) {
            errno = EFBIG;
            return EXO_E_SOURCE_READ;
        }
        if (!spool_write(spool, piece, (size_t)count)) {
            return EXO_E_SOURCE_READ;
        }
        spool->size += (uint64_t)count;
        taken += (size_t)count;
    }
    return EXO_AGAIN;
}

void exo_spool_end(exo_spool *spool)
{
    if (spool->from >= 0) {
        close(spool->from);
    }
    if (spool->into >= 0) {
        close(spool->into);
    }
    spool->from = spool->into = -1;
}
