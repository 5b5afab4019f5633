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

/* Words that many marks have; in a mark, the number of one stands for it. */
static const char common[] = "context\0token\0exceed\0length\0too long\0model\0limit\0content";
#define CONTEXT_  "\1"
#define TOKEN_    "\2"
#define EXCEED_   "\3"
#define LENGTH_   "\4"
#define TOO_LONG_ "\5"
#define MODEL_    "\6"
#define LIMIT_    "\7"
#define CONTENT_  "\10"

/* Parts of a message, code or type, one a line. Before the first of a kind stands what it is the sign of, and 0x80. */
/* clang-format off */
static const char marks[] =
    "\x81" /* CONTEXT */
    CONTEXT_ "_" LENGTH_ "_" EXCEED_ "ed\n"
    "maximum " CONTEXT_ " " LENGTH_ " is\n"
    EXCEED_ "s the " CONTEXT_ " window\n"
    "prompt is " TOO_LONG_ "\n"
    "input is " TOO_LONG_ " for requested\n"
    "input " TOKEN_ " count\t" EXCEED_ "s the maximum number of " TOKEN_ "s\n"
    "maximum prompt " LENGTH_ " is\n"
    "reduce the " LENGTH_ " of the messages\n"
    "too large for " MODEL_ " with\n"
    CONTEXT_ " " LENGTH_ " is only\n"
    "longer than the " MODEL_ "'s " CONTEXT_ " " LENGTH_ "\n"
    EXCEED_ "_" CONTEXT_ "_size_error\n"
    CONTEXT_ " size has been " EXCEED_ "ed\n"
    "greater than the " CONTEXT_ " " LENGTH_ "\n"
    EXCEED_ "ed " MODEL_ " " TOKEN_ " " LIMIT_ "\n"
    CONTEXT_ " window " EXCEED_ "s " LIMIT_ "\n"
    TOKEN_ "s in request more than max " TOKEN_ "s\n"
    CONTEXT_ "_window_" EXCEED_ "ed\n"
    "range of input " LENGTH_ "\n"
    "inputs " TOKEN_ "s + max_new_" TOKEN_ "s must be\n"
    "ContextWindowExceededError\n" /* LiteLLM */
    TOKEN_ "s_" LIMIT_ "_reached\n" /* GitHub */
    "max_prompt_" TOKEN_ "s_" EXCEED_ "ed\n" /* Copilot */
    EXCEED_ " " CONTEXT_ " " LIMIT_ "\n" /* Anthropic */
    "\x82" /* FILTER */
    CONTENT_ "_policy_violation\n"
    CONTENT_ "_filter\n"
    "ContentPolicyViolationError\n" /* LiteLLM */
    CONTENT_ " management policy\n" /* Azure */
    "data_inspection_failed\n" /* Qwen */
    CONTENT_ " exists risk\n" /* DeepSeek */
    "\x84" /* QUOTA */
    "insufficient_quota\n"
    "insufficient balance\n"
    "insufficient credits\n"
    "credit balance is too low\n" /* Anthropic */
    "free-" MODEL_ "s-per-day\n" /* OpenRouter */
    "\t\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3\n" /* z.ai: the balance is too low */
    "\x88" /* TOPIC */
    "input\n"
    "request\n"
    "messages\n"
    TOKEN_ "s\n"
    "\xA8" /* TOPIC and EXTENT */
    CONTEXT_ "\n"
    "prompt\n"
    "\xA0" /* EXTENT */
    "window\n"
    MODEL_ " " LENGTH_ "\n"
    "input " LENGTH_ "\n"
    TOKEN_ " " LIMIT_ "\n"
    "# " TOKEN_ "\n"
    "\x90" /* BEYOND */
    EXCEED_ "\n"
    TOO_LONG_ "\n"
    "too large\n"
    "longer than\n"
    "larger than\n"
    "greater than\n"
    "maximum\n"
    LIMIT_ "\n"
    "\xC0" /* VETO */
    "per minute\n"
    "per hour\n"
    "per day\n"
    "tpm\n"
    "rpm\n"
    "rate " LIMIT_ "\n"
    "quota\n"
    "credit\n"
    "concurren\n"
    "try again\n"
    "trying again\n"
    "retry in\n"
    "throttl\n"
    "max_" TOKEN_ "s\n"
    "output " TOKEN_ "s\n"
    "completion " TOKEN_ "s\n"
    "images\n"
    "tools\n"
    "array " TOO_LONG_ "\n"
    "string " TOO_LONG_ "\n";
/* clang-format on */

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

/* Whether a byte of a text is what a byte of a mark stands for. */
static bool fits(char byte, char wanted)
{
    return ascii_lower(byte) == ascii_lower(wanted) || (wanted == '#' && ascii_is_digit(byte)) ||
           (wanted == ' ' && (byte == '_' || byte == '-'));
}

/* Whether the text at `*at` begins with the part at `mark`; if so, goes behind it. */
static bool go_behind(const char **at, const char *mark)
{
    const char *text = *at;
    const char *rest = NULL; /* of the mark, behind a common word */
    for (;;) {
        if (!goes_on(mark)) {
            if (!rest) {
                *at = text;
                return true;
            }
            mark = rest;
            rest = NULL;
        } else if ((uint8_t)*mark < '\t') {
            rest = mark + 1;
            mark = exo_ascii_string(common, (size_t)*mark - 1);
        } else if (*text == '`') {
            text++;
        } else if (!fits(*text++, *mark++)) {
            return false;
        }
    }
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
        while (!go_behind(&at, mark)) {
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
