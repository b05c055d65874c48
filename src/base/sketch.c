#include "base/sketch.h"

#include <errno.h>
#include <math.h>

#include "base/check.h"

enum {
    DENSE = 0x80,  /* beside the bits: all registers follow, a byte each */
    LONG_RANK = 15 /* in the low four bits of a register's number: the rank is the next byte */
};

void sketch_join(struct sketch *s, const uint8_t *marks, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sketch_add(s, (uint16_t)(marks[i] | marks[i + 1] << 8));
}

/* Ertl, algorithm 6: sigma corrects for registers that were never set, tau for full ones. */
static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x >= 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x <= 0 || x >= 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

static uint64_t estimate(const uint8_t *rank, unsigned bits)
{
    const unsigned full = 65 - bits;
    const double m = (double)(1U << bits);
    unsigned counts[66] = {0};

    for (size_t i = 0; i < (size_t)1 << bits; i++)
        counts[rank[i] > full ? full : rank[i]]++;
    double z = m * tau(1 - counts[full] / m);
    for (unsigned k = full - 1; k > 0; k--)
        z = (z + counts[k]) / 2;
    z += m * sigma(counts[0] / m);
    return (uint64_t)(m * m / (2 * M_LN2 * z) + 0.5);
}

uint64_t sketch_count(const struct sketch *s)
{
    return estimate(s->rank, 10);
}

struct hll *hll_new(unsigned bits)
{
    ASSERT(bits >= HLL_BITS_MIN && bits <= HLL_BITS_MAX);
    struct hll *h = xcalloc(1, sizeof *h + ((size_t)1 << bits));
    h->bits = (uint8_t)bits;
    return h;
}

/* All registers are joined ten times as fast as a list of those that are set, so it has to be
 * shorter by a third. */
void hll_write(const struct hll *h, struct buf *out)
{
    const size_t n = (size_t)1 << h->bits, start = out->n, limit = n / 3 * 2;
    size_t next = 0;

    buf_reserve(out, 1 + n + VARINT_MAX);
    out->p[out->n++] = h->bits;
    for (size_t i = 0; i < n && out->n - start <= limit; i++) {
        unsigned rank = h->rank[i];
        if (rank == 0)
            continue;
        buf_varint(out, (i - next) << 4 | (rank < LONG_RANK ? rank : LONG_RANK));
        if (rank >= LONG_RANK)
            out->p[out->n++] = (uint8_t)rank;
        next = i + 1;
    }
    if (out->n - start <= limit)
        return;
    out->n = start;
    out->p[out->n++] = h->bits | DENSE;
    buf_put(out, h->rank, n);
}

static int join_dense(struct hll *h, const uint8_t *rank, size_t n)
{
    if (n != (size_t)1 << h->bits)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++)
        h->rank[i] = rank[i] > h->rank[i] ? rank[i] : h->rank[i];
    return 0;
}

int hll_join(struct hll *h, const uint8_t *data, size_t n)
{
    const uint64_t registers = 1ULL << h->bits;
    struct bytes in = {data, data + n, false};
    uint64_t at = 0;

    if (n == 0 || (*in.p & ~DENSE) != h->bits)
        return -EBADMSG;
    if (*in.p++ & DENSE)
        return join_dense(h, in.p, n - 1);
    while (in.p < in.end) {
        uint64_t v = bytes_varint(&in);
        unsigned rank = v & LONG_RANK;
        if (rank == LONG_RANK) {
            const uint8_t *b = bytes_take(&in, 1);
            rank = b ? *b : 0;
        }
        if (in.bad || v >> 4 >= registers - at)
            return -EBADMSG;
        at += v >> 4;
        if (rank > h->rank[at])
            h->rank[at] = (uint8_t)rank;
        if (++at == registers)
            break;
    }
    return in.p == in.end ? 0 : -EBADMSG;
}

uint64_t hll_count(const struct hll *h)
{
    return estimate(h->rank, h->bits);
}
