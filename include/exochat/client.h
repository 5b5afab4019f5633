/*
 * client.h: the hosted library, over libcurl: a client, its deployments, and the events of its calls. It takes in
 * deployment.h, call.h and reply.h.
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
 * Threads: one client is used by one thread at a time; different clients by different threads. Any thread, and any
 * signal handler, may call exo_client_wakeup(). No callback of the library runs at any other time than inside a call of
 * the program's.
 *
 * fork(): a client and its calls are of no use in a child process, whose sockets are the parent's too, and say so: what
 * returns a code returns EXO_E_FORKED, what returns a pointer NULL, all else does nothing. So does what was under way
 * when a hook (a log, a source, a watch) called fork(): the child says and hears nothing over the parent's connections,
 * whose descriptors may be /dev/null there. exo_chat() that is under way
 * when a handler calls fork() returns NULL in the child, and goes on in the parent. A child may make clients of its
 * own. What is known of it comes from pthread_atfork(): a child made by other means (vfork(), clone()) may do nothing
 * but exec.
 *
 * NULL is no client, call or reply: what returns a code says EXO_E_ARGUMENT, all else has nothing to say.
 */
#ifndef EXOCHAT_CLIENT_H
#define EXOCHAT_CLIENT_H

#include "exochat/bounds.h"
#include "exochat/call.h"
#include "exochat/deployment.h"
#include "exochat/limits.h"
#include "exochat/options.h"
#include "exochat/request.h"
#include "exochat/route.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library: MAJOR.MINOR.PATCH. 0.x promises no stable ABI. */
#define EXO_VERSION "0.5.0"

/* ------------------------------------------------------------------ client */

/* One line of a log; see log.h. */
typedef struct exo_record exo_record;

/* Takes one line of a log; see log.h. It must not call back into the client. */
typedef void (*exo_on_record)(void *ctx, const exo_record *record);

/* X(type, field, default): the fields of exo_client_options. */
/* clang-format off */
#define EXO_CLIENT_OPTIONS_MAP(X) \
    X(const exo_limits *, limits, NULL) /* NULL: exo_limits_host(); each must be 1 to its maximum (limits.h) */ \
    X(exo_on_record, log, NULL)         /* is given one record for each attempt and each call; NULL: nobody is */ \
    X(void *, log_ctx, NULL) \
    X(long, log_bodies, 0)              /* 0: records carry no message text; n > 0: up to n bytes of it */ \
    X(const exo_bounds *, bounds, NULL) /* NULL: EXO_BOUNDS_INIT; see exo_client_bounds() */ \
    X(int *, error, NULL)               /* where exo_client_new() stores why it fails, or EXO_OK; NULL: nowhere */ \
    X(char *, message, NULL)            /* where it says so in words, or "": of message_size bytes, always ended by \
                                           NUL; NULL: nowhere */ \
    X(size_t, message_size, 0) \
    X(int64_t, turn_bytes, 262144)      /* how many bytes of bodies are sized, sent or read before \
                                           exo_client_next(client, 0, …) returns EXO_OK though there is more to do, \
                                           so that the caller's event loop gets its turn; exo_client_timeout() is 0 \
                                           then; 0: no bound */
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

/* A client; `options` may be NULL. libcurl is initialised with the first one and never torn down. Free it with
 * exo_client_free(). NULL where it fails; `options->error` and `options->message` say why: EXO_E_ARGUMENT (a limit is 0
 * or above its maximum, a bound is none, or a number is negative, which is named; or the options are larger than this
 * library's), EXO_E_LOCAL (no more descriptors, or libcurl cannot be used), EXO_E_NO_MEMORY. Where the options did not
 * begin with their macro, nothing is stored. */
exo_client *exo_client_new(const exo_client_options *options);

/* Ends all calls of the client without further events and frees them, closes its connections and frees it, with its
 * keys wiped. Replies already taken stay valid. NULL is allowed. In a child process after fork() it frees nothing but
 * is harmless. */
void exo_client_free(exo_client *client);

/* What the last failed call on the client was about, in words that name the field and what was expected; "" if nothing.
 * Valid until the next call on the client. In a child process after fork(), and for NULL, it says that. */
const char *exo_client_message(const exo_client *client);

/* ------------------------------------------------------------- deployments */

/* Deploys `model` (or replaces its deployment for calls that start later). EXO_OK, or EXO_E_URL, EXO_E_HEADER,
 * EXO_E_ARGUMENT, EXO_E_JSON_*, EXO_E_DEPTH_LIMIT, EXO_E_DUPLICATE_KEY and EXO_E_REQUEST (extra_body), EXO_E_NO_MEMORY:
 * exo_client_message() names the field; nothing is changed. */
int exo_client_deploy(exo_client *client, const char *model, const exo_deployment *deployment);

/* Takes away all that was said of `model`: its deployment, its lists and its policy. Calls under way go on with what
 * they hold. The lists of others still name it: their calls end with EXO_E_UNKNOWN_MODEL until it is deployed again or
 * their lists are set anew. EXO_OK, or EXO_E_UNKNOWN_MODEL: nothing is known of it. */
int exo_client_remove(exo_client *client, const char *model);

/* Appends `fallback` to the list of `model`: tried in order when an attempt fails in a way that another deployment may
 * cure. Lists are not transitive. Both must be deployed before a call uses them: EXO_E_UNKNOWN_MODEL there.
 * `exo_client_context_fallback()` does the same for the list that is walked when the context window is exceeded.
 * EXO_OK, EXO_E_ARGUMENT (a name is missing) or EXO_E_NO_MEMORY. */
int exo_client_fallback(exo_client *client, const char *model, const char *fallback);
int exo_client_context_fallback(exo_client *client, const char *model, const char *fallback);

/* Sets a whole list, in place of the one that `model` had: `count` names (copied; 0: none). Calls under way go on with
 * the one that they began with. EXO_OK; EXO_E_ARGUMENT (a name is missing) or EXO_E_NO_MEMORY: nothing is changed. */
int exo_client_fallbacks(exo_client *client, const char *model, const char *const *fallbacks, size_t count);
int exo_client_context_fallbacks(exo_client *client, const char *model, const char *const *fallbacks, size_t count);

/* Sets how often calls for `model` try (copied): retries, backoff, cooldown. EXO_OK, EXO_E_UNKNOWN_MODEL, or
 * EXO_E_ARGUMENT for one that did not begin with its macro, or has a time that is negative or more than a day, which
 * exo_client_message() names: nothing is changed. */
int exo_client_policy(exo_client *client, const char *model, const exo_route_policy *policy);

/* The names deployed, in the order in which each was first deployed since it was removed last; NULL when `index` is
 * past the last one. Valid until that model is removed. */
const char *exo_client_model(const exo_client *client, size_t index);

/* What is deployed as `model`, for who looks at it: a copy, to be freed with exo_deployment_free(). It gives no secret
 * away: api_key is NULL, and "***" stands in the place of the values of headers, of the values in base_url's query and
 * of proxy's userinfo. NULL when there is no such deployment, or no memory. */
exo_deployment *exo_client_deployment_of(const exo_client *client, const char *model);

/* The lists of `model`, in order; NULL when `index` is past the last name, or nothing is known of it. Valid until the
 * list is changed or the model removed. */
const char *exo_client_fallback_of(const exo_client *client, const char *model, size_t index);
const char *exo_client_context_fallback_of(const exo_client *client, const char *model, size_t index);

/* The policy of `model`; NULL when it is not deployed. Valid until it is removed. */
const exo_route_policy *exo_client_policy_of(const exo_client *client, const char *model);

/* -------------------------------------------------------------- connections */

/* Bounds the connections and look-ups of the client (bounds.h; copied), from here on and at any time: who waits and may
 * go on does, what is under way stays. EXO_OK; EXO_E_ARGUMENT for a bound of 0 that must be 1 at least, or for one that
 * did not begin with its macro: exo_client_message() names it, and nothing is changed; EXO_E_FORKED. What an endpoint
 * is asked with exo_client_models() or exo_client_root() has a connection of its own, beside these. */
int exo_client_bounds(exo_client *client, const exo_bounds *bounds);

/* The bounds of the client. Valid as long as the client; what they are changes with exo_client_bounds(). NULL for NULL
 * and in a child process after fork(). */
const exo_bounds *exo_client_bounds_of(const exo_client *client);

/* ------------------------------------------------------------------ events */

/* Waits until there is an event, at most `timeout` milliseconds (0: does what can be done at once, up to
 * options.turn_bytes; negative: as long as it takes), and stores it. EXO_EVENT; EXO_OK when the time is up, or somebody
 * called exo_client_wakeup(); EXO_IDLE when no call is left that could have one; EXO_E_ARGUMENT for NULL; EXO_E_FORKED.
 *
 * Calls that have something to say have turns, an event each; after each round of them the network is served, so that
 * what comes for a call is handed out one round later at the latest, however much there is for others. A consumer that
 * takes its time over an event holds up nobody's clocks but those of that event's call, and ends nobody's call: clocks
 * are judged when the sockets were looked at. */
int exo_client_next(exo_client *client, int64_t timeout, exo_event *event);

/* Ends the wait in exo_client_next(), now or, where nobody waits, the next time: it returns EXO_OK once there is no
 * event to hand out. Makes exo_client_fd() readable. Legal for any thread at any time, and in a signal handler, as long
 * as the client is there; several before anybody looks are one. A wait of exo_chat() goes on; the exo_client_next()
 * behind it returns. Does nothing for NULL and in a child process after fork(). */
void exo_client_wakeup(exo_client *client);

/* ------------------------------------------------- the caller's event loop */

/* There are two ways. The simple one is a single descriptor, exo_client_fd(): wait until it is readable, at most
 * exo_client_timeout() milliseconds, then take all events with exo_client_next(client, 0, …) until it returns EXO_OK or
 * EXO_IDLE, and wait again. With asyncio that is loop.add_reader(fd, take) and loop.call_later(timeout / 1000, take),
 * set anew by each take(); a timeout of 0 is due at once and -1 is none. Ask for the timeout after every call on the
 * client: a call that starts is due now. The other way hands over every socket: exo_client_watch(). */

/* A descriptor that is readable whenever a socket of the client's is ready or exo_client_wakeup() was called: an epoll
 * or a kqueue of its own, to be waited for with poll(), select(), epoll or kqueue. It is level-triggered: it stays
 * readable until exo_client_next() has taken what there was, so wait for it that way too, and never read, change or
 * close it. The same one as long as the client. -1 where the system has neither (use exo_client_watch()), for NULL, and
 * in a child process after fork(). */
int exo_client_fd(const exo_client *client);

/* What is waited for at a socket; a sum of these. */
enum exo_watch {
    EXO_WATCH_NONE = 0,
    EXO_WATCH_READ = 1,
    EXO_WATCH_WRITE = 2
};

/* Hands the sockets to an event loop of the caller's: `watch` is called, inside of calls on the client, whenever what
 * is waited for at a socket changes (a sum of exo_watch; NONE: forget it, it is closed within the same call if at all).
 * Changes must be applied at once and in order. exo_client_wakeup() makes none of them ready: who needs it waits for
 * exo_client_fd() too. Set it while there is no call; exo_client_next() then never waits, and exo_chat() fails with
 * EXO_E_STATE. `watch` NULL: the client waits by itself again, which cannot fail. EXO_OK; EXO_E_STATE while there are
 * calls or a connection is drained (250 ms at most, while events are taken), nothing is changed; EXO_E_ARGUMENT for a
 * NULL client; EXO_E_FORKED. */
int exo_client_watch(exo_client *client, void (*watch)(void *ctx, int socket, int what), void *ctx);

/* Says that a watched socket is ready (a sum of exo_watch; on an error or hang-up, both). Then take the events with
 * exo_client_next(client, 0, …) until it returns EXO_OK or EXO_IDLE. EXO_OK, EXO_E_ARGUMENT or EXO_E_FORKED. */
int exo_client_ready(exo_client *client, int socket, int what);

/* Milliseconds until exo_client_next() must be called even if no socket is ready; 0: now; -1: no time limit. For NULL
 * and in a child process after fork() 0: exo_client_next() says why. */
int64_t exo_client_timeout(exo_client *client);

/* ------------------------------------------------------------ what is sent */

/* Writes the body that a call would send for `model` (NULL: the request's) through `write`, in pieces, without
 * connecting anywhere. `write` returns false to stop. EXO_OK, EXO_E_ARGUMENT where one of the two is missing, or what
 * the call would fail with; exo_client_message() says more. */
int exo_client_body(exo_client *client, const exo_request *request, const char *model,
                    bool (*write)(void *ctx, exo_span bytes), void *ctx);

/* As exo_client_body(), for what exo_call_start_value() would send with these options (may be NULL), of which model,
 * files, file_root and defaults count. */
int exo_client_body_value(exo_client *client, const exo_cursor *request, const exo_call_options *options,
                          bool (*write)(void *ctx, exo_span bytes), void *ctx);

/* ------------------------------------------------- questions about an endpoint */

/* Asks the endpoint of the deployment `model` which models it serves (GET {base_url}/models, with that deployment's
 * clocks; every byte that comes is progress) and gives each id to `each` (may be NULL), in the endpoint's order, as
 * often as it lists it: of {"data": [{"id": …} …]}, of the array alone, or of "models" in place of "data" and "name" or
 * "model" in place of "id". The list is read to its end before the first id is given: one that is cut, or holds
 * anything but models, is an error, and nothing of it is given. Of an endpoint that divides its list, that is the first
 * part. EXO_OK, or an error: `*failure` (may be NULL) says more, the response's status, request id and Retry-After too.
 * EXO_E_NOT_A_STREAM: the answer is no list of models; EXO_E_JSON_*: it cannot be read; EXO_E_EVENT_LIMIT and
 * EXO_E_NAME_LIMIT: it, or an id, is longer than limits allow. Blocks; other calls of the client stand still meanwhile.
 */
int exo_client_models(exo_client *client, const char *model, void (*each)(void *ctx, exo_span id), void *ctx,
                      exo_failure *failure);

/* Connects to the host of the deployment `model`, sends nothing, and gives the root certificate with which the
 * connection was verified, in PEM, to `pem`, once. EXO_OK; EXO_E_URL for a base_url that is not https; EXO_E_STATE
 * where the TLS session cannot be seen: libcurl has another TLS library than OpenSSL, or this library was built without
 * it; otherwise an error: `*failure` (may be NULL) says more. Blocks as exo_client_models() does. */
int exo_client_root(exo_client *client, const char *model, void (*pem)(void *ctx, exo_span pem), void *ctx,
                    exo_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
