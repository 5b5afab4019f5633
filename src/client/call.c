/*
 * call.c: one call: asks its route, sizes its body, starts exchanges, tells the attempt what the transport reports, and
 * hands out what becomes an event.
 *
 * A state machine (exo_call_state) that client.c gives a turn whenever something happened. It decides nothing that
 * route.h, attempt.h or intake.h can. Memory: one feed of at most what an inbox holds, the attempt's, and what the
 * reply keeps.
 */
#include "call.h"

#include "call_options.h"
#include "heap.h"
#include "record.h"
#include "sized.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t call_now(const exo_call *call)
{
    return exo_loop_now(&call->client->loop);
}

static const exo_transport_table *call_table(const exo_call *call)
{
    return exo_loop_table(&call->client->loop);
}

static void call_wake(exo_call *call)
{
    exo_loop_wake(&call->client->loop, &call->task);
}

/* Sleeps until `moment` (-1: until something happens), or until the total clock runs out. */
static void call_wait_until(exo_call *call, int64_t moment)
{
    exo_timers *timers = &call->client->loop.timers;
    int64_t deadline = call->time.deadline;
    int64_t due = moment < 0 || (deadline >= 0 && deadline < moment) ? deadline : moment;
    if (due < 0) {
        exo_timers_clear(timers, &call->time.timer);
    } else if (!exo_timer_is_set(&call->time.timer) || call->time.timer.due != due) {
        exo_timers_set(timers, &call->time.timer, due);
    }
}

static void call_is_due(void *owner, int64_t now)
{
    exo_call *call = owner;
    (void)now;
    call_wake(call);
}

/* ---- the end of an attempt, and of the call ---- */

static void call_begin_ending(exo_call *call)
{
    call->state = CALL_ENDING;
    exo_timers_clear(&call->client->loop.timers, &call->time.timer);
    call->reply->milliseconds = call_now(call) - call->time.started;
    exo_record_call(call);
    exo_encoding_free(&call->try.encoding); /* what the caller lent is the caller's again */
    call_wake(call);
}

/* Ends the exchange, if there is one; `reuse`: its connection may serve again. */
static void call_drop_exchange(exo_call *call, bool reuse)
{
    exo_drains_forget(call->try.awaited);
    exo_buffer_clear(&call->try.feed);
    call->try.feed_at = 0;
    if (call->try.exchange) {
        call_table(call)->end(call->try.exchange, reuse);
        call->try.exchange = NULL;
    }
    call->try.readable = false;
    call->try.closed = false;
    call->holds &= (uint8_t)~HOLD_BOUND;
}

/* A redirect is not followed, but who corrects base_url wants to know where it leads. */
static void call_name_redirect(exo_failure *failure, const char *to)
{
    if (failure->code == EXO_E_REDIRECT && failure->message[0] == '\0' && *to != '\0') {
        snprintf(failure->message, sizeof failure->message, "it leads to %s", to);
    }
}

/* The model that is asked for at a deployment. */
static const char *call_model_at(const exo_deployed *deployed)
{
    return deployed->options.model ? deployed->options.model : deployed->name;
}

/* What the trail keeps of the attempt that is under way, and what the reply says of its failure. False: the trail has
 * no room for it, and a good answer is a failure for that. */
static bool call_close_attempt(exo_call *call)
{
    exo_attempt *attempt = &call->try.attempt;
    const exo_deployed *at = call->path.at;
    exo_exchange_details details = {-1, 0, "", ""};
    exo_trail_entry entry = *exo_attempt_end(attempt, call_now(call));
    const exo_failure *failure = exo_attempt_failure(attempt);
    exo_failure told;
    entry.started_ms = call->try.started_ms;
    entry.bytes_sent = exo_encoding_written(&call->try.encoding);
    if (call->try.exchange) {
        call_table(call)->details(call->try.exchange, &details);
        entry.resolved_ms = details.resolved_ms;
        entry.queued_ms = details.queued_ms;
        memcpy(entry.http_version, details.http_version, sizeof entry.http_version);
    }
    if (failure) {
        told = *failure;
        call_name_redirect(&told, details.redirect);
    } else {
        exo_failure_clear(&told);
        exo_heap_copy_into(told.request_id, sizeof told.request_id, exo_span_text(exo_attempt_request_id(attempt)));
    }
    exo_deployed_censor(at, &told);
    exo_call_options_censor(&call->options, &told);
    const int noted = exo_reply_note_attempt(call->reply, &entry, at->name, call_model_at(at), told.message);
    if (failure) {
        exo_reply_fail(call->reply, &told);
    } else if (noted < 0) {
        exo_reply_fail_saying(call->reply, noted, exo_span_of(NULL, 0));
    } else {
        exo_reply_succeed(call->reply, told.request_id);
    }
    if (noted == EXO_OK) {
        exo_record_attempt(call);
    }
    return noted == EXO_OK;
}

static void call_free_attempt(exo_call *call)
{
    if (call->try.begun) {
        call->try.begun = false;
        exo_attempt_free(&call->try.attempt);
    }
}

/* The call ends with a failure that is nobody's but the caller's, whatever it was at. */
static void call_break_off(exo_call *call, int code, const char *message)
{
    exo_span words = exo_span_text(message);
    if (call->try.begun) {
        exo_attempt_break_off(&call->try.attempt, code, words);
        (void)call_close_attempt(call); /* its own failure says more */
        call_free_attempt(call);
    } else {
        exo_reply_fail_saying(call->reply, code, words);
    }
    call_drop_exchange(call, false);
    exo_route_abandon(&call->path.route);
    call->path.fallback_due = false;
}

static void call_end_with(exo_call *call, int code, const char *message)
{
    call_break_off(call, code, message);
    call_begin_ending(call);
}

/* The attempt has its verdict. What is left of the response of a good answer is drained, so that the connection can
 * serve again; after a failure the connection is closed. */
static void call_settle(exo_call *call)
{
    exo_attempt *attempt = &call->try.attempt;
    int64_t now = call_now(call);
    bool spent = exo_encoding_spent(&call->try.encoding);
    unsigned how = (exo_attempt_shown(attempt) ? EXO_HOW_SHOWN : 0U) | (spent ? EXO_HOW_SPENT : 0U);
    const bool is_noted = call_close_attempt(call);
    if (!is_noted) { /* which stops the route: nothing is sent that the trail does not have */
        exo_reply_fail_saying(call->reply, EXO_E_NO_MEMORY, exo_span_of(NULL, 0));
    }
    if (exo_attempt_todo(attempt) == EXO_DO_DRAIN && !call->try.closed) { /* what is over has nothing left to drain */
        exo_drains_add(&call->client->drains, call->try.exchange, call->path.at);
        call->try.exchange = NULL;
    }
    call_drop_exchange(call, !call->reply->failure);
    call_free_attempt(call);
    if (!call->reply->failure) {
        exo_route_succeeded(&call->path.route, now);
        call_begin_ending(call);
        return;
    }
    exo_route_failed(&call->path.route, now, call->reply->failure, how);
    call->path.fallback_due = is_noted && (call->options.events & EXO_WANT(EXO_EVENT_FALLBACK)) != 0 &&
                              call->reply->failure->code != EXO_E_CLOCK_TOTAL;
    call->state = CALL_ROUTING;
    call_wake(call);
}

/* ---- facts ---- */

static void call_connected(void *owner, int64_t now, bool reused)
{
    exo_call *call = owner;
    exo_attempt_connected(&call->try.attempt, now, reused);
    call_wake(call);
}

static int call_status(void *owner, uint16_t status)
{
    exo_call *call = owner;
    return exo_attempt_status(&call->try.attempt, status);
}

static int call_header(void *owner, exo_span name, exo_span value)
{
    exo_call *call = owner;
    return exo_attempt_header(&call->try.attempt, name, value, (int64_t)time(NULL));
}

static void call_head_end(void *owner, int64_t now)
{
    exo_call *call = owner;
    exo_attempt_head_end(&call->try.attempt, now);
    /* A response that is a stream has nothing to say yet, but for how many more its connection can serve. */
    const int status = exo_attempt_trail(&call->try.attempt)->http_status;
    if (status / 100 != 2 || call->path.at->options.http2) {
        call_wake(call);
    }
}

/* Keeps the first bytes of a body, as many as are wanted for the log, if there is memory. */
static void call_keep_start(exo_call *call, exo_span bytes, size_t wanted)
{
    if (!call->try.sent_start) {
        call->try.sent_start = malloc(sizeof *call->try.sent_start);
        if (!call->try.sent_start) {
            return;
        }
        exo_buffer_init(call->try.sent_start, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    }
    exo_buffer *start = call->try.sent_start;
    if (start->len < wanted) {
        const size_t room = wanted + 4 - start->len; /* whole characters are cut off later */
        bytes.len = bytes.len < room ? bytes.len : room;
        (void)exo_buffer_append(start, bytes);
    }
}

static void call_forget_start(exo_call *call)
{
    if (call->try.sent_start) {
        exo_buffer_free(call->try.sent_start);
        free(call->try.sent_start);
        call->try.sent_start = NULL;
    }
}

static void call_sends(void *owner, exo_span bytes)
{
    exo_call *call = owner;
    call->client->turn.left -= (int64_t)bytes.len;
    if (call->client->log.bodies > 0) {
        call_keep_start(call, bytes, (size_t)call->client->log.bodies);
    }
}

static void call_readable(void *owner, int64_t now)
{
    exo_call *call = owner;
    call->try.arrived_at = now;
    call->try.readable = true;
    call_wake(call);
}

static void call_closed(void *owner, int64_t now)
{
    exo_call *call = owner;
    call->try.closed = true;
    call->try.closed_at = now;
    call_wake(call);
}

/* No clock of the attempt runs while it waits for a bound of ours. */
static void call_waits(void *owner, int64_t now, bool waits)
{
    exo_call_set_hold(owner, now, HOLD_BOUND, waits);
}

static const exo_facts call_facts = {
    .connected = call_connected,
    .status = call_status,
    .header = call_header,
    .head_end = call_head_end,
    .sends = call_sends,
    .readable = call_readable,
    .closed = call_closed,
    .waits = call_waits,
};

/* ---- sending ---- */

/* The clocks of an attempt, in milliseconds. */
typedef struct call_limits {
    int64_t connect_timeout;
    int64_t stream_ttft_timeout;
    int64_t request_timeout;
} call_limits;

static int64_t call_clock(int64_t own, int64_t standard)
{
    return own == EXO_CLOCK_OF_DEPLOYMENT ? standard : own;
}

/* The call's own, and for the others those of the deployment. */
static call_limits call_clocks(const exo_call *call)
{
    const exo_deployment *o = &call->path.at->options;
    const exo_call_options *own = &call->options;
    call_limits clocks = {call_clock(own->connect_timeout, o->connect_timeout),
                          call_clock(own->stream_ttft_timeout, o->stream_ttft_timeout),
                          call_clock(own->request_timeout, o->request_timeout)};
    return clocks;
}

/* The key in place of the deployment's, or NULL: what the caller gave for the model is for no other endpoint. */
static const char *call_key(const exo_call *call)
{
    bool same = exo_deployed_shares(call->path.at, call->path.lineup[0]);
    return same ? call->options.api_key : NULL;
}

static bool call_is_keyless(const exo_call *call)
{
    const char *key = call_key(call);
    return key ? !*key : !exo_deployed_has_key(call->path.at);
}

/* Sends the request. `fresh` is true for the transport's own second try. */
static void call_start_exchange(exo_call *call, bool fresh)
{
    exo_encoding *encoding = &call->try.encoding;
    const exo_deployed *deployed = call->path.at;
    char message[320];
    int error = EXO_OK;
    int code = exo_encoding_written(encoding) > 0 ? exo_encoding_rewind(encoding) : EXO_OK;
    if (code < 0) {
        exo_encoding_explain(encoding, code, message, sizeof message);
        call_end_with(call, code, message);
        return;
    }
    call_forget_start(call);
    exo_sending sending = {
        .deployed = call->path.at,
        .url = deployed->url.chat,
        .body = encoding,
        .total = deployed->options.chunked ? EXO_SIZE_UNKNOWN : exo_encoding_total(encoding),
        .expansion_max = call->client->limits.answer,
        .call = &call->options,
        .api_key = call_key(call),
        .connect_timeout = call_clocks(call).connect_timeout,
        .fresh = fresh,
    };
    call->state = CALL_EXCHANGE;
    call->try.has_body = true;
    call->try.exchange = call_table(call)->start(call->client->loop.transport, &sending, &call_facts, call, &error,
                                                 message, sizeof message);
    if (!call->try.exchange) {
        call_end_with(call, error, message);
        return;
    }
    call_wait_until(call, exo_attempt_deadline(&call->try.attempt, call_now(call)));
}

/* The attempt is set up as the deployment wants it. */
static int call_init_attempt(exo_call *call)
{
    const exo_deployment *o = &call->path.at->options;
    const call_limits clocks = call_clocks(call);
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    exo_reply_restart(call->reply, &call->client->limits, call->options.keep);
    options.intake.allocator = &exo_heap;
    options.intake.limits = &call->client->limits;
    options.intake.answers = call->reply->answers;
    options.intake.answer_count = call->reply->answer_count;
    options.intake.think_tags = o->think_tags;
    options.intake.lenient_end = o->lenient_end;
    options.intake.strict_stream = o->strict_stream;
    options.connect_timeout = clocks.connect_timeout;
    options.stream_ttft_timeout = clocks.stream_ttft_timeout;
    options.request_timeout = clocks.request_timeout;
    options.call_deadline = call->time.deadline;
    options.ttft_until = o->ttft_until;
    options.wanted = call->options.buffered ? 0 : (unsigned)call->options.events;
    options.untried = !call->path.last;
    options.keyless = call_is_keyless(call);
    return exo_attempt_init(&call->try.attempt, &options, call_now(call));
}

static void call_begin_attempt(exo_call *call)
{
    const int code = call_init_attempt(call);
    call->try.started_ms = call_now(call) - call->time.started;
    if (code < 0) {
        call_end_with(call, code, "");
        return;
    }
    call->try.begun = true;
    if (exo_drains_await(&call->client->drains, call->path.at, &call->task, &call->try.awaited)) {
        call->state = CALL_GRACE;
        call->time.grace = call_now(call) + EXO_GRACE_MS;
        call_wait_until(call, call->time.grace);
        return;
    }
    call_start_exchange(call, false);
}

/* A source has nothing ready: it is asked again a little later, or when the caller says so, but not for ever. */
static void call_wait_for_source(exo_call *call, exo_starved starved)
{
    int64_t now = call_now(call);
    int64_t most = call_clocks(call).request_timeout;
    int64_t since = call->try.starved_at < 0 ? now : call->try.starved_at;
    call->try.starved_at = since;
    if (most > 0 && now - since >= most) {
        char message[320];
        exo_encoding_explain(&call->try.encoding, EXO_E_SOURCE_READ, message, sizeof message);
        call_end_with(call, EXO_E_SOURCE_READ, message);
        return;
    }
    int64_t due = most > 0 ? since + most : -1;
    bool told = call->options.resumes && starved == EXO_STARVED_GIVEN;
    call_wait_until(call, !told && (due < 0 || now + EXO_SOURCE_MS < due) ? now + EXO_SOURCE_MS : due);
}

/* How many bytes are worked on at once. */
static size_t call_slice(const exo_call *call, size_t most)
{
    int64_t turn = call->client->turn.bytes;
    return turn < (int64_t)most ? (size_t)turn : most;
}

static void call_size_body(exo_call *call)
{
    exo_encoding *encoding = &call->try.encoding;
    size_t slice = call_slice(call, EXO_SIZING_SLICE);
    int code = exo_encoding_size(encoding, slice);
    exo_starved starved = code == EXO_AGAIN ? exo_encoding_starved(&call->try.encoding) : EXO_STARVED_NOT;
    if (starved != EXO_STARVED_NOT) {
        call_wait_for_source(call, starved);
        return;
    }
    bool is_less = code == EXO_OK && exo_encoding_total(encoding) < slice;
    call->client->turn.left -= (int64_t)(is_less ? exo_encoding_total(encoding) : slice);
    call->try.starved_at = -1;
    if (code == EXO_AGAIN) {
        call_wake(call);
        return;
    }
    if (code == EXO_OK) {
        call_begin_attempt(call);
        return;
    }
    char message[320];
    exo_encoding_explain(&call->try.encoding, code, message, sizeof message);
    call_end_with(call, code, message);
}

/* ---- routing ---- */

/* Whether the total clock has run out; the call has then failed. An attempt judges it too, once it has read what came:
 * here it is for a response that does not end. Where the route decides, it is asked first: a failure that is there
 * already is not replaced. */
static bool call_total_ran_out(exo_call *call)
{
    const exo_loop *loop = &call->client->loop;
    int64_t now = call->state == CALL_EXCHANGE && !(call->holds & HOLD_BOUND) ? loop->served_before : loop->served;
    if (call->time.deadline < 0 || now < call->time.deadline) {
        return false;
    }
    call_end_with(call, EXO_E_CLOCK_TOTAL,
                  call->holds & HOLD_BOUND
                      ? "over total_timeout, still waiting for a connection within the client's bounds"
                      : "");
    return true;
}

/* An attempt has failed, and what comes next was not begun yet. */
static void call_hand_out_fallback(exo_call *call, const exo_route_action *action, exo_event *event)
{
    call->path.fallback_due = false;
    event->type = EXO_EVENT_FALLBACK;
    event->failure = call->reply->failure;
    event->attempt = (uint32_t)exo_reply_attempts(call->reply) - 1;
    event->next = action->type == EXO_ROUTE_GIVE_UP ? NULL : call->path.lineup[action->deployment]->name;
    call_wake(call);
}

static void call_route(exo_call *call, exo_event *event)
{
    exo_route_action action;
    exo_route_next(&call->path.route, call_now(call), &action);
    call->path.restart_due = call->path.restart_due || action.restart;
    if (call->path.fallback_due) {
        call_hand_out_fallback(call, &action, event);
        return;
    }
    if (action.type == EXO_ROUTE_GIVE_UP) {
        call_begin_ending(call);
        return;
    }
    if (call_total_ran_out(call)) {
        return;
    }
    if (action.type == EXO_ROUTE_WAIT) {
        call->state = CALL_WAITING;
        call_wait_until(call, action.until);
        return;
    }
    call->path.at = call->path.lineup[action.deployment];
    call->path.last = action.last;
    if (call->try.encoding.target == call->path.at) {
        call_begin_attempt(call);
        return;
    }
    int code = exo_encoding_aim(&call->try.encoding, call->path.at, &call->client->limits);
    if (code < 0) {
        call_end_with(call, code, "");
        return;
    }
    call->state = CALL_SIZING;
    call_size_body(call);
}

/* ---- turns ---- */

/* The next bytes for the attempt: of those that were taken out of the inbox, or of what it holds now. Empty when there
 * are none. */
static exo_span call_next_bytes(exo_call *call)
{
    exo_buffer *feed = &call->try.feed;
    if (call->try.feed_at == feed->len) {
        exo_buffer_clear(feed);
        call->try.feed_at = 0;
        call->try.readable = false; /* taking may let more come */
        (void)call_table(call)->take(call->try.exchange, feed);
    }
    exo_span bytes = exo_buffer_span(feed);
    if (bytes.len > 0) { /* of nothing there is no place behind */
        bytes = exo_span_of(bytes.ptr + call->try.feed_at, bytes.len - call->try.feed_at);
    }
    bytes.len = call_slice(call, bytes.len < EXO_READING_SLICE ? bytes.len : EXO_READING_SLICE);
    call->try.feed_at += bytes.len;
    call->client->turn.left -= (int64_t)bytes.len;
    return bytes;
}

/* Tells the attempt of the next bytes. False when there are none. */
static bool call_feed(exo_call *call)
{
    exo_span bytes = call_next_bytes(call);
    if (bytes.len == 0) {
        return false;
    }
    uint16_t status = exo_attempt_trail(&call->try.attempt)->http_status;
    if (call->options.raw && status / 100 == 2) {
        call->options.raw(call->options.raw_ctx, bytes);
    }
    if (!exo_engine_is_ours(call->client)) {
        return false;
    }
    exo_attempt_bytes(&call->try.attempt, call->try.arrived_at, bytes);
    return true;
}

/* Everything that the exchange has brought is read: tells the attempt how it ended. */
static void call_tell_end(exo_call *call)
{
    exo_ending ending;
    char why[320] = "";
    call->try.closed = false;
    call_table(call)->ending(call->try.exchange, &ending);
    if (exo_error_class_of(ending.code) == EXO_CLASS_CALLER) { /* the request itself failed, not its transport */
        exo_encoding_explain(&call->try.encoding, ending.code, why, sizeof why);
    }
    exo_attempt_closed(&call->try.attempt, call->try.closed_at, ending.code, why[0] ? exo_span_text(why) : ending.words,
                       ending.byte_seen);
    if (exo_attempt_todo(&call->try.attempt) == EXO_DO_RESEND) {
        bool again = exo_encoding_rewind(&call->try.encoding) == EXO_OK;
        exo_attempt_resent(&call->try.attempt, call_now(call), again);
        if (again) {
            call_drop_exchange(call, false);
            exo_reply_restart(call->reply, &call->client->limits, call->options.keep);
            call_start_exchange(call, true);
        }
    }
}

/* All that came is read: looks at the upload, and at the clocks as they stood when the transport was served: what has
 * come since is not known yet. */
static void call_look_at_clocks(exo_call *call)
{
    exo_attempt *attempt = &call->try.attempt;
    if (exo_attempt_phase(attempt) == EXO_PHASE_SEND && call->try.exchange) {
        exo_upload upload;
        call_table(call)->progress(call->try.exchange, &upload);
        exo_attempt_upload(attempt, call_now(call), upload.accepted, upload.unacked, upload.complete);
    }
    exo_attempt_tick(attempt, call->client->loop.served);
}

static void call_show(const exo_intake_event *from, exo_event *event)
{
    event->type = from->type;
    event->choice = from->choice;
    event->tool = from->tool;
    event->last = from->last;
    event->replace = from->replace;
    event->text = from->text;
    event->id = from->id;
    event->name = from->name;
    event->usage = from->usage;
}

/* A body that is out, and answered, is not sent again as it is: what of it is in memory is let go. */
static void call_let_go_of_body(exo_call *call)
{
    exo_upload upload;
    if (!call->try.has_body || exo_attempt_phase(&call->try.attempt) != EXO_PHASE_STREAM || !call->try.exchange) {
        return;
    }
    if (exo_encoding_whole(&call->try.encoding).len == 0) {
        call->try.has_body = false;
        return;
    }
    call_table(call)->progress(call->try.exchange, &upload);
    if (upload.complete) {
        exo_encoding_let_go(&call->try.encoding);
        call->try.has_body = false;
    }
}

/* All that has come is read: the call waits for more. */
static void call_rest(exo_call *call)
{
    exo_buffer_free(&call->try.feed); /* an idle stream keeps nothing */
    call->try.feed_at = 0;
    call_let_go_of_body(call);
    int64_t due = exo_attempt_deadline(&call->try.attempt, call->client->loop.now);
    bool is_early = exo_timer_is_set(&call->time.timer) && call->time.timer.due <= due;
    if (!is_early) { /* a timer that rings too early costs less than one that is moved with each event */
        call_wait_until(call, due);
    }
}

/* Whether a call that is let go of would have nothing to do at a turn: all that has come is read, and goes on. */
static bool call_may_rest(exo_call *call)
{
    const bool has_more = call->try.readable || call->try.closed || call->try.resumed;
    return call->state == CALL_EXCHANGE && !call->holds && !has_more && call->try.feed_at == call->try.feed.len &&
           exo_attempt_rests(&call->try.attempt);
}

/* What a call does while its exchange runs: reads what has come until there is an event, a verdict, or no more. */
static int call_read(exo_call *call, exo_event *event)
{
    exo_intake_event shown;
    bool looked = false;
    if (call->try.resumed && call->try.exchange) {
        call->try.resumed = false;
        call_table(call)->resume(call->try.exchange);
    }
    for (;;) {
        int code = exo_attempt_next(&call->try.attempt, &shown);
        if (code == EXO_EVENT) {
            call_show(&shown, event); /* it has its next turn, or rests, when the consumer has done with that */
            return EXO_EVENT;
        }
        if (code == EXO_DONE) {
            call_settle(call);
            return EXO_OK;
        }
        if (call_feed(call)) {
            continue;
        }
        if (call->try.closed) {
            call_tell_end(call);
            if (call->state != CALL_EXCHANGE) {
                return EXO_OK;
            }
        } else if (!looked) {
            call_look_at_clocks(call);
            looked = true;
        } else {
            break;
        }
    }
    call_rest(call);
    return EXO_OK;
}

static int call_hand_out_restart(exo_call *call, exo_event *event)
{
    call->path.restart_due = false;
    event->type = EXO_EVENT_RESTART;
    event->failure = call->reply->failure;
    return EXO_EVENT;
}

void exo_call_set_live(exo_call *call, bool is_live)
{
    if (call->is_live != is_live) {
        call->is_live = is_live;
        call->client->live += is_live ? 1 : (size_t)-1;
    }
}

/* Nothing more will come of the call. */
static void call_leave_loop(exo_call *call)
{
    exo_loop *loop = &call->client->loop;
    exo_timers_clear(&loop->timers, &call->time.timer);
    exo_loop_rest(loop, &call->task);
    exo_queue_remove(&call->client->waiting, &call->waiting.place);
    exo_call_set_live(call, false);
}

static int call_hand_out_end(exo_call *call, exo_event *event)
{
    call->state = CALL_ENDED;
    call_leave_loop(call);
    event->type = EXO_EVENT_END;
    event->failure = exo_reply_failure(call->reply);
    return EXO_EVENT;
}

int exo_call_step(exo_call *call, exo_event *event)
{
    memset(event, 0, sizeof *event);
    event->call = call;
    bool is_routing = call->state == CALL_ROUTING || call->state == CALL_WAITING;
    if (!is_routing && call->state < CALL_ENDING && call_total_ran_out(call)) {
        return EXO_OK;
    }
    switch (call->state) {
    case CALL_ROUTING:
    case CALL_WAITING:
        call_route(call, event);
        if (event->type == EXO_EVENT_FALLBACK) {
            return EXO_EVENT;
        }
        return call->path.restart_due && call->state != CALL_ENDING ? call_hand_out_restart(call, event) : EXO_OK;
    case CALL_SIZING:
        call_size_body(call);
        return EXO_OK;
    case CALL_GRACE:
        if (call->try.awaited && call_now(call) < call->time.grace) {
            call_wait_until(call, call->time.grace);
            return EXO_OK;
        }
        exo_drains_forget(call->try.awaited);
        call_start_exchange(call, false);
        return EXO_OK;
    case CALL_EXCHANGE:
        return call_read(call, event);
    case CALL_ENDING:
        return call_hand_out_end(call, event);
    case CALL_ENDED:
        break;
    }
    return EXO_OK;
}

void exo_call_stand(exo_call *call)
{
    if (call->state < CALL_ENDING && !call_total_ran_out(call)) {
        call_wait_until(call, -1);
    }
}

void exo_call_set_hold(exo_call *call, int64_t now, enum exo_hold why, bool held)
{
    bool was_held = call->holds != 0;
    call->holds = (uint8_t)(held ? call->holds | (unsigned)why : call->holds & ~(unsigned)why);
    bool is_held = call->holds != 0;
    if (was_held != is_held && call->try.begun) {
        exo_attempt_hold(&call->try.attempt, now, is_held);
    }
    if (!held && call->state < CALL_ENDED) {
        if (why == HOLD_CONSUMER && call_may_rest(call)) {
            call_rest(call);
        } else {
            call_wake(call); /* its timers are set anew */
        }
    }
}

bool exo_call_read_on(exo_call *call, int64_t now, exo_event *event)
{
    exo_intake_event shown;
    if (exo_attempt_next(&call->try.attempt, &shown) != EXO_EVENT) {
        return false; /* and will say so again */
    }
    if (now != call->client->held_at) {
        exo_attempt_hold(&call->try.attempt, now, false);
        exo_attempt_hold(&call->try.attempt, now, true);
        call->client->held_at = now;
    }
    memset(event, 0, sizeof *event);
    event->call = call;
    call_show(&shown, event);
    return true;
}

int exo_call_hold(exo_call *call, bool held)
{
    int code = call ? exo_engine_check(call->client) : EXO_E_ARGUMENT;
    if (code < 0) {
        return code;
    }
    exo_queue *waiting = &call->client->waiting;
    if (call->is_chats) {
        exo_engine_say(call->client, "hold: nobody could let go of the call of a blocking form");
        return EXO_E_STATE;
    }
    exo_call_set_hold(call, call_now(call), HOLD_PROGRAM, held);
    if (call->waiting.there && held) {
        exo_queue_remove(waiting, &call->waiting.place);
    } else if (call->waiting.there) {
        exo_queue_append(waiting, &call->waiting.place);
    }
    return EXO_OK;
}

/* ---- life ---- */

/* Copies the options, and makes numbers of them that nothing can go wrong with; call_check() refuses what they were. */
static bool call_copy_options(exo_call *call, const exo_call_options *options)
{
    call->options = *options;
    if (call->options.total_timeout > INT64_MAX / 2) {
        call->options.total_timeout = 0; /* nobody lives to see it run out, and sums stay numbers */
    }
    if (call->options.choices == 0 || call->options.choices > call->client->limits.choices) {
        call->options.choices = 1;
    }
    return exo_call_options_copy(&call->options);
}

/* Adds a deployment to the lineup. EXO_OK, or EXO_E_UNKNOWN_MODEL with the name in the client's message. */
static int call_line_up_one(exo_call *call, const char *name)
{
    exo_deployed *deployed = exo_registry_deployed(&call->client->registry, name);
    if (!deployed) {
        exo_engine_say(call->client, "fallback: no deployment is named %s", name);
        return EXO_E_UNKNOWN_MODEL;
    }
    size_t i = call->path.count++;
    call->path.lineup[i] = exo_deployed_keep(deployed);
    call->path.stops[i].deployment = (uint32_t)i;
    call->path.stops[i].health = &deployed->health;
    return EXO_OK;
}

/* No header of the call may take the place of a deployment's authentication. */
static int call_check_authentication(exo_call *call)
{
    for (size_t i = 0; i < call->path.count; i++) {
        const char *auth = call->path.lineup[i]->options.auth_header;
        for (size_t k = 0; auth && k < call->options.header_count; k++) {
            if (exo_same_name(auth, call->options.headers[k].name)) {
                exo_engine_say(call->client, "%s: this header cannot be set for a call", auth);
                return EXO_E_HEADER;
            }
        }
    }
    return EXO_OK;
}

/* Fills in the lineup from a name and its two lists. */
static int call_line_up(exo_call *call, const exo_entry *entry)
{
    size_t own = 1 + entry->fallbacks.count;
    size_t count = own + entry->context_fallbacks.count;
    call->path.stops = calloc(count, sizeof *call->path.stops + sizeof *call->path.lineup);
    if (!call->path.stops) {
        return EXO_E_NO_MEMORY;
    }
    call->path.lineup = (exo_deployed **)(void *)(call->path.stops + count);
    int code = call_line_up_one(call, entry->name);
    for (size_t i = 0; code == EXO_OK && i < entry->fallbacks.count; i++) {
        code = call_line_up_one(call, entry->fallbacks.items[i]);
    }
    for (size_t i = 0; code == EXO_OK && i < entry->context_fallbacks.count; i++) {
        code = call_line_up_one(call, entry->context_fallbacks.items[i]);
    }
    if (code < 0) {
        return code;
    }
    code = call_check_authentication(call);
    if (code < 0) {
        return code;
    }
    call->path.policy = entry->policy;
    call->path.random.ctx = call->client;
    call->path.random.next = exo_engine_random;
    code = exo_route_init(&call->path.route, call->path.stops, (uint32_t)own, call->path.stops + own,
                          (uint32_t)(count - own), &call->path.policy, &call->path.random);
    exo_route_call(&call->path.route, call->time.deadline, call->options.restart);
    return code;
}

/* The name of the deployment that the call begins with, or NULL, with a code in `*code`. */
static const char *call_model(exo_call *call, const exo_subject *subject, char *model, size_t size, int *code)
{
    *code = EXO_OK;
    if (call->options.model || subject->raw) {
        return call->options.model;
    }
    if (subject->request) {
        return exo_request_model(subject->request);
    }
    *code = exo_encoding_model(&call->try.encoding, model, size);
    return *code == EXO_OK ? model : NULL;
}

/* What is wrong with the body before anything of it is read. `claimed` is what exo_encoding_init() said. */
static int call_check_body(exo_call *call, const exo_subject *subject, int claimed)
{
    exo_client *client = call->client;
    int code = subject->request ? exo_request_error(subject->request) : claimed;
    if (code < 0 && subject->request) {
        exo_engine_say(client, "request: %s", exo_error_text(code));
    } else if (code < 0) {
        exo_encoding_explain(&call->try.encoding, code, client->message, sizeof client->message);
    } else if (subject->raw && subject->raw->size == 0) {
        exo_engine_say(client, "body: is empty");
        code = EXO_E_ARGUMENT;
    }
    return code;
}

/* What can be wrong before anything is tried. EXO_OK, or the code with the client's message set. */
static int call_check(exo_call *call, const exo_subject *subject, const exo_call_options *options, int claimed)
{
    exo_client *client = call->client;
    char named[1024];
    int code;
    if (!options) {
        exo_engine_say(client, "options: must begin with EXO_CALL_OPTIONS_INIT");
        return EXO_E_ARGUMENT;
    }
    code =
        exo_call_options_check(options, &client->limits, subject->raw != NULL, client->message, sizeof client->message);
    code = code == EXO_OK ? call_check_body(call, subject, claimed) : code;
    if (code < 0) {
        return code;
    }
    const char *model = call_model(call, subject, named, sizeof named, &code);
    if (code < 0) {
        exo_encoding_explain(&call->try.encoding, code, client->message, sizeof client->message);
        return code;
    }
    if (!exo_engine_deployed(client, model)) {
        return EXO_E_UNKNOWN_MODEL;
    }
    return call_line_up(call, exo_registry_find(&client->registry, model));
}

static void call_link(exo_call *call)
{
    exo_client *client = call->client;
    call->next = client->calls;
    if (client->calls) {
        client->calls->previous = call;
    }
    client->calls = call;
    exo_call_set_live(call, true);
}

/* Everything that needs no memory. */
static void call_init(exo_call *call, exo_client *client, void *user)
{
    call->client = client;
    call->user = user;
    call->state = CALL_ROUTING;
    call->time.started = exo_loop_now(&client->loop);
    call->time.deadline = -1;
    call->try.starved_at = -1;
    call->time.timer.owner = call;
    call->time.timer.wake = call_is_due;
    exo_buffer_init(&call->try.feed, &exo_heap, UINT32_MAX, EXO_E_CONSUMER_LIMIT); /* swapped with the inbox */
}

static exo_call *call_start(exo_client *client, const exo_subject *subject, const exo_call_options *options, void *user)
{
    bool given = subject->request || (subject->value && subject->value->ops) || subject->raw;
    if (!client || !given || !exo_engine_is_ours(client)) {
        if (client) {
            exo_engine_say(client, "%s", exo_error_text(given ? EXO_E_FORKED : EXO_E_ARGUMENT));
        }
        return NULL;
    }
    exo_call *call = calloc(1, sizeof *call);
    if (!call || exo_timers_admit(&client->loop.timers) < 0) {
        free(call);
        return NULL;
    }
    call_init(call, client, user);
    exo_call_options taken = EXO_CALL_OPTIONS_INIT;
    bool sized = !options || exo_sized_take(&taken, sizeof taken, options) == EXO_OK;
    bool copied = call_copy_options(call, &taken);
    call->reply = exo_reply_new(&client->limits, call->options.choices, call->options.keep);
    int claimed = exo_encoding_init(&call->try.encoding, subject, &call->options, &client->claims);
    call_link(call);
    if (!copied || !call->reply || claimed == EXO_E_NO_MEMORY) {
        exo_call_free(call);
        return NULL;
    }
    if (call->options.total_timeout > 0) {
        call->time.deadline = call->time.started + call->options.total_timeout;
    }
    int code = call_check(call, subject, sized ? &taken : NULL, claimed);
    if (code < 0) {
        call_end_with(call, code, code == EXO_E_NO_MEMORY ? "" : client->message);
    } else {
        call_wait_until(call, -1);
        call_wake(call);
    }
    return exo_engine_is_ours(client) ? call : NULL; /* else a hook has made this process */
}

exo_call *exo_call_start(exo_client *client, const exo_request *request, const exo_call_options *options, void *user)
{
    const exo_subject subject = {.request = request};
    return call_start(client, &subject, options, user);
}

exo_call *exo_call_start_value(exo_client *client, const exo_cursor *request, const exo_call_options *options,
                               void *user)
{
    const exo_subject subject = {.value = request};
    return call_start(client, &subject, options, user);
}

exo_call *exo_call_start_raw(exo_client *client, const exo_source *body, const exo_call_options *options, void *user)
{
    const exo_subject subject = {.raw = body};
    return call_start(client, &subject, options, user);
}

void exo_call_resume(exo_call *call)
{
    if (call && exo_engine_is_ours(call->client) && call->state < CALL_ENDING) {
        call->try.resumed = true;
        call_wake(call);
    }
}

void *exo_call_user(const exo_call *call)
{
    return call ? call->user : NULL;
}

void exo_call_cancel(exo_call *call)
{
    if (!call || !exo_engine_is_ours(call->client)) {
        return;
    }
    if (call->client->held == call) {
        call->client->held = NULL;
    }
    if (call->waiting.there) { /* END too must not come any more */
        call->waiting.there = false;
        call_leave_loop(call);
    }
    if (call->state == CALL_ENDED) {
        return;
    }
    if (call->state != CALL_ENDING) {
        call_break_off(call, EXO_E_CANCELLED, "");
        call->reply->milliseconds = call_now(call) - call->time.started;
        exo_record_call(call);
        exo_encoding_free(&call->try.encoding);
    }
    call->state = CALL_ENDED;
    call_leave_loop(call);
}

exo_reply *exo_call_reply(exo_call *call)
{
    bool is_ours = call && exo_engine_is_ours(call->client);
    if (!is_ours || call->state != CALL_ENDED || call->waiting.there) { /* END tells of the reply's failure */
        return NULL;
    }
    exo_reply *reply = call->reply;
    call->reply = NULL;
    return reply;
}

static void call_unlink(exo_call *call)
{
    if (call->previous) {
        call->previous->next = call->next;
    } else {
        call->client->calls = call->next;
    }
    if (call->next) {
        call->next->previous = call->previous;
    }
}

void exo_call_free(exo_call *call)
{
    if (!call || !exo_engine_is_ours(call->client)) {
        return;
    }
    if (call->client->held == call) {
        call->client->held = NULL;
    }
    if (call->is_chats || (call->reply && call->path.stops)) {
        exo_call_cancel(call);
    }
    if (call->is_chats) { /* a handler of its events calls */
        return;
    }
    call_leave_loop(call);
    exo_timers_dismiss(&call->client->loop.timers);
    call_drop_exchange(call, false);
    call_free_attempt(call);
    call_unlink(call);
    for (size_t i = 0; i < call->path.count; i++) {
        exo_deployed_drop(call->path.lineup[i]);
    }
    free(call->path.stops);
    exo_encoding_free(&call->try.encoding);
    free(call->waiting.event);
    exo_buffer_free(&call->try.feed);
    call_forget_start(call);
    exo_reply_free(call->reply);
    exo_call_options_free(&call->options);
    free(call);
}
