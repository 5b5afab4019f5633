/*
 * peer_json.c: see peer_json.h.
 */
#include "peer_json.h"

#include "yyjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void json_die(const char *why)
{
    fprintf(stderr, "peer_json: %s\n", why);
    exit(1);
}

/* ---- out ---- */

static char *json_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        json_die("a file cannot be read");
    }
    *len = (size_t)ftell(file);
    char *bytes = malloc(*len);
    rewind(file);
    if (!bytes || fread(bytes, 1, *len, file) != *len) {
        json_die("a file cannot be read");
    }
    fclose(file);
    return bytes;
}

char *json_body(const peer_prompt *prompt, size_t *len)
{
    char **files = calloc(prompt->count, sizeof(char *));
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "model", "bench");
    yyjson_mut_val *messages = yyjson_mut_obj_add_arr(doc, root, "messages");
    for (size_t i = 0; i < prompt->count; i++) {
        const peer_message *m = &prompt->messages[i];
        const char *text = m->text;
        size_t size = m->len;
        if (m->file) {
            text = files[i] = json_file(m->file, &size);
        }
        yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);
        yyjson_mut_obj_add_str(doc, message, "role", m->is_ours ? "assistant" : "user");
        yyjson_mut_obj_add_strn(doc, message, "content", text, size);
    }
    yyjson_mut_obj_add_bool(doc, root, "stream", true);
    char *body = yyjson_mut_write(doc, 0, len);
    if (!body) {
        json_die("no body");
    }
    yyjson_mut_doc_free(doc);
    for (size_t i = 0; i < prompt->count; i++) {
        free(files[i]);
    }
    free(files);
    return body;
}

/* ---- back ---- */

static void json_append(char **to, size_t *len, size_t *room, const char *bytes, size_t count)
{
    if (*len + count > *room) {
        *room = 2 * (*len + count);
        *to = realloc(*to, *room);
        if (!*to) {
            json_die("no memory");
        }
    }
    memcpy(*to + *len, bytes, count);
    *len += count;
}

/* A line of the stream. */
static void events_line(events *e, const char *line, size_t len)
{
    if (len < 6 || memcmp(line, "data: ", 6) != 0) {
        return;
    }
    if (len >= 12 && memcmp(line + 6, "[DONE]", 6) == 0) {
        e->is_over = true;
        return;
    }
    yyjson_doc *doc = yyjson_read(line + 6, len - 6, 0);
    if (!doc) {
        json_die("an event cannot be read");
    }
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "choices"));
    yyjson_val *content = yyjson_obj_get(yyjson_obj_get(choice, "delta"), "content");
    if (yyjson_is_str(content)) {
        json_append(&e->text, &e->len, &e->room, yyjson_get_str(content), yyjson_get_len(content));
        if (e->show) {
            e->show(e->ctx, e->number, yyjson_get_str(content), yyjson_get_len(content));
        }
    }
    yyjson_doc_free(doc);
}

void events_take(events *e, const char *bytes, size_t len)
{
    const char *at = bytes;
    const char *end = bytes + len;
    const char *stop;
    if (e->carried > 0 && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        json_append(&e->carry, &e->carried, &e->carry_room, at, (size_t)(stop - at));
        events_line(e, e->carry, e->carried);
        e->carried = 0;
        at = stop + 1;
    }
    while (e->carried == 0 && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        events_line(e, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (at < end) {
        json_append(&e->carry, &e->carried, &e->carry_room, at, (size_t)(end - at));
    }
}

void events_begin(events *e, peer_show show, void *ctx)
{
    e->show = show;
    e->ctx = ctx;
    e->len = e->carried = 0;
    e->is_over = false;
}

void events_free(events *e)
{
    free(e->text);
    free(e->carry);
}
