#include <stdlib.h>

#include "base/check.h"
#include "report/finder.h"

struct told {
    const struct finder *x;
    struct ip_table sources;
    size_t *first;  /* by source: where its findings begin in `of` */
    size_t *of;     /* numbers of findings */
    size_t of_many; /* where those without a source begin */
    size_t n;
};

/* A crowd's part may be told by its port's series. */
static bool is_of_one(const struct finding *f)
{
    return f->sources.all == 1 && !f->crowd;
}

struct told *told_new(const struct finder *x)
{
    struct told *t = xcalloc(1, sizeof *t);
    size_t *counts;

    t->x = x;
    t->of = xcalloc(x->n + 1, sizeof *t->of);
    for (size_t i = 0; i < x->n; i++)
        if (is_of_one(&x->list[i]))
            ip_table_add(&t->sources, &x->list[i].sources.list[0]);
    t->first = xcalloc(t->sources.n + 2, sizeof *t->first);
    counts = t->first + 1;
    for (size_t i = 0; i < x->n; i++)
        if (is_of_one(&x->list[i]))
            counts[ip_table_add(&t->sources, &x->list[i].sources.list[0])]++;
    for (size_t i = 1; i <= t->sources.n; i++)
        t->first[i] += t->first[i - 1];
    size_t *next = xcalloc(t->sources.n + 1, sizeof *next);
    memcpy(next, t->first, t->sources.n * sizeof *next);
    t->n = t->of_many = t->first[t->sources.n];
    for (size_t i = 0; i < x->n; i++) {
        if (x->list[i].crowd)
            continue;
        if (is_of_one(&x->list[i]))
            t->of[next[ip_table_add(&t->sources, &x->list[i].sources.list[0])]++] = i;
        else
            t->of[t->n++] = i;
    }
    free(next);
    return t;
}

void told_free(struct told *t)
{
    if (!t)
        return;
    ip_table_fini(&t->sources);
    free(t->first);
    free(t->of);
    free(t);
}

static bool add_told(const struct finding *f, const struct source_fact *s,
                     uint64_t by_bin[HOUR_BINS])
{
    bool any = false;

    for (int i = 0; i < HOUR_BINS; i++) {
        int64_t bin = s->hour + i * BIN_S;
        if (!s->spread[i] || bin + BIN_S <= f->from || bin >= f->to)
            continue;
        by_bin[i] = s->spread[i];
        any = true;
    }
    return any;
}

bool told_of(const struct told *t, const struct source_fact *f, uint64_t by_bin[HOUR_BINS])
{
    uint32_t source;
    bool any = false;

    if (t->n == 0)
        return false;
    memset(by_bin, 0, HOUR_BINS * sizeof *by_bin);
    if (ip_table_find(&t->sources, &f->source, &source))
        for (size_t i = t->first[source]; i < t->first[source + 1]; i++)
            any |= add_told(&t->x->list[t->of[i]], f, by_bin);
    for (size_t i = t->of_many; f->class == CLASS_BACKSCATTER && i < t->n; i++)
        any |= add_told(&t->x->list[t->of[i]], f, by_bin);
    return any;
}
