/*
 * failure_body.h: what the body of a failure says, whatever its shape.
 *
 * Private to src/core; keeps nothing but the reading and the failure.
 */
#ifndef EXOCHAT_FAILURE_BODY_H
#define EXOCHAT_FAILURE_BODY_H

#include "exochat/failure.h"
#include "exochat/json_read.h"

/* Where in a body an object stands. */
enum place {
    NOWHERE, /* an object that nothing is known of */
    TOP,
    CHUNK, /* in place of TOP when there are choices: message and code may then mean something else */
    ERROR,
    META, /* OpenRouter's metadata, Azure's innererror */
    BASE, /* MiniMax's base_resp */
    GROQ  /* Groq's x_groq */
};

/* Headers rank by their index in failure.c: a delay in the body is worse than all of theirs; an id replaces that of
 * Cloudflare. */
enum {
    BODY_DELAY_RANK = 1,
    BODY_ID_RANK = 4
};

/* See `inside`. */
#define INSIDE 4

/* What one body has said so far; all of it 0, but for the first two, before it is read. */
struct reading {
    exo_failure *failure; /* NULL: only find out whether there is an error */
    uint8_t start;        /* where the outermost object stands: TOP or CHUNK */
    uint8_t signs;
    uint8_t number_rank;
    uint8_t word_rank[2]; /* of the type that is kept, and of the code */
    bool found;           /* it reports an error */
    bool page;            /* it is HTML */
    bool choices;
    bool said;  /* there was a message */
    bool cause; /* the next message is the cause of the last */
    bool nested_is_cause;
    uint8_t inside;   /* INSIDE in the nested body; what it says ranks by so much higher than what the outer one does */
    uint16_t number;  /* the status as a number */
    uint16_t word[2]; /* the status by another word, and by a sure one */
    uint32_t base_code;
    exo_json_token nested; /* a message or cause that seems to be JSON itself */
    exo_span opaque;       /* JSON of no known shape */
    exo_span base_message;
};

/* Reads a body of any kind. */
void exo_failure_read(struct reading *reading, exo_span body);

/* Appends any bytes to a field as valid UTF-8, a space for each control character. Returns whether all of it fitted. */
bool exo_failure_put(char *dst, size_t size, exo_span text);

/* Stores a delay in milliseconds, unless it is negative or a better source has given one. */
void exo_failure_set_delay(exo_failure *failure, uint8_t rank, int64_t delay);

/* Stores a request id, with the rank of where it is from. */
void exo_failure_set_id(exo_failure *failure, uint8_t rank, exo_span id);

#endif
