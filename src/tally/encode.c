/* Tallies become segments: 1. where sources are to be hidden, each gets its other address; names
 * become sensors and IPv6 addresses ranks, the same in all tallies; 2. records are dealt out by (sensor, hour); 3. each such group is sorted three ways and
 * its runs of equal keys are added up and written. */
#include <stdlib.h>

#include "base/check.h"
#include "base/port.h"
#include "base/sketch.h"
#include "base/sort.h"
#include "store/segment.h"
#include "tally/burst.h"
#include "tally/records.h"
#include "tally/tally.h"

enum { CLASS_BITS = 2, COUNTRY_BITS = 10, FEW_MARKS = 32, ROOM_KEPT_BYTES = 1 << 20 };

/* One (sensor, hour). */
struct group {
    uint16_t sensor;
    uint32_t hour; /* since 1970 */
    size_t from, n;
};

/* What is known of a source that isn't stored. */
struct origin {
    struct ip shown;
    uint32_t as;
    uint16_t rule;
};

/* Sources by their true addresses, and what takes their place; only where they are hidden. */
struct hidden {
    struct ip_table truth;
    struct origin *origins; /* by place in `truth` */
    size_t cap;
    uint32_t **places;     /* per tally and record: of its source */
    struct ip_table shown; /* the addresses that are stored */
    uint32_t *as;          /* by place in `shown`; of several sources the first one's */
    size_t as_cap;
};

/* What an encoding needs room for, and the next one again: pages that are given back and taken anew
 * are cleared each time. */
struct room {
    struct record *records;
    struct item *items, *spare;
    size_t record_cap, item_cap;
};

/* What is remembered of a sensor: `serial` says as of which state of the store. */
struct remembered {
    uint16_t sensor;
    int64_t serial;
    size_t from, n;  /* of the events */
    bool is_current; /* in this encoding */
};

struct trace {
    struct tally *events; /* sensor by sensor, with their ids */
    struct remembered *list;
    size_t n;
    struct burst_scan *scan;
    struct room room;
};

struct encoder {
    struct tally *const *tallies;
    size_t n;
    const struct tally_sink *sink;
    uint16_t **sensors; /* per tally: place of a name to the sensor's id */
    uint32_t **ranks;   /* per tally: place of an IPv6 address to its rank among all */
    struct ip *v6;      /* all, ascending */
    size_t v6_count;
    struct hidden hidden;
    struct group *groups;
    size_t group_count, group_cap;
    struct room own, *room; /* room: that of the trace, or its own */
    struct record *records; /* dealt out */
    struct item *items, *spare;
    struct segment_writer writer;
    struct buf marks;
    const struct tally *trace; /* its events; NULL: bursts aren't looked for */
};

static int compare_ip(const void *a, const void *b)
{
    return ip_compare(a, b);
}

/* ---- hidden sources ---- */

static uint32_t hide_source(struct encoder *x, const struct ip *source)
{
    struct hidden *h = &x->hidden;
    const struct tally_sink *sink = x->sink;
    size_t known = h->truth.n;
    uint32_t place = ip_table_add(&h->truth, source);

    if (place < known)
        return place;
    if (place == h->cap)
        h->origins = xrealloc(h->origins, h->cap = h->cap * 2 + 1024, sizeof *h->origins);
    struct origin *o = &h->origins[place];
    *o = (struct origin){.shown = sink->hide(sink->ctx, source),
                         .as = sink->as ? sink->as(sink->ctx, source) : 0,
                         .rule = sink->rule ? sink->rule(sink->ctx, source) : 0};
    size_t shown = h->shown.n;
    uint32_t at = ip_table_add(&h->shown, &o->shown);
    if (at < shown)
        return place;
    if (at == h->as_cap)
        h->as = xrealloc(h->as, h->as_cap = h->as_cap * 2 + 1024, sizeof *h->as);
    h->as[at] = o->as;
    return place;
}

static struct ip true_source(const struct tally *t, const struct record *r)
{
    return r->source6 ? t->v6.list[r->source] : ip_from_v4(r->source);
}

static void hide_sources(struct encoder *x)
{
    struct hidden *h = &x->hidden;

    h->places = xcalloc(x->n, sizeof *h->places);
    for (size_t t = 0; t < x->n; t++) {
        const struct tally *y = x->tallies[t];
        h->places[t] = xmalloc(y->n * sizeof **h->places);
        for (size_t i = 0; i < y->n; i++) {
            const struct record *r = &y->records[i], *before = i ? r - 1 : NULL;
            struct ip source = true_source(y, r);
            h->places[t][i] = before && before->source == r->source && before->source6 == r->source6
                                  ? h->places[t][i - 1]
                                  : hide_source(x, &source);
        }
    }
}

static void hidden_fini(struct encoder *x)
{
    struct hidden *h = &x->hidden;

    for (size_t t = 0; h->places && t < x->n; t++)
        free(h->places[t]);
    free(h->places);
    free(h->origins);
    free(h->as);
    ip_table_fini(&h->truth);
    ip_table_fini(&h->shown);
}

static uint32_t as_of(struct encoder *x, const struct ip *source)
{
    if (x->sink->hide)
        return x->hidden.as[ip_table_add(&x->hidden.shown, source)];
    return x->sink->as ? x->sink->as(x->sink->ctx, source) : 0;
}

/* ---- ranks and groups ---- */

static uint32_t rank_of(const struct encoder *x, const struct ip *ip)
{
    const struct ip *found = bsearch(ip, x->v6, x->v6_count, sizeof *x->v6, compare_ip);
    return (uint32_t)(found - x->v6);
}

/* The n-th is the trace. */
static const struct tally *tally_at(const struct encoder *x, size_t t)
{
    return t < x->n ? x->tallies[t] : x->trace;
}

static size_t tally_count(const struct encoder *x)
{
    return x->n + (x->trace != NULL);
}

static void rank_v6(struct encoder *x)
{
    const struct ip_table *shown = &x->hidden.shown;
    size_t total = shown->n;

    for (size_t t = 0; t < tally_count(x); t++)
        total += tally_at(x, t)->v6.n;
    x->v6 = xmalloc(total * sizeof *x->v6);
    for (size_t t = 0; t < tally_count(x); t++) {
        const struct tally *y = tally_at(x, t);
        if (y->v6.n)
            memcpy(x->v6 + x->v6_count, y->v6.list, y->v6.n * sizeof *x->v6);
        x->v6_count += y->v6.n;
    }
    for (size_t i = 0; i < shown->n; i++)
        if (shown->list[i].family == 6)
            x->v6[x->v6_count++] = shown->list[i];
    if (x->v6_count == 0)
        return;
    qsort(x->v6, x->v6_count, sizeof *x->v6, compare_ip);
    size_t unique = 1;
    for (size_t i = 1; i < x->v6_count; i++)
        if (ip_compare(&x->v6[i], &x->v6[unique - 1]) != 0)
            x->v6[unique++] = x->v6[i];
    x->v6_count = unique;
    for (size_t t = 0; t < tally_count(x); t++) {
        const struct tally *y = tally_at(x, t);
        x->ranks[t] = xmalloc(y->v6.n * sizeof **x->ranks);
        for (size_t i = 0; i < y->v6.n; i++)
            x->ranks[t][i] = rank_of(x, &y->v6.list[i]);
    }
}

static int name_sensors(struct encoder *x)
{
    for (size_t t = 0; t < x->n; t++) {
        const struct tally *y = x->tallies[t];
        x->sensors[t] = xmalloc(y->name_count * sizeof **x->sensors);
        for (size_t i = 0; i < y->name_count; i++) {
            int rc = x->sink->sensor(x->sink->ctx, tally_sensor(y, i), &x->sensors[t][i]);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int compare_group(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    if (x->sensor != y->sensor)
        return x->sensor < y->sensor ? -1 : 1;
    return x->hour < y->hour ? -1 : x->hour > y->hour;
}

/* A log's records come mostly in the order of time, so runs of one (sensor, hour) are long: runs
 * become groups first, equal groups are joined by sorting, and only then records are copied. */
struct run {
    uint16_t sensor;
    uint32_t hour;
    uint32_t tally;
    size_t from, n;
};

static int compare_run(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    struct group gx = {.sensor = x->sensor, .hour = x->hour},
                 gy = {.sensor = y->sensor, .hour = y->hour};
    int by_group = compare_group(&gx, &gy);

    if (by_group)
        return by_group;
    if (x->tally != y->tally)
        return x->tally < y->tally ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static struct ip address(const struct encoder *x, uint64_t compact33)
{
    return compact33 >> 32 ? x->v6[(uint32_t)compact33] : ip_from_v4((uint32_t)compact33);
}

static void apply_rules(const struct encoder *x, struct record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ip source = address(x, (uint64_t)records[i].source6 << 32 | records[i].source);
        records[i].rule = x->sink->rule(x->sink->ctx, &source);
    }
}

static void apply_origins(const struct encoder *x, const struct run *run, struct record *records)
{
    const uint32_t *places = x->hidden.places[run->tally] + run->from;

    for (size_t i = 0; i < run->n; i++) {
        const struct origin *o = &x->hidden.origins[places[i]];
        records[i].source6 = o->shown.family == 6;
        records[i].source = records[i].source6 ? rank_of(x, &o->shown) : ip_v4(&o->shown);
        records[i].rule = o->rule;
    }
}

static void copy_run(struct encoder *x, const struct run *run, struct record *to)
{
    const uint32_t *ranks = x->ranks[run->tally];

    memcpy(to, x->tallies[run->tally]->records + run->from, run->n * sizeof *to);
    for (size_t i = 0; ranks && i < run->n; i++) {
        if (to[i].source6 && !x->sink->hide)
            to[i].source = ranks[to[i].source];
        if (to[i].target6)
            to[i].target = ranks[to[i].target];
    }
    if (x->sink->hide)
        apply_origins(x, run, to);
    else if (x->sink->rule)
        apply_rules(x, to, run->n);
}

/* Whether it is time for other room: there is too little, or so much more that a daemon which has
 * caught up had better give it back. */
static bool misfits(size_t cap, size_t n, size_t bytes)
{
    return cap < n || (cap / 8 > n && cap * bytes > ROOM_KEPT_BYTES);
}

static void make_room(struct encoder *x, size_t records, size_t items)
{
    struct room *r = x->room;

    if (misfits(r->record_cap, records, sizeof *r->records)) {
        free(r->records);
        r->record_cap = records + records / 8;
        r->records = xmalloc(r->record_cap * sizeof *r->records);
    }
    if (misfits(r->item_cap, items, sizeof *r->items)) {
        free(r->items);
        free(r->spare);
        r->item_cap = items + items / 8;
        r->items = xmalloc(r->item_cap * sizeof *r->items);
        r->spare = xmalloc(r->item_cap * sizeof *r->spare);
    }
    x->records = r->records;
    x->items = r->items;
    x->spare = r->spare;
}

static void room_fini(struct room *r)
{
    free(r->records);
    free(r->items);
    free(r->spare);
}

static size_t largest_group(const struct run *runs, size_t n)
{
    size_t largest = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        bool same = i && runs[i].sensor == runs[i - 1].sensor && runs[i].hour == runs[i - 1].hour;
        size = (same ? size : 0) + runs[i].n;
        largest = size > largest ? size : largest;
    }
    return largest;
}

static void deal_out(struct encoder *x)
{
    struct run *runs = NULL;
    size_t run_count = 0, run_cap = 0, total = 0;

    for (size_t t = 0; t < x->n; t++) {
        const struct tally *y = x->tallies[t];
        uint32_t hour = 0, sensor = UINT32_MAX;
        for (size_t i = 0; i < y->n; i++) {
            const struct record *r = &y->records[i];
            if (r->when / HOUR_S == hour && r->sensor == sensor) {
                runs[run_count - 1].n++;
                continue;
            }
            if (run_count == run_cap)
                runs = xrealloc(runs, run_cap = run_cap * 2 + 64, sizeof *runs);
            hour = r->when / HOUR_S;
            sensor = r->sensor;
            runs[run_count++] = (struct run){x->sensors[t][sensor], hour, (uint32_t)t, i, 1};
        }
        total += y->n;
    }
    if (run_count)
        qsort(runs, run_count, sizeof *runs, compare_run);
    make_room(x, total, largest_group(runs, run_count));
    size_t at = 0;
    for (size_t i = 0; i < run_count; i++) {
        struct group *g = x->group_count ? &x->groups[x->group_count - 1] : NULL;
        if (!g || g->sensor != runs[i].sensor || g->hour != runs[i].hour) {
            if (x->group_count == x->group_cap)
                x->groups =
                    xrealloc(x->groups, x->group_cap = x->group_cap * 2 + 16, sizeof *x->groups);
            g = &x->groups[x->group_count++];
            *g = (struct group){runs[i].sensor, runs[i].hour, at, 0};
        }
        copy_run(x, &runs[i], x->records + at);
        at += runs[i].n;
        g->n += runs[i].n;
    }
    free(runs);
}

static int emit(struct encoder *x, enum fact_kind kind, const struct group *g, int64_t start)
{
    const struct segment_writer *w = &x->writer;
    struct buf *b = segment_finish(&x->writer);
    struct segment s = {kind, g->sensor, start, w->events, w->entries, b->p, b->n};

    return x->sink->segment(x->sink->ctx, &s);
}

/* Key: bin of the hour, rule, class, port, country. */
static int encode_bins(struct encoder *x, const struct group *g)
{
    const unsigned rule_shift = CLASS_BITS + PORT_KEY_BITS + COUNTRY_BITS;
    const unsigned bin_shift = 16 + rule_shift;

    for (size_t i = 0; i < g->n; i++) {
        const struct record *r = &x->records[g->from + i];
        uint64_t bin = r->when % HOUR_S / BIN_S;
        uint64_t key = ((uint64_t)r->class << PORT_KEY_BITS | r->port) << COUNTRY_BITS | r->country;
        key |= (uint64_t)r->rule << rule_shift | bin << bin_shift;
        x->items[i] = (struct item){.key = key, .count = r->count};
    }
    const struct item *it = sort_items(x->items, x->spare, g->n);
    for (size_t i = 0; i < g->n;) {
        uint64_t bin = it[i].key >> bin_shift;
        segment_begin(&x->writer, FACT_BIN);
        while (i < g->n && it[i].key >> bin_shift == bin) {
            uint64_t key = it[i].key, events = 0;
            for (; i < g->n && it[i].key == key; i++)
                events += it[i].count;
            segment_put_bin(&x->writer, (uint16_t)(key >> rule_shift),
                            key >> (PORT_KEY_BITS + COUNTRY_BITS) & ((1 << CLASS_BITS) - 1),
                            key >> COUNTRY_BITS & ((1 << PORT_KEY_BITS) - 1),
                            key & ((1 << COUNTRY_BITS) - 1), events);
        }
        int rc = emit(x, FACT_BIN, g, (int64_t)g->hour * HOUR_S + (int64_t)bin * BIN_S);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Key: source (33 bits), port, class; of hidden sources also the country, since a network may lie in
 * several. */
static size_t source_items(struct encoder *x, const struct group *g, const uint16_t *rule)
{
    unsigned shift = rule ? COUNTRY_BITS : 0;
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++) {
        const struct record *r = &x->records[g->from + i];
        uint64_t source = (uint64_t)r->source6 << 32 | r->source;
        uint64_t key = (source << PORT_KEY_BITS | r->port) << CLASS_BITS | r->class;
        if (rule && r->rule != *rule)
            continue;
        x->items[n++] = (struct item){key << shift | (rule ? r->country : 0), r->count,
                                      (uint16_t)(r->when % HOUR_S), r->country};
    }
    return n;
}

/* `rule`: only sources that fall under it, hidden ones; NULL: all, as they are. */
static int encode_sources_of(struct encoder *x, const struct group *g, const uint16_t *rule)
{
    unsigned shift = rule ? COUNTRY_BITS : 0;
    size_t n = source_items(x, g, rule);
    const struct item *it = sort_items(x->items, x->spare, n);
    uint64_t before = UINT64_MAX;
    uint32_t as = 0;

    segment_begin(&x->writer, FACT_SOURCE);
    for (size_t i = 0; i < n;) {
        uint64_t whole = it[i].key, key = whole >> shift;
        uint64_t source = key >> (PORT_KEY_BITS + CLASS_BITS);
        struct source_fact f = {
            .source = address(x, source),
            .port = key >> CLASS_BITS & ((1 << PORT_KEY_BITS) - 1),
            .class = key & ((1 << CLASS_BITS) - 1),
            .country = it[i].b,
            .kept_rule = rule ? *rule + 1U : 0,
            .first = it[i].a,
            .last = it[i].a,
        };
        if (source != before) {
            as = as_of(x, &f.source);
            before = source;
        }
        f.as = as;
        for (; i < n && it[i].key == whole; i++) {
            f.first = it[i].a < f.first ? it[i].a : f.first;
            f.last = it[i].a > f.last ? it[i].a : f.last;
            f.events += it[i].count;
            f.spread[it[i].a / BIN_S] += it[i].count;
        }
        segment_put_source(&x->writer, &f);
    }
    return emit(x, FACT_SOURCE, g, (int64_t)g->hour * HOUR_S);
}

/* The least rule of the group that is at least `from`; false: none. */
static bool next_rule(const struct encoder *x, const struct group *g, unsigned from, uint16_t *rule)
{
    bool found = false;

    for (size_t i = 0; i < g->n; i++) {
        uint16_t r = x->records[g->from + i].rule;
        if (r >= from && (!found || r < *rule)) {
            *rule = r;
            found = true;
        }
    }
    return found;
}

static int encode_sources(struct encoder *x, const struct group *g)
{
    uint16_t rule = 0;
    int rc = 0;

    if (!x->sink->hide)
        return encode_sources_of(x, g, NULL);
    for (unsigned from = 0; rc == 0 && next_rule(x, g, from, &rule); from = rule + 1U)
        rc = encode_sources_of(x, g, &rule);
    return rc;
}

static void put_mark(struct buf *out, unsigned mark)
{
    buf_reserve(out, 2);
    out->p[out->n++] = (uint8_t)mark;
    out->p[out->n++] = (uint8_t)(mark >> 8);
}

/* Few marks are sorted in place; equal registers stand side by side then, the highest rank last. */
static void write_few_marks(struct buf *out, const struct item *run, size_t n)
{
    uint16_t marks[FEW_MARKS];

    for (size_t i = 0; i < n; i++) {
        size_t j = i;
        for (; j > 0 && marks[j - 1] > run[i].a; j--)
            marks[j] = marks[j - 1];
        marks[j] = run[i].a;
    }
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || marks[i] >> SKETCH_RANK_BITS != marks[i + 1] >> SKETCH_RANK_BITS)
            put_mark(out, marks[i]);
}

/* The marks of a run as a written sketch: ascending, of each register the highest rank. */
static void write_marks(struct buf *out, const struct item *run, size_t n)
{
    struct sketch s;

    out->n = 0;
    if (n <= FEW_MARKS) {
        write_few_marks(out, run, n);
        return;
    }
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < n; i++)
        sketch_add(&s, run[i].a);
    for (unsigned r = 0; r < SKETCH_REGISTERS; r++)
        if (s.rank[r])
            put_mark(out, r << SKETCH_RANK_BITS | s.rank[r]);
}

/* Key: target (33 bits), port; the item carries its source's mark. */
static int encode_targets(struct encoder *x, const struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct record *r = &x->records[g->from + i];
        struct ip source = address(x, (uint64_t)r->source6 << 32 | r->source);
        x->items[i] =
            (struct item){((uint64_t)r->target6 << 32 | r->target) << PORT_KEY_BITS | r->port,
                          r->count, sketch_mark(&source), 0};
    }
    const struct item *it = sort_items(x->items, x->spare, g->n);
    segment_begin(&x->writer, FACT_TARGET);
    for (size_t i = 0; i < g->n;) {
        size_t from = i;
        struct target_fact f = {.target = address(x, it[i].key >> PORT_KEY_BITS),
                                .port = it[i].key & ((1 << PORT_KEY_BITS) - 1)};
        for (; i < g->n && it[i].key == it[from].key; i++)
            f.events += it[i].count;
        write_marks(&x->marks, it + from, i - from);
        f.sketch = x->marks.p;
        f.sketch_len = (uint32_t)x->marks.n;
        segment_put_target(&x->writer, &f);
    }
    return emit(x, FACT_TARGET, g, (int64_t)g->hour * HOUR_S);
}

/* ---- bursts ---- */

struct trace *trace_new(void)
{
    struct trace *t = xcalloc(1, sizeof *t);

    t->events = tally_new();
    return t;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    tally_free(t->events);
    burst_scan_free(t->scan);
    room_fini(&t->room);
    free(t->list);
    free(t);
}

static struct remembered *find_remembered(struct trace *t, uint16_t sensor)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].sensor == sensor)
            return &t->list[i];
    t->list = xrealloc(t->list, t->n + 1, sizeof *t->list);
    t->list[t->n] = (struct remembered){.sensor = sensor, .serial = INT64_MIN};
    return &t->list[t->n++];
}

struct trace_taker {
    struct tally *events;
    uint16_t sensor;
};

static int take_trace(void *taker, const void *data, size_t n)
{
    const struct trace_taker *t = taker;

    trace_read(t->events, t->sensor, data, n);
    return 0;
}

/* Pieces of several commits: what became worth storing late lies behind what came later. */
static void sort_by_time(struct record *list, size_t n)
{
    struct item *items = xmalloc(n * sizeof *items), *spare = xmalloc(n * sizeof *spare);
    struct record *copy = xmalloc(n * sizeof *copy);

    memcpy(copy, list, n * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){.key = list[i].when, .count = (uint32_t)i};
    const struct item *it = sort_items(items, spare, n);
    for (size_t i = 0; i < n; i++)
        list[i] = copy[it[i].count];
    free(items);
    free(spare);
    free(copy);
}

/* What is remembered is believed where nobody has changed the trace since; else it is read. */
static int recall(struct encoder *x, uint16_t sensor)
{
    struct trace *t = x->sink->trace;
    struct remembered *m = find_remembered(t, sensor);
    struct trace_taker taker = {t->events, sensor};
    int64_t serial;

    if (m->is_current)
        return 0;
    m->is_current = true;
    int rc = x->sink->trace_serial(x->sink->ctx, sensor, &serial);
    if (rc < 0 || serial == m->serial)
        return rc;
    m->serial = serial;
    m->from = t->events->n;
    rc = x->sink->read_trace(x->sink->ctx, sensor, take_trace, &taker);
    m->n = t->events->n - m->from;
    if (m->n)
        sort_by_time(t->events->records + m->from, m->n);
    return rc;
}

static int recall_all(struct encoder *x)
{
    struct trace *t = x->sink->trace;
    int rc = 0;

    for (size_t k = 0; k < x->n; k++)
        for (size_t i = 0; i < x->tallies[k]->name_count && rc == 0; i++)
            rc = recall(x, x->sensors[k][i]);
    for (size_t i = 0; x->sink->store_all && i < t->n && rc == 0; i++)
        rc = recall(x, t->list[i].sensor);
    return rc;
}

/* Records by rank become records of a tally's own addresses, and the other way round. */
static void remember(const struct encoder *x, struct tally *to, const struct record *list, size_t n,
                     uint16_t sensor)
{
    for (size_t i = 0; i < n; i++) {
        struct record r = list[i];
        if (r.source6)
            r.source = ip_table_add(&to->v6, &x->v6[r.source]);
        if (r.target6)
            r.target = ip_table_add(&to->v6, &x->v6[r.target]);
        r.sensor = sensor;
        if (to->n == to->cap)
            to->records = xrealloc(to->records, to->cap = to->cap * 2 + 1024, sizeof *to->records);
        to->records[to->n++] = r;
    }
}

static void rank_trace(struct encoder *x)
{
    const uint32_t *ranks = x->ranks[x->n];
    struct tally *events = x->sink->trace->events;

    for (size_t i = 0; ranks && i < events->n; i++) {
        struct record *r = &events->records[i];
        if (r->source6)
            r->source = ranks[r->source];
        if (r->target6)
            r->target = ranks[r->target];
    }
}

/* A sensor's hours; where it has none its trace is remembered as it is. */
static int scan_sensor(struct encoder *x, struct burst_scan *b, struct remembered *m,
                       struct tally *next)
{
    const struct tally *events = x->sink->trace->events;
    const struct record *kept = m->n ? events->records + m->from : NULL;
    size_t i = 0, n = m->n;
    int rc = 0;

    while (i < x->group_count && x->groups[i].sensor != m->sensor)
        i++;
    if (i < x->group_count || (x->sink->store_all && n)) {
        burst_scan_begin(b, m->sensor, kept, n);
        for (; rc == 0 && i < x->group_count && x->groups[i].sensor == m->sensor; i++)
            rc = burst_scan_hour(b, x->records + x->groups[i].from, x->groups[i].n);
        if (rc == 0)
            rc = burst_scan_end(b, &kept, &n);
    }
    m->from = next->n;
    m->n = n;
    m->is_current = false;
    remember(x, next, kept, n, m->sensor);
    return rc < 0 ? rc : x->sink->trace_serial(x->sink->ctx, m->sensor, &m->serial);
}

static int scan_bursts(struct encoder *x)
{
    struct trace *t = x->sink->trace;
    struct burst_scan *b = t->scan = t->scan ? t->scan : burst_scan_new();
    struct tally *next = tally_new();
    int rc = 0;

    rank_trace(x);
    burst_scan_use(b, x->sink, x->v6);
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        rc = scan_sensor(x, b, &t->list[i], next);
    tally_free(t->events);
    t->events = next;
    return rc;
}

int tally_encode(struct tally *const *tallies, size_t n, const struct tally_sink *sink)
{
    struct encoder x = {.tallies = tallies, .n = n, .sink = sink};

    x.room = sink->burst ? &sink->trace->room : &x.own;
    x.sensors = xcalloc(n + 1, sizeof *x.sensors);
    x.ranks = xcalloc(n + 1, sizeof *x.ranks);
    int rc = name_sensors(&x);
    if (rc == 0 && sink->burst)
        rc = recall_all(&x);
    x.trace = sink->burst ? sink->trace->events : NULL;
    if (rc == 0) {
        if (sink->hide)
            hide_sources(&x);
        rank_v6(&x);
        deal_out(&x);
    }
    for (size_t i = 0; rc == 0 && i < x.group_count; i++) {
        rc = encode_bins(&x, &x.groups[i]);
        if (rc == 0)
            rc = encode_sources(&x, &x.groups[i]);
        if (rc == 0)
            rc = encode_targets(&x, &x.groups[i]);
    }
    if (rc == 0 && sink->burst)
        rc = scan_bursts(&x);
    for (size_t t = 0; t <= n; t++) {
        free(x.sensors[t]);
        free(x.ranks[t]);
    }
    hidden_fini(&x);
    free(x.sensors);
    free(x.ranks);
    free(x.v6);
    free(x.groups);
    room_fini(&x.own);
    segment_writer_fini(&x.writer);
    buf_fini(&x.marks);
    return rc;
}
