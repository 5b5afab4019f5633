/*
 * test_deployment.c: what exo_client_deploy() refuses: entries of `resolve` and keys of `extra_body`; and what a
 * deployment keeps out of failures. No network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/deployment.h"

/* Deploys, and expects `code` with a message that begins with `field`. */
static void expect(const exo_deployment *deployment, int code, const char *field)
{
    exo_client *client = exo_client_new(NULL);
    assert_non_null(client);
    int result = exo_client_deploy(client, "m", deployment);
    const char *message = exo_client_message(client);
    if (result != code || strncmp(message, field, strlen(field)) != 0) {
        print_error("%s, message \"%s\"\n", exo_error_name(result), message);
    }
    assert_int_equal(result, code);
    assert_int_equal(strncmp(message, field, strlen(field)), 0);
    assert_int_equal(exo_client_model(client, 0) != NULL, code == EXO_OK);
    exo_client_free(client);
}

static const struct {
    const char *entry;
    int code;
} entries[] = {
    {"example.org:443:127.0.0.1", EXO_OK},
    {"example.org:443:127.0.0.1,10.0.0.1,::1", EXO_OK},
    {"example.org:443:[::1]", EXO_OK},
    {"example.org:443:2001:db8::192.0.2.1,[fe80::1]", EXO_OK},
    {"+example.org:1:127.0.0.1", EXO_OK},
    {"-example.org:65535", EXO_OK},
    {"*:443:127.0.0.1", EXO_OK},
    {"", EXO_E_ARGUMENT},
    {"example.org", EXO_E_ARGUMENT},
    {"example.org:443", EXO_E_ARGUMENT},
    {"example.org:443:", EXO_E_ARGUMENT},
    {":443:127.0.0.1", EXO_E_ARGUMENT},
    {"+:443:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org::127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:0:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:65536:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:4294967739:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:x:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:443x:127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:443:localhost", EXO_E_ARGUMENT},
    {"example.org:443:127.0.0.1,", EXO_E_ARGUMENT},
    {"example.org:443:,127.0.0.1", EXO_E_ARGUMENT},
    {"example.org:443:127.0.0.1, 127.0.0.2", EXO_E_ARGUMENT},
    {"example.org:443:127.0.0.256", EXO_E_ARGUMENT},
    {"example.org:443:[127.0.0.1]", EXO_E_ARGUMENT},
    {"example.org:443:[::1", EXO_E_ARGUMENT},
    {"example.org:443:[]", EXO_E_ARGUMENT},
    {"example.org:443:0000000000000000000000000000000000000000000000000000000000001", EXO_E_ARGUMENT},
    {"-example.org:443:127.0.0.1", EXO_E_ARGUMENT},
    {"-example.org", EXO_E_ARGUMENT},
    {"example.org:443:127.0.0.1\n", EXO_E_HEADER},
    {"exa\rmple.org:443:127.0.0.1", EXO_E_HEADER},
    {"\x7f:443:127.0.0.1", EXO_E_HEADER},
};

static void entries_of_resolve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        const char *const list[] = {"good.example:80:127.0.0.1", entries[i].entry};
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        deployment.base_url = "https://example.org/v1";
        deployment.resolve = list;
        deployment.resolve_count = 2;
        expect(&deployment, entries[i].code, entries[i].code == EXO_OK ? "" : "resolve: ");
        deployment.resolve_count = 1;
        expect(&deployment, EXO_OK, "");
    }
}

/* Every clock of a deployment: what it can be. */
static void clocks_of_a_deployment(void **state)
{
    (void)state;
#define EXPECT_CALL(field, standard)
#define EXPECT_DEPLOYMENT(field, standard) \
    do { \
        static const int64_t good[] = {0, 1, 86400000, standard}; \
        static const int64_t bad[] = {-2, 86400001, INT64_MIN, INT64_MAX, EXO_CLOCK_AUTO}; \
        exo_deployment deployment = EXO_DEPLOYMENT_INIT; \
        deployment.base_url = "https://example.org/v1"; \
        assert_true(deployment.field == (standard)); \
        for (size_t i = 0; i < 4; i++) { \
            deployment.field = good[i]; \
            expect(&deployment, EXO_OK, ""); \
        } \
        for (size_t i = 0; i < ((standard) == EXO_CLOCK_AUTO ? 4 : 5); i++) { \
            deployment.field = bad[i]; \
            expect(&deployment, EXO_E_ARGUMENT, \
                   (standard) == EXO_CLOCK_AUTO ? #field ": must be 0 (off), auto or 1 to 86400000 milliseconds" \
                                                : #field ": must be 0 (off) or 1 to 86400000 milliseconds"); \
        } \
    } while (0);
#define EXO_X(clock, code, field, owner, standard, phases, word) EXPECT_##owner(field, standard)
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
#undef EXPECT_DEPLOYMENT
#undef EXPECT_CALL
}

static const struct {
    const char *json;
    int code;
    const char *message;
} bodies[] = {
    {"{\"a\":{\"b\":1},\"b\":1}", EXO_OK, ""},
    {"{\"a\":1,\"a\":1}", EXO_E_DUPLICATE_KEY, "extra_body: no key may stand twice in an object (at byte 7)"},
    {"{\"a\":{\"b\":1,\"\\u0062\":1}}", EXO_E_DUPLICATE_KEY,
     "extra_body: no key may stand twice in an object (at byte 12)"},
    {"[{\"a\":1,\"a\":1}]", EXO_E_REQUEST, "extra_body: must be a JSON object"},
    {"{\"a\":1,\"a\":1", EXO_E_JSON_END, "extra_body: must be a JSON object ("},
};

static void keys_of_extra_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        deployment.base_url = "https://example.org/v1";
        deployment.extra_body = bodies[i].json;
        expect(&deployment, bodies[i].code, bodies[i].message);
    }
}

/* What a failure says of the deployment, once it is censored. */
static const char *censored(const exo_deployed *deployed, const char *message)
{
    static exo_failure failure;
    exo_failure_clear(&failure);
    snprintf(failure.message, sizeof failure.message, "%s", message);
    exo_deployed_censor(deployed, &failure);
    return failure.message;
}

static void values_that_may_be_keys(void **state)
{
    (void)state;
    static const exo_header headers[] = {
        {"X-Token", "sk-header-0123456789"},
        {"X-Auth", "Token sk-second-0123456789"},
        {"X-Title", "my own program"},
        {"X-Empty", ""},
    };
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    deployment.base_url = "https://example.org/v1?api-version=2024-10-21&flag&key=sk-query-0123456789&=";
    deployment.api_key = "sk-12345";
    deployment.headers = headers;
    deployment.header_count = 4;
    int code;
    char message[64];
    exo_deployed *deployed = exo_deployed_new("m", &deployment, &code, message, sizeof message);
    assert_non_null(deployed);
    assert_string_equal(censored(deployed, "sk-12345 is wrong"), "*** is wrong");
    assert_string_equal(censored(deployed, "a sk-header-0123456789, sk-second-0123456789"), "a ***, ***");
    assert_string_equal(censored(deployed, "Token sk-query-0123456789"), "Token ***");
    assert_string_equal(censored(deployed, "my own program 2024-10-21 flag"), "my own program 2024-10-21 flag");
    exo_deployed_drop(deployed);

    deployment.base_url = "https://example.org/v1";
    deployment.api_key = "none";
    deployment.header_count = 0;
    deployed = exo_deployed_new("m", &deployment, &code, message, sizeof message);
    assert_non_null(deployed);
    assert_string_equal(censored(deployed, "there is none"), "there is none");
    exo_deployed_drop(deployed);
}

static void names_of_headers(void **state)
{
    (void)state;
    assert_true(exo_same_name("Transfer-Encoding", "tRANSFER-eNCODING"));
    assert_true(exo_same_name("", ""));
    assert_false(exo_same_name("Host", "Hos"));
    assert_false(exo_same_name("Hos", "Host"));
    assert_false(exo_same_name("a@b", "a`b"));
    assert_false(exo_same_name("\xC4", "\xE4"));
}

/* Every header that frames or routes a message, in whatever letters, and what must stay possible. */
static const struct {
    const char *name;
    bool header; /* it may be set */
    bool key;    /* it may carry the key */
} reserved[] = {
    {"Content-Length", false, false},
    {"cONTENT-lENGTH", false, false},
    {"Transfer-Encoding", false, false},
    {"transfer-encoding", false, false},
    {"Content-Encoding", false, false},
    {"Content-Range", false, false},
    {"Host", false, false},
    {"HOST", false, false},
    {"Connection", false, false},
    {"Proxy-Connection", false, false},
    {"Keep-Alive", false, false},
    {"TE", false, false},
    {"te", false, false},
    {"Trailer", false, false},
    {"Upgrade", false, false},
    {"HTTP2-Settings", false, false},
    {"Expect", false, false},
    {"Max-Forwards", false, false},
    {"Proxy-Authorization", false, false},
    {"Proxy-Authenticate", false, false},
    {"Content-Type", true, false},
    {"Accept", true, false},
    {"Accept-Encoding", true, false},
    {"User-Agent", true, false},
    {"traceparent", true, false},
    {"", false, false},
    {"a b", false, false},
    {"a:b", false, false},
    {":authority", false, false},
    {"a\r\nb", false, false},
    {"Authorization", true, true},
    {"api-key", true, true},
    {"X-Api-Key", true, true},
    {"Cookie", true, true},
    {"Hosts", true, true},
    {"X-Host", true, true},
    {"Content-Lengt", true, true},
};

static void headers_that_frame_or_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        const char *name = reserved[i].name;
        const exo_header header = {name, "value"};
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        deployment.base_url = "https://example.org/v1";
        deployment.headers = &header;
        deployment.header_count = 1;
        bool is_token = name[0] && !strpbrk(name, " :\r\n");
        char field[64];
        snprintf(field, sizeof field, "%s: ", is_token ? name : "headers");
        expect(&deployment, reserved[i].header ? EXO_OK : EXO_E_HEADER, reserved[i].header ? "" : field);
        deployment.header_count = 0;
        deployment.auth_header = name;
        deployment.api_key = "sk-0123456789";
        expect(&deployment, reserved[i].key ? EXO_OK : EXO_E_HEADER, reserved[i].key ? "" : "auth_header: m");
        deployment.api_key = NULL; /* with or without a key */
        expect(&deployment, reserved[i].key ? EXO_OK : EXO_E_HEADER, reserved[i].key ? "" : "auth_header: m");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_resolve), cmocka_unit_test(clocks_of_a_deployment),
        cmocka_unit_test(keys_of_extra_body), cmocka_unit_test(values_that_may_be_keys),
        cmocka_unit_test(names_of_headers),   cmocka_unit_test(headers_that_frame_or_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
