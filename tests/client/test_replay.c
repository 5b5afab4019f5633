/*
 * test_replay.c: what an assistant has said, as a message of the next request: streams of data, and the message that
 * each becomes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/heap.h"
#include "../../src/client/reply.h"
#include "../../src/client/request_tree.h"
#include "failing_heap.h"

/* A reply whose answer came as these deltas, a `|` between each two; `finish` ends it. */
static exo_reply *reply_of(const char *deltas, const char *finish, unsigned keep)
{
    char event[2048];
    exo_intake intake;
    exo_intake_event shown;
    exo_failure failure;
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    exo_reply *reply = exo_reply_new(exo_limits_host(), 1, keep);
    assert_non_null(reply);
    exo_failure_clear(&failure);
    options.allocator = &exo_heap;
    options.limits = exo_limits_host();
    options.answers = reply->answers;
    options.answer_count = 1;
    options.failure = &failure;
    assert_int_equal(exo_intake_init(&intake, &options), EXO_OK);
    exo_intake_status(&intake, 200);
    while (*deltas) {
        size_t len = strcspn(deltas, "|");
        snprintf(event, sizeof event, "data: {\"choices\":[{\"index\":0,\"delta\":%.*s}]}\n\n", (int)len, deltas);
        assert_int_equal(exo_intake_feed(&intake, exo_span_text(event)), EXO_OK);
        while (exo_intake_next(&intake, &shown) == EXO_EVENT) {
        }
        deltas += len + (deltas[len] == '|');
    }
    snprintf(event, sizeof event, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n",
             finish);
    assert_int_equal(exo_intake_feed(&intake, exo_span_text(event)), EXO_OK);
    while (exo_intake_next(&intake, &shown) == EXO_EVENT) {
    }
    exo_intake_end(&intake, EXO_OK, exo_span_of(NULL, 0));
    while (exo_intake_next(&intake, &shown) == EXO_EVENT) {
    }
    if (failure.code != EXO_OK) {
        exo_reply_fail(reply, &failure);
    }
    exo_intake_free(&intake);
    return reply;
}

/* The text of the last message, which was given as JSON. */
static exo_span last_message(const exo_request *request)
{
    const exo_node *messages = exo_request_root(request)->first;
    const exo_node *last = messages->first;
    while (last->next) {
        last = last->next;
    }
    assert_true(last->json);
    return last->text;
}

#define CALL(id, more) \
    "{\"tool_calls\":[{\"index\":0," id \
    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{a:1}\"}" more "}]}"
#define CALLED "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}"

#define TEN_DEEP "{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":"
#define TEN_UP   "}}}}}}}}}}"
#define DEEP \
    TEN_DEEP TEN_DEEP TEN_DEEP TEN_DEEP TEN_DEEP \
        "{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":{\"k\":1}}}}}}}" TEN_UP TEN_UP TEN_UP TEN_UP TEN_UP

static const struct {
    const char *what;
    const char *deltas;
    const char *finish;
    unsigned keep;
    const char *message;
} cases[] = {
    {"text", "{\"content\":\"a \\\"b\\\"\"}|{\"content\":\"\\n\"}", "stop", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"a \\\"b\\\"\\n\"}"},
    {"text that was cut by its length", "{\"content\":\"a\"}", "length", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"a\"}"},
    {"reasoning is not said again where nothing is called", "{\"reasoning_content\":\"hm\"}|{\"content\":\"a\"}",
     "stop", EXO_KEEP_ALL, "{\"role\":\"assistant\",\"content\":\"a\"}"},
    {"refusal", "{\"refusal\":\"no\"}", "stop", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":\"no\"}"},
    {"a call, repaired", CALL("\"id\":\"c\",", ""), "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\"," CALLED "}]}"},
    {"a call with what was thought", "{\"reasoning\":\"hm\"}|{\"content\":\"so\"}|" CALL("\"id\":\"c\",", ""),
     "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"so\",\"reasoning_content\":\"hm\",\"tool_calls\":[{\"id\":\"c\"," CALLED
     "}]}"},
    {"what was thought is not kept", "{\"reasoning\":\"hm\"}|" CALL("\"id\":\"c\",", ""), "tool_calls", EXO_KEEP_TOOLS,
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\"," CALLED "}]}"},
    {"details take the place of reasoning",
     "{\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"x\"}]}|" CALL(
         "\"id\":\"c\",", ""),
     "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":null,\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"x\"}"
     "],"
     "\"tool_calls\":[{\"id\":\"c\"," CALLED "}]}"},
    {"a thought's signature", CALL("\"id\":\"c\",", ",\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}"),
     "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\"," CALLED
     ",\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}]}"},
    {"members that nobody knows",
     "{\"content\":\"a\",\"reasoning_opaque\":\"o\"}|" CALL("\"id\":\"c\",", ",\"provider_specific_fields\":{\"k\":1}"),
     "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"c\"," CALLED
     ",\"provider_specific_fields\":{\"k\":1}}],\"reasoning_opaque\":\"o\"}"},
    {"a call without an id", CALL("", ""), "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_2_0\"," CALLED "}]}"},
    {"function_call", "{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}", "function_call", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}"},
    {"what is not fit for a request is left out",
     "{\"content\":\"a\\u0000\xFF\",\"reasoning_details\":[{\"data\":\"\xFF\"}],\"odd\":{\"k\":1,\"k\":2},"
     "\"deep\":" DEEP ",\"good\":{\"k\":1},\"bad\xFF\":\"b\"}|" CALL(
         "\"id\":\"c\",", ",\"extra_content\":{\"x\":{\"k\":1,\"\\u006b\":2}}"),
     "tool_calls", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"a\\u0000\xEF\xBF\xBD\",\"reasoning_details\":[{\"data\":\"\xEF\xBF\xBD\"}],"
     "\"tool_calls\":[{\"id\":\"c\"," CALLED "}],\"good\":{\"k\":1}}"},
    {"audio is known by its id", "{\"audio\":{\"id\":\"audio_1\",\"data\":\"AA==\"}}", "stop", EXO_KEEP_ALL,
     "{\"role\":\"assistant\",\"content\":\"\",\"audio\":{\"id\":\"audio_1\"}}"},
};

static void test_what_an_answer_becomes(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_request *request = exo_request_new("m");
        assert_int_equal(exo_request_set_model(request, NULL), EXO_OK);
        assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
        exo_reply *reply = reply_of(cases[i].deltas, cases[i].finish, cases[i].keep);
        if (exo_reply_failure(reply)) {
            fail_msg("%s: %s", cases[i].what, exo_error_name(reply->failure->code));
        }
        assert_int_equal(exo_request_answer(request, reply), EXO_OK);
        assert_int_equal(exo_request_messages(request), 2);
        exo_span message = last_message(request);
        if (!exo_span_is(message, cases[i].message)) {
            print_error("%s:\n%.*s\nnot\n%s\n", cases[i].what, (int)message.len, message.ptr, cases[i].message);
            failed++;
        }
        exo_reply_free(reply);
        exo_request_free(request);
    }
    assert_int_equal(failed, 0);
}

static void test_what_is_no_turn(void **state)
{
    (void)state;
    exo_reply *cut = reply_of(CALL("\"id\":\"c\",", ""), "length", EXO_KEEP_ALL);
    exo_reply *failed = reply_of("{}", "stop", EXO_KEEP_ALL);
    exo_reply_fail_saying(failed, EXO_E_RECEIVE, exo_span_of(NULL, 0));
    const struct {
        const exo_reply *reply;
        int code;
    } replies[] = {{NULL, EXO_E_ARGUMENT}, {cut, EXO_E_STATE}, {failed, EXO_E_STATE}};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        exo_request *request = exo_request_new(NULL);
        assert_int_equal(exo_request_answer(request, replies[i].reply), replies[i].code);
        assert_int_equal(exo_request_error(request), replies[i].code); /* sticky, as all calls on a request are */
        assert_int_equal(exo_request_answer(request, NULL), replies[i].code);
        assert_int_equal(exo_request_messages(request), 0);
        exo_request_free(request);
    }
    assert_int_equal(exo_request_answer(NULL, cut), EXO_E_ARGUMENT);
    exo_reply_free(cut);
    exo_reply_free(failed);
}

/* What a text node of the message number `index`, or its member number `member`, says. */
static exo_span text_at(const exo_request *request, size_t index, size_t member)
{
    const exo_node *message = exo_request_root(request)->first->first;
    while (index-- > 0) {
        message = message->next;
    }
    const exo_node *node = message->first;
    while (member-- > 0) {
        node = node->next;
    }
    return node->text;
}

static void test_results_of_calls_without_an_id(void **state)
{
    (void)state;
    exo_reply *reply = reply_of("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
                                "{\"index\":1,\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}",
                                "tool_calls", EXO_KEEP_ALL);
    exo_request *request = exo_request_new(NULL);
    assert_int_equal(exo_request_answer(request, reply), EXO_OK);
    assert_int_equal(exo_request_tool(request, exo_span_of(NULL, 0), exo_span_text("1")), EXO_OK);
    assert_int_equal(exo_request_tool(request, exo_span_of(NULL, 0), exo_span_text("2")), EXO_OK);
    assert_int_equal(exo_request_answer(request, reply), EXO_OK);
    assert_int_equal(exo_request_tool(request, exo_span_of(NULL, 0), exo_span_text("3")), EXO_OK);
    assert_true(exo_span_is(text_at(request, 1, 1), "call_1_0"));
    assert_true(exo_span_is(text_at(request, 2, 1), "call_1_1"));
    assert_true(exo_span_is(text_at(request, 4, 1), "call_4_0"));
    exo_reply_free(reply);
    reply = reply_of("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}", "function_call", EXO_KEEP_ALL);
    assert_int_equal(exo_request_answer(request, reply), EXO_OK);
    assert_int_equal(exo_request_tool(request, exo_span_of(NULL, 0), exo_span_text("4")), EXO_OK);
    assert_true(exo_span_is(text_at(request, 6, 0), "function"));
    assert_true(exo_span_is(text_at(request, 6, 1), "f"));
    exo_reply_free(reply);
    exo_request_free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_answer_becomes),
        cmocka_unit_test(test_what_is_no_turn),
        cmocka_unit_test(test_results_of_calls_without_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
