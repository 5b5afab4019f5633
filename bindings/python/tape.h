/*
 * tape.h: a Python value as a row of tokens, held by strong references, and the cursor over it (exochat/value.h).
 *
 * A tape is built at once, at the first step of a call: only then may code of the caller's run (the methods of
 * mappings). Afterwards changes of lists and dicts do not reach it, and walking it runs no code but Python's own. It
 * takes 8 bytes for each token (a key, a value, the end of an array or object) and copies no text: what is ASCII goes
 * by pointer, other text is encoded a piece at a time while it is walked, and never kept in its str.
 */
#ifndef EXOPY_TAPE_H
#define EXOPY_TAPE_H

#include "binding.h"

/* Characters of a text that is not ASCII which are encoded at once; a longer one is a source (exo_source). */
#define EXOPY_PIECE 1024

/* One token: the type in the lowest bits, and a reference, or a value of exo_value_type, above them. */
typedef uintptr_t exopy_token;

/* A string that is being read as a source. */
typedef struct exopy_text_source {
    exo_source source;
    struct exopy_tape *tape;
    PyObject *text;   /* borrowed of the tape */
    PyObject *piece;  /* bytes of its characters before next */
    Py_ssize_t taken; /* of the piece */
    Py_ssize_t next;
} exopy_text_source;

/* Names a file: a message's _content_file, or a part's _file. References are the tape's own. */
typedef struct exopy_named_file {
    PyObject *path;
    PyObject *media_type; /* str, or NULL */
} exopy_named_file;

/* The tape. Zeroed, it is empty. It must stay where it is while it is walked. */
typedef struct exopy_tape {
    exopy_token *tokens;
    size_t count;
    size_t capacity;
    size_t at; /* where the cursor is */
    size_t marked;
    exopy_named_file *files;
    size_t file_count;
    bool inline_;    /* long texts are handed out as they are too, not as sources */
    PyObject *held;  /* bytes of the text that was handed out last, if it had to be encoded */
    PyObject *error; /* what Python raised while the tape was walked */
    char number[64]; /* the float that was handed out last */
    exopy_text_source reading;
} exopy_tape;

/* Builds the tape of `value`; `name` is what errors call it ("" for a request: "messages[3].content"). False with an
 * exception; then the tape is to be freed too. */
bool exopy_tape_build(exopy_tape *tape, exopy_state *state, PyObject *value, const char *name);

/* The cursor as the encoder takes it; valid as long as `tape` stays where it is. */
exo_cursor exopy_tape_cursor(exopy_tape *tape);

/* Raises what Python raised while the tape was walked, and forgets it. False where there was nothing. */
bool exopy_tape_raise(exopy_tape *tape);

/* Lets go of everything. The tape is empty then. */
void exopy_tape_free(exopy_tape *tape);

#endif
