/*
 * head.c: see head.h. Called by exchange.c for each line of a head, and of the trailers behind a body; it keeps
 * nothing.
 */
#include "head.h"

#include "exochat/http1.h"

/* The status of "HTTP/1.1 200 OK", or 0. */
static uint16_t head_status_of(exo_span line)
{
    unsigned status = 0;
    size_t at = 0;
    while (at < line.len && line.ptr[at] != ' ') {
        at++;
    }
    for (at++; at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '9' && status < 1000; at++) {
        status = 10 * status + (unsigned)(line.ptr[at] - '0');
    }
    return (uint16_t)(status < 1000 ? status : 0);
}

exo_head_line exo_head_read(exo_span line)
{
    exo_head_line read = {.kind = EXO_HEAD_FIELD};
    if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
        read.kind = EXO_HEAD_STATUS;
        read.status = head_status_of(line);
    } else if (exo_span_is(line, "\r\n") || exo_span_is(line, "\n")) {
        read.kind = EXO_HEAD_END;
    } else if (!exo_header_split(line, &read.name, &read.value)) {
        read.value = line;
    }
    return read;
}

bool exo_head_is_coding(const exo_head_line *line)
{
    return exo_http1_name_is(line->name, "content-encoding") && line->value.len > 0 &&
           !exo_span_is(line->value, "identity");
}
