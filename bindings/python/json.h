/*
 * json.h: a Python value as JSON text, for what the hosted library takes as text: extra_body, defaults.
 */
#ifndef EXOPY_JSON_H
#define EXOPY_JSON_H

#include "binding.h"

/* Writes `value`, a mapping, and a NUL behind it, into `out`, which is initialised here. `name` is what errors call it.
 * False with an exception. The buffer is the caller's to free, in any case. */
bool exopy_json(exopy_state *state, PyObject *value, const char *name, exo_buffer *out);

#endif
