/*
 * error_words.c: the names and texts of errors, unpacked when they are asked for, so that they take half of the flash;
 * see tools/pack-errors.py.
 */
#include "binding.h"

#ifdef EXO_NO_ERROR_NAMES

mp_obj_t exomp_error_name(int code)
{
    return exomp_word(exo_error_name(code));
}

#else

#include "error_words.h"

/* Writes what a byte of a packed string stands for, and returns where that ends. */
static char *error_unpack(const uint8_t (*pairs)[2], unsigned byte, char *to)
{
    while (byte >= ERROR_FIRST_PAIR) {
        const uint8_t *pair = pairs[byte - ERROR_FIRST_PAIR];
        to = error_unpack(pairs, pair[0], to);
        byte = pair[1];
    }
    *to = (char)byte;
    return to + 1;
}

/* Whether there is such a number. */
static bool error_is_known(int code)
{
    return code >= EXO_OK ? code <= EXO_NOT_FOUND : exo_error_class_of(code) != EXO_CLASS_NONE;
}

static mp_obj_t error_words(const uint8_t *packed, const uint8_t (*pairs)[2], int code)
{
    char text[ERROR_WORDS_MAX];
    char *end = text;
    const uint8_t *row = packed;
    for (int known = EXO_NOT_FOUND; known >= code && error_is_known(code); known--) {
        if (error_is_known(known)) {
            row += strlen((const char *)row) + 1;
        }
    }
    for (; *row; row++) {
        end = error_unpack(pairs, *row, end);
    }
    return mp_obj_new_str(text, (size_t)(end - text));
}

mp_obj_t exomp_error_name(int code)
{
    return error_words(error_names, error_names_pairs, code);
}

mp_obj_t exomp_error_text(int code)
{
    return error_words(error_texts, error_texts_pairs, code);
}

#endif
