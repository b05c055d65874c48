/* literals.h - many short literals looked for in a text in one pass.
 *
 * Each literal is known by four bytes of it, the rarest that it has. Where the processor has AVX2
 * (it is asked), 32 places at once are held against all of them by half bytes, as in
 * Hyperscan's Teddy; elsewhere a table of pairs of bytes is asked place by place. What is left is
 * compared whole. Immutable once made: any thread may look with it. */
#ifndef SCANTIDE_BASE_LITERALS_H
#define SCANTIDE_BASE_LITERALS_H

#include <stdint.h>

#include "base/str.h"

enum { LITERALS_MAX = 512 };

struct literals;

/* Which literals were found, a bit each, and where first. */
struct literals_found {
    uint64_t bits[LITERALS_MAX / 64];
    uint32_t at[LITERALS_MAX]; /* of those whose bit is set */
};

/* At most LITERALS_MAX words of 1 to 64 bytes, which must stay where they are; two may be equal. */
struct literals *literals_new(const struct str *words, size_t n);
void literals_free(struct literals *l);

/* Finds each literal's first place in `text`; reads nothing outside it. */
void literals_find(const struct literals *l, struct str text, struct literals_found *found);

static inline bool literals_has(const struct literals_found *found, size_t i)
{
    return found->bits[i / 64] >> (i % 64) & 1;
}

#endif
