/*
 * debug.c: see debug.h; the command line, the pieces, and the parts that want their input whole.
 */
#include "debug.h"

#include "exit_code.h"
#include "input.h"
#include "json_out.h"
#include "memory.h"
#include "nearest.h"
#include "number.h"
#include "say.h"
#include "secret.h"

#include "exochat/json_read.h"
#include "exochat/json_repair.h"
#include "exochat/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int debug_refuse(int code, uint64_t offset)
{
    say("%s: %s (at byte %" PRIu64 ")", exo_error_name(code), exo_error_text(code), offset);
    return EXIT_FAILED;
}

bool debug_next(debug_input *input, exo_span *piece)
{
    while (input->cut < input->cut_count && input->cuts[input->cut] <= input->at) {
        input->cut++;
    }
    size_t end = input->cut < input->cut_count ? input->cuts[input->cut] : input->all.len;
    size_t len = (end < input->all.len ? end : input->all.len) - input->at;
    free(input->piece);
    input->piece = NULL;
    if (len == 0) {
        return false;
    }
    input->piece = malloc(len);
    if (!input->piece) {
        say("out of memory");
        exit(EXIT_FAILED);
    }
    memcpy(input->piece, input->all.ptr + input->at, len);
    input->at += len;
    *piece = exo_span_of(input->piece, len);
    return true;
}

/* ---- parts that want their input whole ---- */

int debug_json(debug_input *input)
{
    size_t offset = 0;
    int code = exo_json_check(input->all, EXO_JSON_DEPTH_MAX, &offset);
    return code == EXO_OK ? EXIT_ANSWERED : debug_refuse(code, offset);
}

int debug_repair(debug_input *input)
{
    exo_repair_report report;
    exo_buffer repaired;
    json_out out = json_out_to(stdout);
    exo_buffer_init(&repaired, &memory_heap, SIZE_MAX, EXO_E_NO_MEMORY);
    int code = exo_json_repair(input->all, exo_limits_host()->depth, &repaired, &report);
    json_open(&out, '{');
    json_key(&out, "ok");
    json_bool(&out, code == EXO_OK);
    if (code == EXO_OK) {
        json_key(&out, "value");
        json_raw(&out, exo_buffer_span(&repaired));
    }
    json_close(&out, '}');
    json_end_line(&out);
    exo_buffer_free(&repaired);
    return code == EXO_OK ? EXIT_ANSWERED : debug_refuse(code, 0);
}

/* ---- the command line ---- */

typedef struct part {
    const char *name;
    int (*run)(debug_input *input);
    const char *help;
} part;

static const part parts[] = {
    {"sse", debug_sse, "an event stream -> its events"},
    {"json", debug_json, "JSON text -> the exit code alone"},
    {"repair", debug_repair, "the arguments of a tool call -> valid JSON"},
    {"chat", debug_chat, "the body of an answer -> the answer"},
    {"encode", debug_encode, "a request object -> the body that is sent for it"},
    {"http", debug_http, "an HTTP/1.1 response -> status, headers and body"},
};

enum {
    PART_COUNT = sizeof parts / sizeof parts[0]
};

static int debug_print_help(void)
{
    puts("Usage: exochat debug sse|json|repair|chat|encode|http [OPTIONS]\n"
         "\n"
         "Puts standard input through one part of the program, and prints what comes out\n"
         "as one JSON value. Exit codes: 0 accepted, 1 refused, 2 usage.\n");
    for (size_t i = 0; i < PART_COUNT; i++) {
        printf("  %-8s %s\n", parts[i].name, parts[i].help);
    }
    puts("\n"
         "  --cuts N,N,...  feed the input in pieces that end at these offsets, and for\n"
         "                  encode write the body in windows of these sizes, in turn\n"
         "  --think-tags    for chat: a <think> block at the start is reasoning\n"
         "  --lenient-end   for chat: a clean end is enough\n"
         "  --strict-stream for chat: refuse a completion in place of a stream");
    return say_flush() ? EXIT_ANSWERED : say_output_failed();
}

/* Reads "N,N,…" into `input`. False: it is none, and that was said. */
static bool debug_read_cuts(debug_input *input, const char *text, bool ascending)
{
    input->cuts = calloc(strlen(text) / 2 + 1, sizeof *input->cuts);
    if (!input->cuts) {
        say("out of memory");
        return false;
    }
    size_t before = 0;
    for (const char *at = text; *at != '\0';) {
        int64_t number = 0;
        const char *end = number_read(at, INT64_MAX, &number);
        if (!end || (*end != ',' && *end != '\0') || (*end == ',' && end[1] == '\0')) {
            say("--cuts: numbers with commas between them expected, not '%s'", secret_hidden(text));
            return false;
        }
        if (ascending && (uint64_t)number < before) {
            say("--cuts: ascending offsets expected, not '%s'", secret_hidden(text));
            return false;
        }
        before = (size_t)number;
        input->cuts[input->cut_count++] = before;
        at = *end == ',' ? end + 1 : end;
    }
    return true;
}

static const part *debug_part_of(const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

/* Says that there is no such part. */
static void debug_propose(const char *text)
{
    nearest best = NEAREST_INIT;
    for (size_t i = 0; i < PART_COUNT; i++) {
        nearest_offer(&best, exo_span_text(text), parts[i].name);
    }
    say("debug: sse, json, repair, chat, encode or http expected, not '%s'%s%s%s", secret_hidden(text),
        best.word ? "; did you mean " : "", best.word ? best.word : "", best.word ? "?" : "");
}

/* What the command line asks for. */
typedef struct debug_wish {
    const part *part;
    const char *cuts;
    bool think_tags;
    bool lenient_end;
    bool strict_stream;
} debug_wish;

/* Takes what may stand at `argv[at]`, and returns how many arguments that was; 0: none, and that was said. */
static int debug_read_argument(debug_wish *wish, char **argv, int at)
{
    const char *text = argv[at];
    if (strcmp(text, "--cuts") == 0 && argv[at + 1]) {
        wish->cuts = argv[at + 1];
        return 2;
    }
    if (strncmp(text, "--cuts=", 7) == 0) {
        wish->cuts = text + 7;
    } else if (strcmp(text, "--think-tags") == 0) {
        wish->think_tags = true;
    } else if (strcmp(text, "--lenient-end") == 0) {
        wish->lenient_end = true;
    } else if (strcmp(text, "--strict-stream") == 0) {
        wish->strict_stream = true;
    } else if (strcmp(text, "--cuts") == 0) {
        say("--cuts: numbers with commas between them expected");
        return 0;
    } else if (text[0] == '-' || wish->part) {
        say("%s: not expected here; exochat debug --help lists what is", secret_hidden(text));
        return 0;
    } else if (!(wish->part = debug_part_of(text))) {
        debug_propose(text);
        return 0;
    }
    return 1;
}

/* Reads the arguments; options may stand before or after the part. False: wrong, and that was said. */
static bool debug_read_arguments(debug_wish *wish, int argc, char **argv)
{
    for (int i = 1; i < argc;) {
        int taken = debug_read_argument(wish, argv, i);
        if (taken == 0) {
            return false;
        }
        i += taken;
    }
    if (!wish->part) {
        say("debug: sse, json, repair, chat, encode or http expected");
    } else if ((wish->think_tags || wish->lenient_end || wish->strict_stream) && wish->part->run != debug_chat) {
        say("--%s: for chat only", wish->think_tags    ? "think-tags"
                                   : wish->lenient_end ? "lenient-end"
                                                       : "strict-stream");
        return false;
    }
    return wish->part != NULL;
}

static int debug_run(const debug_wish *wish)
{
    debug_input input;
    memset(&input, 0, sizeof input);
    input.think_tags = wish->think_tags;
    input.lenient_end = wish->lenient_end;
    input.strict_stream = wish->strict_stream;
    int exit_code = EXIT_USAGE;
    if (!wish->cuts || debug_read_cuts(&input, wish->cuts, wish->part->run != debug_encode)) {
        if (input_read("-", &input.all)) {
            exit_code = wish->part->run(&input);
            exit_code = say_flush() ? exit_code : say_output_failed();
        } else {
            say("standard input: %s", strerror(errno));
        }
    }
    free(input.piece);
    free(input.cuts);
    free((void *)input.all.ptr);
    return exit_code;
}

int debug_command(int argc, char **argv)
{
    debug_wish wish = {NULL, NULL, false, false, false};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return debug_print_help();
        }
    }
    return debug_read_arguments(&wish, argc, argv) ? debug_run(&wish) : EXIT_USAGE;
}
