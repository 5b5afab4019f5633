/*
 * gate.h: who may look up a name, and who may have a connection: the bounds of bounds.h, as a state machine.
 *
 * It knows neither libcurl nor time: visitors enter, are told when they wait for a bound and when they may pass, and
 * leave. A visitor asks for the name of its host first, unless that was looked up of late, and holds nothing meanwhile;
 * then it lines up for one of its host's connections, and then for one of all.
 */
#ifndef EXO_CLIENT_GATE_H
#define EXO_CLIENT_GATE_H

#include "identity.h"
#include "line.h"

#include "exochat/bounds.h"

/* For how long what was looked up is good, in milliseconds: libcurl's standard. */
#define EXO_NAME_GOOD_MS 60000

/* Hosts that are remembered though nobody goes there. */
#define EXO_HOSTS_KEPT 1024

/* Requests that share a connection of HTTP/2: libcurl's standard. */
#define EXO_STREAMS_PER_CONNECTION 100

typedef struct exo_gate exo_gate;

/* A host, for all that have one identity. */
typedef struct exo_host {
    exo_gate *gate;
    exo_identity *identity;
    char *name;
    long port;
    bool secure;
    struct exo_host *next; /* in its bucket */
    exo_place place;       /* among those that wait for a look-up, or that nobody uses */
    exo_line asking;       /* visitors that wait for its name to be looked up */
    exo_line waiting;      /* visitors that wait for one of its connections */
    size_t users;          /* visitors, unused connections and a look-up */
    uint32_t taken;        /* visitors that have a connection of its own to come, or have it: */
    uint32_t passed;       /* these have it, */
    uint32_t counted;      /* in so many connections */
    uint32_t coming;       /* those of which it is not known yet which connection they got */
    uint32_t unused;       /* connections that are kept for later */
    bool looks_up;
    bool multiplexes;
    int64_t good_until; /* when its name is to be looked up again, */
    uint64_t good_for;  /* in the cache with this number */
    void *lookup;       /* for whoever runs it */
} exo_host;

/* Where a visitor is. */
typedef enum exo_gate_stage {
    GATE_OUTSIDE,
    GATE_ASKS,  /* for its host's name */
    GATE_WAITS, /* for one of its host's connections */
    GATE_NEXT,  /* for one of all */
    GATE_PASSED
} exo_gate_stage;

/* Whoever wants a connection. Zero it to begin with. */
typedef struct exo_visitor {
    exo_host *host;
    exo_gate_stage stage;
    exo_place place;
    bool is_fresh; /* it will not use a connection that is there */
    bool arrived;  /* it is known which one it got */
    bool waits;    /* for a bound; it was told so */
} exo_visitor;

/* What the gate asks for. Each may be called within any function of the gate's; of these, refuse() may let its visitor
 * leave, close_unused() must say exo_gate_keeps(), and no other may be called. */
typedef struct exo_gate_table {
    void (*wait)(exo_visitor *visitor, bool waits); /* for a bound, or not any more */
    void (*pass)(exo_visitor *visitor);
    void (*refuse)(exo_visitor *visitor);                          /* its host's name was not found */
    bool (*look_up)(exo_host *host, exo_visitor *first);           /* begin; false: let them find out by themselves */
    void (*close_unused)(exo_gate *gate, const exo_host *of_host); /* the oldest that is kept; NULL: of all */
} exo_gate_table;

struct exo_gate {
    const exo_gate_table *table;
    exo_bounds bounds;
    exo_host *buckets[128];
    exo_line idle;    /* hosts that nobody uses */
    exo_line names;   /* hosts that wait for a look-up */
    exo_line next;    /* visitors that wait for one of all connections */
    uint32_t lookups; /* under way */
    uint32_t connections;
    uint32_t unused;
};

/* An open gate with the standard bounds. */
void exo_gate_init(exo_gate *gate, const exo_gate_table *table);

/* Changes the bounds. Whoever waits and may pass now does; who has passed stays. */
void exo_gate_bound(exo_gate *gate, const exo_bounds *bounds);

/* The host, made if there is none, with a user more; NULL when memory runs out. */
exo_host *exo_gate_host(exo_gate *gate, exo_identity *identity, bool secure, const char *name, long port);

/* A user of the host, or a connection that is kept, less. */
void exo_host_drop(exo_host *host);

/* A visitor, which is outside, comes for a host, which it uses from here on. `asks`: its name may have to be looked up,
 * into the cache with the number `cache`. */
void exo_gate_enter(exo_visitor *visitor, exo_host *host, bool asks, uint64_t cache, int64_t now);

/* A visitor that has passed has its connection: one that was kept is no longer, or there is one more. */
void exo_gate_arrive(exo_visitor *visitor);

/* A visitor leaves, wherever it is; nothing if it is outside. */
void exo_gate_leave(exo_visitor *visitor);

/* The look-up of a host is over: its name is known, in the cache with the number `cache`, or those who asked are
 * refused. */
void exo_gate_found(exo_host *host, uint64_t cache, int64_t now);
void exo_gate_lost(exo_host *host);

/* A host whose name is being looked up, or NULL. */
exo_host *exo_gate_looks_up(exo_gate *gate);

/* Whether connections of the host serve several at once. */
void exo_gate_multiplexes(exo_host *host, bool multiplexes);

/* A connection of the host is kept for later, or no longer. */
void exo_gate_keeps(exo_host *host, bool kept);

/* Frees the hosts; there is no visitor, no look-up and no connection. */
void exo_gate_close(exo_gate *gate);

#endif
