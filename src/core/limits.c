/*
 * limits.c: the two ready-made tables of maxima, derived from EXO_LIMIT_MAP.
 *
 * It checks no limit: that is done where the bytes are counted. Whoever sets up an object copies one of these tables.
 */
#include "exochat/limits.h"

const exo_limits *exo_limits_host(void)
{
    static const exo_limits limits = {
#define EXO_X(name, host, micro, what) host,
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    };
    return &limits;
}

const exo_limits *exo_limits_micro(void)
{
    static const exo_limits limits = {
#define EXO_X(name, host, micro, what) micro,
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    };
    return &limits;
}
