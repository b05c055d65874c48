#include "store/bound.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/port.h"
#include "base/sort.h"

/* ---- choosing the largest ---- */

enum { SMALL = 4095 };

/* Most are small, so they are counted by size, which needs no list of millions. */
struct sizes {
    size_t by_size[SMALL + 1];
    uint64_t *large; /* those above */
    size_t n, cap;
};

static void sizes_add(struct sizes *s, uint64_t events)
{
    if (events <= SMALL) {
        s->by_size[events]++;
        return;
    }
    if (s->n == s->cap)
        s->large = xrealloc(s->large, s->cap = s->cap * 2 + 1024, sizeof *s->large);
    s->large[s->n++] = events;
}

/* Those that stay: all above `least`, and the first `ties` that are equal to it. */
struct cut {
    uint64_t least;
    size_t ties;
};

/* Where fewer than `kept` are above SMALL. */
static struct cut cut_small(const struct sizes *s, size_t kept)
{
    static const struct cut all;
    size_t above = s->n;

    for (uint64_t size = SMALL; size > 0; size--) {
        if (above + s->by_size[size] >= kept)
            return (struct cut){size, kept - above};
        above += s->by_size[size];
    }
    return all;
}

/* Frees what it measured. */
static struct cut sizes_cut(struct sizes *s, size_t kept)
{
    struct cut cut = {0};

    if (s->n < kept) {
        cut = cut_small(s, kept);
    } else {
        sort_numbers(s->large, s->n);
        cut.least = s->large[s->n - kept];
        for (size_t i = s->n - kept; i < s->n && s->large[i] == cut.least; i++)
            cut.ties++;
    }
    free(s->large);
    free(s);
    return cut;
}

static bool cut_keeps(struct cut *cut, uint64_t events)
{
    if (events != cut->least)
        return events > cut->least;
    return cut->ties > 0 && cut->ties-- > 0;
}

/* ---- bins ---- */

struct bin_rest {
    uint64_t countries[COUNTRY_MAX];
    uint64_t port_events, negative;
    uint32_t port;
    uint16_t rule;
    uint8_t class;
    bool any; /* of this (rule, class) */
};

static void put_bin(struct segment_writer *w, const struct bin_rest *r, uint32_t port,
                    uint16_t country, uint64_t events)
{
    if (events)
        segment_put_bin(w, r->rule, r->class, port, country, events);
}

static void end_port(struct segment_writer *w, struct bin_rest *r)
{
    if (r->any && r->port != PORT_OTHER)
        put_bin(w, r, r->port, COUNTRY_OTHER, r->port_events);
    r->port_events = 0;
}

static void end_class(struct segment_writer *w, struct bin_rest *r)
{
    end_port(w, r);
    for (uint16_t c = 0; c < COUNTRY_OTHER; c++)
        put_bin(w, r, PORT_OTHER, c, r->countries[c]);
    put_bin(w, r, PORT_OTHER, COUNTRY_OTHER, r->negative);
    *r = (struct bin_rest){0};
}

static void take_bin(struct segment_writer *w, struct bin_rest *r, const struct bin_fact *f,
                     uint64_t least)
{
    if (r->any && (f->rule != r->rule || f->class != r->class))
        end_class(w, r);
    else if (r->any && f->port != r->port)
        end_port(w, r);
    r->any = true;
    r->rule = f->rule;
    r->class = f->class;
    r->port = f->port;
    if (f->port == PORT_OTHER && f->country == COUNTRY_OTHER) {
        r->negative += f->events;
    } else if (f->port == PORT_OTHER) {
        r->countries[f->country] += f->events;
    } else if (f->country == COUNTRY_OTHER) {
        r->port_events += f->events;
    } else if (f->events >= least) {
        put_bin(w, r, f->port, f->country, f->events);
    } else {
        r->port_events += f->events;
        r->countries[f->country] += f->events;
        r->negative -= f->events;
    }
}

/* The power of two from which on pairs stay. */
static uint64_t least_pair(const size_t by_size[65])
{
    size_t kept = 0;
    unsigned k = 64;

    while (k > 1 && kept + by_size[k] <= BIN_PAIRS_KEPT)
        kept += by_size[k--];
    return k >= 64 ? UINT64_MAX : 1ULL << k;
}

int bound_bin(const void *data, size_t n, struct segment_writer *w)
{
    struct segment_reader r;
    struct bin_fact f;
    size_t by_size[65] = {0}, entries = 0; /* by_size[k]: events from 2^(k-1) to below 2^k */
    int rc = segment_open(&r, FACT_BIN, 0, 0, data, n);

    while (rc == 0 && (rc = segment_next_bin(&r, &f)) > 0) {
        entries++;
        if (f.port != PORT_OTHER && f.country != COUNTRY_OTHER)
            by_size[64 - __builtin_clzll(f.events)]++;
        rc = 0;
    }
    if (rc < 0 || entries <= BIN_ENTRIES_MAX)
        return rc;
    struct bin_rest *rest = xcalloc(1, sizeof *rest);
    segment_begin(w, FACT_BIN);
    segment_open(&r, FACT_BIN, 0, 0, data, n);
    while (segment_next_bin(&r, &f) > 0)
        take_bin(w, rest, &f, least_pair(by_size));
    end_class(w, rest);
    free(rest);
    return 1;
}

/* ---- targets ---- */

static bool is_rest(const struct target_fact *f)
{
    return f->target.family == 4 && ip_v4(&f->target) == 0 && f->port == PORT_OTHER;
}

/* Entries that are told together. */
struct target_sum {
    uint64_t events;
    struct sketch sketch;
};

static void sum_target(struct target_sum *sum, const struct target_fact *f)
{
    sum->events += f->events;
    sketch_join(&sum->sketch, f->sketch, f->sketch_len);
}

static void put_target_sum(struct segment_writer *w, const struct ip *target,
                           struct target_sum *sum, struct buf *marks)
{
    if (sum->events == 0)
        return;
    marks->n = 0;
    buf_reserve(marks, 2 * SKETCH_REGISTERS);
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++) {
        unsigned mark = i << SKETCH_RANK_BITS | sum->sketch.rank[i];
        if (!sum->sketch.rank[i])
            continue;
        marks->p[marks->n++] = (uint8_t)mark;
        marks->p[marks->n++] = (uint8_t)(mark >> 8);
    }
    segment_put_target(w, &(struct target_fact){.target = *target,
                                                .port = PORT_OTHER,
                                                .events = sum->events,
                                                .sketch = marks->p,
                                                .sketch_len = (uint32_t)marks->n});
    *sum = (struct target_sum){0};
}

struct target_pass {
    struct segment_reader r;
    struct cut entries, targets;
    const uint64_t *sums; /* by target, in their order */
    size_t at;
    struct ip target;
    bool any, kept; /* the target is one of the largest */
};

static void pass_begin(struct target_pass *p, const void *data, size_t n, struct cut entries,
                       struct cut targets, const uint64_t *sums)
{
    *p = (struct target_pass){.entries = entries, .targets = targets, .sums = sums};
    segment_open(&p->r, FACT_TARGET, 0, 0, data, n);
}

/* What becomes of the next entry. */
enum fate { FATE_END, FATE_STAYS, FATE_OF_TARGET, FATE_DROPPED };

static enum fate pass_next(struct target_pass *p, struct target_fact *f, bool *fresh)
{
    if (segment_next_target(&p->r, f) <= 0)
        return FATE_END;
    *fresh = !p->any || ip_compare(&f->target, &p->target) != 0;
    if (*fresh) {
        p->kept = cut_keeps(&p->targets, p->sums[p->at++]);
        p->target = f->target;
        p->any = true;
    }
    if (is_rest(f))
        return FATE_DROPPED;
    if (f->port != PORT_OTHER && cut_keeps(&p->entries, f->events))
        return FATE_STAYS;
    return p->kept ? FATE_OF_TARGET : FATE_DROPPED;
}

static void write_targets(struct target_pass *p, struct segment_writer *w, struct target_sum *rest)
{
    static const struct ip nowhere = {.family = 4};
    struct target_sum own = {0};
    struct ip before = {0};
    struct target_fact f;
    struct buf marks = {0};
    bool fresh;

    segment_begin(w, FACT_TARGET);
    for (enum fate fate; (fate = pass_next(p, &f, &fresh)) != FATE_END;) {
        if (fresh) {
            put_target_sum(w, &before, &own, &marks);
            before = f.target;
            if (f.target.family != 4 || ip_v4(&f.target) != 0)
                put_target_sum(w, &nowhere, rest, &marks); /* once: it is empty then */
        }
        if (fate == FATE_STAYS)
            segment_put_target(w, &f);
        else if (fate == FATE_OF_TARGET)
            sum_target(&own, &f);
    }
    put_target_sum(w, &before, &own, &marks);
    put_target_sum(w, &nowhere, rest, &marks);
    buf_fini(&marks);
}

/* The events of each target, in their order; of all entries but those that are told together
 * already. */
struct target_sums {
    uint64_t *list;
    size_t n, cap;
};

/* *entries: with a port of their own. 0 or -EBADMSG. */
static int measure_targets(const void *data, size_t n, struct target_sums *sums,
                           struct sizes *sizes, size_t *entries)
{
    struct segment_reader r;
    struct target_fact f;
    struct ip before = {0};
    int rc = segment_open(&r, FACT_TARGET, 0, 0, data, n);

    for (*entries = 0; rc == 0 && (rc = segment_next_target(&r, &f)) > 0; rc = 0) {
        if (sums->n == sums->cap)
            sums->list = xrealloc(sums->list, sums->cap = sums->cap * 2 + 1024, sizeof *sums->list);
        if (sums->n == 0 || ip_compare(&f.target, &before) != 0)
            sums->list[sums->n++] = 0;
        before = f.target;
        if (f.port != PORT_OTHER) {
            sizes_add(sizes, f.events);
            ++*entries;
        }
        if (!is_rest(&f))
            sums->list[sums->n - 1] += f.events;
    }
    return rc;
}

int bound_targets(const void *data, size_t n, struct segment_writer *w)
{
    struct target_sums sums = {0};
    struct sizes *entry_sizes = xcalloc(1, sizeof *entry_sizes);
    size_t entries;
    int rc = measure_targets(data, n, &sums, entry_sizes, &entries);
    struct cut entry_cut = sizes_cut(entry_sizes, TARGETS_MAX);

    if (rc < 0 || entries <= TARGETS_MAX) {
        free(sums.list);
        return rc;
    }
    struct sizes *sizes = xcalloc(1, sizeof *sizes);
    for (size_t i = 0; i < sums.n; i++)
        sizes_add(sizes, sums.list[i]);
    struct cut target_cut = sizes_cut(sizes, TARGETS_MAX);
    struct target_pass pass;
    struct target_fact f;
    struct target_sum rest = {0};
    bool fresh;
    pass_begin(&pass, data, n, entry_cut, target_cut, sums.list);
    for (enum fate fate; (fate = pass_next(&pass, &f, &fresh)) != FATE_END;)
        if (fate == FATE_DROPPED)
            sum_target(&rest, &f);
    pass_begin(&pass, data, n, entry_cut, target_cut, sums.list);
    write_targets(&pass, w, &rest);
    free(sums.list);
    return 1;
}

/* ---- sources ---- */

/* The entries of one source. */
struct source_entries {
    struct source_fact *list;
    size_t n, cap;
    uint64_t events;
};

static int by_port(const void *a, const void *b)
{
    const struct source_fact *x = a, *y = b;

    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->class != y->class)
        return x->class - y->class;
    if (x->country != y->country)
        return x->country - y->country;
    return (x->kept_rule > y->kept_rule) - (x->kept_rule < y->kept_rule);
}

static int by_size(const void *a, const void *b)
{
    const struct source_fact *x = a, *y = b;

    if (x->events != y->events)
        return x->events > y->events ? -1 : 1;
    return by_port(a, b);
}

static void add_source(struct source_fact *sum, const struct source_fact *f)
{
    if (sum->events == 0) {
        *sum = *f;
        sum->port = PORT_OTHER;
        return;
    }
    sum->events += f->events;
    sum->first = f->first < sum->first ? f->first : sum->first;
    sum->last = f->last > sum->last ? f->last : sum->last;
    for (int i = 0; i < HOUR_BINS; i++)
        sum->spread[i] += f->spread[i];
}

/* The largest ports stay, the others are told together, by class. */
static void cut_ports(struct source_entries *e)
{
    struct source_fact rest[CLASS_COUNT] = {0};

    if (e->n <= SOURCE_PORTS_KEPT)
        return;
    qsort(e->list, e->n, sizeof *e->list, by_size);
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (e->list[i].port == PORT_OTHER || at >= SOURCE_PORTS_KEPT) {
            add_source(&rest[e->list[i].class], &e->list[i]);
        } else {
            e->list[kept++] = e->list[i];
            at++;
        }
    }
    e->n = kept;
    qsort(e->list, e->n, sizeof *e->list, by_port);
    for (int c = 0; c < CLASS_COUNT; c++)
        if (rest[c].events)
            e->list[e->n++] = rest[c];
}

static void put_entries(struct segment_writer *w, struct source_entries *e, bool cut)
{
    if (cut)
        cut_ports(e);
    for (size_t i = 0; i < e->n; i++)
        segment_put_source(w, &e->list[i]);
}

static void entries_add(struct source_entries *e, const struct source_fact *f)
{
    if (e->n + CLASS_COUNT >= e->cap) /* room for what is told together, too */
        e->list = xrealloc(e->list, e->cap = e->cap * 2 + 64, sizeof *e->list);
    e->list[e->n++] = *f;
    e->events += f->events;
}

/* Takes all entries of the next source; *f is the first of the one behind it, *more whether there
 * is one. */
static void next_source(struct segment_reader *r, struct source_entries *e, struct source_fact *f,
                        bool *more)
{
    e->n = 0;
    e->events = 0;
    do {
        entries_add(e, f);
        *more = segment_next_source(r, f) > 0;
    } while (*more && ip_compare(&f->source, &e->list[0].source) == 0);
}

/* The events of each source; *total entries. 0 or -EBADMSG. */
static int measure_sources(const void *data, size_t n, struct sizes *sizes, size_t *total)
{
    struct segment_reader r;
    struct source_fact f;
    struct ip before = {0};
    uint64_t events = 0;
    int rc = segment_open(&r, FACT_SOURCE, 0, 0, data, n);

    for (*total = 0; rc == 0 && (rc = segment_next_source(&r, &f)) > 0; rc = 0, ++*total) {
        if (*total && ip_compare(&f.source, &before) != 0) {
            sizes_add(sizes, events);
            events = 0;
        }
        before = f.source;
        events += f.events;
    }
    if (*total)
        sizes_add(sizes, events);
    return rc;
}

/* Writes the sources that stay; w NULL: counts their entries only. */
static size_t write_sources(const void *data, size_t n, struct cut cut, bool cut_them,
                            struct segment_writer *w)
{
    struct segment_reader r;
    struct source_entries e = {0};
    struct source_fact f;
    size_t entries = 0;

    segment_open(&r, FACT_SOURCE, 0, 0, data, n);
    bool more = segment_next_source(&r, &f) > 0;
    while (more) {
        next_source(&r, &e, &f, &more);
        if (!cut_keeps(&cut, e.events))
            continue;
        entries += e.n;
        if (w)
            put_entries(w, &e, cut_them);
    }
    free(e.list);
    return entries;
}

static int keep_sources(const void *data, size_t n, size_t max, size_t kept,
                        struct segment_writer *w)
{
    struct sizes *sizes = xcalloc(1, sizeof *sizes);
    size_t total;
    int rc = measure_sources(data, n, sizes, &total);
    struct cut cut = sizes_cut(sizes, kept);

    if (rc < 0 || total <= max || total == 0)
        return rc;
    size_t entries = write_sources(data, n, cut, false, NULL);
    segment_begin(w, FACT_SOURCE);
    write_sources(data, n, cut, entries > SOURCE_ENTRIES_KEPT, w);
    return 1;
}

int bound_sources(const void *data, size_t n, size_t max, struct segment_writer *w)
{
    return keep_sources(data, n, max, SOURCES_KEPT, w);
}

int bound_heaviest(const void *data, size_t n, size_t kept, struct segment_writer *w)
{
    return keep_sources(data, n, 0, kept, w);
}
