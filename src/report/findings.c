#include "report/findings.h"

#include <stdlib.h>

#include "base/check.h"
#include "report/finder.h"
#include "store/burst.h"

static const char *const names[VERDICT_COUNT] = {
#define X(id, name) name,
    VERDICTS(X)
#undef X
};

const char *verdict_name(enum verdict_kind verdict)
{
    return names[verdict];
}

/* ---- lists ---- */

struct finding *finder_add(struct finder *x, enum verdict_kind verdict, int64_t from, int64_t to)
{
    if (x->n == x->cap)
        x->list = xrealloc(x->list, x->cap = x->cap * 2 + 64, sizeof *x->list);
    struct finding *f = &x->list[x->n++];
    *f = (struct finding){.verdict = verdict,
                          .sensor = x->sensor,
                          .source_port = PORT_SEVERAL,
                          .from = from,
                          .to = to};
    return f;
}

void finding_add_port(struct finding *f, uint32_t port)
{
    struct finding_ports *l = &f->ports;

    for (size_t i = 0; i < l->n; i++)
        if (l->list[i] == port)
            return;
    if (l->n < FINDING_PORTS)
        l->list[l->n++] = port;
    l->all++;
}

void finding_add_country(struct finding *f, uint16_t country)
{
    struct finding_countries *l = &f->countries;

    for (size_t i = 0; i < l->n; i++)
        if (l->list[i] == country)
            return;
    if (l->n < FINDING_LIST)
        l->list[l->n++] = country;
    l->all++;
}

static void add_ip(struct finding_ips *l, const struct ip *ip)
{
    for (size_t i = 0; i < l->n; i++)
        if (ip_compare(&l->list[i], ip) == 0)
            return;
    if (l->n < FINDING_LIST)
        l->list[l->n++] = *ip;
    l->all++;
}

void finding_add_source(struct finding *f, const struct ip *ip)
{
    add_ip(&f->sources, ip);
}

void finding_add_target(struct finding *f, const struct ip *ip)
{
    add_ip(&f->targets, ip);
}

/* ---- days ---- */

enum { DAY_S = 24 * HOUR_S };

/* Happenings that go on past midnight are found in both days, in each with what lies in it, or
 * whole. */
static bool same_happening(const struct finding *a, const struct finding *b)
{
    if (a->verdict != b->verdict || a->sensor != b->sensor || b->from > a->to + HOUR_S ||
        a->from > b->to + HOUR_S)
        return false;
    if (a->sources.all == 1 || b->sources.all == 1)
        return a->sources.all == b->sources.all &&
               ip_compare(&a->sources.list[0], &b->sources.list[0]) == 0;
    if (a->ports.n == 0 || b->ports.n == 0)
        return a->ports.n == b->ports.n &&
               (a->countries.n == 0 || a->countries.list[0] == b->countries.list[0]);
    return a->ports.list[0] == b->ports.list[0] &&
           (a->verdict != VERDICT_RHYTHM || a->countries.list[0] == b->countries.list[0]);
}

static void join(struct finding *a, const struct finding *b)
{
    if (b->from >= a->to)
        a->events += b->events;
    else if (b->events > a->events)
        a->events = b->events;
    a->from = a->from < b->from ? a->from : b->from;
    a->to = a->to > b->to ? a->to : b->to;
    a->peak = a->peak > b->peak ? a->peak : b->peak;
    a->also |= b->also;
    for (size_t i = 0; i < b->ports.n; i++)
        finding_add_port(a, b->ports.list[i]);
    for (size_t i = 0; i < b->countries.n; i++)
        finding_add_country(a, b->countries.list[i]);
    for (size_t i = 0; i < b->sources.n; i++)
        finding_add_source(a, &b->sources.list[i]);
    for (size_t i = 0; i < b->targets.n; i++)
        finding_add_target(a, &b->targets.list[i]);
    a->ports.all = a->ports.all > b->ports.all ? a->ports.all : b->ports.all;
    a->sources.all = a->sources.all > b->sources.all ? a->sources.all : b->sources.all;
    a->targets.all = a->targets.all > b->targets.all ? a->targets.all : b->targets.all;
}

static void take_day(struct findings *out, size_t *cap, const struct finder *x)
{
    size_t before = out->n;

    for (size_t i = 0; i < x->n; i++) {
        size_t k = 0;
        while (k < before && !same_happening(&out->list[k], &x->list[i]))
            k++;
        if (k < before) {
            join(&out->list[k], &x->list[i]);
            continue;
        }
        if (out->n == *cap)
            out->list = xrealloc(out->list, *cap = *cap * 2 + 64, sizeof *out->list);
        out->list[out->n++] = x->list[i];
    }
}

/* Whether it tells, too, what the scan of one source at its port did. */
static bool tells_scan(const struct finding *f, const struct finding *scan)
{
    bool port = false;

    for (size_t i = 0; i < f->ports.n && i < 2; i++)
        port |= f->ports.list[i] == scan->ports.list[0];
    return port && f->from < scan->to && f->to > scan->from &&
           (f->verdict == VERDICT_DISTRIBUTED ||
            (scan->crowd && (f->verdict == VERDICT_BURST || f->verdict == VERDICT_LOCKSTEP ||
                             f->verdict == VERDICT_NEWCOMER)));
}

/* What many sources do at once is told by their port's burst, if there is one. */
static bool is_told_together(const struct finder *x, const struct finding *f)
{
    for (size_t i = 0; f->beside && i < x->n; i++)
        if (tells_scan(&x->list[i], f))
            return true;
    return false;
}

static void leave_crowds(struct finder *x)
{
    size_t n = 0;

    for (size_t i = 0; i < x->n; i++)
        if (is_told_together(x, &x->list[i]))
            x->list[i].verdict = VERDICT_COUNT; /* none */
    for (size_t i = 0; i < x->n; i++)
        if (x->list[i].verdict != VERDICT_COUNT)
            x->list[n++] = x->list[i];
    x->n = n;
}

static int find_day(struct finder *x)
{
    int rc = find_by_source(x);

    if (rc == 0) {
        struct told *told = told_new(x);
        rc = find_by_series(x, told);
        told_free(told);
        leave_crowds(x);
    }
    return rc;
}

static int find_sensor(struct store *s, const struct findings_query *q, uint16_t sensor,
                       struct findings *out, size_t *cap)
{
    struct finder x = {.store = s, .sensor = sensor};
    int64_t end = q->to + (HOUR_S - q->to % HOUR_S) % HOUR_S;
    int rc = store_rules(s, &x.rules);

    for (int64_t from = q->from - q->from % HOUR_S; rc == 0 && from < end; from += DAY_S) {
        x.from = from;
        x.to = from + DAY_S < end ? from + DAY_S : end;
        x.n = 0;
        rc = find_day(&x);
        if (rc == 0)
            take_day(out, cap, &x);
    }
    free(x.list);
    return rc;
}

static int by_time(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->verdict != y->verdict)
        return x->verdict < y->verdict ? -1 : 1;
    if (x->sensor != y->sensor)
        return x->sensor < y->sensor ? -1 : 1;
    return x->events > y->events ? -1 : x->events < y->events;
}

int findings_make(struct store *s, const struct findings_query *q, struct findings *out)
{
    const struct sensor *list;
    uint16_t *ids;
    size_t n, cap = 0;
    int rc = store_sensors(s, &list, &n);

    *out = (struct findings){0};
    if (rc < 0)
        return rc;
    if (q->sensor_count)
        n = q->sensor_count;
    ids = xcalloc(n + 1, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = q->sensor_count ? q->sensors[i] : list[i].id;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = find_sensor(s, q, ids[i], out, &cap);
    free(ids);
    if (rc)
        findings_fini(out);
    else if (out->n)
        qsort(out->list, out->n, sizeof *out->list, by_time);
    return rc;
}

void findings_fini(struct findings *f)
{
    free(f->list);
    *f = (struct findings){0};
}
