/*
 * test_order.c: an order does what a plain list would, whatever is appended and taken out, and no step of it goes
 * through all of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "failing_heap.h"

static size_t moved; /* things whose gaps were closed, and rooms that were made anew */

static void *counting_realloc(void *memory, size_t size)
{
    moved += size / sizeof(void *);
    return scarce_realloc(memory, size);
}

#define realloc(memory, size) counting_realloc(memory, size)
#include "../../src/client/order.c"
#undef realloc

enum {
    FEW = 200,
    MANY = 100000
};

static void append(exo_order *order, exo_place *place)
{
    assert_int_equal(exo_order_reserve(order, 1), EXO_OK);
    exo_order_append(order, place);
}

static uint32_t random_state = 1;

static uint32_t any(uint32_t below)
{
    random_state = random_state * 1103515245U + 12345U;
    return (random_state >> 8) % below;
}

static void it_does_what_a_list_does(void **state)
{
    static exo_place places[FEW];
    exo_place *list[FEW];
    size_t count = 0;
    exo_order order = {0};
    (void)state;
    assert_null(exo_order_at(&order, 0));
    for (unsigned step = 0; step < 20000; step++) {
        exo_place *place = &places[any(step % 4000 < 2000 ? FEW : 7)];
        if (exo_place_is_taken(place)) {
            size_t at = 0;
            while (list[at] != place) {
                at++;
            }
            memmove(&list[at], &list[at + 1], (--count - at) * sizeof *list);
            exo_order_remove(&order, place);
        } else {
            list[count++] = place;
            append(&order, place);
        }
        assert_int_equal(order.count, count);
        for (size_t i = 0; i < count; i++) {
            assert_ptr_equal(exo_order_at(&order, i), list[i]);
        }
        assert_null(exo_order_at(&order, count));
        assert_true(order.used_ <= order.room_ && order.room_ <= 4 * (size_t)FEW);
    }
    exo_order_free(&order);
}

static void taking_out_what_is_not_in_changes_nothing(void **state)
{
    exo_place in = {0};
    exo_place out = {0};
    exo_order order = {0};
    (void)state;
    append(&order, &in);
    exo_order_remove(&order, &out);
    assert_int_equal(order.count, 1);
    exo_order_remove(&order, &in);
    exo_order_remove(&order, &in);
    assert_int_equal(order.count, 0);
    assert_false(exo_place_is_taken(&in));
    exo_order_free(&order);
}

/* Whatever is done in turn, each thing is moved a few times in all. */
static void many_cost_no_more_each(void **state)
{
    static exo_place places[MANY];
    exo_order order = {0};
    (void)state;
    moved = 0;
    for (size_t i = 0; i < MANY; i++) {
        append(&order, &places[i]);
    }
    for (size_t i = 0; i < MANY; i += 97) {
        assert_ptr_equal(exo_order_at(&order, i), &places[i]);
    }
    for (size_t i = 0; i < MANY; i++) { /* the first one goes, and comes back as the last */
        exo_place *first = exo_order_at(&order, 0);
        assert_ptr_equal(first, &places[i]);
        exo_order_remove(&order, first);
        append(&order, first);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(exo_order_at(&order, MANY - 1 - i), &places[MANY - 1 - i]);
        exo_order_remove(&order, &places[MANY - 1 - i]);
    }
    assert_int_equal(order.count, 0);
    assert_true(moved <= 16 * (size_t)MANY);
    exo_order_free(&order);
}

static void memory_runs_out(void **state)
{
    exo_place places[40];
    exo_order order = {0};
    (void)state;
    memset(places, 0, sizeof places);
    assert_int_equal(exo_order_reserve(&order, SIZE_MAX), EXO_E_NO_MEMORY);
    assert_int_equal(exo_order_reserve(&order, SIZE_MAX / sizeof(void *)), EXO_E_NO_MEMORY);
    for (size_t i = 0; i < 40; i++) {
        for (heap_left = 0; exo_order_reserve(&order, 1) != EXO_OK; heap_left = 1) {
            for (size_t k = 0; k < i; k++) {
                assert_ptr_equal(exo_order_at(&order, k), &places[k]);
            }
            if (heap_left == 0) {
                heap_left = 1; /* the second block is missing */
                assert_int_equal(exo_order_reserve(&order, 1), EXO_E_NO_MEMORY);
                heap_left = -1;
                assert_int_equal(exo_order_reserve(&order, 1), EXO_OK);
            }
        }
        heap_left = -1;
        exo_order_append(&order, &places[i]);
    }
    exo_order_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_a_list_does),
        cmocka_unit_test(taking_out_what_is_not_in_changes_nothing),
        cmocka_unit_test(many_cost_no_more_each),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
