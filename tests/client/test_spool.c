/*
 * test_spool.c: what can be read once becomes a file: FIFOs with and without a writer, endless devices, folders for
 * temporary files that cannot be used.
 */
#define _GNU_SOURCE 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/client/spool.h"

static char folder[64];
static char fifo[96];

static int make_fifo(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/exochat-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    return mkfifo(fifo, 0600);
}

static int remove_fifo(void **state)
{
    (void)state;
    unlink(fifo);
    return rmdir(folder); /* fails where a temporary file was left */
}

static void begin(exo_spool *spool, const char *path, uint64_t most)
{
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    assert_true(from >= 0);
    assert_int_equal(exo_spool_begin(spool, from, most), EXO_OK);
}

static void assert_spooled(exo_spool *spool, const char *text)
{
    char got[64];
    assert_int_equal(spool->size, strlen(text));
    assert_int_equal(pread(spool->into, got, sizeof got, 0), (ssize_t)strlen(text));
    assert_memory_equal(got, text, strlen(text));
    assert_int_equal(spool->from, -1);
    assert_true(fcntl(spool->into, F_GETFD) & FD_CLOEXEC);
    exo_spool_end(spool);
}

static void a_fifo_is_read_to_its_end(void **state)
{
    exo_spool spool;
    (void)state;
    begin(&spool, fifo, 100);
    for (int i = 0; i < 3; i++) { /* nobody writes yet: that is no end */
        assert_int_equal(exo_spool_step(&spool, 10), EXO_AGAIN);
        assert_true(spool.starved);
    }
    int writer = open(fifo, O_WRONLY | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(exo_spool_step(&spool, 10), EXO_AGAIN);
    assert_true(spool.starved);
    assert_int_equal(write(writer, "one ", 4), 4);
    assert_int_equal(exo_spool_step(&spool, 4), EXO_AGAIN);
    assert_false(spool.starved);
    assert_int_equal(exo_spool_step(&spool, 4), EXO_AGAIN);
    assert_true(spool.starved);
    assert_int_equal(write(writer, "two", 3), 3);
    close(writer);
    assert_int_equal(exo_spool_step(&spool, 100), EXO_OK);
    assert_spooled(&spool, "one two");
}

static void a_writer_that_says_nothing(void **state)
{
    exo_spool spool;
    (void)state;
    begin(&spool, fifo, 100);
    close(open(fifo, O_WRONLY | O_CLOEXEC));
    assert_int_equal(exo_spool_step(&spool, 10), EXO_OK);
    assert_spooled(&spool, "");
}

static void there_is_a_most(void **state)
{
    exo_spool spool;
    (void)state;
    begin(&spool, "/dev/zero", 100000);
    int code;
    while ((code = exo_spool_step(&spool, 30000)) == EXO_AGAIN) {
        assert_false(spool.starved);
    }
    assert_int_equal(code, EXO_E_SOURCE_READ);
    assert_int_equal(errno, EFBIG);
    assert_true(spool.size <= 100000);
    exo_spool_end(&spool);
    begin(&spool, fifo, 3);
    int writer = open(fifo, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(writer, "abc", 3), 3);
    close(writer);
    assert_int_equal(exo_spool_step(&spool, 100), EXO_OK);
    assert_spooled(&spool, "abc");
}

static void it_lies_in_tmpdir_and_has_no_name(void **state)
{
    exo_spool spool;
    char there[128];
    char link[128] = "";
    (void)state;
    setenv("TMPDIR", folder, 1);
    begin(&spool, "/dev/null", 100);
    snprintf(there, sizeof there, "/proc/self/fd/%d", spool.into);
    if (readlink(there, link, sizeof link - 1) > 0) {
        assert_memory_equal(link, folder, strlen(folder));
        assert_non_null(strstr(link, "(deleted)"));
    }
    assert_int_equal(exo_spool_step(&spool, 100), EXO_OK);
    assert_spooled(&spool, "");
    setenv("TMPDIR", "/nowhere", 1);
    int from = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(exo_spool_begin(&spool, from, 1), EXO_E_SOURCE_READ);
    assert_int_equal(errno, ENOENT);
    exo_spool_end(&spool);
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fifo_is_read_to_its_end, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(a_writer_that_says_nothing, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(there_is_a_most, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(it_lies_in_tmpdir_and_has_no_name, make_fifo, remove_fifo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
