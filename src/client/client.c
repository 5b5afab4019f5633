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
    int code = exo_engine_check(client);
    return code == EXO_OK ? client->message : exo_error_text(code);
}

/* ---- turns ---- */

/* An event waits with its call, or its turn does: nobody takes what else comes, so the clocks of the call stand still.
 */
static void client_let_wait(exo_client *client, exo_call *call)
{
    call->waiting.there = true;
    exo_call_set_live(call, true); /* END too is still to come */
    exo_call_set_hold(call, client->loop.now, HOLD_WAITING, true);
    exo_queue_append(&client->waiting, &call->waiting.place);
}

/* The event that waits with a call is handed out now; where it is the turn that waits, the call is in line for it. */
static int client_hand_out_waiting(exo_client *client, exo_call *call, exo_event *event)
{
    const bool has_event = call->waiting.event != NULL;
    if (has_event) {
        *event = *call->waiting.event;
        free(client->spare);
        client->spare = call->waiting.event;
        call->waiting.event = NULL;
    }
    call->waiting.there = false;
    exo_queue_remove(&client->waiting, &call->waiting.place);
    exo_call_set_hold(call, client->loop.now, HOLD_WAITING, false);
    exo_call_set_live(call, call->state < CALL_ENDED);
    return has_event ? EXO_EVENT : EXO_OK;
}

/* The turn of a call whose event is to wait. */
static void client_give_turn_apart(exo_client *client, exo_call *call)
{
    if (call->waiting.there) {
        return;
    }
    if (!client->spare) {
        client->spare = malloc(sizeof *client->spare);
    }
    if (!client->spare) {
        client_let_wait(client, call);
    } else if (exo_call_step(call, client->spare) == EXO_EVENT) {
        call->waiting.event = client->spare;
        client->spare = NULL;
        client_let_wait(client, call);
    }
}

/* Gives every call that is ready its turn, as long as this round lasts and more may be moved. EXO_EVENT: `*event` is
 * stored. `only` restricts events to one call: the first one of any other waits with it, and the call with its event,
 * out of the queue. */
static int client_give_turns(exo_client *client, const exo_call *only, exo_event *event)
{
    exo_task *task;
    while (client->turn.left > 0 && exo_engine_is_ours(client) && (task = exo_loop_take(&client->loop)) != NULL) {
        exo_call *call = exo_call_of(task);
        if (call->holds & HOLD_PROGRAM) {
            exo_call_stand(call);
        } else if (only && call != only) {
            client_give_turn_apart(client, call);
        } else if (!call->waiting.there && exo_call_step(call, event) == EXO_EVENT) {
            return EXO_EVENT;
        }
    }
    return EXO_OK;
}

/* An event that waits and may be handed out, or else one of a call whose turn it is. */
static int client_find_event(exo_client *client, exo_call *only, exo_event *event)
{
    if (only && only->waiting.there) {
        return client_hand_out_waiting(client, only, event);
    }
    if (!only && client->waiting.first) {
        return client_hand_out_waiting(client, exo_call_of_waiting(client->waiting.first), event);
    }
    return client_give_turns(client, only, event);
}

/* The consumer has an event of this call; its clocks stand still until it asks for the next one. */
static void client_hold(exo_client *client, exo_call *call)
{
    const int64_t now = client->loop.now;
    if (client->held) {
        exo_call_set_hold(client->held, now, HOLD_CONSUMER, false);
    }
    client->held = call;
    client->held_at = now;
    if (call) {
        exo_call_set_hold(call, now, HOLD_CONSUMER, true);
    }
}

/* The shorter of two waits, of which -1 is without end. */
static int64_t client_shorter(int64_t one, int64_t other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* How long it is until `deadline`: 0 when that has passed, -1 where there is none. */
static int64_t client_left(const exo_client *client, int64_t deadline)
{
    int64_t left = deadline < 0 ? 0 : deadline - client->loop.now;
    return deadline < 0 ? -1 : left > 0 ? left : 0;
}

/* Nothing is lost if the transport is not served yet where whatever it may bring is for calls that have enough to do;
 * but it is not left alone for long. Nor is it looked for between two rounds of a millisecond. */
static bool client_may_go_on(exo_client *client)
{
    exo_loop *loop = &client->loop;
    const size_t waiting = exo_loop_waiting(loop);
    if (waiting == 0 || loop->transport->left_off || client->drains.first) {
        return false;
    }
    const int64_t now = exo_loop_look(loop);
    return now == loop->served_at || (waiting == client->live && now - loop->served < EXO_UNSERVED_MS);
}

/* Whether the call whose event was handed out last is alone, and so its turn would come next: it has that at once. */
static bool client_goes_on(exo_client *client, const exo_call *only, exo_event *event)
{
    exo_call *call = client->held;
    const exo_loop *loop = &client->loop;
    return call && exo_engine_is_ours(client) && (only ? call == only : !client->waiting.first) &&
           exo_loop_waiting(loop) == (call->task.is_ready ? 1U : 0U) && client->live == 1 && exo_call_reads(call) &&
           !client->turn.is_over && client->turn.left > 0 && !client->drains.first &&
           loop->now - loop->served < EXO_UNSERVED_MS && exo_call_read_on(call, loop->now, event);
}

/* The turn of the caller's loop is over. */
static int client_end_turn(exo_client *client, int code)
{
    client->turn.is_over = true;
    client->loop.transport->rang = false;
    return code;
}

static void client_serve(exo_client *client, int64_t wait)
{
    client->turn.served = true;
    exo_loop_serve(&client->loop, wait);
}

/* What calls have left nothing of in the turn before, the network has first of this one. */
static void client_begin_turn(exo_client *client)
{
    client_hold(client, NULL);
    if (client->turn.is_over) {
        bool is_due = client->live > 0 && !client->turn.served;
        client->turn.is_over = false;
        client->turn.left = client->turn.bytes;
        client->turn.served = false;
        if (is_due) {
            client_serve(client, 0);
        }
        exo_loop_begin_round(&client->loop);
    }
}

/* More may be moved in this turn. */
static void client_let_move(exo_client *client)
{
    if (client->turn.left <= 0) {
        client->turn.left = client->turn.bytes;
    }
}

int exo_client_next_of(exo_client *client, exo_call *only, int64_t timeout, exo_event *event)
{
    exo_loop *loop = &client->loop;
    exo_loop_look(loop);
    if (client_goes_on(client, only, event)) {
        return EXO_EVENT;
    }
    bool is_rung = !only && loop->transport->rang;
    if (is_rung || exo_loop_table(loop)->is_watched(loop->transport)) {
        timeout = 0; /* the caller waits, not we */
    }
    client_begin_turn(client);
    int64_t deadline = timeout < 0 || timeout > INT64_MAX / 2 ? -1 : loop->now + timeout;
    bool served = false;
    for (;;) {
        const int found = exo_engine_is_ours(client) ? client_find_event(client, only, event) : EXO_OK;
        if (!exo_engine_is_ours(client)) { /* a hook has made this process, in there or in the network's part */
            return EXO_E_FORKED;
        }
        if (found == EXO_EVENT) {
            client_hold(client, event->type == EXO_EVENT_END ? NULL : event->call);
            return EXO_EVENT;
        }
        if (client->live == 0) {
            exo_loop_serve(loop, 0); /* connections that are being drained */
            return client_end_turn(client, EXO_IDLE);
        }
        if (client->turn.left <= 0 && timeout == 0) {
            return client_end_turn(client, EXO_OK);
        }
        int64_t left = client_left(client, deadline);
        if (left == 0 && served && !exo_loop_is_in_round(loop)) {
            return client_end_turn(client, EXO_OK);
        }
        client_let_move(client);
        if (!client_may_go_on(client)) {
            int64_t wait = exo_loop_waiting(loop) > 0 ? 0 : client_shorter(left, exo_loop_until_timer(loop));
            client_serve(client, wait);
            served = true;
            deadline = loop->transport->rang && !only ? 0 : deadline;
        }
        if (timeout != 0) { /* what the network has moved, it has not moved in the stead of calls */
            client_let_move(client);
        }
        exo_loop_begin_round(loop);
    }
}

int exo_client_next(exo_client *client, int64_t timeout, exo_event *event)
{
    int code = event ? exo_engine_check(client) : EXO_E_ARGUMENT;
    return code < 0 ? code : exo_client_next_of(client, NULL, timeout, event);
}

void exo_client_wakeup(exo_client *client)
{
    if (exo_engine_check(client) == EXO_OK) {
        exo_loop_table(&client->loop)->ring(client->loop.transport);
    }
}

/* ---- the caller's event loop ---- */

int exo_client_fd(const exo_client *client)
{
    return exo_engine_check(client) == EXO_OK ? exo_loop_table(&client->loop)->fd(client->loop.transport) : -1;
}

int exo_client_watch(exo_client *client, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    int code = exo_engine_check(client);
    if (code < 0) {
        return code;
    }
    if (client->calls || client->drains.first) {
        exo_engine_say(client, "watch: %s",
                       client->calls ? "not while there are calls: free them first"
                                     : "not while a connection is drained: take events until EXO_IDLE for a while");
        return EXO_E_STATE;
    }
    exo_loop_table(&client->loop)->watch(client->loop.transport, watch, ctx);
    return EXO_OK;
}

int exo_client_ready(exo_client *client, int socket, int what)
{
    int code = exo_engine_check(client);
    if (code == EXO_OK) {
        exo_loop_table(&client->loop)->ready(client->loop.transport, socket, what);
        code = exo_engine_check(client); /* a hook may have made this process */
    }
    return code;
}

int64_t exo_client_timeout(exo_client *client)
{
    if (exo_engine_check(client) < 0) {
        return 0; /* exo_client_next() says why */
    }
    bool is_busy = exo_loop_waiting(&client->loop) > 0 || client->held || client->waiting.first ||
                   client->turn.left <= 0 || client->loop.transport->rang;
    return is_busy ? 0 : exo_loop_until_timer(&client->loop);
}

/* ---- bounds ---- */

int exo_client_bounds(exo_client *client, const exo_bounds *bounds)
{
    exo_bounds taken = EXO_BOUNDS_INIT;
    int code = exo_engine_check(client);
    if (code == EXO_OK) {
        code = exo_bounds_take(&taken, bounds, client->message, sizeof client->message);
    }
    if (code == EXO_OK) {
        client->bounds = taken;
        exo_loop_table(&client->loop)->bound(client->loop.transport, &client->bounds);
    }
    return code;
}

const exo_bounds *exo_client_bounds_of(const exo_client *client)
{
    return exo_engine_check(client) == EXO_OK ? &client->bounds : NULL;
}

/* ---- deployments ---- */

int exo_client_deploy(exo_client *client, const char *model, const exo_deployment *deployment)
{
    int code = exo_engine_check(client);
    return code < 0
               ? code
               : exo_registry_deploy(&client->registry, model, deployment, client->message, sizeof client->message);
}

int exo_client_fallback(exo_client *client, const char *model, const char *fallback)
{
    int code = exo_engine_check(client);
    return code < 0 ? code
                    : exo_registry_fallback(&client->registry, model, fallback, false, client->message,
                                            sizeof client->message);
}

int exo_client_context_fallback(exo_client *client, const char *model, const char *fallback)
{
    int code = exo_engine_check(client);
    return code < 0 ? code
                    : exo_registry_fallback(&client->registry, model, fallback, true, client->message,
                                            sizeof client->message);
}

int exo_client_policy(exo_client *client, const char *model, const exo_route_policy *policy)
{
    int code = exo_engine_check(client);
    return code < 0 ? code
                    : exo_registry_policy(&client->registry, model, policy, client->message, sizeof client->message);
}

const char *exo_client_model(const exo_client *client, size_t index)
{
    return exo_engine_check(client) == EXO_OK ? exo_registry_name(&client->registry, index) : NULL;
}

/* ---- life ---- */

/* Options that are larger than this are no newer ones, but were never set. */
#define CLIENT_OPTIONS_MAX 4096

static int client_check_numbers(const exo_client_options *taken, char *words, size_t size)
{
    const char *wrong = taken->turn_bytes < 0 ? "turn_bytes" : taken->log_bodies < 0 ? "log_bodies" : NULL;
    if (wrong) {
        snprintf(words, size, "%s: must be 0 or more", wrong);
    }
    return wrong ? EXO_E_ARGUMENT : EXO_OK;
}

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
    int code = client_check_numbers(taken, words, size);
    if (code == EXO_OK && taken->limits) {
        code = exo_limits_check(taken->limits, words, size);
    }
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
    if (exo_engine_check(client) < 0) {
        return;
    }
    if (client->chats > 0) { /* a handler of their events calls */
        client->is_freed = true;
        for (exo_call *call = client->calls; call; call = call->next) {
            exo_call_cancel(call);
        }
        return;
    }
    while (client->calls) {
        exo_call_free(client->calls);
    }
    exo_drains_close(&client->drains);
    exo_loop_table(&client->loop)->close(client->loop.transport);
    exo_timers_free(&client->loop.timers);
    exo_registry_free(&client->registry);
    free(client->spare);
    free(client);
}
