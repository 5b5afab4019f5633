/*
 * repair_slow.h: inputs for the repair that would take hours if any part of them were read again and again.
 *
 * test_json_repair.c looks at what becomes of them, repair_steps.c at how many steps it takes.
 */
#ifndef REPAIR_SLOW_H
#define REPAIR_SLOW_H

#include <string.h>

#include "exochat/error.h"

/* `head` and then `repeated` until the size is reached, with `rest` in the second half if it is not NULL; `rc` is the
 * result. */
typedef struct slow_repair {
    const char *head;
    const char *repeated;
    int rc;
    const char *rest;
} slow_repair;

static const slow_repair slow_repairs[] = {
    {"", "[", EXO_E_DEPTH_LIMIT, NULL},
    {"", "{\"a\":", EXO_E_DEPTH_LIMIT, NULL},
    {"", "\"", EXO_OK, NULL},
    {"{", "\"", EXO_OK, NULL},
    {"[", "\"", EXO_OK, NULL},
    {"{\"a\":", "\"", EXO_OK, NULL},
    {"{\"a\":", "\" ", EXO_OK, NULL},
    {"{\"a\":", "'\"`“", EXO_OK, NULL},
    {"{\"a\":", "\", \"", EXO_OK, NULL},
    {"{\"a\":\"", ", \"b", EXO_OK, NULL},
    {"{\"a\":\"", ", \"b\"c", EXO_OK, NULL},
    {"{\"a\":\"", "x, \"b\": ", EXO_OK, NULL},
    {"{\"a\":\"", "\"}", EXO_OK, NULL},
    {"{\"a\":\"", "\"{\"}", EXO_OK, NULL},
    {"{\"a\":\"", "}", EXO_OK, NULL},
    {"{", "\"a: ", EXO_OK, NULL},
    {"{", "\"a: 'b: `c: “d: ", EXO_OK, NULL},
    {"{", "/*/", EXO_OK, NULL},
    {"{", "//", EXO_OK, NULL},
    {"{", "#\n", EXO_OK, NULL},
    {"[", "``` ,", EXO_OK, NULL},
    {"{\"a\":", "```", EXO_OK, NULL},
    {"{\"a\":", "1 ", EXO_OK, NULL},
    {"{\"a\":", "1\"", EXO_OK, NULL},
    {"{\"a\":", "1/", EXO_OK, NULL},
    {"{\"a\":", "1,", EXO_OK, NULL},
    {"{\"a\":", "(a ", EXO_OK, NULL},
    {"[", "true ", EXO_OK, NULL},
    {"{\"a\":", "\\", EXO_OK, NULL},
    {"{\\\"a\\\":", "\\\"", EXO_OK, NULL},
    {"{\\\"a\\\":", "\\n", EXO_OK, NULL},
    {"{", " ", EXO_OK, NULL},
    {"{\"a\" 'b", "\n", EXO_OK, NULL},
    {"[", "\"a\"  ", EXO_OK, NULL},
    {"", "{} ", EXO_OK, NULL},
    {"", "{\"a\": 1}, ", EXO_OK, NULL},
    {"", "{\"a\": [1}, ", EXO_OK, NULL},
    {"{", ", {\"a\": 1}", EXO_OK, NULL},
    {"[", "\xE2\x80", EXO_OK, NULL},
    {"{", "\xC2\xA0", EXO_OK, NULL},
    {"{\"a\":b", "\xE3\x80\x80", EXO_OK, NULL},
    {"{\"a\":", "b\"", EXO_OK, NULL},
    {"[", "b\" ", EXO_OK, NULL},
    {"[", "{\"a\":1 ", EXO_OK, NULL},
    {"[", "{\"a\":\"\" ", EXO_OK, NULL},
    {"[", "{\"a\":1}}", EXO_OK, NULL},
    {"[\"", ",\n\"", EXO_OK, NULL},
    {"[\"", ",\n\"a", EXO_OK, NULL},
    {"{\"a\":", "\"\" + /*", EXO_OK, NULL},
    {"{\"a\":", "\"\" + /**/", EXO_OK, NULL},
    {"", "a", EXO_E_REPAIR, NULL},
    {"", "```", EXO_E_REPAIR, NULL},
    {"{\"a\":\"", ", b: \"", EXO_OK, NULL},
    {"{\"a\":\"", ", b: 'c, d: \"", EXO_OK, NULL},
    {"{\"a\":\"x, b: ", "\"\"", EXO_OK, NULL},
    {"{\"a\":\"", "x, b: ", EXO_OK, NULL},
    {"{\"a\":\"", ", b: [\"", EXO_E_DEPTH_LIMIT, NULL},
    {"[\"", "a,\"b", EXO_OK, NULL},
    {"[\"", "\",", EXO_OK, NULL},
    {"[\"", "\"]", EXO_OK, NULL},
    {"[[[[\"", "\"]]], ", EXO_OK, NULL},
    {"[{\"a\":\"", "\"}]}], ", EXO_OK, NULL},
    {"{\"a", "\"b", EXO_OK, NULL},
    {"{", "\"a\"b", EXO_OK, NULL},
    {"{", "\"a\"b: ", EXO_OK, NULL},
    {"{\"a\": 1", "{\"a\": 1", EXO_OK, NULL},
    {"{\"a\": \"x", "{\"a\": \"x", EXO_OK, NULL},
    {"{\"a\": \"", "{", EXO_OK, NULL},
    {"{\"a\": \"", "{ ", EXO_OK, NULL},
    {"{\"a\": x", " {\"a\": [1, 2]}", EXO_OK, NULL},
    {"{", "#}", EXO_OK, NULL},
    {"[", "#]\n", EXO_OK, NULL},
    {"[", "... ", EXO_OK, NULL},
    {"[1", ")", EXO_OK, NULL},
    {"{\"a\":", "\\\"", EXO_OK, NULL},
    {"", "{\"a\": 1} ", EXO_OK, NULL},
    {"", "[{\"a\": 1}] words ", EXO_OK, NULL},
    {"{\"a\":\"", "\"],a:\"a\"", EXO_OK, ", b: \""},
    {"{\"a\":\"", "x, b: ", EXO_OK, ", c: \""},
    {"[\"", "a,'b", EXO_OK, ",\"c"},
};
#define SLOW_REPAIRS (sizeof slow_repairs / sizeof *slow_repairs)

/* Stores the input of at most `size` bytes, and returns its length. */
static inline size_t slow_repair_fill(const slow_repair *input, char *text, size_t size)
{
    size_t len = strlen(input->head);
    memcpy(text, input->head, len);
    for (;;) {
        const char *const next = input->rest && len > size / 2 ? input->rest : input->repeated;
        const size_t step = strlen(next);
        if (len + step > size) {
            return len;
        }
        memcpy(text + len, next, step);
        len += step;
    }
}

#endif
