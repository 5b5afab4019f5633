/*
 * draining.c: the list of responses that are drained. See draining.h.
 *
 * Called by calls that have their verdict or are about to start; told by the transport and by timers. The bounds are
 * attempt.h's.
 */
#include "draining.h"

#include <stdlib.h>

struct exo_draining {
    exo_drains *drains;
    exo_draining *previous;
    exo_draining *next;
    exo_exchange *exchange;
    exo_deployed *deployed;
    exo_drain bounds;
    exo_timer timer;
    exo_task *waiter;
    exo_draining **awaited; /* where the waiter keeps this */
};

static void draining_end(exo_draining *d)
{
    exo_drains *drains = d->drains;
    if (d->previous) {
        d->previous->next = d->next;
    } else {
        drains->first = d->next;
    }
    if (d->next) {
        d->next->previous = d->previous;
    }
    if (d->waiter) {
        *d->awaited = NULL;
        exo_loop_wake(drains->loop, d->waiter);
    }
    exo_timers_clear(&drains->loop->timers, &d->timer);
    exo_timers_dismiss(&drains->loop->timers);
    exo_loop_table(drains->loop)->end(d->exchange, true);
    exo_deployed_drop(d->deployed);
    free(d);
}

static void draining_closed(void *owner, int64_t now)
{
    (void)now;
    draining_end(owner);
}

static bool draining_discards(void *owner, int64_t now, size_t bytes)
{
    exo_draining *d = owner;
    return exo_drain_more(&d->bounds, now, bytes);
}

static const exo_facts draining_facts = {.discards = draining_discards, .closed = draining_closed};

void exo_drains_add(exo_drains *drains, exo_exchange *exchange, exo_deployed *deployed)
{
    exo_loop *loop = drains->loop;
    exo_draining *d = calloc(1, sizeof *d);
    if (!d || exo_timers_admit(&loop->timers) < 0) {
        free(d);
        exo_loop_table(loop)->end(exchange, false);
        return;
    }
    d->drains = drains;
    d->exchange = exchange;
    d->deployed = exo_deployed_keep(deployed);
    d->next = drains->first;
    if (drains->first) {
        drains->first->previous = d;
    }
    drains->first = d;
    exo_drain_begin(&d->bounds, exo_loop_now(loop));
    d->timer.owner = d;
    d->timer.wake = draining_closed;
    exo_timers_set(&loop->timers, &d->timer, d->bounds.until);
    exo_loop_table(loop)->drain(exchange, &draining_facts, d);
}

bool exo_drains_await(exo_drains *drains, const exo_deployed *deployed, exo_task *task, exo_draining **awaited)
{
    for (exo_draining *d = drains->first; d; d = d->next) {
        if (!d->waiter && exo_deployed_shares(d->deployed, deployed)) {
            d->waiter = task;
            d->awaited = awaited;
            *awaited = d;
            return true;
        }
    }
    return false;
}

void exo_drains_forget(exo_draining *draining)
{
    if (draining) {
        *draining->awaited = NULL;
        draining->waiter = NULL;
    }
}

void exo_drains_close(exo_drains *drains)
{
    for (exo_draining *d = drains->first, *next; d; d = next) {
        next = d->next;
        draining_end(d);
    }
}
