/*
 * advice.c: what to do next about each error, from the table in error.h. Kept out of the core: it is text for people.
 */
#include "exochat/error.h"

#include <stddef.h>

const char *exo_error_advice(int code)
{
    static const struct {
        int code;
        const char *advice;
    } rows[] = {
#define EXO_X(code_, number, class_, verdict, text, advice_) {code_, advice_},
        EXO_ERROR_MAP(EXO_X)
#undef EXO_X
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code) {
            return rows[i].advice;
        }
    }
    return "";
}
