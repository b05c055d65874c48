#include "tally/burst.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/port.h"
#include "base/sort.h"

enum {
    TRACE_S = 660,        /* the longest window, and a minute for lines that are out of order */
    TRACE_MAX = 1 << 17,  /* records */
    FLOOD_WARM = 4,       /* events of a source in ten minutes, where there are more */
    STORED_MAX = 1 << 13, /* records, where all is stored: of more only what is warm */
    SEQUENCE_WARM = 16,   /* events of one that has begun */
    TRACE_VERSION = 1,
    SLOTS_MIN = 1 << 10,
    SLOTS_MAX = 1 << 17,
    ITEMS_KEPT =
        1 << 16, /* where there is room for more, it is given back if a commit needs less */
    SHORT_S = 10,
    LONG_S = 600
};

/* Events by key and aligned window of time, too many where keys share a slot. A window's slot is
 * followed by that of the next window of the key. */
struct slots {
    uint16_t *count;
    uint32_t window_s;
};

/* An event of a key, or of a run. */
struct moment {
    uint32_t when;
    uint32_t count;
    uint32_t index; /* of its record */
};

struct moments {
    struct moment *list;
    size_t n, cap;
};

struct burst_scan {
    const struct tally_sink *sink;
    const struct ip *v6;
    uint16_t sensor;

    struct record *trace; /* those of the commit aren't traced yet */
    size_t trace_n, trace_cap;
    struct record *records; /* of the hour */
    size_t n;

    size_t slot_mask;
    struct slots sources, targets, ports;

    struct item *items, *spare, *inner, *inner_spare;
    size_t item_cap, inner_cap;
    struct moments moments, run;
    struct burst_second *seconds;
    size_t second_cap;
    struct buf piece;
};

struct burst_scan *burst_scan_new(void)
{
    struct burst_scan *b = xcalloc(1, sizeof *b);

    b->sources = (struct slots){xmalloc(SLOTS_MAX * sizeof(uint16_t)), LONG_S};
    b->targets = (struct slots){xmalloc(SLOTS_MAX * sizeof(uint16_t)), SHORT_S};
    b->ports = (struct slots){xmalloc(SLOTS_MAX * sizeof(uint16_t)), LONG_S};
    return b;
}

void burst_scan_use(struct burst_scan *b, const struct tally_sink *sink, const struct ip *v6)
{
    b->sink = sink;
    b->v6 = v6;
}

void burst_scan_free(struct burst_scan *b)
{
    if (!b)
        return;
    free(b->sources.count);
    free(b->targets.count);
    free(b->ports.count);
    free(b->trace);
    free(b->items);
    free(b->spare);
    free(b->inner);
    free(b->inner_spare);
    free(b->moments.list);
    free(b->run.list);
    free(b->seconds);
    buf_fini(&b->piece);
    free(b);
}

/* ---- records: those of the trace, then those of the hour ---- */

static const struct record *record_at(const struct burst_scan *b, size_t i)
{
    return i < b->trace_n ? &b->trace[i] : &b->records[i - b->trace_n];
}

static bool is_fresh(const struct burst_scan *b, size_t i)
{
    return i >= b->trace_n;
}

static struct ip address(const struct burst_scan *b, uint32_t compact, bool six)
{
    return six ? b->v6[compact] : ip_from_v4(compact);
}

static uint64_t source_key(const struct record *r)
{
    return (uint64_t)r->source6 << 32 | r->source;
}

static uint64_t target_key(const struct record *r)
{
    return (uint64_t)r->target6 << 32 | r->target;
}

/* Where an answer came from: its source port as a port of its own; PORT_SEVERAL: it has none. */
static uint32_t source_port_key(const struct record *r)
{
    enum port_kind kind = port_kind(r->port);

    return kind == PORT_TCP || kind == PORT_UDP ? port_key(kind, r->source_port) : PORT_SEVERAL;
}

/* ---- the two passes ---- */

static size_t slot(const struct burst_scan *b, const struct slots *s, uint64_t key, uint32_t when)
{
    uint64_t hash = key * 0x9e3779b97f4a7c15ULL;
    return (size_t)((hash >> 40) + when / s->window_s) & b->slot_mask;
}

static void count(const struct burst_scan *b, const struct slots *s, uint64_t key,
                  const struct record *r)
{
    uint16_t *c = &s->count[slot(b, s, key, r->when)];
    uint32_t sum = *c + (r->count < UINT16_MAX ? r->count : UINT16_MAX);

    *c = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

/* A window that slides lies in two aligned ones, so one of them has half of its events. */
static bool may_burst(const struct burst_scan *b, const struct slots *s, uint64_t key,
                      uint32_t when, uint32_t events)
{
    size_t at = slot(b, s, key, when);

    return s->count[at] >= events / 2 || s->count[(at - 1) & b->slot_mask] >= events / 2 ||
           s->count[(at + 1) & b->slot_mask] >= events / 2;
}

static void count_all(struct burst_scan *b)
{
    size_t total = b->trace_n + b->n, size = SLOTS_MIN;

    while (size < 2 * total && size < SLOTS_MAX)
        size *= 2;
    b->slot_mask = size - 1;
    memset(b->sources.count, 0, size * sizeof *b->sources.count);
    memset(b->targets.count, 0, size * sizeof *b->targets.count);
    memset(b->ports.count, 0, size * sizeof *b->ports.count);
    for (size_t i = 0; i < total; i++) {
        const struct record *r = record_at(b, i);
        count(b, &b->sources, source_key(r), r);
        count(b, &b->targets, target_key(r) << PORT_KEY_BITS | r->port, r);
        if (r->class == CLASS_BACKSCATTER)
            count(b, &b->ports, source_port_key(r), r);
    }
}

static void reserve_items(struct burst_scan *b)
{
    size_t total = b->trace_n + b->n;

    if (total <= b->item_cap && (b->item_cap <= ITEMS_KEPT || b->item_cap / 8 < total))
        return;
    b->item_cap = total + total / 4;
    free(b->items);
    free(b->spare);
    b->items = xmalloc(b->item_cap * sizeof *b->items);
    b->spare = xmalloc(b->item_cap * sizeof *b->spare);
}

/* ---- one burst ---- */

static void add_moment(struct moments *m, const struct record *r, size_t index)
{
    if (m->n == m->cap)
        m->list = xrealloc(m->list, m->cap = m->cap * 2 + 256, sizeof *m->list);
    m->list[m->n++] = (struct moment){r->when, r->count, (uint32_t)index};
}

/* What isn't the same in all events is several. */
static void describe(const struct burst_scan *b, const struct moment *m, size_t n,
                     struct burst_fact *f)
{
    const struct record *first = record_at(b, m[0].index);
    bool source = true, target = true, port = true, source_port = true, country = true;

    for (size_t i = 1; i < n; i++) {
        const struct record *r = record_at(b, m[i].index);
        source &= source_key(r) == source_key(first);
        target &= target_key(r) == target_key(first);
        port &= r->port == first->port;
        source_port &= source_port_key(r) == source_port_key(first);
        country &= r->country == first->country;
    }
    f->sensor = b->sensor;
    f->anonymous = b->sink->hide;
    f->rule = source ? record_at(b, m[n - 1].index)->rule : 0;
    f->source = source ? address(b, first->source, first->source6) : (struct ip){0};
    f->target = target ? address(b, first->target, first->target6) : (struct ip){0};
    f->port = port ? first->port : PORT_SEVERAL;
    f->source_port = source_port ? source_port_key(first) : PORT_SEVERAL;
    f->country = country ? first->country : COUNTRY_SEVERAL;
    f->from = m[0].when;
    f->to = m[n - 1].when;
}

/* Moments of one burst, in the order of time. What was there before isn't told again. */
static int tell(struct burst_scan *b, struct burst_fact *f, const struct moment *m, size_t n)
{
    size_t seconds = 0, fresh = 0;

    for (size_t i = 0; i < n; i++)
        fresh += is_fresh(b, m[i].index);
    if (fresh == 0)
        return 0;
    if (n > b->second_cap) {
        b->second_cap = n + n / 2;
        b->seconds = xrealloc(b->seconds, b->second_cap, sizeof *b->seconds);
    }
    describe(b, m, n, f);
    f->events = 0;
    for (size_t i = 0; i < n; i++) {
        if (seconds == 0 || b->seconds[seconds - 1].when != m[i].when)
            b->seconds[seconds++] = (struct burst_second){.when = m[i].when};
        struct burst_second *s = &b->seconds[seconds - 1];
        s->events += m[i].count;
        s->fresh += is_fresh(b, m[i].index) ? m[i].count : 0;
        f->events += m[i].count;
    }
    return b->sink->burst(b->sink->ctx, f, b->seconds, seconds);
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void sort_moments(struct moments *m)
{
    for (size_t i = 1; i < m->n; i++)
        if (m->list[i].when < m->list[i - 1].when) {
            qsort(m->list, m->n, sizeof *m->list, by_time);
            return;
        }
}

/* Tells each chain of overlapping windows that hold enough events. */
static int find_bursts(struct burst_scan *b, struct moments *all, struct burst_fact *f)
{
    const struct burst_rule *rule = &burst_rules[f->kind];
    uint64_t sum = 0;

    for (size_t i = 0; i < all->n; i++)
        sum += all->list[i].count;
    if (sum < rule->events)
        return 0;
    sort_moments(all);
    const struct moment *m = all->list;
    size_t low = 0, first = 0, end = 0; /* the chain: [first, end), none where they are equal */
    sum = 0;
    for (size_t i = 0, next; i < all->n; i = next) {
        for (next = i; next < all->n && m[next].when == m[i].when; next++)
            sum += m[next].count;
        for (; m[i].when - m[low].when >= rule->within_s; low++)
            sum -= m[low].count;
        if (sum < rule->events)
            continue;
        if (end > first && m[low].when > m[end - 1].when) {
            int rc = tell(b, f, m + first, end - first);
            if (rc < 0)
                return rc;
            end = first = 0;
        }
        if (end == first)
            first = low;
        end = next;
    }
    return end > first ? tell(b, f, m + first, end - first) : 0;
}

static int find_kind(struct burst_scan *b, struct moments *all, enum burst_kind kind)
{
    return find_bursts(b, all, &(struct burst_fact){.kind = kind});
}

/* ---- by source ---- */

/* Of the run's items: those to one target after another. */
static int find_floods(struct burst_scan *b, const struct item *it, size_t n)
{
    int rc = 0;

    if (n > b->inner_cap) {
        b->inner_cap = n + n / 2;
        free(b->inner);
        free(b->inner_spare);
        b->inner = xmalloc(b->inner_cap * sizeof *b->inner);
        b->inner_spare = xmalloc(b->inner_cap * sizeof *b->inner_spare);
    }
    for (size_t i = 0; i < n; i++)
        b->inner[i] =
            (struct item){.key = target_key(record_at(b, it[i].count)), .count = it[i].count};
    const struct item *in = sort_items(b->inner, b->inner_spare, n);
    for (size_t i = 0; i < n && rc == 0;) {
        uint64_t target = in[i].key;
        b->moments.n = 0;
        for (; i < n && in[i].key == target; i++)
            add_moment(&b->moments, record_at(b, in[i].count), in[i].count);
        rc = find_kind(b, &b->moments, BURST_FLOOD);
    }
    return rc;
}

/* A sequence that goes on is worth its place in the store. */
static void warm_run(struct burst_scan *b)
{
    for (size_t i = 0; b->run.n >= SEQUENCE_WARM && i < b->run.n; i++) {
        size_t at = b->run.list[i].index;
        struct record *r = at < b->trace_n ? &b->trace[at] : &b->records[at - b->trace_n];
        r->trace |= TRACE_WARM;
    }
}

static int end_run(struct burst_scan *b, bool source_ports, int32_t step)
{
    struct burst_fact f = {.kind = BURST_SEQUENTIAL};

    if (step == 0)
        return 0;
    warm_run(b);
    if (source_ports)
        f.source_port_step = step;
    else
        f.port_step = step;
    return find_bursts(b, &b->run, &f);
}

/* Runs of events whose ports, or source ports, differ by one step; a port that comes again at once
 * is passed over. */
static int find_sequences(struct burst_scan *b, const struct item *it, size_t n, bool source_ports)
{
    size_t last = SIZE_MAX; /* the item before in the sequence */
    int32_t step = 0;
    int rc = 0;

    b->run.n = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct record *r = record_at(b, it[i].count),
                            *before = last == SIZE_MAX ? NULL : record_at(b, it[last].count);
        uint32_t key = source_ports ? source_port_key(r) : r->port;
        if (source_port_key(r) == PORT_SEVERAL)
            continue; /* a ping among them, say */
        uint32_t was = !before ? key : source_ports ? source_port_key(before) : before->port;
        if (before && key == was)
            continue;
        int32_t d = port_kind(key) == port_kind(was) ? (int16_t)(key - was) : 0;
        if (before && (d == 0 || d != step)) {
            rc = end_run(b, source_ports, step);
            b->run.n = 0;
            step = d;
            if (d)
                add_moment(&b->run, before, it[last].count);
        }
        if (before && d)
            add_moment(&b->run, r, it[i].count);
        last = i;
    }
    return rc < 0 ? rc : end_run(b, source_ports, step);
}

static int scan_source(struct burst_scan *b, const struct item *it, size_t n)
{
    uint64_t events = 0, answers = 0;
    bool fresh = false;
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        const struct record *r = record_at(b, it[i].count);
        events += r->count;
        answers += r->class == CLASS_BACKSCATTER ? r->count : 0;
        fresh |= is_fresh(b, it[i].count);
    }
    if (!fresh)
        return 0;
    if (events >= burst_rules[BURST_MICRO].events) {
        b->moments.n = 0;
        for (size_t i = 0; i < n; i++)
            add_moment(&b->moments, record_at(b, it[i].count), it[i].count);
        rc = find_kind(b, &b->moments, BURST_MICRO);
    }
    if (rc == 0 && answers >= burst_rules[BURST_REFLECTION].events) {
        b->moments.n = 0;
        for (size_t i = 0; i < n; i++)
            if (record_at(b, it[i].count)->class == CLASS_BACKSCATTER)
                add_moment(&b->moments, record_at(b, it[i].count), it[i].count);
        rc = find_kind(b, &b->moments, BURST_REFLECTION);
    }
    if (rc == 0 && events >= burst_rules[BURST_FLOOD].events)
        rc = find_floods(b, it, n);
    if (rc == 0 && n >= SEQUENCE_WARM)
        rc = find_sequences(b, it, n, false);
    if (rc == 0 && n >= SEQUENCE_WARM)
        rc = find_sequences(b, it, n, true);
    return rc;
}

/* ---- all keys ---- */

enum scan_by { SCAN_SOURCES, SCAN_TARGETS, SCAN_PORTS };

/* The key by which a record may be in a burst; false: it isn't. */
static bool key_of(const struct burst_scan *b, const struct record *r, enum scan_by by,
                   uint64_t *key)
{
    switch (by) {
    case SCAN_SOURCES:
        *key = source_key(r);
        return may_burst(b, &b->sources, *key, r->when, burst_rules[BURST_SEQUENTIAL].events);
    case SCAN_TARGETS:
        *key = target_key(r) << PORT_KEY_BITS | r->port;
        return may_burst(b, &b->targets, *key, r->when, burst_rules[BURST_TARGET].events);
    case SCAN_PORTS:
        *key = source_port_key(r);
        return r->class == CLASS_BACKSCATTER && *key != PORT_SEVERAL &&
               may_burst(b, &b->ports, *key, r->when, burst_rules[BURST_REFLECTED_PORT].events);
    }
    return false;
}

static int scan_run(struct burst_scan *b, const struct item *it, size_t n, enum scan_by by)
{
    if (by == SCAN_SOURCES)
        return scan_source(b, it, n);
    b->moments.n = 0;
    for (size_t i = 0; i < n; i++)
        add_moment(&b->moments, record_at(b, it[i].count), it[i].count);
    return find_kind(b, &b->moments, by == SCAN_TARGETS ? BURST_TARGET : BURST_REFLECTED_PORT);
}

static int scan_keys(struct burst_scan *b, enum scan_by by)
{
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < b->trace_n + b->n; i++) {
        uint64_t key;
        if (key_of(b, record_at(b, i), by, &key))
            b->items[n++] = (struct item){.key = key, .count = (uint32_t)i};
    }
    const struct item *it = sort_items(b->items, b->spare, n);
    for (size_t i = 0, run; i < n && rc == 0; i += run) {
        for (run = 1; i + run < n && it[i + run].key == it[i].key; run++)
            ;
        rc = scan_run(b, it + i, run, by);
    }
    return rc;
}

/* ---- the trace ---- */

/* Up to two stretches of time are kept: that of the latest events, and that of the hour or, where
 * the two are one, of a log of long ago that was taken in before. */
struct kept {
    uint32_t newest, latest; /* of the hour; of all */
    uint32_t other;          /* the end of a third one; 0: none is kept */
};

static bool is_near(uint32_t when, uint32_t end)
{
    return (int64_t)when + TRACE_S >= end && when <= (int64_t)end + TRACE_S;
}

static bool is_kept(const struct kept *k, uint32_t when)
{
    return is_near(when, k->newest) || is_near(when, k->latest) ||
           (k->other && is_near(when, k->other));
}

/* Of a flood: sources with several events, the newest of them. */
static void bound_trace(struct burst_scan *b)
{
    size_t n = 0;

    if (b->trace_n <= TRACE_MAX)
        return;
    for (size_t i = 0; i < b->trace_n; i++) {
        const struct record *r = &b->trace[i];
        if (may_burst(b, &b->sources, source_key(r), r->when, 2 * FLOOD_WARM))
            b->trace[n++] = *r;
    }
    b->trace_n = n < TRACE_MAX ? n : TRACE_MAX;
    memmove(b->trace, b->trace + n - b->trace_n, b->trace_n * sizeof *b->trace);
}

static void follow_trace(struct burst_scan *b)
{
    struct kept k = {0};
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        k.newest = b->records[i].when > k.newest ? b->records[i].when : k.newest;
    k.latest = k.newest;
    for (size_t i = 0; i < b->trace_n; i++)
        k.latest = b->trace[i].when > k.latest ? b->trace[i].when : k.latest;
    for (size_t i = 0; i < b->trace_n && is_near(k.newest, k.latest); i++)
        if ((int64_t)b->trace[i].when + 2 * HOUR_S < k.latest && b->trace[i].when > k.other)
            k.other = b->trace[i].when;
    for (size_t i = 0; i < b->trace_n; i++)
        if (is_kept(&k, b->trace[i].when))
            b->trace[n++] = b->trace[i];
    b->trace_n = n;
    for (size_t i = 0; i < b->n; i++) {
        if (!is_kept(&k, b->records[i].when))
            continue;
        if (b->trace_n == b->trace_cap)
            b->trace = xrealloc(b->trace, b->trace_cap = b->trace_cap * 2 + 1024, sizeof *b->trace);
        b->trace[b->trace_n++] = b->records[i];
    }
    bound_trace(b);
}

void burst_scan_begin(struct burst_scan *b, uint16_t sensor, const struct record *trace, size_t n)
{
    b->sensor = sensor;
    if (n > b->trace_cap) {
        b->trace_cap = n + n / 2;
        free(b->trace);
        b->trace = xmalloc(b->trace_cap * sizeof *b->trace);
    }
    if (n)
        memcpy(b->trace, trace, n * sizeof *b->trace);
    b->trace_n = n;
}

int burst_scan_hour(struct burst_scan *b, struct record *records, size_t n)
{
    b->records = records;
    b->n = n;
    reserve_items(b);
    count_all(b);
    int rc = scan_keys(b, SCAN_SOURCES);
    if (rc == 0)
        rc = scan_keys(b, SCAN_TARGETS);
    if (rc == 0)
        rc = scan_keys(b, SCAN_PORTS);
    follow_trace(b);
    return rc;
}

/* What has a quarter of what makes a burst. */
static bool is_warm(const struct burst_scan *b, const struct record *r)
{
    const struct burst_rule *x = burst_rules;
    uint64_t source = source_key(r);

    if (r->trace & TRACE_WARM ||
        may_burst(b, &b->sources, source, r->when, x[BURST_FLOOD].events / 2) ||
        may_burst(b, &b->targets, target_key(r) << PORT_KEY_BITS | r->port, r->when,
                  x[BURST_TARGET].events / 2))
        return true;
    return r->class == CLASS_BACKSCATTER &&
           (may_burst(b, &b->sources, source, r->when, x[BURST_REFLECTION].events / 2) ||
            may_burst(b, &b->ports, source_port_key(r), r->when,
                      x[BURST_REFLECTED_PORT].events / 2));
}

/* ---- the trace as bytes: a version, then each record: flags, time (the difference to the one
 * before), port, source port, count, country, rule, the addresses ---- */

enum { HAS_SOURCE6 = 4, HAS_TARGET6 = 8, RECORD_MAX = 1 + 6 * VARINT_MAX + 2 * 16 };

static void put_address(struct buf *out, const struct burst_scan *b, uint32_t compact, bool six)
{
    struct ip ip = address(b, compact, six);
    buf_put(out, ip.b, six ? 16 : 4);
}

static void put_record(struct buf *out, const struct burst_scan *b, const struct record *r,
                       uint32_t before)
{
    int64_t d = (int64_t)r->when - before;

    buf_reserve(out, RECORD_MAX);
    out->p[out->n++] =
        (uint8_t)(r->class | (r->source6 ? HAS_SOURCE6 : 0) | (r->target6 ? HAS_TARGET6 : 0));
    buf_varint(out, (uint64_t)(d < 0 ? -d * 2 - 1 : d * 2));
    buf_varint(out, r->port);
    buf_varint(out, r->source_port);
    buf_varint(out, r->count);
    buf_varint(out, r->country);
    buf_varint(out, r->rule);
    put_address(out, b, r->source, r->source6);
    put_address(out, b, r->target, r->target6);
}

static uint32_t take_address(struct tally *t, struct bytes *in, bool six)
{
    struct ip ip = {.family = six ? 6 : 4};
    size_t n = six ? 16 : 4;

    if ((size_t)(in->end - in->p) < n) {
        in->bad = true;
        return 0;
    }
    memcpy(ip.b, in->p, n);
    in->p += n;
    return six ? ip_table_add(&t->v6, &ip) : ip_v4(&ip);
}

void trace_read(struct tally *t, uint16_t sensor, const void *data, size_t n)
{
    struct bytes in = {data, (const uint8_t *)data + n, false};
    size_t begin = t->n;
    uint32_t when = 0;

    if (n == 0 || *in.p++ != TRACE_VERSION)
        return;
    while (in.p < in.end && !in.bad) {
        unsigned flags = *in.p++;
        uint64_t d = bytes_varint(&in);
        when += (uint32_t)(d & 1 ? -(int64_t)(d / 2) - 1 : (int64_t)(d / 2));
        struct record r = {
            .when = when, .sensor = sensor, .class = flags & 3, .trace = TRACE_STORED};
        r.source6 = flags & HAS_SOURCE6;
        r.target6 = flags & HAS_TARGET6;
        r.port = (uint32_t)bytes_varint(&in) & ((1 << PORT_KEY_BITS) - 1);
        r.source_port = (uint16_t)bytes_varint(&in);
        r.count = (uint32_t)bytes_varint(&in);
        r.country = (uint16_t)bytes_varint(&in);
        r.rule = (uint16_t)bytes_varint(&in);
        r.source = take_address(t, &in, r.source6);
        r.target = take_address(t, &in, r.target6);
        if (t->n == t->cap)
            t->records = xrealloc(t->records, t->cap = t->cap * 2 + 1024, sizeof *t->records);
        t->records[t->n++] = r;
    }
    if (in.bad)
        t->n = begin;
}

int burst_scan_end(struct burst_scan *b, const struct record **trace, size_t *n)
{
    struct trace_piece piece = {.oldest = INT64_MAX, .newest = INT64_MIN};
    uint32_t before = 0, latest = 0;
    bool all = b->sink->store_all && b->trace_n <= STORED_MAX;

    *trace = b->trace;
    *n = b->trace_n;
    b->piece.n = 0;
    buf_put(&b->piece, &(uint8_t){TRACE_VERSION}, 1);
    for (size_t i = 0; i < b->trace_n; i++) {
        struct record *r = &b->trace[i];
        latest = r->when > latest ? r->when : latest;
        if (r->trace & TRACE_STORED || !(all || is_warm(b, r)))
            continue;
        put_record(&b->piece, b, r, before);
        r->trace |= TRACE_STORED;
        before = r->when;
        piece.oldest = r->when < piece.oldest ? r->when : piece.oldest;
        piece.newest = r->when > piece.newest ? r->when : piece.newest;
    }
    if (piece.newest == INT64_MIN)
        return 0;
    piece.data = b->piece.p;
    piece.n = b->piece.n;
    piece.before = (int64_t)latest - TRACE_S;
    piece.keep_from = piece.newest - TRACE_S;
    piece.keep_to = piece.newest + TRACE_S;
    return b->sink->put_trace(b->sink->ctx, b->sensor, &piece);
}
