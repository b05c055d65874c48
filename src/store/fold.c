/* Folding: the delta rows of an hour that is over become one row each, and its margin is made from
 * them, in one transaction an hour. */
#include "store/fold.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/bound.h"
#include "store/days.h"
#include "store/delta.h"
#include "store/margin.h"
#include "store/repeats.h"
#include "store/rules.h"

struct folding {
    struct store *s;
    struct segment_writer writer, bounded;
    size_t entries; /* merged */
    size_t bytes;   /* read */
    struct delta rows;
    struct margin *margin; /* NULL: none is being made */
    const struct rules *rules;
};

static void folding_fini(struct folding *x)
{
    margin_free(x->margin);
    segment_writer_fini(&x->writer);
    segment_writer_fini(&x->bounded);
    delta_fini(&x->rows);
}

/* Margins count no excluded source. */
static void add_source(struct folding *x, const struct source_fact *f)
{
    if (!rules_is_excluded(x->rules, rules_of(x->rules, f)))
        margin_add_source(x->margin, &f->source, f->port, f->country);
}

static int take_fact(void *ctx, const union fact *f)
{
    struct folding *x = ctx;
    struct segment_writer *w = &x->writer;

    switch (w->kind) {
    case FACT_BIN:
        segment_put_bin(w, f->bin.rule, f->bin.class, f->bin.port, f->bin.country, f->bin.events);
        if (x->margin)
            margin_add_events(x->margin, f->bin.rule, f->bin.port, f->bin.country, f->bin.events);
        break;
    case FACT_SOURCE:
        segment_put_source(w, &f->source);
        if (x->margin)
            add_source(x, &f->source);
        break;
    case FACT_TARGET: segment_put_target(w, &f->target); break;
    }
    x->entries++;
    return 0;
}

/* Adds all rows of a start up; the whole is segment_finish's. */
static int merge_start(struct folding *x, enum fact_kind kind, uint16_t sensor, int64_t start)
{
    segment_begin(&x->writer, kind);
    x->entries = 0;
    int rc = merge_segments(kind, sensor, start, x->rows.list, x->rows.n, take_fact, x);
    return rc == -EBADMSG ? delta_damaged(x->s, (int)kind, start) : rc;
}

static int is_lean(struct store *s, uint16_t sensor, int64_t hour, bool *lean)
{
    bool whole;
    int rc = store_sources_whole(s, sensor, hour, hour + HOUR_S, &whole);

    *lean = rc == 0 && !whole;
    return rc;
}

static int set_lean(struct store *s, uint16_t sensor, int64_t hour)
{
    return db_exec(s, "INSERT OR IGNORE INTO lean (sensor, hour) VALUES (?, ?)", sensor, hour);
}

static void take_repeats(struct folding *x, struct repeats *r, const struct buf *b, int sign)
{
    struct segment_reader in;
    struct source_fact f;

    segment_open(&in, FACT_SOURCE, 0, 0, b->p, b->n);
    while (segment_next_source(&in, &f) > 0)
        if (!rules_is_excluded(x->rules, rules_of(x->rules, &f)))
            repeats_take(r, &f, sign);
    repeats_end(r);
}

/* What the sources tell that are about to be dropped, of distinct sources of bins. */
static int keep_repeats(struct folding *x, uint16_t sensor, int64_t hour, const struct buf *all,
                        const struct buf *left)
{
    struct repeats *r = repeats_new();
    bool ignored;
    int rc = store_rules(x->s, &x->rules);

    if (rc == 0) {
        take_repeats(x, r, all, 1);
        take_repeats(x, r, left, -1);
        rc = repeats_load(x->s, r, sensor, hour, &ignored);
    }
    if (rc == 0)
        rc = repeats_save(x->s, r, sensor, hour);
    repeats_free(r);
    return rc;
}

/* Puts what was merged, or the less that its bounds allow, in the place of all rows. */
static int replace_start(struct folding *x, enum fact_kind kind, uint16_t sensor, int64_t start,
                         const struct buf *b, size_t sources_max)
{
    uint64_t events = x->writer.events;
    int bounded = 0, rc = 0;

    if (kind == FACT_BIN && x->entries > BIN_ENTRIES_MAX)
        bounded = bound_bin(b->p, b->n, &x->bounded);
    else if (kind == FACT_TARGET && x->entries > TARGETS_MAX)
        bounded = bound_targets(b->p, b->n, &x->bounded);
    else if (kind == FACT_SOURCE && x->entries > sources_max)
        bounded = bound_sources(b->p, b->n, sources_max, &x->bounded);
    if (bounded > 0) {
        const struct buf *all = b;
        b = segment_finish(&x->bounded);
        events = x->bounded.events;
        x->entries = x->bounded.entries;
        if (kind == FACT_SOURCE)
            rc = keep_repeats(x, sensor, start, all, b);
        if (rc == 0 && kind == FACT_SOURCE)
            rc = set_lean(x->s, sensor, start);
    }
    return rc < 0 ? rc : delta_replace(x->s, (int)kind, sensor, start, events, b);
}

static int fold_start(struct folding *x, enum fact_kind kind, uint16_t sensor, int64_t start)
{
    bool lean = false;

    delta_clear(&x->rows);
    int rc = delta_load(x->s, (int)kind, sensor, start, &x->rows);
    for (size_t i = 0; i < x->rows.n; i++)
        x->bytes += x->rows.list[i].n;
    if (rc == 0 && kind == FACT_SOURCE)
        rc = is_lean(x->s, sensor, start, &lean);
    if (rc < 0 || (kind == FACT_TARGET && x->rows.n < 2))
        return rc;
    rc = merge_start(x, kind, sensor, start);
    if (rc < 0 || (x->rows.n < 2 && !lean) || x->rows.n == 0)
        return rc;
    return replace_start(x, kind, sensor, start, segment_finish(&x->writer),
                         lean ? SOURCES_KEPT : SOURCE_ENTRIES_MAX);
}

/* Where sources are gone, sketches of an earlier margin still tell of them. */
static int fold_margin(struct folding *x, uint16_t sensor, int64_t hour)
{
    bool lean;
    int rc = is_lean(x->s, sensor, hour, &lean);

    delta_clear(&x->rows);
    if (rc == 0 && lean)
        rc = delta_load(x->s, FACT_MARGIN, sensor, hour, &x->rows);
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

static int list_hours(struct store *s, int64_t before, struct db_place **list, size_t *n)
{
    sqlite3_stmt *q = db_statement(s, "SELECT sensor, hour FROM unfolded WHERE hour + 3600 <= ?");

    if (q)
        sqlite3_bind_int64(q, 1, before);
    return db_places(s, q, list, n);
}

int store_fold_slice(struct store *s, int64_t before, size_t bytes, bool *more)
{
    struct folding x = {.s = s};
    struct db_place *hours = NULL;
    size_t n = 0, i = 0;
    int rc = list_hours(s, before, &hours, &n);

    if (n)
        x.margin = margin_new();
    for (; i < n && rc == 0 && x.bytes < bytes; i++)
        rc = fold_hour(&x, hours[i].sensor, hours[i].start);
    *more = rc == 0 && i < n;
    folding_fini(&x);
    free(hours);
    s->days_made &= n == 0;
    if (rc == 0 && !*more && !s->days_made) {
        rc = days_make(s, before, bytes, more);
        s->days_made = rc == 0 && !*more;
    }
    return rc;
}

int store_fold(struct store *s, int64_t before)
{
    bool more;
    return store_fold_slice(s, before, SIZE_MAX, &more);
}

/* ---- floods ---- */

/* Sizes of an hour's rows in `unfolded`, past which they are made fewer. */
enum {
    BINS_UNFOLDED_MAX = FAULT_LIMIT(5 * BIN_ENTRIES_MAX, 300),
    TARGETS_UNFOLDED_MAX = FAULT_LIMIT(2 << 20, 5000)
};

/* The sources that are about to be dropped, as sketches. */
static int keep_sketches(struct folding *x, uint16_t sensor, int64_t hour, const struct buf *merged)
{
    struct segment_reader r;
    struct source_fact f;
    int rc = store_rules(x->s, &x->rules);

    if (rc < 0)
        return rc;
    x->margin = margin_new();
    segment_open(&r, FACT_SOURCE, sensor, hour, merged->p, merged->n);
    while (segment_next_source(&r, &f) > 0)
        margin_add_events(x->margin, 0, f.port, f.country, f.events);
    margin_admit(x->margin);
    segment_open(&r, FACT_SOURCE, sensor, hour, merged->p, merged->n);
    while (segment_next_source(&r, &f) > 0)
        add_source(x, &f);
    rc = set_lean(x->s, sensor, hour);
    return rc < 0 ? rc : fold_margin(x, sensor, hour);
}

static int read_sizes(struct store *s, uint16_t sensor, int64_t hour, size_t sizes[4])
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT bins, sources, targets FROM unfolded WHERE sensor = ? AND hour = ?");

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, hour);
    }
    int rc = db_step(s, q);
    for (int kind = FACT_BIN; kind <= FACT_TARGET; kind++)
        sizes[kind] = rc > 0 ? (size_t)sqlite3_column_int64(q, kind - 1) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

/* The hour's rows and one more become one. Memory is short here: each copy of the rows is freed once
 * the next is made. */
static int bound_hour(struct folding *x, const struct segment *g, int64_t hour, size_t sources_max)
{
    enum fact_kind kind = g->kind;
    uint16_t sensor = g->sensor;
    int rc = delta_load(x->s, (int)kind, sensor, hour, &x->rows);

    delta_add_bytes(&x->rows, g->data, g->len);
    if (rc == 0)
        rc = merge_start(x, kind, sensor, hour);
    delta_clear(&x->rows);
    struct buf merged = *segment_finish(&x->writer);
    x->writer.head = (struct buf){0};
    segment_writer_fini(&x->writer);
    if (rc == 0 && kind == FACT_SOURCE && x->entries > sources_max)
        rc = keep_sketches(x, sensor, hour, &merged);
    if (rc == 0)
        rc = replace_start(x, kind, sensor, hour, &merged, sources_max);
    buf_fini(&merged);
    if (rc < 0)
        return rc;
    return kind == FACT_SOURCE
               ? db_exec(x->s, "UPDATE unfolded SET sources = ?3 WHERE sensor = ?1 AND hour = ?2",
                         sensor, hour, (int64_t)x->entries)
               : db_exec(x->s, "UPDATE unfolded SET targets = 0 WHERE sensor = ?1 AND hour = ?2",
                         sensor, hour);
}

/* Of each bin one row: pairs that several have are told once. The next row joins them. */
static int bound_bins(struct folding *x, uint16_t sensor, int64_t hour)
{
    int rc = 0;

    for (int i = 0; i < HOUR_BINS && rc == 0; i++)
        rc = fold_start(x, FACT_BIN, sensor, hour + i * BIN_S);
    return rc < 0 ? rc
                  : db_exec(x->s, "UPDATE unfolded SET bins = 0 WHERE sensor = ?1 AND hour = ?2",
                            sensor, hour);
}

int fold_within_bounds(struct store *s, const struct segment *g, bool *added)
{
    enum fact_kind kind = g->kind;
    uint16_t sensor = g->sensor;
    int64_t hour = g->start - g->start % HOUR_S;
    struct folding x = {.s = s};
    size_t sizes[4], most[4] = {0, BINS_UNFOLDED_MAX, SOURCE_ENTRIES_MAX, TARGETS_UNFOLDED_MAX};
    bool lean = false;
    int rc = read_sizes(s, sensor, hour, sizes);

    if (rc == 0 && kind == FACT_SOURCE)
        rc = is_lean(s, sensor, hour, &lean);
    if (lean)
        most[FACT_SOURCE] = SOURCE_ENTRIES_LEAN;
    *added = rc == 0 && kind != FACT_BIN && sizes[kind] > most[kind];
    if (*added)
        rc = bound_hour(&x, g, hour, most[kind]);
    else if (rc == 0 && sizes[kind] > most[kind])
        rc = bound_bins(&x, sensor, hour);
    if (rc == 0 && sizes[kind] > most[kind])
        FAULT("bounded");
    folding_fini(&x);
    return rc;
}

int store_unfolded(struct store *s, int64_t *hours)
{
    sqlite3_stmt *q = db_statement(s, "SELECT count(*) FROM unfolded");
    int rc = db_step(s, q);

    *hours = rc > 0 ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}
