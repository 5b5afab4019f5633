/*
 * forked.c: see forked.h. A hook of the program's (a log, a source, a watch) may call fork() in the midst of anything:
 * the child goes on behind it until whoever called the library is told, and must not touch the parent's connections
 * meanwhile. loop.h chooses this table there. No memory: what the parent's exchanges hold stays as it is.
 */
#include "forked.h"

#include "exochat/error.h"

#include <stdio.h>
#include <string.h>

static exo_exchange *forked_start(exo_transport *transport, const exo_sending *sending, const exo_facts *facts,
                                  void *owner, int *error, char *message, size_t size)
{
    (void)transport;
    (void)sending;
    (void)facts;
    (void)owner;
    *error = EXO_E_FORKED;
    snprintf(message, size, "%s", "");
    return NULL;
}

static int forked_take(exo_exchange *exchange, exo_buffer *into)
{
    (void)exchange;
    (void)into;
    return EXO_NOT_FOUND;
}

static void forked_progress(exo_exchange *exchange, exo_upload *upload)
{
    (void)exchange;
    memset(upload, 0, sizeof *upload);
}

static void forked_resume(exo_exchange *exchange)
{
    (void)exchange;
}

static void forked_ending(const exo_exchange *exchange, exo_ending *ending)
{
    (void)exchange;
    memset(ending, 0, sizeof *ending);
    ending->code = EXO_E_FORKED;
}

static void forked_details(const exo_exchange *exchange, exo_exchange_details *details)
{
    (void)exchange;
    memset(details, 0, sizeof *details);
}

static void forked_drain(exo_exchange *exchange, const exo_facts *facts, void *owner)
{
    (void)exchange;
    (void)facts;
    (void)owner;
}

static int forked_root(exo_exchange *exchange, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message,
                       size_t size)
{
    (void)exchange;
    (void)pem;
    (void)ctx;
    snprintf(message, size, "%s", "");
    return EXO_E_FORKED;
}

static void forked_end(exo_exchange *exchange, bool reuse)
{
    (void)exchange;
    (void)reuse;
}

static int64_t forked_now(const exo_transport *transport)
{
    return transport->table->now(transport);
}

static int64_t forked_serve(exo_transport *transport, int64_t wait)
{
    (void)wait;
    return forked_now(transport);
}

static int64_t forked_due(const exo_transport *transport)
{
    (void)transport;
    return -1;
}

static void forked_watch(exo_transport *transport, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    (void)transport;
    (void)watch;
    (void)ctx;
}

static bool forked_is_watched(const exo_transport *transport)
{
    (void)transport;
    return false;
}

static void forked_ready(exo_transport *transport, int socket, int what)
{
    (void)transport;
    (void)socket;
    (void)what;
}

static int forked_fd(const exo_transport *transport)
{
    (void)transport;
    return -1;
}

static void forked_ring(const exo_transport *transport)
{
    (void)transport;
}

static void forked_bound(exo_transport *transport, const exo_bounds *bounds)
{
    (void)transport;
    (void)bounds;
}

static void forked_close(exo_transport *transport)
{
    (void)transport;
}

const exo_transport_table exo_forked_table = {
    .start = forked_start,
    .take = forked_take,
    .progress = forked_progress,
    .resume = forked_resume,
    .ending = forked_ending,
    .details = forked_details,
    .drain = forked_drain,
    .root = forked_root,
    .end = forked_end,
    .now = forked_now,
    .serve = forked_serve,
    .due = forked_due,
    .watch = forked_watch,
    .is_watched = forked_is_watched,
    .ready = forked_ready,
    .fd = forked_fd,
    .ring = forked_ring,
    .bound = forked_bound,
    .close = forked_close,
};
