/*
 * test_advice.c: every error has its advice from the table, everything else has none.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exochat/error.h"

static void every_error_has_the_advice_of_the_table(void **state)
{
    (void)state;
#define EXO_X(code, number, class_, verdict, text, advice) assert_string_equal(exo_error_advice(number), advice);
    EXO_ERROR_MAP(EXO_X)
#undef EXO_X
}

static void what_is_no_error_has_no_advice(void **state)
{
    static const int codes[] = {EXO_OK, EXO_AGAIN, EXO_IDLE, 99, -999, INT_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_string_equal(exo_error_advice(codes[i]), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_the_advice_of_the_table),
        cmocka_unit_test(what_is_no_error_has_no_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
