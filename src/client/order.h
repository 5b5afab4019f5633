/*
 * order.h: things in the order in which they came, found by their number, and taken out from anywhere.
 *
 * A thing has its place as its first member. Appending, taking out and finding by number cost O(log n), whatever is
 * done in turn. It knows nothing of what is ordered. Memory: two words for each thing, and for as many again.
 */
#ifndef EXO_CLIENT_ORDER_H
#define EXO_CLIENT_ORDER_H

#include <stdbool.h>
#include <stddef.h>

/* The place of a thing. Zero it to begin with: in no order. */
typedef struct exo_place {
    size_t at_; /* from 1 on */
} exo_place;

/* Zero it to begin with. */
typedef struct exo_order {
    size_t count;
    exo_place **places_; /* in order, with NULL where something was taken out */
    size_t *sums_;       /* a binary indexed tree (Fenwick) of how many are there */
    size_t used_;
    size_t room_;
} exo_order;

/* Makes room for `more` things. EXO_OK or EXO_E_NO_MEMORY. */
int exo_order_reserve(exo_order *order, size_t more);

/* Appends a thing, for which there is room. */
void exo_order_append(exo_order *order, exo_place *place);

/* Whether a thing is in an order. */
static inline bool exo_place_is_taken(const exo_place *place)
{
    return place->at_ > 0;
}

/* Takes a thing out, if it is in. */
void exo_order_remove(exo_order *order, exo_place *place);

/* The thing with number `index`, or NULL. */
exo_place *exo_order_at(const exo_order *order, size_t index);

/* Frees the order, not the things. */
void exo_order_free(exo_order *order);

#endif
