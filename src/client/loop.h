/*
 * loop.h: what has something to do, when, and the transport that is served in between.
 *
 * It knows neither calls nor libcurl: a task is a place in the queue, a timer the member of what it wakes. Nothing
 * waits but exo_loop_serve(). Memory: that of timers.h.
 */
#ifndef EXO_CLIENT_LOOP_H
#define EXO_CLIENT_LOOP_H

#include "timers.h"
#include "transport.h"

/* A place in the queue, the member of what takes turns. Zero it to begin with. */
typedef struct exo_task {
    struct exo_task *previous;
    struct exo_task *next;
    bool is_ready;
} exo_task;

/* The loop of one client. Zero it, and set `transport`. */
typedef struct exo_loop {
    exo_transport *transport;
    exo_timers timers;
    exo_task *first;
    exo_task *last;
    size_t ready;          /* tasks in the queue */
    int64_t served;        /* when the transport was served last, */
    int64_t served_before; /* and the time before: what it brought then has had its turn */
} exo_loop;

/* The transport's functions. */
static inline const exo_transport_table *exo_loop_table(const exo_loop *loop)
{
    return loop->transport->table;
}

/* The time, in milliseconds of the transport's clock. */
static inline int64_t exo_loop_now(const exo_loop *loop)
{
    return exo_loop_table(loop)->now(loop->transport);
}

/* Puts a task at the end of the queue, unless it is in it; takes it out, if it is in it. */
void exo_loop_wake(exo_loop *loop, exo_task *task);
void exo_loop_rest(exo_loop *loop, exo_task *task);

/* Takes the first task out of the queue. NULL when it is empty. */
exo_task *exo_loop_take(exo_loop *loop);

/* Serves the transport and notes when, waiting at most `wait` milliseconds (negative: as long as it takes), then wakes
 * what is due. */
void exo_loop_serve(exo_loop *loop, int64_t wait);

/* Milliseconds until a timer, the transport's included, is due; -1: none is. */
int64_t exo_loop_until_timer(const exo_loop *loop);

#endif
