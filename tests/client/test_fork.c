/*
 * test_fork.c: every function that takes a client, a call or a reply, given NULL, and in a child process given what is
 * the parent's: each says so or does nothing, and the parent loses nothing by it. A child can make clients of its own.
 *
 * The table of functions is held to the headers. No network: the parent's transport follows a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

/* What the functions are given: all of it NULL, or the parent's. */
typedef struct given {
    exo_client *client;
    exo_call *call;
    exo_reply *reply;
    const exo_request *request;
    int code; /* that is expected of those who return one */
} given;

static void no_watch(void *ctx, int socket, int what)
{
    (void)ctx;
    (void)socket;
    (void)what;
}

static bool no_write(void *ctx, exo_span bytes)
{
    (void)ctx;
    return bytes.len == 0;
}

static void no_span(void *ctx, exo_span span)
{
    (void)ctx;
    (void)span;
}

static const exo_deployment deployment = EXO_DEPLOYMENT_INIT;
static const exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
static const exo_bounds bounds = EXO_BOUNDS_INIT;
static const char *const names[] = {"a"};
static const exo_cursor cursor;
static const exo_source source;

/* X(function, whether what it does with what it is given is right). Those of a reply are asked in a child too, where
 * they answer: a reply is memory, and nobody's but its own. */
#define CODE(function, ...)    X(function, function(__VA_ARGS__) == g->code)
#define NONE(function, ...)    X(function, function(__VA_ARGS__) == NULL)
#define NOTHING(function, ...) X(function, (function(__VA_ARGS__), true))
#define ENTRIES \
    CODE(exo_client_deploy, g->client, "c", &deployment) \
    CODE(exo_client_remove, g->client, "a") \
    CODE(exo_client_fallback, g->client, "a", "a") \
    CODE(exo_client_context_fallback, g->client, "a", "a") \
    CODE(exo_client_fallbacks, g->client, "a", names, 1) \
    CODE(exo_client_context_fallbacks, g->client, "a", names, 1) \
    CODE(exo_client_policy, g->client, "a", &policy) \
    NONE(exo_client_model, g->client, 0) \
    NONE(exo_client_deployment_of, g->client, "a") \
    NONE(exo_client_fallback_of, g->client, "a", 0) \
    NONE(exo_client_context_fallback_of, g->client, "a", 0) \
    NONE(exo_client_policy_of, g->client, "a") \
    CODE(exo_client_bounds, g->client, &bounds) \
    NONE(exo_client_bounds_of, g->client) \
    CODE(exo_client_next, g->client, -1, &event) \
    NOTHING(exo_client_wakeup, g->client) \
    X(exo_client_fd, exo_client_fd(g->client) == -1) \
    CODE(exo_client_watch, g->client, no_watch, NULL) \
    CODE(exo_client_ready, g->client, 0, EXO_WATCH_READ) \
    X(exo_client_timeout, exo_client_timeout(g->client) == 0) \
    CODE(exo_client_body, g->client, g->request, NULL, no_write, NULL) \
    CODE(exo_client_body_value, g->client, &cursor, NULL, no_write, NULL) \
    CODE(exo_client_models, g->client, "a", no_span, NULL, &failure) \
    CODE(exo_client_root, g->client, "a", no_span, NULL, &failure) \
    X(exo_client_message, exo_client_message(g->client)[0] != '\0') \
    NONE(exo_call_start, g->client, g->request, NULL, NULL) \
    NONE(exo_call_start_value, g->client, &cursor, NULL, NULL) \
    NONE(exo_call_start_raw, g->client, &source, NULL, NULL) \
    NOTHING(exo_call_resume, g->call) \
    X(exo_call_user, !exo_call_user(g->call) == !g->call) \
    CODE(exo_call_hold, g->call, true) \
    NOTHING(exo_call_cancel, g->call) \
    NONE(exo_call_reply, g->call) \
    NOTHING(exo_call_free, g->call) \
    NONE(exo_chat, g->client, g->request, no_span, NULL) \
    NONE(exo_chat_events, g->client, g->request, NULL, NULL, NULL) \
    X(exo_reply_failure, exo_reply_failure(g->reply) != NULL && exo_reply_failure(g->reply)->message[0] != '\0') \
    X(exo_reply_answer, !exo_reply_answer(g->reply, 0) == !g->reply) \
    X(exo_reply_attempts, exo_reply_attempts(g->reply) == (g->reply != NULL)) \
    X(exo_reply_attempt, !exo_reply_attempt(g->reply, 0) == !g->reply) \
    X(exo_reply_deployment, strcmp(exo_reply_deployment(g->reply), g->reply ? "x" : "") == 0) \
    X(exo_reply_milliseconds, exo_reply_milliseconds(g->reply) == 0) \
    X(exo_reply_outcome, exo_reply_outcome(g->reply) == EXO_OUTCOME_FAILED) \
    X(exo_reply_request_id, exo_reply_request_id(g->reply)[0] == '\0') \
    X(exo_reply_service_tier, exo_reply_service_tier(g->reply).len == 0) \
    X(exo_reply_free, g->reply || (exo_reply_free(g->reply), true)) \
    X(exo_client_new, (own = exo_client_new(NULL)) != NULL && exo_client_fallback(own, "a", "b") == EXO_OK && \
                          exo_client_next(own, 0, &event) == EXO_IDLE) \
    NOTHING(exo_client_free, own) \
    NOTHING(exo_client_free, g->client)

/* Asks them all. How many do something else; which ones is said. */
static int ask_all(const given *g)
{
    exo_event event;
    exo_failure failure;
    exo_client *own = NULL;
    int failed = 0;
#define X(function, is_right) \
    if (!(is_right)) { \
        print_error("%s, given %s\n", #function, g->client ? "the parent's" : "NULL"); \
        failed++; \
    }
    ENTRIES
#undef X
    return failed;
}

/* What is asked of no answer. */
static int ask_no_answer(void)
{
    static const exo_usage unknown = EXO_USAGE_INIT;
    const exo_span spans[] = {
        exo_answer_text(NULL),          exo_answer_reasoning(NULL),
        exo_answer_refusal(NULL),       exo_answer_reasoning_details(NULL),
        exo_answer_logprobs(NULL),      exo_answer_audio(NULL),
        exo_answer_finish_reason(NULL), exo_answer_id(NULL),
        exo_answer_model(NULL),         exo_answer_usage_json(NULL),
        exo_answer_error(NULL),         exo_answer_service_tier(NULL),
    };
    exo_buffer out;
    exo_tool_call tool;
    int failed = 0;
    exo_buffer_init(&out, NULL, 0, EXO_E_NO_MEMORY);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        failed += spans[i].len != 0;
    }
    failed += exo_answer_proof(NULL) != EXO_PROOF_NONE;
    failed += memcmp(exo_answer_usage(NULL), &unknown, sizeof unknown) != 0;
    failed += exo_answer_tool_calls(NULL) != 0 || exo_answer_tool_call(NULL, 0, &tool) != EXO_NOT_FOUND;
    failed += exo_answer_tool_arguments(NULL, 0, &out) != EXO_E_STATE || exo_answer_extra(NULL, 0, &out) != EXO_OK;
    failed += exo_answer_malformed(NULL, NULL, NULL) != 0 || exo_answer_holes(NULL) != 0;
    failed += exo_answer_raw_cut(NULL) || exo_answer_began(NULL) || exo_answer_take_text(NULL).len != 0;
    exo_answer_free(NULL);
    return failed;
}

static void null_is_allowed_everywhere(void **state)
{
    const given nothing = {.code = EXO_E_ARGUMENT};
    (void)state;
    assert_int_equal(ask_all(&nothing), 0);
    assert_int_equal(ask_no_answer(), 0);
}

/* Waits for a child, which exits with how many of its questions went wrong. */
static void expect_well(pid_t child)
{
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_child_can_do_nothing_with_what_is_its_parents(void **state)
{
    world w;
    exo_event event;
    (void)state;
    set_up(&w, NULL);
    deploy(&w, "a", "ok text:1 text:2 +5 text:3 finish:stop done end");
    deploy(&w, "x", "end:CONNECT");
    exo_call *failing = start(&w, "x", "failing");
    take_all(&w, false);
    (void)said(&w);
    exo_reply *reply = exo_call_reply(failing);
    snprintf(((exo_failure *)(uintptr_t)exo_reply_failure(reply))->message, 8, "refused");
    exo_call *call = start(&w, "a", "A");
    take_one(&w, &event);
    say_event(&w, &event, "");
    const given parents = {w.client, call, reply, w.request, EXO_E_FORKED};
    pid_t child = fork();
    if (child == 0) {
        int failed = ask_all(&parents);
        failed += strstr(exo_client_message(w.client), "fork") == NULL;
        _exit(failed);
    }
    expect_well(child);
    take_all(&w, false);
    assert_string_equal(said(&w), "1 2 3 end:OK@5");
    exo_reply_free(reply);
    tear_down(&w);
}

/* What a handler needs that forks. */
typedef struct forker {
    world *w;
    exo_event_type at;
    pid_t child; /* 0: this is it */
} forker;

static void fork_it(void *ctx, const exo_event *event)
{
    forker *f = ctx;
    say_event(f->w, event, "");
    if (event->type == f->at && f->child < 0) {
        f->child = fork();
    }
}

/* A handler that forks: the child's chat ends with nothing, and the parent's goes on. */
static void a_handler_may_fork(void **state)
{
    static const exo_event_type types[] = {EXO_EVENT_TEXT, EXO_EVENT_FALLBACK, EXO_EVENT_END};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        world w;
        forker f = {&w, types[i], -1};
        set_up(&w, "fallback");
        deploy(&w, "a", "end:CONNECT");
        deploy(&w, "b", "ok text:1 +5 text:2 finish:stop done end");
        assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
        exo_reply *reply = exo_chat_events(w.client, w.request, &w.options, fork_it, &f);
        if (f.child == 0) {
            /* As the README has it. */
            const exo_failure *failure = exo_reply_failure(reply);
            bool is_well = !reply && failure && strstr(exo_client_message(w.client), "fork");
            exo_reply_free(reply);
            exo_client_free(w.client);
            _exit(!is_well);
        }
        expect_well(f.child);
        assert_null(exo_reply_failure(reply));
        assert_string_equal(said(&w), "fallback:CONNECT#0>b 1 2 end:OK@5");
        exo_reply_free(reply);
        tear_down(&w);
    }
}

static void fork_in_record(void *ctx, const exo_record *record)
{
    forker *f = ctx;
    (void)record;
    if (f->child == 0) { /* what else comes is the parent's to be told */
        _exit(2);
    }
    if (f->child < 0) {
        f->child = fork();
    }
}

/* So may a hook that is called in the middle of something: what the child was in ends at once. */
static void a_hook_may_fork(void **state)
{
    world w;
    exo_event event;
    forker f = {&w, EXO_EVENT_NONE, -1};
    (void)state;
    set_up(&w, NULL);
    w.client->log.hook = fork_in_record;
    w.client->log.ctx = &f;
    deploy(&w, "a", "end:CONNECT");
    deploy(&w, "b", "+5 ok text:1 finish:stop done end");
    deploy(&w, "x", "end:CONNECT");
    assert_int_equal(exo_client_fallback(w.client, "a", "b"), EXO_OK);
    start(&w, "a", "A");
    start(&w, "x", "X"); /* it has records too, in the same round */
    int code = exo_client_next(w.client, -1, &event);
    if (f.child == 0) {
        _exit(code != EXO_E_FORKED);
    }
    expect_well(f.child);
    assert_int_equal(code, EXO_EVENT);
    say_event(&w, &event, "");
    take_all(&w, false);
    assert_string_equal(said(&w), "end:CONNECT@0 1 end:OK@5");
    tear_down(&w);
}

/* Whether the table has a row for the function whose name begins at `name`. */
static bool is_in_table(const char *name, size_t len)
{
    static const char *const rows[] = {
#define X(function, is_right) #function,
        ENTRIES
#undef X
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i]) == len && strncmp(rows[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* A function that a header declares and the table lacks. */
static int missing_of(const char *header)
{
    char path[512];
    char line[1024];
    int missing = 0;
    snprintf(path, sizeof path, "%s/../../include/exochat/%s", EXO_TEST_DATA_DIR, header);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        const char *name = strstr(line, "exo_");
        const char *open = strchr(line, '(');
        bool declares = line[0] >= 'a' && line[0] <= 'z' && strncmp(line, "typedef", 7) != 0 && open;
        for (; declares && name && name < open; name = strstr(name + 1, "exo_")) {
            size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");
            if (name + len == open && !is_in_table(name, len)) {
                print_error("%s: %.*s() has no row\n", header, (int)len, name);
                missing++;
            }
        }
    }
    fclose(file);
    return missing;
}

static void the_table_has_every_function(void **state)
{
    static const char *const headers[] = {"client.h", "call.h", "reply.h"};
    int missing = 0;
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        missing += missing_of(headers[i]);
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_allowed_everywhere),
        cmocka_unit_test(a_child_can_do_nothing_with_what_is_its_parents),
        cmocka_unit_test(a_handler_may_fork),
        cmocka_unit_test(a_hook_may_fork),
        cmocka_unit_test(the_table_has_every_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
