#include <math.h>

#include "report/series_of_day.h"

enum {
    BURST_HOURS = 8,  /* what lasts longer is another level */
    PORT_PAIRS = 2,   /* that are out at once are their port's burst, */
    COUNTRY_PAIRS = 3 /* and these their country's */
};

/* Of what lies above the mean; and how alike two hours of one burst are made. */
static const double MOST = 0.7, COUNTRY_MORE = 2, LIKE = 0.3;

static bool is_out(const struct series *s, size_t hour)
{
    return s->excess[hour] > 0 && !s->used[hour];
}

/* Whether the hours [first, first + n) lie at a level at which the series stays for longer than a
 * burst does. */
static bool is_level(const struct by_series *b, const struct series *s, size_t first, size_t n)
{
    size_t last = first + n;
    double most = 0;

    for (size_t h = first; h < last; h++)
        most = fmax(most, s->over[h]);
    while (first > 0 && s->over[first - 1] > most / 2)
        first--;
    while (last < b->day && s->over[last] > most / 2)
        last++;
    return last - first > BURST_HOURS;
}

static double above_mean(const struct by_series *b, const struct series *s, size_t hour, size_t n)
{
    double sum = 0;

    for (size_t h = hour; h < hour + n; h++) {
        struct band band = series_band(b, s->n, h);
        sum += fmax(s->n[PAST + h] - band.mean, 0);
    }
    return sum;
}

static bool is_above(const struct series *s, size_t hour, size_t n)
{
    bool above = s != NULL;

    for (size_t h = hour; above && h < hour + n; h++)
        above = s->over[h] > 0;
    return above;
}

static void measure(const struct by_series *b, struct series *s, size_t h, struct finding *f)
{
    struct band band = series_band(b, s->n, h);

    f->events += s->n[PAST + h];
    if (f->hour && s->n[PAST + h] - band.mean < (double)f->hour_events - f->mean)
        return;
    f->hour = b->x->from + (int64_t)h * HOUR_S;
    f->hour_events = s->n[PAST + h];
    f->mean = band.mean;
    f->low = band.low;
    f->high = band.high;
}

/* The finding is about the series as a whole, but for what the returned who is told to leave out. */
static struct who *add_burst(struct by_series *b, struct series *s, size_t hour, size_t n)
{
    size_t number = b->x->n;
    struct finding *f = finder_add(b->x, VERDICT_BURST, b->x->from + (int64_t)hour * HOUR_S,
                                   b->x->from + (int64_t)(hour + n) * HOUR_S);
    struct who *w = NULL;

    for (size_t h = hour; h < hour + n; h++) {
        measure(b, s, h, f);
        w = series_want_who(b, s, number, h);
    }
    if (s->kind != COUNTRY)
        finding_add_port(f, s->port);
    if (s->kind != PORT)
        finding_add_country(f, s->country);
    w->burst = above_mean(b, s, hour, n);
    w->port_out = is_above(series_of(b, PORT, s->port, 0), hour, n);
    if (s->kind != PAIR)
        series_use_pairs(b, s, hour, n);
    for (size_t h = hour; h < hour + n; h++)
        if (s->kind == PAIR)
            series_use_pair(b, s, h);
        else
            s->used[h] = true;
    return w;
}

static bool is_pair_of(const struct series *pair, const struct series *of)
{
    return pair->kind == PAIR &&
           (of->kind == PORT ? pair->port == of->port : pair->country == of->country);
}

/* Whether the same pairs make what two hours have above the mean. */
static bool same_makers(const struct by_series *b, const struct series *of, size_t x, size_t y)
{
    double xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; of->kind != PAIR && i < b->n; i++) {
        if (!is_pair_of(&b->list[i], of))
            continue;
        double at_x = above_mean(b, &b->list[i], x, 1), at_y = above_mean(b, &b->list[i], y, 1);
        xx += at_x * at_x;
        yy += at_y * at_y;
        xy += at_x * at_y;
    }
    return xx == 0 || yy == 0 || xy >= LIKE * sqrt(xx * yy);
}

/* For how many hours it stays out from this one on; 0: none, or it stays there. */
static size_t run_at(const struct by_series *b, const struct series *s, size_t hour)
{
    size_t n = 0;

    while (hour + n < b->day && is_out(s, hour + n) &&
           (n == 0 || same_makers(b, s, hour + n - 1, hour + n)))
        n++;
    return n == 0 || is_level(b, s, hour, n) ? 0 : n;
}

/* The pair that makes most of the series' burst; NULL: none does. */
static const struct series *maker(const struct by_series *b, const struct series *of, size_t hour,
                                  size_t n)
{
    double all = above_mean(b, of, hour, n);

    for (size_t i = 0; i < b->n; i++)
        if (is_pair_of(&b->list[i], of) && above_mean(b, &b->list[i], hour, n) >= MOST * all)
            return &b->list[i];
    return NULL;
}

/* Whether it is told better by others: a port's by its country, that brings far more than this; a
 * country's by its port. */
static bool is_part(const struct by_series *b, const struct series *s, size_t hour, size_t n)
{
    const struct series *pair = maker(b, s, hour, n), *country;

    if (s->kind == COUNTRY)
        return pair != NULL;
    if (!pair || pair->used[hour])
        return false;
    country = series_of(b, COUNTRY, 0, pair->country);
    bool out = country != NULL;
    for (size_t h = hour; out && h < hour + n; h++)
        out = is_out(country, h);
    return out && above_mean(b, country, hour, n) >= COUNTRY_MORE * above_mean(b, s, hour, n);
}

static void find_of_kind(struct by_series *b, enum kind kind, bool parts)
{
    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        for (size_t h = 0; s->kind == kind && h < b->day; h++) {
            size_t n = run_at(b, s, h);
            if (n && (parts || !is_part(b, s, h, n)))
                add_burst(b, s, h, n);
            h += n ? n - 1 : 0;
        }
    }
}

/* ---- what no series but its pairs show ---- */

/* Pairs of the series that are out, by hour; one less where it isn't above its band itself. */
static void count_pairs(const struct by_series *b, const struct series *of, size_t out[DAY + 1])
{
    for (size_t h = 0; h <= DAY; h++)
        out[h] = 0;
    for (size_t i = 0; i < b->n; i++)
        for (size_t h = 0; is_pair_of(&b->list[i], of) && h < b->day; h++)
            out[h] += is_out(&b->list[i], h);
    for (size_t h = 0; h < b->day; h++)
        if (of->over[h] <= 0 && out[h] > 0)
            out[h]--;
}

static void add_joined(struct by_series *b, struct series *of, size_t hour, size_t n)
{
    double burst = 0;
    uint16_t countries[DAY];
    size_t country_n = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct series *pair = &b->list[i];
        bool out = false;
        for (size_t h = hour; is_pair_of(pair, of) && h < hour + n; h++)
            out = out || is_out(pair, h);
        if (!out)
            continue;
        burst += above_mean(b, pair, hour, n);
        if (country_n < DAY)
            countries[country_n++] = pair->country;
    }
    struct who *w = add_burst(b, of, hour, n);
    w->burst = burst;
    for (size_t i = 0; of->kind == PORT && i < country_n; i++)
        who_only(w, countries[i]);
}

static void join_pairs(struct by_series *b, enum kind kind, size_t least)
{
    size_t out[DAY + 1];

    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        if (s->kind != kind)
            continue;
        count_pairs(b, s, out);
        for (size_t h = 0, n; h < b->day; h += n + 1) {
            for (n = 0; out[h + n] >= least; n++)
                ;
            if (n && n <= BURST_HOURS)
                add_joined(b, s, h, n);
        }
    }
}

void series_find_bursts(struct by_series *b)
{
    find_of_kind(b, PORT, false);
    find_of_kind(b, COUNTRY, false);
    find_of_kind(b, PORT, true);
    join_pairs(b, PORT, PORT_PAIRS);
    join_pairs(b, COUNTRY, COUNTRY_PAIRS);
    find_of_kind(b, PAIR, true);
    find_of_kind(b, COUNTRY, true);
}
