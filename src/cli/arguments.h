/*
 * arguments.h: a command line, one argument after another: options with their values, and what is no option.
 *
 * Options may stand anywhere before "--", letters may be joined ("-qn"), values may be joined to their option
 * ("--model=x", "-mx"), and names are never abbreviated. Nothing is judged but whether it is an option of the table.
 */
#ifndef EXO_CLI_ARGUMENTS_H
#define EXO_CLI_ARGUMENTS_H

#include "option_table.h"

/* What an argument is, or what is wrong with it. */
typedef enum argument_kind {
    ARGUMENT_END,
    ARGUMENT_OPTION,      /* `option`, and `value` if it takes one */
    ARGUMENT_OPERAND,     /* `value`: no option */
    ARGUMENT_LITERAL,     /* `value`: the same, behind "--" */
    ARGUMENT_NO_OPTION,   /* `text` is none: a name with its dashes, without its value */
    ARGUMENT_ONE_DASH,    /* `option` was written with one dash */
    ARGUMENT_LACKS_VALUE, /* `option` has none; `value`, if not NULL, is the option that stands in its place */
    ARGUMENT_HAS_VALUE    /* `option` has one, and takes none */
} argument_kind;

/* Where it is, and what was found there. Strings are argv's. */
typedef struct arguments {
    int count;
    char **all;
    int at;              /* the next one */
    const char *letters; /* the rest of joined letters, or NULL */
    bool literal;        /* "--" was there */
    const option_row *option;
    const char *value;
    exo_span text;
} arguments;

/* Begins with argv[1]. */
void arguments_begin(arguments *a, int argc, char **argv);

/* Goes on to the next one. Not to be called after ARGUMENT_END and what is wrong. */
argument_kind arguments_next(arguments *a);

#endif
