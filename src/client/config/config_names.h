/*
 * config_names.h: names in alphabetical order, to find one of many, and to find which of them stands twice.
 *
 * It knows nothing of where they come from. Sorting costs n log n, finding log n. Memory: two words for each name.
 */
#ifndef EXO_CLIENT_CONFIG_NAMES_H
#define EXO_CLIENT_CONFIG_NAMES_H

#include <stddef.h>

/* A name, borrowed, and its number in the order in which it stands in the file. */
typedef struct exo_config_name {
    const char *text;
    size_t number;
} exo_config_name;

/* Room for so many names, or for one, to be freed with exo_heap; NULL when memory runs out. */
exo_config_name *exo_config_names_new(size_t count);

/* Sorts them: equal ones by their number. */
void exo_config_names_sort(exo_config_name *names, size_t count);

/* The first one of that text, or NULL. They are sorted. */
const exo_config_name *exo_config_names_find(const exo_config_name *names, size_t count, const char *text);

/* Of sorted names, the one with the lowest number that equals one before it, which stands right before it; NULL when no
 * two are equal. */
const exo_config_name *exo_config_names_twice(const exo_config_name *names, size_t count);

#endif
