/*
 * test_deployments.c: what a client tells of its deployments, of which no secret is ever part; lists that are set
 * whole; and models that are removed while calls of them are under way, over a transport that follows a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/client/engine.h"
#include "fake_transport.c"

#define SECRET "s3cr3t"

/* ---- what is shown ---- */

static const struct {
    const char *given;
    const char *shown;
} urls[] =
    {
        {"https://h/v1", "https://h/v1"},
        {"https://h/v1?", "https://h/v1?"},
        {"https://h/v1?key=" SECRET, "https://h/v1?key=***"},
        {"https://h/v1?" SECRET, "https://h/v1?***"},
        {"https://h?a=1&key=" SECRET "&b=&c&=" SECRET "&", "https://h?a=***&key=***&b=&***&=***&"},
        {"https://h/v1?a=b=" SECRET, "https://h/v1?a=***"},
},
  proxies[] = {
      {"", ""},
      {"http://p:3128", "http://p:3128"},
      {"http://user:" SECRET "@p:3128", "http://***@p:3128"},
      {"socks5h://" SECRET "@p:1080/", "socks5h://***@p:1080/"},
};

static exo_client *new_client(fake *f)
{
    static const exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    return exo_engine_new(&options, fake_transport(f));
}

/* Everything of it that is text, one behind the other. */
static void look_for_secrets(const exo_deployment *shown)
{
    const char *const texts[] = {shown->base_url, shown->api_key, shown->auth_header, shown->auth_scheme,
                                 shown->model,    shown->proxy,   shown->ca_file,     shown->unix_socket};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(!texts[i] || !strstr(texts[i], SECRET));
    }
    for (size_t i = 0; i < shown->header_count; i++) {
        assert_null(strstr(shown->headers[i].value, SECRET));
    }
}

static void no_secret_is_shown(void **state)
{
    static const exo_header headers[] = {{"Authorization", "Bearer " SECRET}, {"X-Key", SECRET}, {"X-Empty", ""}};
    exo_client *client = new_client(fake_open());
    exo_deployment given = EXO_DEPLOYMENT_INIT;
    (void)state;
    given.api_key = SECRET;
    given.headers = headers;
    given.header_count = 3;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        for (size_t k = 0; k < sizeof proxies / sizeof proxies[0]; k++) {
            given.base_url = urls[i].given;
            given.proxy = proxies[k].given;
            assert_int_equal(exo_client_deploy(client, "m", &given), EXO_OK);
            exo_deployment *shown = exo_client_deployment_of(client, "m");
            assert_non_null(shown);
            look_for_secrets(shown);
            assert_null(shown->api_key);
            assert_string_equal(shown->base_url, urls[i].shown);
            assert_string_equal(shown->proxy, proxies[k].shown);
            assert_int_equal(shown->header_count, 3);
            assert_string_equal(shown->headers[1].name, "X-Key");
            assert_string_equal(shown->headers[1].value, "***");
            exo_deployment_free(shown);
        }
    }
    exo_client_free(client);
    exo_deployment_free(NULL);
}

static void the_rest_is_shown(void **state)
{
    static const char *const drop[] = {"user", "seed"};
    static const exo_header rename[] = {{"max_tokens", "max_completion_tokens"}};
    exo_client *client = new_client(fake_open());
    exo_deployment given = EXO_DEPLOYMENT_INIT;
    (void)state;
    given.base_url = "https://h/v1";
    given.model = "other";
    given.extra_body = "{\"a\":1}";
    given.drop = drop;
    given.drop_count = 2;
    given.rename = rename;
    given.rename_count = 1;
    given.request_timeout = 7;
    given.http2 = true;
    given.ca_pem = exo_span_text("PEM");
    assert_int_equal(exo_client_deploy(client, "m", &given), EXO_OK);
    exo_deployment *shown = exo_client_deployment_of(client, "m");
    assert_int_equal(exo_client_remove(client, "m"), EXO_OK); /* the copy is the caller's */
    assert_int_equal(shown->size, sizeof *shown);
    assert_string_equal(shown->model, "other");
    assert_string_equal(shown->extra_body, "{\"a\":1}");
    assert_string_equal(shown->drop[1], "seed");
    assert_string_equal(shown->rename[0].value, "max_completion_tokens");
    assert_int_equal(shown->request_timeout, 7);
    assert_int_equal(shown->stream_ttft_timeout, EXO_CLOCK_AUTO);
    assert_true(shown->http2 && exo_span_is(shown->ca_pem, "PEM"));
    assert_null(shown->proxy);
    assert_int_equal(exo_client_deploy(client, "m", shown), EXO_OK); /* and may be deployed, with a key of its own */
    exo_deployment_free(shown);
    exo_client_free(client);
}

static void lists_and_policies(void **state)
{
    static const char *const names[] = {"x", "y"};
    exo_client *client = new_client(fake_open());
    exo_deployment given = EXO_DEPLOYMENT_INIT;
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    (void)state;
    given.base_url = "https://h/v1";
    policy.retries = 4;
    assert_null(exo_client_policy_of(client, "m"));
    assert_int_equal(exo_client_fallbacks(client, "m", names, 2), EXO_OK);
    assert_int_equal(exo_client_context_fallbacks(client, "m", names, 1), EXO_OK);
    assert_int_equal(exo_client_fallback(client, "m", "z"), EXO_OK);
    assert_null(exo_client_policy_of(client, "m")); /* only lists are known of it */
    assert_null(exo_client_deployment_of(client, "m"));
    assert_int_equal(exo_client_deploy(client, "m", &given), EXO_OK);
    assert_int_equal(exo_client_policy(client, "m", &policy), EXO_OK);
    assert_string_equal(exo_client_fallback_of(client, "m", 1), "y");
    assert_string_equal(exo_client_fallback_of(client, "m", 2), "z");
    assert_null(exo_client_fallback_of(client, "m", 3));
    assert_string_equal(exo_client_context_fallback_of(client, "m", 0), "x");
    assert_null(exo_client_context_fallback_of(client, "m", 1));
    assert_int_equal(exo_client_policy_of(client, "m")->retries, 4);
    policy.patience = -1;
    assert_int_equal(exo_client_policy(client, "m", &policy), EXO_E_ARGUMENT);
    assert_string_equal(exo_client_message(client), "patience: must be 0 to 86400000 milliseconds");
    assert_int_equal(exo_client_fallbacks(client, "m", NULL, 0), EXO_OK);
    assert_null(exo_client_fallback_of(client, "m", 0));
    exo_client_free(client);
}

static void nothing_is_known(void **state)
{
    exo_client *client = new_client(fake_open());
    (void)state;
    const char *const names[] = {NULL, "", "m"};
    for (size_t i = 0; i < 3; i++) {
        assert_null(exo_client_deployment_of(client, names[i]));
        assert_null(exo_client_fallback_of(client, names[i], 0));
        assert_null(exo_client_context_fallback_of(client, names[i], 0));
        assert_null(exo_client_policy_of(client, names[i]));
        assert_int_equal(exo_client_remove(client, names[i]), EXO_E_UNKNOWN_MODEL);
        assert_non_null(strstr(exo_client_message(client), "model: nothing is known of "));
        assert_null(exo_client_deployment_of(NULL, names[i]));
        assert_int_equal(exo_client_remove(NULL, names[i]), EXO_E_ARGUMENT);
        assert_int_equal(exo_client_fallbacks(NULL, names[i], NULL, 0), EXO_E_ARGUMENT);
    }
    exo_client_free(client);
}

/* What a child process sees of its parent's client: 0, or the line that is not as it should be. */
static int look_from_child(exo_client *client)
{
#define SEE(condition) \
    if (!(condition)) { \
        return __LINE__ & 0xFF; \
    }
    SEE(exo_client_remove(client, "m") == EXO_E_FORKED);
    SEE(exo_client_fallbacks(client, "m", NULL, 0) == EXO_E_FORKED);
    SEE(exo_client_context_fallbacks(client, "m", NULL, 0) == EXO_E_FORKED);
    SEE(!exo_client_deployment_of(client, "m"));
    SEE(!exo_client_fallback_of(client, "m", 0));
    SEE(!exo_client_context_fallback_of(client, "m", 0));
    SEE(!exo_client_policy_of(client, "m"));
#undef SEE
    return 0;
}

static void a_child_changes_nothing(void **state)
{
    exo_client *client = new_client(fake_open());
    exo_deployment given = EXO_DEPLOYMENT_INIT;
    int status = -1;
    (void)state;
    given.base_url = "https://h/v1";
    assert_int_equal(exo_client_deploy(client, "m", &given), EXO_OK);
    assert_int_equal(exo_client_fallback(client, "m", "x"), EXO_OK);
    pid_t child = fork();
    if (child == 0) {
        _exit(look_from_child(client));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(exo_client_fallback_of(client, "m", 0), "x");
    exo_client_free(client);
}

/* ---- models that go ---- */

static exo_client *client_of_two(fake *f)
{
    exo_client *client = new_client(f);
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = "http://h/v1";
    assert_int_equal(exo_client_deploy(client, "a", &deployment), EXO_OK);
    assert_int_equal(exo_client_deploy(client, "b", &deployment), EXO_OK);
    assert_int_equal(exo_client_fallback(client, "a", "b"), EXO_OK);
    return client;
}

/* How a call for `model` ends, and who answered. */
static int outcome_of(exo_client *client, const exo_request *request, const char *model, const char *deployment)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = model;
    exo_reply *reply = exo_chat_events(client, request, &options, NULL, NULL);
    const exo_failure *failure = exo_reply_failure(reply);
    int code = failure ? failure->code : EXO_OK;
    assert_string_equal(exo_reply_deployment(reply), deployment);
    exo_reply_free(reply);
    return code;
}

static void calls_under_way_go_on(void **state)
{
    fake *f = fake_open();
    exo_client *client = client_of_two(f);
    exo_request *request = exo_request_new("a");
    exo_event event;
    (void)state;
    assert_int_equal(exo_request_text(request, EXO_USER, "?"), EXO_OK);
    fake_script(f, "a", "conn sent 503 end | ok text:a finish:stop done end");
    fake_script(f, "b", "ok text:one +10 text:two finish:stop done end");
    exo_call *call = exo_call_start(client, request, NULL, NULL);
    assert_int_equal(exo_client_remove(client, "b"), EXO_OK); /* before it is tried */
    assert_int_equal(exo_client_next(client, -1, &event), EXO_EVENT);
    assert_int_equal(exo_client_remove(client, "a"), EXO_OK); /* while it is heard */
    assert_null(exo_client_model(client, 0));
    while (event.type != EXO_EVENT_END) {
        assert_int_equal(exo_client_next(client, -1, &event), EXO_EVENT);
    }
    exo_reply *reply = exo_call_reply(call);
    assert_int_equal(exo_reply_outcome(reply), EXO_OUTCOME_COMPLETE);
    assert_string_equal(exo_reply_deployment(reply), "b");
    assert_int_equal(exo_reply_attempts(reply), 2);
    exo_reply_free(reply);
    exo_call_free(call);
    exo_request_free(request);
    exo_client_free(client);
}

static void lists_that_name_what_is_gone(void **state)
{
    static const char *const none[] = {"a"};
    fake *f = fake_open();
    exo_client *client = client_of_two(f);
    exo_request *request = exo_request_new("a");
    (void)state;
    assert_int_equal(exo_request_text(request, EXO_USER, "?"), EXO_OK);
    fake_script(f, "a", "ok text:a done end | ok text:a done end | ok text:a done end");
    assert_int_equal(outcome_of(client, request, "a", "a"), EXO_OK);
    assert_int_equal(exo_client_remove(client, "b"), EXO_OK);
    assert_int_equal(outcome_of(client, request, "a", ""), EXO_E_UNKNOWN_MODEL);
    assert_string_equal(exo_client_message(client), "fallback: no deployment is named b");
    assert_int_equal(outcome_of(client, request, "b", ""), EXO_E_UNKNOWN_MODEL);
    assert_int_equal(exo_client_fallbacks(client, "a", none, 0), EXO_OK);
    assert_int_equal(outcome_of(client, request, "a", "a"), EXO_OK);
    exo_request_free(request);
    exo_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_secret_is_shown),           cmocka_unit_test(the_rest_is_shown),
        cmocka_unit_test(lists_and_policies),           cmocka_unit_test(nothing_is_known),
        cmocka_unit_test(a_child_changes_nothing),      cmocka_unit_test(calls_under_way_go_on),
        cmocka_unit_test(lists_that_name_what_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
