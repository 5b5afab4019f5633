/*
 * failure.h: a status, its headers and its body, or an error inside a stream → one typed failure with a verdict.
 *
 * Everything that is known about provider errors is in tables: body shapes in failure_body.c, the marks of an exceeded
 * context window, of used-up quota and of content filters in failure_words.c, the forms of Retry-After in
 * retry_after.c. failure.c decides, by error message, code and type, never by an echo of the prompt elsewhere in the
 * body.
 *
 * What is decided, first match first:
 *   a mark of an exceeded context window                    EXO_E_CONTEXT_WINDOW, whatever the status
 *   a message that says so in other words, under 400, 413,
 *   422, 500 or in a stream, and is about no other limit    EXO_E_CONTEXT_WINDOW
 *   a mark of a content filter                              EXO_E_CONTENT_FILTER
 *   a mark of used-up quota, credits or balance             EXO_E_QUOTA
 *   403 with a page: something in front of the endpoint     EXO_E_BLOCKED
 *   401, 403                                                EXO_E_AUTH; `keyless` says whether one was sent
 *   402                                                     EXO_E_QUOTA
 *   429                                                     EXO_E_RATE_LIMIT
 *   408, 409, 425, 498, 500 and above                       EXO_E_SERVER
 *   other 4xx                                               EXO_E_STATUS
 *   3xx                                                     EXO_E_REDIRECT
 *   no status known to be an error, inside a 2xx stream     EXO_E_IN_STREAM
 *
 * The verdict is the usual one of that code, unless the header x-should-retry overrides it: "true" makes EXO_RETRY of
 * an EXO_E_STATUS. "false" makes EXO_FALL_BACK of every EXO_RETRY: that server asks not to be tried again, and says
 * nothing about another. Context window, content filter, quota, key and redirect are never overridden.
 */
#ifndef EXOCHAT_FAILURE_H
#define EXOCHAT_FAILURE_H

#include "exochat/buffer.h"
#include "exochat/clock.h"
#include "exochat/error.h"
#include "exochat/limits.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One kind of rate limit, as headers have it. Private. */
struct exo_rate_limit_ {
    int64_t reset; /* a delay in milliseconds and 1, or as much since 1970; 0: none */
    bool spent;
};

/* What headers say of rate limits, until there is a message: it lies behind that of a failure which has none. Private.
 */
struct exo_rate_limits_ {
    char empty[256];
    struct exo_rate_limit_ limits[16]; /* by a hash of their names */
};

/* One failure. Begin with exo_failure_clear(). All of it may be read but the fields that end in "_"; strings are
 * NUL-terminated UTF-8, cut at a character's border, with control characters replaced by spaces, "" when unknown. A
 * plain value: copy it freely. */
typedef struct exo_failure {
    int64_t retry_after; /* milliseconds to wait, or -1 */
    uint32_t clock_;     /* the time of day in seconds since 1970 UTC; 0: not known */
    uint32_t retry_at_;  /* the date in Retry-After, in seconds since 1970 UTC; 0: none */
    bool keyless;        /* the request went out without a key */
    bool dated_;         /* clock_ is the server's */
    uint8_t delay_rank_; /* which source retry_after is from: a better one replaces it */
    uint8_t id_rank_;    /* the same for request_id */
    uint8_t advice_;     /* what x-should-retry says */
    bool in_stream;      /* reported inside a 2xx stream */
    bool cut;            /* the message was longer than its field */
    int code;            /* EXO_OK: no failure; otherwise one of error.h */
    exo_verdict verdict;
    exo_clock clock;      /* which clock ran out */
    uint16_t http_status; /* of the response, or 0 */
    uint16_t status;      /* the effective status: the one that the body names, else http_status */
    uint64_t offset;      /* in the stream or text, where one applies */
    char type[64];
    char provider_code[64];
    union {
        char message[512]; /* the provider's message, or the transport's; "" where nobody said any, as when a clock runs
                              out: exo_error_text(code) has words for it */
        struct exo_rate_limits_ until_told_;
    };
    char request_id[80];
} exo_failure;

/* No failure, and no headers seen. */
void exo_failure_clear(exo_failure *failure);

/* A failure of ours or of the transport: `code` from error.h with its usual verdict and clock; `message` may be empty.
 * Headers given before stay in force here and in the calls below. */
void exo_failure_set(exo_failure *failure, int code, exo_span message);

/* The request went out without a key: whoever reports a refusal of the key can say so. Stays until
 * exo_failure_clear(). */
void exo_failure_no_key(exo_failure *failure);

/* Looks at one response header, in any case and order: date, retry-after-ms, retry-after, x-should-retry, x-request-id,
 * request-id, x-groq-request-id, apim-request-id, cf-ray, before or after the calls below; x-ratelimit-reset-*,
 * x-ratelimit-remaining-*, also as x-rate-limit-*, before the first of them; others are passed over. A Retry-After that
 * is a date is read against the server's own Date, else against `wall_now`, the time of day in seconds since 1970 UTC;
 * 0 when it is not known. Where neither is known such a date counts as absent. Under 429 and for want of any other
 * delay, retry_after becomes that of x-ratelimit-reset-* of the kind of which nothing remains, the longest of them,
 * else the shortest; of four kinds, the first to come. */
void exo_failure_header(exo_failure *failure, exo_span name, exo_span value, int64_t wall_now);

/* A response whose status is not 2xx. `body` is as much of it as was read: JSON of any known shape, whole or cut, an
 * event stream of it, HTML, plain text, or nothing. A message that is JSON itself is looked into, one level deep, as
 * far as its field holds it. */
void exo_failure_from_response(exo_failure *failure, uint16_t http_status, exo_span body);

/* An error inside a stream, or a 2xx JSON body with an error in it: `json` as EXO_DELTA_ERROR gave it, the whole event
 * or body, or the error alone; it may be cut. Lines that are together no JSON are read as the last that is an object.
 * Beside "choices" only "error", "errors", "base_resp" and "x_groq" can report one. EXO_OK, or EXO_NOT_FOUND when there
 * is no error in `json`: the failure is then unchanged. */
int exo_failure_from_json(exo_failure *failure, uint16_t http_status, exo_span json);

/* An answer that did not prove itself: `code` as exo_answer_end() gave it; `reason` is the finish_reason, if any, and
 * becomes provider_code. */
void exo_failure_from_end(exo_failure *failure, int code, exo_span reason);

/* Takes a secret out of message, type, provider_code and request_id: every piece of it of 12 bytes or more (of all of
 * it where it is shorter), and at the end of a field that was cut a beginning of 4 or more, becomes "***", also where
 * bytes of it are percent-encoded or behind a reverse solidus. A provider that echoes a key masks it, most of the time;
 * whoever knows the key calls this before handing the failure on. An empty `secret` changes nothing. Time is bounded by
 * the sizes of the fields and the secret. */
void exo_failure_redact(exo_failure *failure, exo_span secret);

#ifndef EXO_SMALL
/* What is known of a failure that has not come: fields of exo_failure, each kept in one of exo_failing as X(type, its
 * name there, its name in exo_failure). Private to the core. */
#define EXO_FAILING_MAP_(X) \
    X(int64_t, retry_after_, retry_after) \
    X(uint32_t, clock_, clock_) \
    X(uint32_t, retry_at_, retry_at_) \
    X(bool, keyless_, keyless) \
    X(bool, dated_, dated_) \
    X(uint8_t, delay_rank_, delay_rank_) \
    X(uint8_t, id_rank_, id_rank_) \
    X(uint8_t, advice_, advice_)
#define EXO_FAILING_FIELD_(type, name, of_failure) type name;

/* A failure that has not come, and may never: what headers said of it, in few bytes, until there is more to say. All
 * zero is none. Private to the core. */
typedef struct exo_failing {
    exo_failure *failure_; /* in full, from the caller's allocator; NULL: what follows is all that is known */
    EXO_FAILING_MAP_(EXO_FAILING_FIELD_)
    bool lost_;            /* there was no memory for it */
    int64_t limits_delay_; /* what the rate limits come to, or -1 */
    char *request_id_;     /* NULL: none */
} exo_failing;

/* No failure, and no headers seen; but it is known whether a key is sent. What it had in full is freed. */
void exo_failing_clear(exo_failing *failing, const exo_allocator *allocator, bool keyless);

/* The failure in full, to be changed; NULL when memory runs out, which is then known to exo_failing_code(). */
exo_failure *exo_failing_open(exo_failing *failing, const exo_allocator *allocator);

/* Keeps what headers said of a failure that has not come, and frees what it has in full; without memory for the request
 * id it stays. */
void exo_failing_close(exo_failing *failing, const exo_allocator *allocator);

/* EXO_OK, or the code of the failure. */
int exo_failing_code(const exo_failing *failing);

/* The failure, where it has come; without memory for it, one that says so. Where none has come only its verdict
 * counts, which is that of EXO_OK. */
const exo_failure *exo_failing_look(const exo_failing *failing);

/* The request id that headers gave, "" where they gave none. */
const char *exo_failing_request_id(const exo_failing *failing);
#endif

#ifdef __cplusplus
}
#endif

#endif
