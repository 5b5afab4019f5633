/*
 * test_request.c: the trees that requests become, the texts that do not become one, and memory that runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/request_tree.h"
#include "failing_heap.h"

#define SHOWN_MAX 8192

/* ---- a request as text ---- */

typedef struct shown {
    char text[SHOWN_MAX];
    size_t len;
} shown;

static void put(shown *out, exo_span text)
{
    assert_true(out->len + text.len < SHOWN_MAX);
    if (text.len > 0) {
        memcpy(out->text + out->len, text.ptr, text.len);
    }
    out->len += text.len;
    out->text[out->len] = '\0';
}

static void put_text(shown *out, const char *text)
{
    put(out, exo_span_text(text));
}

static void put_token(shown *out, const exo_value *value)
{
    char number[32];
    switch (value->type) {
    case EXO_VALUE_NULL:
        put_text(out, "null");
        break;
    case EXO_VALUE_FALSE:
        put_text(out, "false");
        break;
    case EXO_VALUE_TRUE:
        put_text(out, "true");
        break;
    case EXO_VALUE_INT:
        snprintf(number, sizeof number, "%lld", (long long)value->number.i);
        put_text(out, number);
        break;
    case EXO_VALUE_NUMBER:
        put(out, value->text);
        break;
    case EXO_VALUE_STRING:
    case EXO_VALUE_KEY:
        put_text(out, "\"");
        put(out, value->text);
        put_text(out, value->type == EXO_VALUE_KEY ? "\":" : "\"");
        break;
    default:
        fail();
    }
}

/* The request as JSON would have it, but for escapes; a handle's first byte is shown as @. */
static const char *show(const exo_request *request)
{
    static shown out;
    char open[64];
    size_t depth = 0;
    bool comma = false;
    exo_node_cursor cursor;
    exo_value value;
    out.len = 0;
    exo_node_cursor_init(&cursor, exo_request_root(request), EXO_JSON_DEPTH_MAX);
    exo_cursor view = exo_node_cursor_of(&cursor);
    while (view.ops->next(view.ctx, &value) == EXO_EVENT) {
        if (value.type == EXO_VALUE_END) {
            put_text(&out, open[--depth] == '{' ? "}" : "]");
            comma = true;
            continue;
        }
        put_text(&out, comma ? "," : "");
        comma = value.type != EXO_VALUE_KEY;
        if (value.type == EXO_VALUE_ARRAY || value.type == EXO_VALUE_OBJECT) {
            open[depth++] = value.type == EXO_VALUE_OBJECT ? '{' : '[';
            put_text(&out, value.type == EXO_VALUE_OBJECT ? "{" : "[");
            comma = false;
        } else {
            put_token(&out, &value);
        }
    }
    assert_int_equal(view.ops->next(view.ctx, &value), EXO_OK);
    for (char *at = out.text; *at; at++) {
        *at = *at == '\x01' ? '@' : *at;
    }
    return out.text;
}

static exo_span span(const char *text)
{
    return exo_span_text(text);
}

/* ---- messages ---- */

static void test_new(void **state)
{
    (void)state;
    exo_request *request = exo_request_new(NULL);
    assert_non_null(request);
    assert_string_equal(exo_request_model(request), "");
    assert_string_equal(show(request), "{}");
    assert_int_equal(exo_request_messages(request), 0);
    assert_int_equal(exo_request_set_model(request, "glm"), EXO_OK);
    assert_string_equal(exo_request_model(request), "glm");
    assert_int_equal(exo_request_string(request, "user", "u"), EXO_OK);
    assert_int_equal(exo_request_set_model(request, "kimi"), EXO_OK);
    assert_string_equal(show(request), "{\"model\":\"kimi\",\"user\":\"u\"}");
    assert_int_equal(exo_request_set_model(request, NULL), EXO_OK);
    assert_int_equal(exo_request_set_model(request, NULL), EXO_OK);
    assert_string_equal(exo_request_model(request), "");
    assert_string_equal(show(request), "{\"user\":\"u\"}");
    exo_request_free(request);
    exo_request_free(NULL);
    assert_string_equal(exo_request_model(NULL), "");
    assert_int_equal(exo_request_messages(NULL), 0);
    assert_int_equal(exo_request_error(NULL), EXO_E_ARGUMENT);
}

static void test_messages(void **state)
{
    (void)state;
    exo_request *request = exo_request_new("glm");
    char text[] = "Be brief.";
    assert_int_equal(exo_request_text(request, EXO_SYSTEM, text), EXO_OK);
    memset(text, 'x', sizeof text);
    assert_int_equal(exo_request_text(request, EXO_DEVELOPER, ""), EXO_OK);
    assert_int_equal(exo_request_text_span(request, EXO_USER, exo_span_of("Why?!", 4)), EXO_OK);
    assert_int_equal(exo_request_message_json(request, span(" {\"role\":\"assistant\",\"tool_calls\":[]} ")), EXO_OK);
    assert_int_equal(exo_request_tool(request, span("call_1"), span("42")), EXO_OK);
    assert_int_equal(exo_request_text(request, EXO_ASSISTANT, "So."), EXO_OK);
    assert_int_equal(exo_request_text(request, EXO_TOOL, "t"), EXO_OK);
    assert_string_equal(show(request), "{\"model\":\"glm\",\"messages\":["
                                       "{\"role\":\"system\",\"content\":\"Be brief.\"},"
                                       "{\"role\":\"developer\",\"content\":\"\"},"
                                       "{\"role\":\"user\",\"content\":\"Why?\"},"
                                       "{\"role\":\"assistant\",\"tool_calls\":[]},"
                                       "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"42\"},"
                                       "{\"role\":\"assistant\",\"content\":\"So.\"},"
                                       "{\"role\":\"tool\",\"content\":\"t\"}]}");
    assert_int_equal(exo_request_messages(request), 7);
    assert_int_equal(exo_request_error(request), EXO_OK);
    exo_request_free(request);
}

static void test_static_text_is_borrowed(void **state)
{
    (void)state;
    char text[] = "first";
    exo_request *request = exo_request_new(NULL);
    assert_int_equal(exo_request_text_static(request, EXO_USER, span(text)), EXO_OK);
    memcpy(text, "later", 5);
    assert_string_equal(show(request), "{\"messages\":[{\"role\":\"user\",\"content\":\"later\"}]}");
    /* It stays borrowed when it becomes a part. */
    assert_int_equal(exo_request_file(request, EXO_USER, "a.png", NULL), EXO_OK);
    memcpy(text, "third", 5);
    assert_string_equal(show(request), "{\"messages\":[{\"role\":\"user\",\"content\":["
                                       "{\"type\":\"text\",\"text\":\"third\"},{\"_file\":\"@0\"}]}]}");
    exo_request_free(request);
}

static int never_read(void *ctx, void *dst, size_t size, size_t *got)
{
    (void)ctx;
    (void)dst;
    (void)size;
    *got = 0;
    return EXO_OK;
}

static void test_attachments_join(void **state)
{
    (void)state;
    static const exo_source source = {NULL, never_read, NULL, NULL, 0};
    exo_request *request = exo_request_new(NULL);
    assert_int_equal(exo_request_text(request, EXO_USER, "Look:"), EXO_OK);
    assert_int_equal(exo_request_file(request, EXO_USER, "dir/a.png", "image/png"), EXO_OK);
    assert_int_equal(exo_request_file_range(request, EXO_USER, "b", 7, 5, NULL), EXO_OK);
    /* Another role, a tool's result and JSON each end the message. */
    assert_int_equal(exo_request_bytes(request, EXO_ASSISTANT, span("xyz"), "text/plain; charset=utf-8", "n"), EXO_OK);
    assert_int_equal(exo_request_source(request, EXO_ASSISTANT, &source, NULL, NULL), EXO_OK);
    assert_int_equal(exo_request_tool(request, span("c"), span("")), EXO_OK);
    assert_int_equal(exo_request_bytes(request, EXO_TOOL, span(NULL), NULL, NULL), EXO_OK);
    assert_int_equal(exo_request_message_json(request, span("{\"role\":\"user\"}")), EXO_OK);
    assert_int_equal(exo_request_file(request, EXO_USER, "c", NULL), EXO_OK);
    assert_int_equal(exo_request_text(request, EXO_USER, "end"), EXO_OK);
    assert_string_equal(
        show(request),
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look:\"},"
        "{\"_file\":\"@0\",\"_type\":\"image/png\"},{\"_file\":\"@1\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"_file\":\"@2\",\"_type\":\"text/plain; charset=utf-8\"},"
        "{\"_file\":\"@3\"}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"\"},"
        "{\"role\":\"tool\",\"content\":[{\"_file\":\"@4\"}]},"
        "{\"role\":\"user\"},"
        "{\"role\":\"user\",\"content\":[{\"_file\":\"@5\"}]},"
        "{\"role\":\"user\",\"content\":\"end\"}]}");
    assert_int_equal(exo_request_messages(request), 7);

    const exo_attachment *attachment = exo_request_attachment(request, 0);
    assert_string_equal(attachment->path, "dir/a.png");
    assert_string_equal(attachment->media_type, "image/png");
    assert_false(attachment->range);
    attachment = exo_request_attachment(request, 1);
    assert_true(attachment->range && attachment->offset == 7 && attachment->length == 5);
    assert_null(attachment->media_type);
    attachment = exo_request_attachment(request, 2);
    assert_true(exo_span_is(attachment->bytes, "xyz"));
    assert_string_equal(attachment->name, "n");
    assert_ptr_equal(exo_request_attachment(request, 3)->source, &source);
    assert_null(exo_request_attachment(request, 6));
    exo_request_free(request);
}

static void test_folder(void **state)
{
    (void)state;
    exo_request *request = exo_request_new(NULL);
    assert_null(exo_request_folder(request));
    assert_int_equal(exo_request_allow_files(request, "one"), EXO_OK);
    assert_int_equal(exo_request_allow_files(request, "two"), EXO_OK);
    assert_string_equal(exo_request_folder(request), "two");
    assert_int_equal(exo_request_allow_files(request, ""), EXO_E_ARGUMENT);
    exo_request_free(request);
}

/* ---- arguments ---- */

/* Every wrong call, by number; -1 past the last one. Each is made on a fresh request. */
static int wrong_call(exo_request *r, unsigned number, int *expected)
{
    static const exo_source unreadable = {NULL, NULL, NULL, NULL, 0};
    static const exo_span bad = {NULL, 3};
    char long_type[100] = "image/";
    memset(long_type + 6, 'x', 90);
    long_type[96] = '\0';
    *expected = EXO_E_ARGUMENT;
    switch (number) {
    case 0:
        return exo_request_text(r, EXO_USER, NULL);
    case 1:
        return exo_request_text(r, (exo_role)5, "a");
    case 2:
        return exo_request_text_span(r, EXO_USER, bad);
    case 3:
        return exo_request_text_static(r, EXO_USER, bad);
    case 4:
        return exo_request_tool(r, span(""), span("a"));
    case 5:
        return exo_request_tool(r, span("a"), bad);
    case 6:
        return exo_request_file(r, EXO_USER, NULL, NULL);
    case 7:
        return exo_request_file(r, EXO_USER, "", NULL);
    case 8:
        return exo_request_file(r, (exo_role)-1, "a", NULL);
    case 9:
        return exo_request_file_range(r, EXO_USER, "a", UINT64_MAX, 2, NULL);
    case 10:
        return exo_request_file_range(r, EXO_USER, "a", 2, UINT64_MAX, NULL);
    case 11:
        return exo_request_bytes(r, EXO_USER, bad, NULL, NULL);
    case 12:
        return exo_request_source(r, EXO_USER, NULL, NULL, NULL);
    case 13:
        return exo_request_source(r, EXO_USER, &unreadable, NULL, NULL);
    case 14:
        return exo_request_file(r, EXO_USER, "a", "png");
    case 15:
        return exo_request_file(r, EXO_USER, "a", "/png");
    case 16:
        return exo_request_file(r, EXO_USER, "a", "image/\r\nX: y");
    case 17:
        return exo_request_file(r, EXO_USER, "a", "image/\"png\"");
    case 18:
        return exo_request_file(r, EXO_USER, "a", long_type);
    case 19:
        return exo_request_string(r, "model", "a");
    case 20:
        return exo_request_int(r, "messages", 1);
    case 21:
        return exo_request_bool(r, "stream", true);
    case 22:
        return exo_request_double(r, NULL, 1);
    case 23:
        return exo_request_json(r, "", span("1"));
    case 24:
        return exo_request_string(r, "user", NULL);
    case 25:
        return exo_request_json(r, "a", bad);
    case 26:
        return exo_request_allow_files(r, NULL);
    case 27:
        return exo_request_message_json(r, bad);
    case 28:
        *expected = EXO_E_NUMBER;
        return exo_request_double(r, "a", (double)NAN);
    case 29:
        *expected = EXO_E_NUMBER;
        return exo_request_double(r, "a", (double)-INFINITY);
    case 30:
        *expected = EXO_E_JSON_SYNTAX;
        return exo_request_json(r, "a", span("[1,]"));
    case 31:
        *expected = EXO_E_JSON_END;
        return exo_request_json(r, "a", span(""));
    case 32:
        *expected = EXO_E_JSON_UTF8;
        return exo_request_json(r, "a", span("\"\xFF\""));
    case 33:
        *expected = EXO_E_REQUEST;
        return exo_request_message_json(r, span("[]"));
    case 34:
        *expected = EXO_E_JSON_TRAILING;
        return exo_request_message_json(r, span("{} {}"));
    case 35:
        *expected = EXO_E_DUPLICATE_KEY;
        return exo_request_message_json(r, span("{\"content\":[{\"type\":\"text\",\"type\":\"text\"}]}"));
    case 36:
        *expected = EXO_E_DUPLICATE_KEY;
        return exo_request_json(r, "tools", span("[{\"a\":1,\"\\u0061\":1}]"));
    default:
        return -1;
    }
}

static void test_wrong_calls(void **state)
{
    (void)state;
    unsigned count = 0;
    for (;; count++) {
        int expected;
        exo_request *request = exo_request_new(NULL);
        int code = wrong_call(request, count, &expected);
        if (code == -1 && count > 36) {
            exo_request_free(request);
            break;
        }
        assert_int_equal(code, expected);
        assert_int_equal(exo_request_error(request), expected);
        /* It sticks, whatever is asked next, and nothing was added. */
        assert_int_equal(exo_request_text(request, EXO_USER, "a"), expected);
        assert_int_equal(exo_request_set_model(request, "a"), expected);
        assert_int_equal(exo_request_tool(request, span("a"), span("b")), expected);
        assert_int_equal(exo_request_message_json(request, span("{}")), expected);
        assert_int_equal(exo_request_file(request, EXO_USER, "a", NULL), expected);
        assert_int_equal(exo_request_string(request, "a", "a"), expected);
        assert_int_equal(exo_request_int(request, "a", 1), expected);
        assert_int_equal(exo_request_bool(request, "a", true), expected);
        assert_int_equal(exo_request_double(request, "a", 1), expected);
        assert_int_equal(exo_request_json(request, "a", span("1")), expected);
        assert_int_equal(exo_request_allow_files(request, "a"), expected);
        assert_string_equal(show(request), "{}");
        exo_request_free(request);
    }
    assert_int_equal(count, 37);
    assert_int_equal(exo_request_text(NULL, EXO_USER, "a"), EXO_E_ARGUMENT);
    assert_int_equal(exo_request_json(NULL, "a", span("1")), EXO_E_ARGUMENT);
}

/* ---- parameters ---- */

static void test_parameters(void **state)
{
    (void)state;
    exo_request *request = exo_request_new("m");
    assert_int_equal(exo_request_string(request, "user", "one"), EXO_OK);
    assert_int_equal(exo_request_int(request, "max_tokens", INT64_MIN), EXO_OK);
    assert_int_equal(exo_request_bool(request, "a", true), EXO_OK);
    assert_int_equal(exo_request_bool(request, "b", false), EXO_OK);
    assert_int_equal(exo_request_json(request, "stop", span(" [\"x\", null] ")), EXO_OK);
    assert_int_equal(exo_request_double(request, "temperature", 0.7), EXO_OK);
    /* Later values win, in the place of the earlier ones. */
    assert_int_equal(exo_request_int(request, "user", 2), EXO_OK);
    assert_int_equal(exo_request_json(request, "temperature", span("1e0")), EXO_OK);
    assert_string_equal(show(request), "{\"model\":\"m\",\"user\":2,\"max_tokens\":-9223372036854775808,\"a\":true,"
                                       "\"b\":false,\"stop\":[\"x\",null],\"temperature\":1e0}");
    exo_request_free(request);
}

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0.0, "0"},
    {-0.0, "-0"},
    {1.0, "1"},
    {0.1, "0.1"},
    {0.7, "0.7"},
    {-2.5, "-2.5"},
    {4096.0, "4096"},
    {999999999999999.0, "999999999999999"},
    {1e15, "1e+15"},
    {1e22, "1e+22"},
    {1.0 / 3.0, "0.3333333333333333"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1e-5, "1e-05"},
    {5e-324, "5e-324"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {9007199254740993.0, "9007199254740992"},
    {123456789.125, "123456789.125"},
};

static void check_doubles(void)
{
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        char expected[64];
        exo_request *request = exo_request_new(NULL);
        assert_int_equal(exo_request_double(request, "d", doubles[i].value), EXO_OK);
        snprintf(expected, sizeof expected, "{\"d\":%s}", doubles[i].text);
        assert_string_equal(show(request), expected);
        assert_int_equal(exo_json_check(exo_span_text(show(request)), 2, NULL), EXO_OK);
        exo_request_free(request);
    }
}

static void test_doubles(void **state)
{
    (void)state;
    check_doubles();
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        assert_true(strtod(doubles[i].text, NULL) == doubles[i].value);
    }
}

static void test_doubles_in_a_locale_with_a_comma(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",  "de_DE",
                                        "fr_FR.UTF-8", "es_ES.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_NUMERIC, names[i])) {
            assert_string_not_equal(localeconv()->decimal_point, ".");
            check_doubles();
            setlocale(LC_NUMERIC, "C");
            return;
        }
    }
    skip();
}

/* ---- from JSON ---- */

/* The text at the end of an exactly sized block. */
static exo_request *from_json(const char *model, const char *text, int *code, size_t *offset)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    exo_request *request = exo_request_from_json(model, exo_span_of(copy, len), code, offset);
    free(copy);
    return request;
}

static const struct {
    const char *model;
    const char *json;
    const char *shown;
    const char *shown_model;
    size_t messages;
} good_texts[] = {
    {NULL, "{}", "{}", "", 0},
    {NULL, " [] ", "{\"messages\":[]}", "", 0},
    {"glm", "[]", "{\"messages\":[],\"model\":\"glm\"}", "glm", 0},
    {NULL, "{\"messages\":[{\"role\":\"user\"}, {}],\"model\":\"kimi\",\"n\":1.50}",
     "{\"messages\":[{\"role\":\"user\"},{}],\"model\":\"kimi\",\"n\":1.50}", "kimi", 2},
    {"glm", "{\"model\":\"kimi\",\"stream\":false}", "{\"model\":\"glm\",\"stream\":false}", "glm", 0},
    {NULL, "[{\"content\":[1,[2,{\"a\":\"\\u00e9\"}]]}]", "{\"messages\":[{\"content\":[1,[2,{\"a\":\"\\u00e9\"}]]}]}",
     "", 1},
    {NULL, "{\"mod\\u0065l\":\"a\\tb\",\"\\u006dessages\":[],\"st\\u006Fp\":null}",
     "{\"model\":\"a\tb\",\"messages\":[],\"stop\":null}", "a\tb", 0},
};

static void test_good_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_texts / sizeof good_texts[0]; i++) {
        int code = 99;
        size_t offset = 99;
        exo_request *request = from_json(good_texts[i].model, good_texts[i].json, &code, &offset);
        assert_int_equal(code, EXO_OK);
        assert_int_equal(offset, strlen(good_texts[i].json));
        assert_string_equal(show(request), good_texts[i].shown);
        assert_string_equal(exo_request_model(request), good_texts[i].shown_model);
        assert_int_equal(exo_request_messages(request), good_texts[i].messages);
        exo_request_free(request);
    }
}

static void test_json_and_calls(void **state)
{
    (void)state;
    exo_request *request = from_json(NULL, "{\"messages\":[{\"role\":\"system\"}],\"temperature\":0}", NULL, NULL);
    assert_int_equal(exo_request_file(request, EXO_USER, "a", NULL), EXO_OK);
    assert_int_equal(exo_request_text(request, EXO_USER, "b"), EXO_OK);
    assert_int_equal(exo_request_double(request, "temperature", 0.5), EXO_OK);
    assert_string_equal(show(request), "{\"messages\":[{\"role\":\"system\"},{\"role\":\"user\",\"content\":["
                                       "{\"_file\":\"@0\"}]},{\"role\":\"user\",\"content\":\"b\"}],"
                                       "\"temperature\":0.5}");
    exo_request_free(request);
}

static const struct {
    const char *json;
    int code;
    size_t offset;
} bad_texts[] = {
    {"", EXO_E_JSON_END, 0},
    {"  ", EXO_E_JSON_END, 2},
    {"1", EXO_E_REQUEST, 0},
    {" \"a\"", EXO_E_REQUEST, 1},
    {"\xEF\xBB\xBF{}", EXO_E_JSON_SYNTAX, 0},
    {"{} x", EXO_E_JSON_TRAILING, 3},
    {"[] []", EXO_E_JSON_TRAILING, 3},
    {"{", EXO_E_JSON_END, 1},
    {"{1:2}", EXO_E_JSON_SYNTAX, 1},
    {"{\"a\" 1}", EXO_E_JSON_SYNTAX, 5},
    {"{\"a\":01}", EXO_E_JSON_NUMBER, 6},
    {"{\"a\":", EXO_E_JSON_END, 5},
    {"{\"a\":1,\"b\":2,\"a\":3}", EXO_E_DUPLICATE_KEY, 13},
    {"{\"a\":1,\"\\u0061\":3}", EXO_E_DUPLICATE_KEY, 7},
    {"{\"model\":\"\",\"model\":\"\"}", EXO_E_DUPLICATE_KEY, 12},
    {"{\"messages\":[],\"messages\":[]}", EXO_E_DUPLICATE_KEY, 15},
    {"{\"messages\":[{\"role\":\"u\",\"role\":\"v\"}]}", EXO_E_DUPLICATE_KEY, 25},
    {"[{},{\"a\":[{\"b\":1,\"\\u0062\":2}]}]", EXO_E_DUPLICATE_KEY, 17},
    {"{\"a\":{\"b\":1,\"b\":2},\"c\":3}", EXO_E_DUPLICATE_KEY, 12},
    {"{\"model\":null}", EXO_E_REQUEST, 9},
    {"{\"model\":[\"a\"]}", EXO_E_REQUEST, 9},
    {"{\"model\":\"a\\u0000b\"}", EXO_E_REQUEST, 9},
    {"{\"model\":\"a", EXO_E_JSON_END, 11},
    {"{\"messages\":{}}", EXO_E_REQUEST, 12},
    {"{\"messages\":nul}", EXO_E_JSON_LITERAL, 15},
    {"{\"messages\":[{},1]}", EXO_E_REQUEST, 16},
    {"[{},{]", EXO_E_JSON_SYNTAX, 5},
    {"[{} {}]", EXO_E_JSON_SYNTAX, 4},
    {"[{\"a\":\"\xFF\"}]", EXO_E_JSON_UTF8, 7},
    {"[{}", EXO_E_JSON_END, 3},
    {"[[]]", EXO_E_REQUEST, 1},
};

static void test_bad_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        int code = 0;
        size_t offset = 99;
        assert_null(from_json("m", bad_texts[i].json, &code, &offset));
        assert_int_equal(code, bad_texts[i].code);
        assert_int_equal(offset, bad_texts[i].offset);
    }
    int code = 0;
    assert_null(exo_request_from_json(NULL, exo_span_of(NULL, 1), &code, NULL));
    assert_int_equal(code, EXO_E_ARGUMENT);
    assert_null(from_json(NULL, "", NULL, NULL));
}

/* An object of `count` keys. */
static char *many_keys(unsigned count)
{
    char *text = malloc(32 + (size_t)count * 16);
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "{");
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)sprintf(text + len, "%s\"k%u\":%u", i ? "," : "", i, i);
    }
    strcpy(text + len, "}");
    return text;
}

static void test_too_many_keys(void **state)
{
    (void)state;
    int code;
    size_t offset;
    char *text = many_keys(64);
    exo_request *request = from_json(NULL, text, &code, &offset);
    assert_non_null(request);
    assert_string_equal(show(request), text);
    exo_request_free(request);
    free(text);
    text = many_keys(65);
    assert_null(from_json(NULL, text, &code, &offset));
    assert_int_equal(code, EXO_E_KEYS_LIMIT);
    assert_ptr_equal(text + offset, strstr(text, "\"k64\""));
    free(text);
}

/* The 65th key is refused where it is given, whatever it is; one that is there already can be set again. */
static void test_the_65th_key_is_refused(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        char name[16];
        exo_request *request = exo_request_new("m");
        assert_int_equal(exo_request_text(request, EXO_USER, "a"), EXO_OK);
        for (int i = 2; i < 64; i++) {
            snprintf(name, sizeof name, "k%d", i);
            assert_int_equal(exo_request_int(request, name, i), EXO_OK);
        }
        assert_int_equal(exo_request_int(request, "k7", 8), EXO_OK);
        assert_int_equal(exo_request_text(request, EXO_USER, "b"), EXO_OK);
        assert_int_equal(exo_request_set_model(request, NULL), EXO_OK);
        assert_int_equal(exo_request_set_model(request, "n"), EXO_OK);
        int code = which == 0   ? exo_request_json(request, "more", span("[1]"))
                   : which == 1 ? exo_request_string(request, "more", "a")
                   : which == 2 ? exo_request_bool(request, "more", true)
                                : exo_request_double(request, "more", 0.5);
        assert_int_equal(code, EXO_E_KEYS_LIMIT);
        assert_int_equal(exo_request_error(request), EXO_E_KEYS_LIMIT);
        exo_request_free(request);
    }
    exo_request *request = exo_request_new(NULL);
    for (int i = 0; i < 64; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        assert_int_equal(exo_request_int(request, name, i), EXO_OK);
    }
    assert_int_equal(exo_request_text(request, EXO_USER, "a"), EXO_E_KEYS_LIMIT); /* "messages" */
    exo_request_free(request);
}

static void test_too_deep(void **state)
{
    (void)state;
    char text[256];
    int code;
    size_t offset;
    memset(text, '[', 200);
    text[200] = '\0';
    exo_request *request = exo_request_new(NULL);
    assert_int_equal(exo_request_json(request, "a", span(text)), EXO_E_DEPTH_LIMIT);
    exo_request_free(request);
    memcpy(text, "[{\"a\":", 6);
    assert_null(from_json(NULL, text, &code, &offset));
    assert_int_equal(code, EXO_E_DEPTH_LIMIT);
    assert_int_equal(offset, 68);
}

/* ---- memory runs out ---- */

/* A request of everything. What the last call returned is in `*code`. */
static exo_request *build(int *code)
{
    static const exo_source source = {NULL, never_read, NULL, NULL, 0};
    exo_request *r = exo_request_new("model");
    *code = EXO_E_NO_MEMORY;
    if (r) {
        exo_request_text(r, EXO_USER, "a");
        exo_request_file(r, EXO_USER, "b", "image/png");
        exo_request_bytes(r, EXO_USER, span("c"), "text/plain", "c.txt");
        exo_request_source(r, EXO_ASSISTANT, &source, NULL, "d");
        exo_request_tool(r, span("e"), span("f"));
        exo_request_message_json(r, span("{}"));
        exo_request_string(r, "g", "h");
        exo_request_int(r, "i", 1);
        exo_request_bool(r, "j", true);
        exo_request_double(r, "k", 0.5);
        exo_request_json(r, "l", span("[]"));
        exo_request_allow_files(r, "m");
        *code = exo_request_set_model(r, "n");
    }
    return r;
}

static void test_memory_runs_out_in_calls(void **state)
{
    (void)state;
    int code = EXO_E_NO_MEMORY;
    long blocks = 0;
    for (; code == EXO_E_NO_MEMORY; blocks++) {
        heap_left = blocks;
        exo_request *request = build(&code);
        heap_left = -1;
        if (code == EXO_E_NO_MEMORY && request) {
            assert_int_equal(exo_request_error(request), EXO_E_NO_MEMORY);
            show(request); /* still a tree that can be walked */
        }
        exo_request_free(request);
    }
    assert_int_equal(code, EXO_OK);
    assert_true(blocks > 40);
    exo_request *request = exo_request_new(NULL);
    assert_int_equal(exo_request_text_span(request, EXO_USER, exo_span_of("a", SIZE_MAX - 3)), EXO_E_NO_MEMORY);
    exo_request_free(request);
}

static void test_memory_runs_out_in_json(void **state)
{
    (void)state;
    static const char text[] = "{\"model\":\"a\",\"messages\":[{},{}],\"b\":1,\"c\":[]}";
    int code = EXO_E_NO_MEMORY;
    long blocks = 0;
    for (; code == EXO_E_NO_MEMORY; blocks++) {
        heap_left = blocks;
        exo_request *request = exo_request_from_json("d", span(text), &code, NULL);
        heap_left = -1;
        assert_int_equal(request != NULL, code == EXO_OK);
        exo_request_free(request);
    }
    assert_int_equal(code, EXO_OK);
    assert_int_equal(blocks, 11);
}

static void test_choices(void **state)
{
    static const struct {
        const char *json;
        uint32_t choices;
    } rows[] = {
        {"2", 2},     {" 16 ", 16}, {"4294967295", UINT32_MAX}, {"4294967296", 1}, {"0", 1}, {"-1", 1}, {"1.5", 1},
        {"\"2\"", 1}, {"null", 1},  {"99999999999999999999", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exo_request *request = exo_request_new("m");
        assert_int_equal(exo_request_choices(request), 1);
        assert_int_equal(exo_request_json(request, "n", exo_span_text(rows[i].json)), EXO_OK);
        assert_int_equal(exo_request_choices(request), rows[i].choices);
        exo_request_free(request);
    }
    exo_request *request = exo_request_new("m");
    assert_int_equal(exo_request_int(request, "n", 3), EXO_OK);
    assert_int_equal(exo_request_choices(request), 3);
    exo_request_free(request);
    assert_int_equal(exo_request_choices(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_static_text_is_borrowed),
        cmocka_unit_test(test_attachments_join),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_doubles_in_a_locale_with_a_comma),
        cmocka_unit_test(test_good_texts),
        cmocka_unit_test(test_json_and_calls),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_the_65th_key_is_refused),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_memory_runs_out_in_calls),
        cmocka_unit_test(test_memory_runs_out_in_json),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
