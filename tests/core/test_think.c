/*
 * test_think.c: a <think> block is found wherever the text is cut, and no other byte is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "exochat/think.h"

typedef struct outcome {
    char said[128];
    char thought[128];
} outcome;

static void add(outcome *out, exo_span part, bool thought)
{
    char *to = thought ? out->thought : out->said;
    assert_true(part.len > 0);
    strncat(to, part.ptr, part.len);
}

/* Filters one piece, which lies in memory of exactly its size. */
static void filter(exo_think *think, const char *text, size_t len, outcome *out)
{
    char *copy = malloc(len > 0 ? len : 1);
    exo_span part;
    bool thought;
    assert_non_null(copy);
    memcpy(copy, text, len);
    exo_span rest = exo_span_of(copy, len);
    while (exo_think_next(think, &rest, &part, &thought)) {
        add(out, part, thought);
    }
    assert_int_equal(rest.len, 0);
    free(copy);
}

static void end(exo_think *think, outcome *out)
{
    exo_span part;
    bool thought;
    if (exo_think_end(think, &part, &thought)) {
        add(out, part, thought);
    }
    assert_false(exo_think_end(think, &part, &thought));
}

static const struct {
    const char *text;
    const char *thought;
    const char *said;
} cases[] = {
    {"", "", ""},
    {"hello", "", "hello"},
    {"<think>a</think>b", "a", "b"},
    {"<think>\na\n</think>\n\nb", "\na\n", "\n\nb"},
    {" \r\n\t<think>a</think>b", "a", " \r\n\tb"},
    {"<think></think>b", "", "b"},
    {"<think>a", "a", ""},
    {"<think>", "", ""},
    {"<think>a</think>", "a", ""},
    {"<think>a</thin", "a</thin", ""},
    {"<think>a<b>c</b> < d <</think>e", "a<b>c</b> < d <", "e"},
    {"<think>a</thi</think>b", "a</thi", "b"},
    {"<think><think>a</think>b</think>", "<think>a", "b</think>"},
    {"<think>a</think>b<think>c</think>", "a", "b<think>c</think>"},
    {"a<think>b</think>", "", "a<think>b</think>"},
    {"<thi", "", "<thi"},
    {"<thin>a</thin>", "", "<thin>a</thin>"},
    {"<<think>a", "", "<<think>a"},
    {"<Think>a", "", "<Think>a"},
    {"</think>a", "", "</think>a"},
    {" \n ", "", " \n "},
    {" \n <", "", " \n <"},
};

static void at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);
        for (size_t first = 0; first <= len; first++) {
            for (size_t second = first; second <= len; second++) {
                exo_think think;
                outcome out = {"", ""};
                exo_think_init(&think, true);
                filter(&think, cases[i].text, first, &out);
                filter(&think, cases[i].text + first, second - first, &out);
                filter(&think, cases[i].text + second, len - second, &out);
                end(&think, &out);
                assert_string_equal(out.thought, cases[i].thought);
                assert_string_equal(out.said, cases[i].said);
            }
        }
    }
}

static void switched_off_everything_is_said(void **state)
{
    exo_think think;
    outcome out = {"", ""};
    (void)state;
    exo_think_init(&think, false);
    filter(&think, "<think>a</think>b", 17, &out);
    end(&think, &out);
    assert_string_equal(out.said, "<think>a</think>b");
    assert_string_equal(out.thought, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_cut),
        cmocka_unit_test(switched_off_everything_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
