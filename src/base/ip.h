/* ip.h - an IP address as a value, read from text and written to it.
 *
 * IPv4 is kept as its own family; an IPv4-mapped IPv6 address (::ffff:a.b.c.d) is unmapped when it
 * is read, so that one host has one key. Any thread; nothing is allocated. */
#ifndef SCANTIDE_BASE_IP_H
#define SCANTIDE_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct ip {
    uint8_t family; /* 4, 6, or 0: no address */
    uint8_t b[16];  /* network order; IPv4 in the first four, the rest zero */
};

enum { IP_TEXT_MAX = 46 };

/* Reads the whole slice as one address (RFC 4291 2.2 text or dotted quad; no zone, no mask).
 * Returns 0, or -EINVAL with *out untouched. */
int ip_parse(struct str text, struct ip *out);

/* Writes RFC 5952 text with its terminator; returns the length. Family 0 gives "". */
size_t ip_format(const struct ip *ip, char out[IP_TEXT_MAX]);

static inline uint32_t ip_v4(const struct ip *ip)
{
    return (uint32_t)ip->b[0] << 24 | (uint32_t)ip->b[1] << 16 | (uint32_t)ip->b[2] << 8 | ip->b[3];
}

/* IPv4 before IPv6, then by value: the order of memcmp over the struct. */
static inline int ip_compare(const struct ip *a, const struct ip *b)
{
    if (a->family == 4 && b->family == 4)
        return ip_v4(a) < ip_v4(b) ? -1 : ip_v4(a) > ip_v4(b);
    return memcmp(a, b, sizeof *a);
}

static inline struct ip ip_from_v4(uint32_t v)
{
    return (struct ip){4, {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

/* An IPv6 address; a mapped one as IPv4. */
struct ip ip_from_v6(const uint8_t bytes[16]);

/* False for what no country can own: private, loopback, link-local, shared (RFC 6598), multicast,
 * reserved, unspecified, benchmarking; for IPv6 all outside 2000::/3. The documentation ranges (RFC
 * 5737, RFC 3849) are not global either. Source: IANA's special-purpose address registries (RFC
 * 6890). */
bool ip_is_global(const struct ip *ip);

/* The i-th IPv4 block that isn't global; false past the last. All are /24 or larger. */
bool ip_local_block(size_t i, uint32_t *net, unsigned *bits);

#endif
