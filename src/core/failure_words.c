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

/* What stands in marks for what no text has: the end of a mark, any text between two parts of it, and words that many
 * have. */
#define END_          "\1"
#define ANY_          "\2"
#define CONTEXT_      "\3"
#define TOKEN_        "\4"
#define EXCEED_       "\5"
#define LENGTH_       "\6"
#define TOO_LONG_     "\7"
#define MODEL_        "\10"
#define LIMIT_        "\11"
#define CONTENT_      "\12"
#define INPUT_        "\13"
#define MAXIMUM_      "\14"
#define PROMPT_       "\15"
#define ER_THAN_      "\16"
#define INSUFFICIENT_ "\17"
#define WINDOW_       "\20"
#define REQUEST_      "\21"
#define POLICY_       "\22"
#define TOO_LARGE_    "\23"

/* The words, from CONTEXT_ on. */
static const char common[] = "context\0token\0exceed\0length\0too long\0model\0limit\0content\0input\0maximum\0prompt\0"
                             "er than\0insufficient\0window\0request\0policy\0too large";
enum {
    LAST_STOP = 2, /* a mark, or a part of it, goes on up to one of these */
    FIRST_WORD,
    LAST_WORD = ' ' - 1
};

/* Parts of a message, code or type, each with its END_. Before the first of a kind stands what it is the sign of, and
 * 0x80. */
/* clang-format off */
static const char marks[] =
    "\x81" /* CONTEXT */
    CONTEXT_ "_" LENGTH_ "_" EXCEED_ "ed" END_
    MAXIMUM_ " " CONTEXT_ " " LENGTH_ " is" END_
    EXCEED_ "s the " CONTEXT_ " " WINDOW_ END_
    PROMPT_ " is " TOO_LONG_ END_
    INPUT_ " is " TOO_LONG_ " for " REQUEST_ "ed" END_
    INPUT_ " " TOKEN_ " count" ANY_ EXCEED_ "s the " MAXIMUM_ " number of " TOKEN_ "s" END_
    MAXIMUM_ " " PROMPT_ " " LENGTH_ " is" END_
    "reduce the " LENGTH_ " of the messages" END_
    TOO_LARGE_ " for " MODEL_ " with" END_
    CONTEXT_ " " LENGTH_ " is only" END_
    "long" ER_THAN_ " the " MODEL_ "'s " CONTEXT_ " " LENGTH_ END_
    EXCEED_ "_" CONTEXT_ "_size_error" END_
    CONTEXT_ " size has been " EXCEED_ "ed" END_
    "great" ER_THAN_ " the " CONTEXT_ " " LENGTH_ END_
    EXCEED_ "ed " MODEL_ " " TOKEN_ " " LIMIT_ END_
    CONTEXT_ " " WINDOW_ " " EXCEED_ "s " LIMIT_ END_
    TOKEN_ "s in " REQUEST_ " more than max " TOKEN_ "s" END_
    CONTEXT_ "_" WINDOW_ "_" EXCEED_ "ed" END_
    "range of " INPUT_ " " LENGTH_ END_
    INPUT_ "s " TOKEN_ "s + max_new_" TOKEN_ "s must be" END_
    CONTEXT_ WINDOW_ EXCEED_ "edError" END_ /* LiteLLM */
    TOKEN_ "s_" LIMIT_ "_reached" END_ /* GitHub */
    "max_" PROMPT_ "_" TOKEN_ "s_" EXCEED_ "ed" END_ /* Copilot */
    EXCEED_ " " CONTEXT_ " " LIMIT_ END_ /* Anthropic */
    "\x82" /* FILTER */
    CONTENT_ "_" POLICY_ "_violation" END_
    CONTENT_ "_filter" END_
    CONTENT_ POLICY_ "ViolationError" END_ /* LiteLLM */
    CONTENT_ " management " POLICY_ END_ /* Azure */
    "data_inspection_failed" END_ /* Qwen */
    CONTENT_ " exists risk" END_ /* DeepSeek */
    "\x84" /* QUOTA */
    INSUFFICIENT_ "_quota" END_
    INSUFFICIENT_ " balance" END_
    INSUFFICIENT_ " credits" END_
    "credit balance is too low" END_ /* Anthropic */
    "free-" MODEL_ "s-per-day" END_ /* OpenRouter */
    ANY_ "\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3" END_ /* z.ai: the balance is too low */
    "\x88" /* TOPIC */
    INPUT_ END_
    REQUEST_ END_
    "messages" END_
    TOKEN_ "s" END_
    "\xA8" /* TOPIC and EXTENT */
    CONTEXT_ END_
    PROMPT_ END_
    "\xA0" /* EXTENT */
    WINDOW_ END_
    MODEL_ " " LENGTH_ END_
    INPUT_ " " LENGTH_ END_
    TOKEN_ " " LIMIT_ END_
    "# " TOKEN_ END_
    "\x90" /* BEYOND */
    EXCEED_ END_
    TOO_LONG_ END_
    TOO_LARGE_ END_
    "long" ER_THAN_ END_
    "larg" ER_THAN_ END_
    "great" ER_THAN_ END_
    MAXIMUM_ END_
    LIMIT_ END_
    "\xC0" /* VETO */
    "per minute" END_
    "per hour" END_
    "per day" END_
    "tpm" END_
    "rpm" END_
    "rate " LIMIT_ END_
    "quota" END_
    "credit" END_
    "concurren" END_
    "try again" END_
    "trying again" END_
    "retry in" END_
    "throttl" END_
    "max_" TOKEN_ "s" END_
    "output " TOKEN_ "s" END_
    "completion " TOKEN_ "s" END_
    "images" END_
    "tools" END_
    "array " TOO_LONG_ END_
    "string " TOO_LONG_ END_;
/* clang-format on */

/* The keys whose values are messages, wherever they stand in a text. */
static const char said_keys[] = "message msg error detail code type raw";

const struct meaning *exo_failure_meaning(const exo_span *word)
{
    const int index = exo_ascii_list_index(meaning_words, word);
    return index >= 0 ? &meanings[index] : NULL;
}

/* Whether a mark, or the part of it up to any text, goes on at `mark`. */
static bool goes_on(const char *mark)
{
    return (uint8_t)*mark > LAST_STOP;
}

/* Whether a byte of a text is what a byte of a mark stands for. */
static bool fits(const char *text, const char *mark)
{
    return exo_ascii_same(text, mark, 1) || (*mark == '#' && ascii_is_digit(*text)) ||
           (*mark == ' ' && (*text == '_' || *text == '-'));
}

/* Where the text that begins with the part at `mark` goes on behind it; NULL where it does not begin so. */
static const char *behind(const char *text, const char *mark)
{
    const char *rest = NULL; /* of the mark, behind a common word */
    for (;;) {
        if (!goes_on(mark)) {
            if (!rest) {
                return text;
            }
            mark = rest;
            rest = NULL;
        } else if ((uint8_t)*mark <= LAST_WORD) {
            rest = mark + 1;
            mark = exo_ascii_string(common, (size_t)*mark - FIRST_WORD);
        } else if (*text == '`') {
            text++;
        } else if (!fits(text++, mark++)) {
            return NULL;
        }
    }
}

static bool is_alphanumeric(char byte)
{
    const char letter = (char)(byte | 0x20);
    return ascii_is_digit(byte) || (letter >= 'a' && letter <= 'z');
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
    const char before = at > text ? at[-1] : ' ';
    const bool escaped = before == '\\';
    const char *end = at + 1;
    if (!is_quote(*at) || is_alphanumeric(before) || memchr(no_first, *end, sizeof no_first)) {
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
    if (end == at) {
        return end + 1;
    }
    if (*end == '\0') {
        return end;
    }
    const exo_span key = exo_span_of(at + 1, (size_t)(end - at) - (end[-1] == '\\' ? 2 : 1));
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
    do {
        const char *end;
        while (!(end = behind(at, mark))) {
            if (*at == '\0') {
                return false;
            }
            at = step(text, at);
        }
        at = end;
        while (goes_on(mark)) {
            mark++;
        }
    } while (*mark++ == *ANY_);
    return true;
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
        while (*mark != *END_) {
            mark++;
        }
    }
    return (uint8_t)signs;
}
