/*
 * peer_json.h: the JSON of the peers that are written for one endpoint (peer_curl.c, peer_raw.c): a body is made with
 * yyjson, the events of an answer are found and each is read with yyjson. Nothing is checked that need not be.
 */
#ifndef EXO_BENCH_PEER_JSON_H
#define EXO_BENCH_PEER_JSON_H

#include "peer.h"

/* The events of an answer. Zeroed at first, and used again for the next one. */
typedef struct events {
    size_t number; /* of the stream, for `show` */
    peer_show show;
    void *ctx;
    char *text; /* of the answer */
    size_t len;
    size_t room;
    char *carry; /* the event that has not ended yet */
    size_t carried;
    size_t carry_room;
    bool is_over; /* [DONE] */
} events;

/* The body of a request, whose length is stored; freed by free(). */
char *json_body(const peer_prompt *prompt, size_t *len);

/* An answer begins; `show` as in peer_chat(). */
void events_begin(events *e, peer_show show, void *ctx);

/* Bytes of its body have come. */
void events_take(events *e, const char *bytes, size_t len);

void events_free(events *e);

#endif
