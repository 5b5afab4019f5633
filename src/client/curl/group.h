/*
 * group.h: the connections that deployments of one identity share: a multi handle of libcurl's, with which come a pool
 * of connections, a cache of looked up names and TLS sessions. Private to this folder.
 *
 * libcurl compares much of what identifies a connection before it uses it again, but not all (the client's key, a
 * proxy's password, whose addresses a name was given), and its cache of names nothing but name and port. A multi handle
 * shares nothing with another one.
 */
#ifndef EXO_CLIENT_CURL_GROUP_H
#define EXO_CLIENT_CURL_GROUP_H

#include "pool.h"

/* Groups that are kept though nobody uses them, for the sake of their connections. */
#define EXO_GROUPS_KEPT 32

struct exo_group {
    exo_pool *pool;
    CURLM *multi;
    exo_identity *identity;
    exo_timer timer;         /* when libcurl wants to be called */
    size_t users;            /* handles in it */
    exo_group *next;         /* in its bucket */
    exo_place place;         /* among those that nobody uses */
    uint64_t number;         /* of its cache of names: no two groups have the same */
    exo_group *next_touched; /* in the list of those that were called */
    bool is_touched;
};

/* The group of an identity, made if there is none, with one user more. NULL when memory runs out. */
exo_group *exo_group_enter(exo_pool *pool, exo_identity *identity);

/* A user less: its handle is out of the multi handle. */
void exo_group_leave(exo_group *group);

/* libcurl is about to be called for the group: it may have finished something. */
void exo_group_touch(exo_group *group);

/* A group that was touched since it was returned last, or NULL. */
exo_group *exo_group_next_touched(exo_pool *pool);

/* Closes all groups; nobody is left in any. */
void exo_groups_close(exo_pool *pool);

#endif
