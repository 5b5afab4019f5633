/*
 * test_bodies.c: what calls send that are no exo_request: values through a cursor, and bytes as they are; and what the
 * options of a call do to a body. Over a transport that follows a script: no socket, and nobody waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/engine.h"
#include "../../src/client/raw.h"

#include "fake_transport.c"

#define HI    "ok text:hi finish:stop done end"
#define LATER "conn sent +1500 200 text:hi finish:stop done end" /* time for a body that comes bit by bit */

/* ---- a client over a script, with two deployments ---- */

typedef struct world {
    fake *f;
    exo_client *client;
    exo_deployment deployment;
} world;

static void begin(world *w, const char *a, const char *b)
{
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    w->f = fake_open();
    w->client = exo_engine_new(&options, fake_transport(w->f));
    assert_non_null(w->client);
    w->deployment = (exo_deployment)EXO_DEPLOYMENT_INIT;
    w->deployment.base_url = "https://api.example/v1";
    fake_script(w->f, "a", a);
    fake_script(w->f, "b", b);
}

static void deploy(world *w)
{
    assert_int_equal(exo_client_deploy(w->client, "a", &w->deployment), EXO_OK);
    assert_int_equal(exo_client_deploy(w->client, "b", &w->deployment), EXO_OK);
    assert_int_equal(exo_client_fallback(w->client, "a", "b"), EXO_OK);
}

/* Takes events to END, and gives back the code that it has. */
static int run(world *w)
{
    exo_event event;
    int code = EXO_E_STATE;
    while (exo_client_next(w->client, -1, &event) == EXO_EVENT) {
        code = event.type != EXO_EVENT_END ? code : event.failure ? event.failure->code : EXO_OK;
    }
    return code;
}

/* ---- a value of the caller's, which can do harm ---- */

typedef struct value {
    exo_json_cursor text;
    exo_cursor inner;
    exo_cursor view;
    long fails_at; /* the token, from 0 on, in place of which there is an error; -1: none */
    int error;
    long tokens;
    unsigned pass;
    unsigned changes_pass;    /* from this pass on other numbers come; 0: never */
    const exo_source *source; /* takes the place of the string "SOURCE" */
} value;

static int value_next(void *ctx, exo_value *out)
{
    value *v = ctx;
    if (v->fails_at >= 0 && v->tokens == v->fails_at) {
        return v->error;
    }
    v->tokens++;
    int code = v->inner.ops->next(v->inner.ctx, out);
    if (code == EXO_EVENT && out->type == EXO_VALUE_NUMBER && v->changes_pass > 0 && v->pass >= v->changes_pass) {
        out->text = exo_span_text("77");
    }
    if (code == EXO_EVENT && out->type == EXO_VALUE_STRING && v->source && exo_value_is(out, exo_span_text("SOURCE"))) {
        out->type = EXO_VALUE_SOURCE;
        out->text = exo_span_of(NULL, 0);
        out->source = v->source;
    }
    return code;
}

static int value_rewind(void *ctx)
{
    value *v = ctx;
    v->pass++;
    return v->inner.ops->rewind(v->inner.ctx);
}

static int value_mark(void *ctx)
{
    value *v = ctx;
    return v->inner.ops->mark(v->inner.ctx);
}

static int value_reset(void *ctx)
{
    value *v = ctx;
    return v->inner.ops->reset(v->inner.ctx);
}

/* A cursor over `json`, on the heap. */
static value *value_new(const char *json)
{
    static const exo_cursor_ops ops = {
        .next = value_next, .rewind = value_rewind, .mark = value_mark, .reset = value_reset};
    value *v = calloc(1, sizeof *v);
    assert_non_null(v);
    exo_json_cursor_init(&v->text, exo_span_text(json), EXO_JSON_DEPTH_MAX);
    v->inner = exo_json_cursor_of(&v->text);
    v->view.ops = &ops;
    v->view.ctx = v;
    v->fails_at = -1;
    return v;
}

/* ---- a source of the caller's ---- */

typedef struct source {
    exo_source own;
    const char *text;
    size_t at;
    long not_ready; /* so many reads find nothing */
    long reads;
    exo_call *resumes; /* is told at once, inside of the read */
} source;

static int source_read(void *ctx, void *dst, size_t size, size_t *got)
{
    source *s = ctx;
    s->reads++;
    *got = 0;
    if (s->not_ready > 0) {
        s->not_ready--;
        exo_call_resume(s->resumes);
        return EXO_AGAIN;
    }
    *got = strlen(s->text) - s->at;
    *got = *got < size ? *got : size;
    memcpy(dst, s->text + s->at, *got);
    s->at += *got;
    return EXO_OK;
}

static int source_rewind(void *ctx)
{
    ((source *)ctx)->at = 0;
    return EXO_OK;
}

static source source_of(const char *text, bool once, uint64_t size)
{
    source s = {.own = {.read = source_read, .rewind = once ? NULL : source_rewind, .size = size}, .text = text};
    return s;
}

/* ---- the body of a value ---- */

static bool keep_body(void *ctx, exo_span bytes)
{
    char *body = ctx;
    size_t at = strlen(body);
    assert_true(at + bytes.len < FAKE_BODY);
    memcpy(body + at, bytes.ptr, bytes.len);
    body[at + bytes.len] = '\0';
    return true;
}

#define USER   "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define STREAM ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

/* What a value becomes, and the same JSON as a request. */
static const struct {
    const char *json;
    const char *body;
} bodies[] = {
    {"{" USER "}", "{\"model\":\"a\"," USER STREAM},
    {"{\"model\":\"a\"," USER ",\"n\":2}", "{\"model\":\"a\"," USER ",\"n\":2" STREAM},
    {"{" USER ",\"stream\":false,\"seed\":1}",
     "{\"model\":\"a\"," USER ",\"stream\":true,\"more\":\"m\",\"stream_options\":{\"include_usage\":true}}"},
    {"{\"messages\":[{\"_id\":7,\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\u00fc\"}]}]}",
     "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\xC3\xBC\"}]}"
     "]" STREAM},
    {"{" USER ",\"max_tokens\":5,\"tools\":[],\"tool_choice\":\"auto\"}",
     "{\"model\":\"a\"," USER ",\"max_completion_tokens\":5" STREAM},
    {"{\"messages\":[null],\"x\":1}", "{\"model\":\"a\",\"messages\":[null],\"x\":1" STREAM},
};

static void set_rules(world *w)
{
    static const char *const drop[] = {"seed"};
    static const exo_header rename[] = {{"max_tokens", "max_completion_tokens"}};
    w->deployment.drop = drop;
    w->deployment.drop_count = 1;
    w->deployment.rename = rename;
    w->deployment.rename_count = 1;
}

static void a_value_is_sent_as_a_request_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        world w;
        char body[FAKE_BODY] = "";
        begin(&w, HI, "");
        set_rules(&w);
        w.deployment.extra_body = strstr(bodies[i].body, "more") ? "{\"more\":\"m\"}" : NULL;
        deploy(&w);
        value *v = value_new(bodies[i].json);
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = "a";
        assert_int_equal(exo_client_body_value(w.client, &v->view, &options, keep_body, body), EXO_OK);
        assert_string_equal(body, bodies[i].body);
        exo_call *call = exo_call_start_value(w.client, &v->view, &options, NULL);
        assert_int_equal(run(&w), EXO_OK);
        assert_string_equal(fake_sent(w.f), bodies[i].body);
        free(v); /* END was handed out */
        exo_call_free(call);
        exo_client_free(w.client);
    }
}

/* Without options.model the value names it, wherever it stands. */
static void a_value_names_its_model(void **state)
{
    static const struct {
        const char *json;
        int code;
    } cases[] = {
        {"{\"model\":\"a\"," USER "}", EXO_OK},
        {"{" USER ",\"model\":\"\\u0061\"}", EXO_OK},
        {"{" USER ",\"model\":\"c\"}", EXO_E_UNKNOWN_MODEL},
        {"{" USER ",\"model\":null}", EXO_E_UNKNOWN_MODEL},
        {"{" USER ",\"model\":\"a\\u0000\"}", EXO_E_UNKNOWN_MODEL},
        {"{" USER ",\"nested\":{\"model\":\"a\"}}", EXO_E_UNKNOWN_MODEL},
        {"{" USER "}", EXO_E_UNKNOWN_MODEL},
        {"{\"messages\":", EXO_E_JSON_END},
        {"[]", EXO_E_UNKNOWN_MODEL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        char body[FAKE_BODY] = "";
        begin(&w, HI, "");
        deploy(&w);
        value *v = value_new(cases[i].json);
        assert_int_equal(exo_client_body_value(w.client, &v->view, NULL, keep_body, body), cases[i].code);
        exo_call *call = exo_call_start_value(w.client, &v->view, NULL, NULL);
        assert_int_equal(run(&w), cases[i].code);
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

static void what_a_value_lacks_is_said(void **state)
{
    static const char no_messages[] = "messages: a list with at least one message was expected";
    static const struct {
        const char *json;
        int code;
        const char *message;
    } cases[] = {
        {"{}", EXO_E_REQUEST, no_messages},
        {"{\"messages\":[]}", EXO_E_REQUEST, no_messages},
        {"{\"messages\":{\"a\":1}}", EXO_E_REQUEST, no_messages},
        {"{\"messages\":\"hello\"}", EXO_E_REQUEST, no_messages},
        {"{\"x\":{\"messages\":[1]}}", EXO_E_REQUEST, no_messages},
        {"{\"x\":[{\"messages\":[1]}],\"messages\":null}", EXO_E_REQUEST, no_messages},
        {"[1]", EXO_E_REQUEST, ""},
        {"7", EXO_E_REQUEST, ""},
        {"{" USER "," USER "}", EXO_E_DUPLICATE_KEY, "messages"},
        {"{" USER ",\"max_tokens\":1,\"max_completion_tokens\":1}", EXO_E_KEY_COLLISION, "max_completion_tokens"},
        {"{\"messages\":[{\"content\":[{\"_file\":\"/etc/passwd\"}]}]}", EXO_E_FILE_REFUSED,
         "messages: /etc/passwd: this request may not name files"},
        {"{\"messages\":[{\"_content_file\":\"/etc/passwd\"}]}", EXO_E_FILE_REFUSED,
         "messages: /etc/passwd: this request may not name files"},
        {"{\"messages\":[{\"content\":[{\"_file\":\"\\u00010\"}]}]}", EXO_E_FILE_REFUSED,
         "messages: _file: names no attachment"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        char body[FAKE_BODY] = "";
        begin(&w, HI, "");
        set_rules(&w);
        deploy(&w);
        value *v = value_new(cases[i].json);
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = "a";
        assert_int_equal(exo_client_body_value(w.client, &v->view, &options, keep_body, body), cases[i].code);
        assert_string_equal(exo_client_message(w.client), cases[i].message);
        exo_call *call = exo_call_start_value(w.client, &v->view, &options, NULL);
        assert_int_equal(run(&w), cases[i].code);
        exo_reply *reply = exo_call_reply(call);
        assert_string_equal(exo_reply_failure(reply)->message, cases[i].message);
        assert_int_equal(exo_reply_failure(reply)->verdict, EXO_STOP);
        assert_string_equal(fake_asked(w.f), "");
        exo_reply_free(reply);
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

/* A request that has no messages is refused in the same way. */
static void a_request_without_messages_is_refused(void **state)
{
    (void)state;
    world w;
    char body[FAKE_BODY] = "";
    begin(&w, HI, "");
    deploy(&w);
    exo_request *request = exo_request_new("a");
    assert_int_equal(exo_client_body(w.client, request, NULL, keep_body, body), EXO_E_REQUEST);
    assert_string_equal(exo_client_message(w.client), "messages: a list with at least one message was expected");
    exo_call *call = exo_call_start(w.client, request, NULL, NULL);
    assert_int_equal(run(&w), EXO_E_REQUEST);
    exo_call_free(call);
    exo_request_free(request);
    exo_client_free(w.client);
}

/* At every token, with every code: the call ends with an error that no route takes for the endpoint's, and nothing that
 * is complete was sent. */
static void a_cursor_can_fail_anywhere(void **state)
{
    static const int codes[] = {EXO_E_TYPE, EXO_E_NUMBER,  EXO_E_NO_MEMORY,  EXO_E_CANCELLED, EXO_E_SERVER,
                                EXO_E_AUTH, EXO_E_CONNECT, EXO_E_CLOCK_IDLE, -12345};
    static const char json[] = "{\"model\":\"a\"," USER ",\"x\":[1,2]}";
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        exo_error_class class_ = exo_error_class_of(codes[i]);
        int expected = class_ == EXO_CLASS_CALLER || class_ == EXO_CLASS_LIMIT ? codes[i] : EXO_E_REQUEST;
        int code = EXO_E_STATE;
        for (long at = 0; code != EXO_OK; at++) {
            world w;
            begin(&w, HI, HI);
            deploy(&w);
            value *v = value_new(json);
            v->fails_at = at;
            v->error = codes[i];
            exo_call *call = exo_call_start_value(w.client, &v->view, NULL, NULL);
            code = run(&w);
            exo_reply *reply = exo_call_reply(call);
            if (code != EXO_OK) {
                assert_int_equal(code, expected);
                assert_true(strlen(fake_sent(w.f)) == 0 || fake_sent(w.f)[strlen(fake_sent(w.f)) - 1] != '}' ||
                            exo_reply_attempts(reply) == 1);
                assert_true(exo_reply_attempts(reply) <= 1);
            }
            exo_reply_free(reply);
            exo_call_free(call);
            free(v);
            exo_client_free(w.client);
            assert_true(at < 500);
        }
    }
}

static void a_value_that_changes_is_never_sent_whole(void **state)
{
    (void)state;
    world w;
    begin(&w, HI, HI);
    deploy(&w);
    value *v = value_new("{\"model\":\"a\"," USER ",\"x\":1}");
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = "a";
    v->changes_pass = 3; /* keys, size, write */
    exo_call *call = exo_call_start_value(w.client, &v->view, &options, NULL);
    assert_int_equal(run(&w), EXO_E_BODY_CHANGED);
    assert_string_equal(fake_asked(w.f), "a a-");
    exo_call_free(call);
    free(v);
    exo_client_free(w.client);
}

/* The next deployment has rules of its own; the same cursor is walked anew. */
static void a_value_is_aimed_at_the_fallback(void **state)
{
    (void)state;
    world w;
    begin(&w, "conn sent 500 end", HI);
    deploy(&w);
    w.deployment.model = "other";
    w.deployment.extra_body = "{\"y\":2}";
    assert_int_equal(exo_client_deploy(w.client, "b", &w.deployment), EXO_OK);
    value *v = value_new("{\"model\":\"a\"," USER ",\"x\":1}");
    exo_call *call = exo_call_start_value(w.client, &v->view, NULL, NULL);
    assert_int_equal(run(&w), EXO_OK);
    assert_string_equal(fake_sent(w.f), "{\"model\":\"other\"," USER ",\"x\":1,\"y\":2,\"stream\":true,"
                                        "\"stream_options\":{\"include_usage\":true}}");
    exo_call_free(call);
    free(v);
    exo_client_free(w.client);
}

/* ---- who has what ---- */

static void one_cursor_serves_one_call(void **state)
{
    (void)state;
    world w;
    char body[FAKE_BODY] = "";
    begin(&w, HI " | " HI, "");
    deploy(&w);
    value *v = value_new("{\"model\":\"a\"," USER "}");
    exo_call *one = exo_call_start_value(w.client, &v->view, NULL, NULL);
    exo_call *other = exo_call_start_value(w.client, &v->view, NULL, NULL);
    assert_int_equal(exo_client_body_value(w.client, &v->view, NULL, keep_body, body), EXO_E_STATE);
    assert_string_equal(exo_client_message(w.client), "the value is in use by another call");
    run(&w);
    exo_reply *first = exo_call_reply(one);
    exo_reply *second = exo_call_reply(other);
    assert_null(exo_reply_failure(first));
    assert_int_equal(exo_reply_failure(second)->code, EXO_E_STATE);
    assert_string_equal(exo_reply_failure(second)->message, "the value is in use by another call");
    exo_call *later = exo_call_start_value(w.client, &v->view, NULL, NULL);
    assert_int_equal(run(&w), EXO_OK);
    exo_reply_free(first);
    exo_reply_free(second);
    exo_call_free(one);
    exo_call_free(other);
    exo_call_free(later);
    free(v);
    exo_client_free(w.client);
}

/* Whatever the two are: a request, a value, a body; and whoever had it gives it back with END, cancel or free. */
static void one_source_serves_one_call(void **state)
{
    (void)state;
    for (int first = 0; first < 3; first++) {
        for (int second = 0; second < 3; second++) {
            world w;
            begin(&w, HI " | " HI " | " HI, "");
            deploy(&w);
            source s = source_of("text", false, EXO_SIZE_UNKNOWN);
            s.own.ctx = &s;
            exo_call_options options = EXO_CALL_OPTIONS_INIT;
            options.model = "a";
            exo_request *request = exo_request_new("a");
            assert_int_equal(exo_request_source(request, EXO_USER, &s.own, "text/plain", "pipe"), EXO_OK);
            value *v[2];
            exo_call *calls[2];
            for (int i = 0; i < 2; i++) {
                int kind = i == 0 ? first : second;
                v[i] = value_new("{\"messages\":[{\"content\":\"SOURCE\"}]}");
                v[i]->source = &s.own;
                calls[i] = kind == 0   ? exo_call_start(w.client, request, &options, NULL)
                           : kind == 1 ? exo_call_start_value(w.client, &v[i]->view, &options, NULL)
                                       : exo_call_start_raw(w.client, &s.own, &options, NULL);
            }
            run(&w);
            int failed = 0;
            for (int i = 0; i < 2; i++) {
                exo_reply *reply = exo_call_reply(calls[i]);
                const exo_failure *failure = exo_reply_failure(reply);
                assert_true(!failure || failure->code == EXO_E_STATE);
                assert_true(!failure || strstr(failure->message, "in use by another call"));
                failed += failure != NULL;
                exo_reply_free(reply);
                exo_call_free(calls[i]);
            }
            assert_int_equal(failed, 1);
            exo_call *later = exo_call_start_raw(w.client, &s.own, &options, NULL);
            assert_int_equal(run(&w), EXO_OK);
            exo_call_free(later);
            free(v[0]);
            free(v[1]);
            exo_request_free(request);
            exo_client_free(w.client);
        }
    }
}

/* Ends a call behind so many steps, and takes away what it was given at once. False: it had come to END before. */
static bool end_at(int steps, bool raw, bool freed)
{
    world w;
    exo_event event;
    bool running = true;
    begin(&w, "+1 conn +1 sent:9 +1 sent 200 text:h +1 end:RECEIVE",
          "+1 conn +1 sent 200 +1 text:hi finish:stop done +5 end");
    deploy(&w);
    value *v = value_new("{\"model\":\"a\"," USER "}");
    source *s = malloc(sizeof *s);
    assert_non_null(s);
    *s = source_of("a body of bytes", false, 15);
    s->own.ctx = s;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = "a";
    options.restart = true;
    exo_call *call = raw ? exo_call_start_raw(w.client, &s->own, &options, NULL)
                         : exo_call_start_value(w.client, &v->view, &options, NULL);
    for (int i = 0; i < steps && running; i++) {
        int code = exo_client_next(w.client, 0, &event);
        running = code == EXO_OK || (code == EXO_EVENT && event.type != EXO_EVENT_END);
        fake_pass(w.f, code == EXO_OK);
    }
    if (running && freed) {
        exo_call_free(call);
    } else if (running) {
        exo_call_cancel(call);
    }
    memset(v, 0xFF, sizeof *v);
    memset(s, 0xFF, sizeof *s);
    free(v);
    free(s);
    for (int i = 0; i < 300; i++) {
        (void)exo_client_next(w.client, 0, &event);
        fake_pass(w.f, 1);
    }
    if (!freed || !running) {
        exo_call_free(call);
    }
    exo_client_free(w.client);
    return running;
}

static void nothing_is_touched_behind_the_end(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        int steps = 0;
        while (end_at(steps, kind % 2, kind / 2)) {
            assert_true(++steps < 200);
        }
        assert_true(steps > 6);
    }
}

/* ---- bytes as they are ---- */

static const struct {
    const char *what;
    const char *text;
    uint64_t size;
    int code; /* of writing it */
    bool once;
    bool chunked;
} raws[] = {
    {"known", "{\"a\":1}", 7, EXO_OK, false, false},
    {"one byte", "7", 1, EXO_OK, false, false},
    {"unknown", "{\"a\":1}", EXO_SIZE_UNKNOWN, EXO_OK, false, true},
    {"once", "{\"a\":1}", 7, EXO_OK, true, true},
    {"once, unknown", "{\"a\":1}", EXO_SIZE_UNKNOWN, EXO_OK, true, true},
    {"nothing, unknown", "", EXO_SIZE_UNKNOWN, EXO_OK, false, true},
    {"too short", "{\"a\":1", 7, EXO_E_BODY_CHANGED, false, false},
    {"too long", "{\"a\":1}}", 7, EXO_E_BODY_CHANGED, false, false},
};

static void raw_bytes_in_windows_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++) {
        for (size_t size = 1; size < 12; size++) {
            char out[32] = "";
            size_t len = 0;
            source s = source_of(raws[i].text, raws[i].once, raws[i].size);
            s.own.ctx = &s;
            exo_raw raw = {.source = &s.own};
            int code = EXO_AGAIN;
            while (code == EXO_AGAIN) {
                exo_window window = {out + len, size, 0};
                code = exo_raw_write(&raw, &window);
                len += window.pos;
                assert_true(window.pos > 0 || code != EXO_AGAIN);
                assert_int_equal(raw.written_, len);
            }
            assert_int_equal(code, raws[i].code);
            assert_int_equal(exo_raw_total(&raw) == EXO_SIZE_UNKNOWN, raws[i].chunked);
            assert_int_equal(exo_raw_rewind(&raw), raws[i].once ? EXO_E_SOURCE_ONCE : EXO_OK);
            if (code == EXO_OK) {
                assert_string_equal(out, raws[i].text);
            } else {
                assert_true(len < raws[i].size); /* the last byte is withheld */
            }
        }
    }
}

static void a_body_is_sent_as_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++) {
        world w;
        begin(&w, "conn sent 500 end", HI);
        w.deployment.extra_body = "{\"b\":2}";
        deploy(&w);
        source s = source_of(raws[i].text, raws[i].once, raws[i].size);
        s.own.ctx = &s;
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.model = "a";
        exo_call *call = exo_call_start_raw(w.client, &s.own, &options, NULL);
        int code = run(&w);
        assert_int_equal(code, raws[i].code < 0 ? raws[i].code : raws[i].once ? EXO_E_SERVER : EXO_OK);
        assert_int_equal(fake_is_chunked(w.f), raws[i].chunked);
        if (raws[i].code == EXO_OK) {
            assert_string_equal(fake_sent(w.f), raws[i].text);
        }
        assert_string_equal(fake_asked(w.f), code == EXO_OK ? "a a- b b+" : "a a-");
        exo_call_free(call);
        exo_client_free(w.client);
    }
}

static void what_a_raw_body_lacks_is_said(void **state)
{
    (void)state;
    world w;
    begin(&w, HI, "");
    deploy(&w);
    source s = source_of("x", false, 1);
    s.own.ctx = &s;
    source empty = source_of("", false, 0);
    empty.own.ctx = &empty;
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    exo_call *call = exo_call_start_raw(w.client, &s.own, &options, NULL);
    assert_int_equal(run(&w), EXO_E_UNKNOWN_MODEL);
    exo_call_free(call);
    options.model = "a";
    call = exo_call_start_raw(w.client, &empty.own, &options, NULL);
    assert_int_equal(run(&w), EXO_E_ARGUMENT);
    assert_string_equal(exo_client_message(w.client), "body: is empty");
    exo_call_free(call);
    options.defaults = "{}";
    call = exo_call_start_raw(w.client, &s.own, &options, NULL);
    assert_int_equal(run(&w), EXO_E_ARGUMENT);
    exo_call_free(call);
    assert_null(exo_call_start_raw(w.client, NULL, &options, NULL));
    assert_null(exo_call_start_value(w.client, NULL, NULL, NULL));
    assert_int_equal(exo_client_body_value(w.client, NULL, NULL, keep_body, NULL), EXO_E_ARGUMENT);
    exo_client_free(w.client);
}

/* ---- sources that have nothing ready ---- */

/* How a source is given, and when it is read first. */
static const struct {
    const char *what;
    bool raw;
    bool once;
} starving[] = {
    {"in a value, while it is sized", false, false},
    {"in a value, while it is sent", false, true},
    {"as a body", true, false},
    {"as a body, once", true, true},
};

static exo_call *start_starving(world *w, size_t i, source *s, value **v, bool resumes)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    *s = source_of("what there is", starving[i].once, EXO_SIZE_UNKNOWN);
    s->own.ctx = s;
    *v = value_new("{\"messages\":[{\"content\":\"SOURCE\"}]}");
    (*v)->source = &s->own;
    options.model = "a";
    options.resumes = resumes;
    return starving[i].raw ? exo_call_start_raw(w->client, &s->own, &options, NULL)
                           : exo_call_start_value(w->client, &(*v)->view, &options, NULL);
}

/* Lets so many milliseconds pass, each with a turn. */
static void let_pass(world *w, int milliseconds)
{
    exo_event event;
    for (int i = 0; i < milliseconds; i++) {
        assert_int_equal(exo_client_next(w->client, 0, &event), EXO_OK);
        fake_pass(w->f, 1);
    }
}

static void who_promises_to_resume_is_not_polled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof starving / sizeof starving[0]; i++) {
        world w;
        source s;
        value *v;
        begin(&w, LATER, "");
        deploy(&w);
        exo_call *call = start_starving(&w, i, &s, &v, true);
        s.not_ready = LONG_MAX;
        let_pass(&w, 10);
        long reads = s.reads;
        assert_true(reads > 0);
        let_pass(&w, 490);
        assert_int_equal(s.reads, reads);
        exo_call_resume(call); /* which finds nothing either */
        let_pass(&w, 10);
        assert_true(s.reads > reads && s.reads <= reads + 2);
        reads = s.reads;
        let_pass(&w, 490);
        assert_int_equal(s.reads, reads);
        s.not_ready = 0;
        exo_call_resume(call);
        exo_call_resume(call);
        assert_int_equal(exo_client_timeout(w.client), 0);
        assert_int_equal(run(&w), EXO_OK);
        assert_non_null(strstr(fake_sent(w.f), "what there is"));
        exo_call_resume(call); /* of no use, and no harm */
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
    exo_call_resume(NULL);
}

static void a_source_can_resume_from_inside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof starving / sizeof starving[0]; i++) {
        world w;
        source s;
        value *v;
        begin(&w, LATER, "");
        deploy(&w);
        exo_call *call = start_starving(&w, i, &s, &v, true);
        s.not_ready = 20;
        s.resumes = call;
        int64_t before = exo_loop_now(&w.client->loop);
        assert_int_equal(run(&w), EXO_OK);
        assert_int_equal(exo_loop_now(&w.client->loop), before + 1500); /* nobody waited for a timer */
        assert_non_null(strstr(fake_sent(w.f), "what there is"));
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

static void who_promises_nothing_is_polled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof starving / sizeof starving[0]; i++) {
        world w;
        source s;
        value *v;
        begin(&w, LATER, "");
        deploy(&w);
        exo_call *call = start_starving(&w, i, &s, &v, false);
        s.not_ready = 3;
        assert_int_equal(run(&w), EXO_OK);
        assert_non_null(strstr(fake_sent(w.f), "what there is"));
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

/* Promise or not, a source that never goes on ends the call by the clock that runs without progress. */
static void a_source_that_never_goes_on_ends_the_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof starving / sizeof starving[0]; i++) {
        world w;
        source s;
        value *v;
        begin(&w, "conn sent", "conn sent");
        w.deployment.request_timeout = 1000;
        deploy(&w);
        exo_call *call = start_starving(&w, i / 2, &s, &v, i % 2);
        s.not_ready = 1000000;
        int code = run(&w);
        int64_t now = exo_loop_now(&w.client->loop);
        if (code != EXO_E_SOURCE_READ && code != EXO_E_CLOCK_IDLE) {
            fail_msg("%s: %s", starving[i / 2].what, exo_error_name(code));
        }
        assert_true(now >= 1000 && now <= 2010); /* a body that can rewind has two attempts */
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

/* ---- many of them ---- */

static bool count_bytes(void *ctx, exo_span bytes)
{
    *(size_t *)ctx += bytes.len;
    return true;
}

/* What were walked from its beginning for each of them, would take minutes. */
static void two_hundred_thousand_attachments_and_messages(void **state)
{
    enum {
        MANY = 200000
    };
    static const char part[] = ",{\"type\":\"text\",\"text\":\"x\"}";
    static const char message[] = ",{\"role\":\"user\",\"content\":\"y\"}";
    (void)state;
    world w;
    size_t bytes = 0;
    begin(&w, "", "");
    deploy(&w);
    exo_request *request = exo_request_new("a");
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(exo_request_bytes(request, EXO_USER, exo_span_text("x"), "text/plain", NULL), EXO_OK);
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(exo_request_text(request, EXO_USER, "y"), EXO_OK);
    }
    assert_int_equal(exo_client_body(w.client, request, NULL, count_bytes, &bytes), EXO_OK);
    size_t frame = strlen("{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[]}]" STREAM);
    assert_int_equal(bytes, frame + MANY * (strlen(part) + strlen(message)) - 1);
    exo_request_free(request);
    exo_client_free(w.client);
}

/* ---- options ---- */

static void options_are_refused_not_bent(void **state)
{
    static const exo_header auth[] = {{"authorization", "Bearer x"}};
    static const exo_header length[] = {{"Content-Length", "1"}};
    static const exo_header type[] = {{"content-type", "text/plain"}};
    static const exo_header broken[] = {{"X-A", "a\r\nb"}};
    static const exo_header key[] = {{"API-Key", "x"}};
    const exo_call_options standard = EXO_CALL_OPTIONS_INIT;
    struct {
        const char *message; /* how it begins */
        int code;
        exo_call_options options;
    } cases[] = {
        {"choices: 1 to 16", EXO_E_ARGUMENT, standard},
        {"choices: 1 to 16", EXO_E_ARGUMENT, standard},
        {"choices: 1 to 16", EXO_E_ARGUMENT, standard},
        {"total_timeout: ", EXO_E_ARGUMENT, standard},
        {"connect_timeout: ", EXO_E_ARGUMENT, standard},
        {"request_timeout: ", EXO_E_ARGUMENT, standard},
        {"stream_ttft_timeout: ", EXO_E_ARGUMENT, standard},
        {"request_timeout: ", EXO_E_ARGUMENT, standard},
        {"files: ", EXO_E_ARGUMENT, standard},
        {"file_root: ", EXO_E_ARGUMENT, standard},
        {"file_root: ", EXO_E_ARGUMENT, standard},
        {"defaults: must be a JSON object", EXO_E_REQUEST, standard},
        {"defaults: must be a JSON object", EXO_E_JSON_END, standard},
        {"defaults: must be a JSON object", EXO_E_DUPLICATE_KEY, standard},
        {"authorization: ", EXO_E_HEADER, standard},
        {"Content-Length: ", EXO_E_HEADER, standard},
        {"content-type: ", EXO_E_HEADER, standard},
        {"X-A: ", EXO_E_HEADER, standard},
        {"api-key: ", EXO_E_HEADER, standard},
        {"api_key: ", EXO_E_HEADER, standard},
        {"traceparent: ", EXO_E_HEADER, standard},
    };
    (void)state;
    size_t i = 0;
    cases[i++].options.choices = 0;
    cases[i++].options.choices = 17;
    cases[i++].options.choices = UINT32_MAX;
    cases[i++].options.total_timeout = -1;
    cases[i++].options.connect_timeout = -1;
    cases[i++].options.request_timeout = -3;
    cases[i++].options.stream_ttft_timeout = INT64_MIN;
    cases[i++].options.request_timeout = 86400001;
    cases[i++].options.files = (exo_files)9;
    cases[i++].options.files = EXO_FILES_FOLDER;
    cases[i++].options.file_root = "/tmp";
    cases[i++].options.defaults = "[1]";
    cases[i++].options.defaults = "{\"a\":";
    cases[i++].options.defaults = "{\"a\":1,\"\\u0061\":2}";
    cases[i].options.headers = auth;
    cases[i++].options.header_count = 1;
    cases[i].options.headers = length;
    cases[i++].options.header_count = 1;
    cases[i].options.headers = type;
    cases[i++].options.header_count = 1;
    cases[i].options.headers = broken;
    cases[i++].options.header_count = 1;
    cases[i].options.headers = key;
    cases[i++].options.header_count = 1;
    cases[i++].options.api_key = "a\nb";
    cases[i++].options.traceparent = "a\nb";
    assert_int_equal(i, sizeof cases / sizeof cases[0]);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        begin(&w, HI, "");
        w.deployment.auth_header = "api-key";
        deploy(&w);
        exo_request *request = exo_request_new("a");
        exo_request_text(request, EXO_USER, "hi");
        exo_call *call = exo_call_start(w.client, request, &cases[i].options, NULL);
        assert_int_equal(run(&w), cases[i].code);
        exo_reply *reply = exo_call_reply(call);
        const char *message = exo_reply_failure(reply)->message;
        if (strncmp(message, cases[i].message, strlen(cases[i].message)) != 0) {
            fail_msg("%s, not %s", message, cases[i].message);
        }
        assert_string_equal(fake_asked(w.f), "");
        exo_reply_free(reply);
        exo_call_free(call);
        exo_request_free(request);
        exo_client_free(w.client);
    }
}

/* Defaults lie below the request and extra_body. */
static const struct {
    const char *defaults;
    const char *extra_body;
    const char *request; /* further keys of it */
    const char *sent;    /* what stands behind those */
} merges[] = {
    {"{}", NULL, "", ""},
    {" { } ", "{}", "", ""},
    {"{\"x\":1}", NULL, "", ",\"x\":1"},
    {"{\"x\":1}", " { } ", "", ",\"x\":1"},
    {"{\"x\":1, \"y\" : [2]}", " {\"z\":3 }", "", ",\"z\":3,\"x\":1,\"y\":[2]"},
    {"{\"x\":1,\"y\":2}", "{\"\\u0078\":3}", "", ",\"x\":3,\"y\":2"},
    {"{\"x\":1,\"y\":2}", NULL, ",\"x\":7", ",\"y\":2"},
    {"{\"x\":1}", "{\"x\":2}", ",\"x\":7", ""},
    {"{\"model\":\"m\",\"messages\":[],\"stream\":false}", NULL, "", ""},
    {"{\"seed\":1}", NULL, "", ""},                                   /* is dropped */
    {"{\"max_tokens\":1}", NULL, "", ",\"max_completion_tokens\":1"}, /* and this renamed */
    {"{\"max_tokens\":1}", NULL, ",\"max_tokens\":7", ""},
    {"{\"max_tokens\":1}", "{\"max_completion_tokens\":5}", "", ",\"max_completion_tokens\":5"},
    {"{\"\\u00fc\\\"\":\"\\u00fc\"}", NULL, "", ",\"\xC3\xBC\\\"\":\"\xC3\xBC\""},
    {"{\"tool_choice\":\"auto\"}", NULL, "", ""},
    {"{\"stream_options\":{\"a\":1}}", NULL, "", ",\"stream_options\":{\"a\":1}"},
};

static void defaults_are_below_everything(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        world w;
        char json[512];
        char expected[512];
        char body[FAKE_BODY] = "";
        begin(&w, HI, "");
        set_rules(&w);
        w.deployment.extra_body = merges[i].extra_body;
        deploy(&w);
        snprintf(json, sizeof json, "{" USER "%s}", merges[i].request);
        value *v = value_new(json);
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        char defaults[128]; /* is copied */
        snprintf(defaults, sizeof defaults, "%s", merges[i].defaults);
        options.model = "a";
        options.defaults = defaults;
        exo_call *call = exo_call_start_value(w.client, &v->view, &options, NULL);
        memset(defaults, 'x', sizeof defaults);
        assert_int_equal(run(&w), EXO_OK);
        bool usage = strstr(merges[i].sent, "stream_options") != NULL;
        bool renamed = strstr(merges[i].request, "max_tokens") != NULL;
        snprintf(expected, sizeof expected, "{\"model\":\"a\"," USER "%s%s%s%s}",
                 renamed ? ",\"max_completion_tokens\":7" : merges[i].request, merges[i].sent, ",\"stream\":true",
                 usage ? "" : ",\"stream_options\":{\"include_usage\":true}");
        assert_string_equal(fake_sent(w.f), expected);
        options.defaults = merges[i].defaults;
        assert_int_equal(exo_client_body_value(w.client, &v->view, &options, keep_body, body), EXO_OK);
        assert_string_equal(body, expected);
        exo_call_free(call);
        free(v);
        exo_client_free(w.client);
    }
}

static void defaults_have_a_limit(void **state)
{
    char json[65 * 8 + 2] = "{";
    (void)state;
    for (int i = 0; i < 65; i++) {
        snprintf(json + strlen(json), sizeof json - strlen(json), "%s\"%02d\":1", i > 0 ? "," : "", i);
    }
    snprintf(json + strlen(json), sizeof json - strlen(json), "}");
    world w;
    begin(&w, HI, "");
    deploy(&w);
    exo_request *request = exo_request_new("a");
    exo_request_text(request, EXO_USER, "hi");
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.defaults = json;
    exo_call *call = exo_call_start(w.client, request, &options, NULL);
    assert_int_equal(run(&w), EXO_E_KEYS_LIMIT);
    exo_call_free(call);
    exo_request_free(request);
    exo_client_free(w.client);
}

/* A call's own clocks, and where it has none the deployment's. */
static void a_call_has_clocks_of_its_own(void **state)
{
    static const struct {
        const char *script;
        int64_t connect;
        int64_t first;
        int64_t idle;
        int code;
        int64_t at;
    } cases[] = {
        {"", 10, -2, -2, EXO_E_CLOCK_CONNECT, 10},
        {"", -2, -2, -2, EXO_E_CLOCK_CONNECT, 300},
        {"ok", -2, 20, -2, EXO_E_CLOCK_FIRST, 20},
        {"ok", -2, EXO_CLOCK_AUTO, 30, EXO_E_CLOCK_IDLE, 30},
        {"ok text:hi", -2, -2, 40, EXO_E_CLOCK_IDLE, 40},
        {"ok text:hi", -2, -2, -2, EXO_E_CLOCK_IDLE, 500},
        {"+400 " HI, 0, -2, -2, EXO_OK, 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world w;
        begin(&w, cases[i].script, "");
        w.deployment.connect_timeout = 300;
        w.deployment.stream_ttft_timeout = 400;
        w.deployment.request_timeout = 500;
        assert_int_equal(exo_client_deploy(w.client, "a", &w.deployment), EXO_OK);
        exo_request *request = exo_request_new("a");
        exo_request_text(request, EXO_USER, "hi");
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        options.connect_timeout = cases[i].connect;
        options.stream_ttft_timeout = cases[i].first;
        options.request_timeout = cases[i].idle;
        exo_call *call = exo_call_start(w.client, request, &options, NULL);
        assert_int_equal(run(&w), cases[i].code);
        int64_t now = exo_loop_now(&w.client->loop);
        assert_true(now >= cases[i].at && now <= cases[i].at + 1);
        exo_call_free(call);
        exo_request_free(request);
        exo_client_free(w.client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_sent_as_a_request_is),
        cmocka_unit_test(a_value_names_its_model),
        cmocka_unit_test(what_a_value_lacks_is_said),
        cmocka_unit_test(a_request_without_messages_is_refused),
        cmocka_unit_test(a_cursor_can_fail_anywhere),
        cmocka_unit_test(a_value_that_changes_is_never_sent_whole),
        cmocka_unit_test(a_value_is_aimed_at_the_fallback),
        cmocka_unit_test(one_cursor_serves_one_call),
        cmocka_unit_test(one_source_serves_one_call),
        cmocka_unit_test(nothing_is_touched_behind_the_end),
        cmocka_unit_test(raw_bytes_in_windows_of_any_size),
        cmocka_unit_test(a_body_is_sent_as_it_is),
        cmocka_unit_test(what_a_raw_body_lacks_is_said),
        cmocka_unit_test(who_promises_to_resume_is_not_polled),
        cmocka_unit_test(a_source_can_resume_from_inside),
        cmocka_unit_test(who_promises_nothing_is_polled),
        cmocka_unit_test(a_source_that_never_goes_on_ends_the_call),
        cmocka_unit_test(two_hundred_thousand_attachments_and_messages),
        cmocka_unit_test(options_are_refused_not_bent),
        cmocka_unit_test(defaults_are_below_everything),
        cmocka_unit_test(defaults_have_a_limit),
        cmocka_unit_test(a_call_has_clocks_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
