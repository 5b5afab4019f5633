/*
 * failure_words.c: the words and marks that providers use when they fail, and what they mean.
 *
 * It knows no body and no status; failure_body.c asks about words, failure.c about texts. It has no memory.
 */
#include "failure_words.h"

#include "ascii.h"

/* X(status, sign, sure, words): words that stand alone, and what they mean. The numbers are z.ai's. */
/* clang-format off */
#define MEANING_MAP(X) \
    X(0, CONTEXT, false, "1261") \
    X(0, FILTER, false, "ResponsibleAIPolicyViolation 1301") \
    X(0, QUOTA, false, "exceeded_current_quota_error quota_exceeded insufficient_user_quota insufficient_balance " \
      "billing_hard_limit_reached billing_not_active Arrearage 1113 1304 1308 1309 1310") \
    X(401, 0, true, "invalid_api_key incorrect_api_key_error API_KEY_INVALID authentication_error") \
    X(429, 0, true, "rate_limit_exceeded rate_limit_error rate_limited") \
    X(529, 0, true, "overloaded_error") \
    X(400, 0, false, "invalid_request_error") \
    X(403, 0, false, "permission_error") \
    X(404, 0, false, "not_found_error model_not_found") \
    X(408, 0, false, "timeout_error") \
    X(500, 0, false, "server_error internal_error internal_server_error api_error") \
    X(503, 0, false, "service_unavailable unavailable_error overloaded engine_overloaded_error")
/* clang-format on */

static const struct meaning meanings[] = {
#define EXO_X(status, sign, sure, words) {status, sign, sure},
    MEANING_MAP(EXO_X)
#undef EXO_X
};

static const char meaning_words[] =
#define EXO_X(status, sign, sure, words) words "\0"
    MEANING_MAP(EXO_X)
#undef EXO_X
    ;

/* Parts of a message, code or type, one a line. Before the first of a kind stands what it is the sign of. */
static const char marks[] = "\1" /* CONTEXT */
                            "context_length_exceeded\n"
                            "maximum context length is\n"
                            "exceeds the context window\n"
                            "prompt is too long\n"
                            "input is too long for requested model\n"
                            "input token count\texceeds the maximum number of tokens allowed\n"
                            "maximum prompt length is\n"
                            "reduce the length of the messages\n"
                            "too large for model with\n"
                            "context length is only\n"
                            "is longer than the model's context length\n"
                            "exceed_context_size_error\n"
                            "context size has been exceeded\n"
                            "greater than the context length\n"
                            "exceeded model token limit\n"
                            "context window exceeds limit\n"
                            "tokens in request more than max tokens allowed\n"
                            "model_context_window_exceeded\n"
                            "range of input length should be\n"
                            "inputs tokens + max_new_tokens must be\n"
                            "litellm.ContextWindowExceededError\n"
                            "\2" /* FILTER */
                            "content_policy_violation\n"
                            "content_filter\n"
                            "ContentPolicyViolationError\n" /* LiteLLM */
                            "content management policy\n"   /* Azure */
                            "data_inspection_failed\n"      /* Qwen */
                            "content exists risk\n"         /* DeepSeek */
                            "\4"                            /* QUOTA */
                            "insufficient_quota\n"
                            "insufficient balance\n"
                            "insufficient credits\n"
                            "credit balance is too low\n"                         /* Anthropic */
                            "free-models-per-day\n"                               /* OpenRouter */
                            "\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3\n"; /* z.ai: the balance is too low */

const struct meaning *exo_failure_meaning(const exo_span *word)
{
    const char *words = meaning_words;
    for (const struct meaning *meaning = meanings; *words; meaning++, words = exo_ascii_string(words, 1)) {
        if (exo_ascii_word_index(words, word) >= 0) {
            return meaning;
        }
    }
    return NULL;
}

/* Whether a mark, or the part of it up to a tab, goes on at `mark`. */
static bool goes_on(const char *mark)
{
    return *mark && *mark != '\t' && *mark != '\n';
}

/* Where `text` goes on behind the part at `mark` that it begins with, or NULL. */
static const char *behind(const char *text, const char *mark)
{
    while (goes_on(mark)) {
        if (*text == '`') {
            text++;
        } else if (ascii_lower(*text++) != ascii_lower(*mark++)) {
            return NULL;
        }
    }
    return text;
}

bool exo_failure_contains(const char *text, const char *mark)
{
    for (;;) {
        const char *end;
        while ((end = behind(text, mark)) == NULL) {
            if (*text++ == '\0') {
                return false;
            }
        }
        while (goes_on(mark)) {
            mark++;
        }
        if (*mark != '\t') {
            return true;
        }
        text = end;
        mark++;
    }
}

uint8_t exo_failure_signs(const char *text)
{
    unsigned signs = 0;
    unsigned sign = 0;
    for (const char *mark = marks; *mark; mark++) {
        if ((uint8_t)*mark < '\t') {
            sign = (unsigned)*mark++;
        }
        signs |= exo_failure_contains(text, mark) ? sign : 0;
        while (*mark != '\n') {
            mark++;
        }
    }
    return (uint8_t)signs;
}
