/*
 * config.c: reads a configuration, deploys it and frees it. See config.h; the format is in exochat-config(5).
 *
 * What the keys are stands in config_entries.h, how values are written is config_values.c's, and what is legal but
 * doubtful config_check.c's. Memory: what the file says, which EXO_YAML_BYTES_MAX bounds.
 */
#include "config_values.h"
#include "deployment.h"
#include "engine.h"
#include "heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct key_row {
    const char *key;
    exo_config_kind kind;
    size_t offset;
} key_row;

static const key_row model_rows[] = {
#define EXO_X(key, kind, field) {#key, EXO_KIND_##kind, offsetof(exo_config_entry, field)},
    EXO_CONFIG_MODEL_MAP(EXO_X)
#undef EXO_X
};

static const key_row top_rows[] = {
#define EXO_X(key, kind, field) {#key, EXO_KIND_##kind, offsetof(exo_config, field)},
    EXO_CONFIG_TOP_MAP(EXO_X)
#undef EXO_X
};

typedef struct reading {
    exo_yaml yaml;
    exo_config *config;
    exo_config_entry *model; /* the one whose keys are read */
    bool keyed;              /* its api_key, or what stands for it, was in this mapping */
    yaml_node_t *defaults;
    yaml_node_t *models;
} reading;

static bool config_out_of_memory(reading *r, unsigned line)
{
    return exo_yaml_fail(&r->yaml, line, "out of memory");
}

/* ---- keys ---- */

static bool config_fail_unknown_key(reading *r, unsigned line, const char *key, const key_row *rows, size_t count)
{
    const char *nearest = NULL;
    size_t distance = EXO_CONFIG_FAR;
    for (size_t i = 0; i < count; i++) {
        distance = exo_config_propose(key, rows[i].key, distance, &nearest);
    }
    return nearest ? exo_yaml_fail(&r->yaml, line, "unknown key; did you mean %s?", nearest)
                   : exo_yaml_fail(&r->yaml, line, "unknown key");
}

static const key_row *config_find_row(const key_row *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The row of a key in one of the tables, whose line is noted; NULL: it is not known, which the message says. */
static const key_row *config_take_row(reading *r, const key_row *rows, size_t count, const char *key, unsigned line,
                                      unsigned *lines)
{
    const key_row *row = config_find_row(rows, count, key);
    if (row) {
        lines[row - rows] = line;
    } else {
        config_fail_unknown_key(r, line, key, rows, count);
    }
    return row;
}

/* ---- models ---- */

/* The key can be given in three ways, of which the last mapping that gives one decides. */
static bool config_begin_key(reading *r, unsigned line)
{
    if (r->keyed) {
        return exo_yaml_fail(&r->yaml, line, "expected only one of api_key, api_key_env and api_key_file");
    }
    r->keyed = true;
    exo_config_clear(EXO_KIND_TEXT, &r->model->key_text);
    exo_config_clear(EXO_KIND_TEXT, &r->model->key_env);
    exo_config_clear(EXO_KIND_TEXT, &r->model->key_file);
    return true;
}

static bool config_read_model_key(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    reading *r = ctx;
    const key_row *row = config_take_row(r, model_rows, EXO_MODEL_KEYS, key, line, r->model->lines);
    size_t number = row ? (size_t)(row - model_rows) : EXO_MODEL_KEYS;
    if (!row || (number >= EXO_KEY_api_key && number <= EXO_KEY_api_key_file && !config_begin_key(r, line))) {
        return false;
    }
    if (!exo_config_set(&r->yaml, row->kind, value, (char *)r->model + row->offset)) {
        return false;
    }
    if (number == EXO_KEY_api_key) {
        r->model->key_literal = strstr((const char *)value->data.scalar.value, "${") == NULL;
    }
    return true;
}

static bool config_read_model_mapping(reading *r, yaml_node_t *node)
{
    r->keyed = false;
    return exo_yaml_pairs(&r->yaml, node, config_read_model_key, r);
}

/* The defaults have been checked, and say where they stand: their place is not the model's. */
static bool config_read_defaults(reading *r)
{
    size_t path_len = r->yaml.path_len;
    char path[sizeof r->yaml.path];
    if (!r->defaults) {
        return true;
    }
    memcpy(path, r->yaml.path, path_len + 1);
    exo_yaml_leave(&r->yaml, 0);
    exo_yaml_enter(&r->yaml, "defaults");
    if (!config_read_model_mapping(r, r->defaults)) {
        return false;
    }
    memcpy(r->yaml.path, path, path_len + 1);
    r->yaml.path_len = path_len;
    return true;
}

static bool config_read_key_file(reading *r, exo_config_entry *model, unsigned line)
{
    FILE *file = fopen(model->key_file, "rbe");
    if (!file) {
        return exo_yaml_fail(&r->yaml, line, "expected a file that can be read; %s: %s", model->key_file,
                             strerror(errno));
    }
    setvbuf(file, NULL, _IONBF, 0); /* so that stdio keeps no copy of the key */
    char key[4096];
    size_t len = fread(key, 1, sizeof key, file);
    bool failed = ferror(file) != 0;
    bool fits = len < sizeof key;
    fclose(file);
    while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r')) {
        len--;
    }
    bool plausible = !failed && fits && len > 0 && !memchr(key, '\0', len);
    if (plausible) {
        model->options.api_key = exo_heap_copy_span(exo_span_of(key, len));
    }
    exo_heap_wipe(key, sizeof key);
    if (!plausible) {
        return exo_yaml_fail(&r->yaml, line, "expected a file that holds a key and nothing else: %s", model->key_file);
    }
    return model->options.api_key || config_out_of_memory(r, line);
}

/* Line ends behind a key were not meant: a command or an editor has put them there. */
static exo_span config_trim_key(const char *key)
{
    size_t len = key ? strlen(key) : 0;
    while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r')) {
        len--;
    }
    return exo_span_of(key, len);
}

/* Letters, digits and "_": whatever else it may be, it is not shown. */
static bool config_is_variable(const char *name)
{
    static const char allowed[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return *name != '\0' && strspn(name, allowed) == strlen(name) && (*name < '0' || *name > '9');
}

static bool config_take_key(reading *r, exo_config_entry *model)
{
    const char *key = model->key_text;
    if (model->key_file) {
        unsigned line = model->lines[EXO_KEY_api_key_file];
        size_t path_len = exo_yaml_enter(&r->yaml, "api_key_file");
        bool good = config_read_key_file(r, model, line);
        if (good) {
            exo_yaml_leave(&r->yaml, path_len);
        }
        return good;
    }
    if (model->key_env && !config_is_variable(model->key_env)) {
        exo_yaml_enter(&r->yaml, "api_key_env");
        return exo_yaml_fail(&r->yaml, model->lines[EXO_KEY_api_key_env],
                             "expected the name of an environment variable, not the key itself");
    }
    if (model->key_env) {
        key = r->yaml.environment(r->yaml.environment_ctx, model->key_env);
        model->key_set = key != NULL;
    }
    exo_span trimmed = config_trim_key(key);
    model->key_missing = model->key_env && trimmed.len == 0;
    if (trimmed.len > 0) {
        model->options.api_key = exo_heap_copy_span(trimmed);
        return model->options.api_key || config_out_of_memory(r, model->line);
    }
    return true;
}

static void config_lend_lists(exo_config_entry *model)
{
    model->options.drop = (const char *const *)model->drop.items;
    model->options.drop_count = model->drop.count;
    model->options.resolve = (const char *const *)model->resolve.items;
    model->options.resolve_count = model->resolve.count;
    model->options.headers = model->headers.items;
    model->options.header_count = model->headers.count;
    model->options.rename = model->rename.items;
    model->options.rename_count = model->rename.count;
}

/* Has the client's own check look at the model, and names the line of what it does not like: "FIELD: what was
 * expected". */
static bool config_check_model(reading *r, exo_config_entry *model)
{
    char message[256];
    int code;
    exo_deployed *deployed = exo_deployed_new(model->name, &model->options, &code, message, sizeof message);
    if (deployed) {
        exo_deployed_drop(deployed);
        return true;
    }
    char *words = strstr(message, ": ");
    if (code == EXO_E_NO_MEMORY || !words) {
        return config_out_of_memory(r, model->line);
    }
    *words = '\0';
    words += 2;
    const char *field = strcmp(message, "extra_body") == 0 ? "body" : message;
    const key_row *row = config_find_row(model_rows, EXO_MODEL_KEYS, field);
    unsigned line = model->lines[row ? (size_t)(row - model_rows) : (size_t)EXO_KEY_headers];
    if (!row) {
        exo_yaml_enter(&r->yaml, "headers");
    }
    exo_yaml_enter(&r->yaml, field);
    return exo_yaml_fail(&r->yaml, line > 0 ? line : model->line, "%s", words);
}

static void config_init_model(exo_config_entry *model, unsigned line)
{
    static const exo_deployment options = EXO_DEPLOYMENT_INIT;
    static const exo_route_policy policy = EXO_ROUTE_POLICY_INIT;
    memset(model, 0, sizeof *model);
    model->line = line;
    model->options = options;
    model->policy = policy;
}

static bool config_read_model(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    reading *r = ctx;
    exo_config *config = r->config;
    exo_config_entry *models = exo_config_room(config->models, config->count, sizeof *config->models);
    if (!models) {
        return config_out_of_memory(r, line);
    }
    config->models = models;
    exo_config_entry *model = &models[config->count++];
    config_init_model(model, line);
    model->name = exo_heap_copy(key);
    r->model = model;
    if (!model->name) {
        return config_out_of_memory(r, line);
    }
    if (!*key) {
        return exo_yaml_fail(&r->yaml, line, "a model must have a name");
    }
    if (!config_read_defaults(r) || !config_read_model_mapping(r, value)) {
        return false;
    }
    config_lend_lists(model);
    return config_take_key(r, model) && config_check_model(r, model);
}

static void config_free_model(exo_config_entry *model)
{
    for (size_t i = 0; i < EXO_MODEL_KEYS; i++) {
        exo_config_clear(model_rows[i].kind, (char *)model + model_rows[i].offset);
    }
    exo_heap_free_secret((char *)model->options.api_key);
    exo_heap_free_secret(model->name);
}

/* ---- the whole file ---- */

static bool config_read_top_key(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    reading *r = ctx;
    const key_row *row = config_take_row(r, top_rows, EXO_TOP_KEYS, key, line, r->config->lines);
    if (!row || row->kind != EXO_KIND_LATER) {
        return row && exo_config_set(&r->yaml, row->kind, value, (char *)r->config + row->offset);
    }
    if (row == &top_rows[EXO_KEY_models]) {
        r->models = value;
    } else {
        r->defaults = value;
    }
    return true;
}

/* Reads the defaults for their errors alone, so that they show even where no model is. */
static bool config_check_defaults(reading *r)
{
    exo_config_entry scratch;
    config_init_model(&scratch, r->config->lines[EXO_KEY_defaults]);
    r->model = &scratch;
    bool good = config_read_defaults(r);
    r->model = NULL;
    config_free_model(&scratch);
    return good;
}

/* So that a model is found by its name. */
static bool config_sort_models(reading *r)
{
    exo_config *config = r->config;
    config->sorted = exo_config_names_new(config->count);
    if (!config->sorted) {
        return config_out_of_memory(r, 1);
    }
    for (size_t i = 0; i < config->count; i++) {
        config->sorted[i].text = config->models[i].name;
        config->sorted[i].number = i;
    }
    exo_config_names_sort(config->sorted, config->count);
    return true;
}

static bool config_check_default_model(reading *r)
{
    const exo_config *config = r->config;
    const char *nearest = NULL;
    size_t distance = EXO_CONFIG_FAR;
    if (!config->default_model || exo_config_find(config, config->default_model)) {
        return true;
    }
    for (size_t i = 0; config->models && i < config->count; i++) {
        distance = exo_config_propose(config->default_model, config->models[i].name, distance, &nearest);
    }
    exo_yaml_enter(&r->yaml, "default_model");
    return exo_yaml_fail(&r->yaml, config->lines[EXO_KEY_default_model], "%s is not in models%s%s%s",
                         config->default_model, nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
}

static bool config_read_all(reading *r)
{
    if (!exo_yaml_pairs(&r->yaml, yaml_document_get_root_node(&r->yaml.document), config_read_top_key, r) ||
        !config_check_defaults(r)) {
        return false;
    }
    exo_yaml_enter(&r->yaml, "models");
    if (!r->models) {
        return exo_yaml_fail(&r->yaml, 1, "is missing; expected a mapping of names to deployments");
    }
    if (!exo_yaml_pairs(&r->yaml, r->models, config_read_model, r)) {
        return false;
    }
    if (r->config->count == 0) {
        return exo_yaml_fail(&r->yaml, r->config->lines[EXO_KEY_models], "expected at least one model");
    }
    exo_yaml_leave(&r->yaml, 0);
    return config_sort_models(r) && config_check_default_model(r);
}

static const char *config_process_environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

exo_config *exo_config_parse(exo_span text, const char *name, exo_environment environment, void *ctx, char *message,
                             size_t size)
{
    reading r;
    memset(&r, 0, sizeof r);
    r.yaml.name = name ? name : "";
    r.yaml.environment = environment ? environment : config_process_environment;
    r.yaml.environment_ctx = ctx;
    r.yaml.message = message;
    r.yaml.size = message ? size : 0;
    r.config = exo_heap.resize(exo_heap.ctx, NULL, sizeof *r.config);
    if (!r.config) {
        exo_yaml_fail(&r.yaml, 1, "out of memory");
        return NULL;
    }
    memset(r.config, 0, sizeof *r.config);
    r.config->name = exo_heap_copy(r.yaml.name);
    if (!text.ptr) {
        text.len = 0;
    }
    bool good = r.config->name ? exo_yaml_open(&r.yaml, text) && config_read_all(&r) : config_out_of_memory(&r, 1);
    exo_yaml_close(&r.yaml);
    if (!good) {
        exo_config_free(r.config);
        return NULL;
    }
    if (message && size > 0) {
        message[0] = '\0';
    }
    return r.config;
}

/* Reads a file, a FIFO too, whole. EXO_OK, EXO_E_CONFIG when it is too large, or another error; errno says more of
 * EXO_E_SOURCE_READ. */
static int config_read_file(FILE *file, exo_buffer *text)
{
    size_t got;
    do {
        int code = exo_buffer_reserve(text, 4096);
        if (code != EXO_OK) {
            return code;
        }
        got = fread(text->data + text->len, 1, 4096, file);
        text->len += got;
    } while (got > 0);
    return ferror(file) ? EXO_E_SOURCE_READ : EXO_OK;
}

exo_config *exo_config_load(const char *path, exo_environment environment, void *ctx, char *message, size_t size)
{
    exo_config *config = NULL;
    exo_buffer text;
    struct stat status;
    errno = EINVAL;
    FILE *file = path ? fopen(path, "rbe") : NULL;
    if (!file) {
        snprintf(message, message ? size : 0, "%s: %s", path ? path : "NULL", strerror(errno));
        return NULL;
    }
    setvbuf(file, NULL, _IONBF, 0);
    exo_buffer_init(&text, &exo_heap, EXO_YAML_BYTES_MAX + 4096, EXO_E_CONFIG);
    bool known = fstat(fileno(file), &status) == 0;
    /* All at once, as growing would leave copies of keys behind. */
    bool sized = known && status.st_size > 0 && (uint64_t)status.st_size <= EXO_YAML_BYTES_MAX;
    int code = exo_buffer_reserve(&text, sized ? (size_t)status.st_size + 4096 : 4096);
    if (code == EXO_OK) {
        code = config_read_file(file, &text);
    }
    if (code == EXO_OK) {
        config = exo_config_parse(exo_buffer_span(&text), path, environment, ctx, message, size);
    } else {
        snprintf(message, message ? size : 0, "%s: %s", path,
                 code == EXO_E_CONFIG        ? "expected a configuration of at most 1 MB"
                 : code == EXO_E_SOURCE_READ ? strerror(errno)
                                             : "out of memory");
    }
    if (config) {
        config->shared = known && S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    }
    exo_heap_wipe(text.data, text.len);
    exo_buffer_free(&text);
    fclose(file);
    return config;
}

void exo_config_free(exo_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->count; i++) {
        config_free_model(&config->models[i]);
    }
    exo_heap.resize(exo_heap.ctx, config->models, 0);
    exo_heap.resize(exo_heap.ctx, config->sorted, 0);
    exo_heap_free_secret(config->default_model);
    exo_heap_free_secret(config->name);
    exo_heap.resize(exo_heap.ctx, config, 0);
}

/* ---- what it says ---- */

const exo_config_entry *exo_config_find(const exo_config *config, const char *name)
{
    const exo_config_name *found = config && name ? exo_config_names_find(config->sorted, config->count, name) : NULL;
    return found ? &config->models[found->number] : NULL;
}

const char *exo_config_model(const exo_config *config, size_t index)
{
    return config && index < config->count ? config->models[index].name : NULL;
}

const exo_deployment *exo_config_deployment(const exo_config *config, const char *model)
{
    const exo_config_entry *entry = exo_config_find(config, model);
    return entry ? &entry->options : NULL;
}

const exo_route_policy *exo_config_policy(const exo_config *config, const char *model)
{
    const exo_config_entry *entry = exo_config_find(config, model);
    return entry ? &entry->policy : NULL;
}

const char *exo_config_fallback(const exo_config *config, const char *model, size_t index)
{
    const exo_config_entry *entry = exo_config_find(config, model);
    return entry && index < entry->fallbacks.count ? entry->fallbacks.items[index] : NULL;
}

const char *exo_config_context_fallback(const exo_config *config, const char *model, size_t index)
{
    const exo_config_entry *entry = exo_config_find(config, model);
    return entry && index < entry->context_fallbacks.count ? entry->context_fallbacks.items[index] : NULL;
}

const char *exo_config_default_model(const exo_config *config)
{
    return config ? config->default_model : NULL;
}

const char *exo_config_missing_key(const exo_config *config, const char *model)
{
    const exo_config_entry *entry = exo_config_find(config, model);
    return entry && entry->key_missing ? entry->key_env : NULL;
}

void exo_config_call_options(const exo_config *config, exo_call_options *options)
{
    if (!config || !options) {
        return;
    }
    if (config->lines[EXO_KEY_total_timeout]) {
        options->total_timeout = config->total_timeout;
    }
    if (config->lines[EXO_KEY_restart]) {
        options->restart = config->restart;
    }
}

/* Puts one model into a registry. EXO_OK, or an error with words in the client's message. */
static int config_stage(exo_registry *staged, const exo_config_entry *model, char *message, size_t size)
{
    const exo_config_texts *lists[] = {&model->fallbacks, &model->context_fallbacks};
    int code = exo_registry_deploy(staged, model->name, &model->options, message, size);
    if (code == EXO_OK) {
        code = exo_registry_policy(staged, model->name, &model->policy, message, size);
    }
    for (int i = 0; code == EXO_OK && i < 2; i++) {
        code = exo_registry_fallbacks(staged, model->name, (const char *const *)lists[i]->items, lists[i]->count,
                                      i == 1, message, size);
    }
    return code;
}

/* All is put into a registry of its own first, which may fail half way. */
int exo_config_apply(const exo_config *config, exo_client *client)
{
    exo_registry staged;
    int code = exo_engine_check(client);
    if (code == EXO_OK && !config) {
        exo_engine_say(client, "config: is missing");
        code = EXO_E_ARGUMENT;
    }
    memset(&staged, 0, sizeof staged);
    for (size_t i = 0; code == EXO_OK && i < config->count; i++) {
        code = config_stage(&staged, &config->models[i], client->message, sizeof client->message);
    }
    if (code == EXO_OK) {
        code = exo_registry_take_over(&client->registry, &staged);
        exo_engine_say(client, "%s", code == EXO_OK ? "" : exo_error_text(code));
    }
    exo_registry_free(&staged);
    return code;
}
