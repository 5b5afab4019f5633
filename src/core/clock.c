/*
 * clock.c: the words and codes of the table in clock.h. It reads no clock and keeps nothing.
 */
#include "exochat/clock.h"

#include "ascii.h"

const char *exo_clock_name(exo_clock clock)
{
#define EXO_X(name, code, field, owner, standard, phases, word) "\0" word
    static const char names[] = "none" EXO_CLOCK_MAP(EXO_X);
#undef EXO_X
    return exo_ascii_string(names, clock <= EXO_CLOCK_TOTAL ? clock : EXO_CLOCK_NONE);
}

exo_clock exo_clock_of(int code)
{
    switch (code) {
#define EXO_X(name, code_, field, owner, standard, phases, word) \
    case code_: \
        return EXO_CLOCK_##name;
        EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
    default:
        return EXO_CLOCK_NONE;
    }
}
