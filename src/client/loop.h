/*
 * loop.h: what has something to do, when, and the transport that is served in between.
 *
 * It knows neither calls nor libcurl: a task is a place in the queue, a timer the member of what it wakes. Nothing
 * waits but exo_loop_serve(). Memory: that of timers.h.
 */
#ifndef EXO_CLIENT_LOOP_H
#define EXO_CLIENT_LOOP_H

#include "forked.h"
#include "timers.h"
#include "transport.h"

/* A place in a queue, the member of what takes turns. Zero it to begin with. */
typedef struct exo_task {
    struct exo_task *previous;
    struct exo_task *next;
    uint32_t round; /* in which it has its turn, unless it was told something */
    bool is_ready;  /* it is in a queue */
    bool is_told;   /* it is in a loop's queue of those that were told something */
} exo_task;

/* Tasks, first come, first served. Zero it to begin with. */
typedef struct exo_queue {
    exo_task *first;
    exo_task *last;
    size_t count;
} exo_queue;

/* Puts a task at the end of the queue, unless it is in it; takes it out, if it is in it. */
void exo_queue_append(exo_queue *queue, exo_task *task);
void exo_queue_remove(exo_queue *queue, exo_task *task);

/* The loop of one client. Zero it, and set `transport`. */
typedef struct exo_loop {
    exo_transport *transport;
    exo_timers timers;
    exo_queue told;  /* those that the transport has just told something: they have one turn at once */
    exo_queue ready; /* those that have more to do: they have theirs in rounds */
    uint32_t round;
    bool is_serving;       /* the transport is telling */
    int64_t now;           /* the time when it was looked at last: at the caller's coming, and after serving */
    int64_t served_at;     /* the time when the transport had been served last */
    int64_t served;        /* a moment: what had come by then, the transport has told; */
    int64_t served_before; /* and the one before: what had come by then has had its turn */
} exo_loop;

/* The transport's functions; in a child process those that do nothing. */
static inline const exo_transport_table *exo_loop_table(const exo_loop *loop)
{
    return exo_transport_is_ours(loop->transport) ? loop->transport->table : &exo_forked_table;
}

/* The time, in milliseconds of the transport's clock. */
static inline int64_t exo_loop_now(const exo_loop *loop)
{
    return exo_loop_table(loop)->now(loop->transport);
}

/* The same, looked at and noted in `now`. */
static inline int64_t exo_loop_look(exo_loop *loop)
{
    loop->now = exo_loop_now(loop);
    return loop->now;
}

/* A task is to have its turn: in the round that comes next, or, where the transport is what wakes it, before that; or
 * is not, any more. */
void exo_loop_wake(exo_loop *loop, exo_task *task);
void exo_loop_rest(exo_loop *loop, exo_task *task);

/* Takes the first task that was told something, or else the first of this round, out of its queue. NULL when all of
 * them have had their turns. */
exo_task *exo_loop_take(exo_loop *loop);

/* Whether some have not had their turns in this round, or the transport has more to tell first. */
bool exo_loop_is_in_round(const exo_loop *loop);

/* Begins the next round, of all that wait for one now, unless this one goes on: nobody has another turn before all that
 * came is told. */
void exo_loop_begin_round(exo_loop *loop);

/* How many wait for a turn. */
static inline size_t exo_loop_waiting(const exo_loop *loop)
{
    return loop->told.count + loop->ready.count;
}

/* Serves the transport and notes what it has told, waiting at most `wait` milliseconds (negative: as long as it takes),
 * then wakes what is due. */
void exo_loop_serve(exo_loop *loop, int64_t wait);

/* Milliseconds until a timer, the transport's included, is due; -1: none is. */
int64_t exo_loop_until_timer(const exo_loop *loop);

#endif
