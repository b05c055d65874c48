#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "report/series_of_day.h"

enum { LOCK_GAP = 2 };

static const double LOCK_LEAST = 0.95; /* correlation */

static double correlation(const uint32_t *x, const uint32_t *y, size_t n)
{
    double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, k = (double)n;

    for (size_t i = 0; i < n; i++) {
        sx += x[i];
        sy += y[i];
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
        xy += (double)x[i] * y[i];
    }
    double vx = xx - sx * sx / k, vy = yy - sy * sy / k;
    return vx > 0 && vy > 0 ? (xy - sx * sy / k) / sqrt(vx * vy) : 0;
}

/* out[i] = 1 where the bin lies above its part of the hour's band. Returns how many. */
static size_t bins_out(const struct by_series *b, const struct series *s, uint8_t out[BINS])
{
    size_t n = 0;

    memset(out, 0, BINS);
    for (size_t h = 0; h < b->day; h++) {
        struct band band = series_band(b, s->n, h);
        if (!band.is || s->n[PAST + h] < LOCK_BIN_MIN)
            continue;
        double mean = band.mean / HOUR_BINS, sd = band.sd / sqrt(HOUR_BINS);
        double least = fmax(LOCK_BIN_MIN, mean + fmax(BAND * sd, 2 * sqrt(mean)));
        for (size_t i = h * HOUR_BINS; i < (h + 1) * HOUR_BINS; i++) {
            out[i] = s->bins[i] >= least;
            n += out[i];
        }
    }
    return n;
}

struct locked {
    struct series *s;
    uint8_t out[BINS];
};

static bool in_step(const struct by_series *b, const struct series *p, const struct series *q,
                    size_t first, size_t n)
{
    size_t last = first + n, day = b->day * HOUR_BINS;
    size_t wide_first = first > LOCK_BINS ? first - LOCK_BINS : 0;
    size_t wide_last = last + LOCK_BINS < day ? last + LOCK_BINS : day;
    uint64_t of_p = 0, of_q = 0;

    for (size_t i = first; i < last; i++) {
        of_p += p->bins[i];
        of_q += q->bins[i];
    }
    if (correlation(p->bins + first, q->bins + first, n) >= LOCK_LEAST)
        return true;
    /* At one steady rate there is nothing to correlate but beginning and end. */
    return of_p * 5 >= of_q * 4 && of_q * 5 >= of_p * 4 &&
           correlation(p->bins + wide_first, q->bins + wide_first, wide_last - wide_first) >=
               LOCK_LEAST;
}

/* Another pair of the same ports' time joins it. */
static void add_lockstep(struct by_series *b, const struct series *p, const struct series *q,
                         size_t first, size_t n)
{
    int64_t from = b->x->from + (int64_t)first * BIN_S, to = from + (int64_t)n * BIN_S;
    struct finding *f = NULL;

    for (size_t i = 0; i < b->x->n && !f; i++) {
        struct finding *g = &b->x->list[i];
        if (g->verdict != VERDICT_LOCKSTEP || g->from >= to || g->to <= from)
            continue;
        for (size_t k = 0; k < g->ports.n; k++)
            if (g->ports.list[k] == p->port || g->ports.list[k] == q->port)
                f = g;
    }
    if (!f) {
        f = finder_add(b->x, VERDICT_LOCKSTEP, from, to);
        f->correlation = correlation(p->bins + (first > LOCK_BINS ? first - LOCK_BINS : 0),
                                     q->bins + (first > LOCK_BINS ? first - LOCK_BINS : 0),
                                     n + (first > LOCK_BINS ? LOCK_BINS : first));
    }
    f->from = from < f->from ? from : f->from;
    f->to = to > f->to ? to : f->to;
    for (int k = 0; k < 2; k++) {
        const struct series *s = k ? q : p;
        size_t before = f->ports.all;
        finding_add_port(f, s->port);
        for (size_t i = first; f->ports.all > before && i < first + n; i++)
            f->events += s->bins[i];
    }
}

static void find_step(struct by_series *b, struct locked *p, struct locked *q)
{
    for (size_t i = 0; i < b->day * HOUR_BINS; i++) {
        if (!p->out[i] || !q->out[i])
            continue;
        size_t last = i, both = 0;
        for (size_t k = i; k < b->day * HOUR_BINS && k - last <= LOCK_GAP; k++)
            if (p->out[k] && q->out[k]) {
                both++;
                last = k;
            }
        if (both >= LOCK_BINS && in_step(b, p->s, q->s, i, last + 1 - i)) {
            add_lockstep(b, p->s, q->s, i, last + 1 - i);
            for (size_t h = i / HOUR_BINS; h <= last / HOUR_BINS; h++) {
                p->s->used[h] = q->s->used[h] = true;
                series_want_who(p->s, h);
                series_want_who(q->s, h);
                series_use_pairs(b, p->s, h, 1);
                series_use_pairs(b, q->s, h, 1);
            }
        }
        i = last;
    }
}

void series_find_lockstep(struct by_series *b)
{
    enum { MOST = 256 };
    struct locked *l = xmalloc(MOST * sizeof *l);
    size_t n = 0;

    for (size_t i = 0; i < b->n && n < MOST; i++) {
        if (!b->list[i].bins)
            continue;
        l[n].s = &b->list[i];
        n += bins_out(b, l[n].s, l[n].out) >= LOCK_BINS;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            find_step(b, &l[i], &l[k]);
    free(l);
}
