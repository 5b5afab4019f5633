/*
 * shape.c: remembers the shapes of events, and finds the one that an event has. See shape.h.
 *
 * Called by chunk.c alone. An event is compared with each shape once, and once more for each hole that is opened by it;
 * a hole opens once.
 */
#include "shape.h"

#ifndef EXO_SMALL

#include "ascii.h"
#include "json_text.h"
#include "seldom.h"

/* So many events are learned without one that comes again before learning is seldom. */
#define SHAPES_FUTILE 8
#define SHAPES_SELDOM 64

typedef struct shape {
    char *bytes; /* of the event, NULL: none is remembered */
    uint16_t len;
    uint8_t open_count; /* holes in which other bytes were seen, and the text's; in order */
    uint8_t closed_count;
    exo_known known;
    exo_shape_hole open[SHAPE_HOLES_MAX];
    exo_shape_hole closed[SHAPE_HOLES_MAX]; /* whose bytes are still compared */
} shape;

struct exo_shapes {
    const exo_allocator *allocator;
    unsigned next;   /* the place of the next one that is learned */
    unsigned last;   /* the one that was found last */
    unsigned futile; /* learned since one was found */
    shape shapes[SHAPE_COUNT_];
};

exo_shapes *exo_shapes_new(const exo_allocator *allocator)
{
    exo_shapes *shapes = allocator->resize(allocator->ctx, NULL, sizeof *shapes);
    if (shapes) {
        memset(shapes, 0, sizeof *shapes);
        shapes->allocator = allocator;
    }
    return shapes;
}

/* Puts a hole at its place, in order, among `count` others. */
static void shape_put_hole(exo_shape_hole *holes, size_t count, exo_shape_hole hole)
{
    for (; count > 0 && holes[count - 1].at > hole.at; count--) {
        holes[count] = holes[count - 1];
    }
    holes[count] = hole;
}

/* ---- finding ---- */

/* The length of a whole number at `text`, as JSON has them; 0: there is none. */
SELDOM static size_t shape_number_len(const char *text, size_t len)
{
    size_t at = len > 0 && *text == '-';
    const size_t first = at;
    while (at < len && ascii_is_digit(text[at])) {
        at++;
    }
    const bool proper = at > first && (text[first] != '0' || at == first + 1);
    return proper ? at : 0;
}

/* The length of the escape at `text`, 0 where it is none that a strict reader knows. */
static size_t shape_escape_len(const char *text, size_t len)
{
    if (len > 1 && (text[1] == '"' || text[1] == '\\')) { /* the most frequent ones */
        return 2;
    }
    if (exo_json_code_unit(text, len) >= 0) {
        return 6;
    }
    return len > 1 && exo_json_escape_value((uint8_t)text[1]) >= 0 ? 2 : 0;
}

/* Goes on to the second quotation mark of a text, or to what is no part of it, from a reverse solidus on. */
SELDOM static size_t shape_escaped_len(const char *text, size_t len, size_t at)
{
    while (at < len && text[at] == '\\') {
        const size_t escape = shape_escape_len(text + at, len - at);
        if (escape == 0) {
            return at;
        }
        at += escape;
        if (at < len && text[at] != '\\' && text[at] != '"') {
            at += json_short_run(text + at, len - at);
        }
    }
    return at;
}

/* Decodes a text while looking for its second quotation mark, and returns its length; 0 where it is not short, is not
 * ASCII, or has other escapes than those of two bytes. So much of it is one fragment, whatever it is made of:
 * exo_json_decode() breaks off where four bytes more might not fit into its scratch. */
SELDOM static size_t shape_decode(const char *text, size_t len, char *scratch, size_t *decoded)
{
    const char *at = text;
    const char *const end = text + len - 1; /* an escape has a byte more */
    char *out = scratch;
    while (at < end && out < scratch + EXO_JSON_SCRATCH - 4) {
        char byte = *at++;
        if (byte == '"') {
            *decoded = (size_t)(out - scratch);
            return (size_t)(at - 1 - text);
        }
        if (byte == '\\') {
            byte = *at++;
            if (byte != '"' && byte != '\\') {
                const int value = exo_json_escape_value((uint8_t)byte);
                if (value < 0) {
                    return 0;
                }
                byte = (char)value;
            }
        } else if ((uint8_t)(byte - ' ') >= 0x80 - ' ') {
            return 0;
        }
        *out++ = byte;
    }
    return 0;
}

/* The length of what stands between the quotation marks of a text, up to the second one or to what is no part of it. */
static size_t shape_text_len(const char *text, size_t len, char *scratch, exo_recalled *recalled)
{
    const size_t run = json_short_run(text, len);
    size_t decoded;
    recalled->plain = true;
    recalled->text = exo_span_of(text, run);
    if (run == len || text[run] != '\\') {
        return run;
    }
    size_t end = run < EXO_JSON_SCRATCH ? shape_decode(text, len, scratch, &decoded) : 0;
    if (end > 0) {
        recalled->text = exo_span_of(scratch, decoded);
        return end;
    }
    end = shape_escaped_len(text, len, run);
    recalled->plain = false;
    recalled->text = exo_span_of(text, end);
    return end;
}

/* What a comparison comes to. */
enum fit {
    FIT_NOT,
    FIT_PERHAPS, /* a hole was opened: once more */
    FIT_WELL
};

/* The bytes from `at` on are not those of the event: where the first of them stands in a hole that is closed, it is
 * opened. */
SELDOM static enum fit shape_open_hole(shape *s, size_t at, const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && text[i] == s->bytes[at + i]) {
        i++;
    }
    for (size_t h = 0; h < s->closed_count; h++) {
        exo_shape_hole hole = s->closed[h];
        if (at + i >= hole.at && at + i <= (size_t)hole.at + hole.len) {
            s->closed[h] = s->closed[--s->closed_count];
            shape_put_hole(s->open, s->open_count++, hole);
            return FIT_PERHAPS;
        }
    }
    return FIT_NOT;
}

/* The length of what may stand in a hole, at most `len` bytes; what follows is compared with what followed it.
 * Negative: nothing that may. */
static ptrdiff_t shape_value_len(enum shape_kind kind, const char *text, size_t len, char *scratch,
                                 exo_recalled *recalled)
{
    size_t value;
    if (kind == SHAPE_STRING) {
        return (ptrdiff_t)json_short_run(text, len);
    }
    value = kind == SHAPE_TEXT ? shape_text_len(text, len, scratch, recalled) : shape_number_len(text, len);
    return value > 0 ? (ptrdiff_t)value : -1;
}

static enum fit shape_compare(shape *s, exo_span bytes, enum shape_end end, char *scratch, exo_recalled *recalled)
{
    const char *text = bytes.ptr;
    size_t left = bytes.len;
    size_t at = 0;
    size_t len;
    for (size_t h = 0; h < s->open_count; h++) {
        const exo_shape_hole *hole = &s->open[h];
        len = hole->at - at;
        if (len > left || memcmp(s->bytes + at, text, len) != 0) {
            return shape_open_hole(s, at, text, len < left ? len : left);
        }
        text += len;
        left -= len;
        const ptrdiff_t value = shape_value_len((enum shape_kind)hole->kind, text, left, scratch, recalled);
        if (value < 0) {
            return FIT_NOT;
        }
        text += value;
        left -= (size_t)value;
        at = (size_t)hole->at + hole->len;
    }
    len = s->len - at;
    if (len > left || memcmp(s->bytes + at, text, len) != 0) {
        return shape_open_hole(s, at, text, len < left ? len : left);
    }
    left -= len;
    recalled->len = bytes.len - left;
    const bool ends = end == SHAPE_END_HERE ? left == 0 : left > 1 && text[len] == '\n' && text[len + 1] == '\n';
    recalled->ends_otherwise = !ends;
    return ends ? FIT_WELL : FIT_NOT;
}

/* Whether bytes begin with an event of that shape; then it is the one that was found last. */
static bool shape_is_found(exo_shapes *shapes, unsigned number, exo_span bytes, enum shape_end end, char *scratch,
                           exo_recalled *recalled)
{
    shape *s = &shapes->shapes[number];
    enum fit fit = s->bytes ? FIT_PERHAPS : FIT_NOT;
    while (fit == FIT_PERHAPS) {
        fit = shape_compare(s, bytes, end, scratch, recalled);
    }
    if (fit == FIT_NOT) {
        return false;
    }
    shapes->last = number;
    shapes->futile = 0;
    recalled->known = &s->known;
    return true;
}

bool exo_shapes_recall(exo_shapes *shapes, exo_span bytes, enum shape_end end, char scratch[EXO_JSON_SCRATCH],
                       exo_recalled *recalled)
{
    for (unsigned i = 0; i < SHAPE_COUNT_; i++) {
        if (shape_is_found(shapes, (shapes->last + i) % SHAPE_COUNT_, bytes, end, scratch, recalled)) {
            return true;
        }
    }
    return false;
}

/* ---- learning ---- */

void exo_shape_add_hole(exo_shape_draft *draft, size_t at, size_t len, enum shape_kind kind)
{
    if (draft->hole_count == SHAPE_HOLES_MAX || at + len > SHAPE_BYTES_MAX) {
        return;
    }
    draft->holes[draft->hole_count++] = (exo_shape_hole){(uint16_t)at, (uint16_t)len, (uint8_t)kind};
}

bool exo_shapes_wanted(exo_shapes *shapes)
{
    return ++shapes->futile <= SHAPES_FUTILE || shapes->futile % SHAPES_SELDOM == 0;
}

/* A span of the event as it lies in the copy. */
static exo_span shape_own_span(const shape *s, exo_span event, exo_span part)
{
    return part.len > 0 ? exo_span_of(s->bytes + (part.ptr - event.ptr), part.len) : exo_span_of(NULL, 0);
}

uint8_t exo_shapes_learn(exo_shapes *shapes, const exo_shape_draft *draft)
{
    const exo_allocator *allocator = shapes->allocator;
    shape *s = &shapes->shapes[shapes->next];
    const exo_span event = draft->event;
    if (event.len > SHAPE_BYTES_MAX || memchr(event.ptr, '\n', event.len) || memchr(event.ptr, '\r', event.len)) {
        return 0;
    }
    char *bytes = allocator->resize(allocator->ctx, s->bytes, event.len);
    if (!bytes) {
        return 0; /* what was there stays */
    }
    s->bytes = bytes;
    s->len = (uint16_t)event.len;
    memcpy(bytes, event.ptr, event.len);
    s->open_count = s->closed_count = 0;
    for (size_t h = 0; h < draft->hole_count; h++) {
        const exo_shape_hole *hole = &draft->holes[h];
        if (hole->kind == SHAPE_TEXT) {
            shape_put_hole(s->open, s->open_count++, *hole);
        } else {
            s->closed[s->closed_count++] = *hole;
        }
    }
    s->known = draft->known;
    for (int i = 0; i < EXO_CHUNK_NAMES_; i++) {
        s->known.names[i] = shape_own_span(s, event, draft->known.names[i]);
    }
    shapes->last = shapes->next;
    shapes->next = (shapes->next + 1) % SHAPE_COUNT_;
    s->known.shape = (uint8_t)(shapes->last + 1);
    return s->known.shape;
}

void exo_shapes_free(exo_shapes *shapes)
{
    if (!shapes) {
        return;
    }
    const exo_allocator *allocator = shapes->allocator;
    for (unsigned i = 0; i < SHAPE_COUNT_; i++) {
        if (shapes->shapes[i].bytes) {
            allocator->resize(allocator->ctx, shapes->shapes[i].bytes, 0);
        }
    }
    allocator->resize(allocator->ctx, shapes, 0);
}

#endif
