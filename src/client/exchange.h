/*
 * exchange.h: one HTTP request and its response through libcurl: bytes out of the encoder, bytes into an inbox.
 *
 * It knows HTTP and nothing of events, answers or routing. libcurl's callbacks only copy and note; whatever follows
 * from that is done by the call, outside of libcurl. Memory: libcurl's own, and an inbox of EXO_INBOX_MAX, beyond which
 * the transfer is paused.
 */
#ifndef EXO_CLIENT_EXCHANGE_H
#define EXO_CLIENT_EXCHANGE_H

#include "deployment.h"
#include "timers.h"

#include "exochat/encode.h"

#include <curl/curl.h>

/* Bytes that may wait for the consumer before the transfer is paused. */
#define EXO_INBOX_MAX 65536

/* The same over HTTP/2, where a paused stream would block its siblings: beyond it the exchange ends with
 * EXO_E_CONSUMER_LIMIT. */
#define EXO_INBOX_MAX_HTTP2 1048576

/* The same for a compressed body: libcurl unpacks all that it has read at once, and copies what is left of that at
 * every pause. It holds 64 MB at most: what needs more is EXO_E_EXPANSION_LIMIT. */
#define EXO_INBOX_MAX_ENCODED 1048576

/* How much of what follows [DONE] is read so that the connection can be used again, and for how long. */
#define EXO_DRAIN_MAX 65536
#define EXO_DRAIN_MS  250

typedef struct exo_exchange exo_exchange;

struct exo_exchange {
    exo_client *client;
    exo_call *call; /* NULL once the exchange is only drained */
    exo_deployed *deployed;
    exo_encoder *encoder; /* the call's; NULL once the exchange is only drained */
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *resolve;
    exo_buffer inbox;
    exo_failure failure; /* what the response's headers say of a failure */
    CURLcode result;
    int abort_code; /* why we broke it off ourselves, or EXO_OK */
    uint16_t status;
    bool over;
    bool connected;
    bool reused;
    bool resent;
    bool paused;
    bool began_anew; /* libcurl wanted to try again by itself, and was not let */
    bool starved;    /* sending is paused: a source of the body has nothing ready */
    bool body_read;  /* the encoder has handed out everything */
    bool answered;   /* at least one byte of a response came */
    bool head_ended; /* of the final response */
    bool encoded;    /* Content-Encoding is there, and decoded */
    uint32_t head_bytes;
    uint32_t head_count;
    uint64_t received;
    uint64_t uploaded;    /* at the last sample */
    curl_socket_t socket; /* the one that libcurl watches for it, or CURL_SOCKET_BAD */
    int unsent;           /* bytes in its queue at the last sample */
    int64_t connected_at; /* by exo_clock_real() */
    uint64_t drained;
    exo_timer timer;           /* bounds draining */
    exo_exchange *drain_next;  /* in client->draining */
    exo_exchange **drain_link; /* what leads here: that, or the drain_next before */
    exo_call *waiter;          /* a call that waits for the drained connection, or NULL */
    char text[CURL_ERROR_SIZE];
};

/* Makes an exchange for `call` and hands it to libcurl. `total` is the body's length, or EXO_SIZE_UNKNOWN for chunked
 * coding. `fresh` asks for a connection of its own. NULL when memory runs out, or when libcurl refuses an option:
 * `*error` and the client's message say why. */
exo_exchange *exo_exchange_start(exo_call *call, exo_deployed *deployed, exo_encoder *encoder, uint64_t total,
                                 const char *traceparent, bool fresh, int *error);

/* Moves what the inbox holds into `into`, which must be empty, and lets a paused transfer go on. */
void exo_exchange_take(exo_exchange *exchange, exo_buffer *into);

/* Told by client.c: libcurl watches this socket for the exchange, or no longer does. */
void exo_exchange_socket(exo_exchange *exchange, curl_socket_t socket, bool watched);

/* Looks at the upload: whether there was progress since the last look, and in `*sent` whether all of the body is with
 * the other side's kernel (or, where that cannot be told, with ours). */
bool exo_exchange_progress(exo_exchange *exchange, bool *sent);

/* Takes out of libcurl's words what nobody may read in them. */
void exo_transport_censor(char text[CURL_ERROR_SIZE]);

/* What a result of libcurl's means by itself: EXO_OK or an error of class TRANSPORT, VIOLATION or LIMIT. */
int exo_transport_code(CURLcode result);

/* How an exchange that is over went: EXO_OK or an error of error.h. */
int exo_exchange_code(const exo_exchange *exchange);

/* What libcurl said of it; empty where it said nothing, or spoke of a try of its own, or only of what we had done.
 * Valid as long as the exchange. */
exo_span exo_exchange_words(const exo_exchange *exchange);

/* Whether the rule for a resend inside the transport holds: the connection was reused, not one response byte came, and
 * it closed within one second, which pass for the server too while a consumer holds an event. */
bool exo_exchange_may_resend(const exo_exchange *exchange);

/* Lets the exchange run on without its call until its connection can be used again, or the bounds of draining are
 * reached. */
void exo_exchange_drain(exo_exchange *exchange);

/* Ends an exchange that was drained, and wakes the call that waits for its connection. */
void exo_exchange_drained(exo_exchange *exchange);

/* Sets what every transfer of ours has in common: no signals, no redirects, our own clocks, verified TLS as `deployed`
 * wants it. */
CURLcode exo_transport_configure(const exo_deployed *deployed, CURL *easy, struct curl_slist **resolve);

/* Ends an exchange in whatever state and frees it. NULL is allowed. */
void exo_exchange_free(exo_exchange *exchange);

#endif
