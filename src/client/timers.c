/*
 * timers.c: a binary heap of deadlines. See timers.h. Memory: one pointer for each timer that may be set.
 */
#include "timers.h"

#include "exochat/error.h"

#include <stdlib.h>

static void timers_put(exo_timers *timers, size_t index, exo_timer *timer)
{
    timers->heap_[index] = timer;
    timer->place_ = index + 1;
}

static void timers_sift_up(exo_timers *timers, size_t index, exo_timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (timers->heap_[parent]->due <= timer->due) {
            break;
        }
        timers_put(timers, index, timers->heap_[parent]);
        index = parent;
    }
    timers_put(timers, index, timer);
}

static void timers_sift_down(exo_timers *timers, size_t index, exo_timer *timer)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= timers->count_) {
            break;
        }
        if (child + 1 < timers->count_ && timers->heap_[child + 1]->due < timers->heap_[child]->due) {
            child++;
        }
        if (timers->heap_[child]->due >= timer->due) {
            break;
        }
        timers_put(timers, index, timers->heap_[child]);
        index = child;
    }
    timers_put(timers, index, timer);
}

int exo_timers_admit(exo_timers *timers)
{
    if (timers->admitted_ == timers->capacity_) {
        size_t capacity = timers->capacity_ ? 2 * timers->capacity_ : 16;
        exo_timer **heap = realloc(timers->heap_, capacity * sizeof *heap);
        if (!heap) {
            return EXO_E_NO_MEMORY;
        }
        timers->heap_ = heap;
        timers->capacity_ = capacity;
    }
    timers->admitted_++;
    return EXO_OK;
}

void exo_timers_dismiss(exo_timers *timers)
{
    timers->admitted_--;
}

void exo_timers_set(exo_timers *timers, exo_timer *timer, int64_t due)
{
    if (timer->place_ == 0) {
        timer->due = due;
        timers_sift_up(timers, timers->count_++, timer);
        return;
    }
    int64_t before = timer->due;
    timer->due = due;
    if (due < before) {
        timers_sift_up(timers, timer->place_ - 1, timer);
    } else {
        timers_sift_down(timers, timer->place_ - 1, timer);
    }
}

void exo_timers_clear(exo_timers *timers, exo_timer *timer)
{
    if (timer->place_ == 0) {
        return;
    }
    size_t index = timer->place_ - 1;
    timer->place_ = 0;
    exo_timer *last = timers->heap_[--timers->count_];
    if (last == timer) {
        return;
    }
    if (last->due < timer->due) {
        timers_sift_up(timers, index, last);
    } else {
        timers_sift_down(timers, index, last);
    }
}

int64_t exo_timers_next(const exo_timers *timers)
{
    return timers->count_ ? timers->heap_[0]->due : -1;
}

exo_timer *exo_timers_pop(exo_timers *timers, int64_t now)
{
    if (timers->count_ == 0 || timers->heap_[0]->due > now) {
        return NULL;
    }
    exo_timer *timer = timers->heap_[0];
    exo_timers_clear(timers, timer);
    return timer;
}

void exo_timers_free(exo_timers *timers)
{
    free(timers->heap_);
    timers->heap_ = NULL;
    timers->count_ = 0;
    timers->capacity_ = 0;
}
