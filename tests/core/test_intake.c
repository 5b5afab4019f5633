/*
 * test_intake.c: bodies of every kind, from their bytes to what is shown of them and to the verdict, at every split of
 * the input and with every allocation failing; what is news of them; and the order of calls.
 *
 * Streams that go well are in golden/, for test_streams.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counting_heap.h"
#include "delta_log.h"
#include "exochat/intake.h"

/* Events of a stream. */
#define DATA(json)     "data: " json "\n\n"
#define CONTENT_(text) "{\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}"
#define FINISH_(word)  "{\"choices\":[{\"delta\":{},\"finish_reason\":\"" word "\"}]}"
#define CONTENT(text)  DATA(CONTENT_(text))
#define FINISH         DATA(FINISH_("stop"))
#define DONE           DATA("[DONE]")
#define SECOND(text)   DATA("{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"" text "\"}}]}")
#define PAIR(text, other) \
    DATA("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text \
         "\"}},{\"index\":1,\"delta\":{},\"message\":{\"content\":\"" other "\"}}]}")
#define SECOND_FINISH   DATA("{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}")
#define ERROR_(message) "{\"error\":{\"message\":\"" message "\"}}"

/* A whole completion, and a page. */
#define COMPLETION(text, more) \
    "{\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"}" more \
    "}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"
#define ENDED ",\"finish_reason\":\"stop\""
#define PAGE  "<html><head><title>Bad gateway</title></head></html>"
#define LONG  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Blank lines. */
#define LINES_10  "\n\n\n\n\n\n\n\n\n\n"
#define LINES_100 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10 LINES_10

/* How a body is read; a sum of these. */
enum how {
    THINK = 1,
    LENIENT = 2,
    STRICT = 4,
    TWO = 8,    /* two choices are kept */
    WHOLE = 16, /* the body is kept */
    SMALL = 32  /* limits of a few bytes */
};

/* A body, and what is made of it: what is shown, and behind " = " the end. */
typedef struct row {
    const char *name;
    unsigned how;
    uint16_t status;
    int end; /* of the body: EXO_OK, or why the transport broke off */
    const char *body;
    const char *expected;
} row;

static const row rows[] = {
    /* refusals: the status, and as much of the body as says why */
    {"3xx", 0, 302, EXO_OK, "moved", "= EXO_E_REDIRECT 302: moved"},
    {"a refusal without a body", 0, 400, EXO_OK, "", "= EXO_E_STATUS 400: "},
    {"401", 0, 401, EXO_OK, ERROR_("no such key"), "= EXO_E_AUTH 401: no such key"},
    {"a page under 403", 0, 403, EXO_OK, PAGE, "= EXO_E_BLOCKED 403: Bad gateway"},
    {"404 in plain text", 0, 404, EXO_OK, "no such path", "= EXO_E_STATUS 404: no such path"},
    {"407 is the proxy's", 0, 407, EXO_OK, ERROR_("who are you"),
     "= EXO_E_PROXY 407: the proxy asks for a user and a password"},
    {"429", 0, 429, EXO_OK, "{\"error\":{\"message\":\"slow down\",\"code\":\"insufficient_quota\"}}",
     "= EXO_E_QUOTA 429: slow down"},
    {"500 in an event stream", 0, 500, EXO_OK, DATA(ERROR_("down")), "= EXO_E_SERVER 500: down"},
    {"529, a page", 0, 529, EXO_OK, PAGE, "= EXO_E_SERVER 529: Bad gateway"},
    {"a refusal that breaks off", 0, 503, EXO_E_RECEIVE, "{\"error\":{\"message\":\"over", "= EXO_E_SERVER 503: over"},
    {"a refusal longer than limits.error_body", SMALL, 500, EXO_OK, "{\"error\":{\"message\":\"" LONG LONG LONG "\"}}",
     "= EXO_E_SERVER 500: "
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789a"},
    {"a refusal of a body that is kept whole", WHOLE, 500, EXO_OK, ERROR_("down"), "= EXO_E_SERVER 500: down"},

    /* pages and other bodies in place of a stream */
    {"a page", 0, 200, EXO_OK, PAGE, "= EXO_E_NOT_A_STREAM 200: Bad gateway"},
    {"a page behind blanks", 0, 200, EXO_OK, " \r\n\t" PAGE, "= EXO_E_NOT_A_STREAM 200: Bad gateway"},
    {"a page behind a mark", 0, 200, EXO_OK, "\xEF\xBB\xBF" PAGE, "= EXO_E_NOT_A_STREAM 200: Bad gateway"},
    {"a page that breaks off", 0, 200, EXO_E_RECEIVE, "<html><head><title>Bad", "= EXO_E_NOT_A_STREAM 200: Bad"},
    {"a page longer than limits.error_body", SMALL, 200, EXO_OK, PAGE LONG LONG,
     "= EXO_E_NOT_A_STREAM 200: Bad gateway"},
    {"gzip", 0, 200, EXO_OK, "\x1F\x8B\x08 and so on", "= EXO_E_UNLABELLED_GZIP 200: "},
    {"gzip behind blanks", 0, 200, EXO_OK, "\n\x1F\x8B\x08", "= EXO_E_UNLABELLED_GZIP 200: "},
    {"not gzip", 0, 200, EXO_OK, "\x1F: what\n\n" CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"nothing", 0, 200, EXO_OK, "", "= EXO_E_EMPTY_STREAM 200: "},
    {"nothing, and it breaks off", 0, 200, EXO_E_RECEIVE, "", "= EXO_E_RECEIVE 200: broke"},
    {"blanks", 0, 200, EXO_OK, " \r\n\n\t ", "= EXO_E_EMPTY_STREAM 200: "},
    {"blanks, and it breaks off", 0, 200, EXO_E_RECEIVE, " \n", "= EXO_E_RECEIVE 200: broke"},
    {"half a mark", 0, 200, EXO_OK, "\xEF\xBB", "= EXO_E_EMPTY_STREAM 200: "},
    {"half a mark, and a stream", 0, 200, EXO_OK, "\xEF\xBB\n" CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"a mark", 0, 200, EXO_OK, "\xEF\xBB\xBF" CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"a mark and blanks", 0, 200, EXO_OK, "\xEF\xBB\xBF\n\n" CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"the first byte of gzip at the end", 0, 200, EXO_OK, "\n\x1F", "= EXO_E_EMPTY_STREAM 200: "},
    {"blanks in front of a stream, as many as limits.error_body", SMALL, 200, EXO_OK,
     LINES_100 LINES_10 LINES_10 "\n\n\n\n\n\n\n\n" CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"more of them", SMALL, 200, EXO_OK, LINES_100 LINES_100 LINES_100 CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"more of them, and what could have been JSON", SMALL, 200, EXO_OK,
     LINES_100 LINES_10 LINES_10 LINES_10 ERROR_("late"), "= EXO_E_EMPTY_STREAM 200: "},
    {"204", 0, 204, EXO_OK, "", "= EXO_E_EMPTY_STREAM 204: "},

    /* JSON that reports an error */
    {"an error", 0, 200, EXO_OK, ERROR_("down"), "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error behind blanks", 0, 200, EXO_OK, "\n \n" ERROR_("down"), "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error behind a mark", 0, 200, EXO_OK, "\xEF\xBB\xBF" ERROR_("down"), "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error in a list", 0, 200, EXO_OK, "[" ERROR_("down") "]", "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error as a text", 0, 200, EXO_OK, "{\"error\":\"down\"}", "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error that breaks off", 0, 200, EXO_E_RECEIVE, "{\"error\":{\"message\":\"down\"",
     "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error with a code", 0, 200, EXO_OK, "{\"error\":{\"message\":\"slow down\",\"code\":429}}",
     "= EXO_E_RATE_LIMIT 200/429 in stream: slow down"},
    {"an error where the stream is strict", STRICT, 200, EXO_OK, ERROR_("down"),
     "= EXO_E_IN_STREAM 200 in stream: down"},
    {"an error beside choices", 0, 200, EXO_OK, "{\"choices\":[],\"error\":{\"message\":\"down\"}}",
     "= EXO_E_IN_STREAM 200 in stream: down"},
    {"JSON that is something else", 0, 200, EXO_OK, "{\"models\":[]}", "= EXO_E_NOT_A_STREAM 200: "},
    {"a list", 0, 200, EXO_OK, "[1,2]", "= EXO_E_NOT_A_STREAM 200: "},
    {"the sentinel alone is a list", 0, 200, EXO_OK, "[DONE]", "= EXO_E_NOT_A_STREAM 200: "},
    {"JSON that is something else, and breaks off", 0, 200, EXO_E_BODY_CUT, "{\"models\":[",
     "= EXO_E_BODY_CUT 200: broke"},

    /* a whole completion */
    {"a completion", 0, 200, EXO_OK, COMPLETION("hello", ENDED), "text \"hello\" usage 3 = EXO_OK"},
    {"a completion behind blanks and a mark", 0, 200, EXO_OK, "\xEF\xBB\xBF \n" COMPLETION("hello", ENDED),
     "text \"hello\" usage 3 = EXO_OK"},
    {"a completion where the stream is strict", STRICT, 200, EXO_OK, COMPLETION("hello", ENDED),
     "= EXO_E_NOT_A_STREAM 200: "},
    {"a completion without finish_reason", 0, 200, EXO_OK, COMPLETION("hello", ""),
     "text \"hello\" usage 3 = EXO_E_TRUNCATED 200: "},
    {"a completion without finish_reason, lenient", LENIENT, 200, EXO_OK, COMPLETION("hello", ""),
     "text \"hello\" usage 3 = EXO_OK"},
    {"a completion whose finish_reason is an error", 0, 200, EXO_OK,
     COMPLETION("hello", ",\"finish_reason\":\"error\""), "text \"hello\" usage 3 = EXO_E_FINISH 200 in stream: "},
    {"a completion that says nothing", 0, 200, EXO_OK, "{\"choices\":[{\"message\":{\"content\":null}}]}",
     "= EXO_E_EMPTY_STREAM 200: "},
    {"a completion with nothing but a finish_reason", 0, 200, EXO_OK,
     "{\"choices\":[{\"message\":{},\"finish_reason\":\"stop\"}]}", "= EXO_OK"},
    {"a completion of no choices", 0, 200, EXO_OK, "{\"choices\":[]}", "= EXO_E_EMPTY_STREAM 200: "},
    {"a completion, pretty printed", 0, 200, EXO_OK,
     "{\n  \"choices\": [\n    {\n      \"message\": {\"content\": \"a\\nb\"},\n      \"finish_reason\": \"stop\"\n    "
     "}\n  ]\n}\n",
     "text \"a\\0ab\" = EXO_OK"},
    {"a completion with a tool call", 0, 200, EXO_OK,
     "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
     "\"finish_reason\":\"tool_calls\"}]}",
     "call 0 \"c\" \"f\" arguments \"{}\" = EXO_OK"},
    {"a completion with an error in its choice", 0, 200, EXO_OK,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"error\":{\"message\":\"down\",\"code\":503}}]}",
     "= EXO_E_SERVER 200/503 in stream: down"},
    {"a completion that is cut", 0, 200, EXO_OK,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]", "= EXO_E_NOT_A_STREAM 200: "},
    {"a completion that breaks off", LENIENT, 200, EXO_E_RECEIVE,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]", "= EXO_E_RECEIVE 200: broke"},
    {"a completion that is whole when it breaks off", 0, 200, EXO_E_RECEIVE, COMPLETION("hello", ENDED),
     "text \"hello\" usage 3 = EXO_OK"},
    {"a completion that thinks", THINK, 200, EXO_OK, COMPLETION("<think>hm</think>yes", ENDED),
     "reasoning \"hm\" text \"yes\" usage 3 = EXO_OK"},
    {"a completion as long as limits.event", SMALL, 200, EXO_OK,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"pad\":\"" LONG LONG
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456"
     "\"}",
     "text \"a\" = EXO_OK"},
    {"and one byte longer", SMALL, 200, EXO_OK,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"pad\":\"" LONG LONG
     "0123456789abcdef0123456789abcdef0123456789abcdef01234567"
     "\"}",
     "= EXO_E_EVENT_LIMIT 200: "},
    {"events of one shape, of which the last has a message for another choice", TWO, 200, EXO_OK,
     PAIR("a", "") PAIR("b", "") PAIR("c", "x") FINISH SECOND_FINISH,
     "text \"a\" text \"b\" text \"c\" text [1] \"x\" = EXO_OK"},
    {"a completion of two choices", TWO, 200, EXO_OK,
     "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{\"index\":1,\"message\":{"
     "\"content\":\"b\"},\"finish_reason\":\"stop\"}]}",
     "text \"a\" text [1] \"b\" = EXO_OK"},

    /* an event a line */
    {"lines", 0, 200, EXO_OK, CONTENT_("a") "\n" CONTENT_("b") "\n" FINISH_("stop") "\n",
     "text \"a\" text \"b\" = EXO_OK"},
    {"lines that end with CRLF, and the last without", 0, 200, EXO_OK, CONTENT_("a") "\r\n" FINISH_("stop"),
     "text \"a\" = EXO_OK"},
    {"lines with blank ones between, before and behind", 0, 200, EXO_OK,
     "\n \n" CONTENT_("a") "\n\n\r\n" FINISH_("stop") "\n\n", "text \"a\" = EXO_OK"},
    {"lines behind a mark", 0, 200, EXO_OK, "\xEF\xBB\xBF" CONTENT_("a") "\n" FINISH_("stop") "\n",
     "text \"a\" = EXO_OK"},
    {"lines, and the sentinel", 0, 200, EXO_OK, CONTENT_("a") "\n[DONE]\n" CONTENT_("b") "\n", "text \"a\" = EXO_OK"},
    {"lines, and an error", 0, 200, EXO_OK, CONTENT_("a") "\n" ERROR_("down") "\n" FINISH_("stop") "\n",
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: down"},
    {"lines without finish_reason", 0, 200, EXO_OK, CONTENT_("a") "\n" CONTENT_("b") "\n",
     "text \"a\" text \"b\" = EXO_E_TRUNCATED 200: "},
    {"lines without finish_reason, lenient", LENIENT, 200, EXO_OK, CONTENT_("a") "\n" CONTENT_("b") "\n",
     "text \"a\" text \"b\" = EXO_OK"},
    {"the last line cut", 0, 200, EXO_OK, CONTENT_("a") "\n{\"choices\":[{\"del", "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"the last line cut, lenient", LENIENT, 200, EXO_OK, CONTENT_("a") "\n{\"choices\":[{\"del",
     "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"the last line cut behind finish_reason", 0, 200, EXO_OK,
     CONTENT_("a") "\n" FINISH_("stop") "\n{\"choices\":[{\"del", "text \"a\" = EXO_OK"},
    {"a line that cannot be read", 0, 200, EXO_OK, CONTENT_("a") "\n{\"choices\":[{\"del\n" FINISH_("stop") "\n",
     "text \"a\" = EXO_E_MALFORMED 200: {\"choices\":[{\"del"},
    {"a line that is noise", 0, 200, EXO_OK, CONTENT_("a") "\nwhat\n" FINISH_("stop") "\n", "text \"a\" = EXO_OK"},
    {"lines that break off", 0, 200, EXO_E_RECEIVE, CONTENT_("a") "\n" CONTENT_("b") "\n",
     "text \"a\" text \"b\" = EXO_E_RECEIVE 200: broke"},
    {"lines that break off behind finish_reason", 0, 200, EXO_E_RECEIVE, CONTENT_("a") "\n" FINISH_("stop") "\n{\"ch",
     "text \"a\" = EXO_OK"},
    {"lines where the stream is strict", STRICT, 200, EXO_OK, CONTENT_("a") "\n" FINISH_("stop") "\n",
     "= EXO_E_NOT_A_STREAM 200: "},
    {"one line, which ends", 0, 200, EXO_OK,
     "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n", "text \"a\" = EXO_OK"},
    {"one line, which does not", 0, 200, EXO_OK,
     "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", "text \"a\" = EXO_OK"},
    {"a first line that is no quite JSON", 0, 200, EXO_OK,
     "{\"x\":NaN,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n" FINISH_("stop") "\n", "text \"a\" = EXO_OK"},
    {"one event, pretty printed", 0, 200, EXO_OK,
     "{\n\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]\n}\n", "text \"a\" = EXO_OK"},
    {"a first line without delta", 0, 200, EXO_OK, "{\"choices\":[]}\n" CONTENT_("a") "\n" FINISH_("stop") "\n",
     "= EXO_E_NOT_A_STREAM 200: "},
    {"a first line that is a number in its choices", 0, 200, EXO_OK, "{\"choices\":[1]}\n" CONTENT_("a") "\n",
     "= EXO_E_NOT_A_STREAM 200: "},
    {"a first line that cannot be read where nobody looks", 0, 200, EXO_OK,
     "{\"x\":[1},\"choices\":[{\"delta\":{}}]}\n" CONTENT_("a") "\n", "= EXO_E_NOT_A_STREAM 200: "},
    {"a first line that cannot be read", 0, 200, EXO_OK, "{\"choices\":[{\"d\n" CONTENT_("a") "\n",
     "= EXO_E_NOT_A_STREAM 200: "},
    {"a line longer than limits.event", SMALL, 200, EXO_OK, CONTENT_("a") "\n{\"pad\":\"" LONG LONG LONG LONG "\"}\n",
     "text \"a\" = EXO_E_EVENT_LIMIT 200: "},

    /* errors in a stream */
    {"an error in a stream", 0, 200, EXO_OK, CONTENT("a") DATA(ERROR_("down")) CONTENT("b") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: down"},
    {"an error as the first event, and the sentinel", 0, 200, EXO_OK,
     DATA("{\"object\":\"error\",\"message\":\"too busy\",\"code\":503}") DONE,
     "= EXO_E_SERVER 200/503 in stream: too busy"},
    {"event: error", 0, 200, EXO_OK, CONTENT("a") "event: error\n" DATA(ERROR_("down")) FINISH,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: down"},
    {"event: error in plain text", 0, 200, EXO_OK, CONTENT("a") "event: error\ndata: it fell over\n\n" FINISH,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: it fell over"},
    {"event: error in JSON that is no object", 0, 200, EXO_OK, CONTENT("a") "event: error\ndata: \"it fell over\"\n\n",
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: it fell over"},
    {"event: error with the sentinel", 0, 200, EXO_OK, CONTENT("a") FINISH "event: error\n" DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: [DONE]"},
    {"event: error without data", 0, 200, EXO_OK, CONTENT("a") FINISH "event: error\ndata:\n\n" DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: "},
    {"event: error in several lines", 0, 200, EXO_OK, "event: error\ndata: Traceback\ndata: {\"error\":\"down\"}\n\n",
     "= EXO_E_IN_STREAM 200 in stream: down"},
    {"event: error that is cut", 0, 200, EXO_OK, CONTENT("a") "event: error\ndata: {\"error\":{\"message\":\"do",
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: do"},
    {"event: error whose line is not ended when it breaks off", 0, 200, EXO_E_RECEIVE,
     CONTENT("a") "event: error\ndata: {\"error\":{\"message\":\"do", "text \"a\" = EXO_E_RECEIVE 200: broke"},
    {"a field error", 0, 200, EXO_OK, CONTENT("a") "error: {\"code\":500,\"message\":\"shift\"}\n\n" FINISH,
     "text \"a\" = EXO_E_SERVER 200/500 in stream: shift"},
    {"a field error that is a word", 0, 200, EXO_OK, "error: overloaded\n\n",
     "= EXO_E_IN_STREAM 200 in stream: overloaded"},
    {"an error in a choice", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"error\",\"error\":{"
                       "\"message\":\"down\",\"code\":502}}]}") DONE,
     "text \"a\" = EXO_E_SERVER 200/502 in stream: down"},
    {"an error in a choice that is not kept", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"choices\":[{\"index\":1,\"delta\":{},\"error\":{\"message\":\"down\"}}]}") FINISH,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: down"},
    {"an error beside choices and usage", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"content\":\"b\"}}],\"usage\":{\"total_tokens\":7},\"error\":{\"message\":"
          "\"down\",\"code\":429}}"),
     "= EXO_E_RATE_LIMIT 200/429 in stream: down"},
    {"an error behind the finish_reason", 0, 200, EXO_OK, CONTENT("a") FINISH DATA(ERROR_("down")),
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: down"},
    {"an error behind the sentinel", 0, 200, EXO_OK, CONTENT("a") FINISH DONE DATA(ERROR_("down")),
     "text \"a\" = EXO_OK"},
    {"a context window that is told in the stream", 0, 200, EXO_OK,
     DATA("{\"error\":{\"message\":\"x\",\"code\":\"context_length_exceeded\"}}"),
     "= EXO_E_CONTEXT_WINDOW 200/400 in stream: x"},
    {"an error longer than limits.raw", SMALL, 200, EXO_OK, DATA(ERROR_("0123456789abcdef0123456789abcdef")),
     "= EXO_E_IN_STREAM 200 in stream: 0123456789abcdef012"},

    /* what [DONE] proves, and what it does not */
    {"the sentinel alone", 0, 200, EXO_OK, DONE, "= EXO_E_EMPTY_STREAM 200: "},
    {"the sentinel behind content", 0, 200, EXO_OK, CONTENT("a") DONE, "text \"a\" = EXO_OK"},
    {"the sentinel behind content and an event that cannot be read", 0, 200, EXO_OK, CONTENT("a") DATA("what") DONE,
     "text \"a\" = EXO_E_MALFORMED 200: what"},
    {"the same with a finish_reason", 0, 200, EXO_OK, CONTENT("a") DATA("what") FINISH DONE, "text \"a\" = EXO_OK"},
    {"an object with a message, and the sentinel", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"message\":\"out of memory\"}") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: out of memory"},
    {"an object with a code", 0, 200, EXO_OK, CONTENT("a") DATA("{\"code\":429,\"msg\":\"busy\"}") DONE,
     "text \"a\" = EXO_E_RATE_LIMIT 200/429 in stream: busy"},
    {"an object of type error", 0, 200, EXO_OK, CONTENT("a") DATA("{\"type\":\"error\",\"x\":1}") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: {\"type\":\"error\",\"x\":1}"},
    {"an object with a message, with a finish_reason", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"message\":\"out of memory\"}") FINISH DONE, "text \"a\" = EXO_OK"},
    {"an object with a message that is null", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"type\":\"ping\",\"message\":null,\"code\":null}") DONE, "text \"a\" = EXO_OK"},
    {"an object of type error with a code", 0, 200, EXO_OK, CONTENT("a") DATA("{\"code\":0,\"type\":\"error\"}") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: {\"code\":0,\"type\":\"error\"}"},
    {"an object with a code that is no error", 0, 200, EXO_OK, CONTENT("a") DATA("{\"code\":0,\"type\":\"ping\"}") DONE,
     "text \"a\" = EXO_OK"},
    {"an object of type error, with a finish_reason", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"type\":\"error\"}") FINISH DONE, "text \"a\" = EXO_OK"},
    {"an object with a message behind one that is null", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"message\":null}") DATA("{\"message\":\"out of memory\"}") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: out of memory"},
    {"an object of another type", 0, 200, EXO_OK, CONTENT("a") DATA("{\"type\":{\"message\":1},\"id\":\"x\"}") DONE,
     "text \"a\" = EXO_OK"},
    {"what may be an error outweighs what cannot be read", 0, 200, EXO_OK,
     CONTENT("a") DATA("what") DATA("{\"message\":\"out of memory\"}") DATA("{\"message\":\"later\"}") DONE,
     "text \"a\" = EXO_E_IN_STREAM 200 in stream: out of memory"},
    {"what may be an error is cut to limits.error_body", SMALL, 200, EXO_OK,
     DATA("{\"message\":\"short\",\"pad\":\"" LONG LONG "\"}") DONE, "= EXO_E_IN_STREAM 200 in stream: short"},
    {"the sentinel, and no end of the line", 0, 200, EXO_OK, CONTENT("a") "data: [DONE]", "text \"a\" = EXO_OK"},
    {"the sentinel, and no end of the line, and it breaks off", 0, 200, EXO_E_RECEIVE, CONTENT("a") "data: [DONE]",
     "text \"a\" = EXO_E_RECEIVE 200: broke"},
    {"half the sentinel", 0, 200, EXO_OK, CONTENT("a") "data: [DO", "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"half the sentinel behind a finish_reason", 0, 200, EXO_OK, CONTENT("a") FINISH "data: [DO",
     "text \"a\" = EXO_OK"},

    /* holes, noise, and the last event */
    {"a hole", 0, 200, EXO_OK, CONTENT("a") DATA("{\"choices\":[{\"delta\":") FINISH DONE,
     "text \"a\" = EXO_E_MALFORMED 200: {\"choices\":[{\"delta\":"},
    {"a hole that begins a list", 0, 200, EXO_OK, CONTENT("a") DATA("[1,2") FINISH DONE,
     "text \"a\" = EXO_E_MALFORMED 200: [1,2"},
    {"noise", 0, 200, EXO_OK, CONTENT("a") DATA("[x") DATA("null") DATA("17") DATA("\"x\"") DATA("[]") FINISH DONE,
     "text \"a\" = EXO_OK"},
    {"noise alone", 0, 200, EXO_OK, DATA("what"), "= EXO_E_MALFORMED 200: what"},
    {"noise, and no end", 0, 200, EXO_OK, CONTENT("a") DATA("what"), "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"noise, and no end, lenient", LENIENT, 200, EXO_OK, CONTENT("a") DATA("what"), "text \"a\" = EXO_OK"},
    {"no end", 0, 200, EXO_OK, CONTENT("a"), "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"no end, lenient", LENIENT, 200, EXO_OK, CONTENT("a"), "text \"a\" = EXO_OK"},
    {"no end, lenient, and it breaks off", LENIENT, 200, EXO_E_RECEIVE, CONTENT("a"),
     "text \"a\" = EXO_E_RECEIVE 200: broke"},
    {"the last event without its blank line", 0, 200, EXO_OK, CONTENT("a") "data: " FINISH_("stop"),
     "text \"a\" = EXO_OK"},
    {"the last event cut", 0, 200, EXO_OK, CONTENT("a") "data: {\"choices\":[{\"del",
     "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"the last event cut, lenient", LENIENT, 200, EXO_OK, CONTENT("a") "data: {\"choices\":[{\"del",
     "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"the last event cut behind a finish_reason", 0, 200, EXO_OK, CONTENT("a") FINISH "data: {\"usage\":{\"pro",
     "text \"a\" = EXO_OK"},
    {"the same with the end of its line", 0, 200, EXO_OK, CONTENT("a") FINISH "data: {\"usage\":{\"pro\n",
     "text \"a\" = EXO_OK"},
    {"the same with its blank line is a hole", 0, 200, EXO_OK, CONTENT("a") FINISH "data: {\"usage\":{\"pro\n\n",
     "text \"a\" = EXO_E_MALFORMED 200: {\"usage\":{\"pro"},
    {"the only event cut", 0, 200, EXO_OK, "data: {\"choices\":[{\"del", "= EXO_E_EMPTY_STREAM 200: "},
    {"a finish_reason that is none", 0, 200, EXO_OK,
     CONTENT("a") DATA("{\"choices\":[{\"delta\":{},\"finish_reason\":\"null\"}]}"),
     "text \"a\" = EXO_E_TRUNCATED 200: "},
    {"a finish_reason that is an error", 0, 200, EXO_OK, CONTENT("a") DATA(FINISH_("network_error")) DONE,
     "text \"a\" = EXO_E_FINISH 200 in stream: "},
    {"a finish_reason that is the context window", 0, 200, EXO_OK, DATA(FINISH_("model_context_window_exceeded")) DONE,
     "= EXO_E_CONTEXT_WINDOW 200 in stream: "},
    {"a tool call that is cut", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
          "\\\"a\\\":\"}}]}}]}") FINISH DONE,
     "call 0 \"c\" \"f\" arguments \"{\"a\":\" = EXO_E_CUT_CALL 200: "},

    /* the transport breaks off */
    {"before there is proof", 0, 200, EXO_E_RECEIVE, CONTENT("a"), "text \"a\" = EXO_E_RECEIVE 200: broke"},
    {"behind a finish_reason", 0, 200, EXO_E_RECEIVE, CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"behind the sentinel", 0, 200, EXO_E_RECEIVE, CONTENT("a") DONE, "text \"a\" = EXO_OK"},
    {"behind a finish_reason, in an event", 0, 200, EXO_E_BODY_CUT,
     CONTENT("a") FINISH "data: {\"usage\":{\"total_tokens\":3}}", "text \"a\" = EXO_OK"},
    {"before the second choice has its finish_reason", TWO, 200, EXO_E_RECEIVE, CONTENT("a") SECOND("b") FINISH,
     "text \"a\" text [1] \"b\" = EXO_E_RECEIVE 200: broke"},
    {"behind both", TWO, 200, EXO_E_RECEIVE, CONTENT("a") SECOND("b") FINISH SECOND_FINISH,
     "text \"a\" text [1] \"b\" = EXO_OK"},
    {"behind the first, while of the second the words of another role are held back", TWO | LENIENT, 200, EXO_E_RECEIVE,
     CONTENT("a") FINISH DATA("{\"choices\":[{\"index\":1,\"delta\":{\"role\":\"user\",\"content\":\"echo\"}}]}"),
     "text \"a\" text [1] \"echo\" late = EXO_E_TRUNCATED 200: "},
    {"behind a hole", 0, 200, EXO_E_RECEIVE, CONTENT("a") DATA("{\"choices\":[{\"delta\":") FINISH,
     "text \"a\" = EXO_E_MALFORMED 200: {\"choices\":[{\"delta\":"},
    {"behind a finish_reason, with half a character held back", 0, 200, EXO_E_RECEIVE, CONTENT("a\\ud83d") FINISH,
     "text \"a\" text \"\xEF"
     "\xBF"
     "\xBD"
     "\" late = EXO_OK"},
    {"behind a finish_reason, with the words of another role held back", 0, 200, EXO_E_RECEIVE,
     DATA("{\"choices\":[{\"delta\":{\"role\":\"user\",\"content\":\"echo\"}}]}") FINISH,
     "text \"echo\" late = EXO_OK"},

    /* held back */
    {"half a character", 0, 200, EXO_OK, CONTENT("a\\ud83d") CONTENT("\\ude00b") FINISH DONE,
     "text \"a\" text \"\xF0"
     "\x9F"
     "\x98"
     "\x80"
     "\" text \"b\" = EXO_OK"},
    {"half a character at the end", 0, 200, EXO_OK, CONTENT("a\\ud83d") FINISH DONE,
     "text \"a\" text \"\xEF"
     "\xBF"
     "\xBD"
     "\" late = EXO_OK"},
    {"the words of another role, and nothing else", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"role\":\"user\",\"content\":\"echo\"}}]}") FINISH DONE,
     "text \"echo\" late = EXO_OK"},
    {"half a tag", THINK, 200, EXO_OK, CONTENT("<thi") DONE, "text \"<thi\" = EXO_OK"},
    {"half a tag at a clean end without proof", THINK | LENIENT, 200, EXO_OK, CONTENT("<thi"),
     "text \"<thi\" = EXO_OK"},
    {"thoughts", THINK, 200, EXO_OK, CONTENT("<think>hm</thi") CONTENT("nk>yes") FINISH,
     "reasoning \"hm\" text \"yes\" = EXO_OK"},
    {"a tool call that may repeat another", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\","
          "\"arguments\":\"{\\\"a\\\":1}\"}}]}}]}")
         DATA(
             "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}]}}]}")
             DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":2}\"}}]}}]}")
                 FINISH DONE,
     "call 0 \"c\" \"f\" arguments \"{\"a\":1}\" call 1 \"\" \"f\" arguments \"{\"a\":2}\" late = EXO_OK"},
    {"a placeholder that is replaced", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\","
          "\"arguments\":\"{}\"}}]}}]}") DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
                                              "\"arguments\":\"{\\\"a\\\":2}\"}}]}}]}") FINISH DONE,
     "call 0 \"c\" \"f\" arguments \"{}\" arguments \"{\"a\":2}\" replace = EXO_OK"},
    {"arguments as an object", 0, 200, EXO_OK,
     DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\","
          "\"arguments\":{\"a\":2}}}]}}]}") FINISH DONE,
     "call 0 \"c\" \"f\" arguments \"{\"a\":2}\" replace = EXO_OK"},
    {"a refusal of the model", 0, 200, EXO_OK, DATA("{\"choices\":[{\"delta\":{\"refusal\":\"no\"}}]}") FINISH DONE,
     "refusal \"no\" = EXO_OK"},
    {"usage", 0, 200, EXO_OK, CONTENT("a") FINISH DATA("{\"choices\":[],\"usage\":{\"total_tokens\":3}}") DONE,
     "text \"a\" usage 3 = EXO_OK"},

    /* two choices */
    {"two choices", TWO, 200, EXO_OK, CONTENT("a") SECOND("b") FINISH SECOND_FINISH DONE,
     "text \"a\" text [1] \"b\" = EXO_OK"},
    {"the second choice without its finish_reason", TWO, 200, EXO_OK, CONTENT("a") SECOND("b") FINISH,
     "text \"a\" text [1] \"b\" = EXO_E_TRUNCATED 200: "},
    {"the same with the sentinel", TWO, 200, EXO_OK, CONTENT("a") SECOND("b") FINISH DONE,
     "text \"a\" text [1] \"b\" = EXO_OK"},
    {"the second choice never begins", TWO, 200, EXO_OK, CONTENT("a") FINISH, "text \"a\" = EXO_OK"},
    {"the first choice never begins", TWO, 200, EXO_OK, SECOND("b") SECOND_FINISH DONE,
     "text [1] \"b\" = EXO_E_EMPTY_STREAM 200: "},
    {"a hole while the second goes on", TWO, 200, EXO_OK, CONTENT("a") SECOND("b") FINISH "data: {\"choices\":[{\"in",
     "text \"a\" text [1] \"b\" = EXO_E_TRUNCATED 200: "},
    {"half a character of each", TWO, 200, EXO_OK, CONTENT("a\\ud83d") SECOND("b\\ud83d") FINISH SECOND_FINISH DONE,
     "text \"a\" text [1] \"b\" text \"\xEF"
     "\xBF"
     "\xBD"
     "\" late text [1] \"\xEF"
     "\xBF"
     "\xBD"
     "\" late = EXO_OK"},

    /* limits */
    {"an event longer than limits.event", SMALL, 200, EXO_OK,
     CONTENT("a") "data: {\"pad\":\"" LONG LONG LONG LONG "\"}\n\n" FINISH, "text \"a\" = EXO_E_EVENT_LIMIT 200: "},
    {"an answer longer than limits.answer", SMALL, 200, EXO_OK,
     CONTENT("0123456789abcdef0123456789abcdef") CONTENT("0123456789abcdef0123456789abcdef") FINISH,
     "text \"0123456789abcdef0123456789abcdef\" = EXO_E_ANSWER_LIMIT 200: "},
    {"usage longer than limits.raw", SMALL, 200, EXO_OK,
     CONTENT("a") DATA("{\"usage\":{\"total_tokens\":3,\"pad\":\"" LONG "\"}}") FINISH,
     "text \"a\" = EXO_E_ANSWER_LIMIT 200: "},

    /* a body that is kept whole */
    {"kept whole", WHOLE, 200, EXO_OK, "{\"data\":[]}", "= EXO_OK \"{\"data\":[]}\""},
    {"kept whole, whatever it is", WHOLE, 200, EXO_OK, PAGE,
     "= EXO_OK \"<html><head><title>Bad gateway</title></head></html>\""},
    {"kept whole, and empty", WHOLE, 200, EXO_OK, "", "= EXO_OK \"\""},
    {"kept whole, and it breaks off", WHOLE, 200, EXO_E_BODY_CUT, "{\"da", "= EXO_E_BODY_CUT 200: broke"},
    {"kept whole, up to the room for it", WHOLE, 200, EXO_OK, LONG LONG, "= EXO_E_ANSWER_LIMIT 200: "},
};

/* One reading. */
struct reading {
    counting_heap heap;
    exo_allocator allocator;
    exo_limits limits;
    exo_intake_options options;
    exo_intake intake;
    exo_answer answers[2];
    exo_failure failure;
    exo_buffer whole;
    delta_log log;
};

static void begin(struct reading *r, unsigned how, uint16_t status, size_t fail_at)
{
    memset(r, 0, sizeof *r);
    r->heap.fail_at = fail_at;
    r->allocator = (exo_allocator){&r->heap, counting_resize};
    r->limits = *exo_limits_host();
    if (how & SMALL) {
        r->limits.event = 256;
        r->limits.error_body = 128;
        r->limits.raw = 40;
        r->limits.answer = 48;
    }
    log_print(&r->log, "%s", "");
    exo_failure_clear(&r->failure);
    exo_buffer_init(&r->whole, &r->allocator, 100, EXO_E_ANSWER_LIMIT);
    for (uint32_t i = 0; i < 2; i++) {
        exo_answer_init(&r->answers[i], &r->allocator, &r->limits, i, EXO_KEEP_ALL);
    }
    exo_intake_options options = EXO_INTAKE_OPTIONS_INIT;
    options.allocator = &r->allocator;
    options.limits = &r->limits;
    options.answers = r->answers;
    options.answer_count = how & TWO ? 2 : 1;
    options.failure = &r->failure;
    options.whole = how & WHOLE ? &r->whole : NULL;
    options.think_tags = how & THINK;
    options.lenient_end = how & LENIENT;
    options.strict_stream = how & STRICT;
    r->options = options;
    assert_int_equal(exo_intake_init(&r->intake, &options), EXO_OK);
    if (status != 0) {
        exo_intake_status(&r->intake, status);
    }
}

static void finish(struct reading *r)
{
    exo_intake_free(&r->intake);
    exo_buffer_free(&r->whole);
    exo_answer_free(&r->answers[0]);
    exo_answer_free(&r->answers[1]);
    free(r->log.text);
}

static void log_event(delta_log *log, const exo_intake_event *event)
{
    static const char *const names[] = {
        [EXO_EVENT_TEXT] = "text",      [EXO_EVENT_REASONING] = "reasoning", [EXO_EVENT_REFUSAL] = "refusal",
        [EXO_EVENT_TOOL_CALL] = "call", [EXO_EVENT_USAGE] = "usage",         [EXO_EVENT_TOOL_ARGUMENTS] = "arguments",
    };
    if (event->type == EXO_EVENT_NONE) {
        return;
    }
    log_print(log, "%s", names[event->type]);
    if (event->choice > 0) {
        log_print(log, " [%u]", (unsigned)event->choice);
    }
    if (event->type == EXO_EVENT_TOOL_CALL) {
        log_print(log, " %u", (unsigned)event->tool);
        log_quoted(log, event->id);
        log_quoted(log, event->name);
    } else if (event->type == EXO_EVENT_USAGE) {
        log_print(log, " %lld", (long long)event->usage->total_tokens);
    } else {
        log_quoted(log, event->text);
    }
    log_print(log, "%s%s ", event->replace ? " replace" : "", event->held_back ? " late" : "");
}

static int pull(struct reading *r)
{
    exo_intake_event event;
    int code;
    while ((code = exo_intake_next(&r->intake, &event)) == EXO_EVENT) {
        log_event(&r->log, &event);
    }
    return code;
}

/* Feeds a piece in memory of its own, which is gone when it is read. */
static int feed(struct reading *r, const char *bytes, size_t len)
{
    char *piece = malloc(len > 0 ? len : 1);
    assert_non_null(piece);
    memcpy(piece, bytes, len);
    assert_int_equal(exo_intake_feed(&r->intake, exo_span_of(piece, len)), EXO_OK);
    int code = pull(r);
    free(piece);
    return code;
}

static void log_end(struct reading *r, unsigned how)
{
    const exo_failure *f = &r->failure;
    log_print(&r->log, "= %s", exo_error_name(f->code));
    if (f->code != EXO_OK) {
        log_print(&r->log, " %u", (unsigned)f->http_status);
        if (f->status != f->http_status) {
            log_print(&r->log, "/%u", (unsigned)f->status);
        }
        log_print(&r->log, "%s: %s", f->in_stream ? " in stream" : "", f->message);
    }
    if ((how & WHOLE) && f->code == EXO_OK) {
        log_quoted(&r->log, exo_buffer_span(&r->whole));
    }
}

/* Reads a body in pieces: the first of `first` bytes, the others of `step`. */
static void read_body(struct reading *r, const row *at, size_t first, size_t step, size_t fail_at)
{
    size_t len = strlen(at->body);
    size_t size = first;
    int code = EXO_NEED_DATA;
    begin(r, at->how, at->status, fail_at);
    for (size_t i = 0; i < len && code == EXO_NEED_DATA; i += size, size = step) {
        size = size < len - i ? size : len - i;
        code = feed(r, at->body + i, size);
    }
    exo_intake_end(&r->intake, at->end, exo_span_text(at->end < 0 ? "broke" : ""));
    assert_int_equal(pull(r), EXO_DONE);
    log_end(r, at->how);
}

static void check_cut(const row *at, size_t first, size_t step)
{
    struct reading r;
    exo_intake_event event;
    read_body(&r, at, first, step, 0);
    if (strcmp(r.log.text, at->expected) != 0) {
        fail_msg("%s, cut at %zu and then every %zu bytes:\n    %s\n not %s", at->name, first, step, r.log.text,
                 at->expected);
    }
    /* nothing comes behind the end */
    assert_int_equal(exo_intake_feed(&r.intake, exo_span_text("data: x\n\n")), EXO_E_STATE);
    exo_intake_end(&r.intake, EXO_E_RECEIVE, exo_span_of(NULL, 0));
    assert_int_equal(exo_intake_next(&r.intake, &event), EXO_DONE);
    assert_int_equal(event.type, EXO_EVENT_NONE);
    finish(&r);
}

static void every_body_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].body);
        for (size_t first = 0; first <= len; first++) {
            check_cut(&rows[i], first, len + 1);
        }
        for (size_t step = 1; step <= 5; step++) {
            check_cut(&rows[i], step, step);
        }
    }
}

static void every_body_with_every_allocation_failing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].body);
        for (size_t step = 1; step <= len; step += len > 1 ? len - 1 : 1) {
            bool failed = true;
            for (size_t fail_at = 1; failed; fail_at++) {
                struct reading r;
                exo_intake_event event;
                read_body(&r, &rows[i], step, step, fail_at);
                failed = r.heap.calls >= fail_at;
                /* an answer that can do without the memory is the same */
                if (failed && r.failure.code != EXO_E_NO_MEMORY && strcmp(r.log.text, rows[i].expected) != 0) {
                    fail_msg("%s, allocation %zu, step %zu: %s", rows[i].name, fail_at, step, r.log.text);
                }
                assert_int_equal(exo_intake_next(&r.intake, &event), EXO_DONE);
                if (!failed) {
                    assert_string_equal(r.log.text, rows[i].expected);
                }
                finish(&r);
            }
        }
    }
}

/* One piece of a body, and what is news of it. */
struct piece {
    unsigned how; /* of the first piece: that of the body */
    const char *bytes;
    unsigned news;
    bool finished;
};

#define ALL        (EXO_NEWS_EVENT | EXO_NEWS_TOKEN | EXO_NEWS_MORE)
#define TOKENLESS  (EXO_NEWS_EVENT | EXO_NEWS_MORE)
#define AGAIN      (EXO_NEWS_EVENT | EXO_NEWS_TOKEN)
#define CALL(more) DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0" more "}]}}]}")
#define USAGE      DATA("{\"choices\":[],\"usage\":{\"total_tokens\":3}}")

/* A new body begins where `how` is not 0; 64 stands for nothing special. */
static const struct piece pieces[] = {
    /* what brings nothing */
    {64, ": ping\n\n", 0, false},
    {0, "\n\n", 0, false},
    {0, "data:\n\n", 0, false},
    {0, "data: what\n\n", 0, false},
    {0, DATA("{\"id\":\"x\",\"model\":\"m\"}"), 0, false},
    {0, DATA("17"), 0, false},
    {0, DATA("{\"choices\":[]}"), EXO_NEWS_EVENT, false},
    {0, DATA("{\"choices\":[{\"delta\":{}}]}"), EXO_NEWS_EVENT, false},
    {0, CONTENT(""), EXO_NEWS_EVENT, false},
    /* what brings something */
    {0, CONTENT("a"), ALL, false},
    {0, CONTENT("a"), ALL, false},
    {0, DATA("{\"choices\":[{\"delta\":{\"reasoning\":\"a\"}}]}"), ALL, false},
    {0, DATA("{\"choices\":[{\"delta\":{\"refusal\":\"a\"}}]}"), ALL, false},
    {0, CALL(",\"id\":\"c\",\"function\":{\"name\":\"f\"}"), ALL, false},
    {0, CALL(",\"function\":{\"arguments\":\"{\"}"), ALL, false},
    {0, CALL(",\"id\":\"c\",\"function\":{\"name\":\"f\"}"), EXO_NEWS_EVENT | EXO_NEWS_TOKEN, false}, /* once more */
    {0, CALL(",\"function\":{\"arguments\":{}}"), EXO_NEWS_EVENT | EXO_NEWS_TOKEN, false},
    {0, DATA("{\"choices\":[{\"delta\":{\"audio\":{\"data\":\"x\"}}}]}"), TOKENLESS, false},
    {0, DATA("{\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"x\"}]}}]}"), TOKENLESS, false},
    {0, DATA("{\"choices\":[{\"delta\":{\"images\":[1]}}]}"), EXO_NEWS_EVENT, false},
    /* once */
    {0, USAGE, TOKENLESS, false},
    {0, USAGE, EXO_NEWS_EVENT, false},
    {0, DATA(FINISH_("null")), AGAIN | EXO_NEWS_MORE, false},
    {0, FINISH, ALL, true},
    {0, FINISH, AGAIN, true},
    {0, CONTENT("b"), ALL, true},
    {0, DONE, EXO_NEWS_EVENT, true},
    /* of a choice that is not kept */
    {64, SECOND("b"), EXO_NEWS_EVENT, false},
    {0, SECOND_FINISH, EXO_NEWS_EVENT, false},
    {0, DATA(ERROR_("down")), ALL, false},
    /* of two that are */
    {TWO, CONTENT("a"), ALL, false},
    {0, FINISH, ALL, true},
    {0, SECOND("b"), ALL, false},
    {0, SECOND_FINISH, ALL, true},
    {TWO, SECOND_FINISH, ALL, true},
    /* of an event there is news when it has come whole */
    {64, "data: " CONTENT_("a"), 0, false},
    {0, "\n\n", ALL, false},
    /* of a completion, when all of it is there, which these never are */
    {64, "{\"choices\":[{\"message\":", 0, false},
    {0, "{\"content\":\"a\"}}]}", 0, false},
    {64, CONTENT_("a"), 0, false},
    {0, "\n", ALL, false},
    {0, CONTENT_("a") "\n" FINISH_("stop") "\n", ALL, true},
    /* any byte, where they are kept */
    {WHOLE, "", 0, false},
    {0, "{", ALL, false},
    {0, "}", ALL, false},
};

static void what_is_news(void **state)
{
    struct reading r;
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        if (pieces[i].how != 0) {
            if (i > 0) {
                finish(&r);
            }
            begin(&r, pieces[i].how, 200, 0);
        }
        feed(&r, pieces[i].bytes, strlen(pieces[i].bytes));
        unsigned news = exo_intake_news(&r.intake);
        if (news != pieces[i].news || exo_intake_finished(&r.intake) != pieces[i].finished) {
            fail_msg("%s: news %u, %sfinished", pieces[i].bytes, news, exo_intake_finished(&r.intake) ? "" : "not ");
        }
        assert_int_equal(exo_intake_news(&r.intake), 0); /* said once */
    }
    finish(&r);
}

static void a_completion_is_news_at_its_end(void **state)
{
    static const char body[] = COMPLETION("hello", ENDED);
    struct reading r;
    (void)state;
    begin(&r, 0, 200, 0);
    feed(&r, body, sizeof body - 1);
    assert_int_equal(exo_intake_news(&r.intake), 0);
    exo_intake_end(&r.intake, EXO_OK, exo_span_of(NULL, 0));
    assert_int_equal(pull(&r), EXO_DONE);
    assert_int_equal(exo_intake_news(&r.intake), ALL);
    assert_true(exo_intake_finished(&r.intake));
    assert_false(exo_intake_done(&r.intake));
    finish(&r);
}

/* What is fed lies where it is until it is read, so more of it is refused. */
static void bytes_are_read_before_more_are_fed(void **state)
{
    static const struct {
        unsigned how;
        const char *first;
    } beginnings[] = {
        {0, "\n"}, {0, CONTENT("a")}, {0, "{"}, {0, CONTENT_("a") "\n" CONTENT_("b") "\n"}, {0, PAGE}, {WHOLE, "x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        exo_span bytes = exo_span_text(beginnings[i].first);
        struct reading r;
        exo_intake_event event;
        begin(&r, beginnings[i].how, 200, 0);
        assert_int_equal(exo_intake_feed(&r.intake, bytes), EXO_OK);
        assert_int_equal(exo_intake_feed(&r.intake, bytes), EXO_E_STATE);
        while (exo_intake_next(&r.intake, &event) == EXO_EVENT) {
            assert_int_equal(exo_intake_feed(&r.intake, bytes), EXO_E_STATE);
        }
        assert_int_equal(exo_intake_feed(&r.intake, exo_span_of(NULL, 0)), EXO_OK);
        assert_int_equal(exo_intake_feed(&r.intake, exo_span_text("x")), EXO_OK);
        assert_int_equal(pull(&r), EXO_NEED_DATA);
        exo_intake_end(&r.intake, EXO_OK, exo_span_of(NULL, 0));
        assert_int_equal(exo_intake_feed(&r.intake, bytes), EXO_E_STATE);
        assert_int_equal(pull(&r), EXO_DONE);
        finish(&r);
    }
}

#ifndef EXO_SMALL
/* Events of one shape are known from the second one on, however they are framed and cut. */
static void events_of_one_shape_are_known(void **state)
{
    static const struct {
        const char *before;
        const char *after;
    } frames[] = {
        {"data: ", "\n\n"},      {"data:", "\n\n"},         {"data: ", "\r\n\r\n"},
        {"data: ", "\r\r"},      {"data: ", "\nid: 7\n\n"}, {"event: x\ndata: ", "\n\n"},
        {": x\ndata: ", "\n\n"},
    };
    static const char *const texts[] = {"a", "bc", "d\\n\\\"e\\\"", "\\u00e4", "f", "g\\\\"};
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        for (size_t cut = 0; cut < 70; cut++) {
            struct reading r;
            begin(&r, 0, 200, 0);
            for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
                char event[256];
                const int len = snprintf(event, sizeof event, "%s{\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}%s",
                                         frames[i].before, texts[t], frames[i].after);
                const size_t first = cut < (size_t)len ? cut : (size_t)len;
                assert_int_equal(exo_intake_feed(&r.intake, exo_span_of(event, first)), EXO_OK);
                assert_int_equal(pull(&r), EXO_NEED_DATA);
                assert_int_equal(exo_intake_feed(&r.intake, exo_span_of(event + first, (size_t)len - first)), EXO_OK);
                assert_int_equal(pull(&r), EXO_NEED_DATA);
                assert_int_equal(exo_chunk_is_known(&r.intake.chunk_), t > 0);
            }
            assert_true(exo_span_equal(exo_answer_text(r.answers), exo_span_text("abcd\n\"e\"\xC3\xA4"
                                                                                 "fg\\")));
            finish(&r);
        }
    }
}
#endif

#ifndef EXO_SMALL
/* Numbers that are the same in each run. */
static uint32_t any_below(uint32_t *seed, uint32_t limit)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % limit;
}

/* Appends an event: of one shape but for its text, a string and a number, with so much beside them. */
static void add_event(delta_log *body, uint32_t *seed, bool is_call, int before, int behind)
{
    static const char *const parts[] = {
        "a",        "bc ",     "\\\"",     "\\\\",     "\\n",       "\\/",          "\\u00e4",
        "\xC3\xA4", "\\ud83d", "\\ude00",  "{",        "\\\"x\\\"", "\x80",         "\t",
        "\\x",      "[]} ",    "\\\\\\\"", "\\\\\\\"", " ",         "\xE2\x82\xAC", "0123456789abcdef0123456789abcdef"};
    char text[400] = "";
    for (uint32_t left = any_below(seed, 10); left > 0; left--) {
        /* now and then nothing but what is escaped in two bytes */
        const uint32_t count = any_below(seed, 2) > 0 ? 4 : sizeof parts / sizeof *parts;
        strcat(text, parts[any_below(seed, count)]);
    }
    log_print(body, "data: {\"id\":\"c\",\"created\":%u,\"pad\":\"%.*s\",\"choices\":[{\"delta\":", any_below(seed, 3),
              before, LONG LONG);
    log_print(body, "%s", is_call ? "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"" : "{\"content\":\"");
    const size_t at = body->len;
    log_bytes(body, LONG LONG LONG LONG LONG LONG LONG, strlen(text));
    memcpy(body->text + at, text, strlen(text)); /* as it is */
    log_print(body, "%s,\"p\":\"%.*s\"}\n\n", is_call ? "\"}}]}}]" : "\"}}]", behind + (int)any_below(seed, 5),
              LONG LONG);
}

/* Reads a body, cut at `first` and then every `step` bytes, with shapes remembered or without. */
static void read_known(struct reading *r, const delta_log *body, size_t first, size_t step, bool read_all)
{
    size_t size = first;
    begin(r, 0, 200, 0);
    r->options.read_all = read_all;
    r->options.shown_only = !read_all;
    assert_int_equal(exo_intake_init(&r->intake, &r->options), EXO_OK);
    r->intake.chunk_.by_tokens_ = read_all;
    for (size_t at = 0; at < body->len; at += size, size = step) {
        size = size < body->len - at ? size : body->len - at;
        assert_int_equal(feed(r, body->text + at, size), EXO_NEED_DATA);
    }
    exo_intake_end(&r->intake, EXO_OK, exo_span_of(NULL, 0));
    assert_int_equal(pull(r), EXO_DONE);
    log_end(r, 0);
    log_print(&r->log, " news %u", exo_intake_news(&r->intake));
}

/* Events of one shape say the same where it is remembered and where it is not, whatever their texts. */
static void what_is_known_says_the_same(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 1500; round++) {
        const bool is_call = round % 2 > 0;
        const int before = (int)any_below(&seed, 100);
        const int behind = (int)any_below(&seed, 80);
        delta_log body = {0};
        struct reading expected;
        if (is_call) {
            log_print(&body, "%s",
                      DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"function\":"
                           "{\"name\":\"f\",\"arguments\":\"\"}}]}}]}"));
        }
        for (int i = 0; i < 8; i++) {
            add_event(&body, &seed, is_call, before, behind);
        }
        read_known(&expected, &body, body.len, 1, true);
        for (int cut = 0; cut < 4; cut++) {
            const size_t first = cut == 0 ? body.len : any_below(&seed, (uint32_t)body.len);
            const size_t step = cut < 2 ? body.len : 1 + any_below(&seed, 300);
            struct reading r;
            read_known(&r, &body, first, step, false);
            assert_string_equal(r.log.text, expected.log.text);
            assert_true(exo_span_equal(exo_answer_text(r.answers), exo_answer_text(expected.answers)));
            finish(&r);
        }
        finish(&expected);
        free(body.text);
    }
}
#endif

/* An offset counts bytes of the body, whatever lines are dressed in. */
static void offsets_are_those_of_the_body(void **state)
{
    static const struct {
        const char *body;
        uint64_t offset;
    } bodies[] = {
        {CONTENT("a"), sizeof CONTENT("a") - 1},
        {CONTENT_("a") "\n" CONTENT_("b") "\n", 2 * sizeof CONTENT_("a")},
        {"\n \n" CONTENT_("a") "\n" CONTENT_("b"), 3 + 2 * sizeof CONTENT_("a") - 1},
        {"{\"models\":[]}", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t step = 1; step <= strlen(bodies[i].body); step++) {
            const row at = {"", 0, 200, EXO_OK, bodies[i].body, ""};
            struct reading r;
            read_body(&r, &at, step, step, 0);
            assert_int_equal(r.failure.offset, bodies[i].offset);
            assert_int_equal(exo_intake_offset(&r.intake), bodies[i].offset);
            finish(&r);
        }
    }
}

static void wrong_options_are_refused(void **state)
{
    struct reading r;
    (void)state;
    begin(&r, 0, 0, 0);
    for (int i = 0; i < 8; i++) {
        exo_intake_options options = r.options;
        exo_intake intake;
        options.size -= i == 0;
        options.allocator = i == 1 ? NULL : options.allocator;
        options.limits = i == 2 ? NULL : options.limits;
        options.failure = i == 3 ? NULL : options.failure;
        options.answers = i == 4 || i == 6 ? NULL : options.answers;
        options.answer_count = i == 5 ? 0 : options.answer_count;
        options.whole = i == 6 ? &r.whole : NULL;
        int code = exo_intake_init(&intake, &options);
        assert_int_equal(code, i < 6 ? EXO_E_ARGUMENT : EXO_OK);
        if (code == EXO_OK) {
            assert_false(exo_intake_finished(&intake));
            exo_intake_free(&intake);
        }
    }
    finish(&r);
}

static void more_blanks_than_are_kept_of_a_body(void **state)
{
    struct reading r;
    exo_intake_event event;
    (void)state;
    begin(&r, 0, 200, 0);
    r.limits.event = 8;
    assert_int_equal(exo_intake_feed(&r.intake, exo_span_text("            {\"a\":1}\n")), EXO_OK);
    assert_int_equal(exo_intake_next(&r.intake, &event), EXO_DONE);
    assert_int_equal(r.failure.code, EXO_E_EVENT_LIMIT);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_at_every_split),
        cmocka_unit_test(every_body_with_every_allocation_failing),
        cmocka_unit_test(what_is_news),
        cmocka_unit_test(a_completion_is_news_at_its_end),
        cmocka_unit_test(bytes_are_read_before_more_are_fed),
#ifndef EXO_SMALL
        cmocka_unit_test(events_of_one_shape_are_known),
        cmocka_unit_test(what_is_known_says_the_same),
#endif
        cmocka_unit_test(offsets_are_those_of_the_body),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(more_blanks_than_are_kept_of_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
