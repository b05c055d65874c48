#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "report/series_of_day.h"

enum { LOCK_GAP = 3 };

static const double LOCK_LEAST = 0.95; /* correlation, without the noise of what is always there; */
static const double LOCK_RAW = 0.8;    /* with it */
static const double LIKE = 0.7, NARROW = 0.7;

/* Of the two ports' bins; `noise`: what chance alone lets each vary, which is taken off. */
static double correlation(const uint32_t *x, const uint32_t *y, size_t n, const double noise[2])
{
    double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, k = (double)n;

    for (size_t i = 0; i < n; i++) {
        sx += x[i];
        sy += y[i];
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
        xy += (double)x[i] * y[i];
    }
    double vx = xx - sx * sx / k, vy = yy - sy * sy / k, cov = xy - sx * sy / k;
    if (vx <= 0 || vy <= 0 || cov / sqrt(vx * vy) < LOCK_RAW)
        return 0;
    vx = fmax(vx - k * noise[0], vx / 2);
    vy = fmax(vy - k * noise[1], vy / 2);
    return fmin(cov / sqrt(vx * vy), 1);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The median of the day's bins: what came anew, and stays, isn't out in each of them. */
static double usual_bin(const struct by_series *b, const struct series *s)
{
    uint32_t bins[BINS];
    size_t n = b->day * HOUR_BINS;

    memcpy(bins, s->bins, n * sizeof *bins);
    qsort(bins, n, sizeof *bins, by_value);
    return bins[n / 2];
}

/* Where a bin leaves its part of the hour's band: hours vary as a whole, and bins by chance besides. */
static double bin_high(const struct band *band, double usual)
{
    double mean = fmax(band->mean / HOUR_BINS, usual);
    double hours = fmax(band->sd * band->sd - band->mean, 0) / (HOUR_BINS * HOUR_BINS);

    return mean + BAND * sqrt(hours + mean);
}

/* out[i] = 1 where the bin lies above its part of the hour's band. Returns how many. */
static size_t bins_out(const struct by_series *b, const struct series *s, uint8_t out[BINS])
{
    size_t n = 0;
    double usual = usual_bin(b, s);

    memset(out, 0, BINS);
    for (size_t h = 0; h < b->day; h++) {
        struct band band = series_band(b, s->n, h);
        if (!band.is || s->n[PAST + h] < LOCK_BIN_MIN)
            continue;
        double least = fmax(LOCK_BIN_MIN, bin_high(&band, usual));
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

/* What each port's own traffic varies by in a bin of those hours, by chance. */
static double noise_of(const struct by_series *b, const struct series *s, size_t bin)
{
    struct band band = series_band(b, s->n, bin / HOUR_BINS);

    return band.mean / HOUR_BINS;
}

/* What a port has above its mean in the hours of those bins, in all (country NULL) or of a country. */
static double above(const struct by_series *b, const struct series *s, size_t first, size_t n)
{
    double sum = 0;

    for (size_t h = first / HOUR_BINS; h <= (first + n - 1) / HOUR_BINS; h++)
        sum += s->n[PAST + h] - series_band(b, s->n, h).mean;
    return fmax(sum, 0);
}

/* Whether three countries at most make the port's excess. */
static bool is_narrow(const struct by_series *b, const struct series *port, size_t first, size_t n)
{
    double largest[3] = {0};

    for (size_t i = 0; i < b->n; i++) {
        const struct series *s = &b->list[i];
        double x = s->kind == PAIR && s->port == port->port ? above(b, s, first, n) : 0;
        for (int k = 0; k < 3; k++)
            if (x > largest[k]) {
                double other = largest[k];
                largest[k] = x;
                x = other;
            }
    }
    return largest[0] + largest[1] + largest[2] > NARROW * above(b, port, first, n);
}

/* Whether the two ports' excess may have one sender: it comes from the same countries, or from so
 * many that none stands out. */
static bool same_senders(const struct by_series *b, const struct series *p, const struct series *q,
                         size_t first, size_t n)
{
    double pp = 0, qq = 0, pq = 0;
    bool narrow = is_narrow(b, p, first, n);

    if (narrow != is_narrow(b, q, first, n))
        return false;
    for (size_t i = 0; narrow && i < b->n; i++) {
        const struct series *s = &b->list[i], *t;
        if (s->kind != PAIR || (s->port != p->port && s->port != q->port))
            continue;
        double x = above(b, s, first, n);
        *(s->port == p->port ? &pp : &qq) += x * x;
        if (s->port == p->port && (t = series_of(b, PAIR, q->port, s->country)))
            pq += x * above(b, t, first, n);
    }
    return !narrow || pq >= LIKE * sqrt(pp * qq);
}

static bool in_step(const struct by_series *b, const struct series *p, const struct series *q,
                    size_t first, size_t n)
{
    size_t last = first + n, day = b->day * HOUR_BINS;
    size_t wide_first = first > LOCK_BINS ? first - LOCK_BINS : 0;
    size_t wide_last = last + LOCK_BINS < day ? last + LOCK_BINS : day;
    const double noise[2] = {noise_of(b, p, first), noise_of(b, q, first)};
    double of_p = -noise[0] * (double)n, of_q = -noise[1] * (double)n;

    for (size_t i = first; i < last; i++) {
        of_p += p->bins[i];
        of_q += q->bins[i];
    }
    if (correlation(p->bins + first, q->bins + first, n, noise) >= LOCK_LEAST)
        return same_senders(b, p, q, first, n);
    /* At one steady rate there is nothing to correlate but beginning and end. */
    return of_p * 5 >= of_q * 4 && of_q * 5 >= of_p * 4 &&
           correlation(p->bins + wide_first, q->bins + wide_first, wide_last - wide_first, noise) >=
               LOCK_LEAST &&
           same_senders(b, p, q, first, n);
}

/* Another pair of the same ports' time joins it. Returns the finding's number. */
static size_t add_lockstep(struct by_series *b, const struct series *p, const struct series *q,
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
        size_t before = first > LOCK_BINS ? LOCK_BINS : first;
        f->correlation = correlation(p->bins + first - before, q->bins + first - before, n + before,
                                     (double[]){noise_of(b, p, first), noise_of(b, q, first)});
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
    return (size_t)(f - b->x->list);
}

/* The pairs of the one port whose country is as busy at the other are told; all of them where it
 * comes from everywhere. */
static void use_shared(struct by_series *b, const struct series *p, const struct series *q,
                       size_t hour, bool narrow)
{
    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        if (s->kind != PAIR || s->port != p->port)
            continue;
        const struct series *other = series_of(b, PAIR, q->port, s->country);
        double here = s->n[PAST + hour] - series_band(b, s->n, hour).mean;
        double there = other ? other->n[PAST + hour] - series_band(b, other->n, hour).mean : 0;
        if (!narrow || s->excess[hour] <= 0 || there * 3 > here)
            series_use_pair(b, s, hour);
    }
}

/* A last or first part of it, with too few bins to be found: what stands out at both. */
static void use_beside(struct by_series *b, struct series *p, struct series *q, size_t hour,
                       bool narrow)
{
    double x = p->over[hour], y = q->over[hour];

    if (p->used[hour] || q->used[hour] || (!narrow && (x <= 0 || y <= 0)))
        return;
    use_shared(b, p, q, hour, narrow);
    use_shared(b, q, p, hour, narrow);
    if (x > 0 && y > 0 && x < 2 * y && y < 2 * x)
        p->used[hour] = q->used[hour] = true;
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
            size_t number = add_lockstep(b, p->s, q->s, i, last + 1 - i);
            bool narrow = is_narrow(b, p->s, i, last + 1 - i);
            for (size_t h = i / HOUR_BINS; h <= last / HOUR_BINS; h++) {
                p->s->used[h] = q->s->used[h] = true;
                series_want_who(b, p->s, number, h);
                series_want_who(b, q->s, number, h);
                use_shared(b, p->s, q->s, h, narrow);
                use_shared(b, q->s, p->s, h, narrow);
            }
            if (i >= HOUR_BINS)
                use_beside(b, p->s, q->s, i / HOUR_BINS - 1, narrow);
            if (last / HOUR_BINS + 1 < b->day)
                use_beside(b, p->s, q->s, last / HOUR_BINS + 1, narrow);
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
