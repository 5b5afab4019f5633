/*
 * encoding.h: what a call sends, on its way into one deployment's body: cursors, attachments and encoder, set up
 * together; or bytes of the caller's, as they are.
 *
 * Whoever sends asks here, and need not know which of the two it is.
 */
#ifndef EXO_CLIENT_ENCODING_H
#define EXO_CLIENT_ENCODING_H

#include "attachments.h"
#include "deployment.h"
#include "guard.h"
#include "raw.h"

/* What a call is about: one of these, the others NULL. */
typedef struct exo_subject {
    const exo_request *request;
    const exo_cursor *value;
    const exo_source *raw;
} exo_subject;

/* The longest body that is kept in memory as a whole: that of a request that names no files. It is walked once less,
 * and goes out in one piece with the head. A value may change meanwhile, which only writing it finds, unless its owner
 * has promised that it does not. */
#define EXO_WHOLE_MAX 32768

/* What walks a body. */
typedef struct exo_walk exo_walk;

typedef struct exo_encoding {
    exo_attachments *attachments;
    const exo_deployed *target; /* what it is set up for, or NULL */
    exo_walk *walk_;            /* NULL: there is none yet, or none is needed any more */
    char *whole_;               /* the body, where that is kept; else NULL */
    size_t whole_len_;          /* and its length, still when it was let go; 0: it is written by a walk */
    size_t whole_at_;           /* how much of it is written */
    bool is_sized_;             /* sizing has begun */
    bool is_value_;
    bool may_change_; /* a value, whose owner has not promised that it stays */
    exo_files files_;
    const char *file_root_;
    const exo_limits *limits_;
    const exo_request *request_;
    const char *defaults_;
    exo_raw *raw_;     /* NULL: the encoder makes the body */
    exo_guard *guard_; /* of a value, or NULL */
    const char *why_;  /* what the last error was about that no guard found, or NULL */
    exo_claim_list claims_;
} exo_encoding;

/* Opens nothing yet. Of the options, files, file_root and defaults count, and are borrowed; what `subject` leads to is
 * borrowed too, until exo_encoding_free(), and claimed in `claims` where only one call may have it. EXO_OK,
 * EXO_E_STATE: another call has it, or EXO_E_NO_MEMORY; exo_encoding_explain() may be asked, and exo_encoding_free() is
 * due, in any case. `encoding` must not move from here on. */
int exo_encoding_init(exo_encoding *encoding, const exo_subject *subject, const exo_call_options *options,
                      exo_claims *claims);

/* The model that a value names; see exo_guard_model(). */
int exo_encoding_model(exo_encoding *encoding, char *model, size_t size);

/* Sets the encoder up for `target` (borrowed); sizing begins anew. Attachments that are open stay so. EXO_OK,
 * EXO_E_NO_MEMORY or what exo_encode_init() says. */
int exo_encoding_aim(exo_encoding *encoding, const exo_deployed *target, const exo_limits *limits);

/* As the functions of encode.h with these names. Sizing also reads what can be read only once into a file of its own
 * (attachments.h), and finds what a request lacks. */
int exo_encoding_size(exo_encoding *encoding, size_t budget);
uint64_t exo_encoding_total(const exo_encoding *encoding);
int exo_encoding_write(exo_encoding *encoding, exo_window *window);
uint64_t exo_encoding_written(const exo_encoding *encoding);

/* The body as a whole, where it is in memory after sizing; empty where it is not. Valid until exo_encoding_aim() and
 * exo_encoding_free(). exo_encoding_hand_out() says that all of it is written; exo_encoding_give_whole() leaves it to
 * the caller, who wipes and frees it, or returns NULL; exo_encoding_let_go() frees one of which all is written: more
 * of it may be asked for, and is nothing. */
exo_span exo_encoding_whole(const exo_encoding *encoding);
void exo_encoding_hand_out(exo_encoding *encoding);
char *exo_encoding_give_whole(exo_encoding *encoding, size_t *size);
void exo_encoding_let_go(exo_encoding *encoding);
int exo_encoding_rewind(exo_encoding *encoding);

/* Whether what can be sent only once has begun to be. */
bool exo_encoding_spent(const exo_encoding *encoding);

/* Whether sizing or writing stopped because something had nothing ready; see attachments.h. */
exo_starved exo_encoding_starved(const exo_encoding *encoding);

/* What the error `code` was about: the top-level key, and the file where it is a file's error. */
void exo_encoding_explain(const exo_encoding *encoding, int code, char *message, size_t size);

/* Closes the attachments, and lets others have what was claimed. */
void exo_encoding_free(exo_encoding *encoding);

#endif
