#include "series/plan.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/port.h"
#include "store/rules.h"

struct plan_scratch {
    uint32_t events[PORT_KEY_MAX];  /* of the hour being read */
    uint32_t touched[PORT_KEY_MAX]; /* which ports those are */
    size_t n;
};

struct reading {
    struct plan *plan;
    struct plan_scratch *scratch;
    unsigned port_events;
    int64_t hour;
    const struct rules *rules;
};

struct plan_scratch *plan_scratch_new(void)
{
    return xcalloc(1, sizeof(struct plan_scratch));
}

void plan_scratch_free(struct plan_scratch *x)
{
    free(x);
}

static int by_port(const void *a, const void *b)
{
    const struct plan_port *x = a, *y = b;

    return x->port < y->port ? -1 : x->port > y->port;
}

/* Adds the hour's ports that are busy enough; sorted entries before `sorted` are searched, new
 * ones go behind. */
static void take_port(struct plan *p, size_t sorted, uint32_t port, uint32_t events)
{
    struct plan_port *known = sorted ? bsearch(&(struct plan_port){.port = port}, p->ports, sorted,
                                               sizeof *p->ports, by_port)
                                     : NULL;

    if (known) {
        known->busiest = events > known->busiest ? events : known->busiest;
        return;
    }
    if (p->n == p->cap) {
        p->cap = p->cap * 2 + 64;
        p->ports = xrealloc(p->ports, p->cap, sizeof *p->ports);
    }
    p->ports[p->n++] = (struct plan_port){port, events};
}

static void close_hour(struct reading *r)
{
    struct plan *p = r->plan;
    struct plan_scratch *x = r->scratch;
    size_t sorted = p->n;

    for (size_t i = 0; i < x->n; i++) {
        uint32_t port = x->touched[i];
        if (x->events[port] >= r->port_events)
            take_port(p, sorted, port, x->events[port]);
        x->events[port] = 0;
    }
    x->n = 0;
    if (p->n > sorted)
        qsort(p->ports, p->n, sizeof *p->ports, by_port);
}

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct reading *r = ctx;
    int64_t hour = f->bin - f->bin % HOUR_S;

    ASSERT(f->port < PORT_KEY_MAX && f->country < COUNTRY_MAX);
    if (hour != r->hour) {
        close_hour(r);
        r->hour = hour;
    }
    if (f->events == 0 || rules_is_excluded(r->rules, f->rule))
        return 0;
    if (f->country != COUNTRY_OTHER)
        r->plan->countries[f->country] = true;
    if (f->port == PORT_OTHER)
        return 0;
    uint32_t *n = &r->scratch->events[f->port];
    if (*n == 0)
        r->scratch->touched[r->scratch->n++] = f->port;
    *n = f->events > UINT32_MAX - *n ? UINT32_MAX : *n + (uint32_t)f->events;
    return 0;
}

int plan_read(struct plan *p, struct plan_scratch *x, struct store *s, uint16_t sensor,
              int64_t from, int64_t until, unsigned port_events)
{
    struct reading r = {p, x, port_events > 0 ? port_events : 1, INT64_MIN, NULL};

    if (p->until)
        from = p->until;
    /* The hour in which it stopped is counted anew: a port's tenth event may come in its last
     * bin. */
    from -= from % HOUR_S;
    int rc = store_rules(s, &r.rules);
    if (rc == 0 && from < until)
        rc = store_read_bins(s, sensor, from, until, take_bin, &r);
    close_hour(&r);
    if (rc == 0 && until > p->until)
        p->until = until;
    return rc;
}

int plan_read_again(struct plan *p, struct plan_scratch *x, struct store *s, uint16_t sensor,
                    const int64_t *hours, size_t n, unsigned port_events)
{
    struct reading r = {p, x, port_events > 0 ? port_events : 1, INT64_MIN, NULL};
    int rc = store_rules(s, &r.rules);

    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t end = hours[i] + HOUR_S < p->until ? hours[i] + HOUR_S : p->until;
        rc = store_read_bins(s, sensor, hours[i], end, take_bin, &r);
    }
    close_hour(&r);
    return rc;
}

/* Busiest first. */
static int by_busiest(const void *a, const void *b)
{
    const struct plan_port *x = a, *y = b;

    if (x->busiest != y->busiest)
        return x->busiest > y->busiest ? -1 : 1;
    return x->port < y->port ? -1 : x->port > y->port;
}

static int by_key(const void *a, const void *b)
{
    return series_key_compare(a, b);
}

size_t plan_keys(const struct plan *p, const struct series_limits *limits,
                 const struct series_pair *pairs, size_t pair_count, struct series_key **out)
{
    size_t ports = p->n < limits->max_ports ? p->n : limits->max_ports, n = 0;
    struct plan_port *busiest = xcalloc(p->n + 1, sizeof *busiest);
    struct series_key *keys =
        xcalloc(1 + COUNTRY_MAX + ports + limits->port_count + pair_count, sizeof *keys);

    if (p->n > 0)
        memcpy(busiest, p->ports, p->n * sizeof *busiest);
    qsort(busiest, p->n, sizeof *busiest, by_busiest);

    keys[n++] = (struct series_key){.kind = SERIES_TOTAL};
    for (uint16_t c = 0; c < COUNTRY_MAX; c++)
        if (p->countries[c])
            keys[n++] = (struct series_key){.kind = SERIES_COUNTRY, .country = c};
    for (size_t i = 0; i < ports; i++)
        keys[n++] = (struct series_key){.kind = SERIES_PORT, .port = busiest[i].port};
    for (size_t i = 0; i < limits->port_count; i++)
        keys[n++] = (struct series_key){.kind = SERIES_PORT, .port = limits->ports[i]};
    for (size_t i = 0; i < pair_count; i++)
        keys[n++] = (struct series_key){SERIES_PAIR, pairs[i].country, pairs[i].port};
    free(busiest);

    /* A listed port may be a busy one too. */
    qsort(keys, n, sizeof *keys, by_key);
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || series_key_compare(&keys[unique - 1], &keys[i]) != 0)
            keys[unique++] = keys[i];
    *out = keys;
    return unique;
}

void plan_fini(struct plan *p)
{
    free(p->ports);
    *p = (struct plan){0};
}
