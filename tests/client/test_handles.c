/*
 * test_handles.c: handles that are kept: whose they are, how many, and when they go.
 */
#include "../../src/client/curl/handles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static exo_deployed *deployed_of(const char *name, const char *key)
{
    char message[256];
    int error = EXO_OK;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = "http://h/v1";
    deployment.api_key = key;
    exo_deployed *deployed = exo_deployed_new(name, &deployment, &error, message, sizeof message);
    assert_non_null(deployed);
    return deployed;
}

static exo_handle *keep_new(exo_pool *pool, exo_deployed *deployed)
{
    exo_handle *handle = exo_handle_new();
    assert_non_null(handle);
    exo_handle_keep(pool, handle, deployed);
    return handle;
}

static const char *authorization(exo_deployed *deployed)
{
    const exo_sending sending = {.deployed = deployed, .total = 1};
    struct curl_slist *headers = exo_handle_headers(&sending);
    assert_ptr_equal(exo_handle_headers(&sending), headers); /* made once */
    while (headers && strncmp(headers->data, "Authorization: ", 15) != 0) {
        headers = headers->next;
    }
    return headers ? headers->data + 15 : "";
}

/* Deployments of one identity share connections, but no handle, though all that was said of them is equal. */
static void a_handle_is_one_deployments(void **state)
{
    static const struct {
        const char *name;
        const char *key;
    } others[] = {{"m", "k"}, {"m", "another"}, {"n", "k"}, {"m", NULL}};
    (void)state;
    exo_pool *pool = calloc(1, sizeof *pool);
    assert_non_null(pool);
    exo_deployed *one = deployed_of("m", "k");
    exo_handle *handle = keep_new(pool, one);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        exo_deployed *other = deployed_of(others[i].name, others[i].key);
        char expected[64] = "";
        if (others[i].key) {
            snprintf(expected, sizeof expected, "Bearer %s", others[i].key);
        }
        assert_string_equal(authorization(one), "Bearer k");
        assert_string_equal(authorization(other), expected);
        exo_handle *taken = exo_handle_take(other);
        assert_ptr_not_equal(taken, handle);
        assert_false(taken->is_configured);
        exo_handle_keep(pool, taken, other);
        assert_int_equal(pool->handles.count, 2);
        exo_deployed_drop(exo_deployed_keep(other));
        assert_int_equal(pool->handles.count, 2);
        exo_deployed_drop(other); /* nobody has it any more, and so nobody has its handle */
        assert_int_equal(pool->handles.count, 1);
    }
    assert_ptr_equal(exo_handle_take(one), handle);
    assert_int_equal(pool->handles.count, 0);
    exo_handle_free(handle);
    exo_deployed_drop(one);
    free(pool);
}

static void the_oldest_one_goes(void **state)
{
    (void)state;
    exo_pool *pool = calloc(1, sizeof *pool);
    assert_non_null(pool);
    exo_deployed *old = deployed_of("old", "k");
    exo_deployed *new = deployed_of("new", "k");
    keep_new(pool, old);
    exo_handle *second = keep_new(pool, old);
    for (size_t i = 0; i < EXO_HANDLES_KEPT - 1; i++) {
        keep_new(pool, new);
        assert_true(pool->handles.count <= EXO_HANDLES_KEPT);
    }
    exo_handle *left = exo_handle_take(old); /* the first one is gone, the second is there */
    assert_ptr_equal(left, second);
    exo_handle_free(left);
    assert_int_equal(pool->handles.count, EXO_HANDLES_KEPT - 1);
    exo_handles_close(pool);
    assert_int_equal(pool->handles.count, 0);
    exo_handle *fresh = exo_handle_take(new);
    assert_false(fresh->is_configured);
    exo_handle_free(fresh);
    exo_deployed_drop(new); /* the transport is closed before the deployments go */
    exo_deployed_drop(old);
    free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_is_one_deployments),
        cmocka_unit_test(the_oldest_one_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
