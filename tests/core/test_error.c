/*
 * test_error.c: the table of codes holds together, and every question about a code is answered from it.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "exochat/error.h"

typedef struct expected_row {
    int code;
    int number;
    const char *name;
    exo_error_class error_class;
    exo_verdict verdict;
    const char *text;
    const char *advice;
} expected_row;

static const expected_row rows[] = {
#define EXO_X(code, number, class_, verdict, text, advice) \
    {code, number, #code, EXO_CLASS_##class_, EXO_##verdict, text, advice},
    EXO_ERROR_MAP(EXO_X)
#undef EXO_X
};

#define ROW_COUNT (sizeof rows / sizeof *rows)

static void every_row_is_answered_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_int_equal(rows[i].code, rows[i].number);
        assert_string_equal(exo_error_name(rows[i].code), rows[i].name);
        assert_string_equal(exo_error_text(rows[i].code), rows[i].text);
        assert_int_equal(exo_error_class_of(rows[i].code), rows[i].error_class);
        assert_int_equal(exo_error_verdict(rows[i].code), rows[i].verdict);
    }
}

/* They go downwards, by which the strings of a code are found. */
static void no_number_is_used_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(rows[i].code < rows[j].code);
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

/* Numbers are grouped by class, so that a reader of a log can tell the class from the number. */
static void numbers_lie_in_the_range_of_their_class(void **state)
{
    static const struct {
        int lowest;
        int highest;
    } ranges[] = {
        [EXO_CLASS_CALLER] = {-29, -1},     [EXO_CLASS_VIOLATION] = {-59, -30},  [EXO_CLASS_LIMIT] = {-79, -60},
        [EXO_CLASS_TRANSPORT] = {-99, -80}, [EXO_CLASS_PROVIDER] = {-199, -100},
    };
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_int_not_equal(rows[i].error_class, EXO_CLASS_NONE);
        assert_in_range(-rows[i].code, -ranges[rows[i].error_class].highest, -ranges[rows[i].error_class].lowest);
    }
}

static void clauses_are_neither_empty_nor_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_true(strlen(rows[i].text) > 0);
        assert_true(strlen(rows[i].advice) > 0);
        assert_int_not_equal(rows[i].text[strlen(rows[i].text) - 1], '.');
        assert_int_not_equal(rows[i].advice[strlen(rows[i].advice) - 1], '.');
    }
}

/* The faults of the caller would come back anywhere, so another deployment is never tried. */
static void a_caller_error_always_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].error_class == EXO_CLASS_CALLER) {
            assert_int_equal(rows[i].verdict, EXO_STOP);
        }
    }
}

static void a_status_has_a_name_and_no_class(void **state)
{
    static const struct {
        int code;
        const char *name;
    } statuses[] = {
        {EXO_OK, "EXO_OK"},     {EXO_AGAIN, "EXO_AGAIN"}, {EXO_NEED_DATA, "EXO_NEED_DATA"},
        {EXO_DONE, "EXO_DONE"}, {EXO_IDLE, "EXO_IDLE"},   {EXO_NOT_FOUND, "EXO_NOT_FOUND"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        assert_string_equal(exo_error_name(statuses[i].code), statuses[i].name);
        assert_int_equal(exo_error_class_of(statuses[i].code), EXO_CLASS_NONE);
        assert_int_equal(exo_error_verdict(statuses[i].code), EXO_STOP);
        assert_true(strlen(exo_error_text(statuses[i].code)) > 0);
    }
}

static void a_number_that_nobody_knows_is_unknown(void **state)
{
    static const int numbers[] = {6, -29, -999, INT_MAX, INT_MIN, INT16_MIN, -1 - 65536};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_string_equal(exo_error_name(numbers[i]), "EXO_E_UNKNOWN");
        assert_string_equal(exo_error_text(numbers[i]), "an unknown code");
        assert_int_equal(exo_error_class_of(numbers[i]), EXO_CLASS_NONE);
        assert_int_equal(exo_error_verdict(numbers[i]), EXO_STOP);
    }
}

static void classes_and_verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(exo_class_name(EXO_CLASS_NONE), "none");
    assert_string_equal(exo_class_name(EXO_CLASS_CALLER), "caller");
    assert_string_equal(exo_class_name(EXO_CLASS_VIOLATION), "violation");
    assert_string_equal(exo_class_name(EXO_CLASS_LIMIT), "limit");
    assert_string_equal(exo_class_name(EXO_CLASS_TRANSPORT), "transport");
    assert_string_equal(exo_class_name(EXO_CLASS_PROVIDER), "provider");
    assert_string_equal(exo_class_name((exo_error_class)6), "none");
    assert_string_equal(exo_verdict_name(EXO_STOP), "stop");
    assert_string_equal(exo_verdict_name(EXO_FALL_BACK), "fall back");
    assert_string_equal(exo_verdict_name(EXO_RETRY), "retry");
    assert_string_equal(exo_verdict_name(EXO_FALL_BACK_CONTEXT), "fall back context");
    assert_string_equal(exo_verdict_name((exo_verdict)4), "stop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_answered_as_the_table_says),
        cmocka_unit_test(no_number_is_used_twice),
        cmocka_unit_test(numbers_lie_in_the_range_of_their_class),
        cmocka_unit_test(clauses_are_neither_empty_nor_sentences),
        cmocka_unit_test(a_caller_error_always_stops),
        cmocka_unit_test(a_status_has_a_name_and_no_class),
        cmocka_unit_test(a_number_that_nobody_knows_is_unknown),
        cmocka_unit_test(classes_and_verdicts_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
