/*
 * raw.c: see raw.h. encoding.c calls it.
 */
#include "raw.h"

#include "forked.h"

uint64_t exo_raw_total(const exo_raw *raw)
{
    return raw->source->rewind ? raw->source->size : EXO_SIZE_UNKNOWN;
}

/* An error that is not the caller's own is what a source has: it cannot be read. */
static int raw_fail(exo_raw *raw, int code)
{
    exo_error_class error_class = exo_error_class_of(code);
    raw->error_ = error_class == EXO_CLASS_CALLER || error_class == EXO_CLASS_LIMIT ? code : EXO_E_SOURCE_READ;
    return raw->error_;
}

/* Reads up to `size` bytes; `*got` is 0 at the end. */
static int raw_pull(exo_raw *raw, char *dst, size_t size, size_t *got)
{
    const exo_source *source = raw->source;
    *got = 0;
    if (!raw->begun_) {
        int code = source->rewind ? source->rewind(source->ctx) : EXO_OK;
        if (code < 0) {
            return raw_fail(raw, code);
        }
        raw->begun_ = true;
    }
    const unsigned forks = exo_forks();
    int code = source->read(source->ctx, dst, size, got);
    if (exo_forks() != forks) { /* what follows is the parent's to read */
        return raw_fail(raw, EXO_E_FORKED);
    }
    raw->starved = code == EXO_AGAIN && *got == 0;
    if (code < 0 || *got > size) {
        return raw_fail(raw, code < 0 ? code : EXO_E_SOURCE_READ);
    }
    return raw->starved ? EXO_AGAIN : EXO_OK;
}

/* The source has said that nothing follows. */
static int raw_end(exo_raw *raw)
{
    const exo_source *source = raw->source;
    int code = source->check ? source->check(source->ctx) : EXO_OK;
    raw->ended_ = code >= 0;
    return code < 0 ? raw_fail(raw, code) : EXO_OK;
}

/* All but the last byte is out, or nothing was to come: the source must say so too. */
static int raw_finish(exo_raw *raw, exo_window *window)
{
    char more;
    size_t got;
    int code = raw_pull(raw, &more, 1, &got);
    if (code != EXO_OK) {
        return code;
    }
    if (got > 0) {
        return raw_fail(raw, EXO_E_BODY_CHANGED);
    }
    code = raw_end(raw);
    if (code == EXO_OK && raw->held_) {
        window->dst[window->pos++] = raw->last_;
        raw->written_++;
    }
    return code;
}

static int raw_pass(exo_raw *raw, uint64_t total, exo_window *window)
{
    size_t room = window->size - window->pos;
    char *dst = window->dst + window->pos;
    size_t got;
    int code = raw_pull(raw, dst, total - raw->taken_ < room ? (size_t)(total - raw->taken_) : room, &got);
    if (code != EXO_OK) {
        return code;
    }
    if (got == 0) {
        return total == EXO_SIZE_UNKNOWN ? raw_end(raw) : raw_fail(raw, EXO_E_BODY_CHANGED);
    }
    raw->taken_ += got;
    if (raw->taken_ == total) {
        raw->held_ = true;
        raw->last_ = dst[--got];
    }
    window->pos += got;
    raw->written_ += got;
    return EXO_OK;
}

int exo_raw_write(exo_raw *raw, exo_window *window)
{
    uint64_t total = exo_raw_total(raw);
    int code = raw->error_;
    while (code == EXO_OK && !raw->ended_) {
        if (window->pos == window->size) {
            return EXO_AGAIN;
        }
        code = raw->taken_ == total ? raw_finish(raw, window) : raw_pass(raw, total, window);
    }
    return code;
}

bool exo_raw_spent(const exo_raw *raw)
{
    return !raw->source->rewind && (raw->taken_ > 0 || raw->ended_);
}

int exo_raw_rewind(exo_raw *raw)
{
    const exo_source *source = raw->source;
    if (exo_raw_spent(raw)) {
        return EXO_E_SOURCE_ONCE;
    }
    memset(raw, 0, sizeof *raw);
    raw->source = source;
    return EXO_OK;
}
