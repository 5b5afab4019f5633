/*
 * route.c: the walk along a list of deployments, with waits, and with what all calls of a client know of each.
 *
 * It neither knows what a failure was about, beyond its code and verdict, nor sleeps, nor reads a clock: the client
 * does what exo_route_next() says. A route is a few words of the caller's; what outlives it is one exo_route_health for
 * each deployment.
 */
#include "exochat/route.h"

/* Where the route is; the first three are what exo_route_next() says of them. */
enum state {
    TRYING = EXO_ROUTE_ATTEMPT, /* an attempt is under way: for its outcome */
    WAITING = EXO_ROUTE_WAIT,   /* for the time of a retry */
    OVER = EXO_ROUTE_GIVE_UP,
    CHOOSING /* the next stop is to be found */
};

/* No stop. */
#define NONE UINT32_MAX

/* The longest that an endpoint can have itself passed over for, in milliseconds: a day. */
#define COOLDOWN_MAX UINT32_C(86400000)

int exo_route_init(exo_route *route, const exo_route_stop *stops, uint32_t count, const exo_route_stop *context_stops,
                   uint32_t context_count, const exo_route_policy *policy, const exo_random *random)
{
    if (!stops || count == 0 || (!context_stops && context_count > 0) || !policy || policy->size != sizeof *policy) {
        return EXO_E_ARGUMENT;
    }
    *route = (exo_route){.stops_ = stops,
                         .context_stops_ = context_stops,
                         .policy_ = policy,
                         .random_ = random,
                         .count_ = count,
                         .context_count_ = context_count,
                         .resort_ = NONE,
                         .deadline_ = -1,
                         .state_ = CHOOSING};
    return EXO_OK;
}

void exo_route_call(exo_route *route, int64_t deadline, bool restart)
{
    route->deadline_ = deadline;
    route->may_restart_ = restart;
}

/* What is remembered of a stop, or NULL where cooldown is off. */
static exo_route_health *route_health_of(const exo_route *route, uint32_t stop)
{
    return route->policy_->cooldown > 0 ? route->stops_[stop].health : NULL;
}

/* Begins an attempt, which is the probe where one is due. */
static void route_attempt(exo_route *route, uint32_t stop)
{
    exo_route_health *health = route_health_of(route, stop);
    if (stop != route->current_ || route->state_ != WAITING) {
        route->retries_ = 0;
    }
    route->current_ = stop;
    route->state_ = TRYING;
    route->attempts_++;
    if (health && health->until_ != 0 && !health->probing_) {
        health->probing_ = route->probing_ = true;
    }
}

/* Whether a stop is neither in cooldown nor probed by another call. */
static bool route_is_open(const exo_route *route, uint32_t stop, int64_t now)
{
    const exo_route_health *health = route_health_of(route, stop);
    return !health || health->until_ == 0 || (health->until_ <= now && !health->probing_);
}

/* Attempts a stop, unless it is closed: then it is kept in mind as a last resort. */
static bool route_admit(exo_route *route, uint32_t stop, int64_t now)
{
    const exo_route_health *health = route_health_of(route, stop);
    if (route_is_open(route, stop, now)) {
        route_attempt(route, stop);
        return true;
    }
    if (route->resort_ == NONE || health->until_ < route_health_of(route, route->resort_)->until_) {
        route->resort_ = stop;
    }
    return false;
}

/* Finds the next stop to attempt. */
static void route_choose(exo_route *route, int64_t now)
{
    while (route->next_ < route->count_) {
        if (route_admit(route, route->next_++, now)) {
            return;
        }
    }
    if (route->resort_ == NONE) {
        route->state_ = OVER;
        return;
    }
    route_attempt(route, route->resort_);
    route->resort_ = NONE;
}

void exo_route_next(exo_route *route, int64_t now, exo_route_action *action)
{
    bool waited = route->state_ == WAITING && now >= route->until_;
    if (route->state_ == CHOOSING || (waited && !route_admit(route, route->current_, now))) {
        route_choose(route, now);
    }
    action->type = (exo_route_action_type)route->state_;
    action->deployment = route->stops_[route->current_].deployment;
    action->attempt = route->attempts_ > 0 ? route->attempts_ - 1 : 0;
    action->until = route->state_ == WAITING ? route->until_ : now;
    action->restart = route->restart_ && route->state_ != OVER;
    action->last = route->next_ >= route->count_ && route->resort_ == NONE;
    route->restart_ = false;
}

/* Gives a probe back, so that another call may take it. */
static void route_give_back(exo_route *route)
{
    exo_route_health *health = route->probing_ ? route->stops_[route->current_].health : NULL;
    if (health) {
        health->probing_ = false;
    }
    route->probing_ = false;
}

/* Counts a failure, and begins a cooldown where one is due, or where the endpoint asked for `asked` milliseconds. */
static void route_count_failure(const exo_route *route, exo_route_health *health, int64_t now, int64_t asked,
                                bool probe)
{
    const exo_route_policy *policy = route->policy_;
    uint32_t pause = asked > COOLDOWN_MAX ? COOLDOWN_MAX : asked > 0 ? (uint32_t)asked : 0;
    health->failures_ += health->failures_ < UINT32_MAX;
    if ((probe || health->failures_ >= policy->cooldown_after) && pause < policy->cooldown) {
        pause = policy->cooldown;
    }
    if (pause > 0 && health->until_ < now + pause) {
        health->until_ = now + pause;
    }
}

/* The wait before the retry that is due. */
static uint32_t route_backoff(const exo_route *route)
{
    uint32_t longest = route->policy_->backoff_max;
    uint32_t wait = route->policy_->backoff_first;
    for (uint32_t i = route->retries_; i > 0 && wait < longest; i--) {
        wait = wait > longest / 2 ? longest : wait * 2;
    }
    wait = wait < longest ? wait : longest;
    if (route->random_) {
        wait = wait / 2 + route->random_->next(route->random_->ctx) % (wait / 2 + 1);
    }
    return wait;
}

/* Whether a stop that was not tried yet is open. */
static bool route_is_another_open(const exo_route *route, int64_t now)
{
    uint32_t stop = route->next_;
    while (stop < route->count_ && !route_is_open(route, stop, now)) {
        stop++;
    }
    return stop < route->count_;
}

/* Waits for the same stop, if it may be attempted again, will not be in cooldown then, and nothing better is left. */
static void route_retry(exo_route *route, int64_t now, int64_t retry_after, const exo_route_health *health)
{
    if (route->retries_ >= route->policy_->retries || retry_after > route->policy_->retry_after_max) {
        return;
    }
    uint32_t wait = retry_after > 0 ? (uint32_t)retry_after : route_backoff(route);
    int64_t until = now + wait;
    bool fits = (route->deadline_ < 0 || until < route->deadline_) && (!health || health->until_ <= until);
    if (fits && (wait <= route->policy_->patience || !route_is_another_open(route, now))) {
        route->until_ = until;
        route->retries_++;
        route->state_ = WAITING;
    }
}

/* Goes over to the context fallbacks, once. */
static void route_fall_back_for_context(exo_route *route)
{
    if (route->stops_ == route->context_stops_) {
        return;
    }
    if (route->context_count_ == 0) {
        route->state_ = OVER;
        return;
    }
    route->stops_ = route->context_stops_;
    route->count_ = route->context_count_;
    route->next_ = 0;
    route->current_ = 0;
    route->resort_ = NONE;
}

void exo_route_failed(exo_route *route, int64_t now, const exo_failure *failure, unsigned how)
{
    if (route->state_ != TRYING) {
        return;
    }
    int code = failure->code;
    int64_t retry_after = failure->retry_after;
    exo_verdict verdict = how & EXO_HOW_LOCAL ? EXO_STOP : failure->verdict;
    exo_route_health *health = route_health_of(route, route->current_);
    exo_error_class blame = exo_error_class_of(code);
    bool again = verdict == EXO_RETRY;
    bool probe = route->probing_;
    route_give_back(route);
    if (health && (again || verdict == EXO_FALL_BACK) && blame != EXO_CLASS_CALLER && blame != EXO_CLASS_LIMIT) {
        route_count_failure(route, health, now, code == EXO_E_RATE_LIMIT ? retry_after : 0, probe);
    }
    route->state_ = verdict == EXO_STOP ? OVER : CHOOSING;
    if (again && code != EXO_E_CLOCK_FIRST && code != EXO_E_CLOCK_IDLE) {
        route_retry(route, now, retry_after, health);
    } else if (verdict == EXO_FALL_BACK_CONTEXT) {
        route_fall_back_for_context(route);
    }
    bool shown = how & EXO_HOW_SHOWN;
    if ((shown && !route->may_restart_) || (how & EXO_HOW_SPENT)) {
        route->state_ = OVER;
    }
    route->restart_ = shown;
}

void exo_route_succeeded(exo_route *route, int64_t now)
{
    (void)now;
    if (route->state_ != TRYING) {
        return;
    }
    exo_route_health *health = route_health_of(route, route->current_);
    if (health) {
        health->failures_ = 0;
        health->until_ = 0;
    }
    exo_route_abandon(route);
}

void exo_route_abandon(exo_route *route)
{
    route_give_back(route);
    route->state_ = OVER;
}
