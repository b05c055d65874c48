#include "base/nearest.h"

#include <ctype.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau and Levenshtein's distance in its "optimal string alignment" form: three rows are
 * enough. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = above[j - 1] + !same_letter(a.p[i - 1], b.p[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a.p[i - 1], b.p[j - 2]) &&
                same_letter(a.p[i - 2], b.p[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

const char *nearest_word(struct str word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t best_distance = 0;

    if (word.n == 0 || word.n > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct str other = str_from(words[i]);
        if (other.n > WORD_MAX)
            continue;
        size_t d = distance(word, other);
        size_t longer = word.n > other.n ? word.n : other.n;
        if (d * 5 <= longer * 2 && (!best || d < best_distance)) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}
