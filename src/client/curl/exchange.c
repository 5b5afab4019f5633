/*
 * exchange.c: one HTTP request and its response through libcurl. See exchange.h.
 *
 * Called by calls through the table of transport.h, and by libcurl (the callbacks). Memory: an inbox that never holds
 * more than EXO_INBOX_MAX and one piece of libcurl's.
 */
#include "exchange.h"

#include "group.h"
#include "head.h"
#include "heap.h"
#include "options.h"
#include "result.h"
#include "shortage.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

/* How long after an address should have had its time libcurl is called, and again if that was too early. */
#define EXCHANGE_NUDGE_MS       10
#define EXCHANGE_NUDGE_AGAIN_MS 100

/* For how long libcurl keeps what it looked up, in seconds. The gate has it looked up anew long before, by an exchange
 * that takes nothing which is older than a second. */
#define EXCHANGE_NAME_KEPT_S 3600L
#define EXCHANGE_NAME_NEW_S  1L

/* What a look-up may take: whoever waits for it has a clock of its own, and its thread cannot be ended. */
#define EXCHANGE_LOOK_UP_MS 86400000L

/* ---- callbacks: what libcurl tells ---- */

static size_t exchange_breaks_off(exo_exchange *x, int code)
{
    if (x->received.abort_code == EXO_OK) {
        x->received.abort_code = code;
    }
    return 0;
}

/* When the time that libcurl has for connecting is over. */
static void exchange_note_limit(exo_exchange *x)
{
    const int64_t limit = x->way.passed + x->connecting.allowed;
    x->pool->limit = x->pool->limit < limit ? x->pool->limit : limit;
}

static void exchange_list_connecting(exo_exchange *x)
{
    x->connecting.next = x->pool->connecting;
    x->connecting.link = &x->pool->connecting;
    if (x->connecting.next) {
        x->connecting.next->connecting.link = &x->connecting.next;
    }
    x->pool->connecting = x;
    exchange_note_limit(x);
}

static void exchange_unlist_connecting(exo_exchange *x)
{
    if (x->connecting.link) {
        *x->connecting.link = x->connecting.next;
        if (x->connecting.next) {
            x->connecting.next->connecting.link = x->connecting.link;
        }
        x->connecting.link = NULL;
    }
}

static void exchange_reach(exo_exchange *x, exo_progress place)
{
    if (x->place < place) {
        x->place = place;
        exchange_unlist_connecting(x);
    }
}

/* One line of a head, or of the trailers behind a body. EXO_OK or the code with which it breaks off. */
static int exchange_read_line(exo_exchange *x, exo_span text)
{
    exo_head_line line = exo_head_read(text);
    switch (line.kind) {
    case EXO_HEAD_STATUS:
        x->received.encoded = false;
        x->received.status = line.status;
        return x->facts->status(x->owner, line.status);
    case EXO_HEAD_END:
        if (x->received.status >= 200) {
            exchange_reach(x, EXCHANGE_IN_BODY);
            x->facts->head_end(x->owner, exo_pool_now());
        }
        return EXO_OK;
    case EXO_HEAD_FIELD:
        break;
    }
    x->received.encoded = x->received.encoded || exo_head_is_coding(&line);
    return x->facts->header(x->owner, line.name, line.value);
}

static size_t exchange_on_header(char *data, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    exo_span line = exo_span_of(data, size * count);
    exchange_reach(x, EXCHANGE_ANSWERED);
    int code = x->facts->header ? exchange_read_line(x, line) : EXO_OK;
    return code < 0 ? exchange_breaks_off(x, code) : line.len;
}

/* How much may wait in the inbox before the transfer is paused. */
static size_t exchange_inbox_max(const exo_exchange *x)
{
    return x->received.encoded ? EXO_INBOX_MAX_ENCODED : EXO_INBOX_MAX;
}

/* The first piece of a body, of which libcurl calls with one for each chunk. */
static void exchange_begin_body(exo_exchange *x)
{
    long version = 0;
    curl_easy_getinfo(x->curl.easy, CURLINFO_HTTP_VERSION, &version);
    x->is_http2 = version >= CURL_HTTP_VERSION_2_0;
    exchange_reach(x, EXCHANGE_ANSWERED);
}

/* libcurl calls first before it tries an address, and then no more. See exchange_passes(). */
static int exchange_on_progress(void *user, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    const exo_exchange *x = user;
    (void)to_come;
    (void)came;
    (void)to_go;
    (void)went;
    curl_easy_setopt(x->curl.easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(x->curl.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connecting.allowed);
    return 0;
}

/* What comes together came when the sockets were looked at. */
static size_t exchange_on_body(char *data, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    size_t len = size * count;
    const int64_t now = x->pool->looked_at;
    if (x->received.bytes == 0) {
        exchange_begin_body(x);
    }
    if (x->facts->discards) {
        return x->facts->discards(x->owner, now, len) ? len : 0;
    }
    exo_buffer *inbox = &x->received.inbox;
    if (x->is_http2) {
        if (inbox->len + len > EXO_INBOX_MAX_HTTP2) {
            return exchange_breaks_off(x, EXO_E_CONSUMER_LIMIT);
        }
    } else if (inbox->len > 0 && inbox->len + len > exchange_inbox_max(x)) {
        x->curl.halts |= EXCHANGE_HALTS_READING;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->received.bytes += len;
    if (x->received.encoded && x->received.bytes > x->received.expansion_max) {
        return exchange_breaks_off(x, EXO_E_EXPANSION_LIMIT);
    }
    if (exo_buffer_append(inbox, exo_span_of(data, len)) < 0) {
        return exchange_breaks_off(x, EXO_E_NO_MEMORY);
    }
    x->facts->readable(x->owner, now);
    return len;
}

/* Whether something has come that libcurl has not read. Over HTTP/2 it may be any stream's. */
static bool exchange_is_readable(const exo_exchange *x)
{
    struct pollfd poll_for = {x->curl.socket, POLLIN, 0};
    return x->curl.socket != CURL_SOCKET_BAD && !x->sent.deployed->options.http2 &&
           !(x->curl.halts & EXCHANGE_HALTS_READING) && poll(&poll_for, 1, 0) == 1;
}

/* An answer that comes before the body is out may be followed by a reset, which would end the transfer at the next
 * write, with the answer unread: so a piece of the body is kept back, once, while libcurl reads. False: it must go out.
 */
static bool exchange_postpone(exo_exchange *x, exo_span piece)
{
    /* Where nothing is left there is nothing to keep: it would be kept back for ever, since an end stays readable. */
    if (piece.len == 0 || !exchange_is_readable(x)) {
        return false;
    }
    x->sent.kept = exo_heap_copy_span(piece);
    if (!x->sent.kept) {
        return false;
    }
    x->sent.kept_len = piece.len;
    x->sent.next = x->pool->postponed;
    x->pool->postponed = x;
    return true;
}

/* The piece that was kept back. */
static size_t exchange_hand_out_kept(exo_exchange *x, char *buffer, size_t room)
{
    size_t left = x->sent.kept_len - x->sent.kept_at;
    size_t len = left < room ? left : room;
    memcpy(buffer, x->sent.kept + x->sent.kept_at, len);
    x->sent.kept_at += len;
    if (len == left) {
        free(x->sent.kept);
        x->sent.kept = NULL;
        x->sent.kept_at = 0;
    }
    return len;
}

static size_t exchange_on_read(char *buffer, size_t size, size_t count, void *user)
{
    exo_exchange *x = user;
    exo_window window = {buffer, size * count, 0};
    if (!x->sent.body) {
        return CURL_READFUNC_ABORT;
    }
    if (x->sent.kept) {
        return exchange_hand_out_kept(x, buffer, window.size);
    }
    int code = exo_encoding_write(x->sent.body, &window);
    if (!exo_transport_is_ours(&x->pool->transport)) { /* a source has made this process: nothing is sent by it */
        exo_pool_abandon(x->pool, x->curl.socket);
        return CURL_READFUNC_PAUSE;
    }
    if (code < 0) {
        exchange_breaks_off(x, code);
        return CURL_READFUNC_ABORT;
    }
    if (code == EXO_OK) {
        x->sent.read = true;
    } else if (window.pos == 0) {
        x->curl.halts |= EXCHANGE_HALTS_SENDING; /* the next look at the upload tries again */
        return CURL_READFUNC_PAUSE;
    }
    x->facts->sends(x->owner, exo_span_of(buffer, window.pos));
    return exchange_postpone(x, exo_span_of(buffer, window.pos)) ? CURL_READFUNC_PAUSE : window.pos;
}

/* A body that libcurl has in memory goes out with the head. */
static void exchange_hand_out_whole(exo_exchange *x)
{
    if (x->sent.body && x->sent.is_whole) {
        exo_encoding_hand_out(x->sent.body);
        x->sent.read = true;
        x->facts->sends(x->owner, exo_encoding_whole(x->sent.body));
    }
}

/* libcurl tells of whole header lines only, and takes a connection that ended within the first one for one that said
 * nothing. What TLS says at the end is no part of a response, nor is the end itself, which counts as a byte. */
static void exchange_look_for_answer(exo_exchange *x, uint64_t news)
{
    const uint64_t farewell = x->sent.deployed->url.secure ? 64 : 1;
    x->curl.is_told = true;
    if (x->place == EXCHANGE_STANDS && x->curl.reused && news > farewell) {
        x->place = EXCHANGE_ANSWERED;
    }
}

/* libcurl tries again by itself, and has closed the connection. Where it had not come to wait for the socket, that was
 * the last one that it closed. */
static void exchange_is_tried_again(exo_exchange *x)
{
    if (!x->curl.is_told && x->pool->closed.is_any) {
        exchange_look_for_answer(x, x->pool->closed.news);
    }
}

/* The connection stands, the request is about to go out. A second time means that libcurl tries again by itself: not
 * with a body that was begun, since what was read of it would be missing. */
static int exchange_on_connected(void *user, char *remote, char *local, int remote_port, int local_port)
{
    exo_exchange *x = user;
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    if (x->sent.body && exo_encoding_written(x->sent.body) > 0) {
        exchange_is_tried_again(x);
        return CURL_PREREQFUNC_ABORT;
    }
    x->pool->closed.is_any = false;
    exchange_hand_out_whole(x);
    long connects = 0;
    curl_easy_getinfo(x->curl.easy, CURLINFO_NUM_CONNECTS, &connects);
    x->curl.reused = connects == 0;
    exchange_reach(x, EXCHANGE_STANDS);
    exo_gate_arrive(&x->visitor);
    x->facts->connected(x->owner, exo_pool_now(), x->curl.reused);
    return CURL_PREREQFUNC_OK;
}

static void exchange_nudge_at(exo_exchange *x, int64_t moment)
{
    x->connecting.nudge = moment;
    if (x->pool->nudge < 0 || moment < x->pool->nudge) {
        x->pool->nudge = moment;
    }
}

/* An address is tried: libcurl gives it half of the time that is left, unless it is the last one. */
static void exchange_plan_nudge(exo_exchange *x, int64_t now)
{
    int64_t left = x->way.passed + x->connecting.allowed - now;
    exchange_nudge_at(x, now + (left > 0 ? left / 2 : 0) + EXCHANGE_NUDGE_MS);
}

/* What libcurl looked up is good for us as long as the gate says so: libcurl forgets it later than that. */
static void exchange_keep_name(const exo_exchange *x)
{
    curl_easy_setopt(x->curl.easy, CURLOPT_DNS_CACHE_TIMEOUT, EXCHANGE_NAME_KEPT_S);
}

/* A look-up begins in earnest: what it finds is kept, and what others have found too. */
static int exchange_on_look_up(void *resolver, void *reserved, void *user)
{
    (void)resolver;
    (void)reserved;
    exchange_keep_name(user);
    return 0;
}

/* A connection is closed, which may be one that was kept. */
static int exchange_on_close(void *user, curl_socket_t socket)
{
    exo_pool_note_closed(user, socket);
    return close(socket);
}

/* libcurl opens its sockets close-on-exec only where it knows how: make sure. A second connection of one exchange means
 * that libcurl found the first one dead and tries again by itself, which is the call's to decide. */
static curl_socket_t exchange_on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    exo_exchange *x = user;
    (void)purpose;
    if (x->way.is_looking_up) { /* the name is known: that is all */
        x->way.is_found = true;
        exchange_keep_name(x);
        return CURL_SOCKET_BAD;
    }
    x->way.is_tried = true;
    if (x->place != EXCHANGE_CONNECTS) {
        x->curl.began_anew = true;
        exchange_is_tried_again(x);
        return CURL_SOCKET_BAD;
    }
    int type = address->socktype;
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    curl_socket_t made = socket(address->family, type, address->protocol);
    exo_shortage_note(x, address, made == CURL_SOCKET_BAD ? errno : 0);
    exchange_plan_nudge(x, exo_pool_now());
    exo_pool_note_made(x->pool, made);
    return made;
}

/* ---- start ---- */

#define SET(option, value) \
    if (!code) { \
        code = curl_easy_setopt(easy, option, value); \
    }

/* What a handle is told once: whatever does not depend on the request. */
static CURLcode exchange_set_up_handle(exo_exchange *x)
{
    exo_handle *handle = x->curl.handle;
    CURL *easy = handle->easy;
    CURLcode code = exo_deployed_configure(x->sent.deployed, easy, &handle->resolve);
    SET(CURLOPT_HEADERFUNCTION, exchange_on_header)
    SET(CURLOPT_WRITEFUNCTION, exchange_on_body)
    SET(CURLOPT_PREREQFUNCTION, exchange_on_connected)
    SET(CURLOPT_XFERINFOFUNCTION, exchange_on_progress)
    SET(CURLOPT_OPENSOCKETFUNCTION, exchange_on_socket)
    SET(CURLOPT_CLOSESOCKETFUNCTION, exchange_on_close)
    SET(CURLOPT_CLOSESOCKETDATA, x->pool)
    handle->is_configured = code == CURLE_OK;
    return code;
}

/* Whom it calls. */
static CURLcode exchange_set_owner(exo_exchange *x)
{
    CURL *easy = x->curl.easy;
    CURLcode code = x->curl.handle->is_configured ? CURLE_OK : exchange_set_up_handle(x);
    SET(CURLOPT_PRIVATE, x)
    SET(CURLOPT_ERRORBUFFER, x->curl.text)
    SET(CURLOPT_HEADERDATA, x)
    SET(CURLOPT_WRITEDATA, x)
    SET(CURLOPT_PREREQDATA, x)
    SET(CURLOPT_XFERINFODATA, x)
    SET(CURLOPT_OPENSOCKETDATA, x)
    if (x->curl.handle->resolve) { /* libcurl looks at it once each time that it is told */
        SET(CURLOPT_RESOLVE, x->curl.handle->resolve)
    }
    return code;
}

/* What is sent: a body, nothing but a head, or not even that. */
static CURLcode exchange_set_request(exo_exchange *x, const exo_sending *sending)
{
    CURL *easy = x->curl.easy;
    CURLcode code = CURLE_OK;
    bool sized = sending->total != EXO_SIZE_UNKNOWN;
    SET(CURLOPT_URL, sending->url)
    SET(CURLOPT_FRESH_CONNECT, sending->fresh ? 1L : 0L)
    SET(CURLOPT_CONNECT_ONLY, sending->connect_only ? 1L : 0L)
    SET(CURLOPT_DNS_CACHE_TIMEOUT, EXCHANGE_NAME_KEPT_S)
    if (!sending->body) {
        return code;
    }
    const exo_span whole = exo_encoding_whole(sending->body);
    x->sent.is_whole = whole.len > 0 && sized && !x->sent.deployed->options.http2; /* there it would be sent apart */
    SET(CURLOPT_POST, 1L)
    SET(CURLOPT_POSTFIELDSIZE_LARGE, sized ? (curl_off_t)sending->total : (curl_off_t)-1)
    SET(CURLOPT_POSTFIELDS, x->sent.is_whole ? whole.ptr : NULL)
    SET(CURLOPT_READFUNCTION, exchange_on_read)
    SET(CURLOPT_READDATA, x)
    /* A small body needs no more than libcurl's smallest upload buffer: with many calls in flight that is most of their
     * memory. */
    SET(CURLOPT_UPLOAD_BUFFERSIZE, sized && sending->total < 65536 ? 16384L : 262144L)
    return code;
}

static CURLcode exchange_configure(exo_exchange *x, const exo_sending *sending)
{
    CURL *easy = x->curl.easy;
    CURLcode code = exchange_set_owner(x);
    if (!code) {
        code = exchange_set_request(x, sending);
    }
    struct curl_slist *headers = NULL;
    if (exo_sending_is_plain(sending)) {
        headers = exo_handle_headers(sending);
    } else {
        headers = x->curl.headers = exo_sending_headers(sending);
    }
    if (!headers) {
        return CURLE_OUT_OF_MEMORY;
    }
    SET(CURLOPT_HTTPHEADER, headers)
    return code;
}

/* Everything but its options. */
static exo_exchange *exchange_new(exo_pool *pool, exo_deployed *deployed, bool keeps_handle, const exo_facts *facts,
                                  void *owner)
{
    exo_exchange *x = calloc(1, sizeof *x);
    if (!x) {
        return NULL;
    }
    x->pool = pool;
    x->facts = facts;
    x->owner = owner;
    x->sent.deployed = exo_deployed_keep(deployed);
    x->curl.socket = x->curl.used = CURL_SOCKET_BAD;
    exo_buffer_init(&x->received.inbox, &exo_heap, EXO_INBOX_MAX_HTTP2, EXO_E_CONSUMER_LIMIT);
    x->way.since = exo_pool_now();
    x->connecting.nudge = -1;
    x->group = exo_group_enter(pool, deployed->identity);
    x->sent.keeps_handle = keeps_handle;
    x->curl.handle = !x->group ? NULL : keeps_handle ? exo_handle_take(deployed) : exo_handle_new();
    x->curl.easy = x->curl.handle ? x->curl.handle->easy : NULL;
    return x;
}

/* Whether a name may have to be looked up for it: not where the host is an address, and stays one. */
static bool exchange_asks(const exo_exchange *x)
{
    const exo_deployment *o = &x->sent.deployed->options;
    const bool is_direct = o->proxy && !o->proxy[0];
    return !o->unix_socket && !(is_direct && o->resolve_count == 0 && exo_is_address(x->sent.deployed->url.host));
}

exo_exchange *exo_exchange_start(exo_transport *transport, const exo_sending *sending, const exo_facts *facts,
                                 void *owner, int *error, char *message, size_t size)
{
    exo_pool *pool = (exo_pool *)transport;
    const exo_url *url = &sending->deployed->url;
    *error = EXO_E_NO_MEMORY;
    snprintf(message, size, "%s", "");
    const bool is_usual = sending->body && !sending->fresh && !sending->connect_only;
    exo_exchange *x = exchange_new(pool, sending->deployed, is_usual, facts, owner);
    if (!x) {
        return NULL;
    }
    x->sent.body = sending->body;
    x->sent.resumes = sending->call && sending->call->resumes;
    x->received.expansion_max = sending->expansion_max;
    x->connecting.allowed = exo_sending_connect_ms(sending);
    x->visitor.is_fresh = sending->fresh;
    CURLcode code = x->curl.easy ? exchange_configure(x, sending) : CURLE_OUT_OF_MEMORY;
    exo_host *host = code == CURLE_OK
                         ? exo_gate_host(&pool->gate, sending->deployed->identity, url->secure, url->host, url->port)
                         : NULL;
    if (host) {
        exo_gate_enter(&x->visitor, host, exchange_asks(x), x->group->number, x->way.since);
        return x;
    }
    if (code != CURLE_OK && code != CURLE_OUT_OF_MEMORY) {
        *error = EXO_E_ARGUMENT;
        snprintf(message, size, "%s: libcurl refuses an option: %s", sending->deployed->name, curl_easy_strerror(code));
    }
    exo_exchange_end(x, false);
    return NULL;
}

/* ---- the gate ---- */

static exo_exchange *exchange_of(exo_visitor *visitor)
{
    return (exo_exchange *)(void *)((char *)visitor - offsetof(exo_exchange, visitor));
}

static void exchange_waits(exo_visitor *visitor, bool waits)
{
    exo_exchange *x = exchange_of(visitor);
    const int64_t now = exo_pool_now();
    x->way.queued += waits ? 0 : now - x->way.queued_at;
    x->way.queued_at = now;
    if (x->facts->waits) {
        x->facts->waits(x->owner, now, waits);
    }
}

/* Gives it to libcurl, with what is left of the time for connecting. Of that libcurl gives its part to each address,
 * but not before exchange_on_progress(): a limit that it finds set when it begins becomes a timer that it keeps among
 * those of all transfers, to be sorted anew at each piece of a response, until the time has run out. */
static void exchange_passes(exo_visitor *visitor)
{
    exo_exchange *x = exchange_of(visitor);
    x->way.passed = exo_pool_now();
    const int64_t spent = x->way.passed - x->way.since - x->way.queued;
    const int64_t allowed = x->connecting.allowed - spent;
    x->connecting.allowed = allowed > 1 ? allowed : 1;
    exchange_list_connecting(x);
    if (curl_easy_setopt(x->curl.easy, CURLOPT_CONNECTTIMEOUT_MS, 0L) != CURLE_OK ||
        curl_easy_setopt(x->curl.easy, CURLOPT_NOPROGRESS, 0L) != CURLE_OK ||
        curl_multi_add_handle(x->group->multi, x->curl.easy) != CURLM_OK) {
        x->received.abort_code = EXO_E_NO_MEMORY;
        exo_exchange_strike(x, ENOMEM);
        exchange_nudge_at(x, x->way.passed);
    }
}

/* The exchange that looked its name up has found none. */
static void exchange_is_refused(exo_visitor *visitor)
{
    exo_exchange *x = exchange_of(visitor);
    const exo_exchange *lookup = visitor->host->lookup;
    memcpy(x->curl.text, lookup->curl.text, sizeof x->curl.text);
    exo_exchange_over(x, lookup->curl.result, exo_pool_now());
}

static void exchange_looked_up(void *owner, int64_t now)
{
    exo_host *host = owner;
    exo_exchange *lookup = host->lookup;
    const CURLcode result = lookup->curl.result;
    const bool is_lost =
        !lookup->way.is_found && (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY);
    if (is_lost) {
        exo_gate_lost(host);
    } else { /* what else is wrong, each finds out by itself */
        exo_gate_found(host, lookup->group->number, now);
    }
    exo_exchange_end(lookup, false);
}

/* It takes the way of every request, but turns back before the first connection. */
static bool exchange_looks_up(exo_host *host, exo_visitor *first)
{
    static const exo_facts facts = {.closed = exchange_looked_up};
    const exo_exchange *for_whom = exchange_of(first);
    exo_exchange *x = exchange_new(for_whom->pool, for_whom->sent.deployed, false, &facts, host);
    CURL *easy = x ? x->curl.easy : NULL;
    CURLcode code = easy ? exchange_set_owner(x) : CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_URL, x->sent.deployed->url.chat)
    SET(CURLOPT_CONNECTTIMEOUT_MS, EXCHANGE_LOOK_UP_MS)
    SET(CURLOPT_FRESH_CONNECT, 1L)
    SET(CURLOPT_CONNECT_ONLY, 1L)
    SET(CURLOPT_DNS_CACHE_TIMEOUT, EXCHANGE_NAME_NEW_S)
    SET(CURLOPT_RESOLVER_START_FUNCTION, exchange_on_look_up)
    SET(CURLOPT_RESOLVER_START_DATA, x)
    if (!code && curl_multi_add_handle(x->group->multi, easy) == CURLM_OK) {
        x->way.is_looking_up = true;
        host->lookup = x;
        return true;
    }
    if (x) {
        exo_exchange_end(x, false);
    }
    return false;
}

static void exchange_close_oldest(exo_gate *gate, const exo_host *of_host)
{
    exo_pool_close_oldest((exo_pool *)(void *)((char *)gate - offsetof(exo_pool, gate)), of_host);
}

void exo_exchange_open_gate(exo_pool *pool)
{
    static const exo_gate_table table = {
        .wait = exchange_waits,
        .pass = exchange_passes,
        .refuse = exchange_is_refused,
        .look_up = exchange_looks_up,
        .close_unused = exchange_close_oldest,
    };
    exo_gate_init(&pool->gate, &table);
}

void exo_exchange_close_gate(exo_pool *pool)
{
    exo_host *host;
    while ((host = exo_gate_looks_up(&pool->gate)) != NULL) {
        exo_exchange *lookup = host->lookup;
        exo_gate_lost(host);
        exo_exchange_end(lookup, false);
    }
}
#undef SET

/* ---- while it runs ---- */

/* Whether the connection serves several at once is known with the first answer. */
static void exchange_note_version(exo_exchange *x)
{
    long version = 0;
    if (x->sent.deployed->options.http2 && x->visitor.stage == GATE_PASSED && x->place >= EXCHANGE_ANSWERED) {
        curl_easy_getinfo(x->curl.easy, CURLINFO_HTTP_VERSION, &version);
        exo_gate_multiplexes(x->visitor.host, version >= CURL_HTTP_VERSION_2_0);
    }
}

int exo_exchange_take(exo_exchange *exchange, exo_buffer *into)
{
    exchange_note_version(exchange);
    if (exchange->received.inbox.len == 0) {
        return EXO_NOT_FOUND;
    }
    exo_buffer taken = exchange->received.inbox;
    exchange->received.inbox = *into;
    *into = taken;
    if (exchange->curl.halts & EXCHANGE_HALTS_READING) {
        exchange->curl.halts &= (uint8_t)~EXCHANGE_HALTS_READING;
        exchange->pool->looked_at = exo_pool_now(); /* what libcurl had in hand comes now */
        CURLcode result = curl_easy_pause(
            exchange->curl.easy, exchange->curl.halts & EXCHANGE_HALTS_SENDING ? CURLPAUSE_SEND : CURLPAUSE_CONT);
        if (result != CURLE_OK && !exchange->over) { /* what broke it off in there, libcurl reports nowhere else */
            exo_exchange_over(exchange, result, exo_pool_now());
        }
    }
    return EXO_OK;
}

static void exchange_unlist_postponed(exo_exchange *x)
{
    exo_exchange **at = &x->pool->postponed;
    while (*at && *at != x) {
        at = &(*at)->sent.next;
    }
    if (*at) {
        *at = x->sent.next;
    }
}

void exo_exchange_resume(exo_pool *pool)
{
    while (pool->postponed) {
        exo_exchange *x = pool->postponed;
        pool->postponed = x->sent.next;
        if (!x->over) {
            curl_easy_pause(x->curl.easy, x->curl.halts & EXCHANGE_HALTS_READING ? CURLPAUSE_RECV : CURLPAUSE_CONT);
        }
    }
}

int64_t exo_exchange_limit(exo_pool *pool, int64_t moment)
{
    if (pool->limit <= moment) { /* it may be of one that has its connection by now */
        pool->limit = INT64_MAX;
        for (exo_exchange *x = pool->connecting; x; x = x->connecting.next) {
            exchange_note_limit(x);
        }
    }
    return pool->limit;
}

void exo_exchange_forgive(exo_pool *pool, int64_t late)
{
    for (exo_exchange *x = pool->connecting; x; x = x->connecting.next) {
        x->connecting.allowed += late;
        if (x->connecting.allowed < LONG_MAX) {
            curl_easy_setopt(x->curl.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connecting.allowed);
        }
    }
}

void exo_exchange_nudge(exo_pool *pool, int64_t now)
{
    if (pool->nudge < 0 || pool->nudge > now) {
        return;
    }
    for (exo_exchange *x = pool->connecting; x; x = x->connecting.next) {
        if (x->connecting.nudge >= 0 && x->connecting.nudge <= now) {
            x->connecting.nudge = now + EXCHANGE_NUDGE_AGAIN_MS;
            curl_easy_pause(x->curl.easy, CURLPAUSE_SEND); /* nothing is sent yet; being let go is what counts */
            curl_easy_pause(x->curl.easy, CURLPAUSE_CONT);
        }
    }
    pool->nudge = -1;
    for (exo_exchange *x = pool->connecting; x; x = x->connecting.next) {
        if (x->connecting.nudge >= 0) {
            exchange_nudge_at(x, x->connecting.nudge);
        }
    }
}

/* CURLINFO_ACTIVESOCKET knows none while a transfer runs. */
void exo_exchange_socket(exo_exchange *exchange, curl_socket_t socket, bool watched)
{
    if (watched) {
        exchange->curl.socket = exchange->curl.used = socket;
        exo_pool_use(exchange->pool, socket);
        exo_pool_note_user(exchange->pool, socket, exchange);
    } else if (exchange->curl.socket == socket) {
        exchange_look_for_answer(exchange, exo_pool_news(exchange->pool, socket));
        exchange->curl.socket = CURL_SOCKET_BAD;
    }
}

/* Bytes that the kernel has accepted and the other side has not acknowledged. */
static uint64_t exchange_unacknowledged(const exo_exchange *x)
{
#ifdef SIOCOUTQ
    int queued = 0;
    if (x->curl.socket != CURL_SOCKET_BAD && ioctl(x->curl.socket, SIOCOUTQ, &queued) == 0 && queued > 0) {
        return (uint64_t)queued;
    }
#else
    (void)x;
#endif
    return 0;
}

void exo_exchange_send_on(exo_exchange *exchange)
{
    if (exchange->curl.halts & EXCHANGE_HALTS_SENDING) {
        exchange->curl.halts &= (uint8_t)~EXCHANGE_HALTS_SENDING;
        curl_easy_pause(exchange->curl.easy,
                        exchange->curl.halts & EXCHANGE_HALTS_READING ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    }
}

void exo_exchange_progress(exo_exchange *exchange, exo_upload *upload)
{
    curl_off_t uploaded = 0;
    if (!exchange->sent.resumes) {
        exo_exchange_send_on(exchange);
    }
    curl_easy_getinfo(exchange->curl.easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    exchange->sent.accepted = (uint64_t)uploaded;
    upload->accepted = exchange->sent.accepted;
    upload->unacked = exchange_unacknowledged(exchange);
    /* Framing counts as uploaded too, so a chunked body is out once nothing moves any more. */
    upload->complete =
        !exchange->sent.body || (exchange->sent.read && upload->accepted >= exo_encoding_written(exchange->sent.body));
}

/* Where a redirect leads, as far as it can be shown: a name and a password in it are nobody's but the server's. */
static void exchange_redirect_of(const exo_exchange *exchange, char *to, size_t size)
{
    char *url = NULL;
    size_t len = 0;
    curl_easy_getinfo(exchange->curl.easy, CURLINFO_REDIRECT_URL, &url);
    while (url && url[len] > ' ' && url[len] < 0x7F && url[len] != '?' && url[len] != '#' && url[len] != '@') {
        len++;
    }
    exo_heap_copy_into(to, size, exo_span_of(url, url && url[len] != '@' ? len : 0));
}

void exo_exchange_details_of(const exo_exchange *exchange, exo_exchange_details *details)
{
    long version = 0;
    curl_off_t looked_up = 0; /* as long as nothing was tried, it is what the handle had before */
    curl_easy_getinfo(exchange->curl.easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(exchange->curl.easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
    const char *text = exchange->place < EXCHANGE_ANSWERED ? ""
                       : version == CURL_HTTP_VERSION_2_0  ? "2"
                       : version == CURL_HTTP_VERSION_1_0  ? "1.0"
                                                           : "1.1";
    memcpy(details->http_version, text, strlen(text) + 1);
    exchange_redirect_of(exchange, details->redirect, sizeof details->redirect);
    details->queued_ms =
        exchange->way.queued + (exchange->visitor.waits ? exo_pool_now() - exchange->way.queued_at : 0);
    details->resolved_ms = exchange->way.passed == 0 ? -1 : exchange->way.passed - exchange->way.since;
    if (details->resolved_ms >= 0) {
        details->resolved_ms = exchange->way.is_tried || exchange->place > EXCHANGE_CONNECTS
                                   ? details->resolved_ms + looked_up / 1000
                                   : -1;
    }
}

void exo_exchange_drain(exo_exchange *exchange, const exo_facts *facts, void *owner)
{
    exchange->facts = facts;
    exchange->owner = owner;
    if (exchange->sent.body) { /* libcurl may still have it in hand */
        exchange->sent.whole = exo_encoding_give_whole(exchange->sent.body, &exchange->sent.whole_size);
    }
    exchange->sent.body = NULL;
    exo_buffer_free(&exchange->received.inbox);
    if (exchange->curl.halts & EXCHANGE_HALTS_READING) {
        exchange->curl.halts &= (uint8_t)~EXCHANGE_HALTS_READING;
        curl_easy_pause(exchange->curl.easy, CURLPAUSE_CONT);
    }
}

/* ---- end ---- */

/* The socket that its connection has, or CURL_SOCKET_BAD where that is closed. libcurl looks through all connections
 * for it: it is asked where it has never waited for one. */
static curl_socket_t exchange_socket_used(const exo_exchange *x)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    if (x->curl.used == CURL_SOCKET_BAD) {
        return curl_easy_getinfo(x->curl.easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK ? socket : CURL_SOCKET_BAD;
    }
    return exo_pool_user_of(x->pool, x->curl.used) == x ? x->curl.used : CURL_SOCKET_BAD;
}

/* The socket of its connection, if libcurl keeps that and has not given it to another request since. Over HTTP/2 it may
 * have other users; one that has not come so far would name the last of its handle. */
static curl_socket_t exchange_socket_kept(const exo_exchange *x)
{
    long version = 0;
    if (!x->over || x->place == EXCHANGE_CONNECTS ||
        curl_easy_getinfo(x->curl.easy, CURLINFO_HTTP_VERSION, &version) != CURLE_OK ||
        version >= CURL_HTTP_VERSION_2_0) {
        return CURL_SOCKET_BAD;
    }
    const curl_socket_t socket = exchange_socket_used(x);
    return exo_pool_group_of(x->pool, (int)socket) ? CURL_SOCKET_BAD : socket;
}

/* Of a connection whose socket libcurl never came to wait for, so that the next one's resend is judged rightly. */
static void exchange_note_heard(exo_exchange *x)
{
    const curl_socket_t socket = x->curl.is_told ? CURL_SOCKET_BAD : exchange_socket_kept(x);
    if (socket != CURL_SOCKET_BAD) {
        (void)exo_pool_news(x->pool, socket);
    }
}

void exo_exchange_over(exo_exchange *exchange, CURLcode result, int64_t now)
{
    exo_upload last; /* for what its failure is called */
    exchange->over = true;
    exchange->curl.result = result;
    exchange_unlist_connecting(exchange);
    exchange_note_heard(exchange);
    exo_exchange_progress(exchange, &last);
    if (!exchange->is_struck) {
        exchange->lacks.error = exo_shortage_of(exchange);
    }
    if (exchange->lacks.error != 0) {
        snprintf(exchange->curl.text, sizeof exchange->curl.text, "%s", strerror(exchange->lacks.error));
    }
    exo_result_censor(exchange->curl.text);
    exchange->facts->closed(exchange->owner, now);
}

void exo_exchange_strike(exo_exchange *exchange, int error)
{
    if (!exchange->is_struck && !exchange->over) {
        exchange->is_struck = true;
        exchange->lacks.error = error;
        exchange->lacks.next = exchange->pool->struck;
        exchange->pool->struck = exchange;
    }
}

/* Takes an exchange out of the list of those that can go no further. */
static void exchange_unlist_struck(exo_exchange *x)
{
    exo_exchange **at = &x->pool->struck;
    while (*at && *at != x) {
        at = &(*at)->lacks.next;
    }
    if (*at) {
        *at = x->lacks.next;
    }
}

void exo_exchange_end_struck(exo_pool *pool)
{
    while (pool->struck) {
        exo_exchange *first = pool->struck;
        exchange_unlist_struck(first);
        if (!first->over) {
            exo_exchange_over(first, CURLE_COULDNT_CONNECT, exo_pool_now());
        }
    }
}

/* libcurl keeps a connection whose response has ended, and knows nothing of its having failed. It looks whether one is
 * dead before it uses it again. */
static void exchange_close_connection(exo_exchange *x)
{
    const curl_socket_t socket = exchange_socket_kept(x);
    if (socket != CURL_SOCKET_BAD) {
        shutdown(socket, SHUT_RDWR);
    }
}

static void exchange_keep_connection(exo_exchange *x)
{
    const curl_socket_t socket = exchange_socket_kept(x);
    if (x->visitor.stage == GATE_PASSED && socket != CURL_SOCKET_BAD) {
        exo_pool_keep(x->pool, socket, x->visitor.host);
    }
}

void exo_exchange_end(exo_exchange *exchange, bool reuse)
{
    if (exchange->curl.easy && !reuse) {
        exchange_close_connection(exchange);
    }
    if (exchange->curl.easy && reuse) {
        exchange_keep_connection(exchange);
    }
    if (exchange->curl.easy) {
        if (exchange->visitor.stage == GATE_PASSED || exchange->way.is_looking_up) {
            curl_multi_remove_handle(exchange->group->multi, exchange->curl.easy);
        }
        if (exchange->sent.keeps_handle && exchange->over && exchange->curl.result == CURLE_OK) {
            exo_handle_keep(exchange->pool, exchange->curl.handle, exchange->sent.deployed);
        } else {
            exo_handle_free(exchange->curl.handle);
        }
    }
    if (exchange->group) {
        exo_group_leave(exchange->group);
    }
    exo_gate_leave(&exchange->visitor);
    exchange_unlist_struck(exchange);
    exchange_unlist_connecting(exchange);
    exchange_unlist_postponed(exchange);
    exo_heap_wipe(exchange->sent.whole, exchange->sent.whole_size);
    free(exchange->sent.whole);
    exo_headers_free(exchange->curl.headers);
    exo_buffer_free(&exchange->received.inbox);
    free(exchange->sent.kept);
    exo_deployed_drop(exchange->sent.deployed);
    free(exchange);
}
