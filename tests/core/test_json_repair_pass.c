/*
 * test_json_repair_pass.c: the repair does the same with and without the short way of json_repair_pass.c.
 *
 * The one without is that of small machines, compiled here. Both get all stored inputs, every beginning of these,
 * mutants, and composed texts of which little is broken, in buffers that grow, that have room and that are too small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "repair_mutants.h"
#include "small_repair.h"

#ifndef EXO_TEST_DATA_DIR
#define EXO_TEST_DATA_DIR "tests/core"
#endif

#define ROOM ((size_t)64 * 1024)

static counting_heap plain_heap;
static const exo_allocator allocator = {&plain_heap, counting_resize};

typedef struct result {
    int rc;
    exo_buffer *out;
    exo_repair_report report;
} result;

static void assert_same(exo_span text, const result *expected, const result *got)
{
    if (got->rc != expected->rc || got->report.cut != expected->report.cut ||
        got->report.values != expected->report.values ||
        !exo_span_equal(exo_buffer_span(got->out), exo_buffer_span(expected->out))) {
        fail_msg("%.*s\n  becomes %s, cut %d, %.*s\n  and was %s, cut %d, %.*s", (int)text.len, text.ptr,
                 exo_error_name(got->rc), got->report.cut, (int)got->out->len, got->out->data,
                 exo_error_name(expected->rc), expected->report.cut, (int)expected->out->len, expected->out->data);
    }
}

/* Compares in buffers of every kind; the fixed one has a few bytes more or less than are needed, as `seed` has it. */
static void compare(exo_span text, uint32_t max_depth, uint32_t *seed)
{
    static char memory[2][ROOM];
    char *const copy = malloc(text.len + (text.len == 0));
    exo_buffer growing[2];
    exo_buffer fixed[2];
    result slow = {EXO_OK, &growing[0], {false, 0}};
    result fast = {EXO_OK, &growing[1], {false, 0}};
    assert_non_null(copy);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    const exo_span in = exo_span_of(copy, text.len);
    for (int i = 0; i < 2; i++) {
        exo_buffer_init(&growing[i], &allocator, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
    }
    slow.rc = small_json_repair(in, max_depth, slow.out, &slow.report);
    for (int round = 0; round < 2; round++) { /* the second time it has grown already */
        fast.rc = exo_json_repair(in, max_depth, fast.out, &fast.report);
        assert_same(in, &slow, &fast);
    }
    size_t size = ROOM;
    for (int round = 0; round < 2; round++) {
        slow.out = &fixed[0];
        fast.out = &fixed[1];
        exo_buffer_init_fixed(&fixed[0], memory[0], size, EXO_E_ARGUMENTS_LIMIT);
        exo_buffer_init_fixed(&fixed[1], memory[1], size, EXO_E_ARGUMENTS_LIMIT);
        slow.rc = small_json_repair(in, max_depth, slow.out, &slow.report);
        fast.rc = exo_json_repair(in, max_depth, fast.out, &fast.report);
        assert_same(in, &slow, &fast);
        size = slow.out->len + next_random(seed) % 48;
        size -= size < 24 ? size : 24;
    }
    for (int i = 0; i < 2; i++) {
        exo_buffer_free(&growing[i]);
    }
    free(copy);
}

/* ---- stored inputs ---- */

#define STORED_MAX 1024

static struct {
    size_t len;
    char text[CASE_MAX + 1];
} stored[STORED_MAX];
static size_t stored_count;

static void store_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(stored_count < STORED_MAX);
    stored[stored_count].len = fread(stored[stored_count].text, 1, CASE_MAX, file);
    stored_count++;
    fclose(file);
}

static int read_stored(void **state)
{
    static const char *const files[] = {"comments", "cut", "keys", "python", "quotes", "valid"};
    FILE *const file = fopen(EXO_TEST_DATA_DIR "/json_repair.cases", "r");
    char line[CASE_MAX];
    char *text = stored[0].text;
    size_t len = 0;
    bool open = false;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "< ", 2) == 0) {
            if (open) {
                text[len++] = '\n';
            }
            len = append_line(text, len, line + 2);
            open = true;
        } else if (open) {
            assert_true(stored_count < STORED_MAX - 1);
            stored[stored_count++].len = len;
            text = stored[stored_count].text;
            len = 0;
            open = false;
        }
    }
    fclose(file);
    assert_true(stored_count > 300);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/../../bench/repair/%s.txt", EXO_TEST_DATA_DIR, files[i]);
        store_file(path);
    }
    return 0;
}

static void beginnings_become_the_same(void **state)
{
    uint32_t seed = 271828;
    (void)state;
    for (size_t i = 0; i < stored_count; i++) {
        for (size_t len = 0; len <= stored[i].len; len++) {
            compare(exo_span_of(stored[i].text, len), EXO_JSON_DEPTH_MAX, &seed);
        }
    }
}

static void mutants_become_the_same(void **state)
{
    uint32_t seed = 314159;
    (void)state;
    for (unsigned i = 0; i < 40000; i++) {
        char text[2 * CASE_MAX];
        const size_t from = next_random(&seed) % stored_count;
        size_t len = stored[from].len;
        memcpy(text, stored[from].text, len);
        for (uint32_t changes = 1 + next_random(&seed) % 4; changes > 0; changes--) {
            len = mutate(text, len, &seed);
        }
        compare(exo_span_of(text, len), i % 4 ? EXO_JSON_DEPTH_MAX : 1 + i % 6, &seed);
    }
}

static void scraps_become_the_same(void **state)
{
    uint32_t seed = 1618033;
    (void)state;
    for (unsigned i = 0; i < 40000; i++) {
        char text[512] = "{\"a\":[";
        size_t len = next_random(&seed) % 7;
        for (uint32_t count = next_random(&seed) % 24; count > 0; count--) {
            const char *scrap = scraps[next_random(&seed) % SCRAPS];
            memcpy(text + len, scrap, strlen(scrap));
            len += strlen(scrap);
        }
        compare(exo_span_of(text, len), 1 + i % 8, &seed);
    }
}

/* ---- composed texts ---- */

/* A text that grows, and how often, in 256, it is not as it should be. */
typedef struct draft {
    size_t len;
    uint32_t seed;
    uint32_t slips;
    bool single; /* quotation marks */
    bool bare;   /* keys */
    char text[ROOM / 2];
} draft;

static bool draft_slips(draft *d)
{
    return next_random(&d->seed) % 256 < d->slips;
}

static void draft_put(draft *d, const char *text)
{
    const size_t len = strlen(text);
    if (d->len + len < sizeof d->text) {
        memcpy(d->text + d->len, text, len);
        d->len += len;
    }
}

/* Puts one of the texts, which are `count`, or where it slips any scrap or nothing. */
static void draft_choose(draft *d, const char *const *texts, size_t count)
{
    if (draft_slips(d)) {
        draft_put(d, next_random(&d->seed) % 2 ? scraps[next_random(&d->seed) % SCRAPS] : "");
    } else {
        draft_put(d, texts[next_random(&d->seed) % count]);
    }
}
#define DRAFT_CHOOSE(d, texts) draft_choose(d, texts, sizeof(texts) / sizeof *(texts))

static void draft_blank(draft *d)
{
    static const char *const blanks[] = {"", "", "", " ", " ", "\n", "\n  ", "\t", "\r\n", " /* c */ ", " // c\n"};
    DRAFT_CHOOSE(d, blanks);
}

static void draft_string(draft *d)
{
    static const char *const pieces[] = {
        "a",
        "word",
        "two words",
        "it",
        ", ",
        ": ",
        "a, b: ",
        "[1]",
        "{x}",
        "é",
        "“",
        "’",
        "日本",
        "\\n",
        "\\t",
        "\\\\",
        "\\\"",
        "\\/",
        "/",
        "#",
        "//",
        "\\u00e9",
        "...",
        "```",
        "   ",
        "\\'",
        "1,000",
        "x=1",
        "a long text that reaches farther than any look ahead, with words and words and no end",
    };
    const char *const mark = d->single ? "'" : "\"";
    draft_put(d, draft_slips(d) ? (d->single ? "\"" : "'") : mark);
    for (uint32_t count = next_random(&d->seed) % 4; count > 0; count--) {
        DRAFT_CHOOSE(d, pieces);
    }
    if (next_random(&d->seed) % 16 == 0) {
        draft_put(d, d->single ? "\"" : "'");
    }
    if (!draft_slips(d)) {
        draft_put(d, mark);
    }
}

static void draft_value(draft *d, unsigned depth)
{
    static const char *const scalars[] = {"0",    "-1",   "25000", "1.5",   "-0.5e+3", "true", "false",
                                          "null", "True", "None",  "False", "1e9",     "007"};
    static const char *const keys[] = {
        "a",
        "key",
        "a_key",
        "two words",
        "eins",
        "n1",
        "true",
        "20",
        "1st",
        "e1",
        "a_word_that_is_longer_than_the_repair_looks_ahead_of_itself_to_see_a_key",
    };
    const uint32_t kind = next_random(&d->seed) % (depth > 5 ? 4 : 7);
    if (kind < 2) {
        draft_string(d);
        return;
    }
    if (kind < 4) {
        DRAFT_CHOOSE(d, scalars);
        return;
    }
    draft_put(d, draft_slips(d) ? "" : kind == 4 ? "[" : "{");
    for (uint32_t count = next_random(&d->seed) % 5; count > 0; count--) {
        draft_blank(d);
        if (kind > 4) {
            const char *const mark = d->bare ? "" : d->single ? "'" : "\"";
            draft_put(d, draft_slips(d) ? "" : mark);
            DRAFT_CHOOSE(d, keys);
            draft_put(d, draft_slips(d) ? "" : mark);
            draft_blank(d);
            draft_put(d, draft_slips(d) ? "" : ":");
            draft_blank(d);
        }
        draft_value(d, depth + 1);
        draft_blank(d);
        draft_put(d, (count > 1) != draft_slips(d) ? "," : "");
        for (uint32_t more = draft_slips(d) ? next_random(&d->seed) % 80 : 0; more > 0; more--) {
            draft_put(d, ",");
        }
    }
    draft_blank(d);
    draft_put(d, draft_slips(d) ? (kind == 4 ? "}" : "") : kind == 4 ? "]" : "}");
}

static void composed_texts_become_the_same(void **state)
{
    static draft d;
    uint32_t seed = 141421;
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        d.len = 0;
        d.seed = seed;
        d.slips = (uint32_t[]){0, 2, 8, 24}[i % 4];
        d.single = next_random(&d.seed) % 3 == 0;
        d.bare = next_random(&d.seed) % 3 == 0;
        draft_put(&d, i % 16 ? "" : "Here it is:\n```json\n");
        draft_value(&d, 0);
        draft_put(&d, i % 16 ? "" : "\n```\n");
        seed = d.seed;
        const size_t len = i % 8 ? d.len : next_random(&seed) % (d.len + 1);
        compare(exo_span_of(d.text, len), i % 32 ? EXO_JSON_DEPTH_MAX : 2, &seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginnings_become_the_same),
        cmocka_unit_test(mutants_become_the_same),
        cmocka_unit_test(scraps_become_the_same),
        cmocka_unit_test(composed_texts_become_the_same),
    };
    return cmocka_run_group_tests(tests, read_stored, NULL);
}
