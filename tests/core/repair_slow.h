/*
 * repair_slow.h: inputs for the repair that would take hours if any part of them were read again and again.
 *
 * test_json_repair.c looks at what becomes of them, repair_steps.c at how many steps it takes.
 */
#ifndef REPAIR_SLOW_H
#define REPAIR_SLOW_H

#include <string.h>

#include "exochat/error.h"

/* `head` and then `repeated` until the size is reached; `rc` is the result. */
typedef struct slow_repair {
    const char *head;
    const char *repeated;
    int rc;
} slow_repair;

static const slow_repair slow_repairs[] = {
    {"", "[", EXO_E_DEPTH_LIMIT},
    {"", "{\"a\":", EXO_E_DEPTH_LIMIT},
    {"", "\"", EXO_OK},
    {"{", "\"", EXO_OK},
    {"[", "\"", EXO_OK},
    {"{\"a\":", "\"", EXO_OK},
    {"{\"a\":", "\" ", EXO_OK},
    {"{\"a\":", "'\"`“", EXO_OK},
    {"{\"a\":", "\", \"", EXO_OK},
    {"{\"a\":\"", ", \"b", EXO_OK},
    {"{\"a\":\"", ", \"b\"c", EXO_OK},
    {"{\"a\":\"", "x, \"b\": ", EXO_OK},
    {"{\"a\":\"", "\"}", EXO_OK},
    {"{\"a\":\"", "\"{\"}", EXO_OK},
    {"{\"a\":\"", "}", EXO_OK},
    {"{", "\"a: ", EXO_OK},
    {"{", "\"a: 'b: `c: “d: ", EXO_OK},
    {"{", "/*/", EXO_OK},
    {"{", "//", EXO_OK},
    {"{", "#\n", EXO_OK},
    {"[", "``` ,", EXO_OK},
    {"{\"a\":", "```", EXO_OK},
    {"{\"a\":", "1 ", EXO_OK},
    {"{\"a\":", "1\"", EXO_OK},
    {"{\"a\":", "1/", EXO_OK},
    {"{\"a\":", "1,", EXO_OK},
    {"{\"a\":", "(a ", EXO_OK},
    {"[", "true ", EXO_OK},
    {"{\"a\":", "\\", EXO_OK},
    {"{\\\"a\\\":", "\\\"", EXO_OK},
    {"{\\\"a\\\":", "\\n", EXO_OK},
    {"{", " ", EXO_OK},
    {"{\"a\" 'b", "\n", EXO_OK},
    {"[", "\"a\"  ", EXO_OK},
    {"", "{} ", EXO_OK},
    {"", "{\"a\": 1}, ", EXO_OK},
    {"", "{\"a\": [1}, ", EXO_OK},
    {"{", ", {\"a\": 1}", EXO_OK},
    {"[", "\xE2\x80", EXO_OK},
    {"{", "\xC2\xA0", EXO_OK},
    {"{\"a\":b", "\xE3\x80\x80", EXO_OK},
    {"{\"a\":", "b\"", EXO_OK},
    {"[", "b\" ", EXO_OK},
    {"[", "{\"a\":1 ", EXO_OK},
    {"[", "{\"a\":\"\" ", EXO_OK},
    {"[", "{\"a\":1}}", EXO_OK},
    {"[\"", ",\n\"", EXO_OK},
    {"[\"", ",\n\"a", EXO_OK},
    {"{\"a\":", "\"\" + /*", EXO_OK},
    {"{\"a\":", "\"\" + /**/", EXO_OK},
    {"", "a", EXO_E_REPAIR},
    {"", "```", EXO_E_REPAIR},
    {"{\"a\":\"", ", b: \"", EXO_OK},
    {"{\"a\":\"", ", b: 'c, d: \"", EXO_OK},
    {"{\"a\":\"x, b: ", "\"\"", EXO_OK},
    {"{\"a\":\"", "x, b: ", EXO_OK},
    {"{\"a\":\"", ", b: [\"", EXO_E_DEPTH_LIMIT},
    {"[\"", "a,\"b", EXO_OK},
    {"[\"", "\",", EXO_OK},
    {"[\"", "\"]", EXO_OK},
    {"[[[[\"", "\"]]], ", EXO_OK},
    {"[{\"a\":\"", "\"}]}], ", EXO_OK},
    {"{\"a", "\"b", EXO_OK},
    {"{", "\"a\"b", EXO_OK},
    {"{", "\"a\"b: ", EXO_OK},
    {"{\"a\": 1", "{\"a\": 1", EXO_OK},
    {"{\"a\": \"x", "{\"a\": \"x", EXO_OK},
    {"{\"a\": \"", "{", EXO_OK},
    {"{\"a\": \"", "{ ", EXO_OK},
    {"{\"a\": x", " {\"a\": [1, 2]}", EXO_OK},
    {"{", "#}", EXO_OK},
    {"[", "#]\n", EXO_OK},
    {"[", "... ", EXO_OK},
    {"[1", ")", EXO_OK},
    {"{\"a\":", "\\\"", EXO_OK},
    {"", "{\"a\": 1} ", EXO_OK},
    {"", "[{\"a\": 1}] words ", EXO_OK},
};
#define SLOW_REPAIRS (sizeof slow_repairs / sizeof *slow_repairs)

/* Stores the input of at most `size` bytes, and returns its length. */
static inline size_t slow_repair_fill(const slow_repair *input, char *text, size_t size)
{
    const size_t step = strlen(input->repeated);
    size_t len = strlen(input->head);
    memcpy(text, input->head, len);
    for (; len + step <= size; len += step) {
        memcpy(text + len, input->repeated, step);
    }
    return len;
}

#endif
