/*
 * key.c: see key.h. There is one copy at most, in memory that does not move.
 */
#include "key.h"

#include "say.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A compiler may leave out a memset() before free(); it cannot know what this pointer leads to. */
static void *(*const volatile key_fill)(void *, int, size_t) = memset;

/* The length of a key without the line ends behind it. */
static size_t key_length(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    return len;
}

void key_explain(const char *variable, char *words, size_t size)
{
    const char *shown = secret_variable(variable);
    if (!getenv(variable)) {
        snprintf(words, size, "the environment has no %s", shown);
    } else {
        snprintf(words, size, "%s%s is empty in the environment", shown == variable ? "" : "the ", shown);
    }
}

static bool key_read_variable(cli_key *key, const char *variable)
{
    const char *text = getenv(variable);
    size_t len = text ? strlen(text) : 0;
    size_t kept = key_length(text, len);
    key->variable = variable;
    key->text = kept > 0 ? text : NULL;
    if (kept > 0 && kept < len) {
        key->own = malloc(kept + 1);
        key->text = key->own;
        if (!key->own) {
            return false;
        }
        memcpy(key->own, text, kept);
        key->own[kept] = '\0';
    }
    return true;
}

/* Reads at most KEY_MAX bytes, and says how many; -1 with errno. */
static ssize_t key_read_bytes(int file, char *to)
{
    ssize_t len = 0;
    ssize_t got;
    do {
        got = read(file, to + len, (size_t)(KEY_MAX - len));
        len += got > 0 ? got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : len;
}

static bool key_read_file(cli_key *key, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    key->own = calloc(1, KEY_MAX + 1);
    ssize_t got = file >= 0 && key->own ? key_read_bytes(file, key->own) : -1;
    int error = errno;
    if (file >= 0) {
        close(file);
    }
    if (got < 0) {
        say("--api-key-file: %s: %s", secret_hidden(path), strerror(error));
        return false;
    }
    size_t len = key_length(key->own, (size_t)got);
    bool whole = len > 0 && got < KEY_MAX && !memchr(key->own, '\0', len);
    key->own[len] = '\0';
    key->text = key->own;
    if (!whole) {
        say("--api-key-file: %s: %s", secret_hidden(path),
            len == 0 ? "the file is empty" : "a key and nothing else expected in this file");
    }
    return whole;
}

bool key_read(cli_key *key, const cli_options *options, const char *variable)
{
    char words[128];
    const char *named = options->api_key_env ? options->api_key_env : variable;
    memset(key, 0, sizeof *key);
    if (options->api_key_file) {
        return key_read_file(key, options->api_key_file);
    }
    if (!named) {
        return true;
    }
    if (!key_read_variable(key, named)) {
        say("out of memory");
        return false;
    }
    if (!key->text && options->api_key_env) {
        key_explain(named, words, sizeof words);
        say("--api-key-env: %s", words);
        return false;
    }
    return true;
}

void key_free(cli_key *key)
{
    if (key->own) {
        key_fill(key->own, 0, strlen(key->own));
        free(key->own);
    }
    memset(key, 0, sizeof *key);
}
