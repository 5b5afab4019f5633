/*
 * json_repair_state.h: where a repair is in its text, and the short way that it takes where the text is as it should
 * be.
 *
 * Private to src/core, where all files of the repair use it. It bounds nothing: json_repair.h says what
 * does.
 */
#ifndef EXO_CORE_JSON_REPAIR_STATE_H
#define EXO_CORE_JSON_REPAIR_STATE_H

#include "exochat/json_read.h"
#include "exochat/json_repair.h"

/* How far a key may reach to be seen from before it, and how many commas and brackets are looked at. */
#define LOOK_AHEAD 64

/* What the next token is to be. */
enum wait {
    WAIT_KEY,    /* an object's next key, or its end */
    WAIT_MEMBER, /* what a key stands for, perhaps after a colon */
    WAIT_ELEMENT /* an array's next element or its end; outside of brackets the value itself */
};

/* A repair on its way. */
typedef struct repair {
    /* Of the value that is read: */
    enum wait wait;
    bool first;  /* the innermost bracket is still empty */
    bool comma;  /* the last token was one */
    bool cut;    /* a part of the last token had to be supplied, or all of it */
    bool full;   /* there is a value in the outermost bracket */
    bool unsure; /* the value may be none that anybody wrote */
    uint8_t depth;
    uint8_t split; /* the depth of an array that had an object's end missing: one brace may be left over there; or 0 */
    /* Of the text: */
    bool twice;     /* it is escaped once too often: \" for every quotation mark */
    bool last_line; /* `at` is known to be in its last line */
    uint8_t max_depth;
    char closers[1 + EXO_JSON_DEPTH_MAX]; /* what closes the open brackets, the innermost last and the outermost at 1 */
    size_t at;
    unsigned kind; /* what is at `at`, where a token begins */
    exo_span in;
    exo_span token;  /* what was read last, without its marks; or what is left of that to write */
    exo_buffer *out; /* NULL while nothing is to be written */
    int error;
} repair;

/* Reads and writes tokens as long as they are as they should be, or nearly, so that there is nothing to guess. What it
 * does is what would be done without it; the rest is left to whoever guesses, from the first byte of a token on. It
 * never reads the end of the outermost bracket, makes no errors, and does not let the output grow: where there is no
 * room, it stops. A build for small machines leaves it out: EXO_SMALL. */
void exo_repair_pass(repair *r);

#endif
