/*
 * deployments.c: what a client says of its deployments, and how they are taken away: the functions of client.h over its
 * registry. No memory of its own.
 */
#include "engine.h"

/* The entry of `model`, or NULL: nothing is known of it here. */
static const exo_entry *deployments_find(const exo_client *client, const char *model)
{
    bool ours = client && model && exo_engine_is_ours(client);
    return ours ? exo_registry_find(&client->registry, model) : NULL;
}

/* Whether something can be changed. EXO_OK, or why not. */
static int deployments_check(const exo_client *client)
{
    return !client ? EXO_E_ARGUMENT : exo_engine_is_ours(client) ? EXO_OK : EXO_E_FORKED;
}

int exo_client_remove(exo_client *client, const char *model)
{
    int code = deployments_check(client);
    return code < 0 ? code : exo_registry_remove(&client->registry, model, client->message, sizeof client->message);
}

static int deployments_set_list(exo_client *client, const char *model, const char *const *fallbacks, size_t count,
                                bool context)
{
    int code = deployments_check(client);
    return code < 0 ? code
                    : exo_registry_fallbacks(&client->registry, model, fallbacks, count, context, client->message,
                                             sizeof client->message);
}

int exo_client_fallbacks(exo_client *client, const char *model, const char *const *fallbacks, size_t count)
{
    return deployments_set_list(client, model, fallbacks, count, false);
}

int exo_client_context_fallbacks(exo_client *client, const char *model, const char *const *fallbacks, size_t count)
{
    return deployments_set_list(client, model, fallbacks, count, true);
}

exo_deployment *exo_client_deployment_of(const exo_client *client, const char *model)
{
    const exo_entry *entry = deployments_find(client, model);
    return entry && entry->deployed ? exo_deployed_show(entry->deployed) : NULL;
}

static const char *deployments_name_in(const exo_names *names, size_t index)
{
    return index < names->count ? names->items[index] : NULL;
}

const char *exo_client_fallback_of(const exo_client *client, const char *model, size_t index)
{
    const exo_entry *entry = deployments_find(client, model);
    return entry ? deployments_name_in(&entry->fallbacks, index) : NULL;
}

const char *exo_client_context_fallback_of(const exo_client *client, const char *model, size_t index)
{
    const exo_entry *entry = deployments_find(client, model);
    return entry ? deployments_name_in(&entry->context_fallbacks, index) : NULL;
}

const exo_route_policy *exo_client_policy_of(const exo_client *client, const char *model)
{
    const exo_entry *entry = deployments_find(client, model);
    return entry && entry->deployed ? &entry->policy : NULL;
}
