/*
 * test_finish.c: every known word for the end of an answer has its family, however it is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exochat/finish.h"

static const struct {
    const char *word;
    exo_finish_family family;
} cases[] = {
    {"null", EXO_FINISH_NONE},
    {"none", EXO_FINISH_NONE},
    {"stop", EXO_FINISH_NORMAL},
    {"tool_calls", EXO_FINISH_NORMAL},
    {"function_call", EXO_FINISH_NORMAL},
    {"eos", EXO_FINISH_NORMAL},
    {"end", EXO_FINISH_NORMAL},
    {"end_turn", EXO_FINISH_NORMAL},
    {"stop_sequence", EXO_FINISH_NORMAL},
    {"FINISH_REASON_UNSPECIFIED", EXO_FINISH_NORMAL},
    {"nobody_knows", EXO_FINISH_NORMAL},
    {"0", EXO_FINISH_NORMAL},
    {"length", EXO_FINISH_LENGTH},
    {"max_tokens", EXO_FINISH_LENGTH},
    {"model_length", EXO_FINISH_LENGTH},
    {"max_output_tokens", EXO_FINISH_LENGTH},
    {"token_limit", EXO_FINISH_LENGTH},
    {"content_filter", EXO_FINISH_FILTER},
    {"content_filtered", EXO_FINISH_FILTER},
    {"SAFETY", EXO_FINISH_FILTER},
    {"RECITATION", EXO_FINISH_FILTER},
    {"PROHIBITED_CONTENT", EXO_FINISH_FILTER},
    {"BLOCKLIST", EXO_FINISH_FILTER},
    {"SPII", EXO_FINISH_FILTER},
    {"IMAGE_SAFETY", EXO_FINISH_FILTER},
    {"sensitive", EXO_FINISH_FILTER},
    {"guardrail_intervened", EXO_FINISH_FILTER},
    {"error", EXO_FINISH_ERROR},
    {"network_error", EXO_FINISH_ERROR},
    {"abort", EXO_FINISH_ERROR},
    {"aborted", EXO_FINISH_ERROR},
    {"cancelled", EXO_FINISH_ERROR},
    {"canceled", EXO_FINISH_ERROR},
    {"timeout", EXO_FINISH_ERROR},
    {"server_error", EXO_FINISH_ERROR},
    {"insufficient_system_resource", EXO_FINISH_ERROR},
    {"MALFORMED_FUNCTION_CALL", EXO_FINISH_ERROR},
    {"model_context_window_exceeded", EXO_FINISH_CONTEXT},
    /* only whole words count */
    {"safet", EXO_FINISH_NORMAL},
    {"safety_", EXO_FINISH_NORMAL},
    {"no-error", EXO_FINISH_NORMAL},
    {"nullable", EXO_FINISH_NORMAL},
    {"null\tnone", EXO_FINISH_NONE},
};

/* Asks of a copy in memory of exactly its size. */
static exo_finish_family ask(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    exo_finish_family family = exo_finish_family_of(exo_span_of(copy, len));
    free(copy);
    return family;
}

static void every_word_has_its_family(void **state)
{
    static const char *const formats[] = {"%s", " \t%s", "%s: hate", "%s:", "%s of them", "\n%s\r\n", "%s\nlength"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t j = 0; j < sizeof formats / sizeof *formats; j++) {
            char text[64];
            snprintf(text, sizeof text, formats[j], cases[i].word);
            assert_int_equal(ask(text), cases[i].family);
            for (char *at = text; *at; at++) {
                *at = (char)toupper((unsigned char)*at);
            }
            assert_int_equal(ask(text), cases[i].family);
            for (char *at = text; *at; at++) {
                *at = (char)tolower((unsigned char)*at);
            }
            assert_int_equal(ask(text), cases[i].family);
        }
    }
}

static void blank_is_no_reason(void **state)
{
    static const char *const blanks[] = {"", " ", "\r\n\t", ":", " : stop"};
    (void)state;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        assert_int_equal(ask(blanks[i]), EXO_FINISH_NONE);
    }
    assert_int_equal(exo_finish_family_of(exo_span_of(NULL, 0)), EXO_FINISH_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_has_its_family),
        cmocka_unit_test(blank_is_no_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
