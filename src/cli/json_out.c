/*
 * json_out.c: see json_out.h.
 */
#include "json_out.h"

#include "exochat/json_read.h"
#include "exochat/json_write.h"

#include <inttypes.h>

json_out json_out_to(FILE *to)
{
    json_out out = {to, false};
    return out;
}

/* What comes before every value and key. */
static void out_separate(json_out *out)
{
    if (out->comma) {
        fputc(',', out->to);
    }
    out->comma = true;
}

void json_open(json_out *out, char bracket)
{
    out_separate(out);
    fputc(bracket, out->to);
    out->comma = false;
}

void json_close(json_out *out, char bracket)
{
    fputc(bracket, out->to);
    out->comma = true;
}

static void out_write_escaped(FILE *to, exo_span text, exo_json_escaper *escaper, bool last)
{
    char bytes[1024];
    int result = EXO_AGAIN;
    while (result == EXO_AGAIN) {
        exo_window window = {bytes, sizeof bytes, 0};
        result = exo_json_escape(escaper, &text, last, &window);
        fwrite(bytes, 1, window.pos, to);
    }
}

static int out_write_piece(void *to, exo_span piece)
{
    fwrite(piece.ptr, 1, piece.len, to);
    return EXO_OK;
}

static void out_write_string(FILE *to, exo_span text)
{
    (void)exo_json_string_put(text, out_write_piece, to);
}

void json_key(json_out *out, const char *key)
{
    json_key_span(out, exo_span_text(key));
}

void json_key_span(json_out *out, exo_span key)
{
    out_separate(out);
    out_write_string(out->to, key);
    fputc(':', out->to);
    out->comma = false;
}

void json_null(json_out *out)
{
    out_separate(out);
    fputs("null", out->to);
}

void json_bool(json_out *out, bool value)
{
    out_separate(out);
    fputs(value ? "true" : "false", out->to);
}

void json_int(json_out *out, int64_t number)
{
    out_separate(out);
    fprintf(out->to, "%" PRId64, number);
}

void json_text(json_out *out, const char *text)
{
    json_string(out, exo_span_text(text));
}

void json_string(json_out *out, exo_span text)
{
    out_separate(out);
    out_write_string(out->to, text);
}

void json_text_or_null(json_out *out, const char *text)
{
    json_string_or_null(out, exo_span_text(text));
}

void json_string_or_null(json_out *out, exo_span text)
{
    if (text.len > 0) {
        json_string(out, text);
    } else {
        json_null(out);
    }
}

void json_int_or_null(json_out *out, int64_t number)
{
    if (number >= 0) {
        json_int(out, number);
    } else {
        json_null(out);
    }
}

/* The string of a token as it came, or with its invalid UTF-8 replaced. */
static void out_write_token_string(FILE *to, const exo_json_token *token)
{
    if (token->plain || exo_json_check(token->raw, 1, NULL) == EXO_OK) {
        fwrite(token->raw.ptr, 1, token->raw.len, to);
        return;
    }
    exo_json_decoder decoder;
    exo_json_escaper escaper;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last = false;
    exo_json_decoder_init(&decoder, token->text);
    exo_json_escaper_init(&escaper);
    fputc('"', to);
    while (exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        out_write_escaped(to, fragment, &escaper, last);
    }
    fputc('"', to);
}

static void out_write_token(json_out *out, const exo_json_token *token)
{
    switch (token->type) {
    case EXO_JSON_ARRAY:
    case EXO_JSON_OBJECT:
        json_open(out, token->raw.ptr[0]);
        break;
    case EXO_JSON_ARRAY_END:
    case EXO_JSON_OBJECT_END:
        json_close(out, token->raw.ptr[0]);
        break;
    case EXO_JSON_KEY:
        out_separate(out);
        out_write_token_string(out->to, token);
        fputc(':', out->to);
        out->comma = false;
        break;
    case EXO_JSON_STRING:
        out_separate(out);
        out_write_token_string(out->to, token);
        break;
    default:
        out_separate(out);
        fwrite(token->raw.ptr, 1, token->raw.len, out->to);
        break;
    }
}

/* Whether `json` is one value, invalid UTF-8 in its strings apart. */
static bool is_json(exo_span json)
{
    exo_json_reader reader;
    exo_json_token token;
    int result = EXO_EVENT;
    exo_json_reader_init(&reader, json, EXO_JSON_DEPTH_MAX, true);
    while (result == EXO_EVENT) {
        result = exo_json_next(&reader, &token);
    }
    return result == EXO_OK;
}

void json_raw(json_out *out, exo_span json)
{
    exo_json_reader reader;
    exo_json_token token;
    if (!is_json(json)) {
        json_null(out);
        return;
    }
    exo_json_reader_init(&reader, json, EXO_JSON_DEPTH_MAX, true);
    while (exo_json_next(&reader, &token) == EXO_EVENT) {
        out_write_token(out, &token);
    }
}

void json_end_line(json_out *out)
{
    fputc('\n', out->to);
    fflush(out->to);
    out->comma = false;
}
