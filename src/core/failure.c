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
#include "retry_after.h"

/* Headers, the worst source of a delay or an id first: the index is the rank. */
static const char header_names[] = "x-should-retry retry-after retry-after-ms cf-ray apim-request-id "
                                   "x-groq-request-id request-id x-request-id";
enum header {
    SHOULD_RETRY,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    CF_RAY
};

enum advice {
    ADVICE_NONE,
    ADVICE_RETRY,
    ADVICE_LEAVE
};

/* The fewest bytes of a secret that give it away at the end of a field. */
#define SECRET_PART 12

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
    if (status == 429) {
        return EXO_E_RATE_LIMIT;
    }
    if (status == 402) {
        return EXO_E_QUOTA;
    }
    if (status == 401 || status == 403) {
        return EXO_E_AUTH;
    }
    if (status == 408 || status == 409 || status == 425 || status == 498 || status >= 500) {
        return EXO_E_SERVER;
    }
    if (status < 400 && in_stream) {
        return EXO_E_IN_STREAM;
    }
    return status >= 300 && status < 400 ? EXO_E_REDIRECT : EXO_E_STATUS;
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
    exo_failure_read(&reading, body, start);
    reading.signs |= exo_failure_signs(failure->message) | exo_failure_signs(failure->provider_code) |
                     exo_failure_signs(failure->type);
    failure->http_status = http_status;
    failure->status = effective_status(&reading, http_status);
    failure->in_stream = http_status < 300;
    failure->code = reading.signs & CONTEXT  ? EXO_E_CONTEXT_WINDOW
                    : reading.signs & FILTER ? EXO_E_CONTENT_FILTER
                    : reading.signs & QUOTA  ? EXO_E_QUOTA
                                             : code_of_status(failure->status, failure->in_stream);
    if (reading.opaque.len > 0) {
        exo_failure_say(&reading, reading.opaque, reading.opaque_is_escaped);
    }
    settle(failure);
}

void exo_failure_clear(exo_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->retry_after = -1;
}

void exo_failure_set(exo_failure *failure, int code, exo_span message)
{
    begin(failure, code);
    failure->cut = !exo_failure_put(failure->message, sizeof failure->message, message);
    failure->clock = exo_clock_of(code);
}

void exo_failure_header(exo_failure *failure, exo_span name, exo_span value, int64_t wall_now)
{
    static const char advice[] = "true false";
    int header = exo_ascii_word_index(header_names, &name);
    uint8_t rank = (uint8_t)header;
    exo_ascii_trim(&value);
    if (header < 0 || value.len == 0) {
        return;
    }
    if (header == SHOULD_RETRY) {
        int word = exo_ascii_word_index(advice, &value);
        failure->advice_ = word < 0 ? failure->advice_ : (uint8_t)(ADVICE_RETRY + word);
        settle(failure);
    } else if (header == RETRY_AFTER) {
        exo_failure_set_delay(failure, rank, exo_retry_after(value, wall_now));
    } else if (header == RETRY_AFTER_MS) {
        exo_failure_set_delay(failure, rank, exo_decimal(&value, 1));
    } else if (rank > failure->id_rank_) {
        exo_failure_set_id(failure, rank, value);
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
    exo_failure_read(&reading, json, start);
    if (reading.choices) {
        start = CHUNK;
        reading.found = false;
        exo_failure_read(&reading, json, start);
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
    exo_failure_put(failure->provider_code, sizeof failure->provider_code, reason);
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
    static const struct {
        uint16_t at;
        uint16_t size;
    } fields[] = {
        {offsetof(exo_failure, message), sizeof failure->message},
        {offsetof(exo_failure, type), sizeof failure->type},
        {offsetof(exo_failure, provider_code), sizeof failure->provider_code},
        {offsetof(exo_failure, request_id), sizeof failure->request_id},
    };
    for (size_t i = 0; secret.len > 0 && i < sizeof fields / sizeof *fields; i++) {
        redact((char *)failure + fields[i].at, fields[i].size, secret);
    }
}
