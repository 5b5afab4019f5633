/*
 * config_names.c: see config_names.h. Called by whoever reads a configuration or looks at it.
 */
#include "config_names.h"

#include "heap.h"

#include <stdlib.h>

exo_config_name *exo_config_names_new(size_t count)
{
    return exo_heap.resize(exo_heap.ctx, NULL, (count > 0 ? count : 1) * sizeof(exo_config_name));
}

static int names_by_text_and_number(const void *left, const void *right)
{
    const exo_config_name *a = left;
    const exo_config_name *b = right;
    int order = strcmp(a->text, b->text);
    return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

void exo_config_names_sort(exo_config_name *names, size_t count)
{
    if (count > 1) {
        qsort(names, count, sizeof *names, names_by_text_and_number);
    }
}

const exo_config_name *exo_config_names_find(const exo_config_name *names, size_t count, const char *text)
{
    size_t before = 0; /* so many are known to stand before it */
    size_t left = count;
    while (left > 0) {
        size_t half = left / 2;
        if (strcmp(names[before + half].text, text) < 0) {
            before += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return before < count && strcmp(names[before].text, text) == 0 ? &names[before] : NULL;
}

const exo_config_name *exo_config_names_twice(const exo_config_name *names, size_t count)
{
    const exo_config_name *twice = NULL;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1].text, names[i].text) == 0 && (!twice || names[i].number < twice->number)) {
            twice = &names[i];
        }
    }
    return twice;
}
