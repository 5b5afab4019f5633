/*
 * http1.h: HTTP/1.1 (RFC 9112) for targets without libcurl: request head, chunked coding both ways, strict response
 * parser.
 *
 * It moves no bytes itself: the caller owns the connection, the clocks and the decision to reuse it. One request, one
 * response, no pipelining, no HEAD, CONNECT or Upgrade, no content codings.
 *
 * A response is fed as it arrives and asked for events:
 *
 *     exo_http1_response_init(&response, exo_limits_micro(), &carry);
 *     do {
 *         size_t n = receive(socket, bytes, sizeof bytes);
 *         if (n > 0)
 *             exo_http1_response_feed(&response, exo_span_of(bytes, n));
 *         else
 *             exo_http1_response_end(&response);
 *         while ((result = exo_http1_response_next(&response, &event)) == EXO_EVENT)
 *             handle(&event);
 *     } while (result == EXO_NEED_DATA);
 */
#ifndef EXOCHAT_HTTP1_H
#define EXOCHAT_HTTP1_H

#include "exochat/buffer.h"
#include "exochat/error.h"
#include "exochat/limits.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether two field names, or a name and a word such as a coding, are the same: ASCII letters match in either case. */
bool exo_http1_name_is(exo_span name, const char *text);

/* Splits a header line, with or without the CRLF or LF that ends it, into parts that lie in it: the name, without
 * blanks before its colon, and the value, without white space around it. For whatever hands out lines as they came,
 * such as the header callback of libcurl. False, and both spans empty, for what is no header: the empty line, a status
 * line, a line that begins with a blank (it continues the one before it: RFC 9112, 5.2), one without a colon, and one
 * whose name is empty or no token (RFC 9110, 5.6.2). */
bool exo_header_split(exo_span line, exo_span *name, exo_span *value);

/* ---- the request head ---- */

/* One header line. Borrowed. */
typedef struct exo_http1_header {
    exo_span name;
    exo_span value;
} exo_http1_header;

/* How the end of the request body is announced. */
typedef enum exo_http1_framing {
    EXO_HTTP1_NO_BODY, /* no header is written for it */
    EXO_HTTP1_LENGTH,  /* Content-Length, from `content_length` */
    EXO_HTTP1_CHUNKED  /* Transfer-Encoding: chunked; frame the body with exo_http1_chunk_frame() */
} exo_http1_framing;

/* What is asked for. Host and the body's framing are written from the fields, so they may not be among the headers. */
typedef struct exo_http1_request {
    exo_span method; /* a token: "POST" */
    exo_span target; /* as it is sent: "/v1/chat/completions" */
    exo_span host;   /* with the port where it is not the scheme's default: "localhost:8080" */
    const exo_http1_header *headers;
    size_t header_count;
    exo_http1_framing framing;
    uint64_t content_length;
} exo_http1_request;

/* A head that is being written. Private but for sizeof. */
typedef struct exo_http1_head {
    const exo_http1_request *request_;
    size_t header_; /* the header and the piece that are being written, and how much of it is */
    size_t at_;
    int error_;
    uint8_t piece_;
    uint8_t digits_len_;
    char digits_[20]; /* content_length in decimal */
} exo_http1_head;

/* Checks `request` and begins to write its head. The request, and all that it points to, is borrowed until the head is
 * written. EXO_OK; EXO_E_HEADER for a CR, LF or NUL anywhere; EXO_E_ARGUMENT for an empty method, target or host, a
 * name or method that is not a token (RFC 9110, 5.6.2), white space in target or host, or another control character;
 * EXO_E_DUPLICATE_KEY for a header that is given twice or is written from the fields. On an error nothing can be
 * written. */
int exo_http1_head_init(exo_http1_head *head, const exo_http1_request *request);

/* Writes into `window`. EXO_OK: the head is complete; EXO_AGAIN: the window is full; or the error of init. */
int exo_http1_head_write(exo_http1_head *head, exo_window *window);

/* ---- the chunked body of a request ---- */

/* Room that exo_http1_chunk_frame() needs before and behind a payload. */
#define EXO_HTTP1_CHUNK_BEFORE (2 * sizeof(size_t) + 2)
#define EXO_HTTP1_CHUNK_BEHIND 2

/* What ends a chunked body: the last chunk, and no trailers. */
#define EXO_HTTP1_CHUNK_LAST "0\r\n\r\n"

/* Makes a chunk of the `len` bytes at `payload`, in place: the size goes before them, CRLF behind. The caller keeps
 * EXO_HTTP1_CHUNK_BEFORE and EXO_HTTP1_CHUNK_BEHIND bytes free there, and sends the span that is returned. No bytes
 * make no chunk and the empty span, since a chunk of size 0 would end the body. */
exo_span exo_http1_chunk_frame(char *payload, size_t len);

/* ---- the response ---- */

/* What an event of a response is. */
typedef enum exo_http1_event_type {
    EXO_HTTP1_STATUS,   /* status, minor; value is the reason phrase, often empty */
    EXO_HTTP1_HEADER,   /* name as sent, value without white space around it */
    EXO_HTTP1_HEAD_END, /* the body begins */
    EXO_HTTP1_BODY,     /* value is a piece of the body, never empty; it lies in the fed bytes */
    EXO_HTTP1_TRAILER,  /* as HEADER, after a chunked body; safe to ignore */
    EXO_HTTP1_END       /* the response is complete */
} exo_http1_event_type;

/* One event. Its spans are valid until the next call on the response. `status` (200 to 999; RFC 9110, 15 says to treat
 * one that is not below 600 as a 5xx) and `minor` (0 or 1, of HTTP/1.x) are set in every event. */
typedef struct exo_http1_event {
    exo_http1_event_type type;
    uint16_t status;
    uint8_t minor;
    exo_span name;
    exo_span value;
} exo_http1_event;

/* A response that is being read. `at` may be read: how many bytes are consumed, or after an error the offset of the
 * first wrong byte. The rest is private. */
typedef struct exo_http1_response {
    uint64_t at;
    uint8_t state_;
    uint8_t minor_;
    uint8_t digits_; /* of the chunk size */
    uint8_t seen_;   /* what the head said about framing and connection */
    bool trailing_;  /* header lines are trailers */
    bool closed_;    /* nothing more will be fed */
    uint16_t status_;
    int error_;
    uint32_t head_left_; /* what the limits still allow */
    uint32_t headers_left_;
    uint32_t overhead_left_;
    uint32_t length_;    /* bytes of the line that is being read */
    uint64_t remaining_; /* bytes of the body, or of the chunk */
    exo_span in_;        /* fed and not consumed */
    exo_buffer *carry_;
} exo_http1_response;

/* Begins to read a response. `limits` is read here only. `carry` keeps a header line that feeding has cut or that is
 * folded; it is borrowed, cleared, and should be able to hold limits->head bytes and fail with EXO_E_HEAD_LIMIT: what
 * it cannot hold fails although it might have been parsed in place. */
void exo_http1_response_init(exo_http1_response *response, const exo_limits *limits, exo_buffer *carry);

/* Hands in the next bytes, which stay the caller's and must stay valid until EXO_NEED_DATA. EXO_OK; the error that
 * next() reported; or EXO_E_STATE when earlier bytes are not consumed, or after end(). Bytes may be fed after EXO_DONE:
 * they are only counted. */
int exo_http1_response_feed(exo_http1_response *response, exo_span bytes);

/* Says that the peer has closed its side: no more bytes come. next() tells what it makes of that. */
void exo_http1_response_end(exo_http1_response *response);

/*
 * Stores the next event: STATUS, HEADER…, HEAD_END, BODY…, TRAILER…, END. How BODY is cut into pieces follows the
 * feeding; all else, errors and their offsets included, is the same however the bytes are fed.
 *
 * EXO_EVENT, EXO_NEED_DATA (feed, or end), EXO_DONE (after END), or an error, which is sticky:
 * - EXO_E_HEAD: not a head of HTTP/1.0 or 1.1, seen at the first wrong byte; status 101; closed in mid-head
 * - EXO_E_OBS_FOLD: a line begins with white space, and there is no header line before it, or it is Content-Length or
 *   Transfer-Encoding
 * - EXO_E_BOTH_LENGTHS: Content-Length together with Transfer-Encoding; at the value of the second one
 * - EXO_E_CONTENT_LENGTH: not a number of 64 bits, or not the same one as before
 * - EXO_E_CODING: a Transfer-Encoding other than "chunked", once; any in HTTP/1.0 (RFC 9112, 6.1: faulty framing)
 * - EXO_E_CHUNK: broken chunked coding, its extensions and trailers included
 * - EXO_E_HEAD_LIMIT: head, interim responses and trailers together exceed limits.head
 * - EXO_E_HEADERS_LIMIT: their header lines exceed limits.headers
 * - EXO_E_CHUNK_LIMIT: chunk extensions and leading zeros of chunk sizes exceed limits.chunk_overhead
 * - EXO_E_BODY_CUT: closed before the announced end of the body
 * - EXO_E_CLOSED: closed, and not one byte had come
 * - EXO_E_NO_MEMORY, or the limit error of `carry`
 *
 * Interim (1xx) responses are checked and skipped. Three things are accepted that a server should not send: a line of a
 * head that ends with a bare LF (RFC 9112, 2.2), but not a line of the chunked coding or a trailer; a status line that
 * ends after the status, without the space before an empty reason; and a header that is folded over several lines,
 * which is told with one space in place of each fold (RFC 9112, 5.2). So a header is told once the next line has begun,
 * or the peer has closed. A 204 and a 304 have no body, whatever their headers say; a body without length or chunks
 * ends when the peer closes.
 */
int exo_http1_response_next(exo_http1_response *response, exo_http1_event *event);

/* How many fed bytes are not consumed: after EXO_DONE, those that do not belong to the response. */
size_t exo_http1_response_unread(const exo_http1_response *response);

/* Whether the connection may carry another request. Only after EXO_DONE, of HTTP/1.1, without "Connection: close", when
 * nothing follows the response and the peer has not closed. That the request was sent whole is the caller's to know. */
bool exo_http1_response_reusable(const exo_http1_response *response);

#ifdef __cplusplus
}
#endif

#endif
