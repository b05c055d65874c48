#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "report/series_of_day.h"

enum { FEW_SOURCES = 25, FEW_PARTS = 3 };

static const double FEW_MAKE = 0.9;

struct who *series_want_who(struct by_series *b, struct series *s, size_t finding, size_t hour)
{
    struct who *w = s->who;

    while (w && w->finding != finding)
        w = w->next;
    if (!w) {
        w = xcalloc(1, sizeof *w);
        w->finding = finding;
        w->of = s;
        w->next = s->who;
        s->who = w;
        if (b->who_n == b->who_cap)
            b->whos = xrealloc(b->whos, b->who_cap = b->who_cap * 2 + 64, sizeof *b->whos);
        b->whos[b->who_n++] = w;
    }
    w->hours |= 1u << hour;
    return w;
}

void who_only(struct who *w, uint16_t country)
{
    if (w->only_n < sizeof w->only / sizeof *w->only)
        w->only[w->only_n++] = country;
}

static void add_part(struct who *w, uint32_t key, uint64_t events)
{
    size_t least = 0;

    for (size_t i = 0; i < w->part_n; i++) {
        if (w->parts[i].key == key) {
            w->parts[i].events += events;
            return;
        }
        least = w->parts[i].events < w->parts[least].events ? i : least;
    }
    if (w->part_n < sizeof w->parts / sizeof *w->parts)
        least = w->part_n++;
    else if (w->parts[least].events >= events)
        return;
    w->parts[least].key = key;
    w->parts[least].events = events;
}

static bool is_asked(const struct who *w, uint16_t country)
{
    size_t i = 0;

    while (i < w->only_n && w->only[i] != country)
        i++;
    return w->only_n == 0 || i < w->only_n;
}

void who_add(struct who *w, const struct source_fact *f, uint64_t events, bool in_hours)
{
    size_t before = w->sources.n;
    uint32_t i;

    if (!is_asked(w, f->country))
        return;
    if (!in_hours && !ip_table_find(&w->sources, &f->source, &i))
        return;
    i = ip_table_add(&w->sources, &f->source);
    if (i >= w->cap)
        w->of_source = xrealloc(w->of_source, w->cap = w->cap * 2 + 64, sizeof *w->of_source);
    if (w->sources.n > before)
        w->of_source[i] = (struct who_source){0};
    if (!in_hours) {
        w->of_source[i].other += events;
        return;
    }
    w->of_source[i].events += events;
    w->all += events;
    add_part(w, w->of->kind == PORT ? f->country : f->port, events);
}

/* What the source brought beyond what it brings in the day's other hours. */
static double surplus(const struct by_series *b, const struct who *w, size_t i)
{
    unsigned in = (unsigned)__builtin_popcount(w->hours), out = (unsigned)b->day - in;
    double usual = out ? (double)w->of_source[i].other * in / out : 0;

    return fmax((double)w->of_source[i].events - usual, 0);
}

static int heavier(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x > y ? -1 : x < y;
}

bool who_are_few(const struct by_series *b, const struct who *w)
{
    double *events = xmalloc((w->sources.n + 1) * sizeof *events), sum = 0;

    for (size_t i = 0; i < w->sources.n; i++)
        events[i] = surplus(b, w, i);
    qsort(events, w->sources.n, sizeof *events, heavier);
    for (size_t i = 0; i < w->sources.n && i < FEW_SOURCES; i++)
        sum += events[i];
    free(events);
    return sum >= FEW_MAKE * w->burst;
}

static void give_sources(const struct by_series *b, const struct who *w, struct finding *f)
{
    size_t chosen[FINDING_LIST], n = 0;

    for (size_t i = 0; i < w->sources.n; i++) {
        size_t at = n;
        while (at > 0 && surplus(b, w, chosen[at - 1]) < surplus(b, w, i))
            at--;
        if (at >= FINDING_LIST)
            continue;
        n += n < FINDING_LIST;
        for (size_t k = n - 1; k > at; k--)
            chosen[k] = chosen[k - 1];
        chosen[at] = i;
    }
    for (size_t i = 0; i < n; i++)
        finding_add_source(f, &w->sources.list[chosen[i]]);
    f->sources.all = w->sources.n;
    if (n && w->all)
        f->top_share = surplus(b, w, chosen[0]) / (double)w->all;
}

static void give_part(const struct who *w, size_t i, struct finding *f)
{
    if (w->of->kind == PORT)
        finding_add_country(f, (uint16_t)w->parts[i].key);
    else
        finding_add_port(f, w->parts[i].key);
}

/* Where no country of a port has a tenth, the first few stand for all. */
static void give_parts(const struct who *w, struct finding *f)
{
    bool given[sizeof w->parts / sizeof *w->parts] = {false}, any = false;

    for (size_t n = 0; n < w->part_n; n++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < w->part_n; i++)
            if (!given[i] && (best == SIZE_MAX || w->parts[i].events > w->parts[best].events))
                best = i;
        bool tenth = w->parts[best].events * 10 >= w->all;
        if (!tenth && (any || n >= FEW_PARTS || w->of->kind != PORT))
            break;
        given[best] = true;
        any |= tenth;
        give_part(w, best, f);
    }
    if (!any && w->of->kind == PORT)
        f->countries.all = w->part_n;
}

void who_give(const struct by_series *b, const struct who *w, struct finding *f)
{
    give_sources(b, w, f);
    if (w->of->kind != PAIR)
        give_parts(w, f);
}

void whos_free(struct by_series *b)
{
    for (size_t i = 0; i < b->who_n; i++) {
        ip_table_fini(&b->whos[i]->sources);
        free(b->whos[i]->of_source);
        free(b->whos[i]);
    }
    free(b->whos);
}
