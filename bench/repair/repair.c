/*
 * repair.c: how long exo_json_repair() takes: repair ROUNDS FILE ...
 *
 * Prints for each file the shortest of five times, each the mean of so many rounds, in nanoseconds of processor time.
 */
#include "exochat/json_repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void *resize(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    static const exo_allocator heap = {NULL, resize};
    static char text[1 << 20];
    const int rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds <= 0) {
        fprintf(stderr, "usage: repair ROUNDS FILE ...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        const size_t len = file ? fread(text, 1, sizeof text, file) : 0;
        double best = 0;
        exo_buffer out;
        exo_repair_report report;
        exo_buffer_init(&out, &heap, sizeof text * 2, -1);
        for (int turn = 0; turn < 5; turn++) {
            const double began = now();
            for (int round = 0; round < rounds; round++) {
                if (exo_json_repair(exo_span_of(text, len), 64, &out, &report) != 0) {
                    fprintf(stderr, "repair: %s is not repaired\n", argv[i]);
                    return 1;
                }
            }
            const double took = (now() - began) / rounds;
            best = turn == 0 || took < best ? took : best;
        }
        printf("%.0f\n", best);
        exo_buffer_free(&out);
        if (file) {
            fclose(file);
        }
    }
    return 0;
}
