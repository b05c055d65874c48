#include "tally/sort.h"

#include <string.h>

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
        uint32_t *c = counts[d], at = 0;
        if (c[items[0].key >> (8 * d) & 0xff] == n)
            continue;
        for (unsigned v = 0; v < VALUES; v++) {
            uint32_t here = c[v];
            c[v] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            spare[c[items[i].key >> (8 * d) & 0xff]++] = items[i];
        struct item *t = items;
        items = spare;
        spare = t;
    }
    return items;
}
