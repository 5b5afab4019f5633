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

static void group_list_idle(exo_group *g)
{
    g->before = g->pool->groups.last;
    g->behind = NULL;
    if (g->before) {
        g->before->behind = g;
    } else {
        g->pool->groups.first = g;
    }
    g->pool->groups.last = g;
    g->pool->groups.idle++;
}

static void group_unlist_idle(exo_group *g)
{
    if (g->before) {
        g->before->behind = g->behind;
    } else {
        g->pool->groups.first = g->behind;
    }
    if (g->behind) {
        g->behind->before = g->before;
    } else {
        g->pool->groups.last = g->before;
    }
    g->pool->groups.idle--;
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

/* Closes the connections of a group that nobody uses and that is in no list of idle ones. */
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
    pool->groups.count++;
    pool->groups.prepare(g);
    group_list_idle(g);
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
    if (g->users++ == 0) {
        group_unlist_idle(g);
    }
    while (pool->groups.idle > EXO_GROUPS_KEPT) {
        exo_group *oldest = pool->groups.first;
        group_unlist_idle(oldest);
        group_free(oldest);
    }
    return g;
}

void exo_group_leave(exo_group *group)
{
    if (--group->users == 0) {
        group_list_idle(group);
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
    while (pool->groups.first) {
        exo_group *g = pool->groups.first;
        group_unlist_idle(g);
        group_free(g);
    }
}
