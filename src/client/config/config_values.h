/*
 * config_values.h: how the values of a configuration are written, kind by kind.
 *
 * It knows kinds, not keys: config.c says which field a value goes to.
 */
#ifndef EXO_CLIENT_CONFIG_VALUES_H
#define EXO_CLIENT_CONFIG_VALUES_H

#include "config_entries.h"
#include "config_yaml.h"

/* Reads `node` into `field`, which is of `kind` (any but LATER); what was there before is freed. False: the message
 * says what was expected. */
bool exo_config_set(exo_yaml *yaml, exo_config_kind kind, yaml_node_t *node, void *field);

/* Frees what a field of `kind` holds, texts wiped, and leaves it empty. */
void exo_config_clear(exo_config_kind kind, void *field);

/* An array of `count` items of `size` bytes with room for one more: its size doubles whenever it is full. NULL when
 * memory runs out: `items` is as it was. */
void *exo_config_room(void *items, size_t count, size_t size);

/* More than the distance between any two words that are compared. */
#define EXO_CONFIG_FAR 64

/* Takes `candidate` for `*nearest`, if it may be what `word` was meant to be and is nearer to it than `distance`, which
 * begins with EXO_CONFIG_FAR. Returns the new distance. */
size_t exo_config_propose(const char *word, const char *candidate, size_t distance, const char **nearest);

#endif
