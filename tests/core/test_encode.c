/*
 * test_encode.c: bodies byte by byte, at every window size and every budget, from JSON text and from C structs alike;
 * every error with its key; and requests and sources that change between two walks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/encode.h"
#include "utf8_oracle.h"

#define TEXT(literal) \
    { \
        literal, sizeof literal - 1 \
    }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define USAGE    ",\"stream_options\":{\"include_usage\":true}"
#define STREAM   "\"stream\":true" USAGE
#define BAD_UTF8 "\xEF\xBF\xBD"

/* ---- Sources ---- */

/* Bytes that are read in pieces of at most `piece`, and can misbehave. */
struct bytes {
    exo_source source;
    const char *text;
    size_t len;
    size_t piece;
    size_t at;
    size_t fail_at; /* the offset at which reading fails, if not 0 */
    int fail_code;
    bool hesitant; /* every second read has nothing ready */
    bool ready;
    int rewinds;
    int reads;
    int checks;
    int check_code;
    int rewind_code;
};

static int bytes_read(void *ctx, void *dst, size_t size, size_t *got)
{
    struct bytes *bytes = ctx;
    assert_true(size > 0);
    bytes->reads++;
    bytes->ready = !bytes->ready;
    if (bytes->hesitant && bytes->ready) {
        return EXO_AGAIN;
    }
    if (bytes->fail_at > 0 && bytes->at >= bytes->fail_at) {
        return bytes->fail_code;
    }
    size_t left = bytes->len - bytes->at;
    *got = left < size ? left : size;
    if (bytes->piece > 0 && *got > bytes->piece) {
        *got = bytes->piece;
    }
    /* All of the room may be written, not only what is reported. */
    memset(dst, 0xEE, size);
    memcpy(dst, bytes->text + bytes->at, *got);
    bytes->at += *got;
    return EXO_OK;
}

static int bytes_rewind(void *ctx)
{
    struct bytes *bytes = ctx;
    bytes->at = 0;
    bytes->rewinds++;
    return bytes->rewind_code;
}

static int bytes_check(void *ctx)
{
    struct bytes *bytes = ctx;
    bytes->checks++;
    return bytes->check_code;
}

static void bytes_init(struct bytes *bytes, const char *text, size_t len, size_t piece, bool known)
{
    memset(bytes, 0, sizeof *bytes);
    bytes->source.ctx = bytes;
    bytes->source.read = bytes_read;
    bytes->source.rewind = bytes_rewind;
    bytes->source.check = bytes_check;
    bytes->source.size = known ? len : EXO_SIZE_UNKNOWN;
    bytes->text = text;
    bytes->len = len;
    bytes->piece = piece;
    bytes->fail_code = EXO_E_SOURCE_READ;
}

/* ---- Files ---- */

#define FILES_MAX 4

/* A folder of files; `asked` has every path and type that was asked for. */
struct folder {
    exo_file_opener opener;
    struct {
        const char *path;
        const char *media_type; /* in place of the one that is asked for, if not NULL */
        const char *name;
        struct bytes bytes;
    } files[FILES_MAX];
    size_t count;
    int code; /* the answer for an unknown path */
    char asked[2048];
};

static int folder_open(void *ctx, exo_span path, exo_span media_type, exo_file *file)
{
    struct folder *folder = ctx;
    size_t len = strlen(folder->asked);
    if (len < sizeof folder->asked / 2) {
        snprintf(folder->asked + len, sizeof folder->asked - len, "%.*s|%.*s;", (int)path.len, path.ptr,
                 (int)media_type.len, media_type.ptr);
    }
    for (size_t i = 0; i < folder->count; i++) {
        if (exo_span_is(path, folder->files[i].path)) {
            const char *guess = folder->files[i].media_type;
            file->source = &folder->files[i].bytes.source;
            file->name = exo_span_text(folder->files[i].name);
            file->media_type = guess ? exo_span_text(guess) : media_type;
            return EXO_OK;
        }
    }
    return folder->code;
}

static struct bytes *folder_add(struct folder *folder, const char *path, const char *media_type, const char *text)
{
    size_t i = folder->count++;
    assert_true(i < FILES_MAX);
    folder->files[i].path = path;
    folder->files[i].media_type = media_type;
    folder->files[i].name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bytes_init(&folder->files[i].bytes, text, strlen(text), 0, true);
    return &folder->files[i].bytes;
}

static void folder_init(struct folder *folder)
{
    memset(folder, 0, sizeof *folder);
    folder->opener.ctx = folder;
    folder->opener.open = folder_open;
    folder->code = EXO_NOT_FOUND;
}

/* ---- JSON text as nodes ---- */

#define NODES_MAX 512

struct arena {
    exo_node nodes[NODES_MAX];
    size_t count;
    char text[1 << 14];
    size_t len;
};

/* The decoded value of a token, in the arena. */
static exo_span arena_text(struct arena *arena, const exo_json_token *token)
{
    size_t room = sizeof arena->text - arena->len;
    exo_span text = exo_span_of(arena->text + arena->len, exo_json_copy(token, arena->text + arena->len, room));
    arena->len += text.len + 1;
    assert_true(arena->len < sizeof arena->text);
    return text;
}

/* Builds the node for `token`, whose members the reader goes on with. */
static exo_node *arena_node(struct arena *arena, exo_json_reader *reader, const exo_json_token *token)
{
    static const exo_value_type types[] = {EXO_VALUE_NULL,   EXO_VALUE_FALSE, EXO_VALUE_TRUE, EXO_VALUE_NUMBER,
                                           EXO_VALUE_STRING, EXO_VALUE_KEY,   EXO_VALUE_ARRAY};
    assert_true(arena->count < NODES_MAX);
    exo_node *node = &arena->nodes[arena->count++];
    int64_t integer;
    memset(node, 0, sizeof *node);
    if (token->type == EXO_JSON_ARRAY || token->type == EXO_JSON_OBJECT) {
        const exo_node **link = &node->first;
        exo_json_token member;
        node->type = token->type == EXO_JSON_ARRAY ? EXO_VALUE_ARRAY : EXO_VALUE_OBJECT;
        for (;;) {
            exo_span key = {NULL, 0};
            assert_int_equal(exo_json_next(reader, &member), EXO_EVENT);
            if (member.type == EXO_JSON_ARRAY_END || member.type == EXO_JSON_OBJECT_END) {
                return node;
            }
            if (member.type == EXO_JSON_KEY) {
                key = arena_text(arena, &member);
                assert_int_equal(exo_json_next(reader, &member), EXO_EVENT);
            }
            exo_node *next = arena_node(arena, reader, &member);
            next->key = key;
            *link = next;
            link = &next->next;
        }
    }
    node->type = types[token->type];
    if (token->type == EXO_JSON_NUMBER && exo_json_int64(token, &integer) == EXO_OK &&
        !memchr(token->text.ptr, '.', token->text.len) && !memchr(token->text.ptr, 'e', token->text.len)) {
        node->type = arena->count % 2 && integer >= 0 ? EXO_VALUE_UINT : EXO_VALUE_INT;
        node->number.i = integer;
    } else if (token->type == EXO_JSON_NUMBER) {
        node->text = token->text;
    } else if (token->type == EXO_JSON_STRING) {
        node->text = arena_text(arena, token);
    }
    return node;
}

static const exo_node *arena_parse(struct arena *arena, const char *json)
{
    exo_json_reader reader;
    exo_json_token token;
    arena->count = 0;
    arena->len = 0;
    exo_json_reader_init(&reader, exo_span_text(json), 64, true);
    assert_int_equal(exo_json_next(&reader, &token), EXO_EVENT);
    return arena_node(arena, &reader, &token);
}

/* ---- Encoding ---- */

struct body {
    char *text;
    size_t len;
    size_t capacity;
};

static void body_clear(struct body *body)
{
    free(body->text);
    memset(body, 0, sizeof *body);
}

static void body_append(struct body *body, const char *text, size_t len)
{
    if (body->len + len + 1 > body->capacity) {
        body->capacity = 2 * (body->len + len + 1);
        body->text = realloc(body->text, body->capacity);
        assert_non_null(body->text);
    }
    memcpy(body->text + body->len, text, len);
    body->len += len;
    body->text[body->len] = '\0';
}

static int size_all(exo_encoder *encoder, size_t budget)
{
    int rc;
    size_t calls = 0;
    do {
        rc = exo_encode_size(encoder, budget);
        assert_true(++calls < 1000000);
        assert_int_equal(exo_encode_written(encoder), 0); /* what is sized is not sent */
    } while (rc == EXO_AGAIN);
    return rc;
}

/* Writes all, in windows of `size` bytes that end where their memory ends. */
static int write_all(exo_encoder *encoder, size_t size, struct body *body)
{
    int rc;
    size_t idle = 0;
    body->len = 0;
    exo_window window = {malloc(size), size, 0};
    assert_non_null(window.dst);
    do {
        window.pos = 0;
        rc = exo_encode_write(encoder, &window);
        assert_true(window.pos <= size);
        /* Only a source that has nothing ready leaves a window empty, and not forever. */
        idle = rc == EXO_AGAIN && window.pos == 0 ? idle + 1 : 0;
        assert_true(idle < 4);
        body_append(body, window.dst, window.pos);
        assert_int_equal(exo_encode_written(encoder), body->len);
    } while (rc == EXO_AGAIN);
    free(window.dst);
    return rc;
}

#ifndef EXO_SMALL
/* Sizes into windows of every size: what is there is the body's beginning, and all of it where it fits. */
static void check_sized_into(exo_cursor cursor, const exo_encode_options *options, const char *expected)
{
    static const size_t budgets[] = {1, 100, SIZE_MAX};
    const size_t len = strlen(expected);
    const size_t step = len > 2000 ? 97 : 1;
    struct body body = {NULL, 0, 0};
    for (size_t size = 0; size <= len + 2; size += size < 20 || size + step > len - 2 ? 1 : step) {
        exo_encoder encoder;
        exo_window window = {malloc(size + 1), size, 0};
        int rc = EXO_AGAIN;
        assert_non_null(window.dst);
        assert_int_equal(exo_encode_init(&encoder, &cursor, options), EXO_OK);
        while (rc == EXO_AGAIN) {
            rc = exo_encode_size_into(&encoder, &window, budgets[size % COUNT(budgets)]);
        }
        assert_int_equal(rc, EXO_OK);
        assert_int_equal(exo_encode_total(&encoder), len);
        assert_int_equal(exo_encode_written(&encoder), 0);
        assert_int_equal(window.pos, size >= len ? len : size < len - 1 ? size : len - 1);
        assert_memory_equal(window.dst, expected, window.pos);
        assert_int_equal(write_all(&encoder, 100, &body), EXO_OK);
        assert_string_equal(body.text, expected);
        free(window.dst);
    }
    body_clear(&body);
}
#else
static void check_sized_into(exo_cursor cursor, const exo_encode_options *options, const char *expected)
{
    (void)cursor;
    (void)options;
    (void)expected;
}
#endif

/* Sizes once and writes at every window size, rewinding in between; then sizes again at every kind of budget. */
static void check_cursor(exo_cursor cursor, const exo_encode_options *options, const char *expected)
{
    static const size_t budgets[] = {0, 1, 2, 7, 64, 100, 1024, 4096, SIZE_MAX};
    exo_encoder encoder;
    exo_window window = {NULL, 0, 0};
    struct body body = {NULL, 0, 0};
    size_t len = strlen(expected);
    size_t step = len > 2000 ? 97 : 1;
    assert_int_equal(exo_encode_init(&encoder, &cursor, options), EXO_OK);
    assert_int_equal(exo_encode_write(&encoder, &window), EXO_E_STATE);
    assert_int_equal(exo_encode_rewind(&encoder), EXO_E_STATE);
    assert_true(exo_encode_total(&encoder) == EXO_SIZE_UNKNOWN);
    int rc = size_all(&encoder, SIZE_MAX);
    assert_string_equal(exo_error_name(rc), "EXO_OK");
    for (size_t size = 1; size <= len + 1; size += size < 20 ? 1 : step) {
        assert_string_equal(exo_error_name(write_all(&encoder, size, &body)), "EXO_OK");
        assert_string_equal(body.text, expected);
        assert_int_equal(exo_encode_total(&encoder), len);
        assert_int_equal(exo_encode_write(&encoder, &window), EXO_OK);
        assert_int_equal(exo_encode_rewind(&encoder), EXO_OK);
        assert_int_equal(exo_encode_written(&encoder), 0);
    }
    for (size_t i = 0; i < COUNT(budgets); i++) {
        assert_int_equal(exo_encode_init(&encoder, &cursor, options), EXO_OK);
        assert_int_equal(size_all(&encoder, budgets[i]), EXO_OK);
        assert_int_equal(exo_encode_size(&encoder, budgets[i]), EXO_OK);
        assert_int_equal(exo_encode_total(&encoder), len);
        assert_string_equal(exo_encode_error_key(&encoder), "");
    }
    body_clear(&body);
}

/* The same body must come from JSON text and from nodes. */
static void check_body(const char *request, const exo_encode_options *options, const char *expected)
{
    static struct arena arena;
    exo_json_cursor json;
    exo_node_cursor nodes;
    exo_json_cursor_init(&json, exo_span_text(request), 64);
    check_cursor(exo_json_cursor_of(&json), options, expected);
    if (!options || !options->opener) { /* a file may be sized unread */
        check_sized_into(exo_json_cursor_of(&json), options, expected);
    }
    exo_node_cursor_init(&nodes, arena_parse(&arena, request), 64);
    check_cursor(exo_node_cursor_of(&nodes), options, expected);
    if (!options || !options->opener) {
        check_sized_into(exo_node_cursor_of(&nodes), options, expected);
    }
}

static void check_error_of(exo_cursor cursor, const exo_encode_options *options, int code, const char *key)
{
    static const size_t budgets[] = {1, 1000, SIZE_MAX};
    exo_window window = {NULL, 0, 0};
    for (size_t i = 0; i < COUNT(budgets); i++) {
        exo_encoder encoder;
        assert_int_equal(exo_encode_init(&encoder, &cursor, options), EXO_OK);
        int rc = size_all(&encoder, budgets[i]);
        assert_string_equal(exo_error_name(rc), exo_error_name(code));
        assert_string_equal(exo_encode_error_key(&encoder), key);
        assert_int_equal(exo_encode_size(&encoder, 1), code);
        assert_int_equal(exo_encode_write(&encoder, &window), code);
        assert_int_equal(exo_encode_rewind(&encoder), code);
        assert_true(exo_encode_total(&encoder) == EXO_SIZE_UNKNOWN);
    }
}

static void check_error(const char *request, const exo_encode_options *options, int code, const char *key)
{
    exo_json_cursor json;
    exo_json_cursor_init(&json, exo_span_text(request), 64);
    check_error_of(exo_json_cursor_of(&json), options, code, key);
}

static exo_cursor json_of(exo_json_cursor *cursor, const char *text)
{
    exo_json_cursor_init(cursor, exo_span_text(text), 64);
    return exo_json_cursor_of(cursor);
}

/* ---- Values ---- */

static void values_pass_unchanged(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *expected;
    } cases[] = {
        {"{}", "{" STREAM "}"},
        {" { \"model\" : \"m\" , \"n\" : [ 1 , -2.5e3 , true , false , null ] } ",
         "{\"model\":\"m\",\"n\":[1,-2.5e3,true,false,null]," STREAM "}"},
        {"{\"a\":{},\"b\":[],\"c\":{\"d\":[[],{}]},\"\":\"\"}",
         "{\"a\":{},\"b\":[],\"c\":{\"d\":[[],{}]},\"\":\"\"," STREAM "}"},
        {"{\"a\":\"\\u0041\\/\\n\\u001F\\u007f\\\"\\\\\"}", "{\"a\":\"A/\\n\\u001f\x7f\\\"\\\\\"," STREAM "}"},
        {"{\"a\":\"\\ud83d\\ude00\\ud83d\\udc00 \\udc00 \\u20ac\"}",
         "{\"a\":\"\xF0\x9F\x98\x80\xF0\x9F\x90\x80 " BAD_UTF8 " \xE2\x82\xAC\"," STREAM "}"},
        {"{\"\\u0061\\n\":{\"\\u0062\":1}}", "{\"a\\n\":{\"b\":1}," STREAM "}"},
        {"{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":123456789012345678901234567890}",
         "{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":123456789012345678901234567890," STREAM "}"},
        {"{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789\"}",
         "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789\"," STREAM "}"},
        {"{\"_top\":1,\"tools\":[{\"_x\":{\"_y\":[{\"_z\":0}]}}]}",
         "{\"_top\":1,\"tools\":[{\"_x\":{\"_y\":[{\"_z\":0}]}}]," STREAM "}"},
        {"{\"messages\":\"text\"}", "{\"messages\":\"text\"," STREAM "}"},
        {"{\"messages\":{\"a\":{\"_b\":1}}}", "{\"messages\":{\"a\":{\"_b\":1}}," STREAM "}"},
        {"{\"messages\":[1,\"two\",[{\"_a\":3}],null]}", "{\"messages\":[1,\"two\",[{\"_a\":3}],null]," STREAM "}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_body(cases[i].request, NULL, cases[i].expected);
    }
}

static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    exo_json_cursor json;
    exo_node_cursor nodes;
    static const exo_node value = {.type = EXO_VALUE_STRING, .key = TEXT("k\xFF"), .text = TEXT("\xC3\xE2\x82z\xF0")};
    static const exo_node root = {.type = EXO_VALUE_OBJECT, .first = &value};
    static const char expected[] = "{\"k" BAD_UTF8 "\":\"" BAD_UTF8 BAD_UTF8 "z" BAD_UTF8 "\"," STREAM "}";
    check_cursor(json_of(&json, "{\"k\xFF\":\"\xC3\xE2\x82z\xF0\"}"), NULL, expected);
    exo_node_cursor_init(&nodes, &root, 64);
    check_cursor(exo_node_cursor_of(&nodes), NULL, expected);
}

static void numbers_are_checked(void **state)
{
    (void)state;
    static const struct {
        exo_span text;
        bool valid;
    } cases[] = {
        {TEXT("0"), true},          {TEXT("-0"), true},   {TEXT("10"), true},     {TEXT("0.5"), true},
        {TEXT("-1.25"), true},      {TEXT("1e5"), true},  {TEXT("1E+5"), true},   {TEXT("0e-5"), true},
        {TEXT("1.5e10"), true},     {TEXT(""), false},    {TEXT("-"), false},     {TEXT("01"), false},
        {TEXT("-01"), false},       {TEXT("1."), false},  {TEXT(".5"), false},    {TEXT("1.e5"), false},
        {TEXT("1e"), false},        {TEXT("1e+"), false}, {TEXT("+1"), false},    {TEXT("1 "), false},
        {TEXT(" 1"), false},        {TEXT("nan"), false}, {TEXT("NaN"), false},   {TEXT("inf"), false},
        {TEXT("-Infinity"), false}, {TEXT("0x1"), false}, {TEXT("1,5"), false},   {TEXT("1e5.0"), false},
        {TEXT("1\0"), false},       {TEXT("--1"), false}, {TEXT("1.5.5"), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        exo_node number = {.type = EXO_VALUE_NUMBER, .key = TEXT("temperature"), .text = cases[i].text};
        exo_node root = {.type = EXO_VALUE_OBJECT, .first = &number};
        exo_node_cursor nodes;
        exo_node_cursor_init(&nodes, &root, 64);
        if (cases[i].valid) {
            char expected[128];
            snprintf(expected, sizeof expected, "{\"temperature\":%s," STREAM "}", cases[i].text.ptr);
            check_cursor(exo_node_cursor_of(&nodes), NULL, expected);
        } else {
            check_error_of(exo_node_cursor_of(&nodes), NULL, EXO_E_NUMBER, "temperature");
        }
    }
}

static void json_text_inside_of_nodes(void **state)
{
    (void)state;
    static const exo_node tools = {.json = true, .key = TEXT("tools"), .text = TEXT(" [ {\"_x\" : 1} ] ")};
    static const exo_node messages = {.json = true,
                                      .key = TEXT("messages"),
                                      .text = TEXT("[{\"content\":\"\\u0061\",\"_private\":{}}]"),
                                      .next = &tools};
    static const exo_node choice = {
        .type = EXO_VALUE_STRING, .key = TEXT("tool_choice"), .text = TEXT("auto"), .next = &messages};
    static const exo_node root = {.type = EXO_VALUE_OBJECT, .first = &choice};
    exo_node_cursor nodes;
    exo_node_cursor_init(&nodes, &root, 64);
    check_cursor(exo_node_cursor_of(&nodes), NULL,
                 "{\"tool_choice\":\"auto\",\"messages\":[{\"content\":\"a\"}],\"tools\":[{\"_x\":1}]," STREAM "}");
}

/* ---- Top-level keys ---- */

#define LONG_KEY "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

struct options_case {
    const char *request;
    const char *extra;
    const char *model;
    exo_span drop[2];
    exo_rename rename[2];
    const char *expected; /* the body, or the key of the error */
    int code;
    bool as_is;
};

static void check_options_case(const struct options_case *c)
{
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_json_cursor extra;
    exo_cursor extra_view;
    options.drop = c->drop;
    while (options.drop_count < 2 && c->drop[options.drop_count].ptr) {
        options.drop_count++;
    }
    options.rename = c->rename;
    while (options.rename_count < 2 && c->rename[options.rename_count].from.ptr) {
        options.rename_count++;
    }
    if (c->extra) {
        extra_view = json_of(&extra, c->extra);
        options.extra_body = &extra_view;
    }
    options.model = exo_span_text(c->model);
    options.as_is = c->as_is;
    if (c->code == EXO_OK) {
        check_body(c->request, &options, c->expected);
    } else {
        check_error(c->request, &options, c->code, c->expected);
    }
}

static void top_level_keys(void **state)
{
    (void)state;
    static const struct options_case cases[] = {
        /* as it is */
        {.request = "{\"stream\":false,\"a\":1}", .as_is = true, .expected = "{\"stream\":false,\"a\":1}"},
        {.request = "{\"tools\":[],\"tool_choice\":1,\"parallel_tool_calls\":2}",
         .as_is = true,
         .expected = "{\"tools\":[],\"tool_choice\":1,\"parallel_tool_calls\":2}"},
        {.request = "{\"stream_options\":3}", .as_is = true, .expected = "{\"stream_options\":3}"},
        {.request = "{\"model\":4}", .as_is = true, .model = "m", .expected = "{\"model\":4}"},
        {.request = "{}", .as_is = true, .model = "m", .expected = "{}"},
        {.request = "{\"messages\":[{\"_a\":1,\"b\":2}]}", .as_is = true, .expected = "{\"messages\":[{\"b\":2}]}"},
        {.request = "{\"a\":1,\"b\":2}",
         .as_is = true,
         .drop = {TEXT("a")},
         .extra = "{\"stream\":5}",
         .expected = "{\"b\":2,\"stream\":5}"},

        /* stream, stream_options */
        {.request = "{\"stream\":false,\"a\":1}", .expected = "{\"stream\":true,\"a\":1" USAGE "}"},
        {.request = "{\"stream\":{\"x\":[1,{}]},\"a\":1}", .expected = "{\"stream\":true,\"a\":1" USAGE "}"},
        {.request = "{\"stream_options\":null}", .expected = "{\"stream_options\":null,\"stream\":true}"},
        {.request = "{\"a\":1}", .drop = {TEXT("stream_options")}, .expected = "{\"a\":1,\"stream\":true}"},
        {.request = "{\"stream_options\":{}}", .drop = {TEXT("stream_options")}, .expected = "{\"stream\":true}"},
        {.request = "{\"a\":1,\"stream\":true}", .drop = {TEXT("stream")}, .expected = "{\"a\":1}"},
        {.request = "{}", .drop = {TEXT("stream")}, .expected = "{}"},
        {.request = "{}",
         .extra = "{\"stream_options\":{\"x\":1}}",
         .expected = "{\"stream_options\":{\"x\":1},\"stream\":true}"},
        {.request = "{}", .extra = "{\"stream\":false,\"a\":1}", .expected = "{\"a\":1," STREAM "}"},
        {.request = "{}", .rename = {{TEXT("stream"), TEXT("s")}}, .expected = "{\"s\":true" USAGE "}"},
        {.request = "{}",
         .rename = {{TEXT("stream_options"), TEXT("o")}},
         .expected = "{\"stream\":true,\"o\":{\"include_usage\":true}}"},
        {.request = "{\"a\":1}",
         .rename = {{TEXT("stream_options"), TEXT("a")}},
         .expected = "{\"a\":1,\"stream\":true}"},
        /* model */
        {.request = "{\"a\":1,\"model\":\"x\",\"b\":2}",
         .model = "m\"",
         .expected = "{\"a\":1,\"model\":\"m\\\"\",\"b\":2," STREAM "}"},
        {.request = "{\"a\":1}", .model = "m", .expected = "{\"model\":\"m\",\"a\":1," STREAM "}"},
        {.request = "{}", .model = "m", .expected = "{\"model\":\"m\"," STREAM "}"},
        {.request = "{}", .model = "m", .extra = "{\"model\":\"e\"}", .expected = "{\"model\":\"m\"," STREAM "}"},
        {.request = "{\"model\":\"x\"}", .model = "m", .drop = {TEXT("model")}, .expected = "{" STREAM "}"},
        {.request = "{\"model\":\"x\"}",
         .model = "m",
         .rename = {{TEXT("model"), TEXT("n")}},
         .expected = "{\"n\":\"m\"," STREAM "}"},
        {.request = "{}", .model = "m", .rename = {{TEXT("model"), TEXT("n")}}, .expected = "{\"n\":\"m\"," STREAM "}"},
        {.request = "{\"model\":\"x\"}", .expected = "{\"model\":\"x\"," STREAM "}"},
        {.request = "{}", .extra = "{\"model\":\"e\"}", .expected = "{\"model\":\"e\"," STREAM "}"},
        {.request = "{}",
         .extra = "{\"model\":\"e\"}",
         .model = "m",
         .drop = {TEXT("model")},
         .expected = "{\"model\":\"e\"," STREAM "}"},
        /* drop and rename */
        {.request = "{\"a\":1,\"b\":{\"a\":2},\"c\":3}",
         .drop = {TEXT("a"), TEXT("c")},
         .expected = "{\"b\":{\"a\":2}," STREAM "}"},
        {.request = "{\"\\u0061\":[{},{}],\"ab\":2}", .drop = {TEXT("a")}, .expected = "{\"ab\":2," STREAM "}"},
        {.request = "{\"max_tokens\":5}",
         .rename = {{TEXT("max_tokens"), TEXT("max_completion_tokens")}},
         .expected = "{\"max_completion_tokens\":5," STREAM "}"},
        {.request = "{\"a\":1,\"b\":2}",
         .rename = {{TEXT("a"), TEXT("b")}, {TEXT("b"), TEXT("a")}},
         .expected = "{\"b\":1,\"a\":2," STREAM "}"},
        {.request = "{\"a\":1,\"b\":2}",
         .drop = {TEXT("b")},
         .rename = {{TEXT("a"), TEXT("b")}},
         .expected = "{\"b\":1," STREAM "}"},
        {.request = "{\"a\":1}", .rename = {{TEXT("a"), TEXT("a")}}, .expected = "{\"a\":1," STREAM "}"},
        {.request = "{\"a\":{\"a\":1}}",
         .rename = {{TEXT("a"), TEXT("\"\xFF")}},
         .expected = "{\"\\\"" BAD_UTF8 "\":{\"a\":1}," STREAM "}"},
        {.request = "{\"" LONG_KEY "1\":1,\"" LONG_KEY "2\":2}",
         .drop = {TEXT(LONG_KEY "2")},
         .extra = "{\"" LONG_KEY "1\":3,\"" LONG_KEY "2\":4}",
         .expected = "{\"" LONG_KEY "1\":1,\"" LONG_KEY "2\":4," STREAM "}"},
        /* extra_body */
        {.request = "{\"a\":1}",
         .extra = "{\"a\":2,\"b\":null,\"c\":{\"_d\":[]}}",
         .expected = "{\"a\":1,\"b\":null,\"c\":{\"_d\":[]}," STREAM "}"},
        {.request = "{\"a\":1}", .extra = "{}", .expected = "{\"a\":1," STREAM "}"},
        {.request = "{}", .extra = "{\"a\":2}", .expected = "{\"a\":2," STREAM "}"},
        {.request = "{\"a\":1}", .extra = "{\"a\":2}", .drop = {TEXT("a")}, .expected = "{\"a\":2," STREAM "}"},
        {.request = "{\"a\":1}",
         .extra = "{\"a\":2,\"b\":3}",
         .rename = {{TEXT("a"), TEXT("b")}},
         .expected = "{\"b\":1,\"a\":2," STREAM "}"},
        {.request = "{\"\\u0061\":1}", .extra = "{\"a\":2}", .expected = "{\"a\":1," STREAM "}"},
        {.request = "{}", .extra = "{\"stream\":false}", .drop = {TEXT("stream")}, .expected = "{\"stream\":false}"},
        {.request = "{\"a\":1}",
         .extra = "{\"messages\":[{\"role\":\"user\",\"_p\":1,\"content\":\"x\"}]}",
         .expected = "{\"a\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," STREAM "}"},
        {.request = "{\"messages\":[]}", .extra = "{\"messages\":[1]}", .expected = "{\"messages\":[]," STREAM "}"},
        /* what is about tools */
        {.request = "{\"tool_choice\":\"auto\"}", .expected = "{" STREAM "}"},
        {.request = "{\"parallel_tool_calls\":false}", .expected = "{" STREAM "}"},
        {.request = "{\"tools\":[],\"parallel_tool_calls\":false,\"tool_choice\":\"auto\"}",
         .expected = "{" STREAM "}"},
        {.request = "{\"a\":1,\"tools\":[],\"b\":[1,2,3],\"parallel_tool_calls\":false}",
         .expected = "{\"a\":1,\"b\":[1,2,3]," STREAM "}"},
        {.request = "{\"tools\":[],\"b\":[1,2,3],\"tool_choice\":1}", .drop = {TEXT("b")}, .expected = "{" STREAM "}"},
        {.request = "{\"parallel_tool_calls\":false,\"tools\":[{}]}",
         .expected = "{\"parallel_tool_calls\":false,\"tools\":[{}]," STREAM "}"},
        {.request = "{\"parallel_tool_calls\":true}",
         .extra = "{\"tools\":[0]}",
         .expected = "{\"parallel_tool_calls\":true,\"tools\":[0]," STREAM "}"},
        {.request = "{}", .extra = "{\"tools\":[],\"parallel_tool_calls\":true}", .expected = "{" STREAM "}"},
        {.request = "{\"tools\":[],\"parallel_tool_calls\":1}",
         .rename = {{TEXT("tools"), TEXT("t")}, {TEXT("parallel_tool_calls"), TEXT("p")}},
         .expected = "{" STREAM "}"},
        {.request = "{\"tool_choice\":{\"a\":[1]},\"tools\":[]}", .expected = "{" STREAM "}"},
        {.request = "{\"tools\":null,\"tool_choice\":1}", .expected = "{\"tools\":null," STREAM "}"},
        {.request = "{\"tools\":{},\"tool_choice\":1}", .expected = "{" STREAM "}"},
        {.request = "{\"tools\":\"\",\"tool_choice\":1}", .expected = "{\"tools\":\"\"," STREAM "}"},
        {.request = "{\"tool_choice\":1,\"tools\":[{}]}", .expected = "{\"tool_choice\":1,\"tools\":[{}]," STREAM "}"},
        {.request = "{\"tools\":[0],\"tool_choice\":1}", .expected = "{\"tools\":[0],\"tool_choice\":1," STREAM "}"},
        {.request = "{\"tools\":{\"a\":0},\"tool_choice\":1}",
         .expected = "{\"tools\":{\"a\":0},\"tool_choice\":1," STREAM "}"},
        {.request = "{\"tools\":[0],\"tool_choice\":1}", .drop = {TEXT("tools")}, .expected = "{" STREAM "}"},
        {.request = "{\"tool_choice\":1}",
         .extra = "{\"tools\":[0]}",
         .expected = "{\"tool_choice\":1,\"tools\":[0]," STREAM "}"},
        {.request = "{\"tools\":[]}", .extra = "{\"tools\":[0],\"tool_choice\":1}", .expected = "{" STREAM "}"},
        {.request = "{\"tools\":[0]}",
         .extra = "{\"tool_choice\":1}",
         .expected = "{\"tools\":[0],\"tool_choice\":1," STREAM "}"},
        {.request = "{\"a\":[1,2,3],\"tool_choice\":1}", .expected = "{\"a\":[1,2,3]," STREAM "}"},
        /* Recognised by the name in the request, and private keys by either name. */
        {.request = "{\"messages\":[{\"_a\":1}]}",
         .rename = {{TEXT("messages"), TEXT("input")}},
         .expected = "{\"input\":[{}]," STREAM "}"},
        {.request = "{\"input\":[{\"_a\":1}]}",
         .rename = {{TEXT("input"), TEXT("messages")}},
         .expected = "{\"messages\":[{}]," STREAM "}"},
        /* Errors */
        {.request = "{\"a\":1,\"b\":2,\"a\":3}", .expected = "a", .code = EXO_E_DUPLICATE_KEY},
        {.request = "{\"a\":1,\"\\u0061\":3}", .expected = "a", .code = EXO_E_DUPLICATE_KEY},
        {.request = "{\"\xFF\":1,\"\xFE\":3}", .expected = BAD_UTF8, .code = EXO_E_DUPLICATE_KEY},
        {.request = "{\"stream\":1,\"stream\":3}", .expected = "stream", .code = EXO_E_DUPLICATE_KEY},
        {.request = "{}", .extra = "{\"x\":1,\"x\":1}", .expected = "x", .code = EXO_E_DUPLICATE_KEY},
        {.request = "{\"x\":1}", .extra = "{\"x\":1,\"y\":2,\"x\":1}", .expected = "x", .code = EXO_E_DUPLICATE_KEY},
        {.request = "{\"a\":1,\"b\":2}",
         .rename = {{TEXT("a"), TEXT("b")}},
         .expected = "b",
         .code = EXO_E_KEY_COLLISION},
        {.request = "{\"b\":1,\"a\":2}",
         .rename = {{TEXT("a"), TEXT("b")}},
         .expected = "a",
         .code = EXO_E_KEY_COLLISION},
        {.request = "{\"a\":1,\"b\":2}",
         .rename = {{TEXT("a"), TEXT("c")}, {TEXT("b"), TEXT("c")}},
         .expected = "b",
         .code = EXO_E_KEY_COLLISION},
        {.request = "{\"a\":1}",
         .rename = {{TEXT("a"), TEXT("stream")}},
         .expected = "stream",
         .code = EXO_E_KEY_COLLISION},
        {.request = "{\"a\":1}",
         .model = "m",
         .rename = {{TEXT("a"), TEXT("model")}},
         .expected = "model",
         .code = EXO_E_KEY_COLLISION},
        {.request = "{\"a\":1}",
         .rename = {{TEXT("stream"), TEXT("a")}},
         .expected = "stream",
         .code = EXO_E_KEY_COLLISION},
        {.request = "[]", .expected = "", .code = EXO_E_REQUEST},
        {.request = "\"text\"", .expected = "", .code = EXO_E_REQUEST},
        {.request = "null", .expected = "", .code = EXO_E_REQUEST},
        {.request = "{}", .extra = "[]", .expected = "", .code = EXO_E_REQUEST},
        {.request = "{}", .extra = "null", .expected = "", .code = EXO_E_REQUEST},
        {.request = "{} x", .expected = "", .code = EXO_E_JSON_TRAILING},
        {.request = "{}", .extra = "{},", .expected = "", .code = EXO_E_JSON_TRAILING},
        {.request = "", .expected = "", .code = EXO_E_JSON_END},
        {.request = "{\"a\":[1,}", .expected = "a", .code = EXO_E_JSON_SYNTAX},
        {.request = "{\"a\":1,\"b\":\"\\x\"}", .expected = "b", .code = EXO_E_JSON_ESCAPE},
        {.request = "{\"a\":1}", .extra = "{\"b\":nul}", .expected = "b", .code = EXO_E_JSON_LITERAL},
        {.request = "{\"messages\":[{\"_content_file\":\"x\",\"content\":\"\"}]}",
         .expected = "messages",
         .code = EXO_E_FILE_REFUSED},
        {.request = "{\"messages\":[{\"content\":[{\"_file\":\"x\"}]}]}",
         .expected = "messages",
         .code = EXO_E_FILE_REFUSED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_options_case(&cases[i]);
    }
}

static void many_keys(void **state)
{
    (void)state;
    exo_limits limits = *exo_limits_host();
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_json_cursor extra;
    exo_cursor extra_view = json_of(&extra, "{\"k0\":0,\"last\":1}");
    char request[2048];
    options.limits = &limits;
    /* 60 keys, one of extra_body, stream and stream_options are 63; past that, it depends on who comes last. */
    static const struct {
        uint32_t limit;
        unsigned keys;
        const char *key;
    } cases[] = {{64, 61, NULL},  {1000, 61, NULL}, {64, 62, "stream_options"}, {1000, 63, "last"}, {64, 64, "stream"},
                 {64, 65, "k64"}, {4, 1, NULL},     {3, 1, "stream_options"},   {2, 1, "last"},     {1, 1, "stream"},
                 {1, 2, "k1"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = 1;
        strcpy(request, "{");
        for (unsigned k = 0; k < cases[i].keys; k++) {
            len += (size_t)snprintf(request + len, sizeof request - len, "%s\"k%u\":%u", k ? "," : "", k, k);
        }
        strcpy(request + len, "}");
        limits.keys = cases[i].limit;
        options.extra_body = &extra_view;
        if (cases[i].key) {
            check_error(request, &options, EXO_E_KEYS_LIMIT, cases[i].key);
        } else {
            char expected[2200];
            snprintf(expected, sizeof expected, "%.*s,\"last\":1," STREAM "}", (int)len, request);
            check_body(request, &options, expected);
        }
    }
}

static void error_keys_are_cut(void **state)
{
    (void)state;
    char request[256];
    char key[128];
    exo_node_cursor nodes;
    /* 46 bytes, then characters of two bytes: the 47th byte would be half of one. */
    snprintf(key, sizeof key, "%046d\xC3\xA9\xC3\xA9", 0);
    snprintf(request, sizeof request, "{\"%s\":tru}", key);
    exo_node value = {.type = EXO_VALUE_KEY, .key = exo_span_text(key)};
    exo_node root = {.type = EXO_VALUE_OBJECT, .first = &value};
    exo_node_cursor_init(&nodes, &root, 64);
    check_error(request, NULL, EXO_E_JSON_LITERAL, "0000000000000000000000000000000000000000000000");
    check_error_of(exo_node_cursor_of(&nodes), NULL, EXO_E_TYPE, "0000000000000000000000000000000000000000000000");
    /* What can be shown is valid UTF-8, whatever the key was. */
    value.key = exo_span_text("a\xFFz");
    check_error_of(exo_node_cursor_of(&nodes), NULL, EXO_E_TYPE, "a" BAD_UTF8 "z");
    check_error("{\"a\\nb\":tru}", NULL, EXO_E_JSON_LITERAL, "a\nb");
}

static void depth_is_limited(void **state)
{
    (void)state;
    exo_limits limits = *exo_limits_host();
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.limits = &limits;
    limits.depth = 3;
    check_body("{\"a\":[[1]]}", &options, "{\"a\":[[1]]," STREAM "}");
    check_error("{\"a\":[[{}]]}", &options, EXO_E_DEPTH_LIMIT, "a");
    check_error("{\"b\":1,\"a\":[[[]]]}", &options, EXO_E_DEPTH_LIMIT, "a");
    limits.depth = 1000;
    char request[256];
    for (int depth = 64; depth <= 65; depth++) {
        memset(request, '[', sizeof request);
        memcpy(request, "{\"a\":", 5);
        memset(request + 5 + depth - 1, ']', (size_t)depth - 1);
        strcpy(request + 5 + 2 * (depth - 1), "}");
        if (depth == 64) {
            char expected[512];
            snprintf(expected, sizeof expected, "%.*s," STREAM "}", (int)strlen(request) - 1, request);
            check_body(request, &options, expected);
        } else {
            check_error(request, &options, EXO_E_DEPTH_LIMIT, "a");
        }
    }
}

/* ---- Messages and files ---- */

#define MESSAGES(text) "{\"messages\":[" text "]}"
#define SENT(text)     "{\"messages\":[" text "]," STREAM "}"

static void message_files(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *expected;
        const char *asked; /* on one walk */
    } cases[] = {
        {MESSAGES("{\"role\":\"user\",\"_id\":{\"a\":[1]},\"content\":\"x\",\"__\":1,\"_\":2,\"name\":\"_n\"}"),
         SENT("{\"role\":\"user\",\"content\":\"x\",\"name\":\"_n\"}"), ""},
        {MESSAGES("{\"\\u005fid\":1,\"\\u0063ontent\":{\"_a\":{\"_b\":1}}},{\"_x\":1},{}"),
         SENT("{\"content\":{\"_a\":{\"_b\":1}}},{},{}"), ""},
        /* The file's text, in every position, in the place of the first of the two keys. */
        {MESSAGES("{\"role\":\"user\",\"content\":\"inline\",\"_content_file\":\"a.txt\",\"z\":1}"),
         SENT("{\"role\":\"user\",\"content\":\"A \\\"file\\\"\\n\",\"z\":1}"), "a.txt|;"},
        {MESSAGES("{\"_content_file\":\"a.txt\",\"role\":\"user\",\"content\":[{\"_file\":\"a.txt\"}],\"z\":1}"),
         SENT("{\"content\":\"A \\\"file\\\"\\n\",\"role\":\"user\",\"z\":1}"), "a.txt|;"},
        {MESSAGES("{\"role\":\"user\",\"_content_file\":\"a.txt\"}"),
         SENT("{\"role\":\"user\",\"content\":\"A \\\"file\\\"\\n\"}"), "a.txt|;"},
        {MESSAGES("{\"content\":{\"deep\":{\"_content_file\":\"b\"}},\"_content_file\":\"\\u0061.txt\",\"_x\":1}"),
         SENT("{\"content\":\"A \\\"file\\\"\\n\"}"), "a.txt|;"},
        {MESSAGES("{\"_content_file\":\"empty\",\"content\":\"inline\"},{\"content\":\"two\"}"),
         SENT("{\"content\":\"\"},{\"content\":\"two\"}"), "empty|;"},
        /* No such file: the inline content. */
        {MESSAGES("{\"role\":\"user\",\"_content_file\":\"none\",\"content\":\"inline\"}"),
         SENT("{\"role\":\"user\",\"content\":\"inline\"}"), "none|;"},
        {MESSAGES("{\"content\":[{\"_file\":\"a.txt\",\"_type\":\"text/x\"}],\"_content_file\":\"none\"}"),
         SENT("{\"content\":[{\"type\":\"text\",\"text\":\"A \\\"file\\\"\\n\"}]}"), "none|;a.txt|text/x;"},
        {MESSAGES("{\"_content_file\":\"\",\"content\":\"inline\"}"), SENT("{\"content\":\"inline\"}"), "|;"},
        {MESSAGES("{\"_content_file\":null,\"content\":\"inline\"}"), SENT("{\"content\":\"inline\"}"), ""},
        /* A file in one message says nothing about the next one. */
        {MESSAGES("{\"_content_file\":\"a.txt\"},{\"content\":\"b\"},{\"content\":\"c\",\"_content_file\":\"empty\"}"),
         SENT("{\"content\":\"A \\\"file\\\"\\n\"},{\"content\":\"b\"},{\"content\":\"\"}"), "a.txt|;empty|;"},
        /* Only where they mean something. */
        {MESSAGES("{\"tool_calls\":[{\"_file\":\"a.txt\",\"_content_file\":\"a.txt\",\"_x\":1}]}"),
         SENT("{\"tool_calls\":[{\"_file\":\"a.txt\",\"_content_file\":\"a.txt\",\"_x\":1}]}"), ""},
        {MESSAGES("{\"content\":{\"p\":{\"_file\":\"a.txt\"}}}"), SENT("{\"content\":{\"p\":{\"_file\":\"a.txt\"}}}"),
         ""},
        {MESSAGES("{\"content\":[[{\"_file\":\"a.txt\"}],\"t\",{\"_type\":5,\"x\":{\"_file\":\"a.txt\"}}],\"b\":[{\"_"
                  "file\":1}]}"),
         SENT("{\"content\":[[{\"_file\":\"a.txt\"}],\"t\",{\"_type\":5,\"x\":{\"_file\":\"a.txt\"}}],\"b\":[{\"_"
              "file\":1}]}"),
         ""},
        {"{\"prompt\":[{\"_content_file\":\"a.txt\"}]}", "{\"prompt\":[{\"_content_file\":\"a.txt\"}]," STREAM "}", ""},
        {MESSAGES("[{\"_content_file\":\"a.txt\"}]"), SENT("[{\"_content_file\":\"a.txt\"}]"), ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct folder folder;
        exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
        exo_encoder encoder;
        exo_json_cursor json;
        exo_cursor cursor = json_of(&json, cases[i].request);
        folder_init(&folder);
        folder_add(&folder, "a.txt", NULL, "A \"file\"\n");
        folder_add(&folder, "empty", NULL, "");
        options.opener = &folder.opener;
        assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_OK);
        assert_int_equal(size_all(&encoder, SIZE_MAX), EXO_OK);
        assert_string_equal(folder.asked, cases[i].asked);
        check_body(cases[i].request, &options, cases[i].expected);
    }
}

static void parts(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        const char *expected;
    } cases[] = {
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"image/jpeg\"}",
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/jpeg;base64,SmZJRg==\"}}"},
        {"{\"_type\":\"image/jpeg\",\"_file\":\"p/photo.jpg\"}",
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/jpeg;base64,SmZJRg==\"}}"},
        {"{\"_type\":\"IMAGE/Jpeg\",\"x\":{\"_y\":[1]},\"_z\":[{}],\"_file\":\"p/photo.jpg\",\"w\":null}",
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:IMAGE/"
         "Jpeg;base64,SmZJRg==\"},\"x\":{\"_y\":[1]},\"w\":null}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"audio/wav\",\"a\":1}",
         "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"SmZJRg==\",\"format\":\"wav\"},\"a\":1}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"audio/wav; codecs=1\"}",
         "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"SmZJRg==\",\"format\":\"wav\"}}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"Audio/MPEG ;x\"}",
         "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"SmZJRg==\",\"format\":\"mp3\"}}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"audio/wave\"}",
         "{\"type\":\"file\",\"file\":{\"filename\":\"photo.jpg\",\"file_data\":\"data:audio/wave;base64,SmZJRg==\"}}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"text/markdown\",\"cache\":true}",
         "{\"type\":\"text\",\"text\":\"JfIF\",\"cache\":true}"},
        {"{\"_file\":\"q\\\"\",\"_type\":\"application/pdf\"}",
         "{\"type\":\"file\",\"file\":{\"filename\":\"q\\\"\",\"file_data\":\"data:application/pdf;base64,UQ==\"}}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":\"image\"}",
         "{\"type\":\"file\",\"file\":{\"filename\":\"photo.jpg\",\"file_data\":\"data:image;base64,SmZJRg==\"}}"},
        {"{\"_file\":\"p/photo.jpg\",\"_type\":null}", "{\"type\":\"file\",\"file\":{\"filename\":\"photo.jpg\",\"file_"
                                                       "data\":\"data:application/octet-stream;base64,SmZJRg==\"}}"},
        {"{\"_file\":\"g.png\"}", "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,\"}}"},
        {"{\"_file\":null,\"_type\":\"image/png\",\"_x\":1}", "{\"_file\":null,\"_type\":\"image/png\",\"_x\":1}"},
        {"{\"type\":\"text\",\"text\":\"t\",\"_x\":1}", "{\"type\":\"text\",\"text\":\"t\",\"_x\":1}"},
        {"{\"type\":\"image_url\",\"image_url\":{\"_file\":\"g.png\"}}",
         "{\"type\":\"image_url\",\"image_url\":{\"_file\":\"g.png\"}}"},
    };
    static const char *const lists[][2] = {
        {MESSAGES("{\"content\":[%s]}"), SENT("{\"content\":[%s]}")},
        {MESSAGES("{\"content\":[{\"_p\":1},%s,{\"_q\":2}],\"role\":\"user\"}"),
         SENT("{\"content\":[{\"_p\":1},%s,{\"_q\":2}],\"role\":\"user\"}")},
    };
    struct folder folder;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    folder_init(&folder);
    folder_add(&folder, "p/photo.jpg", NULL, "JfIF");
    folder_add(&folder, "q\"", NULL, "Q");
    folder_add(&folder, "g.png", "image/png", "");
    options.opener = &folder.opener;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < COUNT(lists); k++) {
            char request[512];
            char expected[512];
            snprintf(request, sizeof request, lists[k][0], cases[i].part);
            snprintf(expected, sizeof expected, lists[k][1], cases[i].expected);
            check_body(request, &options, expected);
        }
    }
}

static void file_errors(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int code;
    } cases[] = {
        {MESSAGES("{\"_content_file\":5,\"content\":\"x\"}"), EXO_E_REQUEST},
        {MESSAGES("{\"_content_file\":[\"a\"],\"content\":\"x\"}"), EXO_E_REQUEST},
        {MESSAGES("{\"_content_file\":true}"), EXO_E_REQUEST},
        {MESSAGES("{\"_content_file\":\"a\\u0000b\",\"content\":\"x\"}"), EXO_E_REQUEST},
        {MESSAGES("{\"_content_file\":\"none\"}"), EXO_E_SOURCE_READ},
        {MESSAGES("{\"content\":[{\"_file\":\"none\"}]}"), EXO_E_SOURCE_READ},
        {MESSAGES("{\"content\":[{\"_file\":{}}]}"), EXO_E_REQUEST},
        {MESSAGES("{\"content\":[{\"_file\":\"a\",\"_type\":7}]}"), EXO_E_REQUEST},
        {MESSAGES("{\"content\":[{\"_file\":\"a\",\"_type\":[]}]}"), EXO_E_REQUEST},
        {MESSAGES("{\"content\":[{\"_file\":\"a\",\"_type\":"
                  "\"image/0123456789012345678901234567890123456789012345678901234567890\"}]}"),
         EXO_E_REQUEST},
        {MESSAGES("{\"content\":[{\"_file\":\"a\",\"_type\":\"image/x\",\"type\":\"image_url\"}]}"),
         EXO_E_DUPLICATE_KEY},
        {MESSAGES("{\"content\":[{\"image_url\":{},\"_file\":\"a\",\"_type\":\"image/x\"}]}"), EXO_E_DUPLICATE_KEY},
        {MESSAGES("{\"content\":[{\"text\":{},\"_file\":\"a\",\"_type\":\"text/x\"}]}"), EXO_E_DUPLICATE_KEY},
        {MESSAGES("{\"content\":[{\"_file\":\"a\",\"_x\":tru}]}"), EXO_E_JSON_LITERAL},
    };
    struct folder folder;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    folder_init(&folder);
    folder_add(&folder, "a", NULL, "a");
    options.opener = &folder.opener;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_error(cases[i].request, &options, cases[i].code, "messages");
    }
    /* What the opener says goes to the caller; an opener that stores no source has none. */
    folder.code = EXO_E_FILE_REFUSED;
    check_error(MESSAGES("{\"_content_file\":\"/etc/passwd\",\"content\":\"x\"}"), &options, EXO_E_FILE_REFUSED,
                "messages");
    folder.code = EXO_OK;
    check_error(MESSAGES("{\"_content_file\":\"b\",\"content\":\"x\"}"), &options, EXO_E_SOURCE_READ, "messages");
    /* extra_body names no files, whatever the request may. */
    exo_json_cursor extra;
    exo_cursor extra_view = json_of(&extra, MESSAGES("{\"_content_file\":\"a\",\"content\":\"x\"}"));
    options.extra_body = &extra_view;
    check_error("{}", &options, EXO_E_FILE_REFUSED, "messages");
}

static void paths_have_a_maximum(void **state)
{
    (void)state;
    char path[EXO_PATH_MAX + 2];
    char request[2 * EXO_PATH_MAX];
    struct folder folder;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    folder_init(&folder);
    options.opener = &folder.opener;
    for (size_t len = EXO_PATH_MAX; len <= EXO_PATH_MAX + 1; len++) {
        for (int escaped = 0; escaped < 2; escaped++) {
            memset(path, 'p', len);
            path[len] = '\0';
            folder.count = 0;
            folder_add(&folder, path, "text/x", "t");
            snprintf(request, sizeof request, MESSAGES("{\"content\":[{\"_file\":\"%s%s\"}]}"),
                     escaped ? "\\u0070" : "p", path + 1);
            if (len == EXO_PATH_MAX) {
                check_body(request, &options, SENT("{\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}"));
            } else {
                check_error(request, &options, EXO_E_REQUEST, "messages");
            }
        }
    }
}

/* ---- Sources in a body ---- */

/* A tree of {"k": <source>} around `bytes`. */
struct source_tree {
    exo_node node;
    exo_node root;
    exo_node_cursor cursor;
};

static exo_cursor source_tree(struct source_tree *tree, const struct bytes *bytes, const char *prefix, bool base64)
{
    memset(tree, 0, sizeof *tree);
    tree->node.type = EXO_VALUE_SOURCE;
    tree->node.key = exo_span_text("k");
    tree->node.text = exo_span_text(prefix);
    tree->node.base64 = base64;
    tree->node.source = &bytes->source;
    tree->root.type = EXO_VALUE_OBJECT;
    tree->root.first = &tree->node;
    exo_node_cursor_init(&tree->cursor, &tree->root, 64);
    return exo_node_cursor_of(&tree->cursor);
}

/* RFC 4648, section 4, a bit at a time. */
static size_t base64_oracle(const char *text, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t out_len = 0;
    for (size_t bit = 0; bit < len * 8; bit += 6) {
        unsigned digit = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            digit = digit * 2 + (i < len * 8 ? (unsigned)(uint8_t)text[i / 8] >> (7 - i % 8) & 1U : 0);
        }
        out[out_len++] = digits[digit];
    }
    while (out_len % 4 > 0) {
        out[out_len++] = '=';
    }
    return out_len;
}

/* What a JSON string of `text` must be, quotation marks apart. */
static size_t escape_oracle(const char *text, size_t len, char *out)
{
    char *clean = malloc(3 * len + 1);
    assert_non_null(clean);
    size_t clean_len = utf8_oracle(text, len, clean);
    size_t out_len = 0;
    for (size_t i = 0; i < clean_len; i++) {
        static const char special[] = "\"\"\\\\\bb\ff\nn\rr\tt";
        const char *found = NULL;
        for (size_t k = 0; k < sizeof special - 1; k += 2) {
            found = clean[i] == special[k] ? special + k + 1 : found;
        }
        if (found) {
            out[out_len++] = '\\';
            out[out_len++] = *found;
        } else if ((uint8_t)clean[i] < ' ') {
            out_len += (size_t)sprintf(out + out_len, "\\u%04x", (unsigned)clean[i]);
        } else {
            out[out_len++] = clean[i];
        }
    }
    free(clean);
    return out_len;
}

/* The whole body for a source: "{"k":"…","stream":…}". */
static char *source_body(const char *prefix, const char *text, size_t len, bool base64)
{
    char *body = malloc(6 * len + strlen(prefix) + 128);
    assert_non_null(body);
    size_t at = (size_t)sprintf(body, "{\"k\":\"%s", prefix);
    at += base64 ? base64_oracle(text, len, body + at) : escape_oracle(text, len, body + at);
    strcpy(body + at, "\"," STREAM "}");
    return body;
}

static const size_t pieces[] = {0, 1, 2, 3, 7};

static void base64_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"},
                                             {"\xFF\xEF\xBE\xFB\xF0", "/++++/A="}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        char out[16] = "";
        assert_int_equal(base64_oracle(vectors[i][0], strlen(vectors[i][0]), out), strlen(vectors[i][1]));
        assert_string_equal(out, vectors[i][1]);
        char *body = source_body("", vectors[i][0], strlen(vectors[i][0]), true);
        for (size_t p = 0; p < 2 * COUNT(pieces); p++) {
            struct bytes bytes;
            struct source_tree tree;
            bytes_init(&bytes, vectors[i][0], strlen(vectors[i][0]), pieces[p / 2], p % 2);
            check_cursor(source_tree(&tree, &bytes, "", true), NULL, body);
        }
        free(body);
    }
}

static void base64_of_every_length(void **state)
{
    (void)state;
    char text[40];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i * 89 + 200);
    }
    for (size_t len = 0; len <= 40; len += len < 10 ? 1 : 6) {
        char *body = source_body("data:image/png;base64,", text, len, true);
        for (size_t p = 0; p < 2 * COUNT(pieces); p++) {
            struct bytes bytes;
            struct source_tree tree;
            bytes_init(&bytes, text, len, pieces[p / 2], p % 2);
            check_cursor(source_tree(&tree, &bytes, "data:image/png;base64,", true), NULL, body);
        }
        free(body);
    }
}

static void text_is_escaped_across_pieces(void **state)
{
    (void)state;
    static const exo_span texts[] = {TEXT("plain"),
                                     TEXT("\"quoted\"\n\t\0\x1F\\ \x7F"),
                                     TEXT("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80!"),
                                     TEXT("\xC3(\xE2\x82(\xF0\x9F\x98(\xFF\xED\xA0\x80\xF4\x90"),
                                     TEXT("a\xC3"),
                                     TEXT("a\xE2\x82"),
                                     TEXT("\xF0\x9F\x98"),
                                     TEXT("\x80\x80\xC0\xAF\xE0\x80")};
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *body = source_body("p", texts[i].ptr, texts[i].len, false);
        for (size_t piece = 1; piece <= texts[i].len; piece++) {
            struct bytes bytes;
            struct source_tree tree;
            bytes_init(&bytes, texts[i].ptr, texts[i].len, piece, piece % 2);
            check_cursor(source_tree(&tree, &bytes, "p", false), NULL, body);
        }
        free(body);
    }
}

static void all_kinds_of_utf8(void **state)
{
    (void)state;
    for (size_t index = 0; index < UTF8_KINDS * UTF8_KINDS * UTF8_KINDS; index += 7) {
        char text[3];
        utf8_sequence_of_kinds(index, sizeof text, text);
        char *expected = source_body("", text, sizeof text, false);
        for (size_t piece = 1; piece <= 3; piece++) {
            struct bytes bytes;
            struct source_tree tree;
            struct body body = {NULL, 0, 0};
            exo_encoder encoder;
            bytes_init(&bytes, text, sizeof text, piece, true);
            exo_cursor cursor = source_tree(&tree, &bytes, "", false);
            assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
            assert_int_equal(size_all(&encoder, 100), EXO_OK);
            assert_int_equal(write_all(&encoder, 5, &body), EXO_OK);
            assert_string_equal(body.text, expected);
            body_clear(&body);
        }
        free(expected);
    }
}

/* Large windows are read into: nothing may be lost or overtaken in them, whatever the bytes become. */
static void large_sources(void **state)
{
    (void)state;
    enum {
        LEN = 60000
    };
    static const size_t windows[] = {1, 61, 1024, 3583, 3600, 3696, 3697, 4000, 4001, 4002, 4003, 20011, 65536, 400000};
    static const size_t large_pieces[] = {0, 1, 700, 5003};
    char *text = malloc(LEN);
    assert_non_null(text);
    for (int kind = 0; kind < 8; kind++) {
        bool base64 = kind >= 4;
        for (size_t i = 0; i < LEN; i++) {
            text[i] = kind == 1   ? '\x01'
                      : kind == 2 ? '\xF0'
                      : kind == 3 ? "ab\xE2\x82\xAC\"\xF0\x9F\x98\x80\n\xC3"[i % 12]
                                  : (char)(kind > 3 ? i * i : ' ' + 2 + i % 32);
        }
        size_t len = kind < 4 ? LEN : LEN - (size_t)kind;
        char *expected = source_body("", text, len, base64);
        struct body body = {NULL, 0, 0};
        for (size_t p = 0; p < COUNT(large_pieces); p++) {
            struct bytes bytes;
            struct source_tree tree;
            exo_encoder encoder;
            bytes_init(&bytes, text, len, large_pieces[p], kind % 2);
            exo_cursor cursor = source_tree(&tree, &bytes, "", base64);
            assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
            assert_int_equal(size_all(&encoder, 4096), EXO_OK);
            assert_int_equal(exo_encode_total(&encoder), strlen(expected));
            assert_true(kind < 4 || kind % 2 == 0 || bytes.reads == 0);
            for (size_t w = 0; w < COUNT(windows); w++) {
                assert_int_equal(write_all(&encoder, windows[w], &body), EXO_OK);
                assert_int_equal(body.len, strlen(expected));
                assert_memory_equal(body.text, expected, body.len);
                assert_int_equal(exo_encode_rewind(&encoder), EXO_OK);
            }
        }
        body_clear(&body);
        free(expected);
    }
    free(text);
}

static void a_large_string(void **state)
{
    (void)state;
    enum {
        LEN = 5000
    };
    char *request = malloc(6 * LEN + 16);
    char *expected = malloc(3 * LEN + 128);
    assert_non_null(request);
    assert_non_null(expected);
    strcpy(request, "{\"a\":\"");
    strcpy(expected, "{\"a\":\"");
    size_t request_len = strlen(request);
    size_t expected_len = strlen(expected);
    for (int i = 0; i < LEN; i++) {
        bool euro = i % 70 == 69 || (i > 2000 && i < 2100);
        request_len += (size_t)sprintf(request + request_len, "%s", euro ? "\\u20ac" : "x");
        expected_len += (size_t)sprintf(expected + expected_len, "%s", euro ? "\xE2\x82\xAC" : "x");
    }
    strcpy(request + request_len, "\"}");
    strcpy(expected + expected_len, "\"," STREAM "}");
    exo_json_cursor json;
    check_cursor(json_of(&json, request), NULL, expected);
    free(request);
    free(expected);
}

static void sizing_is_sliced(void **state)
{
    (void)state;
    enum {
        LEN = 50000
    };
    char *text = malloc(LEN);
    assert_non_null(text);
    memset(text, 'x', LEN);
    struct bytes bytes;
    struct source_tree tree;
    exo_encoder encoder;
    bytes_init(&bytes, text, LEN, 0, true);
    exo_cursor cursor = source_tree(&tree, &bytes, "", false);
    assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
    size_t calls = 0;
    size_t before = 0;
    while (exo_encode_size(&encoder, 5000) == EXO_AGAIN) {
        assert_true(bytes.at - before <= 5000 + 1024 + 512);
        before = bytes.at;
        calls++;
    }
    assert_in_range(calls, 8, 12);
    free(text);
}

static void sources_may_hesitate(void **state)
{
    (void)state;
    for (int base64 = 0; base64 < 2; base64++) {
        char *body = source_body("", "hesitation", 10, base64);
        for (int known = 0; known < 2; known++) {
            struct bytes bytes;
            struct source_tree tree;
            bytes_init(&bytes, "hesitation", 10, 1, known);
            bytes.hesitant = true;
            check_cursor(source_tree(&tree, &bytes, "", base64), NULL, body);
        }
        free(body);
    }
}

/* ---- Sources that fail ---- */

static int too_much_read(void *ctx, void *dst, size_t size, size_t *got)
{
    (void)ctx;
    (void)dst;
    *got = size + 1;
    return EXO_OK;
}

static void sources_fail_in_sizing(void **state)
{
    (void)state;
    struct bytes bytes;
    struct source_tree tree;
    bytes_init(&bytes, "0123456789", 10, 3, true);
    exo_cursor cursor = source_tree(&tree, &bytes, "", false);
    bytes.fail_at = 6;
    check_error_of(cursor, NULL, EXO_E_SOURCE_READ, "k");
    bytes.fail_code = -1000;
    check_error_of(cursor, NULL, -1000, "k");
    bytes.fail_at = 0;
    bytes.rewind_code = EXO_E_SOURCE_ONCE;
    check_error_of(cursor, NULL, EXO_E_SOURCE_ONCE, "k");
    bytes.rewind_code = EXO_OK;
    bytes.source.read = too_much_read;
    check_error_of(cursor, NULL, EXO_E_SOURCE_READ, "k");
    tree.node.source = NULL;
    check_error_of(cursor, NULL, EXO_E_TYPE, "k");
}

/* Sizes, changes something, and writes at every window size: the error comes, and never the last byte. */
static void check_change(exo_cursor cursor, void (*change)(void *), void (*restore)(void *), void *ctx, int code)
{
    size_t total = 1000;
    for (size_t size = 1; size <= total + 10; size++) {
        exo_encoder encoder;
        exo_window window = {NULL, 0, 0};
        struct body body = {NULL, 0, 0};
        restore(ctx);
        assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
        assert_int_equal(size_all(&encoder, 50), EXO_OK);
        bool chunked = exo_encode_total(&encoder) == EXO_SIZE_UNKNOWN;
        total = chunked ? 200 : (size_t)exo_encode_total(&encoder);
        change(ctx);
        assert_string_equal(exo_error_name(write_all(&encoder, size, &body)), exo_error_name(code));
        assert_true(chunked || body.len < total);
        assert_int_equal(exo_encode_write(&encoder, &window), code);
        assert_int_equal(exo_encode_rewind(&encoder), code);
        /* No text here has a brace of its own: the object is still open. */
        int open = 0;
        for (size_t i = 0; i < body.len; i++) {
            open += (body.text[i] == '{') - (body.text[i] == '}');
        }
        assert_true(body.len == 0 || open > 0);
        body_clear(&body);
    }
}

static struct bytes changing;
static struct bytes changed_to;

static void change_bytes(void *ctx)
{
    (void)ctx;
    uint64_t size = changing.source.size;
    int (*rewind)(void *) = changing.source.rewind;
    changing = changed_to;
    changing.source.ctx = &changing;
    changing.source.size = size;
    changing.source.rewind = rewind;
}

static void restore_bytes(void *ctx)
{
    const struct bytes *original = ctx;
    changing = *original;
    changing.source.ctx = &changing;
}

static void sources_change(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        bool base64;
        bool known;
        bool once;
        int fail_at;
        int check_code;
        int code;
    } cases[] = {
        /* Text and sources of unknown size: the checksum knows. */
        {"012345678X", false, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"012345678", false, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"0123456789A", false, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"0123456789AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false, true, false, 0, 0,
         EXO_E_BODY_CHANGED},
        {"", false, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"012345678X", true, false, false, 0, 0, EXO_E_BODY_CHANGED},
        {"0123456789AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true, false, false, 0, 0,
         EXO_E_BODY_CHANGED},
        /* base64 of known size: the count and the source's own check. */
        {"012345678", true, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"0123456789A", true, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"", true, true, false, 0, 0, EXO_E_BODY_CHANGED},
        {"012345678X", true, true, false, 0, EXO_E_BODY_CHANGED, EXO_E_BODY_CHANGED},
        {"0123456789", true, true, false, 0, -1000, -1000},
        /* A source that is read once. */
        {"012345678", true, true, true, 0, 0, EXO_E_BODY_CHANGED},
        {"012345678", false, true, true, 0, -1000, -1000},
        /* Failures in the second reading. */
        {"0123456789", false, true, false, 5, 0, EXO_E_SOURCE_READ},
        {"0123456789", true, true, false, 5, 0, EXO_E_SOURCE_READ},
        {"0123456789", true, true, false, 10, 0, EXO_E_SOURCE_READ},
        {"0123456789", false, false, true, 5, 0, EXO_E_SOURCE_READ},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes original;
        struct source_tree tree;
        bytes_init(&original, "0123456789", 10, 4, cases[i].known);
        original.source.rewind = cases[i].once ? NULL : bytes_rewind;
        bytes_init(&changed_to, cases[i].after, strlen(cases[i].after), 3, true);
        changed_to.fail_at = (size_t)cases[i].fail_at;
        changed_to.check_code = cases[i].check_code;
        restore_bytes(&original);
        check_change(source_tree(&tree, &changing, "p", cases[i].base64), change_bytes, restore_bytes, &original,
                     cases[i].code);
    }
}

static void only_uncovered_sources_are_checked(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        bool base64 = kind & 1;
        bool known = kind & 2;
        bool once = kind & 4;
        struct bytes bytes;
        struct source_tree tree;
        struct body body = {NULL, 0, 0};
        exo_encoder encoder;
        bytes_init(&bytes, "0123456789", 10, 0, known);
        bytes.source.rewind = once ? NULL : bytes_rewind;
        exo_cursor cursor = source_tree(&tree, &bytes, "", base64);
        assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
        assert_int_equal(size_all(&encoder, 50), EXO_OK);
        assert_int_equal(bytes.reads > 0, !once && !(base64 && known));
        assert_int_equal(bytes.checks, 0);
        assert_int_equal(write_all(&encoder, 11, &body), EXO_OK);
        assert_int_equal(bytes.checks, once || (base64 && known));
        /* What has nothing to check may say so. */
        bytes.source.check = NULL;
        bytes.at = 0;
        assert_int_equal(exo_encode_rewind(&encoder), once ? EXO_E_SOURCE_ONCE : EXO_OK);
        if (!once) {
            assert_int_equal(write_all(&encoder, 11, &body), EXO_OK);
        }
        body_clear(&body);
    }
}

static void sources_that_are_read_once(void **state)
{
    (void)state;
    for (int base64 = 0; base64 < 2; base64++) {
        char *expected = source_body("p", "once \"only\"", 11, base64);
        for (size_t size = 1; size < 100; size++) {
            struct bytes bytes;
            struct source_tree tree;
            struct body body = {NULL, 0, 0};
            exo_encoder encoder;
            exo_window window = {NULL, 0, 0};
            bytes_init(&bytes, "once \"only\"", 11, 2, size % 2);
            bytes.source.rewind = NULL;
            exo_cursor cursor = source_tree(&tree, &bytes, "p", base64);
            assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
            assert_int_equal(size_all(&encoder, 20), EXO_OK);
            assert_true(exo_encode_total(&encoder) == EXO_SIZE_UNKNOWN);
            assert_int_equal(bytes.reads, 0);
            /* Before the source is read, another attempt may begin. */
            char head[3];
            window.dst = head;
            window.size = sizeof head;
            assert_int_equal(exo_encode_write(&encoder, &window), EXO_AGAIN);
            assert_int_equal(exo_encode_rewind(&encoder), EXO_OK);
            assert_int_equal(write_all(&encoder, size, &body), EXO_OK);
            assert_string_equal(body.text, expected);
            assert_int_equal(exo_encode_rewind(&encoder), EXO_E_SOURCE_ONCE);
            assert_int_equal(exo_encode_write(&encoder, &window), EXO_E_SOURCE_ONCE);
            body_clear(&body);
        }
        free(expected);
    }
    /* What stands behind such a source is checked before anything is sent. */
    struct bytes bytes;
    struct source_tree tree;
    bytes_init(&bytes, "x", 1, 0, true);
    bytes.source.rewind = NULL;
    exo_cursor cursor = source_tree(&tree, &bytes, "", false);
    exo_node nan = {.type = EXO_VALUE_NUMBER, .key = TEXT("n"), .text = TEXT("nan")};
    tree.node.next = &nan;
    check_error_of(cursor, NULL, EXO_E_NUMBER, "n");
}

/* ---- Requests that change ---- */

static exo_node change_node[4];
static const exo_node change_root = {.type = EXO_VALUE_OBJECT, .first = &change_node[0]};

static void restore_nodes(void *ctx)
{
    (void)ctx;
    memset(change_node, 0, sizeof change_node);
    change_node[0] = (exo_node){.type = EXO_VALUE_INT, .number.i = 1234, .key = TEXT("a"), .next = &change_node[1]};
    change_node[1] =
        (exo_node){.type = EXO_VALUE_STRING, .text = TEXT("string"), .key = TEXT("b"), .next = &change_node[2]};
    change_node[2] = (exo_node){.type = EXO_VALUE_ARRAY, .key = TEXT("c"), .first = &change_node[3]};
    change_node[3] = (exo_node){.type = EXO_VALUE_TRUE};
}

static void change_number(void *ctx)
{
    (void)ctx;
    change_node[0].number.i = 1235;
}

static void change_length(void *ctx)
{
    (void)ctx;
    change_node[0].number.i = -1;
}

static void change_text(void *ctx)
{
    (void)ctx;
    change_node[1].text = exo_span_text("strinG");
}

static void change_much(void *ctx)
{
    static const char more[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";
    (void)ctx;
    change_node[1].text = exo_span_text(more);
}

static void change_type(void *ctx)
{
    (void)ctx;
    change_node[3].type = EXO_VALUE_NULL;
}

static void change_key(void *ctx)
{
    (void)ctx;
    change_node[1].key = exo_span_text("B");
}

static void change_order(void *ctx)
{
    (void)ctx;
    change_node[0].next = &change_node[2];
    change_node[2].next = &change_node[1];
    change_node[1].next = NULL;
}

static void remove_key(void *ctx)
{
    (void)ctx;
    change_node[1].next = NULL;
}

static void add_key(void *ctx)
{
    static const exo_node added = {.type = EXO_VALUE_NULL, .key = TEXT("d")};
    (void)ctx;
    change_node[2].next = &added;
}

static void change_to_nan(void *ctx)
{
    (void)ctx;
    change_node[0].type = EXO_VALUE_NUMBER;
    change_node[0].text = exo_span_text("NaN");
}

static void requests_change(void **state)
{
    (void)state;
    static void (*const changes[])(void *) = {change_number, change_length, change_text, change_much, change_type,
                                              change_key,    change_order,  remove_key,  add_key};
    exo_node_cursor nodes;
    exo_node_cursor_init(&nodes, &change_root, 64);
    for (size_t i = 0; i < COUNT(changes); i++) {
        check_change(exo_node_cursor_of(&nodes), changes[i], restore_nodes, NULL, EXO_E_BODY_CHANGED);
    }
    check_change(exo_node_cursor_of(&nodes), change_to_nan, restore_nodes, NULL, EXO_E_NUMBER);
}

/* Sizes a long text, lets `change` change it, and says what writing it into windows of `size` bytes ends with. */
static int change_long(char *text, size_t len, void (*change)(char *text, size_t at), size_t at, size_t size)
{
    static char bytes[512];
    const exo_node content = {.type = EXO_VALUE_STRING, .text = {text, len}, .key = TEXT("a")};
    const exo_node root = {.type = EXO_VALUE_OBJECT, .first = &content};
    exo_node_cursor nodes;
    exo_encoder encoder;
    int rc = EXO_AGAIN;
    exo_node_cursor_init(&nodes, &root, 8);
    const exo_cursor cursor = exo_node_cursor_of(&nodes);
    assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
    assert_int_equal(size_all(&encoder, 1000), EXO_OK);
    change(text, at);
    while (rc == EXO_AGAIN) {
        exo_window window = {bytes, size, 0};
        rc = exo_encode_write(&encoder, &window);
    }
    return rc;
}

static void change_nothing(char *text, size_t at)
{
    (void)text;
    (void)at;
}

static void change_byte(char *text, size_t at)
{
    text[at] ^= 1;
}

/* What a sum would not find: two words change places, next to each other or where a block ends. */
static void change_words(char *text, size_t at)
{
    char word[8];
    const size_t other = at + (at % 3 == 0 ? 8 : at % 3 == 1 ? 16 : 32);
    memcpy(word, text + at, sizeof word);
    memcpy(text + at, text + other, sizeof word);
    memcpy(text + other, word, sizeof word);
}

/* Whatever the windows are, which the two walks do not share. */
static void every_byte_that_changes_is_found(void **state)
{
    char text[200];
    (void)state;
    for (size_t at = 0; at < sizeof text - 40; at++) {
        for (size_t size = 29; size <= 512; size += 23) {
            for (size_t i = 0; i < sizeof text; i++) {
                text[i] = (char)('A' + (i * i / 7 + i) % 50);
            }
            assert_int_equal(change_long(text, sizeof text, change_nothing, at, size), EXO_OK);
            assert_int_equal(change_long(text, sizeof text, change_byte, at, size), EXO_E_BODY_CHANGED);
            assert_int_equal(change_long(text, sizeof text, change_words, at, size), EXO_E_BODY_CHANGED);
        }
    }
}

/* Between the first two walks: a key that the keys walk has not seen could be one that extra_body has as well. */
static void keys_change_between_walks(void **state)
{
    (void)state;
    static const struct {
        void (*change)(void *);
        const char *key;
    } changes[] = {{change_key, "B"}, {change_order, "c"}, {remove_key, ""}, {add_key, "d"}};
    for (int swapped = 0; swapped < 2; swapped++) {
        for (size_t i = 0; i < COUNT(changes); i++) {
            exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
            exo_node_cursor nodes;
            exo_json_cursor json;
            exo_encoder encoder;
            exo_node_cursor_init(&nodes, &change_root, 64);
            exo_cursor cursor = exo_node_cursor_of(&nodes);
            exo_cursor other = json_of(&json, "{\"x\":1}");
            options.extra_body = swapped ? &cursor : &other;
            restore_nodes(NULL);
            assert_int_equal(exo_encode_init(&encoder, swapped ? &other : &cursor, &options), EXO_OK);
            while (encoder.walk_ == 0) {
                assert_int_equal(exo_encode_size(&encoder, 0), EXO_AGAIN);
            }
            changes[i].change(NULL);
            assert_int_equal(size_all(&encoder, SIZE_MAX), EXO_E_BODY_CHANGED);
            assert_string_equal(exo_encode_error_key(&encoder), changes[i].key);
        }
    }
}

/* A message that breaks between the walks, behind the place to which the look into it goes back. */
static void messages_change_between_walks(void **state)
{
    (void)state;
    exo_node content = {.type = EXO_VALUE_TRUE, .key = TEXT("content")};
    exo_node message = {.type = EXO_VALUE_OBJECT, .first = &content};
    exo_node messages = {.type = EXO_VALUE_ARRAY, .key = TEXT("messages"), .first = &message};
    exo_node root = {.type = EXO_VALUE_OBJECT, .first = &messages};
    exo_node_cursor nodes;
    exo_encoder encoder;
    exo_node_cursor_init(&nodes, &root, 64);
    exo_cursor cursor = exo_node_cursor_of(&nodes);
    assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
    while (encoder.walk_ == 0) {
        assert_int_equal(exo_encode_size(&encoder, 0), EXO_AGAIN);
    }
    content.type = EXO_VALUE_END;
    assert_int_equal(size_all(&encoder, SIZE_MAX), EXO_E_TYPE);
    assert_string_equal(exo_encode_error_key(&encoder), "messages");
}

/* ---- Cursors that break their contract ---- */

struct script {
    const exo_value *tokens;
    size_t count;
    size_t at;
    size_t marked;
    int end;
    int rewind;
    int mark;
    int reset;
};

static int script_next(void *ctx, exo_value *value)
{
    struct script *script = ctx;
    if (script->at == script->count) {
        return script->end;
    }
    *value = script->tokens[script->at++];
    return EXO_EVENT;
}

static int script_rewind(void *ctx)
{
    struct script *script = ctx;
    script->at = 0;
    return script->rewind;
}

static int script_mark(void *ctx)
{
    struct script *script = ctx;
    script->marked = script->at;
    return script->mark;
}

static int script_reset(void *ctx)
{
    struct script *script = ctx;
    script->at = script->marked;
    return script->reset;
}

#define T(kind) \
    { \
        .type = EXO_VALUE_##kind \
    }
#define K(string) \
    { \
        .type = EXO_VALUE_KEY, .text = TEXT(string) \
    }

static void broken_cursors(void **state)
{
    (void)state;
    static const exo_cursor_ops ops = {
        .next = script_next, .rewind = script_rewind, .mark = script_mark, .reset = script_reset};
    static const exo_value message[] = {T(OBJECT), K("messages"), T(ARRAY), T(OBJECT), T(END), T(END), T(END)};
    static const exo_value key_in_array[] = {T(OBJECT), K("a"), T(ARRAY), K("b"), T(NULL), T(END), T(END)};
    static const exo_value no_key[] = {T(OBJECT), T(NULL), T(END)};
    static const exo_value no_key_inside[] = {T(OBJECT), K("a"), T(OBJECT), T(ARRAY), T(END), T(END), T(END)};
    static const exo_value two_keys[] = {T(OBJECT), K("a"), K("b"), T(NULL), T(END)};
    static const exo_value no_value[] = {T(OBJECT), K("a"), T(END)};
    static const exo_value ends_early[] = {T(OBJECT), K("a"), T(ARRAY)};
    static const exo_value goes_on[] = {T(OBJECT), T(END), T(OBJECT), T(END)};
    static const exo_value only_end[] = {T(END)};
    static const exo_value bad_type[] = {T(OBJECT), K("a"), {.type = (exo_value_type)77}, T(END)};
    static const exo_value no_source[] = {T(OBJECT), K("a"), T(SOURCE), T(END)};
    static const struct {
        struct script script;
        int code;
        const char *key;
    } cases[] = {
        {{message, 7, 0, 0, 0, -1000, 0, 0}, -1000, ""},
        {{message, 7, 0, 0, 0, 0, -1000, 0}, -1000, "messages"},
        {{message, 7, 0, 0, 0, 0, 0, -1000}, -1000, "messages"},
        {{message, 7, 0, 0, EXO_NEED_DATA, 0, 0, 0}, EXO_E_REQUEST, ""},
        {{message, 7, 0, 0, -1000, 0, 0, 0}, -1000, ""},
        {{message, 3, 0, 0, -1000, 0, 0, 0}, -1000, "messages"},
        {{message, 3, 0, 0, EXO_NEED_DATA, 0, 0, 0}, EXO_E_REQUEST, "messages"},
        {{key_in_array, COUNT(key_in_array), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, "a"},
        {{no_key, COUNT(no_key), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, ""},
        {{no_key_inside, COUNT(no_key_inside), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, "a"},
        {{two_keys, COUNT(two_keys), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, "a"},
        {{no_value, COUNT(no_value), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, "a"},
        {{ends_early, COUNT(ends_early), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, "a"},
        {{goes_on, COUNT(goes_on), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, ""},
        {{only_end, COUNT(only_end), 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, ""},
        {{bad_type, COUNT(bad_type), 0, 0, 0, 0, 0, 0}, EXO_E_TYPE, "a"},
        {{message, 0, 0, 0, 0, 0, 0, 0}, EXO_E_REQUEST, ""},
        {{no_source, COUNT(no_source), 0, 0, 0, 0, 0, 0}, EXO_E_TYPE, "a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = cases[i].script;
        exo_cursor cursor = {&ops, &script};
        check_error_of(cursor, NULL, cases[i].code, cases[i].key);
    }
    /* An extra_body that cannot go back. */
    struct script script = {message, 7, 0, 0, 0, -1000, 0, 0};
    exo_cursor cursor = {&ops, &script};
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    options.extra_body = &cursor;
    check_error("{\"a\":1}", &options, -1000, "");
}

/* ---- Short cuts of cursors ---- */

#ifndef EXO_SMALL
/* Any number below `count`, the same ones in every run. */
static unsigned any_of(uint32_t *seed, unsigned count)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % count;
}

/* A tree of all that nodes can be, and of some that they cannot. */
static exo_node *any_node(struct arena *arena, uint32_t *seed, unsigned depth)
{
    static const exo_span keys[] = {TEXT("role"),      TEXT("content"), TEXT("_content_file"), TEXT("_file"),
                                    TEXT("_type"),     TEXT("_"),       TEXT("type"),          TEXT("text"),
                                    TEXT("a \"key\""), {NULL, 0}};
    static const exo_span texts[] = {TEXT("a.txt"), TEXT("none"), TEXT("text/plain"), TEXT("\"\\\n\x80"), {NULL, 0}};
    static const exo_span json[] = {TEXT("{\"_content_file\":\"a.txt\"}"), TEXT("{\"_file\":\"a.txt\"}"),
                                    TEXT("[1,[2,[3]]]"), TEXT("[")};
    static const exo_span numbers[] = {TEXT("1.5"), TEXT("1.5"), TEXT("-0"), TEXT("1.")};
    assert_true(arena->count < NODES_MAX);
    exo_node *node = &arena->nodes[arena->count++];
    memset(node, 0, sizeof *node);
    node->key = keys[any_of(seed, COUNT(keys))];
    node->type = (exo_value_type)(depth < 7 && any_of(seed, 2) == 0 ? EXO_VALUE_ARRAY + any_of(seed, 2)
                                                                    : any_of(seed, EXO_VALUE_SOURCE));
    if (any_of(seed, 100) == 0) {
        node->type = (exo_value_type)any_of(seed, EXO_VALUE_END + 2);
    }
    if (node->key.len > 1 && *node->key.ptr == '_' && any_of(seed, 4) > 0) { /* a file, mostly one that is there */
        node->type = EXO_VALUE_STRING;
        node->text = texts[any_of(seed, 8) == 0];
        return node;
    }
    node->json = any_of(seed, 50) == 0;
    node->number.i = -7;
    node->text = node->json                       ? json[any_of(seed, any_of(seed, 4) == 0 ? 4 : 3)]
                 : node->type == EXO_VALUE_NUMBER ? numbers[any_of(seed, any_of(seed, 8) == 0 ? 4 : 3)]
                                                  : texts[any_of(seed, COUNT(texts))];
    const exo_node **link = &node->first;
    for (unsigned left = any_of(seed, 4); left > 0 && arena->count < NODES_MAX / 2; left--) {
        exo_node *member = any_node(arena, seed, depth + 1);
        *link = member;
        link = &member->next;
    }
    return node;
}

/* A request, of which each second one has messages as they should be, at first. */
static exo_node *any_request(struct arena *arena, uint32_t *seed)
{
    static const exo_span keys[] = {TEXT("messages"), TEXT("tools"), TEXT("tool_choice"), TEXT("model"), TEXT("x")};
    exo_node *request = &arena->nodes[0];
    const exo_node **link = &request->first;
    memset(request, 0, sizeof *request);
    request->type = EXO_VALUE_OBJECT;
    arena->count = 1;
    for (size_t i = any_of(seed, 3); i < COUNT(keys); i += 1 + any_of(seed, 2)) {
        exo_node *member = any_node(arena, seed, 1);
        member->key = keys[i];
        if (any_of(seed, 2) == 0) {
            member->type = EXO_VALUE_ARRAY;
            member->json = false;
            for (const exo_node *message = member->first; message && any_of(seed, 4) > 0; message = message->next) {
                arena->nodes[message - arena->nodes].type = EXO_VALUE_OBJECT;
            }
        }
        *link = member;
        link = &member->next;
    }
    return request;
}

/* A cursor that counts what it is asked for, with the short cuts of another or without. */
struct counted {
    exo_cursor inner;
    size_t tokens;
};

static int counted_next(void *ctx, exo_value *value)
{
    struct counted *counted = ctx;
    counted->tokens++;
    return counted->inner.ops->next(counted->inner.ctx, value);
}

static int counted_rewind(void *ctx)
{
    const struct counted *counted = ctx;
    return counted->inner.ops->rewind(counted->inner.ctx);
}

static int counted_mark(void *ctx)
{
    const struct counted *counted = ctx;
    return counted->inner.ops->mark(counted->inner.ctx);
}

static int counted_reset(void *ctx)
{
    const struct counted *counted = ctx;
    return counted->inner.ops->reset(counted->inner.ctx);
}

static size_t counted_pass(void *ctx, uint32_t levels)
{
    const struct counted *counted = ctx;
    return counted->inner.ops->pass(counted->inner.ctx, levels);
}

static bool counted_is_plain(void *ctx)
{
    const struct counted *counted = ctx;
    return counted->inner.ops->is_plain(counted->inner.ctx);
}

/* What comes of a request: the error and the key, or the body; and what the opener was asked for. */
struct outcome {
    int code;
    char key[64];
    struct body body;
    char asked[2048];
    size_t tokens;
};

static void encode_any(struct outcome *outcome, const exo_node *request, const exo_limits *limits, size_t budget,
                       bool short_cuts)
{
    static const exo_cursor_ops with = {counted_next,  counted_rewind, counted_mark,
                                        counted_reset, counted_pass,   counted_is_plain};
    static const exo_cursor_ops without = {
        .next = counted_next, .rewind = counted_rewind, .mark = counted_mark, .reset = counted_reset};
    struct folder folder;
    exo_node_cursor nodes;
    exo_encoder encoder;
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_node_cursor_init(&nodes, request, 6);
    struct counted counted = {exo_node_cursor_of(&nodes), 0};
    const exo_cursor cursor = {short_cuts ? &with : &without, &counted};
    folder_init(&folder);
    folder_add(&folder, "a.txt", NULL, "A \"file\"\n");
    options.opener = &folder.opener;
    options.limits = limits;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_OK);
    outcome->code = size_all(&encoder, budget);
    outcome->body.len = 0;
    if (outcome->code == EXO_OK) {
        outcome->code = write_all(&encoder, budget, &outcome->body);
        assert_int_equal(outcome->body.len, exo_encode_total(&encoder));
    }
    snprintf(outcome->key, sizeof outcome->key, "%s", exo_encode_error_key(&encoder));
    memcpy(outcome->asked, folder.asked, sizeof outcome->asked);
    outcome->tokens = counted.tokens;
}

static void short_cuts_change_nothing(void **state)
{
    (void)state;
    static struct arena arena;
    static struct outcome with;
    static struct outcome without;
    uint32_t seed = 11;
    size_t sent = 0;
    size_t with_files = 0;
    size_t shorter = 0;
    for (unsigned i = 0; i < 20000; i++) {
        exo_limits limits = *exo_limits_host();
        limits.depth = any_of(&seed, 4) == 0 ? 2 + any_of(&seed, 6) : 32;
        const exo_node *request = any_request(&arena, &seed);
        const size_t budget = any_of(&seed, 2) == 0 ? 1 + any_of(&seed, 100) : 5000;
        encode_any(&with, request, &limits, budget, true);
        encode_any(&without, request, &limits, budget, false);
        assert_string_equal(exo_error_name(with.code), exo_error_name(without.code));
        assert_string_equal(with.key, without.key);
        assert_string_equal(with.asked, without.asked);
        assert_int_equal(with.body.len, without.body.len);
        assert_memory_equal(with.body.text ? with.body.text : "", without.body.text ? without.body.text : "",
                            with.body.len);
        sent += with.code == EXO_OK;
        with_files += with.code == EXO_OK && with.asked[0] != '\0';
        shorter += with.tokens < without.tokens;
        assert_true(with.tokens <= without.tokens);
    }
    assert_true(sent > 5000 && with_files > 100 && shorter > 5000);
    body_clear(&with.body);
    body_clear(&without.body);
}

/* A long list is passed in part, and looked at in part. */
static void short_cuts_take_a_moment(void **state)
{
    (void)state;
    static exo_node nodes[5000];
    static struct outcome with;
    static struct outcome without;
    for (size_t count = 1; count < COUNT(nodes); count = count * 2 + 1) {
        exo_node message = {.type = EXO_VALUE_OBJECT, .first = &nodes[0]};
        exo_node messages = {.key = TEXT("messages"), .type = EXO_VALUE_ARRAY, .first = &message};
        exo_node request = {.type = EXO_VALUE_OBJECT, .first = &messages};
        for (size_t i = 0; i < count; i++) {
            nodes[i] =
                (exo_node){.key = TEXT("x"), .type = EXO_VALUE_TRUE, .next = i + 1 < count ? &nodes[i + 1] : NULL};
        }
        nodes[count - 1].key = exo_span_text("_last");
        encode_any(&with, &request, NULL, 5000, true);
        encode_any(&without, &request, NULL, 5000, false);
        assert_int_equal(with.code, EXO_OK);
        assert_int_equal(without.code, EXO_OK);
        assert_string_equal(with.body.text, without.body.text);
        assert_true(count > 4096 ? with.tokens == without.tokens : with.tokens < without.tokens);
    }
    body_clear(&with.body);
    body_clear(&without.body);
}
#endif

static void arguments(void **state)
{
    (void)state;
    exo_encoder encoder;
    exo_json_cursor json;
    exo_cursor cursor = json_of(&json, "{}");
    exo_cursor no_ops = {NULL, NULL};
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    assert_int_equal(exo_encode_init(NULL, &cursor, &options), EXO_E_ARGUMENT);
    assert_int_equal(exo_encode_init(&encoder, NULL, &options), EXO_E_ARGUMENT);
    assert_int_equal(exo_encode_init(&encoder, &no_ops, &options), EXO_E_ARGUMENT);
    options.size = 1;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_E_ARGUMENT);
    options.size = sizeof options;
    options.drop_count = 1;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_E_ARGUMENT);
    options.drop_count = 0;
    options.rename_count = 1;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_E_ARGUMENT);
    options.rename_count = 0;
    options.extra_body = &no_ops;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_E_ARGUMENT);
    options.extra_body = NULL;
    assert_int_equal(exo_encode_init(&encoder, &cursor, &options), EXO_OK);
    assert_true(sizeof encoder <= 1600);
}

/* A window that the caller does not empty, and one without room. */
static void windows_are_the_callers(void **state)
{
    (void)state;
    exo_encoder encoder;
    exo_json_cursor json;
    exo_cursor cursor = json_of(&json, "{\"a\":[1,2,3]}");
    char memory[200] = "head:";
    exo_window window = {memory, 5, 5};
    assert_int_equal(exo_encode_init(&encoder, &cursor, NULL), EXO_OK);
    assert_int_equal(size_all(&encoder, 1), EXO_OK);
    assert_int_equal(exo_encode_write(&encoder, &window), EXO_AGAIN);
    assert_int_equal(window.pos, 5);
    while (exo_encode_write(&encoder, &window) == EXO_AGAIN) {
        window.size++;
    }
    memory[window.pos] = '\0';
    assert_string_equal(memory, "head:{\"a\":[1,2,3]," STREAM "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_pass_unchanged),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(json_text_inside_of_nodes),
        cmocka_unit_test(top_level_keys),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(error_keys_are_cut),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(message_files),
        cmocka_unit_test(parts),
        cmocka_unit_test(file_errors),
        cmocka_unit_test(paths_have_a_maximum),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_of_every_length),
        cmocka_unit_test(text_is_escaped_across_pieces),
        cmocka_unit_test(all_kinds_of_utf8),
        cmocka_unit_test(large_sources),
        cmocka_unit_test(a_large_string),
        cmocka_unit_test(sizing_is_sliced),
        cmocka_unit_test(sources_may_hesitate),
        cmocka_unit_test(sources_fail_in_sizing),
        cmocka_unit_test(sources_change),
        cmocka_unit_test(only_uncovered_sources_are_checked),
        cmocka_unit_test(sources_that_are_read_once),
        cmocka_unit_test(requests_change),
        cmocka_unit_test(every_byte_that_changes_is_found),
        cmocka_unit_test(keys_change_between_walks),
        cmocka_unit_test(messages_change_between_walks),
        cmocka_unit_test(broken_cursors),
#ifndef EXO_SMALL
        cmocka_unit_test(short_cuts_change_nothing),
        cmocka_unit_test(short_cuts_take_a_moment),
#endif
        cmocka_unit_test(arguments),
        cmocka_unit_test(windows_are_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
