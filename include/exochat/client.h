/*
 * client.h: the hosted library: deployments, calls, events and answers, over libcurl.
 *
 * A program that asks one question:
 *
 *     exo_client *client = exo_client_new(NULL);
 *     exo_deployment glm = EXO_DEPLOYMENT_INIT;
 *     glm.base_url = "https://openrouter.ai/api/v1";
 *     glm.api_key = getenv("OPENROUTER_API_KEY");
 *     exo_client_deploy(client, "zai/glm-4.7", &glm);
 *
 *     exo_request *request = exo_request_new("zai/glm-4.7");
 *     exo_request_text(request, EXO_USER, "Why is the sky blue?");
 *     exo_reply *reply = exo_chat(client, request, print_text, stdout);
 *     if (exo_reply_failure(reply)) …
 *
 * A program that runs many at once starts them with exo_call_start() and takes their events, from whichever call has
 * one, with exo_client_next(); one with an event loop of its own hands it the sockets (exo_client_watch()).
 *
 * Options: every struct of options begins with its INIT macro. A program that was built with an older header may hand
 * in its smaller ones (options.h).
 *
 * Threads: one client is used by one thread at a time; different clients by different threads. No callback of the
 * library runs at any other time than inside a call of the program's. A client cannot be used in a child process after
 * fork() and says so (EXO_E_FORKED).
 */
#ifndef EXOCHAT_CLIENT_H
#define EXOCHAT_CLIENT_H

#include "exochat/attempt.h"
#include "exochat/limits.h"
#include "exochat/options.h"
#include "exochat/request.h"
#include "exochat/route.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library: MAJOR.MINOR.PATCH. 0.x promises no stable ABI. */
#define EXO_VERSION "0.1.0"

/* ------------------------------------------------------------------ client */

/* A client: deployments, connections, and the calls under way. */
typedef struct exo_client exo_client;
/* One call: from exo_call_start() until exo_call_free(). */
typedef struct exo_call exo_call;
/* What is left of a call: its answer or its failure, and the trail. */
typedef struct exo_reply exo_reply;
/* One line of a log; see log.h. */
typedef struct exo_record exo_record;

/* Takes one line of a log; see log.h. It must not call back into the client. */
typedef void (*exo_on_record)(void *ctx, const exo_record *record);

/* X(type, field, default): the fields of exo_client_options. */
/* clang-format off */
#define EXO_CLIENT_OPTIONS_MAP(X) \
    X(const exo_limits *, limits, NULL) /* NULL: exo_limits_host() */ \
    X(exo_on_record, log, NULL)         /* is given one record for each attempt and each call; NULL: nobody is */ \
    X(void *, log_ctx, NULL) \
    X(long, log_bodies, 0)              /* 0: records carry no message text; n > 0: up to n bytes of it */
/* clang-format on */

/* Options of a client; copied. Begin with EXO_CLIENT_OPTIONS_INIT. */
typedef struct exo_client_options {
    size_t size; /* sizeof(exo_client_options), set by the macro */
    EXO_CLIENT_OPTIONS_MAP(EXO_OPTION_FIELD)
} exo_client_options;

/* The defaults of a client. */
#define EXO_CLIENT_OPTIONS_INIT \
    { \
        sizeof(exo_client_options) EXO_CLIENT_OPTIONS_MAP(EXO_OPTION_DEFAULT) \
    }

/* A client; `options` may be NULL. libcurl is initialised with the first one and never torn down. NULL when memory runs
 * out, libcurl cannot be used, or `options` did not begin with its macro. Free it with exo_client_free(). */
exo_client *exo_client_new(const exo_client_options *options);

/* Ends all calls of the client without further events and frees them, closes its connections and frees it, with its
 * keys wiped. Replies already taken stay valid. NULL is allowed. In a child process after fork() it frees nothing but
 * is harmless. */
void exo_client_free(exo_client *client);

/* What the last failed call on the client was about, in words that name the field and what was expected; "" if nothing.
 * Valid until the next call on the client. */
const char *exo_client_message(const exo_client *client);

/* ------------------------------------------------------------- deployments */

/* A name and a value. */
typedef struct exo_header {
    const char *name;
    const char *value;
} exo_header;

/* X(type, field, default): the fields of exo_deployment. Times are milliseconds, at most a day; 0 switches a clock off.
 */
/* clang-format off */
#define EXO_DEPLOYMENT_MAP(X) \
    X(const char *, base_url, NULL)                         /* absolute http or https URL without userinfo; \
                                                               /chat/completions is appended to its path, before a \
                                                               query */ \
    X(const char *, api_key, NULL)                          /* NULL or "": no authentication is sent */ \
    X(const char *, auth_header, NULL)                      /* NULL: "Authorization" */ \
    X(const char *, auth_scheme, NULL)                      /* NULL: "Bearer"; "": the key alone (Azure: \
                                                               auth_header "api-key", auth_scheme "") */ \
    X(const char *, model, NULL)                            /* sent as "model"; NULL: the name under which it is \
                                                               deployed */ \
    X(const exo_header *, headers, NULL)                    /* extra headers; never in place of the authentication \
                                                               and Content-Type */ \
    X(size_t, header_count, 0) \
    X(const char *, extra_body, NULL)                       /* JSON object: keys that are sent where the request \
                                                               has none; NULL: none */ \
    X(const char *const *, drop, NULL)                      /* top-level keys that are not sent */ \
    X(size_t, drop_count, 0) \
    X(const exo_header *, rename, NULL)                     /* top-level keys that are sent under another name: \
                                                               name → value */ \
    X(size_t, rename_count, 0) \
    X(int64_t, connect_timeout, EXO_CLOCK_DEFAULT_CONNECT)  /* 10 s: attempt starts → TCP and TLS are up, queueing \
                                                               included */ \
    X(int64_t, stream_ttft_timeout, EXO_CLOCK_DEFAULT_FIRST_EVENT) /* EXO_CLOCK_AUTO: body sent → first data event. \
                                                                      That is 15 s while another deployment is left \
                                                                      that was not tried yet, and otherwise as long \
                                                                      as request_timeout; a number always holds */ \
    X(int64_t, request_timeout, EXO_CLOCK_DEFAULT_IDLE)     /* 120 s: without progress */ \
    X(exo_ttft_until, ttft_until, EXO_UNTIL_EVENT)          /* which event ends the first-event clock */ \
    X(bool, lenient_end, false)                             /* accept a clean end of the stream without \
                                                               finish_reason and [DONE] */ \
    X(bool, strict_stream, false)                           /* refuse a whole completion, and lines of JSON, in \
                                                               place of a stream */ \
    X(bool, think_tags, false)                              /* a <think> block at the start of the content is \
                                                               reasoning */ \
    X(bool, chunked, false)                                 /* send the body with chunked coding, not with \
                                                               Content-Length */ \
    X(bool, http2, false)                                   /* offer HTTP/2 by ALPN; early answers may be lost with \
                                                               it (libcurl) */ \
    X(const char *, ca_file, NULL)                          /* PEM; NULL: the system's. It and the two below are \
                                                               for an https proxy too */ \
    X(const char *, ca_dir, NULL)                           /* folder of hashed certificates; NULL: none */ \
    X(exo_span, ca_pem, {NULL, 0})                          /* PEM bytes in place of ca_file */ \
    X(const char *, client_cert, NULL)                      /* PEM files; NULL: none */ \
    X(const char *, client_key, NULL) \
    X(const char *, proxy, NULL)                            /* http, https, socks4, socks4a, socks5, socks5h URL; \
                                                               NULL: from the environment; "": none */ \
    X(const char *, unix_socket, NULL)                      /* path of a unix-domain socket to connect to in place \
                                                               of the host */ \
    X(const char *const *, resolve, NULL)                   /* "host:port:address[,address]…" entries that take the \
                                                               place of name resolution */ \
    X(size_t, resolve_count, 0)
/* clang-format on */

/* Where a model is served, and how. Everything is copied by exo_client_deploy(); the copy of the key is wiped when it
 * is freed. Begin with EXO_DEPLOYMENT_INIT and set base_url. */
typedef struct exo_deployment {
    size_t size; /* sizeof(exo_deployment), set by the macro */
    EXO_DEPLOYMENT_MAP(EXO_OPTION_FIELD)
} exo_deployment;

/* The defaults of a deployment: the clocks' of clock.h, Authorization: Bearer, HTTP/1.1. */
#define EXO_DEPLOYMENT_INIT \
    { \
        sizeof(exo_deployment) EXO_DEPLOYMENT_MAP(EXO_OPTION_DEFAULT) \
    }

/* Deploys `model` (or replaces its deployment for calls that start later). EXO_OK, or EXO_E_URL, EXO_E_HEADER,
 * EXO_E_ARGUMENT, EXO_E_JSON_*, EXO_E_DEPTH_LIMIT, EXO_E_DUPLICATE_KEY and EXO_E_REQUEST (extra_body), EXO_E_NO_MEMORY:
 * exo_client_message() names the field; nothing is changed. */
int exo_client_deploy(exo_client *client, const char *model, const exo_deployment *deployment);

/* Appends `fallback` to the list of `model`: tried in order when an attempt fails in a way that another deployment may
 * cure. Lists are not transitive. Both must be deployed before a call uses them: EXO_E_UNKNOWN_MODEL there.
 * `exo_client_context_fallback()` does the same for the list that is walked when the context window is exceeded.
 * EXO_OK, EXO_E_ARGUMENT (a name is missing) or EXO_E_NO_MEMORY. */
int exo_client_fallback(exo_client *client, const char *model, const char *fallback);
int exo_client_context_fallback(exo_client *client, const char *model, const char *fallback);

/* Sets how often calls for `model` try (copied): retries, backoff, cooldown. EXO_OK, EXO_E_UNKNOWN_MODEL, or
 * EXO_E_ARGUMENT for one that did not begin with its macro. */
int exo_client_policy(exo_client *client, const char *model, const exo_route_policy *policy);

/* The names deployed, in the order in which each was first deployed; NULL when `index` is past the last one. Valid as
 * long as the client. */
const char *exo_client_model(const exo_client *client, size_t index);

/* ------------------------------------------------------------------- calls */

/* One event. Spans are valid until the next call on the client. */
typedef struct exo_event {
    exo_event_type type;
    exo_call *call;
    uint32_t choice;
    uint32_t tool;
    bool last;    /* TEXT, REASONING, REFUSAL, TOOL_ARGUMENTS: ends the string of one delta */
    bool replace; /* TOOL_ARGUMENTS: takes the place of what came before */
    exo_span text;
    exo_span id;
    exo_span name;
    const exo_usage *usage;
    const exo_failure *failure; /* RESTART and END: why, or NULL */
} exo_event;

/* Takes the raw bytes of a 2xx body as they are received, before anything is made of them. It must not call back into
 * the client. */
typedef void (*exo_on_raw)(void *ctx, exo_span bytes);

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
                                                          and END always are. What nobody asked for is not shown: \
                                                          until one of these came (usage apart) a stream that breaks \
                                                          goes on with the next deployment unseen */
/* clang-format on */

/* How one call is made. Begin with EXO_CALL_OPTIONS_INIT. */
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

/* The `user` pointer of exo_call_start(). */
void *exo_call_user(const exo_call *call);

/* Ends a call now (NULL is allowed). No further event comes of it, not even END. Its reply then says EXO_E_CANCELLED,
 * or how the call ended if it had come to its end and only END was not handed out yet. Legal at any time, inside of
 * event handling too. */
void exo_call_cancel(exo_call *call);

/* Takes the reply out of a call that has ended; the caller frees it with exo_reply_free(). NULL until END was handed
 * out or the call was cancelled, and when it was taken before. */
exo_reply *exo_call_reply(exo_call *call);

/* Frees a call; one that runs is cancelled first. NULL is allowed. In a child process after fork() neither this nor
 * exo_call_cancel() does anything: the connection is the parent's. */
void exo_call_free(exo_call *call);

/* Waits until there is an event, at most `timeout` milliseconds (0: does what can be done at once; negative: as long as
 * it takes), and stores it. EXO_EVENT; EXO_OK when the time is up; EXO_IDLE when no call is left that could have one;
 * EXO_E_FORKED. */
int exo_client_next(exo_client *client, int64_t timeout, exo_event *event);

/* The blocking form: starts a call, handles its events, and returns its reply: NULL only where exo_call_start() returns
 * it. `on_text` is given the answer's text (choice 0) as it comes, and nothing else counts as
 * shown; NULL: the call is buffered. Other calls of the same
 * client go on meanwhile, and their events wait. */
exo_reply *exo_chat(exo_client *client, const exo_request *request, void (*on_text)(void *ctx, exo_span text),
                    void *ctx);

/* As exo_chat(), with options and all events. `on_event` may be NULL. It may cancel the call. */
exo_reply *exo_chat_events(exo_client *client, const exo_request *request, const exo_call_options *options,
                           void (*on_event)(void *ctx, const exo_event *event), void *ctx);

/* ------------------------------------------------- the caller's event loop */

/* What is waited for at a socket; a sum of these. */
enum exo_watch {
    EXO_WATCH_NONE = 0,
    EXO_WATCH_READ = 1,
    EXO_WATCH_WRITE = 2
};

/* Hands the sockets to an event loop of the caller's: `watch` is called, inside of calls on the client, whenever what
 * is waited for at a socket changes (a sum of exo_watch; NONE: forget it, it may be closed right after). Changes must
 * be applied at once and in order. Set it while there is no call; exo_client_next() then never waits, and exo_chat()
 * fails with EXO_E_STATE. `watch` NULL: the client waits by itself again. EXO_OK, EXO_E_STATE or EXO_E_NO_MEMORY. */
int exo_client_watch(exo_client *client, void (*watch)(void *ctx, int socket, int what), void *ctx);

/* Says that a watched socket is ready (a sum of exo_watch; on an error or hang-up, both). Then take the events with
 * exo_client_next(client, 0, …) until it returns EXO_OK or EXO_IDLE. EXO_OK or EXO_E_FORKED. */
int exo_client_ready(exo_client *client, int socket, int what);

/* Milliseconds until exo_client_next() must be called even if no socket is ready; 0: now; -1: no time limit. */
int64_t exo_client_timeout(exo_client *client);

/* ------------------------------------------------------------------- reply */

/* The reply owns everything it hands out, until it is freed. */

/* Why the call failed, or NULL: it succeeded, the answer is complete. */
const exo_failure *exo_reply_failure(const exo_reply *reply);

/* The answer of `choice`, or NULL when there is none. After a failure it holds what had come of the last attempt: never
 * to be taken for an answer. See answer.h for what to ask of it. */
exo_answer *exo_reply_answer(const exo_reply *reply, uint32_t choice);

/* The trail: how many attempts, and each of them (NULL past the last); its texts are the reply's. */
size_t exo_reply_attempts(const exo_reply *reply);
const exo_trail_entry *exo_reply_attempt(const exo_reply *reply, size_t index);

/* The name of the deployment that answered, or of the last one that was tried; "" when none was. */
const char *exo_reply_deployment(const exo_reply *reply);

/* Milliseconds from the start of the call to its end. */
int64_t exo_reply_milliseconds(const exo_reply *reply);

/* Frees a reply. NULL is allowed. */
void exo_reply_free(exo_reply *reply);

/* ------------------------------------------------------------ what is sent */

/* Writes the body that a call would send for `model` (NULL: the request's) through `write`, in pieces, without
 * connecting anywhere. `write` returns false to stop. EXO_OK, or what the call would fail with; exo_client_message()
 * says more. */
int exo_client_body(exo_client *client, const exo_request *request, const char *model,
                    bool (*write)(void *ctx, exo_span bytes), void *ctx);

/* ------------------------------------------------- questions about an endpoint */

/* Asks the endpoint of the deployment `model` which models it serves (GET {base_url}/models, with that deployment's
 * clocks) and gives each id to `each`, in the endpoint's order. EXO_OK, or an error: `*failure` says more. Blocks;
 * other calls of the client stand still meanwhile. */
int exo_client_models(exo_client *client, const char *model, void (*each)(void *ctx, exo_span id), void *ctx,
                      exo_failure *failure);

/* Connects to the host of the deployment `model`, sends nothing, and gives the root certificate with which the
 * connection was verified, in PEM, to `pem`, once. EXO_OK; EXO_E_URL for a base_url that is not https; EXO_E_STATE
 * where the TLS session cannot be seen: libcurl has another TLS library than OpenSSL, or this library was built without
 * it; otherwise an error: `*failure` says more. Blocks as exo_client_models() does. */
int exo_client_root(exo_client *client, const char *model, void (*pem)(void *ctx, exo_span pem), void *ctx,
                    exo_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
