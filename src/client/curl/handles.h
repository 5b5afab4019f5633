/*
 * handles.h: easy handles that are kept from one request of a deployment to the next, with what libcurl was told of
 * that deployment: its TLS, its proxy, its addresses, and the headers of a request that has none of its own.
 *
 * A handle belongs to one deployment, as that was deployed: one that is deployed anew has none. What belongs to a
 * single request is told with each, whether a handle was kept or not (exchange.c). No handle outlives its deployment.
 */
#ifndef EXO_CLIENT_CURL_HANDLES_H
#define EXO_CLIENT_CURL_HANDLES_H

#include "pool.h"

/* Handles that are kept, of all deployments together. */
#define EXO_HANDLES_KEPT 32

typedef struct exo_handle {
    CURL *easy;
    struct curl_slist *resolve;
    bool is_configured; /* libcurl was told of the deployment */
    struct exo_handle *next;
    exo_deployed *deployed; /* while it is kept: whose list it is in */
    exo_place place;        /* among all that are kept */
} exo_handle;

/* A new one, of which nothing is set; NULL when memory runs out. */
exo_handle *exo_handle_new(void);

/* The one of `deployed` that was kept last, or a new one. */
exo_handle *exo_handle_take(exo_deployed *deployed);

/* Keeps a handle for the next request of `deployed`; the oldest one goes for it where there are too many. */
void exo_handle_keep(exo_pool *pool, exo_handle *handle, exo_deployed *deployed);

/* The headers of a request of `sending->deployed` that has none of its own (exo_sending_is_plain()): the deployment's.
 * NULL when memory runs out. */
struct curl_slist *exo_handle_headers(const exo_sending *sending);

/* Frees one that is not kept. NULL is allowed. */
void exo_handle_free(exo_handle *handle);

/* Frees all that are kept. */
void exo_handles_close(exo_pool *pool);

#endif
