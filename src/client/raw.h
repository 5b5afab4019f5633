/*
 * raw.h: the bytes of a source as a body, as they are. The counterpart of the encoder for who has a body already.
 *
 * It holds one byte: the last one of a body of known length is withheld until the source has said that nothing follows.
 */
#ifndef EXO_CLIENT_RAW_H
#define EXO_CLIENT_RAW_H

#include "exochat/value.h"

/* Zero it, and set `source` (borrowed until the body is written). */
typedef struct exo_raw {
    const exo_source *source;
    bool starved; /* the source had nothing ready */
    bool begun_;
    bool held_; /* the last byte is */
    bool ended_;
    char last_;
    uint64_t taken_; /* of the source */
    uint64_t written_;
    int error_;
} exo_raw;

/* The length of the body, or EXO_SIZE_UNKNOWN: then it is sent chunked. */
uint64_t exo_raw_total(const exo_raw *raw);

/* Writes on. As exo_encode_write(): EXO_OK, EXO_AGAIN, EXO_E_BODY_CHANGED where the source has not the length that it
 * said, or the source's error. */
int exo_raw_write(exo_raw *raw, exo_window *window);

/* Whether the source cannot rewind, and something of it is gone. */
bool exo_raw_spent(const exo_raw *raw);

/* Back to the first byte: EXO_OK, or EXO_E_SOURCE_ONCE where the source cannot rewind and is spent. */
int exo_raw_rewind(exo_raw *raw);

#endif
