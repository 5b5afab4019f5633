/*
 * test_buffer.c: growth, its maximum, and what is left when there is no memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "exochat/buffer.h"
#include "exochat/error.h"

static void contents_survive_growth(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_buffer buffer;
    (void)state;
    exo_buffer_init(&buffer, &allocator, 100000, EXO_E_ANSWER_LIMIT);
    assert_int_equal(heap.calls, 0);
    for (size_t i = 0; i < 100000; i++) {
        const char byte = (char)(i % 251);
        assert_int_equal(exo_buffer_append(&buffer, exo_span_of(&byte, 1)), EXO_OK);
    }
    assert_int_equal(buffer.len, 100000);
    for (size_t i = 0; i < buffer.len; i++) {
        assert_int_equal(buffer.data[i], (char)(i % 251));
    }
    assert_int_equal(exo_buffer_span(&buffer).len, 100000);
    assert_ptr_equal(exo_buffer_span(&buffer).ptr, buffer.data);
    /* 64 is doubled six times, 4096 grows by a half eight times to 104,000, and the maximum is allocated in its place.
     */
    assert_int_equal(heap.calls, 15);
    assert_int_equal(heap.last_size, 100000);
    exo_buffer_free(&buffer);
    assert_int_equal(heap.frees, 1);
}

static void the_maximum_is_reached_and_not_passed(void **state)
{
    static const size_t maxima[] = {1, 2, 63, 64, 65, 127, 128, 129, 200};
    (void)state;
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
        counting_heap heap = {0};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_buffer buffer;
        exo_buffer_init(&buffer, &allocator, maxima[i], EXO_E_ARGUMENTS_LIMIT);
        for (size_t len = 0; len < maxima[i]; len++) {
            assert_int_equal(exo_buffer_append(&buffer, exo_span_text("x")), EXO_OK);
            assert_true(heap.last_size <= maxima[i]);
        }
        assert_int_equal(exo_buffer_append(&buffer, exo_span_text("x")), EXO_E_ARGUMENTS_LIMIT);
        assert_int_equal(exo_buffer_reserve(&buffer, SIZE_MAX), EXO_E_ARGUMENTS_LIMIT);
        assert_int_equal(buffer.len, maxima[i]);
        assert_int_equal(exo_buffer_append(&buffer, exo_span_of(NULL, 0)), EXO_OK);
        exo_buffer_clear(&buffer);
        assert_int_equal(exo_buffer_append(&buffer, exo_span_text("y")), EXO_OK);
        exo_buffer_free(&buffer);
    }
}

static void a_buffer_doubles_up_to_4_kb_and_grows_by_a_half_from_there(void **state)
{
    static const size_t capacities[] = {64, 128, 256, 512, 1024, 2048, 4096, 6144, 9216, 13824, 20736, 31104};
    static const size_t maxima[] = {UINT32_MAX, 31104, 31103, 20737, 20736, 6145, 4097, 4096, 4095};
    (void)state;
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
        counting_heap heap = {0};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_buffer buffer;
        exo_buffer_init(&buffer, &allocator, maxima[i], EXO_E_ANSWER_LIMIT);
        for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) {
            const size_t expected = capacities[k] < maxima[i] ? capacities[k] : maxima[i];
            const size_t before = k > 0 ? capacities[k - 1] : 0;
            if (before < maxima[i]) {
                assert_int_equal(exo_buffer_reserve(&buffer, before + 1), EXO_OK);
            }
            assert_int_equal(heap.last_size, expected);
        }
        exo_buffer_free(&buffer);
    }
}

static size_t asked_for;

static void *ask(void *ctx, void *ptr, size_t size)
{
    (void)ptr;
    asked_for = size;
    return size > 0 ? ctx : NULL;
}

/* Growth neither overflows nor passes the maximum, up to the largest buffer that there can be. */
static void growth_never_overflows(void **state)
{
    static const uint32_t needs[] = {UINT32_MAX, UINT32_MAX - 1, UINT32_MAX / 3 * 2 + 1, UINT32_MAX / 2 + 1};
    char memory[1];
    const exo_allocator allocator = {memory, ask};
    (void)state;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        exo_buffer buffer;
        exo_buffer_init(&buffer, &allocator, SIZE_MAX, EXO_E_ANSWER_LIMIT);
        for (uint64_t need = 1; need <= needs[i]; need = (uint64_t)asked_for + 1) {
            asked_for = 0;
            assert_int_equal(exo_buffer_reserve(&buffer, (size_t)need), EXO_OK);
            assert_in_range(asked_for, need, UINT32_MAX);
        }
        exo_buffer_free(&buffer);
        assert_int_equal(exo_buffer_reserve(&buffer, needs[i]), EXO_OK);
        assert_in_range(asked_for, needs[i], UINT32_MAX);
        assert_int_equal(exo_buffer_reserve(&buffer, SIZE_MAX), EXO_E_ANSWER_LIMIT);
    }
}

static void a_truncated_buffer_keeps_its_beginning(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_buffer buffer;
    (void)state;
    exo_buffer_init(&buffer, &allocator, 100, EXO_E_EVENT_LIMIT);
    exo_buffer_truncate(&buffer, 3);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("again")), EXO_OK);
    exo_buffer_truncate(&buffer, 6);
    assert_true(exo_span_is(exo_buffer_span(&buffer), "again"));
    exo_buffer_truncate(&buffer, 2);
    assert_true(exo_span_is(exo_buffer_span(&buffer), "ag"));
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("e")), EXO_OK);
    assert_true(exo_span_is(exo_buffer_span(&buffer), "age"));
    assert_int_equal(heap.calls, 1);
    exo_buffer_free(&buffer);
}

static void one_large_append_needs_one_allocation(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_buffer buffer;
    static const char zeros[1000];
    (void)state;
    exo_buffer_init(&buffer, &allocator, SIZE_MAX, EXO_E_ANSWER_LIMIT);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_of(zeros, sizeof zeros)), EXO_OK);
    assert_int_equal(heap.calls, 1);
    assert_int_equal(heap.last_size, 1024);
    assert_int_equal(exo_buffer_reserve(&buffer, 24), EXO_OK);
    assert_int_equal(heap.calls, 1);
    assert_int_equal(exo_buffer_reserve(&buffer, 25), EXO_OK);
    assert_int_equal(heap.last_size, 2048);
    assert_int_equal(buffer.len, 1000);
    /* More than any address space holds: the limit is named before anything overflows. */
    assert_int_equal(exo_buffer_reserve(&buffer, SIZE_MAX - 999), EXO_E_ANSWER_LIMIT);
    exo_buffer_free(&buffer);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    for (size_t fail_at = 1; fail_at <= 5; fail_at++) {
        counting_heap heap = {.fail_at = fail_at};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_buffer buffer;
        size_t stored = 0;
        int rc;
        exo_buffer_init(&buffer, &allocator, 10000, EXO_E_EVENT_LIMIT);
        while ((rc = exo_buffer_append(&buffer, exo_span_text("abcd"))) == EXO_OK) {
            stored += 4;
        }
        assert_int_equal(rc, EXO_E_NO_MEMORY);
        assert_int_equal(stored, fail_at == 1 ? 0 : (size_t)64 << (fail_at - 2));
        assert_int_equal(buffer.len, stored);
        for (size_t i = 0; i < stored; i++) {
            assert_int_equal(buffer.data[i], "abcd"[i % 4]);
        }
        /* Memory may come back later. */
        assert_int_equal(exo_buffer_append(&buffer, exo_span_text("abcd")), EXO_OK);
        assert_int_equal(buffer.len, stored + 4);
        exo_buffer_free(&buffer);
    }
}

static void a_freed_buffer_can_be_used_again(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_buffer buffer;
    (void)state;
    exo_buffer_init(&buffer, &allocator, 100, EXO_E_EVENT_LIMIT);
    exo_buffer_free(&buffer);
    assert_int_equal(heap.frees, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(exo_buffer_append(&buffer, exo_span_text("again")), EXO_OK);
        assert_true(exo_span_is(exo_buffer_span(&buffer), "again"));
        exo_buffer_free(&buffer);
        assert_int_equal(buffer.len, 0);
        assert_null(buffer.data);
    }
    assert_int_equal(heap.frees, 2);
}

static void a_fixed_buffer_ends_where_its_memory_ends(void **state)
{
    exo_buffer buffer;
    char *memory = malloc(8);
    (void)state;
    assert_non_null(memory);
    exo_buffer_init_fixed(&buffer, memory, 8, EXO_E_HEAD_LIMIT);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("12345")), EXO_OK);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("6789")), EXO_E_HEAD_LIMIT);
    assert_true(exo_span_is(exo_buffer_span(&buffer), "12345"));
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("678")), EXO_OK);
    assert_int_equal(exo_buffer_reserve(&buffer, 0), EXO_OK);
    assert_int_equal(exo_buffer_reserve(&buffer, 1), EXO_E_HEAD_LIMIT);
    exo_buffer_free(&buffer);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("abcdefgh")), EXO_OK);
    assert_memory_equal(memory, "abcdefgh", 8);
    free(memory);
}

static void a_buffer_of_no_size_takes_only_nothing(void **state)
{
    exo_buffer buffer;
    (void)state;
    exo_buffer_init_fixed(&buffer, NULL, 0, EXO_E_HEAD_LIMIT);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("")), EXO_OK);
    assert_int_equal(exo_buffer_append(&buffer, exo_span_text("x")), EXO_E_HEAD_LIMIT);
    exo_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_survive_growth),
        cmocka_unit_test(a_buffer_doubles_up_to_4_kb_and_grows_by_a_half_from_there),
        cmocka_unit_test(growth_never_overflows),
        cmocka_unit_test(a_truncated_buffer_keeps_its_beginning),
        cmocka_unit_test(the_maximum_is_reached_and_not_passed),
        cmocka_unit_test(one_large_append_needs_one_allocation),
        cmocka_unit_test(without_memory_nothing_is_lost),
        cmocka_unit_test(a_freed_buffer_can_be_used_again),
        cmocka_unit_test(a_fixed_buffer_ends_where_its_memory_ends),
        cmocka_unit_test(a_buffer_of_no_size_takes_only_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
