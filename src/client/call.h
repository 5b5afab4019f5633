/*
 * call.h: one call: a route of attempts, each an exchange of the transport, and what becomes an event.
 */
#ifndef EXO_CLIENT_CALL_H
#define EXO_CLIENT_CALL_H

#include "encoding.h"
#include "engine.h"
#include "reply.h"

/* How long an attempt waits for a connection that is being drained before it makes one of its own. */
#define EXO_GRACE_MS 20

typedef enum exo_call_state {
    CALL_ROUTING,  /* asks the route what to do */
    CALL_SIZING,   /* sizes the body, a slice a turn */
    CALL_WAITING,  /* for the route's time to come */
    CALL_GRACE,    /* for a connection that is being drained to become free */
    CALL_EXCHANGE, /* an exchange is under way */
    CALL_ENDING,   /* END is to be handed out */
    CALL_ENDED
} exo_call_state;

/* Why the clocks of a call stand still; a bit each. */
enum exo_hold {
    HOLD_CONSUMER = 1, /* the consumer works on an event of it */
    HOLD_WAITING = 2,  /* an event waits while exo_chat() serves another call */
    HOLD_QUESTION = 4, /* an endpoint is asked something, which blocks */
    HOLD_PROGRAM = 8,  /* exo_call_hold() */
    HOLD_BOUND = 16    /* its exchange waits for a bound of the client's */
};

struct exo_call {
    exo_task task; /* comes first: client.c finds the call by it */
    exo_client *client;
    exo_call *previous; /* in client->calls */
    exo_call *next;
    exo_call_state state;
    bool is_live;  /* counted in client->live */
    bool is_chats; /* it is of a blocking form, which frees it */
    uint8_t holds; /* a sum of exo_hold */
    void *user;
    exo_call_options options; /* what it points to are copies */
    exo_reply *reply;

    struct {
        exo_deployed **lineup; /* the deployments of the route, by number; behind the stops, in one block with them */
        exo_route_stop *stops; /* first the model and its fallbacks, then the context fallbacks */
        exo_route route;
        exo_route_policy policy;
        exo_random random;
        exo_deployed *at;  /* the deployment that is attempted */
        uint32_t count;    /* of deployments in the route */
        bool last;         /* no other is left that was not tried yet */
        bool fallback_due; /* an attempt has failed, and FALLBACK was not handed out yet */
        bool restart_due;  /* RESTART is handed out before anything else */
    } path;

    struct {
        exo_encoding encoding;
        exo_exchange *exchange; /* NULL: none is under way */
        exo_draining *awaited;  /* CALL_GRACE: the connection that it waits for */
        exo_attempt attempt;
        bool begun;             /* the attempt is to be ended and freed */
        bool readable;          /* bytes may wait to be taken from the exchange */
        bool has_body;          /* what is sent may still be in memory */
        bool closed;            /* the exchange is over, and the attempt was not told yet */
        bool resumed;           /* the caller says that a source has data again */
        int64_t started_ms;     /* when the attempt began, since the call did */
        int64_t closed_at;      /* when it ended */
        int64_t arrived_at;     /* when the last bytes came */
        int64_t starved_at;     /* since when sizing waits for a source, or -1 */
        exo_buffer feed;        /* the bytes that the attempt is reading, */
        size_t feed_at;         /* and how many of them it was told of */
        exo_buffer *sent_start; /* the first bytes of the body that was sent last, for the log; NULL: it wants none */
    } try;

    struct {
        exo_timer timer;
        int64_t started;
        int64_t deadline; /* of the total clock, or -1 */
        int64_t grace;    /* CALL_GRACE: until when */
    } time;

    struct {
        exo_task place; /* in client->waiting, unless the program holds the call */
        exo_event
            *event; /* waits while exo_chat() serves another call; NULL: the call's turn does, for want of memory */
        bool there;
    } waiting;
};

/* The call whose task this is. */
static inline exo_call *exo_call_of(exo_task *task)
{
    return (exo_call *)task;
}

/* The call whose place among those that wait this is. */
static inline exo_call *exo_call_of_waiting(exo_task *place)
{
    return (exo_call *)(void *)((char *)place - offsetof(exo_call, waiting.place));
}

/* Does what a call has to do at its turn. EXO_EVENT: `*event` is stored; EXO_OK: nothing for the consumer. */
int exo_call_step(exo_call *call, exo_event *event);

/* The turn of a call that the program holds: nothing is done, unless the total clock has run out. */
void exo_call_stand(exo_call *call);

/* Whether the call is counted among those of which something is still to come. */
void exo_call_set_live(exo_call *call, bool is_live);

/* A reason to hold the call is there, or is gone, since `now`. While there is one, all its clocks stand still but the
 * total one; it has a turn when it is gone. */
void exo_call_set_hold(exo_call *call, int64_t now, enum exo_hold why, bool held);

/* Whether the call may have its next turn as soon as it has had one: its answer is being read, and nobody else wants to
 * know of it. */
static inline bool exo_call_reads(const exo_call *call)
{
    return call->state == CALL_EXCHANGE && call->holds == HOLD_CONSUMER && !call->waiting.there;
}

/* One event more of the call that is held, and reads, of what it has at hand: at `now` the consumer has done with the
 * one before. False: it needs a turn for it, and is still held. */
bool exo_call_read_on(exo_call *call, int64_t now, exo_event *event);

#endif
