#include "series/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "series/sweep.h"

enum {
    FAULTS_NAMED = 5,       /* a sensor; the others are counted */
    PAIR_NOTED_S = 6 * 3600 /* a pair's last use is written down no more often */
};

int task_store_fault(const struct series *se, struct store *s, int rc, struct error *err)
{
    error_add(err, se->data, 0, 0, "the facts can't be used: %s", store_error(s));
    return rc;
}

bool task_is_past(int64_t last, int64_t now, int64_t seconds)
{
    return now >= last + seconds || now < last;
}

/* ---- the files that are known ---- */

void task_forget_files(struct sensor_series *ss)
{
    for (size_t i = 0; i < ss->n; i++)
        free(ss->files[i].fault);
    free(ss->files);
    ss->files = NULL;
    ss->n = 0;
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
    task_forget_files(ss);
    ss->files = files;
    ss->n = n;
}

/* ---- what is to be done ---- */

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
        return task_store_fault(t->se, t->s, rc, t->err);
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

int task_is_current(struct task *t, int64_t until, bool *current)
{
    bool todo;
    int rc = task_init(t, until, &todo);

    *current = !todo || (t->state.written == t->goal && t->state.late == t->state.rebuilt);
    return rc;
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
    return rc < 0 ? task_store_fault(t->se, t->s, rc, t->err) : 0;
}

static bool may_mend(const struct task *t, int64_t until)
{
    const struct sensor_series *ss = t->ss;

    return !t->paced ||
           (!ss->sliced && (!ss->paced || task_is_past(ss->paced, until, SERIES_PACE_S)));
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
        return task_store_fault(t->se, t->s, rc, t->err);
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
        return task_store_fault(t->se, t->s, rc, t->err);
    }
    return 0;
}

/* The pairs that charts still draw; the others are given up. */
static int read_pairs(struct task *t, int64_t now, struct series_pair **list, size_t *n)
{
    int rc = store_pairs(t->s, t->ss->id, list, n);
    size_t kept = 0;

    if (rc < 0)
        return task_store_fault(t->se, t->s, rc, t->err);
    for (size_t i = 0; i < *n && rc == 0; i++) {
        struct series_pair *p = &(*list)[i];
        if (p->used + SERIES_PAIR_KEPT_S >= now)
            (*list)[kept++] = *p;
        else
            rc = store_drop_pair(t->s, t->ss->id, p->port, p->country);
    }
    *n = kept;
    return rc < 0 ? task_store_fault(t->se, t->s, rc, t->err) : 0;
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
            rc = task_store_fault(t->se, t->s, rc, t->err);
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
        return task_store_fault(t->se, t->s, rc, t->err);
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
        return task_store_fault(t->se, t->s, rc, t->err);
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

int task_sync(struct task *t, int64_t until)
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
    return rc < 0 ? task_store_fault(t->se, t->s, rc, t->err) : 0;
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

int task_want(struct task *t, const struct series_key *keys, size_t n, int64_t until, int64_t now)
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
        rc = task_store_fault(t->se, t->s, rc, t->err);
    if (rc == 0 && (rc = admitted(t, sorted, &n)) == 0)
        rc = write_wanted(t, sorted, n);
    touch_fini(&t->touch);
out:
    free(sorted);
    return rc;
}
