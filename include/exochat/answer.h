/*
 * answer.h: deltas → one answer: text, reasoning, refusal, tool calls, usage, finish_reason, and whether it is proven.
 *
 * One object keeps one choice (0 unless told otherwise); for n > 1 make one for each and give every delta to all. What
 * is shown of a stream equals what is kept: a half of a surrogate pair is held back until its text goes on, and a tool
 * call that may only repeat another until it differs.
 *
 * Tool calls are told apart by the tool rule. A call is complete when the outermost bracket of its arguments is closed.
 * - A known id: the latest call that came with it, preferring this index. If that is complete and the delta's arguments
 *   open as text: with the same index and equal it is a repetition, and dropped; else a new call, its id made distinct.
 * - An unknown id: the call at this index (without an index, the latest) if that is incomplete and the delta brings no
 *   other name; else a new one.
 * - No id: by index, else the latest; new if it brings another name and no index, or a name and an unknown index. If
 *   the call is complete: new only for another name, or for arguments that open and have a name or differ; without a
 *   name it inherits that one's.
 * - Arguments that are {} are a placeholder, which those that open without a name, or with its id and index, replace.
 *   Arguments that are a JSON object always replace.
 * Of its ids the last counts, and those before it stay known. A name that begins with the one so far replaces it;
 * another is appended while there are no arguments, if the delta has the call's index or id.
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
    EXO_KEEP_REPLAY = 8, /* reasoning_details, logprobs, audio: raw JSON for the next request */
    EXO_KEEP_EXTRA = 16, /* the same of extra_content and of members that nobody here knows */
    EXO_KEEP_ALL = 31
};

/* One tool call of an answer. Spans are valid until the answer is changed or freed. */
typedef struct exo_tool_call {
    exo_span id; /* as sent, whole, and made distinct where two calls came with the same; empty when none was sent */
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
    EXO_KEPT_TEXTS_,                 /* so many of them are text */
    EXO_KEPT_LOG_ = EXO_KEPT_TEXTS_, /* of the tool calls: ids, names, arguments, extras */
    EXO_KEPT_CALLS_,                 /* a record for each tool call */
    EXO_KEPT_RAW_,                   /* the others are JSON as it came, */
    EXO_KEPT_DETAILS_ = EXO_KEPT_RAW_,
    EXO_KEPT_LOGPROBS_,
    EXO_KEPT_AUDIO_,
    EXO_KEPT_USAGE_,
    EXO_KEPT_ERROR_,
    EXO_KEPT_MEMBERS_,
    EXO_KEPT_COUNT_
};

/* The answer. Private but for sizeof. What is looked at most stands first, where short instructions reach it. */
typedef struct exo_answer {
    uint8_t keep_;
    uint8_t depth_;
    uint8_t proof_;
    bool began_;
    bool spoken_;   /* text of the assistant has come */
    bool echoed_;   /* the text is only what was said by others than the assistant */
    bool streamed_; /* something came that was not `whole` */
    bool pending_;  /* exo_answer_more() has something */
    bool raw_cut_;
    bool failed_; /* an error was reported in the stream */
    bool proven_;
    bool usable_; /* tool calls were not cut by the length of the answer */
    uint8_t finish_len_;
    uint8_t word_lens_[3];
    int error_;
    uint32_t call_; /* the one that the deltas at hand belong to */
#ifdef EXO_SMALL
    exo_buffer kept_[EXO_KEPT_COUNT_];
#else
    exo_buffer kept_[EXO_KEPT_RAW_];
    exo_buffer *raw_; /* for which there are buffers once any has come; NULL: none has */
    uint32_t raw_limit_;
#endif
    uint16_t half_[EXO_KEPT_TEXTS_]; /* of a surrogate pair, that a text ends with */
#ifndef EXO_SMALL
    uint8_t odd_words_; /* a bit for each of words_ that has a reverse solidus */
#endif
    uint32_t choice_;
    uint32_t name_limit_;
    uint32_t malformed_;
    uint32_t holes_;
    int malformed_code_;
    char joined_[4]; /* a character whose halves came apart */
    uint64_t malformed_offset_;
    exo_usage usage_;
#ifdef EXO_SMALL
    char finish_[64];
    char words_[288]; /* of the response: id, model, service tier */
#else
    char *words_; /* the same, and the finish_reason behind them, with no room between; NULL: none has come */
#endif
} exo_answer;

/* Begins an answer for `choice`. `allocator` is borrowed. `keep` is a sum of exo_keep. */
void exo_answer_init(exo_answer *answer, const exo_allocator *allocator, const exo_limits *limits, uint32_t choice,
                     unsigned keep);

/* Applies one delta of any choice; others than its own are ignored, but for ID, MODEL, USAGE, ERROR and MALFORMED. For
 * a TOOL_* delta, the number of the call it belongs to is stored in `*tool` (may be NULL). What it leaves in `*delta`
 * is what is to be shown, valid until the answer is changed: the text with the half of a character that was held back
 * before it, the call's id and name where the delta brought one, decoded and whole, and TOOL_OBJECT in place of
 * TOOL_ARGUMENTS where a placeholder is replaced; then exo_answer_more() may have another delta. EXO_OK; EXO_NOT_FOUND:
 * there is nothing to show (another choice, a `whole` one after something was streamed, something that is held back, an
 * echo, a repetition); or, sticky, EXO_E_ANSWER_LIMIT (limits.answer, limits.raw), EXO_E_CALLS_LIMIT,
 * EXO_E_NAME_LIMIT, EXO_E_ARGUMENTS_LIMIT (limits.tool_arguments; arguments of calls that take turns cost up to four
 * times their length of it) or EXO_E_NO_MEMORY. */
int exo_answer_apply(exo_answer *answer, exo_delta *delta, uint32_t *tool);

#ifndef EXO_SMALL
/* Applies a fragment of content, reasoning or arguments that simply goes on with what is there, as most do, a word
 * of the response that it has, or a TOOL_CALL that only says which call the next ones are of: it is as if
 * exo_answer_apply() had, but `*delta` stays as it came, and what is to be shown of a fragment is stored in `*shown`.
 * False: it is not that simple, or memory has to grow, and nothing has changed; but of arguments that are `joined` the
 * TOOL_CALL before them may have been applied, which can be applied once more. */
bool exo_answer_go_on(exo_answer *answer, const exo_delta *delta, exo_span *shown);
#endif

#ifndef EXO_SMALL
/* Stores the words of the response, its id, model and service_tier, that each event may repeat without anything new in
 * it: one that was not sent, or has a reverse solidus, is empty. */
static inline void exo_answer_words(const exo_answer *answer, exo_span words[EXO_CHUNK_NAMES_])
{
    size_t at = 0;
    for (size_t i = 0; i < EXO_CHUNK_NAMES_; i++) {
        const size_t len = answer->word_lens_[i];
        words[i].ptr = len > 0 ? answer->words_ + at : "";
        words[i].len = answer->odd_words_ >> i & 1 ? 0 : len;
        at += len;
    }
}
#endif

/* What else the delta just applied brought to be shown, of the same call: EXO_EVENT, `*delta` is changed to it; or
 * EXO_OK. It concerns `*delta` only where that delta's choice is this answer's. */
int exo_answer_more(exo_answer *answer, exo_delta *delta);

/* When no delta comes any more: the next of what was held back, kept and stored in `*delta` to be shown; halves of
 * characters, and the text of deltas whose role was another's where nothing else came. EXO_EVENT, EXO_OK when nothing
 * is left, or an error as above. exo_answer_end() does it for those who show nothing. */
int exo_answer_rest(exo_answer *answer, exo_delta *delta, uint32_t *tool);

/* Says that [DONE] came. */
void exo_answer_done(exo_answer *answer);

/* Says that the body has ended. EXO_OK: the answer is proven, and tool arguments may be used; or why not: the sticky
 * error; EXO_E_IN_STREAM (an error was reported); EXO_E_FINISH or EXO_E_CONTEXT_WINDOW (the finish_reason's family,
 * finish.h, is a failure); EXO_E_MALFORMED (a hole; or events that are noise, and neither a finish_reason nor content
 * without [DONE]); EXO_E_EMPTY_STREAM (neither content nor a finish_reason, with or without [DONE]); EXO_E_TRUNCATED;
 * EXO_E_CUT_CALL (a tool call was cut, or has no name; not looked for where the answer itself was cut by its length). A
 * finish_reason that is none by its family counts as none. `lenient` accepts a clean end without proof, if there was
 * any content. */
int exo_answer_end(exo_answer *answer, bool lenient);

/* What follows may be asked of NULL too where the hosted library is built: of no answer, as exo_reply_answer() may say.
 * It has no text and no calls, and exo_answer_tool_arguments() says EXO_E_STATE. */

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

/* finish_reason as sent, the last that was one (at most 63 bytes of it): "none", "null" and blanks stay only where no
 * other came. Empty when none came at all. Judge it by its family (finish.h). */
exo_span exo_answer_finish_reason(const exo_answer *answer);

/* The id of the response and the model that served it, cut to 127 bytes; empty when not sent. */
exo_span exo_answer_id(const exo_answer *answer);
exo_span exo_answer_model(const exo_answer *answer);

/* The service_tier of the response, cut to 31 bytes; empty when not sent. */
exo_span exo_answer_service_tier(const exo_answer *answer);

/* The last usage that was not null: the counts, and the object as sent (empty when none came). Never NULL. */
const exo_usage *exo_answer_usage(const exo_answer *answer);
exo_span exo_answer_usage_json(const exo_answer *answer);

/* How many tool calls there are, and the one with number `call`: EXO_OK or EXO_NOT_FOUND. */
uint32_t exo_answer_tool_calls(const exo_answer *answer);
int exo_answer_tool_call(const exo_answer *answer, uint32_t call, exo_tool_call *out);

/* The arguments of call `call` as valid JSON in `out` (buffer.h; a fixed piece of memory will do), repaired where
 * needed (empty ones are {}). Only after exo_answer_end() said EXO_OK, never when the finish_reason is of the family
 * length, and only with EXO_KEEP_TOOLS: EXO_E_STATE otherwise. Several equal values are one. EXO_OK, EXO_NOT_FOUND,
 * EXO_E_REPAIR, EXO_E_DEPTH_LIMIT, EXO_E_NO_MEMORY or the limit of `out`.
 */
int exo_answer_tool_arguments(exo_answer *answer, uint32_t call, exo_buffer *out);

/* Events that could not be read, and the first one's code and offset in its event; and how many of them are holes: with
 * one of those the answer is not proven. The others are noise. */
uint32_t exo_answer_malformed(const exo_answer *answer, int *code, uint64_t *offset);
uint32_t exo_answer_holes(const exo_answer *answer);

/* The object that reported the first error in the stream, as EXO_DELTA_ERROR gave it; of one longer than limits.raw,
 * what fits of its beginning; empty where there was none. */
exo_span exo_answer_error(const exo_answer *answer);

/* Takes the text out of the answer, which then has none: a buffer with the memory that the text lies in, the caller's
 * from now on, to be freed with exo_buffer_free(). The allocator must live as long. */
exo_buffer exo_answer_take_text(exo_answer *answer);

/* Not a call, but the answer's own deltas. */
#define EXO_ANSWER_ITSELF UINT32_MAX

/* Members of the deltas (EXO_ANSWER_ITSELF), or of call number `call`, that nobody here knows (images,
 * provider_specific_fields ...), as one JSON object in `out`, which is cleared first; empty where there were none. Of
 * a text or an object the last counts, lists are joined, the rest is not kept; "content" are parts of the content of
 * unknown type. EXO_OK, EXO_E_NO_MEMORY or the limit of `out`. */
int exo_answer_extra(const exo_answer *answer, uint32_t call, exo_buffer *out);

/* Whether some of what is kept as it came was dropped: more of it than limits.raw, or not to be made JSON. */
bool exo_answer_raw_cut(const exo_answer *answer);

/* Whether any content, reasoning, refusal, audio, tool or unknown delta has been applied. */
bool exo_answer_began(const exo_answer *answer);

/* Frees what was kept. The answer may be initialised again. */
void exo_answer_free(exo_answer *answer);

#ifdef __cplusplus
}
#endif

#endif
