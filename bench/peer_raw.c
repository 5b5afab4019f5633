/*
 * peer_raw.c: the floor: the same work as peer_curl.c with nothing but sockets below the JSON (peer_json.h). See
 * peer.h.
 *
 * It knows one kind of answer, HTTP/1.1 with a chunked body of the server beside it, and no errors but that it is
 * something else. Chats one after the other share a connection; many at once have one each, and epoll.
 */
#include "peer.h"
#include "peer_json.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Where an answer stands: in its head, at the size of a chunk, in its bytes, at the line end behind them, behind all.
 */
typedef enum place {
    IN_HEAD,
    IN_SIZE,
    IN_CHUNK,
    BEHIND_CHUNK,
    AT_END,
    DONE
} place;

/* A connection and the chat that is on it. */
typedef struct line {
    int socket;
    place place;
    char head[1024];
    size_t head_len;
    size_t left; /* of the chunk; in IN_SIZE its size so far */
    events events;
} line;

struct peer {
    struct sockaddr_in address;
    char path[256];
    line one;
};

static void raw_die(const char *why)
{
    fprintf(stderr, "peer_raw: %s\n", why);
    exit(1);
}

static int raw_connect(const peer *p)
{
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, (const struct sockaddr *)&p->address, sizeof p->address) != 0) {
        raw_die("no connection");
    }
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return made;
}

/* ---- out ---- */

static void line_send(const peer *p, line *l, const peer_prompt *prompt, peer_show show, void *ctx)
{
    size_t len = 0;
    char head[1024];
    char *body = json_body(prompt, &len);
    int size = snprintf(head, sizeof head,
                        "POST %s/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                        "Accept: text/event-stream, application/json\r\nAuthorization: Bearer sk-bench\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        p->path, ntohs(p->address.sin_port), len);
    struct iovec parts[] = {{head, (size_t)size}, {body, len}};
    struct iovec *next = parts;
    while (next < parts + 2) {
        ssize_t sent = writev(l->socket, next, (int)(parts + 2 - next));
        if (sent < 0) {
            raw_die("nothing can be sent");
        }
        for (; next < parts + 2 && (size_t)sent >= next->iov_len; next++) {
            sent -= (ssize_t)next->iov_len;
        }
        if (next < parts + 2) {
            next->iov_base = (char *)next->iov_base + sent;
            next->iov_len -= (size_t)sent;
        }
    }
    free(body);
    l->place = IN_HEAD;
    l->head_len = 0;
    events_begin(&l->events, show, ctx);
}

/* ---- back ---- */

/* Takes bytes of the head, and says how many. */
static size_t line_head(line *l, const char *bytes, size_t len)
{
    size_t fits = sizeof l->head - 1 - l->head_len;
    size_t count = len < fits ? len : fits;
    memcpy(l->head + l->head_len, bytes, count);
    l->head[l->head_len + count] = '\0';
    const char *end = strstr(l->head, "\r\n\r\n");
    if (!end) {
        l->head_len += count;
        if (l->head_len == sizeof l->head - 1) {
            raw_die("a head that is too long");
        }
        return count;
    }
    if (strncmp(l->head, "HTTP/1.1 200 ", 13) != 0 || !strstr(l->head, "Transfer-Encoding: chunked")) {
        raw_die("the answer is none");
    }
    l->place = IN_SIZE;
    l->left = 0;
    return (size_t)(end + 4 - l->head) - l->head_len;
}

/* Takes one byte of a chunk's size. */
static void line_size(line *l, char byte)
{
    if (byte == '\n') {
        l->place = l->left > 0 ? IN_CHUNK : AT_END;
    } else if (byte != '\r') {
        l->left = l->left * 16 + (size_t)(byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
    }
}

static void line_take(line *l, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while (bytes < end) {
        size_t count = 1;
        switch (l->place) {
        case IN_HEAD:
            count = line_head(l, bytes, (size_t)(end - bytes));
            break;
        case IN_SIZE:
            line_size(l, *bytes);
            break;
        case IN_CHUNK:
            count = (size_t)(end - bytes) < l->left ? (size_t)(end - bytes) : l->left;
            events_take(&l->events, bytes, count);
            l->left -= count;
            l->place = l->left > 0 ? IN_CHUNK : BEHIND_CHUNK;
            break;
        case BEHIND_CHUNK:
            l->place = *bytes == '\n' ? IN_SIZE : BEHIND_CHUNK;
            break;
        case AT_END:
            l->place = *bytes == '\n' ? DONE : AT_END;
            break;
        case DONE:
            raw_die("bytes behind the answer");
        }
        bytes += count;
    }
}

/* Reads what is there, once. */
static void line_read(line *l)
{
    static char bytes[16384]; /* as much as libcurl has */
    ssize_t count = recv(l->socket, bytes, sizeof bytes, 0);
    if (count <= 0) {
        raw_die("the answer breaks off");
    }
    line_take(l, bytes, (size_t)count);
}

static void line_check(const line *l)
{
    if (!l->events.is_over) {
        raw_die("the answer has no end");
    }
}

size_t peer_chat(peer *peer, const peer_prompt *prompt, peer_show show, void *ctx)
{
    line *l = &peer->one;
    l->socket = l->socket > 0 ? l->socket : raw_connect(peer);
    line_send(peer, l, prompt, show, ctx);
    while (l->place != DONE) {
        line_read(l);
    }
    line_check(l);
    return l->events.len;
}

void peer_chat_many(peer *peer, const peer_prompt *prompt, size_t count, peer_show show, void *ctx)
{
    line *lines = calloc(count, sizeof *lines);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &lines[i]};
        lines[i].socket = raw_connect(peer);
        lines[i].events.number = i;
        epoll_ctl(loop, EPOLL_CTL_ADD, lines[i].socket, &event);
        line_send(peer, &lines[i], prompt, show, ctx);
    }
    for (size_t left = count; left > 0;) {
        struct epoll_event ready[64];
        int found = epoll_wait(loop, ready, 64, -1);
        for (int i = 0; i < found; i++) {
            line *l = ready[i].data.ptr;
            line_read(l);
            if (l->place == DONE) {
                line_check(l);
                close(l->socket);
                events_free(&l->events);
                left--;
            }
        }
    }
    close(loop);
    free(lines);
}

/* ---- life ---- */

peer *peer_new(const char *base_url)
{
    char host[64];
    unsigned short port = 0;
    peer *p = calloc(1, sizeof *p);
    if (!p || sscanf(base_url, "http://%63[0-9.]:%hu%255s", host, &port, p->path) != 3) {
        raw_die("no such URL");
    }
    p->address.sin_family = AF_INET;
    p->address.sin_port = htons(port);
    inet_pton(AF_INET, host, &p->address.sin_addr);
    return p;
}

void peer_free(peer *peer)
{
    close(peer->one.socket);
    events_free(&peer->one.events);
    free(peer);
}
