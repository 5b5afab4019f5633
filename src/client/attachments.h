/*
 * attachments.h: what the encoder's file opener finds, for one call: files on disk, ranges of them, bytes in memory and
 * sources of the caller's.
 *
 * One object belongs to one call and lives through all of its attempts: a file's descriptor, size and date are fixed
 * when it is first opened, and a name that could not be opened stays so. Descriptors close on exec.
 */
#ifndef EXO_CLIENT_ATTACHMENTS_H
#define EXO_CLIENT_ATTACHMENTS_H

#include "exochat/encode.h"
#include "exochat/request.h"

typedef struct exo_attachments exo_attachments;

/* The attachments of one call on `request` (borrowed). Opens nothing yet. NULL when memory runs out. */
exo_attachments *exo_attachments_new(const exo_request *request);

/* The opener to give to the encoder; valid as long as `attachments`. */
const exo_file_opener *exo_attachments_opener(exo_attachments *attachments);

/* Whether the source that was read last had nothing ready (EXO_AGAIN). */
bool exo_attachments_starved(const exo_attachments *attachments);

/* What the last error was about ("photo.jpg: No such file or directory"), or "". */
const char *exo_attachments_message(const exo_attachments *attachments);

/* Closes the files. NULL is allowed. */
void exo_attachments_free(exo_attachments *attachments);

#endif
