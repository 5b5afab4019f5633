/*
 * pace.h: pauses between two looks at answers that come in pieces faster than it pays to wake up for each.
 *
 * A loop that wakes up for a piece of a hundred bytes spends twenty times longer on waking up than on the piece. So
 * where turns have read something less than a pause apart, or one has read several pieces and nothing is left, the
 * descriptor that loops look at is not readable until the pause is over. It is one of our own, around the client's and
 * a timer. Where the system has none of the kind (Linux has), there are no pauses. Memory: two descriptors.
 */
#ifndef EXOPY_PACE_H
#define EXOPY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that a pause takes: where pieces were handed out, and where nobody sees them. */
#define EXOPY_PAUSE_SHOWN 1
#define EXOPY_PAUSE       2

/* Where there is one call alone, and nobody sees its pieces, a pause takes an eighth of the time for which they have
 * come without a gap as long as the longest pause: what it costs to wake up does not go by what there is to read then.
 */
#define EXOPY_PAUSE_PART 8
#define EXOPY_PAUSE_MAX  10

/* Bytes of answers that hardly come in one piece: more are on their way. */
#define EXOPY_PACE_BYTES 2048

typedef struct exopy_pace {
    int watched; /* the client's descriptor, or -1 */
    int fd;      /* for loops: around the client's and `timer`, or the client's itself */
    int timer;   /* or -1: there are no pauses */
    bool paused;
    int64_t read_at; /* when a turn has read something, or the pause behind that is over, in nanoseconds */
    int64_t until;   /* the end of the pause */
    int64_t since;   /* when the first piece behind such a gap came; 0: none has since a call began */
} exopy_pace;

/* Begins around a client's descriptor, which may be -1. */
void exopy_pace_init(exopy_pace *pace, int watched);

/* A turn begins: a pause whose time has come is over. */
void exopy_pace_begin(exopy_pace *pace);

/* Who waits for what is read. */
typedef enum exopy_audience {
    EXOPY_NOBODY_ELSE, /* one call, whose pieces nobody sees */
    EXOPY_UNSEEN,      /* others too */
    EXOPY_SHOWN        /* pieces were handed out in this turn */
} exopy_audience;

/* A call begins: ends a pause, and a row of them. */
void exopy_pace_anew(exopy_pace *pace);

/* A turn that leaves nothing to do at once, while calls are under way, has read so many bytes of answers. */
void exopy_pace_read(exopy_pace *pace, size_t bytes, exopy_audience audience);

/* Ends a pause; loops wake up where there is something. */
void exopy_pace_end(exopy_pace *pace);

/* Closes what is our own. Nothing is to be read from `fd` any more. */
void exopy_pace_free(exopy_pace *pace);

#endif
