/*
 * json_repair_write.c: what a repair writes, valid whatever was read.
 *
 * It mends escapes, UTF-8, control characters, literals and numbers, and knows nothing of the structure around them:
 * json_repair.c has read the token. Its memory is the caller's buffer.
 */
#include "json_repair_write.h"

#include "ascii.h"
#include "json_text.h"

/* Whether the text ends with the token. */
static bool repair_is_cut(const repair *r)
{
    return r->token.ptr + r->token.len == r->in.ptr + r->in.len;
}

/* Takes the first bytes off the token. */
static void repair_drop(repair *r, size_t len)
{
    r->token.ptr += len;
    r->token.len -= len;
}

void exo_repair_put(repair *r, const char *text, size_t len)
{
    if (r->out && r->error == EXO_OK) {
        r->error = exo_buffer_append(r->out, exo_span_of(text, len));
    }
}

void exo_repair_put_text(repair *r, const char *text)
{
    exo_repair_put(r, text, strlen(text));
}

void exo_repair_put_byte(repair *r, int byte)
{
    const char text = (char)byte;
#ifndef EXO_SMALL
    if (r->out && r->error == EXO_OK && r->out->len < r->out->capacity_) {
        r->out->data[r->out->len++] = text;
        return;
    }
#endif
    exo_repair_put(r, &text, 1);
}

/* Writes the token's first bytes and takes them off. */
static void repair_pass(repair *r, size_t len)
{
    exo_repair_put(r, r->token.ptr, len);
    repair_drop(r, len);
}

/* Passes the escape \uXXXX that names `unit`; one half of a pair without the other becomes U+FFFD. */
static void repair_pass_unicode(repair *r, int32_t unit)
{
    const exo_span text = r->token;
    const size_t low = r->twice && text.len > 7 && text.ptr[7] == '\\' ? 7 : 6;
    if (unit >> 10 == 0xD800 >> 10 && (exo_json_code_unit(text.ptr + low, text.len - low) >> 10) == 0xDC00 >> 10) {
        exo_repair_put(r, text.ptr, 6);
        repair_drop(r, low);
    } else if (unit >> 11 == 0xD800 >> 11) {
        exo_repair_put_text(r, "\\ufffd");
        repair_drop(r, 6);
        return;
    }
    repair_pass(r, 6);
}

/* Passes an escape, mended. One that JSON does not know keeps its reverse solidus, as regular expressions and paths
 * need it; where the text ends with this string, an escape without its end is dropped. */
static void repair_pass_escape(repair *r)
{
    const exo_span text = r->token;
    const int name = text.len > 1 ? (uint8_t)text.ptr[1] : -1;
    const int32_t unit = exo_json_code_unit(text.ptr, text.len);
    if (unit >= 0) {
        repair_pass_unicode(r, unit);
    } else if (exo_json_escape_value(name) >= 0) {
        repair_pass(r, 2);
    } else if (name == '\'' || name == '`' || name == 0xE2 || (name >= 0 && name <= ' ')) {
        repair_drop(r, 1);
    } else if (name == 'x' && text.len > 3 && exo_json_hex_value((uint8_t)text.ptr[2]) >= 0 &&
               exo_json_hex_value((uint8_t)text.ptr[3]) >= 0) {
        exo_repair_put_text(r, "\\u00");
        repair_drop(r, 2);
        repair_pass(r, 2);
    } else if (repair_is_cut(r) && text.len < (name == 'x' ? 4 : name == 'u' ? 6 : 2)) {
        repair_drop(r, text.len);
    } else {
        exo_repair_put_byte(r, '\\');
        repair_pass(r, 1);
    }
}

/* Passes what may not stand in a string as it is. */
static void repair_pass_mended(repair *r)
{
    const exo_span text = r->token;
    if ((uint8_t)*text.ptr >= 0x80) {
        const int size = exo_utf8_check(text.ptr, text.len);
        exo_repair_put_text(r, JSON_REPLACEMENT);
        repair_drop(r, size == 0 ? text.len : (size_t)-size);
    } else if (*text.ptr != '\\') {
        char escape[JSON_ESCAPE_MAX];
        exo_repair_put(r, escape, exo_json_put_escape(*text.ptr, escape));
        repair_drop(r, 1);
    } else {
        if (r->twice && text.len > 1 && text.ptr[1] == '\\') {
            repair_drop(r, 1);
            if (text.len > 3 && text.ptr[2] == '\\' && (text.ptr[3] == '"' || text.ptr[3] == '\\')) {
                repair_drop(r, 1); /* what the outer escapes leave of these four bytes is an escape in itself */
                repair_pass(r, 2);
                return;
            }
        }
        repair_pass_escape(r);
    }
}

void exo_repair_put_content(repair *r)
{
    for (;;) {
        repair_pass(r, exo_json_clean_run(r->token.ptr, r->token.len));
        if (r->token.len == 0) {
            return;
        }
        repair_pass_mended(r);
    }
}

void exo_repair_put_string(repair *r)
{
    exo_repair_put_byte(r, '"');
    exo_repair_put_content(r);
    exo_repair_put_byte(r, '"');
}

/* The end of the digits from `at` on. */
static const char *repair_skip_digits(const char *at, const char *end)
{
    while (at < end && ascii_is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

bool exo_repair_put_scalar(repair *r)
{
    const exo_span word = r->token;
    static const char words[] = "true\0false\0null\0none\0undefined\0nan\0infinity\0inf\0nil";
    const char *const end = word.ptr + word.len;
    const char *text = word.ptr;
    if (word.len > 1 && repair_is_sign(*text)) {
        text++;
    }
    const size_t letters = (size_t)(end - text);
    const bool cut = repair_is_cut(r);
    size_t len;
    for (const char *meant = words; meant < words + sizeof words; meant += len + 1) {
        const bool own = meant < words + sizeof "true\0false\0null";
        len = strlen(meant);
        r->cut = letters < len;
        if ((letters == len || (r->cut && own && r->depth > 0 && (cut || letters > 2))) &&
            exo_ascii_same(text, meant, letters)) {
            exo_repair_put_text(r, own ? meant : words + sizeof "true\0false");
            return true;
        }
    }
    r->cut = cut;
    const char *const point = repair_skip_digits(text, end);
    const char *fraction = point;
    if (point < end && *point == '.') {
        fraction++;
    }
    const char *const exponent = repair_skip_digits(fraction, end);
    const char *digits = exponent;
    if (digits < end && (*digits | 0x20) == 'e') {
        digits++;
        if (digits < end && repair_is_sign(*digits)) {
            digits++;
        }
    }
    if (exponent - text == fraction - point || repair_skip_digits(digits, end) != end) {
        return false;
    }
    if (*word.ptr == '-') {
        exo_repair_put_byte(r, '-');
    }
    if (text == point) {
        exo_repair_put_byte(r, '0');
    }
    while (text + 1 < point && *text == '0') {
        text++;
    }
    exo_repair_put(r, text, (size_t)(exponent - text));
    if (exponent[-1] == '.') {
        exo_repair_put_byte(r, '0');
    }
    if (digits < end) {
        exo_repair_put(r, exponent, (size_t)(end - exponent));
    }
    if (!ascii_is_digit((uint8_t)end[-1])) {
        r->cut = true;
    }
    return true;
}
