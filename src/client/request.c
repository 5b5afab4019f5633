/*
 * request.c: builds the tree of nodes that a request is. See request.h and request_tree.h.
 *
 * It opens no file and writes no JSON: the encoder walks the tree, attachments.c opens what it names. Each node is a
 * block on the heap with its own text behind it; a tree is never deeper than a content part's members, because
 * whatever is given as JSON stays text. Memory: that text once, and a node for each message, part and parameter. Names
 * that never change are not copied.
 */
#include "request_tree.h"

#include "heap.h"

#include "exochat/encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Top-level keys of a request's JSON: more cannot be sent, and looking for duplicates stays cheap. */
#define KEYS_MAX 64

/* Levels of nesting that are left for a parameter, and for a message. */
#define PARAMETER_DEPTH (EXO_JSON_DEPTH_MAX - 1)
#define MESSAGE_DEPTH   (EXO_JSON_DEPTH_MAX - 2)

/* A node and the text that its spans point to. */
typedef struct cell {
    exo_node node; /* first, so that a node of the tree is its cell */
    char text[];
} cell;

typedef struct attached {
    exo_attachment attachment;
    char *path;
    char *media_type;
    char *name;
} attached;

struct exo_request {
    exo_node root;
    exo_node *messages;            /* the member of the root, or NULL */
    const exo_node **messages_end; /* where the next message is linked */
    size_t message_count;
    exo_node *open; /* the last message, if attachments may join it, or NULL */
    exo_role open_role;
    const exo_node **parts_end; /* where its next content part is linked, or NULL: its content is no list yet */
    size_t key_count;           /* members of the root */
    attached *attached;
    size_t attached_count;
    struct {
        size_t place;   /* where the last exo_request_answer() stands among the messages, from 1 on */
        unsigned given; /* how many results its calls without an id have */
        char *function; /* the name of its function_call, or NULL */
    } answer;
    char *folder;
    char *json; /* a copy, which the raw spans of exo_request_from_json() point into; or NULL */
    int error;
};

static const exo_span nothing = {NULL, 0};

/* ---- nodes ---- */

static void *request_take(size_t size)
{
    return exo_heap.resize(exo_heap.ctx, NULL, size);
}

static void request_give_back(void *memory)
{
    exo_heap.resize(exo_heap.ctx, memory, 0);
}

/* The links of the tree are const for those who walk it; every node is ours to change. */
static exo_node *request_owned(const exo_node *node)
{
    return (exo_node *)node;
}

/* A node with copies of `key` and of `text`, which a NUL follows. NULL when memory runs out. */
static exo_node *request_node_new(exo_value_type type, exo_span key, exo_span text)
{
    size_t room = SIZE_MAX - sizeof(cell) - 1;
    cell *made =
        key.len <= room && text.len <= room - key.len ? request_take(sizeof *made + key.len + text.len + 1) : NULL;
    if (!made) {
        return NULL;
    }
    memset(&made->node, 0, sizeof made->node);
    made->node.type = type;
    made->node.key = exo_span_of(made->text, key.len);
    made->node.text = exo_span_of(made->text + key.len, text.len);
    if (key.len > 0) {
        memcpy(made->text, key.ptr, key.len);
    }
    if (text.len > 0) {
        memcpy(made->text + key.len, text.ptr, text.len);
    }
    made->text[key.len + text.len] = '\0';
    return &made->node;
}

/* The same where nothing is copied: both are constants, or outlive the request. */
static exo_node *request_fixed_new(exo_value_type type, const char *key, exo_span text)
{
    exo_node *node = request_take(sizeof(cell));
    if (node) {
        memset(node, 0, sizeof *node);
        node->type = type;
        node->key = exo_span_text(key);
        node->text = text;
    }
    return node;
}

static exo_node *request_string_new(const char *key, exo_span text)
{
    return request_node_new(EXO_VALUE_STRING, exo_span_text(key), text);
}

/* A node that is the JSON text `json`, which is borrowed. */
static exo_node *request_raw_new(exo_span key, exo_span json)
{
    exo_node *node = request_node_new(EXO_VALUE_NULL, key, nothing);
    if (node) {
        node->json = true;
        node->text = json;
    }
    return node;
}

/* Frees a node, those linked behind it, and what is in them. It calls itself once for each of the tree's few levels. */
static void request_nodes_free(const exo_node *node)
{
    while (node) {
        exo_node *next = request_owned(node->next);
        request_nodes_free(node->first);
        request_give_back(request_owned(node));
        node = next;
    }
}

/* Puts `child` at the end of the short list in `parent`. False when there is no child. */
static bool request_add(exo_node *parent, exo_node *child)
{
    const exo_node **link = &parent->first;
    while (*link) {
        link = &request_owned(*link)->next;
    }
    *link = child;
    return child != NULL;
}

/* ---- the request ---- */

/* Notes the first error, and returns it. */
static int request_settle(exo_request *request, int code)
{
    if (code < 0 && request->error == EXO_OK) {
        request->error = code;
    }
    return code;
}

/* What a call on `request` has to return at once, or EXO_OK. */
static int request_before(const exo_request *request)
{
    return request ? request->error : EXO_E_ARGUMENT;
}

/* The link that leads to the top-level member `key`, or the one at the end of the list. */
static const exo_node **request_find(exo_request *request, exo_span key)
{
    const exo_node **link = &request->root.first;
    while (*link && !exo_span_equal((*link)->key, key)) {
        link = &request_owned(*link)->next;
    }
    return link;
}

/* Puts `member` in the place of the one that has its key, or at the end, unless there are too many. */
static int request_put(exo_request *request, exo_node *member)
{
    if (!member) {
        return request_settle(request, EXO_E_NO_MEMORY);
    }
    const exo_node **link = request_find(request, member->key);
    exo_node *old = request_owned(*link);
    if (old) {
        member->next = old->next;
        old->next = NULL;
        request_nodes_free(old);
    } else if (request->key_count == KEYS_MAX) {
        request_nodes_free(member);
        return request_settle(request, EXO_E_KEYS_LIMIT);
    } else {
        request->key_count++;
    }
    *link = member;
    return EXO_OK;
}

exo_request *exo_request_new(const char *model)
{
    exo_request *request = request_take(sizeof *request);
    if (!request) {
        return NULL;
    }
    memset(request, 0, sizeof *request);
    request->root.type = EXO_VALUE_OBJECT;
    if (model && exo_request_set_model(request, model) != EXO_OK) {
        exo_request_free(request);
        return NULL;
    }
    return request;
}

void exo_request_free(exo_request *request)
{
    if (!request) {
        return;
    }
    request_nodes_free(request->root.first);
    for (size_t i = 0; i < request->attached_count; i++) {
        request_give_back(request->attached[i].path);
        request_give_back(request->attached[i].media_type);
        request_give_back(request->attached[i].name);
    }
    request_give_back(request->attached);
    request_give_back(request->answer.function);
    request_give_back(request->folder);
    request_give_back(request->json);
    request_give_back(request);
}

/* The value of a parameter, or NULL. */
static const exo_node *request_parameter(const exo_request *request, const char *key)
{
    const exo_node *node = request ? request->root.first : NULL;
    while (node && !exo_span_is(node->key, key)) {
        node = node->next;
    }
    return node;
}

const char *exo_request_model(const exo_request *request)
{
    const exo_node *node = request_parameter(request, "model");
    return node ? node->text.ptr : "";
}

/* The whole number that a text is, or 0. */
static uint64_t request_whole_number(exo_span text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || number > UINT32_MAX) {
            return 0;
        }
        number = 10 * number + (uint64_t)(text.ptr[i] - '0');
    }
    return number;
}

uint32_t exo_request_choices(const exo_request *request)
{
    const exo_node *node = request_parameter(request, "n");
    uint64_t count = 0;
    if (node && (node->json || node->type == EXO_VALUE_NUMBER)) {
        count = request_whole_number(exo_span_trim(node->text));
    } else if (node && node->type == EXO_VALUE_INT) {
        count = node->number.i > 0 ? (uint64_t)node->number.i : 0;
    } else if (node && node->type == EXO_VALUE_UINT) {
        count = node->number.u;
    }
    return count > 0 && count <= UINT32_MAX ? (uint32_t)count : 1;
}

int exo_request_set_model(exo_request *request, const char *model)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    if (model) {
        return request_put(request, request_string_new("model", exo_span_text(model)));
    }
    const exo_node **link = request_find(request, exo_span_text("model"));
    exo_node *old = request_owned(*link);
    if (old) {
        *link = old->next;
        old->next = NULL;
        request->key_count--;
        request_nodes_free(old);
    }
    return EXO_OK;
}

int exo_request_allow_files(exo_request *request, const char *folder)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    if (!folder || !*folder) {
        return request_settle(request, EXO_E_ARGUMENT);
    }
    char *copy = exo_heap_copy(folder);
    if (!copy) {
        return request_settle(request, EXO_E_NO_MEMORY);
    }
    request_give_back(request->folder);
    request->folder = copy;
    return EXO_OK;
}

int exo_request_error(const exo_request *request)
{
    return request_before(request);
}

size_t exo_request_messages(const exo_request *request)
{
    return request ? request->message_count : 0;
}

const exo_node *exo_request_root(const exo_request *request)
{
    return &request->root;
}

exo_attachment *exo_request_attachment(const exo_request *request, size_t index)
{
    return index < request->attached_count ? &request->attached[index].attachment : NULL;
}

const char *exo_request_folder(const exo_request *request)
{
    return request->folder;
}

/* ---- messages ---- */

/* Makes sure that there is a list of messages. */
static int request_have_messages(exo_request *request)
{
    if (!request->messages) {
        exo_node *messages = request_fixed_new(EXO_VALUE_ARRAY, "messages", nothing);
        int code = request_put(request, messages);
        if (code != EXO_OK) {
            return code;
        }
        request->messages = messages;
        request->messages_end = &messages->first;
    }
    return EXO_OK;
}

/* Links a message to the end, or frees it where it is not `whole`: then memory ran out while it was made. */
static int request_append(exo_request *request, exo_node *message, bool whole)
{
    int code = whole ? request_have_messages(request) : EXO_E_NO_MEMORY;
    if (code != EXO_OK) {
        request_nodes_free(message);
        return request_settle(request, code);
    }
    *request->messages_end = message;
    request->messages_end = &message->next;
    request->message_count++;
    request->open = NULL;
    request->parts_end = NULL;
    return EXO_OK;
}

/* An object with the role, or NULL. */
static exo_node *request_message_new(exo_role role)
{
    static const char *const names[] = {"system", "developer", "user", "assistant", "tool"};
    exo_node *message = request_fixed_new(EXO_VALUE_OBJECT, "", nothing);
    exo_node *word = message ? request_fixed_new(EXO_VALUE_STRING, "role", exo_span_text(names[role])) : NULL;
    if (message && !request_add(message, word)) {
        request_nodes_free(message);
        return NULL;
    }
    return message;
}

static bool request_is_role(exo_role role)
{
    return (unsigned)role <= EXO_TOOL;
}

static bool request_is_span(exo_span span)
{
    return span.ptr || span.len == 0;
}

static int request_begin_message(exo_request *request, exo_role role, exo_span text, bool borrow)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    if (!request_is_role(role) || !request_is_span(text)) {
        return request_settle(request, EXO_E_ARGUMENT);
    }
    exo_node *message = request_message_new(role);
    exo_node *content = !message ? NULL
                        : borrow ? request_fixed_new(EXO_VALUE_STRING, "content", text)
                                 : request_string_new("content", text);
    code = request_append(request, message, message && request_add(message, content));
    if (code == EXO_OK) {
        request->open = message;
        request->open_role = role;
    }
    return code;
}

int exo_request_text(exo_request *request, exo_role role, const char *text)
{
    /* No text is an error, the empty text is not. */
    return request_begin_message(request, role, exo_span_of(text, text ? strlen(text) : 1), false);
}

int exo_request_text_span(exo_request *request, exo_role role, exo_span text)
{
    return request_begin_message(request, role, text, false);
}

int exo_request_text_static(exo_request *request, exo_role role, exo_span text)
{
    return request_begin_message(request, role, text, true);
}

/* The result of a function_call, which has no id: it is known by the function's name. */
static exo_node *request_function_result_new(const char *name)
{
    exo_node *message = request_node_new(EXO_VALUE_OBJECT, nothing, nothing);
    if (message && request_add(message, request_string_new("role", exo_span_text("function"))) &&
        request_add(message, request_string_new("name", exo_span_text(name)))) {
        return message;
    }
    request_nodes_free(message);
    return NULL;
}

static exo_node *request_tool_result_new(exo_request *request, exo_span id)
{
    char made[EXO_MADE_ID_MAX];
    if (id.len == 0 && request->answer.function) {
        return request_function_result_new(request->answer.function);
    }
    if (id.len == 0) {
        exo_request_make_id(made, request->answer.place, request->answer.given++);
        id = exo_span_text(made);
    }
    exo_node *message = request_message_new(EXO_TOOL);
    if (message && request_add(message, request_string_new("tool_call_id", id))) {
        return message;
    }
    request_nodes_free(message);
    return NULL;
}

int exo_request_tool(exo_request *request, exo_span tool_call_id, exo_span text)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    bool named = tool_call_id.len > 0 || request->answer.place > 0;
    if (!request_is_span(tool_call_id) || !request_is_span(text) || !named) {
        return request_settle(request, EXO_E_ARGUMENT);
    }
    exo_node *message = request_tool_result_new(request, tool_call_id);
    return request_append(request, message, message && request_add(message, request_string_new("content", text)));
}

/* Whether `json` is one JSON value of at most `depth` levels, and no key in it stands twice: EXO_OK with its type, or
 * an error. */
static int request_check_json(exo_span json, uint32_t depth, exo_json_type *type)
{
    if (!request_is_span(json)) {
        return EXO_E_ARGUMENT;
    }
    int code = exo_json_check(json, depth, NULL);
    if (code == EXO_OK) {
        exo_json_reader reader;
        exo_json_token token;
        exo_json_reader_init(&reader, json, depth, false);
        exo_json_next(&reader, &token);
        *type = token.type;
        code = exo_json_unique(json, NULL);
    }
    return code;
}

int exo_request_message_json(exo_request *request, exo_span json)
{
    exo_json_type type = EXO_JSON_NULL;
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    code = request_check_json(json, MESSAGE_DEPTH, &type);
    if (code == EXO_OK && type != EXO_JSON_OBJECT) {
        code = EXO_E_REQUEST;
    }
    if (code != EXO_OK) {
        return request_settle(request, code);
    }
    exo_node *message = request_node_new(EXO_VALUE_NULL, nothing, json);
    if (message) {
        message->json = true;
    }
    return request_append(request, message, message != NULL);
}

void exo_request_make_id(char id[EXO_MADE_ID_MAX], size_t place, unsigned number)
{
    snprintf(id, EXO_MADE_ID_MAX, "call_%zu_%u", place, number);
}

int exo_request_append_answer(exo_request *request, exo_span json, exo_span function)
{
    int code = request_before(request);
    char *name = code == EXO_OK && function.len > 0 ? exo_heap_copy_span(function) : NULL;
    if (code == EXO_OK) {
        code = function.len > 0 && !name ? request_settle(request, EXO_E_NO_MEMORY)
                                         : exo_request_message_json(request, json);
    }
    if (code != EXO_OK) {
        request_give_back(name);
        return code;
    }
    request_give_back(request->answer.function);
    request->answer.function = name;
    request->answer.place = request->message_count;
    request->answer.given = 0;
    return EXO_OK;
}

int exo_request_fail(exo_request *request, int code)
{
    int before = request_before(request);
    return before != EXO_OK ? before : request_settle(request, code);
}

/* ---- attachments ---- */

/* Turns the text of a message into the first of its content parts, unless it has parts. False when memory ran out. */
static bool request_make_parts(exo_node *message)
{
    exo_node *role = request_owned(message->first);
    exo_node *content = request_owned(role->next);
    if (content->type == EXO_VALUE_ARRAY) {
        return true;
    }
    exo_node *parts = request_node_new(EXO_VALUE_ARRAY, exo_span_text("content"), nothing);
    exo_node *part = request_node_new(EXO_VALUE_OBJECT, nothing, nothing);
    if (!parts || !part || !request_add(part, request_string_new("type", exo_span_text("text")))) {
        request_nodes_free(parts);
        request_nodes_free(part);
        return false;
    }
    content->key = exo_span_text("text");
    request_add(part, content);
    request_add(parts, part);
    role->next = parts;
    return true;
}

/* The content part that stands for attachment number `index`, or NULL. */
static exo_node *request_part_new(size_t index, const char *media_type)
{
    char handle[24];
    snprintf(handle, sizeof handle, "\x01%zu", index);
    exo_node *part = request_node_new(EXO_VALUE_OBJECT, nothing, nothing);
    if (part && (!request_add(part, request_string_new("_file", exo_span_text(handle))) ||
                 (media_type && !request_add(part, request_string_new("_type", exo_span_text(media_type)))))) {
        request_nodes_free(part);
        return NULL;
    }
    return part;
}

/* Links `part` behind the last one of a message whose content is a list: of one part at most, or of those that were
 * linked here. */
static void request_add_part(exo_request *request, exo_node *message, exo_node *part)
{
    if (message == request->open && request->parts_end) {
        *request->parts_end = part;
    } else {
        request_add(request_owned(message->first->next), part);
    }
}

/* Adds `part`, or frees it where it cannot be added. */
static int request_join(exo_request *request, exo_role role, exo_node *part)
{
    bool joins = request->open && request->open_role == role;
    exo_node *message = joins ? request->open : request_message_new(role);
    bool whole =
        message && (joins ? request_make_parts(message)
                          : request_add(message, request_node_new(EXO_VALUE_ARRAY, exo_span_text("content"), nothing)));
    if (!whole) {
        request_nodes_free(part);
        request_nodes_free(joins ? NULL : message);
        return request_settle(request, EXO_E_NO_MEMORY);
    }
    request_add_part(request, message, part);
    int code = joins ? EXO_OK : request_append(request, message, true);
    if (code == EXO_OK) {
        request->open = message;
        request->open_role = role;
        request->parts_end = &part->next;
    }
    return code;
}

static bool request_copy_text(char **copy, const char **text)
{
    *copy = exo_heap_copy(*text);
    bool copied = *copy || !*text;
    *text = *copy;
    return copied;
}

/* Keeps a copy of `attachment`; its number is the count before. */
static bool request_keep(exo_request *request, const exo_attachment *attachment)
{
    size_t count = request->attached_count;
    if ((count & (count - 1)) == 0) {
        size_t size = (count ? count * 2 : 1) * sizeof *request->attached;
        attached *grown = exo_heap.resize(exo_heap.ctx, request->attached, size);
        if (!grown) {
            return false;
        }
        request->attached = grown;
    }
    attached *kept = &request->attached[request->attached_count++];
    kept->attachment = *attachment;
    bool copied = request_copy_text(&kept->path, &kept->attachment.path);
    copied = request_copy_text(&kept->media_type, &kept->attachment.media_type) && copied;
    return request_copy_text(&kept->name, &kept->attachment.name) && copied;
}

/* A media type goes into a data URL: visible ASCII, with a slash. */
static bool request_is_media_type(const char *text)
{
    if (!text) {
        return true;
    }
    const char *at = text;
    while (*at >= ' ' && *at < 0x7F && *at != '"' && *at != '\\') {
        at++;
    }
    return !*at && (size_t)(at - text) <= EXO_MEDIA_TYPE_MAX && strchr(text, '/') && *text != '/';
}

/* `given` says that there is something to attach. */
static int request_attach(exo_request *request, exo_role role, const exo_attachment *attachment, bool given)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    bool ranged = attachment->length <= INT64_MAX && attachment->offset <= INT64_MAX - attachment->length;
    if (!request_is_role(role) || !given || !ranged || !request_is_media_type(attachment->media_type)) {
        return request_settle(request, EXO_E_ARGUMENT);
    }
    exo_node *part = request_keep(request, attachment)
                         ? request_part_new(request->attached_count - 1, attachment->media_type)
                         : NULL;
    return part ? request_join(request, role, part) : request_settle(request, EXO_E_NO_MEMORY);
}

int exo_request_file(exo_request *request, exo_role role, const char *path, const char *media_type)
{
    exo_attachment attachment = {0};
    attachment.path = path;
    attachment.media_type = media_type;
    return request_attach(request, role, &attachment, path && *path);
}

int exo_request_file_range(exo_request *request, exo_role role, const char *path, uint64_t offset, uint64_t length,
                           const char *media_type)
{
    exo_attachment attachment = {0};
    attachment.path = path;
    attachment.range = true;
    attachment.offset = offset;
    attachment.length = length;
    attachment.media_type = media_type;
    return request_attach(request, role, &attachment, path && *path);
}

int exo_request_bytes(exo_request *request, exo_role role, exo_span bytes, const char *media_type, const char *name)
{
    exo_attachment attachment = {0};
    attachment.bytes = bytes;
    attachment.media_type = media_type;
    attachment.name = name;
    return request_attach(request, role, &attachment, request_is_span(bytes));
}

int exo_request_source(exo_request *request, exo_role role, const exo_source *source, const char *media_type,
                       const char *name)
{
    exo_attachment attachment = {0};
    attachment.source = source;
    attachment.media_type = media_type;
    attachment.name = name;
    return request_attach(request, role, &attachment, source && source->read);
}

/* ---- parameters ---- */

/* What a parameter's call has to return at once, or EXO_OK. */
static int request_before_parameter(exo_request *request, const char *key)
{
    int code = request_before(request);
    if (code != EXO_OK) {
        return code;
    }
    bool allowed =
        key && *key && strcmp(key, "model") != 0 && strcmp(key, "messages") != 0 && strcmp(key, "stream") != 0;
    return allowed ? EXO_OK : request_settle(request, EXO_E_ARGUMENT);
}

int exo_request_string(exo_request *request, const char *key, const char *value)
{
    int code = request_before_parameter(request, key);
    if (code == EXO_OK && !value) {
        code = request_settle(request, EXO_E_ARGUMENT);
    }
    return code == EXO_OK ? request_put(request, request_string_new(key, exo_span_text(value))) : code;
}

int exo_request_int(exo_request *request, const char *key, int64_t value)
{
    int code = request_before_parameter(request, key);
    if (code != EXO_OK) {
        return code;
    }
    exo_node *node = request_node_new(EXO_VALUE_INT, exo_span_text(key), nothing);
    if (node) {
        node->number.i = value;
    }
    return request_put(request, node);
}

int exo_request_bool(exo_request *request, const char *key, bool value)
{
    int code = request_before_parameter(request, key);
    if (code != EXO_OK) {
        return code;
    }
    return request_put(request,
                       request_node_new(value ? EXO_VALUE_TRUE : EXO_VALUE_FALSE, exo_span_text(key), nothing));
}

/* Writes the shortest decimal that reads back as `value`. printf() and strtod() agree on the locale's decimal point,
 * whatever bytes it has; afterwards those become the one that JSON has. */
static void request_format_double(char *text, size_t size, double value)
{
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        snprintf(text, size, "%.0f", value);
        return;
    }
    int digits = 0;
    do {
        snprintf(text, size, "%.*g", ++digits, value);
    } while (strtod(text, NULL) != value);
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (strchr("0123456789+-e", *in)) {
            *out++ = *in;
        } else if (out[-1] != '.') {
            *out++ = '.';
        }
    }
    *out = '\0';
}

int exo_request_double(exo_request *request, const char *key, double value)
{
    char text[48];
    int code = request_before_parameter(request, key);
    if (code != EXO_OK) {
        return code;
    }
    if (!isfinite(value)) {
        return request_settle(request, EXO_E_NUMBER);
    }
    request_format_double(text, sizeof text, value);
    return request_put(request, request_node_new(EXO_VALUE_NUMBER, exo_span_text(key), exo_span_text(text)));
}

int exo_request_json(exo_request *request, const char *key, exo_span json)
{
    exo_json_type type;
    int code = request_before_parameter(request, key);
    if (code != EXO_OK) {
        return code;
    }
    code = request_check_json(json, PARAMETER_DEPTH, &type);
    if (code != EXO_OK) {
        return request_settle(request, code);
    }
    exo_node *node = request_node_new(EXO_VALUE_NULL, exo_span_text(key), json);
    if (node) {
        node->json = true;
    }
    return request_put(request, node);
}

/* ---- from JSON ---- */

typedef struct reading {
    exo_request *request;
    exo_json_reader reader;
    const char *refused; /* where something begins that is JSON, and yet wrong; or NULL */
} reading;

/* An error that the reader does not know of, at the token or value that begins at `from`. */
static int request_refuse(reading *r, const char *from, int code)
{
    r->refused = from;
    return code;
}

/* Reads the elements of the array whose bracket was just read, each an object. */
static int request_read_messages(reading *r)
{
    exo_json_token end;
    exo_span raw;
    int code;
    code = request_have_messages(r->request);
    if (code != EXO_OK) {
        return code;
    }
    while ((code = exo_json_skip(&r->reader, &raw)) == EXO_OK) {
        if (raw.ptr[0] != '{') {
            return request_refuse(r, raw.ptr, EXO_E_REQUEST);
        }
        exo_node *message = request_raw_new(nothing, raw);
        code = request_append(r->request, message, message != NULL);
        if (code != EXO_OK) {
            return code;
        }
    }
    if (code == EXO_NOT_FOUND) {
        code = exo_json_next(&r->reader, &end);
    }
    return code < 0 ? code : EXO_OK;
}

/* Copies the decoded text of a token over the copy of it that a node holds, which is never shorter. */
static exo_span request_decode(const exo_json_token *token, exo_span held)
{
    char *text = (char *)held.ptr;
    return exo_span_of(text, exo_json_copy(token, text, held.len + 1));
}

static int request_read_model(reading *r)
{
    exo_json_token token;
    int code = exo_json_next(&r->reader, &token);
    if (code < 0) {
        return code;
    }
    if (token.type != EXO_JSON_STRING) {
        return request_refuse(r, token.raw.ptr, EXO_E_REQUEST);
    }
    exo_node *node = request_string_new("model", token.text);
    if (!node) {
        return EXO_E_NO_MEMORY;
    }
    node->text = request_decode(&token, node->text);
    code = request_put(r->request, node);
    if (code != EXO_OK) {
        return code;
    }
    return strlen(node->text.ptr) == node->text.len ? EXO_OK : request_refuse(r, token.raw.ptr, EXO_E_REQUEST);
}

/* Reads the value of a key that has no meaning here, as it stands. */
static int request_read_parameter(reading *r, const exo_json_token *key)
{
    exo_span raw;
    int code = exo_json_skip(&r->reader, &raw);
    if (code != EXO_OK) {
        return code;
    }
    exo_node *node = request_raw_new(key->text, raw);
    if (!node) {
        return EXO_E_NO_MEMORY;
    }
    node->key = request_decode(key, node->key);
    if (*request_find(r->request, node->key)) {
        request_nodes_free(node);
        return request_refuse(r, key->raw.ptr, EXO_E_DUPLICATE_KEY);
    }
    return request_put(r->request, node);
}

static int request_read_member(reading *r, const exo_json_token *key)
{
    exo_json_token token;
    bool model = exo_json_is(key, "model");
    if (!model && !exo_json_is(key, "messages")) {
        return request_read_parameter(r, key);
    }
    if (*request_find(r->request, exo_span_text(model ? "model" : "messages"))) {
        return request_refuse(r, key->raw.ptr, EXO_E_DUPLICATE_KEY);
    }
    if (model) {
        return request_read_model(r);
    }
    int code = exo_json_next(&r->reader, &token);
    if (code == EXO_EVENT && token.type != EXO_JSON_ARRAY) {
        return request_refuse(r, token.raw.ptr, EXO_E_REQUEST);
    }
    return code < 0 ? code : request_read_messages(r);
}

static int request_read_object(reading *r)
{
    exo_json_token token;
    for (unsigned keys = 0;; keys++) {
        int code = exo_json_next(&r->reader, &token);
        if (code < 0) {
            return code;
        }
        if (token.type == EXO_JSON_OBJECT_END) {
            return EXO_OK;
        }
        code = keys < KEYS_MAX ? request_read_member(r, &token) : request_refuse(r, token.raw.ptr, EXO_E_KEYS_LIMIT);
        if (code != EXO_OK) {
            return code;
        }
    }
}

/* Looks for keys that stand twice in what was read, and found to be JSON. */
static int request_check_keys(reading *r, exo_span json)
{
    size_t at;
    int code = exo_json_unique(json, &at);
    return code == EXO_OK ? code : request_refuse(r, json.ptr + at, code);
}

static int read_request(reading *r)
{
    exo_json_token token;
    int code = exo_json_next(&r->reader, &token);
    if (code < 0) {
        return code;
    }
    if (token.type == EXO_JSON_OBJECT) {
        code = request_read_object(r);
    } else if (token.type == EXO_JSON_ARRAY) {
        code = request_read_messages(r);
    } else {
        return request_refuse(r, token.raw.ptr, EXO_E_REQUEST);
    }
    return code == EXO_OK ? exo_json_next(&r->reader, &token) : code;
}

exo_request *exo_request_from_json(const char *model, exo_span json, int *error, size_t *offset)
{
    reading r;
    memset(&r, 0, sizeof r);
    r.request = exo_request_new(NULL);
    int code = request_is_span(json) ? EXO_E_NO_MEMORY : EXO_E_ARGUMENT;
    if (r.request && request_is_span(json) && (r.request->json = exo_heap_copy_span(json)) != NULL) {
        exo_span copy = exo_span_of(r.request->json, json.len);
        exo_json_reader_init(&r.reader, copy, EXO_JSON_DEPTH_MAX, false);
        code = read_request(&r);
        code = code == EXO_OK ? request_check_keys(&r, copy) : code;
    }
    if (code == EXO_OK && model) {
        code = exo_request_set_model(r.request, model);
    }
    if (error) {
        *error = code;
    }
    if (offset) {
        *offset = r.refused ? (size_t)(r.refused - r.request->json) : r.reader.at;
    }
    if (code != EXO_OK) {
        exo_request_free(r.request);
        return NULL;
    }
    return r.request;
}
