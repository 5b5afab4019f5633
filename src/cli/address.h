/*
 * address.h: the address of an endpoint as it is shown to people.
 */
#ifndef EXO_CLI_ADDRESS_H
#define EXO_CLI_ADDRESS_H

#include "exochat/span.h"

/* Writes as much of `url` as is no secret to `to` of `size` bytes, cut where it does not fit: no user and password, no
 * query and fragment. */
void address_show(const char *url, char *to, size_t size);

/* What stands in front of the path: "https://example.org:8080", cut where it does not fit. */
void address_show_host(const char *url, char *to, size_t size);

/* The host alone, without a port; an address of IPv6 in brackets. */
exo_span address_host(const char *url);

/* The path, without a slash at its end, a query and a fragment; empty where there is none. */
exo_span address_path(const char *url);

/* Whether the URL is https. */
bool address_is_secure(const char *url);

#endif
