/*
 * test_json_repair.c: the cases of json_repair.cases, every prefix of valid objects, mutants, and inputs made to be
 * slow.
 *
 * Whatever goes in lies at the end of an exactly sized block, and whatever comes out must be JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counting_heap.h"
#include "exochat/json_read.h"
#include "exochat/json_repair.h"
#include "repair_mutants.h"
#include "repair_slow.h"

#ifndef EXO_TEST_DATA_DIR
#define EXO_TEST_DATA_DIR "tests/core"
#endif

#define SLOW_SIZE (1u << 20)

static counting_heap plain_heap;
static const exo_allocator allocator = {&plain_heap, counting_resize};

static void init(exo_buffer *out)
{
    exo_buffer_init(out, &allocator, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
}

/* Repairs a copy of `text` that ends where its memory ends, and checks what must hold for every input. */
static int repair(exo_span text, uint32_t max_depth, exo_buffer *out, exo_repair_report *report)
{
    char *copy = malloc(text.len + (text.len == 0));
    assert_non_null(copy);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    int rc = exo_json_repair(exo_span_of(copy, text.len), max_depth, out, report);
    free(copy);
    if (rc == EXO_OK) {
        if (exo_json_check(exo_buffer_span(out), max_depth, NULL) != EXO_OK) {
            print_error("%.*s\n  became %.*s\n", (int)text.len, text.ptr, (int)out->len, out->data);
        }
        assert_int_equal(exo_json_check(exo_buffer_span(out), max_depth, NULL), EXO_OK);
        assert_true(report->values > 0);
    } else {
        assert_int_equal(report->values, 0);
        assert_true(rc == EXO_E_REPAIR || rc == EXO_E_DEPTH_LIMIT);
        assert_int_equal(out->len, 0);
    }
    return rc;
}

/* ---- the file of cases ---- */

/* Whether the case whose expectation is on line `number` holds. */
static bool case_holds(exo_span input, char kind, const char *line, unsigned number)
{
    char expected[CASE_MAX];
    const size_t len = append_line(expected, 0, line);
    exo_repair_report report;
    exo_buffer out;
    init(&out);
    const int rc = repair(input, EXO_JSON_DEPTH_MAX, &out, &report);
    const exo_span got = rc == EXO_OK ? exo_buffer_span(&out) : exo_span_text(exo_error_name(rc));
    const char found = rc != EXO_OK ? '!' : report.values > 1 ? '+' : report.cut ? '~' : '>';
    const bool holds = kind == found && exo_span_equal(got, exo_span_of(expected, len));
    if (!holds) {
        print_error("line %u: expected %c %.*s\n     got %c %.*s\n", number, kind, (int)len, expected, found,
                    (int)got.len, got.ptr);
    }
    exo_buffer_free(&out);
    return holds;
}

static void cases_of_the_file(void **state)
{
    FILE *file = fopen(EXO_TEST_DATA_DIR "/json_repair.cases", "r");
    char line[CASE_MAX];
    char input[CASE_MAX + 1];
    size_t len = 0;
    bool open = false;
    unsigned cases = 0;
    unsigned held = 0;
    (void)state;
    assert_non_null(file);
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        if (strncmp(line, "< ", 2) == 0) {
            if (open) {
                input[len++] = '\n';
            }
            len = append_line(input, len, line + 2);
            open = true;
        } else if (open) {
            assert_true(strchr(">~+!", line[0]) && line[1] == ' ');
            held += case_holds(exo_span_of(input, len), line[0], line + 2, number);
            cases++;
            len = 0;
            open = false;
        }
    }
    fclose(file);
    assert_false(open);
    assert_true(cases > 300);
    assert_int_equal(held, cases);
}

/* ---- what is JSON already ---- */

static void valid_json_is_unchanged(void **state)
{
    static const char *const valid[] = {
        "{}",
        "[]",
        "null",
        " true ",
        "-0.0e-0",
        "\"\"",
        "[ ]\n",
        "\t{ \"a\" : [ 1 , { \"b\" : [ ] } ] }\r\n",
        "{\"a\":1,\"a\":2}",
        "\"\\u0000\\ud83d\\ude00\\/\"",
        "{\"// a\":\"/* b */ # c '' `` ```\"}",
        "{\"a\":\"he said \\\"hi\\\", \\\"b\\\": 1}\",\"{\":\"}\"}",
    };
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        assert_int_equal(repair(exo_span_text(valid[i]), 8, &out, &report), EXO_OK);
        assert_true(exo_span_is(exo_buffer_span(&out), valid[i]));
        assert_int_equal(report.values, 1);
        assert_int_equal(report.cut, valid[i][strlen(valid[i]) - 1] == '0'); /* digits at the very end */
    }
    exo_buffer_free(&out);
}

/* ---- prefixes ---- */

static const char *const objects[] = {
    "{\"city\":\"Paris\",\"days\":3,\"metric\":true,\"note\":null}",
    "{\"a\":{\"b\":[1,2.5e+3,{\"c\":\"d\"}],\"e\":{}},\"f\":[[],[[]],\"x\"],\"g\":-0.5}",
    "{\"code\":\"print(\\\"hi\\\")\\n\\tif x: {y}, [z]\",\"path\":\"C:\\\\dir\\\\\",\"u\":\"\\ud83d\\ude00\\u00e9\"}",
    "{\"text\":\"it's ‘so’, “they” say: {…}\",\"quote, comma\":\"a\",\"brace}\":\"b\",\"colon: \":\"é\"}",
    "{\"q\":\"\\\"a\\\", \\\"b\\\": \\\"c\\\"}\",\"url\":\"http://x/#y\",\"c\":\"/* z */ // w\",\"f\":\"```json\"}",
    "{\"list\":[\"a\",\"b, c\",\"true\",\"1\",\"\",\"[\"],\"empty\":\"\",\"n\":[1,20,300,true,false,null]}",
};

/* The end of the last of the object's own members that lies within its first `len` bytes, or of its brace. */
static size_t complete_members(const char *object, size_t len)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span raw;
    size_t end = 1;
    exo_json_reader_init(&reader, exo_span_text(object), EXO_JSON_DEPTH_MAX, false);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        assert_int_equal(exo_json_skip(&reader, &raw), EXO_OK);
        if ((size_t)(raw.ptr + raw.len - object) > len) {
            break;
        }
        end = (size_t)(raw.ptr + raw.len - object);
    }
    return end;
}

static void prefixes_keep_complete_members(void **state)
{
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        for (size_t len = 1; len < strlen(objects[i]); len++) {
            const size_t kept = complete_members(objects[i], len);
            assert_int_equal(repair(exo_span_of(objects[i], len), EXO_JSON_DEPTH_MAX, &out, &report), EXO_OK);
            assert_true(out.len > kept);
            assert_memory_equal(out.data, objects[i], kept);
            assert_true(out.data[kept] == '}' || out.data[kept] == (kept == 1 ? '"' : ','));
        }
    }
    exo_buffer_free(&out);
}

/* What is cut off is cut, unless closing brackets are all that is missing behind a complete value. */
static void prefixes_are_cut(void **state)
{
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        unsigned whole = 0;
        for (size_t len = 1; len < strlen(objects[i]); len++) {
            const char last = objects[i][len - 1];
            assert_int_equal(repair(exo_span_of(objects[i], len), EXO_JSON_DEPTH_MAX, &out, &report), EXO_OK);
            bool closed = out.len > len && memcmp(out.data, objects[i], len) == 0 && !strchr("{[0123456789", last);
            for (size_t at = len; closed && at < out.len; at++) {
                closed = out.data[at] == '}' || out.data[at] == ']';
            }
            assert_int_equal(report.values, 1);
            assert_int_equal(report.cut, !closed);
            whole += closed;
        }
        assert_true(whole > 1);
    }
    exo_buffer_free(&out);
}

/* ---- mutants ---- */

/* Every case of the file is a seed too: what is broken already breaks in other ways. */
static size_t read_seeds(char seeds[][CASE_MAX], size_t most)
{
    FILE *file = fopen(EXO_TEST_DATA_DIR "/json_repair.cases", "r");
    char line[CASE_MAX];
    size_t count = 0;
    assert_non_null(file);
    for (; count < sizeof objects / sizeof *objects; count++) {
        strcpy(seeds[count], objects[count]);
    }
    while (count < most && fgets(line, sizeof line, file)) {
        if (strncmp(line, "< ", 2) == 0) {
            seeds[count][append_line(seeds[count], 0, line + 2)] = '\0';
            count++;
        }
    }
    fclose(file);
    return count;
}

static void mutants_become_json(void **state)
{
    static char seeds[512][CASE_MAX];
    const size_t count = read_seeds(seeds, 512);
    uint32_t seed = 20240229;
    unsigned repaired = 0;
    exo_repair_report report;
    exo_buffer out;
    exo_buffer again;
    (void)state;
    init(&out);
    init(&again);
    for (unsigned i = 0; i < 30000; i++) {
        char text[CASE_MAX];
        const char *from = seeds[next_random(&seed) % count];
        size_t len = strlen(from);
        memcpy(text, from, len);
        for (uint32_t changes = next_random(&seed) % 6; changes > 0; changes--) {
            len = mutate(text, len, &seed);
        }
        if (repair(exo_span_of(text, len), EXO_JSON_DEPTH_MAX, &out, &report) == EXO_OK) {
            assert_int_equal(repair(exo_buffer_span(&out), EXO_JSON_DEPTH_MAX, &again, &report), EXO_OK);
            assert_true(exo_span_equal(exo_buffer_span(&out), exo_buffer_span(&again)));
            repaired++;
        }
    }
    assert_true(repaired > 20000);
    exo_buffer_free(&out);
    exo_buffer_free(&again);
}

static void scraps_become_json(void **state)
{
    uint32_t seed = 4711;
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    for (unsigned i = 0; i < 20000; i++) {
        char text[512];
        size_t len = 0;
        for (uint32_t count = next_random(&seed) % 24; count > 0; count--) {
            const char *scrap = scraps[next_random(&seed) % SCRAPS];
            memcpy(text + len, scrap, strlen(scrap));
            len += strlen(scrap);
        }
        (void)repair(exo_span_of(text, len), 1 + i % 8, &out, &report);
    }
    exo_buffer_free(&out);
}

/* ---- limits ---- */

static void depth_is_limited(void **state)
{
    char text[2 * EXO_JSON_DEPTH_MAX + 3];
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    for (uint32_t depth = 1; depth <= EXO_JSON_DEPTH_MAX; depth++) {
        for (int object = 0; object < 2; object++) {
            size_t len = 0;
            for (uint32_t i = 0; i <= depth; i++) {
                memcpy(text + len, object ? "{a" : "[ ", 2);
                len += 2;
            }
            assert_int_equal(repair(exo_span_of(text, len), depth, &out, &report), EXO_E_DEPTH_LIMIT);
            assert_int_equal(repair(exo_span_of(text, len - 2), depth, &out, &report), EXO_OK);
        }
    }
    /* More than the reader can count is as much as it can. */
    memset(text, '[', sizeof text);
    assert_int_equal(repair(exo_span_of(text, EXO_JSON_DEPTH_MAX), 1000, &out, &report), EXO_OK);
    assert_int_equal(repair(exo_span_of(text, EXO_JSON_DEPTH_MAX + 1), 1000, &out, &report), EXO_E_DEPTH_LIMIT);
    /* Objects whose beginning is missing count too. */
    assert_int_equal(repair(exo_span_text("\"a\": 1"), 0, &out, &report), EXO_E_DEPTH_LIMIT);
    assert_int_equal(repair(exo_span_text("[\"a\": 1]"), 1, &out, &report), EXO_E_DEPTH_LIMIT);
    assert_int_equal(repair(exo_span_text("[\"a\": 1]"), 2, &out, &report), EXO_OK);
    /* So does the array around several values. */
    assert_int_equal(repair(exo_span_text("[1],[2]"), 1, &out, &report), EXO_E_DEPTH_LIMIT);
    assert_int_equal(repair(exo_span_text("[1],[2]"), 2, &out, &report), EXO_OK);
    exo_buffer_free(&out);
}

static void output_is_limited(void **state)
{
    static const char *const texts[] = {"{'a': [1, True, \"x\\d\"], b: null", "{\"a\": 1}", "{a: 1}, {b: 2}"};
    char memory[64];
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const exo_span text = exo_span_text(texts[i]);
        exo_buffer_init_fixed(&out, memory, sizeof memory, EXO_E_ARGUMENTS_LIMIT);
        assert_int_equal(exo_json_repair(text, 8, &out, &report), EXO_OK);
        const size_t need = out.len;
        for (size_t size = 0; size < need; size++) {
            exo_buffer_init_fixed(&out, memory, size, EXO_E_ARGUMENTS_LIMIT);
            assert_int_equal(exo_json_repair(text, 8, &out, &report), EXO_E_ARGUMENTS_LIMIT);
            assert_int_equal(out.len, 0);
        }
        exo_buffer_init_fixed(&out, memory, need, EXO_E_ARGUMENTS_LIMIT);
        assert_int_equal(exo_json_repair(text, 8, &out, &report), EXO_OK);
    }
}

static void memory_may_run_out(void **state)
{
    char text[600];
    counting_heap heap = {.fail_at = 0};
    const exo_allocator failing = {&heap, counting_resize};
    int rc;
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "{a: '", 5);
    do {
        exo_repair_report report;
        exo_buffer out;
        exo_buffer_init(&out, &failing, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
        heap.calls = 0;
        heap.fail_at++;
        rc = exo_json_repair(exo_span_of(text, sizeof text), 8, &out, &report);
        assert_true(rc == EXO_E_NO_MEMORY || heap.calls < heap.fail_at);
        assert_int_equal(out.len == 0, rc != EXO_OK);
        exo_buffer_free(&out);
    } while (rc == EXO_E_NO_MEMORY);
    assert_int_equal(rc, EXO_OK);
    assert_true(heap.fail_at > 2);
}

static void output_is_cleared_first(void **state)
{
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    init(&out);
    assert_int_equal(exo_buffer_append(&out, exo_span_text("before")), EXO_OK);
    assert_int_equal(exo_json_repair(exo_span_text("[1,"), 8, &out, &report), EXO_OK);
    assert_true(exo_span_is(exo_buffer_span(&out), "[1]"));
    assert_int_equal(exo_json_repair(exo_span_of(NULL, 0), 8, &out, &report), EXO_E_REPAIR);
    assert_int_equal(out.len, 0);
    exo_buffer_free(&out);
}

/* ---- time ---- */

static void slow_inputs_are_fast(void **state)
{
    char *text = malloc(SLOW_SIZE);
    exo_repair_report report;
    exo_buffer out;
    (void)state;
    assert_non_null(text);
    init(&out);
    for (size_t i = 0; i < SLOW_REPAIRS; i++) {
        const size_t len = slow_repair_fill(&slow_repairs[i], text, SLOW_SIZE);
        if (repair(exo_span_of(text, len), EXO_JSON_DEPTH_MAX, &out, &report) != slow_repairs[i].rc) {
            fail_msg("%s%s…: not the expected result", slow_repairs[i].head, slow_repairs[i].repeated);
        }
    }
    exo_buffer_free(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_of_the_file),
        cmocka_unit_test(valid_json_is_unchanged),
        cmocka_unit_test(prefixes_keep_complete_members),
        cmocka_unit_test(prefixes_are_cut),
        cmocka_unit_test(mutants_become_json),
        cmocka_unit_test(scraps_become_json),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(output_is_limited),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(output_is_cleared_first),
        cmocka_unit_test(slow_inputs_are_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
