/*
 * test_call_state.c: the core's state of one call, buffers apart, stays under 5 KB on any machine that runs the tests.
 * What it takes on a microcontroller, tools/size.py holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exochat/exochat.h"

static void the_state_of_one_call_is_under_5_kb(void **state)
{
    struct call_state {
        exo_encoder encoder;
        exo_http1_head head;
        exo_http1_response response;
        exo_attempt attempt; /* intake, sse, chunk and failure lie in it */
        exo_answer answer;
        exo_route route;
    };
    (void)state;
    print_message("encoder %zu, http1 %zu, attempt %zu, answer %zu, route %zu: %zu bytes\n", sizeof(exo_encoder),
                  sizeof(exo_http1_head) + sizeof(exo_http1_response), sizeof(exo_attempt), sizeof(exo_answer),
                  sizeof(exo_route), sizeof(struct call_state));
    assert_true(sizeof(struct call_state) < 5120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_state_of_one_call_is_under_5_kb)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
