/*
 * failure.c: the tables of what providers say when they fail, and the one walk over an error body that fills them in.
 *
 * It reads, decides and forgets: nothing is sent, waited for or retried here, and no key is known here. The client
 * calls it for every response that is not 2xx and for every error in a stream; the router only sees what it decided.
 *
 * A body is walked token by token, along the paths of `edges`; whatever lies beside them is skipped unread, so an
 * echo of the prompt decides nothing. Memory is the failure itself and some 2 KB of stack; time is linear in the
 * body.
 */
#include "exochat/failure.h"

#include "exochat/json_read.h"

/* Where in a body an object stands; a bit each, so that one edge may begin in several. */
enum place {
    NOWHERE = 0, /* an object that nothing is known of */
    TOP = 1,
    CHUNK = 2, /* in place of TOP when there are choices: message and code may then mean something else */
    ERROR = 4,
    META = 8,  /* OpenRouter's metadata, Azure's innererror */
    BASE = 16, /* MiniMax's base_resp */
    GROQ = 32  /* Groq's x_groq */
};

/* What a number or string means that an edge leads to. */
enum field {
    NOTHING,
    MESSAGE,
    CAUSE, /* a message that says more than the one before it */
    TYPE,
    CODE,
    STATUS, /* a number: the status; a word: a type for want of a better one */
    WORD,   /* heeded, and not kept */
    REQUEST_ID,
    DELAY,
    QUOTA_ID,
    FLAGGED,
    BASE_CODE,
    BASE_MESSAGE,
    CHOICES
};

/* From an object at one of the places `in`, each of `keys` leads to a scalar that means `field`, or to an object or a
 * list of objects that stand at `to`; the scalars of such a list mean `field` too. */
static const struct edge {
    uint8_t in;
    uint8_t field;
    uint8_t to;
    const char *keys;
} edges[] = {
    {TOP | CHUNK | ERROR | GROQ, MESSAGE, ERROR, "error errors fault"},
    {TOP | ERROR, MESSAGE, ERROR, "message msg detail details violations faultstring"},
    {TOP | ERROR, TYPE, NOWHERE, "type error_type"},
    {TOP | ERROR, CODE, NOWHERE, "code errorcode"},
    {TOP | ERROR, STATUS, NOWHERE, "status status_code statusCode"},
    {TOP | CHUNK | ERROR, REQUEST_ID, NOWHERE, "request_id"},
    {TOP | ERROR, NOTHING, META, "metadata innererror"},
    {TOP | ERROR, QUOTA_ID, NOWHERE, "quotaId"},
    {TOP | ERROR | META, WORD, NOWHERE, "code reason"},
    {TOP | ERROR | META, DELAY, NOWHERE, "retryDelay retry_after_seconds"},
    {META, CAUSE, ERROR, "raw"},
    {META, FLAGGED, NOWHERE, "flagged_input"},
    {TOP | CHUNK, NOTHING, BASE, "base_resp"},
    {BASE, BASE_CODE, NOWHERE, "status_code"},
    {BASE, BASE_MESSAGE, NOWHERE, "status_msg"},
    {TOP | CHUNK, NOTHING, GROQ, "x_groq"},
    {GROQ, REQUEST_ID, NOWHERE, "id"},
    {TOP, CHOICES, NOWHERE, "choices"},
};

/* The longest key of them fits. */
#define KEY_MAX 32

/* What a word or mark says, whatever the status is. */
enum sign {
    CONTEXT = 1,
    FILTER = 2,
    QUOTA = 4
};

/* Words that stand alone as a code, a type or a reason, in any case. A `sure` one beats the status of the response; the
 * others name one only where there is none, inside a stream. The numbers are z.ai's. */
static const struct vocabulary {
    uint16_t status;
    uint8_t sign;
    bool sure;
    const char *words;
} vocabularies[] = {
    {0, CONTEXT, false, "1261"},
    {0, FILTER, false, "ResponsibleAIPolicyViolation 1301"},
    {0, QUOTA, false,
     "exceeded_current_quota_error quota_exceeded insufficient_user_quota insufficient_balance "
     "billing_hard_limit_reached billing_not_active Arrearage 1113 1304 1308 1309 1310"},
    {401, 0, true, "invalid_api_key incorrect_api_key_error API_KEY_INVALID authentication_error"},
    {429, 0, true, "rate_limit_exceeded rate_limit_error rate_limited"},
    {529, 0, true, "overloaded_error"},
    {400, 0, false, "invalid_request_error"},
    {403, 0, false, "permission_error"},
    {404, 0, false, "not_found_error model_not_found"},
    {408, 0, false, "timeout_error"},
    {500, 0, false, "server_error internal_error internal_server_error api_error"},
    {503, 0, false, "service_unavailable unavailable_error overloaded engine_overloaded_error"},
};

/* Parts of a message, code or type, one a line, in any case; a tab stands for any text. Backquotes do not count. */
static const char context_marks[] = "context_length_exceeded\n"
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
                                    "litellm.ContextWindowExceededError";
static const char filter_marks[] = "content_policy_violation\n"
                                   "content_filter\n"
                                   "ContentPolicyViolationError\n" /* LiteLLM */
                                   "content management policy\n"   /* Azure */
                                   "data_inspection_failed\n"      /* Qwen */
                                   "content exists risk";          /* DeepSeek */
static const char quota_marks[] = "insufficient_quota\n"
                                  "insufficient balance\n"
                                  "insufficient credits\n"
                                  "credit balance is too low\n"                       /* Anthropic */
                                  "free-models-per-day\n"                             /* OpenRouter */
                                  "\xE4\xBD\x99\xE9\xA2\x9D\xE4\xB8\x8D\xE8\xB6\xB3"; /* z.ai: the balance is too low */

/* What base_resp.status_code means: a status, or 0 for a content filter. */
static const uint16_t minimax_codes[][2] = {
    {1000, 500}, {1001, 408}, {1002, 429}, {1004, 401}, {1008, 402}, {1024, 500}, {1026, 0},
    {1027, 0},   {1033, 500}, {1039, 429}, {2013, 400}, {2049, 401}, {2056, 402},
};

/* Headers, the worst source of a delay or an id first: the index is the rank. */
static const char header_names[] = "x-should-retry retry-after retry-after-ms cf-ray apim-request-id "
                                   "x-groq-request-id request-id x-request-id";
enum header {
    SHOULD_RETRY,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    CF_RAY
};

/* A delay in the body is worse than all of them; an id replaces that of Cloudflare. */
enum {
    BODY_DELAY_RANK = SHOULD_RETRY,
    BODY_ID_RANK = CF_RAY
};

enum advice {
    ADVICE_NONE,
    ADVICE_RETRY,
    ADVICE_LEAVE
};

/* The most seconds or milliseconds that a delay is read as (RFC 9111, 1.2.2, for seconds). */
#define UNITS_MAX UINT32_C(2147483648)

/* The first second that no date of four digits reaches. */
#define YEAR_10000 INT64_C(253402300800)

/* The room for a word, enough for the longest of the fields. */
#define WORD_MAX sizeof(((exo_failure *)0)->request_id)

/* A stringified body is looked into as far as this many bytes. */
#define NESTED_MAX 1024

/* The fewest bytes of a secret that give it away at the end of a field. */
#define SECRET_PART 12

/* What one body has said so far. */
struct reading {
    exo_failure *failure; /* NULL: only find out whether there is an error */
    exo_span nested;      /* a message or cause that seems to be JSON itself */
    exo_span opaque;      /* a body of no known shape: shown, and not judged */
    exo_span base_message;
    int64_t base_code;
    uint16_t number; /* the status as a number */
    uint16_t sure;   /* the status by a sure word */
    uint16_t likely; /* the status by another word */
    uint8_t signs;
    uint8_t number_rank;
    uint8_t type_rank;
    uint8_t code_rank;
    bool found; /* it reports an error */
    bool choices;
    bool said;   /* there was a message */
    bool cause;  /* the next message is the cause of the last */
    bool inside; /* this is the nested body, which knows better than the outer one */
    bool nested_is_cause;
    bool opaque_is_escaped;
};

/* What the next value means. */
struct slot {
    uint8_t to;
    uint8_t field;
};

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static bool same_letters(const char *one, const char *other, size_t len)
{
    for (; len > 0 && lower(*one) == lower(*other); len--) {
        one++;
        other++;
    }
    return len == 0;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static exo_span skip(exo_span text, size_t len)
{
    return exo_span_of(text.ptr + len, text.len - len);
}

static exo_span trim(exo_span text)
{
    while (text.len > 0 && is_space(text.ptr[0])) {
        text = skip(text, 1);
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* The index of a word in a list with a space between two words, or -1. */
static int word_index(const char *words, exo_span word)
{
    for (int index = 0; *words; index++) {
        size_t len = 0;
        while (words[len] > ' ') {
            len++;
        }
        if (len == word.len && same_letters(words, word.ptr, len)) {
            return index;
        }
        words += len;
        words += *words == ' ';
    }
    return -1;
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
        } else if (lower(*text++) != lower(*mark++)) {
            return NULL;
        }
    }
    return text;
}

/* Whether the mark that ends with NUL or a line's end occurs in `text`. */
static bool contains(const char *text, const char *mark)
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

static bool contains_any(const char *text, const char *marks)
{
    for (;;) {
        if (contains(text, marks)) {
            return true;
        }
        while (*marks && *marks != '\n') {
            marks++;
        }
        if (*marks++ == '\0') {
            return false;
        }
    }
}

/* Appends valid UTF-8 to a field, a space for each control character. Returns whether all of it fitted. */
static bool put(char *dst, size_t size, exo_span text)
{
    size_t len = strlen(dst);
    size_t take = text.len;
    if (take > size - 1 - len) {
        take = size - 1 - len;
        while (take > 0 && ((uint8_t)text.ptr[take] & 0xC0) == 0x80) {
            take--;
        }
    }
    for (size_t i = 0; i < take; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        bool c1 = byte == 0xC2 && (uint8_t)text.ptr[i + 1] < 0xA0;
        dst[len++] = byte < ' ' || byte == 0x7F || c1 ? ' ' : (char)byte;
        i += c1;
    }
    dst[len] = '\0';
    return take == text.len;
}

/* The same of what stands between quotation marks in JSON. */
static bool put_escaped(char *dst, size_t size, exo_span text)
{
    char scratch[EXO_JSON_SCRATCH];
    exo_json_decoder decoder;
    exo_span fragment;
    bool last;
    exo_json_decoder_init(&decoder, text);
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        if (!put(dst, size, fragment)) {
            return false;
        }
    }
    return true;
}

/* The same of any bytes. Without a reverse solidus they are their own JSON, and the decoder mends their UTF-8. */
static bool put_text(char *dst, size_t size, exo_span text)
{
    while (text.len > 0) {
        const char *slash = memchr(text.ptr, '\\', text.len);
        exo_span run = exo_span_of(text.ptr, slash ? (size_t)(slash - text.ptr) : text.len);
        if (run.len == 0) {
            run.len = 1;
            if (!put(dst, size, run)) {
                return false;
            }
        } else if (!put_escaped(dst, size, run)) {
            return false;
        }
        text = skip(text, run.len);
    }
    return true;
}

/* Adds to the message, behind a separator, unless it says the same already. */
static void say(struct reading *reading, exo_span text, bool escaped)
{
    exo_failure *failure = reading->failure;
    reading->found = reading->said = true;
    if (!failure || failure->cut) {
        return;
    }
    char *message = failure->message;
    const size_t size = sizeof failure->message;
    size_t old = strlen(message);
    if (old > 0) {
        put(message, size, exo_span_text(reading->cause ? ": " : "; "));
    }
    size_t begin = strlen(message);
    bool cut = !(escaped ? put_escaped : put_text)(message, size, text);
    size_t end = strlen(message);
    while (end > begin && message[end - 1] == ' ') {
        message[--end] = '\0';
    }
    char first = message[old];
    message[old] = '\0';
    bool again = old > 0 && end > begin && contains(message, message + begin);
    if (end > begin && !again) {
        message[old] = first;
    }
    failure->cut = cut && !again;
}

/* Stores a delay, unless a better source has given one. */
static void set_delay(exo_failure *failure, uint8_t rank, int64_t delay)
{
    if (failure && delay >= 0 && rank >= failure->delay_rank_) {
        failure->retry_after = delay;
        failure->delay_rank_ = rank;
    }
}

static void set_request_id(exo_failure *failure, uint8_t rank, exo_span id)
{
    failure->id_rank_ = rank;
    failure->request_id[0] = '\0';
    put_text(failure->request_id, sizeof failure->request_id, id);
}

/* A number, with or without a fraction, of units of so many milliseconds, or -1 if it is not one. */
static int64_t decimal(exo_span text, uint32_t unit)
{
    uint32_t whole = 0;
    uint32_t part = 0;
    uint32_t place = 0; /* what a digit behind the point is worth */
    bool digits = false;
    bool point = false;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t digit = (uint32_t)(text.ptr[i] - '0');
        if (text.ptr[i] == '.' && !point) {
            point = true;
            place = unit;
            continue;
        }
        if (digit > 9) {
            return -1;
        }
        digits = true;
        place /= 10;
        part += digit * place;
        if (!point) {
            whole = whole > (UNITS_MAX - digit) / 10 ? UNITS_MAX : whole * 10 + digit;
        }
    }
    return digits ? (int64_t)whole * unit + part : -1;
}

/* The numbers of a date, in the order of their letters in `date_shapes`. */
enum part {
    YEAR,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    PARTS
};
static const char part_letters[] = "ydhms";

/* The three forms of RFC 9110, 5.6.7, the first two without the weekday and its comma. An a is any byte; the three of
 * the month stand at the same place in all of them. */
static const char date_shapes[][26] = {" dd aaa yyyy hh:mm:ss GMT", " dd-aaa-yy hh:mm:ss GMT",
                                       "aaa aaa dd hh:mm:ss yyyy"};
#define MONTH_AT 4

/* The shape that has but two digits of the year. */
#define TWO_DIGITS 1

/* Reads the numbers of a date that has the shape. */
static bool read_date(exo_span text, const char *shape, unsigned parts[PARTS])
{
    memset(parts, 0, PARTS * sizeof *parts);
    if (strlen(shape) != text.len) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        const char *letter = memchr(part_letters, shape[i], PARTS);
        if (letter && is_digit(byte)) {
            unsigned *part = &parts[letter - part_letters];
            *part = *part * 10 + (unsigned)(byte - '0');
        } else if (letter) {
            bool padding = byte == ' ' && *letter == 'd' && shape[i - 1] != 'd';
            if (!padding) {
                return false;
            }
        } else if (shape[i] != 'a' && shape[i] != byte) {
            return false;
        }
    }
    return true;
}

/* Seconds since 1970 UTC, or -1 for a day or a time that never was, or one before 1970. */
static int64_t date_seconds(const unsigned parts[PARTS], int month)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = parts[YEAR];
    unsigned before = year - 1;
    unsigned leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    unsigned days = year * 365 + before / 4 - before / 100 + before / 400 + parts[DAY] - 1;
    if (year < 1970 || month < 0 || parts[DAY] < 1 || parts[DAY] > lengths[month] + (month == 1 ? leap : 0) ||
        parts[HOUR] > 23 || parts[MINUTE] > 59 || parts[SECOND] > 60) {
        return -1;
    }
    for (days += month > 1 ? leap : 0; month > 0; month--) {
        days += lengths[month - 1];
    }
    days -= 1970 * 365 + 1969 / 4 - 1969 / 100 + 1969 / 400;
    return (int64_t)days * 86400 + (parts[HOUR] * 60 + parts[MINUTE]) * 60 + parts[SECOND];
}

/* The delay until a date, in milliseconds, or -1. */
static int64_t until_date(exo_span text, int64_t wall_now)
{
    const char *comma = memchr(text.ptr, ',', text.len);
    unsigned parts[PARTS];
    if (comma) {
        text = skip(text, (size_t)(comma + 1 - text.ptr));
    }
    for (size_t i = 0; i < sizeof date_shapes / sizeof *date_shapes; i++) {
        if (!read_date(text, date_shapes[i], parts)) {
            continue;
        }
        if (i == TWO_DIGITS) { /* never more than 50 years ahead */
            unsigned this_year = 1970 + (unsigned)(wall_now / 31556952);
            parts[YEAR] += this_year - this_year % 100 + 100;
            while (parts[YEAR] > this_year + 50) {
                parts[YEAR] -= 100;
            }
        }
        int month = word_index("jan feb mar apr may jun jul aug sep oct nov dec", exo_span_of(text.ptr + MONTH_AT, 3));
        int64_t seconds = date_seconds(parts, month) - wall_now;
        return seconds < 0 ? -1 : (seconds > UNITS_MAX ? UNITS_MAX : seconds) * 1000;
    }
    return -1;
}

int64_t exo_retry_after(exo_span value, int64_t wall_now)
{
    value = trim(value);
    int64_t delay = decimal(value, 1000);
    bool dated = delay < 0 && value.len > 0 && wall_now > 0 && wall_now < YEAR_10000;
    return dated ? until_date(value, wall_now) : delay;
}

/* Draws the conclusions from a code, a type or a reason. At the top of a body, numbers are not z.ai's. */
static void heed(struct reading *reading, const char *word, uint8_t place, uint8_t rank)
{
    int64_t number = decimal(exo_span_text(word), 1);
    if (number >= 400 && number <= 599 && rank > reading->number_rank) {
        reading->number = (uint16_t)number;
        reading->number_rank = rank;
        reading->found = true;
    }
    if (is_digit(word[0]) && place == TOP) {
        return;
    }
    for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++) {
        const struct vocabulary *vocabulary = &vocabularies[i];
        if (word_index(vocabulary->words, exo_span_text(word)) >= 0) {
            uint16_t *status = vocabulary->sure ? &reading->sure : &reading->likely;
            *status = *status ? *status : vocabulary->status;
            reading->signs |= vocabulary->sign;
            reading->found = true;
        }
    }
}

/* Keeps a code or a type, if none of higher rank is there. */
static void keep(struct reading *reading, uint8_t field, const char *word, uint8_t rank)
{
    uint8_t *known = field == CODE ? &reading->code_rank : &reading->type_rank;
    if (rank <= *known) {
        return;
    }
    *known = rank;
    if (reading->failure) {
        char *dst = field == CODE ? reading->failure->provider_code : reading->failure->type;
        *dst = '\0';
        put(dst, sizeof reading->failure->type, exo_span_text(word));
    }
}

/* A message. One that may be JSON itself is put off until the walk is over, so that only one walk is under way; of
 * several the cause is kept. */
static void take_message(struct reading *reading, uint8_t field, const exo_json_token *token)
{
    exo_span text = token->text;
    reading->found |= token->type == EXO_JSON_TRUE;
    if (token->type != EXO_JSON_STRING || text.len == 0) {
        return;
    }
    if (!reading->inside) {
        reading->cause = field == CAUSE;
    }
    if (reading->inside || (text.ptr[0] != '{' && text.ptr[0] != '[')) {
        say(reading, text, true);
    } else if (reading->nested.len == 0 || reading->cause) {
        reading->nested = text;
        reading->nested_is_cause = reading->cause;
        reading->found = true;
    }
}

/* A string or number that is short enough to be a word. */
static void take_word(struct reading *reading, uint8_t place, uint8_t field, const exo_json_token *token)
{
    char word[WORD_MAX];
    uint8_t rank = (uint8_t)((place == TOP ? 2 : 4) + (reading->inside ? 4 : 0) - (field == STATUS));
    size_t len = exo_json_copy(token, word, sizeof word);
    if (token->type == EXO_JSON_NUMBER) {
        put(word, sizeof word, token->text);
        len = strlen(word);
    }
    if (len == 0) {
        return;
    }
    switch (field) {
    case REQUEST_ID:
        if (reading->failure && reading->failure->id_rank_ <= BODY_ID_RANK) {
            set_request_id(reading->failure, BODY_ID_RANK, exo_span_of(word, len));
        }
        break;
    case DELAY:
        len -= word[len - 1] == 's';
        set_delay(reading->failure, BODY_DELAY_RANK, decimal(exo_span_of(word, len), 1000));
        break;
    case QUOTA_ID:
        reading->signs |= contains(word, "PerDay") ? QUOTA : 0;
        break;
    default:
        heed(reading, word, place, rank);
        if (field == CODE || field == TYPE || (field == STATUS && token->type == EXO_JSON_STRING)) {
            reading->found |= place != TOP;
            keep(reading, field, word, rank);
        }
        break;
    }
}

static void take(struct reading *reading, uint8_t place, uint8_t field, const exo_json_token *token)
{
    if (token->type == EXO_JSON_NULL || token->type == EXO_JSON_FALSE) {
        return;
    }
    switch (field) {
    case NOTHING:
        break;
    case MESSAGE:
    case CAUSE:
        take_message(reading, field, token);
        break;
    case FLAGGED:
        reading->signs |= FILTER;
        break;
    case BASE_CODE:
        exo_json_int64(token, &reading->base_code);
        break;
    case BASE_MESSAGE:
        reading->base_message = token->text;
        break;
    default:
        take_word(reading, place, field, token);
        break;
    }
}

/* What a key leads to. */
static struct slot follow(uint8_t place, const exo_json_token *key)
{
    char word[KEY_MAX];
    exo_span name = exo_span_of(word, exo_json_copy(key, word, sizeof word));
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        if ((edges[i].in & place) && word_index(edges[i].keys, name) >= 0) {
            return (struct slot){edges[i].to, edges[i].field};
        }
    }
    return (struct slot){NOWHERE, NOTHING};
}

/* A body may have been cut inside the message: what there is of the string that begins in `rest` is taken all the same,
 * without an escape that is not whole. */
static void take_rest(struct reading *reading, uint8_t field, exo_span rest)
{
    while (rest.len > 0 && (is_space(rest.ptr[0]) || rest.ptr[0] == ',')) {
        rest = skip(rest, 1);
    }
    if ((field != MESSAGE && field != CAUSE) || rest.len == 0 || rest.ptr[0] != '"') {
        return;
    }
    exo_json_token token = {EXO_JSON_STRING, false, skip(rest, 1), rest};
    for (size_t back = 1; back <= 5 && back <= token.text.len; back++) {
        size_t at = token.text.len - back;
        if (token.text.ptr[at] == '\\') {
            bool whole = at > 0 && token.text.ptr[at - 1] == '\\';
            token.text.len = whole ? token.text.len : at;
            break;
        }
    }
    take_message(reading, field, &token);
}

/* Walks over a JSON text whose outermost object stands at `start`, as far as it can be read. */
static void walk(struct reading *reading, exo_span text, uint8_t start)
{
    struct slot levels[EXO_JSON_DEPTH_MAX + 1];
    struct slot next = {start, MESSAGE};
    uint8_t place = start;
    size_t depth = 0;
    exo_json_reader reader;
    exo_json_token token;
    exo_json_reader_init(&reader, text, EXO_JSON_DEPTH_MAX, true);
    levels[0] = next;
    for (;;) {
        size_t before = reader.at;
        int status = exo_json_next(&reader, &token);
        if (status != EXO_EVENT) {
            take_rest(reading, next.field, exo_span_of(text.ptr + before, reader.at - before));
            return;
        }
        switch (token.type) {
        case EXO_JSON_KEY:
            place = levels[depth].to;
            next = follow(place, &token);
            reading->choices |= next.field == CHOICES;
            break;
        case EXO_JSON_ARRAY:
            levels[++depth] = next;
            break;
        case EXO_JSON_OBJECT:
            levels[++depth] = (struct slot){next.to, NOTHING};
            next = levels[depth];
            break;
        case EXO_JSON_ARRAY_END:
        case EXO_JSON_OBJECT_END:
            next = levels[--depth];
            break;
        default:
            take(reading, place, next.field, &token);
            next = levels[depth];
            break;
        }
    }
}

/* Looks into a message or cause that seems to be JSON. What says nothing in this way was text; an object is then kept
 * out of the way of the marks, for it may hold an echo. */
static void walk_nested(struct reading *reading)
{
    char scratch[NESTED_MAX];
    exo_json_token token = {EXO_JSON_STRING, false, reading->nested, reading->nested};
    size_t len = exo_json_copy(&token, scratch, sizeof scratch);
    reading->inside = true;
    reading->cause = reading->nested_is_cause;
    reading->said = false;
    walk(reading, exo_span_of(scratch, len), TOP);
    if (reading->said) {
        return;
    }
    if (scratch[0] == '[') {
        say(reading, reading->nested, true);
    } else {
        reading->opaque = reading->nested;
        reading->opaque_is_escaped = true;
    }
}

/* The text of an HTML page's title, or what to say of one without. */
static exo_span page_title(exo_span page)
{
    static const char tag[] = "<title";
    const char *end = page.ptr + page.len;
    const char *at = page.ptr;
    while ((size_t)(end - at) >= sizeof tag && !same_letters(at, tag, sizeof tag - 1)) {
        at++;
    }
    page.len = 0;
    if ((size_t)(end - at) >= sizeof tag && (at = memchr(at, '>', (size_t)(end - at))) != NULL) {
        page = exo_span_of(at + 1, (size_t)(end - at) - 1);
        const char *close = memchr(page.ptr, '<', page.len);
        page.len = close ? (size_t)(close - page.ptr) : page.len;
    }
    page = trim(page);
    return page.len > 0 ? page : exo_span_text("HTML page");
}

/* Takes MiniMax's own code for what it means. */
static void heed_base_code(struct reading *reading)
{
    if (reading->base_code == 0) {
        return;
    }
    reading->found = true;
    for (size_t i = 0; i < sizeof minimax_codes / sizeof *minimax_codes; i++) {
        if (minimax_codes[i][0] == reading->base_code) {
            reading->number = minimax_codes[i][1];
            reading->signs |= reading->number ? 0 : FILTER;
        }
    }
    if (reading->base_message.len > 0) {
        say(reading, reading->base_message, true);
    }
}

/* Reads a body of any kind, with its outermost object at `start`. */
static void read_body(struct reading *reading, exo_span body, uint8_t start)
{
    if (body.len >= 3 && memcmp(body.ptr, "\xEF\xBB\xBF", 3) == 0) {
        body = skip(body, 3);
    }
    body = trim(body);
    if (body.len == 0) {
        return;
    }
    if (body.ptr[0] == '<') {
        say(reading, page_title(body), false);
    } else if (body.ptr[0] != '{' && body.ptr[0] != '[' && body.ptr[0] != '"') {
        if (exo_json_check(body, 1, NULL) != EXO_OK) {
            say(reading, body, false);
        }
    } else {
        walk(reading, body, start);
        if (reading->nested.len > 0 && reading->failure) {
            walk_nested(reading);
        }
        heed_base_code(reading);
        if (!reading->found) {
            reading->opaque = body;
        }
    }
}

/* What the fields that are judged by say beyond their words. */
static uint8_t find_marks(const exo_failure *failure)
{
    const char *const fields[] = {failure->message, failure->provider_code, failure->type};
    uint8_t signs = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        signs |= contains_any(fields[i], context_marks) ? CONTEXT : 0;
        signs |= contains_any(fields[i], filter_marks) ? FILTER : 0;
        signs |= contains_any(fields[i], quota_marks) ? QUOTA : 0;
    }
    return signs;
}

/* The status that a body names, or else that of the response. */
static uint16_t effective_status(const struct reading *reading, uint16_t http_status)
{
    if (http_status >= 300 && http_status < 400) {
        return http_status;
    }
    uint16_t named = reading->sure == 401 || reading->number == 0 ? reading->sure : reading->number;
    if (named || http_status >= 400) {
        return named ? named : http_status;
    }
    if (reading->signs) {
        return reading->signs & (CONTEXT | FILTER) ? 400 : 429;
    }
    return reading->likely ? reading->likely : http_status;
}

/* What a status means by itself. */
static int code_of_status(uint16_t status, bool in_stream)
{
    static const int16_t known[][2] = {
        {401, EXO_E_AUTH},   {402, EXO_E_QUOTA},  {403, EXO_E_AUTH},       {408, EXO_E_SERVER},
        {409, EXO_E_SERVER}, {425, EXO_E_SERVER}, {429, EXO_E_RATE_LIMIT}, {498, EXO_E_SERVER},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i][0] == status) {
            return known[i][1];
        }
    }
    if (status < 400 && in_stream) {
        return EXO_E_IN_STREAM;
    }
    return status >= 500 ? EXO_E_SERVER : status >= 300 && status < 400 ? EXO_E_REDIRECT : EXO_E_STATUS;
}

/* The verdict, from the code and x-should-retry. */
static void settle(exo_failure *failure)
{
    failure->verdict = exo_error_verdict(failure->code);
    if (failure->advice_ == ADVICE_RETRY && failure->code == EXO_E_STATUS) {
        failure->verdict = EXO_RETRY;
    }
    if (failure->advice_ == ADVICE_LEAVE && failure->verdict == EXO_RETRY &&
        exo_error_class_of(failure->code) == EXO_CLASS_PROVIDER) {
        failure->verdict = EXO_FALL_BACK;
    }
}

/* Forgets all but what headers said. */
static void begin(exo_failure *failure, int code)
{
    failure->code = code;
    failure->clock = EXO_CLOCK_NONE;
    failure->http_status = failure->status = 0;
    failure->in_stream = failure->cut = false;
    failure->offset = 0;
    failure->message[0] = failure->type[0] = failure->provider_code[0] = '\0';
    if (failure->delay_rank_ == BODY_DELAY_RANK) {
        failure->retry_after = -1;
    }
    settle(failure);
}

/* Reads a body into a failure that has begun, and judges it. */
static void judge(exo_failure *failure, uint16_t http_status, exo_span body, uint8_t start)
{
    struct reading reading = {.failure = failure};
    begin(failure, EXO_OK);
    read_body(&reading, body, start);
    reading.signs |= find_marks(failure);
    failure->http_status = http_status;
    failure->status = effective_status(&reading, http_status);
    failure->in_stream = http_status < 300;
    failure->code = reading.signs & CONTEXT  ? EXO_E_CONTEXT_WINDOW
                    : reading.signs & FILTER ? EXO_E_CONTENT_FILTER
                    : reading.signs & QUOTA  ? EXO_E_QUOTA
                                             : code_of_status(failure->status, failure->in_stream);
    if (reading.opaque.len > 0) {
        say(&reading, reading.opaque, reading.opaque_is_escaped);
    }
    settle(failure);
}

const char *exo_clock_name(exo_clock clock)
{
    static const char names[][12] = {"none", "connect", "first event", "idle", "total"};
    return names[clock >= EXO_CLOCK_CONNECT && clock <= EXO_CLOCK_TOTAL ? clock : EXO_CLOCK_NONE];
}

void exo_failure_clear(exo_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->retry_after = -1;
}

void exo_failure_set(exo_failure *failure, int code, exo_span message)
{
    begin(failure, code);
    failure->cut = !put_text(failure->message, sizeof failure->message, message);
    if (code <= EXO_E_CLOCK_CONNECT && code >= EXO_E_CLOCK_TOTAL) {
        failure->clock = (exo_clock)(EXO_CLOCK_CONNECT + (EXO_E_CLOCK_CONNECT - code));
    }
}

void exo_failure_header(exo_failure *failure, exo_span name, exo_span value, int64_t wall_now)
{
    static const char advice[] = "true false";
    int header = word_index(header_names, name);
    uint8_t rank = (uint8_t)header;
    value = trim(value);
    if (header < 0 || value.len == 0) {
        return;
    }
    if (header == SHOULD_RETRY) {
        int word = word_index(advice, value);
        failure->advice_ = word < 0 ? failure->advice_ : (uint8_t)(ADVICE_RETRY + word);
        settle(failure);
    } else if (header == RETRY_AFTER) {
        set_delay(failure, rank, exo_retry_after(value, wall_now));
    } else if (header == RETRY_AFTER_MS) {
        set_delay(failure, rank, decimal(value, 1));
    } else if (rank > failure->id_rank_) {
        set_request_id(failure, rank, value);
    }
}

void exo_failure_from_response(exo_failure *failure, uint16_t http_status, exo_span body)
{
    judge(failure, http_status, body, TOP);
}

int exo_failure_from_json(exo_failure *failure, uint16_t http_status, exo_span json)
{
    struct reading reading = {.failure = NULL};
    uint8_t start = TOP;
    read_body(&reading, json, start);
    if (reading.choices) {
        start = CHUNK;
        reading.found = false;
        read_body(&reading, json, start);
    }
    if (!reading.found) {
        return EXO_NOT_FOUND;
    }
    judge(failure, http_status, json, start);
    return EXO_OK;
}

void exo_failure_from_end(exo_failure *failure, int code, exo_span reason)
{
    begin(failure, code);
    failure->in_stream = exo_error_class_of(code) == EXO_CLASS_PROVIDER;
    put_text(failure->provider_code, sizeof failure->provider_code, reason);
}

/* Takes a secret out of one field, and wipes what the shorter text leaves behind. */
static void redact(char *text, size_t size, exo_span secret)
{
    size_t stars = secret.len < 3 ? secret.len : 3;
    size_t len = strlen(text);
    size_t to = 0;
    for (size_t from = 0; from < len;) {
        size_t same = 0;
        while (same < secret.len && from + same < len && text[from + same] == secret.ptr[same]) {
            same++;
        }
        if (same == secret.len || (same >= SECRET_PART && from + same == len)) {
            memcpy(text + to, "***", stars);
            to += stars;
            from += same;
        } else {
            text[to++] = text[from++];
        }
    }
    memset(text + to, 0, size - to);
}

void exo_failure_redact(exo_failure *failure, exo_span secret)
{
    if (secret.len == 0) {
        return;
    }
    redact(failure->message, sizeof failure->message, secret);
    redact(failure->type, sizeof failure->type, secret);
    redact(failure->provider_code, sizeof failure->provider_code, secret);
    redact(failure->request_id, sizeof failure->request_id, secret);
}
