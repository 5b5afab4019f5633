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

/* Parts of a message, code or type, one a line. Before the first of a kind stands what it is the sign of, and 0x80. */
static const char marks[] = "\x81" /* CONTEXT */
                            "context_length_exceeded\n"
                            "maximum context length is\n"
                            "exceeds the context window\n"
                            "prompt is too long\n"
                            "input is too long for requested\n"
                            "input token count\texceeds the maximum number of tokens\n"
                            "maximum prompt length is\n"
                            "reduce the length of the messages\n"
                            "too large for model with\n"
                            "context length is only\n"
                            "longer than the model's context length\n"
                            "exceed_context_size_error\n"
                            "context size has been exceeded\n"
                            "greater than the context length\n"
                            "exceeded model token limit\n"
                            "context window exceeds limit\n"
                            "tokens in request more than max tokens\n"
                            "context_window_exceeded\n"
                            "range of input length\n"
                            "inputs tokens + max_new_tokens must be\n"
                            "ContextWindowExceededError\n" /* LiteLLM */
                            "tokens_limit_reached\n"       /* GitHub */
                            "max_prompt_tokens_exceeded\n" /* Copilot */
                            "exceed context limit\n"       /* Anthropic */
                            "\x82"                         /* FILTER */
                            "content_policy_violation\n"
                            "content_filter\n"
                            "ContentPolicyViolationError\n" /* LiteLLM */
                            "content management policy\n"   /* Azure */
                            "data_inspection_failed\n"      /* Qwen */
                            "content exists risk\n"         /* DeepSeek */
                            "\x84"                          /* QUOTA */
                            "insufficient_quota\n"
                            "insufficient balance\n"
                            "insufficient credits\n"
                            "credit balance is too low\n"                          /* Anthropic */
                            "free-models-per-day\n"                                /* OpenRouter */
                            "\t\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3\n" /* z.ai: the balance is too low */
                            "\x88"                                                 /* TOPIC */
                            "input\nrequest\nmessages\ntokens\n"
                            "\xA8" /* TOPIC and EXTENT */
                            "context\nprompt\n"
                            "\xA0" /* EXTENT */
                            "window\nmodel length\ninput length\ntoken limit\n# token\n"
                            "\x90" /* BEYOND */
                            "exceed\ntoo long\ntoo large\nlonger than\nlarger than\ngreater than\nmaximum\nlimit\n"
                            "\xC0" /* VETO */
                            "per minute\nper hour\nper day\ntpm\nrpm\nrate limit\nquota\ncredit\nconcurren\ntry again\n"
                            "trying again\nretry in\nthrottl\nmax_tokens\noutput tokens\ncompletion tokens\nimages\n"
                            "tools\narray too long\nstring too long\n";

/* The keys whose values are messages, wherever they stand in a text. */
static const char said_keys[] = "message msg error detail code type raw";

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
        const char byte = *text++;
        if (byte != '`') {
            const char wanted = *mark++;
            if (ascii_lower(byte) != ascii_lower(wanted) && !(wanted == '#' && ascii_is_digit(byte)) &&
                !(wanted == ' ' && (byte == '_' || byte == '-'))) {
                return NULL;
            }
        }
    }
    return text;
}

static bool is_alphanumeric(char byte)
{
    return ascii_is_digit(byte) || (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z');
}

static bool is_quote(char byte)
{
    return byte == '"' || byte == '\'';
}

/* Where the quotation that begins at `at` ends: at its closing mark, or at the end of the text. `at` itself where none
 * begins: an apostrophe, a closing mark. Quotations within escaped JSON have escaped marks. */
static const char *quotation_end(const char *text, const char *at)
{
    static const char no_first[] = " ,:;.)]}"; /* and the NUL */
    const bool escaped = at > text && at[-1] == '\\';
    const char *end = at + 1;
    if (!is_quote(*at) || (at > text && is_alphanumeric(at[-1])) || memchr(no_first, *end, sizeof no_first)) {
        return at;
    }
    while (*end && (*end != *at || (end[-1] == '\\') != escaped || is_alphanumeric(end[1]))) {
        end++;
    }
    return end;
}

/* Where the next byte of `text` stands that is not quoted; not at the end of `text`. */
static const char *step(const char *text, const char *at)
{
    const char *end = quotation_end(text, at);
    if (*end == '\0') {
        return end;
    }
    exo_span key = exo_span_of(at + 1, end > at ? (size_t)(end - at) - 1 : 0);
    key.len -= key.len > 0 && end[-1] == '\\';
    if (exo_ascii_word_index(said_keys, &key) < 0) {
        return end + 1;
    }
    do {
        end++;
    } while (*end == ' ' || *end == ':' || *end == '[' || *end == '\\');
    return is_quote(*end) ? end + 1 : end;
}

bool exo_failure_contains(const char *text, const char *mark)
{
    const char *at = text;
    for (;;) {
        const char *end;
        while ((end = behind(at, mark)) == NULL) {
            if (*at == '\0') {
                return false;
            }
            at = step(text, at);
        }
        while (goes_on(mark)) {
            mark++;
        }
        if (*mark != '\t') {
            return true;
        }
        at = end;
        mark++;
    }
}

uint8_t exo_failure_signs(const char *text)
{
    unsigned signs = 0;
    unsigned sign = 0;
    for (const char *mark = marks; *mark; mark++) {
        if ((uint8_t)*mark >= 0x80) {
            sign = (unsigned)*mark++ & 0x7F;
        }
        signs |= exo_failure_contains(text, mark) ? sign : 0;
        while (*mark != '\n') {
            mark++;
        }
    }
    return (uint8_t)signs;
}
