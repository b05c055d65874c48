#include "store/prune.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/burst.h"
#include "store/delta.h"
#include "store/gap.h"
#include "store/repeats.h"

/* ---- which hours ---- */

static int64_t hour_of(int64_t t)
{
    return t - t % HOUR_S;
}

/* A number that a query about (sensor, from, to) gives. */
static int ask(struct store *s, const char *sql, uint16_t sensor, int64_t from, int64_t to,
               int64_t *first, int64_t *second)
{
    sqlite3_stmt *q = db_statement(s, sql);

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    int rc = db_step(s, q);
    if (rc > 0) {
        *first = sqlite3_column_int64(q, 0);
        if (second)
            *second = sqlite3_column_int64(q, 1);
    }
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

/* Whether the hour has bins outside the span. */
static int is_cut(struct store *s, uint16_t sensor, int64_t hour, const struct prune_query *q,
                  bool *cut)
{
    static const char sql[] =
        "SELECT count(*) FROM segment WHERE kind = 1 AND sensor = ?1 AND start >= ?2 AND start < "
        "?3";
    int64_t before = 0, behind = 0;
    int rc = ask(s, sql, sensor, hour, q->from, &before, NULL);

    if (rc == 0)
        rc = ask(s, sql, sensor, q->to, hour + HOUR_S, &behind, NULL);
    *cut = before + behind > 0;
    return rc;
}

/* The hours at the span's ends that have more in them: at most two, *n of them. */
static int cut_hours(struct store *s, uint16_t sensor, const struct prune_query *q,
                     int64_t hours[2], size_t *n)
{
    int64_t first = hour_of(q->from), last = hour_of(q->to - 1);
    bool cut;
    int rc = is_cut(s, sensor, first, q, &cut);

    *n = 0;
    if (rc == 0 && cut)
        hours[(*n)++] = first;
    if (rc == 0 && last != first && (rc = is_cut(s, sensor, last, q, &cut)) == 0 && cut)
        hours[(*n)++] = last;
    return rc;
}

/* ---- an hour that is cut ---- */

struct cutting {
    const struct prune_query *q;
    struct segment_writer writer;
    int64_t hour;
};

/* What the source did in the bins that stay; false: nothing. */
static bool subtract(const struct cutting *c, struct source_fact *f)
{
    int first = -1, last = -1;
    uint64_t events = 0;

    for (int i = 0; i < HOUR_BINS; i++) {
        int64_t bin = c->hour + i * BIN_S;
        if (bin >= c->q->from && bin < c->q->to)
            f->spread[i] = 0;
        if (!f->spread[i])
            continue;
        first = first < 0 ? i : first;
        last = i;
        events += f->spread[i];
    }
    if (events == 0)
        return false;
    /* Where its first or last event went, the bin's own end is the best that is known. */
    if (f->first / BIN_S != first)
        f->first = (uint16_t)(first * BIN_S);
    if (f->last / BIN_S != last)
        f->last = (uint16_t)(last * BIN_S + BIN_S - 1);
    if (events == 1)
        f->last = f->first;
    f->events = events;
    return true;
}

static int keep_rest(void *ctx, const union fact *f)
{
    struct cutting *c = ctx;
    struct source_fact rest = f->source;

    if (subtract(c, &rest))
        segment_put_source(&c->writer, &rest);
    return 0;
}

static int cut_repeats(struct store *s, uint16_t sensor, int64_t hour, const struct prune_query *q)
{
    struct repeats *r = repeats_new();
    unsigned bins = 0;
    bool any;
    int rc = repeats_load(s, r, sensor, hour, &any);

    for (unsigned i = 0; i < HOUR_BINS; i++) {
        int64_t bin = hour + i * BIN_S;
        bins |= (unsigned)(bin >= q->from && bin < q->to) << i;
    }
    repeats_cut(r, bins);
    if (rc == 0 && any)
        rc = repeats_save(s, r, sensor, hour);
    repeats_free(r);
    return rc;
}

/* Sources keep their rest. The margin is made again from what is left, unless it has sketches of
 * sources that aren't there any more: then those stay, which counts a few sources too many. */
static int cut_hour(struct store *s, uint16_t sensor, int64_t hour, const struct prune_query *q)
{
    struct cutting c = {.q = q, .hour = hour};
    struct delta rows = {0};
    int rc = delta_load(s, FACT_SOURCE, sensor, hour, &rows);

    segment_begin(&c.writer, FACT_SOURCE);
    if (rc == 0)
        rc = merge_segments(FACT_SOURCE, sensor, hour, rows.list, rows.n, keep_rest, &c);
    if (rc == -EBADMSG)
        rc = delta_damaged(s, FACT_SOURCE, hour);
    if (rc == 0) {
        struct buf *b = segment_finish(&c.writer);
        rc = c.writer.events
                 ? delta_replace(s, FACT_SOURCE, sensor, hour, c.writer.events, b)
                 : db_exec(s, "DELETE FROM segment WHERE kind = 2 AND sensor = ? AND start = ?",
                           sensor, hour);
    }
    if (rc == 0)
        rc = cut_repeats(s, sensor, hour, q);
    if (rc == 0)
        rc = db_exec(s,
                     "DELETE FROM segment WHERE kind = 4 AND sensor = ?1 AND start = ?2 AND NOT "
                     "EXISTS (SELECT 1 FROM lean WHERE sensor = ?1 AND hour = ?2)",
                     sensor, hour);
    if (rc == 0)
        rc =
            db_exec(s, "INSERT OR IGNORE INTO unfolded (sensor, hour) VALUES (?, ?)", sensor, hour);
    segment_writer_fini(&c.writer);
    delta_fini(&rows);
    return rc;
}

/* ---- a sensor ---- */

static int remove_segments(struct store *s, uint16_t sensor, const struct prune_query *q)
{
    int64_t cut[2] = {0}, from = hour_of(q->from), to = hour_of(q->to - 1) + HOUR_S;
    size_t n;
    int rc = cut_hours(s, sensor, q, cut, &n);

    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = cut_hour(s, sensor, cut[i], q);
        if (cut[i] == from) /* the last hour is another one, or there is none left */
            from += HOUR_S;
        else
            to -= HOUR_S;
    }
    if (rc == 0)
        rc = db_exec(s,
                     "DELETE FROM segment WHERE kind = 1 AND sensor = ? AND start >= ? AND start < "
                     "?",
                     sensor, q->from, q->to);
    if (rc == 0)
        rc = db_exec(s,
                     "DELETE FROM segment WHERE kind IN (2, 3, 4, 6) AND sensor = ? AND start >= ? "
                     "AND start < ?",
                     sensor, from, to);
    /* Sketches of a day past that is cut stay: nothing can be taken out of them. */
    if (rc == 0)
        rc = db_exec(s,
                     "DELETE FROM segment WHERE kind = 5 AND sensor = ?1 AND start >= ?2 AND start "
                     "+ 86400 <= ?3",
                     sensor, from, to);
    if (rc == 0)
        rc = db_exec(s, "DELETE FROM unfolded WHERE sensor = ? AND hour >= ? AND hour < ?", sensor,
                     from, to);
    if (rc == 0)
        rc = db_exec(s, "DELETE FROM lean WHERE sensor = ? AND hour >= ? AND hour < ?", sensor,
                     from, to);
    return rc;
}

/* Spans that reach beyond are cut at the ends; one that reaches beyond both becomes two. */
static int cut_coverage(struct store *s, uint16_t sensor, const struct prune_query *q)
{
    int rc =
        db_exec(s,
                "INSERT OR REPLACE INTO coverage (sensor, first, last) SELECT sensor, ?3, last "
                "FROM coverage WHERE sensor = ?1 AND first < ?3 AND last >= ?3 AND last >= ?2",
                sensor, q->from, q->to);

    if (rc == 0)
        rc = db_exec(s,
                     "UPDATE coverage SET last = ?2 - 1 WHERE sensor = ?1 AND first < ?2 AND last "
                     ">= ?2",
                     sensor, q->from);
    if (rc == 0)
        rc = db_exec(s, "DELETE FROM coverage WHERE sensor = ?1 AND first >= ?2 AND first < ?3",
                     sensor, q->from, q->to);
    return rc;
}

/* ---- logs ---- */

static bool is_pruned(const struct prune_query *q, uint16_t sensor)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->sensors[i] == sensor)
            return true;
    return false;
}

/* Whether the log has had events of the sensors, and of others as well. */
static int look_at_sensors(struct store *s, const struct prune_query *q, int64_t position,
                           bool *any, bool *others)
{
    uint16_t ids[SENSORS_MAX + 1];
    size_t n;
    int rc = store_position_sensors(s, position, ids, SENSORS_MAX + 1, &n);

    *any = *others = false;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (is_pruned(q, ids[i]))
            *any = true;
        else
            *others = true;
    }
    return rc;
}

static int read_logs(struct store *s, const struct prune_query *q,
                     int (*log)(void *ctx, const struct prune_log *l), void *ctx)
{
    sqlite3_stmt *st = db_statement(
        s, "SELECT id, path, first_when, last_when FROM position WHERE last_when >= ? AND "
           "first_when < ? ORDER BY id");
    int rc;

    if (st) {
        sqlite3_bind_int64(st, 1, q->from);
        sqlite3_bind_int64(st, 2, q->to);
    }
    while ((rc = db_step(s, st)) > 0) {
        struct prune_log l = {.id = sqlite3_column_int64(st, 0),
                              .path = (const char *)sqlite3_column_text(st, 1),
                              .first = sqlite3_column_int64(st, 2),
                              .last = sqlite3_column_int64(st, 3)};
        bool any;
        if ((rc = look_at_sensors(s, q, l.id, &any, &l.others)) < 0)
            break;
        l.forgotten = !l.others && l.first >= q->from && l.last < q->to;
        if (any && (rc = log(ctx, &l)) != 0)
            break;
    }
    if (st)
        sqlite3_reset(st);
    return rc;
}

struct forgotten {
    int64_t *ids;
    size_t n;
};

static int list_forgotten(void *ctx, const struct prune_log *l)
{
    struct forgotten *f = ctx;

    if (l->forgotten) {
        f->ids = xrealloc(f->ids, f->n + 1, sizeof *f->ids);
        f->ids[f->n++] = l->id;
    }
    return 0;
}

static int forget_logs(struct store *s, const struct prune_query *q)
{
    struct forgotten f = {0};
    int rc = read_logs(s, q, list_forgotten, &f);

    for (size_t i = 0; i < f.n && rc == 0; i++) {
        rc = db_exec(s, "DELETE FROM position_mark WHERE position = ?", f.ids[i]);
        if (rc == 0)
            rc = db_exec(s, "DELETE FROM position_sensor WHERE position = ?", f.ids[i]);
        if (rc == 0)
            rc = db_exec(s, "DELETE FROM position WHERE id = ?", f.ids[i]);
    }
    free(f.ids);
    return rc;
}

/* ---- all of it ---- */

int prune_look(struct store *s, const struct prune_query *q, struct prune_report *out,
               int (*log)(void *ctx, const struct prune_log *l), void *ctx)
{
    int rc = 0;

    *out = (struct prune_report){0};
    for (size_t i = 0; i < q->n && rc == 0; i++) {
        int64_t events = 0, bins = 0, watched = 0, hours[2];
        size_t n = 0;
        rc = ask(s,
                 "SELECT ifnull(sum(events), 0), count(DISTINCT start) FROM segment WHERE kind = 1 "
                 "AND sensor = ?1 AND start >= ?2 AND start < ?3",
                 q->sensors[i], q->from, q->to, &events, &bins);
        if (rc == 0)
            rc =
                ask(s,
                    "SELECT ifnull(sum(min(last + 1, ?3) - max(first, ?2)), 0) FROM coverage WHERE "
                    "sensor = ?1 AND last >= ?2 AND first < ?3",
                    q->sensors[i], q->from, q->to, &watched, NULL);
        if (rc == 0)
            rc = cut_hours(s, q->sensors[i], q, hours, &n);
        out->events += (uint64_t)events;
        out->bins += (uint64_t)bins;
        out->watched_s += watched;
        out->hours_cut += n;
    }
    return rc < 0 ? rc : read_logs(s, q, log, ctx);
}

int prune_facts(struct store *s, const struct prune_query *q)
{
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    rc = forget_logs(s, q);
    FAULT("forgotten");
    for (size_t i = 0; i < q->n && rc == 0; i++) {
        rc = remove_segments(s, q->sensors[i], q);
        if (rc == 0)
            rc = cut_coverage(s, q->sensors[i], q);
        if (rc == 0)
            rc = gap_prune(s, q->sensors[i], q->from, q->to - 1);
        if (rc == 0)
            rc = burst_prune(s, q->sensors[i], q->from, q->to);
        if (rc == 0)
            rc = store_touch_series(s, q->sensors[i]);
    }
    FAULT("pruned");
    return db_end(s, own, rc);
}
