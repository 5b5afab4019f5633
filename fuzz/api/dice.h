/*
 * dice.h: numbers that look random and follow from a seed: splitmix64.
 */
#ifndef FUZZ_DICE_H
#define FUZZ_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* The next 64 bits of the sequence that `state` is in. */
static inline uint64_t dice_roll(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A number below `count`. */
static inline uint32_t dice_below(uint64_t *state, uint32_t count)
{
    return (uint32_t)((dice_roll(state) >> 33) % count);
}

/* True once in `count`. */
static inline bool dice_once_in(uint64_t *state, uint32_t count)
{
    return dice_below(state, count) == 0;
}

#endif
