/*
 * pool.c: what is known of sockets that libcurl keeps for the next request. See pool.h.
 *
 * Called by exchange.c and libcurl.c. Memory: 8 bytes for each descriptor up to the largest that was seen.
 */
#include "pool.h"

#include <stdlib.h>
#include <time.h>
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

uint64_t exo_pool_heard(curl_socket_t socket)
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

void exo_pool_note_heard(exo_pool *pool, curl_socket_t socket, uint64_t bytes)
{
    if (socket == CURL_SOCKET_BAD) {
        return;
    }
    size_t wanted = (size_t)socket + 1;
    if (wanted > pool->heard_count) {
        uint64_t *grown = realloc(pool->heard, 2 * wanted * sizeof *grown);
        if (!grown) {
            return; /* a resend is then not made where it could be */
        }
        memset(grown + pool->heard_count, 0, (2 * wanted - pool->heard_count) * sizeof *grown);
        pool->heard = grown;
        pool->heard_count = 2 * wanted;
    }
    pool->heard[socket] = bytes;
}

uint64_t exo_pool_heard_before(const exo_pool *pool, curl_socket_t socket)
{
    return socket != CURL_SOCKET_BAD && (size_t)socket < pool->heard_count ? pool->heard[socket] : 0;
}
