/*
 * json.c: see json.h. The value is walked as a tape, like a request.
 */
#include "json.h"

#include "tape.h"

/* Where the writing is. */
typedef struct json_writer {
    exo_buffer *out;
    bool comma; /* one stands before what comes next */
    int depth;
    char closing[EXO_JSON_DEPTH_MAX]; /* what ends each array and object that is open */
} json_writer;

static int json_put(json_writer *w, const char *text)
{
    return exo_buffer_append(w->out, exo_span_text(text));
}

static int json_put_string(json_writer *w, exo_span text)
{
    char piece[1024];
    exo_json_string string;
    exo_window window = {piece, sizeof piece, 0};
    exo_json_string_init(&string, text);
    int code;
    do {
        window.pos = 0;
        code = exo_json_string_write(&string, &window);
        int put = exo_buffer_append(w->out, exo_span_of(piece, window.pos));
        if (put != EXO_OK) {
            return put;
        }
    } while (code == EXO_AGAIN);
    return code;
}

static int json_open(json_writer *w, bool object)
{
    w->closing[w->depth++] = object ? '}' : ']';
    return json_put(w, object ? "{" : "[");
}

static int json_put_value(json_writer *w, const exo_value *value)
{
    char digits[EXO_JSON_INTEGER_MAX];
    switch (value->type) {
    case EXO_VALUE_NULL:
        return json_put(w, "null");
    case EXO_VALUE_FALSE:
        return json_put(w, "false");
    case EXO_VALUE_TRUE:
        return json_put(w, "true");
    case EXO_VALUE_INT:
        return exo_buffer_append(w->out, exo_span_of(digits, exo_json_write_int64(digits, value->number.i)));
    case EXO_VALUE_NUMBER:
        return exo_buffer_append(w->out, value->text);
    case EXO_VALUE_STRING:
    case EXO_VALUE_KEY:
        return json_put_string(w, value->text);
    case EXO_VALUE_ARRAY:
    case EXO_VALUE_OBJECT:
        return json_open(w, value->type == EXO_VALUE_OBJECT);
    default: /* an end; a tape that is walked in line has no sources */
        return exo_buffer_append(w->out, exo_span_of(&w->closing[--w->depth], 1));
    }
}

static int json_put_token(json_writer *w, const exo_value *value)
{
    int code = w->comma && value->type != EXO_VALUE_END ? json_put(w, ",") : EXO_OK;
    if (code == EXO_OK) {
        code = json_put_value(w, value);
    }
    bool is_key = value->type == EXO_VALUE_KEY;
    w->comma = !is_key && value->type != EXO_VALUE_ARRAY && value->type != EXO_VALUE_OBJECT;
    return code == EXO_OK && is_key ? json_put(w, ":") : code;
}

static bool json_write(exopy_tape *tape, exo_buffer *out)
{
    json_writer writer = {.out = out};
    exo_cursor cursor = exopy_tape_cursor(tape);
    exo_value value;
    int code;
    tape->inline_ = true;
    while ((code = cursor.ops->next(cursor.ctx, &value)) == EXO_EVENT) {
        code = json_put_token(&writer, &value);
        if (code != EXO_OK) {
            break;
        }
    }
    if (code == EXO_OK) {
        code = exo_buffer_append(out, exo_span_of("", 1));
    }
    if (code != EXO_OK && !exopy_tape_raise(tape)) {
        exopy_raise(code);
    }
    return code == EXO_OK;
}

bool exopy_json(exopy_state *state, PyObject *value, const char *name, exo_buffer *out)
{
    exopy_tape tape = {0};
    exo_buffer_init(out, &exopy_heap, UINT32_MAX, EXO_E_KEYS_LIMIT);
    bool written = exopy_tape_build(&tape, state, value, name) && json_write(&tape, out);
    exopy_tape_free(&tape);
    return written;
}
