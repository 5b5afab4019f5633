/*
 * value.c: cursors over JSON text and over trees of C structs.
 *
 * They hand out tokens and know nothing of requests: the encoder calls them, and whoever else walks a value. They
 * compare no keys and copy no text; their memory is the cursor, with one pointer per open array or object of a tree.
 */
#include "exochat/value.h"

bool exo_value_is(const exo_value *value, exo_span text)
{
    return exo_json_equal(value->text, !value->escaped, text);
}

/* ---- JSON text ---- */

static const uint8_t value_types[] = {
    [EXO_JSON_NULL] = EXO_VALUE_NULL,     [EXO_JSON_FALSE] = EXO_VALUE_FALSE,   [EXO_JSON_TRUE] = EXO_VALUE_TRUE,
    [EXO_JSON_NUMBER] = EXO_VALUE_NUMBER, [EXO_JSON_STRING] = EXO_VALUE_STRING, [EXO_JSON_KEY] = EXO_VALUE_KEY,
    [EXO_JSON_ARRAY] = EXO_VALUE_ARRAY,   [EXO_JSON_ARRAY_END] = EXO_VALUE_END, [EXO_JSON_OBJECT] = EXO_VALUE_OBJECT,
    [EXO_JSON_OBJECT_END] = EXO_VALUE_END};

static int value_json_next(void *ctx, exo_value *value)
{
    exo_json_cursor *cursor = ctx;
    exo_json_token token;
    int rc = exo_json_next(&cursor->reader_, &token);
    if (rc != EXO_EVENT) {
        return rc;
    }
    *value = (exo_value){
        .type = (exo_value_type)value_types[token.type],
        .escaped = !token.plain && (token.type == EXO_JSON_STRING || token.type == EXO_JSON_KEY),
        .text = token.text,
    };
    return EXO_EVENT;
}

static int value_json_rewind(void *ctx)
{
    exo_json_cursor *cursor = ctx;
    exo_json_reader_init(&cursor->reader_, cursor->text_, cursor->max_depth_, true);
    return EXO_OK;
}

static int value_json_mark(void *ctx)
{
    exo_json_cursor *cursor = ctx;
    cursor->marked_ = cursor->reader_;
    return EXO_OK;
}

static int value_json_reset(void *ctx)
{
    exo_json_cursor *cursor = ctx;
    cursor->reader_ = cursor->marked_;
    return EXO_OK;
}

void exo_json_cursor_init(exo_json_cursor *cursor, exo_span text, uint32_t max_depth)
{
    cursor->text_ = text;
    cursor->max_depth_ = max_depth;
    value_json_rewind(cursor);
    value_json_mark(cursor);
}

size_t exo_json_cursor_at(const exo_json_cursor *cursor)
{
    return cursor->reader_.at;
}

exo_cursor exo_json_cursor_of(exo_json_cursor *cursor)
{
    static const exo_cursor_ops ops = {
        .next = value_json_next, .rewind = value_json_rewind, .mark = value_json_mark, .reset = value_json_reset};
    exo_cursor view = {&ops, cursor};
    return view;
}

/* ---- C structs ---- */

enum wait {
    WAIT_MEMBER, /* at_ is the next member of the innermost array or object; NULL is its end */
    WAIT_VALUE,  /* at_ is a node whose key, if any, has been handed out */
    WAIT_INNER,  /* at_ is a node of JSON text that is being walked */
    WAIT_NOTHING /* the root is complete */
};

static exo_value_type value_container_type(const exo_node_cursor *cursor)
{
    return cursor->stack_[cursor->depth_ - 1]->type;
}

/* The node at_ is complete: what follows it is its sibling, or nothing. */
static void value_node_done(exo_node_cursor *cursor)
{
    if (cursor->depth_ == 0) {
        cursor->state_ = WAIT_NOTHING;
    } else {
        cursor->at_ = cursor->at_->next;
        cursor->state_ = WAIT_MEMBER;
    }
}

static int value_next_member(exo_node_cursor *cursor, exo_value *value)
{
    if (!cursor->at_) {
        value->type = EXO_VALUE_END;
        cursor->at_ = cursor->stack_[--cursor->depth_];
        value_node_done(cursor);
        return EXO_EVENT;
    }
    value->type = EXO_VALUE_KEY;
    value->text = cursor->at_->key;
    cursor->state_ = WAIT_VALUE;
    return EXO_EVENT;
}

static int value_next_inner(exo_node_cursor *cursor, exo_value *value)
{
    int rc = value_json_next(&cursor->inner_, value);
    if (rc == EXO_OK) {
        value_node_done(cursor);
    }
    return rc;
}

static int next_value(exo_node_cursor *cursor, exo_value *value)
{
    const exo_node *node = cursor->at_;
    if (node->json) {
        exo_json_cursor_init(&cursor->inner_, node->text, (uint32_t)(cursor->max_depth_ - cursor->depth_));
        cursor->state_ = WAIT_INNER;
        return value_next_inner(cursor, value);
    }
    if (node->type == EXO_VALUE_KEY || node->type >= EXO_VALUE_END ||
        (node->type == EXO_VALUE_SOURCE && !node->source)) {
        return EXO_E_TYPE;
    }
    value->type = node->type;
    value->base64 = node->base64;
    value->escaped = node->escaped && node->type == EXO_VALUE_STRING;
    value->text = node->text;
    value->source = node->source;
    value->number.u = node->number.u;
    if (node->type != EXO_VALUE_ARRAY && node->type != EXO_VALUE_OBJECT) {
        value_node_done(cursor);
        return EXO_EVENT;
    }
    if (cursor->depth_ == cursor->max_depth_) {
        return EXO_E_DEPTH_LIMIT;
    }
    cursor->stack_[cursor->depth_++] = node;
    cursor->at_ = node->first;
    cursor->state_ = WAIT_MEMBER;
    return EXO_EVENT;
}

/* One token, or EXO_OK where the text of an inner value, or the root, is complete. */
static int value_next_token(exo_node_cursor *cursor, exo_value *value)
{
    switch ((enum wait)cursor->state_) {
    case WAIT_MEMBER:
        if (!cursor->at_ || value_container_type(cursor) == EXO_VALUE_OBJECT) {
            return value_next_member(cursor, value);
        }
        return next_value(cursor, value);
    case WAIT_VALUE:
        return next_value(cursor, value);
    case WAIT_INNER:
        return value_next_inner(cursor, value);
    default:
        return EXO_OK;
    }
}

static int value_node_next(void *ctx, exo_value *value)
{
    exo_node_cursor *cursor = ctx;
    if (cursor->error_ != EXO_OK) {
        return cursor->error_;
    }
    memset(value, 0, sizeof *value);
    int rc;
    do {
        rc = value_next_token(cursor, value);
    } while (rc == EXO_OK && cursor->state_ != WAIT_NOTHING);
    cursor->error_ = rc < 0 ? rc : EXO_OK;
    return rc;
}

static int value_node_rewind(void *ctx)
{
    exo_node_cursor *cursor = ctx;
    cursor->depth_ = 0;
    cursor->error_ = EXO_OK;
    cursor->at_ = cursor->root_;
    cursor->state_ = WAIT_VALUE;
    return EXO_OK;
}

/* The nodes below the mark are not copied: as long as their arrays and objects are open, they stay in the stack. */
static int value_node_mark(void *ctx)
{
    exo_node_cursor *cursor = ctx;
    cursor->marked_depth_ = cursor->depth_;
    cursor->marked_state_ = cursor->state_;
    cursor->marked_at_ = cursor->at_;
    return value_json_mark(&cursor->inner_);
}

static int value_node_reset(void *ctx)
{
    exo_node_cursor *cursor = ctx;
    cursor->depth_ = cursor->marked_depth_;
    cursor->state_ = cursor->marked_state_;
    cursor->at_ = cursor->marked_at_;
    cursor->error_ = EXO_OK;
    return value_json_reset(&cursor->inner_);
}

#ifndef EXO_SMALL
/* The most nodes that are passed, or looked at, at once. */
enum {
    NODES_PASSED = 4096,
    NODES_LOOKED_AT = 64
};

/* Whether a node is what it says, all by itself: no text to be read, no source, nothing that is wrong. */
static bool value_is_simple(const exo_node *node)
{
    return !node->json && (unsigned)node->type < EXO_VALUE_END && node->type != EXO_VALUE_SOURCE &&
           node->type != EXO_VALUE_KEY;
}

/* Above its depth, the stack of the cursor is free. */
static size_t value_node_pass(void *ctx, uint32_t levels)
{
    exo_node_cursor *cursor = ctx;
    const exo_node **const stack = cursor->stack_ + cursor->depth_;
    const unsigned room = (unsigned)(cursor->max_depth_ - cursor->depth_);
    unsigned depth = 0;
    size_t count = 0;
    if (cursor->state_ != WAIT_VALUE || cursor->error_ != EXO_OK) {
        return 0;
    }
    const exo_node *node = cursor->at_;
    do {
        const bool is_container = node->type == EXO_VALUE_ARRAY || node->type == EXO_VALUE_OBJECT;
        if (!value_is_simple(node) || count == NODES_PASSED || (is_container && (depth == room || depth == levels))) {
            return 0;
        }
        count++;
        if (is_container) {
            stack[depth++] = node;
            node = node->first;
        } else {
            node = depth > 0 ? node->next : NULL;
        }
        while (!node && depth > 0) {
            const exo_node *const ended = stack[--depth];
            node = depth > 0 ? ended->next : NULL;
        }
    } while (node);
    value_node_done(cursor);
    return count;
}

static bool value_node_is_plain(void *ctx)
{
    const exo_node_cursor *cursor = ctx;
    const exo_node *node = cursor->at_;
    for (unsigned count = 0; node && count < NODES_LOOKED_AT; count++) {
        if (node->key.len > 0 && *node->key.ptr == '_') {
            return false;
        }
        node = node->next;
    }
    return cursor->state_ == WAIT_MEMBER && !node;
}
#endif

void exo_node_cursor_init(exo_node_cursor *cursor, const exo_node *root, uint32_t max_depth)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->root_ = root;
    cursor->max_depth_ = (uint8_t)(max_depth < EXO_JSON_DEPTH_MAX ? max_depth : EXO_JSON_DEPTH_MAX);
    value_node_rewind(cursor);
    value_node_mark(cursor);
}

exo_cursor exo_node_cursor_of(exo_node_cursor *cursor)
{
    static const exo_cursor_ops ops = {
        .next = value_node_next,
        .rewind = value_node_rewind,
        .mark = value_node_mark,
        .reset = value_node_reset,
#ifndef EXO_SMALL
        .pass = value_node_pass,
        .is_plain = value_node_is_plain,
#endif
    };
    exo_cursor view = {&ops, cursor};
    return view;
}
