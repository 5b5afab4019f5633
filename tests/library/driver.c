/*
 * driver.c: the hosted library on a string: reads commands from standard input, one a line, does them, and prints what
 * happened as JSON lines.
 *
 * The words of a line are separated by tabs; some are key=value. A command's own lines come first, then one that
 * begins with "done" and says its code and how long it took. tests/integration/driver.py is the other end of it.
 * There is one client; requests and calls are known by number. Memory: static but for what the library takes.
 */
#include "faults.h"
#include "print.h"
#include "source.h"

#include "exochat/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX    4096
#define REQUESTS_MAX 8
#define SOURCES_MAX  8
#define VALUES_MAX   4
#define LIST_MAX     16
#define PEM_MAX      8192

typedef struct slot {
    exo_call *call;
    bool began; /* an event other than END came */
} slot;

static exo_client *client;
static exo_request *requests[REQUESTS_MAX];
static slot slots[CALLS_MAX];
static test_source sources[SOURCES_MAX];

/* A value for exo_call_start_value(): JSON text, and the cursor over it. */
typedef struct test_value {
    char *text;
    exo_json_cursor cursor;
} test_value;

static test_value values[VALUES_MAX];
static exo_header call_headers[LIST_MAX]; /* of the options of a call */
static uint64_t raw_bytes;

/* ---- words ---- */

static char *words[64];
static size_t word_count;

static const char *word(size_t index)
{
    return index < word_count ? words[index] : "";
}

static long number_at(size_t index)
{
    return strtol(word(index), NULL, 10);
}

/* The value of the word key=value that comes `skip` others of the same key later, or NULL. */
static const char *nth_option(const char *key, size_t skip)
{
    size_t len = strlen(key);
    for (size_t i = 1; i < word_count; i++) {
        if (strncmp(words[i], key, len) == 0 && words[i][len] == '=' && skip-- == 0) {
            return words[i] + len + 1;
        }
    }
    return NULL;
}

static const char *option(const char *key)
{
    return nth_option(key, 0);
}

static int64_t number(const char *key, int64_t otherwise)
{
    const char *value = option(key);
    return value ? strtoll(value, NULL, 10) : otherwise;
}

static exo_request *request_at(size_t index)
{
    return requests[(size_t)number_at(index) % REQUESTS_MAX];
}

static slot *slot_at(size_t index)
{
    return &slots[(size_t)number_at(index) % CALLS_MAX];
}

/* ---- time ---- */

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_for(int64_t duration)
{
    struct timespec time = {(time_t)(duration / 1000), (long)(duration % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* ---- what is printed ---- */

static const char *const event_names[] = {"none",           "text",  "reasoning", "refusal", "tool_call",
                                          "tool_arguments", "usage", "restart",   "end",     "fallback"};

static void print_failure(const char *key, const exo_failure *failure)
{
    if (!failure) {
        return;
    }
    print_open(key, '{');
    print_text("code", exo_error_name(failure->code));
    print_text("verdict", exo_verdict_name(failure->verdict));
    print_text("clock", exo_clock_name(failure->clock));
    print_number("http_status", failure->http_status);
    print_number("status", failure->status);
    print_flag("in_stream", failure->in_stream);
    print_number("retry_after", failure->retry_after);
    print_number("offset", (int64_t)failure->offset);
    print_text("message", failure->message);
    print_text("type", failure->type);
    print_text("provider_code", failure->provider_code);
    print_text("request_id", failure->request_id);
    print_close('}');
}

static void print_usage(const exo_usage *usage)
{
    print_open("usage", '{');
    print_number("prompt", usage->prompt_tokens);
    print_number("completion", usage->completion_tokens);
    print_number("cached", usage->cached_tokens);
    print_close('}');
}

static void print_event(const exo_event *event)
{
    const slot *s = exo_call_user(event->call);
    print_begin();
    print_text("event", event_names[event->type]);
    print_number("call", s ? s - slots : -1);
    print_number("choice", event->choice);
    if (event->text.ptr) {
        print_span("text", event->text);
        print_flag("last", event->last);
    }
    if (event->type == EXO_EVENT_TOOL_CALL || event->type == EXO_EVENT_TOOL_ARGUMENTS) {
        print_number("tool", event->tool);
        print_span("id", event->id);
        print_span("name", event->name);
        print_flag("replace", event->replace);
    }
    if (event->usage) {
        print_usage(event->usage);
    }
    if (event->type == EXO_EVENT_FALLBACK) {
        print_number("attempt", event->attempt);
    }
    print_failure("failure", event->failure);
    print_end();
}

static void *resize(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size);
}

static void print_tool(exo_answer *answer, uint32_t index)
{
    static const exo_allocator heap = {NULL, resize};
    exo_tool_call tool;
    exo_buffer arguments;
    int code = exo_answer_tool_call(answer, index, &tool);
    if (code < 0) {
        print_text(NULL, exo_error_name(code));
        return;
    }
    print_open(NULL, '{');
    print_span("id", tool.id);
    print_span("name", tool.name);
    print_span("arguments", tool.arguments);
    exo_buffer_init(&arguments, &heap, SIZE_MAX, EXO_E_NO_MEMORY);
    code = exo_answer_tool_arguments(answer, index, &arguments);
    print_text("repair", exo_error_name(code));
    if (code == EXO_OK) {
        print_span("repaired", exo_buffer_span(&arguments));
    }
    exo_buffer_free(&arguments);
    print_close('}');
}

static void print_answer(exo_answer *answer)
{
    print_open(NULL, '{');
    print_span("text", exo_answer_text(answer));
    print_span("reasoning", exo_answer_reasoning(answer));
    print_span("refusal", exo_answer_refusal(answer));
    print_span("finish_reason", exo_answer_finish_reason(answer));
    print_span("id", exo_answer_id(answer));
    print_span("model", exo_answer_model(answer));
    print_number("malformed", exo_answer_malformed(answer, NULL, NULL));
    print_usage(exo_answer_usage(answer));
    print_open("tools", '[');
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        print_tool(answer, i);
    }
    print_close(']');
    print_close('}');
}

static void print_attempt(const exo_trail_entry *attempt)
{
    print_open(NULL, '{');
    print_text("deployment", attempt->deployment);
    print_text("model", attempt->model);
    print_text("code", exo_error_name(attempt->code));
    print_text("verdict", exo_verdict_name(attempt->verdict));
    print_number("http_status", attempt->http_status);
    print_flag("reused", attempt->reused);
    print_flag("resent", attempt->resent);
    print_number("started_ms", attempt->started_ms);
    print_number("connected_ms", attempt->connected_ms);
    print_number("sent_ms", attempt->sent_ms);
    print_number("first_event_ms", attempt->first_event_ms);
    print_number("end_ms", attempt->end_ms);
    print_number("bytes_sent", (int64_t)attempt->bytes_sent);
    print_number("bytes_received", (int64_t)attempt->bytes_received);
    print_number("queued_ms", attempt->queued_ms);
    print_text("http_version", attempt->http_version);
    print_text("message", attempt->message);
    print_close('}');
}

/* Prints a reply and frees it. */
static void give_reply(exo_reply *reply)
{
    if (!reply) {
        return;
    }
    print_begin();
    print_open("reply", '{');
    print_failure("failure", exo_reply_failure(reply));
    print_number("outcome", exo_reply_outcome(reply));
    print_text("request_id", exo_reply_request_id(reply));
    print_span("service_tier", exo_reply_service_tier(reply));
    print_text("deployment", exo_reply_deployment(reply));
    print_number("milliseconds", exo_reply_milliseconds(reply));
    print_open("answers", '[');
    exo_answer *answer;
    for (uint32_t i = 0; (answer = exo_reply_answer(reply, i)) != NULL; i++) {
        print_answer(answer);
    }
    print_close(']');
    print_open("attempts", '[');
    const exo_trail_entry *attempt;
    for (size_t i = 0; (attempt = exo_reply_attempt(reply, i)) != NULL; i++) {
        print_attempt(attempt);
    }
    print_close(']');
    print_close('}');
    print_end();
    exo_reply_free(reply);
}

static void print_record(void *ctx, const exo_record *record)
{
    static char line[1 << 16];
    (void)ctx;
    size_t len = exo_record_json(record, line, sizeof line);
    print_begin();
    print_raw("record", exo_span_of(line, len));
    print_end();
}

/* ---- client ---- */

static exo_bounds bounds_from_words(void)
{
    exo_bounds bounds = EXO_BOUNDS_INIT;
#define X(type, field, ...) bounds.field = (uint32_t)number("bounds." #field, bounds.field);
    EXO_BOUNDS_MAP(X)
#undef X
    return bounds;
}

static int do_client(void)
{
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    exo_bounds bounds = bounds_from_words();
    exo_limits limits = *exo_limits_host();
#define EXO_X(name, host, micro, what) limits.name = (uint32_t)number("limits." #name, limits.name);
    EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    int code = EXO_OK;
    options.limits = &limits;
    options.bounds = &bounds;
    options.error = &code;
    options.log = number("log", 0) ? print_record : NULL;
    options.log_bodies = (long)number("log_bodies", 0);
    client = exo_client_new(&options);
    return code;
}

/* Bounds that are not named are the standard ones. */
static int do_bounds(void)
{
    exo_bounds bounds = bounds_from_words();
    return exo_client_bounds(client, &bounds);
}

static int do_free_client(void)
{
    exo_client_free(client);
    client = NULL;
    memset(slots, 0, sizeof slots);
    return EXO_OK;
}

/* "name:value" as two strings. */
static size_t pairs(const char *key, exo_header *list)
{
    size_t count = 0;
    const char *text;
    while (count < LIST_MAX && (text = nth_option(key, count)) != NULL) {
        char *colon = strchr(text, ':');
        list[count].name = text;
        list[count].value = colon ? colon + 1 : "";
        if (colon) {
            *colon = '\0';
        }
        count++;
    }
    return count;
}

static size_t list(const char *key, const char **texts)
{
    size_t count = 0;
    while (count < LIST_MAX && (texts[count] = nth_option(key, count)) != NULL) {
        count++;
    }
    return count;
}

/* The bytes of the file "ca_pem_from", or none. */
static exo_span pem_bytes(char pem[PEM_MAX])
{
    FILE *file = option("ca_pem_from") ? fopen(option("ca_pem_from"), "rb") : NULL;
    if (!file) {
        return exo_span_of(NULL, 0);
    }
    size_t len = fread(pem, 1, PEM_MAX, file);
    fclose(file);
    return exo_span_of(pem, len);
}

static int do_deploy(void)
{
    char pem[PEM_MAX];
    exo_deployment d = EXO_DEPLOYMENT_INIT;
    exo_header headers[LIST_MAX];
    exo_header renames[LIST_MAX];
    const char *drop[LIST_MAX];
    const char *resolve[LIST_MAX];
    d.base_url = option("base_url");
    d.api_key = option("api_key");
    d.auth_header = option("auth_header");
    d.auth_scheme = option("auth_scheme");
    d.model = option("model");
    d.extra_body = option("extra_body");
    d.ca_file = option("ca_file");
    d.ca_dir = option("ca_dir");
    d.client_cert = option("client_cert");
    d.client_key = option("client_key");
    d.unix_socket = option("unix_socket");
    d.proxy = option("proxy") ? option("proxy") : "";
    if (strcmp(d.proxy, "environment") == 0) {
        d.proxy = NULL;
    }
    d.headers = headers;
    d.header_count = pairs("header", headers);
    d.rename = renames;
    d.rename_count = pairs("rename", renames);
    d.drop = drop;
    d.drop_count = list("drop", drop);
    d.resolve = resolve;
    d.resolve_count = list("resolve", resolve);
    d.connect_timeout = number("connect_timeout", d.connect_timeout);
    d.stream_ttft_timeout = number("stream_ttft_timeout", d.stream_ttft_timeout);
    d.request_timeout = number("request_timeout", d.request_timeout);
    d.ttft_until = number("ttft_until_token", 0) ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
    d.lenient_end = number("lenient_end", 0) != 0;
    d.think_tags = number("think_tags", 0) != 0;
    d.chunked = number("chunked", 0) != 0;
    d.http2 = number("http2", 0) != 0;
    d.ca_pem = pem_bytes(pem);
    return exo_client_deploy(client, word(1), &d);
}

static int do_fallback(void)
{
    return exo_client_fallback(client, word(1), word(2));
}

static int do_remove(void)
{
    return exo_client_remove(client, word(1));
}

/* fallbacks MODEL NAME ...: the whole list. */
static int do_fallbacks(void)
{
    const char *names[LIST_MAX];
    size_t count = 0;
    while (count < LIST_MAX && count + 2 < word_count) {
        names[count] = word(count + 2);
        count++;
    }
    return exo_client_fallbacks(client, word(1), names, count);
}

static int do_context_fallback(void)
{
    return exo_client_context_fallback(client, word(1), word(2));
}

static int do_policy(void)
{
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    policy.retries = (uint32_t)number("retries", policy.retries);
    policy.backoff_first = (uint32_t)number("backoff_first", policy.backoff_first);
    policy.backoff_max = (uint32_t)number("backoff_max", policy.backoff_max);
    policy.retry_after_max = (uint32_t)number("retry_after_max", policy.retry_after_max);
    policy.cooldown = (uint32_t)number("cooldown", policy.cooldown);
    policy.cooldown_after = (uint32_t)number("cooldown_after", policy.cooldown_after);
    policy.patience = number("patience", policy.patience);
    return exo_client_policy(client, word(1), &policy);
}

static void forget_socket(void *ctx, int socket, int what)
{
    (void)ctx;
    (void)socket;
    (void)what;
}

/* watch 1: the sockets are ours to watch, and we do not; watch 0: they are the library's again. */
static int do_watch(void)
{
    return exo_client_watch(client, number_at(1) ? forget_socket : NULL, NULL);
}

static void print_model(void *ctx, exo_span id)
{
    (void)ctx;
    print_begin();
    print_span("model", id);
    print_end();
}

static int do_models(void)
{
    exo_failure failure;
    int code = exo_client_models(client, word(1), print_model, NULL, &failure);
    if (code < 0) {
        print_begin();
        print_failure("failure", &failure);
        print_end();
    }
    return code;
}

/* ---- requests ---- */

static int keep_request(exo_request *request)
{
    exo_request_free(request_at(1));
    requests[(size_t)number_at(1) % REQUESTS_MAX] = request;
    return request ? EXO_OK : EXO_E_NO_MEMORY;
}

static int do_request(void)
{
    return keep_request(exo_request_new(word_count > 2 ? word(2) : NULL));
}

static int do_json_request(void)
{
    int code = EXO_OK;
    size_t offset = 0;
    exo_request *request = exo_request_from_json(option("model"), exo_span_text(word(2)), &code, &offset);
    keep_request(request);
    if (!request) {
        print_begin();
        print_number("offset", (int64_t)offset);
        print_end();
    }
    return request ? EXO_OK : code;
}

static int do_free_request(void)
{
    keep_request(NULL);
    return EXO_OK;
}

static exo_role role_at(size_t index)
{
    static const char *const names[] = {"system", "developer", "user", "assistant", "tool"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(word(index), names[i]) == 0) {
            return (exo_role)i;
        }
    }
    return EXO_USER;
}

static int do_text(void)
{
    return exo_request_text(request_at(1), role_at(2), word(3));
}

static int do_file(void)
{
    if (option("length")) {
        return exo_request_file_range(request_at(1), role_at(2), word(3), (uint64_t)number("offset", 0),
                                      (uint64_t)number("length", 0), option("type"));
    }
    return exo_request_file(request_at(1), role_at(2), word(3), option("type"));
}

static int do_bytes(void)
{
    static char kept[1 << 12]; /* borrowed by the request */
    snprintf(kept, sizeof kept, "%s", word(3));
    return exo_request_bytes(request_at(1), role_at(2), exo_span_text(kept), option("type"), option("name"));
}

/* The source of a slot, as the words have it. */
static test_source *source_from_words(void)
{
    test_source *s = &sources[(size_t)number("slot", 0) % SOURCES_MAX];
    test_source_init(s, (uint64_t)number("total", 0));
    if (number("once", 0)) {
        test_source_once(s);
    }
    if (number("unsized", 0)) {
        test_source_unsized(s);
    }
    s->fails_at = (uint64_t)number("fails_at", -1);
    s->changes_pass = (unsigned)number("changes_pass", 0);
    s->lengthens_pass = (unsigned)number("lengthens_pass", 0);
    s->stutters = (unsigned)number("stutters", 0);
    s->closed = number("closed", 0) != 0;
    return s;
}

static int do_source(void)
{
    test_source *s = source_from_words();
    return exo_request_source(request_at(1), role_at(2), &s->source, option("type"), option("name"));
}

/* A source for the body itself: start body=SLOT sends it. */
static int do_body_source(void)
{
    source_from_words();
    return EXO_OK;
}

/* Opens a source, and tells the call; how often it was read is said before. */
static int do_resume(void)
{
    test_source *s = &sources[(size_t)number("slot", 0) % SOURCES_MAX];
    print_begin();
    print_number("reads", (int64_t)s->reads);
    print_end();
    s->closed = number("closed", 0) != 0;
    exo_call_resume(slot_at(1)->call);
    return EXO_OK;
}

/* A value for start value=SLOT. */
static int do_value(void)
{
    test_value *v = &values[(size_t)number_at(1) % VALUES_MAX];
    free(v->text);
    v->text = strdup(word(2));
    exo_json_cursor_init(&v->cursor, exo_span_text(v->text), EXO_JSON_DEPTH_MAX);
    return v->text ? EXO_OK : EXO_E_NO_MEMORY;
}

static int do_message(void)
{
    return exo_request_message_json(request_at(1), exo_span_text(word(2)));
}

static int do_tool_result(void)
{
    return exo_request_tool(request_at(1), exo_span_text(word(2)), exo_span_text(word(3)));
}

/* answer REQUEST CALL: what the call answered, as the next message; its reply is used up. */
static int do_answer(void)
{
    exo_reply *reply = exo_call_reply(slot_at(2)->call);
    int code = reply ? exo_request_answer(request_at(1), reply) : EXO_NOT_FOUND;
    if (reply && exo_reply_failure(reply)) {
        print_begin();
        print_failure("failure", exo_reply_failure(reply));
        print_end();
    }
    exo_reply_free(reply);
    return code;
}

static int do_set(void)
{
    return exo_request_json(request_at(1), word(2), exo_span_text(word(3)));
}

static int do_allow_files(void)
{
    return exo_request_allow_files(request_at(1), word(2));
}

static bool write_piece(void *ctx, exo_span bytes)
{
    return fwrite(bytes.ptr, 1, bytes.len, ctx) == bytes.len;
}

/* Writes the body to the file "path". */
static int do_body(void)
{
    FILE *file = fopen(option("path"), "wb");
    if (!file) {
        return EXO_E_ARGUMENT;
    }
    int code = exo_client_body(client, request_at(1), option("model"), write_piece, file);
    fclose(file);
    return code;
}

/* ---- calls ---- */

static void count_raw(void *ctx, exo_span bytes)
{
    (void)ctx;
    raw_bytes += bytes.len;
}

static exo_call_options call_options(void)
{
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    options.model = option("model");
    options.total_timeout = number("total_timeout", 0);
    options.buffered = number("buffered", 0) != 0;
    options.restart = number("restart", 0) != 0;
    options.keep = (unsigned)number("keep", EXO_KEEP_ALL);
    options.choices = (uint32_t)number("choices", 1);
    options.traceparent = option("traceparent");
    options.events = (uint64_t)number("events", EXO_WANT_ALL);
    options.raw = number("raw", 0) ? count_raw : NULL;
    options.files = (exo_files)number("files", EXO_FILES_DEFAULT);
    options.file_root = option("file_root");
    options.defaults = option("defaults");
    options.headers = call_headers;
    options.header_count = pairs("header", call_headers);
    options.api_key = option("api_key");
    options.connect_timeout = number("connect_timeout", options.connect_timeout);
    options.stream_ttft_timeout = number("stream_ttft_timeout", options.stream_ttft_timeout);
    options.request_timeout = number("request_timeout", options.request_timeout);
    options.resumes = number("resumes", 0) != 0;
    return options;
}

/* What happens to the events of a loop, and how often it did. */
typedef struct watcher {
    bool quiet;
    int64_t hold;          /* milliseconds for which each text is held */
    const char *cancel_at; /* the kind of event inside of whose handling its call is cancelled, */
    const char *fork_at;   /* or the process forks, once */
    pid_t child;           /* of that; 0: this is it */
    int64_t events;
    int64_t ended;
    int64_t failed;
    int64_t began;
    int64_t bytes;
    int64_t switches; /* how often an event was of another call than the one before */
    const exo_call *last;
} watcher;

static watcher watcher_from_words(void)
{
    watcher w;
    memset(&w, 0, sizeof w);
    w.quiet = number("quiet", 0) != 0;
    w.hold = number("hold", 0);
    w.cancel_at = option("cancel_at");
    w.fork_at = option("fork_at");
    w.child = -1;
    return w;
}

static void see(void *ctx, const exo_event *event)
{
    watcher *w = ctx;
    slot *s = exo_call_user(event->call);
    w->events++;
    w->switches += w->last != event->call;
    w->last = event->call;
    if (event->type == EXO_EVENT_END) {
        w->ended++;
        w->failed += event->failure != NULL;
    } else if (s && !s->began) {
        s->began = true;
        w->began++;
    }
    if (event->type == EXO_EVENT_TEXT) {
        w->bytes += (int64_t)event->text.len;
        pause_for(w->hold);
    }
    if (!w->quiet) {
        print_event(event);
    }
    if (w->cancel_at && strcmp(w->cancel_at, event_names[event->type]) == 0) {
        exo_call_cancel(event->call);
    }
    if (w->fork_at && w->child < 0 && strcmp(w->fork_at, event_names[event->type]) == 0) {
        fflush(stdout);
        w->child = fork();
    }
}

/* The end of a child that was made in a handler: it exits with 0 if it was told what it is. */
static void end_child(exo_reply *reply)
{
    const exo_failure *failure = exo_reply_failure(reply);
    bool is_told = !reply && failure && strstr(exo_client_message(client), "fork");
    exo_reply_free(reply);
    exo_client_free(client);
    _exit(!is_told);
}

static int wait_for_child(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0 ? EXO_OK : EXO_E_STATE;
}

static void print_watcher(const watcher *w)
{
    print_begin();
    print_open("summary", '{');
    print_number("events", w->events);
    print_number("ended", w->ended);
    print_number("failed", w->failed);
    print_number("began", w->began);
    print_number("bytes", w->bytes);
    print_number("switches", w->switches);
    print_number("raw", (int64_t)raw_bytes);
    print_close('}');
    print_end();
}

/* exo_chat_events(). */
static int do_chat(void)
{
    exo_call_options options = call_options();
    watcher w = watcher_from_words();
    exo_reply *reply = exo_chat_events(client, request_at(1), &options, see, &w);
    int code = reply ? EXO_OK : EXO_E_NO_MEMORY;
    if (w.child == 0) {
        end_child(reply);
    }
    if (w.child > 0) {
        code = wait_for_child(w.child);
    }
    print_watcher(&w);
    give_reply(reply);
    return code;
}

static void print_text_event(void *ctx, exo_span text)
{
    (void)ctx;
    print_begin();
    print_span("text", text);
    print_end();
}

/* exo_chat(). */
static int do_simple_chat(void)
{
    exo_reply *reply = exo_chat(client, request_at(1), number("shown", 0) ? print_text_event : NULL, NULL);
    int code = reply ? EXO_OK : EXO_E_NO_MEMORY;
    give_reply(reply);
    return code;
}

/* A request, the value of a slot, or the source of one as the body. */
static exo_call *start_call(const exo_call_options *options, slot *s)
{
    if (option("value")) {
        const exo_cursor cursor = exo_json_cursor_of(&values[(size_t)number("value", 0) % VALUES_MAX].cursor);
        return exo_call_start_value(client, &cursor, options, s);
    }
    if (option("body")) {
        return exo_call_start_raw(client, &sources[(size_t)number("body", 0) % SOURCES_MAX].source, options, s);
    }
    return exo_call_start(client, request_at(2), options, s);
}

/* Starts call number words[1], or `count` calls from that number on. */
static int do_start(void)
{
    exo_call_options options = call_options();
    slot *first = slot_at(1);
    for (slot *s = first; s < first + number("count", 1); s++) {
        s->began = false;
        s->call = start_call(&options, s);
        if (!s->call) {
            return EXO_E_NO_MEMORY;
        }
    }
    return EXO_OK;
}

/* The next event, as a program with one descriptor to wait for takes it. */
static int next_by_fd(int64_t left, exo_event *event)
{
    int64_t deadline = left < 0 ? INT64_MAX : milliseconds() + left;
    int code;
    while ((code = exo_client_next(client, 0, event)) == EXO_OK && milliseconds() < deadline) {
        int64_t wait = exo_client_timeout(client);
        int64_t rest = deadline - milliseconds();
        struct pollfd one = {exo_client_fd(client), POLLIN, 0};
        wait = wait < 0 || rest < wait ? rest : wait;
        poll(&one, 1, wait > 1000000 ? -1 : (int)wait);
    }
    return code;
}

/* Takes events, with exo_client_next() or `by_fd`: until there is one of the kind `until`, until `began` calls have had
 * one, for so many milliseconds, or until no call is left. */
static int do_run(void)
{
    watcher w = watcher_from_words();
    const char *until = option("until");
    int64_t began = number("began", INT64_MAX);
    int64_t deadline = option("for") ? milliseconds() + number("for", 0) : -1;
    int code;
    for (;;) {
        exo_event event;
        int64_t left = deadline < 0 ? -1 : deadline - milliseconds();
        left = deadline >= 0 && left < 0 ? 0 : left;
        code = number("by_fd", 0) ? next_by_fd(left, &event) : exo_client_next(client, left, &event);
        if (code != EXO_EVENT) {
            break;
        }
        see(&w, &event);
        if ((until && strcmp(until, event_names[event.type]) == 0) || w.began >= began) {
            break;
        }
    }
    print_watcher(&w);
    return code;
}

/* hold NUMBER 1 holds the call, hold NUMBER 0 lets go. */
static int do_hold(void)
{
    return exo_call_hold(slot_at(1)->call, number_at(2) != 0);
}

static int do_cancel(void)
{
    exo_call_cancel(slot_at(1)->call);
    return EXO_OK;
}

static int do_reply(void)
{
    exo_reply *reply = exo_call_reply(slot_at(1)->call);
    int code = reply ? EXO_OK : EXO_NOT_FOUND;
    give_reply(reply);
    return code;
}

static int do_free(void)
{
    slot *first = slot_at(1);
    for (slot *s = first; s < first + number("count", 1); s++) {
        exo_call_free(s->call);
        s->call = NULL;
    }
    return EXO_OK;
}

/* ---- the rest ---- */

static int do_sleep(void)
{
    pause_for(number_at(1));
    return EXO_OK;
}

/* Prints lines of /proc/self/status in kilobytes. */
static int do_memory(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) {
        return EXO_NOT_FOUND;
    }
    print_begin();
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            print_number("resident", strtol(line + 6, NULL, 10));
        } else if (strncmp(line, "VmHWM:", 6) == 0) {
            print_number("peak", strtol(line + 6, NULL, 10));
        }
    }
    print_end();
    fclose(file);
    return EXO_OK;
}

/* resolver MS: that long names in ".slow" and ".lost" take from here on. Says how many look-ups of these there were,
 * how many at once, and how many threads there are. */
static int do_resolver(void)
{
    char line[256];
    long threads = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "Threads:", 8) == 0) {
            threads = strtol(line + 8, NULL, 10);
        }
    }
    if (file) {
        fclose(file);
    }
    if (word_count > 1) {
        faults_resolve_in(number_at(1));
    }
    print_begin();
    print_number("look_ups", faults_look_ups(false));
    print_number("at_once", faults_look_ups(true));
    print_number("threads", threads);
    print_end();
    return EXO_OK;
}

/* deny connect|connect_any|epoll ERROR TIMES: that call of the system fails so many times. */
static int do_deny(void)
{
    static const struct {
        const char *name;
        int error;
    } errors[] = {{"EADDRNOTAVAIL", EADDRNOTAVAIL}, {"ENOSPC", ENOSPC}, {"ENOBUFS", ENOBUFS}, {"EACCES", EACCES}};
    static const char *const calls[FAULTS_CALLS] = {"connect", "connect_any", "epoll"};
    int call = FAULTS_CALLS;
    for (int i = 0; i < FAULTS_CALLS; i++) {
        call = strcmp(word(1), calls[i]) == 0 ? i : call;
    }
    for (size_t i = 0; call < FAULTS_CALLS && i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(word(2), errors[i].name) == 0) {
            faults_deny((faults_call)call, errors[i].error, number_at(3));
            return EXO_OK;
        }
    }
    return EXO_E_ARGUMENT;
}

/* send_late TIMES BYTES: so many sends return when the other side has closed, or so many bytes of its have come. */
static int do_send_late(void)
{
    faults_send_late(number_at(1), number_at(2));
    return EXO_OK;
}

/* faults NTH: says what has come of the last ones, and who asked for the first, and arms anew. */
static int do_faults(void)
{
    unsigned long addresses[16];
    char askers[16 * 20] = "";
    const size_t count = faults_askers(addresses, sizeof addresses / sizeof addresses[0]);
    for (size_t i = 0, len = 0; i < count; i++) {
        len += (size_t)snprintf(askers + len, sizeof askers - len, "%lx ", addresses[i]);
    }
    print_begin();
    print_number("counted", faults_counted());
    print_number("made", faults_made());
    print_text("askers", askers);
    print_end();
    faults_arm(number_at(1), number("for_good", 0) != 0);
    return EXO_OK;
}

/* What a child process is told that uses the client of its parent. */
static int do_fork(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        exo_event event;
        exo_failure failure;
        int next = exo_client_next(client, 0, &event);
        int ready = exo_client_ready(client, 0, EXO_WATCH_READ);
        int models = exo_client_models(client, "m", print_model, NULL, &failure);
        exo_call *call = exo_call_start(client, request_at(1), NULL, NULL);
        exo_reply *reply = exo_chat(client, request_at(1), NULL, NULL);
        exo_call_cancel(slots[0].call);
        exo_call_free(slots[0].call);
        print_begin();
        print_text("next", exo_error_name(next));
        print_text("ready", exo_error_name(ready));
        print_text("models", exo_error_name(models));
        print_flag("call", call != NULL);
        print_flag("chat", reply != NULL);
        print_text("message", exo_client_message(client));
        print_end();
        exo_client_free(client);
        _exit(0);
    }
    return wait_for_child(child);
}

/* A thread with a client of its own. */
typedef struct worker {
    pthread_t thread;
    const char *base_url;
    const char *model;
    long chats;
    long good;
} worker;

static void *work(void *ctx)
{
    worker *w = ctx;
    exo_client *own = exo_client_new(NULL);
    exo_deployment d = EXO_DEPLOYMENT_INIT;
    exo_request *request = exo_request_new(w->model);
    d.base_url = w->base_url;
    exo_client_deploy(own, w->model, &d);
    exo_request_text(request, EXO_USER, "hello");
    for (long i = 0; i < w->chats; i++) {
        exo_reply *reply = exo_chat(own, request, NULL, NULL);
        w->good += exo_reply_failure(reply) == NULL;
        exo_reply_free(reply);
    }
    exo_request_free(request);
    exo_client_free(own);
    return NULL;
}

static int do_threads(void)
{
    worker workers[4];
    for (size_t i = 0; i < 4; i++) {
        workers[i] =
            (worker){.base_url = option("base_url"), .model = option("model"), .chats = (long)number("chats", 1)};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    print_begin();
    print_open("good", '[');
    for (size_t i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        print_number(NULL, workers[i].good);
    }
    print_close(']');
    print_end();
    return EXO_OK;
}

/* Says what this program is. */
static int do_hello(void)
{
    bool sanitized = false;
#ifdef __SANITIZE_ADDRESS__
    sanitized = true;
#endif
    print_begin();
    print_flag("sanitized", sanitized);
    print_end();
    return EXO_OK;
}

/* ---- commands ---- */

typedef struct command {
    const char *name;
    int (*run)(void);
} command;

static const command commands[] = {
    {"hello", do_hello},
    {"client", do_client},
    {"bounds", do_bounds},
    {"free_client", do_free_client},
    {"deploy", do_deploy},
    {"remove", do_remove},
    {"fallback", do_fallback},
    {"fallbacks", do_fallbacks},
    {"context_fallback", do_context_fallback},
    {"policy", do_policy},
    {"watch", do_watch},
    {"models", do_models},
    {"request", do_request},
    {"json_request", do_json_request},
    {"free_request", do_free_request},
    {"text", do_text},
    {"file", do_file},
    {"bytes", do_bytes},
    {"source", do_source},
    {"body_source", do_body_source},
    {"resume", do_resume},
    {"value", do_value},
    {"message", do_message},
    {"tool_result", do_tool_result},
    {"answer", do_answer},
    {"set", do_set},
    {"allow_files", do_allow_files},
    {"body", do_body},
    {"chat", do_chat},
    {"simple_chat", do_simple_chat},
    {"start", do_start},
    {"run", do_run},
    {"cancel", do_cancel},
    {"hold", do_hold},
    {"reply", do_reply},
    {"free", do_free},
    {"sleep", do_sleep},
    {"memory", do_memory},
    {"faults", do_faults},
    {"deny", do_deny},
    {"send_late", do_send_late},
    {"resolver", do_resolver},
    {"fork", do_fork},
    {"threads", do_threads},
};

static void split(char *line)
{
    word_count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && word_count < sizeof words / sizeof words[0];) {
        words[word_count++] = at;
        at = strchr(at, '\t');
        if (at) {
            *at++ = '\0';
        }
    }
}

static void run_command(void)
{
    int64_t began = milliseconds();
    int code = EXO_E_ARGUMENT;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(word(0), commands[i].name) == 0) {
            code = commands[i].run();
        }
    }
    print_begin();
    print_text("done", word(0));
    print_text("code", exo_error_name(code));
    print_number("ms", milliseconds() - began);
    print_text("message", code < 0 && client ? exo_client_message(client) : "");
    print_end();
}

int main(void)
{
    static char line[1 << 17];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    while (fgets(line, sizeof line, stdin)) {
        split(line);
        run_command();
    }
    do_free_client();
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        exo_request_free(requests[i]);
    }
    for (size_t i = 0; i < VALUES_MAX; i++) {
        free(values[i].text);
    }
    return 0;
}
