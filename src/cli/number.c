/*
 * number.c: see number.h.
 */
#include "number.h"

#include <stddef.h>

const char *number_read(const char *text, int64_t most, int64_t *number)
{
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';
        if (value > (most - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return at > text ? at : NULL;
}
