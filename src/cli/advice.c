/*
 * advice.c: see advice.h. What depends on the code alone is a table; what needs a look at the address, at the key or at
 * what was said has a function each. Memory: the caller's words, and the nearest names of a list of models.
 */
#include "advice.h"

#include "address.h"
#include "interrupt.h"
#include "nearest.h"
#include "secret.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A failure and what is known of who it is from. */
typedef struct question {
    const cli_setup *setup;
    const exo_failure *failure;
    const char *name;
    const char *url; /* "": not known */
    const exo_deployment *deployment;
    bool keyed; /* a key was there to be sent */
    bool shown; /* what was printed of the answer keeps the call from another attempt */
    char *words;
} question;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
advise(const question *q, const char *format, ...)
{
    size_t len = strlen(q->words);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(q->words + len, ADVICE_MAX - len, format, arguments);
    va_end(arguments);
}

static bool advice_said(const question *q, const char *words)
{
    return strstr(q->failure->message, words) != NULL;
}

/* ---- the address ---- */

/* Whether a part of the path is a version, such as v1. */
static bool advice_has_version(exo_span path)
{
    for (size_t i = 0; i + 2 < path.len; i++) {
        if (path.ptr[i] == '/' && path.ptr[i + 1] == 'v' && path.ptr[i + 2] >= '0' && path.ptr[i + 2] <= '9') {
            return true;
        }
    }
    return strstr(path.ptr, "/deployments/") != NULL; /* Azure's version is in the query */
}

/* What --base-url is called here. */
static const char *advice_address(const question *q)
{
    return q->setup->config ? "base_url" : q->setup->options->base_url ? "--base-url" : "OPENAI_BASE_URL";
}

/* The address with a version behind it, as most endpoints have one. */
static bool advise_on_version(const question *q)
{
    char host[200];
    exo_span path = address_path(q->url);
    if (*q->url == '\0' || advice_has_version(path)) {
        return false;
    }
    address_show_host(q->url, host, sizeof host);
    bool whole = path.len >= 17 && memcmp(path.ptr + path.len - 17, "/chat/completions", 17) == 0;
    advise(q, "most endpoints want a version in their address: %s %s%.*s/v1", advice_address(q), host,
           (int)(whole ? path.len - 17 : path.len), path.ptr);
    return true;
}

/* The same address with the other scheme. */
static void advise_on_scheme(const question *q, const char *why)
{
    char shown[200];
    address_show(q->url, shown, sizeof shown);
    const char *rest = strstr(shown, "://");
    advise(q, "%s: %s %s%s", why, advice_address(q), address_is_secure(q->url) ? "http" : "https", rest ? rest : "");
}

static bool advice_has_own_port(const char *url)
{
    const char *host = strstr(url, "://");
    return host && strcspn(host + 3, ":") < strcspn(host + 3, "/?#");
}

static void advise_on_tls(const question *q)
{
    if (advice_said(q, "wrong version number") || advice_said(q, "packet length too long") ||
        advice_said(q, "unexpected message") || advice_said(q, "http request")) {
        advise_on_scheme(q, "no TLS is spoken there; for plain http");
    } else if (advice_said(q,
                           "setting certificate")) { /* "error setting certificate file: …", "… verify locations …" */
        advise(q, "the certificates to trust are to be in PEM, in a file or folder that can be read: check %s",
               q->setup->options->ca ? "--ca" : "ca_file and ca_dir in the configuration");
    } else if (advice_said(q, "certificate") || advice_said(q, "self")) {
        advise(q,
               "--ca FILE (ca_file in a configuration) trusts a certificate that the system does not; it must be for "
               "this host and of today, by this machine's clock");
    } else if (advice_has_own_port(q->url)) {
        advise_on_scheme(q, "is it TLS that is spoken on that port? For plain http");
    } else {
        advise(q, "check the address, the CA file and this machine's clock");
    }
}

/* A server that expected TLS answers plain http with nothing, with an alert, or with words. */
static bool advise_on_plain(const question *q)
{
    if (*q->url == '\0' || address_is_secure(q->url)) {
        return false;
    }
    advise_on_scheme(q, "is it TLS that is spoken on that port? Then");
    return true;
}

/* Where the proxy is named that is asked for this address, or NULL: there is none, or nobody can tell. */
static const char *advice_proxy(const question *q)
{
    static const char *const variables[] = {"all_proxy", "ALL_PROXY", "http_proxy", "https_proxy", "HTTPS_PROXY"};
    const bool secure = address_is_secure(q->url);
    const char *given = q->setup->options->proxy;
    if (given) {
        return *given ? "--proxy" : NULL;
    }
    if (q->deployment && q->deployment->proxy) {
        return *q->deployment->proxy ? "proxy in the configuration" : NULL;
    }
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value && (i < 2 || secure == (i > 2))) {
            return variables[i];
        }
    }
    return NULL;
}

static void advise_on_proxy(const question *q)
{
    const char *proxy = advice_proxy(q);
    if (proxy) {
        advise(q, "check the proxy of %s: its address, user and password%s", proxy,
               q->setup->options->proxy ? "" : "; --proxy '' does without");
    } else {
        advise(q, "check the proxy");
    }
}

/* Whether libcurl's words are about a connection to the endpoint itself, as no_proxy may have it; where it goes through
 * a proxy they name that one, or both. */
static bool advice_is_direct(const question *q)
{
    char words[300];
    exo_span host = address_host(q->url);
    if (host.len > 2 && *host.ptr == '[') {
        host = exo_span_of(host.ptr + 1, host.len - 2);
    }
    const char *behind = host.len > 0 ? host.ptr + host.len + (host.ptr[host.len] == ']') : "";
    const char *port = *behind == ':' ? behind + 1 : address_is_secure(q->url) ? "443" : "80";
    snprintf(words, sizeof words, " %.*s port %.*s ", (int)host.len, host.ptr, (int)strspn(port, "0123456789"), port);
    return advice_said(q, words) && !advice_said(q, " via ");
}

static void advise_on_name(const question *q)
{
    exo_span host = address_host(q->url);
    advise(q, "is %.*s spelled as it should be, and does this machine have a network and a name server?", (int)host.len,
           host.ptr);
}

static void advise_on_connection(const question *q)
{
    char host[200];
    const char *proxy = advice_is_direct(q) ? NULL : advice_proxy(q);
    address_show_host(q->url, host, sizeof host);
    if (proxy) {
        advise(q, "it is the proxy that takes no connection: %s is asked through the proxy of %s%s", host, proxy,
               q->setup->options->proxy ? "" : ", --proxy '' does without");
    } else {
        advise(q, "is the server running, and does it listen on %s? A firewall may be between", host);
    }
}

/* ---- the key ---- */

static bool advice_is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value != '\0';
}

static void advise_on_key(const question *q)
{
    exo_span host = address_host(q->url);
    const cli_setup *setup = q->setup;
    const cli_options *o = setup->options;
    if (!q->keyed && setup->config) {
        advise(q, "give models.%s a key in %s: api_key_env: NAME", q->name, setup->path);
    } else if (!q->keyed && o->base_url) {
        advise(q, "--api-key-env NAME sends the key in that variable, --api-key-file FILE the one in a file%s",
               advice_is_set("OPENAI_API_KEY") ? "; OPENAI_API_KEY is set, and sent nowhere unless it is named" : "");
    } else if (!q->keyed) {
        advise(q, "set OPENAI_API_KEY");
    } else if (setup->config) {
        advise(q, "check the key of models.%s in %s, and that it is one for %.*s", q->name, setup->path, (int)host.len,
               host.ptr);
    } else {
        advise(q, "check the key in %s, and that it is one for %.*s",
               o->api_key_file ? "--api-key-file" : secret_variable(setup->key.variable), (int)host.len, host.ptr);
    }
}

/* ---- clocks ---- */

static int64_t advice_clock(const question *q, exo_clock clock)
{
    const cli_options *o = q->setup->options;
    exo_deployment usual = EXO_DEPLOYMENT_INIT;
    const exo_deployment *d = q->deployment ? q->deployment : &usual;
    if (o->clocks[clock] != NOT_GIVEN) {
        return o->clocks[clock];
    }
    switch (clock) {
    case EXO_CLOCK_CONNECT:
        return d->connect_timeout;
    case EXO_CLOCK_FIRST_EVENT:
        return d->stream_ttft_timeout;
    case EXO_CLOCK_IDLE:
        return d->request_timeout;
    default:
        return 0;
    }
}

static const char *advice_field(exo_clock clock)
{
    static const char *const fields[] = {"",
#define EXO_X(clock_, code, field, owner, standard, phases, word) #field,
                                         EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
    };
    return fields[clock];
}

static void advise_on_clock(const question *q, exo_clock clock)
{
    int64_t limit = advice_clock(q, clock);
    if (clock == EXO_CLOCK_CONNECT && *q->url && address_is_secure(q->url) && advice_has_own_port(q->url)) {
        advise_on_scheme(q, "if it is not TLS that is spoken on that port");
        advise(q, "; ");
    }
    if (limit > 0) {
        advise(q, "it is %g s now; ", (double)limit / 1000);
    } else if (limit == EXO_CLOCK_AUTO) {
        advise(q, "it is auto now: 15 s while another endpoint is left to try; ");
    }
    advise(q, "--%s 5m waits longer, 0 without end", option_of_clock(clock));
    if (q->setup->config) {
        advise(q, ", as %s in %s does", advice_field(clock), q->setup->path);
    }
}

/* ---- the model ---- */

/* The names that an endpoint lists, of which the first few are shown. */
typedef struct listed {
    exo_span wanted;
    char nearest[128];
    size_t steps;
    char shown[400];
    size_t count;
    size_t shown_count;
} listed;

static void advice_keep_id(void *ctx, exo_span id)
{
    listed *list = ctx;
    size_t len = strlen(list->shown);
    size_t steps = nearest_steps(list->wanted, id);
    list->count++;
    if (steps < list->steps && steps <= (id.len + 1) / 3 && id.len < sizeof list->nearest) {
        list->steps = steps;
        memcpy(list->nearest, id.ptr, id.len);
        list->nearest[id.len] = '\0';
    }
    if (len + id.len + 3 < sizeof list->shown && list->shown_count < 8) {
        snprintf(list->shown + len, sizeof list->shown - len, "%s%.*s", len > 0 ? ", " : "", (int)id.len, id.ptr);
        list->shown_count++;
    }
}

/* Asks the endpoint for its models, with short clocks: under a name of its own. False: it has no list. */
static bool advice_list(const question *q, listed *list)
{
    static const char name[] = "exochat's question for the models";
    exo_failure failure;
    exo_deployment copy = EXO_DEPLOYMENT_INIT;
    if (q->deployment) {
        copy = *q->deployment;
    }
    setup_override(&copy, q->setup->options);
    copy.base_url = q->url;
    copy.api_key = q->deployment ? copy.api_key : q->setup->key.text;
    copy.connect_timeout = copy.request_timeout = 3000;
    return !interrupted() && exo_client_deploy(q->setup->client, name, &copy) == EXO_OK &&
           exo_client_models(q->setup->client, name, advice_keep_id, list, &failure) == EXO_OK && list->count > 0;
}

/* What the endpoint calls the model. */
static const char *advice_model(const question *q)
{
    return q->deployment && q->deployment->model ? q->deployment->model : q->name;
}

static void advise_on_model(const question *q)
{
    listed list;
    memset(&list, 0, sizeof list);
    list.steps = SIZE_MAX;
    list.wanted = exo_span_text(advice_model(q));
    if (!advice_list(q, &list)) {
        advise(q, "check the name of the model; exochat models --remote asks the endpoint which it has");
        return;
    }
    if (list.nearest[0] != '\0' && list.steps > 0) {
        advise(q, "did you mean %s? ", list.nearest);
    }
    advise(q, "The endpoint has %s", list.shown);
    if (list.count > list.shown_count) {
        advise(q, " and %zu more, which exochat models --remote lists", list.count - list.shown_count);
    }
}

static bool advice_is_about_model(const question *q)
{
    static const char *const words[] = {"not found",     "not exist",     "not a valid model",
                                        "invalid model", "no such model", "unknown model",
                                        "Unknown model", "Invalid model", "not supported"};
    if (strcmp(q->failure->provider_code, "model_not_found") == 0) {
        return true;
    }
    bool about = advice_said(q, "model") || advice_said(q, "Model");
    for (size_t i = 0; about && i < sizeof words / sizeof words[0]; i++) {
        if (advice_said(q, words[i])) {
            return true;
        }
    }
    return false;
}

/* ---- what the endpoint said ---- */

static void advise_on_status(const question *q)
{
    const unsigned status = q->failure->status;
    if (advice_said(q, "HTTP request") && advice_said(q, "HTTPS")) {
        advise_on_scheme(q, "TLS is spoken on that port");
    } else if (advice_is_about_model(q)) {
        advise_on_model(q);
    } else if ((status == 404 || status == 405) && advise_on_version(q)) {
        return;
    } else if (status == 404 || status == 405) {
        advise(q, "check the address (%s): /chat/completions is asked for below it; and the name of the model",
               advice_address(q));
    } else if (status == 413) {
        advise(q, "the request is too large for this endpoint: attach less");
    } else {
        advise(q, "the endpoint says what it does not like; --dry-run prints the request's body, -o KEY=VALUE sets its "
                  "parameters");
    }
}

/* Whether --retries would try this failure again, and does not do so already. */
static bool advice_can_retry(const question *q)
{
    const exo_route_policy *policy = q->setup->asked ? exo_client_policy_of(q->setup->client, q->setup->asked) : NULL;
    return policy && policy->retries == 0 && q->failure->verdict == EXO_RETRY &&
           q->failure->retry_after <= policy->retry_after_max;
}

static void advise_again(const question *q)
{
    advise(q, "try again");
    if (q->setup->options->command == COMMAND_CHAT) {
        advise(q, "; %s--fallback NAME asks another model%s",
               advice_can_retry(q) ? "--retries 2 does so by itself, " : "",
               q->shown ? "; behind text that was printed that takes --restart or --no-stream" : "");
    }
}

static void advise_on_end(const question *q)
{
    advise_again(q);
    advise(q, "; lenient_end in a configuration accepts a server that never ends properly");
}

static void advise_on_rate(const question *q)
{
    if (q->failure->retry_after >= 0) {
        advise(q, "wait for %" PRId64 " s; ", (q->failure->retry_after + 999) / 1000);
    }
    advise_again(q);
}

static void advise_on_stream(const question *q)
{
    if (!advise_on_version(q)) {
        advise(q, "check the address (%s): what came is no answer of a model, but a page or other JSON",
               advice_address(q));
    }
}

static void advise_on_head(const question *q)
{
    if (advise_on_plain(q)) {
        advise(q, "; or ");
    }
    advise(q, "check the address (%s): this is no HTTP server", advice_address(q));
}

static void advise_on_close(const question *q)
{
    if (advise_on_plain(q)) {
        advise(q, "; or ");
    }
    advise_again(q);
}

static void advise_on_reset(const question *q)
{
    if (advise_on_plain(q)) {
        advise(q, "; or ");
    }
    advise(q, "the request may be too large for the server: attach less, or try again");
}

/* The address of which the library says that it is led to, without what is appended to it. False: it says none. */
static bool advise_on_target(const question *q)
{
    static const char leads[] = "it leads to http";
    static const char tail[] = "/chat/completions";
    const char *to = strncmp(q->failure->message, leads, sizeof leads - 1) == 0 ? q->failure->message + 12 : "";
    size_t len = strlen(to);
    size_t base = len > sizeof tail - 1 ? len - (sizeof tail - 1) : 0;
    if (base == 0 || strcmp(to + base, tail) != 0) {
        return false;
    }
    advise(q, "where that is the endpoint you mean: %s %.*s; a key is never sent on by itself", advice_address(q),
           (int)base, to);
    return true;
}

static void advise_on_redirect(const question *q)
{
    if (advise_on_target(q)) {
        return;
    }
    if (*q->url && !address_is_secure(q->url)) {
        advise_on_scheme(q, "the server sends plain http elsewhere, most likely to https");
    } else if (!advise_on_version(q)) {
        advise(q, "give the final address to %s; a key is never sent on to another one", advice_address(q));
    }
}

/* ---- the table ---- */

#define BUILT_IN "the limit is built in; try another model, or ask for less"

/* What is to be done about a code: words, or a function that writes them. */
typedef struct advice {
    int code;
    const char *words;
    void (*write)(const question *q);
} advice;

static const advice rows[] = {
    {EXO_E_CANCELLED, "", NULL},
    {EXO_E_SOURCE_ONCE, "what comes from a pipe can be sent once: put it into a file first", NULL},
    {EXO_E_SOURCE_READ, "check the file that was attached or named", NULL},
    {EXO_E_FILE_REFUSED, "--allow-files DIR lets --messages name files below DIR; -a attaches one", NULL},
    {EXO_E_HEAD, NULL, advise_on_head},
    {EXO_E_TRUNCATED, NULL, advise_on_end},
    {EXO_E_EMPTY_STREAM, NULL, advise_again},
    {EXO_E_NOT_A_STREAM, NULL, advise_on_stream},
    {EXO_E_MALFORMED, NULL, advise_again},
    {EXO_E_BODY_CUT, NULL, advise_again},
    {EXO_E_CHUNK, NULL, advise_again},
    {EXO_E_CUT_CALL, "-o max_tokens=N with a larger N, or another model", NULL},
    {EXO_E_EVENT_LIMIT, BUILT_IN, NULL},
    {EXO_E_ANSWER_LIMIT, BUILT_IN, NULL},
    {EXO_E_CALLS_LIMIT, BUILT_IN, NULL},
    {EXO_E_ARGUMENTS_LIMIT, BUILT_IN, NULL},
    {EXO_E_HEAD_LIMIT, BUILT_IN, NULL},
    {EXO_E_HEADERS_LIMIT, BUILT_IN, NULL},
    {EXO_E_NAME_LIMIT, BUILT_IN, NULL},
    {EXO_E_CONSUMER_LIMIT, "read faster, or do without --http2", NULL},
    {EXO_E_LOCAL, "close something, or raise the limits of this process (ulimit -n)", NULL},
    {EXO_E_RESOLVE, NULL, advise_on_name},
    {EXO_E_CONNECT, NULL, advise_on_connection},
    {EXO_E_TLS, NULL, advise_on_tls},
    {EXO_E_PROXY, NULL, advise_on_proxy},
    {EXO_E_SEND, NULL, advise_on_close},
    {EXO_E_RECEIVE, NULL, advise_again},
    {EXO_E_CLOSED, NULL, advise_on_close},
    {EXO_E_RESET_IN_UPLOAD, NULL, advise_on_reset},
    {EXO_E_STATUS, NULL, advise_on_status},
    {EXO_E_SERVER, NULL, advise_again},
    {EXO_E_RATE_LIMIT, NULL, advise_on_rate},
    {EXO_E_QUOTA, "top up the account, or --fallback NAME asks another model", NULL},
    {EXO_E_AUTH, NULL, advise_on_key},
    {EXO_E_CONTEXT_WINDOW,
     "shorten the prompt, the messages or what is attached; context_fallbacks in a configuration names larger models",
     NULL},
    {EXO_E_CONTENT_FILTER, "change the prompt or the messages", NULL},
    {EXO_E_REDIRECT, NULL, advise_on_redirect},
    {EXO_E_IN_STREAM, NULL, advise_again},
    {EXO_E_FINISH, NULL, advise_again},
    {EXO_E_BLOCKED,
     "something in front of the endpoint refuses this machine: a firewall, or a country that is not served", NULL},
};

static void advice_of_code(const question *q)
{
    const exo_clock clock = exo_clock_of(q->failure->code);
    if (clock != EXO_CLOCK_NONE) {
        advise_on_clock(q, clock);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == q->failure->code) {
            if (rows[i].write) {
                rows[i].write(q);
            } else {
                advise(q, "%s", rows[i].words);
            }
            return;
        }
    }
    advise(q, "%s", exo_error_advice(q->failure->code));
}

void advice_write(const cli_setup *setup, const exo_failure *failure, const char *name, bool shown, char *words)
{
    question q = {setup, failure, name, "", NULL, false, shown, words};
    words[0] = '\0';
    if (setup->config) {
        q.deployment = exo_config_deployment(setup->config, name);
        q.url = q.deployment ? q.deployment->base_url : "";
        q.keyed = q.deployment && q.deployment->api_key;
    } else {
        q.url = setup->base_url;
        q.keyed = setup->key.text != NULL;
    }
    advice_of_code(&q);
}
