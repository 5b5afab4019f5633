/*
 * regression.c: runs a fuzz target without libFuzzer: over the files that are named, and a fixed number of mutations of
 * each.
 *
 * The mutations come from a generator with a fixed seed, so that a run in the tests is the same everywhere.
 */
#include "fuzz.h"

#include <stdio.h>

#define MUTATIONS      200
#define SIZE_MAX_TRIED 65536

static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Runs the target on an exactly sized copy, so that AddressSanitizer sees every byte too many. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    FUZZ_MUST(copy != NULL);
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void mutate(uint8_t *bytes, size_t *size)
{
    static const char telling[] = "{}[]\":,\\ \r\n0u-.<>";
    for (uint32_t changes = 1 + draw(4); changes > 0 && *size > 0; changes--) {
        size_t at = draw((uint32_t)*size);
        switch (draw(4)) {
        case 0:
            bytes[at] = (uint8_t)draw(256);
            break;
        case 1:
            bytes[at] = (uint8_t)telling[draw(sizeof telling - 1)];
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, *size - at - 1);
            --*size;
            break;
        default:
            *size = at;
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t seed[SIZE_MAX_TRIED];
    static uint8_t mutant[SIZE_MAX_TRIED];
    size_t runs = 0;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(seed, 1, sizeof seed, file);
        fclose(file);
        run(seed, size);
        for (int k = 0; k < MUTATIONS; k++, runs++) {
            size_t len = size;
            memcpy(mutant, seed, size);
            mutate(mutant, &len);
            run(mutant, len);
        }
    }
    run(seed, 0);
    printf("%zu mutants of %d seeds\n", runs, argc - 1);
    return runs > 0 ? 0 : 1;
}
