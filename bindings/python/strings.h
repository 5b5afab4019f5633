/*
 * strings.h: sequences and dicts of str as the arrays of C strings that the hosted library takes.
 */
#ifndef EXOPY_STRINGS_H
#define EXOPY_STRINGS_H

#include "binding.h"

/* What holds the strings and the arrays of one call on the library. Zeroed, it is empty. */
typedef struct exopy_strings {
    PyObject *kept; /* list of the str that are borrowed of */
    void *arrays[8];
    int array_count;
} exopy_strings;

/* A str without NUL, as a C string that stays as long as `strings`. NULL with an exception that names `name`. */
const char *exopy_strings_text(exopy_strings *strings, PyObject *object, const char *name);

/* A list or tuple of them. False with an exception. */
bool exopy_strings_list(exopy_strings *strings, PyObject *object, const char *name, const char *const **out,
                        size_t *count);

/* A dict, or a sequence of pairs. False with an exception. */
bool exopy_strings_pairs(exopy_strings *strings, PyObject *object, const char *name, const exo_header **out,
                         size_t *count);

void exopy_strings_free(exopy_strings *strings);

#endif
