/*
 * test_head.c: what one line of a response head says, each against the end of its memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/curl/head.h"

#define TEXT(text) \
    { \
        (text), sizeof(text) - 1 \
    }

static const struct {
    exo_span line;
    exo_head_kind kind;
    uint16_t status;
    const char *name;
    exo_span value;
    bool coding;
} lines[] = {
    {TEXT("HTTP/1.1 200 OK\r\n"), EXO_HEAD_STATUS, 200, "", TEXT(""), false},
    {TEXT("HTTP/2 503 \r\n"), EXO_HEAD_STATUS, 503, "", TEXT(""), false},
    {TEXT("HTTP/1.0 404"), EXO_HEAD_STATUS, 404, "", TEXT(""), false},
    {TEXT("HTTP/1.1 99999 OK\r\n"), EXO_HEAD_STATUS, 0, "", TEXT(""), false},
    {TEXT("HTTP/1.1"), EXO_HEAD_STATUS, 0, "", TEXT(""), false},
    {TEXT("HTTP/1.1 "), EXO_HEAD_STATUS, 0, "", TEXT(""), false},
    {TEXT("\r\n"), EXO_HEAD_END, 0, "", TEXT(""), false},
    {TEXT("\n"), EXO_HEAD_END, 0, "", TEXT(""), false},
    {TEXT("Name: value\r\n"), EXO_HEAD_FIELD, 0, "Name", TEXT("value"), false},
    {TEXT("Name:value"), EXO_HEAD_FIELD, 0, "Name", TEXT("value"), false},
    {TEXT("Name:\t a b \t\r\n"), EXO_HEAD_FIELD, 0, "Name", TEXT("a b"), false},
    {TEXT("Name:\r\n"), EXO_HEAD_FIELD, 0, "Name", TEXT(""), false},
    {TEXT("Name   : value\r\n"), EXO_HEAD_FIELD, 0, "Name", TEXT("value"), false},
    {TEXT("Name"), EXO_HEAD_FIELD, 0, "", TEXT("Name"), false},
    {TEXT("Name   "), EXO_HEAD_FIELD, 0, "", TEXT("Name   "), false},
    {TEXT(": value\r\n"), EXO_HEAD_FIELD, 0, "", TEXT(": value\r\n"), false},
    {TEXT(" folded: line\r\n"), EXO_HEAD_FIELD, 0, "", TEXT(" folded: line\r\n"), false},
    {TEXT("Na me: value\r\n"), EXO_HEAD_FIELD, 0, "", TEXT("Na me: value\r\n"), false},
    {TEXT("Na\0me: value\r\n"), EXO_HEAD_FIELD, 0, "", TEXT("Na\0me: value\r\n"), false},
    {TEXT("Name: a\0b\r\n"), EXO_HEAD_FIELD, 0, "Name", TEXT("a\0b"), false},
    {TEXT(""), EXO_HEAD_FIELD, 0, "", TEXT(""), false},
    {TEXT("Content-Encoding: gzip\r\n"), EXO_HEAD_FIELD, 0, "Content-Encoding", TEXT("gzip"), true},
    {TEXT("content-encoding: identity\r\n"), EXO_HEAD_FIELD, 0, "content-encoding", TEXT("identity"), false},
    {TEXT("content-encoding:\r\n"), EXO_HEAD_FIELD, 0, "content-encoding", TEXT(""), false},
};

static void assert_span(exo_span is, exo_span expected)
{
    assert_int_equal(is.len, expected.len);
    assert_true(is.len == 0 || memcmp(is.ptr, expected.ptr, is.len) == 0);
}

static void every_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t len = lines[i].line.len;
        char *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, lines[i].line.ptr, len);
        exo_head_line read = exo_head_read(exo_span_of(exact, len));
        assert_int_equal(read.kind, lines[i].kind);
        assert_int_equal(read.status, lines[i].status);
        assert_span(read.name, exo_span_text(lines[i].name));
        assert_span(read.value, lines[i].value);
        assert_int_equal(exo_head_is_coding(&read), lines[i].coding);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
