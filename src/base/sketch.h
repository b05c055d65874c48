/* sketch.h - how many different addresses, in at most two kilobytes: HyperLogLog with 1,024
 * registers.
 *
 * The standard error is 1.04/sqrt(1024), 3.25%; small sets are counted linearly and are nearly
 * exact. Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007). An address becomes a mark
 * (register and rank in 16 bits); a sketch is written as its marks, one per register that is set,
 * ascending. Sketches of different spans or sensors can be joined; nothing can be taken out. Any
 * thread, one thread at a time per sketch. */
#ifndef SCANTIDE_BASE_SKETCH_H
#define SCANTIDE_BASE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/ip.h"

enum { SKETCH_REGISTERS = 1024, SKETCH_RANK_BITS = 6 };

struct sketch {
    uint8_t rank[SKETCH_REGISTERS]; /* 0: never set */
};

/* Register << SKETCH_RANK_BITS | rank. */
static inline uint16_t sketch_mark(const struct ip *ip)
{
    uint64_t h = ip->family == 4 ? hash_mix(ip_v4(ip) | 4ULL << 32) : hash_bytes(ip, sizeof *ip, 0);
    unsigned zeros = (unsigned)__builtin_clzll(h << 10 | 1 << 9);
    return (uint16_t)((h >> 54) << SKETCH_RANK_BITS | (zeros + 1));
}

static inline void sketch_add(struct sketch *s, uint16_t mark)
{
    uint8_t *r = &s->rank[mark >> SKETCH_RANK_BITS], rank = mark & ((1 << SKETCH_RANK_BITS) - 1);
    if (rank > *r)
        *r = rank;
}

/* Adds all marks of a written sketch: `n` bytes, two a mark, low byte first. */
void sketch_join(struct sketch *s, const uint8_t *marks, size_t n);

/* The number of different addresses, rounded. */
uint64_t sketch_count(const struct sketch *s);

#endif
