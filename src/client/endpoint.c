/*
 * endpoint.c: questions about an endpoint that are no chat: which models it serves, and by which root certificate its
 * host is verified.
 *
 * They take the way of every call (transport, attempt: the same headers, clocks and codes), but block, on a transport
 * of their own. Memory: the list of models, at most limits.event bytes; a certificate.
 */
#include "call.h"
#include "curl/libcurl.h"
#include "heap.h"
#include "models.h"

#include <stdio.h>
#include <time.h>

/* One blocking question. */
typedef struct question {
    exo_client *client;
    exo_loop loop;
    exo_deployed *deployed;
    exo_exchange *exchange;
    exo_attempt attempt;
    exo_buffer body;
    exo_buffer feed;
    exo_failure *failure; /* what headers say is noted in it, for a body that turns out not to be what was asked for */
    exo_failure unseen;   /* it, where the caller wants to know of none */
    uint16_t status;
    int64_t arrived_at;
    bool closed;
    struct {
        void (*pem)(void *ctx, exo_span pem); /* NULL: the root is not asked for */
        void *ctx;
        int code;
        char message[160];
    } root;
} question;

static int question_refuse(question *q, int code, const char *words)
{
    exo_failure_set(q->failure, code, exo_span_text(words));
    return code;
}

/* ---- facts ---- */

/* Now is the time to ask: libcurl shows the TLS session only while a transfer has it. */
static void question_connected(void *owner, int64_t now, bool reused)
{
    question *q = owner;
    exo_attempt_connected(&q->attempt, now, reused);
    if (q->root.pem) {
        q->root.code = exo_loop_table(&q->loop)->root(q->exchange, q->root.pem, q->root.ctx, q->root.message,
                                                      sizeof q->root.message);
    }
}

static int question_status(void *owner, uint16_t status)
{
    question *q = owner;
    q->status = status;
    exo_failure_clear(q->failure);
    return exo_attempt_status(&q->attempt, status);
}

static int question_header(void *owner, exo_span name, exo_span value)
{
    question *q = owner;
    const int64_t wall = (int64_t)time(NULL);
    exo_failure_header(q->failure, name, value, wall);
    return exo_attempt_header(&q->attempt, name, value, wall);
}

static void question_head_end(void *owner, int64_t now)
{
    question *q = owner;
    exo_attempt_head_end(&q->attempt, now);
}

static void question_readable(void *owner, int64_t now)
{
    question *q = owner;
    q->arrived_at = now;
}

static void question_closed(void *owner, int64_t now)
{
    question *q = owner;
    q->closed = true;
    q->arrived_at = now;
}

static const exo_facts question_facts = {
    .connected = question_connected,
    .status = question_status,
    .header = question_header,
    .head_end = question_head_end,
    .readable = question_readable,
    .closed = question_closed,
};

/* ---- asking ---- */

/* Calls stand still while a question blocks, and so do their clocks. */
static void question_hold_calls(exo_client *client, bool held)
{
    for (exo_call *call = client->calls; call; call = call->next) {
        exo_call_set_hold(call, exo_loop_now(&client->loop), HOLD_QUESTION, held);
    }
}

static int question_init(question *q, exo_client *client, const char *model, exo_failure *failure)
{
    memset(q, 0, sizeof *q);
    q->client = client;
    q->failure = failure ? failure : &q->unseen;
    exo_failure_clear(q->failure);
    exo_buffer_init(&q->body, &exo_heap, client ? client->limits.event : 0, EXO_E_EVENT_LIMIT);
    exo_buffer_init(&q->feed, &exo_heap, UINT32_MAX, EXO_E_CONSUMER_LIMIT);
    const int code = exo_engine_check(client);
    if (!client || code < 0) {
        return question_refuse(q, code, "");
    }
    exo_deployed *deployed = exo_engine_deployed(client, model);
    if (!deployed) {
        return question_refuse(q, EXO_E_UNKNOWN_MODEL, client->message);
    }
    q->deployed = exo_deployed_keep(deployed);
    int lacks = EXO_OK;
    q->loop.transport = exo_curl_open(&lacks);
    if (!q->loop.transport) {
        return question_refuse(q, lacks, "");
    }
    q->loop.transport->forks = client->forks;
    return EXO_OK;
}

static void question_free(question *q)
{
    if (q->exchange) {
        exo_loop_table(&q->loop)->end(q->exchange, false);
    }
    if (q->loop.transport) {
        exo_loop_table(&q->loop)->close(q->loop.transport);
    }
    if (q->deployed) {
        exo_deployed_censor(q->deployed, q->failure);
    }
    exo_buffer_free(&q->body);
    exo_buffer_free(&q->feed);
    exo_deployed_drop(q->deployed);
}

/* What the question came to; `code`, unless a callback has made this process. */
static int question_end(question *q, int code)
{
    question_free(q);
    return q->client && !exo_engine_is_ours(q->client) ? EXO_E_FORKED : code;
}

static int question_start(question *q, const char *url)
{
    const exo_deployment *o = &q->deployed->options;
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    exo_sending sending = {
        .deployed = q->deployed,
        .url = url,
        .expansion_max = q->client->limits.event,
        .connect_only = q->root.pem != NULL,
    };
    int code = EXO_OK;
    char message[320];
    options.intake.allocator = &exo_heap;
    options.intake.limits = &q->client->limits;
    options.intake.whole = &q->body;
    options.connect_timeout = o->connect_timeout;
    options.stream_ttft_timeout = 0;
    options.request_timeout = o->request_timeout;
    options.keyless = !exo_deployed_has_key(q->deployed);
    code = exo_attempt_init(&q->attempt, &options, exo_loop_now(&q->loop));
    if (code < 0) {
        return question_refuse(q, code, "");
    }
    q->exchange = exo_loop_table(&q->loop)->start(q->loop.transport, &sending, &question_facts, q, &code, message,
                                                  sizeof message);
    if (!q->exchange) {
        exo_attempt_free(&q->attempt);
        return question_refuse(q, code, message);
    }
    return EXO_OK;
}

/* Tells the attempt what has come. False when there was nothing. */
static bool question_feed(question *q)
{
    const exo_transport_table *table = exo_loop_table(&q->loop);
    exo_ending ending;
    exo_buffer_clear(&q->feed);
    if (table->take(q->exchange, &q->feed) == EXO_OK) {
        exo_attempt_bytes(&q->attempt, q->arrived_at, exo_buffer_span(&q->feed));
        return true;
    }
    if (!q->closed) {
        return false;
    }
    q->closed = false;
    table->ending(q->exchange, &ending);
    exo_attempt_closed(&q->attempt, q->arrived_at, ending.code, ending.words, ending.byte_seen);
    exo_attempt_resent(&q->attempt, q->arrived_at, false); /* nothing here is sent twice */
    return true;
}

/* Waits for something to happen, or for a clock. */
static void question_wait(question *q)
{
    const exo_transport_table *table = exo_loop_table(&q->loop);
    int64_t now = exo_loop_now(&q->loop);
    int64_t due = exo_attempt_deadline(&q->attempt, now);
    int64_t wait = due < 0 ? -1 : due > now ? due - now : 0;
    int64_t other = exo_loop_until_timer(&q->loop);
    exo_upload upload;
    exo_loop_serve(&q->loop, wait < 0 || (other >= 0 && other < wait) ? other : wait);
    if (exo_attempt_phase(&q->attempt) == EXO_PHASE_SEND) {
        table->progress(q->exchange, &upload);
        exo_attempt_upload(&q->attempt, exo_loop_now(&q->loop), upload.accepted, upload.unacked, upload.complete);
    }
}

/* Runs the question to its end. EXO_OK: the body is there, or the connection stands. */
static int question_ask(question *q, const char *url)
{
    exo_intake_event event;
    const int code = question_start(q, url);
    if (code < 0) {
        return code;
    }
    question_hold_calls(q->client, true);
    while (exo_engine_is_ours(q->client) && exo_attempt_next(&q->attempt, &event) != EXO_DONE) {
        if (!question_feed(q)) {
            exo_attempt_tick(&q->attempt, q->loop.served);
            if (exo_attempt_next(&q->attempt, &event) == EXO_DONE) {
                break;
            }
            question_wait(q);
        }
    }
    question_hold_calls(q->client, false);
    const exo_failure *failure = exo_attempt_failure(&q->attempt);
    if (failure) {
        *q->failure = *failure;
    }
    exo_attempt_free(&q->attempt);
    return failure ? q->failure->code : EXO_OK;
}

/* ---- models ---- */

int exo_client_models(exo_client *client, const char *model, void (*each)(void *ctx, exo_span id), void *ctx,
                      exo_failure *failure)
{
    question q;
    int code = question_init(&q, client, model, failure);
    if (code == EXO_OK) {
        code = question_ask(&q, q.deployed->url.models);
    }
    if (code == EXO_OK) {
        code = exo_models_read(exo_buffer_span(&q.body), q.status, client->limits.name, each, ctx, q.failure);
    }
    return question_end(&q, code);
}

/* ---- root certificate ---- */

int exo_client_root(exo_client *client, const char *model, void (*pem)(void *ctx, exo_span pem), void *ctx,
                    exo_failure *failure)
{
    question q;
    int code = question_init(&q, client, model, failure);
    if (code == EXO_OK && !pem) {
        code = question_refuse(&q, EXO_E_ARGUMENT, "pem: is missing");
    }
    if (code == EXO_OK && !q.deployed->url.secure) {
        code = question_refuse(&q, EXO_E_URL, "base_url is not https: there is no certificate");
    }
    q.root.pem = pem;
    q.root.ctx = ctx;
    q.root.code = EXO_E_STATE;
    if (code == EXO_OK) {
        code = question_ask(&q, q.deployed->url.chat);
    }
    if (code == EXO_E_CLOSED || code == EXO_OK) { /* nothing was asked, so nothing was answered */
        exo_failure_clear(q.failure);
        code = q.root.code;
        if (code < 0) {
            (void)question_refuse(&q, code, q.root.message);
        }
    }
    return question_end(&q, code);
}
