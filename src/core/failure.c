/*
 * failure.c: a status, its headers and what its body says → one failure with a code and a verdict.
 *
 * It reads, decides and forgets: nothing is sent, waited for or retried here, and no key is known here. The client
 * calls it for every response that is not 2xx and for every error in a stream; the router only sees what it decided.
 * Its memory is the failure itself, and what failure_body.c needs to read a body.
 */
#include "exochat/failure.h"

#include "ascii.h"
#include "failure_body.h"
#include "failure_words.h"
#include "json_text.h"
#include "retry_after.h"

/* Headers, the worst source of a delay or an id first: the index is the rank. */
static const char header_names[] = "date x-should-retry retry-after retry-after-ms cf-ray apim-request-id "
                                   "x-groq-request-id request-id x-request-id";
enum header {
    DATE,
    SHOULD_RETRY,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    CF_RAY
};

/* How many kinds of rate limits are kept apart. */
#define LIMITS (sizeof(((exo_failure *)0)->until_told_.limits) / sizeof(struct exo_rate_limit_))

enum advice {
    ADVICE_NONE,
    ADVICE_RETRY,
    ADVICE_LEAVE
};

/* The fewest bytes of a secret that give it away, and at the end of a field that was cut. */
#define SECRET_PART  12
#define SECRET_BEGIN 4

/* From here on, milliseconds are no delay but a time since 1970; and from here on, thousandths of them. */
#define EPOCH_MS INT64_C(1000000000000)
#define EPOCH_US INT64_C(1000000000000000)

/* The status that a body names, or else that of the response. */
static uint16_t failure_effective_status(const struct reading *reading)
{
    const uint16_t http_status = reading->failure->http_status;
    if (http_status >= 300 && http_status < 400) {
        return http_status;
    }
    const uint16_t sure = reading->word[true];
    const uint16_t named = sure == 401 || reading->number == 0 ? sure : reading->number;
    if (named || http_status >= 400) {
        return named ? named : http_status;
    }
    if (reading->signs & (CONTEXT | FILTER)) {
        return 400;
    }
    if (reading->signs & QUOTA) {
        return 429;
    }
    return reading->word[false] ? reading->word[false] : http_status;
}

/* What a status means by itself. */
static int failure_code_of_status(uint16_t status, bool in_stream)
{
    static const struct {
        uint8_t beyond_400;
        int8_t code;
    } codes[] = {
        {1, EXO_E_AUTH},   {3, EXO_E_AUTH},   {2, EXO_E_QUOTA},   {29, EXO_E_RATE_LIMIT},
        {8, EXO_E_SERVER}, {9, EXO_E_SERVER}, {25, EXO_E_SERVER}, {98, EXO_E_SERVER},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].beyond_400 == status - 400) {
            return codes[i].code;
        }
    }
    if (status < 400) {
        return in_stream ? EXO_E_IN_STREAM : status >= 300 ? EXO_E_REDIRECT : EXO_E_STATUS;
    }
    return status >= 500 ? EXO_E_SERVER : EXO_E_STATUS;
}

/* The verdict, from the code and x-should-retry. */
static void failure_settle(exo_failure *failure)
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

/* Seconds as they are kept, to the year 2106. */
static uint32_t failure_clamp(int64_t seconds)
{
    if ((uint64_t)seconds > UINT32_MAX) {
        return seconds < 0 ? 0 : UINT32_MAX;
    }
    return (uint32_t)seconds;
}

/* Forgets all but what headers said. */
static void failure_begin(exo_failure *failure, int code)
{
    const size_t at =
        offsetof(exo_failure, in_stream); /* what lies before that, and from request_id on, is from headers */
    memset((char *)failure + at, 0, offsetof(exo_failure, request_id) - at);
    failure->code = code;
    if (failure->delay_rank_ <= BODY_DELAY_RANK) {
        failure->retry_after = -1;
        failure->delay_rank_ = 0;
    }
    failure_settle(failure);
}

/* Notes one of x-ratelimit-reset-* and x-ratelimit-remaining-*, if it is one. The hash keeps apart those kinds that are
 * known: of requests or tokens, of input or output, by the day, the hour or the minute. */
static void failure_note_limit(exo_failure *failure, exo_span *name, const exo_span *value)
{
    if (failure->message[0] || !exo_ascii_skip(name, "x-rate")) {
        return;
    }
    exo_ascii_skip(name, "-");
    const bool reset = exo_ascii_skip(name, "limit-reset");
    if (!reset && !exo_ascii_skip(name, "limit-remaining")) {
        return;
    }
    uint32_t hash = 0;
    for (size_t i = 0; i < name->len; i++) {
        hash = hash * 89 + (uint8_t)ascii_lower(name->ptr[i]);
    }
    struct exo_rate_limit_ *limit = &failure->until_told_.limits[hash >> 6 & (LIMITS - 1)];
    if (reset) {
        limit->reset = exo_duration(*value) + 1;
    } else {
        limit->spent = exo_decimal(value, 1) == 0;
    }
}

/* The delay by the limits that were noted, or -1: the longest of those that are spent, else the shortest. */
static int64_t failure_limits_delay(const exo_failure *failure)
{
    uint64_t shortest = UINT64_MAX;
    int64_t longest = -1;
    for (size_t i = 0; i < LIMITS; i++) {
        const struct exo_rate_limit_ *limit = &failure->until_told_.limits[i];
        int64_t delay = limit->reset - 1;
        if (delay >= EPOCH_US) {
            delay /= 1000;
        }
        if (delay >= EPOCH_MS) {
            delay = failure->clock_ > 0 ? delay - failure->clock_ * INT64_C(1000) : -1;
        }
        if (delay > longest && limit->spent) {
            longest = delay;
        }
        if ((uint64_t)delay < shortest) { /* not one that is below 0 */
            shortest = (uint64_t)delay;
        }
    }
    return longest >= 0 ? longest : (int64_t)shortest;
}

/* Whether a status may be that of an exceeded context window which is told in words that nobody knows. */
static bool failure_may_be_context(uint16_t status, bool in_stream)
{
    return status == 400 || status == 413 || status == 422 ||
           (in_stream ? status < 400 || status >= 500 : status == 500);
}

/* What the signs of a body or its status mean: the first that there is. */
static int failure_code_of(const struct reading *reading, const exo_failure *failure)
{
    if (reading->signs & CONTEXT) {
        return EXO_E_CONTEXT_WINDOW;
    }
    if (reading->signs & FILTER) {
        return EXO_E_CONTENT_FILTER;
    }
    if (reading->signs & QUOTA) {
        return EXO_E_QUOTA;
    }
    if (reading->page && failure->status == 403) {
        return EXO_E_BLOCKED;
    }
    return failure_code_of_status(failure->status, failure->in_stream);
}

/* Reads a body, and, unless it is NULL, puts into the failure what it says. */
static void failure_read_body(struct reading *reading, exo_failure *failure, uint8_t start, const exo_span *body)
{
    memset(reading, 0, sizeof *reading);
    reading->failure = failure;
    reading->start = start;
    exo_failure_read(reading, *body);
}

/* Reads a body, whose start the reading knows, into a failure, and judges it. */
static void failure_judge(exo_failure *failure, struct reading *reading, uint16_t http_status, const exo_span *body)
{
    const int64_t delay = failure->message[0] ? -1 : failure_limits_delay(failure);
    failure_begin(failure, EXO_OK);
    failure_read_body(reading, failure, reading->start, body);
    reading->signs |= exo_failure_signs(failure->message);
    reading->signs |= (exo_failure_signs(failure->provider_code) | exo_failure_signs(failure->type)) & NOT_COMBINED;
    failure->http_status = http_status;
    failure->in_stream = http_status < 300;
    if ((reading->signs & (COMBINED | VETO | FILTER | QUOTA)) == COMBINED &&
        failure_may_be_context(failure_effective_status(reading), failure->in_stream)) {
        reading->signs |= CONTEXT;
    }
    failure->status = failure_effective_status(reading);
    failure->code = failure_code_of(reading, failure);
    if (failure->status == 429 && failure->retry_after < 0) {
        exo_failure_set_delay(failure, 0, delay);
    }
    failure_settle(failure);
}

void exo_failure_clear(exo_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->retry_after = -1;
}

void exo_failure_set(exo_failure *failure, int code, exo_span message)
{
    failure_begin(failure, code);
    failure->cut = !exo_failure_put(failure->message, sizeof failure->message, message);
    failure->clock = exo_clock_of(code);
}

void exo_failure_no_key(exo_failure *failure)
{
    failure->keyless = true;
}

/* Makes a delay of the date in Retry-After, as the clock that it is to be read against becomes known. */
static void failure_heed_retry_at(exo_failure *failure)
{
    if (failure->retry_at_ > 0 && failure->delay_rank_ <= RETRY_AFTER) {
        if (failure->delay_rank_ == RETRY_AFTER) {
            failure->retry_after = -1;
            failure->delay_rank_ = 0;
        }
        if (failure->clock_ > 0) {
            exo_failure_set_delay(failure, RETRY_AFTER, ((int64_t)failure->retry_at_ - failure->clock_) * 1000);
        }
    }
}

void exo_failure_header(exo_failure *failure, exo_span name, exo_span value, int64_t wall_now)
{
    static const char advice[] = "true false";
    const int header = exo_ascii_word_index(header_names, &name);
    const uint8_t rank = (uint8_t)header;
    const uint32_t now = failure_clamp(wall_now);
    exo_ascii_trim(&value);
    if (value.len == 0) {
        return;
    }
    if (!failure->dated_) {
        failure->clock_ = now;
    }
    if (header < 0) {
        failure_note_limit(failure, &name, &value);
    } else if (header == SHOULD_RETRY) {
        const int word = exo_ascii_word_index(advice, &value);
        if (word >= 0) {
            failure->advice_ = (uint8_t)(ADVICE_RETRY + word);
            failure_settle(failure);
        }
    } else if (header > RETRY_AFTER_MS) {
        if (rank > failure->id_rank_) {
            exo_failure_set_id(failure, rank, value);
        }
    } else {
        if (header != DATE) {
            exo_failure_set_delay(failure, rank, exo_decimal(&value, header == RETRY_AFTER ? 1000 : 1));
        }
        const uint32_t date = exo_date_seconds(value, now);
        if (header == RETRY_AFTER) {
            failure->retry_at_ = date;
        } else if (date > 0) {
            failure->clock_ = date;
            failure->dated_ = true;
        }
        failure_heed_retry_at(failure);
    }
}

void exo_failure_from_response(exo_failure *failure, uint16_t http_status, exo_span body)
{
    struct reading reading;
    reading.start = TOP;
    failure_judge(failure, &reading, http_status, &body);
}

int exo_failure_from_json(exo_failure *failure, uint16_t http_status, exo_span json)
{
    struct reading reading;
    failure_read_body(&reading, NULL, TOP, &json);
    if (reading.choices) {
        failure_read_body(&reading, NULL, CHUNK, &json);
    }
    if (!reading.found) {
        return EXO_NOT_FOUND;
    }
    failure_judge(failure, &reading, http_status, &json);
    return EXO_OK;
}

void exo_failure_from_end(exo_failure *failure, int code, exo_span reason)
{
    failure_begin(failure, code);
    failure->in_stream = exo_error_class_of(code) == EXO_CLASS_PROVIDER;
    exo_failure_put(failure->provider_code, sizeof failure->provider_code, reason);
}

/* How many bytes of `text` stand for `byte`: itself, its percent-encoding, or itself behind a reverse solidus; 0 if
 * they do not. */
static size_t failure_stands_for(const char *text, uint8_t byte)
{
    if (byte != '\0') { /* which ends the text */
        if ((uint8_t)text[0] == byte) {
            return 1;
        }
        if (text[0] == '\\' && (uint8_t)text[1] == byte) {
            return 2;
        }
    }
    return text[0] == '%' && exo_json_hex_value((uint8_t)text[1]) == byte >> 4 &&
                   exo_json_hex_value((uint8_t)text[2]) == (byte & 15)
               ? 3
               : 0;
}

/* How many bytes at `text` are a piece of the secret that gives it away: the longest. A `cut` text may end in one. */
static size_t failure_secret_piece(const char *text, const exo_span *secret, bool cut)
{
    const size_t least = secret->len < SECRET_PART ? secret->len : SECRET_PART;
    size_t most = 0;
    for (size_t first = 0; first < secret->len; first++) {
        size_t same = 0;
        size_t len = 0;
        size_t more;
        while (first + same < secret->len &&
               (more = failure_stands_for(text + len, (uint8_t)secret->ptr[first + same])) > 0) {
            len += more;
            same++;
        }
        if (len > most && (same >= least || (cut && first == 0 && same >= SECRET_BEGIN && text[len] == '\0'))) {
            most = len;
        }
    }
    return most;
}

/* Takes a secret out of one field, and wipes what the shorter text leaves behind. */
static void failure_redact(char *text, size_t size, const exo_span *secret)
{
    const size_t stars = secret->len < 3 ? secret->len : 3;
    const bool cut = strlen(text) + 4 >= size;
    const char *const end = text + size;
    char *to = text;
    for (const char *from = text; *from;) {
        const size_t piece = failure_secret_piece(from, secret, cut);
        if (piece > 0) {
            memcpy(to, "***", stars);
            to += stars;
            from += piece;
        } else {
            *to++ = *from++;
        }
    }
    memset(to, 0, (size_t)(end - to));
}

void exo_failure_redact(exo_failure *failure, exo_span secret)
{
    if (secret.len > 0) {
        failure_redact(failure->message, sizeof failure->message, &secret);
        failure_redact(failure->type, sizeof failure->type, &secret);
        failure_redact(failure->provider_code, sizeof failure->provider_code, &secret);
        failure_redact(failure->request_id, sizeof failure->request_id, &secret);
    }
}

#ifndef EXO_SMALL

#define FAILING_OPEN(type, name, of_failure)  failure->of_failure = failing->name;
#define FAILING_CLOSE(type, name, of_failure) failing->name = failure->of_failure;

void exo_failing_clear(exo_failing *failing, const exo_allocator *allocator, bool keyless)
{
    if (failing->failure_) {
        allocator->resize(allocator->ctx, failing->failure_, 0);
    }
    if (failing->request_id_) {
        allocator->resize(allocator->ctx, failing->request_id_, 0);
    }
    memset(failing, 0, sizeof *failing);
    failing->retry_after_ = failing->limits_delay_ = -1;
    failing->keyless_ = keyless;
}

exo_failure *exo_failing_open(exo_failing *failing, const exo_allocator *allocator)
{
    if (failing->failure_) {
        return failing->failure_;
    }
    exo_failure *failure = allocator->resize(allocator->ctx, NULL, sizeof *failure);
    failing->failure_ = failure;
    failing->lost_ = !failure;
    if (!failure) {
        return NULL;
    }
    exo_failure_clear(failure);
    EXO_FAILING_MAP_(FAILING_OPEN)
    if (failing->limits_delay_ >= 0) { /* one limit that comes to the same */
        const int64_t since = failing->limits_delay_ < EPOCH_MS ? 0 : failing->clock_ * INT64_C(1000);
        failure->until_told_.limits[0].reset = since + failing->limits_delay_ + 1;
        failure->until_told_.limits[0].spent = true;
    }
    if (failing->request_id_) {
        memcpy(failure->request_id, failing->request_id_, strlen(failing->request_id_));
    }
    failure_settle(failure);
    return failure;
}

/* Copies the request id of what is there in full. False: there is no memory for that. */
static bool failing_keep_id(exo_failing *failing, const exo_allocator *allocator)
{
    const char *id = failing->failure_->request_id;
    const size_t size = *id ? strlen(id) + 1 : 0;
    if (size == 0 && !failing->request_id_) {
        return true;
    }
    char *kept = allocator->resize(allocator->ctx, failing->request_id_, size);
    if (!kept && size > 0) {
        return false;
    }
    failing->request_id_ = kept;
    if (kept) {
        memcpy(kept, id, size);
    }
    return true;
}

void exo_failing_close(exo_failing *failing, const exo_allocator *allocator)
{
    exo_failure *failure = failing->failure_;
    if (!failure || failure->code != EXO_OK || !failing_keep_id(failing, allocator)) {
        return;
    }
    EXO_FAILING_MAP_(FAILING_CLOSE)
    failing->limits_delay_ = failure_limits_delay(failure);
    allocator->resize(allocator->ctx, failure, 0);
    failing->failure_ = NULL;
}

int exo_failing_code(const exo_failing *failing)
{
    return failing->failure_ ? failing->failure_->code : failing->lost_ ? EXO_E_NO_MEMORY : EXO_OK;
}

const exo_failure *exo_failing_look(const exo_failing *failing)
{
    static const exo_failure lost = {.retry_after = -1, .code = EXO_E_NO_MEMORY, .verdict = EXO_STOP};
    return failing->failure_ ? failing->failure_ : &lost;
}

const char *exo_failing_request_id(const exo_failing *failing)
{
    return failing->failure_ ? failing->failure_->request_id : failing->request_id_ ? failing->request_id_ : "";
}

#endif
