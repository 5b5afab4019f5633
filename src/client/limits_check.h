/*
 * limits_check.h: whether limits that a program has set can be worked with.
 */
#ifndef EXO_CLIENT_LIMITS_CHECK_H
#define EXO_CLIENT_LIMITS_CHECK_H

#include "exochat/limits.h"

#include <stddef.h>

/* EXO_OK, or EXO_E_ARGUMENT for a limit that is 0 or more than can be set, with words in `message`, of `size` bytes,
 * that name it and say what was expected. */
int exo_limits_check(const exo_limits *limits, char *message, size_t size);

#endif
