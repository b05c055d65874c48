#include "report/rank.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/hash.h"
#include "base/iptable.h"
#include "base/sketch.h"
#include "base/sort.h"
#include "store/rules.h"
#include "tag/anonymizer.h"
#include "tag/asn.h"

enum { COUNTRY_BITS = 10, SOURCE_BITS = 34, SLOTS_FIRST = 1024 };

/* Rows by key, open addressing. */
struct table {
    struct rank_row *rows;
    uint64_t *keys;
    size_t n, cap;
    uint32_t *slots; /* row + 1, 0 free */
    size_t slot_count;
};

/* (row, source) pairs, of which the different ones are counted at the end. */
struct seen {
    uint64_t *list;
    size_t n, cap;
};

struct rank {
    const struct rank_query *q;
    const struct rules *rules;
    uint64_t hidden;
    int64_t from, to;
    bool sources;  /* count distinct ones */
    bool sketched; /* by sketches */
    bool lean;     /* not all sources are there */
    bool networks; /* some are networks */
    bool untold;   /* sources weren't counted: there are too many to be quick */
    uint64_t read; /* events of bins, wanted or not */
    struct table table;
    struct seen seen; /* row << SOURCE_BITS | source */
    struct seen all;  /* source */
    struct ip_table v6;
    struct sketch **sketches; /* of targets, by row */
    size_t sketch_cap;
    struct sums *sums;  /* where margins are read */
    uint16_t *group_of; /* port to the number of its group, from 1; NULL: ports aren't grouped */
};

/* What margins tell, by port or country; most rows are added to some hundred times, so this is kept
 * small and direct. */
struct sums {
    size_t n; /* keys there may be */
    uint64_t *events, *untold;
    struct hll **sketches;
    struct hll *total;
};

/* ---- rows ---- */

static void fill_slot(struct table *t, size_t row)
{
    size_t i = hash_mix(t->keys[row]) & (t->slot_count - 1);

    while (t->slots[i])
        i = (i + 1) & (t->slot_count - 1);
    t->slots[i] = (uint32_t)row + 1;
}

/* The row of a key; a new one is zero, *fresh is set. */
static size_t find_row(struct table *t, uint64_t key, bool *fresh)
{
    *fresh = false;
    for (size_t i = t->slot_count ? hash_mix(key) & (t->slot_count - 1) : 0;
         t->slot_count && t->slots[i]; i = (i + 1) & (t->slot_count - 1))
        if (t->keys[t->slots[i] - 1] == key)
            return t->slots[i] - 1;
    if (t->n == t->cap) {
        t->cap = t->cap * 2 + SLOTS_FIRST;
        t->rows = xrealloc(t->rows, t->cap, sizeof *t->rows);
        t->keys = xrealloc(t->keys, t->cap, sizeof *t->keys);
    }
    *fresh = true;
    t->rows[t->n] = (struct rank_row){0};
    t->keys[t->n++] = key;
    if (t->n * 2 < t->slot_count) {
        fill_slot(t, t->n - 1);
        return t->n - 1;
    }
    t->slot_count = t->slot_count ? t->slot_count * 2 : SLOTS_FIRST * 2;
    free(t->slots);
    t->slots = xcalloc(t->slot_count, sizeof *t->slots);
    for (size_t i = 0; i < t->n; i++)
        fill_slot(t, i);
    return t->n - 1;
}

static void table_fini(struct table *t)
{
    free(t->rows);
    free(t->keys);
    free(t->slots);
}

/* ---- distinct counts ---- */

static void seen_unique(struct seen *s)
{
    size_t unique = 0;

    sort_numbers(s->list, s->n);
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || s->list[i] != s->list[unique - 1])
            s->list[unique++] = s->list[i];
    s->n = unique;
}

/* Doubles are taken out before more memory is asked for. */
static void seen_add(struct seen *s, uint64_t v)
{
    if (s->n && s->list[s->n - 1] == v)
        return;
    if (s->n == s->cap) {
        seen_unique(s);
        if (s->n * 4 > s->cap * 3 || s->cap == 0)
            s->list = xrealloc(s->list, s->cap = s->cap * 2 + SLOTS_FIRST, sizeof *s->list);
    }
    s->list[s->n++] = v;
}

/* An address in 33 bits. */
static uint64_t compact(struct rank *x, const struct ip *ip)
{
    return ip->family == 6 ? 1ULL << 32 | ip_table_add(&x->v6, ip) : ip_v4(ip);
}

/* A source; one that was made anonymous is another than a true address that looks the same. */
static uint64_t compact_source(struct rank *x, const struct source_fact *f)
{
    bool anonymous = f->kept_rule != 0;

    x->networks |= anonymous && !anonymous_is_hash(&f->source);
    return (uint64_t)anonymous << (SOURCE_BITS - 1) | compact(x, &f->source);
}

/* ---- reading ---- */

static uint64_t group_key(enum rank_what what, uint32_t port, uint16_t country)
{
    if (what == RANK_PORTS)
        return port;
    return what == RANK_COUNTRIES ? country : (uint64_t)port << COUNTRY_BITS | country;
}

static bool port_wanted(const struct rank_query *q, uint32_t port)
{
    if (!q->by_port || !q->ports)
        return !q->by_port || q->port == port;
    for (size_t i = 0; i < q->ports->n; i++)
        if (q->ports->ports[i] == port)
            return true;
    return false;
}

static bool wanted(const struct rank_query *q, uint32_t port, uint16_t country)
{
    return port_wanted(q, port) && (!q->by_country || q->country == country);
}

/* ---- groups ---- */

static void group_ports(struct rank *x)
{
    const struct rank_query *q = x->q;

    if (q->group_count == 0 || (q->what != RANK_PORTS && q->what != RANK_PAIRS))
        return;
    x->group_of = xcalloc(PORT_KEY_MAX, sizeof *x->group_of);
    for (size_t i = 0; i < q->group_count; i++)
        for (size_t k = 0; k < q->groups[i].n; k++)
            x->group_of[q->groups[i].ports[k]] = (uint16_t)(i + 1);
}

static const struct port_group *group_of(const struct rank *x, uint32_t port)
{
    return x->group_of && x->group_of[port] ? &x->q->groups[x->group_of[port] - 1] : NULL;
}

/* The port that stands for all of its group. */
static uint32_t grouped(const struct rank *x, uint32_t port)
{
    const struct port_group *g = group_of(x, port);

    return g ? g->ports[0] : port;
}

static bool hides(const struct rank *x, uint16_t rule)
{
    return (!x->q->with_excluded && rules_is_excluded(x->rules, rule)) ||
           (x->q->without_scanners && rules_is_scanner(x->rules, rule));
}

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct rank *x = ctx;
    bool fresh;

    x->read += f->events;
    if (!wanted(x->q, f->port, f->country))
        return 0;
    if (hides(x, f->rule)) {
        x->hidden += f->events;
        return 0;
    }
    uint32_t port = grouped(x, f->port);
    uint16_t country = f->country;
    if (x->q->what == RANK_PAIRS && !x->q->by_port && !x->q->by_country &&
        (port == PORT_OTHER || country == COUNTRY_OTHER)) { /* one row: store/bound.h */
        port = PORT_OTHER;
        country = COUNTRY_OTHER;
    }
    size_t i = find_row(&x->table, group_key(x->q->what, port, country), &fresh);
    struct rank_row *row = &x->table.rows[i];
    row->port = port;
    row->group = group_of(x, port);
    row->country = country;
    row->events += f->events;
    return 0;
}

/* Events of the entry within the span: whole hours are quick, at its edges the spread tells. */
static uint64_t events_within(const struct rank *x, const struct source_fact *f)
{
    uint64_t n = 0;

    if (f->hour >= x->from && f->hour + HOUR_S <= x->to)
        return f->events;
    for (int i = 0; i < HOUR_BINS; i++)
        if (f->hour + i * BIN_S >= x->from && f->hour + i * BIN_S < x->to)
            n += f->spread[i];
    return n;
}

/* Distinct sources of a port, country or pair; the row is there already, from the bins. */
static int take_source(void *ctx, const struct source_fact *f)
{
    struct rank *x = ctx;
    bool fresh;

    if (!wanted(x->q, f->port, f->country) || events_within(x, f) == 0 ||
        hides(x, rules_of(x->rules, f)))
        return 0;
    uint64_t source = compact_source(x, f);
    size_t row =
        find_row(&x->table, group_key(x->q->what, grouped(x, f->port), f->country), &fresh);
    seen_add(&x->seen, (uint64_t)row << SOURCE_BITS | source);
    seen_add(&x->all, source);
    return 0;
}

/* Rows by source. */
static int rank_source(void *ctx, const struct source_fact *f)
{
    struct rank *x = ctx;
    uint64_t events = wanted(x->q, f->port, f->country) ? events_within(x, f) : 0;
    int64_t first = f->hour + f->first, last = f->hour + f->last;
    uint16_t rule = rules_of(x->rules, f);
    bool fresh;

    if (events == 0)
        return 0;
    if (hides(x, rule)) {
        x->hidden += events;
        return 0;
    }
    first = first < x->from ? x->from : first;
    last = last >= x->to ? x->to - 1 : last;
    size_t i = find_row(&x->table, compact_source(x, f), &fresh);
    struct rank_row *row = &x->table.rows[i];
    row->ip = f->source;
    row->country = f->country;
    row->as = f->as ? f->as : row->as;
    row->rule = rule;
    row->anonymous = f->kept_rule != 0;
    row->events += events;
    row->sources = 1;
    row->first = fresh || first < row->first ? first : row->first;
    row->last = last > row->last ? last : row->last;
    if (x->sources)
        seen_add(&x->seen, (uint64_t)i << PORT_KEY_BITS | f->port);
    return 0;
}

/* Rows by autonomous system. */
static int rank_as(void *ctx, const struct source_fact *f)
{
    struct rank *x = ctx;
    uint64_t events = wanted(x->q, f->port, f->country) ? events_within(x, f) : 0;
    bool fresh;

    if (events == 0)
        return 0;
    if (hides(x, rules_of(x->rules, f))) {
        x->hidden += events;
        return 0;
    }
    size_t i = find_row(&x->table, f->as, &fresh);
    struct rank_row *row = &x->table.rows[i];
    row->as = f->as;
    row->ip = fresh ? f->source : row->ip;
    row->events += events;
    if (!x->sources)
        return 0;
    uint64_t source = compact_source(x, f);
    seen_add(&x->seen, (uint64_t)i << SOURCE_BITS | source);
    seen_add(&x->all, source);
    return 0;
}

/* ---- margins ---- */

static bool by_country(const struct rank *x)
{
    return x->q->what == RANK_COUNTRIES;
}

/* Whether margins can tell what is asked for: nothing of pairs. */
static bool margins_tell(const struct rank_query *q)
{
    return (q->what == RANK_PORTS && !q->by_country) || (q->what == RANK_COUNTRIES && !q->by_port);
}

static struct sums *sums_new(size_t n, unsigned total_bits)
{
    struct sums *m = xcalloc(1, sizeof *m);

    m->n = n;
    m->events = xcalloc(n, sizeof *m->events);
    m->untold = xcalloc(n, sizeof *m->untold);
    m->sketches = xcalloc(n, sizeof(struct hll *));
    m->total = hll_new(total_bits);
    return m;
}

static void sums_free(struct sums *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->sketches[i]);
    free(m->sketches);
    free(m->total);
    free(m->events);
    free(m->untold);
    free(m);
}

static bool key_wanted(const struct rank *x, uint32_t key)
{
    if (by_country(x))
        return !x->q->by_country || key == x->q->country;
    return port_wanted(x->q, key);
}

/* The row of a key. */
static uint32_t row_key(const struct rank *x, uint32_t key)
{
    return by_country(x) ? key : grouped(x, key);
}

static int take_sum(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told)
{
    struct rank *x = ctx;

    if (!key_wanted(x, key))
        return 0;
    if (hides(x, rule)) {
        x->hidden += events;
        return 0;
    }
    key = row_key(x, key);
    x->sums->events[key] += events;
    if (!told)
        x->sums->untold[key] += events;
    return 0;
}

static struct hll *sketch_of(const struct rank *x, uint32_t key)
{
    struct hll **h = &x->sums->sketches[key];

    if (!*h)
        *h = hll_new(by_country(x) ? HLL_BITS_COUNTRY : HLL_BITS_PORT);
    return *h;
}

static int take_total(void *ctx, const uint8_t *sketch, size_t n)
{
    struct rank *x = ctx;
    return hll_join(x->sums->total, sketch, n);
}

static int take_sketch(void *ctx, uint32_t key, const uint8_t *sketch, size_t n)
{
    struct rank *x = ctx;
    if (!key_wanted(x, key))
        return 0;
    if (x->q->ports && !by_country(x)) {
        int rc = hll_join(x->sums->total, sketch, n);
        if (rc < 0)
            return rc;
    }
    return hll_join(sketch_of(x, row_key(x, key)), sketch, n);
}

/* A source of an hour that has no margin, or is at the edge of the span. */
static int sketch_source(void *ctx, const struct source_fact *f)
{
    struct rank *x = ctx;
    uint32_t key = by_country(x) ? f->country : f->port;

    if (!key_wanted(x, key) || events_within(x, f) == 0 || hides(x, rules_of(x->rules, f)))
        return 0;
    uint64_t hash = sketch_hash(&f->source);
    hll_add(sketch_of(x, row_key(x, key)), hash);
    hll_add(x->sums->total, hash);
    return 0;
}

/* Its quiet ports' sketches are missing hour by hour, and that adds up: a group is counted by its
 * sources as long as these are there. */
static bool has_group(const struct rank_query *q)
{
    return q->group_count || (q->by_port && q->ports);
}

/* Rows of all keys with events. */
static void sums_to_rows(struct rank *x)
{
    bool fresh;

    for (uint32_t key = 0; key < x->sums->n; key++) {
        if (x->sums->events[key] == 0)
            continue;
        size_t i = find_row(&x->table, key, &fresh);
        struct rank_row *row = &x->table.rows[i];
        row->port = by_country(x) ? 0 : key;
        row->group = by_country(x) ? NULL : group_of(x, key);
        row->country = by_country(x) ? (uint16_t)key : 0;
        row->events = x->sums->events[key];
        if (!x->sketched)
            continue;
        row->untold = x->sums->untold[key] > row->events / (has_group(x->q) ? 10 : 2);
        if (x->sums->sketches[key] && !row->untold)
            row->sources = hll_count(x->sums->sketches[key]);
    }
}

static int read_margins(struct store *s, struct rank *x, uint16_t sensor)
{
    struct margin_take take = {.ctx = x, .by_country = by_country(x), .sum = take_sum};

    if (x->sketched) {
        take.sketch = take_sketch;
        take.source = sketch_source;
        take.total = x->q->by_port || x->q->by_country ? NULL : take_total;
    }
    return store_read_margins(s, sensor, x->from, x->to, &take);
}

static int rank_target(void *ctx, const struct target_fact *f)
{
    struct rank *x = ctx;
    bool fresh;

    if (!port_wanted(x->q, f->port))
        return 0;
    size_t i = find_row(&x->table, compact(x, &f->target), &fresh);
    struct rank_row *row = &x->table.rows[i];
    row->ip = f->target;
    row->events += f->events;
    if (!x->sources)
        return 0;
    if (i >= x->sketch_cap) {
        size_t cap = x->table.cap;
        x->sketches = xrealloc(x->sketches, cap, sizeof *x->sketches);
        memset(x->sketches + x->sketch_cap, 0, (cap - x->sketch_cap) * sizeof *x->sketches);
        x->sketch_cap = cap;
    }
    if (!x->sketches[i])
        x->sketches[i] = xcalloc(1, sizeof **x->sketches);
    sketch_join(x->sketches[i], f->sketch, f->sketch_len);
    return 0;
}

static int read_sensor(struct store *s, struct rank *x, uint16_t sensor)
{
    int rc;

    switch (x->q->what) {
    case RANK_SOURCES: return store_read_sources(s, sensor, x->from, x->to, rank_source, x);
    case RANK_AS: return store_read_sources(s, sensor, x->from, x->to, rank_as, x);
    case RANK_TARGETS: return store_read_targets(s, sensor, x->from, x->to, rank_target, x);
    case RANK_PORTS:
    case RANK_COUNTRIES:
    case RANK_PAIRS:
        rc = x->sums ? read_margins(s, x, sensor)
                     : store_read_bins(s, sensor, x->from, x->to, take_bin, x);
        x->untold = x->sources && x->q->quick && x->read > RANK_QUICK_EVENTS;
        return rc || !x->sources || x->sketched || x->untold
                   ? rc
                   : store_read_sources(s, sensor, x->from, x->to, take_source, x);
    }
    return -EINVAL;
}

static int check_lean(struct store *s, struct rank *x, uint16_t sensor)
{
    bool whole;
    int rc = store_sources_whole(s, sensor, x->from, x->to, &whole);

    x->lean = x->lean || !whole;
    return rc;
}

static int total_source(void *ctx, const struct source_fact *f)
{
    struct rank *x = ctx;

    if (events_within(x, f) && !hides(x, rules_of(x->rules, f)))
        hll_add(x->sums->total, sketch_hash(&f->source));
    return 0;
}

/* How many sources there were in all, where the facts don't list each of them any more. */
static int read_total(struct store *s, struct rank *x, uint16_t sensor)
{
    struct margin_take take = {.ctx = x, .total = take_total, .source = total_source};

    return store_read_margins(s, sensor, x->from, x->to, &take);
}

static int each_sensor(struct store *s, struct rank *x,
                       int (*visit)(struct store *s, struct rank *x, uint16_t sensor))
{
    const struct sensor *list;
    size_t n;
    int rc = 0;

    for (size_t i = 0; i < x->q->sensor_count && rc == 0; i++)
        rc = visit(s, x, x->q->sensors[i]);
    if (x->q->sensor_count)
        return rc;
    rc = store_sensors(s, &list, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = visit(s, x, list[i].id);
    return rc;
}

/* ---- finishing ---- */

static uint64_t count_total(const struct rank *x)
{
    if ((x->q->by_port && !x->q->ports) || x->q->by_country) /* there is one row at most */
        return x->table.n ? x->table.rows[0].sources : 0;
    return hll_count(x->sums->total);
}

static void count_distinct(struct rank *x, struct ranking *out)
{
    unsigned shift = x->q->what == RANK_SOURCES ? PORT_KEY_BITS : SOURCE_BITS;

    if (x->sketched) {
        out->sources = count_total(x);
        return;
    }
    out->untold = x->untold;
    for (size_t i = 0; i < x->table.n && x->untold; i++)
        x->table.rows[i].untold = true;
    if (x->untold)
        return;
    out->sources_exact = x->q->what != RANK_TARGETS && !x->lean;
    seen_unique(&x->seen);
    for (size_t i = 0; i < x->seen.n; i++) {
        struct rank_row *row = &x->table.rows[x->seen.list[i] >> shift];
        if (x->q->what == RANK_SOURCES)
            row->ports++;
        else
            row->sources++;
    }
    for (size_t i = 0; i < x->table.n && i < x->sketch_cap; i++)
        if (x->sketches[i])
            x->table.rows[i].sources = sketch_count(x->sketches[i]);
    seen_unique(&x->all);
    out->sources = x->q->what == RANK_SOURCES ? x->table.n : x->all.n;
}

/* The rows by events, most first; ties by key, IPv6 addresses by their first coming. */
static struct rank_row *ordered_rows(const struct table *t)
{
    struct rank_row *rows = xmalloc(t->n * sizeof *rows);
    struct item *items = xmalloc(t->n * sizeof *items), *spare = xmalloc(t->n * sizeof *spare);

    for (size_t i = 0; i < t->n; i++)
        items[i] = (struct item){.key = t->keys[i], .count = (uint32_t)i};
    struct item *sorted = sort_items(items, spare, t->n);
    for (size_t i = 0; i < t->n; i++)
        sorted[i].key = UINT64_MAX - t->rows[sorted[i].count].events;
    sorted = sort_items(sorted, sorted == items ? spare : items, t->n);
    for (size_t i = 0; i < t->n; i++) {
        rows[i] = t->rows[sorted[i].count];
        rows[i].rank = (unsigned)i + 1;
    }
    free(items);
    free(spare);
    return rows;
}

static void rank_clear(struct rank *x)
{
    for (size_t i = 0; i < x->sketch_cap; i++)
        free(x->sketches[i]);
    free(x->sketches);
    sums_free(x->sums);
    free(x->group_of);
    free(x->seen.list);
    free(x->all.list);
    ip_table_fini(&x->v6);
    table_fini(&x->table);
}

/* What is to be known before facts are read; x->q, the span and x->sources are set. */
static int rank_begin(struct store *s, struct rank *x)
{
    const struct rank_query *q = x->q;
    int rc = x->sources ? each_sensor(s, x, check_lean) : 0;
    bool quick = q->quick || x->to - x->from > RANK_EXACT_S;

    /* Sketches are of all but the excluded. */
    x->sketched = x->sources && margins_tell(q) &&
                  (x->lean || (!q->exact && !has_group(q) && quick)) && !q->with_excluded &&
                  !q->without_scanners;
    if (margins_tell(q))
        x->sums = sums_new(q->what == RANK_PORTS ? PORT_KEY_MAX : COUNTRY_MAX,
                           q->by_port && q->ports ? HLL_BITS_PORT : HLL_BITS_TOTAL);
    group_ports(x);
    return rc == 0 ? store_rules(s, &x->rules) : rc;
}

/* Rows of what was read; `rc` is how that went. *x is cleared. */
static int rank_end(struct store *s, struct rank *x, int rc, struct ranking *out)
{
    const struct rank_query *q = x->q;
    bool of_sources = q->what == RANK_SOURCES || q->what == RANK_AS;
    bool sketch_total = x->lean && of_sources && !q->by_port && !q->by_country;

    if (x->sums)
        sums_to_rows(x);
    if (sketch_total) {
        x->sums = sums_new(0, HLL_BITS_TOTAL);
        if (rc == 0)
            rc = each_sensor(s, x, read_total);
    }
    *out = (struct ranking){.from = x->from, .to = x->to};
    if (rc == 0) {
        if (x->sources)
            count_distinct(x, out);
        out->networks = x->networks;
        out->partial = x->lean && of_sources;
        if (sketch_total)
            out->sources = hll_count(x->sums->total);
        for (size_t i = 0; i < x->table.n; i++) {
            struct rank_row *row = &x->table.rows[i];
            if (q->what == RANK_PORTS)
                row->country = 0;
            else if (q->what == RANK_COUNTRIES)
                row->port = 0;
            out->events += row->events;
        }
        out->rows = ordered_rows(&x->table);
        out->n = x->table.n;
        out->hidden = x->hidden;
    }
    rank_clear(x);
    return rc;
}

static int rank_span(struct store *s, const struct rank_query *q, int64_t from, int64_t to,
                     bool sources, struct ranking *out)
{
    struct rank x = {.q = q, .from = from, .to = to, .sources = sources};
    int rc = rank_begin(s, &x);

    if (rc == 0)
        rc = each_sensor(s, &x, read_sensor);
    return rank_end(s, &x, rc, out);
}

static uint64_t row_hash(enum rank_what what, const struct rank_row *row)
{
    if (what == RANK_AS)
        return hash_mix(row->as);
    return hash_bytes(&row->ip, sizeof row->ip,
                      (uint64_t)row->port << COUNTRY_BITS | (row->ip.family ? 0 : row->country));
}

static bool same_key(enum rank_what what, const struct rank_row *a, const struct rank_row *b)
{
    if (what == RANK_AS)
        return a->as == b->as;
    return a->port == b->port && a->anonymous == b->anonymous && ip_compare(&a->ip, &b->ip) == 0 &&
           (a->ip.family || a->country == b->country);
}

/* Looks each row up among those of the period before. */
static void compare_before(enum rank_what what, struct ranking *now, const struct ranking *before)
{
    size_t slot_count = SLOTS_FIRST;

    while (slot_count < before->n * 2)
        slot_count *= 2;
    uint32_t *slots = xcalloc(slot_count, sizeof *slots);
    for (size_t i = 0; i < before->n; i++) {
        size_t at = row_hash(what, &before->rows[i]) & (slot_count - 1);
        while (slots[at])
            at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < now->n; i++) {
        struct rank_row *row = &now->rows[i];
        for (size_t at = row_hash(what, row) & (slot_count - 1); slots[at];
             at = (at + 1) & (slot_count - 1)) {
            const struct rank_row *was = &before->rows[slots[at] - 1];
            if (!same_key(what, row, was))
                continue;
            row->before_rank = was->rank;
            row->before_events = was->events;
            break;
        }
    }
    free(slots);
}

static int rank_before(struct store *s, const struct rank_query *q, int64_t from, int64_t to,
                       struct ranking *now)
{
    struct ranking before = {0};
    int rc = from < to ? rank_span(s, q, from, to, false, &before) : 0;

    if (rc == 0)
        compare_before(q->what, now, &before);
    rank_fini(&before);
    return rc;
}

int rank_make(struct store *s, const struct rank_query *q, struct ranking *out)
{
    int64_t from = q->from, to = q->to, before_from = q->before_from;

    if (q->what == RANK_TARGETS) { /* kept by the hour */
        from -= from % HOUR_S;
        to += (HOUR_S - to % HOUR_S) % HOUR_S;
        before_from -= q->before_from == q->before_to ? 0 : before_from % HOUR_S;
    }
    int64_t before_to = q->before_from == q->before_to ? before_from
                        : q->what == RANK_TARGETS      ? from
                                                       : q->before_to;
    int rc = rank_span(s, q, from, to, !q->no_sources, out);
    if (rc == 0)
        rc = rank_before(s, q, before_from, before_to, out);
    if (rc != 0)
        rank_fini(out);
    return rc;
}

/* ---- many of one span ---- */

/* Rankings that are read in one pass over bins, or over sources. Each is in one chain: of its port,
 * of its country, or of those that look at every entry; chains hold numbers from 1. */
struct pass {
    struct rank *list;
    uint32_t *by_port, by_country[COUNTRY_MAX], rest;
    uint32_t *next;
};

static bool reads_bins(const struct rank *x)
{
    return !x->sums && x->q->what != RANK_SOURCES && x->q->what != RANK_AS;
}

static bool reads_sources(const struct rank *x)
{
    return x->q->what == RANK_SOURCES || x->q->what == RANK_AS || (x->sources && !x->sketched);
}

static bool pass_init(struct pass *p, struct rank *list, size_t n,
                      bool (*takes_part)(const struct rank *x))
{
    bool any = false;

    *p = (struct pass){.list = list,
                       .by_port = xcalloc(PORT_KEY_MAX, sizeof *p->by_port),
                       .next = xcalloc(n + 1, sizeof *p->next)};
    for (uint32_t i = 1; i <= n; i++) {
        const struct rank_query *q = list[i - 1].q;
        uint32_t *chain = q->by_port && !q->ports ? &p->by_port[q->port]
                          : q->by_country         ? &p->by_country[q->country]
                                                  : &p->rest;
        if (!takes_part(&list[i - 1]))
            continue;
        p->next[i] = *chain;
        *chain = i;
        any = true;
    }
    return any;
}

static void pass_fini(struct pass *p)
{
    free(p->by_port);
    free(p->next);
}

static int pass_bin(void *ctx, const struct bin_fact *f)
{
    const struct pass *p = ctx;
    const uint32_t chains[] = {p->by_port[f->port], p->by_country[f->country], p->rest};

    for (int k = 0; k < 3; k++)
        for (uint32_t i = chains[k]; i; i = p->next[i])
            take_bin(&p->list[i - 1], f);
    return 0;
}

static int pass_source(void *ctx, const struct source_fact *f)
{
    const struct pass *p = ctx;
    const uint32_t chains[] = {p->by_port[f->port], p->by_country[f->country], p->rest};

    for (int k = 0; k < 3; k++)
        for (uint32_t i = chains[k]; i; i = p->next[i]) {
            struct rank *x = &p->list[i - 1];
            if (x->q->what == RANK_SOURCES)
                rank_source(x, f);
            else if (x->q->what == RANK_AS)
                rank_as(x, f);
            else
                take_source(x, f);
        }
    return 0;
}

/* All sensors' facts of one kind, once, for all that look at them. */
static int read_pass(struct store *s, struct rank *list, size_t n, bool bins)
{
    const struct sensor *sensors;
    size_t count;
    struct pass p;
    int rc = store_sensors(s, &sensors, &count);

    if (!pass_init(&p, list, n, bins ? reads_bins : reads_sources))
        count = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        bool asked = list[0].q->sensor_count == 0;
        for (size_t k = 0; k < list[0].q->sensor_count; k++)
            asked |= list[0].q->sensors[k] == sensors[i].id;
        if (asked && bins)
            rc = store_read_bins(s, sensors[i].id, list[0].from, list[0].to, pass_bin, &p);
        else if (asked)
            rc = store_read_sources(s, sensors[i].id, list[0].from, list[0].to, pass_source, &p);
    }
    pass_fini(&p);
    return rc;
}

int rank_make_all(struct store *s, const struct rank_query *q, size_t n, struct ranking *out)
{
    struct rank *list = xcalloc(n + 1, sizeof *list);
    int rc = 0;

    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n && rc == 0; i++) {
        ASSERT(q[i].what != RANK_TARGETS && q[i].from == q[0].from && q[i].to == q[0].to);
        ASSERT(!q[i].quick || q[i].no_sources);
        list[i] = (struct rank){
            .q = &q[i], .from = q[i].from, .to = q[i].to, .sources = !q[i].no_sources};
        rc = rank_begin(s, &list[i]);
        if (rc == 0 && list[i].sums)
            rc = each_sensor(s, &list[i], read_margins);
    }
    if (rc == 0 && n)
        rc = read_pass(s, list, n, true);
    if (rc == 0 && n)
        rc = read_pass(s, list, n, false);
    for (size_t i = 0; i < n && list[i].q; i++)
        rc = rank_end(s, &list[i], rc, &out[i]);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = rank_before(s, &q[i], q[i].before_from, q[i].before_to, &out[i]);
    for (size_t i = 0; i < n && rc != 0; i++)
        rank_fini(&out[i]);
    free(list);
    return rc;
}

void rank_fini(struct ranking *r)
{
    free(r->rows);
    *r = (struct ranking){0};
}

static void port_text(const struct rank_row *row, char out[RANK_KEY_MAX])
{
    if (row->group)
        snprintf(out, RANK_KEY_MAX, "%s", row->group->name);
    else
        port_format(row->port, out);
}

const char *rank_key(enum rank_what what, const struct rank_row *row, char out[RANK_KEY_MAX])
{
    char country[3];

    switch (what) {
    case RANK_PORTS: port_text(row, out); break;
    case RANK_COUNTRIES: country_format(row->country, out); break;
    case RANK_PAIRS:
        port_text(row, out);
        snprintf(out + strlen(out), RANK_KEY_MAX - strlen(out), " %s",
                 country_format(row->country, country));
        break;
    case RANK_SOURCES:
        if (row->anonymous)
            anonymous_format(&row->ip, out);
        else
            ip_format(&row->ip, out);
        break;
    case RANK_AS: asn_format(row->as, out); break;
    case RANK_TARGETS:
        if (row->ip.family == 4 && ip_v4(&row->ip) == 0)
            strcpy(out, "other");
        else
            ip_format(&row->ip, out);
        break;
    }
    return out;
}
