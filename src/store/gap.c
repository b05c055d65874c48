#include "store/gap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/db.h"

static const struct {
    const char *name;
    bool blind;
    int apart_s;
} reasons[GAP_REASON_COUNT] = {
#define X(id, name, blind, apart) {name, blind, apart},
    GAP_REASONS(X)
#undef X
};

const char *gap_reason_name(enum gap_reason reason)
{
    return reasons[reason].name;
}

int gap_reason_parse(struct str name, enum gap_reason *out)
{
    for (int i = 0; i < GAP_REASON_COUNT; i++)
        if (str_eq(str_from(reasons[i].name), name)) {
            *out = (enum gap_reason)i;
            return 0;
        }
    return -EINVAL;
}

/* ---- text ---- */

/* The length of the character at p (RFC 3629), 0 for what can't be printed or is none. */
static size_t printable(const unsigned char *p)
{
    size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) /* C0, DEL, C1 */
        return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void clean_text(const char *text, char out[GAP_TEXT_MAX])
{
    const unsigned char *p = (const unsigned char *)(text ? text : "");
    size_t n = 0;

    while (*p) {
        size_t len = printable(p), take = len ? len : 1;
        if (n + take >= GAP_TEXT_MAX)
            break;
        memcpy(out + n, len ? (const char *)p : "?", take);
        n += take;
        p += take;
    }
    out[n] = 0;
}

/* ---- writing ---- */

static void bind_gap(sqlite3_stmt *q, const struct gap *g)
{
    if (!q)
        return;
    sqlite3_bind_int64(q, 1, g->sensor);
    sqlite3_bind_int64(q, 2, g->from);
    sqlite3_bind_int64(q, 3, g->to);
    sqlite3_bind_text(q, 4, reasons[g->reason].name, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 5, g->input, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 6, g->text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 7, (int64_t)g->lost);
    sqlite3_bind_int64(q, 8, reasons[g->reason].blind);
}

#define SAME_GAPS                                                                          \
    " FROM gap WHERE sensor = ?1 AND last >= ?2 - ?7 AND first <= ?3 + ?7 AND reason = ?4" \
    " AND input = ?5 AND text = ?6"

/* Those that touch the new one are joined with it. No two of them touch each other. */
static int insert_joined(struct store *s, struct gap g)
{
    static const char *const sql[] = {"SELECT min(first), max(last), sum(lost)" SAME_GAPS,
                                      "DELETE" SAME_GAPS};
    struct gap all = g;
    int rc = 0;

    for (size_t i = 0; i < 2 && rc == 0; i++) {
        sqlite3_stmt *q = db_statement(s, sql[i]);
        bind_gap(q, &g);
        if (q)
            sqlite3_bind_int64(q, 7, reasons[g.reason].apart_s);
        rc = db_step(s, q);
        if (rc > 0 && sqlite3_column_type(q, 0) != SQLITE_NULL) {
            int64_t first = sqlite3_column_int64(q, 0), last = sqlite3_column_int64(q, 1);
            all.from = first < g.from ? first : g.from;
            all.to = last > g.to ? last : g.to;
            all.lost += (uint64_t)sqlite3_column_int64(q, 2);
        }
        rc = rc < 0 ? rc : 0;
        if (q)
            sqlite3_reset(q);
    }
    if (rc < 0)
        return rc;
    sqlite3_stmt *q =
        db_statement(s, "INSERT INTO gap (sensor, first, last, reason, input, text, lost, blind)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    bind_gap(q, &all);
    return db_run(s, q, 0, NULL);
}

struct pieces {
    struct gap *list;
    size_t n;
    struct gap rest;
};

static void put_piece(struct pieces *x, int64_t to)
{
    x->list = xrealloc(x->list, x->n + 1, sizeof *x->list);
    x->list[x->n] = x->rest;
    x->list[x->n++].to = to;
    x->rest.lost = 0; /* all of it stands with the first */
}

static int leave_out(void *ctx, int64_t first, int64_t last)
{
    struct pieces *x = ctx;

    if (first > x->rest.from)
        put_piece(x, first - 1);
    x->rest.from = last + 1;
    return 0;
}

/* What of it nobody watched. */
static int insert_blind(struct store *s, const struct gap *g)
{
    struct pieces x = {.rest = *g};
    int rc = store_read_watched(s, g->sensor, g->from, g->to + 1, leave_out, &x);

    if (x.rest.from <= g->to)
        put_piece(&x, g->to);
    for (size_t i = 0; i < x.n && rc == 0; i++)
        rc = insert_joined(s, x.list[i]);
    free(x.list);
    return rc;
}

static int insert_of_all(struct store *s, struct gap g)
{
    const struct sensor *list;
    size_t n;
    int rc = store_sensors(s, &list, &n);

    for (size_t i = 0; i < n && rc == 0; i++) {
        g.sensor = list[i].id;
        rc = insert_blind(s, &g);
    }
    return rc;
}

int store_put_gap(struct store *s, const struct gap *g)
{
    char input[GAP_TEXT_MAX], text[GAP_TEXT_MAX];
    struct gap clean = *g;
    bool own;

    ASSERT(g->reason < GAP_REASON_COUNT);
    if (g->from > g->to)
        return 0;
    clean_text(g->input, input);
    clean_text(g->text, text);
    clean.input = input;
    clean.text = text;
    int rc = db_begin(s, &own);
    if (rc < 0)
        return rc;
    if (!reasons[g->reason].blind)
        rc = insert_joined(s, clean);
    else if (g->sensor)
        rc = insert_blind(s, &clean);
    else
        rc = insert_of_all(s, clean);
    return db_end(s, own, rc);
}

int store_put_stopped(struct store *s, const char *paths, int64_t now)
{
    struct gap list[SENSORS_MAX + 1];
    size_t n = 0;
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    sqlite3_stmt *q = db_statement(
        s, "SELECT sensor, max(last) FROM coverage WHERE sensor IN (SELECT x.sensor FROM"
           " position_sensor x JOIN position p ON p.id = x.position WHERE p.path GLOB ?)"
           " GROUP BY sensor");
    if (q)
        sqlite3_bind_text(q, 1, paths, -1, SQLITE_STATIC);
    while ((rc = db_step(s, q)) > 0 && n <= SENSORS_MAX)
        list[n++] = (struct gap){.sensor = (uint16_t)sqlite3_column_int(q, 0),
                                 .reason = GAP_STOPPED,
                                 .from = sqlite3_column_int64(q, 1) + 1,
                                 .to = now - 1};
    if (q)
        sqlite3_reset(q);
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = store_put_gap(s, &list[i]);
    return db_end(s, own, rc);
}

/* ---- cutting ---- */

/* Which gaps of a sensor are meant: blind ones, those of one reason, or all but one. */
#define MEANT                                                                     \
    " sensor = ?1 AND (?4 IS NULL OR blind = ?4) AND (?5 IS NULL OR reason = ?5)" \
    " AND (?6 IS NULL OR reason <> ?6) AND (?7 IS NULL OR input = ?7)"

struct meant {
    bool blind;
    const char *reason, *but, *input; /* NULL: any */
};

/* As prune.c cuts what was watched. */
static int cut(struct store *s, uint16_t sensor, int64_t from, int64_t to, const struct meant *m)
{
    static const char *const sql[] = {
        "INSERT INTO gap (sensor, first, last, reason, input, text, lost, blind)"
        " SELECT sensor, ?3 + 1, last, reason, input, text, CASE WHEN first < ?2 THEN 0 ELSE lost "
        "END, blind FROM gap WHERE first <= ?3 AND last > ?3 AND" MEANT,
        "UPDATE gap SET last = ?2 - 1 WHERE first < ?2 AND last >= ?2 AND first <= ?3 AND" MEANT,
        "DELETE FROM gap WHERE first >= ?2 AND first <= ?3 AND" MEANT};
    int rc = 0;

    for (size_t i = 0; i < 3 && rc == 0; i++) {
        sqlite3_stmt *q = db_statement(s, sql[i]);
        if (q && m->blind)
            sqlite3_bind_int64(q, 4, 1);
        if (q && m->reason)
            sqlite3_bind_text(q, 5, m->reason, -1, SQLITE_STATIC);
        if (q && m->but)
            sqlite3_bind_text(q, 6, m->but, -1, SQLITE_STATIC);
        if (q && m->input)
            sqlite3_bind_text(q, 7, m->input, -1, SQLITE_STATIC);
        rc = db_run(s, q, 3, (int64_t[]){sensor, from, to});
    }
    return rc;
}

int store_cut_gap(struct store *s, uint16_t sensor, enum gap_reason reason, const char *input,
                  int64_t from, int64_t to)
{
    char clean[GAP_TEXT_MAX];
    struct meant m = {.reason = reasons[reason].name, .input = input ? clean : NULL};
    bool own;

    clean_text(input, clean);
    int rc = db_begin(s, &own);
    return rc < 0 ? rc : db_end(s, own, cut(s, sensor, from, to, &m));
}

int gap_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    return cut(s, sensor, from, to, &(struct meant){.blind = true});
}

int gap_prune(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    return cut(s, sensor, from, to, &(struct meant){.but = reasons[GAP_NOTE].name});
}

/* ---- reading ---- */

int store_read_gaps(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_gap_cb cb,
                    void *ctx)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT sensor, first, last, reason, input, text, lost FROM gap WHERE (?1 = 0 OR sensor "
           "IN (0, ?1)) AND last >= ?2 AND first < ?3 ORDER BY first, sensor, id");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0) {
        struct gap g = {.sensor = (uint16_t)sqlite3_column_int(q, 0),
                        .from = sqlite3_column_int64(q, 1),
                        .to = sqlite3_column_int64(q, 2),
                        .input = (const char *)sqlite3_column_text(q, 4),
                        .text = (const char *)sqlite3_column_text(q, 5),
                        .lost = (uint64_t)sqlite3_column_int64(q, 6)};
        const char *reason = (const char *)sqlite3_column_text(q, 3);
        /* One that this version doesn't know is none of its own. */
        if (gap_reason_parse(str_from(reason ? reason : ""), &g.reason) == 0 &&
            (rc = cb(ctx, &g)) != 0)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

int store_read_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       int (*cb)(void *ctx, int64_t first, int64_t last), void *ctx)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT first, last FROM coverage WHERE (?1 = 0 OR sensor = ?1) AND last >= ?2"
           " AND first < ?3 ORDER BY first");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0)
        if ((rc = cb(ctx, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1))) != 0)
            break;
    if (q)
        sqlite3_reset(q);
    return rc;
}
