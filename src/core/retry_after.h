/*
 * retry_after.h: numbers, durations and dates, as headers and bodies of failures have them.
 *
 * Private to src/core; keeps no state.
 */
#ifndef EXOCHAT_RETRY_AFTER_H
#define EXOCHAT_RETRY_AFTER_H

#include "exochat/span.h"

/* The longest delay that is told: 2^31 seconds (RFC 9111, 1.2.2). */
#define DELAY_MAX INT64_C(2147483648000)

/* A number, with or without a fraction, of units of so many milliseconds: milliseconds, or -1 if it is not one. One
 * beyond 10^16 milliseconds counts as another that is. */
int64_t exo_decimal(const exo_span *text, uint32_t unit);

/* A time in parts, each a number and its unit (h, m, s, ms), or a number of seconds: "6m0s", "1.2s", "345ms", "2".
 * Milliseconds, or -1 if it is not one. */
int64_t exo_duration(exo_span text);

/* Seconds since 1970 UTC of a date in any of the three forms of RFC 9110, 5.6.7; UINT32_MAX for one after 2105; 0 where
 * it is none, or before. `now`, in seconds too, says which century a year of two digits is of; where it is 0, one that
 * ends about now. */
uint32_t exo_date_seconds(exo_span text, uint32_t now);

#endif
