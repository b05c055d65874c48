#include "series/gather.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/country.h"
#include "base/hash.h"
#include "base/port.h"
#include "store/repeats.h"
#include "store/rules.h"

enum {
    CELL = sizeof(uint64_t) + sizeof(uint32_t),
    BINS_MAX = 30 * 24 * HOUR_BINS, /* so that a file's rows of one window stay small, too */
    HOURS_A_PASS = 2,
    PASSES_MAX = 4,
    COUNTRIES_MAX = 8, /* of one source in one hour: one, but where the country database changed */
};

struct gather {
    struct series_key *keys;
    size_t n;

    /* From a fact's key to its series: number + 1, or 0. */
    uint32_t total;
    uint32_t country[COUNTRY_MAX];
    uint32_t *port; /* by port key */
    uint32_t *pair; /* open addressing by port and country */
    size_t pair_mask;
    bool pairs;

    const struct rules *rules; /* while reading */
    int64_t from;
    size_t bins, room;
    uint8_t *known;
    uint64_t *events;  /* n rows of `bins` */
    uint32_t *sources; /* the same; of a lean hour, until it is settled, its repeats below zero */

    /* By hour of the window: whether its sources are all there. */
    enum { WHOLE, LEAN, LEAN_BY_HOUR } * hours;
    int64_t first_hour;
};

/* While the sources of an hour pass by: the bins in which the current source was seen, at its
 * current port and with each of its countries. Several passes over different hours go on at once:
 * they count into different bins. */
struct pass {
    struct gather *g;
    struct store *s;
    uint16_t sensor;
    int64_t from, to;
    int rc;
    pthread_t thread;

    int64_t hour;
    struct ip source;
    uint32_t at_port;
    uint32_t source_bins, port_bins;
    struct seen {
        uint16_t country;
        uint32_t bins;
    } seen[COUNTRIES_MAX];
    size_t seen_count;
};

static size_t pair_slot(const struct gather *g, uint32_t port, uint16_t country)
{
    size_t i = hash_mix((uint64_t)port << 16 | country) & g->pair_mask;

    while (g->pair[i]) {
        const struct series_key *k = &g->keys[g->pair[i] - 1];
        if (k->port == port && k->country == country)
            break;
        i = (i + 1) & g->pair_mask;
    }
    return i;
}

static void add_key(struct gather *g, uint32_t number)
{
    const struct series_key *k = &g->keys[number - 1];

    ASSERT(k->port < PORT_KEY_MAX && k->country < COUNTRY_MAX);
    switch ((enum series_kind)k->kind) {
    case SERIES_TOTAL: g->total = number; break;
    case SERIES_PORT: g->port[k->port] = number; break;
    case SERIES_COUNTRY: g->country[k->country] = number; break;
    case SERIES_PAIR:
        g->pair[pair_slot(g, k->port, k->country)] = number;
        g->pairs = true;
        break;
    }
}

struct gather *gather_new(const struct series_key *keys, size_t n)
{
    struct gather *g = xcalloc(1, sizeof *g);
    size_t slots = 16;

    while (slots < 2 * n)
        slots *= 2;
    g->keys = xcalloc(n + 1, sizeof *keys);
    g->n = n;
    g->port = xcalloc(PORT_KEY_MAX, sizeof *g->port);
    g->pair = xcalloc(slots, sizeof *g->pair);
    g->pair_mask = slots - 1;
    for (uint32_t i = 0; i < n; i++) {
        g->keys[i] = keys[i];
        add_key(g, i + 1);
    }
    return g;
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    free(g->keys);
    free(g->port);
    free(g->pair);
    free(g->known);
    free(g->events);
    free(g->sources);
    free(g->hours);
    free(g);
}

int64_t gather_reach(const struct gather *g, int64_t from, int64_t to)
{
    int64_t bins = (int64_t)(GATHER_BYTES / CELL / (g->n ? g->n : 1));

    if (bins > BINS_MAX)
        bins = BINS_MAX;
    int64_t end = from + bins * BIN_S, next_hour = from - from % HOUR_S + HOUR_S;
    end -= end % HOUR_S;
    if (end < next_hour)
        end = next_hour;
    return end < to ? end : to;
}

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct gather *g = ctx;
    size_t bin = (size_t)((f->bin - g->from) / BIN_S);
    uint32_t i;

    ASSERT(f->port < PORT_KEY_MAX && f->country < COUNTRY_MAX);
    if (f->bin < g->from || bin >= g->bins || f->events == 0)
        return 0;
    /* An event that was committed after the known bins were asked for. */
    g->known[bin] = 1;
    if (rules_is_excluded(g->rules, f->rule))
        return 0;
    if (g->total)
        g->events[(g->total - 1) * g->bins + bin] += f->events;
    if ((i = g->port[f->port]))
        g->events[(i - 1) * g->bins + bin] += f->events;
    if ((i = g->country[f->country]))
        g->events[(i - 1) * g->bins + bin] += f->events;
    if (g->pairs && (i = g->pair[pair_slot(g, f->port, f->country)]))
        g->events[(i - 1) * g->bins + bin] += f->events;
    return 0;
}

/* ---- sources ---- */

/* Where an hour's sources aren't all there, distinct sources are a bin's events less its repeats:
 * those that were kept of sources that went, and those of the sources that are there, which are
 * their events less the bins they were seen in. Unsigned numbers are added up below zero and end
 * above. */
static void add_repeats(struct gather *g, uint32_t number, int64_t hour,
                        const uint64_t n[HOUR_BINS])
{
    if (!number)
        return;
    uint32_t *row = g->sources + (number - 1) * g->bins;
    int64_t first = (hour - g->from) / BIN_S;
    for (int64_t i = 0; i < HOUR_BINS; i++)
        if (first + i >= 0 && first + i < (int64_t)g->bins)
            row[first + i] -= (uint32_t)n[i];
}

static int take_repeats(void *ctx, const struct repeats_fact *f)
{
    struct gather *g = ctx;
    size_t h = (size_t)((f->hour - g->first_hour) / HOUR_S);

    if (g->hours[h] != LEAN_BY_HOUR)
        g->hours[h] = f->by_hour ? LEAN_BY_HOUR : LEAN;
    if (f->key >= REPEATS_PORT)
        add_repeats(g, g->port[f->key - REPEATS_PORT], f->hour, f->n);
    else if (f->key >= REPEATS_COUNTRY)
        add_repeats(g, g->country[f->key - REPEATS_COUNTRY], f->hour, f->n);
    else
        add_repeats(g, g->total, f->hour, f->n);
    return 0;
}

/* More repeats than events: those aren't of one time. */
static uint32_t distinct(uint32_t below, uint64_t events)
{
    uint32_t n = below + (uint32_t)events;
    return n <= events ? n : events > 0;
}

/* One series in a lean hour; bins that were thinned to the hour have all in the first. */
static void settle_hour(struct gather *g, size_t number, int64_t first, bool by_hour)
{
    const uint64_t *events = g->events + number * g->bins;
    uint32_t *row = g->sources + number * g->bins, below = 0;
    uint64_t all = 0;
    int64_t end = first + HOUR_BINS;

    for (int64_t bin = first < 0 ? 0 : first; bin < end && bin < (int64_t)g->bins; bin++) {
        all += events[bin];
        below += row[bin];
        row[bin] = by_hour ? 0 : distinct(row[bin], events[bin]);
    }
    if (by_hour && first >= 0)
        row[first] = distinct(below, all);
}

static void settle(struct gather *g)
{
    int64_t hours = ((int64_t)g->bins * BIN_S + g->from - g->first_hour + HOUR_S - 1) / HOUR_S;

    for (int64_t h = 0; h < hours; h++)
        for (size_t i = 0; g->hours[h] != WHOLE && i < g->n; i++)
            if (g->keys[i].kind != SERIES_PAIR)
                settle_hour(g, i, (g->first_hour + h * HOUR_S - g->from) / BIN_S,
                            g->hours[h] == LEAN_BY_HOUR);
}

/* One more source in each bin of the mask. */
static void add_source(const struct pass *p, uint32_t number, uint32_t mask)
{
    const struct gather *g = p->g;

    if (!number)
        return;
    uint32_t *row = g->sources + (number - 1) * g->bins;
    int64_t first = (p->hour - g->from) / BIN_S;
    for (; mask; mask &= mask - 1) {
        int64_t bin = first + __builtin_ctz(mask);
        if (bin >= 0 && bin < (int64_t)g->bins)
            row[bin]++;
    }
}

static void end_port(struct pass *p)
{
    add_source(p, p->g->port[p->at_port], p->port_bins);
    p->port_bins = 0;
}

static void end_source(struct pass *p)
{
    end_port(p);
    for (size_t i = 0; i < p->seen_count; i++)
        add_source(p, p->g->country[p->seen[i].country], p->seen[i].bins);
    p->seen_count = 0;
    add_source(p, p->g->total, p->source_bins);
    p->source_bins = 0;
}

static void see_country(struct pass *p, uint16_t country, uint32_t mask)
{
    size_t i = 0;

    while (i < p->seen_count && p->seen[i].country != country)
        i++;
    if (i == COUNTRIES_MAX)
        return;
    if (i == p->seen_count)
        p->seen[p->seen_count++] = (struct seen){country, 0};
    p->seen[i].bins |= mask;
}

static uint32_t bins_of(const struct source_fact *f)
{
    unsigned from = f->first / BIN_S, to = f->last / BIN_S;
    uint32_t mask = 0;

    for (unsigned i = from; i <= to; i++)
        mask |= (uint32_t)(f->spread[i] > 0) << i;
    return mask;
}

static int take_source(void *ctx, const struct source_fact *f)
{
    struct pass *p = ctx;
    struct gather *g = p->g;

    ASSERT(f->port < PORT_KEY_MAX && f->country < COUNTRY_MAX);
    if (rules_is_excluded(g->rules, rules_of(g->rules, f)))
        return 0;
    if (f->hour != p->hour || ip_compare(&f->source, &p->source) != 0) {
        end_source(p);
        p->hour = f->hour;
        p->source = f->source;
        p->at_port = f->port;
    } else if (f->port != p->at_port) {
        end_port(p);
        p->at_port = f->port;
    }
    uint32_t mask = bins_of(f);
    p->source_bins |= mask;
    p->port_bins |= mask;
    see_country(p, f->country, mask);
    if (g->hours[(f->hour - g->first_hour) / HOUR_S] != WHOLE) {
        add_repeats(g, g->total, f->hour, f->spread);
        add_repeats(g, g->port[f->port], f->hour, f->spread);
        add_repeats(g, g->country[f->country], f->hour, f->spread);
    }
    return 0;
}

static void *read_sources(void *pass)
{
    struct pass *p = pass;

    p->rc = store_read_sources(p->s, p->sensor, p->from, p->to, take_source, p);
    end_source(p);
    return NULL;
}

static int pass_over(void *ctx, const struct source_fact *f)
{
    (void)ctx;
    (void)f;
    return 0;
}

static size_t passes_for(int64_t from, int64_t to)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = (size_t)((to - from) / (HOUR_S * HOURS_A_PASS));

    n = n < PASSES_MAX ? n : PASSES_MAX;
    n = processors > 0 && (size_t)processors < n ? (size_t)processors : n;
    return n ? n : 1;
}

/* Each pass takes some of the hours, through a connection of its own; what can't be opened or
 * started is left to this thread. */
static int read_all_sources(struct gather *g, struct store *s, uint16_t sensor, int64_t to)
{
    struct pass passes[PASSES_MAX] = {0};
    size_t count = passes_for(g->first_hour, to), hours = (size_t)((to - g->first_hour) / HOUR_S),
           started = 1;
    int64_t end = to;

    for (; started < count; started++) {
        struct pass *p = &passes[started];
        int64_t from = g->first_hour + (int64_t)(hours * (count - started) / count) * HOUR_S;
        *p = (struct pass){.g = g, .sensor = sensor, .from = from, .to = end};
        if (store_open_again(s, &p->s) < 0)
            break;
        if (pthread_create(&p->thread, NULL, read_sources, p) != 0) {
            store_close(p->s);
            break;
        }
        end = from;
    }
    passes[0] = (struct pass){.g = g, .s = s, .sensor = sensor, .from = g->from, .to = end};
    read_sources(&passes[0]);
    int rc = passes[0].rc;
    for (size_t i = 1; i < started; i++) {
        pthread_join(passes[i].thread, NULL);
        store_close(passes[i].s);
        if (passes[i].rc < 0 && rc == 0) /* once more, for the store's words */
            rc = store_read_sources(s, sensor, passes[i].from, passes[i].to, pass_over, NULL);
        rc = rc == 0 ? passes[i].rc : rc;
    }
    return rc;
}

int gather_read(struct gather *g, struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    size_t bins = (size_t)((to - from) / BIN_S), cells = bins * (g->n ? g->n : 1);

    if (bins > g->room) {
        g->room = bins;
        g->known = xrealloc(g->known, bins, 1);
        g->events = xrealloc(g->events, cells, sizeof *g->events);
        g->sources = xrealloc(g->sources, cells, sizeof *g->sources);
        g->hours = xrealloc(g->hours, bins / HOUR_BINS + 2, sizeof *g->hours);
    }
    g->from = from;
    g->first_hour = from - from % HOUR_S;
    g->bins = bins;
    memset(g->hours, 0, (bins / HOUR_BINS + 2) * sizeof *g->hours);
    memset(g->events, 0, cells * sizeof *g->events);
    memset(g->sources, 0, cells * sizeof *g->sources);
    int rc = store_rules(s, &g->rules);
    if (rc == 0)
        rc = store_known(s, sensor, from, to, g->known);
    if (rc == 0)
        rc = store_read_bins(s, sensor, from, to, take_bin, g);
    if (rc == 0)
        rc = store_read_repeats(s, sensor, from, to, take_repeats, g);
    if (rc == 0)
        rc = read_all_sources(g, s, sensor, to);
    settle(g);
    return rc;
}

size_t gather_bins(const struct gather *g)
{
    return g->bins;
}

const uint8_t *gather_known(const struct gather *g)
{
    return g->known;
}

const uint64_t *gather_events(const struct gather *g, size_t series)
{
    return g->events + series * g->bins;
}

const uint32_t *gather_sources(const struct gather *g, size_t series)
{
    return g->sources + series * g->bins;
}
