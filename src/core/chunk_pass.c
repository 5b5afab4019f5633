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

void exo_chunk_forget_members(exo_chunk *chunk, enum list_number number)
{
    const struct place_list *list = &place_lists[number];
    memset(chunk->places_ + list->first, 0, (size_t)(list->others + 1 - list->first) * sizeof *chunk->places_);
}

/* What is nested deeper than that is read by tokens. */
#define PASS_LEVELS 32

static const char *pass_choices(exo_chunk *chunk, const char *at, const char *end);

/* The number of a name in a list, or -1. */
static inline int pass_find_name(const char *names, exo_span key)
{
    size_t len;
    for (int number = 0; (len = (size_t)*names++) > 0; number++) {
        if (len == key.len && *names == *key.ptr && memcmp(names, key.ptr, len) == 0) {
            return number;
        }
        names += len;
    }
    return -1;
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
        return exo_json_pass(at, end, PASS_LEVELS);
    }
    at = json_pass_space(at + 1, end);
    if (at < end && *at == '}') {
        return at + 1;
    }
    for (;;) {
        exo_span key;
        if (!(at = json_pass_plain_key(at, end, &key))) {
            return NULL;
        }
        const int name = pass_find_name(list->names, key);
        if (name < 0) {
            strange = true;
        } else {
            found[name] = (uint32_t)(at - data);
        }
        if (name >= 0 && list->inner > 0 && list->first + name + 1 == place_lists[list->inner].first) {
            at = pass_members(chunk, at, end, (enum list_number)list->inner);
        } else if (number == LIST_TOP && name == TOP_CHOICES - TOP_ID) {
            at = pass_choices(chunk, at, end);
        } else {
            at = exo_json_pass(at, end, PASS_LEVELS);
        }
        if (!at || (at = json_pass_space(at, end)) == end || (*at != ',' && *at != '}')) {
            return NULL;
        }
        if (*at == '}') {
            chunk->places_[list->others] = strange ? inside : 0;
            return at + 1;
        }
        at = json_pass_space(at + 1, end);
    }
}

/* Passes over the choices, and notes where the members of the first one stand, most often the only one, so that it need
 * not be read again. */
static const char *pass_choices(exo_chunk *chunk, const char *at, const char *end)
{
    const char *first = json_pass_space(at + 1, end);
    chunk->first_ = 0;
    if (*at != '[' || first == end || *first != '{') {
        return exo_json_pass(at, end, PASS_LEVELS);
    }
    at = pass_members(chunk, first, end, LIST_CHOICE);
    if (at) {
        chunk->first_ = (uint32_t)(first - chunk->data_.ptr);
        chunk->behind_ = (uint32_t)(at - chunk->data_.ptr);
    }
    while (at && (at = json_pass_space(at, end)) < end && *at == ',') {
        at = json_pass_space(at + 1, end);
        at = at < end ? exo_json_pass(at, end, PASS_LEVELS) : NULL;
    }
    return at && at < end && *at == ']' ? at + 1 : NULL;
}

uint32_t exo_chunk_pass_object(exo_chunk *chunk, uint32_t place, enum list_number number)
{
    const char *const end = chunk->data_.ptr + chunk->data_.len;
    const char *at = chunk->data_.ptr + place;
    if (chunk->by_tokens_ || at == end || *at != '{' || !(at = pass_members(chunk, at, end, number))) {
        return 0;
    }
    chunk->value_ = place;
    return (uint32_t)(at - chunk->data_.ptr);
}

bool exo_chunk_pass_event(exo_chunk *chunk)
{
    const char *const end = chunk->data_.ptr + chunk->data_.len;
    const char *at = json_pass_space(chunk->data_.ptr, end);
    const uint32_t behind = exo_chunk_pass_object(chunk, (uint32_t)(at - chunk->data_.ptr), LIST_TOP);
    if (behind > 0 && json_pass_space(chunk->data_.ptr + behind, end) == end) {
        return true;
    }
    memset(chunk->places_, 0, sizeof chunk->places_);
    chunk->first_ = 0;
    return false;
}

#endif
