/*
 * test_json_write.c: the escaper at every cut of the input and every size of the window, and integers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/json_text.h"
#include "exochat/json_write.h"
#include "utf8_oracle.h"

#define OUT_MAX 512

/* Escapes `text` in two pieces, the first of `cut` bytes, into windows of `size` bytes, and returns the output's
 * length. Both sides are exactly sized heap blocks, so that a sanitizer sees every byte too far. */
static size_t escape(const char *text, size_t len, size_t cut, size_t size, char *out)
{
    exo_json_escaper escaper;
    size_t out_len = 0;
    exo_json_escaper_init(&escaper);
    for (int piece = 0; piece < 2; piece++) {
        size_t piece_len = piece == 0 ? cut : len - cut;
        char *copy = malloc(piece_len + (piece_len == 0));
        exo_window window = {malloc(size), size, 0};
        assert_non_null(copy);
        assert_non_null(window.dst);
        memcpy(copy, text + (piece == 0 ? 0 : cut), piece_len);
        exo_span input = exo_span_of(piece_len > 0 ? copy : NULL, piece_len);
        int rc;
        do {
            window.pos = 0;
            rc = exo_json_escape(&escaper, &input, piece == 1, &window);
            assert_true(rc == EXO_OK || rc == EXO_AGAIN);
            assert_true(window.pos <= size);
            /* Progress: a call that asks for another has filled its window. */
            assert_true(rc == EXO_OK || window.pos == size);
            assert_true(out_len + window.pos <= OUT_MAX);
            memcpy(out + out_len, window.dst, window.pos);
            out_len += window.pos;
        } while (rc == EXO_AGAIN);
        assert_int_equal(input.len, 0);
        free(copy);
        free(window.dst);
    }
    return out_len;
}

#define BAD "\xEF\xBF\xBD"
#define CASE(text, expected) \
    { \
        text, sizeof text - 1, expected \
    }

static const struct {
    const char *text;
    size_t len;
    const char *expected;
} cases[] = {
    CASE("", ""),
    CASE("plain", "plain"),
    CASE("sixteen bytes or more of ASCII / with a slash", "sixteen bytes or more of ASCII / with a slash"),
    CASE("\"", "\\\""),
    CASE("\\", "\\\\"),
    CASE("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
    CASE("\0", "\\u0000"),
    CASE("\x01\x02\x03\x04\x05\x06\x07", "\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007"),
    CASE("\x0B\x0E\x0F\x10", "\\u000b\\u000e\\u000f\\u0010"),
    CASE("\x1A\x1B\x1F ", "\\u001a\\u001b\\u001f "),
    CASE("\x7F", "\x7F"),
    CASE("say \"hi\" and C:\\dir\\\n", "say \\\"hi\\\" and C:\\\\dir\\\\\\n"),
    CASE("1234567\"", "1234567\\\""),
    CASE("12345678\"", "12345678\\\""),
    CASE("1234567\x1F"
         "8",
         "1234567\\u001f8"),
    CASE("\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9"),
    CASE("\xE2\x82\xAC 5", "\xE2\x82\xAC 5"),
    CASE("\xE6\xBC\xA2\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D", "\xE6\xBC\xA2\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D"),
    CASE("\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x80!"),
    CASE("\xE2\x80\xA8\xE2\x80\xA9", "\xE2\x80\xA8\xE2\x80\xA9"),
    CASE("\xEF\xBB\xBF", "\xEF\xBB\xBF"),
    CASE("\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"),
    CASE("\x80", BAD),
    CASE("\xFF\xFE", BAD BAD),
    CASE("\xC0\x80", BAD BAD),
    CASE("\xC3", BAD),
    CASE("\xC3\"", BAD "\\\""),
    CASE("\xC3\n", BAD "\\n"),
    CASE("\xC3\xC3\xA9", BAD "\xC3\xA9"),
    CASE("\xE2\x82", BAD),
    CASE("\xE2\x82x", BAD "x"),
    CASE("\xED\xA0\x80", BAD BAD BAD),
    CASE("\xE0\x9F\xBF", BAD BAD BAD),
    CASE("\xF0\x9F\x98", BAD),
    CASE("\xF0\x9F\x98\xF0\x9F\x98\x80", BAD "\xF0\x9F\x98\x80"),
    CASE("\xF0\x8F\xBF\xBF", BAD BAD BAD BAD),
    CASE("\xF4\x90\x80\x80", BAD BAD BAD BAD),
    CASE("\xF5\x80", BAD BAD),
    CASE("a\xF0\x9F\x98\xE2\x82\xC3\xFFz", "a" BAD BAD BAD BAD "z"),
};

static void strings_are_escaped_at_every_cut_and_window_size(void **state)
{
    char out[OUT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t expected_len = strlen(cases[i].expected);
        for (size_t cut = 0; cut <= cases[i].len; cut++) {
            for (size_t size = 1; size <= expected_len + 2; size++) {
                size_t len = escape(cases[i].text, cases[i].len, cut, size, out);
                assert_int_equal(len, expected_len);
                assert_memory_equal(out, cases[i].expected, expected_len);
            }
        }
    }
}

static void every_byte_alone_is_escaped_as_RFC_8259_demands(void **state)
{
    char out[OUT_MAX];
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const char text = (char)byte;
        char expected[8];
        const char *short_form = byte > 0 ? strchr("b\bf\fn\nr\rt\t", byte) : NULL;
        if (byte >= 0x80) {
            strcpy(expected, BAD);
        } else if (byte == '"' || byte == '\\') {
            snprintf(expected, sizeof expected, "\\%c", byte);
        } else if (byte >= 0x20) {
            snprintf(expected, sizeof expected, "%c", byte);
        } else if (short_form) {
            snprintf(expected, sizeof expected, "\\%c", short_form[-1]);
        } else {
            snprintf(expected, sizeof expected, "\\u%04x", (unsigned)byte);
        }
        size_t len = escape(&text, 1, 0, 8, out);
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(out, expected, len);
    }
}

static void broken_UTF8_is_replaced_as_WHATWG_prescribes(void **state)
{
    size_t count = 1;
    (void)state;
    for (size_t len = 1; len <= 4; len++) {
        count *= UTF8_KINDS;
        for (size_t index = 0; index < count; index++) {
            char text[4];
            char expected[12];
            char out[OUT_MAX];
            utf8_sequence_of_kinds(index, len, text);
            size_t expected_len = utf8_oracle(text, len, expected);
            size_t out_len = escape(text, len, index % (len + 1), 1 + index % 13, out);
            assert_int_equal(out_len, expected_len);
            assert_memory_equal(out, expected, expected_len);
        }
    }
}

/* Takes pieces until there is no room for one. */
typedef struct taker {
    char text[2048];
    size_t len;
    size_t room;
    unsigned calls;
} taker;

static int take_piece(void *ctx, exo_span piece)
{
    taker *t = ctx;
    t->calls++;
    if (piece.len > t->room - t->len) {
        return EXO_E_ANSWER_LIMIT;
    }
    memcpy(t->text + t->len, piece.ptr, piece.len);
    t->len += piece.len;
    return EXO_OK;
}

static void whole_strings_are_handed_out_in_pieces(void **state)
{
    char text[1000];
    char expected[1024];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len < sizeof text; len++) {
        taker t = {.room = sizeof t.text};
        size_t wanted = (size_t)snprintf(expected, sizeof expected, "\"%.*s\"", (int)len, text);
        assert_int_equal(exo_json_string_put(exo_span_of(text, len), take_piece, &t), EXO_OK);
        assert_int_equal(t.len, wanted);
        assert_memory_equal(t.text, expected, wanted);
        taker small = {.room = wanted - 1};
        assert_int_equal(exo_json_string_put(exo_span_of(text, len), take_piece, &small), EXO_E_ANSWER_LIMIT);
        assert_int_equal(small.calls, t.calls); /* the last one, and no other after it */
    }
}

/* With its quotation marks, in windows of every size that is smaller. */
static void whole_strings_are_written_in_every_window_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[OUT_MAX];
        const size_t len = (size_t)snprintf(expected, sizeof expected, "\"%s\"", cases[i].expected);
        assert_in_range(len, 2, sizeof expected - 1);
        for (size_t size = 1; size <= len + 1; size++) {
            char *bytes = malloc(size);
            char out[OUT_MAX];
            size_t out_len = 0;
            exo_json_string string;
            int rc = EXO_AGAIN;
            assert_non_null(bytes);
            exo_json_string_init(&string, exo_span_of(cases[i].text, cases[i].len));
            while (rc == EXO_AGAIN) {
                exo_window window = {bytes, size, 0};
                rc = exo_json_string_write(&string, &window);
                assert_true(rc == EXO_OK || window.pos == size);
                assert_true(out_len + window.pos <= len);
                memcpy(out + out_len, bytes, window.pos);
                out_len += window.pos;
            }
            assert_int_equal(rc, EXO_OK);
            assert_int_equal(out_len, len);
            assert_memory_equal(out, expected, len);
            /* What is complete stays so. */
            exo_window window = {bytes, size, 0};
            assert_int_equal(exo_json_string_write(&string, &window), EXO_OK);
            assert_int_equal(window.pos, 0);
            free(bytes);
        }
    }
}

/* Pieces of one byte: every sequence goes through the escaper's own memory. */
static void bytes_fed_one_by_one_give_the_same_output(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[OUT_MAX];
        exo_window window = {out, sizeof out, 0};
        exo_json_escaper escaper;
        exo_json_escaper_init(&escaper);
        for (size_t at = 0; at < cases[i].len; at++) {
            exo_span input = exo_span_of(cases[i].text + at, 1);
            assert_int_equal(exo_json_escape(&escaper, &input, false, &window), EXO_OK);
            assert_int_equal(input.len, 0);
        }
        exo_span nothing = exo_span_of(NULL, 0);
        assert_int_equal(exo_json_escape(&escaper, &nothing, true, &window), EXO_OK);
        assert_int_equal(window.pos, strlen(cases[i].expected));
        assert_memory_equal(out, cases[i].expected, window.pos);
    }
}

static void a_window_without_room_changes_nothing(void **state)
{
    char byte = '?';
    exo_window full = {&byte, 1, 1};
    exo_json_escaper escaper;
    exo_span input = exo_span_text("x");
    (void)state;
    exo_json_escaper_init(&escaper);
    assert_int_equal(exo_json_escape(&escaper, &input, true, &full), EXO_AGAIN);
    assert_int_equal(input.len, 1);
    assert_int_equal(byte, '?');
    full.pos = 0;
    assert_int_equal(exo_json_escape(&escaper, &input, true, &full), EXO_OK);
    assert_int_equal(byte, 'x');
}

static void an_escaper_is_ready_for_the_next_string_after_the_last_piece(void **state)
{
    char out[16];
    exo_window window = {out, sizeof out, 0};
    exo_json_escaper escaper;
    exo_span broken = exo_span_text("\xE2\x82");
    exo_span whole = exo_span_text("\xAC");
    (void)state;
    exo_json_escaper_init(&escaper);
    assert_int_equal(exo_json_escape(&escaper, &broken, true, &window), EXO_OK);
    assert_int_equal(exo_json_escape(&escaper, &whole, true, &window), EXO_OK);
    assert_int_equal(window.pos, 6);
    assert_memory_equal(out, BAD BAD, 6);
}

/* ---- Long texts, which the library may look at in blocks ---- */

#define LONG_MAX 400

static unsigned long_random(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % below;
}

/* A text of words, escapes, and sequences of all lengths, whole and broken, in what mixture the seed says. */
static size_t long_text(unsigned seed, char text[LONG_MAX])
{
    static const char *const pieces[] = {
        "The quick brown fox jumps over the lazy dog, 0123456789 times, and then sleeps",
        "word ",
        "\xC3\xA9",
        "\xD0\x94\xD0\xB0",
        "\xE0\xA4\xB9\xE6\x97\xA5\xED\x95\x98",
        "\xF0\x9F\x98\x80",
        "\"",
        "\n\t\\",
        "\x01\x1F",
        "\x80",
        "\xC1\xBF",
        "\xC3",
        "\xE2\x82",
        "\xED\xA0\x80",
        "\xE0\x9F\xBF",
        "\xF0\x9F\x98",
        "\xF4\x90\x80\x80",
        "\xFF"};
    static const unsigned kinds[] = {1, 2, 6, 9,
                                     sizeof pieces / sizeof *pieces}; /* words; valid; with escapes; broken */
    const unsigned kind = kinds[seed % (sizeof kinds / sizeof *kinds)];
    size_t len = 0;
    for (;;) {
        const char *piece = pieces[long_random(&seed, kind)];
        size_t part = 1 + long_random(&seed, (unsigned)strlen(piece));
        if (strlen(piece) < 5 || (uint8_t)*piece >= 0x80) {
            part = strlen(piece);
        }
        if (len + part > LONG_MAX) {
            return len;
        }
        memcpy(text + len, piece, part);
        len += part;
    }
}

/* What must come of a text, byte by byte. */
static size_t long_expected(const char *text, size_t len, char *expected)
{
    char valid[3 * LONG_MAX];
    size_t out = 0;
    len = utf8_oracle(text, len, valid);
    for (size_t i = 0; i < len; i++) {
        const char *short_form = valid[i] > 0 ? strchr("\"\"\\\\b\bf\fn\nr\rt\t", valid[i]) : NULL;
        if ((uint8_t)valid[i] >= ' ' && valid[i] != '"' && valid[i] != '\\') {
            expected[out++] = valid[i];
        } else if (short_form) {
            expected[out++] = '\\';
            expected[out++] = strchr("\"\\", valid[i]) ? valid[i] : short_form[-1];
        } else {
            out += (size_t)sprintf(expected + out, "\\u%04x", (unsigned)valid[i]);
        }
    }
    return out;
}

/* How many bytes stand for themselves, found one at a time. */
static size_t long_clean(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        const int size = (uint8_t)text[at] < 0x80 ? 1 : exo_utf8_check(text + at, len - at);
        if (size <= 0 || (uint8_t)text[at] < ' ' || text[at] == '"' || text[at] == '\\') {
            break;
        }
        at += (size_t)size;
    }
    return at;
}

/* Every part of the texts that begins or ends anywhere, at every place in memory that may matter, into small and large
 * windows. Text and window are exactly sized heap blocks. */
static void long_texts_are_escaped_the_same_wherever_they_begin_and_end(void **state)
{
    static const size_t sizes[] = {1, 13, 440, 447, 448, 449, 520, 7 * LONG_MAX};
    char text[LONG_MAX];
    char expected[6 * LONG_MAX + 6];
    (void)state;
    for (unsigned seed = 0; seed < 1500; seed++) {
        const size_t whole = long_text(seed, text);
        const size_t begin = seed % 3 == 0 ? 0 : seed % 70;
        const size_t len = seed % 2 == 0 ? whole - begin : (whole - begin) * (seed % 97) / 97;
        const size_t place = seed % 16;
        const size_t size = sizes[seed / 7 % (sizeof sizes / sizeof *sizes)];
        char *copy = malloc(place + len + 1);
        char *bytes = malloc(size);
        assert_non_null(copy);
        assert_non_null(bytes);
        char *const in = copy + place + 1;
        memcpy(in, text + begin, len);
        const size_t expected_len = long_expected(in, len, expected);
        assert_int_equal(exo_json_clean_run(in, len), long_clean(in, len));
        exo_json_escaper escaper;
        exo_span input = exo_span_of(in, len);
        size_t done = 0;
        int rc = EXO_AGAIN;
        exo_json_escaper_init(&escaper);
        while (rc == EXO_AGAIN) {
            exo_window window = {bytes, size, 0};
            rc = exo_json_escape(&escaper, &input, true, &window);
            assert_true(rc == EXO_OK || window.pos == size);
            assert_in_range(window.pos, 0, expected_len - done);
            assert_memory_equal(bytes, expected + done, window.pos);
            done += window.pos;
        }
        assert_int_equal(rc, EXO_OK);
        assert_int_equal(done, expected_len);
        free(copy);
        free(bytes);
    }
}

/* Among clean bytes, and among others, each sequence of three kinds of bytes at each place of a block. */
static void sequences_are_told_apart_at_every_place(void **state)
{
    static const char *const around[] = {"xxx", "\xE6\x97\xA5"};
    char text[196];
    (void)state;
    for (size_t index = 0; index < UTF8_KINDS * UTF8_KINDS * UTF8_KINDS; index++) {
        char sequence[4];
        utf8_sequence_of_kinds(index, 3, sequence);
        for (size_t i = 0; i + 3 <= sizeof text; i += 3) {
            memcpy(text + i, around[index % 2], 3);
        }
        for (size_t at = 63; at < 135; at += 3) {
            const size_t place = at + (index % 2 == 0 ? index % 3 : 0);
            char saved[3];
            memcpy(saved, text + place, 3);
            memcpy(text + place, sequence, 3);
            assert_int_equal(exo_json_clean_run(text, sizeof text - 1), long_clean(text, sizeof text - 1));
            memcpy(text + place, saved, 3);
        }
    }
}

static void integers_are_written_in_decimal(void **state)
{
    static const int64_t numbers[] = {0,
                                      1,
                                      -1,
                                      9,
                                      10,
                                      -10,
                                      99,
                                      100,
                                      INT32_MAX,
                                      INT32_MIN,
                                      1000000,
                                      -1000000,
                                      INT64_C(1) << 53,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MIN + 1};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char expected[32];
        char *text = malloc(EXO_JSON_INTEGER_MAX);
        assert_non_null(text);
        size_t len = exo_json_write_int64(text, numbers[i]);
        assert_int_equal(len, snprintf(expected, sizeof expected, "%" PRId64, numbers[i]));
        assert_memory_equal(text, expected, len);
        len = exo_json_write_uint64(text, (uint64_t)numbers[i]);
        assert_int_equal(len, snprintf(expected, sizeof expected, "%" PRIu64, (uint64_t)numbers[i]));
        assert_memory_equal(text, expected, len);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_at_every_cut_and_window_size),
        cmocka_unit_test(long_texts_are_escaped_the_same_wherever_they_begin_and_end),
        cmocka_unit_test(sequences_are_told_apart_at_every_place),
        cmocka_unit_test(every_byte_alone_is_escaped_as_RFC_8259_demands),
        cmocka_unit_test(broken_UTF8_is_replaced_as_WHATWG_prescribes),
        cmocka_unit_test(whole_strings_are_written_in_every_window_size),
        cmocka_unit_test(whole_strings_are_handed_out_in_pieces),
        cmocka_unit_test(bytes_fed_one_by_one_give_the_same_output),
        cmocka_unit_test(a_window_without_room_changes_nothing),
        cmocka_unit_test(an_escaper_is_ready_for_the_next_string_after_the_last_piece),
        cmocka_unit_test(integers_are_written_in_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
