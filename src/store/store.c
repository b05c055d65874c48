#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "store/db.h"
#include "store/sensors.h"

const char db_schema[] =
    /* An id is never used again: whoever reads a log still has that of a sensor that was merged. */
    "CREATE TABLE sensor (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);"
    /* Sensors that were merged into another, and names that one has taken over (sensors.h). */
    "CREATE TABLE merged (id INTEGER PRIMARY KEY, target INTEGER NOT NULL);"
    "CREATE TABLE alias (name TEXT PRIMARY KEY, sensor TEXT NOT NULL) WITHOUT ROWID;"
    /* Delta rows: readers add the rows of one (kind, sensor, start) up. */
    "CREATE TABLE segment (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, sensor INTEGER NOT NULL, "
    "start INTEGER NOT NULL,"
    "  events INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX segment_key ON segment (kind, sensor, start);"
    /* Hours with facts that no margin has yet: a margin of such an hour holds sketches at most. */
    "CREATE TABLE unfolded (sensor INTEGER NOT NULL, hour INTEGER NOT NULL,"
    /* by which an hour is kept within its bounds: entries of sources, and entries of bins and bytes
     * of targets since they were made fewer last */
    "  bins INTEGER NOT NULL DEFAULT 0, sources INTEGER NOT NULL DEFAULT 0,"
    "  targets INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (sensor, hour)) WITHOUT ROWID;"
    /* Hours whose sources aren't all there any more; margins have sketches of those that were. */
    "CREATE TABLE lean (sensor INTEGER NOT NULL, hour INTEGER NOT NULL,"
    "  PRIMARY KEY (sensor, hour)) WITHOUT ROWID;"
    /* Margins of a day, added up (days.h); whatever changes one of an hour drops it. */
    "CREATE TABLE day (id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL, start INTEGER NOT NULL,"
    "  countries BLOB NOT NULL, total BLOB NOT NULL, country_sketches BLOB NOT NULL,"
    "  ports BLOB NOT NULL, untold BLOB NOT NULL, port_sketches BLOB NOT NULL,"
    "  UNIQUE (sensor, start));"
    "CREATE TRIGGER day_margin_new AFTER INSERT ON segment WHEN NEW.kind IN (4, 5) BEGIN"
    "  DELETE FROM day WHERE sensor = NEW.sensor AND start = NEW.start - NEW.start % 86400; END;"
    "CREATE TRIGGER day_margin_gone AFTER DELETE ON segment WHEN OLD.kind IN (4, 5) BEGIN"
    "  DELETE FROM day WHERE sensor = OLD.sensor AND start = OLD.start - OLD.start % 86400; END;"
    "CREATE TRIGGER day_margin_other AFTER UPDATE ON segment WHEN OLD.kind IN (4, 5) BEGIN"
    "  DELETE FROM day WHERE sensor IN (OLD.sensor, NEW.sensor)"
    "    AND start = OLD.start - OLD.start % 86400; END;"
    "CREATE TRIGGER day_unfolded AFTER INSERT ON unfolded BEGIN"
    "  DELETE FROM day WHERE sensor = NEW.sensor AND start = NEW.hour - NEW.hour % 86400; END;"
    /* Spans somebody watched, both ends inclusive; they never overlap. */
    "CREATE TABLE coverage (sensor INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    "  PRIMARY KEY (sensor, first)) WITHOUT ROWID;"
    /* Why nobody watched, or what was lost (gap.h); sensor 0: all of them. */
    "CREATE TABLE gap (id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL, first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL, reason TEXT NOT NULL, input TEXT NOT NULL, text TEXT NOT NULL,"
    "  lost INTEGER NOT NULL, blind INTEGER NOT NULL);"
    "CREATE INDEX gap_key ON gap (sensor, first);"
    /* Bursts (burst.h); '': several. `key` has what makes it one, as text. */
    "CREATE TABLE burst (id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL, first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL, events INTEGER NOT NULL, peak INTEGER NOT NULL,"
    "  rule INTEGER NOT NULL, anonymous INTEGER NOT NULL, port_step INTEGER NOT NULL, "
    "source_port_step INTEGER NOT NULL,"
    "  kind TEXT NOT NULL, key TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,"
    "  port TEXT NOT NULL, source_port TEXT NOT NULL, country TEXT NOT NULL);"
    "CREATE INDEX burst_key ON burst (sensor, key, last);"
    "CREATE INDEX burst_time ON burst (sensor, last);"
    /* The last minutes' events, in the order of their lines: what goes on may become a burst. */
    "CREATE TABLE trace (id INTEGER PRIMARY KEY AUTOINCREMENT, sensor INTEGER NOT NULL, oldest "
    "INTEGER NOT NULL,"
    "  newest INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX trace_key ON trace (sensor);"
    /* How far a log has been taken in; the log is known by its content. An id is never used again:
     * whoever follows a log that is forgotten meanwhile still has it. */
    "CREATE TABLE position (id INTEGER PRIMARY KEY AUTOINCREMENT, sensor TEXT NOT NULL, head_len "
    "INTEGER NOT "
    "NULL, head_hash INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL, tail_hash INTEGER NOT NULL, last_when INTEGER NOT NULL, first_when "
    "INTEGER NOT NULL,"
    "  path TEXT NOT NULL, written_ns INTEGER NOT NULL);"
    "CREATE INDEX position_key ON position (sensor);"
    /* Earlier offsets of the same log, so that a shorter copy of it is known too. */
    "CREATE TABLE position_mark (position INTEGER NOT NULL, offset INTEGER NOT NULL, tail_hash "
    "INTEGER NOT NULL,"
    "  PRIMARY KEY (position, offset)) WITHOUT ROWID;"
    /* The sensors that a log has had events of: watching the log is watching them. */
    "CREATE TABLE position_sensor (position INTEGER NOT NULL, sensor INTEGER NOT NULL, PRIMARY KEY "
    "(position, sensor))"
    "  WITHOUT ROWID;"
    /* Inputs that have no file: up to when each was watched, whether it was ended then, and the
     * journal's cursor. */
    "CREATE TABLE stream (name TEXT PRIMARY KEY, watched_to INTEGER NOT NULL, ended INTEGER NOT "
    "NULL, cursor TEXT NOT NULL)"
    "  WITHOUT ROWID;"
    "CREATE TABLE series (sensor INTEGER PRIMARY KEY, written INTEGER NOT NULL DEFAULT 0, late "
    "INTEGER NOT NULL DEFAULT 0,"
    "  rebuilt INTEGER NOT NULL DEFAULT 0, unsynced TEXT);"
    /* What came late and isn't in the series yet: a copy of the segment, or NULL where it touches
     * every series of the sensor. */
    "CREATE TABLE late (id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL, start INTEGER NOT NULL, "
    "data BLOB);"
    "CREATE INDEX late_key ON late (sensor);"
    "CREATE TABLE pair (sensor INTEGER NOT NULL, port INTEGER NOT NULL, country INTEGER NOT NULL, "
    "used INTEGER NOT NULL,"
    "  PRIMARY KEY (sensor, port, country)) WITHOUT ROWID;"
    /* The rules that bins are counted by: `networks` with blanks between them, none where the rule
     * is no longer in force; `generation` grows with each change of any. */
    "CREATE TABLE rule (number INTEGER PRIMARY KEY, place INTEGER NOT NULL, generation INTEGER NOT "
    "NULL,"
    "  kind TEXT NOT NULL, name TEXT NOT NULL, networks TEXT NOT NULL, UNIQUE (kind, name));";

/* ---- statements and transactions ---- */

const char *store_error(const struct store *s)
{
    return s->said[0] ? s->said : sqlite3_errmsg(s->db);
}

sqlite3_stmt *db_statement(struct store *s, const char *sql)
{
    size_t i = 0;

    while (i < STATEMENTS_MAX && s->statements[i].sql && s->statements[i].sql != sql)
        i++;
    ASSERT(i < STATEMENTS_MAX);
    if (!s->statements[i].sql) {
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i].stmt,
                               NULL) != SQLITE_OK)
            return NULL;
        s->statements[i].sql = sql;
    }
    sqlite3_reset(s->statements[i].stmt);
    sqlite3_clear_bindings(s->statements[i].stmt);
    return s->statements[i].stmt;
}

/* SQLite's words, and what mends it where that is known. */
static void keep_reason(struct store *s)
{
    int code = sqlite3_errcode(s->db);
    const char *more = code == SQLITE_CORRUPT || code == SQLITE_NOTADB
                           ? ": 'scantide rebuild --salvage' keeps what can be read"
                           : "";

    snprintf(s->said, sizeof s->said, "%s%s", sqlite3_errmsg(s->db), more);
}

int db_step(struct store *s, sqlite3_stmt *stmt)
{
    s->said[0] = 0;
    int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    keep_reason(s);
    return -EIO;
}

int db_places(struct store *s, sqlite3_stmt *query, struct db_place **list, size_t *n)
{
    size_t cap = 0;
    int rc;

    *list = NULL;
    *n = 0;
    while ((rc = db_step(s, query)) > 0) {
        if (*n == cap)
            *list = xrealloc(*list, cap = cap * 2 + 64, sizeof **list);
        (*list)[(*n)++] = (struct db_place){(uint16_t)sqlite3_column_int(query, 0),
                                            sqlite3_column_int64(query, 1)};
    }
    sqlite3_reset(query);
    return rc;
}

int db_run(struct store *s, sqlite3_stmt *stmt, int n, const int64_t *values)
{
    for (int i = 0; stmt && i < n; i++)
        sqlite3_bind_int64(stmt, i + 1, values[i]);
    int rc = db_step(s, stmt);
    if (stmt)
        sqlite3_reset(stmt);
    return rc < 0 ? rc : 0;
}

int db_script(struct store *s, const char *sql)
{
    s->said[0] = 0;
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    keep_reason(s);
    return -EIO;
}

int store_begin(struct store *s)
{
    int rc = db_script(s, "BEGIN IMMEDIATE");

    s->in_transaction = rc == 0;
    s->sensors_stale = true;
    return rc;
}

int store_commit(struct store *s)
{
    int rc = db_script(s, "COMMIT");

    if (rc < 0)
        store_rollback(s);
    s->in_transaction = false;
    return rc;
}

void store_rollback(struct store *s)
{
    char said[sizeof s->said];

    memcpy(said, s->said, sizeof said); /* why it came to this outlasts the rollback */
    db_script(s, "ROLLBACK");
    memcpy(s->said, said, sizeof said);
    s->in_transaction = false;
    store_keep(s, NULL, NULL);
    free(s->sensors); /* a sensor added in the transaction is gone */
    s->sensors = NULL;
    s->sensor_count = 0;
    rules_free(s->rules); /* and so are rules */
    s->rules = NULL;
}

int db_begin(struct store *s, bool *own)
{
    *own = !s->in_transaction;
    return *own ? store_begin(s) : 0;
}

int db_end(struct store *s, bool own, int rc)
{
    if (!own)
        return rc;
    if (rc < 0) {
        store_rollback(s);
        return rc;
    }
    return store_commit(s);
}

void *store_kept(const struct store *s)
{
    return s->kept;
}

void store_keep(struct store *s, void *thing, void (*drop)(void *thing))
{
    if (s->kept && s->kept != thing)
        s->drop_kept(s->kept);
    s->kept = thing;
    s->drop_kept = drop;
}

int store_sync(struct store *s)
{
    int rc = db_script(s, "PRAGMA wal_checkpoint(TRUNCATE)");

    FAULT("synced");
    return rc;
}

/* ---- sensors ---- */

int store_sensors(struct store *s, const struct sensor **list, size_t *n)
{
    sqlite3_stmt *q = db_statement(s, "SELECT id, name FROM sensor ORDER BY id");
    int rc;

    s->sensor_count = 0;
    s->sensors_stale = false;
    while ((rc = db_step(s, q)) > 0) {
        s->sensors = xrealloc(s->sensors, s->sensor_count + 1, sizeof *s->sensors);
        struct sensor *x = &s->sensors[s->sensor_count++];
        x->id = (uint16_t)sqlite3_column_int(q, 0);
        snprintf(x->name, sizeof x->name, "%s", (const char *)sqlite3_column_text(q, 1));
    }
    sqlite3_reset(q);
    *list = s->sensors;
    *n = s->sensor_count;
    return rc;
}

/* The name as it may stand in a path; `_` for what may not. */
static void clean_name(struct str name, char out[SENSOR_NAME_MAX])
{
    size_t n = 0;

    if (name.n == 0)
        name = STR("local");
    for (size_t i = 0; i < name.n && n + 1 < SENSOR_NAME_MAX; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || (c == '.' && n > 0);
        out[n++] = plain ? c : '_';
    }
    out[n] = 0;
}

static bool find_sensor(const struct store *s, const char *name, uint16_t *id)
{
    for (size_t i = 0; i < s->sensor_count; i++)
        if (strcmp(s->sensors[i].name, name) == 0) {
            *id = s->sensors[i].id;
            return true;
        }
    return false;
}

int store_sensor(struct store *s, struct str name, uint16_t *id)
{
    char given[SENSOR_NAME_MAX], clean[SENSOR_NAME_MAX];
    const struct sensor *list;
    size_t n;
    int rc = s->sensors && !s->sensors_stale ? 0 : store_sensors(s, &list, &n);

    if (rc < 0)
        return rc;
    clean_name(name, given);
    rc = store_sensor_name(s, given, clean);
    if (rc < 0)
        return rc;
    if (find_sensor(s, clean, id))
        return 0;
    if (s->sensor_count >= SENSORS_MAX)
        strcpy(clean, "other");
    if (find_sensor(s, clean, id))
        return 0;
    sqlite3_stmt *q = db_statement(s, "INSERT OR IGNORE INTO sensor (name) VALUES (?)");
    if (q)
        sqlite3_bind_text(q, 1, clean, -1, SQLITE_TRANSIENT);
    rc = db_run(s, q, 0, NULL);
    if (rc == 0)
        rc = store_sensors(s, &list, &n);
    if (rc < 0)
        return rc;
    return find_sensor(s, clean, id) ? 0 : -EIO;
}
