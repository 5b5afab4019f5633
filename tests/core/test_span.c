/*
 * test_span.c: texts cut at a character's border, and without the white space around them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/span.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A copy that ends where its memory ends, to be freed by its `ptr`. */
static exo_span copy_of(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return exo_span_of(copy, len);
}

static void a_text_is_cut_at_a_character(void **state)
{
    static const struct {
        const char *text;
        size_t lengths[12]; /* by the most bytes, from 0 on; then that of the text */
    } cases[] = {
        {"", {0, 0}},
        {"abc", {0, 1, 2, 3, 3}},
        {"\xc3\xa4", {0, 0, 2, 2}},
        {"a\xe2\x82\xac"
         "b",
         {0, 1, 1, 1, 4, 5, 5}},
        {"\xf0\x9f\x8c\x8a\xf0\x9f\x8c\x8a", {0, 0, 0, 0, 4, 4, 4, 4, 8, 8}},
        /* what is no UTF-8 is cut short of what continues it */
        {"\x80\x80\x80", {0, 0, 0, 3, 3}},
        {"a\xff\xc3", {0, 1, 2, 3, 3}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        exo_span text = copy_of(cases[i].text);
        for (size_t max = 0; max <= text.len + 1; max++) {
            exo_span cut = exo_span_cut(text, max);
            assert_ptr_equal(cut.ptr, text.ptr);
            assert_int_equal(cut.len, cases[i].lengths[max]);
        }
        assert_int_equal(exo_span_cut(text, SIZE_MAX).len, text.len);
        free((void *)text.ptr);
    }
    assert_int_equal(exo_span_cut(exo_span_of(NULL, 0), 0).len, 0);
}

static void white_space_is_taken_off(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},     {" ", ""},        {" \t\r\n\v\f", ""},  {"a", "a"},
        {" a", "a"},  {"a\r\n", "a"},   {"\t a b \n", "a b"}, {"\xc2\xa0 a", "\xc2\xa0 a"},
        {"\b", "\b"}, {"\x0e", "\x0e"}, {" \x1f ", "\x1f"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        exo_span text = copy_of(cases[i][0]);
        exo_span trimmed = exo_span_trim(text);
        assert_true(exo_span_is(trimmed, cases[i][1]));
        assert_true(trimmed.ptr >= text.ptr && trimmed.ptr + trimmed.len <= text.ptr + text.len);
        free((void *)text.ptr);
    }
    assert_int_equal(exo_span_trim(exo_span_of(NULL, 0)).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_cut_at_a_character),
        cmocka_unit_test(white_space_is_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
