/*
 * engine.c: what the files of src/client share of the client. See engine.h.
 *
 * It has the one variable of the library that changes: how often this process was the child of a fork().
 */
#include "engine.h"

#include "limits_check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* splitmix64: jitter needs to be spread out, not secret. */
uint32_t exo_engine_random(void *ctx)
{
    exo_client *client = ctx;
    uint64_t z = (client->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

void exo_engine_say(exo_client *client, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(client->message, sizeof client->message, format, arguments);
    va_end(arguments);
}

exo_deployed *exo_engine_deployed(exo_client *client, const char *model)
{
    exo_deployed *deployed = model ? exo_registry_deployed(&client->registry, model) : NULL;
    if (!deployed) {
        exo_engine_say(client, "model: no deployment is named %s", model && model[0] ? model : "\"\"");
    }
    return deployed;
}

/* Changes in a child before it has a second thread, and never again. */
unsigned exo_fork_count;
static int engine_hooked = -1;

static void engine_count_fork(void)
{
    exo_fork_count++;
}

static void engine_hook_fork(void)
{
    engine_hooked = pthread_atfork(NULL, NULL, engine_count_fork);
}

unsigned exo_forks(void)
{
    return exo_fork_count;
}

int exo_engine_check(const exo_client *client)
{
    return !client ? EXO_E_ARGUMENT : exo_engine_is_ours(client) ? EXO_OK : EXO_E_FORKED;
}

static uint64_t engine_seed(const exo_client *client)
{
    uint64_t value = (uint64_t)exo_loop_now(&client->loop) ^ ((uint64_t)getpid() << 32) ^ (uint64_t)(uintptr_t)client;
    int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (device >= 0) {
        uint64_t bytes = 0;
        if (read(device, &bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
            value ^= bytes;
        }
        close(device);
    }
    return value;
}

exo_client *exo_engine_new(const exo_client_options *options, exo_transport *transport)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char message[96];
    if (!transport) {
        return NULL;
    }
    pthread_once(&once, engine_hook_fork);
    exo_bounds bounds = EXO_BOUNDS_INIT;
    bool bounded = (!options->limits || exo_limits_check(options->limits, message, sizeof message) == EXO_OK) &&
                   (!options->bounds || exo_bounds_take(&bounds, options->bounds, message, sizeof message) == EXO_OK);
    exo_client *client = bounded && engine_hooked == 0 ? calloc(1, sizeof *client) : NULL;
    if (!client) {
        transport->table->close(transport);
        return NULL;
    }
    client->forks = exo_fork_count;
    transport->forks = exo_fork_count;
    client->loop.transport = transport;
    client->turn.bytes = options->turn_bytes > 0 && options->turn_bytes < INT64_MAX ? options->turn_bytes : INT64_MAX;
    client->turn.is_over = true;
    client->turn.served = true;
    transport->allowance = &client->turn.left;
    transport->turns = &client->loop.told.count;
    client->drains.loop = &client->loop;
    client->limits = options->limits ? *options->limits : *exo_limits_host();
    client->bounds = bounds;
    transport->table->bound(transport, &client->bounds);
    client->log.hook = options->log;
    client->log.ctx = options->log_ctx;
    client->log.bodies = options->log_bodies;
    client->random = engine_seed(client);
    return client;
}
