#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { DIGITS = 8, VALUES = 256, FEW = 48 };

static void sort_few(struct item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct item x = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key > x.key; j--)
            items[j] = items[j - 1];
        items[j] = x;
    }
}

/* How many there are of each value becomes where the first of them goes. */
static void to_places(uint32_t counts[VALUES])
{
    uint32_t at = 0;

    for (unsigned v = 0; v < VALUES; v++) {
        uint32_t here = counts[v];
        counts[v] = at;
        at += here;
    }
}

struct item *sort_items(struct item *items, struct item *spare, size_t n)
{
    uint32_t counts[DIGITS][VALUES];

    if (n <= FEW) {
        sort_few(items, n);
        return items;
    }
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++) {
        uint64_t key = items[i].key;
        for (unsigned d = 0; d < DIGITS; d++)
            counts[d][key >> (8 * d) & 0xff]++;
    }
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t *c = counts[d];
        if (c[items[0].key >> (8 * d) & 0xff] == n)
            continue;
        to_places(c);
        for (size_t i = 0; i < n; i++)
            spare[c[items[i].key >> (8 * d) & 0xff]++] = items[i];
        struct item *t = items;
        items = spare;
        spare = t;
    }
    return items;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void sort_numbers(uint64_t *numbers, size_t n)
{
    uint32_t counts[DIGITS][VALUES];

    if (n <= VALUES) {
        if (n)
            qsort(numbers, n, sizeof *numbers, compare_numbers);
        return;
    }
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < DIGITS; d++)
            counts[d][numbers[i] >> (8 * d) & 0xff]++;
    uint64_t *spare = xmalloc(n * sizeof *spare), *from = numbers, *to = spare;
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t *c = counts[d];
        if (c[from[0] >> (8 * d) & 0xff] == n)
            continue;
        to_places(c);
        for (size_t i = 0; i < n; i++)
            to[c[from[i] >> (8 * d) & 0xff]++] = from[i];
        uint64_t *t = from;
        from = to;
        to = t;
    }
    if (from != numbers)
        memcpy(numbers, from, n * sizeof *numbers);
    free(spare);
}
