/*
 * config_yaml.c: see config_yaml.h.
 *
 * config.c calls it. The text is gone through twice: once as events, which still show tags and how deep it goes, and
 * once as a document. Memory: libyaml's, for a text that is bounded; a recursion is never deeper than
 * EXO_YAML_DEPTH_MAX.
 */
#include "config_yaml.h"

#include "config_names.h"
#include "heap.h"

#include "exochat/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- errors ---- */

unsigned exo_yaml_line(const yaml_node_t *node)
{
    return (unsigned)node->start_mark.line + 1;
}

bool exo_yaml_fail(exo_yaml *yaml, unsigned line, const char *format, ...)
{
    va_list arguments;
    int len = snprintf(yaml->message, yaml->size, "%s:%u: %s%s", yaml->name, line, yaml->path,
                       yaml->path_len > 0 ? ": " : "");
    if (len >= 0 && (size_t)len < yaml->size) {
        va_start(arguments, format);
        vsnprintf(yaml->message + len, yaml->size - (size_t)len, format, arguments);
        va_end(arguments);
    }
    return false;
}

/* Appends to the path what fits of it and can be printed. */
static void doc_append(exo_yaml *yaml, const char *text)
{
    for (; *text && yaml->path_len < sizeof yaml->path - 1; text++) {
        bool control = (unsigned char)*text < ' ' || *text == 0x7F;
        yaml->path[yaml->path_len++] = control ? '?' : *text;
    }
    yaml->path[yaml->path_len] = '\0';
}

size_t exo_yaml_enter(exo_yaml *yaml, const char *key)
{
    size_t before = yaml->path_len;
    doc_append(yaml, before > 0 ? "." : "");
    doc_append(yaml, key);
    return before;
}

void exo_yaml_leave(exo_yaml *yaml, size_t path_len)
{
    yaml->path_len = path_len;
    yaml->path[path_len] = '\0';
}

/* ---- opening ---- */

static bool doc_fail_syntax(exo_yaml *yaml, const yaml_parser_t *parser, exo_span text)
{
    size_t line = parser->problem_mark.line;
    if (parser->error == YAML_MEMORY_ERROR) {
        return exo_yaml_fail(yaml, 1, "out of memory");
    }
    if (parser->error == YAML_READER_ERROR) {
        line = 0;
        for (size_t i = 0; i < parser->problem_offset && i < text.len; i++) {
            line += text.ptr[i] == '\n';
        }
    }
    return exo_yaml_fail(yaml, (unsigned)line + 1, "not valid YAML: %s%s%s", parser->context ? parser->context : "",
                         parser->context ? ", " : "", parser->problem ? parser->problem : "unknown error");
}

static bool doc_has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        /* The tag `!` alone shows only in that a plain scalar may not be taken for one. */
        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return event->data.scalar.tag || (plain && !event->data.scalar.plain_implicit);
    }
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag;
    default:
        return false;
    }
}

static int doc_depth_change(yaml_event_type_t type)
{
    if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) {
        return 1;
    }
    return type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT ? -1 : 0;
}

/* What there was so far of what a document is written with. */
typedef struct written {
    unsigned documents;
    unsigned values; /* and keys */
    unsigned anchors;
    int depth;
} written;

static void doc_count(written *so_far, const yaml_event_t *event)
{
    bool anchored = false;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchored = event->data.scalar.anchor != NULL;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchored = event->data.sequence_start.anchor != NULL;
        break;
    case YAML_MAPPING_START_EVENT:
        anchored = event->data.mapping_start.anchor != NULL;
        break;
    case YAML_ALIAS_EVENT:
        break;
    default:
        so_far->documents += event->type == YAML_DOCUMENT_START_EVENT;
        so_far->depth += doc_depth_change(event->type);
        return;
    }
    so_far->values++;
    so_far->anchors += anchored;
    so_far->depth += doc_depth_change(event->type);
}

/* Refuses what a document does not show any more, or what it should not be made of. */
static bool doc_check_event(exo_yaml *yaml, const yaml_event_t *event, const written *so_far)
{
    unsigned line = (unsigned)event->start_mark.line + 1;
    if (doc_has_tag(event)) {
        return exo_yaml_fail(yaml, line, "tags (! and !!) are not supported");
    }
    if (so_far->documents > 1) {
        return exo_yaml_fail(yaml, line, "expected one document, and a second one begins here");
    }
    if (so_far->depth > EXO_YAML_DEPTH_MAX) {
        return exo_yaml_fail(yaml, line, "nested deeper than %d levels", EXO_YAML_DEPTH_MAX);
    }
    if (so_far->values > EXO_YAML_WRITTEN_MAX + 1) { /* the document itself is none of them */
        return exo_yaml_fail(yaml, line, "more than %d keys and values", EXO_YAML_WRITTEN_MAX);
    }
    if (so_far->anchors > EXO_YAML_ANCHORS_MAX) {
        return exo_yaml_fail(yaml, line, "more than %d anchors (&name)", EXO_YAML_ANCHORS_MAX);
    }
    return true;
}

/* Looks at the lines that begin with %: libyaml reads all directives before the first event shows. */
static bool doc_check_directives(exo_yaml *yaml, exo_span text)
{
    unsigned directives = 0;
    unsigned line = 1;
    for (size_t i = 0; i < text.len; i++) {
        char before = i > 0 ? text.ptr[i - 1] : '\n';
        bool begins = before == '\n' || (before == '\r' && text.ptr[i] != '\n');
        line += begins && i > 0;
        directives += begins && text.ptr[i] == '%';
        if (directives > EXO_YAML_DIRECTIVES_MAX) {
            return exo_yaml_fail(yaml, line, "more than %d lines that begin with %%", EXO_YAML_DIRECTIVES_MAX);
        }
    }
    return true;
}

static bool doc_begin_parser(exo_yaml *yaml, yaml_parser_t *parser, exo_span text)
{
    if (!yaml_parser_initialize(parser)) {
        return exo_yaml_fail(yaml, 1, "out of memory");
    }
    yaml_parser_set_input_string(parser, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
    return true;
}

/* The parser has copies of the text, and the text may hold a key. */
static void doc_end_parser(yaml_parser_t *parser)
{
    if (parser->raw_buffer.start) {
        exo_heap_wipe(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    }
    if (parser->buffer.start) {
        exo_heap_wipe(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    }
    yaml_parser_delete(parser);
}

static bool doc_check_events(exo_yaml *yaml, exo_span text)
{
    yaml_parser_t parser;
    yaml_event_t event;
    written so_far = {0, 0, 0, 0};
    bool good = doc_begin_parser(yaml, &parser, text);
    if (!good) {
        return false;
    }
    yaml_event_type_t type = YAML_NO_EVENT;
    while (good && type != YAML_STREAM_END_EVENT) {
        if (!yaml_parser_parse(&parser, &event)) {
            good = doc_fail_syntax(yaml, &parser, text);
            break;
        }
        type = event.type;
        doc_count(&so_far, &event);
        good = doc_check_event(yaml, &event, &so_far);
        if (type == YAML_SCALAR_EVENT) {
            exo_heap_wipe(event.data.scalar.value, event.data.scalar.length);
        }
        yaml_event_delete(&event);
    }
    doc_end_parser(&parser);
    return good;
}

bool exo_yaml_open(exo_yaml *yaml, exo_span text)
{
    yaml_parser_t parser;
    memset(&yaml->document, 0, sizeof yaml->document);
    yaml->nodes = 0;
    yaml->depth = 0;
    exo_yaml_leave(yaml, 0);
    if (text.len > EXO_YAML_BYTES_MAX) {
        return exo_yaml_fail(yaml, 1, "larger than %zu bytes", EXO_YAML_BYTES_MAX);
    }
    if (!doc_check_directives(yaml, text) || !doc_check_events(yaml, text) || !doc_begin_parser(yaml, &parser, text)) {
        return false;
    }
    bool good = yaml_parser_load(&parser, &yaml->document) || doc_fail_syntax(yaml, &parser, text);
    doc_end_parser(&parser);
    if (good && !yaml_document_get_root_node(&yaml->document)) {
        return exo_yaml_fail(yaml, 1, "is empty");
    }
    return good;
}

void exo_yaml_close(exo_yaml *yaml)
{
    for (yaml_node_t *node = yaml->document.nodes.start; node && node < yaml->document.nodes.top; node++) {
        if (node->type == YAML_SCALAR_NODE) {
            exo_heap_wipe(node->data.scalar.value, node->data.scalar.length);
        }
    }
    yaml_document_delete(&yaml->document);
}

/* ---- mappings and lists ---- */

static const char *doc_kind_of(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE ? "a mapping" : node->type == YAML_SEQUENCE_NODE ? "a list" : "a scalar";
}

/* Enters a mapping or list. Aliases can make both bounds necessary again: a value can even hold itself. */
static bool doc_descend(exo_yaml *yaml, const yaml_node_t *node, yaml_node_type_t type, const char *expected)
{
    if (node->type != type) {
        return exo_yaml_fail(yaml, exo_yaml_line(node), "expected %s, not %s", expected, doc_kind_of(node));
    }
    if (++yaml->depth > EXO_YAML_DEPTH_MAX) {
        return exo_yaml_fail(yaml, exo_yaml_line(node), "nested deeper than %d levels", EXO_YAML_DEPTH_MAX);
    }
    return true;
}

static bool doc_visit(exo_yaml *yaml, exo_yaml_each *each, void *ctx, const char *key, unsigned line,
                      yaml_node_t *value)
{
    if (++yaml->nodes > EXO_YAML_NODES_MAX) {
        return exo_yaml_fail(yaml, line, "more than %d values, aliases counted as often as they are used",
                             EXO_YAML_NODES_MAX);
    }
    return each(ctx, key, line, value);
}

static const char *doc_scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* Whether a node is a scalar without quotes. */
static bool doc_is_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool doc_is_key(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && strlen(doc_scalar_text(node)) == node->data.scalar.length;
}

/* A key that stands twice: the number of its second pair, and the line of its first. */
typedef struct repetition {
    size_t number;
    unsigned first_line;
} repetition;

/* Looks for the first key that stands twice; `number` is SIZE_MAX where none does. False: memory has run out. */
static bool doc_find_repetition(exo_yaml *yaml, const yaml_node_t *mapping, repetition *found)
{
    const yaml_node_pair_t *pairs = mapping->data.mapping.pairs.start;
    size_t count = (size_t)(mapping->data.mapping.pairs.top - pairs);
    size_t texts = 0;
    exo_config_name *names = exo_config_names_new(count);
    *found = (repetition){SIZE_MAX, 0};
    if (!names) {
        return exo_yaml_fail(yaml, exo_yaml_line(mapping), "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = yaml_document_get_node(&yaml->document, pairs[i].key);
        if (doc_is_key(key)) {
            names[texts].text = doc_scalar_text(key);
            names[texts++].number = i;
        }
    }
    exo_config_names_sort(names, texts);
    const exo_config_name *twice = exo_config_names_twice(names, texts);
    if (twice) {
        found->number = twice->number;
        found->first_line = exo_yaml_line(yaml_document_get_node(&yaml->document, pairs[twice[-1].number].key));
    }
    exo_heap.resize(exo_heap.ctx, names, 0);
    return true;
}

/* Checks a key, and appends it to the path. */
static bool doc_enter_key(exo_yaml *yaml, const yaml_node_t *key)
{
    unsigned line = exo_yaml_line(key);
    if (!doc_is_key(key)) {
        return exo_yaml_fail(yaml, line, "a key must be text without NUL");
    }
    exo_yaml_enter(yaml, doc_scalar_text(key));
    if (doc_is_plain(key) && strcmp(doc_scalar_text(key), "<<") == 0) {
        return exo_yaml_fail(yaml, line, "merge keys are not supported");
    }
    return true;
}

bool exo_yaml_pairs(exo_yaml *yaml, yaml_node_t *node, exo_yaml_each *each, void *ctx)
{
    repetition twice;
    if (!doc_descend(yaml, node, YAML_MAPPING_NODE, "a mapping (key: value)") ||
        !doc_find_repetition(yaml, node, &twice)) {
        return false;
    }
    size_t path_len = yaml->path_len;
    yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - pairs);
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *key = yaml_document_get_node(&yaml->document, pairs[i].key);
        yaml_node_t *value = yaml_document_get_node(&yaml->document, pairs[i].value);
        unsigned line = exo_yaml_line(key);
        if (!doc_enter_key(yaml, key)) {
            return false;
        }
        if (i == twice.number) {
            return exo_yaml_fail(yaml, line, "stands twice, first in line %u", twice.first_line);
        }
        if (!doc_visit(yaml, each, ctx, doc_scalar_text(key), line, value)) {
            return false;
        }
        exo_yaml_leave(yaml, path_len);
    }
    yaml->depth--;
    return true;
}

bool exo_yaml_items(exo_yaml *yaml, yaml_node_t *node, exo_yaml_each *each, void *ctx)
{
    if (!doc_descend(yaml, node, YAML_SEQUENCE_NODE, "a list")) {
        return false;
    }
    size_t path_len = yaml->path_len;
    yaml_node_item_t *items = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - items);
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *value = yaml_document_get_node(&yaml->document, items[i]);
        char index[24];
        snprintf(index, sizeof index, "[%zu]", i);
        doc_append(yaml, index);
        if (!doc_visit(yaml, each, ctx, NULL, exo_yaml_line(value), value)) {
            return false;
        }
        exo_yaml_leave(yaml, path_len);
    }
    yaml->depth--;
    return true;
}

/* ---- scalars ---- */

static bool doc_is_null(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

/* Text that is measured where `out` is NULL, and otherwise written, up to `size` bytes. Two passes leave no copies of a
 * key behind, as growing would. */
typedef struct expansion {
    char *out;
    size_t size;
    size_t len;
} expansion;

static void doc_put(expansion *e, const char *text, size_t len)
{
    if (e->out && len <= e->size - e->len) {
        memcpy(e->out + e->len, text, len);
        e->len += len;
    } else if (!e->out) {
        e->len += len;
    }
}

/* Replaces the `${NAME}` at `*at`, and moves behind it. */
static bool doc_put_variable(exo_yaml *yaml, unsigned line, const char **at, expansion *e)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    char name[128];
    const char *begin = *at + 2;
    size_t len = strspn(begin, letters);
    if (len == 0 || len >= sizeof name || begin[len] != '}') {
        return exo_yaml_fail(yaml, line, "expected ${NAME}, the name of an environment variable ($${ stands for ${)");
    }
    memcpy(name, begin, len);
    name[len] = '\0';
    const char *value = yaml->environment(yaml->environment_ctx, name);
    if (!value) {
        return exo_yaml_fail(yaml, line, "the environment variable %s is not set", name);
    }
    doc_put(e, value, strlen(value));
    *at = begin + len + 1;
    return true;
}

static bool doc_expand(exo_yaml *yaml, unsigned line, const char *text, expansion *e)
{
    while (*text) {
        if (strncmp(text, "$${", 3) == 0) {
            doc_put(e, "${", 2);
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            if (!doc_put_variable(yaml, line, &text, e)) {
                return false;
            }
        } else {
            doc_put(e, text++, 1);
        }
    }
    return true;
}

static char *doc_expanded(exo_yaml *yaml, yaml_node_t *node)
{
    unsigned line = exo_yaml_line(node);
    expansion e = {NULL, 0, 0};
    if (strlen(doc_scalar_text(node)) != node->data.scalar.length) {
        exo_yaml_fail(yaml, line, "may not hold NUL");
        return NULL;
    }
    if (!doc_expand(yaml, line, doc_scalar_text(node), &e)) {
        return NULL;
    }
    if (e.len > EXO_YAML_TEXT_MAX) {
        exo_yaml_fail(yaml, line, "longer than %d bytes", EXO_YAML_TEXT_MAX);
        return NULL;
    }
    e.size = e.len;
    e.out = exo_heap.resize(exo_heap.ctx, NULL, e.size + 1);
    e.len = 0;
    if (!e.out) {
        exo_yaml_fail(yaml, line, "out of memory");
        return NULL;
    }
    memset(e.out, 0, e.size + 1);
    doc_expand(yaml, line, doc_scalar_text(node), &e);
    return e.out;
}

char *exo_yaml_text(exo_yaml *yaml, yaml_node_t *node, const char *expected)
{
    if (node->type != YAML_SCALAR_NODE) {
        exo_yaml_fail(yaml, exo_yaml_line(node), "expected %s, not %s", expected, doc_kind_of(node));
        return NULL;
    }
    if (doc_is_plain(node) && doc_is_null(doc_scalar_text(node))) {
        exo_yaml_fail(yaml, exo_yaml_line(node), "has no value; expected %s", expected);
        return NULL;
    }
    return doc_expanded(yaml, node);
}

/* ---- JSON ---- */

typedef struct json_out {
    exo_yaml *yaml;
    exo_buffer *out;
    bool first; /* no comma before the next member */
} json_out;

static int doc_append_piece(void *out, exo_span piece)
{
    return exo_buffer_append(out, piece);
}

static bool doc_has_put(exo_yaml *yaml, unsigned line, int code)
{
    return code == EXO_OK || exo_yaml_fail(yaml, line, code == EXO_E_NO_MEMORY ? "out of memory" : "too large as JSON");
}

static bool doc_put_json(exo_yaml *yaml, unsigned line, exo_buffer *out, exo_span text)
{
    return doc_has_put(yaml, line, exo_buffer_append(out, text));
}

static bool doc_put_string(exo_yaml *yaml, unsigned line, exo_buffer *out, const char *text)
{
    return doc_has_put(yaml, line, exo_json_string_put(exo_span_text(text), doc_append_piece, out));
}

/* A decimal number of the core schema, in pieces. */
typedef struct decimal {
    bool negative;
    bool point;
    exo_span whole; /* without zeros at its start */
    exo_span fraction;
    exo_span exponent; /* sign and digits */
} decimal;

static exo_span doc_digits_at(const char *text)
{
    return exo_span_of(text, strspn(text, "0123456789"));
}

static bool doc_read_decimal(const char *text, decimal *number)
{
    memset(number, 0, sizeof *number);
    number->negative = *text == '-';
    text += *text == '-' || *text == '+';
    number->whole = doc_digits_at(text);
    text += number->whole.len;
    number->point = *text == '.';
    number->fraction = doc_digits_at(text + number->point);
    text += number->point + number->fraction.len;
    if (number->whole.len + number->fraction.len == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        size_t sign = text[1] == '-' || text[1] == '+';
        exo_span digits = doc_digits_at(text + 1 + sign);
        number->exponent = exo_span_of(text + 1, sign + digits.len);
        if (digits.len == 0) {
            return false;
        }
        text += 1 + number->exponent.len;
    }
    while (number->whole.len > 1 && number->whole.ptr[0] == '0') {
        number->whole = exo_span_of(number->whole.ptr + 1, number->whole.len - 1);
    }
    return *text == '\0';
}

static bool doc_put_decimal(exo_yaml *yaml, unsigned line, exo_buffer *out, const decimal *number)
{
    exo_span zero = exo_span_text("0");
    return (!number->negative || doc_put_json(yaml, line, out, exo_span_text("-"))) &&
           doc_put_json(yaml, line, out, number->whole.len > 0 ? number->whole : zero) &&
           (!number->point || (doc_put_json(yaml, line, out, exo_span_text(".")) &&
                               doc_put_json(yaml, line, out, number->fraction.len > 0 ? number->fraction : zero))) &&
           (number->exponent.len == 0 ||
            (doc_put_json(yaml, line, out, exo_span_text("e")) && doc_put_json(yaml, line, out, number->exponent)));
}

/* The base of 0o17 and 0x1F, or 0. */
static int doc_base_of(const char *text)
{
    if (text[0] != '0' || (text[1] != 'o' && text[1] != 'x')) {
        return 0;
    }
    const char *digits = text[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF";
    size_t len = strspn(text + 2, digits);
    return len > 0 && !text[2 + len] ? (text[1] == 'o' ? 8 : 16) : 0;
}

static bool doc_put_based(exo_yaml *yaml, unsigned line, exo_buffer *out, const char *text)
{
    char number[EXO_JSON_INTEGER_MAX];
    size_t zeros = strspn(text + 2, "0");
    if (strlen(text + 2 + zeros) > (text[1] == 'o' ? 21 : 16)) {
        return exo_yaml_fail(yaml, line, "the number does not fit 64 bits");
    }
    size_t len = exo_json_write_uint64(number, strtoull(text + 2, NULL, doc_base_of(text)));
    return doc_put_json(yaml, line, out, exo_span_of(number, len));
}

/* Whether `text` is one of `word` in lower case, with a capital, or in capitals: those spellings the schema allows. */
static bool doc_is_word(const char *text, const char *lower, const char *capital, const char *upper)
{
    return strcmp(text, lower) == 0 || strcmp(text, capital) == 0 || strcmp(text, upper) == 0;
}

static bool doc_put_plain(exo_yaml *yaml, unsigned line, exo_buffer *out, const char *text)
{
    decimal number;
    if (doc_is_null(text)) {
        return doc_put_json(yaml, line, out, exo_span_text("null"));
    }
    if (doc_is_word(text, "true", "True", "TRUE")) {
        return doc_put_json(yaml, line, out, exo_span_text("true"));
    }
    if (doc_is_word(text, "false", "False", "FALSE")) {
        return doc_put_json(yaml, line, out, exo_span_text("false"));
    }
    if (doc_base_of(text)) {
        return doc_put_based(yaml, line, out, text);
    }
    if (doc_read_decimal(text, &number)) {
        return doc_put_decimal(yaml, line, out, &number);
    }
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    if (doc_is_word(unsigned_text, ".inf", ".Inf", ".INF") || doc_is_word(text, ".nan", ".NaN", ".NAN")) {
        return exo_yaml_fail(yaml, line, "JSON has no infinity and no NaN; quoted, it is text");
    }
    return doc_put_string(yaml, line, out, text);
}

static bool doc_put_scalar(exo_yaml *yaml, yaml_node_t *node, exo_buffer *out)
{
    char *text = doc_expanded(yaml, node);
    if (!text) {
        return false;
    }
    unsigned line = exo_yaml_line(node);
    bool good = doc_is_plain(node) ? doc_put_plain(yaml, line, out, text) : doc_put_string(yaml, line, out, text);
    exo_heap_free_secret(text);
    return good;
}

static bool doc_put_member(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    json_out *json = ctx;
    if (!json->first && !doc_put_json(json->yaml, line, json->out, exo_span_text(","))) {
        return false;
    }
    json->first = false;
    if (key && (!doc_put_string(json->yaml, line, json->out, key) ||
                !doc_put_json(json->yaml, line, json->out, exo_span_text(":")))) {
        return false;
    }
    return exo_yaml_json(json->yaml, value, json->out);
}

bool exo_yaml_json(exo_yaml *yaml, yaml_node_t *node, exo_buffer *out)
{
    json_out json = {yaml, out, true};
    unsigned line = exo_yaml_line(node);
    switch (node->type) {
    case YAML_MAPPING_NODE:
        return doc_put_json(yaml, line, out, exo_span_text("{")) && exo_yaml_pairs(yaml, node, doc_put_member, &json) &&
               doc_put_json(yaml, line, out, exo_span_text("}"));
    case YAML_SEQUENCE_NODE:
        return doc_put_json(yaml, line, out, exo_span_text("[")) && exo_yaml_items(yaml, node, doc_put_member, &json) &&
               doc_put_json(yaml, line, out, exo_span_text("]"));
    default:
        return doc_put_scalar(yaml, node, out);
    }
}
