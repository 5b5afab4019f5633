/*
 * faults.c: see faults.h.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The linker gives the wrapped functions these names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static long armed_nth;
static bool armed_for_good;
static long counted;
static long made;
static void *askers[16]; /* return addresses, innermost first */
static int asker_count;

void faults_arm(long nth, bool for_good)
{
    armed_nth = nth;
    armed_for_good = for_good;
    counted = 0;
    made = 0;
    asker_count = 0;
}

long faults_counted(void)
{
    return counted;
}

long faults_made(void)
{
    return made;
}

/* The program is the first that is told of, and begins so far from where its file says. */
static int note_program(struct dl_phdr_info *info, size_t size, void *to)
{
    (void)size;
    *(ElfW(Addr) *)to = info->dlpi_addr;
    return 1;
}

size_t faults_askers(unsigned long *addresses, size_t most)
{
    ElfW(Addr) program = 0;
    size_t count = 0;
    dl_iterate_phdr(note_program, &program);
    for (; count < (size_t)asker_count && count < most; count++) {
        addresses[count] = (unsigned long)askers[count] - program - 1; /* of the call, not of what follows it */
    }
    return count;
}

static bool fails(void)
{
    counted++;
    bool now = armed_nth > 0 && (armed_for_good ? counted >= armed_nth : counted == armed_nth);
    if (now && made++ == 0) {
        asker_count = backtrace(askers, sizeof askers / sizeof askers[0]);
    }
    return now;
}

/* ---- memory ---- */

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

/* ---- calls of the system ---- */

static struct {
    int error;
    long times;
} denied[FAULTS_CALLS];

void faults_deny(faults_call call, int error, long times)
{
    denied[call].error = error;
    denied[call].times = times;
}

static bool is_denied(faults_call call)
{
    if (denied[call].times <= 0) {
        return false;
    }
    denied[call].times--;
    errno = denied[call].error;
    return true;
}

typedef int connector(int file, const struct sockaddr *address, socklen_t length);
typedef int controller(int epoll, int operation, int file, struct epoll_event *event);

/* These two take the place of the C library's, for libcurl too. The GNU header declares the first one with a type of
 * its own. */
int faults_connect(int file, const struct sockaddr *address, socklen_t length) __asm__("connect");

int faults_connect(int file, const struct sockaddr *address, socklen_t length)
{
    int type = 0;
    socklen_t size = sizeof type;
    bool is_stream = getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
    if ((is_stream && is_denied(FAULTS_CONNECT)) || is_denied(FAULTS_CONNECT_ANY)) {
        return -1;
    }
    connector *real;
    void *symbol = dlsym(RTLD_NEXT, "connect");
    memcpy(&real, &symbol, sizeof real);
    return real(file, address, length);
}

int epoll_ctl(int epoll, int operation, int file, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && is_denied(FAULTS_EPOLL)) {
        return -1;
    }
    controller *real;
    void *symbol = dlsym(RTLD_NEXT, "epoll_ctl");
    memcpy(&real, &symbol, sizeof real);
    return real(epoll, operation, file, event);
}

static struct {
    long times;
    long bytes;
} late;

void faults_send_late(long times, long bytes)
{
    late.times = times;
    late.bytes = bytes;
}

static bool is_answered(int file)
{
    int readable = 0;
    struct pollfd end = {.fd = file, .events = POLLRDHUP};
    return poll(&end, 1, 1) != 0 || (late.bytes > 0 && ioctl(file, FIONREAD, &readable) == 0 && readable >= late.bytes);
}

typedef ssize_t sender(int file, const void *bytes, size_t size, int flags);

/* Takes the place of the C library's, for libcurl too. */
ssize_t send(int file, const void *bytes, size_t size, int flags)
{
    sender *real;
    void *symbol = dlsym(RTLD_NEXT, "send");
    memcpy(&real, &symbol, sizeof real);
    ssize_t sent = real(file, bytes, size, flags);
    const int error = errno;
    if (late.times > 0) {
        late.times--;
        for (int tries = 0; tries < 5000 && !is_answered(file); tries++) {
        }
    }
    errno = error;
    return sent;
}

/* ---- name resolution ---- */

typedef int resolver(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

static struct {
    _Atomic long milliseconds;
    _Atomic long running;
    _Atomic long most;
    _Atomic long made;
} looked_up;

void faults_resolve_in(long milliseconds)
{
    looked_up.milliseconds = milliseconds;
}

long faults_look_ups(bool at_once)
{
    return at_once ? looked_up.most : looked_up.made;
}

static bool ends_in(const char *node, const char *end)
{
    size_t len = node ? strlen(node) : 0;
    return len > strlen(end) && strcmp(node + len - strlen(end), end) == 0;
}

/* Takes its time, and counts. */
static void look_up_slowly(void)
{
    long running = ++looked_up.running;
    long most = looked_up.most;
    looked_up.made++;
    while (running > most && !atomic_compare_exchange_weak(&looked_up.most, &most, running)) {
    }
    usleep((useconds_t)looked_up.milliseconds * 1000);
    looked_up.running--;
}

/* Takes the place of the C library's, for libcurl too. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    if (ends_in(node, ".hung")) {
        sleep(30);
        return EAI_AGAIN;
    }
    if (ends_in(node, ".slow") || ends_in(node, ".lost")) {
        look_up_slowly();
        if (ends_in(node, ".lost")) {
            return EAI_NONAME;
        }
        node = "127.0.0.1";
    }
    resolver *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    return real(node, service, hints, result);
}
