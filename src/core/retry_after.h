/*
 * retry_after.h: decimal numbers of seconds or milliseconds, as headers and bodies of failures have them.
 *
 * Private to src/core; keeps no state. exo_retry_after() is declared in failure.h.
 */
#ifndef EXOCHAT_RETRY_AFTER_H
#define EXOCHAT_RETRY_AFTER_H

#include "exochat/span.h"

/* A number, with or without a fraction, of units of so many milliseconds: milliseconds, or -1 if it is not one. Beyond
 * 2^31 units it counts as that many. */
int64_t exo_decimal(const exo_span *text, uint32_t unit);

#endif
