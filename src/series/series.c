#include "series/series.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/fault.h"
#include "base/lock.h"
#include "series/sweep.h"
#include "series/task.h"

enum {
    SLICE_FILES = FAULT_LIMIT(2000, 7), /* updates of files: about a second */
    SYNC_EVERY_S = 3600                 /* the file system, by a daemon */
};

/* Without a name there's no telling one boot from the next. */
static void name_boot(char out[SERIES_BOOT_BYTES], const char *given)
{
    FILE *in = given ? NULL : fopen("/proc/sys/kernel/random/boot_id", "re");
    char line[SERIES_BOOT_BYTES] = "unknown";

    if (in && !fgets(line, sizeof line, in))
        strcpy(line, "unknown");
    if (in)
        fclose(in);
    line[strcspn(line, "\n")] = 0;
    snprintf(out, SERIES_BOOT_BYTES, "%s", given ? given : line);
}

int series_open(const char *data, const char *schema, const struct series_options *options,
                struct series **out, struct error *err)
{
    const struct series_limits *limits = &options->limits;
    struct schema *sc;
    int rc = schema_load(schema, &sc, err);

    *out = NULL;
    if (rc < 0)
        return rc;
    struct series *se = xcalloc(1, sizeof *se);
    se->data = xstrdup(data);
    if (options->rrdcached && *options->rrdcached)
        se->cached = cached_new(options->rrdcached);
    char *whole = se->cached ? realpath(data, NULL) : NULL;
    se->rrd = xasprintf("%s/rrd", whole ? whole : data);
    free(whole);
    se->schema = sc;
    se->limits = *limits;
    se->ports = xcalloc(limits->port_count + 1, sizeof *se->ports);
    for (size_t i = 0; i < limits->port_count; i++)
        se->ports[i] = limits->ports[i];
    se->limits.ports = se->ports;
    se->scratch = plan_scratch_new();
    se->slice_files = options->slice_files ? options->slice_files : SLICE_FILES;
    name_boot(se->machine, options->boot);
    snprintf(se->boot, sizeof se->boot, "%s", se->machine);
    se->lock = -1;
    *out = se;
    return 0;
}

void series_close(struct series *se)
{
    if (!se)
        return;
    for (size_t i = 0; i < se->n; i++) {
        task_forget_files(&se->sensors[i]);
        plan_fini(&se->sensors[i].plan);
    }
    free(se->sensors);
    plan_scratch_free(se->scratch);
    schema_free(se->schema);
    cached_free(se->cached);
    free(se->ports);
    free(se->rrd);
    free(se->data);
    free(se);
}

char *series_folder(const struct series *se, const char *sensor)
{
    return series_name(str_from(sensor)) ? xasprintf("%s/%s", se->rrd, sensor) : NULL;
}

/* ---- one writer at a time ---- */

static int take_lock(struct series *se, bool wait, struct error *err)
{
    int fd = lock_take(se->data, "series.lock", wait);

    if (fd == -EWOULDBLOCK)
        return fd;
    if (fd < 0) {
        char *path = xasprintf("%s/series.lock", se->data);
        access_fault(access(path, F_OK) == 0 ? path : se->data, ACCESS_WRITE, fd, err);
        free(path);
        return fd;
    }
    int rc = inflight_open(se->rrd, &se->inflight, err);
    if (rc < 0) {
        lock_release(fd);
        return rc;
    }
    se->lock = fd;
    inflight_mend(se->inflight);
    return 0;
}

static void drop_lock(struct series *se)
{
    inflight_close(se->inflight);
    se->inflight = NULL;
    lock_release(se->lock);
    se->lock = -1;
}

/* ---- what another boot left ---- */

/* What was written before a crash of the machine, and not synced, is to be made again. */
static int check_boot(struct series *se, struct store *s, struct error *err)
{
    size_t n;

    if (se->boot_checked)
        return 0;
    int rc = store_touch_unsynced(s, se->boot, &n);
    se->boot_checked = rc == 0;
    return rc < 0 ? task_store_fault(se, s, rc, err) : 0;
}

/* With another rrdcached than before nothing is known of what that one had been given; and if it
 * was killed, it may have left torn files, as in a crash of the machine. */
static int connect_cached(struct series *se, struct error *err)
{
    char *fault = NULL;
    bool fresh;

    if (!se->cached)
        return 0;
    int rc = cached_connect(se->cached, &fresh, &fault);
    if (rc < 0)
        error_add(err, se->rrd, 0, 0, "%s", fault);
    free(fault);
    if (rc < 0 || !fresh)
        return rc;
    snprintf(se->boot, sizeof se->boot, "%.40s %ld", se->machine, cached_peer(se->cached));
    se->boot_checked = false;
    for (size_t i = 0; i < se->n; i++)
        for (size_t k = 0; k < se->sensors[i].n; k++)
            se->sensors[i].files[k].checked = false;
    return 0;
}

static int flush_cached(struct series *se, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; se->cached && i < se->n && rc == 0; i++) {
        struct sensor_series *ss = &se->sensors[i];
        struct writer *w =
            writer_new(se->rrd, ss->name, se->schema, se->inflight, se->cached, 0, NULL);
        for (size_t k = 0; k < ss->n && rc == 0; k++)
            if (!ss->files[k].making && (rc = writer_flush(w, &ss->files[k])) < 0)
                error_add(err, se->rrd, 0, 0, "%s", ss->files[k].fault);
        writer_free(w);
    }
    return rc;
}

static int sync_disk(struct series *se, struct store *s, struct error *err)
{
    int flushed = flush_cached(se, err);
    if (flushed < 0)
        return flushed;
    int fd = open(se->rrd, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || syncfs(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    if (rc < 0) {
        error_add(err, se->rrd, 0, 0,
                  "can't be synced to the disk (%s); after a crash of the machine they are made "
                  "again from the facts",
                  strerror(-rc));
        return rc;
    }
    FAULT("disk");
    if ((rc = store_note_synced(s)) < 0)
        return task_store_fault(se, s, rc, err);
    se->unsynced = false;
    return 0;
}

int series_settle(struct series *se, struct store *s, struct error *err)
{
    if (!se->unsynced)
        return 0;
    int rc = take_lock(se, true, err);
    if (rc < 0)
        return rc;
    rc = connect_cached(se, err);
    if (rc == 0)
        rc = sync_disk(se, s, err);
    drop_lock(se);
    return rc;
}

int series_forget(struct series *se, const char *sensor, struct error *err)
{
    static const char *const below[] = {"/pair", "/port", "/country", ""};
    const struct series_key none = {0};
    char *folder = series_folder(se, sensor);
    int rc = folder ? take_lock(se, true, err) : 0;

    if (folder && rc == 0) {
        sweep(folder, &none, 0);
        for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
            char *path = xasprintf("%s%s", folder, below[i]);
            rmdir(path); /* goes only if it is empty */
            free(path);
        }
        drop_lock(se);
    }
    free(folder);
    return rc;
}

/* ---- what is remembered ---- */

static struct sensor_series *find_sensor(struct series *se, uint16_t id, const char *name)
{
    for (size_t i = 0; i < se->n; i++)
        if (se->sensors[i].id == id && strcmp(se->sensors[i].name, name) == 0)
            return &se->sensors[i];
    se->sensors = xrealloc(se->sensors, se->n + 1, sizeof *se->sensors);
    struct sensor_series *ss = &se->sensors[se->n++];
    *ss = (struct sensor_series){.id = id};
    snprintf(ss->name, sizeof ss->name, "%s", name);
    return ss;
}

/* ---- all sensors ---- */

/* A copy of the store's list, which lives only until its next call. */
static int list_sensors(struct series *se, struct store *s, struct sensor **out, size_t *n,
                        struct error *err)
{
    const struct sensor *list;
    int rc = store_sensors(s, &list, n);

    if (rc < 0)
        return task_store_fault(se, s, rc, err);
    *out = xcalloc(*n + 1, sizeof **out);
    if (*n > 0)
        memcpy(*out, list, *n * sizeof **out);
    return 0;
}

static void count_left(const struct series *se, struct series_stats *stats)
{
    for (size_t i = 0; i < se->n; i++) {
        stats->files += se->sensors[i].n;
        for (size_t k = 0; k < se->sensors[i].n; k++)
            stats->left += se->sensors[i].files[k].making;
    }
}

static int sync_sensors(struct series *se, struct store *s, int64_t until, bool paced,
                        struct series_stats *stats, struct error *err)
{
    struct sensor *sensors = NULL;
    size_t n = 0, left = se->slice_files;
    bool failed = false;
    int rc = list_sensors(se, s, &sensors, &n, err);

    for (size_t i = 0; i < n && rc >= 0; i++) {
        if (!series_name(str_from(sensors[i].name)))
            continue;
        struct task t = {.se = se,
                         .s = s,
                         .stats = stats,
                         .err = err,
                         .paced = paced,
                         .left = &left,
                         .ss = find_sensor(se, sensors[i].id, sensors[i].name)};
        rc = task_sync(&t, until);
        failed |= rc == FILES_FAILED;
        stats->more |= rc == SLICE_DONE;
    }
    free(sensors);
    count_left(se, stats);
    return rc < 0 ? rc : failed ? -EIO : 0;
}

/* Whether all series were written up to the last fact, and none is to be made again. */
static int is_current(struct series *se, struct store *s, int64_t until, bool *current,
                      struct error *err)
{
    struct sensor *sensors = NULL;
    size_t n = 0;
    int rc = list_sensors(se, s, &sensors, &n, err);

    *current = true;
    for (size_t i = 0; i < n && rc >= 0 && *current; i++) {
        struct task t = {
            .se = se, .s = s, .err = err, .ss = find_sensor(se, sensors[i].id, sensors[i].name)};
        if (series_name(str_from(sensors[i].name)))
            rc = task_is_current(&t, until, current);
    }
    free(sensors);
    return rc;
}

int series_sync(struct series *se, struct store *s, int64_t until, unsigned how,
                struct series_stats *stats, struct error *err)
{
    bool paced = how & SERIES_PACED, current = false;
    int rc = take_lock(se, how & SERIES_WAIT, err);

    *stats = (struct series_stats){0};
    if (rc < 0)
        return rc;
    rc = connect_cached(se, err);
    if (rc == 0)
        rc = check_boot(se, s, err);
    if (rc == 0)
        rc = how & SERIES_LAZY ? is_current(se, s, until, &current, err) : 0;
    if (rc == 0 && !current)
        rc = sync_sensors(se, s, until, paced, stats, err);
    if (se->synced == 0)
        se->synced = until;
    if (se->unsynced && (!paced || task_is_past(se->synced, until, SYNC_EVERY_S))) {
        se->synced = until;
        int synced = sync_disk(se, s, err);
        rc = rc < 0 ? rc : synced;
    }
    drop_lock(se);
    return rc;
}

/* ---- what a chart draws ---- */

int series_want(struct series *se, struct store *s, uint16_t sensor, const struct series_key *keys,
                size_t n, int64_t until, int64_t now, struct error *err)
{
    struct sensor *sensors = NULL;
    struct series_stats stats = {0};
    struct task t = {.se = se, .s = s, .stats = &stats, .err = err};
    size_t count = 0;
    int rc = take_lock(se, true, err);

    if (rc < 0)
        return rc;
    rc = connect_cached(se, err);
    if (rc == 0)
        rc = check_boot(se, s, err);
    if (rc == 0)
        rc = list_sensors(se, s, &sensors, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        if (sensors[i].id == sensor && series_name(str_from(sensors[i].name)))
            t.ss = find_sensor(se, sensor, sensors[i].name);
    if (rc == 0 && t.ss)
        rc = task_want(&t, keys, n, until, now);
    free(sensors);
    drop_lock(se);
    return rc == FILES_FAILED ? -EIO : rc;
}
