/*
 * config.c: what a large configuration costs, and how that grows: config NAMES
 *
 * Reads a body with so many keys, a document with as many aliases, and one with as many models, which it applies to a
 * client and removes again, a name at a time. Prints microseconds for each of them, for NAMES and for a tenth of that:
 * where the two differ by much, something is looked through as a whole for each.
 */
#include "baseline.h"

#include "exochat/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "models:\n  m:\n    base_url: http://h/v1\n    body:\n"

static char text[1024 * 1024];

/* Head, `format` with each number, tail. */
static exo_span write_text(const char *head, const char *format, size_t count)
{
    size_t len = (size_t)sprintf(text, "%s", head);
    for (size_t i = 0; i < count && len < sizeof text - 64; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, format, i);
    }
    return exo_span_of(text, len);
}

static exo_config *read_text(exo_span yaml)
{
    char message[512];
    exo_config *config = exo_config_parse(yaml, "bench", NULL, NULL, message, sizeof message);
    if (!config) {
        fprintf(stderr, "config: %s\n", message);
        exit(1);
    }
    return config;
}

static double time_reading(const char *head, const char *format, size_t count)
{
    exo_span yaml = write_text(head, format, count);
    double began = seconds();
    exo_config_free(read_text(yaml));
    return seconds() - began;
}

/* Applying, finding each by its number, and removing the first one each time. */
static double time_deploying(size_t count)
{
    exo_config *config = read_text(write_text("models:\n", "  m%zu: {base_url: \"http://h/v1\"}\n", count));
    exo_client *client = exo_client_new(NULL);
    const char *model;
    double began = seconds();
    if (!client || exo_config_apply(config, client) != EXO_OK || exo_config_apply(config, client) != EXO_OK) {
        exit(1);
    }
    for (size_t i = 0; exo_client_model(client, i); i++) {
    }
    while ((model = exo_client_model(client, 0)) != NULL) {
        exo_client_remove(client, model);
    }
    double took = seconds() - began;
    exo_client_free(client);
    exo_config_free(config);
    return took;
}

static void print(const char *what, double took, size_t count)
{
    printf("%s %.2f\n", what, took * 1e6 / (double)count);
}

int main(int argc, char **argv)
{
    size_t most = argc > 1 ? (size_t)atol(argv[1]) : 0;
    const struct {
        const char *name;
        size_t count;
    } sizes[] = {{"many", most}, {"few", most / 10}};
    if (most < 10) {
        fprintf(stderr, "usage: %s NAMES\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < 2; i++) {
        char what[32];
        size_t count = sizes[i].count;
        snprintf(what, sizeof what, "keys-%s", sizes[i].name);
        print(what, time_reading(MODEL, "      k%zu: x\n", count), count);
        snprintf(what, sizeof what, "aliases-%s", sizes[i].name);
        print(what, time_reading(MODEL "      k: &a x\n", "      k%zu: *a\n", count), count);
        snprintf(what, sizeof what, "models-%s", sizes[i].name);
        print(what, time_deploying(count / 2), count / 2);
    }
    return 0;
}
