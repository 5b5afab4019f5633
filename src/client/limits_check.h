/*
 * limits_check.h: whether limits and bounds that a program has set can be worked with.
 */
#ifndef EXO_CLIENT_LIMITS_CHECK_H
#define EXO_CLIENT_LIMITS_CHECK_H

#include "exochat/bounds.h"
#include "exochat/limits.h"

#include <stddef.h>

/* EXO_OK, or EXO_E_ARGUMENT for a limit that is 0 or more than can be set, with words in `message`, of `size` bytes,
 * that name it and say what was expected. */
int exo_limits_check(const exo_limits *limits, char *message, size_t size);

/* Copies the bounds of a caller into `into`, which holds the defaults. EXO_OK, or EXO_E_ARGUMENT for a bound that is
 * too small, or for those that did not begin with their macro, with words as above: nothing is copied. */
int exo_bounds_take(exo_bounds *into, const exo_bounds *from, char *message, size_t size);

#endif
