/*
 * deployment.c: checks and keeps a deployment. See deployment.h.
 *
 * It makes no connection and knows nothing of calls; what a transport is told of a deployment is the transport's.
 * Memory: the copied options; the key is wiped before it is freed.
 */
#include "deployment.h"

#include "heap.h"
#include "sized.h"
#include "url_words.h"

#include "exochat/json_read.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- copying ---- */

static bool deployment_copy_text(const char **field)
{
    if (*field) {
        *field = exo_heap_copy(*field);
        return *field != NULL;
    }
    return true;
}

static void deployment_free_text(const char *text)
{
    exo_heap_free_secret((char *)text);
}

static bool deployment_copy_texts(const char *const **field, size_t *count)
{
    size_t wanted = *count;
    *count = 0;
    char **copies = calloc(wanted ? wanted : 1, sizeof *copies);
    if (!copies) {
        *field = NULL;
        return false;
    }
    const char *const *from = *field;
    *field = (const char *const *)copies;
    for (size_t i = 0; i < wanted; i++) {
        copies[i] = exo_heap_copy(from[i]);
        if (!copies[i]) {
            return false;
        }
        *count = i + 1;
    }
    return true;
}

static void deployment_free_texts(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        deployment_free_text(texts[i]);
    }
    free((void *)texts);
}

static bool deployment_copy_pairs(const exo_header **field, size_t *count)
{
    size_t wanted = *count;
    *count = 0;
    exo_header *copies = calloc(wanted ? wanted : 1, sizeof *copies);
    if (!copies) {
        *field = NULL;
        return false;
    }
    const exo_header *from = *field;
    *field = copies;
    for (size_t i = 0; i < wanted; i++) {
        *count = i + 1;
        copies[i].name = exo_heap_copy(from[i].name);
        copies[i].value = exo_heap_copy(from[i].value);
        if (!copies[i].name || !copies[i].value) {
            return false;
        }
    }
    return true;
}

static void deployment_free_pairs(const exo_header *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        deployment_free_text(pairs[i].name);
        deployment_free_text(pairs[i].value);
    }
    free((void *)pairs);
}

/* Every text field of exo_deployment that is copied, wiped and checked for control characters in the same way. */
#define TEXT_FIELDS(X) \
    X(base_url) \
    X(api_key) \
    X(auth_header) \
    X(auth_scheme) \
    X(model) \
    X(extra_body) \
    X(ca_file) \
    X(ca_dir) \
    X(client_cert) \
    X(client_key) \
    X(proxy) \
    X(unix_socket)

static void deployment_free(exo_deployment *options)
{
#define X(field) deployment_free_text(options->field);
    TEXT_FIELDS(X)
#undef X
    deployment_free_pairs(options->headers, options->header_count);
    deployment_free_texts(options->drop, options->drop_count);
    deployment_free_pairs(options->rename, options->rename_count);
    deployment_free_texts(options->resolve, options->resolve_count);
    free((void *)options->ca_pem.ptr);
}

/* Copies what the pointers of `options` lead to. False when memory ran out: deployment_free() then frees what was
 * copied.
 */
static bool deployment_copy(exo_deployment *options)
{
    bool copied = true;
#define X(field) copied = deployment_copy_text(&options->field) && copied;
    TEXT_FIELDS(X)
#undef X
    copied = deployment_copy_pairs(&options->headers, &options->header_count) && copied;
    copied = deployment_copy_texts(&options->drop, &options->drop_count) && copied;
    copied = deployment_copy_pairs(&options->rename, &options->rename_count) && copied;
    copied = deployment_copy_texts(&options->resolve, &options->resolve_count) && copied;
    if (options->ca_pem.ptr) {
        options->ca_pem.ptr = exo_heap_copy_span(options->ca_pem);
        copied = options->ca_pem.ptr != NULL && copied;
    }
    return copied;
}

/* ---- checking ---- */

typedef struct complaint {
    int code;
    char *message;
    size_t size;
} complaint;

static bool deployment_complain(complaint *c, int code, const char *field, const char *expected)
{
    c->code = code;
    snprintf(c->message, c->size, "%s: %s", field, expected);
    return false;
}

bool exo_has_control(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return true;
        }
    }
    return false;
}

/* The letter in lower case, whatever the locale. */
static char deployment_lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

bool exo_same_name(const char *a, const char *b)
{
    while (*a && deployment_lower(*a) == deployment_lower(*b)) {
        a++;
        b++;
    }
    return deployment_lower(*a) == deployment_lower(*b);
}

static bool deployment_is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return *text != '\0' && strspn(text, allowed) == strlen(text);
}

/* What a header may not be set to be. */
enum {
    HEADER_FRAMES = 1, /* it says where the message ends, where it goes, or what becomes of the connection */
    HEADER_IS_OURS = 2 /* it is sent anyway: with the key it would stand twice */
};

/* The headers that somebody else than the caller decides about. */
static const struct {
    const char *name;
    unsigned is;
} deployment_reserved[] = {
    {"Content-Length", HEADER_FRAMES},
    {"Transfer-Encoding", HEADER_FRAMES},
    {"Content-Encoding", HEADER_FRAMES},
    {"Content-Range", HEADER_FRAMES},
    {"Host", HEADER_FRAMES},
    {"Connection", HEADER_FRAMES},
    {"Proxy-Connection", HEADER_FRAMES},
    {"Keep-Alive", HEADER_FRAMES},
    {"TE", HEADER_FRAMES},
    {"Trailer", HEADER_FRAMES},
    {"Upgrade", HEADER_FRAMES},
    {"HTTP2-Settings", HEADER_FRAMES},
    {"Expect", HEADER_FRAMES},
    {"Max-Forwards", HEADER_FRAMES},
    {"Proxy-Authorization", HEADER_FRAMES},
    {"Proxy-Authenticate", HEADER_FRAMES},
    {"Content-Type", HEADER_IS_OURS},
    {"Accept", HEADER_IS_OURS},
    {"Accept-Encoding", HEADER_IS_OURS},
    {"User-Agent", HEADER_IS_OURS},
    {"traceparent", HEADER_IS_OURS},
};

const char *exo_header_fault(const char *name, const char *value, bool is_key)
{
    const unsigned refused = is_key ? HEADER_FRAMES | HEADER_IS_OURS : HEADER_FRAMES;
    if (!deployment_is_token(name)) {
        return is_key ? "must be a header's name: letters, digits and -"
                      : "a header's name must be letters, digits and -";
    }
    if (exo_has_control(value)) {
        return "a header's value may not hold CR, LF, NUL or other control characters";
    }
    for (size_t i = 0; i < sizeof deployment_reserved / sizeof deployment_reserved[0]; i++) {
        if ((deployment_reserved[i].is & refused) && exo_same_name(name, deployment_reserved[i].name)) {
            return is_key ? "must be a header that carries nothing but the key, such as Authorization or api-key"
                          : "this header belongs to the transport and cannot be set";
        }
    }
    return NULL;
}

/* Whether a list of `count` has them all, with both names of each. It is looked at before anything is copied. */
static bool deployment_are_pairs(const exo_header *pairs, size_t count)
{
    bool are = pairs || count == 0;
    for (size_t i = 0; are && i < count; i++) {
        are = pairs[i].name && pairs[i].value;
    }
    return are;
}

static bool deployment_are_texts(const char *const *texts, size_t count)
{
    bool are = texts || count == 0;
    for (size_t i = 0; are && i < count; i++) {
        are = texts[i] != NULL;
    }
    return are;
}

static bool deployment_check_lists(const exo_deployment *o, complaint *c)
{
    static const char expected[] = "there must be as many as the count says, and nothing of them may be NULL";
    const char *field = !deployment_are_pairs(o->headers, o->header_count)    ? "headers"
                        : !deployment_are_texts(o->drop, o->drop_count)       ? "drop"
                        : !deployment_are_pairs(o->rename, o->rename_count)   ? "rename"
                        : !deployment_are_texts(o->resolve, o->resolve_count) ? "resolve"
                        : !o->ca_pem.ptr && o->ca_pem.len > 0                 ? "ca_pem"
                                                                              : NULL;
    return !field || deployment_complain(c, EXO_E_ARGUMENT, field, expected);
}

static bool deployment_check_extra_headers(const exo_header *headers, size_t count, complaint *c)
{
    for (size_t i = 0; i < count; i++) {
        const exo_header *header = &headers[i];
        const char *fault = exo_header_fault(header->name, header->value, false);
        if (fault) {
            return deployment_complain(c, EXO_E_HEADER, deployment_is_token(header->name) ? header->name : "headers",
                                       fault);
        }
    }
    return true;
}

bool exo_headers_are_good(const exo_header *headers, size_t count, int *error, char *message, size_t size)
{
    complaint c = {EXO_OK, message, size};
    bool good = deployment_are_pairs(headers, count)
                    ? deployment_check_extra_headers(headers, count, &c)
                    : deployment_complain(&c, EXO_E_ARGUMENT, "headers", "each must have a name and a value");
    *error = c.code;
    return good;
}

static bool deployment_check_headers(const exo_deployment *o, complaint *c)
{
    if (!deployment_check_extra_headers(o->headers, o->header_count, c)) {
        return false;
    }
    const char *fault = o->auth_header ? exo_header_fault(o->auth_header, NULL, true) : NULL;
    return !fault || deployment_complain(c, EXO_E_HEADER, "auth_header", fault);
}

static bool deployment_check_body(const exo_deployment *o, complaint *c)
{
    if (o->extra_body) {
        exo_span text = exo_span_text(o->extra_body);
        size_t at = 0;
        int code = exo_json_check(text, EXO_JSON_DEPTH_MAX, &at);
        if (code < 0) {
            char expected[96];
            snprintf(expected, sizeof expected, "must be a JSON object (%s at byte %zu)", exo_error_text(code), at);
            return deployment_complain(c, code, "extra_body", expected);
        }
        if (*exo_span_trim(text).ptr != '{') {
            return deployment_complain(c, EXO_E_REQUEST, "extra_body", "must be a JSON object");
        }
        code = exo_json_unique(text, &at);
        if (code == EXO_E_DUPLICATE_KEY) {
            char expected[96];
            snprintf(expected, sizeof expected, "no key may stand twice in an object (at byte %zu)", at);
            return deployment_complain(c, code, "extra_body", expected);
        }
        if (code != EXO_OK) {
            return deployment_complain(c, code, "extra_body", exo_error_text(code));
        }
    }
    for (size_t i = 0; i < o->rename_count; i++) {
        if (o->rename[i].name[0] == '\0' || o->rename[i].value[0] == '\0') {
            return deployment_complain(c, EXO_E_ARGUMENT, "rename", "both names must be given");
        }
    }
    return true;
}

/* A clock can be `automatic` that is so unless it is set. */
static bool deployment_check_clock(int64_t milliseconds, bool automatic, const char *field, complaint *c)
{
    if ((automatic && milliseconds == EXO_CLOCK_AUTO) || (milliseconds >= 0 && milliseconds <= INT64_C(86400000))) {
        return true;
    }
    return deployment_complain(c, EXO_E_ARGUMENT, field,
                               automatic ? "must be 0 (off), auto or 1 to 86400000 milliseconds"
                                         : "must be 0 (off) or 1 to 86400000 milliseconds");
}

static bool deployment_check_clocks(const exo_deployment *o, complaint *c)
{
    bool good = true;
#define CHECK_DEPLOYMENT(clock, field) \
    good = good && deployment_check_clock(o->field, EXO_CLOCK_DEFAULT_##clock == EXO_CLOCK_AUTO, #field, c);
#define CHECK_CALL(clock, field)
#define X(clock, code, field, owner, standard, phases, word) CHECK_##owner(clock, field)
    EXO_CLOCK_MAP(X)
#undef X
#undef CHECK_CALL
#undef CHECK_DEPLOYMENT
    return good;
}

/* libcurl would find this out with the first connection, and quote a password in what it says of it. */
static bool deployment_check_proxy(const exo_deployment *o, complaint *c)
{
    int code = o->proxy && o->proxy[0] ? exo_url_check_proxy(o->proxy) : EXO_OK;
    if (code == EXO_E_URL) {
        return deployment_complain(c, EXO_E_ARGUMENT, "proxy",
                                   "must be an http, https, socks4, socks4a, socks5 or socks5h URL");
    }
    return code == EXO_OK || deployment_complain(c, code, "proxy", "out of memory");
}

/* Whether `len` bytes of `text` are an address of IPv4 or IPv6, the latter with or without brackets. */
static bool deployment_is_address(const char *text, size_t len)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    size_t inner = bracketed ? len - 2 : len;
    if (inner >= sizeof address) {
        return false;
    }
    memcpy(address, text + bracketed, inner);
    address[inner] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1 || (!bracketed && inet_pton(AF_INET, address, bytes) == 1);
}

bool exo_is_address(const char *text)
{
    return deployment_is_address(text, strlen(text));
}

/* "host:port:address[,address]…", with a + before it or not, or "-host:port", as libcurl takes them. */
static bool deployment_is_resolve_entry(const char *entry)
{
    bool removes = *entry == '-';
    entry += removes || *entry == '+';
    size_t host = strcspn(entry, ":");
    const char *port = entry + host + (entry[host] == ':');
    size_t digits = strspn(port, "0123456789");
    long number = digits > 0 && digits <= 5 ? strtol(port, NULL, 10) : 0;
    if (host == 0 || number < 1 || number > 65535) {
        return false;
    }
    const char *at = port + digits;
    bool good = removes ? *at == '\0' : *at == ':';
    while (good && *at != '\0') {
        size_t len = strcspn(++at, ",");
        good = deployment_is_address(at, len);
        at += len;
    }
    return good;
}

static bool deployment_check_resolve(const exo_deployment *o, complaint *c)
{
    for (size_t i = 0; i < o->resolve_count; i++) {
        if (exo_has_control(o->resolve[i])) {
            return deployment_complain(c, EXO_E_HEADER, "resolve",
                                       "may not hold CR, LF, NUL or other control characters");
        }
        if (!deployment_is_resolve_entry(o->resolve[i])) {
            return deployment_complain(c, EXO_E_ARGUMENT, "resolve",
                                       "each entry must be host:port:address[,address]...");
        }
    }
    return true;
}

static bool deployment_check_options(const exo_deployment *o, complaint *c)
{
#define X(field) \
    if (exo_has_control(o->field) && o->field != o->extra_body) { \
        return deployment_complain(c, EXO_E_HEADER, #field, "may not hold CR, LF, NUL or other control characters"); \
    }
    TEXT_FIELDS(X)
#undef X
    if ((unsigned)o->ttft_until > EXO_UNTIL_TOKEN) {
        return deployment_complain(c, EXO_E_ARGUMENT, "ttft_until", "must be one of EXO_UNTIL_*");
    }
    if (o->ca_pem.ptr && o->ca_file) {
        return deployment_complain(c, EXO_E_ARGUMENT, "ca_pem", "cannot be set together with ca_file");
    }
    if (o->client_key && !o->client_cert) {
        return deployment_complain(c, EXO_E_ARGUMENT, "client_key", "needs client_cert");
    }
    if (o->unix_socket && strlen(o->unix_socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return deployment_complain(c, EXO_E_ARGUMENT, "unix_socket", "is longer than the path of a socket may be");
    }
    return deployment_check_proxy(o, c) && deployment_check_resolve(o, c) && deployment_check_headers(o, c) &&
           deployment_check_body(o, c) && deployment_check_clocks(o, c);
}

/* ---- life ---- */

static bool deployment_take_url(exo_deployed *d, complaint *c)
{
    if (!d->options.base_url) {
        return deployment_complain(c, EXO_E_URL, "base_url", "is missing");
    }
    char words[240] = "out of memory";
    int code = exo_url_read(&d->url, d->options.base_url);
    if (code == EXO_E_URL) {
        exo_url_explain(d->options.base_url, words, sizeof words);
    }
    return code == EXO_OK || deployment_complain(c, code, "base_url", words);
}

static bool deployment_take_keys(exo_deployed *d)
{
    const exo_deployment *o = &d->options;
    d->drop = calloc(o->drop_count ? o->drop_count : 1, sizeof *d->drop);
    d->rename = calloc(o->rename_count ? o->rename_count : 1, sizeof *d->rename);
    if (!d->drop || !d->rename) {
        return false;
    }
    for (size_t i = 0; i < o->drop_count; i++) {
        d->drop[i] = exo_span_text(o->drop[i]);
    }
    for (size_t i = 0; i < o->rename_count; i++) {
        d->rename[i].from = exo_span_text(o->rename[i].name);
        d->rename[i].to = exo_span_text(o->rename[i].value);
    }
    return true;
}

exo_deployed *exo_deployed_new(const char *name, const exo_deployment *options, int *error, char *message, size_t size)
{
    complaint c = {EXO_E_NO_MEMORY, message, size};
    exo_deployment taken = EXO_DEPLOYMENT_INIT;
    snprintf(message, size, "out of memory");
    bool sized = exo_sized_take(&taken, sizeof taken, options) == EXO_OK ||
                 deployment_complain(&c, EXO_E_ARGUMENT, "deployment", "must be begun with EXO_DEPLOYMENT_INIT");
    exo_deployed *d = sized && deployment_check_lists(&taken, &c) ? calloc(1, sizeof *d) : NULL;
    if (d) {
        d->references = 1;
        d->options = taken;
        if (deployment_copy(&d->options) && (d->name = exo_heap_copy(name)) != NULL &&
            deployment_check_options(&d->options, &c) && deployment_take_url(d, &c) && deployment_take_keys(d) &&
            (d->identity = exo_identity_new(&d->options)) != NULL) {
            message[0] = '\0';
            return d;
        }
    }
    *error = c.code;
    exo_deployed_drop(d);
    return NULL;
}

exo_deployed *exo_deployed_keep(exo_deployed *deployed)
{
    deployed->references++;
    return deployed;
}

void exo_deployed_drop(exo_deployed *deployed)
{
    if (!deployed || --deployed->references > 0) {
        return;
    }
    if (deployed->kept) {
        deployed->drop_kept(deployed->kept);
    }
    deployment_free(&deployed->options);
    free(deployed->name);
    exo_url_free(&deployed->url);
    exo_identity_drop(deployed->identity);
    free(deployed->drop);
    free(deployed->rename);
    free(deployed);
}

/* Takes `secret` out of a failure, unless it is so short that it may be any word. */
static void deployment_censor(exo_failure *failure, const char *secret, size_t len, size_t least)
{
    if (len >= least) {
        exo_failure_redact(failure, exo_span_of(secret, len));
    }
}

bool exo_deployed_shares(const exo_deployed *one, const exo_deployed *other)
{
    return one == other ||
           (one->url.secure == other->url.secure && one->url.port == other->url.port &&
            exo_same_name(one->url.host, other->url.host) && exo_identity_is_same(one->identity, other->identity));
}

bool exo_deployed_has_key(const exo_deployed *deployed)
{
    const exo_deployment *o = &deployed->options;
    bool has = o->api_key && o->api_key[0];
    for (size_t i = 0; !has && i < o->header_count; i++) {
        has = exo_same_name(o->headers[i].name, o->auth_header ? o->auth_header : "Authorization");
    }
    return has;
}

void exo_deployed_censor(const exo_deployed *deployed, exo_failure *failure)
{
    const exo_deployment *o = &deployed->options;
    deployment_censor(failure, o->api_key, o->api_key ? strlen(o->api_key) : 0, 8);
    for (size_t i = 0; i < o->header_count; i++) {
        const char *space = strrchr(o->headers[i].value, ' '); /* "Bearer KEY" */
        const char *word = space ? space + 1 : o->headers[i].value;
        deployment_censor(failure, word, strlen(word), 16);
    }
    const char *query = strchr(o->base_url, '?');
    while (query) {
        size_t name = strcspn(++query, "=&");
        const char *value = query + name + (query[name] == '=');
        deployment_censor(failure, value, strcspn(value, "&"), 16);
        query = strchr(value, '&');
    }
}

/* ---- showing ---- */

/* A copy of a URL with what its query says hidden, the names apart, and the userinfo. NULL when memory runs out. */
static char *deployment_hide_in_url(const char *url)
{
    static const char hidden[] = "***";
    const char *scheme = strstr(url, "://");
    const char *at = scheme ? scheme + 3 : url;
    const char *host = strrchr(at, '@');
    char *copy = malloc(4 * strlen(url) + sizeof hidden);
    if (!copy) {
        return NULL;
    }
    char *to = copy + sprintf(copy, "%.*s%s", (int)(at - url), url, host ? hidden : "");
    at = host ? host : at;
    size_t path = strcspn(at, "?");
    to += sprintf(to, "%.*s", (int)path, at);
    for (at += path; *at;) {
        size_t part = 1 + strcspn(at + 1, "&");
        const char *equals = memchr(at, '=', part);
        size_t name = equals ? (size_t)(equals - at) + 1 : 1;
        to += sprintf(to, "%.*s%s", (int)name, at, part > name ? hidden : "");
        at += part;
    }
    return copy;
}

/* Puts such a copy in the place of a field, if there is any. */
static bool deployment_hide_in_field(const char **field)
{
    char *hidden = *field ? deployment_hide_in_url(*field) : NULL;
    bool good = hidden || !*field;
    if (hidden) {
        deployment_free_text(*field);
        *field = hidden;
    }
    return good;
}

exo_deployment *exo_deployed_show(const exo_deployed *deployed)
{
    exo_deployment *shown = malloc(sizeof *shown);
    if (!shown) {
        return NULL;
    }
    *shown = deployed->options;
    shown->api_key = NULL;
    bool good = deployment_copy(shown);
    for (size_t i = 0; good && i < shown->header_count; i++) {
        exo_header *header = (exo_header *)&shown->headers[i];
        deployment_free_text(header->value);
        header->value = exo_heap_copy("***");
        good = header->value != NULL;
    }
    if (!good || !deployment_hide_in_field(&shown->base_url) || !deployment_hide_in_field(&shown->proxy)) {
        exo_deployment_free(shown);
        return NULL;
    }
    return shown;
}

void exo_deployment_free(exo_deployment *deployment)
{
    if (deployment) {
        deployment_free(deployment);
        free(deployment);
    }
}
