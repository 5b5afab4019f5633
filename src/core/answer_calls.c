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

#define NOWHERE UINT32_MAX

/* How many ids of a call stay known beside the last: the first ones. */
#define IDS_MAX 8

/* Bytes in the log. */
struct stretch {
    uint32_t at;
    uint32_t len;
};

/* What stands in the log, unaligned, before each piece of arguments, and before each id that is not the last. */
struct piece {
    uint32_t next; /* of the same call, or NOWHERE */
    uint32_t len;
};

struct call {
    int64_t index;
    struct stretch id;   /* as it is handed out */
    struct stretch came; /* as it came */
    struct stretch name;
    struct stretch extra;
    uint32_t ids; /* that it came with before, or NOWHERE */
    uint32_t ids_len;
    uint32_t first; /* piece of its arguments, or NOWHERE */
    uint32_t last;
    uint32_t size;    /* of its arguments, whether they are kept or not */
    uint32_t open;    /* brackets of them */
    uint32_t end;     /* one past the bracket that completed them, or 0 */
    uint32_t matched; /* so many of their bytes were repeated */
    uint32_t match_piece;
    uint32_t match_at; /* in that piece */
    int64_t match_index;
    uint16_t half;
    bool in_string;
    bool escaped;
    bool bare;     /* nothing but white space between the brackets so far */
    bool replaced; /* what comes next takes the place of what was shown */
    bool matching; /* what comes may be a repetition, and is held back */
    bool match_id; /* and came with this call's id, as a delta of match_index did that brought no arguments */
    bool legacy;
};

size_t exo_calls_record_size(void)
{
    return sizeof(struct call);
}

static exo_buffer *log_of(exo_answer *answer)
{
    return &answer->kept_[EXO_KEPT_LOG_];
}

static struct call *call_at(const exo_answer *answer, uint32_t number)
{
    void *calls = answer->kept_[EXO_KEPT_CALLS_].data;
    return (struct call *)calls + number;
}

static exo_span logged(const exo_answer *answer, const struct stretch *stretch)
{
    const char *log = answer->kept_[EXO_KEPT_LOG_].data;
    return exo_span_of(stretch->len > 0 ? log + stretch->at : log, stretch->len);
}

/* Whether one stretch begins with another. */
static bool begins_with(const exo_answer *answer, const struct stretch *text, const struct stretch *start)
{
    const char *log = answer->kept_[EXO_KEPT_LOG_].data;
    return text->len >= start->len && (start->len == 0 || memcmp(log + text->at, log + start->at, start->len) == 0);
}

static bool is_same(const exo_answer *answer, const struct stretch *one, const struct stretch *other)
{
    return one->len == other->len && begins_with(answer, one, other);
}

uint32_t exo_answer_tool_calls(const exo_answer *answer)
{
    return (uint32_t)(answer->kept_[EXO_KEPT_CALLS_].len / sizeof(struct call));
}

static struct piece piece_at(const exo_answer *answer, uint32_t at)
{
    struct piece piece;
    memcpy(&piece, answer->kept_[EXO_KEPT_LOG_].data + at, sizeof piece);
    return piece;
}

static void set_piece(exo_buffer *log, uint32_t at, struct piece piece)
{
    memcpy(log->data + at, &piece, sizeof piece);
}

/* ---- ids and names ---- */

/* Appends a copy of what stands in the log already to `to`, an empty stretch or the last in the log. */
static int copy(exo_answer *answer, const struct stretch *from, struct stretch *to)
{
    exo_buffer *log = log_of(answer);
    int rc = exo_buffer_reserve(log, from->len);
    if (rc == EXO_OK) {
        to->at = (uint32_t)log->len - to->len;
        to->len += from->len;
        exo_buffer_append(log, logged(answer, from));
    }
    return rc;
}

/* Decodes the text of a string to the end of the log. */
static int decode(exo_answer *answer, exo_span raw, struct stretch *stretch)
{
    exo_buffer *log = log_of(answer);
    exo_json_decoder decoder;
    char scratch[EXO_JSON_SCRATCH];
    exo_span fragment;
    bool last;
    int rc = EXO_OK;
    stretch->at = (uint32_t)log->len;
    exo_json_decoder_init(&decoder, raw); /* of which the empty text gives one empty fragment */
    while (rc == EXO_OK && exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        rc = exo_buffer_append(log, fragment);
        if (rc == EXO_OK && log->len - stretch->at > answer->name_limit_) {
            rc = EXO_E_NAME_LIMIT;
        }
    }
    stretch->len = (uint32_t)(log->len - stretch->at);
    return rc;
}

/* Whether a call came with an id. */
static bool knows(const exo_answer *answer, const struct call *call, const struct stretch *id)
{
    struct stretch known = call->came;
    uint32_t next = call->ids;
    bool same = id->len > 0 && is_same(answer, &known, id);
    while (id->len > 0 && !same && next != NOWHERE) {
        struct piece piece = piece_at(answer, next);
        known.at = next + (uint32_t)sizeof piece;
        known.len = piece.len;
        same = is_same(answer, &known, id);
        next = piece.next;
    }
    return same;
}

/* Keeps the id that a call came with last, beside a new one. */
static int keep_id(exo_answer *answer, struct call *call)
{
    exo_buffer *log = log_of(answer);
    struct piece old = {call->ids, call->came.len};
    if (old.len == 0 || call->ids_len == IDS_MAX) {
        return EXO_OK;
    }
    int rc = exo_buffer_reserve(log, sizeof old + old.len);
    if (rc == EXO_OK) {
        call->ids = (uint32_t)log->len;
        call->ids_len++;
        log->len += sizeof old;
        set_piece(log, call->ids, old);
        exo_buffer_append(log, logged(answer, &call->came));
    }
    return rc;
}

static bool is_taken(const exo_answer *answer, uint32_t number)
{
    const struct stretch *id = &call_at(answer, number)->id;
    for (uint32_t i = 0; id->len > 0 && i < exo_answer_tool_calls(answer); i++) {
        if (i != number && is_same(answer, &call_at(answer, i)->id, id)) {
            return true;
        }
    }
    return false;
}

/* Appends to the id of a call until no other call has it. */
static int make_distinct(exo_answer *answer, uint32_t number)
{
    int rc = EXO_OK;
    while (rc == EXO_OK && is_taken(answer, number)) {
        struct stretch distinct = {0, 0};
        rc = copy(answer, &call_at(answer, number)->id, &distinct);
        if (rc == EXO_OK) {
            rc = exo_buffer_append(log_of(answer), exo_span_text("_2"));
        }
        distinct.len += 2;
        if (rc == EXO_OK) {
            call_at(answer, number)->id = distinct;
        }
    }
    return rc;
}

/* Gives a call a name, or a piece of one. `own`: the delta has the call's index or id. */
static int add_name(exo_answer *answer, struct call *call, const struct stretch *name, bool own)
{
    const uint32_t old = call->name.len;
    const bool longer = begins_with(answer, name, &call->name);
    if (old == 0 || (longer && name->len > old && call->end == 0)) {
        call->name = *name;
    } else if (!longer && own && call->size == 0) {
        struct stretch whole = {0, 0};
        int rc = copy(answer, &call->name, &whole);
        rc = rc == EXO_OK ? copy(answer, name, &whole) : rc;
        if (rc != EXO_OK) {
            return rc;
        }
        call->name = whole;
    }
    return call->name.len > answer->name_limit_ ? EXO_E_NAME_LIMIT : EXO_OK;
}

/* ---- which call ---- */

/* Whether a part of a call's arguments has come twice so far. */
static bool is_repeating(const struct call *call)
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
static bool is_announced(const struct call *call, const exo_delta *delta)
{
    return call->match_id && delta->index >= 0 && call->match_index == delta->index;
}

/* The tool rule, for a call that the delta may belong to. `known`: it came with the delta's id. */
static enum route judge(const exo_answer *answer, const struct call *call, const exo_delta *delta,
                        const struct stretch *name, bool known)
{
    const bool complete = call->end > 0 && !is_repeating(call);
    const bool opens = complete && delta->opens;
    const bool here = call->index == delta->index;
    const bool indexed = delta->index >= 0;
    const bool named = name->len > 0;
    bool other = named && call->name.len > 0;
    bool fresh;
    if (other) {
        other = (complete && name->len != call->name.len) || !begins_with(answer, name, &call->name);
    }
    if (opens && call->bare && (!named || (known && here))) {
        return ROUTE_REPLACE;
    }
    if (known) {
        fresh = complete && (here ? opens && other : opens || other);
    } else if (delta->id.len > 0) {
        fresh = complete || other || (named && indexed && !here);
    } else if (complete) {
        fresh = other || (named && (opens || (indexed && !here)));
    } else {
        fresh = indexed ? named && !here : other;
    }
    /* What is not kept cannot be compared. */
    if (fresh || (opens && !(answer->keep_ & EXO_KEEP_TOOLS))) {
        return ROUTE_NEW;
    }
    return opens ? ROUTE_MATCH : ROUTE_ON;
}

/* Finds the call that a delta belongs to, and stores its number. */
static enum route find_call(const exo_answer *answer, const exo_delta *delta, const struct stretch *id,
                            const struct stretch *name, uint32_t *number)
{
    const uint32_t count = exo_answer_tool_calls(answer);
    uint32_t known = count;
    uint32_t indexed = count;
    bool known_here = false;
    *number = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct call *call = call_at(answer, i);
        bool here = call->index == delta->index;
        if (delta->legacy && call->legacy) {
            *number = i;
            return ROUTE_ON;
        }
        if ((here || !known_here) && knows(answer, call, id)) {
            known = i;
            known_here = here;
        }
        indexed = here ? i : indexed;
    }
    if (count == 0 || delta->legacy) {
        return ROUTE_NEW;
    }
    if (id->len == 0 && indexed == count && is_announced(call_at(answer, count - 1), delta)) {
        known = count - 1;
    }
    *number = known < count ? known : delta->index >= 0 && indexed < count ? indexed : count - 1;
    return judge(answer, call_at(answer, *number), delta, name, known < count);
}

/* ---- arguments ---- */

/* Follows brackets and quotation marks of a call's arguments. */
static void scan(struct call *call, exo_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char byte = text.ptr[i];
        const char kind = (char)(byte | 0x20); /* { and [ differ in one bit only, as do } and ] */
        call->size++;
        if (call->end > 0) {
            continue;
        }
        if (call->in_string) {
            call->in_string = call->escaped || byte != '"';
            call->escaped = !call->escaped && byte == '\\';
        } else if (kind == '}' && call->open > 0) {
            call->open--;
            call->end = call->open == 0 ? call->size : 0;
        } else if (kind == '{') {
            call->bare = call->open++ == 0;
        } else {
            call->in_string = byte == '"';
            call->bare = call->bare && memchr(" \t\r\n", byte, 4);
        }
    }
}

static void forget_arguments(struct call *call)
{
    call->first = NOWHERE;
    call->last = NOWHERE;
    call->size = 0;
    call->open = 0;
    call->end = 0;
    call->half = 0;
    call->in_string = false;
    call->escaped = false;
    call->matching = false;
}

/* Makes room in the log for more arguments of a call: in its last piece if the log ends with that, otherwise in a new
 * one. */
static int begin_piece(exo_answer *answer, struct call *call, size_t size)
{
    exo_buffer *log = log_of(answer);
    struct piece last = {NOWHERE, 0};
    if (call->last != NOWHERE) {
        last = piece_at(answer, call->last);
        if (call->last + sizeof last + last.len == log->len) {
            return exo_buffer_reserve(log, size);
        }
    }
    int rc = exo_buffer_reserve(log, sizeof last + size);
    if (rc != EXO_OK) {
        return rc;
    }
    uint32_t at = (uint32_t)log->len;
    if (call->last == NOWHERE) {
        call->first = at;
    } else {
        last.next = at;
        set_piece(log, call->last, last);
        answer->interleaved_ = true;
    }
    call->last = at;
    log->len += sizeof last;
    set_piece(log, at, (struct piece){NOWHERE, 0});
    return EXO_OK;
}

/* Appends to the last piece of a call, for which there is room. */
static void add_bytes(exo_answer *answer, struct call *call, exo_span text)
{
    struct piece last = piece_at(answer, call->last);
    last.len += (uint32_t)text.len;
    set_piece(log_of(answer), call->last, last);
    exo_buffer_append(log_of(answer), text);
}

/* Takes a fragment of a call's arguments, with what has to stand before it. */
static int add_arguments(exo_answer *answer, struct call *call, exo_span before, exo_delta *delta)
{
    exo_buffer *log = log_of(answer);
    const size_t len = log->len;
    if (call->replaced) {
        delta->type = EXO_DELTA_TOOL_OBJECT;
        call->replaced = false;
    }
    scan(call, before);
    scan(call, delta->text);
    if (!(answer->keep_ & EXO_KEEP_TOOLS) && before.len == 0) {
        return EXO_OK;
    }
    if (!(answer->keep_ & EXO_KEEP_TOOLS)) {
        int rc = exo_buffer_reserve(log, before.len + delta->text.len);
        if (rc == EXO_OK) {
            exo_buffer_append(log, before);
            exo_buffer_append(log, delta->text);
            delta->text = exo_span_of(log->data + len, log->len - len);
            log->len = len; /* it lies there only to be shown */
        }
        return rc;
    }
    int rc = begin_piece(answer, call, before.len + delta->text.len);
    if (rc == EXO_OK) {
        size_t first = log->len;
        add_bytes(answer, call, before);
        add_bytes(answer, call, delta->text);
        delta->text = exo_span_of(log->data + first, log->len - first);
    }
    return rc;
}

/* ---- calls ---- */

static int new_call(exo_answer *answer, int64_t index, bool legacy)
{
    struct call call;
    const void *bytes = &call;
    memset(&call, 0, sizeof call);
    call.index = index;
    call.ids = NOWHERE;
    call.legacy = legacy;
    forget_arguments(&call);
    answer->call_ = exo_answer_tool_calls(answer);
    return exo_buffer_append(&answer->kept_[EXO_KEPT_CALLS_], exo_span_of(bytes, sizeof call));
}

/* Begins to hold back what may repeat a call's arguments. */
static void begin_match(struct call *call, int64_t index, bool known)
{
    call->matching = true;
    call->matched = 0;
    call->match_piece = call->first;
    call->match_at = 0;
    call->match_index = index;
    call->match_id = known;
}

/* What was held back is no repetition: it becomes a call of its own, with the name, and made distinct the id, of the
 * one that it looked like. */
static int split_off(exo_answer *answer, exo_delta *delta)
{
    struct call old = *call_at(answer, answer->call_);
    exo_buffer *log = log_of(answer);
    exo_span none = exo_span_of(NULL, 0);
    uint32_t left = old.matched;
    call_at(answer, answer->call_)->matching = false;
    int rc = new_call(answer, old.match_index, false);
    if (rc != EXO_OK) {
        return rc;
    }
    struct call *call = call_at(answer, answer->call_);
    rc = copy(answer, &old.name, &call->name);
    if (rc == EXO_OK && old.match_id) {
        rc = copy(answer, &old.came, &call->came);
        call->id = call->came;
        rc = rc == EXO_OK ? make_distinct(answer, answer->call_) : rc;
    }
    rc = rc == EXO_OK ? begin_piece(answer, call, left + delta->text.len) : rc;
    for (uint32_t at = old.first; rc == EXO_OK && left > 0;) {
        struct piece piece = piece_at(answer, at);
        exo_span bytes = exo_span_of(log->data + at + sizeof piece, piece.len < left ? piece.len : left);
        scan(call, bytes);
        add_bytes(answer, call, bytes);
        left -= (uint32_t)bytes.len;
        at = piece.next;
    }
    if (rc == EXO_OK) {
        rc = add_arguments(answer, call, none, delta);
        delta->type = EXO_DELTA_TOOL_CALL;
        delta->index = call->index;
        delta->id = logged(answer, &call->id);
        delta->name = logged(answer, &call->name);
        answer->pending_ = true;
    }
    return rc;
}

/* Compares a fragment with the arguments that it may repeat. */
static int match_arguments(exo_answer *answer, exo_delta *delta)
{
    struct call *call = call_at(answer, answer->call_);
    exo_span text = delta->text;
    while (text.len > 0) {
        /* White space before and behind a repetition is nothing. */
        if ((call->matched == 0 || call->matched == call->end) && memchr(" \t\r\n", *text.ptr, 4)) {
            text = exo_span_of(text.ptr + 1, text.len - 1);
            continue;
        }
        if (call->matched == call->end) {
            begin_match(call, call->match_index, call->match_id);
        }
        struct piece piece = piece_at(answer, call->match_piece);
        if (call->match_at == piece.len) {
            call->match_piece = piece.next;
            call->match_at = 0;
            continue;
        }
        const char *kept = answer->kept_[EXO_KEPT_LOG_].data + call->match_piece + sizeof piece + call->match_at;
        if (*text.ptr != *kept) {
            delta->text = text;
            return split_off(answer, delta);
        }
        text = exo_span_of(text.ptr + 1, text.len - 1);
        call->match_at++;
        call->matched++;
    }
    return EXO_NOT_FOUND;
}

/* Keeps what a call does not have of the id and the name that lie at the end of the log, and drops the rest. */
static int keep_names(exo_answer *answer, struct call *call, const exo_delta *delta, struct stretch *id,
                      const struct stretch *name)
{
    exo_buffer *log = log_of(answer);
    const uint32_t start = id->at;
    const bool known = knows(answer, call, id);
    const bool is_new = id->len > 0 && !known;
    int rc = EXO_OK;
    if (name->len > 0) {
        rc = add_name(answer, call, name, known || (delta->index >= 0 && delta->index == call->index));
    }
    if (is_new && call->ids_len == IDS_MAX && id->len <= call->came.len) {
        /* Where every delta has a new id, the last one's place is taken. */
        memcpy(log->data + call->came.at, log->data + start, id->len);
        id->at = call->came.at;
    }
    const bool added = is_new && id->at == start;
    /* Of what lies behind the id all is used, or nothing. */
    if (call->name.at < start) {
        log->len = added ? name->at : start;
    }
    if (rc == EXO_OK && is_new) {
        rc = added ? keep_id(answer, call) : EXO_OK;
        call->came = *id;
        call->id = *id;
    }
    return rc;
}

/* Begins the call that a delta is new with. One that looked like one more of another and has no name is called as that,
 * unless its id is new. */
static int begin_new(exo_answer *answer, const exo_delta *delta, const struct stretch *id)
{
    const uint32_t from = answer->call_;
    const bool other = from < exo_answer_tool_calls(answer);
    int rc = new_call(answer, delta->index, delta->legacy);
    if (rc == EXO_OK && other && delta->opens && delta->name.len == 0) {
        const struct call *like = call_at(answer, from);
        struct call *call = call_at(answer, answer->call_);
        if (id->len == 0 || knows(answer, like, id)) {
            rc = copy(answer, &like->name, &call->name);
        }
        if (rc == EXO_OK && id->len == 0 && is_announced(like, delta)) {
            rc = copy(answer, &like->came, &call->came);
            call->id = call->came;
        }
    }
    return rc;
}

static int begin_call(exo_answer *answer, exo_delta *delta)
{
    struct stretch id;
    struct stretch name;
    int rc = decode(answer, delta->id, &id);
    rc = rc == EXO_OK ? decode(answer, delta->name, &name) : rc;
    if (rc != EXO_OK) {
        return rc;
    }
    const enum route route = find_call(answer, delta, &id, &name, &answer->call_);
    if (route == ROUTE_NEW) {
        rc = begin_new(answer, delta, &id);
    }
    if (rc != EXO_OK) {
        return rc;
    }
    struct call *call = call_at(answer, answer->call_);
    call->matching = is_repeating(call);
    if (route == ROUTE_MATCH) {
        begin_match(call, delta->index >= 0 ? delta->index : call->index, id.len > 0);
        log_of(answer)->len = id.at;
        return EXO_NOT_FOUND;
    }
    if (route == ROUTE_REPLACE) {
        forget_arguments(call);
        call->replaced = true;
    }
    if (route == ROUTE_ON && call->end > 0 && call->index != delta->index && knows(answer, call, &id)) {
        call->match_index = delta->index;
        call->match_id = true;
    }
    rc = keep_names(answer, call, delta, &id, &name);
    if (rc == EXO_OK) {
        rc = make_distinct(answer, answer->call_);
    }
    delta->id = logged(answer, id.len > 0 || route == ROUTE_NEW ? &call->id : &id);
    delta->name = logged(answer, name.len > 0 || route == ROUTE_NEW ? &call->name : &name);
    return rc;
}

/* Puts its extra_content in the place of what a call has. */
static int set_extra(exo_answer *answer, struct call *call, exo_span text)
{
    exo_buffer *log = log_of(answer);
    int rc = EXO_OK;
    if (text.len <= call->extra.len) {
        memcpy(log->data + call->extra.at, text.ptr, text.len);
    } else {
        rc = exo_buffer_append(log, text);
        call->extra.at = (uint32_t)(log->len - text.len);
    }
    call->extra.len = rc == EXO_OK ? (uint32_t)text.len : 0;
    return rc;
}

int exo_calls_apply(exo_answer *answer, exo_delta *delta)
{
    exo_span before;
    if (delta->type == EXO_DELTA_TOOL_CALL) {
        return begin_call(answer, delta);
    }
    if (exo_answer_tool_calls(answer) == 0) {
        return EXO_NOT_FOUND;
    }
    struct call *call = call_at(answer, answer->call_);
    switch (delta->type) {
    case EXO_DELTA_TOOL_EXTRA:
        return answer->keep_ & EXO_KEEP_EXTRA ? set_extra(answer, call, delta->text) : EXO_OK;
    case EXO_DELTA_TOOL_MEMBER:
        return answer->keep_ & EXO_KEEP_EXTRA ? exo_keep_member(answer, answer->call_, delta) : EXO_OK;
    case EXO_DELTA_TOOL_OBJECT:
        forget_arguments(call);
        return add_arguments(answer, call, exo_span_of(NULL, 0), delta);
    default:
        break;
    }
    if (!exo_keep_join(answer, &call->half, delta, &before)) {
        return EXO_NOT_FOUND;
    }
    if (call->matching) {
        return match_arguments(answer, delta);
    }
    return add_arguments(answer, call, before, delta);
}

exo_span exo_calls_pending(const exo_answer *answer)
{
    const struct call *call = call_at(answer, answer->call_);
    return exo_span_of(answer->kept_[EXO_KEPT_LOG_].data + call->first + sizeof(struct piece), call->size);
}

int exo_calls_rest(exo_answer *answer, exo_delta *delta)
{
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        struct call *call = call_at(answer, i);
        if (call->half != 0) {
            call->half = 0;
            answer->call_ = i;
            delta->type = EXO_DELTA_TOOL_ARGUMENTS;
            int rc = add_arguments(answer, call, exo_span_of(NULL, 0), delta);
            return rc == EXO_OK ? EXO_EVENT : rc;
        }
    }
    return EXO_OK;
}

bool exo_calls_is_cut(const exo_answer *answer, uint32_t number)
{
    const struct call *call = call_at(answer, number);
    return call->name.len == 0 || is_repeating(call);
}

/* ---- what calls are in the end ---- */

/* Copies a stretch from one log to another that has room for it. */
static void move_stretch(const exo_answer *answer, exo_buffer *to, struct stretch *stretch)
{
    exo_span text = logged(answer, stretch);
    stretch->at = (uint32_t)to->len;
    exo_buffer_append(to, text);
}

/* Copies pieces, beginning with the one at `*first`: as one, or each by itself. */
static void move_pieces(const exo_answer *answer, exo_buffer *to, uint32_t *first, bool as_one)
{
    uint32_t at = *first;
    uint32_t start = NOWHERE;
    struct piece whole = {NOWHERE, 0};
    while (at != NOWHERE) {
        struct piece piece = piece_at(answer, at);
        if (start == NOWHERE || !as_one) {
            if (start == NOWHERE) {
                *first = (uint32_t)to->len;
            } else {
                whole.next = (uint32_t)to->len;
                set_piece(to, start, whole);
            }
            start = (uint32_t)to->len;
            to->len += sizeof whole;
            whole = (struct piece){NOWHERE, 0};
        }
        exo_buffer_append(to, exo_span_of(answer->kept_[EXO_KEPT_LOG_].data + at + sizeof piece, piece.len));
        whole.len += piece.len;
        set_piece(to, start, whole);
        at = piece.next;
    }
}

/* Writes the log anew, so that each call's arguments are one piece. Linear, however they were interleaved. */
static int gather(exo_answer *answer)
{
    exo_buffer *log = log_of(answer);
    exo_buffer fresh = *log;
    fresh.data = NULL;
    fresh.len = 0;
    fresh.capacity_ = 0;
    int rc = exo_buffer_reserve(&fresh, log->len);
    if (rc != EXO_OK) {
        return rc;
    }
    for (uint32_t i = 0; i < exo_answer_tool_calls(answer); i++) {
        struct call *call = call_at(answer, i);
        bool renamed = call->id.at != call->came.at;
        move_stretch(answer, &fresh, &call->came);
        if (renamed) {
            move_stretch(answer, &fresh, &call->id);
        } else {
            call->id = call->came;
        }
        move_stretch(answer, &fresh, &call->name);
        move_stretch(answer, &fresh, &call->extra);
        move_pieces(answer, &fresh, &call->ids, false);
        move_pieces(answer, &fresh, &call->first, true);
        call->last = call->first;
        call->match_piece = call->first;
        call->match_at = call->matched;
    }
    exo_buffer_free(log);
    *log = fresh;
    answer->interleaved_ = false;
    return EXO_OK;
}

int exo_answer_tool_call(exo_answer *answer, uint32_t call, exo_tool_call *out)
{
    if (call >= exo_answer_tool_calls(answer)) {
        return EXO_NOT_FOUND;
    }
    int rc = answer->interleaved_ ? gather(answer) : EXO_OK;
    if (rc != EXO_OK) {
        return rc;
    }
    const struct call *found = call_at(answer, call);
    memset(out, 0, sizeof *out);
    out->id = logged(answer, &found->id);
    out->name = logged(answer, &found->name);
    out->extra = logged(answer, &found->extra);
    out->legacy = found->legacy;
    if (found->first != NOWHERE) {
        struct piece piece = piece_at(answer, found->first);
        out->arguments = exo_span_of(answer->kept_[EXO_KEPT_LOG_].data + found->first + sizeof piece, piece.len);
    }
    return EXO_OK;
}
