#include "series/series.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/fault.h"
#include "base/lock.h"
#include "series/plan.h"
#include "series/sweep.h"
#include "series/write.h"

enum {
    FAULTS_NAMED = 5,        /* a sensor; the others are counted */
    PAIR_NOTED_S = 6 * 3600, /* a pair's last use is written down no more often */
    FILES_FAILED =
        1 /* within this file: some files have a fault, which has been reported; the rest is well */
};

/* What is remembered of a sensor between calls. */
struct sensor_series {
    uint16_t id;
    char name[SENSOR_NAME_MAX];
    uint64_t rebuilt; /* series_state.rebuilt that the plan belongs to */
    int64_t paced;    /* `until` of the last rebuild */
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

    /* While series.lock is held. */
    int lock;
    struct inflight *inflight;
};

int series_open(const char *data, const char *schema, const struct series_limits *limits,
                struct series **out, struct error *err)
{
    struct schema *sc;
    int rc = schema_load(schema, &sc, err);

    *out = NULL;
    if (rc < 0)
        return rc;
    struct series *se = xcalloc(1, sizeof *se);
    se->data = xstrdup(data);
    se->rrd = xasprintf("%s/rrd", data);
    se->schema = sc;
    se->limits = *limits;
    se->ports = xcalloc(limits->port_count + 1, sizeof *se->ports);
    for (size_t i = 0; i < limits->port_count; i++)
        se->ports[i] = limits->ports[i];
    se->limits.ports = se->ports;
    se->scratch = plan_scratch_new();
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
        if (known)
            files[i] = *known;
        files[i].key = keys[i];
        files[i].fault = NULL;
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
    int64_t first; /* the first known bin */
    int64_t begin; /* where a new file begins: `first`, or as far back as an RRD reaches */
    int64_t goal;  /* the end of the last bin that is to be written */
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
    int64_t end = bin_floor(to) + BIN_S;
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

static bool is_stale(const struct task *t)
{
    return t->state.late != t->state.rebuilt || t->state.written == 0;
}

/* From here on facts for bins before the goal are late, so it comes before any fact is read. */
static int move_mark(struct task *t)
{
    if (t->state.written == t->goal)
        return 0;
    /* Series that have never been made stay stale until they have: what lies in the folder isn't
     * ours. */
    if (t->state.written == 0)
        t->state.rebuilt = t->state.late - 1;
    t->state.written = t->goal;
    FAULT("mark");
    int rc = store_set_series_state(t->s, t->ss->id, &t->state);
    FAULT("marked");
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

static int read_plan(struct task *t, bool anew)
{
    struct sensor_series *ss = t->ss;

    if (anew || ss->rebuilt != t->state.rebuilt)
        plan_fini(&ss->plan);
    ss->rebuilt = t->state.rebuilt;
    int rc = plan_read(&ss->plan, t->se->scratch, t->s, ss->id, t->first, t->goal,
                       t->se->limits.port_events);
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

/* The files that are furthest behind, and the next window's limit: where they meet others. */
static size_t pick_group(struct series_file **files, size_t n, int64_t goal,
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
        if (files[i]->last_up == *from && *from < goal)
            group[picked++] = files[i];
        else if (files[i]->last_up < *limit)
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
    size_t picked, count = 0;
    int64_t from, limit;
    int rc = 0;

    while (rc == 0 && (picked = pick_group(files, n, t->goal, group, &from, &limit)) > 0) {
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

/* Checks or makes the files and fills them. Returns 0, FILES_FAILED or a negative errno. */
static int write_files(struct task *t, struct series_file **files, size_t n, bool anew)
{
    struct writer *w =
        writer_new(t->se->rrd, t->ss->name, t->se->schema, t->se->inflight, t->begin, t->stats);

    for (size_t i = 0; i < n; i++) {
        if (anew)
            writer_make(w, files[i]);
        else
            writer_check(w, files[i], t->goal);
    }
    int rc = bring_up(t, w, files, n);
    writer_free(w);
    int faults = report_faults(t, files, n);
    return rc < 0 ? rc : faults;
}

static int finish_rebuild(struct task *t, int64_t until)
{
    t->state.rebuilt = t->state.late;
    t->ss->rebuilt = t->state.rebuilt;
    t->ss->paced = until;
    FAULT("lateness");
    int rc = store_set_series_state(t->s, t->ss->id, &t->state);
    FAULT("whole");
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

static int sync_files(struct task *t, bool anew)
{
    struct sensor_series *ss = t->ss;
    struct series_file **files = xcalloc(ss->n + 1, sizeof *files);

    for (size_t i = 0; i < ss->n; i++)
        files[i] = &ss->files[i];
    int rc = write_files(t, files, ss->n, anew);
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

static int sync_sensor(struct task *t, int64_t until, unsigned how)
{
    struct series_key *keys = NULL;
    struct series_pair *pairs = NULL;
    size_t n = 0, pair_count = 0;
    bool todo;
    int rc = task_init(t, until, &todo);

    if (rc < 0 || !todo)
        return rc;
    bool anew = is_stale(t);
    if (anew && t->state.written && (how & SERIES_PACED) && t->ss->paced &&
        until < t->ss->paced + SERIES_PACE_S)
        anew = false;
    if ((rc = move_mark(t)) < 0 || (rc = read_plan(t, anew)) < 0 ||
        (rc = read_pairs(t, until, &pairs, &pair_count)) < 0)
        goto out;
    n = plan_keys(&t->ss->plan, &t->se->limits, pairs, pair_count, &keys);
    set_files(t->ss, keys, n);
    rc = sync_files(t, anew);
    if (rc == 0 && anew)
        rc = finish_rebuild(t, until);
    if (rc == 0)
        sweep_sensor(t, keys, n);
out:
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

int series_sync(struct series *se, struct store *s, int64_t until, unsigned how,
                struct series_stats *stats, struct error *err)
{
    struct sensor *sensors = NULL;
    size_t n = 0;
    bool failed = false;
    int rc = take_lock(se, how & SERIES_WAIT, err);

    *stats = (struct series_stats){0};
    if (rc < 0)
        return rc;
    rc = list_sensors(se, s, &sensors, &n, err);
    for (size_t i = 0; i < n && rc >= 0; i++) {
        if (!series_name(str_from(sensors[i].name)))
            continue;
        struct task t = {.se = se,
                         .s = s,
                         .stats = stats,
                         .err = err,
                         .ss = find_sensor(se, sensors[i].id, sensors[i].name)};
        rc = sync_sensor(&t, until, how);
        failed |= rc == FILES_FAILED;
    }
    free(sensors);
    drop_lock(se);
    return rc < 0 ? rc : failed ? -EIO : 0;
}

/* ---- pairs ---- */

/* Notes that the pairs were drawn: a new one at once, else now and then. */
static int note_pairs(struct task *t, const struct series_pair *pairs, size_t n, int64_t now)
{
    struct series_pair *known = NULL;
    size_t known_count = 0;
    int rc = store_pairs(t->s, t->ss->id, &known, &known_count);

    for (size_t i = 0; i < n && rc == 0; i++) {
        struct series_pair p = {pairs[i].port, pairs[i].country, now};
        bool fresh = false;
        for (size_t k = 0; k < known_count; k++)
            fresh |= known[k].port == p.port && known[k].country == p.country &&
                     known[k].used + PAIR_NOTED_S > now;
        if (!fresh)
            rc = store_put_pair(t->s, t->ss->id, &p);
    }
    free(known);
    return rc < 0 ? store_fault(t->se, t->s, rc, t->err) : 0;
}

static int make_pairs(struct task *t, const struct series_pair *pairs, size_t n)
{
    struct series_file *files = xcalloc(n + 1, sizeof *files);
    struct series_file **list = xcalloc(n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++)
        files[i].key = (struct series_key){SERIES_PAIR, pairs[i].country, pairs[i].port};
    qsort(files, n, sizeof *files, by_file_key);
    /* No two threads may write one file. */
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || by_file_key(list[unique - 1], &files[i]) != 0)
            list[unique++] = &files[i];
    int rc = write_files(t, list, unique, false);
    free(list);
    free(files);
    return rc;
}

int series_want_pairs(struct series *se, struct store *s, uint16_t sensor,
                      const struct series_pair *pairs, size_t n, int64_t now, struct error *err)
{
    struct sensor *sensors = NULL;
    struct series_stats stats = {0};
    struct task t = {.se = se, .s = s, .stats = &stats, .err = err};
    size_t count = 0;
    bool todo;
    int rc = take_lock(se, true, err);

    if (rc < 0)
        return rc;
    rc = list_sensors(se, s, &sensors, &count, err);
    for (size_t i = 0; i < count && rc == 0; i++)
        if (sensors[i].id == sensor && series_name(str_from(sensors[i].name)))
            t.ss = find_sensor(se, sensor, sensors[i].name);
    if (rc == 0 && t.ss && (rc = note_pairs(&t, pairs, n, now)) == 0) {
        /* Up to where the others are: the mark isn't moved. */
        rc = task_init(&t, 0, &todo);
        if (rc == 0 && todo)
            rc = make_pairs(&t, pairs, n);
    }
    free(sensors);
    drop_lock(se);
    return rc == FILES_FAILED ? -EIO : rc;
}
