/*
 * answer.c: deltas → one answer, and whether it is proven.
 *
 * It decides nothing about failures but their code: failure.c and route.c go on from there. Called by whoever pulls
 * deltas out of chunk.c; answer_keep.c and answer_calls.c do the keeping. Its memory comes from the caller's allocator,
 * a buffer for each thing that grows, each with its limit.
 */
#include "exochat/answer.h"

#include "answer_calls.h"
#include "answer_keep.h"

#include "exochat/finish.h"
#include "exochat/json_repair.h"

void exo_answer_init(exo_answer *answer, const exo_allocator *allocator, const exo_limits *limits, uint32_t choice,
                     unsigned keep)
{
    static const exo_usage unknown = EXO_USAGE_INIT;
    const size_t calls = limits->tool_calls < CALLS_MAX ? limits->tool_calls : CALLS_MAX;
    memset(answer, 0, sizeof *answer);
    for (int i = 0; i < EXO_KEPT_COUNT_; i++) {
        size_t maximum = i < EXO_KEPT_TEXTS_ ? limits->answer : limits->raw;
        exo_buffer_init(&answer->kept_[i], allocator, maximum, EXO_E_ANSWER_LIMIT);
    }
    exo_buffer_init(&answer->kept_[EXO_KEPT_LOG_], allocator, limits->tool_arguments, EXO_E_ARGUMENTS_LIMIT);
    exo_buffer_init(&answer->kept_[EXO_KEPT_CALLS_], allocator, calls * exo_calls_record_size(), EXO_E_CALLS_LIMIT);
    answer->name_limit_ = limits->name;
    answer->usage_ = unknown;
    answer->choice_ = choice;
    answer->keep_ = (uint8_t)keep;
    answer->depth_ = (uint8_t)(limits->depth < EXO_JSON_DEPTH_MAX ? limits->depth : EXO_JSON_DEPTH_MAX);
}

static exo_span kept(const exo_answer *answer, enum exo_answer_kept which)
{
    return exo_buffer_span(&answer->kept_[which]);
}

/* Decodes the text of a string into `size` bytes, cut at a character's border. */
static uint8_t keep_short(char *dst, size_t size, const exo_delta *delta)
{
    exo_json_token token;
    token.type = EXO_JSON_STRING;
    token.plain = false;
    token.text = delta->text;
    return (uint8_t)exo_json_copy(&token, dst, size);
}

/* Keeps the first error, as much of its beginning as fits: that it is too long does not make it less of an error. */
static int keep_error(exo_answer *answer, exo_span text)
{
    exo_buffer *buffer = &answer->kept_[EXO_KEPT_ERROR_];
    if (answer->failed_) {
        return EXO_OK;
    }
    answer->failed_ = true;
    text.len = text.len < buffer->maximum_ ? text.len : buffer->maximum_;
    return exo_buffer_append(buffer, text);
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
        return keep_error(answer, delta->text);
    case EXO_DELTA_ID:
        answer->id_len_ = keep_short(answer->id_, sizeof answer->id_, delta);
        return EXO_OK;
    case EXO_DELTA_MODEL:
        answer->model_len_ = keep_short(answer->model_, sizeof answer->model_, delta);
        return EXO_OK;
    case EXO_DELTA_USAGE:
        answer->usage_ = delta->usage;
        return exo_keep_last(answer, EXO_KEPT_USAGE_, delta->text);
    default:
        return EXO_NOT_FOUND;
    }
}

/* Whether text is not the assistant's. That of a tool is, where text has come and no tool was called: then the role of
 * each delta says nothing. */
static bool is_echo(const exo_answer *answer, const exo_delta *delta)
{
    return delta->echo == 'u' || (delta->echo == 't' && (!answer->spoken_ || exo_answer_tool_calls(answer) > 0));
}

/* Text that is not the assistant's: it is kept until something else comes, if nothing else has. */
static int apply_echo(exo_answer *answer, exo_delta *delta)
{
    if (answer->began_) {
        return EXO_NOT_FOUND;
    }
    answer->echoed_ = true;
    int rc = exo_keep_text(answer, EXO_KEPT_TEXT_, true, delta);
    return rc == EXO_OK ? EXO_NOT_FOUND : rc;
}

/* The answer itself goes on. */
static void begin(exo_answer *answer, const exo_delta *delta)
{
    answer->began_ = true;
    answer->streamed_ = answer->streamed_ || !delta->whole;
    if (answer->echoed_) {
        answer->echoed_ = false;
        answer->half_[EXO_KEPT_TEXT_] = 0;
        exo_buffer_clear(&answer->kept_[EXO_KEPT_TEXT_]);
    }
}

static int apply_to_choice(exo_answer *answer, exo_delta *delta, uint32_t *tool)
{
    const bool replay = answer->keep_ & EXO_KEEP_REPLAY;
    switch (delta->type) {
    case EXO_DELTA_FINISH:
        answer->finish_len_ = keep_short(answer->finish_, sizeof answer->finish_, delta);
        return EXO_OK;
    case EXO_DELTA_LOGPROBS:
        return replay ? exo_keep_list(answer, EXO_KEPT_LOGPROBS_, delta->text) : EXO_OK;
    case EXO_DELTA_REASONING_DETAILS:
        return replay ? exo_keep_list(answer, EXO_KEPT_DETAILS_, delta->text) : EXO_OK;
    default:
        break;
    }
    if (is_echo(answer, delta)) {
        return apply_echo(answer, delta);
    }
    begin(answer, delta);
    switch (delta->type) {
    case EXO_DELTA_CONTENT:
        answer->spoken_ = true;
        return exo_keep_text(answer, EXO_KEPT_TEXT_, answer->keep_ & EXO_KEEP_TEXT, delta);
    case EXO_DELTA_REASONING:
        return exo_keep_text(answer, EXO_KEPT_REASONING_, answer->keep_ & EXO_KEEP_REASONING, delta);
    case EXO_DELTA_REFUSAL:
        return exo_keep_text(answer, EXO_KEPT_REFUSAL_, answer->keep_ & EXO_KEEP_TEXT, delta);
    case EXO_DELTA_AUDIO:
        return replay ? exo_keep_list(answer, EXO_KEPT_AUDIO_, delta->text) : EXO_OK;
    case EXO_DELTA_MEMBER:
        return answer->keep_ & EXO_KEEP_EXTRA ? exo_keep_member(answer, EXO_ANSWER_ITSELF, delta) : EXO_OK;
    default:
        break;
    }
    int rc = exo_calls_apply(answer, delta);
    if (tool && exo_answer_tool_calls(answer) > 0) {
        *tool = answer->call_;
    }
    return rc;
}

int exo_answer_apply(exo_answer *answer, exo_delta *delta, uint32_t *tool)
{
    if (answer->error_ != EXO_OK) {
        return answer->error_;
    }
    answer->pending_ = false;
    int rc = apply_to_response(answer, delta);
    if (rc == EXO_NOT_FOUND && delta->choice == answer->choice_ && !(delta->whole && answer->streamed_)) {
        rc = apply_to_choice(answer, delta, tool);
    }
    if (rc < 0) {
        answer->error_ = rc;
    }
    return rc;
}

int exo_answer_more(exo_answer *answer, exo_delta *delta)
{
    if (!answer->pending_) {
        return EXO_OK;
    }
    answer->pending_ = false;
    delta->type = EXO_DELTA_TOOL_ARGUMENTS;
    delta->text = exo_calls_pending(answer);
    return EXO_EVENT;
}

_Static_assert(EXO_KEPT_TEXT_ == 0 && EXO_KEPT_REASONING_ == 1 && EXO_KEPT_REFUSAL_ == 2 && EXO_KEPT_TEXTS_ == 3,
               "the texts come first, and in the order of their deltas below");

/* The next of what was held back until nothing more came. */
static int next_rest(exo_answer *answer, exo_delta *delta)
{
    static const uint8_t types[EXO_KEPT_TEXTS_] = {EXO_DELTA_CONTENT, EXO_DELTA_REASONING, EXO_DELTA_REFUSAL};
    delta->text = exo_span_text("\xEF\xBF\xBD");
    for (int i = 0; i < EXO_KEPT_TEXTS_; i++) {
        if (answer->half_[i] != 0) {
            bool wished = answer->keep_ & (i == EXO_KEPT_REASONING_ ? EXO_KEEP_REASONING : EXO_KEEP_TEXT);
            answer->half_[i] = 0;
            delta->type = (exo_delta_type)types[i];
            int rc = exo_keep_text(answer, (enum exo_answer_kept)i, wished || answer->echoed_, delta);
            if (rc != EXO_OK || !answer->echoed_) {
                return rc == EXO_OK ? EXO_EVENT : rc;
            }
        }
    }
    if (answer->echoed_) {
        answer->echoed_ = false;
        answer->began_ = true;
        delta->type = EXO_DELTA_CONTENT;
        delta->text = exo_answer_text(answer);
        return EXO_EVENT;
    }
    return exo_calls_rest(answer, delta);
}

int exo_answer_rest(exo_answer *answer, exo_delta *delta, uint32_t *tool)
{
    if (answer->error_ != EXO_OK) {
        return answer->error_;
    }
    memset(delta, 0, sizeof *delta);
    delta->index = -1;
    delta->choice = answer->choice_;
    int rc = next_rest(answer, delta);
    if (rc < 0) {
        answer->error_ = rc;
    }
    if (tool) {
        *tool = answer->call_;
    }
    return rc;
}

void exo_answer_done(exo_answer *answer)
{
    answer->proof_ = EXO_PROOF_DONE;
}

/* EXO_OK, or why what has come is no answer, or not proven to be a whole one. */
static int judge(exo_answer *answer, exo_finish_family family, bool lenient)
{
    if (answer->error_ != EXO_OK) {
        return answer->error_;
    }
    if (answer->failed_) {
        return EXO_E_IN_STREAM;
    }
    if (family == EXO_FINISH_ERROR || family == EXO_FINISH_CONTEXT) {
        return family == EXO_FINISH_ERROR ? EXO_E_FINISH : EXO_E_CONTEXT_WINDOW;
    }
    if (answer->holes_ > 0) {
        return EXO_E_MALFORMED;
    }
    if (family != EXO_FINISH_NONE) {
        return EXO_OK;
    }
    if (answer->malformed_ > 0 && (!answer->began_ || answer->proof_ == EXO_PROOF_DONE)) {
        return EXO_E_MALFORMED;
    }
    if (!answer->began_) {
        return EXO_E_EMPTY_STREAM;
    }
    if (answer->proof_ == EXO_PROOF_NONE && lenient) {
        answer->proof_ = EXO_PROOF_LENIENT;
    }
    return answer->proof_ == EXO_PROOF_NONE ? EXO_E_TRUNCATED : EXO_OK;
}

/* Of several values, which a repair has put into an array, all have to be the same: then they are one. */
static int join_values(exo_buffer *out)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_span first;
    exo_span value;
    exo_json_reader_init(&reader, exo_buffer_span(out), EXO_JSON_DEPTH_MAX, true);
    exo_json_next(&reader, &token);
    exo_json_skip(&reader, &first);
    while (exo_json_skip(&reader, &value) == EXO_OK) {
        if (!exo_span_equal(first, value)) {
            return EXO_E_CUT_CALL;
        }
    }
    out->len = first.len;
    memmove(out->data, first.ptr, first.len);
    return EXO_OK;
}

/* Repairs arguments. EXO_E_CUT_CALL: they were cut, or are values that are not one. */
static int repair(const exo_answer *answer, exo_span arguments, exo_buffer *out)
{
    exo_repair_report report;
    exo_span text = arguments;
    while (text.len > 0 && memchr(" \t\r\n", *text.ptr, 4)) {
        text.ptr++;
        text.len--;
    }
    int rc = exo_json_repair(text.len > 0 ? arguments : exo_span_text("{}"), answer->depth_, out, &report);
    if (rc == EXO_OK && report.values > 1) {
        rc = join_values(out);
    }
    if (rc == EXO_OK && report.cut) {
        rc = EXO_E_CUT_CALL;
    }
    out->len = rc == EXO_OK ? out->len : 0;
    return rc;
}

/* Whether a call was cut: EXO_E_CUT_CALL; EXO_OK, although there may be no value in its arguments; or an error. */
static int judge_call(exo_answer *answer, uint32_t number)
{
    exo_tool_call call;
    exo_buffer out;
    int rc = exo_answer_tool_call(answer, number, &call);
    if (rc != EXO_OK || exo_calls_is_cut(answer, number)) {
        return rc != EXO_OK ? rc : EXO_E_CUT_CALL;
    }
    if (!(answer->keep_ & EXO_KEEP_TOOLS) || exo_json_check(call.arguments, EXO_JSON_DEPTH_MAX, NULL) == EXO_OK) {
        return EXO_OK;
    }
    exo_buffer_init(&out, answer->kept_[EXO_KEPT_LOG_].allocator_, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
    rc = repair(answer, call.arguments, &out);
    exo_buffer_free(&out);
    return rc == EXO_E_CUT_CALL || rc == EXO_E_NO_MEMORY ? rc : EXO_OK;
}

static int judge_calls(exo_answer *answer)
{
    int rc = EXO_OK;
    for (uint32_t i = 0; rc == EXO_OK && i < exo_answer_tool_calls(answer); i++) {
        rc = judge_call(answer, i);
    }
    return rc;
}

int exo_answer_end(exo_answer *answer, bool lenient)
{
    const exo_finish_family family = exo_finish_family_of(exo_answer_finish_reason(answer));
    exo_delta delta;
    while (exo_answer_rest(answer, &delta, NULL) == EXO_EVENT) {
    }
    int rc = judge(answer, family, lenient);
    answer->usable_ = family != EXO_FINISH_LENGTH;
    if (rc == EXO_OK && answer->usable_) {
        rc = judge_calls(answer);
    }
    answer->proven_ = rc == EXO_OK;
    return rc;
}

exo_proof exo_answer_proof(const exo_answer *answer)
{
    bool finished = exo_finish_family_of(exo_answer_finish_reason(answer)) != EXO_FINISH_NONE;
    return finished ? EXO_PROOF_FINISH : (exo_proof)answer->proof_;
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

int exo_answer_tool_arguments(exo_answer *answer, uint32_t call, exo_buffer *out)
{
    exo_tool_call found;
    if (!answer->proven_ || !answer->usable_ || !(answer->keep_ & EXO_KEEP_TOOLS)) {
        return EXO_E_STATE;
    }
    int rc = exo_answer_tool_call(answer, call, &found);
    if (rc != EXO_OK) {
        return rc;
    }
    return repair(answer, found.arguments, out);
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

bool exo_answer_raw_cut(const exo_answer *answer)
{
    return answer->raw_cut_;
}

exo_buffer exo_answer_take_text(exo_answer *answer)
{
    exo_buffer *buffer = &answer->kept_[EXO_KEPT_TEXT_];
    exo_buffer taken = *buffer;
    buffer->data = NULL;
    buffer->len = 0;
    buffer->capacity_ = 0;
    return taken;
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
