/* Thinning: facts grow coarser with age, or for want of room, and in the end go. Which days and hours
 * are still to be thinned is told by the rows that are there, so facts that come late are thinned
 * again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/bound.h"
#include "store/delta.h"
#include "store/repeats.h"
#include "store/rules.h"

/* A source and its events of a day. */
struct heavy {
    struct ip source;
    uint64_t events;
};

enum {
    DAY_S = 24 * HOUR_S,
    HEAVY_FULL = 4000000,  /* of the list: then it is summed up */
    HEAVY_KEPT = 500000,   /* of them the most */
    PLACE_BYTES = 64 << 10 /* what a place costs besides what is read of it */
};

struct thinning {
    struct store *s;
    struct segment_writer writer, bounded;
    struct delta rows;
    struct heavy *list;
    size_t n, cap;
    struct buf buf;
    struct repeats *repeats; /* made when it is needed first */
    const struct rules *rules;
    size_t left;       /* bytes that this slice may still read */
    bool more;         /* than it could do */
    uint64_t used_max; /* no more is thinned than it takes to have no more in use */
    int64_t reached;   /* places that begin before it were thinned */
};

/* ---- what there is to do ---- */

/* The places that a query with one time gives. */
static int list_places(struct store *s, const char *sql, int64_t before, struct db_place **list,
                       size_t *n)
{
    sqlite3_stmt *q = db_statement(s, sql);

    if (q)
        sqlite3_bind_int64(q, 1, before);
    return db_places(s, q, list, n);
}

static void spend(struct thinning *x, size_t bytes)
{
    x->left -= bytes < x->left ? bytes : x->left;
}

/* All rows of a start, which the slice pays for. */
static int load(struct thinning *x, int kind, uint16_t sensor, int64_t start)
{
    size_t known = x->rows.n;
    int rc = delta_load(x->s, kind, sensor, start, &x->rows);

    for (size_t i = known; i < x->rows.n; i++)
        spend(x, x->rows.list[i].n);
    return rc;
}

/* Whether so much is in use that more has to go. */
static int is_over(struct thinning *x, bool *over)
{
    struct store_size size = {0};
    int rc = x->used_max ? store_size(x->s, &size) : 0;

    *over = x->used_max == 0 || size.used > x->used_max;
    return rc;
}

/* A transaction a place, the oldest first, as many as the slice has room for. */
static int each_place(struct thinning *x, const char *sql, int64_t before,
                      int (*thin)(struct thinning *x, uint16_t sensor, int64_t start))
{
    struct db_place *list = NULL;
    size_t n = 0, i = 0;
    bool over = true;
    int rc = x->more ? 0 : list_places(x->s, sql, before, &list, &n);

    for (; i < n && rc == 0 && x->left > 0; i++) {
        bool own;
        if ((rc = is_over(x, &over)) < 0 || !over)
            break;
        rc = db_begin(x->s, &own);
        if (rc == 0)
            rc = thin(x, list[i].sensor, list[i].start);
        if (rc == 0)
            FAULT("thinned");
        rc = own ? db_end(x->s, own, rc) : rc;
        spend(x, PLACE_BYTES);
        x->reached = list[i].start + 1;
    }
    x->more |= i < n && over;
    free(list);
    return rc;
}

/* ---- a day's sources ---- */

static int by_source(const void *a, const void *b)
{
    const struct heavy *x = a, *y = b;
    return ip_compare(&x->source, &y->source);
}

static int by_events(const void *a, const void *b)
{
    const struct heavy *x = a, *y = b;

    if (x->events != y->events)
        return x->events > y->events ? -1 : 1;
    return ip_compare(&x->source, &y->source);
}

/* Each source once; no more of them than `kept`, those with the most events; ordered by source. */
static void sum_up(struct thinning *x, size_t kept)
{
    size_t unique = 0;

    if (x->n == 0)
        return;
    qsort(x->list, x->n, sizeof *x->list, by_source);
    for (size_t i = 0; i < x->n; i++) {
        if (unique && ip_compare(&x->list[unique - 1].source, &x->list[i].source) == 0)
            x->list[unique - 1].events += x->list[i].events;
        else
            x->list[unique++] = x->list[i];
    }
    x->n = unique;
    if (x->n <= kept)
        return;
    qsort(x->list, x->n, sizeof *x->list, by_events);
    x->n = kept;
    qsort(x->list, x->n, sizeof *x->list, by_source);
}

static int take_heavy(void *ctx, const union fact *f)
{
    struct thinning *x = ctx;

    if (x->n && ip_compare(&x->list[x->n - 1].source, &f->source.source) == 0) {
        x->list[x->n - 1].events += f->source.events;
        return 0;
    }
    if (x->n >= HEAVY_FULL)
        sum_up(x, HEAVY_KEPT);
    if (x->n == x->cap)
        x->list = xrealloc(x->list, x->cap = x->cap * 2 + 1024, sizeof *x->list);
    x->list[x->n++] = (struct heavy){f->source.source, f->source.events};
    return 0;
}

static int keep_heavy(void *ctx, const union fact *f)
{
    struct thinning *x = ctx;
    struct heavy key = {.source = f->source.source};

    if (x->n && bsearch(&key, x->list, x->n, sizeof *x->list, by_source))
        segment_put_source(&x->writer, &f->source);
    else if (!rules_is_excluded(x->rules, rules_of(x->rules, &f->source)))
        repeats_take(x->repeats, &f->source, 1);
    return 0;
}

static int read_sources(struct thinning *x, uint16_t sensor, int64_t hour,
                        int (*cb)(void *ctx, const union fact *f))
{
    delta_clear(&x->rows);
    int rc = load(x, FACT_SOURCE, sensor, hour);
    if (rc == 0)
        rc = merge_segments(FACT_SOURCE, sensor, hour, x->rows.list, x->rows.n, cb, x);
    return rc == -EBADMSG ? delta_damaged(x->s, FACT_SOURCE, hour) : rc;
}

static struct repeats *fresh_repeats(struct thinning *x)
{
    if (!x->repeats)
        x->repeats = repeats_new();
    repeats_begin(x->repeats);
    return x->repeats;
}

/* What is left of the hour's sources takes the place of all, with the repeats of those that went. */
static int put_heavy(struct thinning *x, uint16_t sensor, int64_t hour)
{
    bool ignored;
    int rc = delta_replace(x->s, FACT_SOURCE, sensor, hour, x->writer.events,
                           segment_finish(&x->writer));

    if (rc == 0)
        rc = repeats_load(x->s, x->repeats, sensor, hour, &ignored);
    if (rc == 0)
        rc = repeats_save(x->s, x->repeats, sensor, hour);
    return rc < 0 ? rc
                  : db_exec(x->s, "INSERT OR IGNORE INTO lean (sensor, hour) VALUES (?, ?)", sensor,
                            hour);
}

static int thin_sources(struct thinning *x, uint16_t sensor, int64_t day)
{
    int rc = store_rules(x->s, &x->rules);

    x->n = 0;
    for (int64_t hour = day; hour < day + DAY_S && rc == 0; hour += HOUR_S)
        rc = read_sources(x, sensor, hour, take_heavy);
    sum_up(x, KEEP_DAY_SOURCES);
    for (int64_t hour = day; hour < day + DAY_S && rc == 0; hour += HOUR_S) {
        segment_begin(&x->writer, FACT_SOURCE);
        fresh_repeats(x);
        rc = read_sources(x, sensor, hour, keep_heavy);
        if (rc == 0 && x->rows.n > 0)
            rc = put_heavy(x, sensor, hour);
    }
    return rc;
}

/* ---- a day's sketches ---- */

/* Joins the rows' sketches into m; those of an hour leave its margin. */
static int move_sketches(struct thinning *x, struct margin *m, int kind, uint16_t sensor,
                         int64_t start)
{
    delta_clear(&x->rows);
    int rc = load(x, kind, sensor, start);
    for (size_t i = 0; i < x->rows.n && rc == 0; i++) {
        const struct blob *b = &x->rows.list[i];
        rc = margin_join(m, b->p, b->n);
        if (rc == 0 && kind == FACT_MARGIN) {
            x->buf.n = 0;
            rc = margin_strip(b->p, b->n, &x->buf);
        }
        if (rc == 0 && kind == FACT_MARGIN)
            rc = delta_replace(x->s, kind, sensor, start, 0, &x->buf);
    }
    return rc == -EBADMSG ? delta_damaged(x->s, kind, start) : rc;
}

static int thin_sketches(struct thinning *x, uint16_t sensor, int64_t day)
{
    struct margin *m = margin_new();
    int rc = move_sketches(x, m, FACT_DAY, sensor, day);

    for (int64_t hour = day; hour < day + DAY_S && rc == 0; hour += HOUR_S)
        rc = move_sketches(x, m, FACT_MARGIN, sensor, hour);
    if (rc == 0)
        rc = delta_replace(x->s, FACT_DAY, sensor, day, 0, margin_finish(m));
    margin_free(m);
    return rc;
}

static int thin_day(struct thinning *x, uint16_t sensor, int64_t day)
{
    int rc = thin_sources(x, sensor, day);

    FAULT("thin");
    if (rc == 0)
        rc = thin_sketches(x, sensor, day);
    return rc < 0 ? rc
                  : db_exec(x->s,
                            "DELETE FROM segment WHERE kind = 3 AND sensor = ?1 AND start >= ?2"
                            " AND start < ?2 + 86400",
                            sensor, day);
}

/* ---- bins to hours ---- */

static int take_bin(void *ctx, const union fact *f)
{
    struct thinning *x = ctx;

    segment_put_bin(&x->writer, f->bin.rule, f->bin.class, f->bin.port, f->bin.country,
                    f->bin.events);
    return 0;
}

static int sum_repeats(struct thinning *x, uint16_t sensor, int64_t hour)
{
    bool any;
    int rc = repeats_load(x->s, fresh_repeats(x), sensor, hour, &any);

    if (rc < 0 || !any)
        return rc;
    repeats_sum_hour(x->repeats);
    return repeats_save(x->s, x->repeats, sensor, hour);
}

static int thin_hour(struct thinning *x, uint16_t sensor, int64_t hour)
{
    int rc = 0;

    delta_clear(&x->rows);
    for (int i = 0; i < HOUR_BINS && rc == 0; i++)
        rc = load(x, FACT_BIN, sensor, hour + i * BIN_S);
    if (rc < 0)
        return rc;
    segment_begin(&x->writer, FACT_BIN);
    rc = merge_segments(FACT_BIN, sensor, hour, x->rows.list, x->rows.n, take_bin, x);
    if (rc < 0)
        return rc == -EBADMSG ? delta_damaged(x->s, FACT_BIN, hour) : rc;
    struct buf *b = segment_finish(&x->writer);
    uint64_t events = x->writer.events;
    if (bound_bin(b->p, b->n, &x->bounded) > 0)
        b = segment_finish(&x->bounded);
    rc = db_exec(x->s,
                 "DELETE FROM segment WHERE kind = 1 AND sensor = ?1 AND start > ?2"
                 " AND start < ?2 + 3600",
                 sensor, hour);
    if (rc == 0)
        rc = delta_replace(x->s, FACT_BIN, sensor, hour, events, b);
    return rc < 0 ? rc : sum_repeats(x, sensor, hour);
}

/* ---- what goes ---- */

/* What was watched before, or why not, and bursts; a span that reaches past it is cut. */
static int drop_watched(struct thinning *x, uint16_t sensor, int64_t before)
{
    int rc = db_exec(x->s, "DELETE FROM coverage WHERE sensor = ? AND last < ?", sensor, before);

    if (rc == 0)
        rc = db_exec(x->s, "DELETE FROM gap WHERE sensor = ? AND last < ?", sensor, before);
    if (rc == 0)
        rc = db_exec(x->s, "DELETE FROM burst WHERE sensor = ? AND last < ?", sensor, before);
    return rc < 0 ? rc
                  : db_exec(x->s, "UPDATE coverage SET first = ?2 WHERE sensor = ?1 AND first < ?2",
                            sensor, before);
}

/* The oldest that there is of the sensor. */
static int drop_day(struct thinning *x, uint16_t sensor, int64_t day)
{
    int rc = 0;

    for (int kind = FACT_BIN; kind <= FACT_REPEATS && rc == 0; kind++)
        rc = db_exec(x->s,
                     "DELETE FROM segment WHERE kind = ?1 AND sensor = ?2 AND start >= ?3"
                     " AND start < ?3 + 86400",
                     kind, sensor, day);
    if (rc == 0)
        rc = db_exec(x->s, "DELETE FROM unfolded WHERE sensor = ?1 AND hour < ?2 + 86400", sensor,
                     day);
    if (rc == 0)
        rc = db_exec(x->s, "DELETE FROM lean WHERE sensor = ?1 AND hour < ?2 + 86400", sensor, day);
    return rc < 0 ? rc : drop_watched(x, sensor, day + DAY_S);
}

/* ---- whether the clock is right ---- */

enum {
    WITNESS_DAYS = FAULT_LIMIT(4, 1), /* with facts, at or before what the clock shows */
    WITNESS_SLACK_DAYS = 7            /* so far the clock may be past the first of them */
};

/* The newest time at which any sensor has events before `before`; INT64_MIN: none. */
static int newest_bin(struct store *s, int64_t before, int64_t *newest)
{
    sqlite3_stmt *q = db_statement(
        s,
        "SELECT max((SELECT max(start) FROM segment WHERE kind = 1 AND segment.sensor = sensor.id"
        " AND start < ?1)) FROM sensor");

    if (q)
        sqlite3_bind_int64(q, 1, before);
    int rc = db_step(s, q);
    *newest =
        rc > 0 && sqlite3_column_type(q, 0) != SQLITE_NULL ? sqlite3_column_int64(q, 0) : INT64_MIN;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_believe(struct store *s, int64_t now, int64_t *believed)
{
    int64_t day = now + 1;
    int rc = 0;

    for (int i = 0; i < WITNESS_DAYS && rc == 0 && day > INT64_MIN; i++) {
        rc = newest_bin(s, day, &day);
        day -= day == INT64_MIN ? 0 : day % DAY_S;
    }
    *believed = day == INT64_MIN                         ? 0
                : day + WITNESS_SLACK_DAYS * DAY_S < now ? day + WITNESS_SLACK_DAYS * DAY_S
                                                         : now;
    return rc;
}

/* ---- all of it ---- */

/* Small where a small log is to pass all of it. */
enum {
    SOURCES_DAYS = FAULT_LIMIT(KEEP_SOURCES_DAYS, 1),
    BINS_DAYS = FAULT_LIMIT(KEEP_BINS_DAYS, 2)
};

static int64_t days_before(int64_t now, int days)
{
    return now - now % DAY_S - (int64_t)days * DAY_S;
}

static void thinning_fini(struct thinning *x)
{
    segment_writer_fini(&x->writer);
    segment_writer_fini(&x->bounded);
    delta_fini(&x->rows);
    buf_fini(&x->buf);
    repeats_free(x->repeats);
    free(x->list);
}

static const char days_to_drop[] =
    "SELECT DISTINCT sensor, start - start % 86400 FROM segment WHERE start < ?1 ORDER BY 2, 1";

static const char days_to_thin[] =
    "SELECT DISTINCT sensor, start - start % 86400 FROM segment WHERE start < ?1"
    " AND (kind = 3 OR (kind = 2 AND NOT EXISTS (SELECT 1 FROM lean"
    "  WHERE lean.sensor = segment.sensor AND lean.hour = start)))"
    " AND NOT EXISTS (SELECT 1 FROM unfolded WHERE unfolded.sensor = segment.sensor"
    "  AND hour >= start - start % 86400 AND hour < start - start % 86400 + 86400) ORDER BY 2, 1";

static const char hours_to_thin[] =
    "SELECT DISTINCT sensor, start - start % 3600 FROM segment WHERE kind = 1"
    " AND start < ?1 AND start % 3600 <> 0 ORDER BY 2, 1";

static const char sensors_watched[] =
    "SELECT sensor, ?1 FROM coverage WHERE first < ?1 UNION SELECT sensor, ?1 FROM gap"
    " WHERE last < ?1 UNION SELECT sensor, ?1 FROM burst WHERE last < ?1";

static int thin_all(struct thinning *x, int64_t now)
{
    int64_t gone = days_before(now, KEEP_HOURS_DAYS);
    int rc = each_place(x, days_to_drop, gone, drop_day);

    if (rc == 0)
        rc = each_place(x, sensors_watched, gone, drop_watched);
    if (rc == 0)
        rc = each_place(x, days_to_thin, days_before(now, SOURCES_DAYS), thin_day);
    if (rc == 0)
        rc = each_place(x, hours_to_thin, days_before(now, BINS_DAYS), thin_hour);
    return rc;
}

int store_thin_slice(struct store *s, int64_t now, size_t bytes, bool *more)
{
    struct thinning x = {.s = s, .left = bytes};
    int64_t believed;
    int rc = store_believe(s, now, &believed);

    if (rc == 0)
        rc = thin_all(&x, believed);
    *more = rc == 0 && x.more;
    thinning_fini(&x);
    return rc;
}

int store_thin(struct store *s, int64_t now)
{
    bool more;
    return store_thin_slice(s, now, SIZE_MAX, &more);
}

/* ---- for want of room ---- */

static int64_t pragma(struct store *s, const char *sql)
{
    sqlite3_stmt *q = db_statement(s, sql);
    int64_t v = db_step(s, q) > 0 ? sqlite3_column_int64(q, 0) : -1;

    if (q)
        sqlite3_reset(q);
    return v;
}

int store_size(struct store *s, struct store_size *out)
{
    int64_t page = pragma(s, "PRAGMA page_size"), all = pragma(s, "PRAGMA page_count"),
            unused = pragma(s, "PRAGMA freelist_count");

    if (page < 0 || all < 0 || unused < 0)
        return -EIO;
    *out = (struct store_size){(uint64_t)((all - unused) * page), (uint64_t)(unused * page)};
    return 0;
}

static int shed_stage(struct thinning *x, const char *sql, int64_t now, int days,
                      int (*thin)(struct thinning *x, uint16_t sensor, int64_t start),
                      int64_t *reached)
{
    x->reached = 0;
    int rc = each_place(x, sql, days_before(now, days), thin);
    *reached = x->reached > *reached ? x->reached : *reached;
    return rc;
}

int store_shed_slice(struct store *s, int64_t now, uint64_t used_max, size_t bytes,
                     struct store_shed *shed, bool *more)
{
    struct thinning x = {.s = s, .left = bytes, .used_max = used_max ? used_max : 1};
    int64_t believed;
    int rc = store_believe(s, now, &believed);

    if (rc == 0)
        rc = shed_stage(&x, days_to_thin, believed, SHED_SOURCES_DAYS, thin_day, &shed->sources);
    if (rc == 0)
        rc = shed_stage(&x, hours_to_thin, believed, SHED_BINS_DAYS, thin_hour, &shed->bins);
    if (rc == 0)
        rc = shed_stage(&x, days_to_drop, believed, SHED_ALL_DAYS, drop_day, &shed->all);
    *more = rc == 0 && x.more;
    thinning_fini(&x);
    return rc;
}

static int sum_older(struct store *s, const char *sql, int64_t before, uint64_t *bytes)
{
    sqlite3_stmt *q = db_statement(s, sql);

    if (q)
        sqlite3_bind_int64(q, 1, before);
    int rc = db_step(s, q);
    *bytes = rc > 0 ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_sheddable(struct store *s, int64_t now, struct store_sheddable *out)
{
    static const char sources[] =
        "SELECT sum(length(data)) FROM segment WHERE kind IN (2, 3) AND start < ? AND NOT EXISTS"
        " (SELECT 1 FROM lean WHERE lean.sensor = segment.sensor AND hour = start)";
    static const char bins[] =
        "SELECT sum(length(data)) FROM segment WHERE kind = 1 AND start % 3600 <> 0 AND start < ?";
    static const char all[] = "SELECT sum(length(data)) FROM segment WHERE start < ?";
    int64_t believed;
    int rc = store_believe(s, now, &believed);

    if (rc == 0)
        rc = sum_older(s, sources, days_before(believed, SHED_SOURCES_DAYS), &out->sources);
    if (rc == 0)
        rc = sum_older(s, bins, days_before(believed, SHED_BINS_DAYS), &out->bins);
    return rc < 0 ? rc : sum_older(s, all, days_before(believed, SHED_ALL_DAYS), &out->all);
}

int store_compact(struct store *s)
{
    return db_script(s, "VACUUM");
}

int store_shed_pairs(struct store *s, int64_t before, uint64_t *dropped, uint64_t *all)
{
    *all = (uint64_t)pragma(s, "SELECT count(*) FROM pair");
    int rc = db_exec(s, "DELETE FROM pair WHERE used < ?", before);
    *dropped = rc == 0 ? (uint64_t)sqlite3_changes(s->db) : 0;
    return rc;
}
