/*
 * spool.h: what can be read only once, and not sized before it is read, becomes an unnamed temporary file: a FIFO, a
 * terminal, standard input, a file whose size is a lie (/proc).
 *
 * Nothing here waits: each step takes what is there. Memory: 16 KB of stack while a step runs; the file lies in
 * $TMPDIR, else in /tmp, and is gone with its descriptor, whatever becomes of the process.
 */
#ifndef EXO_CLIENT_SPOOL_H
#define EXO_CLIENT_SPOOL_H

#include "exochat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct exo_spool {
    int from;      /* what is read; -1 when it is over */
    int into;      /* the temporary file, or -1 */
    uint64_t size; /* of what is in it */
    uint64_t most;
    bool starved; /* the last step found nothing */
} exo_spool;

/* Begins to spool at most `most` bytes of the open `from`, which is the spool's to close from here on. EXO_OK, or
 * EXO_E_SOURCE_READ with the reason in errno: no temporary file can be made. */
int exo_spool_begin(exo_spool *spool, int from, uint64_t most);

/* Takes up to about `budget` bytes of what is there. EXO_OK: all is in the file, `from` is closed, and `into` is the
 * caller's; EXO_AGAIN: call again, later where `starved` is set; EXO_E_SOURCE_READ with the reason in errno, EFBIG
 * where there is more than `most`. */
int exo_spool_step(exo_spool *spool, size_t budget);

/* Closes what is open. */
void exo_spool_end(exo_spool *spool);

#endif
