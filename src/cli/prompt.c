/*
 * prompt.c: see prompt.h.
 */
#include "prompt.h"

#include "exit_code.h"
#include "input.h"
#include "interrupt.h"
#include "messages.h"
#include "parameters.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
    *len = prompt ? (size_t)(to - prompt) : 0;
    return prompt;
}

/* Reads standard input, if it may hold a prompt. False: it cannot be read, and that was said. */
static bool prompt_read_standard(const cli_options *options, exo_span *text)
{
    *text = exo_span_of(NULL, 0);
    if ((options->messages && strcmp(options->messages, "-") == 0) || !input_is_given()) {
        return true;
    }
    if (input_read("-", text)) {
        return true;
    }
    if (!interrupted()) {
        say("standard input: %s", strerror(errno));
    }
    return false;
}

/* Appends the prompt. False: why was said. */
static bool add_prompt(exo_request *request, const cli_options *options, int *exit_code)
{
    exo_span standard;
    size_t len = 0;
    if (!prompt_read_standard(options, &standard)) {
        *exit_code = interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE;
        return false;
    }
    char *prompt = prompt_join(options, standard, &len);
    free((void *)standard.ptr);
    int code = EXO_E_NO_MEMORY;
    if (prompt) {
        code = len > 0 ? exo_request_text_span(request, EXO_USER, exo_span_of(prompt, len)) : EXO_OK;
    }
    free(prompt);
    if (code != EXO_OK) {
        say("%s", exo_error_text(code));
    } else if (len == 0 && options->attachments.count == 0 && !options->messages) {
        say("a prompt is expected, as arguments or on standard input; exochat --help says more");
        code = EXO_E_REQUEST;
    }
    return code == EXO_OK;
}

/* ---- attachments ---- */

/* Whether a file can be attached: it can be read, and from its start again. Says why not. */
static bool prompt_is_attachable(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = file < 0 || fstat(file, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (file >= 0) {
        close(file);
    }
    if (error != 0) {
        say("--attach: %s: %s", path, strerror(error));
    }
    return error == 0;
}

static bool prompt_add_attachments(exo_request *request, const cli_options *options)
{
    for (size_t i = 0; i < options->attachments.count; i++) {
        const char *path = options->attachments.items[i];
        if (!prompt_is_attachable(path)) {
            return false;
        }
        int code = exo_request_file(request, EXO_USER, path, NULL);
        if (code != EXO_OK) {
            say("--attach: %s: %s", path, exo_error_text(code));
            return false;
        }
    }
    return true;
}

/* ---- the request ---- */

static exo_request *prompt_begin(const cli_options *options)
{
    if (options->messages) {
        return messages_request(options);
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

static bool prompt_complete(exo_request *request, const cli_options *options, int *exit_code)
{
    if (options->allow_files && exo_request_allow_files(request, options->allow_files) != EXO_OK) {
        say("--allow-files: a folder expected, not '%s'", options->allow_files);
        return false;
    }
    if (!add_prompt(request, options, exit_code) || !prompt_add_attachments(request, options) ||
        !parameters_add(request, options)) {
        return false;
    }
    int code = exo_request_error(request);
    if (code != EXO_OK) {
        say("%s", exo_error_text(code));
    }
    return code == EXO_OK;
}

exo_request *prompt_request(const cli_options *options, int *exit_code)
{
    *exit_code = EXIT_USAGE;
    exo_request *request = prompt_begin(options);
    if (request && !prompt_complete(request, options, exit_code)) {
        exo_request_free(request);
        request = NULL;
    }
    return request;
}
