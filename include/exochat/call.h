/*
 * call.h: one call: how it is started and ended, what its events are, and the blocking form.
 */
#ifndef EXOCHAT_CALL_H
#define EXOCHAT_CALL_H

#include "exochat/deployment.h"
#include "exochat/intake.h"
#include "exochat/options.h"
#include "exochat/reply.h"
#include "exochat/request.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A client: deployments, connections, and the calls under way; see client.h. */
typedef struct exo_client exo_client;
/* One call: from exo_call_start() until exo_call_free(). */
typedef struct exo_call exo_call;

/* One event. Spans, and what `failure`, `usage` and `next` point to, are valid until the next call on the client or the
 * call, exo_call_cancel() included. */
typedef struct exo_event {
    exo_event_type type; /* intake.h has them all, and which of the fields below each sets */
    exo_call *call;
    uint32_t choice;
    uint32_t tool;
    bool last;    /* TEXT, REASONING, REFUSAL, TOOL_ARGUMENTS: ends the string of one delta */
    bool replace; /* TOOL_ARGUMENTS: takes the place of what came before */
    exo_span text;
    exo_span id;
    exo_span name;
    const exo_usage *usage;
    const exo_failure *failure; /* FALLBACK, RESTART and END: why, or NULL */
    const char *next;           /* FALLBACK: the deployment that is attempted next, the same one after a retry's wait
                                   included; NULL: none is left, END follows */
    uint32_t attempt;           /* FALLBACK: which attempt failed, as exo_reply_attempt() counts, from 0 */
} exo_event;

/* FALLBACK is handed out for each attempt that failed with a failure of its own, to who asks for it by name
 * (options.events = EXO_WANT_ALL | EXO_WANT(EXO_EVENT_FALLBACK)), in buffered calls too, before anything is sent to the
 * next deployment: whoever cancels the call there has sent nothing more. It counts as nothing that was shown. RESTART
 * follows where what was shown is void, then what the next attempt brings. The total clock, and whatever else ends a
 * call at once, is told by END alone. */

/* Takes the raw bytes of a 2xx body as they are received, before anything is made of them. It must not call back into
 * the client. */
typedef void (*exo_on_raw)(void *ctx, exo_span bytes);

/* Which files the data of a request may name: `_content_file` and `_file` in its JSON text or value. What the program
 * attaches itself (exo_request_file() and its kin) is always read. */
typedef enum exo_files {
    EXO_FILES_DEFAULT, /* of an exo_request those that exo_request_allow_files() allows; of a value none */
    EXO_FILES_REFUSE,  /* none: EXO_E_FILE_REFUSED */
    EXO_FILES_FOLDER,  /* regular files below options.file_root; nothing leads out of it, no `..`, no symbolic link */
    EXO_FILES_ANY      /* whatever this process may read: only where the request is the program's own */
} exo_files;

/* A clock of a call that is the deployment's. */
#define EXO_CLOCK_OF_DEPLOYMENT (-2)

/* What a caller may promise, for what it saves. */
typedef enum exo_promise {
    EXO_PROMISE_SETTLED = 1 /* the value of exo_call_start_value() says the same each time it is walked: a small body is
                               then made once, as that of an exo_request is */
} exo_promise;

/* X(type, field, default): the fields of exo_call_options. */
/* clang-format off */
#define EXO_CALL_OPTIONS_MAP(X) \
    X(const char *, model, NULL)                       /* NULL: the request's */ \
    X(int64_t, total_timeout, EXO_CLOCK_DEFAULT_TOTAL) /* milliseconds for all attempts together, sizing included; \
                                                          0: off */ \
    X(bool, buffered, false)                           /* no event but END: what breaks can then restart on the \
                                                          next deployment unseen */ \
    X(bool, restart, false)                            /* a stream that breaks after its first event restarts, with \
                                                          the event RESTART */ \
    X(unsigned, keep, EXO_KEEP_ALL)                    /* sum of exo_keep: what the reply will hold */ \
    X(uint32_t, choices, 1)                            /* how many choices are kept (n of the request) */ \
    X(const char *, traceparent, NULL)                 /* W3C trace context, passed on as a header; NULL: none */ \
    X(exo_on_raw, raw, NULL)                           /* is given the bytes of every 2xx body; NULL: nobody is */ \
    X(void *, raw_ctx, NULL) \
    X(uint64_t, events, EXO_WANT_ALL)                  /* sum of EXO_WANT(): the events that are handed out; RESTART \
                                                          and END always are, FALLBACK is not by default. What \
                                                          nobody asked for is not shown: until one of these came \
                                                          (usage apart) a stream that breaks goes on with the next \
                                                          deployment unseen */ \
    X(exo_files, files, EXO_FILES_DEFAULT)             /* which files the request's data may name */ \
    X(bool, resumes, false)                            /* a promise: exo_call_resume() follows whenever a source of the \
                                                          caller's that had nothing ready has data again. Without it \
                                                          such a source is asked again every few milliseconds */ \
    X(const char *, file_root, NULL)                   /* the folder of EXO_FILES_FOLDER */ \
    X(const char *, defaults, NULL)                    /* JSON object: keys that are sent where neither the request \
                                                          nor extra_body has them; drop and rename apply. NULL: none */ \
    X(const exo_header *, headers, NULL)               /* extra headers, in place of the deployment's of that name; \
                                                          EXO_E_HEADER for the authentication, Content-Type and what \
                                                          belongs to the transport. They go with every attempt, \
                                                          to fallbacks at other hosts too */ \
    X(size_t, header_count, 0) \
    X(const char *, api_key, NULL)                     /* in place of the deployment's, and of those of fallbacks \
                                                          at the same scheme, host and port that may share its \
                                                          connections (deployment.h): others keep their own. \
                                                          NULL: theirs; "": no authentication is sent, not from the \
                                                          deployment's headers either */ \
    X(int64_t, connect_timeout, EXO_CLOCK_OF_DEPLOYMENT)     /* as in exo_deployment */ \
    X(int64_t, stream_ttft_timeout, EXO_CLOCK_OF_DEPLOYMENT) /* also EXO_CLOCK_AUTO */ \
    X(int64_t, request_timeout, EXO_CLOCK_OF_DEPLOYMENT) \
    X(uint64_t, promises, 0)                           /* sum of exo_promise */
/* clang-format on */

/* How one call is made; copied, and the copy of the key is wiped. What is wrong with it, END reports, and
 * exo_client_message() names the field. Begin with EXO_CALL_OPTIONS_INIT. */
typedef struct exo_call_options {
    size_t size; /* sizeof(exo_call_options), set by the macro */
    EXO_CALL_OPTIONS_MAP(EXO_OPTION_FIELD)
} exo_call_options;

/* The defaults of a call: streamed, no total clock, everything is kept. */
#define EXO_CALL_OPTIONS_INIT \
    { \
        sizeof(exo_call_options) EXO_CALL_OPTIONS_MAP(EXO_OPTION_DEFAULT) \
    }

/* Starts a call; its events come from exo_client_next(), the last one is END. `request` is borrowed until then.
 * `options` may be NULL. Whatever is wrong with the request, its model or the options is reported by END, so this
 * returns NULL only when memory runs out, or `client` or `request` cannot be used at all (exo_client_message()). */
exo_call *exo_call_start(exo_client *client, const exo_request *request, const exo_call_options *options, void *user);

/* As exo_call_start(), for a value of the caller's: the JSON object of the body, through a cursor (value.h), so that
 * nothing of it is copied. "model" names the deployment unless options.model does; where it is not the first key, the
 * value is walked up to it at once. All that encode.h says of a request holds; it must have messages (EXO_E_REQUEST).
 * The cursor serves this call alone (EXO_E_STATE where another has it), is walked in turns of the client, three times
 * for each deployment that is attempted, and is borrowed until END was handed out or the call is cancelled or freed;
 * `request` itself is copied. An error of the cursor ends the call with that error, if it is one of class caller,
 * violation or limit, else with EXO_E_REQUEST; during a transfer the endpoint sees a broken request, never a complete
 * one. */
exo_call *exo_call_start_value(exo_client *client, const exo_cursor *request, const exo_call_options *options,
                               void *user);

/* As exo_call_start(), for a body that the caller has in bytes: it is sent as it is, nothing is added, dropped or
 * looked at, so it is to say "stream": true itself (without, a whole completion comes, which is an answer too, unless
 * strict_stream is set); options.model names the deployment, and options.defaults is EXO_E_ARGUMENT. `body` is borrowed
 * as a cursor is, and serves one call at a time. One that can rewind is read once for each attempt, and sent with
 * Content-Length where its size is known: more or fewer bytes are EXO_E_BODY_CHANGED. One that cannot is sent once,
 * chunked, without fallback. */
exo_call *exo_call_start_raw(exo_client *client, const exo_source *body, const exo_call_options *options, void *user);

/* Says that a source of the call that had nothing ready (EXO_AGAIN) has data again, or has ended. Legal at any time,
 * inside of a source's read() too, when nothing waits for it, and for NULL. Not from another thread. See
 * options.resumes. */
void exo_call_resume(exo_call *call);

/* The `user` pointer of exo_call_start(); NULL for NULL. */
void *exo_call_user(const exo_call *call);

/* Ends a call now (NULL is allowed). No further event comes of it, not even END. Its reply then says EXO_E_CANCELLED,
 * or how the call ended if it had come to its end and only END was not handed out yet. Legal at any time, inside of
 * event handling too. */
void exo_call_cancel(exo_call *call);

/* Holds the call, or lets go: while it is held no event of it is handed out, and its clocks stand still but the total
 * one, which is wall time; when that runs out the call ends, which END says once it is let go. Of the answer so much is
 * read on as an inbox holds (64 KB, 1 MB of a compressed one), then its transfer pauses. Over HTTP/2 no transfer is
 * ever paused, because one would block all others of the connection: the inbox holds 1 MB, and what comes beyond ends
 * the call with EXO_E_CONSUMER_LIMIT. A request that is being sent, or waits for a connection, goes on; one that was
 * not begun is not begun. A call that is held is one that could have an event: exo_client_next() waits for it, without
 * end if nothing else is under way. EXO_OK; EXO_E_ARGUMENT for NULL; EXO_E_FORKED; EXO_E_STATE for the call of
 * exo_chat() or exo_chat_events(), which nobody could let go of. */
int exo_call_hold(exo_call *call, bool held);

/* Takes the reply out of a call that has ended; the caller frees it with exo_reply_free(). NULL until END was handed
 * out or the call was cancelled, when it was taken before, for NULL, and in a child process after fork(). */
exo_reply *exo_call_reply(exo_call *call);

/* Frees a call; one that runs is cancelled first. NULL is allowed. In a child process after fork() neither this nor
 * exo_call_cancel() does anything: the connection is the parent's. A handler of exo_chat_events() that frees its call
 * cancels it: exo_chat_events() frees it. */
void exo_call_free(exo_call *call);

/* The blocking form: starts a call, handles its events, and returns its reply, which the caller frees. NULL where
 * exo_call_start() returns it, and in a child process that a handler has made with fork(): exo_reply_failure(NULL) has
 * words for it. `on_text` is given the answer's text (choice 0) as it comes, and nothing else counts as shown; NULL:
 * the call is buffered. Other calls of the same client go on meanwhile, and their events wait. */
exo_reply *exo_chat(exo_client *client, const exo_request *request, void (*on_text)(void *ctx, exo_span text),
                    void *ctx);

/* As exo_chat(), with options and all events. `on_event` may be NULL. It may cancel or free the call, use other calls,
 * chat, even free the client (that is done when the outermost of such calls returns), and take the reply of a call that
 * has ended or was cancelled: NULL is returned then. */
exo_reply *exo_chat_events(exo_client *client, const exo_request *request, const exo_call_options *options,
                           void (*on_event)(void *ctx, const exo_event *event), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
