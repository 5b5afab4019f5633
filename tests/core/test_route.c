/*
 * test_route.c: scripts of outcomes against a clock of our own, for one call and for several that share their
 * deployments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exochat/route.h"

/* Reports a failure of which only this is known. */
static void route_fails(exo_route *route, int64_t now, int code, exo_verdict verdict, int64_t retry_after)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    failure.code = code;
    failure.verdict = verdict;
    failure.retry_after = retry_after;
    exo_route_failed(route, now, &failure, 0);
}

/* What happens in a script: NEXT asks and expects an action, the others report. */
typedef enum kind {
    END_OF_SCRIPT,
    NEXT,
    FAILED,
    SUCCEEDED,
    ABANDONED
} kind;

typedef struct step {
    kind kind;
    int64_t now;
    exo_route_action_type type; /* NEXT */
    uint32_t deployment;
    int64_t until;
    int code; /* FAILED */
    exo_verdict verdict;
    int64_t retry_after;
} step;

#define TRY(at, name) \
    { \
        NEXT, at, EXO_ROUTE_ATTEMPT, name, at, 0, EXO_STOP, 0 \
    }
#define HOLD(at, name, end) \
    { \
        NEXT, at, EXO_ROUTE_WAIT, name, end, 0, EXO_STOP, 0 \
    }
#define GIVE_UP(at, name) \
    { \
        NEXT, at, EXO_ROUTE_GIVE_UP, name, at, 0, EXO_STOP, 0 \
    }
#define FAIL(at, code, verdict, after) \
    { \
        FAILED, at, EXO_ROUTE_GIVE_UP, 0, 0, code, verdict, after \
    }
#define WIN(at) \
    { \
        SUCCEEDED, at, EXO_ROUTE_GIVE_UP, 0, 0, 0, EXO_STOP, 0 \
    }
#define ABANDON(at) \
    { \
        ABANDONED, at, EXO_ROUTE_GIVE_UP, 0, 0, 0, EXO_STOP, 0 \
    }

#define SERVER(at)         FAIL(at, EXO_E_SERVER, EXO_RETRY, -1)
#define LIMITED(at, after) FAIL(at, EXO_E_RATE_LIMIT, EXO_RETRY, after)
#define TOO_LONG(at)       FAIL(at, EXO_E_CONTEXT_WINDOW, EXO_FALL_BACK_CONTEXT, -1)

static void play(exo_route *route, const step *steps, const char *name)
{
    uint32_t attempts = 0;
    bool trying = false;
    for (size_t i = 0; steps[i].kind != END_OF_SCRIPT; i++) {
        const step *at = &steps[i];
        exo_route_action action = {EXO_ROUTE_GIVE_UP, 99, 99, 99, true, true};
        switch (at->kind) {
        case NEXT:
            exo_route_next(route, at->now, &action);
            if (action.type != at->type || action.deployment != at->deployment || action.until != at->until) {
                fail_msg("%s, step %zu: action %d of deployment %u until %lld", name, i, (int)action.type,
                         (unsigned)action.deployment, (long long)action.until);
            }
            attempts += action.type == EXO_ROUTE_ATTEMPT && !trying;
            trying = action.type == EXO_ROUTE_ATTEMPT;
            assert_int_equal(action.attempt, attempts > 0 ? attempts - 1 : 0);
            break;
        case FAILED:
            route_fails(route, at->now, at->code, at->verdict, at->retry_after);
            trying = false;
            break;
        case SUCCEEDED:
            exo_route_succeeded(route, at->now);
            break;
        default:
            exo_route_abandon(route);
            break;
        }
    }
}

typedef struct script {
    const char *name;
    uint32_t count;
    uint32_t context_count;
    exo_route_policy policy;
    step steps[16];
} script;

#define POLICY(retries, first, max, after_max) \
    { \
        sizeof(exo_route_policy), retries, first, max, after_max, 0, 3, 5000 \
    }

static const script scripts[] = {
    {"success at once", 1, 0, EXO_ROUTE_POLICY_INIT, {TRY(5, 0), WIN(9), GIVE_UP(9, 0)}},
    {"one deployment fails", 1, 0, EXO_ROUTE_POLICY_INIT, {TRY(0, 0), SERVER(1), GIVE_UP(1, 0), GIVE_UP(2, 0)}},
    {"each in order, once, and the last is reported",
     3,
     0,
     EXO_ROUTE_POLICY_INIT,
     {TRY(0, 0), SERVER(1), TRY(1, 1), FAIL(2, EXO_E_QUOTA, EXO_FALL_BACK, -1), TRY(3, 2), LIMITED(4, 50),
      GIVE_UP(4, 2)}},
    {"an attempt under way is repeated, not counted twice",
     2,
     0,
     EXO_ROUTE_POLICY_INIT,
     {TRY(0, 0), TRY(5, 0), SERVER(6), TRY(6, 1), WIN(7)}},
    {"stop stops", 3, 0, EXO_ROUTE_POLICY_INIT, {TRY(0, 0), FAIL(1, EXO_E_AUTH, EXO_STOP, -1), GIVE_UP(1, 0)}},
    {"stop stops with retries on",
     2,
     0,
     POLICY(3, 100, 1000, 5000),
     {TRY(0, 0), FAIL(1, EXO_E_STATUS, EXO_STOP, 10), GIVE_UP(1, 0)}},
    {"a report outside an attempt is nothing",
     2,
     0,
     EXO_ROUTE_POLICY_INIT,
     {SERVER(0), WIN(0), TRY(1, 0), SERVER(2), SERVER(2), TRY(2, 1), WIN(3), SERVER(4), GIVE_UP(5, 1)}},
    {"abandoned", 2, 0, EXO_ROUTE_POLICY_INIT, {TRY(0, 0), ABANDON(1), GIVE_UP(1, 0), ABANDON(1), GIVE_UP(2, 0)}},
    {"abandoned before it began", 1, 0, EXO_ROUTE_POLICY_INIT, {ABANDON(0), GIVE_UP(1, 0)}},
    {"abandoned during a wait",
     1,
     0,
     POLICY(1, 100, 1000, 0),
     {TRY(0, 0), SERVER(0), HOLD(1, 0, 100), ABANDON(2), GIVE_UP(200, 0)}},

    /* retries */
    {"backoff doubles up to its maximum",
     1,
     0,
     POLICY(4, 100, 350, 0),
     {TRY(0, 0), SERVER(0), HOLD(0, 0, 100), HOLD(99, 0, 100), TRY(100, 0), SERVER(100), HOLD(100, 0, 300), TRY(300, 0),
      SERVER(300), HOLD(300, 0, 650), TRY(650, 0), SERVER(650), HOLD(650, 0, 1000), TRY(1000, 0)}},
    {"retries end, and the next deployment has its own",
     2,
     0,
     POLICY(1, 100, 1000, 0),
     {TRY(0, 0), SERVER(0), TRY(100, 0), SERVER(100), TRY(100, 1), SERVER(100), HOLD(100, 1, 200), TRY(200, 1),
      SERVER(200), GIVE_UP(200, 1)}},
    {"first above max counts as max", 1, 0, POLICY(1, 900, 50, 0), {TRY(0, 0), SERVER(0), HOLD(0, 0, 50)}},
    {"no backoff at all",
     1,
     0,
     POLICY(2, 0, 1000, 0),
     {TRY(0, 0), SERVER(0), TRY(0, 0), SERVER(0), TRY(0, 0), SERVER(0), GIVE_UP(0, 0)}},
    {"the clock may jump", 1, 0, POLICY(1, 100, 1000, 0), {TRY(0, 0), SERVER(10), TRY(INT64_C(1) << 40, 0)}},
    {"retry_after in place of the backoff",
     1,
     0,
     POLICY(2, 100, 1000, 5000),
     {TRY(0, 0), LIMITED(0, 5000), HOLD(4999, 0, 5000), TRY(5000, 0), LIMITED(5000, 0), HOLD(5199, 0, 5200),
      TRY(5200, 0)}},
    {"retry_after above its maximum: the next one",
     2,
     0,
     POLICY(2, 100, 1000, 5000),
     {TRY(0, 0), LIMITED(0, 5001), TRY(0, 1), LIMITED(0, INT64_MAX), GIVE_UP(0, 1)}},
    {"a silent route is not retried",
     2,
     0,
     POLICY(2, 100, 1000, 0),
     {TRY(0, 0), FAIL(9, EXO_E_CLOCK_FIRST, EXO_RETRY, -1), TRY(9, 1)}},
    {"a stalled stream is not retried",
     2,
     0,
     POLICY(2, 100, 1000, 0),
     {TRY(0, 0), FAIL(9, EXO_E_CLOCK_IDLE, EXO_RETRY, -1), TRY(9, 1)}},
    {"fall back is not retried",
     2,
     0,
     POLICY(2, 100, 1000, 0),
     {TRY(0, 0), FAIL(9, EXO_E_QUOTA, EXO_FALL_BACK, 1), TRY(9, 1)}},

    /* patience */
    {"what is waited for while another is left",
     2,
     0,
     POLICY(1, 100, 1000, 60000),
     {TRY(0, 0), LIMITED(0, 5000), HOLD(0, 0, 5000), TRY(5000, 0), WIN(5001)}},
    {"and what is not",
     2,
     0,
     POLICY(1, 100, 1000, 60000),
     {TRY(0, 0), LIMITED(0, 5001), TRY(0, 1), LIMITED(0, 60000), HOLD(0, 1, 60000), TRY(60000, 1), LIMITED(60000, 1),
      GIVE_UP(60000, 1)}},
    {"the backoff is a wait too",
     2,
     0,
     POLICY(1, 5001, 60000, 0),
     {TRY(0, 0), SERVER(0), TRY(0, 1), SERVER(0), HOLD(0, 1, 5001)}},
    {"no patience at all",
     2,
     0,
     {sizeof(exo_route_policy), 1, 1, 1000, 0, 0, 3, 0},
     {TRY(0, 0), SERVER(0), TRY(0, 1), SERVER(0), HOLD(0, 1, 1)}},
    {"what takes no time needs none",
     2,
     0,
     {sizeof(exo_route_policy), 1, 0, 1000, 0, 0, 3, 0},
     {TRY(0, 0), SERVER(0), TRY(0, 0), SERVER(0), TRY(0, 1)}},
    {"the list that is walked is what is left",
     2,
     1,
     POLICY(1, 100, 1000, 60000),
     {TRY(0, 0), TOO_LONG(0), TRY(0, 100), LIMITED(0, 9000), HOLD(0, 100, 9000)}},

    /* context fallbacks: deployments 100, 101 … */
    {"no context fallbacks: reported", 2, 0, EXO_ROUTE_POLICY_INIT, {TRY(0, 0), TOO_LONG(1), GIVE_UP(1, 0)}},
    {"context fallbacks in place of the rest",
     3,
     2,
     EXO_ROUTE_POLICY_INIT,
     {TRY(0, 0), TOO_LONG(1), TRY(1, 100), SERVER(2), TRY(2, 101), SERVER(3), GIVE_UP(3, 101)}},
    {"context fallbacks from the second",
     3,
     1,
     EXO_ROUTE_POLICY_INIT,
     {TRY(0, 0), SERVER(1), TRY(1, 1), TOO_LONG(2), TRY(2, 100), WIN(3), GIVE_UP(3, 100)}},
    {"context fallbacks only once",
     3,
     2,
     EXO_ROUTE_POLICY_INIT,
     {TRY(0, 0), TOO_LONG(1), TRY(1, 100), TOO_LONG(2), TRY(2, 101), TOO_LONG(3), GIVE_UP(3, 101)}},
    {"retries begin anew on the context fallbacks",
     1,
     1,
     POLICY(1, 100, 1000, 0),
     {TRY(0, 0), SERVER(0), TRY(100, 0), TOO_LONG(100), TRY(100, 100), SERVER(100), HOLD(100, 100, 200), TRY(200, 100),
      SERVER(200), GIVE_UP(200, 100)}},
};

static void a_call_follows_its_script(void **state)
{
    static const exo_route_stop stops[] = {{0, NULL}, {1, NULL}, {2, NULL}};
    static const exo_route_stop context_stops[] = {{100, NULL}, {101, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        exo_route route;
        assert_int_equal(exo_route_init(&route, stops, scripts[i].count, context_stops, scripts[i].context_count,
                                        &scripts[i].policy, NULL),
                         EXO_OK);
        play(&route, scripts[i].steps, scripts[i].name);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    exo_route_stop stop = {0, NULL};
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    exo_route_policy no_size = {0};
    exo_route route;
    (void)state;
    assert_int_equal(exo_route_init(&route, NULL, 1, NULL, 0, &policy, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_route_init(&route, &stop, 0, NULL, 0, &policy, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 1, &policy, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 0, NULL, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 0, &no_size, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 0, &policy, NULL), EXO_OK);
    assert_true(sizeof route <= 96);
}

static uint32_t same_bits(void *ctx)
{
    return *(const uint32_t *)ctx;
}

/* The upper half of the backoff is jitter, from nothing to all of it; a retry_after has none. */
static void jitter_takes_up_to_half(void **state)
{
    static const struct {
        uint32_t first;
        uint32_t bits;
        int64_t retry_after;
        int64_t wait;
    } rows[] = {
        {100, 0, -1, 50},  {100, 50, -1, 100}, {100, 51, -1, 50},
        {100, 25, -1, 75}, {101, 50, -1, 100}, {1, UINT32_MAX, -1, 0},
        {0, 7, -1, 0},     {100, 0, 100, 100}, {4000000000U, 2000000000U, -1, 4000000000},
    };
    exo_route_stop stop = {0, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        exo_route_policy policy = {sizeof policy, 1, rows[i].first, UINT32_MAX, 100, 0, 3, 5000};
        uint32_t bits = rows[i].bits;
        exo_random random = {&bits, same_bits};
        exo_route_action action;
        exo_route route;
        assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 0, &policy, &random), EXO_OK);
        exo_route_next(&route, 0, &action);
        route_fails(&route, 1000, EXO_E_SERVER, EXO_RETRY, rows[i].retry_after);
        exo_route_next(&route, 0, &action);
        assert_int_equal(action.type, EXO_ROUTE_WAIT);
        assert_int_equal(action.until - 1000, rows[i].wait);
    }
}

static void backoff_reaches_the_largest_maximum(void **state)
{
    exo_route_stop stop = {0, NULL};
    exo_route_policy policy = {sizeof policy, 40, 3, UINT32_MAX, 0, 0, 3, 5000};
    exo_route_action action;
    exo_route route;
    int64_t now = 0;
    int64_t expected = 3;
    (void)state;
    assert_int_equal(exo_route_init(&route, &stop, 1, NULL, 0, &policy, NULL), EXO_OK);
    for (int i = 0; i < 40; i++) {
        exo_route_next(&route, now, &action);
        assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
        route_fails(&route, now, EXO_E_SERVER, EXO_RETRY, -1);
        exo_route_next(&route, now, &action);
        assert_int_equal(action.until - now, expected);
        now = action.until;
        expected = expected > UINT32_MAX / 2 ? (int64_t)UINT32_MAX : expected * 2;
    }
}

/* Several calls over the deployments 0, 1 and 2, which share their health. */
typedef struct shop {
    exo_route_health health[3];
    exo_route_stop stops[3];
    exo_route_policy policy;
} shop;

static void open_shop(shop *at, uint32_t cooldown, uint32_t cooldown_after)
{
    *at = (shop){.policy = {sizeof at->policy, 0, 100, 1000, 60000, cooldown, cooldown_after, 5000}};
    for (uint32_t i = 0; i < 3; i++) {
        at->stops[i] = (exo_route_stop){i, &at->health[i]};
    }
}

static void enter(shop *at, exo_route *route, uint32_t count)
{
    assert_int_equal(exo_route_init(route, at->stops, count, NULL, 0, &at->policy, NULL), EXO_OK);
}

/* One call to `deployment` alone, with one outcome. */
static void call_once(shop *at, uint32_t deployment, int64_t now, int code, exo_verdict verdict, int64_t retry_after)
{
    exo_route_action action;
    exo_route route;
    assert_int_equal(exo_route_init(&route, &at->stops[deployment], 1, NULL, 0, &at->policy, NULL), EXO_OK);
    exo_route_next(&route, now, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    if (code == EXO_OK) {
        exo_route_succeeded(&route, now);
    } else {
        route_fails(&route, now, code, verdict, retry_after);
    }
}

/* Which deployment a new call attempts first. The call is left by abandoning it. */
static uint32_t first_choice(shop *at, uint32_t count, int64_t now)
{
    exo_route_action action;
    exo_route route;
    enter(at, &route, count);
    exo_route_next(&route, now, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    exo_route_abandon(&route);
    return action.deployment;
}

static void failures_in_a_row_begin_a_cooldown(void **state)
{
    shop at;
    (void)state;
    open_shop(&at, 1000, 3);
    call_once(&at, 0, 10, EXO_E_SERVER, EXO_RETRY, -1);
    call_once(&at, 0, 20, EXO_E_CLOCK_FIRST, EXO_FALL_BACK, -1);
    assert_int_equal(first_choice(&at, 2, 25), 0);
    call_once(&at, 0, 30, EXO_E_CONNECT, EXO_RETRY, -1);
    assert_int_equal(first_choice(&at, 2, 31), 1);
    assert_int_equal(first_choice(&at, 2, 1029), 1);
    assert_int_equal(first_choice(&at, 2, 1030), 0);
}

static void a_success_breaks_the_row(void **state)
{
    shop at;
    (void)state;
    open_shop(&at, 1000, 2);
    call_once(&at, 0, 10, EXO_E_SERVER, EXO_RETRY, -1);
    call_once(&at, 0, 20, EXO_OK, EXO_STOP, -1);
    call_once(&at, 0, 30, EXO_E_SERVER, EXO_RETRY, -1);
    assert_int_equal(first_choice(&at, 2, 31), 0);
}

static void what_says_nothing_about_a_deployment_does_not_count(void **state)
{
    static const struct {
        int code;
        exo_verdict verdict;
        bool counts;
    } rows[] = {
        {EXO_E_AUTH, EXO_STOP, false},           {EXO_E_STATUS, EXO_STOP, false},
        {EXO_E_CONTENT_FILTER, EXO_STOP, false}, {EXO_E_CONTEXT_WINDOW, EXO_FALL_BACK_CONTEXT, false},
        {EXO_E_CANCELLED, EXO_STOP, false},      {EXO_E_ANSWER_LIMIT, EXO_FALL_BACK, false},
        {EXO_E_NUMBER, EXO_RETRY, false},        {EXO_E_STATUS, EXO_RETRY, true},
        {EXO_E_QUOTA, EXO_FALL_BACK, true},      {EXO_E_TRUNCATED, EXO_RETRY, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shop at;
        open_shop(&at, 1000, 1);
        call_once(&at, 0, 10, rows[i].code, rows[i].verdict, -1);
        assert_int_equal(first_choice(&at, 2, 11), rows[i].counts ? 1 : 0);
    }
}

static void cooldown_off_remembers_nothing(void **state)
{
    shop at;
    (void)state;
    open_shop(&at, 0, 1);
    call_once(&at, 0, 10, EXO_E_RATE_LIMIT, EXO_RETRY, 50000);
    assert_int_equal(first_choice(&at, 2, 11), 0);
    assert_int_equal(at.health[0].failures_, 0);

    /* nor does a stop without health, where it is on */
    open_shop(&at, 1000, 1);
    at.stops[0].health = NULL;
    call_once(&at, 0, 10, EXO_E_SERVER, EXO_RETRY, -1);
    call_once(&at, 0, 10, EXO_OK, EXO_STOP, -1);
    assert_int_equal(first_choice(&at, 2, 11), 0);
}

static void a_rate_limit_is_believed_at_once(void **state)
{
    shop at;
    (void)state;
    open_shop(&at, 1000, 3);
    call_once(&at, 0, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 400);
    assert_int_equal(first_choice(&at, 2, 399), 1);
    assert_int_equal(first_choice(&at, 2, 400), 0);

    /* longer than the cooldown, and for a day at most */
    open_shop(&at, 1000, 1);
    call_once(&at, 0, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 5000);
    assert_int_equal(first_choice(&at, 2, 4999), 1);
    assert_int_equal(first_choice(&at, 2, 5000), 0);
    call_once(&at, 1, 0, EXO_E_RATE_LIMIT, EXO_RETRY, INT64_MAX);
    assert_int_equal(at.health[1].until_, 86400000);

    /* the cooldown is the least once it is due, and no other failure's delay counts */
    open_shop(&at, 1000, 1);
    call_once(&at, 0, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 10);
    assert_int_equal(at.health[0].until_, 1000);
    call_once(&at, 1, 0, EXO_E_SERVER, EXO_RETRY, 5000);
    assert_int_equal(at.health[1].until_, 1000);

    /* no answer shortens what another one asked for */
    open_shop(&at, 1000, 3);
    call_once(&at, 0, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 5000);
    call_once(&at, 0, 1, EXO_E_RATE_LIMIT, EXO_RETRY, 100);
    assert_int_equal(at.health[0].until_, 5000);
}

/* Lets deployment `which` cool down from `now` for the shop's cooldown. */
static void cool_down(shop *at, uint32_t which, int64_t now)
{
    at->health[which].failures_ = at->policy.cooldown_after - 1;
    call_once(at, which, now, EXO_E_SERVER, EXO_RETRY, -1);
}

static void one_call_probes_and_the_others_pass_over(void **state)
{
    shop at;
    exo_route probe, other;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 3);
    cool_down(&at, 0, 0);
    enter(&at, &probe, 2);
    enter(&at, &other, 2);
    exo_route_next(&probe, 1000, &action);
    assert_int_equal(action.deployment, 0);
    exo_route_next(&other, 1000, &action);
    assert_int_equal(action.deployment, 1);
    assert_int_equal(first_choice(&at, 2, 5000), 1);

    /* a failed probe opens the whole cooldown again, though it is one failure */
    route_fails(&probe, 5000, EXO_E_SERVER, EXO_RETRY, -1);
    assert_int_equal(first_choice(&at, 2, 5999), 1);
    exo_route_next(&probe, 5000, &action);
    assert_int_equal(action.deployment, 1);

    /* a successful one closes it for all */
    enter(&at, &probe, 2);
    exo_route_next(&probe, 6000, &action);
    assert_int_equal(action.deployment, 0);
    exo_route_succeeded(&probe, 6001);
    assert_int_equal(first_choice(&at, 2, 6001), 0);
    assert_int_equal(at.health[0].failures_, 0);
    assert_false(at.health[0].probing_);
}

static void a_probe_that_proves_nothing_is_given_back(void **state)
{
    static const struct {
        int code;
        exo_verdict verdict;
    } rows[] = {{EXO_E_STATUS, EXO_STOP}, {EXO_E_CONTEXT_WINDOW, EXO_FALL_BACK_CONTEXT}, {EXO_OK, EXO_STOP}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shop at;
        exo_route probe;
        exo_route_action action;
        open_shop(&at, 1000, 3);
        cool_down(&at, 0, 0);
        enter(&at, &probe, 2);
        exo_route_next(&probe, 1000, &action);
        assert_int_equal(first_choice(&at, 2, 1000), 1);
        if (rows[i].code == EXO_OK) {
            exo_route_abandon(&probe);
            exo_route_abandon(&probe);
        } else {
            route_fails(&probe, 1001, rows[i].code, rows[i].verdict, -1);
        }
        assert_int_equal(first_choice(&at, 2, 1001), 0);
    }
}

/* A success from before closes the cooldown while a probe is under way; the probe's end does not disturb the next one.
 */
static void a_late_success_closes_the_cooldown_too(void **state)
{
    shop at;
    exo_route old, probe;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 3);
    enter(&at, &old, 2);
    exo_route_next(&old, 0, &action);
    cool_down(&at, 0, 0);
    enter(&at, &probe, 2);
    exo_route_next(&probe, 1000, &action);
    assert_int_equal(action.deployment, 0);
    exo_route_succeeded(&old, 1001);
    assert_true(at.health[0].probing_);
    assert_int_equal(first_choice(&at, 2, 1001), 0);
    assert_true(at.health[0].probing_);
    exo_route_succeeded(&probe, 1002);
    assert_false(at.health[0].probing_);
}

static void a_call_is_never_refused_for_cooldown_alone(void **state)
{
    shop at;
    exo_route route, other;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 3);
    cool_down(&at, 0, 300);
    cool_down(&at, 1, 100);
    cool_down(&at, 2, 200);

    /* the one that comes back first, and only that one */
    enter(&at, &route, 3);
    exo_route_next(&route, 400, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 1);
    assert_int_equal(action.attempt, 0);

    /* another call at the same time gets it too, but is not the probe: its failure gives nothing back */
    enter(&at, &other, 3);
    exo_route_next(&other, 400, &action);
    assert_int_equal(action.deployment, 1);
    route_fails(&other, 401, EXO_E_SERVER, EXO_RETRY, -1);
    assert_true(at.health[1].probing_);
    exo_route_next(&other, 401, &action);
    assert_int_equal(action.type, EXO_ROUTE_GIVE_UP);
    assert_int_equal(action.deployment, 1);

    route_fails(&route, 500, EXO_E_SERVER, EXO_RETRY, -1);
    assert_false(at.health[1].probing_);
    assert_int_equal(at.health[1].until_, 1500);
    exo_route_next(&route, 500, &action);
    assert_int_equal(action.type, EXO_ROUTE_GIVE_UP);
}

static void the_last_resort_comes_after_the_healthy(void **state)
{
    shop at;
    exo_route route;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 3);
    cool_down(&at, 0, 0);
    enter(&at, &route, 2);
    exo_route_next(&route, 10, &action);
    assert_int_equal(action.deployment, 1);
    route_fails(&route, 20, EXO_E_SERVER, EXO_RETRY, -1);
    exo_route_next(&route, 20, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 0);
    assert_int_equal(action.attempt, 1);
    exo_route_succeeded(&route, 30);
    assert_int_equal(first_choice(&at, 2, 30), 0);
}

static void a_deployment_in_cooldown_is_not_waited_for(void **state)
{
    shop at;
    exo_route route;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 2);
    at.policy.retries = 5;
    enter(&at, &route, 2);
    exo_route_next(&route, 0, &action);
    route_fails(&route, 0, EXO_E_SERVER, EXO_RETRY, -1);
    exo_route_next(&route, 0, &action);
    assert_int_equal(action.type, EXO_ROUTE_WAIT);
    exo_route_next(&route, 100, &action);
    assert_int_equal(action.deployment, 0);
    route_fails(&route, 100, EXO_E_SERVER, EXO_RETRY, -1);
    exo_route_next(&route, 100, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 1);
}

/* Nothing is gained by leaving a deployment for one that cools down. */
static void a_deployment_in_cooldown_shortens_no_wait(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        shop at;
        exo_route route;
        exo_route_action action;
        open_shop(&at, 20000, 3);
        at.policy.retries = 1;
        cool_down(&at, 1, 0);
        if (closed) {
            cool_down(&at, 2, 0);
        }
        enter(&at, &route, 3);
        exo_route_next(&route, 0, &action);
        assert_int_equal(action.deployment, 0);
        route_fails(&route, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 9000);
        exo_route_next(&route, 0, &action);
        assert_int_equal(action.type, closed ? EXO_ROUTE_WAIT : EXO_ROUTE_ATTEMPT);
        assert_int_equal(action.deployment, closed ? 0 : 2);
    }
}

/* A wait must end before the deadline of the call does. */
static void a_wait_that_does_not_fit_is_not_begun(void **state)
{
    exo_route_stop stops[] = {{0, NULL}, {1, NULL}};
    exo_route_policy policy = POLICY(1, 100, 1000, 60000);
    (void)state;
    for (int64_t deadline = 1099; deadline <= 1101; deadline++) {
        exo_route route;
        exo_route_action action;
        assert_int_equal(exo_route_init(&route, stops, 2, NULL, 0, &policy, NULL), EXO_OK);
        exo_route_call(&route, deadline, false);
        exo_route_next(&route, 1000, &action);
        route_fails(&route, 1000, EXO_E_SERVER, EXO_RETRY, -1);
        exo_route_next(&route, 1000, &action);
        assert_int_equal(action.type, deadline > 1100 ? EXO_ROUTE_WAIT : EXO_ROUTE_ATTEMPT);
        assert_int_equal(action.deployment, deadline > 1100 ? 0 : 1);
    }
}

/* What is known of an attempt beside its failure decides whether the call goes on, and whether it begins anew. */
static void what_was_shown_spent_or_local_ends_the_call(void **state)
{
    static const struct {
        unsigned how;
        bool may_restart;
        bool goes_on;
        bool restart;
    } rows[] = {
        {0, false, true, false},
        {0, true, true, false},
        {EXO_HOW_SHOWN, false, false, false},
        {EXO_HOW_SHOWN, true, true, true},
        {EXO_HOW_SPENT, true, false, false},
        {EXO_HOW_SHOWN | EXO_HOW_SPENT, true, false, false},
        {EXO_HOW_LOCAL, true, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shop at;
        exo_route route;
        exo_route_action action;
        exo_failure failure;
        open_shop(&at, 1000, 1);
        enter(&at, &route, 2);
        exo_route_call(&route, -1, rows[i].may_restart);
        exo_route_next(&route, 0, &action);
        assert_false(action.restart || action.last);
        exo_failure_clear(&failure);
        exo_failure_set(&failure, EXO_E_RECEIVE, exo_span_of(NULL, 0));
        exo_route_failed(&route, 0, &failure, rows[i].how);
        exo_route_next(&route, 0, &action);
        assert_int_equal(action.type, rows[i].goes_on ? EXO_ROUTE_ATTEMPT : EXO_ROUTE_GIVE_UP);
        assert_int_equal(action.deployment, rows[i].goes_on ? 1 : 0);
        assert_int_equal(action.restart, rows[i].restart);
        assert_int_equal(at.health[0].failures_, rows[i].how & EXO_HOW_LOCAL ? 0 : 1);
        exo_route_next(&route, 1, &action);
        assert_false(action.restart); /* said once */
        assert_true(!rows[i].goes_on || action.last);
    }
}

/* A rate limit's own delay ends when the retry is due, and the retry is then the probe. */
static void a_rate_limit_is_waited_for_and_probed(void **state)
{
    shop at;
    exo_route route;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 3);
    at.policy.retries = 1;
    enter(&at, &route, 2);
    exo_route_next(&route, 0, &action);
    route_fails(&route, 0, EXO_E_RATE_LIMIT, EXO_RETRY, 700);
    exo_route_next(&route, 0, &action);
    assert_int_equal(action.type, EXO_ROUTE_WAIT);
    assert_int_equal(action.until, 700);
    exo_route_next(&route, 700, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 0);
    assert_true(at.health[0].probing_);
    exo_route_succeeded(&route, 800);
    assert_false(at.health[0].probing_);
}

/* While a call waits, others may send its deployment into cooldown. */
static void a_wait_may_end_in_a_cooldown(void **state)
{
    shop at;
    exo_route route;
    exo_route_action action;
    (void)state;
    open_shop(&at, 1000, 2);
    at.policy.retries = 2;
    enter(&at, &route, 2);
    exo_route_next(&route, 0, &action);
    route_fails(&route, 0, EXO_E_SERVER, EXO_RETRY, -1);
    call_once(&at, 0, 50, EXO_E_SERVER, EXO_RETRY, -1);
    exo_route_next(&route, 100, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 1);

    /* alone on the list, it is the last resort, and the retry still counts as one */
    open_shop(&at, 1000, 3);
    at.policy.retries = 1;
    enter(&at, &route, 1);
    exo_route_next(&route, 0, &action);
    route_fails(&route, 0, EXO_E_SERVER, EXO_RETRY, -1);
    cool_down(&at, 0, 50);
    exo_route_next(&route, 100, &action);
    assert_int_equal(action.type, EXO_ROUTE_ATTEMPT);
    assert_int_equal(action.deployment, 0);
    route_fails(&route, 2000, EXO_E_SERVER, EXO_RETRY, -1);
    exo_route_next(&route, 2000, &action);
    assert_int_equal(action.type, EXO_ROUTE_GIVE_UP);
}

static void failures_are_counted_without_end(void **state)
{
    shop at;
    (void)state;
    open_shop(&at, 1000, UINT32_MAX);
    at.health[0].failures_ = UINT32_MAX - 1;
    call_once(&at, 0, 0, EXO_E_SERVER, EXO_RETRY, -1);
    assert_int_equal(at.health[0].until_, 1000);
    call_once(&at, 0, 5000, EXO_E_SERVER, EXO_RETRY, -1);
    assert_int_equal(at.health[0].failures_, UINT32_MAX);
}

/* What next() says at a time, and how the attempt failed that it asked for; 0: it did not. */
struct turn {
    int64_t now;
    exo_route_action_type type;
    uint32_t deployment;
    bool restart;
    bool last;
    int code;
    unsigned how;
    bool goes_on; /* another turn follows */
};

/* A call with a deadline that wants a new beginning, or not; stops 0, 1, 2, of which `cooled` are in cooldown, and
 * context stops 100, 101; one retry, 100 ms later. */
static const struct {
    const char *name;
    uint32_t count;
    uint32_t context_count;
    int cooled; /* a bit for each */
    int64_t deadline;
    bool may_restart;
    struct turn turns[8];
} calls[] = {
    {"the only one is the last",
     1,
     0,
     0,
     -1,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, true, EXO_E_QUOTA, 0, true},
      {0, EXO_ROUTE_GIVE_UP, 0, false, true, 0, 0, false}}},
    {"one after the other",
     3,
     0,
     0,
     -1,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, 0, true},
      {0, EXO_ROUTE_WAIT, 0, false, false, 0, 0, true},
      {100, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, 0, true},
      {100, EXO_ROUTE_ATTEMPT, 1, false, false, EXO_E_CLOCK_FIRST, 0, true},
      {100, EXO_ROUTE_ATTEMPT, 2, false, true, EXO_E_SERVER, 0, true},
      {100, EXO_ROUTE_WAIT, 2, false, true, 0, 0, true},
      {200, EXO_ROUTE_ATTEMPT, 2, false, true, EXO_E_SERVER, 0, true},
      {200, EXO_ROUTE_GIVE_UP, 2, false, true, 0, 0, false}}},
    {"one that was passed over is left",
     2,
     0,
     1,
     -1,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 1, false, false, EXO_E_QUOTA, 0, true},
      {0, EXO_ROUTE_ATTEMPT, 0, false, true, EXO_E_QUOTA, 0, false}}},
    {"the context fallbacks have a last one of their own",
     3,
     2,
     0,
     -1,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_CONTEXT_WINDOW, 0, true},
      {0, EXO_ROUTE_ATTEMPT, 100, false, false, EXO_E_QUOTA, 0, true},
      {0, EXO_ROUTE_ATTEMPT, 101, false, true, EXO_E_QUOTA, 0, true},
      {0, EXO_ROUTE_GIVE_UP, 101, false, true, 0, 0, false}}},
    {"a new beginning is said with the wait, and once",
     2,
     0,
     0,
     -1,
     true,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, EXO_HOW_SHOWN, true},
      {0, EXO_ROUTE_WAIT, 0, true, false, 0, 0, true},
      {50, EXO_ROUTE_WAIT, 0, false, false, 0, 0, true},
      {100, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, 0, true},
      {100, EXO_ROUTE_ATTEMPT, 1, false, true, EXO_E_QUOTA, EXO_HOW_SHOWN, true},
      {100, EXO_ROUTE_GIVE_UP, 1, false, true, 0, 0, false}}},
    {"a new beginning on the context fallbacks",
     1,
     1,
     0,
     -1,
     true,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, true, EXO_E_CONTEXT_WINDOW, EXO_HOW_SHOWN, true},
      {0, EXO_ROUTE_ATTEMPT, 100, true, true, EXO_E_SERVER, EXO_HOW_SPENT, true},
      {0, EXO_ROUTE_GIVE_UP, 100, false, true, 0, 0, false}}},
    {"shown, and no new beginning is wanted",
     2,
     0,
     0,
     -1,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, EXO_HOW_SHOWN, true},
      {0, EXO_ROUTE_GIVE_UP, 0, false, false, 0, 0, false}}},
    {"a shortage of this machine",
     2,
     0,
     0,
     -1,
     true,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_CONNECT, EXO_HOW_LOCAL | EXO_HOW_SHOWN, true},
      {0, EXO_ROUTE_GIVE_UP, 0, false, false, 0, 0, false}}},
    {"a wait that ends with the call is not begun",
     2,
     0,
     0,
     100,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, 0, true},
      {0, EXO_ROUTE_ATTEMPT, 1, false, true, 0, 0, false}}},
    {"one that ends before it is",
     2,
     0,
     0,
     101,
     false,
     {{0, EXO_ROUTE_ATTEMPT, 0, false, false, EXO_E_SERVER, 0, true},
      {0, EXO_ROUTE_WAIT, 0, false, false, 0, 0, false}}},
};

static void what_the_route_is_told_of_its_call(void **state)
{
    const exo_route_stop context[] = {{100, NULL}, {101, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        shop at;
        exo_route route;
        open_shop(&at, 50000, 9);
        at.policy.retries = 1;
        for (uint32_t stop = 0; stop < 3; stop++) {
            at.health[stop].until_ = calls[i].cooled >> stop & 1 ? 40000 : 0;
        }
        assert_int_equal(
            exo_route_init(&route, at.stops, calls[i].count, context, calls[i].context_count, &at.policy, NULL),
            EXO_OK);
        exo_route_call(&route, calls[i].deadline, calls[i].may_restart);
        const struct turn *turn = calls[i].turns;
        do {
            exo_route_action action;
            exo_route_next(&route, turn->now, &action);
            if (action.type != turn->type || action.deployment != turn->deployment || action.restart != turn->restart ||
                action.last != turn->last) {
                fail_msg("%s, turn %d: action %d of deployment %u%s%s", calls[i].name, (int)(turn - calls[i].turns),
                         (int)action.type, (unsigned)action.deployment, action.restart ? ", anew" : "",
                         action.last ? ", the last" : "");
            }
            if (turn->code != 0) {
                exo_failure failure;
                exo_failure_clear(&failure);
                exo_failure_set(&failure, turn->code, exo_span_of(NULL, 0));
                exo_route_failed(&route, turn->now, &failure, turn->how);
            }
        } while ((turn++)->goes_on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_follows_its_script),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(jitter_takes_up_to_half),
        cmocka_unit_test(backoff_reaches_the_largest_maximum),
        cmocka_unit_test(failures_in_a_row_begin_a_cooldown),
        cmocka_unit_test(a_success_breaks_the_row),
        cmocka_unit_test(what_says_nothing_about_a_deployment_does_not_count),
        cmocka_unit_test(cooldown_off_remembers_nothing),
        cmocka_unit_test(a_rate_limit_is_believed_at_once),
        cmocka_unit_test(one_call_probes_and_the_others_pass_over),
        cmocka_unit_test(a_probe_that_proves_nothing_is_given_back),
        cmocka_unit_test(a_late_success_closes_the_cooldown_too),
        cmocka_unit_test(a_call_is_never_refused_for_cooldown_alone),
        cmocka_unit_test(the_last_resort_comes_after_the_healthy),
        cmocka_unit_test(a_deployment_in_cooldown_is_not_waited_for),
        cmocka_unit_test(a_deployment_in_cooldown_shortens_no_wait),
        cmocka_unit_test(a_wait_that_does_not_fit_is_not_begun),
        cmocka_unit_test(what_was_shown_spent_or_local_ends_the_call),
        cmocka_unit_test(a_rate_limit_is_waited_for_and_probed),
        cmocka_unit_test(a_wait_may_end_in_a_cooldown),
        cmocka_unit_test(failures_are_counted_without_end),
        cmocka_unit_test(what_the_route_is_told_of_its_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
