/*
 * shape.c: remembers the shapes of events, and finds the one that an event has. See shape.h.
 *
 * Called by chunk.c and chunk_learn.c; exo_chunk_begin_ahead() of chunk.h is here, for intake.c. An event is compared
 * with each shape once, and once more for each hole that is opened by it; a hole opens once.
 */
#include "shape.h"

#ifndef EXO_SMALL

#include "ascii.h"
#include "chunk_delta.h"
#include "json_text.h"
#include "seldom.h"

/* So many events are learned without one that comes again before learning is seldom. */
#define SHAPES_FUTILE 8
#define SHAPES_SELDOM 64

typedef struct shape {
    char *bytes; /* of the event, NULL: none is remembered */
    uint16_t len;
    uint8_t open_count; /* holes in which other bytes were seen, and the text's; in order, the end behind them */
    uint8_t closed_count;
    exo_known known;
    exo_shape_hole open[SHAPE_HOLES_MAX + 1];
    exo_shape_hole closed[SHAPE_HOLES_MAX]; /* whose bytes are still compared */
} shape;

struct exo_shapes {
    const exo_allocator *allocator;
    shape *last;     /* the one that was found last */
    unsigned next;   /* the place of the next one that is learned */
    unsigned futile; /* learned since one was found */
    shape shapes[SHAPE_COUNT_];
};

exo_shapes *exo_shapes_new(const exo_allocator *allocator)
{
    exo_shapes *shapes = allocator->resize(allocator->ctx, NULL, sizeof *shapes);
    if (shapes) {
        memset(shapes, 0, sizeof *shapes);
        shapes->allocator = allocator;
        shapes->last = shapes->shapes;
    }
    return shapes;
}

/* Puts a hole at its place among those that are open, in order. */
static void shape_open(shape *s, exo_shape_hole hole)
{
    size_t at = 0;
    size_t place = ++s->open_count;
    for (; place > 0 && s->open[place - 1].at > hole.at; place--) {
        s->open[place] = s->open[place - 1];
    }
    s->open[place] = hole;
    for (place = 0; place <= s->open_count; place++) {
        s->open[place].before = (uint16_t)(s->open[place].at - at);
        at = (size_t)s->open[place].at + s->open[place].len;
    }
}

/* ---- finding ---- */

#ifdef VECTOR_BYTES
/* A copy of an event has so many bytes more, so that what is short can be compared as what is not. */
#define SHAPE_SPARE VECTOR_BYTES

/* Marks what is the same in two vectors of each, which may overlap. */
static inline vector shape_marks(const char *one, const char *other, size_t second)
{
    return (vector)((vector_load(one) == vector_load(other)) &
                    (vector_load(one + second) == vector_load(other + second)));
}

/* The same as shape_is_same(), of less than a vector. */
static inline bool shape_is_same_short(const char *own, const char *text, size_t len, size_t left)
{
    if (left >= VECTOR_BYTES) {
        const vector none = {0};
        const vector marks = (vector)(vector_load(own) == vector_load(text));
        return (vector_bits(marks, none, none, none) | UINT64_MAX << len) == UINT64_MAX;
    }
    while (len > 0 && own[len - 1] == text[len - 1]) {
        len--;
    }
    return len == 0;
}

/* Whether `len` bytes of a shape stand at `text`, where `left` bytes can be read, at least as many. A mismatch is
 * looked for at the end only. */
static OFTEN bool shape_is_same(const char *own, const char *text, size_t len, size_t left)
{
    const size_t half = 2 * (size_t)VECTOR_BYTES;
    vector same;
    if (len >= 2 * half) {
        const size_t last = len - 2 * half;
        same = shape_marks(own + last, text + last, VECTOR_BYTES) &
               shape_marks(own + last + half, text + last + half, VECTOR_BYTES);
        for (size_t at = 0; at < last; at += 2 * half) {
            same &= shape_marks(own + at, text + at, VECTOR_BYTES) &
                    shape_marks(own + at + half, text + at + half, VECTOR_BYTES);
        }
    } else if (len >= half) {
        same = shape_marks(own, text, VECTOR_BYTES) & shape_marks(own + len - half, text + len - half, VECTOR_BYTES);
    } else if (len >= VECTOR_BYTES) {
        same = shape_marks(own, text, len - VECTOR_BYTES);
    } else {
        return shape_is_same_short(own, text, len, left);
    }
    return vector_all(same);
}
#else
#define SHAPE_SPARE 0

static inline bool shape_is_same(const char *own, const char *text, size_t len, size_t left)
{
    (void)left;
    return memcmp(own, text, len) == 0;
}
#endif

/* What is longer, or no ASCII. */
SELDOM static size_t shape_long_run(const char *text, size_t len)
{
    return json_short_run(text, len);
}

/* The length of a run as json_short_run() has it, in `len` bytes that end a text which begins at `first`. */
static OFTEN size_t shape_run(const char *first, const char *text, size_t len)
{
#ifdef VECTOR_BYTES
    const size_t before = VECTOR_BYTES - len;
    if (len >= VECTOR_BYTES) {
        const unsigned run = vector_clean(text);
        if (run < VECTOR_BYTES && (uint8_t)text[run] < 0x80) {
            return run;
        }
    } else if (before <= (size_t)(text - first)) {
        const size_t run = vector_clean_behind(text - before, (unsigned)before);
        if (run < VECTOR_BYTES && (uint8_t)text[run - before] < 0x80) {
            return run - before;
        }
    }
#else
    (void)first;
#endif
    return shape_long_run(text, len);
}

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

#ifdef VECTOR_BYTES
/* Drops the bytes of a vector that have a bit: moves what stands behind each as a whole vector, the end of which is
 * overwritten by the next. Returns `out`, less by what was dropped. */
static inline char *shape_drop(char *out, const char *text, uint64_t drops)
{
    for (; drops > 0; drops &= drops - 1) {
        const unsigned at = (unsigned)__builtin_ctzll(drops);
        memcpy(out + at, text + at + 1, VECTOR_BYTES);
        out--;
    }
    return out;
}

/* The same as shape_decode(), of a text whose escapes are all \" and \\. */
static OFTEN size_t shape_decode_vectors(const char *text, size_t len, char *scratch, size_t *decoded)
{
    enum {
        AT_ONCE = 2 * VECTOR_BYTES
    };
    char copy[AT_ONCE + VECTOR_BYTES];
    const vector none = {0};
    char *out = scratch;
    uint64_t escaped = 0; /* the first byte of the next vectors */
    if (len < sizeof copy) {
        memset(copy, 0, sizeof copy);
        memcpy(copy, text, len);
        text = copy;
        len = sizeof copy;
    }
    const char *const first = text;
    const char *const last = text + len - sizeof copy;
    for (; text <= last && out <= scratch + EXO_JSON_SCRATCH - AT_ONCE; text += AT_ONCE) {
        const vector a = vector_load(text);
        const vector b = vector_load(text + VECTOR_BYTES);
        const uint64_t quotes = vector_bits((vector)(a == '"'), (vector)(b == '"'), none, none);
        const uint64_t solidi = vector_bits((vector)(a == '\\'), (vector)(b == '\\'), none, none);
        const uint64_t specials = vector_bits(vector_specials(a), vector_specials(b), none, none);
        const text_escapes found = text_find_escapes(solidi, escaped);
        const uint64_t ends = quotes & ~found.escaped;
        const uint64_t inside = ((ends & (0 - ends)) - 1) & UINT32_MAX; /* all where there is no end */
        if ((specials | found.escaped) & ~(quotes | solidi) & inside) {
            return 0;
        }
        const uint64_t escapes = found.escapes & inside;
        memcpy(out, text, VECTOR_BYTES);
        out = shape_drop(out, text, escapes & 0xFFFF);
        memcpy(out + VECTOR_BYTES, text + VECTOR_BYTES, VECTOR_BYTES);
        out = shape_drop(out, text, escapes & 0xFFFF0000);
        if (ends > 0) {
            const unsigned end = (unsigned)__builtin_ctzll(ends);
            *decoded = (size_t)(out + end - scratch);
            return *decoded <= EXO_JSON_SCRATCH - 4 ? (size_t)(text + end - first) : 0;
        }
        escaped = found.escapes >> (AT_ONCE - 1) & 1;
        out += AT_ONCE;
    }
    return 0;
}
#endif

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

size_t exo_shape_decode(const char *text, size_t len, char *scratch, size_t *decoded)
{
#ifdef VECTOR_BYTES
    return shape_decode_vectors(text, len, scratch, decoded);
#else
    return shape_decode(text, len, scratch, decoded);
#endif
}

/* The same as shape_text_len(), where a reverse solidus stands behind `run` bytes. */
SELDOM static size_t shape_escaped_text_len(exo_chunk *chunk, const char *text, size_t len, size_t run)
{
    exo_recalled *recalled = &chunk->recalled_;
    char *scratch = chunk->scratch_;
    size_t decoded;
    size_t end = 0;
#ifdef VECTOR_BYTES
    end = shape_decode_vectors(text, len, scratch, &decoded);
#endif
    if (end == 0 && run < EXO_JSON_SCRATCH) {
        end = shape_decode(text, len, scratch, &decoded);
    }
    if (end > 0) {
        recalled->plain = true;
        recalled->text = exo_span_of(scratch, decoded);
        return end;
    }
    end = shape_escaped_len(text, len, run);
    recalled->plain = false;
    recalled->text = exo_span_of(text, end);
    return end;
}

/* The length of what stands between the quotation marks of a text, up to the second one or to what is no part of it. */
static OFTEN size_t shape_text_len(exo_chunk *chunk, const char *first, const char *text, size_t len)
{
    const size_t run = shape_run(first, text, len);
    if (run < len && text[run] == '\\') {
        return shape_escaped_text_len(chunk, text, len, run);
    }
    chunk->recalled_.plain = true;
    chunk->recalled_.text = exo_span_of(text, run);
    return run;
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
            shape_open(s, hole);
            return FIT_PERHAPS;
        }
    }
    return FIT_NOT;
}

/* How an event is compared with a shape. */
enum shape_look {
    LOOK_QUICKLY, /* no hole is opened */
    LOOK_AGAIN
};

/* Compares. What stands in a hole goes as far as it may: what follows it has to be what followed it in the event that
 * was remembered. It is a part of each of the two below, which know how. */
static OFTEN enum fit shape_compare(exo_chunk *chunk, shape *s, exo_span bytes, enum shape_end end,
                                    enum shape_look look)
{
    const char *const behind = bytes.ptr + bytes.len;
    const char *own = s->bytes;
    const char *text = bytes.ptr;
    const exo_shape_hole *hole = s->open;
    for (;; hole++) {
        const size_t len = hole->before;
        const size_t left = (size_t)(behind - text);
        if (len > left || !shape_is_same(own, text, len, left)) {
            return look == LOOK_QUICKLY ? FIT_NOT
                                        : shape_open_hole(s, (size_t)(own - s->bytes), text, len < left ? len : left);
        }
        text += len;
        if (hole->kind == SHAPE_END) {
            break;
        }
        own += len + hole->len;
        if (hole->kind == SHAPE_STRING) {
            text += shape_run(bytes.ptr, text, left - len);
            continue;
        }
        const size_t value = hole->kind == SHAPE_TEXT ? shape_text_len(chunk, bytes.ptr, text, left - len)
                                                      : shape_number_len(text, left - len);
        if (value == 0) {
            return FIT_NOT;
        }
        text += value;
    }
    chunk->recalled_.len = (size_t)(text - bytes.ptr);
    const bool ends = end == SHAPE_END_HERE ? text == behind : behind - text > 1 && memcmp(text, "\n\n", 2) == 0;
    if (!ends) {
        chunk->recalled_.ends_otherwise = true;
        return FIT_NOT;
    }
    return FIT_WELL;
}

bool exo_shapes_recall(exo_chunk *chunk, exo_span bytes, enum shape_end end)
{
    exo_shapes *shapes = chunk->shapes_;
    chunk->recalled_.ends_otherwise = false;
    for (size_t i = 0; i < SHAPE_COUNT_; i++) { /* that which was found last comes first */
        shape *s = &shapes->shapes[((size_t)(shapes->last - shapes->shapes) + i) % SHAPE_COUNT_];
        enum fit fit = s->bytes ? FIT_PERHAPS : FIT_NOT;
        while (fit == FIT_PERHAPS) {
            fit = shape_compare(chunk, s, bytes, end, LOOK_AGAIN);
        }
        if (fit == FIT_WELL && chunk->recalled_.len <= chunk->limit_) {
            shapes->last = s;
            shapes->futile = 0;
            chunk->recalled_.known = &s->known;
            return true;
        }
    }
    chunk->recalled_.known = NULL;
    return false;
}

/* The same, of an event ahead that is not of the shape that was found last: it is strange if it is of none. */
SELDOM static bool shape_recall_other(exo_chunk *chunk, exo_span ahead)
{
    const bool found = exo_shapes_recall(chunk, ahead, SHAPE_END_LINES);
    chunk->strange_ = found || chunk->recalled_.ends_otherwise ? NULL : ahead.ptr;
    return found;
}

size_t exo_chunk_begin_ahead(exo_chunk *chunk, exo_span ahead, exo_delta *delta)
{
    if (!chunk->shapes_) {
        return 0;
    }
    shape *s = chunk->shapes_->last;
    if (s->bytes && ahead.len <= chunk->limit_ &&
        shape_compare(chunk, s, ahead, SHAPE_END_LINES, LOOK_QUICKLY) == FIT_WELL) {
        chunk->shapes_->futile = 0;
        chunk->recalled_.known = &s->known;
    } else if (!shape_recall_other(chunk, ahead)) {
        return 0;
    }
    const exo_known *known = chunk->recalled_.known;
    chunk->is_over_ = known->shape == chunk->named_ && chunk->recalled_.plain && !exo_think_is_on(&chunk->think_);
    if (chunk->is_over_) {
        delta_clear(delta);
        delta->type = (exo_delta_type)known->type;
        delta->choice = known->choice;
        delta->last = true;
        delta->text = chunk->recalled_.text; /* in one fragment */
        if (known->type == EXO_DELTA_TOOL_ARGUMENTS) {
            delta->joined = true;
            delta->index = known->index;
            delta->opens = delta_is_opening(delta->text);
        }
    }
    return chunk->recalled_.len;
}

/* ---- learning ---- */

void exo_shape_add_hole(exo_shape_draft *draft, size_t at, size_t len, enum shape_kind kind)
{
    if (draft->hole_count == SHAPE_HOLES_MAX || at + len > SHAPE_BYTES_MAX) {
        return;
    }
    draft->holes[draft->hole_count++] = (exo_shape_hole){(uint16_t)at, (uint16_t)len, 0, (uint8_t)kind};
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
    char *bytes = allocator->resize(allocator->ctx, s->bytes, event.len + SHAPE_SPARE);
    if (!bytes) {
        return 0; /* what was there stays */
    }
    s->bytes = bytes;
    s->len = (uint16_t)event.len;
    memcpy(bytes, event.ptr, event.len);
    memset(bytes + event.len, 0, SHAPE_SPARE);
    s->open_count = s->closed_count = 0;
    s->open[0] = (exo_shape_hole){s->len, 0, s->len, SHAPE_END};
    for (size_t h = 0; h < draft->hole_count; h++) {
        const exo_shape_hole *hole = &draft->holes[h];
        if (hole->kind == SHAPE_TEXT) {
            shape_open(s, *hole);
        } else {
            s->closed[s->closed_count++] = *hole;
        }
    }
    s->known = draft->known;
    for (int i = 0; i < EXO_CHUNK_NAMES_; i++) {
        s->known.names[i] = shape_own_span(s, event, draft->known.names[i]);
    }
    shapes->last = s;
    s->known.shape = (uint8_t)(shapes->next + 1);
    shapes->next = (shapes->next + 1) % SHAPE_COUNT_;
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
