/*
 * test_config_names.c: names of a configuration, sorted: found, and those that stand twice, as a look at each of them
 * would have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/config/config_names.h"

enum {
    NAMES = 9
};

/* All lists of up to so many names out of three. */
static void all_small_lists(void **state)
{
    static const char *const letters[] = {"", "a", "ab"};
    (void)state;
    for (unsigned list = 0; list < 19683; list++) {
        const char *texts[NAMES];
        exo_config_name names[NAMES];
        size_t count = list % (NAMES + 1);
        unsigned rest = list;
        for (size_t i = 0; i < count; i++, rest /= 3) {
            texts[i] = letters[rest % 3];
            names[i] = (exo_config_name){texts[i], i};
        }
        exo_config_names_sort(names, count);
        size_t twice = SIZE_MAX;
        for (size_t i = 0; i < count; i++) {
            size_t first = 0;
            while (strcmp(texts[first], texts[i]) != 0) {
                first++;
            }
            twice = first < i && i < twice ? i : twice;
            assert_int_equal(exo_config_names_find(names, count, texts[i])->number, first);
        }
        const exo_config_name *found = exo_config_names_twice(names, count);
        assert_int_equal(found ? found->number : SIZE_MAX, twice);
        if (found) {
            assert_string_equal(found[-1].text, found->text);
            assert_true(found[-1].number < found->number);
        }
        assert_null(exo_config_names_find(names, count, "aa"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
