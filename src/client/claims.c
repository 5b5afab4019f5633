/*
 * claims.c: see claims.h.
 */
#include "claims.h"

#include "heap.h"

#include <search.h>

struct exo_claim {
    uintptr_t functions;
    uintptr_t subject;
    const exo_claim_list *owner;
    struct exo_claim *next; /* of the same owner */
};

static int claims_compare(const void *a, const void *b)
{
    const struct exo_claim *left = a;
    const struct exo_claim *right = b;
    if (left->functions != right->functions) {
        return left->functions < right->functions ? -1 : 1;
    }
    return left->subject == right->subject ? 0 : left->subject < right->subject ? -1 : 1;
}

static int claims_take(exo_claim_list *list, uintptr_t functions, uintptr_t subject)
{
    struct exo_claim wanted = {functions, subject, list, NULL};
    if (!list->of) {
        return EXO_OK;
    }
    struct exo_claim *const *known = tfind(&wanted, &list->of->tree_, claims_compare);
    if (known) {
        return (*known)->owner == list ? EXO_OK : EXO_E_STATE;
    }
    struct exo_claim *claim = exo_heap.resize(exo_heap.ctx, NULL, sizeof *claim);
    if (!claim) {
        return EXO_E_NO_MEMORY;
    }
    *claim = wanted;
    if (!tsearch(claim, &list->of->tree_, claims_compare)) {
        exo_heap.resize(exo_heap.ctx, claim, 0);
        return EXO_E_NO_MEMORY;
    }
    claim->next = list->first_;
    list->first_ = claim;
    return EXO_OK;
}

int exo_claims_cursor(exo_claim_list *list, const exo_cursor *cursor)
{
    return claims_take(list, (uintptr_t)cursor->ops, (uintptr_t)cursor->ctx);
}

int exo_claims_source(exo_claim_list *list, const exo_source *source)
{
    return claims_take(list, (uintptr_t)source->read, (uintptr_t)source->ctx);
}

void exo_claims_release(exo_claim_list *list)
{
    while (list->first_) {
        struct exo_claim *claim = list->first_;
        list->first_ = claim->next;
        tdelete(claim, &list->of->tree_, claims_compare);
        exo_heap.resize(exo_heap.ctx, claim, 0);
    }
}
