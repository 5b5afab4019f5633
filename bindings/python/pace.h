/*
 * pace.h: pauses between two looks at answers that come in pieces faster than it pays to wake up for each.
 *
 * A loop that wakes up for a piece of a hundred bytes spends twenty times longer on waking up than on the piece. So
 * where one turn after the other, less than a pause apart, has read little, the descriptor that loops look at is not
 * readable until the pause is over. It is one of our own, around the client's and a timer. Where the system has none of
 * the kind (Linux has), there are no pauses. Memory: two descriptors.
 */
#ifndef EXOPY_PACE_H
#define EXOPY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that a pause takes: where pieces were handed out, and where nobody sees them. */
#define EXOPY_PAUSE_SHOWN 1
#define EXOPY_PAUSE       2

/* Bytes of answers: a turn that has read as many was worth waking up for. */
#define EXOPY_PACE_BYTES 16384

typedef struct exopy_pace {
    int watched; /* the client's descriptor, or -1 */
    int fd;      /* for loops: around the client's and `timer`, or the client's itself */
    int timer;   /* or -1: there are no pauses */
    bool paused;
    int64_t read_at; /* when a turn has read a little, or the pause behind that is over, in nanoseconds */
    int64_t until;   /* the end of the pause */
} exopy_pace;

/* Begins around a client's descriptor, which may be -1. */
void exopy_pace_init(exopy_pace *pace, int watched);

/* A turn begins: a pause whose time has come is over. */
void exopy_pace_begin(exopy_pace *pace);

/* A turn that leaves nothing to do at once has read so many bytes of answers, and handed something out or not. */
void exopy_pace_read(exopy_pace *pace, size_t bytes, bool shown);

/* Ends a pause; loops wake up where there is something. */
void exopy_pace_end(exopy_pace *pace);

/* Closes what is our own. Nothing is to be read from `fd` any more. */
void exopy_pace_free(exopy_pace *pace);

#endif
