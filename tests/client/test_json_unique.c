/*
 * test_json_unique.c: exo_json_unique(): keys that stand twice, at any level, however they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/request.h"
#include "failing_heap.h"

/* As exo_json_unique(), of a copy at the end of an exactly sized block. */
static int look(const char *json, size_t *offset)
{
    size_t len = strlen(json);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, json, len);
    int code = exo_json_unique(exo_span_of(copy, len), offset);
    free(copy);
    return code;
}

static const char *const unique[] = {
    "1",
    "[]",
    "{}",
    "[{},{}]",
    "{\"a\":1}",
    "{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]}},\"b\":{\"a\":1}}",
    "{\"a\":1,\"A\":1,\"\":1,\"aa\":1,\"a \":1,\"a\\u0000\":1,\"a\\u0000b\":1,\"\\u0000\":1}",
    "{\"b\":\"b\",\"c\":[\"b\",\"b\"]}",
    "{\"\\u00e9\":1,\"e\xCC\x81\":1}",
    "{\"\\u0041\":1,\"\\\\u0041\":1}",
    "{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\":1}",
};

static void test_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unique / sizeof unique[0]; i++) {
        size_t offset = 99;
        assert_int_equal(look(unique[i], &offset), EXO_OK);
        assert_int_equal(offset, strlen(unique[i]));
        assert_int_equal(look(unique[i], NULL), EXO_OK);
    }
}

static const struct {
    const char *json;
    int code;
    size_t offset;
} wrong[] = {
    {"{\"a\":1,\"a\":1}", EXO_E_DUPLICATE_KEY, 7},
    {"{\"a\":1,\"b\":2,\"a\":1,\"b\":2}", EXO_E_DUPLICATE_KEY, 13},
    {"{\"b\":1,\"a\":2,\"a\":1,\"b\":2}", EXO_E_DUPLICATE_KEY, 13},
    {"{\"a\":1,\"a\":1,\"a\":1}", EXO_E_DUPLICATE_KEY, 7},
    {"{\"\":1,\"\":1}", EXO_E_DUPLICATE_KEY, 6},
    {"{\"a\":1,\"\\u0061\":1}", EXO_E_DUPLICATE_KEY, 7},
    {"{\"\\/\":1,\"\\u002F\":1}", EXO_E_DUPLICATE_KEY, 8},
    {"{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":1}", EXO_E_DUPLICATE_KEY, 18},
    {"{\"\\ud800\":1,\"\\udc00\":1}", EXO_E_DUPLICATE_KEY, 12},
    {"{\"\xFF\":1,\"\\ufffd\":1}", EXO_E_DUPLICATE_KEY, 7},
    {"{\"\\u0000\":1,\"\\u0000\":1}", EXO_E_DUPLICATE_KEY, 12},
    {" [ { \"a\" : 1 , \"a\" : 1 } ]", EXO_E_DUPLICATE_KEY, 15},
    {"{\"messages\":[{\"role\":\"u\",\"role\":\"v\"}]}", EXO_E_DUPLICATE_KEY, 25},
    {"{\"a\":{\"b\":1,\"b\":1},\"a\":1}", EXO_E_DUPLICATE_KEY, 12},
    {"{\"a\":{\"a\":1},\"a\":1}", EXO_E_DUPLICATE_KEY, 13},
    {"{\"a\":1,\"a\":{\"b\":1,\"b\":1}}", EXO_E_DUPLICATE_KEY, 18},
    {"", EXO_E_JSON_END, 0},
    {"{\"a\":1,\"a\":1", EXO_E_JSON_END, 12},
    {"{\"a\":1,}", EXO_E_JSON_SYNTAX, 7},
    {"{\"a\":1} x", EXO_E_JSON_TRAILING, 8},
    {"{\"\\x\":1}", EXO_E_JSON_ESCAPE, 3},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t offset = 99;
        assert_int_equal(look(wrong[i].json, &offset), wrong[i].code);
        assert_int_equal(offset, wrong[i].offset);
        assert_int_equal(look(wrong[i].json, NULL), wrong[i].code);
    }
}

/* A key that is longer than any fragment of it, with an escape in the middle, and another one that differs at `at`. */
static void test_long_keys(void **state)
{
    (void)state;
    enum {
        LEN = 400
    };
    char key[LEN + 1];
    char json[4 * LEN + 64];
    memset(key, 'k', LEN);
    key[LEN] = '\0';
    sprintf(json, "{\"%s\\u006B%s\":1,\"%sk%s\":1}", key, key, key, key);
    size_t offset;
    assert_int_equal(look(json, &offset), EXO_E_DUPLICATE_KEY);
    assert_ptr_equal(json + offset, strstr(json, ":1,\"") + 3);
    for (size_t at = 0; at < 2 * LEN + 1; at++) {
        char *differs = json + offset + 1 + at;
        *differs = 'j';
        assert_int_equal(look(json, NULL), EXO_OK);
        *differs = 'k';
    }
}

static void test_depth(void **state)
{
    (void)state;
    char json[EXO_JSON_DEPTH_MAX * 6 + 2] = "";
    for (int i = 0; i < EXO_JSON_DEPTH_MAX; i++) {
        strcat(json, "{\"a\":");
    }
    strcat(json, "1");
    size_t len = strlen(json);
    memset(json + len, '}', EXO_JSON_DEPTH_MAX);
    json[len + EXO_JSON_DEPTH_MAX] = '\0';
    assert_int_equal(look(json, NULL), EXO_OK);
    size_t offset;
    memset(json, '[', EXO_JSON_DEPTH_MAX);
    json[EXO_JSON_DEPTH_MAX] = '{';
    assert_int_equal(look(json, &offset), EXO_E_DEPTH_LIMIT);
    assert_int_equal(offset, EXO_JSON_DEPTH_MAX);
}

/* Objects of a few short keys, by chance, against comparing each key with each other. */
static void test_against_all_pairs(void **state)
{
    (void)state;
    uint32_t chance = 1;
    size_t found = 0;
    for (int round = 0; round < 2000; round++) {
        char json[512] = "{";
        int keys[8];
        bool twice = false;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            chance = chance * 1664525 + 1013904223;
            keys[i] = 'a' + (int)((chance >> 16) % 26);
            for (size_t k = 0; k < i; k++) {
                twice = twice || keys[k] == keys[i];
            }
            const char *comma = i > 0 ? "," : "";
            if (chance >> 31) {
                sprintf(json + strlen(json), "%s\"%c\":1", comma, keys[i]);
            } else {
                sprintf(json + strlen(json), "%s\"\\u%04x\":1", comma, (unsigned)keys[i]);
            }
        }
        strcat(json, "}");
        found += twice;
        assert_int_equal(look(json, NULL), twice ? EXO_E_DUPLICATE_KEY : EXO_OK);
    }
    assert_true(found > 100 && found < 1900);
}

/* The time must not be that of all pairs, and the keys have no order that would cost it. */
static void test_many_keys(void **state)
{
    (void)state;
    enum {
        COUNT = 300000
    };
    char *json = malloc((size_t)COUNT * 16 + 32);
    assert_non_null(json);
    size_t len = (size_t)sprintf(json, "[{");
    for (int i = 0; i < COUNT; i++) {
        len += (size_t)sprintf(json + len, "%s\"%d\":0", i ? "," : "", i % 2 ? i : COUNT - i);
    }
    sprintf(json + len, "}]");
    assert_int_equal(look(json, NULL), EXO_OK);
    sprintf(json + len, ",\"\\u0037\":0}]");
    size_t offset;
    assert_int_equal(look(json, &offset), EXO_E_DUPLICATE_KEY);
    assert_int_equal(offset, len + 1);
    free(json);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    char json[1024] = "{";
    for (int i = 0; i < 40; i++) {
        sprintf(json + strlen(json), "\"%d\":[],", i);
    }
    strcat(json, "\"0\":1}");
    for (long blocks = 0; blocks < 2; blocks++) {
        heap_left = blocks;
        int code = look(json, NULL);
        heap_left = -1;
        assert_int_equal(code, EXO_E_NO_MEMORY);
    }
    heap_left = 2;
    int code = look(json, NULL);
    heap_left = -1;
    assert_int_equal(code, EXO_E_DUPLICATE_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_against_all_pairs),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
