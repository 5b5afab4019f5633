/*
 * failure_words.c: the words and marks that providers use when they fail, and what they mean.
 *
 * It knows no body and no status; failure_body.c asks about words, failure.c about texts. It has no memory.
 */
#include "failure_words.h"

#include "ascii.h"

/* What stands in words and marks for what no text has: the end of one, any text between two parts of a mark, and what
 * many have. */
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
#define ERROR_        "\24"
#define OVERLOADED_   "\25"
#define QUOTA_        "\26"
#define THE_          "\27"
#define UNAVAILABLE_  "\30"
#define API_KEY_      "\31"

/* The words, from CONTEXT_ on. */
static const char common[] =
    "context\0token\0exceed\0 length\0too long\0model\0limit\0content\0input\0maximum\0prompt\0"
    "er than\0insufficient\0window\0request\0policy\0too large\0_error\0overloaded\0quota\0"
    " the \0unavailable\0api_key";
enum {
    LAST_STOP = 2, /* a mark, or a part of it, goes on up to one of these */
    FIRST_WORD,
    LAST_WORD = ' ' - 1
};

/* X(status, sign, sure, words): words that stand alone, and what they mean. The numbers are z.ai's. */
/* clang-format off */
#define MEANING_MAP(X) \
    X(0, CONTEXT, false, "1261") \
    X(0, FILTER, false, "ResponsibleAI" POLICY_ "Violation" END_ "1301") \
    X(0, QUOTA, false, EXCEED_ "ed_current_" QUOTA_ ERROR_ END_ QUOTA_ "_" EXCEED_ "ed" END_ \
      INSUFFICIENT_ "_user_" QUOTA_ END_ INSUFFICIENT_ "_balance" END_ "billing_hard_" LIMIT_ "_reached" END_ \
      "billing_not_active" END_ "Arrearage" END_ "1113" END_ "1304" END_ "1308" END_ "1309" END_ "1310") \
    X(401, 0, true, "invalid_" API_KEY_ END_ "incorrect_" API_KEY_ ERROR_ END_ API_KEY_ "_INVALID" END_ \
      "authentication" ERROR_) \
    X(429, 0, true, "rate_" LIMIT_ "_" EXCEED_ "ed" END_ "rate_" LIMIT_ ERROR_ END_ "rate_" LIMIT_ "ed") \
    X(529, 0, true, OVERLOADED_ ERROR_) \
    X(400, 0, false, "invalid_" REQUEST_ ERROR_) \
    X(403, 0, false, "permission" ERROR_) \
    X(404, 0, false, "not_found" ERROR_ END_ MODEL_ "_not_found") \
    X(408, 0, false, "timeout" ERROR_) \
    X(500, 0, false, "server" ERROR_ END_ "internal" ERROR_ END_ "internal_server" ERROR_ END_ "api" ERROR_) \
    X(503, 0, false, "service_" UNAVAILABLE_ END_ UNAVAILABLE_ ERROR_ END_ OVERLOADED_ END_ "engine_" OVERLOADED_ ERROR_)
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

/* Parts of a message, code or type, each with its END_. Before the first of a kind stands what it is the sign of, and
 * 0x80. */
/* clang-format off */
static const char marks[] =
    "\x81" /* CONTEXT */
    CONTEXT_ LENGTH_ " " EXCEED_ "ed" END_
    MAXIMUM_ " " CONTEXT_ LENGTH_ " is" END_
    EXCEED_ "s" THE_ CONTEXT_ " " WINDOW_ END_
    PROMPT_ " is " TOO_LONG_ END_
    INPUT_ " is " TOO_LONG_ " for " REQUEST_ "ed" END_
    INPUT_ " " TOKEN_ " count" ANY_ EXCEED_ "s" THE_ MAXIMUM_ " number of " TOKEN_ "s" END_
    MAXIMUM_ " " PROMPT_ LENGTH_ " is" END_
    "reduce the" LENGTH_ " of" THE_ "messages" END_
    TOO_LARGE_ " for " MODEL_ " with" END_
    CONTEXT_ LENGTH_ " is only" END_
    "long" ER_THAN_ THE_ MODEL_ "'s " CONTEXT_ LENGTH_ END_
    EXCEED_ " " CONTEXT_ END_ /* "_size_error", Anthropic: " limit" */
    CONTEXT_ " size has been " EXCEED_ "ed" END_
    "great" ER_THAN_ THE_ CONTEXT_ LENGTH_ END_
    EXCEED_ "ed " MODEL_ " " TOKEN_ " " LIMIT_ END_
    CONTEXT_ " " WINDOW_ " " EXCEED_ END_ /* "s limit", "ed" */
    TOKEN_ "s in " REQUEST_ " more than max " TOKEN_ "s" END_
    "range of " INPUT_ LENGTH_ END_
    INPUT_ "s " TOKEN_ "s + max_new_" TOKEN_ "s" END_
    CONTEXT_ WINDOW_ EXCEED_ END_ /* LiteLLM */
    TOKEN_ "s_" LIMIT_ "_reached" END_ /* GitHub */
    "max_" PROMPT_ "_" TOKEN_ "s_" EXCEED_ "ed" END_ /* Copilot */
    "\x82" /* FILTER */
    CONTENT_ "_" POLICY_ "_violation" END_
    CONTENT_ "_filter" END_
    CONTENT_ POLICY_ END_ /* LiteLLM: "ViolationError" */
    CONTENT_ " management " POLICY_ END_ /* Azure */
    "data_inspection" END_ /* Qwen: "_failed" */
    CONTENT_ " exists risk" END_ /* DeepSeek */
    "\x84" /* QUOTA */
    INSUFFICIENT_ "_" QUOTA_ END_
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
    MODEL_ LENGTH_ END_
    INPUT_ LENGTH_ END_
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
    QUOTA_ END_
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

/* Whether a mark, or the part of it up to any text, goes on at `mark`. */
static bool words_goes_on(const char *mark)
{
    return (uint8_t)*mark > LAST_STOP;
}

/* Whether a byte of a text is what a byte of a mark stands for. */
static bool words_fits(const char *text, const char *mark)
{
    return exo_ascii_same(text, mark, 1) || (*mark == '#' && ascii_is_digit(*text)) ||
           (*mark == ' ' && (*text == '_' || *text == '-'));
}

/* Where the text that begins with the part at `mark` goes on behind it; NULL where it does not begin so. */
static const char *words_behind(const char *text, const char *mark)
{
    const char *rest = NULL; /* of the mark, behind a common word */
    for (;;) {
        if (!words_goes_on(mark)) {
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
        } else if (!words_fits(text++, mark++)) {
            return NULL;
        }
    }
}

const struct meaning *exo_failure_meaning(const char *word)
{
    const char *mark = meaning_words;
    for (size_t row = 0; row < sizeof meanings / sizeof *meanings; row++) {
        do {
            const char *end = words_behind(word, mark);
            if (end && *end == '\0') {
                return &meanings[row];
            }
            while (words_goes_on(mark)) {
                mark++;
            }
        } while (*mark++ == *END_);
    }
    return NULL;
}

static bool words_is_alphanumeric(char byte)
{
    const char letter = (char)(byte | 0x20);
    return ascii_is_digit(byte) || (letter >= 'a' && letter <= 'z');
}

static bool words_is_quote(char byte)
{
    return byte == '"' || byte == '\'';
}

/* Where the quotation that begins at `at` ends: at its closing mark, or at the end of the text. `at` itself where none
 * begins: an apostrophe, a closing mark. Quotations within escaped JSON have escaped marks. */
static const char *words_quotation_end(const char *text, const char *at)
{
    static const char no_first[] = " ,:;.)]}"; /* and the NUL */
    const char before = at > text ? at[-1] : ' ';
    const bool escaped = before == '\\';
    const char *end = at + 1;
    if (!words_is_quote(*at) || words_is_alphanumeric(before) || memchr(no_first, *end, sizeof no_first)) {
        return at;
    }
    while (*end && (*end != *at || (end[-1] == '\\') != escaped || words_is_alphanumeric(end[1]))) {
        end++;
    }
    return end;
}

/* Where the next byte of `text` stands that is not quoted; not at the end of `text`. */
static const char *words_step(const char *text, const char *at)
{
    const char *end = words_quotation_end(text, at);
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
    return words_is_quote(*end) ? end + 1 : end;
}

bool exo_failure_contains(const char *text, const char *mark)
{
    const char *at = text;
    do {
        const char *end;
        while (!(end = words_behind(at, mark))) {
            if (*at == '\0') { /* NOLINT(clang-analyzer-core.NullDereference): no text is NULL */
                return false;
            }
            at = words_step(text, at);
        }
        at = end;
        while (words_goes_on(mark)) {
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
