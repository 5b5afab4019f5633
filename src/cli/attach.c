/*
 * attach.c: see attach.h. Of a regular file the first bytes are read; a FIFO or a device is not opened, as what was
 * read of it would be gone.
 */
#include "attach.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_MAX = 4096
};

#define STANDARD_INPUT "/dev/stdin"

/* The path that stands for a name of the command line. */
static const char *attach_path(const char *name)
{
    return strcmp(name, "-") == 0 ? STANDARD_INPUT : name;
}

/* ---- what a file holds ---- */

/* By its first four bytes: ELF, Mach-O (both ways round, and for several processors, which is Java's mark too),
 * WebAssembly; and what DOS and Windows run. */
static bool attach_is_program(exo_span head)
{
    static const uint32_t marks[] = {0x7F454C46, 0xFEEDFACE, 0xFEEDFACF, 0xCEFAEDFE,
                                     0xCFFAEDFE, 0xCAFEBABE, 0x0061736D};
    uint32_t mark = 0;
    for (size_t i = 0; i < 4 && i < head.len; i++) {
        mark = mark << 8 | (unsigned char)head.ptr[i];
    }
    for (size_t i = 0; head.len > 4 && i < sizeof marks / sizeof marks[0]; i++) {
        if (mark == marks[i]) {
            return true;
        }
    }
    return head.len > 64 && memcmp(head.ptr, "MZ", 2) == 0 && memchr(head.ptr, '\0', 64);
}

/* Whether the name is that of a text. */
static bool attach_is_text(const char *name)
{
    static const char *const endings[] = {".txt", ".md",   ".csv", ".tsv", ".json", ".log", ".xml", ".html", ".yaml",
                                          ".yml", ".toml", ".ini", ".c",   ".h",    ".py",  ".js",  ".sh",   ".sql"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t end = strlen(endings[i]);
        if (len > end && strcmp(name + len - end, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Judges the first bytes. False: the file is not sent. */
static bool attach_judge(const cli_options *options, const char *name, exo_span head)
{
    if (attach_is_program(head)) {
        say("--attach: %s: this is a program, of which no model makes anything; attach its source, or its text", name);
        return false;
    }
    if (head.len == 0 && !options->quiet) {
        say("--attach: %s: the file is empty, and is sent so", name);
    } else if (attach_is_text(name) && memchr(head.ptr, '\0', head.len) && !options->quiet) {
        say("--attach: %s: there are NUL bytes in it, and it is sent as text; is it in UTF-16, or no text?", name);
    }
    return true;
}

static bool attach_look_inside(const cli_options *options, const char *name)
{
    char head[HEAD_MAX];
    int file = open(attach_path(name), O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? -1 : pread(file, head, sizeof head, 0);
    int error = errno;
    if (file >= 0) {
        close(file);
    }
    if (len < 0) {
        say("--attach: %s: %s", name, strerror(error));
        return false;
    }
    return attach_judge(options, name, exo_span_of(head, (size_t)len));
}

static bool attach_look_at(const cli_options *options, const char *name)
{
    struct stat status;
    int error = stat(attach_path(name), &status) != 0  ? errno
                : S_ISDIR(status.st_mode)              ? EISDIR
                : access(attach_path(name), R_OK) != 0 ? errno
                                                       : 0;
    if (error != 0) {
        say("--attach: %s: %s", name, strerror(error));
        return false;
    }
    return !S_ISREG(status.st_mode) || attach_look_inside(options, name);
}

/* ---- all of them ---- */

bool attach_is_lasting(const cli_options *options)
{
    struct stat status;
    for (size_t i = 0; i < options->attachments.count; i++) {
        if (stat(attach_path(options->attachments.items[i]), &status) != 0 || !S_ISREG(status.st_mode)) {
            return false;
        }
    }
    return true;
}

/* Of a file on standard input it is the rest that is meant. */
static int attach_add(exo_request *request, const char *path)
{
    struct stat status;
    const bool standard = strcmp(path, STANDARD_INPUT) == 0;
    off_t at =
        standard && fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    if (at > 0 && at < status.st_size) {
        return exo_request_file_range(request, EXO_USER, path, (uint64_t)at, (uint64_t)(status.st_size - at), NULL);
    }
    return exo_request_file(request, EXO_USER, path, NULL);
}

bool attach_all(exo_request *request, const cli_options *options)
{
    for (size_t i = 0; i < options->attachments.count; i++) {
        const char *name = options->attachments.items[i];
        if (!attach_look_at(options, name)) {
            return false;
        }
        int code = attach_add(request, attach_path(name));
        if (code != EXO_OK) {
            say("--attach: %s: %s", name, exo_error_text(code));
            return false;
        }
    }
    return true;
}
