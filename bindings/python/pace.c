/*
 * pace.c: see pace.h. Runs no code of Python's.
 */
#include "binding.h" /* Python.h comes first */

#include "pace.h"

#ifdef __linux__
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* In nanoseconds. */
#define PACE_MS INT64_C(1000000)

static int64_t pace_now(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looks for input at a descriptor, or keeps it without. */
static bool pace_look(const exopy_pace *pace, int operation, int fd, bool looks)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = looks ? (uint32_t)EPOLLIN : 0;
    return epoll_ctl(pace->fd, operation, fd, &event) == 0;
}

/* In how many nanoseconds the timer rings; 0: it does not. */
static bool pace_set(const exopy_pace *pace, long nanoseconds)
{
    const struct itimerspec time = {{0, 0}, {0, nanoseconds}};
    return timerfd_settime(pace->timer, 0, &time, NULL) == 0;
}

void exopy_pace_init(exopy_pace *pace, int watched)
{
    *pace = (exopy_pace){.watched = watched, .fd = watched, .timer = -1};
    if (watched < 0) {
        return;
    }
    pace->fd = epoll_create1(EPOLL_CLOEXEC);
    pace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (pace->fd < 0 || pace->timer < 0 || !pace_look(pace, EPOLL_CTL_ADD, watched, true) ||
        !pace_look(pace, EPOLL_CTL_ADD, pace->timer, true)) {
        exopy_pace_free(pace);
    }
}

void exopy_pace_begin(exopy_pace *pace)
{
    if (pace->paused && pace_now() >= pace->until) {
        exopy_pace_end(pace);
    }
}

/* How long a pause is to be that was going to take `least`, in nanoseconds. */
static int64_t pace_stretch(const exopy_pace *pace, int64_t now, int64_t least)
{
    const int64_t part = (now - pace->since) / EXOPY_PAUSE_PART;
    const int64_t most = EXOPY_PAUSE_MAX * PACE_MS;
    return part < least ? least : part < most ? part : most;
}

void exopy_pace_anew(exopy_pace *pace)
{
    pace->since = 0;
    exopy_pace_end(pace);
}

void exopy_pace_read(exopy_pace *pace, size_t bytes, exopy_audience audience)
{
    if (bytes == 0 || pace->paused || pace->timer < 0) {
        return;
    }
    const int64_t now = pace_now();
    const int64_t gap = now - pace->read_at;
    const int64_t least = (audience == EXOPY_SHOWN ? EXOPY_PAUSE_SHOWN : EXOPY_PAUSE) * PACE_MS;
    if (gap >= EXOPY_PAUSE_MAX * PACE_MS || pace->since == 0) {
        pace->since = now;
    }
    pace->read_at = now;
    const int64_t pause = audience == EXOPY_NOBODY_ELSE ? pace_stretch(pace, now, least) : least;
    if ((gap < least || bytes >= EXOPY_PACE_BYTES) && pace_set(pace, (long)pause)) {
        pace->paused = pace_look(pace, EPOLL_CTL_MOD, pace->watched, false);
        pace->read_at = pace->until = now + pause;
    }
}

void exopy_pace_end(exopy_pace *pace)
{
    if (pace->paused) {
        pace->paused = false;
        (void)pace_set(pace, 0);
        (void)pace_look(pace, EPOLL_CTL_MOD, pace->watched, true);
    }
}

void exopy_pace_free(exopy_pace *pace)
{
    if (pace->fd >= 0 && pace->fd != pace->watched) {
        close(pace->fd);
    }
    if (pace->timer >= 0) {
        close(pace->timer);
    }
    pace->fd = pace->watched;
    pace->timer = -1;
    pace->paused = false;
}

#else

void exopy_pace_init(exopy_pace *pace, int watched)
{
    *pace = (exopy_pace){.watched = watched, .fd = watched, .timer = -1};
}

void exopy_pace_begin(exopy_pace *pace)
{
    (void)pace;
}

void exopy_pace_anew(exopy_pace *pace)
{
    (void)pace;
}

void exopy_pace_read(exopy_pace *pace, size_t bytes, exopy_audience audience)
{
    (void)pace;
    (void)bytes;
    (void)audience;
}

void exopy_pace_end(exopy_pace *pace)
{
    (void)pace;
}

void exopy_pace_free(exopy_pace *pace)
{
    pace->fd = pace->watched;
}

#endif
