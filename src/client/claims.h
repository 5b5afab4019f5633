/*
 * claims.h: which of the caller's cursors and sources are in use, so that no two calls of a client read from one.
 *
 * What is claimed is known by two words: the functions of a cursor or source, and what they work on. A claim belongs to
 * whoever keeps it in its list. Finding one costs O(log n). Memory: a record for each claim.
 */
#ifndef EXO_CLIENT_CLAIMS_H
#define EXO_CLIENT_CLAIMS_H

#include "exochat/value.h"

/* All claims of one client. Zero it to begin with. */
typedef struct exo_claims {
    void *tree_;
} exo_claims;

/* What one body has claimed. Zero it, and set `of`; NULL: nothing is looked at. */
typedef struct exo_claim_list {
    exo_claims *of;
    struct exo_claim *first_;
} exo_claim_list;

/* Claims a cursor, or a source, for the owner of `list`; again is no harm. EXO_OK; EXO_E_STATE: another one has it; or
 * EXO_E_NO_MEMORY. */
int exo_claims_cursor(exo_claim_list *list, const exo_cursor *cursor);
int exo_claims_source(exo_claim_list *list, const exo_source *source);

/* Gives all claims of `list` back. */
void exo_claims_release(exo_claim_list *list);

#endif
