/*
 * conversation.c: see conversation.h.
 */
#include "conversation.h"

#include "input.h"
#include "say.h"

#include "exochat/json_read.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool conversation_fail(const conversation *c, const char *why)
{
    say("--continue: %s: %s", c->name, why);
    return false;
}

/* ---- the old file ---- */

/* The member `key` of a message, if it is a string. */
static bool conversation_find(exo_span message, const char *key, exo_json_token *token)
{
    exo_json_reader reader;
    exo_json_reader_init(&reader, message, EXO_JSON_DEPTH_MAX, true);
    bool more = exo_json_next(&reader, token) == EXO_EVENT && token->type == EXO_JSON_OBJECT;
    while (more && exo_json_next(&reader, token) == EXO_EVENT && token->type == EXO_JSON_KEY) {
        if (exo_json_is(token, key)) {
            return exo_json_next(&reader, token) == EXO_EVENT && token->type == EXO_JSON_STRING;
        }
        more = exo_json_skip(&reader, NULL) == EXO_OK;
    }
    return false;
}

static bool conversation_is_from(exo_span message, const char *role)
{
    exo_json_token token;
    return conversation_find(message, "role", &token) && exo_json_is(&token, role);
}

/* Brings `reader` to the list of messages: the text itself, or its member "messages". */
static bool conversation_enter(exo_json_reader *reader)
{
    exo_json_token token;
    int code = exo_json_next(reader, &token);
    if (code != EXO_EVENT || token.type != EXO_JSON_OBJECT) {
        return code == EXO_EVENT && token.type == EXO_JSON_ARRAY;
    }
    while (exo_json_next(reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        if (exo_json_is(&token, "messages")) {
            return exo_json_next(reader, &token) == EXO_EVENT && token.type == EXO_JSON_ARRAY;
        }
        if (exo_json_skip(reader, NULL) != EXO_OK) {
            return false;
        }
    }
    return false;
}

/* Counts the messages, and finds the end of their list. */
static bool conversation_read_list(conversation *c, const char *system)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span message = {NULL, 0};
    exo_span first = {NULL, 0};
    exo_json_reader_init(&reader, c->json, EXO_JSON_DEPTH_MAX, true);
    if (!conversation_enter(&reader)) {
        return conversation_fail(c, "a JSON array of messages expected, or an object with one");
    }
    while (exo_json_skip(&reader, &message) == EXO_OK) {
        first = c->count == 0 ? message : first;
        c->count++;
    }
    exo_json_next(&reader, &token);
    c->tail = (size_t)(token.raw.ptr - c->json.ptr);
    c->answered = c->count > 0 && conversation_is_from(message, "assistant");
    if (system && c->count > 0) {
        c->has_system = (conversation_is_from(first, "system") || conversation_is_from(first, "developer")) &&
                        conversation_find(first, "content", &token) && exo_json_is(&token, system);
        return c->has_system || conversation_fail(c, "has begun with another system message; without --system it goes "
                                                     "on as it began");
    }
    return true;
}

/* Reads the file; one that is not there, or blank, is an empty list. */
static bool conversation_read_file(conversation *c)
{
    size_t at = 0;
    c->there = stat(c->path, &c->before) == 0;
    if (c->there && !S_ISREG(c->before.st_mode)) {
        return conversation_fail(c, "a regular file expected");
    }
    if (c->there && !input_read(c->path, &c->json)) {
        return conversation_fail(c, strerror(errno));
    }
    if (!c->there || exo_span_trim(c->json).len == 0) {
        free((void *)c->json.ptr);
        char *empty = malloc(sizeof "[]\n");
        c->json = exo_span_of(empty ? memcpy(empty, "[]\n", sizeof "[]\n") : NULL, empty ? 3 : 0);
        return empty || conversation_fail(c, "out of memory");
    }
    int code = exo_json_check(c->json, EXO_JSON_DEPTH_MAX, &at);
    if (code != EXO_OK) {
        say("--continue: %s: %s (at byte %zu)", c->name, exo_error_text(code), at);
    }
    return code == EXO_OK;
}

bool conversation_open(conversation *c, const cli_options *options)
{
    c->name = options->continued;
    c->path = realpath(c->name, NULL); /* so that a link stays one */
    if (!c->path && errno == ENOENT) {
        c->path = strdup(c->name);
    }
    if (!c->path) {
        return conversation_fail(c, strerror(errno));
    }
    return conversation_read_file(c) && conversation_read_list(c, options->system);
}

/* ---- the turn ---- */

/* Takes the messages out of the text of a request, as it comes in pieces. The text is known to be JSON. */
typedef struct turn {
    conversation *c;
    size_t skip;  /* how many messages are in the file already */
    size_t index; /* of the message that is read */
    bool follows; /* something stands before the first of them */
    unsigned depth;
    bool in_string;
    bool escaped;
    bool at_key; /* a string of the outermost object would be a key */
    bool inside; /* the list of messages */
    char key[16];
    size_t key_len;
} turn;

static void turn_read_string(turn *t, char byte)
{
    if (t->escaped) {
        t->escaped = false;
    } else if (byte == '\\') {
        t->escaped = true;
    } else if (byte == '"') {
        t->in_string = false;
    }
    if (t->depth == 1 && t->at_key && t->in_string && t->key_len < sizeof t->key) {
        t->key[t->key_len++] = byte;
    }
}

/* Brackets, and what separates values. True: the byte is none of a message. */
static bool turn_read_structure(turn *t, char byte)
{
    static const char messages[] = "messages";
    bool between = t->inside && t->depth == 2;
    switch (byte) {
    case '"':
        t->in_string = true;
        t->key_len = t->depth == 1 && t->at_key ? 0 : t->key_len;
        return false;
    case '{':
    case '[':
        t->depth++;
        t->at_key = t->depth == 1;
        if (t->depth == 2 && t->key_len == strlen(messages) && memcmp(t->key, messages, t->key_len) == 0) {
            t->inside = true;
            return true;
        }
        if (between && t->index >= t->skip) {
            fputs(t->index > 0 || t->follows ? ",\n" : "\n", t->c->next);
        }
        return false;
    case '}':
    case ']':
        t->depth--;
        t->inside = t->inside && t->depth > 1;
        return !t->inside;
    case ',':
        t->at_key = t->depth == 1;
        t->index += between;
        return between;
    case ':':
        t->at_key = t->at_key && t->depth != 1;
        return false;
    default:
        return false;
    }
}

static bool turn_write(void *ctx, exo_span bytes)
{
    turn *t = ctx;
    for (size_t i = 0; i < bytes.len; i++) {
        bool outside = false;
        if (t->in_string) {
            turn_read_string(t, bytes.ptr[i]);
        } else {
            outside = turn_read_structure(t, bytes.ptr[i]);
        }
        if (t->inside && !outside && t->index >= t->skip) {
            putc(bytes.ptr[i], t->c->next);
        }
    }
    return !ferror(t->c->next);
}

/* ---- the new file ---- */

/* A file beside the old one, with its mode; one for the owner alone where there is none. */
static bool conversation_create(conversation *c)
{
    static const char ending[] = ".XXXXXX";
    size_t len = strlen(c->path);
    c->next_path = malloc(len + sizeof ending);
    if (!c->next_path) {
        return conversation_fail(c, "out of memory");
    }
    memcpy(c->next_path, c->path, len);
    memcpy(c->next_path + len, ending, sizeof ending);
    int file = mkstemp(c->next_path);
    if (file < 0) {
        int error = errno;
        free(c->next_path);
        c->next_path = NULL;
        return conversation_fail(c, strerror(error));
    }
    if (c->there) {
        (void)fchmod(file, c->before.st_mode & 0777);
    }
    c->next = fdopen(file, "w");
    return c->next || conversation_fail(c, "out of memory");
}

bool conversation_begin(conversation *c, const cli_setup *setup, const exo_request *request, const char *model)
{
    turn t;
    size_t len = c->tail;
    memset(&t, 0, sizeof t);
    t.c = c;
    t.skip = c->count;
    if (!conversation_create(c)) {
        return false;
    }
    while (len > 0 && strchr(" \t\r\n", c->json.ptr[len - 1])) {
        len--;
    }
    fwrite(c->json.ptr, 1, len, c->next);
    int code = exo_client_body(setup->client, request, model, turn_write, &t);
    if (ferror(c->next) || fflush(c->next) != 0) {
        return conversation_fail(c, strerror(errno));
    }
    if (code != EXO_OK) {
        setup_failed(setup, code);
    }
    return code == EXO_OK;
}

/* ---- the answer ---- */

/* Adds the answer as the message that it becomes in the next request. */
static bool conversation_write_answer(conversation *c, const cli_setup *setup, const exo_reply *reply,
                                      const char *model)
{
    turn t;
    exo_request *request = exo_request_new(model);
    int code = request ? exo_request_answer(request, reply) : EXO_E_NO_MEMORY;
    memset(&t, 0, sizeof t);
    t.c = c;
    t.follows = true;
    if (code == EXO_OK) {
        code = exo_client_body(setup->client, request, model, turn_write, &t);
    }
    exo_request_free(request);
    return code == EXO_OK || ferror(c->next) || conversation_fail(c, exo_error_text(code));
}

/* Whether the old file is as it was read. */
static bool conversation_is_as_before(const conversation *c)
{
    struct stat now;
    if (stat(c->path, &now) != 0) {
        return !c->there && errno == ENOENT;
    }
    return c->there && now.st_ino == c->before.st_ino && now.st_dev == c->before.st_dev &&
           now.st_size == c->before.st_size && now.st_mtim.tv_sec == c->before.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == c->before.st_mtim.tv_nsec;
}

bool conversation_keep(conversation *c, const cli_setup *setup, const exo_reply *reply, const char *model)
{
    if (!conversation_write_answer(c, setup, reply, model)) {
        return false;
    }
    fputc('\n', c->next);
    fwrite(c->json.ptr + c->tail, 1, c->json.len - c->tail, c->next);
    bool written = !ferror(c->next) && fflush(c->next) == 0 && fsync(fileno(c->next)) == 0;
    int error = errno;
    written = fclose(c->next) == 0 && written;
    c->next = NULL;
    if (!written) {
        return conversation_fail(c, strerror(error));
    }
    if (!conversation_is_as_before(c)) {
        return conversation_fail(c, "somebody else has changed it meanwhile, so this turn is not kept");
    }
    if (rename(c->next_path, c->path) != 0) {
        return conversation_fail(c, strerror(errno));
    }
    free(c->next_path);
    c->next_path = NULL;
    return true;
}

void conversation_close(conversation *c)
{
    if (c->next) {
        fclose(c->next);
    }
    if (c->next_path) {
        unlink(c->next_path);
    }
    free(c->next_path);
    free(c->path);
    free((void *)c->json.ptr);
}
