/*
 * shortage.h: whether an exchange failed for what this process or machine lacks: descriptors, ports, memory, threads.
 * That is the caller's to mend, and no other endpoint would do better.
 */
#ifndef EXO_CLIENT_CURL_SHORTAGE_H
#define EXO_CLIENT_CURL_SHORTAGE_H

#include "exchange.h"

/* Whether an error of the system's (errno) says so by itself. EADDRNOTAVAIL does not: see exo_shortage_of(). */
bool exo_is_shortage(int error);

/* Notes, in on_socket, that a socket was made for `address`, or that `error` came of it. */
void exo_shortage_note(exo_exchange *exchange, const struct curl_sockaddr *address, int error);

/* What is lacking, of an exchange that libcurl has just ended: an errno, or 0. Ask at once: it looks at what there is
 * now. */
int exo_shortage_of(const exo_exchange *exchange);

#endif
