/*
 * limits.h: every maximum of the core, in one table.
 *
 * Nothing that a server sends grows memory past one of these. Reaching one is a typed error of class LIMIT that names
 * it.
 */
#ifndef EXOCHAT_LIMITS_H
#define EXOCHAT_LIMITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value on hosts, value on microcontrollers, unit and what it bounds) */
/* clang-format off */
#define EXO_LIMIT_MAP(X) \
    X(event,          UINT32_C(67108864),  UINT32_C(65536), "bytes of one event's data, the stream's framing apart") \
    X(field,          UINT32_C(4096),      UINT32_C(256),   "bytes of an event's type, and of the stream's last event id; longer ones are ignored") \
    X(answer,         UINT32_C(268435456), UINT32_C(65536), "bytes of kept text, of kept reasoning and of kept refusal, each") \
    X(tool_calls,     UINT32_C(128),       UINT32_C(32),    "tool calls of one answer") \
    X(tool_arguments, UINT32_C(16777216),  UINT32_C(32768), "bytes of all tool arguments, ids and names of one answer") \
    X(name,           UINT32_C(16384),     UINT32_C(1024),  "bytes of one tool call's id, and of one function name") \
    X(raw,            UINT32_C(1048576),   UINT32_C(8192),  "bytes of usage, logprobs and replay data that are kept as they came, each") \
    X(choices,        UINT32_C(16),        UINT32_C(1),     "choices that are kept when n > 1; 1,024 is the most") \
    X(depth,          UINT32_C(64),        UINT32_C(32),    "levels of nested JSON; 64 is the most that can be set") \
    X(keys,           UINT32_C(64),        UINT32_C(64),    "top-level keys of a request, extra keys included; 64 is the most") \
    X(head,           UINT32_C(65536),     UINT32_C(8192),  "bytes of a response head, interim responses and trailers included") \
    X(headers,        UINT32_C(256),       UINT32_C(64),    "header lines of a response head") \
    X(chunk_overhead, UINT32_C(16384),     UINT32_C(4096),  "bytes of chunk extensions in one body") \
    X(error_body,     UINT32_C(65536),     UINT32_C(4096),  "bytes that are read of a response that is not 2xx")
/* clang-format on */

/* The most that `choices` can be set to. */
#define EXO_CHOICES_MAX 1024

/* One number per limit. Start from exo_limits_host() or exo_limits_micro() and change what you need. 0 is no limit that
 * can be worked with: exo_client_new() refuses it, and what is beyond a maximum that is named above. */
typedef struct exo_limits {
#define EXO_X(name, host, micro, what) uint32_t name;
    EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
} exo_limits;

/* The table for computers. Static storage. */
const exo_limits *exo_limits_host(void);

/* The table for microcontrollers. Static storage. */
const exo_limits *exo_limits_micro(void);

#ifdef __cplusplus
}
#endif

#endif
