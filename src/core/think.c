/*
 * think.c: tells a <think> block at the start of a text from the rest of it, piece by piece.
 *
 * It looks for nothing but the two tags, and never searches a text that began otherwise. Called by chunk.c. Two bytes
 * of state are all its memory: what is held back is the beginning of a tag, and that is known.
 */
#include "exochat/think.h"

enum state {
    LET_THROUGH,
    AWAIT_OPEN, /* only white space has come */
    AWAIT_CLOSE
};

static const char *think_tag_of(const exo_think *think)
{
    return think->state_ == AWAIT_OPEN ? "<think>" : "</think>";
}

/* The length of the run at the front of `text` that belongs to no tag for sure. */
static size_t think_free_run(const exo_think *think, exo_span text)
{
    if (think->state_ == LET_THROUGH) {
        return text.len;
    }
    if (think->state_ == AWAIT_CLOSE) {
        const char *open = memchr(text.ptr, '<', text.len);
        return open ? (size_t)(open - text.ptr) : text.len;
    }
    size_t len = 0;
    while (len < text.len && memchr(" \t\r\n", text.ptr[len], 4)) {
        len++;
    }
    return len;
}

static exo_span think_take(exo_span *text, size_t len)
{
    exo_span front = exo_span_of(text->ptr, len);
    text->ptr += len;
    text->len -= len;
    return front;
}

void exo_think_init(exo_think *think, bool on)
{
    think->state_ = on ? AWAIT_OPEN : LET_THROUGH;
    think->held_ = 0;
}

bool exo_think_next(exo_think *think, exo_span *text, exo_span *part, bool *thought)
{
    while (text->len > 0) {
        const char *tag = think_tag_of(think);
        size_t run = think->held_ > 0 ? 0 : think_free_run(think, *text);
        if (run > 0) {
            *part = think_take(text, run);
            *thought = think->state_ == AWAIT_CLOSE;
            return true;
        }
        if (*text->ptr == tag[think->held_]) {
            think_take(text, 1);
            if (tag[++think->held_] == '\0') {
                think->held_ = 0;
                think->state_ = think->state_ == AWAIT_OPEN ? AWAIT_CLOSE : LET_THROUGH;
            }
        } else if (exo_think_end(think, part, thought)) {
            return true;
        }
    }
    return false;
}

bool exo_think_end(exo_think *think, exo_span *part, bool *thought)
{
    *part = exo_span_of(think_tag_of(think), think->held_);
    *thought = think->state_ == AWAIT_CLOSE;
    think->held_ = 0;
    if (think->state_ == AWAIT_OPEN) {
        think->state_ = LET_THROUGH;
    }
    return part->len > 0;
}
