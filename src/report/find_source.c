#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/port.h"
#include "base/sketch.h"
#include "base/sort.h"
#include "report/finder.h"
#include "store/burst.h"

enum {
    SCAN_PORTS = 100,     /* of a vertical scan, within an hour */
    SCAN_PORTS_ON = 25,   /* in an hour beside one that has them: it goes on */
    WANDER_PORTS = 4,     /* what may be a part of one */
    SCAN_TARGETS_MIN = 8, /* of a horizontal scan */
    APART_S = 600,        /* what one source does with no longer pause is one happening */
    MICRO_S = 30,         /* a micro-burst that lasts longer is a flood */
    LONG_REFLECTION_S = 7200,
    CROWD = 10, /* horizontal scans of one port at one time */
    TOPS = FINDING_PORTS,
    NO_SOURCE = 0xffffffff
};

static const double SCAN_PART = 0.2;

/* Events by port, the heaviest first where it is told. */
struct tops {
    struct {
        uint32_t key;
        uint64_t events;
    } list[TOPS];
    size_t n;
};

/* What a rule says of a source, before it is told which of several holds best. */
struct raw {
    struct finding f;
    uint32_t source; /* NO_SOURCE: of many */
    struct tops ports, countries;
    struct ip_table *many; /* the sources, where they are many; the reader's */
    bool many_ports;       /* a flood's */
};

struct point {
    int64_t when;
    uint32_t port;
};

/* A source that tries several ports: its last hour, and the scan that it is at. */
struct wanderer {
    int64_t hour;
    struct point *points; /* by time */
    size_t n;
    size_t scan; /* number of its raw + 1; 0: none */
    uint8_t *seen;
    size_t distinct;
};

/* A source that may try one port at many targets in an hour. */
struct reach {
    int64_t hour, first, last;
    uint64_t events;
    uint32_t source, port;
    uint16_t country, mark;
    uint32_t examined, hit;
    bool anonymous;
    double expected; /* targets whose sketch would say so by chance */
    uint8_t *hits;   /* a bit a target */
};

struct by_source {
    struct finder *x;
    struct ip_table sources, targets;
    struct raw *raws;
    size_t raw_n, raw_cap;
    uint32_t *raw_of;           /* by source: its first raw of a burst + 1 */
    size_t raw_of_n, burst_n;   /* sources and raws of bursts */
    struct wanderer *wanderers; /* by source */
    size_t wanderer_cap;
    struct reach *reaches;
    size_t reach_n, reach_cap;
    size_t hour_reach; /* where those of the hour begin: of the targets' reading */
    size_t target_n;   /* the sensor's */
    size_t target_n6;  /* of which these have IPv6 addresses */
    /* The source of the hour that is being read. */
    struct source_fact now;
    struct point *points;
    size_t n, cap;
    struct tops ports, countries;
    size_t now_ports;
    uint64_t now_events;
    uint32_t known; /* its number, where it had a burst; else NO_SOURCE */
    bool any;
};

/* ---- small sums ---- */

static void tops_add(struct tops *t, uint32_t key, uint64_t events)
{
    size_t least = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (t->list[i].key == key) {
            t->list[i].events += events;
            return;
        }
        least = t->list[i].events < t->list[least].events ? i : least;
    }
    if (t->n < TOPS)
        least = t->n++;
    else if (t->list[least].events >= events)
        return;
    t->list[least].key = key;
    t->list[least].events = events;
}

static void tops_order(struct tops *t)
{
    for (size_t i = 1; i < t->n; i++)
        for (size_t k = i; k > 0 && (t->list[k].events > t->list[k - 1].events ||
                                     (t->list[k].events == t->list[k - 1].events &&
                                      t->list[k].key < t->list[k - 1].key));
             k--) {
            uint32_t key = t->list[k].key;
            uint64_t events = t->list[k].events;
            t->list[k] = t->list[k - 1];
            t->list[k - 1].key = key;
            t->list[k - 1].events = events;
        }
}

static struct raw *add_raw(struct by_source *b, enum verdict_kind verdict, uint32_t source,
                           int64_t from, int64_t to)
{
    if (b->raw_n == b->raw_cap)
        b->raws = xrealloc(b->raws, b->raw_cap = b->raw_cap * 2 + 64, sizeof *b->raws);
    struct raw *r = &b->raws[b->raw_n++];
    *r = (struct raw){.source = source,
                      .f = {.verdict = verdict,
                            .sensor = b->x->sensor,
                            .from = from,
                            .to = to,
                            .source_port = PORT_SEVERAL}};
    if (source != NO_SOURCE)
        finding_add_source(&r->f, &b->sources.list[source]);
    return r;
}

/* ---- bursts, which were found while counting ---- */

static int take_burst(void *ctx, const struct burst_fact *f)
{
    static const enum verdict_kind verdicts[BURST_KIND_COUNT] = {
        [BURST_FLOOD] = VERDICT_FLOOD,
        [BURST_MICRO] = VERDICT_MICRO_BURST,
        [BURST_TARGET] = VERDICT_COUNT,
        [BURST_REFLECTION] = VERDICT_REFLECTION,
        [BURST_REFLECTED_PORT] = VERDICT_REFLECTION,
        [BURST_SEQUENTIAL] = VERDICT_SEQUENTIAL};
    struct by_source *b = ctx;
    enum verdict_kind verdict = verdicts[f->kind];

    if (verdict == VERDICT_COUNT || f->rule)
        return 0;
    uint32_t source = f->source.family ? ip_table_add(&b->sources, &f->source) : NO_SOURCE;
    struct raw *r = add_raw(b, verdict, source, f->from, f->to + 1);
    r->f.events = f->events;
    r->f.peak = f->peak;
    r->f.anonymous = f->anonymous;
    r->f.source_port = f->source_port;
    r->f.port_step = f->port_step;
    r->f.source_port_step = f->source_port_step;
    r->many_ports = f->port == PORT_SEVERAL;
    if (f->target.family)
        finding_add_target(&r->f, &f->target);
    if (f->port != PORT_SEVERAL)
        tops_add(&r->ports, f->port, f->events);
    if (f->country != COUNTRY_SEVERAL)
        tops_add(&r->countries, f->country, f->events);
    return 0;
}

static int raw_by_source(const void *a, const void *b)
{
    const struct raw *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->f.from != y->f.from)
        return x->f.from < y->f.from ? -1 : 1;
    if (x->f.verdict != y->f.verdict)
        return x->f.verdict < y->f.verdict ? -1 : 1;
    return ip_compare(&x->f.targets.list[0], &y->f.targets.list[0]);
}

/* From here on the raws of bursts are found by their source. */
static void index_raws(struct by_source *b)
{
    if (b->raw_n)
        qsort(b->raws, b->raw_n, sizeof *b->raws, raw_by_source);
    b->raw_of_n = b->sources.n;
    b->burst_n = b->raw_n;
    b->raw_of = xcalloc(b->raw_of_n + 1, sizeof *b->raw_of);
    for (size_t i = b->raw_n; i-- > 0;)
        if (b->raws[i].source != NO_SOURCE)
            b->raw_of[b->raws[i].source] = (uint32_t)i + 1;
}

/* ---- targets: how many the sensor has ---- */

static bool is_other(const struct ip *ip)
{
    return ip->family == 4 && ip_v4(ip) == 0;
}

static int count_target(void *ctx, const struct target_fact *f)
{
    struct by_source *b = ctx;

    size_t before = b->targets.n;

    if (is_other(&f->target))
        return 0;
    ip_table_add(&b->targets, &f->target);
    b->target_n6 += b->targets.n > before && f->target.family == 6;
    return 0;
}

/* Nobody reaches both kinds of address. */
static uint64_t targets_needed(const struct by_source *b, const struct ip *source)
{
    size_t n = source->family == 6 ? b->target_n6 : b->target_n - b->target_n6;
    double part = SCAN_PART * (double)n;

    return part > SCAN_TARGETS_MIN ? (uint64_t)part + ((double)(uint64_t)part < part)
                                   : SCAN_TARGETS_MIN;
}

/* ---- vertical scans ---- */

static int point_by_when(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->port < y->port ? -1 : x->port > y->port;
}

/* The first time from which on an hour has SCAN_PORTS different ports; INT64_MAX: there is none. */
static int64_t find_window(const struct point *p, size_t n)
{
    uint16_t *count = xcalloc(PORT_KEY_MAX, sizeof *count);
    size_t first = 0, distinct = 0;
    int64_t found = INT64_MAX;

    for (size_t i = 0; i < n && found == INT64_MAX; i++) {
        distinct += count[p[i].port]++ == 0;
        while (p[i].when - p[first].when >= HOUR_S)
            distinct -= --count[p[first++].port] == 0;
        if (distinct >= SCAN_PORTS)
            found = p[first].when;
    }
    free(count);
    return found;
}

static struct wanderer *wanderer_of(struct by_source *b, uint32_t source)
{
    if (source >= b->wanderer_cap) {
        size_t cap = source * 2 + 256;
        b->wanderers = xrealloc(b->wanderers, cap, sizeof *b->wanderers);
        memset(b->wanderers + b->wanderer_cap, 0, (cap - b->wanderer_cap) * sizeof *b->wanderers);
        b->wanderer_cap = cap;
    }
    return &b->wanderers[source];
}

/* Where a scan begins that the source's two hours hold; INT64_MAX: nowhere. */
static int64_t scan_begins(const struct by_source *b, const struct wanderer *w)
{
    if (b->now_ports >= SCAN_PORTS)
        return b->points[0].when;
    if (w->n + b->n < SCAN_PORTS || w->hour + HOUR_S != b->now.hour)
        return INT64_MAX;
    struct point *both = xmalloc((w->n + b->n) * sizeof *both);
    memcpy(both, w->points, w->n * sizeof *both);
    memcpy(both + w->n, b->points, b->n * sizeof *both);
    int64_t begins = find_window(both, w->n + b->n);
    free(both);
    return begins;
}

static void see_ports(struct wanderer *w, const struct point *p, size_t n, int64_t from)
{
    if (!w->seen)
        w->seen = xcalloc(PORT_KEY_MAX / 8, 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t bit = (uint8_t)(1u << (p[i].port & 7));
        if (p[i].when < from || w->seen[p[i].port >> 3] & bit)
            continue;
        w->seen[p[i].port >> 3] |= bit;
        w->distinct++;
    }
}

static void end_scan(struct by_source *b, struct wanderer *w)
{
    if (w->scan) {
        struct tops *ports = &b->raws[w->scan - 1].ports;
        for (uint32_t port = 0; port < PORT_KEY_MAX && ports->n < TOPS; port++)
            if (w->seen[port >> 3] >> (port & 7) & 1)
                tops_add(ports, port, 1);
        b->raws[w->scan - 1].f.ports.all = w->distinct;
    }
    w->scan = w->distinct = 0;
    free(w->seen);
    w->seen = NULL;
}

/* The source has tried several ports in the hour. */
static void follow_wanderer(struct by_source *b)
{
    uint32_t source = ip_table_add(&b->sources, &b->now.source);
    struct wanderer *w = wanderer_of(b, source);

    if (b->n)
        qsort(b->points, b->n, sizeof *b->points, point_by_when);
    if (w->hour + HOUR_S != b->now.hour)
        end_scan(b, w);
    int64_t begins = scan_begins(b, w);
    bool on = begins < INT64_MAX || b->now_ports >= SCAN_PORTS_ON;
    if (!on)
        end_scan(b, w);
    if (begins < INT64_MAX && !w->scan) {
        struct raw *r = add_raw(b, VERDICT_VERTICAL_SCAN, source, begins, 0);
        w->scan = b->raw_n;
        r->f.anonymous = b->now.kept_rule != 0;
        for (size_t i = 0; w->hour + HOUR_S == b->now.hour && i < w->n; i++)
            r->f.events += w->points[i].when >= begins;
        if (r->f.events)
            see_ports(w, w->points, w->n, begins);
    }
    if (w->scan && on) {
        struct raw *r = &b->raws[w->scan - 1];
        see_ports(w, b->points, b->n, b->points[0].when);
        r->f.events += b->now_events;
        r->f.to = b->points[b->n - 1].when + 1;
        for (size_t i = 0; i < b->ports.n; i++)
            tops_add(&r->ports, b->ports.list[i].key, b->ports.list[i].events);
        for (size_t i = 0; i < b->countries.n; i++)
            tops_add(&r->countries, b->countries.list[i].key, b->countries.list[i].events);
    }
    w->hour = b->now.hour;
    w->n = b->n;
    w->points = xrealloc(w->points, b->n, sizeof *w->points);
    memcpy(w->points, b->points, b->n * sizeof *w->points);
}

/* ---- reading sources ---- */

static void end_source(struct by_source *b)
{
    if (b->any && b->now_ports >= WANDER_PORTS)
        follow_wanderer(b);
    b->any = false;
    b->n = b->now_ports = 0;
    b->ports.n = b->countries.n = 0;
    b->now_events = 0;
}

static void add_point(struct by_source *b, int64_t when, uint32_t port)
{
    if (b->n == b->cap)
        b->points = xrealloc(b->points, b->cap = b->cap * 2 + 256, sizeof *b->points);
    b->points[b->n++] = (struct point){when, port};
}

/* Events within [from, to), by whole bins. */
static uint64_t events_in(const struct source_fact *f, int64_t from, int64_t to)
{
    uint64_t n = 0;

    if (f->hour + f->first >= to || f->hour + f->last < from)
        return 0;
    for (int i = 0; i < HOUR_BINS; i++)
        if (f->hour + (i + 1) * BIN_S > from && f->hour + i * BIN_S < to)
            n += f->spread[i];
    return n;
}

/* What a burst's fact doesn't tell: which ports, which countries. */
static void fill_burst(struct by_source *b, uint32_t source, const struct source_fact *f)
{
    if (source >= b->raw_of_n || !b->raw_of[source])
        return;
    for (size_t i = b->raw_of[source] - 1; i < b->burst_n && b->raws[i].source == source; i++) {
        struct raw *r = &b->raws[i];
        uint64_t n = r->many_ports || !r->countries.n ? events_in(f, r->f.from, r->f.to) : 0;
        if (n && r->many_ports)
            tops_add(&r->ports, f->port, n);
        if (n && !r->countries.n)
            tops_add(&r->countries, f->country, n);
    }
}

/* The sources of a reflection from many: their answers in its time. */
static void fill_reflections(struct by_source *b, const struct source_fact *f)
{
    for (size_t i = b->burst_n; f->class == CLASS_BACKSCATTER && i-- > 0;) {
        struct raw *r = &b->raws[i];
        if (r->source != NO_SOURCE)
            break; /* those of many stand last */
        uint64_t n = events_in(f, r->f.from, r->f.to);
        if (!n)
            continue;
        tops_add(&r->countries, f->country, n);
        if (!r->many)
            r->many = xcalloc(1, sizeof *r->many);
        size_t before = r->many->n;
        ip_table_add(r->many, &f->source);
        if (r->many->n > before)
            finding_add_source(&r->f, &f->source);
    }
}

static void maybe_reach(struct by_source *b, const struct source_fact *f)
{
    struct reach *last = b->reach_n ? &b->reaches[b->reach_n - 1] : NULL;
    uint64_t least = targets_needed(b, &f->source) / 8; /* the rest in the hour beside it */

    if (f->events <= least || b->target_n < SCAN_TARGETS_MIN || f->port == PORT_OTHER)
        return;
    uint32_t source = ip_table_add(&b->sources, &f->source);
    if (last && last->source == source && last->port == f->port && last->hour == f->hour)
        return; /* another class or country of the same */
    if (b->reach_n == b->reach_cap)
        b->reaches = xrealloc(b->reaches, b->reach_cap = b->reach_cap * 2 + 64, sizeof *b->reaches);
    b->reaches[b->reach_n++] = (struct reach){.hour = f->hour,
                                              .first = f->hour + f->first,
                                              .last = f->hour + f->last,
                                              .events = f->events,
                                              .source = source,
                                              .port = f->port,
                                              .country = f->country,
                                              .anonymous = f->kept_rule != 0,
                                              .mark = sketch_mark(&f->source)};
}

static int take_source(void *ctx, const struct source_fact *f)
{
    struct by_source *b = ctx;

    if (b->any && (f->hour != b->now.hour || ip_compare(&f->source, &b->now.source) != 0))
        end_source(b);
    bool fresh = !b->any;
    if (rules_of(b->x->rules, f))
        return 0;
    if (fresh && !(b->raw_of_n && ip_table_find(&b->sources, &f->source, &b->known)))
        b->known = NO_SOURCE;
    bool answers = f->class == CLASS_BACKSCATTER; /* they scan nothing */
    b->now_ports += !answers && (b->now_ports == 0 || f->port != b->now.port);
    b->now = *f;
    b->any = true;
    b->now_events += f->events;
    tops_add(&b->ports, f->port, f->events);
    tops_add(&b->countries, f->country, f->events);
    if (!answers) {
        add_point(b, f->hour + f->first, f->port);
        if (f->last != f->first)
            add_point(b, f->hour + f->last, f->port);
        maybe_reach(b, f);
    }
    fill_reflections(b, f);
    if (b->known != NO_SOURCE)
        fill_burst(b, b->known, f);
    return 0;
}

/* ---- horizontal scans ---- */

static int reach_by_hour(const void *a, const void *b)
{
    const struct reach *x = a, *y = b;

    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return x->source < y->source ? -1 : x->source > y->source;
}

static int reach_by_source(const void *a, const void *b)
{
    const struct reach *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return x->hour < y->hour ? -1 : x->hour > y->hour;
}

/* A target's sketch, laid open. */
struct open_sketch {
    uint8_t rank[SKETCH_REGISTERS];           /* 0: not set */
    uint16_t at_least[1 << SKETCH_RANK_BITS]; /* registers of that rank or more */
};

static void open_sketch(const struct target_fact *f, struct open_sketch *o)
{
    *o = (struct open_sketch){0};
    for (uint32_t i = 0; i + 1 < f->sketch_len; i += 2) {
        unsigned mark = (unsigned)f->sketch[i] | (unsigned)f->sketch[i + 1] << 8;
        unsigned rank = mark & ((1 << SKETCH_RANK_BITS) - 1);
        o->rank[mark >> SKETCH_RANK_BITS & (SKETCH_REGISTERS - 1)] = (uint8_t)rank;
        o->at_least[rank]++;
    }
    for (int r = (1 << SKETCH_RANK_BITS) - 2; r >= 0; r--)
        o->at_least[r] = (uint16_t)(o->at_least[r] + o->at_least[r + 1]);
}

/* Whether a target's sketch has the source's mark, or one that hides it, and how likely it would
 * without the source. */
static void examine(struct by_source *b, struct reach *r, uint32_t target,
                    const struct open_sketch *o)
{
    unsigned rank = r->mark & ((1 << SKETCH_RANK_BITS) - 1);
    bool hit = o->rank[r->mark >> SKETCH_RANK_BITS] >= rank;

    r->examined++;
    r->expected += (double)(o->at_least[rank] - hit) / SKETCH_REGISTERS;
    if (!hit)
        return;
    if (!r->hits)
        r->hits = xcalloc(b->target_n / 8 + 1, 1);
    uint8_t bit = (uint8_t)(1u << (target & 7));
    r->hit += !(r->hits[target >> 3] & bit);
    r->hits[target >> 3] |= bit;
}

static int take_target(void *ctx, const struct target_fact *f)
{
    struct by_source *b = ctx;

    if (is_other(&f->target))
        return 0;
    while (b->hour_reach < b->reach_n && b->reaches[b->hour_reach].hour < f->hour)
        b->hour_reach++;
    size_t low = b->hour_reach, high = low;
    while (high < b->reach_n && b->reaches[high].hour == f->hour)
        high++;
    size_t end = high;
    bool any = f->port == PORT_OTHER; /* what a busy hour tells of its ports together */
    while (low < high && !any) {
        size_t mid = (low + high) / 2;
        if (b->reaches[mid].port < f->port)
            low = mid + 1;
        else
            high = mid;
    }
    uint32_t target = low < end && (any || b->reaches[low].port == f->port)
                          ? ip_table_add(&b->targets, &f->target)
                          : 0;
    struct open_sketch o;
    if (low < end && (any || b->reaches[low].port == f->port))
        open_sketch(f, &o);
    for (; low < end && (any || b->reaches[low].port == f->port); low++)
        if (target < b->target_n)
            examine(b, &b->reaches[low], target, &o);
    return 0;
}

/* The targets that it reached, less those that chance would show. */
static double reached(const struct reach *r, double hit)
{
    double chance = r->examined ? r->expected / r->examined : 0;
    double n = chance < 0.9 ? (hit - r->expected) / (1 - chance) : 0;

    return n > (double)r->events ? (double)r->events : n;
}

static double reached_both(const struct by_source *b, const struct reach *r, const struct reach *s)
{
    uint64_t both = 0;

    if (s->last - r->first >= HOUR_S || !r->hits || !s->hits)
        return 0;
    for (size_t i = 0; i <= b->target_n / 8; i++)
        both += (uint64_t)__builtin_popcount(r->hits[i] & s->hits[i]);
    return reached(r, r->hit) + reached(s, s->hit) - (double)both;
}

static void add_horizontal(struct by_source *b, const struct reach *r, size_t n, double most)
{
    struct raw *raw = add_raw(b, VERDICT_HORIZONTAL_SCAN, r->source, r->first, r[n - 1].last + 1);

    for (size_t i = 0; i < n; i++) {
        raw->f.events += r[i].events;
        for (uint32_t t = 0; r[i].hits && t < b->target_n; t++)
            if (r[i].hits[t >> 3] >> (t & 7) & 1)
                finding_add_target(&raw->f, &b->targets.list[t]);
    }
    raw->f.targets.all = (size_t)(most + 0.5);
    if (raw->f.targets.n > raw->f.targets.all)
        raw->f.targets.all = raw->f.targets.n;
    raw->f.anonymous = r->anonymous;
    tops_add(&raw->ports, r->port, raw->f.events);
    tops_add(&raw->countries, r->country, raw->f.events);
}

static void find_horizontal(struct by_source *b)
{
    if (b->reach_n)
        qsort(b->reaches, b->reach_n, sizeof *b->reaches, reach_by_source);
    for (size_t i = 0; i < b->reach_n;) {
        size_t end = i;
        double most = 0;
        double needed = (double)targets_needed(b, &b->sources.list[b->reaches[i].source]) - 0.5;
        for (; end < b->reach_n; end++) { /* hours in which it goes on */
            const struct reach *r = &b->reaches[end];
            bool first = end == i;
            if (!first && (r->source != r[-1].source || r->port != r[-1].port ||
                           r->hour != r[-1].hour + HOUR_S))
                break;
            double here = reached(r, r->hit), both = 0;
            if (end + 1 < b->reach_n && r[1].source == r->source && r[1].port == r->port &&
                r[1].hour == r->hour + HOUR_S)
                both = reached_both(b, r, &r[1]);
            if (!first && here < needed && both < needed && reached_both(b, &r[-1], r) < needed)
                break;
            here = both > here ? both : here;
            if (first && here < needed) {
                end++;
                break;
            }
            most = here > most ? here : most;
        }
        if (most >= needed)
            add_horizontal(b, &b->reaches[i], end - i, most);
        i = end;
    }
}

/* ---- one happening, one finding ---- */

/* What tells more, although its verdict stands lower. */
static bool overrules(const struct raw *a, const struct raw *b)
{
    enum verdict_kind x = a->f.verdict, y = b->f.verdict;

    if (x == VERDICT_FLOOD && y == VERDICT_MICRO_BURST)
        return b->f.to - b->f.from > MICRO_S;
    if (x == VERDICT_VERTICAL_SCAN && y == VERDICT_FLOOD) /* each port a few times */
        return b->many_ports && b->f.events < 10 * a->f.ports.all;
    if (x == VERDICT_HORIZONTAL_SCAN && y == VERDICT_MICRO_BURST) /* each target */
        return b->f.events < 4 * a->f.targets.all;
    return false;
}

static bool stronger(const struct raw *a, const struct raw *b)
{
    static const int order[VERDICT_COUNT] = {
        [VERDICT_REFLECTION] = 6, [VERDICT_MICRO_BURST] = 5,   [VERDICT_SEQUENTIAL] = 4,
        [VERDICT_FLOOD] = 3,      [VERDICT_VERTICAL_SCAN] = 2, [VERDICT_HORIZONTAL_SCAN] = 1};

    if (overrules(a, b) || overrules(b, a))
        return overrules(a, b);
    return order[a->f.verdict] > order[b->f.verdict] ? a->f.events * 2 >= b->f.events
                                                     : a->f.events > b->f.events * 2;
}

/* The two are one: the stronger one's verdict and figures, the span and lists of both. */
static void join_raws(struct raw *a, struct raw *b)
{
    bool same = a->f.verdict == b->f.verdict, second = !same && stronger(b, a);
    struct raw *win = second ? b : a, *lose = second ? a : b;
    struct finding f = win->f;

    f.also |= lose->f.also | (same ? 0 : 1u << lose->f.verdict);
    f.from = a->f.from < b->f.from ? a->f.from : b->f.from;
    f.to = a->f.to > b->f.to ? a->f.to : b->f.to;
    if (same && win->f.verdict != VERDICT_VERTICAL_SCAN) /* of several targets, or ports */
        f.events += win->f.verdict == VERDICT_FLOOD || win->f.verdict == VERDICT_HORIZONTAL_SCAN ||
                            lose->f.from >= win->f.to
                        ? lose->f.events
                        : 0;
    if (!same && lose->f.events > f.events && lose->f.from <= win->f.from)
        f.events = lose->f.events;
    f.peak = a->f.peak > b->f.peak ? a->f.peak : b->f.peak;
    if (f.ports.all < lose->f.ports.all)
        f.ports.all = lose->f.ports.all;
    size_t targets = f.targets.all;
    for (size_t i = 0; i < lose->f.targets.n; i++)
        finding_add_target(&f, &lose->f.targets.list[i]);
    f.targets.all = f.targets.all > targets ? f.targets.all : targets;
    if (f.targets.all < lose->f.targets.all)
        f.targets.all = lose->f.targets.all;
    if (same)
        for (size_t i = 0; i < lose->ports.n; i++)
            tops_add(&win->ports, lose->ports.list[i].key, lose->ports.list[i].events);
    bool many = a->many_ports || b->many_ports;
    struct tops ports = win->ports.n ? win->ports : lose->ports;
    struct tops countries = win->countries.n ? win->countries : lose->countries;
    uint32_t source = a->source;
    *a = (struct raw){
        .f = f, .source = source, .ports = ports, .countries = countries, .many_ports = many};
}

/* A reflection from one source is told by that from many of which it is a part, unless it is most
 * of it, or a short time of a long one. */
static void settle_reflections(struct by_source *b)
{
    for (size_t i = 0; i < b->raw_n; i++) {
        struct raw *many = &b->raws[i];
        if (many->source != NO_SOURCE)
            continue;
        for (size_t k = 0; k < b->raw_n && many->f.events; k++) {
            struct raw *one = &b->raws[k];
            if (one->source == NO_SOURCE || one->f.verdict != VERDICT_REFLECTION ||
                !one->f.events || one->f.source_port != many->f.source_port ||
                one->f.from >= many->f.to || one->f.to <= many->f.from)
                continue;
            if (one->f.events * 2 >= many->f.events)
                many->f.events = 0;
            else if (many->f.to - many->f.from <= LONG_REFLECTION_S ||
                     (one->f.to - one->f.from) * 4 > many->f.to - many->f.from)
                one->f.events = 0;
        }
    }
}

static void give(struct by_source *b, struct raw *r)
{
    if (r->f.to <= b->x->from || r->f.from >= b->x->to)
        return; /* the neighbour's */
    struct finding *f = finder_add(b->x, r->f.verdict, r->f.from, r->f.to);
    size_t ports = r->f.ports.all;

    *f = r->f;
    f->ports = (struct finding_ports){0};
    f->countries = (struct finding_countries){0};
    tops_order(&r->ports);
    tops_order(&r->countries);
    /* The service that answers is what a reader looks for. */
    if (f->verdict == VERDICT_REFLECTION && f->source_port != PORT_SEVERAL &&
        (r->many_ports || r->source == NO_SOURCE)) {
        finding_add_port(f, f->source_port);
    } else {
        for (size_t i = 0; i < r->ports.n; i++)
            finding_add_port(f, r->ports.list[i].key);
        f->ports.all = ports > f->ports.all ? ports : f->ports.all;
    }
    for (size_t i = 0; i < r->countries.n; i++)
        finding_add_country(f, (uint16_t)r->countries.list[i].key);
}

static void settle(struct by_source *b)
{
    settle_reflections(b);
    if (b->raw_n)
        qsort(b->raws, b->raw_n, sizeof *b->raws, raw_by_source);
    for (size_t i = 0; i < b->raw_n; i++) {
        struct raw *r = &b->raws[i];
        if (!r->f.events)
            continue;
        size_t k = i + 1;
        for (; r->source != NO_SOURCE && k < b->raw_n && b->raws[k].source == r->source; k++) {
            if (!b->raws[k].f.events)
                continue;
            if (b->raws[k].f.from > r->f.to + APART_S)
                break;
            join_raws(r, &b->raws[k]);
        }
        give(b, r);
        if (r->source != NO_SOURCE)
            i = k - 1;
    }
}

static void by_source_fini(struct by_source *b)
{
    for (size_t i = 0; i < b->raw_n; i++)
        if (b->raws[i].many) {
            ip_table_fini(b->raws[i].many);
            free(b->raws[i].many);
        }
    for (size_t i = 0; i < b->wanderer_cap; i++) {
        free(b->wanderers[i].points);
        free(b->wanderers[i].seen);
    }
    for (size_t i = 0; i < b->reach_n; i++)
        free(b->reaches[i].hits);
    free(b->wanderers);
    free(b->reaches);
    free(b->points);
    free(b->raws);
    free(b->raw_of);
    ip_table_fini(&b->sources);
    ip_table_fini(&b->targets);
}

static int read_all(struct by_source *b)
{
    struct finder *x = b->x;
    int64_t from = x->from - HOUR_S, to = x->to + HOUR_S; /* what goes on over midnight */
    int rc = store_read_bursts(x->store, x->sensor, x->from, x->to, take_burst, b);

    index_raws(b);
    if (rc == 0)
        rc = store_read_targets(x->store, x->sensor, x->from, x->to, count_target, b);
    b->target_n = b->targets.n;
    if (rc == 0)
        rc = store_read_sources(x->store, x->sensor, from, to, take_source, b);
    end_source(b);
    for (size_t i = 0; i < b->wanderer_cap; i++)
        end_scan(b, &b->wanderers[i]);
    if (b->reach_n)
        qsort(b->reaches, b->reach_n, sizeof *b->reaches, reach_by_hour);
    if (rc == 0 && b->reach_n)
        rc = store_read_targets(x->store, x->sensor, from, to, take_target, b);
    return rc;
}

/* ---- crowds ---- */

static bool is_scan_beside(const struct finding *f, const struct finding *of)
{
    return f->verdict == VERDICT_HORIZONTAL_SCAN && f->ports.list[0] == of->ports.list[0] &&
           f->from < of->to + HOUR_S / 2 && f->to > of->from - HOUR_S / 2;
}

static void find_crowds(struct finder *x, size_t first)
{
    for (size_t i = first; i < x->n; i++) {
        size_t beside = 0;
        for (size_t k = first; x->list[i].verdict == VERDICT_HORIZONTAL_SCAN && k < x->n; k++)
            beside += k != i && is_scan_beside(&x->list[k], &x->list[i]);
        x->list[i].beside = (unsigned)beside;
        x->list[i].crowd = beside >= CROWD;
    }
}

int find_by_source(struct finder *x)
{
    size_t first = x->n;
    struct by_source b = {.x = x};
    int rc = read_all(&b);

    if (rc == 0) {
        find_horizontal(&b);
        settle(&b);
        find_crowds(x, first);
    }
    by_source_fini(&b);
    return rc;
}
