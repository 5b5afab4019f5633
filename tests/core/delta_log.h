/*
 * delta_log.h: deltas as lines of text, for the tests that compare them with what is expected.
 *
 * A line is the delta's kind, [n] for a choice other than 0, its text in quotation marks (JSON as it stands), and its
 * flags. Control characters are written \hh.
 */
#ifndef DELTA_LOG_H
#define DELTA_LOG_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "exochat/chunk.h"

typedef struct delta_log {
    char *text;
    size_t len;
    size_t size;
} delta_log;

static inline void log_bytes(delta_log *log, const char *bytes, size_t len)
{
    if (log->size - log->len < 3 * len + 1) {
        log->size = 2 * (log->size + 3 * len + 1);
        log->text = realloc(log->text, log->size);
        if (!log->text) {
            abort();
        }
    }
    for (size_t i = 0; i < len; i++) {
        unsigned byte = (uint8_t)bytes[i];
        if (byte >= 0x20 || byte == '\n') {
            log->text[log->len++] = bytes[i];
        } else {
            log->len += (size_t)sprintf(log->text + log->len, "\\%02x", byte);
        }
    }
    log->text[log->len] = '\0';
}

/* A string in quotation marks, LF escaped too. */
static inline void log_quoted(delta_log *log, exo_span text)
{
    log_bytes(log, " \"", 2);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            log_bytes(log, "\\0a", 3);
        } else {
            log_bytes(log, text.ptr + i, 1);
        }
    }
    log_bytes(log, "\"", 1);
}

static inline void log_print(delta_log *log, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_bytes(log, line, strlen(line));
}

static inline void log_usage(delta_log *log, const exo_usage *usage)
{
    log_print(log, " %lld %lld %lld cached %lld reasoning %lld", (long long)usage->prompt_tokens,
              (long long)usage->completion_tokens, (long long)usage->total_tokens, (long long)usage->cached_tokens,
              (long long)usage->reasoning_tokens);
}

static inline void log_delta(delta_log *log, const exo_delta *delta)
{
    static const char *const kinds[] = {
        [EXO_DELTA_MALFORMED] = "malformed",
        [EXO_DELTA_ERROR] = "error",
        [EXO_DELTA_ID] = "id",
        [EXO_DELTA_MODEL] = "model",
        [EXO_DELTA_TIER] = "tier",
        [EXO_DELTA_CONTENT] = "content",
        [EXO_DELTA_REASONING] = "reasoning",
        [EXO_DELTA_REASONING_DETAILS] = "details",
        [EXO_DELTA_REFUSAL] = "refusal",
        [EXO_DELTA_TOOL_CALL] = "call",
        [EXO_DELTA_TOOL_ARGUMENTS] = "arguments",
        [EXO_DELTA_TOOL_OBJECT] = "object",
        [EXO_DELTA_TOOL_EXTRA] = "extra",
        [EXO_DELTA_TOOL_MEMBER] = "call member",
        [EXO_DELTA_MEMBER] = "member",
        [EXO_DELTA_LOGPROBS] = "logprobs",
        [EXO_DELTA_AUDIO] = "audio",
        [EXO_DELTA_FINISH] = "finish",
        [EXO_DELTA_USAGE] = "usage",
    };
    log_print(log, "%s", kinds[delta->type]);
    if (delta->choice != 0) {
        log_print(log, " [%u]", (unsigned)delta->choice);
    }
    switch (delta->type) {
    case EXO_DELTA_MALFORMED:
        log_print(log, " %s @%u%s", exo_error_name(delta->code), (unsigned)delta->number, delta->hole ? " hole" : "");
        break;
    case EXO_DELTA_TOOL_CALL:
        log_print(log, " %lld", (long long)delta->index);
        log_quoted(log, delta->id);
        log_quoted(log, delta->name);
        break;
    case EXO_DELTA_MEMBER:
    case EXO_DELTA_TOOL_MEMBER:
        log_quoted(log, delta->name);
        log_quoted(log, delta->text);
        break;
    case EXO_DELTA_USAGE:
        log_usage(log, &delta->usage);
        break;
    default:
        log_quoted(log, delta->text);
        break;
    }
    if (delta->half != 0) {
        log_print(log, " half %x", (unsigned)delta->half);
    }
    log_print(log, "%s%s%s%s%s\n", delta->last ? " last" : "", delta->whole ? " whole" : "",
              delta->echo != 0 ? " echo" : "", delta->legacy ? " legacy" : "", delta->list ? " list" : "");
}

#endif
