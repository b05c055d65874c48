#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hash.h"
#include "store/db.h"
#include "store/leaves.h"
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

static bool is_whole(const struct job *j, const struct leaf_row *row)
{
    if (row->kind == FACT_MARGIN || row->kind == FACT_DAY) {
        margin_clear(j->margin);
        return margin_join(j->margin, row->data, row->n) == 0;
    }
    if (row->kind == FACT_REPEATS)
        return repeats_are_whole(row->data, row->n, (uint64_t)row->events);
    if (row->kind < FACT_BIN || row->kind > FACT_TARGET)
        return false;
    return segment_is_whole((enum fact_kind)row->kind, row->start, (uint64_t)row->events, row->data,
                            row->n);
}

/* Of a row of segments: id, kind, sensor, start, events, data, behind the rowid. */
static bool row_is_whole(const struct job *j, sqlite3_stmt *q)
{
    struct leaf_row row = {sqlite3_column_int64(q, 1),        sqlite3_column_int64(q, 2),
                           sqlite3_column_int64(q, 3),        sqlite3_column_int64(q, 4),
                           sqlite3_column_int64(q, 5),        sqlite3_column_blob(q, 6),
                           (size_t)sqlite3_column_bytes(q, 6)};

    return !j->is_segment || is_whole(j, &row);
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

/* A segment that the index names and the table didn't give. */
struct lost {
    int64_t id, kind, sensor, start;
    uint64_t hash; /* of what was found of it */
    bool found, differ, kept;
};

struct lost_list {
    struct job *j;
    struct lost *list;
    size_t n, cap;
    sqlite3_stmt *insert;
};

static int by_id(const void *a, const void *b)
{
    const struct lost *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* An index holds the keys once more. False: not all of it can be read. */
static bool list_lost(struct lost_list *l)
{
    sqlite3_stmt *q = NULL, *has = NULL;
    int rc = sqlite3_prepare_v2(l->j->from,
                                "SELECT rowid, kind, sensor, start FROM main.segment INDEXED BY "
                                "segment_key",
                                -1, &q, NULL);

    sqlite3_prepare_v2(l->j->to->db, "SELECT 1 FROM segment WHERE id = ?", -1, &has, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        sqlite3_bind_int64(has, 1, sqlite3_column_int64(q, 0));
        bool kept = sqlite3_step(has) == SQLITE_ROW;
        sqlite3_reset(has);
        rc = SQLITE_OK;
        if (kept)
            continue;
        if (l->n == l->cap)
            l->list = xrealloc(l->list, l->cap = l->cap * 2 + 64, sizeof *l->list);
        l->list[l->n++] = (struct lost){
            .id = sqlite3_column_int64(q, 0),
            .kind = sqlite3_column_int64(q, 1),
            .sensor = sqlite3_column_int64(q, 2),
            .start = sqlite3_column_int64(q, 3),
        };
    }
    sqlite3_finalize(q);
    sqlite3_finalize(has);
    if (l->n)
        qsort(l->list, l->n, sizeof *l->list, by_id);
    return rc == SQLITE_DONE;
}

static struct lost *find_lost(const struct lost_list *l, const struct leaf_row *row)
{
    struct lost key = {.id = row->id}, *x = bsearch(&key, l->list, l->n, sizeof *l->list, by_id);

    return x && x->kind == row->kind && x->sensor == row->sensor && x->start == row->start ? x
                                                                                           : NULL;
}

static uint64_t hash_row(const struct leaf_row *row)
{
    return hash_bytes(row->data, row->n, (uint64_t)row->events);
}

/* An older row of the same name may lie about, too: where they differ none is taken. */
static int find_row(void *ctx, const struct leaf_row *row)
{
    struct lost_list *l = ctx;
    struct lost *x = find_lost(l, row);

    if (!x || !is_whole(l->j, row))
        return 0;
    x->differ |= x->found && x->hash != hash_row(row);
    x->hash = hash_row(row);
    x->found = true;
    return 0;
}

static int keep_row(void *ctx, const struct leaf_row *row)
{
    struct lost_list *l = ctx;
    struct lost *x = find_lost(l, row);

    if (!x || !x->found || x->differ || x->kept || x->hash != hash_row(row))
        return 0;
    sqlite3_reset(l->insert);
    sqlite3_bind_int64(l->insert, 1, row->id);
    sqlite3_bind_int64(l->insert, 2, row->kind);
    sqlite3_bind_int64(l->insert, 3, row->sensor);
    sqlite3_bind_int64(l->insert, 4, row->start);
    sqlite3_bind_int64(l->insert, 5, row->events);
    sqlite3_bind_blob64(l->insert, 6, row->data, row->n, SQLITE_TRANSIENT);
    x->kept = sqlite3_step(l->insert) == SQLITE_DONE;
    sqlite3_reset(l->insert);
    return 0;
}

/* What can't be reached through the table's tree is looked for on all of its leaves. */
static int find_lost_rows(struct lost_list *l, const char *path)
{
    int rc = l->n ? leaves_read(path, find_row, l) : 0;

    if (rc < 0 || l->n == 0)
        return 0; /* then they are lost */
    rc = db_script(l->j->to, "BEGIN IMMEDIATE");
    if (rc == 0 && sqlite3_prepare_v2(l->j->to->db,
                                      "INSERT INTO segment (id, kind, sensor, start, events, data)"
                                      " VALUES (?, ?, ?, ?, ?, ?)",
                                      -1, &l->insert, NULL) != SQLITE_OK)
        rc = -EIO;
    if (rc == 0)
        leaves_read(path, keep_row, l);
    sqlite3_finalize(l->insert);
    if (rc == 0)
        rc = db_script(l->j->to, "COMMIT");
    return rc < 0 ? fault(l->j, "what was found can't be written") : 0;
}

static int count_lost(struct job *j)
{
    struct salvage_report *r = j->report;
    struct lost_list l = {.j = j};

    r->unsure = !list_lost(&l);
    int rc = find_lost_rows(&l, j->path);
    for (size_t i = 0; i < l.n; i++) {
        const struct lost *x = &l.list[i];
        int64_t hour = x->start - x->start % HOUR_S;
        if (x->kept || x->kind == FACT_MARGIN || x->kind == FACT_DAY)
            continue;
        if (r->lost == 0 || hour < r->lost_from)
            r->lost_from = hour;
        if (hour + HOUR_S > r->lost_to)
            r->lost_to = hour + HOUR_S;
        r->lost++;
        drop_margin(j, (uint16_t)x->sensor, hour);
    }
    free(l.list);
    if (r->unsure && r->lost < j->damaged)
        r->lost = j->damaged;
    r->kept = (uint64_t)number(j->to->db, "SELECT count(*) FROM segment WHERE kind NOT IN (4, 5)");
    r->positions = (uint64_t)number(j->to->db, "SELECT count(*) FROM position");
    int64_t before = number(
        j->from, "SELECT count(*) FROM main.position INDEXED BY position_key WHERE sensor >= ''");
    if (before < 0)
        r->unsure = true;
    else if ((uint64_t)before > r->positions)
        r->positions_lost = (uint64_t)before - r->positions;
    return rc;
}

/* Facts whose sensor's name is lost get one that can be taken over (sensors: was:). */
static int name_sensors(struct job *j)
{
    int64_t before = number(j->to->db, "SELECT count(*) FROM sensor");

    if (db_script(j->to, "INSERT OR IGNORE INTO sensor (id, name) SELECT DISTINCT sensor, "
                         "'salvaged-' || sensor FROM segment WHERE sensor NOT IN (SELECT id FROM "
                         "sensor)") < 0)
        return fault(j, "what was read can't be written");
    j->report->unnamed = (uint64_t)(number(j->to->db, "SELECT count(*) FROM sensor") - before);
    return 0;
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

static uint32_t get_be(const uint8_t *p, int n)
{
    uint32_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* An empty database, as it is made or as VACUUM orders it, in sqlite3_malloc's memory. */
static uint8_t *empty_database(struct job *j, bool vacuumed, sqlite3_int64 *n)
{
    uint8_t *bytes = NULL;
    sqlite3 *db = NULL;
    char *sql = xasprintf("PRAGMA page_size = %d; BEGIN; %s PRAGMA application_id = %" PRId64
                          "; PRAGMA user_version = %" PRId64 "; COMMIT; %s",
                          PAGE, db_schema, number(j->to->db, "PRAGMA application_id"),
                          number(j->to->db, "PRAGMA user_version"), vacuumed ? "VACUUM" : "");

    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        bytes = sqlite3_serialize(db, "main", n, 0);
    sqlite3_close(db);
    free(sql);
    return bytes;
}

enum { SCHEMA_PAGES_MAX = 64, LEAF_TABLE = 13, INNER_TABLE = 5, LEAF_INDEX = 10, INNER_INDEX = 2 };

/* The pages of the schema, from its first on. */
static size_t schema_pages(const uint8_t *db, size_t pages, uint32_t list[SCHEMA_PAGES_MAX])
{
    size_t n = 1;

    list[0] = 1;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *page = db + (size_t)(list[i] - 1) * PAGE, *head = page + (i == 0 ? 100 : 0);
        uint32_t cells = get_be(head + 3, 2);
        if (*head != INNER_TABLE)
            continue;
        for (uint32_t c = 0; c <= cells && n < SCHEMA_PAGES_MAX; c++) {
            uint32_t child = get_be(c == cells ? head + 8 : page + get_be(head + 12 + 2 * c, 2), 4);
            if (child > 1 && child <= pages)
                list[n++] = child;
        }
    }
    return n;
}

/* How many pages of the file are of the kind that they have in an empty database. */
static unsigned alike(int fd, const uint8_t *db, size_t pages)
{
    unsigned n = 0;

    for (size_t i = 1; i < pages; i++) {
        uint8_t is = 0, was = db[i * PAGE];
        if (pread(fd, &is, 1, (off_t)(i * PAGE)) == 1)
            n += is == was || (was == LEAF_TABLE && is == INNER_TABLE) ||
                 (was == LEAF_INDEX && is == INNER_INDEX);
    }
    return n;
}

static int write_schema(int out, uint8_t *db, size_t pages)
{
    uint32_t list[SCHEMA_PAGES_MAX];
    size_t n = schema_pages(db, pages, list);
    struct stat st;

    if (fstat(out, &st) < 0 || st.st_size < PAGE)
        return -EIO;
    put_be32(db + 28, (uint32_t)(st.st_size / PAGE));
    memset(db + 32, 0, 8);       /* no free pages */
    memcpy(db + 92, db + 24, 4); /* the size is valid */
    db[18] = db[19] = 1;         /* no write-ahead log beside the copy */
    for (size_t i = 0; i < n; i++) {
        off_t at = (off_t)(list[i] - 1) * PAGE;
        if (at + PAGE <= st.st_size && pwrite(out, db + at, PAGE, at) != PAGE)
            return -EIO;
    }
    return 0;
}

/* All databases of one version have the same schema, and tables begin where it says from the first
 * day on, or as VACUUM placed them: so where its pages are damaged, an empty one's serve. */
static int patch_schema(struct job *j)
{
    sqlite3_int64 n[2] = {0, 0};
    uint8_t *db[2] = {empty_database(j, false, &n[0]), empty_database(j, true, &n[1])};
    int rc = copy_file(j->path, j->patched_path);
    int out = open(j->patched_path, O_RDWR | O_CLOEXEC);

    if (rc == 0 && (!db[0] || !db[1] || out < 0))
        rc = -EIO;
    if (rc == 0) {
        int best = alike(out, db[1], (size_t)n[1] / PAGE) > alike(out, db[0], (size_t)n[0] / PAGE);
        rc = write_schema(out, db[best], (size_t)n[best] / PAGE);
    }
    if (out >= 0)
        close(out);
    sqlite3_free(db[0]);
    sqlite3_free(db[1]);
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
    } else if ((rc = patch_schema(j)) < 0 && rc != -EIO) {
        return rc;
    }
    if ((rc = copy_tables(j)) < 0)
        return rc;
    if ((rc = count_lost(j)) < 0 || (rc = name_sensors(j)) < 0 || (rc = touch_all(j)) < 0 ||
        (rc = settle(j)) < 0)
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
