/*
 * test_encoding.c: which bodies are kept as a whole, and that these are the same.
 */
#include "../../src/client/encoding.h"
#include "empty_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    BODY_ROOM = 200000
};

/* What a body is made of, beside a message of so many bytes. */
enum with {
    WITH_NOTHING,
    WITH_BYTES,  /* attached, in memory */
    WITH_SOURCE, /* attached, read while it is sent */
    WITH_DEFAULTS,
    AS_VALUE,
    AS_SETTLED_VALUE
};

/* Writes a body in windows of `size` bytes. */
static size_t write_body(exo_encoding *encoding, size_t size, char *to)
{
    size_t len = 0;
    int code = EXO_AGAIN;
    while (code == EXO_AGAIN) {
        exo_window window = {to + len, size < BODY_ROOM - len ? size : BODY_ROOM - len, 0};
        code = exo_encoding_write(encoding, &window);
        len += window.pos;
        assert_int_equal(exo_encoding_written(encoding), len);
    }
    assert_int_equal(code, EXO_OK);
    return len;
}

static exo_request *request_of(enum with with, size_t len)
{
    static const exo_source nothing = {NULL, read_nothing, rewind_nothing, NULL, EXO_SIZE_UNKNOWN};
    static char text[BODY_ROOM];
    exo_request *request = exo_request_new("m");
    memset(text, 'x', sizeof text);
    exo_request_text_span(request, EXO_USER, exo_span_of(text, len));
    if (with == WITH_BYTES) {
        exo_request_bytes(request, EXO_USER, exo_span_of("png", 3), "image/png", "a.png");
    } else if (with == WITH_SOURCE) {
        exo_request_source(request, EXO_USER, &nothing, "text/plain", "a.txt");
    }
    assert_int_equal(exo_request_error(request), EXO_OK);
    return request;
}

static void small_bodies_in_memory_are_kept(void **state)
{
    /* The rest of the body is 72 bytes long. */
    static const struct {
        enum with with;
        size_t len;
        size_t budget;
        bool is_whole;
    } cases[] = {
        {WITH_NOTHING, 0, SIZE_MAX, true},
        {WITH_NOTHING, 10, SIZE_MAX, true},
        {WITH_NOTHING, 20000, SIZE_MAX, true},
        {WITH_NOTHING, EXO_WHOLE_MAX - 200, SIZE_MAX, true},
        {WITH_NOTHING, EXO_WHOLE_MAX, SIZE_MAX, false},
        {WITH_NOTHING, 100000, SIZE_MAX, false},
        {WITH_NOTHING, 20000, 1000, false},
        {WITH_DEFAULTS, 10, SIZE_MAX, true},
        {WITH_BYTES, 10, SIZE_MAX, false},
        {WITH_SOURCE, 10, SIZE_MAX, false},
        {AS_VALUE, 10, SIZE_MAX, false},
        {AS_SETTLED_VALUE, 10, SIZE_MAX, true},
    };
    static char expected[BODY_ROOM];
    static char again[BODY_ROOM];
    (void)state;
    char message[256];
    int error = EXO_OK;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = "http://h/v1";
    deployment.extra_body = "{\"top_k\":40}";
    exo_deployed *deployed = exo_deployed_new("m", &deployment, &error, message, sizeof message);
    exo_deployed *other = exo_deployed_new("other", &deployment, &error, message, sizeof message);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_encoding encoding;
        exo_claims claims = {0};
        exo_node_cursor nodes;
        exo_request *request = request_of(cases[i].with, cases[i].len);
        exo_node message_node = {.type = EXO_VALUE_OBJECT};
        exo_node messages = {.key = {"messages", 8}, .type = EXO_VALUE_ARRAY, .first = &message_node};
        exo_node root = {.type = EXO_VALUE_OBJECT, .first = &messages};
        exo_node_cursor_init(&nodes, &root, 32);
        const exo_cursor value = exo_node_cursor_of(&nodes);
        exo_subject subject = {.request = request};
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        if (cases[i].with >= AS_VALUE) {
            subject = (exo_subject){.value = &value};
        }
        options.promises = cases[i].with == AS_SETTLED_VALUE ? EXO_PROMISE_SETTLED : 0;
        options.defaults = cases[i].with == WITH_DEFAULTS ? "{\"seed\":7}" : NULL;
        assert_int_equal(exo_encoding_init(&encoding, &subject, &options, &claims), EXO_OK);
        for (int aim = 0; aim < 3; aim++) { /* each deployment has its own body, and none is of the one before */
            assert_int_equal(exo_encoding_aim(&encoding, aim == 1 ? other : deployed, exo_limits_host()), EXO_OK);
            assert_int_equal(exo_encoding_whole(&encoding).len, 0);
            int code = EXO_AGAIN;
            while (code == EXO_AGAIN) {
                code = exo_encoding_size(&encoding, cases[i].budget);
            }
            assert_int_equal(code, EXO_OK);
            const exo_span whole = exo_encoding_whole(&encoding);
            assert_int_equal(whole.len > 0, cases[i].is_whole);
            const size_t len = write_body(&encoding, 1000, aim == 0 ? expected : again);
            assert_int_equal(len, exo_encoding_total(&encoding));
            assert_non_null(strstr(aim == 0 ? expected : again, aim == 1 ? "\"other\"" : "\"m\""));
            if (cases[i].is_whole) {
                assert_int_equal(whole.len, len);
                assert_memory_equal(whole.ptr, aim == 0 ? expected : again, len);
            }
            assert_int_equal(exo_encoding_rewind(&encoding), EXO_OK);
            assert_int_equal(exo_encoding_written(&encoding), 0);
            assert_int_equal(write_body(&encoding, 77, again), len);
            assert_true(aim == 1 || memcmp(again, expected, len) == 0);
        }
        assert_int_equal(exo_encoding_rewind(&encoding), EXO_OK);
        exo_encoding_hand_out(&encoding);
        assert_int_equal(exo_encoding_written(&encoding), cases[i].is_whole ? exo_encoding_total(&encoding) : 0);
        size_t given = 0;
        char *left = exo_encoding_give_whole(&encoding, &given);
        assert_int_equal(left != NULL, cases[i].is_whole);
        assert_int_equal(given, left ? exo_encoding_total(&encoding) : 0);
        free(left);
        exo_encoding_free(&encoding);
        exo_request_free(request);
    }
    exo_deployed_drop(deployed);
    exo_deployed_drop(other);
}

/* A transport asks once more for what comes behind the last byte, whenever that is. */
static void behind_a_body_that_was_let_go_is_nothing(void **state)
{
    static char body[BODY_ROOM];
    char message[256];
    char room[8];
    int error = EXO_OK;
    exo_encoding encoding;
    exo_claims claims = {0};
    exo_window window = {room, sizeof room, 0};
    exo_request *request = request_of(WITH_NOTHING, 10);
    const exo_subject subject = {.request = request};
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    (void)state;
    deployment.base_url = "http://h/v1";
    exo_deployed *deployed = exo_deployed_new("m", &deployment, &error, message, sizeof message);
    assert_int_equal(exo_encoding_init(&encoding, &subject, &options, &claims), EXO_OK);
    assert_int_equal(exo_encoding_aim(&encoding, deployed, exo_limits_host()), EXO_OK);
    assert_int_equal(exo_encoding_size(&encoding, SIZE_MAX), EXO_OK);
    const size_t len = write_body(&encoding, 1000, body);
    exo_encoding_let_go(&encoding);
    assert_int_equal(exo_encoding_write(&encoding, &window), EXO_OK);
    assert_int_equal(window.pos, 0);
    assert_int_equal(exo_encoding_written(&encoding), len);
    exo_encoding_free(&encoding);
    exo_request_free(request);
    exo_deployed_drop(deployed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_bodies_in_memory_are_kept),
        cmocka_unit_test(behind_a_body_that_was_let_go_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
