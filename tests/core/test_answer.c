/*
 * test_answer.c: deltas → an answer: the tool rule, what is kept, the limits, and the proof.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "exochat/answer.h"

static counting_heap heap;
static const exo_allocator allocator = {&heap, counting_resize};

static void begin(exo_answer *answer)
{
    heap.calls = 0;
    heap.fail_at = 0;
    exo_answer_init(answer, &allocator, exo_limits_host(), 0, EXO_KEEP_ALL);
}

/* Applies what one event of these deltas says, and returns the first result that is not EXO_OK. */
static int apply_event(exo_answer *answer, const char *json)
{
    exo_chunk chunk;
    exo_delta delta;
    int first = EXO_OK;
    exo_chunk_init(&chunk, exo_limits_host());
    exo_chunk_begin(&chunk, exo_span_text(json), false);
    while (exo_chunk_next(&chunk, &delta) == EXO_EVENT) {
        int rc = exo_answer_apply(answer, &delta, NULL);
        first = first == EXO_OK ? rc : first;
    }
    return first;
}

static int apply(exo_answer *answer, exo_delta_type type, const char *text)
{
    exo_delta delta = {.type = type, .text = exo_span_text(text), .index = -1};
    return exo_answer_apply(answer, &delta, NULL);
}

/* Applies a delta of a tool call and its arguments, and returns the number of the call, or an error. */
static int64_t apply_call(exo_answer *answer, int64_t index, const char *id, const char *name, const char *arguments)
{
    exo_delta delta = {.type = EXO_DELTA_TOOL_CALL, .index = index};
    const char *first = arguments + strspn(arguments, " \t\r\n");
    uint32_t tool = UINT32_MAX;
    delta.id = exo_span_text(id);
    delta.name = exo_span_text(name);
    delta.opens = *first == '{' || *first == '[';
    int rc = exo_answer_apply(answer, &delta, &tool);
    if (rc >= 0 && *arguments != '\0') {
        delta.type = EXO_DELTA_TOOL_ARGUMENTS;
        delta.text = exo_span_text(arguments);
        rc = exo_answer_apply(answer, &delta, &tool);
    }
    return rc >= 0 ? (int64_t)tool : rc;
}

static void check_call(exo_answer *answer, uint32_t number, const char *id, const char *name, const char *arguments)
{
    exo_tool_call call;
    assert_int_equal(exo_answer_tool_call(answer, number, &call), EXO_OK);
    assert_true(exo_span_is(call.id, id));
    assert_true(exo_span_is(call.name, name));
    assert_true(exo_span_is(call.arguments, arguments));
}

#define BAD             "\xEF\xBF\xBD"
#define CHOICE(members) "{\"choices\":[{" members "}]}"

static void text_reasoning_and_refusal(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    assert_false(exo_answer_began(&answer));
    assert_int_equal(
        apply_event(&answer, "{\"id\":\"c-1\",\"model\":\"m-1\",\"choices\":[{\"delta\":{\"role\":\"a\"}}]}"), EXO_OK);
    assert_false(exo_answer_began(&answer));
    apply(&answer, EXO_DELTA_REASONING, "hm ");
    assert_true(exo_answer_began(&answer));
    apply(&answer, EXO_DELTA_REASONING, "ah");
    apply(&answer, EXO_DELTA_CONTENT, "Hel");
    apply(&answer, EXO_DELTA_CONTENT, "lo");
    apply(&answer, EXO_DELTA_REFUSAL, "no");
    apply(&answer, EXO_DELTA_MODEL, "m-2");
    assert_true(exo_span_is(exo_answer_text(&answer), "Hello"));
    assert_true(exo_span_is(exo_answer_reasoning(&answer), "hm ah"));
    assert_true(exo_span_is(exo_answer_refusal(&answer), "no"));
    assert_true(exo_span_is(exo_answer_id(&answer), "c-1"));
    assert_true(exo_span_is(exo_answer_model(&answer), "m-2"));
    assert_int_equal(exo_answer_error(&answer).len, 0);
    exo_answer_free(&answer);
    begin(&answer);
    assert_int_equal(exo_answer_text(&answer).len, 0);
    exo_answer_free(&answer);
}

static void short_texts_are_cut_between_characters(void **state)
{
    char text[200];
    exo_answer answer;
    (void)state;
    begin(&answer);
    snprintf(text, sizeof text, "%0126d\xC3\xA9", 0);
    apply(&answer, EXO_DELTA_ID, text);
    assert_int_equal(exo_answer_id(&answer).len, 126);
    snprintf(text, sizeof text, "%0125d\xC3\xA9", 0);
    apply(&answer, EXO_DELTA_MODEL, text);
    assert_int_equal(exo_answer_model(&answer).len, 127);
    snprintf(text, sizeof text, "%030d\xC3\xA9", 0);
    apply(&answer, EXO_DELTA_TIER, text);
    assert_int_equal(exo_answer_service_tier(&answer).len, 30);
    apply(&answer, EXO_DELTA_TIER, "au\\u0074o");
    assert_true(exo_span_is(exo_answer_service_tier(&answer), "auto"));
    snprintf(text, sizeof text, "%0199d", 0);
    apply(&answer, EXO_DELTA_FINISH, text);
    assert_int_equal(exo_answer_finish_reason(&answer).len, 63);
    apply(&answer, EXO_DELTA_FINISH, "");
    assert_int_equal(exo_answer_finish_reason(&answer).len, 63);
    exo_answer_free(&answer);
}

static void only_what_is_wished_is_kept(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, 0);
    assert_int_equal(
        apply_event(&answer, CHOICE("\"delta\":{\"content\":\"a\",\"reasoning\":\"b\",\"refusal\":\"c\","
                                    "\"reasoning_details\":[1],\"audio\":{\"a\":1}},\"logprobs\":{\"a\":1},"
                                    "\"finish_reason\":\"stop\"")),
        EXO_OK);
    assert_int_equal(heap.calls, 1); /* for the finish_reason, */
    assert_int_equal(heap.last_size, strlen("stop"));
    assert_true(exo_answer_began(&answer));
    assert_int_equal(apply_call(&answer, 0, "x", "f", "{}"), 0);
    assert_int_equal(apply_call(&answer, 1, "y", "g", "{}"), 1);
    check_call(&answer, 0, "x", "f", "");
    check_call(&answer, 1, "y", "g", "");
    assert_int_equal(exo_answer_end(&answer, false), EXO_OK);
    exo_buffer out;
    exo_buffer_init(&out, &allocator, 100, EXO_E_ARGUMENTS_LIMIT);
    assert_int_equal(exo_answer_tool_arguments(&answer, 0, &out), EXO_E_STATE);
    exo_answer_free(&answer);
}

static void replay_data_are_lists(void **state)
{
    exo_answer answer;
    exo_tool_call call;
    (void)state;
    begin(&answer);
    apply(&answer, EXO_DELTA_REASONING_DETAILS, "[{\"a\":1}]");
    assert_true(exo_span_is(exo_answer_reasoning_details(&answer), "[{\"a\":1}]"));
    apply(&answer, EXO_DELTA_REASONING_DETAILS, "[ ]");
    apply(&answer, EXO_DELTA_REASONING_DETAILS, "[{\"b\":2},{\"c\":3}]");
    apply(&answer, EXO_DELTA_REASONING_DETAILS, "{\"d\":4}");
    assert_true(exo_span_is(exo_answer_reasoning_details(&answer), "[{\"a\":1},{\"b\":2},{\"c\":3},{\"d\":4}]"));
    assert_false(exo_answer_began(&answer));
    apply(&answer, EXO_DELTA_LOGPROBS, "{\"content\":[]}");
    apply(&answer, EXO_DELTA_LOGPROBS, "{\"refusal\":[]}");
    assert_true(exo_span_is(exo_answer_logprobs(&answer), "[{\"content\":[]},{\"refusal\":[]}]"));
    apply(&answer, EXO_DELTA_AUDIO, "{\"data\":\"A\"}");
    assert_true(exo_span_is(exo_answer_audio(&answer), "[{\"data\":\"A\"}]"));
    assert_true(exo_answer_began(&answer));
    apply_call(&answer, 0, "x", "f", "{");
    apply(&answer, EXO_DELTA_TOOL_EXTRA, "{\"google\":1}");
    apply(&answer, EXO_DELTA_TOOL_ARGUMENTS, "}");
    assert_int_equal(exo_answer_tool_call(&answer, 0, &call), EXO_OK);
    assert_true(exo_span_is(call.extra, "{\"google\":1}"));
    assert_true(exo_span_is(call.arguments, "{}"));
    exo_answer_free(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, EXO_KEEP_TOOLS);
    apply_call(&answer, 0, "x", "f", "{");
    apply(&answer, EXO_DELTA_TOOL_EXTRA, "{\"google\":1}");
    assert_int_equal(exo_answer_tool_call(&answer, 0, &call), EXO_OK);
    assert_int_equal(call.extra.len, 0);
    exo_answer_free(&answer);
}

/* Deltas of tool calls, each with the call that it must go to. */
struct tool_delta {
    int64_t index;
    const char *id;
    const char *name;
    const char *arguments;
    uint32_t call;
};

static const struct tool_case {
    struct tool_delta deltas[8];
    struct {
        const char *id;
        const char *name;
        const char *arguments;
    } calls[4];
} tool_cases[] = {
    /* the normal path */
    {{{0, "a", "f", "", 0}, {0, "", "", "{\"x\":", 0}, {0, "", "", "1}", 0}, {1, "b", "g", "{}", 1}},
     {{"a", "f", "{\"x\":1}"}, {"b", "g", "{}"}}},
    /* interleaved */
    {{{0, "a", "f", "1", 0},
      {1, "b", "g", "2", 1},
      {0, "", "", "3", 0},
      {1, "", "", "4", 1},
      {1, "", "", "5", 1},
      {0, "", "", "6", 0}},
     {{"a", "f", "136"}, {"b", "g", "245"}}},
    /* id, name repeated; id and name empty later (Fireworks, Qwen) */
    {{{0, "a", "f", "1", 0}, {0, "a", "f", "2", 0}, {0, "", "", "3", 0}}, {{"a", "f", "123"}}},
    /* the index is always 0: ids tell calls apart, and what has none goes to the latest of the index */
    {{{0, "a", "f", "1", 0}, {0, "b", "g", "2", 1}, {0, "", "", "3", 1}, {0, "a", "", "4", 0}},
     {{"a", "f", "14"}, {"b", "g", "23"}}},
    /* no index at all */
    {{{-1, "a", "f", "1", 0}, {-1, "", "", "2", 0}, {-1, "b", "g", "3", 1}, {-1, "", "", "4", 1}},
     {{"a", "f", "12"}, {"b", "g", "34"}}},
    /* neither index nor id: a name begins a call (Gemini) */
    {{{-1, "", "f", "{}", 0}, {-1, "", "f", "[]", 1}, {-1, "", "", " ", 1}}, {{"", "f", "{}"}, {"", "f", "[] "}}},
    /* indexes from 1, sparse and huge */
    {{{1, "a", "f", "1", 0},
      {9007199254740993, "b", "g", "2", 1},
      {1, "", "", "3", 0},
      {9007199254740993, "", "", "4", 1}},
     {{"a", "f", "13"}, {"b", "g", "24"}}},
    /* one id at several indexes: id beats index */
    {{{0, "a", "f", "1", 0}, {1, "a", "", "2", 0}, {2, "a", "f", "3", 0}}, {{"a", "f", "123"}}},
    /* a new id in every chunk, with and without an index */
    {{{0, "a", "f", "1", 0}, {0, "b", "", "2", 0}, {0, "c", "", "3", 0}}, {{"c", "f", "123"}}},
    {{{-1, "a", "f", "1", 0}, {-1, "b", "", "2", 0}}, {{"b", "f", "12"}}},
    {{{0, "a", "f", "1", 0}, {0, "b", "f", "2", 0}, {-1, "c", "f", "3", 0}}, {{"c", "f", "123"}}},
    /* and the earlier ones stay known */
    {{{0, "a", "f", "1", 0}, {0, "b", "", "2", 0}, {0, "c", "", "3", 0}, {1, "d", "g", "", 1}, {0, "a", "", "4", 0}},
     {{"c", "f", "1234"}, {"d", "g", ""}}},
    /* an unknown id is a new call where the other is complete, or called otherwise, or both have an index */
    {{{0, "a", "f", "{}", 0}, {0, "b", "f", "{}", 1}}, {{"a", "f", "{}"}, {"b", "f", "{}"}}},
    {{{-1, "a", "f", "{}", 0}, {-1, "b", "f", "{}", 1}}, {{"a", "f", "{}"}, {"b", "f", "{}"}}},
    {{{0, "a", "f", "1", 0}, {0, "b", "g", "2", 1}}, {{"a", "f", "1"}, {"b", "g", "2"}}},
    {{{0, "a", "f", "", 0}, {1, "b", "f", "", 1}, {0, "", "", "1", 0}, {1, "", "", "2", 1}},
     {{"a", "f", "1"}, {"b", "f", "2"}}},
    {{{0, "a", "f", "{}", 0}, {0, "b", "", "[1]", 0}}, {{"b", "f", "[1]"}}}, /* but for a placeholder */
    /* the name comes late, the id comes late */
    {{{0, "a", "", "{", 0}, {0, "", "f", "}", 0}}, {{"a", "f", "{}"}}},
    {{{0, "", "f", "{", 0}, {0, "a", "", "}", 0}}, {{"a", "f", "{}"}}},
    {{{-1, "", "", "{", 0}, {-1, "", "f", "}", 0}}, {{"", "f", "{}"}}},
    /* no ids: indexes tell calls apart */
    {{{0, "", "f", "1", 0}, {1, "", "g", "2", 1}, {0, "", "", "3", 0}}, {{"", "f", "13"}, {"", "g", "2"}}},
    /* no id, an unknown index and no name: the latest call */
    {{{0, "a", "f", "1", 0}, {7, "", "", "2", 0}}, {{"a", "f", "12"}}},
    {{{7, "", "", "2", 0}}, {{"", "", "2"}}},
    {{{0, "a", "f", "", 0}, {0, "long", "other", "1", 1}, {0, "long", "s", "2", 1}},
     {{"a", "f", ""}, {"long", "other", "12"}}},
    /* a known id and complete arguments: a repetition of the same index is dropped, whole or in pieces */
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "a", "f", "{\"x\":1}", 0}}, {{"a", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{\"x\":", 0},
      {0, "a", "", "{}}", 0},
      {0, "a", "", " {\"x\"", 0},
      {0, "", "", ":", 0},
      {0, "a", "", "{}", 0},
      {0, "", "", "}\n", 0}},
     {{"a", "f", "{\"x\":{}}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "a", "f", "{\"x\":1}", 0}, {0, "a", "f", "{\"x\":1} {\"x\":1}", 0}},
     {{"a", "f", "{\"x\":1}"}}},
    /* another index, or other arguments: a new call, its id made distinct */
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "a", "f", "{\"x\":1}", 1}, {2, "a", "f", "{\"x\":1}", 2}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "f", "{\"x\":1}"}, {"a_2_2", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "a", "f", "{\"x\":2}", 1}, {0, "a", "", " ", 1}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "f", "{\"x\":2} "}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "a", "", "{\"x", 0}, {0, "", "", "\":2", 1}, {0, "a", "", "}", 1}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "f", "{\"x\":2}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "a", "", "{\"x\":2", 1}, {1, "a", "", "}", 1}, {0, "a", "", " ", 0}},
     {{"a", "f", "{\"x\":1} "}, {"a_2", "f", "{\"x\":2}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "a", "g", "{\"x\":1}", 1}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "g", "{\"x\":1}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "a", "g", "", 1}, {1, "a", "", "{}", 1}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "g", "{}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "a", "f", "", 0}, {1, "", "", "{\"x\":1}", 1}, {1, "", "", " ", 1}},
     {{"a", "f", "{\"x\":1}"}, {"a_2", "f", "{\"x\":1} "}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "a", "f", "", 0}, {2, "a", "f", "", 0}}, {{"a", "f", "{\"x\":1}"}}},
    /* no id and complete arguments */
    {{{0, "", "f", "{\"x\":1}", 0}, {0, "", "f", "{\"x\":2}", 1}, {0, "", "g", "{\"x\":2}", 2}},
     {{"", "f", "{\"x\":1}"}, {"", "f", "{\"x\":2}"}, {"", "g", "{\"x\":2}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "", "", "{\"x\":1}", 0}, {-1, "", "", "{\"x\":1}", 0}},
     {{"a", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {0, "", "", "{\"x\":1", 0}, {0, "", "", "2}", 1}, {0, "", "", "{\"x\":12}", 1}},
     {{"a", "f", "{\"x\":1}"}, {"", "f", "{\"x\":12}"}}},
    {{{0, "a", "f", "{\"x\":1}", 0}, {1, "", "", "{\"x\":2}", 1}, {1, "", "g", "", 2}, {1, "", "", "{}", 2}},
     {{"a", "f", "{\"x\":1}"}, {"", "f", "{\"x\":2}"}, {"", "g", "{}"}}},
    {{{-1, "", "f", "{\"x\":1}", 0}, {-1, "", "f", "", 0}, {-1, "", "", " ", 0}, {-1, "", "g", "", 1}},
     {{"", "f", "{\"x\":1} "}, {"", "g", ""}}},
    {{{0, "", "f", "", 0}, {1, "", "f", "", 1}, {0, "", "", "1", 0}, {1, "", "", "2", 1}},
     {{"", "f", "1"}, {"", "f", "2"}}},
    /* brackets in strings complete nothing */
    {{{0, "", "f", "{\"x\":\"}\\\"}\"", 0}, {0, "", "", "{", 0}, {0, "", "", ",\"y\":[]}}", 0}, {0, "", "f", "{}", 1}},
     {{"", "f", "{\"x\":\"}\\\"}\"{,\"y\":[]}}"}, {"", "f", "{}"}}},
    /* {} is a placeholder */
    {{{0, "a", "f", "{}", 0}, {0, "", "", "{\"x\":", 0}, {0, "", "", "1}", 0}}, {{"a", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{ }", 0}, {0, "a", "f", "{\"x\":1}", 0}}, {{"a", "f", "{\"x\":1}"}}},
    {{{-1, "", "f", "{}", 0}, {-1, "", "", "{\"x\":1}", 0}}, {{"", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{}", 0}, {1, "a", "f", "{\"x\":1}", 1}}, {{"a", "f", "{}"}, {"a_2", "f", "{\"x\":1}"}}},
    {{{0, "", "f", "{}", 0}, {0, "", "f", "{\"x\":1}", 1}}, {{"", "f", "{}"}, {"", "f", "{\"x\":1}"}}},
    {{{0, "a", "f", "{{}}", 0}, {0, "", "", "{}", 1}}, {{"a", "f", "{{}}"}, {"", "f", "{}"}}},
    /* names in pieces, repeated, replaced, late */
    {{{0, "a", "edit_ex", "", 0}, {0, "", "isting_file", "", 0}, {0, "", "", "{}", 0}},
     {{"a", "edit_existing_file", "{}"}}},
    {{{0, "a", "get", "", 0}, {-1, "a", "_the", "", 0}, {0, "", "_time", "1", 0}, {0, "", "_no", "2", 0}},
     {{"a", "get_the_time", "12"}}},
    {{{0, "a", "get", "", 0}, {0, "a", "get", "", 0}, {0, "", "get_time", "1", 0}}, {{"a", "get_time", "1"}}},
    {{{0, "a", "", "1", 0}, {0, "", "late", "2", 0}, {0, "a", "late", "3", 0}}, {{"a", "late", "123"}}},
    {{{-1, "", "f", "", 0}, {-1, "", "g", "1", 1}}, {{"", "f", ""}, {"", "g", "1"}}},
    /* white space after complete arguments */
    {{{0, "a", "f", "{}", 0}, {0, "", "", " ", 0}}, {{"a", "f", "{} "}}},
};

static void the_tool_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tool_cases / sizeof *tool_cases; i++) {
        const struct tool_case *tool = &tool_cases[i];
        exo_answer answer;
        uint32_t count = 0;
        begin(&answer);
        for (size_t d = 0; d < 8 && tool->deltas[d].id; d++) {
            const struct tool_delta *delta = &tool->deltas[d];
            if (apply_call(&answer, delta->index, delta->id, delta->name, delta->arguments) != delta->call) {
                fail_msg("row %zu, delta %zu: call %u", i, d, answer.call_);
            }
        }
        while (count < 4 && tool->calls[count].id) {
            count++;
        }
        assert_int_equal(exo_answer_tool_calls(&answer), count);
        /* Twice: gathering must change nothing but the place. */
        for (uint32_t c = 0; c < 2 * count; c++) {
            check_call(&answer, c % count, tool->calls[c % count].id, tool->calls[c % count].name,
                       tool->calls[c % count].arguments);
        }
        exo_answer_free(&answer);
    }
}

static void arguments_go_on_after_they_were_gathered(void **state)
{
    exo_answer answer;
    exo_tool_call call;
    (void)state;
    begin(&answer);
    apply_call(&answer, 0, "a", "f", "1");
    apply_call(&answer, 1, "b", "g", "2");
    apply_call(&answer, 2, "c", "h", "");
    apply_call(&answer, 0, "", "", "3");
    check_call(&answer, 0, "a", "f", "13");
    apply_call(&answer, 1, "", "", "4");
    apply_call(&answer, 0, "", "", "5");
    apply_call(&answer, 2, "", "", "6");
    check_call(&answer, 0, "a", "f", "135");
    check_call(&answer, 1, "b", "g", "24");
    check_call(&answer, 2, "c", "h", "6");
    assert_int_equal(exo_answer_tool_call(&answer, 3, &call), EXO_NOT_FOUND);
    exo_answer_free(&answer);
}

static void an_object_replaces_what_came_before(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    apply_call(&answer, 0, "a", "f", "{\"half\":");
    apply(&answer, EXO_DELTA_TOOL_OBJECT, "{\"whole\":1}");
    check_call(&answer, 0, "a", "f", "{\"whole\":1}");
    apply_call(&answer, 1, "b", "g", "1");
    apply_call(&answer, 0, "", "", " ");
    check_call(&answer, 0, "a", "f", "{\"whole\":1} ");
    exo_answer_free(&answer);
}

static void the_legacy_call_is_one(void **state)
{
    exo_answer answer;
    exo_tool_call call;
    (void)state;
    begin(&answer);
    assert_int_equal(apply_event(&answer, CHOICE("\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}}")),
                     EXO_OK);
    assert_int_equal(apply_event(&answer, CHOICE("\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"}\"}}")),
                     EXO_OK);
    assert_int_equal(exo_answer_tool_calls(&answer), 1);
    assert_int_equal(exo_answer_tool_call(&answer, 0, &call), EXO_OK);
    assert_true(call.legacy);
    assert_true(exo_span_is(call.arguments, "{}"));
    apply_call(&answer, 0, "a", "f", "");
    assert_int_equal(exo_answer_tool_calls(&answer), 2);
    exo_answer_free(&answer);
}

static void arguments_without_a_call_are_nobodys(void **state)
{
    exo_answer answer;
    uint32_t tool = 77;
    exo_delta delta = {.type = EXO_DELTA_TOOL_ARGUMENTS, .text = {"x", 1}};
    (void)state;
    begin(&answer);
    assert_int_equal(exo_answer_apply(&answer, &delta, &tool), EXO_NOT_FOUND);
    assert_int_equal(tool, 77);
    assert_int_equal(exo_answer_tool_calls(&answer), 0);
    exo_answer_free(&answer);
}

static void other_choices_are_ignored(void **state)
{
    static const char event[] =
        "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"zero\"},"
        "\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{\"content\":\"one\",\"tool_calls\":["
        "{\"id\":\"x\",\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":\"length\"}],"
        "\"usage\":{\"total_tokens\":3}}";
    exo_answer answer;
    (void)state;
    begin(&answer);
    assert_int_equal(apply_event(&answer, event), EXO_NOT_FOUND);
    assert_true(exo_span_is(exo_answer_text(&answer), "zero"));
    assert_true(exo_span_is(exo_answer_finish_reason(&answer), "stop"));
    assert_int_equal(exo_answer_tool_calls(&answer), 0);
    exo_answer_free(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 1, EXO_KEEP_ALL);
    assert_int_equal(apply_event(&answer, event), EXO_NOT_FOUND);
    assert_true(exo_span_is(exo_answer_text(&answer), "one"));
    assert_true(exo_span_is(exo_answer_finish_reason(&answer), "length"));
    assert_true(exo_span_is(exo_answer_id(&answer), "c"));
    assert_int_equal(exo_answer_usage(&answer)->total_tokens, 3);
    check_call(&answer, 0, "x", "", "{}");
    exo_answer_free(&answer);
}

static void a_whole_message_counts_only_alone(void **state)
{
    static const char whole[] =
        CHOICE("\"message\":{\"content\":\"all of it\",\"tool_calls\":[{\"id\":\"x\","
               "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"");
    exo_answer answer;
    (void)state;
    begin(&answer);
    assert_int_equal(apply_event(&answer, whole), EXO_OK);
    assert_true(exo_span_is(exo_answer_text(&answer), "all of it"));
    check_call(&answer, 0, "x", "f", "{}");
    assert_int_equal(exo_answer_end(&answer, false), EXO_OK);
    exo_answer_free(&answer);

    begin(&answer);
    apply(&answer, EXO_DELTA_CONTENT, "all of it");
    assert_int_equal(apply_event(&answer, whole), EXO_NOT_FOUND);
    assert_true(exo_span_is(exo_answer_text(&answer), "all of it"));
    assert_int_equal(exo_answer_tool_calls(&answer), 0);
    assert_true(exo_span_is(exo_answer_finish_reason(&answer), "stop"));
    exo_answer_free(&answer);
}

static void the_last_usage_wins(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    assert_int_equal(exo_answer_usage(&answer)->prompt_tokens, -1);
    assert_int_equal(exo_answer_usage_json(&answer).len, 0);
    apply_event(&answer, "{\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}");
    apply_event(&answer, "{\"usage\":{\"prompt_tokens\":7,\"cost\":0.5}}");
    apply_event(&answer, "{\"usage\":null}");
    assert_int_equal(exo_answer_usage(&answer)->prompt_tokens, 7);
    assert_int_equal(exo_answer_usage(&answer)->completion_tokens, -1);
    assert_true(exo_span_is(exo_answer_usage_json(&answer), "{\"prompt_tokens\":7,\"cost\":0.5}"));
    exo_answer_free(&answer);
}

#define CONTENT        CHOICE("\"delta\":{\"content\":\"x\"}")
#define FINISH(reason) CHOICE("\"delta\":{},\"finish_reason\":\"" reason "\"")
#define DONE           "[DONE]"

static const struct proof_case {
    const char *events[4];
    int strict;
    int lenient;
    exo_proof proof; /* after a lenient end */
} proof_cases[] = {
    {{CONTENT, FINISH("stop"), DONE}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("stop")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, DONE}, EXO_OK, EXO_OK, EXO_PROOF_DONE},
    {{CONTENT}, EXO_E_TRUNCATED, EXO_OK, EXO_PROOF_LENIENT},
    {{FINISH("stop")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{FINISH("eos"), CHOICE("\"finish_reason\":null"), CONTENT}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("length")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("content_filter")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{0}, EXO_E_EMPTY_STREAM, EXO_E_EMPTY_STREAM, EXO_PROOF_NONE},
    {{DONE}, EXO_E_EMPTY_STREAM, EXO_E_EMPTY_STREAM, EXO_PROOF_DONE},
    {{CHOICE("\"delta\":{\"content\":\"\"}")}, EXO_E_EMPTY_STREAM, EXO_E_EMPTY_STREAM, EXO_PROOF_NONE},
    {{"{\"usage\":{\"total_tokens\":1}}", DONE}, EXO_E_EMPTY_STREAM, EXO_E_EMPTY_STREAM, EXO_PROOF_DONE},
    {{"oops", "{"}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_NONE},
    {{"oops", DONE}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_DONE},
    {{CONTENT, "oops"}, EXO_E_TRUNCATED, EXO_OK, EXO_PROOF_LENIENT},
    {{CONTENT, "oops", FINISH("stop")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, "oops", DONE}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_DONE},
    {{CONTENT, "null", "[DONE] ", FINISH("stop")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, "{", FINISH("stop"), DONE}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_FINISH},
    {{CONTENT, "[[", DONE}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_DONE},
    {{CONTENT, "{\"choices\":"}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_NONE},
    {{CONTENT, "{\"error\":{}}", FINISH("stop"), DONE}, EXO_E_IN_STREAM, EXO_E_IN_STREAM, EXO_PROOF_FINISH},
    {{"{\"error\":\"x\"}", DONE}, EXO_E_IN_STREAM, EXO_E_IN_STREAM, EXO_PROOF_DONE},
    {{CONTENT, FINISH("error"), DONE}, EXO_E_FINISH, EXO_E_FINISH, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("network_error")}, EXO_E_FINISH, EXO_E_FINISH, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("abort")}, EXO_E_FINISH, EXO_E_FINISH, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("insufficient_system_resource")}, EXO_E_FINISH, EXO_E_FINISH, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("model_context_window_exceeded")}, EXO_E_CONTEXT_WINDOW, EXO_E_CONTEXT_WINDOW, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("error"), FINISH("stop")}, EXO_OK, EXO_OK, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("Server_Error: 5")}, EXO_E_FINISH, EXO_E_FINISH, EXO_PROOF_FINISH},
    {{CONTENT, FINISH("none")}, EXO_E_TRUNCATED, EXO_OK, EXO_PROOF_LENIENT},
    {{CONTENT, FINISH(" "), DONE}, EXO_OK, EXO_OK, EXO_PROOF_DONE},
    {{CONTENT, FINISH("null"), "oops", DONE}, EXO_E_MALFORMED, EXO_E_MALFORMED, EXO_PROOF_DONE},
    {{CHOICE("\"delta\":{\"images\":[1]}"), DONE}, EXO_OK, EXO_OK, EXO_PROOF_DONE},
    {{CHOICE("\"delta\":{\"role\":\"user\",\"content\":\"x\"}"), DONE}, EXO_OK, EXO_OK, EXO_PROOF_DONE},
    {{CHOICE("\"error\":{\"code\":1}"), FINISH("stop")}, EXO_E_IN_STREAM, EXO_E_IN_STREAM, EXO_PROOF_FINISH},
};

static void success_must_be_proven(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof proof_cases / sizeof *proof_cases); i++) {
        const struct proof_case *proof = &proof_cases[i / 2];
        bool lenient = i % 2 == 1;
        exo_answer answer;
        begin(&answer);
        for (size_t e = 0; e < 4 && proof->events[e]; e++) {
            if (exo_chunk_is_done(exo_span_text(proof->events[e]))) {
                exo_answer_done(&answer);
            } else {
                apply_event(&answer, proof->events[e]);
            }
        }
        assert_int_equal(exo_answer_end(&answer, lenient), lenient ? proof->lenient : proof->strict);
        if (lenient) {
            assert_int_equal(exo_answer_proof(&answer), proof->proof);
        }
        exo_answer_free(&answer);
    }
}

static void malformed_events_are_counted(void **state)
{
    exo_answer answer;
    int code = 0;
    uint64_t offset = 0;
    (void)state;
    begin(&answer);
    assert_int_equal(exo_answer_malformed(&answer, NULL, NULL), 0);
    apply_event(&answer, "{\"a\":01}");
    apply_event(&answer, "[]");
    assert_int_equal(exo_answer_malformed(&answer, &code, &offset), 2);
    assert_int_equal(code, EXO_E_JSON_NUMBER);
    assert_int_equal(offset, 6);
    assert_int_equal(exo_answer_holes(&answer), 1);
    exo_answer_free(&answer);
}

static void the_first_error_is_kept(void **state)
{
    exo_answer answer;
    exo_limits limits = *exo_limits_host();
    (void)state;
    begin(&answer);
    apply_event(&answer, "{\"error\":\"first\"}");
    apply_event(&answer, "{\"error\":\"second\"}");
    assert_true(exo_span_is(exo_answer_error(&answer), "{\"error\":\"first\"}"));
    exo_answer_free(&answer);
    limits.raw = 10;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    assert_int_equal(apply_event(&answer, "{\"error\":\"too long\"}"), EXO_OK);
    assert_true(exo_span_is(exo_answer_error(&answer), "{\"error\":\""));
    assert_int_equal(exo_answer_end(&answer, true), EXO_E_IN_STREAM);
    exo_answer_free(&answer);
}

static void limits_are_sticky(void **state)
{
    static const struct {
        exo_delta_type type;
        const char *text;
        int rc;
    } cases[] = {
        {EXO_DELTA_CONTENT, "12345678", EXO_OK},
        {EXO_DELTA_CONTENT, "123456789", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_REASONING, "123456789", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_REFUSAL, "123456789", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_USAGE, "{\"a\":100}", EXO_OK},
        {EXO_DELTA_USAGE, "{\"a\":10000}", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_LOGPROBS, "{\"a\":1000}", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_REASONING_DETAILS, "[1,2,3,4,5,6]", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_AUDIO, "{\"a\":1000}", EXO_E_ANSWER_LIMIT},
        {EXO_DELTA_TOOL_ARGUMENTS, "12345678901234567890", EXO_OK},
        {EXO_DELTA_TOOL_ARGUMENTS, "123456789012345678901", EXO_E_ARGUMENTS_LIMIT},
        {EXO_DELTA_TOOL_OBJECT, "{\"a\":12345678901234567}", EXO_E_ARGUMENTS_LIMIT},
        {EXO_DELTA_TOOL_EXTRA, "{\"a\":12345678901234567890123456}", EXO_E_ARGUMENTS_LIMIT},
    };
    exo_limits limits = *exo_limits_host();
    (void)state;
    limits.answer = 8;
    limits.raw = 10;
    limits.tool_arguments = 32; /* of which id and name take 4 and the arguments' head 8 */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exo_answer answer;
        exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
        assert_int_equal(apply_call(&answer, 0, "ab", "fg", ""), 0);
        assert_int_equal(apply(&answer, cases[i].type, cases[i].text), cases[i].rc);
        assert_int_equal(apply(&answer, EXO_DELTA_FINISH, "stop"), cases[i].rc);
        assert_int_equal(exo_answer_end(&answer, true), cases[i].rc);
        exo_answer_free(&answer);
    }
}

static void long_ids_reach_the_limit_too(void **state)
{
    exo_limits limits = *exo_limits_host();
    exo_answer answer;
    (void)state;
    limits.tool_arguments = 8;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    assert_int_equal(apply_call(&answer, 0, "123456789", "f", ""), EXO_E_ARGUMENTS_LIMIT);
    exo_answer_free(&answer);
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    assert_int_equal(apply_call(&answer, 0, "1234", "12345", ""), EXO_E_ARGUMENTS_LIMIT);
    exo_answer_free(&answer);
}

static void the_number_of_calls_has_a_limit(void **state)
{
    exo_limits limits = *exo_limits_host();
    exo_answer answer;
    char id[16];
    (void)state;
    limits.tool_calls = 3;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    for (int i = 0; i < 3; i++) {
        snprintf(id, sizeof id, "id%d", i);
        assert_int_equal(apply_call(&answer, 0, id, "f", "{}"), i);
    }
    assert_int_equal(apply_call(&answer, 0, "id2", "f", " "), 2);
    assert_int_equal(apply_call(&answer, 0, "id3", "f", "{}"), EXO_E_CALLS_LIMIT);
    assert_int_equal(apply(&answer, EXO_DELTA_CONTENT, "a"), EXO_E_CALLS_LIMIT);
    assert_int_equal(exo_answer_tool_calls(&answer), 3);
    exo_answer_free(&answer);
    limits.tool_calls = UINT32_MAX;
    limits.depth = UINT32_MAX;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    assert_int_equal(answer.depth_, EXO_JSON_DEPTH_MAX);
    assert_int_equal(apply_call(&answer, 0, "x", "f", "{}"), 0);
    exo_answer_free(&answer);
}

static void arguments_are_repaired_only_when_proven(void **state)
{
    static const struct {
        const char *arguments;
        const char *finish;
        int rc;
        const char *repaired;
    } cases[] = {
        {"{\"a\":1}", "tool_calls", EXO_OK, "{\"a\":1}"},
        {"{\"a\":1,}", "stop", EXO_OK, "{\"a\":1}"},
        {"", "tool_calls", EXO_OK, "{}"},
        {"{\"a\":1}{\"a\": 1}\n{\"a\":1}", "stop", EXO_OK, "{\"a\":1}"},
        {"{}{\"a\":1}", "stop", EXO_OK, "{\"a\":1}"},
        {"{\"a\":1", "stop", EXO_E_STATE, ""},
        {" \n", "tool_calls", EXO_OK, "{}"},
        {"{\"a\":1}", "length", EXO_E_STATE, ""},
        {"{\"a\":1}", "error", EXO_E_STATE, ""},
        {"{\"a\":1}", NULL, EXO_E_STATE, ""},
        {"{\"a\":[[[1]]]}", "stop", EXO_E_DEPTH_LIMIT, ""},
    };
    exo_limits limits = *exo_limits_host();
    (void)state;
    limits.depth = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exo_answer answer;
        exo_buffer out;
        begin(&answer);
        exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
        exo_buffer_init(&out, &allocator, 1000, EXO_E_ARGUMENTS_LIMIT);
        apply_call(&answer, 0, "x", "f", cases[i].arguments);
        assert_int_equal(exo_answer_tool_arguments(&answer, 0, &out), EXO_E_STATE);
        if (cases[i].finish) {
            apply(&answer, EXO_DELTA_FINISH, cases[i].finish);
        }
        exo_answer_end(&answer, false);
        assert_int_equal(exo_answer_tool_arguments(&answer, 0, &out), cases[i].rc);
        if (cases[i].rc == EXO_OK) {
            assert_true(exo_span_is(exo_buffer_span(&out), cases[i].repaired));
            assert_int_equal(exo_answer_tool_arguments(&answer, 1, &out), EXO_NOT_FOUND);
        }
        exo_buffer_free(&out);
        exo_answer_free(&answer);
    }
}

#define ARGUMENTS(text) \
    "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":" text "}}]}"

/* What a caller shows of one event: texts in order, each with a letter before it for its kind. */
static void show_event(exo_answer *answer, const char *json, char *shown, size_t size)
{
    static const char letters[] = {
        [EXO_DELTA_CONTENT] = 'c',   [EXO_DELTA_REASONING] = 'r',      [EXO_DELTA_REFUSAL] = 'n',
        [EXO_DELTA_TOOL_CALL] = 'T', [EXO_DELTA_TOOL_ARGUMENTS] = 't', [EXO_DELTA_TOOL_OBJECT] = 'o'};
    exo_chunk chunk;
    exo_delta delta;
    size_t len = strlen(shown);
    exo_chunk_init(&chunk, exo_limits_host());
    exo_chunk_begin(&chunk, exo_span_text(json), false);
    while (exo_chunk_next(&chunk, &delta) == EXO_EVENT) {
        uint32_t tool = 0;
        int rc = exo_answer_apply(answer, &delta, &tool);
        assert_true(rc >= 0);
        while (rc == EXO_OK && (size_t)delta.type < sizeof letters && letters[delta.type] != '\0') {
            exo_span text = delta.type == EXO_DELTA_TOOL_CALL ? delta.name : delta.text;
            len += (size_t)snprintf(shown + len, size - len, "%c%u<%.*s>", letters[delta.type], (unsigned)tool,
                                    (int)text.len, text.ptr);
            rc = exo_answer_more(answer, &delta) == EXO_EVENT ? EXO_OK : EXO_NOT_FOUND;
        }
    }
}

static void what_is_shown_is_what_is_kept(void **state)
{
    static const struct {
        const char *events[6];
        const char *shown;
        const char *rest;
    } cases[] = {
        {{CHOICE("\"delta\":{\"content\":\"a\\ud83d\"}"), CHOICE("\"delta\":{\"content\":\"\\ude00b\"}")},
         "c0<a>c0<\xF0\x9F\x98\x80>c0<b>",
         ""},
        {{CHOICE("\"delta\":{\"content\":\"\\ud83d\"}"), CHOICE("\"delta\":{\"reasoning\":\"r\"}"),
          CHOICE("\"delta\":{\"content\":\"b\"}")},
         "r0<r>c0<" BAD "b>",
         ""},
        {{CHOICE("\"delta\":{\"content\":\"\\ud83d\"}"), CHOICE("\"delta\":{\"content\":\"\\ud83e\"}"),
          CHOICE("\"delta\":{\"content\":\"\\udd80\"}")},
         "c0<" BAD ">c0<\xF0\x9F\xA6\x80>",
         ""},
        {{CHOICE("\"delta\":{\"content\":\"\\ude00\"}")}, "c0<" BAD ">", ""},
        {{CHOICE("\"delta\":{\"content\":\"a\\ud83d\",\"refusal\":\"\\ud83d\"}"), CHOICE("\"finish_reason\":\"stop\"")},
         "c0<a>",
         "c0<" BAD ">n0<" BAD ">"},
        {{CHOICE(ARGUMENTS("\"{\\ud83d\"")), CHOICE(ARGUMENTS("\"}\""))}, "T0<f>t0<{>T0<f>t0<" BAD "}>", ""},
        {{CHOICE(ARGUMENTS("\"{\\ud83d\""))}, "T0<f>t0<{>", "t0<" BAD ">"},
        /* the text of others */
        {{CHOICE("\"delta\":{\"role\":\"user\",\"content\":\"a\\ud83d\"}"), CHOICE("\"delta\":{\"content\":\"b\"}")},
         "c0<b>",
         ""},
        {{CHOICE("\"delta\":{\"content\":\"b\"}"), CHOICE("\"delta\":{\"role\":\"user\",\"content\":\"a\"}"),
          CHOICE("\"delta\":{\"role\":\"tool\",\"content\":\"c\"}")},
         "c0<b>c0<c>",
         ""},
        {{CHOICE("\"delta\":{\"role\":\"tool\",\"content\":\"a\"}"),
          CHOICE("\"delta\":{\"role\":\"user\",\"content\":\"b\\ud83d\"}")},
         "",
         "c0<ab" BAD ">"},
        /* a repetition, and what began like one */
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), CHOICE(ARGUMENTS("\"{\\\"x\\\"\"")), CHOICE(ARGUMENTS("\":1\"")),
          CHOICE(ARGUMENTS("\"}\""))},
         "T0<f>t0<{\"x\":1}>T0<f>T0<f>",
         ""},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), CHOICE(ARGUMENTS("\"{\\\"x\\\"\"")), CHOICE(ARGUMENTS("\":2\"")),
          CHOICE(ARGUMENTS("\"}\""))},
         "T0<f>t0<{\"x\":1}>T0<f>T1<f>t1<{\"x\":2>T1<f>t1<}>",
         ""},
        /* a placeholder */
        {{CHOICE(ARGUMENTS("\"{}\"")), CHOICE(ARGUMENTS("\"{\\\"x\\\"\"")), CHOICE(ARGUMENTS("\":2}\""))},
         "T0<f>t0<{}>T0<f>o0<{\"x\">T0<f>t0<:2}>",
         ""},
    };
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        exo_answer answer;
        exo_delta delta;
        exo_tool_call call;
        char shown[256] = "";
        char rest[64] = "";
        bool kept = i % 2 == 0;
        begin(&answer);
        exo_answer_init(&answer, &allocator, exo_limits_host(), 0, kept ? EXO_KEEP_ALL : EXO_KEEP_TOOLS);
        for (size_t e = 0; e < 6 && cases[i / 2].events[e]; e++) {
            show_event(&answer, cases[i / 2].events[e], shown, sizeof shown);
        }
        uint32_t tool = 0;
        while (exo_answer_rest(&answer, &delta, &tool) == EXO_EVENT) {
            char letter = delta.type == EXO_DELTA_CONTENT ? 'c' : delta.type == EXO_DELTA_REFUSAL ? 'n' : 't';
            snprintf(rest + strlen(rest), sizeof rest - strlen(rest), "%c%u<%.*s>", letter, (unsigned)tool,
                     (int)delta.text.len, delta.text.ptr);
        }
        assert_string_equal(shown, cases[i / 2].shown);
        assert_string_equal(rest, cases[i / 2].rest);
        assert_true(kept || exo_answer_reasoning(&answer).len == 0);
        for (uint32_t c = 0; exo_answer_tool_call(&answer, c, &call) == EXO_OK; c++) {
            assert_true(call.arguments.len > 0);
        }
        exo_answer_free(&answer);
    }
}

/* Deltas by chance, of few indexes, ids, names and pieces, so that they meet in every way. */
static void whatever_comes_is_shown_as_it_is_kept(void **state)
{
    static const char *const ids[] = {"", "", "a", "b", "a_2", "\\u0061"};
    static const char *const names[] = {"", "", "", "f", "g", "fu"};
    static const char *const pieces[] = {"",    "{",   "}", "{}", "{\"x\":1}", "{\"x\"",
                                         ":1}", ":2}", " ", "\"", "[{}]",      "\\"};
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        exo_answer answer;
        exo_delta delta;
        exo_tool_call call;
        char shown[16][256] = {{0}};
        uint32_t tool = 0;
        begin(&answer);
        for (int step = 0; step < 10; step++) {
            seed = seed * 1664525U + 1013904223U;
            const char *piece = pieces[(seed >> 24) % (sizeof pieces / sizeof *pieces)];
            memset(&delta, 0, sizeof delta);
            delta.type = EXO_DELTA_TOOL_CALL;
            delta.index = (int64_t)(seed >> 8 & 3) - 1;
            delta.id = exo_span_text(ids[(seed >> 12) % (sizeof ids / sizeof *ids)]);
            delta.name = exo_span_text(names[(seed >> 18) % (sizeof names / sizeof *names)]);
            delta.opens = *piece == '{' || *piece == '[';
            for (int part = 0; part < 2; part++) {
                int rc = exo_answer_apply(&answer, &delta, &tool);
                assert_true(rc >= 0);
                while (rc == EXO_OK && tool < 16) {
                    if (delta.type == EXO_DELTA_TOOL_OBJECT) {
                        shown[tool][0] = '\0';
                    }
                    if (delta.type != EXO_DELTA_TOOL_CALL) {
                        strncat(shown[tool], delta.text.len > 0 ? delta.text.ptr : "", delta.text.len);
                    }
                    rc = exo_answer_more(&answer, &delta) == EXO_EVENT ? EXO_OK : EXO_NOT_FOUND;
                }
                if (*piece == '\0') {
                    break;
                }
                memset(&delta, 0, sizeof delta);
                delta.type = EXO_DELTA_TOOL_ARGUMENTS;
                delta.text = exo_span_text(piece);
                if (seed >> 30 == 3) {
                    delta.half = seed & 1 ? 0xD83D : 0xDE00;
                    delta.text = exo_span_text(BAD);
                }
            }
        }
        while (exo_answer_rest(&answer, &delta, &tool) == EXO_EVENT) {
            if (delta.type == EXO_DELTA_TOOL_OBJECT) {
                shown[tool][0] = '\0';
            }
            strncat(shown[tool], delta.text.ptr, delta.text.len);
        }
        for (uint32_t i = 0; exo_answer_tool_call(&answer, i, &call) == EXO_OK; i++) {
            if (!exo_span_is(call.arguments, shown[i])) {
                fail_msg("round %d, call %u: kept %.*s, shown %s", round, i, (int)call.arguments.len,
                         call.arguments.ptr, shown[i]);
            }
            for (uint32_t other = 0; other < i && call.id.len > 0; other++) {
                exo_tool_call before;
                assert_int_equal(exo_answer_tool_call(&answer, other, &before), EXO_OK);
                assert_false(exo_span_equal(before.id, call.id));
            }
        }
        exo_answer_free(&answer);
    }
}

static void arguments_that_are_not_kept_are_shown_all_the_same(void **state)
{
    exo_answer answer;
    char shown[256] = "";
    (void)state;
    begin(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, 0);
    show_event(&answer, CHOICE(ARGUMENTS("\"{\\\"\\ud83d\"")), shown, sizeof shown);
    show_event(&answer, CHOICE(ARGUMENTS("\"x\\\":1}\"")), shown, sizeof shown);
    /* What cannot be compared is not held back. */
    show_event(&answer, CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), shown, sizeof shown);
    assert_string_equal(shown, "T0<f>t0<{\">T0<f>t0<" BAD "x\":1}>T1<f>t1<{\"x\":1}>");
    exo_answer_free(&answer);
}

static void check_extra(exo_answer *answer, uint32_t call, const char *expected)
{
    exo_buffer out;
    exo_buffer_init(&out, &allocator, 100000, EXO_E_ANSWER_LIMIT);
    assert_int_equal(exo_answer_extra(answer, call, &out), EXO_OK);
    exo_buffer_append(&out, exo_span_of("", 1));
    assert_string_equal(out.data, expected);
    exo_buffer_free(&out);
}

static void members_that_nobody_knows_are_kept(void **state)
{
    exo_answer answer;
    char json[128];
    (void)state;
    begin(&answer);
    check_extra(&answer, EXO_ANSWER_ITSELF, "");
    apply_event(&answer, CHOICE("\"delta\":{\"o\":{\"a\":1},\"s\":\"x\",\"l\":[1],\"n\":7,\"z\":{\"a\":null}}"));
    assert_true(exo_answer_began(&answer));
    check_extra(&answer, EXO_ANSWER_ITSELF, "{\"o\":{\"a\":1},\"s\":\"x\",\"l\":[1]}");
    apply_event(&answer, CHOICE("\"delta\":{\"s\":\"yy\",\"o\":{\"b\":[22,33]},\"l\":[ 2,3]}"));
    apply_event(&answer, CHOICE("\"delta\":{\"l\":[ ],\"s\":\"z\",\"l\":{\"a\":NaN,\"b\":\"\x01\"}}"));
    check_extra(&answer, EXO_ANSWER_ITSELF, "{\"s\":\"z\",\"o\":{\"b\":[22,33]},\"l\":{\"a\":null,\"b\":\"\\u0001\"}}");
    apply_event(&answer, CHOICE("\"delta\":{\"content\":[{\"type\":\"image\"}]}"));
    apply_event(&answer, CHOICE("\"delta\":{\"content\":[{\"type\":\"video\"},{\"type\":\"sound\"}]}"));
    apply_event(
        &answer,
        CHOICE("\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"x\":[1]},{\"index\":1,\"id\":\"b\",\"function\":"
               "{\"name\":\"f\",\"x\":[2]}}]}"));
    apply_event(&answer, CHOICE("\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"x\":[3]}]}"));
    check_extra(&answer, EXO_ANSWER_ITSELF,
                "{\"s\":\"z\",\"o\":{\"b\":[22,33]},\"l\":{\"a\":null,\"b\":\"\\u0001\"},"
                "\"content\":[{\"type\":\"image\"},{\"type\":\"video\"},{\"type\":\"sound\"}]}");
    check_extra(&answer, 0, "{\"x\":[1,3]}");
    check_extra(&answer, 1, "{\"x\":[2]}");
    assert_false(exo_answer_raw_cut(&answer));
    exo_answer_free(&answer);

    /* Two lists that grow in turn, and a limit that ends it. */
    exo_limits limits = *exo_limits_host();
    limits.raw = 2000;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    for (int i = 0; i < 1000; i++) {
        snprintf(json, sizeof json, CHOICE("\"delta\":{\"%c\":[%d]}"), i % 2 ? 'a' : 'b', i);
        assert_int_equal(apply_event(&answer, json), EXO_OK);
    }
    assert_true(exo_answer_raw_cut(&answer));
    exo_answer_free(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, EXO_KEEP_ALL);
    for (int i = 0; i < 100; i++) {
        snprintf(json, sizeof json, CHOICE("\"delta\":{\"member%d\":\"x\"}"), i);
        assert_int_equal(apply_event(&answer, json), EXO_OK);
        assert_int_equal(exo_answer_raw_cut(&answer), i >= 64);
    }
    exo_answer_free(&answer);
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, EXO_KEEP_REPLAY);
    apply_event(&answer, CHOICE("\"delta\":{\"s\":\"x\"}"));
    check_extra(&answer, EXO_ANSWER_ITSELF, "");
    exo_answer_free(&answer);
}

static void raw_json_that_is_not_quite_json_is_mended(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    apply_event(&answer, CHOICE("\"delta\":{},\"logprobs\":{\"content\":[{\"logprob\":-Infinity}]}"));
    apply_event(&answer, "{\"usage\":{\"prompt_tokens\":7,\"cost\":NaN,\"note\":\"\xFF\"}}");
    assert_true(exo_span_is(exo_answer_logprobs(&answer), "[{\"content\":[{\"logprob\":null}]}]"));
    assert_true(
        exo_span_is(exo_answer_usage_json(&answer), "{\"prompt_tokens\":7,\"cost\":null,\"note\":\"" BAD "\"}"));
    assert_int_equal(exo_answer_usage(&answer)->prompt_tokens, 7);
    assert_false(exo_answer_raw_cut(&answer));
    char json[256];
    char open[71];
    char close[71];
    memset(open, '[', 70);
    memset(close, ']', 70);
    snprintf(json, sizeof json, CHOICE("\"delta\":{\"audio\":{\"a\":%.70s%.70s}}"), open, close);
    assert_int_equal(apply_event(&answer, json), EXO_OK);
    assert_int_equal(exo_answer_audio(&answer).len, 0);
    assert_true(exo_answer_raw_cut(&answer));
    exo_answer_free(&answer);
}

static void names_are_whole_up_to_their_limit(void **state)
{
    exo_limits limits = *exo_limits_host();
    exo_answer answer;
    char name[200];
    (void)state;
    limits.name = 100;
    for (size_t len = 100; len <= 101; len++) {
        int rc = len > 100 ? EXO_E_NAME_LIMIT : EXO_OK;
        memset(name, 'x', len);
        name[len] = '\0';
        exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
        assert_int_equal(apply_call(&answer, 0, name, "f", ""), rc);
        exo_answer_free(&answer);
        exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
        assert_int_equal(apply_call(&answer, 0, "a", name, ""), rc);
        exo_answer_free(&answer);
        /* in pieces */
        exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
        assert_int_equal(apply_call(&answer, 0, "a", "y", ""), 0);
        name[len - 1] = '\0';
        assert_int_equal(apply_call(&answer, 0, "a", name, ""), rc);
        exo_answer_free(&answer);
    }
    /* An id that is repeated, or new in every delta, costs nothing more in the long run. */
    limits.tool_arguments = 4096;
    exo_answer_init(&answer, &allocator, &limits, 0, EXO_KEEP_ALL);
    for (int i = 0; i < 1000; i++) {
        char id[32];
        snprintf(id, sizeof id, "call-%04d\\u00e9", i);
        assert_int_equal(apply_call(&answer, 0, id, "function", "1"), 0);
        assert_int_equal(apply_call(&answer, 0, id, "function", ""), 0);
    }
    exo_tool_call call;
    assert_int_equal(exo_answer_tool_call(&answer, 0, &call), EXO_OK);
    assert_true(exo_span_is(call.id, "call-0999\xC3\xA9"));
    assert_int_equal(call.arguments.len, 1000);
    assert_int_equal(apply_call(&answer, 1, "call-0000\\u00e9", "", ""), 0);
    exo_answer_free(&answer);
}

static void the_text_can_be_taken(void **state)
{
    exo_answer answer;
    (void)state;
    begin(&answer);
    apply(&answer, EXO_DELTA_CONTENT, "Hello");
    exo_buffer text = exo_answer_take_text(&answer);
    assert_int_equal(exo_answer_text(&answer).len, 0);
    exo_answer_free(&answer);
    assert_true(exo_span_is(exo_buffer_span(&text), "Hello"));
    exo_buffer_free(&text);
}

static void calls_that_were_cut(void **state)
{
    static const struct {
        const char *events[3];
        int rc;
    } cases[] = {
        {{CHOICE("\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"arguments\":\"{}\"}}]}"),
          FINISH("tool_calls")},
         EXO_E_CUT_CALL},
        {{CHOICE("\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"arguments\":\"{}\"}}]}"), FINISH("length")},
         EXO_OK},
        {{CHOICE("\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"arguments\":\"{}\"}}]}")}, EXO_E_TRUNCATED},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), CHOICE(ARGUMENTS("\"{\\\"x\\\"\"")), FINISH("tool_calls")},
         EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":\\\"half a li\"")), FINISH("tool_calls")}, EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":\\\"half a li\"")), FINISH("stop")}, EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":\\\"half a li\"")), FINISH("MAX_TOKENS")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":\\\"half a li\"")), "{", FINISH("stop")}, EXO_E_MALFORMED},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":\"")), FINISH("stop")}, EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":12\"")), FINISH("stop")}, EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":{\\\"y\\\":\\\"z\\\"\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":true\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}{\\\"x\\\": 1}\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}{\\\"x\\\":2}\"")), FINISH("stop")}, EXO_E_CUT_CALL},
        {{CHOICE(ARGUMENTS("\"{}{\\\"x\\\":2}\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"just prose\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"\"")), FINISH("stop")}, EXO_OK},
        {{CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), CHOICE(ARGUMENTS("\"{\\\"x\\\":1}\"")), FINISH("tool_calls")},
         EXO_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exo_answer answer;
        begin(&answer);
        for (size_t e = 0; e < 3 && cases[i].events[e]; e++) {
            apply_event(&answer, cases[i].events[e]);
        }
        assert_int_equal(exo_answer_end(&answer, false), cases[i].rc);
        exo_answer_free(&answer);
    }
}

/* Applies something of everything, and returns the first error. */
static int apply_much(exo_answer *answer)
{
    static const char *const events[] = {
        CHOICE("\"delta\":{\"content\":\"x\",\"reasoning\":\"y\",\"refusal\":\"z\",\"reasoning_details\":[{\"a\":1}],"
               "\"audio\":{\"b\":2}},\"logprobs\":{\"c\":3}"),
        CHOICE(
            "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}},"
            "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"},\"extra_content\":{\"d\":4}},"
            "{\"index\":2,\"id\":\"c\",\"function\":{\"name\":\"h\",\"arguments\":{\"e\":"
            "\"0123456789012345678901234567890"
            "12345678901234567890123456789\"}}}]}"),
        CHOICE("\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"3\"}}]}"),
        "{\"usage\":{\"total_tokens\":1}}",
        "{\"error\":{\"code\":1}}",
    };
    int rc = EXO_OK;
    for (size_t i = 0; rc == EXO_OK && i < sizeof events / sizeof *events; i++) {
        rc = apply_event(answer, events[i]);
    }
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    int rc = EXO_E_NO_MEMORY;
    (void)state;
    for (size_t fail_at = 1; rc != EXO_OK; fail_at++) {
        exo_answer answer;
        exo_tool_call call;
        begin(&answer);
        heap.fail_at = fail_at;
        rc = apply_much(&answer);
        if (rc == EXO_OK) {
            rc = exo_answer_tool_call(&answer, 0, &call);
        } else {
            assert_int_equal(rc, EXO_E_NO_MEMORY);
            assert_int_equal(exo_answer_end(&answer, true), EXO_E_NO_MEMORY);
        }
        if (rc == EXO_OK) {
            assert_true(exo_span_is(call.arguments, "13"));
        } else if (exo_answer_tool_calls(&answer) == 3) {
            /* Gathering leaves all as it was, and may be tried again. */
            heap.fail_at = 0;
            exo_answer_tool_call(&answer, 1, &call);
            assert_true(exo_span_is(call.id, "b"));
        }
        exo_answer_free(&answer);
    }
    assert_true(heap.calls > 10);
}

/* Words of any length take the place of others, in any order, and each is what came last. */
static void words_may_change(void **state)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "bc",
                                        "none",
                                        "0123456789012345678901234567",
                                        "stop",
                                        "a-long-one-of-sixty-bytes-0123456789012345678901234567890123"};
    static const exo_delta_type types[] = {EXO_DELTA_ID, EXO_DELTA_MODEL, EXO_DELTA_TIER, EXO_DELTA_FINISH};
    const char *last[] = {"", "", "", ""};
    exo_answer answer;
    uint32_t dice = 1;
    (void)state;
    begin(&answer);
    for (int i = 0; i < 2000; i++) {
        dice = dice * 1664525 + 1013904223;
        const size_t which = dice >> 30;
        const size_t most = which == 2 ? 6 : 7; /* where the longest would be cut */
        const char *text = texts[(dice >> 8) % most];
        const bool is_reason = which != 3 || (*text != '\0' && strcmp(text, "none") != 0);
        assert_int_equal(apply(&answer, types[which], text), EXO_OK);
        if (is_reason || *last[3] == '\0' || strcmp(last[3], "none") == 0) {
            last[which] = text;
        }
        assert_true(exo_span_is(exo_answer_id(&answer), last[0]));
        assert_true(exo_span_is(exo_answer_model(&answer), last[1]));
        assert_true(exo_span_is(exo_answer_service_tier(&answer), last[2]));
        assert_true(exo_span_is(exo_answer_finish_reason(&answer), last[3]));
    }
    exo_answer_free(&answer);
    assert_int_equal(exo_answer_id(&answer).len + exo_answer_finish_reason(&answer).len, 0);
}

static void interleaving_costs_linear_time(void **state)
{
    exo_answer answer;
    exo_tool_call call;
    char id[16];
    (void)state;
    begin(&answer);
    for (int i = 0; i < 100000; i++) {
        snprintf(id, sizeof id, "call-%d", i % 100);
        assert_int_equal(apply_call(&answer, i % 100, id, "f", "0123456789"), i % 100);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(exo_answer_tool_call(&answer, i, &call), EXO_OK);
        assert_int_equal(call.arguments.len, 10000);
    }
    exo_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reasoning_and_refusal),
        cmocka_unit_test(short_texts_are_cut_between_characters),
        cmocka_unit_test(only_what_is_wished_is_kept),
        cmocka_unit_test(replay_data_are_lists),
        cmocka_unit_test(the_tool_rule),
        cmocka_unit_test(arguments_go_on_after_they_were_gathered),
        cmocka_unit_test(an_object_replaces_what_came_before),
        cmocka_unit_test(the_legacy_call_is_one),
        cmocka_unit_test(arguments_without_a_call_are_nobodys),
        cmocka_unit_test(other_choices_are_ignored),
        cmocka_unit_test(a_whole_message_counts_only_alone),
        cmocka_unit_test(the_last_usage_wins),
        cmocka_unit_test(success_must_be_proven),
        cmocka_unit_test(malformed_events_are_counted),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(limits_are_sticky),
        cmocka_unit_test(long_ids_reach_the_limit_too),
        cmocka_unit_test(the_number_of_calls_has_a_limit),
        cmocka_unit_test(arguments_are_repaired_only_when_proven),
        cmocka_unit_test(what_is_shown_is_what_is_kept),
        cmocka_unit_test(whatever_comes_is_shown_as_it_is_kept),
        cmocka_unit_test(arguments_that_are_not_kept_are_shown_all_the_same),
        cmocka_unit_test(members_that_nobody_knows_are_kept),
        cmocka_unit_test(raw_json_that_is_not_quite_json_is_mended),
        cmocka_unit_test(names_are_whole_up_to_their_limit),
        cmocka_unit_test(the_text_can_be_taken),
        cmocka_unit_test(calls_that_were_cut),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(words_may_change),
        cmocka_unit_test(interleaving_costs_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
