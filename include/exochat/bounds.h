/*
 * bounds.h: how many connections and look-ups of names a client has at once.
 *
 * What they bound waits in line, first come, first served, however long the line is. A call that waits there has begun
 * its attempt, and the trail says for how long it waited (queued_ms), but of its clocks the total one alone runs, and
 * nothing that becomes of it counts against the deployment.
 */
#ifndef EXOCHAT_BOUNDS_H
#define EXOCHAT_BOUNDS_H

#include "exochat/options.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* There is no such bound. */
#define EXO_UNBOUNDED UINT32_MAX

/* X(type, field, default): the fields of exo_bounds. A host is scheme, name and port, for all deployments that may
 * share its connections (deployment.h). */
/* clang-format off */
#define EXO_BOUNDS_MAP(X) \
    X(uint32_t, connections_per_host, EXO_UNBOUNDED) /* to one host, 1 at least; over HTTP/2 each takes 100 requests \
                                                        (a server that allows fewer gets more connections) */ \
    X(uint32_t, connections, EXO_UNBOUNDED)          /* in all, 1 at least, those kept for later included */ \
    X(uint32_t, idle_connections, 100)               /* kept for later requests, 0 or more, the longest unused one is \
                                                        closed first; those of HTTP/2 are libcurl's to keep */ \
    X(uint32_t, lookups, 16)                         /* names looked up at once, 1 at least: each takes a thread. Calls \
                                                        to one name share one look-up, which is good for a minute */
/* clang-format on */

/* The bounds of a client. Begin with EXO_BOUNDS_INIT. */
typedef struct exo_bounds {
    size_t size; /* sizeof(exo_bounds), set by the macro */
    EXO_BOUNDS_MAP(EXO_OPTION_FIELD)
} exo_bounds;

/* The defaults. */
#define EXO_BOUNDS_INIT \
    { \
        sizeof(exo_bounds) EXO_BOUNDS_MAP(EXO_OPTION_DEFAULT) \
    }

#ifdef __cplusplus
}
#endif

#endif
