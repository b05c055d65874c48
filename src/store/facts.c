#include "store/facts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/port.h"
#include "store/bound.h"
#include "store/days.h"
#include "store/delta.h"
#include "store/fold.h"
#include "store/gap.h"
#include "store/margin.h"
#include "store/repeats.h"

/* ---- writing ---- */

static int insert_segment(struct store *s, const struct segment *g)
{
    sqlite3_stmt *q = db_statement(
        s, "INSERT INTO segment (kind, sensor, start, events, data) VALUES (?, ?, ?, ?, ?)");

    if (q)
        sqlite3_bind_blob64(q, 5, g->data, g->len, SQLITE_STATIC);
    int rc = db_run(s, q, 4, (int64_t[]){g->kind, g->sensor, g->start, (int64_t)g->events});
    if (q)
        sqlite3_clear_bindings(q);
    return rc;
}

enum { COUNTED_ENTRIES = FAULT_LIMIT(1024, 1), COUNTED_BYTES = FAULT_LIMIT(8192, 1) };

/* How large a row is, as `unfolded` counts it: 0 for a small one, since it makes no flood, and a
 * page that each commit would change is spared. Sketches make the size of targets. */
static size_t counted(const struct segment *g)
{
    if (g->kind == FACT_TARGET)
        return g->len < COUNTED_BYTES ? 0 : g->len;
    return g->entries < COUNTED_ENTRIES ? 0 : g->entries;
}

/* Notes that the hour has to be folded, and how large it has become. */
static int note_unfolded(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t hour,
                         size_t size)
{
    if (size == 0)
        return db_exec(s, "INSERT OR IGNORE INTO unfolded (sensor, hour) VALUES (?, ?)", sensor,
                       hour);
    return db_exec(s,
                   "INSERT INTO unfolded (sensor, hour, bins, sources, targets)"
                   " VALUES (?, ?, ?, ?, ?) ON CONFLICT (sensor, hour) DO UPDATE SET"
                   " bins = bins + excluded.bins, sources = sources + excluded.sources,"
                   " targets = targets + excluded.targets",
                   sensor, hour, kind == FACT_BIN ? (int64_t)size : 0,
                   kind == FACT_SOURCE ? (int64_t)size : 0,
                   kind == FACT_TARGET ? (int64_t)size : 0);
}

/* The row is added to the hour's, which stays within its bounds. */
static int add_segment(struct store *s, const struct segment *g)
{
    int64_t hour = g->start - g->start % HOUR_S;
    size_t size = counted(g);
    bool added = false;
    int rc = note_unfolded(s, g->kind, g->sensor, hour, size);

    if (rc == 0 && size > 0)
        rc = fold_within_bounds(s, g, &added);
    return rc < 0 || added ? rc : insert_segment(s, g);
}

int store_put(struct store *s, const struct segment *given)
{
    struct segment_writer w = {0};
    struct segment g = *given;
    int bounded = 0;

    if (g.kind == FACT_BIN && g.entries > BIN_ENTRIES_MAX)
        bounded = bound_bin(g.data, g.len, &w);
    else if (g.kind == FACT_TARGET && g.entries > TARGETS_MAX)
        bounded = bound_targets(g.data, g.len, &w);
    if (bounded > 0) {
        struct buf *b = segment_finish(&w);
        g.data = b->p;
        g.len = b->n;
        g.entries = w.entries;
    }
    /* Before it is there: whether its bin was known already decides which series it touches. */
    int rc = g.kind == FACT_BIN ? late_note(s, g.sensor, g.start, g.data, g.len) : 0;
    if (rc == 0)
        rc = add_segment(s, &g);
    segment_writer_fini(&w);
    return rc;
}

int store_put_segment(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t start,
                      uint64_t events, const void *data, size_t len)
{
    struct segment g = {kind, sensor, start, events, segment_entries(kind, data, len), data, len};
    return store_put(s, &g);
}

/* Seconds from `fresh` on became known. A bin that was watched just before them was known
 * already. */
static int count_late_watched(struct store *s, uint16_t sensor, int64_t fresh, int64_t to,
                              bool joined)
{
    int64_t bin = fresh - fresh % BIN_S;

    if (joined && bin != fresh)
        bin += BIN_S;
    return bin <= to ? late_note_all(s, sensor, bin) : 0;
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
        if (rc == 0)
            rc = gap_watched(s, sensor, from, to);
    }
    return db_end(s, own, rc);
}

/* ---- reading ---- */

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
static sqlite3_stmt *select_segments(struct store *s, int kind, uint16_t sensor, int64_t from,
                                     int64_t to)
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
            rc = delta_damaged(s, FACT_BIN, start);
            break;
        }
    }
    sqlite3_reset(q);
    return rc;
}

static int read_merged(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t from,
                       int64_t to, int (*cb)(void *ctx, const union fact *f), void *ctx)
{
    sqlite3_stmt *q = select_segments(s, (int)kind, sensor, from - from % HOUR_S, to);
    struct delta rows = {0};
    int rc, more;

    do {
        more = db_step(s, q);
        rc = more < 0 ? more : 0;
        int64_t start = more > 0 ? sqlite3_column_int64(q, 0) : INT64_MAX;
        if (rc == 0 && rows.n && start != rows.start) {
            rc = merge_segments(kind, sensor, rows.start, rows.list, rows.n, cb, ctx);
            if (rc == -EBADMSG)
                rc = delta_damaged(s, (int)kind, rows.start);
            delta_clear(&rows);
        }
        if (rc == 0 && more > 0) {
            rows.start = start;
            delta_add(&rows, q, 1);
        }
    } while (rc == 0 && more > 0);
    sqlite3_reset(q);
    delta_fini(&rows);
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

static int read_repeats(const void *data, size_t n, struct repeats_fact *f, store_repeats_cb cb,
                        void *ctx)
{
    struct repeats_reader r;
    int rc = repeats_open(&r, data, n);

    while (rc >= 0 && (rc = repeats_next(&r, &f->key, f->n)) > 0) {
        f->by_hour = r.by_hour;
        if ((rc = cb(ctx, f)) != 0)
            return rc;
    }
    return rc;
}

int store_read_repeats(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_repeats_cb cb, void *ctx)
{
    sqlite3_stmt *q = select_segments(s, FACT_REPEATS, sensor, from - from % HOUR_S, to);
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        struct repeats_fact f = {.hour = sqlite3_column_int64(q, 0)};
        rc = read_repeats(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), &f, cb,
                          ctx);
        if (rc == -EBADMSG)
            rc = delta_damaged(s, FACT_REPEATS, f.hour);
        if (rc != 0)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

/* ---- margins ---- */

struct margins {
    struct store *s;
    const struct margin_take *take;
    uint16_t sensor;
    int64_t at; /* given up to here */
};

static int take_bin_sum(void *ctx, const struct bin_fact *f)
{
    const struct margin_take *t = ctx;
    return t->sum(t->ctx, f->rule, t->by_country ? f->country : f->port, f->events, true);
}

/* What no margin tells, up to `until`. */
static int take_gap(struct margins *x, int64_t until)
{
    const struct margin_take *t = x->take;
    int64_t from = x->at;
    int rc = 0;

    if (from >= until)
        return 0;
    if (t->sum)
        rc = store_read_bins(x->s, x->sensor, from, until, take_bin_sum, (void *)t);
    if (rc == 0 && t->source)
        rc = store_read_sources(x->s, x->sensor, from, until, t->source, t->ctx);
    x->at = until;
    return rc;
}

static int take_sums(const struct margin_take *t, struct bytes in, bool of_day)
{
    const unsigned bits = t->by_country ? COUNTRY_KEY_BITS : PORT_KEY_BITS;
    const uint64_t least = t->by_country || of_day ? 0 : MARGIN_PORT_EVENTS;
    uint64_t key = 0, events;
    int rc = 0, more = 0;

    while (rc == 0 && (more = margin_next_sum(&in, &key, &events)) > 0)
        rc = t->sum(t->ctx, (uint16_t)(key >> bits), (uint32_t)(key & ((1U << bits) - 1)), events,
                    events >= least);
    return more < 0 ? more : rc;
}

static int take_untold(const struct margin_take *t, struct bytes in)
{
    uint64_t key = 0, events;
    int rc = 0, more = 0;

    while (rc == 0 && (more = margin_next_sum(&in, &key, &events)) > 0)
        rc = t->sum(t->ctx, (uint16_t)(key >> PORT_KEY_BITS),
                    (uint32_t)(key & ((1U << PORT_KEY_BITS) - 1)), events, false);
    return more < 0 ? more : rc;
}

static int take_sketches(const struct margin_take *t, const struct margin_parts *parts)
{
    struct bytes in = t->by_country ? parts->country_sketches : parts->port_sketches, sketch;
    uint64_t key = 0;
    int rc = 0, more = 0;

    if (t->total)
        rc = t->total(t->ctx, parts->total.p, (size_t)(parts->total.end - parts->total.p));
    while (t->sketch && rc == 0 && (more = margin_next_sketch(&in, &key, &sketch)) > 0)
        rc = t->sketch(t->ctx, (uint32_t)key, sketch.p, (size_t)(sketch.end - sketch.p));
    return more < 0 ? more : rc;
}

/* A margin that tells a whole hour of the span is believed; of any other hour its sketches are
 * taken where sources that they tell of are gone. */
static int take_margin(struct margins *x, int64_t hour, bool whole, bool lean, const void *data,
                       size_t n)
{
    struct margin_parts parts;
    int rc = margin_open(&parts, data, n);

    if (rc == 0 && whole)
        rc = take_gap(x, hour);
    if (rc == 0 && whole && x->take->sum)
        rc = take_sums(x->take, x->take->by_country ? parts.countries : parts.ports, false);
    if (rc == 0 && (whole || lean))
        rc = take_sketches(x->take, &parts);
    if (whole)
        x->at = hour + HOUR_S;
    return rc == -EBADMSG ? delta_damaged(x->s, FACT_MARGIN, hour) : rc;
}

/* Sketches of days past, whole days, that no row of a day tells. */
static int take_days(struct margins *x, int64_t to)
{
    sqlite3_stmt *q =
        db_statement(x->s, "SELECT start, data FROM segment WHERE kind = 5 AND sensor = ?"
                           " AND start > ?2 - 86400 AND start < ?3 AND NOT (start >= ?2 AND start"
                           " <= ?3 - 86400 AND EXISTS (SELECT 1 FROM day d WHERE d.sensor ="
                           " segment.sensor AND d.start = segment.start))");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, x->sensor);
        sqlite3_bind_int64(q, 2, x->at);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(x->s, q)) > 0) {
        struct margin_parts parts;
        rc = margin_open(&parts, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1));
        if (rc == 0)
            rc = take_sketches(x->take, &parts);
        if (rc == -EBADMSG)
            rc = delta_damaged(x->s, FACT_DAY, sqlite3_column_int64(q, 0));
        if (rc)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

/* Hour by hour, up to `until`. */
static int take_hours(struct margins *x, int64_t until)
{
    sqlite3_stmt *q = db_statement(
        x->s, "SELECT start, data, EXISTS (SELECT 1 FROM unfolded u WHERE u.sensor = segment.sensor"
              " AND u.hour = start), EXISTS (SELECT 1 FROM lean l WHERE l.sensor = segment.sensor"
              " AND l.hour = start) FROM segment WHERE kind = 4 AND sensor = ? AND start > ?"
              " AND start < ? ORDER BY start");
    const int64_t from = x->at;
    int rc;

    if (from >= until)
        return 0;
    if (q) {
        sqlite3_bind_int64(q, 1, x->sensor);
        sqlite3_bind_int64(q, 2, from - HOUR_S);
        sqlite3_bind_int64(q, 3, until);
    }
    while ((rc = db_step(x->s, q)) > 0) {
        int64_t hour = sqlite3_column_int64(q, 0);
        bool whole = hour >= from && hour + HOUR_S <= until && !sqlite3_column_int(q, 2);
        rc = take_margin(x, hour, whole, sqlite3_column_int(q, 3), sqlite3_column_blob(q, 1),
                         (size_t)sqlite3_column_bytes(q, 1));
        if (rc)
            break;
    }
    if (rc == 0)
        rc = take_gap(x, until);
    sqlite3_reset(q);
    return rc;
}

static struct bytes column_bytes(sqlite3_stmt *q, int column)
{
    const uint8_t *p = sqlite3_column_blob(q, column);
    return (struct bytes){p, p + sqlite3_column_bytes(q, column), false};
}

/* Reads no column that isn't asked for: the large ones are behind the others. */
static int take_day(const struct margin_take *t, sqlite3_stmt *q)
{
    struct margin_parts parts = {0};
    int rc = 0;

    if (t->sum && t->by_country)
        rc = take_sums(t, column_bytes(q, 1), true);
    else if (t->sum)
        rc = take_sums(t, column_bytes(q, 4), true);
    if (rc == 0 && t->sum && !t->by_country)
        rc = take_untold(t, column_bytes(q, 5));
    if (t->total)
        parts.total = column_bytes(q, 2);
    if (t->sketch && t->by_country)
        parts.country_sketches = column_bytes(q, 3);
    else if (t->sketch)
        parts.port_sketches = column_bytes(q, 6);
    return rc ? rc : take_sketches(t, &parts);
}

/* Days of the span that have a row, and the hours before them. */
static int take_whole_days(struct margins *x, int64_t to)
{
    sqlite3_stmt *q = db_statement(
        x->s, "SELECT start, countries, total, country_sketches, ports, untold, port_sketches"
              " FROM day WHERE sensor = ? AND start >= ? AND start <= ? ORDER BY start");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, x->sensor);
        sqlite3_bind_int64(q, 2, x->at);
        sqlite3_bind_int64(q, 3, to - DAY_S);
    }
    while ((rc = db_step(x->s, q)) > 0) {
        int64_t day = sqlite3_column_int64(q, 0);
        rc = take_hours(x, day);
        if (rc == 0)
            rc = take_day(x->take, q);
        x->at = day + DAY_S;
        if (rc == -EBADMSG)
            rc = delta_damaged(x->s, FACT_DAY, day);
        if (rc)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

int store_read_margins(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       const struct margin_take *take)
{
    struct margins x = {s, take, sensor, from};
    int rc = take->total || take->sketch ? take_days(&x, to) : 0;

    if (rc == 0)
        rc = take_whole_days(&x, to);
    return rc ? rc : take_hours(&x, to);
}

int store_sources_whole(struct store *s, uint16_t sensor, int64_t from, int64_t to, bool *whole)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT 1 FROM lean WHERE sensor = ? AND hour > ? AND hour < ? LIMIT 1");

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from - HOUR_S);
        sqlite3_bind_int64(q, 3, to);
    }
    int rc = db_step(s, q);
    *whole = rc == 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
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
