/*
 * gate.c: see gate.h. Called by the transport over libcurl. Memory: a host for each that is in use, and EXO_HOSTS_KEPT
 * more.
 *
 * Everything takes constant time but what is done for each of those who asked for one name when it is found.
 */
#include "gate.h"

#include "deployment.h"
#include "heap.h"

#include <stdlib.h>

/* ---- hosts ---- */

static uint64_t gate_hash(const exo_identity *identity, const char *name, long port)
{
    uint64_t hash = exo_identity_hash(identity) ^ (uint64_t)port;
    for (; *name; name++) {
        hash = (hash ^ ((unsigned char)*name | 0x20U)) * UINT64_C(0x100000001B3);
    }
    return hash ^ (hash >> 32);
}

static exo_host **gate_bucket(exo_gate *gate, const exo_identity *identity, const char *name, long port)
{
    return &gate->buckets[gate_hash(identity, name, port) % (sizeof gate->buckets / sizeof gate->buckets[0])];
}

static void host_free(exo_host *host)
{
    exo_host **at = gate_bucket(host->gate, host->identity, host->name, host->port);
    while (*at != host) {
        at = &(*at)->next;
    }
    *at = host->next;
    exo_line_leave(&host->place);
    exo_identity_drop(host->identity);
    free(host->name);
    free(host);
}

static exo_host *host_new(exo_gate *gate, exo_identity *identity, bool secure, const char *name, long port)
{
    exo_host *host = calloc(1, sizeof *host);
    char *copy = host ? exo_heap_copy(name) : NULL;
    if (!copy) {
        free(host);
        return NULL;
    }
    exo_host **bucket = gate_bucket(gate, identity, name, port);
    host->gate = gate;
    host->identity = exo_identity_keep(identity);
    host->name = copy;
    host->port = port;
    host->secure = secure;
    host->place.owner = host;
    host->next = *bucket;
    *bucket = host;
    return host;
}

static exo_host *gate_find(exo_gate *gate, const exo_identity *identity, bool secure, const char *name, long port)
{
    exo_host *host = *gate_bucket(gate, identity, name, port);
    while (host && (host->port != port || host->secure != secure || !exo_same_name(host->name, name) ||
                    !exo_identity_is_same(host->identity, identity))) {
        host = host->next;
    }
    return host;
}

exo_host *exo_gate_host(exo_gate *gate, exo_identity *identity, bool secure, const char *name, long port)
{
    exo_host *host = gate_find(gate, identity, secure, name, port);
    host = host ? host : host_new(gate, identity, secure, name, port);
    if (host && host->users++ == 0) {
        exo_line_leave(&host->place);
    }
    while (gate->idle.count > EXO_HOSTS_KEPT) {
        host_free(exo_line_first(&gate->idle));
    }
    return host;
}

void exo_host_drop(exo_host *host)
{
    if (--host->users == 0) {
        exo_line_append(&host->gate->idle, &host->place);
    }
}

/* ---- connections ---- */

/* How many connections so many visitors need. */
static uint32_t host_needs(const exo_host *host, uint32_t visitors)
{
    return host->multiplexes ? visitors / EXO_STREAMS_PER_CONNECTION + (visitors % EXO_STREAMS_PER_CONNECTION != 0)
                             : visitors;
}

static void host_count(exo_host *host)
{
    const uint32_t needs = host_needs(host, host->passed);
    host->gate->connections += needs - host->counted;
    host->counted = needs;
}

/* A visitor is told whether it waits for a bound. */
static void gate_tell(exo_visitor *visitor)
{
    const bool waits = visitor->stage == GATE_WAITS || visitor->stage == GATE_NEXT ||
                       (visitor->stage == GATE_ASKS && !visitor->host->looks_up);
    if (visitor->waits != waits) {
        visitor->waits = waits;
        visitor->host->gate->table->wait(visitor, waits);
    }
}

/* A connection that will be made counts as much as one that is kept, which may have to go for it. */
static void gate_make_room(exo_gate *gate, const exo_host *host, bool is_fresh)
{
    if (host->unused >= host->coming && !is_fresh) { /* there is one for each */
        return;
    }
    while (host->unused > 0 && host->counted + host->unused > gate->bounds.connections_per_host) {
        gate->table->close_unused(gate, host);
    }
    while (gate->unused > 0 && (uint64_t)gate->connections + gate->unused > gate->bounds.connections) {
        gate->table->close_unused(gate, NULL);
    }
}

static bool gate_may_pass(const exo_gate *gate, const exo_host *host)
{
    const uint32_t more = host_needs(host, host->passed + 1) - host->counted;
    return more == 0 || gate->connections < gate->bounds.connections;
}

/* Lets pass who may, in order. */
static void gate_let_pass(exo_gate *gate)
{
    exo_visitor *visitor;
    while ((visitor = exo_line_first(&gate->next)) != NULL && gate_may_pass(gate, visitor->host)) {
        exo_line_leave(&visitor->place);
        visitor->stage = GATE_PASSED;
        visitor->arrived = false;
        visitor->host->passed++;
        visitor->host->coming++;
        host_count(visitor->host);
        gate_make_room(gate, visitor->host, visitor->is_fresh);
        gate_tell(visitor);
        gate->table->pass(visitor);
    }
}

/* Those who wait for the host's connections move on as far as it has some. */
static void host_move_on(exo_host *host)
{
    exo_gate *gate = host->gate;
    while (host->waiting.first && host_needs(host, host->taken + 1) <= gate->bounds.connections_per_host) {
        exo_visitor *visitor = exo_line_take(&host->waiting);
        host->taken++;
        visitor->stage = GATE_NEXT;
        exo_line_append(&gate->next, &visitor->place);
    }
    gate_let_pass(gate);
}

static void gate_line_up(exo_visitor *visitor)
{
    visitor->stage = GATE_WAITS;
    exo_line_append(&visitor->host->waiting, &visitor->place);
    host_move_on(visitor->host);
    gate_tell(visitor);
}

/* ---- names ---- */

/* Begins the look-ups that may be made, in order. */
static void gate_look_up(exo_gate *gate)
{
    exo_host *host;
    while (gate->lookups < gate->bounds.lookups && (host = exo_line_take(&gate->names)) != NULL) {
        gate->lookups++;
        host->looks_up = true;
        host->users++;
        if (!gate->table->look_up(host, exo_line_first(&host->asking))) {
            exo_gate_found(host, 0, 0);
            continue;
        }
        for (exo_place *place = host->asking.first; place; place = place->behind) {
            gate_tell(place->owner);
        }
    }
}

static void gate_ask(exo_visitor *visitor)
{
    exo_host *host = visitor->host;
    visitor->stage = GATE_ASKS;
    exo_line_append(&host->asking, &visitor->place);
    if (!host->looks_up && !host->place.line) {
        exo_line_append(&host->gate->names, &host->place);
        gate_look_up(host->gate);
    }
    if (visitor->stage == GATE_ASKS) {
        gate_tell(visitor);
    }
}

/* The look-up is over: another host's may begin. */
static void host_end_look_up(exo_host *host)
{
    host->looks_up = false;
    host->gate->lookups--;
}

void exo_gate_found(exo_host *host, uint64_t cache, int64_t now)
{
    exo_visitor *visitor;
    host_end_look_up(host);
    host->good_for = cache;
    host->good_until = now + EXO_NAME_GOOD_MS;
    while ((visitor = exo_line_take(&host->asking)) != NULL) {
        gate_line_up(visitor);
    }
    gate_look_up(host->gate);
    exo_host_drop(host);
}

void exo_gate_lost(exo_host *host)
{
    host_end_look_up(host);
    for (size_t count = host->asking.count; count > 0; count--) {
        exo_visitor *visitor = exo_line_take(&host->asking);
        visitor->stage = GATE_OUTSIDE;
        host->gate->table->refuse(visitor);
        exo_host_drop(host);
    }
    gate_look_up(host->gate);
    exo_host_drop(host);
}

exo_host *exo_gate_looks_up(exo_gate *gate)
{
    exo_host *host = NULL;
    for (size_t i = 0; !host && i < sizeof gate->buckets / sizeof gate->buckets[0]; i++) {
        host = gate->buckets[i];
        while (host && !host->looks_up) {
            host = host->next;
        }
    }
    return host;
}

/* ---- visitors ---- */

void exo_gate_enter(exo_visitor *visitor, exo_host *host, bool asks, uint64_t cache, int64_t now)
{
    visitor->host = host;
    visitor->place.owner = visitor;
    if (asks && (now >= host->good_until || host->good_for != cache)) {
        gate_ask(visitor);
    } else {
        gate_line_up(visitor);
    }
}

void exo_gate_arrive(exo_visitor *visitor)
{
    if (visitor->stage == GATE_PASSED && !visitor->arrived) {
        visitor->arrived = true;
        visitor->host->coming--;
    }
}

void exo_gate_leave(exo_visitor *visitor)
{
    exo_host *host = visitor->host;
    exo_gate_stage stage = visitor->stage;
    exo_gate_arrive(visitor);
    if (stage == GATE_OUTSIDE) {
        return;
    }
    visitor->stage = GATE_OUTSIDE;
    exo_line_leave(&visitor->place);
    if (stage == GATE_ASKS && !host->looks_up && host->asking.count == 0) {
        exo_line_leave(&host->place); /* nobody wants to know its name any more */
    }
    if (stage == GATE_PASSED) {
        host->passed--;
        host_count(host);
    }
    if (stage >= GATE_NEXT) {
        host->taken--;
        gate_let_pass(host->gate);
        host_move_on(host);
    }
    exo_host_drop(host);
}

void exo_gate_multiplexes(exo_host *host, bool multiplexes)
{
    if (host->multiplexes != multiplexes) {
        host->multiplexes = multiplexes;
        host_count(host);
        host_move_on(host);
    }
}

void exo_gate_keeps(exo_host *host, bool kept)
{
    exo_gate *gate = host->gate;
    if (!kept) {
        host->unused--;
        gate->unused--;
        exo_host_drop(host);
        return;
    }
    host->unused++;
    gate->unused++;
    host->users++;
    while (gate->unused > gate->bounds.idle_connections) {
        gate->table->close_unused(gate, NULL);
    }
}

/* ---- the gate ---- */

void exo_gate_init(exo_gate *gate, const exo_gate_table *table)
{
    static const exo_bounds standard = EXO_BOUNDS_INIT;
    memset(gate, 0, sizeof *gate);
    gate->table = table;
    gate->bounds = standard;
}

void exo_gate_bound(exo_gate *gate, const exo_bounds *bounds)
{
    gate->bounds = *bounds;
    while (gate->unused > bounds->idle_connections) {
        gate->table->close_unused(gate, NULL);
    }
    gate_look_up(gate);
    for (size_t i = 0; i < sizeof gate->buckets / sizeof gate->buckets[0]; i++) {
        for (exo_host *host = gate->buckets[i]; host; host = host->next) {
            host_move_on(host);
        }
    }
    gate_let_pass(gate);
}

void exo_gate_close(exo_gate *gate)
{
    while (gate->idle.first) {
        host_free(exo_line_first(&gate->idle));
    }
}
