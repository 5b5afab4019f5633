/*
 * report.c: see report.h.
 */
#include "report.h"

#include "exit_code.h"
#include "failure_words.h"
#include "memory.h"
#include "say.h"

#include "exochat/finish.h"
#include "exochat/json_read.h"

#include <inttypes.h>
#include <stdarg.h>

int report_exit_code_of(int code)
{
    switch (code) {
    case EXO_OK:
        return EXIT_ANSWERED;
    case EXO_E_CONTEXT_WINDOW:
        return EXIT_TOO_LONG;
    case EXO_E_CONTENT_FILTER:
        return EXIT_REFUSED;
    case EXO_E_CANCELLED:
        return EXIT_INTERRUPTED;
    default:
        return exo_error_class_of(code) == EXO_CLASS_CALLER ? EXIT_USAGE : EXIT_FAILED;
    }
}

int report_exit_code(const exo_failure *failure)
{
    return report_exit_code_of(failure ? failure->code : EXO_OK);
}

/* ---- failures ---- */

void report_failure_json(json_out *out, const exo_failure *failure, const char *advice)
{
    if (!failure || failure->code == EXO_OK) {
        json_null(out);
        return;
    }
    json_open(out, '{');
    json_key(out, "code");
    json_text(out, exo_error_name(failure->code));
    json_key(out, "class");
    json_text(out, exo_class_name(exo_error_class_of(failure->code)));
    json_key(out, "verdict");
    json_text(out, exo_verdict_name(failure->verdict));
    json_key(out, "message");
    json_text(out, failure->message[0] != '\0' ? failure->message : failure_text_of(failure->code));
    json_key(out, "advice");
    json_text(out, advice ? advice : exo_error_advice(failure->code));
    json_key(out, "status");
    json_int_or_null(out, failure->status ? failure->status : -1);
    json_key(out, "http_status");
    json_int_or_null(out, failure->http_status ? failure->http_status : -1);
    json_key(out, "in_stream");
    json_bool(out, failure->in_stream);
    json_key(out, "type");
    json_text_or_null(out, failure->type);
    json_key(out, "provider_code");
    json_text_or_null(out, failure->provider_code);
    json_key(out, "request_id");
    json_text_or_null(out, failure->request_id);
    json_key(out, "retry_after_ms");
    json_int_or_null(out, failure->retry_after);
    json_key(out, "clock");
    json_text_or_null(out, failure->clock == EXO_CLOCK_NONE ? "" : exo_clock_name(failure->clock));
    json_key(out, "offset");
    json_int(out, (int64_t)failure->offset);
    json_close(out, '}');
}

/* Appends to a line of fixed size, as much as fits. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
report_append(char *line, size_t size, const char *format, ...)
{
    size_t len = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + len, size - len, format, arguments);
    va_end(arguments);
}

/* What else is known, in brackets. */
static void report_append_details(char *line, size_t size, const exo_failure *failure)
{
    char details[512] = "";
    if (failure->type[0] != '\0') {
        report_append(details, sizeof details, ", type %s", failure->type);
    }
    if (failure->provider_code[0] != '\0') {
        report_append(details, sizeof details, ", code %s", failure->provider_code);
    }
    if (failure->request_id[0] != '\0') {
        report_append(details, sizeof details, ", request %s", failure->request_id);
    }
    if (failure->retry_after >= 0) {
        report_append(details, sizeof details, ", retry after %" PRId64 " ms", failure->retry_after);
    }
    if (failure->clock != EXO_CLOCK_NONE) {
        report_append(details, sizeof details, ", %s clock", exo_clock_name(failure->clock));
    }
    if (failure->in_stream) {
        report_append(details, sizeof details, ", inside the stream");
    }
    if (details[0] != '\0') {
        report_append(line, size, " (%s)", details + 2);
    }
}

void report_failure(const exo_failure *failure, const char *who, const char *advice)
{
    char line[2048] = "";
    const char *text = failure_text_of(failure->code);
    if (exo_error_class_of(failure->code) != EXO_CLASS_CALLER) {
        report_append(line, sizeof line, "%s", failure_kind_of(failure->code));
        if (failure->status >= 300) {
            report_append(line, sizeof line, " %u", failure->status);
        }
        report_append(line, sizeof line, "%s%s: ", *who ? " from " : "", who);
    }
    report_append(line, sizeof line, "%s%s", text,
                  failure->code == EXO_E_AUTH && failure->keyless ? ", and no key was sent" : "");
    if (failure->message[0] != '\0' && strcmp(failure->message, text) != 0) {
        report_append(line, sizeof line, ": %s", failure->message);
    }
    report_append_details(line, sizeof line, failure);
    say("%s", line);
    if (*advice != '\0') {
        say("hint: %s", advice);
    }
}

/* ---- attempts ---- */

/* Why an attempt failed, in words. */
static const char *report_reason_of(const exo_trail_entry *attempt)
{
    return attempt->message[0] != '\0' ? attempt->message : failure_text_of(attempt->code);
}

static void report_attempt_json(json_out *out, const exo_trail_entry *attempt)
{
    const struct {
        const char *key;
        int64_t value;
    } times[] = {
        {"started_ms", attempt->started_ms},         {"resolved_ms", attempt->resolved_ms},
        {"connected_ms", attempt->connected_ms},     {"sent_ms", attempt->sent_ms},
        {"first_event_ms", attempt->first_event_ms}, {"end_ms", attempt->end_ms},
        {"queued_ms", attempt->queued_ms},
    };
    bool failed = attempt->code != EXO_OK;
    json_open(out, '{');
    json_key(out, "deployment");
    json_text(out, attempt->deployment);
    json_key(out, "model");
    json_text(out, attempt->model);
    json_key(out, "code");
    json_text_or_null(out, failed ? exo_error_name(attempt->code) : "");
    json_key(out, "verdict");
    json_text_or_null(out, failed ? exo_verdict_name(attempt->verdict) : "");
    json_key(out, "message");
    json_text_or_null(out, failed ? report_reason_of(attempt) : attempt->message);
    json_key(out, "http_status");
    json_int_or_null(out, attempt->http_status ? attempt->http_status : -1);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        json_key(out, times[i].key);
        json_int_or_null(out, times[i].value);
    }
    json_key(out, "bytes_sent");
    json_int(out, (int64_t)attempt->bytes_sent);
    json_key(out, "bytes_received");
    json_int(out, (int64_t)attempt->bytes_received);
    json_key(out, "http_version");
    json_text_or_null(out, attempt->http_version);
    json_key(out, "reused");
    json_bool(out, attempt->reused);
    json_key(out, "resent");
    json_bool(out, attempt->resent);
    json_close(out, '}');
}

void report_attempts_json(json_out *out, const exo_reply *reply)
{
    const exo_trail_entry *attempt;
    json_open(out, '[');
    for (size_t i = 0; (attempt = exo_reply_attempt(reply, i)) != NULL; i++) {
        report_attempt_json(out, attempt);
    }
    json_close(out, ']');
}

void report_earlier_attempts(const exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    size_t count = exo_reply_attempts(reply);
    if (count > 0 && failure && exo_reply_attempt(reply, count - 1)->code == failure->code) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        const exo_trail_entry *attempt = exo_reply_attempt(reply, i);
        char status[32] = "";
        if (attempt->http_status >= 300) {
            snprintf(status, sizeof status, " %u", attempt->http_status);
        }
        say("attempt %zu: %s: %s%s: %s", i + 1, attempt->deployment, failure_kind_of(attempt->code), status,
            report_reason_of(attempt));
    }
}

static void report_append_time(char *line, size_t size, const char *what, int64_t milliseconds)
{
    const char *comma = line[0] != '\0' ? ", " : "";
    if (milliseconds >= 0) {
        report_append(line, size, "%s%s %" PRId64 " ms", comma, what, milliseconds);
    } else {
        report_append(line, size, "%s%s -", comma, what);
    }
}

void report_times(const exo_trail_entry *attempt, char *line, size_t size)
{
    line[0] = '\0';
    if (attempt->queued_ms > 0) {
        report_append_time(line, size, "queued", attempt->queued_ms);
    }
    report_append_time(line, size, "resolved", attempt->resolved_ms);
    report_append_time(line, size, "connected", attempt->connected_ms);
    report_append_time(line, size, "sent", attempt->sent_ms);
    report_append_time(line, size, "first event", attempt->first_event_ms);
    report_append_time(line, size, "end", attempt->end_ms);
}

void report_trail(const exo_reply *reply)
{
    const exo_trail_entry *attempt;
    char times[256];
    for (size_t i = 0; (attempt = exo_reply_attempt(reply, i)) != NULL; i++) {
        char status[32] = "";
        char version[32] = "";
        if (attempt->http_status != 0) {
            snprintf(status, sizeof status, ", status %u", attempt->http_status);
        }
        if (attempt->code == EXO_OK) {
            say("attempt %zu: %s as %s: answered%s", i + 1, attempt->deployment, attempt->model, status);
        } else {
            say("attempt %zu: %s as %s: %s%s, verdict %s: %s", i + 1, attempt->deployment, attempt->model,
                exo_error_name(attempt->code), status, exo_verdict_name(attempt->verdict), report_reason_of(attempt));
        }
        report_times(attempt, times, sizeof times);
        if (attempt->http_version[0] != '\0') {
            snprintf(version, sizeof version, "HTTP/%s ", attempt->http_version);
        }
        say("  %s; bytes sent %" PRIu64 ", received %" PRIu64 "; %son a %s connection%s", times, attempt->bytes_sent,
            attempt->bytes_received, version, attempt->reused ? "reused" : "new",
            attempt->resent ? ", sent again by the transport" : "");
    }
    size_t count = exo_reply_attempts(reply);
    say("%zu attempt%s, %" PRId64 " ms", count, count == 1 ? "" : "s", exo_reply_milliseconds(reply));
}

/* ---- the answer ---- */

/* JSON that is passed on as it came; nothing where there is none. */
static void report_raw_json(json_out *out, const char *key, exo_span json)
{
    if (json.len > 0) {
        json_key(out, key);
        json_raw(out, json);
    }
}

/* The members that nobody here knows, of a call or of the answer itself. */
static void report_extra_json(json_out *out, const exo_answer *answer, uint32_t call)
{
    exo_buffer extra;
    exo_buffer_init(&extra, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    exo_answer_extra(answer, call, &extra);
    report_raw_json(out, "extra", exo_buffer_span(&extra));
    exo_buffer_free(&extra);
}

void report_tool_call_json(json_out *out, exo_answer *answer, uint32_t number)
{
    exo_tool_call call;
    exo_buffer arguments;
    if (exo_answer_tool_call(answer, number, &call) != EXO_OK) {
        json_null(out);
        return;
    }
    exo_buffer_init(&arguments, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    bool usable = exo_answer_tool_arguments(answer, number, &arguments) == EXO_OK;
    bool repaired = !exo_span_equal(exo_buffer_span(&arguments), call.arguments) && call.arguments.len > 0;
    json_open(out, '{');
    json_key(out, "id");
    json_string(out, call.id);
    json_key(out, "name");
    json_string(out, call.name);
    json_key(out, "arguments");
    json_raw(out, usable ? exo_buffer_span(&arguments) : exo_span_of(NULL, 0));
    if (!usable || repaired) {
        json_key(out, "arguments_raw");
        json_string(out, call.arguments);
    }
    report_raw_json(out, "extra_content", call.extra);
    report_extra_json(out, answer, number);
    json_close(out, '}');
    exo_buffer_free(&arguments);
}

bool report_calls_usable(const exo_reply *reply)
{
    const exo_answer *answer = exo_reply_answer(reply, 0);
    return answer && !exo_reply_failure(reply) &&
           exo_finish_family_of(exo_answer_finish_reason(answer)) != EXO_FINISH_LENGTH;
}

/* What one choice says. */
static void report_choice_json(json_out *out, exo_answer *answer, bool usable)
{
    json_key(out, "text");
    json_string(out, exo_answer_text(answer));
    json_key(out, "reasoning");
    json_string(out, exo_answer_reasoning(answer));
    json_key(out, "refusal");
    json_string_or_null(out, exo_answer_refusal(answer));
    json_key(out, "tool_calls");
    json_open(out, '[');
    for (uint32_t i = 0; usable && i < exo_answer_tool_calls(answer); i++) {
        report_tool_call_json(out, answer, i);
    }
    json_close(out, ']');
    json_key(out, "finish_reason");
    json_string_or_null(out, exo_answer_finish_reason(answer));
    report_raw_json(out, "reasoning_details", exo_answer_reasoning_details(answer));
    report_raw_json(out, "audio", exo_answer_audio(answer));
    report_extra_json(out, answer, EXO_ANSWER_ITSELF);
    if (exo_answer_raw_cut(answer)) {
        json_key(out, "raw_cut");
        json_bool(out, true);
    }
}

/* The answer: its first choice, and what is said once for all of them. */
static void report_answer_json(json_out *out, const exo_reply *reply)
{
    exo_answer *answer = exo_reply_answer(reply, 0);
    bool usable = report_calls_usable(reply);
    report_choice_json(out, answer, usable);
    json_key(out, "usage");
    json_raw(out, exo_answer_usage_json(answer));
    json_key(out, "model");
    json_string_or_null(out, exo_answer_model(answer));
    json_key(out, "id");
    json_string_or_null(out, exo_answer_id(answer));
    uint32_t malformed = exo_answer_malformed(answer, NULL, NULL);
    if (malformed > 0) {
        json_key(out, "malformed");
        json_int(out, malformed);
    }
    if (exo_reply_answer(reply, 1)) {
        json_key(out, "choices");
        json_open(out, '[');
        for (uint32_t i = 0; (answer = exo_reply_answer(reply, i)) != NULL; i++) {
            json_open(out, '{');
            report_choice_json(out, answer, usable);
            json_close(out, '}');
        }
        json_close(out, ']');
    }
}

/* As above, where there is no answer at all. */
static void report_no_answer_json(json_out *out)
{
    static const char *const nulls[] = {"refusal", "finish_reason", "usage", "model", "id"};
    json_key(out, "text");
    json_text(out, "");
    json_key(out, "reasoning");
    json_text(out, "");
    json_key(out, "tool_calls");
    json_open(out, '[');
    json_close(out, ']');
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        json_key(out, nulls[i]);
        json_null(out);
    }
}

void report_reply_json(json_out *out, const exo_reply *reply, const char *advice)
{
    exo_answer *answer = exo_reply_answer(reply, 0);
    json_open(out, '{');
    if (answer) {
        report_answer_json(out, reply);
    } else {
        report_no_answer_json(out);
    }
    json_key(out, "deployment");
    json_text_or_null(out, exo_reply_deployment(reply));
    json_key(out, "milliseconds");
    json_int(out, exo_reply_milliseconds(reply));
    json_key(out, "attempts");
    report_attempts_json(out, reply);
    json_key(out, "error");
    report_failure_json(out, exo_reply_failure(reply), advice);
    json_close(out, '}');
}
