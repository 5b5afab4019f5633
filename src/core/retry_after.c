/*
 * retry_after.c: the values of Retry-After and its kin: seconds, durations, and the three forms of a date.
 *
 * It reads no clock, and does not check that a weekday is the right one. failure.c calls it for headers, failure_body.c
 * for delays in a body. It has no memory.
 */
#include "retry_after.h"

#include "ascii.h"

/* Milliseconds that no longer grow: any point in time, also one that is given as a thousand times as much. */
#define MOST (INT64_C(1) << 54)

int64_t exo_decimal(const exo_span *text, uint32_t unit)
{
    int64_t value = 0;
    bool point = false;
    for (size_t i = 0; i < text->len; i++) {
        const unsigned digit = (unsigned)(text->ptr[i] - '0');
        if (digit > 9) {
            if (text->ptr[i] != '.' || point) {
                return -1;
            }
            point = true;
        } else if (value < MOST) {
            if (point) {
                unit /= 10;
            } else {
                value *= 10;
            }
            value += (int64_t)digit * unit;
        }
    }
    return text->len > point ? value : -1;
}

/* Takes off what `text` begins with: a unit, or a number. */
static exo_span retry_duration_run(exo_span *text, bool units)
{
    exo_span run = *text;
    while (text->len > 0 && (*text->ptr > '9') == units) {
        text->ptr++;
        text->len--;
    }
    run.len -= text->len;
    return run;
}

int64_t exo_duration(exo_span text)
{
    static const char names[] = "s ms m h";
    static const uint32_t units[] = {1000, 1, 60000, 3600000};
    int64_t sum = 0;
    do {
        const exo_span number = retry_duration_run(&text, false);
        const exo_span name = retry_duration_run(&text, true);
        const int unit = name.len > 0 ? exo_ascii_word_index(names, &name) : 0;
        const int64_t part = unit >= 0 ? exo_decimal(&number, units[unit]) : -1;
        if (part < 0) {
            return -1;
        }
        sum += sum < MOST ? part : 0;
    } while (text.len > 0);
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

/* The three forms by their length; the first two, which have a comma, without it and the weekday. A p is a digit of the
 * day or a space in its place, an a any byte; the three of the month stand at the same place in all of them. */
static const char shapes[][26] = {" 11-aaa-00 22:33:44 GMT", "aaa aaa p1 22:33:44 0000", " 11 aaa 0000 22:33:44 GMT"};
#define SHORTEST 23
#define MONTH_AT 4

/* Reads the numbers of a date that has the shape. */
static bool retry_read_numbers(const char *text, const char *shape, unsigned numbers[NUMBERS])
{
    memset(numbers, 0, NUMBERS * sizeof *numbers);
    for (; *shape; shape++, text++) {
        const bool padded = *shape == 'p';
        const unsigned number = padded ? DAY : (unsigned)(*shape - '0');
        const unsigned digit = padded && *text == ' ' ? 0 : (unsigned)(*text - '0');
        if (number < NUMBERS) {
            if (digit > 9) {
                return false;
            }
            numbers[number] = numbers[number] * 10 + digit;
        } else if (*shape != 'a' && *shape != *text) {
            return false;
        }
    }
    return true;
}

/* Days since the first of March before the year 1; those of a year are counted from March, so that a leap day is the
 * last one. `month` is counted from 0, and may be one too many. */
static unsigned retry_day_number(unsigned year, unsigned month, unsigned day)
{
    if (month < 2) {
        month += 12;
        year--;
    }
    return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 - 304) / 5 + day;
}

/* That of the first of January 1970. */
#define DAY_1970 719469

/* Seconds since 1970 UTC, or 0 for a day or a time that never was, or one before. */
static uint32_t retry_seconds_of(const unsigned numbers[NUMBERS], unsigned month)
{
    const unsigned year = numbers[YEAR];
    const unsigned day = retry_day_number(year, month, numbers[DAY]);
    if (month > 11 || year < 1970 || numbers[DAY] < 1 || day >= retry_day_number(year, month + 1, 1) ||
        numbers[HOUR] > 23 || numbers[MINUTE] > 59 || numbers[SECOND] > 60) {
        return 0;
    }
    if (year > 2105) {
        return UINT32_MAX;
    }
    const unsigned hours = (day - DAY_1970) * 24 + numbers[HOUR];
    return (hours * 60 + numbers[MINUTE]) * 60 + numbers[SECOND];
}

uint32_t exo_date_seconds(exo_span text, uint32_t now)
{
    static const char months[] = "jan feb mar apr may jun jul aug sep oct nov dec";
    const char *comma = memchr(text.ptr, ',', text.len);
    unsigned numbers[NUMBERS];
    if (comma) {
        text = exo_span_of(comma + 1, text.len - (size_t)(comma + 1 - text.ptr));
    }
    const size_t shape = text.len - SHORTEST;
    if (shape >= sizeof shapes / sizeof *shapes || !retry_read_numbers(text.ptr, shapes[shape], numbers)) {
        return 0;
    }
    if (shape == 0) { /* two digits of the year: never more than 50 years ahead */
        const unsigned latest = 1970 + (now > 0 ? now / 31556952 : 60) + 50;
        numbers[YEAR] = latest - (latest - numbers[YEAR]) % 100;
    }
    const exo_span month = exo_span_of(text.ptr + MONTH_AT, 3);
    return retry_seconds_of(numbers, (unsigned)exo_ascii_word_index(months, &month));
}
