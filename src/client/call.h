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

struct exo_call {
    exo_task task; /* comes first: client.c finds the call by it */
    exo_client *client;
    exo_call *previous; /* in client->calls */
    exo_call *next;
    exo_call_state state;
    bool is_live; /* counted in client->live */
    void *user;
    exo_call_options options; /* what it points to are copies */
    exo_reply *reply;

    struct {
        exo_deployed **lineup; /* the deployments of the route, by number */
        exo_route_stop *stops; /* first the model and its fallbacks, then the context fallbacks */
        size_t count;
        exo_route route;
        exo_route_policy policy;
        exo_random random;
        exo_deployed *at; /* the deployment that is attempted */
        bool last;        /* no other is left that was not tried yet */
        bool restart_due; /* RESTART is handed out before anything else */
    } path;

    struct {
        exo_encoding encoding;
        exo_exchange *exchange; /* NULL: none is under way */
        exo_draining *awaited;  /* CALL_GRACE: the connection that it waits for */
        exo_attempt attempt;
        bool begun;            /* the attempt is to be ended and freed */
        bool waits;            /* the exchange does, for a bound of the client's: its clocks stand still */
        bool closed;           /* the exchange is over, and the attempt was not told yet */
        int64_t closed_at;     /* when it ended */
        int64_t arrived_at;    /* when the last bytes came */
        int64_t starved_at;    /* since when sizing waits for a source, or -1 */
        bool resumed;          /* the caller says that a source has data again */
        exo_buffer feed;       /* the bytes that the attempt is reading */
        exo_buffer sent_start; /* the first bytes of the body that was sent last, for the log */
    } try;

    struct {
        exo_timer timer;
        int64_t started;
        int64_t deadline; /* of the total clock, or -1 */
        int64_t held_at;  /* since when the consumer holds it, or -1 */
    } time;

    struct {
        exo_event event; /* waits while exo_chat() serves another call */
        bool there;
    } waiting;
};

/* The call whose task this is. */
static inline exo_call *exo_call_of(exo_task *task)
{
    return (exo_call *)task;
}

/* Does what a call has to do at its turn. EXO_EVENT: `*event` is stored; EXO_OK: nothing for the consumer. */
int exo_call_step(exo_call *call, exo_event *event);

/* The consumer works on an event of the call, or is done with it: the clocks of the call stand still meanwhile. */
void exo_call_hold(exo_call *call, bool held);

#endif
