/*
 * print.c: see print.h.
 */
#include "print.h"

#include "exochat/json_write.h"

#include <inttypes.h>
#include <stdio.h>

static bool first = true;

static void print_string(exo_span text)
{
    char piece[256];
    exo_json_escaper escaper;
    int code;
    exo_json_escaper_init(&escaper);
    putchar('"');
    do {
        exo_window window = {piece, sizeof piece, 0};
        code = exo_json_escape(&escaper, &text, true, &window);
        fwrite(piece, 1, window.pos, stdout);
    } while (code == EXO_AGAIN);
    putchar('"');
}

static void begin_member(const char *key)
{
    if (!first) {
        putchar(',');
    }
    first = false;
    if (key) {
        print_string(exo_span_text(key));
        putchar(':');
    }
}

void print_begin(void)
{
    first = true;
    putchar('{');
}

void print_end(void)
{
    fputs("}\n", stdout);
    fflush(stdout);
}

void print_span(const char *key, exo_span text)
{
    begin_member(key);
    print_string(text);
}

void print_text(const char *key, const char *text)
{
    print_span(key, exo_span_text(text));
}

void print_number(const char *key, int64_t number)
{
    begin_member(key);
    printf("%" PRId64, number);
}

void print_flag(const char *key, bool flag)
{
    begin_member(key);
    fputs(flag ? "true" : "false", stdout);
}

void print_raw(const char *key, exo_span json)
{
    begin_member(key);
    fwrite(json.ptr, 1, json.len, stdout);
}

void print_open(const char *key, char bracket)
{
    begin_member(key);
    putchar(bracket);
    first = true;
}

void print_close(char bracket)
{
    putchar(bracket);
    first = false;
}
