/*
 * intake_look.c: what a text of JSON is that is not read as an event: perhaps an error, perhaps the first of many
 * lines.
 *
 * It reads no further than it must, tolerantly, and keeps nothing. intake.c asks.
 */
#include "intake_look.h"

/* Takes the next token, and says whether it is of that type. */
static bool look_next(exo_json_reader *reader, exo_json_token *token, exo_json_type type)
{
    return exo_json_next(reader, token) == EXO_EVENT && token->type == type;
}

/* Takes the brace of the object that `text` has to be. */
static bool look_begin(exo_json_reader *reader, exo_json_token *token, const exo_span *text)
{
    exo_json_reader_init(reader, *text, EXO_JSON_DEPTH_MAX, true);
    exo_json_reader_tolerate(reader);
    return look_next(reader, token, EXO_JSON_OBJECT);
}

/* Takes the members of an object up to a key, and says whether there is one. */
static bool look_for_key(exo_json_reader *reader, exo_json_token *token, const char *name)
{
    while (look_next(reader, token, EXO_JSON_KEY)) {
        if (exo_json_is(token, name)) {
            return true;
        }
        (void)exo_json_skip(reader, NULL); /* next() repeats its error */
    }
    return false;
}

enum exo_odd exo_look_for_error(const exo_span *data)
{
    exo_json_reader reader;
    exo_json_token token;
    enum exo_odd odd = EXO_ODD_NONE;
    if (!look_begin(&reader, &token, data)) {
        return odd;
    }
    while (look_next(&reader, &token, EXO_JSON_KEY)) {
        exo_span value = {NULL, 0};
        bool type = exo_json_is(&token, "type");
        bool says = exo_json_is(&token, "message") || exo_json_is(&token, "code");
        (void)exo_json_skip(&reader, &value);
        if (type && exo_span_is(value, "\"error\"")) {
            return EXO_ODD_ERROR;
        }
        if (says && !exo_span_is(value, "null")) {
            odd = EXO_ODD_PERHAPS;
        }
    }
    return odd;
}

bool exo_look_for_delta(const exo_span *line)
{
    exo_json_reader reader;
    exo_json_token token;
    return look_begin(&reader, &token, line) && look_for_key(&reader, &token, "choices") &&
           look_next(&reader, &token, EXO_JSON_ARRAY) && look_next(&reader, &token, EXO_JSON_OBJECT) &&
           look_for_key(&reader, &token, "delta");
}
