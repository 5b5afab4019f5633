/*
 * attempt.h: one request to one deployment: its phases, its clocks, and the intake of its answer.
 *
 * Sans-I/O: whoever moves the bytes tells what has happened and when, and asks what to do. It reads no clock: every
 * time is a parameter, milliseconds of one monotonic clock that never goes back and may jump. One attempt counts twelve
 * days of them; a limit of more than four days is four days.
 *
 *     exo_attempt_init(&attempt, &options, now);
 *     // as it happens:   exo_attempt_connected(), _upload(), _status(), _header(), _head_end(), _bytes(), _closed()
 *     // whenever there is news, and at exo_attempt_deadline() at the latest, after the transport was polled:
 *     while (exo_attempt_next(&attempt, &event) == EXO_EVENT) …
 *     exo_attempt_tick(&attempt, now);
 *     switch (exo_attempt_todo(&attempt)) …
 *
 * The order of facts is the transport's, with one rule: bytes are read (next() says NEED_DATA) before more bytes, or
 * the end, are told.
 *
 * States: CONNECT → SEND → FIRST → STREAM → REST, or REFUSAL from any but the last two; each ends in one verdict. What
 * runs in which of them is the table of clock.h. REST and REFUSAL have EXO_REST_MS; what came by then must do.
 *
 * Clocks. A clock that runs out is judged by tick() alone, so call it after the transport was served once since: then
 * nothing that had come in time is missed. connect, first event, idle and rest stand still while the consumer holds the
 * call; the deadline of the whole call does not.
 * Progress. While sending: EXO_PROGRESS_BYTES accepted or acknowledged, or the rest of the body. While receiving: an
 * event that brings something; events that bring nothing count only until EXO_PATIENCE times request_timeout have
 * passed since the last that did, or since the body was out. Comments never count.
 */
#ifndef EXOCHAT_ATTEMPT_H
#define EXOCHAT_ATTEMPT_H

#include "exochat/clock.h"
#include "exochat/intake.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long the body of a refusal, and what may follow finish_reason, is waited for, in milliseconds. */
#define EXO_REST_MS 5000

/* Bytes that are progress while sending. */
#define EXO_PROGRESS_BYTES 1024

/* How many times request_timeout a stream is waited for that sends events which bring nothing. */
#define EXO_PATIENCE 5

/* A reused connection that is closed within so many milliseconds after the request went out, without one byte, was dead
 * before: the request may be sent again. */
#define EXO_RESEND_MS 1000

/* What is read of a response behind its last event, so that the connection can be used again: bytes, milliseconds. */
#define EXO_DRAIN_MAX 65536
#define EXO_DRAIN_MS  250

/* First-event clock: EXO_AUTO_MS while an untried deployment is left, as long as the idle clock otherwise. */
#define EXO_AUTO_MS 15000

/* Unacknowledged bytes, where the system cannot tell. */
#define EXO_UNKNOWN UINT64_MAX

/* What a transport can tell, or do; a sum of these. */
enum exo_can {
    EXO_CAN_CONNECTED = 1, /* it tells when the connection stands; without it an attempt begins in SEND */
    EXO_CAN_SENT = 2,      /* it tells of the upload; without it the body counts as sent with the head of the answer */
    EXO_CAN_DRAIN = 4,     /* it can read on behind the last event */
    EXO_CAN_RESEND = 8     /* it can send the request again */
};

/* What ends the first-event clock: any data event, or the first content, reasoning or tool delta. */
typedef enum exo_ttft_until {
    EXO_UNTIL_EVENT,
    EXO_UNTIL_TOKEN
} exo_ttft_until;

/* The bit of an event's type in a mask of wanted ones, and the mask of all but FALLBACK, which is asked for by name. */
#define EXO_WANT(type) (1u << (type))
#define EXO_WANT_ALL   (~EXO_WANT(EXO_EVENT_FALLBACK))

/* One attempt as the trail keeps it. Times are milliseconds since it began, -1 where it did not come so far. Texts are
 * borrowed: an attempt sets none of them. */
typedef struct exo_trail_entry {
    const char *deployment; /* the name under which it is deployed */
    const char *model;      /* the model that was asked for there */
    const char *message;    /* why it failed, "" if not */
    int code;               /* EXO_OK, or why it failed */
    exo_verdict verdict;    /* STOP for the one that succeeded */
    uint16_t http_status;
    bool reused;          /* the connection was */
    bool resent;          /* the transport sent the request again, on a fresh connection */
    char http_version[4]; /* "1.1", "2", "" */
    int64_t started_ms;   /* since the call began */
    int64_t resolved_ms;
    int64_t connected_ms; /* TLS included */
    int64_t sent_ms;
    int64_t first_event_ms;
    int64_t end_ms;
    uint64_t bytes_sent; /* of the body */
    uint64_t bytes_received;
    int64_t queued_ms; /* for how long it waited for a bound of the client's, 0: not at all */
} exo_trail_entry;

/* How an attempt is made. Begin with EXO_ATTEMPT_OPTIONS_INIT and set `intake`; times are milliseconds, 0: off. */
typedef struct exo_attempt_options {
    size_t size;               /* sizeof(exo_attempt_options), set by the macro */
    exo_intake_options intake; /* but for its failure, which is the attempt's own */
#define EXO_FIELD_DEPLOYMENT(field) int64_t field;
#define EXO_FIELD_CALL(field)
#define EXO_X(clock, code, field, owner, standard, phases, word) EXO_FIELD_##owner(field)
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
#undef EXO_FIELD_CALL
#undef EXO_FIELD_DEPLOYMENT
    int64_t call_deadline; /* when the total clock runs out, or -1 */
    exo_ttft_until ttft_until;
    unsigned can;    /* a sum of exo_can */
    unsigned wanted; /* the types of event that are handed out: a sum of EXO_WANT() */
    bool untried;    /* another deployment is left that was not tried yet */
    bool keyless;    /* the request goes out without a key */
} exo_attempt_options;

/* The defaults: the clocks of clock.h, a transport that can do everything, all events. */
#define EXO_ATTEMPT_OPTIONS_INIT \
    { \
        sizeof(exo_attempt_options), EXO_INTAKE_OPTIONS_INIT, 10000, EXO_CLOCK_AUTO, 120000, -1, EXO_UNTIL_EVENT, \
            EXO_CAN_CONNECTED | EXO_CAN_SENT | EXO_CAN_DRAIN | EXO_CAN_RESEND, EXO_WANT_ALL, false, false \
    }

/* What the transport is to do now. */
typedef enum exo_attempt_do {
    EXO_DO_RUN,    /* go on */
    EXO_DO_RESEND, /* rewind the body and send it again on a fresh connection, then say exo_attempt_resent() */
    EXO_DO_DRAIN,  /* the verdict is there: read on within exo_drain, so that the connection can serve again */
    EXO_DO_CLOSE,  /* the verdict is there: close the connection, it is not to be used again */
    EXO_DO_OVER    /* the verdict is there, and the response has ended as it should */
} exo_attempt_do;

/* One attempt. Private but for sizeof. */
typedef struct exo_attempt {
    uint8_t phase_; /* small things first: so they are near on machines that reach only so far */
    uint8_t end_;   /* what was made of it; private to attempt.c */
    bool connected_;
    bool closed_;
    bool until_token_;
    bool head_ended_;
    bool reading_; /* bytes were told, and are not all read */
    bool keyless_;
    bool shown_;
    bool holds_; /* the consumer holds the call */
    uint8_t can_;
    uint16_t status_;
    uint32_t wanted_;
    uint32_t head_bytes_;
    uint32_t head_count_;
    int32_t limit_[EXO_CLOCK_TOTAL]; /* of each clock but the total one; this and what follows since began_ */
    int32_t set_at_[EXO_CLOCK_TOTAL];
    int32_t now_;   /* when what is told happened, */
    int32_t clock_; /* and what the clocks showed then */
    int32_t noted_; /* the latest time in the trail */
    int32_t connected_at_;
    int32_t arrived_; /* the same of what is being read */
    int32_t arrived_clock_;
    int32_t rest_at_;     /* since when the rest is waited for */
    int32_t more_at_;     /* when an event brought something */
    int32_t held_at_;     /* when the consumer began to hold the call last, */
    int32_t released_at_; /* and let go, unless it holds it still */
    int32_t held_;        /* for how long it has held it before */
    exo_trail_entry trail_;
    int64_t began_;
    int64_t call_deadline_;
    uint64_t
        moved_;     /* bytes accepted, and again those acknowledged, as far as is known: what progress is measured by */
    uint64_t mark_; /* what that was when the idle clock was set */
#ifdef EXO_SMALL
    exo_failure failure_;
#else
    exo_failing failing_;
#endif
    exo_intake intake_;
} exo_attempt;

/* Begins an attempt at `now`. EXO_OK, or EXO_E_ARGUMENT for options that did not begin with their macro. Free it with
 * exo_attempt_free(). */
int exo_attempt_init(exo_attempt *attempt, const exo_attempt_options *options, int64_t now);

/* ---- facts ---- */

/* The connection stands, TLS included; `reused`: it had served before. */
void exo_attempt_connected(exo_attempt *attempt, int64_t now, bool reused);

/* How the upload stands: bytes of the body `accepted` by the socket, how many of these the other side has not
 * acknowledged (EXO_UNKNOWN where nobody can tell), and whether all of it was accepted. */
void exo_attempt_upload(exo_attempt *attempt, int64_t now, uint64_t accepted, uint64_t unacked, bool complete);

/* A response head begins; one that is interim (1xx) is followed by another. EXO_OK or EXO_E_HEAD_LIMIT, as below. */
int exo_attempt_status(exo_attempt *attempt, uint16_t status);

/* One header of it; one behind the head, a trailer, counts for the limits only. `wall` is the time of day in seconds
 * since 1970, 0 where it is not known. EXO_OK, or EXO_E_HEAD_LIMIT, EXO_E_HEADERS_LIMIT or EXO_E_NO_MEMORY: break off
 * and say closed() with that code. */
int exo_attempt_header(exo_attempt *attempt, exo_span name, exo_span value, int64_t wall);

/* The head has ended. */
void exo_attempt_head_end(exo_attempt *attempt, int64_t now);

/* Bytes of the body, which came at `arrived` and stay valid until next() says NEED_DATA. */
void exo_attempt_bytes(exo_attempt *attempt, int64_t arrived, exo_span bytes);

/* The response is over: `code` is EXO_OK at its proper end, else why it broke off, with the transport's `words`.
 * `byte_seen`: at least one byte of a response came. */
void exo_attempt_closed(exo_attempt *attempt, int64_t now, int code, exo_span words, bool byte_seen);

/* The request was sent again on a fresh connection: as RESEND had asked for, or `done` is false and the failure stands.
 */
void exo_attempt_resent(exo_attempt *attempt, int64_t now, bool done);

/* The consumer holds the call, or lets go. */
void exo_attempt_hold(exo_attempt *attempt, int64_t now, bool held);

/* The total clock now runs out at `deadline`; -1: never. */
void exo_attempt_call_deadline(exo_attempt *attempt, int64_t deadline);

/* Judges the clocks, unless there are bytes to be read first; while the consumer holds the call, the total one even
 * then. Call it after the transport was polled. */
void exo_attempt_tick(exo_attempt *attempt, int64_t now);

/* It ends here, with a failure of the caller's: cancelled, or nothing to send. */
void exo_attempt_break_off(exo_attempt *attempt, int code, exo_span words);

/* ---- questions ---- */

/* Stores the next event that is wanted: EXO_EVENT; EXO_NEED_DATA when all that came is read; EXO_DONE when there is a
 * verdict. Spans are valid until the next call on the attempt. */
int exo_attempt_next(exo_attempt *attempt, exo_intake_event *event);

#ifndef EXO_SMALL
/* Whether next() would say NEED_DATA at once, in the midst of a stream; then it has said so. False says nothing. */
bool exo_attempt_rests(exo_attempt *attempt);
#endif

/* What is to be done now. */
exo_attempt_do exo_attempt_todo(const exo_attempt *attempt);

/* When tick() must be called at the latest, and the upload told again while it is SEND; -1: no clock runs. */
int64_t exo_attempt_deadline(const exo_attempt *attempt, int64_t now);

/* Where it is. */
enum exo_phase exo_attempt_phase(const exo_attempt *attempt);

/* Whether a wanted event, usage apart, was handed out. */
bool exo_attempt_shown(const exo_attempt *attempt);

/* After DONE: why it failed, or NULL: the answers are proven. */
const exo_failure *exo_attempt_failure(const exo_attempt *attempt);

/* The request id that the headers of the response gave, "" where they gave none; NUL-terminated, the attempt's. */
static inline const char *exo_attempt_request_id(const exo_attempt *attempt)
{
#ifdef EXO_SMALL
    return attempt->failure_.request_id;
#else
    return exo_failing_request_id(&attempt->failing_);
#endif
}

/* Its entry of the trail so far. end_ms, code and verdict are set by exo_attempt_end(). */
const exo_trail_entry *exo_attempt_trail(const exo_attempt *attempt);

/* After DONE: closes the entry of the trail at `now` and returns it. */
const exo_trail_entry *exo_attempt_end(exo_attempt *attempt, int64_t now);

/* Frees what it grew. Answers are the caller's. */
void exo_attempt_free(exo_attempt *attempt);

/* ---- draining ---- */

/* The bounds within which a response is read on behind its verdict. It outlives the attempt. */
typedef struct exo_drain {
    int64_t until; /* when draining ends */
    size_t bytes_;
} exo_drain;

/* Begins at `now`. */
void exo_drain_begin(exo_drain *drain, int64_t now);

/* So many more bytes came. False: close the connection. */
bool exo_drain_more(exo_drain *drain, int64_t now, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
