/*
 * replay.c: exo_request_answer(): what an assistant has said, as a message of the next request.
 *
 * It writes JSON text, which request.c checks and keeps like any other. Which members endpoints want to see again is
 * told in docs/dialects.md. Memory: the text of the message, once more while it is made.
 */
#include "heap.h"
#include "request_tree.h"

#include "exochat/answer.h"
#include "exochat/json_read.h"
#include "exochat/json_write.h"

/* Levels of nesting that are left for what is put into a message, or into a call of it. */
#define REPLAY_DEPTH (EXO_JSON_DEPTH_MAX - 8)

/* The message under way. */
typedef struct replay {
    exo_answer *answer;
    exo_buffer json;
    exo_buffer part;   /* what is being put in: arguments, members */
    size_t place;      /* where it will stand among the messages, from 1 on */
    unsigned nameless; /* calls without an id so far */
    int code;
} replay;

static void replay_put(replay *r, exo_span bytes)
{
    if (r->code == EXO_OK) {
        r->code = exo_buffer_append(&r->json, bytes);
    }
}

static void replay_put_text(replay *r, const char *text)
{
    replay_put(r, exo_span_text(text));
}

/* A whole string, quotation marks and all. */
static void replay_put_string(replay *r, exo_span text)
{
    char piece[1024];
    exo_json_string string;
    exo_json_string_init(&string, text);
    for (int more = EXO_AGAIN; r->code == EXO_OK && more == EXO_AGAIN;) {
        exo_window window = {piece, sizeof piece, 0};
        more = exo_json_string_write(&string, &window);
        replay_put(r, exo_span_of(piece, window.pos));
    }
}

/* What a server has sent need not be fit for a request: not too deep, no key twice, UTF-8. */
static bool replay_is_fit(replay *r, exo_span json)
{
    int code = exo_json_check(json, REPLAY_DEPTH, NULL);
    code = code == EXO_OK ? exo_json_unique(json, NULL) : code;
    if (code == EXO_E_NO_MEMORY && r->code == EXO_OK) {
        r->code = code;
    }
    return code == EXO_OK;
}

/* `,"key":` and JSON as it is, where there is any. */
static void replay_put_raw(replay *r, const char *key, exo_span json)
{
    if (json.len > 0 && replay_is_fit(r, json)) {
        replay_put_text(r, ",\"");
        replay_put_text(r, key);
        replay_put_text(r, "\":");
        replay_put(r, json);
    }
}

/* `,"key":"text"`, where there is any. */
static void replay_put_member(replay *r, const char *key, exo_span text)
{
    if (text.len > 0) {
        replay_put_text(r, ",\"");
        replay_put_text(r, key);
        replay_put_text(r, "\":");
        replay_put_string(r, text);
    }
}

/* Members of an object that was kept as it came, but for those that have a place here already. */
static void replay_put_members(replay *r, exo_span object, const char *const *ours, size_t count)
{
    exo_json_reader reader;
    exo_json_token key;
    exo_span raw;
    exo_json_reader_init(&reader, object, EXO_JSON_DEPTH_MAX, true);
    if (object.len == 0 || exo_json_next(&reader, &key) != EXO_EVENT) {
        return;
    }
    while (exo_json_next(&reader, &key) == EXO_EVENT && key.type == EXO_JSON_KEY &&
           exo_json_skip(&reader, &raw) == EXO_OK) {
        bool known = false;
        for (size_t i = 0; i < count && !known; i++) {
            known = exo_json_is(&key, ours[i]);
        }
        if (!known && replay_is_fit(r, key.raw) && replay_is_fit(r, raw)) {
            replay_put_text(r, ",");
            replay_put(r, key.raw);
            replay_put_text(r, ":");
            replay_put(r, raw);
        }
    }
}

/* What nobody here knows, of the deltas or of a call. */
static void replay_put_unknown(replay *r, uint32_t call, const char *const *ours, size_t count)
{
    if (r->code == EXO_OK) {
        r->code = exo_answer_extra(r->answer, call, &r->part);
        replay_put_members(r, exo_buffer_span(&r->part), ours, count);
    }
}

/* ---- tool calls ---- */

/* `{"name":…,"arguments":…`, the beginning of what is called. */
static void replay_put_function(replay *r, uint32_t call, exo_span name)
{
    exo_buffer_clear(&r->part);
    if (r->code == EXO_OK) {
        r->code = exo_answer_tool_arguments(r->answer, call, &r->part);
    }
    replay_put_text(r, "{\"name\":");
    replay_put_string(r, name);
    replay_put_text(r, ",\"arguments\":");
    replay_put_string(r, exo_buffer_span(&r->part));
    replay_put_text(r, "}");
}

static void replay_put_call(replay *r, uint32_t call, const exo_tool_call *tool)
{
    static const char *const ours[] = {"id", "type", "index", "function", "extra_content"};
    char made[EXO_MADE_ID_MAX];
    exo_span id = tool->id;
    if (id.len == 0) {
        exo_request_make_id(made, r->place, r->nameless++);
        id = exo_span_text(made);
    }
    replay_put_text(r, "{\"id\":");
    replay_put_string(r, id);
    replay_put_text(r, ",\"type\":\"function\",\"function\":");
    replay_put_function(r, call, tool->name);
    replay_put_raw(r, "extra_content", tool->extra);
    replay_put_unknown(r, call, ours, sizeof ours / sizeof ours[0]);
    replay_put_text(r, "}");
}

/* The tool calls, or the function_call, whose name is stored in `*function`. */
static void replay_put_calls(replay *r, exo_span *function)
{
    exo_tool_call tool;
    uint32_t count = exo_answer_tool_calls(r->answer);
    for (uint32_t i = 0; r->code == EXO_OK && i < count; i++) {
        exo_answer_tool_call(r->answer, i, &tool);
        if (tool.legacy && count == 1) {
            *function = tool.name;
            replay_put_text(r, ",\"function_call\":");
            replay_put_function(r, i, tool.name);
            return;
        }
        replay_put_text(r, i == 0 ? ",\"tool_calls\":[" : ",");
        replay_put_call(r, i, &tool);
    }
    replay_put_text(r, count > 0 ? "]" : "");
}

/* ---- the message ---- */

/* An audio is known by its id, in the first of the objects that came. */
static void replay_put_audio(replay *r)
{
    exo_json_reader reader;
    exo_json_token token;
    unsigned depth = 0;
    exo_json_reader_init(&reader, exo_answer_audio(r->answer), EXO_JSON_DEPTH_MAX, true);
    while (exo_json_next(&reader, &token) == EXO_EVENT) {
        bool named = token.type == EXO_JSON_KEY && depth == 2 && exo_json_is(&token, "id");
        depth += token.type == EXO_JSON_ARRAY || token.type == EXO_JSON_OBJECT;
        depth -= token.type == EXO_JSON_ARRAY_END || token.type == EXO_JSON_OBJECT_END;
        if (named && exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_STRING &&
            replay_is_fit(r, token.raw)) {
            replay_put_text(r, ",\"audio\":{\"id\":");
            replay_put(r, token.raw);
            replay_put_text(r, "}");
            return;
        }
    }
}

static void replay_write(replay *r, exo_span *function)
{
    static const char *const ours[] = {"role",      "content",           "refusal", "tool_calls", "function_call",
                                       "reasoning", "reasoning_content", "audio",   "name",       "reasoning_details"};
    exo_span text = exo_answer_text(r->answer);
    exo_span details = exo_answer_reasoning_details(r->answer);
    bool calls = exo_answer_tool_calls(r->answer) > 0;
    replay_put_text(r, "{\"role\":\"assistant\",\"content\":");
    if (text.len > 0 || !calls) {
        replay_put_string(r, text);
    } else {
        replay_put_text(r, "null");
    }
    replay_put_member(r, "refusal", exo_answer_refusal(r->answer));
    replay_put_raw(r, "reasoning_details", details);
    if (calls && details.len == 0) {
        replay_put_member(r, "reasoning_content", exo_answer_reasoning(r->answer));
    }
    replay_put_calls(r, function);
    replay_put_audio(r);
    replay_put_unknown(r, EXO_ANSWER_ITSELF, ours, sizeof ours / sizeof ours[0]);
    replay_put_text(r, "}");
}

int exo_request_answer(exo_request *request, const exo_reply *reply)
{
    exo_answer *answer = reply ? exo_reply_answer(reply, 0) : NULL;
    if (!answer || exo_reply_failure(reply)) {
        return exo_request_fail(request, answer ? EXO_E_STATE : EXO_E_ARGUMENT);
    }
    replay r = {.answer = answer, .place = exo_request_messages(request) + 1};
    exo_span function = exo_span_of(NULL, 0);
    exo_buffer_init(&r.json, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    exo_buffer_init(&r.part, &exo_heap, UINT32_MAX, EXO_E_NO_MEMORY);
    replay_write(&r, &function);
    int code = r.code == EXO_OK ? exo_request_append_answer(request, exo_buffer_span(&r.json), function)
                                : exo_request_fail(request, r.code);
    exo_buffer_free(&r.json);
    exo_buffer_free(&r.part);
    return code;
}
