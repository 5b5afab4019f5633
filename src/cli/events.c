/*
 * events.c: see events.h. Every line is an object with a "type"; the manual page lists them.
 */
#include "events.h"

#include "json_out.h"
#include "report.h"

static const char *events_name_of(exo_event_type type)
{
    switch (type) {
    case EXO_EVENT_TEXT:
        return "text";
    case EXO_EVENT_REASONING:
        return "reasoning";
    case EXO_EVENT_REFUSAL:
        return "refusal";
    case EXO_EVENT_TOOL_CALL:
        return "tool_call";
    case EXO_EVENT_TOOL_ARGUMENTS:
        return "tool_arguments";
    case EXO_EVENT_USAGE:
        return "usage";
    case EXO_EVENT_RESTART:
        return "restart";
    default:
        return "end";
    }
}

static void events_print_usage(json_out *out, const exo_usage *usage)
{
    const struct {
        const char *key;
        int64_t tokens;
    } counts[] = {
        {"prompt_tokens", usage->prompt_tokens},       {"completion_tokens", usage->completion_tokens},
        {"total_tokens", usage->total_tokens},         {"cached_tokens", usage->cached_tokens},
        {"reasoning_tokens", usage->reasoning_tokens},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_key(out, counts[i].key);
        json_int_or_null(out, counts[i].tokens);
    }
}

static void events_print_text(json_out *out, const exo_event *event)
{
    json_key(out, "choice");
    json_int(out, event->choice);
    json_key(out, "text");
    json_string(out, event->text);
}

static void events_print_members(json_out *out, const exo_event *event)
{
    switch (event->type) {
    case EXO_EVENT_TEXT:
    case EXO_EVENT_REASONING:
    case EXO_EVENT_REFUSAL:
        events_print_text(out, event);
        break;
    case EXO_EVENT_TOOL_CALL:
        json_key(out, "choice");
        json_int(out, event->choice);
        json_key(out, "tool");
        json_int(out, event->tool);
        json_key(out, "id");
        json_string(out, event->id);
        json_key(out, "name");
        json_string(out, event->name);
        break;
    case EXO_EVENT_TOOL_ARGUMENTS:
        events_print_text(out, event);
        json_key(out, "tool");
        json_int(out, event->tool);
        json_key(out, "replace");
        json_bool(out, event->replace);
        break;
    case EXO_EVENT_USAGE:
        events_print_usage(out, event->usage);
        break;
    default:
        json_key(out, "error");
        report_failure_json(out, event->failure, NULL);
        break;
    }
}

void events_print(const exo_event *event)
{
    json_out out = json_out_to(stdout);
    json_open(&out, '{');
    json_key(&out, "type");
    json_text(&out, events_name_of(event->type));
    events_print_members(&out, event);
    json_close(&out, '}');
    json_end_line(&out);
}

void events_print_end(const exo_reply *reply, const char *advice)
{
    exo_answer *answer = exo_reply_answer(reply, 0);
    json_out out = json_out_to(stdout);
    json_open(&out, '{');
    json_key(&out, "type");
    json_text(&out, "end");
    json_key(&out, "finish_reason");
    json_string_or_null(&out, answer ? exo_answer_finish_reason(answer) : exo_span_of(NULL, 0));
    json_key(&out, "model");
    json_string_or_null(&out, answer ? exo_answer_model(answer) : exo_span_of(NULL, 0));
    json_key(&out, "id");
    json_string_or_null(&out, answer ? exo_answer_id(answer) : exo_span_of(NULL, 0));
    json_key(&out, "error");
    report_failure_json(&out, exo_reply_failure(reply), advice);
    json_close(&out, '}');
    json_end_line(&out);
    json_open(&out, '{');
    json_key(&out, "type");
    json_text(&out, "trail");
    json_key(&out, "deployment");
    json_text_or_null(&out, exo_reply_deployment(reply));
    json_key(&out, "milliseconds");
    json_int(&out, exo_reply_milliseconds(reply));
    json_key(&out, "attempts");
    report_attempts_json(&out, reply);
    json_close(&out, '}');
    json_end_line(&out);
}
