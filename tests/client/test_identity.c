/*
 * test_identity.c: which fields of a deployment identify its connections: every field is in the table, and two
 * deployments that differ in one have the same identity exactly where the table says that it does not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../src/client/identity.h"

static const char *const one_text[] = {"one"};
static const char *const two_texts[] = {"one", "two"};
static const exo_header one_pair[] = {{"one", "1"}};

/* X(field, whether it identifies a connection, a value that is not its default). base_url does, but libcurl tells hosts
 * apart by itself. */
#define FIELDS(X) \
    X(base_url, false, "https://example.org") \
    X(api_key, false, "key") \
    X(auth_header, false, "x-key") \
    X(auth_scheme, false, "Token") \
    X(model, false, "m") \
    X(headers, false, one_pair) \
    X(header_count, false, 0) \
    X(extra_body, false, "{}") \
    X(drop, false, one_text) \
    X(drop_count, false, 0) \
    X(rename, false, one_pair) \
    X(rename_count, false, 0) \
    X(connect_timeout, false, 1) \
    X(stream_ttft_timeout, false, 1) \
    X(request_timeout, false, 1) \
    X(ttft_until, false, EXO_UNTIL_TOKEN) \
    X(lenient_end, false, true) \
    X(strict_stream, false, true) \
    X(think_tags, false, true) \
    X(chunked, false, true) \
    X(http2, true, true) \
    X(ca_file, true, "a") \
    X(ca_dir, true, "a") \
    X(ca_pem, true, exo_span_of("a", 1)) \
    X(client_cert, true, "a") \
    X(client_key, true, "a") \
    X(proxy, true, "a") \
    X(unix_socket, true, "a") \
    X(resolve, false, one_text) \
    X(resolve_count, false, 0)

static void every_field_is_in_the_table(void **state)
{
    (void)state;
    static const char *const known[] = {
#define X(field, identifies, value) #field,
        FIELDS(X)
#undef X
    };
    static const char *const all[] = {
#define X(type, field, ...) #field,
        EXO_DEPLOYMENT_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            found = found || strcmp(all[i], known[k]) == 0;
        }
        if (!found) {
            fail_msg("%s: does it identify a connection? Say so in identity.c and in the table above", all[i]);
        }
    }
}

static bool is_same(const exo_deployment *one, const exo_deployment *other)
{
    exo_identity *a = exo_identity_new(one);
    exo_identity *b = exo_identity_new(other);
    assert_non_null(a);
    assert_non_null(b);
    bool same = exo_identity_is_same(a, b);
    assert_true(exo_identity_is_same(b, a) == same);
    assert_true(!same || exo_identity_hash(a) == exo_identity_hash(b));
    assert_true(exo_identity_keep(a) == a);
    exo_identity_drop(a);
    assert_true(exo_identity_is_same(a, a));
    exo_identity_drop(a);
    exo_identity_drop(b);
    return same;
}

static void each_field_alone(void **state)
{
    (void)state;
    const exo_deployment plain = EXO_DEPLOYMENT_INIT;
    assert_true(is_same(&plain, &plain));
#define X(field, identifies, ...) \
    do { \
        exo_deployment other = EXO_DEPLOYMENT_INIT; \
        other.field = __VA_ARGS__; \
        if (is_same(&plain, &other) == (identifies)) { \
            fail_msg("%s", #field); \
        } \
        assert_true(is_same(&other, &other)); \
    } while (0);
    FIELDS(X)
#undef X
}

/* Every two of these differ. */
static void what_could_be_taken_for_each_other(void **state)
{
    (void)state;
    static const char *const lists[][3] = {{"a:1:b", "c:1:d", NULL},   {"c:1:d", "a:1:b", NULL}, {"a:1:b", NULL, NULL},
                                           {"a:1:bc:1:d", NULL, NULL}, {"", NULL, NULL},         {"", "", NULL}};
    exo_deployment all[16];
    size_t count = 0;
#define ADD(...) \
    do { \
        all[count] = (exo_deployment)EXO_DEPLOYMENT_INIT; \
        exo_deployment *d = &all[count++]; \
        __VA_ARGS__; \
    } while (0)
    ADD((void)d);
    ADD(d->proxy = "");
    ADD(d->proxy = "x");
    ADD(d->unix_socket = "x");
    ADD(d->ca_file = "x");
    ADD(d->ca_dir = "x");
    ADD(d->ca_pem = exo_span_of("x", 1));
    ADD(d->ca_file = "x"; d->ca_dir = "");
    ADD(d->client_cert = "x");
    ADD(d->client_cert = "x"; d->client_key = "x");
    for (size_t i = 0; i < 6; i++) {
        ADD(d->resolve = lists[i]; d->resolve_count = i < 2 || i == 5 ? 2 : 1);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            assert_true(is_same(&all[i], &all[k]) == (i == k));
        }
    }
}

/* One connection to a proxy serves all hosts over http: not for us. */
static void hosts_behind_a_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *one;
        const char *other;
        const char *proxy;
        bool same;
    } cases[] = {
        {"http://a/v1", "http://b/v1", "http://p", false},  {"http://a/v1", "http://a:81/v1", "p:1", false},
        {"http://a/v1", "http://a/v2", "http://p", true},   {"http://a/v1", "http://a?x", "http://p", true},
        {"HTTP://a/v1", "HTTP://b/v1", "http://p", false},  {"http://a/v1", "http://b/v1", "", true},
        {"https://a/v1", "https://b/v1", "http://p", true}, /* tunnels */
        {"http://a/v1", "http://b/v1", NULL, false},        /* the environment may name one later */
        {"http://a/v1", "http://a/v2", NULL, true},         {"https://a/v1", "https://b/v1", NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_deployment a = EXO_DEPLOYMENT_INIT;
        exo_deployment b = EXO_DEPLOYMENT_INIT;
        a.base_url = cases[i].one;
        b.base_url = cases[i].other;
        a.proxy = b.proxy = cases[i].proxy;
        assert_true(is_same(&a, &b) == cases[i].same);
    }
}

/* What is compared is what the texts say, not where they lie. */
static void texts_are_compared(void **state)
{
    (void)state;
    char name[] = "one";
    const char *const list[] = {name};
    exo_deployment a = EXO_DEPLOYMENT_INIT;
    exo_deployment b = EXO_DEPLOYMENT_INIT;
    a.resolve = one_text;
    b.resolve = list;
    a.resolve_count = b.resolve_count = 1;
    a.proxy = name;
    b.proxy = "one";
    assert_true(is_same(&a, &b));
    b.resolve = two_texts;
    b.resolve_count = 2;
    assert_false(is_same(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_in_the_table),
        cmocka_unit_test(each_field_alone),
        cmocka_unit_test(what_could_be_taken_for_each_other),
        cmocka_unit_test(hosts_behind_a_proxy),
        cmocka_unit_test(texts_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
