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

/* ---- lists that are not there ---- */

/* The failure of a call with these options. */
static int code_of(const fixture *f, const exo_call_options *options)
{
    exo_reply *reply = exo_chat_events(f->client, f->request, options, NULL, NULL);
    const exo_failure *failure = exo_reply_failure(reply);
    const int code = failure ? failure->code : EXO_OK;
    exo_reply_free(reply);
    return code;
}

static void headers_of_a_call_are_there(void **state)
{
    const fixture *f = *state;
    static const exo_header missing[][2] = {{{"x-a", "1"}, {NULL, "2"}}, {{"x-a", "1"}, {"x-b", NULL}}};
    static const exo_cursor no_cursor;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    for (size_t i = 0; i <= 2; i++) {
        options.headers = i < 2 ? missing[i] : NULL;
        options.header_count = 2;
        assert_int_equal(code_of(f, &options), EXO_E_ARGUMENT);
        assert_string_equal(exo_client_message(f->client), "headers: each must have a name and a value");
        options.header_count = i < 2;
        assert_int_equal(code_of(f, &options), EXO_E_CONNECT);
    }
    assert_null(exo_call_start_value(f->client, &no_cursor, NULL, NULL));
}

static void lists_of_a_deployment_are_there(void **state)
{
    const fixture *f = *state;
    static const exo_header half[] = {{"a", NULL}};
    static const exo_header other_half[] = {{NULL, "a"}};
    static const char *const none[] = {NULL};
    static const struct {
        const char *field;
        exo_deployment deployment;
    } rows[] = {
        {"headers: ", {.header_count = 1}},
        {"headers: ", {.header_count = 1, .headers = half}},
        {"headers: ", {.header_count = 1, .headers = other_half}},
        {"drop: ", {.drop_count = SIZE_MAX}},
        {"drop: ", {.drop_count = 1, .drop = none}},
        {"rename: ", {.rename_count = 1}},
        {"rename: ", {.rename_count = 1, .rename = half}},
        {"resolve: ", {.resolve_count = 1}},
        {"resolve: ", {.resolve_count = 1, .resolve = none}},
        {"ca_pem: ", {.ca_pem = {NULL, 1}}},
        {"ttft_until: ", {.ttft_until = (exo_ttft_until)(EXO_UNTIL_TOKEN + 1)}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exo_deployment deployment = rows[i].deployment;
        deployment.size = sizeof deployment;
        deployment.base_url = "http://127.0.0.1:9/v1";
        assert_int_equal(exo_client_deploy(f->client, "n", &deployment), EXO_E_ARGUMENT);
        assert_int_equal(strncmp(exo_client_message(f->client), rows[i].field, strlen(rows[i].field)), 0);
    }
}

static bool takes_all(void *ctx, exo_span bytes)
{
    (void)ctx;
    (void)bytes;
    return true;
}

/* Where something is handed out, there is somebody to take it; what is only told need not be heard. */
static void somebody_takes_what_is_handed_out(void **state)
{
    const fixture *f = *state;
    static const exo_cursor no_cursor;
    exo_failure failure;
    assert_int_equal(exo_client_body(f->client, f->request, NULL, NULL, NULL), EXO_E_ARGUMENT);
    assert_string_equal(exo_client_message(f->client), "write: is missing");
    assert_int_equal(exo_client_body_value(f->client, &no_cursor, NULL, NULL, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_body_value(f->client, &no_cursor, NULL, takes_all, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_root(f->client, "m", NULL, NULL, &failure), EXO_E_ARGUMENT);
    assert_string_equal(failure.message, "pem: is missing");
    assert_int_equal(exo_client_root(f->client, "m", NULL, NULL, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_client_models(f->client, "m", NULL, NULL, NULL), EXO_E_CONNECT);
    assert_int_equal(exo_client_models(NULL, "m", NULL, NULL, NULL), EXO_E_ARGUMENT);
    assert_int_equal(exo_json_unique((exo_span){NULL, 1}, NULL), EXO_E_ARGUMENT);
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
        cmocka_unit_test_setup_teardown(headers_of_a_call_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_of_a_deployment_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(somebody_takes_what_is_handed_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_times_never_run_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
