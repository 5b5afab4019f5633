/*
 * order.c: see order.h. Called by the registry.
 *
 * Places that are taken out leave gaps. Where there is no room for more, and half of it are gaps, those are closed: in
 * all a constant number of steps for each thing.
 */
#include "order.h"

#include "exochat/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How many places the sum at `at` is of: its lowest bit. */
static size_t order_span(size_t at)
{
    return at & (~at + 1);
}

/* Closes the gaps. */
static void order_close_gaps(exo_order *order)
{
    size_t used = 0;
    for (size_t i = 0; i < order->used_; i++) {
        exo_place *place = order->places_[i];
        if (place) {
            order->places_[used++] = place;
            place->at_ = used;
            order->sums_[used - 1] = order_span(used);
        }
    }
    order->used_ = used;
}

int exo_order_reserve(exo_order *order, size_t more)
{
    if (more <= order->room_ - order->used_) {
        return EXO_OK;
    }
    if (more <= order->room_ / 2 && order->count <= order->room_ / 2 - more) {
        order_close_gaps(order);
        return EXO_OK;
    }
    size_t least = more <= SIZE_MAX / 4 / sizeof(void *) - order->used_ ? order->used_ + more : 0;
    size_t room = least > 2 * order->room_ ? least : 2 * order->room_;
    exo_place **places = least > 0 ? realloc(order->places_, room * sizeof(exo_place *)) : NULL;
    if (!places) {
        return EXO_E_NO_MEMORY;
    }
    order->places_ = places;
    size_t *sums = realloc(order->sums_, room * sizeof(size_t));
    if (!sums) {
        return EXO_E_NO_MEMORY;
    }
    order->sums_ = sums;
    order->room_ = room;
    return EXO_OK;
}

void exo_order_append(exo_order *order, exo_place *place)
{
    size_t at = ++order->used_;
    size_t sum = 1;
    for (size_t below = 1; below < order_span(at); below *= 2) {
        sum += order->sums_[at - below - 1];
    }
    order->sums_[at - 1] = sum;
    order->places_[at - 1] = place;
    order->count++;
    place->at_ = at;
}

void exo_order_remove(exo_order *order, exo_place *place)
{
    if (!exo_place_is_taken(place)) {
        return;
    }
    order->places_[place->at_ - 1] = NULL;
    order->count--;
    for (size_t at = place->at_; at <= order->used_; at += order_span(at)) {
        order->sums_[at - 1]--;
    }
    place->at_ = 0;
}

exo_place *exo_order_at(const exo_order *order, size_t index)
{
    if (index >= order->count) {
        return NULL;
    }
    size_t before = 0; /* so many places lie before it, all of them passed over */
    size_t step = 1;
    while (step <= order->used_ / 2) {
        step *= 2;
    }
    for (; step > 0; step /= 2) {
        if (step <= order->used_ - before && order->sums_[before + step - 1] <= index) {
            before += step;
            index -= order->sums_[before - 1];
        }
    }
    return order->places_[before];
}

void exo_order_free(exo_order *order)
{
    free(order->places_);
    free(order->sums_);
    memset(order, 0, sizeof *order);
}
