#include "base/iptable.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { SLOTS_FIRST = 64 };

static size_t first_slot(const struct ip_table *t, const struct ip *ip)
{
    return hash_bytes(ip, sizeof *ip, 0) & (t->slot_count - 1);
}

static void fill_slot(struct ip_table *t, uint32_t number)
{
    size_t i = first_slot(t, &t->list[number]);

    while (t->slots[i])
        i = (i + 1) & (t->slot_count - 1);
    t->slots[i] = number + 1;
}

bool ip_table_find(const struct ip_table *t, const struct ip *ip, uint32_t *number)
{
    for (size_t i = t->slot_count ? first_slot(t, ip) : 0; t->slot_count && t->slots[i];
         i = (i + 1) & (t->slot_count - 1)) {
        if (ip_compare(&t->list[t->slots[i] - 1], ip) != 0)
            continue;
        *number = t->slots[i] - 1;
        return true;
    }
    return false;
}

uint32_t ip_table_add(struct ip_table *t, const struct ip *ip)
{
    uint32_t number;

    if (ip_table_find(t, ip, &number))
        return number;
    if (t->n == t->cap)
        t->list = xrealloc(t->list, t->cap = t->cap * 2 + SLOTS_FIRST, sizeof *t->list);
    t->list[t->n++] = *ip;
    if (t->n * 2 < t->slot_count) {
        fill_slot(t, (uint32_t)t->n - 1);
        return (uint32_t)t->n - 1;
    }
    t->slot_count = t->slot_count ? t->slot_count * 2 : SLOTS_FIRST;
    free(t->slots);
    t->slots = xcalloc(t->slot_count, sizeof *t->slots);
    for (size_t i = 0; i < t->n; i++)
        fill_slot(t, (uint32_t)i);
    return (uint32_t)t->n - 1;
}

void ip_table_clear(struct ip_table *t)
{
    if (t->n)
        memset(t->slots, 0, t->slot_count * sizeof *t->slots);
    t->n = 0;
}

void ip_table_fini(struct ip_table *t)
{
    free(t->list);
    free(t->slots);
    *t = (struct ip_table){0};
}
