/*
 * poller_cases.h: what every poller must do (poller.h), whichever system call it is over. Part of a program for each.
 */
#ifndef POLLER_CASES_H
#define POLLER_CASES_H

#include "exochat/client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PAIRS = 100
};

/* What is ready, of at most so many; `rang` is left as it was if nobody rang. */
static size_t wait_now(exo_poller *poller, exo_ready *ready, size_t max, bool *rang)
{
    *rang = false;
    return exo_poller_wait(poller, 0, ready, max, rang);
}

static void a_socket_is_told_of_as_long_as_it_is_ready(void **state)
{
    exo_poller *poller = exo_poller_new();
    exo_ready ready[4];
    int pair[2];
    bool rang;
    char byte = 'x';
    (void)state;
    assert_non_null(poller);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(exo_poller_watch(poller, pair[0], EXO_WATCH_READ), EXO_OK);
    assert_int_equal(wait_now(poller, ready, 4, &rang), 0);
    assert_int_equal(write(pair[1], &byte, 1), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wait_now(poller, ready, 4, &rang), 1);
        assert_int_equal(ready[0].socket, pair[0]);
        assert_int_equal(ready[0].what, EXO_WATCH_READ);
    }
    assert_int_equal(exo_poller_watch(poller, pair[0], EXO_WATCH_WRITE), EXO_OK);
    assert_int_equal(wait_now(poller, ready, 4, &rang), 1);
    assert_int_equal(ready[0].what, EXO_WATCH_WRITE);
    assert_int_equal(exo_poller_watch(poller, pair[0], EXO_WATCH_NONE), EXO_OK);
    assert_int_equal(exo_poller_watch(poller, pair[0], EXO_WATCH_NONE), EXO_OK);
    assert_int_equal(wait_now(poller, ready, 4, &rang), 0);
    assert_int_equal(exo_poller_watch(poller, pair[0], EXO_WATCH_READ), EXO_OK);
    close(pair[1]);
    assert_int_equal(read(pair[0], &byte, 1), 1);
    assert_true(wait_now(poller, ready, 4, &rang) > 0);
    assert_true(ready[0].what & EXO_WATCH_READ);
    close(pair[0]);
    exo_poller_free(poller);
}

/* However few are asked for at once. */
static void all_have_their_turn(void **state)
{
    exo_poller *poller = exo_poller_new();
    int pairs[PAIRS][2];
    bool seen[4096] = {false};
    int count = 0;
    bool rang;
    (void)state;
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        assert_int_equal(exo_poller_watch(poller, pairs[i][0], EXO_WATCH_WRITE), EXO_OK);
    }
    for (int i = 0; i < 2 * PAIRS && count < PAIRS; i++) {
        exo_ready ready[7];
        size_t got = wait_now(poller, ready, 7, &rang);
        for (size_t k = 0; k < got; k++) {
            count += !seen[ready[k].socket];
            seen[ready[k].socket] = true;
        }
    }
    assert_int_equal(count, PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    exo_poller_free(poller);
}

static void a_bell_ends_a_wait_once(void **state)
{
    exo_poller *poller = exo_poller_new();
    exo_ready ready[4];
    bool rang = false;
    (void)state;
    struct pollfd one = {exo_poller_fd(poller), POLLIN, 0};
    exo_poller_ring(poller);
    exo_poller_ring(poller);
    assert_true(one.fd < 0 || poll(&one, 1, 0) == 1);
    assert_int_equal(exo_poller_wait(poller, -1, ready, 4, &rang), 0);
    assert_true(rang);
    assert_true(one.fd < 0 || poll(&one, 1, 0) == 0);
    assert_int_equal(wait_now(poller, ready, 4, &rang), 0);
    assert_false(rang);
    assert_true(one.fd < 0 || (fcntl(one.fd, F_GETFD) & FD_CLOEXEC));
    exo_poller_free(poller);
    exo_poller_free(NULL);
}

#define POLLER_CASES \
    cmocka_unit_test(a_socket_is_told_of_as_long_as_it_is_ready), cmocka_unit_test(all_have_their_turn), \
        cmocka_unit_test(a_bell_ends_a_wait_once)

#endif
