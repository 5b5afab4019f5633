/*
 * debug_chat.c: the body of a 2xx answer, whatever its kind, → the answer, as the client makes it.
 */
#include "debug.h"
#include "exit_code.h"
#include "memory.h"
#include "report.h"

#include "exochat/finish.h"
#include "exochat/intake.h"

/* A body that is being read. */
typedef struct chat_body {
    exo_intake intake;
    exo_answer answer;
    exo_failure failure;
} chat_body;

/* Reads what was fed. False when the answer is judged. */
static bool chat_read(chat_body *chat)
{
    exo_intake_event event;
    int code;
    while ((code = exo_intake_next(&chat->intake, &event)) == EXO_EVENT) {
    }
    return code == EXO_NEED_DATA;
}

/* ---- the result ---- */

/* The tool calls that may be used: none of an answer that failed, or that its maximum length has cut. */
static void chat_print_tool_calls(json_out *out, chat_body *chat)
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
    chat_print_tool_calls(&out, chat);
    json_key(&out, "finish_reason");
    json_string_or_null(&out, exo_answer_finish_reason(&chat->answer));
    json_key(&out, "usage");
    json_raw(&out, exo_answer_usage_json(&chat->answer));
    json_key(&out, "error");
    report_failure_json(&out, &chat->failure, NULL);
    json_close(&out, '}');
    json_end_line(&out);
}

int debug_chat(debug_input *input)
{
    chat_body chat;
    exo_span piece;
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    exo_failure_clear(&chat.failure);
    exo_answer_init(&chat.answer, &memory_heap, exo_limits_host(), 0, EXO_KEEP_ALL);
    options.allocator = &memory_heap;
    options.limits = exo_limits_host();
    options.answers = &chat.answer;
    options.answer_count = 1;
    options.failure = &chat.failure;
    options.think_tags = input->think_tags;
    options.lenient_end = input->lenient_end;
    options.strict_stream = input->strict_stream;
    exo_intake_init(&chat.intake, &options);
    bool going = true;
    while (going && debug_next(input, &piece)) {
        exo_intake_feed(&chat.intake, piece);
        going = chat_read(&chat);
    }
    exo_intake_end(&chat.intake, EXO_OK, exo_span_of(NULL, 0));
    chat_read(&chat);
    print_chat(&chat);
    int code = chat.failure.code;
    uint64_t offset = chat.failure.offset;
    exo_answer_free(&chat.answer);
    exo_intake_free(&chat.intake);
    return code == EXO_OK ? EXIT_ANSWERED : debug_refuse(code, offset);
}
