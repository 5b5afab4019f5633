/*
 * unruly.c: an endpoint that answers as it likes. See unruly.h.
 */
#include "unruly.h"

#include "dice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX  256
#define HEAD_MAX   8192
#define ANSWER_MAX 262144
#define TURN_MS    5

/* One connection. */
typedef struct peer {
    int socket; /* -1: the place is free */
    enum {
        PEER_READS_HEAD,
        PEER_READS_BODY,
        PEER_ANSWERS,
        PEER_IS_SILENT
    } state;
    char head[HEAD_MAX];
    size_t head_len;
    uint64_t body_left;
    bool body_chunked;
    char tail[5]; /* the last bytes of a chunked body */
    char *answer;
    size_t answer_len;
    size_t answer_at;
    size_t stops_at; /* of the answer, when it does not go out whole */
    enum {
        END_KEEPS,
        END_CLOSES,
        END_RESETS,
        END_STAYS_SILENT
    } end;
    bool drips;
} peer;

struct unruly {
    uint64_t dice;
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_bool stops;
    peer peers[PEERS_MAX];
};

/* ---- what is answered ---- */

/* A whole tool call. */
#define CALL \
    "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a1\",\"function\":" \
    "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": 1}\"}}]}}]}"

static const char *const deltas[] = {
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u00fc\\n\\\"quoted\\\" \\ud83d\\ude00\"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}",
    "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"second\"}}]}",
    CALL,
    "{\"choices\":[{\"index\":0,\"delta\":{}}]}",
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}",
    "{\"choices\":[null]}",
    "{broken",
    "{\"error\":{\"message\":\"the engine is overloaded\",\"type\":\"server_error\",\"code\":503}}",
};

static const char *const finishes[] = {"stop", "length", "tool_calls", "content_filter", "error", ""};

static const char *const statuses[] = {"200 OK",
                                       "401 Unauthorized",
                                       "404 Not Found",
                                       "413 Too Large",
                                       "429 Too Many Requests",
                                       "500 Internal Server Error",
                                       "503 Unavailable",
                                       "302 Found",
                                       "400 Bad Request"};

static void answer_add(peer *p, const char *bytes, size_t len)
{
    if (p->answer_len + len <= ANSWER_MAX) {
        memcpy(p->answer + p->answer_len, bytes, len);
        p->answer_len += len;
    }
}

static void answer_text(peer *p, const char *text)
{
    answer_add(p, text, strlen(text));
}

/* A piece of the body, as a chunk of its own. */
static void answer_chunk(peer *p, const char *text)
{
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", strlen(text));
    answer_text(p, size);
    answer_text(p, text);
    answer_text(p, "\r\n");
}

static void answer_event(peer *p, const char *data)
{
    char event[1024];
    snprintf(event, sizeof event, "data: %s\n\n", data);
    answer_chunk(p, event);
}

static void answer_stream(unruly *u, peer *p)
{
    answer_text(p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
                   "x-request-id: req-1\r\n\r\n");
    uint32_t count = dice_once_in(&u->dice, 16) ? 2000 : dice_below(&u->dice, 20);
    uint32_t kinds = sizeof deltas / sizeof deltas[0] - (dice_once_in(&u->dice, 8) ? 0 : 3);
    for (uint32_t i = 0; i < count; i++) {
        answer_event(p, deltas[dice_below(&u->dice, kinds)]);
    }
    if (!dice_once_in(&u->dice, 8)) {
        char finish[128];
        snprintf(finish, sizeof finish, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}",
                 finishes[dice_once_in(&u->dice, 3) ? dice_below(&u->dice, sizeof finishes / sizeof finishes[0]) : 0]);
        answer_event(p, finish);
    }
    if (!dice_once_in(&u->dice, 8)) {
        answer_event(p, "[DONE]");
    }
    answer_text(p, "0\r\n\r\n");
}

static void answer_status(unruly *u, peer *p)
{
    static const char body[] = "{\"error\":{\"message\":\"no\",\"type\":\"t\",\"code\":\"c\"}}";
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\nRetry-After: 0\r\nContent-Length: %zu\r\n\r\n",
             statuses[dice_below(&u->dice, sizeof statuses / sizeof statuses[0])], sizeof body - 1);
    answer_text(p, head);
    answer_text(p, body);
}

static void answer_garbage(unruly *u, peer *p)
{
    if (dice_once_in(&u->dice, 2)) {
        answer_text(p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    }
    uint32_t count = dice_below(&u->dice, 4000);
    for (uint32_t i = 0; i < count; i++) {
        char byte = (char)dice_roll(&u->dice);
        answer_add(p, &byte, 1);
    }
    p->end = END_CLOSES;
}

static void answer_models(unruly *u, peer *p)
{
    const char *body =
        dice_once_in(&u->dice, 3) ? "{\"data\":[{\"id\":\"a\"},3]}" : "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}";
    char head[256];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             strlen(body));
    answer_text(p, head);
    answer_text(p, body);
}

static void answer_begin(unruly *u, peer *p)
{
    p->answer_len = 0;
    p->answer_at = 0;
    p->state = PEER_ANSWERS;
    p->end = dice_once_in(&u->dice, 5) ? END_CLOSES : END_KEEPS;
    p->drips = dice_once_in(&u->dice, 20);
    if (memcmp(p->head, "GET", 3) == 0) {
        answer_models(u, p);
    } else if (dice_once_in(&u->dice, 24)) {
        answer_garbage(u, p);
    } else if (dice_once_in(&u->dice, 7)) {
        answer_status(u, p);
    } else {
        answer_stream(u, p);
    }
    p->stops_at = p->answer_len;
    if (dice_once_in(&u->dice, 8)) {
        p->stops_at = dice_below(&u->dice, (uint32_t)p->answer_len + 1);
        p->end = dice_once_in(&u->dice, 3) ? END_CLOSES : dice_once_in(&u->dice, 2) ? END_RESETS : END_STAYS_SILENT;
    }
}

/* ---- connections ---- */

static void peer_close(peer *p, bool reset)
{
    struct linger now = {1, 0};
    if (reset) {
        setsockopt(p->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(p->socket);
    free(p->answer);
    p->answer = NULL;
    p->socket = -1;
}

static void peer_accept(unruly *u)
{
    int socket = accept(u->listener, NULL, NULL);
    if (socket < 0) {
        return;
    }
    fcntl(socket, F_SETFL, O_NONBLOCK);
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        peer *p = &u->peers[i];
        if (p->socket < 0) {
            memset(p, 0, sizeof *p);
            p->socket = socket;
            p->answer = malloc(ANSWER_MAX);
            if (!p->answer) {
                peer_close(p, false);
            }
            return;
        }
    }
    close(socket);
}

/* The head is whole: what comes behind it, and whether it is waited for. */
static void peer_read_head(unruly *u, peer *p, size_t head_end)
{
    const char *length = strstr(p->head, "Content-Length: ");
    size_t rest = p->head_len - head_end;
    p->body_chunked = strstr(p->head, "Transfer-Encoding: chunked") != NULL;
    p->body_left = length ? strtoull(length + 16, NULL, 10) : 0;
    p->body_left -= p->body_left < rest ? p->body_left : rest;
    size_t kept = rest < sizeof p->tail ? rest : sizeof p->tail;
    memcpy(p->tail + sizeof p->tail - kept, p->head + p->head_len - kept, kept);
    if (dice_once_in(&u->dice, 20)) {
        answer_begin(u, p); /* far too early */
    } else if (dice_once_in(&u->dice, 40)) {
        p->state = PEER_IS_SILENT;
    } else {
        p->state = PEER_READS_BODY;
    }
}

static bool peer_body_is_whole(const peer *p)
{
    return p->body_chunked ? memcmp(p->tail, "0\r\n\r\n", 5) == 0 : p->body_left == 0;
}

static void peer_note_body(peer *p, const char *bytes, size_t len)
{
    p->body_left -= p->body_left < len ? p->body_left : len;
    for (size_t i = len < 5 ? 0 : len - 5; i < len; i++) {
        memmove(p->tail, p->tail + 1, 4);
        p->tail[4] = bytes[i];
    }
}

/* False: it has left. */
static bool peer_read(unruly *u, peer *p)
{
    char bytes[16384];
    bool in_head = p->state == PEER_READS_HEAD;
    size_t room = in_head ? HEAD_MAX - 1 - p->head_len : sizeof bytes;
    ssize_t got = recv(p->socket, in_head ? p->head + p->head_len : bytes, room, 0);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (in_head) {
        p->head_len += (size_t)got;
        p->head[p->head_len] = '\0';
        const char *end = strstr(p->head, "\r\n\r\n");
        if (end) {
            peer_read_head(u, p, (size_t)(end + 4 - p->head));
        }
    } else {
        peer_note_body(p, bytes, (size_t)got);
    }
    if (p->state == PEER_READS_BODY && peer_body_is_whole(p)) {
        answer_begin(u, p);
    }
    return true;
}

/* False: it is to be closed. */
static bool peer_write(peer *p)
{
    size_t len = p->stops_at - p->answer_at;
    if (p->drips && len > 7) {
        len = 7;
    }
    ssize_t sent = len > 0 ? send(p->socket, p->answer + p->answer_at, len, MSG_NOSIGNAL) : 0;
    if (sent < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    p->answer_at += (size_t)sent;
    if (p->answer_at < p->stops_at) {
        return true;
    }
    switch (p->end) {
    case END_KEEPS:
        p->state = peer_body_is_whole(p) ? PEER_READS_HEAD : PEER_IS_SILENT;
        p->head_len = 0;
        return true;
    case END_STAYS_SILENT:
        p->state = PEER_IS_SILENT;
        return true;
    case END_CLOSES:
    case END_RESETS:
        break;
    }
    return false;
}

static void *unruly_serve(void *arg)
{
    unruly *u = arg;
    while (!atomic_load(&u->stops)) {
        struct pollfd polled[PEERS_MAX + 1];
        polled[PEERS_MAX] = (struct pollfd){u->listener, POLLIN, 0};
        for (size_t i = 0; i < PEERS_MAX; i++) {
            const peer *p = &u->peers[i];
            polled[i] = (struct pollfd){p->socket, p->state == PEER_ANSWERS ? POLLOUT | POLLIN : POLLIN, 0};
        }
        if (poll(polled, PEERS_MAX + 1, TURN_MS) <= 0) {
            continue;
        }
        for (size_t i = 0; i < PEERS_MAX; i++) {
            peer *p = &u->peers[i];
            bool stays = true;
            if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) {
                stays = peer_read(u, p);
            }
            if (stays && (polled[i].revents & POLLOUT) && p->state == PEER_ANSWERS) {
                stays = peer_write(p);
            }
            if (!stays) {
                peer_close(p, p->end == END_RESETS);
            }
        }
        if (polled[PEERS_MAX].revents & POLLIN) {
            peer_accept(u);
        }
    }
    return NULL;
}

unruly *unruly_start(uint64_t seed)
{
    unruly *u = calloc(1, sizeof *u);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (!u) {
        return NULL;
    }
    u->dice = seed;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        u->peers[i].socket = -1;
    }
    u->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->listener < 0 || bind(u->listener, (struct sockaddr *)&address, size) < 0 || listen(u->listener, 128) < 0 ||
        getsockname(u->listener, (struct sockaddr *)&address, &size) < 0) {
        free(u);
        return NULL;
    }
    u->port = ntohs(address.sin_port);
    if (pthread_create(&u->thread, NULL, unruly_serve, u) != 0) {
        close(u->listener);
        free(u);
        return NULL;
    }
    return u;
}

unsigned unruly_port(const unruly *server)
{
    return server->port;
}

void unruly_stop(unruly *server)
{
    atomic_store(&server->stops, true);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (server->peers[i].socket >= 0) {
            peer_close(&server->peers[i], false);
        }
    }
    close(server->listener);
    free(server);
}
