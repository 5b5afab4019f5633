/*
 * repair_steps.c: the repair takes a number of steps that is linear in the length of its input.
 *
 * It is linked to a copy of the core in which the compiler has every basic block counted, so that no clock decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "exochat/json_read.h"
#include "exochat/json_repair.h"
#include "repair_slow.h"

#define SHORT 16384
#define LONG  (4 * SHORT)

static uint64_t steps;

/* Called by every basic block of the copy. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

static uint64_t steps_of(const slow_repair *input, size_t size)
{
    static counting_heap heap;
    static const exo_allocator allocator = {&heap, counting_resize};
    char *const text = malloc(size);
    exo_repair_report report;
    exo_buffer out;
    assert_non_null(text);
    exo_buffer_init(&out, &allocator, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
    const size_t len = slow_repair_fill(input, text, size);
    steps = 0;
    assert_int_equal(exo_json_repair(exo_span_of(text, len), EXO_JSON_DEPTH_MAX, &out, &report), input->rc);
    exo_buffer_free(&out);
    free(text);
    return steps;
}

static void steps_are_linear(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLOW_REPAIRS; i++) {
        const uint64_t few = steps_of(&slow_repairs[i], SHORT);
        const uint64_t many = steps_of(&slow_repairs[i], LONG);
        assert_true(few > 0);
        if (many > 5 * few + SHORT) {
            fail_msg("%s%s…: %llu steps, and %llu if it is four times as long", slow_repairs[i].head,
                     slow_repairs[i].repeated, (unsigned long long)few, (unsigned long long)many);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
