/*
 * test_url_words.c: what is said of a base URL that is none, and what of it is never shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/curl/url.h"
#include "../../src/client/url_words.h"

#include "exochat/error.h"

#define SUCH " is no address of an endpoint, such as https://api.openai.com/v1: "
#define NONE "an address such as https://api.openai.com/v1 is expected: "

static const struct {
    const char *url;
    const char *words;
} wrong[] = {
    {"", NONE "it is empty"},
    {"sk-0123456789", NONE "http:// or https:// is missing in front of it"},
    {"localhost:8080", "'localhost:8080'" SUCH "http:// or https:// is missing in front of it"},
    {"//host/v1", "'//host/v1'" SUCH "http:// or https:// is missing in front of it"},
    {"https:/host", "'https:/host'" SUCH "two slashes are missing behind the colon"},
    {"http//host", "'http//host'" SUCH "the colon is missing"},
    {"file:///etc/passwd", "'file:///etc/passwd'" SUCH "only http and https are spoken"},
    {"https://", "'https://'" SUCH "the host is missing"},
    {"HTTP:///v1", "'HTTP:///v1'" SUCH "the host is missing"},
    {"http://host:port/v1", "'http://host:port/v1'" SUCH "the port is no number up to 65535"},
    {"http://host:65536", "'http://host:65536'" SUCH "the port is no number up to 65535"},
    {"http://[::1]:99999999999/", "'http://[::1]:99999999999/'" SUCH "the port is no number up to 65535"},
    {"http://[::1/v1", "'http://[::1/v1'" SUCH "it cannot be read"},
    {"http://user:word@host/v1?key=sk-1",
     "'http://***@host/v1?***'" SUCH "a user, a password or a key does not belong into it"},
    {"http://a@b@host/v1", "'http://***@host/v1'" SUCH "a user, a password or a key does not belong into it"},
    {"user:word@host", "'***@'" SUCH "http:// or https:// is missing in front of it"},
    {"http://host/v1?key=sk-1#part", "'http://host/v1?***'" SUCH "a fragment (#...) does not belong into it"},
    {"'http://host'", "''http://host''" SUCH "there are quotation marks or brackets in it"},
    {"<http://host>", "'<http://host>'" SUCH "there are quotation marks or brackets in it"},
    {"http://host/a b", "'http://host/a b'" SUCH "there is a blank in it"},
};

static void what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char words[240];
        exo_url url;
        assert_int_equal(exo_url_read(&url, wrong[i].url), EXO_E_URL);
        exo_url_explain(wrong[i].url, words, sizeof words);
        assert_string_equal(words, wrong[i].words);
    }
}

static void words_are_cut(void **state)
{
    (void)state;
    char words[32];
    char url[4096];
    memset(url, 'a', sizeof url - 1);
    url[sizeof url - 1] = '\0';
    memcpy(url, "ftp://", 6);
    exo_url_explain(url, words, sizeof words);
    assert_int_equal(strlen(words), sizeof words - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_wrong), cmocka_unit_test(words_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
