/*
 * test_url.c: which texts are base URLs, and what follows from them; which are URLs of proxies. No network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "failing_heap.h"

#include "../../src/client/curl/url.h"

#include "exochat/error.h"

static const struct {
    const char *base;
    const char *chat;
    const char *models;
    const char *host;
    long port;
    bool secure;
} urls[] = {
    {"https://example.org/v1", "https://example.org/v1/chat/completions", "https://example.org/v1/models",
     "example.org", 443, true},
    {"http://example.org", "http://example.org/chat/completions", "http://example.org/models", "example.org", 80,
     false},
    {"HTTP://Example.org:8080/", "http://Example.org:8080/chat/completions", "http://Example.org:8080/models",
     "Example.org", 8080, false},
    {"https://example.org/v1//", "https://example.org/v1/chat/completions", "https://example.org/v1/models",
     "example.org", 443, true},
    {"https://example.org/v1/chat/completions/", "https://example.org/v1/chat/completions",
     "https://example.org/v1/models", "example.org", 443, true},
    {"https://example.org/v1/models", "https://example.org/v1/models/chat/completions", "https://example.org/v1/models",
     "example.org", 443, true},
    {"https://example.org/gpt?api-version=1&a=b", "https://example.org/gpt/chat/completions?api-version=1&a=b",
     "https://example.org/gpt/models?api-version=1&a=b", "example.org", 443, true},
    {"http://[::1]:11434/v1", "http://[::1]:11434/v1/chat/completions", "http://[::1]:11434/v1/models", "[::1]", 11434,
     false},
};

static void base_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        exo_url url;
        assert_int_equal(exo_url_read(&url, urls[i].base), EXO_OK);
        assert_string_equal(url.chat, urls[i].chat);
        assert_string_equal(url.models, urls[i].models);
        assert_string_equal(url.host, urls[i].host);
        assert_int_equal(url.port, urls[i].port);
        assert_int_equal(url.secure, urls[i].secure);
        exo_url_free(&url);
        assert_null(url.chat);
    }
}

static void no_base_urls(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "example.org/v1",
        "/v1",
        "http:/example.org",
        "http:///example.org",
        "http:example.org",
        "https://",
        "ftp://example.org/v1",
        "https://user@example.org/v1",
        "https://user:password@example.org/v1",
        "https://:password@example.org/v1",
        "https://example.org/v1#part",
        "https://example.org:65536/v1",
        "https://exa mple.org/v1",
        "https://[::1/v1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        exo_url url;
        assert_int_equal(exo_url_read(&url, texts[i]), EXO_E_URL);
        assert_null(url.chat);
        assert_null(url.models);
        assert_null(url.host);
    }
}

static const struct {
    const char *text;
    int code;
} proxies[] = {
    {"http://proxy.example:3128", EXO_OK},
    {"https://user:password@proxy.example", EXO_OK},
    {"socks4://proxy.example", EXO_OK},
    {"socks4a://proxy.example", EXO_OK},
    {"socks5://proxy.example:1080", EXO_OK},
    {"SOCKS5H://proxy.example", EXO_OK},
    {"proxy.example:3128", EXO_OK},
    {"ftp://proxy.example", EXO_E_URL},
    {"socks6://proxy.example", EXO_E_URL},
    {"http://proxy.example:port", EXO_E_URL},
    {"http://", EXO_E_URL},
};

static void proxy_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        assert_int_equal(exo_url_check_proxy(proxies[i].text), proxies[i].code);
    }
}

static void memory_runs_out(void **state)
{
    (void)state;
    exo_url url;
    long blocks = 0;
    int code;
    do {
        heap_left = blocks++;
        code = exo_url_read(&url, "https://example.org/v1");
        heap_left = -1;
        assert_true(code == EXO_OK || (code == EXO_E_NO_MEMORY && !url.chat && !url.models && !url.host));
    } while (code != EXO_OK);
    assert_true(blocks > 4);
    exo_url_free(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_urls),
        cmocka_unit_test(no_base_urls),
        cmocka_unit_test(proxy_urls),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
