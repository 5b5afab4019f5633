/*
 * advice.c: what to do next about each error, from the table in error.h. Kept out of the core: it is text for people.
 */
#include "exochat/error.h"

const char *exo_error_advice(int code)
{
    switch (code) {
#define EXO_X(code_, number, class_, verdict, text, advice) \
    case code_: \
        return advice;
        EXO_ERROR_MAP(EXO_X)
#undef EXO_X
    default:
        return "";
    }
}
