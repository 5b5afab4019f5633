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
#include "seldom.h"

#include "exochat/finish.h"
#include "exochat/json_repair.h"

/* The words of the response, in the order of their deltas. Each may take as much room, the last one what is left. */
enum word {
    WORD_ID,
    WORD_MODEL,
    WORD_TIER
};
_Static_assert(EXO_DELTA_MODEL - EXO_DELTA_ID == WORD_MODEL && EXO_DELTA_TIER - EXO_DELTA_ID == WORD_TIER,
               "the words are in the order of their deltas");
#define WORD_ROOM      ((size_t)128)
#define WORD_ROOM_LEFT ((size_t)32)
#define FINISH_ROOM    ((size_t)64)

/* Where deltas of each type are kept, and what has to be wished for raw JSON. The log is exo_calls_apply()'s. */
static const struct keeping {
    uint8_t kept;
    uint8_t wish;
} keepings[] = {
    [EXO_DELTA_CONTENT] = {EXO_KEPT_TEXT_, 0},
    [EXO_DELTA_REASONING] = {EXO_KEPT_REASONING_, 0},
    [EXO_DELTA_REASONING_DETAILS] = {EXO_KEPT_DETAILS_, EXO_KEEP_REPLAY},
    [EXO_DELTA_REFUSAL] = {EXO_KEPT_REFUSAL_, 0},
    [EXO_DELTA_TOOL_CALL] = {EXO_KEPT_LOG_, 0},
    [EXO_DELTA_TOOL_ARGUMENTS] = {EXO_KEPT_LOG_, 0},
    [EXO_DELTA_TOOL_OBJECT] = {EXO_KEPT_LOG_, 0},
    [EXO_DELTA_TOOL_EXTRA] = {EXO_KEPT_LOG_, 0},
    [EXO_DELTA_TOOL_MEMBER] = {EXO_KEPT_MEMBERS_, EXO_KEEP_EXTRA},
    [EXO_DELTA_LOGPROBS] = {EXO_KEPT_LOGPROBS_, EXO_KEEP_REPLAY},
    [EXO_DELTA_AUDIO] = {EXO_KEPT_AUDIO_, EXO_KEEP_REPLAY},
    [EXO_DELTA_MEMBER] = {EXO_KEPT_MEMBERS_, EXO_KEEP_EXTRA},
};

void exo_answer_init(exo_answer *answer, const exo_allocator *allocator, const exo_limits *limits, uint32_t choice,
                     unsigned keep)
{
    const size_t calls = limits->tool_calls < CALLS_MAX ? limits->tool_calls : CALLS_MAX;
    memset(answer, 0, sizeof *answer);
#ifdef EXO_SMALL
    const int count = EXO_KEPT_COUNT_;
#else
    const int count = EXO_KEPT_RAW_;
    answer->raw_limit_ = limits->raw;
#endif
    for (int i = 0; i < count; i++) {
        size_t maximum = i < EXO_KEPT_TEXTS_ ? limits->answer : limits->raw;
        int error = EXO_E_ANSWER_LIMIT;
        if (i == EXO_KEPT_LOG_) {
            maximum = limits->tool_arguments;
            error = EXO_E_ARGUMENTS_LIMIT;
        } else if (i == EXO_KEPT_CALLS_) {
            maximum = calls * exo_calls_record_size();
            error = EXO_E_CALLS_LIMIT;
        }
        exo_buffer_init(&answer->kept_[i], allocator, maximum, error);
    }
    memset(&answer->usage_, 0xFF, sizeof answer->usage_); /* -1 each, as EXO_USAGE_INIT has them */
    answer->name_limit_ = limits->name;
    answer->choice_ = choice;
    answer->keep_ = (uint8_t)keep;
    answer->depth_ = (uint8_t)(limits->depth < EXO_JSON_DEPTH_MAX ? limits->depth : EXO_JSON_DEPTH_MAX);
}

static exo_span answer_kept(const exo_answer *answer, enum exo_answer_kept which)
{
    UNLESS_THERE(answer, exo_span_of(NULL, 0));
    return exo_buffer_span(exo_kept_buffer(answer, which));
}

/* How a word is kept, and finish_reason: on a small machine where it has its room. */
#ifdef EXO_SMALL

static exo_span answer_word(const exo_answer *answer, enum word word)
{
    return exo_span_of(answer->words_ + word * WORD_ROOM, answer->word_lens_[word]);
}

static void answer_keep_word(exo_answer *answer, size_t word, size_t room, const exo_delta *delta)
{
    answer->word_lens_[word] = exo_keep_word(answer->words_ + word * WORD_ROOM, room, delta);
}

static exo_span answer_finish(const exo_answer *answer)
{
    return exo_span_of(answer->finish_, answer->finish_len_);
}

static void answer_set_finish(exo_answer *answer, const char *text, uint8_t len)
{
    memcpy(answer->finish_, text, len);
    answer->finish_len_ = len;
}

#else

/* How many bytes the words take that stand before number `word`. */
static size_t answer_words_before(const exo_answer *answer, size_t word)
{
    size_t len = 0;
    for (size_t i = 0; i < word; i++) {
        len += answer->word_lens_[i];
    }
    return len;
}

static exo_span answer_word(const exo_answer *answer, enum word word)
{
    const size_t len = answer->word_lens_[word];
    return exo_span_of(len > 0 ? answer->words_ + answer_words_before(answer, word) : "", len);
}

static exo_span answer_finish(const exo_answer *answer)
{
    const size_t at = answer_words_before(answer, sizeof answer->word_lens_);
    return exo_span_of(answer->finish_len_ > 0 ? answer->words_ + at : "", answer->finish_len_);
}

/* Puts a text in the place of another one, in a new block: they seldom change. */
static void answer_put_word(exo_answer *answer, size_t at, uint8_t *old_len, const char *text, uint8_t len)
{
    const exo_allocator *allocator = answer->kept_[0].allocator_;
    const size_t all = answer_words_before(answer, sizeof answer->word_lens_) + answer->finish_len_;
    const size_t behind = all - at - *old_len;
    char *const old = answer->words_;
    char *made = NULL;
    if (at + len + behind > 0) {
        made = allocator->resize(allocator->ctx, NULL, at + len + behind);
        if (!made) {
            answer->error_ = EXO_E_NO_MEMORY;
            return;
        }
        memcpy(made + at, text, len);
    }
    if (old && made) {
        memcpy(made, old, at);
        memcpy(made + at + len, old + at + *old_len, behind);
    }
    if (old) {
        allocator->resize(allocator->ctx, old, 0);
    }
    answer->words_ = made;
    *old_len = len;
}

static void answer_keep_word(exo_answer *answer, size_t word, size_t room, const exo_delta *delta)
{
    char text[WORD_ROOM];
    const uint8_t len = exo_keep_word(text, room, delta);
    const bool odd = memchr(text, '\\', len) != NULL;
    answer->odd_words_ = (uint8_t)((answer->odd_words_ & ~(1U << word)) | (unsigned)odd << word);
    answer_put_word(answer, answer_words_before(answer, word), &answer->word_lens_[word], text, len);
}

static void answer_set_finish(exo_answer *answer, const char *text, uint8_t len)
{
    const size_t at = answer_words_before(answer, sizeof answer->word_lens_);
    answer_put_word(answer, at, &answer->finish_len_, text, len);
}

#endif

static bool answer_has_calls(const exo_answer *answer)
{
    return answer->kept_[EXO_KEPT_CALLS_].len > 0;
}

static exo_finish_family answer_family_of(const exo_answer *answer)
{
    return exo_finish_family_of(exo_answer_finish_reason(answer));
}

/* Keeps the finish_reason; but a word that is no reason does not take the place of one that is. */
static void answer_keep_finish(exo_answer *answer, const exo_delta *delta)
{
    char word[FINISH_ROOM];
    const uint8_t len = exo_keep_word(word, sizeof word, delta);
    const bool says_nothing = exo_finish_family_of(exo_span_of(word, len)) == EXO_FINISH_NONE;
    if (!says_nothing || answer_family_of(answer) == EXO_FINISH_NONE) {
        answer_set_finish(answer, word, len);
    }
}

/* Keeps JSON as it stands, or what a repair makes of it where only a tolerant reader lets it pass; what cannot be made
 * JSON is not kept. */
static void answer_keep_raw(exo_answer *answer, enum exo_answer_kept which, const exo_delta *delta)
{
    exo_buffer *kept = exo_keep_buffer(answer, which);
    exo_span json = delta->text;
    exo_buffer mended;
    if (!KEEPS(kept)) {
        return;
    }
    exo_buffer_init(&mended, kept->allocator_, kept->maximum_, EXO_E_ANSWER_LIMIT);
    if (which == EXO_KEPT_USAGE_) {
        exo_buffer_clear(kept); /* the last one counts */
    }
    if (exo_json_check(json, EXO_JSON_DEPTH_MAX, NULL) != EXO_OK) {
        exo_repair_report report;
        int rc = exo_json_repair(json, EXO_JSON_DEPTH_MAX, &mended, &report);
        json = exo_buffer_span(&mended);
        answer->raw_cut_ = answer->raw_cut_ || rc != EXO_OK;
        answer->error_ = rc == EXO_E_NO_MEMORY ? rc : EXO_OK;
    }
    if (json.len == 0) {
        /* nothing of it is JSON */
    } else if (which == EXO_KEPT_USAGE_) {
        exo_keep_in(answer, which, &json);
    } else if (which == EXO_KEPT_MEMBERS_) {
        exo_keep_member(answer, delta, json);
    } else {
        exo_keep_list(answer, which, json);
    }
    exo_buffer_free(&mended);
}

/* The most that is kept of JSON as it came. */
static size_t answer_raw_limit(const exo_answer *answer)
{
#ifdef EXO_SMALL
    return answer->kept_[EXO_KEPT_ERROR_].maximum_;
#else
    return answer->raw_limit_;
#endif
}

/* A delta that is about the whole response. False: it is about a choice. */
static bool answer_apply_to_response(exo_answer *answer, const exo_delta *delta)
{
    switch (delta->type) {
    case EXO_DELTA_MALFORMED:
        answer->holes_ += delta->hole;
        if (answer->malformed_++ == 0) {
            answer->malformed_code_ = delta->code;
            answer->malformed_offset_ = delta->number;
        }
        return true;
    case EXO_DELTA_ERROR:
        if (!answer->failed_) {
            /* the first one, as much of its beginning as fits: that it is too long does not make it less of an error */
            const size_t maximum = answer_raw_limit(answer);
            exo_span text = delta->text;
            text.len = text.len < maximum ? text.len : maximum;
            answer->failed_ = true;
            exo_keep_in(answer, EXO_KEPT_ERROR_, &text);
        }
        return true;
    case EXO_DELTA_ID:
    case EXO_DELTA_MODEL:
    case EXO_DELTA_TIER: {
        const size_t word = (size_t)(delta->type - EXO_DELTA_ID);
        answer_keep_word(answer, word, word < WORD_TIER ? WORD_ROOM : WORD_ROOM_LEFT, delta);
        return true;
    }
    case EXO_DELTA_USAGE:
        answer->usage_ = delta->usage;
        answer_keep_raw(answer, EXO_KEPT_USAGE_, delta);
        return true;
    default:
        return false;
    }
}

/* Whether text is not the assistant's. That of a tool is, where text has come and no tool was called: then the role of
 * each delta says nothing. */
static bool answer_is_echo(const exo_answer *answer, const exo_delta *delta)
{
    return delta->echo == 'u' || (delta->echo == 't' && (!answer->spoken_ || answer_has_calls(answer)));
}

/* The answer itself goes on. */
static void answer_begin(exo_answer *answer, const exo_delta *delta)
{
    answer->began_ = true;
    answer->streamed_ |= !delta->whole;
    answer->spoken_ |= delta->type == EXO_DELTA_CONTENT;
    if (answer->echoed_) {
        answer->echoed_ = false;
        answer->half_[EXO_KEPT_TEXT_] = 0;
        exo_buffer_clear(&answer->kept_[EXO_KEPT_TEXT_]);
    }
}

/* EXO_OK; EXO_NOT_FOUND: there is nothing to show. */
static int answer_apply_to_choice(exo_answer *answer, exo_delta *delta)
{
    if (delta->type == EXO_DELTA_FINISH) {
        answer_keep_finish(answer, delta);
        return EXO_OK;
    }
    const enum exo_answer_kept which = (enum exo_answer_kept)keepings[delta->type].kept;
    if (answer_is_echo(answer, delta)) {
        if (!answer->began_) { /* it is kept until something else comes, if nothing else has */
            answer->echoed_ = true;
            exo_keep_text(answer, which, delta);
        }
        return EXO_NOT_FOUND;
    }
    if (delta->type != EXO_DELTA_LOGPROBS && delta->type != EXO_DELTA_REASONING_DETAILS) {
        answer_begin(answer, delta);
    }
    if (which < EXO_KEPT_TEXTS_) {
        return exo_keep_text(answer, which, delta);
    }
    if (which == EXO_KEPT_LOG_) {
        return exo_calls_apply(answer, delta);
    }
    if (delta->type == EXO_DELTA_TOOL_MEMBER && !answer_has_calls(answer)) {
        return EXO_NOT_FOUND;
    }
    if (answer->keep_ & keepings[delta->type].wish) {
        answer_keep_raw(answer, which, delta);
    }
    return EXO_OK;
}

int exo_answer_apply(exo_answer *answer, exo_delta *delta, uint32_t *tool)
{
    int rc = EXO_NOT_FOUND;
    if (answer->error_ != EXO_OK) {
        return answer->error_;
    }
    answer->pending_ = false;
    if (answer_apply_to_response(answer, delta)) {
        rc = EXO_OK;
    } else if (delta->choice == answer->choice_ && !(delta->whole && answer->streamed_)) {
        rc = answer_apply_to_choice(answer, delta);
        const bool of_call = delta->type >= EXO_DELTA_TOOL_CALL && delta->type <= EXO_DELTA_TOOL_MEMBER;
        if (of_call && tool && answer_has_calls(answer)) {
            *tool = answer->call_;
        }
    }
    return answer->error_ != EXO_OK ? answer->error_ : rc;
}

#ifndef EXO_SMALL
_Static_assert(EXO_DELTA_REASONING - EXO_DELTA_CONTENT == EXO_KEPT_REASONING_ && EXO_KEPT_TEXT_ == 0 &&
                   EXO_KEEP_TEXT << EXO_KEPT_REASONING_ == EXO_KEEP_REASONING,
               "the two texts that go on are in the order of their deltas");

/* The same for a fragment of CONTENT or REASONING. */
static inline bool answer_go_on_with_text(exo_answer *answer, const exo_delta *delta, exo_span *shown)
{
    const unsigned which = delta->type - EXO_DELTA_CONTENT;
    exo_buffer *buffer = &answer->kept_[which];
    const size_t len = delta->text.len;
    if (answer->half_[which] != 0 || len > buffer->capacity_ - buffer->len) {
        return false;
    }
    answer->pending_ = false;
    answer->spoken_ |= which == EXO_KEPT_TEXT_;
    shown->ptr = delta->text.ptr;
    shown->len = len;
    if (answer->keep_ >> which & EXO_KEEP_TEXT) {
        char *kept = buffer->data + buffer->len;
        buffer->len += len;
        shown->ptr = kept;
        memcpy(kept, delta->text.ptr, len);
    }
    return true;
}

/* Whether a word of the response is the one that every event has repeated so far. */
static bool answer_has_word(const exo_answer *answer, const exo_delta *delta)
{
    const enum word word = (enum word)(delta->type - EXO_DELTA_ID);
    const exo_span kept = answer_word(answer, word);
    return exo_span_equal(kept, delta->text) && kept.len > 0 && !(answer->odd_words_ >> word & 1);
}

/* The same for what is no text. */
SELDOM static bool answer_go_on_otherwise(exo_answer *answer, const exo_delta *delta, exo_span *shown)
{
    switch (delta->type) {
    case EXO_DELTA_ID:
    case EXO_DELTA_MODEL:
    case EXO_DELTA_TIER:
        *shown = delta->text;
        answer->pending_ = false;
        return answer_has_word(answer, delta);
    case EXO_DELTA_TOOL_CALL:
        return exo_calls_go_on(answer, delta);
    default:
        return false;
    }
}

bool exo_answer_go_on(exo_answer *answer, const exo_delta *delta, exo_span *shown)
{
    if (answer->error_ != EXO_OK || !answer->streamed_ || (answer->echoed_ | delta->whole | delta->echo) != 0 ||
        delta->choice != answer->choice_ || delta->half != 0) {
        return false;
    }
    if (delta->type == EXO_DELTA_CONTENT || delta->type == EXO_DELTA_REASONING) {
        return answer_go_on_with_text(answer, delta, shown);
    }
    return delta->type == EXO_DELTA_TOOL_ARGUMENTS ? exo_calls_go_on_with_arguments(answer, delta, shown)
                                                   : answer_go_on_otherwise(answer, delta, shown);
}
#endif

int exo_answer_more(exo_answer *answer, exo_delta *delta)
{
    exo_tool_call call;
    if (!answer->pending_) {
        return EXO_OK;
    }
    /* a call that only now turned out to be one has its arguments already */
    answer->pending_ = false;
    exo_answer_tool_call(answer, answer->call_, &call);
    delta->type = EXO_DELTA_TOOL_ARGUMENTS;
    delta->text = call.arguments;
    return EXO_EVENT;
}

_Static_assert(EXO_KEPT_TEXT_ == 0 && EXO_KEPT_REASONING_ == 1 && EXO_KEPT_REFUSAL_ == 2 && EXO_KEPT_TEXTS_ == 3,
               "the texts come first, and in the order of their deltas below");

/* The next of what was held back until nothing more came; false: there is none. */
static bool answer_next_rest(exo_answer *answer, exo_delta *delta)
{
    static const uint8_t types[EXO_KEPT_TEXTS_] = {EXO_DELTA_CONTENT, EXO_DELTA_REASONING, EXO_DELTA_REFUSAL};
    delta->text = exo_span_of(HALF_ALONE, sizeof HALF_ALONE - 1);
    for (int i = 0; i < EXO_KEPT_TEXTS_; i++) {
        if (answer->half_[i] != 0) {
            answer->half_[i] = 0;
            delta->type = (exo_delta_type)types[i];
            exo_keep_text(answer, (enum exo_answer_kept)i, delta);
            if (!answer->echoed_) {
                return true;
            }
        }
    }
    if (answer->echoed_) {
        answer->echoed_ = false;
        answer->began_ = true;
        delta->type = EXO_DELTA_CONTENT;
        delta->text = exo_answer_text(answer);
        return true;
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
    bool found = answer_next_rest(answer, delta);
    if (tool) {
        *tool = answer->call_;
    }
    return answer->error_ != EXO_OK ? answer->error_ : found ? EXO_EVENT : EXO_OK;
}

void exo_answer_done(exo_answer *answer)
{
    answer->proof_ = EXO_PROOF_DONE;
}

/* EXO_OK, or why what has come is no answer, or not proven to be a whole one. */
static int answer_judge(exo_answer *answer, exo_finish_family family, bool lenient)
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
static int answer_join_values(exo_buffer *out)
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
static int answer_repair(const exo_answer *answer, exo_span arguments, exo_buffer *out)
{
    exo_repair_report report;
    if (exo_span_trim(arguments).len == 0) {
        arguments = exo_span_of("{}", 2);
    }
    int rc = exo_json_repair(arguments, answer->depth_, out, &report);
    if (rc == EXO_OK && report.values > 1) {
        rc = answer_join_values(out);
    }
    if (rc == EXO_OK && report.cut) {
        rc = EXO_E_CUT_CALL;
    }
    if (rc != EXO_OK) {
        exo_buffer_clear(out);
    }
    return rc;
}

/* EXO_OK, although there may be no value in a call's arguments; EXO_E_CUT_CALL: one was cut; or EXO_E_NO_MEMORY. */
static int answer_judge_calls(const exo_answer *answer)
{
    exo_tool_call call;
    exo_buffer out;
    int rc = EXO_OK;
    exo_buffer_init(&out, answer->kept_[EXO_KEPT_LOG_].allocator_, SIZE_MAX, EXO_E_ARGUMENTS_LIMIT);
    for (uint32_t i = 0; exo_answer_tool_call(answer, i, &call) == EXO_OK; i++) {
        if (exo_calls_is_cut(answer, i)) {
            rc = EXO_E_CUT_CALL;
        } else if (answer->keep_ & EXO_KEEP_TOOLS &&
                   exo_json_check(call.arguments, EXO_JSON_DEPTH_MAX, NULL) != EXO_OK) {
            rc = answer_repair(answer, call.arguments, &out);
        }
        if (rc == EXO_E_CUT_CALL || rc == EXO_E_NO_MEMORY) {
            break;
        }
        rc = EXO_OK;
    }
    exo_buffer_free(&out);
    return rc;
}

int exo_answer_end(exo_answer *answer, bool lenient)
{
    const exo_finish_family family = answer_family_of(answer);
    exo_delta delta;
    while (exo_answer_rest(answer, &delta, NULL) == EXO_EVENT) {
    }
    answer->usable_ = family != EXO_FINISH_LENGTH;
    int rc = answer_judge(answer, family, lenient);
    if (rc == EXO_OK && answer->usable_) {
        rc = answer_judge_calls(answer);
    }
    answer->proven_ = rc == EXO_OK;
    return rc;
}

exo_proof exo_answer_proof(const exo_answer *answer)
{
    UNLESS_THERE(answer, EXO_PROOF_NONE);
    bool finished = answer_family_of(answer) != EXO_FINISH_NONE;
    return finished ? EXO_PROOF_FINISH : (exo_proof)answer->proof_;
}

exo_span exo_answer_text(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_TEXT_);
}

exo_span exo_answer_reasoning(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_REASONING_);
}

exo_span exo_answer_refusal(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_REFUSAL_);
}

exo_span exo_answer_reasoning_details(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_DETAILS_);
}

exo_span exo_answer_logprobs(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_LOGPROBS_);
}

exo_span exo_answer_audio(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_AUDIO_);
}

exo_span exo_answer_finish_reason(const exo_answer *answer)
{
    UNLESS_THERE(answer, exo_span_of(NULL, 0));
    return answer_finish(answer);
}

exo_span exo_answer_id(const exo_answer *answer)
{
    UNLESS_THERE(answer, exo_span_of(NULL, 0));
    return answer_word(answer, WORD_ID);
}

exo_span exo_answer_model(const exo_answer *answer)
{
    UNLESS_THERE(answer, exo_span_of(NULL, 0));
    return answer_word(answer, WORD_MODEL);
}

exo_span exo_answer_service_tier(const exo_answer *answer)
{
    UNLESS_THERE(answer, exo_span_of(NULL, 0));
    return answer_word(answer, WORD_TIER);
}

const exo_usage *exo_answer_usage(const exo_answer *answer)
{
#ifdef EXO_HOSTED
    static const exo_usage unknown = EXO_USAGE_INIT;
    UNLESS_THERE(answer, &unknown);
#endif
    return &answer->usage_;
}

exo_span exo_answer_usage_json(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_USAGE_);
}

int exo_answer_tool_arguments(exo_answer *answer, uint32_t call, exo_buffer *out)
{
    UNLESS_THERE(answer, EXO_E_STATE);
    exo_tool_call found;
    if (!answer->proven_ || !answer->usable_ || !(answer->keep_ & EXO_KEEP_TOOLS)) {
        return EXO_E_STATE;
    }
    int rc = exo_answer_tool_call(answer, call, &found);
    if (rc != EXO_OK) {
        return rc;
    }
    return answer_repair(answer, found.arguments, out);
}

uint32_t exo_answer_malformed(const exo_answer *answer, int *code, uint64_t *offset)
{
    UNLESS_THERE(answer, 0);
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
    UNLESS_THERE(answer, 0);
    return answer->holes_;
}

exo_span exo_answer_error(const exo_answer *answer)
{
    return answer_kept(answer, EXO_KEPT_ERROR_);
}

bool exo_answer_raw_cut(const exo_answer *answer)
{
    UNLESS_THERE(answer, false);
    return answer->raw_cut_;
}

exo_buffer exo_answer_take_text(exo_answer *answer)
{
    UNLESS_THERE(answer, (exo_buffer){0});
    exo_buffer *buffer = &answer->kept_[EXO_KEPT_TEXT_];
    exo_buffer taken = *buffer;
    buffer->data = NULL;
    buffer->len = 0;
    buffer->capacity_ = 0;
    return taken;
}

bool exo_answer_began(const exo_answer *answer)
{
    UNLESS_THERE(answer, false);
    return answer->began_;
}

void exo_answer_free(exo_answer *answer)
{
    UNLESS_THERE(answer, );
#ifdef EXO_SMALL
    for (int i = 0; i < EXO_KEPT_COUNT_; i++) {
        exo_buffer_free(&answer->kept_[i]);
    }
#else
    const exo_allocator *allocator = answer->kept_[0].allocator_;
    for (int i = 0; i < EXO_KEPT_RAW_; i++) {
        exo_buffer_free(&answer->kept_[i]);
    }
    for (int i = 0; answer->raw_ && i < EXO_KEPT_COUNT_ - EXO_KEPT_RAW_; i++) {
        exo_buffer_free(&answer->raw_[i]);
    }
    if (answer->raw_) {
        allocator->resize(allocator->ctx, answer->raw_, 0);
        answer->raw_ = NULL;
    }
    if (answer->words_) {
        allocator->resize(allocator->ctx, answer->words_, 0);
        answer->words_ = NULL;
        answer->finish_len_ = 0;
        memset(answer->word_lens_, 0, sizeof answer->word_lens_);
    }
#endif
}
