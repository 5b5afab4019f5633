/*
 * error.c: what is known about each status and error code, all of it derived from EXO_ERROR_MAP.
 *
 * It formats nothing and remembers nothing; every layer calls it. The advice of the table is for people and lies in the
 * hosted library (src/client/advice.c): it would cost a microcontroller some kilobytes, as the names and the texts do,
 * each of which can be left out (error.h). The strings of a table lie in one constant struct and are counted off, since
 * they are asked for seldom: a table of pointers would be larger, and in a shared library writable, because it would
 * have to be relocated.
 */
#include "exochat/error.h"

#include "ascii.h"

/* More than the lowest code is below zero. */
#define SHIFT 200

/* Statuses, in the columns of EXO_ERROR_MAP. The last row answers for numbers that nobody knows. */
/* clang-format off */
#define STATUS_MAP(X) \
    X(EXO_OK,        EXO_OK,        NONE, STOP, "done", "") \
    X(EXO_AGAIN,     EXO_AGAIN,     NONE, STOP, "there is more", "") \
    X(EXO_NEED_DATA, EXO_NEED_DATA, NONE, STOP, "all fed bytes are consumed", "") \
    X(EXO_DONE,      EXO_DONE,      NONE, STOP, "the stream is over", "") \
    X(EXO_IDLE,      EXO_IDLE,      NONE, STOP, "no call is under way", "") \
    X(EXO_NOT_FOUND, EXO_NOT_FOUND, NONE, STOP, "looked for, and not there", "") \
    X(EXO_E_UNKNOWN, -SHIFT,        NONE, STOP, "an unknown code", "")
/* clang-format on */

#define ALL_ROWS(X) EXO_ERROR_MAP(X) STATUS_MAP(X)

#ifndef EXO_NO_ERROR_NAMES
typedef struct error_names {
#define EXO_X(code, number, class_, verdict, text, advice) char code##_name[sizeof #code];
    ALL_ROWS(EXO_X)
#undef EXO_X
} error_names;

static const error_names names = {
#define EXO_X(code, number, class_, verdict, text, advice) #code,
    ALL_ROWS(EXO_X)
#undef EXO_X
};
#endif

#ifndef EXO_NO_ERROR_TEXTS
typedef struct error_texts {
#define EXO_X(code, number, class_, verdict, text, advice) char code##_text[sizeof text];
    ALL_ROWS(EXO_X)
#undef EXO_X
} error_texts;

static const error_texts texts = {
#define EXO_X(code, number, class_, verdict, text, advice) text,
    ALL_ROWS(EXO_X)
#undef EXO_X
};
#endif

typedef struct error_row {
    uint8_t shifted; /* the code and SHIFT */
    uint8_t error_class : 4;
    uint8_t verdict : 4;
} error_row;

static const error_row rows[] = {
#define EXO_X(code, number, class_, verdict, text, advice) {SHIFT + (number), EXO_CLASS_##class_, EXO_##verdict},
    ALL_ROWS(EXO_X)
#undef EXO_X
};

static size_t find_row(int code)
{
    const size_t unknown = sizeof rows / sizeof *rows - 1;
    size_t row = 0;
    while (row < unknown && rows[row].shifted != (unsigned)code + SHIFT) {
        row++;
    }
    return row;
}

const char *exo_error_name(int code)
{
#ifdef EXO_NO_ERROR_NAMES
    return exo_class_name(exo_error_class_of(code));
#else
    return exo_ascii_string((const char *)&names, find_row(code));
#endif
}

const char *exo_error_text(int code)
{
#ifdef EXO_NO_ERROR_TEXTS
    return exo_error_name(code);
#else
    return exo_ascii_string((const char *)&texts, find_row(code));
#endif
}

exo_error_class exo_error_class_of(int code)
{
    return (exo_error_class)rows[find_row(code)].error_class;
}

exo_verdict exo_error_verdict(int code)
{
    return (exo_verdict)rows[find_row(code)].verdict;
}

const char *exo_class_name(exo_error_class error_class)
{
    static const char classes[] = "none\0caller\0violation\0limit\0transport\0provider";
    return exo_ascii_string(classes, (size_t)error_class <= EXO_CLASS_PROVIDER ? (size_t)error_class : EXO_CLASS_NONE);
}

const char *exo_verdict_name(exo_verdict verdict)
{
    static const char verdicts[] = "stop\0fall back\0retry\0fall back context";
    return exo_ascii_string(verdicts, (size_t)verdict <= EXO_FALL_BACK_CONTEXT ? (size_t)verdict : EXO_STOP);
}
