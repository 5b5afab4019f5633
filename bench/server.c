/*
 * server.c: the endpoint of the measurements: answers every POST with the same stream, as fast as this machine can.
 *
 * It reads a request's head, discards a body of the length announced there, and answers: /fast/… with a whole stream of
 * DELTAS deltas in one piece, /one/… with one delta, /hold/… with the head and one delta, after which nothing comes.
 * One thread, epoll; no errors are handled but a client that leaves. Prints its port and runs until it is killed.
 */
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
    size_t head_len;
    uint64_t body_left;
    bool in_body;
    char head[HEAD_MAX];
} client;

static client *clients[CLIENTS];
static stream fast;
static stream one;

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

static bool asks_for(const client *c, const char *path)
{
    return strncmp(c->head + 5, path, strlen(path)) == 0; /* behind "POST " */
}

static void answer(int socket, client *c)
{
    const stream *s = asks_for(c, "/fast") ? &fast : &one;
    size_t len = asks_for(c, "/hold") ? s->begun : s->len;
    for (size_t sent = 0; sent < len;) {
        ssize_t count = send(socket, s->bytes + sent, len - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return;
        }
        sent += (size_t)count;
    }
    c->in_body = false;
    c->head_len = 0;
}

/* Looks whether the head is complete, and begins with the body. */
static void read_head(client *c)
{
    c->head[c->head_len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        return;
    }
    char *length = strstr(c->head, "Content-Length: ");
    size_t rest = c->head_len - (size_t)(end + 4 - c->head);
    c->body_left = (length && length < end ? strtoull(length + 16, NULL, 10) : 0) - rest;
    c->in_body = true;
}

/* Reads what has come. False when the client has left. */
static bool serve(int socket, client *c)
{
    ssize_t count;
    if (c->in_body) {
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
        answer(socket, c);
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
        int count = epoll_wait(loop, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            int socket = ready[i].data.fd;
            if (socket == listener) {
                welcome(loop, listener);
            } else if (!serve(socket, clients[socket])) {
                free(clients[socket]);
                close(socket);
            }
        }
    }
}
