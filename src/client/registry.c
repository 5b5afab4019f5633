/*
 * registry.c: see registry.h. Called by the client, which has one, and by a configuration that is applied, which fills
 * one of its own first. A hash table with chains, and an order of what is deployed.
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
    const exo_entry *entry = (const exo_entry *)exo_order_at(&registry->deployed, index);
    return entry ? entry->name : NULL;
}

static void registry_link(exo_entry **buckets, size_t count, exo_entry *entry)
{
    exo_entry **bucket = registry_bucket(buckets, count, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
}

/* Takes an entry out of its bucket. */
static void registry_unlink(exo_registry *registry, const exo_entry *entry)
{
    exo_entry **link = registry_bucket(registry->buckets, registry->bucket_count, entry->hash);
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    registry->entry_count--;
}

/* Sees to it that there are at least as many buckets as entries once there are `more` of those. */
static bool registry_widen(exo_registry *registry, size_t more)
{
    size_t count = registry->bucket_count > 0 ? registry->bucket_count : 8;
    while (count < registry->entry_count + more) {
        count *= 2;
    }
    if (count == registry->bucket_count) {
        return true;
    }
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
    entry = registry_widen(registry, 1) ? calloc(1, sizeof *entry) : NULL;
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
    exo_entry *entry = exo_order_reserve(&registry->deployed, 1) == EXO_OK ? registry_make(registry, name) : NULL;
    if (!entry) {
        exo_deployed_drop(deployed);
        return registry_out_of_memory(message, size);
    }
    if (!entry->deployed) {
        exo_order_append(&registry->deployed, &entry->place);
    }
    exo_deployed_drop(entry->deployed);
    entry->deployed = deployed;
    return EXO_OK;
}

static void registry_free_names(exo_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    memset(names, 0, sizeof *names);
}

/* Appends a name to a list, whose room doubles whenever it is full. */
static int registry_append(exo_names *names, const char *name)
{
    bool full = (names->count & (names->count - 1)) == 0;
    size_t room = names->count > 0 ? 2 * names->count : 1;
    char **grown = full ? realloc(names->items, room * sizeof(char *)) : names->items;
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

static exo_names *registry_list(exo_entry *entry, bool context)
{
    return context ? &entry->context_fallbacks : &entry->fallbacks;
}

int exo_registry_fallback(exo_registry *registry, const char *name, const char *fallback, bool context, char *message,
                          size_t size)
{
    if (!name || !name[0] || !fallback || !fallback[0]) {
        return registry_fail(message, size, EXO_E_ARGUMENT, "fallback: both names are needed");
    }
    exo_entry *entry = registry_make(registry, name);
    if (!entry || registry_append(registry_list(entry, context), fallback) != EXO_OK) {
        return registry_out_of_memory(message, size);
    }
    return EXO_OK;
}

int exo_registry_fallbacks(exo_registry *registry, const char *name, const char *const *fallbacks, size_t count,
                           bool context, char *message, size_t size)
{
    exo_names list = {NULL, 0};
    int code = name && name[0] && (fallbacks || count == 0) ? EXO_OK : EXO_E_ARGUMENT;
    for (size_t i = 0; code == EXO_OK && i < count; i++) {
        code = fallbacks[i] && fallbacks[i][0] ? registry_append(&list, fallbacks[i]) : EXO_E_ARGUMENT;
    }
    exo_entry *entry = code == EXO_OK ? registry_make(registry, name) : NULL;
    if (!entry) {
        registry_free_names(&list);
        return code == EXO_E_ARGUMENT ? registry_fail(message, size, code, "fallbacks: every name is needed")
                                      : registry_out_of_memory(message, size);
    }
    registry_free_names(registry_list(entry, context));
    *registry_list(entry, context) = list;
    return EXO_OK;
}

/* The longest time of a policy: a day. */
#define REGISTRY_TIME_MAX INT64_C(86400000)

/* The name of a time in a policy that cannot be, or NULL. */
static const char *registry_bad_time(const exo_route_policy *policy)
{
    const struct {
        const char *name;
        int64_t time;
    } times[] = {
        {"backoff_first", policy->backoff_first},
        {"backoff_max", policy->backoff_max},
        {"retry_after_max", policy->retry_after_max},
        {"cooldown", policy->cooldown},
        {"patience", policy->patience},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i].time < 0 || times[i].time > REGISTRY_TIME_MAX) {
            return times[i].name;
        }
    }
    return NULL;
}

int exo_registry_policy(exo_registry *registry, const char *name, const exo_route_policy *policy, char *message,
                        size_t size)
{
    exo_route_policy taken = EXO_ROUTE_POLICY_INIT;
    if (!name || !policy || exo_sized_take(&taken, sizeof taken, policy) != EXO_OK) {
        return registry_fail(message, size, EXO_E_ARGUMENT,
                             "policy: a name and a policy made with EXO_ROUTE_POLICY_INIT are needed");
    }
    const char *bad = registry_bad_time(&taken);
    if (bad) {
        snprintf(message, size, "%s: must be 0 to %lld milliseconds", bad, (long long)REGISTRY_TIME_MAX);
        return EXO_E_ARGUMENT;
    }
    exo_entry *entry = exo_registry_find(registry, name);
    if (!entry) {
        snprintf(message, size, "model: no deployment is named %s", name);
        return EXO_E_UNKNOWN_MODEL;
    }
    entry->policy = taken;
    return EXO_OK;
}

static void registry_free_entry(exo_entry *entry)
{
    exo_deployed_drop(entry->deployed);
    registry_free_names(&entry->fallbacks);
    registry_free_names(&entry->context_fallbacks);
    free(entry->name);
    free(entry);
}

int exo_registry_remove(exo_registry *registry, const char *name, char *message, size_t size)
{
    exo_entry *entry = name ? exo_registry_find(registry, name) : NULL;
    if (!entry) {
        snprintf(message, size, "model: nothing is known of %s", name && name[0] ? name : "\"\"");
        return EXO_E_UNKNOWN_MODEL;
    }
    exo_order_remove(&registry->deployed, &entry->place);
    registry_unlink(registry, entry);
    registry_free_entry(entry);
    return EXO_OK;
}

/* ---- from one into the other ---- */

/* What `to` says and what `from` says change places, the order apart. */
static void registry_swap(exo_entry *to, exo_entry *from)
{
    const exo_entry before = *to;
    to->deployed = from->deployed;
    to->fallbacks = from->fallbacks;
    to->context_fallbacks = from->context_fallbacks;
    to->policy = from->policy;
    from->deployed = before.deployed;
    from->fallbacks = before.fallbacks;
    from->context_fallbacks = before.context_fallbacks;
}

int exo_registry_take_over(exo_registry *registry, exo_registry *from)
{
    const size_t more = from->deployed.count;
    if (exo_order_reserve(&registry->deployed, more) != EXO_OK || !registry_widen(registry, more)) {
        return EXO_E_NO_MEMORY;
    }
    exo_entry *next;
    while ((next = (exo_entry *)exo_order_at(&from->deployed, 0)) != NULL) {
        exo_entry *entry = registry_look_up(registry, next->name, next->hash);
        exo_order_remove(&from->deployed, &next->place);
        if (entry) {
            registry_swap(entry, next);
        } else {
            registry_unlink(from, next);
            registry_link(registry->buckets, registry->bucket_count, next);
            registry->entry_count++;
            entry = next;
        }
        if (!exo_place_is_taken(&entry->place)) {
            exo_order_append(&registry->deployed, &entry->place);
        }
    }
    exo_registry_free(from);
    return EXO_OK;
}

/* ---- life ---- */

void exo_registry_free(exo_registry *registry)
{
    for (size_t i = 0; i < registry->bucket_count; i++) {
        for (exo_entry *entry = registry->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            registry_free_entry(entry);
        }
    }
    free(registry->buckets);
    exo_order_free(&registry->deployed);
    memset(registry, 0, sizeof *registry);
}
