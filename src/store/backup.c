#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "store/db.h"

enum { STEP_PAGES = (8 << 20) / DB_PAGE_BYTES, FILE_MODE = 0640 };

struct job {
    struct store *from;
    const char *file;
    char *fresh;
    sqlite3 *to;
    struct error *err;
};

static int fault(struct job *j, const char *what, const char *why)
{
    error_add(j->err, j->file, 0, 0, "%s (%s)", what, why);
    return -EIO;
}

static void remove_fresh(struct job *j)
{
    char *journal = xasprintf("%s-journal", j->fresh);

    unlink(j->fresh);
    unlink(journal);
    free(journal);
}

/* What may be replaced: nothing, or an earlier backup. */
static int check_place(struct job *j)
{
    struct stat there, facts;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;

    if (stat(j->file, &there) < 0) {
        if (errno == ENOENT)
            return 0;
        int rc = -errno;
        error_add(j->err, j->file, 0, 0, "can't be reached (%s)", strerror(-rc));
        return rc;
    }
    if (S_ISDIR(there.st_mode)) {
        error_add(j->err, j->file, 0, 0, "this is a folder: name a file in it");
        return -EISDIR;
    }
    if (stat(j->from->path, &facts) == 0 && facts.st_dev == there.st_dev &&
        facts.st_ino == there.st_ino) {
        error_add(j->err, j->file, 0, 0, "these are the facts themselves: name another file");
        return -EINVAL;
    }
    bool ours = sqlite3_open_v2(j->file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &q, NULL) == SQLITE_OK &&
                sqlite3_step(q) == SQLITE_ROW &&
                sqlite3_column_int64(q, 0) == SCANTIDE_APPLICATION_ID;
    sqlite3_finalize(q);
    sqlite3_close(db);
    if (ours)
        return 0;
    error_add(j->err, j->file, 0, 0, "there is a file of another kind already: name another one");
    return -EEXIST;
}

static int make_file(struct job *j)
{
    remove_fresh(j);
    int fd = open(j->fresh, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        int rc = -errno;
        error_add(j->err, j->file, 0, 0, "can't be written (%s)", strerror(-rc));
        return rc;
    }
    close(fd);
    if (sqlite3_open_v2(j->fresh, &j->to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return fault(j, "can't be written", sqlite3_errmsg(j->to));
    return 0;
}

static int copy(struct job *j, void (*progress)(void *ctx, uint64_t done, uint64_t total),
                void *ctx)
{
    sqlite3_backup *b = sqlite3_backup_init(j->to, "main", j->from->db, "main");
    int rc;

    if (!b)
        return fault(j, "can't be written", sqlite3_errmsg(j->to));
    while ((rc = sqlite3_backup_step(b, STEP_PAGES)) == SQLITE_OK) {
        int total = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);
        if (progress)
            progress(ctx, (uint64_t)(total - left), (uint64_t)total);
    }
    sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE)
        rc = sqlite3_exec(j->to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fault(j, "can't be written", sqlite3_errstr(rc));
}

/* ---- the check ---- */

/* Numbers that differ where anything of weight does. */
static const char sums[] =
    "SELECT (SELECT count(*) FROM segment) || ' ' || (SELECT ifnull(sum(events), 0) FROM segment "
    "WHERE kind = 1) || ' ' || (SELECT ifnull(sum(length(data)), 0) FROM segment) || ' ' ||"
    " (SELECT count(*) FROM position) || ' ' || (SELECT ifnull(sum(last - first), 0) FROM "
    "coverage) || ' ' || (SELECT count(*) || ' ' || ifnull(sum(last - first + lost), 0) FROM gap) "
    "|| ' ' || (SELECT count(*) || ' ' || ifnull(sum(events), 0) FROM burst)";

static char *one_text(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW &&
        sqlite3_column_text(q, 0))
        text = xstrdup((const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return text ? text : xstrdup(sqlite3_errmsg(db));
}

/* Opened anew, so that it is read from the file and not from what this process remembers. */
static int verify(struct job *j)
{
    sqlite3_close(j->to);
    j->to = NULL;
    if (sqlite3_open_v2(j->fresh, &j->to, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return fault(j, "can't be read back", sqlite3_errmsg(j->to));
    char *whole = one_text(j->to, "PRAGMA integrity_check(1)"), *here = one_text(j->to, sums),
         *there = one_text(j->from->db, sums);
    int rc = 0;
    whole[strcspn(whole, "\n")] = 0;
    if (strcmp(whole, "ok") != 0)
        rc = fault(j, "the copy isn't whole", whole);
    else if (strcmp(here, there) != 0)
        rc = fault(j, "the copy differs from the facts", here);
    free(whole);
    free(here);
    free(there);
    return rc;
}

/* ---- all of it ---- */

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

static int put_in_place(struct job *j)
{
    char *folder = xstrdup(j->file), *slash = strrchr(folder, '/');
    const char *parent = ".";

    if (slash) {
        *slash = 0;
        parent = slash == folder ? "/" : folder;
    }
    int rc = sync_path(j->fresh, O_RDONLY);
    if (rc == 0 && rename(j->fresh, j->file) < 0)
        rc = -errno;
    if (rc == 0)
        rc = sync_path(parent, O_RDONLY | O_DIRECTORY);
    if (rc < 0)
        error_add(j->err, j->file, 0, 0, "can't be written (%s)", strerror(-rc));
    free(folder);
    return rc;
}

int backup_facts(struct store *s, const char *file,
                 void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct error *err)
{
    struct job j = {.from = s, .file = file, .err = err};
    int rc = check_place(&j);

    if (rc < 0)
        return rc;
    /* A read transaction of our own: pages that others commit meanwhile aren't seen, and the copy
     * needn't begin again for them. */
    if (db_script(s, "BEGIN; SELECT 1 FROM sensor LIMIT 1") < 0)
        return fault(&j, "the facts can't be read", store_error(s));
    j.fresh = xasprintf("%s.new", file);
    rc = make_file(&j);
    if (rc == 0)
        rc = copy(&j, progress, ctx);
    if (rc == 0)
        rc = verify(&j);
    sqlite3_close(j.to);
    db_script(s, "ROLLBACK");
    if (rc == 0)
        rc = put_in_place(&j);
    if (rc < 0)
        remove_fresh(&j);
    free(j.fresh);
    return rc;
}
