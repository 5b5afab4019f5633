/*
 * faults.h: failures on demand of what the library stands on: memory, name resolution, calls of the system.
 *
 * The program is linked with --wrap for malloc, calloc and realloc, so that the allocations of the library itself can
 * fail. Those of libcurl cannot: releases in use divide by zero then. Host names that end in ".hung" take 30 seconds to
 * resolve; those in ".slow" are 127.0.0.1, and those in ".lost" nobody, after a time that can be set.
 */
#ifndef EXO_TEST_FAULTS_H
#define EXO_TEST_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* From here on the `nth` allocation (from 1) fails, and with `for_good` every later one too; 0: none. */
void faults_arm(long nth, bool for_good);

/* From here on a call of the system fails with `error` so many `times`, whoever makes it: connect() of a stream, or
 * of any socket, or epoll_ctl() that adds one. */
typedef enum faults_call {
    FAULTS_CONNECT,
    FAULTS_CONNECT_ANY,
    FAULTS_EPOLL,
    FAULTS_CALLS
} faults_call;
void faults_deny(faults_call call, int error, long times);

/* The next so many calls of send() on a stream return only when the other side has closed the connection, or `bytes` of
 * its can be read (0: not for these), but after five seconds at the latest: as if the machine had had no time for us.
 */
void faults_send_late(long times, long bytes);

/* From here on ".slow" and ".lost" take so long. How many look-ups of these were made, or were under way at once. */
void faults_resolve_in(long milliseconds);
long faults_look_ups(bool at_once);

/* How many allocations were made since, and how many of them failed. */
long faults_counted(void);
long faults_made(void);

/* Who asked for the first of these: addresses in the program, as its file has them, the innermost first; as many as
 * there are, at most `most`. */
size_t faults_askers(unsigned long *addresses, size_t most);

#endif
