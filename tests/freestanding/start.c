/*
 * start.c: a program of the core and nothing else, to prove that the core asks for nothing else.
 *
 * It brings the functions of string.h that the core may use, calls every module once, and on x86-64 Linux says by its
 * exit status whether that went well: 0, or the number of the check that failed. tools/check-freestanding.sh links it.
 */
#include "exochat/answer.h"
#include "exochat/buffer.h"
#include "exochat/chunk.h"
#include "exochat/encode.h"
#include "exochat/error.h"
#include "exochat/failure.h"
#include "exochat/http1.h"
#include "exochat/json_read.h"
#include "exochat/json_repair.h"
#include "exochat/json_write.h"
#include "exochat/limits.h"
#include "exochat/route.h"
#include "exochat/sse.h"
#include "exochat/think.h"
#include "exochat/value.h"

void _start(void);

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    char *dst = to;
    const char *src = from;
    while (len-- > 0) {
        *dst++ = *src++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    char *dst = to;
    const char *src = from;
    if ((uintptr_t)dst < (uintptr_t)src) {
        return memcpy(to, from, len);
    }
    while (len-- > 0) {
        dst[len] = src[len];
    }
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    char *dst = to;
    while (len-- > 0) {
        *dst++ = (char)byte;
    }
    return to;
}

int memcmp(const void *one, const void *other, size_t len)
{
    const unsigned char *a = one;
    const unsigned char *b = other;
    for (; len > 0; len--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

void *memchr(const void *where, int byte, size_t len)
{
    const unsigned char *at = where;
    for (; len > 0; len--, at++) {
        if (*at == (unsigned char)byte) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0') {
        len++;
    }
    return len;
}

static bool writes_json(void)
{
    char text[32];
    exo_window window = {text, sizeof text, 0};
    exo_span input = exo_span_text("a\n\"");
    exo_json_escaper escaper;
    exo_json_escaper_init(&escaper);
    return exo_json_escape(&escaper, &input, true, &window) == EXO_OK &&
           exo_span_is(exo_span_of(text, window.pos), "a\\n\\\"");
}

static bool reads_json(void)
{
    size_t at = 0;
    return exo_json_check(exo_span_text("{\"a\":[1,2.5,null]}"), 8, &at) == EXO_OK;
}

static bool repairs_json(void)
{
    char text[64];
    exo_buffer out;
    exo_buffer_init_fixed(&out, text, sizeof text, EXO_E_ARGUMENTS_LIMIT);
    exo_repair_report report;
    return exo_json_repair(exo_span_text("{'a': True,}"), 8, &out, &report) == EXO_OK && out.len > 0 && !report.cut;
}

static bool encodes(void)
{
    char text[128];
    exo_window window = {text, sizeof text, 0};
    exo_encode_options options = EXO_ENCODE_OPTIONS_INIT;
    exo_json_cursor json;
    exo_json_cursor_init(&json, exo_span_text("{\"model\":\"m\",\"messages\":[]}"), 8);
    exo_cursor request = exo_json_cursor_of(&json);
    exo_encoder encoder;
    if (exo_encode_init(&encoder, &request, &options) != EXO_OK || exo_encode_size(&encoder, 4096) != EXO_OK) {
        return false;
    }
    return exo_encode_write(&encoder, &window) == EXO_OK && window.pos == exo_encode_total(&encoder);
}

/* Room for the one word that an answer keeps below; a small machine's has it in itself. */
static void *give_word(void *ctx, void *old, size_t size)
{
    return old || size == 0 || size > 16 ? NULL : ctx;
}

/* One event of a stream, all the way from its bytes to the text of the answer. */
static bool answers(void)
{
    exo_allocator none = {NULL, NULL}; /* an event on one line in place needs no memory */
    char word[16];
    exo_allocator words = {word, give_word};
    exo_sse sse;
    exo_sse_event event;
    exo_sse_init(&sse, &none, exo_limits_micro());
    exo_sse_feed(&sse, exo_span_text("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"));
    if (exo_sse_next(&sse, &event) != EXO_EVENT) {
        return false;
    }

    exo_answer answer;
    exo_chunk chunk;
    exo_delta delta;
    exo_answer_init(&answer, &words, exo_limits_micro(), 0, 0);
    exo_chunk_init(&chunk, exo_limits_micro());
    exo_chunk_begin(&chunk, event.data, false);
    while (exo_chunk_next(&chunk, &delta) == EXO_EVENT) {
        exo_answer_apply(&answer, &delta, NULL);
    }
    return exo_span_is(exo_answer_finish_reason(&answer), "stop");
}

static bool thinks(void)
{
    exo_span text = exo_span_text("<think>a</think>b");
    exo_span part;
    bool thought = false;
    exo_think think;
    exo_think_init(&think, true);
    return exo_think_next(&think, &text, &part, &thought) && thought && exo_span_is(part, "a");
}

static bool fails(void)
{
    exo_failure failure;
    exo_failure_clear(&failure);
    exo_failure_from_response(&failure, 503, exo_span_text("{\"error\":{\"message\":\"busy\"}}"));
    return failure.verdict == EXO_RETRY;
}

static bool routes(void)
{
    exo_route_stop stop = {7, NULL};
    exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    exo_route_action action;
    exo_route route;
    if (exo_route_init(&route, &stop, 1, NULL, 0, &policy, NULL) != EXO_OK) {
        return false;
    }
    exo_route_next(&route, 0, &action);
    return action.type == EXO_ROUTE_ATTEMPT && action.deployment == 7;
}

static bool speaks_http(void)
{
    char text[32];
    exo_buffer carry;
    exo_http1_response response;
    exo_http1_event event;
    exo_buffer_init_fixed(&carry, text, sizeof text, EXO_E_HEAD_LIMIT);
    exo_http1_response_init(&response, exo_limits_micro(), &carry);
    exo_http1_response_feed(&response, exo_span_text("HTTP/1.1 200 OK\r\n"));
    return exo_http1_response_next(&response, &event) == EXO_EVENT && event.status == 200;
}

/* As exo_error_name() and exo_error_text() answer for `code`, whichever tables are left out. */
#ifdef EXO_NO_ERROR_NAMES
#define NAME_OF(code, class_name) class_name
#else
#define NAME_OF(code, class_name) #code
#endif
#ifdef EXO_NO_ERROR_TEXTS
#define TEXT_OF(code, class_name, text) NAME_OF(code, class_name)
#else
#define TEXT_OF(code, class_name, text) text
#endif

static bool names_errors(void)
{
    static const struct {
        int code;
        const char *name;
        const char *text;
    } rows[] = {
        {EXO_OK, NAME_OF(EXO_OK, "none"), TEXT_OF(EXO_OK, "none", "done")},
        {-999, NAME_OF(EXO_E_UNKNOWN, "none"), TEXT_OF(EXO_E_UNKNOWN, "none", "an unknown code")},
        {EXO_E_CLOSED, NAME_OF(EXO_E_CLOSED, "transport"),
         TEXT_OF(EXO_E_CLOSED, "transport", "closed without an answer")},
        {EXO_E_FINISH, NAME_OF(EXO_E_FINISH, "provider"),
         TEXT_OF(EXO_E_FINISH, "provider", "the finish_reason is an error")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!exo_span_is(exo_span_text(rows[i].name), exo_error_name(rows[i].code)) ||
            !exo_span_is(exo_span_text(rows[i].text), exo_error_text(rows[i].code))) {
            return false;
        }
    }
    return exo_error_class_of(EXO_E_CLOSED) == EXO_CLASS_TRANSPORT && exo_error_verdict(EXO_E_CLOSED) == EXO_RETRY;
}

static int first_failure(void)
{
    static bool (*const checks[])(void) = {
        writes_json, reads_json, repairs_json, encodes, answers, thinks, fails, routes, speaks_http, names_errors,
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!checks[i]()) {
            return (int)i + 1;
        }
    }
    return 0;
}

#if defined(__x86_64__) && defined(__linux__)
__attribute__((force_align_arg_pointer)) void _start(void)
{
    long exit_call = 60;
    long status = first_failure();
    __asm__ volatile("syscall" : : "a"(exit_call), "D"(status) : "rcx", "r11", "memory");
    __builtin_unreachable();
}
#else
void _start(void)
{
    volatile int status = first_failure();
    for (;;) {
        (void)status;
    }
}
#endif
