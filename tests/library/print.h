/*
 * print.h: JSON lines on standard output, a member at a time, without memory of its own.
 */
#ifndef EXO_TEST_PRINT_H
#define EXO_TEST_PRINT_H

#include "exochat/span.h"

/* Begins and ends a line, which is an object. */
void print_begin(void);
void print_end(void);

/* Members of the innermost object, or elements of the innermost array where `key` is NULL. */
void print_span(const char *key, exo_span text);
void print_text(const char *key, const char *text);
void print_number(const char *key, int64_t number);
void print_flag(const char *key, bool flag);
void print_raw(const char *key, exo_span json);

/* Opens an object ('{') or an array ('['), and closes it ('}' or ']'). */
void print_open(const char *key, char bracket);
void print_close(char bracket);

#endif
