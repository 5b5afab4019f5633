/*
 * exchange.c: one HTTP request and its response through libcurl. See exchange.h.
 *
 * Called by call.c (start, take, look, end) and by libcurl (the callbacks, which only copy and note). Memory: an inbox
 * that never holds more than EXO_INBOX_MAX and one piece of libcurl's.
 */
#include "exchange.h"

#include "curl/options.h"
#include "engine.h"
#include "heap.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#endif

#define USER_AGENT "exochat/" EXO_VERSION

/* ---- callbacks: what libcurl tells ---- */

static size_t broken_off(exo_exchange *x, int code)
{
    if (x->abort_code == EXO_OK) {
        x->abort_code = code;
    }
    return 0;
}

static void note_status(exo_exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    x->status = (uint16_t)(status > 0 && status < 1000 ? status : 0);
}

static exo_span trim(exo_span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

static bool same_name(exo_span name, const char *wanted)
{
    return name.len == strlen(wanted) && curl_strnequal(name.ptr, wanted, name.len);
}

static void note_header(exo_exchange *x, exo_span line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    if (!colon) {
        return;
    }
    exo_span name = trim(exo_span_of(line.ptr, (size_t)(colon - line.ptr)));
    exo_span value = trim(exo_span_of(colon + 1, line.len - name.len - 1));
    if (same_name(name, "Content-Encoding") && value.len > 0 && !exo_span_is(value, "identity")) {
        x->encoded = true;
    }
    exo_failure_header(&x->failure, name, value, (int64_t)time(NULL));
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    exo_span line = exo_span_of(data, size * count);
    const exo_limits *limits = &x->client->limits;
    x->answered = true;
    x->head_bytes += (uint32_t)(line.len < UINT32_MAX / 2 ? line.len : UINT32_MAX / 2);
    if (x->head_bytes > limits->head) {
        return broken_off(x, EXO_E_HEAD_LIMIT);
    }
    if (++x->head_count > limits->headers + 2) { /* the status line and the empty line are none */
        return broken_off(x, EXO_E_HEADERS_LIMIT);
    }
    if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
        exo_failure_clear(&x->failure);
        x->encoded = false;
        return line.len;
    }
    if (trim(line).len > 0) {
        note_header(x, line);
        return line.len;
    }
    note_status(x);
    if (x->status >= 200 && !x->head_ended) {
        x->head_ended = true;
        if (x->call) {
            exo_client_wake(x->client, x->call);
        }
    }
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    size_t len = size * count;
    x->answered = true;
    if (!x->call) {
        x->drained += len;
        return x->drained > EXO_DRAIN_MAX ? 0 : len;
    }
    long version = 0;
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= CURL_HTTP_VERSION_2_0) {
        if (x->inbox.len + len > EXO_INBOX_MAX_HTTP2) {
            return broken_off(x, EXO_E_CONSUMER_LIMIT);
        }
    } else if (x->inbox.len > 0 && x->inbox.len + len > (x->encoded ? EXO_INBOX_MAX_ENCODED : EXO_INBOX_MAX)) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (x->encoded && x->received + len > x->client->limits.answer) {
        return broken_off(x, EXO_E_EXPANSION_LIMIT);
    }
    if (exo_buffer_append(&x->inbox, exo_span_of(data, len)) < 0) {
        return broken_off(x, EXO_E_NO_MEMORY);
    }
    x->received += len;
    exo_client_wake(x->client, x->call);
    return len;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    exo_window window = {buffer, size * count, 0};
    if (!x->encoder || !x->call) {
        return CURL_READFUNC_ABORT;
    }
    int code = exo_encode_write(x->encoder, &window);
    if (code < 0) {
        broken_off(x, code);
        return CURL_READFUNC_ABORT;
    }
    if (code == EXO_OK) {
        x->body_read = true;
    } else if (window.pos == 0) {
        x->starved = true; /* a source has nothing ready; the next look at the upload tries again */
        return CURL_READFUNC_PAUSE;
    }
    exo_call_sends(x->call, exo_span_of(buffer, window.pos));
    return window.pos;
}

/* The connection stands, the request is about to go out. A second time means that libcurl tries again by itself: not
 * with a body that was begun, since what was read of it would be missing. */
static int on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    exo_exchange *x = user;
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    if (x->encoder && exo_encode_written(x->encoder) > 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    long connects = 0;
    curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
    x->reused = connects == 0;
    x->connected = true;
    x->connected_at = exo_clock_real();
    if (x->call) {
        exo_call_connected(x->call);
    }
    return CURL_PREREQFUNC_OK;
}

/* Bytes that have come over a TCP connection since it was made; 0 where the system cannot tell. */
static uint64_t heard(curl_socket_t socket)
{
#ifdef __linux__
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        return info.tcpi_bytes_received;
    }
#else
    (void)socket;
#endif
    return 0;
}

/* Where the client keeps what had come over a socket when its last exchange ended; NULL when memory runs out. */
static uint64_t *heard_before(exo_client *client, curl_socket_t socket)
{
    size_t wanted = (size_t)socket + 1;
    if (wanted > client->heard_count) {
        uint64_t *grown = realloc(client->heard, 2 * wanted * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        memset(grown + client->heard_count, 0, (2 * wanted - client->heard_count) * sizeof *grown);
        client->heard = grown;
        client->heard_count = 2 * wanted;
    }
    return &client->heard[socket];
}

static void note_heard(exo_client *client, curl_socket_t socket, uint64_t bytes)
{
    uint64_t *noted = socket == CURL_SOCKET_BAD ? NULL : heard_before(client, socket);
    if (noted) {
        *noted = bytes;
    }
}

/* libcurl opens its sockets close-on-exec only where it knows how: make sure. A second connection of one exchange means
 * that libcurl found the first one dead and tries again by itself, which is the call's to decide. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    exo_exchange *x = user; /* NULL for what is no exchange */
    (void)purpose;
    if (x && x->connected) {
        x->began_anew = true;
        return CURL_SOCKET_BAD;
    }
    int type = address->socktype;
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    curl_socket_t made = socket(address->family, type, address->protocol);
    if (x) {
        note_heard(x->client, made, 0);
    }
    return made;
}

/* ---- start ---- */

static CURLcode set_request(exo_exchange *x, uint64_t total)
{
    CURL *easy = x->easy;
    CURLcode code = CURLE_OK;
    bool sized = total != EXO_SIZE_UNKNOWN;
#define SET(option, value) \
    if (!code) { \
        code = curl_easy_setopt(easy, option, value); \
    }
    SET(CURLOPT_POST, 1L)
    SET(CURLOPT_POSTFIELDSIZE_LARGE, sized ? (curl_off_t)total : (curl_off_t)-1)
    SET(CURLOPT_READFUNCTION, on_read)
    SET(CURLOPT_READDATA, x)
    /* A small body needs no more than libcurl's smallest upload buffer: with many calls in flight that is most of their
     * memory. */
    SET(CURLOPT_UPLOAD_BUFFERSIZE, sized && total < 65536 ? 16384L : 262144L)
    return code;
}

static CURLcode set_callbacks(exo_exchange *x)
{
    CURL *easy = x->easy;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PRIVATE, x)
    SET(CURLOPT_ERRORBUFFER, x->text)
    SET(CURLOPT_HEADERFUNCTION, on_header)
    SET(CURLOPT_HEADERDATA, x)
    SET(CURLOPT_WRITEFUNCTION, on_body)
    SET(CURLOPT_WRITEDATA, x)
    SET(CURLOPT_PREREQFUNCTION, on_connected)
    SET(CURLOPT_PREREQDATA, x)
    SET(CURLOPT_OPENSOCKETDATA, x)
    return code;
}

static CURLcode set_resolve(const exo_deployment *o, CURL *easy, struct curl_slist **resolve)
{
    for (size_t i = 0; i < o->resolve_count; i++) {
        struct curl_slist *grown = curl_slist_append(*resolve, o->resolve[i]);
        if (!grown) {
            return CURLE_OUT_OF_MEMORY;
        }
        *resolve = grown;
    }
    return *resolve ? curl_easy_setopt(easy, CURLOPT_RESOLVE, *resolve) : CURLE_OK;
}

CURLcode exo_transport_configure(const exo_deployed *deployed, CURL *easy, struct curl_slist **resolve)
{
    CURLcode code = exo_deployed_configure(deployed, easy);
    if (!code) {
        code = set_resolve(&deployed->options, easy, resolve);
    }
    SET(CURLOPT_NOSIGNAL, 1L)
    SET(CURLOPT_QUICK_EXIT, 1L)
    SET(CURLOPT_PROTOCOLS_STR, "http,https")
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)
    SET(CURLOPT_CONNECTTIMEOUT_MS, 86400000L) /* the connect clock is ours */
    SET(CURLOPT_ACCEPT_ENCODING, "identity")
    SET(CURLOPT_USERAGENT, USER_AGENT)
    SET(CURLOPT_BUFFERSIZE, 16384L)
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket)
    return code;
}

static CURLcode configure(exo_exchange *x, uint64_t total, const char *traceparent, bool fresh)
{
    CURL *easy = x->easy;
    CURLcode code = set_callbacks(x);
    if (!code) {
        code = exo_transport_configure(x->deployed, easy, &x->resolve);
    }
    SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L)
    if (!code) {
        code = set_request(x, total);
    }
    x->headers = exo_deployed_headers(x->deployed, traceparent, total == EXO_SIZE_UNKNOWN);
    if (!x->headers) {
        return CURLE_OUT_OF_MEMORY;
    }
    SET(CURLOPT_HTTPHEADER, x->headers)
    SET(CURLOPT_URL, x->deployed->url.chat)
    return code;
}
#undef SET

static void drain_is_late(void *owner, int64_t now)
{
    (void)now;
    exo_exchange_drained(owner);
}

exo_exchange *exo_exchange_start(exo_call *call, exo_deployed *deployed, exo_encoder *encoder, uint64_t total,
                                 const char *traceparent, bool fresh, int *error)
{
    exo_exchange *x = calloc(1, sizeof *x);
    *error = EXO_E_NO_MEMORY;
    if (!x || exo_timers_admit(&call->client->timers) < 0) {
        free(x);
        return NULL;
    }
    x->client = call->client;
    x->call = call;
    x->deployed = exo_deployed_keep(deployed);
    x->encoder = encoder;
    x->socket = CURL_SOCKET_BAD;
    x->timer.owner = x;
    x->timer.wake = drain_is_late;
    exo_failure_clear(&x->failure);
    exo_buffer_init(&x->inbox, &exo_heap, EXO_INBOX_MAX_HTTP2, EXO_E_CONSUMER_LIMIT);
    x->easy = curl_easy_init();
    CURLcode code = x->easy ? configure(x, total, traceparent, fresh) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK && curl_multi_add_handle(x->client->multi, x->easy) == CURLM_OK) {
        return x;
    }
    if (code != CURLE_OK && code != CURLE_OUT_OF_MEMORY) {
        *error = EXO_E_ARGUMENT;
        exo_client_say(x->client, "%s: libcurl refuses an option: %s", deployed->name, curl_easy_strerror(code));
    }
    exo_exchange_free(x);
    return NULL;
}

/* ---- while it runs ---- */

void exo_exchange_take(exo_exchange *exchange, exo_buffer *into)
{
    exo_buffer taken = exchange->inbox;
    exchange->inbox = *into;
    *into = taken;
    if (exchange->paused) {
        exchange->paused = false;
        CURLcode result = curl_easy_pause(exchange->easy, exchange->starved ? CURLPAUSE_SEND : CURLPAUSE_CONT);
        if (result != CURLE_OK && !exchange->over) { /* what broke it off in there, libcurl reports nowhere else */
            exchange->result = result;
            exchange->over = true;
        }
    }
}

/* libcurl tells of whole header lines only, and takes a connection that ended within the first one for one that said
 * nothing. What TLS says at the end is no part of a response, nor is the end itself, which counts as a byte. */
static bool was_answered(const exo_exchange *x, uint64_t bytes)
{
    const uint64_t *before = x->reused ? heard_before(x->client, x->socket) : NULL;
    uint64_t farewell = x->deployed->url.secure ? 64 : 1;
    return x->answered || (before && bytes > *before + farewell);
}

/* CURLINFO_ACTIVESOCKET knows none while a transfer runs. */
void exo_exchange_socket(exo_exchange *exchange, curl_socket_t socket, bool watched)
{
    if (watched) {
        exchange->socket = socket;
    } else if (exchange->socket == socket) {
        uint64_t bytes = heard(socket);
        exchange->answered = was_answered(exchange, bytes);
        note_heard(exchange->client, socket, bytes);
        exchange->socket = CURL_SOCKET_BAD;
    }
}

/* Bytes that the kernel has accepted and the other side has not acknowledged. */
static int unacknowledged(const exo_exchange *exchange)
{
#ifdef SIOCOUTQ
    int queued = 0;
    if (exchange->socket != CURL_SOCKET_BAD && ioctl(exchange->socket, SIOCOUTQ, &queued) == 0) {
        return queued;
    }
#else
    (void)exchange;
#endif
    return 0;
}

bool exo_exchange_progress(exo_exchange *exchange, bool *sent)
{
    curl_off_t uploaded = 0;
    if (exchange->starved) {
        exchange->starved = false;
        curl_easy_pause(exchange->easy, exchange->paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    int unsent = unacknowledged(exchange);
    bool moved = (uint64_t)uploaded > exchange->uploaded;
    bool progress = moved || unsent < exchange->unsent;
    exchange->uploaded = (uint64_t)uploaded;
    exchange->unsent = unsent;
    /* Framing counts as uploaded too, so a chunked body is out once nothing moves any more. */
    *sent = exchange->body_read && !moved && unsent == 0 && (uint64_t)uploaded >= exo_encode_written(exchange->encoder);
    return progress;
}

bool exo_exchange_may_resend(const exo_exchange *exchange)
{
    return exchange->over && exchange->result != CURLE_OK && exchange->abort_code == EXO_OK && exchange->reused &&
           !exchange->answered && !exchange->resent && exchange->connected &&
           exo_clock_real() - exchange->connected_at < 1000;
}

void exo_exchange_drain(exo_exchange *exchange)
{
    exo_client *client = exchange->client;
    exchange->call = NULL;
    exchange->encoder = NULL;
    exo_buffer_free(&exchange->inbox);
    exchange->drain_next = client->draining;
    exchange->drain_link = &client->draining;
    if (client->draining) {
        client->draining->drain_link = &exchange->drain_next;
    }
    client->draining = exchange;
    exo_timers_set(&client->timers, &exchange->timer, exo_client_now(client) + EXO_DRAIN_MS);
    if (exchange->paused) {
        exchange->paused = false;
        curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
    }
}

void exo_exchange_drained(exo_exchange *exchange)
{
    *exchange->drain_link = exchange->drain_next;
    if (exchange->drain_next) {
        exchange->drain_next->drain_link = exchange->drain_link;
    }
    if (exchange->waiter) {
        exchange->waiter->awaited = NULL;
        exo_client_wake(exchange->client, exchange->waiter);
    }
    exo_exchange_free(exchange);
}

/* ---- end ---- */

static bool says(const exo_exchange *x, const char *words)
{
    return strstr(x->text, words) != NULL;
}

/* libcurl was about to try again by itself. Its counters and its words are of that try. */
static bool began_anew(const exo_exchange *x)
{
    return x->began_anew || x->result == CURLE_SEND_FAIL_REWIND || x->result == CURLE_ABORTED_BY_CALLBACK;
}

exo_span exo_exchange_words(const exo_exchange *exchange)
{
    bool ours = exchange->abort_code != EXO_OK || began_anew(exchange);
    return ours ? exo_span_of(NULL, 0) : exo_span_text(exchange->text);
}

static bool upload_was_cut(const exo_exchange *x)
{
    return x->encoder && x->connected && !x->answered && exo_encode_written(x->encoder) > 0 &&
           (!x->body_read || (x->uploaded < exo_encode_written(x->encoder) && !began_anew(x)));
}

/* With TLS 1.3 a server that misses the client's certificate says so when the client takes the handshake for done. */
static bool was_alerted(const exo_exchange *x)
{
    return !x->answered && says(x, "SSL") && says(x, " alert ");
}

/* Before the connection stands, nobody but a proxy is spoken to in the clear. */
static bool proxy_failed(const exo_exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return !x->connected && (status >= 300 || x->result == CURLE_RECV_ERROR || x->result == CURLE_SEND_ERROR);
}

static int receive_error(const exo_exchange *x)
{
    if (says(x, "chunked-encoding")) {
        return EXO_E_CHUNK;
    }
    if (upload_was_cut(x)) {
        return EXO_E_RESET_IN_UPLOAD;
    }
    return x->connected ? (x->answered ? EXO_E_RECEIVE : EXO_E_CLOSED) : EXO_E_CONNECT;
}

void exo_transport_censor(char text[CURL_ERROR_SIZE])
{
    static const char quoting[] = "Unsupported proxy ";
    if (strncmp(text, quoting, sizeof quoting - 1) == 0) { /* its address follows, password included */
        snprintf(text, CURL_ERROR_SIZE, "Unsupported proxy address");
    }
}

int exo_transport_code(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return EXO_OK;
    case CURLE_OUT_OF_MEMORY:
        return EXO_E_NO_MEMORY;
    case CURLE_COULDNT_RESOLVE_HOST:
        return EXO_E_RESOLVE;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return EXO_E_PROXY;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_INTERFACE_FAILED:
        return EXO_E_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return EXO_E_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return EXO_E_HEAD;
    case CURLE_PARTIAL_FILE:
        return EXO_E_BODY_CUT;
    case CURLE_BAD_CONTENT_ENCODING:
        return EXO_E_CODING;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK:
        return EXO_E_CLOSED;
    case CURLE_SEND_ERROR:
        return EXO_E_SEND;
    default:
        return EXO_E_RECEIVE;
    }
}

int exo_exchange_code(const exo_exchange *exchange)
{
    if (exchange->abort_code != EXO_OK) {
        return exchange->abort_code;
    }
    int code = exchange->began_anew ? EXO_E_CLOSED : exo_transport_code(exchange->result);
    if (code != EXO_OK && was_alerted(exchange)) {
        return EXO_E_TLS;
    }
    if (code != EXO_OK && proxy_failed(exchange)) {
        return EXO_E_PROXY;
    }
    switch (code) {
    case EXO_E_NO_MEMORY:
        /* What libcurl says of a header line that is larger than it accepts, and of a body that unpacks to more. */
        return exchange->connected && !exchange->head_ended ? EXO_E_HEAD_LIMIT
               : exchange->encoded                          ? EXO_E_EXPANSION_LIMIT
                                                            : code;
    case EXO_E_BODY_CUT: /* over HTTP/2 it is said of a missing head too */
        return exchange->answered ? code : upload_was_cut(exchange) ? EXO_E_RESET_IN_UPLOAD : EXO_E_CLOSED;
    case EXO_E_CLOSED:
        return upload_was_cut(exchange) ? EXO_E_RESET_IN_UPLOAD : code;
    case EXO_E_SEND:
        return exchange->answered ? EXO_E_RECEIVE : upload_was_cut(exchange) ? EXO_E_RESET_IN_UPLOAD : code;
    case EXO_E_RECEIVE:
        return receive_error(exchange);
    default:
        return code;
    }
}

void exo_exchange_free(exo_exchange *exchange)
{
    if (!exchange) {
        return;
    }
    exo_timers_clear(&exchange->client->timers, &exchange->timer);
    exo_timers_dismiss(&exchange->client->timers);
    if (exchange->easy) {
        curl_multi_remove_handle(exchange->client->multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
    }
    exo_headers_free(exchange->headers);
    curl_slist_free_all(exchange->resolve);
    exo_buffer_free(&exchange->inbox);
    exo_deployed_drop(exchange->deployed);
    free(exchange);
}
