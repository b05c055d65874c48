#include "store/repeats.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/delta.h"

enum {
    VERSION = 1,
    COUNTRIES_MAX = 8 /* of one source in one hour: one, but where the country database changed */
};

struct slot {
    uint32_t key;
    int64_t n[HOUR_BINS];
};

struct repeats {
    uint32_t *place; /* by key: in the list, + 1; 0: none */
    struct slot *list;
    size_t n, cap;
    bool by_hour;
    struct buf out;

    /* The source whose facts pass by: the bins it was seen in, at its current port and with each of
     * its countries. */
    struct ip source;
    bool any;
    int sign;
    uint32_t at_port;
    unsigned bins, port_bins;
    struct seen {
        uint16_t country;
        unsigned bins;
    } seen[COUNTRIES_MAX];
    size_t seen_count;
};

struct repeats *repeats_new(void)
{
    struct repeats *r = xcalloc(1, sizeof *r);

    r->place = xcalloc(REPEATS_KEYS, sizeof *r->place);
    repeats_begin(r);
    return r;
}

void repeats_free(struct repeats *r)
{
    if (!r)
        return;
    free(r->place);
    free(r->list);
    buf_fini(&r->out);
    free(r);
}

static int64_t *counts(struct repeats *r, uint32_t key)
{
    if (!r->place[key]) {
        if (r->n == r->cap)
            r->list = xrealloc(r->list, r->cap = r->cap * 2 + 64, sizeof *r->list);
        r->list[r->n++] = (struct slot){.key = key};
        r->place[key] = (uint32_t)r->n;
    }
    return r->list[r->place[key] - 1].n;
}

void repeats_begin(struct repeats *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->place[r->list[i].key] = 0;
    r->n = 0;
    r->by_hour = r->any = false;
    r->bins = r->port_bins = 0;
    r->seen_count = 0;
    counts(r, REPEATS_TOTAL);
}

/* ---- from sources ---- */

static void add_events(struct repeats *r, uint32_t key, const struct source_fact *f)
{
    int64_t *n = counts(r, key);

    for (unsigned i = 0; i < HOUR_BINS; i++)
        n[i] += r->sign * (int64_t)f->spread[i];
}

/* In each of these bins one event was no repeat. */
static void spare_first(struct repeats *r, uint32_t key, unsigned bins)
{
    int64_t *n = counts(r, key);

    for (; bins; bins &= bins - 1)
        n[__builtin_ctz(bins)] -= r->sign;
}

static void end_port(struct repeats *r)
{
    if (r->at_port != PORT_OTHER)
        spare_first(r, REPEATS_PORT + r->at_port, r->port_bins);
    r->port_bins = 0;
}

void repeats_end(struct repeats *r)
{
    if (!r->any)
        return;
    end_port(r);
    for (size_t i = 0; i < r->seen_count; i++)
        spare_first(r, REPEATS_COUNTRY + r->seen[i].country, r->seen[i].bins);
    spare_first(r, REPEATS_TOTAL, r->bins);
    r->seen_count = 0;
    r->bins = 0;
    r->any = false;
}

static void see_country(struct repeats *r, const struct source_fact *f, unsigned bins)
{
    size_t i = 0;

    while (i < r->seen_count && r->seen[i].country != f->country)
        i++;
    if (i == COUNTRIES_MAX)
        return;
    if (i == r->seen_count)
        r->seen[r->seen_count++] = (struct seen){f->country, 0};
    r->seen[i].bins |= bins;
    add_events(r, REPEATS_COUNTRY + f->country, f);
}

void repeats_take(struct repeats *r, const struct source_fact *f, int sign)
{
    unsigned bins = 0;

    if (r->any && ip_compare(&f->source, &r->source) != 0)
        repeats_end(r);
    else if (r->any && f->port != r->at_port)
        end_port(r);
    r->any = true;
    r->sign = sign;
    r->source = f->source;
    r->at_port = f->port;
    for (unsigned i = 0; i < HOUR_BINS; i++)
        bins |= (unsigned)(f->spread[i] > 0) << i;
    r->bins |= bins;
    r->port_bins |= bins;
    add_events(r, REPEATS_TOTAL, f);
    if (f->port != PORT_OTHER)
        add_events(r, REPEATS_PORT + f->port, f);
    see_country(r, f, bins);
}

void repeats_sum_hour(struct repeats *r)
{
    r->by_hour = true;
    for (size_t i = 0; i < r->n; i++)
        for (unsigned b = 1; b < HOUR_BINS; b++) {
            r->list[i].n[0] += r->list[i].n[b];
            r->list[i].n[b] = 0;
        }
}

void repeats_cut(struct repeats *r, unsigned bins)
{
    for (size_t i = 0; i < r->n; i++)
        for (unsigned b = 0; b < HOUR_BINS; b++)
            if (bins >> b & 1)
                r->list[i].n[b] = 0;
}

/* ---- as bytes ---- */

static void put(struct buf *b, uint64_t difference, const int64_t n[HOUR_BINS], uint64_t *sum)
{
    unsigned bins = 0, last = 0;
    uint64_t all = 0;

    for (unsigned i = 0; i < HOUR_BINS; i++)
        if (n[i] > 0) {
            bins |= 1U << i;
            last = i;
            all += (uint64_t)n[i];
        }
    bool many = all > (uint64_t)__builtin_popcount(bins);
    buf_reserve(b, (2 + HOUR_BINS) * VARINT_MAX);
    buf_varint(b, difference << 1 | (all == 1));
    buf_varint(b, all == 1 ? last : bins << 1 | many);
    for (unsigned i = 0; many && i < HOUR_BINS; i++)
        if (n[i] > 0)
            buf_varint(b, (uint64_t)n[i]);
    *sum += all;
}

static bool is_empty(const int64_t n[HOUR_BINS])
{
    for (unsigned i = 0; i < HOUR_BINS; i++)
        if (n[i] > 0)
            return false;
    return true;
}

struct buf *repeats_finish(struct repeats *r, uint64_t *sum)
{
    struct buf *b = &r->out;
    uint32_t before = 0;

    repeats_end(r);
    if (r->by_hour)
        repeats_sum_hour(r);
    b->n = 0;
    buf_reserve(b, 2);
    b->p[b->n++] = VERSION;
    b->p[b->n++] = r->by_hour;
    *sum = 0;
    for (uint32_t key = 0; key < REPEATS_KEYS; key++) {
        const int64_t *n = r->place[key] ? r->list[r->place[key] - 1].n : NULL;
        if (!n || (key != REPEATS_TOTAL && is_empty(n)))
            continue;
        put(b, key - before, n, sum);
        before = key;
    }
    return b;
}

int repeats_open(struct repeats_reader *x, const void *data, size_t n)
{
    const uint8_t *p = data;

    if (n < 3 || p[0] != VERSION || p[1] > 1)
        return -EBADMSG;
    *x = (struct repeats_reader){.in = {p + 2, p + n, false}, .by_hour = p[1]};
    return 0;
}

int repeats_next(struct repeats_reader *x, uint32_t *key, uint64_t n[HOUR_BINS])
{
    if (x->in.p == x->in.end)
        return 0;
    uint64_t v = bytes_varint(&x->in), what = bytes_varint(&x->in);
    bool one = v & 1, first = !x->any;
    if (x->in.bad || v >> 1 >= REPEATS_KEYS - x->key || (v >> 1 == 0) != first ||
        what >= (one ? (uint64_t)HOUR_BINS : 2ULL << HOUR_BINS))
        return -EBADMSG;
    x->key += v >> 1;
    x->any = true;
    *key = (uint32_t)x->key;
    unsigned bins = one ? 1U << what : (unsigned)what >> 1;
    for (unsigned i = 0; i < HOUR_BINS; i++) {
        n[i] = !(bins >> i & 1) ? 0 : !one && (what & 1) ? bytes_varint(&x->in) : 1;
        if (n[i] > INT64_MAX)
            x->in.bad = true;
    }
    return x->in.bad ? -EBADMSG : 1;
}

int repeats_join(struct repeats *r, const void *data, size_t n)
{
    struct repeats_reader x;
    uint64_t more[HOUR_BINS];
    uint32_t key;
    int rc = repeats_open(&x, data, n);

    repeats_end(r);
    while (rc >= 0 && (rc = repeats_next(&x, &key, more)) > 0) {
        int64_t *sum = counts(r, key);
        for (unsigned i = 0; i < HOUR_BINS; i++)
            sum[i] = (int64_t)((uint64_t)sum[i] + more[i]);
    }
    r->by_hour |= rc == 0 && x.by_hour;
    return rc;
}

bool repeats_are_whole(const void *data, size_t n, uint64_t sum)
{
    struct repeats_reader x;
    uint64_t more[HOUR_BINS], all = 0;
    uint32_t key;
    int rc = repeats_open(&x, data, n);

    while (rc >= 0 && (rc = repeats_next(&x, &key, more)) > 0)
        for (unsigned i = 0; i < HOUR_BINS; i++)
            all += more[i];
    return rc == 0 && all == sum;
}

/* ---- in the facts ---- */

int repeats_load(struct store *s, struct repeats *r, uint16_t sensor, int64_t hour, bool *any)
{
    struct delta rows = {0};
    int rc = delta_load(s, FACT_REPEATS, sensor, hour, &rows);

    *any = rows.n > 0;
    for (size_t i = 0; i < rows.n && rc == 0; i++)
        rc = repeats_join(r, rows.list[i].p, rows.list[i].n);
    delta_fini(&rows);
    return rc == -EBADMSG ? delta_damaged(s, FACT_REPEATS, hour) : rc;
}

int repeats_save(struct store *s, struct repeats *r, uint16_t sensor, int64_t hour)
{
    uint64_t sum;
    const struct buf *b = repeats_finish(r, &sum);

    return delta_replace(s, FACT_REPEATS, sensor, hour, sum, b);
}
