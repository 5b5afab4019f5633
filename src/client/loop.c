/*
 * loop.c: the queue of tasks, the timers, and the transport. See loop.h.
 */
#include "loop.h"

void exo_loop_wake(exo_loop *loop, exo_task *task)
{
    if (task->is_ready) {
        return;
    }
    task->is_ready = true;
    task->next = NULL;
    task->previous = loop->last;
    if (loop->last) {
        loop->last->next = task;
    } else {
        loop->first = task;
    }
    loop->last = task;
    loop->ready++;
}

void exo_loop_rest(exo_loop *loop, exo_task *task)
{
    if (!task->is_ready) {
        return;
    }
    task->is_ready = false;
    if (task->previous) {
        task->previous->next = task->next;
    } else {
        loop->first = task->next;
    }
    if (task->next) {
        task->next->previous = task->previous;
    } else {
        loop->last = task->previous;
    }
    loop->ready--;
}

exo_task *exo_loop_take(exo_loop *loop)
{
    exo_task *task = loop->first;
    if (task) {
        exo_loop_rest(loop, task);
    }
    return task;
}

void exo_loop_serve(exo_loop *loop, int64_t wait)
{
    exo_loop_table(loop)->serve(loop->transport, wait);
    int64_t now = exo_loop_now(loop);
    loop->served_before = loop->served;
    loop->served = now;
    exo_timer *timer;
    while ((timer = exo_timers_pop(&loop->timers, now)) != NULL) {
        timer->wake(timer->owner, now);
    }
}

int64_t exo_loop_until_timer(const exo_loop *loop)
{
    int64_t due = exo_timers_next(&loop->timers);
    int64_t other = exo_loop_table(loop)->due(loop->transport);
    due = due < 0 || (other >= 0 && other < due) ? other : due;
    if (due < 0) {
        return -1;
    }
    int64_t wait = due - exo_loop_now(loop);
    return wait > 0 ? wait : 0;
}
