/*
 * intake.h: the bytes of one response body → an event at a time, and in the end: proven, or one failure.
 *
 * The only place that knows what a body may be in place of a stream, [DONE], error events, an event that the end of the
 * body cuts off, and what proves an answer. It is told the status of the response, its bytes, and how the body ended;
 * it fills in the answers and the failure that its caller owns. It knows neither time nor transport: attempt.h does.
 *
 *     exo_intake_init(&intake, &options);
 *     exo_intake_status(&intake, 200);
 *     while (bytes come) {
 *         exo_intake_feed(&intake, bytes);
 *         while ((code = exo_intake_next(&intake, &event)) == EXO_EVENT) …
 *         if (code == EXO_DONE) break;
 *     }
 *     exo_intake_end(&intake, EXO_OK, no_words);   // unless next() has said DONE
 *     while (exo_intake_next(&intake, &event) == EXO_EVENT) …
 *     if (failure.code != EXO_OK) …
 *
 * Memory: the answers, the carry of sse.h (limits.event), and a body that is no stream: JSON up to limits.event, all
 * else up to limits.error_body.
 */
#ifndef EXOCHAT_INTAKE_H
#define EXOCHAT_INTAKE_H

#include "exochat/answer.h"
#include "exochat/failure.h"
#include "exochat/sse.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an event says; behind each, which fields of exo_intake_event it sets. */
typedef enum exo_event_type {
    EXO_EVENT_NONE,      /* nothing to show: the delta only changed the answer, or was not used */
    EXO_EVENT_TEXT,      /* text */
    EXO_EVENT_REASONING, /* text */
    EXO_EVENT_REFUSAL,   /* text */
    EXO_EVENT_TOOL_CALL, /* a tool call has begun, or says more of itself: tool, id, name (may be empty at first) */
    EXO_EVENT_TOOL_ARGUMENTS, /* text: a fragment of the arguments of `tool`; not to be used before the end says success
                               */
    EXO_EVENT_USAGE,          /* usage */
    EXO_EVENT_RESTART,        /* of a call, not of a body: what came so far is void, another deployment begins anew */
    EXO_EVENT_END,            /* of a call, not of a body: the last event */
    EXO_EVENT_FALLBACK        /* of a call, not of a body: an attempt has failed */
} exo_event_type;

/* One event. Spans are valid until the next call on the intake. */
typedef struct exo_intake_event {
    exo_event_type type;
    uint32_t choice;
    uint32_t tool;
    bool last;    /* TEXT, REASONING, REFUSAL, TOOL_ARGUMENTS: ends the string of one delta */
    bool replace; /* TOOL_ARGUMENTS: takes the place of what came before */
    exo_span text;
    exo_span id;
    exo_span name;
    const exo_usage *usage;
    bool held_back;  /* it is of no delta that came now, but of one before it: an answer had held it back */
    exo_delta delta; /* what it was made of, as it came, for who looks closer; without meaning where it was held back */
} exo_intake_event;

/* What has happened since it was last asked; a sum of these. */
enum exo_news {
    EXO_NEWS_EVENT = 1, /* a data event: an object with choices, usage or an error, or [DONE] */
    EXO_NEWS_TOKEN = 2, /* content, reasoning, a refusal, a tool call, a finish_reason or an error */
    EXO_NEWS_MORE = 4 /* something that the answer did not have: text, a tool call, a finish_reason, the first usage */
};

/* How a body is read. Begin with EXO_INTAKE_OPTIONS_INIT and set what is NULL there. All pointers are borrowed until
 * the intake is initialised anew or freed. */
typedef struct exo_intake_options {
    size_t size;                    /* sizeof(exo_intake_options), set by the macro */
    const exo_allocator *allocator; /* for the carry and for bodies that are no stream */
    const exo_limits *limits;
    exo_answer *answers; /* one for each choice that is kept, the first of them choice 0; initialised by the caller.
                            None for a body that is kept whole */
    uint32_t answer_count;
    exo_failure *failure; /* cleared; it may hold what the headers said (exo_failure_header()) */
    exo_buffer *whole;    /* the body of a 2xx response is kept in it and not read; NULL: it is a chat's */
    bool think_tags;      /* a <think> block at the start of the content is reasoning */
    bool lenient_end;     /* accept a clean end without finish_reason and [DONE] */
    bool strict_stream;   /* refuse a whole completion and lines of JSON in place of a stream */
    bool read_all;        /* read every event in full: remember no shapes (chunk.h). The result is the same */
    bool shown_only;      /* events that show nothing, EXO_EVENT_NONE, may be left out; a delta may then be `joined` */
#ifndef EXO_SMALL
    exo_failing *failing_; /* in place of `failure`. Private to the core */
#endif
} exo_intake_options;

/* What the options have behind the public ones. Private. */
#ifdef EXO_SMALL
#define EXO_INTAKE_MORE_
#else
/* The same. */
#define EXO_INTAKE_MORE_ , NULL
#endif

/* The defaults: nothing is lenient, nothing refused. */
#define EXO_INTAKE_OPTIONS_INIT \
    { \
        sizeof(exo_intake_options), NULL, NULL, NULL, 0, NULL, NULL, false, false, false, false, \
            false EXO_INTAKE_MORE_ \
    }

/* The intake of one body. Private but for sizeof. */
typedef struct exo_intake {
    exo_span in_;   /* what is left of the fed bytes: the next line of JSON that is dressed as an event, or what
                       came together with the bytes that decided the kind */
    uint8_t state_; /* small things first, as in exo_attempt */
    uint8_t line_;
    uint8_t news_;
    uint8_t odd_kind_; /* of what odd_ holds; private to intake.c */
    bool in_chunk_;
    bool unread_; /* next() has not said NEED_DATA about what was fed, or that no more comes */
    bool at_end_; /* the event at hand was ended by the end of the body only */
    bool cut_;    /* and could not be read, or the transport broke off */
    bool failed_; /* an error was reported */
    bool over_;   /* [DONE], an error, or the end: the rest does not matter */
    bool done_;   /* [DONE] came */
    bool flushed_;
#ifndef EXO_SMALL
    bool reads_on_; /* nothing is at hand, and nothing is to be done but to read on: found out by next() */
#endif
    uint16_t status_;
    uint16_t shown_;    /* the answer, from 1 on, that may have more to show of the delta at hand */
    uint32_t tool_;     /* the tool call that it is of */
    uint32_t resting_;  /* the answer that is asked for what it held back */
    uint32_t dressing_; /* bytes that dressing lines as events added to the stream */
    size_t begin_;      /* where JSON begins in held_ */
    size_t searched_;   /* up to there, for the end of the first line */
    exo_span rest_;     /* and what comes behind in_ */
    exo_intake_options options_;
    exo_buffer held_; /* what came while the kind was not known; a body that is not a stream */
    exo_buffer odd_;  /* the first event that could not be read, or that may be an error nobody understood */
    exo_delta delta_; /* what an answer made of the delta at hand: what is shown */
    exo_sse sse_;
    exo_chunk chunk_;
} exo_intake;

/* Begins the intake of one body. EXO_OK, or EXO_E_ARGUMENT for options that did not begin with their macro or lack a
 * pointer: nothing else may be called then. Free it with exo_intake_free(). */
int exo_intake_init(exo_intake *intake, const exo_intake_options *options);

/* The final status of the response, before its first byte. One that is not 2xx makes the body the reason of a refusal.
 */
void exo_intake_status(exo_intake *intake, uint16_t status);

/* Gives the next bytes, which must stay valid until next() says NEED_DATA. EXO_OK; EXO_E_STATE before next() has said
 * so of earlier bytes, or when it has said DONE. Whatever is wrong with the bytes is the failure's to say. */
int exo_intake_feed(exo_intake *intake, exo_span bytes);

/* Says that no more will come: `code` is EXO_OK at a clean end, or when what came must do; else why the transport broke
 * off, with its `words`. Call next() until it says DONE. Without effect once it has. */
void exo_intake_end(exo_intake *intake, int code, exo_span words);

/* Stores the next event: EXO_EVENT; EXO_NEED_DATA when all fed bytes are read; EXO_DONE when the answers are judged:
 * options.failure->code is EXO_OK, and the answers are proven, or says why not. The same events at every split. */
int exo_intake_next(exo_intake *intake, exo_intake_event *event);

#ifndef EXO_SMALL
/* Whether next() would say NEED_DATA at once, with nothing to carry over; then it has said so. False says nothing: ask
 * next(). Spans of the last event stay valid until the next call on the intake. */
bool exo_intake_rests(exo_intake *intake);
#endif

/* What has happened since it was last asked: a sum of exo_news. */
unsigned exo_intake_news(exo_intake *intake);

/* Whether every choice that has begun has a finish_reason, and at least one has. */
bool exo_intake_finished(const exo_intake *intake);

/* Whether [DONE] has come. */
bool exo_intake_done(const exo_intake *intake);

/* How many bytes of the body have been read as a stream. */
uint64_t exo_intake_offset(const exo_intake *intake);

/* Frees what it grew. The answers and the failure are the caller's. */
void exo_intake_free(exo_intake *intake);

#ifdef __cplusplus
}
#endif

#endif
