/*
 * intake.c: what becomes of the bytes of a response: events of a stream, JSON or a page in its place, or the reasons of
 * a refusal; and in the end whether the answers stand. See intake.h.
 *
 * Called by attempt.c, and by whoever has a recorded body. It reads no clock and knows no transport.
 */
#include "exochat/intake.h"
#include "exochat/finish.h"

#include "intake_look.h"
#include "seldom.h"

/* What the body turned out to be. */
enum state {
    INTAKE_SNIFF,   /* the first bytes have not shown it yet */
    INTAKE_STREAM,  /* text/event-stream */
    INTAKE_LINES,   /* JSON, an event a line */
    INTAKE_BODY,    /* JSON: an error, or a whole completion because "stream" was ignored */
    INTAKE_PAGE,    /* HTML */
    INTAKE_WHOLE,   /* what the caller wants to have as it is */
    INTAKE_REFUSAL, /* the status is not 2xx */
    INTAKE_OVER
};

/* What sse is fed next. */
enum line {
    LINE_NOT,   /* bytes as they came */
    LINE_BEGIN, /* what stands before a line that is dressed as an event, */
    LINE_TEXT,  /* the line, */
    LINE_END    /* and what stands behind it */
};

/* Whether there is something to report a failure in. */
static bool intake_can_report(const exo_intake_options *options)
{
#ifndef EXO_SMALL
    if (options->failing_) {
        return true;
    }
#endif
    return options->failure != NULL;
}

int exo_intake_init(exo_intake *intake, const exo_intake_options *options)
{
    bool has_answers = options->answers && options->answer_count > 0;
    if (options->size != sizeof *options || !options->allocator || !options->limits || !intake_can_report(options) ||
        (!has_answers && !options->whole)) {
        return EXO_E_ARGUMENT;
    }
    const exo_limits *limits = options->limits;
    memset(intake, 0, sizeof *intake);
    intake->options_ = *options;
    intake->options_.answer_count = has_answers ? options->answer_count : 0;
    intake->status_ = 200;
    intake->state_ = options->whole ? INTAKE_WHOLE : INTAKE_SNIFF;
    exo_sse_init(&intake->sse_, options->allocator, limits);
    exo_chunk_init(&intake->chunk_, limits);
    exo_chunk_think_tags(&intake->chunk_, options->think_tags);
#ifndef EXO_SMALL
    exo_chunk_remember(&intake->chunk_, options->read_all ? NULL : options->allocator);
#endif
    size_t most = limits->event > limits->error_body ? limits->event : limits->error_body;
    exo_buffer_init(&intake->held_, options->allocator, most, EXO_E_EVENT_LIMIT);
    exo_buffer_init(&intake->odd_, options->allocator, limits->error_body, EXO_E_EVENT_LIMIT);
    return EXO_OK;
}

void exo_intake_status(exo_intake *intake, uint16_t status)
{
    intake->status_ = status;
    if (status / 100 != 2) {
#ifndef EXO_SMALL
        intake->reads_on_ = false;
#endif
        intake->state_ = INTAKE_REFUSAL;
    }
}

/* ---- the end ---- */

/* Where the failure is to be reported. False: there is no memory for it, and that is known. */
static inline bool intake_open_failure(exo_intake *intake, exo_failure **failure)
{
#ifndef EXO_SMALL
    if (intake->options_.failing_) {
        *failure = exo_failing_open(intake->options_.failing_, intake->options_.allocator);
        return *failure != NULL;
    }
#endif
    *failure = intake->options_.failure;
    return true;
}

/* The body is judged: the failure says why the answers do not stand, but for where. */
static void intake_is_judged(exo_intake *intake, exo_failure *failure)
{
    failure->http_status = intake->status_;
    failure->status = intake->status_;
    failure->offset = exo_intake_offset(intake);
    intake->state_ = INTAKE_OVER;
}

static void intake_fail_saying(exo_intake *intake, int code, const exo_span *words)
{
    exo_failure *failure;
    if (intake_open_failure(intake, &failure)) {
        exo_failure_set(failure, code, *words);
        intake_is_judged(intake, failure);
    }
    intake->state_ = INTAKE_OVER;
}

static void intake_fail(exo_intake *intake, int code)
{
    const exo_span nothing = {NULL, 0};
    intake_fail_saying(intake, code, &nothing);
}

/* The same for an error inside the stream. */
static void intake_fail_in_stream(exo_intake *intake, const exo_span *words)
{
    exo_failure *failure;
    intake_fail_saying(intake, EXO_E_IN_STREAM, words);
    if (intake_open_failure(intake, &failure)) {
        failure->in_stream = true;
    }
}

static bool intake_has_finish(const exo_answer *answer)
{
    return exo_finish_family_of(exo_answer_finish_reason(answer)) != EXO_FINISH_NONE;
}

/* Whether every choice that has begun, and the first in any case, has a finish_reason or [DONE]. */
static bool intake_is_proven(const exo_intake *intake)
{
    for (uint32_t i = 0; i < intake->options_.answer_count; i++) {
        const exo_answer *answer = &intake->options_.answers[i];
        if ((i == 0 || exo_answer_began(answer)) && exo_answer_proof(answer) == EXO_PROOF_NONE) {
            return false;
        }
    }
    return true;
}

/* Whether `json` reports an error, which then is the failure. */
static bool intake_reports(exo_intake *intake, const exo_span *json)
{
    exo_failure *failure;
    if (json->len == 0) {
        return false;
    }
    if (intake_open_failure(intake, &failure)) {
        if (exo_failure_from_json(failure, intake->status_, *json) != EXO_OK) {
            return false;
        }
        failure->offset = exo_intake_offset(intake);
    }
    intake->state_ = INTAKE_OVER;
    return true;
}

/* Ends the answers: EXO_OK, or why the first of them that does not stand does not, with its finish_reason. */
static int intake_end_answers(exo_intake *intake, bool lenient, exo_span *reason)
{
    int code = EXO_OK;
    for (uint32_t i = 0; code == EXO_OK && i < intake->options_.answer_count; i++) {
        exo_answer *answer = &intake->options_.answers[i];
        if (i == 0 || exo_answer_began(answer)) { /* an endpoint may give fewer choices than it was asked for */
            code = exo_answer_end(answer, lenient);
            *reason = exo_answer_finish_reason(answer);
        }
    }
    return code;
}

/* The body has been read to the end, or far enough: do the answers stand? */
static void intake_conclude(exo_intake *intake, int transport, const exo_span *words)
{
    exo_span error = exo_answer_error(&intake->options_.answers[0]);
    exo_span reason = {NULL, 0};
    if (intake_reports(intake, &error)) {
        return;
    }
    if (intake->failed_) {
        intake_fail_in_stream(intake, &error);
        return;
    }
    if (transport < 0) {
        intake_fail_saying(intake, transport, words);
        return;
    }
    bool finished = intake_has_finish(&intake->options_.answers[0]);
    exo_span odd = exo_buffer_span(&intake->odd_);
    if (!finished && intake->odd_kind_ >= EXO_ODD_PERHAPS && intake_reports(intake, &odd)) {
        return; /* [DONE] alone does not outweigh it */
    }
    if (!finished && intake->odd_kind_ == EXO_ODD_ERROR) {
        intake_fail_in_stream(intake, &odd);
        return;
    }
    int code = intake_end_answers(intake, intake->options_.lenient_end && !intake->cut_, &reason);
    intake->state_ = INTAKE_OVER;
    exo_failure *failure;
    if (code == EXO_OK || !intake_open_failure(intake, &failure)) {
        return;
    }
    exo_failure_from_end(failure, code, reason);
    if (code == EXO_E_MALFORMED) {
        exo_failure_set(failure, code, odd);
    }
    intake_is_judged(intake, failure);
}

/* The response is not 2xx, or a page is in the place of a stream: its body, or as much of it as we care for, is here.
 * Of a page the title is all that it has to say. */
static void intake_refuse(exo_intake *intake)
{
    exo_failure *failure;
    if (intake->status_ == 407) {
        static const char words[] = "the proxy asks for a user and a password";
        const exo_span text = {words, sizeof words - 1};
        intake_fail_saying(intake, EXO_E_PROXY, &text);
        return;
    }
    if (!intake_open_failure(intake, &failure)) {
        intake->state_ = INTAKE_OVER;
        return;
    }
    exo_failure_from_response(failure, intake->status_, exo_buffer_span(&intake->held_));
    if (intake->state_ == INTAKE_PAGE) {
        failure->code = EXO_E_NOT_A_STREAM;
        failure->verdict = exo_error_verdict(EXO_E_NOT_A_STREAM);
        failure->in_stream = false;
    }
    intake->state_ = INTAKE_OVER;
}

/* ---- events ---- */

/* Takes bytes up to a number of them off the front. */
static exo_span intake_split(exo_span *bytes, size_t len)
{
    exo_span front = exo_span_of(bytes->ptr, bytes->len < len ? bytes->len : len);
    if (front.len > 0) {
        *bytes = exo_span_of(bytes->ptr + front.len, bytes->len - front.len);
    }
    return front;
}

/* Keeps what may say why an answer has no proof, as much as the body of an error may have: the first of its kind, and
 * rather what may be an error than what could not be read. EXO_OK or EXO_E_NO_MEMORY. */
static int intake_keep_odd(exo_intake *intake, const exo_span *text, enum exo_odd odd)
{
    if (odd <= intake->odd_kind_) {
        return EXO_OK;
    }
    intake->odd_kind_ = (uint8_t)odd;
    exo_buffer_clear(&intake->odd_);
    exo_span rest = *text;
    return exo_buffer_append(&intake->odd_, intake_split(&rest, intake->options_.limits->error_body));
}

/* Whether the event, or the body, that was begun is one that counts. */
static bool intake_has_begun(exo_intake *intake)
{
    if (!exo_chunk_is_progress(&intake->chunk_)) {
        return false;
    }
    intake->news_ |= EXO_NEWS_EVENT;
    intake->in_chunk_ = true;
#ifndef EXO_SMALL
    if (intake->options_.shown_only && intake->options_.answer_count == 1) {
        exo_span words[EXO_CHUNK_NAMES_];
        exo_answer_words(intake->options_.answers, words);
        exo_chunk_leave_names(&intake->chunk_, words);
    }
#endif
    return true;
}

/* An event was begun; one that does not count may say why the answer has no proof. */
static void intake_begin_event(exo_intake *intake, const exo_span *data)
{
    if (!intake_has_begun(intake)) {
        intake->in_chunk_ = true; /* why it does not count */
        int code = intake_keep_odd(intake, data, exo_look_for_error(data));
        if (code < 0) {
            intake_fail(intake, code);
        }
    }
}

static void intake_take(exo_intake *intake, const exo_sse_event *sse)
{
    bool error = sse->error_field || exo_span_equal(sse->type, exo_span_of("error", 5));
    if (sse->data.len == 0 && !error) {
        return;
    }
    if (!error && exo_chunk_is_done(sse->data)) {
        intake->news_ |= EXO_NEWS_EVENT;
        intake->over_ = intake->done_ = true;
        for (uint32_t i = 0; i < intake->options_.answer_count; i++) {
            exo_answer_done(&intake->options_.answers[i]);
        }
        return;
    }
    intake->at_end_ = sse->at_end;
    exo_chunk_begin(&intake->chunk_, sse->data, error);
    intake_begin_event(intake, &sse->data);
}

/* What kinds of delta there are to a reader: the event that each is shown as, and what is always news about it. */
static const struct {
    uint8_t type : 4;
    uint8_t news : 4;
} intake_kinds[] = {
    [EXO_DELTA_ERROR] = {EXO_EVENT_NONE, EXO_NEWS_TOKEN | EXO_NEWS_MORE},
    [EXO_DELTA_CONTENT] = {EXO_EVENT_TEXT, EXO_NEWS_TOKEN | EXO_NEWS_MORE},
    [EXO_DELTA_REASONING] = {EXO_EVENT_REASONING, EXO_NEWS_TOKEN | EXO_NEWS_MORE},
    [EXO_DELTA_REASONING_DETAILS] = {EXO_EVENT_NONE, EXO_NEWS_MORE},
    [EXO_DELTA_REFUSAL] = {EXO_EVENT_REFUSAL, EXO_NEWS_TOKEN | EXO_NEWS_MORE},
    [EXO_DELTA_TOOL_CALL] = {EXO_EVENT_TOOL_CALL, EXO_NEWS_TOKEN},
    [EXO_DELTA_TOOL_ARGUMENTS] = {EXO_EVENT_TOOL_ARGUMENTS, EXO_NEWS_MORE},
    [EXO_DELTA_TOOL_OBJECT] = {EXO_EVENT_TOOL_ARGUMENTS, EXO_NEWS_MORE},
    [EXO_DELTA_AUDIO] = {EXO_EVENT_NONE, EXO_NEWS_MORE},
    [EXO_DELTA_FINISH] = {EXO_EVENT_NONE, EXO_NEWS_TOKEN},
    [EXO_DELTA_USAGE] = {EXO_EVENT_USAGE, 0},
};

/* What a used delta is shown as, once an answer has made of it what is to be shown. */
static void intake_show(const exo_intake *intake, exo_intake_event *event)
{
    const exo_delta *delta = &intake->delta_;
    event->type = (exo_event_type)intake_kinds[delta->type].type;
    event->choice = delta->choice;
    event->tool = intake->tool_;
    event->last = delta->last;
    event->replace = delta->type == EXO_DELTA_TOOL_OBJECT;
    event->text = delta->text;
    if (delta->type == EXO_DELTA_TOOL_CALL) {
        event->id = delta->id;
        event->name = delta->name;
    }
    event->usage = delta->type == EXO_DELTA_USAGE ? exo_answer_usage(&intake->options_.answers[0]) : NULL;
}

/* How much an answer has of what is more news the first time: of a tool call, a finish_reason, usage. */
static size_t intake_has(const exo_answer *answer, exo_delta_type type)
{
    switch (type) {
    case EXO_DELTA_TOOL_CALL:
        return exo_answer_tool_calls(answer);
    case EXO_DELTA_FINISH:
        return intake_has_finish(answer);
    case EXO_DELTA_USAGE:
        return exo_answer_usage_json(answer).len;
    default:
        return 1;
    }
}

#ifndef EXO_SMALL
/* Applies the delta of `event` to an answer where it simply goes on, and says whether it does. */
static inline bool intake_go_on(exo_intake *intake, exo_intake_event *event, exo_answer *answer)
{
    const exo_delta *came = &event->delta;
    exo_span shown;
    if (!exo_answer_go_on(answer, came, &shown)) {
        return false;
    }
    intake->news_ |= intake_kinds[came->type].news;
    if (came->type == EXO_DELTA_TOOL_CALL) { /* which has nothing new to show */
        intake->tool_ = answer->call_;
    } else if (!intake->failed_) {
        event->type = (exo_event_type)intake_kinds[came->type].type;
        event->choice = came->choice;
        event->tool = intake->tool_;
        event->last = came->last;
        event->text = shown;
    }
    return true;
}
#endif

/* Applies the delta of `event` to every answer, and makes an event of what is to be shown of it. EXO_OK or the error of
 * an answer. */
SELDOM static int intake_apply(exo_intake *intake, exo_intake_event *event)
{
    const exo_delta *came = &event->delta;
    bool is_call = came->type == EXO_DELTA_TOOL_CALL;
    bool says = !is_call || came->id.len > 0 || came->name.len > 0;
    int code = EXO_OK;
    if (came->type == EXO_DELTA_ERROR) {
        intake->failed_ = true;
    }
    if (came->type == EXO_DELTA_MALFORMED) {
        code = intake_keep_odd(intake, &came->text, EXO_ODD_UNREADABLE);
    }
    for (uint32_t i = 0; code >= 0 && i < intake->options_.answer_count; i++) {
        exo_answer *answer = &intake->options_.answers[i];
#ifndef EXO_SMALL
        if (intake_go_on(intake, event, answer)) {
            continue;
        }
#endif
        size_t before = intake_has(answer, came->type);
        intake->delta_ = *came;
        code = exo_answer_apply(answer, &intake->delta_, &intake->tool_);
        if (code != EXO_OK) {
            continue;
        }
        bool first = is_call ? exo_answer_tool_calls(answer) > before : before == 0;
        intake->shown_ = (uint16_t)(i + 1);
        intake->news_ |= intake_kinds[came->type].news | (first ? EXO_NEWS_MORE : 0);
        if ((says || first) && !intake->failed_) {
            intake_show(intake, event);
        }
    }
    return code < 0 ? code : EXO_OK;
}

/* What else the delta that was just shown has brought. */
static bool intake_show_more(exo_intake *intake, exo_intake_event *event)
{
    if (intake->shown_ == 0 ||
        exo_answer_more(&intake->options_.answers[intake->shown_ - 1], &intake->delta_) != EXO_EVENT) {
        intake->shown_ = 0;
        return false;
    }
    event->held_back = true;
    intake_show(intake, event);
    return true;
}

/* When no delta comes any more: the next of what the answers hold back. EXO_EVENT, EXO_OK or an error. */
static int intake_show_rest(exo_intake *intake, exo_intake_event *event)
{
    for (; intake->resting_ < intake->options_.answer_count; intake->resting_++) {
        int code = exo_answer_rest(&intake->options_.answers[intake->resting_], &intake->delta_, &intake->tool_);
        if (code != EXO_OK) {
            event->held_back = true;
            if (!intake->failed_) {
                intake_show(intake, event);
            }
            return code;
        }
    }
    return EXO_OK;
}

/* The event at hand was ended by the end of the body, and cannot be read: that is no hole once all is finished. */
static bool intake_was_cut(exo_intake *intake, const exo_delta *delta)
{
    if (!intake->at_end_ || delta->type != EXO_DELTA_MALFORMED) {
        return false;
    }
    intake->cut_ = true;
    return true;
}

/* ---- reading ---- */

/* What follows finds nothing more: what a think filter still holds back is content after all, then all is judged. */
static void intake_finish_stream(exo_intake *intake)
{
    if (intake->flushed_) {
        intake_conclude(intake, EXO_OK, NULL);
        return;
    }
    intake->flushed_ = true;
    exo_chunk_end(&intake->chunk_);
    intake->in_chunk_ = true;
}

/* Gives sse the next piece of the fed bytes: all that is left of them, or, where lines are dressed as events, "data:",
 * a line, an empty line. False: no bytes are left. */
static bool intake_feed_on(exo_intake *intake)
{
    static const char dressing[] = "data:\n";
    if (intake->in_.len == 0) {
        intake->in_ = intake->rest_;
        intake->rest_.len = 0;
    }
    exo_span piece = intake->in_;
    if (piece.len == 0 && intake->line_ != LINE_END) {
        return false;
    }
    if (intake->line_ == LINE_BEGIN || intake->line_ == LINE_END) {
        piece = intake->line_ == LINE_BEGIN ? exo_span_of(dressing, 5) : exo_span_of(dressing + 5, 1);
        intake->dressing_ += (uint32_t)piece.len;
        intake->line_ = intake->line_ == LINE_BEGIN ? LINE_TEXT : LINE_BEGIN;
    } else {
        const char *end = intake->line_ == LINE_TEXT ? memchr(piece.ptr, '\n', piece.len) : NULL;
        if (end) {
            piece.len = (size_t)(end - piece.ptr) + 1;
            intake->line_ = LINE_END;
        }
        intake->in_.ptr += piece.len;
        intake->in_.len -= piece.len;
    }
    (void)exo_sse_feed(&intake->sse_, piece); /* its error is next()'s to say */
    return true;
}

/* Reads the next event. EXO_AGAIN: there may be a delta now, or the end; EXO_NEED_DATA. */
static int intake_read_event(exo_intake *intake)
{
    exo_sse_event sse;
    if (intake->over_ || intake->failed_) {
        intake_finish_stream(intake);
        return EXO_AGAIN;
    }
    int code = exo_sse_next(&intake->sse_, &sse);
    if (code == EXO_EVENT) {
        intake_take(intake, &sse);
    } else if (code == EXO_DONE) {
        intake->over_ = true;
    } else if (code < 0) {
        intake_fail(intake, code);
    } else if (!intake_feed_on(intake)) {
        return EXO_NEED_DATA;
    }
    return EXO_AGAIN;
}

/* The body that is held, from its first byte of JSON on. */
static exo_span intake_json(const exo_intake *intake)
{
    exo_span text = exo_buffer_span(&intake->held_);
    return exo_span_of(text.ptr + intake->begin_, text.len - intake->begin_);
}

/* A body of JSON goes on: once its first line is whole, it may turn out to be one of many. */
static void intake_look_for_lines(exo_intake *intake)
{
    const size_t searched = intake->searched_;
    const size_t held = intake->held_.len;
    if (intake->options_.strict_stream || searched >= held) {
        return;
    }
    exo_span text = intake_json(intake);
    exo_span line = text;
    const char *end = memchr(intake->held_.data + searched, '\n', held - searched);
    intake->searched_ = end ? SIZE_MAX : held; /* one look is enough */
    line.len = end ? (size_t)(end - text.ptr) : 0;
    if (exo_look_for_delta(&line)) {
        intake->state_ = INTAKE_LINES;
        intake->line_ = LINE_BEGIN;
        intake->in_ = text;
    }
}

/* All of a JSON body is here: it is a completion, whose deltas come next, or it is judged. */
static void intake_read_body(exo_intake *intake, int transport, const exo_span *words)
{
    exo_span body = intake_json(intake);
    if (intake_reports(intake, &body)) {
        return;
    }
    if (!intake->options_.strict_stream) {
        exo_chunk_begin(&intake->chunk_, body, false);
        if (intake_has_begun(intake)) {
            intake->over_ = true;
            intake->state_ = INTAKE_STREAM;
            return;
        }
    }
    intake_fail_saying(intake, transport < 0 ? transport : EXO_E_NOT_A_STREAM, words);
}

/* ---- feeding ---- */

/* Keeps fed bytes, up to a maximum: false where there are more of them, or no memory. */
static bool intake_gather(exo_intake *intake, exo_span *bytes, size_t maximum)
{
    size_t room = maximum > intake->held_.len ? maximum - intake->held_.len : 0;
    int code = exo_buffer_append(&intake->held_, intake_split(bytes, room));
    if (code < 0) {
        intake_fail(intake, code);
    }
    return code == EXO_OK && bytes->len == 0;
}

/* Decides what a 2xx body is by its first bytes: false when that is still open. Those that do not decide it (white
 * space, half a mark) are held for whoever reads it, and in `*bytes` are left those that are not held. */
static bool intake_decide(exo_intake *intake, exo_span *bytes)
{
    const size_t most = intake->options_.limits->error_body;
    exo_span start = exo_span_of(bytes->ptr, bytes->len < most ? bytes->len : most);
    if (intake->held_.len > 0) {
        (void)intake_gather(intake, bytes, most);
        start = exo_buffer_span(&intake->held_);
    }
    exo_body_kind kind = exo_body_sniff(start);
    if (kind == EXO_BODY_UNKNOWN && intake->held_.len == 0) {
        (void)intake_gather(intake, bytes, most);
    }
    if (intake->state_ == INTAKE_OVER || (kind == EXO_BODY_UNKNOWN && start.len < most)) {
        return false;
    }
    switch (kind) {
    case EXO_BODY_JSON:
        intake->state_ = INTAKE_BODY;
        while (start.ptr[intake->begin_] != '{' && start.ptr[intake->begin_] != '[') {
            intake->begin_++;
        }
        intake->searched_ = intake->begin_; /* which may be more than is kept */
        return true;
    case EXO_BODY_HTML:
        intake->state_ = INTAKE_PAGE;
        return true;
    case EXO_BODY_GZIP:
        intake_fail(intake, EXO_E_UNLABELLED_GZIP);
        return false;
    default: /* blank lines without end mean nothing to a stream */
        break;
    }
    intake->state_ = INTAKE_STREAM;
    if (intake->held_.len > 0) {
        intake->in_ = *bytes;
        *bytes = exo_buffer_span(&intake->held_);
    }
    return true;
}

/* The next bytes of a body of JSON. */
static void intake_read_on(exo_intake *intake, exo_span *bytes)
{
    bool fits = intake_gather(intake, bytes, intake->options_.limits->event);
    if (intake->state_ == INTAKE_OVER) {
        return;
    }
    intake_look_for_lines(intake);
    if (intake->state_ == INTAKE_LINES) {
        intake->rest_ = *bytes;
    } else if (!fits) {
        intake_fail(intake, EXO_E_EVENT_LIMIT);
    }
}

/* The next bytes of a body that its caller wants to have as it is. */
static void intake_keep_whole(exo_intake *intake, const exo_span *bytes)
{
    int code = exo_buffer_append(intake->options_.whole, *bytes);
    if (bytes->len > 0) {
        intake->news_ |= EXO_NEWS_EVENT | EXO_NEWS_TOKEN | EXO_NEWS_MORE;
    }
    if (code < 0) {
        intake_fail(intake, code);
    }
}

/* The same as exo_intake_feed(), of bytes whose kind is not known yet, or that are no stream. */
SELDOM static int intake_feed(exo_intake *intake, exo_span bytes)
{
    const exo_limits *limits = intake->options_.limits;
    if (intake->state_ == INTAKE_OVER || intake->unread_) {
        return EXO_E_STATE;
    }
    intake->unread_ = bytes.len > 0;
    if (intake->state_ == INTAKE_STREAM || intake->state_ == INTAKE_LINES) {
        exo_buffer_free(&intake->held_); /* what decided it has been read */
    }
    if (intake->state_ == INTAKE_SNIFF && !intake_decide(intake, &bytes)) {
        return EXO_OK;
    }
    if (intake->state_ == INTAKE_STREAM) {
        return exo_sse_feed(&intake->sse_, bytes);
    }
    if (intake->state_ == INTAKE_LINES) {
        intake->in_ = bytes;
    } else if (intake->state_ == INTAKE_BODY) {
        intake_read_on(intake, &bytes);
    } else if (intake->state_ == INTAKE_WHOLE) {
        intake_keep_whole(intake, &bytes);
    } else {
        (void)intake_gather(intake, &bytes, limits->error_body);
        if (intake->held_.len >= limits->error_body) {
            exo_intake_end(intake, EXO_OK, exo_span_of(NULL, 0));
        }
    }
    return EXO_OK;
}

int exo_intake_feed(exo_intake *intake, exo_span bytes)
{
#ifndef EXO_SMALL
    if (intake->reads_on_ && !intake->unread_) {
        intake->unread_ = bytes.len > 0;
        return exo_sse_feed(&intake->sse_, bytes);
    }
#endif
    return intake_feed(intake, bytes);
}

void exo_intake_end(exo_intake *intake, int code, exo_span words)
{
    intake->unread_ = true;
#ifndef EXO_SMALL
    intake->reads_on_ = false;
#endif
    switch (intake->state_) {
    case INTAKE_OVER:
        return;
    case INTAKE_REFUSAL:
    case INTAKE_PAGE:
        intake_refuse(intake);
        return;
    case INTAKE_BODY:
        intake_read_body(intake, code, &words);
        return;
    case INTAKE_WHOLE:
        if (code < 0) {
            intake_fail_saying(intake, code, &words);
        }
        intake->state_ = INTAKE_OVER;
        return;
    default:
        break;
    }
    if (code < 0 && !intake_is_proven(intake)) {
        intake_conclude(intake, code, &words);
        return;
    }
    if (intake->state_ == INTAKE_SNIFF) {
        intake->state_ = INTAKE_STREAM; /* of blanks only */
    }
    if (code < 0) { /* it stands without what is missing, but what is held back is to be shown first */
        intake->over_ = intake->cut_ = true;
    }
    exo_sse_end(&intake->sse_);
}

/* What the chunk at hand, and the answers, still have to show. EXO_EVENT, EXO_OK when that is nothing, or an error. */
static int intake_next_delta(exo_intake *intake, exo_intake_event *event)
{
    if (intake_show_more(intake, event)) {
        return EXO_EVENT;
    }
    if (intake->in_chunk_ && exo_chunk_next(&intake->chunk_, &event->delta) == EXO_EVENT) {
        int code = intake_was_cut(intake, &event->delta) ? EXO_OK : intake_apply(intake, event);
        intake->in_chunk_ = code >= 0; /* what was fed may be gone by the next call */
#ifndef EXO_SMALL
        intake->in_chunk_ &= !exo_chunk_is_over(&intake->chunk_);
#endif
        return code < 0 ? code : EXO_EVENT;
    }
    intake->in_chunk_ = false;
    return intake->flushed_ ? intake_show_rest(intake, event) : EXO_OK;
}

/* The same as exo_intake_next(), of whatever is at hand. */
SELDOM static int intake_next(exo_intake *intake, exo_intake_event *event)
{
    for (;;) {
        memset(event, 0, offsetof(exo_intake_event, delta));
        if (intake->state_ == INTAKE_OVER) {
            return EXO_DONE;
        }
        int code = intake_next_delta(intake, event);
#ifndef EXO_SMALL
        if (code == EXO_EVENT && event->type == EXO_EVENT_NONE && intake->in_chunk_ && intake->options_.shown_only) {
            continue;
        }
#endif
        if (code == EXO_EVENT) {
            return code;
        }
        if (code < 0) {
            intake_fail(intake, code);
            continue;
        }
        bool reads = intake->state_ == INTAKE_STREAM || intake->state_ == INTAKE_LINES;
        if (!reads || intake_read_event(intake) == EXO_NEED_DATA) {
            intake->unread_ = false;
            return EXO_NEED_DATA;
        }
    }
}

#ifndef EXO_SMALL
/* The same, of an event of a shape that is remembered, where there is one answer. */
SELDOM static int intake_next_of_known(exo_intake *intake, exo_intake_event *event)
{
    memset(event, 0, offsetof(exo_intake_event, delta));
    while (exo_chunk_next(&intake->chunk_, &event->delta) == EXO_EVENT) {
        if (!intake_go_on(intake, event, intake->options_.answers)) {
            const int code = intake_apply(intake, event);
            if (code < 0) {
                intake_fail(intake, code);
                break;
            }
        }
        intake->in_chunk_ = !exo_chunk_is_over(&intake->chunk_);
        if (event->type != EXO_EVENT_NONE || !intake->in_chunk_ || !intake->options_.shown_only || intake->shown_ > 0) {
            return EXO_EVENT;
        }
    }
    return intake_next(intake, event);
}

/* The same as exo_intake_next(), and finds out whether what lies ahead may be looked at first: nothing is at hand, and
 * nothing is to be done but to read on. */
SELDOM static int intake_next_and_settle(exo_intake *intake, exo_intake_event *event)
{
    const bool is_known = intake->in_chunk_ && exo_chunk_is_known(&intake->chunk_) && intake->reads_on_;
    const int code = is_known ? intake_next_of_known(intake, event) : intake_next(intake, event);
    intake->reads_on_ = intake->state_ == INTAKE_STREAM && !(intake->over_ | intake->failed_ | intake->in_chunk_) &&
                        intake->shown_ == 0 && intake->options_.answer_count == 1 &&
                        intake->in_.len + intake->rest_.len == 0 && !intake->held_.data;
    return code;
}

/* The same, where it may, and an event of no shape that is remembered lies there. */
SELDOM static int intake_read_ahead(exo_intake *intake, exo_intake_event *event)
{
    const exo_span ahead = exo_sse_ahead(&intake->sse_);
    const size_t len = exo_chunk_read_ahead(&intake->chunk_, ahead);
    if (len > 0) {
        const exo_span data = exo_span_of(ahead.ptr, len);
        exo_sse_take_ahead(&intake->sse_, len);
        intake->at_end_ = false;
        intake_begin_event(intake, &data);
    }
    return intake_next_and_settle(intake, event);
}

/* The same, where it may, and an event lies there: most are of a shape that is remembered, say one text, and the answer
 * simply goes on. */
SELDOM static int intake_next_ahead(exo_intake *intake, exo_intake_event *event, exo_span ahead)
{
    exo_answer *answer = intake->options_.answers;
    exo_delta *delta = &event->delta;
    const size_t len = exo_chunk_begin_ahead(&intake->chunk_, ahead, delta);
    if (len == 0) {
        return intake_read_ahead(intake, event);
    }
    exo_sse_take_ahead(&intake->sse_, len);
    intake->at_end_ = false;
    if (exo_chunk_is_over(&intake->chunk_) && (intake->options_.shown_only || !delta->joined)) {
        memset(event, 0, offsetof(exo_intake_event, delta));
        if (exo_answer_go_on(answer, delta, &event->text)) {
            unsigned news = EXO_NEWS_EVENT | intake_kinds[delta->type].news;
            if (delta->joined) {
                news |= intake_kinds[EXO_DELTA_TOOL_CALL].news;
                intake->tool_ = answer->call_;
            }
            intake->news_ |= (uint8_t)news;
            event->type = (exo_event_type)intake_kinds[delta->type].type;
            event->choice = delta->choice;
            event->tool = intake->tool_;
            event->last = true;
            return EXO_EVENT;
        }
    }
    intake->news_ |= EXO_NEWS_EVENT;
    exo_chunk_begin_known(&intake->chunk_);
    intake->in_chunk_ = true;
    return intake_next_and_settle(intake, event);
}

/* The same as exo_intake_rests(), where what lies ahead may be looked at. */
static inline bool intake_rests(exo_intake *intake)
{
    if (!exo_sse_rests(&intake->sse_)) {
        return false;
    }
    intake->unread_ = false;
    return true;
}

bool exo_intake_rests(exo_intake *intake)
{
    return intake->reads_on_ && intake_rests(intake);
}

int exo_intake_next(exo_intake *intake, exo_intake_event *event)
{
    if (intake->reads_on_) {
        const exo_span ahead = exo_sse_ahead(&intake->sse_);
        if (ahead.len > 0) {
            return intake_next_ahead(intake, event, ahead);
        }
        if (intake_rests(intake)) {
            return EXO_NEED_DATA;
        }
    }
    return intake_next_and_settle(intake, event);
}
#else
int exo_intake_next(exo_intake *intake, exo_intake_event *event)
{
    return intake_next(intake, event);
}
#endif

unsigned exo_intake_news(exo_intake *intake)
{
    unsigned news = intake->news_;
    intake->news_ = 0;
    return news;
}

bool exo_intake_finished(const exo_intake *intake)
{
    bool any = false;
    for (uint32_t i = 0; i < intake->options_.answer_count; i++) {
        const exo_answer *answer = &intake->options_.answers[i];
        bool finished = intake_has_finish(answer);
        if (exo_answer_began(answer) && !finished) {
            return false;
        }
        any = any || finished;
    }
    return any;
}

bool exo_intake_done(const exo_intake *intake)
{
    return intake->done_;
}

uint64_t exo_intake_offset(const exo_intake *intake)
{
    uint64_t offset = exo_sse_offset(&intake->sse_);
    offset += intake->dressing_ > 0 ? intake->begin_ : 0;
    return offset > intake->dressing_ ? offset - intake->dressing_ : 0;
}

void exo_intake_free(exo_intake *intake)
{
#ifndef EXO_SMALL
    exo_chunk_forget(&intake->chunk_);
#endif
    exo_sse_free(&intake->sse_);
    exo_buffer_free(&intake->held_);
    exo_buffer_free(&intake->odd_);
}
