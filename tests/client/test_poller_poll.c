/*
 * test_poller_poll.c: the poller over poll(), which a system has that lacks the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EXO_POLLER 3
#include "../../src/client/poller_poll.c"

#include "poller_cases.h"

int main(void)
{
    const struct CMUnitTest tests[] = {POLLER_CASES};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
