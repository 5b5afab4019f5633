/*
 * encoding.h: a request on its way into one deployment's body: cursors, attachments and encoder, set up together.
 */
#ifndef EXO_CLIENT_ENCODING_H
#define EXO_CLIENT_ENCODING_H

#include "attachments.h"
#include "deployment.h"

typedef struct exo_encoding {
    exo_encoder encoder;
    exo_attachments *attachments;
    const exo_request *request;
    const exo_deployed *target; /* what the encoder is set up for, or NULL */
    exo_node_cursor cursor_;
    exo_json_cursor extra_cursor_;
    exo_cursor request_;
    exo_cursor extra_body_;
} exo_encoding;

/* Opens nothing yet. EXO_OK or EXO_E_NO_MEMORY. `encoding` must not move from here on. */
int exo_encoding_init(exo_encoding *encoding, const exo_request *request);

/* Sets the encoder up for `target` (borrowed); sizing begins anew. Attachments that are open stay so. EXO_OK or what
 * exo_encode_init() says. */
int exo_encoding_aim(exo_encoding *encoding, const exo_deployed *target, const exo_limits *limits);

/* What the encoder's error `code` was about: the top-level key, and the file where it is a file's error. */
void exo_encoding_explain(const exo_encoding *encoding, int code, char *message, size_t size);

/* Closes the attachments. */
void exo_encoding_free(exo_encoding *encoding);

#endif
