/*
 * test_wakeup.c: one descriptor to wait for, and the wakeup: from other threads and from a signal handler. Over
 * libcurl, against a socket that listens and never answers, so that whatever ends a wait is the wakeup. All clocks are
 * long.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exochat/client.h"

enum {
    LONG_MS = 600000,
    THREADS = 4
};

/* A client with a call that waits for an answer. */
typedef struct fixture {
    exo_client *client;
    exo_request *request;
    int listener;
} fixture;

static fixture f;

static int set_up(void **state)
{
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    f.listener = socket(AF_INET, SOCK_STREAM, 0);
    f.client = exo_client_new(NULL);
    f.request = exo_request_new("m");
    *state = &f;
    if (f.listener < 0 || bind(f.listener, (struct sockaddr *)&address, size) < 0 || listen(f.listener, 8) < 0 ||
        getsockname(f.listener, (struct sockaddr *)&address, &size) < 0) {
        return -1;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", ntohs(address.sin_port));
    deployment.base_url = url;
    deployment.proxy = "";
    deployment.connect_timeout = LONG_MS;
    deployment.stream_ttft_timeout = LONG_MS;
    deployment.request_timeout = LONG_MS;
    return exo_client_deploy(f.client, "m", &deployment) != EXO_OK ||
           exo_request_text(f.request, EXO_USER, "hello") != EXO_OK || !exo_call_start(f.client, f.request, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    exo_client_free(f.client);
    exo_request_free(f.request);
    close(f.listener);
    return 0;
}

/* Whether the descriptor is readable now. */
static bool is_readable(void)
{
    struct pollfd wait_for = {exo_client_fd(f.client), POLLIN, 0};
    return poll(&wait_for, 1, 0) == 1;
}

/* Does what there is to do, until the answer is all that is waited for. */
static void settle(void)
{
    exo_event event;
    do {
        assert_int_equal(exo_client_next(f.client, 20, &event), EXO_OK);
    } while (exo_client_timeout(f.client) < 1000 || is_readable());
}

static void *ring_once(void *ctx)
{
    exo_client_wakeup(ctx);
    return NULL;
}

static void another_thread_ends_a_wait(void **state)
{
    pthread_t thread;
    exo_event event;
    (void)state;
    settle();
    assert_int_equal(pthread_create(&thread, NULL, ring_once, f.client), 0);
    assert_int_equal(exo_client_next(f.client, -1, &event), EXO_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(is_readable());
}

static void it_makes_the_descriptor_readable(void **state)
{
    exo_event event;
    (void)state;
    if (exo_client_fd(f.client) < 0) {
        skip(); /* this system has neither epoll nor kqueue */
    }
    settle();
    exo_client_wakeup(f.client);
    exo_client_wakeup(f.client);
    assert_true(is_readable());
    assert_true(is_readable());
    assert_int_equal(exo_client_next(f.client, 0, &event), EXO_OK);
    assert_false(is_readable());
}

static void ring_in_handler(int number)
{
    (void)number;
    exo_client_wakeup(f.client);
}

static void a_signal_handler_ends_a_wait(void **state)
{
    struct sigaction action;
    exo_event event;
    (void)state;
    settle();
    memset(&action, 0, sizeof action);
    action.sa_handler = ring_in_handler;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    alarm(1);
    assert_int_equal(exo_client_next(f.client, -1, &event), EXO_OK);
    /* One that came before the wait is not lost either. */
    assert_int_equal(raise(SIGALRM), 0);
    assert_int_equal(exo_client_next(f.client, -1, &event), EXO_OK);
}

static atomic_bool ring_on;

static void *ring_often(void *ctx)
{
    while (atomic_load(&ring_on)) {
        exo_client_wakeup(ctx);
    }
    return NULL;
}

/* While others ring without end the client is used: it works on, and the last ring is seen. Waits without end are among
 * what it does, so the others ring until they are told to stop. */
static void many_threads_may_ring_at_any_time(void **state)
{
    pthread_t threads[THREADS];
    exo_event event;
    (void)state;
    atomic_store(&ring_on, true);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ring_often, f.client), 0);
    }
    for (int i = 0; i < 200; i++) {
        assert_int_equal(exo_client_next(f.client, i % 3 - 1, &event), EXO_OK);
        exo_call *call = i % 10 == 0 ? exo_call_start(f.client, f.request, NULL, NULL) : NULL;
        exo_call_free(call);
        if (i == 100) {
            atomic_store(&ring_on, false);
            for (int k = 0; k < THREADS; k++) {
                assert_int_equal(pthread_join(threads[k], NULL), 0);
            }
            exo_client_wakeup(f.client);
        } else if (i > 100) {
            exo_client_wakeup(f.client);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_thread_ends_a_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_makes_the_descriptor_readable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_handler_ends_a_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_threads_may_ring_at_any_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
