/*
 * timers.h: a heap of deadlines, each the member of what it wakes.
 *
 * The client keeps one heap for all of its calls: setting, moving and removing a deadline cost O(log n), asking for the
 * next one O(1). It reads no clock.
 */
#ifndef EXO_CLIENT_TIMERS_H
#define EXO_CLIENT_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A deadline. Zero it to begin with. `owner` is whatever is to be woken; `wake` says how. */
typedef struct exo_timer {
    int64_t due;
    size_t place_; /* index in the heap + 1; 0: not set */
    void (*wake)(void *owner, int64_t now);
    void *owner;
} exo_timer;

typedef struct exo_timers {
    exo_timer **heap_;
    size_t count_;
    size_t capacity_;
    size_t admitted_;
} exo_timers;

/* Makes room for one more timer, so that setting it cannot fail. EXO_OK or EXO_E_NO_MEMORY. */
int exo_timers_admit(exo_timers *timers);

/* Gives the room of one timer back; the timer is not set any more. */
void exo_timers_dismiss(exo_timers *timers);

/* Sets `timer`, for which there is room, to wake at `due`, or moves it there. */
void exo_timers_set(exo_timers *timers, exo_timer *timer, int64_t due);

/* Whether `timer` is set. */
static inline bool exo_timer_is_set(const exo_timer *timer)
{
    return timer->place_ != 0;
}

/* Removes `timer`, if it is set. */
void exo_timers_clear(exo_timers *timers, exo_timer *timer);

/* The earliest deadline, or -1 when none is set. */
int64_t exo_timers_next(const exo_timers *timers);

/* Takes out one timer that is due at `now`, or returns NULL. */
exo_timer *exo_timers_pop(exo_timers *timers, int64_t now);

/* Frees the heap, not the timers. */
void exo_timers_free(exo_timers *timers);

#endif
