/*
 * test_misuse.c: what the hosted library says to calls that cannot be meant: missing names, structs that did not begin
 * with their macro, times beyond all reason. No network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "exochat/client.h"

/* A client with the deployment "m" at a port where nobody listens, and a request for it. */
typedef struct fixture {
    exo_client *client;
    exo_request *request;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = "http://127.0.0.1:9/v1";
    deployment.proxy = "";
    f.client = exo_client_new(NULL);
    f.request = exo_request_new("m");
    *state = &f;
    return !f.client || !f.request || exo_client_deploy(f.client, "m", &deployment) != EXO_OK ||
           exo_request_text(f.request, EXO_USER, "hello") != EXO_OK;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    exo_client_free(f->client);
    exo_request_free(f->request);
    return 0;
}

static void names_are_needed(void **state)
{
    const fixture *f = *state;
    exo_failure failure;
    assert_int_equal(exo_client_fallback(f->client, NULL, "m"), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_fallback(f->client, "m", NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_context_fallback(f->client, "", "m"), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_context_fallback(f->client, "m", ""), EXO_E_ARGUMENT);
    assert_string_not_equal(exo_client_message(f->client), "");
    assert_null(exo_client_model(f->client, 1));
    assert_int_equal(exo_client_models(f->client, NULL, NULL, NULL, &failure), EXO_E_UNKNOWN_MODEL);
    assert_int_equal(exo_client_body(f->client, NULL, "m", NULL, NULL), EXO_E_ARGUMENT);
    assert_null(exo_call_start(f->client, NULL, NULL, NULL));
    assert_null(exo_call_start(NULL, f->request, NULL, NULL));
}

static void structs_begin_with_their_macros(void **state)
{
    const fixture *f = *state;
    exo_client_options options;
    exo_deployment deployment;
    exo_route_policy policy;
    exo_call_options call;
    memset(&options, 0, sizeof options);
    memset(&deployment, 0, sizeof deployment);
    memset(&policy, 0, sizeof policy);
    memset(&call, 0, sizeof call);
    assert_null(exo_client_new(&options));
    assert_int_equal(exo_client_deploy(f->client, "m", &deployment), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_policy(f->client, "m", &policy), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_policy(f->client, "m", NULL), EXO_E_ARGUMENT);
    exo_bounds bounds;
    memset(&bounds, 0, sizeof bounds);
    assert_int_equal(exo_client_bounds(f->client, &bounds), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_bounds(f->client, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_bounds(NULL, &bounds), EXO_E_ARGUMENT);
    assert_null(exo_client_bounds_of(NULL));
    assert_int_equal(exo_client_bounds_of(f->client)->lookups, 16);
    exo_reply *reply = exo_chat_events(f->client, f->request, &call, NULL, NULL);
    assert_non_null(reply);
    assert_int_equal(exo_reply_failure(reply)->code, EXO_E_ARGUMENT);
    assert_int_equal(exo_reply_attempts(reply), 0);
    exo_reply_free(reply);
}

static void the_longest_times_never_run_out(void **state)
{
    const fixture *f = *state;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.total_timeout = INT64_MAX;
    exo_call *call = exo_call_start(f->client, f->request, &options, NULL);
    assert_non_null(call);
    exo_event event;
    assert_int_equal(exo_client_next(f->client, INT64_MAX, &event), EXO_EVENT);
    assert_int_equal(event.type, EXO_EVENT_END);
    assert_int_equal(event.failure->code, EXO_E_CONNECT);
    exo_call_free(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(structs_begin_with_their_macros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_times_never_run_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
