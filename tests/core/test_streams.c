/*
 * test_streams.c: whole streams, from bytes to the answer, compared with golden logs at every split of the input.
 *
 * The streams are in golden/, several to a file, in lines that begin with
 *
 *     =   the name of a stream, which begins here
 *     #   a remark
 *     !   an option: think, lenient, choice 1
 *     <   a line of input; ~hh is the byte hh, a ~ at the end means that no LF follows
 *     >   a line of the log, as written by delta_log.h and below
 *
 * Input and log may alternate, so that what comes of a line can stand under it. With EXO_GOLDEN_PRINT set in the
 * environment the actual logs are printed in place of a comparison.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "counting_heap.h"
#include "delta_log.h"
#include "exochat/intake.h"

#ifndef EXO_TEST_DATA_DIR
#define EXO_TEST_DATA_DIR "tests/core"
#endif

struct golden {
    char name[128];
    bool think;
    bool lenient;
    unsigned choice;
    delta_log input;
    delta_log expected;
};

/* Where the input is cut: once at `first`, and then every `step` bytes. `rests`: next() is not called where rests()
 * says that it would find nothing. */
struct cut {
    size_t first;
    size_t step;
    bool rests;
};

/* The most tool calls of a stream here. */
#define CALLS 8

/* An intake, and what it has shown. */
struct reader {
    exo_intake intake;
    exo_answer answer;
    exo_failure failure;
    bool done;
    bool rests;
    delta_log log;
    delta_log text;
    delta_log reasoning;
    delta_log calls[CALLS];
};

/* Appends bytes as they are, where log_bytes() would write some out. */
static void add_bytes(delta_log *log, exo_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        log_bytes(log, "x", 1);
        log->text[log->len - 1] = text.ptr[i];
    }
}

static void show(struct reader *reader, const exo_intake_event *event)
{
    switch (event->type) {
    case EXO_EVENT_TEXT:
        add_bytes(&reader->text, event->text);
        break;
    case EXO_EVENT_REASONING:
        add_bytes(&reader->reasoning, event->text);
        break;
    case EXO_EVENT_TOOL_ARGUMENTS:
        assert_true(event->tool < CALLS);
        if (event->replace) {
            reader->calls[event->tool].len = 0;
        }
        add_bytes(&reader->calls[event->tool], event->text);
        break;
    default:
        break;
    }
}

/* What was shown of a stream is what is kept of it; behind an error nothing is shown. */
static void check_shown(struct reader *reader)
{
    exo_tool_call call;
    assert_true(exo_span_equal(exo_answer_text(&reader->answer), exo_span_of(reader->text.text, reader->text.len)));
    assert_true(exo_span_equal(exo_answer_reasoning(&reader->answer),
                               exo_span_of(reader->reasoning.text, reader->reasoning.len)));
    for (uint32_t i = 0; exo_answer_tool_call(&reader->answer, i, &call) == EXO_OK; i++) {
        assert_true(exo_span_equal(call.arguments, exo_span_of(reader->calls[i].text, reader->calls[i].len)));
    }
}

static void log_done(struct reader *reader)
{
    if (!reader->done && exo_intake_done(&reader->intake)) {
        reader->done = true;
        log_print(&reader->log, "done\n");
    }
}

/* As exo_intake_next(). */
static int pull_one(struct reader *reader, exo_intake_event *event)
{
#ifndef EXO_SMALL
    if (reader->rests && exo_intake_rests(&reader->intake)) {
        return EXO_NEED_DATA;
    }
#endif
    return exo_intake_next(&reader->intake, event);
}

/* Reads what was fed. An event that only the end of the stream ended, and that cannot be read, is not counted. */
static int pull(struct reader *reader)
{
    exo_intake_event event;
    uint32_t malformed = exo_answer_malformed(&reader->answer, NULL, NULL);
    int rc;
    while ((rc = pull_one(reader, &event)) == EXO_EVENT) {
        log_done(reader);
        uint32_t now = exo_answer_malformed(&reader->answer, NULL, NULL);
        if (!event.held_back && event.delta.type == EXO_DELTA_MALFORMED && now == malformed) {
            log_print(&reader->log, "dropped\n");
        } else if (!event.held_back) {
            log_delta(&reader->log, &event.delta);
        }
        malformed = now;
        show(reader, &event);
    }
    log_done(reader);
    return rc;
}

/* Feeds all of the input, each piece in memory of its own that is gone when the intake is done with it. */
static int read_input(struct reader *reader, const delta_log *input, struct cut cut)
{
    size_t size = cut.first;
    int rc = EXO_NEED_DATA;
    for (size_t at = 0; at < input->len && rc == EXO_NEED_DATA; at += size, size = cut.step) {
        size = size < input->len - at ? size : input->len - at;
        char *piece = malloc(size > 0 ? size : 1);
        assert_non_null(piece);
        memcpy(piece, input->text + at, size);
        assert_int_equal(exo_intake_feed(&reader->intake, exo_span_of(piece, size)), EXO_OK);
        rc = pull(reader);
        free(piece);
    }
    exo_intake_end(&reader->intake, EXO_OK, exo_span_of(NULL, 0));
    assert_int_equal(pull(reader), EXO_DONE);
    return reader->failure.code == EXO_E_NO_MEMORY ? EXO_E_NO_MEMORY : EXO_OK;
}

static void log_named(delta_log *log, const char *name, exo_span text)
{
    if (text.len > 0) {
        log_print(log, "= %s", name);
        log_quoted(log, text);
        log_print(log, "\n");
    }
}

static int log_extra(struct reader *reader, const exo_allocator *allocator, uint32_t call)
{
    exo_buffer extra;
    exo_buffer_init(&extra, allocator, 10000, EXO_E_ANSWER_LIMIT);
    int rc = exo_answer_extra(&reader->answer, call, &extra);
    log_named(&reader->log, "members", exo_buffer_span(&extra));
    exo_buffer_free(&extra);
    return rc;
}

static int log_calls(struct reader *reader, const exo_allocator *allocator)
{
    int rc = EXO_OK;
    for (uint32_t i = 0; rc == EXO_OK && i < exo_answer_tool_calls(&reader->answer); i++) {
        exo_tool_call call;
        exo_buffer repaired;
        rc = exo_answer_tool_call(&reader->answer, i, &call);
        if (rc != EXO_OK) {
            break;
        }
        log_print(&reader->log, "= call");
        log_quoted(&reader->log, call.id);
        log_quoted(&reader->log, call.name);
        exo_buffer_init(&repaired, allocator, 10000, EXO_E_ARGUMENTS_LIMIT);
        rc = exo_answer_tool_arguments(&reader->answer, i, &repaired);
        if (rc == EXO_OK) {
            log_quoted(&reader->log, exo_buffer_span(&repaired));
        } else if (rc == EXO_E_STATE) {
            log_print(&reader->log, " not proven");
            rc = EXO_OK;
        }
        log_print(&reader->log, "%s\n", call.legacy ? " legacy" : "");
        log_named(&reader->log, "extra", call.extra);
        exo_buffer_free(&repaired);
        rc = rc == EXO_OK ? log_extra(reader, allocator, i) : rc;
    }
    return rc;
}

static int log_answer(struct reader *reader, const exo_allocator *allocator, bool lenient)
{
    static const char *const proofs[] = {"no proof", "finish_reason", "[DONE]", "lenient"};
    exo_answer *answer = &reader->answer;
    delta_log *log = &reader->log;
    int rc = exo_answer_end(answer, lenient);
    log_print(log, "= %s, %s", exo_error_name(rc), proofs[exo_answer_proof(answer)]);
    if (exo_answer_malformed(answer, NULL, NULL) > 0) {
        log_print(log, ", %u malformed", (unsigned)exo_answer_malformed(answer, NULL, NULL));
    }
    log_print(log, "\n");
    log_named(log, "reasoning", exo_answer_reasoning(answer));
    log_named(log, "details", exo_answer_reasoning_details(answer));
    log_named(log, "text", exo_answer_text(answer));
    log_named(log, "refusal", exo_answer_refusal(answer));
    log_named(log, "audio", exo_answer_audio(answer));
    log_named(log, "logprobs", exo_answer_logprobs(answer));
    int extra = log_extra(reader, allocator, EXO_ANSWER_ITSELF);
    int calls = extra == EXO_OK ? log_calls(reader, allocator) : extra;
    log_named(log, "finish", exo_answer_finish_reason(answer));
    log_named(log, "usage", exo_answer_usage_json(answer));
    return rc == EXO_E_NO_MEMORY ? rc : calls;
}

/* Replays a stream into `log`, which the caller frees. */
static int replay(const struct golden *golden, struct cut cut, counting_heap *heap, delta_log *log)
{
    const exo_allocator allocator = {heap, counting_resize};
    const exo_limits *limits = exo_limits_host();
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    struct reader reader;
    memset(&reader, 0, sizeof reader);
    reader.rests = cut.rests;
    log_print(&reader.log, "%s", "");
    exo_failure_clear(&reader.failure);
    exo_answer_init(&reader.answer, &allocator, limits, golden->choice, EXO_KEEP_ALL);
    options.allocator = &allocator;
    options.limits = limits;
    options.answers = &reader.answer;
    options.answer_count = 1;
    options.failure = &reader.failure;
    options.think_tags = golden->think;
    options.lenient_end = golden->lenient;
    assert_int_equal(exo_intake_init(&reader.intake, &options), EXO_OK);
    int rc = read_input(&reader, &golden->input, cut);
    if (rc >= 0) {
        rc = log_answer(&reader, &allocator, golden->lenient);
    }
    if (rc >= 0 && exo_answer_error(&reader.answer).len == 0) {
        check_shown(&reader);
    }
    free(reader.text.text);
    free(reader.reasoning.text);
    for (size_t i = 0; i < CALLS; i++) {
        free(reader.calls[i].text);
    }
    exo_intake_free(&reader.intake);
    exo_answer_free(&reader.answer);
    *log = reader.log;
    return rc;
}

static void check_replay(const struct golden *golden, struct cut cut)
{
    counting_heap heap = {0};
    delta_log log;
    assert_true(replay(golden, cut, &heap, &log) >= 0);
    if (strcmp(log.text, golden->expected.text) != 0) {
        print_error("%s, cut at %u and then every %u bytes:\n%s", golden->name, (unsigned)cut.first, (unsigned)cut.step,
                    log.text);
    }
    assert_string_equal(log.text, golden->expected.text);
    free(log.text);
}

static void check_every_cut(const struct golden *golden)
{
    size_t len = golden->input.len;
    for (int rests = 0; rests < 2; rests++) {
        for (size_t first = 0; first <= len; first++) {
            check_replay(golden, (struct cut){first, len, rests});
        }
        for (size_t step = 1; step <= 7; step++) {
            check_replay(golden, (struct cut){step, step, rests});
        }
    }
}

static void check_every_allocation(const struct golden *golden)
{
    for (size_t step = 1; step <= golden->input.len; step += golden->input.len - 1) {
        bool failed = true;
        for (size_t fail_at = 1; failed; fail_at++) {
            counting_heap heap = {.fail_at = fail_at};
            delta_log log;
            int rc = replay(golden, (struct cut){step, step, step > 1}, &heap, &log);
            failed = heap.calls >= fail_at;
            if (rc != EXO_E_NO_MEMORY || !failed) { /* what an answer can do without changes nothing */
                assert_true(rc >= 0);
                assert_string_equal(log.text, golden->expected.text);
            }
            free(log.text);
        }
    }
}

static void print_replay(const struct golden *golden)
{
    counting_heap heap = {0};
    delta_log log;
    replay(golden, (struct cut){0, golden->input.len, false}, &heap, &log);
    printf("= %s\n", golden->name);
    for (const char *line = log.text; *line != '\0'; line = strchr(line, '\n') + 1) {
        printf("> %.*s\n", (int)(strchr(line, '\n') - line), line);
    }
    free(log.text);
}

static void check_golden(struct golden *golden)
{
    if (getenv("EXO_GOLDEN_PRINT")) {
        print_replay(golden);
    } else {
        check_every_cut(golden);
        check_every_allocation(golden);
    }
    free(golden->input.text);
    free(golden->expected.text);
    memset(golden, 0, sizeof *golden);
}

static void add_byte(delta_log *text, unsigned byte)
{
    const char bytes[] = {(char)byte};
    add_bytes(text, exo_span_of(bytes, 1));
}

static void add_input(struct golden *golden, const char *line)
{
    for (; *line != '\0'; line++) {
        unsigned byte;
        if (*line != '~') {
            add_byte(&golden->input, (uint8_t)*line);
        } else if (line[1] == '\0') {
            return;
        } else {
            assert_int_equal(sscanf(line + 1, "%2x", &byte), 1);
            add_byte(&golden->input, byte);
            line += 2;
        }
    }
    add_byte(&golden->input, '\n');
}

static void read_line(struct golden *golden, const char *file, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    const char *rest = line[0] != '\0' && line[1] == ' ' ? line + 2 : line + strlen(line);
    switch (line[0]) {
    case '=':
        if (golden->name[0] != '\0') {
            check_golden(golden);
        }
        snprintf(golden->name, sizeof golden->name, "%s: %.100s", file, rest);
        log_print(&golden->expected, "%s", "");
        break;
    case '!':
        golden->think = golden->think || strcmp(rest, "think") == 0;
        golden->lenient = golden->lenient || strcmp(rest, "lenient") == 0;
        sscanf(rest, "choice %u", &golden->choice);
        break;
    case '<':
        add_input(golden, rest);
        break;
    case '>':
        log_bytes(&golden->expected, rest, strlen(rest));
        log_bytes(&golden->expected, "\n", 1);
        break;
    case '#':
    case '\0':
        break;
    default:
        fail_msg("%s: what is this? %s", file, line);
    }
}

static void check_file(const char *folder, const char *file)
{
    struct golden golden;
    char path[512];
    char *line = NULL;
    size_t size = 0;
    memset(&golden, 0, sizeof golden);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (getline(&line, &size, in) > 0) {
        read_line(&golden, file, line);
    }
    assert_true(golden.name[0] != '\0');
    check_golden(&golden);
    free(line);
    fclose(in);
}

static void golden_streams(void **state)
{
    static const char folder[] = EXO_TEST_DATA_DIR "/golden";
    DIR *dir = opendir(folder);
    size_t files = 0;
    (void)state;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, ".txt")) {
            check_file(folder, entry->d_name);
            files++;
        }
    }
    closedir(dir);
    assert_true(files > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
