/*
 * test_client_new.c: why no client could be made: what is stored of it, and where there is no place to store it. No
 * network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

#include "exochat/client.h"

enum {
    UNTOUCHED = 77
};

static int code;
static char words[160];

/* Options that have a place for both. */
static exo_client_options with_places(void)
{
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    options.error = &code;
    options.message = words;
    options.message_size = sizeof words;
    code = UNTOUCHED;
    strcpy(words, "untouched");
    return options;
}

static void nothing_is_wrong(void **state)
{
    exo_client_options options = with_places();
    (void)state;
    exo_client *client = exo_client_new(&options);
    assert_non_null(client);
    assert_int_equal(code, EXO_OK);
    assert_string_equal(words, "");
    exo_client_free(client);
}

static void limits_are_named(void **state)
{
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
#define EXO_X(name, host, micro, what) {"limits." #name ": ", offsetof(exo_limits, name)},
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exo_client_options options = with_places();
        exo_limits limits = *exo_limits_host();
        memset((char *)&limits + rows[i].at, 0, sizeof(uint32_t));
        options.limits = &limits;
        assert_null(exo_client_new(&options));
        assert_int_equal(code, EXO_E_ARGUMENT);
        assert_int_equal(strncmp(words, rows[i].name, strlen(rows[i].name)), 0);
    }
}

static void no_number_is_negative(void **state)
{
    exo_client_options options = with_places();
    (void)state;
    options.turn_bytes = -1;
    assert_null(exo_client_new(&options));
    assert_int_equal(code, EXO_E_ARGUMENT);
    assert_string_equal(words, "turn_bytes: must be 0 or more");
    options = with_places();
    options.log_bodies = -1;
    assert_null(exo_client_new(&options));
    assert_string_equal(words, "log_bodies: must be 0 or more");
}

static void options_of_another_version(void **state)
{
    struct {
        exo_client_options options;
        char more[8];
    } larger;
    (void)state;
    memset(&larger, 0xFF, sizeof larger);
    larger.options = with_places();
    larger.options.size = sizeof larger;
    assert_null(exo_client_new(&larger.options));
    assert_int_equal(code, EXO_E_ARGUMENT);
    assert_non_null(strstr(words, "EXO_CLIENT_OPTIONS_INIT"));

    static const size_t never_set[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX / 2, SIZE_MAX};
    for (size_t i = 0; i < sizeof never_set / sizeof never_set[0]; i++) {
        larger.options = with_places();
        larger.options.size = never_set[i]; /* nothing in them can be believed */
        assert_null(exo_client_new(&larger.options));
        assert_int_equal(code, UNTOUCHED);
        assert_string_equal(words, "untouched");
    }

    larger.options = with_places();
    larger.options.size = offsetof(exo_client_options, error); /* of a time that knew no such place */
    exo_client *client = exo_client_new(&larger.options);
    assert_non_null(client);
    assert_int_equal(code, UNTOUCHED);
    exo_client_free(client);
}

static void no_descriptors(void **state)
{
    struct rlimit before;
    exo_client_options options = with_places();
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    exo_client *client = exo_client_new(&options);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(client);
    assert_int_equal(code, EXO_E_LOCAL);
    assert_string_equal(words, exo_error_text(EXO_E_LOCAL));
}

static void places_may_be_missing_or_small(void **state)
{
    exo_limits limits = *exo_limits_host();
    (void)state;
    limits.choices = 0;
    for (size_t size = 0; size < 20; size++) {
        exo_client_options options = with_places();
        options.limits = &limits;
        options.error = size % 2 ? NULL : &code;
        options.message_size = size;
        assert_null(exo_client_new(&options));
        assert_int_equal(code, size % 2 ? UNTOUCHED : EXO_E_ARGUMENT);
        assert_memory_equal(words, size > 0 ? "limits.choices: must" : "untouched", size > 0 ? size - 1 : 10);
        assert_true(size == 0 || words[size - 1] == '\0');
        options.message = NULL;
        assert_null(exo_client_new(&options));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wrong),      cmocka_unit_test(limits_are_named),
        cmocka_unit_test(no_number_is_negative), cmocka_unit_test(options_of_another_version),
        cmocka_unit_test(no_descriptors),        cmocka_unit_test(places_may_be_missing_or_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
