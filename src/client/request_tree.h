/*
 * request_tree.h: a request as the call sees it: the tree of nodes that the encoder's cursor walks, and the list of
 * attachments.
 *
 * Attachments made by exo_request_file() and its kin stand in the tree as {"_file": HANDLE, "_type": …} parts; a handle
 * is the byte 0x01 and the attachment's number in decimal, which no path begins with.
 */
#ifndef EXO_CLIENT_REQUEST_TREE_H
#define EXO_CLIENT_REQUEST_TREE_H

#include "exochat/request.h"

/* Something attached by the program itself. */
typedef struct exo_attachment {
    const char *path; /* a file, or NULL */
    bool range;       /* only `length` bytes from `offset` on */
    uint64_t offset;
    uint64_t length;
    exo_span bytes;           /* bytes in memory, where path and source are NULL */
    const exo_source *source; /* the caller's source, or NULL */
    bool spent;               /* it cannot rewind, and a call has read of it */
    const char *media_type;   /* or NULL: to be guessed */
    const char *name;         /* shown to the model, or NULL */
} exo_attachment;

/* The ids of tool calls that came without one: of the answer that is, or becomes, message number `place` (from 1 on),
 * the call number `number` of those (from 0 on). */
#define EXO_MADE_ID_MAX 48
void exo_request_make_id(char id[EXO_MADE_ID_MAX], size_t place, unsigned number);

/* Appends an assistant's message, for exo_request_answer(). `function`: the name of its function_call, or empty. */
int exo_request_append_answer(exo_request *request, exo_span json, exo_span function);

/* Notes a first error as the calls of request.h do, and returns what they would. */
int exo_request_fail(exo_request *request, int code);

/* The root of the tree, an object node: "messages" and the parameters ("model" too, if the request's JSON had one or it
 * was set). Valid until the request is changed. */
const exo_node *exo_request_root(const exo_request *request);

/* Attachment number `index`, or NULL when there is none. Calls change nothing of it but `spent`. */
exo_attachment *exo_request_attachment(const exo_request *request, size_t index);

/* The folder below which JSON may name files, or NULL. */
const char *exo_request_folder(const exo_request *request);

#endif
