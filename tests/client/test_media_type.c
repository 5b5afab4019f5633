/*
 * test_media_type.c: what names and first bytes say of a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/media_type.h"

static const struct {
    const char *name;
    const char *media_type;
} names[] = {
    {"photo.jpg", "image/jpeg"},
    {"PHOTO.JPEG", "image/jpeg"},
    {"a.b.png", "image/png"},
    {"x.gif", "image/gif"},
    {"x.webp", "image/webp"},
    {"x.bmp", "image/bmp"},
    {"x.pdf", "application/pdf"},
    {"x.wav", "audio/wav"},
    {"x.mp3", "audio/mpeg"},
    {"x.m4a", "audio/mp4"},
    {"x.ogg", "audio/ogg"},
    {"x.flac", "audio/flac"},
    {"x.txt", "text/plain"},
    {"x.md", "text/plain"},
    {"x.csv", "text/plain"},
    {"x.json", "text/plain"},
    {"x.xml", "text/plain"},
    {"x.html", "text/plain"},
    {"x.yaml", "text/plain"},
    {"x.c", "text/plain"},
    {"x.h", "text/plain"},
    {"x.py", "text/plain"},
    {".c", "text/plain"},
    {"x.pngg", NULL},
    {"x.", NULL},
    {"png", NULL},
    {"", NULL},
    {NULL, NULL},
    {"x.unknown", NULL},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *media_type = exo_media_type_of_name(names[i].name);
        assert_int_equal(media_type != NULL, names[i].media_type != NULL);
        if (media_type) {
            assert_string_equal(media_type, names[i].media_type);
        }
    }
}

#define OCTETS "application/octet-stream"
#define HEAD(bytes, whole, media_type) \
    { \
        bytes, sizeof bytes - 1, whole, media_type \
    }

static const struct {
    const char *bytes;
    size_t len;
    bool whole;
    const char *media_type;
} heads[] = {
    HEAD("\x89PNG\r\n\x1A\n....", false, "image/png"),
    HEAD("\x89PNG\r\n\x1A", false, OCTETS),
    HEAD("\xFF\xD8\xFF\xE0", false, "image/jpeg"),
    HEAD("GIF89a", true, "image/gif"),
    HEAD("RIFF\x01\x02\x03\x04WEBPVP8 ", false, "image/webp"),
    HEAD("RIFF\x01\x02\x03\x04WAVEfmt ", false, "audio/wav"),
    HEAD("RIFF\x01\x02\x03\xFFWAV", false, OCTETS),
    HEAD("%PDF-1.7", false, "application/pdf"),
    HEAD("ID3\x04", false, "audio/mpeg"),
    HEAD("\xFF\xFB\x90", false, "audio/mpeg"),
    HEAD("\xFF\xF3", false, "audio/mpeg"),
    HEAD("\xFF\xF2", false, "audio/mpeg"),
    HEAD("OggS", false, "audio/ogg"),
    HEAD("fLaC", false, "audio/flac"),
    HEAD("", true, "text/plain"),
    HEAD("RIFF raff", true, "text/plain"),
    HEAD("Gr\xC3\xBC\xC3\x9F"
         "e, \xE2\x82\xAC, \xF0\x9F\x98\x80\n",
         true, "text/plain"),
    HEAD("\xEF\xBB\xBFwith a mark", true, "text/plain"),
    HEAD("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", true, "text/plain"),
    HEAD("a\0b", true, OCTETS),
    HEAD("\x80", true, OCTETS),
    HEAD("\xC1\x80", true, OCTETS),
    HEAD("\xE0\x9F\x80", true, OCTETS),
    HEAD("\xED\xA0\x80", true, OCTETS),
    HEAD("\xF0\x8F\x80\x80", true, OCTETS),
    HEAD("\xF4\x90\x80\x80", true, OCTETS),
    HEAD("\xF5\x80\x80\x80", true, OCTETS),
    HEAD("\xE2\x82", true, OCTETS),
    HEAD("\xE2\x82", false, "text/plain"),
    HEAD("\xE2", false, "text/plain"),
    HEAD("\xF0\x9F\x98", false, "text/plain"),
    HEAD("\xE2"
         "A",
         false, OCTETS),
    HEAD("\xE2\x82"
         "A",
         false, OCTETS),
    HEAD("\xF0\x9F\x98"
         "A",
         false, OCTETS),
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char *copy = malloc(heads[i].len > 0 ? heads[i].len : 1);
        assert_non_null(copy);
        memcpy(copy, heads[i].bytes, heads[i].len);
        assert_string_equal(exo_media_type_of_bytes(exo_span_of(copy, heads[i].len), heads[i].whole),
                            heads[i].media_type);
        free(copy);
    }
    assert_string_equal(exo_media_type_of_bytes(exo_span_of(NULL, 0), true), "text/plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
