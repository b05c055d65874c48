#include "report/series_of_day.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/hash.h"
#include "base/port.h"
#include "report/rank.h"

enum {
    KNOWN_MIN = 24, /* hours that make a band */
    KNOWN_BINS = 6, /* that make an hour */
    PORT_MIN = 10,  /* events in some hour, or there is no series */
    PAIR_MIN = 20,  /* the same of a pair, or */
    DISTRIBUTED_MIN = 50,
    NEW_RANK = 20,
    NEW_BEFORE = 100,
    NEW_MIN = 30,
    NEW_HOURS = 4,
    NEW_DAYS = 7,
    FALL_SERIES = 4,
    FALL_MEAN = 5,
    COUNTRY_BITS = 10
};

/* A burst's standard deviations, so that chance makes none in some weeks; more where few hours tell
 * what these are. */
static const double SURE = 5, FEW = 4;
static const double OWNED = 8; /* median deviations: an hour that a burst owned */
static const double NONE_ABOVE = 0.1;
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

/* The key's sum + 1; 0: there is none. Bins come by port, so most ask for the port they asked for
 * before, and countries are few: neither is looked up. */
static uint32_t number_of(const struct table *t, uint64_t key)
{
    if (key >> 32 == COUNTRY)
        return t->of_country[key & ((1u << COUNTRY_BITS) - 1)];
    if (key == t->last_port && t->last)
        return t->last;
    return t->slot_count ? *find_slot(t, key) : 0;
}

static void remember(struct table *t, uint64_t key, uint32_t number)
{
    if (key >> 32 == COUNTRY)
        t->of_country[key & ((1u << COUNTRY_BITS) - 1)] = number;
    if (key >> 32 == PORT) {
        t->last_port = key;
        t->last = number;
    }
}

static struct sum *sum_of(struct table *t, uint64_t key)
{
    uint32_t number = number_of(t, key);

    if (number == 0) {
        if ((t->n + 1) * 2 > t->slot_count) {
            t->slot_count = t->slot_count ? t->slot_count * 2 : 1024;
            free(t->slots);
            t->slots = xcalloc(t->slot_count, sizeof *t->slots);
            for (size_t i = 0; i < t->n; i++)
                *find_slot(t, t->sums[i].key) = (uint32_t)i + 1;
        }
        if (t->n == t->cap)
            t->sums = xrealloc(t->sums, t->cap = t->cap * 2 + 512, sizeof *t->sums);
        t->sums[t->n++] = (struct sum){.key = key};
        *find_slot(t, key) = number = (uint32_t)t->n;
    }
    remember(t, key, number);
    return &t->sums[number - 1];
}

struct series *series_of(const struct by_series *b, enum kind kind, uint32_t port, uint16_t country)
{
    uint32_t number = number_of(&b->table, series_key(kind, port, country));
    int32_t i = number ? b->table.series[number - 1] : -1;

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
    if (f->bin < b->x->from || f->bin >= b->x->to)
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

static void remember_port(struct by_series *b, uint32_t port)
{
    uint64_t key = series_key(PORT, port, 0);

    if (key != b->table.last_port)
        remember(&b->table, key, number_of(&b->table, key));
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
    return 0;
}

/* Whether one of the port's pairs may be a series: most ports are knocked at once or twice. */
static bool may_have_pairs(const struct by_series *b, uint32_t port)
{
    uint32_t number = number_of(&b->table, series_key(PORT, port, 0));

    return number && (b->table.sums[number - 1].most_today >= PAIR_MIN ||
                      b->table.sums[number - 1].all >= 3 * PAIR_DAY_MIN);
}

static int count_pair(void *ctx, const struct bin_fact *f)
{
    struct by_series *b = ctx;

    if (!counts(f) || !is_named(f))
        return 0;
    remember_port(b, f->port);
    if (may_have_pairs(b, f->port))
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
    remember_port(b, f->port);
    for (enum kind k = PORT; k <= PAIR; k++) {
        if ((k != COUNTRY && f->port == PORT_OTHER) || (k != PORT && f->country == COUNTRY_OTHER))
            continue;
        if (k == PAIR && !may_have_pairs(b, f->port))
            continue;
        s = series_of(b, k, f->port, f->country);
        if (!s)
            continue;
        s->n[hour] += (uint32_t)f->events;
        if (s->bins && f->bin >= b->x->from && f->bin < b->x->to)
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
    band.hours = kept;
    band.mean = sum / (double)kept;
    band.sd = sqrt(fmax(squares / (double)kept - band.mean * band.mean, 0));
    band.low = fmax(band.mean - BAND * band.sd, 0);
    band.high = band.mean + BAND * band.sd;
    return band;
}

double series_sure(const struct band *band)
{
    double sure = SURE * (1 + FEW / (double)band->hours);

    return fmax(BURST_MIN, sure * sqrt(fmax(band->sd * band->sd, fmax(band->mean, 1))));
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
            s->over[h] = band.is && n > band.high ? n - band.mean : 0;
            s->excess[h] = s->over[h] >= series_sure(&band) ? s->over[h] : 0;
        }
    }
}

/* ---- who ---- */

static int take_who(struct by_series *b, const struct source_fact *f, bool in_hours)
{
    uint64_t by_bin[HOUR_BINS], events = f->events;

    if (f->hour < b->x->from || f->class == CLASS_BACKSCATTER)
        return 0;
    uint32_t bit = 1u << ((f->hour - b->x->from) / HOUR_S);
    bool judged = false;
    for (enum kind k = PORT; k <= PAIR; k++) {
        struct series *s = series_of(b, k, f->port, f->country);
        for (struct who *w = s ? s->who : NULL; w; w = w->next) {
            if (!(w->hours & bit) == in_hours)
                continue;
            if (!judged && rules_of(b->x->rules, f))
                return 0;
            if (!judged && told_of(b->told, f, by_bin))
                for (int i = 0; i < HOUR_BINS; i++)
                    events -= by_bin[i];
            judged = true;
            if (events)
                who_add(w, f, events, in_hours);
        }
    }
    return 0;
}

static int take_makers(void *ctx, const struct source_fact *f)
{
    return take_who(ctx, f, true);
}

/* What those do in the day's other hours. */
static int take_usual(void *ctx, const struct source_fact *f)
{
    return take_who(ctx, f, false);
}

static int read_who(struct by_series *b)
{
    struct finder *x = b->x;
    int rc = 0;

    if (b->who_n)
        rc = store_read_sources(x->store, x->sensor, x->from, x->to, take_makers, b);
    if (b->who_n && rc == 0)
        rc = store_read_sources(x->store, x->sensor, x->from, x->to, take_usual, b);
    return rc;
}

/* ---- sensor-fall ---- */

static bool falls_at(const struct by_series *b, size_t hour, unsigned *judged, unsigned *fallen)
{
    struct band total = series_band(b, b->total, hour);

    *judged = *fallen = 0;
    double usual = 0, now = 0;

    if (!total.is || b->known[PAST + hour] < HOUR_BINS)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        const struct series *s = &b->list[i];
        if (s->kind == PAIR)
            continue;
        struct band band = series_band(b, s->n, hour);
        if (!band.is || band.mean < FALL_MEAN || band.low <= 0)
            continue;
        usual += band.mean;
        now += fmin(s->n[PAST + hour], band.mean);
        ++*judged;
        *fallen += s->n[PAST + hour] < band.low;
    }
    return *judged >= FALL_SERIES && *fallen >= FALL_PART * *judged && now <= FALL_REST * usual;
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

/* What the pair has above its mean is told, of its port or country as well. */
static void take_excess(const struct by_series *b, const struct series *pair, struct series *of,
                        size_t hour)
{
    if (!of || of->excess[hour] <= 0)
        return;
    struct band band = series_band(b, pair->n, hour), whole = series_band(b, of->n, hour);
    of->excess[hour] -= fmax(pair->n[PAST + hour] - band.mean, 0);
    if (of->excess[hour] < series_sure(&whole))
        of->excess[hour] = 0;
}

void series_use_pair(struct by_series *b, struct series *pair, size_t hour)
{
    if (pair->n[PAST + hour] == 0 || pair->used[hour])
        return;
    pair->used[hour] = true;
    take_excess(b, pair, series_of(b, PORT, pair->port, 0), hour);
    take_excess(b, pair, series_of(b, COUNTRY, 0, pair->country), hour);
}

void series_use_pairs(struct by_series *b, const struct series *of, size_t hour, size_t n)
{
    for (size_t i = 0; i < b->n; i++) {
        struct series *s = &b->list[i];
        if (s->kind != PAIR || (of->kind == PORT ? s->port != of->port : s->country != of->country))
            continue;
        for (size_t h = hour; h < hour + n; h++)
            series_use_pair(b, s, h);
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
        series_want_who(b, s, b->x->n, h);
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

/* ---- finishing: who ---- */

/* Of two series of one finding the first one's. */
static void finish(struct by_series *b)
{
    for (size_t i = 0; i < b->who_n; i++) {
        const struct who *w = b->whos[i];
        struct finding *f = &b->x->list[w->finding];
        if (f->sources.n)
            continue;
        who_give(b, w, f);
        if (f->verdict == VERDICT_BURST && w->of->kind != COUNTRY && w->port_out &&
            f->sources.all >= DISTRIBUTED_MIN && f->top_share <= NONE_ABOVE && !who_are_few(b, w))
            f->verdict = VERDICT_DISTRIBUTED;
    }
}

/* Up to where it is known; two days after it at most, and only whole ones. */
static int64_t known_to(const struct by_series *b)
{
    return b->day == DAY ? b->x->to + AHEAD * HOUR_S : b->x->to;
}

static int read_series(struct by_series *b)
{
    struct finder *x = b->x;
    uint8_t bins[ALL_HOURS * HOUR_BINS] = {0};
    int64_t to = known_to(b);
    int rc = store_read_bins(x->store, x->sensor, b->base, to, count_bin, b);

    if (rc == 0)
        rc = store_read_bins(x->store, x->sensor, b->base, to, count_pair, b);

    admit(b);
    if (rc == 0)
        rc = store_read_bins(x->store, x->sensor, b->base, to, fill_bin, b);
    if (rc == 0)
        rc = store_known(x->store, x->sensor, b->base, to, bins);
    for (size_t i = 0; i < ALL_HOURS * HOUR_BINS; i++)
        b->known[i / HOUR_BINS] = (uint8_t)(b->known[i / HOUR_BINS] + bins[i]);
    if (rc == 0)
        rc = store_read_sources(x->store, x->sensor, x->from, x->to, take_told, b);
    return rc;
}

static void by_series_fini(struct by_series *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->list[i].bins);
    whos_free(b);
    free(b->list);
    free(b->table.sums);
    free(b->table.slots);
    free(b->table.series);
}

int find_by_series(struct finder *x, const struct told *told)
{
    struct by_series b = {.x = x, .told = told, .base = x->from - PAST * HOUR_S};

    b.day = (size_t)((x->to - x->from) / HOUR_S);
    int rc = read_series(&b);
    if (rc == 0) {
        find_falls(&b);
        series_find_rhythms(&b);
        judge_hours(&b);
        rc = find_newcomers(&b);
    }
    if (rc == 0) {
        series_find_lockstep(&b);
        series_find_bursts(&b);
        rc = read_who(&b);
    }
    if (rc == 0)
        finish(&b);
    by_series_fini(&b);
    return rc;
}
