#include <math.h>

#include "report/daytime.h"
#include "report/series_of_day.h"

static const double RHYTHM_LEAST = 2, RHYTHM_SURE = 3;

/* What a rhythm's hours may hold at most, so that one happening makes none: three times the mean of
 * all but the three largest. */
static double rhythm_cap(const struct series *s)
{
    uint32_t largest[3] = {0};
    double sum = 0;

    for (size_t h = 0; h < HOURS; h++) {
        uint32_t n = s->n[h];
        sum += n;
        for (int i = 0; i < 3; i++)
            if (n > largest[i]) {
                uint32_t other = largest[i];
                largest[i] = n;
                n = other;
            }
    }
    return 3 * (sum - largest[0] - largest[1] - largest[2]) / (HOURS - 3);
}

/* Of three days, of whose hours no more than the cap counts: how many times more came in the twelve local hours from `first` on; by night: in
 * the others. 0: not more than twice on each, or chance may have made it. */
static double rhythm_from(const struct series *s, double cap, int64_t base, int quarters, int first,
                          bool night)
{
    double more = 0, less = 0;

    for (size_t d = 0; d < HOURS; d += DAY) {
        double a = 0, c = 0;
        for (size_t h = d; h < d + DAY; h++) {
            int64_t local = base + (int64_t)h * HOUR_S + quarters * 900;
            int hour = (int)((local / HOUR_S) % DAY), since = (hour - first + DAY) % DAY;
            *((since < DAY / 2) != night ? &a : &c) += fmin(s->n[h], cap);
        }
        if (a + c < PAIR_DAY_MIN || a <= RHYTHM_LEAST * c)
            return 0;
        more += a;
        less += c;
    }
    if (more - RHYTHM_LEAST * less < RHYTHM_SURE * sqrt(more + RHYTHM_LEAST * RHYTHM_LEAST * less))
        return 0;
    return more / fmax(less, 1);
}

static void find_rhythm(struct by_series *b, const struct series *s)
{
    enum { FIRST = 5, LAST = 10 }; /* when a day may begin */
    double best = 0, cap = rhythm_cap(s);
    bool night = false;
    int quarters;

    if (!country_daytime(s->country, &quarters))
        return;
    for (int first = FIRST; first <= LAST; first++)
        for (int by_night = 0; by_night < 2; by_night++) {
            double ratio = rhythm_from(s, cap, b->base, quarters, first, by_night);
            if (ratio <= best)
                continue;
            best = ratio;
            night = by_night;
        }
    if (best == 0)
        return;
    struct finding *f = finder_add(b->x, VERDICT_RHYTHM, b->base, b->x->to);
    finding_add_port(f, s->port);
    finding_add_country(f, s->country);
    f->ratio = best;
    f->by_night = night;
    for (size_t h = 0; h < HOURS; h++)
        f->events += s->n[h];
}

void series_find_rhythms(struct by_series *b)
{
    size_t known = 0;

    for (size_t h = 0; h < HOURS; h++)
        known += b->known[h] == HOUR_BINS;
    if (b->day < DAY || known < HOURS - 3)
        return;
    for (size_t i = 0; i < b->n; i++)
        if (b->list[i].kind == PAIR)
            find_rhythm(b, &b->list[i]);
}
