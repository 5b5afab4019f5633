/*
 * answer_calls.c: deltas of tool calls → tool calls, however a server tells one from the next.
 *
 * It reads no JSON but brackets and quotation marks, to know when a call's arguments are complete; what they hold is
 * json_repair.c's in the end. Called by answer.c. All that calls have in text lies in one log, bounded by
 * limits.tool_arguments, and a record of each in another buffer, bounded by limits.tool_calls. To find a call all of
 * them are looked through, and IDS_MAX ids of each.
 */
#include "answer_calls.h"

#include "answer_keep.h"
#include "ascii.h"
#include "json_text.h"
#include "seldom.h"

/* How many ids of a call stay known: the first ones, and the last. */
#define IDS_MAX 9

/* What a call's arguments get beside the room that they need, so that not every short piece moves those of calls that
 * take turns. */
#define SPARE_ROOM 8

/* Bytes in the log. */
struct stretch {
    uint32_t at;
    uint32_t len;
};

/* Where the brackets and quotation marks of arguments lead to. */
enum state {
    STATE_PLAIN,
    STATE_BARE, /* nothing but white space is between the brackets */
    STATE_STRING,
    STATE_ESCAPED /* and a reverse solidus was the last byte */
};

/* What is looked at most stands first, where short instructions reach it. */
struct call {
    uint8_t ids_len;
    uint8_t state; /* at the end of the arguments that were read */
    uint16_t half;
    bool replaced; /* what comes next takes the place of what was shown */
    bool matching; /* what comes may be a repetition, and is held back */
    bool match_id; /* and came with this call's id, as a delta of match_index did that brought no arguments */
    bool legacy;
    int64_t index;
    int64_t match_index;
    struct exo_run arguments;
    uint32_t size;    /* of its arguments, whether they are kept or not */
    uint32_t open;    /* brackets of them */
    uint32_t end;     /* one past the bracket that completed them, or 0 */
    uint32_t matched; /* so many of their bytes were repeated */
    struct stretch name;
    struct stretch extra;
    struct stretch id;           /* as it is handed out */
    struct stretch ids[IDS_MAX]; /* as they came */
};

size_t exo_calls_record_size(void)
{
    return sizeof(struct call);
}

static exo_buffer *calls_log_of(exo_answer *answer)
{
    return &answer->kept_[EXO_KEPT_LOG_];
}

static struct call *call_at(const exo_answer *answer, uint32_t number)
{
    void *calls = answer->kept_[EXO_KEPT_CALLS_].data;
    return (struct call *)calls + number;
}

/* Stores what a stretch is. */
static void calls_show(const exo_answer *answer, const struct stretch *stretch, exo_span *out)
{
    out->ptr = answer->kept_[EXO_KEPT_LOG_].data;
    out->len = stretch->len;
    if (stretch->len > 0) {
        out->ptr += stretch->at;
    }
}

/* Whether one stretch begins with another. */
static bool calls_begins_with(const exo_answer *answer, const struct stretch *text, const struct stretch *start)
{
    const char *log = answer->kept_[EXO_KEPT_LOG_].data;
    return text->len >= start->len && (start->len == 0 || memcmp(log + text->at, log + start->at, start->len) == 0);
}

static bool calls_is_same(const exo_answer *answer, const struct stretch *one, const struct stretch *other)
{
    return one->len == other->len && calls_begins_with(answer, one, other);
}

uint32_t exo_answer_tool_calls(const exo_answer *answer)
{
    UNLESS_THERE(answer, 0);
    return (uint32_t)(answer->kept_[EXO_KEPT_CALLS_].len / sizeof(struct call));
}

/* ---- ids and names ---- */

/* Appends to the log and to `to`, an empty stretch or the last in the log. */
static void calls_append(exo_answer *answer, const exo_span *text, struct stretch *to)
{
    exo_buffer *log = calls_log_of(answer);
    if (exo_keep_in(answer, EXO_KEPT_LOG_, text)) {
        to->len += (uint32_t)text->len;
        to->at = (uint32_t)log->len - to->len;
    }
}

/* The same of what stands in the log already. */
static void calls_append_logged(exo_answer *answer, const struct stretch *from, struct stretch *to)
{
    if (!exo_keep_failed(answer, exo_buffer_reserve(calls_log_of(answer), from->len))) {
        exo_span text;
        calls_show(answer, from, &text);
        calls_append(answer, &text, to);
    }
}

/* Decodes the text of a string to the end of the log. */
static void calls_decode(exo_answer *answer, const exo_span *raw, struct stretch *stretch)
{
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last;
    stretch->at = (uint32_t)calls_log_of(answer)->len;
    stretch->len = 0;
#ifndef EXO_SMALL
    if (raw->len == 0) {
        return;
    }
#endif
    exo_json_decoder_init(&decoder, *raw); /* of which the empty text gives one empty fragment */
    while (answer->error_ == EXO_OK && exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        calls_append(answer, &fragment, stretch);
        if (stretch->len > answer->name_limit_) {
            answer->error_ = EXO_E_NAME_LIMIT;
        }
    }
}

/* Whether a call came with an id. */
static bool calls_knows(const exo_answer *answer, const struct call *call, const struct stretch *id)
{
    for (size_t i = 0; i < call->ids_len; i++) {
        if (calls_is_same(answer, &call->ids[i], id)) {
            return true;
        }
    }
    return false;
}

/* Gives a call an id that lies at the end of the log, and says whether it stays there: where every delta has a new id,
 * the last one's place is taken. */
static bool calls_add_id(const exo_answer *answer, struct call *call, const struct stretch *id)
{
    char *log = answer->kept_[EXO_KEPT_LOG_].data;
    const bool full = call->ids_len == IDS_MAX;
    struct stretch *last = &call->ids[call->ids_len - full];
    const bool stays = !full || id->len > last->len;
    call->ids_len += !full;
    if (stays) {
        last->at = id->at;
    } else {
        memcpy(log + last->at, log + id->at, id->len);
    }
    last->len = id->len;
    call->id = *last;
    return stays;
}

/* Gives a call a name, or a piece of one, that lies in the log, and says whether it stays there. `own`: the delta has
 * the call's index or id. */
static bool calls_add_name(exo_answer *answer, struct call *call, const struct stretch *name, bool own)
{
    const uint32_t old = call->name.len;
    const bool longer = calls_begins_with(answer, name, &call->name);
    if (old == 0 || (longer && name->len > old && call->end == 0)) {
        call->name = *name;
    } else if (!longer && own && call->size == 0) {
        struct stretch whole = {0, 0};
        calls_append_logged(answer, &call->name, &whole);
        calls_append_logged(answer, name, &whole);
        call->name = whole;
    } else {
        return false;
    }
    if (call->name.len > answer->name_limit_) {
        answer->error_ = EXO_E_NAME_LIMIT;
    }
    return true;
}

/* Whether another call has a call's id. */
static bool calls_has_twin(const exo_answer *answer, const struct call *call)
{
    const struct call *other = call_at(answer, 0);
    for (uint32_t left = exo_answer_tool_calls(answer); call->id.len > 0 && left > 0; left--, other++) {
        if (other != call && calls_is_same(answer, &other->id, &call->id)) {
            return true;
        }
    }
    return false;
}

/* Appends to the id of a call until no other call has it. */
static void calls_make_distinct(exo_answer *answer, struct call *call)
{
    const exo_span more = exo_span_of("_2", 2);
    while (calls_has_twin(answer, call)) {
        struct stretch distinct = {0, 0};
        calls_append_logged(answer, &call->id, &distinct);
        calls_append(answer, &more, &distinct);
        call->id = distinct;
        if (answer->error_ != EXO_OK) {
            return;
        }
    }
}

/* ---- which call ---- */

/* Whether a part of a call's arguments has come twice so far. */
static bool calls_is_repeating(const struct call *call)
{
    return call->matching && call->matched > 0 && call->matched < call->end;
}

/* What becomes of a delta of a tool call. */
enum route {
    ROUTE_NEW,
    ROUTE_ON,      /* it belongs to the call that was found */
    ROUTE_REPLACE, /* and that one's arguments were a placeholder */
    ROUTE_MATCH    /* it may repeat that one's arguments, or begin a new call */
};

/* Whether a complete call's id came once more, with the index of this delta. */
static bool calls_is_announced(const struct call *call, const exo_delta *delta)
{
    return call->match_id && delta->index >= 0 && call->match_index == delta->index;
}

/* The tool rule, for a call that the delta may belong to. `known`: it came with the delta's id. Conditions are added up
 * with & and |, which takes fewer instructions than a way for each. */
static enum route calls_judge(const exo_answer *answer, const struct call *call, const exo_delta *delta,
                              const struct stretch *name, bool known)
{
    const bool repeating = calls_is_repeating(call);
    const bool complete = (call->end > 0) & !repeating;
    const bool opens = complete & delta->opens;
    const bool again = complete & (delta->opens | delta->object);
    const bool here = call->index == delta->index;
    const bool numbered = delta->index >= 0;
    const bool named = name->len > 0;
    const bool other = named && call->name.len > 0 &&
                       ((complete & (name->len != call->name.len)) || !calls_begins_with(answer, name, &call->name));
    bool fresh;
    if (opens & (call->state == STATE_BARE) & ((!named) | (known & here))) {
        return ROUTE_REPLACE;
    }
    if (named & here & numbered & !delta->opens & (call->name.len + call->ids_len == 0)) {
        return ROUTE_ON; /* its name comes last, and its id with it */
    }
    if (known) {
        fresh = here ? again & other : again | (complete & other);
    } else {
        const bool apart = named & !here & numbered;
        const bool extends = !complete & (delta->id.len == 0) & numbered;
        fresh = apart | (other & !extends) | (delta->id.len > 0 ? complete : named & (numbered ? opens : again));
    }
    /* What is not kept cannot be compared. */
    if (fresh || (opens && !(answer->keep_ & EXO_KEEP_TOOLS))) {
        return ROUTE_NEW;
    }
    return opens ? ROUTE_MATCH : ROUTE_ON;
}

/* Finds the call that a delta belongs to, `answer->call_`, or the number of none: the latest of those that fit best. */
static enum route find_call(exo_answer *answer, const exo_delta *delta, const struct stretch *id,
                            const struct stretch *name)
{
    const uint32_t count = exo_answer_tool_calls(answer);
    unsigned best = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct call *call = call_at(answer, i);
        const bool here = call->index == delta->index;
        if (delta->legacy & call->legacy) {
            answer->call_ = i;
            return ROUTE_ON;
        }
        const unsigned fit = calls_knows(answer, call, id) ? 2U + here : here & (delta->index >= 0);
        if (fit >= best) {
            best = fit;
            answer->call_ = i;
        }
    }
    if (count == 0 || delta->legacy) {
        answer->call_ = count;
        return ROUTE_NEW;
    }
    const struct call *call = call_at(answer, answer->call_);
    const bool known = best > 1 || (best == 0 && id->len == 0 && calls_is_announced(call, delta));
    return calls_judge(answer, call, delta, name, known);
}

/* ---- arguments ---- */

#ifndef EXO_SMALL
#ifdef VECTOR_BYTES
/* The same as calls_pass_string(), where a vector can be read; a reverse solidus that is the last byte of that may be
 * gone on from. */
static inline const char *calls_pass_vector(const char *at, const char *end)
{
    const vector bytes = vector_load(at);
    const vector none = {0};
    const size_t left = (size_t)(end - at);
    const unsigned len = left < VECTOR_BYTES ? (unsigned)left : VECTOR_BYTES;
    const uint64_t inside = (UINT64_C(1) << len) - 1;
    const uint64_t solidi = vector_bits((vector)(bytes == '\\'), none, none, none) & inside;
    const uint64_t quotes = vector_bits((vector)(bytes == '"'), none, none, none) & inside;
    const text_escapes found = text_find_escapes(solidi, 0);
    const uint64_t ends = quotes & ~found.escaped;
    return at + (ends ? (unsigned)__builtin_ctzll(ends) : len - (unsigned)(found.escapes >> (len - 1) & 1));
}
#endif

/* Goes on inside of a string to its second quotation mark, or to a reverse solidus that is the last byte. `room` is the
 * end of what can be read. */
static inline const char *calls_pass_string(const char *at, const char *end, const char *room)
{
#ifdef VECTOR_BYTES
    while (room - at >= VECTOR_BYTES) {
        at = calls_pass_vector(at, end);
        if (end - at <= 1 || *at == '"') {
            return at;
        }
    }
#else
    (void)room;
#endif
    while (at < end && *at != '"') {
        if (*at == '\\' && ++at == end) {
            return at - 1;
        }
        at++;
    }
    return at;
}
#endif

/* Follows brackets and quotation marks of a call's arguments. `room` bytes can be read where they stand. */
static void calls_scan(struct call *call, const exo_span *text, size_t room)
{
#ifdef EXO_SMALL
    (void)room;
#endif
    const uint32_t start = call->size;
    const char *at = text->ptr;
    const char *const end = at + text->len;
    uint8_t state = call->state;
    call->size += (uint32_t)text->len;
    while (at < end && call->end == 0) {
#ifndef EXO_SMALL
        if (state == STATE_STRING && (at = calls_pass_string(at, end, text->ptr + room)) == end) {
            break;
        }
#endif
        const char byte = *at++;
        const char kind = (char)(byte | 0x20); /* { and [ differ in one bit only, as do } and ] */
        if (state == STATE_STRING) {
            if (byte == '"') {
                state = STATE_PLAIN;
            } else if (byte == '\\') {
                state = STATE_ESCAPED;
            }
        } else if (state == STATE_ESCAPED || byte == '"') {
            state = STATE_STRING;
        } else if (kind == '{') {
            state = call->open++ == 0 ? STATE_BARE : STATE_PLAIN;
        } else if (kind == '}' && call->open > 0) {
            call->end = --call->open == 0 ? start + (uint32_t)(at - text->ptr) : 0;
        } else if (!ascii_is_space(byte)) {
            state = STATE_PLAIN;
        }
    }
    call->state = state;
}

static void calls_forget_arguments(struct call *call)
{
    call->arguments.len = 0;
    call->size = 0;
    call->open = 0;
    call->end = 0;
    call->half = 0;
    call->state = STATE_PLAIN;
    call->matching = false;
}

/* Makes a call's arguments longer, and returns where what is to be written begins; NULL on an error. */
static char *calls_more_arguments(exo_answer *answer, struct call *call, size_t size)
{
    exo_buffer *log = calls_log_of(answer);
    if (exo_keep_failed(answer, exo_keep_grow(log, &call->arguments, size + SPARE_ROOM))) {
        return NULL;
    }
    call->arguments.len += (uint32_t)size;
    return log->data + call->arguments.at + call->arguments.len - size;
}

/* Takes a fragment of a call's arguments, with so much of HALF_ALONE before it. */
static void calls_add_arguments(exo_answer *answer, struct call *call, size_t before, exo_delta *delta)
{
    const size_t size = before + delta->text.len;
    const bool wished = answer->keep_ & EXO_KEEP_TOOLS;
    if (call->replaced) {
        delta->type = EXO_DELTA_TOOL_OBJECT;
        call->replaced = false;
    }
    if (wished || before > 0) {
        char *text = calls_more_arguments(answer, call, size);
        if (!text) {
            return;
        }
        memcpy(text, HALF_ALONE, before);
        memcpy(text + before, delta->text.ptr, delta->text.len);
        delta->text = exo_span_of(text, size);
    }
    if (!wished) { /* it lies there only to be shown */
        call->arguments.len = 0;
    }
    calls_scan(call, &delta->text, delta->text.len);
}

/* ---- calls ---- */

/* Stores the id and the name of a call, or those of them that the delta brought: the others are empty, and stay so. */
static void calls_show_names(const exo_answer *answer, const struct call *call, exo_delta *delta, bool both)
{
    if (both || delta->id.len > 0) {
        calls_show(answer, &call->id, &delta->id);
    }
    if (both || delta->name.len > 0) {
        calls_show(answer, &call->name, &delta->name);
    }
}

/* Begins a call; NULL on an error. */
static struct call *new_call(exo_answer *answer, int64_t index)
{
    exo_buffer *calls = &answer->kept_[EXO_KEPT_CALLS_];
    if (exo_keep_failed(answer, exo_buffer_reserve(calls, sizeof(struct call)))) {
        return NULL;
    }
    answer->call_ = exo_answer_tool_calls(answer);
    struct call *call = call_at(answer, answer->call_);
    memset(call, 0, sizeof *call);
    call->index = index;
    calls->len += sizeof *call;
    return call;
}

/* Calls a new call as the one that it looked like, whose bytes in the log both have from now on. */
static void calls_inherit(const exo_answer *answer, struct call *call, const struct call *like, bool with_id)
{
    call->name = like->name;
    if (with_id) {
        calls_add_id(answer, call, &like->ids[like->ids_len - 1]);
    }
}

/* Begins to hold back what may repeat a call's arguments. */
static void calls_begin_match(struct call *call, int64_t index, bool known)
{
    call->matching = true;
    call->matched = 0;
    call->match_index = index;
    call->match_id = known;
}

/* What was held back is no repetition: it becomes a call of its own, with the name, and made distinct the id, of the
 * one that it looked like. */
static void calls_split_off(exo_answer *answer, exo_delta *delta)
{
    const uint32_t number = answer->call_;
    call_at(answer, number)->matching = false;
    struct call *call = new_call(answer, call_at(answer, number)->match_index);
    if (!call) {
        return;
    }
    const struct call *old = call_at(answer, number);
    calls_inherit(answer, call, old, old->match_id);
    calls_make_distinct(answer, call);
    char *text = calls_more_arguments(answer, call, old->matched);
    if (!text) {
        return;
    }
    memcpy(text, calls_log_of(answer)->data + old->arguments.at, old->matched);
    const exo_span matched = {text, old->matched};
    calls_scan(call, &matched, matched.len);
    calls_add_arguments(answer, call, 0, delta);
    delta->type = EXO_DELTA_TOOL_CALL;
    delta->index = call->index;
    calls_show_names(answer, call, delta, true);
    answer->pending_ = true;
}

/* Compares a fragment with the arguments that it may repeat. EXO_NOT_FOUND while it does. */
static int calls_match_arguments(exo_answer *answer, struct call *call, exo_delta *delta)
{
    const char *arguments = calls_log_of(answer)->data + call->arguments.at;
    exo_span *text = &delta->text;
    for (; text->len > 0; text->ptr++, text->len--) {
        /* White space before and behind a repetition is nothing. */
        const bool between = call->matched == 0 || call->matched == call->end;
        if (between && ascii_is_space(*text->ptr)) {
            continue;
        }
        if (call->matched == call->end) {
            call->matched = 0; /* and one more */
        }
        if (*text->ptr != arguments[call->matched]) {
            calls_split_off(answer, delta);
            return EXO_OK;
        }
        call->matched++;
    }
    return EXO_NOT_FOUND;
}

/* Begins the call that a delta is new with. One that looked like one more of another and has no name is called as that,
 * unless its id is new. */
static struct call *calls_begin_new(exo_answer *answer, const exo_delta *delta, const struct stretch *id)
{
    const uint32_t like = answer->call_;
    struct call *call = new_call(answer, delta->index);
    if (call) {
        const struct call *other = call_at(answer, like);
        call->legacy = delta->legacy;
        if (other < call && (delta->opens | delta->object) && delta->name.len == 0 &&
            (id->len == 0 || calls_knows(answer, other, id))) {
            calls_inherit(answer, call, other, id->len == 0 && calls_is_announced(other, delta));
        }
    }
    return call;
}

/* Keeps what a call does not have of the id and the name that lie at the end of the log, and drops the rest. */
static void calls_keep_names(exo_answer *answer, struct call *call, const exo_delta *delta, const struct stretch *id,
                             const struct stretch *name, bool known)
{
    const bool own = known || (delta->index >= 0 && delta->index == call->index);
    bool stays = name->len > 0 && calls_add_name(answer, call, name, own);
    if (id->len > 0 && !known && calls_add_id(answer, call, id)) {
        stays = true;
    }
    if (!stays) {
        calls_log_of(answer)->len = id->at;
    }
}

static int begin_call(exo_answer *answer, exo_delta *delta)
{
    struct stretch id;
    struct stretch name;
    calls_decode(answer, &delta->id, &id);
    calls_decode(answer, &delta->name, &name);
    if (answer->error_ != EXO_OK) {
        return EXO_OK;
    }
    const enum route route = find_call(answer, delta, &id, &name);
    struct call *call = route == ROUTE_NEW ? calls_begin_new(answer, delta, &id) : call_at(answer, answer->call_);
    if (!call) {
        return EXO_OK;
    }
    const bool known = calls_knows(answer, call, &id);
    call->matching = calls_is_repeating(call);
    if (route == ROUTE_MATCH) {
        calls_begin_match(call, delta->index >= 0 ? delta->index : call->index, id.len > 0);
        calls_log_of(answer)->len = id.at;
        return EXO_NOT_FOUND;
    }
    if (route == ROUTE_REPLACE) {
        calls_forget_arguments(call);
        call->replaced = true;
    }
    if (route == ROUTE_ON && call->end > 0 && call->index != delta->index && known) {
        call->match_index = delta->index;
        call->match_id = true;
    }
    calls_keep_names(answer, call, delta, &id, &name, known);
    calls_make_distinct(answer, call);
    calls_show_names(answer, call, delta, route == ROUTE_NEW);
    return EXO_OK;
}

/* Puts its extra_content in the place of what a call has. */
static void calls_set_extra(exo_answer *answer, struct call *call, const exo_span *text)
{
    if (text->len <= call->extra.len) {
        memcpy(calls_log_of(answer)->data + call->extra.at, text->ptr, text->len);
        call->extra.len = (uint32_t)text->len;
    } else {
        call->extra.len = 0;
        calls_append(answer, text, &call->extra);
    }
}

int exo_calls_apply(exo_answer *answer, exo_delta *delta)
{
    size_t before = 0;
    if (delta->type == EXO_DELTA_TOOL_CALL) {
        return begin_call(answer, delta);
    }
    if (exo_answer_tool_calls(answer) == 0) {
        return EXO_NOT_FOUND;
    }
    struct call *call = call_at(answer, answer->call_);
    if (delta->type == EXO_DELTA_TOOL_EXTRA) {
        if (answer->keep_ & EXO_KEEP_EXTRA) {
            calls_set_extra(answer, call, &delta->text);
        }
        return EXO_OK;
    }
    if (delta->type == EXO_DELTA_TOOL_OBJECT) {
        calls_forget_arguments(call);
    } else if (!exo_keep_join(answer, &call->half, delta, &before)) {
        return EXO_NOT_FOUND;
    } else if (call->matching) {
        return calls_match_arguments(answer, call, delta);
    }
    calls_add_arguments(answer, call, before, delta);
    return EXO_OK;
}

#ifndef EXO_SMALL
/* The call that a delta which says neither an id nor a name belongs to, `answer->call_`, if it is none that begins:
 * as find_call() has it where no id is given, and calls_judge() finds no reason for a new one. NULL: it may be. */
static inline struct call *calls_find_going_on(exo_answer *answer, const exo_delta *delta)
{
    const size_t size = answer->kept_[EXO_KEPT_CALLS_].len;
    if (size == 0 || delta->opens) {
        return NULL;
    }
    struct call *const first = call_at(answer, 0);
    struct call *found = first;
    if (size > sizeof *first) {
        bool fitting = false;
        for (struct call *call = first; call < first + size / sizeof *first; call++) {
            const bool fits = delta->index >= 0 && call->index == delta->index;
            found = fits >= fitting ? call : found;
            fitting = fits >= fitting ? fits : fitting;
        }
    }
    answer->call_ = (uint32_t)(found - first);
    found->matching = calls_is_repeating(found);
    answer->pending_ = false;
    return found;
}

bool exo_calls_go_on(exo_answer *answer, const exo_delta *delta)
{
    return delta->id.len == 0 && delta->name.len == 0 && !(delta->object | delta->legacy) &&
           calls_find_going_on(answer, delta);
}

/* Makes room in the log for what a call's arguments go on with, as exo_keep_grow() has it, if the log has it. */
SELDOM static bool calls_take_room(exo_buffer *log, struct exo_run *run, size_t need)
{
    if (run->room == 0 || run->at + run->room != log->len || need > log->capacity_ - run->at) {
        return false;
    }
    run->room = (uint32_t)need;
    log->len = run->at + need;
    return true;
}

/* The same as calls_scan(), quick where a string goes on, and is not ended by what has come. */
static inline void calls_scan_on(struct call *call, const exo_span *text, size_t room)
{
#ifdef VECTOR_BYTES
    if (call->state == STATE_STRING && call->end == 0 && text->len <= VECTOR_BYTES && room >= VECTOR_BYTES) {
        const char *const end = text->ptr + text->len;
        const char *const at = calls_pass_vector(text->ptr, end);
        if (at == end) {
            call->size += (uint32_t)text->len;
            return;
        }
    }
#endif
    calls_scan(call, text, room);
}

bool exo_calls_go_on_with_arguments(exo_answer *answer, const exo_delta *delta, exo_span *shown)
{
    exo_buffer *log = calls_log_of(answer);
    const size_t size = delta->text.len;
    if (answer->kept_[EXO_KEPT_CALLS_].len == 0 || !(answer->keep_ & EXO_KEEP_TOOLS)) {
        return false;
    }
    struct call *call = delta->joined ? calls_find_going_on(answer, delta) : call_at(answer, answer->call_);
    if (!call) {
        return false;
    }
    struct exo_run *run = &call->arguments;
    const size_t need = run->len + size + SPARE_ROOM;
    if (call->half != 0 || (call->matching | call->replaced) ||
        (need > run->room && !calls_take_room(log, run, need))) {
        return false;
    }
    answer->pending_ = false;
    *shown = exo_span_of(log->data + run->at + run->len, size);
    memcpy(log->data + run->at + run->len, delta->text.ptr, size);
    run->len += (uint32_t)size;
    calls_scan_on(call, shown, log->capacity_ - (size_t)(shown->ptr - log->data));
    return true;
}
#endif

bool exo_calls_rest(exo_answer *answer, exo_delta *delta)
{
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        struct call *call = call_at(answer, i);
        if (call->half != 0) {
            call->half = 0;
            answer->call_ = i;
            delta->type = EXO_DELTA_TOOL_ARGUMENTS;
            calls_add_arguments(answer, call, 0, delta);
            return true;
        }
    }
    return false;
}

bool exo_calls_is_cut(const exo_answer *answer, uint32_t number)
{
    const struct call *call = call_at(answer, number);
    return call->name.len == 0 || calls_is_repeating(call);
}

int exo_answer_tool_call(const exo_answer *answer, uint32_t call, exo_tool_call *out)
{
    if (call >= exo_answer_tool_calls(answer)) {
        return EXO_NOT_FOUND;
    }
    const struct call *found = call_at(answer, call);
    const struct stretch arguments = {found->arguments.at, found->arguments.len};
    calls_show(answer, &found->id, &out->id);
    calls_show(answer, &found->name, &out->name);
    calls_show(answer, &found->extra, &out->extra);
    out->legacy = found->legacy;
    calls_show(answer, &arguments, &out->arguments);
    return EXO_OK;
}
