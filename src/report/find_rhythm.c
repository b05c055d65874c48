#include <math.h>

#include "report/daytime.h"
#include "report/series_of_day.h"

static const double RHYTHM_LEAST = 2, RHYTHM_SURE = 3.5;

enum { WINDOW = 3 * DAY };

/* What a rhythm's hours may hold at most, so that one happening makes none: three times the mean of
 * all but the three largest. */
static double rhythm_cap(const uint32_t n[WINDOW])
{
    uint32_t largest[3] = {0};
    double sum = 0;

    for (size_t h = 0; h < WINDOW; h++) {
        uint32_t k = n[h];
        sum += k;
        for (int i = 0; i < 3; i++)
            if (k > largest[i]) {
                uint32_t other = largest[i];
                largest[i] = k;
                k = other;
            }
    }
    return 3 * (sum - largest[0] - largest[1] - largest[2]) / (WINDOW - 3);
}

/* Of three days from `base` on, of whose hours no more than the cap counts: how many times more came
 * in the twelve local hours from `first` on; by night: in the others. 0: not more than twice on
 * each, or chance may have made it. */
static double rhythm_from(const uint32_t n[WINDOW], double cap, int64_t base, int quarters,
                          int first, bool night)
{
    double more = 0, less = 0;

    for (size_t d = 0; d < WINDOW; d += DAY) {
        double a = 0, c = 0;
        for (size_t h = d; h < d + DAY; h++) {
            int64_t local = base + (int64_t)h * HOUR_S + quarters * 900;
            int hour = (int)((local / HOUR_S) % DAY), since = (hour - first + DAY) % DAY;
            *((since < DAY / 2) != night ? &a : &c) += fmin(n[h], cap);
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

struct rhythm {
    size_t first, end; /* hours: [first, end) of by_series' */
    double ratio;
    bool by_night;
};

/* The three days from the hour `at` on join what is there. */
static void look_at(const struct by_series *b, const struct series *s, size_t at, int quarters,
                    struct rhythm *r)
{
    enum { FIRST = 5, LAST = 10 }; /* when a day may begin */
    double cap = rhythm_cap(s->n + at), best = 0;
    bool night = false;

    for (int first = FIRST; first <= LAST; first++)
        for (int by_night = 0; by_night < 2; by_night++) {
            double ratio = rhythm_from(s->n + at, cap, b->base + (int64_t)at * HOUR_S, quarters,
                                       first, by_night);
            if (ratio <= best)
                continue;
            best = ratio;
            night = by_night;
        }
    if (best == 0)
        return;
    r->first = r->end ? r->first : at;
    r->end = at + WINDOW;
    r->by_night = best > r->ratio ? night : r->by_night;
    r->ratio = fmax(best, r->ratio);
}

/* What the rhythm tells is told: no more of an hour than twice the mean of its busy half. */
static void tell(struct by_series *b, struct series *s, const struct rhythm *r)
{
    struct series *port = series_of(b, PORT, s->port, 0);
    struct series *country = series_of(b, COUNTRY, 0, s->country);
    double sum = 0;

    for (size_t h = r->first; h < r->end; h++)
        sum += s->n[h];
    uint32_t most = (uint32_t)(4 * sum / (double)(r->end - r->first)) + 2;
    for (size_t h = r->first; h < r->end; h++) {
        uint32_t n = s->n[h] < most ? s->n[h] : most;
        s->n[h] -= n;
        if (port)
            port->n[h] -= n < port->n[h] ? n : port->n[h];
        if (country)
            country->n[h] -= n < country->n[h] ? n : country->n[h];
    }
}

static void find_rhythm(struct by_series *b, struct series *s, const bool known[PAST + 1])
{
    struct rhythm r = {0};
    int quarters;

    if (!country_daytime(s->country, &quarters))
        return;
    for (size_t at = 0; at + WINDOW <= ALL_HOURS; at += DAY)
        if (known[at])
            look_at(b, s, at, quarters, &r);
    if (r.end == 0)
        return;
    struct finding *f = finder_add(b->x, VERDICT_RHYTHM, b->base + (int64_t)r.first * HOUR_S,
                                   b->base + (int64_t)r.end * HOUR_S);
    finding_add_port(f, s->port);
    finding_add_country(f, s->country);
    f->ratio = r.ratio;
    f->by_night = r.by_night;
    for (size_t h = r.first; h < r.end; h++)
        f->events += s->n[h];
    tell(b, s, &r);
}

void series_find_rhythms(struct by_series *b)
{
    bool known[PAST + 1] = {false};
    bool any = false;

    for (size_t at = 0; b->day == DAY && at + WINDOW <= ALL_HOURS; at += DAY) {
        size_t hours = 0;
        for (size_t h = at; h < at + WINDOW; h++)
            hours += b->known[h] == HOUR_BINS;
        any |= known[at] = hours >= WINDOW - 3;
    }
    for (size_t i = 0; any && i < b->n; i++)
        if (b->list[i].kind == PAIR)
            find_rhythm(b, &b->list[i], known);
}
