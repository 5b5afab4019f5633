/*
 * limits_check.c: see limits_check.h. Called when a client is made, and when its bounds are set: from there on every
 * limit is a number from 1 to its maximum, and nobody looks again. No memory.
 */
#include "limits_check.h"

#include "sized.h"

#include "exochat/encode.h"
#include "exochat/error.h"

#include <inttypes.h>
#include <stdio.h>

/* The largest number that each limit can be, where that is not the largest that there is: a table of all of them, so
 * that a new limit is thought about. Answers are held in one piece, so choices have a maximum of their own. */
#define LIMITS_MOST(X) \
    X(event, UINT32_MAX) \
    X(field, UINT32_MAX) \
    X(answer, UINT32_MAX) \
    X(tool_calls, UINT32_MAX) \
    X(tool_arguments, UINT32_MAX) \
    X(name, UINT32_MAX) \
    X(raw, UINT32_MAX) \
    X(choices, EXO_CHOICES_MAX) \
    X(depth, EXO_JSON_DEPTH_MAX) \
    X(keys, EXO_KEYS_MAX) \
    X(head, UINT32_MAX) \
    X(headers, UINT32_MAX) \
    X(chunk_overhead, UINT32_MAX) \
    X(error_body, UINT32_MAX)

enum {
    LIMITS_KNOWN = 0
#define EXO_X(name, host, micro, what) +1
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
        ,
    LIMITS_CHECKED = 0
#define X(name, most) +1
        LIMITS_MOST(X)
#undef X
};
_Static_assert((int)LIMITS_KNOWN == (int)LIMITS_CHECKED, "each limit has a row");

int exo_limits_check(const exo_limits *limits, char *message, size_t size)
{
#define X(name, most) \
    if (limits->name < 1 || limits->name > (most)) { \
        snprintf(message, size, "limits.%s: must be 1 to %" PRIu32 ", not %" PRIu32, #name, (uint32_t)(most), \
                 limits->name); \
        return EXO_E_ARGUMENT; \
    }
    LIMITS_MOST(X)
#undef X
    return EXO_OK;
}

int exo_bounds_take(exo_bounds *into, const exo_bounds *from, char *message, size_t size)
{
    exo_bounds taken = *into;
    if (!from || exo_sized_take(&taken, sizeof taken, from) != EXO_OK) {
        snprintf(message, size, "bounds: must begin with EXO_BOUNDS_INIT");
        return EXO_E_ARGUMENT;
    }
    const char *wrong = taken.connections_per_host == 0 ? "connections_per_host"
                        : taken.connections == 0        ? "connections"
                        : taken.lookups == 0            ? "lookups"
                                                        : NULL;
    if (wrong) {
        snprintf(message, size, "bounds.%s: must be 1 or more, or EXO_UNBOUNDED", wrong);
        return EXO_E_ARGUMENT;
    }
    *into = taken;
    return EXO_OK;
}
