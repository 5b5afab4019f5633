/*
 * json_out.h: JSON to a stdio stream, piece by piece, with the commas put in.
 *
 * Strings are written by the core's json_write.h, so whatever comes in, valid UTF-8 goes out. One value stands on one
 * line. Nothing is kept in memory.
 */
#ifndef EXO_CLI_JSON_OUT_H
#define EXO_CLI_JSON_OUT_H

#include "exochat/span.h"

#include <stdio.h>

/* Where the JSON goes, and whether a comma is due before what comes next. */
typedef struct json_out {
    FILE *to;
    bool comma;
} json_out;

/* A writer to `to`, at the beginning of a value. */
json_out json_out_to(FILE *to);

/* '{' or '[', and '}' or ']'. */
void json_open(json_out *out, char bracket);
void json_close(json_out *out, char bracket);

/* The name of a member; its value follows. */
void json_key(json_out *out, const char *key);
void json_key_span(json_out *out, exo_span key);

/* Values. */
void json_null(json_out *out);
void json_bool(json_out *out, bool value);
void json_int(json_out *out, int64_t number);
void json_text(json_out *out, const char *text);
void json_string(json_out *out, exo_span text);

/* A string, or null where it is empty. */
void json_text_or_null(json_out *out, const char *text);
void json_string_or_null(json_out *out, exo_span text);

/* A number, or null where it is negative. */
void json_int_or_null(json_out *out, int64_t number);

/* A value that is JSON already: on one line, and with U+FFFD for invalid UTF-8. What is empty or no JSON becomes null.
 */
void json_raw(json_out *out, exo_span json);

/* A line end after a whole value, and all of it handed on. */
void json_end_line(json_out *out);

#endif
