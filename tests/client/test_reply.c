/*
 * test_reply.c: what a call came to, and what the endpoint said of its response beside the answer, over a transport
 * that follows a script (fake_transport.h). No socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/engine.h"
#include "fake_transport.c"

#define CHUNK(members) "raw:data:{" members "}\n\n "
#define DELTA(members) CHUNK("\"choices\":[{\"delta\":{" members "}}]")
#define CHOICE(number, finish) \
    CHUNK("\"choices\":[{\"index\":" number ",\"delta\":{\"content\":\"x\"},\"finish_reason\":\"" finish "\"}]")

static const struct {
    const char *script;
    exo_outcome outcome;
    const char *request_id;
    const char *tier;
} rows[] = {
    /* whole answers */
    {"ok text:a finish:stop done end", EXO_OUTCOME_COMPLETE, "", ""},
    {"ok text:a done end", EXO_OUTCOME_COMPLETE, "", ""},
    {"ok text:a finish:tool_calls done end", EXO_OUTCOME_COMPLETE, "", ""},
    {"ok text:a finish:a-word-that-nobody-knows done end", EXO_OUTCOME_COMPLETE, "", ""},

    /* cut by their length */
    {"ok text:a finish:length done end", EXO_OUTCOME_CUT, "", ""},
    {"ok text:a finish:MAX_TOKENS end", EXO_OUTCOME_CUT, "", ""},
    {"ok text:a finish:model_length done end", EXO_OUTCOME_CUT, "", ""},

    /* filtered, and refused */
    {"ok text:a finish:content_filter done end", EXO_OUTCOME_FILTERED, "", ""},
    {"ok text:a finish:SAFETY done end", EXO_OUTCOME_FILTERED, "", ""},
    {"ok " DELTA("\"refusal\":\"no\"") "finish:stop done end", EXO_OUTCOME_REFUSED, "", ""},
    {"ok " DELTA("\"refusal\":\"no\"") "finish:content_filter done end", EXO_OUTCOME_REFUSED, "", ""},
    {"ok " DELTA("\"refusal\":\"\"") "text:a finish:stop done end", EXO_OUTCOME_COMPLETE, "", ""},

    /* of several choices the one that came to least */
    {"ok " CHOICE("0", "stop") CHOICE("1", "length") "done end", EXO_OUTCOME_CUT, "", ""},
    {"ok " CHOICE("0", "SAFETY") CHOICE("1", "length") "done end", EXO_OUTCOME_FILTERED, "", ""},
    {"ok " CHOICE("0", "stop") CHOICE("1", "stop") "done end", EXO_OUTCOME_COMPLETE, "", ""},

    /* failures, whatever had come before them */
    {"ok text:a end", EXO_OUTCOME_FAILED, "", ""},
    {"ok text:a finish:error done end", EXO_OUTCOME_FAILED, "", ""},
    {"ok text:a finish:length end:EVENT_LIMIT", EXO_OUTCOME_CUT, "", ""},
    {"ok " DELTA("\"refusal\":\"no\"") "end", EXO_OUTCOME_FAILED, "", ""},
    {"conn sent 401 raw:{\"error\":\"no\"} end", EXO_OUTCOME_FAILED, "", ""},
    {"refuse:TLS", EXO_OUTCOME_FAILED, "", ""},

    /* ids of responses, the best header first, without the key */
    {"conn sent 200:x-request-id=r-1 text:a finish:stop done end", EXO_OUTCOME_COMPLETE, "r-1", ""},
    {"conn sent 200:request-id=r-2,cf-ray=ray text:a finish:length done end", EXO_OUTCOME_CUT, "r-2", ""},
    {"conn sent 200:cf-ray=ray text:a done end", EXO_OUTCOME_COMPLETE, "ray", ""},
    {"conn sent 200:x-request-id=r-3 text:a end", EXO_OUTCOME_FAILED, "r-3", ""},
    {"conn sent 500:x-request-id=r-4 end", EXO_OUTCOME_FAILED, "r-4", ""},
    {"conn sent 200:x-request-id=of-sk-0123456789abcdef text:a done end", EXO_OUTCOME_COMPLETE, "of-***", ""},

    /* service tiers: the last that says something */
    {"ok " CHUNK("\"service_tier\":\"flex\",\"choices\":[]") "text:a finish:stop done end", EXO_OUTCOME_COMPLETE, "",
     "flex"},
    {"ok " CHUNK("\"service_tier\":\"auto\",\"choices\":[]") "text:a finish:stop " CHUNK(
         "\"service_tier\":null,\"choices\":[]") CHUNK("\"choices\":[],\"service_tier\":\"default\"") "done end",
     EXO_OUTCOME_COMPLETE, "", "default"},
    {"ok " CHUNK("\"service_tier\":7,\"choices\":[]") "text:a done end", EXO_OUTCOME_COMPLETE, "", ""},
    {"ok " CHUNK("\"service_tier\":\"0123456789012345678901234567890123456789\"") "text:a done end",
     EXO_OUTCOME_COMPLETE, "", "0123456789012345678901234567890"},
    {"ok raw:{\"service_tier\":\"scale\",\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]} "
     "end",
     EXO_OUTCOME_COMPLETE, "", "scale"},
    {"ok " CHUNK("\"service_tier\":\"flex\"") "text:a end", EXO_OUTCOME_FAILED, "", "flex"},
};

static exo_client *client_over(fake *f)
{
    static const exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    exo_client *client = exo_engine_new(&options, fake_transport(f));
    deployment.base_url = "http://a.example/v1";
    deployment.api_key = "sk-0123456789abcdef";
    assert_int_equal(exo_client_deploy(client, "a", &deployment), EXO_OK);
    return client;
}

static exo_request *request_of_text(void)
{
    exo_request *request = exo_request_new("a");
    assert_int_equal(exo_request_text(request, EXO_USER, "?"), EXO_OK);
    return request;
}

static void check_reply(size_t row)
{
    fake *f = fake_open();
    exo_client *client = client_over(f);
    exo_request *request = request_of_text();
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.choices = 2;
    fake_script(f, "a", rows[row].script);
    exo_reply *reply = exo_chat_events(client, request, &options, NULL, NULL);
    bool failed = exo_reply_failure(reply) != NULL;
    if (exo_reply_outcome(reply) != rows[row].outcome) {
        print_error("%s: %s\n", rows[row].script,
                    failed ? exo_error_name(exo_reply_failure(reply)->code) : "no failure");
    }
    assert_int_equal(exo_reply_outcome(reply), rows[row].outcome);
    assert_int_equal(failed, rows[row].outcome >= EXO_OUTCOME_FAILED);
    assert_string_equal(exo_reply_request_id(reply), rows[row].request_id);
    exo_span tier = exo_reply_service_tier(reply);
    assert_int_equal(tier.len, strlen(rows[row].tier));
    assert_memory_equal(tier.len > 0 ? tier.ptr : "", rows[row].tier, tier.len);
    exo_reply_free(reply);
    exo_request_free(request);
    exo_client_free(client);
}

static void what_calls_come_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_reply(i);
    }
}

static void a_cancelled_call(void **state)
{
    fake *f = fake_open();
    exo_client *client = client_over(f);
    exo_request *request = request_of_text();
    exo_event event;
    (void)state;
    fake_script(f, "a", "conn sent 200:x-request-id=r text:a +1000 text:b finish:stop done end");
    exo_call *call = exo_call_start(client, request, NULL, NULL);
    assert_int_equal(exo_client_next(client, -1, &event), EXO_EVENT);
    exo_call_cancel(call);
    exo_reply *reply = exo_call_reply(call);
    assert_int_equal(exo_reply_outcome(reply), EXO_OUTCOME_CANCELLED);
    assert_string_equal(exo_reply_request_id(reply), "r");
    exo_reply_free(reply);
    exo_call_free(call);
    exo_request_free(request);
    exo_client_free(client);
}

static void no_reply(void **state)
{
    (void)state;
    assert_int_equal(exo_reply_outcome(NULL), EXO_OUTCOME_FAILED);
    assert_string_equal(exo_reply_request_id(NULL), "");
    assert_int_equal(exo_reply_service_tier(NULL).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_calls_come_to),
        cmocka_unit_test(a_cancelled_call),
        cmocka_unit_test(no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
