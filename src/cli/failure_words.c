/*
 * failure_words.c: see failure_words.h.
 */
#include "failure_words.h"

#include "option_table.h"

#include "exochat/error.h"

const char *failure_kind_of(int code)
{
    if (exo_clock_of(code) != EXO_CLOCK_NONE) {
        return "timeout";
    }
    switch (exo_error_class_of(code)) {
    case EXO_CLASS_PROVIDER:
        return "provider error";
    case EXO_CLASS_TRANSPORT:
        return "network error";
    case EXO_CLASS_VIOLATION:
        return "protocol error";
    case EXO_CLASS_LIMIT:
        return "limit reached";
    default:
        return "error";
    }
}

const char *failure_text_of(int code)
{
    switch (exo_clock_of(code)) {
    case EXO_CLOCK_CONNECT:
        return "no connection within the time of --connect-timeout";
    case EXO_CLOCK_FIRST_EVENT:
        return "nothing of an answer within the time of --ttft";
    case EXO_CLOCK_IDLE:
        return "no progress within the time of --idle-timeout";
    case EXO_CLOCK_TOTAL:
        return "no end within the time of --total-timeout";
    default:
        return exo_error_text(code);
    }
}
