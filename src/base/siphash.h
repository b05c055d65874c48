/* siphash.h - SipHash-2-4: a keyed hash of 64 bits whose inputs can't be found without the key
 * (Aumasson and Bernstein, 2012; https://www.aumasson.jp/siphash/siphash.pdf). Any thread. */
#ifndef SCANTIDE_BASE_SIPHASH_H
#define SCANTIDE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t n);

#endif
