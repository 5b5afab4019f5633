/*
 * config_values.c: see config_values.h, and exo_parse_duration() of config.h. Called by config.c. Memory: what the
 * values say.
 */
#include "config_values.h"

#include "deployment.h"
#include "heap.h"

#include <stdlib.h>

/* The longest time that can be set: a day. */
#define TIME_MAX_MS INT64_C(86400000)

#define COUNT_MAX 1000000

/* ---- the nearest known word ---- */

static size_t value_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters have to be put in, taken out or exchanged to make one word of the other (Levenshtein), below
 * EXO_CONFIG_FAR. */
static size_t value_steps_between(const char *a, const char *b)
{
    size_t row[EXO_CONFIG_FAR];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len >= EXO_CONFIG_FAR || b_len >= EXO_CONFIG_FAR) {
        return EXO_CONFIG_FAR;
    }
    for (size_t k = 0; k <= b_len; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t exchanged = corner + (a[i - 1] != b[k - 1]);
            corner = row[k];
            row[k] = value_least(exchanged, value_least(row[k], row[k - 1]) + 1);
        }
    }
    return row[b_len];
}

size_t exo_config_propose(const char *word, const char *candidate, size_t distance, const char **nearest)
{
    size_t steps = value_steps_between(word, candidate);
    if (steps >= distance || steps > (strlen(candidate) + 1) / 3) {
        return distance;
    }
    *nearest = candidate;
    return steps;
}

/* ---- words and numbers ---- */

/* The number in `text` times `unit` is milliseconds; -1 when it is not a number, or more than a day. What is not zero
 * does not become zero. */
static int64_t value_milliseconds(const char *text, size_t len, int64_t unit)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t scale = 1;
    bool is_zero = true;
    size_t at = 0;
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        whole = whole * 10 + (text[at] - '0');
        if (whole > TIME_MAX_MS) {
            return -1;
        }
    }
    size_t digits = at;
    if (at < len && text[at] == '.') {
        for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++, digits++) {
            is_zero = is_zero && text[at] == '0';
            if (scale < 1000000) {
                fraction = fraction * 10 + (text[at] - '0');
                scale *= 10;
            }
        }
    }
    if (at < len || digits == 0) {
        return -1;
    }
    int64_t total = whole * unit + (fraction * unit + scale / 2) / scale;
    return total > TIME_MAX_MS ? -1 : total == 0 && !is_zero ? 1 : total;
}

bool exo_parse_duration(const char *text, int64_t *result)
{
    static const struct {
        const char *unit;
        int64_t milliseconds;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
    if (!text || !result) {
        return false;
    }
    size_t len = strlen(text);
    size_t unit_len = strlen(units[0].unit);
    size_t at = 0;
    while (len < unit_len || strcmp(text + len - unit_len, units[at].unit) != 0) {
        unit_len = strlen(units[++at].unit); /* at the latest the last one, which is no unit */
    }
    size_t number_len = len - unit_len;
    while (number_len > 0 && unit_len > 0 && text[number_len - 1] == ' ') {
        number_len--;
    }
    const int64_t time = value_milliseconds(text, number_len, units[at].milliseconds);
    if (time >= 0) {
        *result = time;
    }
    return time >= 0;
}

static bool value_read_auto(const char *text, int64_t *result)
{
    if (strcmp(text, "auto") != 0) {
        return exo_parse_duration(text, result);
    }
    *result = EXO_CLOCK_AUTO;
    return true;
}

static bool value_read_flag(const char *text, bool *flag)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (exo_same_name(text, words[i])) {
            *flag = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool value_read_count(const char *text, uint32_t *count)
{
    size_t len = strlen(text);
    if (len == 0 || len > 7 || strspn(text, "0123456789") != len) {
        return false;
    }
    *count = (uint32_t)strtoul(text, NULL, 10);
    return *count <= COUNT_MAX;
}

/* Reads a value that is written as one word or number. */
static bool value_read_word(exo_config_kind kind, const char *text, void *field)
{
    int64_t time = 0;
    switch (kind) {
    case EXO_KIND_TIME:
        return exo_parse_duration(text, field);
    case EXO_KIND_AUTO:
        return value_read_auto(text, field);
    case EXO_KIND_SPAN:
        if (!exo_parse_duration(text, &time)) {
            return false;
        }
        *(uint32_t *)field = (uint32_t)time;
        return true;
    case EXO_KIND_COUNT:
        return value_read_count(text, field);
    case EXO_KIND_FLAG:
        return value_read_flag(text, field);
    default:
        *(exo_ttft_until *)field = strcmp(text, "token") == 0 ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
        return strcmp(text, "token") == 0 || strcmp(text, "event") == 0;
    }
}

static const char *value_expected_word(exo_config_kind kind)
{
    switch (kind) {
    case EXO_KIND_AUTO:
        return "auto, or a time from 0 to 24h: seconds (15, 0.5), or with a unit (500ms, 15s, 2m, 1h)";
    case EXO_KIND_TIME:
    case EXO_KIND_SPAN:
        return "a time from 0 to 24h: seconds (15, 0.5), or with a unit (500ms, 15s, 2m, 1h)";
    case EXO_KIND_COUNT:
        return "a whole number from 0 to 1000000";
    case EXO_KIND_FLAG:
        return "true or false (yes, no, on, off)";
    default:
        return "event or token";
    }
}

/* An error shows what the file says, not what a variable stands for: that may be a key in the wrong place. */
static bool value_set_word(exo_yaml *yaml, exo_config_kind kind, yaml_node_t *node, void *field)
{
    const char *expected = value_expected_word(kind);
    char *text = exo_yaml_text(yaml, node, expected);
    if (!text) {
        return false;
    }
    bool good = value_read_word(kind, text, field);
    exo_heap_free_secret(text);
    return good || exo_yaml_fail(yaml, exo_yaml_line(node), "expected %s, not \"%.64s\"", expected,
                                 (const char *)node->data.scalar.value);
}

/* ---- texts ---- */

static bool value_out_of_memory(exo_yaml *yaml, unsigned line)
{
    return exo_yaml_fail(yaml, line, "out of memory");
}

/* Makes a path that is not absolute relative to the folder of the file. The old text is freed. */
static char *value_beside_file(const char *file, char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !*path || !slash) {
        return path;
    }
    size_t folder = (size_t)(slash - file) + 1;
    size_t len = strlen(path);
    char *joined = exo_heap.resize(exo_heap.ctx, NULL, folder + len + 1);
    if (joined) {
        memcpy(joined, file, folder);
        memcpy(joined + folder, path, len + 1);
    }
    exo_heap_free_secret(path);
    return joined;
}

static bool value_set_text(exo_yaml *yaml, exo_config_kind kind, yaml_node_t *node, char **field)
{
    char *text = exo_yaml_text(yaml, node, kind == EXO_KIND_PATH ? "a path" : "text");
    if (!text) {
        return false;
    }
    if (kind == EXO_KIND_PATH) {
        text = value_beside_file(yaml->name, text);
    }
    exo_heap_free_secret(*field);
    *field = text;
    return text || value_out_of_memory(yaml, exo_yaml_line(node));
}

static bool value_set_json(exo_yaml *yaml, yaml_node_t *node, char **field)
{
    exo_buffer json;
    if (node->type != YAML_MAPPING_NODE) {
        return exo_yaml_fail(yaml, exo_yaml_line(node), "expected a mapping (key: value)");
    }
    exo_buffer_init(&json, &exo_heap, EXO_YAML_BYTES_MAX, EXO_E_CONFIG);
    bool good = exo_yaml_json(yaml, node, &json);
    if (good) {
        exo_heap_free_secret(*field);
        *field = exo_heap_copy_span(exo_buffer_span(&json));
        good = *field || value_out_of_memory(yaml, exo_yaml_line(node));
    }
    exo_heap_wipe(json.data, json.len);
    exo_buffer_free(&json);
    return good;
}

/* ---- lists ---- */

void *exo_config_room(void *items, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0;
    return full ? exo_heap.resize(exo_heap.ctx, items, (count > 0 ? 2 * count : 1) * size) : items;
}

typedef struct filling {
    exo_yaml *yaml;
    exo_config_texts *texts;
    exo_config_pairs *pairs;
} filling;

static bool value_add_text(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    filling *f = ctx;
    exo_config_texts *texts = f->texts;
    (void)key;
    char **grown = exo_config_room(texts->items, texts->count, sizeof(char *));
    if (!grown) {
        return value_out_of_memory(f->yaml, line);
    }
    texts->items = grown;
    char *text = exo_yaml_text(f->yaml, value, "text");
    if (!text) {
        return false;
    }
    grown[texts->count++] = text;
    return true;
}

static bool value_add_pair(void *ctx, const char *key, unsigned line, yaml_node_t *value)
{
    filling *f = ctx;
    exo_config_pairs *pairs = f->pairs;
    exo_header *grown = exo_config_room(pairs->items, pairs->count, sizeof(exo_header));
    if (!grown) {
        return value_out_of_memory(f->yaml, line);
    }
    pairs->items = grown;
    char *text = exo_yaml_text(f->yaml, value, "text");
    if (!text) {
        return false;
    }
    char *name = exo_heap_copy(key);
    if (!name) {
        exo_heap_free_secret(text);
        return value_out_of_memory(f->yaml, line);
    }
    grown[pairs->count].name = name;
    grown[pairs->count++].value = text;
    return true;
}

static void value_clear_texts(exo_config_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        exo_heap_free_secret(texts->items[i]);
    }
    exo_heap.resize(exo_heap.ctx, texts->items, 0);
    memset(texts, 0, sizeof *texts);
}

static void value_clear_pairs(exo_config_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        exo_heap_free_secret((char *)pairs->items[i].name);
        exo_heap_free_secret((char *)pairs->items[i].value);
    }
    exo_heap.resize(exo_heap.ctx, pairs->items, 0);
    memset(pairs, 0, sizeof *pairs);
}

/* ---- any kind ---- */

void exo_config_clear(exo_config_kind kind, void *field)
{
    char **text = field;
    switch (kind) {
    case EXO_KIND_TEXT:
    case EXO_KIND_PATH:
    case EXO_KIND_JSON:
        exo_heap_free_secret(*text);
        *text = NULL;
        break;
    case EXO_KIND_TEXTS:
        value_clear_texts(field);
        break;
    case EXO_KIND_PAIRS:
        value_clear_pairs(field);
        break;
    default:
        break;
    }
}

bool exo_config_set(exo_yaml *yaml, exo_config_kind kind, yaml_node_t *node, void *field)
{
    filling f = {yaml, field, field};
    switch (kind) {
    case EXO_KIND_TEXT:
    case EXO_KIND_PATH:
        return value_set_text(yaml, kind, node, field);
    case EXO_KIND_JSON:
        return value_set_json(yaml, node, field);
    case EXO_KIND_TEXTS:
        exo_config_clear(kind, field);
        return exo_yaml_items(yaml, node, value_add_text, &f);
    case EXO_KIND_PAIRS:
        exo_config_clear(kind, field);
        return exo_yaml_pairs(yaml, node, value_add_pair, &f);
    default:
        return value_set_word(yaml, kind, node, field);
    }
}
