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

#include <sys/types.h>

/* How much of a body is sized in one turn of the loop. */
#define EXO_SIZING_SLICE ((size_t)256 * 1024)

/* After how long a source that had nothing ready is asked again, while the body is sized. */
#define EXO_SOURCE_MS 5

struct exo_client {
    pid_t pid;
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
    exo_call *calls; /* all of them, ended ones included */
    exo_call *held;  /* the one whose event the consumer is at work on, or NULL */
    size_t live;     /* those that have not handed out their END */
    uint64_t random;
    char message[512];
};

/* A client over a transport, which it owns from here on; NULL for `transport` fails. `options` is whole. As
 * exo_client_new() otherwise. */
exo_client *exo_engine_new(const exo_client_options *options, exo_transport *transport);

/* Whether this process made the client: after fork() its sockets are the parent's too. */
bool exo_engine_is_ours(const exo_client *client);

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
