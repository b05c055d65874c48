/* write.h - a window of counts into many RRD files, on as many threads as there are processors.
 *
 * A new file is a copy of a template that librrd made once: all series of a sensor begin at the
 * same time, so their empty files are the same bytes, and copying is several times faster than
 * making. It is filled beside the old file, as `.NAME.new`, and renamed over it when it has
 * reached the end. An old file is written in place, or through an rrdcached. One thread at a time
 * per object. */
#ifndef SCANTIDE_SERIES_WRITE_H
#define SCANTIDE_SERIES_WRITE_H

#include <sys/types.h>
#include <time.h>

#include "series/cached.h"
#include "series/gather.h"
#include "series/inflight.h"
#include "series/schema.h"
#include "series/series.h"

/* What is known of a file. */
struct series_file {
    struct series_key key;
    bool checked;    /* last_up is that of the file on disk, as long as it's the same file */
    bool making;     /* it is being made anew, beside what there may be */
    int64_t last_up; /* of the file that is written */
    int64_t begin;   /* of one that is being made */
    ino_t ino;       /* this and the next two: how the file looked that is written */
    off_t size;
    struct timespec changed;
    char *fault; /* why it is left alone for the rest of this call; a sentence */
};

struct writer;

/* For the files of one sensor that begin at `begin` where they are new. `rrd`: `<data>/rrd`, with
 * an rrdcached (else NULL) a whole path; all strings and objects must outlive it. */
struct writer *writer_new(const char *rrd, const char *sensor, const struct schema *sc,
                          struct inflight *f, struct cached *cached, int64_t begin,
                          struct series_stats *stats);
void writer_free(struct writer *w);

/* Finds out how far the file on disk is; one that is missing or not as it should be, or was
 * written beyond `goal`, is to be made. */
void writer_check(const struct writer *w, struct series_file *file, int64_t goal);

/* Turns to making the file anew. */
void writer_make(const struct writer *w, struct series_file *file);

/* Goes on with a file that an earlier call began to make; anew where another hand was at it. */
void writer_resume(const struct writer *w, struct series_file *file);

/* Writes the window that g has read, which begins at each file's last_up; files[i] is series i
 * of g. With `last`, new files are put in place. Faults are in the files. */
void writer_write(struct writer *w, struct series_file *const *files, size_t n,
                  const struct gather *g, int64_t from, bool last);

/* Lets rrdcached write what it has of the file. On failure a fault is in the file. */
int writer_flush(const struct writer *w, struct series_file *file);

#endif
