/*
 * test_options.c: structs of options: their tables and INIT macros agree, and one of an older program is taken with the
 * defaults of what it lacks, while a larger one and one that was not begun with its macro are refused. No network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/sized.h"

#include "exochat/client.h"

/* X(type, table of its fields, INIT, its last field): a row that is appended goes here too, where it shows whether it
 * lies in what was padding before. */
#define STRUCTS(X) \
    X(exo_client_options, EXO_CLIENT_OPTIONS_MAP, EXO_CLIENT_OPTIONS_INIT, turn_bytes) \
    X(exo_bounds, EXO_BOUNDS_MAP, EXO_BOUNDS_INIT, lookups) \
    X(exo_deployment, EXO_DEPLOYMENT_MAP, EXO_DEPLOYMENT_INIT, resolve_count) \
    X(exo_call_options, EXO_CALL_OPTIONS_MAP, EXO_CALL_OPTIONS_INIT, promises) \
    X(exo_route_policy, EXO_ROUTE_POLICY_MAP, EXO_ROUTE_POLICY_INIT, patience)

#define X(struct_, map, init, last) \
    static const struct_ standard_##struct_ = init; \
    _Static_assert(sizeof(struct_) == offsetof(struct_, last) + sizeof(standard_##struct_.last), \
                   "the last field is another one, or padding is behind it");
STRUCTS(X)
#undef X

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
#define FIELD(type, field, ...) \
    do { \
        type expected = __VA_ARGS__; \
        assert_memory_equal(&standard->field, &expected, sizeof expected); \
    } while (0);
#define X(struct_, map, init, last) \
    do { \
        const struct_ *standard = &standard_##struct_; \
        assert_int_equal(standard->size, sizeof *standard); \
        map(FIELD) \
    } while (0);
    STRUCTS(X)
#undef X
#undef FIELD
}

/* Takes a struct whose fields are all `filled` and which ends after `size` bytes, and expects what a struct of the
 * `standard` becomes of it. */
static void take_cut(const void *standard, size_t known, size_t size)
{
    unsigned char *from = malloc(size); /* no byte more, so that a sanitizer sees where one is read */
    unsigned char *into = malloc(known);
    assert_non_null(from);
    assert_non_null(into);
    memset(from, 0x5A, size);
    memcpy(from, &size, sizeof size);
    memcpy(into, standard, known);
    assert_int_equal(exo_sized_take(into, known, from), EXO_OK);
    assert_memory_equal(into, standard, sizeof size);
    assert_memory_equal(into + sizeof size, from + sizeof size, size - sizeof size);
    assert_memory_equal(into + size, (const unsigned char *)standard + size, known - size);
    free(from);
    free(into);
}

static void fields_that_are_missing_have_their_defaults(void **state)
{
    (void)state;
#define FIELD(type, field, ...) take_cut(standard, sizeof *standard, offsetof(cut, field) + sizeof(type));
#define X(struct_, map, init, last) \
    do { \
        typedef struct_ cut; \
        const struct_ *standard = &standard_##struct_; \
        map(FIELD) \
    } while (0);
    STRUCTS(X)
#undef X
#undef FIELD
}

static void sizes_that_no_macro_sets(void **state)
{
    (void)state;
#define X(struct_, map, init, last) \
    do { \
        static const size_t sizes[] = {0, 1, sizeof(size_t), sizeof(struct_) + 1, 2 * sizeof(struct_), SIZE_MAX}; \
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) { \
            struct_ from = init; \
            struct_ into; \
            memcpy(&into, &standard_##struct_, sizeof into); \
            memset((char *)&from + sizeof from.size, 0x5A, sizeof from - sizeof from.size); \
            from.size = sizes[i]; \
            assert_int_equal(exo_sized_take(&into, sizeof into, &from), EXO_E_ARGUMENT); \
            assert_memory_equal(&into, &standard_##struct_, sizeof into); \
        } \
    } while (0);
    STRUCTS(X)
#undef X
}

/* What the library says to a struct of each size: of an older program's, of ours, and of those that nobody's is. */
static const struct {
    int more; /* bytes more than ours; NEVER_BEGUN: the size is 0 */
    int code;
} sizes[] = {
    {0, EXO_OK},
    {-(int)sizeof(uint32_t), EXO_OK},
    {1, EXO_E_ARGUMENT},
    {INT32_MIN, EXO_E_ARGUMENT},
};

static size_t size_of(size_t known, int more)
{
    return more == INT32_MIN ? 0 : known + (size_t)(ptrdiff_t)more;
}

/* The code with which a call for "m" ends: EXO_E_CANCELLED if it began. */
static int call_with(exo_client *client, const exo_call_options *options)
{
    exo_request *request = exo_request_new("m");
    assert_int_equal(exo_request_text(request, EXO_USER, "hello"), EXO_OK);
    exo_call *call = exo_call_start(client, request, options, NULL);
    assert_non_null(call);
    exo_call_cancel(call);
    exo_reply *reply = exo_call_reply(call);
    int code = exo_reply_failure(reply)->code;
    exo_reply_free(reply);
    exo_call_free(call);
    exo_request_free(request);
    return code;
}

static void every_function_that_takes_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int code = sizes[i].code;
        exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
        exo_call_options call = EXO_CALL_OPTIONS_INIT;
        options.size = size_of(sizeof options, sizes[i].more);
        exo_client *client = exo_client_new(&options);
        assert_int_equal(client != NULL, code == EXO_OK);
        client = client ? client : exo_client_new(NULL);
        assert_non_null(client);
        deployment.base_url = "http://127.0.0.1:9/v1";
        assert_int_equal(exo_client_deploy(client, "m", &deployment), EXO_OK);
        deployment.size = size_of(sizeof deployment, sizes[i].more);
        assert_int_equal(exo_client_deploy(client, "m", &deployment), code);
        policy.size = size_of(sizeof policy, sizes[i].more);
        assert_int_equal(exo_client_policy(client, "m", &policy), code);
        call.size = size_of(sizeof call, sizes[i].more);
        assert_int_equal(call_with(client, &call), code == EXO_OK ? EXO_E_CANCELLED : code);
        exo_client_free(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(fields_that_are_missing_have_their_defaults),
        cmocka_unit_test(sizes_that_no_macro_sets),
        cmocka_unit_test(every_function_that_takes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
