/* Folding: the delta rows of an hour that is over become one row each, and its margin is made from
 * them, in one transaction an hour. */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/delta.h"
#include "store/margin.h"
#include "store/rules.h"

struct folding {
    struct store *s;
    struct segment_writer writer;
    struct delta rows;
    struct margin *margin;
    const struct rules *rules;
};

static int take_fact(void *ctx, const union fact *f)
{
    struct folding *x = ctx;
    struct segment_writer *w = &x->writer;

    switch (w->kind) {
    case FACT_BIN:
        segment_put_bin(w, f->bin.rule, f->bin.class, f->bin.port, f->bin.country, f->bin.events);
        margin_add_events(x->margin, f->bin.rule, f->bin.port, f->bin.country, f->bin.events);
        break;
    case FACT_SOURCE:
        segment_put_source(w, &f->source);
        if (!rules_is_excluded(x->rules, rules_find(x->rules, &f->source.source)))
            margin_add_source(x->margin, &f->source.source, f->source.port, f->source.country);
        break;
    case FACT_TARGET: segment_put_target(w, &f->target); break;
    }
    return 0;
}

static int fold_start(struct folding *x, enum fact_kind kind, uint16_t sensor, int64_t start)
{
    delta_clear(&x->rows);
    int rc = delta_load(x->s, kind, sensor, start, &x->rows);
    if (rc < 0 || (kind == FACT_TARGET && x->rows.n < 2))
        return rc;
    segment_begin(&x->writer, kind);
    rc = merge_segments(kind, sensor, start, x->rows.list, x->rows.n, take_fact, x);
    if (rc == -EBADMSG)
        return delta_damaged(x->s, kind, start);
    if (rc < 0 || x->rows.n < 2)
        return rc;
    struct buf *b = segment_finish(&x->writer);
    return delta_replace(x->s, kind, sensor, start, x->writer.events, b);
}

/* Sketches of an earlier margin are of sources that were there, and may be there no longer. */
static int fold_margin(struct folding *x, uint16_t sensor, int64_t hour)
{
    delta_clear(&x->rows);
    int rc = delta_load(x->s, FACT_MARGIN, sensor, hour, &x->rows);
    for (size_t i = 0; i < x->rows.n && rc == 0; i++)
        if (margin_join(x->margin, x->rows.list[i].p, x->rows.list[i].n) < 0)
            rc = delta_damaged(x->s, FACT_MARGIN, hour);
    return rc < 0 ? rc
                  : delta_replace(x->s, FACT_MARGIN, sensor, hour, 0, margin_finish(x->margin));
}

static int fold_bins(struct folding *x, uint16_t sensor, int64_t hour)
{
    int rc = 0;

    for (int i = 0; i < HOUR_BINS && rc == 0; i++)
        rc = fold_start(x, FACT_BIN, sensor, hour + i * BIN_S);
    margin_admit(x->margin);
    return rc;
}

static int fold_hour(struct folding *x, uint16_t sensor, int64_t hour)
{
    bool own;
    int rc = db_begin(x->s, &own);

    if (rc < 0)
        return rc;
    margin_clear(x->margin);
    rc = store_rules(x->s, &x->rules);
    if (rc == 0)
        rc = fold_bins(x, sensor, hour);
    if (rc == 0)
        rc = fold_start(x, FACT_SOURCE, sensor, hour);
    if (rc == 0)
        rc = fold_start(x, FACT_TARGET, sensor, hour);
    if (rc == 0)
        rc = fold_margin(x, sensor, hour);
    if (rc == 0)
        rc = db_exec(x->s, "DELETE FROM unfolded WHERE sensor = ? AND hour = ?", sensor, hour);
    FAULT("folded");
    return db_end(x->s, own, rc);
}

struct hour {
    uint16_t sensor;
    int64_t start;
};

static int list_hours(struct store *s, int64_t before, struct hour **list, size_t *n)
{
    sqlite3_stmt *q = db_statement(s, "SELECT sensor, hour FROM unfolded WHERE hour + 3600 <= ?");
    size_t cap = 0;
    int rc;

    if (q)
        sqlite3_bind_int64(q, 1, before);
    while ((rc = db_step(s, q)) > 0) {
        if (*n == cap)
            *list = xrealloc(*list, cap = cap * 2 + 64, sizeof **list);
        (*list)[(*n)++] =
            (struct hour){(uint16_t)sqlite3_column_int(q, 0), sqlite3_column_int64(q, 1)};
    }
    sqlite3_reset(q);
    return rc;
}

int store_fold(struct store *s, int64_t before)
{
    struct folding x = {.s = s};
    struct hour *hours = NULL;
    size_t n = 0;
    int rc = list_hours(s, before, &hours, &n);

    if (n)
        x.margin = margin_new();
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = fold_hour(&x, hours[i].sensor, hours[i].start);
    margin_free(x.margin);
    segment_writer_fini(&x.writer);
    delta_fini(&x.rows);
    free(hours);
    return rc;
}
