#include "store/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sketch.h"

/* `major`: what of the key fits a number; where two are equal, the rest of the keys decides. */
struct cursor {
    struct segment_reader in;
    union fact now;
    uint64_t major;
};

struct merge {
    enum fact_kind kind;
    struct cursor *cursors;
    struct cursor **heap; /* the least key first */
    size_t n;
    struct sketch sketch;
    struct buf marks;
};

static int by_number(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static uint64_t bin_key(const struct bin_fact *f)
{
    return (uint64_t)f->rule << 32 | (uint64_t)f->class << 30 | f->port;
}

static int compare(enum fact_kind kind, const union fact *a, const union fact *b)
{
    int c = 0;

    switch (kind) {
    case FACT_BIN:
        c = by_number(bin_key(&a->bin), bin_key(&b->bin));
        return c ? c : by_number(a->bin.country, b->bin.country);
    case FACT_SOURCE:
        c = ip_compare(&a->source.source, &b->source.source);
        c = c ? c : by_number(a->source.port, b->source.port);
        c = c ? c : by_number(a->source.class, b->source.class);
        /* Bins tell countries apart, so what moves counts in them has to know each one's share. */
        c = c ? c : by_number(a->source.country, b->source.country);
        return c ? c : by_number(a->source.kept_rule, b->source.kept_rule);
    case FACT_TARGET:
        c = ip_compare(&a->target.target, &b->target.target);
        return c ? c : by_number(a->target.port, b->target.port);
    }
    return c;
}

/* An IPv4 address and what 32 bits more hold; all IPv6 ones are equal here. */
static uint64_t major_address(const struct ip *ip, uint32_t more)
{
    return ip->family == 4 ? (uint64_t)ip_v4(ip) << 32 | more : UINT64_MAX;
}

static uint64_t major_of(enum fact_kind kind, const union fact *f)
{
    switch (kind) {
    case FACT_BIN: return bin_key(&f->bin);
    case FACT_SOURCE: return major_address(&f->source.source, f->source.port);
    case FACT_TARGET: return major_address(&f->target.target, f->target.port);
    }
    return 0;
}

static int next(enum fact_kind kind, struct cursor *c)
{
    int rc = -EBADMSG;

    switch (kind) {
    case FACT_BIN: rc = segment_next_bin(&c->in, &c->now.bin); break;
    case FACT_SOURCE: rc = segment_next_source(&c->in, &c->now.source); break;
    case FACT_TARGET: rc = segment_next_target(&c->in, &c->now.target); break;
    }
    if (rc > 0)
        c->major = major_of(kind, &c->now);
    return rc;
}

static bool is_before(enum fact_kind kind, const struct cursor *a, const struct cursor *b)
{
    return a->major != b->major ? a->major < b->major : compare(kind, &a->now, &b->now) < 0;
}

static void sink_down(struct merge *m, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < m->n; child++)
            if (is_before(m->kind, m->heap[child], m->heap[least]))
                least = child;
        if (least == i)
            return;
        struct cursor *t = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = t;
        i = least;
    }
}

/* The least entry's cursor moves on, or leaves the heap. */
static int advance(struct merge *m)
{
    int rc = next(m->kind, m->heap[0]);

    if (rc < 0)
        return rc;
    if (rc == 0)
        m->heap[0] = m->heap[--m->n];
    sink_down(m, 0);
    return 0;
}

static void add_source(struct source_fact *sum, const struct source_fact *f)
{
    sum->events += f->events;
    sum->first = f->first < sum->first ? f->first : sum->first;
    sum->last = f->last > sum->last ? f->last : sum->last;
    for (int i = 0; i < HOUR_BINS; i++)
        sum->spread[i] += f->spread[i];
}

static void add_target(struct merge *m, struct target_fact *sum, const struct target_fact *f,
                       bool first_join)
{
    sum->events += f->events;
    if (first_join) {
        memset(&m->sketch, 0, sizeof m->sketch);
        sketch_join(&m->sketch, sum->sketch, sum->sketch_len);
    }
    sketch_join(&m->sketch, f->sketch, f->sketch_len);
}

static void write_sketch(struct merge *m, struct target_fact *sum)
{
    m->marks.n = 0;
    buf_reserve(&m->marks, 2 * SKETCH_REGISTERS);
    for (unsigned r = 0; r < SKETCH_REGISTERS; r++) {
        if (!m->sketch.rank[r])
            continue;
        unsigned mark = r << SKETCH_RANK_BITS | m->sketch.rank[r];
        m->marks.p[m->marks.n++] = (uint8_t)mark;
        m->marks.p[m->marks.n++] = (uint8_t)(mark >> 8);
    }
    sum->sketch = m->marks.p;
    sum->sketch_len = (uint32_t)m->marks.n;
}

/* Adds all entries of the least key up in *sum. */
static int take_key(struct merge *m, union fact *sum)
{
    uint64_t major = m->heap[0]->major;
    bool joined = false;
    int rc;

    *sum = m->heap[0]->now;
    while ((rc = advance(m)) == 0 && m->n && m->heap[0]->major == major &&
           compare(m->kind, &m->heap[0]->now, sum) == 0) {
        const union fact *f = &m->heap[0]->now;
        switch (m->kind) {
        case FACT_BIN: sum->bin.events += f->bin.events; break;
        case FACT_SOURCE: add_source(&sum->source, &f->source); break;
        case FACT_TARGET: add_target(m, &sum->target, &f->target, !joined); break;
        }
        joined = true;
    }
    if (joined && m->kind == FACT_TARGET)
        write_sketch(m, &sum->target);
    return rc;
}

int merge_open(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *rows,
               size_t n, struct merge **out)
{
    struct merge *m = xcalloc(1, sizeof *m);
    int rc = 0;

    m->kind = kind;
    m->cursors = xcalloc(n, sizeof *m->cursors);
    m->heap = xcalloc(n, sizeof *m->heap);
    for (size_t i = 0; i < n && rc >= 0; i++) {
        rc = segment_open(&m->cursors[i].in, kind, sensor, start, rows[i].p, rows[i].n);
        if (rc == 0)
            rc = next(kind, &m->cursors[i]);
        if (rc > 0)
            m->heap[m->n++] = &m->cursors[i];
    }
    if (rc < 0) {
        merge_close(m);
        return rc;
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sink_down(m, i);
    *out = m;
    return 0;
}

int merge_next(struct merge *m, union fact *f)
{
    if (m->n == 0)
        return 0;
    int rc = take_key(m, f);
    return rc < 0 ? rc : 1;
}

void merge_close(struct merge *m)
{
    if (!m)
        return;
    buf_fini(&m->marks);
    free(m->heap);
    free(m->cursors);
    free(m);
}

/* One segment has nothing to be added up: each key stands in it once. */
static int read_segment(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *row,
                        int (*cb)(void *ctx, const union fact *f), void *ctx)
{
    struct cursor c;
    int rc = segment_open(&c.in, kind, sensor, start, row->p, row->n);

    while (rc == 0 && (rc = next(kind, &c)) > 0)
        rc = cb(ctx, &c.now);
    return rc;
}

int merge_segments(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *rows,
                   size_t n, int (*cb)(void *ctx, const union fact *f), void *ctx)
{
    struct merge *m = NULL;
    union fact sum;

    if (n == 1)
        return read_segment(kind, sensor, start, &rows[0], cb, ctx);
    int rc = merge_open(kind, sensor, start, rows, n, &m);
    if (rc < 0)
        return rc;
    while ((rc = merge_next(m, &sum)) > 0)
        if ((rc = cb(ctx, &sum)) != 0)
            break;
    merge_close(m);
    return rc;
}
