/* find.h - the first place of a short literal in a line.
 *
 * Compares the literal's first and last byte at sixteen places at once where the processor has SSE2
 * (every x86-64 has), and by memchr elsewhere. glibc's memmem costs more than PCRE2's own start
 * search, so it is no prefilter. Any thread. */
#ifndef SCANTIDE_BASE_FIND_H
#define SCANTIDE_BASE_FIND_H

#include "base/str.h"

/* Where `needle` (1 byte or more) first stands in `hay` at or after `from`, or -1. Reads nothing
 * outside `hay`. */
static inline long find_literal(struct str hay, size_t from, struct str needle);

#ifdef __SSE2__
#include <emmintrin.h>

static inline long find_literal(struct str hay, size_t from, struct str needle)
{
    if (hay.n < needle.n)
        return -1;
    size_t last_place = hay.n - needle.n, i = from;
    __m128i first = _mm_set1_epi8(needle.p[0]), last = _mm_set1_epi8(needle.p[needle.n - 1]);

    for (; i + 15 <= last_place; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(hay.p + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(hay.p + i + needle.n - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
        for (; hits; hits &= hits - 1) {
            size_t at = i + (size_t)__builtin_ctz(hits);
            if (memcmp(hay.p + at, needle.p, needle.n) == 0)
                return (long)at;
        }
    }
    for (; i <= last_place; i++)
        if (hay.p[i] == needle.p[0] && memcmp(hay.p + i, needle.p, needle.n) == 0)
            return (long)i;
    return -1;
}
#else
static inline long find_literal(struct str hay, size_t from, struct str needle)
{
    while (from + needle.n <= hay.n) {
        const char *p = memchr(hay.p + from, needle.p[0], hay.n - from - needle.n + 1);
        if (!p)
            break;
        if (memcmp(p, needle.p, needle.n) == 0)
            return p - hay.p;
        from = (size_t)(p - hay.p) + 1;
    }
    return -1;
}
#endif

#endif
