/*
 * faults.c: see faults.h.
 */
#include "faults.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The linker gives the wrapped functions these names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static fault_side armed_side;
static long armed_nth;
static bool armed_for_good;
static long counted;
static long made;

void faults_arm(fault_side side, long nth, bool for_good)
{
    armed_side = side;
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

static bool fails(fault_side side)
{
    if (side != armed_side) {
        return false;
    }
    counted++;
    bool now = armed_nth > 0 && (armed_for_good ? counted >= armed_nth : counted == armed_nth);
    made += now;
    return now;
}

/* ---- memory of the library ---- */

void *__wrap_malloc(size_t size)
{
    return fails(FAULTS_IN_LIBRARY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(FAULTS_IN_LIBRARY) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails(FAULTS_IN_LIBRARY) ? NULL : __real_realloc(memory, size);
}

/* ---- memory of libcurl ---- */

static void *curl_malloc(size_t size)
{
    return fails(FAULTS_IN_CURL) ? NULL : __real_malloc(size);
}

static void *curl_calloc(size_t count, size_t size)
{
    return fails(FAULTS_IN_CURL) ? NULL : __real_calloc(count, size);
}

static void *curl_realloc(void *memory, size_t size)
{
    return fails(FAULTS_IN_CURL) ? NULL : __real_realloc(memory, size);
}

static char *curl_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = curl_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void faults_in_curl(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc, curl_strdup, curl_calloc);
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
