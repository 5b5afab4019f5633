/*
 * test_failure.c: every body, status, mark, header and delay that docs/dialects.md knows of, and what is made of it.
 */
#define _DEFAULT_SOURCE /* timegm() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counting_heap.h"
#include "exochat/failure.h"
#include "utf8_oracle.h"

/* A copy at the end of its own memory, so that a look beyond it is found. */
static exo_span exact(const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return exo_span_of(copy, len);
}

static void drop(exo_span text)
{
    free((void *)(uintptr_t)text.ptr);
}

static void respond(exo_failure *failure, uint16_t status, const char *text, size_t len)
{
    exo_span body = exact(text, len);
    exo_failure_from_response(failure, status, body);
    drop(body);
}

static int stream(exo_failure *failure, uint16_t status, const char *text)
{
    exo_span json = exact(text, strlen(text));
    int result = exo_failure_from_json(failure, status, json);
    drop(json);
    return result;
}

static void header(exo_failure *failure, const char *name, const char *value, int64_t wall_now)
{
    exo_span name_copy = exact(name, strlen(name));
    exo_span value_copy = exact(value, strlen(value));
    exo_failure_header(failure, name_copy, value_copy, wall_now);
    drop(name_copy);
    drop(value_copy);
}

/* Every field holds valid UTF-8 without control characters, and ends. */
static void assert_clean(const char *text, size_t size)
{
    char mended[3 * sizeof(exo_failure)];
    size_t len = strnlen(text, size);
    assert_true(len < size);
    assert_int_equal(utf8_oracle(text, len, mended), len);
    assert_memory_equal(mended, text, len);
    for (size_t i = 0; i < len; i++) {
        assert_true((uint8_t)text[i] >= 0x20 && text[i] != 0x7F);
        assert_false((uint8_t)text[i] == 0xC2 && (uint8_t)text[i + 1] < 0xA0);
    }
}

static void assert_all_clean(const exo_failure *failure)
{
    assert_clean(failure->message, sizeof failure->message);
    assert_clean(failure->type, sizeof failure->type);
    assert_clean(failure->provider_code, sizeof failure->provider_code);
    assert_clean(failure->request_id, sizeof failure->request_id);
}

typedef struct row {
    const char *who;
    uint16_t http_status;
    const char *body;
    int code;
    uint16_t status;
    const char *message;
    const char *type;
    const char *provider_code;
    int64_t retry_after;
} row;

static void check(const row *at, const exo_failure *got)
{
    if (got->code != at->code || got->status != at->status || strcmp(got->message, at->message) != 0 ||
        strcmp(got->type, at->type) != 0 || strcmp(got->provider_code, at->provider_code) != 0 ||
        got->retry_after != at->retry_after || got->http_status != at->http_status) {
        fail_msg("%s: %s, status %u, message \"%s\", type \"%s\", code \"%s\", retry_after %lld", at->who,
                 exo_error_name(got->code), got->status, got->message, got->type, got->provider_code,
                 (long long)got->retry_after);
    }
    assert_int_equal(got->verdict, exo_error_verdict(at->code));
    assert_int_equal(got->clock, EXO_CLOCK_NONE);
    assert_all_clean(got);
}

#define DAILY \
    "{\"@type\":\"type.googleapis.com/" \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaMetric\":\"m\",\"quotaId\":" \
    "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]}"
#define MINUTE \
    "{\"@type\":\"type.googleapis.com/" \
    "google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"}" \
    "]}"
#define DELAY "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"45.8s\"}"

static const row bodies[] = {
    /* {"error":{…}}, with a code that is a string, a number, null, or absent */
    {"OpenAI", 400,
     "{\"error\":{\"message\":\"Unknown "
     "parameter\",\"type\":\"invalid_request_error\",\"param\":\"x\",\"code\":\"unknown_parameter\"}}",
     EXO_E_STATUS, 400, "Unknown parameter", "invalid_request_error", "unknown_parameter", -1},
    {"vLLM", 400, "{\"error\":{\"message\":\"bad\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}",
     EXO_E_STATUS, 400, "bad", "BadRequestError", "400", -1},
    {"code null", 500, "{\"error\":{\"message\":\"oops\",\"type\":\"server_error\",\"param\":null,\"code\":null}}",
     EXO_E_SERVER, 500, "oops", "server_error", "", -1},
    {"no message", 503, "{\"error\":{\"code\":503}}", EXO_E_SERVER, 503, "", "", "503", -1},
    {"empty message", 400, "{\"error\":{\"message\":\"\",\"type\":\"x\"}}", EXO_E_STATUS, 400, "", "x", "", -1},
    {"empty code and type", 400, "{\"error\":{\"message\":\"m\",\"type\":\"\",\"code\":\"\"}}", EXO_E_STATUS, 400, "m",
     "", "", -1},
    {"message of spaces", 400, "{\"error\":{\"message\":\" \\n\",\"type\":\"x\"}}", EXO_E_STATUS, 400, "", "x", "", -1},
    {"unknown object", 400, "{\"error\":{\"why\":\"because\"}}", EXO_E_STATUS, 400, "{\"error\":{\"why\":\"because\"}}",
     "", "", -1},
    {"Together", 422, "{\"error\":\"Input validation failed\"}", EXO_E_STATUS, 422, "Input validation failed", "", "",
     -1},
    {"TGI", 429, "{\"error\":\"Model is overloaded\",\"error_type\":\"overloaded\"}", EXO_E_RATE_LIMIT, 429,
     "Model is overloaded", "overloaded", "", -1},
    {"xAI", 404, "{\"code\":\"Some requested entity was not found\",\"error\":\"The model does not exist\"}",
     EXO_E_STATUS, 404, "The model does not exist", "", "Some requested entity was not found", -1},
    {"error and message", 404,
     "{\"timestamp\":1,\"status\":404,\"error\":\"Not Found\",\"message\":\"No handler\",\"path\":\"/v1\"}",
     EXO_E_STATUS, 404, "Not Found; No handler", "", "", -1},
    {"the same twice", 400, "{\"error\":\"nope\",\"message\":\"nope\"}", EXO_E_STATUS, 400, "nope", "", "", -1},
    {"Anthropic", 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
     EXO_E_SERVER, 529, "Overloaded", "overloaded_error", "", -1},
    {"keys with escapes", 400, "{\"err\\u006fr\":{\"m\\u0065ssage\":\"yes\"}}", EXO_E_STATUS, 400, "yes", "", "", -1},

    /* a top-level array */
    {"Gemini", 429,
     "[{\"error\":{\"code\":429,\"message\":\"Resource "
     "exhausted\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[" MINUTE "," DELAY "]}}]",
     EXO_E_RATE_LIMIT, 429, "Resource exhausted", "RESOURCE_EXHAUSTED", "429", 45800},
    {"Gemini, per day", 429,
     "[{\"error\":{\"code\":429,\"message\":\"Resource "
     "exhausted\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[" MINUTE "," DAILY "," DELAY "]}}]",
     EXO_E_QUOTA, 429, "Resource exhausted", "RESOURCE_EXHAUSTED", "429", 45800},
    {"Gemini, bad key", 400,
     "[{\"error\":{\"code\":400,\"message\":\"API key not "
     "valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/"
     "google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\",\"metadata\":{\"service\":\"x\"}}]}}]",
     EXO_E_AUTH, 401, "API key not valid.", "INVALID_ARGUMENT", "400", -1},
    {"Gemini, malformed delay", 429, "[{\"error\":{\"code\":429,\"details\":[{\"retryDelay\":\"soon\"}]}}]",
     EXO_E_RATE_LIMIT, 429, "", "", "429", -1},

    /* {"object":"error"} */
    {"old vLLM", 400,
     "{\"object\":\"error\",\"message\":\"bad\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}",
     EXO_E_STATUS, 400, "bad", "BadRequestError", "400", -1},
    {"Mistral", 429,
     "{\"object\":\"error\",\"message\":\"Rate limit "
     "exceeded\",\"type\":\"rate_limited\",\"param\":null,\"code\":\"1300\",\"raw_status_code\":429}",
     EXO_E_RATE_LIMIT, 429, "Rate limit exceeded", "rate_limited", "1300", -1},
    {"Mistral, a number of z.ai's", 400, "{\"object\":\"error\",\"message\":\"m\",\"code\":\"1301\"}", EXO_E_STATUS,
     400, "m", "", "1301", -1},
    {"message is stringified JSON", 400,
     "{\"object\":\"error\",\"message\":\"{\\\"detail\\\":[{\\\"msg\\\":\\\"Field "
     "required\\\",\\\"type\\\":\\\"missing\\\"}]}\",\"type\":\"invalid_request_error\"}",
     EXO_E_STATUS, 400, "Field required", "missing", "", -1},
    {"message is an object", 422,
     "{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"x\"],\"msg\":"
     "\"Extra inputs are not permitted\",\"input\":true}]},\"type\":\"invalid_request_error\",\"code\":null}",
     EXO_E_STATUS, 422, "Extra inputs are not permitted", "extra_forbidden", "", -1},
    {"message is a list", 400,
     "{\"statusCode\":400,\"message\":[\"x must be a string\",\"y should not exist\"],\"error\":\"Bad Request\"}",
     EXO_E_STATUS, 400, "x must be a string; y should not exist; Bad Request", "", "", -1},

    /* {"detail":…} */
    {"FastAPI", 404, "{\"detail\":\"Not Found\"}", EXO_E_STATUS, 404, "Not Found", "", "", -1},
    {"FastAPI, list", 422,
     "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"messages\"],\"msg\":\"Field "
     "required\",\"input\":{}},{\"type\":\"int_type\",\"msg\":\"Input should be an integer\"}]}",
     EXO_E_STATUS, 422, "Field required; Input should be an integer", "missing", "", -1},
    {"FastAPI, object", 500, "{\"detail\":{\"error\":{\"message\":\"m\",\"code\":\"c\"}}}", EXO_E_SERVER, 500, "m", "",
     "c", -1},
    {"FastAPI, strings", 400, "{\"detail\":[\"a\",\"b\"]}", EXO_E_STATUS, 400, "a; b", "", "", -1},

    /* Fireworks, Workers AI, MiniMax */
    {"Fireworks", 401,
     "{\"fault\":{\"faultstring\":\"Invalid API Key\",\"detail\":{\"errorcode\":\"oauth.v2.InvalidApiKey\"}}}",
     EXO_E_AUTH, 401, "Invalid API Key", "", "oauth.v2.InvalidApiKey", -1},
    {"Workers AI", 400,
     "{\"success\":false,\"errors\":[{\"code\":5007,\"message\":\"No such model\"}],\"messages\":[],\"result\":{}}",
     EXO_E_STATUS, 400, "No such model", "", "5007", -1},
    {"Workers AI, several", 500,
     "{\"errors\":[{\"code\":1,\"message\":\"a\"},{\"code\":2,\"message\":\"b\"}],\"success\":false}", EXO_E_SERVER,
     500, "a; b", "", "1", -1},

    /* OpenRouter */
    {"OpenRouter, raw JSON", 502,
     "{\"error\":{\"message\":\"Provider returned "
     "error\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"temperature is too "
     "high\\\",\\\"type\\\":\\\"invalid\\\",\\\"code\\\":\\\"c1\\\"}}\",\"provider_name\":\"Nvidia\"}},\"user_id\":"
     "\"u\"}",
     EXO_E_STATUS, 400, "Provider returned error: temperature is too high", "invalid", "c1", -1},
    {"OpenRouter, raw text", 429,
     "{\"error\":{\"message\":\"Provider returned error\",\"code\":429,\"metadata\":{\"raw\":\"x is temporarily "
     "rate-limited upstream\",\"provider_name\":\"Venice\",\"retry_after_seconds\":17}}}",
     EXO_E_RATE_LIMIT, 429, "Provider returned error: x is temporarily rate-limited upstream", "", "429", 17000},
    {"OpenRouter, raw object", 400,
     "{\"error\":{\"message\":\"Provider returned "
     "error\",\"code\":400,\"metadata\":{\"raw\":{\"error\":{\"message\":\"inner\"}}}}}",
     EXO_E_STATUS, 400, "Provider returned error; inner", "", "400", -1},
    {"OpenRouter, raw list of text", 400,
     "{\"error\":{\"message\":\"P\",\"code\":400,\"metadata\":{\"raw\":\"[1113][Insufficient balance]\"}}}",
     EXO_E_QUOTA, 400, "P: [1113][Insufficient balance]", "", "400", -1},
    {"OpenRouter, raw unknown", 400,
     "{\"error\":{\"message\":\"P\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"prompt\\\":\\\"prompt is too "
     "long\\\"}\"}}}",
     EXO_E_STATUS, 400, "P: {\"prompt\":\"prompt is too long\"}", "", "400", -1},
    {"OpenRouter, credits", 402, "{\"error\":{\"message\":\"Insufficient credits\",\"code\":402}}", EXO_E_QUOTA, 402,
     "Insufficient credits", "", "402", -1},
    {"OpenRouter, per day", 429, "{\"error\":{\"message\":\"Rate limit exceeded: free-models-per-day\",\"code\":429}}",
     EXO_E_QUOTA, 429, "Rate limit exceeded: free-models-per-day", "", "429", -1},
    {"OpenRouter, flagged", 403,
     "{\"error\":{\"message\":\"Your input was "
     "flagged\",\"code\":403,\"metadata\":{\"reasons\":[\"x\"],\"flagged_input\":\"prompt is too long\"}}}",
     EXO_E_CONTENT_FILTER, 403, "Your input was flagged", "", "403", -1},
    {"two levels of JSON", 400,
     "{\"error\":{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"{\\\\\\\"error\\\\\\\":1}\\\"}}\"}}", EXO_E_STATUS,
     400, "{\"error\":1}", "", "", -1},
    {"JSON beside JSON", 400,
     "{\"error\":{\"message\":\"{\\\"message\\\":\\\"outer\\\"}\",\"metadata\":{\"raw\":\"{\\\"message\\\":\\\"b\\\"}"
     "\"}}}",
     EXO_E_STATUS, 400, "b", "", "", -1},
    {"JSON beside JSON, turned round", 400,
     "{\"error\":{\"metadata\":{\"raw\":\"{\\\"message\\\":\\\"b\\\"}\"},\"message\":\"{\\\"message\\\":\\\"outer\\\"}"
     "\"}}",
     EXO_E_STATUS, 400, "b", "", "", -1},

    /* the status that the body names */
    {"code in 400…599", 200 + 300, "{\"error\":{\"message\":\"m\",\"code\":\"429\"}}", EXO_E_RATE_LIMIT, 429, "m", "",
     "429", -1},
    {"type in 400…599", 500, "{\"error\":{\"message\":\"m\",\"type\":404}}", EXO_E_STATUS, 404, "m", "404", "", -1},
    {"the error's before the body's", 500, "{\"code\":503,\"error\":{\"message\":\"m\",\"status\":408}}", EXO_E_SERVER,
     408, "m", "", "503", -1},
    {"status_code", 500, "{\"error\":true,\"message\":\"m\",\"status_code\":422}", EXO_E_STATUS, 422, "m", "", "", -1},
    {"399 is none", 500, "{\"error\":{\"message\":\"m\",\"code\":399}}", EXO_E_SERVER, 500, "m", "", "399", -1},
    {"600 is none", 400, "{\"error\":{\"message\":\"m\",\"code\":600}}", EXO_E_STATUS, 400, "m", "", "600", -1},
    {"a sure word", 413,
     "{\"error\":{\"message\":\"Request too large\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
     EXO_E_RATE_LIMIT, 429, "Request too large", "tokens", "rate_limit_exceeded", -1},
    {"a word that is not sure", 401, "{\"error\":{\"message\":\"no key\",\"type\":\"invalid_request_error\"}}",
     EXO_E_AUTH, 401, "no key", "invalid_request_error", "", -1},
    {"a refused key beats a number", 400,
     "{\"error\":{\"message\":\"no\",\"code\":\"invalid_api_key\",\"status\":400}}", EXO_E_AUTH, 401, "no", "",
     "invalid_api_key", -1},
    {"llama.cpp", 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
     EXO_E_SERVER, 503, "Loading model", "unavailable_error", "503", -1},
    {"a redirect stays one", 302, "{\"error\":{\"message\":\"m\",\"code\":429}}", EXO_E_REDIRECT, 302, "m", "", "429",
     -1},

    /* quota: waiting does not cure it */
    {"OpenAI, quota", 429,
     "{\"error\":{\"message\":\"You exceeded your current "
     "quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
     EXO_E_QUOTA, 429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota", -1},
    {"z.ai, balance", 429, "{\"error\":{\"code\":\"1113\",\"message\":\"m\"}}", EXO_E_QUOTA, 429, "m", "", "1113", -1},
    {"z.ai, number", 429, "{\"error\":{\"code\":1113,\"message\":\"m\"}}", EXO_E_QUOTA, 429, "m", "", "1113", -1},
    {"z.ai, in Chinese", 429,
     "{\"error\":{\"message\":\"\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3\xE6\x88\x96\"}}", EXO_E_QUOTA, 429,
     "\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3\xE6\x88\x96", "", "", -1},
    {"z.ai behind a proxy", 429,
     "{\"error\":{\"type\":\"rate_limit_error\",\"code\":\"1113\",\"message\":\"[1113][Insufficient balance or no "
     "resource package.][2026]\"}}",
     EXO_E_QUOTA, 429, "[1113][Insufficient balance or no resource package.][2026]", "rate_limit_error", "1113", -1},
    {"DeepSeek", 402,
     "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\",\"code\":\"invalid_request_error\"}}",
     EXO_E_QUOTA, 402, "Insufficient Balance", "unknown_error", "invalid_request_error", -1},
    {"Anthropic, credit", 400,
     "{\"error\":{\"message\":\"Your credit balance is too low to access the "
     "API\",\"type\":\"invalid_request_error\"}}",
     EXO_E_QUOTA, 400, "Your credit balance is too low to access the API", "invalid_request_error", "", -1},
    {"Moonshot", 429, "{\"error\":{\"message\":\"m\",\"type\":\"exceeded_current_quota_error\"}}", EXO_E_QUOTA, 429,
     "m", "exceeded_current_quota_error", "", -1},

    /* content filters */
    {"OpenAI, policy", 400, "{\"error\":{\"message\":\"m\",\"code\":\"content_policy_violation\"}}",
     EXO_E_CONTENT_FILTER, 400, "m", "", "content_policy_violation", -1},
    {"Azure", 400,
     "{\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,"
     "\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\",\"content_filter_result\":{\"hate\":{\"filtered\":true}"
     "}}}}",
     EXO_E_CONTENT_FILTER, 400, "m", "", "content_filter", -1},
    {"Azure, inner only", 400,
     "{\"error\":{\"message\":\"m\",\"code\":\"400\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
     EXO_E_CONTENT_FILTER, 400, "m", "", "400", -1},
    {"Azure, text", 400, "{\"error\":{\"message\":\"triggering Azure OpenAI's content management policy.\"}}",
     EXO_E_CONTENT_FILTER, 400, "triggering Azure OpenAI's content management policy.", "", "", -1},
    {"LiteLLM", 500, "{\"error\":{\"message\":\"litellm.ContentPolicyViolationError: x\"}}", EXO_E_CONTENT_FILTER, 500,
     "litellm.ContentPolicyViolationError: x", "", "", -1},
    {"z.ai, filter", 400, "{\"contentFilter\":[{\"level\":1}],\"error\":{\"code\":\"1301\",\"message\":\"m\"}}",
     EXO_E_CONTENT_FILTER, 400, "m", "", "1301", -1},
    {"Qwen", 400, "{\"error\":{\"message\":\"m\",\"code\":\"data_inspection_failed\"}}", EXO_E_CONTENT_FILTER, 400, "m",
     "", "data_inspection_failed", -1},
    {"DeepSeek, filter", 400, "{\"error\":{\"message\":\"Content Exists Risk\"}}", EXO_E_CONTENT_FILTER, 400,
     "Content Exists Risk", "", "", -1},

    /* context window, by z.ai's number */
    {"z.ai, prompt", 400, "{\"error\":{\"code\":\"1261\",\"message\":\"m\"}}", EXO_E_CONTEXT_WINDOW, 400, "m", "",
     "1261", -1},
    {"OpenRouter, context in raw", 400,
     "{\"error\":{\"message\":\"Provider returned "
     "error\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"This model's maximum context "
     "length is 262144 tokens.\\\",\\\"code\\\":400}}\"}}}",
     EXO_E_CONTEXT_WINDOW, 400, "Provider returned error: This model's maximum context length is 262144 tokens.", "",
     "400", -1},

    /* what is not JSON */
    {"empty", 502, "", EXO_E_SERVER, 502, "", "", "", -1},
    {"blank", 502, " \r\n\t", EXO_E_SERVER, 502, "", "", "", -1},
    {"text", 503, " upstream connect error\r\n", EXO_E_SERVER, 503, "upstream connect error", "", "", -1},
    {"text of two lines", 503, "one\r\ntwo\\n \\u0041", EXO_E_SERVER, 503, "one  two\\n \\u0041", "", "", -1},
    {"text with a mark", 400, "prompt is too long: 9 > 8", EXO_E_CONTEXT_WINDOW, 400, "prompt is too long: 9 > 8", "",
     "", -1},
    {"a JSON string", 404, "\"Not Found\"", EXO_E_STATUS, 404, "Not Found", "", "", -1},
    {"a JSON word", 404, "null", EXO_E_STATUS, 404, "", "", "", -1},
    {"a JSON number", 404, "404", EXO_E_STATUS, 404, "", "", "", -1},
    {"an empty object", 404, "{}", EXO_E_STATUS, 404, "{}", "", "", -1},
    {"byte order mark", 404, "\xEF\xBB\xBF{\"error\":\"e\"}", EXO_E_STATUS, 404, "e", "", "", -1},
    {"HTML", 524,
     "<!DOCTYPE html>\n<html><head><TITLE lang=\"en\">\n api.example.com | 524: A timeout occurred "
     "</TITLE></head>prompt is too long",
     EXO_E_SERVER, 524, "api.example.com | 524: A timeout occurred", "", "", -1},
    {"HTML without title", 403, "<html><body>no</body></html>", EXO_E_BLOCKED, 403, "HTML page", "", "", -1},
    {"HTML, empty title", 502, "<title></title>", EXO_E_SERVER, 502, "HTML page", "", "", -1},
    {"HTML, cut in the tag", 502, "<html><title lang", EXO_E_SERVER, 502, "HTML page", "", "", -1},
    {"HTML, cut behind the tag", 502, "<html><title>", EXO_E_SERVER, 502, "HTML page", "", "", -1},
    {"HTML, cut in the title", 502, "<html><title>502 Bad", EXO_E_SERVER, 502, "502 Bad", "", "", -1},
    {"HTML, cut before the title's name", 502, "<titl", EXO_E_SERVER, 502, "HTML page", "", "", -1},

    /* JSON that ends or breaks */
    {"cut behind the code", 500, "{\"error\":{\"code\":429,\"message\"", EXO_E_RATE_LIMIT, 429, "", "", "429", -1},
    {"cut in the message", 500, "{\"error\":{\"code\":429,\"message\": \"wait, pl", EXO_E_RATE_LIMIT, 429, "wait, pl",
     "", "429", -1},
    {"cut in an escape", 500, "{\"error\":{\"message\":\"a\\", EXO_E_SERVER, 500, "a", "", "", -1},
    {"cut in a long escape", 500, "{\"error\":{\"message\":\"a\\u004", EXO_E_SERVER, 500, "a", "", "", -1},
    {"cut behind an escaped escape", 500, "{\"error\":{\"message\":\"a\\\\", EXO_E_SERVER, 500, "a\\", "", "", -1},
    {"cut behind a long escape", 500, "{\"error\":{\"message\":\"a\\u0041", EXO_E_SERVER, 500, "aA", "", "", -1},
    {"cut in a character", 500, "{\"error\":{\"message\":\"a\xE2\x82", EXO_E_SERVER, 500, "a\xEF\xBF\xBD", "", "", -1},
    {"cut in a list", 500, "{\"detail\":[\"a\" , \"b", EXO_E_SERVER, 500, "a; b", "", "", -1},
    {"cut in a key", 500, "{\"error\":{\"message\":\"a\",\"prompt is too long", EXO_E_SERVER, 500, "a", "", "", -1},
    {"cut in what is not looked at", 500, "{\"error\":{\"message\":\"a\",\"param\":\"prompt is too long", EXO_E_SERVER,
     500, "a", "", "", -1},
    {"cut before the message", 500, "{\"error\":{\"message\":", EXO_E_SERVER, 500, "{\"error\":{\"message\":", "", "",
     -1},
    {"cut in nested JSON", 400, "{\"error\":{\"message\":\"{\\\"message\\\":\\\"inne", EXO_E_STATUS, 400, "inne", "",
     "", -1},
    {"a raw line end in a string", 400, "{\"error\":{\"message\":\"one\ntwo\"}}", EXO_E_STATUS, 400, "one", "", "", -1},
    {"text behind the object", 400, "{\"error\":\"e\"} trailer", EXO_E_STATUS, 400, "e", "", "", -1},
    {"not JSON behind the first key", 400, "{\"error\": nope}", EXO_E_STATUS, 400, "{\"error\": nope}", "", "", -1},
};

static void every_body_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, bodies[i].http_status, bodies[i].body, strlen(bodies[i].body));
        check(&bodies[i], &failure);
        assert_false(failure.in_stream);
        assert_false(failure.cut);
    }
}

/* However little of a body arrives, reading it ends, within its bounds, and with whole characters. */
static void every_body_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t len = 0; len < strlen(bodies[i].body); len++) {
            exo_failure failure;
            exo_span json = exact(bodies[i].body, len);
            exo_failure_clear(&failure);
            exo_failure_from_response(&failure, bodies[i].http_status, json);
            assert_all_clean(&failure);
            assert_int_not_equal(failure.code, EXO_OK);
            exo_failure_from_json(&failure, 200, json);
            assert_all_clean(&failure);
            drop(json);
        }
    }
}

/* In a stream, under HTTP 200. */
static const row events[] = {
    {"OpenAI", 200, "{\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"code\":null}}",
     EXO_E_SERVER, 500, "The server had an error", "server_error", "", -1},
    {"vLLM, SGLang", 200,
     "{\"error\":{\"object\":\"error\",\"message\":\"too many\",\"type\":\"BadRequestError\",\"code\":400}}",
     EXO_E_STATUS, 400, "too many", "BadRequestError", "400", -1},
    {"OpenRouter", 200,
     "{\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,"
     "\"message\":\"Provider disconnected\"},\"usage\":{}}",
     EXO_E_SERVER, 502, "Provider disconnected", "", "502", -1},
    {"Groq", 200,
     "{\"error\":{\"message\":\"Failed to call a "
     "function\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"failed_generation\":\"prompt is too "
     "long\",\"status_code\":400}}",
     EXO_E_STATUS, 400, "Failed to call a function", "invalid_request_error", "tool_use_failed", -1},
    {"Groq, x_groq", 200, "{\"choices\":[],\"x_groq\":{\"id\":\"req_1\",\"error\":\"over capacity\"}}", EXO_E_IN_STREAM,
     200, "over capacity", "", "", -1},
    {"Ollama", 200, "{\"error\":\"model runner has unexpectedly stopped\"}", EXO_E_IN_STREAM, 200,
     "model runner has unexpectedly stopped", "", "", -1},
    {"old llama.cpp", 200, "{\"code\":500,\"message\":\"Context size has been exceeded.\",\"type\":\"server_error\"}",
     EXO_E_CONTEXT_WINDOW, 500, "Context size has been exceeded.", "server_error", "500", -1},
    {"the value alone", 200, "\"something broke\"", EXO_E_IN_STREAM, 200, "something broke", "", "", -1},
    {"text alone", 200, "upstream timeout", EXO_E_IN_STREAM, 200, "upstream timeout", "", "", -1},
    {"true alone", 200, "{\"choices\":[],\"error\":true}", EXO_E_IN_STREAM, 200, "", "", "", -1},
    {"a code alone", 200, "{\"error\":{\"code\":\"whatever\"}}", EXO_E_IN_STREAM, 200, "", "", "whatever", -1},
    {"Gemini", 200, "[{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}]",
     EXO_E_SERVER, 503, "The model is overloaded.", "UNAVAILABLE", "503", -1},
    {"invalid_api_key", 200, "{\"error\":{\"code\":\"invalid_api_key\"}}", EXO_E_AUTH, 401, "", "", "invalid_api_key",
     -1},
    {"authentication_error", 200, "{\"error\":{\"type\":\"authentication_error\"}}", EXO_E_AUTH, 401, "",
     "authentication_error", "", -1},
    {"rate_limit_exceeded", 200, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", EXO_E_RATE_LIMIT, 429, "", "",
     "rate_limit_exceeded", -1},
    {"rate_limit_error", 200, "{\"error\":{\"type\":\"RATE_LIMIT_ERROR\"}}", EXO_E_RATE_LIMIT, 429, "",
     "RATE_LIMIT_ERROR", "", -1},
    {"insufficient_quota", 200, "{\"error\":{\"code\":\"insufficient_quota\"}}", EXO_E_QUOTA, 429, "", "",
     "insufficient_quota", -1},
    {"content_filter", 200, "{\"error\":{\"code\":\"content_filter\"}}", EXO_E_CONTENT_FILTER, 400, "", "",
     "content_filter", -1},
    {"context_length_exceeded", 200, "{\"error\":{\"code\":\"context_length_exceeded\"}}", EXO_E_CONTEXT_WINDOW, 400,
     "", "", "context_length_exceeded", -1},
    {"server_error", 200, "{\"error\":{\"type\":\"server_error\"}}", EXO_E_SERVER, 500, "", "server_error", "", -1},
    {"internal_error", 200, "{\"error\":{\"code\":\"internal_error\"}}", EXO_E_SERVER, 500, "", "", "internal_error",
     -1},
    {"overloaded_error", 200, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", EXO_E_SERVER, 529, "",
     "overloaded_error", "", -1},
    {"invalid_request_error", 200, "{\"error\":{\"type\":\"invalid_request_error\"}}", EXO_E_STATUS, 400, "",
     "invalid_request_error", "", -1},
    {"permission_error", 200, "{\"error\":{\"type\":\"permission_error\"}}", EXO_E_AUTH, 403, "", "permission_error",
     "", -1},
    {"not_found_error", 200, "{\"error\":{\"type\":\"not_found_error\"}}", EXO_E_STATUS, 404, "", "not_found_error", "",
     -1},
    {"timeout_error", 200, "{\"error\":{\"type\":\"timeout_error\"}}", EXO_E_SERVER, 408, "", "timeout_error", "", -1},
    {"service_unavailable", 200, "{\"error\":{\"code\":\"service_unavailable\"}}", EXO_E_SERVER, 503, "", "",
     "service_unavailable", -1},
    {"a sure word before a likely one", 200,
     "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"rate_limit_exceeded\"}}", EXO_E_RATE_LIMIT, 429, "",
     "invalid_request_error", "rate_limit_exceeded", -1},
    {"402", 200, "{\"error\":{\"code\":402,\"message\":\"m\"}}", EXO_E_QUOTA, 402, "m", "", "402", -1},

    /* MiniMax */
    {"1000", 200, "{\"base_resp\":{\"status_code\":1000,\"status_msg\":\"unknown error\"}}", EXO_E_SERVER, 500,
     "unknown error", "", "", -1},
    {"1001", 200, "{\"base_resp\":{\"status_code\":1001,\"status_msg\":\"timeout\"}}", EXO_E_SERVER, 408, "timeout", "",
     "", -1},
    {"1002", 200, "{\"choices\":null,\"base_resp\":{\"status_msg\":\"rate limit\",\"status_code\":1002}}",
     EXO_E_RATE_LIMIT, 429, "rate limit", "", "", -1},
    {"1004", 200, "{\"base_resp\":{\"status_code\":1004,\"status_msg\":\"not authorized\"}}", EXO_E_AUTH, 401,
     "not authorized", "", "", -1},
    {"1008", 200, "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}", EXO_E_QUOTA, 402,
     "insufficient balance", "", "", -1},
    {"1026", 200, "{\"base_resp\":{\"status_code\":1026,\"status_msg\":\"input sensitive\"}}", EXO_E_CONTENT_FILTER,
     400, "input sensitive", "", "", -1},
    {"1039", 200, "{\"base_resp\":{\"status_code\":1039,\"status_msg\":\"token limit\"}}", EXO_E_RATE_LIMIT, 429,
     "token limit", "", "", -1},
    {"2013", 200,
     "{\"base_resp\":{\"status_code\":2013,\"status_msg\":\"invalid params, context window exceeds limit (2013)\"}}",
     EXO_E_CONTEXT_WINDOW, 400, "invalid params, context window exceeds limit (2013)", "", "", -1},
    {"unknown number", 200, "{\"base_resp\":{\"status_code\":9999}}", EXO_E_IN_STREAM, 200, "", "", "", -1},
};

static void every_event_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        if (stream(&failure, events[i].http_status, events[i].body) != EXO_OK) {
            fail_msg("%s: no error found", events[i].who);
        }
        check(&events[i], &failure);
        assert_true(failure.in_stream);
    }
}

static void what_reports_no_error_changes_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "null",
        "true",
        "12",
        "{}",
        "[]",
        "\"\"",
        "{\"error\":null}",
        "{\"error\":false}",
        "{\"error\":\"\"}",
        "{\"error\":{}}",
        "{\"error\":[]}",
        "{\"errors\":[],\"success\":true}",
        "{\"choices\":[{\"delta\":{\"content\":\"error\"}}],\"error\":null}",
        "{\"choices\":[],\"code\":500,\"message\":\"a message\",\"type\":\"server_error\"}",
        "{\"message\":\"a message\",\"choices\":[]}",
        "{\"choices\":[],\"detail\":\"d\",\"status\":500}",
        "{\"choices\":[],\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}}",
        "{\"choices\":[],\"x_groq\":{\"id\":\"req_1\",\"usage\":{}}}",
        "{\"message\":{\"role\":\"assistant\",\"content\":\"error\"},\"done\":false}",
        "{\"type\":\"ping\"}",
        "{\"code\":0,\"status\":\"ok\"}",
    };
    exo_failure failure;
    exo_failure before;
    (void)state;
    exo_failure_clear(&failure);
    exo_failure_set(&failure, EXO_E_CLOSED, exo_span_text("as it was"));
    header(&failure, "x-request-id", "id", 0);
    memcpy(&before, &failure, sizeof before);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (stream(&failure, 200, texts[i]) != EXO_NOT_FOUND) {
            fail_msg("an error in %s", texts[i]);
        }
        assert_memory_equal(&before, &failure, sizeof before);
    }
}

static void an_error_status_makes_json_no_stream(void **state)
{
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    assert_int_equal(stream(&failure, 503, "{\"error\":\"busy\"}"), EXO_OK);
    assert_false(failure.in_stream);
    assert_int_equal(failure.code, EXO_E_SERVER);
    assert_int_equal(failure.status, 503);
}

/* Every mark, once as a provider writes it. */
static const char *const context_messages[] = {
    "context_length_exceeded",
    "This model's maximum context length is 8192 tokens.",
    "Your input exceeds the context window of this model.",
    "prompt is too long: 215000 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Please reduce the length of the messages or completion.",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "the model's context length is only 4096 tokens",
    "Input (9 tokens) is longer than the model's context length (8 tokens).",
    "exceed_context_size_error",
    "Context size has been exceeded.",
    "the number of tokens to keep is greater than the context length",
    "Your request exceeded model token limit: 8192",
    "invalid params, context window exceeds limit (2013)",
    "tokens in request more than max tokens allowed",
    "model_context_window_exceeded",
    "Range of input length should be [1, 6000]",
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1512",
    "litellm.ContextWindowExceededError: litellm.BadRequestError",
};

/* Asks of a body with `text` in place of %s. */
static int code_of(uint16_t http_status, const char *format, const char *text)
{
    char body[1024];
    exo_failure failure;
    int len = snprintf(body, sizeof body, format, text);
    assert_in_range(len, 1, sizeof body - 1);
    exo_failure_clear(&failure);
    if (http_status == 200) {
        assert_int_equal(stream(&failure, 200, body), EXO_OK);
    } else {
        respond(&failure, http_status, body, (size_t)len);
    }
    assert_int_equal(failure.verdict, exo_error_verdict(failure.code));
    return failure.code;
}

static void a_context_mark_comes_first_whatever_the_status(void **state)
{
    static const uint16_t statuses[] = {400, 413, 422, 429, 500, 503, 200};
    static const char *const formats[] = {
        "{\"error\":{\"message\":\"%s\",\"type\":\"rate_limit_error\",\"code\":\"insufficient_quota\"}}",
        "{\"error\":{\"message\":\"m\",\"type\":\"%s\"}}",
        "{\"error\":{\"message\":\"m\",\"code\":\"%s\"}}",
        "{\"detail\":[{\"msg\":\"%s\"}]}",
        "{\"error\":\"%s\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof context_messages / sizeof *context_messages; i++) {
        for (size_t j = 0; j < sizeof formats / sizeof *formats; j++) {
            bool fits = strlen(context_messages[i]) < 64;
            for (size_t k = 0; k < sizeof statuses / sizeof *statuses && (fits || j == 0 || j > 2); k++) {
                if (code_of(statuses[k], formats[j], context_messages[i]) != EXO_E_CONTEXT_WINDOW) {
                    fail_msg("%s in %s under %u", context_messages[i], formats[j], statuses[k]);
                }
            }
        }
    }
}

static void letter_case_does_not_hide_a_mark(void **state)
{
    (void)state;
    assert_int_equal(code_of(400, "{\"error\":\"%s\"}", "PROMPT IS TOO LONG"), EXO_E_CONTEXT_WINDOW);
    assert_int_equal(code_of(400, "{\"error\":{\"code\":\"%s\"}}", "Context_Length_Exceeded"), EXO_E_CONTEXT_WINDOW);
}

/* Whatever echoes the prompt, and whatever only comes near a mark, is none. */
static void an_echo_is_no_mark(void **state)
{
    static const char *const formats[] = {
        "{\"error\":{\"message\":\"Invalid value\",\"param\":\"%s\"}}",
        "{\"error\":{\"message\":\"Invalid value\",\"failed_generation\":\"%s\"}}",
        "{\"error\":{\"message\":\"Invalid value\",\"metadata\":{\"provider_name\":\"%s\"}}}",
        "{\"error\":{\"message\":\"Invalid value\"},\"input\":\"%s\"}",
        "{\"error\":{\"message\":\"Invalid value\"},\"messages\":[{\"message\":\"%s\",\"error\":\"%s\"}]}",
        "{\"detail\":[{\"msg\":\"Invalid value\",\"loc\":[\"%s\"],\"input\":\"%s\",\"ctx\":{\"error\":\"%s\"}}]}",
        "{\"detail\":[{\"msg\":\"Invalid value\",\"input\":{\"message\":\"%s\",\"code\":\"%s\"}}]}",
        "{\"error\":{\"code\":400,\"prompt\":\"%s\"}}",
        "{\"prompt\":\"%s\"}",
    };
    static const char *const near_misses[] = {
        "Invalid value: 'please explain context window'. Supported values are: 'text'.",
        "context window",
        "maximum length",
        "exceeds the maximum number of tokens allowed",
        "input token count",
        "exceeds the maximum number of tokens allowed input token count",
        "prompt is too lon",
        "rompt is too long",
        "reduce the length of the message",
        "inputs tokens - max_new_tokens must be",
    };
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char body[256] = "";
        size_t len = 0;
        for (const char *at = formats[i]; *at; at++) {
            if (at[0] == '%') {
                len += (size_t)snprintf(body + len, sizeof body - len, "%s", "prompt is too long");
                at++;
            } else {
                body[len++] = *at;
            }
        }
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, 400, body, len);
        if (failure.code != EXO_E_STATUS) {
            fail_msg("%s is %s", body, exo_error_name(failure.code));
        }
    }
    for (size_t i = 0; i < sizeof near_misses / sizeof *near_misses; i++) {
        assert_int_equal(code_of(400, "{\"error\":{\"message\":\"%s\"}}", near_misses[i]), EXO_E_STATUS);
    }
}

static void every_status_has_its_code(void **state)
{
    (void)state;
    for (uint16_t status = 300; status < 610; status++) {
        int expected = status < 400                                                       ? EXO_E_REDIRECT
                       : status == 401 || status == 403                                   ? EXO_E_AUTH
                       : status == 402                                                    ? EXO_E_QUOTA
                       : status == 429                                                    ? EXO_E_RATE_LIMIT
                       : status == 408 || status == 409 || status == 425 || status == 498 ? EXO_E_SERVER
                       : status >= 500                                                    ? EXO_E_SERVER
                                                                                          : EXO_E_STATUS;
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, status, "", 0);
        assert_int_equal(failure.code, expected);
        assert_int_equal(failure.verdict, exo_error_verdict(expected));
        assert_int_equal(failure.status, status);
        assert_int_equal(failure.http_status, status);
    }
}

/* The verdict under each advice, for each code that a response can lead to. */
static void x_should_retry_overrides_what_it_may(void **state)
{
    static const struct {
        uint16_t status;
        const char *body;
        exo_verdict unasked;
        exo_verdict yes;
        exo_verdict no;
    } rows[] = {
        {400, "", EXO_STOP, EXO_RETRY, EXO_STOP},
        {404, "", EXO_STOP, EXO_RETRY, EXO_STOP},
        {401, "", EXO_STOP, EXO_STOP, EXO_STOP},
        {302, "", EXO_STOP, EXO_STOP, EXO_STOP},
        {402, "", EXO_FALL_BACK, EXO_FALL_BACK, EXO_FALL_BACK},
        {429, "", EXO_RETRY, EXO_RETRY, EXO_FALL_BACK},
        {500, "", EXO_RETRY, EXO_RETRY, EXO_FALL_BACK},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", EXO_FALL_BACK, EXO_FALL_BACK, EXO_FALL_BACK},
        {400, "{\"error\":{\"code\":\"content_filter\"}}", EXO_STOP, EXO_STOP, EXO_STOP},
        {500, "prompt is too long", EXO_FALL_BACK_CONTEXT, EXO_FALL_BACK_CONTEXT, EXO_FALL_BACK_CONTEXT},
    };
    static const char *const values[] = {"maybe", " TRUE ", "false"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const exo_verdict expected[] = {rows[i].unasked, rows[i].yes, rows[i].no};
        for (size_t j = 0; j < 3; j++) {
            exo_failure failure;
            exo_failure_clear(&failure);
            header(&failure, "X-Should-Retry", values[j], 0);
            respond(&failure, rows[i].status, rows[i].body, strlen(rows[i].body));
            assert_int_equal(failure.verdict, expected[j]);

            exo_failure_clear(&failure);
            respond(&failure, rows[i].status, rows[i].body, strlen(rows[i].body));
            assert_int_equal(failure.verdict, rows[i].unasked);
            header(&failure, "x-should-retry", values[j], 0);
            assert_int_equal(failure.verdict, expected[j]);
        }
    }
}

static void x_should_retry_says_nothing_of_the_transport(void **state)
{
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    header(&failure, "x-should-retry", "false", 0);
    assert_int_equal(failure.code, EXO_OK);
    exo_failure_set(&failure, EXO_E_RECEIVE, exo_span_text(""));
    assert_int_equal(failure.verdict, EXO_RETRY);
}

#define GEMINI "[{\"error\":{\"code\":429,\"details\":[{\"retryDelay\":\"45.8s\"}]}}]"

static void the_best_delay_wins_in_any_order(void **state)
{
    static const struct {
        const char *name;
        const char *value;
    } sources[] = {{"body", ""}, {"Retry-After", "7"}, {"retry-after-ms", "1234.5"}};
    static const int64_t delays[] = {45800, 7000, 1234};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        exo_failure failure;
        int best = -1;
        exo_failure_clear(&failure);
        for (size_t j = 0; j < 3; j++) {
            int source = orders[i][j];
            if (source == 0) {
                respond(&failure, 429, GEMINI, strlen(GEMINI));
            } else {
                header(&failure, sources[source].name, sources[source].value, 0);
            }
            best = source > best ? source : best;
            assert_int_equal(failure.retry_after, delays[best]);
        }
        assert_int_equal(failure.code, EXO_E_RATE_LIMIT);
    }
}

static void a_delay_belongs_to_its_body(void **state)
{
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    respond(&failure, 429, GEMINI, strlen(GEMINI));
    assert_int_equal(failure.retry_after, 45800);
    respond(&failure, 500, "", 0);
    assert_int_equal(failure.retry_after, -1);
    header(&failure, "retry-after", "3", 0);
    respond(&failure, 500, "", 0);
    assert_int_equal(failure.retry_after, 3000);
    header(&failure, "retry-after", "-3", 0);
    header(&failure, "retry-after-ms", "soon", 0);
    assert_int_equal(failure.retry_after, 3000);
}

static void the_best_request_id_wins_in_any_order(void **state)
{
    static const char *const names[] = {"CF-RAY",     "body",        "apim-request-id", "x-groq-request-id",
                                        "Request-Id", "X-Request-ID"};
    enum {
        COUNT = sizeof names / sizeof *names
    };
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            exo_failure failure;
            exo_failure_clear(&failure);
            for (size_t k = 0; k < 2; k++) {
                size_t which = k == 0 ? i : j;
                if (which == 1) {
                    static const char body[] = "{\"request_id\":\"body\",\"error\":{\"message\":\"m\"}}";
                    respond(&failure, 500, body, sizeof body - 1);
                } else {
                    header(&failure, names[which], names[which], 0);
                }
            }
            assert_string_equal(failure.request_id, names[i > j ? i : j]);
        }
    }
}

static void headers_are_sanitised_and_the_empty_passed_over(void **state)
{
    exo_failure failure;
    char longest[200];
    (void)state;
    exo_failure_clear(&failure);
    header(&failure, "x-request-id", "", 0);
    header(&failure, "x-request-id", "  ", 0);
    header(&failure, "", "x", 0);
    header(&failure, "x-request", "x", 0);
    header(&failure, "x-request-id2", "x", 0);
    assert_string_equal(failure.request_id, "");
    header(&failure, "x-request-id", " a\x01\x62\xFF ", 0);
    assert_string_equal(failure.request_id, "a b\xEF\xBF\xBD");
    header(&failure, "x-request-id", "second", 0);
    assert_string_equal(failure.request_id, "a b\xEF\xBF\xBD");

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    exo_failure_clear(&failure);
    header(&failure, "request-id", longest, 0);
    assert_int_equal(strlen(failure.request_id), sizeof failure.request_id - 1);
    assert_false(failure.cut);
}

static void request_ids_of_bodies(void **state)
{
    static const char *const texts[] = {
        "{\"error\":{\"message\":\"m\",\"request_id\":\"id-1\"}}",
        "{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"m\"},\"request_id\":\"id-1\"}",
        "{\"choices\":[],\"x_groq\":{\"error\":\"e\",\"id\":\"id-1\"}}",
        "{\"error\":{\"message\":\"{\\\"error\\\":\\\"e\\\",\\\"request_id\\\":\\\"id-1\\\"}\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        assert_int_equal(stream(&failure, 200, texts[i]), EXO_OK);
        assert_string_equal(failure.request_id, "id-1");
    }
}

/* 1994-11-06 08:49:37 UTC. */
#define THEN INT64_C(784111777)

/* The delay by a Retry-After. */
static int64_t delay_of(exo_span value, int64_t wall_now)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    exo_failure_header(&failure, exo_span_text("Retry-After"), value, wall_now);
    return failure.retry_after;
}

static void retry_after_values(void **state)
{
    static const struct {
        const char *value;
        int64_t wall_now;
        int64_t delay;
    } rows[] = {
        {"0", 0, 0},
        {"120", 0, 120000},
        {" 2 ", 0, 2000},
        {"\t2", 0, 2000},
        {"1.5", 0, 1500},
        {"0.0001", 0, 0},
        {"0.001", 0, 1},
        {"0.0010", 0, 1},
        {"0.9999", 0, 999},
        {"5.", 0, 5000},
        {".25", 0, 250},
        {"007", 0, 7000},
        {"2147483647", 0, INT64_C(2147483647000)},
        {"2147483648", 0, INT64_C(2147483648000)},
        {"2147483649", 0, INT64_C(2147483648000)},
        {"99999999999999999999999", 0, INT64_C(2147483648000)},
        {"", THEN, -1},
        {"  ", THEN, -1},
        {".", THEN, -1},
        {"-1", THEN, -1},
        {"+1", THEN, -1},
        {"1e3", THEN, -1},
        {"1.2.3", THEN, -1},
        {"1,5", THEN, -1},
        {"5s", THEN, -1},
        {"0x10", THEN, -1},
        {"NaN", THEN, -1},

        /* the three forms */
        {"Sun, 06 Nov 1994 08:49:37 GMT", THEN, 0},
        {"Sun, 06 Nov 1994 08:49:38 GMT", THEN, 1000},
        {"Sunday, 06-Nov-94 08:50:37 GMT", THEN, 60000},
        {"Sun Nov  6 09:49:37 1994", THEN, 3600000},
        {"Wed Nov 16 08:49:37 1994", THEN, 864000000},
        {" Sun, 06 Nov 1994 08:49:38 GMT ", THEN, 1000},
        {"Sun, 06 NOV 1994 08:49:38 GMT", THEN, 1000},
        {"Sat, 31 Dec 1994 23:59:60 GMT", THEN, INT64_C(4806623000)},
        {"Thu, 29 Feb 1996 00:00:00 GMT", 825552000 - 1, 1000},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400 - 1, 1000},
        {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800 - 1, 1000},
        {"Mon, 01 Mar 2100 00:00:00 GMT", INT64_C(4107542400) - 1, 1000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", THEN, INT64_C(2147483648000)},

        /* the past, and a time that is not known */
        {"Sun, 06 Nov 1994 08:49:36 GMT", THEN, -1},
        {"Thu, 01 Jan 1970 00:00:00 GMT", THEN, -1},
        {"Wed, 31 Dec 1969 23:59:59 GMT", THEN, -1},
        {"Sat, 01 Jan 0000 00:00:00 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", 0, -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", -5, -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT", INT64_MAX, -1},

        /* two digits: at most 50 years ahead */
        {"Sunday, 06-Nov-95 08:49:37 GMT", THEN, INT64_C(31536000000)},
        {"Monday, 06-Nov-00 08:49:37 GMT", THEN, INT64_C(189388800000)},
        {"Sunday, 06-Nov-44 08:49:37 GMT", THEN, INT64_C(1577923200000)},
        {"Sunday, 06-Nov-45 08:49:37 GMT", THEN, -1},
        {"Friday, 01-Jan-99 00:00:00 GMT", INT64_C(1767225600), -1},
        {"Wednesday, 01-Jan-75 00:00:00 GMT", INT64_C(1767225600), INT64_C(1546300800000)},

        /* no dates */
        {"Sun, 06 Nov 1994 08:49:38", THEN, -1},
        {"Sun, 06 Nov 1994 08:49:38 UTC", THEN, -1},
        {"Sun, 6 Nov 1994 08:49:38 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 08:49:38 GMT+1", THEN, -1},
        {"Sun, 06 Nov 94 08:49:38 GMT", THEN, -1},
        {"Sun, 06 Nox 1994 08:49:38 GMT", THEN, -1},
        {"Sun, 06 11  1994 08:49:38 GMT", THEN, -1},
        {"Sun, 00 Nov 1994 08:49:38 GMT", THEN, -1},
        {"Sun, 31 Nov 1994 08:49:38 GMT", THEN, -1},
        {"Wed, 29 Feb 1995 08:49:38 GMT", THEN, -1},
        {"Mon, 29 Feb 2100 08:49:38 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 23:60:00 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 23:59:61 GMT", THEN, -1},
        {"Sun, 06 Nov 1994 0a:49:38 GMT", THEN, -1},
        {"Sun, 06 Nov 1994  9:49:38 GMT", THEN, -1},
        {"Sun, 0  Nov 1994 08:49:38 GMT", THEN, -1},
        {"Sunday, 06 Nov 94 08:49:38 GMT", THEN, -1},
        {"Sun Nov 06 08:49:38 94", THEN, -1},
        {"Sun Nov  6 08.49.38 1994", THEN, -1},
        {",", THEN, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        exo_span value = exact(rows[i].value, strlen(rows[i].value));
        int64_t delay = delay_of(value, rows[i].wall_now);
        drop(value);
        if (delay != rows[i].delay) {
            fail_msg("\"%s\" at %lld is %lld, not %lld", rows[i].value, (long long)rows[i].wall_now, (long long)delay,
                     (long long)rows[i].delay);
        }
    }
}

/* Days to the end of 2105, in all three forms, against the C library. */
static void dates_agree_with_the_calendar(void **state)
{
    static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    (void)state;
    for (int64_t when = 100; when < INT64_C(4291747200); when += 3 * 86400 + 12345) {
        time_t time = (time_t)when;
        struct tm tm;
        char text[3][64];
        assert_non_null(gmtime_r(&time, &tm));
        assert_int_equal(timegm(&tm), time);
        const char *month = months + 3 * tm.tm_mon;
        snprintf(text[0], sizeof *text, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, month,
                 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        snprintf(text[1], sizeof *text, "%s, %02d-%.3s-%02d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, month,
                 tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec);
        snprintf(text[2], sizeof *text, "%.3s %.3s %2d %02d:%02d:%02d %d", days[tm.tm_wday], month, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(delay_of(exo_span_text(text[i]), when - 90), 90000);
            assert_int_equal(delay_of(exo_span_text(text[i]), when + 1), -1);
        }
    }
}

/* A message at, below and above the size of its field, of characters of every length. */
static void a_long_message_is_cut_at_a_character(void **state)
{
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t pad = 0; pad < 4; pad++) {
            char text[1024] = "";
            char body[3 * sizeof text];
            memset(text, 'x', 620 + pad);
            while (strlen(text) < 660) {
                exo_failure failure;
                size_t len = strlen(text);
                exo_failure_clear(&failure);
                respond(&failure, 500, text, len);
                assert_clean(failure.message, sizeof failure.message);
                assert_int_equal(failure.cut, len > 511);
                assert_memory_equal(failure.message, text, strlen(failure.message));
                assert_true(strlen(failure.message) == len || strlen(failure.message) > 511 - i - 1);

                snprintf(body, sizeof body, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\"}}", text, text);
                respond(&failure, 500, body, strlen(body));
                assert_int_equal(failure.cut, len > 511);
                assert_all_clean(&failure);
                strcat(text, characters[i]);
            }
        }
    }
}

static void what_does_not_fit_is_left_out(void **state)
{
    char body[2048];
    exo_failure failure;
    (void)state;
    for (int len = 502; len <= 512; len++) {
        snprintf(body, sizeof body, "{\"detail\":[\"%0*d\",\"second\",\"third\"]}", len, 7);
        exo_failure_clear(&failure);
        respond(&failure, 500, body, strlen(body));
        assert_true(failure.cut);
        assert_memory_equal(failure.message, body + 12, len < 511 ? (size_t)len : 511);
        assert_all_clean(&failure);
    }
    /* the same again does not count as cut off */
    snprintf(body, sizeof body, "{\"detail\":[\"%0*d\",\"0007\"]}", 502, 7);
    exo_failure_clear(&failure);
    respond(&failure, 500, body, strlen(body));
    assert_false(failure.cut);
    assert_int_equal(strlen(failure.message), 502);
}

/* Any bytes in a body that is text come out as the standard's decoder has them, control characters apart. */
static void text_is_mended(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 3; len++) {
        size_t count = 1;
        for (size_t i = 0; i < len; i++) {
            count *= UTF8_KINDS;
        }
        for (size_t index = 0; index < count; index++) {
            char text[8] = "[x";
            char expected[32];
            exo_failure failure;
            utf8_sequence_of_kinds(index, len, text);
            expected[utf8_oracle(text, len, expected)] = '\0';
            for (char *at = expected; (at = strstr(at, "\xC2")) != NULL;) {
                if ((uint8_t)at[1] < 0xA0) { /* C1 */
                    at[0] = ' ';
                    memmove(at + 1, at + 2, strlen(at + 1));
                }
                at++;
            }
            exo_failure_clear(&failure);
            exo_span message = exact(text, len);
            exo_failure_set(&failure, EXO_E_TLS, message);
            drop(message);
            assert_string_equal(failure.message, expected);
        }
    }
}

static void escapes_are_decoded_and_controls_blanked(void **state)
{
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    static const char body[] = "{\"error\":{\"message\":\"a\\u0000b\\n\\\"c\\\"\\ud83d\\ude00\\ud800\\u0085d\x7F\","
                               "\"type\":\"t\\u0007\\u20ac\",\"code\":\"c\\td\"}}";
    respond(&failure, 500, body, sizeof body - 1);
    assert_string_equal(failure.message, "a b \"c\"\xF0\x9F\x98\x80\xEF\xBF\xBD d");
    assert_string_equal(failure.type, "t \xE2\x82\xAC");
    assert_string_equal(failure.provider_code, "c d");
}

/* A body as deep as a server likes, and one that is all messages. */
static void strange_bodies_cost_little(void **state)
{
    enum {
        SIZE = 65536
    };
    char *body = malloc(SIZE);
    exo_failure failure;
    (void)state;
    assert_non_null(body);
    memset(body, '[', SIZE);
    exo_failure_clear(&failure);
    respond(&failure, 500, body, SIZE);
    assert_int_equal(failure.code, EXO_E_SERVER);

    for (size_t i = 0; i + 9 <= SIZE; i += 9) {
        memcpy(body + i, "{\"error\":", 9);
    }
    respond(&failure, 500, body, SIZE);
    assert_int_equal(failure.code, EXO_E_SERVER);

    memcpy(body, "{\"errors\":[\"a\"", 14);
    for (size_t i = 14; i + 6 <= SIZE; i += 6) {
        memcpy(body + i, ",\"a\"  ", 6);
    }
    respond(&failure, 500, body, SIZE);
    assert_string_equal(failure.message, "a");
    free(body);
}

static void failures_of_our_own(void **state)
{
    static const struct {
        int code;
        exo_clock clock;
    } rows[] = {
        {EXO_E_CLOCK_CONNECT, EXO_CLOCK_CONNECT}, {EXO_E_CLOCK_FIRST, EXO_CLOCK_FIRST_EVENT},
        {EXO_E_CLOCK_IDLE, EXO_CLOCK_IDLE},       {EXO_E_CLOCK_TOTAL, EXO_CLOCK_TOTAL},
        {EXO_E_CLOSED, EXO_CLOCK_NONE},           {EXO_E_STATUS, EXO_CLOCK_NONE},
        {EXO_E_ARGUMENT, EXO_CLOCK_NONE},         {EXO_E_LOCAL, EXO_CLOCK_NONE},
    };
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    assert_int_equal(failure.code, EXO_OK);
    assert_int_equal(failure.retry_after, -1);
    assert_string_equal(failure.message, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        respond(&failure, 429, GEMINI, strlen(GEMINI));
        exo_failure_set(&failure, rows[i].code, exo_span_text("why\\not"));
        assert_int_equal(failure.code, rows[i].code);
        assert_int_equal(failure.clock, rows[i].clock);
        assert_int_equal(failure.verdict, exo_error_verdict(rows[i].code));
        assert_string_equal(failure.message, "why\\not");
        assert_string_equal(failure.provider_code, "");
        assert_int_equal(failure.http_status, 0);
        assert_int_equal(failure.status, 0);
        assert_int_equal(failure.retry_after, -1);
        assert_false(failure.in_stream);
    }
    exo_failure_set(&failure, EXO_E_CLOSED, exo_span_of(NULL, 0));
    assert_string_equal(failure.message, "");
}

static void answers_without_proof(void **state)
{
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    header(&failure, "x-request-id", "id", 0);
    exo_failure_from_end(&failure, EXO_E_TRUNCATED, exo_span_of(NULL, 0));
    assert_int_equal(failure.code, EXO_E_TRUNCATED);
    assert_int_equal(failure.verdict, EXO_RETRY);
    assert_false(failure.in_stream);
    assert_string_equal(failure.provider_code, "");
    assert_string_equal(failure.request_id, "id");

    exo_failure_from_end(&failure, EXO_E_FINISH, exo_span_text("network_error"));
    assert_int_equal(failure.verdict, EXO_RETRY);
    assert_true(failure.in_stream);
    assert_string_equal(failure.provider_code, "network_error");

    exo_failure_from_end(&failure, EXO_E_CONTEXT_WINDOW, exo_span_text("model_context_window_exceeded"));
    assert_int_equal(failure.verdict, EXO_FALL_BACK_CONTEXT);
    assert_string_equal(failure.provider_code, "model_context_window_exceeded");
}

static void clocks_have_names(void **state)
{
    (void)state;
    assert_string_equal(exo_clock_name(EXO_CLOCK_NONE), "none");
    assert_string_equal(exo_clock_name(EXO_CLOCK_CONNECT), "connect");
    assert_string_equal(exo_clock_name(EXO_CLOCK_FIRST_EVENT), "first event");
    assert_string_equal(exo_clock_name(EXO_CLOCK_IDLE), "idle");
    assert_string_equal(exo_clock_name(EXO_CLOCK_TOTAL), "total");
    assert_string_equal(exo_clock_name((exo_clock)5), "none");
    assert_string_equal(exo_clock_name((exo_clock)-1), "none");
}

/* An exceeded context window in words that are no known mark. */
static void other_words_for_the_context_window(void **state)
{
    static const struct {
        const char *message;
        const char *code;
        bool context;
    } rows[] = {
        {"The decoder prompt (length 10127) is longer than the maximum model length of 8192. Make sure that "
         "`max_model_len` is no smaller than the number of text tokens.",
         "400", true},
        {"request (66202 tokens) exceeds the available context size (65536 tokens), try increasing it", "400", true},
        {"prompt token count of 170000 exceeds the limit of 128000", "x", true},
        {"Context Window exceeded for given call. No models have context window large enough for this call.", "", true},
        {"Requested token count exceeds the model's maximum context length of 8192 tokens.", "", true},
        {"too many tokens: total number of tokens in the prompt cannot exceed 4081", "", true},
        {"The input is too long: 9000 tokens", "", true},
        {"Your messages are larger than the model length", "", true},
        {"MESSAGES TOO LARGE FOR THE WINDOW", "", true},
        {"maximum context length", "", true},
        {"input_length is greater than 8192", "", true},
        /* one of the three is missing */
        {"exceeds the limit of the model length", "", false},
        {"the prompt is not a string", "", false},
        {"Request too large", "", false},
        {"messages exceed 8 entries", "", false},
        /* throttling */
        {"Too many tokens in the prompt, limit is 6000 tokens per minute", "", false},
        {"Too many tokens in the prompt, limit is 6000 tokens per hour", "", false},
        {"Too many tokens in the prompt, limit is 6000 tokens per day", "", false},
        {"Request exceeds 6000 tokens (TPM)", "", false},
        {"Request exceeds 6 RPM: 10 tokens", "", false},
        {"Request exceeds the rate limit: 10 tokens", "", false},
        {"Request exceeds the limit: 10 tokens", "rate-limit-reached", false},
        {"Request exceeds the quota of 10 tokens", "", false},
        {"Request exceeds your credits: 10 tokens", "", false},
        {"Request exceeds the concurrency limit: 10 tokens", "", false},
        {"Request limit exceeded for prompt, try again later", "", false},
        {"Request limit exceeded for prompt, please wait before trying again", "", false},
        {"Request limit exceeded for prompt, retry in 5 s", "", false},
        {"ThrottlingException: prompt limit exceeded", "", false},
        /* a filter, or quota */
        {"the prompt exceeds a limit of safety", "content_policy_violation", false},
        {"the prompt exceeds a limit: insufficient balance", "", false},
        /* other limits */
        {"max_tokens exceeds the limit for this prompt: 9000 tokens", "", false},
        {"max_completion_tokens is larger than 8192 tokens in this request", "", false},
        {"requested output tokens exceed the limit of 8192 tokens", "", false},
        {"requested completion tokens exceed the limit of 8192 tokens", "", false},
        {"too many images in the prompt: maximum 5", "", false},
        {"too many tools in the prompt: maximum 128", "", false},
        {"Invalid prompt: array too long. Expected a maximum length of 128", "", false},
        {"Invalid prompt: string too long. Expected a maximum length of 1048576", "", false},
        /* known ones: whatever is said beside them */
        {"prompt is too long, try again with fewer tools and images", "", true},
        {"This model's maximum context length is 8192 tokens, however max_tokens is 9000", "", true},
        {"input length and `max_tokens` exceed context limit: 199629 + 21333 > 200000", "", true},
        {"no words", "tokens_limit_reached", true},
        {"rate limit", "model_max_prompt_tokens_exceeded", true},
        {"no words", "openai.context_length_exceeded", true},
        {"ContextWindowExceededError: litellm.BadRequestError: quota", "400", true},
    };
    static const uint16_t statuses[] = {400, 413, 422, 500, 200};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char format[256];
        snprintf(format, sizeof format,
                 "{\"error\":{\"message\":\"%%s\",\"type\":\"invalid_request_error\",\"code\":\"%s\"}}", rows[i].code);
        for (size_t j = 0; j < sizeof statuses / sizeof *statuses; j++) {
            if ((code_of(statuses[j], format, rows[i].message) == EXO_E_CONTEXT_WINDOW) != rows[i].context) {
                fail_msg("%s, %s under %u", rows[i].message, rows[i].code, statuses[j]);
            }
        }
    }
}

static void other_words_need_a_status_that_fits(void **state)
{
    static const struct {
        uint16_t status;
        const char *body;
        int code;
    } rows[] = {
        {400, "{\"error\":{\"message\":\"%s\"}}", EXO_E_CONTEXT_WINDOW},
        {413, "%s", EXO_E_CONTEXT_WINDOW},
        {422, "{\"detail\":[{\"msg\":\"%s\",\"input\":1}]}", EXO_E_CONTEXT_WINDOW},
        {500, "{\"error\":\"%s\"}", EXO_E_CONTEXT_WINDOW},
        {502, "{\"error\":{\"message\":\"%s\",\"code\":400}}", EXO_E_CONTEXT_WINDOW},
        {200, "{\"error\":{\"message\":\"%s\"}}", EXO_E_CONTEXT_WINDOW},
        {200, "{\"error\":{\"message\":\"%s\",\"code\":413}}", EXO_E_CONTEXT_WINDOW},
        {200, "{\"error\":{\"message\":\"%s\",\"code\":503}}", EXO_E_CONTEXT_WINDOW},
        {200, "{\"choices\":[],\"error\":{\"message\":\"%s\",\"type\":\"server_error\"}}", EXO_E_CONTEXT_WINDOW},
        {200, "{\"error\":{\"message\":\"%s\",\"code\":429}}", EXO_E_RATE_LIMIT},
        {200, "{\"error\":{\"message\":\"%s\",\"code\":401}}", EXO_E_AUTH},
        {400, "{\"error\":{\"message\":\"%s\",\"code\":\"rate_limit_exceeded\"}}", EXO_E_RATE_LIMIT},
        {401, "{\"error\":{\"message\":\"%s\"}}", EXO_E_AUTH},
        {402, "{\"error\":{\"message\":\"%s\"}}", EXO_E_QUOTA},
        {403, "{\"error\":{\"message\":\"%s\"}}", EXO_E_AUTH},
        {404, "{\"error\":{\"message\":\"%s\"}}", EXO_E_STATUS},
        {408, "{\"error\":{\"message\":\"%s\"}}", EXO_E_SERVER},
        {429, "{\"error\":{\"message\":\"%s\"}}", EXO_E_RATE_LIMIT},
        {502, "{\"error\":{\"message\":\"%s\"}}", EXO_E_SERVER},
        {503, "{\"error\":{\"message\":\"%s\"}}", EXO_E_SERVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (code_of(rows[i].status, rows[i].body, "prompt exceeds the limit of 8192 tokens") != rows[i].code) {
            fail_msg("%s under %u", rows[i].body, rows[i].status);
        }
    }
}

/* Asks of a plain text, which is a message as it stands. */
static int code_of_text(const char *text)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    respond(&failure, 400, text, strlen(text));
    assert_string_equal(failure.message, text);
    return failure.code;
}

#define LONG "what does prompt is too long mean?"

static void what_is_quoted_is_no_mark(void **state)
{
    static const char *const texts[] = {
        "Invalid value: '" LONG "'. Supported values are: 'a' and 'b'.",
        "Invalid value: \"" LONG "\". Supported values are: \"a\".",
        "Invalid value: \"say \\\"" LONG "\\\" now prompt is too long\"",
        "Invalid value: 'it's " LONG "'",
        "'" LONG "' is not a role",
        "The value of 'x' is '" LONG "'.",
        "don't say '" LONG "'",
        "[{'type': 'missing', 'msg': 'Field required', 'input': {'messages': [{'content': '" LONG "'}]}}]",
        "no: [{\"type\": \"missing\", \"loc\": [\"" LONG "\"], \"msg\": \"Field required\"}, {\"input\": \"" LONG
        "\"}]]",
        "1 validation error [type=missing, input_value='" LONG "', input_type=str]",
        "1 validation error [type=missing, input_value={'content': \"what's " LONG "\"}, input_type=dict]",
        "litellm.BadRequestError: OpenAIException - {\"error\":{\"message\":\"bad.\"},\"input\":\"" LONG "\"}",
        "bad {\\\"error\\\":{\\\"message\\\":\\\"bad.\\\"},\\\"input\\\":\\\"" LONG "\\\"}",
        "Error code: 400 - {'error': {'message': 'bad'}, 'request': {'prompt': '" LONG,
        "messages: '', input: '" LONG "'",
        "you sent 'the prompt exceeds the context window of 9 tokens'",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (code_of_text(texts[i]) != EXO_E_STATUS) {
            fail_msg("%s", texts[i]);
        }
    }
    assert_int_equal(code_of(400, "{\"error\":{\"message\":\"Invalid value: '%s'\"}}", LONG), EXO_E_STATUS);
    assert_int_equal(code_of(400, "{\"error\":{\"message\":\"{'input': '%s'}\"}}", LONG), EXO_E_STATUS);
    assert_int_equal(code_of(400, "{\"unknown\":{\"input\":\"%s\"}}", LONG), EXO_E_STATUS);
}

static void a_quotation_that_is_a_message_is_heeded(void **state)
{
    static const char *const texts[] = {
        "litellm.BadRequestError: OpenAIException - {\"error\":{\"message\":\"prompt is too long: 9 > 8\"}}",
        "Error code: 400 - {'error': {'message': 'prompt is too long: 9 > 8', 'type': 'x'}}",
        "Error code: 400 - {'error': {'message': \"the model's prompt is too long\", 'type': 'x'}}",
        "bad {\\\"type\\\":\\\"error\\\",\\\"error\\\":{\\\"message\\\":\\\"prompt is too long.\\\"}}",
        "AnthropicException - b'{\"type\":\"error\",\"error\":{\"message\":\"prompt is too long\"}}'",
        "VertexAIException - {\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"prompt is too long",
        "{'detail': ['prompt is too long']}",
        "Error - {\"code\" : \"context_length_exceeded\"}",
        "it isn't the prompt's fault; prompt is too long",
        "the 'x' prompt is too long",
        "users' prompt is too long",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, 400, texts[i], strlen(texts[i]));
        if (failure.code != EXO_E_CONTEXT_WINDOW) {
            fail_msg("%s", texts[i]);
        }
    }
    assert_int_equal(code_of(400, "{\"error\":{\"message\":\"{'error': {'message': '%s'}}\"}}", LONG),
                     EXO_E_CONTEXT_WINDOW);
}

/* Under a status that is not 2xx. */
static const row streams[] = {
    {"Alibaba", 400,
     "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":\"temperature is out of "
     "range\",\"request_id\":\"r-1\"}\n\n",
     EXO_E_STATUS, 400, "temperature is out of range", "", "InvalidParameter", -1},
    {"one-api, an echo", 400,
     "data: {\"error\":{\"message\":\"bad\"},\"request\":{\"messages\":[{\"content\":\"" LONG "\"}]}}\n\n",
     EXO_E_STATUS, 400, "bad", "", "", -1},
    {"a frame is no message", 400, "event: " LONG "\ndata: {\"error\":\"bad\"}\n\n", EXO_E_STATUS, 400, "bad", "", "",
     -1},
    {"a comment is none", 400, ": " LONG "\n\ndata: {\"error\":\"bad\"}", EXO_E_STATUS, 400, "bad", "", "", -1},
    {"a mark", 400, "data: {\"error\":{\"message\":\"prompt is too long\"}}\n\ndata: [DONE]\n\n", EXO_E_CONTEXT_WINDOW,
     400, "prompt is too long", "", "", -1},
    {"CRLF", 429,
     "event:error\r\ndata: {\"error\":{\"message\":\"slow down\",\"code\":\"c\"}}\r\n\r\ndata: [DONE]\r\n\r\n",
     EXO_E_RATE_LIMIT, 429, "slow down", "", "c", -1},
    {"CR", 429, "id: 1\rdata:{\"error\":\"slow down\"}\r\r", EXO_E_RATE_LIMIT, 429, "slow down", "", "", -1},
    {"a byte order mark", 500,
     "\xEF\xBB\xBF"
     "data: {\"error\":\"e\"}\n\n",
     EXO_E_SERVER, 500, "e", "", "", -1},
    {"several events", 500, "data: {\"id\":\"x\",\"error\":\"one\"}\n\ndata: {\"error\":{\"code\":\"two\"}}\n\n",
     EXO_E_SERVER, 500, "one", "", "two", -1},
    {"text", 502, "event: error\ndata: upstream is gone\n\n", EXO_E_SERVER, 502, "upstream is gone", "", "", -1},
    {"chunks before", 500, "data: {\"choices\":[{\"delta\":{}}]}\n\ndata: {\"error\":\"e\"}\n\ndata: [DONE]\n\n",
     EXO_E_SERVER, 500, "e", "", "", -1},
    {"of no known shape", 500, ": prompt is too long\n\ndata: {\"why\":1}\n\ndata: [DONE]\n\n", EXO_E_SERVER, 500,
     "{\"why\":1}", "", "", -1},
    {"cut", 400, "event: error\ndata: {\"error\":{\"code\":\"c\",\"message\":\"too b", EXO_E_STATUS, 400, "too b", "",
     "c", -1},
    {"nested", 400, "data: {\"error\":{\"message\":\"{\\\"message\\\":\\\"inner\\\",\\\"code\\\":\\\"c\\\"}\"}}\n\n",
     EXO_E_STATUS, 400, "inner", "", "c", -1},
    {"no data", 400, "event: error\nid: 7\n\n", EXO_E_STATUS, 400, "event: error id: 7", "", "", -1},
    {"no stream", 400, "error: bad thing", EXO_E_STATUS, 400, "error: bad thing", "", "", -1},
};

static void event_streams_are_read_as_their_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, streams[i].http_status, streams[i].body, strlen(streams[i].body));
        check(&streams[i], &failure);
        for (size_t len = 0; len < strlen(streams[i].body); len++) {
            exo_failure_clear(&failure);
            respond(&failure, streams[i].http_status, streams[i].body, len);
            assert_all_clean(&failure);
        }
    }
    exo_failure failure;
    exo_failure_clear(&failure);
    respond(&failure, streams[0].http_status, streams[0].body, strlen(streams[0].body));
    assert_string_equal(failure.request_id, "r-1");
}

static void an_event_is_read_from_its_last_object(void **state)
{
    static const row rows[] = {
        {"cut event before", 200,
         "{\"choices\":[{\"delta\":{\"content\":\"hal\n{\"error\":{\"message\":\"upstream died\",\"code\":502}}",
         EXO_E_SERVER, 502, "upstream died", "", "502", -1},
        {"the last of several", 200, "{\"error\":\"one\"}\n{\"error\":\"two\"}\r\nrest", EXO_E_IN_STREAM, 200, "two",
         "", "", -1},
        {"words, then an object", 200, "upstream said:\n{\"error\":{\"message\":\"m\",\"code\":429}}", EXO_E_RATE_LIMIT,
         429, "m", "", "429", -1},
        {"lines of one object", 200, "{\n\"error\":\n{\"message\":\"m\"}\n}", EXO_E_IN_STREAM, 200, "m", "", "", -1},
        {"a line within a cut object", 200, "{\"error\":{\"message\":\"m\",\"details\":[\n  {\"a\":1}\n",
         EXO_E_IN_STREAM, 200, "m", "", "", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        assert_int_equal(stream(&failure, 200, rows[i].body), EXO_OK);
        check(&rows[i], &failure);
    }
}

/* An error that is longer than what was kept of it. */
static void an_error_may_be_cut(void **state)
{
    static const char whole[] =
        "{\"error\":{\"code\":\"c\",\"message\":\"the beginning of a long message\",\"param\":\"";
    (void)state;
    for (size_t len = sizeof "{\"error\":{\"code\":\"c\"" - 1; len < sizeof whole; len++) {
        char text[sizeof whole] = "";
        exo_failure failure;
        memcpy(text, whole, len);
        exo_failure_clear(&failure);
        assert_int_equal(stream(&failure, 200, text), EXO_OK);
        assert_string_equal(failure.provider_code, "c");
        assert_memory_equal(failure.message, "the beginning of a long message", strlen(failure.message));
        assert_true(len < 65 || strlen(failure.message) > 30);
    }
}

/* JSON within the message, behind an outer message of any length: as much of it is told as fits. */
static void nested_json_of_any_length(void **state)
{
    (void)state;
    for (int outer = 0; outer < 520; outer += outer < 480 ? 40 : 1) {
        for (int inner = 0; inner < 600; inner += 37) {
            char body[1500];
            char expected[1200] = "";
            exo_failure failure;
            snprintf(
                body, sizeof body,
                "{\"error\":{\"message\":\"%.*s\",\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"code\\\":\\\"c\\\","
                "\\\"message\\\":[\\\"%0*d\\\",\\\"\\\\u00e9\\\"]}}\"}}}",
                outer,
                "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
                "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
                "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
                "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
                "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
                "oooooooooooooooooooo",
                inner + 1, 7);
            snprintf(expected, sizeof expected, "%.*s%s%0*d%s", outer, strstr(body, "ooo") ? strstr(body, "ooo") : "",
                     outer > 0 ? ": " : "", inner + 1, 7, ": \xC3\xA9");
            exo_failure_clear(&failure);
            respond(&failure, 400, body, strlen(body));
            assert_all_clean(&failure);
            assert_memory_equal(failure.message, expected,
                                strlen(failure.message) < 440 ? strlen(failure.message) : 440);
            if (outer < 450) {
                assert_string_equal(failure.provider_code, "c");
            }
        }
    }
}

static void a_refusal_without_a_key(void **state)
{
    static const uint16_t statuses[] = {401, 403, 400, 404, 500};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        respond(&failure, statuses[i], "{\"error\":\"no\"}", 14);
        assert_false(failure.keyless);
        int code = failure.code;

        exo_failure_clear(&failure);
        exo_failure_no_key(&failure);
        assert_int_equal(failure.code, EXO_OK);
        respond(&failure, statuses[i], "{\"error\":\"no\"}", 14);
        assert_true(failure.keyless);
        assert_int_equal(failure.code, code);
    }
}

static void a_page_in_front(void **state)
{
    static const char page[] = "<html><head><title>Attention Required! | Cloudflare</title></head></html>";
    exo_failure failure;
    (void)state;
    exo_failure_clear(&failure);
    exo_failure_no_key(&failure);
    respond(&failure, 403, page, sizeof page - 1);
    assert_int_equal(failure.code, EXO_E_BLOCKED);
    assert_int_equal(failure.verdict, EXO_FALL_BACK);
    assert_string_equal(failure.message, "Attention Required! | Cloudflare");
    exo_failure_clear(&failure);
    respond(&failure, 401, page, sizeof page - 1);
    assert_int_equal(failure.code, EXO_E_AUTH);
    respond(&failure, 503, page, sizeof page - 1);
    assert_int_equal(failure.code, EXO_E_SERVER);
    respond(&failure, 403, "Forbidden", 9);
    assert_int_equal(failure.code, EXO_E_AUTH);
}

/* Whatever our own clock says, and in any order. */
static void a_date_is_read_against_the_servers_clock(void **state)
{
    static const struct {
        const char *date;
        const char *retry_after;
        int64_t wall_now;
        int64_t delay;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", THEN, 60000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", THEN + 3600, 60000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", THEN - 3600, 60000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", 0, 60000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:38 1994", 0, 1000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:36 GMT", THEN - 3600, -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", THEN - 3600, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "7", THEN + 3600, 7000},
        {"soon", "Sun, 06 Nov 1994 08:50:37 GMT", THEN, 60000},
        {"soon", "Sun, 06 Nov 1994 08:50:37 GMT", 0, -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", 0, INT64_C(2147483648000)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int order = 0; order < 6; order++) {
            exo_failure failure;
            exo_failure_clear(&failure);
            for (int step = 0; step < 3; step++) {
                static const char orders[6][3] = {"drb", "rdb", "bdr", "brd", "dbr", "rbd"};
                if (orders[order][step] == 'd') {
                    header(&failure, "Date", rows[i].date, rows[i].wall_now);
                } else if (orders[order][step] == 'r') {
                    header(&failure, "Retry-After", rows[i].retry_after, rows[i].wall_now);
                } else {
                    respond(&failure, 429, "{}", 2);
                }
            }
            if (failure.retry_after != rows[i].delay) {
                fail_msg("row %zu, order %d: %lld", i, order, (long long)failure.retry_after);
            }
        }
    }
    /* a body's delay stays where the date says nothing */
    exo_failure failure;
    exo_failure_clear(&failure);
    header(&failure, "Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT", 0);
    respond(&failure, 429, GEMINI, strlen(GEMINI));
    header(&failure, "Date", "Sun, 06 Nov 1994 09:49:37 GMT", 0);
    assert_int_equal(failure.retry_after, 45800);
    header(&failure, "Date", "Sun, 06 Nov 1994 08:50:36 GMT", 0);
    assert_int_equal(failure.retry_after, 1000);
}

static void rate_limit_resets_are_the_last_resort(void **state)
{
    static const struct {
        uint16_t status;
        const char *headers; /* name, value, name, value … */
        int64_t delay;
    } rows[] = {
        {429, "x-ratelimit-reset-requests=2", 2000},
        {429, "X-RateLimit-Reset-Tokens=6m0s", 360000},
        {429, "x-ratelimit-reset-tokens=1.2s", 1200},
        {429, "x-ratelimit-reset-tokens=345ms", 345},
        {429, "x-ratelimit-reset-tokens=2m59.56s", 179560},
        {429, "x-ratelimit-reset-tokens=1h2m3s4ms", 3723004},
        {429, "x-ratelimit-reset-tokens=0s", 0},
        {429, "x-rate-limit-reset-tokens=3", 3000},
        {429, "x-ratelimit-reset=4", 4000},
        {429, "x-ratelimit-reset=784111787", INT64_C(784111787000)},
        {429, "x-ratelimit-reset=1784111787", INT64_C(1000000010000)},
        {429, "date=Sun, 06 Nov 1994 08:49:37 GMT,x-ratelimit-reset=1784111787", INT64_C(1000000010000)},
        {429, "x-ratelimit-reset=1784111787500", INT64_C(1000000010500)},
        {429, "x-ratelimit-reset=1784111787500,date=Wed, 15 Jul 2026 10:36:26 GMT", 1500},
        {429, "x-ratelimit-reset=1784111787,date=Wed, 15 Jul 2026 10:36:28 GMT", -1},
        /* the one that is exhausted, wherever it stands */
        {429, "x-ratelimit-reset-requests=2,x-ratelimit-reset-tokens=6m0s", 2000},
        {429, "x-ratelimit-reset-requests=6m0s,x-ratelimit-reset-tokens=2", 2000},
        {429, "x-ratelimit-reset-requests=2,x-ratelimit-reset-tokens=6m0s,x-ratelimit-remaining-tokens=0", 360000},
        {429, "x-ratelimit-remaining-tokens=0,x-ratelimit-reset-requests=2,x-ratelimit-reset-tokens=6m0s", 360000},
        {429, "x-ratelimit-remaining-tokens=5,x-ratelimit-reset-requests=2,x-ratelimit-reset-tokens=6m0s", 2000},
        {429,
         "x-ratelimit-remaining-requests=0,x-ratelimit-remaining-tokens=0,x-ratelimit-reset-requests=2,"
         "x-ratelimit-reset-tokens=6m0s",
         360000},
        {429, "x-ratelimit-remaining-tokens=0,x-ratelimit-reset-requests=2", 2000},
        {429, "x-ratelimit-remaining-requests=0,x-ratelimit-reset-requests=2,x-ratelimit-reset-tokens=1", 2000},
        /* better ones */
        {429, "retry-after=9,x-ratelimit-reset-requests=2", 9000},
        {429, "x-ratelimit-reset-requests=2,retry-after-ms=9", 9},
        {429, "x-ratelimit-reset-requests=2,retry-after=-9", 2000},
        /* none */
        {503, "x-ratelimit-reset-requests=2", -1},
        {400, "x-ratelimit-reset-requests=2", -1},
        {429, "x-ratelimit-reset-requests=-2", -1},
        {429, "x-ratelimit-reset-requests=soon", -1},
        {429, "x-ratelimit-reset-requests=5x", -1},
        {429, "x-ratelimit-reset-requests=s", -1},
        {429, "x-ratelimit-reset-requests=1m s", -1},
        {429, "x-ratelimit-limit-requests=2,x-ratelimit-re=3,x-ratelimit-remaining=4,x-ratelimit=5", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        exo_failure failure;
        exo_failure_clear(&failure);
        snprintf(text, sizeof text, "%s", rows[i].headers);
        for (char *at = text; at;) {
            char *value = strchr(at, '=');
            char *next = strstr(value, ",x-");
            next = next ? next : strstr(value, ",d");
            next = next ? next : strstr(value, ",r");
            *value++ = '\0';
            if (next) {
                *next++ = '\0';
            }
            header(&failure, at, value, THEN);
            at = next;
        }
        respond(&failure, rows[i].status, "{}", 2);
        if (failure.retry_after != rows[i].delay) {
            fail_msg("%s: %lld", rows[i].headers, (long long)failure.retry_after);
        }
        respond(&failure, 500, "{}", 2);
        assert_true(failure.retry_after == -1 || strstr(rows[i].headers, "retry-after"));
    }
    /* kinds that must not be taken for each other */
    static const char *const kinds[] = {"",
                                        "-requests",
                                        "-tokens",
                                        "-requests-day",
                                        "-tokens-day",
                                        "-tokens-minute",
                                        "-requests-minute",
                                        "-requests-hour",
                                        "-tokens-hour",
                                        "-input-tokens",
                                        "-output-tokens",
                                        "-images"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        exo_failure failure;
        exo_failure_clear(&failure);
        for (size_t j = 0; j < sizeof kinds / sizeof *kinds; j++) {
            char name[64];
            char value[32];
            snprintf(name, sizeof name, "x-ratelimit-reset%s", kinds[j]);
            snprintf(value, sizeof value, "%zu", j + 1);
            header(&failure, name, value, 0);
            snprintf(name, sizeof name, "X-RateLimit-Remaining%s", kinds[j]);
            header(&failure, name, j == i ? "0" : "1", 0);
        }
        respond(&failure, 429, "", 0);
        assert_int_equal(failure.retry_after, (i + 1) * 1000);
    }
    /* a delay in the body is better */
    exo_failure failure;
    exo_failure_clear(&failure);
    header(&failure, "x-ratelimit-reset-requests", "2", 0);
    respond(&failure, 429, GEMINI, strlen(GEMINI));
    assert_int_equal(failure.retry_after, 45800);
    /* and so is none, where the failure is told before the headers */
    exo_failure_clear(&failure);
    assert_int_equal(stream(&failure, 200, "{\"error\":{\"code\":429,\"message\":\"m\"}}"), EXO_OK);
    header(&failure, "x-ratelimit-reset-requests", "2", 0);
    assert_string_equal(failure.message, "m");
    respond(&failure, 429, "", 0);
    assert_int_equal(failure.retry_after, -1);
    /* in a stream */
    exo_failure_clear(&failure);
    header(&failure, "x-ratelimit-reset-requests", "2", 0);
    assert_string_equal(failure.message, "");
    assert_int_equal(stream(&failure, 200, "{\"choices\":[]}"), EXO_NOT_FOUND);
    assert_int_equal(stream(&failure, 200, "{\"error\":{\"code\":429}}"), EXO_OK);
    assert_int_equal(failure.retry_after, 2000);
}

#define KEY "sk-abcdefghijklmnopqrstuvwxyz"

static void secrets_are_taken_out(void **state)
{
    static const struct {
        const char *secret;
        const char *message;
        const char *expected;
    } rows[] = {
        {KEY, "Incorrect API key provided: " KEY ".", "Incorrect API key provided: ***."},
        {KEY, KEY KEY " and " KEY, "****** and ***"},
        {KEY, "nothing here", "nothing here"},
        {KEY, "sk-abc***xyz stays", "sk-abc***xyz stays"},
        {KEY, "ends with sk-abcdefghi", "ends with ***"},
        {KEY, "ends with sk-abcdefgh", "ends with sk-abcdefgh"},
        {KEY, "sk-abcdefghi in the middle", "*** in the middle"},
        {KEY, "sk-abcdefgh in the middle", "sk-abcdefgh in the middle"},
        {KEY, "ends in opqrstuvwxyz", "ends in ***"},
        {KEY, "ends in pqrstuvwxyz", "ends in pqrstuvwxyz"},
        {KEY, "(defghijklmno)", "(***)"},
        {KEY, "cdefghijklmn...mnopqrstuvwxyz", "***...***"},
        {KEY, "opqrstuvwxyzsk-abcdefghi", "******"},
        {"ab+/cd==0123", "key=ab%2B%2fcd%3D%3D0123&x", "key=***&x"},
        {"ab+/cd==0123", "key=ab%2B%2fcd%3D%3D012", "key=ab%2B%2fcd%3D%3D012"},
        {"ab+/cd==0123", "{\\\"ab+\\/cd==0123\\\"}", "{\\\"***\\\"}"},
        {"ab+/cd==0123", "ab+%2", "ab+%2"},
        {"ab+/cd==0123", "ab+%", "ab+%"},
        {"abO", "ab%5", "ab%5"},
        {KEY, "sk-sk-abcdefghijklmnopqrstuvwxyz", "sk-***"},
        {"aab", "aaab", "a***"},
        {"x", "axbx", "a*b*"},
        {"xy", "xyz", "**z"},
        {"", "unchanged", "unchanged"},
        {KEY, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        exo_failure failure;
        exo_span secret = exact(rows[i].secret, strlen(rows[i].secret));
        exo_failure_clear(&failure);
        exo_failure_set(&failure, EXO_E_AUTH, exo_span_text(rows[i].message));
        exo_failure_redact(&failure, secret);
        drop(secret);
        assert_string_equal(failure.message, rows[i].expected);
        assert_clean(failure.message, sizeof failure.message);
    }
}

/* Not a byte of the key is left in any field, nor behind its end, wherever the cut falls. */
static void secrets_are_wiped(void **state)
{
    (void)state;
    for (int pad = 462; pad < 512; pad++) {
        exo_failure failure;
        char body[1024];
        int len = snprintf(body, sizeof body, "{\"error\":{\"type\":\"%s\",\"code\":\"%s\",\"message\":\"%0*d%s\"}}",
                           KEY, KEY, pad, 0, KEY);
        exo_failure_clear(&failure);
        header(&failure, "x-request-id", KEY, 0);
        respond(&failure, 400, body, (size_t)len);
        exo_failure_redact(&failure, exo_span_text(KEY));
        assert_string_equal(failure.type, "***");
        assert_string_equal(failure.provider_code, "***");
        assert_string_equal(failure.request_id, "***");
        const char *raw = (const char *)&failure;
        for (size_t i = 0; i + 12 <= sizeof failure; i++) {
            assert_memory_not_equal(raw + i, KEY, 12);
        }
    }
}

/* A NUL in a secret is not that at the end of a field. */
static void a_secret_may_hold_any_bytes(void **state)
{
    static const char *const messages[] = {
        "", "a", "abcdefghijkl", "abcdefghijklm", "abcdefghijklm\\", "abcdefghijklm%0"};
    char secret[600] = "abcdefghijklm";
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        exo_failure *failure = malloc(sizeof *failure);
        assert_non_null(failure);
        exo_failure_clear(failure);
        exo_failure_set(failure, EXO_E_AUTH, exo_span_text(messages[i]));
        exo_failure_redact(failure, exo_span_of(secret, sizeof secret));
        assert_int_equal(strncmp(failure->message, "***", 3) == 0, strlen(messages[i]) >= 12);
        free(failure);
    }
}

/* Where the field cut a secret off, four bytes of it at the end are enough. */
static void secrets_that_a_cut_begins_are_taken_out(void **state)
{
    (void)state;
    for (size_t shown = 1; shown <= strlen(KEY); shown++) {
        char text[600];
        exo_failure failure;
        memset(text, 'x', sizeof text);
        memcpy(text + 511 - shown, KEY, strlen(KEY));
        exo_failure_clear(&failure);
        exo_failure_set(&failure, EXO_E_AUTH, exo_span_of(text, sizeof text));
        assert_true(failure.cut);
        exo_failure_redact(&failure, exo_span_text(KEY));
        assert_int_equal(strlen(failure.message), shown < 4 ? 511 : 511 - shown + 3);
        assert_int_equal(strstr(failure.message, "***") != NULL, shown >= 4);
    }
}

#ifndef EXO_SMALL

/* Headers, "name: value" each, of one response. */
static const char *const heads[][8] = {
    {NULL},
    {"x-request-id: req-1"},
    {"date: Sun, 06 Nov 1994 08:49:37 GMT", "retry-after: Sun, 06 Nov 1994 08:49:47 GMT"},
    {"retry-after: Sun, 06 Nov 1994 08:49:47 GMT"},
    {"retry-after: 7", "retry-after-ms: 1500", "cf-ray: ray", "x-should-retry: false"},
    {"x-should-retry: true", "request-id: a", "date: Sun, 06 Nov 1994 08:49:37 GMT"},
    {"x-ratelimit-reset-requests: 1s", "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-tokens: 6m0s"},
    {"x-ratelimit-reset-requests: 20s", "x-ratelimit-reset-tokens: 6s", "x-ratelimit-remaining-tokens: 7"},
    {"x-ratelimit-reset-tokens: 0", "x-ratelimit-remaining-tokens: 0"},
    {"x-ratelimit-reset: 784111787000", "date: Sun, 06 Nov 1994 08:49:37 GMT"},
    {"x-ratelimit-reset: 1893456000000", "x-ratelimit-remaining: 0", "date: Sun, 06 Nov 1994 08:49:37 GMT"},
    {"x-ratelimit-reset: 9893456000000000", "x-ratelimit-remaining: 0", "date: Sun, 06 Nov 1994 08:49:37 GMT"},
    {"x-ratelimit-reset-tokens: nonsense", "x-ratelimit-remaining-tokens: 0"},
};

static void tell_headers(exo_failure *failure, const char *const *lines, int64_t wall)
{
    for (; *lines; lines++) {
        const char *colon = strchr(*lines, ':');
        exo_failure_header(failure, exo_span_of(*lines, (size_t)(colon - *lines)), exo_span_text(colon + 2), wall);
    }
}

/* What comes of a failure in its various ways. */
static void come(exo_failure *failure, int how)
{
    static const char *const came[] = {"{\"error\":{\"message\":\"m\",\"code\":429}}",
                                       "{\"error\":{\"message\":\"m\",\"type\":\"t\"}}"};
    if (how < 2) {
        assert_int_equal(stream(failure, 200, came[how]), EXO_OK);
    } else if (how == 2) {
        exo_failure_set(failure, EXO_E_RECEIVE, exo_span_text("reset"));
    } else {
        exo_failure_from_end(failure, EXO_E_FINISH, exo_span_text("why"));
    }
}

/* A failure that was put by, with what headers said of it, comes to the same as one that was there all the time. */
static void a_failure_may_be_put_by(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (int how = 0; how < 4; how++) {
            for (int wall = 0; wall < 2; wall++) {
                const bool keyless = how == wall;
                exo_failing failing = {0};
                exo_failure whole;
                exo_failure_clear(&whole);
                if (keyless) {
                    exo_failure_no_key(&whole);
                }
                tell_headers(&whole, heads[i], wall * INT64_C(784111777));
                exo_failing_clear(&failing, &allocator, keyless);
                tell_headers(exo_failing_open(&failing, &allocator), heads[i], wall * INT64_C(784111777));
                for (int times = 0; times < 2; times++) {
                    exo_failing_close(&failing, &allocator);
                    assert_null(failing.failure_);
                    assert_int_equal(exo_failing_code(&failing), EXO_OK);
                    assert_string_equal(exo_failing_request_id(&failing), whole.request_id);
                    assert_non_null(exo_failing_open(&failing, &allocator));
                }
                come(&whole, how);
                come(exo_failing_open(&failing, &allocator), how);
                exo_failing_close(&failing, &allocator); /* it has come, and stays */
                assert_int_equal(exo_failing_code(&failing), whole.code);
                assert_string_equal(exo_failing_request_id(&failing), whole.request_id);
                assert_memory_equal(exo_failing_look(&failing), &whole, sizeof whole);
                exo_failing_clear(&failing, &allocator, false);
                assert_null(failing.failure_);
                assert_null(failing.request_id_);
                assert_int_equal(exo_failing_code(&failing), EXO_OK);
                assert_string_equal(exo_failing_request_id(&failing), "");
            }
        }
    }
}

static void a_failure_without_memory(void **state)
{
    counting_heap heap = {.fail_at = 1};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_failing failing = {0};
    (void)state;
    exo_failing_clear(&failing, &allocator, false);
    assert_null(exo_failing_open(&failing, &allocator));
    assert_int_equal(exo_failing_code(&failing), EXO_E_NO_MEMORY);
    assert_int_equal(exo_failing_look(&failing)->code, EXO_E_NO_MEMORY);
    assert_int_equal(exo_failing_look(&failing)->verdict, EXO_STOP);
    assert_non_null(exo_failing_open(&failing, &allocator));
    assert_int_equal(exo_failing_code(&failing), EXO_OK);
    exo_failing_clear(&failing, &allocator, false);
    exo_failure_header(exo_failing_open(&failing, &allocator), exo_span_text("request-id"), exo_span_text("r"), 0);
    heap.fail_at = heap.calls + 1;
    exo_failing_close(&failing, &allocator);
    assert_non_null(failing.failure_);
    assert_string_equal(exo_failing_request_id(&failing), "r");
    exo_failing_clear(&failing, &allocator, false);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_words_for_the_context_window),
        cmocka_unit_test(other_words_need_a_status_that_fits),
        cmocka_unit_test(what_is_quoted_is_no_mark),
        cmocka_unit_test(a_quotation_that_is_a_message_is_heeded),
        cmocka_unit_test(event_streams_are_read_as_their_data),
        cmocka_unit_test(an_event_is_read_from_its_last_object),
        cmocka_unit_test(an_error_may_be_cut),
        cmocka_unit_test(nested_json_of_any_length),
        cmocka_unit_test(a_refusal_without_a_key),
        cmocka_unit_test(a_page_in_front),
        cmocka_unit_test(a_date_is_read_against_the_servers_clock),
        cmocka_unit_test(rate_limit_resets_are_the_last_resort),
        cmocka_unit_test(secrets_that_a_cut_begins_are_taken_out),
        cmocka_unit_test(a_secret_may_hold_any_bytes),
        cmocka_unit_test(every_body_is_understood),
        cmocka_unit_test(every_body_may_be_cut_anywhere),
        cmocka_unit_test(every_event_is_understood),
        cmocka_unit_test(what_reports_no_error_changes_nothing),
        cmocka_unit_test(an_error_status_makes_json_no_stream),
        cmocka_unit_test(a_context_mark_comes_first_whatever_the_status),
        cmocka_unit_test(letter_case_does_not_hide_a_mark),
        cmocka_unit_test(an_echo_is_no_mark),
        cmocka_unit_test(every_status_has_its_code),
        cmocka_unit_test(x_should_retry_overrides_what_it_may),
        cmocka_unit_test(x_should_retry_says_nothing_of_the_transport),
        cmocka_unit_test(the_best_delay_wins_in_any_order),
        cmocka_unit_test(a_delay_belongs_to_its_body),
        cmocka_unit_test(the_best_request_id_wins_in_any_order),
        cmocka_unit_test(headers_are_sanitised_and_the_empty_passed_over),
        cmocka_unit_test(request_ids_of_bodies),
        cmocka_unit_test(retry_after_values),
        cmocka_unit_test(dates_agree_with_the_calendar),
        cmocka_unit_test(a_long_message_is_cut_at_a_character),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(text_is_mended),
        cmocka_unit_test(escapes_are_decoded_and_controls_blanked),
        cmocka_unit_test(strange_bodies_cost_little),
        cmocka_unit_test(failures_of_our_own),
        cmocka_unit_test(answers_without_proof),
        cmocka_unit_test(clocks_have_names),
        cmocka_unit_test(secrets_are_taken_out),
        cmocka_unit_test(secrets_are_wiped),
#ifndef EXO_SMALL
        cmocka_unit_test(a_failure_may_be_put_by),
        cmocka_unit_test(a_failure_without_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
