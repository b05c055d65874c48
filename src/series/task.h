/* task.h - one call's work on one sensor: its series brought up to date with the facts, all of
 * them or those that a chart draws. For the series' own files; series.h has what is promised.
 *
 * The caller holds series.lock, has connected to rrdcached and looked after another boot. */
#ifndef SCANTIDE_SERIES_TASK_H
#define SCANTIDE_SERIES_TASK_H

#include "series/plan.h"
#include "series/series.h"
#include "series/touch.h"
#include "series/write.h"

enum { SERIES_BOOT_BYTES = 64 };

/* Beside 0 and a negative errno: some files have a fault, which has been reported, and the rest is
 * well; a slice's work is done, and there is more. */
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

/* The object of series.h. */
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
    char machine[SERIES_BOOT_BYTES]; /* this boot of it */
    char boot[SERIES_BOOT_BYTES];    /* and of rrdcached */
    bool boot_checked;
    bool unsynced;  /* files have been written since the last sync */
    int64_t synced; /* `until` of that */

    /* While series.lock is held. */
    int lock;
    struct inflight *inflight;
};

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

/* Brings all series up to `until`, and removes files of those that are no more. Returns 0,
 * FILES_FAILED, SLICE_DONE, or a negative errno with a fault in t->err. */
int task_sync(struct task *t, int64_t until);

/* Whether task_sync would find nothing to do, unless somebody has laid hands on the files. 0, or a
 * negative errno. */
int task_is_current(struct task *t, int64_t until, bool *current);

/* Brings the series of the keys up to `until`, and notes pairs as drawn at `now`. Returns as
 * task_sync, but never SLICE_DONE. */
int task_want(struct task *t, const struct series_key *keys, size_t n, int64_t until, int64_t now);

/* The files of a sensor are forgotten. */
void task_forget_files(struct sensor_series *ss);

/* Whether so much time has passed; where the clock was set back, it has. */
bool task_is_past(int64_t last, int64_t now, int64_t seconds);

/* Puts what the store says into err, and returns rc. */
int task_store_fault(const struct series *se, struct store *s, int rc, struct error *err);

#endif
