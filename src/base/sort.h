/* sort.h - ordering sixteen-byte items by their 64-bit key: least significant byte first, bytes
 * that are equal in all keys passed over. Stable. About 20 ns an item of the hot path's keys, where
 * qsort takes 100. */
#ifndef SCANTIDE_BASE_SORT_H
#define SCANTIDE_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

struct item {
    uint64_t key;
    uint32_t count;
    uint16_t a, b; /* what the caller carries along */
};

/* Sorts `items`; `spare` is room for as many. Returns where the sorted items are: one of the
 * two. */
struct item *sort_items(struct item *items, struct item *spare, size_t n);

/* Sorts plain numbers in place, ascending. */
void sort_numbers(uint64_t *numbers, size_t n);

#endif
