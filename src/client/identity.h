/*
 * identity.h: all that identifies the connections of a deployment but the scheme, the host and the port of its URL;
 * over http through a proxy, these too, for one such connection serves all hosts.
 *
 * Deployments whose identities are equal may share connections, looked up names and TLS sessions; no others may: a key
 * must not go where another deployment's addresses, certificates or proxy lead. The key itself is no part of it.
 */
#ifndef EXO_CLIENT_IDENTITY_H
#define EXO_CLIENT_IDENTITY_H

#include "exochat/deployment.h"

/* An identity, counted. Compare it with exo_identity_is_same(). */
typedef struct exo_identity exo_identity;

/* The identity of a deployment that was checked, with one reference; NULL when memory runs out. */
exo_identity *exo_identity_new(const exo_deployment *options);

/* Takes and gives back a reference; the last one wipes and frees it: a proxy may come with a password. NULL is allowed
 * to be dropped. */
exo_identity *exo_identity_keep(exo_identity *identity);
void exo_identity_drop(exo_identity *identity);

bool exo_identity_is_same(const exo_identity *one, const exo_identity *other);

/* A number that is the same for identities that are: for a table of them. */
uint64_t exo_identity_hash(const exo_identity *identity);

#endif
