/* sketch.h - how many different addresses, in little room: HyperLogLog, in two sizes.
 *
 * `struct sketch` has 1,024 registers and a standard error of 1.04/sqrt(1024), 3.25%; an address
 * becomes a mark (register and rank in 16 bits), and a sketch is written as its marks, one per
 * register that is set, ascending. The facts have millions of them, one a target.
 *
 * `struct hll` has 2^bits registers, an error of 1.04/sqrt(2^bits), and is written with its bits in
 * front: the registers that are set (difference, rank), or all where that isn't much longer. The
 * facts have some hundreds an hour.
 *
 * Small sets are nearly exact in both. Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog"
 * (2007); Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), whose
 * improved raw estimator needs no corrections. Sketches of different spans or sensors can be
 * joined; nothing can be taken out. Any thread, one thread at a time per sketch. */
#ifndef SCANTIDE_BASE_SKETCH_H
#define SCANTIDE_BASE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/ip.h"

enum { SKETCH_REGISTERS = 1024, SKETCH_RANK_BITS = 6 };

struct sketch {
    uint8_t rank[SKETCH_REGISTERS]; /* 0: never set */
};

static inline uint64_t sketch_hash(const struct ip *ip)
{
    return ip->family == 4 ? hash_mix(ip_v4(ip) | 4ULL << 32) : hash_bytes(ip, sizeof *ip, 0);
}

/* Register << SKETCH_RANK_BITS | rank. */
static inline uint16_t sketch_mark(const struct ip *ip)
{
    uint64_t h = sketch_hash(ip);
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

/* ---- of any size ---- */

enum {
    HLL_BITS_MIN = 4,
    HLL_BITS_MAX = 16,
    HLL_BITS_TOTAL = 16,   /* of a sensor: 0.4% */
    HLL_BITS_COUNTRY = 12, /* 1.6% */
    HLL_BITS_PORT = 11     /* 2.3% */
};

struct hll {
    uint8_t bits;
    uint8_t rank[]; /* 2^bits; 0: never set */
};

/* An empty one, to be freed with free(). */
struct hll *hll_new(unsigned bits);

/* `hash`: sketch_hash of the address. */
static inline void hll_add(struct hll *h, uint64_t hash)
{
    uint8_t *r = &h->rank[hash >> (64 - h->bits)];
    unsigned rank = (unsigned)__builtin_clzll(hash << h->bits | 1ULL << (h->bits - 1)) + 1;

    if (rank > *r)
        *r = (uint8_t)rank;
}

/* Appends it to `out`. */
void hll_write(const struct hll *h, struct buf *out);

/* Adds a written one. -EBADMSG, with some of it added: it is damaged, or not of this one's bits. */
int hll_join(struct hll *h, const uint8_t *data, size_t n);

/* The number of different addresses, rounded. */
uint64_t hll_count(const struct hll *h);

#endif
