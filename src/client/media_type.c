/*
 * media_type.c: see media_type.h.
 *
 * Two tables, and a look for UTF-8. It opens nothing: attachments.c calls it with what it has opened.
 */
#include "media_type.h"

#include <strings.h>

typedef struct ending {
    const char *ending;
    const char *media_type;
} ending;

/* Whatever is text is sent as text, so that its kind makes no difference. */
#define TEXT "text/plain"

static const ending endings[] = {
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"bmp", "image/bmp"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"heic", "image/heic"},
    {"avif", "image/avif"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"wav", "audio/wav"},
    {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},
    {"ogg", "audio/ogg"},
    {"oga", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"flac", "audio/flac"},
    {"aac", "audio/aac"},
    {"mp4", "video/mp4"},
    {"mov", "video/quicktime"},
    {"webm", "video/webm"},
    {"txt", TEXT},
    {"text", TEXT},
    {"log", TEXT},
    {"md", TEXT},
    {"markdown", TEXT},
    {"rst", TEXT},
    {"tex", TEXT},
    {"csv", TEXT},
    {"tsv", TEXT},
    {"json", TEXT},
    {"jsonl", TEXT},
    {"ndjson", TEXT},
    {"xml", TEXT},
    {"svg", TEXT},
    {"html", TEXT},
    {"htm", TEXT},
    {"css", TEXT},
    {"yaml", TEXT},
    {"yml", TEXT},
    {"toml", TEXT},
    {"ini", TEXT},
    {"conf", TEXT},
    {"cfg", TEXT},
    {"c", TEXT},
    {"h", TEXT},
    {"cc", TEXT},
    {"cpp", TEXT},
    {"hpp", TEXT},
    {"py", TEXT},
    {"pyi", TEXT},
    {"js", TEXT},
    {"mjs", TEXT},
    {"tsx", TEXT},
    {"jsx", TEXT},
    {"go", TEXT},
    {"rs", TEXT},
    {"java", TEXT},
    {"kt", TEXT},
    {"swift", TEXT},
    {"rb", TEXT},
    {"pl", TEXT},
    {"php", TEXT},
    {"lua", TEXT},
    {"sh", TEXT},
    {"bash", TEXT},
    {"sql", TEXT},
    {"cmake", TEXT},
    {"diff", TEXT},
    {"patch", TEXT},
    {"srt", TEXT},
    {"vtt", TEXT},
};

typedef struct mark {
    const char *at_start;
    const char *at_eight; /* behind RIFF and its length; "" where there is no more to look at */
    const char *media_type;
} mark;

static const mark marks[] = {
    {"\x89PNG\r\n\x1A\n", "", "image/png"},
    {"\xFF\xD8\xFF", "", "image/jpeg"},
    {"GIF8", "", "image/gif"},
    {"RIFF", "WEBP", "image/webp"},
    {"RIFF", "WAVE", "audio/wav"},
    {"%PDF-", "", "application/pdf"},
    {"ID3", "", "audio/mpeg"},
    {"\xFF\xFB", "", "audio/mpeg"},
    {"\xFF\xF3", "", "audio/mpeg"},
    {"\xFF\xF2", "", "audio/mpeg"},
    {"OggS", "", "audio/ogg"},
    {"fLaC", "", "audio/flac"},
};

const char *exo_media_type_of_name(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i].ending) == 0) {
            return endings[i].media_type;
        }
    }
    return NULL;
}

static bool media_has_at(exo_span head, size_t at, const char *text)
{
    size_t len = strlen(text);
    return len == 0 || (head.len >= at + len && memcmp(head.ptr + at, text, len) == 0);
}

/* How many bytes the UTF-8 sequence with this first byte has, or 0 when none begins with it. */
static size_t media_sequence_size(unsigned char byte)
{
    if (byte < 0x80) {
        return byte != 0;
    }
    return byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
}

/* Whether the second byte of a sequence is in the range that the first one leaves it (Unicode, table 3-7). */
static bool media_is_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* Whether `text` is UTF-8 without NUL; unless it is `whole`, its last sequence may be cut. */
static bool media_is_text(exo_span text, bool whole)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t at = 0;
    while (at < text.len) {
        size_t size = media_sequence_size(bytes[at]);
        size_t there = size < text.len - at ? size : text.len - at;
        if (size == 0 || (there < size && whole) || (there > 1 && !media_is_second(bytes[at], bytes[at + 1]))) {
            return false;
        }
        for (size_t i = 2; i < there; i++) {
            if ((bytes[at + i] & 0xC0) != 0x80) {
                return false;
            }
        }
        at += there;
    }
    return true;
}

const char *exo_media_type_of_bytes(exo_span head, bool whole)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (media_has_at(head, 0, marks[i].at_start) && media_has_at(head, 8, marks[i].at_eight)) {
            return marks[i].media_type;
        }
    }
    return media_is_text(head, whole) ? TEXT : "application/octet-stream";
}
