/*
 * chunk.h: the JSON of one event → deltas.
 *
 * Each event is read twice: first it is validated whole, and its error, ids and indexes are found; then its deltas are
 * handed out. So an event that is not a JSON object gives MALFORMED and none of its content, and an error is seen
 * before the choices beside it. Both readings are tolerant (exo_json_reader_tolerate()): a member that nobody looks at
 * never costs the text beside it. Of duplicate members the last counts; a list with an object with "error" in it counts
 * as an error. The dialects that are understood are listed in docs/dialects.md. Nothing is allocated; spans point into
 * the event or into a scratch of the object.
 */
#ifndef EXOCHAT_CHUNK_H
#define EXOCHAT_CHUNK_H

#include "exochat/buffer.h"
#include "exochat/error.h"
#include "exochat/json_read.h"
#include "exochat/limits.h"
#include "exochat/think.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one delta of an event is. */
typedef enum exo_delta_type {
    EXO_DELTA_MALFORMED, /* text: the event, which cannot be read; `code` says why, `number` at which byte, `hole`
                            whether something was lost with it. Nothing else comes of it */
    EXO_DELTA_ERROR,   /* text: an object with an error in it, for failure.h: the whole event, and then it comes first,
                          or one of its choices, and then it comes before that choice's other deltas */
    EXO_DELTA_ID,      /* text: the response's id, escaped. Once an event, not when empty */
    EXO_DELTA_MODEL,   /* text: the model that serves, escaped. Once an event, not when empty */
    EXO_DELTA_TIER,    /* text: the service_tier, escaped. Once an event, not when empty */
    EXO_DELTA_CONTENT, /* text fragment */
    EXO_DELTA_REASONING,         /* text fragment, whatever the field was called */
    EXO_DELTA_REASONING_DETAILS, /* text: raw JSON, for replay */
    EXO_DELTA_REFUSAL,           /* text fragment */
    EXO_DELTA_TOOL_CALL,         /* a delta of a tool call begins: index (or -1), id and name (each may be empty),
                                    escaped; `opens` */
    EXO_DELTA_TOOL_ARGUMENTS,    /* text fragment of the arguments of the TOOL_CALL just begun */
    EXO_DELTA_TOOL_OBJECT,       /* text: its arguments as one raw JSON object or list, replacing what came before */
    EXO_DELTA_TOOL_EXTRA,        /* text: its extra_content, raw JSON, for replay */
    EXO_DELTA_TOOL_MEMBER,       /* name (escaped) and text (raw JSON): a member of it that nobody here knows */
    EXO_DELTA_LOGPROBS,          /* text: raw JSON */
    EXO_DELTA_AUDIO,             /* text: raw JSON */
    EXO_DELTA_MEMBER,            /* name (escaped) and text (raw JSON): a member of the delta that nobody here knows, or
                                    a part of the content whose type is not known, which is `list` */
    EXO_DELTA_FINISH,            /* text: finish_reason, escaped */
    EXO_DELTA_USAGE              /* text: the usage object, raw JSON; the counts are in `usage` */
} exo_delta_type;

/* Token counts as the endpoint reported them; -1 where it said nothing. total is never computed: some count reasoning
 * apart. */
typedef struct exo_usage {
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
    int64_t cached_tokens;
    int64_t reasoning_tokens;
} exo_usage;

/* A usage of which nothing is known. */
#define EXO_USAGE_INIT \
    { \
        -1, -1, -1, -1, -1 \
    }

/* One delta. Spans are valid until the next call on the chunk reader. What is `escaped` above is as it stands between
 * the quotation marks in the event, of any length; exo_answer_apply() decodes it. */
typedef struct exo_delta {
    exo_delta_type type;
    uint32_t choice; /* choices[].index; 0 where it is absent */
    bool last;       /* of a fragment: the last one of its string (a think filter may hold that one back) */
    bool whole;   /* content, tool calls and logprobs from a `message` in place of a `delta`: use it only if nothing was
                     streamed */
    uint8_t echo; /* CONTENT: 'u' or 't' where the delta's role is user or tool, so that it is not the assistant's text
                     unless nothing else comes; or 0 */
    bool legacy;  /* TOOL_CALL: from function_call */
    bool opens;   /* TOOL_CALL: its arguments are text, and begin with a bracket */
    bool object;  /* TOOL_CALL: its arguments are no text, but an object or a list: TOOL_OBJECT follows */
    bool list;    /* MEMBER: one more value of a list */
    bool joined;  /* TOOL_ARGUMENTS: the TOOL_CALL before them says nothing but `index` and `opens`, which are here, and
                     was not handed out */
    uint16_t half; /* of a fragment: it is half a surrogate pair, this one, and `text` the U+FFFD that it comes to
                      unless the other half is the text's neighbour. answer.h joins them */
    bool hole; /* MALFORMED: it begins like JSON, with { or with [ and the beginning of a value or ], and is not read to
                  its end: a hole in the answer. All else, and JSON that is no object, is noise */
    int code;  /* MALFORMED: EXO_E_JSON_*, EXO_E_EVENT_LIMIT, or EXO_E_MALFORMED for JSON of another kind */
    int64_t index;   /* TOOL_CALL: the index as sent, or -1 */
    uint64_t number; /* MALFORMED: the offset in the event */
    exo_span text;
    exo_span id;
    exo_span name;
    exo_usage usage; /* USAGE; otherwise without meaning */
} exo_delta;

/* How many members of an event, a choice and a tool call are remembered, and how many lists a text may lie in. Private;
 * chunk.c holds the first to its table. */
#define EXO_CHUNK_PLACES_ 61
#define EXO_CHUNK_LISTS_  4

/* How many keys of the last event are known again by where they stand. Private. */
#define EXO_CHUNK_KEYS_ 16

/* So many bytes behind the scratch may be written, where vectors are. Private. */
#define EXO_CHUNK_SPARE_ 16

/* How many words name a response: its id, its model and its service_tier. Private. */
#define EXO_CHUNK_NAMES_ 3

/* What every event of a shape says that is remembered, beside its text. Private. */
typedef struct exo_known {
    exo_span names[EXO_CHUNK_NAMES_];
    uint32_t choice;
    uint8_t shape; /* its number, from 1 on */
    uint8_t type;  /* of the deltas of the text */
    int64_t index; /* TOOL_ARGUMENTS: of the call */
} exo_known;

/* What an event says whose shape is remembered. Private. */
typedef struct exo_recalled {
    const exo_known *known; /* valid until the next shape is remembered */
    exo_span text;
    size_t len; /* of the event */
    bool plain; /* the text is as it is, in the event or in a scratch; else it is between its quotation marks */
    bool ends_otherwise; /* none was found, but for the end: that is not as was said */
} exo_recalled;

/* The shapes that are remembered. Private to the core. */
typedef struct exo_shapes exo_shapes;

/* The reader of chunks. Private but for sizeof. */
typedef struct exo_chunk {
    uint32_t limit_;
    uint8_t lists_len_; /* small things first: a short instruction reaches them */
    uint8_t step_;
    uint8_t string_; /* the type of its deltas */
    uint8_t list_;   /* of the members of whose object others_ is */
    bool decoding_;
    bool decoded_; /* the decoder is at its end */
    bool said_;    /* the delta's reasoning */
    bool whole_;
    char echo_; /* the first letter of a role that is not the assistant's */
    bool legacy_;
    bool error_;
    uint8_t types_[EXO_CHUNK_LISTS_]; /* of the deltas of what the lists hold */
    uint16_t low_; /* halves of surrogate pairs that the string begins and ends with, and the one in rest_ */
    uint16_t high_;
    uint16_t half_;
    exo_span data_; /* the event */
    /* Where values stand in the event, by their first byte; 0 is nowhere. */
    uint32_t object_;  /* the choice itself */
    uint32_t value_;   /* that was just read */
    uint32_t usage_;   /* of a choice */
    uint32_t choices_; /* what is left of the lists and objects that are being walked */
    uint32_t calls_;
    uint32_t others_;
    uint32_t lists_[EXO_CHUNK_LISTS_]; /* of parts of a text, one in the other */
    int code_;
    uint32_t choice_;
    exo_span rest_;                      /* of a content fragment that the think filter is at work on */
    exo_json_decoder decoder_;           /* of the string that is being handed out */
    uint32_t places_[EXO_CHUNK_PLACES_]; /* of the event, of the choice and of the tool call at hand */
#ifndef EXO_SMALL
    uint32_t keys_; /* so many were looked up */
#endif
    uint64_t number_;
#ifndef EXO_SMALL
    exo_recalled recalled_; /* of the event at hand, where its shape is remembered; else nothing is known */
    bool is_over_;          /* no delta comes behind the one that was stored last */
    uint8_t named_;         /* the shape whose names were said last, 0: another event's */
    uint8_t learning_;      /* whether the event at hand may be remembered, so far */
    uint32_t text_place_;   /* and where its text begins */
    uint32_t first_;        /* the choice whose members were found with those of the event; 0: none */
    uint32_t behind_;       /* where the list goes on behind it */
    uint32_t noted_calls_;  /* the inside of the tool calls of which the members of the first were found so; 0: none */
    uint32_t noted_call_;
    uint32_t behind_call_;
#endif
    exo_think think_; /* from here on, and limit_: what outlives the event; a text is decoded in the scratch */
#ifdef EXO_SMALL
    char scratch_[EXO_JSON_SCRATCH];
#else
    char scratch_[EXO_JSON_SCRATCH + EXO_CHUNK_SPARE_];
    bool by_tokens_;                 /* for tests: no event is read in a shorter way */
    bool ends_otherwise_;            /* events do not end with LF and LF */
    const exo_allocator *remembers_; /* NULL: nothing is */
    exo_shapes *shapes_;
    exo_known learned_;                   /* as what the event at hand may be remembered */
    const char *strange_;                 /* the event ahead that is of no shape that is remembered */
    uint16_t looked_up_[EXO_CHUNK_KEYS_]; /* what the first keys of the last event were: private to chunk_pass.c */
#endif
} exo_chunk;

/* Prepares a reader for all events of one stream. */
void exo_chunk_init(exo_chunk *chunk, const exo_limits *limits);

/* Switches on, before the first event, that a <think> block at the start of choice 0's content is REASONING (think.h).
 */
void exo_chunk_think_tags(exo_chunk *chunk, bool on);

#ifndef EXO_SMALL
/* Remembers the shapes of events, before the first one: what an event says that differs from an earlier one in its text
 * only is then known without reading it. The deltas are the same. `allocator`, which is borrowed, pays some kilobytes
 * when the first shape is remembered; free them with exo_chunk_forget(). */
void exo_chunk_remember(exo_chunk *chunk, const exo_allocator *allocator);

/* Looks whether `ahead` begins with an event of a shape that is remembered, and LF and LF follow: returns the length of
 * its data, in which there is no line end, or 0. What lies ahead must stay valid as the data of exo_chunk_begin() must.
 * Where all that the event has to say is one text, that is stored in `*delta`, and exo_chunk_is_over(): nothing was
 * begun. Else, or if that delta is not used, exo_chunk_begin_known() begins with the event. */
size_t exo_chunk_begin_ahead(exo_chunk *chunk, exo_span ahead, exo_delta *delta);

/* Begins with the event that exo_chunk_begin_ahead() has just found: next() hands out what it says. */
void exo_chunk_begin_known(exo_chunk *chunk);

/* The same as exo_chunk_begin() with the event that `ahead` begins with, not empty, if that is plain JSON in one line,
 * and LF and LF follow: returns the length of its data. 0: it is not, and nothing was begun, but the last event may be
 * forgotten. */
size_t exo_chunk_read_ahead(exo_chunk *chunk, exo_span ahead);

/* Leaves out the deltas that name the response of the event that was just begun, where each is one of the words, in
 * their order; there are no reverse solidi in those. An empty one is no word. */
void exo_chunk_leave_names(exo_chunk *chunk, const exo_span words[EXO_CHUNK_NAMES_]);

/* Whether the event at hand is of a shape that is remembered. */
static inline bool exo_chunk_is_known(const exo_chunk *chunk)
{
    return chunk->recalled_.known != NULL;
}

/* Whether it is known that no delta comes behind the one that was stored last. */
static inline bool exo_chunk_is_over(const exo_chunk *chunk)
{
    return chunk->is_over_;
}

/* Forgets the shapes, and frees them. */
void exo_chunk_forget(exo_chunk *chunk);
#endif

/* Begins with one event's data, which must stay valid until next() says EXO_OK. `error` is true for an event of type
 * "error" or a field "error": then the whole of it is handed out as one EXO_DELTA_ERROR. `data` is not "[DONE]": that
 * is exo_chunk_is_done()'s to find. */
void exo_chunk_begin(exo_chunk *chunk, exo_span data, bool error);

/* Begins the end of the stream: next() hands out the content that a think filter held back because it could have become
 * a tag. A finish_reason does that too; without think tags nothing comes. */
void exo_chunk_end(exo_chunk *chunk);

/* Stores the next delta: EXO_EVENT, or EXO_OK when the event is used up. Never fails: what is wrong with an event is a
 * delta too. Deltas come in this order: ERROR, ID, MODEL; for each choice, in the event's order, REASONING,
 * REASONING_DETAILS, CONTENT (REASONING among it where the parts of a list say so), REFUSAL, the tool calls, each with
 * its ARGUMENTS or OBJECT, its EXTRA and MEMBERs, AUDIO, MEMBER, LOGPROBS, FINISH; USAGE. No delta is empty: an empty
 * string gives none, nor does a value of an unexpected type, nor a tool call that says nothing. So an event brings
 * something, as the idle clock understands it, where a delta comes that is none of MALFORMED, ID, MODEL and USAGE, or
 * the first USAGE. Text is what a value says in its place: a string; a number or boolean as it is written; an object's
 * text, content or summary; the values of a list. */
int exo_chunk_next(exo_chunk *chunk, exo_delta *delta);

/* Whether the event just begun counts for the first-event and idle clocks: an object with choices, usage or an error.
 */
bool exo_chunk_is_progress(const exo_chunk *chunk);

/* Whether an event's data is the sentinel "[DONE]", exactly: with another data line in the same event it is not. */
bool exo_chunk_is_done(exo_span data);

/* What a body begins with, found at its first byte that is not white space (a byte order mark is skipped). */
typedef enum exo_body_kind {
    EXO_BODY_UNKNOWN, /* only white space so far */
    EXO_BODY_SSE,
    EXO_BODY_JSON, /* { or [: an error, or a whole completion because "stream" was ignored */
    EXO_BODY_HTML, /* < */
    EXO_BODY_GZIP  /* 1f 8b without a label */
} exo_body_kind;

/* Looks at the first bytes of a 2xx body. */
exo_body_kind exo_body_sniff(exo_span start);

#ifdef __cplusplus
}
#endif

#endif
