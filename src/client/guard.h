/*
 * guard.h: stands between the encoder and a value of the caller's, whose cursor may do anything.
 *
 * It passes the tokens on as they are, and knows afterwards what the encoder cannot tell: whether the value has
 * messages, whether a source in it had nothing ready, and whether one is in use elsewhere. An error of the cursor
 * becomes one that no route takes for the endpoint's. Memory: fixed, beside the claims.
 */
#ifndef EXO_CLIENT_GUARD_H
#define EXO_CLIENT_GUARD_H

#include "claims.h"

/* Where the guard is in the value. Private. */
typedef struct exo_guard_place {
    uint32_t depth_;
    bool names_messages_; /* the key just passed is "messages", at the top level */
    bool in_messages_;
} exo_guard_place;

/* The guard. It must stay where it is. */
typedef struct exo_guard {
    bool has_messages; /* a list with something in it was passed */
    bool starved;      /* the source that was read last had nothing ready */
    const char *why;   /* what the last error was about, or NULL */
    exo_cursor inner_;
    exo_claim_list *claims_;
    exo_guard_place place_;
    exo_guard_place marked_;
    bool is_forked_;          /* a short cut of the cursor has made this process */
    const exo_source *given_; /* the source of the token just passed, which own_ stands before */
    exo_source own_;
} exo_guard;

/* Begins to guard `inner`; what it meets is claimed in `claims` (both borrowed, the struct `inner` is copied). */
void exo_guard_init(exo_guard *guard, const exo_cursor *inner, exo_claim_list *claims);

/* The cursor to give to the encoder. */
exo_cursor exo_guard_cursor(exo_guard *guard);

/* Looks for the text of the top-level key "model", from the first token on, and stores it in `model` of `size` bytes:
 * "" where there is none, or it is no string, has a NUL, or does not fit. EXO_OK or the cursor's error. */
int exo_guard_model(exo_guard *guard, char *model, size_t size);

#endif
