/*
 * files.h: the files that a request names, as sources of the core whose bytes Python fills in.
 *
 * Nothing here opens or reads a file: whoever drives the encoder does, and is told which bytes are wanted. So no I/O
 * and no exception happens inside the core. Memory: one mailbox of EXOPY_MAIL bytes for all files.
 */
#ifndef EXOPY_FILES_H
#define EXOPY_FILES_H

#include "tape.h"

/* Bytes that are filled in at once. */
#define EXOPY_MAIL 4096

/* The size of a file that can be read only once, as Python says it; -1 is one that is not known. */
#define EXOPY_ONCE (-2)

/* One file. */
typedef struct exopy_file {
    struct exopy_files *files;
    PyObject *media_type; /* str, ASCII; NULL: it is not open */
    PyObject *name;       /* bytes */
    uint64_t at;          /* how much of it was handed out */
    exo_source source;
} exopy_file;

/* All files of one request, and the mailbox. */
typedef struct exopy_files {
    const exopy_tape *tape;
    exopy_file *files;        /* as many as tape->file_count */
    size_t expected;          /* of whom the encoder asks next, most likely */
    const exopy_file *wanted; /* NULL: none */
    const exopy_file *mailed; /* whose bytes the mailbox holds */
    size_t mail_at;           /* how many of them were handed out */
    size_t mail_len;
    bool at_end;                 /* the mailbox says: no more of that file */
    int failed;                  /* what fail() said, or EXO_OK */
    char path[EXO_PATH_MAX + 1]; /* of the file that was asked for last */
    char mail[EXOPY_MAIL];
} exopy_files;

/* Begins with the files of a tape that is built; borrowed. False with MemoryError. */
bool exopy_files_init(exopy_files *files, const exopy_tape *tape);

/* File `index` is open. False with an exception. */
bool exopy_files_open(exopy_files *files, size_t index, long long size, PyObject *media_type, PyObject *name);

/* The opener as the encoder takes it; valid as long as `files` stays where it is. */
exo_file_opener exopy_files_opener(exopy_files *files);

/* Whether bytes of a file are wanted: of which, and from where on. */
bool exopy_files_want(const exopy_files *files, size_t *index, uint64_t *offset);

/* Gives what is wanted; 0 bytes are the end of the file. At most EXOPY_MAIL are taken. */
void exopy_files_fill(exopy_files *files, exo_span bytes);

/* What is wanted cannot be had: the source fails with `code`. */
void exopy_files_fail(exopy_files *files, int code);

void exopy_files_free(exopy_files *files);

#endif
