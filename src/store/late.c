/* Which series have to be made again, and the rest of what the facts know of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/db.h"
#include "store/segment.h"

enum { LATE_ROWS_MAX = 256 }; /* of a sensor; more, and all of its series are made again */

/* ---- noting ---- */

/* Whether series were written past the bin; then the commit is counted as late. */
static int count_late(struct store *s, uint16_t sensor, int64_t start, bool *late)
{
    int rc = db_exec(s, "UPDATE series SET late = late + 1 WHERE sensor = ? AND written > ?",
                     sensor, start);

    *late = rc == 0 && sqlite3_changes(s->db) > 0;
    return rc;
}

/* One row that stands for all series, in place of those there are. Its id is above theirs: whoever
 * has read those sees a new one. */
static int touch_all(struct store *s, uint16_t sensor)
{
    int rc = db_exec(s, "INSERT INTO late (sensor, start) VALUES (?, 0)", sensor);
    int64_t id = sqlite3_last_insert_rowid(s->db);

    return rc < 0 ? rc : db_exec(s, "DELETE FROM late WHERE sensor = ? AND id < ?", sensor, id);
}

int late_note_all(struct store *s, uint16_t sensor, int64_t start)
{
    bool late;
    int rc = count_late(s, sensor, start, &late);

    return rc < 0 || !late ? rc : touch_all(s, sensor);
}

/* The first number that a query for one sensor (and a bin) gives. */
static int ask(struct store *s, const char *sql, uint16_t sensor, int64_t start, int64_t *answer)
{
    sqlite3_stmt *q = db_statement(s, sql);

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, start);
    }
    int rc = db_step(s, q);
    *answer = rc > 0 ? sqlite3_column_int64(q, 0) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

static int is_known(struct store *s, uint16_t sensor, int64_t start, int64_t *known)
{
    return ask(s,
               "SELECT EXISTS (SELECT 1 FROM segment WHERE kind = 1 AND sensor = ?1 AND start = "
               "?2) OR EXISTS (SELECT 1 FROM coverage WHERE sensor = ?1 AND last >= ?2 AND first < "
               "?2 + 300)",
               sensor, start, known);
}

int late_note(struct store *s, uint16_t sensor, int64_t start, const void *data, size_t len)
{
    bool late;
    int64_t known = 0, rows = 0, all = 0;
    int rc = count_late(s, sensor, start, &late);

    if (rc < 0 || !late)
        return rc;
    if ((rc = is_known(s, sensor, start, &known)) < 0)
        return rc;
    rc = ask(s, "SELECT count(*) FROM late WHERE sensor = ?1 AND ?2 IS NOT NULL", sensor, start,
             &rows);
    if (rc == 0)
        rc = ask(s,
                 "SELECT count(*) FROM late WHERE sensor = ?1 AND data IS NULL AND ?2 IS NOT NULL",
                 sensor, start, &all);
    if (rc < 0)
        return rc;
    /* A bin that becomes known does so in every series; and a row for all is made anew, since the
     * one that is there may have been read. */
    if (!known || all || rows >= LATE_ROWS_MAX)
        return touch_all(s, sensor);
    sqlite3_stmt *q = db_statement(s, "INSERT INTO late (sensor, start, data) VALUES (?1, ?2, ?3)");
    if (q)
        sqlite3_bind_blob64(q, 3, data, len, SQLITE_STATIC);
    rc = db_run(s, q, 2, (int64_t[]){sensor, start});
    if (q)
        sqlite3_clear_bindings(q);
    return rc;
}

int store_touch_series(struct store *s, uint16_t sensor)
{
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    rc = db_exec(s,
                 "INSERT INTO series (sensor, late) VALUES (?1, 1) ON CONFLICT (sensor) DO UPDATE "
                 "SET late = late + 1",
                 sensor);
    if (rc == 0)
        rc = touch_all(s, sensor);
    return db_end(s, own, rc);
}

/* ---- reading ---- */

static int read_segment(struct store *s, uint16_t sensor, sqlite3_stmt *q, store_bin_cb cb,
                        void *ctx)
{
    struct segment_reader r;
    struct bin_fact f;
    int rc = segment_open(&r, FACT_BIN, sensor, sqlite3_column_int64(q, 1),
                          sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2));

    while (rc >= 0 && (rc = segment_next_bin(&r, &f)) > 0)
        if ((rc = cb(ctx, &f)) != 0)
            return rc;
    if (rc < 0) {
        snprintf(s->said, sizeof s->said, "what came late of sensor %u is damaged", sensor);
        rc = -EIO;
    }
    return rc;
}

int store_read_late(struct store *s, uint16_t sensor, int64_t after, store_bin_cb cb, void *ctx,
                    int64_t *last, bool *all)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT id, start, data FROM late WHERE sensor = ? AND id > ? ORDER BY id");
    int rc;

    *last = after;
    *all = false;
    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, after);
    }
    while ((rc = db_step(s, q)) > 0) {
        *last = sqlite3_column_int64(q, 0);
        if (sqlite3_column_type(q, 2) == SQLITE_NULL)
            *all = true;
        else if ((rc = read_segment(s, sensor, q, cb, ctx)) != 0)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

int store_drop_late(struct store *s, uint16_t sensor, int64_t last, uint64_t rebuilt)
{
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    rc = db_exec(s, "DELETE FROM late WHERE sensor = ? AND id <= ?", sensor, last);
    if (rc == 0)
        rc = db_exec(s, "UPDATE series SET rebuilt = ?2 WHERE sensor = ?1", sensor,
                     (int64_t)rebuilt);
    return db_end(s, own, rc);
}

/* ---- what may not be on the disk ---- */

/* The commit is on the disk when this returns: without that, a crash of the machine could take the
 * note and leave what it is about. */
static int run_durably(struct store *s, sqlite3_stmt *q)
{
    sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    int rc = db_run(s, q, 0, NULL);
    sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return rc;
}

int store_note_unsynced(struct store *s, uint16_t sensor, const char *boot)
{
    sqlite3_stmt *q =
        db_statement(s, "UPDATE series SET unsynced = ?2 WHERE sensor = ?1 AND unsynced IS NOT ?2");

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_text(q, 2, boot, -1, SQLITE_TRANSIENT);
    }
    return run_durably(s, q);
}

int store_note_synced(struct store *s)
{
    return run_durably(
        s, db_statement(s, "UPDATE series SET unsynced = NULL WHERE unsynced IS NOT NULL"));
}

int store_touch_unsynced(struct store *s, const char *boot, size_t *n)
{
    uint16_t ids[SENSORS_MAX + 1];
    int rc;

    *n = 0;
    sqlite3_stmt *q = db_statement(s, "SELECT sensor FROM series WHERE unsynced <> ?1 LIMIT 257");
    if (q)
        sqlite3_bind_text(q, 1, boot, -1, SQLITE_TRANSIENT);
    while ((rc = db_step(s, q)) > 0)
        ids[(*n)++] = (uint16_t)sqlite3_column_int(q, 0);
    if (q)
        sqlite3_reset(q);
    for (size_t i = 0; i < *n && rc == 0; i++) {
        bool own;
        if ((rc = db_begin(s, &own)) < 0)
            break;
        rc = store_touch_series(s, ids[i]);
        if (rc == 0)
            rc = db_exec(s, "UPDATE series SET unsynced = NULL WHERE sensor = ?", ids[i]);
        rc = db_end(s, own, rc);
    }
    return rc;
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
