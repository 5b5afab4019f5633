/*
 * url_words.h: what is wrong with a base URL, in words, once exo_url_read() has refused it.
 */
#ifndef EXO_CLIENT_URL_WORDS_H
#define EXO_CLIENT_URL_WORDS_H

#include <stddef.h>

/* Writes "'URL': what is missing, or too much" to `words` of `size` bytes, cut where it does not fit. The URL is shown
 * without user, password, query and fragment, and not at all where it does not look like one: it may be a key. */
void exo_url_explain(const char *url, char *words, size_t size);

#endif
