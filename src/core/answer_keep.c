/*
 * answer_keep.c: what an answer keeps of text that comes in pieces, and of JSON that is passed on as it stands.
 *
 * It knows neither deltas' order nor tool calls: answer.c and answer_calls.c call it. Its memory is the answer's
 * buffers, and for the time of a call one more for JSON that is not quite JSON. Members are kept as records, one behind
 * the other; a record that must grow and is not the last moves to the end with twice the room, so that the time is
 * linear, and there are MOST_MEMBERS names at most to be looked through.
 */
#include "answer_keep.h"

#include "exochat/json_repair.h"

#define MOST_MEMBERS 64

/* The owner of a record that has moved on. */
#define NOBODY (EXO_ANSWER_ITSELF - 1)

/* What stands, unaligned, before a member's name and its value. */
struct member {
    uint32_t owner;
    uint32_t name_len;
    uint32_t value_len;
    uint32_t room; /* for the value */
};

static const char replacement[] = "\xEF\xBF\xBD";

bool exo_keep_join(exo_answer *answer, uint16_t *held, exo_delta *delta, exo_span *before)
{
    const uint16_t high = *held;
    const uint16_t half = delta->half;
    *before = exo_span_of(replacement, 0);
    *held = half < 0xDC00 ? half : 0;
    if (*held != 0) {
        return high != 0; /* and the text is the U+FFFD that the earlier one comes to */
    }
    if (high != 0 && half != 0) {
        uint32_t code_point = 0x10000U + (high - 0xD800U) * 0x400U + (half - 0xDC00U);
        for (int i = 3; i >= 0; i--) {
            answer->joined_[i] = (char)((i > 0 ? 0x80 : 0xF0) | (code_point & 0x3F));
            code_point >>= 6;
        }
        delta->text = exo_span_of(answer->joined_, sizeof answer->joined_);
    } else if (high != 0) {
        before->len = sizeof replacement - 1;
    }
    return true;
}

int exo_keep_text(exo_answer *answer, enum exo_answer_kept which, bool wished, exo_delta *delta)
{
    exo_buffer *buffer = &answer->kept_[which];
    const size_t first = buffer->len;
    exo_span before;
    if (!exo_keep_join(answer, &answer->half_[which], delta, &before)) {
        return EXO_NOT_FOUND;
    }
    if (!wished && before.len == 0) {
        return EXO_OK;
    }
    int rc = exo_buffer_append(buffer, before);
    rc = rc == EXO_OK ? exo_buffer_append(buffer, delta->text) : rc;
    if (rc == EXO_OK) {
        delta->text = exo_span_of(buffer->data + first, buffer->len - first);
    }
    /* What is not wished for lies there only to be shown. */
    buffer->len = wished ? buffer->len : first;
    return rc;
}

/* Makes JSON of what a tolerant reader let pass, in `mended`, which the caller frees. What cannot be made JSON is not
 * kept: then `*json` is empty. EXO_OK or EXO_E_NO_MEMORY. */
static int mend(exo_answer *answer, enum exo_answer_kept which, exo_span *json, exo_buffer *mended)
{
    *mended = answer->kept_[which];
    mended->data = NULL;
    mended->len = 0;
    mended->capacity_ = 0;
    if (exo_json_check(*json, EXO_JSON_DEPTH_MAX, NULL) == EXO_OK) {
        return EXO_OK;
    }
    exo_repair_report report;
    int rc = exo_json_repair(*json, EXO_JSON_DEPTH_MAX, mended, &report);
    *json = exo_buffer_span(mended);
    answer->raw_cut_ = answer->raw_cut_ || rc != EXO_OK;
    return rc == EXO_E_NO_MEMORY ? rc : EXO_OK;
}

/* The inside of a list without the white space before it, or the value itself. */
static exo_span listed(exo_span json)
{
    if (json.len > 1 && *json.ptr == '[') {
        json = exo_span_of(json.ptr + 1, json.len - 2);
    }
    while (json.len > 0 && memchr(" \t\r\n", *json.ptr, 4)) {
        json.ptr++;
        json.len--;
    }
    return json;
}

int exo_keep_list(exo_answer *answer, enum exo_answer_kept which, exo_span json)
{
    exo_buffer *list = &answer->kept_[which];
    exo_buffer mended;
    int rc = mend(answer, which, &json, &mended);
    json = listed(json);
    if (json.len > 0) {
        rc = exo_buffer_reserve(list, json.len + 2);
    }
    if (json.len > 0 && rc == EXO_OK) {
        if (list->len == 0) {
            exo_buffer_append(list, exo_span_text("["));
        } else {
            list->data[list->len - 1] = ',';
        }
        exo_buffer_append(list, json);
        exo_buffer_append(list, exo_span_text("]"));
    }
    exo_buffer_free(&mended);
    return rc;
}

int exo_keep_last(exo_answer *answer, enum exo_answer_kept which, exo_span json)
{
    exo_buffer mended;
    exo_buffer_clear(&answer->kept_[which]);
    int rc = mend(answer, which, &json, &mended);
    if (rc == EXO_OK) {
        rc = exo_buffer_append(&answer->kept_[which], json);
    }
    exo_buffer_free(&mended);
    return rc;
}

static struct member member_at(const exo_buffer *records, size_t at)
{
    struct member member;
    memcpy(&member, records->data + at, sizeof member);
    return member;
}

static size_t size_of(const struct member *member)
{
    return sizeof *member + member->name_len + member->room;
}

/* The record of a name at or behind `at`, or the end; how many names there are is counted. */
static size_t find_member(const exo_buffer *records, size_t at, uint32_t owner, exo_span name, size_t *count)
{
    while (at < records->len) {
        struct member member = member_at(records, at);
        exo_span text = exo_span_of(records->data + at + sizeof member, member.name_len);
        if (member.owner == owner && exo_span_equal(text, name)) {
            break;
        }
        *count += member.owner != NOBODY;
        at += size_of(&member);
    }
    return at;
}

/* Gives the record at `*at`, or a new one, room for a value of `size` bytes. */
static int make_room(exo_buffer *records, size_t *at, struct member *member, exo_span name, size_t size)
{
    const size_t head = sizeof *member + name.len;
    const bool is_new = *at == records->len;
    const size_t end = is_new ? records->len : *at + size_of(member);
    int rc = EXO_OK;
    if (!is_new && size <= member->room) {
        return EXO_OK;
    }
    if (!is_new && end == records->len) {
        rc = exo_buffer_reserve(records, size - member->room);
        records->len = rc == EXO_OK ? *at + head + size : records->len;
        member->room = rc == EXO_OK ? (uint32_t)size : member->room;
        return rc;
    }
    size_t room = is_new ? size : 2 * size;
    rc = exo_buffer_reserve(records, head + room);
    if (rc != EXO_OK) {
        return rc;
    }
    const size_t fresh = records->len;
    if (!is_new) {
        memcpy(records->data + fresh + head, records->data + *at + head, member->value_len);
        member->owner = NOBODY;
        memcpy(records->data + *at, member, sizeof *member);
    }
    memcpy(records->data + fresh + sizeof *member, name.ptr, name.len);
    member->room = (uint32_t)room;
    records->len += head + room;
    *at = fresh;
    return EXO_OK;
}

/* Puts a value in the place of what a name has; `list`: it is the inside of one, and joined to that. */
static int set_member(exo_buffer *records, uint32_t owner, exo_span name, exo_span json, bool list)
{
    size_t count = 0;
    size_t at = find_member(records, 0, owner, name, &count);
    struct member member = {owner, (uint32_t)name.len, 0, 0};
    if (at == records->len && count == MOST_MEMBERS) {
        return EXO_E_ANSWER_LIMIT;
    }
    bool joined = false;
    if (at < records->len) {
        member = member_at(records, at);
        joined = list && records->data[at + sizeof member + name.len] == '[';
    }
    const size_t kept = joined ? member.value_len - 1 : 0;
    const size_t size = kept + json.len + (list ? 2 : 0);
    int rc = make_room(records, &at, &member, name, size);
    if (rc != EXO_OK) {
        return rc;
    }
    char *value = records->data + at + sizeof member + name.len;
    if (list) {
        value[kept] = joined ? ',' : '[';
        value[kept + 1 + json.len] = ']';
    }
    memcpy(value + kept + list, json.ptr, json.len);
    member.owner = owner;
    member.value_len = (uint32_t)size;
    memcpy(records->data + at, &member, sizeof member);
    return EXO_OK;
}

int exo_keep_member(exo_answer *answer, uint32_t owner, const exo_delta *delta)
{
    exo_buffer *records = &answer->kept_[EXO_KEPT_MEMBERS_];
    exo_buffer mended;
    exo_span json = delta->text;
    int rc = mend(answer, EXO_KEPT_MEMBERS_, &json, &mended);
    bool list = delta->list || (json.len > 0 && *json.ptr == '[');
    if (list) {
        json = listed(json);
    }
    if (json.len > 0) {
        rc = set_member(records, owner, delta->name, json, list);
    }
    exo_buffer_free(&mended);
    answer->raw_cut_ = answer->raw_cut_ || rc == EXO_E_ANSWER_LIMIT;
    return rc == EXO_E_ANSWER_LIMIT ? EXO_OK : rc;
}

int exo_answer_extra(const exo_answer *answer, uint32_t call, exo_buffer *out)
{
    const exo_buffer *records = &answer->kept_[EXO_KEPT_MEMBERS_];
    int rc = EXO_OK;
    exo_buffer_clear(out);
    for (size_t at = 0; rc == EXO_OK && at < records->len;) {
        struct member member = member_at(records, at);
        const char *name = records->data + at + sizeof member;
        at += size_of(&member);
        if (member.owner != call) {
            continue;
        }
        rc = exo_buffer_reserve(out, member.name_len + member.value_len + 5);
        if (rc == EXO_OK) {
            if (out->len == 0) {
                exo_buffer_append(out, exo_span_text("{\""));
            } else {
                exo_buffer_append(out, exo_span_text("\""));
                memcpy(out->data + out->len - 2, ",\"", 2);
            }
            exo_buffer_append(out, exo_span_of(name, member.name_len));
            exo_buffer_append(out, exo_span_text("\":"));
            exo_buffer_append(out, exo_span_of(name + member.name_len, member.value_len));
            exo_buffer_append(out, exo_span_text("}"));
        }
    }
    return rc;
}
