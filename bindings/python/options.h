/*
 * options.h: a dict of options → the fields of a struct, by a table.
 */
#ifndef EXOPY_OPTIONS_H
#define EXOPY_OPTIONS_H

#include "binding.h"

/* What a field is, in C and in Python. */
typedef enum exopy_option_kind {
    EXOPY_BOOL,   /* bool: True or False */
    EXOPY_INT64,  /* int64_t: an int */
    EXOPY_COUNT,  /* uint32_t: an int that is not negative */
    EXOPY_LONG,   /* long: an int that is not negative */
    EXOPY_UNTIL,  /* exo_ttft_until: "event" or "token" */
    EXOPY_TEXT,   /* const char *: a str without NUL, borrowed of it */
    EXOPY_OBJECT, /* PyObject *: anything, borrowed of the dict */
} exopy_option_kind;

/* One field. */
typedef struct exopy_option {
    const char *name;
    exopy_option_kind kind;
    size_t offset;
} exopy_option;

/* A row of a table of options. */
#define EXOPY_OPTION(type, field, kind) \
    { \
#field, kind, offsetof(type, field) \
    }

/* Reads `dict`, or None, into `out`, by a table of `count` rows; what the dict lacks, or has as None, stays as it is.
 * False with TypeError for a key that is in no row and for a value of another kind, with ValueError for one out of
 * range; each names the key. What is borrowed is so while the dict stays as it is. */
bool exopy_options_read(PyObject *dict, const exopy_option *table, size_t count, void *out);

/* Sets what of `in` is not as in `standard`, by the same table, in `dict`; objects are left out. False with
 * MemoryError. */
bool exopy_options_write(PyObject *dict, const exopy_option *table, size_t count, const void *in, const void *standard);

/* Sets `name` to `value`, of which it takes the reference. False with an exception, also where `value` is NULL. */
bool exopy_dict_set(PyObject *dict, const char *name, PyObject *value);

/* Reads a dict of limits (limits.h), or None, over those that are in `limits`. */
bool exopy_limits_read(PyObject *dict, exo_limits *limits);

/* Reads a dict of a policy (route.h), or None. */
bool exopy_policy_read(PyObject *dict, exo_route_policy *policy);

/* What of a policy is not the default. NULL with MemoryError. */
PyObject *exopy_policy_dict(const exo_route_policy *policy);

#endif
