/*
 * client.c: the client: gives its calls their turns, and hands out their events.
 *
 * All network work happens in exo_client_next() and exo_client_ready(). Calls get their turns from a queue, so that
 * idle ones cost nothing. Memory: what engine.h holds, and one call each.
 */
#include "client.h"

#include "call.h"
#include "curl/libcurl.h"
#include "limits_check.h"
#include "sized.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *exo_client_message(const exo_client *client)
{
    return client->message;
}

/* ---- turns ---- */

/* An event waits with its call: nobody takes what else comes, so the clocks of the call stand still. */
static void client_let_wait(exo_client *client, exo_call *call)
{
    call->waiting.there = true;
    exo_call_hold(call, true);
    exo_loop_wake(&client->loop, &call->task);
}

/* The event that waits with a call may be handed out now. */
static void client_hand_out_waiting(exo_client *client, exo_call *call, exo_event *event)
{
    *event = call->waiting.event;
    call->waiting.there = false;
    exo_call_hold(call, false);
    exo_loop_wake(&client->loop, &call->task);
}

/* Gives every call that is ready one turn. EXO_EVENT: `*event` is stored. `only` restricts events to one call: the
 * first one of any other waits with it, and the call with its event. `*busy` says that calls are left that can do more
 * at once. */
static int client_give_turns(exo_client *client, const exo_call *only, exo_event *event, bool *busy)
{
    exo_task *task;
    *busy = false;
    for (size_t turns = client->loop.ready; turns > 0 && (task = exo_loop_take(&client->loop)) != NULL; turns--) {
        exo_call *call = exo_call_of(task);
        bool waits = only && call != only;
        if (call->waiting.there && waits) {
            exo_loop_wake(&client->loop, task);
        } else if (call->waiting.there) {
            client_hand_out_waiting(client, call, event);
            return EXO_EVENT;
        } else if (exo_call_step(call, waits ? &call->waiting.event : event) != EXO_EVENT) {
            *busy = *busy || task->is_ready;
        } else if (waits) {
            client_let_wait(client, call);
        } else {
            return EXO_EVENT;
        }
    }
    return EXO_OK;
}

/* The consumer has an event of this call; its clocks stand still until it asks for the next one. */
static void client_hold(exo_client *client, exo_call *call)
{
    if (client->held) {
        exo_call_hold(client->held, false);
    }
    client->held = call;
    if (call) {
        exo_call_hold(call, true);
    }
}

/* The shorter of two waits, of which -1 is without end. */
static int64_t client_shorter(int64_t one, int64_t other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

int exo_client_next_of(exo_client *client, const exo_call *only, int64_t timeout, exo_event *event)
{
    exo_loop *loop = &client->loop;
    client_hold(client, NULL);
    if (exo_loop_table(loop)->is_watched(loop->transport)) {
        timeout = 0; /* the caller waits, not we */
    }
    int64_t deadline = timeout < 0 || timeout > INT64_MAX / 2 ? -1 : exo_loop_now(loop) + timeout;
    bool waited = false;
    for (;;) {
        bool busy = false;
        if (client_give_turns(client, only, event, &busy) == EXO_EVENT) {
            client_hold(client, event->type == EXO_EVENT_END ? NULL : event->call);
            return EXO_EVENT;
        }
        if (client->live == 0) {
            exo_loop_serve(loop, 0); /* connections that are being drained */
            return EXO_IDLE;
        }
        int64_t left = deadline < 0 ? -1 : deadline - exo_loop_now(loop);
        if (deadline >= 0 && left <= 0) {
            if (waited) {
                return EXO_OK;
            }
            left = 0;
        }
        exo_loop_serve(loop, client_shorter(left, busy ? 0 : exo_loop_until_timer(loop)));
        waited = true;
    }
}

int exo_client_next(exo_client *client, int64_t timeout, exo_event *event)
{
    return exo_engine_is_ours(client) ? exo_client_next_of(client, NULL, timeout, event) : EXO_E_FORKED;
}

/* ---- the caller's event loop ---- */

int exo_client_watch(exo_client *client, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    if (client->calls || client->drains.first) {
        return EXO_E_STATE;
    }
    return exo_loop_table(&client->loop)->watch(client->loop.transport, watch, ctx);
}

int exo_client_ready(exo_client *client, int socket, int what)
{
    if (!exo_engine_is_ours(client)) {
        return EXO_E_FORKED;
    }
    exo_loop_table(&client->loop)->ready(client->loop.transport, socket, what);
    return EXO_OK;
}

int64_t exo_client_timeout(exo_client *client)
{
    return client->loop.ready > 0 ? 0 : exo_loop_until_timer(&client->loop);
}

/* ---- bounds ---- */

int exo_client_bounds(exo_client *client, const exo_bounds *bounds)
{
    exo_bounds taken = EXO_BOUNDS_INIT;
    if (!exo_engine_is_ours(client)) {
        return EXO_E_FORKED;
    }
    int code = exo_bounds_take(&taken, bounds, client->message, sizeof client->message);
    if (code == EXO_OK) {
        client->bounds = taken;
        exo_loop_table(&client->loop)->bound(client->loop.transport, &client->bounds);
    }
    return code;
}

const exo_bounds *exo_client_get_bounds(const exo_client *client)
{
    return &client->bounds;
}

/* ---- deployments ---- */

int exo_client_deploy(exo_client *client, const char *model, const exo_deployment *deployment)
{
    return exo_registry_deploy(&client->registry, model, deployment, client->message, sizeof client->message);
}

int exo_client_fallback(exo_client *client, const char *model, const char *fallback)
{
    return exo_registry_fallback(&client->registry, model, fallback, false, client->message, sizeof client->message);
}

int exo_client_context_fallback(exo_client *client, const char *model, const char *fallback)
{
    return exo_registry_fallback(&client->registry, model, fallback, true, client->message, sizeof client->message);
}

int exo_client_policy(exo_client *client, const char *model, const exo_route_policy *policy)
{
    return exo_registry_policy(&client->registry, model, policy, client->message, sizeof client->message);
}

const char *exo_client_model(const exo_client *client, size_t index)
{
    return exo_registry_name(&client->registry, index);
}

/* ---- life ---- */

/* Options that are larger than this are no newer ones, but were never set. */
#define CLIENT_OPTIONS_MAX 4096

/* Takes options. Of newer ones, which are refused, the part that is known says where to tell so. */
static int client_take_options(exo_client_options *taken, const exo_client_options *options, char *words, size_t size)
{
    if (options && exo_sized_take(taken, sizeof *taken, options) != EXO_OK) {
        if (options->size > sizeof *taken && options->size <= CLIENT_OPTIONS_MAX) {
            *taken = *options;
        }
        snprintf(words, size, "options: must begin with EXO_CLIENT_OPTIONS_INIT of this library's version");
        return EXO_E_ARGUMENT;
    }
    exo_bounds bounds = EXO_BOUNDS_INIT;
    int code = taken->limits ? exo_limits_check(taken->limits, words, size) : EXO_OK;
    if (code == EXO_OK && taken->bounds) {
        code = exo_bounds_take(&bounds, taken->bounds, words, size);
    }
    return code;
}

exo_client *exo_client_new(const exo_client_options *options)
{
    exo_client_options taken = EXO_CLIENT_OPTIONS_INIT;
    exo_client *client = NULL;
    char words[128] = "";
    int code = client_take_options(&taken, options, words, sizeof words);
    if (code == EXO_OK) {
        int lacks = EXO_OK;
        exo_transport *transport = exo_curl_open(&lacks);
        client = exo_engine_new(&taken, transport);
        code = client ? EXO_OK : transport ? EXO_E_NO_MEMORY : lacks;
    }
    if (taken.error) {
        *taken.error = code;
    }
    if (taken.message) {
        snprintf(taken.message, taken.message_size, "%s", words[0] || code == EXO_OK ? words : exo_error_text(code));
    }
    return client;
}

void exo_client_free(exo_client *client)
{
    if (!client || !exo_engine_is_ours(client)) {
        return;
    }
    while (client->calls) {
        exo_call_free(client->calls);
    }
    exo_drains_close(&client->drains);
    exo_loop_table(&client->loop)->close(client->loop.transport);
    exo_timers_free(&client->loop.timers);
    exo_registry_free(&client->registry);
    free(client);
}
