/*
 * loop.c: the queue of tasks, the timers, and the transport. See loop.h.
 */
#include "loop.h"

void exo_queue_append(exo_queue *queue, exo_task *task)
{
    if (task->is_ready) {
        return;
    }
    task->is_ready = true;
    task->next = NULL;
    task->previous = queue->last;
    if (queue->last) {
        queue->last->next = task;
    } else {
        queue->first = task;
    }
    queue->last = task;
    queue->count++;
}

void exo_queue_remove(exo_queue *queue, exo_task *task)
{
    if (!task->is_ready) {
        return;
    }
    task->is_ready = false;
    if (task->previous) {
        task->previous->next = task->next;
    } else {
        queue->first = task->next;
    }
    if (task->next) {
        task->next->previous = task->previous;
    } else {
        queue->last = task->previous;
    }
    queue->count--;
}

static exo_queue *loop_queue(exo_loop *loop, const exo_task *task)
{
    return task->is_told ? &loop->told : &loop->ready;
}

void exo_loop_wake(exo_loop *loop, exo_task *task)
{
    if (!task->is_ready) {
        task->is_told = loop->is_serving;
        task->round = loop->round + 1;
        exo_queue_append(loop_queue(loop, task), task);
    }
}

void exo_loop_rest(exo_loop *loop, exo_task *task)
{
    exo_queue_remove(loop_queue(loop, task), task);
}

/* Whether some have not had their turns in this round. */
static bool loop_has_round(const exo_loop *loop)
{
    return loop->ready.first && loop->ready.first->round == loop->round;
}

exo_task *exo_loop_take(exo_loop *loop)
{
    exo_task *task = loop->told.first;
    if (!task && loop_has_round(loop)) {
        task = loop->ready.first;
    }
    if (task) {
        exo_loop_rest(loop, task);
    }
    return task;
}

bool exo_loop_is_in_round(const exo_loop *loop)
{
    return loop->transport->left_off || loop_has_round(loop);
}

void exo_loop_begin_round(exo_loop *loop)
{
    if (!exo_loop_is_in_round(loop)) {
        loop->round++;
    }
}

void exo_loop_serve(exo_loop *loop, int64_t wait)
{
    loop->is_serving = true;
    int64_t told = exo_loop_table(loop)->serve(loop->transport, wait);
    loop->is_serving = false;
    loop->served_before = loop->served;
    loop->served = told;
    const int64_t now = exo_loop_look(loop);
    loop->served_at = now;
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
