/*
 * faults.h: failures on demand of what the library stands on: memory, and name resolution.
 *
 * The program is linked with --wrap for malloc, calloc and realloc, so that the allocations of the library itself can
 * fail; libcurl's can by its own hooks (faults_in_curl()). Host names that end in ".hung" take 30 seconds to resolve.
 */
#ifndef EXO_TEST_FAULTS_H
#define EXO_TEST_FAULTS_H

#include <stdbool.h>

/* Whose allocations are counted. */
typedef enum fault_side {
    FAULTS_NOWHERE,
    FAULTS_IN_LIBRARY,
    FAULTS_IN_CURL
} fault_side;

/* From here on the `nth` allocation (from 1) of that side fails, and with `for_good` every later one too; 0: none. */
void faults_arm(fault_side side, long nth, bool for_good);

/* How many allocations were made since, and how many of them failed. */
long faults_counted(void);
long faults_made(void);

/* Gives libcurl our allocator. Before the first client. */
void faults_in_curl(void);

#endif
