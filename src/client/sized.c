/*
 * sized.c: see sized.h. Called wherever a public function is given a struct of options.
 */
#include "sized.h"

#include "exochat/error.h"

#include <string.h>

int exo_sized_take(void *into, size_t known, const void *from)
{
    size_t size;
    memcpy(&size, from, sizeof size);
    if (size <= sizeof size || size > known) {
        return EXO_E_ARGUMENT;
    }
    memcpy((char *)into + sizeof size, (const char *)from + sizeof size, size - sizeof size);
    return EXO_OK;
}
