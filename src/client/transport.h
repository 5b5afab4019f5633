/*
 * transport.h: what a call asks of a transport, and the facts that a transport reports.
 *
 * A transport moves the bytes of requests and responses; attempt.h decides what they mean. It is a table of functions,
 * so that calls can be driven without a socket: curl/libcurl.c is the one over libcurl, tests/client has one that
 * follows a script. Nothing here waits but serve().
 */
#ifndef EXO_CLIENT_TRANSPORT_H
#define EXO_CLIENT_TRANSPORT_H

#include "encoding.h"

#include "exochat/bounds.h"

/* One request and its response, as the transport keeps it. */
typedef struct exo_exchange exo_exchange;

/* What is to be sent. All of it is borrowed until the exchange ends; the body until it is drained or ends. */
typedef struct exo_sending {
    exo_deployed *deployed;
    const char *url;
    exo_encoding *body;           /* sized; NULL: a GET */
    uint64_t total;               /* its length, or EXO_SIZE_UNKNOWN for chunked coding */
    uint64_t expansion_max;       /* what a compressed body may unpack to: beyond it, EXO_E_EXPANSION_LIMIT */
    const exo_call_options *call; /* headers and traceparent; NULL: none */
    const char *api_key;          /* in place of the deployment's; NULL: that */
    int64_t connect_timeout;      /* milliseconds; 0: off. Where `call` is NULL: the deployment's */
    bool fresh;                   /* on a connection of its own */
    bool connect_only;            /* nothing is sent: over once the connection stands */
} exo_sending;

/* What an exchange reports to its owner, from within serve() and ready(). The owner notes it; it may end the exchange
 * in closed() and in no other. `now` is by the clock of the transport. */
typedef struct exo_facts {
    void (*connected)(void *owner, int64_t now, bool reused);
    /* A head begins; one of its lines, which has no name where it is no proper header; it has ended. EXO_OK or the code
     * with which the exchange breaks off. */
    int (*status)(void *owner, uint16_t status);
    int (*header)(void *owner, exo_span name, exo_span value);
    void (*head_end)(void *owner, int64_t now);
    void (*sends)(void *owner, exo_span bytes); /* bytes of the body go out */
    void (*readable)(void *owner, int64_t now); /* bytes of the response wait to be taken */
    /* In place of readable(): so many bytes came and are dropped; false breaks off. NULL: they are kept. */
    bool (*discards)(void *owner, int64_t now, size_t bytes);
    void (*closed)(void *owner, int64_t now); /* it is over: ending() says how */
    /* It waits for a bound of the client's (bounds.h), or no longer; told within start() and end() of any exchange too.
     * NULL: nobody wants to know. */
    void (*waits)(void *owner, int64_t now, bool waits);
} exo_facts;

/* How the upload stands: see exo_attempt_upload(). */
typedef struct exo_upload {
    uint64_t accepted;
    uint64_t unacked;
    bool complete;
} exo_upload;

/* How an exchange that is over went. */
typedef struct exo_ending {
    int code;       /* EXO_OK or an error */
    exo_span words; /* what the transport says of it; valid as long as the exchange */
    bool byte_seen; /* of a response */
} exo_ending;

/* What only the transport knows of an exchange, for the trail. */
typedef struct exo_exchange_details {
    int64_t resolved_ms;  /* -1: unknown */
    int64_t queued_ms;    /* for how long it waited for a bound */
    char http_version[4]; /* "1.1", "2", "" */
    char redirect[256];   /* where a 3xx sends, without a query, visible ASCII; "": nowhere, or unknown */
} exo_exchange_details;

/* A transport. Begins with its table. */
typedef struct exo_transport {
    const struct exo_transport_table *table;
    const int64_t *allowance; /* serve() moves no more once this is 0 or less; NULL: there is no bound */
    const size_t *turns; /* how many were told something and wait for a turn: once some do, serve() may leave off */
    bool left_off;       /* serve() sets it: it did, and has more to see to, for which it will not wait */
    bool rang;           /* serve() sets it when ring() was called; whoever looks sets it back */
    unsigned forks;      /* how often this process was the child of a fork() when it was opened; set by who opened it */
} exo_transport;

/* How often this process was the child of a fork(): the one variable of the library that changes (engine.c). */
extern unsigned exo_fork_count;

/* Whether this process opened the transport: in a child of it the connections are the parent's. */
static inline bool exo_transport_is_ours(const exo_transport *transport)
{
    return transport->forks == exo_fork_count;
}

/* The functions of a transport. */
typedef struct exo_transport_table {
    /* Makes an exchange that reports to `owner`. NULL when memory runs out, or when an option of the deployment is
     * refused: `*error` says which, `message` of `size` bytes why. */
    exo_exchange *(*start)(exo_transport *transport, const exo_sending *sending, const exo_facts *facts, void *owner,
                           int *error, char *message, size_t size);
    /* Moves what waits to be taken into `into`, which must be empty, and reads on. EXO_OK when there was something,
     * EXO_NOT_FOUND when not. */
    int (*take)(exo_exchange *exchange, exo_buffer *into);
    /* Looks at the upload; unless it `resumes`, a source of the body that had nothing ready is asked again. */
    void (*progress)(exo_exchange *exchange, exo_upload *upload);
    /* Asks it again. */
    void (*resume)(exo_exchange *exchange);
    void (*ending)(const exo_exchange *exchange, exo_ending *ending);
    void (*details)(const exo_exchange *exchange, exo_exchange_details *details);
    /* Lets an exchange run on for another owner, who wants none of its bytes. */
    void (*drain)(exo_exchange *exchange, const exo_facts *facts, void *owner);
    /* In connected(): gives the root certificate with which the connection was verified to `pem`. EXO_OK, or a code
     * with words in `message`. */
    int (*root)(exo_exchange *exchange, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message, size_t size);
    /* Ends an exchange in whatever state and frees it. `reuse`: its connection may serve again, if the response has
     * ended as it should; else it is closed. */
    void (*end)(exo_exchange *exchange, bool reuse);

    /* The time, in milliseconds of a monotonic clock. */
    int64_t (*now)(const exo_transport *transport);
    /* Moves bytes, waiting for them at most `wait` milliseconds (negative: as long as it takes), and returns a moment:
     * whatever had come by then was told. It may leave off while others are still to be told, and then sets `left_off`:
     * the next one goes on there and does not wait. */
    int64_t (*serve)(exo_transport *transport, int64_t wait);
    /* When serve() must be called even if no socket is ready; -1: no time limit. */
    int64_t (*due)(const exo_transport *transport);
    /* As exo_client_watch(), exo_client_ready(), exo_client_fd() and exo_client_wakeup(); EXO_E_STATE is the caller's
     * to find. */
    void (*watch)(exo_transport *transport, void (*watch)(void *ctx, int socket, int what), void *ctx);
    bool (*is_watched)(const exo_transport *transport);
    void (*ready)(exo_transport *transport, int socket, int what);
    int (*fd)(const exo_transport *transport);
    void (*ring)(const exo_transport *transport);
    /* As exo_client_bounds(), which has checked them. */
    void (*bound)(exo_transport *transport, const exo_bounds *bounds);
    /* Closes all connections; no exchange is left. NULL is allowed. */
    void (*close)(exo_transport *transport);
} exo_transport_table;

#endif
