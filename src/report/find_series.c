#include "report/series_of_day.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/hash.h"
#include "base/port.h"
#include "report/rank.h"

enum {
    KNOWN_MIN = 24,  /* hours that make a band */
    KNOWN_BINS = 6,  /* that make an hour */
    PORT_MIN = 10,   /* events in some hour, or there is no series */
    PAIR_MIN = 20,   /* the same of a pair, or */
    BURST_MIN = 30,  /* events above the mean */
    BURST_HOURS = 8, /* what lasts longer is another level */
    DISTRIBUTED_MIN = 50,
    FEW_SOURCES = 25,
    NEW_RANK = 20,
    NEW_BEFORE = 100,
    NEW_MIN = 30,
    NEW_HOURS = 4,
    NEW_DAYS = 7,
    FALL_SERIES = 4,
    FALL_MEAN = 5,
    COUNTRY_BITS = 10
};

static const double SURE = 5;  /* a burst's, so that chance makes none in some weeks */
static const double OWNED = 8; /* median deviations: an hour that a burst owned */
static const double NONE_ABOVE = 0.1, FEW_MAKE = 0.8;
static const double FALL_PART = 0.8, FALL_REST = 0.75;

/* ---- keys ---- */

static uint64_t series_key(enum kind kind, uint32_t port, uint16_t country)
{
    return (uint64_t)kind << 32 | (uint64_t)(kind == COUNTRY ? 0 : port) << COUNTRY_BITS |
           (kind == PORT ? 0 : country);
}

static uint32_t *find_slot(const struct table *t, uint64_t key)
{
    size_t i = hash_mix(key) & (t->slot_count - 1);

    while (t->slots[i] && t->sums[t->slots[i] - 1].key != key)
        i = (i + 1) & (t->slot_count - 1);
    return &t->slots[i];
}

static struct sum *sum_of(struct table *t, uint64_t key)
{
    if ((t->n + 1) * 2 > t->slot_count) {
        t->slot_count = t->slot_count ? t->slot_count * 2 : 1024;
        free(t->slots);
        t->slots = xcalloc(t->slot_count, sizeof *t->slots);
        for (size_t i = 0; i < t->n; i++)
            *find_slot(t, t->sums[i].key) = (uint32_t)i + 1;
    }
    uint32_t *slot = find_slot(t, key);
    if (!*slot) {
        if (t->n == t->cap)
            t->sums = xrealloc(t->sums, t->cap = t->cap * 2 + 512, sizeof *t->sums);
        t->sums[t->n++] = (struct sum){.key = key};
        *slot = (uint32_t)t->n;
    }
    return &t->sums[*slot - 1];
}

static struct series *series_of(const struct by_series *b, enum kind kind, uint32_t port,
                                uint16_t country)
{
    if (b->table.slot_count == 0)
        return NULL;
    uint32_t slot = *find_slot(&b->table, series_key(kind, port, country));
    int32_t i = slot ? b->table.series[slot - 1] : -1;
    return i < 0 ? NULL : &b->list[i];
}

/* ---- reading bins: which keys are series, then their hours ---- */

static void count_hour(struct by_series *b, enum kind kind, const struct bin_fact *f)
{
    struct sum *s = sum_of(&b->table, series_key(kind, f->port, f->country));
    uint32_t hour = (uint32_t)((f->bin - b->base) / HOUR_S) + 1;

    if (s->hour != hour) {
        s->hour = hour;
        s->hour_n = 0;
    }
    s->hour_n += (uint32_t)f->events;
    s->all += (uint32_t)f->events;
    s->most = s->hour_n > s->most ? s->hour_n : s->most;
    if (f->bin < b->x->from)
        return;
    s->day += (uint32_t)f->events;
    s->most_today = s->hour_n > s->most_today ? s->hour_n : s->most_today;
}

static bool is_named(const struct bin_fact *f)
{
    return f->port != PORT_OTHER && f->country != COUNTRY_OTHER;
}

/* Answers to what others forged are judged as reflections: who is attacked elsewhere today changes
 * by the day and says nothing of who scans. */
static bool counts(const struct bin_fact *f)
{
    return f->rule == 0 && f->class != CLASS_BACKSCATTER;
}

static int count_bin(void *ctx, const struct bin_fact *f)
{
    struct by_series *b = ctx;

    if (!counts(f))
        return 0;
    if (f->port != PORT_OTHER)
        count_hour(b, PORT, f);
    if (f->country != COUNTRY_OTHER)
        count_hour(b, COUNTRY, f);
    if (is_named(f))
        count_hour(b, PAIR, f);
    return 0;
}

static void admit(struct by_series *b)
{
    struct table *t = &b->table;

    t->series = xmalloc((t->n + 1) * sizeof *t->series);
    for (size_t i = 0; i < t->n; i++) {
        const struct sum *s = &t->sums[i];
        enum kind kind = (enum kind)(s->key >> 32);
        bool is = kind == PORT   ? s->most >= PORT_MIN || s->day >= NEW_MIN
                  : kind == PAIR ? s->most_today >= PAIR_MIN || s->all >= 3 * PAIR_DAY_MIN
                                 : true;
        t->series[i] = -1;
        if (!is)
            continue;
        if (b->n == b->cap)
            b->list = xrealloc(b->list, b->cap = b->cap * 2 + 256, sizeof *b->list);
        t->series[i] = (int32_t)b->n;
        struct series *v = &b->list[b->n++];
        *v = (struct series){.kind = kind,
                             .port =
                                 (uint32_t)(s->key >> COUNTRY_BITS) & ((1u << PORT_KEY_BITS) - 1),
                             .country = (uint16_t)(s->key & ((1u << COUNTRY_BITS) - 1)),
                             .raw = s->day};
        if (kind == PORT && s->most_today >= LOCK_BINS * LOCK_BIN_MIN / 2)
            v->bins = xcalloc(BINS, sizeof *v->bins);
    }
}

static int fill_bin(void *ctx, const struct bin_fact *f)
{
    struct by_series *b = ctx;
    size_t hour = (size_t)((f->bin - b->base) / HOUR_S);
    struct series *s;

    if (!counts(f))
        return 0;
    b->total[hour] += (uint32_t)f->events;
    for (enum kind k = PORT; k <= PAIR; k++) {
        if ((k != COUNTRY && f->port == PORT_OTHER) || (k != PORT && f->country == COUNTRY_OTHER))
            continue;
        s = series_of(b, k, f->port, f->country);
        if (!s)
            continue;
        s->n[hour] += (uint32_t)f->events;
        if (s->bins && f->bin >= b->x->from)
            s->bins[(f->bin - b->x->from) / BIN_S] += (uint32_t)f->events;
    }
    return 0;
}

static void take_off(uint32_t *n, uint64_t events)
{
    *n = *n > events ? *n - (uint32_t)events : 0;
}

/* What a finding by source tells is told. */
static int take_told(void *ctx, const struct source_fact *f)
{
    struct by_series *b = ctx;
    uint64_t by_bin[HOUR_BINS], all = 0;

    if (f->hour < b->x->from || f->class == CLASS_BACKSCATTER || !told_of(b->told, f, by_bin) ||
        rules_of(b->x->rules, f))
        return 0;
    for (int i = 0; i < HOUR_BINS; i++)
        all += by_bin[i];
    size_t hour = (size_t)((f->hour - b->base) / HOUR_S);
    take_off(&b->total[hour], all);
    for (enum kind k = PORT; k <= PAIR; k++) {
        struct series *s = series_of(b, k, f->port, f->country);
        if (!s)
            continue;
        take_off(&s->n[hour], all);
        for (int i = 0; s->bins && i < HOUR_BINS; i++)
            take_off(&s->bins[(f->hour - b->x->from) / BIN_S + i], by_bin[i]);
    }
    return 0;
}

/* ---- bands ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The band by which an hour of the day is judged: of the known hours among the 48 before it, but
 * for those that lie so far off that they would hide what comes after them. */
struct band series_band(const struct by_series *b, const uint32_t *n, size_t hour)
{
    double v[PAST], off[PAST], sum = 0, squares = 0;
    size_t count = 0, kept = 0;
    struct band band = {0};

    for (size_t i = hour; i < hour + PAST; i++)
        if (b->known[i] >= KNOWN_BINS)
            v[count++] = (double)n[i] * HOUR_BINS / b->known[i];
    if (count < KNOWN_MIN)
        return band;
    double middle = median(v, count); /* sorts */
    for (size_t i = 0; i < count; i++)
        off[i] = fabs(v[i] - middle);
    double usual = median(off, count) * 1.4826;
    usual = fmax(usual, fmax(sqrt(middle), 1));
    for (size_t i = 0; i < count; i++) {
        if (fabs(v[i] - middle) > OWNED * usual)
            continue;
        sum += v[i];
        squares += v[i] * v[i];
        kept++;
    }
    band.is = true;
    band.mean = sum / (double)kept;
    band.sd = sqrt(fmax(squares / (double)kept - band.mean * band.mean, 0));
    band.low = fmax(band.mean - BAND * band.sd, 0);
    band.high = band.mean + BAND * band.sd;
    return band;
}

/* How much an excess must be, for a series of such a band. */
static double sure_excess(const struct band *band)
{
    return fmax(BURST_MIN, SURE * sqrt(fmax(band->sd * band->sd, fmax(band->mean, 1))));
}

static void judge_hours(struct by_series *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        for (size_t h = 0; h < b->day; h++) {
            double n = s->n[PAST + h];
            if (s->raw < BURST_MIN || n < 1)
                continue;
            struct band band = series_band(b, s->n, h);
            s->above[h] = band.is && n > band.high;
            if (s->above[h] && n - band.mean >= sure_excess(&band))
                s->excess[h] = n - band.mean;
        }
    }
}

/* ---- who ---- */

void series_want_who(struct series *s, size_t hour)
{
    if (!s->who)
        s->who = xcalloc(1, sizeof *s->who);
    s->who->hours |= 1u << hour;
}

static void add_part(struct who *w, uint32_t key, uint64_t events)
{
    size_t least = 0;

    for (size_t i = 0; i < w->part_n; i++) {
        if (w->parts[i].key == key) {
            w->parts[i].events += events;
            return;
        }
        least = w->parts[i].events < w->parts[least].events ? i : least;
    }
    if (w->part_n < sizeof w->parts / sizeof *w->parts)
        least = w->part_n++;
    else if (w->parts[least].events >= events)
        return;
    w->parts[least].key = key;
    w->parts[least].events = events;
}

static void add_who(struct series *s, const struct source_fact *f, uint64_t events)
{
    struct who *w = s->who;
    size_t before = w->sources.n;
    uint32_t i = ip_table_add(&w->sources, &f->source);

    if (i >= w->cap)
        w->events = xrealloc(w->events, w->cap = w->cap * 2 + 64, sizeof *w->events);
    if (w->sources.n > before)
        w->events[i] = 0;
    w->events[i] += events;
    w->all += events;
    add_part(w, s->kind == PORT ? f->country : f->port, events);
}

static int take_who(void *ctx, const struct source_fact *f)
{
    struct by_series *b = ctx;
    uint64_t by_bin[HOUR_BINS], events = f->events;

    if (f->hour < b->x->from || f->class == CLASS_BACKSCATTER)
        return 0;
    uint32_t bit = 1u << ((f->hour - b->x->from) / HOUR_S);
    bool judged = false;
    for (enum kind k = PORT; k <= PAIR; k++) {
        struct series *s = series_of(b, k, f->port, f->country);
        if (!s || !s->who || !(s->who->hours & bit))
            continue;
        if (!judged) {
            if (rules_of(b->x->rules, f))
                return 0;
            judged = true;
            if (told_of(b->told, f, by_bin))
                for (int i = 0; i < HOUR_BINS; i++)
                    events -= by_bin[i];
        }
        if (events)
            add_who(s, f, events);
    }
    return 0;
}

static int heavier(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x > y ? -1 : x < y;
}

/* Whether few sources make most of a burst, beside the many that are always there. */
static bool few_make(const struct who *w, double burst)
{
    uint64_t *events = xmalloc((w->sources.n + 1) * sizeof *events), sum = 0;

    memcpy(events, w->events, w->sources.n * sizeof *events);
    qsort(events, w->sources.n, sizeof *events, heavier);
    for (size_t i = 0; i < w->sources.n && i < FEW_SOURCES; i++)
        sum += events[i];
    free(events);
    return (double)sum >= FEW_MAKE * burst;
}

/* Its heaviest sources, and the part of the first. */
static void give_who(struct finding *f, const struct who *w)
{
    size_t chosen[FINDING_LIST], n = 0;

    for (size_t i = 0; i < w->sources.n; i++) {
        size_t at = n;
        while (at > 0 && w->events[chosen[at - 1]] < w->events[i])
            at--;
        if (at >= FINDING_LIST)
            continue;
        n += n < FINDING_LIST;
        for (size_t k = n - 1; k > at; k--)
            chosen[k] = chosen[k - 1];
        chosen[at] = i;
    }
    for (size_t i = 0; i < n; i++)
        finding_add_source(f, &w->sources.list[chosen[i]]);
    f->sources.all = w->sources.n;
    if (n && w->all)
        f->top_share = (double)w->events[chosen[0]] / (double)w->all;
}

/* The countries of a port, or the ports of a country, that make up at least a tenth of it. */
static void give_parts(struct finding *f, const struct series *s)
{
    const struct who *w = s->who;
    bool given[64] = {false};

    for (;;) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < w->part_n; i++)
            if (!given[i] && w->parts[i].events * 10 >= w->all &&
                (best == SIZE_MAX || w->parts[i].events > w->parts[best].events))
                best = i;
        if (best == SIZE_MAX)
            return;
        given[best] = true;
        if (s->kind == PORT)
            finding_add_country(f, (uint16_t)w->parts[best].key);
        else
            finding_add_port(f, w->parts[best].key);
    }
}

/* ---- sensor-fall ---- */

static bool falls_at(const struct by_series *b, size_t hour, unsigned *judged, unsigned *fallen)
{
    struct band total = series_band(b, b->total, hour);

    *judged = *fallen = 0;
    if (!total.is || b->known[PAST + hour] < HOUR_BINS ||
        b->total[PAST + hour] > FALL_REST * total.mean)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        const struct series *s = &b->list[i];
        if (s->kind == PAIR)
            continue;
        struct band band = series_band(b, s->n, hour);
        if (!band.is || band.mean < FALL_MEAN || band.low <= 0)
            continue;
        ++*judged;
        *fallen += s->n[PAST + hour] < band.low;
    }
    return *judged >= FALL_SERIES && *fallen >= FALL_PART * *judged;
}

static void find_falls(struct by_series *b)
{
    struct finding *f = NULL;
    unsigned judged, fallen;

    for (size_t h = 0; h < b->day; h++) {
        if (!falls_at(b, h, &judged, &fallen)) {
            f = NULL;
            continue;
        }
        int64_t hour = b->x->from + (int64_t)h * HOUR_S;
        struct band band = series_band(b, b->total, h);
        if (!f) {
            f = finder_add(b->x, VERDICT_SENSOR_FALL, hour, hour);
            f->hour_events = UINT64_MAX;
        }
        f->to = hour + HOUR_S;
        f->events += b->total[PAST + h];
        if (b->total[PAST + h] >= f->hour_events)
            continue;
        f->hour = hour;
        f->hour_events = b->total[PAST + h];
        f->mean = band.mean;
        f->low = band.low;
        f->high = band.high;
        f->series = judged;
        f->fallen = fallen;
    }
}

/* Pairs of the port or country that a finding is about are told by it, and what they make of the
 * other side's excess. */
void series_use_pairs(struct by_series *b, const struct series *of, size_t hour, size_t n)
{
    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        if (s->kind != PAIR || (of->kind == PORT ? s->port != of->port : s->country != of->country))
            continue;
        struct series *other = series_of(b, of->kind == PORT ? COUNTRY : PORT, s->port, s->country);
        for (size_t h = hour; h < hour + n; h++) {
            if (s->n[PAST + h] == 0 || s->used[h])
                continue;
            s->used[h] = true;
            if (!other || other->excess[h] <= 0)
                continue;
            struct band pair = series_band(b, s->n, h), band = series_band(b, other->n, h);
            other->excess[h] -= fmax(s->n[PAST + h] - pair.mean, 0);
            if (other->excess[h] < sure_excess(&band))
                other->excess[h] = 0;
        }
    }
}

/* ---- newcomers ---- */

static bool comes_new(const struct by_series *b, const struct series *s)
{
    uint64_t told_not = 0, most = 0;
    size_t hours = 0;

    for (size_t h = PAST; h < PAST + b->day; h++) {
        told_not += s->n[h];
        most = s->n[h] > most ? s->n[h] : most;
        hours += s->n[h] > 0;
    }
    /* What comes at once is a burst, and told as one. */
    return told_not >= NEW_MIN && told_not * 2 >= s->raw && hours >= NEW_HOURS &&
           most * 2 <= told_not;
}

static void add_newcomer(struct by_series *b, struct series *s, const struct rank_row *row,
                         const struct ranking *before)
{
    int64_t first = INT64_MAX, last = 0;

    for (size_t h = 0; h < b->day; h++) {
        if (!s->n[PAST + h])
            continue;
        int64_t hour = b->x->from + (int64_t)h * HOUR_S;
        first = hour < first ? hour : first;
        last = hour + HOUR_S;
        s->used[h] = true;
        series_want_who(s, h);
        series_use_pairs(b, s, h, 1);
    }
    struct finding *f = finder_add(b->x, VERDICT_NEWCOMER, first, last);
    finding_add_port(f, s->port);
    f->events = row->events;
    f->rank = row->rank;
    for (size_t i = 0; i < before->n; i++)
        if (before->rows[i].port == s->port)
            f->before_rank = before->rows[i].rank;
}

static int find_newcomers(struct by_series *b)
{
    struct finder *x = b->x;
    int64_t from = x->from - NEW_DAYS * DAY * HOUR_S;
    struct rank_query q = {.what = RANK_PORTS,
                           .from = x->from,
                           .to = x->to,
                           .sensors = &x->sensor,
                           .sensor_count = 1,
                           .without_scanners = true,
                           .no_sources = true};
    struct ranking now, before = {0};
    size_t known = 0;

    for (size_t h = 0; h < PAST; h++)
        known += b->known[h] >= KNOWN_BINS;
    if (known < KNOWN_MIN)
        return 0;
    int rc = rank_make(x->store, &q, &now);
    if (rc < 0)
        return rc;
    q.from = from;
    q.to = x->from;
    rc = rank_make(x->store, &q, &before);
    for (size_t i = 0; rc == 0 && i < now.n && i < NEW_RANK; i++) {
        struct series *s = series_of(b, PORT, now.rows[i].port, 0);
        size_t k = 0;
        while (k < before.n && k < NEW_BEFORE && before.rows[k].port != now.rows[i].port)
            k++;
        if (s && (k == before.n || k == NEW_BEFORE) && comes_new(b, s))
            add_newcomer(b, s, &now.rows[i], &before);
    }
    rank_fini(&now);
    rank_fini(&before);
    return rc;
}

/* ---- bursts ---- */

static bool is_out(const struct series *s, size_t hour)
{
    return s->excess[hour] > 0 && !s->used[hour];
}

/* For how many hours it stays out from this one on; 0: it doesn't begin here, or it stays above its
 * band for too long for a burst. */
static size_t run_at(const struct by_series *b, const struct series *s, size_t hour)
{
    size_t n = 0;

    if (!is_out(s, hour) || (hour && is_out(s, hour - 1)))
        return 0;
    while (hour + n < b->day && is_out(s, hour + n))
        n++;
    size_t first = hour, last = hour + n;
    while (first > 0 && s->above[first - 1])
        first--;
    while (last < b->day && s->above[last])
        last++;
    return last - first > BURST_HOURS ? 0 : n;
}

static struct finding *add_burst(struct by_series *b, struct series *s, size_t hour, size_t n)
{
    struct finding *f = finder_add(b->x, VERDICT_BURST, b->x->from + (int64_t)hour * HOUR_S,
                                   b->x->from + (int64_t)(hour + n) * HOUR_S);

    for (size_t h = hour; h < hour + n; h++) {
        struct band band = series_band(b, s->n, h);
        f->events += s->n[PAST + h];
        s->burst += s->n[PAST + h] - band.mean;
        s->used[h] = true;
        if (s->n[PAST + h] - band.mean < (double)f->hour_events - f->mean)
            continue;
        f->hour = b->x->from + (int64_t)h * HOUR_S;
        f->hour_events = s->n[PAST + h];
        f->mean = band.mean;
        f->low = band.low;
        f->high = band.high;
    }
    return f;
}

static void find_bursts(struct by_series *b)
{
    for (enum kind kind = PORT; kind <= PAIR; kind++)
        for (size_t i = 0; i < b->n; i++) {
            struct series *s = &b->list[i];
            for (size_t h = 0; s->kind == kind && h < b->day; h++) {
                size_t n = run_at(b, s, h);
                if (n == 0)
                    continue;
                struct finding *f = add_burst(b, s, h, n);
                if (kind != COUNTRY)
                    finding_add_port(f, s->port);
                if (kind != PORT)
                    finding_add_country(f, s->country);
                for (size_t k = h; k < h + n; k++)
                    series_want_who(s, k);
                if (kind != PAIR)
                    series_use_pairs(b, s, h, n);
            }
        }
}

/* ---- finishing: who ---- */

static void finish(struct by_series *b, struct finding *f)
{
    struct series *s = NULL;

    if (f->verdict != VERDICT_BURST && f->verdict != VERDICT_NEWCOMER &&
        f->verdict != VERDICT_LOCKSTEP)
        return;
    if (f->ports.n && f->countries.n)
        s = series_of(b, PAIR, f->ports.list[0], f->countries.list[0]);
    else if (f->ports.n)
        s = series_of(b, PORT, f->ports.list[0], 0);
    else
        s = series_of(b, COUNTRY, 0, f->countries.list[0]);
    if (!s || !s->who)
        return;
    give_who(f, s->who);
    if (s->kind != PAIR)
        give_parts(f, s);
    if (f->verdict == VERDICT_BURST && s->kind == PORT && f->sources.all >= DISTRIBUTED_MIN &&
        f->top_share <= NONE_ABOVE && !few_make(s->who, s->burst))
        f->verdict = VERDICT_DISTRIBUTED;
}

static int read_series(struct by_series *b)
{
    struct finder *x = b->x;
    uint8_t bins[HOURS * HOUR_BINS] = {0};
    int rc = store_read_bins(x->store, x->sensor, b->base, x->to, count_bin, b);

    admit(b);
    if (rc == 0)
        rc = store_read_bins(x->store, x->sensor, b->base, x->to, fill_bin, b);
    if (rc == 0)
        rc = store_known(x->store, x->sensor, b->base, x->to, bins);
    for (size_t i = 0; i < HOURS * HOUR_BINS; i++)
        b->known[i / HOUR_BINS] = (uint8_t)(b->known[i / HOUR_BINS] + bins[i]);
    if (rc == 0)
        rc = store_read_sources(x->store, x->sensor, x->from, x->to, take_told, b);
    return rc;
}

static void by_series_fini(struct by_series *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->list[i].bins);
        if (!b->list[i].who)
            continue;
        ip_table_fini(&b->list[i].who->sources);
        free(b->list[i].who->events);
        free(b->list[i].who);
    }
    free(b->list);
    free(b->table.sums);
    free(b->table.slots);
    free(b->table.series);
}

int find_by_series(struct finder *x, const struct told *told)
{
    struct by_series b = {.x = x, .told = told, .base = x->from - PAST * HOUR_S};
    size_t first = x->n;

    b.day = (size_t)((x->to - x->from) / HOUR_S);
    int rc = read_series(&b);
    judge_hours(&b);
    if (rc == 0)
        rc = find_newcomers(&b);
    if (rc == 0) {
        find_falls(&b);
        series_find_rhythms(&b);
        series_find_lockstep(&b);
        find_bursts(&b);
        rc = store_read_sources(x->store, x->sensor, x->from, x->to, take_who, &b);
    }
    for (size_t i = first; rc == 0 && i < x->n; i++)
        finish(&b, &x->list[i]);
    by_series_fini(&b);
    return rc;
}
