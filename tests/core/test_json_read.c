/*
 * test_json_read.c: what is JSON and what is not, and where; tokens, skipping, decoded strings and integers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/json_read.h"
#include "utf8_oracle.h"

#define BAD           "\xEF\xBF\xBD"
#define TEXT(literal) literal, sizeof literal - 1
#define COUNT(array)  (sizeof array / sizeof *array)

/* A copy of `len` bytes that ends where its heap block ends, so that a sanitizer sees an over-read. */
static char *exact_copy(const char *text, size_t len)
{
    char *block = malloc(len + (len == 0));
    assert_non_null(block);
    memcpy(block, text, len);
    return block;
}

static int check(const char *text, size_t len, size_t *at)
{
    char *copy = exact_copy(text, len);
    int rc = exo_json_check(exo_span_of(len > 0 ? copy : NULL, len), EXO_JSON_DEPTH_MAX, at);
    free(copy);
    return rc;
}

static const struct {
    const char *text;
    size_t len;
} accepted[] = {
    {TEXT("null")},
    {TEXT("true")},
    {TEXT("false")},
    {TEXT(" \t\r\n null \t\r\n ")},
    {TEXT("\"\"")},
    {TEXT("\"asd\"")},
    {TEXT("[]")},
    {TEXT("{}")},
    {TEXT(" [ ] ")},
    {TEXT("{\n}\n")},
    {TEXT("[[] ]")},
    {TEXT("[\"\"]")},
    {TEXT("[null, 1, \"1\", {}]")},
    {TEXT("[1,null,null,null,2]")},
    {TEXT("[false]")},
    {TEXT("[\"a\"]\n")},
    {TEXT("0")},
    {TEXT("-0")},
    {TEXT("42")},
    {TEXT("-0.1")},
    {TEXT("[123e65]")},
    {TEXT("[0e+1]")},
    {TEXT("[0e1]")},
    {TEXT("[ 4]")},
    {TEXT("[-0]")},
    {TEXT("[-1]")},
    {TEXT("[20e1]")},
    {TEXT("[1E22]")},
    {TEXT("[1E-2]")},
    {TEXT("[1E+2]")},
    {TEXT("[123.456e78]")},
    {TEXT("[1e-00002]")},
    {TEXT("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]")},
    {TEXT("[123123123123123123123123123123123123123123]")},
    {TEXT("[1e999999999999999999999999]")},
    {TEXT("{\"a\":\"b\"}")},
    {TEXT("{\"a\":\"b\",\"a\":\"c\"}")},
    {TEXT("{\"\":0}")},
    {TEXT("{\"foo\\u0000bar\": 42}")},
    {TEXT("{ \"min\" : -1.0e+28 , \"max\" : 1.0e+28 }")},
    {TEXT("{\"x\":[{\"id\": \"xxx\"}], \"id\": \"yyy\"}")},
    {TEXT("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}")},
    {TEXT("[\"\\u0060\\u012a\\u12AB\"]")},
    {TEXT("[\"\\uD801\\udc37\"]")},
    {TEXT("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]")},
    {TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]")},
    {TEXT("[\"\\\\u0000\"]")},
    {TEXT("[\"\\\"\"]")},
    {TEXT("[\"a/*b*/c/*d//e\"]")},
    {TEXT("[\"\\\\a\"]")},
    {TEXT("[\"\\u0000\"]")},
    {TEXT("[\"\\u0012\"]")},
    {TEXT("[\"\\uFFFF\"]")},
    {TEXT("[\"\\uDBFF\\uDFFE\"]")},
    {TEXT("[\"\x7F\"]")},
    {TEXT("[\"a\x7F"
          "a\"]")},
    {TEXT("[\"\xC3\xA9\"]")},
    {TEXT("[\"\xE2\x80\xA8\xE2\x80\xA9\"]")},
    {TEXT("[\"\xEF\xBB\xBF\"]")},
    {TEXT("[\"\xEF\xBF\xBF\"]")},
    {TEXT("[\"\xF4\x8F\xBF\xBF\"]")},
    {TEXT("[\"\xF0\x9B\xBF\xBF\"]")},
    {TEXT("\"\xCF\x80 and then more than a word of plain text\"")},
    /* Lone and inverted surrogates fit the grammar. */
    {TEXT("[\"\\uD800\"]")},
    {TEXT("[\"\\uDADA\"]")},
    {TEXT("[\"\\uD888\\u1234\"]")},
    {TEXT("[\"\\uDd1e\\uD834\"]")},
    {TEXT("[\"\\uD800\\n\"]")},
    {TEXT("[\"\\uDFAA\"]")},
};

static void json_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        size_t at = 0;
        int rc = check(accepted[i].text, accepted[i].len, &at);
        if (rc != EXO_OK) {
            fail_msg("%s: %s at %zu", accepted[i].text, exo_error_name(rc), at);
        }
        assert_int_equal(at, accepted[i].len);
    }
}

/* Whether the first `len` bytes of a text are a whole number, the one value that may end anywhere. */
static bool ends_in_top_level_number(const char *text, size_t len)
{
    return len > 0 && text[len - 1] >= '0' && text[len - 1] <= '9' && !memchr(text, '"', len) &&
           !memchr(text, '[', len) && !memchr(text, '{', len);
}

static void json_that_is_cut_off_is_an_early_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        size_t whole = accepted[i].len;
        while (strchr(" \t\r\n", accepted[i].text[whole - 1])) {
            whole--;
        }
        for (size_t len = 0; len < whole; len++) {
            size_t at = 0;
            int rc = check(accepted[i].text, len, &at);
            assert_int_equal(rc, ends_in_top_level_number(accepted[i].text, len) ? EXO_OK : EXO_E_JSON_END);
            assert_int_equal(at, len);
        }
    }
}

static const struct {
    const char *text;
    size_t len;
    int code;
    size_t at;
} refused[] = {
    /* nothing, or something before the value */
    {TEXT(""), EXO_E_JSON_END, 0},
    {TEXT("  "), EXO_E_JSON_END, 2},
    {TEXT("\xEF\xBB\xBF{}"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\xFF\xFE[\0]\0"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\0"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\x0C[]"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\xC2\xA0[]"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\xE2\x81\xA0[]"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("<null>"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("]"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("}"), EXO_E_JSON_SYNTAX, 0},
    {TEXT(","), EXO_E_JSON_SYNTAX, 0},
    {TEXT(":"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("*"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("'a'"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("\\u0020[]"), EXO_E_JSON_SYNTAX, 0},
    {TEXT("/**/[]"), EXO_E_JSON_SYNTAX, 0},
    /* arrays */
    {TEXT("[1 true]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[a]"), EXO_E_JSON_LITERAL, 1},
    {TEXT("[\"\": 1]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[1,,2]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[,1]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[,]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[1,]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[\"\",]"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("[3[4]]"), EXO_E_JSON_SYNTAX, 2},
    {TEXT("[1:2]"), EXO_E_JSON_SYNTAX, 2},
    {TEXT("[\"x\"}"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("[}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[\x0B]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[1\f]"), EXO_E_JSON_SYNTAX, 2},
    {TEXT("[\xFF]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[\\u000A\"\"]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[(1)]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[<x>]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("['x']"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("["), EXO_E_JSON_END, 1},
    {TEXT("[1"), EXO_E_JSON_END, 2},
    {TEXT("[1,"), EXO_E_JSON_END, 3},
    {TEXT("[1,\n"), EXO_E_JSON_END, 4},
    {TEXT("[{}"), EXO_E_JSON_END, 3},
    /* objects */
    {TEXT("{,}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{[: \"x\"}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{1:1}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{a: 1}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{null:null}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{'a':0}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{\"a\" b}"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("{\"a\"}"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("{\"a\",1}"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("{\"a\"=1}"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("{\"x\"::\"b\"}"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("{\"a\":}"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("{\"a\":,}"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("{:\"b\"}"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("{\"id\":0,}"), EXO_E_JSON_SYNTAX, 8},
    {TEXT("{\"id\":0,,}"), EXO_E_JSON_SYNTAX, 8},
    {TEXT("{\"id\":0;}"), EXO_E_JSON_SYNTAX, 7},
    {TEXT("{\"a\":0 \"b\":1}"), EXO_E_JSON_SYNTAX, 7},
    {TEXT("{\"a\":0]"), EXO_E_JSON_SYNTAX, 6},
    {TEXT("{\"a\":0:1}"), EXO_E_JSON_SYNTAX, 6},
    {TEXT("{\"a\":/*c*/0}"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("{\"\xB9\":\"0\",}"), EXO_E_JSON_UTF8, 2},
    {TEXT("{"), EXO_E_JSON_END, 1},
    {TEXT("{\"a"), EXO_E_JSON_END, 3},
    {TEXT("{\"a\""), EXO_E_JSON_END, 4},
    {TEXT("{\"a\" "), EXO_E_JSON_END, 5},
    {TEXT("{\"a\":"), EXO_E_JSON_END, 5},
    {TEXT("{\"a\":0"), EXO_E_JSON_END, 6},
    {TEXT("{\"a\":0,"), EXO_E_JSON_END, 7},
    /* after the value */
    {TEXT("[][]"), EXO_E_JSON_TRAILING, 2},
    {TEXT("[]]"), EXO_E_JSON_TRAILING, 2},
    {TEXT("{}}"), EXO_E_JSON_TRAILING, 2},
    {TEXT("1 2"), EXO_E_JSON_TRAILING, 2},
    {TEXT("1,"), EXO_E_JSON_TRAILING, 1},
    {TEXT("\"a\":1"), EXO_E_JSON_TRAILING, 3},
    {TEXT("nullnull"), EXO_E_JSON_TRAILING, 4},
    {TEXT("0x10"), EXO_E_JSON_TRAILING, 1},
    {TEXT("[1]x"), EXO_E_JSON_TRAILING, 3},
    {TEXT("{\"a\":\"b\"}#"), EXO_E_JSON_TRAILING, 9},
    {TEXT("{\"a\":\"b\"} //"), EXO_E_JSON_TRAILING, 10},
    {TEXT("[] \0"), EXO_E_JSON_TRAILING, 3},
    {TEXT("\"\"\xEF\xBB\xBF"), EXO_E_JSON_TRAILING, 2},
    /* words */
    {TEXT("nul"), EXO_E_JSON_END, 3},
    {TEXT("[nul]"), EXO_E_JSON_LITERAL, 4},
    {TEXT("[tru]"), EXO_E_JSON_LITERAL, 4},
    {TEXT("[fals]"), EXO_E_JSON_LITERAL, 5},
    {TEXT("[True]"), EXO_E_JSON_LITERAL, 1},
    {TEXT("tRue"), EXO_E_JSON_LITERAL, 1},
    {TEXT("[NaN]"), EXO_E_JSON_LITERAL, 1},
    {TEXT("[nan]"), EXO_E_JSON_LITERAL, 2},
    {TEXT("Infinity"), EXO_E_JSON_LITERAL, 0},
    {TEXT("undefined"), EXO_E_JSON_LITERAL, 0},
    {TEXT("[zzz]"), EXO_E_JSON_LITERAL, 1},
    {TEXT("[truefalse]"), EXO_E_JSON_SYNTAX, 5},
    {TEXT("[@]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[`]"), EXO_E_JSON_SYNTAX, 1},
    {TEXT("[|]"), EXO_E_JSON_SYNTAX, 1},
    /* numbers */
    {TEXT("-"), EXO_E_JSON_END, 1},
    {TEXT("1."), EXO_E_JSON_END, 2},
    {TEXT("1e"), EXO_E_JSON_END, 2},
    {TEXT("1e+"), EXO_E_JSON_END, 3},
    {TEXT("[-]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[--2.]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[+1]"), EXO_E_JSON_NUMBER, 1},
    {TEXT("[++1234]"), EXO_E_JSON_NUMBER, 1},
    {TEXT("[+Inf]"), EXO_E_JSON_NUMBER, 1},
    {TEXT("[.123]"), EXO_E_JSON_NUMBER, 1},
    {TEXT("[-.123]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[.-1]"), EXO_E_JSON_NUMBER, 1},
    {TEXT("[-01]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[012]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[00]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[-012.5]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[1.]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[2.e3]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[0.e1]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[1.-2]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[1e]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[1E+]"), EXO_E_JSON_NUMBER, 4},
    {TEXT("[0e-]"), EXO_E_JSON_NUMBER, 4},
    {TEXT("[1e+-2]"), EXO_E_JSON_NUMBER, 4},
    {TEXT("[1ea]"), EXO_E_JSON_NUMBER, 3},
    {TEXT("[-Infinity]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[-foo]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[- 1]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[-\xC2\xB9]"), EXO_E_JSON_NUMBER, 2},
    {TEXT("[0.1.2]"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("[0x42]"), EXO_E_JSON_SYNTAX, 2},
    {TEXT("[1+2]"), EXO_E_JSON_SYNTAX, 2},
    {TEXT("[-1x]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[1 000.0]"), EXO_E_JSON_SYNTAX, 3},
    {TEXT("[9.3e2e3]"), EXO_E_JSON_SYNTAX, 6},
    {TEXT("[1.2a-3]"), EXO_E_JSON_SYNTAX, 4},
    {TEXT("[\xEF\xBC\x91]"), EXO_E_JSON_SYNTAX, 1},
    /* strings */
    {TEXT("\""), EXO_E_JSON_END, 1},
    {TEXT("\"ab"), EXO_E_JSON_END, 3},
    {TEXT("[\"a\n\"]"), EXO_E_JSON_STRING, 3},
    {TEXT("[\"\t\"]"), EXO_E_JSON_STRING, 2},
    {TEXT("[\"a\0a\"]"), EXO_E_JSON_STRING, 3},
    {TEXT("[\"\x1F\"]"), EXO_E_JSON_STRING, 2},
    {TEXT("\"12345678\x01\""), EXO_E_JSON_STRING, 9},
    {TEXT("{\"\r\":0}"), EXO_E_JSON_STRING, 2},
    {TEXT("[\"\\"), EXO_E_JSON_END, 3},
    {TEXT("[\"\\x00\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\a\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\U0041\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\0\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\\0\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\\t\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\'\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\\xF0\x9F\x8C\x80\"]"), EXO_E_JSON_ESCAPE, 3},
    {TEXT("[\"\\u\"]"), EXO_E_JSON_ESCAPE, 4},
    {TEXT("[\"\\u0\"]"), EXO_E_JSON_ESCAPE, 5},
    {TEXT("[\"\\u00\"]"), EXO_E_JSON_ESCAPE, 6},
    {TEXT("[\"\\u00A\"]"), EXO_E_JSON_ESCAPE, 7},
    {TEXT("[\"\\u12G4\"]"), EXO_E_JSON_ESCAPE, 6},
    {TEXT("[\"\\u-123\"]"), EXO_E_JSON_ESCAPE, 4},
    {TEXT("[\"\\uD834\\uDd\"]"), EXO_E_JSON_ESCAPE, 12},
    {TEXT("[\"\\uD800\\u\"]"), EXO_E_JSON_ESCAPE, 10},
    {TEXT("[\"\\uD800\\\"]"), EXO_E_JSON_END, 11},
    {TEXT("[\"\\u00"), EXO_E_JSON_END, 6},
    /* UTF-8 */
    {TEXT("[\"\x80\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"a\xE5\"]"), EXO_E_JSON_UTF8, 3},
    {TEXT("[\"\xC0\xAF\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\xE0\x80\x80\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\xED\xA0\x80\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\xE2\x82\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\xF4\xBF\xBF\xBF\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), EXO_E_JSON_UTF8, 2},
    {TEXT("[\"\\u0041\xC3\xA9\xFF\"]"), EXO_E_JSON_UTF8, 10},
    {TEXT("\"\xFF"), EXO_E_JSON_UTF8, 1},
    {TEXT("\"\xE2\x82"), EXO_E_JSON_END, 3},
    {TEXT("\"a\xF0"), EXO_E_JSON_END, 3},
};

static void what_is_not_json_is_refused_at_its_first_wrong_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        size_t at = SIZE_MAX;
        int rc = check(refused[i].text, refused[i].len, &at);
        if (rc != refused[i].code || at != refused[i].at) {
            fail_msg("%s: %s at %zu", refused[i].text, exo_error_name(rc), at);
        }
    }
}

static void an_error_is_repeated(void **state)
{
    exo_json_reader reader;
    exo_json_token token;
    (void)state;
    exo_json_reader_init(&reader, exo_span_text("[1,]"), 8, false);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(exo_json_next(&reader, &token), EXO_E_JSON_SYNTAX);
        assert_int_equal(exo_json_skip(&reader, NULL), EXO_E_JSON_SYNTAX);
        assert_int_equal(reader.at, 3);
    }
}

/* Brackets of both kinds, `depth` of them, kinds chosen by the bits of `pattern`, around nothing. */
static size_t nest(char *text, uint32_t depth, uint64_t pattern)
{
    size_t len = 0;
    for (uint32_t i = 0; i < depth; i++) {
        bool object = pattern >> i % 64 & 1;
        const char *open = !object ? "[" : i + 1 < depth ? "{\"k\":" : "{";
        memcpy(text + len, open, strlen(open));
        len += strlen(open);
    }
    for (uint32_t i = depth; i-- > 0;) {
        text[len++] = pattern >> i % 64 & 1 ? '}' : ']';
    }
    return len;
}

static void nesting_ends_at_the_given_depth(void **state)
{
    static const uint64_t patterns[] = {0, UINT64_MAX, 0xAAAAAAAAAAAAAAAA, 0x5555555555555555, 0x0123456789ABCDEF};
    char text[65 * 6];
    (void)state;
    for (size_t i = 0; i < COUNT(patterns); i++) {
        for (uint32_t depth = 1; depth <= EXO_JSON_DEPTH_MAX; depth++) {
            size_t len = nest(text, depth, patterns[i]);
            size_t at;
            assert_int_equal(exo_json_check(exo_span_of(text, len), depth, &at), EXO_OK);
            assert_int_equal(exo_json_check(exo_span_of(text, len), depth - 1, &at), EXO_E_DEPTH_LIMIT);
            assert_int_equal(text[at], patterns[i] >> (depth - 1) % 64 & 1 ? '{' : '[');
            /* A bracket of the other kind does not close. */
            text[len - 1] = text[len - 1] == ']' ? '}' : ']';
            assert_int_not_equal(exo_json_check(exo_span_of(text, len), depth, &at), EXO_OK);
            assert_int_equal(at, len - 1);
        }
        size_t len = nest(text, EXO_JSON_DEPTH_MAX + 1, patterns[i]);
        assert_int_equal(exo_json_check(exo_span_of(text, len), UINT32_MAX, NULL), EXO_E_DEPTH_LIMIT);
    }
    assert_int_equal(exo_json_check(exo_span_text("\"no bracket\""), 0, NULL), EXO_OK);
}

/* The tokens of a text as a line: type, text in <>, ! for a string that is not plain. */
static void log_tokens(const char *text, bool replace, char *log, size_t size)
{
    static const char *const names[] = {"null", "false", "true", "num", "str", "key", "[", "]", "{", "}"};
    size_t text_len = strlen(text);
    char *copy = exact_copy(text, text_len);
    exo_json_reader reader;
    exo_json_token token;
    size_t len = 0;
    int rc;
    exo_json_reader_init(&reader, exo_span_of(copy, text_len), 64, replace);
    while ((rc = exo_json_next(&reader, &token)) == EXO_EVENT) {
        bool quoted = token.type == EXO_JSON_STRING || token.type == EXO_JSON_KEY;
        len += (size_t)snprintf(log + len, size - len, "%s<%.*s>%s ", names[token.type], (int)token.text.len,
                                token.text.ptr, quoted && !token.plain ? "!" : "");
        assert_ptr_equal(token.raw.ptr + quoted, token.text.ptr);
        assert_int_equal(token.raw.len, token.text.len + 2 * quoted);
        assert_true(quoted || !token.plain);
    }
    snprintf(log + len, size - len, "%s", exo_error_name(rc));
    assert_int_equal(exo_json_next(&reader, &token), rc);
    free(copy);
}

static void tokens_point_into_the_text(void **state)
{
    static const struct {
        const char *text;
        const char *log;
    } logs[] = {
        {"null", "null<null> EXO_OK"},
        {" [ true , false ] ", "[<[> true<true> false<false> ]<]> EXO_OK"},
        {"{\"a\" : -1.50e+3, \"\" :\"\"}", "{<{> key<a> num<-1.50e+3> key<> str<> }<}> EXO_OK"},
        {"[\"a\\nb\",\"\\\"\"]", "[<[> str<a\\nb>! str<\\\">! ]<]> EXO_OK"},
        {"{\"\\u0061\":{\"b\":[]}}", "{<{> key<\\u0061>! {<{> key<b> [<[> ]<]> }<}> }<}> EXO_OK"},
        {"[[1],{},2]", "[<[> [<[> num<1> ]<]> {<{> }<}> num<2> ]<]> EXO_OK"},
        {"\"\xE6\xBC\xA2\"", "str<\xE6\xBC\xA2> EXO_OK"},
        {"{\"a\":1 2", "{<{> key<a> num<1> EXO_E_JSON_SYNTAX"},
        {"{\"a\"1", "{<{> EXO_E_JSON_SYNTAX"},
    };
    char log[256];
    (void)state;
    for (size_t i = 0; i < COUNT(logs); i++) {
        log_tokens(logs[i].text, false, log, sizeof log);
        assert_string_equal(log, logs[i].log);
    }
}

static void broken_UTF8_is_accepted_in_strings_where_it_is_to_be_replaced(void **state)
{
    char log[256];
    (void)state;
    log_tokens("{\"\xFF\":\"a\xE2\x82\"}", true, log, sizeof log);
    assert_string_equal(log, "{<{> key<\xFF>! str<a\xE2\x82>! }<}> EXO_OK");
    log_tokens("[\xFF]", true, log, sizeof log);
    assert_string_equal(log, "[<[> EXO_E_JSON_SYNTAX");
    log_tokens("[\"\xE2\x82", true, log, sizeof log);
    assert_string_equal(log, "[<[> EXO_E_JSON_END");
    log_tokens("[\"\xE2\n\"]", true, log, sizeof log);
    assert_string_equal(log, "[<[> EXO_E_JSON_STRING");
}

static const struct {
    const char *text;
    const char *log; /* of a tolerant reader that is told to skip what follows a key */
} tolerated[] = {
    /* what is JSON */
    {"{\"a\":[1,{}],\"b\":null}", "{<{> key<a> skip<[1,{}]> key<b> skip<null> }<}> EXO_OK"},
    {"\"\\ud83d\\u00e9\\n\"", "str<\\ud83d\\u00e9\\n>! EXO_OK"},
    {"[nul]", "[<[> EXO_E_JSON_LITERAL"},
    {"[none]", "[<[> EXO_E_JSON_LITERAL"},
    /* control characters and bad escapes */
    {"\"a\n\x1B[1m\t\"", "str<a\n\x1B[1m\t>! EXO_OK"},
    {"{\"k\n\":1}", "{<{> key<k\n>! skip<1> }<}> EXO_OK"},
    {"[\"\\x\\u12\\\xC3\xA9\\\"\\\n\"]", "[<[> str<\\x\\u12\\\xC3\xA9\\\"\\\n>! ]<]> EXO_OK"},
    {"[\"\\u", "[<[> EXO_E_JSON_END"},
    {"[\"\\", "[<[> EXO_E_JSON_END"},
    {"[\"\xFF\xE2\x82\"]", "[<[> str<\xFF\xE2\x82>! ]<]> EXO_OK"},
    /* numbers that are none */
    {"[NaN,Infinity,-Infinity,nan,-inf,+INF]",
     "[<[> null<NaN> null<Infinity> null<-Infinity> null<nan> null<-inf> null<+INF> ]<]> EXO_OK"},
    {"NaN", "null<NaN> EXO_OK"},
    {"[NaNs]", "[<[> EXO_E_JSON_LITERAL"},
    {"[-Infinit]", "[<[> EXO_E_JSON_NUMBER"},
    {"[- NaN]", "[<[> EXO_E_JSON_NUMBER"},
    {"{\"a\":{\"b\":[-Infinity]},\"c\":NaN}", "{<{> key<a> skip<{\"b\":[-Infinity]}> key<c> skip<NaN> }<}> EXO_OK"},
    /* deeper than the three levels that it is given */
    {"[[[1]]]", "[<[> [<[> [<[> num<1> ]<]> ]<]> ]<]> EXO_OK"},
    {"[[[[1]]]]", "[<[> [<[> [<[> EXO_E_DEPTH_LIMIT"},
    {"{\"a\":[[[[{\"]\":\"}\\\"\"}]],[]]],\"b\":1}",
     "{<{> key<a> skip<[[[[{\"]\":\"}\\\"\"}]],[]]]> key<b> skip<1> }<}> EXO_OK"},
    {"{\"a\":[[[[]]]", "{<{> key<a> EXO_E_JSON_END"},
    {"{\"a\":[[[[\"]]]]}", "{<{> key<a> EXO_E_JSON_END"},
    /* what is no JSON still is none */
    {"{\"a\":01}", "{<{> key<a> EXO_E_JSON_NUMBER"},
    {"{\"a\":[1 2]}", "{<{> key<a> EXO_E_JSON_SYNTAX"},
    {"{\"a\":1,}", "{<{> key<a> skip<1> EXO_E_JSON_SYNTAX"},
    {"{\"a\":\"b\n{\"c\":1}}", "{<{> key<a> skip<\"b\n{\"> EXO_E_JSON_SYNTAX"},
};

static void what_is_not_quite_json_is_tolerated_on_request(void **state)
{
    static const char *const names[] = {"null", "false", "true", "num", "str", "key", "[", "]", "{", "}"};
    (void)state;
    for (size_t i = 0; i < COUNT(tolerated); i++) {
        size_t text_len = strlen(tolerated[i].text);
        char *copy = exact_copy(tolerated[i].text, text_len);
        char log[256];
        size_t len = 0;
        exo_json_reader reader;
        exo_json_token token;
        int rc;
        exo_json_reader_init(&reader, exo_span_of(copy, text_len), 3, false);
        exo_json_reader_tolerate(&reader);
        while ((rc = exo_json_next(&reader, &token)) == EXO_EVENT) {
            bool quoted = token.type == EXO_JSON_STRING || token.type == EXO_JSON_KEY;
            exo_span raw;
            len += (size_t)snprintf(log + len, sizeof log - len, "%s<%.*s>%s ", names[token.type], (int)token.text.len,
                                    token.text.ptr, quoted && !token.plain ? "!" : "");
            if (token.type == EXO_JSON_KEY && exo_json_skip(&reader, &raw) == EXO_OK) {
                len += (size_t)snprintf(log + len, sizeof log - len, "skip<%.*s> ", (int)raw.len, raw.ptr);
            }
        }
        snprintf(log + len, sizeof log - len, "%s", exo_error_name(rc));
        assert_string_equal(log, tolerated[i].log);
        free(copy);
    }
}

static void a_tolerant_skip_knows_no_depth(void **state)
{
    const size_t depth = 100000;
    char *text = malloc(2 * depth);
    exo_json_reader reader;
    exo_span raw;
    (void)state;
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    exo_json_reader_init(&reader, exo_span_of(text, 2 * depth), EXO_JSON_DEPTH_MAX, false);
    exo_json_reader_tolerate(&reader);
    assert_int_equal(exo_json_skip(&reader, &raw), EXO_OK);
    assert_int_equal(raw.len, 2 * depth);
    exo_json_reader_init(&reader, exo_span_of(text, 2 * depth - 1), EXO_JSON_DEPTH_MAX, false);
    exo_json_reader_tolerate(&reader);
    assert_int_equal(exo_json_skip(&reader, &raw), EXO_E_JSON_END);
    free(text);
}

static void skip_takes_the_next_value_whole(void **state)
{
    /* After `tokens` tokens of `text`, a skip gives `rc` and `raw`, and leaves `rest` unread. */
    static const struct {
        const char *text;
        int tokens;
        int rc;
        const char *raw;
        const char *rest;
    } skips[] = {
        {" {\"a\": [1, {}]} ", 0, EXO_OK, "{\"a\": [1, {}]}", " "},
        {" 17 ", 0, EXO_OK, "17", " "},
        {"{\"a\" : [1, {\"b\":2}] , \"c\":3}", 2, EXO_OK, "[1, {\"b\":2}]", " , \"c\":3}"},
        {"{\"a\": \"x\\\"y\" }", 2, EXO_OK, "\"x\\\"y\"", " }"},
        {"{\"a\":null}", 2, EXO_OK, "null", "}"},
        {"[ [[]] ,2]", 1, EXO_OK, "[[]]", " ,2]"},
        {"[1 , {\"a\":1} ]", 2, EXO_OK, "{\"a\":1}", " ]"},
        {"[]", 1, EXO_NOT_FOUND, NULL, "]"},
        {"[1 ]", 2, EXO_NOT_FOUND, NULL, " ]"},
        {"{ }", 1, EXO_NOT_FOUND, NULL, " }"},
        {"{\"a\":1}", 3, EXO_NOT_FOUND, NULL, "}"},
        {"{\"a\":1}", 1, EXO_E_STATE, NULL, "\"a\":1}"},
        {"{\"a\":1,\"b\":2}", 3, EXO_E_STATE, NULL, ",\"b\":2}"},
        {"1 ", 1, EXO_E_STATE, NULL, " "},
        {"1 1", 1, EXO_E_JSON_TRAILING, NULL, "1"},
        {"", 0, EXO_E_JSON_END, NULL, ""},
        {"{\"a\":}", 2, EXO_E_JSON_SYNTAX, NULL, "}"},
        {"{\"a\":[1 2]}", 2, EXO_E_JSON_SYNTAX, NULL, "2]}"},
        {"[1,]", 2, EXO_E_JSON_SYNTAX, NULL, "]"},
        {"[[[[1]]]]", 1, EXO_E_DEPTH_LIMIT, NULL, "[1]]]]"},
        {"[{\"a\":[", 1, EXO_E_JSON_END, NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(skips); i++) {
        size_t len = strlen(skips[i].text);
        char *copy = exact_copy(skips[i].text, len);
        for (int want_raw = 0; want_raw <= 1; want_raw++) {
            exo_json_reader reader;
            exo_json_token token;
            exo_span raw = {0};
            exo_json_reader_init(&reader, exo_span_of(copy, len), 3, false);
            for (int n = 0; n < skips[i].tokens; n++) {
                assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
            }
            assert_int_equal(exo_json_skip(&reader, want_raw ? &raw : NULL), skips[i].rc);
            assert_string_equal(skips[i].text + reader.at, skips[i].rest);
            assert_true(exo_span_is(raw, want_raw && skips[i].raw ? skips[i].raw : ""));
            /* What is refused for the order of calls can still be read. */
            assert_true(skips[i].rc != EXO_E_STATE || exo_json_next(&reader, &token) >= 0);
        }
        free(copy);
    }
}

static void a_loop_of_skips_walks_an_array(void **state)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span raw;
    size_t total = 0;
    (void)state;
    exo_json_reader_init(&reader, exo_span_text("[1, [2, 3], {\"4\": 5}, \"6\"] "), 8, false);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    while (exo_json_skip(&reader, &raw) == EXO_OK) {
        total += raw.len;
    }
    assert_int_equal(total, strlen("1[2, 3]{\"4\": 5}\"6\""));
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    assert_int_equal(token.type, EXO_JSON_ARRAY_END);
    assert_int_equal(exo_json_next(&reader, &token), EXO_OK);
}

static void a_copied_reader_reads_on_by_itself(void **state)
{
    exo_json_reader reader;
    exo_json_token token;
    (void)state;
    exo_json_reader_init(&reader, exo_span_text("{\"a\":[1,2],\"b\":0}"), 8, false);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    exo_json_reader copy = reader;
    while (exo_json_next(&copy, &token) == EXO_EVENT) {
    }
    assert_int_equal(copy.at, 17);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    assert_true(exo_json_is(&token, "a"));
}

/* Decodes `text` and joins the fragments; checks what is promised of each. Returns the length of the value. */
static size_t decode(const char *text, size_t text_len, char *out, size_t size)
{
    char *copy = exact_copy(text, text_len);
    char *scratch = malloc(EXO_JSON_SCRATCH);
    exo_json_decoder decoder;
    exo_span fragment;
    bool last = false;
    size_t len = 0;
    assert_non_null(scratch);
    exo_json_decoder_init(&decoder, exo_span_of(text_len > 0 ? copy : NULL, text_len));
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        assert_true(fragment.len > 0 || text_len == 0);
        assert_true(len + fragment.len <= size);
        if (fragment.len > 0) {
            /* Whole sequences only: none begins with a continuation byte. */
            assert_int_not_equal((uint8_t)fragment.ptr[0] & 0xC0, 0x80);
            memcpy(out + len, fragment.ptr, fragment.len);
        }
        len += fragment.len;
        if (last) {
            break;
        }
    }
    assert_true(last);
    assert_int_equal(exo_json_decode(&decoder, scratch, &fragment, &last), EXO_OK);
    free(scratch);
    free(copy);
    return len;
}

#define FIFTY "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"

static const struct {
    const char *text;
    size_t len;
    const char *value;
    size_t value_len;
} strings[] = {
    {TEXT(""), TEXT("")},
    {TEXT("plain"), TEXT("plain")},
    {TEXT(FIFTY FIFTY), TEXT(FIFTY FIFTY)},
    {TEXT("\\\"\\\\\\/\\b\\f\\n\\r\\t"), TEXT("\"\\/\b\f\n\r\t")},
    {TEXT("a\\nb"), TEXT("a\nb")},
    {TEXT(FIFTY "\\n" FIFTY), TEXT(FIFTY "\n" FIFTY)},
    {TEXT("\\n" FIFTY FIFTY "\\n"), TEXT("\n" FIFTY FIFTY "\n")},
    {TEXT(FIFTY FIFTY "\\n"), TEXT(FIFTY FIFTY "\n")},
    {TEXT(FIFTY "12345678901\\ud83d\\ude00z"), TEXT(FIFTY "12345678901\xF0\x9F\x98\x80z")},
    {TEXT("\\u0041\\u00e9\\u20AC"), TEXT("A\xC3\xA9\xE2\x82\xAC")},
    {TEXT("\\u0000x"), TEXT("\0x")},
    {TEXT("\\u007f\\u0080\\u07ff\\u0800\\uffff"), TEXT("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF")},
    {TEXT("\\ud83d\\ude00"), TEXT("\xF0\x9F\x98\x80")},
    {TEXT("\\uD800\\uDC00\\uDBFF\\uDFFF"), TEXT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
    {TEXT("\xE6\xBC\xA2\\n\xE5\xAD\x97"), TEXT("\xE6\xBC\xA2\n\xE5\xAD\x97")},
    /* lone surrogates */
    {TEXT("\\ud83d"), TEXT(BAD)},
    {TEXT("\\ude00"), TEXT(BAD)},
    {TEXT("\\ude00\\ud83d"), TEXT(BAD BAD)},
    {TEXT("\\ud83d\\ud83d\\ude00"), TEXT(BAD "\xF0\x9F\x98\x80")},
    {TEXT("\\ud83dx"), TEXT(BAD "x")},
    {TEXT("\\ud83d\\n"), TEXT(BAD "\n")},
    {TEXT("\\ud83d\\u0041"), TEXT(BAD "A")},
    {TEXT("\\ud83d\\ue000"), TEXT(BAD "\xEE\x80\x80")},
    /* a surrogate in UTF-8 never joins one in an escape */
    {TEXT("\\ud83d\xED\xB8\x80"), TEXT(BAD BAD BAD BAD)},
    {TEXT("a\xFFz"), TEXT("a" BAD "z")},
    {TEXT("a\xF0\x9F\x98"), TEXT("a" BAD)},
    {TEXT("\xE2\x82\\n"), TEXT(BAD "\n")},
    /* bad escapes, which only a tolerant reader hands out, or none */
    {TEXT("\\"), TEXT("\\")},
    {TEXT("a\\x"), TEXT("a\\x")},
    {TEXT("\\u"), TEXT("\\u")},
    {TEXT("\\u12"), TEXT("\\u12")},
    {TEXT("\\u12G4"), TEXT("\\u12G4")},
    {TEXT("\\ud83d\\ude0"), TEXT(BAD "\\ude0")},
    {TEXT("C:\\Users\\new"), TEXT("C:\\Users\new")},
    {TEXT("\\\\x\\x"), TEXT("\\x\\x")},
    {TEXT("a\"b\nc"), TEXT("a\"b\nc")},
};

static void strings_are_decoded(void **state)
{
    char out[512];
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        size_t len = decode(strings[i].text, strings[i].len, out, sizeof out);
        assert_int_equal(len, strings[i].value_len);
        assert_memory_equal(out, strings[i].value, len);
    }
}

static void every_escaped_code_unit_is_decoded(void **state)
{
    (void)state;
    for (unsigned unit = 0; unit <= 0xFFFF; unit++) {
        char text[8];
        char out[8];
        char expected[4] = {(char)unit};
        size_t expected_len = 1;
        snprintf(text, sizeof text, unit & 1 ? "\\u%04x" : "\\u%04X", unit);
        if (unit >= 0xD800 && unit <= 0xDFFF) {
            memcpy(expected, BAD, expected_len = 3);
        } else if (unit >= 0x800) {
            expected[0] = (char)(0xE0 + unit / 4096);
            expected[1] = (char)(0x80 + unit / 64 % 64);
            expected[2] = (char)(0x80 + unit % 64);
            expected_len = 3;
        } else if (unit >= 0x80) {
            expected[0] = (char)(0xC0 + unit / 64);
            expected[1] = (char)(0x80 + unit % 64);
            expected_len = 2;
        }
        assert_int_equal(decode(text, 6, out, sizeof out), expected_len);
        assert_memory_equal(out, expected, expected_len);
    }
}

static void broken_UTF8_is_replaced_as_WHATWG_prescribes(void **state)
{
    size_t count = 1;
    (void)state;
    for (size_t len = 1; len <= 4; len++) {
        count *= UTF8_KINDS;
        for (size_t index = 0; index < count; index++) {
            char text[6] = {'"'};
            char expected[12];
            char out[12];
            size_t at;
            utf8_sequence_of_kinds(index, len, text + 1);
            text[len + 1] = '"';
            size_t expected_len = utf8_oracle(text + 1, len, expected);
            assert_int_equal(decode(text + 1, len, out, sizeof out), expected_len);
            assert_memory_equal(out, expected, expected_len);
            /* The strict reader takes exactly what needs no replacement. */
            bool valid = expected_len == len && memcmp(text + 1, expected, len) == 0;
            assert_int_equal(check(text, len + 2, &at), valid ? EXO_OK : EXO_E_JSON_UTF8);
        }
    }
}

/* A special byte at each place of a run, so that it falls on each place of a machine word. */
static void a_special_byte_is_seen_at_every_place(void **state)
{
    static const struct {
        char byte;
        int code;
    } specials[] = {
        {'"', EXO_E_JSON_TRAILING},
        {'\0', EXO_E_JSON_STRING},
        {'\x1F', EXO_E_JSON_STRING},
        {'\n', EXO_E_JSON_STRING},
        {'\\', EXO_E_JSON_ESCAPE},
        {'\x80', EXO_E_JSON_UTF8},
        {'\xFF', EXO_E_JSON_UTF8},
        {' ', EXO_OK},
        {'!', EXO_OK},
        {'#', EXO_OK},
        {'[', EXO_OK},
        {']', EXO_OK},
        {'\x7F', EXO_OK},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(specials); i++) {
        for (size_t len = 1; len <= 40; len++) {
            for (size_t place = 0; place < len; place++) {
                char text[48];
                size_t at;
                memset(text, 'x', sizeof text);
                text[0] = '"';
                text[1 + place] = specials[i].byte;
                text[1 + len] = 'x';
                text[2 + len] = '"';
                assert_int_equal(check(text, len + 3, &at), specials[i].code);
                bool after = specials[i].byte == '"' || specials[i].byte == '\\';
                assert_int_equal(at, specials[i].code == EXO_OK ? len + 3 : 1 + place + after);
            }
        }
    }
}

static void fragments_are_cut_by_the_text_alone(void **state)
{
    /* The lengths of the fragments; what is long and plain lies in the text, the rest in the scratch. */
    static const struct {
        const char *text;
        size_t count;
        size_t lens[4];
        bool in_text[4];
    } cuts[] = {
        {"", 1, {0}, {true}},
        {FIFTY FIFTY, 1, {100}, {true}},
        {"a\\nb", 1, {3}, {false}},
        {FIFTY "\\n1234567890123", 1, {64}, {false}},
        {FIFTY "\\n12345678901234", 2, {51, 14}, {false, true}},
        {FIFTY FIFTY "\\n" FIFTY FIFTY, 3, {100, 1, 100}, {true, false, true}},
        {FIFTY "\\n" FIFTY "\\n", 2, {51, 51}, {false, false}},
        {FIFTY "12345678901\\n\\n", 2, {61, 2}, {false, false}},
    };
    char scratch[EXO_JSON_SCRATCH];
    (void)state;
    for (size_t i = 0; i < COUNT(cuts); i++) {
        exo_json_decoder decoder;
        exo_span fragment;
        bool last;
        exo_json_decoder_init(&decoder, exo_span_text(cuts[i].text));
        for (size_t n = 0; n < cuts[i].count; n++) {
            assert_int_equal(exo_json_decode(&decoder, scratch, &fragment, &last), EXO_EVENT);
            assert_int_equal(fragment.len, cuts[i].lens[n]);
            assert_int_equal(fragment.ptr != scratch, cuts[i].in_text[n]);
            assert_int_equal(last, n + 1 == cuts[i].count);
        }
        assert_int_equal(exo_json_decode(&decoder, scratch, &fragment, &last), EXO_OK);
    }
}

static exo_json_token first_token(const char *text)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_json_reader_init(&reader, exo_span_text(text), 8, true);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    return token;
}

static void strings_are_compared_by_value(void **state)
{
    static const struct {
        const char *text;
        const char *literal;
        bool equal;
    } comparisons[] = {
        {"\"content\"", "content", true},
        {"\"content\"", "conten", false},
        {"\"content\"", "contents", false},
        {"\"content\"", "Content", false},
        {"\"con\\u0074ent\"", "content", true},
        {"\"con\\u0074ent\"", "conTent", false},
        {"\"con\\u0074en\"", "content", false},
        {"\"con\\u0074ents\"", "content", false},
        {"\"\"", "", true},
        {"\"\"", "a", false},
        {"\"a\"", "", false},
        {"\"\\u0000\"", "", false},
        {"\"\xFF\"", "?", false},
        {"\"" FIFTY FIFTY "\\n" FIFTY "\"", FIFTY FIFTY "\n" FIFTY, true},
        {"\"" FIFTY FIFTY "\\n" FIFTY "\"", FIFTY FIFTY "\n", false},
        {"null", "null", false},
        {"[]", "[", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(comparisons); i++) {
        exo_json_token token = first_token(comparisons[i].text);
        assert_int_equal(exo_json_is(&token, comparisons[i].literal), comparisons[i].equal);
    }
}

/* What is plain has no escapes, whatever it looks like. */
static void plain_text_is_taken_as_it_stands(void **state)
{
    static const struct {
        const char *text;
        bool plain;
        const char *value;
        bool equal;
    } comparisons[] = {
        {"a\\u0062", true, "a\\u0062", true},
        {"a\\u0062", true, "ab", false},
        {"a\\u0062", false, "ab", true},
        {"a\\u0062", false, "a\\u0062", false},
        {"\xFF", true, "\xFF", true},
        {"\xFF", false, "\xEF\xBF\xBD", true},
        {"", true, "", true},
        {"", true, "a", false},
        {"a", true, "", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(comparisons); i++) {
        const exo_span text = exo_span_text(comparisons[i].text);
        const exo_span value = exo_span_text(comparisons[i].value);
        assert_int_equal(exo_json_equal(text, comparisons[i].plain, value), comparisons[i].equal);
        exo_json_decoder decoder;
        char scratch[EXO_JSON_SCRATCH];
        exo_span fragment;
        bool last = false;
        exo_json_decoder_init_as(&decoder, text, comparisons[i].plain);
        assert_int_equal(exo_json_decode(&decoder, scratch, &fragment, &last), EXO_EVENT);
        assert_true(last);
        assert_true(!comparisons[i].plain || fragment.ptr == text.ptr);
        assert_int_equal(exo_span_equal(fragment, value), comparisons[i].equal);
        assert_int_equal(exo_json_decode(&decoder, scratch, &fragment, &last), EXO_OK);
    }
    assert_true(exo_json_equal(exo_span_of(NULL, 0), true, exo_span_of(NULL, 0)));
}

static void strings_are_copied_and_cut_between_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        exo_json_token token = {.type = EXO_JSON_KEY, .text = exo_span_of(strings[i].text, strings[i].len)};
        for (size_t size = 1; size <= strings[i].value_len + 3; size++) {
            char *dst = malloc(size);
            size_t expected = strings[i].value_len;
            assert_non_null(dst);
            if (expected > size - 1) {
                for (expected = size - 1; ((uint8_t)strings[i].value[expected] & 0xC0) == 0x80; expected--) {
                }
            }
            assert_int_equal(exo_json_copy(&token, dst, size), expected);
            assert_memory_equal(dst, strings[i].value, expected);
            assert_int_equal(dst[expected], '\0');
            free(dst);
        }
        assert_int_equal(exo_json_copy(&token, NULL, 0), 0);
    }
}

static void what_is_no_string_is_copied_as_an_empty_one(void **state)
{
    char dst[8] = "old";
    exo_json_token token = first_token("123");
    (void)state;
    assert_int_equal(exo_json_copy(&token, dst, sizeof dst), 0);
    assert_string_equal(dst, "");
}

static const struct {
    const char *text;
    int rc;
    int64_t value;
} integers[] = {
    {"0", EXO_OK, 0},
    {"-0", EXO_OK, 0},
    {"1", EXO_OK, 1},
    {"-1", EXO_OK, -1},
    {"100", EXO_OK, 100},
    {"1020300", EXO_OK, 1020300},
    {"9223372036854775807", EXO_OK, INT64_MAX},
    {"9223372036854775808", EXO_NOT_FOUND, 0},
    {"-9223372036854775808", EXO_OK, INT64_MIN},
    {"-9223372036854775809", EXO_NOT_FOUND, 0},
    {"18446744073709551615", EXO_NOT_FOUND, 0},
    {"18446744073709551616", EXO_NOT_FOUND, 0},
    {"18446744073709551620", EXO_NOT_FOUND, 0},
    {"20000000000000000000", EXO_NOT_FOUND, 0},
    {"-18446744073709551615", EXO_NOT_FOUND, 0},
    {"9223372036854775807000e-3", EXO_OK, INT64_MAX},
    {"9223372036854775807000.0", EXO_NOT_FOUND, 0},
    {"18446744073709551620e-1", EXO_OK, INT64_C(1844674407370955162)},
    {"100000000000000000001", EXO_NOT_FOUND, 0},
    {"10000000000000000000", EXO_NOT_FOUND, 0},
    {"1.0", EXO_OK, 1},
    {"1.000e0", EXO_OK, 1},
    {"-3.0", EXO_OK, -3},
    {"1.5", EXO_NOT_FOUND, 0},
    {"1.5e1", EXO_OK, 15},
    {"1e3", EXO_OK, 1000},
    {"1E+3", EXO_OK, 1000},
    {"1200e-2", EXO_OK, 12},
    {"1200e-3", EXO_NOT_FOUND, 0},
    {"0.001e3", EXO_OK, 1},
    {"0.5", EXO_NOT_FOUND, 0},
    {"1e18", EXO_OK, INT64_C(1000000000000000000)},
    {"1e19", EXO_NOT_FOUND, 0},
    {"1e20", EXO_NOT_FOUND, 0},
    {"0e99999999999999999999", EXO_OK, 0},
    {"-0.000e-99999999999999999999", EXO_OK, 0},
    {"1e99999999999999999999999999", EXO_NOT_FOUND, 0},
    {"1e-99999999999999999999999999", EXO_NOT_FOUND, 0},
    {"1000000000000000000000000000000e-30", EXO_OK, 1},
    {"0.000000000000000000000000000007e30", EXO_OK, 7},
    {"1.8446744073709551615e19", EXO_NOT_FOUND, 0},
    {"9.223372036854775807e18", EXO_OK, INT64_MAX},
    {"\"1\"", EXO_NOT_FOUND, 0},
    {"null", EXO_NOT_FOUND, 0},
};

static void whole_numbers_in_range_are_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(integers); i++) {
        exo_json_token token = first_token(integers[i].text);
        int64_t value = 4711;
        assert_int_equal(exo_json_int64(&token, &value), integers[i].rc);
        assert_true(value == (integers[i].rc == EXO_OK ? integers[i].value : 4711));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_accepted),
        cmocka_unit_test(json_that_is_cut_off_is_an_early_end),
        cmocka_unit_test(what_is_not_json_is_refused_at_its_first_wrong_byte),
        cmocka_unit_test(an_error_is_repeated),
        cmocka_unit_test(nesting_ends_at_the_given_depth),
        cmocka_unit_test(tokens_point_into_the_text),
        cmocka_unit_test(broken_UTF8_is_accepted_in_strings_where_it_is_to_be_replaced),
        cmocka_unit_test(what_is_not_quite_json_is_tolerated_on_request),
        cmocka_unit_test(a_tolerant_skip_knows_no_depth),
        cmocka_unit_test(skip_takes_the_next_value_whole),
        cmocka_unit_test(a_loop_of_skips_walks_an_array),
        cmocka_unit_test(a_copied_reader_reads_on_by_itself),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(every_escaped_code_unit_is_decoded),
        cmocka_unit_test(broken_UTF8_is_replaced_as_WHATWG_prescribes),
        cmocka_unit_test(a_special_byte_is_seen_at_every_place),
        cmocka_unit_test(fragments_are_cut_by_the_text_alone),
        cmocka_unit_test(strings_are_compared_by_value),
        cmocka_unit_test(plain_text_is_taken_as_it_stands),
        cmocka_unit_test(strings_are_copied_and_cut_between_characters),
        cmocka_unit_test(what_is_no_string_is_copied_as_an_empty_one),
        cmocka_unit_test(whole_numbers_in_range_are_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
