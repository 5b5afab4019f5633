/*
 * faults.c: see faults.h.
 */
#include "faults.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
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

void faults_arm(long nth, bool for_good)
{
    armed_nth = nth;
    armed_for_good = for_good;
    counted = 0;
    made = 0;
}

long faults_counted(void)
{
    return counted;
}

long faults_made(void)
{
    return made;
}

static bool fails(void)
{
    counted++;
    bool now = armed_nth > 0 && (armed_for_good ? counted >= armed_nth : counted == armed_nth);
    made += now;
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

/* ---- name resolution ---- */

typedef int resolver(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

/* Takes the place of the C library's, for libcurl too. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    static const char hung[] = ".hung";
    size_t len = node ? strlen(node) : 0;
    if (len >= sizeof hung && strcmp(node + len - (sizeof hung - 1), hung) == 0) {
        sleep(30);
        return EAI_AGAIN;
    }
    resolver *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    return real(node, service, hints, result);
}
