/*
 * route.h: what to do next: attempt this deployment, wait so long, or give up with the last failure.
 *
 * A pure function of outcomes and time. The default is the strict policy: one attempt for each deployment in order, the
 * next one on a failure whose verdict allows it, the last failure reported. Same-route retries, cooldown and context
 * fallbacks are options, off unless set. It never reads a clock: `now` is milliseconds of a monotonic one, never goes
 * back, and may jump.
 *
 * A call asks next(), does what it says, reports failed() or succeeded(), and asks again until GIVE_UP or success. With
 * a failure it says what the consumer was shown and whether the body is spent; the route decides whether that is the
 * end.
 *
 * Retries. The same deployment again only after the verdict RETRY, and never for a silent route or a stalled stream.
 * The wait is retry_after where the endpoint gave one that is not 0, and the backoff otherwise. A deployment that goes
 * into cooldown for longer than that is not waited for; nor is a wait begun that does not fit into the call's deadline,
 * nor one over `patience` while a deployment that was not tried yet could be attempted at once: that one is.
 *
 * Cooldown. What counts is a failure with the verdict RETRY or FALL_BACK that is not of our own making: limits and
 * errors of the caller say nothing about a deployment, and neither does a request that the endpoint refused. After
 * `cooldown_after` of them in a row, over all calls, the deployment is passed over for `cooldown` milliseconds; a rate
 * limit with a retry_after passes it over at once, for that long at least, a day at most. Then one call at a time
 * probes it, and the others pass it over: success closes the cooldown, a failure that counts opens it again.
 */
#ifndef EXOCHAT_ROUTE_H
#define EXOCHAT_ROUTE_H

#include "exochat/failure.h"
#include "exochat/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(type, field, default): the fields of exo_route_policy. Times are milliseconds; a client takes 0 to a day. */
/* clang-format off */
#define EXO_ROUTE_POLICY_MAP(X) \
    X(uint32_t, retries, 0)             /* further attempts on the same deployment after a failure with verdict \
                                           RETRY; 0: none */ \
    X(uint32_t, backoff_first, 500)     /* before the first retry; doubled for each further one, up to backoff_max, \
                                           and with jitter in its upper half */ \
    X(uint32_t, backoff_max, 30000) \
    X(uint32_t, retry_after_max, 60000) /* an endpoint that asks for more is not waited for */ \
    X(uint32_t, cooldown, 0)            /* for how long a deployment is passed over; 0: never */ \
    X(uint32_t, cooldown_after, 3)      /* after so many failures in a row */ \
    X(int64_t, patience, 5000)          /* no longer wait is begun while another deployment could be attempted that \
                                           was not tried yet; 0: none at all then */
/* clang-format on */

/* How often and how long to try. Per call. Begin with EXO_ROUTE_POLICY_INIT. */
typedef struct exo_route_policy {
    size_t size; /* sizeof(exo_route_policy), set by the macro */
    EXO_ROUTE_POLICY_MAP(EXO_OPTION_FIELD)
} exo_route_policy;

/* The strict policy: no retries, no cooldown. */
#define EXO_ROUTE_POLICY_INIT \
    { \
        sizeof(exo_route_policy) EXO_ROUTE_POLICY_MAP(EXO_OPTION_DEFAULT) \
    }

/* What a client remembers of one deployment over all calls. Zero it to begin with. Private. */
typedef struct exo_route_health {
    uint32_t failures_;
    bool probing_; /* one call tries whether the cooled-down deployment is back */
    int64_t until_;
} exo_route_health;

/* One name of the list. */
typedef struct exo_route_stop {
    uint32_t deployment;      /* the caller's number for it */
    exo_route_health *health; /* shared by all calls of a client; NULL: no cooldown for this one */
} exo_route_stop;

/* What to do next. */
typedef enum exo_route_action_type {
    EXO_ROUTE_ATTEMPT,
    EXO_ROUTE_WAIT,
    EXO_ROUTE_GIVE_UP
} exo_route_action_type;

/* What to do. ATTEMPT: the deployment, `attempt` counting from 0 over the call. WAIT: nothing before `until`, then ask
 * again; the deployment is the one that is waited for. GIVE_UP: report the last failure, that of `deployment`. */
typedef struct exo_route_action {
    exo_route_action_type type;
    uint32_t deployment;
    uint32_t attempt;
    int64_t until;
    bool restart; /* ATTEMPT and WAIT: what the last attempt has shown is void; said once for each */
    bool last;    /* no other deployment is left that was not tried yet */
} exo_route_action;

/* What is to be known of a failed attempt beside its failure; a sum of these. */
enum exo_route_how {
    EXO_HOW_SHOWN = 1, /* the consumer was handed something that it asked for */
    EXO_HOW_SPENT = 2, /* the body was begun and cannot be sent again */
    EXO_HOW_LOCAL = 4  /* a shortage of this machine: no deployment is to blame, none would do better */
};

/* Random bits for jitter: any 32 bits. */
typedef struct exo_random {
    void *ctx;
    uint32_t (*next)(void *ctx);
} exo_random;

/* The route of one call. Private but for sizeof. */
typedef struct exo_route {
    uint8_t state_; /* small things first, as in exo_attempt */
    bool probing_;  /* the attempt under way is the probe of its deployment */
    bool may_restart_;
    bool restart_; /* the last attempt has shown something, and nobody was told that it is void */
    const exo_route_stop *stops_;
    const exo_route_stop *context_stops_;
    const exo_route_policy *policy_;
    const exo_random *random_;
    int64_t until_;    /* the end of the wait */
    int64_t deadline_; /* of the call, or -1 */
    uint32_t count_;
    uint32_t context_count_;
    uint32_t next_;    /* the first stop that was not looked at yet */
    uint32_t current_; /* the stop that is attempted or waited for */
    uint32_t resort_;  /* of the stops passed over, the one that comes back first */
    uint32_t attempts_;
    uint32_t retries_; /* on the current stop */
} exo_route;

/* Begins the route of a call: `stops[0]` is the requested model, then its fallbacks in order; `context_stops` are
 * walked instead of the rest, once, when a failure says that the context window is exceeded (may be empty). Arrays,
 * policy, health and `random` are borrowed until the call ends. `random` may be NULL: no jitter. EXO_OK, or
 * EXO_E_ARGUMENT when there is no stop, an array is missing, or the policy was not set by its macro. */
int exo_route_init(exo_route *route, const exo_route_stop *stops, uint32_t count, const exo_route_stop *context_stops,
                   uint32_t context_count, const exo_route_policy *policy, const exo_random *random);

/* Stores what to do at time `now`; asked again during an attempt, the same attempt. A deployment in cooldown is passed
 * over, unless no other is left: then, once in a list, the one that comes back first is attempted, so that a call is
 * never refused for cooldown alone. */
void exo_route_next(exo_route *route, int64_t now, exo_route_action *action);

/* What the route is to know of its call: when the total clock runs out (-1: never), and whether a new beginning is
 * wanted after something was shown. Without this call: never, and no. */
void exo_route_call(exo_route *route, int64_t deadline, bool restart);

/* Reports that the attempt which next() asked for failed: of the failure, code, verdict and retry_after count. `how` is
 * a sum of exo_route_how. Outside an attempt nothing happens. */
void exo_route_failed(exo_route *route, int64_t now, const exo_failure *failure, unsigned how);

/* Reports that it succeeded: the route is over. */
void exo_route_succeeded(exo_route *route, int64_t now);

/* Says that the call ends here, in mid-attempt or not (cancelled): a probe is given back, and the route is over. Legal
 * at any time, also twice. */
void exo_route_abandon(exo_route *route);

#ifdef __cplusplus
}
#endif

#endif
