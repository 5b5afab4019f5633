/*
 * json_unique.c: looks for keys that stand twice in an object of a JSON text, at any level. See exo_json_unique() in
 * request.h.
 *
 * The keys of the objects that are open lie in one stack. Where an object ends its own are sorted, by what they say
 * once decoded, and so equal ones become neighbours: n log n, whatever the keys are. Memory: that stack.
 */
#include "heap.h"

#include "exochat/json_read.h"
#include "exochat/request.h"

#include <stdlib.h>

typedef struct seen {
    exo_span text; /* between its quotation marks */
    bool plain;    /* that is what it says */
} seen;

typedef struct stack {
    seen *keys;
    size_t count;
    size_t room;
} stack;

static bool unique_push(stack *s, const exo_json_token *key)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 32;
        seen *grown =
            room <= SIZE_MAX / sizeof *grown ? exo_heap.resize(exo_heap.ctx, s->keys, room * sizeof *grown) : NULL;
        if (!grown) {
            return false;
        }
        s->keys = grown;
        s->room = room;
    }
    s->keys[s->count].text = key->text;
    s->keys[s->count++].plain = key->plain;
    return true;
}

static int unique_compare_bytes(exo_span a, exo_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

/* One side of a comparison: a key that is being decoded. */
typedef struct side {
    exo_json_decoder decoder;
    exo_span rest; /* of the last fragment */
    char scratch[EXO_JSON_SCRATCH];
} side;

/* Makes sure that there is something in `rest`, unless the key has ended. */
static void unique_refill(side *s)
{
    bool last = false;
    while (s->rest.len == 0 && !last) {
        if (exo_json_decode(&s->decoder, s->scratch, &s->rest, &last) != EXO_EVENT) {
            return;
        }
    }
}

static int unique_compare_decoded(exo_span a, exo_span b)
{
    side left;
    side right;
    exo_json_decoder_init(&left.decoder, a);
    exo_json_decoder_init(&right.decoder, b);
    left.rest = exo_span_of(NULL, 0);
    right.rest = exo_span_of(NULL, 0);
    for (;;) {
        unique_refill(&left);
        unique_refill(&right);
        size_t len = left.rest.len < right.rest.len ? left.rest.len : right.rest.len;
        if (len == 0) {
            return unique_compare_bytes(left.rest, right.rest);
        }
        int order = memcmp(left.rest.ptr, right.rest.ptr, len);
        if (order != 0) {
            return order;
        }
        left.rest = exo_span_of(left.rest.ptr + len, left.rest.len - len);
        right.rest = exo_span_of(right.rest.ptr + len, right.rest.len - len);
    }
}

static int unique_by_value(const seen *a, const seen *b)
{
    return a->plain && b->plain ? unique_compare_bytes(a->text, b->text) : unique_compare_decoded(a->text, b->text);
}

/* Of equal keys, the one that stands first in the text comes first. */
static int unique_by_value_and_place(const void *left, const void *right)
{
    const seen *a = left;
    const seen *b = right;
    int order = unique_by_value(a, b);
    return order != 0 ? order : a->text.ptr < b->text.ptr ? -1 : a->text.ptr > b->text.ptr;
}

/* Takes the keys from `first` on off the stack. The first one in the text that another one before it equals, or NULL.
 */
static const char *unique_pop(stack *s, size_t first)
{
    const char *twice = NULL;
    if (s->count - first > 1) {
        qsort(s->keys + first, s->count - first, sizeof *s->keys, unique_by_value_and_place);
    }
    for (size_t i = first + 1; i < s->count; i++) {
        const seen *key = &s->keys[i];
        if (unique_by_value(key - 1, key) == 0 && (!twice || key->text.ptr < twice)) {
            twice = key->text.ptr;
        }
    }
    s->count = first;
    return twice;
}

int exo_json_unique(exo_span json, size_t *offset)
{
    exo_json_reader reader;
    exo_json_token token;
    size_t firsts[EXO_JSON_DEPTH_MAX] = {0}; /* of each object that is open, its first key in the stack */
    size_t depth = 0;
    stack keys = {NULL, 0, 0};
    const char *twice = NULL;
    int code = json.ptr || json.len == 0 ? EXO_EVENT : EXO_E_ARGUMENT;
    json.len = json.ptr ? json.len : 0;
    exo_json_reader_init(&reader, json, EXO_JSON_DEPTH_MAX, true);
    while (code == EXO_EVENT && !twice && (code = exo_json_next(&reader, &token)) == EXO_EVENT) {
        if (token.type == EXO_JSON_OBJECT) {
            firsts[depth++] = keys.count;
        } else if (token.type == EXO_JSON_KEY && !unique_push(&keys, &token)) {
            code = EXO_E_NO_MEMORY;
        } else if (token.type == EXO_JSON_OBJECT_END) {
            twice = unique_pop(&keys, firsts[--depth]);
        }
    }
    exo_heap.resize(exo_heap.ctx, keys.keys, 0);
    if (offset) {
        *offset = twice ? (size_t)(twice - json.ptr) - 1 : reader.at;
    }
    return twice ? EXO_E_DUPLICATE_KEY : code;
}
