/*
 * json_name.h: lists of the names of members, each behind its length, a byte, and 0 at the end: "\2id\5model".
 *
 * Private to src/core; allocates nothing and keeps no state.
 */
#ifndef EXO_CORE_JSON_NAME_H
#define EXO_CORE_JSON_NAME_H

#include "exochat/json_read.h"

/* The number, from 0 on, of the name in a list that the KEY or STRING `key` is, decoded; or -1. */
int exo_json_name(const char *names, const exo_json_token *key);

#endif
