/*
 * engine.h: the client and its calls, as the files of src/client see them. Private.
 *
 * client.c owns the loop (sockets, timers, the queue of calls that have something to do), call.c what one call does
 * when its turn comes, exchange.c the HTTP below it, reply.c what is left at the end.
 */
#ifndef EXO_CLIENT_ENGINE_H
#define EXO_CLIENT_ENGINE_H

#include "encoding.h"
#include "exchange.h"
#include "poller.h"
#include "registry.h"
#include "timers.h"

#include "exochat/log.h"
#include "exochat/sse.h"

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* How much of a body is sized in one turn of the loop. */
#define EXO_SIZING_SLICE ((size_t)256 * 1024)

/* How long a response that is not 2xx may take to say why, and what follows finish_reason to come. */
#define EXO_REST_MS 5000

/* After how long a source that had nothing ready is asked again, while the body is sized. */
#define EXO_SOURCE_MS 5

/* How long an attempt waits for a connection that is being drained before it makes one of its own. */
#define EXO_GRACE_MS 20

/* ---- client ---- */

/* A queue of calls, linked through them. */
typedef struct exo_queue {
    exo_call *first;
    exo_call *last;
    size_t count;
} exo_queue;

struct exo_client {
    pid_t pid;
    CURLM *multi;
    exo_poller *poller; /* NULL while the caller watches the sockets */
    void (*watch)(void *ctx, int socket, int what);
    void *watch_ctx;
    exo_timers timers;
    int64_t curl_due; /* when libcurl wants to be called, or -1 */
    int64_t held;     /* milliseconds that consumers have held events, all together: our clocks stand still meanwhile */
    int64_t left_at;  /* since when an event is held, or -1 */
    exo_limits limits;
    void (*log)(void *ctx, const exo_record *record);
    void *log_ctx;
    long log_bodies;
    exo_registry registry;
    exo_call *calls; /* all of them, ended ones included */
    size_t live;     /* those that have not handed out their END */
    exo_queue ready;
    exo_exchange *draining;
    uint64_t *heard; /* by socket: bytes that had come over it when its last exchange ended */
    size_t heard_count;
    uint64_t random;
    char message[512];
};

/* Milliseconds of a monotonic clock, and the same less the time that consumers have held events: it stands still while
 * one does. */
int64_t exo_clock_real(void);
int64_t exo_client_now(const exo_client *client);

/* Stores words for exo_client_message(). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void exo_client_say(exo_client *client, const char *format, ...);

/* 32 random bits. `ctx` is the client. */
uint32_t exo_client_random(void *ctx);

/* Puts a call at the end of the ready queue, unless it is in it. */
void exo_client_wake(exo_client *client, exo_call *call);

/* Takes a call out of the loop: nothing more will come of it. */
void exo_client_forget(exo_client *client, exo_call *call);

/* ---- call ---- */

typedef enum exo_call_state {
    CALL_ROUTING,  /* asks the route what to do */
    CALL_SIZING,   /* sizes the body, a slice a turn */
    CALL_WAITING,  /* for the route's time to come */
    CALL_GRACE,    /* for a connection that is being drained to become free */
    CALL_EXCHANGE, /* an exchange is under way */
    CALL_ENDING,   /* END is to be handed out */
    CALL_ENDED
} exo_call_state;

struct exo_call {
    exo_client *client;
    exo_call *previous; /* in client->calls */
    exo_call *next;
    exo_call *ready_previous; /* in client->ready */
    exo_call *ready_next;
    bool is_ready;
    bool is_live; /* counted in client->live */
    void *user;
    const exo_request *request;
    exo_call_options options; /* its strings are copies */
    exo_call_state state;

    exo_deployed **lineup; /* the deployments of the route, by number */
    exo_route_stop *stops; /* first the model and its fallbacks, then the context fallbacks */
    size_t lineup_count;
    exo_route route;
    exo_route_policy policy;
    exo_random random;
    uint32_t at; /* number of the deployment that is attempted */

    exo_encoding encoding;

    exo_exchange *exchange;
    exo_exchange *awaited; /* CALL_GRACE: the one whose connection it waits for */
    enum exo_phase phase;
    exo_body_kind kind;
    exo_buffer feed; /* the bytes that sse is reading */
    bool sse_ended;
    bool in_chunk;
    bool chunks_ended;
    bool done; /* [DONE] came */
    exo_sse sse;
    exo_chunk chunk;
    exo_buffer body;       /* of a response that is not a stream */
    exo_buffer sent_start; /* the first bytes of the body that was sent last, for the log; empty unless it wants them */
    bool exposed;          /* an event of this attempt was handed out */
    exo_event waiting;     /* an event that waits while exo_chat() serves another call */
    bool event_waits;
    bool restart_due;  /* events of a failed attempt were shown: RESTART is handed out if there is another one */
    bool rest_is_late; /* what follows finish_reason, or the body of an error, took too long */
    exo_failure failure;

    exo_timer timer;
    int64_t started; /* by exo_client_now() */
    int64_t started_real;
    int64_t attempt_began; /* by exo_client_now() */
    int64_t attempt_real;
    int64_t phase_began;
    int64_t progress_at;

    exo_reply *reply;
};

/* Does what a call has to do at its turn. EXO_EVENT: `*event` is stored; EXO_OK: nothing for the consumer. */
int exo_call_step(exo_call *call, exo_event *event);

/* Whether the next step of a call may hand out an event. */
bool exo_call_has_events(const exo_call *call);

/* Told by exchange.c and client.c: the exchange has connected; bytes of the body go out; the exchange is over. */
void exo_call_connected(exo_call *call);
void exo_call_sends(exo_call *call, exo_span bytes);
void exo_call_over(exo_call *call);

/* How an attempt ends. It failed: the trail has it, the route decides what is next. It succeeded: the rest of the
 * response is drained. Or the call ends with a failure that no other deployment would cure. Each returns EXO_OK where
 * it returns anything: there is no event yet. */
int exo_call_fail(exo_call *call, exo_failure *failure);
int exo_call_fail_code(exo_call *call, int code, exo_span message);
void exo_call_succeed(exo_call *call);
void exo_call_end(exo_call *call, const exo_failure *failure);

/* Milliseconds since the attempt began, for the trail. */
int64_t exo_call_since_attempt(const exo_call *call);

/* The body is out, or was not waited for: the trail notes when, the first time. */
void exo_call_note_sent(exo_call *call);

/* ---- the clocks of a call ---- */

/* Says where the exchange is now. */
void exo_call_enter(exo_call *call, enum exo_phase phase);

/* Sets the call's timer for the next look at its clocks. */
void exo_call_arm(exo_call *call);

/* Sets it for `moment`, or for when the total clock runs out, if that is earlier. */
void exo_call_wait_until(exo_call *call, int64_t moment);

/* All that has come is read: looks at the clocks, however soon more may come. A flood does not stop them. */
void exo_call_has_read(exo_call *call);

/* Whether the total clock has run out; the call has then failed. */
bool exo_call_total_ran_out(exo_call *call);

/* The call's timer: `owner` is the call. */
void exo_call_look_at_clocks(void *owner, int64_t now);

/* ---- the response of a call ---- */

/* Prepares for the response of a new exchange: the answers of the last attempt are forgotten. */
void exo_call_prepare(exo_call *call);

/* Reads what has come, until there is an event (EXO_EVENT, stored), or no more to read (EXO_OK). */
int exo_call_read(exo_call *call, exo_event *event);

/* What came so far is all that will be waited for: the answer stands, or it failed. */
void exo_call_rest_is_late(exo_call *call);

/* ---- reply ---- */

/* An attempt as the reply keeps it. */
typedef struct exo_kept_attempt {
    exo_trail_entry attempt;
    char *deployment;
    char *model;
    char *message;
} exo_kept_attempt;

struct exo_reply {
    exo_answer *answers;
    uint32_t answer_count;
    exo_failure failure; /* code EXO_OK: none */
    exo_kept_attempt *attempts;
    size_t attempt_count;
    int64_t milliseconds;
};

/* An empty reply with `choices` answers, or NULL. */
exo_reply *exo_reply_new(const exo_limits *limits, uint32_t choices, unsigned keep);

/* Empties the answers for another attempt. */
void exo_reply_restart(exo_reply *reply, const exo_limits *limits, unsigned keep);

/* Appends an attempt to the trail and returns it, or NULL when memory runs out. Valid until the next one is appended.
 */
exo_trail_entry *exo_reply_begin_attempt(exo_reply *reply, const char *deployment, const char *model);

/* Notes why the last attempt, which there is, has failed. */
void exo_reply_note_message(exo_reply *reply, const char *message);

/* The last attempt, or NULL. */
exo_trail_entry *exo_reply_last_attempt(const exo_reply *reply);

/* ---- log ---- */

/* Hands the record of the last attempt (`failure` is NULL where it succeeded), or of the whole call, to the client's
 * hook, if there is one. */
void exo_log_attempt(const exo_call *call, const exo_failure *failure);
void exo_log_call(const exo_call *call);

#endif
