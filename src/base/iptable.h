/* iptable.h - addresses to small numbers, in the order of their first coming: so that an IPv6
 * address fits where an IPv4 one does.
 *
 * Zero-initialised is empty. One thread. */
#ifndef SCANTIDE_BASE_IPTABLE_H
#define SCANTIDE_BASE_IPTABLE_H

#include "base/ip.h"

struct ip_table {
    struct ip *list;
    size_t n, cap;
    uint32_t *slots; /* open addressing: number + 1, 0 free */
    size_t slot_count;
};

/* The number of an address; a new one gets the next. */
uint32_t ip_table_add(struct ip_table *t, const struct ip *ip);

/* Whether the address is there; its number. */
bool ip_table_find(const struct ip_table *t, const struct ip *ip, uint32_t *number);

/* Empties it; keeps its memory. */
void ip_table_clear(struct ip_table *t);
void ip_table_fini(struct ip_table *t);

#endif
