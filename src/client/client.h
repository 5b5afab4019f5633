/*
 * client.h: the client's loop, as the blocking forms use it.
 */
#ifndef EXO_CLIENT_CLIENT_H
#define EXO_CLIENT_CLIENT_H

#include "engine.h"

/* As exo_client_next(). `only`, if not NULL: events of that call alone; the first one of any other waits. */
int exo_client_next_of(exo_client *client, exo_call *only, int64_t timeout, exo_event *event);

#endif
