/*
 * test_value.c: the two cursors, token by token: order, marks at every place, depth, and every error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/value.h"

#define LOG_MAX 512

/* Appends one token: a letter or bracket, or its text; ~ is an escaped text, . an END. */
static void log_token(char *log, const exo_value *value)
{
    static const char *const marks[] = {"n", "f", "t", "", "", "#", "'", "@", "", "[", "{", "."};
    size_t len = strlen(log);
    char number[24] = "";
    if (value->type == EXO_VALUE_INT) {
        snprintf(number, sizeof number, "i%" PRId64, value->number.i);
    } else if (value->type == EXO_VALUE_UINT) {
        snprintf(number, sizeof number, "u%" PRIu64, value->number.u);
    }
    bool text = value->type >= EXO_VALUE_NUMBER && value->type <= EXO_VALUE_KEY;
    snprintf(log + len, LOG_MAX - len, "%s%s%s%s%.*s%s", len > 0 ? " " : "", value->escaped ? "~" : "",
             marks[value->type], number, text ? (int)value->text.len : 0,
             text && value->text.len ? value->text.ptr : "",
             value->type == EXO_VALUE_KEY ? ":"
             : value->base64              ? "="
                                          : "");
}

/* Walks to the end, `count` tokens at most, and returns the last status. */
static int walk(exo_cursor cursor, size_t count, char *log)
{
    int rc = EXO_EVENT;
    for (; count > 0 && rc == EXO_EVENT; count--) {
        exo_value value;
        memset(&value, 0xAA, sizeof value);
        rc = cursor.ops->next(cursor.ctx, &value);
        if (rc == EXO_EVENT) {
            log_token(log, &value);
        }
    }
    return rc;
}

/* Depth behind each token of a log, to know where a mark is left for good. */
static int depth_change(char mark)
{
    return mark == '[' || mark == '{' ? 1 : mark == '.' ? -1 : 0;
}

/* Walks to token `from`, marks, walks on to `to`, resets, and compares the rest; then the same after a rewind. */
static void check_marks(exo_cursor cursor, size_t tokens, const char *expected)
{
    for (size_t from = 0; from <= tokens; from++) {
        int depth = 0;
        for (size_t to = from; to <= tokens; to++) {
            char log[LOG_MAX] = "";
            char ahead[LOG_MAX] = "";
            assert_int_equal(cursor.ops->rewind(cursor.ctx), EXO_OK);
            walk(cursor, from, log);
            assert_int_equal(cursor.ops->mark(cursor.ctx), EXO_OK);
            walk(cursor, to - from, ahead);
            assert_int_equal(cursor.ops->reset(cursor.ctx), EXO_OK);
            assert_int_equal(walk(cursor, SIZE_MAX, log), EXO_OK);
            assert_string_equal(log, expected);
            /* Where the container around the mark ends, going back is not promised any more. */
            const char *last = strrchr(ahead, ' ');
            depth += to > from ? depth_change(last ? last[1] : ahead[0]) : 0;
            if (depth < 0) {
                break;
            }
        }
    }
}

static void check_walk(exo_cursor cursor, const char *expected)
{
    char log[LOG_MAX] = "";
    exo_value value;
    assert_int_equal(walk(cursor, SIZE_MAX, log), EXO_OK);
    assert_string_equal(log, expected);
    assert_int_equal(cursor.ops->next(cursor.ctx, &value), EXO_OK);
    size_t tokens = *expected != '\0';
    for (const char *at = expected; *at; at++) {
        tokens += *at == ' ';
    }
    check_marks(cursor, tokens, expected);
}

static void json_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"null", "n"},
        {" [true, false ,null] ", "[ t f n ."},
        {"-1.50e+3", "#-1.50e+3"},
        {"{\"a\":\"b\",\"c\":{\"d\":[1,{}]}}", "{ a: 'b c: { d: [ #1 { . . . ."},
        {"[\"x\\ny\", \"\\u00e9\", \"\"]", "[ ~'x\\ny ~'\\u00e9 ' ."},
        {"{\"a\\tb\":1}", "{ ~a\\tb: #1 ."},
        {"[\"\xC3\xA9\",\"\xFF\"]", "[ '\xC3\xA9 ~'\xFF ."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        char *text = malloc(len);
        assert_non_null(text);
        memcpy(text, cases[i].text, len);
        exo_json_cursor cursor;
        exo_json_cursor_init(&cursor, exo_span_of(text, len), 64);
        check_walk(exo_json_cursor_of(&cursor), cases[i].expected);
        assert_int_equal(exo_json_cursor_at(&cursor), len);
        free(text);
    }
}

static void texts(void **state)
{
    exo_value value = {.type = EXO_VALUE_KEY, .text = exo_span_text("\\u0061b")};
    (void)state;
    assert_true(exo_value_is(&value, exo_span_text("\\u0061b")));
    assert_false(exo_value_is(&value, exo_span_text("ab")));
    value.escaped = true;
    assert_true(exo_value_is(&value, exo_span_text("ab")));
    assert_false(exo_value_is(&value, exo_span_text("a")));
}

static void json_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t depth;
        int code;
        size_t at;
        const char *before;
    } cases[] = {
        {"", 64, EXO_E_JSON_END, 0, ""},
        {"{\"a\" 1}", 64, EXO_E_JSON_SYNTAX, 5, "{"},
        {"[\"\n\"]", 64, EXO_E_JSON_STRING, 2, "["},
        {"[\"\\x\"]", 64, EXO_E_JSON_ESCAPE, 3, "["},
        {"[1, 01]", 64, EXO_E_JSON_NUMBER, 5, "[ #1"},
        {"[NaN]", 64, EXO_E_JSON_LITERAL, 1, "["},
        {"[1] 2", 64, EXO_E_JSON_TRAILING, 4, "[ #1 ."},
        {"[[[1]]]", 2, EXO_E_DEPTH_LIMIT, 2, "[ ["},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_json_cursor cursor;
        exo_json_cursor_init(&cursor, exo_span_text(cases[i].text), cases[i].depth);
        exo_cursor view = exo_json_cursor_of(&cursor);
        for (int round = 0; round < 2; round++) {
            char log[LOG_MAX] = "";
            exo_value value;
            assert_int_equal(walk(view, SIZE_MAX, log), cases[i].code);
            assert_string_equal(log, cases[i].before);
            assert_int_equal(exo_json_cursor_at(&cursor), cases[i].at);
            assert_int_equal(view.ops->next(view.ctx, &value), cases[i].code);
            assert_int_equal(view.ops->rewind(view.ctx), EXO_OK);
        }
    }
}

#define TEXT(literal) \
    { \
        literal, sizeof literal - 1 \
    }

static const exo_source some_source = {NULL, NULL, NULL, NULL, 0};

static void node_scalars(void **state)
{
    (void)state;
    static const struct {
        exo_node node;
        const char *expected;
    } cases[] = {
        {{.type = EXO_VALUE_NULL}, "n"},
        {{.type = EXO_VALUE_FALSE}, "f"},
        {{.type = EXO_VALUE_TRUE, .key = TEXT("ignored")}, "t"},
        {{.type = EXO_VALUE_INT, .number.i = INT64_MIN}, "i-9223372036854775808"},
        {{.type = EXO_VALUE_UINT, .number.u = UINT64_MAX}, "u18446744073709551615"},
        {{.type = EXO_VALUE_NUMBER, .text = TEXT("1e9"), .escaped = true}, "#1e9"},
        {{.type = EXO_VALUE_STRING, .text = TEXT("a\\n")}, "'a\\n"},
        {{.type = EXO_VALUE_STRING, .text = TEXT("a\\n"), .escaped = true}, "~'a\\n"},
        {{.type = EXO_VALUE_STRING}, "'"},
        {{.type = EXO_VALUE_SOURCE, .source = &some_source, .text = TEXT("data:")}, "@data:"},
        {{.type = EXO_VALUE_SOURCE, .source = &some_source, .base64 = true}, "@="},
        {{.type = EXO_VALUE_ARRAY}, "[ ."},
        {{.type = EXO_VALUE_OBJECT}, "{ ."},
        {{.json = true, .text = TEXT(" {\"a\": [1]} ")}, "{ a: [ #1 . ."},
        {{.json = true, .type = EXO_VALUE_KEY, .text = TEXT("7")}, "#7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_node_cursor cursor;
        exo_node_cursor_init(&cursor, &cases[i].node, 64);
        check_walk(exo_node_cursor_of(&cursor), cases[i].expected);
    }
}

/* {"a": [1, {"b": true}, <{"c": ["d", []]}>], "e": <2>, "f": {}, "g": [null]} where <> is JSON text. */
static const exo_node leaf_b = {.type = EXO_VALUE_TRUE, .key = TEXT("b")};
static const exo_node item_3 = {.json = true, .text = TEXT("{\"c\": [\"d\", []]}")};
static const exo_node item_2 = {.type = EXO_VALUE_OBJECT, .first = &leaf_b, .next = &item_3};
static const exo_node item_1 = {.type = EXO_VALUE_INT, .number.i = 1, .next = &item_2};
static const exo_node leaf_n = {.type = EXO_VALUE_NULL};
static const exo_node member_g = {.type = EXO_VALUE_ARRAY, .key = TEXT("g"), .first = &leaf_n};
static const exo_node member_f = {.type = EXO_VALUE_OBJECT, .key = TEXT("f"), .next = &member_g};
static const exo_node member_e = {.json = true, .text = TEXT("2"), .key = TEXT("e"), .next = &member_f};
static const exo_node member_a = {.type = EXO_VALUE_ARRAY, .key = TEXT("a"), .first = &item_1, .next = &member_e};
static const exo_node tree = {.type = EXO_VALUE_OBJECT, .first = &member_a, .next = &member_e};

static void node_tree(void **state)
{
    (void)state;
    exo_node_cursor cursor;
    exo_node_cursor_init(&cursor, &tree, 64);
    check_walk(exo_node_cursor_of(&cursor), "{ a: [ i1 { b: t . { c: [ 'd [ . . . . e: #2 f: { . g: [ n . .");
}

static void node_depth(void **state)
{
    (void)state;
    /* The limit counts levels of nodes and of the text inside of them alike. */
    static const struct {
        uint32_t depth;
        int code;
        const char *expected;
    } cases[] = {
        {1, EXO_E_DEPTH_LIMIT, "{ a:"},
        {2, EXO_E_DEPTH_LIMIT, "{ a: [ i1"},
        {3, EXO_E_DEPTH_LIMIT, "{ a: [ i1 { b: t . { c:"},
        {4, EXO_E_DEPTH_LIMIT, "{ a: [ i1 { b: t . { c: [ 'd"},
        {5, EXO_OK, "{ a: [ i1 { b: t . { c: [ 'd [ . . . . e: #2 f: { . g: [ n . ."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_node_cursor cursor;
        exo_node_cursor_init(&cursor, &tree, cases[i].depth);
        exo_cursor view = exo_node_cursor_of(&cursor);
        for (int round = 0; round < 2; round++) {
            char log[LOG_MAX] = "";
            exo_value value;
            assert_int_equal(walk(view, SIZE_MAX, log), cases[i].code);
            assert_string_equal(log, cases[i].expected);
            assert_int_equal(view.ops->next(view.ctx, &value), cases[i].code);
            assert_int_equal(view.ops->rewind(view.ctx), EXO_OK);
        }
    }
}

static void node_text_at_the_bottom(void **state)
{
    (void)state;
    /* At the last level, text may still be a scalar. */
    static const exo_node list = {.json = true, .text = TEXT("[]")};
    static const exo_node scalar = {.json = true, .text = TEXT("\"s\""), .next = &list};
    static const exo_node root = {.type = EXO_VALUE_ARRAY, .first = &scalar};
    exo_node_cursor cursor;
    char log[LOG_MAX] = "";
    exo_node_cursor_init(&cursor, &root, 1);
    assert_int_equal(walk(exo_node_cursor_of(&cursor), SIZE_MAX, log), EXO_E_DEPTH_LIMIT);
    assert_string_equal(log, "[ 's");
}

static void node_loop(void **state)
{
    (void)state;
    exo_node loop = {.type = EXO_VALUE_ARRAY};
    exo_node_cursor cursor;
    char log[LOG_MAX] = "";
    loop.first = &loop;
    exo_node_cursor_init(&cursor, &loop, 1000);
    assert_int_equal(walk(exo_node_cursor_of(&cursor), SIZE_MAX, log), EXO_E_DEPTH_LIMIT);
    assert_int_equal(strlen(log), 2 * EXO_JSON_DEPTH_MAX - 1);
}

static void node_errors(void **state)
{
    (void)state;
    static const struct {
        exo_node node;
        int code;
    } cases[] = {
        {{.type = EXO_VALUE_KEY}, EXO_E_TYPE},
        {{.type = EXO_VALUE_END}, EXO_E_TYPE},
        {{.type = (exo_value_type)99}, EXO_E_TYPE},
        {{.type = EXO_VALUE_SOURCE}, EXO_E_TYPE},
        {{.json = true}, EXO_E_JSON_END},
        {{.json = true, .text = TEXT("tru")}, EXO_E_JSON_END},
        {{.json = true, .text = TEXT("1 2")}, EXO_E_JSON_TRAILING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_node root = {.type = EXO_VALUE_ARRAY, .first = &cases[i].node};
        exo_node_cursor cursor;
        exo_node_cursor_init(&cursor, &root, 64);
        exo_cursor view = exo_node_cursor_of(&cursor);
        for (int round = 0; round < 3; round++) {
            char log[LOG_MAX] = "";
            exo_value value;
            assert_int_equal(walk(view, 1, log), EXO_EVENT);
            assert_int_equal(view.ops->mark(view.ctx), EXO_OK);
            assert_int_equal(walk(view, SIZE_MAX, log), cases[i].code);
            assert_int_equal(view.ops->next(view.ctx, &value), cases[i].code);
            assert_int_equal(view.ops->reset(view.ctx), EXO_OK);
            assert_int_equal(walk(view, SIZE_MAX, log), cases[i].code);
            assert_int_equal(view.ops->rewind(view.ctx), EXO_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_tokens),
        cmocka_unit_test(texts),
        cmocka_unit_test(json_errors),
        cmocka_unit_test(node_scalars),
        cmocka_unit_test(node_tree),
        cmocka_unit_test(node_depth),
        cmocka_unit_test(node_text_at_the_bottom),
        cmocka_unit_test(node_loop),
        cmocka_unit_test(node_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
