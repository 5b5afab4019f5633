/*
 * test_sse.c: bytes → events, at every split of every input, and the limits of the parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting_heap.h"
#include "exochat/sse.h"

static const exo_limits *small_limits(void)
{
    static exo_limits limits;
    limits = *exo_limits_host();
    limits.event = 24;
    limits.field = 8;
    return &limits;
}

/* What came out of a stream, as text: an event is written <type|id|data@offset>, with "error" in the place of the type
 * of an error field, "end" and "cut" behind the offset; then the number that next() returned last. */
typedef struct event_log {
    char text[4096];
    size_t len;
} event_log;

static void log_span(event_log *log, exo_span span)
{
    for (size_t i = 0; i < span.len && log->len + 8 < sizeof log->text; i++) {
        unsigned byte = (uint8_t)span.ptr[i];
        bool plain = byte >= 0x20 && byte < 0x7F;
        log->len += (size_t)sprintf(log->text + log->len, plain ? "%c" : "\\%02x", plain ? byte : byte);
    }
}

static void log_text(event_log *log, const char *text)
{
    log_span(log, exo_span_text(text));
}

static void log_event(event_log *log, const exo_sse_event *event)
{
    char number[32];
    log_text(log, "<");
    log_span(log, event->error_field ? exo_span_text("error") : event->type);
    log_text(log, "|");
    log_span(log, event->id);
    log_text(log, "|");
    log_span(log, event->data);
    snprintf(number, sizeof number, "@%u", (unsigned)event->offset);
    log_text(log, number);
    log_text(log, event->at_end ? event->cut ? " end cut>" : " end>" : ">");
}

/* Pulls until `sse` wants more or is over, and returns what it said. */
static int pull(exo_sse *sse, event_log *log)
{
    exo_sse_event event;
    int rc;
    while ((rc = exo_sse_next(sse, &event)) == EXO_EVENT) {
        log_event(log, &event);
    }
    return rc;
}

/* Feeds `bytes` in memory of exactly their size that is gone as soon as the parser says that it is done with it. */
static int feed(exo_sse *sse, exo_span bytes, event_log *log)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    int rc = exo_sse_feed(sse, exo_span_of(copy, bytes.len));
    if (rc == EXO_OK) {
        rc = pull(sse, log);
    }
    free(copy);
    return rc;
}

/* Reads `input`, cut at `first` and then every `step` bytes, and returns how it ended. */
static int read_cut(exo_sse *sse, exo_span input, size_t first, size_t step, event_log *log)
{
    size_t at = 0;
    int rc = EXO_NEED_DATA;
    log->len = 0;
    log->text[0] = '\0';
    for (size_t size = first; rc == EXO_NEED_DATA && at < input.len; size = step) {
        size = size < input.len - at ? size : input.len - at;
        rc = feed(sse, exo_span_of(input.ptr + at, size), log);
        at += size;
        if (rc == EXO_NEED_DATA) {
            assert_int_equal(exo_sse_offset(sse), at);
        }
    }
    if (rc == EXO_NEED_DATA) {
        exo_sse_end(sse);
        rc = pull(sse, log);
        assert_int_equal(pull(sse, log), rc);
    }
    return rc;
}

/* Reads `input` whole, at every split in two, and in pieces of one and of three bytes. */
static void check_stream(exo_span input, const exo_limits *limits, const char *expected, int expected_rc)
{
    for (size_t first = 0; first <= input.len + 2; first++) {
        counting_heap heap = {0};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_sse sse;
        event_log log;
        size_t step = first == input.len + 1 ? 1 : first == input.len + 2 ? 3 : input.len + 1;
        size_t start = first > input.len ? step : first;
        exo_sse_init(&sse, &allocator, limits);
        assert_int_equal(read_cut(&sse, input, start, step, &log), expected_rc);
        exo_sse_free(&sse);
        assert_string_equal(log.text, expected);
    }
}

#define BYTES(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

static const struct stream_case {
    exo_span input;
    const char *expected;
} stream_cases[] = {
    {BYTES(""), ""},
    {BYTES("\n"), ""},
    /* line ends */
    {BYTES("data: a\n\ndata: b\n\n"), "<||a@6><||b@15>"},
    {BYTES("data: a\r\n\r\ndata: b\r\n\r\n"), "<||a@6><||b@17>"},
    {BYTES("data: a\r\rdata: b\r\r"), "<||a@6><||b@15>"},
    {BYTES("data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r"), "<||a@6><||b@16><||c@26><||d@36>"},
    {BYTES("\r\n\n\r\rdata: a\r\ndata: b\rdata: c\n\n"), "<||a\\0ab\\0ac@11>"},
    {BYTES("data: \xE2\x80\xA8 \xE2\x80\xA9 \xC2\x85 \x0B \x0C\n\n"),
     "<||\\e2\\80\\a8 \\e2\\80\\a9 \\c2\\85 \\0b \\0c@6>"},
    /* the byte order mark: one, and only at the start */
    {BYTES("\xEF\xBB\xBF"
           "data: a\n\n\xEF\xBB\xBF"
           "data: b\n\ndata: c\n\n"),
     "<||a@9><||c@30>"},
    {BYTES("\xEF\xBB\xBF\xEF\xBB\xBF"
           "data: a\n\ndata: b\n\n"),
     "<||b@21>"},
    {BYTES("\xEF\xBB"
           "data: a\n\ndata: b\n\n"),
     "<||b@17>"},
    {BYTES("\xEF\ndata: b\n\n"), "<||b@8>"},
    {BYTES("\xEF\xBB"), ""},
    /* comments */
    {BYTES(": OPENROUTER PROCESSING\n\n:\n\n: ping - 1\n:data: x\ndata: a\n: keep-alive\n\n"), "<||a@54>"},
    /* data */
    {BYTES("data:a\n\ndata:  b\n\ndata:\tc\n\n"), "<||a@5><|| b@14><||\\09c@23>"},
    {BYTES("data: {\"a\":\ndata:  \"b\"}\n\n"), "<||{\"a\":\\0a \"b\"}@6>"},
    {BYTES("data\n\ndata:\n\ndata: \n\n"), "<||@4><||@11><||@19>"},
    {BYTES("data\ndata:\ndata: \n\n"), "<||\\0a\\0a@4>"},
    {BYTES("data: a\ndata\ndata: b\n\n"), "<||a\\0a\\0ab@6>"},
    {BYTES("data: [DONE]\ndata: x\n\n"), "<||[DONE]\\0ax@6>"},
    {BYTES("data: a:b: c\n\n"), "<||a:b: c@6>"},
    {BYTES("data: a\n: between\ndata: b\nid: between\nevent: between\nretry: 9\nerror:\ndata: c\n\n"),
     "<between|between|a\\0ab\\0ac@6>"},
    {BYTES("data: a\0b\xFF\n\n"), "<||a\\00b\\ff@6>"},
    /* type and id */
    {BYTES("event: error\ndata: a\n\ndata: b\n\n"), "<error||a@19><||b@28>"},
    {BYTES("event: x\nevent: y\ndata: a\n\n"), "<y||a@24>"},
    {BYTES("event: x\nevent\ndata: a\n\n"), "<||a@21>"},
    {BYTES("event: lost\n\ndata: a\n\n"), "<||a@19>"},
    {BYTES("id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid\ndata: d\n\n"), "<|1|a@12><|1|b@21><|2|c@37><||d@49>"},
    {BYTES("id: 1\nid: a\0b\ndata: a\n\n"), "<|1|a@20>"},
    {BYTES("data: a\nevent: long\ndata: b\n\ndata: c\nevent: s\n\n"), "<long||a\\0ab@6><s||c@35>"},
    /* unknown fields */
    {BYTES("dat: a\ndataa: a\nDATA: a\n data: a\ndata : a\nfoo\nlonger: a\n\ndata: b\n\n"), "<||b@63>"},
    {BYTES("idx: 1\ni: 1\nerrors: 1\neven: 1\nevents: x\nretr: 1\ndata: b\n\n"), "<||b@54>"},
    /* the field error */
    {BYTES("error: {\"code\":500}\n\n"), "<error||{\"code\":500}@7>"},
    {BYTES("error: a\nerror:b\nerror:\nerror\nerror: \n\n"), "<error||a@7><error||b@15>"},
    {BYTES("id: 7\nevent: t\ndata: a\nerror: broken\ndata: b\n\n"), "<error|7|broken@30><t|7|a\\0ab@21>"},
    {BYTES("data: a\ndata: b\nerror: broken\nerror: more\n\n"), "<error||broken@23><error||more@37><||a\\0ab@6>"},
    /* the end of the stream */
    {BYTES("data: a"), "<||a@6 end cut>"},
    {BYTES("data: a\n"), "<||a@6 end>"},
    {BYTES("data: a\r"), "<||a@6 end>"},
    {BYTES("data: a\r\n"), "<||a@6 end>"},
    {BYTES("data: a\r\n\r"), "<||a@6>"},
    {BYTES("data: a\ndata: b"), "<||a\\0ab@6 end cut>"},
    {BYTES("data: a\ndata"), "<||a\\0a@6 end cut>"},
    {BYTES("data"), "<||@4 end cut>"},
    {BYTES("data:"), "<||@5 end cut>"},
    {BYTES("data: "), "<||@6 end cut>"},
    {BYTES("data: a\ndat"), "<||a@6 end cut>"},
    {BYTES("data: a\n: comm"), "<||a@6 end cut>"},
    {BYTES("data: a\nevent: erro"), "<erro||a@6 end cut>"},
    {BYTES("data: a\nid: 1"), "<|1|a@6 end cut>"},
    {BYTES("error: a"), "<error||a@7 end cut>"},
    {BYTES("data: a\nerror: b"), "<error||b@15 end cut><||a@6 end cut>"},
    {BYTES("data: a\nerror: b\n"), "<error||b@15><||a@6 end>"},
    {BYTES("event: x\nid: 1\nretry: 5\n"), ""},
};

static void the_events_of_a_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stream_cases / sizeof *stream_cases; i++) {
        check_stream(stream_cases[i].input, exo_limits_host(), stream_cases[i].expected, EXO_DONE);
    }
}

/* With small_limits(): 24 bytes of data, 8 of a type or id. */
static const struct limit_case {
    exo_span input;
    const char *expected;
    int expected_rc;
} limit_cases[] = {
    {BYTES("data: 123456789012345678901234\n\n"), "<||123456789012345678901234@6>", EXO_DONE},
    {BYTES("data: a\n\ndata: 1234567890123456789012345\n\n"), "<||a@6>", EXO_E_EVENT_LIMIT},
    {BYTES("data: 1234567890123456789012345"), "", EXO_E_EVENT_LIMIT},
    {BYTES("data: 12345678901\ndata: 123456789012\n\n"), "<||12345678901\\0a123456789012@6>", EXO_DONE},
    {BYTES("data: 123456789012\ndata: 123456789012\n\n"), "", EXO_E_EVENT_LIMIT},
    {BYTES("data: 123456789012345678901234\ndata\n\n"), "", EXO_E_EVENT_LIMIT},
    {BYTES("error: 1234567890123456789012345\n\n"), "", EXO_E_EVENT_LIMIT},
    {BYTES("data: 123456789012\nerror: 123456789012\n\n"), "<error||123456789012@26><||123456789012@6>", EXO_DONE},
    {BYTES("data: 123456789012\nerror: 1234567890123\n\n"), "", EXO_E_EVENT_LIMIT},
    {BYTES("event: 12345678\nid: 87654321\ndata: a\n\n"), "<12345678|87654321|a@35>", EXO_DONE},
    /* a line that the stream can do without is ignored where it is too long */
    {BYTES("event: 123456789\ndata: a\n\n"), "<||a@23>", EXO_DONE},
    {BYTES("event: b\nevent: 123456789\ndata: a\n\n"), "<b||a@32>", EXO_DONE},
    {BYTES("id: 1\nid: 123456789\ndata: a\n\n"), "<|1|a@26>", EXO_DONE},
    {BYTES("retry: 123456789\ndata: a\n\n"), "<||a@23>", EXO_DONE},
    {BYTES("event: 123456789"), "", EXO_DONE},
    {BYTES("id: 123456789012345678901234567890123456789012345678901234567890\rdata: a\r\r"), "<||a@71>", EXO_DONE},
    {BYTES("data: 123456789012345678901234\nid: 1\nevent: 2\n\n"), "<||123456789012345678901234@6>", EXO_DONE},
    {BYTES("data: 12345678901234567890123\nid: 1\nid: 12\ndata\n\n"), "<|1|12345678901234567890123\\0a@6>", EXO_DONE},
    {BYTES(": a comment may be as long as it likes\nunknown: fields too, of course\n\ndata: a\n\n"), "<||a@77>",
     EXO_DONE},
};

static void the_limits_of_an_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limit_cases / sizeof *limit_cases; i++) {
        const struct limit_case *limit = &limit_cases[i];
        check_stream(limit->input, small_limits(), limit->expected, limit->expected_rc);
    }
}

static void a_line_in_place_needs_no_memory(void **state)
{
    static const char input[] = "data: one\n\ndata: two\n\n: comment\nretry: 10\nerror: x\n\ndata: three\n\n";
    counting_heap heap = {.fail_at = 1};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_sse sse;
    exo_sse_event event;
    (void)state;
    exo_sse_init(&sse, &allocator, exo_limits_host());
    assert_int_equal(exo_sse_feed(&sse, exo_span_text(input)), EXO_OK);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_ptr_equal(event.data.ptr, input + 6);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_ptr_equal(event.data.ptr, input + 17);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_true(event.error_field);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_NEED_DATA);
    assert_int_equal(heap.calls, 0);
    exo_sse_free(&sse);
}

static void an_ignored_line_needs_no_memory(void **state)
{
    static const char *const starts[] = {":", "unknown: ", "unknown", "dat: ", "datas"};
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        counting_heap heap = {.fail_at = 1};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_sse sse;
        event_log log = {.len = 0};
        exo_sse_init(&sse, &allocator, small_limits());
        assert_int_equal(feed(&sse, exo_span_text(starts[i]), &log), EXO_NEED_DATA);
        for (int n = 0; n < 1000; n++) {
            assert_int_equal(feed(&sse, exo_span_text("a comment without an end"), &log), EXO_NEED_DATA);
        }
        assert_int_equal(heap.calls, 0);
        assert_int_equal(feed(&sse, exo_span_text("\ndata: a\n\n"), &log), EXO_NEED_DATA);
        assert_true(log.len > 0);
        exo_sse_free(&sse);
    }
}

static void the_order_of_calls(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_sse sse;
    exo_sse_event event;
    (void)state;
    exo_sse_init(&sse, &allocator, exo_limits_host());
    assert_int_equal(exo_sse_next(&sse, &event), EXO_NEED_DATA);
    assert_int_equal(exo_sse_feed(&sse, exo_span_of(NULL, 0)), EXO_OK);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_NEED_DATA);
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: a\n\n")), EXO_OK);
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: b\n\n")), EXO_E_STATE);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_int_equal(exo_sse_offset(&sse), 9);
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: b\n\n")), EXO_E_STATE);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_NEED_DATA);
    /* The end may be said while fed bytes are still unread. */
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: b\n\ndata: c")), EXO_OK);
    exo_sse_end(&sse);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_false(event.at_end);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    assert_true(event.at_end && event.cut);
    assert_int_equal(exo_sse_offset(&sse), 25);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_DONE);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_DONE);
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: d\n\n")), EXO_E_STATE);
    exo_sse_free(&sse);
}

static void errors_are_sticky(void **state)
{
    counting_heap heap = {0};
    const exo_allocator allocator = {&heap, counting_resize};
    exo_sse sse;
    exo_sse_event event;
    (void)state;
    exo_sse_init(&sse, &allocator, small_limits());
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: far too long for the limit\n\n")), EXO_OK);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_E_EVENT_LIMIT);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_E_EVENT_LIMIT);
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: a\n\n")), EXO_E_EVENT_LIMIT);
    exo_sse_free(&sse);
    exo_sse_init(&sse, &allocator, small_limits());
    assert_int_equal(exo_sse_feed(&sse, exo_span_text("data: a\n\n")), EXO_OK);
    assert_int_equal(exo_sse_next(&sse, &event), EXO_EVENT);
    exo_sse_free(&sse);
}

static void every_allocation_may_fail(void **state)
{
    static const char input[] = "id: some identification\nevent: type\ndata: first\ndata: second\nerror: third\n"
                                "data: 0123456789012345678901234567890123456789012345678901234567890123456789\n\n";
    (void)state;
    for (size_t step = 1; step < sizeof input; step += 7) {
        int rc = EXO_E_NO_MEMORY;
        for (size_t fail_at = 1; rc != EXO_DONE; fail_at++) {
            counting_heap heap = {.fail_at = fail_at};
            const exo_allocator allocator = {&heap, counting_resize};
            exo_sse sse;
            event_log log;
            exo_sse_init(&sse, &allocator, exo_limits_host());
            rc = read_cut(&sse, exo_span_text(input), step, step, &log);
            exo_sse_free(&sse);
            assert_int_equal(rc, heap.calls < fail_at ? EXO_DONE : EXO_E_NO_MEMORY);
        }
    }
}

/* A parser that looked at a byte more than a fixed number of times would not end within anybody's patience. */
static void hostile_shapes_take_linear_time(void **state)
{
    static const struct {
        const char *head;
        const char *repeated;
        size_t step;
        size_t events;
    } cases[] = {
        {"data: ", "x", 1, 1},
        {"data: ", "x", 1 << 20, 1},
        {"", "data:x\r\r", 1 << 20, 1 << 17},
        {"", "data:x\n\n", 1 << 20, 1 << 17},
        {"", "data:\n", 1 << 20, 1},
        {": ", "x\ry", 1000, 0},
    };
    const size_t size = 1 << 20;
    char *input = malloc(size);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        counting_heap heap = {0};
        const exo_allocator allocator = {&heap, counting_resize};
        exo_sse sse;
        exo_sse_event event;
        size_t events = 0;
        size_t head = strlen(cases[i].head);
        size_t repeated = strlen(cases[i].repeated);
        memcpy(input, cases[i].head, head);
        for (size_t at = head; at < size; at++) {
            input[at] = cases[i].repeated[(at - head) % repeated];
        }
        exo_sse_init(&sse, &allocator, exo_limits_host());
        for (size_t at = 0; at < size; at += cases[i].step) {
            size_t piece = cases[i].step < size - at ? cases[i].step : size - at;
            assert_int_equal(exo_sse_feed(&sse, exo_span_of(input + at, piece)), EXO_OK);
            while (exo_sse_next(&sse, &event) == EXO_EVENT) {
                events++;
            }
        }
        exo_sse_end(&sse);
        while (exo_sse_next(&sse, &event) == EXO_EVENT) {
            events++;
        }
        assert_int_equal(events, cases[i].events);
        assert_true(heap.calls < 32);
        exo_sse_free(&sse);
    }
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_events_of_a_stream),
        cmocka_unit_test(the_limits_of_an_event),
        cmocka_unit_test(a_line_in_place_needs_no_memory),
        cmocka_unit_test(an_ignored_line_needs_no_memory),
        cmocka_unit_test(the_order_of_calls),
        cmocka_unit_test(errors_are_sticky),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(hostile_shapes_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
