/*
 * call.c: one call: routing, sizing, exchanges one after another, the clocks, and what becomes an event.
 *
 * A state machine (exo_call_state) that client.c gives a turn whenever something happened. Bytes go feed → sse → chunk
 * → answer, an event at a time, and only when the consumer asks for one. Memory: one feed of at most what the inbox
 * held, the carry of sse, and what the reply keeps.
 */
#include "engine.h"
#include "heap.h"

#include <stdlib.h>

static void begin_ending(exo_call *call)
{
    call->state = CALL_ENDING;
    exo_timers_clear(&call->client->timers, &call->timer);
    call->reply->milliseconds = exo_clock_real() - call->started_real;
    exo_log_call(call);
    exo_client_wake(call->client, call);
}

/* ---- the trail ---- */

int64_t exo_call_since_attempt(const exo_call *call)
{
    return exo_clock_real() - call->attempt_real;
}

void exo_call_note_sent(exo_call *call)
{
    exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (attempt && attempt->sent_ms < 0) {
        attempt->sent_ms = exo_call_since_attempt(call);
    }
}

static void note_exchange(const exo_call *call, exo_trail_entry *attempt)
{
    const exo_exchange *x = call->exchange;
    long version = 0;
    curl_off_t looked_up = 0;
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(x->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
    if (x->answered) {
        const char *text = version == CURL_HTTP_VERSION_2_0 ? "2" : version == CURL_HTTP_VERSION_1_0 ? "1.0" : "1.1";
        memcpy(attempt->http_version, text, strlen(text) + 1);
    }
    if (looked_up > 0 || x->connected) {
        attempt->resolved_ms = looked_up / 1000;
    }
    attempt->http_status = x->status;
    attempt->reused = x->reused;
    attempt->resent = x->resent;
    attempt->bytes_sent = exo_encode_written(&call->encoding.encoder);
    attempt->bytes_received = x->received;
}

static void end_attempt(exo_call *call, const exo_failure *failure)
{
    exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (!attempt) {
        return;
    }
    if (call->exchange) {
        note_exchange(call, attempt);
    }
    attempt->end_ms = exo_call_since_attempt(call);
    if (failure) {
        attempt->code = failure->code;
        attempt->verdict = failure->verdict;
        exo_reply_note_message(call->reply, failure->message);
    }
    exo_log_attempt(call, failure);
}

/* ---- how an attempt ends ---- */

static void drop_exchange(exo_call *call)
{
    exo_exchange_free(call->exchange);
    call->exchange = NULL;
}

/* The call ends, whatever it was at; an attempt that was under way ends with it. */
static void break_off(exo_call *call, const exo_failure *failure)
{
    const exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    call->reply->failure = *failure;
    if (attempt && attempt->end_ms < 0) {
        end_attempt(call, failure);
    }
    drop_exchange(call);
    exo_route_abandon(&call->route);
}

/* A failure that no other deployment would cure, or that is nobody's but the caller's. */
void exo_call_end(exo_call *call, const exo_failure *failure)
{
    break_off(call, failure);
    begin_ending(call);
}

static void end_with_code(exo_call *call, int code, const char *message)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    exo_failure_set(&failure, code, exo_span_text(message));
    exo_call_end(call, &failure);
}

/* The attempt failed: the trail has it, the route decides. */
int exo_call_fail(exo_call *call, exo_failure *failure)
{
    exo_deployed_censor(call->lineup[call->at], failure);
    call->failure = *failure;
    end_attempt(call, failure);
    bool spent = exo_encode_total(&call->encoding.encoder) == EXO_SIZE_UNKNOWN &&
                 exo_encode_written(&call->encoding.encoder) > 0;
    bool shown = call->exposed && !call->options.restart;
    drop_exchange(call);
    exo_route_failed(&call->route, exo_client_now(call->client), failure, 0);
    if (shown || spent) {
        call->reply->failure = *failure;
        exo_route_abandon(&call->route);
        begin_ending(call);
        return EXO_OK;
    }
    call->restart_due = call->exposed;
    call->state = CALL_ROUTING;
    exo_client_wake(call->client, call);
    return EXO_OK;
}

int exo_call_fail_code(exo_call *call, int code, exo_span message)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    if (call->exchange) {
        failure = call->exchange->failure; /* what the headers said */
    }
    char why[320] = "";
    if (exo_error_class_of(code) == EXO_CLASS_CALLER) { /* the request itself failed, not its transport */
        exo_encoding_explain(&call->encoding, code, why, sizeof why);
    }
    exo_failure_set(&failure, code, why[0] ? exo_span_text(why) : message);
    failure.http_status = call->exchange ? call->exchange->status : 0;
    failure.status = failure.http_status;
    failure.offset = exo_sse_offset(&call->sse);
    return exo_call_fail(call, &failure);
}

/* The answer is proven. What is left of the response is drained, so that the connection can serve again. */
void exo_call_succeed(exo_call *call)
{
    end_attempt(call, NULL);
    exo_route_succeeded(&call->route, exo_client_now(call->client));
    if (call->exchange->over) {
        drop_exchange(call);
    } else {
        exo_exchange_drain(call->exchange);
        call->exchange = NULL;
    }
    begin_ending(call);
}

/* ---- sending ---- */

/* Sends the request. `resend` is true for the transport's own second try. */
static void start_exchange(exo_call *call, bool resend)
{
    exo_deployed *deployed = call->lineup[call->at];
    int error = EXO_OK;
    if (exo_encode_written(&call->encoding.encoder) > 0) {
        int code = exo_encode_rewind(&call->encoding.encoder);
        if (code < 0) {
            end_with_code(call, code, exo_attachments_message(call->encoding.attachments));
            return;
        }
    }
    exo_call_prepare(call);
    uint64_t total = deployed->options.chunked ? EXO_SIZE_UNKNOWN : exo_encode_total(&call->encoding.encoder);
    call->state = CALL_EXCHANGE;
    call->attempt_began = exo_client_now(call->client);
    exo_call_enter(call, EXO_PHASE_CONNECT);
    call->exchange =
        exo_exchange_start(call, deployed, &call->encoding.encoder, total, call->options.traceparent, resend, &error);
    if (!call->exchange) {
        end_with_code(call, error, error == EXO_E_NO_MEMORY ? "" : exo_client_message(call->client));
        return;
    }
    call->exchange->resent = resend;
    exo_call_arm(call);
}

/* Whether a connection to the same deployment is about to become free: the call is then woken when it is. */
static bool awaits_connection(exo_call *call)
{
    for (exo_exchange *x = call->client->draining; x; x = x->drain_next) {
        if (x->deployed == call->lineup[call->at] && !x->waiter) {
            x->waiter = call;
            call->awaited = x;
            return true;
        }
    }
    return false;
}

static void begin_attempt(exo_call *call)
{
    exo_deployed *deployed = call->lineup[call->at];
    const char *model = deployed->options.model ? deployed->options.model : deployed->name;
    exo_trail_entry *attempt = exo_reply_begin_attempt(call->reply, deployed->name, model);
    if (!attempt) {
        end_with_code(call, EXO_E_NO_MEMORY, "");
        return;
    }
    call->attempt_real = exo_clock_real();
    attempt->started_ms = call->attempt_real - call->started_real;
    if (awaits_connection(call)) {
        call->state = CALL_GRACE;
        exo_call_wait_until(call, exo_client_now(call->client) + EXO_GRACE_MS);
        return;
    }
    start_exchange(call, false);
}

static void size_body(exo_call *call)
{
    int code = exo_encode_size(&call->encoding.encoder, EXO_SIZING_SLICE);
    if (code == EXO_AGAIN && exo_attachments_starved(call->encoding.attachments)) {
        exo_call_wait_until(call, exo_client_now(call->client) + EXO_SOURCE_MS);
        return;
    }
    if (code == EXO_AGAIN) {
        exo_client_wake(call->client, call);
        return;
    }
    if (code == EXO_OK) {
        begin_attempt(call);
        return;
    }
    char message[320];
    exo_encoding_explain(&call->encoding, code, message, sizeof message);
    end_with_code(call, code, message);
}

/* ---- routing ---- */

static void route(exo_call *call)
{
    exo_route_action action;
    exo_route_next(&call->route, exo_client_now(call->client), &action);
    switch (action.type) {
    case EXO_ROUTE_GIVE_UP:
        call->reply->failure = call->failure;
        begin_ending(call);
        return;
    case EXO_ROUTE_WAIT:
        call->state = CALL_WAITING;
        exo_call_wait_until(call, action.until);
        return;
    case EXO_ROUTE_ATTEMPT:
        break;
    }
    call->at = action.deployment;
    if (call->encoding.target == call->lineup[call->at]) {
        begin_attempt(call);
        return;
    }
    int code = exo_encoding_aim(&call->encoding, call->lineup[call->at], &call->client->limits);
    if (code < 0) {
        end_with_code(call, code, "");
        return;
    }
    call->state = CALL_SIZING;
    exo_call_arm(call);
    exo_client_wake(call->client, call);
}

/* ---- what wakes a call ---- */

void exo_call_connected(exo_call *call)
{
    exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (attempt) {
        attempt->connected_ms = exo_call_since_attempt(call);
    }
    exo_call_enter(call, EXO_PHASE_SEND);
    exo_call_arm(call);
}

void exo_call_sends(exo_call *call, exo_span bytes)
{
    long wanted = call->client->log_bodies;
    if (wanted > 0 && call->sent_start.len < (size_t)wanted) {
        size_t room = (size_t)wanted + 4 - call->sent_start.len; /* whole characters are cut off later */
        bytes.len = bytes.len < room ? bytes.len : room;
        (void)exo_buffer_append(&call->sent_start, bytes);
    }
}

void exo_call_over(exo_call *call)
{
    bool sent = false;
    /* The last look at the upload, for what its failure is called. */
    (void)exo_exchange_progress(call->exchange, &sent);
    if (exo_exchange_may_resend(call->exchange) && exo_encode_rewind(&call->encoding.encoder) == EXO_OK) {
        drop_exchange(call);
        start_exchange(call, true);
        return;
    }
    exo_client_wake(call->client, call);
}

/* ---- turns ---- */

static void stop_awaiting(exo_call *call)
{
    if (call->awaited) {
        call->awaited->waiter = NULL;
        call->awaited = NULL;
    }
}

bool exo_call_has_events(const exo_call *call)
{
    return call->state == CALL_EXCHANGE || call->state == CALL_ENDING ||
           (call->state == CALL_ROUTING && call->restart_due);
}

static int hand_out_end(exo_call *call, exo_event *event)
{
    call->state = CALL_ENDED;
    exo_client_forget(call->client, call);
    event->type = EXO_EVENT_END;
    event->failure = exo_reply_failure(call->reply);
    return EXO_EVENT;
}

int exo_call_step(exo_call *call, exo_event *event)
{
    memset(event, 0, sizeof *event);
    event->call = call;
    switch (call->state) {
    case CALL_ROUTING:
    case CALL_WAITING:
        route(call);
        if (call->restart_due && call->state != CALL_ENDING) {
            call->restart_due = false;
            event->type = EXO_EVENT_RESTART;
            event->failure = &call->failure;
            return EXO_EVENT;
        }
        return EXO_OK;
    case CALL_SIZING:
        size_body(call);
        return EXO_OK;
    case CALL_GRACE:
        stop_awaiting(call);
        start_exchange(call, false);
        return EXO_OK;
    case CALL_EXCHANGE: {
        if (exo_call_total_ran_out(call)) {
            return EXO_OK;
        }
        int code = exo_call_read(call, event);
        if (code == EXO_EVENT) {
            exo_client_wake(call->client, call);
        } else if (call->rest_is_late && call->state == CALL_EXCHANGE) {
            call->rest_is_late = false;
            exo_call_rest_is_late(call);
        }
        return code;
    }
    case CALL_ENDING:
        return hand_out_end(call, event);
    case CALL_ENDED:
        break;
    }
    return EXO_OK;
}

/* ---- life ---- */

static bool copy_options(exo_call *call, const exo_call_options *options)
{
    exo_call_options standard = EXO_CALL_OPTIONS_INIT;
    call->options = options && options->size == sizeof *options ? *options : standard;
    call->options.model = NULL;
    if (call->options.total_timeout > INT64_MAX / 2) {
        call->options.total_timeout = 0; /* nobody lives to see it run out, and sums stay numbers */
    }
    const char *traceparent = call->options.traceparent;
    call->options.traceparent = exo_heap_copy(traceparent);
    if (call->options.choices == 0) {
        call->options.choices = 1;
    }
    if (call->options.choices > call->client->limits.choices) {
        call->options.choices = call->client->limits.choices;
    }
    return !traceparent || call->options.traceparent;
}

/* Fills in the lineup from a name and its two lists. EXO_OK, EXO_E_NO_MEMORY, or EXO_E_UNKNOWN_MODEL with the name in
 * the client's message. */
static int line_up(exo_call *call, const exo_entry *entry)
{
    exo_client *client = call->client;
    size_t fallbacks = entry->fallbacks.count;
    size_t count = 1 + fallbacks + entry->context_fallbacks.count;
    call->lineup = calloc(count, sizeof *call->lineup);
    call->stops = calloc(count, sizeof *call->stops);
    if (!call->lineup || !call->stops) {
        return EXO_E_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = i == 0           ? entry->name
                           : i <= fallbacks ? entry->fallbacks.items[i - 1]
                                            : entry->context_fallbacks.items[i - 1 - fallbacks];
        exo_deployed *listed = exo_registry_deployed(&client->registry, name);
        if (!listed) {
            exo_client_say(client, "fallback: no deployment is named %s", name);
            return EXO_E_UNKNOWN_MODEL;
        }
        call->lineup[i] = exo_deployed_keep(listed);
        call->stops[i].deployment = (uint32_t)i;
        call->stops[i].health = &listed->health;
        call->lineup_count = i + 1;
    }
    call->policy = entry->policy;
    call->random.ctx = client;
    call->random.next = exo_client_random;
    return exo_route_init(&call->route, call->stops, (uint32_t)(1 + fallbacks), call->stops + 1 + fallbacks,
                          (uint32_t)entry->context_fallbacks.count, &call->policy, &call->random);
}

/* What can be wrong before anything is tried. EXO_OK, or the code with the client's message set. */
static int check(exo_call *call, const exo_call_options *options)
{
    exo_client *client = call->client;
    if (options && options->size != sizeof *options) {
        exo_client_say(client, "options: must begin with EXO_CALL_OPTIONS_INIT");
        return EXO_E_ARGUMENT;
    }
    const char *model = options && options->model ? options->model : exo_request_model(call->request);
    int code = exo_request_error(call->request);
    if (code < 0) {
        exo_client_say(client, "request: %s", exo_error_text(code));
        return code;
    }
    if (exo_has_control(call->options.traceparent)) {
        exo_client_say(client, "traceparent: may not hold CR, LF or other control characters");
        return EXO_E_HEADER;
    }
    const exo_entry *entry = exo_registry_find(&client->registry, model);
    if (!entry || !entry->deployed) {
        exo_client_say(client, "model: no deployment is named %s", model[0] ? model : "\"\"");
        return EXO_E_UNKNOWN_MODEL;
    }
    return line_up(call, entry);
}

static void link_call(exo_call *call)
{
    exo_client *client = call->client;
    call->next = client->calls;
    if (client->calls) {
        client->calls->previous = call;
    }
    client->calls = call;
    call->is_live = true;
    client->live++;
}

exo_call *exo_call_start(exo_client *client, const exo_request *request, const exo_call_options *options, void *user)
{
    if (!client || !request || client->pid != getpid()) {
        if (client) {
            exo_client_say(client, "%s", exo_error_text(request ? EXO_E_FORKED : EXO_E_ARGUMENT));
        }
        return NULL;
    }
    exo_call *call = calloc(1, sizeof *call);
    if (!call || exo_timers_admit(&client->timers) < 0) {
        free(call);
        return NULL;
    }
    call->client = client;
    call->request = request;
    call->user = user;
    call->timer.owner = call;
    call->timer.wake = exo_call_look_at_clocks;
    exo_buffer_init(&call->feed, &exo_heap, EXO_INBOX_MAX_HTTP2, EXO_E_CONSUMER_LIMIT);
    exo_buffer_init(&call->sent_start, &exo_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    exo_buffer_init(&call->body, &exo_heap, SIZE_MAX, EXO_E_NO_MEMORY); /* response.c bounds it */
    exo_sse_init(&call->sse, &exo_heap, &client->limits);
    exo_failure_clear(&call->failure);
    bool copied = copy_options(call, options);
    call->reply = exo_reply_new(&client->limits, call->options.choices, call->options.keep);
    int opened = exo_encoding_init(&call->encoding, request);
    link_call(call);
    if (!copied || !call->reply || opened < 0) {
        exo_call_free(call);
        return NULL;
    }
    call->started = exo_client_now(client);
    call->started_real = exo_clock_real();
    call->state = CALL_ROUTING;
    int code = check(call, options);
    if (code < 0) {
        end_with_code(call, code, code == EXO_E_NO_MEMORY ? "" : client->message);
        return call;
    }
    exo_call_arm(call);
    exo_client_wake(client, call);
    return call;
}

void *exo_call_user(const exo_call *call)
{
    return call->user;
}

static void leave_loop(exo_call *call)
{
    stop_awaiting(call);
    exo_timers_clear(&call->client->timers, &call->timer);
    exo_client_forget(call->client, call);
}

/* After fork() the sockets, and the poller that waits at them, are the parent's too: its calls would end with ours. */
static bool is_foreign(const exo_call *call)
{
    return call->client->pid != getpid();
}

void exo_call_cancel(exo_call *call)
{
    if (!call || is_foreign(call)) {
        return;
    }
    if (call->event_waits) { /* END too must not come any more */
        call->event_waits = false;
        leave_loop(call);
    }
    if (call->state == CALL_ENDED) {
        return;
    }
    if (call->state != CALL_ENDING) {
        exo_failure failure;
        exo_failure_clear(&failure);
        exo_failure_set(&failure, EXO_E_CANCELLED, exo_span_of(NULL, 0));
        break_off(call, &failure);
        call->reply->milliseconds = exo_clock_real() - call->started_real;
        exo_log_call(call);
    }
    call->state = CALL_ENDED;
    call->restart_due = false;
    leave_loop(call);
}

exo_reply *exo_call_reply(exo_call *call)
{
    if (call->state != CALL_ENDED) {
        return NULL;
    }
    exo_reply *reply = call->reply;
    call->reply = NULL;
    return reply;
}

void exo_call_free(exo_call *call)
{
    if (!call || is_foreign(call)) {
        return;
    }
    if (call->reply && call->stops) {
        exo_call_cancel(call);
    }
    leave_loop(call);
    exo_timers_dismiss(&call->client->timers);
    exo_exchange_free(call->exchange);
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        call->client->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
    for (size_t i = 0; i < call->lineup_count; i++) {
        exo_deployed_drop(call->lineup[i]);
    }
    free(call->lineup);
    free(call->stops);
    exo_encoding_free(&call->encoding);
    exo_sse_free(&call->sse);
    exo_buffer_free(&call->feed);
    exo_buffer_free(&call->body);
    exo_buffer_free(&call->sent_start);
    exo_reply_free(call->reply);
    free((char *)call->options.traceparent);
    free(call);
}
