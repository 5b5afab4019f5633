/*
 * test_limits_check.c: every limit at 0, at 1, at its maximum and beyond: what a client makes of it, and what calls and
 * the core do with it. Nothing may be read or written where it is not to be: a sanitizer watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/engine.h"
#include "../../src/client/heap.h"
#include "../../src/client/limits_check.h"

#include "fake_transport.c"

#include "exochat/http1.h"
#include "exochat/intake.h"

static const struct {
    const char *name;
    size_t at;
    uint32_t most;
} rows[] = {
#define EXO_X(name, host, micro, what) \
    {#name, offsetof(exo_limits, name), \
     sizeof(#name) == sizeof("choices") && #name[0] == 'c' ? EXO_CHOICES_MAX \
     : sizeof(#name) == 6 && #name[0] == 'd'               ? EXO_JSON_DEPTH_MAX \
     : sizeof(#name) == 5 && #name[0] == 'k'               ? EXO_KEYS_MAX \
                                                           : UINT32_MAX},
    EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
};
enum {
    ROWS = sizeof rows / sizeof rows[0]
};

/* What is tried of each: one below, the least, one more, as most calls have it, the maximum, and beyond. */
static const uint32_t numbers[] = {0, 1, 2, 3, 63, 64, 65, 1024, 1025, UINT32_MAX - 1, UINT32_MAX};

enum {
    NUMBERS = sizeof numbers / sizeof numbers[0]
};

static exo_limits limits_with(size_t row, uint32_t number)
{
    exo_limits limits = *exo_limits_host();
    memcpy((char *)&limits + rows[row].at, &number, sizeof number);
    return limits;
}

static bool is_good(size_t row, uint32_t number)
{
    return number >= 1 && number <= rows[row].most;
}

static void each_is_one_to_its_maximum(void **state)
{
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < NUMBERS; i++) {
            exo_limits limits = limits_with(row, numbers[i]);
            char message[96] = "";
            char expected[96] = "";
            int code = exo_limits_check(&limits, message, sizeof message);
            if (!is_good(row, numbers[i])) {
                snprintf(expected, sizeof expected, "limits.%s: must be 1 to %lu, not %lu", rows[row].name,
                         (unsigned long)rows[row].most, (unsigned long)numbers[i]);
            }
            assert_int_equal(code, is_good(row, numbers[i]) ? EXO_OK : EXO_E_ARGUMENT);
            assert_string_equal(message, expected);
        }
    }
}

/* Something for every limit. */
#define STREAM \
    "ok raw:event:x\n raw:id:1\n text:hello raw:data:{\"choices\":[{\"index\":0,\"delta\":{ " \
    "raw:\"reasoning_content\":\"r\",\"tool_calls\":[{\"index\":0,\"id\":\"call-1\",\"function\": " \
    "raw:{\"name\":\"first\",\"arguments\":\"{}\"}},{\"index\":1,\"id\":\"call-2\",\"function\": " \
    "raw:{\"name\":\"second\",\"arguments\":\"{\\\"a\\\":[[1]]}\"}}]},\"logprobs\":{\"a\":1}}, " \
    "raw:{\"index\":1,\"delta\":{\"content\":\"other\"}},{\"index\":7,\"delta\":{\"content\":\"far\"}}]}\n\n " \
    "finish:stop usage done end"

static const char *const scripts[] = {STREAM, "conn sent 500:a=b,c=d raw:{\"error\":{\"message\":\"broken\"}} end",
                                      "ok raw:{\"choices\":[{\"index\":0,\"message\":{\"content\":\"whole\"}}]} end",
                                      "ok raw:nonsense end"};

/* A call with these limits that wants `choices`, to its end. */
static void call_with(const exo_limits *limits, const char *script, uint32_t choices, bool expected)
{
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    exo_call_options call_options = EXO_CALL_OPTIONS_INIT;
    exo_event event;
    fake *f = fake_open();
    options.limits = limits;
    exo_client *client = exo_engine_new(&options, fake_transport(f));
    assert_int_equal(client != NULL, expected);
    if (!client) {
        return;
    }
    deployment.base_url = "https://api.example/v1";
    deployment.extra_body = "{\"n\":2,\"x\":{\"y\":[1]}}";
    fake_script(f, "a", script);
    assert_int_equal(exo_client_deploy(client, "a", &deployment), EXO_OK);
    exo_request *request = exo_request_new("a");
    assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
    call_options.choices = choices;
    exo_call *call = exo_call_start(client, request, &call_options, NULL);
    for (int steps = 0; call && exo_client_next(client, -1, &event) == EXO_EVENT; steps++) {
        assert_true(steps < 100);
    }
    exo_call_free(call);
    exo_client_free(client);
    exo_request_free(request);
}

static void calls_with_each(void **state)
{
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < NUMBERS; i++) {
            for (size_t k = 0; k < sizeof scripts / sizeof scripts[0]; k++) {
                exo_limits limits = limits_with(row, numbers[i]);
                for (uint32_t choices = 0; choices < 3; choices++) {
                    call_with(&limits, scripts[k], choices, is_good(row, numbers[i]));
                }
                call_with(&limits, scripts[k], 16, is_good(row, numbers[i]));
            }
        }
    }
}

/* The core checks nothing: a limit of 0 is one that everything reaches. */
static void intakes_with_each(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\",\"reasoning_content\":\"r\"}}]}\n\n"
        "event: message\nid: 7\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"a\":{}}}\n\n"
        "data: [DONE]\n\n",
        "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}]}",
        "{\"error\":\"broken\"}",
        "<html></html>",
        "  \n",
    };
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < NUMBERS; i++) {
            for (size_t k = 0; k < 2 * sizeof bodies / sizeof bodies[0]; k++) {
                exo_limits limits = limits_with(row, numbers[i]);
                exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
                exo_intake intake;
                exo_intake_event event;
                exo_failure failure;
                exo_answer answer;
                exo_failure_clear(&failure);
                exo_answer_init(&answer, &exo_heap, &limits, 0, EXO_KEEP_ALL);
                options.allocator = &exo_heap;
                options.limits = &limits;
                options.answers = &answer;
                options.answer_count = 1;
                options.failure = &failure;
                assert_int_equal(exo_intake_init(&intake, &options), EXO_OK);
                exo_intake_status(&intake, k % 2 ? 500 : 200);
                const char *body = bodies[k / 2];
                for (size_t at = 0, len = strlen(body); at < len; at += 7) {
                    (void)exo_intake_feed(&intake, exo_span_of(body + at, len - at < 7 ? len - at : 7));
                    while (exo_intake_next(&intake, &event) == EXO_EVENT) {
                    }
                }
                exo_intake_end(&intake, EXO_OK, exo_span_of(NULL, 0));
                while (exo_intake_next(&intake, &event) == EXO_EVENT) {
                }
                exo_intake_free(&intake);
                exo_answer_free(&answer);
            }
        }
    }
}

static void heads_with_each(void **state)
{
    (void)state;
    static const char response[] = "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "01;x=y\r\na\r\n0\r\nT: u\r\n\r\n";
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < NUMBERS; i++) {
            exo_limits limits = limits_with(row, numbers[i]);
            exo_http1_response parser;
            exo_http1_event event;
            exo_buffer carry;
            int code;
            exo_buffer_init(&carry, &exo_heap, 4096, EXO_E_HEAD_LIMIT);
            exo_http1_response_init(&parser, &limits, &carry);
            (void)exo_http1_response_feed(&parser, exo_span_text(response));
            while ((code = exo_http1_response_next(&parser, &event)) == EXO_EVENT) {
            }
            if (is_good(row, numbers[i]) && numbers[i] > 1024) {
                assert_true(code >= 0); /* a limit that is never reached does not wrap */
            }
            exo_buffer_free(&carry);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_one_to_its_maximum),
        cmocka_unit_test(calls_with_each),
        cmocka_unit_test(intakes_with_each),
        cmocka_unit_test(heads_with_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
