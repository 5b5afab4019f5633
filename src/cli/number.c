/*
 * number.c: see number.h.
 */
#include "number.h"

#include <string.h>

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

bool number_time(const char *text, int64_t *milliseconds)
{
    const int64_t year_in_seconds = INT64_C(366) * 24 * 3600;
    int64_t whole;
    int64_t thousandths = 0;
    const char *at = number_read(text, year_in_seconds, &whole);
    if (at && *at == '.') {
        int64_t weight = 100;
        for (at++; *at >= '0' && *at <= '9' && weight > 0; at++, weight /= 10) {
            thousandths += (*at - '0') * weight;
        }
        at = at[-1] != '.' ? at : NULL;
    }
    if (!at) {
        return false;
    }
    int64_t value = whole * 1000 + thousandths;
    if (strcmp(at, "ms") == 0) {
        *milliseconds = (value + 999) / 1000;
    } else if (strcmp(at, "m") == 0) {
        *milliseconds = value * 60;
    } else if (*at == '\0' || strcmp(at, "s") == 0) {
        *milliseconds = value;
    } else {
        return false;
    }
    return true;
}
