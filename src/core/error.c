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

/* The highest number. */
#define TOP EXO_NOT_FOUND

/* Statuses, in the columns of EXO_ERROR_MAP and with their numbers going downwards as there. */
/* clang-format off */
#define STATUS_MAP(X) \
    X(EXO_NOT_FOUND, EXO_NOT_FOUND, NONE, STOP, "not found", "") \
    X(EXO_IDLE,      EXO_IDLE,      NONE, STOP, "no call under way", "") \
    X(EXO_DONE,      EXO_DONE,      NONE, STOP, "end of stream", "") \
    X(EXO_NEED_DATA, EXO_NEED_DATA, NONE, STOP, "more data needed", "") \
    X(EXO_AGAIN,     EXO_AGAIN,     NONE, STOP, "there is more", "") \
    X(EXO_OK,        EXO_OK,        NONE, STOP, "done", "")

/* What answers for numbers that nobody knows. */
#define UNKNOWN_MAP(X) X(EXO_E_UNKNOWN, 0, NONE, STOP, "an unknown code", "")
/* clang-format on */

#define KNOWN_ROWS(X) STATUS_MAP(X) EXO_ERROR_MAP(X)
#define ALL_ROWS(X)   KNOWN_ROWS(X) UNKNOWN_MAP(X)

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

/* A byte for each number from TOP downwards: its class, its verdict, and a bit that it is known. */
#define KNOWN         1
#define VERDICT_SHIFT 1
#define CLASS_SHIFT   3

static const uint8_t numbers[] = {
#define EXO_X(code, number, class_, verdict, text, advice) \
    [TOP - (number)] = EXO_CLASS_##class_ << CLASS_SHIFT | EXO_##verdict << VERDICT_SHIFT | KNOWN,
    KNOWN_ROWS(EXO_X)
#undef EXO_X
};

/* That byte, or 0. */
static unsigned error_look_up(int code)
{
    const unsigned at = TOP - (unsigned)code;
    return at < sizeof numbers ? numbers[at] : 0;
}

#if !defined EXO_NO_ERROR_NAMES || !defined EXO_NO_ERROR_TEXTS
/* The string of a code, among those of ALL_ROWS: as many lie before it as there are numbers. */
static const char *error_find_string(const char *strings, int code)
{
    const size_t end = error_look_up(code) ? TOP - (unsigned)code : sizeof numbers;
    size_t row = 0;
    for (size_t i = 0; i < end; i++) {
        row += numbers[i] & KNOWN;
    }
    return exo_ascii_string(strings, row);
}
#endif

const char *exo_error_name(int code)
{
#ifdef EXO_NO_ERROR_NAMES
    return exo_class_name(exo_error_class_of(code));
#else
    return error_find_string((const char *)&names, code);
#endif
}

const char *exo_error_text(int code)
{
#ifdef EXO_NO_ERROR_TEXTS
    return exo_error_name(code);
#else
    return error_find_string((const char *)&texts, code);
#endif
}

exo_error_class exo_error_class_of(int code)
{
    return (exo_error_class)(error_look_up(code) >> CLASS_SHIFT);
}

exo_verdict exo_error_verdict(int code)
{
    return (exo_verdict)(error_look_up(code) >> VERDICT_SHIFT & EXO_FALL_BACK_CONTEXT);
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
