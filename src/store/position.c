#include <errno.h>
#include <stdio.h>

#include "store/db.h"

/* The name under which a log is known: that of the sensor which has taken the given one over. */
#define TAKEN "ifnull((SELECT sensor FROM alias WHERE name = ?1), ?1)"

static void bind_position(sqlite3_stmt *q, const struct position *p)
{
    if (!q)
        return;
    sqlite3_bind_text(q, 1, p->sensor, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(q, 2, p->head_len);
    sqlite3_bind_int64(q, 3, (int64_t)p->head_hash);
    sqlite3_bind_int64(q, 4, (int64_t)p->offset);
    sqlite3_bind_int64(q, 5, (int64_t)p->tail_hash);
    sqlite3_bind_int64(q, 6, p->last_when);
    sqlite3_bind_int64(q, 7, p->first_when);
    sqlite3_bind_text(q, 8, p->path ? p->path : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(q, 9, p->written_ns);
}

static int put_mark(struct store *s, int64_t position, uint64_t offset, uint64_t tail_hash)
{
    return db_exec(
        s, "INSERT OR REPLACE INTO position_mark (position, offset, tail_hash) VALUES (?, ?, ?)",
        position, (int64_t)offset, (int64_t)tail_hash);
}

int store_put_position(struct store *s, struct position *p, bool mark)
{
    sqlite3_stmt *q;
    int rc;

    if (p->id) {
        q = db_statement(s, "UPDATE position SET head_len = ?2, head_hash = ?3, "
                            "offset = ?4, tail_hash = ?5,"
                            " last_when = ?6, first_when = ?7, path = ?8, written_ns = ?9"
                            " WHERE id = ?10");
        bind_position(q, p);
        if (q)
            sqlite3_bind_int64(q, 10, p->id);
    } else {
        q = db_statement(s, "INSERT INTO position (sensor, head_len, head_hash, offset, tail_hash, "
                            "last_when, first_when, path, written_ns)"
                            " VALUES (" TAKEN ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        bind_position(q, p);
    }
    rc = db_run(s, q, 0, NULL);
    if (rc == 0 && p->id == 0)
        p->id = sqlite3_last_insert_rowid(s->db);
    for (size_t i = 0; rc == 0 && i < p->mark_count; i++)
        rc = put_mark(s, p->id, p->marks[i].offset, p->marks[i].tail_hash);
    if (rc == 0 && mark)
        rc = put_mark(s, p->id, p->offset, p->tail_hash);
    return rc;
}

int store_put_position_sensor(struct store *s, int64_t position, uint16_t sensor)
{
    return db_exec(s, "INSERT OR IGNORE INTO position_sensor (position, sensor) VALUES (?, ?)",
                   position, sensor);
}

int store_position_sensors(struct store *s, int64_t position, uint16_t *ids, size_t max, size_t *n)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT sensor FROM position_sensor WHERE position = ? ORDER BY sensor");
    int rc = 0;

    *n = 0;
    if (q)
        sqlite3_bind_int64(q, 1, position);
    while (*n < max && (rc = db_step(s, q)) > 0)
        ids[(*n)++] = (uint16_t)sqlite3_column_int(q, 0);
    sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_read_positions(struct store *s, const char *sensor,
                         int (*cb)(void *ctx, const struct position *p), void *ctx)
{
    sqlite3_stmt *q = db_statement(s, "SELECT id, head_len, head_hash, offset, tail_hash, "
                                      "last_when, first_when, path, written_ns FROM position"
                                      " WHERE sensor = " TAKEN " ORDER BY offset DESC");
    int rc;

    if (q)
        sqlite3_bind_text(q, 1, sensor, -1, SQLITE_TRANSIENT);
    while ((rc = db_step(s, q)) > 0) {
        struct position p = {
            .id = sqlite3_column_int64(q, 0),
            .head_len = (uint32_t)sqlite3_column_int64(q, 1),
            .head_hash = (uint64_t)sqlite3_column_int64(q, 2),
            .offset = (uint64_t)sqlite3_column_int64(q, 3),
            .tail_hash = (uint64_t)sqlite3_column_int64(q, 4),
            .last_when = sqlite3_column_int64(q, 5),
            .first_when = sqlite3_column_int64(q, 6),
            .path = (const char *)sqlite3_column_text(q, 7),
            .written_ns = sqlite3_column_int64(q, 8),
        };
        snprintf(p.sensor, sizeof p.sensor, "%s", sensor);
        rc = cb(ctx, &p);
        if (rc != 0)
            break;
    }
    sqlite3_reset(q);
    return rc;
}

int store_position_mark(struct store *s, int64_t position, uint64_t offset, uint64_t *mark,
                        uint64_t *tail_hash)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT offset, tail_hash FROM position_mark WHERE position = ? AND offset <= ?"
           " ORDER BY offset DESC LIMIT 1");

    if (q) {
        sqlite3_bind_int64(q, 1, position);
        sqlite3_bind_int64(q, 2, (int64_t)offset);
    }
    int rc = db_step(s, q);
    if (rc > 0) {
        *mark = (uint64_t)sqlite3_column_int64(q, 0);
        *tail_hash = (uint64_t)sqlite3_column_int64(q, 1);
    }
    sqlite3_reset(q);
    return rc > 0 ? 0 : rc == 0 ? -ENOENT : rc;
}

/* ---- streams ---- */

int store_put_stream(struct store *s, const char *name, const struct stream_state *state)
{
    sqlite3_stmt *q = db_statement(
        s, "INSERT OR REPLACE INTO stream (name, watched_to, ended, cursor) VALUES (?, ?, ?, ?)");

    if (!q)
        return -EIO;
    sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(q, 2, state->watched_to);
    sqlite3_bind_int(q, 3, state->ended);
    sqlite3_bind_text(q, 4, state->cursor, -1, SQLITE_TRANSIENT);
    int rc = db_step(s, q);
    sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_find_stream(struct store *s, const char *name, struct stream_state *out)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT watched_to, ended, cursor FROM stream WHERE name = ?");

    if (q)
        sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
    int rc = db_step(s, q);
    if (rc > 0) {
        out->watched_to = sqlite3_column_int64(q, 0);
        out->ended = sqlite3_column_int(q, 1) != 0;
        snprintf(out->cursor, sizeof out->cursor, "%s", (const char *)sqlite3_column_text(q, 2));
    }
    sqlite3_reset(q);
    return rc > 0 ? 0 : rc == 0 ? -ENOENT : rc;
}
