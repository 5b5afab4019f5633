/*
 * answer_keep.c: what an answer keeps of text that comes in pieces, and of JSON that is passed on as it stands.
 *
 * It knows neither deltas' order nor tool calls: answer.c and answer_calls.c call it. Its memory is the answer's
 * buffers. Members are kept as records, one behind the other; there are MOST_MEMBERS names at most to be looked
 * through.
 */
#include "answer_keep.h"

#include "ascii.h"

#define MOST_MEMBERS 64

/* The owner of a record that has moved on. */
#define NOBODY (EXO_ANSWER_ITSELF - 1)

/* What stands, unaligned, before `"name":value`. */
struct member {
    uint32_t owner;
    uint32_t name_len;     /* with quotation marks and colon */
    struct exo_run record; /* this, the name and the value */
};

int exo_keep_grow(exo_buffer *buffer, struct exo_run *run, size_t more)
{
    const size_t end = buffer->len;
    const size_t need = run->len + more;
    size_t room = 2 * need;
    if (need <= run->room) {
        return EXO_OK;
    }
    if (run->room == 0) {
        run->at = (uint32_t)end;
    }
    if (run->at + run->room == end) {
        buffer->len = run->at;
        room = need;
    }
    int rc = exo_buffer_reserve(buffer, room);
    if (rc != EXO_OK) {
        buffer->len = end;
        return rc;
    }
    if (run->at != buffer->len) {
        memcpy(buffer->data + buffer->len, buffer->data + run->at, run->len);
    }
    run->at = (uint32_t)buffer->len;
    run->room = (uint32_t)room;
    buffer->len += room;
    return EXO_OK;
}

uint8_t exo_keep_word(char *dst, size_t size, const exo_delta *delta)
{
    exo_json_token token;
    token.type = EXO_JSON_STRING;
    token.plain = false;
    token.text = delta->text;
    return (uint8_t)exo_json_copy(&token, dst, size);
}

bool exo_keep_failed(exo_answer *answer, int rc)
{
    if (rc == EXO_OK) {
        return false;
    }
    answer->error_ = rc;
    return true;
}

#ifndef EXO_SMALL
/* Makes the buffers for JSON as it came, which most answers have little of, and late. */
static bool keep_make_raw(exo_answer *answer)
{
    const exo_allocator *allocator = answer->kept_[0].allocator_;
    const size_t count = EXO_KEPT_COUNT_ - EXO_KEPT_RAW_;
    answer->raw_ = allocator->resize(allocator->ctx, NULL, count * sizeof *answer->raw_);
    if (!answer->raw_) {
        return !exo_keep_failed(answer, EXO_E_NO_MEMORY);
    }
    for (size_t i = 0; i < count; i++) {
        exo_buffer_init(&answer->raw_[i], allocator, answer->raw_limit_, EXO_E_ANSWER_LIMIT);
    }
    return true;
}

exo_buffer *exo_keep_buffer(exo_answer *answer, enum exo_answer_kept which)
{
    if (which < EXO_KEPT_RAW_) {
        return &answer->kept_[which];
    }
    return answer->raw_ || keep_make_raw(answer) ? &answer->raw_[which - EXO_KEPT_RAW_] : NULL;
}
#endif

bool exo_keep_in(exo_answer *answer, enum exo_answer_kept which, const exo_span *bytes)
{
    exo_buffer *buffer = exo_keep_buffer(answer, which);
    return KEEPS(buffer) && !exo_keep_failed(answer, exo_buffer_append(buffer, *bytes));
}

bool exo_keep_join(exo_answer *answer, uint16_t *held, exo_delta *delta, size_t *before)
{
    const uint16_t high = *held;
    const uint16_t half = delta->half;
    *before = 0;
    *held = half < 0xDC00 ? half : 0;
    if (*held != 0) {
        return high != 0; /* and the text is the U+FFFD that the earlier one comes to */
    }
    if (high != 0 && half != 0) {
        uint32_t code_point = 0x10000U + (high - 0xD800U) * 0x400U + (half - 0xDC00U);
        char *byte = answer->joined_ + sizeof answer->joined_;
        while (--byte > answer->joined_) {
            *byte = (char)(0x80 | (code_point & 0x3F));
            code_point >>= 6;
        }
        *byte = (char)(0xF0 | code_point);
        delta->text = exo_span_of(byte, sizeof answer->joined_);
    } else if (high != 0) {
        *before = sizeof HALF_ALONE - 1;
    }
    return true;
}

int exo_keep_text(exo_answer *answer, enum exo_answer_kept which, exo_delta *delta)
{
    const unsigned wish = which == EXO_KEPT_REASONING_ ? EXO_KEEP_REASONING : EXO_KEEP_TEXT;
    const bool wished = answer->echoed_ | ((answer->keep_ & wish) != 0);
    exo_buffer *buffer = &answer->kept_[which];
    const size_t first = buffer->len;
    exo_span half;
    if (!exo_keep_join(answer, &answer->half_[which], delta, &half.len)) {
        return EXO_NOT_FOUND;
    }
    half.ptr = HALF_ALONE;
    if ((wished | (half.len > 0)) && exo_keep_in(answer, which, &half) && exo_keep_in(answer, which, &delta->text)) {
        delta->text = exo_span_of(buffer->data + first, buffer->len - first);
    }
    if (!wished) { /* it lies there only to be shown */
        buffer->len = first;
    }
    return EXO_OK;
}

/* Makes a list its inside without the white space around that; another value stays. */
static void keep_strip(exo_span *json)
{
    if (*json->ptr == '[') {
        *json = exo_span_trim(exo_span_of(json->ptr + 1, json->len - 2));
    }
}

/* Writes what is inside of one more list behind that of a list of `len` bytes, 0 for none. Returns the new length, at
 * most 2 more than both are long. */
static size_t keep_join(char *list, size_t len, const exo_span *more)
{
    const size_t at = len > 0 ? len - 1 : 0;
    list[at] = len > 0 ? ',' : '[';
    memcpy(list + at + 1, more->ptr, more->len);
    list[at + 1 + more->len] = ']';
    return at + more->len + 2;
}

static int keep_append_to_list(exo_buffer *list, const exo_span *more)
{
    int rc = exo_buffer_reserve(list, more->len + 2);
    if (rc == EXO_OK) {
        list->len = keep_join(list->data, list->len, more);
    }
    return rc;
}

void exo_keep_list(exo_answer *answer, enum exo_answer_kept which, exo_span json)
{
    exo_buffer *buffer = exo_keep_buffer(answer, which);
    keep_strip(&json);
    if (json.len > 0 && KEEPS(buffer)) {
        exo_keep_failed(answer, keep_append_to_list(buffer, &json));
    }
}

/* Reads the record at `at`, and returns where its text begins. */
static const char *keep_read_member(const exo_buffer *records, size_t at, struct member *member)
{
    const char *record = records->data + at;
    memcpy(member, record, sizeof *member);
    return record + sizeof *member;
}

/* Stores the record of a name, or a new one at the end. EXO_E_ANSWER_LIMIT where there are too many. */
static int keep_find_member(const exo_buffer *records, uint32_t owner, const exo_span *name, struct member *member)
{
    unsigned count = 0;
    for (size_t at = 0; at < records->len; at += member->record.room) {
        const char *text = keep_read_member(records, at, member);
        if (member->owner == owner && exo_span_equal(exo_span_of(text + 1, member->name_len - 3), *name)) {
            return EXO_OK;
        }
        count += member->owner != NOBODY;
    }
    member->owner = owner;
    member->name_len = (uint32_t)name->len + 3;
    member->record.at = (uint32_t)records->len;
    member->record.len = (uint32_t)sizeof *member + member->name_len;
    member->record.room = 0;
    return count < MOST_MEMBERS ? EXO_OK : EXO_E_ANSWER_LIMIT;
}

/* Puts a value in the place of what a name has; `listed`: it is the inside of a list, and joined to that. */
static int keep_set_member(exo_buffer *records, uint32_t owner, const exo_span *name, const exo_span *json, bool listed)
{
    struct member member;
    int rc = keep_find_member(records, owner, name, &member);
    const uint32_t at = member.record.at;
    const uint32_t head = (uint32_t)sizeof member + member.name_len;
    if (member.record.len > head && !(listed && records->data[at + head] == '[')) {
        member.record.len = head; /* what is there is replaced */
    }
    rc = rc == EXO_OK ? exo_keep_grow(records, &member.record, json->len + (listed ? 2 : 0)) : rc;
    if (rc != EXO_OK) {
        return rc;
    }
    if (member.record.at != at) {
        const uint32_t nobody = NOBODY;
        memcpy(records->data + at, &nobody, sizeof nobody);
    }
    char *record = records->data + member.record.at;
    char *value = record + head;
    record[sizeof member] = '"'; /* once more, if the name is there already */
    memcpy(record + sizeof member + 1, name->ptr, name->len);
    value[-2] = '"';
    value[-1] = ':';
    size_t len = json->len;
    if (listed) {
        len = keep_join(value, member.record.len - head, json);
    } else {
        memcpy(value, json->ptr, json->len);
    }
    member.record.len = head + (uint32_t)len;
    memcpy(record, &member, sizeof member);
    return EXO_OK;
}

void exo_keep_member(exo_answer *answer, const exo_delta *delta, exo_span json)
{
    const uint32_t owner = delta->type == EXO_DELTA_MEMBER ? EXO_ANSWER_ITSELF : answer->call_;
    const bool listed = delta->list || *json.ptr == '[';
    exo_buffer *members = exo_keep_buffer(answer, EXO_KEPT_MEMBERS_);
    int rc = EXO_OK;
    if (listed) {
        keep_strip(&json);
    }
    if (json.len > 0 && KEEPS(members)) {
        rc = keep_set_member(members, owner, &delta->name, &json, listed);
    }
    if (rc == EXO_E_ANSWER_LIMIT) {
        answer->raw_cut_ = true;
    } else {
        exo_keep_failed(answer, rc);
    }
}

int exo_answer_extra(const exo_answer *answer, uint32_t call, exo_buffer *out)
{
    exo_buffer_clear(out);
    UNLESS_THERE(answer, EXO_OK);
    const exo_buffer *records = exo_kept_buffer(answer, EXO_KEPT_MEMBERS_);
    struct member member;
    int rc = EXO_OK;
    for (size_t at = 0; rc == EXO_OK && at < records->len; at += member.record.room) {
        const char *text = keep_read_member(records, at, &member);
        if (member.owner == call) {
            const exo_span own = {text, member.record.len - sizeof member};
            rc = keep_append_to_list(out, &own);
        }
    }
    if (out->len > 0) { /* a list of members is an object */
        out->data[0] = '{';
        out->data[out->len - 1] = '}';
    }
    return rc;
}
