/*
 * line.h: who waits, in the order of arrival. Coming, going and leaving the line in its middle take constant time.
 */
#ifndef EXO_CLIENT_LINE_H
#define EXO_CLIENT_LINE_H

#include <stddef.h>

/* A place in a line, the member of what waits. Zero it and set `owner`; it is in one line at most. */
typedef struct exo_place {
    struct exo_place *before;
    struct exo_place *behind;
    struct exo_line *line; /* NULL: it is in none */
    void *owner;
} exo_place;

/* Zero it to begin with. */
typedef struct exo_line {
    exo_place *first;
    exo_place *last;
    size_t count;
} exo_line;

/* Puts a place, which is in no line, at the end of one. */
void exo_line_append(exo_line *line, exo_place *place);

/* Takes a place out of its line, if it is in one. */
void exo_line_leave(exo_place *place);

/* The owner of the first place; NULL: nobody waits. */
void *exo_line_first(const exo_line *line);

/* The same, and takes it out. */
void *exo_line_take(exo_line *line);

#endif
