/*
 * test_poller.c: the poller of this system.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/client/poller.h"

#include "poller_cases.h"

int main(void)
{
    const struct CMUnitTest tests[] = {POLLER_CASES};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
