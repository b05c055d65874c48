#include "store/pieces.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    WRITE_BYTES = 64 * 1024,
    READ_BYTES = 16 * 1024,
    READ_SMALL = 1024,      /* larger reads are left alone */
    FRAME_HEADER_BYTES = 24 /* of the write-ahead log's: page, size of the database if it commits */
};

struct piece {
    uint8_t *bytes;
    sqlite3_int64 at;
    int n;
};

struct file {
    sqlite3_file base;
    sqlite3_file *real;      /* stands behind this */
    struct file *main, *log; /* a log's database, and a database's log; else NULL */
    bool commits;            /* what is written next ends a transaction */
    struct piece written, read;
};

static struct file *file_of(sqlite3_file *f)
{
    return (struct file *)f;
}

static int flush(struct file *f)
{
    struct piece *w = &f->written;
    int n = w->n;

    if (n == 0)
        return SQLITE_OK;
    w->n = 0;
    return f->real->pMethods->xWrite(f->real, w->bytes, n, w->at);
}

/* Others may write, or read, from here on. */
static int settle(struct file *f)
{
    f->read.n = 0;
    return flush(f);
}

static int close_file(sqlite3_file *base)
{
    struct file *f = file_of(base);
    int rc = settle(f), closed = f->real->pMethods->xClose(f->real);

    free(f->written.bytes);
    free(f->read.bytes);
    if (f->main)
        f->main->log = NULL;
    return rc == SQLITE_OK ? closed : rc;
}

static int read_file(sqlite3_file *base, void *to, int n, sqlite3_int64 at)
{
    struct file *f = file_of(base);
    struct piece *r = &f->read;
    int rc = flush(f);

    if (rc != SQLITE_OK)
        return rc;
    if (r->n && at >= r->at && at + n <= r->at + r->n) {
        memcpy(to, r->bytes + (at - r->at), (size_t)n);
        return SQLITE_OK;
    }
    /* Only what goes on where the last read ended, but for a frame's header, is likely to go on. */
    bool goes_on = at >= r->at + r->n && at <= r->at + r->n + FRAME_HEADER_BYTES;
    if (n > READ_SMALL || !goes_on) {
        r->at = at + n;
        r->n = 0;
        return f->real->pMethods->xRead(f->real, to, n, at);
    }
    if (!r->bytes)
        r->bytes = xmalloc(READ_BYTES);
    r->n = 0;
    rc = f->real->pMethods->xRead(f->real, r->bytes, READ_BYTES, at);
    if (rc != SQLITE_OK) /* it ends before that */
        return f->real->pMethods->xRead(f->real, to, n, at);
    r->at = at;
    r->n = READ_BYTES;
    memcpy(to, r->bytes, (size_t)n);
    return SQLITE_OK;
}

/* Whether a frame's header says that the transaction ends with it, by the database's size then. */
static bool is_commit(const uint8_t *header)
{
    return (header[4] | header[5] | header[6] | header[7]) != 0;
}

/* Only the log's writes wait: a checkpoint of a part tells others of it without another call on the
 * database's file. With a frame that commits nothing waits either: SQLite writes its header and its
 * page, or the header alone where it mends checksums, and then tells others. */
static int write_file(sqlite3_file *base, const void *from, int n, sqlite3_int64 at)
{
    struct file *f = file_of(base);
    struct piece *w = &f->written;
    bool commits = n == FRAME_HEADER_BYTES && is_commit(from), now = commits || f->commits;
    int rc = SQLITE_OK;

    f->read.n = 0;
    f->commits = commits;
    if (w->n && (at != w->at + w->n || w->n + n > WRITE_BYTES))
        rc = flush(f);
    if (rc != SQLITE_OK)
        return rc;
    if (!f->main || n > WRITE_BYTES)
        return f->real->pMethods->xWrite(f->real, from, n, at);
    if (!w->bytes)
        w->bytes = xmalloc(WRITE_BYTES);
    if (w->n == 0)
        w->at = at;
    memcpy(w->bytes + w->n, from, (size_t)n);
    w->n += n;
    return now ? flush(f) : SQLITE_OK;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *f = file_of(base);
    int rc = settle(f);
    return rc == SQLITE_OK ? f->real->pMethods->xTruncate(f->real, size) : rc;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct file *f = file_of(base);
    int rc = settle(f);
    return rc == SQLITE_OK ? f->real->pMethods->xSync(f->real, flags) : rc;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    return rc == SQLITE_OK ? f->real->pMethods->xFileSize(f->real, size) : rc;
}

static int lock_file(sqlite3_file *base, int lock)
{
    struct file *f = file_of(base);
    int rc = settle(f);
    return rc == SQLITE_OK ? f->real->pMethods->xLock(f->real, lock) : rc;
}

static int unlock_file(sqlite3_file *base, int lock)
{
    struct file *f = file_of(base);
    int rc = settle(f), unlocked = f->real->pMethods->xUnlock(f->real, lock);
    return rc == SQLITE_OK ? unlocked : rc;
}

static int check_reserved(sqlite3_file *base, int *out)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xCheckReservedLock(f->real, out);
}

static int control_file(sqlite3_file *base, int op, void *arg)
{
    struct file *f = file_of(base);
    int rc = settle(f);
    return rc == SQLITE_OK ? f->real->pMethods->xFileControl(f->real, op, arg) : rc;
}

static int sector_size(sqlite3_file *base)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xSectorSize(f->real);
}

static int characteristics(sqlite3_file *base)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xDeviceCharacteristics(f->real);
}

static int shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xShmMap(f->real, page, size, extend, out);
}

/* The locks of the log are those of the database's file. */
static int shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct file *f = file_of(base);
    int rc = settle(f), log = f->log ? settle(f->log) : SQLITE_OK;

    rc = rc == SQLITE_OK ? log : rc;
    if (flags & SQLITE_SHM_UNLOCK || rc == SQLITE_OK) {
        int locked = f->real->pMethods->xShmLock(f->real, offset, n, flags);
        rc = rc == SQLITE_OK ? locked : rc;
    }
    return rc;
}

static void shm_barrier(sqlite3_file *base)
{
    struct file *f = file_of(base);
    f->real->pMethods->xShmBarrier(f->real);
}

static int shm_unmap(sqlite3_file *base, int delete)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xShmUnmap(f->real, delete);
}

static int fetch(sqlite3_file *base, sqlite3_int64 at, int n, void **out)
{
    (void)base;
    (void)at;
    (void)n;
    *out = NULL; /* nothing is mapped */
    return SQLITE_OK;
}

static int unfetch(sqlite3_file *base, sqlite3_int64 at, void *p)
{
    (void)base;
    (void)at;
    (void)p;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = fetch,
    .xUnfetch = unfetch,
};

static sqlite3_vfs vfs, *system_vfs;

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *base, int flags, int *out)
{
    struct file *f = file_of(base);

    (void)self;
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return system_vfs->xOpen(system_vfs, name, base, flags, out);
    *f = (struct file){.real = (sqlite3_file *)(f + 1)};
    int rc = system_vfs->xOpen(system_vfs, name, f->real, flags, out);
    if (rc != SQLITE_OK)
        return rc; /* without methods it is never closed */
    f->base.pMethods = &methods;
    if (flags & SQLITE_OPEN_WAL) {
        f->main = file_of(sqlite3_database_file_object(name));
        f->main->log = f;
    }
    return SQLITE_OK;
}

static void make_vfs(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs || system_vfs->iVersion < 2)
        return;
    vfs = *system_vfs;
    vfs.zName = "scantide";
    vfs.pNext = NULL;
    vfs.szOsFile += (int)sizeof(struct file);
    vfs.xOpen = open_file;
    sqlite3_vfs_register(&vfs, 0);
}

const char *pieces_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_vfs);
    return vfs.zName;
}
