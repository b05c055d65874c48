/* Opening and closing: who may, which file it is, and whether it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/fault.h"
#include "base/lock.h"
#include "store/db.h"
#include "store/pieces.h"

enum {
    SCHEMA_VERSION = 1,
    BUSY_MS = 30000,
    WAL_WAIT_MS = 10,
    WAL_KEPT_BYTES = 16 << 20, /* what the write-ahead log is cut to when it is empty again */
    WAL_BYTES = 4 << 20,       /* with so much it goes into the database */
    FILE_MODE = 0640,          /* the group reads; the umask may take that away */
    FOLDER_MODE = 0750,
    CHECKED_BYTES =
        32 << 20 /* up to here a whole check costs a writer some hundredths of a second */
};

#define SALVAGE_ADVICE                                                                            \
    "'scantide rebuild --salvage' sets it aside and keeps what can be read; or restore a backup " \
    "in its place"

static int64_t pragma_number(struct store *s, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t v = -1;

    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        v = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return v;
}

/* ---- whether it is ours, and whole ---- */

static int unreadable(struct store *s, struct error *err)
{
    int code = sqlite3_errcode(s->db);

    switch (code) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        error_add(err, s->path, 0, 0, "the facts are damaged (%s): " SALVAGE_ADVICE,
                  sqlite3_errmsg(s->db));
        return -EBADMSG;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        error_add(err, s->path, 0, 0,
                  "the facts can't be read beside their -wal and -shm files (%s): see that you may "
                  "read all three, as the folder's owner or a member of its group",
                  sqlite3_errmsg(s->db));
        return -EACCES;
    default: break;
    }
    int system = sqlite3_system_errno(s->db);
    error_add(err, s->path, 0, 0,
              "the facts can't be opened (%s%s%s): see that the disk isn't full and has no faults",
              sqlite3_errmsg(s->db), system ? ", " : "", system ? strerror(system) : "");
    return -EIO;
}

/* Small ones whole, before anything is added to them. Larger ones tell when they are read. */
static int check_pages(struct store *s, struct error *err)
{
    sqlite3_stmt *q = NULL;
    struct stat st;
    int rc = 0;

    if (stat(s->path, &st) < 0 || st.st_size > CHECKED_BYTES)
        return 0;
    if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW) {
        rc = unreadable(s, err);
    } else if (strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0) {
        char *why = xstrdup((const char *)sqlite3_column_text(q, 0));
        why[strcspn(why, "\n")] = 0;
        error_add(err, s->path, 0, 0, "the facts are damaged (%s): " SALVAGE_ADVICE, why);
        free(why);
        rc = -EBADMSG;
    }
    sqlite3_finalize(q);
    return rc;
}

static int make_tables(struct store *s, struct error *err)
{
    char *sql = xasprintf(
        "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
        db_schema, SCANTIDE_APPLICATION_ID, SCHEMA_VERSION);
    FAULT("opened");
    int rc = db_script(s, sql);
    FAULT("schema");

    free(sql);
    if (rc < 0 && pragma_number(s, "PRAGMA user_version") ==
                      SCHEMA_VERSION) { /* another process was quicker */
        db_script(s, "ROLLBACK");
        return 0;
    }
    if (rc < 0)
        error_add(
            err, s->path, 0, 0,
            "the facts can't be written (%s): see that the folder is yours and the disk isn't full",
            store_error(s));
    return rc;
}

/* The tables and their columns, "table.column" each, in order; NULL: they can't be read. */
static char *list_columns(sqlite3 *db)
{
    static const char sql[] =
        "SELECT group_concat(name, ' ') FROM (SELECT t.name || '.' || c.name AS name"
        " FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        " AND t.name NOT GLOB 'sqlite_*' ORDER BY 1)";
    sqlite3_stmt *q = NULL;
    char *list = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        list = xasprintf("%s ", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return list;
}

/* The first word of `list` that isn't one of `others`, ended; or NULL. */
static const char *missing_word(char *list, const char *others)
{
    for (char *word = list, *end; (end = strchr(word, ' ')); word = end + 1) {
        const char *at = others;
        size_t n = (size_t)(end - word) + 1;
        while ((at = memmem(at, strlen(at), word, n)) && at != others && at[-1] != ' ')
            at++;
        if (!at) {
            *end = 0;
            return word;
        }
    }
    return NULL;
}

/* Facts of another build with the same version, before the first release: what it lacks would be
 * noticed in the middle of something. */
static int check_tables(struct store *s, struct error *err)
{
    sqlite3 *db = NULL;
    char *wanted = NULL, *have = list_columns(s->db);

    if (!have)
        return unreadable(s, err);
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_exec(db, db_schema, NULL, NULL, NULL) == SQLITE_OK)
        wanted = list_columns(db);
    sqlite3_close(db);
    ASSERT(wanted);
    bool same = strcmp(have, wanted) == 0;
    const char *lacks = same ? NULL : missing_word(wanted, have),
               *more = same || lacks ? NULL : missing_word(have, wanted);
    if (!same)
        error_add(err, s->path, 0, 0,
                  "another build of scantide wrote these facts (%s %s): use that one, or take the "
                  "logs in again into a new folder (--data)",
                  lacks ? "they have no" : "this one knows no",
                  lacks  ? lacks
                  : more ? more
                         : "more");
    free(wanted);
    free(have);
    return same ? 0 : -EINVAL;
}

/* Makes the tables in an empty database; refuses another program's and another version's. */
static int prepare_schema(struct store *s, enum store_mode mode, struct error *err)
{
    /* One reading transaction: another process may be making the tables just now. */
    db_script(s, "BEGIN");
    int64_t app = pragma_number(s, "PRAGMA application_id"),
            version = app < 0 ? -1 : pragma_number(s, "PRAGMA user_version"),
            tables = version < 0 ? -1 : pragma_number(s, "SELECT count(*) FROM sqlite_master");
    if (tables < 0)
        return unreadable(s, err);
    db_script(s, "COMMIT");
    if (app == SCANTIDE_APPLICATION_ID && version == SCHEMA_VERSION) {
        int rc = check_tables(s, err);
        return rc == 0 && mode == STORE_WRITE ? check_pages(s, err) : rc;
    }
    if (tables > 0 && app != SCANTIDE_APPLICATION_ID) {
        error_add(err, s->path, 0, 0,
                  "this is another program's database: name another folder with --data");
        return -EINVAL;
    }
    if (tables > 0) {
        error_add(err, s->path, 0, 0,
                  "the facts are of version %lld, this scantide knows version %d: use the scantide "
                  "that wrote them",
                  (long long)version, SCHEMA_VERSION);
        return -EINVAL;
    }
    if (mode == STORE_READ) {
        char *folder = xstrndup(s->path, (size_t)(strrchr(s->path, '/') - s->path));
        error_add(err, folder, 0, 0,
                  "there are no facts here yet: take a log in with 'scantide import FILE'");
        free(folder);
        return -ENOENT;
    }
    return make_tables(s, err);
}

/* ---- the files ---- */

/* Every folder of the path that isn't there yet. */
static int make_folders(const char *path, struct error *err)
{
    char *p = xstrdup(path);
    int rc = 0;

    for (char *c = p + 1; rc == 0; c++) {
        if (*c != '/' && *c != 0)
            continue;
        bool last = *c == 0;
        *c = 0;
        if (mkdir(p, FOLDER_MODE) < 0 && errno != EEXIST) {
            rc = -errno;
            access_fault(path, ACCESS_WRITE, rc, err);
        }
        if (last)
            break;
        *c = '/';
    }
    free(p);
    return rc;
}

/* SQLite gives its two other files the mode of this one. */
static void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, FILE_MODE);

    if (fd >= 0)
        close(fd);
}

/* Two that make the database at once: SQLite says busy here without waiting. */
static int set_wal(struct store *s)
{
    int rc;

    for (int waited = 0; (rc = db_script(s, "PRAGMA journal_mode = WAL")) < 0;
         waited += WAL_WAIT_MS) {
        if (sqlite3_errcode(s->db) != SQLITE_BUSY || waited >= BUSY_MS)
            break;
        sqlite3_sleep(WAL_WAIT_MS);
    }
    return rc;
}

/* The -wal and -shm files stay when the last writer leaves, empty: who may read the folder but not
 * write to it couldn't make them, and SQLite reads no database of this kind without. */
static int begin_writing(struct store *s, struct error *err)
{
    int on = 1;
    char *pages = xasprintf("PRAGMA page_size = %d", DB_PAGE_BYTES); /* of a new database */

    db_script(s, pages);
    free(pages);
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    if (set_wal(s) < 0) {
        if (sqlite3_errcode(s->db) != SQLITE_BUSY)
            return unreadable(s, err);
        error_add(err, s->path, 0, 0, "somebody else has held the facts for half a minute");
        return -EIO;
    }
    char *sql = xasprintf("PRAGMA journal_size_limit = %d; PRAGMA wal_autocheckpoint = %d",
                          WAL_KEPT_BYTES, WAL_BYTES / DB_PAGE_BYTES);
    db_script(s, sql);
    free(sql);
    return 0;
}

static bool has_bytes(const char *path, const char *suffix)
{
    char *whole = xasprintf("%s%s", path, suffix);
    struct stat st;
    bool has = stat(whole, &st) == 0 && (st.st_size > 0 || S_ISREG(st.st_mode) == 0);

    free(whole);
    return has;
}

/* Without -wal and -shm, in a folder where they can't be made, and nobody there who writes: the
 * file alone is all there is (a copy on a read-only disk, a restored backup). */
static bool stands_alone(const char *path)
{
    char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    bool alone = !has_bytes(path, "-wal") && !has_bytes(path, "-shm") && access(folder, W_OK) < 0 &&
                 !lock_is_held(folder, "daemon.lock");

    free(folder);
    return alone;
}

/* "file:PATH?immutable=1", with what has a meaning of its own written as %XX. */
static char *immutable_uri(const char *path)
{
    char *uri = xmalloc(strlen(path) * 3 + 32), *p = uri + sprintf(uri, "file:");

    for (const char *c = path; *c; c++)
        p += *c == '?' || *c == '#' || *c == '%' ? sprintf(p, "%%%02x", *c) : sprintf(p, "%c", *c);
    strcpy(p, "?immutable=1");
    return uri;
}

static int open_connection(struct store *s, enum store_mode mode)
{
    int flags =
        SQLITE_OPEN_NOMUTEX | (mode == STORE_READ ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
                                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

    if (mode == STORE_WRITE)
        make_file(s->path);
    char *uri = mode == STORE_READ && stands_alone(s->path) ? immutable_uri(s->path) : NULL;
    int rc = sqlite3_open_v2(uri ? uri : s->path, &s->db, flags, pieces_vfs());
    free(uri);
    /* SQLite opens what it may only read without a word; the first write would tell. */
    if (rc == SQLITE_OK && mode == STORE_WRITE && sqlite3_db_readonly(s->db, "main"))
        rc = SQLITE_READONLY;
    return rc;
}

int db_open(const char *path, enum store_mode mode, struct store **out, struct error *err)
{
    struct store *s = xcalloc(1, sizeof *s);

    s->path = xstrdup(path);
    int rc = open_connection(s, mode);
    if ((rc & 0xff) == SQLITE_IOERR) {
        rc = unreadable(s, err);
        store_close(s);
        return rc;
    }
    if (rc != SQLITE_OK) {
        error_add(err, path, 0, 0,
                  "the facts can't be %s (%s): see that the folder is yours (chown)%s, or name "
                  "another with --data",
                  mode == STORE_READ ? "read" : "written", sqlite3_errstr(rc),
                  mode == STORE_READ ? " or that you are in its group" : "");
        store_close(s);
        return -EACCES;
    }
    sqlite3_busy_timeout(s->db, BUSY_MS);
    rc = mode == STORE_WRITE ? begin_writing(s, err) : 0;
    if (rc == 0) {
        db_script(s, "PRAGMA synchronous = NORMAL");
        db_script(s, "PRAGMA cache_size = -8192");
        rc = prepare_schema(s, mode, err);
    }
    if (rc < 0) {
        store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* ---- for everybody ---- */

static int look_for_facts(const char *data, const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return 0;
    int rc = -errno;
    if (rc == -ENOENT)
        error_add(err, data, 0, 0,
                  "there are no facts here yet: take a log in with 'scantide import FILE', or "
                  "name the folder with --data");
    else
        error_add(err, path, 0, 0, "the facts can't be reached (%s)", strerror(-rc));
    return rc;
}

int store_open(const char *data, enum store_mode mode, struct store **out, struct error *err)
{
    char *path = xasprintf("%s/facts.db", data);
    int rc = mode == STORE_WRITE ? make_folders(data, err) : look_for_facts(data, path, err);

    if (rc == 0)
        rc = db_open(path, mode == STORE_READ ? STORE_READ : STORE_WRITE, out, err);
    free(path);
    return rc;
}

int store_open_again(const struct store *s, struct store **out)
{
    struct error err = {0};
    int rc = db_open(s->path, STORE_READ, out, &err);

    error_fini(&err);
    return rc < 0 ? -EIO : 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(s->statements[i].stmt);
    sqlite3_close(s->db);
    store_keep(s, NULL, NULL);
    rules_free(s->rules);
    free(s->sensors);
    free(s->path);
    free(s);
}
