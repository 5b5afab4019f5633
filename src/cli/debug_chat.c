/*
 * debug_chat.c: the body of a 2xx answer, whatever its kind, → the answer, as the client makes it.
 */
#include "debug.h"
#include "exit_code.h"
#include "memory.h"
#include "report.h"

#include "exochat/answer.h"
#include "exochat/finish.h"
#include "exochat/sse.h"

/* A body that is being read. */
typedef struct chat_body {
    exo_body_kind kind;
    exo_buffer held; /* what came while the kind was not known; all of a body that is not a stream */
    exo_sse sse;
    exo_chunk chunk;
    exo_answer answer;
    exo_failure failure;
    bool over; /* [DONE], an error, or a failure: the rest does not matter */
} chat_body;

static void fail(chat_body *chat, int code, uint64_t offset)
{
    exo_failure_set(&chat->failure, code, exo_span_of(NULL, 0));
    chat->failure.offset = offset;
    chat->over = true;
}

/* ---- reading ---- */

/* Applies the deltas of the chunk that was begun. */
static void take_deltas(chat_body *chat)
{
    exo_delta delta;
    while (chat->failure.code == EXO_OK && exo_chunk_next(&chat->chunk, &delta) == EXO_EVENT) {
        int code = exo_answer_apply(&chat->answer, &delta, NULL);
        if (code < 0) {
            fail(chat, code, exo_sse_offset(&chat->sse));
        }
    }
}

static void take_chunk(chat_body *chat, exo_span data, bool error)
{
    exo_chunk_begin(&chat->chunk, data, error);
    take_deltas(chat);
    chat->over = chat->over || exo_answer_error(&chat->answer).len > 0;
}

static void take_event(chat_body *chat, const exo_sse_event *event)
{
    if (exo_chunk_is_done(event->data)) {
        exo_answer_done(&chat->answer);
        chat->over = true;
    } else if (event->data.len > 0 &&
               (!event->at_end || exo_json_check(event->data, exo_limits_host()->depth, NULL) == EXO_OK)) {
        take_chunk(chat, event->data, event->error_field || exo_span_is(event->type, "error"));
    }
}

static void drain(chat_body *chat)
{
    exo_sse_event event;
    int code = EXO_EVENT;
    while (!chat->over && (code = exo_sse_next(&chat->sse, &event)) == EXO_EVENT) {
        take_event(chat, &event);
    }
    if (code < 0) {
        fail(chat, code, exo_sse_offset(&chat->sse));
    }
}

static void hold(chat_body *chat, exo_span bytes)
{
    int code = exo_buffer_append(&chat->held, bytes);
    if (code < 0) {
        fail(chat, code, chat->held.len);
    }
}

/* A stream is fed as it comes; what it is may show only after some pieces, which are held until then. */
static void feed(chat_body *chat, exo_span piece)
{
    if (chat->kind == EXO_BODY_UNKNOWN) {
        if (chat->held.len > 0) {
            hold(chat, piece);
            piece = exo_buffer_span(&chat->held);
        }
        chat->kind = exo_body_sniff(piece);
    }
    if (chat->kind == EXO_BODY_SSE) {
        exo_sse_feed(&chat->sse, piece);
        drain(chat);
    } else if (piece.ptr != chat->held.data) {
        hold(chat, piece);
    }
}

/* ---- the end of the body ---- */

/* An error object, or a whole completion because "stream" was ignored: a failure of one kind or the other. */
static void end_json(chat_body *chat)
{
    exo_span body = exo_buffer_span(&chat->held);
    if (body.len >= 3 && memcmp(body.ptr, "\xEF\xBB\xBF", 3) == 0) {
        body = exo_span_of(body.ptr + 3, body.len - 3);
    }
    if (exo_failure_from_json(&chat->failure, 200, body) != EXO_OK) {
        fail(chat, EXO_E_NOT_A_STREAM, 0);
    }
}

static void end_html(chat_body *chat)
{
    exo_failure page;
    exo_failure_clear(&page);
    exo_failure_from_response(&page, 200, exo_buffer_span(&chat->held));
    exo_failure_set(&chat->failure, EXO_E_NOT_A_STREAM, exo_span_text(page.message));
}

/* Nothing more comes: does the answer stand? */
static void end(chat_body *chat, bool lenient)
{
    if (chat->failure.code != EXO_OK) {
        return;
    }
    switch (chat->kind) {
    case EXO_BODY_JSON:
        end_json(chat);
        break;
    case EXO_BODY_HTML:
        end_html(chat);
        break;
    case EXO_BODY_GZIP:
        fail(chat, EXO_E_UNLABELLED_GZIP, 0);
        break;
    default:
        exo_sse_end(&chat->sse);
        drain(chat);
        exo_chunk_end(&chat->chunk);
        take_deltas(chat);
        break;
    }
    if (chat->failure.code != EXO_OK) {
        return;
    }
    int code = exo_answer_end(&chat->answer, lenient);
    if (code == EXO_OK) {
        return;
    }
    if (exo_failure_from_json(&chat->failure, 200, exo_answer_error(&chat->answer)) != EXO_OK) {
        exo_failure_from_end(&chat->failure, code, exo_answer_finish_reason(&chat->answer));
    }
    chat->failure.offset = exo_sse_offset(&chat->sse);
}

/* ---- the result ---- */

/* The tool calls that may be used: none of an answer that failed, or that its maximum length has cut. */
static void print_tool_calls(json_out *out, chat_body *chat)
{
    exo_tool_call call;
    exo_answer *answer = &chat->answer;
    bool usable =
        chat->failure.code == EXO_OK && exo_finish_family_of(exo_answer_finish_reason(answer)) != EXO_FINISH_LENGTH;
    json_open(out, '[');
    for (uint32_t i = 0; usable && exo_answer_tool_call(answer, i, &call) == EXO_OK; i++) {
        json_open(out, '{');
        json_key(out, "id");
        json_string(out, call.id);
        json_key(out, "name");
        json_string(out, call.name);
        json_key(out, "arguments");
        json_string(out, call.arguments);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void print_chat(chat_body *chat)
{
    json_out out = json_out_to(stdout);
    json_open(&out, '{');
    json_key(&out, "text");
    json_string(&out, exo_answer_text(&chat->answer));
    json_key(&out, "reasoning");
    json_string(&out, exo_answer_reasoning(&chat->answer));
    json_key(&out, "tool_calls");
    print_tool_calls(&out, chat);
    json_key(&out, "finish_reason");
    json_string_or_null(&out, exo_answer_finish_reason(&chat->answer));
    json_key(&out, "usage");
    json_raw(&out, exo_answer_usage_json(&chat->answer));
    json_key(&out, "error");
    report_failure_json(&out, &chat->failure);
    json_close(&out, '}');
    json_end_line(&out);
}

int debug_chat(debug_input *input)
{
    chat_body chat;
    exo_span piece;
    const exo_limits *limits = exo_limits_host();
    chat.kind = EXO_BODY_UNKNOWN;
    chat.over = false;
    exo_buffer_init(&chat.held, &memory_heap, limits->event, EXO_E_EVENT_LIMIT);
    exo_sse_init(&chat.sse, &memory_heap, limits);
    exo_chunk_init(&chat.chunk, limits);
    exo_chunk_think_tags(&chat.chunk, input->think_tags);
    exo_answer_init(&chat.answer, &memory_heap, limits, 0, EXO_KEEP_ALL);
    exo_failure_clear(&chat.failure);
    while (!chat.over && debug_next(input, &piece)) {
        feed(&chat, piece);
    }
    end(&chat, input->lenient_end);
    print_chat(&chat);
    int code = chat.failure.code;
    uint64_t offset = chat.failure.offset;
    exo_answer_free(&chat.answer);
    exo_sse_free(&chat.sse);
    exo_buffer_free(&chat.held);
    return code == EXO_OK ? EXIT_ANSWERED : debug_refuse(code, offset);
}
