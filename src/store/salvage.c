#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/margin.h"
#include "store/repeats.h"
#include "store/segment.h"

enum { COLUMNS_MAX = 16, SQL_MAX = 1024, PAGE = DB_PAGE_BYTES, JUMP_BITS = 40 };

/* Where a page is damaged, SQLite says so for each row on it. */
static bool is_damage(int rc)
{
    rc &= 0xff;
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_IOERR || rc == SQLITE_ERROR;
}

struct job {
    char *path, *fresh_path, *patched_path;
    sqlite3 *from;
    struct store *to;
    struct salvage_report *report;
    struct error *err;

    /* The table that is being copied. */
    const char *table;
    char columns[SQL_MAX], key[SQL_MAX]; /* "a, b"; the key's with their order: "a DESC, b DESC" */
    int n;
    bool has_rowid, is_segment;
    sqlite3_stmt *insert;
    struct margin *margin; /* for trying one */
    bool failed;           /* the new database took a row not */
    uint64_t damaged;
};

static int fault(struct job *j, const char *what)
{
    error_add(j->err, j->fresh_path, 0, 0, "%s (%s): nothing was changed", what,
              store_error(j->to));
    return -EIO;
}

/* ---- one row ---- */

static bool segment_is_whole(enum fact_kind kind, int64_t start, uint64_t events, const void *data,
                             size_t n)
{
    struct segment_reader r;
    union {
        struct bin_fact bin;
        struct source_fact source;
        struct target_fact target;
    } f;
    uint64_t sum = 0;
    int rc = segment_open(&r, kind, 0, start, data, n);

    while (rc >= 0) {
        switch (kind) {
        case FACT_BIN:
            if ((rc = segment_next_bin(&r, &f.bin)) > 0)
                sum += f.bin.events;
            break;
        case FACT_SOURCE:
            if ((rc = segment_next_source(&r, &f.source)) > 0)
                sum += f.source.events;
            break;
        case FACT_TARGET:
            if ((rc = segment_next_target(&r, &f.target)) > 0)
                sum += f.target.events;
            break;
        }
        if (rc == 0)
            return sum == events;
    }
    return false;
}

/* Of a row of segments: id, kind, sensor, start, events, data, behind the rowid. */
static bool row_is_whole(const struct job *j, sqlite3_stmt *q)
{
    int kind = sqlite3_column_int(q, 2);
    const void *data = sqlite3_column_blob(q, 6);

    if (!j->is_segment)
        return true;
    if (kind == FACT_MARGIN || kind == FACT_DAY) {
        margin_clear(j->margin);
        return margin_join(j->margin, data, (size_t)sqlite3_column_bytes(q, 6)) == 0;
    }
    if (kind == FACT_REPEATS)
        return repeats_are_whole(data, (size_t)sqlite3_column_bytes(q, 6),
                                 (uint64_t)sqlite3_column_int64(q, 5));
    if (kind < FACT_BIN || kind > FACT_TARGET)
        return false;
    return segment_is_whole((enum fact_kind)kind, sqlite3_column_int64(q, 4),
                            (uint64_t)sqlite3_column_int64(q, 5), data,
                            (size_t)sqlite3_column_bytes(q, 6));
}

static int take_row(struct job *j, sqlite3_stmt *q)
{
    if (!row_is_whole(j, q)) {
        int kind = sqlite3_column_int(q, 2);
        j->damaged += kind != FACT_MARGIN && kind != FACT_DAY; /* those are made again */
        return 0;
    }
    sqlite3_reset(j->insert);
    for (int i = 0; i < j->n; i++)
        sqlite3_bind_value(j->insert, i + 1, sqlite3_column_value(q, i + 1));
    int rc = sqlite3_step(j->insert);
    sqlite3_reset(j->insert);
    j->failed = rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT;
    return j->failed ? -EIO : 0;
}

/* Copies the rows of a query up to the first that can't be read. SQLITE_DONE, or what ended it;
 * *last is the rowid of the last row. */
static int copy_rows(struct job *j, const char *where, int64_t a, int64_t b, int64_t *last,
                     uint64_t *count)
{
    char sql[3 * SQL_MAX];
    sqlite3_stmt *q = NULL;

    snprintf(sql, sizeof sql, "SELECT %s, %s FROM main.%s %s %s", j->has_rowid ? "rowid" : "0",
             j->columns, j->table, j->has_rowid ? "NOT INDEXED" : "", where);
    *count = 0;
    int rc = sqlite3_prepare_v2(j->from, sql, -1, &q, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(q, 1, a);
    sqlite3_bind_int64(q, 2, b);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        *last = sqlite3_column_int64(q, 0);
        ++*count;
        if (take_row(j, q) < 0)
            break;
    }
    sqlite3_finalize(q);
    return rc;
}

/* ---- one table ---- */

/* The next row behind `at` that can be read, by longer and longer jumps; then back from it, as far
 * as that goes. False: there is none. */
static bool jump(struct job *j, int64_t *at)
{
    uint64_t count;
    int64_t found = *at, ignored;

    for (int bit = 0; bit < JUMP_BITS && !j->failed; bit++) {
        int64_t start = *at + ((int64_t)1 << bit);
        int rc = copy_rows(j, "WHERE rowid >= ? AND ?2 = 0 ORDER BY rowid LIMIT 1", start, 0,
                           &found, &count);
        if (count == 0 && is_damage(rc))
            continue;
        if (count == 0)
            found = INT64_MAX;
        copy_rows(j, "WHERE rowid > ? AND rowid < ? ORDER BY rowid DESC", *at, found, &ignored,
                  &count);
        *at = found;
        return found != INT64_MAX;
    }
    return false;
}

static void copy_by_rowid(struct job *j)
{
    int64_t at = -1;
    uint64_t count;

    while (!j->failed) {
        int rc = copy_rows(j, "WHERE rowid > ? AND ?2 = 0 ORDER BY rowid", at, 0, &at, &count);
        if (rc == SQLITE_DONE || j->failed || !jump(j, &at))
            return;
    }
}

/* From both ends towards the damage. */
static void copy_by_key(struct job *j)
{
    char where[SQL_MAX + 64];
    int64_t ignored;
    uint64_t count;

    int rc = copy_rows(j, "", 0, 0, &ignored, &count);
    snprintf(where, sizeof where, "ORDER BY %s", j->key);
    if (rc != SQLITE_DONE && !j->failed)
        copy_rows(j, where, 0, 0, &ignored, &count);
}

static void append(char out[SQL_MAX], const char *name, const char *more)
{
    size_t n = strlen(out);

    snprintf(out + n, SQL_MAX - n, "%s%s%s", n ? ", " : "", name, more);
}

static void read_columns(struct job *j)
{
    sqlite3_stmt *q = NULL;
    char sql[SQL_MAX];

    j->columns[0] = j->key[0] = 0;
    j->n = 0;
    snprintf(sql, sizeof sql, "PRAGMA table_info(%s)", j->table);
    sqlite3_prepare_v2(j->to->db, sql, -1, &q, NULL);
    while (q && sqlite3_step(q) == SQLITE_ROW && j->n < COLUMNS_MAX) {
        const char *name = (const char *)sqlite3_column_text(q, 1);
        append(j->columns, name, "");
        if (sqlite3_column_int(q, 5))
            append(j->key, name, " DESC");
        j->n++;
    }
    sqlite3_finalize(q);
    snprintf(sql, sizeof sql, "SELECT rowid FROM %s", j->table);
    q = NULL;
    j->has_rowid = sqlite3_prepare_v2(j->to->db, sql, -1, &q, NULL) == SQLITE_OK;
    sqlite3_finalize(q);
}

static int copy_table(struct job *j, const char *table)
{
    char sql[2 * SQL_MAX];

    j->table = table;
    j->is_segment = strcmp(table, "segment") == 0;
    read_columns(j);
    int n = snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO %s (%s) VALUES (?", table, j->columns);
    for (int i = 1; i < j->n; i++)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ", ?");
    snprintf(sql + n, sizeof sql - (size_t)n, ")");
    j->insert = NULL;
    if (sqlite3_prepare_v2(j->to->db, sql, -1, &j->insert, NULL) != SQLITE_OK)
        return fault(j, "a new database can't be made");
    if (j->has_rowid)
        copy_by_rowid(j);
    else
        copy_by_key(j);
    if (j->failed)
        fault(j, "what was read can't be written");
    sqlite3_finalize(j->insert);
    return j->failed ? -EIO : 0;
}

static int copy_tables(struct job *j)
{
    sqlite3_stmt *q = NULL;
    int rc = db_script(j->to, "BEGIN IMMEDIATE");

    if (rc == 0 && sqlite3_prepare_v2(j->to->db,
                                      "SELECT name FROM sqlite_master WHERE type = 'table' AND "
                                      "name NOT LIKE 'sqlite%' AND name <> 'day'",
                                      -1, &q, NULL) != SQLITE_OK)
        rc = -EIO;
    while (rc == 0 && sqlite3_step(q) == SQLITE_ROW)
        rc = copy_table(j, (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    if (rc == 0 && db_script(j->to, "COMMIT") < 0)
        rc = fault(j, "what was read can't be written");
    return rc;
}

/* ---- what is missing ---- */

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t n = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* The hour's margin told of what is lost. */
static void drop_margin(struct job *j, uint16_t sensor, int64_t hour)
{
    db_exec(j->to,
            "DELETE FROM segment WHERE kind = 4 AND sensor = ?1 AND start = ?2 AND NOT EXISTS "
            "(SELECT 1 FROM lean WHERE sensor = ?1 AND hour = ?2)",
            sensor, hour);
}

/* An index holds the keys once more: what stands there and wasn't kept is lost. */
static void count_lost(struct job *j)
{
    struct salvage_report *r = j->report;
    sqlite3_stmt *q = NULL, *has = NULL;
    int rc = sqlite3_prepare_v2(j->from,
                                "SELECT rowid, start, sensor FROM main.segment INDEXED BY "
                                "segment_key WHERE kind NOT IN (4, 5)",
                                -1, &q, NULL);

    sqlite3_prepare_v2(j->to->db, "SELECT 1 FROM segment WHERE id = ?", -1, &has, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t start = sqlite3_column_int64(q, 1), hour = start - start % HOUR_S;
        sqlite3_bind_int64(has, 1, sqlite3_column_int64(q, 0));
        bool kept = sqlite3_step(has) == SQLITE_ROW;
        sqlite3_reset(has);
        rc = SQLITE_OK;
        if (kept)
            continue;
        if (r->lost == 0 || hour < r->lost_from)
            r->lost_from = hour;
        if (hour + HOUR_S > r->lost_to)
            r->lost_to = hour + HOUR_S;
        r->lost++;
        drop_margin(j, (uint16_t)sqlite3_column_int(q, 2), hour);
    }
    r->unsure = rc != SQLITE_DONE;
    if (r->lost < j->damaged)
        r->lost = j->damaged;
    sqlite3_finalize(q);
    sqlite3_finalize(has);
    r->kept = (uint64_t)number(j->to->db, "SELECT count(*) FROM segment WHERE kind NOT IN (4, 5)");
    r->positions = (uint64_t)number(j->to->db, "SELECT count(*) FROM position");
    int64_t before = number(
        j->from, "SELECT count(*) FROM main.position INDEXED BY position_key WHERE sensor >= ''");
    if (before < 0)
        r->unsure = true;
    else if ((uint64_t)before > r->positions)
        r->positions_lost = (uint64_t)before - r->positions;
}

/* ---- the damaged file ---- */

static int open_damaged(struct job *j, const char *path)
{
    sqlite3_close(j->from);
    j->from = NULL;
    int rc = sqlite3_open_v2(path, &j->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        error_add(j->err, path, 0, 0, "can't be opened (%s)", sqlite3_errstr(rc));
        return -EACCES;
    }
    /* Left as it is: no rows of the write-ahead log are moved into it. */
    sqlite3_db_config(j->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_exec(j->from, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
    /* So that a damaged schema or a cut file is no reason to refuse everything. */
    sqlite3_exec(j->from, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
    rc = sqlite3_exec(j->from, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) {
        error_add(j->err, path, 0, 0,
                  "somebody has the facts open: end 'scantide run', 'import' and the like first");
        return -EBUSY;
    }
    return 0;
}

static int copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC), rc = 0;
    int out = in < 0 ? -1 : open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = 0;

    if (out < 0)
        rc = -errno;
    while (rc == 0 && (n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            rc = -EIO;
    if (n < 0)
        rc = -EIO;
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) < 0)
        rc = -EIO;
    return rc;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* All databases of one version begin with the same page, but for its counters (SQLite's file
 * format, 1.3): so where that page is damaged, a new one's serves. */
static int patch_first_page(struct job *j)
{
    uint8_t page[PAGE];
    struct stat st;

    int rc = copy_file(j->path, j->patched_path);
    db_script(j->to, "PRAGMA wal_checkpoint(TRUNCATE)");
    int in = open(j->fresh_path, O_RDONLY | O_CLOEXEC),
        out = open(j->patched_path, O_RDWR | O_CLOEXEC);
    if (rc == 0 && (in < 0 || out < 0 || fstat(out, &st) < 0 || pread(in, page, PAGE, 0) != PAGE ||
                    st.st_size < PAGE))
        rc = -EIO;
    if (rc == 0) {
        put_be32(page + 28, (uint32_t)(st.st_size / PAGE));
        memset(page + 32, 0, 8);         /* no free pages */
        memcpy(page + 92, page + 24, 4); /* the size is valid */
        page[18] = page[19] = 1;         /* no write-ahead log beside the copy */
        rc = pwrite(out, page, PAGE, 0) == PAGE ? 0 : -EIO;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc < 0 ? rc : open_damaged(j, j->patched_path);
}

static bool schema_is_there(struct job *j)
{
    return number(j->from, "SELECT count(*) FROM sqlite_master WHERE name IN ('segment', 'sensor', "
                           "'position', 'coverage')") == 4;
}

static bool all_is_whole(struct job *j)
{
    sqlite3_stmt *q = NULL;
    bool whole =
        sqlite3_prepare_v2(j->from, "PRAGMA integrity_check(1)", -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;

    sqlite3_finalize(q);
    q = NULL;
    whole = whole && sqlite3_prepare_v2(j->from,
                                        "SELECT rowid, id, kind, sensor, start, events, data FROM "
                                        "main.segment",
                                        -1, &q, NULL) == SQLITE_OK;
    j->is_segment = true;
    while (whole && sqlite3_step(q) == SQLITE_ROW)
        whole = row_is_whole(j, q);
    sqlite3_finalize(q);
    return whole;
}

/* ---- all of it ---- */

static void remove_with_logs(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *p = xasprintf("%s%s", path, suffixes[i]);
        unlink(p);
        free(p);
    }
}

static int sync_folder(const char *data)
{
    int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

/* 1. The damaged file gets a second name. 2. Its write-ahead log follows. 3. The new one takes its
 * place at once: there is no instant without facts. */
static int swap(struct job *j, const char *data, const char *day)
{
    char *aside = NULL, *wal = xasprintf("%s-wal", j->path), *shm = xasprintf("%s-shm", j->path);
    int rc = -EEXIST;

    for (int i = 1; i < 100 && rc < 0; i++) {
        char more[8] = "";
        if (i > 1)
            snprintf(more, sizeof more, "-%d", i);
        free(aside);
        aside = xasprintf("%s.broken-%s%s", j->path, day, more);
        rc = link(j->path, aside);
        if (rc < 0 && errno != EEXIST)
            break;
    }
    char *aside_wal = xasprintf("%s-wal", aside);
    struct stat st;
    if (stat(wal, &st) == 0 && st.st_size == 0)
        unlink(wal);
    if (rc == 0 && (rename(wal, aside_wal) == 0 || errno == ENOENT) &&
        rename(j->fresh_path, j->path) == 0) {
        unlink(shm);
        rc = sync_folder(data);
    } else {
        rc = -errno;
        if (rename(aside_wal, wal) < 0 && errno != ENOENT)
            error_add(j->err, aside_wal, 0, 0, "belongs back to %s", wal);
        unlink(aside);
    }
    if (rc < 0)
        error_add(j->err, j->path, 0, 0, "can't be set aside (%s)", strerror(-rc));
    free(aside_wal);
    free(wal);
    free(shm);
    j->report->aside = aside;
    return rc;
}

/* The new database, closed: all of it in its one file, on the disk. */
static int settle(struct job *j)
{
    int rc = store_sync(j->to);

    if (rc < 0)
        fault(j, "what was read can't be written");
    store_close(j->to);
    j->to = NULL;
    char *wal = xasprintf("%s-wal", j->fresh_path), *shm = xasprintf("%s-shm", j->fresh_path);
    if (rc == 0) {
        unlink(wal);
        unlink(shm);
        int fd = open(j->fresh_path, O_RDONLY | O_CLOEXEC);
        rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
        if (fd >= 0)
            close(fd);
    }
    free(wal);
    free(shm);
    return rc;
}

/* What is made from the facts is made again: margins when they are folded next, and the series. */
static int touch_all(struct job *j)
{
    const struct sensor *list;
    size_t n;

    if (j->report->unsure)
        db_script(j->to, "DELETE FROM segment WHERE kind = 4 AND NOT EXISTS (SELECT 1 FROM lean "
                         "WHERE sensor = segment.sensor AND hour = start)");
    if (db_script(j->to, "INSERT OR IGNORE INTO unfolded (sensor, hour) SELECT DISTINCT sensor, "
                         "start - start % 3600 FROM segment a WHERE kind < 4 AND NOT EXISTS "
                         "(SELECT 1 FROM segment b WHERE b.kind = 4 AND b.sensor = a.sensor AND "
                         "b.start = a.start - a.start % 3600)") < 0)
        return fault(j, "what was read can't be written");
    if (store_sensors(j->to, &list, &n) < 0)
        return fault(j, "what was read can't be read again");
    for (size_t i = 0; i < n; i++)
        if (store_touch_series(j->to, list[i].id) < 0)
            return fault(j, "what was read can't be written");
    return 0;
}

static int run(struct job *j, const char *data, const char *day)
{
    struct stat st;

    if (stat(j->path, &st) < 0) {
        int rc = -errno;
        error_add(j->err, j->path, 0, 0, "there are no facts here (%s)", strerror(-rc));
        return rc;
    }
    int rc = open_damaged(j, j->path);
    if (rc < 0)
        return rc;
    remove_with_logs(j->fresh_path);
    if ((rc = db_open(j->fresh_path, STORE_WRITE, &j->to, j->err)) < 0)
        return rc;
    int64_t version = number(j->from, "PRAGMA user_version"),
            app = number(j->from, "PRAGMA application_id");
    if (schema_is_there(j)) {
        if (version != number(j->to->db, "PRAGMA user_version") ||
            app != number(j->to->db, "PRAGMA application_id")) {
            error_add(j->err, j->path, 0, 0,
                      "these facts are of another version, or of another program");
            return -EINVAL;
        }
        if (all_is_whole(j)) {
            j->report->whole = true;
            return 0;
        }
    } else if (version >= 0 && app >= 0 && app != number(j->to->db, "PRAGMA application_id") &&
               number(j->from, "SELECT count(*) FROM sqlite_master") > 0) {
        error_add(j->err, j->path, 0, 0, "this is another program's database");
        return -EINVAL;
    } else if ((rc = patch_first_page(j)) < 0 && rc != -EIO) {
        return rc;
    }
    if ((rc = copy_tables(j)) < 0)
        return rc;
    count_lost(j);
    if ((rc = touch_all(j)) < 0 || (rc = settle(j)) < 0)
        return rc;
    return swap(j, data, day);
}

int salvage_facts(const char *data, const char *day, struct salvage_report *out, struct error *err)
{
    struct job j = {.report = out, .err = err};

    *out = (struct salvage_report){0};
    j.path = xasprintf("%s/facts.db", data);
    j.fresh_path = xasprintf("%s/facts.db.new", data);
    j.patched_path = xasprintf("%s/facts.db.patched", data);
    j.margin = margin_new();
    int rc = run(&j, data, day);
    sqlite3_close(j.from);
    store_close(j.to);
    margin_free(j.margin);
    remove_with_logs(j.fresh_path);
    remove_with_logs(j.patched_path);
    free(j.path);
    free(j.fresh_path);
    free(j.patched_path);
    return rc;
}
