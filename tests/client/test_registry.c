/*
 * test_registry.c: the names of a client: found in constant time, listed in order, deployed anew, removed, taken over
 * from another registry, and left as they were where something is wrong or memory runs out. No network.
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
#include "../../src/client/order.c"
#include "../../src/client/registry.c"
#undef calloc
#undef realloc

enum {
    MANY = 100000
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
    for (unsigned i = 0; i < MANY; i += 2) { /* every other one anew, and every other one away */
        assert_int_equal(deploy(&registry, name_of(i), "https://example.org/v2"), EXO_OK);
        assert_int_equal(exo_registry_remove(&registry, name_of(i + 1), message, sizeof message), EXO_OK);
    }
    for (unsigned i = 0; i < MANY / 2; i++) {
        assert_string_equal(exo_registry_name(&registry, i), name_of(2 * i));
        assert_string_equal(exo_registry_deployed(&registry, name_of(2 * i))->options.base_url,
                            "https://example.org/v2");
        assert_null(exo_registry_find(&registry, name_of(2 * i + 1)));
    }
    for (unsigned i = 0; i < MANY / 2; i++) { /* the first one of those that are left, each time */
        assert_string_equal(exo_registry_name(&registry, 0), name_of(2 * i));
        assert_int_equal(exo_registry_remove(&registry, name_of(2 * i), message, sizeof message), EXO_OK);
    }
    assert_int_equal(registry.entry_count, 0);
    assert_int_equal(registry.deployed.count, 0);
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

/* The names of a list with blanks between. */
static const char *names_in(const exo_names *names)
{
    static char text[256];
    text[0] = '\0';
    for (size_t i = 0; i < names->count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", names->items[i]);
    }
    return text;
}

static void whole_lists(void **state)
{
    static const char *const three[] = {"x", "y", "x"};
    static const char *const holed[] = {"x", NULL};
    static const char *const empty[] = {"x", ""};
    static const struct {
        const char *name;
        const char *const *list;
        size_t count;
        int code;
        const char *after; /* what the list is then */
    } rows[] = {
        {"a", three, 3, EXO_OK, "x y x"},
        {"a", three, 1, EXO_OK, "x"},
        {"a", NULL, 0, EXO_OK, ""},
        {"a", three, 2, EXO_OK, "x y"},
        {"a", NULL, 1, EXO_E_ARGUMENT, "x y"},
        {"a", holed, 2, EXO_E_ARGUMENT, "x y"},
        {"a", empty, 2, EXO_E_ARGUMENT, "x y"},
        {"", three, 1, EXO_E_ARGUMENT, "x y"},
        {NULL, three, 1, EXO_E_ARGUMENT, "x y"},
        {"a", three, 0, EXO_OK, ""},
    };
    (void)state;
    for (int context = 0; context < 2; context++) {
        exo_registry registry = {0};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            assert_int_equal(exo_registry_fallbacks(&registry, rows[i].name, rows[i].list, rows[i].count, context == 1,
                                                    message, sizeof message),
                             rows[i].code);
            if (rows[i].code != EXO_OK) {
                assert_string_equal(message, "fallbacks: every name is needed");
            }
            const exo_entry *entry = exo_registry_find(&registry, "a");
            assert_string_equal(names_in(context ? &entry->context_fallbacks : &entry->fallbacks), rows[i].after);
            assert_string_equal(names_in(context ? &entry->fallbacks : &entry->context_fallbacks), "");
        }
        assert_int_equal(registry.entry_count, 1);
        exo_registry_free(&registry);
    }
}

static void times_of_policies(void **state)
{
    exo_registry registry = {0};
    (void)state;
    assert_int_equal(deploy(&registry, "a", "https://example.org/v1"), EXO_OK);
#define TRY(field, value, good) \
    do { \
        exo_route_policy policy = EXO_ROUTE_POLICY_INIT; \
        policy.field = (value); \
        message[0] = '\0'; \
        int code = exo_registry_policy(&registry, "a", &policy, message, sizeof message); \
        assert_int_equal(code, (good) ? EXO_OK : EXO_E_ARGUMENT); \
        assert_string_equal(message, (good) ? "" : #field ": must be 0 to 86400000 milliseconds"); \
        assert_int_equal(exo_registry_find(&registry, "a")->policy.field == (value), (good)); \
    } while (0)
#define TRY_ALL(field) \
    TRY(field, 0, true); \
    TRY(field, 86400000, true); \
    TRY(field, 86400001, false); \
    TRY(field, UINT32_MAX, false)
    TRY_ALL(backoff_first);
    TRY_ALL(backoff_max);
    TRY_ALL(retry_after_max);
    TRY_ALL(cooldown);
    TRY_ALL(patience);
    TRY(patience, -1, false);
    TRY(patience, INT64_MIN, false);
    TRY(patience, INT64_MAX, false);
    TRY(retries, UINT32_MAX, true);
    TRY(cooldown_after, UINT32_MAX, true);
    exo_registry_free(&registry);
}

static void what_is_removed(void **state)
{
    exo_registry registry = {0};
    (void)state;
    assert_int_equal(exo_registry_remove(&registry, "a", message, sizeof message), EXO_E_UNKNOWN_MODEL);
    assert_string_equal(message, "model: nothing is known of a");
    assert_int_equal(exo_registry_remove(&registry, NULL, message, sizeof message), EXO_E_UNKNOWN_MODEL);
    assert_int_equal(deploy(&registry, "a", "https://example.org/a"), EXO_OK);
    assert_int_equal(deploy(&registry, "b", "https://example.org/b"), EXO_OK);
    assert_int_equal(deploy(&registry, "c", "https://example.org/c"), EXO_OK);
    assert_int_equal(list(&registry, "a", "b", false), EXO_OK);
    assert_int_equal(list(&registry, "listed", "a", true), EXO_OK);
    exo_deployed *kept = exo_deployed_keep(exo_registry_deployed(&registry, "a"));
    assert_int_equal(exo_registry_remove(&registry, "a", message, sizeof message), EXO_OK);
    assert_string_equal(kept->options.base_url, "https://example.org/a"); /* as a call has it */
    exo_deployed_drop(kept);
    assert_null(exo_registry_find(&registry, "a"));
    assert_string_equal(exo_registry_name(&registry, 0), "b");
    assert_string_equal(names_in(&exo_registry_find(&registry, "listed")->context_fallbacks), "a");
    assert_int_equal(exo_registry_remove(&registry, "listed", message, sizeof message), EXO_OK);
    assert_int_equal(deploy(&registry, "a", "https://example.org/anew"), EXO_OK);
    assert_string_equal(exo_registry_name(&registry, 2), "a");
    assert_int_equal(exo_registry_find(&registry, "a")->fallbacks.count, 0);
    exo_registry_free(&registry);
}

static void what_is_taken_over(void **state)
{
    exo_registry registry = {0};
    exo_registry from = {0};
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    (void)state;
    policy.retries = 3;
    assert_int_equal(deploy(&registry, "a", "https://example.org/a"), EXO_OK);
    assert_int_equal(deploy(&registry, "b", "https://example.org/b"), EXO_OK);
    assert_int_equal(list(&registry, "a", "b", false), EXO_OK);
    assert_int_equal(list(&registry, "b", "a", false), EXO_OK);
    assert_int_equal(list(&registry, "d", "a", true), EXO_OK);
    assert_int_equal(exo_registry_policy(&registry, "b", &policy, message, sizeof message), EXO_OK);
    assert_int_equal(deploy(&from, "c", "https://example.org/c"), EXO_OK);
    assert_int_equal(deploy(&from, "b", "https://example.org/b2"), EXO_OK);
    assert_int_equal(deploy(&from, "d", "https://example.org/d"), EXO_OK);
    assert_int_equal(list(&from, "c", "b", false), EXO_OK);
    assert_int_equal(exo_registry_take_over(&registry, &from), EXO_OK);
    assert_int_equal(from.entry_count, 0);
    static const char *const order[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(exo_registry_name(&registry, i), order[i]);
    }
    assert_int_equal(registry.entry_count, 4);
    assert_string_equal(names_in(&exo_registry_find(&registry, "a")->fallbacks), "b");
    assert_string_equal(names_in(&exo_registry_find(&registry, "b")->fallbacks), "");
    assert_string_equal(names_in(&exo_registry_find(&registry, "c")->fallbacks), "b");
    assert_string_equal(names_in(&exo_registry_find(&registry, "d")->context_fallbacks), "");
    assert_int_equal(exo_registry_find(&registry, "b")->policy.retries, 0);
    assert_string_equal(exo_registry_deployed(&registry, "b")->options.base_url, "https://example.org/b2");
    assert_int_equal(exo_registry_take_over(&registry, &from), EXO_OK); /* of nothing, nothing */
    assert_int_equal(registry.entry_count, 4);
    exo_registry_free(&registry);
}

/* Many are taken over with `blocks` of memory: all of them, or none. */
static int take_over(long blocks)
{
    exo_registry registry = {0};
    exo_registry from = {0};
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(deploy(&registry, name_of(i), "https://example.org/v1"), EXO_OK);
        assert_int_equal(deploy(&from, name_of(i + 10), "https://example.org/v2"), EXO_OK);
    }
    heap_left = blocks;
    int code = exo_registry_take_over(&registry, &from);
    heap_left = -1;
    assert_int_equal(registry.deployed.count, code == EXO_OK ? 30 : 20);
    assert_int_equal(from.deployed.count, code == EXO_OK ? 0 : 20);
    assert_string_equal(exo_registry_deployed(&registry, name_of(15))->options.base_url,
                        code == EXO_OK ? "https://example.org/v2" : "https://example.org/v1");
    exo_registry_free(&registry);
    exo_registry_free(&from);
    return code;
}

static void taking_over_is_all_or_nothing(void **state)
{
    (void)state;
    long blocks = 0;
    while (take_over(blocks) != EXO_OK) {
        blocks++;
    }
    assert_int_equal(blocks, 3); /* buckets, and the two blocks of the order */
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
    assert_int_equal(registry.deployed.count, deployed);
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
        cmocka_unit_test(many_names_cost_no_more_each),
        cmocka_unit_test(names_that_share_a_bucket),
        cmocka_unit_test(the_order_is_that_of_deployment),
        cmocka_unit_test(lists_and_policies),
        cmocka_unit_test(whole_lists),
        cmocka_unit_test(times_of_policies),
        cmocka_unit_test(what_is_removed),
        cmocka_unit_test(what_is_taken_over),
        cmocka_unit_test(taking_over_is_all_or_nothing),
        cmocka_unit_test(what_is_wrong_changes_nothing),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
