/*
 * config_entries.h: what a configuration file says, as config.c reads it and config_check.c looks at it.
 *
 * The two tables are the only place where the keys of the format are written down: what a key is called, how its value
 * is written, and where it goes.
 */
#ifndef EXO_CLIENT_CONFIG_ENTRIES_H
#define EXO_CLIENT_CONFIG_ENTRIES_H

#include "config_names.h"

#include "exochat/config.h"

/* How a value is written. */
typedef enum exo_config_kind {
    EXO_KIND_TEXT,  /* char * */
    EXO_KIND_PATH,  /* char *, made relative to the file's folder */
    EXO_KIND_JSON,  /* char *, the JSON text of a mapping */
    EXO_KIND_TEXTS, /* exo_config_texts */
    EXO_KIND_PAIRS, /* exo_config_pairs */
    EXO_KIND_TIME,  /* int64_t, milliseconds */
    EXO_KIND_AUTO,  /* the same, or EXO_CLOCK_AUTO */
    EXO_KIND_SPAN,  /* uint32_t, milliseconds */
    EXO_KIND_COUNT, /* uint32_t */
    EXO_KIND_FLAG,  /* bool */
    EXO_KIND_UNTIL, /* exo_ttft_until */
    EXO_KIND_LATER, /* a mapping that is read once all keys beside it are known; no field */
#define EXO_X(clock, code, field, owner, standard, phases, word) \
    EXO_KIND_CLOCK_##clock = EXO_CLOCK_DEFAULT_##clock == EXO_CLOCK_AUTO ? EXO_KIND_AUTO : EXO_KIND_TIME,
    EXO_CLOCK_MAP(EXO_X)
#undef EXO_X
} exo_config_kind;

/* The rows of the clocks are those of clock.h: of a deployment's in the first table, of a call's in the second. X must
 * be EXO_X. */
#define EXO_CONFIG_MODEL_CLOCK(clock, code, field, owner, standard, phases, word) \
    EXO_CONFIG_MODEL_CLOCK_##owner(clock, field)
#define EXO_CONFIG_MODEL_CLOCK_DEPLOYMENT(clock, field) EXO_X(field, CLOCK_##clock, options.field)
#define EXO_CONFIG_MODEL_CLOCK_CALL(clock, field)
#define EXO_CONFIG_TOP_CLOCK(clock, code, field, owner, standard, phases, word) \
    EXO_CONFIG_TOP_CLOCK_##owner(clock, field)
#define EXO_CONFIG_TOP_CLOCK_DEPLOYMENT(clock, field)
#define EXO_CONFIG_TOP_CLOCK_CALL(clock, field) EXO_X(field, CLOCK_##clock, field)

/* X(key, kind, field of exo_config_entry) */
/* clang-format off */
#define EXO_CONFIG_MODEL_MAP(X) \
    X(base_url,            TEXT,  options.base_url) \
    X(api_key,             TEXT,  key_text) \
    X(api_key_env,         TEXT,  key_env) \
    X(api_key_file,        PATH,  key_file) \
    X(auth_header,         TEXT,  options.auth_header) \
    X(auth_scheme,         TEXT,  options.auth_scheme) \
    X(model,               TEXT,  options.model) \
    X(headers,             PAIRS, headers) \
    X(body,                JSON,  options.extra_body) \
    X(drop,                TEXTS, drop) \
    X(rename,              PAIRS, rename) \
    X(fallbacks,           TEXTS, fallbacks) \
    X(context_fallbacks,   TEXTS, context_fallbacks) \
    EXO_CLOCK_MAP(EXO_CONFIG_MODEL_CLOCK) \
    X(ttft_until,          UNTIL, options.ttft_until) \
    X(lenient_end,         FLAG,  options.lenient_end) \
    X(strict_stream,       FLAG,  options.strict_stream) \
    X(think_tags,          FLAG,  options.think_tags) \
    X(chunked,             FLAG,  options.chunked) \
    X(http2,               FLAG,  options.http2) \
    X(ca_file,             PATH,  options.ca_file) \
    X(ca_dir,              PATH,  options.ca_dir) \
    X(client_cert,         PATH,  options.client_cert) \
    X(client_key,          PATH,  options.client_key) \
    X(proxy,               TEXT,  options.proxy) \
    X(unix_socket,         PATH,  options.unix_socket) \
    X(resolve,             TEXTS, resolve) \
    X(retries,             COUNT, policy.retries) \
    X(backoff_first,       SPAN,  policy.backoff_first) \
    X(backoff_max,         SPAN,  policy.backoff_max) \
    X(retry_after_max,     SPAN,  policy.retry_after_max) \
    X(cooldown,            SPAN,  policy.cooldown) \
    X(cooldown_after,      COUNT, policy.cooldown_after) \
    X(patience,            TIME,  policy.patience)

/* X(key, kind, field of exo_config) */
#define EXO_CONFIG_TOP_MAP(X) \
    X(default_model, TEXT,  default_model) \
    X(defaults,      LATER, models) \
    X(models,        LATER, models) \
    EXO_CLOCK_MAP(EXO_CONFIG_TOP_CLOCK) \
    X(restart,       FLAG,  restart)
/* clang-format on */

/* The rows of both tables, by number. */
enum exo_config_model_key {
#define EXO_X(key, kind, field) EXO_KEY_##key,
    EXO_CONFIG_MODEL_MAP(EXO_X) EXO_MODEL_KEYS
};
enum exo_config_top_key {
    EXO_CONFIG_TOP_MAP(EXO_X) EXO_TOP_KEYS
#undef EXO_X
};

typedef struct exo_config_texts {
    char **items;
    size_t count;
} exo_config_texts;

typedef struct exo_config_pairs {
    exo_header *items;
    size_t count;
} exo_config_pairs;

/* One of `models`. */
typedef struct exo_config_entry {
    char *name;
    unsigned line;                  /* of the name */
    unsigned lines[EXO_MODEL_KEYS]; /* of each key, in `defaults` too; 0: not given */
    exo_deployment options;         /* its texts are ours; its lists are borrowed from the ones below */
    exo_route_policy policy;
    char *key_text; /* api_key */
    char *key_env;
    char *key_file;
    bool key_literal; /* key_text has no ${NAME} in it */
    bool key_missing; /* key_env is not set, or empty */
    bool key_set;     /* key_env is set, be it empty */
    exo_config_texts drop;
    exo_config_texts resolve;
    exo_config_texts fallbacks;
    exo_config_texts context_fallbacks;
    exo_config_pairs headers;
    exo_config_pairs rename;
} exo_config_entry;

struct exo_config {
    char *name; /* of the file */
    unsigned lines[EXO_TOP_KEYS];
    char *default_model;
    int64_t total_timeout;
    bool restart;
    bool shared; /* others than the owner can read the file */
    exo_config_entry *models;
    size_t count;
    exo_config_name *sorted; /* their names, once all are read */
};

/* The model called `name`, or NULL. */
const exo_config_entry *exo_config_find(const exo_config *config, const char *name);

#endif
