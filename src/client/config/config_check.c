/*
 * config_check.c: looks for what is legal in a configuration and yet likely wrong. See exo_config_check() in config.h.
 *
 * It changes nothing and makes no connection; of files it asks only whether they are there, and who may read them.
 */
#include "config_entries.h"
#include "curl/url.h"
#include "deployment.h"
#include "heap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct check {
    const exo_config *config;
    const exo_config_entry *model; /* the one that is looked at */
    void (*warn)(void *ctx, const char *line);
    void *ctx;
    size_t count;
} check;

#if defined(__GNUC__)
#define PRINTF_LIKE __attribute__((format(printf, 3, 4)))
#else
#define PRINTF_LIKE
#endif

PRINTF_LIKE static void check_add_warning(check *c, enum exo_config_model_key key, const char *format, ...)
{
#define EXO_X(key, kind, field) #key,
    static const char *const keys[] = {EXO_CONFIG_MODEL_MAP(EXO_X)};
#undef EXO_X
    char line[1024];
    va_list arguments;
    int len = snprintf(line, sizeof line, "%.300s:%u: models.%.200s.%s: ", c->config->name, c->model->lines[key],
                       c->model->name, keys[key]);
    va_start(arguments, format);
    vsnprintf(line + len, sizeof line - (size_t)len, format, arguments);
    va_end(arguments);
    c->count++;
    if (c->warn) {
        c->warn(c->ctx, line);
    }
}

/* ---- plain http ---- */

static bool check_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && exo_same_name(text + len - end_len, end);
}

/* Loopback, link-local and private addresses: RFC 1122, 3927, 1918; RFC 4291, 4193. */
static bool check_is_local_address(const char *host)
{
    unsigned char v4[4];
    unsigned char v6[16];
    char inner[64];
    if (inet_pton(AF_INET, host, v4) == 1) {
        return v4[0] == 127 || v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xF0) == 16) ||
               (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254);
    }
    snprintf(inner, sizeof inner, "%.*s", (int)strcspn(host + (*host == '['), "]%"), host + (*host == '['));
    if (inet_pton(AF_INET6, inner, v6) != 1) {
        return false;
    }
    static const unsigned char loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return memcmp(v6, loopback, 16) == 0 || (v6[0] & 0xFE) == 0xFC || (v6[0] == 0xFE && (v6[1] & 0xC0) == 0x80);
}

static bool check_is_local(const char *host)
{
    return exo_same_name(host, "localhost") || check_ends_with(host, ".localhost") || check_ends_with(host, ".local") ||
           check_is_local_address(host);
}

static void check_plain_http(check *c)
{
    const exo_config_entry *model = c->model;
    bool keyed = model->key_text || model->key_env || model->key_file;
    exo_url url;
    if (!keyed || model->options.unix_socket || exo_url_read(&url, model->options.base_url) != EXO_OK) {
        return;
    }
    if (!url.secure && !check_is_local(url.host)) {
        check_add_warning(c, EXO_KEY_base_url, "the key would go to %.200s over plain http, for all to read; use https",
                          url.host);
    }
    exo_url_free(&url);
}

/* ---- keys ---- */

static void check_readers(check *c, enum exo_config_model_key key, const char *path)
{
    struct stat status;
    if (path && stat(path, &status) == 0 && (status.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        check_add_warning(c, key, "others can read %.300s (mode %04o); use mode 0600", path,
                          (unsigned)(status.st_mode & 07777));
    }
}

static void check_keys(check *c)
{
    const exo_config_entry *model = c->model;
    if (model->key_text && model->key_literal) {
        check_add_warning(c, EXO_KEY_api_key, "the key stands in the file itself%s; use api_key_env or api_key_file",
                          c->config->shared ? ", which others can read" : "");
    }
    if (model->key_missing) {
        check_add_warning(c, EXO_KEY_api_key_env, "%.200s is %s", model->key_env, model->key_set ? "empty" : "not set");
    }
    check_readers(c, EXO_KEY_api_key_file, model->key_file);
    check_readers(c, EXO_KEY_client_key, model->options.client_key);
}

/* ---- certificates ---- */

/* A path that is read when a connection is made, and not before. */
static void check_path(check *c, enum exo_config_model_key key, const char *path, bool folder)
{
    struct stat status;
    if (path && (stat(path, &status) != 0 || access(path, R_OK) != 0)) {
        check_add_warning(c, key, "%.300s: %s", path, strerror(errno));
    } else if (path && S_ISDIR(status.st_mode) != folder) {
        check_add_warning(c, key, "%.300s is %s", path, folder ? "no folder" : "a folder, and a file was expected");
    }
}

static void check_certificates(check *c)
{
    const exo_deployment *options = &c->model->options;
    check_path(c, EXO_KEY_ca_file, options->ca_file, false);
    check_path(c, EXO_KEY_ca_dir, options->ca_dir, true);
    check_path(c, EXO_KEY_client_cert, options->client_cert, false);
    check_path(c, EXO_KEY_client_key, options->client_key, false);
}

/* ---- fallbacks ---- */

/* The names of a list, sorted, or NULL: where memory runs out, none stands twice. */
static exo_config_name *check_sort(const exo_config_texts *texts)
{
    exo_config_name *names = exo_config_names_new(texts->count);
    for (size_t i = 0; names && i < texts->count; i++) {
        names[i].text = texts->items[i];
        names[i].number = i;
    }
    if (names) {
        exo_config_names_sort(names, texts->count);
    }
    return names;
}

static void check_fallbacks(check *c, enum exo_config_model_key key, const exo_config_texts *fallbacks)
{
    exo_config_name *names = check_sort(fallbacks);
    for (size_t i = 0; i < fallbacks->count; i++) {
        const char *name = fallbacks->items[i];
        if (strcmp(name, c->model->name) == 0) {
            check_add_warning(c, key, "leads back to the model itself");
        } else if (!exo_config_find(c->config, name)) {
            check_add_warning(c, key, "%.200s is not in models", name);
        } else if (names && exo_config_names_find(names, fallbacks->count, name)->number < i) {
            check_add_warning(c, key, "%.200s stands twice", name);
        }
    }
    exo_heap.resize(exo_heap.ctx, names, 0);
}

/* ---- circles ---- */

/* How far the search for circles has come with one model. */
typedef enum visit {
    NOT_YET,
    ON_THE_WAY, /* it is on the path */
    DONE
} visit;

typedef struct walk {
    check *c;
    size_t list; /* where in an entry its list of fallbacks lies */
    enum exo_config_model_key key;
    unsigned char *visits; /* for each model */
    size_t *path;          /* the models from the first one to the one that is looked at */
    size_t *next;          /* for each of them, which of its fallbacks is the next to look at */
    size_t length;
} walk;

/* Warns of the circle that leads from the model at `first` of the path to its end, and back. */
static void check_warn_of_circle(walk *w, size_t first)
{
    const exo_config_entry *models = w->c->config->models;
    char names[512] = "";
    size_t len = 0;
    for (size_t i = first; i < w->length && len < sizeof names; i++) {
        len += (size_t)snprintf(names + len, sizeof names - len, "%s, ", models[w->path[i]].name);
    }
    w->c->model = &models[w->path[first]];
    check_add_warning(
        w->c, w->key,
        "%s%.200s is a circle, which may not be what was meant; only the list of the model that was asked for "
        "counts",
        len < sizeof names ? names : "a long chain back to ", w->c->model->name);
}

static void check_enter(walk *w, size_t model)
{
    w->visits[model] = ON_THE_WAY;
    w->path[w->length] = model;
    w->next[w->length++] = 0;
}

/* Goes one fallback further from the end of the path, or one model back. */
static void check_step(walk *w)
{
    const exo_config *config = w->c->config;
    size_t from = w->path[w->length - 1];
    const exo_config_texts *fallbacks = (const void *)((const char *)&config->models[from] + w->list);
    size_t number = w->next[w->length - 1]++;
    if (number >= fallbacks->count) {
        w->visits[from] = DONE;
        w->length--;
        return;
    }
    const exo_config_entry *found = exo_config_find(config, fallbacks->items[number]);
    size_t to = found ? (size_t)(found - config->models) : from;
    if (to != from && w->visits[to] == NOT_YET) {
        check_enter(w, to);
    } else if (to != from && w->visits[to] == ON_THE_WAY) {
        size_t first = w->length - 1;
        while (w->path[first] != to) {
            first--;
        }
        check_warn_of_circle(w, first);
    }
}

/* Looks for chains of several models that end where they began, depth first: of circles that share models, at least one
 * is found. Where memory runs out, there is no warning. */
static void check_circles(check *c, enum exo_config_model_key key, size_t list)
{
    size_t count = c->config->count;
    walk w = {c, list, key, NULL, NULL, NULL, 0};
    w.visits = exo_heap.resize(exo_heap.ctx, NULL, count);
    w.path = exo_heap.resize(exo_heap.ctx, NULL, count * sizeof *w.path);
    w.next = exo_heap.resize(exo_heap.ctx, NULL, count * sizeof *w.next);
    if (w.visits && w.path && w.next) {
        memset(w.visits, NOT_YET, count);
        for (size_t i = 0; i < count; i++) {
            if (w.visits[i] == NOT_YET) {
                check_enter(&w, i);
            }
            while (w.length > 0) {
                check_step(&w);
            }
        }
    }
    exo_heap.resize(exo_heap.ctx, w.visits, 0);
    exo_heap.resize(exo_heap.ctx, w.path, 0);
    exo_heap.resize(exo_heap.ctx, w.next, 0);
}

size_t exo_config_check(const exo_config *config, void (*warn)(void *ctx, const char *line), void *ctx)
{
    check c = {config, NULL, warn, ctx, 0};
    if (!config) {
        return 0;
    }
    for (size_t i = 0; i < config->count; i++) {
        c.model = &config->models[i];
        check_plain_http(&c);
        check_keys(&c);
        check_certificates(&c);
        check_fallbacks(&c, EXO_KEY_fallbacks, &c.model->fallbacks);
        check_fallbacks(&c, EXO_KEY_context_fallbacks, &c.model->context_fallbacks);
    }
    check_circles(&c, EXO_KEY_fallbacks, offsetof(exo_config_entry, fallbacks));
    check_circles(&c, EXO_KEY_context_fallbacks, offsetof(exo_config_entry, context_fallbacks));
    return c.count;
}
