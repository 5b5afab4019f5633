/*
 * test_models.c: what is made of the answers that endpoints give to GET /models: lists in every shape that is known,
 * and what is no list, or not a whole one, of which no id is given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_heap.h"

#include "../../src/client/models.h"

#define MODEL(id) "{\"id\":\"" id "\",\"object\":\"model\",\"created\":1,\"owned_by\":\"x\"}"

static const struct {
    const char *body;
    const char *ids;     /* with a comma behind each */
    const char *failure; /* "EXO_E_NAME: words"; NULL: none */
} rows[] = {
    /* lists, as they are sent */
    {"{\"object\":\"list\",\"data\":[" MODEL("gpt-4o") "," MODEL("o3") "]}", "gpt-4o,o3,", NULL},
    {"[" MODEL("a/b") "," MODEL("c") "]", "a/b,c,", NULL},
    {" \r\n{\"data\" : [ " MODEL("a") " ] } \n", "a,", NULL},
    {"\xEF\xBB\xBF{\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"{\"data\":[{\"type\":\"model\",\"id\":\"claude\",\"display_name\":\"C\"}],\"has_more\":false,"
     "\"first_id\":\"claude\",\"last_id\":\"claude\"}",
     "claude,", NULL},
    {"{\"models\":[{\"name\":\"llama3:8b\",\"model\":\"llama3:8b\",\"details\":{\"families\":null}}]}", "llama3:8b,",
     NULL},
    {"{\"models\":[{\"name\":\"x\"}],\"object\":\"list\",\"data\":[" MODEL("x.gguf") "]}", "x.gguf,", NULL},
    {"{\"data\":null,\"models\":[{\"model\":\"m\"}]}", "m,", NULL},
    {"{\"models\":[{\"name\":\"command-r\",\"endpoints\":[\"chat\"]}],\"next_page_token\":\"\"}", "command-r,", NULL},
    {"{\"data\":[{\"name\":\"N\",\"id\":\"i\",\"model\":\"m\"}]}", "i,", NULL},
    {"{\"data\":[{\"model\":\"m\",\"name\":\"N\",\"id\":null}]}", "N,", NULL},
    {"{\"data\":[{\"model\":\"m\",\"id\":\"\"}]}", "m,", NULL},
    {"{\"data\":[{\"id\":\"a\\u002Fb \\u00e9 \\ud83d\\ude00\"}]}", "a/b \xC3\xA9 \xF0\x9F\x98\x80,", NULL},
    {"{\"data\":[{\"id\":\"a\",\"id\":\"b\"}]}", "b,", NULL},
    {"{\"data\":[" MODEL("a") "],\"data\":[" MODEL("b") "]}", "b,", NULL},
    {"{\"data\":[" MODEL("a") "," MODEL("a") "]}", "a,a,", NULL},
    {"{\"data\":[{\"id\":\"a\",\"about\":\"two\nlines\",\"price\":NaN}]}", "a,", NULL},
    {"{\"error\":null,\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"{\"success\":true,\"message\":\"\",\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"{\"code\":0,\"message\":\"success\",\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"{\"code\":200,\"msg\":\"ok\",\"errors\":[],\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"{\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"},\"data\":[" MODEL("a") "]}", "a,", NULL},
    {"[{\"id\":\"a\",\"error\":null},{\"id\":\"b\",\"message\":\"new\"}]", "a,b,", NULL},
    {"{\"data\":[{\"id\":\"a\",\"detail\":\"x\",\"error\":\"deprecated\"}]}", "a,", NULL},
    {"{\"object\":\"list\",\"data\":[]}", "", NULL},
    {"[]", "", NULL},
    {"{\"models\":[]}", "", NULL},

    /* something else */
    {"", "", "EXO_E_NOT_A_STREAM: GET /models: nothing, and no list of models"},
    {" \n", "", "EXO_E_NOT_A_STREAM: GET /models: nothing, and no list of models"},
    {"<!DOCTYPE html><html></html>", "",
     "EXO_E_NOT_A_STREAM: GET /models: a page of HTML or XML, and no list of models"},
    {"data: [DONE]\n\n", "",
     "EXO_E_NOT_A_STREAM: GET /models: text that is neither a list nor an object of JSON, and no list of models"},
    {"null", "",
     "EXO_E_NOT_A_STREAM: GET /models: text that is neither a list nor an object of JSON, and no list of models"},
    {"{}", "", "EXO_E_NOT_A_STREAM: GET /models: no list of models: neither \"data\" nor \"models\" is one"},
    {"{\"data\":{\"id\":\"a\"}}", "",
     "EXO_E_NOT_A_STREAM: GET /models: no list of models: neither \"data\" nor \"models\" is one"},
    {"{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}", "",
     "EXO_E_NOT_A_STREAM: GET /models: no list of models: neither \"data\" nor \"models\" is one"},

    /* an error under 200 */
    {"{\"error\":{\"message\":\"no such key\",\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}", "",
     "EXO_E_AUTH: no such key"},
    {"{\"error\":\"Model list unavailable\"}", "", "EXO_E_IN_STREAM: Model list unavailable"},
    {"{\"data\":[" MODEL("a") "],\"error\":{\"message\":\"half of it\"}}", "", "EXO_E_IN_STREAM: half of it"},
    {"[{\"error\":{\"message\":\"in a list\"}}]", "", "EXO_E_IN_STREAM: in a list"},
    {"{\"object\":\"error\",\"message\":\"gone\",\"code\":404}", "", "EXO_E_STATUS: gone"},
    {"{\"detail\":\"Not Found\"}", "", "EXO_E_IN_STREAM: Not Found"},
    {"{\"code\":401,\"message\":\"who are you\",\"data\":null}", "", "EXO_E_AUTH: who are you"},
    {"{\"data\":[" MODEL("a") "],\"error\":true}", "",
     "EXO_E_IN_STREAM: GET /models: an error in place of a list of models"},

    /* lists with something else in them */
    {"{\"data\":[" MODEL("a") ",7]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[1] is no model but a number"},
    {"{\"data\":[-1]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model but a number"},
    {"{\"data\":[null]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model but null"},
    {"{\"data\":[true]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model but true or false"},
    {"{\"data\":[\"gpt\"]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model but a string"},
    {"{\"models\":[[]]}", "", "EXO_E_NOT_A_STREAM: GET /models: models[0] is no model but a list"},
    {"{\"data\":[" MODEL("a") ",{}]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[1] is no model: it has no id"},
    {"{\"data\":[{\"object\":\"model\"}]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model: it has no id"},
    {"{\"data\":[{\"id\":7}]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model: it has no id"},
    {"{\"data\":[{\"id\":{\"id\":\"a\"}}]}", "", "EXO_E_NOT_A_STREAM: GET /models: data[0] is no model: it has no id"},
    {"{\"data\":[{\"id\":\"0123456789abcdefg\"}]}", "", "EXO_E_NAME_LIMIT: GET /models: the id of data[0]"},

    /* and lists that are not whole */
    {"{\"data\":[" MODEL("a") ",", "", "EXO_E_JSON_END: GET /models: not JSON, or cut, at byte 64 of 64"},
    {"{\"data\":[" MODEL("a") "]", "", "EXO_E_JSON_END: GET /models: not JSON, or cut, at byte 64 of 64"},
    {"[" MODEL("a"), "", "EXO_E_JSON_END: GET /models: not JSON, or cut, at byte 55 of 55"},
    {"{\"data\":[" MODEL("a") "]}{", "", "EXO_E_JSON_TRAILING: GET /models: not JSON, or cut, at byte 65 of 66"},
    {"{\"data\":[" MODEL("a") " " MODEL("b") "]}", "",
     "EXO_E_JSON_SYNTAX: GET /models: not JSON, or cut, at byte 64 of 120"},
};

static void add_id(void *ctx, exo_span id)
{
    char *ids = ctx;
    strncat(ids, id.ptr, id.len);
    strcat(ids, ",");
}

/* Reads a body that lies at the end of an exactly sized block, and says how that went. */
static int read_body(const char *body, size_t len, char *ids, exo_failure *failure)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, body, len);
    ids[0] = '\0';
    int code = exo_models_read(exo_span_of(copy, len), 200, 16, add_id, ids, failure);
    free(copy);
    return code;
}

/* As if headers had said something. */
static void clear_with_headers(exo_failure *failure)
{
    exo_failure_clear(failure);
    exo_failure_header(failure, exo_span_text("x-request-id"), exo_span_text("req-1"), 0);
    exo_failure_header(failure, exo_span_text("retry-after"), exo_span_text("7"), 0);
}

static void every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char ids[256];
        char said[600] = "";
        exo_failure failure;
        clear_with_headers(&failure);
        int code = read_body(rows[i].body, strlen(rows[i].body), ids, &failure);
        assert_int_equal(code, failure.code);
        if (code != EXO_OK) {
            snprintf(said, sizeof said, "%s: %s", exo_error_name(code), failure.message);
            assert_int_equal(failure.http_status, 200);
        }
        assert_string_equal(said, rows[i].failure ? rows[i].failure : "");
        assert_string_equal(ids, rows[i].ids);
        assert_string_equal(failure.request_id, "req-1");
        assert_int_equal(failure.retry_after, 7000);
    }
}

/* Wherever a list is cut, it is none. */
static void every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t whole = strlen(rows[i].body);
        while (whole > 0 && strchr(" \n", rows[i].body[whole - 1])) {
            whole--;
        }
        for (size_t len = 0; !rows[i].failure && len < whole; len++) {
            char ids[256];
            exo_failure failure;
            exo_failure_clear(&failure);
            assert_true(read_body(rows[i].body, len, ids, &failure) < 0);
            assert_true(failure.message[0] != '\0');
            assert_string_equal(ids, "");
        }
    }
}

static void count_id(void *ctx, exo_span id)
{
    size_t *count = ctx;
    char expected[32];
    snprintf(expected, sizeof expected, "m-%zu", *count);
    assert_true(exo_span_is(id, expected));
    ++*count;
}

static void a_long_list(void **state)
{
    enum {
        MANY = 200000
    };
    size_t size = (size_t)MANY * 64;
    char *body = malloc(size);
    (void)state;
    assert_non_null(body);
    size_t len = (size_t)sprintf(body, "{\"data\":[");
    for (size_t i = 0; i < MANY; i++) {
        len += (size_t)snprintf(body + len, size - len, "%s{\"object\":\"model\",\"id\":\"m-%zu\"}", i ? "," : "", i);
    }
    len += (size_t)snprintf(body + len, size - len, "]}");
    size_t count = 0;
    exo_failure failure;
    exo_failure_clear(&failure);
    assert_int_equal(exo_models_read(exo_span_of(body, len), 200, 16, count_id, &count, &failure), EXO_OK);
    assert_int_equal(count, MANY);
    count = 0;
    assert_int_equal(exo_models_read(exo_span_of(body, len - 1), 200, 16, count_id, &count, &failure), EXO_E_JSON_END);
    assert_int_equal(count, 0);
    assert_int_equal(failure.offset, len - 1);
    free(body);
}

static void memory_runs_out(void **state)
{
    char ids[256];
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    heap_left = 0;
    int code = read_body(rows[0].body, strlen(rows[0].body), ids, &failure);
    heap_left = -1;
    assert_int_equal(code, EXO_E_NO_MEMORY);
    assert_string_equal(ids, "");
    assert_int_equal(exo_models_read(exo_span_text(rows[0].body), 200, 16, NULL, NULL, &failure), EXO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(a_long_list),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
