/*
 * test_registry.c: the names of a client: found in constant time, listed in order, deployed anew, and left as they were
 * where something is wrong or memory runs out. No network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "failing_heap.h"

#define calloc(count, size)   (heap_is_empty() ? NULL : calloc(count, size))
#define realloc(memory, size) scarce_realloc(memory, size)
#include "../../src/client/registry.c"
#undef calloc
#undef realloc

enum {
    MANY = 10000
};

static char message[128];

static int deploy(exo_registry *registry, const char *name, const char *url)
{
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = url;
    message[0] = '\0';
    return exo_registry_deploy(registry, name, &deployment, message, sizeof message);
}

static int list(exo_registry *registry, const char *name, const char *fallback, bool context)
{
    return exo_registry_fallback(registry, name, fallback, context, message, sizeof message);
}

static const char *name_of(unsigned number)
{
    static char name[32];
    snprintf(name, sizeof name, "provider/model-%u", number);
    return name;
}

/* How many entries are looked at, all together, when each of them is looked for once. */
static size_t steps_of(const exo_registry *registry)
{
    size_t steps = 0;
    for (size_t i = 0; i < registry->bucket_count; i++) {
        size_t length = 0;
        for (const exo_entry *entry = registry->buckets[i]; entry; entry = entry->next) {
            steps += ++length;
        }
    }
    return steps;
}

static void many_names_cost_no_more_each(void **state)
{
    (void)state;
    exo_registry registry = {0};
    size_t moved = 0;
    for (unsigned i = 0; i < MANY; i++) {
        size_t buckets = registry.bucket_count;
        assert_int_equal(deploy(&registry, name_of(i), "https://example.org/v1"), EXO_OK);
        moved += registry.bucket_count != buckets ? i : 0;
    }
    assert_int_equal(registry.entry_count, MANY);
    assert_true(moved <= 2 * MANY);
    assert_true(steps_of(&registry) <= 2 * MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_string_equal(exo_registry_name(&registry, i), name_of(i));
        assert_string_equal(exo_registry_find(&registry, name_of(i))->name, name_of(i));
    }
    assert_null(exo_registry_name(&registry, MANY));
    assert_null(exo_registry_find(&registry, name_of(MANY)));
    exo_registry_free(&registry);
}

static void names_that_share_a_bucket(void **state)
{
    (void)state;
    exo_registry registry = {0};
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(deploy(&registry, name_of(i), "https://example.org/v1"), EXO_OK);
        for (unsigned k = 0; k <= i; k++) {
            assert_string_equal(exo_registry_deployed(&registry, name_of(k))->name, name_of(k));
        }
    }
    assert_true(steps_of(&registry) > 64);
    exo_registry_free(&registry);
}

static void the_order_is_that_of_deployment(void **state)
{
    (void)state;
    exo_registry registry = {0};
    assert_null(exo_registry_find(&registry, "a"));
    assert_null(exo_registry_name(&registry, 0));
    assert_int_equal(list(&registry, "b", "c", false), EXO_OK);
    assert_non_null(exo_registry_find(&registry, "b"));
    assert_null(exo_registry_deployed(&registry, "b"));
    assert_null(exo_registry_name(&registry, 0));
    assert_int_equal(deploy(&registry, "a", "https://example.org/a"), EXO_OK);
    assert_int_equal(deploy(&registry, "b", "https://example.org/b"), EXO_OK);
    assert_int_equal(deploy(&registry, "a", "https://example.org/anew"), EXO_OK);
    assert_string_equal(exo_registry_name(&registry, 0), "a");
    assert_string_equal(exo_registry_name(&registry, 1), "b");
    assert_null(exo_registry_name(&registry, 2));
    assert_string_equal(exo_registry_deployed(&registry, "a")->options.base_url, "https://example.org/anew");
    exo_registry_free(&registry);
}

static void lists_and_policies(void **state)
{
    (void)state;
    exo_registry registry = {0};
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    policy.retries = 7;
    assert_int_equal(exo_registry_policy(&registry, "a", &policy, message, sizeof message), EXO_E_UNKNOWN_MODEL);
    assert_string_equal(message, "model: no deployment is named a");
    assert_int_equal(deploy(&registry, "a", "https://example.org/v1"), EXO_OK);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(list(&registry, "a", name_of(i), i % 2 == 1), EXO_OK);
    }
    const exo_entry *entry = exo_registry_find(&registry, "a");
    assert_int_equal(entry->policy.retries, 0);
    assert_int_equal(exo_registry_policy(&registry, "a", &policy, message, sizeof message), EXO_OK);
    assert_int_equal(deploy(&registry, "a", "https://example.org/v2"), EXO_OK);
    assert_int_equal(entry->policy.retries, 7);
    assert_int_equal(entry->fallbacks.count, 50);
    assert_int_equal(entry->context_fallbacks.count, 50);
    for (unsigned i = 0; i < 50; i++) {
        assert_string_equal(entry->fallbacks.items[i], name_of(2 * i));
        assert_string_equal(entry->context_fallbacks.items[i], name_of(2 * i + 1));
    }
    exo_registry_free(&registry);
}

static void what_is_wrong_changes_nothing(void **state)
{
    (void)state;
    exo_registry registry = {0};
    assert_int_equal(deploy(&registry, "", "https://example.org/v1"), EXO_E_ARGUMENT);
    assert_int_equal(exo_registry_deploy(&registry, "a", NULL, message, sizeof message), EXO_E_ARGUMENT);
    assert_int_equal(deploy(&registry, "a", "example.org"), EXO_E_URL);
    assert_int_equal(strncmp(message, "base_url: ", 10), 0);
    assert_int_equal(list(&registry, "a", "", false), EXO_E_ARGUMENT);
    assert_int_equal(list(&registry, NULL, "a", true), EXO_E_ARGUMENT);
    assert_string_equal(message, "fallback: both names are needed");
    assert_int_equal(registry.entry_count, 0);
    assert_int_equal(deploy(&registry, "a", "https://example.org/v1"), EXO_OK);
    const exo_deployed *before = exo_registry_deployed(&registry, "a");
    assert_int_equal(deploy(&registry, "a", "example.org"), EXO_E_URL);
    assert_ptr_equal(exo_registry_deployed(&registry, "a"), before);
    exo_registry_free(&registry);
}

/* What is done with `blocks` of memory. EXO_OK when they were enough. */
static int fill(long blocks)
{
    exo_registry registry = {0};
    size_t deployed = 0;
    int code = EXO_OK;
    heap_left = blocks;
    for (unsigned i = 0; code == EXO_OK && i < 10; i++) {
        code = deploy(&registry, name_of(i), "https://example.org/v1");
        deployed += code == EXO_OK;
        code = code == EXO_OK ? list(&registry, name_of(0), name_of(i), i % 2 == 0) : code;
    }
    heap_left = -1;
    assert_true(code == EXO_OK || (code == EXO_E_NO_MEMORY && strstr(message, "out of memory")));
    assert_int_equal(registry.deployed_count, deployed);
    for (unsigned i = 0; i < deployed; i++) {
        assert_string_equal(exo_registry_name(&registry, i), name_of(i));
    }
    assert_int_equal(deploy(&registry, "after", "https://example.org/v1"), EXO_OK);
    assert_string_equal(exo_registry_name(&registry, deployed), "after");
    exo_registry_free(&registry);
    return code;
}

static void memory_runs_out(void **state)
{
    (void)state;
    long blocks = 0;
    while (fill(blocks) != EXO_OK) {
        blocks++;
    }
    assert_true(blocks > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_names_cost_no_more_each),    cmocka_unit_test(names_that_share_a_bucket),
        cmocka_unit_test(the_order_is_that_of_deployment), cmocka_unit_test(lists_and_policies),
        cmocka_unit_test(what_is_wrong_changes_nothing),   cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
