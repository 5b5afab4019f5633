/*
 * log.h: the structured record that a client hands to its log hook: one for each attempt, one for each call.
 *
 * Field names follow the OpenTelemetry semantic conventions for generative AI and HTTP where these have one; all of
 * them stand in the one table EXO_RECORD_MAP. A record never holds a key; message text only where the client was told
 * to (log_bodies).
 */
#ifndef EXOCHAT_LOG_H
#define EXOCHAT_LOG_H

#include "exochat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(field, kind, name in the record). Kinds: TEXT is a string, "" when absent; NUMBER is an integer, -1 when absent. */
/* clang-format off */
#define EXO_RECORD_MAP(X) \
    X(operation,        TEXT,   "gen_ai.operation.name") \
    X(provider,         TEXT,   "gen_ai.provider.name") \
    X(request_model,    TEXT,   "gen_ai.request.model") \
    X(response_model,   TEXT,   "gen_ai.response.model") \
    X(response_id,      TEXT,   "gen_ai.response.id") \
    X(finish_reason,    TEXT,   "gen_ai.response.finish_reasons") \
    X(input_tokens,     NUMBER, "gen_ai.usage.input_tokens") \
    X(output_tokens,    NUMBER, "gen_ai.usage.output_tokens") \
    X(cached_tokens,    NUMBER, "gen_ai.usage.cache_read.input_tokens") \
    X(error_type,       TEXT,   "error.type") \
    X(error_message,    TEXT,   "exochat.error.message") \
    X(http_status,      NUMBER, "http.response.status_code") \
    X(server_address,   TEXT,   "server.address") \
    X(server_port,      NUMBER, "server.port") \
    X(protocol_version, TEXT,   "network.protocol.version") \
    X(deployment,       TEXT,   "exochat.deployment") \
    X(attempt,          NUMBER, "exochat.attempt") \
    X(verdict,          TEXT,   "exochat.verdict") \
    X(clock,            TEXT,   "exochat.clock") \
    X(resends,          NUMBER, "exochat.resends") \
    X(duration_ms,      NUMBER, "exochat.duration_ms") \
    X(queued_ms,        NUMBER, "exochat.queued_ms") \
    X(first_event_ms,   NUMBER, "exochat.first_event_ms") \
    X(bytes_sent,       NUMBER, "exochat.bytes_sent") \
    X(bytes_received,   NUMBER, "exochat.bytes_received") \
    X(request_id,       TEXT,   "exochat.request_id") \
    X(request_body,     TEXT,   "exochat.request.body") \
    X(response_text,    TEXT,   "exochat.response.text")
/* clang-format on */

/* What a record is about. */
typedef enum exo_record_kind {
    EXO_RECORD_ATTEMPT,
    EXO_RECORD_CALL
} exo_record_kind;

/* The type of a TEXT field: NUL-terminated, "" when absent. */
typedef const char *exo_record_TEXT;
/* The type of a NUMBER field: -1 when absent. */
typedef int64_t exo_record_NUMBER;

/* One record; valid during the hook only. */
struct exo_record {
    exo_record_kind kind;
#define EXO_X(field, kind_, name) exo_record_##kind_ field;
    EXO_RECORD_MAP(EXO_X)
#undef EXO_X
};

/* Writes a record as one line of JSON without its line end, absent fields left out, into `text` of `size` bytes,
 * NUL-terminated. Returns the length of the whole line, as snprintf() does. */
size_t exo_record_json(const exo_record *record, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
