/*
 * root.h: the root certificate by which a connection of libcurl was verified.
 */
#ifndef EXO_CLIENT_CURL_ROOT_H
#define EXO_CLIENT_CURL_ROOT_H

#include "exchange.h"

/* See exo_transport_table. */
int exo_root_of(exo_exchange *exchange, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message, size_t size);

#endif
