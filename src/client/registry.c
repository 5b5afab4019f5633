/*
 * registry.c: see registry.h. Called by the client, which has one. A hash table with chains; nothing is ever taken out.
 */
#include "registry.h"

#include "heap.h"
#include "sized.h"

#include <stdio.h>
#include <stdlib.h>

static int registry_fail(char *message, size_t size, int code, const char *words)
{
    snprintf(message, size, "%s", words);
    return code;
}

static int registry_out_of_memory(char *message, size_t size)
{
    return registry_fail(message, size, EXO_E_NO_MEMORY, exo_error_text(EXO_E_NO_MEMORY));
}

/* An array of `count` pointers with room for one more, or NULL: its size doubles whenever it is full. */
static void *registry_room(void *array, size_t count)
{
    bool full = (count & (count - 1)) == 0;
    return full ? realloc(array, (count > 0 ? 2 * count : 1) * sizeof(void *)) : array;
}

/* ---- the table ---- */

/* FNV-1a. Names come from the program, which has no reason to choose them badly. */
static uint64_t registry_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static exo_entry **registry_bucket(exo_entry **buckets, size_t count, uint64_t hash)
{
    return &buckets[(hash ^ (hash >> 32)) & (count - 1)];
}

static exo_entry *registry_look_up(const exo_registry *registry, const char *name, uint64_t hash)
{
    exo_entry *entry =
        registry->bucket_count > 0 ? *registry_bucket(registry->buckets, registry->bucket_count, hash) : NULL;
    while (entry && (entry->hash != hash || strcmp(entry->name, name) != 0)) {
        entry = entry->next;
    }
    return entry;
}

exo_entry *exo_registry_find(const exo_registry *registry, const char *name)
{
    return registry_look_up(registry, name, registry_hash(name));
}

exo_deployed *exo_registry_deployed(const exo_registry *registry, const char *name)
{
    const exo_entry *entry = exo_registry_find(registry, name);
    return entry ? entry->deployed : NULL;
}

const char *exo_registry_name(const exo_registry *registry, size_t index)
{
    return index < registry->deployed_count ? registry->deployed[index]->name : NULL;
}

static void registry_link(exo_entry **buckets, size_t count, exo_entry *entry)
{
    exo_entry **bucket = registry_bucket(buckets, count, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
}

/* Twice as many buckets, once there is an entry for each. */
static bool registry_widen(exo_registry *registry)
{
    if (registry->entry_count < registry->bucket_count) {
        return true;
    }
    size_t count = registry->bucket_count > 0 ? 2 * registry->bucket_count : 8;
    exo_entry **buckets = calloc(count, sizeof(exo_entry *));
    if (!buckets) {
        return false;
    }
    for (size_t i = 0; i < registry->bucket_count; i++) {
        for (exo_entry *entry = registry->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            registry_link(buckets, count, entry);
        }
    }
    free(registry->buckets);
    registry->buckets = buckets;
    registry->bucket_count = count;
    return true;
}

/* The entry of `name`, made if there is none; NULL when memory runs out. */
static exo_entry *registry_make(exo_registry *registry, const char *name)
{
    uint64_t hash = registry_hash(name);
    exo_entry *entry = registry_look_up(registry, name, hash);
    if (entry) {
        return entry;
    }
    static const exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    entry = registry_widen(registry) ? calloc(1, sizeof *entry) : NULL;
    char *copy = entry ? exo_heap_copy(name) : NULL;
    if (!copy) {
        free(entry);
        return NULL;
    }
    entry->name = copy;
    entry->policy = policy;
    entry->hash = hash;
    registry_link(registry->buckets, registry->bucket_count, entry);
    registry->entry_count++;
    return entry;
}

/* ---- what is said of a name ---- */

int exo_registry_deploy(exo_registry *registry, const char *name, const exo_deployment *deployment, char *message,
                        size_t size)
{
    int code = EXO_OK;
    if (!name || !name[0] || !deployment) {
        return registry_fail(message, size, EXO_E_ARGUMENT, "model: a name and a deployment are needed");
    }
    exo_deployed *deployed = exo_deployed_new(name, deployment, &code, message, size);
    if (!deployed) {
        return code;
    }
    exo_entry *entry = registry_make(registry, name);
    if (entry && !entry->deployed) {
        exo_entry **grown = registry_room(registry->deployed, registry->deployed_count);
        if (grown) {
            registry->deployed = grown;
            grown[registry->deployed_count++] = entry;
        } else {
            entry = NULL;
        }
    }
    if (!entry) {
        exo_deployed_drop(deployed);
        return registry_out_of_memory(message, size);
    }
    exo_deployed_drop(entry->deployed);
    entry->deployed = deployed;
    return EXO_OK;
}

static int registry_append(exo_names *names, const char *name)
{
    char **grown = registry_room(names->items, names->count);
    char *copy = exo_heap_copy(name);
    if (grown) {
        names->items = grown;
    }
    if (!grown || !copy) {
        free(copy);
        return EXO_E_NO_MEMORY;
    }
    grown[names->count++] = copy;
    return EXO_OK;
}

int exo_registry_fallback(exo_registry *registry, const char *name, const char *fallback, bool context, char *message,
                          size_t size)
{
    if (!name || !name[0] || !fallback || !fallback[0]) {
        return registry_fail(message, size, EXO_E_ARGUMENT, "fallback: both names are needed");
    }
    exo_entry *entry = registry_make(registry, name);
    if (!entry || registry_append(context ? &entry->context_fallbacks : &entry->fallbacks, fallback) != EXO_OK) {
        return registry_out_of_memory(message, size);
    }
    return EXO_OK;
}

int exo_registry_policy(exo_registry *registry, const char *name, const exo_route_policy *policy, char *message,
                        size_t size)
{
    exo_route_policy taken = EXO_ROUTE_POLICY_INIT;
    if (!name || !policy || exo_sized_take(&taken, sizeof taken, policy) != EXO_OK) {
        return registry_fail(message, size, EXO_E_ARGUMENT,
                             "policy: a name and a policy made with EXO_ROUTE_POLICY_INIT are needed");
    }
    exo_entry *entry = exo_registry_find(registry, name);
    if (!entry) {
        snprintf(message, size, "model: no deployment is named %s", name);
        return EXO_E_UNKNOWN_MODEL;
    }
    entry->policy = taken;
    return EXO_OK;
}

/* ---- life ---- */

static void registry_free_names(exo_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

static void registry_free_entry(exo_entry *entry)
{
    exo_deployed_drop(entry->deployed);
    registry_free_names(&entry->fallbacks);
    registry_free_names(&entry->context_fallbacks);
    free(entry->name);
    free(entry);
}

void exo_registry_free(exo_registry *registry)
{
    for (size_t i = 0; i < registry->bucket_count; i++) {
        for (exo_entry *entry = registry->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            registry_free_entry(entry);
        }
    }
    free(registry->buckets);
    free(registry->deployed);
    memset(registry, 0, sizeof *registry);
}
