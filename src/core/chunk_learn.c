/*
 * chunk_learn.c: which events of a stream are remembered as shapes, and which of their bytes may be others.
 *
 * An event is remembered if all that it gave is one text: then the next one like it says the same but for that.
 * Its text may be another, and so may every value in a member that nobody looks at. chunk.c, which knows what is
 * looked at, calls it for each event that is read in full; shape.c keeps what is remembered, which is all the memory.
 */
#include "chunk_learn.h"

#ifndef EXO_SMALL

#include "json_name.h"
#include "shape.h"

/* What the event at hand has given so far, if that can be remembered. */
enum learning {
    LEARN_NOT, /* it has given something else */
    LEARN_NOTHING_YET,
    LEARN_CALL, /* a call that goes on */
    LEARN_TEXT,
    LEARN_CALL_TEXT /* a call that goes on, and its arguments */
};

void exo_learn_begin(exo_chunk *chunk)
{
    chunk->learning_ = chunk->remembers_ ? LEARN_NOTHING_YET : LEARN_NOT;
}

void exo_learn_text(exo_chunk *chunk, unsigned type, uint32_t place)
{
    const bool is_call = type == EXO_DELTA_TOOL_ARGUMENTS;
    const bool fits = chunk->learning_ == (is_call ? LEARN_CALL : LEARN_NOTHING_YET) && !chunk->whole_ &&
                      chunk->echo_ == '\0' && chunk->data_.ptr[place] == '"';
    chunk->learning_ = (uint8_t)(!fits ? LEARN_NOT : is_call ? LEARN_CALL_TEXT : LEARN_TEXT);
    chunk->text_place_ = place;
    chunk->learned_.type = (uint8_t)type;
    chunk->learned_.choice = chunk->choice_;
}

void exo_learn_delta(exo_chunk *chunk, const exo_delta *delta)
{
    if (chunk->learning_ == LEARN_NOT || (delta->type >= EXO_DELTA_ID && delta->type <= EXO_DELTA_TIER)) {
        return;
    }
    if (delta->type == EXO_DELTA_TOOL_CALL && chunk->learning_ == LEARN_NOTHING_YET && delta->id.len == 0 &&
        delta->name.len == 0 && !delta->legacy && !delta->object && !delta->whole) {
        chunk->learning_ = LEARN_CALL;
        chunk->learned_.index = delta->index;
        return;
    }
    const bool is_text = chunk->learning_ == LEARN_TEXT || chunk->learning_ == LEARN_CALL_TEXT;
    const bool is_fragment = chunk->decoding_ || delta->last; /* of the text that was noted */
    if (!is_text || !is_fragment) {
        chunk->learning_ = LEARN_NOT;
    }
}

/* Adds a hole where a token stands. */
static void learn_add_hole(exo_shape_draft *draft, const exo_json_token *token, enum shape_kind kind)
{
    exo_shape_add_hole(draft, (size_t)(token->text.ptr - draft->event.ptr), token->text.len, kind);
}

/* Every string and whole number in the value that follows may be others. */
static void learn_holes_in_value(exo_shape_draft *draft, exo_json_reader *reader)
{
    exo_json_token token;
    unsigned depth = 0;
    do {
        int64_t number;
        if (exo_json_next(reader, &token) != EXO_EVENT) {
            return;
        }
        depth += token.type == EXO_JSON_OBJECT || token.type == EXO_JSON_ARRAY;
        depth -= token.type == EXO_JSON_OBJECT_END || token.type == EXO_JSON_ARRAY_END;
        if (token.type == EXO_JSON_STRING) {
            learn_add_hole(draft, &token, SHAPE_STRING);
        } else if (exo_json_int64(&token, &number) == EXO_OK) {
            learn_add_hole(draft, &token, SHAPE_NUMBER);
        }
    } while (depth > 0);
}

/* A reader of a value of the event, that skips what is nested too deep. */
static void learn_begin_reader(exo_json_reader *reader, exo_span value)
{
    exo_json_reader_init(reader, value, EXO_JSON_DEPTH_MAX, true);
    exo_json_reader_tolerate(reader);
}

/* Of the members of a choice, those that nobody looks at may be others. */
static void learn_holes_in_choice(exo_shape_draft *draft, exo_span choice, const exo_looked_at *looked_at,
                                  const char *text)
{
    const bool speaks = choice.ptr < text && text < choice.ptr + choice.len;
    exo_json_reader reader;
    exo_json_token token;
    learn_begin_reader(&reader, choice);
    if (exo_json_next(&reader, &token) != EXO_EVENT || token.type != EXO_JSON_OBJECT) {
        return;
    }
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        const int name = exo_json_name(looked_at->choice, &token);
        if (name < 0 || (speaks && name == looked_at->message)) {
            learn_holes_in_value(draft, &reader);
        } else {
            (void)exo_json_skip(&reader, NULL); /* next() repeats its error */
        }
    }
}

/* The same for a list of choices. */
static void learn_holes_in_choices(exo_shape_draft *draft, exo_span choices, const exo_looked_at *looked_at,
                                   const char *text)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span choice;
    learn_begin_reader(&reader, choices);
    if (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_ARRAY) {
        while (exo_json_skip(&reader, &choice) == EXO_OK) {
            learn_holes_in_choice(draft, choice, looked_at, text);
        }
    }
}

/* The same for the event, whose words are noted. */
static void learn_holes(exo_shape_draft *draft, const exo_looked_at *looked_at, const char *text)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span choices = {NULL, 0};
    learn_begin_reader(&reader, draft->event);
    (void)exo_json_next(&reader, &token);
    while (exo_json_next(&reader, &token) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        const int name = exo_json_name(looked_at->top, &token);
        exo_span value = {NULL, 0};
        if (name < 0) {
            learn_holes_in_value(draft, &reader);
            continue;
        }
        (void)exo_json_skip(&reader, &value);
        if (name < EXO_CHUNK_NAMES_) { /* of duplicates the last counts */
            const bool is_text = value.len > 2 && *value.ptr == '"';
            draft->known.names[name] = is_text ? exo_span_of(value.ptr + 1, value.len - 2) : exo_span_of(NULL, 0);
        }
        choices = name == looked_at->choices ? value : choices;
    }
    if (choices.len > 0) {
        learn_holes_in_choices(draft, choices, looked_at, text);
    }
}

void exo_learn_end(exo_chunk *chunk, const exo_looked_at *looked_at)
{
    const bool gave_text = chunk->learning_ == LEARN_TEXT || chunk->learning_ == LEARN_CALL_TEXT;
    exo_shape_draft draft;
    exo_json_reader reader;
    exo_json_token token;
    chunk->learning_ = LEARN_NOT;
    if (!gave_text) {
        return;
    }
    if (!chunk->shapes_) {
        chunk->shapes_ = exo_shapes_new(chunk->remembers_);
    }
    if (!chunk->shapes_ || !exo_shapes_wanted(chunk->shapes_)) {
        return;
    }
    const char *text = chunk->data_.ptr + chunk->text_place_;
    learn_begin_reader(&reader, exo_span_of(text, (size_t)(chunk->data_.ptr + chunk->data_.len - text)));
    (void)exo_json_next(&reader, &token);
    draft.event = chunk->data_;
    draft.known = chunk->learned_;
    memset(draft.known.names, 0, sizeof draft.known.names);
    draft.hole_count = 0;
    learn_add_hole(&draft, &token, SHAPE_TEXT);
    learn_holes(&draft, looked_at, text);
    chunk->named_ = exo_shapes_learn(chunk->shapes_, &draft);
}

#endif
