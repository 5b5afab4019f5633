/*
 * bytes.c: what others make of the text of a body: bytes CLIENT TEXT MEGABYTES WALKS
 *
 * CLIENT is memcpy (into a window of 16 KB), yyjson (its writer, of a document with the text as a string) or openssl
 * (its base64). TEXT is one of instructions/text.h. Prints the megabytes of text a second of the fastest of so many
 * walks; instructions/encode.c does so for the library.
 */
#include "instructions/text.h"
#include "process.h"

#include "yyjson.h"

#include <openssl/evp.h>
#include <stdio.h>

static void walk_memcpy(const char *text, size_t len)
{
    static char window[16384];
    for (size_t at = 0; at < len; at += sizeof window) {
        memcpy(window, text + at, len - at < sizeof window ? len - at : sizeof window);
        __asm__ volatile("" : : "r"(window) : "memory"); /* somebody might look */
    }
}

static void walk_yyjson(const char *text, size_t len)
{
    size_t size = 0;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, yyjson_mut_strn(doc, text, len));
    free(yyjson_mut_write(doc, 0, &size));
    yyjson_mut_doc_free(doc);
}

static void walk_openssl(const char *text, size_t len)
{
    static unsigned char window[65536 / 3 * 4 + 8];
    for (size_t at = 0; at < len; at += 65535) {
        EVP_EncodeBlock(window, (const unsigned char *)text + at, (int)(len - at < 65535 ? len - at : 65535));
    }
}

static const struct {
    const char *name;
    void (*walk)(const char *text, size_t len);
} clients[] = {{"memcpy", walk_memcpy}, {"yyjson", walk_yyjson}, {"openssl", walk_openssl}};

int main(int argc, char **argv)
{
    size_t len = 0;
    char *text = argc == 5 ? text_of(argv[2], (size_t)atol(argv[3]) * 1000000, &len) : NULL;
    for (size_t i = 0; text && i < sizeof clients / sizeof clients[0]; i++) {
        double best = 0;
        if (strcmp(clients[i].name, argv[1]) != 0) {
            continue;
        }
        for (int walk = 0; walk < atoi(argv[4]); walk++) {
            const double began = processor_seconds();
            clients[i].walk(text, len);
            const double took = processor_seconds() - began;
            best = walk == 0 || took < best ? took : best;
        }
        printf("%.0f\n", (double)len / 1e6 / best);
        free(text);
        return 0;
    }
    fprintf(stderr, "usage: bytes memcpy|yyjson|openssl TEXT MEGABYTES WALKS\n");
    return 2;
}
