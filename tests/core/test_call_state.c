/*
 * test_call_state.c: the core's state of one call, buffers apart, stays under 4 KB: a microcontroller holds it in one
 * piece.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exochat/exochat.h"

static void the_state_of_one_call_is_under_4_kb(void **state)
{
    struct call_state {
        exo_encoder encoder;
        exo_http1_head head;
        exo_http1_response response;
        exo_sse sse;
        exo_chunk chunk;
        exo_answer answer;
        exo_failure failure;
    };
    (void)state;
    print_message("encoder %zu, http1 %zu, sse %zu, chunk %zu, answer %zu, failure %zu: %zu bytes\n",
                  sizeof(exo_encoder), sizeof(exo_http1_head) + sizeof(exo_http1_response), sizeof(exo_sse),
                  sizeof(exo_chunk), sizeof(exo_answer), sizeof(exo_failure), sizeof(struct call_state));
    assert_true(sizeof(struct call_state) < 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_state_of_one_call_is_under_4_kb)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
