/*
 * config_yaml.h: one YAML document, read through libyaml, with errors that name the line and the place.
 *
 * It knows how values are written, not what they mean. What is not supported (tags, merge keys, further documents) is
 * an error, never passed over. Aliases are, within bounds: a document of EXO_YAML_NODES_MAX values, aliases counted as
 * often as they are used, and EXO_YAML_DEPTH_MAX levels. What libyaml takes quadratic time for is bounded before it
 * makes a document: keys and values as they are written, anchors, and directives.
 */
#ifndef EXO_CLIENT_CONFIG_YAML_H
#define EXO_CLIENT_CONFIG_YAML_H

#include "exochat/buffer.h"
#include "exochat/config.h"

#include <yaml.h>

#define EXO_YAML_BYTES_MAX      ((size_t)1024 * 1024)
#define EXO_YAML_NODES_MAX      20000
#define EXO_YAML_WRITTEN_MAX    (2 * EXO_YAML_NODES_MAX) /* keys and values as they stand in the text, aliases too */
#define EXO_YAML_ANCHORS_MAX    256 /* &name: libyaml looks through all of them for each one and for each alias */
#define EXO_YAML_DIRECTIVES_MAX 16  /* %TAG: the same */
#define EXO_YAML_DEPTH_MAX      32
#define EXO_YAML_TEXT_MAX       65536

/* A document that is being read. */
typedef struct exo_yaml {
    yaml_document_t document;
    const char *name; /* what errors call the text */
    exo_environment environment;
    void *environment_ctx;
    char *message; /* where errors go, of `size` bytes */
    size_t size;
    unsigned nodes; /* visited so far */
    unsigned depth;
    size_t path_len;
    char path[512]; /* of the value that is being read: models.zai/glm-4.7.drop[0] */
} exo_yaml;

/* Reads `text`, with name, environment and message set. False: the message says why. Close it in any case. */
bool exo_yaml_open(exo_yaml *yaml, exo_span text);

/* Frees the document, its values wiped. */
void exo_yaml_close(exo_yaml *yaml);

/* The line, from 1, on which a node begins. */
unsigned exo_yaml_line(const yaml_node_t *node);

/* Stores "NAME:LINE: PATH: words", and returns false. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
bool exo_yaml_fail(exo_yaml *yaml, unsigned line, const char *format, ...);

/* Appends a key to the path, and returns what exo_yaml_leave() needs to take it off again. */
size_t exo_yaml_enter(exo_yaml *yaml, const char *key);
void exo_yaml_leave(exo_yaml *yaml, size_t path_len);

/* What is called for each member of a mapping (with its key, and the key's line) or list (with NULL), the path leading
 * to it. False ends it all. */
typedef bool exo_yaml_each(void *ctx, const char *key, unsigned line, yaml_node_t *value);

/* Goes through a mapping or a list; anything else is an error, and so is a key that stands twice. */
bool exo_yaml_pairs(exo_yaml *yaml, yaml_node_t *node, exo_yaml_each *each, void *ctx);
bool exo_yaml_items(exo_yaml *yaml, yaml_node_t *node, exo_yaml_each *each, void *ctx);

/* A scalar's text on the heap, `${NAME}` replaced; NULL after an error, which says that `expected` ("a URL") was. */
char *exo_yaml_text(exo_yaml *yaml, yaml_node_t *node, const char *expected);

/* Appends any value as JSON; plain scalars have the types of YAML's core schema. */
bool exo_yaml_json(exo_yaml *yaml, yaml_node_t *node, exo_buffer *out);

#endif
