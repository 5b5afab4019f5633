/*
 * error.h: every status and error of the library, in one table.
 *
 * 0 is success, a positive number is a status (something to do next), a negative number an error. An error of an object
 * is sticky: the object repeats it until it is initialised again. The table EXO_ERROR_MAP is the only place where a
 * code, its name, class, verdict, text and advice are written down; everything else is derived from it.
 *
 * A build that has no room for strings may leave out two tables: compiled with EXO_NO_ERROR_TEXTS, the text of an error
 * is its name; with EXO_NO_ERROR_NAMES, its name is that of its class. docs/size.md says what that saves.
 */
#ifndef EXOCHAT_ERROR_H
#define EXOCHAT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* What a call returns when it did not fail. */
enum exo_status {
    EXO_OK = 0,        /* done; for a window: everything is written */
    EXO_AGAIN = 1,     /* call again: the window is full, the slice of work is used up */
    EXO_EVENT = 1,     /* an event was stored where the caller asked for it */
    EXO_NEED_DATA = 2, /* all fed bytes are consumed: feed more, or say that there are none */
    EXO_DONE = 3,      /* the stream is over, nothing more will come */
    EXO_IDLE = 4,      /* no call is under way, so nothing can happen */
    EXO_NOT_FOUND = 5  /* looked for, and not there; nothing changed */
};

/* Who is to blame, and so who can mend it. */
typedef enum exo_error_class {
    EXO_CLASS_NONE,      /* not an error */
    EXO_CLASS_CALLER,    /* the program that calls us: mend the call */
    EXO_CLASS_VIOLATION, /* the remote side broke its protocol */
    EXO_CLASS_LIMIT,     /* a named maximum was reached (limits.h), or memory ran out */
    EXO_CLASS_TRANSPORT, /* the network, TLS, or a clock */
    EXO_CLASS_PROVIDER   /* the endpoint answered, and the answer is an error */
} exo_error_class;

/* The one question that routing asks of a failure: what may be tried next? */
typedef enum exo_verdict {
    EXO_STOP,             /* report it: no other deployment would do better, or the caller must act */
    EXO_FALL_BACK,        /* the next deployment; never the same one again */
    EXO_RETRY,            /* waiting may cure it: the same deployment where retries are on, otherwise the next one */
    EXO_FALL_BACK_CONTEXT /* too long for this model: the context fallbacks, or report it where there are none */
} exo_verdict;

/*
 * X(code, number, class, verdict, text, what to do next)
 *
 * Numbers are grouped by class, go downwards, and are never reused. The verdict is the usual one; failure.h refines it
 * by headers and body.
 */
/* clang-format off */
#define EXO_ERROR_MAP(X) \
    /* the caller */ \
    X(EXO_E_ARGUMENT,        -1, CALLER, STOP, "wrong argument", "mend the call") \
    X(EXO_E_STATE,           -2, CALLER, STOP, "not in this order", "read the order of calls in the header") \
    X(EXO_E_UNKNOWN_MODEL,   -3, CALLER, STOP, "no such deployment", "deploy the model first, or correct its name") \
    X(EXO_E_URL,             -4, CALLER, STOP, "unusable URL", "correct base_url") \
    X(EXO_E_HEADER,          -5, CALLER, STOP, "unusable header", "correct the header that the message names") \
    X(EXO_E_NUMBER,          -6, CALLER, STOP, "NaN or infinity", "send a finite number") \
    X(EXO_E_TYPE,            -7, CALLER, STOP, "no type of JSON", "send null, bool, number, string, list or object") \
    X(EXO_E_REQUEST,         -8, CALLER, STOP, "malformed request", "correct the request") \
    X(EXO_E_DUPLICATE_KEY,   -9, CALLER, STOP, "a key would be sent twice", "remove one of the two") \
    X(EXO_E_KEY_COLLISION,  -10, CALLER, STOP, "renamed to a key in use", "drop or rename the other key too") \
    X(EXO_E_SOURCE_READ,    -11, CALLER, STOP, "unreadable file or source", "check the file; the request was not completed") \
    X(EXO_E_SOURCE_ONCE,    -12, CALLER, STOP, "source cannot rewind", "give a source that can rewind") \
    X(EXO_E_BODY_CHANGED,   -13, CALLER, STOP, "request changed", "do not modify messages or files during a call") \
    X(EXO_E_FILE_REFUSED,   -14, CALLER, STOP, "file not allowed", "allow the folder, or attach the file yourself") \
    X(EXO_E_CONFIG,         -15, CALLER, STOP, "wrong configuration", "correct the line that the message names") \
    X(EXO_E_CANCELLED,      -16, CALLER, STOP, "cancelled", "nothing") \
    X(EXO_E_FORKED,         -17, CALLER, STOP, "used after a fork", "make a new client in the child process") \
    X(EXO_E_REPAIR,         -18, CALLER, STOP, "no JSON found", "show the text to the model or the user") \
    /* the remote side broke its protocol */ \
    X(EXO_E_JSON_SYNTAX,    -30, VIOLATION, RETRY, "JSON: wrong character", "report it to the endpoint's owner") \
    X(EXO_E_JSON_STRING,    -31, VIOLATION, RETRY, "JSON: control character", "report it to the endpoint's owner") \
    X(EXO_E_JSON_ESCAPE,    -32, VIOLATION, RETRY, "JSON: bad escape", "report it to the endpoint's owner") \
    X(EXO_E_JSON_UTF8,      -33, VIOLATION, RETRY, "JSON: bad UTF-8", "report it to the endpoint's owner") \
    X(EXO_E_JSON_NUMBER,    -34, VIOLATION, RETRY, "JSON: bad number", "report it to the endpoint's owner") \
    X(EXO_E_JSON_LITERAL,   -35, VIOLATION, RETRY, "JSON: unknown word", "report it to the endpoint's owner") \
    X(EXO_E_JSON_END,       -36, VIOLATION, RETRY, "JSON: cut off", "report it to the endpoint's owner") \
    X(EXO_E_JSON_TRAILING,  -37, VIOLATION, RETRY, "JSON: trailing text", "report it to the endpoint's owner") \
    X(EXO_E_HEAD,           -40, VIOLATION, RETRY, "not HTTP/1.1", "check that base_url leads to an HTTP server") \
    X(EXO_E_OBS_FOLD,       -41, VIOLATION, RETRY, "folded header line", "report it to the server's owner") \
    X(EXO_E_BOTH_LENGTHS,   -42, VIOLATION, RETRY, "Content-Length and a coding", "suspect a proxy on the way") \
    X(EXO_E_CONTENT_LENGTH, -43, VIOLATION, RETRY, "bad Content-Length", "report it to the server's owner") \
    X(EXO_E_CODING,         -44, VIOLATION, RETRY, "unwanted coding", "report it to the server's owner") \
    X(EXO_E_CHUNK,          -45, VIOLATION, RETRY, "broken chunk", "report it to the server's owner") \
    X(EXO_E_BODY_CUT,       -46, VIOLATION, RETRY, "body cut off", "try again") \
    X(EXO_E_UNLABELLED_GZIP,-47, VIOLATION, RETRY, "gzip that no header names", "suspect a proxy on the way") \
    X(EXO_E_TRUNCATED,      -48, VIOLATION, RETRY, "no finish_reason or [DONE]", "try again; lenient_end accepts such servers") \
    X(EXO_E_EMPTY_STREAM,   -49, VIOLATION, RETRY, "empty stream", "try again") \
    X(EXO_E_NOT_A_STREAM,   -50, VIOLATION, RETRY, "not an event stream", "check base_url") \
    X(EXO_E_MALFORMED,      -51, VIOLATION, RETRY, "event is no JSON object", "try again") \
    X(EXO_E_CUT_CALL,       -52, VIOLATION, FALL_BACK, "tool call cut off", "use another deployment, or raise max_tokens") \
    /* limits */ \
    X(EXO_E_NO_MEMORY,      -60, LIMIT, STOP, "out of memory", "free memory, or lower the limits") \
    X(EXO_E_EVENT_LIMIT,    -61, LIMIT, FALL_BACK, "over limits.event", "raise limits.event") \
    X(EXO_E_ANSWER_LIMIT,   -62, LIMIT, FALL_BACK, "over limits.answer", "raise limits.answer, or read the events without keeping the text") \
    X(EXO_E_CALLS_LIMIT,    -63, LIMIT, FALL_BACK, "over limits.tool_calls", "raise limits.tool_calls") \
    X(EXO_E_ARGUMENTS_LIMIT,-64, LIMIT, FALL_BACK, "over limits.tool_arguments", "raise limits.tool_arguments") \
    X(EXO_E_DEPTH_LIMIT,    -65, LIMIT, FALL_BACK, "over limits.depth", "raise limits.depth, 64 at most") \
    X(EXO_E_HEAD_LIMIT,     -66, LIMIT, FALL_BACK, "over limits.head", "raise limits.head") \
    X(EXO_E_HEADERS_LIMIT,  -67, LIMIT, FALL_BACK, "over limits.headers", "raise limits.headers") \
    X(EXO_E_CHUNK_LIMIT,    -68, LIMIT, FALL_BACK, "over limits.chunk_overhead", "suspect an attack") \
    X(EXO_E_KEYS_LIMIT,     -69, LIMIT, STOP, "over limits.keys", "send fewer keys") \
    X(EXO_E_CONSUMER_LIMIT, -70, LIMIT, STOP, "reader too slow for HTTP/2", "read faster, or switch http2 off") \
    X(EXO_E_EXPANSION_LIMIT,-71, LIMIT, FALL_BACK, "body expands too far", "suspect an attack") \
    X(EXO_E_LOCAL,          -72, LIMIT, STOP, "out of system resources", "close something, or raise the limit of the process") \
    X(EXO_E_NAME_LIMIT,     -73, LIMIT, FALL_BACK, "over limits.name", "raise limits.name") \
    /* transport */ \
    X(EXO_E_RESOLVE,        -80, TRANSPORT, RETRY, "host does not resolve", "check the host name and the resolver") \
    X(EXO_E_CONNECT,        -81, TRANSPORT, RETRY, "no connection could be made", "check the host, the port and the network") \
    X(EXO_E_TLS,            -82, TRANSPORT, RETRY, "TLS handshake failed", "check the CA file, the host name and the clock") \
    X(EXO_E_PROXY,          -83, TRANSPORT, RETRY, "proxy refused or failed", "check the proxy") \
    X(EXO_E_SEND,           -84, TRANSPORT, RETRY, "sending failed", "try again") \
    X(EXO_E_RECEIVE,        -85, TRANSPORT, RETRY, "receiving failed", "try again") \
    X(EXO_E_RESET_IN_UPLOAD,-86, TRANSPORT, RETRY, "reset during upload", "the body may be too large for the server") \
    X(EXO_E_CLOSED,         -87, TRANSPORT, RETRY, "closed without an answer", "try again") \
    X(EXO_E_CLOCK_CONNECT,  -88, TRANSPORT, RETRY, "over connect_timeout", "check the network, or raise connect_timeout") \
    X(EXO_E_CLOCK_FIRST,    -89, TRANSPORT, FALL_BACK, "over stream_ttft_timeout", "the route is silent: use another one, or raise stream_ttft_timeout") \
    X(EXO_E_CLOCK_IDLE,     -90, TRANSPORT, FALL_BACK, "over request_timeout", "the stream stalled: use another route, or raise request_timeout") \
    X(EXO_E_CLOCK_TOTAL,    -91, TRANSPORT, STOP, "over total_timeout", "raise total_timeout") \
    /* the provider */ \
    X(EXO_E_STATUS,        -100, PROVIDER, STOP, "request refused", "read the provider's message") \
    X(EXO_E_SERVER,        -101, PROVIDER, RETRY, "endpoint failed", "try again") \
    X(EXO_E_RATE_LIMIT,    -102, PROVIDER, RETRY, "rate limit reached", "wait, as long as retry_after says") \
    X(EXO_E_QUOTA,         -103, PROVIDER, FALL_BACK, "no quota or credits", "top up the account, or use another deployment") \
    X(EXO_E_AUTH,          -104, PROVIDER, STOP, "key refused", "check the key and its environment variable") \
    X(EXO_E_CONTEXT_WINDOW,-105, PROVIDER, FALL_BACK_CONTEXT, "context window exceeded", "shorten the messages, or set context_fallbacks") \
    X(EXO_E_CONTENT_FILTER,-106, PROVIDER, STOP, "refused by a filter", "change the messages") \
    X(EXO_E_REDIRECT,      -107, PROVIDER, STOP, "redirect not followed", "set base_url to the final address") \
    X(EXO_E_IN_STREAM,     -108, PROVIDER, RETRY, "error in the stream", "try again") \
    X(EXO_E_FINISH,        -109, PROVIDER, RETRY, "the finish_reason is an error", "try again") \
    X(EXO_E_BLOCKED,       -111, PROVIDER, FALL_BACK, "blocked on the way", "ask who runs the firewall, or use another deployment")
/* clang-format on */

/* Every error code, from the table. */
enum exo_error {
#define EXO_X(code, number, class_, verdict, text, advice) code = (number),
    EXO_ERROR_MAP(EXO_X)
#undef EXO_X
};

/* The symbol of a status or error, such as "EXO_E_CLOCK_FIRST"; "EXO_E_UNKNOWN" for a number that is not in the table.
 * Its class, such as "transport", in a build with EXO_NO_ERROR_NAMES. Never NULL, static storage. */
const char *exo_error_name(int code);

/* A few English words that say what happened; the name in a build with EXO_NO_ERROR_TEXTS. Never NULL, static storage.
 */
const char *exo_error_text(int code);

/* One English clause that says what to do next; "" for 0, a status, or an unknown number. Never NULL, static storage.
 * Part of the hosted library: the core is kept small. */
const char *exo_error_advice(int code);

/* The class of an error; EXO_CLASS_NONE for 0, a status, or an unknown number. */
exo_error_class exo_error_class_of(int code);

/* The usual verdict on an error; EXO_STOP for 0, a status, or an unknown number. */
exo_verdict exo_error_verdict(int code);

/* "caller", "violation", "limit", "transport", "provider" or "none". Static storage. */
const char *exo_class_name(exo_error_class error_class);

/* "stop", "fall back", "retry" or "fall back context". Static storage. */
const char *exo_verdict_name(exo_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif
