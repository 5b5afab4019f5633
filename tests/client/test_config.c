/*
 * test_config.c: what each key of a configuration becomes, and what is said, with its line, of what is wrong.
 */
#define _GNU_SOURCE 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/client/engine.h"
#include "exochat/config.h"
#include "failing_heap.h"

static char message[1024];

/* ---- the environment of the tests ---- */

static const char *environment(void *ctx, const char *name)
{
    static const char *const names[][2] = {
        {"KEY", "sk-1"}, {"EMPTY", ""}, {"HOST", "example.org"}, {"SECONDS", "2.5"}, {"YES", "yes"}, {"NUMBER", "7"},
    };
    unsigned *asked = ctx;
    ++*asked;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

static exo_config *parse_as(const char *name, const char *text)
{
    /* At the end of an exactly sized block. */
    unsigned asked = 0;
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    strcpy(message, "untouched");
    exo_config *config = exo_config_parse(exo_span_of(copy, len), name, environment, &asked, message, sizeof message);
    free(copy);
    return config;
}

static exo_config *parse(const char *text)
{
    exo_config *config = parse_as("c.yaml", text);
    if (!config) {
        print_error("%s\n", message);
    }
    assert_non_null(config);
    assert_string_equal(message, "");
    return config;
}

#define URL "    base_url: https://example.org/v1\n"

/* ---- what is right ---- */

static const char everything[] = "default_model: zai/glm\n"
                                 "total_timeout: 90\n"
                                 "restart: on\n"
                                 "defaults:\n"
                                 "  connect_timeout: 3\n"
                                 "  retries: 2\n"
                                 "  headers: {X-Default: a}\n"
                                 "  api_key_env: KEY\n"
                                 "models:\n"
                                 "  zai/glm:\n"
                                 "    base_url: https://${HOST}/v1\n"
                                 "    auth_header: api-key\n"
                                 "    auth_scheme: \"\"\n"
                                 "    model: glm-4.7\n"
                                 "    headers: {X-One: \"1\", X-Two: 2}\n"
                                 "    body: {temperature: 0.5, thinking: {type: enabled}}\n"
                                 "    drop: [stream_options, user]\n"
                                 "    rename: {max_tokens: max_completion_tokens}\n"
                                 "    fallbacks: [kimi, other]\n"
                                 "    context_fallbacks: [kimi]\n"
                                 "    stream_ttft_timeout: 1m\n"
                                 "    request_timeout: 0\n"
                                 "    ttft_until: token\n"
                                 "    lenient_end: true\n"
                                 "    think_tags: Yes\n"
                                 "    chunked: on\n"
                                 "    http2: TRUE\n"
                                 "    ca_file: ca.pem\n"
                                 "    ca_dir: /etc/certs\n"
                                 "    client_cert: cert.pem\n"
                                 "    client_key: key.pem\n"
                                 "    proxy: \"\"\n"
                                 "    unix_socket: s.sock\n"
                                 "    resolve: [\"example.org:443:127.0.0.1\"]\n"
                                 "    retries: 5\n"
                                 "    backoff_first: 250ms\n"
                                 "    backoff_max: 10s\n"
                                 "    retry_after_max: 1h\n"
                                 "    cooldown: 30\n"
                                 "    cooldown_after: 4\n"
                                 "    patience: 2s\n"
                                 "  kimi:\n"
                                 "    base_url: http://localhost:8080\n"
                                 "    api_key: ${KEY}-$${x}-$y\n"
                                 "    connect_timeout: 7\n"
                                 "  other: {base_url: \"https://other\"}\n";

static void check_everything(const exo_config *config)
{
    const exo_deployment *glm = exo_config_deployment(config, "zai/glm");
    assert_string_equal(glm->base_url, "https://example.org/v1");
    assert_string_equal(glm->api_key, "sk-1");
    assert_string_equal(glm->auth_header, "api-key");
    assert_string_equal(glm->auth_scheme, "");
    assert_string_equal(glm->model, "glm-4.7");
    assert_int_equal(glm->header_count, 2);
    assert_string_equal(glm->headers[0].name, "X-One");
    assert_string_equal(glm->headers[0].value, "1");
    assert_string_equal(glm->headers[1].value, "2");
    assert_string_equal(glm->extra_body, "{\"temperature\":0.5,\"thinking\":{\"type\":\"enabled\"}}");
    assert_int_equal(glm->drop_count, 2);
    assert_string_equal(glm->drop[1], "user");
    assert_int_equal(glm->rename_count, 1);
    assert_string_equal(glm->rename[0].name, "max_tokens");
    assert_string_equal(glm->rename[0].value, "max_completion_tokens");
    assert_int_equal(glm->connect_timeout, 3000);
    assert_int_equal(glm->stream_ttft_timeout, 60000);
    assert_int_equal(glm->request_timeout, 0);
    assert_int_equal(glm->ttft_until, EXO_UNTIL_TOKEN);
    assert_true(glm->lenient_end && glm->think_tags && glm->chunked && glm->http2);
    assert_string_equal(glm->ca_file, "etc/ca.pem");
    assert_string_equal(glm->ca_dir, "/etc/certs");
    assert_string_equal(glm->client_cert, "etc/cert.pem");
    assert_string_equal(glm->client_key, "etc/key.pem");
    assert_string_equal(glm->proxy, "");
    assert_string_equal(glm->unix_socket, "etc/s.sock");
    assert_int_equal(glm->resolve_count, 1);
    assert_string_equal(glm->resolve[0], "example.org:443:127.0.0.1");
    const exo_route_policy *policy = exo_config_policy(config, "zai/glm");
    assert_int_equal(policy->retries, 5);
    assert_int_equal(policy->backoff_first, 250);
    assert_int_equal(policy->backoff_max, 10000);
    assert_int_equal(policy->retry_after_max, 3600000);
    assert_int_equal(policy->cooldown, 30000);
    assert_int_equal(policy->cooldown_after, 4);
    assert_int_equal(policy->patience, 2000);
}

static void test_everything(void **state)
{
    (void)state;
    static const exo_deployment initial = EXO_DEPLOYMENT_INIT;
    exo_config *config = parse_as("etc/config.yaml", everything);
    assert_string_equal(message, "");
    check_everything(config);

    const exo_deployment *kimi = exo_config_deployment(config, "kimi");
    assert_string_equal(kimi->api_key, "sk-1-${x}-$y");
    assert_int_equal(kimi->connect_timeout, 7000);
    assert_int_equal(kimi->request_timeout, initial.request_timeout);
    assert_string_equal(kimi->headers[0].name, "X-Default");
    assert_null(kimi->ca_file);
    assert_false(kimi->chunked);
    assert_int_equal(exo_config_policy(config, "kimi")->retries, 2);

    assert_string_equal(exo_config_model(config, 0), "zai/glm");
    assert_string_equal(exo_config_model(config, 1), "kimi");
    assert_string_equal(exo_config_model(config, 2), "other");
    assert_null(exo_config_model(config, 3));
    assert_string_equal(exo_config_default_model(config), "zai/glm");
    assert_string_equal(exo_config_fallback(config, "zai/glm", 0), "kimi");
    assert_string_equal(exo_config_fallback(config, "zai/glm", 1), "other");
    assert_null(exo_config_fallback(config, "zai/glm", 2));
    assert_string_equal(exo_config_context_fallback(config, "zai/glm", 0), "kimi");
    assert_null(exo_config_context_fallback(config, "zai/glm", 1));

    assert_null(exo_config_deployment(config, "none"));
    assert_null(exo_config_policy(config, "none"));
    assert_null(exo_config_fallback(config, "none", 0));
    assert_null(exo_config_context_fallback(config, "none", 0));
    assert_null(exo_config_deployment(config, NULL));

    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    exo_config_call_options(config, &options);
    assert_int_equal(options.total_timeout, 90000);
    assert_true(options.restart);
    exo_config_free(config);
    exo_config_free(NULL);
}

static void test_little(void **state)
{
    (void)state;
    exo_config *config = parse("models:\n  m:\n" URL);
    assert_null(exo_config_default_model(config));
    assert_null(exo_config_deployment(config, "m")->api_key);
    assert_null(exo_config_missing_key(config, "m"));
    assert_null(exo_config_missing_key(config, "x"));
    assert_null(exo_config_missing_key(config, NULL));
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.total_timeout = 5;
    options.restart = true;
    exo_config_call_options(config, &options);
    assert_int_equal(options.total_timeout, 5);
    assert_true(options.restart);
    assert_int_equal(exo_config_check(config, NULL, NULL), 0);
    exo_config_free(config);
}

static void test_process_environment(void **state)
{
    (void)state;
    setenv("EXOCHAT_TEST_KEY", "from getenv", 1);
    exo_config *config = exo_config_parse(exo_span_text("models: {m: {base_url: \"https://h\", api_key: "
                                                        "\"${EXOCHAT_TEST_KEY}\"}}"),
                                          NULL, NULL, NULL, NULL, 0);
    assert_non_null(config);
    assert_string_equal(exo_config_deployment(config, "m")->api_key, "from getenv");
    exo_config_free(config);
    unsetenv("EXOCHAT_TEST_KEY");
    assert_null(exo_config_parse(exo_span_text("models: ${"), NULL, NULL, NULL, NULL, 0));
}

static const struct {
    const char *text;
    int64_t milliseconds;
} times[] = {
    {"0", 0},
    {"0.000s", 0},
    {"15", 15000},
    {"0.5", 500},
    {".25", 250},
    {"2.", 2000},
    {"15s", 15000},
    {"500ms", 500},
    {"2m", 120000},
    {"1.5m", 90000},
    {"1h", 3600000},
    {"24h", 86400000},
    {"86400", 86400000},
    {"0.0001", 1},
    {"0.0000001", 1},
    {"0.4ms", 1},
    {"1.0004", 1000},
    {"0.0005", 1},
    {"\"10\"", 10000},
    {"15 s", 15000},
    {"${SECONDS}", 2500},
    {"00012", 12000},
    {"0.1234567", 123},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "models:\n  m:\n" URL "    request_timeout: %s\n    cooldown: %s\n", times[i].text,
                 times[i].text);
        exo_config *config = parse(text);
        assert_int_equal(exo_config_deployment(config, "m")->request_timeout, times[i].milliseconds);
        assert_int_equal(exo_config_policy(config, "m")->cooldown, times[i].milliseconds);
        exo_config_free(config);
    }
}

/* What exo_parse_duration() is given directly, as the command does; what is no time leaves the number alone. */
static void test_durations(void **state)
{
    static const char *const wrong[] = {
        "",     " ",   "s",    "h",    ".",   "-1",    "+1",  "1e3", "1d",        "1hh",
        "1 s ", " 1s", "1\ts", "0x10", "nan", "24.1h", "25h", "1,5", "86400.001", "99999999999999999999"};
    int64_t milliseconds;
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (!strpbrk(times[i].text, "\"$")) { /* which are YAML's, and the configuration's */
            milliseconds = -1;
            assert_true(exo_parse_duration(times[i].text, &milliseconds));
            assert_int_equal(milliseconds, times[i].milliseconds);
        }
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        milliseconds = 7;
        if (exo_parse_duration(wrong[i], &milliseconds)) {
            fail_msg("'%s' is %lld ms", wrong[i], (long long)milliseconds);
        }
        assert_int_equal(milliseconds, 7);
    }
}

static void test_auto(void **state)
{
    (void)state;
    exo_config *config =
        parse("defaults:\n  stream_ttft_timeout: 1\nmodels:\n  m:\n" URL "    stream_ttft_timeout: auto\n"
              "  n:\n" URL);
    assert_int_equal(exo_config_deployment(config, "m")->stream_ttft_timeout, EXO_CLOCK_AUTO);
    assert_int_equal(exo_config_deployment(config, "n")->stream_ttft_timeout, 1000);
    exo_config_free(config);
}

static const struct {
    const char *text;
    bool flag;
} flags[] = {
    {"true", true},    {"True", true}, {"on", true},     {"ON", true},   {"yes", true},
    {"\"yes\"", true}, {"no", false},  {"false", false}, {"Off", false}, {"${YES}", true},
};

static void test_flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "models:\n  m:\n" URL "    http2: %s\n", flags[i].text);
        exo_config *config = parse(text);
        assert_int_equal(exo_config_deployment(config, "m")->http2, flags[i].flag);
        exo_config_free(config);
    }
}

static const struct {
    const char *yaml;
    const char *json;
} bodies[] = {
    {"{}", "{}"},
    {"{a: }", "{\"a\":null}"},
    {"{a: ~, b: null, c: Null, d: NULL, e: \"null\", f: '~'}",
     "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":\"null\",\"f\":\"~\"}"},
    {"{a: true, b: True, c: TRUE, d: false, e: False, f: FALSE}",
     "{\"a\":true,\"b\":true,\"c\":true,\"d\":false,\"e\":false,\"f\":false}"},
    {"{a: yes, b: on, c: tRUE, d: 'true'}", "{\"a\":\"yes\",\"b\":\"on\",\"c\":\"tRUE\",\"d\":\"true\"}"},
    {"{a: 0, b: -0, c: +7, d: 007, e: 123456789012345678901234567890}",
     "{\"a\":0,\"b\":-0,\"c\":7,\"d\":7,\"e\":123456789012345678901234567890}"},
    {"{a: 0x1F, b: 0o17, c: 0xFFFFFFFFFFFFFFFF, d: 0x, e: 0o8, f: 0x0000000000000000001, g: -0x1}",
     "{\"a\":31,\"b\":15,\"c\":18446744073709551615,\"d\":\"0x\",\"e\":\"0o8\",\"f\":1,\"g\":\"-0x1\"}"},
    {"{a: 1.5, b: .5, c: -1., d: 1e3, e: 1E+3, f: +.5e-7, g: 00.50}",
     "{\"a\":1.5,\"b\":0.5,\"c\":-1.0,\"d\":1e3,\"e\":1e+3,\"f\":0.5e-7,\"g\":0.50}"},
    {"{a: ., b: 1e, c: 1.2.3, d: -, e: 1_000, f: 12h, g: 1e+}",
     "{\"a\":\".\",\"b\":\"1e\",\"c\":\"1.2.3\",\"d\":\"-\",\"e\":\"1_000\",\"f\":\"12h\",\"g\":\"1e+\"}"},
    {"{a: \"q\\\"\\n\\u00e9\", b: [1, [2, {c: d}], []]}",
     "{\"a\":\"q\\\"\\n\xC3\xA9\",\"b\":[1,[2,{\"c\":\"d\"}],[]]}"},
    {"\n      a: ${NUMBER}\n      b: \"${NUMBER}\"\n      c: x${NUMBER}\n      d: ${EMPTY}",
     "{\"a\":7,\"b\":\"7\",\"c\":\"x7\",\"d\":null}"},
    {"{a: &x [1, 2], b: *x, c: {d: *x}}", "{\"a\":[1,2],\"b\":[1,2],\"c\":{\"d\":[1,2]}}"},
    {"{5: x, \"\": y, \"<<\": z}", "{\"5\":\"x\",\"\":\"y\",\"<<\":\"z\"}"},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "models:\n  m:\n" URL "    body: %s\n", bodies[i].yaml);
        exo_config *config = parse(text);
        assert_string_equal(exo_config_deployment(config, "m")->extra_body, bodies[i].json);
        exo_config_free(config);
    }
    /* A string longer than the escaper's window. */
    char text[2048];
    char expected[2048];
    char letters[701];
    memset(letters, 'x', 700);
    letters[700] = '\0';
    snprintf(text, sizeof text, "models:\n  m:\n" URL "    body: {a: %s}\n", letters);
    snprintf(expected, sizeof expected, "{\"a\":\"%s\"}", letters);
    exo_config *config = parse(text);
    assert_string_equal(exo_config_deployment(config, "m")->extra_body, expected);
    exo_config_free(config);
}

/* ---- what is wrong ---- */

#define AUTO  "expected auto, or a time from 0 to 24h: seconds (15, 0.5), or with a unit (500ms, 15s, 2m, 1h)"
#define TIME  "expected a time from 0 to 24h: seconds (15, 0.5), or with a unit (500ms, 15s, 2m, 1h)"
#define FLAG  "expected true or false (yes, no, on, off)"
#define COUNT "expected a whole number from 0 to 1000000"
#define NAME  "expected ${NAME}, the name of an environment variable ($${ stands for ${)"

/* A model on line 2, with `line` as its line 4. */
#define MODEL(line) "models:\n  a/b:\n" URL "    " line "\n"

static const struct {
    const char *text;
    const char *message;
} wrong[] = {
    /* the file */
    {"", "c.yaml:1: is empty"},
    {"# nothing\n", "c.yaml:1: is empty"},
    {"- a\n", "c.yaml:1: expected a mapping (key: value), not a list"},
    {"text\n", "c.yaml:1: expected a mapping (key: value), not a scalar"},
    {"defaults: {}\n", "c.yaml:1: models: is missing; expected a mapping of names to deployments"},
    {"\nmodels: {}\n", "c.yaml:2: models: expected at least one model"},
    {"models: []\n", "c.yaml:1: models: expected a mapping (key: value), not a list"},
    {"models:\n", "c.yaml:1: models: expected a mapping (key: value), not a scalar"},
    {"models:\n  a: 5\n", "c.yaml:2: models.a: expected a mapping (key: value), not a scalar"},
    {"models:\n  \"\": {}\n", "c.yaml:2: models.: a model must have a name"},

    /* YAML */
    {"models:\n\ta: b\n",
     "c.yaml:2: not valid YAML: while scanning for the next token, found character that cannot start "
     "any token"},
    {"models: {a: b\n", "c.yaml:2: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"},
    {"a: b\nmodels: *x\n", "c.yaml:2: not valid YAML: found undefined alias"},
    {"a: \"\xFF\"\n", "c.yaml:1: not valid YAML: invalid leading UTF-8 octet"},
    {"a: 1\nb: 2\nc: \x01\n", "c.yaml:3: not valid YAML: control characters are not allowed"},
    {"models: {}\n---\na: b\n", "c.yaml:2: expected one document, and a second one begins here"},
    {MODEL("model: !!str 5"), "c.yaml:4: tags (! and !!) are not supported"},
    {MODEL("model: ! 5"), "c.yaml:4: tags (! and !!) are not supported"},
    {MODEL("drop: !x [a]"), "c.yaml:4: tags (! and !!) are not supported"},
    {MODEL("body: !x {a: b}"), "c.yaml:4: tags (! and !!) are not supported"},
    {MODEL("body: {<<: {a: b}}"), "c.yaml:4: models.a/b.body.<<: merge keys are not supported"},
    {MODEL("? [a]\n    : b"), "c.yaml:4: models.a/b: a key must be text without NUL"},
    {MODEL("\"a\\0b\": c"), "c.yaml:4: models.a/b: a key must be text without NUL"},
    {MODEL("body: {a: &x [*x]}"), "c.yaml:4: models.a/b.body.a[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
                                  "[0][0][0][0][0][0][0][0][0][0]: nested deeper than 32 levels"},
    {MODEL("body: {a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"),
     "c.yaml:4: nested deeper than 32 levels"},

    /* keys */
    {"model: {}\n", "c.yaml:1: model: unknown key; did you mean models?"},
    {"a: 1\nmodels: {}\n", "c.yaml:1: a: unknown key"},
    {MODEL("base_urll: x"), "c.yaml:4: models.a/b.base_urll: unknown key; did you mean base_url?"},
    {MODEL("apikey: x"), "c.yaml:4: models.a/b.apikey: unknown key; did you mean api_key?"},
    {MODEL("conect_timout: 1"), "c.yaml:4: models.a/b.conect_timout: unknown key; did you mean connect_timeout?"},
    {MODEL("something: x"), "c.yaml:4: models.a/b.something: unknown key"},
    {MODEL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: x"),
     "c.yaml:4: models.a/b.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: unknown key"},
    {MODEL("\"a\\nb\": x"), "c.yaml:4: models.a/b.a?b: unknown key"},
    {MODEL("model: x\n    model: y"), "c.yaml:5: models.a/b.model: stands twice, first in line 4"},
    {"models:\n  a: {base_url: \"http://h\"}\n  a: {}\n", "c.yaml:3: models.a: stands twice, first in line 2"},
    {MODEL("headers: {A: b, A: c}"), "c.yaml:4: models.a/b.headers.A: stands twice, first in line 4"},
    {"defaults:\n  basurl: x\nmodels:\n  a:\n" URL, "c.yaml:2: defaults.basurl: unknown key; did you mean base_url?"},
    {"models:\n  a:\n" URL "defaults:\n  retries: -1\n", "c.yaml:5: defaults.retries: " COUNT ", not \"-1\""},
    {"models:\n  a: {}\n", "c.yaml:2: models.a.base_url: is missing"},
    {"default_model: ax\nmodels:\n  ab:\n" URL, "c.yaml:1: default_model: ax is not in models; did you mean ab?"},
    {"default_model: zzzz\nmodels:\n  a:\n" URL, "c.yaml:1: default_model: zzzz is not in models"},

    /* values */
    {MODEL("model:"), "c.yaml:4: models.a/b.model: has no value; expected text"},
    {MODEL("model: ~"), "c.yaml:4: models.a/b.model: has no value; expected text"},
    {MODEL("model: [x]"), "c.yaml:4: models.a/b.model: expected text, not a list"},
    {MODEL("ca_file: {}"), "c.yaml:4: models.a/b.ca_file: expected a path, not a mapping"},
    {MODEL("model: \"a\\0b\""), "c.yaml:4: models.a/b.model: may not hold NUL"},
    {MODEL("stream_ttft_timeout: Auto"), "c.yaml:4: models.a/b.stream_ttft_timeout: " AUTO ", not \"Auto\""},
    {MODEL("stream_ttft_timeout: -1"), "c.yaml:4: models.a/b.stream_ttft_timeout: " AUTO ", not \"-1\""},
    {MODEL("connect_timeout: auto"), "c.yaml:4: models.a/b.connect_timeout: " TIME ", not \"auto\""},
    {MODEL("request_timeout: auto"), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"auto\""},
    {MODEL("request_timeout: -1"), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"-1\""},
    {MODEL("request_timeout: 1e3"), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"1e3\""},
    {MODEL("request_timeout: 25h"), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"25h\""},
    {MODEL("request_timeout: 99999999999999999999"),
     "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"99999999999999999999\""},
    {MODEL("request_timeout: ."), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \".\""},
    {MODEL("request_timeout: s"), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"s\""},
    {MODEL("request_timeout: \"\""), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"\""},
    {MODEL("request_timeout: \"5 \""), "c.yaml:4: models.a/b.request_timeout: " TIME ", not \"5 \""},
    {MODEL("cooldown: soon"), "c.yaml:4: models.a/b.cooldown: " TIME ", not \"soon\""},
    {MODEL("retries: 1.5"), "c.yaml:4: models.a/b.retries: " COUNT ", not \"1.5\""},
    {MODEL("retries: 1000001"), "c.yaml:4: models.a/b.retries: " COUNT ", not \"1000001\""},
    {MODEL("retries: 99999999999"), "c.yaml:4: models.a/b.retries: " COUNT ", not \"99999999999\""},
    {MODEL("retries: \"\""), "c.yaml:4: models.a/b.retries: " COUNT ", not \"\""},
    {MODEL("retries:"), "c.yaml:4: models.a/b.retries: has no value; " COUNT},
    {MODEL("http2: maybe"), "c.yaml:4: models.a/b.http2: " FLAG ", not \"maybe\""},
    {MODEL("http2: [true]"), "c.yaml:4: models.a/b.http2: " FLAG ", not a list"},
    {MODEL("ttft_until: first"), "c.yaml:4: models.a/b.ttft_until: expected event or token, not \"first\""},
    {MODEL("headers: [a]"), "c.yaml:4: models.a/b.headers: expected a mapping (key: value), not a list"},
    {MODEL("headers: {A: [b]}"), "c.yaml:4: models.a/b.headers.A: expected text, not a list"},
    {MODEL("headers: {A: }"), "c.yaml:4: models.a/b.headers.A: has no value; expected text"},
    {MODEL("drop: user"), "c.yaml:4: models.a/b.drop: expected a list, not a scalar"},
    {MODEL("drop:\n      - user\n      - {a: b}"), "c.yaml:6: models.a/b.drop[1]: expected text, not a mapping"},
    {MODEL("body: [a]"), "c.yaml:4: models.a/b.body: expected a mapping (key: value)"},
    {MODEL("body: {a: [.inf]}"), "c.yaml:4: models.a/b.body.a[0]: JSON has no infinity and no NaN; quoted, it is text"},
    {MODEL("body: {a: -.Inf}"), "c.yaml:4: models.a/b.body.a: JSON has no infinity and no NaN; quoted, it is text"},
    {MODEL("body: {a: .NaN}"), "c.yaml:4: models.a/b.body.a: JSON has no infinity and no NaN; quoted, it is text"},
    {MODEL("body: {a: 0x10000000000000000}"), "c.yaml:4: models.a/b.body.a: the number does not fit 64 bits"},
    {MODEL("body: {a: 0o7777777777777777777777}"), "c.yaml:4: models.a/b.body.a: the number does not fit 64 bits"},
    {MODEL("body: {a: \"\\0\"}"), "c.yaml:4: models.a/b.body.a: may not hold NUL"},
    {MODEL("retries: ${KEY}"), "c.yaml:4: models.a/b.retries: " COUNT ", not \"${KEY}\""},
    {"total_timeout: auto\n", "c.yaml:1: total_timeout: " TIME ", not \"auto\""},
    {"total_timeout: x\n", "c.yaml:1: total_timeout: " TIME ", not \"x\""},
    {"restart: x\n", "c.yaml:1: restart: " FLAG ", not \"x\""},

    /* the environment */
    {MODEL("model: ${NOWHERE}"), "c.yaml:4: models.a/b.model: the environment variable NOWHERE is not set"},
    {MODEL("body: {a: \"${NOWHERE}\"}"), "c.yaml:4: models.a/b.body.a: the environment variable NOWHERE is not set"},
    {MODEL("model: \"${KEY\""), "c.yaml:4: models.a/b.model: " NAME},
    {MODEL("model: \"${}\""), "c.yaml:4: models.a/b.model: " NAME},
    {MODEL("model: \"${A B}\""), "c.yaml:4: models.a/b.model: " NAME},

    /* keys of access */
    {MODEL("api_key: ${NOWHERE}"), "c.yaml:4: models.a/b.api_key: the environment variable NOWHERE is not set"},
    {MODEL("api_key_env: sk-0123456789"),
     "c.yaml:4: models.a/b.api_key_env: expected the name of an environment variable, not the key itself"},
    {MODEL("api_key: x\n    api_key_env: KEY"),
     "c.yaml:5: models.a/b.api_key_env: expected only one of api_key, api_key_env and api_key_file"},
    {MODEL("api_key_file: /nowhere/key"), "c.yaml:4: models.a/b.api_key_file: expected a file that can be read; "
                                          "/nowhere/key: No such file or directory"},
    {MODEL("api_key_file: /"),
     "c.yaml:4: models.a/b.api_key_file: expected a file that holds a key and nothing else: /"},
    {MODEL("api_key_file: /dev/null"),
     "c.yaml:4: models.a/b.api_key_file: expected a file that holds a key and nothing else: /dev/null"},
    {MODEL("api_key_file: /dev/zero"),
     "c.yaml:4: models.a/b.api_key_file: expected a file that holds a key and nothing else: /dev/zero"},

    /* what the client itself refuses */
    {"models:\n  m:\n    base_url: ftp://x\n",
     "c.yaml:3: models.m.base_url: 'ftp://x' is no address of an endpoint, such as https://api.openai.com/v1: "
     "only http and https are spoken"},
    {MODEL("api_key: \"a\\nb\""), "c.yaml:4: models.a/b.api_key: may not hold CR, LF, NUL or other control characters"},
    {MODEL("client_key: x"), "c.yaml:4: models.a/b.client_key: needs client_cert"},
    {MODEL("headers: {\"A B\": c}"), "c.yaml:4: models.a/b.headers: a header's name must be letters, digits and -"},
    {MODEL("headers: {Host: c}"),
     "c.yaml:4: models.a/b.headers.Host: this header belongs to the transport and cannot be set"},
    {MODEL("rename: {a: \"\"}"), "c.yaml:4: models.a/b.rename: both names must be given"},
    {MODEL("http2: on\n    resolve:\n      - h:1:127.0.0.1\n      - h:1"),
     "c.yaml:5: models.a/b.resolve: each entry must be host:port:address[,address]..."},
    {MODEL("resolve: [\"h:1:127.0.0.1\\n\"]"),
     "c.yaml:4: models.a/b.resolve: may not hold CR, LF, NUL or other control characters"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        exo_config *config = parse_as("c.yaml", wrong[i].text);
        if (config) {
            print_error("accepted: %s\n", wrong[i].text);
        }
        assert_null(config);
        assert_string_equal(message, wrong[i].message);
    }
}

static void test_messages_are_cut(void **state)
{
    (void)state;
    char small[24];
    for (size_t size = 0; size <= sizeof small; size++) {
        memset(small, 'z', sizeof small);
        assert_null(exo_config_parse(exo_span_text("models: 5"), "c.yaml", NULL, NULL, small, size));
        assert_true(size == 0 || strlen(small) == size - 1);
        assert_memory_equal(small, "c.yaml:1: models: expected", size > 0 ? size - 1 : 0);
    }
    /* A path of keys longer than there is room for. */
    char *text = malloc(20000);
    assert_non_null(text);
    memset(text, 'k', 20000);
    strcpy(text + 900, ": 5");
    assert_null(parse_as("c.yaml", text));
    assert_true(strlen(message) > 500 && strlen(message) < 600);
    free(text);
}

/* ---- bounds ---- */

static void test_bounds(void **state)
{
    (void)state;
    size_t size = 1024 * 1024 + 2;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '\n', size);
    text[size - 1] = '\0';
    assert_null(parse_as("c.yaml", text));
    assert_string_equal(message, "c.yaml:1: larger than 1048576 bytes");

    /* Nine lists, each of ten times the one before: a billion values in a few bytes. */
    size_t len =
        (size_t)sprintf(text, "models:\n  m:\n" URL "    body:\n      a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        len += (size_t)sprintf(text + len, "      a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++) {
            len += (size_t)sprintf(text + len, "%s*a%d", k ? ", " : "", i - 1);
        }
        len += (size_t)sprintf(text + len, "]\n");
    }
    assert_null(parse_as("c.yaml", text));
    assert_true(strstr(message, ": more than 20000 values, aliases counted as often as they are used") != NULL);

    /* Values that are long only once they are expanded. */
    len = (size_t)sprintf(text, "models:\n  m:\n    base_url: ");
    for (int i = 0; i < 7000; i++) {
        len += (size_t)sprintf(text + len, "${HOST}");
    }
    assert_null(parse_as("c.yaml", text));
    assert_string_equal(message, "c.yaml:3: models.m.base_url: longer than 65536 bytes");

    /* And JSON that is larger than its text. */
    len = (size_t)sprintf(text, "models:\n  m:\n" URL "    body:\n      a: &a \"");
    memset(text + len, 'x', 60000);
    len += 60000;
    len += (size_t)sprintf(text + len, "\"\n      b: [");
    for (int k = 0; k < 20; k++) {
        len += (size_t)sprintf(text + len, "%s*a", k ? ", " : "");
    }
    sprintf(text + len, "]\n");
    assert_null(parse_as("c.yaml", text));
    assert_true(strstr(message, ": too large as JSON") != NULL);
    free(text);
}

/* What is written `count` times between a head and a tail. */
static const char *repeated(const char *head, const char *format, unsigned count, const char *tail)
{
    static char text[1024 * 1024 + 1];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", head);
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, format, i, i);
        assert_true(len < sizeof text);
    }
    snprintf(text + len, sizeof text - len, "%s", tail);
    return text;
}

/* What there may be so many times, and what is said of once more. Of 20,000 values of a document, one is `models`, one
 * the model, one its URL, one its body, and one an entry of that. */
#define BODY "models:\n  m:\n" URL "    body:\n"
static const struct {
    const char *head;
    const char *format;
    const char *tail;
    unsigned most;
    const char *message;
} counted[] = {
    {BODY, "      k%u: x\n", "", 19996, ":20001: more than 40000 keys and values"},
    {BODY "      k: [", "x, ", "]\n", 19995,
     ":5: models.m.body.k[19995]: more than 20000 values, aliases counted as often as they are used"},
    {BODY "      k: &a x\n", "      k%u: *a\n", "", 19995, ":20001: more than 40000 keys and values"},
    {BODY, "      k%u: &a%u x\n", "", 256, ":261: more than 256 anchors (&name)"},
    {BODY "      k: [", "&a%u x, ", "]\n", 256, ":5: more than 256 anchors (&name)"},
    {BODY "      k: [", "&a%u [], ", "]\n", 256, ":5: more than 256 anchors (&name)"},
    {BODY "      k: [", "&a%u {}, ", "]\n", 256, ":5: more than 256 anchors (&name)"},
    {"", "%%TAG !t%u! tag:x\n", "---\n" BODY "      k: x\n", 16, ":17: more than 16 lines that begin with %"},
    {"", "%%TAG !t%u! tag:x\r", "---\n" BODY "      k: x\n", 16, ":17: more than 16 lines that begin with %"},
    {BODY "      k: \"x\n", "%%\n", "\"\n", 16, ":22: more than 16 lines that begin with %"},
};

static void test_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        for (unsigned more = 0; more < 2; more++) {
            exo_config *config =
                parse_as("c", repeated(counted[i].head, counted[i].format, counted[i].most + more, counted[i].tail));
            if ((config != NULL) == (more == 1)) {
                print_error("%s of %s: %s\n", more ? "one more" : "all", counted[i].format, message);
            }
            assert_int_equal(config != NULL, more == 0);
            assert_string_equal(message[0] ? message + 1 : "", more ? counted[i].message : "");
            exo_config_free(config);
        }
    }
    /* What is not gone through is counted all the same, before a document is made of it. */
    assert_null(parse_as("c", repeated("a: [", "x,", 40000, "]")));
    assert_string_equal(message, "c:1: more than 40000 keys and values");
    assert_null(parse_as("c", repeated("a: [", "x,", 39998, "]")));
    assert_string_equal(message, "c:1: a: unknown key");
}

/* However many there are. */
static void test_keys_that_stand_twice(void **state)
{
    (void)state;
    for (unsigned count = 1; count < 2000; count = count * 3 + 1) {
        char expected[128];
        char last[64];
        snprintf(last, sizeof last, "      k%u: x\n", count / 2);
        snprintf(expected, sizeof expected, "c:%u: models.m.body.k%u: stands twice, first in line %u", 5 + count,
                 count / 2, 5 + count / 2);
        assert_null(parse_as("c", repeated(BODY, "      k%u: x\n", count, last)));
        assert_string_equal(message, expected);
    }
    /* Of several, the first one that comes again; and what is wrong before it is said first. */
    assert_null(parse_as("c", BODY "      {z: 1, b: 2, a: 3, z: 4, a: 5}\n"));
    assert_string_equal(message, "c:5: models.m.body.z: stands twice, first in line 5");
    assert_null(parse_as("c", BODY "      {a: .inf, b: 1, b: 2}\n"));
    assert_string_equal(message, "c:5: models.m.body.a: JSON has no infinity and no NaN; quoted, it is text");
    assert_null(parse_as("c", BODY "      {[x]: 1, b: 1, b: 2}\n"));
    assert_string_equal(message, "c:5: models.m.body: a key must be text without NUL");
    assert_null(parse_as("c", BODY "      {b: 1, b: 1, [x]: 2}\n"));
    assert_string_equal(message, "c:5: models.m.body.b: stands twice, first in line 5");
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    exo_config *config = NULL;
    long blocks = 0;
    for (; !config; blocks++) {
        unsigned asked = 0;
        heap_left = blocks;
        config = exo_config_parse(exo_span_text(everything), "etc/config.yaml", environment, &asked, message,
                                  sizeof message);
        heap_left = -1;
        assert_true(config || strstr(message, ": out of memory") != NULL);
    }
    check_everything(config);
    exo_config_free(config);
    assert_true(blocks > 100);
}

/* ---- files ---- */

static char folder[64];
static char path_[128];

static const char *at(const char *name)
{
    snprintf(path_, sizeof path_, "%s/%s", folder, name);
    return path_;
}

static void write_file(const char *name, const char *text, size_t len, unsigned mode)
{
    FILE *file = fopen(at(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_, (mode_t)mode), 0);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/exochat-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

static exo_config *load(const char *name)
{
    unsigned asked = 0;
    return exo_config_load(at(name), environment, &asked, message, sizeof message);
}

/* A file may be as large as a text may. */
static void test_size_of_a_file(void **state)
{
    static const struct {
        size_t size;
        bool fits;
    } sizes[] = {
        {1024 * 1024 - 5000, true}, {1024 * 1024 - 100, true},   {1024 * 1024, true},
        {1024 * 1024 + 1, false},   {1024 * 1024 + 5000, false},
    };
    static const char models[] = "models: {m: {base_url: \"https://h\"}}\n";
    (void)state;
    char *text = malloc(1024 * 1024 + 5000);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(text, '#', sizes[i].size);
        memcpy(text, models, sizeof models - 1);
        write_file("large.yaml", text, sizes[i].size, 0600);
        exo_config *config = load("large.yaml");
        assert_int_equal(config != NULL, sizes[i].fits);
        assert_int_equal(strstr(message, "expected a configuration of at most 1 MB") != NULL, !sizes[i].fits);
        exo_config_free(config);
    }
    free(text);
}

static void test_load(void **state)
{
    (void)state;
    static const char text[] = "models:\n  m:\n" URL "    api_key_file: key\n";
    write_file("c.yaml", text, sizeof text - 1, 0644);
    write_file("key", "sk-file\r\n\n", 10, 0600);
    exo_config *config = load("c.yaml");
    assert_non_null(config);
    assert_string_equal(exo_config_deployment(config, "m")->api_key, "sk-file");
    assert_int_equal(exo_config_check(config, NULL, NULL), 0);
    exo_config_free(config);

    write_file("key", "a\0b", 3, 0600);
    assert_null(load("c.yaml"));
    assert_non_null(strstr(message, "/c.yaml:4: models.m.api_key_file: expected a file that holds a key"));
    assert_null(load("none.yaml"));
    assert_non_null(strstr(message, "/none.yaml: No such file or directory"));
    assert_null(exo_config_load(at("none.yaml"), NULL, NULL, NULL, 0));
    assert_int_equal(mkdir(at("folder"), 0700), 0);
    assert_null(load("folder"));
    assert_non_null(strstr(message, "/folder: Is a directory"));
    assert_null(exo_config_load("/dev/zero", NULL, NULL, message, sizeof message));
    assert_string_equal(message, "/dev/zero: expected a configuration of at most 1 MB");
    heap_left = 0;
    assert_null(load("c.yaml"));
    heap_left = -1;
    assert_non_null(strstr(message, "/c.yaml: out of memory"));

    /* Larger than one read. */
    char long_text[12000];
    memset(long_text, '#', sizeof long_text);
    memcpy(long_text + sizeof long_text - 80, "\nmodels: {m: {base_url: \"https://h\"}} ", 38);
    write_file("long.yaml", long_text, sizeof long_text, 0600);
    config = load("long.yaml");
    assert_non_null(config);
    exo_config_free(config);
}

/* ---- what is legal, and doubtful ---- */

static void take_line(void *ctx, const char *line)
{
    char *lines = ctx;
    strcat(lines, strstr(line, "models."));
    strcat(lines, "\n");
}

static const struct {
    const char *text; /* what stands in the model m, whose URL is https where there is none */
    const char *warnings;
} doubtful[] = {
    {"base_url: http://example.org, api_key: \"${KEY}\"",
     "models.m.base_url: the key would go to example.org over plain http, for all to read; use https\n"},
    {"base_url: \"http://8.8.8.8:80/v1\", api_key: \"${KEY}\"",
     "models.m.base_url: the key would go to 8.8.8.8 over plain http, for all to read; use https\n"},
    {"base_url: \"http://172.32.0.1\", api_key: \"${KEY}\"",
     "models.m.base_url: the key would go to 172.32.0.1 over plain http, for all to read; use https\n"},
    {"base_url: \"http://[2001:db8::1]\", api_key: \"${KEY}\"",
     "models.m.base_url: the key would go to [2001:db8::1] over plain http, for all to read; use https\n"},
    {"base_url: \"http://local\", api_key: \"${KEY}\"",
     "models.m.base_url: the key would go to local over plain http, for all to read; use https\n"},
    {"base_url: http://example.org", ""},
    {"base_url: http://localhost, api_key: \"${KEY}\"", ""},
    {"base_url: http://a.localhost, api_key: \"${KEY}\"", ""},
    {"base_url: http://Printer.LOCAL, api_key: \"${KEY}\"", ""},
    {"base_url: http://127.1.2.3, api_key: \"${KEY}\"", ""},
    {"base_url: http://10.1.2.3, api_key: \"${KEY}\"", ""},
    {"base_url: http://172.31.0.1, api_key: \"${KEY}\"", ""},
    {"base_url: http://192.168.0.1, api_key: \"${KEY}\"", ""},
    {"base_url: http://169.254.0.1, api_key: \"${KEY}\"", ""},
    {"base_url: \"http://[::1]:8080\", api_key: \"${KEY}\"", ""},
    {"base_url: \"http://[fd00::1]\", api_key: \"${KEY}\"", ""},
    {"base_url: \"http://[fe80::1]\", api_key: \"${KEY}\"", ""},
    {"base_url: http://example.org, api_key: \"${KEY}\", unix_socket: /run/s", ""},
    {"api_key: sk-literal", "models.m.api_key: the key stands in the file itself; use api_key_env or api_key_file\n"},
    {"api_key_env: NOWHERE", "models.m.api_key_env: NOWHERE is not set\n"},
    {"api_key_env: EMPTY", "models.m.api_key_env: EMPTY is empty\n"},
    {"api_key_env: KEY", ""},
    {"fallbacks: [n, x, n, m]", "models.m.fallbacks: x is not in models\n"
                                "models.m.fallbacks: n stands twice\n"
                                "models.m.fallbacks: leads back to the model itself\n"},
    {"context_fallbacks: [m]", "models.m.context_fallbacks: leads back to the model itself\n"},
    {"ca_file: /nowhere/ca", "models.m.ca_file: /nowhere/ca: No such file or directory\n"},
    {"ca_dir: /nowhere/ca", "models.m.ca_dir: /nowhere/ca: No such file or directory\n"},
    {"client_cert: /nowhere/c, client_key: /nowhere/k", "models.m.client_cert: /nowhere/c: No such file or directory\n"
                                                        "models.m.client_key: /nowhere/k: No such file or directory\n"},
    {"ca_file: /", "models.m.ca_file: / is a folder, and a file was expected\n"},
    {"ca_dir: /dev/null", "models.m.ca_dir: /dev/null is no folder\n"},
    {"ca_file: /dev/null, ca_dir: /", ""},
    {"unix_socket: /nowhere/s", ""},
};

static void test_doubtful(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof doubtful / sizeof doubtful[0]; i++) {
        char text[512];
        char lines[2048] = "";
        snprintf(text, sizeof text, "defaults: {base_url: \"https://h\"}\nmodels:\n  n: {}\n  m: {%s}\n",
                 doubtful[i].text);
        exo_config *config = parse(text);
        size_t count = exo_config_check(config, take_line, lines);
        assert_string_equal(lines, doubtful[i].warnings);
        size_t expected = 0;
        for (const char *line = lines; *line; line++) {
            expected += *line == '\n';
        }
        assert_int_equal(count, expected);
        assert_int_equal(exo_config_check(config, NULL, NULL), expected);
        exo_config_free(config);
    }
}

#define CIRCLE(names, last) \
    names ", " last \
          " is a circle, which may not be what was meant; only the list of the model that was asked for counts\n"

static const struct {
    const char *models;
    const char *warnings;
} chains[] = {
    {"a: {fallbacks: [b]}, b: {fallbacks: [c, d]}, c: {fallbacks: [d]}, d: {}", ""},
    {"a: {fallbacks: [c]}, b: {}, c: {fallbacks: [a]}", "models.a.fallbacks: " CIRCLE("a, c", "a")},
    {"a: {fallbacks: [b]}, b: {context_fallbacks: [a]}", ""},
    {"a: {context_fallbacks: [b, c]}, b: {}, c: {context_fallbacks: [a]}",
     "models.a.context_fallbacks: " CIRCLE("a, c", "a")},
    {"a: {fallbacks: [b]}, b: {fallbacks: [c]}, c: {fallbacks: [d]}, d: {fallbacks: [b]}",
     "models.b.fallbacks: " CIRCLE("b, c, d", "b")},
    {"a: {fallbacks: [b, d]}, b: {fallbacks: [a]}, c: {fallbacks: [d]}, d: {fallbacks: [c]}",
     "models.a.fallbacks: " CIRCLE("a, b", "a") "models.d.fallbacks: " CIRCLE("d, c", "d")},
    {"a: {fallbacks: [a]}", "models.a.fallbacks: leads back to the model itself\n"},
    {"a: {fallbacks: [x]}", "models.a.fallbacks: x is not in models\n"},
};

static void test_circles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        char text[512];
        char lines[2048] = "";
        snprintf(text, sizeof text, "defaults: {base_url: \"https://h\"}\nmodels: {%s}\n", chains[i].models);
        exo_config *config = parse(text);
        size_t count = exo_config_check(config, take_line, lines);
        assert_string_equal(lines, chains[i].warnings);
        assert_int_equal(exo_config_check(config, NULL, NULL), count);
        exo_config_free(config);
    }
}

/* A circle of so many models that their names do not fit into a line; and one that is not found as memory runs out. */
static void test_a_long_circle(void **state)
{
    (void)state;
    char text[16384];
    char lines[2048] = "";
    size_t len = (size_t)sprintf(text, "defaults: {base_url: \"https://h\"}\nmodels:\n");
    for (int i = 0; i < 300; i++) {
        len += (size_t)sprintf(text + len, "  m%d: {fallbacks: [m%d]}\n", i, (i + 1) % 300);
    }
    exo_config *config = parse(text);
    assert_int_equal(exo_config_check(config, take_line, lines), 1);
    assert_string_equal(lines, "models.m0.fallbacks: a long chain back to m0 is a circle, which may not be what was "
                               "meant; only the list of the model that was asked for counts\n");
    for (long blocks = 0; blocks < 3; blocks++) {
        heap_left = blocks;
        assert_int_equal(exo_config_check(config, NULL, NULL), 0);
        heap_left = -1;
    }
    exo_config_free(config);
}

/* As many as there may be: each of them is looked for among all. */
static void test_many_names(void **state)
{
    static const struct {
        const char *head;
        const char *format;
        unsigned count;
        const char *tail;
        size_t warnings;
    } rows[] = {
        {"models:\n  b: {base_url: \"https://h\"}\n  a: {base_url: \"https://h\", fallbacks: [", "b, ", 19000, "]}\n",
         18999},
        {"models:\n  b: {base_url: \"https://h\"}\n  a: {base_url: \"https://h\", context_fallbacks: [", "c%u, ", 19000,
         "]}\n", 19000},
        {"models:\n", "  m%u: {base_url: \"https://h\", fallbacks: [m%u]}\n", 4000, "", 4000},
        {"models:\n  z: {base_url: \"https://h\"}\n", "  m%u: {base_url: \"https://h\", fallbacks: [z]}\n", 4000, "",
         0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exo_config *config = parse(repeated(rows[i].head, rows[i].format, rows[i].count, rows[i].tail));
        assert_int_equal(exo_config_check(config, NULL, NULL), rows[i].warnings);
        exo_config_free(config);
    }
}

static void test_missing_key(void **state)
{
    (void)state;
    exo_config *config =
        parse("defaults: {base_url: \"https://h\", api_key_env: NOWHERE}\n"
              "models: {a: {}, b: {api_key_env: KEY}, c: {api_key: \"${KEY}\"}, d: {api_key: \"\"}}\n");
    assert_string_equal(exo_config_missing_key(config, "a"), "NOWHERE");
    assert_null(exo_config_deployment(config, "a")->api_key);
    assert_null(exo_config_missing_key(config, "b"));
    assert_string_equal(exo_config_deployment(config, "b")->api_key, "sk-1");
    assert_null(exo_config_missing_key(config, "c"));
    assert_string_equal(exo_config_deployment(config, "c")->api_key, "sk-1");
    assert_null(exo_config_missing_key(config, "d"));
    exo_config_free(config);
}

static void take_whole_line(void *ctx, const char *line)
{
    char *lines = ctx;
    strcat(lines, line);
    strcat(lines, "\n");
}

static void test_doubtful_files(void **state)
{
    (void)state;
    char lines[4096] = "";
    char expected[4096];
    static const char text[] = "models:\n"
                               "  a: {base_url: \"https://h\", api_key_file: key}\n"
                               "  b:\n"
                               "    base_url: https://h\n"
                               "    client_cert: cert\n"
                               "    client_key: key\n"
                               "    api_key: literal\n";
    write_file("c.yaml", text, sizeof text - 1, 0604);
    write_file("cert", "c", 1, 0644);
    write_file("key", "sk", 2, 0640);
    exo_config *config = load("c.yaml");
    assert_non_null(config);
    assert_int_equal(exo_config_check(config, take_whole_line, lines), 3);
    snprintf(
        expected, sizeof expected,
        "%s/c.yaml:2: models.a.api_key_file: others can read %s/key (mode 0640); use mode 0600\n"
        "%s/c.yaml:7: models.b.api_key: the key stands in the file itself, which others can read; use api_key_env or "
        "api_key_file\n"
        "%s/c.yaml:6: models.b.client_key: others can read %s/key (mode 0640); use mode 0600\n",
        folder, folder, folder, folder, folder);
    assert_string_equal(lines, expected);
    exo_config_free(config);
}

/* ---- into a client ---- */

static void test_apply(void **state)
{
    (void)state;
    exo_client *client = exo_client_new(NULL);
    exo_config *config = parse_as("etc/config.yaml", everything);
    assert_non_null(config);
    assert_int_equal(exo_config_apply(config, client), EXO_OK);
    assert_string_equal(exo_client_model(client, 0), "zai/glm");
    assert_string_equal(exo_client_model(client, 1), "kimi");
    assert_string_equal(exo_client_model(client, 2), "other");
    assert_null(exo_client_model(client, 3));
    const exo_entry *entry = exo_registry_find(&client->registry, "zai/glm");
    assert_string_equal(entry->deployed->options.api_key, "sk-1");
    assert_int_equal(entry->fallbacks.count, 2);
    assert_string_equal(entry->fallbacks.items[1], "other");
    assert_int_equal(entry->context_fallbacks.count, 1);
    assert_int_equal(entry->policy.retries, 5);
    exo_client_free(client);

    client = exo_client_new(NULL);
    heap_left = 0;
    assert_int_equal(exo_config_apply(config, client), EXO_E_NO_MEMORY);
    heap_left = -1;
    assert_int_equal(exo_config_apply(config, NULL), EXO_E_ARGUMENT);
    exo_client_free(client);
    exo_config_free(config);
}

/* What a client has: of each model its URL, its lists and its retries. */
static const char *all_of(const exo_client *client)
{
    static char text[1024];
    size_t len = 0;
    const char *model;
    text[0] = '\0';
    for (size_t i = 0; (model = exo_client_model(client, i)) != NULL; i++) {
        exo_deployment *deployment = exo_client_deployment_of(client, model);
        const char *name;
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%s=%s", i ? " " : "", model, deployment->base_url + 8);
        for (size_t k = 0; (name = exo_client_fallback_of(client, model, k)) != NULL; k++) {
            len += (size_t)snprintf(text + len, sizeof text - len, ",%s", name);
        }
        for (size_t k = 0; (name = exo_client_context_fallback_of(client, model, k)) != NULL; k++) {
            len += (size_t)snprintf(text + len, sizeof text - len, ";%s", name);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "*%u",
                                (unsigned)exo_client_policy_of(client, model)->retries);
        exo_deployment_free(deployment);
    }
    return text;
}

/* Configurations that are applied one after the other, and what there is then. */
static const struct {
    const char *models;
    const char *after;
} applied[] = {
    {"a: {base_url: \"https://a1\", fallbacks: [b, c], retries: 2}, b: {base_url: \"https://b1\"}",
     "a=a1,b,c*2 b=b1*0"},
    {"a: {base_url: \"https://a1\", fallbacks: [b, c], retries: 2}, b: {base_url: \"https://b1\"}",
     "a=a1,b,c*2 b=b1*0"},
    {"b: {base_url: \"https://b2\", context_fallbacks: [a], retries: 1}", "a=a1,b,c*2 b=b2;a*1"},
    {"c: {base_url: \"https://c1\"}, a: {base_url: \"https://a2\"}", "a=a2*0 b=b2;a*1 c=c1*0"},
    {"b: {base_url: \"https://b2\"}", "a=a2*0 b=b2*0 c=c1*0"},
};

static exo_config *parse_models(const char *models)
{
    char text[256];
    snprintf(text, sizeof text, "models: {%s}", models);
    return parse(text);
}

static void test_apply_again(void **state)
{
    (void)state;
    exo_client *client = exo_client_new(NULL);
    for (size_t i = 0; i < sizeof applied / sizeof applied[0]; i++) {
        exo_config *config = parse_models(applied[i].models);
        assert_int_equal(exo_config_apply(config, client), EXO_OK);
        exo_config_free(config);
        assert_string_equal(all_of(client), applied[i].after);
    }
    exo_client_free(client);
}

/* Wherever it ends for want of memory, the client is as it was. */
static void test_apply_is_all_or_nothing(void **state)
{
    (void)state;
    exo_config *old = parse_models(applied[0].models);
    exo_config *new = parse_models("b: {base_url: \"https://b9\", fallbacks: [a]}, x: {base_url: \"https://x9\"}, "
                                   "a: {base_url: \"https://a9\", context_fallbacks: [x]}");
    int code = EXO_E_NO_MEMORY;
    for (long blocks = 0; code != EXO_OK; blocks++) {
        exo_client *client = exo_client_new(NULL);
        assert_int_equal(exo_config_apply(old, client), EXO_OK);
        heap_left = blocks;
        code = exo_config_apply(new, client);
        heap_left = -1;
        assert_int_equal(code, code == EXO_OK ? EXO_OK : EXO_E_NO_MEMORY);
        assert_string_equal(all_of(client), code == EXO_OK ? "a=a9;x*0 b=b9,a*0 x=x9*0" : applied[0].after);
        assert_int_equal(exo_client_message(client)[0] != '\0', code != EXO_OK);
        assert_true(code != EXO_OK || blocks > 10);
        exo_client_free(client);
    }
    exo_config_free(old);
    exo_config_free(new);
}

/* As after a file that could not be read. */
static void test_null_is_no_configuration(void **state)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    int64_t time;
    (void)state;
    exo_client *client = exo_client_new(NULL);
    assert_null(exo_config_load(NULL, NULL, NULL, message, sizeof message));
    assert_string_equal(message, "NULL: Invalid argument");
    assert_null(exo_config_load(NULL, NULL, NULL, NULL, 0));
    assert_null(exo_config_parse((exo_span){NULL, 9}, NULL, NULL, NULL, NULL, 0));
    assert_int_equal(exo_config_apply(NULL, client), EXO_E_ARGUMENT);
    assert_string_equal(exo_client_message(client), "config: is missing");
    assert_null(exo_config_model(NULL, 0));
    assert_null(exo_config_deployment(NULL, "m"));
    assert_null(exo_config_policy(NULL, "m"));
    assert_null(exo_config_fallback(NULL, "m", 0));
    assert_null(exo_config_context_fallback(NULL, "m", 0));
    assert_null(exo_config_default_model(NULL));
    assert_null(exo_config_missing_key(NULL, "m"));
    exo_config_call_options(NULL, &options);
    exo_config_call_options(NULL, NULL);
    assert_int_equal(options.total_timeout, EXO_CLOCK_DEFAULT_TOTAL);
    assert_int_equal(exo_config_check(NULL, NULL, NULL), 0);
    exo_config_free(NULL);
    assert_false(exo_parse_duration(NULL, &time));
    assert_false(exo_parse_duration("1s", NULL));
    exo_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_null_is_no_configuration),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_process_environment),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_messages_are_cut),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_keys_that_stand_twice),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_size_of_a_file),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_doubtful),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_a_long_circle),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_missing_key),
        cmocka_unit_test(test_doubtful_files),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_apply_again),
        cmocka_unit_test(test_apply_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
