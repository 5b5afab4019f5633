/*
 * canary.c: loaded into a program with LD_PRELOAD, looks at its very end for what is left of a secret in its memory.
 *
 * EXO_CANARY is what to look for, EXO_CANARY_REPORT a file for the two counts: in the arguments and the environment,
 * where the caller has put it, and anywhere else that can be written: data, heap (freed blocks too), stacks. It looks
 * in place and copies nothing, as it would find the copy. tests/integration/test_canary.py is who asks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the arguments begin; the environment lies behind them, up to the end of the stack. */
static const char *given;

__attribute__((constructor)) static void begin(int argc, char **argv)
{
    (void)argc;
    given = argv[0];
}

static void count(const char *from, const char *to, const char *secret, size_t found[2])
{
    size_t len = strlen(secret);
    const char *at = from;
    while ((at = memmem(at, (size_t)(to - at), secret, len)) != NULL) {
        found[at >= given && to > given && from <= given]++;
        at += len;
    }
}

__attribute__((destructor)) static void look(void)
{
    const char *secret = getenv("EXO_CANARY");
    const char *path = getenv("EXO_CANARY_REPORT");
    char line[512];
    size_t found[2] = {0, 0};
    FILE *maps = secret && path ? fopen("/proc/self/maps", "re") : NULL;
    FILE *report = maps ? fopen(path, "we") : NULL;
    while (report && fgets(line, sizeof line, maps)) {
        uintptr_t from;
        uintptr_t to;
        char access[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, access) == 3 && strncmp(access, "rw", 2) == 0) {
            count((const char *)from, (const char *)to, secret, found);
        }
    }
    if (report) {
        fprintf(report, "%zu %zu\n", found[1], found[0]);
        fclose(report);
    }
    if (maps) {
        fclose(maps);
    }
}
