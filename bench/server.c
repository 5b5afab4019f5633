/*
 * server.c: the endpoint of the measurements: answers every POST with the same stream, as fast as this machine can.
 *
 * It reads a request's head, discards a body of the length announced there, or in chunks, and answers: /fast/… with a
 * whole stream of DELTAS deltas in one piece, /one/… with one delta, /hold/… with the head and one delta, after which
 * nothing comes; /tiny/N/… with N hundred small deltas, /text/N/… with N megabytes of text, /flood/… with deltas
 * without end, as fast as they are read; /chunks/N/… with N deltas as fast as they are read, /paced/N/M/… with N deltas
 * M milliseconds apart, and /stamped/N/M/… with N deltas that say when they were sent, in microseconds of
 * CLOCK_MONOTONIC. A GET of /connections says how many connections there were. One thread, epoll; no errors
 * are handled but a client that leaves. Prints its port and runs until it is killed.
 */
#define _GNU_SOURCE /* strcasestr */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DELTAS   100
#define HEAD_MAX 16384
#define CLIENTS  20000

/* A whole answer, head included. */
typedef struct stream {
    char bytes[32768];
    size_t len;
    size_t begun; /* head and first delta of it */
} stream;

typedef struct client {
    const stream *poured; /* goes out again and again */
    uint64_t left;        /* so often, */
    uint64_t pace;        /* so many milliseconds apart, */
    uint64_t next;        /* and at this time again (now_ms), */
    size_t at;            /* and so much of it went out this time */
    size_t head_len;
    uint64_t body_left;
    bool in_body;
    bool in_chunks; /* the body has no length: it ends with its last chunk, */
    char last[8];   /* which its last 7 bytes show: JSON has no line ends of that kind */
    char head[HEAD_MAX];
} client;

static client *clients[CLIENTS];
static stream fast;
static stream one;
static stream tiny;
static stream text;
static stream ending;
static stream delta;
static stream stamped;
static int paced[CLIENTS]; /* the sockets of clients with a pace */
static int paced_count;
static unsigned accepted;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Where the time stands in what is stamped, and its digits. */
static size_t stamped_at;
#define STAMP "000000000000000"

static void stamp(void)
{
    struct timespec now;
    char digits[32];
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    snprintf(digits, sizeof digits, "%0*llu", (int)sizeof STAMP - 1, (unsigned long long)us);
    memcpy(stamped.bytes + stamped_at, digits, sizeof STAMP - 1);
}

static void add(stream *s, const char *text)
{
    s->len += (size_t)snprintf(s->bytes + s->len, sizeof s->bytes - s->len, "%s", text);
}

/* An event, as a chunk of its own. */
static void add_event(stream *s, const char *data)
{
    char chunk[512];
    snprintf(chunk, sizeof chunk, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
    add(s, chunk);
}

static void compose(stream *s, int deltas)
{
    add(s, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < deltas; i++) {
        char data[256];
        snprintf(
            data, sizeof data,
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
            "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word %d \"},\"finish_reason\":null}]}",
            i);
        add_event(s, data);
        s->begun = i == 0 ? s->len : s->begun;
    }
    add_event(s, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    add_event(s, "[DONE]");
    add(s, "0\r\n\r\n");
}

/* What is poured: a hundred small deltas, and one of 16 KB, each in one chunk; and what comes behind them. */
static void compose_poured(void)
{
    static const char event[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
    static char content[16384 + 1];
    char size[16];
    snprintf(size, sizeof size, "%zx\r\n", (sizeof event - 1) * 100);
    add(&tiny, size);
    for (int i = 0; i < 100; i++) {
        add(&tiny, event);
    }
    add(&tiny, "\r\n");
    memset(content, 'x', sizeof content - 1);
    snprintf(size, sizeof size, "%zx\r\n", sizeof event - 2 + sizeof content - 1);
    add(&text, size);
    add(&text, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    add(&text, content);
    add(&text, "\"}}]}\n\n\r\n");
    add_event(&delta,
              "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
              "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a few words \"},\"finish_reason\":null}]}");
    add_event(&stamped,
              "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
              "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" STAMP "\"},\"finish_reason\":null}]}");
    stamped_at = (size_t)(strstr(stamped.bytes, STAMP) - stamped.bytes);
    add_event(&ending, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    add_event(&ending, "[DONE]");
    add(&ending, "0\r\n\r\n");
}

static bool asks_for(const client *c, const char *path)
{
    return strncmp(c->head + 5, path, strlen(path)) == 0; /* behind "POST " */
}

/* Writes as much of what is poured as the other side takes, a bit at a time, so that all have their turns. */
static void pour(int loop, int socket, client *c)
{
    if (c->poured == &stamped && c->at == 0) {
        stamp();
    }
    ssize_t count = send(socket, c->poured->bytes + c->at, c->poured->len - c->at, MSG_NOSIGNAL | MSG_DONTWAIT);
    c->at += count > 0 ? (size_t)count : 0;
    if (c->at < c->poured->len) {
        return;
    }
    c->at = 0;
    if (--c->left == 0) {
        bool ends = c->poured != &ending;
        c->poured = ends ? &ending : NULL;
        c->left = 1;
    }
    if (!c->poured || c->pace) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
        epoll_ctl(loop, EPOLL_CTL_MOD, socket, &event);
    }
}

/* Sends what is due to the clients with a pace, and says how many milliseconds there are until the next is; -1: none.
 */
static int keep_pace(int loop)
{
    uint64_t now = now_ms();
    uint64_t soonest = UINT64_MAX;
    for (int i = 0; i < paced_count;) {
        client *c = clients[paced[i]];
        while (c && c->poured && c->next <= now) {
            pour(loop, paced[i], c);
            c->next += c->poured == &ending ? 0 : c->pace;
        }
        if (!c || !c->poured) {
            paced[i] = paced[--paced_count];
            continue;
        }
        soonest = c->next < soonest ? c->next : soonest;
        i++;
    }
    return soonest == UINT64_MAX ? -1 : (int)(soonest - now);
}

/* Begins with a stream that is poured. False: another one is asked for. */
static bool begin_to_pour(int loop, int socket, client *c)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    bool is_text = asks_for(c, "/text/");
    bool is_stamped = asks_for(c, "/stamped/");
    bool is_delta = asks_for(c, "/chunks/") || asks_for(c, "/paced/") || is_stamped;
    if (!is_text && !is_delta && !asks_for(c, "/tiny/") && !asks_for(c, "/flood/")) {
        return false;
    }
    c->poured = is_text ? &text : is_stamped ? &stamped : is_delta ? &delta : &tiny;
    char *amount = strchr(c->head + 6, '/');
    c->left = amount ? strtoull(amount + 1, &amount, 10) * (is_text ? 64 : 1) : 1;
    c->pace = asks_for(c, "/paced/") || is_stamped ? strtoull(amount + 1, NULL, 10) : 0;
    c->left = asks_for(c, "/flood/") ? UINT64_MAX : c->left;
    c->at = 0;
    send(socket, head, sizeof head - 1, MSG_NOSIGNAL);
    if (c->pace) {
        c->next = now_ms() + c->pace;
        paced[paced_count++] = socket;
        return true;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.fd = socket};
    epoll_ctl(loop, EPOLL_CTL_MOD, socket, &event);
    return true;
}

static void answer(int loop, int socket, client *c)
{
    c->in_body = false;
    c->head_len = 0;
    if (strncmp(c->head, "GET ", 4) == 0) {
        char said[128];
        char count[16];
        int digits = snprintf(count, sizeof count, "%u", accepted);
        int size = snprintf(said, sizeof said, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", digits, count);
        send(socket, said, (size_t)size, MSG_NOSIGNAL);
        return;
    }
    if (begin_to_pour(loop, socket, c)) {
        return;
    }
    const stream *s = asks_for(c, "/fast") ? &fast : &one;
    size_t len = asks_for(c, "/hold") ? s->begun : s->len;
    for (size_t sent = 0; sent < len;) {
        ssize_t count = send(socket, s->bytes + sent, len - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return;
        }
        sent += (size_t)count;
    }
}

/* Takes bytes of a body in chunks; whether they were its last. */
static bool ends_body(client *c, const char *bytes, size_t len)
{
    const size_t kept = sizeof c->last - 1;
    if (len >= kept) {
        memcpy(c->last, bytes + len - kept, kept);
    } else {
        memmove(c->last, c->last + len, kept - len);
        memcpy(c->last + kept - len, bytes, len);
    }
    return memcmp(c->last, "\r\n0\r\n\r\n", kept) == 0;
}

/* Looks whether the head is complete, and begins with the body. */
static void read_head(client *c)
{
    c->head[c->head_len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        return;
    }
    char *length = strcasestr(c->head, "\r\nContent-Length: ");
    char *coding = strcasestr(c->head, "\r\nTransfer-Encoding: chunked");
    size_t rest = c->head_len - (size_t)(end + 4 - c->head);
    c->in_chunks = coding && coding < end;
    if (c->in_chunks) {
        memcpy(c->last, "      ", sizeof c->last - 1);
        c->body_left = ends_body(c, end + 4, rest) ? 0 : 1;
        c->in_body = true;
        return;
    }
    c->body_left = (length && length < end ? strtoull(length + 18, NULL, 10) : 0) - rest;
    c->in_body = true;
}

/* Reads what has come. False when the client has left. */
static bool serve(int loop, int socket, client *c)
{
    static char body[1 << 18];
    ssize_t count;
    if (c->in_body && c->in_chunks) {
        count = recv(socket, body, sizeof body, 0);
        c->body_left = count > 0 && ends_body(c, body, (size_t)count) ? 0 : 1;
    } else if (c->in_body) {
        /* Discarded by the system: nothing is copied. */
        size_t wanted = c->body_left < (1 << 20) ? (size_t)c->body_left : (size_t)1 << 20;
        count = recv(socket, NULL, wanted, MSG_TRUNC);
        c->body_left -= count > 0 ? (uint64_t)count : 0;
    } else {
        count = recv(socket, c->head + c->head_len, HEAD_MAX - 1 - c->head_len, 0);
        c->head_len += count > 0 ? (size_t)count : 0;
        read_head(c);
    }
    if (count > 0 && c->in_body && c->body_left == 0) {
        answer(loop, socket, c);
    }
    return count > 0;
}

static void welcome(int loop, int listener)
{
    int socket = accept(listener, NULL, NULL);
    if (socket < 0 || socket >= CLIENTS) {
        close(socket);
        return;
    }
    accepted++;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    clients[socket] = calloc(1, sizeof(client));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
    epoll_ctl(loop, EPOLL_CTL_ADD, socket, &event);
}

int main(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < CLIENTS ? files.rlim_max : CLIENTS;
    setrlimit(RLIMIT_NOFILE, &files);
    compose(&fast, DELTAS);
    compose(&one, 1);
    compose_poured();
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int loop = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event ready[256];
        int count = epoll_wait(loop, ready, 256, keep_pace(loop));
        for (int i = 0; i < count; i++) {
            int socket = ready[i].data.fd;
            if (socket == listener) {
                welcome(loop, listener);
            } else if (ready[i].events == EPOLLOUT) {
                pour(loop, socket, clients[socket]);
            } else if (!serve(loop, socket, clients[socket])) {
                free(clients[socket]);
                clients[socket] = NULL;
                close(socket);
            }
        }
    }
}
