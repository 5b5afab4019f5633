/*
 * answer.h: deltas → one answer: text, reasoning, refusal, tool calls, usage, finish_reason, and whether it is proven.
 *
 * One object keeps one choice (0 unless told otherwise); for n > 1 make one for each and give every delta to all. Tool
 * calls are told apart by the tool rule:
 * - a known id: that call;
 * - an unknown id: without a name the latest call of the same index, a missing index being one too; else a new one;
 * - no id, but an index: the latest call of that index; if there is none, with a name a new one, else the latest;
 * - neither: the latest call, but a new one if this delta and that call both have a name.
 */
#ifndef EXOCHAT_ANSWER_H
#define EXOCHAT_ANSWER_H

#include "exochat/buffer.h"
#include "exochat/chunk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is kept. Counting, ids, usage and finish are always kept; text that is not kept costs no memory. */
enum exo_keep {
    EXO_KEEP_TEXT = 1,
    EXO_KEEP_REASONING = 2,
    EXO_KEEP_TOOLS = 4,
    EXO_KEEP_REPLAY = 8, /* reasoning_details, extra_content, logprobs, audio: raw JSON for the next request */
    EXO_KEEP_ALL = 15
};

/* One tool call of an answer. Spans are valid until the answer is changed or freed. */
typedef struct exo_tool_call {
    exo_span id; /* as sent; empty when the endpoint sent none */
    exo_span name;
    exo_span arguments; /* as sent, put together; not yet repaired */
    exo_span extra;     /* extra_content, raw JSON, or empty */
    bool legacy;        /* from function_call */
} exo_tool_call;

/* How a stream may come to its end. */
typedef enum exo_proof {
    EXO_PROOF_NONE,   /* neither finish_reason nor [DONE] */
    EXO_PROOF_FINISH, /* finish_reason */
    EXO_PROOF_DONE,   /* [DONE] */
    EXO_PROOF_LENIENT /* a clean end of file, and lenient_end is on */
} exo_proof;

/* What an answer keeps, a buffer each. Private. */
enum exo_answer_kept {
    EXO_KEPT_TEXT_,
    EXO_KEPT_REASONING_,
    EXO_KEPT_REFUSAL_,
    EXO_KEPT_DETAILS_,
    EXO_KEPT_LOGPROBS_,
    EXO_KEPT_AUDIO_,
    EXO_KEPT_USAGE_,
    EXO_KEPT_ERROR_,
    EXO_KEPT_LOG_,   /* of the tool calls: ids, names, arguments, extras */
    EXO_KEPT_CALLS_, /* a record for each tool call */
    EXO_KEPT_COUNT_
};

/* The answer. Private but for sizeof. */
typedef struct exo_answer {
    exo_buffer kept_[EXO_KEPT_COUNT_];
    exo_usage usage_;
    uint64_t malformed_offset_;
    uint32_t malformed_;
    uint32_t holes_;
    int malformed_code_;
    int error_;
    uint32_t choice_;
    uint32_t call_; /* the one that the deltas at hand belong to */
    uint8_t keep_;
    uint8_t depth_;
    uint8_t proof_;
    bool began_;
    bool streamed_;    /* something came that was not `whole` */
    bool interleaved_; /* arguments lie in more than one piece */
    bool failed_;      /* an error was reported in the stream */
    bool proven_;
    uint8_t finish_len_;
    uint8_t id_len_;
    uint8_t model_len_;
    char finish_[63];
    char id_[127];
    char model_[127];
} exo_answer;

/* Begins an answer for `choice`. `allocator` is borrowed. `keep` is a sum of exo_keep. */
void exo_answer_init(exo_answer *answer, const exo_allocator *allocator, const exo_limits *limits, uint32_t choice,
                     unsigned keep);

/* Applies one delta of any choice; others than its own are ignored, but for ID, MODEL, USAGE, ERROR and MALFORMED. For
 * a TOOL_* delta, the number of the call it belongs to is stored in `*tool` (may be NULL). EXO_OK; EXO_NOT_FOUND: the
 * delta was not used (another choice, or a `whole` one after something was streamed), so that a streaming caller does
 * not show it; or, sticky, EXO_E_ANSWER_LIMIT (limits.answer, limits.raw), EXO_E_CALLS_LIMIT, EXO_E_ARGUMENTS_LIMIT
 * (limits.tool_arguments; each run of arguments of one call costs 8 bytes more of it) or EXO_E_NO_MEMORY. */
int exo_answer_apply(exo_answer *answer, const exo_delta *delta, uint32_t *tool);

/* Says that [DONE] came. */
void exo_answer_done(exo_answer *answer);

/* Says that the body has ended. EXO_OK: the answer is proven, and tool arguments may be used; or why not:
 * EXO_E_TRUNCATED, EXO_E_EMPTY_STREAM (neither content nor a finish_reason, with or without [DONE]), EXO_E_MALFORMED (a
 * hole; or events that are noise, and neither a finish_reason nor content without [DONE]), EXO_E_IN_STREAM (an error
 * was reported), EXO_E_FINISH (a finish_reason that is a failure: error, network_error, abort,
 * insufficient_system_resource), EXO_E_CONTEXT_WINDOW (model_context_window_exceeded), or the sticky error. `lenient`
 * accepts a clean end without proof, if there was any content. */
int exo_answer_end(exo_answer *answer, bool lenient);

/* Whether a finish_reason or [DONE] has come. */
exo_proof exo_answer_proof(const exo_answer *answer);

/* The kept text, reasoning and refusal so far. Valid until the answer is changed or freed. */
exo_span exo_answer_text(const exo_answer *answer);
exo_span exo_answer_reasoning(const exo_answer *answer);
exo_span exo_answer_refusal(const exo_answer *answer);

/* Raw JSON that was kept for replay, each a JSON array of what came (the members of what were arrays already); empty
 * where there was none. */
exo_span exo_answer_reasoning_details(const exo_answer *answer);
exo_span exo_answer_logprobs(const exo_answer *answer);
exo_span exo_answer_audio(const exo_answer *answer);

/* finish_reason as sent, the last that was not null (at most 63 bytes of it); empty when none came. */
exo_span exo_answer_finish_reason(const exo_answer *answer);

/* The id of the response and the model that served it, cut to 127 bytes; empty when not sent. */
exo_span exo_answer_id(const exo_answer *answer);
exo_span exo_answer_model(const exo_answer *answer);

/* The last usage that was not null: the counts, and the object as sent (empty when none came). Never NULL. */
const exo_usage *exo_answer_usage(const exo_answer *answer);
exo_span exo_answer_usage_json(const exo_answer *answer);

/* How many tool calls there are, and the one with number `call`: EXO_OK, EXO_NOT_FOUND, or EXO_E_NO_MEMORY where
 * interleaved arguments must be put together, which the first look at any of the calls does for all of them. Not const
 * for that reason. */
uint32_t exo_answer_tool_calls(const exo_answer *answer);
int exo_answer_tool_call(exo_answer *answer, uint32_t call, exo_tool_call *out);

/* The arguments of call `call` as valid JSON in `out`, repaired where needed (empty ones are {}). Only after
 * exo_answer_end() said EXO_OK, never when finish_reason is "length", and only with EXO_KEEP_TOOLS: EXO_E_STATE
 * otherwise. EXO_OK, EXO_NOT_FOUND, EXO_E_REPAIR, EXO_E_DEPTH_LIMIT, EXO_E_NO_MEMORY or the limit of `out`. */
int exo_answer_tool_arguments(exo_answer *answer, uint32_t call, exo_buffer *out);

/* Events that could not be read, and the first one's code and offset in its event; and how many of them are holes: with
 * one of those the answer is not proven. The others are noise. */
uint32_t exo_answer_malformed(const exo_answer *answer, int *code, uint64_t *offset);
uint32_t exo_answer_holes(const exo_answer *answer);

/* The event that reported the first error in the stream, as it came; empty where there was none, or one longer than
 * limits.raw. */
exo_span exo_answer_error(const exo_answer *answer);

/* Whether any content, reasoning, refusal, audio or tool delta has been applied. */
bool exo_answer_began(const exo_answer *answer);

/* Frees what was kept. The answer may be initialised again. */
void exo_answer_free(exo_answer *answer);

#ifdef __cplusplus
}
#endif

#endif
