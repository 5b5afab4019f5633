/*
 * head.h: one line of a response head, as libcurl hands it over → what it says.
 *
 * It knows no libcurl: a line is bytes that end where they end, with no NUL behind them, whatever a server sent.
 */
#ifndef EXO_CLIENT_CURL_HEAD_H
#define EXO_CLIENT_CURL_HEAD_H

#include "exochat/span.h"

#include <stdbool.h>
#include <stdint.h>

/* What a line is. */
typedef enum exo_head_kind {
    EXO_HEAD_STATUS, /* a head begins: `status`, 0 where it has none */
    EXO_HEAD_FIELD,  /* `name` and `value`; with an empty name and the whole line for a value: no proper header */
    EXO_HEAD_END     /* the empty line */
} exo_head_kind;

/* A line that was read. Both spans lie within it. */
typedef struct exo_head_line {
    exo_head_kind kind;
    uint16_t status;
    exo_span name;
    exo_span value;
} exo_head_line;

/* Reads one line, its line end included. */
exo_head_line exo_head_read(exo_span line);

/* Whether a field says that the body is encoded, and so will be decoded. */
bool exo_head_is_coding(const exo_head_line *line);

#endif
