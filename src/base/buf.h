/* buf.h - bytes that grow, and the variable-length integers (LEB128) that the facts are written in.
 * One thread. */
#ifndef SCANTIDE_BASE_BUF_H
#define SCANTIDE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Zero-initialised is empty; free with buf_fini. */
struct buf {
    uint8_t *p;
    size_t n, cap;
};

static inline void buf_reserve(struct buf *b, size_t more)
{
    if (b->n + more > b->cap) {
        b->cap = (b->n + more) * 2 + 64;
        b->p = xrealloc(b->p, b->cap, 1);
    }
}

static inline void buf_put(struct buf *b, const void *data, size_t n)
{
    buf_reserve(b, n);
    if (n) /* data may be NULL then */
        memcpy(b->p + b->n, data, n);
    b->n += n;
}

static inline void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

enum { VARINT_MAX = 10 };

/* Without a bound check: reserve VARINT_MAX a number first. */
static inline void buf_varint(struct buf *b, uint64_t v)
{
    uint8_t *p = b->p + b->n;

    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    b->n = (size_t)(p - b->p);
}

/* A reader over foreign bytes: past the end, or with an over-long number, `bad` is set and zeros
 * come. */
struct bytes {
    const uint8_t *p, *end;
    bool bad;
};

static inline uint64_t bytes_varint(struct bytes *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->p == r->end)
            break;
        uint8_t c = *r->p++;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return v;
    }
    r->bad = true;
    return 0;
}

static inline const uint8_t *bytes_take(struct bytes *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    return p;
}

#endif
