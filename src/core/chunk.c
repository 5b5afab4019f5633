/*
 * chunk.c: the JSON of one event → deltas, in every dialect that servers speak.
 *
 * It keeps nothing from one event to the next but the place of the think filter; answer.c puts the deltas together, and
 * failure.c reads the errors. Called by whoever pulls events out of sse.c, or holds a whole JSON body. Its memory is
 * the object: the places of the members that are needed, and a scratch for what must be decoded. Each byte of an event
 * is read to validate it, once or twice more for each list or object of the dialect that it lies in, to find members
 * that are not known where there are any, and to decode it: a fixed number of times, however the event is nested.
 */
#include "exochat/chunk.h"

#include "ascii.h"
#include "chunk_delta.h"
#include "chunk_places.h"
#include "json_name.h"
#include "json_text.h"
#include "seldom.h"

#ifndef EXO_SMALL
#include "chunk_learn.h"
#include "chunk_pass.h"
#include "shape.h"
#endif

/* What is handed out next. Each step leads to the one below it, unless it says otherwise. */
enum step {
    STEP_MALFORMED,
    STEP_HELD_LAST,
    STEP_ERROR,
    STEP_ID,
    STEP_MODEL,
    STEP_TIER,
    STEP_CHOICE,
    STEP_REASONING,
    STEP_REASONING_DETAILS = STEP_REASONING + 4,
    STEP_CONTENT,
    STEP_REFUSAL,
    STEP_CALL,
    STEP_ARGUMENTS,
    STEP_ARGUMENTS_OBJECT,
    STEP_CALL_EXTRA,
    STEP_CALL_MEMBERS,
    STEP_FUNCTION_MEMBERS,
    STEP_NEXT_CALL,
    STEP_AUDIO,
    STEP_MEMBERS,
    STEP_LOGPROBS,
    STEP_HELD,
    STEP_FINISH,
    STEP_NEXT_CHOICE,
    STEP_USAGE,
    STEP_END,
    STEP_KNOWN, /* of an event whose shape is remembered: its names, call, text */
    STEP_KNOWN_CALL = STEP_KNOWN + EXO_CHUNK_NAMES_,
    STEP_KNOWN_TEXT
};

/* How a step makes deltas of the member at its place. */
enum how {
    HOW_STRING,  /* the text of a string */
    HOW_RAW,     /* an object or a list, as it stands in the event */
    HOW_TEXT,    /* the fragments of a string, of arguments those of a literal too */
    HOW_VALUE,   /* the fragments of what a value says */
    HOW_MEMBERS, /* the members that are not listed; its place is the list */
    HOW_GO,      /* not at all: its place is the next step */
    HOW_SPECIAL  /* of other things: each in its own way */
};

static const struct plan {
    uint8_t how;
    uint8_t type;
    uint8_t place;
} plans[] = {
    [STEP_MALFORMED] = {HOW_SPECIAL, EXO_DELTA_MALFORMED, 0},
    [STEP_HELD_LAST] = {HOW_SPECIAL, 0, 0},
    [STEP_ERROR] = {HOW_SPECIAL, EXO_DELTA_ERROR, 0},
    [STEP_ID] = {HOW_STRING, EXO_DELTA_ID, TOP_ID},
    [STEP_MODEL] = {HOW_STRING, EXO_DELTA_MODEL, TOP_MODEL},
    [STEP_TIER] = {HOW_STRING, EXO_DELTA_TIER, TOP_TIER},
    [STEP_CHOICE] = {HOW_SPECIAL, EXO_DELTA_ERROR, 0},
    [STEP_REASONING] = {HOW_VALUE, EXO_DELTA_REASONING, DELTA_REASONING},
    [STEP_REASONING + 1] = {HOW_VALUE, EXO_DELTA_REASONING, DELTA_REASONING + 1},
    [STEP_REASONING + 2] = {HOW_VALUE, EXO_DELTA_REASONING, DELTA_REASONING + 2},
    [STEP_REASONING + 3] = {HOW_VALUE, EXO_DELTA_REASONING, DELTA_REASONING_DETAILS},
    [STEP_REASONING_DETAILS] = {HOW_RAW, EXO_DELTA_REASONING_DETAILS, DELTA_REASONING_DETAILS},
    [STEP_CONTENT] = {HOW_VALUE, EXO_DELTA_CONTENT, DELTA_CONTENT},
    [STEP_REFUSAL] = {HOW_TEXT, EXO_DELTA_REFUSAL, DELTA_REFUSAL},
    [STEP_CALL] = {HOW_SPECIAL, EXO_DELTA_TOOL_CALL, 0},
    [STEP_ARGUMENTS] = {HOW_TEXT, EXO_DELTA_TOOL_ARGUMENTS, FUNCTION_ARGUMENTS},
    [STEP_ARGUMENTS_OBJECT] = {HOW_RAW, EXO_DELTA_TOOL_OBJECT, FUNCTION_ARGUMENTS},
    [STEP_CALL_EXTRA] = {HOW_RAW, EXO_DELTA_TOOL_EXTRA, CALL_EXTRA},
    [STEP_CALL_MEMBERS] = {HOW_MEMBERS, EXO_DELTA_TOOL_MEMBER, LIST_CALL},
    [STEP_FUNCTION_MEMBERS] = {HOW_MEMBERS, EXO_DELTA_TOOL_MEMBER, LIST_FUNCTION},
    [STEP_NEXT_CALL] = {HOW_GO, 0, STEP_CALL},
    [STEP_AUDIO] = {HOW_RAW, EXO_DELTA_AUDIO, DELTA_AUDIO},
    [STEP_MEMBERS] = {HOW_MEMBERS, EXO_DELTA_MEMBER, LIST_DELTA},
    [STEP_LOGPROBS] = {HOW_RAW, EXO_DELTA_LOGPROBS, CHOICE_LOGPROBS},
    [STEP_HELD] = {HOW_SPECIAL, 0, 0},
    [STEP_FINISH] = {HOW_STRING, EXO_DELTA_FINISH, CHOICE_FINISH},
    [STEP_NEXT_CHOICE] = {HOW_GO, 0, STEP_CHOICE},
    [STEP_USAGE] = {HOW_SPECIAL, EXO_DELTA_USAGE, 0},
};

/* The first byte of a value, which tells its type; 0 where there is none. */
static char chunk_kind_at(const exo_chunk *chunk, uint32_t place)
{
    return place > 0 ? chunk->data_.ptr[place] : '\0';
}

static bool chunk_is_object(const exo_chunk *chunk, uint32_t place)
{
    return chunk_kind_at(chunk, place) == '{';
}

/* An object or a list. */
static bool chunk_is_nest(const exo_chunk *chunk, uint32_t place)
{
    return (chunk_kind_at(chunk, place) | ' ') == '{'; /* one bit is between the two brackets */
}

/* Whether a string, a list or an object is not empty. */
static bool chunk_is_filled(const exo_chunk *chunk, uint32_t place)
{
    const char *text = chunk->data_.ptr + place;
    const char end = (char)(*text + 2); /* the bracket that closes one stands next but one to it */
    return text[1] != (*text == '"' ? *text : end);
}

/* A string that is not empty. */
static bool chunk_has_text(const exo_chunk *chunk, uint32_t place)
{
    return chunk_kind_at(chunk, place) == '"' && chunk_is_filled(chunk, place);
}

/* A reader of what stands in the event. Its depth bounds what this file looks into, not what is passed over. */
static void chunk_begin_reader(const exo_chunk *chunk, exo_json_reader *reader, uint32_t place)
{
    exo_json_reader_init(reader, exo_span_of(chunk->data_.ptr + place, chunk->data_.len - place), EXO_JSON_DEPTH_MAX,
                         true);
    exo_json_reader_tolerate(reader);
}

#ifndef EXO_SMALL
/* The same of a string, which was read before and has an end. */
static void chunk_find_end(const exo_chunk *chunk, uint32_t place, exo_json_token *token)
{
    const char *const first = chunk->data_.ptr + place + 1;
    const size_t len = chunk->data_.len - place - 1;
    size_t at = json_short_run(first, len);
    token->type = EXO_JSON_STRING;
    token->plain = first[at] == '"';
#ifdef VECTOR_BYTES
    if (!token->plain) {
        at = (size_t)(text_pass_escapes(first + at, first + len) - first);
    }
#endif
    while (first[at] != '"') {
        at += first[at] == '\\' ? 2 : 1;
        if (first[at] != '"' && first[at] != '\\') {
            at += json_short_run(first + at, len - at);
        }
    }
    token->text = exo_span_of(first, at);
}
#endif

static void chunk_token_at(const exo_chunk *chunk, uint32_t place, exo_json_token *token)
{
    exo_json_reader reader;
#ifndef EXO_SMALL
    if (chunk->data_.ptr[place] == '"') {
        chunk_find_end(chunk, place, token);
        return;
    }
#endif
    token->type = EXO_JSON_NULL;
    chunk_begin_reader(chunk, &reader, place);
    exo_json_next(&reader, token);
}

/* Stores what stands between the quotation marks of a string; the empty text for any other value. */
static void chunk_string_at(const exo_chunk *chunk, uint32_t place, exo_span *text)
{
    exo_json_token token;
    token.text = exo_span_of(NULL, 0);
    if (chunk_has_text(chunk, place)) {
        chunk_token_at(chunk, place, &token);
    }
    *text = token.text;
}

/* Stores a value as it stands in the event. */
static bool chunk_store_value(const exo_chunk *chunk, exo_delta *delta, uint32_t place)
{
    exo_json_reader reader;
    chunk_begin_reader(chunk, &reader, place);
    return exo_json_skip(&reader, &delta->text) == EXO_OK;
}

/* A number that is whole and not negative, or -1. */
static int64_t chunk_number_at(const exo_chunk *chunk, uint32_t place)
{
    exo_json_token token;
    int64_t number = -1;
#ifndef EXO_SMALL
    const char *digit = chunk->data_.ptr + place;
    if (place == 0) {
        return -1;
    }
    if (ascii_is_digit(*digit) && place + 1 < chunk->data_.len && (digit[1] == ',' || digit[1] == '}')) {
        return *digit - '0';
    }
#endif
    chunk_token_at(chunk, place, &token);
    return exo_json_int64(&token, &number) == EXO_OK && number >= 0 ? number : -1;
}

/* Reads the next value, whose place goes to value_. EXO_EVENT: it is an object, and where its listed members stand is
 * noted; of duplicates the last counts. EXO_OK: it is none. Or the reader's error. It calls itself once, for a list's
 * inner one. */
static int chunk_read_members(exo_chunk *chunk, exo_json_reader *reader, enum list_number number)
{
    const struct place_list *list = &place_lists[number];
    uint32_t *found = chunk->places_ + list->first;
    const exo_json_reader before = *reader;
    exo_json_token token;
    exo_span value = exo_span_of(chunk->data_.ptr, 0);
    bool strange = false;
    memset(found, 0, (size_t)(list->others + 1 - list->first) * sizeof *found);
    if (exo_json_next(reader, &token) != EXO_EVENT || token.type != EXO_JSON_OBJECT) {
        *reader = before;
        int rc = exo_json_skip(reader, &value);
        chunk->value_ = (uint32_t)(value.ptr - chunk->data_.ptr);
        return rc;
    }
    const uint32_t place = (uint32_t)(token.raw.ptr - chunk->data_.ptr);
    int rc;
    while ((rc = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        const int name = exo_json_name(list->names, &token);
        if (name >= 0 && list->inner > 0 && list->first + name + 1 == place_lists[list->inner].first) {
            rc = chunk_read_members(chunk, reader, list->inner);
        } else {
            rc = exo_json_skip(reader, &value);
            chunk->value_ = (uint32_t)(value.ptr - chunk->data_.ptr);
        }
        if (rc < 0) {
            return rc;
        }
        if (name < 0) {
            strange = true;
        } else {
            found[name] = chunk->value_;
        }
    }
    chunk->places_[list->others] = strange ? place + 1 : 0;
    chunk->value_ = place;
    return rc;
}

/* Reads the members of an object; any other value has none. */
static void chunk_read_object(exo_chunk *chunk, uint32_t place, enum list_number number)
{
    exo_json_reader reader;
#ifndef EXO_SMALL
    if (place == 0) {
        exo_chunk_forget_members(chunk, number);
        return;
    }
    if (exo_chunk_pass_object(chunk, place, number) > 0) {
        return;
    }
#endif
    if (!chunk_is_object(chunk, place)) {
        place = (uint32_t)chunk->data_.len; /* where there is nothing */
    }
    chunk_begin_reader(chunk, &reader, place);
    chunk_read_members(chunk, &reader, number);
}

/* Where the inside of a list or an object begins, to be walked; nowhere for any other value. */
static uint32_t chunk_inside(const exo_chunk *chunk, uint32_t place, char bracket)
{
    return chunk_kind_at(chunk, place) == bracket ? place + 1 : 0;
}

/* Moves a list to its next value, and begins to read that; an object is a list of keys and values. */
static void chunk_begin_next(const exo_chunk *chunk, uint32_t *list, exo_json_reader *reader)
{
    if (*list == 0) {
        *list = (uint32_t)chunk->data_.len; /* where there is nothing */
    }
    while (*list < chunk->data_.len && memchr(" \t\r\n,:", chunk->data_.ptr[*list], 6)) {
        ++*list;
    }
    chunk_begin_reader(chunk, reader, *list);
}

#ifndef EXO_SMALL
/* Whether a list that chunk_begin_next() has moved is over. */
static inline bool chunk_is_at_end(const exo_chunk *chunk, uint32_t list)
{
    return list >= chunk->data_.len || (chunk->data_.ptr[list] | ' ') == '}';
}
#endif

/* Moves a list behind its next value, and returns where that stands; nowhere: the list is over. */
static uint32_t chunk_next_value(const exo_chunk *chunk, uint32_t *list)
{
    exo_json_reader reader;
    chunk_begin_next(chunk, list, &reader);
#ifndef EXO_SMALL
    if (chunk_is_at_end(chunk, *list)) {
        return 0;
    }
#endif
    if (exo_json_skip(&reader, NULL) != EXO_OK) {
        return 0;
    }
    *list += (uint32_t)reader.at;
    return *list - (uint32_t)reader.at;
}

/* Moves a list behind its next object, whose place goes to value_, and reads that one's members; other values are
 * passed over. False: the list is over. */
static bool chunk_next_object(exo_chunk *chunk, uint32_t *list, enum list_number number)
{
    exo_json_reader reader;
    int rc;
    do {
        chunk_begin_next(chunk, list, &reader);
#ifndef EXO_SMALL
        if (chunk_is_at_end(chunk, *list)) {
            exo_chunk_forget_members(chunk, number);
            return false;
        }
        const uint32_t behind = exo_chunk_pass_object(chunk, *list, number);
        if (behind > 0) {
            *list = behind;
            return true;
        }
#endif
        rc = chunk_read_members(chunk, &reader, number);
        *list += (uint32_t)reader.at;
    } while (rc == EXO_OK);
    return rc == EXO_EVENT;
}

void exo_chunk_init(exo_chunk *chunk, const exo_limits *limits)
{
    memset(chunk, 0, sizeof *chunk);
    chunk->limit_ = limits->event;
    chunk->step_ = STEP_END;
}

void exo_chunk_think_tags(exo_chunk *chunk, bool on)
{
    exo_think_init(&chunk->think_, on);
}

/* Whether a member has anything to say: null, false, "" and [] have not. */
static bool chunk_speaks(const exo_chunk *chunk, uint32_t place)
{
    switch (chunk_kind_at(chunk, place)) {
    case '\0':
    case 'n':
    case 'f':
        return false;
    case '"':
    case '[':
        return chunk_is_filled(chunk, place);
    default:
        return true;
    }
}

/* Whether there is an object in which not all is null. */
static bool chunk_holds(const exo_chunk *chunk, uint32_t place)
{
    uint32_t members = chunk_inside(chunk, place, '{');
#ifndef EXO_SMALL
    if (members == 0) {
        return false;
    }
#endif
    while (chunk_next_value(chunk, &members) > 0) { /* a key */
        if (chunk_kind_at(chunk, chunk_next_value(chunk, &members)) != 'n') {
            return true;
        }
    }
    return false;
}

static bool chunk_reports_error(exo_chunk *chunk)
{
    const uint32_t *top = chunk->places_;
    const int last = chunk_kind_at(chunk, top[TOP_CHOICES]) == '[' ? TOP_ERROR : TOP_ERRORS;
    for (int i = TOP_ERROR; i <= last; i++) {
        if (chunk_speaks(chunk, top[i])) {
            return true;
        }
    }
    if (chunk_is_object(chunk, top[TOP_BASE])) {
        chunk_read_object(chunk, top[TOP_BASE], LIST_INNER);
        if (chunk_number_at(chunk, top[INNER_STATUS]) > 0) {
            return true;
        }
    }
#ifndef EXO_SMALL
    if (chunk->data_.len - top[TOP_OBJECT] < 7 || memcmp(chunk->data_.ptr + top[TOP_OBJECT], "\"error\"", 7) != 0) {
        return false;
    }
#endif
    exo_span object;
    chunk_string_at(chunk, top[TOP_OBJECT], &object);
    return exo_span_is(object, "error");
}

/* Whether an object in the list that the event is reports an error (Gemini). */
static bool chunk_list_reports_error(exo_chunk *chunk)
{
    bool error = false;
    const exo_span text = exo_span_trim(chunk->data_);
    uint32_t list = *text.ptr == '[' ? (uint32_t)(text.ptr - chunk->data_.ptr) + 1 : 0;
    while (!error && chunk_next_object(chunk, &list, LIST_TOP)) {
        error = chunk_reports_error(chunk);
    }
    memset(chunk->places_, 0, sizeof chunk->places_);
#ifndef EXO_SMALL
    chunk->first_ = 0;
    chunk->noted_calls_ = 0;
#endif
    return error;
}

/* Reads the event for the first time: whether all of it is JSON, and where the members of the object stand. EXO_OK, or
 * what is wrong with it, and where in number_. */
static int chunk_validate(exo_chunk *chunk)
{
    exo_json_reader reader;
    exo_json_token token;
#ifndef EXO_SMALL
    if (exo_chunk_pass_event(chunk)) {
        chunk->error_ = chunk_reports_error(chunk);
        return EXO_OK;
    }
#endif
    chunk_begin_reader(chunk, &reader, 0);
    const int kind = chunk_read_members(chunk, &reader, LIST_TOP);
    const int rc = kind < 0 ? kind : exo_json_next(&reader, &token);
    chunk->number_ = reader.at;
    if (rc != EXO_OK) {
        return rc;
    }
    if (kind == EXO_EVENT) {
        chunk->error_ = chunk_reports_error(chunk);
        return EXO_OK;
    }
    chunk->number_ = 0;
    chunk->error_ = chunk_list_reports_error(chunk);
    return chunk->error_ ? EXO_OK : EXO_E_MALFORMED;
}

/* Whether what is no JSON object began as if it were to become JSON: then something was lost with it. */
static bool chunk_begins_like_json(exo_span data)
{
    data = exo_span_trim(data);
    if (data.len > 0 && *data.ptr == '[') {
        data = exo_span_trim(exo_span_of(data.ptr + 1, data.len - 1));
        return data.len > 0 && memchr("{[\"-0123456789tfn]", *data.ptr, 18);
    }
    return data.len > 0 && *data.ptr == '{';
}

/* From the next call on, text comes in fragments; `literal`: as it stands. */
SELDOM static void chunk_begin_text(exo_chunk *chunk, unsigned type, exo_span text, bool literal)
{
    chunk->low_ = 0;
    chunk->high_ = 0;
    if (!literal) {
        exo_json_take_halves(&text, &chunk->low_, &chunk->high_);
    }
    exo_json_decoder_init_as(&chunk->decoder_, text, literal);
    chunk->decoded_ = text.len == 0;
    chunk->string_ = (uint8_t)type;
    chunk->decoding_ = true;
    chunk->rest_.len = 0;
}

static inline void chunk_clear_delta(const exo_chunk *chunk, exo_delta *delta)
{
    delta_clear(delta);
    delta->choice = chunk->choice_;
    delta->whole = chunk->whole_;
}

/* ---- what is remembered ---- */

#ifndef EXO_SMALL

/* What is looked at, of what other events may have otherwise. */
static const exo_looked_at looked_at = {TOP_NAMES, CHOICE_NAMES, TOP_CHOICES - TOP_ID, CHOICE_MESSAGE - CHOICE_INDEX};

void exo_chunk_begin_known(exo_chunk *chunk)
{
    const exo_known *known = chunk->recalled_.known;
    chunk->data_ = exo_span_of("", 0); /* nobody looks at it */
    chunk->code_ = EXO_OK;
    chunk->error_ = false;
    chunk->is_over_ = false;
    chunk->decoding_ = false;
    chunk->lists_len_ = 0;
    chunk->others_ = 0;
    chunk->choice_ = 0;
    chunk->whole_ = false;
    chunk->echo_ = '\0';
    chunk->learning_ = 0;
    if (known->shape != chunk->named_) {
        chunk->step_ = STEP_KNOWN;
    } else { /* the last event had its names */
        chunk->step_ = known->type == EXO_DELTA_TOOL_ARGUMENTS ? STEP_KNOWN_CALL : STEP_KNOWN_TEXT;
    }
    chunk->named_ = known->shape;
}

void exo_chunk_remember(exo_chunk *chunk, const exo_allocator *allocator)
{
    chunk->remembers_ = allocator;
}

void exo_chunk_forget(exo_chunk *chunk)
{
    exo_shapes_free(chunk->shapes_);
    chunk->shapes_ = NULL;
    chunk->remembers_ = NULL;
}

#endif

/* Forgets the last event. */
static void chunk_reset(exo_chunk *chunk, exo_span data)
{
    const size_t first = offsetof(exo_chunk, lists_len_);
    memset((char *)chunk + first, 0, offsetof(exo_chunk, think_) - first);
    chunk->data_ = data.len > 0 ? data : exo_span_of("", 0);
}

/* The event has been read for the first time. */
static void chunk_begin_steps(exo_chunk *chunk)
{
    uint32_t *top = chunk->places_;
#ifndef EXO_SMALL
    if ((top[TOP_USAGE] | top[TOP_GROQ]) != 0)
#endif
        if (!chunk_holds(chunk, top[TOP_USAGE])) {
            chunk_read_object(chunk, top[TOP_GROQ], LIST_INNER);
            if (chunk_is_object(chunk, top[INNER_USAGE])) {
                top[TOP_USAGE] = top[INNER_USAGE];
            }
        }
    chunk->step_ = chunk->code_ == EXO_OK ? STEP_ERROR : STEP_MALFORMED;
    chunk->choices_ = chunk_inside(chunk, top[TOP_CHOICES], '[');
}

void exo_chunk_begin(exo_chunk *chunk, exo_span data, bool error)
{
#ifndef EXO_SMALL
    if (!error && chunk->shapes_ && data.ptr != chunk->strange_ && exo_shapes_recall(chunk, data, SHAPE_END_HERE)) {
        exo_chunk_begin_known(chunk);
        return;
    }
#endif
    chunk_reset(chunk, data);
    chunk->error_ = error;
#ifndef EXO_SMALL
    if (!error) {
        exo_learn_begin(chunk);
    }
#endif
    if (data.len > chunk->limit_) {
        chunk->code_ = EXO_E_EVENT_LIMIT;
        chunk->number_ = chunk->limit_;
    } else if (!error) {
        chunk->code_ = chunk_validate(chunk);
    }
    chunk_begin_steps(chunk);
}

#ifndef EXO_SMALL
size_t exo_chunk_read_ahead(exo_chunk *chunk, exo_span ahead)
{
    if (*ahead.ptr != '{' || chunk->by_tokens_ || chunk->ends_otherwise_ || ahead.len > UINT32_MAX) {
        return 0;
    }
    chunk_reset(chunk, ahead);
    const uint32_t len = exo_chunk_pass_object(chunk, 0, LIST_TOP);
    if (len == 0 || len > chunk->limit_ || ahead.len - len < 2) {
        return 0;
    }
    if (memcmp(ahead.ptr + len, "\n\n", 2) != 0) {
        chunk->ends_otherwise_ = true; /* as the next one will */
        return 0;
    }
    chunk->data_.len = len;
    exo_learn_begin(chunk);
    chunk->error_ = chunk_reports_error(chunk);
    chunk_begin_steps(chunk);
    return len;
}

void exo_chunk_leave_names(exo_chunk *chunk, const exo_span words[EXO_CHUNK_NAMES_])
{
    if (chunk->step_ != STEP_ERROR || chunk->error_) {
        return;
    }
    for (int i = 0; i < EXO_CHUNK_NAMES_; i++) {
        const exo_span *word = &words[i];
        const uint32_t place = chunk->places_[TOP_ID + i];
        if (place > 0 && chunk_has_text(chunk, place)) {
            const exo_span rest = exo_span_of(chunk->data_.ptr + place + 1, chunk->data_.len - place - 1);
            if (word->len == 0 || word->len >= rest.len || rest.ptr[word->len] != '"' ||
                memcmp(rest.ptr, word->ptr, word->len) != 0) {
                return;
            }
        }
    }
    chunk->step_ = STEP_CHOICE;
}
#endif

void exo_chunk_end(exo_chunk *chunk)
{
    exo_chunk_begin(chunk, exo_span_of(NULL, 0), true);
    chunk->step_ = STEP_HELD_LAST;
}

bool exo_chunk_is_progress(const exo_chunk *chunk)
{
#ifndef EXO_SMALL
    if (chunk->recalled_.known) {
        return true;
    }
#endif
    const uint32_t *top = chunk->places_;
    return chunk->code_ == EXO_OK &&
           (chunk->error_ || chunk_kind_at(chunk, top[TOP_CHOICES]) == '[' || chunk_is_object(chunk, top[TOP_USAGE]));
}

/* An object or a list that is not empty. */
static bool chunk_is_raw(const exo_chunk *chunk, uint32_t place)
{
    return chunk_is_nest(chunk, place) && chunk_is_filled(chunk, place);
}

/* The same, as it stands in the event. */
static bool chunk_store_raw(const exo_chunk *chunk, exo_delta *delta, uint32_t place)
{
    return chunk_is_raw(chunk, place) && chunk_store_value(chunk, delta, place);
}

/* Whether a member that is not known is kept: a text, a list, or an object in which not all is null. */
static bool chunk_is_kept(const exo_chunk *chunk, uint32_t place)
{
    const char kind = chunk_kind_at(chunk, place);
    return kind == '"' || kind == '[' ? chunk_is_filled(chunk, place) : chunk_holds(chunk, place);
}

/* Goes to the next member in others_ that is not listed and is kept. False: no more. */
static bool chunk_next_member(exo_chunk *chunk, exo_delta *delta)
{
    uint32_t key;
    delta->type = chunk->list_ == LIST_DELTA ? EXO_DELTA_MEMBER : EXO_DELTA_TOOL_MEMBER;
    while ((key = chunk_next_value(chunk, &chunk->others_)) > 0) {
        exo_json_token token;
        uint32_t value = chunk_next_value(chunk, &chunk->others_);
        chunk_token_at(chunk, key, &token);
        bool plain = token.plain && token.text.len > 0;
        if (plain && exo_json_name(place_lists[chunk->list_].names, &token) < 0 && chunk_is_kept(chunk, value)) {
            delta->name = token.text;
            return chunk_store_value(chunk, delta, value);
        }
    }
    chunk->others_ = 0;
    return false;
}

static void chunk_begin_members(exo_chunk *chunk, unsigned list)
{
    chunk->others_ = chunk->places_[place_lists[list].others];
    chunk->list_ = (uint8_t)list;
}

/* What a think filter held back. */
static bool chunk_store_held(exo_chunk *chunk, exo_delta *delta)
{
    bool thought;
    bool held = chunk->think_.held_ > 0 && exo_think_end(&chunk->think_, &delta->text, &thought);
    if (held) {
        delta->type = thought ? EXO_DELTA_REASONING : EXO_DELTA_CONTENT;
    }
    return held;
}

/* U+FFFD, which stands for half a surrogate pair. */
static const char replacement[] = "\xEF\xBF\xBD";

/* From the next call on, the text of a string, or the literal of a number or boolean, comes in fragments. Null and the
 * empty string give none. */
static void chunk_begin_string(exo_chunk *chunk, unsigned type, uint32_t place)
{
    exo_json_token token;
    if (place == 0) {
        return;
    }
#ifndef EXO_SMALL
    const char *const text = chunk->data_.ptr + place + 1;
    if (text[-1] == '"' && *text == '\\') {
        size_t decoded;
        if (exo_shape_decode(text, chunk->data_.len - place - 1, chunk->scratch_, &decoded) > 0) {
            exo_learn_text(chunk, type, place);
            chunk_begin_text(chunk, type, exo_span_of(chunk->scratch_, decoded), true);
            return;
        }
    }
#endif
    chunk_token_at(chunk, place, &token);
    if (token.type == EXO_JSON_NULL || token.text.len == 0) {
        return;
    }
#ifndef EXO_SMALL
    exo_learn_text(chunk, type, place);
#endif
    chunk_begin_text(chunk, type, token.text, token.type != EXO_JSON_STRING);
}

/* Takes the next piece of the string that was begun into rest_. */
static void chunk_next_piece(exo_chunk *chunk)
{
    if (chunk->low_ == 0 && !chunk->decoded_) {
        exo_json_decode(&chunk->decoder_, chunk->scratch_, &chunk->rest_, &chunk->decoded_);
        return;
    }
    uint16_t *half = chunk->low_ != 0 ? &chunk->low_ : &chunk->high_;
    chunk->half_ = *half;
    chunk->rest_ = exo_span_of(replacement, sizeof replacement - 1);
    *half = 0;
}

/* The next fragment of the string that was begun; false where a think filter holds it back. */
static bool chunk_next_fragment(exo_chunk *chunk, exo_delta *delta)
{
    bool thought = false;
    bool stored = true;
    if (chunk->rest_.len == 0) {
        chunk_next_piece(chunk);
    }
    delta->type = (exo_delta_type)chunk->string_;
    if (delta->type == EXO_DELTA_CONTENT) {
        delta->echo = (uint8_t)chunk->echo_;
    }
    if (delta->type == EXO_DELTA_CONTENT && (chunk->choice_ | delta->echo) == 0) {
        stored = exo_think_next(&chunk->think_, &chunk->rest_, &delta->text, &thought);
        delta->type = thought ? EXO_DELTA_REASONING : EXO_DELTA_CONTENT;
    } else {
        delta->text = chunk->rest_;
        chunk->rest_.len = 0;
    }
    if (delta->text.ptr == replacement) {
        delta->half = chunk->half_;
    }
    delta->last = chunk->decoded_ && chunk->high_ == 0 && chunk->rest_.len == 0;
    chunk->decoding_ = !delta->last;
    chunk->said_ = chunk->said_ || chunk->step_ <= STEP_REASONING_DETAILS;
    return stored;
}

/* What kind of text a part of the content is by its type, or EXO_DELTA_MEMBER where that is not known. */
static exo_delta_type chunk_type_of_part(exo_span type)
{
    if (type.len >= 8 && (memcmp(type.ptr, "thinking", 8) == 0 || memcmp(type.ptr, "reasoning", 8) == 0)) {
        return EXO_DELTA_REASONING;
    }
    if (type.len == 0 || (type.len >= 4 && memcmp(type.ptr + type.len - 4, "text", 4) == 0)) {
        return EXO_DELTA_CONTENT;
    }
    return EXO_DELTA_MEMBER;
}

/* Goes from an object in the place of a text to what it says, which may be nowhere, and returns of what type that is:
 * EXO_DELTA_MEMBER for output of a kind that is not known. */
static exo_delta_type chunk_enter_part(exo_chunk *chunk, exo_delta_type type, uint32_t *place)
{
    const uint32_t *part = chunk->places_;
    exo_delta_type own = type;
    int i = PART_TEXT;
    int end = PART_THINKING;
    chunk_read_object(chunk, *place, LIST_PART);
    if (type == EXO_DELTA_CONTENT) {
        exo_span name;
        chunk_string_at(chunk, part[PART_TYPE], &name);
        own = chunk_type_of_part(name);
        end += own == EXO_DELTA_REASONING;
    }
    while (i < end && !chunk_speaks(chunk, part[i])) {
        i++;
    }
    /* Content that has no member that is known says something all the same. */
    if (i == end && own == EXO_DELTA_CONTENT && (part[PART_TEXT] | part[PART_CONTENT] | part[PART_TYPE]) == 0 &&
        chunk_holds(chunk, *place)) {
        own = EXO_DELTA_MEMBER;
    }
    /* What the delta's own field for reasoning has said is not said twice. */
    *place = i == end || (own != type && chunk->said_) ? 0 : part[i];
    return own;
}

/* Begins what a value says in the place of a text, whatever its type. True: it is stored as output that is no text. */
static bool chunk_take_value(exo_chunk *chunk, exo_delta *delta, exo_delta_type type, uint32_t place)
{
    const uint32_t whole = place;
    for (int i = 0; i < EXO_CHUNK_LISTS_ && type != EXO_DELTA_MEMBER && chunk_is_object(chunk, place); i++) {
        type = chunk_enter_part(chunk, type, &place);
    }
    const uint32_t list = chunk_inside(chunk, place, '[');
    if (type == EXO_DELTA_MEMBER || chunk_is_object(chunk, place) ||
        (list > 0 && chunk->lists_len_ == EXO_CHUNK_LISTS_)) {
        delta->type = EXO_DELTA_MEMBER;
        delta->name = exo_span_of("content", 7);
        delta->list = true;
        return chunk_store_value(chunk, delta, whole);
    }
    if (list == 0) {
        chunk_begin_string(chunk, type, place);
    } else {
        chunk->types_[chunk->lists_len_] = (uint8_t)type;
        chunk->lists_[chunk->lists_len_++] = list;
    }
    return false;
}

/* Goes on in the list that was begun last. */
static bool chunk_walk(exo_chunk *chunk, exo_delta *delta)
{
    size_t last = chunk->lists_len_ - 1U;
    uint32_t value = chunk_next_value(chunk, &chunk->lists_[last]);
    if (value > 0) {
        return chunk_take_value(chunk, delta, (exo_delta_type)chunk->types_[last], value);
    }
    chunk->lists_len_--;
    return false;
}

/* Whether the delta of the choice at hand has nothing to say, or is none. */
static bool chunk_is_quiet(const exo_chunk *chunk)
{
    int i = DELTA_REASONING;
#ifdef EXO_SMALL
    while (i < DELTA_OTHERS && !chunk_speaks(chunk, chunk->places_[i])) {
#else
    while (i < DELTA_OTHERS && (chunk->places_[i] == 0 || !chunk_speaks(chunk, chunk->places_[i]))) {
#endif
        i++;
    }
    return chunk->places_[i] == 0;
}

/* Goes to the next choice, and says whether there is one. */
static bool chunk_next_choice(exo_chunk *chunk)
{
    uint32_t *member = chunk->places_;
    int64_t index;
    do {
#ifndef EXO_SMALL
        if (chunk->first_ > 0) {
            chunk->value_ = chunk->first_;
            chunk->choices_ = chunk->behind_;
            chunk->first_ = 0;
        } else
#endif
            if (!chunk_next_object(chunk, &chunk->choices_, LIST_CHOICE)) {
            return false;
        }
        index = chunk_number_at(chunk, member[CHOICE_INDEX]);
    } while (index > UINT32_MAX);                     /* nobody asked for so many */
    chunk->choice_ = index > 0 ? (uint32_t)index : 0; /* what says nothing useful is the first one's */
    chunk->object_ = chunk->value_;
    chunk->whole_ = false;
    if (chunk_is_quiet(chunk)) {
        const bool is_delta = chunk_is_object(chunk, member[CHOICE_DELTA]);
        if (chunk_is_object(chunk, member[CHOICE_MESSAGE])) {
            chunk->whole_ = true;
            chunk_read_object(chunk, member[CHOICE_MESSAGE], LIST_DELTA);
        } else if (chunk_speaks(chunk, member[CHOICE_TEXT])) {
            chunk->whole_ = is_delta;
            member[DELTA_CONTENT] = member[CHOICE_TEXT];
        } else if (!is_delta) {
            member[DELTA_CONTENT] = member[CHOICE_DELTA];
        }
    }
    if (chunk_holds(chunk, member[CHOICE_USAGE])) {
        chunk->usage_ = member[CHOICE_USAGE];
    }
#ifndef EXO_SMALL
    chunk->echo_ = '\0'; /* the choice before it may have had a role */
    if (member[DELTA_ROLE] > 0)
#endif
    {
        exo_span role;
        chunk_string_at(chunk, member[DELTA_ROLE], &role);
        chunk->echo_ = exo_span_is(role, "user") ? 'u' : exo_span_is(role, "tool") ? 't' : '\0';
    }
    chunk->calls_ = chunk_inside(chunk, member[DELTA_TOOL_CALLS], '[');
    chunk->said_ = false;
    return true;
}

/* Whether arguments that are text begin with a bracket, white space apart. They stand between their quotation marks. */
SELDOM static bool chunk_opens(exo_chunk *chunk, exo_span text)
{
    exo_json_decoder_init(&chunk->decoder_, text);
    exo_json_decode(&chunk->decoder_, chunk->scratch_, &text, &chunk->decoded_);
    text = exo_span_trim(text);
    return text.len > 0 && (*text.ptr == '{' || *text.ptr == '[');
}

/* The same of the value at a place. */
static bool chunk_opens_at(exo_chunk *chunk, uint32_t place)
{
    exo_span text;
#ifndef EXO_SMALL
    const char *const first = chunk->data_.ptr + place + 1;
    if (!chunk_has_text(chunk, place)) {
        return false;
    }
    if (*first > ' ' && *first != '\\') {
        return *first == '{' || *first == '[';
    }
    if (*first == '\\' && (first[1] == '"' || first[1] == '\\')) {
        return false;
    }
#endif
    chunk_string_at(chunk, place, &text);
    return chunk_opens(chunk, text);
}

/* Whether the tool call at hand has a member that is kept, beside those that are known. */
static bool chunk_has_members(exo_chunk *chunk, exo_delta *delta)
{
    chunk_begin_members(chunk, LIST_CALL);
    bool found = chunk_next_member(chunk, delta);
    delta->text.len = 0;
    chunk->others_ = 0;
    return found;
}

/* The next tool call, the legacy function_call behind the list; one that says nothing is passed over. False: no more.
 */
static bool chunk_next_call(exo_chunk *chunk, exo_delta *delta)
{
    uint32_t *call = chunk->places_;
    do {
        chunk->legacy_ = false;
#ifndef EXO_SMALL
        if (chunk->calls_ > 0 && chunk->calls_ == chunk->noted_calls_) {
            chunk->calls_ = chunk->behind_call_;
            chunk->value_ = chunk->noted_call_;
        } else
#endif
            if (!chunk_next_object(chunk, &chunk->calls_, LIST_CALL)) {
            chunk->legacy_ = !chunk_is_object(chunk, call[DELTA_TOOL_CALLS]); /* or it stands where a list should */
            uint32_t *place = &call[DELTA_TOOL_CALLS + chunk->legacy_];
            if (!chunk_is_object(chunk, *place)) {
                return false;
            }
            chunk_read_object(chunk, *place, chunk->legacy_ ? LIST_FUNCTION : LIST_CALL);
            *place = 0;
        }
    } while (!(chunk_has_text(chunk, call[CALL_ID]) || chunk_has_text(chunk, call[FUNCTION_NAME]) ||
               chunk_speaks(chunk, call[FUNCTION_ARGUMENTS]) || chunk_kind_at(chunk, call[FUNCTION_ARGUMENTS]) == 'f' ||
               chunk_is_object(chunk, call[CALL_EXTRA]) || chunk_has_members(chunk, delta)));
    delta->index = chunk_number_at(chunk, call[CALL_INDEX]);
    delta->type = EXO_DELTA_TOOL_CALL;
    delta->legacy = chunk->legacy_;
    chunk_string_at(chunk, call[CALL_ID], &delta->id);
    chunk_string_at(chunk, call[FUNCTION_NAME], &delta->name);
    delta->opens = chunk_opens_at(chunk, call[FUNCTION_ARGUMENTS]);
    delta->object = chunk_is_raw(chunk, call[FUNCTION_ARGUMENTS]);
    return true;
}

/* Where a count of tokens stands, of the object that was read last, and where it goes: the first that is known counts.
 */
static void chunk_take_count(const exo_chunk *chunk, unsigned place, size_t field, exo_usage *usage)
{
    int64_t *count = (void *)((char *)usage + field);
    if (*count < 0) {
        *count = chunk_number_at(chunk, chunk->places_[place]);
    }
}

static bool chunk_store_usage(exo_chunk *chunk, exo_delta *delta)
{
    static const struct {
        uint8_t place;
        uint8_t field;
    } counts[] = {
        {USAGE_PROMPT, offsetof(exo_usage, prompt_tokens)},
        {USAGE_COMPLETION, offsetof(exo_usage, completion_tokens)},
        {USAGE_TOTAL, offsetof(exo_usage, total_tokens)},
        {USAGE_CACHED, offsetof(exo_usage, cached_tokens)},
        {USAGE_CACHED + 1, offsetof(exo_usage, cached_tokens)},
        {USAGE_CACHED + 2, offsetof(exo_usage, cached_tokens)},
        {USAGE_REASONING, offsetof(exo_usage, reasoning_tokens)},
    };
    exo_usage *usage = &delta->usage;
    uint32_t place = chunk->places_[TOP_USAGE];
    if (!chunk_holds(chunk, place)) {
        place = chunk->usage_;
    }
    if (!chunk_holds(chunk, place)) {
        return false;
    }
    memset(usage, 0xFF, sizeof *usage); /* -1 each, as EXO_USAGE_INIT has them */
    chunk_read_object(chunk, place, LIST_USAGE);
    const uint32_t completion = chunk->places_[USAGE_COMPLETION_DETAILS];
    chunk_read_object(chunk, chunk->places_[USAGE_PROMPT_DETAILS], LIST_USAGE);
    usage->cached_tokens = chunk_number_at(chunk, chunk->places_[USAGE_CACHED + 1]);
    chunk_read_object(chunk, completion, LIST_USAGE);
    usage->reasoning_tokens = chunk_number_at(chunk, chunk->places_[USAGE_REASONING]);
    chunk_read_object(chunk, place, LIST_USAGE);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        chunk_take_count(chunk, counts[i].place, counts[i].field, usage);
    }
    return chunk_store_raw(chunk, delta, place);
}

/* Takes a step that makes its delta in its own way, and says whether it stored one. */
static bool chunk_special_step(exo_chunk *chunk, exo_delta *delta, enum step step)
{
    switch (step) {
    case STEP_MALFORMED:
        chunk->step_ = STEP_END;
        delta->code = chunk->code_;
        delta->number = chunk->number_;
        delta->hole = chunk->code_ != EXO_E_MALFORMED && chunk_begins_like_json(chunk->data_);
        delta->text = chunk->data_;
        return true;
    case STEP_ERROR:
        delta->text = chunk->data_;
        return chunk->error_;
    case STEP_CHOICE:
        if (!chunk_next_choice(chunk)) {
            chunk->choice_ = 0;
            chunk->step_ = STEP_USAGE;
            return false;
        }
        if (!chunk_speaks(chunk, chunk->places_[CHOICE_ERROR])) {
            return false;
        }
        return chunk_store_value(chunk, delta, chunk->object_);
    case STEP_CALL:
        if (chunk_next_call(chunk, delta)) {
            return true;
        }
        chunk->step_ = STEP_AUDIO;
        return false;
    case STEP_HELD:
        chunk->whole_ = false; /* what follows counts in any case */
        return chunk->choice_ == 0 && chunk_has_text(chunk, chunk->places_[CHOICE_FINISH]) &&
               chunk_store_held(chunk, delta);
    case STEP_USAGE:
        return chunk_store_usage(chunk, delta);
    default:
        chunk->step_ = STEP_END;
        return chunk_store_held(chunk, delta);
    }
}

#ifndef EXO_SMALL
/* Takes the next step of an event whose shape is remembered. */
static bool chunk_known_step(exo_chunk *chunk, exo_delta *delta)
{
    const exo_recalled *recalled = &chunk->recalled_;
    const exo_known *known = recalled->known;
    const unsigned step = chunk->step_++;
    if (step < STEP_KNOWN_CALL) {
        delta->type = (exo_delta_type)(EXO_DELTA_ID + (step - STEP_KNOWN));
        delta->text = known->names[step - STEP_KNOWN];
        return delta->text.len > 0;
    }
    chunk->choice_ = known->choice;
    delta->choice = known->choice;
    if (step == STEP_KNOWN_CALL) {
        delta->type = EXO_DELTA_TOOL_CALL;
        delta->index = known->index;
        if (known->type == EXO_DELTA_TOOL_ARGUMENTS) {
            delta->opens = recalled->plain ? delta_is_opening(recalled->text) : chunk_opens(chunk, recalled->text);
            return true;
        }
        return false;
    }
    chunk->step_ = STEP_END;
    if (!recalled->plain || exo_think_is_on(&chunk->think_)) {
        chunk_begin_text(chunk, known->type, recalled->text, recalled->plain);
        return false;
    }
    delta->type = (exo_delta_type)known->type;
    delta->text = recalled->text; /* in one fragment */
    delta->last = true;
    chunk->is_over_ = true;
    return true;
}
#endif

/* Takes the next step, and says whether it stored a delta. */
static bool chunk_step(exo_chunk *chunk, exo_delta *delta)
{
    const enum step number = (enum step)chunk->step_++;
    const struct plan *plan = &plans[number];
    const uint32_t place = chunk->places_[plan->place];
    delta->type = (exo_delta_type)plan->type;
    switch ((enum how)plan->how) {
    case HOW_STRING:
        chunk_string_at(chunk, place, &delta->text);
        return delta->text.len > 0;
    case HOW_RAW:
        return chunk_store_raw(chunk, delta, place);
    case HOW_TEXT:
        if (chunk_has_text(chunk, place) || (plan->type == EXO_DELTA_TOOL_ARGUMENTS && !chunk_is_nest(chunk, place))) {
            chunk_begin_string(chunk, plan->type, place);
        }
        return false;
    case HOW_VALUE:
        if (plan->type == EXO_DELTA_REASONING && chunk->said_) {
            return false;
        }
        return chunk_take_value(chunk, delta, delta->type, place);
    case HOW_MEMBERS:
        chunk_begin_members(chunk, plan->place);
        return false;
    case HOW_GO:
        chunk->step_ = plan->place;
        return false;
    case HOW_SPECIAL:
        break;
    }
    return chunk_special_step(chunk, delta, number);
}

#ifndef EXO_SMALL
/* The next delta of an event whose shape is remembered; false: from now on it is handed out as any other. */
static bool chunk_next_known(exo_chunk *chunk, exo_delta *delta)
{
    do {
        chunk_clear_delta(chunk, delta);
        if (chunk_known_step(chunk, delta)) {
            return true;
        }
    } while (chunk->step_ > STEP_END);
    return false;
}
#endif

#ifndef EXO_SMALL
/* Whether nothing can come of a step that is not of one member. */
static inline bool chunk_is_idle_step(const exo_chunk *chunk, unsigned step)
{
    const uint32_t *const places = chunk->places_;
    switch (step) {
    case STEP_ERROR:
        return !chunk->error_;
    case STEP_CALL_MEMBERS:
    case STEP_FUNCTION_MEMBERS:
    case STEP_MEMBERS:
        return places[place_lists[plans[step].place].others] == 0;
    case STEP_HELD:
        return !chunk->whole_ && chunk->think_.held_ == 0;
    case STEP_USAGE:
        return (places[TOP_USAGE] | chunk->usage_) == 0;
    default:
        return false;
    }
}

/* Passes over steps of which nothing can come: the member is not there, or is null; there are no calls. */
static void chunk_pass_steps(exo_chunk *chunk)
{
    const uint32_t *const places = chunk->places_;
    unsigned step = chunk->step_;
    for (;;) {
        const struct plan *plan = &plans[step];
        if (plan->how <= HOW_VALUE) {
            const uint32_t place = places[plan->place];
            if (place != 0 && chunk->data_.ptr[place] != 'n') {
                break;
            }
            step++;
        } else if (plan->how == HOW_GO) {
            step = plan->place;
        } else if (step == STEP_CALL && (chunk->calls_ | places[DELTA_TOOL_CALLS] | places[DELTA_FUNCTION_CALL]) == 0) {
            step = STEP_AUDIO;
        } else if (!chunk_is_idle_step(chunk, step) || ++step == STEP_END) {
            break;
        }
    }
    chunk->step_ = (uint8_t)step;
}
#endif

/* The same as exo_chunk_next(), of an event that is read in full. */
SELDOM static int chunk_next(exo_chunk *chunk, exo_delta *delta)
{
    bool stored = false;
    while (!stored && (chunk->decoding_ || chunk->step_ != STEP_END)) {
        chunk_clear_delta(chunk, delta);
#ifndef EXO_SMALL
        if (!chunk->decoding_ && (chunk->lists_len_ | chunk->others_) == 0) {
            chunk_pass_steps(chunk);
            if (chunk->step_ == STEP_END) {
                break;
            }
        }
#endif
        stored = chunk->decoding_        ? chunk_next_fragment(chunk, delta)
                 : chunk->lists_len_ > 0 ? chunk_walk(chunk, delta)
                 : chunk->others_ > 0    ? chunk_next_member(chunk, delta)
                                         : chunk_step(chunk, delta);
    }
#ifndef EXO_SMALL
    if (stored) {
        exo_learn_delta(chunk, delta);
    } else {
        exo_learn_end(chunk, &looked_at);
    }
#endif
    return stored ? EXO_EVENT : EXO_OK;
}

int exo_chunk_next(exo_chunk *chunk, exo_delta *delta)
{
#ifndef EXO_SMALL
    if (chunk->step_ > STEP_END && chunk_next_known(chunk, delta)) {
        return EXO_EVENT;
    }
#endif
    return chunk_next(chunk, delta);
}

bool exo_chunk_is_done(exo_span data)
{
#ifndef EXO_SMALL
    if (data.len != 6) {
        return false;
    }
#endif
    return exo_span_is(data, "[DONE]");
}

exo_body_kind exo_body_sniff(exo_span start)
{
    const size_t mark = start.len < 3 ? start.len : 3;
    if (mark > 0 && memcmp(start.ptr, "\xEF\xBB\xBF", mark) == 0) {
        start = exo_span_of(start.ptr + mark, start.len - mark);
    }
    start = exo_span_trim(start);
    const bool zipped = start.len > 0 && *start.ptr == '\x1F';
    if (start.len == 0 || (zipped && start.len == 1)) {
        return EXO_BODY_UNKNOWN;
    }
    if (*start.ptr == '{' || *start.ptr == '[') {
        return EXO_BODY_JSON;
    }
    if (*start.ptr == '<') {
        return EXO_BODY_HTML;
    }
    return zipped && start.ptr[1] == '\x8B' ? EXO_BODY_GZIP : EXO_BODY_SSE;
}
