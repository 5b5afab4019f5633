/*
 * secret.h: what may be a key, and so is never shown, wherever it was typed by mistake.
 */
#ifndef EXO_CLI_SECRET_H
#define EXO_CLI_SECRET_H

#include "exochat/span.h"

/* `text`, or words in its place if a part of it may be a key: one that begins as keys do, or 20 letters, digits, "-"
 * and "_" in a row with digits among them. For messages about a wrong value. */
const char *secret_hidden(const char *text);

/* Whether `text` can be the name of an environment variable: letters, digits and "_". */
bool secret_is_name(const char *text);

/* The name of an environment variable for a message: `name`, if it is one as they usually are, in capital letters and
 * with few digits; otherwise words in its place, as it may be the key itself. */
const char *secret_variable(const char *name);

#endif
