/*
 * attachments.c: opens what a request names, for the encoder. See attachments.h.
 *
 * Files are read where the encoder asks, at a place of their own, and a little ahead, since it asks for little at a
 * time. It knows no JSON and sends nothing. Memory: one record for each different name, with an open descriptor for
 * each file that was found, and ATTACHMENTS_AHEAD bytes while a file is read.
 */
#include "attachments.h"

#include "forked.h"
#include "heap.h"
#include "media_type.h"
#include "request_tree.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

/* Not blocking, so that opening a FIFO does not wait for its other end. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* How often a lookup is repeated that a renamed folder has disturbed. */
#define LOOKUPS_MAX 16

/* How much of a file is read at once where less is asked for. */
#define ATTACHMENTS_AHEAD 65536

#ifdef __APPLE__
#define MODIFIED(status) ((status).st_mtimespec)
#else
#define MODIFIED(status) ((status).st_mtim)
#endif

/* What a name has led to. */
typedef struct found {
    exo_span key; /* the name as the encoder gives it, a handle or a path */
    struct found *next;
    exo_attachments *owner;
    const exo_source *source; /* the one below; NULL: it could not be opened */
    exo_source own;
    int reason; /* errno, where source is NULL */
    int file;   /* or -1 */
    uint64_t start;
    uint64_t at; /* from start on */
    struct stat status;
    exo_span bytes;
    exo_attachment *given;  /* whose source is the caller's: `own` stands before it */
    exo_attachment *ranged; /* which may be of a range, where it is a file */
    exo_spool spool;        /* while it is spooled */
    bool began;             /* this call has read of it */
    const char *shown;      /* what messages call it */
    const char *name;
    const char *media_type;
    char text[]; /* the key, and a NUL */
} found;

struct exo_attachments {
    const exo_request *request;
    exo_file_opener opener;
    void *tree; /* of found, by key */
    found *list;
    exo_files files;        /* which ones JSON may name */
    const char *root;       /* the folder below which they lie, as it was given */
    int folder;             /* the same, or -1 while it is not open */
    char *folder_path;      /* its real path */
    exo_claim_list *claims; /* or NULL */
    exo_starved starved;
    char *ahead;           /* what was read of a file, or NULL */
    const found *ahead_of; /* the file, or NULL: nothing is there */
    uint64_t ahead_at;     /* from where on, as found.at */
    size_t ahead_len;
    found *spooling; /* what the encoder waits for, or NULL */
    char media_type[EXO_MEDIA_TYPE_MAX];
    char message[512];
};

/* Stores "NAME: words" for exo_attachments_message(), fit to be printed, and returns `code`. */
static int attachments_say(exo_attachments *attachments, int code, const char *name, const char *words)
{
    snprintf(attachments->message, sizeof attachments->message, "%.400s: %s", name, words);
    for (char *at = attachments->message; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            *at = '?';
        }
    }
    return code;
}

/* ---- reading ---- */

/* How many of `size` bytes the source has left. */
static size_t attachments_left_of(const found *f, size_t size)
{
    uint64_t left = f->own.size - f->at;
    return left < size ? (size_t)left : size;
}

static void attachments_drop_ahead(exo_attachments *attachments)
{
    exo_heap.resize(exo_heap.ctx, attachments->ahead, 0);
    attachments->ahead = NULL;
    attachments->ahead_of = NULL;
}

/* Reads `size` bytes at the file's place. Negative with errno. */
static ssize_t attachments_read_at(const found *f, void *dst, size_t size)
{
    ssize_t count;
    do {
        count = pread(f->file, dst, size, (off_t)(f->start + f->at));
    } while (count < 0 && errno == EINTR);
    return count;
}

/* Takes up to `size` bytes from what was read ahead. 0: it does not have the next one. */
static size_t attachments_take_ahead(const found *f, void *dst, size_t size)
{
    const exo_attachments *from = f->owner;
    if (from->ahead_of != f || f->at < from->ahead_at || f->at - from->ahead_at >= from->ahead_len) {
        return 0;
    }
    const size_t at = (size_t)(f->at - from->ahead_at);
    const size_t there = from->ahead_len - at;
    size = size < there ? size : there;
    memcpy(dst, from->ahead + at, size);
    return size;
}

/* Reads up to `size` bytes at the file's place, and what follows them ahead where they are few and there is memory. */
static ssize_t attachments_read_on(const found *f, void *dst, size_t size)
{
    exo_attachments *into = f->owner;
    const size_t taken = attachments_take_ahead(f, dst, size);
    if (taken > 0) {
        return (ssize_t)taken;
    }
    if (!into->ahead && size < ATTACHMENTS_AHEAD) {
        into->ahead = exo_heap.resize(exo_heap.ctx, NULL, ATTACHMENTS_AHEAD);
    }
    if (!into->ahead || size >= ATTACHMENTS_AHEAD) {
        return attachments_read_at(f, dst, size);
    }
    const ssize_t count = attachments_read_at(f, into->ahead, attachments_left_of(f, ATTACHMENTS_AHEAD));
    into->ahead_of = count > 0 ? f : NULL;
    into->ahead_at = f->at;
    into->ahead_len = count > 0 ? (size_t)count : 0;
    return count > 0 ? (ssize_t)attachments_take_ahead(f, dst, size) : count;
}

static int attachments_read_file(void *ctx, void *dst, size_t size, size_t *got)
{
    found *f = ctx;
    *got = 0;
    size = attachments_left_of(f, size);
    if (size == 0) {
        attachments_drop_ahead(f->owner);
        return EXO_OK;
    }
    const ssize_t count = attachments_read_on(f, dst, size);
    if (count < 0) {
        return attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, strerror(errno));
    }
    if (count == 0) {
        return attachments_say(f->owner, EXO_OK, f->shown, "became shorter while it was read");
    }
    f->at += (uint64_t)count;
    *got = (size_t)count;
    return EXO_OK;
}

static int attachments_read_bytes(void *ctx, void *dst, size_t size, size_t *got)
{
    found *f = ctx;
    *got = attachments_left_of(f, size);
    if (*got > 0) {
        memcpy(dst, f->bytes.ptr + f->at, *got);
    }
    f->at += *got;
    return EXO_OK;
}

/* What was read ahead may have changed since. */
static int attachments_rewind_own(void *ctx)
{
    found *f = ctx;
    f->at = 0;
    f->owner->ahead_of = NULL;
    return EXO_OK;
}

static int attachments_check_file(void *ctx)
{
    found *f = ctx;
    struct stat now;
    if (fstat(f->file, &now) != 0) {
        return attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, strerror(errno));
    }
    if (now.st_size != f->status.st_size || MODIFIED(now).tv_sec != MODIFIED(f->status).tv_sec ||
        MODIFIED(now).tv_nsec != MODIFIED(f->status).tv_nsec) {
        return attachments_say(f->owner, EXO_E_BODY_CHANGED, f->shown, "changed while it was sent");
    }
    return EXO_OK;
}

/* A source that cannot rewind serves one call: what it has given is gone. */
static int attachments_read_given(void *ctx, void *dst, size_t size, size_t *got)
{
    found *f = ctx;
    const exo_source *source = f->given->source;
    *got = 0;
    if (f->given->spent && !f->began) {
        return attachments_say(f->owner, EXO_E_SOURCE_ONCE, f->name, "was read by another call already");
    }
    f->began = true;
    f->given->spent = !source->rewind;
    const unsigned forks = exo_forks();
    int code = source->read(source->ctx, dst, size, got);
    if (exo_forks() != forks) { /* what follows is the parent's to read */
        return EXO_E_FORKED;
    }
    f->owner->starved = EXO_STARVED_NOT;
    if (code == EXO_AGAIN && *got == 0) {
        f->owner->starved = EXO_STARVED_GIVEN;
        attachments_say(f->owner, code, f->name, "nothing came of it for request_timeout");
    }
    return code;
}

static int attachments_rewind_given(void *ctx)
{
    const exo_source *source = ((const found *)ctx)->given->source;
    return source->rewind(source->ctx);
}

static int attachments_check_given(void *ctx)
{
    const exo_source *source = ((const found *)ctx)->given->source;
    return source->check ? source->check(source->ctx) : EXO_OK;
}

static int attachments_use_given(found *f, exo_attachment *attachment)
{
    if (attachment->spent) {
        return attachments_say(f->owner, EXO_E_SOURCE_ONCE, f->name, "was read by another call already");
    }
    int code = f->owner->claims ? exo_claims_source(f->owner->claims, attachment->source) : EXO_OK;
    if (code != EXO_OK) {
        return code == EXO_E_STATE ? attachments_say(f->owner, code, f->name, "is in use by another call") : code;
    }
    f->given = attachment;
    f->own.size = attachment->source->size;
    f->own.read = attachments_read_given;
    f->own.rewind = attachment->source->rewind ? attachments_rewind_given : NULL;
    f->own.check = attachments_check_given;
    return EXO_OK;
}

/* ---- opening below a folder ---- */

/* `path` relative to the folder, or NULL where it is absolute and begins neither with the folder as it was given nor
 * with its real path. */
static const char *attachments_relative_path(const exo_attachments *attachments, const char *path)
{
    if (*path != '/') {
        return path;
    }
    const char *folders[] = {attachments->root, attachments->folder_path};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(folders[i]);
        while (len > 0 && folders[i][len - 1] == '/') {
            len--;
        }
        if (folders[i][0] == '/' && strncmp(path, folders[i], len) == 0 && path[len] == '/') {
            return path + len + strspn(path + len, "/");
        }
    }
    return NULL;
}

/* Whether the open `file`, which `path` led to, is one below the folder. */
static bool attachments_is_below(const exo_attachments *attachments, const char *path, int file)
{
    struct stat opened;
    struct stat real_status;
    size_t size = strlen(attachments->folder_path) + strlen(path) + 2;
    char *full = malloc(size);
    if (!full) {
        return false;
    }
    snprintf(full, size, "%s/%s", attachments->folder_path, path);
    char *real = realpath(full, NULL);
    free(full);
    size_t len = strlen(attachments->folder_path);
    len -= attachments->folder_path[len - 1] == '/';
    bool below = real && strncmp(real, attachments->folder_path, len) == 0 && real[len] == '/' &&
                 fstat(file, &opened) == 0 && stat(real, &real_status) == 0 && opened.st_dev == real_status.st_dev &&
                 opened.st_ino == real_status.st_ino;
    free(real);
    return below;
}

static bool attachments_climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Where the kernel cannot keep a lookup below a folder: opens first, and then sees where that has led. */
static int attachments_open_and_look(const exo_attachments *attachments, const char *path)
{
    if (attachments_climbs(path)) {
        errno = EXDEV;
        return -1;
    }
    int file = openat(attachments->folder, path, OPEN_FLAGS);
    if (file >= 0 && !attachments_is_below(attachments, path, file)) {
        close(file);
        errno = EXDEV;
        return -1;
    }
    return file;
}

/* Opens `path`, relative to the folder, where it does not lead out of it. -1 with errno; EXDEV or ELOOP: it does. */
static int attachments_open_below(const exo_attachments *attachments, const char *path)
{
#ifdef SYS_openat2
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = OPEN_FLAGS;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    long file;
    int lookups = 0;
    do {
        file = syscall(SYS_openat2, attachments->folder, path, &how, sizeof how);
    } while (file < 0 && (errno == EAGAIN || errno == EINTR) && ++lookups < LOOKUPS_MAX);
    /* EPERM is what a container's filter of system calls may answer. */
    if (file >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return (int)file;
    }
#endif
    return attachments_open_and_look(attachments, path);
}

static int attachments_have_folder(exo_attachments *attachments)
{
    if (attachments->folder >= 0) {
        return EXO_OK;
    }
    attachments->folder_path = realpath(attachments->root, NULL);
    attachments->folder =
        attachments->folder_path ? open(attachments->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (attachments->folder < 0) {
        int reason = errno;
        free(attachments->folder_path);
        attachments->folder_path = NULL;
        return attachments_say(attachments, EXO_E_SOURCE_READ, attachments->root, strerror(reason));
    }
    return EXO_OK;
}

/* ---- finding ---- */

static const char *attachments_kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a regular file was expected, this is a folder"
           : S_ISFIFO(mode) ? "a regular file was expected, this is a FIFO"
                            : "a regular file was expected, this is a device or a socket";
}

/* Opens what the program, or JSON that it trusts, names. A socket that is open here already cannot be opened by the
 * name that it has in /dev, only taken twice. */
static int attachments_open_any(const char *path)
{
    int file = open(path, OPEN_FLAGS);
    if (file < 0 && errno == ENXIO) {
        char *end = NULL;
        const char *number = strcmp(path, "/dev/stdin") == 0 ? "0" : path + strlen("/dev/fd/");
        bool named = *number == '0' || strncmp(path, "/dev/fd/", strlen("/dev/fd/")) == 0;
        long there = named ? strtol(number, &end, 10) : -1;
        errno = ENXIO;
        if (named && end != number && !*end && there <= INT_MAX) {
            file = fcntl((int)there, F_DUPFD_CLOEXEC, 3);
        }
    }
    return file;
}

/* Whether the file ends where its size says: what /proc and /sys hold does not, and what grows may not. One that cannot
 * be read there says nothing of its size: whoever spools it finds out why. */
static bool attachments_size_is_true(const found *f)
{
    char byte;
    off_t size = f->status.st_size;
    return pread(f->file, &byte, 1, size) == 0 && (size == 0 || pread(f->file, &byte, 1, size - 1) == 1);
}

/* By the name, or else by the first bytes. */
static const char *attachments_guess(const found *f)
{
    char head[EXO_MEDIA_HEAD];
    const char *media_type = exo_media_type_of_name(f->name);
    if (media_type) {
        return media_type;
    }
    if (f->given) {
        return "application/octet-stream";
    }
    size_t size = f->own.size < sizeof head ? (size_t)f->own.size : sizeof head;
    if (f->file < 0) {
        return exo_media_type_of_bytes(exo_span_of(f->bytes.ptr, size), size == f->own.size);
    }
    ssize_t count = pread(f->file, head, size, (off_t)f->start);
    return exo_media_type_of_bytes(exo_span_of(head, count > 0 ? (size_t)count : 0), size == f->own.size);
}

/* Makes a source of the regular file that is open, or of the range of it that was asked for. */
static int attachments_use_regular(found *f)
{
    char words[96];
    const exo_attachment *attachment = f->ranged;
    f->own.size = (uint64_t)f->status.st_size;
    if (attachment && attachment->range) {
        if (attachment->offset + attachment->length > f->own.size) {
            snprintf(words, sizeof words, "the range ends at byte %" PRIu64 ", the file has %" PRIu64,
                     attachment->offset + attachment->length, f->own.size);
            return attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, words);
        }
        f->start = attachment->offset;
        f->own.size = attachment->length;
    }
    f->own.read = attachments_read_file;
    f->own.check = attachments_check_file;
    f->media_type = attachment && attachment->media_type ? attachment->media_type : attachments_guess(f);
#ifdef POSIX_FADV_SEQUENTIAL
    posix_fadvise(f->file, (off_t)f->start, (off_t)f->own.size, POSIX_FADV_SEQUENTIAL);
#endif
    return EXO_OK;
}

/* Makes a source of an open descriptor; one that is no regular file, or only seems to be, has to be spooled before. */
static int attachments_use_file(found *f)
{
    if (fstat(f->file, &f->status) != 0) {
        return attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, strerror(errno));
    }
    mode_t mode = f->status.st_mode;
    bool only_regular = !f->ranged && f->owner->files == EXO_FILES_FOLDER;
    if (S_ISDIR(mode) || S_ISBLK(mode) || (only_regular && !S_ISREG(mode))) {
        return attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, attachments_kind_of(mode));
    }
    if (S_ISREG(mode) && attachments_size_is_true(f)) {
        return attachments_use_regular(f);
    }
    int code = exo_spool_begin(&f->spool, f->file, EXO_SPOOL_MAX);
    f->file = -1;
    if (code != EXO_OK) {
        char words[96];
        snprintf(words, sizeof words, "no temporary file can be made: %s", strerror(errno));
        return attachments_say(f->owner, code, f->shown, words);
    }
    f->owner->spooling = f;
    return EXO_OK;
}

static const char *attachments_without_folders(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The attachment that a handle stands for, or NULL: JSON from outside can hold what only looks like one. */
static exo_attachment *attachments_by_handle(const exo_attachments *attachments, exo_span handle)
{
    size_t index = 0;
    for (size_t i = 1; i < handle.len; i++) {
        if (handle.ptr[i] < '0' || handle.ptr[i] > '9' || index > SIZE_MAX / 10 - 1) {
            return NULL;
        }
        index = index * 10 + (size_t)(handle.ptr[i] - '0');
    }
    return handle.len > 1 && attachments->request ? exo_request_attachment(attachments->request, index) : NULL;
}

static int find_attachment(found *f)
{
    exo_attachment *attachment = attachments_by_handle(f->owner, f->key);
    if (!attachment) {
        return attachments_say(f->owner, EXO_E_FILE_REFUSED, "_file", "names no attachment");
    }
    f->source = &f->own;
    f->name = attachment->name ? attachment->name : "attachment";
    if (attachment->path) {
        f->shown = attachment->path;
        f->name = attachments_without_folders(attachment->path);
        f->ranged = attachment;
        f->file = attachments_open_any(attachment->path);
        return f->file < 0 ? attachments_say(f->owner, EXO_E_SOURCE_READ, f->shown, strerror(errno))
                           : attachments_use_file(f);
    }
    if (attachment->source) {
        int code = attachments_use_given(f, attachment);
        if (code != EXO_OK) {
            return code;
        }
    } else {
        f->bytes = attachment->bytes;
        f->own.size = attachment->bytes.len;
        f->own.read = attachments_read_bytes;
    }
    f->media_type = attachment->media_type ? attachment->media_type : attachments_guess(f);
    return EXO_OK;
}

/* Whether opening failed for a want of something that has nothing to do with the file. */
static bool attachments_is_shortage(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == ENOMEM;
}

/* Opens what JSON names, below the folder that is allowed. */
static int attachments_open_in_folder(found *f)
{
    exo_attachments *attachments = f->owner;
    int code = attachments_have_folder(attachments);
    if (code != EXO_OK) {
        return code;
    }
    const char *path = attachments_relative_path(attachments, f->text);
    errno = EXDEV;
    f->file = path ? attachments_open_below(attachments, path) : -1;
    if (f->file < 0 && (errno == EXDEV || errno == ELOOP)) {
        return attachments_say(attachments, EXO_E_FILE_REFUSED, f->text, "lies outside of the folder that is allowed");
    }
    return EXO_OK;
}

static int attachments_find_path(found *f)
{
    exo_attachments *attachments = f->owner;
    int code = EXO_OK;
    if (attachments->files == EXO_FILES_ANY) {
        f->file = attachments_open_any(f->text);
    } else if (attachments->files == EXO_FILES_FOLDER) {
        code = attachments_open_in_folder(f);
    } else {
        code = attachments_say(attachments, EXO_E_FILE_REFUSED, f->text, "this request may not name files");
    }
    if (code != EXO_OK) {
        return code;
    }
    if (f->file < 0) {
        f->reason = errno;
        return attachments_is_shortage(errno)
                   ? attachments_say(attachments, EXO_E_SOURCE_READ, f->text, strerror(errno))
                   : EXO_OK;
    }
    f->shown = f->text;
    f->name = attachments_without_folders(f->text);
    f->source = &f->own;
    return attachments_use_file(f);
}

static int attachments_by_key(const void *a, const void *b)
{
    const exo_span *left = &((const found *)a)->key;
    const exo_span *right = &((const found *)b)->key;
    if (left->len != right->len) {
        return left->len < right->len ? -1 : 1;
    }
    return left->len > 0 ? memcmp(left->ptr, right->ptr, left->len) : 0;
}

static void attachments_drop(found *f)
{
    if (f->file >= 0) {
        close(f->file);
    }
    exo_spool_end(&f->spool);
    exo_heap.resize(exo_heap.ctx, f, 0);
}

/* Finds what `key` leads to for the first time. */
static int attachments_find(exo_attachments *attachments, exo_span key, found **result)
{
    found *f = exo_heap.resize(exo_heap.ctx, NULL, sizeof *f + key.len + 1);
    if (!f) {
        return EXO_E_NO_MEMORY;
    }
    memset(f, 0, sizeof *f);
    memcpy(f->text, key.ptr ? key.ptr : "", key.len);
    f->text[key.len] = '\0';
    f->key = exo_span_of(f->text, key.len);
    f->owner = attachments;
    f->file = f->spool.from = f->spool.into = -1;
    f->own.ctx = f;
    f->own.rewind = attachments_rewind_own;
    int code = f->text[0] == '\x01' ? find_attachment(f) : attachments_find_path(f);
    if (code == EXO_OK && !tsearch(f, &attachments->tree, attachments_by_key)) {
        code = EXO_E_NO_MEMORY;
    }
    if (code != EXO_OK) {
        attachments->spooling = NULL;
        attachments_drop(f);
        return code;
    }
    f->next = attachments->list;
    attachments->list = f;
    *result = f;
    return EXO_OK;
}

static int attachments_open_named(void *ctx, exo_span path, exo_span media_type, exo_file *file)
{
    exo_attachments *attachments = ctx;
    found key;
    key.key = path;
    attachments->message[0] = '\0';
    if (media_type.len > sizeof attachments->media_type || (path.len > 0 && memchr(path.ptr, '\0', path.len))) {
        return EXO_E_REQUEST;
    }
    found *const *known = tfind(&key, &attachments->tree, attachments_by_key);
    found *f = known ? *known : NULL;
    int code = f ? EXO_OK : attachments_find(attachments, path, &f);
    if (code != EXO_OK) {
        return code;
    }
    if (!f->source) {
        return attachments_say(attachments, EXO_NOT_FOUND, f->text, strerror(f->reason));
    }
    if (attachments->spooling) {
        return EXO_E_STATE;
    }
    file->source = f->source;
    file->name = exo_span_text(f->name);
    file->media_type = exo_span_text(f->media_type);
    if (media_type.len > 0) {
        memcpy(attachments->media_type, media_type.ptr, media_type.len);
        file->media_type = exo_span_of(attachments->media_type, media_type.len);
    }
    return EXO_OK;
}

/* ---- life ---- */

exo_attachments *exo_attachments_new(const exo_request *request)
{
    exo_attachments *attachments = exo_heap.resize(exo_heap.ctx, NULL, sizeof *attachments);
    if (attachments) {
        memset(attachments, 0, sizeof *attachments);
        attachments->request = request;
        attachments->root = request ? exo_request_folder(request) : NULL;
        attachments->files = attachments->root ? EXO_FILES_FOLDER : EXO_FILES_REFUSE;
        attachments->opener.ctx = attachments;
        attachments->opener.open = attachments_open_named;
        attachments->folder = -1;
    }
    return attachments;
}

const exo_file_opener *exo_attachments_opener(exo_attachments *attachments)
{
    return &attachments->opener;
}

void exo_attachments_allow(exo_attachments *attachments, exo_files files, const char *root)
{
    if (files != EXO_FILES_DEFAULT) {
        attachments->files = files;
        attachments->root = root;
    }
}

void exo_attachments_claim(exo_attachments *attachments, exo_claim_list *claims)
{
    attachments->claims = claims;
}

exo_starved exo_attachments_starved(const exo_attachments *attachments)
{
    return attachments->starved;
}

bool exo_attachments_any(const exo_attachments *attachments)
{
    return attachments->list != NULL;
}

bool exo_attachments_to_spool(const exo_attachments *attachments)
{
    return attachments->spooling != NULL;
}

int exo_attachments_spool(exo_attachments *attachments, size_t budget)
{
    found *f = attachments->spooling;
    int code = exo_spool_step(&f->spool, budget);
    attachments->starved = code == EXO_AGAIN && f->spool.starved ? EXO_STARVED_OWN : EXO_STARVED_NOT;
    attachments->message[0] = '\0';
    if (code == EXO_AGAIN) {
        return attachments->starved
                   ? attachments_say(attachments, code, f->shown, "nothing came of it for request_timeout")
                   : code;
    }
    if (code != EXO_OK) {
        char words[64];
        snprintf(words, sizeof words, "it goes on behind byte %" PRIu64, (uint64_t)EXO_SPOOL_MAX);
        return attachments_say(attachments, code, f->shown, errno == EFBIG ? words : strerror(errno));
    }
    f->file = f->spool.into;
    f->spool.into = -1;
    attachments->spooling = NULL;
    return fstat(f->file, &f->status) == 0 ? attachments_use_regular(f)
                                           : attachments_say(attachments, EXO_E_SOURCE_READ, f->shown, strerror(errno));
}

const char *exo_attachments_message(const exo_attachments *attachments)
{
    return attachments->message;
}

void exo_attachments_free(exo_attachments *attachments)
{
    if (!attachments) {
        return;
    }
    while (attachments->list) {
        found *f = attachments->list;
        attachments->list = f->next;
        tdelete(f, &attachments->tree, attachments_by_key);
        attachments_drop(f);
    }
    if (attachments->folder >= 0) {
        close(attachments->folder);
    }
    free(attachments->folder_path);
    attachments_drop_ahead(attachments);
    exo_heap.resize(exo_heap.ctx, attachments, 0);
}
