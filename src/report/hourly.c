#include "report/hourly.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/port.h"
#include "store/rules.h"

enum { COUNTRY_BITS = 10 };

struct entry {
    uint32_t key; /* port << COUNTRY_BITS | country */
    int64_t events;
};

struct hourly {
    const struct hourly_query *q;
    const struct rules *rules;
    int (*cb)(void *ctx, const struct hourly_row *row);
    void *ctx;
    int64_t hour;
    struct entry *entries;
    size_t n, cap;
};

static int by_key(const void *a, const void *b)
{
    uint32_t x = ((const struct entry *)a)->key, y = ((const struct entry *)b)->key;
    return x < y ? -1 : x > y;
}

/* Adds equal keys up, in the place of the first of each; returns how many are left. */
static size_t add_up(struct entry *e, size_t n)
{
    size_t kept = 0;

    qsort(e, n, sizeof *e, by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept && e[kept - 1].key == e[i].key)
            e[kept - 1].events += e[i].events;
        else
            e[kept++] = e[i];
    }
    return kept;
}

static int give_hour(struct hourly *h)
{
    int rc = 0;

    h->n = h->n ? add_up(h->entries, h->n) : 0;
    for (size_t i = 0; i < h->n && rc == 0; i++) {
        const struct entry *e = &h->entries[i];
        struct hourly_row row = {h->hour, e->key >> COUNTRY_BITS,
                                 e->key & ((1 << COUNTRY_BITS) - 1), e->events};
        /* What has the port `other` tells the rest by country, and its negative: store/bound.h. */
        if (row.events && row.port != PORT_OTHER)
            rc = h->cb(h->ctx, &row);
    }
    h->n = 0;
    return rc;
}

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct hourly *h = ctx;
    int64_t hour = f->bin - f->bin % HOUR_S;
    int rc = hour != h->hour ? give_hour(h) : 0;

    h->hour = hour;
    if (rc || (!h->q->with_excluded && rules_is_excluded(h->rules, f->rule)))
        return rc;
    if (h->n == h->cap) {
        /* Bins repeat each other's keys: adding them up first often makes room. */
        h->n = h->n ? add_up(h->entries, h->n) : 0;
        if (h->n >= h->cap / 2)
            h->entries = xrealloc(h->entries, h->cap = h->cap * 2 + 4096, sizeof *h->entries);
    }
    h->entries[h->n++] = (struct entry){f->port << COUNTRY_BITS | f->country, (int64_t)f->events};
    return 0;
}

int hourly_read(struct store *s, const struct hourly_query *q,
                int (*cb)(void *ctx, const struct hourly_row *row), void *ctx)
{
    struct hourly h = {.q = q, .cb = cb, .ctx = ctx};
    int rc = store_rules(s, &h.rules);

    if (rc == 0)
        rc = store_read_bins(s, q->sensor, q->from, q->to, take_bin, &h);
    if (rc == 0)
        rc = give_hour(&h);
    free(h.entries);
    return rc;
}
