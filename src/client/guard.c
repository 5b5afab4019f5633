/*
 * guard.c: see guard.h. encoding.c calls it for values; requests have no cursor of the caller's.
 */
#include "guard.h"

#include "forked.h"

/* What a cursor or source says of the endpoint is none of its business: that is the caller's error, of kind `standard`.
 */
static int guard_error_of(int code, int standard)
{
    if (code >= 0) {
        return code;
    }
    exo_error_class error_class = exo_error_class_of(code);
    bool own = error_class == EXO_CLASS_CALLER || error_class == EXO_CLASS_LIMIT || error_class == EXO_CLASS_VIOLATION;
    return own ? code : standard;
}

/* ---- sources ---- */

static int guard_read(void *ctx, void *dst, size_t size, size_t *got)
{
    exo_guard *g = ctx;
    const unsigned forks = exo_forks();
    int code = g->given_->read(g->given_->ctx, dst, size, got);
    if (exo_forks() != forks) { /* what follows is the parent's to read */
        return EXO_E_FORKED;
    }
    g->starved = code == EXO_AGAIN && *got == 0;
    return guard_error_of(code, EXO_E_SOURCE_READ);
}

static int guard_rewind_source(void *ctx)
{
    const exo_source *given = ((exo_guard *)ctx)->given_;
    return guard_error_of(given->rewind(given->ctx), EXO_E_SOURCE_READ);
}

static int guard_check(void *ctx)
{
    const exo_source *given = ((exo_guard *)ctx)->given_;
    return given->check ? guard_error_of(given->check(given->ctx), EXO_E_SOURCE_READ) : EXO_OK;
}

static int guard_pass_source(exo_guard *g, exo_value *value)
{
    int code = value->source->read ? exo_claims_source(g->claims_, value->source) : EXO_E_TYPE;
    if (code == EXO_OK) {
        g->given_ = value->source;
        g->own_.ctx = g;
        g->own_.size = value->source->size;
        g->own_.read = guard_read;
        g->own_.rewind = value->source->rewind ? guard_rewind_source : NULL;
        g->own_.check = guard_check;
        value->source = &g->own_;
    }
    g->why = code == EXO_E_STATE ? "a source is in use by another call" : NULL;
    return code;
}

/* ---- tokens ---- */

static void guard_note(exo_guard *g, const exo_value *value)
{
    exo_guard_place *at = &g->place_;
    if (value->type == EXO_VALUE_END) {
        at->depth_ -= at->depth_ > 0;
        at->in_messages_ = at->in_messages_ && at->depth_ >= 2;
        return;
    }
    g->has_messages = g->has_messages || at->in_messages_;
    if (value->type == EXO_VALUE_KEY) {
        at->names_messages_ = at->depth_ == 1 && exo_value_is(value, exo_span_text("messages"));
        return;
    }
    at->in_messages_ = at->in_messages_ || (at->names_messages_ && value->type == EXO_VALUE_ARRAY);
    at->names_messages_ = false;
    at->depth_ += value->type == EXO_VALUE_ARRAY || value->type == EXO_VALUE_OBJECT;
}

static int guard_next(void *ctx, exo_value *value)
{
    exo_guard *g = ctx;
    const unsigned forks = exo_forks();
    if (g->is_forked_) {
        return EXO_E_FORKED;
    }
    int code = guard_error_of(g->inner_.ops->next(g->inner_.ctx, value), EXO_E_REQUEST);
    if (exo_forks() != forks) {
        return EXO_E_FORKED;
    }
    if (code == EXO_EVENT) {
        guard_note(g, value);
    }
    if (code == EXO_EVENT && value->type == EXO_VALUE_SOURCE && value->source) {
        int passed = guard_pass_source(g, value);
        code = passed == EXO_OK ? code : passed;
    }
    return code;
}

static int guard_rewind(void *ctx)
{
    exo_guard *g = ctx;
    memset(&g->place_, 0, sizeof g->place_);
    return guard_error_of(g->inner_.ops->rewind(g->inner_.ctx), EXO_E_REQUEST);
}

static int guard_mark(void *ctx)
{
    exo_guard *g = ctx;
    g->marked_ = g->place_;
    return guard_error_of(g->inner_.ops->mark(g->inner_.ctx), EXO_E_REQUEST);
}

static int guard_reset(void *ctx)
{
    exo_guard *g = ctx;
    g->place_ = g->marked_;
    return guard_error_of(g->inner_.ops->reset(g->inner_.ctx), EXO_E_REQUEST);
}

/* What is passed over in one walk is seen in another. */
static size_t guard_pass(void *ctx, uint32_t levels)
{
    exo_guard *g = ctx;
    const unsigned forks = exo_forks();
    const size_t count = g->inner_.ops->pass ? g->inner_.ops->pass(g->inner_.ctx, levels) : 0;
    g->is_forked_ |= exo_forks() != forks;
    g->place_.names_messages_ = g->place_.names_messages_ && count == 0;
    return count;
}

static bool guard_is_plain(void *ctx)
{
    exo_guard *g = ctx;
    const unsigned forks = exo_forks();
    const bool is_plain = g->inner_.ops->is_plain && g->inner_.ops->is_plain(g->inner_.ctx);
    g->is_forked_ |= exo_forks() != forks;
    return is_plain;
}

void exo_guard_init(exo_guard *guard, const exo_cursor *inner, exo_claim_list *claims)
{
    memset(guard, 0, sizeof *guard);
    guard->inner_ = *inner;
    guard->claims_ = claims;
}

exo_cursor exo_guard_cursor(exo_guard *guard)
{
    static const exo_cursor_ops ops = {
        .next = guard_next,
        .rewind = guard_rewind,
        .mark = guard_mark,
        .reset = guard_reset,
        .pass = guard_pass,
        .is_plain = guard_is_plain,
    };
    exo_cursor view = {&ops, guard};
    return view;
}

int exo_guard_model(exo_guard *guard, char *model, size_t size)
{
    exo_value value;
    bool named = false;
    model[0] = '\0';
    memset(&value, 0, sizeof value);
    int code = guard_rewind(guard);
    while (code >= 0 && (code = guard_next(guard, &value)) == EXO_EVENT) {
        if (named && value.type == EXO_VALUE_STRING) {
            const exo_json_token token = {EXO_JSON_STRING, !value.escaped, value.text, value.text};
            size_t len = exo_json_copy(&token, model, size);
            if (len + sizeof "\xF0\x9F\x98\x80" > size || strlen(model) != len) { /* it may have been cut */
                model[0] = '\0';
            }
        }
        if (named || guard->place_.depth_ == 0) {
            return EXO_OK;
        }
        named =
            value.type == EXO_VALUE_KEY && guard->place_.depth_ == 1 && exo_value_is(&value, exo_span_text("model"));
    }
    return code < 0 ? code : EXO_OK;
}
