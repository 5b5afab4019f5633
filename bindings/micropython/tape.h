/*
 * tape.h: a Python value as a row of tokens, and the cursor over it (exochat/value.h).
 *
 * A tape is built at once: afterwards changes of lists and dicts do not reach it, and walking it allocates nothing and
 * runs no code of Python's. It takes a byte for each token and a word more for each key, text and number, and copies no
 * text.
 */
#ifndef EXOMP_TAPE_H
#define EXOMP_TAPE_H

#include "binding.h"

/* The tape. Zeroed, it is empty. It must stay where it is while it is walked. */
typedef struct exomp_tape {
    exo_buffer kinds;   /* an exo_value_type each */
    exo_buffer objects; /* mp_obj_t: the str of a KEY, STRING and NUMBER, the small int of an INT */
    bool names_files;   /* a key may be one that names a file */
    size_t kind;        /* where the cursor is */
    size_t object;
    size_t marked_kind;
    size_t marked_object;
    exo_cursor cursor; /* over it, as the encoder takes it, once it is built */
} exomp_tape;

/* Builds the tape of `value`, which errors call `name` ("" for a request: "messages[3].content: …"). TypeError for what
 * is no dict at the top and what JSON has no type for; ValueError for NaN and infinities, keys that are the same once
 * they are strings, and nesting beyond EXO_JSON_DEPTH_MAX. */
void exomp_tape_build(exomp_tape *tape, mp_obj_t value, const char *name);

#endif
