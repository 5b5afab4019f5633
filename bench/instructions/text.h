/*
 * text.h: the texts that bodies are measured by: clean (letters), prose (a line end or a quotation mark every 40 bytes
 * or so), mixed (prose of many scripts), source (prose), base64 (any bytes).
 */
#ifndef EXO_BENCH_TEXT_H
#define EXO_BENCH_TEXT_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *piece;
} texts[] = {
    {"clean", "The quick brown fox jumps over the lazy dog, and then it sleeps; nobody minds. "},
    {"prose", "\"Who is there?\" she asked.\nNobody answered, and so she opened the door of the old house. "},
    {"mixed", "Grüße aus Köln: «ça va?» — Да, спасибо, хорошо. 東京の天気は晴れです。 The rest is plain English text, "
              "as most is. 😀 "},
    {"source", "\"Who is there?\" she asked.\nNobody answered, and so she opened the door of the old house. "},
    {"base64", "\x01\x80\xFFPNG bytes of any kind"},
};

/* As much of a text as fits into `size` bytes in whole pieces, its length in *len; freed by free(). NULL: no such text.
 */
static inline char *text_of(const char *name, size_t size, size_t *len)
{
    size_t number = 0;
    while (strcmp(texts[number].name, name) != 0) {
        if (++number == sizeof texts / sizeof texts[0]) {
            return NULL;
        }
    }
    const size_t piece = strlen(texts[number].piece);
    char *text = malloc(size + piece);
    for (size_t at = 0; text && at < size; at += piece) {
        memcpy(text + at, texts[number].piece, piece);
    }
    *len = size / piece * piece;
    return text;
}

#endif
