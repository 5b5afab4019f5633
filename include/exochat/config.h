/*
 * config.h: a configuration file (YAML) → the deployments of a client.
 *
 * Part of the hosted library, unless that was built without libyaml (EXO_CONFIG=OFF): then this header is not installed
 * and none of its functions is there. The format is described in exochat-config(5). Reading goes through libyaml.
 *
 * NULL is no configuration: nothing is said of it, and exo_config_apply() returns EXO_E_ARGUMENT.
 */
#ifndef EXOCHAT_CONFIG_H
#define EXOCHAT_CONFIG_H

#include "exochat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A configuration that was read and found valid. */
typedef struct exo_config exo_config;

/* What the environment says of a name, or NULL. */
typedef const char *(*exo_environment)(void *ctx, const char *name);

/* Reads the file at `path`. `${NAME}` in values is replaced through `environment` (NULL: getenv). On failure NULL, and
 * a message "FILE:LINE: key: what was expected" is stored in `message` of `size` bytes. */
exo_config *exo_config_load(const char *path, exo_environment environment, void *ctx, char *message, size_t size);

/* As exo_config_load(), from text in memory that errors call `name`. */
exo_config *exo_config_parse(exo_span text, const char *name, exo_environment environment, void *ctx, char *message,
                             size_t size);

/* Deploys everything in `client`: of each model that the file names, deployment, lists and policy take the place of
 * what the client had; its other models stay as they are. So a configuration can be applied twice, and a new one over
 * an old one; models that the new one names no more are exo_client_remove()'s. EXO_OK, or an error of
 * exo_client_deploy() or exo_client_policy() with exo_client_message(): all of the client is as it was. */
int exo_config_apply(const exo_config *config, exo_client *client);

/* The configured names in the order of the file; NULL when `index` is past the last one. Valid as long as the
 * configuration. */
const char *exo_config_model(const exo_config *config, size_t index);

/* What the file says of `model`, as exo_config_apply() deploys it, keys included; NULL when it is not configured. For a
 * caller that deploys a changed copy, and sets the copy's size to its own sizeof(exo_deployment). Valid as long as the
 * configuration. */
const exo_deployment *exo_config_deployment(const exo_config *config, const char *model);

/* The policy of `model`, as exo_config_apply() sets it; NULL when it is not configured. Valid as long as the
 * configuration. */
const exo_route_policy *exo_config_policy(const exo_config *config, const char *model);

/* The fallbacks and the context fallbacks of `model`, in order; NULL when `index` is past the last one or `model` is
 * not configured. */
const char *exo_config_fallback(const exo_config *config, const char *model, size_t index);
const char *exo_config_context_fallback(const exo_config *config, const char *model, size_t index);

/* default_model, or NULL. */
const char *exo_config_default_model(const exo_config *config);

/* The environment variable that the key of `model` is to come from (api_key_env) and that is not set, or empty: the
 * model is deployed without a key. NULL: it has its key, needs none, or there is no such model. Valid as long as
 * `config`. */
const char *exo_config_missing_key(const exo_config *config, const char *model);

/* Call options that the file sets (total_timeout, restart). */
void exo_config_call_options(const exo_config *config, exo_call_options *options);

/* Reads a time as configurations and the command's options write it: seconds (15, 0.5), or a number with a unit (500ms,
 * 15s, 2m, 1h; blanks may stand before the unit), a day at most. False, and nothing is stored: it is none. What is not
 * zero is at least a millisecond. */
bool exo_parse_duration(const char *text, int64_t *milliseconds);

/* Looks for what is legal and yet likely wrong: plain http with a key to a host that is not local, key files that
 * others can read, certificates that are not there, keys in the file itself, variables of api_key_env that are not set,
 * fallbacks that are not deployed, chains of fallbacks that end where they began, through several models too. `warn`
 * (may be NULL) is given one line for each, "FILE:LINE: key: what is wrong". Returns how many. */
size_t exo_config_check(const exo_config *config, void (*warn)(void *ctx, const char *line), void *ctx);

/* Frees a configuration, keys wiped. NULL is allowed. */
void exo_config_free(exo_config *config);

#ifdef __cplusplus
}
#endif

#endif
