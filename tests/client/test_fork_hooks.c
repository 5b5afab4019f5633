/*
 * test_fork_hooks.c: what a program is asked or told in the midst of something may call fork(): its child is told
 * EXO_E_FORKED, and over the parent's connection it says nothing and takes nothing away: the endpoint sees one request,
 * and the parent has the whole answer. The endpoint is a thread of this program, over a loopback connection.
 */
#define _GNU_SOURCE 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exochat/client.h"
#include "exochat/log.h"

enum {
    BODY = 100000,
    PIECE = 1000
};

/* Where the process forks. */
enum place {
    AT_RAW,
    AT_RECORD,
    AT_WATCH,
    AT_SOURCE,
    PLACES
};

static const char *const names[PLACES] = {"exo_on_raw", "exo_on_record", "watch", "read of a source"};

/* ---- the endpoint ---- */

typedef struct endpoint {
    int listens;
    unsigned port;
    size_t behind; /* bytes that came behind the request */
} endpoint;

/* Reads until `most` bytes are there, or the end. How many came. */
static size_t endpoint_read(int socket, char *buffer, size_t most)
{
    size_t got = 0;
    ssize_t count;
    while (got < most && (count = read(socket, buffer + got, most - got)) > 0) {
        got += (size_t)count;
    }
    return got;
}

static void *endpoint_serve(void *arg)
{
    static const char answer[] =
        "data: {\"choices\":[{\"delta\":{\"content\":\"well\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n";
    endpoint *e = arg;
    static char bytes[2 * BODY];
    size_t head = 0;
    int socket = accept(e->listens, NULL, NULL);
    while (!memmem(bytes, head, "\r\n\r\n", 4) && endpoint_read(socket, bytes + head, 1) == 1) {
        head++;
    }
    endpoint_read(socket, bytes, BODY);
    dprintf(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %zu\r\n\r\n%s",
            sizeof answer - 1, answer);
    e->behind = endpoint_read(socket, bytes, sizeof bytes);
    close(socket);
    return NULL;
}

static void endpoint_open(endpoint *e)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    memset(e, 0, sizeof *e);
    e->listens = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(e->listens >= 0);
    assert_int_equal(bind(e->listens, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(e->listens, 1), 0);
    assert_int_equal(getsockname(e->listens, (struct sockaddr *)&address, &size), 0);
    e->port = ntohs(address.sin_port);
}

/* ---- the program ---- */

typedef struct program {
    enum place place;
    pid_t child;  /* 0: this is it */
    int to_pass;  /* so often the place is passed before */
    size_t given; /* of the body */
} program;

static void program_passes(program *p, enum place place)
{
    if (p->place == place && p->child < 0 && p->to_pass-- == 0) {
        p->child = fork();
    }
}

static void on_raw(void *ctx, exo_span bytes)
{
    (void)bytes;
    program_passes(ctx, AT_RAW);
}

static void on_record(void *ctx, const exo_record *record)
{
    (void)record;
    program_passes(ctx, AT_RECORD);
}

static void on_watch(void *ctx, int socket, int what)
{
    (void)socket;
    (void)what;
    program_passes(ctx, AT_WATCH);
}

static int on_read(void *ctx, void *dst, size_t size, size_t *got)
{
    program *p = ctx;
    program_passes(p, AT_SOURCE);
    *got = BODY - p->given < PIECE ? BODY - p->given : PIECE;
    *got = *got < size ? *got : size;
    memset(dst, 'x', *got);
    p->given += *got;
    return EXO_OK;
}

static int on_rewind(void *ctx)
{
    ((program *)ctx)->given = 0;
    return EXO_OK;
}

static exo_client *program_open(program *p, unsigned port)
{
    exo_client_options options = EXO_CLIENT_OPTIONS_INIT;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", port);
    options.log = on_record;
    options.log_ctx = p;
    deployment.base_url = url;
    deployment.proxy = "";
    exo_client *client = exo_client_new(&options);
    assert_non_null(client);
    assert_int_equal(exo_client_deploy(client, "m", &deployment), EXO_OK);
    if (p->place == AT_WATCH) {
        assert_int_equal(exo_client_watch(client, on_watch, p), EXO_OK);
    }
    return client;
}

/* Takes events until END, which is EXO_OK or the failure; or what exo_client_next() fails with. */
static int program_run(exo_client *client)
{
    exo_event event;
    for (;;) {
        struct pollfd poll_for = {exo_client_fd(client), POLLIN, 0};
        int code = exo_client_next(client, 0, &event);
        if (code == EXO_EVENT && event.type == EXO_EVENT_END) {
            return event.failure ? event.failure->code : EXO_OK;
        }
        if (code < 0 || code == EXO_IDLE) {
            return code;
        }
        if (code == EXO_OK) {
            poll(&poll_for, 1, (int)exo_client_timeout(client));
        }
    }
}

/* How many of the checks fail. */
static int try_place(enum place place, int to_pass)
{
    endpoint e;
    pthread_t thread;
    program p = {.place = place, .child = -1, .to_pass = to_pass};
    const exo_source source = {.ctx = &p, .size = BODY, .read = on_read, .rewind = on_rewind};
    exo_call_options options = EXO_CALL_OPTIONS_INIT;
    int status = -1;
    options.model = "m";
    options.raw = on_raw;
    options.raw_ctx = &p;
    endpoint_open(&e);
    assert_int_equal(pthread_create(&thread, NULL, endpoint_serve, &e), 0);
    exo_client *client = program_open(&p, e.port);
    assert_non_null(exo_call_start_raw(client, &source, &options, NULL));
    const int code = program_run(client);
    if (p.child == 0) {
        _exit(code != EXO_E_FORKED);
    }
    const bool is_child_well = p.child < 0 || (waitpid(p.child, &status, 0) == p.child && status == 0);
    exo_client_free(client);
    pthread_join(thread, NULL);
    close(e.listens);
    if (is_child_well && code == EXO_OK && e.behind == 0) {
        return 0;
    }
    print_error("%s #%d: child %s, parent %s, %zu bytes too many\n", names[place], to_pass,
                is_child_well ? "well" : "not told", exo_error_name(code), e.behind);
    return 1;
}

static void a_hook_may_fork_in_the_midst_of_anything(void **state)
{
    int failed = 0;
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        for (int to_pass = 0; to_pass < 4; to_pass++) {
            failed += try_place((enum place)place, to_pass);
        }
    }
    failed += try_place(AT_SOURCE, BODY / PIECE / 2);
    failed += try_place(AT_SOURCE, BODY / PIECE);
    assert_int_equal(failed, 0);
}

/* ---- where nothing is connected ---- */

typedef struct writer {
    const exo_client *client;
    pid_t child;
    bool at_write;
} writer;

static bool on_write(void *ctx, exo_span bytes)
{
    writer *w = ctx;
    if (w->at_write && w->child < 0) {
        w->child = fork();
    }
    return bytes.len > 0;
}

static int on_read_of_writer(void *ctx, void *dst, size_t size, size_t *got)
{
    writer *w = ctx;
    (void)dst;
    (void)size;
    if (w->child == 0) { /* it goes on with what is the parent's */
        _exit(2);
    }
    if (!w->at_write && w->child < 0) {
        w->child = fork();
    }
    *got = 0;
    return EXO_OK;
}

/* Of what has just returned `code`, in the child and in the parent: the former, told EXO_E_FORKED, ends well here; the
 * latter is told EXO_OK, and waits for it. */
static void check_both(pid_t child, int code)
{
    int status = -1;
    if (child == 0) {
        _exit(code != EXO_E_FORKED);
    }
    assert_int_equal(code, EXO_OK);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_body_that_is_written_in_a_child_is_not(void **state)
{
    (void)state;
    for (int at_write = 0; at_write < 2; at_write++) {
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        exo_client *client = exo_client_new(NULL);
        exo_request *request = exo_request_new("m");
        writer w = {client, -1, at_write};
        const exo_source source = {.ctx = &w, .size = EXO_SIZE_UNKNOWN, .read = on_read_of_writer};
        deployment.base_url = "http://127.0.0.1:9/v1";
        assert_int_equal(exo_client_deploy(client, "m", &deployment), EXO_OK);
        assert_int_equal(exo_request_source(request, EXO_USER, &source, "text/plain", "s"), EXO_OK);
        const int code = exo_client_body(client, request, NULL, on_write, &w);
        check_both(w.child, code);
        exo_client_free(client);
        exo_request_free(request);
    }
}

/* A value of the program's, whose cursor forks at one of its calls. */
typedef struct forking {
    exo_cursor inner;
    const char *place;
    pid_t child;
} forking;

static exo_cursor forking_at(forking *f, const char *place)
{
    if (f->child == 0) { /* it goes on with what is the parent's */
        _exit(2);
    }
    if (f->child < 0 && strcmp(f->place, place) == 0) {
        f->child = fork();
    }
    return f->inner;
}

static int forking_next(void *ctx, exo_value *value)
{
    const exo_cursor inner = forking_at(ctx, "next");
    return inner.ops->next(inner.ctx, value);
}

static int forking_rewind(void *ctx)
{
    const exo_cursor inner = ((forking *)ctx)->inner;
    return inner.ops->rewind(inner.ctx);
}

static size_t forking_pass(void *ctx, uint32_t levels)
{
    const exo_cursor inner = forking_at(ctx, "pass");
    return inner.ops->pass(inner.ctx, levels);
}

static bool forking_is_plain(void *ctx)
{
    const exo_cursor inner = forking_at(ctx, "is_plain");
    return inner.ops->is_plain(inner.ctx);
}

static void a_value_that_is_walked_in_a_child_is_not(void **state)
{
    static const exo_cursor_ops ops = {
        .next = forking_next, .rewind = forking_rewind, .pass = forking_pass, .is_plain = forking_is_plain};
    static const char *const places[] = {"next", "pass", "is_plain"};
    static const exo_node role = {.key = {"role", 4}, .type = EXO_VALUE_STRING, .text = {"user", 4}};
    static const exo_node message = {.type = EXO_VALUE_OBJECT, .first = &role};
    static const exo_node messages = {.key = {"messages", 8}, .type = EXO_VALUE_ARRAY, .first = &message};
    static const exo_node request = {.type = EXO_VALUE_OBJECT, .first = &messages};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        exo_deployment deployment = EXO_DEPLOYMENT_INIT;
        exo_call_options options = EXO_CALL_OPTIONS_INIT;
        exo_client *client = exo_client_new(NULL);
        exo_node_cursor nodes;
        writer w = {client, -1, false};
        exo_node_cursor_init(&nodes, &request, 8);
        forking f = {exo_node_cursor_of(&nodes), places[i], -1};
        const exo_cursor value = {&ops, &f};
        deployment.base_url = "http://127.0.0.1:9/v1";
        options.model = "m";
        assert_int_equal(exo_client_deploy(client, "m", &deployment), EXO_OK);
        const int code = exo_client_body_value(client, &value, &options, on_write, &w);
        check_both(f.child, code);
        exo_client_free(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_may_fork_in_the_midst_of_anything),
        cmocka_unit_test(a_body_that_is_written_in_a_child_is_not),
        cmocka_unit_test(a_value_that_is_walked_in_a_child_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
