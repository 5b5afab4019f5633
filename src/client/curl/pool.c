/*
 * pool.c: what is known of sockets that libcurl keeps for the next request. See pool.h.
 *
 * Called by exchange.c and libcurl.c. Memory: 48 bytes for each descriptor up to twice the largest that was seen.
 */
#include "pool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/tcp.h>
#include <netinet/in.h>
#endif

int64_t exo_pool_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bytes that have come over a TCP connection since it was made; 0 where the system cannot tell. */
static uint64_t pool_heard(curl_socket_t socket)
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

/* What is known of a socket; NULL when memory runs out, or for none. */
static exo_socket *pool_socket(exo_pool *pool, curl_socket_t socket)
{
    if (socket == CURL_SOCKET_BAD) {
        return NULL;
    }
    size_t wanted = (size_t)socket + 1;
    if (wanted > pool->socket_count) {
        exo_socket *grown = realloc(pool->sockets, 2 * wanted * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        memset(grown + pool->socket_count, 0, (2 * wanted - pool->socket_count) * sizeof *grown);
        pool->sockets = grown;
        pool->socket_count = 2 * wanted;
    }
    return &pool->sockets[socket];
}

exo_group *exo_pool_group_of(const exo_pool *pool, int socket)
{
    return socket >= 0 && (size_t)socket < pool->socket_count ? pool->sockets[socket].group : NULL;
}

int exo_pool_note_group(exo_pool *pool, curl_socket_t socket, exo_group *group)
{
    if (!group && !exo_pool_group_of(pool, (int)socket)) {
        return EXO_OK;
    }
    exo_socket *known = pool_socket(pool, socket);
    if (known) {
        known->group = group;
    }
    return known ? EXO_OK : EXO_E_NO_MEMORY;
}

void exo_pool_note_user(exo_pool *pool, curl_socket_t socket, const exo_exchange *user)
{
    exo_socket *known = pool_socket(pool, socket);
    if (known) {
        known->user = user;
    }
}

const exo_exchange *exo_pool_user_of(const exo_pool *pool, curl_socket_t socket)
{
    return socket >= 0 && (size_t)socket < pool->socket_count ? pool->sockets[socket].user : NULL;
}

void exo_pool_keep(exo_pool *pool, curl_socket_t socket, exo_host *host)
{
    exo_socket *known = pool_socket(pool, socket);
    if (!known || known->host) {
        return;
    }
    const size_t at = (size_t)socket + 1;
    known->host = host;
    known->before = pool->kept_last;
    known->behind = 0;
    *(known->before ? &pool->sockets[known->before - 1].behind : &pool->kept_first) = at;
    pool->kept_last = at;
    exo_gate_keeps(host, true);
}

void exo_pool_use(exo_pool *pool, curl_socket_t socket)
{
    if (socket == CURL_SOCKET_BAD || (size_t)socket >= pool->socket_count || !pool->sockets[socket].host) {
        return;
    }
    exo_socket *known = &pool->sockets[socket];
    exo_host *host = known->host;
    *(known->before ? &pool->sockets[known->before - 1].behind : &pool->kept_first) = known->behind;
    *(known->behind ? &pool->sockets[known->behind - 1].before : &pool->kept_last) = known->before;
    known->host = NULL;
    exo_gate_keeps(host, false);
}

void exo_pool_close_oldest(exo_pool *pool, const exo_host *host)
{
    size_t at = pool->kept_first;
    while (at && host && pool->sockets[at - 1].host != host) {
        at = pool->sockets[at - 1].behind;
    }
    if (at) {
        shutdown((int)at - 1, SHUT_RDWR);
        exo_pool_use(pool, (curl_socket_t)at - 1);
    }
}

/* The descriptor is a file of the child's own if its parent's socket was closed in it. */
static void pool_divert(int socket, int nowhere)
{
    struct stat status;
    if (nowhere >= 0 && fstat(socket, &status) == 0 && S_ISSOCK(status.st_mode)) {
        dup2(nowhere, socket);
        fcntl(socket, F_SETFD, FD_CLOEXEC);
    }
}

void exo_pool_abandon(const exo_pool *pool, curl_socket_t socket)
{
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < pool->socket_count; i++) {
        if (pool->sockets[i].group || pool->sockets[i].host) {
            pool_divert((int)i, nowhere);
        }
    }
    if (socket != CURL_SOCKET_BAD) {
        pool_divert((int)socket, nowhere);
    }
    if (nowhere >= 0) {
        close(nowhere);
    }
}

void exo_pool_forget_group(exo_pool *pool, const exo_group *group)
{
    for (size_t i = 0; i < pool->socket_count; i++) {
        if (pool->sockets[i].group == group) {
            pool->sockets[i].group = NULL;
        }
    }
}

void exo_pool_note_made(exo_pool *pool, curl_socket_t socket)
{
    exo_socket *known = pool_socket(pool, socket);
    if (known) {
        known->heard = 0;
    }
}

uint64_t exo_pool_news(exo_pool *pool, curl_socket_t socket)
{
    exo_socket *known = pool_socket(pool, socket);
    const uint64_t bytes = pool_heard(socket);
    const uint64_t before = known ? known->heard : 0; /* a resend is not made where it could be */
    if (known) {
        known->heard = bytes;
    }
    return bytes > before ? bytes - before : 0;
}

void exo_pool_note_closed(exo_pool *pool, curl_socket_t socket)
{
    exo_pool_use(pool, socket);
    exo_pool_note_user(pool, socket, NULL);
    pool->closed.is_any = true;
    pool->closed.news = exo_pool_news(pool, socket);
}
