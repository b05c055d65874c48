/* hash.h - 64-bit hashing that is stored: the same bytes give the same number on every machine, for
 * ever.
 *
 * hash_bytes is a multiply-and-fold hash over 8-byte words, finished by MurmurHash3's 64-bit mixer.
 * It is no defence against somebody who wants collisions; identities of logs need none, and the
 * tables of the hot path are bounded. Any thread. */
#ifndef SCANTIDE_BASE_HASH_H
#define SCANTIDE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ x >> 33;
}

static inline uint64_t hash_bytes(const void *data, size_t n, uint64_t seed)
{
    const uint8_t *p = data;
    uint64_t h = seed ^ n * 0x9e3779b97f4a7c15ULL;

    for (; n >= 8; p += 8, n -= 8) {
        uint64_t w = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                     (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
                     (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
        h = (h ^ hash_mix(w)) * 0x9fb21c651e98df25ULL;
    }
    uint64_t w = 0;
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t)p[i] << (8 * i);
    return hash_mix(h ^ hash_mix(w + n));
}

#endif
