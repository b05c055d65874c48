#include "store/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/db.h"
#include "store/merge.h"

/* ---- writing ---- */

static int count_late(struct store *s, uint16_t sensor, int64_t start)
{
    return db_exec(s, "UPDATE series SET late = late + 1 WHERE sensor = ? AND written > ?", sensor,
                   start);
}

int store_put_segment(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t start,
                      uint64_t events, const void *data, size_t len)
{
    sqlite3_stmt *q = db_statement(
        s, "INSERT INTO segment (kind, sensor, start, events, data) VALUES (?, ?, ?, ?, ?)");

    if (q)
        sqlite3_bind_blob64(q, 5, data, len, SQLITE_STATIC);
    int rc = db_run(s, q, 4, (int64_t[]){kind, sensor, start, (int64_t)events});
    if (q)
        sqlite3_clear_bindings(q);
    if (rc == 0 && kind == FACT_BIN)
        rc = count_late(s, sensor, start);
    return rc;
}

/* Seconds from `fresh` on became known. A bin that was watched just before them was known already.
 * */
static int count_late_watched(struct store *s, uint16_t sensor, int64_t fresh, int64_t to,
                              bool joined)
{
    int64_t bin = fresh - fresh % BIN_S;

    if (joined && bin != fresh)
        bin += BIN_S;
    return bin <= to ? count_late(s, sensor, bin) : 0;
}

int store_put_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    int64_t first = from, last = to, fresh = from; /* the first second that isn't covered yet */
    bool own, joined = false;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    /* Spans that touch the new one, seconds being whole, are joined with it. */
    sqlite3_stmt *q = db_statement(
        s,
        "SELECT first, last FROM coverage WHERE sensor = ?1 AND last >= ?2 - 1 AND first <= ?3 + 1"
        " ORDER BY first");
    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0) {
        int64_t a = sqlite3_column_int64(q, 0), b = sqlite3_column_int64(q, 1);
        if (a <= fresh && b >= fresh - 1) {
            fresh = b + 1;
            joined = true;
        }
        first = a < first ? a : first;
        last = b > last ? b : last;
    }
    sqlite3_reset(q);
    if (rc == 0 && fresh <= to) {
        rc = db_exec(s, "DELETE FROM coverage WHERE sensor = ? AND first >= ? AND first <= ?",
                     sensor, first, last);
        if (rc == 0)
            rc = db_exec(s, "INSERT INTO coverage (sensor, first, last) VALUES (?, ?, ?)", sensor,
                         first, last);
        if (rc == 0)
            rc = count_late_watched(s, sensor, fresh, to, joined);
    }
    return db_end(s, own, rc);
}

/* ---- reading ---- */

static int damaged(struct store *s, enum fact_kind kind, int64_t start)
{
    static const char *const names[] = {"", "bin", "source", "target"};

    snprintf(s->said, sizeof s->said, "a segment (%s, %lld) is damaged: restore %s from a backup",
             names[kind], (long long)start, s->path);
    return -EIO;
}

int store_extent(struct store *s, uint16_t sensor, int64_t *from, int64_t *to)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT min(a), max(b) FROM"
           " (SELECT min(start) a, max(start) + 299 b FROM segment WHERE kind = 1 AND sensor = ?1"
           "  UNION ALL SELECT min(first), max(last) FROM coverage WHERE sensor = ?1)");
    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    int rc = db_step(s, q);
    if (rc > 0 && sqlite3_column_type(q, 0) == SQLITE_NULL)
        rc = 0;
    if (rc > 0) {
        *from = sqlite3_column_int64(q, 0);
        *to = sqlite3_column_int64(q, 1);
    }
    sqlite3_reset(q);
    return rc > 0 ? 0 : rc == 0 ? -ENOENT : rc;
}

/* All segments of a kind in a span, ordered by start. */
static sqlite3_stmt *select_segments(struct store *s, enum fact_kind kind, uint16_t sensor,
                                     int64_t from, int64_t to)
{
    sqlite3_stmt *q = db_statement(s, "SELECT start, data FROM segment WHERE kind = ? AND sensor = "
                                      "? AND start >= ? AND start < ? ORDER BY start");

    if (q) {
        sqlite3_bind_int64(q, 1, kind);
        sqlite3_bind_int64(q, 2, sensor);
        sqlite3_bind_int64(q, 3, from);
        sqlite3_bind_int64(q, 4, to);
    }
    return q;
}

int store_read_bins(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_bin_cb cb,
                    void *ctx)
{
    sqlite3_stmt *q = select_segments(s, FACT_BIN, sensor, from, to);
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        struct segment_reader r;
        struct bin_fact f;
        int64_t start = sqlite3_column_int64(q, 0);
        const void *data = sqlite3_column_blob(q, 1);
        rc = segment_open(&r, FACT_BIN, sensor, start, data, (size_t)sqlite3_column_bytes(q, 1));
        while (rc >= 0 && (rc = segment_next_bin(&r, &f)) > 0)
            if ((rc = cb(ctx, &f)) != 0) {
                sqlite3_reset(q);
                return rc;
            }
        if (rc < 0) {
            rc = damaged(s, FACT_BIN, start);
            break;
        }
    }
    sqlite3_reset(q);
    return rc;
}

/* The delta rows of one start, kept until all of them are there. */
struct rows {
    struct blob *list;
    size_t n, cap;
    int64_t start;
};

static void rows_clear(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->list[i].p);
    r->n = 0;
}

static void rows_add(struct rows *r, sqlite3_stmt *q, int column)
{
    const void *data = sqlite3_column_blob(q, column);
    size_t n = (size_t)sqlite3_column_bytes(q, column);

    if (r->n == r->cap)
        r->list = xrealloc(r->list, r->cap = r->cap * 2 + 16, sizeof *r->list);
    r->list[r->n].p = xmalloc(n);
    r->list[r->n].n = n;
    if (n)
        memcpy(r->list[r->n].p, data, n);
    r->n++;
}

static int read_merged(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t from,
                       int64_t to, int (*cb)(void *ctx, const union fact *f), void *ctx)
{
    sqlite3_stmt *q = select_segments(s, kind, sensor, from - from % HOUR_S, to);
    struct rows rows = {0};
    int rc, more;

    do {
        more = db_step(s, q);
        rc = more < 0 ? more : 0;
        int64_t start = more > 0 ? sqlite3_column_int64(q, 0) : INT64_MAX;
        if (rc == 0 && rows.n && start != rows.start) {
            rc = merge_segments(kind, sensor, rows.start, rows.list, rows.n, cb, ctx);
            if (rc == -EBADMSG)
                rc = damaged(s, kind, rows.start);
            rows_clear(&rows);
        }
        if (rc == 0 && more > 0) {
            rows.start = start;
            rows_add(&rows, q, 1);
        }
    } while (rc == 0 && more > 0);
    sqlite3_reset(q);
    rows_clear(&rows);
    free(rows.list);
    return rc;
}

struct relay {
    store_source_cb source;
    store_target_cb target;
    void *ctx;
};

static int relay_source(void *ctx, const union fact *f)
{
    const struct relay *r = ctx;
    return r->source(r->ctx, &f->source);
}

static int relay_target(void *ctx, const union fact *f)
{
    const struct relay *r = ctx;
    return r->target(r->ctx, &f->target);
}

int store_read_sources(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_source_cb cb, void *ctx)
{
    struct relay r = {.source = cb, .ctx = ctx};
    return read_merged(s, FACT_SOURCE, sensor, from, to, relay_source, &r);
}

int store_read_targets(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_target_cb cb, void *ctx)
{
    struct relay r = {.target = cb, .ctx = ctx};
    return read_merged(s, FACT_TARGET, sensor, from, to, relay_target, &r);
}

static void mark_known(uint8_t *known, int64_t from, int64_t to, int64_t first, int64_t last)
{
    first = first < from ? from : first;
    last = last >= to ? to - 1 : last;
    for (int64_t b = (first - from) / BIN_S; first <= last && b <= (last - from) / BIN_S; b++)
        known[b] = 1;
}

int store_known(struct store *s, uint16_t sensor, int64_t from, int64_t to, uint8_t *known)
{
    int rc;

    memset(known, 0, (size_t)((to - from) / BIN_S));
    sqlite3_stmt *q = db_statement(
        s, "SELECT first, last FROM coverage WHERE sensor = ? AND last >= ? AND first < ?");
    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0)
        mark_known(known, from, to, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1));
    sqlite3_reset(q);
    if (rc < 0)
        return rc;
    q = db_statement(s, "SELECT DISTINCT start FROM segment WHERE kind = 1 AND sensor = ? AND "
                        "start >= ? AND start < ?");
    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0)
        known[(sqlite3_column_int64(q, 0) - from) / BIN_S] = 1;
    sqlite3_reset(q);
    return rc;
}

/* ---- folding ---- */

static int put_fact(void *ctx, const union fact *f)
{
    struct segment_writer *w = ctx;

    switch (w->kind) {
    case FACT_BIN:
        segment_put_bin(w, f->bin.rule, f->bin.class, f->bin.port, f->bin.country, f->bin.events);
        break;
    case FACT_SOURCE: segment_put_source(w, &f->source); break;
    case FACT_TARGET: segment_put_target(w, &f->target); break;
    }
    return 0;
}

struct fold_key {
    enum fact_kind kind;
    uint16_t sensor;
    int64_t start;
};

static int fold_one(struct store *s, const struct fold_key *k, struct segment_writer *w)
{
    sqlite3_stmt *q = select_segments(s, k->kind, k->sensor, k->start, k->start + 1);
    struct rows rows = {0};
    int rc;

    while ((rc = db_step(s, q)) > 0)
        rows_add(&rows, q, 1);
    sqlite3_reset(q);
    if (rc == 0) {
        segment_begin(w, k->kind);
        rc = merge_segments(k->kind, k->sensor, k->start, rows.list, rows.n, put_fact, w);
        if (rc == -EBADMSG)
            rc = damaged(s, k->kind, k->start);
    }
    rows_clear(&rows);
    free(rows.list);
    FAULT("fold");
    if (rc == 0)
        rc = db_exec(s, "DELETE FROM segment WHERE kind = ? AND sensor = ? AND start = ?", k->kind,
                     k->sensor, k->start);
    FAULT("unfolded");
    if (rc < 0)
        return rc;
    struct buf *b = segment_finish(w);
    q = db_statement(
        s, "INSERT INTO segment (kind, sensor, start, events, data) VALUES (?, ?, ?, ?, ?)");
    if (q)
        sqlite3_bind_blob64(q, 5, b->p, b->n, SQLITE_STATIC);
    rc = db_run(s, q, 4, (int64_t[]){k->kind, k->sensor, k->start, (int64_t)w->events});
    if (q)
        sqlite3_clear_bindings(q);
    return rc;
}

int store_fold(struct store *s, int64_t before)
{
    struct fold_key *keys = NULL;
    struct segment_writer w = {0};
    size_t n = 0;
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    sqlite3_stmt *q = db_statement(
        s, "SELECT kind, sensor, start FROM segment WHERE start - start % 3600 + 3600 <= ?"
           " GROUP BY kind, sensor, start HAVING count(*) > 1");
    if (q)
        sqlite3_bind_int64(q, 1, before);
    while ((rc = db_step(s, q)) > 0) {
        keys = xrealloc(keys, n + 1, sizeof *keys);
        keys[n++] =
            (struct fold_key){(enum fact_kind)sqlite3_column_int(q, 0),
                              (uint16_t)sqlite3_column_int(q, 1), sqlite3_column_int64(q, 2)};
    }
    sqlite3_reset(q);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = fold_one(s, &keys[i], &w);
    FAULT("folded");
    free(keys);
    segment_writer_fini(&w);
    return db_end(s, own, rc);
}

/* ---- the state of the series ---- */

int store_series_state(struct store *s, uint16_t sensor, struct series_state *out)
{
    sqlite3_stmt *q = db_statement(s, "SELECT written, late, rebuilt FROM series WHERE sensor = ?");

    *out = (struct series_state){0};
    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    int rc = db_step(s, q);
    if (rc > 0) {
        out->written = sqlite3_column_int64(q, 0);
        out->late = (uint64_t)sqlite3_column_int64(q, 1);
        out->rebuilt = (uint64_t)sqlite3_column_int64(q, 2);
    }
    sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_set_series_state(struct store *s, uint16_t sensor, const struct series_state *state)
{
    return db_exec(s,
                   "INSERT INTO series (sensor, written, rebuilt) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (sensor) DO UPDATE SET written = ?2, rebuilt = ?3",
                   sensor, state->written, (int64_t)state->rebuilt);
}

int store_pairs(struct store *s, uint16_t sensor, struct series_pair **list, size_t *n)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT port, country, used FROM pair WHERE sensor = ? ORDER BY port, country");
    int rc;

    *list = NULL;
    *n = 0;
    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    while ((rc = db_step(s, q)) > 0) {
        *list = xrealloc(*list, *n + 1, sizeof **list);
        (*list)[(*n)++] =
            (struct series_pair){(uint32_t)sqlite3_column_int64(q, 0),
                                 (uint16_t)sqlite3_column_int(q, 1), sqlite3_column_int64(q, 2)};
    }
    sqlite3_reset(q);
    return rc;
}

int store_put_pair(struct store *s, uint16_t sensor, const struct series_pair *pair)
{
    return db_exec(s,
                   "INSERT OR REPLACE INTO pair (sensor, port, country, used) VALUES (?, ?, ?, ?)",
                   sensor, pair->port, pair->country, pair->used);
}

int store_drop_pair(struct store *s, uint16_t sensor, uint32_t port, uint16_t country)
{
    return db_exec(s, "DELETE FROM pair WHERE sensor = ? AND port = ? AND country = ?", sensor,
                   port, country);
}
