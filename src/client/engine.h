/*
 * engine.h: the client, as the files of src/client share it. Private.
 *
 * client.c gives calls their turns, call.c does what one call has to do at its turn, chat.c and endpoint.c block, log.c
 * tells. They share this; what they do not share lies in files of their own: loop.h, registry.h, draining.h.
 */
#ifndef EXO_CLIENT_ENGINE_H
#define EXO_CLIENT_ENGINE_H

#include "claims.h"
#include "draining.h"
#include "loop.h"
#include "registry.h"

#include "exochat/log.h"

/* How much of a body is sized in one turn of a call. */
#define EXO_SIZING_SLICE ((size_t)256 * 1024)

/* How much of a response is read in one turn of a call. */
#define EXO_READING_SLICE ((size_t)64 * 1024)

/* For how long the transport may not be served while every call has something to do. */
#define EXO_UNSERVED_MS 5

/* After how long a source that had nothing ready is asked again, while the body is sized. */
#define EXO_SOURCE_MS 5

struct exo_client {
    unsigned forks; /* how often this process was the child of a fork() when the client was made */
    exo_loop loop;
    exo_drains drains;
    exo_registry registry;
    exo_limits limits;
    exo_bounds bounds;
    exo_claims claims; /* what the bodies of its calls are made of */
    struct {
        void (*hook)(void *ctx, const exo_record *record);
        void *ctx;
        long bodies; /* how many bytes of text a record may hold */
    } log;
    exo_call *calls;   /* all of them, ended ones included */
    exo_call *held;    /* the one whose event the consumer is at work on, or NULL */
    int64_t held_at;   /* since when */
    exo_queue waiting; /* those with an event that came while exo_chat() served another call */
    exo_event *spare;  /* room for the next event that is to wait, or NULL */
    size_t live;       /* those that have not handed out their END */
    size_t chats;      /* how many blocking forms are under way, one inside the other */
    bool is_freed;     /* by a handler of one of these: it is freed behind them */
    struct {
        int64_t bytes; /* how many may be moved in one turn of the caller's loop */
        int64_t left;  /* and still may in this one */
        bool is_over;  /* the next call on the client begins another one */
        bool served;   /* the network had its part of this one */
    } turn;
    uint64_t random;
    char message[512];
};

/* A client over a transport, which it owns from here on; NULL for `transport` fails. `options` is whole. As
 * exo_client_new() otherwise. */
exo_client *exo_engine_new(const exo_client_options *options, exo_transport *transport);

/* Whether this process made the client: after fork() its sockets are the parent's too. */
static inline bool exo_engine_is_ours(const exo_client *client)
{
    return client->forks == exo_fork_count;
}

/* EXO_OK, or what a call on a client that is none, or that is the parent's, returns. */
int exo_engine_check(const exo_client *client);

/* Stores words for exo_client_message(). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void exo_engine_say(exo_client *client, const char *format, ...);

/* The deployment of `model`, or NULL with words for exo_client_message(). */
exo_deployed *exo_engine_deployed(exo_client *client, const char *model);

/* 32 random bits. `ctx` is the client. */
uint32_t exo_engine_random(void *ctx);

#endif
