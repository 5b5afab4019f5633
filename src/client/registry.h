/*
 * registry.h: the names of a client: what is deployed under each, its lists and its policy.
 *
 * It knows nothing of the client, of calls or of a network. A name is found in constant time, however many there are,
 * and all of them are gone through in the order in which they were deployed. What one registry says can be made another
 * one's, all of it or nothing. Memory: one entry for each name that was deployed or given a list, until it is removed.
 */
#ifndef EXO_CLIENT_REGISTRY_H
#define EXO_CLIENT_REGISTRY_H

#include "deployment.h"
#include "order.h"

/* A list of names, in order. */
typedef struct exo_names {
    char **items;
    size_t count;
} exo_names;

/* A name that may be called. */
typedef struct exo_entry {
    exo_place place; /* comes first: among those that are deployed */
    char *name;
    exo_deployed *deployed; /* NULL: only a list was given so far */
    exo_names fallbacks;
    exo_names context_fallbacks;
    exo_route_policy policy;
    uint64_t hash;
    struct exo_entry *next; /* in its bucket */
} exo_entry;

/* Zero it to begin with. To be changed through the functions below only. */
typedef struct exo_registry {
    exo_entry **buckets; /* as many as a power of two, and no fewer than entries */
    size_t bucket_count;
    size_t entry_count;
    exo_order deployed; /* the entries that have a deployment */
} exo_registry;

/* The entry of `name`, or NULL: nothing was said of it. Valid until it is removed. */
exo_entry *exo_registry_find(const exo_registry *registry, const char *name);

/* The deployment of `name`, or NULL. To be kept by who uses it after the next change. */
exo_deployed *exo_registry_deployed(const exo_registry *registry, const char *name);

/* The names that are deployed, in order; NULL when `index` is past the last one. */
const char *exo_registry_name(const exo_registry *registry, size_t index);

/* What exo_client_deploy(), exo_client_fallback(), exo_client_fallbacks(), exo_client_policy() and exo_client_remove()
 * promise; `context`: the list that is walked when the context window is exceeded. Where they do not return EXO_OK,
 * words that name the field are stored in `message`, of `size` bytes. */
int exo_registry_deploy(exo_registry *registry, const char *name, const exo_deployment *deployment, char *message,
                        size_t size);
int exo_registry_fallback(exo_registry *registry, const char *name, const char *fallback, bool context, char *message,
                          size_t size);
int exo_registry_fallbacks(exo_registry *registry, const char *name, const char *const *fallbacks, size_t count,
                           bool context, char *message, size_t size);
int exo_registry_policy(exo_registry *registry, const char *name, const exo_route_policy *policy, char *message,
                        size_t size);
int exo_registry_remove(exo_registry *registry, const char *name, char *message, size_t size);

/* What `from` says of a name takes the place of all that was said of it: deployment, lists and policy, as far as `from`
 * has a deployment. `from` is freed. EXO_OK, or EXO_E_NO_MEMORY: nothing has changed, and `from` neither. */
int exo_registry_take_over(exo_registry *registry, exo_registry *from);

/* Frees everything in it; deployments that calls have kept live on. */
void exo_registry_free(exo_registry *registry);

#endif
