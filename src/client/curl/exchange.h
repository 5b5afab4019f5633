/*
 * exchange.h: one HTTP request and its response through libcurl: bytes out of an encoding, bytes into an inbox.
 *
 * It knows HTTP and nothing of events, answers or routing. libcurl's callbacks copy, note and report (exo_facts).
 * Memory: libcurl's own, and an inbox of EXO_INBOX_MAX, beyond which the transfer is paused.
 */
#ifndef EXO_CLIENT_CURL_EXCHANGE_H
#define EXO_CLIENT_CURL_EXCHANGE_H

#include "handles.h"

#include <netinet/in.h>

/* Bytes that may wait for the consumer before the transfer is paused. */
#define EXO_INBOX_MAX 65536

/* The same over HTTP/2, where a paused stream would block its siblings: beyond it the exchange ends with
 * EXO_E_CONSUMER_LIMIT. */
#define EXO_INBOX_MAX_HTTP2 1048576

/* The same for a compressed body: libcurl unpacks all that it has read at once, and copies what is left of that at
 * every pause. It holds 64 MB at most: what needs more is EXO_E_EXPANSION_LIMIT. */
#define EXO_INBOX_MAX_ENCODED 1048576

/* How far an exchange has come. */
typedef enum exo_progress {
    EXCHANGE_CONNECTS,
    EXCHANGE_STANDS,   /* the connection does; the request goes out */
    EXCHANGE_ANSWERED, /* a byte of a response came */
    EXCHANGE_IN_BODY   /* the head of the final response has ended */
} exo_progress;

/* Which way of a transfer is paused; a bit each. */
enum exo_halt {
    EXCHANGE_HALTS_READING = 1, /* the inbox is full */
    EXCHANGE_HALTS_SENDING = 2  /* a source of the body has nothing ready */
};

struct exo_exchange {
    exo_pool *pool;
    exo_group *group; /* whose connections it uses; NULL: it was not to be */
    const exo_facts *facts;
    void *owner;
    exo_progress place;
    bool over;
    bool is_struck;      /* it is in the pool's list of those that can go no further */
    bool is_http2;       /* known from the first byte of a body on */
    exo_visitor visitor; /* at the gate; libcurl has the exchange once it has passed */
    struct {
        int64_t since;      /* when the exchange was made */
        int64_t queued_at;  /* since when it waits for a bound */
        int64_t queued;     /* for how long it has waited for one */
        int64_t passed;     /* when libcurl got it */
        bool is_tried;      /* an address is: its name is known */
        bool is_looking_up; /* it is no request: it looks up a name */
        bool is_found;      /* and has found it */
    } way;
    struct {
        exo_exchange *next;
        exo_exchange **link; /* what points to this one, or NULL: not in the pool's list */
        int64_t allowed;     /* milliseconds that libcurl has since it got it */
        int64_t nudge;       /* when it is to be nudged, or -1 */
    } connecting;
    struct {
        exo_handle *handle;         /* NULL: memory ran out */
        CURL *easy;                 /* its, or NULL */
        struct curl_slist *headers; /* of this request, where they are not the deployment's; or NULL */
        curl_socket_t socket;       /* the one that libcurl watches for it, or CURL_SOCKET_BAD */
        curl_socket_t used;         /* the one that it has watched last, or CURL_SOCKET_BAD */
        CURLcode result;
        bool began_anew; /* libcurl wanted to try again by itself, and was not let */
        bool reused;
        bool is_told;  /* it is known what came over the connection */
        uint8_t halts; /* a sum of exo_halt */
        char text[CURL_ERROR_SIZE];
    } curl;
    struct {
        exo_deployed *deployed;
        exo_encoding *body; /* NULL: there is no body, or none any more */
        uint64_t accepted;  /* at the last look */
        bool read;          /* it has handed out everything */
        bool is_whole;      /* libcurl has it in memory, and sends it with the head */
        bool keeps_handle;  /* its handle will do for the next request of the deployment */
        bool resumes;       /* somebody says when a source of it has data again */
        char *whole;        /* a body that was left to it, of so many bytes; or NULL */
        size_t whole_size;
        char *kept;      /* a piece of the body, of libcurl's size, that goes out after what is read first; or NULL */
        size_t kept_len; /* its length, */
        size_t kept_at;  /* and how much of it went out */
        exo_exchange *next; /* in the pool's list of those that read first */
    } sent;
    struct {
        exo_buffer inbox;
        uint64_t bytes;
        uint64_t expansion_max; /* what a compressed body may unpack to */
        uint16_t status;
        bool encoded;   /* Content-Encoding is there, and decoded */
        int abort_code; /* why we broke it off ourselves, or EXO_OK */
    } received;
    struct {
        int error; /* an errno that says what this machine lacks, or 0 */
        union {    /* which was connected to last, where it has ports (else AF_UNSPEC); shortage.c asks again */
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } address;
        struct exo_exchange *next; /* in the pool's list of those that are struck */
    } lacks;
};

/* The functions of exo_transport_table that are about one exchange. */
exo_exchange *exo_exchange_start(exo_transport *transport, const exo_sending *sending, const exo_facts *facts,
                                 void *owner, int *error, char *message, size_t size);
int exo_exchange_take(exo_exchange *exchange, exo_buffer *into);
void exo_exchange_progress(exo_exchange *exchange, exo_upload *upload);
void exo_exchange_send_on(exo_exchange *exchange);
void exo_exchange_details_of(const exo_exchange *exchange, exo_exchange_details *details);
void exo_exchange_drain(exo_exchange *exchange, const exo_facts *facts, void *owner);
void exo_exchange_end(exo_exchange *exchange, bool reuse);

/* The gate of a pool: exchanges are its visitors. And no look-up of a name goes on: nobody waits for one. */
void exo_exchange_open_gate(exo_pool *pool);
void exo_exchange_close_gate(exo_pool *pool);

/* Told by libcurl.c: libcurl watches this socket for the exchange, or no longer does; it has finished with it. */
void exo_exchange_socket(exo_exchange *exchange, curl_socket_t socket, bool watched);
void exo_exchange_over(exo_exchange *exchange, CURLcode result, int64_t now);

/* Told by libcurl.c, outside of libcurl: those that wanted to read first may send on. */
void exo_exchange_resume(exo_pool *pool);

/* When the first of those that wait for a connection has had its time for that: exactly, if that is at `moment` or
 * before it; INT64_MAX: there is none. */
int64_t exo_exchange_limit(exo_pool *pool, int64_t moment);

/* Told by libcurl.c: it calls libcurl so many milliseconds late. libcurl would judge its time limit before it looks
 * whether a connection has come meanwhile, so those that wait for one are given that time. */
void exo_exchange_forgive(exo_pool *pool, int64_t late);

/* Has libcurl run those that wait for a connection and may be done with an address: libcurl notices by its timer that
 * the time of one has run out, but goes on to the next one only when it is called once more. */
void exo_exchange_nudge(exo_pool *pool, int64_t now);

/* Told by libcurl.c: its socket cannot be watched (an errno). libcurl would give up all transfers for that; this one
 * alone is over, once libcurl.c comes to exo_exchange_end_struck() outside of libcurl. */
void exo_exchange_strike(exo_exchange *exchange, int error);
void exo_exchange_end_struck(exo_pool *pool);

#endif
