/*
 * chunk_pass.c: where the members of an event stand, found without tokens.
 *
 * One pass over the bytes validates an event and notes the places of the members of its object, of its first choice and
 * of that one's delta. It knows plain JSON only (json_pass.h), which nearly all of it is; chunk.c, which calls it,
 * reads the rest by tokens. It has no memory.
 */
#include "chunk_pass.h"

#ifndef EXO_SMALL

#include "json_pass.h"
#include "seldom.h"

void exo_chunk_forget_members(exo_chunk *chunk, enum list_number number)
{
    const struct place_list *list = &place_lists[number];
    memset(chunk->places_ + list->first, 0, (size_t)(list->others + 1 - list->first) * sizeof *chunk->places_);
}

/* What is nested deeper than that is read by tokens. */
#define PASS_LEVELS 32

static const char *pass_choices(exo_chunk *chunk, const char *at, const char *end);
static const char *pass_calls(exo_chunk *chunk, const char *at, const char *end);

/* Whether two names of the same length, at least one byte, are the same. */
static inline bool pass_is_same(const char *one, const char *other, size_t len)
{
    uint64_t a[2];
    uint64_t b[2];
    if (len < 4) {
        return one[0] == other[0] && one[len / 2] == other[len / 2] && one[len - 1] == other[len - 1];
    }
    if (len < sizeof *a) {
        uint32_t c[2];
        uint32_t d[2];
        memcpy(&c[0], one, sizeof *c);
        memcpy(&d[0], other, sizeof *d);
        memcpy(&c[1], one + len - sizeof *c, sizeof *c);
        memcpy(&d[1], other + len - sizeof *d, sizeof *d);
        return ((c[0] ^ d[0]) | (c[1] ^ d[1])) == 0;
    }
    if (len > 2 * sizeof *a) {
        return memcmp(one, other, len) == 0;
    }
    memcpy(&a[0], one, sizeof *a);
    memcpy(&b[0], other, sizeof *b);
    memcpy(&a[1], one + len - sizeof *a, sizeof *a);
    memcpy(&b[1], other + len - sizeof *b, sizeof *b);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

/* A name that was found, as looked_up_ has it: its list, its number, and where in the list it stands. */
#define PASS_FOUND(list, number, at) (uint16_t)((unsigned)(list) << 12 | (unsigned)(number) << 8 | (unsigned)(at))

/* The number of a name in a list, or -1. Most keys are those that stood there in the last event. */
static inline int pass_find_name(exo_chunk *chunk, enum list_number list, exo_span key)
{
    const uint32_t place = chunk->keys_++;
    const char *const first = place_lists[list].names;
    if (key.len > 31 || (place_lists[list].lens >> key.len & 1) == 0) {
        return -1;
    }
    if (place < EXO_CHUNK_KEYS_) {
        const unsigned found = chunk->looked_up_[place];
        const char *const names = first + (found & 0xFF);
        if (found >> 12 == (unsigned)list && (size_t)*names == key.len && pass_is_same(names + 1, key.ptr, key.len)) {
            return (int)(found >> 8 & 0xF);
        }
    }
    const char *names = first;
    size_t len;
    for (int number = 0; (len = (size_t)*names) > 0; number++) {
        if (len == key.len && names[1] == *key.ptr && pass_is_same(names + 1, key.ptr, len)) {
            if (place < EXO_CHUNK_KEYS_) {
                chunk->looked_up_[place] = PASS_FOUND(list, number, names - first);
            }
            return number;
        }
        names += 1 + len;
    }
    return -1;
}

/* Passes over a value of any kind; a string and null are what most are. */
static inline const char *pass_value(const char *at, const char *end)
{
    if (*at == '"') {
        const char *const behind = json_pass_short(at, end);
        if (behind) {
            return behind + 1;
        }
    } else if (end - at >= 4 && memcmp(at, "null", 4) == 0) {
        return at + 4;
    }
    return exo_json_pass_line(at, end, PASS_LEVELS);
}

/* Passes over a key without escapes from its first quotation mark on, over its colon, and to the value's first byte;
 * the key is stored in `*key`. NULL: there is none. */
SELDOM static const char *pass_key_on(const char *at, const char *end, exo_span *key)
{
    if (at == end || *at != '"') {
        return NULL;
    }
    key->ptr = ++at;
    key->len = json_short_run(at, (size_t)(end - at));
    at += key->len;
    if (at == end || *at != '"') {
        return NULL;
    }
    at = json_pass_space(at + 1, end, SPACE_IN_LINE);
    if (at == end || *at != ':') {
        return NULL;
    }
    at = json_pass_space(at + 1, end, SPACE_IN_LINE);
    return at < end ? at : NULL;
}

/* The same, quicker. */
static inline const char *pass_key(const char *at, const char *end, exo_span *key)
{
    const char *const quickly = at < end && *at == '"' ? json_pass_short(at, end) : NULL;
    if (quickly && json_pass_is_colon(quickly, end)) {
        *key = exo_span_of(at + 1, (size_t)(quickly - at - 1));
        return quickly + 2;
    }
    exo_span found;
    at = pass_key_on(at, end, &found);
    *key = found;
    return at;
}

/* Passes over a value from its first byte on, and notes where the listed members of an object stand, and those of its
 * inner one. NULL: it has to be read by tokens. It calls itself for choices and their deltas. */
static const char *pass_members(exo_chunk *chunk, const char *at, const char *end, enum list_number number)
{
    const struct place_list *list = &place_lists[number];
    uint32_t *found = chunk->places_ + list->first;
    const char *const data = chunk->data_.ptr;
    const uint32_t inside = (uint32_t)(at + 1 - data);
    bool strange = false;
    exo_chunk_forget_members(chunk, number);
    if (*at != '{') {
        return exo_json_pass_line(at, end, PASS_LEVELS);
    }
    at = json_pass_space(at + 1, end, SPACE_IN_LINE);
    if (at < end && *at == '}') {
        return at + 1;
    }
    for (;;) {
        exo_span key;
        if (!(at = pass_key(at, end, &key))) {
            return NULL;
        }
        const int name = pass_find_name(chunk, number, key);
        if (name < 0) {
            strange = true;
        } else {
            found[name] = (uint32_t)(at - data);
        }
        if (name >= 0 && list->inner > 0 && list->first + name + 1 == place_lists[list->inner].first) {
            at = pass_members(chunk, at, end, (enum list_number)list->inner);
        } else if (number == LIST_TOP && name == TOP_CHOICES - TOP_ID) {
            at = pass_choices(chunk, at, end);
        } else if (number == LIST_DELTA && name == DELTA_TOOL_CALLS - DELTA_ROLE) {
            at = pass_calls(chunk, at, end);
        } else {
            at = pass_value(at, end);
        }
        if (!at) {
            return NULL;
        }
        if (end - at >= 2 && at[0] == ',' && at[1] == '"') {
            at++;
            continue;
        }
        if ((at = json_pass_space(at, end, SPACE_IN_LINE)) == end || (*at != ',' && *at != '}')) {
            return NULL;
        }
        if (*at == '}') {
            chunk->places_[list->others] = strange ? inside : 0;
            return at + 1;
        }
        at = json_pass_space(at + 1, end, SPACE_IN_LINE);
    }
}

/* The first value of a list, if it is an object; or NULL. */
static const char *pass_first_object(const char *at, const char *end)
{
    const char *first = json_pass_space(at + 1, end, SPACE_IN_LINE);
    return *at == '[' && first < end && *first == '{' ? first : NULL;
}

/* Passes over what is left of a list behind its first value. */
static const char *pass_rest(const char *at, const char *end)
{
    while (at && (at = json_pass_space(at, end, SPACE_IN_LINE)) < end && *at == ',') {
        at = json_pass_space(at + 1, end, SPACE_IN_LINE);
        at = at < end ? exo_json_pass_line(at, end, PASS_LEVELS) : NULL;
    }
    return at && at < end && *at == ']' ? at + 1 : NULL;
}

/* Passes over the choices, and notes where the members of the first one stand, most often the only one, so that it need
 * not be read again. */
static const char *pass_choices(exo_chunk *chunk, const char *at, const char *end)
{
    const char *const first = pass_first_object(at, end);
    chunk->first_ = 0;
    if (!first) {
        return exo_json_pass_line(at, end, PASS_LEVELS);
    }
    at = pass_members(chunk, first, end, LIST_CHOICE);
    if (at) {
        chunk->first_ = (uint32_t)(first - chunk->data_.ptr);
        chunk->behind_ = (uint32_t)(at - chunk->data_.ptr);
    }
    return pass_rest(at, end);
}

/* The same of tool calls. */
static const char *pass_calls(exo_chunk *chunk, const char *at, const char *end)
{
    const char *const first = pass_first_object(at, end);
    const uint32_t inside = (uint32_t)(at + 1 - chunk->data_.ptr);
    chunk->noted_calls_ = 0;
    if (!first) {
        return exo_json_pass_line(at, end, PASS_LEVELS);
    }
    at = pass_members(chunk, first, end, LIST_CALL);
    if (at) {
        chunk->noted_calls_ = inside;
        chunk->noted_call_ = (uint32_t)(first - chunk->data_.ptr);
        chunk->behind_call_ = (uint32_t)(at - chunk->data_.ptr);
    }
    return pass_rest(at, end);
}

uint32_t exo_chunk_pass_object(exo_chunk *chunk, uint32_t place, enum list_number number)
{
    const char *const end = chunk->data_.ptr + chunk->data_.len;
    const char *at = chunk->data_.ptr + place;
    if (chunk->by_tokens_ || at == end || *at != '{' || !(at = pass_members(chunk, at, end, number))) {
        chunk->noted_calls_ = 0;
        return 0;
    }
    chunk->value_ = place;
    return (uint32_t)(at - chunk->data_.ptr);
}

bool exo_chunk_pass_event(exo_chunk *chunk)
{
    const char *const end = chunk->data_.ptr + chunk->data_.len;
    const char *at = json_pass_space(chunk->data_.ptr, end, SPACE_IN_LINE);
    const uint32_t behind = exo_chunk_pass_object(chunk, (uint32_t)(at - chunk->data_.ptr), LIST_TOP);
    if (behind > 0 && json_pass_space(chunk->data_.ptr + behind, end, SPACE_IN_LINE) == end) {
        return true;
    }
    memset(chunk->places_, 0, sizeof chunk->places_);
    chunk->first_ = 0;
    chunk->noted_calls_ = 0;
    return false;
}

#endif
