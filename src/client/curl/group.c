/*
 * group.c: see group.h. Called by exchange.c and libcurl.c. Memory: 40 KB of libcurl's for each group that is in use,
 * and for EXO_GROUPS_KEPT more.
 */
#include "group.h"

#include <stdlib.h>

static exo_group **group_bucket(exo_pool *pool, const exo_identity *identity)
{
    return &pool->groups.buckets[exo_identity_hash(identity) % EXO_GROUP_BUCKETS];
}

/* libcurl closes the oldest connection when there are more than this, those in use included. */
static void group_bound(const exo_group *g)
{
    const uint64_t most = (uint64_t)g->users + g->pool->gate.bounds.idle_connections;
    curl_multi_setopt(g->multi, CURLMOPT_MAXCONNECTS, most < INT32_MAX ? (long)most : (long)INT32_MAX);
}

static void group_unlist_touched(exo_group *g)
{
    exo_group **at = &g->pool->groups.touched;
    while (*at && *at != g) {
        at = &(*at)->next_touched;
    }
    if (*at) {
        *at = g->next_touched;
    }
    g->is_touched = false;
}

/* Closes the connections of a group that nobody uses. */
static void group_free(exo_group *g)
{
    exo_pool *pool = g->pool;
    exo_group **at = group_bucket(pool, g->identity);
    while (*at != g) {
        at = &(*at)->next;
    }
    *at = g->next;
    curl_multi_cleanup(g->multi); /* says of each socket that it is no longer watched */
    group_unlist_touched(g);
    exo_line_leave(&g->place);
    exo_timers_clear(&pool->timers, &g->timer);
    exo_timers_dismiss(&pool->timers);
    exo_pool_forget_group(pool, g);
    exo_identity_drop(g->identity);
    pool->groups.count--;
    free(g);
}

static exo_group *group_new(exo_pool *pool, exo_identity *identity)
{
    exo_group *g = calloc(1, sizeof *g);
    CURLM *multi = pool->groups.spare ? pool->groups.spare : curl_multi_init();
    pool->groups.spare = NULL;
    if (!g || !multi || exo_timers_admit(&pool->timers) < 0) {
        pool->groups.spare = multi;
        free(g);
        return NULL;
    }
    exo_group **bucket = group_bucket(pool, identity);
    g->pool = pool;
    g->multi = multi;
    g->identity = exo_identity_keep(identity);
    g->timer.owner = g;
    g->next = *bucket;
    *bucket = g;
    g->place.owner = g;
    g->number = ++pool->groups.made;
    pool->groups.count++;
    pool->groups.prepare(g);
    return g;
}

exo_group *exo_group_enter(exo_pool *pool, exo_identity *identity)
{
    exo_group *g = *group_bucket(pool, identity);
    while (g && !exo_identity_is_same(g->identity, identity)) {
        g = g->next;
    }
    g = g ? g : group_new(pool, identity);
    if (!g) {
        return NULL;
    }
    g->users++;
    group_bound(g);
    exo_line_leave(&g->place);
    while (pool->groups.idle.count > EXO_GROUPS_KEPT) {
        group_free(exo_line_first(&pool->groups.idle));
    }
    return g;
}

void exo_group_leave(exo_group *group)
{
    group->users--;
    group_bound(group);
    if (group->users == 0) {
        exo_line_append(&group->pool->groups.idle, &group->place);
    }
}

void exo_group_touch(exo_group *group)
{
    if (!group->is_touched) {
        group->is_touched = true;
        group->next_touched = group->pool->groups.touched;
        group->pool->groups.touched = group;
    }
}

exo_group *exo_group_next_touched(exo_pool *pool)
{
    exo_group *g = pool->groups.touched;
    if (g) {
        pool->groups.touched = g->next_touched;
        g->is_touched = false;
    }
    return g;
}

void exo_groups_close(exo_pool *pool)
{
    curl_multi_cleanup(pool->groups.spare);
    while (pool->groups.idle.first) {
        group_free(exo_line_first(&pool->groups.idle));
    }
}
