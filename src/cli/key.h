/*
 * key.h: the key for an endpoint that the command line names, or the environment.
 */
#ifndef EXO_CLI_KEY_H
#define EXO_CLI_KEY_H

#include "options.h"

/* The longest key that is read from a file. */
enum {
    KEY_MAX = 8192
};

/* A key, and where it is from. */
typedef struct cli_key {
    const char *text;     /* NULL: none is sent */
    const char *variable; /* the environment variable that it is from, or NULL */
    char *own;            /* a copy, wiped when it is freed; or NULL */
} cli_key;

/* Reads the key that the options name; without such an option the one in `variable`, if that is set (NULL: none).
 * Line ends behind a key are taken off. False: it is not there, or empty, and that was said. */
bool key_read(cli_key *key, const cli_options *options, const char *variable);

/* Wipes and frees what is ours of it. */
void key_free(cli_key *key);

/* Why a variable is no key: "the environment has no NAME", or "NAME is empty". Words that are too long are cut. */
void key_explain(const char *variable, char *words, size_t size);

#endif
