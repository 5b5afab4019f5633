/*
 * test_attachments.c: what the encoder's opener finds on a real file system, and what it refuses.
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "../../src/client/attachments.h"
#include "../../src/client/request_tree.h"
#include "empty_source.h"
#include "failing_heap.h"

/* ---- a folder of files ---- */

static char root[64];
static char path_[256];

/* A path in the folder of this test; valid until the next call. */
static const char *at(const char *name)
{
    snprintf(path_, sizeof path_, "%s/%s", root, name);
    return path_;
}

static void write_file(const char *name, const char *text, size_t len)
{
    FILE *file = fopen(at(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(root, "/tmp/exochat-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(at("in"), 0700), 0);
    assert_int_equal(mkdir(at("in/deep"), 0700), 0);
    assert_int_equal(mkdir(at("inside"), 0700), 0);
    write_file("in/notes.txt", "notes", 5);
    write_file("in/deep/data", "\x00\x01", 2);
    write_file("secret.txt", "secret", 6);
    write_file("inside/secret.txt", "secret", 6);
    assert_int_equal(symlink("../secret.txt", at("in/leak.txt")), 0);
    assert_int_equal(symlink("deep/../notes.txt", at("in/alias.txt")), 0);
    assert_int_equal(symlink("loop", at("in/loop")), 0);
    assert_int_equal(symlink("..", at("in/up")), 0);
    assert_int_equal(symlink("in", at("link")), 0);
    assert_int_equal(mkfifo(at("in/fifo"), 0600), 0);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) == 0 ? 0 : -1;
}

/* ---- asking the opener ---- */

static int open_as(exo_attachments *attachments, exo_span path, const char *media_type, exo_file *file)
{
    const exo_file_opener *opener = exo_attachments_opener(attachments);
    memset(file, 0, sizeof *file);
    return opener->open(opener->ctx, path, exo_span_text(media_type), file);
}

static int open_path(exo_attachments *attachments, const char *path, exo_file *file)
{
    return open_as(attachments, exo_span_text(path), NULL, file);
}

static int open_handle(exo_attachments *attachments, unsigned number, exo_file *file)
{
    char handle[16];
    snprintf(handle, sizeof handle, "\x01%u", number);
    return open_path(attachments, handle, file);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* Reads a source from its first byte on, `step` bytes at a time. */
static void assert_holds(const exo_source *source, const char *text, size_t len, size_t step)
{
    char *got_text = malloc(len + step);
    size_t total = 0;
    size_t got;
    assert_non_null(got_text);
    assert_int_equal(source->rewind(source->ctx), EXO_OK);
    do {
        char *piece = malloc(step);
        assert_non_null(piece);
        assert_int_equal(source->read(source->ctx, piece, step, &got), EXO_OK);
        assert_true(got <= step && total + got <= len);
        memcpy(got_text + total, piece, got);
        free(piece);
        total += got;
    } while (got > 0);
    assert_int_equal(total, len);
    assert_memory_equal(got_text, text, len);
    free(got_text);
}

/* ---- what the program attaches ---- */

static void test_files_and_bytes(void **state)
{
    (void)state;
    exo_file file;
    write_file("photo.jpg", "0123456789", 10);
    write_file("unknown", "\x89PNG\r\n\x1A\n", 8);
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("photo.jpg"), NULL);
    exo_request_file(request, EXO_USER, at("unknown"), NULL);
    exo_request_file(request, EXO_USER, at("unknown"), "image/x-mine");
    exo_request_file_range(request, EXO_USER, at("photo.jpg"), 3, 4, NULL);
    exo_request_file_range(request, EXO_USER, at("photo.jpg"), 10, 0, NULL);
    exo_request_bytes(request, EXO_USER, exo_span_of("a\0b", 3), NULL, NULL);
    exo_request_bytes(request, EXO_USER, exo_span_text("x,y"), NULL, "table.csv");
    exo_request_bytes(request, EXO_USER, exo_span_of(NULL, 0), "image/gif", "nothing");
    exo_request_file_range(request, EXO_USER, at("unknown"), 1, 3, NULL);
    assert_int_equal(exo_request_error(request), EXO_OK);
    static const struct {
        const char *text;
        size_t len;
        const char *media_type;
        const char *name;
    } expected[] = {
        {"0123456789", 10, "image/jpeg", "photo.jpg"},
        {"\x89PNG\r\n\x1A\n", 8, "image/png", "unknown"},
        {"\x89PNG\r\n\x1A\n", 8, "image/x-mine", "unknown"},
        {"3456", 4, "image/jpeg", "photo.jpg"},
        {"", 0, "image/jpeg", "photo.jpg"},
        {"a\0b", 3, "application/octet-stream", "attachment"},
        {"x,y", 3, "text/plain", "table.csv"},
        {"", 0, "image/gif", "nothing"},
        {"PNG", 3, "text/plain", "unknown"},
    };
    exo_attachments *attachments = exo_attachments_new(request);
    for (unsigned walk = 0; walk < 2; walk++) {
        for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
            assert_int_equal(open_handle(attachments, i, &file), EXO_OK);
            assert_true(exo_span_is(file.media_type, expected[i].media_type));
            assert_true(exo_span_is(file.name, expected[i].name));
            assert_int_equal(file.source->size, expected[i].len);
            for (size_t step = 1; step < 12; step++) {
                assert_holds(file.source, expected[i].text, expected[i].len, step);
            }
            assert_int_equal(file.source->check ? file.source->check(file.source->ctx) : EXO_OK, EXO_OK);
        }
    }
    assert_string_equal(exo_attachments_message(attachments), "");
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_sources_are_passed_on(void **state)
{
    (void)state;
    static const exo_source source = {NULL, read_nothing, rewind_nothing, NULL, EXO_SIZE_UNKNOWN};
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_source(request, EXO_USER, &source, NULL, "voice.wav");
    exo_request_source(request, EXO_USER, &source, NULL, NULL);
    exo_request_source(request, EXO_USER, &source, "audio/mpeg", NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    assert_int_equal(file.source->size, EXO_SIZE_UNKNOWN);
    assert_true(exo_span_is(file.media_type, "audio/wav"));
    assert_int_equal(open_handle(attachments, 1, &file), EXO_OK);
    assert_true(exo_span_is(file.media_type, "application/octet-stream"));
    assert_true(exo_span_is(file.name, "attachment"));
    assert_int_equal(open_handle(attachments, 2, &file), EXO_OK);
    assert_true(exo_span_is(file.media_type, "audio/mpeg"));
    exo_attachments_free(attachments);
    exo_request_free(request);
    exo_attachments_free(NULL);
}

/* Has nothing ready the first time after each rewind, and then ends. `ctx` counts the reads. */
static int read_later(void *ctx, void *dst, size_t size, size_t *got)
{
    int *reads = ctx;
    (void)dst;
    (void)size;
    *got = 0;
    return (*reads)++ == 0 ? EXO_AGAIN : EXO_OK;
}

static int rewind_later(void *ctx)
{
    *(int *)ctx = 0;
    return EXO_OK;
}

static void test_a_source_may_have_nothing_ready(void **state)
{
    (void)state;
    int reads = 0;
    const exo_source source = {&reads, read_later, rewind_later, NULL, EXO_SIZE_UNKNOWN};
    char byte;
    size_t got;
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_source(request, EXO_USER, &source, "text/plain", NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    for (int pass = 0; pass < 2; pass++) {
        assert_false(exo_attachments_starved(attachments));
        assert_int_equal(file.source->read(file.source->ctx, &byte, 1, &got), EXO_AGAIN);
        assert_true(exo_attachments_starved(attachments));
        assert_int_equal(file.source->read(file.source->ctx, &byte, 1, &got), EXO_OK);
        assert_false(exo_attachments_starved(attachments));
        assert_int_equal(file.source->check(file.source->ctx), EXO_OK);
        assert_int_equal(file.source->rewind(file.source->ctx), EXO_OK);
    }
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_a_source_that_cannot_rewind_serves_one_call(void **state)
{
    (void)state;
    static const exo_source source = {NULL, read_nothing, NULL, NULL, 7};
    char byte;
    size_t got;
    exo_file first;
    exo_file second;
    exo_request *request = exo_request_new(NULL);
    exo_request_source(request, EXO_USER, &source, NULL, "pipe");
    exo_attachments *one = exo_attachments_new(request);
    exo_attachments *other = exo_attachments_new(request);
    assert_int_equal(open_handle(one, 0, &first), EXO_OK);
    assert_int_equal(open_handle(other, 0, &second), EXO_OK); /* nobody has read yet */
    assert_int_equal(first.source->size, 7);
    assert_null(first.source->rewind);
    assert_int_equal(first.source->read(first.source->ctx, &byte, 1, &got), EXO_OK);
    assert_int_equal(first.source->read(first.source->ctx, &byte, 1, &got), EXO_OK);
    assert_int_equal(first.source->check(first.source->ctx), EXO_OK);
    assert_int_equal(second.source->read(second.source->ctx, &byte, 1, &got), EXO_E_SOURCE_ONCE);
    exo_attachments_free(other);
    other = exo_attachments_new(request);
    assert_int_equal(open_handle(one, 0, &first), EXO_OK);
    assert_int_equal(open_handle(other, 0, &second), EXO_E_SOURCE_ONCE);
    assert_string_equal(exo_attachments_message(other), "pipe: was read by another call already");
    exo_attachments_free(one);
    exo_attachments_free(other);
    exo_request_free(request);
}

static void test_what_cannot_be_attached(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool range;
        uint64_t offset;
        uint64_t length;
        const char *message;
    } cases[] = {
        {"missing.jpg", false, 0, 0, "/missing.jpg: No such file or directory"},
        {"in", false, 0, 0, "/in: a regular file was expected, this is a folder"},
        {"in/notes.txt/x", false, 0, 0, "/in/notes.txt/x: Not a directory"},
        {"in/notes.txt", true, 3, 3, "/in/notes.txt: the range ends at byte 6, the file has 5"},
        {"in/notes.txt", true, 6, 0, "/in/notes.txt: the range ends at byte 6, the file has 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exo_file file;
        exo_request *request = exo_request_new(NULL);
        if (cases[i].range) {
            exo_request_file_range(request, EXO_USER, at(cases[i].path), cases[i].offset, cases[i].length, NULL);
        } else {
            exo_request_file(request, EXO_USER, at(cases[i].path), NULL);
        }
        exo_attachments *attachments = exo_attachments_new(request);
        assert_int_equal(open_handle(attachments, 0, &file), EXO_E_SOURCE_READ);
        assert_true(ends_with(exo_attachments_message(attachments), cases[i].message));
        exo_attachments_free(attachments);
        exo_request_free(request);
    }
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER,
                     "no\nsuch\x7F"
                     "file",
                     NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_E_SOURCE_READ);
    assert_string_equal(exo_attachments_message(attachments), "no?such?file: No such file or directory");
    exo_attachments_free(attachments);
    exo_request_free(request);
}

/* Spools what the opener has come to, and opens it anew. */
static int spool(exo_attachments *attachments, unsigned number, exo_file *file)
{
    int code;
    assert_int_equal(open_handle(attachments, number, file), EXO_E_STATE);
    while (exo_attachments_to_spool(attachments)) {
        while ((code = exo_attachments_spool(attachments, 1000)) == EXO_AGAIN) {
            assert_int_equal(exo_attachments_starved(attachments), EXO_STARVED_NOT);
        }
        if (code != EXO_OK) {
            return code;
        }
    }
    return open_handle(attachments, number, file);
}

/* FIFOs, devices and files whose size is a lie become files that can be read again and again. */
static void test_what_is_read_once(void **state)
{
    (void)state;
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("in/fifo"), NULL);
    exo_request_file(request, EXO_USER, "/dev/null", NULL);
    exo_request_file_range(request, EXO_USER, at("in/fifo"), 2, 3, "image/png");
    exo_request_file_range(request, EXO_USER, at("in/fifo"), 2, 3, NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_E_STATE);
    assert_int_equal(exo_attachments_spool(attachments, 1000), EXO_AGAIN); /* nobody has opened it for writing yet */
    assert_int_equal(exo_attachments_starved(attachments), EXO_STARVED_OWN);
    assert_true(ends_with(exo_attachments_message(attachments), "/in/fifo: nothing came of it for request_timeout"));
    int writer = open(at("in/fifo"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(writer, "0123456789", 10), 10);
    close(writer);
    assert_int_equal(spool(attachments, 0, &file), EXO_OK);
    assert_int_equal(file.source->size, 10);
    assert_true(exo_span_is(file.media_type, "text/plain"));
    assert_true(exo_span_is(file.name, "fifo"));
    assert_holds(file.source, "0123456789", 10, 3);
    assert_holds(file.source, "0123456789", 10, 30);
    assert_int_equal(file.source->check(file.source->ctx), EXO_OK);
    assert_int_equal(spool(attachments, 1, &file), EXO_OK);
    assert_int_equal(file.source->size, 0);
    for (unsigned number = 2; number < 4; number++) {
        int reader = open(at("in/fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        writer = open(at("in/fifo"), O_WRONLY | O_CLOEXEC);
        assert_int_equal(write(writer, "0123456789", number == 2 ? 10 : 4), number == 2 ? 10 : 4);
        assert_int_equal(open_handle(attachments, number, &file), EXO_E_STATE);
        close(writer);
        close(reader);
        if (number == 2) {
            assert_int_equal(spool(attachments, number, &file), EXO_OK);
            assert_holds(file.source, "234", 3, 2);
            assert_true(exo_span_is(file.media_type, "image/png"));
        } else {
            assert_int_equal(spool(attachments, number, &file), EXO_E_SOURCE_READ);
            assert_true(ends_with(exo_attachments_message(attachments), "the range ends at byte 5, the file has 4"));
        }
    }
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_files_whose_size_is_a_lie(void **state)
{
    static const char *const paths[] = {"/proc/self/stat", "/proc/cpuinfo",
                                        "/sys/kernel/mm/transparent_hugepage/enabled"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        exo_file file;
        char bytes[16];
        size_t got;
        if (access(paths[i], R_OK) != 0) {
            continue;
        }
        exo_request *request = exo_request_new(NULL);
        exo_request_file(request, EXO_USER, paths[i], NULL);
        exo_attachments *attachments = exo_attachments_new(request);
        assert_int_equal(spool(attachments, 0, &file), EXO_OK);
        assert_true(file.source->size > 3);
        assert_true(exo_span_is(file.media_type, "text/plain"));
        assert_int_equal(file.source->read(file.source->ctx, bytes, sizeof bytes, &got), EXO_OK);
        assert_true(got > 0);
        exo_attachments_free(attachments);
        exo_request_free(request);
    }
}

/* A file that is empty by its size, and cannot be read: not an empty one. */
static void test_files_that_cannot_be_read(void **state)
{
    static const char path[] = "/proc/self/mem";
    exo_file file;
    (void)state;
    if (access(path, R_OK) != 0) {
        skip();
    }
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, path, "text/plain");
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(spool(attachments, 0, &file), EXO_E_SOURCE_READ);
    assert_true(ends_with(exo_attachments_message(attachments), strerror(EIO)));
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_forged_handles(void **state)
{
    (void)state;
    static const char *const handles[] = {"\x01",
                                          "\x01"
                                          "1",
                                          "\x01x",
                                          "\x01-1",
                                          "\x01/etc/passwd",
                                          "\x01"
                                          "99999999999999999999999999"};
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_bytes(request, EXO_USER, exo_span_text("a"), NULL, NULL);
    exo_request_allow_files(request, "/");
    exo_attachments *attachments = exo_attachments_new(request);
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        assert_int_equal(open_path(attachments, handles[i], &file), EXO_E_FILE_REFUSED);
        assert_string_equal(exo_attachments_message(attachments), "_file: names no attachment");
    }
    char long_type[EXO_MEDIA_TYPE_MAX + 2];
    memset(long_type, 'a', sizeof long_type - 1);
    long_type[sizeof long_type - 1] = '\0';
    assert_int_equal(open_as(attachments,
                             exo_span_text("\x01"
                                           "0"),
                             long_type, &file),
                     EXO_E_REQUEST);
    assert_int_equal(open_as(attachments, exo_span_of("a\0b", 3), NULL, &file), EXO_E_REQUEST);
    long_type[EXO_MEDIA_TYPE_MAX] = '\0';
    assert_int_equal(open_as(attachments,
                             exo_span_text("\x01"
                                           "0"),
                             long_type, &file),
                     EXO_OK);
    assert_true(exo_span_is(file.media_type, long_type));
    exo_attachments_free(attachments);
    exo_request_free(request);
}

/* ---- what JSON names ---- */

static const struct {
    const char *path; /* %s: the folder of the test */
    int code;
    const char *text;
} named[] = {
    {"notes.txt", EXO_OK, "notes"},
    {"./deep/../notes.txt", EXO_OK, "notes"},
    {"alias.txt", EXO_OK, "notes"},
    {"%s/in/notes.txt", EXO_OK, "notes"},
    {"%s/in//notes.txt", EXO_OK, "notes"},
    {"%s/link/notes.txt", EXO_OK, "notes"},
    {"missing.txt", EXO_NOT_FOUND, NULL},
    {"notes.txt/x", EXO_NOT_FOUND, NULL},
    {"", EXO_NOT_FOUND, NULL},
    {"leak.txt", EXO_E_FILE_REFUSED, NULL},
    {"../secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"../missing.txt", EXO_E_FILE_REFUSED, NULL},
    {"deep/../../secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"..", EXO_E_FILE_REFUSED, NULL},
    {"up/secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"loop", EXO_E_FILE_REFUSED, NULL},
    {"%s/secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"%s/inside/secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"%s/in/../secret.txt", EXO_E_FILE_REFUSED, NULL},
    {"/etc/passwd", EXO_E_FILE_REFUSED, NULL},
    {"/", EXO_E_FILE_REFUSED, NULL},
    {"fifo", EXO_E_SOURCE_READ, NULL},
    {"deep", EXO_E_SOURCE_READ, NULL},
};

/* Whether a path has a step upwards, which is refused wherever the kernel cannot watch it. */
static bool climbs(const char *path)
{
    return strstr(path, "..") != NULL;
}

static void check_named(const char *folder, bool watched)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        exo_file file;
        char path[256];
        snprintf(path, sizeof path, named[i].path, root); /* NOLINT(clang-diagnostic-format-nonliteral) */
        exo_request *request = exo_request_new(NULL);
        exo_request_allow_files(request, at(folder));
        exo_attachments *attachments = exo_attachments_new(request);
        int expected = climbs(path) && !watched ? EXO_E_FILE_REFUSED : named[i].code;
        /* An absolute path through a link is known only where the folder was given so. */
        if (strstr(path, "/link/") && strncmp(folder, "link", 4) != 0) {
            expected = EXO_E_FILE_REFUSED;
        }
        assert_int_equal(open_path(attachments, path, &file), expected);
        assert_int_equal(exo_attachments_message(attachments)[0] == '\0', expected == EXO_OK);
        if (expected == EXO_OK) {
            assert_holds(file.source, named[i].text, strlen(named[i].text), 3);
            assert_true(exo_span_is(file.media_type, "text/plain"));
        }
        exo_attachments_free(attachments);
        exo_request_free(request);
    }
}

static void test_named_files(void **state)
{
    (void)state;
    check_named("in", true);
    check_named("in/", true);
    check_named("link", true);
    check_named("link//", true);
}

static void test_the_root_as_folder(void **state)
{
    (void)state;
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_request_allow_files(request, "/");
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, at("in/notes.txt"), &file), EXO_OK);
    assert_int_equal(open_path(attachments, at("in/notes.txt") + 1, &file), EXO_OK);
    exo_attachments_free(attachments);
    exo_request_free(request);
}

/* The options of a call say which files its data may name, whatever the request says; without a request none. */
static void test_which_files_may_be_named(void **state)
{
    static const struct {
        bool allows; /* the request does */
        exo_files files;
        const char *path; /* with %s for the folder of the tests */
        int code;
    } cases[] = {
        {false, EXO_FILES_DEFAULT, "%s/in/notes.txt", EXO_E_FILE_REFUSED},
        {true, EXO_FILES_DEFAULT, "%s/in/notes.txt", EXO_OK},
        {true, EXO_FILES_DEFAULT, "%s/secret.txt", EXO_E_FILE_REFUSED},
        {true, EXO_FILES_REFUSE, "%s/in/notes.txt", EXO_E_FILE_REFUSED},
        {false, EXO_FILES_FOLDER, "%s/inside/secret.txt", EXO_OK},
        {false, EXO_FILES_FOLDER, "secret.txt", EXO_OK},
        {false, EXO_FILES_FOLDER, "../secret.txt", EXO_E_FILE_REFUSED},
        {true, EXO_FILES_FOLDER, "%s/in/notes.txt", EXO_E_FILE_REFUSED},
        {true, EXO_FILES_FOLDER, "%s/inside/none.txt", EXO_NOT_FOUND},
        {false, EXO_FILES_ANY, "%s/secret.txt", EXO_OK},
        {false, EXO_FILES_ANY, "%s/in/leak.txt", EXO_OK},
        {false, EXO_FILES_ANY, "%s/in/../secret.txt", EXO_OK},
        {false, EXO_FILES_ANY, "%s/none.txt", EXO_NOT_FOUND},
        {false, EXO_FILES_ANY, "%s/in", EXO_E_SOURCE_READ},
        {false, EXO_FILES_ANY, "%s/in/fifo", EXO_E_STATE}, /* it is to be spooled */
        {false, EXO_FILES_ANY,
         "\x01"
         "0",
         EXO_E_FILE_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        exo_file file;
        char path[256];
        char inside[256];
        bool bare = i % 2;                                    /* there is no request, as for a value */
        snprintf(path, sizeof path, cases[i / 2].path, root); /* NOLINT(clang-diagnostic-format-nonliteral) */
        snprintf(inside, sizeof inside, "%s", at("inside"));
        exo_request *request = bare ? NULL : exo_request_new(NULL);
        if (request && cases[i / 2].allows) {
            exo_request_allow_files(request, at("in"));
        }
        exo_attachments *attachments = exo_attachments_new(request);
        exo_attachments_allow(attachments, cases[i / 2].files, inside);
        bool lacks = bare && cases[i / 2].files == EXO_FILES_DEFAULT;
        assert_int_equal(open_path(attachments, path, &file), lacks ? EXO_E_FILE_REFUSED : cases[i / 2].code);
        exo_attachments_free(attachments);
        exo_request_free(request);
    }
}

static void test_no_folder(void **state)
{
    (void)state;
    exo_file file;
    exo_request *request = exo_request_new(NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, "notes.txt", &file), EXO_E_FILE_REFUSED);
    assert_string_equal(exo_attachments_message(attachments), "notes.txt: this request may not name files");
    exo_attachments_free(attachments);
    exo_request_allow_files(request, at("nowhere"));
    attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, "notes.txt", &file), EXO_E_SOURCE_READ);
    assert_true(ends_with(exo_attachments_message(attachments), "/nowhere: No such file or directory"));
    exo_attachments_free(attachments);
    exo_request_allow_files(request, at("secret.txt"));
    attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, "notes.txt", &file), EXO_E_SOURCE_READ);
    assert_true(ends_with(exo_attachments_message(attachments), "/secret.txt: Not a directory"));
    exo_attachments_free(attachments);
    exo_request_free(request);
}

/* ---- one call, many walks ---- */

static void test_answers_stay_the_same(void **state)
{
    (void)state;
    exo_file first;
    exo_file second;
    write_file("in/gone.txt", "still here", 10);
    exo_request *request = exo_request_new(NULL);
    exo_request_allow_files(request, at("in"));
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, "gone.txt", &first), EXO_OK);
    assert_int_equal(open_path(attachments, "late.txt", &second), EXO_NOT_FOUND);
    unlink(at("in/gone.txt"));
    write_file("in/late.txt", "late", 4);
    assert_int_equal(open_path(attachments, "gone.txt", &second), EXO_OK);
    assert_ptr_equal(first.source, second.source);
    assert_holds(second.source, "still here", 10, 4);
    assert_int_equal(open_path(attachments, "late.txt", &second), EXO_NOT_FOUND);
    assert_string_equal(exo_attachments_message(attachments), "late.txt: No such file or directory");
    unlink(at("in/late.txt"));
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_files_that_change(void **state)
{
    (void)state;
    exo_file file;
    char bytes[16];
    size_t got;
    write_file("log", "0123456789", 10);
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("log"), "text/plain");
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    const exo_source *source = file.source;

    /* Longer: what was there at first is read. */
    write_file("log", "0123456789abc", 13);
    assert_holds(source, "0123456789", 10, 16);
    assert_int_equal(source->check(source->ctx), EXO_E_BODY_CHANGED);
    assert_true(ends_with(exo_attachments_message(attachments), "/log: changed while it was sent"));

    /* Shorter: it ends early. */
    write_file("log", "0123", 4);
    source->rewind(source->ctx);
    assert_int_equal(source->read(source->ctx, bytes, sizeof bytes, &got), EXO_OK);
    assert_int_equal(got, 4);
    assert_int_equal(source->read(source->ctx, bytes, sizeof bytes, &got), EXO_OK);
    assert_int_equal(got, 0);
    assert_true(ends_with(exo_attachments_message(attachments), "/log: became shorter while it was read"));
    assert_int_equal(source->check(source->ctx), EXO_E_BODY_CHANGED);
    exo_attachments_free(attachments);

    /* As long as before, but of another date. */
    attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    assert_int_equal(file.source->check(file.source->ctx), EXO_OK);
    struct timespec times[2] = {{1, 0}, {1, 5}};
    assert_int_equal(utimensat(AT_FDCWD, at("log"), times, 0), 0);
    assert_int_equal(file.source->check(file.source->ctx), EXO_E_BODY_CHANGED);
    exo_attachments_free(attachments);
    attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    times[1].tv_nsec = 6;
    assert_int_equal(utimensat(AT_FDCWD, at("log"), times, 0), 0);
    assert_int_equal(file.source->check(file.source->ctx), EXO_E_BODY_CHANGED);
    exo_attachments_free(attachments);
    exo_request_free(request);
}

/* Large ones are read ahead: in pieces of any size, two in turn, without memory for it, and anew from the beginning. */
static void test_files_in_pieces(void **state)
{
    (void)state;
    enum {
        SIZE = 150000
    };
    static const size_t steps[] = {511, 4096, 65535, 65536, 65537, SIZE + 1};
    static char texts[2][SIZE];
    exo_file files[2];
    for (size_t i = 0; i < SIZE; i++) {
        texts[0][i] = (char)('a' + i * i / 7 % 26);
        texts[1][i] = (char)('A' + i * i / 11 % 26);
    }
    write_file("first.txt", texts[0], SIZE);
    write_file("second.txt", texts[1], SIZE);
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("first.txt"), "text/plain");
    exo_request_file(request, EXO_USER, at("second.txt"), "text/plain");
    for (long blocks = -1; blocks <= 0; blocks++) {
        exo_attachments *attachments = exo_attachments_new(request);
        assert_int_equal(open_handle(attachments, 0, &files[0]), EXO_OK);
        assert_int_equal(open_handle(attachments, 1, &files[1]), EXO_OK);
        const exo_source *first = files[0].source;
        const exo_source *second = files[1].source;
        heap_left = blocks;
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            assert_holds(first, texts[0], SIZE, steps[i]);
        }
        for (size_t done = 0; done < SIZE; done += 1000) {
            char piece[1000];
            size_t got;
            assert_int_equal(second->read(second->ctx, piece, sizeof piece, &got), EXO_OK);
            assert_memory_equal(piece, texts[1] + done, got);
            for (size_t more = got; more < sizeof piece; more += got) { /* what was read ahead ends where it does */
                assert_int_equal(second->read(second->ctx, piece + more, sizeof piece - more, &got), EXO_OK);
                assert_memory_equal(piece + more, texts[1] + done + more, got);
            }
            first->rewind(first->ctx);
            assert_int_equal(first->read(first->ctx, piece, 100, &got), EXO_OK);
            assert_memory_equal(piece, texts[0], got);
        }
        heap_left = -1;
        texts[0][5] ^= 1;
        write_file("first.txt", texts[0], SIZE);
        assert_holds(first, texts[0], SIZE, 100);
        exo_attachments_free(attachments);
    }
    exo_request_free(request);
}

static void test_a_file_of_five_gigabytes(void **state)
{
    (void)state;
    const uint64_t size = UINT64_C(5) << 30;
    exo_file file;
    write_file("huge", "", 0);
    if (truncate(at("huge"), (off_t)size) != 0) {
        skip();
    }
    FILE *stream = fopen(at("huge"), "r+b");
    assert_non_null(stream);
    assert_int_equal(fseeko(stream, -3, SEEK_END), 0);
    assert_int_equal(fwrite("end", 1, 3, stream), 3);
    fclose(stream);
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("huge"), NULL);
    exo_request_file_range(request, EXO_USER, at("huge"), size - 3, 3, NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    assert_true(file.source->size == size);
    assert_int_equal(open_handle(attachments, 1, &file), EXO_OK);
    assert_holds(file.source, "end", 3, 2);
    exo_attachments_free(attachments);
    exo_request_free(request);
    unlink(at("huge"));
}

/* ---- what the system refuses ---- */

static void test_no_descriptors(void **state)
{
    (void)state;
    exo_file file;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    exo_request *request = exo_request_new(NULL);
    exo_request_allow_files(request, at("in"));
    exo_request_file(request, EXO_USER, at("in/notes.txt"), NULL);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_path(attachments, "missing.txt", &file), EXO_NOT_FOUND); /* which opens the folder */
    int next = dup(0);
    close(next);
    struct rlimit none = {(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    /* Not a missing file: its text must not be left out for this. */
    int by_path = open_path(attachments, "notes.txt", &file);
    int by_handle = open_handle(attachments, 0, &file);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(by_path, EXO_E_SOURCE_READ);
    assert_int_equal(by_handle, EXO_E_SOURCE_READ);
    assert_true(ends_with(exo_attachments_message(attachments), "/in/notes.txt: Too many open files"));
    assert_int_equal(open_path(attachments, "notes.txt", &file), EXO_OK);
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_reading_fails(void **state)
{
    (void)state;
    exo_file file;
    char byte;
    size_t got;
    exo_request *request = exo_request_new(NULL);
    exo_request_file(request, EXO_USER, at("in/notes.txt"), NULL);
    int descriptor = dup(0);
    close(descriptor);
    exo_attachments *attachments = exo_attachments_new(request);
    assert_int_equal(open_handle(attachments, 0, &file), EXO_OK);
    close(descriptor); /* under its feet: the one that was free is the one it has */
    assert_int_equal(file.source->read(file.source->ctx, &byte, 1, &got), EXO_E_SOURCE_READ);
    assert_true(ends_with(exo_attachments_message(attachments), "/in/notes.txt: Bad file descriptor"));
    assert_int_equal(got, 0);
    assert_int_equal(file.source->check(file.source->ctx), EXO_E_SOURCE_READ);
    exo_attachments_free(attachments);
    exo_request_free(request);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    int code = EXO_E_NO_MEMORY;
    long blocks = 0;
    exo_request *request = exo_request_new(NULL);
    exo_request_allow_files(request, at("in"));
    exo_request_bytes(request, EXO_USER, exo_span_text("a"), NULL, NULL);
    for (; code == EXO_E_NO_MEMORY; blocks++) {
        exo_file file;
        heap_left = blocks;
        exo_attachments *attachments = exo_attachments_new(request);
        if (attachments) {
            code = open_handle(attachments, 0, &file);
            if (code == EXO_OK) {
                code = open_path(attachments, "notes.txt", &file);
            }
        }
        heap_left = -1;
        exo_attachments_free(attachments);
    }
    assert_int_equal(code, EXO_OK);
    assert_int_equal(blocks, 4);
    exo_request_free(request);
}

/* ---- through the encoder ---- */

static void encode(exo_request *request, size_t window_size, char *body, size_t size)
{
    exo_attachments *attachments = exo_attachments_new(request);
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_node_cursor cursor;
    exo_encoder encoder;
    char bytes[64];
    options.opener = exo_attachments_opener(attachments);
    exo_node_cursor_init(&cursor, exo_request_root(request), EXO_JSON_DEPTH_MAX);
    exo_cursor view = exo_node_cursor_of(&cursor);
    assert_int_equal(exo_encode_init(&encoder, &view, &options), EXO_OK);
    int code;
    do {
        code = exo_encode_size(&encoder, 16);
    } while (code == EXO_AGAIN);
    assert_int_equal(code, EXO_OK);
    /* A second attempt sends the same. */
    for (int attempt = 0; attempt < 2; attempt++) {
        size_t len = 0;
        assert_int_equal(exo_encode_rewind(&encoder), EXO_OK);
        do {
            exo_window window = {bytes, window_size, 0};
            code = exo_encode_write(&encoder, &window);
            assert_true(len + window.pos < size);
            memcpy(body + len, bytes, window.pos);
            len += window.pos;
        } while (code == EXO_AGAIN);
        assert_int_equal(code, EXO_OK);
        assert_int_equal(len, exo_encode_total(&encoder));
        body[len] = '\0';
    }
    exo_attachments_free(attachments);
}

static void test_encoded(void **state)
{
    (void)state;
    char body[2048];
    write_file("in/a.png", "\x89PNG", 4);
    exo_request *request = exo_request_new("m");
    exo_request_allow_files(request, at("in"));
    exo_request_text(request, EXO_USER, "Look:");
    exo_request_file(request, EXO_USER, at("in/a.png"), NULL);
    exo_request_file_range(request, EXO_USER, at("in/notes.txt"), 1, 3, NULL);
    exo_request_bytes(request, EXO_USER, exo_span_text("%PDF-"), NULL, "b.pdf");
    exo_request_message_json(
        request, exo_span_text("{\"role\":\"user\",\"content\":\"inline\",\"_content_file\":\"notes.txt\"}"));
    exo_request_message_json(request,
                             exo_span_text("{\"role\":\"user\",\"content\":\"inline\",\"_content_file\":\"none\"}"));
    assert_int_equal(exo_request_error(request), EXO_OK);
    for (size_t size = 1; size < 64; size += 7) {
        encode(request, size, body, sizeof body);
        assert_string_equal(body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
                                  "{\"type\":\"text\",\"text\":\"Look:\"},"
                                  "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw==\"}},"
                                  "{\"type\":\"text\",\"text\":\"ote\"},"
                                  "{\"type\":\"file\",\"file\":{\"filename\":\"b.pdf\",\"file_data\":"
                                  "\"data:application/pdf;base64,JVBERi0=\"}}]},"
                                  "{\"role\":\"user\",\"content\":\"notes\"},"
                                  "{\"role\":\"user\",\"content\":\"inline\"}],"
                                  "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    }
    exo_request_free(request);
}

/* ---- a kernel that cannot watch a lookup ---- */

/* From here on openat2() does not exist for this process. It is the last test. */
static void test_without_openat2(void **state)
{
    (void)state;
#if defined(__linux__) && defined(SYS_openat2)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38 /* ENOSYS */),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        skip();
    }
#endif
    check_named("in", false);
    check_named("in/", false);
    check_named("link", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_and_bytes),
        cmocka_unit_test(test_sources_are_passed_on),
        cmocka_unit_test(test_a_source_may_have_nothing_ready),
        cmocka_unit_test(test_a_source_that_cannot_rewind_serves_one_call),
        cmocka_unit_test(test_what_cannot_be_attached),
        cmocka_unit_test(test_what_is_read_once),
        cmocka_unit_test(test_files_whose_size_is_a_lie),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_forged_handles),
        cmocka_unit_test(test_named_files),
        cmocka_unit_test(test_the_root_as_folder),
        cmocka_unit_test(test_which_files_may_be_named),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_answers_stay_the_same),
        cmocka_unit_test(test_files_that_change),
        cmocka_unit_test(test_files_in_pieces),
        cmocka_unit_test(test_a_file_of_five_gigabytes),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_encoded),
        cmocka_unit_test(test_without_openat2),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
