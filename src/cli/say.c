/*
 * say.c: see say.h.
 */
#include "say.h"

#include "exit_code.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

static bool line_is_open;
static int output_error;

/* How many bytes at `text` make one control character that a terminal could act upon: 0, 1, or 2 for U+0080 to U+009F.
 */
static size_t say_control_at(const char *text, size_t len)
{
    unsigned char byte = (unsigned char)text[0];
    unsigned char next = len > 1 ? (unsigned char)text[1] : 0;
    if (byte == '\n' || byte == '\t' || (byte == '\r' && next == '\n')) {
        return 0;
    }
    if (byte < 0x20 || byte == 0x7F) {
        return 1;
    }
    return byte == 0xC2 && next >= 0x80 && next < 0xA0 ? 2 : 0;
}

void say_text(FILE *to, bool terminal, exo_span text)
{
    size_t from = 0;
    for (size_t at = 0; terminal && at < text.len;) {
        size_t control = say_control_at(text.ptr + at, text.len - at);
        if (control > 0) {
            fwrite(text.ptr + from, 1, at - from, to);
            fputs("\xEF\xBF\xBD", to);
            from = at + control;
        }
        at += control > 0 ? control : 1;
    }
    if (from < text.len) {
        fwrite(text.ptr + from, 1, text.len - from, to);
    }
}

void say_stream(exo_span text)
{
    if (text.len > 0) {
        say_text(stderr, isatty(STDERR_FILENO) == 1, text);
        line_is_open = text.ptr[text.len - 1] != '\n';
    }
}

void say_end_line(void)
{
    if (line_is_open) {
        fputc('\n', stderr);
        line_is_open = false;
    }
}

void say(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            *at = ' ';
        }
    }
    say_end_line();
    fprintf(stderr, "exochat: %s\n", line);
}

bool say_flush(void)
{
    if (fflush(stdout) == EOF || ferror(stdout)) {
        output_error = output_error ? output_error : errno;
        return false;
    }
    return true;
}

int say_output_failed(void)
{
    if (output_error != EPIPE) {
        say("standard output: %s", strerror(output_error));
    }
    return EXIT_FAILED;
}
