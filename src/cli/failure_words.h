/*
 * failure_words.h: what a failure is called, by the names that people type.
 */
#ifndef EXO_CLI_FAILURE_WORDS_H
#define EXO_CLI_FAILURE_WORDS_H

/* Whose it is, in a word or two: "network error", "timeout", "provider error" and so on. */
const char *failure_kind_of(int code);

/* What has happened: as the library says it, but with the name of the option for a clock. */
const char *failure_text_of(int code);

#endif
