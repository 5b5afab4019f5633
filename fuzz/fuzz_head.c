/*
 * fuzz_head.c: a response head, line by line, each in memory of its own exact size, on the way that libcurl's lines
 * take into an attempt: nothing is read outside of a line, and what is kept of it is a part of it.
 */
#include "fuzz.h"

#include "../src/client/curl/head.h"

/* A block of exactly this size, so that the first byte too many is seen. */
static char *copy_of(exo_span line)
{
    char *copy = malloc(line.len > 0 ? line.len : 1);
    FUZZ_MUST(copy != NULL);
    if (line.len > 0) {
        memcpy(copy, line.ptr, line.len);
    }
    return copy;
}

static bool lies_in(exo_span part, exo_span line)
{
    return part.len == 0 || (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len);
}

/* Whether a text of the failure comes out of the line: its letters, in their order. What is no text is replaced. */
static bool comes_from(const char *text, exo_span line)
{
    for (size_t at = 0; *text; text++) {
        if (*text <= ' ' || (unsigned char)*text >= 0x7F) {
            continue;
        }
        while (at < line.len && line.ptr[at] != *text) {
            at++;
        }
        if (at++ >= line.len) {
            return false;
        }
    }
    return true;
}

/* Tells the attempt what the line says. EXO_OK or the code with which the transfer breaks off. */
static int tell(exo_attempt *attempt, exo_span line)
{
    exo_head_line read = exo_head_read(line);
    FUZZ_MUST(lies_in(read.name, line) && lies_in(read.value, line) && read.status < 1000);
    switch (read.kind) {
    case EXO_HEAD_STATUS:
        return exo_attempt_status(attempt, read.status);
    case EXO_HEAD_END:
        exo_attempt_head_end(attempt, 1);
        return EXO_OK;
    case EXO_HEAD_FIELD:
        break;
    }
    (void)exo_head_is_coding(&read);
    return exo_attempt_header(attempt, read.name, read.value, 1700000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exo_attempt attempt;
    exo_attempt_options options = EXO_ATTEMPT_OPTIONS_INIT;
    exo_answer answer;
    char known[sizeof(((exo_failure *)0)->request_id)] = "";
    const char *at = (const char *)data;
    int code = EXO_OK;
    exo_answer_init(&answer, &fuzz_heap, exo_limits_micro(), 0, EXO_KEEP_ALL);
    options.intake.allocator = &fuzz_heap;
    options.intake.limits = exo_limits_micro();
    options.intake.answers = &answer;
    options.intake.answer_count = 1;
    FUZZ_MUST(exo_attempt_init(&attempt, &options, 0) == EXO_OK);
    while (size > 0 && code == EXO_OK) {
        const char *end = memchr(at, '\n', size);
        exo_span line = exo_span_of(at, end ? (size_t)(end - at) + 1 : size);
        char *copy = copy_of(line);
        code = tell(&attempt, exo_span_of(copy, line.len));
        memset(copy, 'Z', line.len);
        free(copy);
        const char *id = exo_attempt_request_id(&attempt);
        FUZZ_MUST(strlen(id) < sizeof known);
        FUZZ_MUST(strcmp(id, known) == 0 || comes_from(id, line));
        memcpy(known, id, strlen(id) + 1);
        FUZZ_MUST(exo_attempt_todo(&attempt) == EXO_DO_RUN);
        at += line.len;
        size -= line.len;
    }
    FUZZ_MUST(code == EXO_OK || code == EXO_E_HEAD_LIMIT || code == EXO_E_HEADERS_LIMIT);
    exo_attempt_free(&attempt);
    exo_answer_free(&answer);
    return 0;
}
