/*
 * line.c: see line.h. Called by gate.c and curl/group.c. No memory.
 */
#include "line.h"

void exo_line_append(exo_line *line, exo_place *place)
{
    place->line = line;
    place->behind = NULL;
    place->before = line->last;
    if (line->last) {
        line->last->behind = place;
    } else {
        line->first = place;
    }
    line->last = place;
    line->count++;
}

void exo_line_leave(exo_place *place)
{
    exo_line *line = place->line;
    if (!line) {
        return;
    }
    if (place->before) {
        place->before->behind = place->behind;
    } else {
        line->first = place->behind;
    }
    if (place->behind) {
        place->behind->before = place->before;
    } else {
        line->last = place->before;
    }
    place->line = NULL;
    line->count--;
}

void *exo_line_first(const exo_line *line)
{
    return line->first ? line->first->owner : NULL;
}

void *exo_line_take(exo_line *line)
{
    void *owner = exo_line_first(line);
    if (owner) {
        exo_line_leave(line->first);
    }
    return owner;
}
