/*
 * response.c: what becomes of the bytes of a response: events of a stream, a JSON body in its place, or the reasons of
 * a refusal.
 *
 * Called by call.c when it is a call's turn. Bytes go feed → sse → chunk → answer, an event at a time, and only when
 * the consumer asks for one. Memory: one feed of at most what the inbox held, the carry of sse, a body that is no
 * stream up to its limit, and what the reply keeps.
 */
#include "engine.h"
#include "heap.h"

static exo_answer *answer_of(const exo_call *call)
{
    return &call->reply->answers[0];
}

/* Whether a delta ends the first-event clock under ttft_until=token. */
static bool is_token(const exo_delta *delta)
{
    switch (delta->type) {
    case EXO_DELTA_CONTENT:
    case EXO_DELTA_REASONING:
    case EXO_DELTA_REFUSAL:
        return delta->text.len > 0;
    case EXO_DELTA_TOOL_CALL:
    case EXO_DELTA_FINISH:
    case EXO_DELTA_ERROR:
        return true;
    default:
        return false;
    }
}

static void first_event(exo_call *call)
{
    exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (attempt && attempt->first_event_ms < 0) {
        attempt->first_event_ms = exo_call_since_attempt(call);
    }
    if (call->phase < EXO_PHASE_STREAM) {
        exo_call_note_sent(call);
        exo_call_enter(call, EXO_PHASE_STREAM);
    }
}

/* Whether a delta is shown, and if so, as what. */
static bool show(const exo_call *call, const exo_delta *delta, uint32_t tool, exo_event *event)
{
    event->choice = delta->choice;
    event->last = delta->last;
    event->text = delta->text;
    event->tool = tool;
    switch (delta->type) {
    case EXO_DELTA_CONTENT:
        event->type = EXO_EVENT_TEXT;
        return delta->text.len > 0;
    case EXO_DELTA_REASONING:
        event->type = EXO_EVENT_REASONING;
        return delta->text.len > 0;
    case EXO_DELTA_REFUSAL:
        event->type = EXO_EVENT_REFUSAL;
        return delta->text.len > 0;
    case EXO_DELTA_TOOL_CALL:
        event->type = EXO_EVENT_TOOL_CALL;
        event->id = delta->id;
        event->name = delta->name;
        return true;
    case EXO_DELTA_TOOL_ARGUMENTS:
        event->type = EXO_EVENT_TOOL_ARGUMENTS;
        return delta->text.len > 0;
    case EXO_DELTA_TOOL_OBJECT:
        event->type = EXO_EVENT_TOOL_ARGUMENTS;
        event->replace = true;
        return true;
    case EXO_DELTA_USAGE:
        event->type = EXO_EVENT_USAGE;
        event->usage = exo_answer_usage(answer_of(call));
        return true;
    default:
        return false;
    }
}

/* Whether every choice that has begun has a finish_reason, and at least one has. */
static bool all_finished(const exo_call *call)
{
    bool any = false;
    for (uint32_t i = 0; i < call->reply->answer_count; i++) {
        const exo_answer *answer = &call->reply->answers[i];
        bool finished = exo_answer_finish_reason(answer).len > 0;
        if (exo_answer_began(answer) && !finished) {
            return false;
        }
        any = any || finished;
    }
    return any;
}

/* Applies a delta to every answer that is kept. EXO_EVENT: it is to be shown. */
static int apply(exo_call *call, exo_delta *delta, exo_event *event)
{
    uint32_t tool = 0;
    bool used = false;
    bool news = delta->type != EXO_DELTA_TOOL_CALL || delta->id.len > 0 || delta->name.len > 0;
    for (uint32_t i = 0; i < call->reply->answer_count; i++) {
        exo_answer *answer = &call->reply->answers[i];
        uint32_t before = exo_answer_tool_calls(answer);
        uint32_t number = 0;
        int code = exo_answer_apply(answer, delta, &number);
        if (code < 0) {
            return code;
        }
        if (code == EXO_OK) {
            used = true;
            tool = number;
            news = news || exo_answer_tool_calls(answer) > before;
        }
    }
    if (call->phase == EXO_PHASE_FIRST && is_token(delta)) {
        first_event(call);
    }
    if (call->phase == EXO_PHASE_STREAM && delta->type == EXO_DELTA_FINISH && all_finished(call)) {
        exo_call_enter(call, EXO_PHASE_REST);
    } else if (call->phase == EXO_PHASE_REST && used && !all_finished(call)) {
        exo_call_enter(call, EXO_PHASE_STREAM); /* another choice has only begun */
    }
    if (call->options.buffered || !used || !news || exo_answer_error(answer_of(call)).len > 0 ||
        !show(call, delta, tool, event)) {
        return EXO_OK;
    }
    if (delta->type != EXO_DELTA_USAGE) {
        call->exposed = true;
    }
    return EXO_EVENT;
}

/* Whether every choice that has begun, and the first in any case, has a finish_reason or [DONE]. */
static bool is_proven(const exo_call *call)
{
    for (uint32_t i = 0; i < call->reply->answer_count; i++) {
        const exo_answer *answer = &call->reply->answers[i];
        if ((i == 0 || exo_answer_began(answer)) && exo_answer_proof(answer) == EXO_PROOF_NONE) {
            return false;
        }
    }
    return true;
}

/* The stream, or a JSON body in its place, has been read to the end, or far enough: does the answer stand? */
static int conclude(exo_call *call, int transport)
{
    const exo_deployment *o = &call->lineup[call->at]->options;
    exo_answer *answer = answer_of(call);
    exo_failure failure = call->exchange->failure;
    exo_span error = exo_answer_error(answer);
    if (error.len > 0 && exo_failure_from_json(&failure, call->exchange->status, error) == EXO_OK) {
        failure.offset = exo_sse_offset(&call->sse);
        return exo_call_fail(call, &failure);
    }
    if (transport < 0 && !is_proven(call)) {
        return exo_call_fail_code(call, transport, exo_exchange_words(call->exchange));
    }
    uint32_t choice = 0;
    int code = exo_answer_end(answer, o->lenient_end && transport == EXO_OK);
    while (code == EXO_OK && ++choice < call->reply->answer_count) {
        answer = &call->reply->answers[choice];
        if (exo_answer_began(answer)) { /* an endpoint may give fewer choices than it was asked for */
            code = exo_answer_end(answer, o->lenient_end && transport == EXO_OK);
        }
    }
    if (code == EXO_OK) {
        exo_call_succeed(call);
        return EXO_OK;
    }
    exo_failure_from_end(&failure, code, exo_answer_finish_reason(answer));
    failure.http_status = call->exchange->status;
    failure.status = failure.http_status;
    failure.offset = exo_sse_offset(&call->sse);
    return exo_call_fail(call, &failure);
}

/* ---- reading ---- */

static void begin_chunk(exo_call *call, exo_span data, bool error)
{
    exo_chunk_begin(&call->chunk, data, error);
    call->in_chunk = true;
    if (!exo_chunk_is_progress(&call->chunk)) {
        return;
    }
    call->progress_at = exo_client_now(call->client);
    if (call->lineup[call->at]->options.ttft_until == EXO_UNTIL_EVENT) {
        first_event(call);
    } else if (call->phase == EXO_PHASE_SEND) {
        exo_call_enter(call, EXO_PHASE_FIRST); /* the endpoint answers before the body is out */
    }
}

static void handle_sse(exo_call *call, const exo_sse_event *sse)
{
    if (call->done || (sse->data.len == 0 && !sse->error_field)) {
        return;
    }
    if (exo_chunk_is_done(sse->data)) {
        call->done = true;
        for (uint32_t i = 0; i < call->reply->answer_count; i++) {
            exo_answer_done(&call->reply->answers[i]);
        }
        return;
    }
    if (sse->at_end && exo_json_check(sse->data, call->client->limits.depth, NULL) < 0) {
        return; /* the last event was cut */
    }
    begin_chunk(call, sse->data, sse->error_field || exo_span_is(sse->type, "error"));
}

/* Hands out the deltas of the chunk that is being read. EXO_EVENT, EXO_OK when it is used up, or an error. */
static int next_delta(exo_call *call, exo_event *event)
{
    exo_delta delta;
    while (exo_chunk_next(&call->chunk, &delta) == EXO_EVENT) {
        int code = apply(call, &delta, event);
        if (code != EXO_OK) {
            return code;
        }
    }
    call->in_chunk = false;
    return EXO_OK;
}

/* What a think filter still holds back is content after all. */
static void end_chunks(exo_call *call)
{
    call->chunks_ended = true;
    exo_chunk_end(&call->chunk);
    call->in_chunk = true;
}

/* Reads events until one is to be shown (EXO_EVENT), more bytes are needed (EXO_NEED_DATA), or the stream is over
 * (EXO_DONE). */
static int read_stream(exo_call *call, exo_event *event)
{
    for (;;) {
        if (call->in_chunk) {
            int code = next_delta(call, event);
            if (code != EXO_OK) {
                return code;
            }
        }
        bool over = call->done || exo_answer_error(answer_of(call)).len > 0;
        if (over && call->chunks_ended) {
            return EXO_DONE;
        }
        if (over) {
            end_chunks(call);
            continue;
        }
        exo_sse_event sse;
        int code = exo_sse_next(&call->sse, &sse);
        if (code == EXO_DONE && !call->chunks_ended) {
            end_chunks(call);
            continue;
        }
        if (code != EXO_EVENT) {
            return code;
        }
        handle_sse(call, &sse);
    }
}

/* A 2xx body of JSON is an error, or a whole completion because "stream" was ignored: a failure of one kind or the
 * other. */
static int read_json_body(exo_call *call, int transport)
{
    exo_failure failure = call->exchange->failure;
    exo_span body = exo_buffer_span(&call->body);
    if (exo_failure_from_json(&failure, call->exchange->status, body) == EXO_OK) {
        return exo_call_fail(call, &failure);
    }
    return exo_call_fail_code(call, transport < 0 ? transport : EXO_E_NOT_A_STREAM, exo_span_of(NULL, 0));
}

/* The response is not 2xx, and its body, or as much of it as we care for, is here. */
static int read_refusal(exo_call *call)
{
    exo_failure failure = call->exchange->failure;
    if (call->exchange->status == 407) {
        return exo_call_fail_code(call, EXO_E_PROXY, exo_span_text("the proxy asks for a user and a password"));
    }
    exo_failure_from_response(&failure, call->exchange->status, exo_buffer_span(&call->body));
    return exo_call_fail(call, &failure);
}

/* A page in place of a stream: its title is all that it has to say. */
static int read_page(exo_call *call)
{
    exo_failure page;
    exo_failure_clear(&page);
    exo_failure_from_response(&page, call->exchange->status, exo_buffer_span(&call->body));
    return exo_call_fail_code(call, EXO_E_NOT_A_STREAM, exo_span_text(page.message));
}

/* Keeps the fed bytes, up to a maximum. EXO_OK or EXO_E_NO_MEMORY. */
static int gather(exo_call *call, size_t maximum)
{
    exo_span bytes = exo_buffer_span(&call->feed);
    size_t room = maximum > call->body.len ? maximum - call->body.len : 0;
    if (bytes.len > room) {
        bytes.len = room;
    }
    return exo_buffer_append(&call->body, bytes);
}

static bool is_success(const exo_call *call)
{
    return call->exchange->status / 100 == 2;
}

/* Takes the next bytes out of the inbox. False when there are none. */
static bool take_bytes(exo_call *call)
{
    if (call->exchange->inbox.len == 0) {
        return false;
    }
    exo_buffer_clear(&call->feed);
    exo_exchange_take(call->exchange, &call->feed);
    if (is_success(call) && call->options.raw) {
        call->options.raw(call->options.raw_ctx, exo_buffer_span(&call->feed));
    }
    return true;
}

/* Decides what a 2xx body is by its first bytes. Those that do not decide it yet (white space, half a mark) are kept
 * for whoever reads it. EXO_OK, EXO_AGAIN when it is still undecided, or EXO_E_NO_MEMORY. */
static int decide(exo_call *call)
{
    if (call->body.len == 0) {
        call->kind = exo_body_sniff(exo_buffer_span(&call->feed));
        if (call->kind != EXO_BODY_UNKNOWN) {
            return EXO_OK;
        }
    }
    int code = exo_buffer_append(&call->body, exo_buffer_span(&call->feed));
    if (code < 0) {
        return code;
    }
    call->kind = exo_body_sniff(exo_buffer_span(&call->body));
    if (call->kind == EXO_BODY_UNKNOWN && call->body.len < call->client->limits.error_body) {
        return EXO_AGAIN;
    }
    if (call->kind == EXO_BODY_UNKNOWN) {
        call->kind = EXO_BODY_SSE; /* blank lines without end mean nothing to it */
    }
    exo_buffer_clear(&call->feed);
    code = exo_buffer_append(&call->feed, exo_buffer_span(&call->body));
    exo_buffer_clear(&call->body);
    return code;
}

/* Passes the fed bytes on to whoever reads them. EXO_OK, or an error. */
static int dispatch(exo_call *call)
{
    const exo_limits *limits = &call->client->limits;
    if (!is_success(call)) {
        return gather(call, limits->error_body);
    }
    if (call->kind == EXO_BODY_UNKNOWN) {
        int code = decide(call);
        if (code != EXO_OK) {
            return code < 0 ? code : EXO_OK;
        }
    }
    switch (call->kind) {
    case EXO_BODY_SSE:
        return exo_sse_feed(&call->sse, exo_buffer_span(&call->feed));
    case EXO_BODY_JSON: {
        int code = gather(call, limits->event);
        return code == EXO_OK && call->body.len >= limits->event ? EXO_E_EVENT_LIMIT : code;
    }
    case EXO_BODY_HTML:
        return gather(call, limits->error_body);
    case EXO_BODY_GZIP:
        return EXO_E_UNLABELLED_GZIP;
    case EXO_BODY_UNKNOWN:
        break;
    }
    return EXO_OK;
}

/* The exchange is over, and everything it brought is read. */
static int finish_reading(exo_call *call, exo_event *event)
{
    exo_exchange *x = call->exchange;
    int transport = exo_exchange_code(x);
    if (!x->head_ended) {
        return exo_call_fail_code(call, transport < 0 ? transport : EXO_E_CLOSED, exo_exchange_words(x));
    }
    if (!is_success(call)) {
        return read_refusal(call);
    }
    switch (call->kind) {
    case EXO_BODY_JSON:
        return read_json_body(call, transport);
    case EXO_BODY_HTML:
        return read_page(call);
    default:
        break;
    }
    if (transport == EXO_OK) {
        if (!call->sse_ended) {
            call->sse_ended = true;
            exo_sse_end(&call->sse);
        }
        int code = read_stream(call, event);
        if (code == EXO_EVENT) {
            return code;
        }
        if (code < 0) {
            return exo_call_fail_code(call, code, exo_span_of(NULL, 0));
        }
    }
    return conclude(call, transport);
}

/* Whether a refusal or a page has said as much as is kept of it. */
static bool has_enough(const exo_call *call)
{
    return call->exchange->head_ended && call->body.len >= call->client->limits.error_body &&
           (!is_success(call) || call->kind == EXO_BODY_HTML);
}

/* What a call does while its exchange runs: reads what has come, until there is an event or no more to read. */
int exo_call_read(exo_call *call, exo_event *event)
{
    for (;;) {
        if (is_success(call) && call->kind == EXO_BODY_SSE && !call->sse_ended) {
            int code = read_stream(call, event);
            if (code == EXO_EVENT) {
                return code;
            }
            if (code < 0) {
                return exo_call_fail_code(call, code, exo_span_of(NULL, 0));
            }
            if (code == EXO_DONE) {
                return conclude(call, EXO_OK);
            }
        }
        if (has_enough(call) || !take_bytes(call)) {
            break;
        }
        int code = dispatch(call);
        if (code < 0) {
            return exo_call_fail_code(call, code, exo_span_of(NULL, 0));
        }
    }
    exo_exchange *x = call->exchange;
    if (x->over) {
        return finish_reading(call, event);
    }
    if (has_enough(call)) {
        return is_success(call) ? read_page(call) : read_refusal(call);
    }
    if (x->head_ended && !is_success(call) && call->phase != EXO_PHASE_REFUSAL) {
        exo_call_enter(call, EXO_PHASE_REFUSAL);
    }
    if (call->feed.capacity_ > 4096) {
        exo_buffer_free(&call->feed); /* an idle stream keeps nothing */
    }
    exo_call_has_read(call);
    return EXO_OK;
}

void exo_call_rest_is_late(exo_call *call)
{
    if (call->phase == EXO_PHASE_REFUSAL) {
        read_refusal(call);
    } else {
        conclude(call, EXO_OK);
    }
}

void exo_call_prepare(exo_call *call)
{
    const exo_limits *limits = &call->client->limits;
    exo_sse_free(&call->sse);
    exo_sse_init(&call->sse, &exo_heap, limits);
    exo_chunk_init(&call->chunk, limits);
    exo_chunk_think_tags(&call->chunk, call->lineup[call->at]->options.think_tags);
    exo_buffer_clear(&call->feed);
    exo_buffer_clear(&call->body);
    exo_buffer_clear(&call->sent_start);
    exo_reply_restart(call->reply, limits, call->options.keep);
    call->kind = EXO_BODY_UNKNOWN;
    call->sse_ended = false;
    call->in_chunk = false;
    call->chunks_ended = false;
    call->done = false;
    call->exposed = false;
}
