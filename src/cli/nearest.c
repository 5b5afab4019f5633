/*
 * nearest.c: see nearest.h. Three rows of the table of distances are enough, as a swap looks two rows back.
 */
#include "nearest.h"

enum {
    WORD_MAX = 63
};

static char nearest_letter(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

static size_t nearest_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_steps(exo_span a, exo_span b)
{
    size_t rows[3][WORD_MAX + 1];
    if (a.len == 0 || b.len == 0 || a.len > WORD_MAX || b.len > WORD_MAX) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= b.len; k++) {
        rows[0][k] = k;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            char left = nearest_letter(a.ptr[i - 1]);
            char right = nearest_letter(b.ptr[k - 1]);
            row[k] = nearest_least(above[k - 1] + (left != right), nearest_least(above[k], row[k - 1]) + 1);
            if (i > 1 && k > 1 && left == nearest_letter(b.ptr[k - 2]) && right == nearest_letter(a.ptr[i - 2])) {
                row[k] = nearest_least(row[k], rows[(i - 2) % 3][k - 2] + 1);
            }
        }
    }
    return rows[a.len % 3][b.len];
}

void nearest_offer(nearest *best, exo_span typed, const char *word)
{
    exo_span candidate = exo_span_text(word);
    size_t steps = nearest_steps(typed, candidate);
    if (steps < best->steps && steps <= (candidate.len + 1) / 3) {
        best->word = word;
        best->steps = steps;
    }
}
