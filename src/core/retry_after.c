/*
 * retry_after.c: the values of Retry-After and its kin: seconds, durations, and the three forms of a date.
 *
 * It reads no clock, and does not check that a weekday is the right one. failure.c calls it for headers, failure_body.c
 * for delays in a body. It has no memory.
 */
#include "retry_after.h"

#include "ascii.h"
#include "exochat/failure.h"

/* The most milliseconds that are read: any point in time, also one that is given as a thousand times as much. */
#define MOST INT64_C(10000000000000000)

/* The first second that no date of four digits reaches. */
#define YEAR_10000 INT64_C(253402300800)

int64_t exo_decimal(const exo_span *text, uint32_t unit)
{
    int64_t value = 0;
    uint32_t place = unit; /* what the digit at hand is worth */
    bool digits = false;
    bool point = false;
    for (size_t i = 0; i < text->len; i++) {
        uint32_t digit = (uint32_t)(text->ptr[i] - '0');
        if (text->ptr[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (digit > 9) {
            return -1;
        }
        digits = true;
        if (point) {
            place /= 10;
        } else {
            value *= 10;
        }
        const unsigned part = digit * place;
        value += part;
        value = value > MOST ? MOST : value;
    }
    return digits ? value : -1;
}

int64_t exo_duration(exo_span text)
{
    int64_t sum = -1;
    while (text.len > 0) {
        exo_span number = exo_span_of(text.ptr, 0);
        while (number.len < text.len && number.ptr[number.len] <= '9') {
            number.len++;
        }
        text = exo_span_of(text.ptr + number.len, text.len - number.len);
        const uint32_t unit = exo_ascii_skip(&text, "ms")               ? 1
                              : exo_ascii_skip(&text, "m")              ? 60000
                              : exo_ascii_skip(&text, "h")              ? 3600000
                              : exo_ascii_skip(&text, "s") || !text.len ? 1000
                                                                        : 0;
        const int64_t part = exo_decimal(&number, unit);
        if (part < 0 || unit == 0) {
            return -1;
        }
        sum = sum < 0 ? part : sum < MOST ? sum + part : MOST;
    }
    return sum;
}

/* The numbers of a date. In a shape, the digit that names one stands for a digit of it. */
enum number {
    YEAR,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    NUMBERS
};

/* The first two forms without the weekday and its comma. A p is a digit of the day or a space in its place, an a any
 * byte; the three of the month stand at the same place in all of them. */
static const char shapes[][26] = {" 11 aaa 0000 22:33:44 GMT", " 11-aaa-00 22:33:44 GMT", "aaa aaa p1 22:33:44 0000"};
#define MONTH_AT 4

/* The shape that has but two digits of the year. */
#define TWO_DIGITS 1

/* Reads the numbers of a date that has the shape. */
static bool read_numbers(exo_span text, const char *shape, unsigned numbers[NUMBERS])
{
    memset(numbers, 0, NUMBERS * sizeof *numbers);
    if (strlen(shape) != text.len) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char byte = text.ptr[i];
        if (shape[i] == 'p' && byte == ' ') {
            continue;
        }
        const unsigned number = shape[i] == 'p' ? DAY : (unsigned)(shape[i] - '0');
        const unsigned digit = (unsigned)(byte - '0');
        if (number < NUMBERS && digit <= 9) {
            numbers[number] = numbers[number] * 10 + digit;
        } else if (number < NUMBERS || (shape[i] != 'a' && shape[i] != byte)) {
            return false;
        }
    }
    return true;
}

/* The month at `name`, from 0 on; 12 for none. */
static unsigned month_number(const char *name)
{
    static const char names[] = "jan"
                                "feb"
                                "mar"
                                "apr"
                                "may"
                                "jun"
                                "jul"
                                "aug"
                                "sep"
                                "oct"
                                "nov"
                                "dec";
    unsigned month = 0;
    while (month < 12 && !exo_ascii_same(name, names + (size_t)3 * month, 3)) {
        month++;
    }
    return month;
}

/* Days since the first of March before the year 1; those of a year are counted from March, so that a leap day is the
 * last one. `month` may be one too many. */
static unsigned day_number(unsigned year, unsigned month, unsigned day)
{
    year -= month < 2;
    return year * 365 + year / 4 - year / 100 + year / 400 + ((month + 10) % 12 * 153 + 2) / 5 + day;
}

/* Seconds since 1970 UTC, or -1 for a day or a time that never was, or one before 1970. */
static int64_t seconds_of(const unsigned numbers[NUMBERS], unsigned month)
{
    const unsigned year = numbers[YEAR];
    const unsigned day = day_number(year, month, numbers[DAY]);
    if (month > 11 || year < 1970 || numbers[DAY] < 1 || day >= day_number(year, month + 1, 1) || numbers[HOUR] > 23 ||
        numbers[MINUTE] > 59 || numbers[SECOND] > 60) {
        return -1;
    }
    const unsigned second = (numbers[HOUR] * 60 + numbers[MINUTE]) * 60 + numbers[SECOND];
    return (int64_t)(day - day_number(1970, 0, 1)) * 86400 + second;
}

int64_t exo_date_seconds(exo_span text, int64_t now)
{
    const char *comma = memchr(text.ptr, ',', text.len);
    unsigned numbers[NUMBERS];
    size_t shape = 0;
    if (comma) {
        text = exo_span_of(comma + 1, text.len - (size_t)(comma + 1 - text.ptr));
    }
    while (!read_numbers(text, shapes[shape], numbers)) {
        if (++shape == sizeof shapes / sizeof *shapes) {
            return -1;
        }
    }
    if (shape == TWO_DIGITS) { /* never more than 50 years ahead */
        const unsigned this_year = now > 0 && now < YEAR_10000 ? 1970 + (unsigned)(now / 31556952) : 2030;
        numbers[YEAR] += this_year - this_year % 100 + 100;
        while (numbers[YEAR] > this_year + 50) {
            numbers[YEAR] -= 100;
        }
    }
    return seconds_of(numbers, month_number(text.ptr + MONTH_AT));
}

int64_t exo_retry_after(exo_span value, int64_t wall_now)
{
    exo_ascii_trim(&value);
    int64_t delay = exo_decimal(&value, 1000);
    if (delay < 0 && value.len > 0 && wall_now > 0 && wall_now < YEAR_10000) {
        delay = (exo_date_seconds(value, wall_now) - wall_now) * 1000;
    }
    return delay < 0 ? -1 : delay < DELAY_MAX ? delay : DELAY_MAX;
}
