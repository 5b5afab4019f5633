/*
 * test_limits.c: the two tables of maxima hold the promised numbers, and numbers that can work together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exochat/limits.h"

static void promised_numbers_are_kept(void **state)
{
    const exo_limits *host = exo_limits_host();
    const exo_limits *micro = exo_limits_micro();
    (void)state;
    assert_int_equal(host->event, 64 * 1024 * 1024);
    assert_int_equal(micro->event, 64 * 1024);
    assert_int_equal(host->answer, 256 * 1024 * 1024);
    assert_int_equal(micro->answer, 64 * 1024);
    assert_int_equal(host->tool_calls, 128);
    assert_int_equal(micro->tool_calls, 32);
    assert_int_equal(host->tool_arguments, 16 * 1024 * 1024);
    assert_int_equal(micro->tool_arguments, 32 * 1024);
    assert_int_equal(host->depth, 64);
    assert_int_equal(micro->depth, 32);
    assert_int_equal(host->head, 64 * 1024);
    assert_int_equal(micro->head, 8 * 1024);
    assert_int_equal(host->error_body, 64 * 1024);
    assert_int_equal(micro->error_body, 4 * 1024);
    assert_int_equal(host->keys, 64);
}

static void no_limit_is_zero_and_no_micro_limit_is_above_its_host_limit(void **state)
{
    (void)state;
#define EXO_X(name, host, micro, what) \
    assert_true(exo_limits_host()->name == (host)); \
    assert_true(exo_limits_micro()->name == (micro)); \
    assert_true((micro) > 0 && (micro) <= (host));
    EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
}

static void the_tables_are_static(void **state)
{
    (void)state;
    assert_ptr_equal(exo_limits_host(), exo_limits_host());
    assert_ptr_equal(exo_limits_micro(), exo_limits_micro());
    assert_ptr_not_equal(exo_limits_host(), exo_limits_micro());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promised_numbers_are_kept),
        cmocka_unit_test(no_limit_is_zero_and_no_micro_limit_is_above_its_host_limit),
        cmocka_unit_test(the_tables_are_static),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
