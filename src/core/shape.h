/*
 * shape.h: the shapes of the last events of a stream that gave text, so that the next one like them need not be read.
 *
 * The events of one stream share all but a few bytes. A shape is an event with holes: its text, and values that nobody
 * looks at. An event that is the same byte for byte outside of the holes, with a proper value of the same kind in each,
 * says the same but for its text. chunk.c decides what may be a hole, and what an event of the shape says.
 *
 * Memory: SHAPE_COUNT_ events of at most SHAPE_BYTES_MAX bytes, from the caller's allocator. A build for small machines
 * leaves it out: EXO_SMALL.
 */
#ifndef EXO_CORE_SHAPE_H
#define EXO_CORE_SHAPE_H

#include "exochat/chunk.h"

/* How many shapes are remembered, how many holes one may have, and the longest event that is remembered. */
#define SHAPE_COUNT_    4
#define SHAPE_HOLES_MAX 16
#define SHAPE_BYTES_MAX 4096

/* What stands in a hole. */
enum shape_kind {
    SHAPE_NUMBER, /* a whole number */
    SHAPE_STRING, /* what is between the quotation marks of a string without escapes */
    SHAPE_TEXT,   /* the same of the text itself, which may have escapes and is not empty */
    SHAPE_END     /* nothing: the event is over */
};

/* A place in an event whose bytes may be others. */
typedef struct exo_shape_hole {
    uint16_t at;
    uint16_t len;
    uint16_t before; /* so many bytes are between it and the open hole before it */
    uint8_t kind;
} exo_shape_hole;

/* What is to be remembered. The holes do not overlap; one of them is the text. */
typedef struct exo_shape_draft {
    exo_span event;
    exo_known known; /* what it says; its spans lie in the event, which has no line ends */
    exo_shape_hole holes[SHAPE_HOLES_MAX];
    size_t hole_count;
} exo_shape_draft;

/* Begins to remember. The memory is `allocator`'s, which is borrowed. NULL when there is none. */
exo_shapes *exo_shapes_new(const exo_allocator *allocator);

/* How an event ends that is compared with shapes. */
enum shape_end {
    SHAPE_END_HERE, /* with the bytes */
    SHAPE_END_LINES /* with LF and LF, which are no part of it; what follows them is not looked at */
};

/* Whether bytes begin with an event of one of the chunk's shapes, which there are, no longer than its limit, and end as
 * is said. What it says is in recalled_. */
bool exo_shapes_recall(exo_chunk *chunk, exo_span bytes, enum shape_end end);

/* Decodes the text of a string, at most `len` bytes to its second quotation mark and more, into a chunk's scratch, and
 * returns its length. 0: it is not short, is not ASCII, has escapes that are seldom, or too little follows it. */
size_t exo_shape_decode(const char *text, size_t len, char *scratch, size_t *decoded);

/* Whether it is worth while to remember another one: not where many were and none came again. */
bool exo_shapes_wanted(exo_shapes *shapes);

/* Remembers a shape in the place of the oldest one, and returns its number; without memory nothing happens, and it is
 * 0.
 */
uint8_t exo_shapes_learn(exo_shapes *shapes, const exo_shape_draft *draft);

/* Adds a hole to a draft; where there is no room it is none. */
void exo_shape_add_hole(exo_shape_draft *draft, size_t at, size_t len, enum shape_kind kind);

/* NULL is allowed. */
void exo_shapes_free(exo_shapes *shapes);

#endif
