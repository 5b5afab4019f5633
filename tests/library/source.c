/*
 * source.c: see source.h.
 */
#include "source.h"

static int read_pattern(void *ctx, void *dst, size_t size, size_t *got)
{
    test_source *s = ctx;
    *got = 0;
    s->reads++;
    if (s->closed) {
        return EXO_AGAIN;
    }
    if (s->stuttered < s->stutters) {
        s->stuttered++;
        return EXO_AGAIN;
    }
    s->stuttered = 0;
    bool longer = s->lengthens_pass > 0 && s->pass >= s->lengthens_pass;
    uint64_t total = s->total + (longer ? 1 : 0);
    unsigned shift = s->changes_pass > 0 && s->pass >= s->changes_pass ? 1 : 0;
    char *text = dst;
    while (*got < size && s->at < total) {
        if (s->at >= s->fails_at) {
            return EXO_E_SOURCE_READ;
        }
        text[(*got)++] = "abcdefghijklmnopqrstuvwxyz\n"[(s->at++ + shift) % 27];
    }
    return EXO_OK;
}

static int rewind_pattern(void *ctx)
{
    test_source *s = ctx;
    s->pass += s->at > 0; /* going back before anything was read begins no new pass */
    s->at = 0;
    return EXO_OK;
}

void test_source_init(test_source *source, uint64_t total)
{
    memset(source, 0, sizeof *source);
    source->source.ctx = source;
    source->source.read = read_pattern;
    source->source.rewind = rewind_pattern;
    source->source.size = total;
    source->total = total;
    source->fails_at = UINT64_MAX;
    source->pass = 1;
}

void test_source_once(test_source *source)
{
    source->source.rewind = NULL;
}

void test_source_unsized(test_source *source)
{
    source->source.size = EXO_SIZE_UNKNOWN;
}
