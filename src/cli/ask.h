/*
 * ask.h: one call from its beginning to its end, which a signal may bring nearer.
 */
#ifndef EXO_CLI_ASK_H
#define EXO_CLI_ASK_H

#include "exochat/client.h"

/* Makes a call and hands its events to `on_event` (NULL: nobody), which returns false to cancel it; SIGINT and SIGTERM
 * cancel it too. The reply, for exo_reply_free(); NULL when the call could not be made at all: exo_client_message()
 * says why. */
exo_reply *ask(exo_client *client, const exo_request *request, const exo_call_options *options,
               bool (*on_event)(void *ctx, const exo_event *event), void *ctx);

#endif
