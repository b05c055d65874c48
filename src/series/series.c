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
#include "series/plan.h"
#include "series/sweep.h"
#include "series/touch.h"
#include "series/write.h"

enum {
    FAULTS_NAMED = 5,                   /* a sensor; the others are counted */
    PAIR_NOTED_S = 6 * 3600,            /* a pair's last use is written down no more often */
    SLICE_FILES = FAULT_LIMIT(2000, 7), /* updates of files: about a second */
    SYNC_EVERY_S = 3600,                /* the file system, by a daemon */
    BOOT_BYTES = 64
};

/* Within this file, beside 0 and a negative errno: some files have a fault, which has been
 * reported, and the rest is well; a slice's work is done, and there is more. */
enum { FILES_FAILED = 1, SLICE_DONE };

/* What is remembered of a sensor between calls. */
struct sensor_series {
    uint16_t id;
    char name[SENSOR_NAME_MAX];
    uint64_t rebuilt; /* series_state.rebuilt that the plan belongs to */
    int64_t paced;    /* `until` when late facts were last looked at */

    /* Series are being made again for late facts: for series_state.late and the id up to which
     * they were noted. */
    bool mending, sliced;
    uint64_t mend_late;
    int64_t mend_last;

    struct plan plan;
    struct series_file *files; /* by key */
    size_t n;
};

struct series {
    char *data, *rrd;
    struct schema *schema;
    struct series_limits limits;
    uint32_t *ports; /* the limits' copy */
    struct plan_scratch *scratch;
    struct sensor_series *sensors;
    size_t n;
    size_t slice_files;
    struct cached *cached;
    char machine[BOOT_BYTES]; /* this boot of it */
    char boot[BOOT_BYTES];    /* and of rrdcached */
    bool boot_checked;
    bool unsynced;  /* files have been written since the last sync */
    int64_t synced; /* `until` of that */

    /* While series.lock is held. */
    int lock;
    struct inflight *inflight;
};

/* Without a name there's no telling one boot from the next. */
static void name_boot(char out[BOOT_BYTES], const char *given)
{
    FILE *in = given ? NULL : fopen("/proc/sys/kernel/random/boot_id", "re");
    char line[BOOT_BYTES] = "unknown";

    if (in && !fgets(line, sizeof line, in))
        strcpy(line, "unknown");
    if (in)
        fclose(in);
    line[strcspn(line, "\n")] = 0;
    snprintf(out, BOOT_BYTES, "%s", given ? given : line);
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

static void forget_files(struct sensor_series *ss)
{
    for (size_t i = 0; i < ss->n; i++)
        free(ss->files[i].fault);
    free(ss->files);
    ss->files = NULL;
    ss->n = 0;
}

void series_close(struct series *se)
{
    if (!se)
        return;
    for (size_t i = 0; i < se->n; i++) {
        forget_files(&se->sensors[i]);
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

static int store_fault(const struct series *se, struct store *s, int rc, struct error *err)
{
    error_add(err, se->data, 0, 0, "the facts can't be used: %s", store_error(s));
    return rc;
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
    return rc < 0 ? store_fault(se, s, rc, err) : 0;
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
        return store_fault(se, s, rc, err);
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

static int by_file_key(const void *a, const void *b)
{
    const struct series_file *x = a, *y = b;

    return series_key_compare(&x->key, &y->key);
}

static struct series_file *find_file(struct sensor_series *ss, const struct series_key *key)
{
    struct series_file wanted = {.key = *key};

    return ss->n ? bsearch(&wanted, ss->files, ss->n, sizeof wanted, by_file_key) : NULL;
}

/* The files become those of the keys, which are sorted; what is known of a file that stays is
 * kept. */
static void set_files(struct sensor_series *ss, const struct series_key *keys, size_t n)
{
    struct series_file *files = xcalloc(n + 1, sizeof *files);

    for (size_t i = 0; i < n; i++) {
        struct series_file *known = find_file(ss, &keys[i]);
        if (known) {
            files[i] = *known;
            known->fault = NULL;
        }
        files[i].key = keys[i];
    }
    forget_files(ss);
    ss->files = files;
    ss->n = n;
}

/* ---- a sensor ---- */

/* One call's work on one sensor. */
struct task {
    struct series *se;
    struct store *s;
    struct sensor_series *ss;
    struct series_stats *stats;
    struct error *err;
    struct series_state state;
    struct touch touch; /* by late facts: made again */
    bool paced;         /* in slices */
    bool flush;         /* what an rrdcached has of the files: they are to be read */
    bool whole_bins;    /* only those that were watched to their end */
    size_t *left;       /* of this slice */
    int64_t first;      /* the first known bin */
    int64_t begin;      /* where a new file begins: `first`, or as far back as an RRD reaches */
    int64_t goal;       /* the end of the last bin that is to be written */
};

static int64_t bin_floor(int64_t when)
{
    return when - when % BIN_S;
}

/* Finds out what is there to do; `todo` is false where nothing is. */
static int task_init(struct task *t, int64_t until, bool *todo)
{
    int64_t from, to;

    *todo = false;
    int rc = store_extent(t->s, t->ss->id, &from, &to);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0)
        rc = store_series_state(t->s, t->ss->id, &t->state);
    if (rc < 0)
        return store_fault(t->se, t->s, rc, t->err);
    /* Nothing is written past the last known bin: it would make the log that continues there
     * late. */
    int64_t end = t->whole_bins ? bin_floor(to + 1) : bin_floor(to) + BIN_S;
    t->goal = end < bin_floor(until) ? end : bin_floor(until);
    if (t->goal < t->state.written)
        t->goal = t->state.written;
    t->first = bin_floor(from);
    t->begin = bin_floor(t->goal - schema_reach(t->se->schema));
    if (t->begin < t->first)
        t->begin = t->first;
    *todo = t->begin < t->goal;
    return 0;
}

/* From here on facts for bins before the goal are late, so it comes before any fact is read. */
static int move_mark(struct task *t)
{
    int rc = 0;

    if (t->state.written == t->goal)
        return 0;
    /* Series that have never been made stay touched until they have: what lies in the folder isn't
     * ours. */
    if (t->state.written == 0) {
        rc = store_touch_series(t->s, t->ss->id);
        if (rc == 0)
            rc = store_series_state(t->s, t->ss->id, &t->state);
    }
    t->state.written = t->goal;
    FAULT("mark");
    if (rc == 0)
        rc = store_set_series_state(t->s, t->ss->id, &t->state);
    FAULT("marked");
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

/* Whether so much time has passed; where the clock was set back, it has. */
static bool is_past(int64_t last, int64_t now, int64_t seconds)
{
    return now >= last + seconds || now < last;
}

static bool may_mend(const struct task *t, int64_t until)
{
    const struct sensor_series *ss = t->ss;

    return !t->paced || (!ss->sliced && (!ss->paced || is_past(ss->paced, until, SERIES_PACE_S)));
}

/* Finds out which series late facts touch, if it is time for that. */
static int read_late(struct task *t, int64_t until)
{
    struct sensor_series *ss = t->ss;

    /* Another process has made them again, and knows more of the late facts' ports than we do. */
    if (ss->rebuilt != t->state.rebuilt) {
        plan_fini(&ss->plan);
        ss->rebuilt = t->state.rebuilt;
        ss->mending = false;
    }
    if (t->state.late == (ss->mending ? ss->mend_late : t->state.rebuilt) || !may_mend(t, until))
        return 0;
    int rc = touch_read(&t->touch, t->s, ss->id, ss->mending ? ss->mend_last : 0);
    if (rc < 0)
        return store_fault(t->se, t->s, rc, t->err);
    ss->mending = true;
    ss->mend_late = t->state.late;
    ss->mend_last = t->touch.last;
    ss->paced = until;
    return 0;
}

static int read_plan(struct task *t)
{
    struct sensor_series *ss = t->ss;
    unsigned port_events = t->se->limits.port_events;
    int rc = 0;

    if (t->touch.all)
        plan_fini(&ss->plan);
    else if (ss->plan.until)
        rc = plan_read_again(&ss->plan, t->se->scratch, t->s, ss->id, t->touch.hours,
                             t->touch.hour_count, port_events);
    if (rc == 0)
        rc = plan_read(&ss->plan, t->se->scratch, t->s, ss->id, t->first, t->goal, port_events);
    if (rc < 0) {
        plan_fini(&ss->plan);
        return store_fault(t->se, t->s, rc, t->err);
    }
    return 0;
}

/* The pairs that charts still draw; the others are given up. */
static int read_pairs(struct task *t, int64_t now, struct series_pair **list, size_t *n)
{
    int rc = store_pairs(t->s, t->ss->id, list, n);
    size_t kept = 0;

    if (rc < 0)
        return store_fault(t->se, t->s, rc, t->err);
    for (size_t i = 0; i < *n && rc == 0; i++) {
        struct series_pair *p = &(*list)[i];
        if (p->used + SERIES_PAIR_KEPT_S >= now)
            (*list)[kept++] = *p;
        else
            rc = store_drop_pair(t->s, t->ss->id, p->port, p->country);
    }
    *n = kept;
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

/* The files that are furthest behind, at most `max`, and the next window's limit: where they meet
 * others. */
static size_t pick_group(struct series_file **files, size_t n, size_t max, int64_t goal,
                         struct series_file **group, int64_t *from, int64_t *limit)
{
    size_t picked = 0;

    *from = *limit = goal;
    for (size_t i = 0; i < n; i++)
        if (!files[i]->fault && files[i]->last_up < *from)
            *from = files[i]->last_up;
    for (size_t i = 0; i < n; i++) {
        if (files[i]->fault)
            continue;
        if (files[i]->last_up == *from && *from < goal) {
            if (picked < max)
                group[picked++] = files[i];
        } else if (files[i]->last_up < *limit)
            *limit = files[i]->last_up;
    }
    return picked;
}

static struct gather *gather_for(struct series_file **group, size_t n)
{
    struct series_key *keys = xcalloc(n, sizeof *keys);

    for (size_t i = 0; i < n; i++)
        keys[i] = group[i]->key;
    struct gather *g = gather_new(keys, n);
    free(keys);
    return g;
}

/* Brings files that have been checked up to the goal, in windows: those furthest behind first,
 * until they meet the others. */
static int bring_up(struct task *t, struct writer *w, struct series_file **files, size_t n)
{
    struct series_file **group = xcalloc(n + 1, sizeof *group),
                       **before = xcalloc(n + 1, sizeof *before);
    struct gather *g = NULL;
    size_t picked, count = 0, max = t->paced ? t->se->slice_files : SIZE_MAX;
    int64_t from, limit;
    int rc = 0;

    while (rc == 0 && (picked = pick_group(files, n, max, t->goal, group, &from, &limit)) > 0) {
        if (t->paced && *t->left == 0) {
            rc = SLICE_DONE;
            break;
        }
        if (picked != count || memcmp(group, before, picked * sizeof *group) != 0) {
            gather_free(g);
            g = gather_for(group, picked);
            memcpy(before, group, picked * sizeof *group);
            count = picked;
        }
        int64_t to = gather_reach(g, from, limit);
        rc = gather_read(g, t->s, t->ss->id, from, to);
        if (rc < 0)
            rc = store_fault(t->se, t->s, rc, t->err);
        else
            writer_write(w, group, picked, g, from, to == t->goal);
        if (t->paced)
            *t->left -= picked < *t->left ? picked : *t->left;
    }
    gather_free(g);
    free(before);
    free(group);
    return rc;
}

/* Says which files failed, and forgets it, so that the next call tries again. */
static int report_faults(const struct task *t, struct series_file **files, size_t n)
{
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        char path[SERIES_PATH_MAX];
        if (!files[i]->fault)
            continue;
        series_path(&files[i]->key, path);
        char *file = xasprintf("%s/%s/%s", t->se->rrd, t->ss->name, path);
        if (failed++ < FAULTS_NAMED)
            error_add(t->err, file, 0, 0, "%s", files[i]->fault);
        free(file);
        free(files[i]->fault);
        files[i]->fault = NULL;
    }
    if (failed > FAULTS_NAMED)
        error_add(t->err, NULL, 0, 0,
                  "%zu more RRD files of sensor %s couldn't be written; all are "
                  "tried again the next time",
                  failed - FAULTS_NAMED, t->ss->name);
    return failed ? FILES_FAILED : 0;
}

/* Which files are to be made, which are to be written on; true if there is anything to do. */
static bool look_at_files(const struct task *t, const struct writer *w, struct series_file **files,
                          size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        /* Those had their turn in an earlier slice. */
        bool done = t->ss->sliced && files[i]->checked && files[i]->last_up == t->goal;
        if (files[i]->fault)
            continue;
        if (touch_hits(&t->touch, &files[i]->key))
            writer_make(w, files[i]);
        else if (files[i]->making)
            writer_resume(w, files[i]);
        else if (!done)
            writer_check(w, files[i], t->goal);
        any |= files[i]->making || (!files[i]->fault && files[i]->last_up < t->goal);
    }
    return any;
}

static int note_unsynced(struct task *t)
{
    int rc = store_note_unsynced(t->s, t->ss->id, t->se->boot);

    if (rc < 0)
        return store_fault(t->se, t->s, rc, t->err);
    FAULT("noted");
    t->se->unsynced = true;
    return 0;
}

/* Checks or makes the files and fills them. Returns 0, FILES_FAILED, SLICE_DONE or a negative
 * errno. */
static int write_files(struct task *t, struct series_file **files, size_t n)
{
    struct writer *w = writer_new(t->se->rrd, t->ss->name, t->se->schema, t->se->inflight,
                                  t->se->cached, t->begin, t->stats);
    int rc = 0;

    if (look_at_files(t, w, files, n) && (rc = note_unsynced(t)) == 0)
        rc = bring_up(t, w, files, n);
    for (size_t i = 0; t->flush && i < n; i++)
        if (!files[i]->fault)
            writer_flush(w, files[i]);
    writer_free(w);
    if (rc == SLICE_DONE)
        return rc;
    int faults = report_faults(t, files, n);
    return rc < 0 ? rc : faults;
}

/* All are as they should be for the late facts that were read. */
static int finish_mend(struct task *t)
{
    struct sensor_series *ss = t->ss;

    if (!ss->mending)
        return 0;
    FAULT("lateness");
    int rc = store_drop_late(t->s, ss->id, ss->mend_last, ss->mend_late);
    FAULT("whole");
    if (rc < 0)
        return store_fault(t->se, t->s, rc, t->err);
    ss->rebuilt = ss->mend_late;
    ss->mending = false;
    return 0;
}

static int sync_files(struct task *t)
{
    struct sensor_series *ss = t->ss;
    struct series_file **files = xcalloc(ss->n + 1, sizeof *files);

    for (size_t i = 0; i < ss->n; i++)
        files[i] = &ss->files[i];
    int rc = write_files(t, files, ss->n);
    free(files);
    return rc;
}

static void sweep_sensor(const struct task *t, const struct series_key *keys, size_t n)
{
    char *folder = series_folder(t->se, t->ss->name);

    sweep(folder, keys, n);
    FAULT("swept");
    free(folder);
}

static int sync_sensor(struct task *t, int64_t until)
{
    struct sensor_series *ss = t->ss;
    struct series_key *keys = NULL;
    struct series_pair *pairs = NULL;
    size_t n = 0, pair_count = 0;
    bool todo;
    int rc = task_init(t, until, &todo);

    if (rc < 0 || !todo)
        return rc;
    if ((rc = move_mark(t)) < 0 || (rc = read_late(t, until)) < 0 || (rc = read_plan(t)) < 0 ||
        (rc = read_pairs(t, until, &pairs, &pair_count)) < 0) {
        /* What was touched isn't noted in the files yet: it is to be read again. */
        ss->mending = ss->sliced = false;
        goto out;
    }
    n = plan_keys(&ss->plan, &t->se->limits, pairs, pair_count, &keys);
    set_files(ss, keys, n);
    rc = sync_files(t);
    ss->sliced = rc == SLICE_DONE;
    if (ss->sliced)
        FAULT("slice");
    if (rc == 0)
        rc = finish_mend(t);
    if (rc == 0)
        sweep_sensor(t, keys, n);
out:
    touch_fini(&t->touch);
    free(keys);
    free(pairs);
    return rc;
}

/* A copy of the store's list, which lives only until its next call. */
static int list_sensors(struct series *se, struct store *s, struct sensor **out, size_t *n,
                        struct error *err)
{
    const struct sensor *list;
    int rc = store_sensors(s, &list, n);

    if (rc < 0)
        return store_fault(se, s, rc, err);
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
        rc = sync_sensor(&t, until);
        failed |= rc == FILES_FAILED;
        stats->more |= rc == SLICE_DONE;
    }
    free(sensors);
    count_left(se, stats);
    return rc < 0 ? rc : failed ? -EIO : 0;
}

int series_sync(struct series *se, struct store *s, int64_t until, unsigned how,
                struct series_stats *stats, struct error *err)
{
    bool paced = how & SERIES_PACED;
    int rc = take_lock(se, how & SERIES_WAIT, err);

    *stats = (struct series_stats){0};
    if (rc < 0)
        return rc;
    rc = connect_cached(se, err);
    if (rc == 0)
        rc = check_boot(se, s, err);
    if (rc == 0)
        rc = sync_sensors(se, s, until, paced, stats, err);
    if (se->synced == 0)
        se->synced = until;
    if (se->unsynced && (!paced || is_past(se->synced, until, SYNC_EVERY_S))) {
        se->synced = until;
        int synced = sync_disk(se, s, err);
        rc = rc < 0 ? rc : synced;
    }
    drop_lock(se);
    return rc;
}

/* ---- what a chart draws ---- */

/* Notes that the pairs were drawn: a new one at once, else now and then. */
static int note_pairs(struct task *t, const struct series_key *keys, size_t n, int64_t now)
{
    struct series_pair *known = NULL;
    size_t known_count = 0;
    int rc = store_pairs(t->s, t->ss->id, &known, &known_count);

    for (size_t i = 0; i < n && rc == 0; i++) {
        struct series_pair p = {keys[i].port, keys[i].country, now};
        bool fresh = keys[i].kind != SERIES_PAIR;
        for (size_t k = 0; k < known_count; k++)
            fresh |= known[k].port == p.port && known[k].country == p.country &&
                     known[k].used + PAIR_NOTED_S > now;
        if (!fresh)
            rc = store_put_pair(t->s, t->ss->id, &p);
    }
    free(known);
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

static bool file_exists(const struct task *t, const struct series_key *key)
{
    char path[SERIES_PATH_MAX];

    series_path(key, path);
    char *file = xasprintf("%s/%s/%s", t->se->rrd, t->ss->name, path);
    bool there = access(file, F_OK) == 0;
    free(file);
    return there;
}

static int by_key(const void *a, const void *b)
{
    return series_key_compare(a, b);
}

/* Of the sorted keys those that have a series: a pair, a file, or else by the rule of admission. */
static int admitted(struct task *t, struct series_key *keys, size_t *n)
{
    struct series_key *planned = NULL;
    size_t count = 0, kept = 0;
    int rc = 0;

    for (size_t i = 0; i < *n && rc == 0; i++) {
        bool has = keys[i].kind == SERIES_PAIR || file_exists(t, &keys[i]);
        if (!has && !planned && (rc = read_plan(t)) == 0)
            count = plan_keys(&t->ss->plan, &t->se->limits, NULL, 0, &planned);
        has = has || (planned && bsearch(&keys[i], planned, count, sizeof *planned, by_key));
        /* No two threads may write one file. */
        if (has && (kept == 0 || series_key_compare(&keys[kept - 1], &keys[i]) != 0))
            keys[kept++] = keys[i];
    }
    free(planned);
    *n = kept;
    return rc;
}

static int write_wanted(struct task *t, const struct series_key *keys, size_t n)
{
    struct series_file *files = xcalloc(n + 1, sizeof *files);
    struct series_file **list = xcalloc(n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++) {
        files[i].key = keys[i];
        list[i] = &files[i];
    }
    int rc = write_files(t, list, n);
    free(list);
    free(files);
    return rc;
}

static int want(struct task *t, const struct series_key *keys, size_t n, int64_t until, int64_t now)
{
    struct series_key *sorted = xcalloc(n + 1, sizeof *sorted);
    bool todo = false;
    int rc = note_pairs(t, keys, n, now);

    if (n > 0)
        memcpy(sorted, keys, n * sizeof *keys);
    qsort(sorted, n, sizeof *sorted, by_key);
    t->whole_bins = t->flush = true;
    if (rc == 0)
        rc = task_init(t, until, &todo);
    if (rc < 0 || !todo || t->state.written == 0)
        goto out;
    if ((rc = move_mark(t)) == 0 && t->state.late != t->state.rebuilt &&
        (rc = touch_read(&t->touch, t->s, t->ss->id, 0)) < 0)
        rc = store_fault(t->se, t->s, rc, t->err);
    if (rc == 0 && (rc = admitted(t, sorted, &n)) == 0)
        rc = write_wanted(t, sorted, n);
    touch_fini(&t->touch);
out:
    free(sorted);
    return rc;
}

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
        rc = want(&t, keys, n, until, now);
    free(sensors);
    drop_lock(se);
    return rc == FILES_FAILED ? -EIO : rc;
}
