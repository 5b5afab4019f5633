/*
 * decode.c: events of one shape go through an intake into an answer: decode SHAPE EVENTS
 *
 * READ_ALL in the environment: no shapes are remembered. The instructions that one event costs are the difference
 * between two runs, divided by that of their events (run.sh).
 */
#include "exochat/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *ctx, void *pointer, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, size);
}

/* The event of each shape, with a place for its text and one for what changes beside it. */
static const struct {
    const char *name;
    const char *event;
} shapes[] = {
    {"plain",
     "data: "
     "{\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
     "\"model\":\"gpt-4o-2024-08-06\",\"system_fingerprint\":\"fp_a1b2c3d4e5\",\"choices\":[{\"index\":0,\"delta\":"
     "{\"content\":\" %s\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"},
    {"obfuscation",
     "data: "
     "{\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
     "\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":"
     "{\"content\":\" %s\"},\"finish_reason\":null}],\"obfuscation\":\"%s\"}\n\n"},
    {"mistral",
     "data: "
     "{\"id\":\"cmpl-e5cc70bb28c444948073e77776eb30ef\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
     "\"model\":\"mistral-small-latest\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" %s\"},"
     "\"finish_reason\":null}],\"p\":\"%s\"}\n\n"},
    {"tool",
     "data: "
     "{\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
     "\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
     "{\"arguments\":\"\\\\\\\"%s\\\\\\\": \\\\\\\"\"}}]},\"finish_reason\":null}]}\n\n"},
    {"azure",
     "data: "
     "{\"choices\":[{\"content_filter_offsets\":{\"check_offset\":4522,\"start_offset\":4522,\"end_offset\":4686},"
     "\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},\"self_harm\":{\"filtered\":"
     "false,"
     "\"severity\":\"safe\"},\"sexual\":{\"filtered\":false,\"severity\":\"safe\"},\"violence\":{\"filtered\":false,"
     "\"severity\":\"safe\"}},\"delta\":{\"content\":\" %s\"},\"finish_reason\":null,\"index\":0,\"logprobs\":null}],"
     "\"created\":1700000000,\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\",\"model\":\"gpt-4o-2024-08-06\","
     "\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"fp_a1b2c3d4e5\"}\n\n"},
};

static const char *const words[] = {"the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "tomorrow"};
static const char *const paddings[] = {"aB3", "xYz01", "q", "LmNoPq", "r8", "stuvwxyz12", "Ab", "zzZ9", "k1k2", "7"};

static void die(const char *what)
{
    fprintf(stderr, "decode: %s\n", what);
    exit(1);
}

int main(int argc, char **argv)
{
    size_t shape = 0;
    if (argc != 3) {
        die("usage: decode SHAPE EVENTS");
    }
    while (strcmp(shapes[shape].name, argv[1]) != 0) {
        if (++shape == sizeof shapes / sizeof shapes[0]) {
            die("no such shape");
        }
    }
    static char events[10][2048];
    size_t lens[10];
    for (size_t i = 0; i < 10; i++) {
        /* the format is one of the table's */
        snprintf(events[i], sizeof events[i], shapes[shape].event, words[i], paddings[i]);
        lens[i] = strlen(events[i]);
    }
    const exo_allocator allocator = {NULL, grow};
    static exo_answer answer;
    static exo_intake intake;
    static exo_intake_event event;
    static exo_failure failure;
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    exo_answer_init(&answer, &allocator, exo_limits_host(), 0, EXO_KEEP_ALL);
    options.allocator = &allocator;
    options.limits = exo_limits_host();
    options.answers = &answer;
    options.answer_count = 1;
    options.failure = &failure;
    options.shown_only = true; /* as exo_attempt_init() has it */
    options.read_all = getenv("READ_ALL") != NULL;
    if (exo_intake_init(&intake, &options) != EXO_OK) {
        die("no intake");
    }
    static const char call[] =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n";
    exo_intake_feed(&intake, exo_span_of(call, sizeof call - 1));
    size_t shown = 0;
    for (long i = 0, count = atol(argv[2]); i <= count; i++) {
        while (exo_intake_next(&intake, &event) == EXO_EVENT) {
            shown += event.text.len;
        }
        exo_intake_feed(&intake, exo_span_of(events[i % 10], lens[i % 10]));
    }
    if (shown == 0) {
        die("nothing was shown");
    }
    exo_intake_free(&intake);
    exo_answer_free(&answer);
    return 0;
}
