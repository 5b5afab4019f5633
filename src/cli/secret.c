/*
 * secret.c: see secret.h. It would rather hide too much.
 */
#include "secret.h"

static bool secret_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool secret_is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool secret_begins(exo_span word)
{
    static const char *const beginnings[] = {"sk-", "sk_", "gsk_", "hf_", "xai-", "pplx-", "AIza", "key-", "nvapi-"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        size_t len = strlen(beginnings[i]);
        if (word.len > len && memcmp(word.ptr, beginnings[i], len) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a run of letters, digits, "-" and "_" may be a key. */
static bool secret_is_likely(exo_span word)
{
    size_t digits = 0;
    for (size_t i = 0; i < word.len; i++) {
        digits += secret_is_digit(word.ptr[i]);
    }
    return secret_begins(word) || (word.len >= 20 && digits > 0);
}

const char *secret_hidden(const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t len = 0;
        while (secret_is_letter(at[len]) || secret_is_digit(at[len]) || at[len] == '-' || at[len] == '_') {
            len++;
        }
        if (secret_is_likely(exo_span_of(at, len))) {
            return "*** (not shown, as it may be a key)";
        }
        at += len > 0 ? len : 1;
    }
    return text;
}

bool secret_is_name(const char *text)
{
    size_t len = 0;
    while (secret_is_letter(text[len]) || text[len] == '_' || (len > 0 && secret_is_digit(text[len]))) {
        len++;
    }
    return len > 0 && text[len] == '\0';
}

const char *secret_variable(const char *name)
{
    size_t digits = 0;
    size_t small = 0;
    for (const char *at = name; *at != '\0'; at++) {
        digits += secret_is_digit(*at);
        small += *at >= 'a' && *at <= 'z';
    }
    bool usual = secret_is_name(name) && digits < 5 && small == 0 && strlen(name) <= 64;
    return usual ? name : "variable of that name";
}
