/*
 * defaults.h: the keys that a call sends where neither its request nor the deployment's extra_body has them.
 *
 * To the encoder both are one object of extra keys; here it is made. Memory: its text.
 */
#ifndef EXO_CLIENT_DEFAULTS_H
#define EXO_CLIENT_DEFAULTS_H

#include "deployment.h"

#include "exochat/buffer.h"

/* Whether `json` is an object that can be merged: EXO_OK; EXO_E_REQUEST where it is no object, EXO_E_KEYS_LIMIT where
 * it has more than EXO_KEYS_MAX keys, EXO_E_DUPLICATE_KEY, EXO_E_JSON_*, EXO_E_DEPTH_LIMIT or EXO_E_NO_MEMORY. The
 * offset of what is wrong in `*at`. */
int exo_defaults_check(exo_span json, size_t *at);

/* Stores in `merged` (empty) the text of an object: the keys of the extra_body of `target` (which may have none), and
 * of `defaults`, which was checked, those that are not among them: renamed, and without those that are dropped.
 * EXO_OK or EXO_E_NO_MEMORY. */
int exo_defaults_merge(exo_span defaults, const exo_deployed *target, exo_buffer *merged);

#endif
