/*
 * answer.c: deltas → one answer, and whether it is proven.
 *
 * It reads no JSON but to strip a list of its brackets, and decides nothing about failures but their code: failure.c
 * and route.c go on from there. Called by whoever pulls deltas out of chunk.c. Its memory comes from the caller's
 * allocator, a buffer for each thing that grows, each with its limit; what every tool call has in text lies in one log.
 */
#include "exochat/answer.h"
#include "exochat/json_repair.h"

/* However high the limit is set: looking for a call goes through all of them. */
#define MOST_CALLS 65536

#define NO_PIECE UINT32_MAX

/* Bytes in the log. */
struct stretch {
    uint32_t at;
    uint32_t len;
};

/* What stands in the log, unaligned, before each piece of arguments. */
struct piece {
    uint32_t next; /* of the same call, or NO_PIECE */
    uint32_t len;
};

struct call {
    int64_t index;
    struct stretch id;
    struct stretch name;
    struct stretch extra;
    uint32_t first; /* piece of its arguments, or NO_PIECE */
    uint32_t last;
    bool legacy;
};

void exo_answer_init(exo_answer *answer, const exo_allocator *allocator, const exo_limits *limits, uint32_t choice,
                     unsigned keep)
{
    static const exo_usage unknown = EXO_USAGE_INIT;
    size_t calls = limits->tool_calls < MOST_CALLS ? limits->tool_calls : MOST_CALLS;
    memset(answer, 0, sizeof *answer);
    for (int i = 0; i < EXO_KEPT_COUNT_; i++) {
        size_t maximum = i <= EXO_KEPT_REFUSAL_ ? limits->answer : limits->raw;
        exo_buffer_init(&answer->kept_[i], allocator, maximum, EXO_E_ANSWER_LIMIT);
    }
    exo_buffer_init(&answer->kept_[EXO_KEPT_LOG_], allocator, limits->tool_arguments, EXO_E_ARGUMENTS_LIMIT);
    exo_buffer_init(&answer->kept_[EXO_KEPT_CALLS_], allocator, calls * sizeof(struct call), EXO_E_CALLS_LIMIT);
    answer->usage_ = unknown;
    answer->choice_ = choice;
    answer->keep_ = (uint8_t)keep;
    answer->depth_ = (uint8_t)(limits->depth < EXO_JSON_DEPTH_MAX ? limits->depth : EXO_JSON_DEPTH_MAX);
}

static exo_span kept(const exo_answer *answer, enum exo_answer_kept which)
{
    return exo_buffer_span(&answer->kept_[which]);
}

static struct call *call_at(const exo_answer *answer, uint32_t number)
{
    void *calls = answer->kept_[EXO_KEPT_CALLS_].data;
    return (struct call *)calls + number;
}

static exo_span logged(const exo_answer *answer, struct stretch stretch)
{
    return stretch.len > 0 ? exo_span_of(answer->kept_[EXO_KEPT_LOG_].data + stretch.at, stretch.len)
                           : exo_span_of(NULL, 0);
}

uint32_t exo_answer_tool_calls(const exo_answer *answer)
{
    return (uint32_t)(answer->kept_[EXO_KEPT_CALLS_].len / sizeof(struct call));
}

/* The call that a delta belongs to by the tool rule; one past the last for a new one. */
static uint32_t find_call(const exo_answer *answer, const exo_delta *delta)
{
    uint32_t count = exo_answer_tool_calls(answer);
    uint32_t same_index = count;
    bool has_id = delta->id.len > 0;
    bool has_name = delta->name.len > 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct call *call = call_at(answer, i);
        if (delta->legacy ? call->legacy : has_id && exo_span_equal(logged(answer, call->id), delta->id)) {
            return i;
        }
        if (call->index == delta->index) {
            same_index = i;
        }
    }
    if (has_id) {
        return has_name ? count : same_index;
    }
    if (delta->index >= 0 && (same_index < count || has_name)) {
        return same_index;
    }
    if (count == 0 || delta->legacy || (has_name && call_at(answer, count - 1)->name.len > 0)) {
        return count;
    }
    return count - 1;
}

/* Puts `text` in the place of what a call has, unless it is empty. */
static int overwrite(exo_answer *answer, struct stretch *stretch, exo_span text)
{
    exo_buffer *log = &answer->kept_[EXO_KEPT_LOG_];
    int rc = EXO_OK;
    if (text.len == 0) {
        return EXO_OK;
    }
    if (text.len <= stretch->len) {
        memcpy(log->data + stretch->at, text.ptr, text.len);
    } else {
        rc = exo_buffer_append(log, text);
        stretch->at = (uint32_t)(log->len - text.len);
    }
    stretch->len = rc == EXO_OK ? (uint32_t)text.len : 0;
    return rc;
}

static int begin_call(exo_answer *answer, const exo_delta *delta)
{
    uint32_t number = find_call(answer, delta);
    if (number == exo_answer_tool_calls(answer)) {
        struct call call = {.index = delta->index, .first = NO_PIECE, .last = NO_PIECE, .legacy = delta->legacy};
        const void *bytes = &call;
        int rc = exo_buffer_append(&answer->kept_[EXO_KEPT_CALLS_], exo_span_of(bytes, sizeof call));
        if (rc != EXO_OK) {
            return rc;
        }
    }
    answer->call_ = number;
    int rc = overwrite(answer, &call_at(answer, number)->id, delta->id);
    return rc == EXO_OK ? overwrite(answer, &call_at(answer, number)->name, delta->name) : rc;
}

static struct piece piece_at(const exo_buffer *log, uint32_t at)
{
    struct piece piece;
    memcpy(&piece, log->data + at, sizeof piece);
    return piece;
}

static void set_piece(exo_buffer *log, uint32_t at, struct piece piece)
{
    memcpy(log->data + at, &piece, sizeof piece);
}

/* Appends to a call's arguments: to its last piece if the log ends with that, otherwise as a new piece. */
static int add_arguments(exo_answer *answer, struct call *call, exo_span text)
{
    exo_buffer *log = &answer->kept_[EXO_KEPT_LOG_];
    struct piece last = {NO_PIECE, 0};
    if (call->last != NO_PIECE) {
        last = piece_at(log, call->last);
    }
    bool extend = call->last != NO_PIECE && call->last + sizeof last + last.len == log->len;
    int rc = exo_buffer_reserve(log, text.len + (extend ? 0 : sizeof last));
    if (rc != EXO_OK) {
        return rc;
    }
    if (!extend) {
        uint32_t at = (uint32_t)log->len;
        if (call->last == NO_PIECE) {
            call->first = at;
        } else {
            last.next = at;
            set_piece(log, call->last, last);
            answer->interleaved_ = true;
        }
        call->last = at;
        log->len += sizeof last;
        last = (struct piece){NO_PIECE, 0};
    }
    last.len += (uint32_t)text.len;
    set_piece(log, call->last, last);
    return exo_buffer_append(log, text);
}

static int apply_to_call(exo_answer *answer, const exo_delta *delta, uint32_t *tool)
{
    int rc = EXO_OK;
    if (delta->type == EXO_DELTA_TOOL_CALL) {
        rc = begin_call(answer, delta);
    } else if (exo_answer_tool_calls(answer) > 0) {
        struct call *call = call_at(answer, answer->call_);
        if (delta->type == EXO_DELTA_TOOL_EXTRA) {
            rc = answer->keep_ & EXO_KEEP_REPLAY ? overwrite(answer, &call->extra, delta->text) : EXO_OK;
        } else if (answer->keep_ & EXO_KEEP_TOOLS) {
            if (delta->type == EXO_DELTA_TOOL_OBJECT) {
                call->first = NO_PIECE;
                call->last = NO_PIECE;
            }
            rc = add_arguments(answer, call, delta->text);
        }
    } else {
        return EXO_NOT_FOUND;
    }
    if (tool) {
        *tool = answer->call_;
    }
    return rc;
}

/* Appends to a JSON array: a value, or the members of an array. */
static int add_to_list(exo_buffer *list, exo_span json)
{
    if (json.len > 1 && *json.ptr == '[') {
        json = exo_span_of(json.ptr + 1, json.len - 2);
    }
    while (json.len > 0 && memchr(" \t\r\n", *json.ptr, 4)) {
        json.ptr++;
        json.len--;
    }
    int rc = json.len > 0 ? exo_buffer_reserve(list, json.len + 2) : EXO_NOT_FOUND;
    if (rc != EXO_OK) {
        return rc < 0 ? rc : EXO_OK;
    }
    if (list->len == 0) {
        exo_buffer_append(list, exo_span_text("["));
    } else {
        list->data[list->len - 1] = ',';
    }
    exo_buffer_append(list, json);
    return exo_buffer_append(list, exo_span_text("]"));
}

/* Appends to what is kept of one kind of text, if `wish`, one of exo_keep, is among what the caller wants kept. */
static int keep_text(exo_answer *answer, enum exo_answer_kept which, unsigned wish, exo_span text)
{
    exo_buffer *buffer = &answer->kept_[which];
    if (!(answer->keep_ & wish)) {
        return EXO_OK;
    }
    return wish == EXO_KEEP_REPLAY ? add_to_list(buffer, text) : exo_buffer_append(buffer, text);
}

/* Copies as much of `text` as fits, whole characters, and returns its length. */
static uint8_t copy_short(char *dst, size_t size, exo_span text)
{
    size_t len = text.len < size ? text.len : size;
    while (len > 0 && len < text.len && ((uint8_t)text.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    if (len > 0) {
        memcpy(dst, text.ptr, len);
    }
    return (uint8_t)len;
}

/* Keeps the first error. That it is too long to be kept does not make it less of an error. */
static int keep_error(exo_answer *answer, exo_span text)
{
    exo_buffer *buffer = &answer->kept_[EXO_KEPT_ERROR_];
    int rc = buffer->len > 0 ? EXO_OK : exo_buffer_append(buffer, text);
    return rc == EXO_E_ANSWER_LIMIT ? EXO_OK : rc;
}

static int keep_usage(exo_answer *answer, const exo_delta *delta)
{
    exo_buffer *buffer = &answer->kept_[EXO_KEPT_USAGE_];
    exo_buffer_clear(buffer);
    answer->usage_ = delta->usage;
    return exo_buffer_append(buffer, delta->text);
}

/* A delta that is about the whole response. EXO_NOT_FOUND: it is about a choice. */
static int apply_to_response(exo_answer *answer, const exo_delta *delta)
{
    switch (delta->type) {
    case EXO_DELTA_MALFORMED:
        answer->holes_ += delta->hole;
        if (answer->malformed_++ == 0) {
            answer->malformed_code_ = delta->code;
            answer->malformed_offset_ = delta->number;
        }
        return EXO_OK;
    case EXO_DELTA_ERROR:
        answer->failed_ = true;
        return keep_error(answer, delta->text);
    case EXO_DELTA_ID:
        answer->id_len_ = copy_short(answer->id_, sizeof answer->id_, delta->text);
        return EXO_OK;
    case EXO_DELTA_MODEL:
        answer->model_len_ = copy_short(answer->model_, sizeof answer->model_, delta->text);
        return EXO_OK;
    case EXO_DELTA_USAGE:
        return keep_usage(answer, delta);
    default:
        return EXO_NOT_FOUND;
    }
}

static int apply_to_choice(exo_answer *answer, const exo_delta *delta, uint32_t *tool)
{
    switch (delta->type) {
    case EXO_DELTA_FINISH:
        answer->finish_len_ = copy_short(answer->finish_, sizeof answer->finish_, delta->text);
        return EXO_OK;
    case EXO_DELTA_LOGPROBS:
        return keep_text(answer, EXO_KEPT_LOGPROBS_, EXO_KEEP_REPLAY, delta->text);
    case EXO_DELTA_REASONING_DETAILS:
        return keep_text(answer, EXO_KEPT_DETAILS_, EXO_KEEP_REPLAY, delta->text);
    default:
        break;
    }
    answer->began_ = true;
    answer->streamed_ = answer->streamed_ || !delta->whole;
    switch (delta->type) {
    case EXO_DELTA_CONTENT:
        return keep_text(answer, EXO_KEPT_TEXT_, EXO_KEEP_TEXT, delta->text);
    case EXO_DELTA_REASONING:
        return keep_text(answer, EXO_KEPT_REASONING_, EXO_KEEP_REASONING, delta->text);
    case EXO_DELTA_REFUSAL:
        return keep_text(answer, EXO_KEPT_REFUSAL_, EXO_KEEP_TEXT, delta->text);
    case EXO_DELTA_AUDIO:
        return keep_text(answer, EXO_KEPT_AUDIO_, EXO_KEEP_REPLAY, delta->text);
    default:
        return apply_to_call(answer, delta, tool);
    }
}

int exo_answer_apply(exo_answer *answer, const exo_delta *delta, uint32_t *tool)
{
    if (answer->error_ != EXO_OK) {
        return answer->error_;
    }
    int rc = apply_to_response(answer, delta);
    if (rc == EXO_NOT_FOUND && delta->choice == answer->choice_ && !(delta->whole && answer->streamed_)) {
        rc = apply_to_choice(answer, delta, tool);
    }
    if (rc < 0) {
        answer->error_ = rc;
    }
    return rc;
}

void exo_answer_done(exo_answer *answer)
{
    answer->proof_ = EXO_PROOF_DONE;
}

/* EXO_OK, or what a finish_reason means that is none. */
static int judge_finish(exo_span reason)
{
    static const char failures[][sizeof "insufficient_system_resource"] = {"error", "network_error", "abort",
                                                                           "insufficient_system_resource"};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (exo_span_is(reason, failures[i])) {
            return EXO_E_FINISH;
        }
    }
    return exo_span_is(reason, "model_context_window_exceeded") ? EXO_E_CONTEXT_WINDOW : EXO_OK;
}

int exo_answer_end(exo_answer *answer, bool lenient)
{
    int rc = answer->error_;
    if (rc == EXO_OK && answer->failed_) {
        rc = EXO_E_IN_STREAM;
    }
    if (rc == EXO_OK) {
        rc = judge_finish(exo_answer_finish_reason(answer));
    }
    if (rc == EXO_OK && answer->holes_ > 0) {
        rc = EXO_E_MALFORMED;
    }
    if (rc == EXO_OK && answer->finish_len_ == 0) {
        if (answer->malformed_ > 0 && (!answer->began_ || answer->proof_ == EXO_PROOF_DONE)) {
            rc = EXO_E_MALFORMED;
        } else if (!answer->began_) {
            rc = EXO_E_EMPTY_STREAM;
        } else if (answer->proof_ == EXO_PROOF_NONE && lenient) {
            answer->proof_ = EXO_PROOF_LENIENT;
        } else if (answer->proof_ == EXO_PROOF_NONE) {
            rc = EXO_E_TRUNCATED;
        }
    }
    answer->proven_ = rc == EXO_OK;
    return rc;
}

exo_proof exo_answer_proof(const exo_answer *answer)
{
    return answer->finish_len_ > 0 ? EXO_PROOF_FINISH : (exo_proof)answer->proof_;
}

exo_span exo_answer_text(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_TEXT_);
}

exo_span exo_answer_reasoning(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_REASONING_);
}

exo_span exo_answer_refusal(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_REFUSAL_);
}

exo_span exo_answer_reasoning_details(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_DETAILS_);
}

exo_span exo_answer_logprobs(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_LOGPROBS_);
}

exo_span exo_answer_audio(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_AUDIO_);
}

exo_span exo_answer_finish_reason(const exo_answer *answer)
{
    return exo_span_of(answer->finish_, answer->finish_len_);
}

exo_span exo_answer_id(const exo_answer *answer)
{
    return exo_span_of(answer->id_, answer->id_len_);
}

exo_span exo_answer_model(const exo_answer *answer)
{
    return exo_span_of(answer->model_, answer->model_len_);
}

const exo_usage *exo_answer_usage(const exo_answer *answer)
{
    return &answer->usage_;
}

exo_span exo_answer_usage_json(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_USAGE_);
}

/* Copies a stretch from one log to another that has room for it. */
static void move_stretch(const exo_answer *answer, exo_buffer *to, struct stretch *stretch)
{
    exo_span text = logged(answer, *stretch);
    stretch->at = (uint32_t)to->len;
    exo_buffer_append(to, text);
}

/* Writes the log anew, so that each call's arguments are one piece. Linear, however they were interleaved. */
static int gather(exo_answer *answer)
{
    exo_buffer *log = &answer->kept_[EXO_KEPT_LOG_];
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
        move_stretch(answer, &fresh, &call->id);
        move_stretch(answer, &fresh, &call->name);
        move_stretch(answer, &fresh, &call->extra);
        if (call->first == NO_PIECE) {
            continue;
        }
        struct piece whole = {NO_PIECE, 0};
        uint32_t start = (uint32_t)fresh.len;
        fresh.len += sizeof whole;
        for (uint32_t at = call->first; at != NO_PIECE;) {
            struct piece piece = piece_at(log, at);
            exo_buffer_append(&fresh, exo_span_of(log->data + at + sizeof piece, piece.len));
            whole.len += piece.len;
            at = piece.next;
        }
        set_piece(&fresh, start, whole);
        call->first = start;
        call->last = start;
    }
    exo_buffer_free(log);
    *log = fresh;
    answer->interleaved_ = false;
    return EXO_OK;
}

int exo_answer_tool_call(exo_answer *answer, uint32_t call, exo_tool_call *out)
{
    const exo_buffer *log = &answer->kept_[EXO_KEPT_LOG_];
    if (call >= exo_answer_tool_calls(answer)) {
        return EXO_NOT_FOUND;
    }
    int rc = answer->interleaved_ ? gather(answer) : EXO_OK;
    if (rc != EXO_OK) {
        return rc;
    }
    const struct call *found = call_at(answer, call);
    memset(out, 0, sizeof *out);
    out->id = logged(answer, found->id);
    out->name = logged(answer, found->name);
    out->extra = logged(answer, found->extra);
    out->legacy = found->legacy;
    if (found->first != NO_PIECE) {
        struct piece piece = piece_at(log, found->first);
        out->arguments = exo_span_of(log->data + found->first + sizeof piece, piece.len);
    }
    return EXO_OK;
}

int exo_answer_tool_arguments(exo_answer *answer, uint32_t call, exo_buffer *out)
{
    exo_tool_call found;
    if (!answer->proven_ || !(answer->keep_ & EXO_KEEP_TOOLS) ||
        exo_span_is(exo_answer_finish_reason(answer), "length")) {
        return EXO_E_STATE;
    }
    int rc = exo_answer_tool_call(answer, call, &found);
    if (rc != EXO_OK) {
        return rc;
    }
    exo_span text = found.arguments;
    while (text.len > 0 && memchr(" \t\r\n", *text.ptr, 4)) {
        text.ptr++;
        text.len--;
    }
    return exo_json_repair(text.len > 0 ? found.arguments : exo_span_text("{}"), answer->depth_, out);
}

uint32_t exo_answer_malformed(const exo_answer *answer, int *code, uint64_t *offset)
{
    if (code) {
        *code = answer->malformed_code_;
    }
    if (offset) {
        *offset = answer->malformed_offset_;
    }
    return answer->malformed_;
}

uint32_t exo_answer_holes(const exo_answer *answer)
{
    return answer->holes_;
}

exo_span exo_answer_error(const exo_answer *answer)
{
    return kept(answer, EXO_KEPT_ERROR_);
}

bool exo_answer_began(const exo_answer *answer)
{
    return answer->began_;
}

void exo_answer_free(exo_answer *answer)
{
    for (int i = 0; i < EXO_KEPT_COUNT_; i++) {
        exo_buffer_free(&answer->kept_[i]);
    }
}
