/* str.h - slices: bytes that somebody else owns.
 *
 * A slice is not terminated. Bytes that come from outside are slices from the first read to the
 * last print, which is "%.*s" with STR_ARG or an escaping writer. Any thread. */
#ifndef SCANTIDE_BASE_STR_H
#define SCANTIDE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For "%.*s"; what is longer than INT_MAX never gets here: lines are bounded. */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_from(const char *c)
{
    return (struct str){c, strlen(c)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static inline bool str_starts(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* Whether two texts are the same, where NULL says no more than "". */
static inline bool text_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The rest of `s` after its first `n` bytes. */
static inline struct str str_skip(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

#endif
