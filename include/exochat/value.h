/*
 * value.h: the cursor that the encoder walks, and its adapters for C structs and for JSON text.
 *
 * A cursor hands out one JSON value as a row of tokens, each once, in order, and can be sent back. It owns nothing that
 * it hands out. Other languages bring cursors of their own (a dict, an mp_obj_t): that is what the table of functions
 * is for.
 */
#ifndef EXOCHAT_VALUE_H
#define EXOCHAT_VALUE_H

#include "exochat/error.h"
#include "exochat/json_read.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a source that cannot be known before it is read. */
#define EXO_SIZE_UNKNOWN UINT64_MAX

/* Bytes that are read while they are sent: a file, a range of one, a callback. Borrowed by the request until its call
 * ends. */
typedef struct exo_source {
    void *ctx;
    /* Stores up to `size` bytes (at least 1) at `dst` and their number in `*got`; 0 is the end. EXO_OK; EXO_AGAIN when
     * nothing is ready now (in a call: see exo_call_resume() in call.h); or a negative error, EXO_E_SOURCE_READ as a
     * rule. Must not block for long: it is called between the turns of an event loop. */
    int (*read)(void *ctx, void *dst, size_t size, size_t *got);
    /* Back to the first byte: EXO_OK or a negative error. NULL for a source that can be read only once: its request is
     * sent once, chunked, without fallback. */
    int (*rewind)(void *ctx);
    /* Whether the source still has the size and the date that it had at first: EXO_OK or EXO_E_BODY_CHANGED. Asked
     * after the last byte of a source that no checksum covers. NULL: nothing to check. */
    int (*check)(void *ctx);
    uint64_t size; /* in bytes, or EXO_SIZE_UNKNOWN */
} exo_source;

/* What a token of a cursor is. */
typedef enum exo_value_type {
    EXO_VALUE_NULL,
    EXO_VALUE_FALSE,
    EXO_VALUE_TRUE,
    EXO_VALUE_INT,    /* number.i */
    EXO_VALUE_UINT,   /* number.u */
    EXO_VALUE_NUMBER, /* text: a number as RFC 8259 writes it; checked by the encoder (EXO_E_NUMBER) */
    EXO_VALUE_STRING, /* text: UTF-8, or the inside of a JSON string where `escaped` is set */
    EXO_VALUE_SOURCE, /* source, with `text` as a prefix (data:image/png;base64,) */
    EXO_VALUE_KEY,    /* text, as STRING; a value follows */
    EXO_VALUE_ARRAY,
    EXO_VALUE_OBJECT,
    EXO_VALUE_END /* of the innermost array or object */
} exo_value_type;

/* One token. Spans and sources stay valid until the next call on the cursor. */
typedef struct exo_value {
    exo_value_type type;
    bool escaped; /* `text` of a STRING or KEY may have JSON escapes: only its decoded value counts */
    bool base64;  /* a SOURCE is sent as base64 (RFC 4648, 4), not as text */
    exo_span text;
    union {
        int64_t i;
        uint64_t u;
    } number;
    const exo_source *source;
} exo_value;

/* Whether a STRING or KEY says exactly `text`. */
bool exo_value_is(const exo_value *value, exo_span text);

/* What a cursor can do. All of them are given the cursor's `ctx` and must not throw or jump. */
typedef struct exo_cursor_ops {
    /* Stores the next token. EXO_EVENT; EXO_OK behind the end of the value; or a negative error (EXO_E_TYPE,
     * EXO_E_NUMBER, EXO_E_DUPLICATE_KEY, EXO_E_DEPTH_LIMIT, EXO_E_REQUEST …), sticky until rewound. */
    int (*next)(void *ctx, exo_value *value);
    /* Back to the first token. EXO_OK or a negative error. */
    int (*rewind)(void *ctx);
    /* Remembers the place before the next token (one place, the last call counts), and goes back to it, which is done
     * at the latest behind the END of the innermost array or object around that place. EXO_OK or a negative error. */
    int (*mark)(void *ctx);
    int (*reset)(void *ctx);
#ifndef EXO_SMALL
    /* Short cuts past next(), NULL where there is none. Behind a KEY: passes over its value, as long as that is some
     * thousands of tokens at most, and has no source, nothing that next() would find wrong, and no more than `levels`
     * arrays and objects inside of each other. Returns how many values or tokens those were, which the
     * walk is charged for; 0: none was passed, and the cursor stands where it stood. */
    size_t (*pass)(void *ctx, uint32_t levels);
    /* Behind an OBJECT: whether it is known that none of its own keys begins with an underscore. */
    bool (*is_plain)(void *ctx);
#endif
} exo_cursor_ops;

/* A cursor: functions and what they work on. Borrowed by whoever walks it. */
typedef struct exo_cursor {
    const exo_cursor_ops *ops;
    void *ctx;
} exo_cursor;

/* ---- JSON text ---- */

/* A cursor over JSON text. Private but for sizeof. Strings come with `escaped` where they have escapes or invalid
 * UTF-8; the latter is let through (the encoder replaces it), and so is a nested key that stands there twice. */
typedef struct exo_json_cursor {
    exo_span text_;
    uint32_t max_depth_;
    exo_json_reader reader_;
    exo_json_reader marked_;
} exo_json_cursor;

/* Begins to walk `text`, which must outlive the cursor. Syntax errors appear as EXO_E_JSON_* from next(); their offset
 * is exo_json_cursor_at(). */
void exo_json_cursor_init(exo_json_cursor *cursor, exo_span text, uint32_t max_depth);

/* The offset in the text of the next byte, or of the first wrong byte after an error. */
size_t exo_json_cursor_at(const exo_json_cursor *cursor);

/* The cursor as the encoder takes it; valid as long as `cursor` stays where it is. */
exo_cursor exo_json_cursor_of(exo_json_cursor *cursor);

/* ---- C structs ---- */

/* A value built of C structs, in memory of the caller's: static, on the stack, or from an arena. A node is one value;
 * the members of an array or object are linked by `next`. A loop is found as EXO_E_DEPTH_LIMIT only where it goes
 * through `first`. */
typedef struct exo_node {
    exo_value_type type; /* any but KEY and END */
    bool base64;         /* SOURCE only */
    bool escaped;        /* STRING only, as in exo_value */
    bool json;           /* `text` is a whole JSON value, walked in place of this node; `type` is not looked at */
    exo_span key;        /* in an object: the member's key, UTF-8 */
    exo_span text;       /* STRING, NUMBER; SOURCE: its prefix; the JSON text where `json` is set */
    union {
        int64_t i;
        uint64_t u;
    } number;
    const exo_source *source;
    const struct exo_node *first; /* ARRAY, OBJECT: the first member, or NULL */
    const struct exo_node *next;  /* the next member of the same array or object, or NULL */
} exo_node;

/* A cursor over nodes. Private but for sizeof. */
typedef struct exo_node_cursor {
    uint8_t depth_; /* small things first: a short instruction reaches them */
    uint8_t max_depth_;
    uint8_t state_;
    uint8_t marked_depth_;
    uint8_t marked_state_;
    const exo_node *at_;
    const exo_node *marked_at_;
    const exo_node *root_;
    int error_;
    exo_json_cursor inner_; /* over a node that is JSON text */
    const exo_node *stack_[EXO_JSON_DEPTH_MAX];
} exo_node_cursor;

/* Begins to walk the tree at `root`, which must outlive the cursor unchanged. */
void exo_node_cursor_init(exo_node_cursor *cursor, const exo_node *root, uint32_t max_depth);

/* The cursor as the encoder takes it; valid as long as `cursor` stays where it is. */
exo_cursor exo_node_cursor_of(exo_node_cursor *cursor);

#ifdef __cplusplus
}
#endif

#endif
