/*
 * libc.c: what the core takes of string.h, for a native module, which has no C library. Copying and filling are the
 * firmware's; the rest is small.
 */
#include "binding.h"

void *memcpy(void *to, const void *from, size_t size)
{
    return mp_fun_table.memmove_(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    return mp_fun_table.memmove_(to, from, size);
}

void *memset(void *to, int byte, size_t size)
{
    return mp_fun_table.memset_(to, byte, size);
}

int memcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one;
    const unsigned char *b = other;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *in, int byte, size_t size)
{
    const unsigned char *at = in;
    for (size_t i = 0; i < size; i++) {
        if (at[i] == (unsigned char)byte) {
            return (void *)(at + i);
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}
