#include "series/write.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/fault.h"
#include "series/rrdfile.h"

/* Threads for fewer files, or for shorter updates of old ones, only wait for each other: librrd
 * maps each file and unmaps it again. */
enum { FILES_A_THREAD = 16, BINS_A_THREAD = 288 };

enum { ROOM_MIN = 4 << 20 /* bytes free, some ten files */, PAGE_BYTES = 4096 };

enum { PATH_BYTES = SENSOR_NAME_MAX + SERIES_PATH_MAX + 16 /* below <data>/rrd */ };

struct blank {
    struct buf bytes;
    char *fault; /* it couldn't be made */
};

struct writer {
    const char *rrd, *sensor;
    const struct schema *sc;
    struct inflight *inflight;
    struct cached *cached;
    pthread_mutex_t *cached_lock; /* while files are put in place */
    int64_t begin;
    struct series_stats *stats;
    struct blank whole, pair;
};

/* What the threads of one window share. */
struct window {
    struct writer *w;
    struct series_file *const *files;
    size_t n;
    const struct gather *g;
    int64_t from;
    bool last;
    atomic_size_t next;
};

struct worker {
    struct window *window;
    unsigned slot;
    struct series_stats stats;
    pthread_t thread;
};

struct writer *writer_new(const char *rrd, const char *sensor, const struct schema *sc,
                          struct inflight *f, struct cached *cached, int64_t begin,
                          struct series_stats *stats)
{
    struct writer *w = xcalloc(1, sizeof *w);

    *w = (struct writer){.rrd = rrd,
                         .sensor = sensor,
                         .sc = sc,
                         .inflight = f,
                         .cached = cached,
                         .begin = begin,
                         .stats = stats};
    if (cached) {
        w->cached_lock = xcalloc(1, sizeof *w->cached_lock);
        ASSERT(pthread_mutex_init(w->cached_lock, NULL) == 0);
    }
    return w;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    buf_fini(&w->whole.bytes);
    buf_fini(&w->pair.bytes);
    free(w->whole.fault);
    free(w->pair.fault);
    if (w->cached_lock)
        pthread_mutex_destroy(w->cached_lock);
    free(w->cached_lock);
    free(w);
}

/* ---- paths ---- */

/* "gw/port/23-tcp.rrd", or while it is being made "gw/port/.23-tcp.rrd.new" */
static void file_name(const struct writer *w, const struct series_file *file, bool making,
                      char out[PATH_BYTES])
{
    char path[SERIES_PATH_MAX];

    series_path(&file->key, path);
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    int n = making ? snprintf(out, PATH_BYTES, "%s/%.*s.%s.new", w->sensor, (int)(base - path),
                              path, base)
                   : snprintf(out, PATH_BYTES, "%s/%s", w->sensor, path);
    ASSERT(n > 0 && n < PATH_BYTES);
}

static char *file_path(const struct writer *w, const struct series_file *file, bool making)
{
    char name[PATH_BYTES];

    file_name(w, file, making, name);
    return xasprintf("%s/%s", w->rrd, name);
}

/* Makes the folders on the way to a file of the sensor. Returns 0 or a negative errno. */
static int make_folders(const struct writer *w, const char *path)
{
    for (const char *slash = path + strlen(w->rrd); slash; slash = strchr(slash + 1, '/')) {
        char *folder = xstrndup(path, (size_t)(slash - path));
        int rc = mkdir(folder, 0755) < 0 && errno != EEXIST ? -errno : 0;
        free(folder);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A fault of our own system calls: the folder is what may refuse us. */
static char *write_fault(const char *path, int rc)
{
    char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    bool refused = rc == -EACCES || rc == -EPERM || rc == -EROFS;
    char *why = access_advice(refused ? folder : path, ACCESS_WRITE, rc);
    char *fault = refused ? xasprintf("its folder %s %s", folder, why) : xstrdup(why);

    free(why);
    free(folder);
    return fault;
}

/* ---- new files ---- */

static int read_whole(const char *path, struct buf *b)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || fstat(fd, &st) < 0) {
        rc = -errno;
    } else {
        buf_reserve(b, (size_t)st.st_size);
        ssize_t n = read(fd, b->p, (size_t)st.st_size);
        b->n = n > 0 ? (size_t)n : 0;
        rc = n == st.st_size ? 0 : n < 0 ? -errno : -EIO;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* librrd extends its file and then writes through a mapping: on a full disk that is a signal. */
static int room_for_template(const struct writer *w)
{
    struct statvfs fs;

    if (statvfs(w->rrd, &fs) < 0)
        return -errno;
    return (uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN ? -ENOSPC : 0;
}

static void load_template(struct writer *w, bool pair)
{
    struct blank *t = pair ? &w->pair : &w->whole;
    char *path = xasprintf("%s/%s/.template.new", w->rrd, w->sensor);

    if (t->bytes.n == 0 && !t->fault) {
        int rc = make_folders(w, path);
        if (rc == 0)
            rc = room_for_template(w);
        if (rc < 0)
            t->fault = write_fault(path, rc);
        else if (rrdfile_make(path, w->sc, pair, w->begin, &t->fault) == 0) {
            rc = read_whole(path, &t->bytes);
            if (rc < 0)
                t->fault = write_fault(path, rc);
        }
        FAULT("template");
        unlink(path);
    }
    free(path);
}

/* A page at a time: what is written at once may lie in the page cache as one piece, and then each
 * later update of a few bytes, through a mapping, sends all of that piece to the disk. */
static int write_whole(int fd, const struct buf *b)
{
    for (size_t done = 0; done < b->n;) {
        size_t left = b->n - done;
        ssize_t n = write(fd, b->p + done, left < PAGE_BYTES ? left : PAGE_BYTES);
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Plain writes, so that a full disk is an error here and not a signal in the mapping later. */
static int copy_template(const struct writer *w, const struct series_file *file, const char *path,
                         char **fault)
{
    const struct blank *t = file->key.kind == SERIES_PAIR ? &w->pair : &w->whole;

    if (t->fault) {
        *fault = xstrdup(t->fault);
        return -EIO;
    }
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int rc = fd < 0 ? -errno : 0;
    if (rc == -ENOENT && (rc = make_folders(w, path)) == 0) {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        rc = fd < 0 ? -errno : 0;
    }
    if (rc == 0)
        rc = write_whole(fd, &t->bytes);
    if (fd >= 0 && close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        *fault = write_fault(path, rc);
    return rc;
}

static bool looks_same(const struct series_file *file, const struct stat *st)
{
    return st->st_ino == file->ino && st->st_size == file->size &&
           st->st_mtim.tv_sec == file->changed.tv_sec &&
           st->st_mtim.tv_nsec == file->changed.tv_nsec;
}

/* An rrdcached writes when it likes to; what it was given counts as written. */
static bool is_as_left(const struct writer *w, const struct series_file *file,
                       const struct stat *st)
{
    return w->cached ? st->st_ino == file->ino && st->st_size == file->size : looks_same(file, st);
}

/* Notes how the file looks, so that another hand's work on it is seen. */
static int remember(struct series_file *file, const char *path)
{
    struct stat st;
    int rc = stat(path, &st) < 0 ? -errno : 0;

    file->checked = rc == 0 && !file->making;
    if (rc == 0) {
        file->ino = st.st_ino;
        file->size = st.st_size;
        file->changed = st.st_mtim;
    }
    return rc;
}

static char *cached_fault(int rc)
{
    return xasprintf("rrdcached %s (%s); it is tried again the next time",
                     rc == -EIO ? "refused it; its own log tells why" : "can't be reached",
                     strerror(-rc));
}

/* Updates of the old file must not get into the new one. */
static int forget_updates(const struct writer *w, const char *path)
{
    if (!w->cached)
        return 0;
    pthread_mutex_lock(w->cached_lock);
    int rc = cached_forget(w->cached, path);
    pthread_mutex_unlock(w->cached_lock);
    return rc;
}

int writer_flush(const struct writer *w, struct series_file *file)
{
    char *path = file_path(w, file, false);
    int rc = w->cached ? cached_flush(w->cached, path) : 0;

    if (rc < 0) {
        free(file->fault);
        file->fault = cached_fault(rc);
        file->checked = false;
    }
    free(path);
    return rc;
}

static int put_in_place(const struct writer *w, struct series_file *file, const char *made,
                        char **fault)
{
    char *path = file_path(w, file, false);
    int cached = forget_updates(w, path);
    FAULT("rename");
    int rc = cached < 0 ? cached : rename(made, path) < 0 ? -errno : 0;

    FAULT("renamed");
    if (rc < 0) {
        *fault = cached < 0 ? cached_fault(rc) : write_fault(path, rc);
    } else {
        file->making = false;
        remember(file, path);
    }
    free(path);
    return rc;
}

void writer_make(const struct writer *w, struct series_file *file)
{
    file->making = true;
    file->checked = false;
    file->last_up = file->begin = w->begin;
}

void writer_resume(const struct writer *w, struct series_file *file)
{
    char *path = file_path(w, file, true);
    struct stat st;
    bool begun = file->last_up > file->begin;

    if (begun ? stat(path, &st) < 0 || !looks_same(file, &st) : file->begin != w->begin)
        writer_make(w, file);
    free(path);
}

void writer_check(const struct writer *w, struct series_file *file, int64_t goal)
{
    char *path = file_path(w, file, false);
    bool pair = file->key.kind == SERIES_PAIR;
    struct stat st;

    if (stat(path, &st) < 0 || !file->checked || !is_as_left(w, file, &st)) {
        if (writer_flush(w, file) < 0) {
            free(path);
            return;
        }
        /* Before it is read: what another hand does meanwhile is then seen the next time. */
        remember(file, path);
        if (file->checked)
            file->checked = rrdfile_check(path, w->sc, pair, &file->last_up) == 0;
    }
    if (!file->checked || file->last_up > goal)
        writer_make(w, file);
    free(path);
}

/* ---- a window ---- */

static int fill_new(const struct writer *w, struct series_file *file, const char *path,
                    const struct rows *rows)
{
    int rc = file->last_up == file->begin ? copy_template(w, file, path, &file->fault) : 0;

    FAULT("copied");
    if (rc == 0)
        rc = rrdfile_update(path, rows, &file->fault);
    FAULT("filled");
    return rc;
}

/* In place, so whoever comes after us is told of it. */
static int update_old(const struct worker *k, struct series_file *file, const char *name,
                      const char *path, const struct rows *rows)
{
    struct inflight *f = k->window->w->inflight;

    FAULT("update");
    inflight_begin(f, k->slot, name);
    FAULT_TORN("torn", path);
    int rc = rrdfile_update(path, rows, &file->fault);
    FAULT("updated");
    inflight_end(f, k->slot);
    FAULT("written");
    return rc;
}

static void write_file(struct worker *k, struct rows *rows, size_t i)
{
    struct window *x = k->window;
    struct writer *w = x->w;
    struct series_file *file = x->files[i];
    bool making = file->making, pair = file->key.kind == SERIES_PAIR;
    char name[PATH_BYTES];

    ASSERT(file->last_up == x->from);
    rows_make(rows, x->from, gather_bins(x->g), gather_known(x->g), gather_events(x->g, i),
              pair ? NULL : gather_sources(x->g, i), w->sc->heartbeat);
    file_name(w, file, making, name);
    char *path = xasprintf("%s/%s", w->rrd, name);
    int rc = making ? fill_new(w, file, path, rows) : update_old(k, file, name, path, rows);
    if (rc == 0 && making && x->last)
        rc = put_in_place(w, file, path, &file->fault);
    else if (rc == 0)
        remember(file, path);
    if (rc == 0) {
        file->last_up = x->from + (int64_t)gather_bins(x->g) * BIN_S;
        k->stats.rows += rows->n;
        k->stats.files_made += making && x->last;
        k->stats.files_updated += !making;
    } else {
        /* What is on disk is to be looked at again. */
        file->checked = false;
        if (making) {
            unlink(path);
            file->last_up = file->begin;
        }
    }
    free(path);
}

static void *work(void *arg)
{
    struct worker *k = arg;
    struct rows rows = {0};

    for (;;) {
        size_t i = atomic_fetch_add(&k->window->next, 1);
        if (i >= k->window->n)
            break;
        if (!k->window->w->cached || k->window->files[i]->making)
            write_file(k, &rows, i);
    }
    rows_fini(&rows);
    return NULL;
}

/* ---- through an rrdcached ---- */

static void take_refusal(void *ctx, size_t i, const char *why)
{
    struct series_file *file = ((struct window *)ctx)->files[i];

    if (!file->fault)
        file->fault = xasprintf("rrdcached: %s", why);
}

/* All old files of the window in one batch. */
static void write_cached(struct window *x)
{
    struct writer *w = x->w;
    struct rows rows = {0};

    cached_begin(w->cached);
    for (size_t i = 0; i < x->n; i++) {
        if (x->files[i]->making || x->files[i]->fault || x->files[i]->last_up != x->from)
            continue;
        char *path = file_path(w, x->files[i], false);
        bool pair = x->files[i]->key.kind == SERIES_PAIR;
        rows_make(&rows, x->from, gather_bins(x->g), gather_known(x->g), gather_events(x->g, i),
                  pair ? NULL : gather_sources(x->g, i), w->sc->heartbeat);
        cached_put(w->cached, path, &rows, i);
        w->stats->rows += rows.n;
        free(path);
    }
    rows_fini(&rows);
    int rc = cached_end(w->cached, take_refusal, x);
    for (size_t i = 0; i < x->n; i++) {
        struct series_file *file = x->files[i];
        if (file->making || file->last_up != x->from)
            continue;
        if (rc < 0 && !file->fault)
            file->fault = cached_fault(rc);
        if (file->fault) {
            file->checked = false;
        } else {
            file->last_up = x->from + (int64_t)gather_bins(x->g) * BIN_S;
            w->stats->files_updated++;
        }
    }
}

static unsigned workers_for(const struct window *x)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 1 + x->n / FILES_A_THREAD;
    bool making = false;

    for (size_t i = 0; i < x->n; i++)
        making |= x->files[i]->making;
    if (!making && gather_bins(x->g) < BINS_A_THREAD)
        return 1;
    if (processors > 0 && n > (size_t)processors)
        n = (size_t)processors;
    return n < INFLIGHT_SLOTS ? (unsigned)n : INFLIGHT_SLOTS;
}

void writer_write(struct writer *w, struct series_file *const *files, size_t n,
                  const struct gather *g, int64_t from, bool last)
{
    struct window x = {.w = w, .files = files, .n = n, .g = g, .from = from, .last = last};
    struct worker workers[INFLIGHT_SLOTS] = {0};
    unsigned count = workers_for(&x), started = 1;

    for (size_t i = 0; i < n; i++)
        if (files[i]->making)
            load_template(w, files[i]->key.kind == SERIES_PAIR);
    for (unsigned i = 0; i < count; i++)
        workers[i] = (struct worker){.window = &x, .slot = i};
    /* One that can't be started leaves its share to the others. */
    while (started < count &&
           pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
        started++;
    work(&workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    if (w->cached)
        write_cached(&x);
    for (unsigned i = 0; i < started; i++) {
        w->stats->files_made += workers[i].stats.files_made;
        w->stats->files_updated += workers[i].stats.files_updated;
        w->stats->rows += workers[i].stats.rows;
    }
}
