/*
 * prompt.c: see prompt.h.
 */
#include "prompt.h"

#include "attach.h"
#include "exit_code.h"
#include "input.h"
#include "interrupt.h"
#include "messages.h"
#include "parameters.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>

/* How long standard input may keep a prompt waiting until that is said, in milliseconds. */
enum {
    PATIENCE_MS = 2000
};

/* ---- the prompt ---- */

/* The arguments with spaces between them, then what standard input holds (borrowed), a blank line between the two.
 * NULL: no memory. */
static char *prompt_join(const cli_options *options, exo_span standard, size_t *len)
{
    size_t size = standard.len + 3;
    for (size_t i = 0; i < options->operand_count; i++) {
        size += strlen(options->operands[i]) + 1;
    }
    char *prompt = malloc(size);
    char *to = prompt;
    for (size_t i = 0; prompt && i < options->operand_count; i++) {
        size_t part = strlen(options->operands[i]);
        if (i > 0) {
            *to++ = ' ';
        }
        memcpy(to, options->operands[i], part);
        to += part;
    }
    if (prompt && standard.len > 0) {
        if (to > prompt) {
            memcpy(to, "\n\n", 2);
            to += 2;
        }
        memcpy(to, standard.ptr, standard.len);
        to += standard.len;
    }
    *len = 0;
    if (prompt) {
        *to = '\0';
        *len = (size_t)(to - prompt);
    }
    return prompt;
}

/* Whether standard input belongs to the prompt; says so where somebody may think that it does. */
static bool prompt_takes_standard_input(const cli_options *options)
{
    if (options->stdin_named) {
        return true;
    }
    if (options->no_stdin || options_count_inputs(options) > 0) {
        return false;
    }
    input_kind kind = input_look();
    if (kind == INPUT_BEGUN && !options->quiet) {
        say("standard input is a file of which a part is read already, as in a loop over its lines: the rest is left "
            "to whoever reads it; -a - sends it, -n keeps this note away");
    }
    return kind == INPUT_WHOLE;
}

/* Reads standard input, if it may hold a prompt. False: it cannot be read, or is no text, and that was said. */
static bool prompt_read_standard(const cli_options *options, exo_span *text)
{
    *text = exo_span_of(NULL, 0);
    if (!prompt_takes_standard_input(options)) {
        return true;
    }
    if (options->operand_count > 0 && !input_is_ready(PATIENCE_MS) && !options->quiet) {
        say("waiting for standard input to end, as it is no terminal; -n goes on without it");
    }
    if (!input_read("-", text)) {
        if (!interrupted()) {
            say("standard input: %s", strerror(errno));
        }
        return false;
    }
    if (memchr(text->ptr, '\0', text->len)) {
        say("standard input holds NUL bytes, so it is no text; -a - attaches it as what it is");
        free((void *)text->ptr);
        return false;
    }
    return true;
}

static bool prompt_is_blank(const char *prompt, size_t len)
{
    return strspn(prompt, " \t\r\n\f\v") >= len;
}

/* Whether there is something to ask without a prompt. Says so if not. */
static bool prompt_can_be_empty(const cli_options *options, const conversation *going_on)
{
    const bool waits = options->messages || (going_on && going_on->count > 0 && !going_on->answered);
    if (options->attachments.count > 0 || (waits && options->operand_count == 0)) {
        return true;
    }
    if (options->operand_count > 0) {
        say("the prompt is empty, so nothing is asked");
    } else if (going_on && going_on->answered) {
        say("--continue: %s: its last message is an answer, so a prompt is expected", going_on->name);
    } else if (options->stdin_named || (!options->no_stdin && input_look() == INPUT_WHOLE)) {
        say("standard input is empty, and a prompt is expected, there or as arguments");
    } else {
        say("a prompt is expected, as arguments or on standard input; exochat --help says more");
    }
    return false;
}

/* Appends the prompt. False: why was said. */
static bool add_prompt(exo_request *request, const cli_options *options, const conversation *going_on, int *exit_code)
{
    exo_span standard;
    size_t len = 0;
    if (!prompt_read_standard(options, &standard)) {
        *exit_code = interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE;
        return false;
    }
    char *prompt = prompt_join(options, standard, &len);
    free((void *)standard.ptr);
    int code = prompt ? EXO_OK : EXO_E_NO_MEMORY;
    bool good = true;
    if (prompt && prompt_is_blank(prompt, len)) {
        good = prompt_can_be_empty(options, going_on);
    } else if (prompt) {
        code = exo_request_text_span(request, EXO_USER, exo_span_of(prompt, len));
    }
    free(prompt);
    if (code != EXO_OK) {
        say("%s", exo_error_text(code));
    }
    return good && code == EXO_OK;
}

/* ---- the request ---- */

static exo_request *prompt_begin(const cli_options *options, const conversation *going_on)
{
    if (options->messages) {
        return messages_request(options);
    }
    if (going_on) {
        return messages_parse(options, "continue", going_on->name, going_on->json,
                              going_on->has_system ? NULL : options->system);
    }
    exo_request *request = exo_request_new(options->model);
    if (request && options->system) {
        exo_request_text(request, EXO_SYSTEM, options->system);
    }
    if (!request) {
        say("out of memory");
    }
    return request;
}

static bool prompt_complete(exo_request *request, const cli_options *options, const conversation *going_on,
                            int *exit_code)
{
    if (options->allow_files && exo_request_allow_files(request, options->allow_files) != EXO_OK) {
        say("--allow-files: a folder expected, not '%s'", options->allow_files);
        return false;
    }
    if (!add_prompt(request, options, going_on, exit_code) || !attach_all(request, options) ||
        !parameters_add(request, options)) {
        return false;
    }
    int code = exo_request_error(request);
    if (code != EXO_OK) {
        say("%s", exo_error_text(code));
    }
    return code == EXO_OK;
}

exo_request *prompt_request(const cli_options *options, const conversation *going_on, int *exit_code)
{
    *exit_code = EXIT_USAGE;
    exo_request *request = prompt_begin(options, going_on);
    if (request && !prompt_complete(request, options, going_on, exit_code)) {
        exo_request_free(request);
        request = NULL;
    }
    return request;
}
