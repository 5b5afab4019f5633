/*
 * attachments.h: what the encoder's file opener finds, for one call: files on disk, ranges of them, bytes in memory and
 * sources of the caller's.
 *
 * One object belongs to one call and lives through all of its attempts: a file's descriptor, size and date are fixed
 * when it is first opened, and a name that could not be opened stays so. What is no regular file, or has another size
 * than it says, is spooled once. Descriptors close on exec.
 */
#ifndef EXO_CLIENT_ATTACHMENTS_H
#define EXO_CLIENT_ATTACHMENTS_H

#include "claims.h"

#include "exochat/call.h"
#include "exochat/encode.h"

typedef struct exo_attachments exo_attachments;

/* The attachments of one call on `request` (borrowed; NULL: it has none of its own), which may name what it says itself
 * (exo_request_allow_files()). Opens nothing yet. NULL when memory runs out. */
exo_attachments *exo_attachments_new(const exo_request *request);

/* Which files may be named, in place of what the request says, unless that is EXO_FILES_DEFAULT. `root` is borrowed. */
void exo_attachments_allow(exo_attachments *attachments, exo_files files, const char *root);

/* Sources of the caller's are claimed in `claims` (borrowed): one that another has is EXO_E_STATE. */
void exo_attachments_claim(exo_attachments *attachments, exo_claim_list *claims);

/* The opener to give to the encoder; valid as long as `attachments`. */
const exo_file_opener *exo_attachments_opener(exo_attachments *attachments);

/* Whether the opener was asked for anything. */
bool exo_attachments_any(const exo_attachments *attachments);

/* Whether the opener has failed with EXO_E_STATE because it came to a file that has to be spooled (spool.h) first. */
bool exo_attachments_to_spool(const exo_attachments *attachments);

/* Does that, about `budget` bytes of it. EXO_OK: the encoder may begin anew; EXO_AGAIN: call again, later where it is
 * starved; or EXO_E_SOURCE_READ. */
int exo_attachments_spool(exo_attachments *attachments, size_t budget);

/* Whether what was read last had nothing ready (EXO_AGAIN), and what that was. */
typedef enum exo_starved {
    EXO_STARVED_NOT,
    EXO_STARVED_GIVEN, /* a source of the caller's */
    EXO_STARVED_OWN    /* a file that is spooled, of which nobody says when it goes on */
} exo_starved;
exo_starved exo_attachments_starved(const exo_attachments *attachments);

/* What the last error was about ("photo.jpg: No such file or directory"), or "". */
const char *exo_attachments_message(const exo_attachments *attachments);

/* Closes the files. NULL is allowed. */
void exo_attachments_free(exo_attachments *attachments);

#endif
