/*
 * sized.h: structs of options as callers give them: of this version of the library, or of an older one.
 */
#ifndef EXO_CLIENT_SIZED_H
#define EXO_CLIENT_SIZED_H

#include <stddef.h>

/* Copies into `into`, which holds the defaults and is of `known` bytes, what the caller's struct `from` has; both begin
 * with `size_t size`, and that of `into` stays. EXO_OK; EXO_E_ARGUMENT when `from` is larger, or was not begun with its
 * macro: nothing is copied. See options.h. */
int exo_sized_take(void *into, size_t known, const void *from);

#endif
