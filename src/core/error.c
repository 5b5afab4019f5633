/*
 * error.c: what is known about each status and error code, all of it derived from EXO_ERROR_MAP.
 *
 * It formats nothing and remembers nothing; every layer calls it. The advice of the table is for people and lies in the
 * hosted library (src/client/advice.c): it would cost a microcontroller some kilobytes. All strings lie in one constant
 * struct and are found by offsets, because a table of pointers would have to be relocated, that is, be writable, in a
 * shared library.
 */
#include "exochat/error.h"

#include <stddef.h>
#include <stdint.h>

/* Statuses, in the columns of EXO_ERROR_MAP. The last row answers for numbers that nobody knows. */
/* clang-format off */
#define STATUS_MAP(X) \
    X(EXO_OK,        EXO_OK,        NONE, STOP, "done", "") \
    X(EXO_AGAIN,     EXO_AGAIN,     NONE, STOP, "there is more", "") \
    X(EXO_NEED_DATA, EXO_NEED_DATA, NONE, STOP, "all fed bytes are consumed", "") \
    X(EXO_DONE,      EXO_DONE,      NONE, STOP, "the stream is over", "") \
    X(EXO_IDLE,      EXO_IDLE,      NONE, STOP, "no call is under way", "") \
    X(EXO_NOT_FOUND, EXO_NOT_FOUND, NONE, STOP, "looked for, and not there", "") \
    X(EXO_E_UNKNOWN, INT16_MIN,     NONE, STOP, "an unknown code", "")
/* clang-format on */

#define ALL_ROWS(X) EXO_ERROR_MAP(X) STATUS_MAP(X)

typedef struct error_strings {
#define EXO_X(code, number, class_, verdict, text, advice) \
    char code##_name[sizeof #code]; \
    char code##_text[sizeof text];
    ALL_ROWS(EXO_X)
#undef EXO_X
} error_strings;

static const error_strings strings = {
#define EXO_X(code, number, class_, verdict, text, advice) #code, text,
    ALL_ROWS(EXO_X)
#undef EXO_X
};

_Static_assert(sizeof strings <= UINT16_MAX, "offsets into the strings are 16 bits wide");

typedef struct error_row {
    int16_t number;
    uint8_t error_class;
    uint8_t verdict;
    uint16_t name;
    uint16_t text;
} error_row;

static const error_row rows[] = {
#define EXO_X(code, number, class_, verdict, text, advice) \
    {(number), EXO_CLASS_##class_, EXO_##verdict, (uint16_t)offsetof(error_strings, code##_name), \
     (uint16_t)offsetof(error_strings, code##_text)},
    ALL_ROWS(EXO_X)
#undef EXO_X
};

static const error_row *find_row(int code)
{
    const error_row *row = rows;
    const error_row *unknown = rows + sizeof rows / sizeof *rows - 1;
    while (row < unknown && row->number != code) {
        row++;
    }
    return row;
}

static const char *string_at(uint16_t offset)
{
    return (const char *)&strings + offset;
}

const char *exo_error_name(int code)
{
    return string_at(find_row(code)->name);
}

const char *exo_error_text(int code)
{
    return string_at(find_row(code)->text);
}

exo_error_class exo_error_class_of(int code)
{
    return (exo_error_class)find_row(code)->error_class;
}

exo_verdict exo_error_verdict(int code)
{
    return (exo_verdict)find_row(code)->verdict;
}

const char *exo_class_name(exo_error_class error_class)
{
    static const char names[][10] = {"none", "caller", "violation", "limit", "transport", "provider"};
    size_t index = (size_t)error_class;
    return names[index < sizeof names / sizeof *names ? index : EXO_CLASS_NONE];
}

const char *exo_verdict_name(exo_verdict verdict)
{
    static const char names[][18] = {"stop", "fall back", "retry", "fall back context"};
    size_t index = (size_t)verdict;
    return names[index < sizeof names / sizeof *names ? index : EXO_STOP];
}
