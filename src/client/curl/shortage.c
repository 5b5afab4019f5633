/*
 * shortage.c: see shortage.h.
 *
 * libcurl seldom passes on what the system said, so where it does not, the system is asked again: whether there are
 * descriptors, and whether there is a way to the address. Called by exchange.c and libcurl.c. No memory.
 */
#include "shortage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0 /* these sockets do not live long */
#endif

/* What a look-up takes: libcurl's pair to be woken by, and one to ask with. */
#define SHORTAGE_FOR_LOOK_UP 3

/* What TLS takes: the connection, which libcurl has closed by now, and a file of certificates. */
#define SHORTAGE_FOR_TLS 2

bool exo_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == ENOSPC;
}

void exo_shortage_note(exo_exchange *exchange, const struct curl_sockaddr *address, int error)
{
    exchange->lacks.error = exo_is_shortage(error) ? error : 0;
    exchange->lacks.address.any.sa_family = AF_UNSPEC;
    if (error == 0 && address->addrlen <= sizeof exchange->lacks.address) {
        memcpy(&exchange->lacks.address, &address->addr, address->addrlen);
    }
}

/* Whether so many descriptors can be had: 0, or why not. */
static int shortage_of_descriptors(int count)
{
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = made < 0 ? errno : 0;
    if (made >= 0) {
        error = count > 1 ? shortage_of_descriptors(count - 1) : 0;
        close(made);
    }
    return exo_is_shortage(error) ? error : 0;
}

/* The system said that no address of its own is left for the connection: either all ports to that address are in use,
 * or it has none from where it can be reached, which is the deployment's matter. Datagrams have ports of their own. */
static int shortage_of_ports(const exo_exchange *x)
{
    int made = socket(x->lacks.address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made < 0) {
        return exo_is_shortage(errno) ? errno : 0;
    }
    const bool is_v4 = x->lacks.address.any.sa_family == AF_INET;
    const socklen_t length = is_v4 ? sizeof x->lacks.address.v4 : sizeof x->lacks.address.v6;
    bool reachable = connect(made, &x->lacks.address.any, length) == 0;
    close(made);
    return reachable ? EADDRNOTAVAIL : 0;
}

static int shortage_in_connecting(const exo_exchange *x)
{
    long error = 0;
    curl_easy_getinfo(x->curl.easy, CURLINFO_OS_ERRNO, &error);
    if (x->lacks.error != 0) {
        return x->lacks.error;
    }
    if (error == EADDRNOTAVAIL) {
        return shortage_of_ports(x);
    }
    return exo_is_shortage((int)error) ? (int)error : 0;
}

int exo_shortage_of(const exo_exchange *exchange)
{
    if (exchange->place != EXCHANGE_CONNECTS) {
        return 0;
    }
    switch (exchange->curl.result) {
    case CURLE_COULDNT_CONNECT:
        return shortage_in_connecting(exchange);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        if (strstr(exchange->curl.text, "thread failed to start")) {
            return EAGAIN;
        }
        return shortage_of_descriptors(SHORTAGE_FOR_LOOK_UP);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return shortage_of_descriptors(SHORTAGE_FOR_TLS);
    default:
        return 0;
    }
}
