/*
 * debug_sse.c: an event stream → its events, as WHATWG HTML, 9.2.6 has them: without what the parser adds for real
 * servers.
 */
#include "debug.h"
#include "exit_code.h"
#include "json_out.h"
#include "memory.h"

#include "exochat/sse.h"

static void sse_print_event(json_out *out, const exo_sse_event *event)
{
    json_open(out, '{');
    json_key(out, "type");
    json_string(out, event->type.len > 0 ? event->type : exo_span_text("message"));
    json_key(out, "data");
    json_string(out, event->data);
    json_key(out, "lastEventId");
    json_string(out, event->id);
    json_close(out, '}');
}

/* Prints the events there are now, and returns what came after the last one. */
static int sse_drain(exo_sse *sse, json_out *out)
{
    exo_sse_event event;
    int code;
    while ((code = exo_sse_next(sse, &event)) == EXO_EVENT) {
        if (!event.error_field && !event.at_end) {
            sse_print_event(out, &event);
        }
    }
    return code;
}

int debug_sse(debug_input *input)
{
    exo_sse sse;
    exo_span piece;
    json_out out = json_out_to(stdout);
    exo_sse_init(&sse, &memory_heap, exo_limits_host());
    int code = EXO_NEED_DATA;
    json_open(&out, '[');
    while (code == EXO_NEED_DATA && debug_next(input, &piece)) {
        code = exo_sse_feed(&sse, piece);
        code = code == EXO_OK ? sse_drain(&sse, &out) : code;
    }
    if (code == EXO_NEED_DATA) {
        exo_sse_end(&sse);
        code = sse_drain(&sse, &out);
    }
    json_close(&out, ']');
    json_end_line(&out);
    uint64_t offset = exo_sse_offset(&sse);
    exo_sse_free(&sse);
    return code == EXO_DONE ? EXIT_ANSWERED : debug_refuse(code, offset);
}
