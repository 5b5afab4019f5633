/*
 * test_chunk.c: the JSON of one event → deltas, dialect by dialect, and nothing of what does not belong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/core/chunk_places.h"
#include "delta_log.h"

/* Appends the deltas of one event, which lies in memory of exactly its size. */
static void read_event(exo_chunk *chunk, exo_span data, bool error, delta_log *log)
{
    char *copy = malloc(data.len > 0 ? data.len : 1);
    exo_delta delta;
    assert_non_null(copy);
    if (data.len > 0) {
        memcpy(copy, data.ptr, data.len);
    }
    exo_chunk_begin(chunk, exo_span_of(copy, data.len), error);
    log_bytes(log, "", 0);
    while (exo_chunk_next(chunk, &delta) == EXO_EVENT) {
        log_delta(log, &delta);
    }
    assert_int_equal(exo_chunk_next(chunk, &delta), EXO_OK);
    free(copy);
}

static void check_reader(exo_chunk *chunk, const char *json, const char *expected)
{
    delta_log log = {0};
    read_event(chunk, exo_span_text(json), false, &log);
    assert_string_equal(log.text, expected);
    free(log.text);
}

/* In the shorter ways that a build may have, and without. */
static void check_event(const char *json, const char *expected)
{
    exo_chunk chunk;
    exo_chunk_init(&chunk, exo_limits_host());
    check_reader(&chunk, json, expected);
#ifndef EXO_SMALL
    chunk.by_tokens_ = true;
    check_reader(&chunk, json, expected);
#endif
}

struct event_case {
    const char *json;
    const char *expected;
};

static void check_events(const struct event_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_event(cases[i].json, cases[i].expected);
    }
}

#define BAD "\xEF\xBF\xBD"

#define CHECK_ALL(cases) check_events(cases, sizeof(cases) / sizeof *(cases))

/* One choice whose delta has these members. */
#define DELTA(members) "{\"choices\":[{\"index\":0,\"delta\":{" members "}}]}"

static void text_and_its_neighbours(void **state)
{
    static const struct event_case cases[] = {
        {"{}", ""},
        {" { } ", ""},
        {DELTA("\"role\":\"assistant\",\"content\":\"Hel\""), "content \"Hel\" last\n"},
        {DELTA("\"role\":\"\",\"content\":\"\""), ""},
        {DELTA("\"content\":null,\"role\":null"), ""},
        {DELTA("\"content\":\"a\\nb\""), "content \"a\\0ab\" last\n"},
        {DELTA("\"content\":\"\\ud83d\\ude00 \\ud83d\""),
         "content \"\xF0\x9F\x98\x80 \"\ncontent \"\xEF\xBF\xBD\" half d83d last\n"},
        {DELTA("\"content\":\"\xE2\x80\xA8\xFF\""), "content \"\xE2\x80\xA8\xEF\xBF\xBD\" last\n"},
        {DELTA("\"cont\\u0065nt\":\"escaped key\""), "content \"escaped key\" last\n"},
        {DELTA("\"content\":\"first\",\"content\":\"second\""), "content \"second\" last\n"},
        {DELTA("\"refusal\":\"No.\",\"content\":\"x\""), "content \"x\" last\nrefusal \"No.\" last\n"},
        {"{\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"obfuscation\":\"xx\","
         "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":null,\"finish_reason\":null,"
         "\"matched_stop\":null}],\"usage\":null}",
         "id \"c-1\"\nmodel \"m\"\ncontent \"a\" last\n"},
        {"{\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}", ""},
        {"{\"id\":null,\"model\":7,\"choices\":[{\"index\":0,\"content_filter_offsets\":{},\"finish_reason\":null}]}",
         ""},
        {"{\"id\":\"a\\tb\",\"model\":\"\\u00e9\"}", "id \"a\\tb\"\nmodel \"\\u00e9\"\n"},
        /* together: text beside delta; writer: message beside delta */
        {"{\"choices\":[{\"text\":\"a\",\"delta\":{\"content\":\"a\"},\"message\":{\"content\":\"a\"}}]}",
         "content \"a\" last\n"},
        {"{\"choices\":[{\"text\":\"a\",\"delta\":{}}]}", "content \"a\" last whole\n"},
        {"{\"choices\":[{\"text\":\"a\",\"delta\":{\"content\":false}}]}", "content \"a\" last whole\n"},
        {"{\"choices\":[{\"text\":\"a\",\"delta\":{\"refusal\":\"no\"}}]}", "refusal \"no\" last\n"},
        {"{\"choices\":[{\"text\":\"\",\"delta\":\"a\"},{\"delta\":[\"b\",{\"text\":\"c\"}]}]}",
         "content \"a\" last\ncontent \"b\" last\ncontent \"c\" last\n"},
        /* a legacy completion */
        {"{\"choices\":[{\"text\":\"a\"}]}", "content \"a\" last\n"},
        {"{\"choices\":[{\"text\":\"a\",\"delta\":null,\"message\":null}]}", "content \"a\" last\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void choices_by_index(void **state)
{
    static const struct event_case cases[] = {
        {"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"} , "
         "{\"delta\":{\"content\":\"a\"}},{\"index\":2,\"delta\":{\"content\":\"c\"}}]}",
         "content [1] \"b\" last\nfinish [1] \"stop\"\ncontent \"a\" last\ncontent [2] \"c\" last\n"},
        {"{\"choices\":[{\"index\":4294967295,\"delta\":{\"content\":\"a\"}}]}", "content [4294967295] \"a\" last\n"},
        {"{\"choices\":[{\"index\":4294967296,\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}}]}",
         "content \"b\" last\n"},
        /* an index that is none is no reason to lose the text */
        {"{\"choices\":[{\"index\":-1,\"delta\":{\"content\":\"a\"}},{\"index\":0.5,\"delta\":{\"content\":\"b\"}},"
         "{\"index\":1e30,\"delta\":{\"content\":\"c\"}}]}",
         "content \"a\" last\ncontent \"b\" last\ncontent \"c\" last\n"},
        {"{\"choices\":[{\"index\":null,\"delta\":{\"content\":\"a\"}},{\"index\":\"3\",\"delta\":{\"content\":\"b\"}}]"
         "}",
         "content \"a\" last\ncontent \"b\" last\n"},
        {"{\"choices\":[null,1,\"x\",[{\"delta\":{\"content\":\"no\"}}],true,{},{\"delta\":{\"content\":\"yes\"}}]}",
         "content \"yes\" last\n"},
        {"{\"choices\":null}", ""},
        {"{\"choices\":{\"delta\":{\"content\":\"no\"}}}", ""},
        {"{\"choices\":\"no\"}", ""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void wrong_types_do_no_harm(void **state)
{
    static const char *const values[] = {"null", "true", "false", "0",      "-1.5e3",       "\"\"",
                                         "[]",   "{}",   "[[]]",  "[null]", "[1,\"a\",{}]", "{\"a\":[{}]}"};
    static const char *const members[] = {
        "choices", "delta",      "message",       "content",       "reasoning_content", "reasoning", "reasoning_text",
        "refusal", "tool_calls", "function_call", "audio",         "reasoning_details", "index",     "id",
        "model",   "usage",      "x_groq",        "finish_reason", "logprobs",          "base_resp"};
    static const char *const shapes[] = {"{\"%s\":%s}",
                                         "{\"choices\":[{\"%s\":%s}]}",
                                         "{\"choices\":[{\"delta\":{\"%s\":%s}}]}",
                                         "{\"choices\":[{\"message\":{\"%s\":%s}}]}",
                                         "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"%s\":%s}]}}]}",
                                         "{\"choices\":[{\"delta\":{\"content\":[{\"%s\":%s}]}}]}"};
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t m = 0; m < sizeof members / sizeof *members; m++) {
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                char json[256];
                delta_log log = {0};
                exo_chunk chunk;
                snprintf(json, sizeof json, shapes[s], members[m], values[v]);
                exo_chunk_init(&chunk, exo_limits_host());
                read_event(&chunk, exo_span_text(json), false, &log);
                /* Lists and objects that are kept raw may come out, and the literals that stand in a text's place;
                 * nothing else is there to be said. */
                static const char *const said[] = {"details ",   "logprobs ",         "audio ",
                                                   "usage ",     "member ",           "content ",
                                                   "reasoning ", "call -1 \"\" \"\"", "call member "};
                const char *text = log.text;
                while (*text != '\0') {
                    size_t i = 0;
                    while (i < sizeof said / sizeof *said && strncmp(text, said[i], strlen(said[i])) != 0) {
                        i++;
                    }
                    assert_true(i < sizeof said / sizeof *said);
                    text = strchr(text, '\n') + 1;
                }
                free(log.text);
            }
        }
    }
}

static void lists_of_parts(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]"),
         "content \"a\" last\ncontent \"b\" last\n"},
        {DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"},"
               "{\"type\":\"text\",\"text\":\"ah\"}]},{\"type\":\"text\",\"text\":\"b\"}]"),
         "reasoning \"hm\" last\nreasoning \"ah\" last\ncontent \"b\" last\n"},
        {DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"}]"), "reasoning \"hm\" last\n"},
        {DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"thinking\",\"thinking\":\"no\"},"
               "{\"type\":\"reference\"}]}]"),
         ""},
        {DELTA("\"content\":[{\"type\":\"text\"},null,{},[],{\"type\":7},{\"text\":null}]"), ""},
        {DELTA("\"content\":[ ]"), ""},
        /* a part of another kind is kept */
        {DELTA("\"content\":[{\"type\":\"reference\",\"reference_ids\":[1,2],\"text\":\"no\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},{\"type\":\"text\",\"text\":\"a\"}]"),
         "member \"content\" \"{\"type\":\"reference\",\"reference_ids\":[1,2],\"text\":\"no\"}\" list\n"
         "member \"content\" \"{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}}\" list\n"
         "content \"a\" last\n"},
        /* reasoning with a summary, and other names of texts */
        {DELTA("\"content\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"},"
               "{\"type\":\"summary_text\",\"text\":\"ah\"}]},{\"type\":\"output_text\",\"text\":\"b\"}]"),
         "reasoning \"hm\" last\nreasoning \"ah\" last\ncontent \"b\" last\n"},
        {DELTA("\"content\":[{\"type\":\"reasoning\",\"summary\":[],\"text\":\"hm\"},{\"type\":\"reasoning_text\","
               "\"content\":\"ah\"}]"),
         "reasoning \"hm\" last\nreasoning \"ah\" last\n"},
        {DELTA("\"reasoning\":\"hm\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"text\":\"b\"}]"),
         "reasoning \"hm\" last\ncontent \"b\" last\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void text_of_other_values(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"content\":5"), "content \"5\" last\n"},
        {DELTA("\"content\":-0.50e+3"), "content \"-0.50e+3\" last\n"},
        {DELTA("\"content\":true"), "content \"true\" last\n"},
        {DELTA("\"content\":false"), "content \"false\" last\n"},
        {DELTA("\"reasoning_content\":0"), "reasoning \"0\" last\n"},
        {DELTA("\"content\":{\"text\":\"a\"}"), "content \"a\" last\n"},
        {DELTA("\"content\":{\"content\":{\"text\":7}}"), "content \"7\" last\n"},
        {DELTA("\"content\":{\"text\":\"\",\"summary\":[\"a\",1]}"), "content \"a\" last\ncontent \"1\" last\n"},
        {DELTA("\"content\":[\"a\",5,null,true,{\"text\":\"b\"},[\"c\",[\"d\",[\"e\",[\"too deep\"]]]]]"),
         "content \"a\" last\ncontent \"5\" last\ncontent \"true\" last\ncontent \"b\" last\ncontent \"c\" last\n"
         "content \"d\" last\ncontent \"e\" last\nmember \"content\" \"[\"too deep\"]\" list\n"},
        {DELTA("\"content\":{\"text\":{\"text\":{\"text\":{\"text\":{\"text\":\"too deep\"}}}}}"),
         "member \"content\" \"{\"text\":{\"text\":{\"text\":{\"text\":{\"text\":\"too deep\"}}}}}\" list\n"},
        {DELTA("\"content\":{\"type\":\"text\",\"text\":{\"value\":\"a\"}}"),
         "member \"content\" \"{\"type\":\"text\",\"text\":{\"value\":\"a\"}}\" list\n"},
        {DELTA("\"content\":[{\"markdown\":\"a\"},{\"markdown\":null},{\"text\":\"\",\"cached\":{\"a\":1}},{}]"),
         "member \"content\" \"{\"markdown\":\"a\"}\" list\n"},
        {DELTA("\"reasoning_content\":{\"text\":\"hm\"},\"reasoning\":\"no\""), "reasoning \"hm\" last\n"},
        {DELTA("\"reasoning_content\":{\"text\":\"\"},\"reasoning\":[{\"text\":\"hm\"}]"), "reasoning \"hm\" last\n"},
        {DELTA("\"reasoning\":{\"summary\":[{\"text\":\"hm\"},\"ah\"]}"),
         "reasoning \"hm\" last\nreasoning \"ah\" last\n"},
        {DELTA(
             "\"reasoning\":\"\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\"},"
             "{\"type\":\"reasoning.encrypted\",\"data\":\"no\"},{\"type\":\"reasoning.summary\",\"summary\":\"ah\"}]"),
         "reasoning \"hm\" last\nreasoning \"ah\" last\n"
         "details \"[{\"type\":\"reasoning.text\",\"text\":\"hm\"},{\"type\":\"reasoning.encrypted\",\"data\":\"no\"},"
         "{\"type\":\"reasoning.summary\",\"summary\":\"ah\"}]\"\n"},
        {DELTA("\"refusal\":false"), ""},
        {"{\"choices\":[{\"text\":7}]}", "content \"7\" last\n"},
        {"{\"choices\":[{\"message\":{\"content\":[{\"text\":\"a\"}]}}]}", "content \"a\" last whole\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void halves_of_characters(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"content\":\"ok \\ud83d\""), "content \"ok \"\ncontent \"" BAD "\" half d83d last\n"},
        {DELTA("\"content\":\"\\ude00!\""), "content \"" BAD "\" half de00\ncontent \"!\" last\n"},
        {DELTA("\"content\":\"\\uDE00\\uD83D\""),
         "content \"" BAD "\" half de00\ncontent \"" BAD "\" half d83d last\n"},
        {DELTA("\"content\":\"\\ude00\""), "content \"" BAD "\" half de00 last\n"},
        {DELTA("\"content\":\"a\\ud83d\\ud83d\""), "content \"a" BAD "\"\ncontent \"" BAD "\" half d83d last\n"},
        {DELTA("\"content\":\"\\ud83d\\ude00\""), "content \"\xF0\x9F\x98\x80\" last\n"},
        {DELTA("\"content\":\"\\\\ud83d\""), "content \"\\ud83d\" last\n"},
        {DELTA("\"content\":\"\\\\\\ud83d\""), "content \"\\\"\ncontent \"" BAD "\" half d83d last\n"},
        {DELTA("\"content\":\"\\ud83d.\\ude00.\""), "content \"" BAD "." BAD ".\" last\n"},
        {DELTA("\"reasoning\":\"\\ud83d\",\"refusal\":\"\\ude00\",\"tool_calls\":[{\"function\":{\"arguments\":"
               "\"{\\ud83d\"}}]"),
         "reasoning \"" BAD "\" half d83d last\nrefusal \"" BAD "\" half de00 last\ncall -1 \"\" \"\"\n"
         "arguments \"{\"\narguments \"" BAD "\" half d83d last\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void roles_of_others_and_errors_of_choices(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"role\":\"user\",\"content\":\"a\",\"reasoning\":\"b\""),
         "reasoning \"b\" last\ncontent \"a\" last echo\n"},
        {DELTA("\"role\":\"tool\",\"content\":[{\"text\":\"a\"}]"), "content \"a\" last echo\n"},
        {"{\"choices\":[{\"message\":{\"role\":\"tool\",\"content\":\"a\"}},{\"delta\":{\"role\":\"model\",\"content\":"
         "\"b\"}}]}",
         "content \"a\" last whole echo\ncontent \"b\" last\n"},
        {"{\"choices\":[{\"delta\":{\"role\":\"user\",\"content\":\"a\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}]"
         "}",
         "content \"a\" last echo\ncontent [1] \"b\" last\n"},
        {"{\"id\":\"g\",\"choices\":[{\"index\":0,\"error\":{\"code\":502},\"delta\":{\"content\":\"a\"}}]}",
         "id \"g\"\nerror \"{\"index\":0,\"error\":{\"code\":502},\"delta\":{\"content\":\"a\"}}\"\ncontent \"a\" "
         "last\n"},
        {"{\"choices\":[null,{\"error\":null,\"delta\":{\"content\":\"a\"}},{\"error\":\"\"}]}",
         "content \"a\" last\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void members_that_nobody_knows(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"images\":[{\"url\":\"x\"}],\"content\":\"a\",\"reasoning_opaque\":\"AB\\n\""),
         "content \"a\" last\nmember \"images\" \"[{\"url\":\"x\"}]\"\nmember \"reasoning_opaque\" \"\"AB\\n\"\"\n"},
        {DELTA("\"x\":{\"a\":null , "
               "\"b\":{}},\"y\":{\"a\":null},\"z\":{},\"n\":7,\"t\":true,\"e\":\"\",\"l\":[],\"u\":null"),
         "member \"x\" \"{\"a\":null , \"b\":{}}\"\n"},
        {DELTA("\"role\":\"assistant\",\"annotations\":[ 1 ],\"tool_calls\":[]"), "member \"annotations\" \"[ 1 ]\"\n"},
        {"{\"a\":\"top\",\"choices\":[{\"b\":\"choice\",\"delta\":{\"c\":\"delta\"}},{\"message\":{\"d\":\"message\"}}]"
         "}",
         "member \"c\" \"\"delta\"\"\nmember \"d\" \"\"message\"\" whole\n"},
        {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
               "\"arguments\":\"{}\",\"signature\":\"S\"},\"provider_specific_fields\":{\"s\":\"T\"},\"token_id\":7},"
               "{\"index\":1,\"token_id\":7},{\"index\":2,\"x\":[1]}]"),
         "call 0 \"a\" \"f\"\narguments \"{}\" last\ncall member \"provider_specific_fields\" \"{\"s\":\"T\"}\"\n"
         "call member \"signature\" \"\"S\"\"\ncall 2 \"\" \"\"\ncall member \"x\" \"[1]\"\n"},
        {DELTA("\"function_call\":{\"name\":\"f\",\"x\":\"y\"}"),
         "call -1 \"\" \"f\" legacy\ncall member \"x\" \"\"y\"\"\n"},
        {DELTA("\"a\\u0062\":\"escaped\",\"\":\"empty\""), ""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void reasoning_under_its_names(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"reasoning_content\":\"a\""), "reasoning \"a\" last\n"},
        {DELTA("\"reasoning\":\"a\""), "reasoning \"a\" last\n"},
        {DELTA("\"reasoning_text\":\"a\""), "reasoning \"a\" last\n"},
        {DELTA("\"reasoning\":\"a\",\"reasoning_content\":\"a\""), "reasoning \"a\" last\n"},
        {DELTA("\"reasoning_content\":\"\",\"reasoning\":\"b\",\"reasoning_text\":\"c\""), "reasoning \"b\" last\n"},
        {DELTA("\"reasoning_content\":null,\"reasoning\":{\"text\":\"\"},\"reasoning_text\":\"c\""),
         "reasoning \"c\" last\n"},
        {DELTA("\"content\":\"x\",\"reasoning_content\":\"r\""), "reasoning \"r\" last\ncontent \"x\" last\n"},
        {DELTA("\"reasoning\":\"r\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"r\"}]"),
         "reasoning \"r\" last\ndetails \"[{\"type\":\"reasoning.text\",\"text\":\"r\"}]\"\n"},
        {DELTA("\"reasoning_details\":[]"), ""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void tool_calls(void **state)
{
    static const struct event_case cases[] = {
        {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
               "\"arguments\":\"\"}}]"),
         "call 0 \"call_1\" \"f\"\n"},
        {DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]"),
         "call 0 \"\" \"\"\narguments \"{\"a\":\" last\n"},
        {DELTA("\"tool_calls\":[{\"id\":\"x\",\"index\":null,\"function\":{\"name\":null,\"arguments\":\"1\"}},"
               "{\"index\":9007199254740993,\"function\":{\"name\":\"g\",\"arguments\":null}}]"),
         "call -1 \"x\" \"\"\narguments \"1\" last\ncall 9007199254740993 \"\" \"g\"\n"},
        {DELTA("\"tool_calls\":[{\"index\":-5,\"id\":\"x\"},{\"index\":1.5,\"id\":\"y\"},{\"index\":\"0\",\"id\":\"z\"}"
               "]"),
         "call -1 \"x\" \"\"\ncall -1 \"y\" \"\"\ncall -1 \"z\" \"\"\n"},
        {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\": 1}}}]"),
         "call 0 \"x\" \"f\"\nobject \"{\"a\": 1}\"\n"},
        {DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":{}}}]"), "call 0 \"\" \"\"\n"},
        {DELTA("\"tool_calls\":[{\"id\":\"x\",\"function\":{\"arguments\":[1]},"
               "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}]"),
         "call -1 \"x\" \"\"\nobject \"[1]\"\nextra \"{\"google\":{\"thought_signature\":\"s\"}}\"\n"},
        {DELTA("\"tool_calls\":{\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":5}}"),
         "call -1 \"x\" \"f\"\narguments \"5\" last\n"},
        {DELTA("\"tool_calls\":[{\"id\":\"x\",\"function\":{\"arguments\":[]}},{\"id\":\"y\",\"function\":{"
               "\"arguments\":false}},{\"id\":\"z\",\"function\":{\"arguments\":true}}]"),
         "call -1 \"x\" \"\"\ncall -1 \"y\" \"\"\narguments \"false\" last\ncall -1 \"z\" \"\"\narguments \"true\" "
         "last\n"},
        {DELTA("\"tool_calls\":[{\"index\":0,\"extra_content\":{\"a\":1}}]"),
         "call 0 \"\" \"\"\nextra \"{\"a\":1}\"\n"},
        /* nothing is said */
        {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"\"}},{},null,7,"
               "{\"index\":1,\"id\":null,\"function\":null},{\"index\":2,\"function\":\"f\"}]"),
         ""},
        /* the last of duplicates, members of the lost one included */
        {DELTA("\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"},"
               "\"function\":{\"name\":\"g\"},\"id\":\"b\"}]"),
         "call -1 \"b\" \"g\"\n"},
        {DELTA("\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\"},\"function\":null}]"),
         "call -1 \"a\" \"\"\n"},
        /* legacy */
        {DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"},\"content\":null"),
         "call -1 \"\" \"f\" legacy\narguments \"{\" last\n"},
        {DELTA("\"function_call\":{\"arguments\":{\"a\":1}}"), "call -1 \"\" \"\" legacy\nobject \"{\"a\":1}\"\n"},
        {DELTA("\"function_call\":{\"name\":\"g\"},\"tool_calls\":[{\"id\":\"x\"}]"),
         "call -1 \"x\" \"\"\ncall -1 \"\" \"g\" legacy\n"},
        {DELTA("\"function_call\":{},\"tool_calls\":{\"id\":\"\"}"), ""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void names_come_whole_and_as_they_stand(void **state)
{
    char json[1024];
    char name[200];
    exo_chunk chunk;
    exo_delta delta;
    (void)state;
    snprintf(name, sizeof name, "%0127d\\u00e9", 0);
    snprintf(json, sizeof json,
             "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"%0300d\",\"function\":{\"name\":\"%s\"}}]}}]}", 0,
             name);
    exo_chunk_init(&chunk, exo_limits_host());
    exo_chunk_begin(&chunk, exo_span_text(json), false);
    assert_int_equal(exo_chunk_next(&chunk, &delta), EXO_EVENT);
    assert_int_equal(delta.id.len, 300);
    assert_true(exo_span_is(delta.name, name));
}

static void whole_messages(void **state)
{
    static const struct event_case cases[] = {
        {"{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
         "\"content\":\"all\",\"reasoning_content\":\"r\",\"refusal\":\"n\",\"tool_calls\":[{\"id\":\"x\",\"function\":"
         "{"
         "\"name\":\"f\",\"arguments\":\"{}\"}}],\"audio\":{\"id\":\"a\"}},\"logprobs\":{\"content\":[]},"
         "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}",
         "reasoning \"r\" last whole\ncontent \"all\" last whole\nrefusal \"n\" last whole\n"
         "call -1 \"x\" \"f\" whole\narguments \"{}\" last whole\naudio \"{\"id\":\"a\"}\" whole\n"
         "logprobs \"{\"content\":[]}\" whole\nfinish \"stop\"\nusage 1 -1 -1 cached -1 reasoning -1\n"},
        {"{\"choices\":[{\"message\":{\"content\":\"all\"},\"delta\":null},{\"index\":1,\"delta\":{\"content\":\"a\"}}]"
         "}",
         "content \"all\" last whole\ncontent [1] \"a\" last\n"},
        {"{\"choices\":[{\"message\":{\"content\":\"all\"},\"delta\":{}}]}", "content \"all\" last whole\n"},
        {"{\"choices\":[{\"message\":{\"content\":\"all\"},\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
         "content \"all\" last whole\n"},
        {"{\"choices\":[{\"message\":{\"content\":\"all\"},\"delta\":{\"tool_calls\":[{\"id\":\"x\"}]}}]}",
         "call -1 \"x\" \"\"\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void finish_logprobs_and_audio(void **state)
{
    static const struct event_case cases[] = {
        {"{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}", "finish \"tool_calls\"\n"},
        {"{\"choices\":[{\"finish_reason\":\"stop\"}]}", "finish \"stop\"\n"},
        {"{\"choices\":[{\"finish_reason\":\"\"},{\"finish_reason\":null},{\"finish_reason\":0}]}", ""},
        {"{\"choices\":[{\"delta\":{\"audio\":{\"data\":\"AA==\"}},\"logprobs\":{\"content\":[{\"token\":\"a\"}]}}]}",
         "audio \"{\"data\":\"AA==\"}\"\nlogprobs \"{\"content\":[{\"token\":\"a\"}]}\"\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void usage_wherever_it_stands(void **state)
{
    static const struct event_case cases[] = {
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}",
         "usage 5 7 12 cached -1 reasoning -1\n"},
        {"{\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0.0,\"total_tokens\":1e2}}",
         "usage 0 0 100 cached -1 reasoning -1\n"},
        {"{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1.5,\"total_tokens\":\"3\"}}",
         "usage -1 -1 -1 cached -1 reasoning -1\n"},
        {"{\"usage\":{\"total_tokens\":9223372036854775807,\"prompt_tokens\":9223372036854775808}}",
         "usage -1 -1 9223372036854775807 cached -1 reasoning -1\n"},
        {"{\"usage\":null}", ""},
        {"{\"usage\":{}}", ""},
        {"{\"usage\":[1]}", ""},
        {"{\"usage\":{\"prompt_tokens_details\":{\"cached_tokens\":1},\"prompt_cache_hit_tokens\":2,"
         "\"cached_tokens\":3,\"cache_read_input_tokens\":4}}",
         "usage -1 -1 -1 cached 1 reasoning -1\n"},
        {"{\"usage\":{\"prompt_tokens_details\":null,\"prompt_cache_hit_tokens\":2,\"cached_tokens\":3}}",
         "usage -1 -1 -1 cached 2 reasoning -1\n"},
        {"{\"usage\":{\"prompt_tokens_details\":{\"cached_tokens\":null},\"cached_tokens\":3,"
         "\"cache_read_input_tokens\":4}}",
         "usage -1 -1 -1 cached 3 reasoning -1\n"},
        {"{\"usage\":{\"cache_read_input_tokens\":4}}", "usage -1 -1 -1 cached 4 reasoning -1\n"},
        {"{\"usage\":{\"reasoning_tokens\":2,\"completion_tokens_details\":{\"reasoning_tokens\":1}}}",
         "usage -1 -1 -1 cached -1 reasoning 1\n"},
        {"{\"usage\":{\"reasoning_tokens\":2,\"completion_tokens_details\":{}}}",
         "usage -1 -1 -1 cached -1 reasoning 2\n"},
        {"{\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":5}}}", "usage 5 -1 -1 cached -1 reasoning -1\n"},
        {"{\"x_groq\":{\"usage\":{\"prompt_tokens\":5}},\"usage\":{\"prompt_tokens\":6}}",
         "usage 6 -1 -1 cached -1 reasoning -1\n"},
        {"{\"x_groq\":{\"usage\":{\"prompt_tokens\":5}},\"usage\":null}", "usage 5 -1 -1 cached -1 reasoning -1\n"},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"usage\":{\"prompt_tokens\":8}},{\"index\":1}]}",
         "content \"a\" last\nusage 8 -1 -1 cached -1 reasoning -1\n"},
        {"{\"choices\":[{\"usage\":{\"prompt_tokens\":8}}],\"x_groq\":{\"usage\":{\"prompt_tokens\":9}}}",
         "usage 9 -1 -1 cached -1 reasoning -1\n"},
        {"{\"choices\":[{\"index\":1,\"usage\":{\"prompt_tokens\":8}},{\"usage\":{\"prompt_tokens\":9}}]}",
         "usage 9 -1 -1 cached -1 reasoning -1\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void usage_is_kept_raw(void **state)
{
    static const char json[] = "{\"usage\": {\"cost\": 0.1, \"prompt_tokens\": 1 } }";
    exo_chunk chunk;
    exo_delta delta;
    (void)state;
    exo_chunk_init(&chunk, exo_limits_host());
    exo_chunk_begin(&chunk, exo_span_text(json), false);
    assert_int_equal(exo_chunk_next(&chunk, &delta), EXO_EVENT);
    assert_true(exo_span_is(delta.text, "{\"cost\": 0.1, \"prompt_tokens\": 1 }"));
    assert_ptr_equal(delta.text.ptr, json + 10);
}

static void errors_come_first_and_whole(void **state)
{
    static const char *const errors[] = {
        "{\"error\":{\"message\":\"m\",\"code\":500}}",
        "{\"error\":{}}",
        "{\"error\":\"text\",\"code\":\"c\"}",
        "{\"error\":true}",
        "{\"error\":[{}]}",
        "{\"error\":503}",
        "{\"object\":\"error\",\"message\":\"m\"}",
        "{\"detail\":\"Not found\"}",
        "{\"detail\":[{\"msg\":\"m\"}]}",
        "{\"fault\":{\"faultstring\":\"m\"}}",
        "{\"success\":false,\"errors\":[{\"message\":\"m\"}]}",
        "{\"base_resp\":{\"status_code\":1004,\"status_msg\":\"m\"}}",
        "[{\"error\":{\"code\":400}}]",
        " [1, {}, {\"error\":\"x\"} ] ",
    };
    static const char *const no_errors[] = {
        "{\"error\":null}",
        "{\"error\":\"\"}",
        "{\"error\":false}",
        "{\"error\":[]}",
        "{\"object\":\"chat.completion.chunk\",\"message\":\"m\"}",
        "{\"detail\":null}",
        "{\"choices\":[],\"detail\":\"d\",\"fault\":{},\"errors\":[1]}",
        "{\"base_resp\":{\"status_code\":0,\"status_msg\":\"\"}}",
        "{\"base_resp\":{\"status_code\":\"1004\"}}",
        "{\"base_resp\":{\"status_code\":null}}",
        "{\"base_resp\":null}",
        "{\"message\":\"m\"}",
        "{\"errors\":[]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "error \"%s\"\n", errors[i]);
        check_event(errors[i], expected);
    }
    for (size_t i = 0; i < sizeof no_errors / sizeof *no_errors; i++) {
        check_event(no_errors[i], "");
    }
    check_event(
        "{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"usage\":{\"prompt_tokens\":1},"
        "\"id\":\"g\",\"error\":{\"code\":502}}",
        "error \"{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"usage\":{"
        "\"prompt_tokens\":1},\"id\":\"g\",\"error\":{\"code\":502}}\"\nid \"g\"\nfinish \"error\"\n"
        "usage 1 -1 -1 cached -1 reasoning -1\n");
}

static void an_event_marked_as_error_is_one(void **state)
{
    static const char *const texts[] = {"{\"choices\":[{\"delta\":{\"content\":\"no\"}}]}", "not JSON", "", "[]"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        delta_log log = {0};
        exo_chunk chunk;
        char expected[128];
        snprintf(expected, sizeof expected, "error \"%s\"\n", texts[i]);
        exo_chunk_init(&chunk, exo_limits_host());
        read_event(&chunk, exo_span_text(texts[i]), true, &log);
        assert_string_equal(log.text, expected);
        assert_true(exo_chunk_is_progress(&chunk));
        free(log.text);
    }
}

static void what_is_not_an_object_is_malformed(void **state)
{
    static const struct event_case cases[] = {
        /* noise */
        {"", "malformed EXO_E_JSON_END @0\n"},
        {"  ", "malformed EXO_E_JSON_END @2\n"},
        {"hello", "malformed EXO_E_JSON_LITERAL @0\n"},
        {"nul", "malformed EXO_E_JSON_END @3\n"},
        {"\"hello", "malformed EXO_E_JSON_END @6\n"},
        {"-", "malformed EXO_E_JSON_END @1\n"},
        {"<html>", "malformed EXO_E_JSON_SYNTAX @0\n"},
        {"[DONE]", "malformed EXO_E_JSON_LITERAL @1\n"},
        {"[ INFO] {}", "malformed EXO_E_JSON_LITERAL @2\n"},
        {"[", "malformed EXO_E_JSON_END @1\n"},
        {"[]", "malformed EXO_E_MALFORMED @0\n"},
        {"[{\"choices\":[]}]", "malformed EXO_E_MALFORMED @0\n"},
        {"null", "malformed EXO_E_MALFORMED @0\n"},
        {"NaN", "malformed EXO_E_MALFORMED @0\n"},
        {" \"text\"", "malformed EXO_E_MALFORMED @0\n"},
        {"42", "malformed EXO_E_MALFORMED @0\n"},
        /* holes */
        {"{", "malformed EXO_E_JSON_END @1 hole\n"},
        {" \n{'a'}", "malformed EXO_E_JSON_SYNTAX @3 hole\n"},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"}}]", "malformed EXO_E_JSON_END @38 hole\n"},
        {"{\"error\":{}", "malformed EXO_E_JSON_END @11 hole\n"},
        {"{\"a\":01}", "malformed EXO_E_JSON_NUMBER @6 hole\n"},
        {"{\"usage\":{\"prompt_tokens\":tru}}", "malformed EXO_E_JSON_LITERAL @29 hole\n"},
        {"{\"x_groq\":{\"usage\":{\"a\":}}}", "malformed EXO_E_JSON_SYNTAX @24 hole\n"},
        {"{\"x_groq\":{\"usage\" 1}}", "malformed EXO_E_JSON_SYNTAX @19 hole\n"},
        {"{} x", "malformed EXO_E_JSON_TRAILING @3 hole\n"},
        {"{}{\"choices\":[]}", "malformed EXO_E_JSON_TRAILING @2 hole\n"},
        {"{\"choices\":[{\"delta\":{\"cont\n{\"error\":{}}", "malformed EXO_E_JSON_SYNTAX @30 hole\n"},
        {"[1] 2", "malformed EXO_E_JSON_TRAILING @4 hole\n"},
        {"[{\"error\":{}", "malformed EXO_E_JSON_END @12 hole\n"},
        {"[ [", "malformed EXO_E_JSON_END @3 hole\n"},
        {"[\"", "malformed EXO_E_JSON_END @2 hole\n"},
        {"[-", "malformed EXO_E_JSON_END @2 hole\n"},
        {"[7", "malformed EXO_E_JSON_END @2 hole\n"},
        {"[tru", "malformed EXO_E_JSON_END @4 hole\n"},
        {"[f", "malformed EXO_E_JSON_END @2 hole\n"},
        {"[n", "malformed EXO_E_JSON_END @2 hole\n"},
        {"[]]", "malformed EXO_E_JSON_TRAILING @2 hole\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void what_is_not_quite_json_is_read(void **state)
{
    char deep[512];
    static const struct event_case cases[] = {
        {DELTA("\"content\":\"use \x1B[1mrm\x1B[0m\n\""), "content \"use \\1b[1mrm\\1b[0m\\0a\" last\n"},
        {DELTA("\"content\":\"C:\\Users\\x\\'\""), "content \"C:\\Users\\x\\'\" last\n"},
        {DELTA("\"content\":\"a\",\"score\":NaN"), "content \"a\" last\n"},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"logprob\":-Infinity}]}}]}",
         "content \"a\" last\nlogprobs \"{\"content\":[{\"logprob\":-Infinity}]}\"\n"},
        {"{\"a\":\"\n\",\"timing\":Infinity,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
         "content \"a\" last\n"},
        {"{\"\xFF\":\"\xC3\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "content \"a\" last\n"},
        {"{\"choices\":[{\"delta\":{\"content\":NaN,\"reasoning\":-Infinity}}]}", ""},
        {"{\"usage\":{\"prompt_tokens\":3,\"cost\":NaN}}", "usage 3 -1 -1 cached -1 reasoning -1\n"},
    };
    (void)state;
    CHECK_ALL(cases);
    /* What nobody looks at may be as deep as it likes, wherever it stands. */
    static const char *const shapes[] = {
        "{\"x\":%.70s%.70s,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"x\":%.70s%.70s,\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"x\":%.70s%.70s}]}",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char open[71];
        char close[71];
        memset(open, '[', 70);
        memset(close, ']', 70);
        snprintf(deep, sizeof deep, shapes[i], open, close);
        check_event(deep, "content \"a\" last\n");
    }
}

static void the_size_of_an_event_has_a_limit(void **state)
{
    exo_limits limits = *exo_limits_host();
    exo_chunk chunk;
    (void)state;
    limits.depth = 1; /* of which nothing is bounded here */
    limits.event = 20;
    static const struct event_case cases[] = {
        {"{\"a\":[[1]]}", ""},
        {"{\"a\":1,\"b\":1,\"c\":11}", ""},
        {"{\"a\":1,\"b\":1,\"c\":111}", "malformed EXO_E_EVENT_LIMIT @20 hole\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        delta_log log = {0};
        exo_chunk_init(&chunk, &limits);
        read_event(&chunk, exo_span_text(cases[i].json), false, &log);
        assert_string_equal(log.text, cases[i].expected);
        free(log.text);
    }
}

static void fragments_of_a_long_string(void **state)
{
    char json[1024];
    exo_chunk chunk;
    exo_delta delta;
    size_t whole = 0;
    bool last = false;
    (void)state;
    snprintf(json, sizeof json, DELTA("\"content\":\"%0300d\\n%0300d\\u00e9\""), 0, 0);
    exo_chunk_init(&chunk, exo_limits_host());
    exo_chunk_begin(&chunk, exo_span_text(json), false);
    while (exo_chunk_next(&chunk, &delta) == EXO_EVENT) {
        assert_int_equal(delta.type, EXO_DELTA_CONTENT);
        assert_false(last);
        assert_true(delta.text.len > 0);
        last = delta.last;
        whole += delta.text.len;
    }
    assert_true(last);
    assert_int_equal(whole, 603);
}

static void an_event_may_be_left_half_read(void **state)
{
    exo_chunk chunk;
    exo_delta delta;
    (void)state;
    exo_chunk_init(&chunk, exo_limits_host());
    assert_int_equal(exo_chunk_next(&chunk, &delta), EXO_OK);
    exo_chunk_begin(&chunk,
                    exo_span_text(DELTA("\"content\":[{\"type\":\"text\",\"text\":\"a\"}],"
                                        "\"tool_calls\":[{\"id\":\"x\"}]")),
                    false);
    assert_int_equal(exo_chunk_next(&chunk, &delta), EXO_EVENT);
    delta_log log = {0};
    read_event(&chunk, exo_span_text("{\"id\":\"next\"}"), false, &log);
    assert_string_equal(log.text, "id \"next\"\n");
    free(log.text);
}

static void think_tags(void **state)
{
    static const struct {
        const char *events[4];
        const char *expected;
    } cases[] = {
        {{DELTA("\"content\":\"<think>a</think>b\"")}, "reasoning \"a\"\ncontent \"b\" last\n"},
        {{DELTA("\"content\":\"<th\""), DELTA("\"content\":\"ink>a<\""), DELTA("\"content\":\"/think>\""),
          DELTA("\"content\":\"b\"")},
         "reasoning \"a\"\ncontent \"b\" last\n"},
        {{DELTA("\"content\":\" <t\""), DELTA("\"content\":\"able>\"")},
         "content \" \"\ncontent \"<t\"\ncontent \"able>\" last\n"},
        {{DELTA("\"content\":\"a<think>\""), DELTA("\"content\":\"b</think>\"")},
         "content \"a<think>\" last\ncontent \"b</think>\" last\n"},
        {{DELTA("\"content\":\"<think>a</th\""), "{\"choices\":[{\"finish_reason\":\"stop\"}]}"},
         "reasoning \"a\"\nreasoning \"</th\"\nfinish \"stop\"\n"},
        {{DELTA("\"content\":\"<thi\"")}, "content \"<thi\"\n"},
        {{DELTA("\"content\":\"<thi\""), "{\"choices\":[{\"finish_reason\":null}]}",
          "{\"choices\":[{\"index\":1,\"finish_reason\":\"stop\"}]}", DELTA("\"content\":\"nk>a\"")},
         "finish [1] \"stop\"\nreasoning \"a\" last\n"},
        {{"{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"<think>a\"}}]}"}, "content [1] \"<think>a\" last\n"},
        {{DELTA("\"reasoning\":\"<think>a\""), DELTA("\"content\":\"<think>b\"")},
         "reasoning \"<think>a\" last\nreasoning \"b\" last\n"},
        {{DELTA("\"content\":[{\"type\":\"text\",\"text\":\"<think>\"},{\"type\":\"text\",\"text\":\"a\"}]")},
         "reasoning \"a\" last\n"},
        {{"{\"choices\":[{\"message\":{\"content\":\"<think>\\n</think>b\"}}]}"},
         "reasoning \"\\0a\" whole\ncontent \"b\" last whole\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        delta_log log = {0};
        exo_chunk chunk;
        exo_delta delta;
        exo_chunk_init(&chunk, exo_limits_host());
        exo_chunk_think_tags(&chunk, true);
        for (size_t e = 0; e < 4 && cases[i].events[e]; e++) {
            read_event(&chunk, exo_span_text(cases[i].events[e]), false, &log);
        }
        exo_chunk_end(&chunk);
        while (exo_chunk_next(&chunk, &delta) == EXO_EVENT) {
            log_delta(&log, &delta);
        }
        assert_string_equal(log.text, cases[i].expected);
        free(log.text);
    }
}

static void what_counts_as_progress(void **state)
{
    static const struct {
        const char *json;
        bool progress;
    } cases[] = {
        {"{\"choices\":[]}", true},
        {"{\"choices\":[{}]}", true},
        {"{\"usage\":{}}", true},
        {"{\"x_groq\":{\"usage\":{}}}", true},
        {"{\"error\":{}}", true},
        {"[{\"error\":{}}]", true},
        {"{}", false},
        {"{\"id\":\"a\",\"object\":\"ping\"}", false},
        {"{\"choices\":null,\"usage\":null,\"error\":null}", false},
        {"{\"choices\":[]", false},
        {"[]", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exo_chunk chunk;
        exo_chunk_init(&chunk, exo_limits_host());
        exo_chunk_begin(&chunk, exo_span_text(cases[i].json), false);
        assert_int_equal(exo_chunk_is_progress(&chunk), cases[i].progress);
    }
}

static void the_sentinel(void **state)
{
    (void)state;
    assert_true(exo_chunk_is_done(exo_span_text("[DONE]")));
    assert_false(exo_chunk_is_done(exo_span_text(" [DONE]")));
    assert_false(exo_chunk_is_done(exo_span_text("[DONE]\n")));
    assert_false(exo_chunk_is_done(exo_span_text("")));
    assert_false(exo_chunk_is_done(exo_span_of(NULL, 0)));
    assert_false(exo_chunk_is_done(exo_span_text("   ")));
    assert_false(exo_chunk_is_done(exo_span_text("[DONE]\nx")));
    assert_false(exo_chunk_is_done(exo_span_text("[DONE")));
    assert_false(exo_chunk_is_done(exo_span_text("[done]")));
    assert_false(exo_chunk_is_done(exo_span_text("[ DONE ]")));
    assert_false(exo_chunk_is_done(exo_span_text("\"[DONE]\"")));
}

#ifndef EXO_SMALL
static void the_lengths_of_names_are_those_of_their_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof place_lists / sizeof *place_lists; i++) {
        uint32_t lens = 0;
        for (const char *name = place_lists[i].names; *name; name += 1 + *name) {
            assert_in_range(*name, 1, 31);
            lens |= UINT32_C(1) << *name;
        }
        assert_int_equal(place_lists[i].lens, lens);
    }
}
#endif

static void a_body_is_known_by_its_first_byte(void **state)
{
    static const struct {
        const char *start;
        exo_body_kind kind;
    } cases[] = {
        {"", EXO_BODY_UNKNOWN},
        {" \r\n\t", EXO_BODY_UNKNOWN},
        {"\xEF", EXO_BODY_UNKNOWN},
        {"\xEF\xBB", EXO_BODY_UNKNOWN},
        {"\xEF\xBB\xBF", EXO_BODY_UNKNOWN},
        {"\x1F", EXO_BODY_UNKNOWN},
        {"\xEF\xBB\xBF ", EXO_BODY_UNKNOWN},
        {"data: {", EXO_BODY_SSE},
        {": ping", EXO_BODY_SSE},
        {"\n\nevent: x", EXO_BODY_SSE},
        {"\xEF\xBB\xBF"
         "data:",
         EXO_BODY_SSE},
        {"\xEF\xBBx", EXO_BODY_SSE},
        {"\x1Fx", EXO_BODY_SSE},
        {"{", EXO_BODY_JSON},
        {"\n [", EXO_BODY_JSON},
        {"\xEF\xBB\xBF\n{", EXO_BODY_JSON},
        {"<!DOCTYPE html>", EXO_BODY_HTML},
        {"\n<", EXO_BODY_HTML},
        {"\x1F\x8B\x08", EXO_BODY_GZIP},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].start);
        char *copy = malloc(len > 0 ? len : 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].start, len);
        assert_int_equal(exo_body_sniff(exo_span_of(copy, len)), cases[i].kind);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_its_neighbours),
        cmocka_unit_test(choices_by_index),
        cmocka_unit_test(wrong_types_do_no_harm),
        cmocka_unit_test(lists_of_parts),
        cmocka_unit_test(text_of_other_values),
        cmocka_unit_test(halves_of_characters),
        cmocka_unit_test(roles_of_others_and_errors_of_choices),
        cmocka_unit_test(members_that_nobody_knows),
        cmocka_unit_test(reasoning_under_its_names),
        cmocka_unit_test(tool_calls),
        cmocka_unit_test(names_come_whole_and_as_they_stand),
        cmocka_unit_test(whole_messages),
        cmocka_unit_test(finish_logprobs_and_audio),
        cmocka_unit_test(usage_wherever_it_stands),
        cmocka_unit_test(usage_is_kept_raw),
        cmocka_unit_test(errors_come_first_and_whole),
        cmocka_unit_test(an_event_marked_as_error_is_one),
        cmocka_unit_test(what_is_not_an_object_is_malformed),
        cmocka_unit_test(what_is_not_quite_json_is_read),
        cmocka_unit_test(the_size_of_an_event_has_a_limit),
        cmocka_unit_test(fragments_of_a_long_string),
        cmocka_unit_test(an_event_may_be_left_half_read),
        cmocka_unit_test(think_tags),
        cmocka_unit_test(what_counts_as_progress),
        cmocka_unit_test(the_sentinel),
        cmocka_unit_test(a_body_is_known_by_its_first_byte),
#ifndef EXO_SMALL
        cmocka_unit_test(the_lengths_of_names_are_those_of_their_list),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
