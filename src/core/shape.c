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

/* So many events are learned without one that comes again before learning is seldom. */
#define SHAPES_FUTILE 8
#define SHAPES_SELDOM 64

typedef struct shape {
    char *bytes; /* of the event, NULL: none is remembered */
    uint16_t len;
    uint8_t hole_count;
    exo_known known;
    exo_shape_hole holes[SHAPE_HOLES_MAX];
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

/* ---- finding ---- */

/* The length of a whole number at `text`, as JSON has them; 0: there is none. */
static size_t shape_number_len(const char *text, size_t len)
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

/* The length of what stands between the quotation marks of a text, up to the second one or to what is no part of one;
 * `*plain` says that it has no escapes. */
static size_t shape_text_len(const char *text, size_t len, bool *plain)
{
    size_t at = exo_json_clean_run(text, len);
    *plain = true;
    while (at < len && text[at] == '\\') {
        const size_t escape = shape_escape_len(text + at, len - at);
        if (escape == 0) {
            return at;
        }
        *plain = false;
        at += escape;
        if (at < len && text[at] != '\\' && text[at] != '"') {
            at += exo_json_clean_run(text + at, len - at);
        }
    }
    return at;
}

/* The length of what may stand in a hole; what follows is compared with what followed it. */
static size_t shape_value_len(const exo_shape_hole *hole, const char *text, size_t len, exo_known *known)
{
    switch ((enum shape_kind)hole->kind) {
    case SHAPE_NUMBER:
        return shape_number_len(text, len);
    case SHAPE_STRING:
        return exo_json_clean_run(text, len);
    case SHAPE_TEXT:
        break;
    }
    known->text = exo_span_of(text, shape_text_len(text, len, &known->plain));
    return known->text.len;
}

/* The bytes from `at` on are not those of the event: where the first of them stands in a hole that is closed, it is
 * opened. */
static bool shape_open_hole(shape *s, size_t at, const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && text[i] == s->bytes[at + i]) {
        i++;
    }
    for (size_t h = 0; h < s->hole_count; h++) {
        exo_shape_hole *hole = &s->holes[h];
        if (!hole->open && at + i >= hole->at && at + i <= (size_t)hole->at + hole->len) {
            hole->open = true;
            return true;
        }
    }
    return false;
}

/* Compares an event with a shape. `*opened`: not the same, but a hole was opened, and it may be now. */
static bool shape_fits(shape *s, exo_span event, exo_known *known, bool *opened)
{
    size_t at = 0;
    size_t in_event = 0;
    *opened = false;
    for (size_t h = 0; h <= s->hole_count; h++) {
        const exo_shape_hole *hole = &s->holes[h];
        if (h < s->hole_count && !hole->open) {
            continue;
        }
        const size_t len = (h < s->hole_count ? hole->at : s->len) - at;
        const size_t left = event.len - in_event;
        if (len > left || memcmp(s->bytes + at, event.ptr + in_event, len) != 0) {
            *opened = shape_open_hole(s, at, event.ptr + in_event, len < left ? len : left);
            return false;
        }
        in_event += len;
        if (h == s->hole_count) {
            break;
        }
        const size_t value = shape_value_len(hole, event.ptr + in_event, event.len - in_event, known);
        if (value == 0 && hole->kind != SHAPE_STRING) {
            return false;
        }
        in_event += value;
        at = (size_t)hole->at + hole->len;
    }
    return in_event == event.len;
}

bool exo_shapes_recall(exo_shapes *shapes, exo_span event, exo_known *known)
{
    for (unsigned i = 0; i < SHAPE_COUNT_; i++) {
        const unsigned number = (shapes->last + i) % SHAPE_COUNT_;
        shape *s = &shapes->shapes[number];
        bool opened = s->bytes != NULL;
        bool fits = false;
        *known = s->known;
        while (opened && !fits) {
            fits = shape_fits(s, event, known, &opened);
        }
        if (fits) {
            shapes->last = number;
            shapes->futile = 0;
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
    size_t i = draft->hole_count++;
    for (; i > 0 && draft->holes[i - 1].at > at; i--) {
        draft->holes[i] = draft->holes[i - 1];
    }
    draft->holes[i] = (exo_shape_hole){(uint16_t)at, (uint16_t)len, (uint8_t)kind, kind == SHAPE_TEXT};
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
    if (draft->event.len > SHAPE_BYTES_MAX) {
        return 0;
    }
    char *bytes = allocator->resize(allocator->ctx, s->bytes, draft->event.len);
    if (!bytes) {
        return 0; /* what was there stays */
    }
    s->bytes = bytes;
    s->len = (uint16_t)draft->event.len;
    memcpy(bytes, draft->event.ptr, draft->event.len);
    s->hole_count = (uint8_t)draft->hole_count;
    memcpy(s->holes, draft->holes, draft->hole_count * sizeof *draft->holes);
    s->known = draft->known;
    for (int i = 0; i < EXO_CHUNK_NAMES_; i++) {
        s->known.names[i] = shape_own_span(s, draft->event, draft->known.names[i]);
    }
    s->known.text = exo_span_of(NULL, 0);
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
