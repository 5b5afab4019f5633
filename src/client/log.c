/*
 * log.c: fills in the structured records of log.h and hands them to the client's hook.
 *
 * It never sees a key. Message text is included only where the client was told to, and cut at a character's border.
 */
#include "record.h"

#include "heap.h"

#include "exochat/json_write.h"

#include <stdlib.h>

static void log_clear(exo_record *record, exo_record_kind kind)
{
    record->kind = kind;
#define EXO_ABSENT_TEXT           ""
#define EXO_ABSENT_NUMBER         (-1)
#define EXO_X(field, kind_, name) record->field = EXO_ABSENT_##kind_;
    EXO_RECORD_MAP(EXO_X)
#undef EXO_X
}

/* The strings of a record that have no NUL where they come from. */
typedef struct texts {
    char response_model[128];
    char response_id[128];
    char finish_reason[64];
    char *input;
    char *output;
} texts;

static void log_fill_answer(exo_record *record, texts *kept, const exo_call *call)
{
    const exo_answer *answer = &call->reply->answers[0];
    const exo_usage *usage = exo_answer_usage(answer);
    exo_heap_copy_into(kept->response_model, sizeof kept->response_model, exo_answer_model(answer));
    exo_heap_copy_into(kept->response_id, sizeof kept->response_id, exo_answer_id(answer));
    exo_heap_copy_into(kept->finish_reason, sizeof kept->finish_reason, exo_answer_finish_reason(answer));
    record->response_model = kept->response_model;
    record->response_id = kept->response_id;
    record->finish_reason = kept->finish_reason;
    record->input_tokens = usage->prompt_tokens;
    record->output_tokens = usage->completion_tokens;
    record->cached_tokens = usage->cached_tokens;
    if (call->client->log.bodies > 0) {
        kept->output = exo_heap_copy_span(exo_span_cut(exo_answer_text(answer), (size_t)call->client->log.bodies));
        record->response_text = kept->output ? kept->output : "";
    }
}

/* A failure, or that there was none. */
static void log_fill_failure(exo_record *record, const exo_reply *reply)
{
    const exo_failure *failure = reply->failure;
    record->request_id = exo_reply_request_id(reply);
    if (!failure) {
        return;
    }
    record->error_type = exo_error_name(failure->code);
    record->error_message = failure->message[0] ? failure->message : exo_error_text(failure->code);
    record->verdict = exo_verdict_name(failure->verdict);
    record->clock = failure->clock == EXO_CLOCK_NONE ? "" : exo_clock_name(failure->clock);
}

static void log_fill_attempt(exo_record *record, const exo_call *call, const exo_trail_entry *attempt)
{
    const exo_deployed *deployed = call->path.at;
    record->deployment = attempt->deployment;
    record->request_model = attempt->model;
    record->server_address = deployed->url.host;
    record->server_port = deployed->url.port;
    record->protocol_version = attempt->http_version;
    record->http_status = attempt->http_status ? attempt->http_status : -1;
    record->attempt = (int64_t)call->reply->attempt_count - 1;
    record->resends = attempt->resent ? 1 : 0;
    record->queued_ms = attempt->queued_ms > 0 ? attempt->queued_ms : -1;
    record->first_event_ms = attempt->first_event_ms;
    record->bytes_sent = (int64_t)attempt->bytes_sent;
    record->bytes_received = (int64_t)attempt->bytes_received;
}

/* Not in a child that a hook has made: what it was in the midst of is its parent's to tell. */
static bool log_is_heard(const exo_call *call)
{
    return call->client->log.hook && exo_engine_is_ours(call->client);
}

static void log_hand_over(const exo_call *call, exo_record *record, const texts *kept)
{
    record->operation = "chat";
    call->client->log.hook(call->client->log.ctx, record);
    free(kept->input);
    free(kept->output);
}

void exo_record_attempt(const exo_call *call)
{
    const exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (!log_is_heard(call) || !attempt) {
        return;
    }
    exo_record record;
    texts kept;
    memset(&kept, 0, sizeof kept);
    log_clear(&record, EXO_RECORD_ATTEMPT);
    log_fill_attempt(&record, call, attempt);
    record.duration_ms = attempt->end_ms;
    log_fill_failure(&record, call->reply);
    if (!call->reply->failure) {
        log_fill_answer(&record, &kept, call);
    }
    log_hand_over(call, &record, &kept);
}

void exo_record_call(const exo_call *call)
{
    if (!log_is_heard(call)) {
        return;
    }
    exo_record record;
    texts kept;
    memset(&kept, 0, sizeof kept);
    log_clear(&record, EXO_RECORD_CALL);
    const exo_trail_entry *attempt = exo_reply_last_attempt(call->reply);
    if (attempt) {
        log_fill_attempt(&record, call, attempt);
        record.attempt = (int64_t)call->reply->attempt_count;
    }
    log_fill_answer(&record, &kept, call);
    log_fill_failure(&record, call->reply);
    record.duration_ms = call->reply->milliseconds;
    if (call->client->log.bodies > 0) {
        const exo_buffer *start = call->try.sent_start;
        const exo_span sent = start ? exo_buffer_span(start) : exo_span_of("", 0);
        kept.input = exo_heap_copy_span(exo_span_cut(sent, (size_t)call->client->log.bodies));
        record.request_body = kept.input ? kept.input : "";
    }
    log_hand_over(call, &record, &kept);
}

/* ---- as JSON ---- */

/* A text that may be too long: what does not fit is counted. */
typedef struct line {
    char *text;
    size_t size;
    size_t len;
} line;

static int log_put_piece(void *ctx, exo_span bytes)
{
    line *out = ctx;
    for (size_t i = 0; i < bytes.len; i++) {
        if (out->len + 1 < out->size) {
            out->text[out->len] = bytes.ptr[i];
        }
        out->len++;
    }
    return EXO_OK;
}

static void log_put(line *out, exo_span bytes)
{
    (void)log_put_piece(out, bytes);
}

static void log_put_name(line *out, const char *name)
{
    log_put(out, exo_span_text(out->len > 1 ? ",\"" : "\""));
    log_put(out, exo_span_text(name));
    log_put(out, exo_span_text("\":"));
}

static void log_put_TEXT(line *out, const char *name, const char *value)
{
    if (value[0]) {
        log_put_name(out, name);
        (void)exo_json_string_put(exo_span_text(value), log_put_piece, out);
    }
}

static void log_put_NUMBER(line *out, const char *name, int64_t value)
{
    if (value >= 0) {
        char digits[EXO_JSON_INTEGER_MAX];
        log_put_name(out, name);
        log_put(out, exo_span_of(digits, exo_json_write_int64(digits, value)));
    }
}

size_t exo_record_json(const exo_record *record, char *text, size_t size)
{
    line out = {text, size, 0};
    log_put(&out, exo_span_text("{"));
    log_put_TEXT(&out, "exochat.record", record->kind == EXO_RECORD_CALL ? "call" : "attempt");
#define EXO_X(field, kind_, name) log_put_##kind_(&out, name, record->field);
    EXO_RECORD_MAP(EXO_X)
#undef EXO_X
    log_put(&out, exo_span_text("}"));
    if (size > 0) {
        text[out.len < size ? out.len : size - 1] = '\0';
    }
    return out.len;
}
