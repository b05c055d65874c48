/* series.h - the RRD files: a view of the facts that can be made again at any time.
 *
 * `<data>/rrd/<sensor>/total.rrd`, `port/23-tcp.rrd`, `country/CN.rrd`, `pair/23-tcp/CN.rrd`
 * (series/name.h makes the paths). Data sources `events` (ABSOLUTE: events per second; times the
 * step it is events) and, but for pairs, `sources` (GAUGE: distinct sources of the 5-minute
 * bin). Steps, archives and heartbeat stand in `rrd/schema.yaml`.
 *
 * All series of a sensor know and don't know the same bins: a bin with an event or a watched
 * second is known (the count or zero), any other is U. They begin with the sensor's first known
 * bin and end with its last. What has no series is in a chart's `other`.
 *
 * Nothing here reads a clock: `now` and `until` are arguments. Not from the loop thread: it
 * writes files. Takes `<data>/series.lock` while it writes. One thread at a time per object; it
 * starts threads of its own.
 *
 *     struct series *se;
 *     if (series_open(data, "rrd/schema.yaml", &limits, &se, &err) < 0) ...
 *     rc = series_sync(se, store, until, SERIES_WAIT, &stats, &err);
 *     series_close(se); */
#ifndef SCANTIDE_SERIES_SERIES_H
#define SCANTIDE_SERIES_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "series/name.h"
#include "store/store.h"

struct series;

struct series_limits {     /* from the configuration */
    unsigned port_events;  /* a port with so many events in some clock hour has a series (10) */
    unsigned max_ports;    /* at most so many ports have one, those with the busiest hour first */
    const uint32_t *ports; /* always admitted, beyond the cap */
    size_t port_count;
};

struct series_options {
    struct series_limits limits;
    /* The Unix socket of an rrdcached on this host, through which files are written on; NULL or
     * empty: none. What a chart draws is flushed first, and everything before the disk is
     * synced. */
    const char *rrdcached;
    const char *boot;   /* this boot of the machine; NULL: as the kernel calls it */
    size_t slice_files; /* a slice's updates of files; 0: some that take about a second */
};

struct series_stats {
    uint64_t files_made, files_updated, rows; /* of this call */
    bool more;                                /* SERIES_PACED: there is work left, call again */
    uint64_t left, files;                     /* files that are still to be made, and all */
};

enum series_how {
    SERIES_WAIT = 1, /* for another writer; else -EWOULDBLOCK with nothing added to err */
    SERIES_LAZY = 4, /* nothing where no fact has come since: what is wrong with a file stays so */
    SERIES_PACED = 2 /* for a daemon: series are made again for late facts every SERIES_PACE_S at
                        most, the work is cut into slices, and the disk is synced now and then */
};

enum {
    SERIES_PACE_S = 900,
    SERIES_PAIR_KEPT_S = 30 * 86400 /* a pair goes when no chart has drawn it for so long */
};

/* `data`: the data folder; `schema`: path of rrd/schema.yaml. The options are copied. */
int series_open(const char *data, const char *schema, const struct series_options *options,
                struct series **out, struct error *err);
void series_close(struct series *se);

/* Brings all series of all sensors up to date with the facts: each bin up to the sensor's last
 * known one, whose end is at or before `until` (seconds; an import passes the wall clock, a
 * daemon the wall clock less 90 s, or the time up to which its inputs have delivered if that is
 * earlier). New series are made with their whole history; those that late facts touch are made
 * again beside the old files and renamed over them; the others get what they lack, many rows a
 * call. Missing, truncated or foreign files, those of another schema, and those that were written
 * in another boot and not synced are made again; files of series that are no more are removed.
 * librrd doesn't sync, so the file system is synced at the end, with SERIES_PACED once an hour.
 *
 * `how`: SERIES_WAIT, SERIES_LAZY, SERIES_PACED. Returns 0; -EIO where some files couldn't be
 * written, which are named in err and tried again by the next call, while the others are up to
 * date; or another negative errno with a fault in err. */
int series_sync(struct series *se, struct store *s, int64_t until, unsigned how,
                struct series_stats *stats, struct error *err);

/* Syncs what was written, so that the next boot needn't make it again: for a clean stop. */
int series_settle(struct series *se, struct store *s, struct error *err);

/* Brings the series that a chart draws up to date, and no others: `until` as series_sync has it,
 * but only bins that were watched to their end. They are made again where late facts touch them or
 * where that is due anyway; what isn't admitted is left out. Pairs are made, noted as drawn at
 * `now`, and kept up from then on. Nothing is done for a sensor whose series have never been
 * written. Waits for another writer; a daemon lets it in between two slices. Errors as
 * series_sync. */
int series_want(struct series *se, struct store *s, uint16_t sensor, const struct series_key *keys,
                size_t n, int64_t until, int64_t now, struct error *err);

/* Removes all series of a sensor that is no more, since another has taken it over. */
int series_forget(struct series *se, const char *sensor, struct error *err);

/* `<data>/rrd/<sensor>`, the caller's to free; NULL for what is no sensor's name. */
char *series_folder(const struct series *se, const char *sensor);

#endif
