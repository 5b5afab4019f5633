/*
 * clock.h: the clocks of a call, in one table.
 *
 * Nothing here reads a clock: attempt.h is told the time and judges all of them but the total one, which is route.h's.
 * Failure codes, the fields of the options, the rows of the configuration and of its manual page follow from the table.
 */
#ifndef EXOCHAT_CLOCK_H
#define EXOCHAT_CLOCK_H

#include "exochat/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where an attempt is, named for what it waits for; a bit each, so that a clock can run in several. */
enum exo_phase {
    EXO_PHASE_CONNECT = 1, /* TCP and TLS */
    EXO_PHASE_SEND = 2,    /* the body to be with the other side */
    EXO_PHASE_FIRST = 4,   /* the first event */
    EXO_PHASE_STREAM = 8,  /* the next event */
    EXO_PHASE_REST = 16,   /* what may follow finish_reason: usage and [DONE] */
    EXO_PHASE_REFUSAL = 32 /* the body of a response that is not 2xx */
};

/* A first-event clock that follows the route: 15 s while another deployment is left that was not tried yet, otherwise
 * as long as the idle clock. */
#define EXO_CLOCK_AUTO (-1)

/* X(clock, code of its failure, field of the options, whose options, default in milliseconds, phases, word)
 * A field of 0 switches a clock off; EXO_CLOCK_AUTO is for a clock that has it for its default. The clocks of a
 * DEPLOYMENT begin anew with each attempt; the one of a CALL runs over all of them. */
/* clang-format off */
#define EXO_CLOCK_MAP(X) \
    X(CONNECT,     EXO_E_CLOCK_CONNECT, connect_timeout,     DEPLOYMENT, 10000,          EXO_PHASE_CONNECT, "connect") \
    X(FIRST_EVENT, EXO_E_CLOCK_FIRST,   stream_ttft_timeout, DEPLOYMENT, EXO_CLOCK_AUTO, EXO_PHASE_FIRST, "first event") \
    X(IDLE,        EXO_E_CLOCK_IDLE,    request_timeout,     DEPLOYMENT, 120000, \
                                                      EXO_PHASE_SEND | EXO_PHASE_FIRST | EXO_PHASE_STREAM, "idle") \
    X(TOTAL,       EXO_E_CLOCK_TOTAL,   total_timeout,       CALL,       0,              -1, "total")
/* clang-format on */

/* Which clock ran out. */
typedef enum exo_clock {
    EXO_CLOCK_NONE,
#define EXO_X(clock, code, field, owner, standard, phases, word) EXO_CLOCK_##clock,
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
} exo_clock;

/* The default of each clock. */
enum exo_clock_default {
#define EXO_X(clock, code, field, owner, standard, phases, word) EXO_CLOCK_DEFAULT_##clock = (standard),
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
};

/* "connect", "first event", "idle", "total", or "none". Static storage. */
const char *exo_clock_name(exo_clock clock);

/* The clock whose failure `code` is, or EXO_CLOCK_NONE. */
exo_clock exo_clock_of(int code);

#ifdef __cplusplus
}
#endif

#endif
